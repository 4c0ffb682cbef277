/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/privacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregator/outputs/cryptopan.h"
#include "aggregator/outputs/ecs.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "config/config.h"
#include "ipc/event_codec.h"

#define KEY_LEAST 16
#define KEY_MAX	  1024
#define KNOWN	  4096 /* a power of two */

/* Addresses that were disguised lately, so that few of them cost a cipher. */
struct known {
	struct address address, disguised;
};

struct privacy {
	const struct config_privacy *config;
	const struct suffixes *suffixes;
	struct cryptopan cryptopan;
	struct mac *mac;
	struct hash_key key; /* of the table */
	struct known known[KNOWN];
	uint8_t message[EVENT_MESSAGE_MAX];
};

struct key {
	size_t size;
	uint8_t bytes[KEY_MAX];
};

bool privacy_is_needed(const struct config_privacy *config)
{
	return config->client_prefix4 < 32 || config->client_prefix6 < 128 ||
	       config->clients != OUTPUT_CLIENTS_AS_THEY_ARE || config->removes_ecs ||
	       config->cuts_qname;
}

/* 0 or -errno; a file that is too long is cut, and then refused by its size. */
static int key_read(struct key *key, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	ssize_t got = fd < 0 ? -1 : read(fd, key->bytes, sizeof(key->bytes));
	int error = got < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	key->size = got < 0 ? 0 : (size_t)got;
	return error;
}

static bool privacy_set_key(struct privacy *privacy, const char *path, char *error)
{
	bool is_hash = privacy->config->clients == OUTPUT_CLIENTS_HASHED, is_made = false;
	struct key key;
	int failed = key_read(&key, path);

	if (failed)
		snprintf(error, CONFIG_ERROR_MAX, "%s: %s", path, strerror(-failed));
	else if (is_hash && (key.size < KEY_LEAST || key.size == KEY_MAX))
		snprintf(error, CONFIG_ERROR_MAX, "%s: a key has %d to %d bytes", path, KEY_LEAST,
			 KEY_MAX - 1);
	else if (!is_hash && key.size != CRYPTOPAN_KEY)
		snprintf(error, CONFIG_ERROR_MAX, "%s: a key of Crypto-PAn has %d bytes", path,
			 CRYPTOPAN_KEY);
	else if (is_hash)
		is_made = (privacy->mac = mac_new(key.bytes, key.size)) != NULL;
	else
		is_made = cryptopan_init(&privacy->cryptopan, key.bytes);
	explicit_bzero(&key, sizeof(key));
	return is_made;
}

struct privacy *privacy_new(const struct config_privacy *config, const struct suffixes *suffixes,
			    char *error)
{
	struct privacy *privacy = xcalloc(1, sizeof(*privacy));

	privacy->config = config;
	privacy->suffixes = suffixes;
	random_secret(&privacy->key, sizeof(privacy->key));
	snprintf(error, CONFIG_ERROR_MAX, "OpenSSL gives no cipher");
	if (config->clients == OUTPUT_CLIENTS_AS_THEY_ARE ||
	    privacy_set_key(privacy, config->key_file, error))
		return privacy;
	privacy_free(privacy);
	return NULL;
}

void privacy_free(struct privacy *privacy)
{
	if (!privacy)
		return;
	cryptopan_fini(&privacy->cryptopan);
	mac_free(privacy->mac);
	free(privacy);
}

static void keep_bits(struct address *address, uint32_t bits)
{
	uint8_t kept = (uint8_t)(0xff00 >> bits % 8);

	for (uint32_t at = bits / 8; at < sizeof(address->bytes); at++, kept = 0)
		address->bytes[at] &= kept;
}

static void hash_address(struct mac *mac, struct address *address)
{
	uint8_t digest[MAC_SIZE], input[1 + sizeof(address->bytes)];

	input[0] = address->version;
	memcpy(input + 1, address->bytes, sizeof(address->bytes));
	mac_compute(mac, input, sizeof(input), digest);
	memcpy(address->bytes, digest, sizeof(address->bytes));
	address->bytes[0] = 0xfd;
	address->version = 6;
}

static void disguise(struct privacy *privacy, struct address *address)
{
	struct known *known =
		&privacy->known[hash_bytes(&privacy->key, address, sizeof(*address)) % KNOWN];

	if (!address_equal(&known->address, address)) {
		known->address = known->disguised = *address;
		if (privacy->mac)
			hash_address(privacy->mac, &known->disguised);
		else
			cryptopan_disguise(&privacy->cryptopan, &known->disguised);
	}
	*address = known->disguised;
}

struct slice privacy_cut_name(const struct privacy *privacy, struct slice wire_name)
{
	uint32_t front;

	if (!privacy->config->cuts_qname || !wire_name.length)
		return wire_name;
	front = suffixes_registered(privacy->suffixes, wire_name);
	return (struct slice){wire_name.data + front, wire_name.length - front};
}

static void remove_ecs(struct privacy *privacy, struct event *event)
{
	int length = -EBADMSG;

	if (event->message.length <= sizeof(privacy->message))
		length = ecs_remove(event->message, privacy->message);
	event->message = (struct slice){privacy->message, length < 0 ? 0 : (size_t)length};
}

void privacy_apply(struct privacy *privacy, struct event *event)
{
	const struct config_privacy *config = privacy->config;
	struct address *client = &event->query_address;
	struct slice name = privacy_cut_name(privacy, event->qname);

	if (client->version)
		keep_bits(client,
			  client->version == 4 ? config->client_prefix4 : config->client_prefix6);
	if (client->version && config->clients != OUTPUT_CLIENTS_AS_THEY_ARE)
		disguise(privacy, client);
	if (config->cuts_qname)
		event->message.length = 0; /* it tells all names */
	else if (config->removes_ecs && event->message.length)
		remove_ecs(privacy, event);
	event->qname = name;
}
