/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Reference counted octets: a payload that many receivers share, or a chunk
 * of an output queue.  Immutable once shared.
 */
#ifndef WAMPD_PBUF_H
#define WAMPD_PBUF_H

#include <stddef.h>
#include <stdint.h>

/* Freed by the last pbuf_unref(). */
struct pbuf {
	uint32_t	 refs;
	uint32_t	 is_counted;
	size_t		 len;		/* octets in use */
	size_t		 size;		/* octets there are */
	uint8_t		 data[];
};

/*
 * All pbufs of this process together may hold so many octets (0: no bound);
 * pbuf_new() fails beyond it.
 */
void		 pbuf_set_budget(size_t);
size_t		 pbuf_in_use(void);

/* NULL if there is no memory or the budget is used up; len is 0, refs 1. */
struct pbuf	*pbuf_new(size_t size);
/*
 * The same outside of the budget, for a message while it is being read, and
 * of another size while nobody else has it.  NULL without memory, and then
 * nothing changed.
 */
struct pbuf	*pbuf_new_apart(size_t size);
struct pbuf	*pbuf_resize(struct pbuf *, size_t size);
/* Whoever keeps a reference to one has it counted: 0, or -1 if the budget
 * has no room for it. */
int		 pbuf_count(struct pbuf *);
struct pbuf	*pbuf_ref(struct pbuf *);
void		 pbuf_unref(struct pbuf *);	/* NULL is fine */

#endif /* WAMPD_PBUF_H */
