/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Channels: framing of imsgs, the table check, batching by turns.  What an
 * imsg means is none of this file's business.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "log.h"
#include "msgtypes.h"
#include "obuf.h"
#include "pbuf.h"

#define CHAN_INBUF	(256 * 1024)
#define CHAN_READS	4		/* a turn, while much comes */
#define CHAN_TURN	(CHAN_READS * CHAN_INBUF)	/* octets of a turn */
#define CHAN_BIG	(64 * 1024)	/* imsgs that get a pbuf of their own */
#define CHAN_PEEK	4096		/* what is read behind such a one, since
					 * the next may be one, too */
#define CHAN_OUTCHUNK	(64 * 1024)
#define CHAN_MAXFDS	4		/* received, not yet claimed */

#define IMSG_PADDED(n)	(((size_t)(n) + 7) & ~(size_t)7)

struct chan {
	TAILQ_ENTRY(chan)	 dirty_entry;
	TAILQ_ENTRY(chan)	 ended_entry;
	int			 fd;
	struct event		*rev, *wev;
	struct obuf		 out;
	uint8_t			*in;		/* CHAN_INBUF, aligned to 8 */
	size_t			 inlen;
	struct pbuf		*big;		/* a long imsg, not whole yet */
	size_t			 maxlen;
	const struct chan_ops	*ops;
	void			*arg;
	int			(*ahead)(struct chan *, const struct imsg *,
				    enum chan_ahead);
	size_t			 high, low;
	int			 fds[CHAN_MAXFDS];
	int			 nfds;
	uint8_t			 state;
	uint8_t			 passes_fds;
	uint8_t			 is_dirty;
	uint8_t			 is_over;
	uint8_t			 is_deaf;	/* peer reads no more, but what
						 * it said is still to come */
	uint8_t			 is_closed;	/* fd closed */
	uint8_t			 is_ending;	/* on the ended list */
	uint8_t			 in_handler;
	uint8_t			 is_freed;	/* chan_free() in a handler */
	uint8_t			 wipes;
	uint8_t			 peeks;		/* the last one was big */
	enum chan_end		 end;
	const char		*why;
};

TAILQ_HEAD(chan_list, chan);
static struct chan_list	 dirty = TAILQ_HEAD_INITIALIZER(dirty);
static struct chan_list	 ended = TAILQ_HEAD_INITIALIZER(ended);
static int		 exiting;

static void	chan_readable(evutil_socket_t, short, void *);
static void	chan_writable(evutil_socket_t, short, void *);

struct chan *
chan_new(struct event_base *base, int fd, size_t maxlen,
    const struct chan_ops *ops, void *arg)
{
	struct chan	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		goto fail;
	c->fd = fd;
	c->maxlen = maxlen;
	c->ops = ops;
	c->arg = arg;
	c->high = SIZE_MAX;
	c->low = SIZE_MAX;
	obuf_init(&c->out, CHAN_OUTCHUNK, 1);
	if ((c->in = malloc(CHAN_INBUF)) == NULL)
		goto fail;
	if (evutil_make_socket_nonblocking(fd) == -1)
		goto fail;
	c->rev = event_new(base, fd, EV_READ | EV_PERSIST, chan_readable, c);
	c->wev = event_new(base, fd, EV_WRITE, chan_writable, c);
	if (c->rev == NULL || c->wev == NULL || event_add(c->rev, NULL) == -1)
		goto fail;
	return (c);
fail:
	close(fd);
	if (c != NULL) {
		c->fd = -1;
		c->is_closed = 1;
		chan_free(c);
	}
	return (NULL);
}

/* Stop everything, keep the struct. */
static void
chan_shut(struct chan *c)
{
	if (c->rev != NULL)
		event_free(c->rev);
	if (c->wev != NULL)
		event_free(c->wev);
	c->rev = c->wev = NULL;
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->is_closed = 1;
	while (c->nfds > 0)
		close(c->fds[--c->nfds]);
	obuf_free(&c->out);
	if (c->is_dirty)
		TAILQ_REMOVE(&dirty, c, dirty_entry);
	c->is_dirty = 0;
}

static void
chan_free_big(struct chan *c)
{
	/* what others hold is what they are to send */
	if (c->wipes && c->big != NULL && c->big->refs == 1)
		explicit_bzero(c->big->data, c->big->size);
	pbuf_unref(c->big);
	c->big = NULL;
}

static void
chan_free_in(struct chan *c)
{
	if (c->wipes && c->in != NULL)
		explicit_bzero(c->in, CHAN_INBUF);
	free(c->in);
	chan_free_big(c);
}

void
chan_free(struct chan *c)
{
	if (c == NULL)
		return;
	chan_shut(c);
	if (c->is_ending)
		TAILQ_REMOVE(&ended, c, ended_entry);
	c->is_ending = 0;
	if (c->in_handler) {
		c->is_freed = 1;
		return;
	}
	chan_free_in(c);
	free(c);
}

/* The channel broke: close it now, tell its owner at the end of the turn. */
static void
chan_end(struct chan *c, enum chan_end end, const char *why)
{
	if (c->is_closed || c->is_ending)
		return;
	chan_shut(c);
	c->end = end;
	c->why = why;
	c->is_ending = 1;
	TAILQ_INSERT_TAIL(&ended, c, ended_entry);
}

void
chan_pass_fds(struct chan *c)
{
	c->passes_fds = 1;
}

void
chan_wipe(struct chan *c)
{
	c->wipes = 1;
	c->out.wipes = 1;
}

void
chan_set_state(struct chan *c, uint8_t bit)
{
	c->state = bit;
}

void
chan_raise_maxlen(struct chan *c, size_t maxlen)
{
	if (maxlen > c->maxlen)
		c->maxlen = maxlen;
}

void
chan_set_marks(struct chan *c, size_t high, size_t low)
{
	c->high = high;
	c->low = low;
}

void
chan_set_ahead(struct chan *c, int (*ahead)(struct chan *,
    const struct imsg *, enum chan_ahead))
{
	c->ahead = ahead;
}

void *
chan_arg(const struct chan *c)
{
	return (c->arg);
}

int
chan_is_over(const struct chan *c)
{
	return (c->is_over);
}

int
chan_is_open(const struct chan *c)
{
	return (!c->is_closed);
}

size_t
chan_waiting(const struct chan *c)
{
	return (c->out.bytes);
}

/* -- reading ------------------------------------------------------------ */

/* The row for a header that is complete, or NULL with *why set. */
static const struct chan_rule *
chan_rule_for(const struct chan *c, const struct imsg_hdr *h, const char **why)
{
	const struct chan_rule	*r;
	uint32_t		 type = h->type & ~IMSG_HASFD;
	size_t			 len, max;

	if (type >= IMSG_MAX || (r = &c->ops->table[type])->handler == NULL) {
		*why = "a type that it may not send";
		return (NULL);
	}
	if (h->len < sizeof(*h)) {
		*why = "an impossible length";
		return (NULL);
	}
	len = h->len - sizeof(*h);
	max = r->max == 0 ? r->min : r->max == CHAN_ANY ? c->maxlen : r->max;
	if (max > c->maxlen)
		max = c->maxlen;
	if (len < r->min || len > max) {
		*why = "a wrong length";
		return (NULL);
	}
	if (r->states != 0 && (r->states & c->state) == 0) {
		*why = "a type out of turn";
		return (NULL);
	}
	if (r->wants_fd != ((h->type & IMSG_HASFD) != 0)) {
		*why = "a descriptor out of place";
		return (NULL);
	}
	return (r);
}

/* Returns 0 to go on, -1 if the channel is over. */
static int
chan_deliver(struct chan *c, const struct chan_rule *r,
    const struct imsg_hdr *h, const uint8_t *data, struct pbuf *pb)
{
	struct imsg	m;
	int		rv;

	m.type = h->type & ~IMSG_HASFD;
	m.slot = h->slot;
	m.gen = h->gen;
	m.data = data;
	m.len = h->len - sizeof(*h);
	m.pb = pb;
	m.fd = -1;
	if (r->wants_fd) {
		if (c->nfds == 0) {
			chan_end(c, CHAN_NONSENSE, "no descriptor");
			return (-1);
		}
		m.fd = c->fds[0];
		c->nfds--;
		memmove(c->fds, c->fds + 1, sizeof(int) * (size_t)c->nfds);
	}
	rv = r->handler(c, &m);
	if (m.fd != -1)
		close(m.fd);
	if (c->is_closed)
		return (-1);
	if (rv == -1) {
		chan_end(c, CHAN_NONSENSE, "what cannot be");
		return (-1);
	}
	return (0);
}

/* The imsg that begins here is longer than what there is of it. */
static int
chan_begin_big(struct chan *c, const uint8_t *p, size_t len, size_t full)
{
	if ((c->big = pbuf_new_apart(full)) == NULL) {
		chan_end(c, CHAN_EOF, "out of memory");
		return (-1);
	}
	memcpy(c->big->data, p, len);
	c->big->len = len;
	return (0);
}

/* It is whole.  Its header is looked at again: the state may be another. */
static int
chan_end_big(struct chan *c)
{
	const struct chan_rule	*r;
	struct imsg_hdr		 h;
	const char		*why;
	int			 rv;

	memcpy(&h, c->big->data, sizeof(h));
	if ((r = chan_rule_for(c, &h, &why)) == NULL) {
		chan_end(c, CHAN_NONSENSE, why);
		return (-1);
	}
	rv = chan_deliver(c, r, &h, c->big->data + sizeof(h), c->big);
	chan_free_big(c);
	c->peeks = 1;
	return (rv);
}

/* How far was looked ahead in a buffer, in octets and in imsgs. */
struct ahead {
	size_t		 place, entry;
	unsigned int	 nplaces, nentries;
	int		 is_off;		/* at its end, or for nothing */
};

/* The imsg at *off; 0 if there is none, or its owner does not want to. */
static int
chan_look(struct chan *c, size_t *off, enum chan_ahead what)
{
	struct imsg_hdr	 h;
	struct imsg	 m;

	if (c->inlen - *off < sizeof(h))
		return (0);
	memcpy(&h, c->in + *off, sizeof(h));
	if (h.len < sizeof(h) || c->inlen - *off < IMSG_PADDED(h.len))
		return (0);
	m.type = h.type;
	m.slot = h.slot;
	m.gen = h.gen;
	m.data = c->in + *off + sizeof(h);
	m.len = h.len - sizeof(h);
	m.pb = NULL;
	m.fd = -1;
	*off += IMSG_PADDED(h.len);
	return (c->ahead(c, &m, what));
}

static void
chan_look_ahead(struct chan *c, struct ahead *a, unsigned int n)
{
	while (!a->is_off && a->nplaces < n + CHAN_AHEAD) {
		if (chan_look(c, &a->place, CHAN_PLACE))
			a->nplaces++;
		else
			a->is_off = 1;
	}
	for (; a->nentries < n + CHAN_AHEAD / 2 && a->nentries < a->nplaces;
	    a->nentries++)
		(void)chan_look(c, &a->entry, CHAN_ENTRY);
}

/* Handle all complete imsgs of the buffer, move the rest to its begin. */
static int
chan_parse(struct chan *c)
{
	const struct chan_rule	*r;
	struct imsg_hdr		 h;
	const char		*why;
	size_t			 off = 0, full;
	struct ahead		 ahead = { .is_off = c->ahead == NULL };
	unsigned int		 n;

	for (n = 0;; n++) {
		if (c->inlen - off < sizeof(h))
			break;
		memcpy(&h, c->in + off, sizeof(h));
		if ((r = chan_rule_for(c, &h, &why)) == NULL) {
			chan_end(c, CHAN_NONSENSE, why);
			return (-1);
		}
		full = IMSG_PADDED(h.len);
		if (c->inlen - off < full) {
			if (full < CHAN_BIG)
				break;
			if (chan_begin_big(c, c->in + off, c->inlen - off,
			    full) == -1)
				return (-1);
			off = c->inlen;
			break;
		}
		chan_look_ahead(c, &ahead, n);
		if (chan_deliver(c, r, &h, c->in + off + sizeof(h),
		    NULL) == -1)
			return (-1);
		off += full;
	}
	if (off > 0 && off < c->inlen)
		memmove(c->in, c->in + off, c->inlen - off);
	c->inlen -= off;
	if (c->wipes)
		explicit_bzero(c->in + c->inlen, off);
	return (0);
}

/* As readv(2), and keeps one descriptor that came along. */
static ssize_t
chan_recv(struct chan *c, struct iovec *iov, int niov)
{
	struct msghdr	 msg;
	struct cmsghdr	*cmsg;
	ssize_t		 n;
	union {
		struct cmsghdr	hdr;
		uint8_t		buf[CMSG_SPACE(sizeof(int))];
	} ctl;

	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = iov;
	msg.msg_iovlen = (size_t)niov;
	msg.msg_control = ctl.buf;
	msg.msg_controllen = sizeof(ctl.buf);
	n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return (n);
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS ||
		    cmsg->cmsg_len != CMSG_LEN(sizeof(int)))
			continue;
		if (c->nfds == CHAN_MAXFDS) {
			int	extra;

			memcpy(&extra, CMSG_DATA(cmsg), sizeof(int));
			close(extra);
			chan_end(c, CHAN_NONSENSE, "too many descriptors");
			return (-1);
		}
		memcpy(&c->fds[c->nfds++], CMSG_DATA(cmsg), sizeof(int));
	}
	if (msg.msg_flags & MSG_CTRUNC) {
		chan_end(c, CHAN_NONSENSE, "more than one descriptor");
		return (-1);
	}
	return (n);
}

/* Where to read to: up to most of a long imsg, and what is behind it. */
static int
chan_room(struct chan *c, size_t most, struct iovec iov[2])
{
	size_t	lack;
	int	n = 0, peek;

	if (c->big != NULL) {
		lack = c->big->size - c->big->len;
		iov[n].iov_base = c->big->data + c->big->len;
		iov[n++].iov_len = lack < most ? lack : most;
		if (lack >= most)
			return (n);
	}
	/* room for nothing would look like the end */
	peek = (c->big != NULL || c->peeks) && c->inlen < CHAN_PEEK;
	iov[n].iov_base = c->in + c->inlen;
	iov[n++].iov_len = (peek ? CHAN_PEEK : CHAN_INBUF) - c->inlen;
	return (n);
}

/* n octets came to where chan_room() said: 0, or -1 if the channel is over. */
static int
chan_take(struct chan *c, size_t n)
{
	size_t	lack;

	if (c->big != NULL) {
		lack = c->big->size - c->big->len;
		if (n < lack) {
			c->big->len += n;
			return (0);
		}
		c->big->len = c->big->size;
		if (chan_end_big(c) == -1)
			return (-1);
		n -= lack;
	} else
		c->peeks = 0;
	c->inlen += n;
	return (chan_parse(c));
}

/* One read and what it brought: octets if there may be more, 0 if not. */
static size_t
chan_read(struct chan *c, size_t most)
{
	struct iovec	iov[2];
	int		niov = chan_room(c, most, iov);
	size_t		room = iov_total(iov, niov);
	ssize_t		n;

	if (c->passes_fds)
		n = chan_recv(c, iov, niov);
	else
		n = readv(c->fd, iov, niov);
	if (c->is_closed)
		return (0);
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			chan_end(c, CHAN_EOF, strerror(errno));
		return (0);
	}
	if (n == 0) {
		chan_end(c, CHAN_EOF, "closed");
		return (0);
	}
	if (chan_take(c, (size_t)n) == -1)
		return (0);
	return ((size_t)n == room || (size_t)n > CHAN_INBUF / 4 ?
	    (size_t)n : 0);
}

/* Peers are read faster than clients, or the queues between us grow. */
static void
chan_readable(evutil_socket_t fd, short what, void *arg)
{
	struct chan	*c = arg;
	size_t		 left = CHAN_TURN, n;
	int		 i;

	(void)fd;
	(void)what;
	c->in_handler = 1;
	for (i = 0; i < CHAN_READS && left > 0; i++) {
		if ((n = chan_read(c, left)) == 0)
			break;
		left -= n < left ? n : left;
	}
	c->in_handler = 0;
	if (c->is_freed) {
		chan_free_in(c);
		free(c);
	}
}

/* -- writing ------------------------------------------------------------ */

static void
chan_mark_dirty(struct chan *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = 1;
	TAILQ_INSERT_TAIL(&dirty, c, dirty_entry);
}

static void
chan_throttle(struct chan *c)
{
	int	over;

	if (!c->is_over && c->out.bytes > c->high)
		over = 1;
	else if (c->is_over && c->out.bytes <= c->low)
		over = 0;
	else
		return;
	c->is_over = (uint8_t)over;
	if (c->ops->throttle != NULL)
		c->ops->throttle(c, over);
}

static void
chan_write(struct chan *c)
{
	switch (obuf_write(&c->out, c->fd)) {
	case -1:
		if (errno != EPIPE) {
			chan_end(c, CHAN_EOF, strerror(errno));
			return;
		}
		c->is_deaf = 1;
		obuf_free(&c->out);
		break;
	case 0:
		if (!event_pending(c->wev, EV_WRITE, NULL) &&
		    event_add(c->wev, NULL) == -1) {
			chan_end(c, CHAN_EOF, "event_add failed");
			return;
		}
		break;
	}
	chan_throttle(c);
}

static void
chan_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	chan_write(arg);
}

void
chan_flush_all(void)
{
	struct chan	*c;

	for (;;) {
		while ((c = TAILQ_FIRST(&dirty)) != NULL) {
			TAILQ_REMOVE(&dirty, c, dirty_entry);
			c->is_dirty = 0;
			if (!event_pending(c->wev, EV_WRITE, NULL))
				chan_write(c);
			else
				chan_throttle(c);
		}
		if ((c = TAILQ_FIRST(&ended)) == NULL)
			break;
		TAILQ_REMOVE(&ended, c, ended_entry);
		c->is_ending = 0;
		c->ops->ended(c, c->end, c->why);
	}
}

static uint8_t *
chan_begin(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    size_t datalen, size_t room)
{
	struct imsg_hdr	 h;
	uint8_t		*p;

	if (c->is_closed || c->is_deaf)
		return (NULL);
	if (datalen > UINT32_MAX - sizeof(h) - 8 ||
	    (p = obuf_room(&c->out, room)) == NULL) {
		chan_end(c, CHAN_EOF, "out of memory");
		return (NULL);
	}
	h.type = type;
	h.len = (uint32_t)(sizeof(h) + datalen);
	h.slot = slot;
	h.gen = gen;
	memcpy(p, &h, sizeof(h));
	chan_mark_dirty(c);
	return (p + sizeof(h));
}

int
chan_sendv(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	size_t	 len = iov_total(iov, n);
	size_t	 full = IMSG_PADDED(sizeof(struct imsg_hdr) + len);
	uint8_t	*p;

	if ((p = chan_begin(c, type, slot, gen, len, full)) == NULL)
		return (-1);
	p = iov_copy(p, iov, n);
	memset(p, 0, full - sizeof(struct imsg_hdr) - len);
	return (0);
}

int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	struct iovec	 iov;
	union {
		const void	*c;
		void		*p;
	} u = { .c = data };

	iov.iov_base = u.p;
	iov.iov_len = len;
	return (chan_sendv(c, type, slot, gen, &iov, 1));
}

int
chan_sendv_pbuf(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n, struct pbuf *pb, size_t off, size_t len)
{
	size_t		 head = iov_total(iov, n);
	size_t		 pad;
	uint8_t		*p;
	static const uint8_t zero[8];

	p = chan_begin(c, type, slot, gen, head + len,
	    sizeof(struct imsg_hdr) + head);
	if (p == NULL)
		return (-1);
	iov_copy(p, iov, n);
	pad = IMSG_PADDED(sizeof(struct imsg_hdr) + head + len) -
	    (sizeof(struct imsg_hdr) + head + len);
	if (obuf_add_pbuf(&c->out, pb, off, len) == -1 ||
	    obuf_add(&c->out, zero, pad) == -1) {
		chan_end(c, CHAN_EOF, "out of memory");
		return (-1);
	}
	return (0);
}

int
chan_send_fd(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len, int fd)
{
	struct imsg_hdr	 h;
	uint8_t		 buf[1024];
	size_t		 full = IMSG_PADDED(sizeof(h) + len);

	if (c->is_closed || c->is_deaf || full > sizeof(buf))
		goto fail;
	memset(buf, 0, full);
	h.type = type | IMSG_HASFD;
	h.len = (uint32_t)(sizeof(h) + len);
	h.slot = slot;
	h.gen = gen;
	memcpy(buf, &h, sizeof(h));
	if (len > 0)
		memcpy(buf + sizeof(h), data, len);
	if (obuf_add_fd(&c->out, buf, full, fd) == -1) {
		chan_end(c, CHAN_EOF, "out of memory");
		goto fail;
	}
	chan_mark_dirty(c);
	return (0);
fail:
	close(fd);
	return (-1);
}

void
chan_loop(struct event_base *base, void (*at_turn_end)(void *), void *arg)
{
	exiting = 0;
	while (!exiting) {
		if (at_turn_end != NULL)
			at_turn_end(arg);
		chan_flush_all();
		if (exiting)
			break;
		if (event_base_loop(base, EVLOOP_ONCE) == -1)
			fatalx("event loop failed");
	}
	chan_flush_all();
}

void
chan_loop_exit(void)
{
	exiting = 1;
}

/* -- blocking ----------------------------------------------------------- */

static long
ms_now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000L + ts.tv_nsec / 1000000);
}

/* Wait for fd until the deadline (-1: none): 0, or -1 when it is over. */
static int
wait_for(int fd, short events, long deadline)
{
	struct pollfd	pfd;
	long		left;
	int		n;

	for (;;) {
		left = -1;
		if (deadline != -1 && (left = deadline - ms_now()) <= 0)
			return (-1);
		pfd.fd = fd;
		pfd.events = events;
		n = poll(&pfd, 1, (int)left);
		if (n > 0)
			return (0);
		if (n == -1 && errno != EINTR)
			return (-1);
	}
}

static int
read_all(int fd, long deadline, void *buf, size_t len)
{
	uint8_t	*p = buf;
	ssize_t	 n;

	while (len > 0) {
		if (wait_for(fd, POLLIN, deadline) == -1)
			return (-1);
		n = read(fd, p, len);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return (-1);
		p += n;
		len -= (size_t)n;
	}
	return (0);
}

int
imsg_read_blocking(int fd, int ms, struct imsg_hdr *h, void *data, size_t size)
{
	long		 deadline = ms == -1 ? -1 : ms_now() + ms;
	uint8_t		 pad[8];
	size_t		 len;

	if (read_all(fd, deadline, h, sizeof(*h)) == -1)
		return (-1);
	if (h->len < sizeof(*h) || h->len - sizeof(*h) > size)
		return (-1);
	len = h->len - sizeof(*h);
	if (read_all(fd, deadline, data, len) == -1)
		return (-1);
	return (read_all(fd, deadline, pad, IMSG_PADDED(h->len) - h->len));
}

int
imsg_write_blocking(int fd, int ms, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	long		 deadline = ms == -1 ? -1 : ms_now() + ms;
	struct imsg_hdr	 h;
	uint8_t		 buf[1024], *p = buf;
	size_t		 full = IMSG_PADDED(sizeof(h) + len);
	ssize_t		 n;

	if (full > sizeof(buf)) {
		errno = EMSGSIZE;
		return (-1);
	}
	memset(buf, 0, full);
	h.type = type;
	h.len = (uint32_t)(sizeof(h) + len);
	h.slot = slot;
	h.gen = gen;
	memcpy(buf, &h, sizeof(h));
	if (len > 0)
		memcpy(buf + sizeof(h), data, len);
	while (full > 0) {
		n = write(fd, p, full);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			if (wait_for(fd, POLLOUT, deadline) == -1)
				return (-1);
			continue;
		}
		if (n <= 0)
			return (-1);
		p += n;
		full -= (size_t)n;
	}
	return (0);
}
