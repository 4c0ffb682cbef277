/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "loop/loop.h"

/* What the kernel tells of network interfaces that come, change and go (rtnetlink, by libmnl). */
struct links;

struct link_event {
	int index;
	char name[16]; /* its name now */
	bool is_gone;
	bool is_up;
};

typedef void (*link_fn)(void *argument, const struct link_event *event);

/* From now on fn is called for each message; when some were lost, for every interface that there
 * is. NULL with errno. */
struct links *links_open(struct loop *loop, link_fn fn, void *argument);
void links_close(struct links *links);

/* "libmnl 1.0.4": borrowed. */
const char *links_library_version(void);
