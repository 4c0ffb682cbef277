/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/slice.h"

/* Maps a whole file, all of it in memory, read-only. Returns 0 or -errno; munmap() gives it back.
 */
int file_map(const char *path, struct slice *bytes);
