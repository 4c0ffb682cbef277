/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_rig.h"

static char pushed[64];
static int pushes, opened_files, opened_stdouts;
static bool was_cumulative;

void output_push(struct output *output, const void *record, size_t length)
{
	(void)output;
	pushes++;
	memcpy(pushed, record, length);
	pushed[length] = '\0';
}

static bool open_file(struct output *output, char *error)
{
	(void)output;
	(void)error;
	opened_files++;
	return true;
}

static bool open_stdout(struct output *output, char *error)
{
	(void)output;
	(void)error;
	opened_stdouts++;
	return true;
}

static void nothing(struct output *output)
{
	(void)output;
}

static void tick_nothing(struct output *output, int64_t now_ns)
{
	(void)output;
	(void)now_ns;
}

const struct output_ops output_file = {
	.open = open_file, .start = nothing, .tick = tick_nothing, .close = nothing};
const struct output_ops output_stdout = {
	.open = open_stdout, .start = nothing, .tick = tick_nothing, .close = nothing};

static size_t make_line(void *argument, bool is_cumulative, char *line, size_t size)
{
	(void)argument;
	was_cumulative = is_cumulative;
	return (size_t)snprintf(line, size, "%d QUERIES", pushes);
}

static int set_up(void **state)
{
	pushes = opened_files = opened_stdouts = 0;
	return rig_set_up(state);
}

static void tick_at(int64_t seconds)
{
	output_metrics.tick(&rig.output, seconds * NANOSECONDS_PER_SECOND);
}

static void test_line_comes_each_interval(void **state)
{
	(void)state;
	rig.config.interval_s = 10;
	rig.config.is_cumulative = true;
	rig_open(&output_metrics);
	rig.host.metrics_line = make_line;
	assert_int_equal(opened_stdouts, 1);
	for (int64_t second = 1000; second < 1010; second++)
		tick_at(second);
	assert_int_equal(pushes, 0);
	tick_at(1010);
	assert_int_equal(pushes, 1);
	assert_string_equal(pushed, "0 QUERIES\n");
	assert_true(was_cumulative);
	tick_at(1019);
	assert_int_equal(pushes, 1);
	tick_at(1055); /* late: the intervals that were missed bring one line */
	assert_int_equal(pushes, 2);
	tick_at(1059);
	assert_int_equal(pushes, 2);
	tick_at(1060);
	assert_int_equal(pushes, 3);
}

static void test_path_makes_it_a_file(void **state)
{
	(void)state;
	strcpy(rig.config.path, "/var/log/metrics");
	rig_open(&output_metrics);
	assert_int_equal(opened_files, 1);
	assert_int_equal(opened_stdouts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line_comes_each_interval, set_up,
						rig_tear_down),
		cmocka_unit_test_setup_teardown(test_path_makes_it_a_file, set_up, rig_tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
