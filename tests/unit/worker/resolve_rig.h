/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "tests/lib/proxy_rig.h"

/* The whole way of a question: a client, rules, the cache, upstream servers that the test plays. */
#define ONE_UPSTREAM "resolve ^ using 127.0.0.1:%u"

static struct proxy_rig rig;
static struct proxy_rig_message asked, reply;

static inline int set_up(void **state)
{
	(void)state;
	proxy_rig_init(&rig);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	proxy_rig_close(&rig);
	return 0;
}

static inline void take_at(uint32_t upstream, struct proxy_rig_message *query)
{
	assert_true(proxy_rig_take(&rig, rig.upstreams[upstream], PROXY_RIG_WAIT_MS, query));
}

static inline uint16_t rcode_of(const struct proxy_rig_message *message)
{
	return be16_load(message->bytes + 2) & DNS_RCODE_MASK;
}

/* The next reply is to this id, with as many answers. */
static inline void assert_reply(uint16_t id, uint16_t rcode, uint16_t answers)
{
	assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
	assert_int_equal(be16_load(reply.bytes), id);
	assert_int_equal(rcode_of(&reply), rcode);
	assert_int_equal(be16_load(reply.bytes + 6), answers);
}

/* Of the first record, whose owner is a pointer. */
static inline uint32_t first_ttl(void)
{
	struct slice rest = {reply.bytes + DNS_HEADER_SIZE, reply.length - DNS_HEADER_SIZE};

	return be32_load(reply.bytes + DNS_HEADER_SIZE + name_wire_length(rest) + 4 + 6);
}

static inline void answer_with(uint32_t upstream, uint16_t rcode)
{
	proxy_rig_respond(&asked, PROXY_RIG_ANSWERED | rcode, &reply);
	proxy_rig_send(rig.upstreams[upstream], &asked, &reply);
}

static inline void assert_forgotten(void)
{
	assert_int_equal(pendings_count(rig.proxy->pendings), 0);
	assert_int_equal(pendings_askers(rig.proxy->pendings), 0);
	for (uint32_t i = 0; i < rig.proxy->server_count; i++)
		assert_int_equal(rig.proxy->servers[i].outstanding, 0);
	assert_true(proxy_rig_adds_up(&rig));
}

/* The query that comes through a connection of the proxy, which is accepted unless it is there. */
static inline void take_over_tcp(uint32_t upstream, int *fd)
{
	uint8_t frame[2];

	if (*fd < 0) {
		assert_true(proxy_rig_wait(&rig, rig.tcp[upstream], PROXY_RIG_WAIT_MS));
		*fd = accept(rig.tcp[upstream], NULL, NULL);
	}
	assert_true(proxy_rig_wait(&rig, *fd, PROXY_RIG_WAIT_MS));
	assert_int_equal(recv(*fd, frame, 2, MSG_WAITALL), 2);
	asked.length = be16_load(frame);
	assert_int_equal(recv(*fd, asked.bytes, asked.length, MSG_WAITALL), asked.length);
}

static inline void answer_over_tcp(int fd, uint16_t flags)
{
	uint8_t frame[2];

	proxy_rig_respond(&asked, flags, &reply);
	proxy_rig_add(&reply, 0, 1, 300, "\300\0\2\1", 4);
	be16_store(frame, (uint16_t)reply.length);
	assert_int_equal(send(fd, frame, 2, MSG_MORE), 2);
	assert_int_equal(send(fd, reply.bytes, reply.length, 0), reply.length);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
