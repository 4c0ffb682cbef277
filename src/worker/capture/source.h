/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "config/config.h"
#include "net/link.h"
#include "pcap/savefile.h"
#include "pcap/stream.h"
#include "worker/capture/capture.h"

#define SOURCE_ERROR_MAX 256

enum source_state {
	SOURCE_IDLE, /* nothing is there now */
	SOURCE_BUSY, /* more may be there */
	SOURCE_END,
	SOURCE_DAMAGED, /* the end of what can be read; source->error says why */
};

/*
 * On the function that loops over packets: the whole way of a packet is compiled into it, which is
 * a tenth faster than any choice of calls that the compiler makes by itself.
 */
#define SOURCE_HOT __attribute__((flatten))

/* Where frames come from: a kernel ring (source_ring.c), a mapped file (source_mapped.c), a stream
 * (source_stream.c), or nowhere (source_none.c). */
struct source {
	const struct source_ops *ops;
	struct capture *capture;
	const struct state_watch *watch;
	int fd;
	enum link_type link;
	char error[SOURCE_ERROR_MAX];
	union {
		struct source_ring {
			uint8_t *memory;
			uint32_t block_count;
			const uint8_t
				*packet; /* the next one in the block that is being read, or NULL */
			uint64_t number; /* packets of that block that are done */
		} ring;
		struct source_mapped {
			struct savefile file;
			uint64_t offset;
			uint64_t populated; /* pages before this are mapped in */
			size_t window;	    /* what is mapped in next */
		} mapped;
		struct source_stream {
			struct stream *stream;
			uint64_t packet_count;
		} stream;
	};
};

struct source_ops {
	/* Goes to the cursor. false with source->error. */
	bool (*open)(struct source *source, const struct config *config);
	/* Takes some frames: at most one block, or about a millisecond's worth. */
	enum source_state (*turn)(struct source *source);
};

/* fd is lent. false with source->error. */
bool source_open(struct source *source, const struct config *config, struct capture *capture,
		 const struct state_watch *watch, int fd);

extern const struct source_ops source_ring;
extern const struct source_ops source_mapped;
extern const struct source_ops source_stream;
extern const struct source_ops source_none;

/* For file sources: hands one record to the capture, at packet time. */
void source_take_record(struct source *source, const struct savefile_record *record);

/*
 * For file sources, once the DLT number is known: the link type, and the filter of -f compiled for
 * it. false with source->error when we do not decode it, or the expression is wrong.
 */
bool source_set_dlt(struct source *source, const struct config *config, int dlt);
