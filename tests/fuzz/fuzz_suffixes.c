/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of suffixes, and behind its first NUL a name: whatever the list says, the registered
 * domain begins at a label of the name, and the TLD is its last. */
#include <assert.h>
#include <string.h>

#include "dns/name.h"
#include "stats/suffixes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct suffixes *suffixes, struct slice name)
{
	struct suffixes_split split = suffixes_split(suffixes, name);
	size_t at = 0, last = 0;
	bool is_label = false;

	for (; name.data[at]; at += 1u + name.data[at]) {
		is_label |= at == split.registered;
		last = at;
	}
	assert(is_label || split.registered == 0);
	assert(split.tld == last);
	assert(split.is_known ==
	       (name.length > 1 &&
		suffixes_is_tld(suffixes, (struct slice){name.data + last + 1, name.data[last]})));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t text = end ? (size_t)(end - data) : size;
	struct suffixes *suffixes = suffixes_new((struct slice){data, text});
	struct slice name = {data + text + 1, size - text - (end != NULL)};

	if (end && (name.length = name_wire_length(name)))
		check(suffixes, name);
	suffixes_free(suffixes);
	return 0;
}
