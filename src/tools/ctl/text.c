/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/text.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

void text_clean(char *text)
{
	size_t length;

	for (; *text; text += length) {
		length = utf8_plain_length((const uint8_t *)text);
		if (length)
			continue;
		if (!strchr("\n\"\\", *text))
			*text = '?';
		length = 1;
	}
}
