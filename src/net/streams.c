/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of flows. What is to be let go first is told by private lists over the indexes of the
 * entries; a flow joins their young ends when a segment of it comes, so that they are ordered by
 * age.
 */
#include "net/streams.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/memory.h"
#include "net/entries.h"
#include "net/flow.h"

#define RESHARD_AT_ONCE 8

const struct streams_limits streams_default_limits = {
	.entry_count = 4096,
	.buffer_bytes = 8 << 20,
	.stream_bytes = 256 << 10,
	.hole_bytes = 64 << 10,
	.hole_ns = INT64_C(2000000000),
	.timeout_ns = INT64_C(120000000000),
};

enum list {
	LIST_LIVE,
	LIST_CLOSED,
	LIST_HOLDING, /* with chunks */
	LIST_HOLES,   /* by the age of the hole */
	LIST_COUNT,
};

/* Of a ring; alone in it when in no list. */
struct node {
	uint32_t before;
	uint32_t after;
};

struct key {
	struct address source;
	struct address destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t zero[2];
};

_Static_assert(sizeof(struct key) % 8 == 0 && sizeof(struct flow) % 8 == 0,
	       "entries are made of words");

struct streams {
	struct assembly assembly;
	struct entries entries;
	uint32_t chunk_limit;
	uint32_t current;   /* the flow whose messages are being taken, or ENTRY_NONE */
	struct node *nodes; /* LIST_COUNT of each entry, then one that is the head of each list */
	uint32_t *resumed;  /* flows in which a process that died may have left messages */
	uint32_t resumed_count;
};

static struct entries_shape shape_of(const struct streams_limits *limits)
{
	return (struct entries_shape){
		.limit = limits->entry_count,
		.key_bytes = sizeof(struct key),
		.state_bytes = sizeof(struct flow),
	};
}

/* What is let go in a step is free in the next only: there are more chunks than the limit says. */
static uint32_t chunk_total(const struct streams_limits *limits)
{
	return limits->buffer_bytes / CHUNK_BYTES +
	       chunks_spanned(2 * (uint64_t)limits->stream_bytes) + 4;
}

size_t streams_memory_size(const struct streams_limits *limits)
{
	struct entries_shape shape = shape_of(limits);

	return entries_memory_size(&shape) + chunks_memory_size(chunk_total(limits));
}

uint64_t streams_layout(const struct streams_limits *limits)
{
	struct entries_shape shape = shape_of(limits);

	return entries_layout(&shape) ^ chunks_memory_size(chunk_total(limits));
}

static uint32_t head_of(const struct streams *streams, enum list list)
{
	return LIST_COUNT * streams->entries.count + list;
}

static bool is_listed(const struct streams *streams, enum list list, uint32_t index)
{
	uint32_t at = LIST_COUNT * index + list;

	return streams->nodes[at].after != at;
}

static void list_remove(struct streams *streams, enum list list, uint32_t index)
{
	uint32_t at = LIST_COUNT * index + list;
	struct node *node = &streams->nodes[at];

	streams->nodes[node->before].after = node->after;
	streams->nodes[node->after].before = node->before;
	*node = (struct node){at, at};
}

static void list_append(struct streams *streams, enum list list, uint32_t index)
{
	uint32_t at = LIST_COUNT * index + list, head = head_of(streams, list);
	uint32_t last = streams->nodes[head].before;

	streams->nodes[at] = (struct node){last, head};
	streams->nodes[last].after = at;
	streams->nodes[head].before = at;
}

/* The oldest flow of a list, or ENTRY_NONE. */
static uint32_t list_first(const struct streams *streams, enum list list)
{
	uint32_t head = head_of(streams, list), at = streams->nodes[head].after;

	return at == head ? ENTRY_NONE : at / LIST_COUNT;
}

/* Sees to it that a flow is in a list or not; is_young: at its young end. */
static void list_place(struct streams *streams, enum list list, uint32_t index, bool is_in,
		       bool is_young)
{
	bool was_in = is_listed(streams, list, index);

	if (was_in && (!is_in || is_young))
		list_remove(streams, list, index);
	if (is_in && (!was_in || is_young))
		list_append(streams, list, index);
}

static const struct flow *look(const struct streams *streams, uint32_t index)
{
	return entries_state(&streams->entries, index);
}

static struct flow *change(struct streams *streams, uint32_t index)
{
	return entries_change(&streams->entries, index, streams->assembly.step);
}

static void forget(struct streams *streams, uint32_t index)
{
	for (enum list list = 0; list < LIST_COUNT; list++)
		list_place(streams, list, index, false, false);
	entries_end(&streams->entries, index, streams->assembly.step);
}

static void evict(struct streams *streams, uint32_t index, enum piece_cause cause)
{
	flow_drop(&streams->assembly, change(streams, index), cause);
	forget(streams, index);
}

/* Puts a flow that was worked on into the lists where it belongs now. */
static void enlist(struct streams *streams, uint32_t index)
{
	const struct flow *flow = look(streams, index);
	int64_t now_ns = streams->assembly.now_ns;
	bool is_used = flow->used_ns == now_ns, is_closed = flow->state == FLOW_CLOSED;

	list_place(streams, LIST_LIVE, index, !is_closed, is_used);
	list_place(streams, LIST_CLOSED, index, is_closed, is_used);
	list_place(streams, LIST_HOLDING, index, flow_has_chunks(flow), is_used);
	list_place(streams, LIST_HOLES, index, flow_has_hole(flow), flow->hole_ns == now_ns);
}

static void keep_limits(struct streams *streams)
{
	uint32_t index = list_first(streams, LIST_HOLDING);

	while (index != ENTRY_NONE &&
	       chunks_used(&streams->assembly.chunks) > streams->chunk_limit) {
		evict(streams, index, PIECE_BYTES);
		index = list_first(streams, LIST_HOLDING);
	}
}

/* Nothing is left to be done to the current flow. */
static void finish(struct streams *streams)
{
	uint32_t index = streams->current;

	streams->current = ENTRY_NONE;
	if (look(streams, index)->state == FLOW_GONE) {
		forget(streams, index);
		return;
	}
	enlist(streams, index);
	keep_limits(streams);
}

static void begin_call(struct streams *streams, uint64_t step, struct piece_counts *counts)
{
	struct assembly *assembly = &streams->assembly;

	assembly->step = step;
	assembly->counts = counts;
	assembly->hand = (struct slice){0};
	assembly->is_hand_cut = false;
	if (streams->current != ENTRY_NONE)
		finish(streams);
}

static struct key key_of(const struct packet *segment)
{
	return (struct key){
		.source = segment->source,
		.destination = segment->destination,
		.source_port = segment->source_port,
		.destination_port = segment->destination_port,
	};
}

/* Room for a new flow, at the expense of one that ended or else of that least recently used. */
static void make_room(struct streams *streams)
{
	uint32_t index;

	while (entries_used(&streams->entries) >= streams->assembly.limits.entry_count) {
		index = list_first(streams, LIST_CLOSED);
		if (index == ENTRY_NONE)
			index = list_first(streams, LIST_LIVE);
		evict(streams, index, PIECE_ENTRIES);
	}
}

/* A flow for a segment of a stream not known; ENTRY_NONE, and the segment counted, when it gets
 * none. */
static uint32_t begin_flow(struct streams *streams, const struct key *key, uint32_t hash,
			   const struct packet *segment)
{
	struct assembly *assembly = &streams->assembly;
	uint8_t flags = segment->tcp_flags;
	uint32_t index;

	if (flags & TH_RST || !(flags & TH_SYN || segment->payload.length)) {
		if (segment->payload.length)
			assembly_refuse(assembly, PIECE_CLOSED);
		return ENTRY_NONE;
	}
	make_room(streams);
	index = entries_begin(&streams->entries, key, hash, assembly->step);
	if (index != ENTRY_NONE)
		flow_begin(change(streams, index), segment);
	else if (segment->payload.length)
		assembly_refuse(assembly, PIECE_ENTRIES);
	return index;
}

void streams_add(struct streams *streams, const struct packet *segment, bool is_again,
		 uint64_t step, int64_t now_ns, struct piece_counts *counts)
{
	uint8_t news = segment->tcp_flags & (TH_FIN | TH_SYN | TH_RST);
	struct key key = key_of(segment);
	uint32_t hash, index;

	begin_call(streams, step, counts);
	streams->assembly.now_ns = now_ns;
	if (!segment->payload.length && !news)
		return;
	hash = entries_hash(&streams->entries, &key);
	index = entries_find(&streams->entries, &key, hash);
	if (is_again) {
		if (index != ENTRY_NONE)
			flow_add_again(&streams->assembly, look(streams, index), segment);
	} else {
		if (index == ENTRY_NONE)
			index = begin_flow(streams, &key, hash, segment);
		if (index != ENTRY_NONE)
			flow_add(&streams->assembly, change(streams, index), segment);
	}
	streams->current = index;
}

bool streams_next(struct streams *streams, uint64_t step, struct packet *packet,
		  struct slice *message, struct piece_counts *counts)
{
	struct assembly *assembly = &streams->assembly;
	uint32_t index = streams->current;
	const struct key *key;

	if (index == ENTRY_NONE)
		return false;
	assembly->step = step;
	assembly->counts = counts;
	if (flow_is_settled(assembly, look(streams, index)) ||
	    !flow_next(assembly, change(streams, index), message)) {
		finish(streams);
		return false;
	}
	key = entries_key(&streams->entries, index);
	*packet = (struct packet){
		.source = key->source,
		.destination = key->destination,
		.source_port = key->source_port,
		.destination_port = key->destination_port,
		.protocol = IPPROTO_TCP,
		.payload = *message,
	};
	return true;
}

static bool is_hole_due(const struct streams *streams, uint32_t index)
{
	const struct assembly *assembly = &streams->assembly;

	return index != ENTRY_NONE &&
	       assembly_is_due(assembly, look(streams, index)->hole_ns, assembly->limits.hole_ns);
}

static bool is_idle(const struct streams *streams, uint32_t index)
{
	const struct assembly *assembly = &streams->assembly;

	return index != ENTRY_NONE && assembly_is_due(assembly, look(streams, index)->used_ns,
						      assembly->limits.timeout_ns);
}

bool streams_expire(struct streams *streams, uint64_t step, int64_t now_ns,
		    struct piece_counts *counts)
{
	struct assembly *assembly = &streams->assembly;
	uint32_t index;

	begin_call(streams, step, counts);
	assembly->now_ns = now_ns;
	while (streams->resumed_count) {
		index = streams->resumed[--streams->resumed_count];
		if (entries_is_used(&streams->entries, index)) {
			streams->current = index;
			return true;
		}
	}
	index = list_first(streams, LIST_HOLES);
	if (is_hole_due(streams, index)) {
		flow_give_up_hole(assembly, change(streams, index));
		streams->current = index;
		return true;
	}
	for (enum list list = LIST_LIVE; list <= LIST_CLOSED; list++) {
		index = list_first(streams, list);
		if (is_idle(streams, index)) {
			flow_close(assembly, change(streams, index), PIECE_AGE);
			streams->current = index;
			return true;
		}
	}
	return false;
}

bool streams_flush(struct streams *streams, uint64_t step, struct piece_counts *counts)
{
	uint32_t index;

	begin_call(streams, step, counts);
	index = list_first(streams, LIST_LIVE);
	if (index == ENTRY_NONE)
		return false;
	flow_close(&streams->assembly, change(streams, index), PIECE_CLOSED);
	streams->current = index;
	return true;
}

bool streams_reshard(struct streams *streams, pieces_owner_fn is_ours, const void *argument,
		     uint32_t *at, uint64_t step, struct piece_counts *counts)
{
	begin_call(streams, step, counts);
	for (int i = 0; i < RESHARD_AT_ONCE; (*at)++) {
		const struct key *key;

		if (*at == streams->entries.count)
			return false;
		key = entries_key(&streams->entries, *at);
		if (!entries_is_used(&streams->entries, *at) ||
		    is_ours(argument, &key->source, &key->destination))
			continue;
		evict(streams, *at, PIECE_RESHARDED);
		i++;
	}
	return true;
}

uint64_t streams_held(const struct streams *streams)
{
	return streams->assembly.held;
}

struct age {
	int64_t since_ns;
	uint32_t index;
};

static int compare_ages(const void *a, const void *b)
{
	const struct age *first = a, *second = b;

	return (first->since_ns > second->since_ns) - (first->since_ns < second->since_ns);
}

/* Finds the lists again. */
static void enlist_all(struct streams *streams)
{
	struct age *ages = xcalloc(streams->entries.count, sizeof(*ages));
	uint32_t count = 0;

	for (uint32_t index = 0; index < streams->entries.count; index++)
		if (entries_is_used(&streams->entries, index))
			ages[count++] = (struct age){look(streams, index)->used_ns, index};
	qsort(ages, count, sizeof(*ages), compare_ages);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = ages[i].index;
		const struct flow *flow = look(streams, index);

		list_append(streams, flow->state == FLOW_CLOSED ? LIST_CLOSED : LIST_LIVE, index);
		list_place(streams, LIST_HOLDING, index, flow_has_chunks(flow), true);
		if (flow_is_unfinished(flow))
			streams->resumed[streams->resumed_count++] = index;
		ages[i].since_ns = flow->hole_ns;
	}
	qsort(ages, count, sizeof(*ages), compare_ages);
	for (uint32_t i = 0; i < count; i++)
		list_place(streams, LIST_HOLES, ages[i].index,
			   flow_has_hole(look(streams, ages[i].index)), true);
	free(ages);
}

static bool is_key_sound(const struct key *key)
{
	return (key->source.version == 4 || key->source.version == 6) &&
	       key->source.version == key->destination.version;
}

static void attach(struct streams *streams)
{
	struct entries *entries = &streams->entries;

	for (uint32_t index = 0; index < entries->count; index++) {
		struct flow *flow = (void *)entries_version(entries, index)->state;

		if (entries_is_used(entries, index) &&
		    !(is_key_sound(entries_key(entries, index)) &&
		      flow_mark(&streams->assembly, flow)))
			entries_reject(entries, index);
	}
	entries_sweep(entries);
	chunks_sweep(&streams->assembly.chunks);
}

struct streams *streams_open(void *memory, const struct streams_limits *limits,
			     const struct hash_key *key, uint64_t committed_step)
{
	struct streams *streams = xcalloc(1, sizeof(*streams));
	struct entries_shape shape = shape_of(limits);
	uint32_t nodes;

	entries_open(&streams->entries, memory, &shape, key, committed_step);
	chunks_open(&streams->assembly.chunks, (uint8_t *)memory + entries_memory_size(&shape),
		    chunk_total(limits));
	streams->assembly.limits = *limits;
	streams->assembly.message = xmalloc(ASSEMBLY_MESSAGE_MAX);
	streams->chunk_limit = limits->buffer_bytes / CHUNK_BYTES;
	streams->current = ENTRY_NONE;
	nodes = head_of(streams, LIST_COUNT);
	streams->nodes = xcalloc(nodes, sizeof(*streams->nodes));
	streams->resumed = xcalloc(streams->entries.count, sizeof(*streams->resumed));
	for (uint32_t at = 0; at < nodes; at++)
		streams->nodes[at] = (struct node){at, at};
	attach(streams);
	enlist_all(streams);
	return streams;
}

void streams_close(struct streams *streams)
{
	if (!streams)
		return;
	entries_close(&streams->entries);
	chunks_close(&streams->assembly.chunks);
	free(streams->assembly.message);
	free(streams->nodes);
	free(streams->resumed);
	free(streams);
}
