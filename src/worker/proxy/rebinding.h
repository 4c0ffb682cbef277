/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "base/slice.h"
#include "dns/response.h"

/*
 * DNS rebinding: a name of the Internet that leads into the client's own network, so that its
 * browser takes what is there for a part of that site (threats G-9).
 */

/* Whether an A or AAAA record of the answer section has a private address. The message was parsed
 * into *response. */
bool rebinding_is_in(struct slice message, const struct response *response);
