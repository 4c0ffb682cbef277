/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Writes our process id into a file and keeps it locked while we live (spec/dnsflow.md section 8).
 * Never follows a symbolic link, never writes into anything but a regular file with one name.
 * Returns the descriptor, or -1 with one line in error[CONFIG_ERROR_MAX].
 */
int pid_file_open(const char *path, char *error);
