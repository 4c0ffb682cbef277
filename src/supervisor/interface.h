/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* What the kernel says of a network interface; "any" is all of them, index 0. */
struct interface {
	int index;
	bool is_ethernet; /* frames begin with an Ethernet header (loopback too); else we take them
			     from the network layer on */
	int loopback_index; /* of the loopback interface, if its packets are among those captured; 0
			       = none */
	bool is_up;
};

/* false, with one line in error[CONFIG_ERROR_MAX] that says what to do, when there is none of that
 * name or it is down. */
bool interface_check(const char *name, struct interface *interface, char *error);

/* Packets that the interface itself could not take, since it was made; 0 when it does not say. */
uint64_t interface_drops(const char *name);
