/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "ipc/packet_ring.h"
#include "loop/loop.h"
#include "supervisor/generated_filter.h"
#include "supervisor/interface.h"
#include "supervisor/packet_sockets.h"
#include "supervisor/pid_file.h"
#include "supervisor/preflight.h"
#include "supervisor/report.h"
#include "supervisor/seat.h"

#define COUNT_INTERVAL_NS (1 * NANOSECONDS_PER_SECOND)
#define COUNTS_PER_REPORT 60
#define READY_TIMEOUT_NS  (30 * NANOSECONDS_PER_SECOND)
#define DRAIN_TIMEOUT_NS  (5 * NANOSECONDS_PER_SECOND)
/* An open block is retired at the latest after its time and a tick of the kernel's timer. */
#define RETIRE_NS (2 * PACKET_RING_RETIRE_MS * NANOSECONDS_PER_MILLISECOND)

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_REJECTING, PHASE_DRAINING };

struct supervisor {
	struct config config;
	int executable_fd, config_fd, filter_fd, file_fd;
	const struct filter_program *filters; /* mapped, or NULL */
	struct packet_sockets *sockets;	      /* live */
	uint64_t interface_drops_at_start;
	struct seat *seats;
	uint32_t seat_count;
	struct loop *loop;
	struct loop_event *count_timer, *phase_timer;
	enum phase phase;
	unsigned int counts;
	int status;
	bool is_problem_told; /* several workers find the same damage; one line is enough */
};

static void log_problem(struct supervisor *supervisor, const char *text)
{
	supervisor->status = EXIT_FAILURE;
	if (!supervisor->is_problem_told && *text)
		log_error("%s", text);
	supervisor->is_problem_told = true;
}

static int make_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		log_fatal("shared memory: %s", strerror(errno));
	return fd;
}

/* A standard stream that is closed must not become a descriptor of ours that somebody then reads or
 * writes as a stream: these can only fail. */
static void occupy_streams(void)
{
	int fd;

	do
		fd = open("/", O_PATH);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

/* Checks the command line in a process of its own; ends the run here when there is nothing to
 * start. */
static void run_preflight(struct supervisor *supervisor, int argc, char **argv)
{
	int fds[CHILD_FD_END], status, error;
	struct process_plan plan = {
		.executable_fd = supervisor->executable_fd,
		.role = "preflight",
		.fds = fds,
		.keeps_streams = true,
		.argument_count = argc - 1,
		.arguments = argv + 1,
	};
	struct process process;
	char text[CONFIG_ERROR_MAX];

	memset(fds, -1, sizeof(fds));
	fds[CHILD_FD_CONFIG] = supervisor->config_fd = make_memfd("dnsflow-config");
	fds[CHILD_FD_FILTER] = supervisor->filter_fd = make_memfd("dnsflow-filter");
	error = process_start(&process, &plan);
	if (error)
		log_fatal("a process cannot be started: %s", strerror(-error));
	status = process_reap(&process);
	if (WIFEXITED(status) && WEXITSTATUS(status) == PREFLIGHT_DONE)
		exit(EXIT_SUCCESS);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != PREFLIGHT_OK)
		exit(EXIT_FAILURE); /* it said why */
	fcntl(supervisor->config_fd, F_ADD_SEALS,
	      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	if (!child_read_config(supervisor->config_fd, &supervisor->config, text))
		log_fatal("%s", text);
	if (supervisor->config.is_verbose)
		log_set_level(LOG_LEVEL_DEBUG);
}

static void map_filters(struct supervisor *supervisor)
{
	struct stat status;
	void *memory;

	if (fstat(supervisor->filter_fd, &status) < 0 || !status.st_size)
		return;
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, supervisor->filter_fd,
		      0);
	if (memory == MAP_FAILED)
		log_fatal("filters: %s", strerror(errno));
	supervisor->filters = memory;
}

static void open_input(struct supervisor *supervisor)
{
	const struct config *config = &supervisor->config;
	const char *notice = NULL;
	char error[CONFIG_ERROR_MAX];

	if (config->input == CONFIG_INPUT_LIVE) {
		map_filters(supervisor);
		supervisor->sockets =
			packet_sockets_open(config, supervisor->filters, error, &notice);
		if (!supervisor->sockets)
			log_fatal("%s", error);
		if (notice)
			log_warn("%s", notice);
		supervisor->interface_drops_at_start = interface_drops(config->interface);
		return;
	}
	supervisor->file_fd = strcmp(config->read_file, "-")
				      ? open(config->read_file, O_RDONLY | O_CLOEXEC)
				      : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (supervisor->file_fd < 0)
		log_fatal("%s cannot be read: %s", config->read_file, strerror(errno));
}

static void log_input(const struct supervisor *supervisor)
{
	const struct config *config = &supervisor->config;
	char text[FILTER_TEXT_MAX];
	bool is_live = config->input == CONFIG_INPUT_LIVE;

	generated_filter(config, config->share_index, config->share_count, false, text);
	log_info("%s %s, filter %s", is_live ? "listening on" : "reading from file",
		 is_live ? config->interface : config->read_file,
		 *config->filter ? config->filter : text);
	if (config->sample_rate)
		log_info("sample_rate set to %u", config->sample_rate);
}

static void each_seat(struct supervisor *supervisor, void (*fn)(struct seat *seat))
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		fn(&supervisor->seats[i]);
}

static bool are_all(const struct supervisor *supervisor, enum seat_state state)
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		if (supervisor->seats[i].state != state)
			return false;
	return true;
}

/* Nothing half started: what has begun is ended. */
static void abandon_start(struct supervisor *supervisor, const char *text)
{
	log_problem(supervisor, text);
	each_seat(supervisor, seat_kill);
	loop_stop(supervisor->loop);
}

/* All are ready: workers begin, then packets come. From "ready" on, none is missed. */
static void run(struct supervisor *supervisor)
{
	int error = 0;

	supervisor->phase = PHASE_RUNNING;
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		seat_begin(&supervisor->seats[i]);
		supervisor->seats[i].is_replacing = true;
	}
	if (supervisor->sockets)
		error = packet_sockets_admit(supervisor->sockets);
	if (error) {
		abandon_start(supervisor, strerror(-error));
		return;
	}
	log_input(supervisor);
	log_info("ready");
}

/* Packets are rejected from now on; what is in an open block comes when it retires. */
static void begin_drain(struct supervisor *supervisor)
{
	if (supervisor->phase == PHASE_STARTING)
		abandon_start(supervisor, "stopped before it was ready");
	if (supervisor->phase != PHASE_RUNNING)
		return;
	supervisor->phase = PHASE_REJECTING;
	if (supervisor->sockets && packet_sockets_reject(supervisor->sockets))
		log_warn("packets cannot be kept out any more: those that still come are not read");
	loop_timer_set(supervisor->phase_timer, supervisor->sockets ? RETIRE_NS : 0);
}

static void on_phase_timer(void *argument)
{
	struct supervisor *supervisor = argument;

	if (supervisor->phase == PHASE_STARTING) {
		abandon_start(supervisor, "the workers do not get ready");
	} else if (supervisor->phase == PHASE_REJECTING) {
		supervisor->phase = PHASE_DRAINING;
		each_seat(supervisor, seat_drain);
		loop_timer_set(supervisor->phase_timer, DRAIN_TIMEOUT_NS);
	} else if (supervisor->phase == PHASE_DRAINING) {
		log_problem(supervisor, "a worker did not finish in time and is killed");
		each_seat(supervisor, seat_kill);
		loop_stop(supervisor->loop);
	}
}

static void on_ready(struct supervisor *supervisor, struct seat *seat)
{
	if (supervisor->phase == PHASE_STARTING) {
		if (are_all(supervisor, SEAT_READY))
			run(supervisor);
		return;
	}
	seat_begin(seat); /* a successor */
	if (supervisor->phase == PHASE_DRAINING)
		seat_drain(seat);
}

static void on_death(struct supervisor *supervisor, struct seat *seat, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "worker-%u %s", seat->index, text);
	if (supervisor->phase == PHASE_STARTING) {
		abandon_start(supervisor, line);
	} else if (supervisor->config.input == CONFIG_INPUT_STREAM &&
		   lseek(supervisor->file_fd, 0, SEEK_CUR) < 0) {
		seat->is_replacing = false; /* what it had read of a pipe is gone with it */
		abandon_start(supervisor, line);
	} else {
		log_warn("%s; a successor goes on", line);
	}
}

static void on_seat(void *argument, struct seat *seat, enum seat_event event, uint32_t status,
		    const char *text)
{
	struct supervisor *supervisor = argument;

	switch (event) {
	case SEAT_IS_READY:
		on_ready(supervisor, seat);
		break;
	case SEAT_HAS_FAILED:
		/* A file that can no longer be opened is not going to get better. */
		log_problem(supervisor, text);
		if (supervisor->phase == PHASE_STARTING ||
		    supervisor->config.input != CONFIG_INPUT_LIVE)
			abandon_start(supervisor, text);
		break;
	case SEAT_HAS_FINISHED:
		if (status)
			log_problem(supervisor, text);
		break;
	case SEAT_HAS_NOTICE:
		log_warn("worker-%u: %s", seat->index, text);
		break;
	case SEAT_HAS_DIED:
		on_death(supervisor, seat, text);
		break;
	case SEAT_HAS_ENDED:
		if (are_all(supervisor, SEAT_FINISHED))
			loop_stop(supervisor->loop);
		break;
	}
}

static void count_packets(struct supervisor *supervisor)
{
	uint64_t drops;

	if (!supervisor->sockets)
		return;
	drops = interface_drops(supervisor->config.interface);
	drops -= drops < supervisor->interface_drops_at_start /* deleted */
			 ? drops
			 : supervisor->interface_drops_at_start;
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		struct state_watch *watch = supervisor->seats[i].lease.watch;

		packet_sockets_count(supervisor->sockets, i, watch);
		__atomic_store_n(&watch->interface_drops, drops, __ATOMIC_RELAXED);
	}
}

static void sum_up(struct supervisor *supervisor, struct ledger *ledger)
{
	*ledger = (struct ledger){0};
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		const struct lease *lease = &supervisor->seats[i].lease;

		ledger_add(ledger, lease->head, lease->watch,
			   supervisor->sockets
				   ? packet_sockets_in_ring(supervisor->sockets, i, lease->head)
				   : 0);
	}
}

static void check_interface(struct supervisor *supervisor)
{
	char line[64];

	if (supervisor->phase != PHASE_RUNNING || !packet_sockets_are_orphaned(supervisor->sockets))
		return;
	snprintf(line, sizeof(line), "interface %s was deleted", supervisor->config.interface);
	log_problem(supervisor, line);
	begin_drain(supervisor);
}

static void on_count(void *argument)
{
	struct supervisor *supervisor = argument;
	struct ledger ledger;

	count_packets(supervisor);
	check_interface(supervisor);
	if (++supervisor->counts % COUNTS_PER_REPORT == 0) {
		sum_up(supervisor, &ledger);
		report_log_packets(&ledger, true);
	}
	loop_timer_set(supervisor->count_timer, COUNT_INTERVAL_NS);
}

static void log_verdicts(const struct supervisor *supervisor)
{
	uint64_t admitted, rejected;

	if (supervisor->sockets &&
	    packet_sockets_verdicts(supervisor->sockets, &admitted, &rejected))
		log_info("%" PRIu64 " packets admitted and %" PRIu64 " rejected by the filter",
			 admitted, rejected);
}

/* What there is to say at any moment and at the end. */
static void log_report(struct supervisor *supervisor)
{
	struct ledger ledger;

	count_packets(supervisor);
	sum_up(supervisor, &ledger);
	report_log_packets(&ledger, supervisor->sockets != NULL);
	log_verdicts(supervisor);
	report_log_outcome(&ledger, supervisor->config.is_verbose);
}

static void on_report(void *argument)
{
	log_report(argument);
}

static void on_terminate(void *argument)
{
	log_info("received exit signal");
	begin_drain(argument);
}

static void on_hangup(void *argument)
{
	(void)argument;
	log_info("SIGHUP: there is no configuration file to read again");
}

static void add_events(struct supervisor *supervisor)
{
	struct loop *loop = supervisor->loop = loop_new();

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	loop_add_signal(loop, SIGTERM, on_terminate, supervisor);
	loop_add_signal(loop, SIGINT, on_terminate, supervisor);
	loop_add_signal(loop, SIGHUP, on_hangup, supervisor);
	loop_add_signal(loop, SIGUSR1, on_report, supervisor);
	supervisor->phase_timer = loop_add_timer(loop, on_phase_timer, supervisor);
	supervisor->count_timer = loop_add_timer(loop, on_count, supervisor);
	/* A pipe may be silent for long before its first bytes tell what it is. */
	if (supervisor->config.input != CONFIG_INPUT_STREAM)
		loop_timer_set(supervisor->phase_timer, READY_TIMEOUT_NS);
	if (supervisor->sockets)
		loop_timer_set(supervisor->count_timer, COUNT_INTERVAL_NS);
}

/* Everything is opened before the first worker starts. */
static void open_seats(struct supervisor *supervisor)
{
	const struct config *config = &supervisor->config;
	struct process_plan plan = {.executable_fd = supervisor->executable_fd, .role = "worker"};
	char error[CONFIG_ERROR_MAX];

	supervisor->seat_count = config->worker_count;
	supervisor->seats = xcalloc(supervisor->seat_count, sizeof(*supervisor->seats));
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		struct seat *seat = &supervisor->seats[i];
		int input = supervisor->sockets ? packet_sockets_fd(supervisor->sockets, i)
						: supervisor->file_fd;

		if (!lease_open(&seat->lease, config, i, supervisor->config_fd, input, error))
			log_fatal("%s", error);
		seat->lease.watch->is_unsplit =
			supervisor->sockets && packet_sockets_are_unsplit(supervisor->sockets);
		seat_init(seat, i, &plan, supervisor->loop, on_seat, supervisor);
	}
}

static void start_seats(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		int error = seat_start(&supervisor->seats[i]);

		if (error) {
			abandon_start(supervisor, strerror(-error));
			return;
		}
	}
	loop_run(supervisor->loop);
}

/* Reports, frees everything; returns the exit status. */
static int finish(struct supervisor *supervisor)
{
	int status = supervisor->status;
	struct ledger ledger;

	if (supervisor->phase != PHASE_STARTING)
		log_report(supervisor);
	sum_up(supervisor, &ledger);
	report_log_missing(&ledger, supervisor->sockets != NULL);
	if (!supervisor->sockets && ledger_counter(&ledger, COUNTER_RECORDS_DROPPED))
		status = EXIT_FAILURE; /* a file can be read again: say that it must be */
	each_seat(supervisor, seat_fini);
	packet_sockets_close(supervisor->sockets);
	loop_free(supervisor->loop);
	free(supervisor->seats);
	free(supervisor);
	return status;
}

int supervisor_main(int argc, char **argv)
{
	struct supervisor *supervisor = xcalloc(1, sizeof(*supervisor));
	char error[CONFIG_ERROR_MAX];

	occupy_streams();
	supervisor->file_fd = -1;
	supervisor->executable_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (supervisor->executable_fd < 0)
		log_fatal("/proc/self/exe: %s (is /proc mounted?)", strerror(errno));
	run_preflight(supervisor, argc, argv);
	if (*supervisor->config.pid_file && pid_file_open(supervisor->config.pid_file, error) < 0)
		log_fatal("%s", error);
	open_input(supervisor);
	add_events(supervisor);
	open_seats(supervisor);
	log_set_role("supervisor");
	start_seats(supervisor);
	return finish(supervisor);
}
