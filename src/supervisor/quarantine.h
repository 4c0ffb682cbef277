/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Opens the quarantine (ipc/quarantine.h) for appending; its folder is made when it is missing. A
 * file of another link type is renamed to PATH.old. Never follows a symbolic link, never writes
 * into anything but a regular file with one name. Returns the descriptor, or -1 with one line in
 * error[CONFIG_ERROR_MAX].
 */
int quarantine_open(const char *path, int dlt, char *error);
