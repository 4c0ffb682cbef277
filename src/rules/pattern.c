/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCRE2's machine code of all patterns lies in chunks of pages that can be written and executed,
 * and it writes to a chunk again for the next pattern in it, and when one is freed. No interface
 * tells where they are; but nobody else in dnsflow has executable memory that is no file's, so it
 * is found in /proc/self/maps. It is opened when patterns are made or freed, and sealed again.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/pattern.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TEXT_SHOWN_MAX 60 /* of a pattern that is wrong */

/*
 * Of one match: hundreds of times what sane patterns take for names of letters. PCRE2 counts to the
 * limit anew at each octet that a match may start at: where that is more than the first, all of
 * them share TOTAL_LIMIT, but each may go through the text twice: nobody is to get past a pattern
 * by a name of octets that are written as four. So a hostile pattern takes some milliseconds at
 * most, and ten times that without machine code.
 */
#define MATCH_LIMIT	  50000
#define MATCH_LIMIT_LEAST 500
#define TOTAL_LIMIT	  500000

#define DEPTH_LIMIT	5000
#define HEAP_LIMIT_KIB	2048
#define JIT_STACK_BYTES (256 << 10) /* never grows: no system call in a match */

#define QUOTE(text)	  #text
#define VERSION(a, b, on) QUOTE(a) "." QUOTE(b) " " QUOTE(on)

struct pattern {
	pcre2_code *code;
	bool is_compiled; /* to machine code */
	bool starts_once; /* a match starts at the start, or nowhere */
};

struct pattern_scratch {
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	uint32_t limit; /* as it is set */
	uint64_t limits_reached;
	unsigned groups; /* that the last match set, the whole of it included */
};

/* Gives all executable memory that is no file's and has these permissions other ones. False when
 * some of it is left. */
static bool pages_change(const char *from, int to)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, inode;
	char line[512], permissions[8];
	bool is_done = maps != NULL;

	while (maps && fgets(line, sizeof(line), maps)) {
		int name = 0;

		/* Few lines have them: reading the numbers of all took most of the time. */
		if (strstr(line, from) &&
		    sscanf(line, "%lx-%lx %7s %*s %*s %lu %n", &start, &end, permissions, &inode,
			   &name) == 4 &&
		    !strcmp(permissions, from) && !inode && !line[name])
			is_done &= !mprotect((void *)start, end - start, to);
	}
	if (maps)
		fclose(maps);
	return is_done;
}

static bool pages_open(void)
{
	return pages_change("r-xp", PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void pages_seal(void)
{
	pages_change("rwxp", PROT_READ | PROT_EXEC);
}

/* --- what is written --- */

/* A text that is read for those of its characters that stand outside of classes, escapes and
 * quotes. */
struct syntax {
	const char *at;
	bool is_quoted;
};

/* Behind a class that begins at the text, or at its end. */
static const char *class_skip(const char *at)
{
	at += 1 + (at[1] == '^');
	at += *at == ']';
	for (; *at && *at != ']'; at++) {
		const char *end = *at == '[' && at[1] == ':' ? strstr(at, ":]") : NULL;

		if (end)
			at = end + 1;
		else if (*at == '\\' && at[1])
			at++;
	}
	return at + (*at == ']');
}

/* The next such character, or NULL: what follows it is read then. */
static const char *syntax_next(struct syntax *syntax)
{
	while (*syntax->at) {
		const char *at = syntax->at;

		if (syntax->is_quoted) {
			syntax->is_quoted = strncmp(at, "\\E", 2) != 0;
			syntax->at += syntax->is_quoted ? 1 : 2;
		} else if (*at == '\\' && at[1]) {
			syntax->is_quoted = at[1] == 'Q';
			syntax->at += 2;
		} else if (*at == '[') {
			syntax->at = class_skip(at);
		} else {
			syntax->at++;
			return at;
		}
	}
	return NULL;
}

/* "(?x)", or "(?ix:": blanks are nothing from here on. */
static bool begins_extended(const char *at)
{
	return !strncmp(at, "(?", 2) && at[2 + strspn(at + 2, "imsnJU")] == 'x';
}

static bool is_letter_or_digit(char character)
{
	char lower = (char)(character | 0x20);

	return (lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9');
}

/* Does a '$' stand behind a letter, which is not the root dot? At the end of a group, perhaps. */
static bool is_dollar_behind_letter(const char *text, const char *at)
{
	while (at > text && strchr(")?*+", at[-1]))
		at--;
	return at > text && (is_letter_or_digit(at[-1]) || at[-1] == '-' || at[-1] == '_') &&
	       (at == text + 1 || at[-2] != '\\');
}

enum pattern_doubt pattern_doubt(const char *text)
{
	struct syntax syntax = {text, false};
	enum pattern_doubt doubt = PATTERN_SOUND;
	bool is_extended = false;
	const char *at;

	while ((at = syntax_next(&syntax))) {
		is_extended |= begins_extended(at);
		if (*at == ' ' && !is_extended && at[1] != '?' && at[1] != '*')
			return PATTERN_HAS_BLANK;
		if (*at == '$' && at[1] && is_dollar_behind_letter(text, at))
			doubt = PATTERN_HAS_DOLLAR;
	}
	return doubt;
}

/* "{,5}" and "{,}" leave out 0, as Python's expressions may: for PCRE2 10.42 they are characters.
 */
static bool lacks_least(const char *at)
{
	return !strncmp(at, "{,", 2) && at[2 + strspn(at + 2, "0123456789")] == '}';
}

/* What PCRE2 is to read instead of the text, which may be longer. */
struct adapted {
	char *text;
	size_t length;
};

static void adapted_put(struct adapted *adapted, const char *from, size_t length)
{
	memcpy(adapted->text + adapted->length, from, length);
	adapted->length += length;
	adapted->text[adapted->length] = '\0';
}

static bool adapted_make(struct adapted *adapted, const char *text, enum pattern_kind kind)
{
	struct syntax syntax = {text, false};
	const char *at, *done = text;

	/* A character is added for two at most, or for one: '$' at the end. */
	*adapted = (struct adapted){.text = malloc(2 * strlen(text) + sizeof("\\.?"))};
	if (!adapted->text)
		return false;
	while ((at = syntax_next(&syntax))) {
		bool is_final = kind == PATTERN_IN_NAME && *at == '$' && !at[1];

		if (!is_final && !lacks_least(at))
			continue;
		adapted_put(adapted, done, (size_t)(at - done) + !is_final);
		adapted_put(adapted, is_final ? "\\.?" : "0", is_final ? 3 : 1);
		done = at + !is_final;
	}
	adapted_put(adapted, done, strlen(done));
	return true;
}

/* at: where in the text is what is wrong, about. */
static pcre2_code *code_new(const char *text, enum pattern_kind kind, int *error, size_t *at)
{
	uint32_t options = PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_DOLLAR_ENDONLY |
			   (kind == PATTERN_AT_START ? PCRE2_ANCHORED : 0);
	size_t length = strlen(text);
	struct adapted adapted;
	pcre2_code *code;

	if (!adapted_make(&adapted, text, kind)) {
		*error = PCRE2_ERROR_NOMEMORY;
		return NULL;
	}
	code = pcre2_compile((PCRE2_SPTR)adapted.text, adapted.length, options, error, at, NULL);
	free(adapted.text);
	if (*at > length)
		*at = length;
	return code;
}

/* --- making --- */

/* PCRE2_STARTLINE, which is told as a first code unit of type 2, is behind line feeds too: names,
 * in which they are escaped, have none. */
static bool has_one_start(const pcre2_code *code)
{
	uint32_t options = 0, first = 0;

	pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
	pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &first);
	return options & PCRE2_ANCHORED || (first == 2 && !(options & PCRE2_NO_START_OPTIMIZE));
}

struct pattern *pattern_parse(const char *text, enum pattern_kind kind, char *error)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern));
	int code = PCRE2_ERROR_NOMEMORY;
	char message[100];
	size_t at = 0;

	if (pattern)
		pattern->code = code_new(text, kind, &code, &at);
	if (!pattern || !pattern->code) {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof(message));
		snprintf(error, PATTERN_ERROR_MAX, "%.*s: %s at %zu", TEXT_SHOWN_MAX, text, message,
			 at);
		free(pattern);
		return NULL;
	}
	pattern->starts_once = has_one_start(pattern->code);
	return pattern;
}

static void pattern_compile(struct pattern *pattern)
{
	size_t size = 0;

	pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	/* Success is no sign of it: a pattern may begin with (*NO_JIT). */
	pcre2_pattern_info(pattern->code, PCRE2_INFO_JITSIZE, &size);
	pattern->is_compiled = size > 0;
}

void patterns_compile(struct pattern *const *patterns, size_t count)
{
	bool is_open = pages_open();

	for (size_t i = 0; is_open && i < count; i++)
		if (patterns[i])
			pattern_compile(patterns[i]);
	pages_seal();
}

struct pattern *pattern_new(const char *text, enum pattern_kind kind, char *error)
{
	struct pattern *pattern = pattern_parse(text, kind, error);

	if (pattern)
		patterns_compile(&pattern, 1);
	return pattern;
}

static bool has_compiled(struct pattern *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (patterns[i] && patterns[i]->is_compiled)
			return true;
	return false;
}

void patterns_free(struct pattern *const *patterns, size_t count)
{
	bool has_pages = has_compiled(patterns, count);
	bool is_open = has_pages && pages_open();

	for (size_t i = 0; i < count; i++) {
		/* Freeing would write to pages that are sealed: then it is left. */
		if (patterns[i] && (is_open || !patterns[i]->is_compiled))
			pcre2_code_free(patterns[i]->code);
		free(patterns[i]);
	}
	if (has_pages)
		pages_seal();
}

void pattern_free(struct pattern *pattern)
{
	patterns_free(&pattern, 1);
}

/* A name has an octet, its root dot, and no line feed. */
bool pattern_is_everything(const char *text)
{
	static const char *const texts[] = {
		"^(.*)", "^(.*)$", "^.*",  "^.*$",  "(.*)", "(.*)$", ".*", ".*$", "^(.+)", "^(.+)$",
		"^.+",	 "^.+$",   "(.+)", "(.+)$", ".+",   ".+$",   ".",  "^.",  "^",	   "$",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(text, texts[i]))
			return true;
	return false;
}

unsigned pattern_group_count(const struct pattern *pattern)
{
	uint32_t count = 0;

	pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &count);
	return count;
}

struct pattern_scratch *pattern_scratch_new(void)
{
	struct pattern_scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->context = pcre2_match_context_create(NULL);
	scratch->data = pcre2_match_data_create(1 + PATTERN_GROUPS_MAX, NULL);
	if (!scratch->context || !scratch->data) {
		pattern_scratch_free(scratch);
		return NULL;
	}
	pcre2_set_depth_limit(scratch->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(scratch->context, HEAP_LIMIT_KIB);
	/* Without one, machine code has 32 KiB of the thread's stack. */
	scratch->stack = pcre2_jit_stack_create(JIT_STACK_BYTES, JIT_STACK_BYTES, NULL);
	pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
	return scratch;
}

void pattern_scratch_free(struct pattern_scratch *scratch)
{
	if (!scratch)
		return;
	pcre2_jit_stack_free(scratch->stack);
	pcre2_match_data_free(scratch->data);
	pcre2_match_context_free(scratch->context);
	free(scratch);
}

static void limit_set(const struct pattern *pattern, struct pattern_scratch *scratch, size_t length)
{
	size_t limit = MATCH_LIMIT;

	if (!pattern->starts_once && length > TOTAL_LIMIT / MATCH_LIMIT)
		limit = TOTAL_LIMIT / length;
	if (limit < MATCH_LIMIT_LEAST + 2 * length)
		limit = MATCH_LIMIT_LEAST + 2 * length;
	if (limit != scratch->limit)
		pcre2_set_match_limit(scratch->context, (uint32_t)limit);
	scratch->limit = (uint32_t)limit;
}

bool pattern_match(const struct pattern *pattern, struct pattern_scratch *scratch,
		   struct slice subject)
{
	PCRE2_SPTR text = subject.length ? subject.data : (PCRE2_SPTR) "";
	int result;

	limit_set(pattern, scratch, subject.length);
	if (pattern->is_compiled)
		result = pcre2_jit_match(pattern->code, text, subject.length, 0, 0, scratch->data,
					 scratch->context);
	else
		result = pcre2_match(pattern->code, text, subject.length, 0, 0, scratch->data,
				     scratch->context);
	scratch->limits_reached += result < 0 && result != PCRE2_ERROR_NOMATCH;
	if (result < 0)
		return false;
	scratch->groups = result ? (unsigned)result : 1 + PATTERN_GROUPS_MAX; /* 0: more than fit */
	return true;
}

uint64_t pattern_limits_reached(const struct pattern_scratch *scratch)
{
	return scratch->limits_reached;
}

struct slice pattern_group(const struct pattern_scratch *scratch, struct slice subject,
			   unsigned group)
{
	const size_t *offsets = pcre2_get_ovector_pointer(scratch->data);

	if (group >= scratch->groups)
		return (struct slice){subject.data, 0};
	offsets += 2 * group;
	if (offsets[0] == PCRE2_UNSET || offsets[1] < offsets[0])
		return (struct slice){subject.data, 0};
	return (struct slice){subject.data + offsets[0], offsets[1] - offsets[0]};
}

const char *pattern_library_version(void)
{
	return VERSION(PCRE2_MAJOR, PCRE2_MINOR, PCRE2_DATE);
}
