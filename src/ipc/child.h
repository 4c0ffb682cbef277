/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <sys/types.h>
#include "config/config.h"

/* How a child process begins: descriptors at fixed numbers, the configuration, privileges, the tie
 * to its parent. */

/* A number that is not lent is closed. 0, 1 and 2 are the standard streams. */
enum child_fd {
	CHILD_FD_CONTROL = 3, /* struct control_message both ways */
	CHILD_FD_CONFIG,      /* configuration text (preflight: to be written) */
	CHILD_FD_FILTER,      /* struct filter_program, or not lent (preflight: to be written) */
	CHILD_FD_HEAD,	      /* struct state_head */
	CHILD_FD_BODY,	      /* struct body */
	CHILD_FD_EARLIER_LISTS = CHILD_FD_BODY, /* preflight: as CHILD_FD_LISTS, but in force */
	CHILD_FD_WATCH,				/* struct state_watch, read-only */
	CHILD_FD_INPUT,				/* packet socket, or capture file */
	CHILD_FD_EXPORT4,			/* UDP sockets to send records from */
	CHILD_FD_EXPORT6,
	CHILD_FD_OUTPUT,      /* -w */
	CHILD_FD_QUARANTINE,  /* pcap file that frames are appended to, or not lent */
	CHILD_FD_STATS,	      /* what it counts in (ipc/observation.h), or not lent */
	CHILD_FD_EVENTS,      /* ring of events (ipc/ring.h), or not lent: data and head */
	CHILD_FD_EVENTS_TAIL, /* read-only */
	CHILD_FD_EVENTS_BELL,
	CHILD_FD_LISTS, /* names of rules and filters (rules/lists.h), or not lent (preflight: to be
			   written) */
	CHILD_FD_CACHE, /* answers of upstreams, or not lent */
	CHILD_FD_PROXY, /* struct proxy_stats, or not lent */
	CHILD_FD_LISTEN, /* CONFIG_LISTEN_MAX UDP sockets, then as many of TCP, in the order of the
			    configuration */
	CHILD_FD_END = CHILD_FD_LISTEN + 2 * CONFIG_LISTEN_MAX,
};

/* What the supervisor tells a child on its command line: --role NAME --index N --parent PID. */
struct child_identity {
	const char *role;
	unsigned int index;
	pid_t parent;
};

/* Reads them from argv; the arguments behind them begin at argv[*rest]. false when argv does not
 * begin with --role. */
bool child_identify(int argc, char **argv, struct child_identity *identity, int *rest);

/* Reads a configuration from a lent descriptor; false with a line in error[CONFIG_ERROR_MAX]. */
bool child_read_config(int fd, struct config *config, char *error);

/* Gives up root for uid and gid, all groups and all capabilities, for good. As another user than
 * root: only no_new_privs. 0 or -errno. */
int child_drop_privileges(uid_t uid, gid_t gid);

/* Lets this process have so many open descriptors, where it may: as root, or within the hard limit.
 * Otherwise as many as it may. 0 or -errno. */
int child_raise_files(uint64_t count);

/* Occupies the numbers that are not lent: what the process opens itself, and its sandbox lets it
 * use more freely, lies behind CHILD_FD_END. */
void child_fill_numbers(void);

/*
 * Ties this process to its parent's life: dies by death_signal when the parent does. After
 * child_drop_privileges, which clears it. false when the parent is gone already.
 */
bool child_follow(pid_t parent, int death_signal);
