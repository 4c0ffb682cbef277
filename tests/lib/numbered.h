/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "tests/lib/reply_writer.h"

/*
 * Numbered messages: the first label of the question is "r<run>-<number>", so that a receiver can
 * tell which records are missing, foreign or there twice.
 */
#define NUMBERED_LABEL_MAX 24
#define NUMBERED_TEXT_MAX  512

/* Puts the label, its length octet included, in front of the name. */
void numbered_prepend(struct wire_name *name, uint32_t run, uint32_t number);

/* False when the name's first label is not of this kind. */
bool numbered_parse(const uint8_t *name, uint32_t *run, uint32_t *number);

/*
 * A whole response to "r<run>-<number>.numbered.example" that gives a record: 0..3 CNAMEs, 1..4
 * addresses of either family, all told by the number. fill adds that many bytes of TXT records.
 */
void numbered_response(struct reply_writer *reply, uint32_t run, uint32_t number, uint32_t fill);

/* What is recorded of that response, as "name,name|ip4,..|ip6,..", into text[NUMBERED_TEXT_MAX]. */
void numbered_describe(char *text, uint32_t run, uint32_t number);
