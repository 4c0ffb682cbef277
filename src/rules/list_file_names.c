/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/list_file.h"
#include "rules/words.h"

/* Some write that all below is meant, too: "*.example.org", ".example.org". */
static void line_read(struct list_file *file, struct slice line)
{
	struct slice name = blanks_trim(slice_before(line, '#'));

	if (!name.length)
		return;
	if (!word_take(&name, "*.") && name.length > 1)
		word_take(&name, ".");
	list_file_add(file, name, NAMES_SAY_BOTH(NAMES_IN));
}

const struct list_file_ops list_file_names = {.name = "names", .read = line_read};
