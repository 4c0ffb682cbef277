/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "net/link.h"
#include "pcap/savefile.h"
#include "tools/read/source.h"

/* Finds datagrams in captured frames of one kind, joining those that were sent as IP fragments. */
struct frames;

/* Exits when out of memory. */
struct frames *frames_new(enum link_type link);
void frames_free(struct frames *frames);

/*
 * SOURCE_DATAGRAM, borrowed from the frame or valid until the next call; SOURCE_OTHER; or
 * SOURCE_BAD_FRAME, told in source.
 */
enum source_result frames_take(struct frames *frames, const struct savefile_record *record,
			       struct source *source, struct datagram *datagram);
