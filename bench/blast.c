/* SPDX-License-Identifier: BSD-3-Clause */
/* Replays a capture onto an interface, frames as they are, as fast as the kernel takes them or at a
 * rate. */
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "pcap/savefile.h"
#include "tests/lib/file.h"

#define BATCH	   64
#define SEND_BYTES (8 << 20)

struct options {
	const char *interface;
	const char *path;
	uint64_t loops;
	uint64_t rate;
	double seconds;
	int cpu;
};

struct blast {
	struct iovec *frames;
	size_t frame_count;
	struct mmsghdr batch[BATCH];
	int socket;
	uint64_t sent;
	uint64_t refused; /* frames that the interface does not take, such as longer ones than its
			     MTU */
	int64_t start_ns;
};

static volatile sig_atomic_t is_stopped;

static void on_signal(int number)
{
	(void)number;
	is_stopped = 1;
}

static void frames_load(struct blast *blast, const char *path)
{
	struct savefile_record record;
	size_t room = 1 << 16;
	struct savefile file;
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	struct slice bytes;
	int error = file_map(path, &bytes);

	if (error < 0)
		log_fatal("%s: %s", path, strerror(-error));
	if (savefile_open(&file, bytes) != SAVEFILE_OK)
		log_fatal("%s: not a pcap file", path);
	blast->frames = xmalloc(room * sizeof(*blast->frames));
	while (savefile_next(&file, &offset, &record) == SAVEFILE_OK) {
		if (blast->frame_count == room) {
			room *= 2;
			blast->frames = realloc(blast->frames, room * sizeof(*blast->frames));
			if (!blast->frames)
				log_fatal("out of memory");
		}
		blast->frames[blast->frame_count++] =
			(struct iovec){(void *)(uintptr_t)record.frame.data, record.frame.length};
	}
	if (!blast->frame_count)
		log_fatal("%s: no packets", path);
}

static int socket_open(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), yes = 1, bytes = SEND_BYTES;

	address.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || !address.sll_ifindex || bind(fd, (void *)&address, sizeof(address)) < 0)
		log_fatal("%s: %s", interface, strerror(errno));
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	return fd;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		log_fatal("cpu %d: %s", cpu, strerror(errno));
}

/* Sends count frames from index on; a frame that is refused is passed over. */
static void send_frames(struct blast *blast, size_t index, size_t count)
{
	for (size_t i = 0; i < count; i++)
		blast->batch[i].msg_hdr.msg_iov = &blast->frames[index + i];
	for (size_t done = 0; done < count && !is_stopped;) {
		int sent =
			sendmmsg(blast->socket, blast->batch + done, (unsigned)(count - done), 0);

		if (sent > 0) {
			done += (size_t)sent;
			blast->sent += (uint64_t)sent;
		} else if (errno != ENOBUFS && errno != EINTR && errno != EAGAIN) {
			done++;
			blast->refused++;
		}
	}
}

static void pace(const struct blast *blast, uint64_t rate)
{
	uint64_t passed = blast->sent + blast->refused;
	int64_t due_ns = blast->start_ns + (int64_t)((double)passed * 1e9 / (double)rate);
	struct timespec due = {due_ns / NANOSECONDS_PER_SECOND, due_ns % NANOSECONDS_PER_SECOND};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void run(struct blast *blast, const struct options *options)
{
	int64_t end_ns = INT64_MAX;
	size_t batch = BATCH, count;

	for (int i = 0; i < BATCH; i++)
		blast->batch[i].msg_hdr.msg_iovlen = 1;
	if (options->rate && options->rate / 1000 + 1 < batch)
		batch = options->rate / 1000 + 1;
	blast->start_ns = clock_monotonic_ns();
	if (options->seconds > 0)
		end_ns = blast->start_ns + (int64_t)(options->seconds * 1e9);
	for (uint64_t loop = 0; loop < options->loops; loop++) {
		for (size_t index = 0; index < blast->frame_count; index += count) {
			count = blast->frame_count - index;
			count = count < batch ? count : batch;
			send_frames(blast, index, count);
			if (is_stopped || clock_monotonic_ns() >= end_ns)
				return;
			if (options->rate)
				pace(blast, options->rate);
		}
	}
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: blast -i interface -r file [--loops N] [--rate packets_per_second]\n"
		"             [--seconds limit] [--cpu N]\n");
	exit(1);
}

static struct options options_parse(int argc, char **argv)
{
	static const struct option longs[] = {{"loops", required_argument, NULL, 'l'},
					      {"rate", required_argument, NULL, 'p'},
					      {"seconds", required_argument, NULL, 's'},
					      {"cpu", required_argument, NULL, 'c'},
					      {0}};
	struct options o = {.loops = 1, .cpu = -1};
	int c;

	while ((c = getopt_long(argc, argv, "i:r:", longs, NULL)) != -1) {
		if (c == 'i')
			o.interface = optarg;
		else if (c == 'r')
			o.path = optarg;
		else if (c == 'l')
			o.loops = strtoull(optarg, NULL, 0);
		else if (c == 'p')
			o.rate = strtoull(optarg, NULL, 0);
		else if (c == 's')
			o.seconds = strtod(optarg, NULL);
		else if (c == 'c')
			o.cpu = atoi(optarg);
		else
			usage();
	}
	if (!o.interface || !o.path || optind < argc)
		usage();
	return o;
}

int main(int argc, char **argv)
{
	struct options options = options_parse(argc, argv);
	struct blast *blast = xcalloc(1, sizeof(*blast));
	double seconds, cpu;

	log_set_role("blast");
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (options.cpu >= 0)
		pin(options.cpu);
	frames_load(blast, options.path);
	blast->socket = socket_open(options.interface);
	cpu = cpu_seconds();
	run(blast, &options);
	seconds = (double)(clock_monotonic_ns() - blast->start_ns) / 1e9;
	cpu = cpu_seconds() - cpu;
	printf("blast_packets %lu packets\n", blast->sent);
	printf("blast_refused %lu packets\n", blast->refused);
	printf("blast_seconds %.3f s\n", seconds);
	printf("blast_packets_per_second %.0f packets/s\n", (double)blast->sent / seconds);
	printf("blast_cpu_us_per_packet %.3f us\n",
	       cpu * 1e6 / (double)(blast->sent ? blast->sent : 1));
	close(blast->socket);
	free(blast->frames);
	free(blast);
	return 0;
}
