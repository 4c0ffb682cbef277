/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "ipc/state.h"
#include "pcap/filter.h"
#include "supervisor/handover.h"
#include "supervisor/interface.h"

/*
 * The packet sockets of live capture, one per worker, each with its ring: one fanout group that an
 * eBPF program splits, or, where eBPF cannot be used, sockets whose own classic filters take a
 * share each. The supervisor opens and keeps them and reads no packet.
 */
struct packet_sockets;

/*
 * Makes them for an interface, with their rings, rejecting every packet and not yet attached to it:
 * the memory of rings takes its time. filters: the program of -f, or the generated one of each
 * worker's share. config and filters are borrowed and stay. Returns NULL with one clear line in
 * error[CONFIG_ERROR_MAX]. *notice is then a line for the operator, or NULL.
 */
struct packet_sockets *packet_sockets_open(const struct config *config,
					   const struct filter_program *filters,
					   const struct interface *interface, char *error,
					   const char **notice);
void packet_sockets_close(struct packet_sockets *sockets);

/*
 * Hands them over, and takes them: with what lies in their rings and still comes, as of
 * packet_sockets_open() and packet_sockets_attach() to this interface. From then on our programs
 * split and filter. NULL with one line in error.
 */
void packet_sockets_give(const struct packet_sockets *sockets, struct handover *handover);
struct packet_sockets *packet_sockets_take(const struct config *config,
					   const struct filter_program *filters,
					   const struct interface *interface,
					   struct handover *handover, char *error);

/* Attaches them to the interface, which may be another one of the same kind than that they were
 * made for. False with one line in error. */
bool packet_sockets_attach(struct packet_sockets *sockets, const struct interface *interface,
			   char *error);

/* The socket of one worker: borrowed; how many there are; how many blocks each ring has. */
int packet_sockets_fd(const struct packet_sockets *sockets, uint32_t worker);
uint32_t packet_sockets_count_of(const struct packet_sockets *sockets);
uint32_t packet_sockets_ring_blocks(const struct packet_sockets *sockets);

/* True when the kernel gives every worker all packets (no eBPF, and -f). */
bool packet_sockets_are_unsplit(const struct packet_sockets *sockets);

/* Why eBPF does not split and filter, one line; NULL when it does. Borrowed. */
const char *packet_sockets_degraded(const struct packet_sockets *sockets);

/* Without eBPF the number of workers cannot change while packets come. */
bool packet_sockets_can_resize(const struct packet_sockets *sockets);

/* Lets packets in, or no more. 0 or -errno. */
int packet_sockets_admit(struct packet_sockets *sockets);
int packet_sockets_reject(struct packet_sockets *sockets);

/*
 * Changing the configuration while packets come: grow opens more sockets, which get no packet yet;
 * reconfigure changes filters and split, the number of workers included, for packets from now on;
 * shrink closes the sockets that get none any more, once they were read. grow and reconfigure:
 * false with one line in error, and what was before goes on.
 */
bool packet_sockets_grow(struct packet_sockets *sockets, uint32_t count, char *error);
bool packet_sockets_reconfigure(struct packet_sockets *sockets, const struct config *config,
				const struct filter_program *filters, char *error);
void packet_sockets_shrink(struct packet_sockets *sockets, uint32_t count);

/* What the eBPF filter decided on all sockets together, in packets; false without it. */
bool packet_sockets_verdicts(const struct packet_sockets *sockets, uint64_t *admitted,
			     uint64_t *rejected);

/* No worker reads this ring any more; head: how far the last one, which is gone, has read it. */
void packet_sockets_leave(struct packet_sockets *sockets, uint32_t worker,
			  const struct state_head *head);

/* Packets that the kernel has handed over to a worker and that are not read yet (head: NULL when it
 * has not begun to, or left the ring); and the blocks that it has not got back. (These and
 * packet_sockets_count: 0 for a worker that has no socket.) */
uint64_t packet_sockets_in_ring(const struct packet_sockets *sockets, uint32_t worker,
				const struct state_head *head);
uint32_t packet_sockets_blocks_in_use(const struct packet_sockets *sockets, uint32_t worker);

/* Adds what the kernel counted since the last call to one worker's watch. */
void packet_sockets_count(const struct packet_sockets *sockets, uint32_t worker,
			  struct state_watch *watch);
