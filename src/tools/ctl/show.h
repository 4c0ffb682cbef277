/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include "ipc/request.h"

/* Prints the reply to a request for a person. What a reply of another version lacks is left out. */
void show_reply(enum request_type type, const json_t *reply, FILE *out);
