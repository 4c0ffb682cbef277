/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"

/* The list of outputs as it is read and completed. problem has SETTING_ERROR_MAX bytes, error
 * CONFIG_ERROR_MAX. */

/* A new one behind the others, or NULL when there are too many. Settings are read into it, then it
 * is settled. */
struct config_output *outputs_add(struct config *config);

/* Decides what follows from what was read: the transport of a type, whether there are exceptions.
 * False when there is no type. */
bool outputs_settle(struct config_output *output, char *problem);

/* Adds what one --output says: TYPE[,key=value]... with \, for a comma in a value. */
bool outputs_parse(struct config *config, const char *value, char *problem);

/* Writes "output NAME: problem" into error, with the place in the file in front where it has one.
 */
void outputs_tell(const struct config *config, uint32_t index, const char *problem, char *error);

/* Names those that have no name, and checks what no single setting knows. */
bool outputs_complete(struct config *config, char *error);
