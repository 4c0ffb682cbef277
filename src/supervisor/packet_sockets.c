/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order of operations matters: between bind and join a socket gets every packet, so a filter
 * that rejects all comes first and the real one last; the ring must exist before the join; the
 * index in the group is the order of joining.
 */
#include "supervisor/packet_sockets.h"

#include <errno.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "bpf/settings.h"
#include "ipc/packet_ring.h"
#include "ipc/settings.h"
#include "supervisor/bpf.h"
#include "supervisor/interface.h"

#define FRAME_BYTES 2048 /* a unit of account for V3: frames lie closely packed in a block */

struct packet_sockets {
	const struct config *config;
	const struct filter_program *filters;
	struct interface interface;
	struct bpf *bpf; /* NULL: classic filters */
	uint32_t group;	 /* the kernel's word for the fanout group, 0 = none */
	uint32_t count;
	uint32_t ring_blocks; /* of each */
	int fds[CONFIG_WORKERS_MAX];
	const uint8_t *rings[CONFIG_WORKERS_MAX]; /* mapped for the heads of their blocks */
	struct {
		uint64_t block, packets;
	} left[CONFIG_WORKERS_MAX]; /* how far a ring was read whose worker has left it */
	char reason[256];	    /* why eBPF cannot be used */
	char notice[512];
};

static int set(int fd, int option, const void *value, socklen_t length)
{
	return setsockopt(fd, SOL_PACKET, option, value, length) < 0 ? -errno : 0;
}

static int attach_classic(int fd, const struct sock_filter *instructions, uint16_t length)
{
	struct sock_fprog program = {.len = length, .filter = (struct sock_filter *)instructions};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int reject_all(int fd)
{
	static const struct sock_filter reject[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

	return attach_classic(fd, reject, 1);
}

/* On loopback each packet passes twice: the classic program sees it on its way in only. Jumps are
 * relative, so it can be moved. */
static int attach_program(const struct packet_sockets *sockets, int fd,
			  const struct filter_program *program)
{
	const struct sock_filter skip_outgoing[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)sockets->interface.loopback_index, 0,
			 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	enum { PREFIX = sizeof(skip_outgoing) / sizeof(skip_outgoing[0]) };
	static struct sock_filter joined[PREFIX + FILTER_INSTRUCTIONS_MAX];

	if (!sockets->interface.loopback_index)
		return attach_classic(fd, program->instructions, program->length);
	memcpy(joined, skip_outgoing, sizeof(skip_outgoing));
	memcpy(joined + PREFIX, program->instructions, program->length * sizeof(joined[0]));
	return attach_classic(fd, joined, (uint16_t)(program->length + PREFIX));
}

static int set_ring(int fd, uint32_t block_count)
{
	struct tpacket_req3 ring = {
		.tp_block_size = PACKET_RING_BLOCK_BYTES,
		.tp_block_nr = block_count,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = PACKET_RING_BLOCK_BYTES / FRAME_BYTES * block_count,
		.tp_retire_blk_tov = PACKET_RING_RETIRE_MS,
	};
	int version = TPACKET_V3;
	int error = set(fd, PACKET_VERSION, &version, sizeof(version));

	return error ? error : set(fd, PACKET_RX_RING, &ring, sizeof(ring));
}

/* option: PACKET_ADD_MEMBERSHIP or PACKET_DROP_MEMBERSHIP */
static int change_promiscuous(const struct packet_sockets *sockets, int fd, int option)
{
	struct packet_mreq membership = {.mr_ifindex = sockets->interface.index,
					 .mr_type = PACKET_MR_PROMISC};

	return sockets->interface.index ? set(fd, option, &membership, sizeof(membership)) : 0;
}

static int bind_interface(const struct packet_sockets *sockets, int fd)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = sockets->interface.index,
	};

	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* Also a single socket is in a group: it could not join one later without missing packets. The
 * first member makes the group, with an id that no other program has; the others name it by the
 * word that the kernel gave. */
static int join_group(struct packet_sockets *sockets, int fd)
{
	uint32_t make = (uint32_t)(PACKET_FANOUT_EBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
	socklen_t length = sizeof(sockets->group);
	int error;

	if (!sockets->bpf)
		return 0;
	if (sockets->group)
		return set(fd, PACKET_FANOUT, &sockets->group, sizeof(sockets->group));
	error = set(fd, PACKET_FANOUT, &make, sizeof(make));
	if (!error && getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &sockets->group, &length) < 0)
		error = -errno;
	return error;
}

static bool explain(char *error, const struct packet_sockets *sockets, const char *step, int code)
{
	if (code == -ENOMEM)
		snprintf(error, CONFIG_ERROR_MAX,
			 "no memory for %u rings of %u MiB: give fewer workers (-M) or a smaller "
			 "--ring-size",
			 sockets->count, sockets->ring_blocks);
	else
		snprintf(error, CONFIG_ERROR_MAX, "%s cannot be captured: %s: %s",
			 sockets->config->interface, step, strerror(-code));
	return false;
}

static size_t ring_bytes(const struct packet_sockets *sockets)
{
	return (size_t)sockets->ring_blocks * PACKET_RING_BLOCK_BYTES;
}

static bool map_ring(struct packet_sockets *sockets, uint32_t worker, char *error)
{
	void *ring =
		mmap(NULL, ring_bytes(sockets), PROT_READ, MAP_SHARED, sockets->fds[worker], 0);

	if (ring == MAP_FAILED)
		return explain(error, sockets, "ring", -errno);
	sockets->rings[worker] = ring;
	return true;
}

static bool open_one(struct packet_sockets *sockets, uint32_t worker, char *error)
{
	/* Protocol 0: nothing arrives before bind. */
	int type = sockets->interface.is_ethernet ? SOCK_RAW : SOCK_DGRAM, code;
	int fd = sockets->fds[worker] = socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return explain(error, sockets, "packet socket", -errno);
	if ((code = reject_all(fd)))
		return explain(error, sockets, "filter", code);
	if ((code = set_ring(fd, sockets->ring_blocks)))
		return explain(error, sockets, "ring", code);
	return map_ring(sockets, worker, error);
}

static bool attach_one(struct packet_sockets *sockets, uint32_t worker, char *error)
{
	int fd = sockets->fds[worker], code;

	if ((code = bind_interface(sockets, fd)))
		return explain(error, sockets, "bind", code);
	if (sockets->config->is_promiscuous &&
	    (code = change_promiscuous(sockets, fd, PACKET_ADD_MEMBERSHIP)))
		return explain(error, sockets, "promiscuous mode", code);
	if ((code = join_group(sockets, fd)))
		return explain(error, sockets, "fanout group", code);
	return true;
}

static bool set_split(struct packet_sockets *sockets, char *error)
{
	int program, code;

	if (!sockets->group)
		return true;
	program = bpf_split_fd(sockets->bpf);
	code = set(sockets->fds[0], PACKET_FANOUT_DATA, &program, sizeof(program));
	return !code || explain(error, sockets, "split program", code);
}

static struct capture_settings settings_of(const struct packet_sockets *sockets)
{
	struct capture_settings settings;

	settings_init(&settings, sockets->config);
	settings.loopback_index = (uint32_t)sockets->interface.loopback_index;
	return settings;
}

static int apply_settings(struct packet_sockets *sockets)
{
	struct capture_settings settings = settings_of(sockets);

	return bpf_settings_update(sockets->bpf, &settings);
}

static bool load_programs(struct packet_sockets *sockets, int verdicts_fd)
{
	struct capture_settings settings = settings_of(sockets);

	sockets->bpf = bpf_open(&settings, verdicts_fd, sockets->reason);
	return sockets->bpf;
}

static void tell_degraded(struct packet_sockets *sockets, const char **notice)
{
	snprintf(sockets->notice, sizeof(sockets->notice),
		 "degraded: no eBPF (%s); classic filters split the traffic, and TCP, fragments "
		 "and tunnels are not captured",
		 sockets->reason);
	*notice = sockets->notice;
}

static struct packet_sockets *make(const struct config *config,
				   const struct filter_program *filters,
				   const struct interface *interface)
{
	struct packet_sockets *sockets = xcalloc(1, sizeof(*sockets));

	sockets->config = config;
	sockets->filters = filters;
	sockets->interface = *interface;
	sockets->ring_blocks = packet_ring_blocks(config);
	memset(sockets->fds, -1, sizeof(sockets->fds));
	return sockets;
}

struct packet_sockets *packet_sockets_open(const struct config *config,
					   const struct filter_program *filters,
					   const struct interface *interface, char *error,
					   const char **notice)
{
	struct packet_sockets *sockets = make(config, filters, interface);

	*notice = NULL;
	if (!load_programs(sockets, -1))
		tell_degraded(sockets, notice);
	while (sockets->count < config->worker_count)
		if (!open_one(sockets, sockets->count++, error)) {
			packet_sockets_close(sockets);
			*notice = NULL;
			return NULL;
		}
	return sockets;
}

void packet_sockets_give(const struct packet_sockets *sockets, struct handover *handover)
{
	handover_add_number(handover, "ring-blocks", HANDOVER_ONE, sockets->ring_blocks);
	for (uint32_t worker = 0; worker < sockets->count; worker++)
		handover_add_fd(handover, "ring", (int)worker, sockets->fds[worker]);
	handover_add_number(handover, "has-ebpf", HANDOVER_ONE, sockets->bpf != NULL);
	if (sockets->bpf)
		handover_add_fd(handover, "verdicts", HANDOVER_ONE, bpf_verdicts_fd(sockets->bpf));
}

static bool take_rings(struct packet_sockets *sockets, struct handover *handover, char *error)
{
	int fd;

	sockets->ring_blocks = (uint32_t)handover_number(handover, "ring-blocks", HANDOVER_ONE);
	while (sockets->count < CONFIG_WORKERS_MAX &&
	       (fd = handover_take_fd(handover, "ring", (int)sockets->count)) >= 0) {
		sockets->fds[sockets->count] = fd;
		if (!map_ring(sockets, sockets->count++, error))
			return false;
	}
	return true;
}

/* Sockets of a group were split by eBPF, and no other way goes on with them; others never joined
 * one. */
static bool take_group(struct packet_sockets *sockets, int verdicts_fd, char *error)
{
	socklen_t length = sizeof(sockets->group);

	if (getsockopt(sockets->fds[0], SOL_PACKET, PACKET_FANOUT, &sockets->group, &length) < 0)
		return explain(error, sockets, "fanout group", -errno);
	if (!sockets->group) {
		snprintf(sockets->reason, sizeof(sockets->reason), "classic filters were in use");
		return true;
	}
	if (load_programs(sockets, verdicts_fd))
		return true;
	snprintf(error, CONFIG_ERROR_MAX, "%s", sockets->reason);
	return false;
}

struct packet_sockets *packet_sockets_take(const struct config *config,
					   const struct filter_program *filters,
					   const struct interface *interface,
					   struct handover *handover, char *error)
{
	struct packet_sockets *sockets = make(config, filters, interface);
	int verdicts_fd = handover_borrow_fd(handover, "verdicts", HANDOVER_ONE), code = 0;
	bool is_good = take_rings(sockets, handover, error) &&
		       take_group(sockets, verdicts_fd, error) && set_split(sockets, error);

	if (is_good && (code = packet_sockets_admit(sockets)))
		is_good = explain(error, sockets, "filter", code);
	if (is_good)
		return sockets;
	return NULL; /* what was taken stays open, for who handed it over */
}

bool packet_sockets_attach(struct packet_sockets *sockets, const struct interface *interface,
			   char *error)
{
	int code;

	if (interface->is_ethernet != sockets->interface.is_ethernet)
		return explain(error, sockets, "another kind of interface", -EPROTOTYPE);
	sockets->interface = *interface;
	if (sockets->bpf && (code = apply_settings(sockets)))
		return explain(error, sockets, "settings", code);
	for (uint32_t worker = 0; worker < sockets->count; worker++)
		if (!attach_one(sockets, worker, error))
			return false;
	return set_split(sockets, error);
}

void packet_sockets_close(struct packet_sockets *sockets)
{
	if (!sockets)
		return;
	packet_sockets_shrink(sockets, 0);
	bpf_close(sockets->bpf);
	free(sockets);
}

/* From the highest down: closing any other member would move the last one into its place. */
void packet_sockets_shrink(struct packet_sockets *sockets, uint32_t count)
{
	for (; sockets->count > count; sockets->count--) {
		uint32_t worker = sockets->count - 1;

		if (sockets->rings[worker])
			munmap((void *)sockets->rings[worker], ring_bytes(sockets));
		if (sockets->fds[worker] >= 0)
			close(sockets->fds[worker]);
		sockets->rings[worker] = NULL;
		sockets->fds[worker] = -1;
		sockets->left[worker].block = sockets->left[worker].packets = 0;
	}
}

bool packet_sockets_grow(struct packet_sockets *sockets, uint32_t count, char *error)
{
	uint32_t before = sockets->count;

	while (sockets->count < count) {
		uint32_t worker = sockets->count++;

		if (open_one(sockets, worker, error) && attach_one(sockets, worker, error))
			continue;
		packet_sockets_shrink(sockets, before);
		return false;
	}
	return true;
}

int packet_sockets_fd(const struct packet_sockets *sockets, uint32_t worker)
{
	return sockets->fds[worker];
}

uint32_t packet_sockets_count_of(const struct packet_sockets *sockets)
{
	return sockets->count;
}

uint32_t packet_sockets_ring_blocks(const struct packet_sockets *sockets)
{
	return sockets->ring_blocks;
}

bool packet_sockets_are_unsplit(const struct packet_sockets *sockets)
{
	return !sockets->bpf && *sockets->config->filter && sockets->count > 1;
}

const char *packet_sockets_degraded(const struct packet_sockets *sockets)
{
	return sockets->bpf ? NULL : sockets->reason;
}

bool packet_sockets_can_resize(const struct packet_sockets *sockets)
{
	return sockets->bpf;
}

int packet_sockets_admit(struct packet_sockets *sockets)
{
	bool is_expression = *sockets->config->filter;
	int error = 0;

	for (uint32_t worker = 0; worker < sockets->count && !error; worker++) {
		int fd = sockets->fds[worker],
		    program = sockets->bpf ? bpf_filter_fd(sockets->bpf) : -1;

		if (is_expression || !sockets->bpf)
			error = attach_program(sockets, fd,
					       &sockets->filters[is_expression ? 0 : worker]);
		else if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) < 0)
			error = -errno;
	}
	return error;
}

/* Best effort: an interface that refuses goes on as it was. */
static void follow_promiscuous(const struct packet_sockets *sockets, bool was_promiscuous)
{
	bool is_promiscuous = sockets->config->is_promiscuous;

	for (uint32_t worker = 0; worker < sockets->count && is_promiscuous != was_promiscuous;
	     worker++)
		change_promiscuous(sockets, sockets->fds[worker],
				   is_promiscuous ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP);
}

/* Sockets that were added admit before the split program learns of them. */
bool packet_sockets_reconfigure(struct packet_sockets *sockets, const struct config *config,
				const struct filter_program *filters, char *error)
{
	const struct config *config_before = sockets->config;
	const struct filter_program *filters_before = sockets->filters;
	int code;

	sockets->config = config;
	sockets->filters = filters;
	code = packet_sockets_admit(sockets);
	if (!code && sockets->bpf)
		code = apply_settings(sockets);
	if (!code) {
		follow_promiscuous(sockets, config_before->is_promiscuous);
		return true;
	}
	explain(error, sockets, "filter", code);
	sockets->config = config_before;
	sockets->filters = filters_before;
	packet_sockets_admit(sockets);
	return false;
}

int packet_sockets_reject(struct packet_sockets *sockets)
{
	int error = 0;

	for (uint32_t worker = 0; worker < sockets->count && !error; worker++)
		error = reject_all(sockets->fds[worker]);
	return error;
}

bool packet_sockets_verdicts(const struct packet_sockets *sockets, uint64_t *admitted,
			     uint64_t *rejected)
{
	struct verdicts sum;

	if (!sockets->bpf || *sockets->config->filter || bpf_verdicts(sockets->bpf, &sum))
		return false;
	*admitted = sum.admitted;
	*rejected = sum.rejected + sum.unreadable;
	return true;
}

/* Of the current block, those that are counted as read: another share's are not, until its end. */
static uint64_t packets_read(const struct state_head *head)
{
	return state_counter(head, COUNTER_PACKETS_READ) - state_get(head, STATE_BLOCK_READ);
}

void packet_sockets_leave(struct packet_sockets *sockets, uint32_t worker,
			  const struct state_head *head)
{
	enum state_word read = (enum state_word)(STATE_COUNTERS + COUNTER_PACKETS_READ);

	sockets->left[worker].block = state_get_last(head, STATE_BLOCK);
	sockets->left[worker].packets =
		state_get_last(head, read) - state_get_last(head, STATE_BLOCK_READ);
}

static const struct tpacket_hdr_v1 *block_at(const struct packet_sockets *sockets, uint32_t worker,
					     uint32_t block)
{
	const struct tpacket_block_desc *head =
		(const void *)(sockets->rings[worker] + (size_t)block * PACKET_RING_BLOCK_BYTES);

	return &head->hdr.bh1;
}

static bool is_handed_over(const struct tpacket_hdr_v1 *block)
{
	return __atomic_load_n(&block->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER;
}

uint64_t packet_sockets_in_ring(const struct packet_sockets *sockets, uint32_t worker,
				const struct state_head *head)
{
	uint64_t current, read, count = 0;

	if (worker >= sockets->count)
		return 0;
	current = head ? state_get(head, STATE_BLOCK) : sockets->left[worker].block;
	read = head ? packets_read(head) : sockets->left[worker].packets;
	for (uint32_t i = 0; i < sockets->ring_blocks; i++) {
		const struct tpacket_hdr_v1 *block = block_at(sockets, worker, i);
		bool is_ready = is_handed_over(block);

		if (is_ready && block->seq_num >= current)
			count += block->num_pkts;
		/* The worker may be going on to the next block at this moment. */
		if (is_ready && block->seq_num == current)
			count -= read < block->num_pkts ? read : block->num_pkts;
	}
	return count;
}

uint32_t packet_sockets_blocks_in_use(const struct packet_sockets *sockets, uint32_t worker)
{
	uint32_t count = 0;

	if (worker >= sockets->count)
		return 0;
	for (uint32_t i = 0; i < sockets->ring_blocks; i++)
		count += is_handed_over(block_at(sockets, worker, i));
	return count;
}

void packet_sockets_count(const struct packet_sockets *sockets, uint32_t worker,
			  struct state_watch *watch)
{
	struct tpacket_stats_v3 stats;
	socklen_t length = sizeof(stats);

	if (worker >= sockets->count ||
	    getsockopt(sockets->fds[worker], SOL_PACKET, PACKET_STATISTICS, &stats, &length) < 0)
		return;
	__atomic_fetch_add(&watch->kernel_packets, stats.tp_packets, __ATOMIC_RELAXED);
	__atomic_fetch_add(&watch->kernel_drops, stats.tp_drops, __ATOMIC_RELAXED);
}
