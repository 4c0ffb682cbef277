/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "tools/bench/plan.h"
#include "tools/bench/questions.h"
#include "tools/bench/score.h"

/*
 * Asks all that the plan wants, tells how it goes, and counts what becomes of it. Returns the
 * nanoseconds that it took; exits when it cannot begin.
 */
int64_t load_run(const struct plan *plan, const struct questions *questions, struct score *score);
