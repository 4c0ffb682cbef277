/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "config/arguments.h"
#include "config/document.h"
#include "config/origins.h"
#include "config/print.h"
#include "config/rules.h"
#include "ipc/control.h"
#include "loop/loop.h"
#include "net/link.h"
#include "pcap/filter.h"
#include "pcap/savefile.h"
#include "pcap/stream.h"
#include "rules/filter.h"
#include "supervisor/aggregation_check.h"
#include "supervisor/bpf.h"
#include "supervisor/generated_filter.h"
#include "supervisor/interface.h"
#include "supervisor/links.h"
#include "supervisor/list_files.h"
#include "supervisor/service.h"
#include "tls/context.h"

/* What a quarantine of live capture holds (ipc/quarantine.h). */
#define DLT_ETHERNET 1
#define DLT_COOKED   113

#define WRITER_TIMEOUT_MS 1000 /* of a pipe, to come */

struct preflight {
	struct config config;
	char config_name[CONFIG_TEXT_MAX];
	struct origins origins;	  /* of texts that stay until we end */
	enum config_result asked; /* CONFIG_OK, CONFIG_CHECK or CONFIG_PRINT */
	struct interface interface;
	struct filter_handle *handle; /* live */
	int file_fd;		      /* -r */
	struct list_files *lists;
	int earlier_lists_fd; /* of a reload, or -1 */
};

static int count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);
}

static void print_version(void)
{
	const struct scmp_version *seccomp = seccomp_version();

	printf("dnsflow %s\n%s\nlibevent %s\n%s\nlibseccomp %u.%u.%u\nlibyaml %s\njansson %s\n",
	       DNSFLOW_VERSION, filter_library_version(), loop_library_version(),
	       bpf_library_version(), seccomp->major, seccomp->minor, seccomp->micro,
	       document_yaml_version(), document_json_version());
	printf("%s\nPCRE2 %s\nlibmaxminddb " LIBMAXMINDDB_VERSION "\n%s\n%s\n%s\n",
	       tls_library_version(), rules_library_version(), links_library_version(),
	       service_library_version(), stream_library_versions());
}

static void print_help(void)
{
	char text[FILTER_TEXT_MAX];

	config_print_usage(stdout);
	generated_filter(&config_default, 0, 1, false, text);
	printf("\nDefault filter: %s\n", text);
}

static enum config_result parse_arguments(struct config *config, int argc, char **argv)
{
	char error[CONFIG_ERROR_MAX];
	const enum config_result result = config_parse_arguments(config, argc, argv, error);

	switch (result) {
	case CONFIG_HELP:
		print_help();
		exit(PREFLIGHT_DONE);
	case CONFIG_VERSION:
		print_version();
		exit(PREFLIGHT_DONE);
	case CONFIG_ERROR:
		log_fatal("%s", error);
	case CONFIG_OK:
	case CONFIG_CHECK:
	case CONFIG_PRINT:
		break;
	}
	return result;
}

/* Without waiting: in open() a pipe holds us until somebody writes to it, a device perhaps for
 * ever.
 */
static int open_config(const char *path, bool *is_pipe)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		log_fatal("%s cannot be read: %s", path, strerror(errno));
	*is_pipe = S_ISFIFO(status.st_mode);
	if (S_ISBLK(status.st_mode) ||
	    (S_ISCHR(status.st_mode) && status.st_rdev != makedev(1, 3) /* null */))
		log_fatal("%s cannot be read: it is neither a file nor a pipe", path);
	return fd;
}

/* To the end, which of a pipe only shows when all has been read. Returns the length. */
static size_t read_whole(const char *path, uint8_t *bytes, size_t size)
{
	bool is_pipe;
	struct pollfd readable = {.fd = open_config(path, &is_pipe), .events = POLLIN};
	size_t length = 0;
	ssize_t got;

	do {
		poll(&readable, 1, WRITER_TIMEOUT_MS);
		got = read(readable.fd, bytes + length, size - length);
		if (got < 0 && errno == EAGAIN)
			continue; /* somebody is there, and will write */
		if (got < 0)
			log_fatal("%s cannot be read: %s", path, strerror(errno));
		if (!got && !length && is_pipe)
			log_fatal("%s is a pipe that nobody writes to: start its writer first",
				  path);
		length += (size_t)got;
	} while (got && length < size);
	close(readable.fd);
	return length;
}

/* The whole of a file, for origins. */
static struct slice read_text(const char *path)
{
	const size_t size = CONFIG_PRINTED_MAX + 1;
	uint8_t *bytes = xmalloc(size);
	size_t length = read_whole(path, bytes, size);

	if (length == size)
		log_fatal("%s is too large: a configuration has at most %d KiB", path,
			  CONFIG_PRINTED_MAX / 1024);
	return (struct slice){bytes, length};
}

/* Each line of the text. */
static void warn_of_lines(char *text)
{
	for (char *line; (line = strsep(&text, "\n"));)
		if (*line)
			log_warn("%s", line);
}

static void parse_file(struct preflight *preflight, const char *path)
{
	struct origins *origins = &preflight->origins;
	char error[CONFIG_ERROR_MAX];

	origins->config = read_text(path);
	origins->config_name = strcpy(preflight->config_name, path);
	if (!config_parse(&preflight->config, CONFIG_TEXT_FILE, path, origins->config, error))
		log_fatal("%s", error);
	warn_of_lines(error);
}

/* Rules of a file are handed over with all others; what is printed names the file only. */
static void read_rules(struct preflight *preflight)
{
	struct config *config = &preflight->config;
	struct origins *origins = &preflight->origins;
	char error[CONFIG_ERROR_MAX];

	origins->rules = read_text(config->rules_file);
	origins->rules_name = config->rules_file;
	if (!rules_read(config, config->rules_file, origins->rules, error))
		log_fatal("%s", error);
	warn_of_lines(error);
}

/* The rules of a file that is a proxy's may be tried where nothing is to be answered. */
static void leave_out_listeners(struct config *config, enum config_result asked)
{
	if (config_has_proxy(config) && asked != CONFIG_PRINT)
		log_info("--dry-run answers nobody: proxy.listen of %s has no effect",
			 config->config_file);
	*config->proxy.listen = '\0';
}

/* The command line is read twice: what it says of a file goes over what the file says. */
static enum config_result read_options(struct preflight *preflight, int argc, char **argv)
{
	struct config *config = &preflight->config;
	char path[CONFIG_TEXT_MAX];
	enum config_result result;
	bool is_rehearsing;

	*config = config_default;
	result = parse_arguments(config, argc, argv);
	if (!*config->config_file)
		return result;
	is_rehearsing = config->is_dry_run && !config_has_proxy(config);
	strcpy(path, config->config_file);
	parse_file(preflight, path);
	result = parse_arguments(config, argc, argv);
	if (is_rehearsing)
		leave_out_listeners(config, result);
	return result;
}

static void warn_of_options(const struct config *config, uint32_t asked_workers, uint32_t cpu_count)
{
	if (*config->write_file && config->destination_count)
		log_warn("-u has no effect with -w: only the file gets records");
	if (*config->read_file && *config->interface)
		log_warn("-i has no effect with -r: packets come from the file");
	if (config_has_proxy(config) && !rules_resolve(config))
		log_warn("no rule resolves: what the rules do not answer is refused");
	if (asked_workers > 1 && config->share_count > 1)
		log_warn("-M has no effect with -m: the other shares are other daemons");
	else if (config->worker_count > cpu_count)
		log_warn("%u workers on %u CPUs: some share a CPU", config->worker_count,
			 cpu_count);
}

static void read_arguments(struct preflight *preflight, int argc, char **argv)
{
	struct config *config = &preflight->config;
	const uint32_t cpu_count = (uint32_t)count_cpus();
	char error[CONFIG_ERROR_MAX];
	uint32_t asked_workers;

	preflight->asked = read_options(preflight, argc, argv);
	asked_workers = config->worker_count;
	if (*config->rules_file && preflight->asked != CONFIG_PRINT)
		read_rules(preflight);
	if (!config_complete(config, cpu_count, &preflight->origins, error) ||
	    (config_has_observer(config) && !aggregation_check(config, error)))
		log_fatal("%s", error);
	if (preflight->asked != CONFIG_PRINT)
		warn_of_options(config, asked_workers, cpu_count);
}

static void find_user(struct config *config)
{
	const struct passwd *user = NULL;

	if (geteuid() != 0) {
		config->uid = geteuid();
		config->gid = getegid();
		return;
	}
	if (*config->user) {
		user = getpwnam(config->user);
		if (!user)
			log_fatal("no user is named %s (--user)", config->user);
	}
	if (!user)
		user = getpwnam("dnsflow");
	if (!user)
		user = getpwnam("nobody");
	if (!user)
		log_fatal("neither the user dnsflow nor nobody exists: give --user");
	config->uid = user->pw_uid;
	config->gid = user->pw_gid;
}

/* Without the right to capture nothing else is worth saying. */
static void check_right(const char *interface)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		log_fatal("capturing on %s needs root (or CAP_NET_RAW): run with sudo", interface);
	close(fd);
}

static void open_interface(struct preflight *preflight)
{
	struct config *config = &preflight->config;
	char error[CONFIG_ERROR_MAX];

	if (!*config->interface &&
	    filter_default_interface(config->interface, sizeof(config->interface)))
		log_fatal("no interface to capture on: give -i, or -r FILE");
	if (!interface_check(config->interface, &preflight->interface, error))
		log_fatal("%s", error);
	check_right(config->interface);
	config->link = preflight->interface.is_ethernet ? DLT_ETHERNET : DLT_COOKED;
	preflight->handle = filter_handle_open(config->interface, error);
	if (!preflight->handle)
		log_fatal("%s cannot be captured: %s", config->interface, error);
}

static void open_file(struct preflight *preflight)
{
	const char *path = preflight->config.read_file;
	struct stat status;

	preflight->file_fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (preflight->file_fd >= 0 &&
	    (fstat(preflight->file_fd, &status) < 0 || S_ISDIR(status.st_mode)))
		errno = EISDIR;
	else if (preflight->file_fd >= 0 || !strcmp(path, "-"))
		return;
	log_fatal("%s cannot be read: %s", path, strerror(errno));
}

static void open_input(struct preflight *preflight)
{
	if (*preflight->config.read_file)
		open_file(preflight);
	else if (config_has_capture(&preflight->config))
		open_interface(preflight);
}

static void check_link(struct config *config, int dlt)
{
	struct filter_program *program = xmalloc(sizeof(*program));
	char error[256];

	config->link = (uint32_t)dlt;
	if (link_type_of_dlt(dlt) == LINK_UNSUPPORTED)
		log_fatal("%s: Unsupported datalink: %d", config->read_file, dlt);
	if (*config->filter && filter_compile(config->filter, dlt, program, error))
		log_fatal("filter: %s", error);
	free(program);
}

/* Plain savefiles are mapped and divided among workers; all else is read in order, by one. A pipe
 * cannot be looked at. */
static void look_at_file(struct preflight *preflight)
{
	struct config *config = &preflight->config;
	uint8_t first[SAVEFILE_HEADER_SIZE];
	struct slice header = {first, 0};
	struct savefile file;
	struct stream *stream;
	char error[256];
	ssize_t length = pread(preflight->file_fd, first, sizeof(first), 0);

	if (length == 0)
		log_fatal("%s is empty", config->read_file);
	header.length = length > 0 ? (size_t)length : 0;
	config->input = stream_is_plain(header) ? CONFIG_INPUT_MAPPED : CONFIG_INPUT_STREAM;
	if (config->input == CONFIG_INPUT_MAPPED) {
		if (savefile_open(&file, header) != SAVEFILE_OK)
			log_fatal("%s is too short to be a capture file", config->read_file);
		check_link(config, file.dlt);
		return;
	}
	if (config->worker_count > 1)
		log_info("%s is read by one worker: only plain pcap files can be divided",
			 config->read_file);
	config->worker_count = 1;
	if (length < 0)
		return;
	stream = stream_open_take(preflight->file_fd, error);
	if (!stream)
		log_fatal("%s: %s", config->read_file, error);
	check_link(config, stream_dlt(stream));
	stream_close(stream);
}

/* Finds the address of a host; the port is there already. what: who wants it. */
static void look_up(const char *what, const char *text, struct endpoint *endpoint)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found = NULL;
	struct sockaddr_storage address = {0};
	uint16_t port = endpoint->port, ignored;
	char host[256];
	int error;

	config_split_host_port(text, host, sizeof(host), &ignored);
	error = getaddrinfo(host, NULL, &hints, &found);
	if (error)
		log_fatal("%s %s: %s", what, host, gai_strerror(error));
	memcpy(&address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	if (!endpoint_from_sockaddr(&address, endpoint))
		log_fatal("%s %s has no IP address", what, host);
	endpoint->port = port;
}

static void resolve(struct config *config)
{
	for (uint32_t i = 0; i < config->destination_count; i++) {
		struct config_destination *destination = &config->destinations[i];

		if (!destination->endpoint.address.version)
			look_up("destination", destination->text, &destination->endpoint);
		endpoint_format(&destination->endpoint, destination->text);
	}
	for (uint32_t i = 0; i < config->output_count; i++) {
		struct config_output *output = &config->outputs[i];

		if (output->endpoint.port && !output->endpoint.address.version)
			look_up(output->name, output->address, &output->endpoint);
	}
}

static void write_all(int fd, const void *bytes, size_t length)
{
	if (write(fd, bytes, length) != (ssize_t)length)
		log_fatal("the configuration cannot be handed over: %s", strerror(errno));
}

static void hand_over_filter(struct preflight *preflight, const char *expression)
{
	struct filter_program *program = xmalloc(sizeof(*program));
	char error[256];

	if (filter_handle_compile(preflight->handle, expression, program, error))
		log_fatal("filter: %s", error);
	write_all(CHILD_FD_FILTER, program, sizeof(*program));
	free(program);
}

/* Live: the program of -f, or one of the generated text for each share, for a kernel without eBPF.
 */
static void compile_filters(struct preflight *preflight)
{
	const struct config *config = &preflight->config;
	bool is_untagged = filter_handle_link(preflight->handle) != LINK_ETHERNET;
	char text[FILTER_TEXT_MAX];

	if (*config->filter)
		hand_over_filter(preflight, config->filter);
	for (uint32_t worker = 0; !*config->filter && worker < config->worker_count; worker++) {
		if (config->share_count > 1)
			generated_filter(config, config->share_index, config->share_count,
					 is_untagged, text);
		else
			generated_filter(config, worker, config->worker_count, is_untagged, text);
		hand_over_filter(preflight, text);
	}
}

static void print_config(const struct config *config, char *text, size_t size)
{
	const int length = config_print(config, CONFIG_TEXT_FILE, text, size);

	if (length < 0)
		log_fatal("the configuration is too long");
	if (fwrite(text, 1, (size_t)length, stdout) != (size_t)length || fflush(stdout))
		log_fatal("the configuration cannot be printed: %s", strerror(errno));
}

/* For --check and --print-config: what needs neither rights nor an interface. */
static int end_after_check(const struct preflight *preflight, char *text, size_t size)
{
	const struct config *config = &preflight->config;
	struct filter_program *program = xmalloc(sizeof(*program));
	char error[256];

	if (*config->filter && filter_compile(config->filter, DLT_ETHERNET, program, error))
		log_fatal("filter: %s", error);
	free(program);
	if (preflight->asked == CONFIG_PRINT)
		print_config(config, text, size);
	return PREFLIGHT_DONE;
}

/* The supervisor says what we have to say: at the start to the operator, at a reload to who asked.
 */
static void pass_line(enum log_level level, const char *text)
{
	control_send(CHILD_FD_CONTROL, level == LOG_LEVEL_ERROR ? CONTROL_FAILED : CONTROL_NOTICE,
		     level, text);
}

static void check_outputs(const struct preflight *preflight, preflight_check_fn check)
{
	char error[CONFIG_ERROR_MAX];

	if (config_has_aggregator(&preflight->config) &&
	    !check(&preflight->config, preflight->asked == CONFIG_OK, error))
		log_fatal("%s", error);
}

static void compile_lists(const struct preflight *preflight)
{
	const struct config *config = &preflight->config;

	list_files_compile(preflight->lists, preflight->earlier_lists_fd,
			   preflight->asked == CONFIG_OK ? CHILD_FD_LISTS : -1, config->is_verbose);
}

int preflight_main(const struct child_identity *identity, int argc, char **argv,
		   preflight_check_fn check)
{
	static char text[CONFIG_PRINTED_MAX];
	struct preflight *preflight = xcalloc(1, sizeof(*preflight));
	struct config *config = &preflight->config;
	int length;

	log_set_sink(pass_line);
	/* When it is not lent, its number is the next file's. */
	preflight->earlier_lists_fd =
		fcntl(CHILD_FD_EARLIER_LISTS, F_GET_SEALS) < 0 ? -1 : CHILD_FD_EARLIER_LISTS;
	read_arguments(preflight, argc, argv);
	find_user(config);
	check_outputs(preflight, check);
	preflight->lists = list_files_open(config, &preflight->origins);
	if (preflight->asked == CONFIG_OK)
		open_input(preflight);
	if (child_drop_privileges(config->uid, config->gid))
		log_fatal("privileges cannot be dropped: is the user right (--user)?");
	if (!child_follow(identity->parent, SIGKILL))
		return PREFLIGHT_REFUSED; /* who asked is gone */
	if (preflight->asked != CONFIG_PRINT)
		compile_lists(preflight);
	list_files_close(preflight->lists);
	if (preflight->asked != CONFIG_OK) {
		int status = end_after_check(preflight, text, sizeof(text));

		free(preflight);
		return status;
	}
	resolve(config);
	if (*config->read_file)
		look_at_file(preflight);
	else if (config_has_capture(config))
		compile_filters(preflight);
	length = config_print(config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text));
	if (length < 0)
		log_fatal("the configuration is too long");
	write_all(CHILD_FD_CONFIG, text, (size_t)length);
	filter_handle_close(preflight->handle);
	free(preflight);
	return PREFLIGHT_OK;
}
