/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A buffer that grows as it is written.  Failure is remembered, so that a
 * writer may look once, at its end.
 */
#include <stdlib.h>
#include <string.h>

#include "codec.h"

#define WBUF_MIN	256

void
wbuf_free(struct wbuf *w)
{
	free(w->buf);
	memset(w, 0, sizeof(*w));
}

void
wbuf_reset(struct wbuf *w)
{
	w->len = 0;
	w->failed = 0;
}

uint8_t *
wbuf_grow(struct wbuf *w, size_t n)
{
	uint8_t	*buf;
	size_t	 size;

	if (w->failed)
		return (NULL);
	if (w->max != 0 && (w->len > w->max || n > w->max - w->len))
		goto fail;
	if (w->buf != NULL && n <= w->size - w->len)
		return (w->buf + w->len);
	if (n > SIZE_MAX / 4 - w->len)
		goto fail;
	size = w->size < WBUF_MIN ? WBUF_MIN : w->size;
	while (size - w->len < n)
		size *= 2;
	if (w->max != 0 && size > w->max)
		size = w->max;
	if ((buf = realloc(w->buf, size)) == NULL)
		goto fail;
	w->buf = buf;
	w->size = size;
	return (w->buf + w->len);
fail:
	w->failed = 1;
	return (NULL);
}

void
wbuf_add(struct wbuf *w, const void *p, size_t n)
{
	uint8_t	*to;

	if (n == 0 || (to = wbuf_room(w, n)) == NULL)
		return;
	memcpy(to, p, n);
	w->len += n;
}
