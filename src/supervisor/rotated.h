/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "loop/loop.h"
#include "supervisor/place.h"
#include "supervisor/process.h"

/*
 * What is done with the rotated files of one output, one after the other, oldest first: compressed
 * by a process of ours, then handed to the command. Files that wait have the numbers from 1 on;
 * each rotation adds 1 to all of them.
 */
enum rotated_stage { ROTATED_NOTHING, ROTATED_COMPRESS, ROTATED_COMMAND };

struct rotated {
	struct loop *loop;
	int executable_fd;
	enum rotated_stage stage;
	bool is_compressed; /* the file that it is about */
	uint32_t number;    /* of that file, by now */
	uint32_t waiting;   /* numbers from 1 to this wait */
	struct process process;
	struct loop_event *event, *timer;
	/* as it was configured at the last rotation */
	char name[sizeof(((struct config_output *)0)->name)];
	char path[CONFIG_PATH_MAX];
	char command[CONFIG_PATH_MAX];
	enum output_compression compression;
	uint32_t count;
	uid_t uid;
	gid_t gid;
};

void rotated_init(struct rotated *rotated, struct loop *loop, int executable_fd);

/* Ends compressing, and leaves what is not whole yet as it was; a command goes on alone. */
void rotated_fini(struct rotated *rotated);

/* The name of a rotated file, and of what is compressed: name.number, name.number.gz or .zst. False
 * when it would be too long. */
bool rotated_name(const char *name, uint32_t number, enum output_compression compression,
		  char *out);

/* All files have just got the next number. is_there: and there is a number 1. */
void rotated_add(struct rotated *rotated, const struct config *config, uint32_t index,
		 bool is_there);
