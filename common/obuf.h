/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * An output queue of octets: small writes are gathered in chunks, large
 * payloads are kept by reference.  Used for the channels between processes
 * and for clients.
 */
#ifndef WAMPD_OBUF_H
#define WAMPD_OBUF_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

struct pbuf;
struct oseg;

/* Below this many octets a payload is copied, else kept by reference. */
#define OBUF_COPY	2048

/* Owns its segments and its chunk; zero it and obuf_init() to begin. */
struct obuf {
	struct oseg	*head, *tail;
	struct pbuf	*cur;		/* chunk that small writes go to */
	size_t		 bytes;		/* waiting */
	size_t		 chunk;		/* size of a new chunk */
	int		 keeps;		/* its chunk while nothing waits */
	int		 sends;		/* to a socket, by send(2) */
	int		 wipes;		/* what was written, if not shared */
};

/* keeps: for few and busy queues; others give all memory back when empty. */
void	 obuf_init(struct obuf *, size_t chunk, int keeps);
void	 obuf_free(struct obuf *);	/* drops what waits, closes fds */

/*
 * n contiguous octets at the end to be filled in by the caller, counted as
 * waiting at once.  NULL: no memory, nothing changed.
 */
uint8_t	*obuf_room(struct obuf *, size_t n);
/* 0, or -1 without memory (nothing changed). */
int	 obuf_add(struct obuf *, const void *, size_t);
/* len octets from off of pb; takes a reference of its own (or copies). */
int	 obuf_add_pbuf(struct obuf *, struct pbuf *, size_t off, size_t len);
/*
 * The octets added next begin a write of their own with this descriptor
 * attached; it is closed when sent.  For control channels only.
 */
int	 obuf_add_fd(struct obuf *, const void *, size_t, int fd);

/*
 * Write what waits with writev(2) (or sendmsg(2) for attached descriptors)
 * until the descriptor takes no more.  Returns 1 if the queue is empty, 0 if
 * some waits still, -1 on an error (errno).
 */
int	 obuf_write(struct obuf *, int fd);
/*
 * For tls_write(3): at least size octets from the first on, or all there are,
 * gathered in buf where they are not contiguous.
 */
size_t	 obuf_peek(const struct obuf *, uint8_t *buf, size_t size,
	    const uint8_t **);
/* n octets were written. */
void	 obuf_drain(struct obuf *, size_t n);

#endif /* WAMPD_OBUF_H */
