/* SPDX-License-Identifier: BSD-3-Clause */
/* Files as hosts(5) has them, whose addresses do not matter. */
#include "rules/list_file.h"
#include "rules/words.h"

/* What such files say of the machine that they are on. */
static bool is_local(struct slice name)
{
	static const char *const names[] = {
		"localhost",	 "localhost.localdomain",
		"localhost4",	 "localhost4.localdomain4",
		"localhost6",	 "localhost6.localdomain6",
		"local",	 "broadcasthost",
		"ip6-localhost", "ip6-loopback",
		"ip6-localnet",	 "ip6-mcastprefix",
		"ip6-allnodes",	 "ip6-allrouters",
		"ip6-allhosts",
	};

	if (!strchr("lLbBiI", *name.data)) /* few do: this is for all lines */
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (word_is(name, names[i]))
			return true;
	return false;
}

/* No name of a host ends in a label of digits. */
static bool may_be_address(struct slice word)
{
	uint8_t last = word.data[word.length - 1];

	return (last >= '0' && last <= '9') || memchr(word.data, ':', word.length);
}

static void name_read(struct list_file *file, struct slice address, struct slice name)
{
	bool is_address = may_be_address(name) && list_file_is_address(name);

	if (is_address &&
	    (name.length != address.length || memcmp(name.data, address.data, name.length) != 0))
		list_file_leave_out(file);
	else if (!is_address && !is_local(name))
		list_file_add(file, name, NAMES_SAY(NAMES_IN, NAMES_NOTHING));
}

static bool is_null_address(struct slice word)
{
	return word.length == 7 && !memcmp(word.data, "0.0.0.0", 7);
}

static void line_read(struct list_file *file, struct slice line)
{
	struct slice rest = slice_before(line, '#'), address = word_next(&rest);
	struct slice name = word_next(&rest);

	if (!address.length)
		return;
	if (!is_null_address(address) && !list_file_is_address(address))
		list_file_complain(file, "it does not begin with an address");
	else if (!name.length)
		list_file_complain(file, "no name is behind the address");
	else
		for (; name.length; name = word_next(&rest))
			name_read(file, address, name);
}

static bool is_own(struct slice line)
{
	struct slice address = word_next(&line), name = word_next(&line);

	return name.length && list_file_is_address(address);
}

const struct list_file_ops list_file_hosts = {.name = "hosts", .read = line_read, .is_own = is_own};
