/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "pcap/savefile.h"

/*
 * A capture that can only be read in order, through libpcap: pcapng, and pcap or pcapng compressed
 * with gzip or zstd, from a file or a pipe. The kind is told by the first bytes, not by the name.
 */
struct stream;

/*
 * Takes over fd (closes it, also on failure). Returns NULL with one clear line in error[256]. Reads
 * only: needs no rights.
 */
struct stream *stream_open_take(int fd, char *error);
int stream_dlt(const struct stream *stream);

/* Calls wait before each read, which may block; when it returns false, the input ends there. */
void stream_on_wait(struct stream *stream, bool (*wait)(void *argument), void *argument);

/* SAVEFILE_OK with a record whose bytes are valid until the next call; SAVEFILE_END; or
 * SAVEFILE_CUT or SAVEFILE_DAMAGED with *message (borrowed). */
enum savefile_result stream_next(struct stream *stream, struct savefile_record *record,
				 const char **message);
void stream_close(struct stream *stream);

/* What a file is, from its first 4 bytes: true when it is a plain pcap file, which can be mapped.
 */
bool stream_is_plain(struct slice first);

/* "zlib X" and "zstd Y", a line each: borrowed. */
const char *stream_library_versions(void);
