/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/hash.h"
#include "base/random.h"
#include "dns/name.h"
#include "dns/reply.h"
#include "worker/proxy/client.h"
#include "worker/proxy/wheel.h"

/*
 * Questions that wait for an answer of an upstream server, and the clients that wait with them: all
 * who ask the same wait for one answer (RFC 5452 5). Memory is taken at the start; what is used
 * last is used next.
 */

#define PENDING_ATTEMPTS_MAX 56

/* A client's question, while its answer is made or waited for. */
struct asker {
	struct asker *next;
	struct client client;
	int64_t asked_ns;  /* monotonic */
	uint16_t rule;	   /* that decided, from 1 */
	uint8_t verdict;   /* enum event_verdict */
	bool is_rewritten; /* its question has another name than the pending one */
	uint16_t share;	   /* of the client, while it waits */
	struct reply_question question;
};

enum attempt_state { ATTEMPT_DONE, ATTEMPT_UDP, ATTEMPT_TCP };

/* A query that was sent. */
struct attempt {
	int64_t sent_ns;
	uint16_t id; /* unique among all that wait for an answer */
	uint16_t server;
	uint8_t state;	/* enum attempt_state */
	bool is_late;	/* its time is over, its answer is still welcome */
	uint8_t socket; /* UDP: of the server's */
};

/* What is asked: those that are equal wait together. */
struct pending_key {
	struct slice name; /* wire form, lower case */
	uint16_t type, class;
	bool is_dnssec_ok, is_checking_disabled, is_recursion_desired;
	uint32_t group; /* of upstream servers */
};

struct pending {
	struct wheel_timer timer; /* the next try is due, or the end */
	struct pending *next_of_bucket;
	struct pending *next, *previous; /* of all */
	struct asker *first, **last;
	uint32_t asker_count;
	uint64_t hash; /* of name, type and class */
	uint32_t group;
	uint16_t type, class;
	bool is_dnssec_ok, is_checking_disabled, is_recursion_desired;
	bool is_over_tcp; /* somebody guesses at its id: no UDP any more */
	bool is_answered; /* nobody waits: it stays until all who were asked have answered, so that
			     their answers are not taken for forged ones */
	uint8_t round_count;
	uint8_t attempt_count;
	uint16_t error_rcode;	/* of the last server that answered with an error; 0: none */
	uint16_t error_flags;	/* of that answer */
	int16_t error_extended; /* what it said of it (RFC 8914), or EDE_NONE */
	uint8_t name_length;
	/* the rest as far as it is filled */
	struct attempt attempts[PENDING_ATTEMPTS_MAX];
	uint8_t name[DNS_NAME_MAX];  /* lower case */
	uint8_t asked[DNS_NAME_MAX]; /* as it is sent: in mixed case, if so configured */
};

/* Whether somebody is asked who may still answer; and has time for it. */
bool pending_is_waiting(const struct pending *pending);
bool pending_has_time(const struct pending *pending);

/* How often this server was asked. */
uint32_t pending_times_asked(const struct pending *pending, uint16_t server);

struct pendings;

/* room: for as many questions, and as many clients. NULL when out of memory. */
struct pendings *pendings_new(uint32_t room, const struct hash_key *key);
void pendings_free(struct pendings *pendings);

/* The one with this key, or NULL. */
struct pending *pendings_find(const struct pendings *pendings, const struct pending_key *key);

/* The one with this key, or a new one without clients and attempts; NULL when there is no room. */
struct pending *pendings_find_or_add(struct pendings *pendings, const struct pending_key *key,
				     bool *is_new);

/* Gives it back, with its clients and ids. Its timer is stopped by the owner before. */
void pendings_remove(struct pendings *pendings, struct pending *pending);

/* Nobody waits for it any more, and nobody will: gives its clients back. Those who ask the same
 * from now on begin anew. */
void pendings_settle(struct pendings *pendings, struct pending *pending);

/* Nobody waits for it now: gives its clients back. Those who ask the same wait with it. */
void pendings_dismiss(struct pendings *pendings, struct pending *pending);

/* A client more for it: a copy. False when there is no room: none at all, or, with most of it in
 * use, none for who has much of it already. */
bool pendings_wait(struct pendings *pendings, struct pending *pending, const struct asker *asker);

/* An attempt more, with an id that nobody can foretell; NULL when it has had too many, or ids have
 * run out. */
struct attempt *pendings_begin_attempt(struct pendings *pendings, struct pending *pending,
				       struct random_stock *random);

/* Its answer is there, or not waited for any more: its id is free. */
void pendings_end_attempt(struct pendings *pendings, struct attempt *attempt);

/* Which question an id belongs to, and which attempt; NULL: none waits for it. */
struct pending *pendings_find_id(const struct pendings *pendings, uint16_t id,
				 struct attempt **attempt);

/* Has what pendings_find_id finds fetched. */
void pendings_prefetch_id(const struct pendings *pendings, uint16_t id);

/* Those whose question this is, whatever else tells them apart: the first, and the next behind
 * one. */
struct pending *pendings_find_question(const struct pendings *pendings, struct slice name,
				       uint16_t type, uint16_t class, const struct pending *behind);

uint32_t pendings_count(const struct pendings *pendings);	 /* questions */
uint32_t pendings_askers(const struct pendings *pendings);	 /* clients */
struct pending *pendings_first(const struct pendings *pendings); /* then ->next */
