/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "worker/capture/capture.h"

/*
 * Appends a frame to the quarantine, a pcap file that the supervisor has opened for appending (ipc/
 * quarantine.h). False when it is not lent, full, or cannot be written. A worker that is killed
 * between this and its commit leaves the frame there a second time.
 */
bool quarantine_append(int fd, const struct frame *frame);
