/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/outputs.h"
#include "config/setting.h"

static struct config config;
static char problem[SETTING_ERROR_MAX], error[CONFIG_ERROR_MAX];

static const struct config_output *parse(const char *value)
{
	config.output_count = 0;
	if (!outputs_parse(&config, value, problem))
		fail_msg("%s: %s", value, problem);
	return config.outputs;
}

static void assert_refused(const char *value, const char *reason)
{
	config.output_count = 0;
	assert_false(outputs_parse(&config, value, problem));
	assert_string_equal(problem, reason);
}

/* Outputs with spaces between them. */
static bool complete(const char *outputs)
{
	char copy[512];

	config.output_count = 0;
	snprintf(copy, sizeof(copy), "%s", outputs);
	for (char *value = strtok(copy, " "); value; value = strtok(NULL, " "))
		assert_true(outputs_parse(&config, value, problem));
	return outputs_complete(&config, error);
}

static void assert_complete(const char *outputs)
{
	if (!complete(outputs))
		fail_msg("%s: %s", outputs, error);
}

static void assert_incomplete(const char *outputs, const char *reason)
{
	assert_false(complete(outputs));
	assert_string_equal(error, reason);
}

static void test_a_type_alone_has_the_defaults(void **state)
{
	const struct config_output *output = parse("metrics");
	struct config_output usual = config_output_default;

	(void)state;
	usual.kind = OUTPUT_METRICS;
	assert_memory_equal(output, &usual, sizeof(usual));
}

static void test_keys_follow_with_commas_between(void **state)
{
	const struct config_output *output =
		parse("file,path=/tmp/a\\,b,format=json,filter.type=A,filter.type=MX,unanswered,"
		      "filter.name-regex=^a\\.b=c{1\\,2}$,sample=5,sample=6");

	(void)state;
	assert_int_equal(output->kind, OUTPUT_FILE);
	assert_string_equal(output->path, "/tmp/a,b");
	assert_int_equal(output->format, OUTPUT_JSON);
	assert_string_equal(output->filter.type, "A\nMX");
	assert_string_equal(output->filter.name_regex, "^a\\.b=c{1,2}$");
	assert_true(output->is_unanswered_wanted);
	assert_int_equal(output->sample_rate, 6);
	assert_string_equal(parse("tcp,delimiter=\\r\\n")->delimiter, "\r\n");
	assert_string_equal(parse("tcp,delimiter=\\,\\\\n")->delimiter, ",\\n");
	assert_int_equal(parse("file,path=a,count=0")->count, 0); /* no rotation */
}

static void test_mistakes_are_told(void **state)
{
	char longer[20000];

	(void)state;
	assert_refused("", "type: has no value");
	assert_refused("ftp", "type: ftp is not stdout, file, tcp, syslog, metrics or records");
	assert_refused("file,pth=a", "pth: unknown key (did you mean path?)");
	assert_refused("file,filter.tipe=a",
		       "filter.tipe: unknown key (did you mean filter.type?)");
	assert_refused("file,endpoint=1.2.3.4:5", "endpoint: unknown key");
	assert_refused("file,path", "path: has no value");
	assert_refused("file,path=", "path: has no value");
	assert_refused("file,,", ": unknown key");
	assert_refused("file,filter.latency-at-least=-1",
		       "filter.latency-at-least: -1 is not a number that is 0 or more");
	assert_refused("file,queue=3", "queue: 3 is not a power of two from 1 to 1024");
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_refused(longer, "output: is too long");
	config.output_count = CONFIG_OUTPUTS_MAX;
	assert_false(outputs_parse(&config, "stdout", problem));
	assert_string_equal(problem, "output: there are too many");
}

static void test_the_transport_follows_from_the_type(void **state)
{
	(void)state;
	assert_int_equal(parse("tcp")->transport, OUTPUT_OVER_TCP);
	assert_int_equal(parse("syslog")->transport, OUTPUT_OVER_UDP);
	assert_int_equal(parse("tcp,transport=tls")->transport, OUTPUT_OVER_TLS);
	assert_int_equal(parse("tcp,transport=udp")->transport, OUTPUT_OVER_UDP);
}

static void test_exceptions_are_noticed(void **state)
{
	(void)state;
	assert_false(parse("stdout")->has_except);
	assert_true(parse("stdout,except.latency-at-least=0")->has_except);
	assert_true(parse("stdout,except.client=192.0.2.1")->has_except);
	assert_false(parse("stdout,filter.client=192.0.2.1")->has_except);
}

static void test_outputs_without_a_name_are_numbered_by_type(void **state)
{
	(void)state;
	assert_complete("stdout file,path=a file,path=b,name=mine file,path=c");
	assert_string_equal(config.outputs[0].name, "stdout-1");
	assert_string_equal(config.outputs[1].name, "file-1");
	assert_string_equal(config.outputs[2].name, "mine");
	assert_string_equal(config.outputs[3].name, "file-3");
	assert_incomplete("stdout,name=a file,path=a,name=a",
			  "output a: another output has the same name");
	assert_incomplete("stdout,name=file-1 file,path=a",
			  "output file-1: another output has the same name");
}

static void test_an_output_has_what_its_type_needs(void **state)
{
	(void)state;
	assert_complete(
		"tcp,address=a:1 syslog,address=[::1]:514 records,address=192.0.2.1:5300 metrics");
	assert_int_equal(config.outputs[0].endpoint.port, 1);
	assert_int_equal(config.outputs[0].endpoint.address.version, 0);
	assert_int_equal(config.outputs[1].endpoint.address.version, 6);
	assert_complete("syslog,address=/dev/log,transport=unix tcp,address=/a,transport=unix");
	assert_incomplete("file", "output file-1: path is missing");
	assert_incomplete("tcp", "output tcp-1: address is missing");
	assert_incomplete("records,address=a",
			  "output records-1: address has no port: write HOST:PORT");
	assert_incomplete(
		"syslog,address=a:0",
		"output syslog-1: address is neither an address nor a host name with its port");
	assert_incomplete("syslog,address=dev/log,transport=unix",
			  "output syslog-1: address is not the absolute path of a unix socket");
	assert_incomplete("tcp,address=a:1,transport=udp",
			  "output tcp-1: its type does not go over this transport");
	assert_incomplete("records,address=a:1,transport=tls",
			  "output records-1: its type does not go over this transport");
}

static void test_outputs_do_not_share_what_they_write(void **state)
{
	(void)state;
	assert_incomplete("file,path=a file,path=a",
			  "output file-2: another output has the same path");
	assert_incomplete("stdout,spool=s metrics,spool=s",
			  "output metrics-1: another output has the same spool");
	assert_incomplete("stdout,spool=s file,path=s",
			  "output file-1: another output has its path or spool there, too");
	assert_incomplete("file,path=s,spool=s", "output file-1: path and spool are one file");
	assert_complete("stdout stdout metrics");
	strcpy(config.write_file, "-");
	assert_incomplete("stdout", "output stdout-1: standard output is taken by -w -");
	assert_incomplete("metrics", "output metrics-1: standard output is taken by -w -");
	assert_complete("metrics,path=a");
	strcpy(config.write_file, "");
}

static void test_what_belongs_together_is_together(void **state)
{
	(void)state;
	assert_complete("tcp,address=a:1,transport=tls,tls.certificate=c,tls.key=k");
	assert_incomplete("tcp,address=a:1,transport=tls,tls.certificate=c",
			  "output tcp-1: tls.certificate and tls.key need each other");
	assert_incomplete("stdout,privacy.clients=hash",
			  "output stdout-1: privacy.clients needs privacy.key-file");
	assert_complete("stdout,privacy.clients=hash,privacy.key-file=k");
	assert_incomplete("file,path=a,fields=qname,fields=ip",
			  "output file-1: there is no field \"ip\"; is \"query-ip\" meant?");
	assert_incomplete(
		"syslog,address=a:1,syslog.hostname=m\xc3\xbc",
		"output syslog-1: syslog.app-name and syslog.hostname are printable ASCII "
		"without blanks");
}

/* What would have no effect is no surprise later. */
static void test_a_key_without_effect_is_a_mistake(void **state)
{
	(void)state;
	assert_incomplete("stdout,path=a",
			  "output stdout-1: path is a key of other types: file metrics");
	assert_incomplete("file,path=a,syslog.severity=err",
			  "output file-1: syslog.severity is a key of other types: syslog");
	assert_incomplete("metrics,filter.type=A",
			  "output metrics-1: filter.type is a key of other types: stdout file tcp "
			  "syslog records");
	assert_incomplete("records,address=a:1,format=json",
			  "output records-1: format is a key of other types: stdout file tcp "
			  "syslog");
	assert_complete("stdout,max-size=0 metrics,path=a,max-size=5,compress=gzip,queue=8");
	assert_incomplete("tcp,address=a:1,tls.verify=false",
			  "output tcp-1: tls needs transport: tls");
	assert_incomplete("stdout,privacy.key-file=k",
			  "output stdout-1: privacy.key-file needs privacy.clients: hash or "
			  "cryptopan");
	assert_incomplete("file,path=a,max-age=5,command=\t", "output file-1: command is blank");
	assert_incomplete("stdout,spool-size=5", "output stdout-1: spool-size needs spool");
	assert_incomplete("file,path=a,compress=zstd",
			  "output file-1: compress and command need max-size or max-age, and a "
			  "count above 0");
	assert_incomplete("file,path=a,command=c,max-age=5,count=0",
			  "output file-1: compress and command need max-size or max-age, and a "
			  "count above 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_type_alone_has_the_defaults),
		cmocka_unit_test(test_keys_follow_with_commas_between),
		cmocka_unit_test(test_mistakes_are_told),
		cmocka_unit_test(test_the_transport_follows_from_the_type),
		cmocka_unit_test(test_exceptions_are_noticed),
		cmocka_unit_test(test_outputs_without_a_name_are_numbered_by_type),
		cmocka_unit_test(test_an_output_has_what_its_type_needs),
		cmocka_unit_test(test_outputs_do_not_share_what_they_write),
		cmocka_unit_test(test_what_belongs_together_is_together),
		cmocka_unit_test(test_a_key_without_effect_is_a_mistake),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
