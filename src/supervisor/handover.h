/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDOVER_NAME_MAX 32
#define HANDOVER_FDS_MAX  4096 /* fifteen of each worker and two for each address, and a few */
#define HANDOVER_TEXT_MAX (256 << 10)

/* How a program that is executed in place finds it: the number of a descriptor, in the environment.
 * And, when it is the previous program again, why its successor failed. */
#define HANDOVER_VARIABLE	  "DNSFLOW_HANDOVER"
#define HANDOVER_FAILURE_VARIABLE "DNSFLOW_UPGRADE_FAILED"

/*
 * What one supervisor leaves to the next: facts, and descriptors, each with a name. The next one is
 * another version of the program, executed in place (upgrade.h), or the same service started again
 * (service.h). So names and their meaning are permanent:
 *
 *   executable         path of the program
 *   layout             magic number of state heads
 *   interface, interface-index, interface-is-ethernet, interface-is-up, loopback-index
 *                      the captured interface now, as in struct interface
 *   has-ebpf           1: eBPF splits and filters
 *   generation         the last one that was given to a ring
 *   ring-blocks        of each ring
 *   drops-before, drops-at-start, started   as in struct supervisor
 *   seats              workers that there ever were; of each, from 0:
 *   state-N, pid-N     "empty", "starting", "ready", "working", "leaving" or "finished"; of its
 *                      process
 *   steer-key          of the hash that steers queries
 *   listeners          groups of sockets of the proxy; of each, from 0, one of:
 *   listen-udp-G, listen-tcp-G   its address and port
 *
 * and the descriptors config, filters, lists, verdicts (a BPF map), listener (of dnsflowctl) with
 * listener-device and listener-inode, peer (who asked for the upgrade), pid-file, previous (the
 * program that hands over); of each worker ring-N, head-N, body-N, watch-N, export4-N, export6-N,
 * channel-N, process-N (a pidfd), cache-N, proxy-N, listen-udp-G-N or listen-tcp-G-N.
 */
struct handover {
	char text[HANDOVER_TEXT_MAX]; /* lines of "name value" */
	size_t length;
	bool is_full;  /* something did not fit: it cannot be given */
	bool owns_fds; /* it was read: descriptors that nobody takes are closed */
	uint32_t fd_count;
	struct handover_fd {
		char name[HANDOVER_NAME_MAX];
		int fd; /* -1: taken */
	} fds[HANDOVER_FDS_MAX];
};

/* number: of a worker, or HANDOVER_ONE for what there is one of. */
#define HANDOVER_ONE (-1)

/* An empty one, allocated. handover_free() accepts NULL. */
struct handover *handover_new(void);
void handover_free(struct handover *handover);

/* Adds a fact; values have no line breaks. Adds a descriptor, borrowed; -1 is left out. */
void handover_add_text(struct handover *handover, const char *name, int number, const char *value);
void handover_add_number(struct handover *handover, const char *name, int number, uint64_t value);
void handover_add_fd(struct handover *handover, const char *name, int number, int fd);

/* Makes a sealed memfd of the text, and of the numbers of the descriptors when asked. It or -errno.
 */
int handover_write(struct handover *handover, bool with_fds);

/* Lets the descriptors outlive an execve, or no longer. 0 or -errno. */
int handover_keep_open(const struct handover *handover, bool is_kept);

/* Reads what handover_write() made, and owns the descriptors that it names; NULL with one line in
 * error[CONFIG_ERROR_MAX]. */
struct handover *handover_read(int fd, char *error);

/* Adds a descriptor under its whole name to one that was read, and owns it. */
void handover_adopt_fd(struct handover *handover, const char *full_name, int fd);

/* The value of a fact: 0 or "" when it is not there. */
uint64_t handover_number(const struct handover *handover, const char *name, int number);
void handover_text(const struct handover *handover, const char *name, int number, char *out,
		   size_t size);

/* A descriptor, or -1: the caller's from now on; or borrowed. */
int handover_take_fd(struct handover *handover, const char *name, int number);
int handover_borrow_fd(const struct handover *handover, const char *name, int number);
