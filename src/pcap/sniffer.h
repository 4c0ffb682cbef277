/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "pcap/savefile.h"

/*
 * Live capture through libpcap, for tools: one frame at a time, promiscuous, snap length 65535,
 * never waiting.
 */
struct sniffer;

enum sniffer_result {
	SNIFFER_FRAME,
	SNIFFER_IDLE,  /* nothing for now: wait until sniffer_fd() is readable */
	SNIFFER_ERROR, /* see sniffer_error() */
};

/*
 * NULL with one clear line in error[256] when the interface cannot be captured on or the filter is
 * wrong.
 */
struct sniffer *sniffer_open(const char *interface, const char *filter, char *error);
int sniffer_dlt(const struct sniffer *sniffer);
int sniffer_fd(const struct sniffer *sniffer);

/* The record's bytes are valid until the next call. */
enum sniffer_result sniffer_next(struct sniffer *sniffer, struct savefile_record *record);

/* Frames that the kernel or the interface dropped since the start. */
uint64_t sniffer_dropped(struct sniffer *sniffer);
const char *sniffer_error(const struct sniffer *sniffer);
void sniffer_close(struct sniffer *sniffer);
