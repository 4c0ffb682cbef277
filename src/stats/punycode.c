/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/punycode.h"

#include <stdbool.h>
#include <string.h>

/* RFC 3492 5 */
#define BASE	     36u
#define TMIN	     1u
#define TMAX	     26u
#define SKEW	     38u
#define DAMP	     700u
#define INITIAL_BIAS 72u
#define INITIAL_N    0x80u
#define CODE_MAX     0x10ffffu

/* The next character, or CODE_MAX + 1 when it is no UTF-8. What is not shortest is of no concern:
 * the list is no input of a stranger. */
static uint32_t decode(struct slice text, size_t *at)
{
	uint8_t head = text.data[(*at)++];
	uint32_t more = head < 0x80 ? 0 : head < 0xe0 ? 1 : head < 0xf0 ? 2 : 3;
	uint32_t code = more ? head & (0x3fu >> more) : head;

	if ((head >= 0x80 && head < 0xc0) || head > 0xf7 || text.length - *at < more)
		return CODE_MAX + 1;
	for (; more; more--) {
		uint8_t octet = text.data[(*at)++];

		if ((octet & 0xc0) != 0x80)
			return CODE_MAX + 1;
		code = code << 6 | (octet & 0x3f);
	}
	return code;
}

static uint32_t adapt(uint32_t delta, uint32_t count, bool is_first)
{
	uint32_t k = 0;

	delta = is_first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint8_t digit(uint32_t value)
{
	return (uint8_t)(value < 26 ? 'a' + value : '0' + value - 26);
}

struct output {
	uint8_t *label;
	uint32_t length; /* PUNYCODE_LABEL_MAX + 1: too long */
};

static void put(struct output *out, uint8_t octet)
{
	if (out->length < PUNYCODE_LABEL_MAX)
		out->label[out->length] = octet;
	if (out->length <= PUNYCODE_LABEL_MAX)
		out->length++;
}

static void put_delta(struct output *out, uint32_t delta, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;

		if (delta < t)
			break;
		put(out, digit(t + (delta - t) % (BASE - t)));
		delta = (delta - t) / (BASE - t);
	}
	put(out, digit(delta));
}

static uint32_t least_from(const uint32_t *codes, uint32_t count, uint32_t from)
{
	uint32_t least = CODE_MAX + 1;

	for (uint32_t i = 0; i < count; i++)
		if (codes[i] >= from && codes[i] < least)
			least = codes[i];
	return least;
}

/* RFC 3492 6.3; at most 63 characters below 2^21, so that nothing overflows. */
static void encode_codes(struct output *out, const uint32_t *codes, uint32_t count, uint32_t basic)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS, done = basic;

	while (done < count) {
		uint32_t next = least_from(codes, count, n);

		delta += (next - n) * (done + 1);
		n = next;
		for (uint32_t i = 0; i < count; i++) {
			delta += codes[i] < n;
			if (codes[i] != n)
				continue;
			put_delta(out, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
}

uint8_t punycode_encode(struct slice text, uint8_t label[PUNYCODE_LABEL_MAX])
{
	struct output out = {.label = label};
	uint32_t codes[PUNYCODE_LABEL_MAX], count = 0, basic = 0;

	for (size_t at = 0; at < text.length; count++) {
		if (count == PUNYCODE_LABEL_MAX)
			return 0;
		codes[count] = decode(text, &at);
		if (codes[count] > CODE_MAX)
			return 0;
		basic += codes[count] < INITIAL_N;
	}
	for (const char *prefix = "xn--"; basic < count && *prefix; prefix++)
		put(&out, (uint8_t)*prefix);
	for (uint32_t i = 0; i < count; i++)
		if (codes[i] < INITIAL_N)
			put(&out, (uint8_t)codes[i]);
	if (basic < count) {
		if (basic)
			put(&out, '-');
		encode_codes(&out, codes, count, basic);
	}
	return out.length <= PUNYCODE_LABEL_MAX ? (uint8_t)out.length : 0;
}
