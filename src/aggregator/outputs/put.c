/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/put.h"

#include <assert.h>

#include "base/cursor.h"

#define DECIMAL_MAX 20 /* digits of 2^64 */

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

void put_word_init(struct put_word *word, const char *text)
{
	size_t length = strlen(text);

	assert(length <= sizeof(word->text));
	memset(word, 0, sizeof(*word));
	memcpy(word->text, text, length);
	word->length = (uint8_t)length;
}

char *put_decimal(char *out, uint64_t value)
{
	char digits[DECIMAL_MAX], *at = digits + sizeof(digits);

	if (value < 10) {
		*out = (char)('0' + value);
		return out + 1;
	}
	for (; value >= 100; value /= 100)
		memcpy(at -= 2, pairs + 2 * (value % 100), 2);
	if (value >= 10)
		memcpy(at -= 2, pairs + 2 * value, 2);
	else
		*--at = (char)('0' + value);
	return put_bytes(out, at, (size_t)(digits + sizeof(digits) - at));
}

static char *put_sign(char *out, int64_t value, uint64_t *magnitude)
{
	*magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	if (value < 0)
		*out++ = '-';
	return out;
}

char *put_signed(char *out, int64_t value)
{
	uint64_t magnitude;

	out = put_sign(out, value, &magnitude);
	return put_decimal(out, magnitude);
}

char *put_padded(char *out, uint64_t value, uint32_t digits)
{
	for (uint32_t at = digits; at--; value /= 10)
		out[at] = (char)('0' + value % 10);
	return out + digits;
}

char *put_fraction(char *out, int64_t value, uint32_t digits)
{
	uint64_t magnitude, unit = 1;

	for (uint32_t i = 0; i < digits; i++)
		unit *= 10;
	out = put_sign(out, value, &magnitude);
	out = put_decimal(out, magnitude / unit);
	*out++ = '.';
	out = put_padded(out, magnitude % unit, digits);
	for (; digits > 1 && out[-1] == '0'; digits--)
		out--;
	return out;
}

static char *put_ip4(char *out, const uint8_t *bytes)
{
	for (int i = 0; i < 4; i++) {
		out = put_decimal(out, bytes[i]);
		*out++ = '.';
	}
	return out - 1;
}

static char *put_hex(char *out, uint32_t word)
{
	static const char digits[] = "0123456789abcdef";
	int shift = word >= 0x1000 ? 12 : word >= 0x100 ? 8 : word >= 0x10 ? 4 : 0;

	for (; shift >= 0; shift -= 4)
		*out++ = digits[word >> shift & 15];
	return out;
}

/* The longest run of two or more words that are 0, the first of equals: where it begins, and its
 * length. */
static int find_zeros(const uint16_t *words, int *length)
{
	int begin = -1, run = 0;

	*length = 1;
	for (int i = 0; i < 8; i++) {
		run = words[i] ? 0 : run + 1;
		if (run > *length) {
			*length = run;
			begin = i - run + 1;
		}
	}
	return begin;
}

static char *put_ip6(char *out, const uint8_t *bytes)
{
	uint16_t words[8];
	int begin, length;

	for (int i = 0; i < 8; i++)
		words[i] = be16_load(bytes + 2 * i);
	begin = find_zeros(words, &length);
	for (int i = 0; i < 8; i++) {
		if (i == begin) {
			out = put_bytes(out, "::", 2);
			i += length - 1;
			continue;
		}
		if (i && i != begin + length)
			*out++ = ':';
		/* IPv4 addresses in IPv6 (RFC 5952 5), where inet_ntop sees them. */
		if (i == 6 && begin == 0 && (length == 6 || (length == 5 && words[5] == 0xffff)))
			return put_ip4(out, bytes + 12);
		out = put_hex(out, words[i]);
	}
	return out;
}

char *put_address(char *out, const struct address *address)
{
	if (address->version == 4)
		return put_ip4(out, address->bytes);
	return address->version == 6 ? put_ip6(out, address->bytes) : out;
}

/* Days to a date by years that begin in March, in eras of 400 years. */
char *put_date(char *out, int64_t seconds)
{
	int64_t days = seconds / 86400 - (seconds % 86400 < 0), era;
	uint32_t second = (uint32_t)(seconds - days * 86400), day, year, month;

	days += 719468; /* since 0000-03-01 */
	era = (days >= 0 ? days : days - 146096) / 146097;
	day = (uint32_t)(days - era * 146097);
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	out = put_padded(out, (uint64_t)(era * 400) + year + (month < 3), 4);
	*out++ = '-';
	out = put_bytes(out, pairs + 2 * month, 2);
	*out++ = '-';
	out = put_bytes(out, pairs + 2 * (day + 1), 2);
	*out++ = 'T';
	out = put_bytes(out, pairs + 2 * (second / 3600), 2);
	*out++ = ':';
	out = put_bytes(out, pairs + 2 * (second / 60 % 60), 2);
	*out++ = ':';
	return put_bytes(out, pairs + 2 * (second % 60), 2);
}
