/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <linux/types.h>

/* What dns.bpf.c decided, in packets: the only element of its map "verdicts", one per CPU. */
struct verdicts {
	__u64 admitted;
	__u64 rejected;	  /* not wanted, going out on loopback, or of another share */
	__u64 unreadable; /* without settings nothing can be decided: rejected as well */
};
