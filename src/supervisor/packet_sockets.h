/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "ipc/state.h"
#include "pcap/filter.h"

/*
 * The packet sockets of live capture, one per worker, each with its ring: one fanout group that an
 * eBPF program splits, or, where eBPF cannot be used, sockets whose own classic filters take a
 * share each. The supervisor opens and keeps them and reads no packet.
 */
struct packet_sockets;

/*
 * Opens all of them, rejecting every packet. filters: the program of -f, or the generated one of
 * each worker's share, in shared memory that stays. Returns NULL with one clear line in
 * error[CONFIG_ERROR_MAX]. *notice is then a line for the operator, or NULL.
 */
struct packet_sockets *packet_sockets_open(const struct config *config,
					   const struct filter_program *filters, char *error,
					   const char **notice);
void packet_sockets_close(struct packet_sockets *sockets);

/* The socket of one worker: borrowed. */
int packet_sockets_fd(const struct packet_sockets *sockets, uint32_t worker);

/* True when the kernel gives every worker all packets (no eBPF, and -f). */
bool packet_sockets_are_unsplit(const struct packet_sockets *sockets);

/* Lets packets in, or no more. 0 or -errno. */
int packet_sockets_admit(struct packet_sockets *sockets);
int packet_sockets_reject(struct packet_sockets *sockets);

/* The interface was deleted: nothing will arrive any more, also not from a new one of its name. */
bool packet_sockets_are_orphaned(const struct packet_sockets *sockets);

/* What the eBPF filter decided on all sockets together, in packets; false without it. */
bool packet_sockets_verdicts(const struct packet_sockets *sockets, uint64_t *admitted,
			     uint64_t *rejected);

/* Packets that the kernel has handed over to a worker and that are not read yet. */
uint64_t packet_sockets_in_ring(const struct packet_sockets *sockets, uint32_t worker,
				const struct state_head *head);

/* Adds what the kernel counted since the last call to one worker's watch. */
void packet_sockets_count(const struct packet_sockets *sockets, uint32_t worker,
			  struct state_watch *watch);
