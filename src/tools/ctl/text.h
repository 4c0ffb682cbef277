/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Makes a text of many lines fit for any terminal, in place: what is no printable character becomes
 * '?'. */
void text_clean(char *text);
