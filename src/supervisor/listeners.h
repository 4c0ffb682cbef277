/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "supervisor/handover.h"

/*
 * The sockets that clients of the proxy ask: for each address one of UDP and one that listens on
 * TCP for each worker, in SO_REUSEPORT groups whose indices are those of the workers. Datagrams are
 * steered by the name that they ask for (bpf/steer.bpf.c), or, without eBPF, spread as connections
 * are: at random. The supervisor keeps them and reads nothing; what arrives waits for a worker.
 */
struct listeners;

/* None yet. key: of steering, secret. */
struct listeners *listeners_new(uint64_t key);

/* Accepts NULL. */
void listeners_free(struct listeners *listeners);

/*
 * Opens what a configuration wants and is not there: addresses, and sockets of more workers, which
 * get nothing until listeners_steer() counts them. False with one line in error[CONFIG_ERROR_MAX];
 * listeners_trim() then closes what was opened. An address that another program has is an error
 * even where the kernel would share it.
 */
bool listeners_extend(struct listeners *listeners, const struct config *config, char *error);

/* So many workers get datagrams and connections from now on. 0 or -errno. */
int listeners_steer(struct listeners *listeners, uint32_t worker_count);

/* Closes what the configuration does not want. What waits in those sockets is lost. */
void listeners_trim(struct listeners *listeners, const struct config *config);

/* Puts the sockets of a worker at their numbers (ipc/child.h); they are lent. */
void listeners_place(const struct listeners *listeners, const struct config *config,
		     uint32_t worker, int *fds);

/* Does a datagram wait in a socket that is placed there? What its process was not lent, a worker
 * cannot read: in a reload others wait for its successor. */
bool listeners_are_asked(const int *fds);

/* Why names are not steered to workers, one line; NULL when they are, or when there is no address.
 * Borrowed. */
const char *listeners_degraded(const struct listeners *listeners);

/* Hands them over, and takes them into listeners that have none; what wants steering gets our
 * program. False with one line in error: what was taken then stays open, for who handed it over. */
void listeners_give(const struct listeners *listeners, struct handover *handover);
bool listeners_take(struct listeners *listeners, const struct config *config,
		    struct handover *handover, char *error);
