/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The channel between the supervisor and one child: a SOCK_SEQPACKET pair that carries messages of
 * one fixed size. */

enum control_type {
	CONTROL_READY = 1, /* child: attached, sandboxed, able to work */
	CONTROL_FAILED,	   /* child: cannot start; text says why. It exits. */
	CONTROL_FINISHED,  /* child: all input is read and all output written; status, and text if
			      something was wrong. It exits. */
	CONTROL_NOTICE,	   /* child: a line for the operator in text */
	CONTROL_START,	   /* supervisor: all are ready, begin */
	CONTROL_DRAIN, /* supervisor: read what is there, write it out, finish. status, to a worker:
			  1 = what is held of datagrams and streams is others' now; to others: the
			  milliseconds that it has, 0 = as many as it takes */
	CONTROL_LENT,  /* supervisor: a descriptor comes along (ipc/lend.h) */
	CONTROL_ASK,   /* child: asks for one */
	CONTROL_RESET, /* child: statistics begin anew */
	CONTROL_LEAVE, /* supervisor: a successor takes over. status: enum control_leave */
};

enum control_leave {
	CONTROL_LEAVE_NOW,   /* leave all as it is */
	CONTROL_LEAVE_EMPTY, /* read what is in the ring first: it is closed for good */
	CONTROL_LEAVE_SENT,  /* the same, and send all records: nobody may follow for long */
};

struct control_message {
	uint32_t type;	 /* enum control_type */
	uint32_t status; /* of CONTROL_FINISHED: the exit status that the run should have; else see
			    above */
	char text[504];
};

_Static_assert(sizeof(struct control_message) == 512, "a message has one size");

/* Sends without blocking. Returns 0 or -errno. text may be NULL, and is cut when too long. */
int control_send(int fd, enum control_type type, uint32_t status, const char *text);

/*
 * Takes one message. Returns 1, or 0 at the end (the other side is gone, or sent something that is
 * no message: the same to us), or -EAGAIN when there is none. The text is always terminated.
 */
int control_receive(int fd, struct control_message *message);
