/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A channel between two processes of wampd: imsgs over a socketpair.
 * Queued during a turn of the event loop, written at its end; always read,
 * whatever waits to be written.  Every type that may arrive stands in the
 * channel's table with its lengths and states; everything else is nonsense
 * and closes the channel.
 */
#ifndef WAMPD_CHAN_H
#define WAMPD_CHAN_H

#include <sys/uio.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct chan;
struct event_base;
struct pbuf;

/* Host byte order: both ends are on one machine. */
struct imsg_hdr {
	uint32_t	type;	/* enum imsg_type; IMSG_HASFD: fd attached */
	uint32_t	len;	/* header and data */
	uint32_t	slot;	/* session slot of this channel, or 0 */
	uint32_t	gen;	/* generation of the slot */
};
#define IMSG_HASFD	0x80000000U

/* One received imsg; data is valid during the handler's call only. */
struct imsg {
	uint32_t	 type;
	uint32_t	 slot;
	uint32_t	 gen;
	const uint8_t	*data;	/* aligned to 8 */
	size_t		 len;
	struct pbuf	*pb;	/* which data is part of, to be kept without a
				 * copy (pbuf_count()); NULL: in none */
	int		 fd;	/* or -1; the handler takes it by setting -1,
				 * else it is closed */
};

/*
 * A handler returns 0, or -1 for nonsense.  It may call chan_close() on its
 * own channel, and must not use the imsg afterwards.
 */
typedef int	(*chan_handler)(struct chan *, struct imsg *);

/* One row of a table; tables are indexed by type, IMSG_MAX rows. */
struct chan_rule {
	chan_handler	 handler;	/* NULL: never sent to us */
	uint32_t	 min, max;	/* length of data; max 0: as min;
					 * CHAN_ANY: up to the channel's */
	uint8_t		 states;	/* bits of chan_state(), 0: any */
	uint8_t		 wants_fd;	/* must come with a descriptor;
					 * others must not */
};
#define CHAN_ANY	UINT32_MAX

enum chan_end {
	CHAN_EOF,		/* peer closed or died, or a socket error */
	CHAN_NONSENSE		/* peer sent what the table does not allow */
};

struct chan_ops {
	const struct chan_rule	*table;		/* IMSG_MAX rows */
	/*
	 * The channel broke and is closed; called once, from the event loop
	 * or chan_flush_all(), never from within a chan_send function.  The
	 * chan is still valid and must be chan_free()d by or after this call.
	 */
	void	(*ended)(struct chan *, enum chan_end, const char *why);
	/* Octets waiting went over chan_set_marks()'s high, under its low. */
	void	(*throttle)(struct chan *, int is_over);	/* or NULL */
};

/*
 * Takes fd (non-blocking is set here).  maxlen: longest data accepted
 * in one imsg.  NULL without memory (fd is closed).
 */
struct chan	*chan_new(struct event_base *, int fd, size_t maxlen,
		    const struct chan_ops *, void *arg);
/* Closes it; ended is not called. Safe inside handlers. NULL is fine. */
void		 chan_free(struct chan *);
/* Secrets pass here: what was read or written is wiped. */
void		 chan_wipe(struct chan *);
void		 chan_pass_fds(struct chan *);	/* receive descriptors, too */
void		 chan_set_state(struct chan *, uint8_t bit);
/* Never lowered: what is under way was sent by the limit of its time. */
void		 chan_raise_maxlen(struct chan *, size_t maxlen);
void		 chan_set_marks(struct chan *, size_t high, size_t low);
/*
 * While imsgs are handled, memory can fetch what those behind them will look
 * up: first where it is found in a table, then what is there.  Nothing of
 * them was checked yet but that they are whole, and nothing may be changed.
 * Returns 0 if that is not worth it just now.
 */
enum chan_ahead {
	CHAN_PLACE,
	CHAN_ENTRY
};
#define CHAN_AHEAD	8		/* imsgs between that and its turn */
void		 chan_set_ahead(struct chan *, int (*)(struct chan *,
		    const struct imsg *, enum chan_ahead));
void		*chan_arg(const struct chan *);
int		 chan_is_over(const struct chan *);	/* over high mark */
int		 chan_is_open(const struct chan *);
size_t		 chan_waiting(const struct chan *);	/* octets */

/* A part of an imsg, which is only read. */
static inline void
iov_set(struct iovec *iov, const void *p, size_t len)
{
	union {
		const void	*c;
		void		*p;
	} u = { .c = p };

	iov->iov_base = u.p;
	iov->iov_len = len;
}

static inline size_t
iov_total(const struct iovec *iov, int n)
{
	size_t	total = 0;
	int	i;

	for (i = 0; i < n; i++)
		total += iov[i].iov_len;
	return (total);
}

/* One after another to p; returns what is behind the last. */
static inline uint8_t *
iov_copy(uint8_t *p, const struct iovec *iov, int n)
{
	int	i;

	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > 0)
			memcpy(p, iov[i].iov_base, iov[i].iov_len);
		p += iov[i].iov_len;
	}
	return (p);
}

/*
 * Queue an imsg whose data are the n parts one after another.  0, or -1
 * when the channel is closed or there is no memory (the channel then ends
 * with CHAN_EOF at the end of the turn: an imsg is never lost silently).
 */
int	 chan_sendv(struct chan *, uint32_t type, uint32_t slot, uint32_t gen,
	    const struct iovec *, int n);
int	 chan_send(struct chan *, uint32_t type, uint32_t slot, uint32_t gen,
	    const void *, size_t);
/* The same with len octets from off of pb as its last part, shared. */
int	 chan_sendv_pbuf(struct chan *, uint32_t type, uint32_t slot,
	    uint32_t gen, const struct iovec *, int n, struct pbuf *,
	    size_t off, size_t len);
/* With a descriptor, which is taken and closed whatever happens. */
int	 chan_send_fd(struct chan *, uint32_t type, uint32_t slot,
	    uint32_t gen, const void *, size_t, int fd);
/*
 * The event loop of every process: runs event_base_loop() turn by turn and
 * writes all channels at the end of each; at_turn_end (or NULL) is called
 * before they are written.  Returns after chan_loop_exit().
 */
void	 chan_loop(struct event_base *, void (*at_turn_end)(void *), void *);
void	 chan_loop_exit(void);
/* Write all channels that have something waiting (end of turn). */
void	 chan_flush_all(void);

/* Read exactly one imsg from a blocking descriptor, for start-up and the
 * SIGN channel: 0, -1 on EOF, error, time-out (ms, -1: none) or nonsense. */
int	 imsg_read_blocking(int fd, int ms, struct imsg_hdr *, void *data,
	    size_t size);
int	 imsg_write_blocking(int fd, int ms, uint32_t type, uint32_t slot,
	    uint32_t gen, const void *data, size_t len);

#endif /* WAMPD_CHAN_H */
