/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends a signal to a process, waits for one more line in its log that ends in a word, and prints
 * how many milliseconds went by. Lines that were there before do not count.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define PATIENCE_NS (20 * NANOSECONDS_PER_SECOND)
#define PAUSE_US    500
#define TAIL_BYTES  65536

static int signal_number(const char *name)
{
	for (int number = 1; number < NSIG; number++) {
		const char *known = sigabbrev_np(number);

		if (known && !strcmp(known, name))
			return number;
	}
	log_fatal("%s is no signal", name);
	return 0;
}

/* Whether a line behind offset ends in the word. */
static bool has_line(int log, off_t offset, const char *word)
{
	static char tail[TAIL_BYTES];
	ssize_t length = pread(log, tail, sizeof(tail) - 1, offset);
	char end[64];

	if (length <= 0)
		return false;
	tail[length] = '\0';
	snprintf(end, sizeof(end), "%s\n", word);
	return strstr(tail, end);
}

int main(int argc, char **argv)
{
	int64_t start_ns;
	off_t offset;
	int log;

	log_set_role("signaller");
	if (argc != 5)
		log_fatal("usage: signaller PID SIGNAL LOG WORD");
	log = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (log < 0)
		log_fatal("%s: %s", argv[3], strerror(errno));
	offset = lseek(log, 0, SEEK_END);
	start_ns = clock_monotonic_ns();
	if (kill(atoi(argv[1]), signal_number(argv[2])))
		log_fatal("%s: %s", argv[1], strerror(errno));
	while (!has_line(log, offset, argv[4])) {
		if (clock_monotonic_ns() - start_ns > PATIENCE_NS)
			log_fatal("no line \"%s\" after %s", argv[4], argv[2]);
		usleep(PAUSE_US);
	}
	printf("%.3f\n", (double)(clock_monotonic_ns() - start_ns) / NANOSECONDS_PER_MILLISECOND);
	close(log);
	return 0;
}
