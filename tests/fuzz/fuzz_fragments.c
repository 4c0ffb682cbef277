/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A script of operations on a small table, three bytes each: pieces, time, commits, a kill. Every
 * datagram that comes out must have the bytes of its pattern, the ledger must hold, and a kill must
 * lead back to the last commit.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "net/fragments.h"

#define OPERATIONS_MAX 20
#define PERIOD	       4093
#define ENTRIES_BYTES  4096 /* the memory begins with the entries */
#define LINKS_BYTES    1024 /* and ends with the links of the chunks */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is to be explored is the table alone. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
			     apply_to = function)
#endif

static const struct fragments_limits limits = {
	.entry_count = 3, .buffer_bytes = 4 * 2048, .piece_count = 4, .timeout_ns = 256};
static const struct hash_key key = {{5, 6}};

struct run {
	struct fragments *fragments;
	uint64_t committed_step;
	uint64_t committed_held;
	struct piece_counts counts; /* since the commit */
	int64_t now_ns;
	bool is_killed;	 /* once is enough: to open costs the most */
	bool is_fresh;	 /* the memory was clear: damage does the same each time */
	bool is_damaged; /* what is in the memory may be anything */
};

static uint8_t pattern[PERIOD + 65536];
static uint8_t *memory;

static const uint8_t *bytes_of(uint32_t id, uint32_t offset)
{
	return pattern + (id * 1000 + offset) % PERIOD;
}

static size_t memory_size(void)
{
	return (fragments_memory_size(&limits) + 63) & ~(size_t)63;
}

static void prepare(void)
{
	size_t bytes = memory_size();

	memory = aligned_alloc(64, bytes);
	assert(memory);
	for (size_t i = 0; i < PERIOD; i++)
		pattern[i] = (uint8_t)(i * 31 + i / 255);
	for (size_t i = PERIOD; i < sizeof(pattern); i++)
		pattern[i] = pattern[i - PERIOD];
}

static void check_ledger(const struct run *run)
{
	uint64_t out = run->counts.used + fragments_held(run->fragments);

	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		out += run->counts.dropped[cause];
	assert(run->committed_held + run->counts.in == out);
	assert(run->is_damaged ||
	       fragments_held(run->fragments) <= limits.entry_count * limits.piece_count);
}

static void check_whole(const struct run *run, const struct packet *whole, uint32_t id)
{
	uint32_t length = (uint32_t)whole->payload.length;

	assert(length && length <= 65535 && !whole->more_fragments && !whole->is_cut);
	assert(!whole->fragment_offset && whole->source.bytes[0] == id);
	assert(run->is_damaged || !memcmp(whole->payload.data, bytes_of(id, 0), length));
	/* What is missing in the next shall not be found here. */
	memset((void *)whole->payload.data, 0, length);
}

static void add(struct run *run, const uint8_t *operation, bool is_cut)
{
	static const uint32_t units[] = {8, 16, 256, 2048}, lengths[] = {1, 8, 64, 256};
	uint32_t id = operation[0] & 3, scale = operation[0] >> 6;
	uint32_t offset = operation[1] * units[scale];
	struct packet piece = {
		.source = {{(uint8_t)id}, 4},
		.destination = {{9}, 4},
		.protocol = 17,
		.is_cut = is_cut,
		.more_fragments = operation[0] & 32,
		.fragment_id = id / 2, /* ids are told apart by more than that */
		.fragment_offset = offset,
		.payload = {bytes_of(id, offset), operation[2] * lengths[scale]},
	};
	struct packet whole;

	if (fragments_add(run->fragments, &piece, run->committed_step + 1, run->now_ns, &whole,
			  &run->counts))
		check_whole(run, &whole, id);
}

static void commit(struct run *run)
{
	run->committed_step++;
	run->committed_held = fragments_held(run->fragments);
	run->counts = (struct piece_counts){0};
}

static void reopen(struct run *run)
{
	fragments_close(run->fragments);
	run->fragments = fragments_open(memory, &limits, &key, run->committed_step);
	run->counts = (struct piece_counts){0};
}

static void kill_worker(struct run *run, const uint8_t *operation)
{
	size_t place = (operation[1] & 15u) << 8 | operation[2];

	if (run->is_killed)
		return;
	run->is_killed = true;
	if (run->is_fresh) {
		memory[place] ^= (uint8_t)(1 << (operation[0] >> 5));
		run->is_damaged = true;
	}
	reopen(run);
	assert(run->is_damaged || fragments_held(run->fragments) == run->committed_held);
	run->committed_held = fragments_held(run->fragments);
}

/* All but the datagrams of one source go to others. */
static bool is_of_source(const void *argument, const struct address *source,
			 const struct address *destination)
{
	(void)destination;
	return source->bytes[0] == *(const uint8_t *)argument;
}

static void reshard(struct run *run, uint8_t source)
{
	uint32_t at = 0;

	while (fragments_reshard(run->fragments, is_of_source, &source, &at,
				 run->committed_step + 1, &run->counts))
		;
}

static void operate(struct run *run, const uint8_t *operation)
{
	switch (operation[0] >> 2 & 7) {
	default:
		add(run, operation, false);
		break;
	case 4:
		add(run, operation, operation[2] & 1);
		break;
	case 5:
		run->now_ns += operation[1];
		if (operation[2] & 1)
			reshard(run, operation[2] >> 1 & 3);
		while (fragments_expire(run->fragments, run->committed_step + 1, run->now_ns,
					&run->counts))
			;
		break;
	case 6:
		run->now_ns += operation[1];
		commit(run);
		break;
	case 7:
		kill_worker(run, operation);
		break;
	}
	check_ledger(run);
}

static void start(struct run *run)
{
	if (!memory)
		prepare();
	memset(memory, 0, ENTRIES_BYTES);
	memset(memory + fragments_memory_size(&limits) - LINKS_BYTES, 0, LINKS_BYTES);
	fragments_close(run->fragments);
	*run = (struct run){.fragments = fragments_open(memory, &limits, &key, 0)};
}

/* Time empties the table. */
static void finish(struct run *run)
{
	run->now_ns += limits.timeout_ns + 1;
	while (fragments_expire(run->fragments, run->committed_step + 1, run->now_ns, &run->counts))
		;
	check_ledger(run);
	commit(run);
	assert(run->is_damaged || !run->committed_held);
}

/*
 * To open a table takes longer than to run a script: one that was left empty serves again, and the
 * sum of the input lets few of them kill, and fewer damage.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run run;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += data[i];
	sum %= 16;
	if (!run.fragments || !sum || run.is_damaged)
		start(&run);
	run.is_fresh = !sum;
	run.is_killed = sum > 2;
	for (size_t i = 0; i < OPERATIONS_MAX && (i + 1) * 3 <= size; i++)
		operate(&run, data + i * 3);
	finish(&run);
	return 0;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
