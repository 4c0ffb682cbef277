/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/condition.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define SILENCE_NS (10 * NANOSECONDS_PER_SECOND)

static void tell(struct condition *condition, const struct output *output, int64_t now_ns)
{
	if (condition->is_told && condition->is_told_up == condition->is_up)
		return;
	if (!condition->is_up && condition->failed_ns && now_ns - condition->failed_ns < SILENCE_NS)
		return;
	if (condition->is_up)
		log_info("output %s: %s", output->config->name, condition->text);
	else
		log_warn("output %s: %s", output->config->name, condition->text);
	condition->is_told = true;
	condition->is_told_up = condition->is_up;
	if (!condition->is_up)
		condition->failed_ns = now_ns;
}

void condition_set(struct condition *condition, const struct output *output, bool is_up,
		   const char *format, ...)
{
	va_list arguments;

	output->account->is_up = is_up;
	if (!is_up)
		output->account->failures++;
	if (condition->is_set && condition->is_up == is_up)
		return;
	condition->is_set = true;
	condition->is_up = is_up;
	va_start(arguments, format);
	vsnprintf(condition->text, sizeof(condition->text), format, arguments);
	va_end(arguments);
	tell(condition, output, clock_monotonic_ns());
}

void condition_tick(struct condition *condition, const struct output *output, int64_t now_ns)
{
	if (condition->is_set)
		tell(condition, output, now_ns);
}
