/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Reference counted octets with a budget for the whole process.  Plain
 * counters: every process of wampd is single-threaded where it routes.
 */
#include <stdlib.h>

#include "pbuf.h"

static size_t	budget;
static size_t	in_use;

void
pbuf_set_budget(size_t n)
{
	budget = n;
}

size_t
pbuf_in_use(void)
{
	return (in_use);
}

struct pbuf *
pbuf_new_apart(size_t size)
{
	struct pbuf	*pb;

	if (size > SIZE_MAX - sizeof(*pb) ||
	    (pb = malloc(sizeof(*pb) + size)) == NULL)
		return (NULL);
	pb->refs = 1;
	pb->is_counted = 0;
	pb->len = 0;
	pb->size = size;
	return (pb);
}

struct pbuf *
pbuf_resize(struct pbuf *pb, size_t size)
{
	struct pbuf	*n;

	if (size > SIZE_MAX - sizeof(*pb) ||
	    (n = realloc(pb, sizeof(*pb) + size)) == NULL)
		return (NULL);
	n->size = size;
	return (n);
}

static int
budget_has(size_t size)
{
	return (budget == 0 || (in_use <= budget && size <= budget - in_use));
}

int
pbuf_count(struct pbuf *pb)
{
	if (pb->is_counted)
		return (0);
	if (!budget_has(pb->size))
		return (-1);
	pb->is_counted = 1;
	in_use += pb->size;
	return (0);
}

struct pbuf *
pbuf_new(size_t size)
{
	struct pbuf	*pb;

	if (!budget_has(size) || (pb = pbuf_new_apart(size)) == NULL)
		return (NULL);
	pb->is_counted = 1;
	in_use += size;
	return (pb);
}

struct pbuf *
pbuf_ref(struct pbuf *pb)
{
	pb->refs++;
	return (pb);
}

void
pbuf_unref(struct pbuf *pb)
{
	if (pb == NULL || --pb->refs > 0)
		return;
	if (pb->is_counted)
		in_use -= pb->size;
	free(pb);
}
