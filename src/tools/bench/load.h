/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "tools/bench/plan.h"
#include "tools/bench/questions.h"
#include "tools/bench/score.h"

/* Asks all that the plan wants of at least one question, tells how it goes, and counts what becomes
 * of it. Exits when it cannot begin. */
void load_run(const struct plan *plan, const struct questions *questions, struct score *score);
