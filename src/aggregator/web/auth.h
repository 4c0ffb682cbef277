/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"
#include "loop/http.h"

/*
 * Who may ask: by the field X-API-Key, by HTTP Basic, or both. At least one of them must be there,
 * and each that is there must be right. Without any credential in the configuration only this
 * machine may ask.
 */
struct auth;

/* Reads the files of the configuration, so before the sandbox: a credential is the first line of
 * its file. NULL with one line in error[CONFIG_ERROR_MAX]. */
struct auth *auth_new(const struct config_web *config, char *error);
void auth_free(struct auth *auth);

bool auth_allows(const struct auth *auth, const struct http_request *request);

/* 127.0.0.0/8, ::1, and the former mapped into IPv6. */
bool auth_is_loopback(const struct address *address);
