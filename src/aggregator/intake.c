/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/intake.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "ipc/commit.h"
#include "ipc/event_codec.h"

#define EVENTS_PER_TURN 2048   /* of one source */
#define EVENTS_OF_CARE	100000 /* more than a ring holds that was full when it began */
#define DEATHS_TO_SKIP	2
#define ROOM_NS		(1 * NANOSECONDS_PER_MILLISECOND)

static void on_timer(void *argument)
{
	struct intake *intake = argument;

	if (intake_turn(intake))
		loop_timer_set(intake->timer, 0);
}

/* Whoever rings without end, and faster than we read, must not keep us here: what is left rings
 * again. */
static void on_bell(void *argument)
{
	struct intake *intake = argument;
	uint64_t drop[64];

	for (uint32_t i = 0; i < intake->source_count; i++)
		if (intake->sources[i].ring &&
		    read(intake->sources[i].bell_fd, drop, sizeof(drop)) < 0)
			continue;
	on_timer(intake);
}

void intake_init(struct intake *intake, struct loop *loop, const struct intake_ops *ops,
		 void *argument)
{
	*intake = (struct intake){.ops = ops, .argument = argument, .loop = loop};
	if (loop)
		intake->timer = loop_add_timer(loop, on_timer, intake);
}

int intake_add(struct intake *intake, uint32_t index, const struct ring_fds *fds, size_t data_bytes,
	       struct source_account *account)
{
	struct source *source = &intake->sources[index];
	uint64_t position = account->position || account->read ? account->position : RING_PUBLISHED;
	int error;

	source->ring = xmalloc(sizeof(*source->ring));
	source->account = account;
	source->bell_fd = fds->bell;
	error = ring_open_consumer(source->ring, fds, data_bytes, position);
	if (error) {
		free(source->ring);
		source->ring = NULL;
		return error;
	}
	account->position = source->ring->position;
	if (index >= intake->source_count)
		intake->source_count = index + 1;
	return 0;
}

void intake_start(struct intake *intake)
{
	for (uint32_t i = 0; i < intake->source_count; i++)
		if (intake->sources[i].ring)
			intake->sources[i].event = loop_add_reader(
				intake->loop, intake->sources[i].bell_fd, on_bell, intake);
	loop_timer_set(intake->timer, 0);
}

/* Leaves out the record that ended who took care before us. */
static void skip_suspect(struct intake *intake, const struct aggregator_state *state)
{
	struct source *source = state->suspect_source < intake->source_count
					? &intake->sources[state->suspect_source]
					: NULL;
	struct slice record;

	if (!source || !source->ring || !state->suspect_position ||
	    source->ring->position != state->suspect_position - 1 ||
	    ring_pop(source->ring, &record) == RING_EMPTY)
		return;
	source->account->damaged++;
	source->account->position = source->ring->position;
	intake->ops->commit(intake->argument);
	ring_release(source->ring);
}

void intake_take_care(struct intake *intake, struct aggregator_state *state, uint32_t deaths)
{
	if (deaths >= DEATHS_TO_SKIP)
		skip_suspect(intake, state);
	state->suspect_position = 0;
	if (deaths)
		intake->careful = state;
}

static void name_suspect(const struct intake *intake, const struct source *source)
{
	struct aggregator_state *state = intake->careful;

	state->suspect_source = (uint64_t)(source - intake->sources);
	state->suspect_position = source->ring->position + 1;
	COMMIT_BARRIER();
}

/* Returns how many records it took. */
static uint32_t drain(struct intake *intake, struct source *source, bool *is_waiting)
{
	uint32_t most = intake->careful ? 1 : EVENTS_PER_TURN;
	struct slice record;
	struct event event;
	uint32_t count = 0;

	while (count < most) {
		enum ring_result result;

		if (intake->careful)
			name_suspect(intake, source);
		*is_waiting = !intake->ops->has_room(intake->argument);
		if (*is_waiting)
			break;
		result = ring_pop(source->ring, &record);
		if (result == RING_EMPTY)
			break;
		count++;
		if (result == RING_RECORD && event_decode(record, &event)) {
			source->account->read++;
			intake->ops->take(intake->argument, &event);
		} else {
			source->account->damaged++;
		}
	}
	if (!count)
		return 0;
	source->account->position = source->ring->position;
	intake->ops->commit(intake->argument);
	ring_release(source->ring);
	if (intake->careful && ++intake->cared == EVENTS_OF_CARE) {
		intake->careful->suspect_position = 0;
		intake->careful = NULL;
	}
	return count;
}

bool intake_turn(struct intake *intake)
{
	bool is_more = false, is_waiting = false;

	for (uint32_t i = 0; i < intake->source_count; i++) {
		struct source *source = &intake->sources[i];

		if (!source->ring)
			continue;
		is_more |= drain(intake, source, &is_waiting) >=
			   (intake->careful ? 1 : EVENTS_PER_TURN);
		if (is_waiting)
			break;
	}
	if (is_waiting) {
		if (intake->timer)
			loop_timer_set(intake->timer, ROOM_NS);
		return false;
	}
	for (uint32_t i = 0; !is_more && i < intake->source_count; i++)
		is_more = intake->sources[i].ring && !ring_sleep(intake->sources[i].ring);
	return is_more;
}

bool intake_is_empty(const struct intake *intake)
{
	for (uint32_t i = 0; i < intake->source_count; i++)
		if (intake->sources[i].ring && ring_has_more(intake->sources[i].ring))
			return false;
	return true;
}

void intake_fini(struct intake *intake)
{
	loop_event_free(intake->timer);
	for (uint32_t i = 0; i < intake->source_count; i++) {
		loop_event_free(intake->sources[i].event);
		if (intake->sources[i].ring)
			ring_close_consumer(intake->sources[i].ring);
		free(intake->sources[i].ring);
	}
}
