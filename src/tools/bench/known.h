/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Some hundred names that many people ask for, with blanks between them. */
extern const char known_names[];
