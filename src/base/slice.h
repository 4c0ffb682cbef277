/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. A slice never frees; its bytes are read through a cursor. */
struct slice {
	const uint8_t *data;
	size_t length;
};
