/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The system calls that the process which compresses may still make: read, write its file, memory,
 * exit. Sanitizer builds use compress_sandbox_none.c. Returns 0 or -errno. */
int compress_sandbox_enter(void);
