/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "rules/list.h"
#include "rules/list_file.h"

static const struct hash_key key = {{3, 4}};
static struct list *list;
static struct lists_report report;

/* Reads a copy of exactly that size, so that a sanitizer sees every read too far. */
static void read_bytes(enum list_format format, const void *bytes, size_t length)
{
	struct names names = {0};
	uint8_t *copy = malloc(length ? length : 1);

	memcpy(copy, bytes, length);
	assert_true(list_file_read(&names, (struct slice){copy, length}, format, &report));
	free(copy);
	free(list);
	list = malloc(list_size(&names));
	list_build(list, &names, &key);
	names_fini(&names);
}

static void read_text(enum list_format format, const char *text)
{
	read_bytes(format, text, strlen(text));
}

static int teardown(void **state)
{
	(void)state;
	free(list);
	list = NULL;
	return 0;
}

static bool is_in(const char *text)
{
	uint8_t wire[DNS_NAME_MAX], length;

	assert_true(name_parse(text, wire, &length));
	return list_match(list, (struct slice){wire, length});
}

#define assert_in(name)	    assert_true(is_in(name))
#define assert_not_in(name) assert_false(is_in(name))

static void assert_counts(uint32_t entries, uint32_t left_out, uint32_t bad, size_t first_bad)
{
	assert_int_equal(list_count(list), entries);
	assert_int_equal(report.left_out, left_out);
	assert_int_equal(report.bad, bad);
	assert_int_equal(report.first_bad, first_bad);
	assert_int_equal(*report.problem != '\0', bad > 0);
}

static void test_names_cover_themselves_and_all_below(void **state)
{
	(void)state;
	read_text(LIST_NAMES,
		  "# title\nExample.ORG\n  b.example. \t# why\n\n*.c.example\n.d.example\n");
	assert_counts(4, 0, 0, 0);
	assert_in("example.org");
	assert_in("www.example.org");
	assert_in("b.example");
	assert_in("x.c.example");
	assert_in("c.example");
	assert_in("d.example");
	assert_not_in("example");
}

static void test_root_is_no_name_of_a_host(void **state)
{
	(void)state;
	read_text(LIST_NAMES, ".\n");
	assert_counts(0, 0, 1, 1);
	assert_not_in("a");
}

static void test_bad_lines_are_counted_and_the_first_is_told(void **state)
{
	(void)state;
	read_text(LIST_NAMES, "a.example\n\nc..d\nb.example\nhttp://x.example/\n<html>\nx y\n*\n");
	assert_counts(2, 0, 5, 3);
	assert_string_equal(report.problem, "c..d is no name");
	assert_in("b.example");
}

static void test_lines_are_counted_as_taken_or_lost(void **state)
{
	(void)state;
	read_text(LIST_HOSTS, "# title\n\n127.0.0.1 localhost\n0.0.0.0 a.example\n"
			      "0.0.0.0 b.example 192.0.2.1 c..d\n0.0.0.0 192.0.2.1 c..d\nbad\n");
	assert_counts(2, 2, 3, 5);
	assert_int_equal(report.taken, 2);
	assert_int_equal(report.lost, 3);
}

static void test_internationalized_name_in_utf8_is_bad(void **state)
{
	(void)state;
	read_text(LIST_NAMES, "b\303\274cher.example\nxn--bcher-kva.example\n");
	assert_counts(1, 0, 1, 1);
	assert_string_equal(report.problem, "b\\195\\188cher.example is no name");
	assert_in("xn--bcher-kva.example");
	read_text(LIST_ADBLOCK, "||b\303\274cher.example^\n");
	assert_counts(0, 0, 1, 1);
	read_text(LIST_HOSTS, "0.0.0.0 b\303\274cher.example b.example\n");
	assert_counts(1, 0, 1, 1);
	read_text(LIST_RPZ, "b\303\274cher.example CNAME .\n");
	assert_counts(0, 0, 1, 1);
	read_text(LIST_DNSMASQ, "local=/b\303\274cher.example/\n");
	assert_counts(0, 0, 1, 1);
}

static void test_any_shape_of_lines_is_read(void **state)
{
	static const char text[] = "\xef\xbb\xbf"
				   "a.example\r\nb.example\r\n\r\n \r\nc\0d.example\r\n"
				   "e.example";

	(void)state;
	read_bytes(LIST_AUTO, text, sizeof(text) - 1);
	assert_int_equal(report.format, LIST_NAMES);
	assert_counts(3, 0, 1, 5);
	assert_string_equal(report.problem, "c\\000d.example is no name");
	assert_in("a.example");
	assert_in("e.example");
	read_text(LIST_AUTO, "\xef\xbb\xbf||a.example^");
	assert_counts(1, 0, 0, 0);
	read_text(LIST_AUTO, "");
	assert_counts(0, 0, 0, 0);
	read_text(LIST_AUTO, "\n\n");
	assert_counts(0, 0, 0, 0);
}

/* In each format: words of a megabyte, NULs, and what never ends. */
static void test_lines_of_a_megabyte_are_survived(void **state)
{
	static const uint8_t octets[] = "a. 1*/|@\\\"(;#$!\t\xff";
	size_t length = 1 << 20;
	uint8_t *text = malloc(length);

	(void)state;
	for (int format = 0; format < LIST_FORMAT_COUNT; format++) {
		for (size_t i = 0; i < sizeof(octets); i++) {
			memset(text, octets[i], length);
			read_bytes((enum list_format)format, text, length);
			assert_int_equal(list_count(list), 0);
			memcpy(text, "||a =/b (", 9);
			read_bytes((enum list_format)format, text, length);
			assert_true(strlen(report.problem) < 300);
		}
		for (size_t i = 0; i < length; i++)
			text[i] = (uint8_t) "0.0.0.0 ab.example "[i % 19];
		read_bytes((enum list_format)format, text, length);
		assert_true(list_count(list) <= 2);
	}
	read_bytes(LIST_HOSTS, text, length);
	assert_in("ab.example");
	free(text);
}

static void test_hosts_lines_are_names_alone(void **state)
{
	(void)state;
	read_text(LIST_HOSTS, "# title\n0.0.0.0 a.example\n127.0.0.1\tB.example c.example # why\n"
			      ":: d.example\n::1 e.example.\n192.0.2.7 f.example\n"
			      "fe80::1%eth0 g.example\n");
	assert_counts(7, 0, 0, 0);
	assert_in("a.example");
	assert_not_in("www.a.example");
	assert_in("b.example");
	assert_in("c.example");
	assert_in("d.example");
	assert_in("e.example");
	assert_in("f.example");
	assert_in("g.example");
}

static void test_machine_itself_is_no_entry_of_hosts(void **state)
{
	(void)state;
	read_text(LIST_HOSTS,
		  "127.0.0.1 localhost\n127.0.0.1 localhost.localdomain local\n"
		  "255.255.255.255 broadcasthost\n::1 localhost ip6-localhost ip6-loopback\n"
		  "fe80::1%lo0 localhost\nff00::0 ip6-localnet\nff00::0 ip6-mcastprefix\n"
		  "ff02::1 ip6-allnodes\nff02::2 ip6-allrouters\nff02::3 ip6-allhosts\n"
		  "0.0.0.0 0.0.0.0\n0.0.0.0 LocalHost\n");
	assert_counts(0, 0, 0, 0);
	read_text(LIST_HOSTS, "0.0.0.0 localhost.example\n0.0.0.0 ip6-ads.example\n"
			      "0.0.0.0 192.0.2.1\n0.0.0.0 2001:db8::1\n");
	assert_counts(2, 2, 0, 0);
	assert_in("localhost.example");
}

static void test_bad_lines_of_hosts_are_told_once(void **state)
{
	(void)state;
	read_text(LIST_HOSTS, "0.0.0.0 a.example b..c d..e f.example\ng.example\n127.0.0.1 # none\n"
			      "1.2.3 x.example\n");
	assert_counts(2, 0, 4, 1);
	assert_string_equal(report.problem, "b..c is no name");
	assert_in("f.example");
	read_text(LIST_HOSTS, "\n  # \na.example\n");
	assert_counts(0, 0, 1, 3);
	assert_string_equal(report.problem, "it does not begin with an address");
	read_text(LIST_HOSTS, "::\n");
	assert_string_equal(report.problem, "no name is behind the address");
}

static void test_adblock_rules_of_names_are_taken(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK, "[Adblock Plus 2.0]\n! Title: x\n# comment\n## comment\n#\n"
				"||a.example^\n||B.example^|\n|c.example^\n@@||ok.a.example^\n"
				"@@|b.example^|\nd.example\n0.0.0.0 e.example f.example # why\n"
				"g.example # why\n");
	assert_counts(8, 0, 0, 0);
	assert_in("a.example");
	assert_in("www.a.example");
	assert_not_in("ok.a.example");
	assert_not_in("x.ok.a.example");
	assert_not_in("b.example");
	assert_in("x.b.example");
	assert_in("c.example");
	assert_not_in("x.c.example");
	assert_in("x.d.example");
	assert_in("e.example");
	assert_not_in("x.e.example");
	assert_in("g.example");
}

static void test_adblock_exception_goes_over_longer_rules(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK, "@@||a.example^\n||x.y.a.example^\n0.0.0.0 z.a.example\n");
	assert_not_in("x.y.a.example");
	assert_not_in("z.a.example");
}

static void test_adblock_important_goes_over_exceptions(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK,
		  "||a.example^$important\n@@||a.example^\n"
		  "@@||b.a.example^$important\n||c.b.a.example^$important,third-party\n");
	assert_counts(3, 0, 0, 0);
	assert_in("a.example");
	assert_in("x.a.example");
	assert_not_in("b.a.example");
	assert_not_in("c.b.a.example");
}

static void test_adblock_options_without_meaning_to_names_are_passed_over(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK,
		  "||a.example^$third-party\n||b.example^$all\n||c.example^$popup,3p\n"
		  "||d.example^$doc,document\n");
	assert_counts(4, 0, 0, 0);
	read_text(LIST_ADBLOCK,
		  "||a.example^$dnstype=A\n||b.example^$client=192.0.2.1\n"
		  "||c.example^$dnsrewrite=1.2.3.4\n||d.example^$dnsrewrite,badfilter\n"
		  "||e.example^$important,domain=x.example\n||f.example^$denyallow=y\n"
		  "||g.example^$script\n||h.example^$~third-party\n||i.example^$a,\n"
		  "||j.example^$,\n");
	assert_counts(0, 10, 0, 0);
}

static void test_adblock_rules_that_no_list_of_names_says_are_left_out(void **state)
{
	static const char *const lines[] = {
		"/ads[0-9]+/",
		"/banner.gif",
		"||*.a.example^",
		"||ads*.example^",
		"||a.example",
		"||ad.",
		"||a.example/path^",
		"||a.example^path",
		"||a.example^*/x",
		"||a.example:8080^",
		"||192.0.2.1^",
		"||[2001:db8::1]^",
		"|https://a.example^",
		"@@/ads/",
		"@@a.example",
		"@@",
		"@@||ads",
		"@@||ad.",
		"@@||a.example|",
		"@@||a.example/path",
		"@@|a.example",
		"*.*.example",
		"*.example",
		"*a.example",
		"..example",
		"a.example/path",
		"a.example$important",
		"ads",
		"ad.",
		".example",
		"&ad_box_",
		"-banner.",
		"##.ad",
		"###ad",
		"a.example##.ad",
		"a.example#@#.ad",
		"a.example#?#div",
		"a.example#$#abort",
		"a.example#%#//scriptlet",
		"a.example#@%#x",
		"#@#.ad",
		"a.example$$script[x]",
		"~a.example,b.example##.ad",
		"a b=c",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool is_comment = !strcmp(lines[i], "###ad");

		read_text(LIST_ADBLOCK, lines[i]);
		assert_counts(0, !is_comment, 0, 0);
	}
}

static void test_adblock_exception_needs_no_separator(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK, "||example^\n@@||w.example\n");
	assert_counts(2, 0, 0, 0);
	assert_in("x.example");
	assert_not_in("w.example");
	assert_not_in("x.w.example");
}

static void test_adblock_names_may_have_what_says_all_below(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK, "! title\n*.wild.example\n.dot.example\n");
	assert_counts(2, 0, 0, 0);
	assert_in("x.wild.example");
	assert_in("wild.example");
	assert_in("x.dot.example");
}

static void test_adblock_rule_that_takes_another_back_is_told(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK, "||y.example^\n||y.example^$badfilter\n||ads*^$badfilter\n");
	assert_counts(1, 1, 1, 2);
	assert_string_equal(report.problem, "$badfilter takes no rule of a list back");
	assert_in("y.example");
}

static void test_adblock_lines_that_are_wrong_are_bad(void **state)
{
	(void)state;
	read_text(LIST_ADBLOCK, "||a..b^\n||^\n||a b^\nc d\n||.example^\n0.0.0.0\n");
	assert_counts(0, 0, 6, 1);
	assert_string_equal(report.problem, "a..b is no name");
}

static void test_dnsmasq_lines_cover_names_and_all_below(void **state)
{
	(void)state;
	read_text(LIST_DNSMASQ, "# comment\naddress=/a.example/b.example/0.0.0.0\n"
				"address=/c.example/::  # http://x/y\n  server=/D.example/\n"
				"local = /e.example/f.example/\nserver=/g.example/192.0.2.1#53\n"
				"address=/h.example/#\naddress=/.i.example/\n");
	assert_counts(9, 0, 0, 0);
	assert_in("a.example");
	assert_in("x.b.example");
	assert_in("c.example");
	assert_in("x.d.example");
	assert_in("f.example");
	assert_in("g.example");
	assert_in("h.example");
	assert_in("i.example");
	assert_not_in("0.0.0.0");
}

static void test_dnsmasq_server_as_usual_is_an_exception(void **state)
{
	(void)state;
	read_text(LIST_DNSMASQ, "server=/a.example/192.0.2.1\nserver=/www.a.example/#\n"
				"address=/x.www.a.example/#\n");
	assert_in("a.example");
	assert_not_in("www.a.example");
	assert_not_in("y.www.a.example");
	assert_in("x.www.a.example");
}

static void test_dnsmasq_hash_is_every_name(void **state)
{
	(void)state;
	read_text(LIST_DNSMASQ, "address=/#/192.0.2.1\nserver=/ok.example/#\n");
	assert_counts(2, 0, 0, 0);
	assert_in("a.example");
	assert_in(".");
	assert_not_in("ok.example");
}

static void test_other_lines_of_dnsmasq_are_left_out(void **state)
{
	(void)state;
	read_text(LIST_DNSMASQ, "no-resolv\nserver=192.0.2.1\nserver=//192.0.2.1\ncname=a,b\n"
				"ipset=/a.example/x\naddress=/*.a.example/192.0.2.1\n");
	assert_counts(0, 6, 0, 0);
	read_text(LIST_DNSMASQ, "address=/a.example\naddress=/b..c/d.example/\naddress=/e f/\n");
	assert_counts(1, 0, 3, 1);
	assert_string_equal(report.problem, "no slash is behind the name");
	assert_in("d.example");
}

static void test_zone_with_relative_names_is_read(void **state)
{
	(void)state;
	read_text(LIST_RPZ,
		  "; a feed\n$TTL 2h\n@ IN SOA localhost. root.localhost. (\n"
		  "  1 ; serial\n  3600 600\n  86400 60 )\n   IN NS localhost.\n"
		  "a.example CNAME .\n*.A.example CNAME . ; below\n\nb.example 60 IN CNAME *.\n"
		  "c.example IN 60 CNAME rpz-drop.\nd.example IN CNAME rpz-tcp-only.\n"
		  "e.example A 192.0.2.1\n  AAAA 2001:db8::1\n  TXT \"a ; ( \\\" text\"\n"
		  "*.f.example CNAME walled.example.\ng.example 1h30m CNAME walled\n");
	assert_counts(6, 1, 0, 0);
	assert_in("a.example");
	assert_in("x.a.example");
	assert_in("b.example");
	assert_not_in("x.b.example");
	assert_in("c.example");
	assert_not_in("d.example");
	assert_in("e.example");
	assert_not_in("f.example");
	assert_in("x.f.example");
	assert_in("g.example");
	assert_not_in("localhost");
	assert_not_in(".");
}

/* As "dig AXFR" and "named-compilezone" print zones, and as feeds do. */
static void test_name_of_the_zone_is_taken_away(void **state)
{
	static const char *const zones[] = {
		"rpz.feed.\t300\tIN\tSOA\tns. root. 1 2 3 4 5\nrpz.feed. 300 IN NS ns.\n"
		"a.example.RPZ.feed. 300 IN CNAME .\n*.a.example.rpz.feed. 300 IN CNAME .\n",
		"$ORIGIN rpz.feed.\n@ SOA ns. root. 1 2 3 4 5\na.example CNAME .\n"
		"*.a.example CNAME .\n",
		"$ORIGIN .\nrpz.feed SOA ns. root. 1 2 3 4 5\n$ORIGIN example.rpz.feed.\na CNAME "
		".\n"
		"$ORIGIN a.example.rpz.feed.\n* CNAME .\n",
		"$ORIGIN feed.\nrpz SOA ns. root. 1 2 3 4 5\n$ORIGIN rpz\na.example CNAME .\n"
		"*.a.example CNAME .\n",
		"$ORIGIN rpz.feed.\na.example CNAME .\n*.a.example CNAME .\n",
		"@ SOA ns. root. 1 2 3 4 5\n$ORIGIN rpz.feed.\na.example CNAME .\n"
		"*.a.example CNAME .\n",
		"rpz.feed. SOA ns. root. 1 2 3 4 5\na.example CNAME .\n*.a.example CNAME .\n",
		"a.example CNAME .\n*.a.example CNAME .\n",
		"a.example. CNAME .\n*.a.example. CNAME .\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		read_text(LIST_AUTO, zones[i]);
		assert_int_equal(report.format, LIST_RPZ);
		assert_counts(1, 0, 0, 0);
		assert_in("a.example");
		assert_in("x.a.example");
		assert_not_in("b.example");
	}
}

static void test_zone_has_exceptions(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "$ORIGIN rpz.feed.\n@ SOA ns. root. 1 2 3 4 5\n*.example CNAME .\n"
			    "a.example CNAME RPZ-passthru.\n*.b.example CNAME rpz-passthru.\n"
			    "c.example CNAME C.example.\n*.d.example CNAME *.d.example.\n"
			    "e.example CNAME c.example.\nf.example CNAME rpz-passthru\n");
	assert_counts(7, 0, 0, 0);
	assert_in("x.example");
	assert_not_in("a.example");
	assert_in("b.example");
	assert_not_in("x.b.example");
	assert_not_in("c.example");
	assert_in("d.example");
	assert_not_in("x.d.example");
	assert_in("e.example");
	assert_in("f.example");
}

static void test_wildcard_of_a_zone_ends_at_its_exceptions(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "$ORIGIN rpz.feed.\n*.example CNAME .\na.example CNAME rpz-passthru.\n"
			    "b.example CNAME rpz-passthru.\n*.b.example CNAME .\n"
			    "y.x.a.example CNAME .\nc.example CNAME .\n");
	assert_not_in("a.example");
	assert_not_in("x.a.example");
	assert_in("y.x.a.example");
	assert_not_in("b.example");
	assert_in("x.b.example");
	assert_in("c.example");
	assert_in("x.c.example");
}

static void test_actions_of_zones_that_no_list_says_are_left_out(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "$ORIGIN rpz.feed.\na.example CNAME rpz-tcp-only.\n"
			    "b.example CNAME RPZ-Other.\n*.c.example CNAME rpz-.\n"
			    "d.example CNAME rpz-drop.\ne.example CNAME rpz-x.example.\n");
	assert_counts(2, 3, 0, 0);
	assert_not_in("a.example");
	assert_not_in("b.example");
	assert_not_in("x.c.example");
	assert_in("d.example");
	assert_in("e.example");
}

/* Relative names are whole in such a file: absolute ones end in a name that nobody knows. */
static void test_absolute_names_of_a_zone_without_a_name_are_told(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "@ SOA ns. root. 1 2 3 4 5\n@ NS ns.\na.example CNAME .\n"
			    "b.example.rpz.feed. CNAME .\nc.example.rpz.feed. CNAME .\n");
	assert_counts(1, 0, 2, 4);
	assert_non_null(strstr(report.problem, "$ORIGIN"));
	assert_in("a.example");
	read_text(LIST_RPZ, "@ SOA ns. root. 1 2 3 4 5\n$ORIGIN rpz.feed.\n"
			    "b.example.rpz.feed. CNAME .\n");
	assert_counts(1, 0, 0, 0);
	assert_in("b.example");
}

static void test_wildcard_of_the_zone_is_everything_below_the_root(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "$ORIGIN rpz.feed.\n* CNAME *.\nok.example CNAME rpz-passthru.\n");
	assert_counts(2, 0, 0, 0);
	assert_in("a.example");
	assert_in("com");
	assert_not_in("ok.example");
	assert_not_in(".");
}

static void test_other_triggers_and_signatures_are_no_entries(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "$ORIGIN rpz.feed.\n@ SOA ns. root. 1 2 3 4 5\n"
			    "32.1.2.0.192.rpz-ip CNAME .\n24.0.2.0.192.rpz-client-ip CNAME .\n"
			    "ns.example.rpz-nsdname CNAME .\n32.1.2.0.192.RPZ-nsip CNAME .\n"
			    "$INCLUDE other\n$GENERATE 1-9 a$ CNAME .\n");
	assert_counts(0, 6, 0, 0);
	read_text(LIST_RPZ,
		  "$ORIGIN rpz.feed.\n@ DNSKEY 257 3 8 AwEAAa==\n@ A 192.0.2.1\n"
		  "a.example NSEC b.example. CNAME\na.example RRSIG CNAME 8 2 60 (\n"
		  "  2026 2025 1 rpz.feed. AAAA )\nb.example NS ns.\nrpz-ip.example CNAME .\n");
	assert_counts(1, 0, 0, 0);
	assert_in("rpz-ip.example");
}

static void test_bad_records_are_told(void **state)
{
	static const char *const records[] = {
		"a..b CNAME .",	       "a.example",
		"a.example CNAME",     "a.example IN 60",
		"a.example XYZZY .",   " CNAME .",
		"a.example CNAME . )", "$ORIGIN",
		"$ORIGIN a..b.",       "a.example CNAME (",
		"a.example ; CNAME .", "a.example.other. CNAME .",
		"a.example \0",	       "$ORIGIN *.a.",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		char text[100] = "rpz.feed. SOA ns. root. 1 2 3 4 5\n";

		if (*records[i] == ' ')
			*text = '\0';
		strcat(text, records[i]);
		read_text(LIST_RPZ, text);
		assert_int_equal(report.bad, 1);
		assert_int_equal(report.first_bad, *records[i] == ' ' ? 1 : 2);
	}
}

static void test_parenthesis_that_nothing_closes_is_told_at_the_end(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "a.example CNAME .\n@ SOA a. b. ( 1 2\nb.example CNAME .\n\n");
	assert_counts(1, 0, 1, 4);
	assert_string_equal(report.problem, "nothing closes the parenthesis of line 2");
}

/* One record is no reason to leave out the others. */
static void test_zone_is_read_on_behind_a_bad_record(void **state)
{
	(void)state;
	read_text(LIST_RPZ,
		  "a..b CNAME .\n  TXT x\nc.example FOO A 192.0.2.1\nd.example CNAME .\n");
	assert_counts(1, 0, 3, 1);
	assert_string_equal(report.problem, "a..b is no name");
	assert_in("d.example");
}

static void test_escapes_in_zones_are_read(void **state)
{
	(void)state;
	read_text(LIST_RPZ, "$ORIGIN rpz.feed.\na\\.b.example CNAME .\nc\\;d.example CNAME .\n"
			    "0/25.2.example CNAME .\ne\\\\.rpz.feed. CNAME .\nf\\032g CNAME .\n"
			    "h\\. CNAME .\n");
	assert_counts(6, 0, 0, 0);
	assert_in("a\\.b.example");
	assert_not_in("a.b.example");
	assert_in("c;d.example");
	assert_in("0/25.2.example");
	assert_in("e\\\\");
	assert_in("f\\032g");
	assert_in("h\\.");
}

static void test_longest_names_of_zones_hold(void **state)
{
	char text[700];

	(void)state;
	for (int first = 1; first < 64; first++) {
		bool is_name = 1 + first + 3 * 62 + 5 + 1 <= DNS_NAME_MAX;

		sprintf(text, "$ORIGIN feed.\n%0*d.%061d.%061d.%061d CNAME .\n", first, 0, 0, 0, 0);
		read_text(LIST_RPZ, text);
		assert_counts(is_name, 0, !is_name, is_name ? 0 : 2);
	}
}

static void test_format_is_told_by_first_lines(void **state)
{
	static const struct {
		const char *text;
		enum list_format format;
	} cases[] = {
		{"# 0.0.0.0 a\n\na.example\nb.example\n", LIST_NAMES},
		{"a.example # ||b.example^\n", LIST_NAMES},
		{"#||b.example^\n", LIST_NAMES},
		{"127.0.0.1 localhost\n", LIST_HOSTS},
		{"# x\n::1 a\n", LIST_HOSTS},
		{"junk\n0.0.0.0\ta.example", LIST_HOSTS},
		{"! Title\na.example\n", LIST_ADBLOCK},
		{"[Adblock Plus 2.0]\n", LIST_ADBLOCK},
		{"a.example\n0.0.0.0 b.example\n||c.example^\n", LIST_ADBLOCK},
		{"@@||a.example^\n", LIST_ADBLOCK},
		{"##.ad\n", LIST_ADBLOCK},
		{"a.example##.ad\n", LIST_ADBLOCK},
		{"no-resolv\naddress=/a/\n", LIST_DNSMASQ},
		{"server=/a/192.0.2.1\n", LIST_DNSMASQ},
		{"local=/a/\n", LIST_DNSMASQ},
		{"; feed\n$TTL 60\n", LIST_RPZ},
		{"$ORIGIN a.\n", LIST_RPZ},
		{"@ 60 IN SOA a. b. (\n", LIST_RPZ},
		{"@ SOA a. b. (\n", LIST_RPZ},
		{"a.example cname .\n", LIST_RPZ},
		{" CNAME .\n", LIST_RPZ},
		{"", LIST_NAMES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_text(LIST_AUTO, cases[i].text);
		assert_int_equal(report.format, cases[i].format);
	}
}

static void test_format_has_a_name(void **state)
{
	static const char *const names[] = {"auto", "names", "hosts", "adblock", "dnsmasq", "rpz"};
	enum list_format format;

	(void)state;
	for (int i = 0; i < LIST_FORMAT_COUNT; i++) {
		assert_string_equal(list_format_name((enum list_format)i), names[i]);
		assert_true(list_format_parse(names[i], &format));
		assert_int_equal(format, i);
	}
	assert_true(list_format_parse("RPZ", &format));
	assert_false(list_format_parse("", &format));
	assert_false(list_format_parse("rpzz", &format));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_cover_themselves_and_all_below),
		cmocka_unit_test(test_root_is_no_name_of_a_host),
		cmocka_unit_test(test_bad_lines_are_counted_and_the_first_is_told),
		cmocka_unit_test(test_lines_are_counted_as_taken_or_lost),
		cmocka_unit_test(test_internationalized_name_in_utf8_is_bad),
		cmocka_unit_test(test_any_shape_of_lines_is_read),
		cmocka_unit_test(test_lines_of_a_megabyte_are_survived),
		cmocka_unit_test(test_hosts_lines_are_names_alone),
		cmocka_unit_test(test_machine_itself_is_no_entry_of_hosts),
		cmocka_unit_test(test_bad_lines_of_hosts_are_told_once),
		cmocka_unit_test(test_adblock_rules_of_names_are_taken),
		cmocka_unit_test(test_adblock_exception_goes_over_longer_rules),
		cmocka_unit_test(test_adblock_important_goes_over_exceptions),
		cmocka_unit_test(test_adblock_options_without_meaning_to_names_are_passed_over),
		cmocka_unit_test(test_adblock_rules_that_no_list_of_names_says_are_left_out),
		cmocka_unit_test(test_adblock_exception_needs_no_separator),
		cmocka_unit_test(test_adblock_names_may_have_what_says_all_below),
		cmocka_unit_test(test_adblock_rule_that_takes_another_back_is_told),
		cmocka_unit_test(test_adblock_lines_that_are_wrong_are_bad),
		cmocka_unit_test(test_dnsmasq_lines_cover_names_and_all_below),
		cmocka_unit_test(test_dnsmasq_server_as_usual_is_an_exception),
		cmocka_unit_test(test_dnsmasq_hash_is_every_name),
		cmocka_unit_test(test_other_lines_of_dnsmasq_are_left_out),
		cmocka_unit_test(test_zone_with_relative_names_is_read),
		cmocka_unit_test(test_name_of_the_zone_is_taken_away),
		cmocka_unit_test(test_zone_has_exceptions),
		cmocka_unit_test(test_wildcard_of_a_zone_ends_at_its_exceptions),
		cmocka_unit_test(test_actions_of_zones_that_no_list_says_are_left_out),
		cmocka_unit_test(test_absolute_names_of_a_zone_without_a_name_are_told),
		cmocka_unit_test(test_wildcard_of_the_zone_is_everything_below_the_root),
		cmocka_unit_test(test_other_triggers_and_signatures_are_no_entries),
		cmocka_unit_test(test_bad_records_are_told),
		cmocka_unit_test(test_parenthesis_that_nothing_closes_is_told_at_the_end),
		cmocka_unit_test(test_zone_is_read_on_behind_a_bad_record),
		cmocka_unit_test(test_escapes_in_zones_are_read),
		cmocka_unit_test(test_longest_names_of_zones_hold),
		cmocka_unit_test(test_format_is_told_by_first_lines),
		cmocka_unit_test(test_format_has_a_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
