/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/pendings.h"

#include <stdlib.h>
#include <string.h>

#include "stats/key.h"

#define IDS	 65536
#define IDS_MOST 49152 /* in use: a free one is soon found */
#define ID_FREE	 UINT32_MAX
#define SHARES	 4096

struct pendings {
	struct hash_key key;
	struct pending *questions; /* room of them */
	struct asker *askers;
	struct pending *free_question;
	struct asker *free_asker;
	struct pending *first;
	struct pending **buckets;
	uint32_t bucket_mask;
	uint32_t room;
	uint32_t used_questions, used_askers; /* that were never used lie behind */
	uint32_t count, asker_count, id_count;
	bool has_next_id;
	uint16_t next_id;	 /* drawn ahead, so that its place is at hand when it is needed */
	uint32_t by_id[IDS];	 /* number of the question, or ID_FREE */
	uint32_t shares[SHARES]; /* askers by a hash of their address: those that share a place
				    share what one may have */
};

struct pendings *pendings_new(uint32_t room, const struct hash_key *key)
{
	struct pendings *pendings = calloc(1, sizeof(*pendings));
	uint32_t buckets = 64;

	if (!pendings)
		return NULL;
	while (buckets < room)
		buckets *= 2;
	pendings->key = *key;
	pendings->room = room;
	pendings->bucket_mask = buckets - 1;
	pendings->questions = calloc(room, sizeof(*pendings->questions));
	pendings->askers = calloc(room, sizeof(*pendings->askers));
	pendings->buckets = calloc(buckets, sizeof(struct pending *));
	memset(pendings->by_id, 0xff, sizeof(pendings->by_id));
	if (pendings->questions && pendings->askers && pendings->buckets)
		return pendings;
	pendings_free(pendings);
	return NULL;
}

void pendings_free(struct pendings *pendings)
{
	if (!pendings)
		return;
	free(pendings->questions);
	free(pendings->askers);
	free(pendings->buckets);
	free(pendings);
}

static uint64_t hash_of(const struct pendings *pendings, struct slice name, uint16_t type,
			uint16_t class)
{
	uint64_t hash = key_of_exact(&pendings->key, name.data, name.length);

	return key_end(&pendings->key, hash, (uint64_t)type << 16 | class);
}

static struct pending **bucket_of(const struct pendings *pendings, uint64_t hash)
{
	return &pendings->buckets[hash & pendings->bucket_mask];
}

static bool is_question(const struct pending *pending, uint64_t hash, struct slice name,
			uint16_t type, uint16_t class)
{
	return pending->hash == hash && pending->type == type && pending->class == class &&
	       pending->name_length == name.length &&
	       !memcmp(pending->name, name.data, name.length);
}

static struct pending *find_hashed(const struct pendings *pendings, const struct pending_key *key,
				   uint64_t hash)
{
	struct pending *at = *bucket_of(pendings, hash);

	for (; at; at = at->next_of_bucket)
		if (is_question(at, hash, key->name, key->type, key->class) &&
		    at->group == key->group && at->is_dnssec_ok == key->is_dnssec_ok &&
		    at->is_checking_disabled == key->is_checking_disabled &&
		    at->is_recursion_desired == key->is_recursion_desired)
			return at;
	return NULL;
}

struct pending *pendings_find(const struct pendings *pendings, const struct pending_key *key)
{
	return find_hashed(pendings, key, hash_of(pendings, key->name, key->type, key->class));
}

struct pending *pendings_find_question(const struct pendings *pendings, struct slice name,
				       uint16_t type, uint16_t class, const struct pending *behind)
{
	uint64_t hash = hash_of(pendings, name, type, class);
	struct pending *at = behind ? behind->next_of_bucket : *bucket_of(pendings, hash);

	while (at && !is_question(at, hash, name, type, class))
		at = at->next_of_bucket;
	return at;
}

static struct pending *take_question(struct pendings *pendings)
{
	struct pending *pending = pendings->free_question;

	if (pending)
		pendings->free_question = pending->next;
	else if (pendings->used_questions < pendings->room)
		pending = &pendings->questions[pendings->used_questions++];
	return pending;
}

static struct pending *add_hashed(struct pendings *pendings, const struct pending_key *key,
				  uint64_t hash)
{
	struct pending *pending = take_question(pendings), **bucket;

	if (!pending)
		return NULL;
	memset(pending, 0, offsetof(struct pending, attempts));
	pending->hash = hash;
	pending->group = key->group;
	pending->type = key->type;
	pending->class = key->class;
	pending->is_dnssec_ok = key->is_dnssec_ok;
	pending->is_checking_disabled = key->is_checking_disabled;
	pending->is_recursion_desired = key->is_recursion_desired;
	pending->name_length = (uint8_t)key->name.length;
	memcpy(pending->name, key->name.data, key->name.length);
	pending->last = &pending->first;
	bucket = bucket_of(pendings, pending->hash);
	pending->next_of_bucket = *bucket;
	*bucket = pending;
	pending->next = pendings->first;
	if (pending->next)
		pending->next->previous = pending;
	pendings->first = pending;
	pendings->count++;
	return pending;
}

struct pending *pendings_find_or_add(struct pendings *pendings, const struct pending_key *key,
				     bool *is_new)
{
	uint64_t hash = hash_of(pendings, key->name, key->type, key->class);
	struct pending *pending = find_hashed(pendings, key, hash);

	*is_new = !pending;
	return pending ? pending : add_hashed(pendings, key, hash);
}

static void leave_bucket(struct pendings *pendings, struct pending *pending)
{
	struct pending **at = bucket_of(pendings, pending->hash);

	while (*at != pending)
		at = &(*at)->next_of_bucket;
	*at = pending->next_of_bucket;
}

void pendings_settle(struct pendings *pendings, struct pending *pending)
{
	if (pending->is_answered)
		return;
	pending->is_answered = true;
	leave_bucket(pendings, pending);
	pendings_dismiss(pendings, pending);
}

void pendings_dismiss(struct pendings *pendings, struct pending *pending)
{
	for (struct asker *asker = pending->first; asker; asker = asker->next)
		pendings->shares[asker->share]--;
	if (pending->first) {
		*pending->last = pendings->free_asker;
		pendings->free_asker = pending->first;
	}
	pendings->asker_count -= pending->asker_count;
	pending->asker_count = 0;
	pending->first = NULL;
	pending->last = &pending->first;
}

void pendings_remove(struct pendings *pendings, struct pending *pending)
{
	for (uint32_t i = 0; i < pending->attempt_count; i++)
		pendings_end_attempt(pendings, &pending->attempts[i]);
	pendings_settle(pendings, pending);
	if (pending->next)
		pending->next->previous = pending->previous;
	if (pending->previous)
		pending->previous->next = pending->next;
	else
		pendings->first = pending->next;
	pending->next = pendings->free_question;
	pendings->free_question = pending;
	pendings->count--;
}

/* An address; of IPv6 a network, as one client has as many addresses as it likes. */
static uint16_t share_of(const struct pendings *pendings, const struct address *client)
{
	return key_of_exact(&pendings->key, client->bytes, client->version == 4 ? 4 : 8) % SHARES;
}

/* One who floods leaves room for the others, also who asks the same again and again. */
static bool has_its_share(const struct pendings *pendings, uint16_t share)
{
	return pendings->asker_count >= pendings->room - pendings->room / 4 &&
	       pendings->shares[share] > pendings->room / 16;
}

bool pendings_wait(struct pendings *pendings, struct pending *pending, const struct asker *asker)
{
	struct asker *place = pendings->free_asker;
	uint16_t share = share_of(pendings, &asker->client.address);

	if (has_its_share(pendings, share))
		return false;
	if (place)
		pendings->free_asker = place->next;
	else if (pendings->used_askers < pendings->room)
		place = &pendings->askers[pendings->used_askers++];
	else
		return false;
	/* Of the question as much as there is. */
	memcpy(place, asker,
	       offsetof(struct asker, question.question) + asker->question.question_length);
	place->next = NULL;
	place->share = share;
	pendings->shares[share]++;
	*pending->last = place;
	pending->last = &place->next;
	pending->asker_count++;
	pendings->asker_count++;
	return true;
}

struct attempt *pendings_begin_attempt(struct pendings *pendings, struct pending *pending,
				       struct random_stock *random)
{
	struct attempt *attempt;
	uint16_t id = pendings->next_id;

	if (pending->attempt_count == PENDING_ATTEMPTS_MAX || pendings->id_count == IDS_MOST)
		return NULL;
	while (!pendings->has_next_id || pendings->by_id[id] != ID_FREE) {
		id = random_stock_take(random);
		pendings->has_next_id = true;
	}
	attempt = &pending->attempts[pending->attempt_count++];
	*attempt = (struct attempt){.id = id, .state = ATTEMPT_UDP};
	pendings->by_id[id] = (uint32_t)(pending - pendings->questions);
	pendings->id_count++;
	pendings->next_id = random_stock_take(random);
	__builtin_prefetch(&pendings->by_id[pendings->next_id], 1);
	return attempt;
}

void pendings_end_attempt(struct pendings *pendings, struct attempt *attempt)
{
	if (attempt->state == ATTEMPT_DONE)
		return;
	attempt->state = ATTEMPT_DONE;
	pendings->by_id[attempt->id] = ID_FREE;
	pendings->id_count--;
}

void pendings_prefetch_id(const struct pendings *pendings, uint16_t id)
{
	const struct pending *pending;

	if (pendings->by_id[id] == ID_FREE)
		return;
	pending = &pendings->questions[pendings->by_id[id]];
	__builtin_prefetch(pending);
	__builtin_prefetch(&pending->group);
	__builtin_prefetch(pending->attempts);
	__builtin_prefetch(pending->asked);
}

struct pending *pendings_find_id(const struct pendings *pendings, uint16_t id,
				 struct attempt **attempt)
{
	struct pending *pending;

	if (pendings->by_id[id] == ID_FREE)
		return NULL;
	pending = &pendings->questions[pendings->by_id[id]];
	for (*attempt = pending->attempts;
	     (*attempt)->id != id || (*attempt)->state == ATTEMPT_DONE; ++*attempt)
		; /* it is there */
	return pending;
}

bool pending_is_waiting(const struct pending *pending)
{
	for (uint32_t i = 0; i < pending->attempt_count; i++)
		if (pending->attempts[i].state != ATTEMPT_DONE)
			return true;
	return false;
}

bool pending_has_time(const struct pending *pending)
{
	for (uint32_t i = 0; i < pending->attempt_count; i++)
		if (pending->attempts[i].state != ATTEMPT_DONE && !pending->attempts[i].is_late)
			return true;
	return false;
}

uint32_t pending_times_asked(const struct pending *pending, uint16_t server)
{
	uint32_t times = 0;

	for (uint32_t i = 0; i < pending->attempt_count; i++)
		times += pending->attempts[i].server == server;
	return times;
}

uint32_t pendings_count(const struct pendings *pendings)
{
	return pendings->count;
}

uint32_t pendings_askers(const struct pendings *pendings)
{
	return pendings->asker_count;
}

struct pending *pendings_first(const struct pendings *pendings)
{
	return pendings->first;
}
