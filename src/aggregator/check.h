/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"

/*
 * Would an aggregator start with this configuration? Makes all that it makes of it before its
 * sandbox, filters, fields, keys and certificates, and throws it away. So a reload that is not good
 * changes nothing. reads_files: also what lies in files, as somebody who may read them. False with
 * one line in error[CONFIG_ERROR_MAX].
 */
bool aggregator_check(const struct config *config, bool reads_files, char *error);
