/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The conditions are tried from the cheapest to the dearest: numbers in bitmaps, latency, prefixes,
 * names, patterns.
 */
#include "rules/filter.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/code.h"
#include "dns/name.h"
#include "rules/list.h"
#include "rules/names.h"
#include "rules/pattern.h"
#include "rules/prefixes.h"

#define WORD_BITS   64
#define TYPES_COUNT 65536
#define RCODES_MAX  4096
#define NS_PER_MS   1e6

#define QUERY_KINDS    0x2aaa /* odd ones */
#define RESPONSE_KINDS 0x5554

_Static_assert(EVENT_KIND_END == 15, "every kind is a query or a response");

struct patterns {
	struct pattern **pattern;
	size_t count;
};

struct event_filter {
	uint32_t kinds;	   /* a bit for each that is wanted */
	uint32_t verdicts; /* a bit for each that is wanted */
	int64_t latency_ns_least;
	int64_t latency_ns_most;
	bool has_latency;
	bool has_types;
	bool has_rcodes;
	struct prefixes *clients; /* from here on NULL: no condition */
	struct prefixes *servers;
	struct list *names;
	const struct lists *lists;
	int list; /* a number there; -1: none has it */
	bool has_list;
	struct patterns name_patterns; /* none: no condition */
	struct patterns identity_patterns;
	struct pattern_scratch *scratch; /* NULL without patterns */
	uint64_t rcodes[RCODES_MAX / WORD_BITS];
	uint64_t types[TYPES_COUNT / WORD_BITS];
};

/* Where an error is told. Functions that take it return false once it has one. */
struct complaint {
	const char *list;
	char *error;
};

__attribute__((format(printf, 2, 3))) static bool complain(const struct complaint *complaint,
							   const char *format, ...)
{
	int prefix = snprintf(complaint->error, FILTER_ERROR_MAX, "%s: ", complaint->list);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(complaint->error + prefix, FILTER_ERROR_MAX - (size_t)prefix, format, arguments);
	va_end(arguments);
	return false;
}

typedef bool (*element_fn)(struct event_filter *filter, const char *element,
			   const struct complaint *complaint);

/* Calls it for every element of a list. */
static bool for_each(struct event_filter *filter, const char *list, element_fn element_add,
		     const struct complaint *complaint)
{
	char *copy = strdup(list), *at = copy, *element;
	bool is_good = true;

	if (!copy)
		return complain(complaint, "out of memory");
	while (is_good && (element = strsep(&at, "\n")))
		if (*element)
			is_good = element_add(filter, element, complaint);
	free(copy);
	return is_good;
}

static void bit_set(uint64_t *words, unsigned bit)
{
	words[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
}

static inline bool has_bit(const uint64_t *words, unsigned bit)
{
	return words[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

static bool type_add(struct event_filter *filter, const char *element,
		     const struct complaint *complaint)
{
	uint16_t type;

	if (!dns_type_parse(element, &type))
		return complain(complaint, "%s is no type: write a name such as AAAA, or a number",
				element);
	bit_set(filter->types, type);
	filter->has_types = true;
	return true;
}

static bool rcode_add(struct event_filter *filter, const char *element,
		      const struct complaint *complaint)
{
	uint16_t rcode;

	if (!dns_rcode_parse(element, &rcode))
		return complain(
			complaint,
			"%s is no response code: write a name such as NXDOMAIN, or a number",
			element);
	bit_set(filter->rcodes, rcode);
	filter->has_rcodes = true;
	return true;
}

static bool verdict_add(struct event_filter *filter, const char *element,
			const struct complaint *complaint)
{
	for (unsigned verdict = 1; verdict < EVENT_VERDICT_END; verdict++) {
		if (!strcasecmp(element, event_verdict_name((uint8_t)verdict))) {
			filter->verdicts |= 1u << verdict;
			return true;
		}
	}
	return complain(complaint, "%s is no verdict such as blocked or logged", element);
}

static bool message_add(struct event_filter *filter, const char *element,
			const struct complaint *complaint)
{
	uint32_t kinds = 0;

	if (!strcasecmp(element, "query"))
		kinds = QUERY_KINDS;
	else if (!strcasecmp(element, "response"))
		kinds = RESPONSE_KINDS;
	for (unsigned kind = 1; kind < EVENT_KIND_END; kind++)
		if (!strcasecmp(element, event_kind_name((uint8_t)kind)))
			kinds = 1u << kind;
	filter->kinds |= kinds;
	return kinds || complain(complaint,
				 "%s is no kind of message: write query, response or a kind such "
				 "as CLIENT_QUERY",
				 element);
}

static bool pattern_add(struct patterns *patterns, const char *element, enum pattern_kind kind,
			const struct complaint *complaint)
{
	struct pattern **grown =
		reallocarray(patterns->pattern, patterns->count + 1, sizeof(struct pattern *));
	char wrong[PATTERN_ERROR_MAX];

	if (!grown)
		return complain(complaint, "out of memory");
	patterns->pattern = grown;
	grown[patterns->count] = pattern_new(element, kind, wrong);
	if (!grown[patterns->count])
		return complain(complaint, "%s", wrong);
	patterns->count++;
	return true;
}

static bool name_pattern_add(struct event_filter *filter, const char *element,
			     const struct complaint *complaint)
{
	return pattern_add(&filter->name_patterns, element, PATTERN_IN_NAME, complaint);
}

static bool identity_pattern_add(struct event_filter *filter, const char *element,
				 const struct complaint *complaint)
{
	return pattern_add(&filter->identity_patterns, element, PATTERN_AT_START, complaint);
}

static bool prefixes_set(struct prefixes **prefixes, const char *list,
			 const struct complaint *complaint)
{
	char wrong[PREFIXES_ERROR_MAX];

	if (!*list)
		return true;
	*prefixes = prefixes_new(list, wrong);
	return *prefixes || complain(complaint, "%s", wrong);
}

static bool names_read(struct names *names, const struct filter_conditions *conditions, char *error)
{
	const struct complaint in_list = {"name", error}, in_file = {"name-file", error};
	struct slice list = {(const uint8_t *)conditions->names, strlen(conditions->names)};
	char wrong[NAMES_ERROR_MAX];
	size_t line;

	if (names_parse(names, list, wrong))
		return complain(&in_list, "%s", wrong);
	line = conditions->name_file.data ? names_parse(names, conditions->name_file, wrong) : 0;
	if (line)
		return complain(&in_file, "line %zu: %s", line, wrong);
	return true;
}

/* A file without names is a condition that nothing meets. */
static bool names_set(struct event_filter *filter, const struct filter_conditions *conditions,
		      const struct hash_key *key, char *error)
{
	const struct complaint complaint = {"name", error};
	struct names names = {0};
	void *memory = NULL;
	bool is_good;
	size_t size;

	if (!*conditions->names && !conditions->name_file.data)
		return true;
	is_good = names_read(&names, conditions, error);
	if (is_good) {
		size = list_size(&names);
		memory = size ? malloc(size) : NULL;
		is_good = memory || complain(&complaint, "out of memory");
	}
	if (is_good) {
		list_build(memory, &names, key);
		filter->names = memory;
	}
	names_fini(&names);
	return is_good;
}

static int64_t latency_ns(double ms)
{
	double ns = ms * NS_PER_MS;

	return ns < 0x1p62 ? (int64_t)ns : INT64_MAX;
}

static bool latency_set(struct event_filter *filter, const struct filter_conditions *conditions,
			const struct complaint *complaint)
{
	double least = conditions->latency_ms_least, most = conditions->latency_ms_most;

	if (isnan(least) || isnan(most))
		return complain(complaint, "no number");
	filter->has_latency = least >= 0 || most >= 0;
	filter->latency_ns_least = least >= 0 ? latency_ns(least) : 0;
	filter->latency_ns_most = most >= 0 ? latency_ns(most) : INT64_MAX;
	if (filter->latency_ns_least > filter->latency_ns_most)
		return complain(complaint, "%g is more than latency-at-most, %g", least, most);
	return true;
}

static bool conditions_set(struct event_filter *filter, const struct filter_conditions *conditions,
			   const struct hash_key *key, char *error)
{
	const struct {
		const char *name;
		const char *list;
		element_fn add;
	} lists[] = {
		{"message", conditions->messages, message_add},
		{"verdict", conditions->verdicts, verdict_add},
		{"type", conditions->types, type_add},
		{"rcode", conditions->rcodes, rcode_add},
		{"name-regex", conditions->name_regexes, name_pattern_add},
		{"identity", conditions->identities, identity_pattern_add},
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (!for_each(filter, lists[i].list, lists[i].add,
			      &(struct complaint){lists[i].name, error}))
			return false;
	return latency_set(filter, conditions, &(struct complaint){"latency-at-least", error}) &&
	       prefixes_set(&filter->clients, conditions->clients,
			    &(struct complaint){"client", error}) &&
	       prefixes_set(&filter->servers, conditions->servers,
			    &(struct complaint){"server", error}) &&
	       names_set(filter, conditions, key, error);
}

static bool scratch_set(struct event_filter *filter, char *error)
{
	if (!filter->name_patterns.count && !filter->identity_patterns.count)
		return true;
	filter->scratch = pattern_scratch_new();
	if (!filter->scratch)
		snprintf(error, FILTER_ERROR_MAX, "out of memory");
	return filter->scratch != NULL;
}

struct event_filter *event_filter_new(const struct filter_conditions *conditions,
				      const struct hash_key *key, char *error)
{
	struct event_filter *filter = calloc(1, sizeof(*filter));

	if (!filter) {
		snprintf(error, FILTER_ERROR_MAX, "out of memory");
		return NULL;
	}
	if (!conditions_set(filter, conditions, key, error) || !scratch_set(filter, error)) {
		event_filter_free(filter);
		return NULL;
	}
	filter->lists = conditions->lists;
	filter->has_list = conditions->list && *conditions->list;
	filter->list = filter->has_list && filter->lists
			       ? lists_find(filter->lists, conditions->list)
			       : -1;
	filter->kinds = filter->kinds ? filter->kinds : UINT32_MAX;
	filter->verdicts = filter->verdicts ? filter->verdicts : UINT32_MAX;
	return filter;
}

static void patterns_fini(struct patterns *patterns)
{
	patterns_free(patterns->pattern, patterns->count);
	free(patterns->pattern);
}

void event_filter_free(struct event_filter *filter)
{
	if (!filter)
		return;
	patterns_fini(&filter->name_patterns);
	patterns_fini(&filter->identity_patterns);
	pattern_scratch_free(filter->scratch);
	prefixes_free(filter->clients);
	prefixes_free(filter->servers);
	free(filter->names);
	free(filter);
}

static bool patterns_match(const struct patterns *patterns, struct pattern_scratch *scratch,
			   struct slice subject)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (pattern_match(patterns->pattern[i], scratch, subject))
			return true;
	return false;
}

static inline bool numbers_match(const struct event_filter *filter, const struct event *event)
{
	if (!(filter->kinds >> event->kind & filter->verdicts >> event->verdict & 1))
		return false;
	if (filter->has_types && !has_bit(filter->types, event->type))
		return false;
	if (filter->has_rcodes &&
	    (event->rcode >= RCODES_MAX || !has_bit(filter->rcodes, event->rcode)))
		return false;
	/* EVENT_NO_LATENCY is below all that are wanted. */
	return !filter->has_latency || (event->latency_ns >= filter->latency_ns_least &&
					event->latency_ns <= filter->latency_ns_most);
}

static bool name_patterns_match(struct event_filter *filter, struct slice qname)
{
	char text[DNS_NAME_TEXT_MAX + 1];
	size_t length;

	if (!qname.length)
		return false;
	length = name_format(qname.data, text);
	text[length++] = '.';
	return patterns_match(&filter->name_patterns, filter->scratch,
			      (struct slice){(const uint8_t *)text, length});
}

/* An identity that is not known is "-", as everywhere. */
static bool identity_patterns_match(struct event_filter *filter, struct slice identity)
{
	if (!identity.length)
		identity = (struct slice){(const uint8_t *)"-", 1};
	return patterns_match(&filter->identity_patterns, filter->scratch, identity);
}

static bool is_listed(const struct event_filter *filter, struct slice name)
{
	return filter->list >= 0 && name.length &&
	       lists_match(filter->lists, (uint32_t)filter->list, name);
}

bool event_filter_match(struct event_filter *filter, const struct event *event)
{
	return numbers_match(filter, event) &&
	       (!filter->clients || prefixes_match(filter->clients, &event->query_address)) &&
	       (!filter->servers || prefixes_match(filter->servers, &event->response_address)) &&
	       (!filter->names || list_match(filter->names, event->qname)) &&
	       (!filter->has_list || is_listed(filter, event->qname)) &&
	       (!filter->identity_patterns.count ||
		identity_patterns_match(filter, event->identity)) &&
	       (!filter->name_patterns.count || name_patterns_match(filter, event->qname));
}

uint64_t event_filter_limits_reached(const struct event_filter *filter)
{
	return filter->scratch ? pattern_limits_reached(filter->scratch) : 0;
}

const char *rules_library_version(void)
{
	return pattern_library_version();
}
