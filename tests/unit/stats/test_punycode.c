/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "stats/punycode.h"

static void assert_label(const char *text, const char *wanted)
{
	uint8_t label[PUNYCODE_LABEL_MAX];
	struct slice slice = {(const uint8_t *)text, strlen(text)};

	assert_int_equal(punycode_encode(slice, label), strlen(wanted));
	assert_memory_equal(label, wanted, strlen(wanted));
}

/* RFC 3492 7.1, and TLDs of the root zone. */
static void test_punycode_of_known_labels(void **state)
{
	(void)state;
	assert_label("com", "com");
	assert_label("bücher", "xn--bcher-kva");
	assert_label("рф", "xn--p1ai");
	assert_label("中国", "xn--fiqs8s");
	assert_label("இந்தியா", "xn--xkc2dl3a5ee0h");
	assert_label("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye");
	assert_label("ひとつ屋根の下2", "xn--2-u9tlzr9756bt3uc0v");
	assert_label("MajiでKoiする5秒前", "xn--MajiKoi5-783gue6qz075azm5e");
	assert_label("𐐀", "xn--ci8c");
}

static void test_punycode_refuses_what_is_no_label(void **state)
{
	static const char *const texts[] = {"", "\xc3", "\xff\xff", "a\x80", "\xf8\x80\x80\x80"};
	char text[65], accents[200] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_label(texts[i], "");
	memset(text, 'a', 64);
	text[64] = '\0';
	assert_label(text, "");
	for (int i = 0; i < 63; i++)
		strcat(accents, i % 2 ? "é" : "日");
	assert_label(accents, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_punycode_of_known_labels),
		cmocka_unit_test(test_punycode_refuses_what_is_no_label),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
