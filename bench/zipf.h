/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include "base/memory.h"
#include "base/random.h"

/* Draws ranks 0 .. count-1 with the frequency of Zipf's law, exponent 1.0. */
struct zipf {
	uint32_t count;
	double sums[]; /* of the first ranks' frequencies, the last is 1 */
};

static inline struct zipf *zipf_new(uint32_t count)
{
	struct zipf *zipf = xmalloc(sizeof(*zipf) + count * sizeof(double));
	double sum = 0;

	zipf->count = count;
	for (uint32_t i = 0; i < count; i++)
		zipf->sums[i] = sum += 1.0 / (i + 1);
	for (uint32_t i = 0; i < count; i++)
		zipf->sums[i] /= sum;
	return zipf;
}

static inline uint32_t zipf_draw(const struct zipf *zipf, struct random *random)
{
	double at = (double)(random_next(random) >> 11) * 0x1p-53;
	uint32_t low = 0, high = zipf->count - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (zipf->sums[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
