/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zone files (RFC 1035 5.1) of response policy zones, as far as feeds use the form. Names that are
 * asked for stand in front of the zone's own name; what a record gives for them matters only when
 * it makes an exception of them. A record may go on over lines between parentheses, so its words
 * come one by one.
 */
#include "dns/code.h"
#include "dns/message.h"
#include "rules/list_file.h"
#include "rules/words.h"

enum {
	TYPE_NS = 2,
	TYPE_DNAME = 39,
	TYPE_DS = 43,
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_DNSKEY = 48,
	TYPE_NSEC3 = 50,
	TYPE_NSEC3PARAM = 51,
};

/* Moves *line behind its next word and returns that, quotes or one parenthesis; empty at the end,
 * or before a comment. */
static struct slice token_next(struct slice *line)
{
	struct slice token = blanks_skip(*line);
	size_t at = 1;

	if (!token.length || *token.data == ';') {
		*line = slice_skip(token, token.length);
		return *line;
	}
	if (*token.data == '"') {
		while (at < token.length && token.data[at] != '"')
			at += token.data[at] == '\\' ? 2 : 1;
		at++;
	} else if (*token.data != '(' && *token.data != ')') {
		for (at = 0; at < token.length && !is_blank(token.data[at]) &&
			     (!strchr(";()\"", token.data[at]) || !token.data[at]);)
			at += token.data[at] == '\\' ? 2 : 1;
	}
	if (at > token.length)
		at = token.length;
	*line = slice_skip(token, at);
	token.length = at;
	return token;
}

static bool is_absolute(struct slice text)
{
	size_t escapes = 0;

	if (text.data[text.length - 1] != '.')
		return false;
	while (escapes + 1 < text.length && text.data[text.length - 2 - escapes] == '\\')
		escapes++;
	return escapes % 2 == 0;
}

/* "@", or a name that is absolute or ends in the origin; "*." before it is set apart. */
static bool name_read(struct list_zone_name *name, struct slice text,
		      const struct list_zone_name *origin)
{
	uint8_t origin_length = origin->length ? origin->length : 1;
	size_t length;

	name->is_wildcard = word_is(text, "*") || word_take(&text, "*.");
	if (word_is(text, "@") || word_is(text, "*")) {
		memcpy(name->wire, origin->wire, origin_length);
		name->length = origin_length;
		return true;
	}
	if (!text.length)
		text = (struct slice){(const uint8_t *)".", 1};
	length = names_encode(text, name->wire);
	if (length && !is_absolute(text)) {
		length += origin_length - 1u;
		if (length > DNS_NAME_MAX)
			length = 0;
		else
			memcpy(name->wire + length - origin_length, origin->wire, origin_length);
	}
	name->length = (uint8_t)length;
	return length;
}

/* What stands in front of the zone's own name becomes a whole name. False: it is not in the zone.
 */
static bool name_cut(struct list_zone_name *name, const struct list_zone_name *apex)
{
	uint8_t apex_length = apex->length ? apex->length : 1;
	size_t at = 0;

	while (name->length - at > apex_length)
		at += 1u + name->wire[at];
	if (name->length - at != apex_length ||
	    !name_equal(name->wire + at, apex->wire, apex_length))
		return false;
	name->wire[at] = 0;
	name->length = (uint8_t)(at + 1);
	return true;
}

/* Triggers other than the name that is asked for: their owner ends in a label of this kind. */
static bool is_other_trigger(const struct list_zone_name *name)
{
	static const char *const labels[] = {"\6rpz-ip", "\15rpz-client-ip", "\13rpz-nsdname",
					     "\10rpz-nsip"};
	const uint8_t *label = name->wire;

	while (label[0] && label[1 + label[0]])
		label += 1 + label[0];
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (*label == (uint8_t)*labels[i] &&
		    name_equal(label + 1, (const uint8_t *)labels[i] + 1, *label))
			return true;
	return false;
}

/* What names the zone, or signs it (RFC 4034, RFC 5155), says nothing of who asks; nor has DNAME a
 * meaning here. */
static bool is_policy(uint16_t type)
{
	static const uint16_t others[] = {TYPE_NS,   TYPE_DNAME,  TYPE_DS,    TYPE_RRSIG,
					  TYPE_NSEC, TYPE_DNSKEY, TYPE_NSEC3, TYPE_NSEC3PARAM};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (type == others[i])
			return false;
	return true;
}

/* CNAME rpz-passthru, or to the name itself, as it was written before there was that. */
static bool is_exception(const struct list_zone *zone, const struct list_zone_name *trigger)
{
	struct list_zone_name target;

	if (zone->type != DNS_TYPE_CNAME || word_is(zone->data, ".") || word_is(zone->data, "*."))
		return false;
	if (word_is(zone->data, "rpz-passthru."))
		return true;
	return name_read(&target, zone->data, &zone->origin) &&
	       target.is_wildcard == trigger->is_wildcard && target.length == trigger->length &&
	       name_equal(target.wire, trigger->wire, target.length);
}

/* Actions have names of one label below the root: "rpz-tcp-only." has clients ask again. Of those
 * two are about what a list says, and others are not known, or of another kind. */
static bool is_other_action(const struct list_zone *zone)
{
	struct slice target = zone->data;

	return zone->type == DNS_TYPE_CNAME && target.length > 4 && is_absolute(target) &&
	       !strncasecmp((const char *)target.data, "rpz-", 4) &&
	       slice_before(target, '.').length == target.length - 1 &&
	       !word_is(target, "rpz-passthru.") && !word_is(target, "rpz-drop.");
}

/* No wildcard covers what is below a name that is there (RFC 4592 3.3.1). That is how exceptions
 * are meant; below a name that is in the list a wildcard above it goes on. */
static void trigger_add(struct list_file *file, const struct list_zone_name *trigger)
{
	uint8_t say = NAMES_SAY(NAMES_IN, NAMES_NOTHING);

	if (is_exception(&file->zone, trigger))
		say = trigger->is_wildcard ? NAMES_SAY(NAMES_NOTHING, NAMES_OUT)
					   : NAMES_SAY(NAMES_OUT, NAMES_OUT_BY_THE_WAY);
	else if (trigger->is_wildcard)
		say = NAMES_SAY(NAMES_NOTHING, NAMES_IN);
	list_file_add_wire(file, (struct slice){trigger->wire, trigger->length}, say);
}

/* The zone has its name from here. Relative names are in the zone as long as nothing else is said.
 */
static void apex_set(struct list_zone *zone)
{
	zone->is_nameless = !zone->origin.length && !zone->is_owner_absolute;
	zone->apex = zone->owner;
	if (!zone->origin.length)
		zone->origin = zone->apex;
}

/* A record is whole. */
static void record_end(struct list_file *file)
{
	struct list_zone *zone = &file->zone;
	struct list_zone_name trigger = zone->owner;

	if (zone->stage == ZONE_BEFORE_TYPE)
		list_file_complain(file, "no type of a record is behind the name");
	else if (zone->stage == ZONE_BEFORE_DATA)
		list_file_complain(file, "the record has no data");
	else if (!zone->owner.length)
		list_file_complain(file, "the record is for no name");
	else if (zone->type == DNS_TYPE_SOA)
		apex_set(zone);
	else if (!name_cut(&trigger, &zone->apex))
		list_file_complain(file, "the name is not in the zone");
	else if (!is_policy(zone->type) || (trigger.length == 1 && !trigger.is_wildcard))
		return;
	else if (zone->is_nameless && zone->is_owner_absolute)
		list_file_complain(file, "no $ORIGIN says what the zone's name is, which this name "
					 "would end in");
	else if (is_other_trigger(&trigger) || is_other_action(zone))
		list_file_leave_out(file);
	else
		trigger_add(file, &trigger);
}

/* A number, or numbers with units: "3600", "1h30m". */
static bool is_ttl(struct slice word)
{
	if (*word.data < '0' || *word.data > '9')
		return false;
	for (size_t i = 0; i < word.length; i++)
		if (!word.data[i] || !strchr("0123456789smhdwSMHDW", word.data[i]))
			return false;
	return true;
}

static bool is_class(struct slice word)
{
	return word_is(word, "IN") || word_is(word, "CH") || word_is(word, "HS");
}

static bool type_read(struct slice word, uint16_t *type)
{
	char text[16] = "";

	*type = DNS_TYPE_CNAME; /* most are */
	if (word_is(word, "CNAME"))
		return true;
	if (word.length >= sizeof(text))
		return false;
	memcpy(text, word.data, word.length);
	return strlen(text) == word.length && dns_type_parse(text, type);
}

/* Takes a word of the record that is behind its owner. */
static void word_read(struct list_file *file, struct slice word)
{
	struct list_zone *zone = &file->zone;

	if (zone->stage == ZONE_BEFORE_DATA) {
		zone->data = word;
		zone->stage = ZONE_BEHIND_DATA;
		return;
	}
	if (zone->stage == ZONE_BEHIND_DATA || zone->stage == ZONE_BAD_RECORD)
		return;
	zone->stage = ZONE_BEFORE_TYPE;
	if (is_ttl(word) || is_class(word))
		return;
	zone->stage = ZONE_BEFORE_DATA;
	if (!type_read(word, &zone->type)) {
		list_file_complain(file, "there is a word that is no type of a record");
		zone->stage = ZONE_BAD_RECORD;
	}
}

static void parenthesis_read(struct list_file *file, bool opens)
{
	struct list_zone *zone = &file->zone;

	if (opens && !zone->depth)
		zone->opened = file->line;
	if (opens)
		zone->depth++;
	else if (zone->depth)
		zone->depth--;
	else
		list_file_complain(file, "nothing opens the parenthesis that is closed");
}

static void words_read(struct list_file *file, struct slice line)
{
	struct slice word;

	while ((word = token_next(&line)).length) {
		if (word_is(word, "(") || word_is(word, ")"))
			parenthesis_read(file, *word.data == '(');
		else
			word_read(file, word);
	}
}

static void owner_read(struct list_file *file, struct slice word)
{
	struct list_zone *zone = &file->zone;

	zone->stage = ZONE_BEFORE_TYPE;
	zone->is_owner_absolute = is_absolute(word);
	if (!name_read(&zone->owner, word, &zone->origin))
		list_file_complain_name(file, word);
}

static void directive_read(struct list_file *file, struct slice line)
{
	struct list_zone *zone = &file->zone;
	struct slice directive = token_next(&line), word = token_next(&line);
	struct list_zone_name origin;

	if (word_is(directive, "$TTL"))
		return;
	if (!word_is(directive, "$ORIGIN")) {
		list_file_leave_out(file);
		return;
	}
	if (!word.length || !name_read(&origin, word, &zone->origin) || origin.is_wildcard) {
		list_file_complain(file, "the origin is no name");
		return;
	}
	zone->origin = origin;
	zone->is_nameless = false;
	if (zone->apex.length <= 1)
		zone->apex = origin;
}

static void line_read(struct list_file *file, struct slice line)
{
	struct list_zone *zone = &file->zone;

	if (!zone->depth) {
		zone->stage = ZONE_NO_RECORD;
		if (*line.data == '$') {
			directive_read(file, line);
			return;
		}
		if (!is_blank(*line.data) && !strchr(";()", *line.data))
			owner_read(file, token_next(&line));
	}
	words_read(file, line);
	if (!zone->depth && zone->stage != ZONE_NO_RECORD && zone->stage != ZONE_BAD_RECORD)
		record_end(file);
}

static void file_end(struct list_file *file)
{
	if (file->zone.depth)
		list_file_complain(file, "nothing closes the parenthesis of line %zu",
				   file->zone.opened);
}

/* A directive, or a record whose type or class is one that such a zone has. */
static bool is_own(struct slice line)
{
	bool has_owner = !is_blank(*line.data);
	struct slice word = token_next(&line);

	if (word_is(word, "$TTL") || word_is(word, "$ORIGIN"))
		return true;
	if (has_owner)
		word = token_next(&line);
	while (word.length && is_ttl(word))
		word = token_next(&line);
	return word_is(word, "IN") || word_is(word, "SOA") || word_is(word, "CNAME");
}

const struct list_file_ops list_file_rpz = {
	.name = "rpz", .read = line_read, .end = file_end, .is_own = is_own};
