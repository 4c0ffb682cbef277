/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "base/slice.h"

#define PUNYCODE_LABEL_MAX 63

/* The form that a label of UTF-8 has in DNS: itself when it is ASCII, else "xn--" and Punycode (RFC
 * 3492), into label. Returns its length, or 0 when it has none. Nothing is mapped or normalised. */
uint8_t punycode_encode(struct slice text, uint8_t label[PUNYCODE_LABEL_MAX]);
