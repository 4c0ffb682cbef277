/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/random.h"
#include "dns/message.h"
#include "dns/name.h"

#define HEADER "\0\0\0\0\0\0\0\0\0\0\0\0"
/* A message of a header and the bytes of a string literal. */
#define MESSAGE(bytes)                                                  \
	(struct slice)                                                  \
	{                                                               \
		(const uint8_t *)HEADER bytes, sizeof(HEADER bytes) - 1 \
	}

static uint8_t expanded[DNS_NAME_MAX];
static uint8_t expanded_length;

/*
 * Expands from a copy of exactly the message's size, so that a sanitizer sees every read too far.
 */
static int expand(struct slice message, size_t offset)
{
	struct name_budget budget = {1000}, same = {1000};
	uint8_t *copy = malloc(message.length ? message.length : 1);
	struct slice exact = {copy, message.length};
	int taken;

	memcpy(copy, message.data, message.length);
	taken = name_expand(exact, offset, &budget, expanded, &expanded_length);
	assert_int_equal(name_skip(exact, offset, &same), taken);
	assert_int_equal(same.steps, budget.steps);
	free(copy);
	return taken;
}

static void assert_expands(struct slice message, size_t offset, int taken, const char *text)
{
	char found[DNS_NAME_TEXT_MAX];

	assert_int_equal(expand(message, offset), taken);
	assert_int_equal(name_format(expanded, found), strlen(text));
	assert_string_equal(found, text);
	assert_int_equal(name_wire_length((struct slice){expanded, expanded_length}),
			 expanded_length);
}

static void test_name_expands_plain_name(void **state)
{
	(void)state;
	assert_expands(MESSAGE("\3www\7Example\3org\0"), 12, 17, "www.Example.org");
	assert_expands(MESSAGE("\0"), 12, 1, "");
	assert_expands(MESSAGE("\1a\0rest"), 12, 3, "a");
}

static void test_name_follows_backward_pointers(void **state)
{
	struct slice message = MESSAGE("\3org\0\3www\300\14\1a\300\21\300\27\300\14");

	(void)state;
	assert_expands(message, 17, 6, "www.org");
	assert_expands(message, 23, 4, "a.www.org");
	assert_expands(message, 27, 2, "a.www.org");
	assert_expands(message, 29, 2, "org");
}

static void test_name_accepts_pointer_to_root(void **state)
{
	(void)state;
	assert_expands(MESSAGE("\3org\0\1a\300\20"), 17, 4, "a");
	assert_expands(MESSAGE("\3org\0\300\20"), 17, 2, "");
}

static void test_name_rejects_self_pointer(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE("\300\14"), 12), 0);
	assert_int_equal(expand(MESSAGE("\1a\300\16"), 12), 0);
}

static void test_name_rejects_pointer_into_its_own_part(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE("\1a\300\14"), 12), 0);
	assert_int_equal(expand(MESSAGE("\1a\1b\300\16"), 12), 0);
}

static void test_name_rejects_pointer_loop_of_two(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE("\300\16\300\14"), 12), 0);
	assert_int_equal(expand(MESSAGE("\300\16\300\14"), 14), 0);
}

static void test_name_rejects_forward_pointer(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE("\300\20\0\0\1a\0"), 12), 0);
	assert_int_equal(expand(MESSAGE("\1b\300\20\1a\0"), 12), 0);
}

static void test_name_rejects_pointer_past_end(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE("\1a\0\377\377"), 15), 0);
}

static void test_name_rejects_pointer_into_header(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE("\1a\0\300\0"), 15), 0);
	assert_int_equal(expand(MESSAGE("\1a\0\300\13"), 15), 0);
}

static void test_name_rejects_reserved_label_types(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE("\100a\0"), 12), 0);
	assert_int_equal(expand(MESSAGE("\1a\177"), 12), 0);
	assert_int_equal(expand(MESSAGE("\200a\0"), 12), 0);
	assert_int_equal(expand(MESSAGE("\277\14"), 12), 0);
}

static void test_name_tells_end_of_message(void **state)
{
	(void)state;
	assert_int_equal(expand(MESSAGE(""), 12), -1);
	assert_int_equal(expand(MESSAGE(""), 100), -1);
	assert_int_equal(expand(MESSAGE("\3ww"), 12), -1);
	assert_int_equal(expand(MESSAGE("\3www"), 12), -1);
	assert_int_equal(expand(MESSAGE("\1a\0\300"), 15), -1);
	/* The part pointed at runs over the pointer and out of the message. */
	assert_int_equal(expand(MESSAGE("\77a\0\300\14"), 15), -1);
}

/* labels of one octet each, then rest: the wire name behind a header. */
static struct slice labels_message(uint8_t *room, size_t labels, const char *rest, size_t length)
{
	memset(room, 0, DNS_HEADER_SIZE);
	for (size_t i = 0; i < labels; i++)
		memcpy(room + DNS_HEADER_SIZE + 2 * i, "\1x", 2);
	memcpy(room + DNS_HEADER_SIZE + 2 * labels, rest, length);
	return (struct slice){room, DNS_HEADER_SIZE + 2 * labels + length};
}

static void test_name_accepts_255_octets_and_no_more(void **state)
{
	uint8_t room[600];

	(void)state;
	assert_int_equal(expand(labels_message(room, 127, "", 1), 12), 255);
	assert_int_equal(expanded_length, 255);
	assert_int_equal(expand(labels_message(room, 128, "", 1), 12), 0);
	assert_int_equal(expand(labels_message(room, 126, "\2yy", 4), 12), 0);
	assert_int_equal(expand(labels_message(room, 126, "\1y", 3), 12), 255);
}

static void test_name_counts_octets_across_pointers(void **state)
{
	uint8_t room[600];

	(void)state;
	/* 126 labels and the root are 253 octets; a label before them makes 255, one of two 256. */
	assert_int_equal(expand(labels_message(room, 126, "\0\1y\300\14", 5), 265), 4);
	assert_int_equal(expanded_length, 255);
	assert_int_equal(expand(labels_message(room, 126, "\0\2yy\300\14", 6), 265), 0);
}

static void test_name_stops_when_budget_is_spent(void **state)
{
	struct slice message = MESSAGE("\3org\0\3www\300\14");
	struct name_budget budget = {8};
	uint8_t out[DNS_NAME_MAX], length;

	(void)state;
	assert_int_equal(name_skip(message, 17, &budget), 6);
	assert_int_equal(budget.steps, 4);
	assert_int_equal(name_expand(message, 17, &budget, out, &length), 6);
	assert_int_equal(budget.steps, 0);
	assert_int_equal(name_skip(message, 12, &budget), 0);
}

/*
 * The rules of RFC 1035 and RFC 9267 once more, recursive and without thought of speed. Returns
 * octets taken, 0 or -1, as name_expand does, and appends to model.
 */
static uint8_t model[1024];
static size_t model_length;

static int model_expand(struct slice message, size_t part, size_t at)
{
	size_t label, target;
	int rest;

	if (at >= message.length)
		return -1;
	label = message.data[at];
	if (label == 0) {
		model[model_length++] = 0;
		return model_length <= 255;
	}
	if (label < 64) {
		if (model_length + 1 + label >= 255)
			return at + 1 + label >= message.length ? -2 : 0;
		if (at + 1 + label > message.length)
			return -1;
		memcpy(model + model_length, message.data + at, 1 + label);
		model_length += 1 + label;
		rest = model_expand(message, part, at + 1 + label);
		return rest <= 0 ? rest : rest + 1 + (int)label;
	}
	if (label < 192)
		return 0;
	if (at + 1 >= message.length)
		return -1;
	target = (label - 192) << 8 | message.data[at + 1];
	if (target < 12 || target >= part)
		return 0;
	rest = model_expand(message, target, target);
	return rest <= 0 ? rest : 2;
}

/* -2 of the model: too long and past the end at once, either verdict is right. */
static void assert_agrees_with_model(struct slice message, size_t offset, int taken)
{
	int expected;

	model_length = 0;
	expected = model_expand(message, offset, offset);
	if (expected == -2) {
		assert_true(taken <= 0);
		return;
	}
	assert_int_equal(taken, expected);
	if (taken <= 0)
		return;
	assert_int_equal(expanded_length, model_length);
	assert_memory_equal(expanded, model, model_length);
}

static void test_name_agrees_with_model_on_random_messages(void **state)
{
	static const uint8_t octets[] = {0,  1,	 1,   2,   3,	'a',  'b', 13, 14,
					 20, 63, 192, 192, 192, 0xc1, 64,  128};
	struct random random = {{1, 2, 3, 4}};
	uint8_t bytes[64];

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct slice message = {bytes, 12 + random_below(&random, sizeof(bytes) - 11)};
		size_t offset = 12 + random_below(&random, 20);

		for (size_t at = 0; at < sizeof(bytes); at++)
			bytes[at] = octets[random_below(&random, sizeof(octets))];
		assert_agrees_with_model(message, offset, expand(message, offset));
	}
}

static void assert_pointers_agree(uint8_t *bytes, size_t length, size_t offset)
{
	struct slice message = {bytes, length};

	for (unsigned pointer = 0; pointer <= UINT16_MAX; pointer++) {
		struct name_budget budget = {1000};
		int taken;

		be16_store(bytes + offset, (uint16_t)pointer);
		taken = name_expand(message, offset, &budget, expanded, &expanded_length);
		assert_agrees_with_model(message, offset, taken);
	}
}

static void test_name_takes_every_pointer_in_a_64k_message(void **state)
{
	const size_t length = 65535;
	uint8_t *bytes = malloc(length);
	struct random random = {{5, 6, 7, 8}};

	(void)state;
	for (size_t at = 0; at < length; at++)
		bytes[at] = (uint8_t)(random_below(&random, 12) ? random_below(&random, 9)
								: 192 + random_below(&random, 64));
	assert_pointers_agree(bytes, length, 12);
	assert_pointers_agree(bytes, length, 9000);
	assert_pointers_agree(bytes, length, 16383);
	assert_pointers_agree(bytes, length, 40000);
	assert_pointers_agree(bytes, length, length - 2);
	free(bytes);
}

static void test_name_wire_length_finds_one_name(void **state)
{
	uint8_t room[600];
	struct slice longest = labels_message(room, 127, "", 1);
	struct slice longer = {room + 12, 257};

	(void)state;
	assert_int_equal(name_wire_length((struct slice){(const uint8_t *)"\1a\0\1b", 6}), 3);
	assert_int_equal(name_wire_length((struct slice){(const uint8_t *)"\0", 1}), 1);
	assert_int_equal(name_wire_length((struct slice){longest.data + 12, 255}), 255);
	labels_message(room, 128, "", 1);
	assert_int_equal(name_wire_length(longer), 0);
}

static void test_name_wire_length_rejects_what_is_no_name(void **state)
{
	(void)state;
	assert_int_equal(name_wire_length((struct slice){(const uint8_t *)"", 0}), 0);
	assert_int_equal(name_wire_length((struct slice){(const uint8_t *)"\1a", 2}), 0);
	assert_int_equal(name_wire_length((struct slice){(const uint8_t *)"\3a\0", 3}), 0);
	assert_int_equal(name_wire_length((struct slice){(const uint8_t *)"\300\0", 2}), 0);
	assert_int_equal(name_wire_length((struct slice){(const uint8_t *)"\100", 1}), 0);
}

static void test_name_format_escapes_by_rule(void **state)
{
	char text[DNS_NAME_TEXT_MAX];

	(void)state;
	name_format((const uint8_t *)"\13aZ09-_.\\,| \3\0\377\n", text);
	assert_string_equal(text, "aZ09-_\\.\\\\\\044\\124\\032.\\000\\255\\010");
}

static void test_name_parse_takes_trailing_dot_and_root(void **state)
{
	uint8_t wire[DNS_NAME_MAX], length;

	(void)state;
	assert_true(name_parse("a.bc.", wire, &length));
	assert_int_equal(length, 6);
	assert_memory_equal(wire, "\1a\2bc", 6);
	assert_true(name_parse("", wire, &length));
	assert_int_equal(length, 1);
	assert_int_equal(wire[0], 0);
	assert_true(name_parse(".", wire, &length));
	assert_int_equal(length, 1);
}

static void test_name_parse_takes_raw_printables(void **state)
{
	uint8_t wire[DNS_NAME_MAX], length;

	(void)state;
	assert_true(name_parse("*.a/b\\,c\\.d", wire, &length));
	assert_memory_equal(wire, "\1*\7a/b,c.d", 11);
}

static void test_name_parse_rejects_what_is_no_name(void **state)
{
	static const char *const texts[] = {
		"..",	".a",	    "a..b",  "a..",   "\\",	  "a\\", "\\2",
		"\\25", "\\256",    "\\999", "\\1a2", "a b",	  " ",	 "a\n",
		"\x7f", "\xc3\xa4", "\\ ",   "a.\\",  "\\.\\.\\",
	};
	uint8_t wire[DNS_NAME_MAX], length;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(name_parse(texts[i], wire, &length));
}

static void test_name_parse_keeps_the_limits(void **state)
{
	uint8_t *wire = malloc(DNS_NAME_MAX), length;
	char text[600] = "";

	(void)state;
	memset(text, 'x', 64);
	assert_false(name_parse(text, wire, &length));
	assert_true(name_parse(text + 1, wire, &length));
	assert_int_equal(length, 65);
	for (size_t size = 240; size < 300; size++) {
		memset(text, 0, sizeof(text));
		for (size_t at = 0; at < size; at++)
			text[at] = at % 2 ? '.' : 'x';
		/*
		 * size / 2 labels and a dot, or one label more without: 2 octets a label and the
		 * root.
		 */
		assert_int_equal(name_parse(text, wire, &length), (size + 1) / 2 * 2 + 1 <= 255);
		memset(text, 0, sizeof(text));
		for (size_t at = 0; at < size; at++)
			text[at] = at % 64 == 63 ? '.' : 'x';
		assert_int_equal(name_parse(text, wire, &length),
				 size + (text[size - 1] == '.' ? 1 : 2) <= 255);
	}
	free(wire);
}

struct pair {
	uint8_t wire[70];
	uint8_t length;
	char text[4 * 70 + 1];
};

static int pair_compare(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->text, ((const struct pair *)b)->text);
}

static void pair_check(struct pair *pair)
{
	uint8_t wire[DNS_NAME_MAX], length;
	size_t size = name_format(pair->wire, pair->text);

	assert_int_equal(strlen(pair->text), size);
	assert_int_equal(strspn(pair->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789-_.\\"),
			 size);
	assert_true(name_parse(pair->text, wire, &length));
	assert_int_equal(length, pair->length);
	assert_memory_equal(wire, pair->wire, length);
}

static void assert_injective(struct pair *pairs, size_t count)
{
	qsort(pairs, count, sizeof(*pairs), pair_compare);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(pairs[i - 1].text, pairs[i].text))
			assert_memory_equal(pairs[i - 1].wire, pairs[i].wire, pairs[i].length);
}

static void test_name_format_and_parse_are_inverse_for_every_octet(void **state)
{
	static const uint8_t lengths[] = {1, 2, 63};
	struct pair *pairs = calloc(256 * 66 * 3, sizeof(*pairs));
	size_t count = 0;

	(void)state;
	for (size_t kind = 0; kind < 3; kind++)
		for (uint8_t at = 1; at <= lengths[kind]; at++)
			for (unsigned octet = 0; octet < 3 * 256; octet++) {
				struct pair *pair = &pairs[count++];

				/* Between letters, digits (as in \DDD), before a label. */
				memset(pair->wire + 1, octet < 256 ? 'a' : '0', lengths[kind]);
				pair->wire[0] = lengths[kind];
				pair->wire[at] = (uint8_t)octet;
				if (octet >= 512)
					memcpy(pair->wire + 1 + lengths[kind], "\1b", 2);
				pair->length = (uint8_t)(lengths[kind] + (octet < 512 ? 2 : 4));
				pair_check(pair);
			}
	assert_injective(pairs, count);
	free(pairs);
}

static void test_name_format_is_injective_for_all_two_octet_labels(void **state)
{
	struct pair *pairs = calloc(65536, sizeof(*pairs));

	(void)state;
	for (unsigned value = 0; value < 65536; value++) {
		pairs[value].wire[0] = 2;
		be16_store(pairs[value].wire + 1, (uint16_t)value);
		pairs[value].length = 4;
		pair_check(&pairs[value]);
	}
	assert_injective(pairs, 65536);
	free(pairs);
}

static void test_name_format_tells_dot_in_label_from_two_labels(void **state)
{
	char one[DNS_NAME_TEXT_MAX], two[DNS_NAME_TEXT_MAX];

	(void)state;
	name_format((const uint8_t *)"\3a.b", one);
	name_format((const uint8_t *)"\1a\1b", two);
	assert_string_equal(one, "a\\.b");
	assert_string_equal(two, "a.b");
}

static void test_name_format_absolute_ends_in_a_dot_the_root_too(void **state)
{
	char text[DNS_NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(name_format_absolute((const uint8_t *)"\3a.b\1c", text), 7);
	assert_string_equal(text, "a\\.b.c.");
	assert_int_equal(name_format_absolute((const uint8_t *)"", text), 1);
	assert_string_equal(text, ".");
}

static void test_name_format_fits_the_longest_text(void **state)
{
	uint8_t wire[DNS_NAME_MAX] = {63}, length, again[DNS_NAME_MAX];
	char *text = malloc(DNS_NAME_TEXT_MAX);

	(void)state;
	wire[64] = wire[128] = 63;
	wire[192] = 61;
	assert_int_equal(name_format_absolute(wire, text), 4 * 250 + 4);
	assert_int_equal(name_format(wire, text), 4 * 250 + 3);
	assert_true(name_parse(text, again, &length));
	assert_int_equal(length, 255);
	assert_memory_equal(again, wire, 255);
	free(text);
}

static void test_name_lower_word_changes_upper_case_letters_alone(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		unsigned wanted = octet >= 'A' && octet <= 'Z' ? octet + 32 : octet;

		for (int at = 0; at < 64; at += 8)
			assert_true(
				name_lower_word((uint64_t)octet << at | ~(UINT64_C(0xff) << at)) ==
				((uint64_t)wanted << at | ~(UINT64_C(0xff) << at)));
	}
}

static void test_name_lower_copies_every_length_and_nothing_beyond(void **state)
{
	uint8_t wire[DNS_NAME_MAX], out[DNS_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(wire); i++)
		wire[i] = (uint8_t)i;
	for (size_t length = 0; length <= sizeof(wire); length++) {
		memset(out, 0x5a, sizeof(out));
		name_lower(wire, length, out);
		for (size_t i = 0; i < length; i++)
			assert_int_equal(out[i], i >= 'A' && i <= 'Z' ? i + 32 : i);
		assert_int_equal(out[length], 0x5a);
	}
}

static void test_name_equal_sees_every_octet_and_no_case(void **state)
{
	uint8_t left[DNS_NAME_MAX], right[DNS_NAME_MAX];

	(void)state;
	for (size_t length = 0; length <= sizeof(left); length++) {
		memset(left, 'q', sizeof(left));
		memset(right, 'Q', sizeof(right));
		assert_true(name_equal(left, right, length));
		for (size_t i = 0; i < length; i++) {
			right[i] = 'q' ^ 0x40; /* '1': another bit than that of case */
			assert_false(name_equal(left, right, length));
			right[i] = 'q';
		}
		assert_true(name_equal(left, right, length));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_expands_plain_name),
		cmocka_unit_test(test_name_follows_backward_pointers),
		cmocka_unit_test(test_name_accepts_pointer_to_root),
		cmocka_unit_test(test_name_rejects_self_pointer),
		cmocka_unit_test(test_name_rejects_pointer_into_its_own_part),
		cmocka_unit_test(test_name_rejects_pointer_loop_of_two),
		cmocka_unit_test(test_name_rejects_forward_pointer),
		cmocka_unit_test(test_name_rejects_pointer_past_end),
		cmocka_unit_test(test_name_rejects_pointer_into_header),
		cmocka_unit_test(test_name_rejects_reserved_label_types),
		cmocka_unit_test(test_name_tells_end_of_message),
		cmocka_unit_test(test_name_accepts_255_octets_and_no_more),
		cmocka_unit_test(test_name_counts_octets_across_pointers),
		cmocka_unit_test(test_name_stops_when_budget_is_spent),
		cmocka_unit_test(test_name_agrees_with_model_on_random_messages),
		cmocka_unit_test(test_name_takes_every_pointer_in_a_64k_message),
		cmocka_unit_test(test_name_wire_length_finds_one_name),
		cmocka_unit_test(test_name_wire_length_rejects_what_is_no_name),
		cmocka_unit_test(test_name_format_escapes_by_rule),
		cmocka_unit_test(test_name_parse_takes_trailing_dot_and_root),
		cmocka_unit_test(test_name_parse_takes_raw_printables),
		cmocka_unit_test(test_name_parse_rejects_what_is_no_name),
		cmocka_unit_test(test_name_parse_keeps_the_limits),
		cmocka_unit_test(test_name_format_and_parse_are_inverse_for_every_octet),
		cmocka_unit_test(test_name_format_is_injective_for_all_two_octet_labels),
		cmocka_unit_test(test_name_format_tells_dot_in_label_from_two_labels),
		cmocka_unit_test(test_name_format_absolute_ends_in_a_dot_the_root_too),
		cmocka_unit_test(test_name_format_fits_the_longest_text),
		cmocka_unit_test(test_name_lower_word_changes_upper_case_letters_alone),
		cmocka_unit_test(test_name_lower_copies_every_length_and_nothing_beyond),
		cmocka_unit_test(test_name_equal_sees_every_octet_and_no_case),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
