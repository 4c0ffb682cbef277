/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of a dnsmasq.conf(5) that say what becomes of names and all below: "KEY=/NAME/.../WHERE".
 * "server=/NAME/#" is an exception there from a shorter name, and is one here.
 */
#include "rules/list_file.h"
#include "rules/words.h"

/* '#' begins a comment only behind a blank, or at the start. */
static struct slice comment_cut(struct slice line)
{
	for (size_t at = 0; at < line.length; at++)
		if (line.data[at] == '#' && (!at || is_blank(line.data[at - 1])))
			line.length = at;
	return blanks_trim(line);
}

/* The names of a line between slashes, if it has any; *where is what stands behind. */
static bool line_split(struct slice line, struct slice *key, struct slice *names,
		       struct slice *where)
{
	struct slice value;
	size_t end;

	*key = slice_before(line, '=');
	if (key->length == line.length)
		return false;
	value = blanks_skip(slice_skip(line, key->length + 1));
	*key = blanks_trim(*key);
	if (!word_is(*key, "address") && !word_is(*key, "server") && !word_is(*key, "local"))
		return false;
	if (!word_take(&value, "/"))
		return false;
	for (end = value.length; end && value.data[end - 1] != '/'; end--)
		continue;
	*names = (struct slice){value.data, end};
	*where = slice_skip(value, end);
	return true;
}

/* "#": every name. Empty: names without dots. */
static void name_read(struct list_file *file, struct slice name, uint8_t say)
{
	static const struct slice root = {(const uint8_t *)"", 1};

	word_take(&name, ".");
	if (word_is(name, "#"))
		list_file_add_wire(file, root, say);
	else if (!name.length || memchr(name.data, '*', name.length))
		list_file_leave_out(file);
	else
		list_file_add(file, name, say);
}

static void line_read(struct list_file *file, struct slice line)
{
	struct slice key, names, where;
	enum names_word word;

	line = comment_cut(line);
	if (!line.length)
		return;
	if (!line_split(line, &key, &names, &where)) {
		list_file_leave_out(file);
		return;
	}
	if (!names.length)
		list_file_complain(file, "no slash is behind the name");
	word = word_is(key, "server") && word_is(where, "#") ? NAMES_OUT : NAMES_IN;
	while (names.length) {
		struct slice name = slice_before(names, '/');

		name_read(file, name, NAMES_SAY_BOTH(word));
		names = slice_skip(names, name.length + 1);
	}
}

static bool is_own(struct slice line)
{
	struct slice key, names, where;

	return line_split(comment_cut(line), &key, &names, &where);
}

const struct list_file_ops list_file_dnsmasq = {
	.name = "dnsmasq", .read = line_read, .is_own = is_own};
