/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Channels: what the table allows arrives whole and in order, in whatever
 * pieces; everything else ends the channel and nothing but the channel.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "log.h"
#include "msgtypes.h"
#include "obuf.h"
#include "pbuf.h"

#define BIG	(3 * 1024 * 1024 + 5)

static struct event_base	*base;
static int			 got_ended, got_end, got_over, got_under;
static int			 n_small, n_big, n_fd;
static uint32_t			 next_seq;
static struct pbuf		*kept;
static int			 n_kept;

static int
on_small(struct chan *c, struct imsg *m)
{
	struct m_u32	u;

	(void)c;
	memcpy(&u, m->data, sizeof(u));
	if (u.n != next_seq++ || m->slot != u.n || m->gen != 7)
		errx(1, "imsg %u out of order", u.n);
	n_small++;
	return (u.n == 0xdead ? -1 : 0);
}

static int
on_big(struct chan *c, struct imsg *m)
{
	size_t	i;

	(void)c;
	if (((uintptr_t)m->data & 7) != 0)
		errx(1, "data not aligned");
	for (i = 0; i < m->len; i++)
		if (m->data[i] != (uint8_t)(i * 7))
			errx(1, "big imsg differs at %zu", i);
	if (m->pb != NULL && (m->data < m->pb->data || m->pb->refs != 1 ||
	    m->data + m->len > m->pb->data + m->pb->len || m->pb->is_counted))
		errx(1, "data is not of the pbuf");
	if (m->pb != NULL && pbuf_count(m->pb) == 0) {
		pbuf_unref(kept);
		kept = pbuf_ref(m->pb);
		n_kept++;
	}
	n_big++;
	return (0);
}

static int
on_fd(struct chan *c, struct imsg *m)
{
	char	ch;

	(void)c;
	if (m->fd == -1 || read(m->fd, &ch, 1) != 1 || ch != 'x')
		errx(1, "descriptor does not work");
	n_fd++;
	return (0);
}

static int
on_free(struct chan *c, struct imsg *m)
{
	(void)m;
	chan_free(c);
	n_small++;
	return (0);
}

static const struct chan_rule table[IMSG_MAX] = {
	[IMSG_PING] = { on_small, sizeof(struct m_u32), 0, 0, 0 },
	[IMSG_EVENT] = { on_big, 0, CHAN_ANY, 0, 0 },
	[IMSG_SETUP_PEER] = { on_fd, 0, 16, 0, 1 },
	[IMSG_ACCEPT] = { on_small, sizeof(struct m_u32), 0, 2, 0 },
	[IMSG_INVOCATION] = { on_big, 0, CHAN_ANY, 2, 0 },
	[IMSG_SHUTDOWN] = { on_free, 0, 0, 0, 0 },
};

static void
ended(struct chan *c, enum chan_end end, const char *why)
{
	(void)c;
	(void)why;
	/* the other end's EOF follows */
	if (got_ended++ == 0)
		got_end = (int)end;
}

static void
throttle(struct chan *c, int over)
{
	(void)c;
	if (over)
		got_over++;
	else
		got_under++;
}

static const struct chan_ops ops = { table, ended, throttle };

static void
turn(int n)
{
	while (n-- > 0) {
		chan_flush_all();
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	chan_flush_all();
}

static void
pair(struct chan **a, struct chan **b, int *raw, size_t maxlen)
{
	int	sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		err(1, "socketpair");
	if (raw != NULL)
		*raw = sp[0];
	else if ((*a = chan_new(base, sp[0], maxlen, &ops, NULL)) == NULL)
		errx(1, "chan_new");
	if ((*b = chan_new(base, sp[1], maxlen, &ops, NULL)) == NULL)
		errx(1, "chan_new");
	got_ended = got_over = got_under = n_small = n_big = n_fd = 0;
	next_seq = 0;
	n_kept = 0;
}

static void
expect(int got, int want, const char *what)
{
	if (got != want)
		errx(1, "%s: got %d, want %d", what, got, want);
}

/* 10,000 small ones, a big one between, as one copy and shared. */
static void
test_order(void)
{
	struct chan	*a, *b;
	struct pbuf	*pb;
	struct iovec	 iov;
	struct m_u32	 u;
	size_t		 i;

	pair(&a, &b, NULL, BIG);
	if ((pb = pbuf_new(BIG)) == NULL)
		errx(1, "pbuf_new");
	for (i = 0; i < BIG; i++)
		pb->data[i] = (uint8_t)(i * 7);
	for (u.n = 0; u.n < 10000; u.n++) {
		chan_send(a, IMSG_PING, u.n, 7, &u, sizeof(u));
		if (u.n == 3000)
			chan_send(a, IMSG_EVENT, 0, 0, pb->data, BIG);
		if (u.n == 4000) {
			iov.iov_base = pb->data;
			iov.iov_len = 8;
			chan_sendv_pbuf(a, IMSG_EVENT, 0, 0, &iov, 1, pb, 8,
			    BIG - 8);
		}
	}
	pbuf_unref(pb);
	turn(400);
	expect(n_small, 10000, "small imsgs");
	expect(n_big, 2, "big imsgs");
	expect(got_ended, 0, "ended");
	chan_free(a);
	turn(3);
	expect(got_ended, 1, "ended at EOF");
	expect(got_end, CHAN_EOF, "end");
	chan_free(b);
	pbuf_unref(kept);
	kept = NULL;
	if (pbuf_in_use() != 0)
		errx(1, "%zu octets of pbufs left", pbuf_in_use());
}

/* The same octets, one write each. */
static void
test_bytewise(void)
{
	struct chan	*b;
	struct imsg_hdr	 h;
	uint8_t		 buf[24];
	int		 raw, n;
	size_t		 i;

	pair(NULL, &b, &raw, 1000);
	for (n = 0; n < 5; n++) {
		memset(buf, 0, sizeof(buf));
		h.type = IMSG_PING;
		h.len = sizeof(h) + 4;
		h.slot = (uint32_t)n;
		h.gen = 7;
		memcpy(buf, &h, sizeof(h));
		memcpy(buf + sizeof(h), &n, 4);
		for (i = 0; i < sizeof(buf); i++) {
			if (write(raw, buf + i, 1) != 1)
				err(1, "write");
			turn(1);
		}
	}
	expect(n_small, 5, "imsgs octet by octet");
	expect(got_ended, 0, "ended");
	close(raw);
	chan_free(b);
}

/* One header (and data) that must end the channel as nonsense. */
static void
nonsense(uint32_t type, uint32_t len, size_t send, const char *what)
{
	struct chan	*b;
	struct imsg_hdr	 h;
	uint8_t		 buf[4096];
	int		 raw;

	pair(NULL, &b, &raw, 1000);
	memset(buf, 0, sizeof(buf));
	h.type = type;
	h.len = len;
	h.slot = 0;
	h.gen = 7;
	memcpy(buf, &h, sizeof(h));
	if (write(raw, buf, send) != (ssize_t)send)
		err(1, "write");
	turn(3);
	expect(got_ended, 1, what);
	expect(got_end, CHAN_NONSENSE, what);
	expect(n_small, 0, what);
	close(raw);
	chan_free(b);
}

/* -- long imsgs, in pieces ----------------------------------------------- */

static uint8_t	stream[2 * 1024 * 1024];
static size_t	streamlen;

static void
stream_add(uint32_t type, uint32_t slot, size_t len)
{
	struct imsg_hdr	 h = { type, (uint32_t)(sizeof(h) + len), slot, 7 };
	uint8_t		*p = stream + streamlen;
	size_t		 i, full = (sizeof(h) + len + 7) & ~(size_t)7;

	memset(p, 0, full);
	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	if (len == sizeof(slot))
		memcpy(p, &slot, len);
	else
		for (i = 0; i < len; i++)
			p[i] = (uint8_t)(i * 7);
	streamlen += full;
}

static void
raw_write(int raw, const uint8_t *p, size_t len)
{
	ssize_t	n;

	while (len > 0) {
		n = send(raw, p, len, MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			n = 0;
		if (n == -1)
			err(1, "send");
		p += n;
		len -= (size_t)n;
		turn(1);
	}
	turn(2);
}

/* The stream, cut there. */
static void
cut_at(size_t first, size_t second)
{
	struct chan	*b;
	int		 raw;

	pair(NULL, &b, &raw, 1024 * 1024);
	raw_write(raw, stream, first);
	raw_write(raw, stream + first, second - first);
	raw_write(raw, stream + second, streamlen - second);
	expect(n_small, 4, "small imsgs");
	expect(n_big, 5, "big imsgs");
	expect(got_ended, 0, "ended");
	close(raw);
	chan_free(b);
}

/* Before, in and behind each of them: the header, the begin, the end. */
static void
test_pieces(void)
{
	static const size_t	lens[] = { 4, 65519, 65520, 4, 65521, 300000,
				    4, 70001, 4 };
	size_t			i, at, begins[10], n = 0, k;
	uint32_t		seq = 0;

	streamlen = 0;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		begins[n++] = streamlen;
		if (lens[i] == 4)
			stream_add(IMSG_PING, seq++, 4);
		else
			stream_add(IMSG_EVENT, 0, lens[i]);
	}
	begins[n] = streamlen;
	for (i = 1; i <= n; i++)
		for (k = 0; k <= 48; k++) {
			if ((at = begins[i] + k - 24) > streamlen)
				break;
			cut_at(at, at);
			cut_at(at, at + 4096 < streamlen ? at + 4096 : at);
			cut_at(at > 70000 ? at - 70000 : 0, at);
		}
	if (n_kept == 0)
		errx(1, "no pbufs of long imsgs");
	if (pbuf_in_use() != kept->size)
		errx(1, "%zu octets in use", pbuf_in_use());
	for (i = 0; i < 60000; i++)
		if (kept->data[sizeof(struct imsg_hdr) + i] !=
		    (uint8_t)(i * 7))
			errx(1, "what was kept changed at %zu", i);
	pbuf_unref(kept);
	kept = NULL;
	expect((int)pbuf_in_use(), 0, "octets in use");
}

/* Behind it one that fills what is peeked at, and is not whole. */
static void
test_big_peek(void)
{
	static const size_t	lens[] = { 4000, 4064, 4080, 4088, 4104, 10000,
				    60000, 65000, 90000 };
	struct chan		*b;
	size_t			 i;
	int			 raw;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		streamlen = 0;
		stream_add(IMSG_EVENT, 0, 100000);
		stream_add(IMSG_EVENT, 0, lens[i]);
		stream_add(IMSG_EVENT, 0, 100);
		pair(NULL, &b, &raw, 1024 * 1024);
		raw_write(raw, stream, 50000);
		/* as much as the socket takes, before it is read */
		if (send(raw, stream + 50000, streamlen - 50000,
		    MSG_DONTWAIT) != (ssize_t)(streamlen - 50000))
			err(1, "send");
		turn(4);
		expect(got_ended, 0, "ended");
		expect(n_big, 3, "imsgs");
		close(raw);
		chan_free(b);
	}
	pbuf_unref(kept);
	kept = NULL;
}

/* What its handler kept is not wiped, though the channel is. */
static void
test_big_wipe(void)
{
	struct chan	*b;
	size_t		 i;
	int		 raw;

	streamlen = 0;
	stream_add(IMSG_EVENT, 0, 100000);
	pair(NULL, &b, &raw, 1024 * 1024);
	chan_wipe(b);
	raw_write(raw, stream, 80000);
	raw_write(raw, stream + 80000, streamlen - 80000);
	expect(n_kept, 1, "kept");
	for (i = 0; i < 100000; i++)
		if (kept->data[sizeof(struct imsg_hdr) + i] !=
		    (uint8_t)(i * 7))
			errx(1, "what was kept was wiped at %zu", i);
	pbuf_unref(kept);
	kept = NULL;
	close(raw);
	chan_free(b);
}

/* What its header says must hold when it is whole, too. */
static void
test_big_state(void)
{
	struct chan	*b;
	int		 raw;

	streamlen = 0;
	stream_add(IMSG_INVOCATION, 0, 100000);
	pair(NULL, &b, &raw, 1024 * 1024);
	chan_set_state(b, 2);
	raw_write(raw, stream, 90000);
	expect(got_ended, 0, "ended early");
	chan_set_state(b, 4);
	raw_write(raw, stream + 90000, streamlen - 90000);
	expect(got_ended, 1, "state changed");
	expect(got_end, CHAN_NONSENSE, "state changed");
	expect(n_big, 0, "big imsgs");
	close(raw);
	chan_free(b);
}

/* The end in the middle of one, and a channel that is freed there. */
static void
test_big_ends(void)
{
	struct chan	*b;
	int		 raw;

	streamlen = 0;
	stream_add(IMSG_EVENT, 0, 100000);
	pair(NULL, &b, &raw, 1024 * 1024);
	chan_wipe(b);
	raw_write(raw, stream, 80000);
	close(raw);
	turn(3);
	expect(got_ended, 1, "ended");
	expect(got_end, CHAN_EOF, "end");
	chan_free(b);
	nonsense(IMSG_EVENT, 16 + 1024 * 1024 + 1, 16, "a long one too long");
}

static void
test_nonsense(void)
{
	nonsense(IMSG_PONG, 20, 24, "type without handler");
	nonsense(IMSG_MAX, 20, 24, "type behind the last");
	nonsense(0x7fffffff, 20, 24, "huge type");
	nonsense(IMSG_PING, 19, 24, "too short");
	nonsense(IMSG_PING, 21, 24, "too long");
	nonsense(IMSG_PING, 0, 16, "length 0");
	nonsense(IMSG_PING, 15, 16, "length under the header's");
	nonsense(IMSG_EVENT, 16 + 1001, 16, "over the channel's limit");
	nonsense(IMSG_EVENT, UINT32_MAX, 16, "length 2^32 - 1");
	nonsense(IMSG_ACCEPT, 20, 24, "wrong state");
	nonsense(IMSG_PING | IMSG_HASFD, 20, 24, "flag of a descriptor");
	nonsense(IMSG_SETUP_PEER, 16, 16, "descriptor missing");
	nonsense(IMSG_SETUP_PEER | IMSG_HASFD, 16, 16, "flag but no descriptor");
}

static void
test_fds(void)
{
	struct chan	*a, *b;
	int		 p[2], i;

	pair(&a, &b, NULL, 1000);
	chan_pass_fds(b);
	for (i = 0; i < 50; i++) {
		if (pipe(p) == -1 || write(p[1], "x", 1) != 1)
			err(1, "pipe");
		close(p[1]);
		chan_send_fd(a, IMSG_SETUP_PEER, 0, 0, "hello", 5, p[0]);
	}
	turn(100);
	expect(n_fd, 50, "descriptors");
	expect(got_ended, 0, "ended");
	chan_free(a);
	chan_free(b);
	/* pipe() must find the lowest numbers free again */
	if (pipe(p) == -1 || p[0] > 20)
		errx(1, "descriptors leak: %d", p[0]);
	close(p[0]);
	close(p[1]);
}

/* Nobody asked for descriptors: the kernel must drop them. */
static void
test_unasked_fds(void)
{
	struct chan	*a, *b;
	int		 p[2];

	pair(&a, &b, NULL, 1000);
	if (pipe(p) == -1)
		err(1, "pipe");
	close(p[1]);
	chan_send_fd(a, IMSG_PING, 0, 7, "\0\0\0\0", 4, p[0]);
	turn(3);
	expect(got_end, CHAN_NONSENSE, "unasked descriptor");
	chan_free(a);
	chan_free(b);
	if (pipe(p) == -1 || p[0] > 20)
		errx(1, "descriptors leak: %d", p[0]);
	close(p[0]);
	close(p[1]);
}

static void
test_throttle(void)
{
	struct chan	*a;
	struct chan	*b;
	static uint8_t	 buf[64 * 1024];
	int		 i;

	pair(&a, &b, NULL, BIG);
	for (i = 0; i < (int)sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7);
	chan_set_marks(a, 1024 * 1024, 256 * 1024);
	for (i = 0; i < 64; i++)
		chan_send(a, IMSG_EVENT, 0, 0, buf, sizeof(buf));
	chan_flush_all();
	expect(got_over, 1, "over the mark");
	if (!chan_is_over(a))
		errx(1, "not over");
	turn(200);
	expect(got_under, 1, "under the mark");
	expect(n_big, 64, "imsgs");
	chan_free(a);
	chan_free(b);
}

static uint32_t		 nplaces, nentries;
static int		 is_worth_it;

/* Each in order, first its place and then its entry, not too early. */
static int
look_ahead(struct chan *c, const struct imsg *m, enum chan_ahead what)
{
	struct m_u32	u;

	(void)c;
	if (m->type != IMSG_PING || m->len != sizeof(u))
		errx(1, "looks at what is not there");
	memcpy(&u, m->data, sizeof(u));
	if (u.n != (what == CHAN_PLACE ? nplaces++ : nentries++) ||
	    m->slot != u.n || m->gen != 7)
		errx(1, "looks at imsg %u", u.n);
	if (nentries > nplaces || u.n < next_seq ||
	    u.n >= next_seq + CHAN_AHEAD)
		errx(1, "looks at imsg %u before %u", u.n, next_seq);
	return (is_worth_it);
}

static void
test_ahead(void)
{
	struct chan	*a, *b;
	struct m_u32	 u;
	int		 i;

	for (is_worth_it = 1; is_worth_it >= 0; is_worth_it--) {
		pair(&a, &b, NULL, 1000);
		chan_set_ahead(b, look_ahead);
		nplaces = nentries = 0;
		for (i = 0; i < 100; i++) {
			u.n = (uint32_t)i;
			chan_send(a, IMSG_PING, u.n, 7, &u, sizeof(u));
		}
		turn(3);
		expect(n_small, 100, "imsgs behind each other");
		expect((int)nplaces, is_worth_it ? 100 : 1, "places");
		expect((int)nentries, is_worth_it ? 100 : 0, "entries");
		chan_free(a);
		chan_free(b);
	}
}

/* An imsg of which a part is there is not looked at; nor is nonsense. */
static void
test_ahead_part(void)
{
	struct chan	*b;
	struct m_u32	 u = { 0 };
	struct imsg_hdr	 h = { .type = IMSG_PING, .slot = 0, .gen = 7,
			     .len = sizeof(h) + sizeof(u) };
	uint8_t		 buf[256];
	size_t		 one = sizeof(h) + 8, k;
	int		 fd;

	for (k = 0; k < one; k++) {
		pair(NULL, &b, &fd, 1000);
		chan_set_ahead(b, look_ahead);
		nplaces = nentries = 0;
		is_worth_it = 1;
		memset(buf, 0, sizeof(buf));
		memcpy(buf, &h, sizeof(h));
		memcpy(buf + one, &h, sizeof(h));
		if (write(fd, buf, one + k) != (ssize_t)(one + k))
			err(1, "write");
		turn(2);
		expect(n_small, 1, "the whole one");
		expect((int)nplaces, 1, "places");
		chan_free(b);
		close(fd);
	}
	pair(NULL, &b, &fd, 1000);
	chan_set_ahead(b, look_ahead);
	nplaces = nentries = 0;
	h.len = 3;
	memcpy(buf + one, &h, sizeof(h));
	if (write(fd, buf, 2 * one) != (ssize_t)(2 * one))
		err(1, "write");
	turn(2);
	expect(n_small, 1, "the good one");
	expect((int)nplaces, 1, "places");
	expect(got_ended, 1, "nonsense");
	chan_free(b);
	close(fd);
}

static void
test_free_in_handler(void)
{
	struct chan	*a, *b;

	pair(&a, &b, NULL, 1000);
	chan_send(a, IMSG_SHUTDOWN, 0, 0, NULL, 0);
	chan_send(a, IMSG_SHUTDOWN, 0, 0, NULL, 0);
	turn(3);
	expect(n_small, 1, "handler ran once");
	chan_free(a);
}

/* What the peer said before it died still arrives, though we write to it. */
static void
test_last_words(void)
{
	struct chan	*b;
	struct imsg_hdr	 h = { IMSG_PING, 20, 0, 7 };
	uint8_t		 buf[24];
	int		 raw;

	pair(NULL, &b, &raw, 1000);
	memset(buf, 0, sizeof(buf));
	memcpy(buf, &h, sizeof(h));
	if (write(raw, buf, sizeof(buf)) != sizeof(buf))
		err(1, "write");
	close(raw);
	chan_send(b, IMSG_PING, 0, 0, buf, 4);
	chan_flush_all();
	turn(3);
	expect(n_small, 1, "last words");
	expect(got_ended, 1, "ended");
	chan_free(b);
}

static void
test_budget(void)
{
	struct pbuf	*a, *b;

	pbuf_unref(kept);
	kept = NULL;
	pbuf_set_budget(1000);
	a = pbuf_new(600);
	b = pbuf_new(600);
	if (a == NULL || b != NULL)
		errx(1, "budget is not kept");
	pbuf_unref(a);
	if ((b = pbuf_new(600)) == NULL)
		errx(1, "budget is not given back");
	if ((a = pbuf_new_apart(600)) == NULL || pbuf_in_use() != 600)
		errx(1, "apart, but counted");
	if (pbuf_count(a) != -1 || pbuf_in_use() != 600)
		errx(1, "counted beyond the budget");
	pbuf_unref(b);
	if (pbuf_count(a) == -1 || pbuf_count(a) == -1 ||
	    pbuf_in_use() != 600)
		errx(1, "not counted once");
	pbuf_unref(a);
	if ((a = pbuf_new_apart(2000)) == NULL || pbuf_in_use() != 0)
		errx(1, "the budget bounds what is apart");
	pbuf_unref(a);
	pbuf_set_budget(0);
}

/* Headers and shared payloads in turn: one chunk, and the right octets, as
 * many at once as were asked for. */
static void
test_queue(void)
{
	struct obuf	 o;
	struct pbuf	*pb;
	const uint8_t	*p;
	uint8_t		 hdr[24], piece[5000];
	size_t		 n, i, at, pos = 0, size = 2100;
	int		 k;

	if ((pb = pbuf_new(size)) == NULL)
		errx(1, "pbuf_new");
	pb->len = size;
	memset(pb->data, 'p', size);
	obuf_init(&o, 64 * 1024, 0);
	for (k = 0; k < 1000; k++) {
		memset(hdr, k & 0x7f, sizeof(hdr));
		if (obuf_add(&o, hdr, sizeof(hdr)) == -1 ||
		    obuf_add_pbuf(&o, pb, 0, size) == -1)
			errx(1, "obuf_add");
	}
	if (pbuf_in_use() > 70 * 1024)
		errx(1, "%zu octets for 24,000", pbuf_in_use());
	while ((n = obuf_peek(&o, piece, sizeof(piece), &p)) > 0) {
		if (n != (o.bytes < sizeof(piece) ? o.bytes : sizeof(piece)))
			errx(1, "%zu octets at once of %zu", n, o.bytes);
		if (n > 1777)
			n = 1777;
		for (i = 0; i < n; i++, pos++) {
			at = pos % (sizeof(hdr) + size);
			k = (int)(pos / (sizeof(hdr) + size));
			if (p[i] != (at < sizeof(hdr) ? (k & 0x7f) : 'p'))
				errx(1, "octet %zu differs", pos);
		}
		obuf_drain(&o, n);
	}
	expect((int)pos, 1000 * (int)(sizeof(hdr) + size), "octets");
	if (pbuf_in_use() != size)
		errx(1, "%zu octets held by an empty queue", pbuf_in_use());
	obuf_free(&o);
	pbuf_unref(pb);
}

static void
test_blocking(void)
{
	struct imsg_hdr	h;
	char		buf[16];
	int		sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		err(1, "socketpair");
	if (imsg_write_blocking(sp[0], 1000, IMSG_SIGN, 1, 2, "abc", 3) == -1)
		err(1, "write");
	if (imsg_read_blocking(sp[1], 1000, &h, buf, sizeof(buf)) == -1 ||
	    h.type != IMSG_SIGN || h.len != 19 || memcmp(buf, "abc", 3) != 0)
		errx(1, "blocking read");
	if (imsg_read_blocking(sp[1], 50, &h, buf, sizeof(buf)) != -1)
		errx(1, "time-out did not come");
	if (imsg_write_blocking(sp[0], 1000, IMSG_SIGN, 1, 2, "abcd", 4) == -1
	    || imsg_read_blocking(sp[1], 1000, &h, buf, 3) != -1)
		errx(1, "data larger than the buffer");
	close(sp[0]);
	close(sp[1]);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if ((base = event_base_new()) == NULL)
		errx(1, "event_base_new");
	test_order();
	test_bytewise();
	test_pieces();
	test_big_peek();
	test_big_wipe();
	test_big_state();
	test_big_ends();
	test_nonsense();
	test_fds();
	test_unasked_fds();
	test_throttle();
	test_ahead();
	test_ahead_part();
	test_free_in_handler();
	test_last_words();
	test_budget();
	test_queue();
	test_blocking();
	event_base_free(base);
	return (0);
}
