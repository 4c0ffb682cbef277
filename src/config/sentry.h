/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/slice.h"
#include "config/setting.h"

/*
 * Configurations of Sentry, a DNS proxy with rules, which are read as they are. They have keys that
 * Sentry cannot do without: host, port and rules. Of these rules are as ours; what is unknown to
 * both is left out, with a warning.
 */
struct sentry {
	struct endpoint listen;		  /* host and port */
	unsigned int given;		  /* bits of keys that were there */
	char left_out[SETTING_ERROR_MAX]; /* names, with commas between them */
};

/* Is a text such a configuration? */
bool sentry_recognise(struct slice text);

/* Is it a key whose value sentry_take() takes? */
bool sentry_has_key(const char *key);

/* Notes that such a key is there; false: it was before. */
bool sentry_note(struct sentry *sentry, const char *key);

/* Takes the value of a key over to the setting that has its meaning; false with what is wrong in
 * problem[SETTING_ERROR_MAX]. */
bool sentry_take(struct sentry *sentry, struct config *config, const char *key, const char *value,
		 char *problem);

void sentry_leave_out(struct sentry *sentry, const char *key);

/* Behind the last key: what makes of host and port a listener; false as above. */
bool sentry_settle(const struct sentry *sentry, struct config *config, char *problem);

/* What is different here, into text[SETTING_ERROR_MAX]. */
void sentry_warn(const struct sentry *sentry, const struct config *config, char *text);
