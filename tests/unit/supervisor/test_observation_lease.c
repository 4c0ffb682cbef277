/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "supervisor/observation_lease.h"

static struct observation_lease lease;
static int channel[2];

static int set_up(void **state)
{
	static struct config config;
	struct observation_lease next;

	(void)state;
	config = config_default;
	config.statistics.is_enabled = true;
	observation_lease_init(&lease);
	if (observation_lease_fit(&lease, &config, &next))
		return -1;
	observation_lease_replace(&lease, &next);
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, channel);
}

static int tear_down(void **state)
{
	(void)state;
	observation_lease_close(&lease);
	close(channel[0]);
	close(channel[1]);
	return 0;
}

static void test_lease_is_lent_while_there_is_room(void **state)
{
	int error = 0;

	(void)state;
	assert_int_equal(observation_lease_lend(&lease, 0, channel[0]), 0);
	for (int i = 0; !error && i < 100000; i++)
		error = observation_lease_lend(&lease, 0, channel[0]);
	assert_int_equal(error, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lease_is_lent_while_there_is_room, set_up,
						tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
