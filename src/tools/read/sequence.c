/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/sequence.h"

bool sequence_take(struct sequence *sequence, uint32_t number)
{
	int32_t ahead = (int32_t)(number - sequence->last);
	bool is_first = !sequence->total++;

	if (!is_first && ahead < 0) {
		sequence->lost--;
		sequence->out_of_order++;
	}
	if (!is_first && ahead <= 0)
		return false;
	if (!is_first)
		sequence->lost += ahead - 1;
	sequence->last = number;
	return true;
}
