/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/ranking.h"

#include <stdlib.h>
#include <string.h>

static bool is_worse(const struct ranking *ranking, const struct ranking_place *a,
		     const struct ranking_place *b)
{
	if (a->count != b->count)
		return a->count < b->count;
	return strcmp(ranking->items[a->item].text, ranking->items[b->item].text) > 0;
}

static void swap(struct ranking_place *a, struct ranking_place *b)
{
	struct ranking_place kept = *a;

	*a = *b;
	*b = kept;
}

static void rise(struct ranking *ranking, uint32_t at)
{
	struct ranking_place *heap = ranking->heap;

	for (; at && is_worse(ranking, &heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(&heap[at], &heap[(at - 1) / 2]);
}

static void sink(struct ranking *ranking)
{
	struct ranking_place *heap = ranking->heap;
	uint32_t at = 0, child;

	while ((child = 2 * at + 1) < ranking->count) {
		if (child + 1 < ranking->count && is_worse(ranking, &heap[child + 1], &heap[child]))
			child++;
		if (!is_worse(ranking, &heap[child], &heap[at]))
			return;
		swap(&heap[child], &heap[at]);
		at = child;
	}
}

static bool has_key(const struct ranking *ranking, uint64_t key)
{
	for (uint32_t i = 0; i < ranking->count; i++)
		if (ranking->heap[i].key == key)
			return true;
	return false;
}

static void copy_item(struct summary_item *to, const struct summary_item *from)
{
	strcpy(to->text, from->text);
	to->count = from->count;
	to->error = from->error;
}

void ranking_offer(struct ranking *ranking, uint64_t key, const struct summary_item *item)
{
	struct ranking_place *worst = &ranking->heap[0];

	if (!ranking_wants(ranking, item->count) || has_key(ranking, key))
		return;
	if (ranking->count < ranking->limit) {
		uint32_t at = ranking->count++;

		ranking->heap[at] = (struct ranking_place){key, item->count, at};
		copy_item(&ranking->items[at], item);
		rise(ranking, at);
		return;
	}
	if (item->count == worst->count &&
	    strcmp(item->text, ranking->items[worst->item].text) >= 0)
		return;
	copy_item(&ranking->items[worst->item], item);
	*worst = (struct ranking_place){key, item->count, worst->item};
	sink(ranking);
}

static int compare(const void *left, const void *right)
{
	const struct summary_item *a = left, *b = right;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->text, b->text);
}

uint32_t ranking_finish(struct ranking *ranking)
{
	qsort(ranking->items, ranking->count, sizeof(*ranking->items), compare);
	return ranking->count;
}
