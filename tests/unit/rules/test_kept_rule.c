/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "rules/kept_rule.h"

static struct rule rule;

/* What is kept of the rule, which is overwritten then. */
static struct kept_rule *keep(const char *text)
{
	char error[RULE_ERROR_MAX];
	struct kept_rule *kept;

	assert_true(rule_parse(text, &rule, error));
	kept = kept_rule_new(&rule);
	memset(&rule, 0xa5, sizeof(rule));
	assert_non_null(kept);
	return kept;
}

static void test_addresses_are_kept(void **state)
{
	struct kept_rule *kept = keep("shadow block ^a with 192.0.2.1, ::2 if type is A");

	(void)state;
	assert_int_equal(kept->action, RULE_BLOCK);
	assert_int_equal(kept->block, BLOCK_ADDRESSES);
	assert_true(kept->is_shadow);
	assert_true(kept->has_condition);
	assert_int_equal(kept->address_count, 2);
	assert_memory_equal(&kept->addresses[0], (&(struct address){{192, 0, 2, 1}, 4}), 17);
	assert_memory_equal(&kept->addresses[1], (&(struct address){{[15] = 2}, 6}), 17);
	assert_string_equal(kept->pattern, "^a");
	kept_rule_free(kept);
}

static void test_names_are_kept(void **state)
{
	struct kept_rule *kept = keep("redirect ^(.*)b to x.example");

	(void)state;
	assert_int_equal(kept->target_length, 11);
	assert_memory_equal(kept->target, "\1x\7example", 11);
	assert_int_equal(kept->address_count, 0);
	assert_false(kept->is_shadow);
	assert_false(kept->has_condition);
	kept_rule_free(kept);
	kept = keep("rewrite ^(.*)c to $1.x");
	assert_string_equal(kept->pattern, "^(.*)c");
	assert_string_equal(kept->template, "$1.x");
	kept_rule_free(kept);
	kept_rule_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_are_kept),
		cmocka_unit_test(test_names_are_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
