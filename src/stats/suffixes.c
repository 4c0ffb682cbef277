/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/suffixes.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "dns/name.h"
#include "stats/key.h"
#include "stats/punycode.h"

/*
 * A tree of labels from the right, in one hash table: the hash of a node is made of its label and
 * the hash of its parent. A node is 29 bits of its hash, others decide where it lies, and flags; 0
 * is free. It is dense to stay in a cache: a name takes a rule for its own by chance once in 10^8.
 */
#define IS_SUFFIX    1u /* a rule ends here */
#define IS_WILDCARD  2u /* "*." in front of it is a rule */
#define IS_EXCEPTION 4u /* "!": no suffix in spite of the wildcard */
#define FLAGS	     7u

struct suffixes {
	uint64_t seed;
	uint32_t *nodes;
	uint32_t mask;
	uint32_t rule_count;
};

/* No SipHash: nobody but the list brings nodes in, and who finds a name that is taken for one of
 * them has only his own name cut at a wrong label. */
static uint64_t hash_label(const struct suffixes *suffixes, uint64_t parent, struct slice label)
{
	const uint8_t *at = label.data, *end = at + label.length;
	uint64_t hash = (suffixes->seed ^ parent) + label.length, word;

	for (; end - at >= 8; at += 8) {
		memcpy(&word, at, 8);
		hash = key_fold(hash ^ name_lower_word(word), KEY_FACTOR);
	}
	return key_fold(hash ^ name_lower_word(hash_tail(end, label.length)), KEY_FACTOR) | FLAGS;
}

/* The node, or the free place where it would be; half of the places are free. */
static uint32_t *find_node(const struct suffixes *suffixes, uint64_t hash)
{
	uint64_t at = hash >> 32;

	for (;; at++) {
		uint32_t *node = &suffixes->nodes[at & suffixes->mask];

		if (!*node || (*node | FLAGS) == (uint32_t)hash)
			return node;
	}
}

/* --- the text --- */

/* The next line up to its first blank, or false at the end. */
static bool next_line(struct slice *text, struct slice *line)
{
	const uint8_t *end;

	if (!text->length)
		return false;
	end = memchr(text->data, '\n', text->length);
	*line = (struct slice){text->data, end ? (size_t)(end - text->data) : text->length};
	text->data += line->length + (end != NULL);
	text->length -= line->length + (end != NULL);
	for (size_t i = 0; i < line->length; i++)
		if (line->data[i] == ' ' || line->data[i] == '\t' || line->data[i] == '\r')
			line->length = i;
	if (line->length >= 2 && line->data[0] == '/' && line->data[1] == '/')
		line->length = 0;
	return true;
}

static uint32_t count_labels(struct slice text)
{
	struct slice line;
	uint32_t count = 0;

	while (next_line(&text, &line)) {
		count += line.length > 0;
		for (size_t i = 0; i < line.length; i++)
			count += line.data[i] == '.';
	}
	return count;
}

/* What precedes the last dot stays in rule; rule ends when its data is NULL. */
static struct slice cut_last_label(struct slice *rule)
{
	size_t at = rule->length;
	struct slice label;

	while (at && rule->data[at - 1] != '.')
		at--;
	label = (struct slice){rule->data + at, rule->length - at};
	*rule = at ? (struct slice){rule->data, at - 1} : (struct slice){NULL, 0};
	return label;
}

static void add_rule(struct suffixes *suffixes, struct slice rule)
{
	uint8_t label[PUNYCODE_LABEL_MAX];
	uint32_t flag = IS_SUFFIX, *node = NULL;
	uint64_t parent = 0;

	if (rule.data[0] == '!') {
		flag = IS_EXCEPTION;
		rule = (struct slice){rule.data + 1, rule.length - 1};
	} else if (rule.length > 2 && rule.data[0] == '*' && rule.data[1] == '.') {
		flag = IS_WILDCARD;
		rule = (struct slice){rule.data + 2, rule.length - 2};
	}
	if (memchr(rule.data, '*', rule.length))
		return;
	while (rule.data) {
		uint8_t length = punycode_encode(cut_last_label(&rule), label);

		if (!length)
			return;
		parent = hash_label(suffixes, parent, (struct slice){label, length});
		node = find_node(suffixes, parent);
		if (!*node)
			*node = (uint32_t)parent & ~FLAGS;
	}
	*node |= flag;
	suffixes->rule_count++;
}

struct suffixes *suffixes_new(struct slice text)
{
	struct suffixes *suffixes = xcalloc(1, sizeof(*suffixes));
	uint32_t places = 2, needed = 2 * count_labels(text);
	struct slice line;

	while (places < needed)
		places *= 2;
	suffixes->nodes = xcalloc(places, sizeof(*suffixes->nodes));
	suffixes->mask = places - 1;
	random_secret(&suffixes->seed, sizeof(suffixes->seed)); /* without, it works as well */
	while (next_line(&text, &line))
		if (line.length)
			add_rule(suffixes, line);
	return suffixes;
}

void suffixes_free(struct suffixes *suffixes)
{
	if (!suffixes)
		return;
	free(suffixes->nodes);
	free(suffixes);
}

/* --- names --- */

struct suffixes_split suffixes_split(const struct suffixes *suffixes, struct slice wire_name)
{
	uint8_t starts[DNS_LABELS_MAX]; /* of labels from the left */
	uint32_t count = 0, depth = 0, suffix = 1, wanted;
	uint32_t node = 0, flags = 0;
	uint64_t parent = 0;

	for (size_t at = 0; at < wire_name.length && wire_name.data[at] && count < DNS_LABELS_MAX;
	     at += 1u + wire_name.data[at])
		starts[count++] = (uint8_t)at;
	if (!count)
		return (struct suffixes_split){0};
	while (depth < count) {
		const uint8_t *label = wire_name.data + starts[count - 1 - depth];
		uint32_t above = flags;

		parent = hash_label(suffixes, parent, (struct slice){label + 1, *label});
		node = *find_node(suffixes, parent);
		flags = node & FLAGS;
		depth++;
		if (flags & IS_EXCEPTION) {
			suffix = depth - 1;
			break;
		}
		if ((above & IS_WILDCARD) || (flags & IS_SUFFIX))
			suffix = depth;
		if (!node)
			break;
	}
	wanted = suffix + 1;
	return (struct suffixes_split){
		.registered = wanted > count ? 0 : starts[count - wanted],
		.tld = starts[count - 1],
		.is_known = depth > 1 || node,
	};
}

uint32_t suffixes_registered(const struct suffixes *suffixes, struct slice wire_name)
{
	return suffixes_split(suffixes, wire_name).registered;
}

bool suffixes_is_tld(const struct suffixes *suffixes, struct slice label)
{
	return *find_node(suffixes, hash_label(suffixes, 0, label));
}

uint32_t suffixes_count(const struct suffixes *suffixes)
{
	return suffixes->rule_count;
}
