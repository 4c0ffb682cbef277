/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/field.h"

#include <string.h>

#include "aggregator/outputs/ecs.h"
#include "base/clock.h"
#include "dns/code.h"

#define NANOSECONDS_PER_MICROSECOND INT64_C(1000)

#define FLAG_QR 0x8000
#define FLAG_AA 0x0400
#define FLAG_TC 0x0200
#define FLAG_RD 0x0100
#define FLAG_RA 0x0080
#define FLAG_AD 0x0020
#define FLAG_CD 0x0010

/* Arguments of put_ip and put_port. */
enum side { SIDE_QUERY, SIDE_RESPONSE, SIDE_SOURCE, SIDE_DESTINATION };

/* The name of a writer says what it writes; one that has nothing to say writes nothing. */
#define WRITER(name) \
	static char *name(const struct field *field, const struct field_source *source, char *out)

static int64_t divide_down(int64_t value, int64_t unit)
{
	return value / unit - (value % unit < 0);
}

/* What divide_down leaves. */
static int64_t rest_of(int64_t value, int64_t unit)
{
	return value % unit + (value % unit < 0 ? unit : 0);
}

static int64_t divide_round(int64_t value, int64_t unit)
{
	return divide_down(value, unit) + (rest_of(value, unit) >= unit / 2);
}

static char *put_text(char *out, const char *text)
{
	return put_bytes(out, text, strlen(text));
}

/* Numbers that are never 0 when they are known. */
static char *put_known(char *out, uint32_t number)
{
	return number ? put_decimal(out, number) : out;
}

/* The date of a second, which most events share with the one before. */
static char *put_second(char *out, int64_t second, struct field_cache *cache)
{
	if (second != cache->second) {
		cache->date.length =
			(uint8_t)(put_date(cache->date.text, second) - cache->date.text);
		cache->second = second;
	}
	return put_word(out, &cache->date);
}

WRITER(put_datetime)
{
	int64_t time_ns = source->event->time_ns;
	int64_t rest_ns = rest_of(time_ns, NANOSECONDS_PER_SECOND);
	uint32_t microseconds = (uint32_t)(rest_ns / NANOSECONDS_PER_MICROSECOND);

	(void)field;
	out = put_second(out, divide_down(time_ns, NANOSECONDS_PER_SECOND), source->cache);
	if (microseconds) {
		*out++ = '.';
		out = put_padded(out, microseconds, 6);
	}
	return put_bytes(out, "+00:00", 6);
}

WRITER(put_timestamp)
{
	(void)field;
	return put_fraction(out, divide_down(source->event->time_ns, NANOSECONDS_PER_MICROSECOND),
			    6);
}

WRITER(put_timestamp_ns)
{
	(void)field;
	return put_signed(out, source->event->time_ns);
}

WRITER(put_latency)
{
	int64_t latency_ns = source->event->latency_ns;

	(void)field;
	if (latency_ns == EVENT_NO_LATENCY)
		return out;
	return put_fraction(out, divide_round(latency_ns, NANOSECONDS_PER_MILLISECOND), 3);
}

WRITER(put_latency_us)
{
	int64_t latency_ns = source->event->latency_ns;

	(void)field;
	if (latency_ns == EVENT_NO_LATENCY)
		return out;
	return put_signed(out, divide_round(latency_ns, NANOSECONDS_PER_MICROSECOND));
}

/* Is it the side that asked? */
static bool is_asker(const struct field *field, const struct event *event)
{
	switch ((enum side)field->argument) {
	case SIDE_QUERY:
		return true;
	case SIDE_RESPONSE:
		return false;
	case SIDE_SOURCE:
		return event_is_query(event);
	default:
		return !event_is_query(event);
	}
}

WRITER(put_ip)
{
	const struct event *event = source->event;

	return put_address(out, is_asker(field, event) ? &event->query_address
						       : &event->response_address);
}

WRITER(put_port)
{
	const struct event *event = source->event;

	return put_known(out, is_asker(field, event) ? event->query_port : event->response_port);
}

WRITER(put_kind)
{
	(void)field;
	return put_word(out, &source->cache->kinds[source->event->kind]);
}

WRITER(put_direction)
{
	(void)field;
	return put_text(out, event_is_query(source->event) ? "query" : "response");
}

WRITER(put_family)
{
	(void)field;
	return put_text(out, event_family_name(source->event));
}

WRITER(put_protocol)
{
	(void)field;
	return put_word(out, &source->cache->protocols[source->event->protocol]);
}

WRITER(put_verdict)
{
	(void)field;
	return put_word(out, &source->cache->verdicts[source->event->verdict]);
}

WRITER(put_rule)
{
	(void)field;
	return put_known(out, source->event->rule);
}

WRITER(put_rcode)
{
	uint16_t rcode = source->event->rcode;
	char text[DNS_CODE_TEXT_MAX];

	(void)field;
	if (source->event->is_unanswered)
		return put_text(out, "TIMEOUT");
	if (rcode < FIELD_RCODES)
		return put_word(out, &source->cache->rcodes[rcode]);
	return put_text(out, dns_rcode_name(rcode, text));
}

WRITER(put_type)
{
	uint16_t type = source->event->type;
	char text[DNS_CODE_TEXT_MAX];

	(void)field;
	if (!source->event->qname.length)
		return out;
	if (type < FIELD_TYPES)
		return put_word(out, &source->cache->types[type]);
	return put_text(out, dns_type_name(type, text));
}

WRITER(put_class)
{
	char text[DNS_CODE_TEXT_MAX];

	(void)field;
	if (!source->event->qname.length)
		return out;
	return put_text(out, dns_class_name(source->event->class, text));
}

WRITER(put_length)
{
	(void)field;
	return put_decimal(out, source->event->length);
}

WRITER(put_id)
{
	(void)field;
	return put_decimal(out, source->event->id);
}

WRITER(put_opcode)
{
	(void)field;
	return put_decimal(out, source->event->flags >> 11 & 15);
}

WRITER(put_flag)
{
	*out = source->event->flags & field->argument ? '1' : '0';
	return out + 1;
}

WRITER(put_unanswered)
{
	(void)field;
	*out = source->event->is_unanswered ? '1' : '0';
	return out + 1;
}

WRITER(put_as_number)
{
	(void)field;
	return source->place ? put_known(out, source->place->as_number) : out;
}

WRITER(put_ecs)
{
	struct ecs ecs;

	(void)field;
	if (!ecs_find(source->event->message, &ecs))
		return out;
	out = put_address(out, &ecs.address);
	*out++ = '/';
	return put_decimal(out, ecs.prefix_length);
}

static struct slice find_qname(const struct field_source *source)
{
	return source->event->qname;
}

static struct slice find_registered_domain(const struct field_source *source)
{
	struct slice name = source->event->qname;
	uint32_t front;

	if (!name.length || !source->suffixes)
		return (struct slice){NULL, 0};
	front = suffixes_registered(source->suffixes, name);
	return (struct slice){name.data + front, name.length - front};
}

static struct slice find_identity(const struct field_source *source)
{
	return source->event->identity;
}

static struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static struct slice find_country(const struct field_source *source)
{
	return slice_of(source->place ? source->place->country : "");
}

static struct slice find_city(const struct field_source *source)
{
	return slice_of(source->place ? source->place->city : "");
}

static struct slice find_as_name(const struct field_source *source)
{
	return slice_of(source->place ? source->place->as_name : "");
}

#define NUMBER(writer, ...)                                         \
	{                                                           \
		.shape = FIELD_NUMBER, .write = writer, __VA_ARGS__ \
	}
#define WORD(writer, ...)                                         \
	{                                                         \
		.shape = FIELD_WORD, .write = writer, __VA_ARGS__ \
	}
#define NAME(finder)                                \
	{                                           \
		.shape = FIELD_NAME, .find = finder \
	}
#define TEXT(finder, ...)                                        \
	{                                                        \
		.shape = FIELD_TEXT, .find = finder, __VA_ARGS__ \
	}
#define FLAG(bit) NUMBER(put_flag, .argument = bit)

const struct field fields[] = {
	[CONFIG_FIELD_IDENTITY] = TEXT(find_identity),
	[CONFIG_FIELD_QNAME] = NAME(find_qname),
	[CONFIG_FIELD_RRTYPE] = WORD(put_type),
	[CONFIG_FIELD_QUERY_IP] = WORD(put_ip, .argument = SIDE_QUERY),
	[CONFIG_FIELD_QUERY_PORT] = NUMBER(put_port, .argument = SIDE_QUERY),
	[CONFIG_FIELD_RESPONSE_IP] = WORD(put_ip, .argument = SIDE_RESPONSE),
	[CONFIG_FIELD_RESPONSE_PORT] = NUMBER(put_port, .argument = SIDE_RESPONSE),
	[CONFIG_FIELD_LATENCY] = NUMBER(put_latency),
	[CONFIG_FIELD_MESSAGE] = WORD(put_kind),
	[CONFIG_FIELD_FAMILY] = WORD(put_family),
	[CONFIG_FIELD_PROTOCOL] = WORD(put_protocol),
	[CONFIG_FIELD_LENGTH] = NUMBER(put_length, .text_suffix = "b"),
	[CONFIG_FIELD_TIMESTAMP] = NUMBER(put_timestamp),
	[CONFIG_FIELD_TYPE] = WORD(put_direction),
	[CONFIG_FIELD_RCODE] = WORD(put_rcode),
	[CONFIG_FIELD_ID] = NUMBER(put_id),
	[CONFIG_FIELD_COUNTRY] = TEXT(find_country, .needs_place = true),
	[CONFIG_FIELD_CITY] = TEXT(find_city, .needs_place = true),
	[CONFIG_FIELD_DATETIME] = WORD(put_datetime),
	/* beyond the spec's formats */
	[CONFIG_FIELD_LATENCY_US] = NUMBER(put_latency_us),
	[CONFIG_FIELD_TIMESTAMP_NS] = NUMBER(put_timestamp_ns),
	[CONFIG_FIELD_OPCODE] = NUMBER(put_opcode),
	[CONFIG_FIELD_QR] = FLAG(FLAG_QR),
	[CONFIG_FIELD_AA] = FLAG(FLAG_AA),
	[CONFIG_FIELD_TC] = FLAG(FLAG_TC),
	[CONFIG_FIELD_RD] = FLAG(FLAG_RD),
	[CONFIG_FIELD_RA] = FLAG(FLAG_RA),
	[CONFIG_FIELD_AD] = FLAG(FLAG_AD),
	[CONFIG_FIELD_CD] = FLAG(FLAG_CD),
	[CONFIG_FIELD_CLASS] = WORD(put_class),
	[CONFIG_FIELD_VERDICT] = WORD(put_verdict),
	[CONFIG_FIELD_RULE] = NUMBER(put_rule),
	[CONFIG_FIELD_UNANSWERED] = NUMBER(put_unanswered),
	[CONFIG_FIELD_REGISTERED_DOMAIN] = NAME(find_registered_domain),
	[CONFIG_FIELD_SRC_IP] = WORD(put_ip, .argument = SIDE_SOURCE),
	[CONFIG_FIELD_SRC_PORT] = NUMBER(put_port, .argument = SIDE_SOURCE),
	[CONFIG_FIELD_DST_IP] = WORD(put_ip, .argument = SIDE_DESTINATION),
	[CONFIG_FIELD_DST_PORT] = NUMBER(put_port, .argument = SIDE_DESTINATION),
	[CONFIG_FIELD_AS_NUMBER] = NUMBER(put_as_number, .needs_place = true),
	[CONFIG_FIELD_AS_NAME] = TEXT(find_as_name, .needs_place = true),
	[CONFIG_FIELD_ECS] = WORD(put_ecs),
};

_Static_assert(sizeof(fields) / sizeof(fields[0]) == CONFIG_FIELD_COUNT, "each has a name");

void field_cache_init(struct field_cache *cache)
{
	char text[DNS_CODE_TEXT_MAX];

	for (uint16_t i = 0; i < FIELD_TYPES; i++)
		put_word_init(&cache->types[i], dns_type_name(i, text));
	for (uint16_t i = 0; i < FIELD_RCODES; i++)
		put_word_init(&cache->rcodes[i], dns_rcode_name(i, text));
	for (int i = 0; i < EVENT_KIND_END; i++)
		put_word_init(&cache->kinds[i], event_kind_name((uint8_t)i));
	for (int i = 0; i < EVENT_PROTOCOL_END; i++)
		put_word_init(&cache->protocols[i], event_protocol_name((uint8_t)i));
	for (int i = 0; i < EVENT_VERDICT_END; i++)
		put_word_init(&cache->verdicts[i], event_verdict_name((uint8_t)i));
	cache->second = INT64_MIN;
}
