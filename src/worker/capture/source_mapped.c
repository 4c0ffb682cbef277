/* SPDX-License-Identifier: BSD-3-Clause */
/* A plain savefile, mapped once and shared by all workers through the page cache. The cursor is an
 * offset into it. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "worker/capture/source.h"

#define RECORDS_PER_TURN 1024
#define POPULATE_BYTES	 (4u << 20)
#define PAGE_BYTES	 65536 /* or less, on any machine */

static bool open_mapped(struct source *source, const struct config *config)
{
	uint64_t offset = state_get(source->capture->head, STATE_PACKET);
	struct stat status;
	void *memory;

	if (fstat(source->fd, &status) < 0 || status.st_size < SAVEFILE_HEADER_SIZE) {
		snprintf(source->error, sizeof(source->error),
			 "%.200s is too short to be a capture file", config->read_file);
		return false;
	}
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, source->fd, 0);
	if (memory == MAP_FAILED) {
		snprintf(source->error, sizeof(source->error), "%.200s cannot be mapped: %m",
			 config->read_file);
		return false;
	}
	if (savefile_open(&source->mapped.file, (struct slice){memory, (size_t)status.st_size}) !=
	    SAVEFILE_OK) {
		snprintf(source->error, sizeof(source->error), "%.200s is no pcap file",
			 config->read_file);
		return false;
	}
	source->mapped.offset = offset ? offset : SAVEFILE_HEADER_SIZE;
	source->mapped.populated = source->mapped.offset & ~(uint64_t)(POPULATE_BYTES - 1);
	/* Workers that map the same pages at the same moment hold each other up: put them out of
	 * step. */
	source->mapped.window =
		POPULATE_BYTES / source->capture->share_count * (source->capture->share_index + 1);
	source->mapped.window &= ~(size_t)(PAGE_BYTES - 1);
	return source_set_dlt(source, config, source->mapped.file.dlt);
}

static enum source_state report_damage(struct source *source, enum savefile_result result)
{
	snprintf(source->error, sizeof(source->error),
		 "the capture file %s at byte %llu; what is before it was read",
		 result == SAVEFILE_CUT ? "ends inside a packet" : "is damaged",
		 (unsigned long long)source->mapped.offset);
	return SOURCE_DAMAGED;
}

/*
 * Maps pages in large pieces ahead of the walk: cheaper than a fault for every few. A kernel that
 * cannot is no problem.
 */
static void populate(struct source_mapped *mapped)
{
	size_t left = mapped->file.bytes.length - mapped->populated;
	size_t length = left < mapped->window ? left : mapped->window;

	if (mapped->offset < mapped->populated || !left)
		return;
	madvise((void *)(mapped->file.bytes.data + mapped->populated), length, MADV_POPULATE_READ);
	mapped->populated += length;
	mapped->window = POPULATE_BYTES;
}

SOURCE_HOT static enum source_state turn_mapped(struct source *source)
{
	struct capture *capture = source->capture;
	struct savefile_record record;

	populate(&source->mapped);
	for (int i = 0; i < RECORDS_PER_TURN; i++) {
		enum savefile_result result =
			savefile_next(&source->mapped.file, &source->mapped.offset, &record);

		if (result == SAVEFILE_END)
			return SOURCE_END;
		if (result != SAVEFILE_OK)
			return report_damage(source, result);
		capture->next_packet = source->mapped.offset;
		source_take_record(source, &record);
	}
	return SOURCE_BUSY;
}

const struct source_ops source_mapped = {.open = open_mapped, .turn = turn_mapped};
