/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <linux/types.h>

/* The contract between user space and bpf/steer.bpf.c: one of these is the only element of its map
 * "settings". */
struct steer_settings {
	__u64 key;	    /* of the hash: who does not know it cannot aim at one worker */
	__u32 worker_count; /* among which names are divided */
	__u32 reserved;
};
