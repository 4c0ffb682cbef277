/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "bpf/settings.h"
#include "bpf/steer.h"
#include "bpf/verdicts.h"

/*
 * The eBPF programs on the packet sockets and the map of their settings, which both share. The
 * supervisor loads them before it drops privileges and keeps them; nothing is pinned anywhere. A
 * build without eBPF (BPF=0) has the same functions, and bpf_open() then always fails.
 */
struct bpf;

/*
 * Returns NULL with one clear line in error[256] when eBPF cannot be used. verdicts_fd: the map of
 * programs whose place these take, so that they count on, or -1; borrowed, and left out when this
 * version counts otherwise.
 */
struct bpf *bpf_open(const struct capture_settings *settings, int verdicts_fd, char *error);

/* Program descriptors, borrowed: for SO_ATTACH_BPF on a socket, PACKET_FANOUT_DATA of a group. */
int bpf_filter_fd(const struct bpf *bpf);
int bpf_split_fd(const struct bpf *bpf);

/* The map of what the filter decided, for the verdicts_fd of the next: borrowed. */
int bpf_verdicts_fd(const struct bpf *bpf);

/* For packets from now on; one that is being looked at may see a mixture. 0 or -errno. */
int bpf_settings_update(struct bpf *bpf, const struct capture_settings *settings);

/* Sums over all CPUs and sockets since the map was made. Returns 0 or -errno. */
int bpf_verdicts(const struct bpf *bpf, struct verdicts *sum);

/* Sockets and groups that have a program keep it. Accepts NULL. */
void bpf_close(struct bpf *bpf);

/*
 * The program that steers queries to the workers of the proxy, with its own settings: it is there
 * without capture, too. NULL with one clear line in error[256].
 */
struct bpf_steer;
struct bpf_steer *bpf_steer_open(const struct steer_settings *settings, char *error);

/* For SO_ATTACH_REUSEPORT_EBPF of a group: borrowed. */
int bpf_steer_fd(const struct bpf_steer *steer);

/* For datagrams from now on. 0 or -errno. */
int bpf_steer_update(struct bpf_steer *steer, const struct steer_settings *settings);

/* Groups that have the program keep it. Accepts NULL. */
void bpf_steer_close(struct bpf_steer *steer);

/* "libbpf X", or that there is none: borrowed. */
const char *bpf_library_version(void);
