/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A tlsproxy and a keeper that have been taken over say everything to a real
 * broker: it lives, reports them, and no session of another channel is
 * touched (threats: lesson 4).
 */
#include <sys/socket.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bplay.h"
#include "chan.h"
#include "conf.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"

/* A valid imsg of each type that may be sent, header and data. */
struct valid {
	const char	*name;
	uint8_t		 b[512];
	size_t		 len;
};

static struct sess	good, evil;
static uint64_t		good_sub, good_reg, evil_inv;
static struct valid	valids[16];
static int		nvalids;
static unsigned long	nattacks, ncuts;

enum verdict { LIVES, CUT, EITHER };

/* -- the victim and the attacker ---------------------------------------- */

static void
check_good(void)
{
	uint64_t	inv;

	send_publish(&good, PUBLISH_INCLUDE_ME, "good.t", "g", 1);
	want_event(T0, good_sub, NULL, "g", 1);
	send_call(&good, "good.p", "c");
	inv = want_invocation(&good, good_reg, "c");
	send_yield(&good, inv, "r");
	want_result(&good, good.request, "r");
	side_sync(T0);
}

/* A session with all that one can have. */
static void
evil_open(void)
{
	uint64_t	reg;

	side_open(T1, PROC_TLSPROXY, 1);
	join(&evil, T1, 1, 1, R, "evil");
	subscribe(&evil, "evil.t");
	reg = registers(&evil, "evil.p");
	send_call(&evil, "evil.p", "");
	evil_inv = want_invocation(&evil, reg, "");
}

/* Whether it was cut off; if so it is connected anew. */
static int
outcome(struct side *s, unsigned int n)
{
	struct m_unsubscribe	m = { ++s->nsync, 1ULL << 50 };
	struct m_refused	r;
	struct got		g;
	int			rv;

	if (s->role == PROC_TLSPROXY)
		side_send(s, IMSG_UNSUBSCRIBE, SYNC_SLOT, 1, &m, sizeof(m),
		    NULL, 0);
	while ((rv = side_next(s, &g, s->role == PROC_TLSPROXY ? 20000 :
	    0)) == 1) {
		if (g.type != IMSG_REFUSED || g.slot != SYNC_SLOT)
			continue;
		memcpy(&r, g.data, sizeof(r));
		if (r.request == m.request)
			break;
	}
	if (rv == 0 && s->role == PROC_TLSPROXY)
		errx(1, "attack %lu: no answer, no end", nattacks);
	if (rv != -1) {
		if (bp.nsuspects != n)
			errx(1, "attack %lu: suspected, not cut off",
			    nattacks);
		return (0);
	}
	if (bp.nsuspects == n)
		play_until(&bp, &bp.nsuspects, n, "PROC_SUSPECT");
	if (bp.nsuspects != n + 1 || bp.suspect.role != s->role ||
	    bp.suspect.instance != s->instance ||
	    bp.suspect.generation != s->generation)
		errx(1, "attack %lu: somebody else is suspected", nattacks);
	ncuts++;
	if (s->role == PROC_TLSPROXY)
		evil_open();
	else
		side_open(s, s->role, s->instance);
	return (1);
}

static void
attack(struct side *s, const void *data, size_t len, enum verdict want,
    const char *what)
{
	unsigned int	n = bp.nsuspects;
	int		is_cut, tries;

	nattacks++;
	side_write(s, data, len);
	is_cut = outcome(s, n);
	/* the keeper has nobody to answer: what it said is heard before what
	 * the victim says after it, or in the turn after */
	for (tries = 0; s->role == PROC_KEEPER && !is_cut && want != LIVES &&
	    tries < 3; tries++) {
		side_sync(T0);
		is_cut = outcome(s, n);
	}
	if (want != EITHER && is_cut != (want == CUT))
		errx(1, "%s: %s", what, is_cut ? "cut off" : "accepted");
	if (nattacks % 64 == 0)
		check_good();
}

/* As it is, with padding. */
static void
attack_imsg(struct side *s, const uint8_t *b, size_t len, uint32_t hdrlen,
    enum verdict want, const char *what)
{
	static uint8_t	out[16384];

	memset(out, 0, sizeof(out));
	memcpy(out, b, len);
	memcpy(out + offsetof(struct imsg_hdr, len), &hdrlen,
	    sizeof(hdrlen));
	attack(s, out, (len + 7) & ~(size_t)7, want, what);
}

/* -- what is valid ------------------------------------------------------ */

static void
valid_octets(const char *name, uint32_t type, const void *fixed, size_t len,
    const void *tail, size_t taillen)
{
	struct valid	*v = &valids[nvalids++];
	struct imsg_hdr	 h;

	v->name = name;
	v->len = sizeof(h) + len + taillen;
	h.type = type;
	h.len = (uint32_t)v->len;
	h.slot = evil.slot;
	h.gen = evil.gen;
	memcpy(v->b, &h, sizeof(h));
	if (len > 0)
		memcpy(v->b + sizeof(h), fixed, len);
	memcpy(v->b + sizeof(h) + len, tail, taillen);
}

static void
valid(const char *name, uint32_t type, const void *fixed, size_t len,
    const char *tail)
{
	valid_octets(name, type, fixed, len, tail, strlen(tail));
}

/* All six lists, two entries each. */
static size_t
filter_make(uint8_t *b)
{
	struct m_filter	m = { { 2, 2, 2, 2, 2, 2 }, 0x3f, { 0, 0, 0 } };
	uint64_t	id[4] = { 1, 2, 3, 4 };
	uint8_t		*p = b;
	int		i;

	memcpy(p, &m, sizeof(m));
	p += sizeof(m);
	memcpy(p, id, sizeof(id));
	p += sizeof(id);
	for (i = 0; i < 4; i++) {
		memcpy(p, "\0\0\1\0a", 5);	/* an empty one, and "a" */
		p += 5;
	}
	return ((size_t)(p - b));
}

static void
valid_publish_to(void)
{
	struct m_publish	pu = { .request = 9, .paylen = 4,
				    .urilen = 6, .ser = 1, .nargs = 1,
				    .pptlen = 3 };
	uint8_t			b[256];
	size_t			len = 6;

	memcpy(b, "evil.t", len);
	pu.filterlen = (uint32_t)filter_make(b + len);
	len += pu.filterlen;
	memcpy(b + len, "pptbody", 7);
	valid_octets("PUBLISH with lists", IMSG_PUBLISH, &pu, sizeof(pu), b,
	    len + 7);
}

static void
valids_make(void)
{
	struct m_session_close		cl = { .why = CLOSE_LOST };
	struct m_session_features	fe = { .features = FEAT_ALL };
	struct m_subscribe		su = { .request = 9, .urilen = 6 };
	struct m_unsubscribe		un = { 9, 12345 };
	struct m_publish		pu = { .request = 9, .paylen = 4,
					    .urilen = 6, .ser = 1,
					    .nargs = 1 };
	struct m_register		re = { .request = 9, .urilen = 6 };
	struct m_unregister		ur = { 9, 12345 };
	struct m_call			ca = { .request = 9, .paylen = 4,
					    .urilen = 6, .ser = 1,
					    .nargs = 1 };
	struct m_yield			yi = { .request = 1, .paylen = 4,
					    .ser = 3, .nargs = 2 };
	struct m_error			er = { .request = 1, .paylen = 4,
					    .urilen = 6, .ser = 3,
					    .nargs = 1 };
	struct m_invocation_failed	fa = { .request = 1,
					    .err = WERR_TIMEOUT,
					    .textlen = 4 };

	valid("SUBSCRIBE", IMSG_SUBSCRIBE, &su, sizeof(su), "evil.u");
	valid("UNSUBSCRIBE", IMSG_UNSUBSCRIBE, &un, sizeof(un), "");
	valid("PUBLISH", IMSG_PUBLISH, &pu, sizeof(pu), "evil.tbody");
	valid_publish_to();
	valid("REGISTER", IMSG_REGISTER, &re, sizeof(re), "evil.q");
	valid("UNREGISTER", IMSG_UNREGISTER, &ur, sizeof(ur), "");
	valid("CALL", IMSG_CALL, &ca, sizeof(ca), "evil.pbody");
	valid("INVOCATION_FAILED", IMSG_INVOCATION_FAILED, &fa, sizeof(fa),
	    "text");
	valid("YIELD", IMSG_YIELD, &yi, sizeof(yi), "body");
	valid("ERROR", IMSG_ERROR, &er, sizeof(er), "evil.ebody");
	valid("SESSION_FEATURES", IMSG_SESSION_FEATURES, &fe, sizeof(fe), "");
	valid("XOFF", IMSG_XOFF, NULL, 0, "");
	valid("XON", IMSG_XON, NULL, 0, "");
	valid("FENCE", IMSG_FENCE, NULL, 0, "");
	valid("SESSION_CLOSE", IMSG_SESSION_CLOSE, &cl, sizeof(cl), "");
}

/* -- the attacks -------------------------------------------------------- */

static void
lengths(void)
{
	struct valid	*v;
	size_t		 n;
	int		 i;

	for (i = 0; i < nvalids; i++) {
		v = &valids[i];
		attack_imsg(T1, v->b, v->len, (uint32_t)v->len, LIVES,
		    v->name);
		side_close(T1);
		evil_open();
		for (n = sizeof(struct imsg_hdr); n < v->len; n++)
			attack_imsg(T1, v->b, n, (uint32_t)n, CUT, v->name);
		for (n = v->len + 1; n < v->len + 20; n++)
			attack_imsg(T1, v->b, n, (uint32_t)n, CUT, v->name);
		attack_imsg(T1, v->b, v->len, 0, CUT, v->name);
		attack_imsg(T1, v->b, v->len, 15, CUT, v->name);
		attack_imsg(T1, v->b, v->len, UINT32_MAX, CUT, v->name);
		attack_imsg(T1, v->b, v->len, 0x80000000U, CUT, v->name);
		attack_imsg(T1, v->b, v->len, 1024 * 1024 + 64 * 1024 + 17,
		    CUT, v->name);
	}
	bp_ok("every imsg too short, too long");
}

static void
addresses(void)
{
	struct imsg_hdr	 h;
	struct valid	*v;
	uint8_t		 b[512];
	static const uint32_t	slots[][2] = { { 0, 0 }, { 0, 1 }, { 2, 1 },
	    { 1, 0 }, { 1, 2 }, { 1, UINT32_MAX }, { SLOT_MAX, 1 },
	    { UINT32_MAX, 1 }, { SYNC_SLOT, 2 }, { 700, 1 } };
	size_t		 j;
	int		 i;

	for (i = 0; i < nvalids; i++) {
		v = &valids[i];
		for (j = 0; j < sizeof(slots) / sizeof(slots[0]); j++) {
			memcpy(b, v->b, v->len);
			memcpy(&h, b, sizeof(h));
			h.slot = slots[j][0];
			h.gen = slots[j][1];
			memcpy(b, &h, sizeof(h));
			attack_imsg(T1, b, v->len, (uint32_t)v->len, CUT,
			    v->name);
		}
		/* after its end: not even once */
		leave(&evil);
		attack_imsg(T1, v->b, v->len, (uint32_t)v->len, CUT,
		    v->name);
	}
	bp_ok("every imsg for a session that is none");
}

static void
types(struct side *s)
{
	static uint8_t	 b[600];
	struct imsg_hdr	 h;
	uint32_t	 type;
	int		 i, is_known;
	static const uint32_t	 lens[] = { 16, 20, 40, 48, 64, 568 };
	size_t		 j;

	for (type = 0; type < IMSG_MAX + 20; type++) {
		is_known = s->role == PROC_KEEPER && type == IMSG_GRANT;
		for (i = 0; s->role == PROC_TLSPROXY && i < nvalids; i++) {
			memcpy(&h, valids[i].b, sizeof(h));
			is_known |= h.type == type;
		}
		for (j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
			h.type = type;
			h.len = lens[j];
			h.slot = 1;
			h.gen = 1;
			memset(b, 0, sizeof(b));
			memcpy(b, &h, sizeof(h));
			attack_imsg(s, b, h.len, h.len, is_known ? EITHER :
			    CUT, "a type");
			/* a descriptor announced */
			h.type |= IMSG_HASFD;
			memcpy(b, &h, sizeof(h));
			attack_imsg(s, b, h.len, h.len, CUT, "HASFD");
		}
	}
	h.type = 0x7fffffff;
	memcpy(b, &h, sizeof(h));
	attack_imsg(s, b, h.len, h.len, CUT, "a type");
}

static void
fields(void)
{
	struct imsg_hdr	 h;
	struct valid	*v;
	uint8_t		 b[512];
	size_t		 off;
	int		 i, j;
	static const uint8_t	values[] = { 0, 1, 2, 3, 4, 0x7f, 0x80,
	    0xff };

	for (i = 0; i < nvalids; i++) {
		v = &valids[i];
		for (off = sizeof(h); off < v->len; off++)
		for (j = 0; j < (int)sizeof(values); j++) {
			memcpy(b, v->b, v->len);
			b[off] = values[j];
			attack_imsg(T1, b, v->len, (uint32_t)v->len, EITHER,
			    v->name);
			/* it may have ended its session itself */
			side_close(T1);
			evil_open();
		}
	}
	bp_ok("every octet of every imsg with other values");
}

/* One octet of a fixed part, by its name. */
static void
field(const char *name, size_t off, uint8_t value)
{
	uint8_t	b[512];
	int	i;

	for (i = 0; strcmp(valids[i].name, name) != 0; i++)
		;
	memcpy(b, valids[i].b, valids[i].len);
	b[sizeof(struct imsg_hdr) + off] = value;
	attack_imsg(T1, b, valids[i].len, (uint32_t)valids[i].len, CUT, name);
}

static void
ranges(void)
{
	field("SESSION_FEATURES", offsetof(struct m_session_features,
	    features) + 3, 1);
	field("SUBSCRIBE", offsetof(struct m_subscribe, match), MATCH_MAX);
	field("SUBSCRIBE", offsetof(struct m_subscribe, flags), 2);
	field("REGISTER", offsetof(struct m_register, match), 255);
	field("REGISTER", offsetof(struct m_register, invoke), INVOKE_MAX);
	field("REGISTER", offsetof(struct m_register, flags), 8);
	field("PUBLISH", offsetof(struct m_publish, ser), 0);
	field("PUBLISH", offsetof(struct m_publish, ser), 4);
	field("PUBLISH", offsetof(struct m_publish, nargs), 3);
	field("PUBLISH", offsetof(struct m_publish, nargs), 0);
	field("PUBLISH", offsetof(struct m_publish, flags), 0x10);
	field("PUBLISH", offsetof(struct m_publish, filterlen), 5);
	field("PUBLISH", offsetof(struct m_publish, pptlen), 5);
	field("PUBLISH", offsetof(struct m_publish, paylen), 5);
	field("PUBLISH", offsetof(struct m_publish, paylen), 0);
	field("PUBLISH", offsetof(struct m_publish, urilen), 5);
	field("CALL", offsetof(struct m_call, ser), 0);
	field("CALL", offsetof(struct m_call, nargs), 3);
	field("CALL", offsetof(struct m_call, flags), 0x20);
	field("CALL", offsetof(struct m_call, pptlen), 5);
	field("YIELD", offsetof(struct m_yield, ser), 9);
	field("YIELD", offsetof(struct m_yield, nargs), 0);
	field("YIELD", offsetof(struct m_yield, flags), 2);
	field("YIELD", offsetof(struct m_yield, pptlen), 5);
	field("ERROR", offsetof(struct m_error, ser), 0);
	field("ERROR", offsetof(struct m_error, nargs), 3);
	field("ERROR", offsetof(struct m_error, pptlen), 5);
	field("INVOCATION_FAILED", offsetof(struct m_invocation_failed, err),
	    WERR_NONE);
	field("INVOCATION_FAILED", offsetof(struct m_invocation_failed, err),
	    WERR_MAX);
	field("INVOCATION_FAILED", sizeof(struct m_invocation_failed), 0xff);
	field("SESSION_CLOSE", offsetof(struct m_session_close, why), 0);
	bp_ok("values out of range");
}

/* A PUBLISH with these octets for lists; the rest is its body. */
static void
attack_lists(const void *lists, size_t len, size_t is_lists,
    enum verdict want, const char *what)
{
	static uint8_t		b[16384];
	struct imsg_hdr		h = { IMSG_PUBLISH, 0, 1, 1 };
	struct m_publish	m = { .request = 9, .urilen = 6, .ser = 1,
				    .nargs = 1 };
	size_t			n = sizeof(h) + sizeof(m);

	m.filterlen = (uint32_t)is_lists;
	m.paylen = (uint32_t)(len - is_lists + 1);
	memcpy(b, &h, sizeof(h));
	memcpy(b + sizeof(h), &m, sizeof(m));
	memcpy(b + n, "evil.t", 6);
	memcpy(b + n + 6, lists, len);
	b[n + 6 + len] = 'b';
	n += 6 + len + 1;
	attack_imsg(T1, b, n, (uint32_t)n, want, what);
}

static void
filters(void)
{
	static uint8_t	 b[12288];
	struct m_filter	 m;
	size_t		 n, full = filter_make(b), len;
	int		 i;

	attack_lists(b, full, full, LIVES, "lists");
	for (n = 1; n < full; n++)
		attack_lists(b, full, n, CUT, "lists cut short");
	attack_lists(b, full + 1, full + 1, CUT, "more than the lists");
	for (i = 0; i < FILTER_LISTS; i++) {
		filter_make(b);
		memcpy(&m, b, sizeof(m));
		m.present &= (uint8_t)~(1 << i);
		memcpy(b, &m, sizeof(m));
		attack_lists(b, full, full, CUT, "a list that is not there");
		/* as many as there may be, and one more */
		len = (i < FILTER_EXCLUDE_AUTHID ? 8 : 2) * FILTER_MAX;
		memset(b, 0, sizeof(b));
		memset(&m, 0, sizeof(m));
		m.present = (uint8_t)(1 << i);
		m.n[i] = FILTER_MAX;
		memcpy(b, &m, sizeof(m));
		attack_lists(b, sizeof(m) + len, sizeof(m) + len, LIVES,
		    "a list of 1000");
		attack_lists(b, sizeof(m) + len, sizeof(m) + len - 1, CUT,
		    "a list of 1000 cut short");
		len += i < FILTER_EXCLUDE_AUTHID ? 8 : 2;
		m.n[i]++;
		memcpy(b, &m, sizeof(m));
		attack_lists(b, sizeof(m) + len, sizeof(m) + len, CUT,
		    "a list of 1001");
		m.n[i] = UINT16_MAX;
		memcpy(b, &m, sizeof(m));
		attack_lists(b, sizeof(m) + len, sizeof(m) + len, CUT,
		    "a list of 65535");
		m.n[i] = 0;
		memcpy(b, &m, sizeof(m));
		attack_lists(b, sizeof(m), sizeof(m), LIVES, "no entries");
		if (i < FILTER_EXCLUDE_AUTHID)
			continue;
		/* a text that ends somewhere else */
		m.n[i] = 1;
		memcpy(b, &m, sizeof(m));
		for (n = 0; n < 3; n++) {
			b[sizeof(m)] = (uint8_t)n;
			attack_lists(b, sizeof(m) + 3, sizeof(m) + 3, n == 1 ?
			    LIVES : CUT, "a text");
		}
		b[sizeof(m)] = b[sizeof(m) + 1] = 0xff;
		attack_lists(b, sizeof(m) + 3, sizeof(m) + 3, CUT, "a text");
	}
	memset(b, 0, sizeof(m));
	attack_lists(b, sizeof(m), sizeof(m), LIVES, "no lists");
	for (i = 0x40; i < 0x100; i += 0x40) {
		b[offsetof(struct m_filter, present)] = (uint8_t)i;
		attack_lists(b, sizeof(m), sizeof(m), CUT, "lists unknown");
	}
	bp_ok("lists of PUBLISH");
}

static void
grants(void)
{
	struct m_grant	m = { .session = 77, .authidlen = 3, .proxy = 1,
			    .method = AUTH_ANONYMOUS };
	struct imsg_hdr	h = { IMSG_GRANT, 0, 9, 1 };
	uint8_t		b[512];
	size_t		n, full = sizeof(h) + sizeof(m) + 3;

	memcpy(b, &h, sizeof(h));
	memcpy(b + sizeof(h), &m, sizeof(m));
	memcpy(b + sizeof(h) + sizeof(m), "joe", 3);
	attack_imsg(&keeper, b, full, (uint32_t)full, LIVES, "GRANT");
	for (n = sizeof(h); n < full; n++)
		attack_imsg(&keeper, b, n, (uint32_t)n, CUT, "GRANT");
	for (n = full + 1; n < full + 300; n += 7)
		attack_imsg(&keeper, b, n, (uint32_t)n, CUT, "GRANT");
	m.authidlen = UINT16_MAX;
	memcpy(b + sizeof(h), &m, sizeof(m));
	attack_imsg(&keeper, b, full, (uint32_t)full, CUT, "GRANT");
	bp_ok("every GRANT too short, too long");
}

static int
count_fds(void)
{
	char		 path[64];
	DIR		*d;
	int		 n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)bp.pid);
	if ((d = opendir(path)) == NULL)
		return (-1);		/* it is not dumpable */
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

/* Ten descriptors that nobody announced. */
static void
descriptors(struct side *s)
{
	struct msghdr	 msg;
	struct iovec	 iov;
	struct cmsghdr	*c;
	struct imsg_hdr	 h = { IMSG_XON, sizeof(h), 1, 1 };
	int		 fds[10], i, before = count_fds();
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int) * 10)];
	} ctl;

	if (s->role == PROC_KEEPER) {
		h.type = IMSG_GRANT;
		h.len = 17;		/* nonsense */
	}
	for (i = 0; i < 10; i++)
		if ((fds[i] = open("/dev/null", O_RDWR)) == -1)
			err(1, "/dev/null");
	memset(&msg, 0, sizeof(msg));
	memset(&ctl, 0, sizeof(ctl));
	iov.iov_base = &h;
	iov.iov_len = sizeof(h);
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = ctl.buf;
	msg.msg_controllen = sizeof(ctl.buf);
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	if (sendmsg(s->fd, &msg, 0) == -1)
		err(1, "sendmsg");
	for (i = 0; i < 10; i++)
		close(fds[i]);
	if (s->role == PROC_TLSPROXY)
		side_sync(s);
	else
		side_close(s);
	side_sync(T0);
	if (count_fds() > before)
		errx(1, "the broker took descriptors: %d, before %d",
		    count_fds(), before);
	if (s->role == PROC_KEEPER)
		side_open(s, s->role, s->instance);
}

static int
is_san(void)
{
	const char	*s = getenv("SAN");

	return (s != NULL && *s != '\0');
}

static void
rubbish(struct side *s)
{
	struct imsg_hdr	 h;
	uint8_t		 b[1024];
	size_t		 n, total;
	uint32_t	 r;

	/* no shape at all */
	for (total = 0; total < 100000; total += n) {
		n = 1 + arc4random_uniform(sizeof(b));
		arc4random_buf(b, n);
		attack(s, b, n, EITHER, "rubbish");
	}
	/* headers that are right, most of them */
	for (total = 0; total < (is_san() ? 4000 : 20000); total++) {
		arc4random_buf(b, sizeof(b));
		r = arc4random();
		h.type = s->role == PROC_KEEPER && r % 4 ? IMSG_GRANT :
		    IMSG_SESSION_CLOSE + r / 16 % (IMSG_MAX -
		    IMSG_SESSION_CLOSE);
		h.len = (uint32_t)sizeof(h) + 8 * (r / 1024 % 9);
		h.slot = r % 16 ? 1 : r / 65536;
		h.gen = r % 8 ? 1 : r / 65536;
		memcpy(b, &h, sizeof(h));
		/* small numbers make sense more often */
		for (n = sizeof(h); n < h.len; n++)
			if (b[n] % 4)
				b[n] = b[n] % 16 < 8 ? 0 : b[n] % 4;
		attack(s, b, (h.len + 7) & ~7U, EITHER, "rubbish");
	}
}

/* Half an imsg, and then nothing, or the end. */
static void
halves(void)
{
	struct valid	*v = &valids[2];

	side_write(T1, v->b, 5);
	check_good();
	side_write(T1, v->b + 5, v->len - 5 - 3);
	check_good();
	side_close(T1);
	check_good();
	evil_open();
	side_write(T1, v->b, v->len - 9);
	side_close(T1);
	check_good();
	evil_open();
	bp_ok("half an imsg");
}

int
main(void)
{
	struct conf	*c = bconf_new();

	bconf_rule(bconf_role(conf_find_realm(c, R, strlen(R)), "evil"), 1,
	    ACTION_ALL, MATCH_PREFIX, "evil.");
	bp_start(c, 2);
	join(&good, T0, 1, 1, R, "all");
	good_sub = subscribe(&good, "good.t");
	good_reg = registers(&good, "good.p");
	evil_open();
	valids_make();
	lengths();
	addresses();
	types(T1);
	types(&keeper);
	bp_ok("every type, from both sides, with and without descriptors");
	fields();
	ranges();
	filters();
	grants();
	descriptors(T1);
	descriptors(&keeper);
	bp_ok("descriptors are not taken");
	halves();
	rubbish(T1);
	rubbish(&keeper);
	check_good();
	bp_ok("rubbish");
	printf("%lu attacks, %lu times cut off\n", nattacks, ncuts);
	bp_stop();
	return (0);
}
