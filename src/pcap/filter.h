/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/filter.h>
#include "base/slice.h"
#include "net/link.h"

#define FILTER_TEXT_MAX		8192
#define FILTER_INSTRUCTIONS_MAX 4096 /* BPF_MAXINSNS: what the kernel takes */
#define FILTER_PORTS_MAX	11

/* What the generated filter depends on (spec/dnsflow.md section 2). */
struct filter_options {
	uint16_t ports[FILTER_PORTS_MAX]; /* source ports in the order given; one port is written
					     "src port N" */
	uint32_t port_count;		  /* at least 1 */
	uint32_t share_index;		  /* from 0 */
	uint32_t share_count;		  /* 1: no share arithmetic */
	bool is_checksum_split;		  /* -c */
	bool is_pcap_encapsulated;	  /* -X */
	bool is_jmirror_encapsulated; /* -J; when both are set, the one given last is in force: the
					 caller clears the other */
	bool is_untagged; /* without "or (vlan and ...)": libpcap refuses that for cooked frames */
};

/* Writes the exact text of the spec. Returns its length, or -ENOSPC when text is too small (never
 * for FILTER_TEXT_MAX). */
int filter_text(const struct filter_options *options, char *text, size_t size);

/* A compiled classic BPF program, as the kernel takes it and as filter_match runs it. */
struct filter_program {
	uint16_t length;
	struct sock_filter instructions[FILTER_INSTRUCTIONS_MAX];
};

/*
 * Compiles an expression of libpcap's language for frames of a link type (DLT number): for files.
 * Tags are matched inline. Returns 0, or -EINVAL with libpcap's message in error[256].
 */
int filter_compile(const char *expression, int dlt, struct filter_program *program, char *error);

/*
 * The same for live capture: the expression is compiled on an activated handle of the interface,
 * because only there does libpcap look for the VLAN tag that the kernel stripped. open
 * needs the right to capture; compile does not, so that privileges can be dropped in between. open
 * returns NULL with a message in error[256]; close accepts NULL.
 */
struct filter_handle;
struct filter_handle *filter_handle_open(const char *interface, char *error);
int filter_handle_compile(struct filter_handle *handle, const char *expression,
			  struct filter_program *program, char *error);
/*
 * The frames that the programs of a handle are for: LINK_ETHERNET, a SOCK_RAW socket; LINK_COOKED
 * ("any", tunnels, PPP), a SOCK_DGRAM socket, which begins at the network header; LINK_UNSUPPORTED,
 * none that we know.
 */
enum link_type filter_handle_link(const struct filter_handle *handle);
void filter_handle_close(struct filter_handle *handle);

/* The first interface that a person would mean (up, not loopback if possible) into name[size]; 0,
 * or -ENODEV. */
int filter_default_interface(char *name, size_t size);

/* True when the program accepts the frame. */
bool filter_match(const struct filter_program *program, struct slice frame, uint32_t wire_length);

/* libpcap's own version line, borrowed. */
const char *filter_library_version(void);
