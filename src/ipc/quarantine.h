/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The quarantine keeps the packets that ended a worker: a pcap file of mode 0600, one for all
 * workers, each of which appends whole records. Frames without an Ethernet header stand in it
 * behind a Linux cooked header (DLT_LINUX_SLL).
 */
#define QUARANTINE_BYTES_MAX (16 << 20)
