/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/ledger.h"

#include <stddef.h>

#define PARTS_BESIDE_MAX 4

#define VALUE(member) offsetof(struct ledger, member)
#define WORD(name)    offsetof(struct ledger, words[name])
#define COUNT(name)   WORD(STATE_COUNTERS + COUNTER_##name)

/* Where the value of a term lies in a ledger. */
struct term {
	const char *name;
	size_t offset;
};

/* The identity of a stage: its parts are all counters from first to last, and those beside them. */
struct identity {
	const char *stage;
	const char *unit;
	struct term whole;
	enum counter first, last;
	struct term beside[PARTS_BESIDE_MAX];
};

static const struct identity identities[] = {
	{"ring", "packets", .whole = {"kernel_packets", VALUE(watch.kernel_packets)},
	 .first = COUNTER_PACKETS_OTHER_SHARE, .last = COUNTER_PACKETS_OTHER_SHARE,
	 .beside = {{"packets_read", COUNT(PACKETS_READ)},
		    {"kernel_drops", VALUE(watch.kernel_drops)},
		    {"in_ring", VALUE(in_ring)},
		    {"ring_discarded", VALUE(watch.ring_discarded)}}},
	{"decode", "packets", .whole = {"packets_read", COUNT(PACKETS_READ)},
	 .first = COUNTER_PACKETS_SAMPLED_OUT, .last = COUNTER_PACKETS_QUARANTINED},
	{"reassembly", "pieces", .whole = {"pieces_in", COUNT(PIECES_IN)},
	 .first = COUNTER_PIECES_USED, .last = COUNTER_PIECES_DISCARDED,
	 .beside = {{"pieces_held", WORD(STATE_HELD)}}},
	{"sources", "messages", .whole = {"messages_in", COUNT(MESSAGES_IN)},
	 .first = COUNTER_PACKETS_MESSAGE, .last = COUNTER_PACKETS_MESSAGE,
	 .beside = {{"messages_reassembled", COUNT(MESSAGES_REASSEMBLED)}}},
	{"messages", "messages", .whole = {"messages_in", COUNT(MESSAGES_IN)},
	 .first = COUNTER_MESSAGES_RECORDED, .last = COUNTER_MESSAGES_NOT_EXPORTED},
	{"export", "records", .whole = {"messages_recorded", COUNT(MESSAGES_RECORDED)},
	 .first = COUNTER_RECORDS_SENT, .last = COUNTER_RECORDS_DISCARDED,
	 .beside = {{"records_open", WORD(STATE_OPEN_SETS)},
		    {"records_waiting", WORD(STATE_WAITING)}}},
	{"datagrams", "datagrams", .whole = {"datagrams_made", VALUE(datagrams_made)},
	 .first = COUNTER_DATAGRAMS_DONE, .last = COUNTER_DATAGRAMS_DISCARDED,
	 .beside = {{"datagrams_waiting", VALUE(datagrams_waiting)}}},
	{"sends", "datagrams", .whole = {"sends_due", COUNT(SENDS_DUE)}, .first = COUNTER_SENDS,
	 .last = COUNTER_SENDS_FAILED_OTHER},
	{"proxy", "queries", .whole = {"proxy_queries", COUNT(PROXY_QUERIES)},
	 .first = COUNTER_PROXY_CACHED, .last = COUNTER_PROXY_PRIVATE,
	 .beside = {{"proxy_waiting", WORD(STATE_PROXY_WAITING)}}},
	{"events", "events", .whole = {"events_due", COUNT(EVENTS_DUE)},
	 .first = COUNTER_EVENTS_PUSHED, .last = COUNTER_EVENTS_TOO_BIG},
	{"event ring", "events", .whole = {"events_pushed", COUNT(EVENTS_PUSHED)},
	 .first = COUNTER_END, .last = 0, /* no counters */
	 .beside = {{"events_read", VALUE(events_read)},
		    {"events_damaged", VALUE(events_damaged)},
		    {"events_in_ring", VALUE(events_in_ring)}}},
};

enum { IDENTITY_COUNT = sizeof(identities) / sizeof(identities[0]) };

_Static_assert(IDENTITY_COUNT <= LEDGER_LINES_MAX, "every identity has a line");

void ledger_add(struct ledger *ledger, const struct state_head *head,
		const struct state_watch *watch, uint64_t in_ring)
{
	for (int i = 0; i < STATE_WORDS; i++)
		ledger->words[i] += state_get(head, (enum state_word)i);
	ledger->watch.kernel_packets += watch->kernel_packets;
	ledger->watch.kernel_drops += watch->kernel_drops;
	ledger->watch.ring_discarded += watch->ring_discarded;
	ledger->watch.interface_drops = watch->interface_drops; /* one interface, the same in all */
	ledger->in_ring += in_ring;
	ledger->datagrams_made += state_counter(head, COUNTER_DATAGRAMS_DATA) +
				  state_counter(head, COUNTER_DATAGRAMS_STATS);
	ledger->datagrams_waiting += state_get(head, STATE_SEQUENCE) - state_get(head, STATE_SENT);
}

static uint64_t value_of(const struct ledger *ledger, const struct term *term)
{
	return *(const uint64_t *)(const void *)((const char *)ledger + term->offset);
}

static void add_part(struct ledger_line *line, const char *name, uint64_t value)
{
	line->parts[line->part_count++] = (struct ledger_term){name, value};
	line->missing -= (int64_t)value;
}

static void make_line(const struct ledger *ledger, const struct identity *identity,
		      struct ledger_line *line)
{
	uint64_t whole = value_of(ledger, &identity->whole);

	*line = (struct ledger_line){
		.stage = identity->stage,
		.unit = identity->unit,
		.whole = {identity->whole.name, whole},
		.missing = (int64_t)whole,
	};
	for (enum counter i = identity->first; i <= identity->last; i++)
		if (counter_name(i))
			add_part(line, counter_name(i), ledger_counter(ledger, i));
	for (int i = 0; i < PARTS_BESIDE_MAX && identity->beside[i].name; i++)
		add_part(line, identity->beside[i].name, value_of(ledger, &identity->beside[i]));
}

uint32_t ledger_make(const struct ledger *ledger, bool is_live, struct ledger_line *lines)
{
	uint32_t count = 0;

	/* The first is that of the ring, which a file does not have. */
	for (int i = is_live ? 0 : 1; i < IDENTITY_COUNT; i++)
		make_line(ledger, &identities[i], &lines[count++]);
	return count;
}

void ledger_make_output(const struct output_account *account, const char *name,
			struct ledger_line *line)
{
	*line = (struct ledger_line){
		.stage = name,
		.unit = "events",
		.whole = {"read", account->read},
		.missing = (int64_t)account->read,
	};
	add_part(line, "written", account->written);
	add_part(line, "filtered", account->filtered);
	add_part(line, "sampled_out", account->sampled_out);
	add_part(line, "dropped_full", account->dropped_full);
	add_part(line, "dropped_failed", account->dropped_failed);
	add_part(line, "dropped_too_big", account->dropped_too_big);
	add_part(line, "dropped_damaged", account->dropped_damaged);
	add_part(line, "lost", account->lost);
	add_part(line, "queued", account->queued);
	add_part(line, "spooled", account->spooled);
}

bool ledger_adds_up(const struct ledger *ledger, bool is_live)
{
	struct ledger_line lines[LEDGER_LINES_MAX];
	uint32_t count = ledger_make(ledger, is_live, lines);

	for (uint32_t i = 0; i < count; i++)
		if (lines[i].missing)
			return false;
	return true;
}
