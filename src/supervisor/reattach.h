/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "supervisor/interface.h"
#include "supervisor/links.h"
#include "supervisor/packet_sockets.h"

/*
 * Capture follows its interface. Down and up, or another name, needs nothing but a line in the log:
 * sockets are bound to its index. When it is deleted and one of its name comes back, that needs
 * other sockets: they are made, with their rings, when the old one goes, attached when the new one
 * is up, and the workers move over one by one, each when it has read its old ring.
 */
struct supervisor;

struct reattach {
	struct links *links;
	struct interface interface; /* that is captured, or was until it was deleted */
	char name[16];		    /* its name now */
	bool is_gone;
	int64_t gone_ns;
	char told[CONFIG_ERROR_MAX];  /* why the one that is back cannot be captured: said once */
	struct packet_sockets *spare; /* for the one that will come */
	struct packet_sockets *previous; /* of the one that is gone, while workers read them */
	struct loop_event *timer;
};

/* Begins to watch. Without the right to (a container), a line in the log: then a deleted interface
 * stays deleted. */
void reattach_open(struct supervisor *supervisor, const struct interface *interface);
void reattach_close(struct supervisor *supervisor);

/* Looks whether the interface is there, should a message have been missed. Call it now and then. */
void reattach_check(struct supervisor *supervisor);
