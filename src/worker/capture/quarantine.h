/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "worker/capture/capture.h"

/*
 * Appends a frame to the quarantine, a pcap file that the supervisor has opened for appending (ipc/
 * quarantine.h): whole, or not at all. 0, -EBADF when it is not lent, -EFBIG when it is full, or
 * -errno of the write. A worker that is killed between this and its commit leaves the frame there a
 * second time.
 */
int quarantine_append(int fd, const struct frame *frame);
