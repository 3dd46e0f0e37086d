/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A broker and a keeper that have been taken over say everything to a real
 * tlsproxy: it lives, reports them, leaves the sessions of another broker
 * alone, and whatever reaches a client is a WAMP message (threats: lesson
 * 4).  Nonsense of the parent ends it, by intention.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "proxy_play.h"

#define K	(&keeper)
#define B0	(&brokers[0])
#define B1	(&brokers[1])

#define SUB	55
#define NEVIL	3

enum verdict { LIVES, CUT, EITHER };

/* A valid imsg, header, data and padding. */
struct valid {
	uint8_t		b[512];
	size_t		len;		/* with padding */
	enum verdict	otherwise;	/* of another length */
};

static struct client	good, evil[NEVIL], asking;
static struct valid	valids[32];
static int		nvalids;
static uint64_t		npub;
static unsigned long	nattacks, ncuts, nmessages;

/* -- clients of all serializers ----------------------------------------- */

/* What shows them as much as there is. */
static const char *const subscriber[] = { "publisher_identification",
    "publication_trustlevels", "subscription_revocation",
    "payload_passthru_mode", NULL };
static const char *const callee[] = { "call_canceling", "call_trustlevels",
    "registration_revocation", "payload_passthru_mode", NULL };

static void
role(struct enc *e, const char *name, const char *const *features)
{
	uint32_t	n = 0;

	enc_str(e, name, strlen(name));
	enc_map(e, 1);
	ENC_KEY(e, "features");
	while (features[n] != NULL)
		n++;
	enc_map(e, n);
	for (; n > 0; n--, features++) {
		enc_str(e, *features, strlen(*features));
		enc_bool(e, 1);
	}
	enc_end(e);
	enc_end(e);
}

static void
hello_in(struct client *c, const char *realm)
{
	struct wbuf	w;
	struct enc	e;
	struct got	g;

	memset(&w, 0, sizeof(w));
	enc_init(&e, (enum ser)c->ser, &w);
	enc_array(&e, 3);
	enc_uint(&e, WAMP_HELLO);
	enc_str(&e, realm, strlen(realm));
	enc_map(&e, 1);
	ENC_KEY(&e, "roles");
	enc_map(&e, 2);
	role(&e, "subscriber", subscriber);
	role(&e, "callee", callee);
	enc_end(&e);
	enc_end(&e);
	enc_end(&e);
	client_send(c, w.buf, w.len);
	wbuf_free(&w);
	side_want(K, IMSG_AUTH_HELLO, &g, sizeof(struct m_auth_hello));
	c->realm = 1;
	c->b = B0;
	c->slot = g.slot;
	c->gen = g.gen;
}

/* What each element of a message must be: i id, z id or 0 (that of what was
 * revoked is in Details), u number, d dict, s string,
 * l list; behind the bar what may be missing. */
static const struct shape {
	unsigned int	 code;
	const char	*is;
} shapes[] = {
	{ WAMP_WELCOME, "id" }, { WAMP_ABORT, "ds" }, { WAMP_GOODBYE, "ds" },
	{ WAMP_CHALLENGE, "sd" },
	{ WAMP_ERROR, "uids|ld" }, { WAMP_PUBLISHED, "ii" },
	{ WAMP_SUBSCRIBED, "ii" }, { WAMP_UNSUBSCRIBED, "z|d" },
	{ WAMP_EVENT, "iid|ld" }, { WAMP_RESULT, "id|ld" },
	{ WAMP_REGISTERED, "ii" }, { WAMP_UNREGISTERED, "z|d" },
	{ WAMP_INVOCATION, "iid|ld" }, { WAMP_INTERRUPT, "id" },
};

static int
is_of(const struct val *v, char what)
{
	switch (what) {
	case 'i':
		return (v->type == VAL_UINT && v->u.u >= 1 &&
		    v->u.u <= WAMP_ID_MAX);
	case 'z':
		return (v->type == VAL_UINT && v->u.u <= WAMP_ID_MAX);
	case 'u':
		return (v->type == VAL_UINT);
	case 'd':
		return (v->type == VAL_MAP);
	case 's':
		return (v->type == VAL_STR);
	default:
		return (v->type == VAL_ARRAY);
	}
}

static void
check_message(const struct client *c)
{
	struct val	 v[8];
	const char	*p = NULL;
	size_t		 n, i, min;

	nmessages++;
	if (codec_split((enum ser)c->ser, c->msg, c->len, v, 8, &n) !=
	    CODEC_OK || n == 0 || v[0].type != VAL_UINT)
		errx(1, "attack %lu: the client got what is no message",
		    nattacks);
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (shapes[i].code == v[0].u.u)
			p = shapes[i].is;
	if (p == NULL)
		errx(1, "attack %lu: the client got a message %llu", nattacks,
		    (unsigned long long)v[0].u.u);
	min = strcspn(p, "|");
	for (i = 1; i < n; i++, p++) {
		if (*p == '|')
			p++;
		if (*p == '\0' || !is_of(&v[i], *p))
			errx(1, "attack %lu: element %zu of a message %llu",
			    nattacks, i, (unsigned long long)v[0].u.u);
	}
	if (n < 1 + min)
		errx(1, "attack %lu: a message %llu too short", nattacks,
		    (unsigned long long)v[0].u.u);
}

/* 0: it is still there. */
static int
drain(struct client *c)
{
	int	rv;

	while ((rv = client_next(c, 0)) == 1)
		check_message(c);
	return (rv);
}

static void
evil_open(void)
{
	int	i;

	for (i = 0; i < NEVIL; i++) {
		if (i == 1)
			client_open_ws(&evil[i], 0, SER_MSGPACK);
		else
			client_open(&evil[i], 0, i == 0 ? SER_JSON : SER_CBOR,
			    15);
		hello_in(&evil[i], "realm1");
		send_open(&evil[i]);
		if (client_next(&evil[i], WAIT) != 1)
			errx(1, "no WELCOME");
		send_subscribed(&evil[i], 1, SUB);
		if (client_next(&evil[i], WAIT) != 1)
			errx(1, "no SUBSCRIBED");
	}
	client_open(&asking, 0, SER_JSON, 15);
	hello_in(&asking, "realm1");
}

static void
evil_close(void)
{
	int	i;

	for (i = 0; i < NEVIL; i++) {
		drain(&evil[i]);
		client_close(&evil[i]);
	}
	drain(&asking);
	client_close(&asking);
	pp_sync();
}

/* All of it anew, as the parent does. */
static void
renew(void)
{
	evil_close();
	side_open(K, PROC_KEEPER, 0);
	side_open(B0, PROC_BROKER, 0);
	evil_open();
}

static void
check_good(void)
{
	char	want[64];

	send_event(&good, SUB, ++npub, NULL, "[1]");
	snprintf(want, sizeof(want), "[36,%d,%llu,{},[1]]", SUB,
	    (unsigned long long)npub);
	client_want(&good, want);
}

/* -- attacks ------------------------------------------------------------ */

static int
is_cut(struct side *s)
{
	struct got	g;
	int		rv;

	while ((rv = side_next(s, &g, 0)) == 1)
		;
	return (rv == -1);
}

static void
attack(struct side *s, const void *data, size_t len, enum verdict want,
    const char *what)
{
	unsigned int	n = pp.nsuspects;
	int		i, cut, gone;

	nattacks++;
	side_write(s, data, len);
	pp_sync();
	cut = is_cut(s);
	if (pp.nsuspects != n + (unsigned int)cut || (cut &&
	    (pp.suspect.role != s->role ||
	    pp.suspect.generation != s->generation)))
		errx(1, "attack %lu: %u suspects, %scut", nattacks,
		    pp.nsuspects - n, cut ? "" : "not ");
	if (want != EITHER && cut != (want == CUT))
		errx(1, "%s: %s", what, cut ? "cut off" : "accepted");
	ncuts += (unsigned long)cut;
	gone = drain(&asking) == -1;
	for (i = 0; i < NEVIL; i++)
		gone |= drain(&evil[i]) == -1;
	if (cut || gone || is_cut(s == K ? B0 : K))
		renew();
	if (nattacks % 64 == 0)
		check_good();
}

static void
add(uint32_t type, const struct client *c, const void *fixed, size_t len,
    const char *a, const char *b)
{
	struct text	t[2] = { { a, strlen(a) }, { b, strlen(b) } };
	struct valid	*v = &valids[nvalids++];

	v->len = imsg_make(v->b, type, c->slot, c->gen, fixed, len, t, 2);
	v->otherwise = CUT;
}

#define PPT	"\x01\0x\0\0\0\0\0\0"	/* 9 octets: a scheme */

/* With a text, the scheme of Payload Passthru Mode, and a payload. */
static void
add_ppt(uint32_t type, const struct client *c, const void *fixed, size_t len,
    const char *a)
{
	struct text	t[3] = { { a, strlen(a) }, { PPT, 9 }, { "[1]", 3 } };
	struct valid	*v = &valids[nvalids++];

	v->len = imsg_make(v->b, type, c->slot, c->gen, fixed, len, t, 3);
	v->otherwise = CUT;
}

static void
add_event(const struct m_event *m, const struct m_sessref *ref)
{
	struct text	t[4] = { { ref, sizeof(*ref) }, { "a.bjr", 5 },
			    { PPT, 9 }, { "[1]", 3 } };
	struct valid	*v = &valids[nvalids++];

	v->len = imsg_make(v->b, IMSG_EVENT, 0, 0, m, sizeof(*m), t, 4);
	v->otherwise = CUT;
}

static void
add_history(const struct client *c, const struct m_history *m,
    const struct m_history_event *e)
{
	struct text	t[4] = { { e, sizeof(*e) }, { "a.bjr", 5 },
			    { PPT, 9 }, { "[1]", 3 } };
	struct valid	*v = &valids[nvalids++];

	v->len = imsg_make(v->b, IMSG_HISTORY, c->slot, c->gen, m, sizeof(*m),
	    t, 4);
	v->otherwise = CUT;
}

/* One of each that is right just now. */
static void
make_valids(void)
{
	static const struct client	nobody;
	const struct client		*c = &evil[0];
	struct m_session_open		o = { .session = 99, .realm = 1,
	    .method = AUTH_ANONYMOUS, .authidlen = 1, .rolelen = 1 };
	struct m_session_end		end = { .err = WERR_KILLED,
	    .textlen = 1 };
	struct m_session_end		kill = { .err = WERR_KILLED,
	    .textlen = 1, .urilen = 3 };
	struct m_subscribed		two = { 3, SUB };
	struct m_unregistered		one = { .request = 3 };
	struct m_unregistered		revoked = { .registration = 3 };
	struct m_event			e = { .subscription = SUB,
	    .publication = 7, .paylen = 8, .ser = SER_JSON, .nargs = 2 };
	struct m_event			ed = { .subscription = SUB,
	    .publication = 7, .flags = EVENT_FLAGS, .nrefs = 1, .paylen = 3,
	    .ser = SER_JSON, .nargs = 1, .topiclen = 3, .publisher = 5,
	    .trust = 1, .authidlen = 1, .rolelen = 1, .pptlen = 9 };
	struct m_sessref		ref = { c->slot, c->gen };
	struct m_invocation		inv = { .request = 1,
	    .registration = 2, .paylen = 3, .ser = SER_JSON, .nargs = 1 };
	struct m_invocation		id = { .request = 1,
	    .registration = 2, .flags = INVOCATION_FLAGS &
	    ~INVOCATION_CONTINUES, .paylen = 3, .ser = SER_JSON, .nargs = 1,
	    .proclen = 3, .timeout = 9, .caller = 5, .trust = 1,
	    .authidlen = 1, .rolelen = 1, .pptlen = 9 };
	struct m_interrupt		irq = { .request = 1,
	    .err = WERR_CANCELED, .mode = CANCEL_KILL };
	struct m_result			res = { .request = 1, .paylen = 3,
	    .ser = SER_JSON, .nargs = 1, .pptlen = 9 };
	struct m_history		hi = { .request = 1, .n = 1 };
	struct m_history_event		he = { .subscription = SUB,
	    .publication = 7, .publisher = 5, .flags = EVENT_PUBLISHER |
	    EVENT_TRUST, .trust = 1, .paylen = 3, .topiclen = 3,
	    .authidlen = 1, .rolelen = 1, .pptlen = 9, .ser = SER_JSON,
	    .nargs = 1 };
	struct m_error			er = { .request = 1, .paylen = 3,
	    .urilen = 3, .ser = SER_JSON, .nargs = 1 };
	struct m_refused		re = { .request = 1, .err =
	    WERR_INVALID_URI, .textlen = 2, .reqtype = WAMP_CALL };
	struct m_auth_deny		deny = { WERR_NO_SUCH_ROLE, 2 };
	struct m_auth_challenge		ch = { .method = AUTH_WAMPCRA,
	    .iterations = 1, .keylen = 32, .challengelen = 4, .saltlen = 2,
	    .noncelen = 1 };

	nvalids = 0;
	add(IMSG_AUTH_DENY, &asking, &deny, sizeof(deny), "no", "");
	add(IMSG_AUTH_GRANTED, &asking, NULL, 0, "", "");
	add(IMSG_AUTH_CHALLENGE, &asking, &ch, sizeof(ch), "te", "xtabc");
	add(IMSG_SESSION_OPEN, &asking, &o, sizeof(o), "a", "r");
	add(IMSG_SESSION_END, c, &end, sizeof(end), "x", "");
	add(IMSG_SESSION_END, c, &kill, sizeof(kill), "x", "a.b");
	add(IMSG_SUBSCRIBED, c, &two, sizeof(two), "", "");
	add(IMSG_UNSUBSCRIBED, c, &two, sizeof(two), "", "");
	add(IMSG_PUBLISHED, c, &two, sizeof(two), "", "");
	add(IMSG_EVENT, &nobody, &e, sizeof(e), "[1,2]", ",{}");
	add_event(&ed, &ref);
	add(IMSG_REGISTERED, c, &two, sizeof(two), "", "");
	add(IMSG_UNREGISTERED, c, &one, sizeof(one), "", "");
	add(IMSG_UNREGISTERED, c, &revoked, sizeof(revoked), "no", "");
	valids[nvalids - 1].otherwise = EITHER;	/* another text */
	add(IMSG_INVOCATION, c, &inv, sizeof(inv), "[1]", "");
	add_ppt(IMSG_INVOCATION, c, &id, sizeof(id), "a.bjr");
	add(IMSG_INTERRUPT, c, &irq, sizeof(irq), "", "");
	add_ppt(IMSG_RESULT, c, &res, sizeof(res), "");
	add_history(c, &hi, &he);
	add(IMSG_ERROR, c, &er, sizeof(er), "a.b", "[1]");
	add(IMSG_REFUSED, c, &re, sizeof(re), "no", "");
	add(IMSG_XOFF, &nobody, NULL, 0, "", "");
	add(IMSG_XOFF, c, NULL, 0, "", "");
	add(IMSG_XON, &nobody, NULL, 0, "", "");
}

#define FIRST_OF_BROKER	3

static struct side *
sender(int i)
{
	return (i < FIRST_OF_BROKER ? K : B0);
}

/* Another length, in the header and in fact. */
static void
lengths(int i)
{
	struct imsg_hdr	h;
	uint8_t		b[600];
	uint32_t	len, full;

	memcpy(&h, valids[i].b, sizeof(h));
	full = h.len;
	for (len = 0; len <= full + 16; len++) {
		if (len == full)
			continue;
		make_valids();
		memset(b, 0, sizeof(b));
		memcpy(b, valids[i].b, full < len ? full : len);
		memcpy(&h, valids[i].b, sizeof(h));
		h.len = len;
		memcpy(b, &h, sizeof(h));
		attack(sender(i), b, len < sizeof(h) ? sizeof(h) :
		    (len + 7) & ~7U, valids[i].otherwise, "a wrong length");
	}
	make_valids();
	memcpy(&h, valids[i].b, sizeof(h));
	h.len = UINT32_MAX;
	attack(sender(i), &h, sizeof(h), CUT, "an impossible length");
	h.len = full;
	h.type |= IMSG_HASFD;
	attack(sender(i), &h, sizeof(h), CUT, "a descriptor");
}

/* Every octet with other values. */
static void
octets(int i)
{
	static const uint8_t	with[] = { 0x01, 0x80, 0xff };
	size_t			at, j;
	uint8_t			b[512];

	for (at = 8; at < valids[i].len; at++)
		for (j = 0; j < sizeof(with); j++) {
			make_valids();
			memcpy(b, valids[i].b, valids[i].len);
			b[at] ^= with[j];
			attack(sender(i), b, valids[i].len, EITHER, "");
		}
}

static void
each(void)
{
	uint32_t	type;
	uint8_t		b[16];
	int		i, n = (make_valids(), nvalids);

	for (i = 0; i < n; i++) {
		make_valids();
		lengths(i);
		octets(i);
	}
	pp_ok("each type of each length and with each octet changed");
	for (type = 0; type < IMSG_MAX + 4; type++) {
		for (i = 0; i < n; i++) {
			memcpy(&b, valids[i].b, 4);
			if (memcmp(b, &type, 4) == 0)
				break;
		}
		imsg_make(b, type, 1, 1, NULL, 0, NULL, 0);
		if (i == n || i >= FIRST_OF_BROKER)
			attack(K, b, sizeof(b), CUT, "not for a keeper");
		if (i == n || i < FIRST_OF_BROKER)
			attack(B0, b, sizeof(b), CUT, "not for a broker");
	}
	pp_ok("types that others may send");
}

/* -- payloads ----------------------------------------------------------- */

static const struct span {
	int		 ser, nargs;
	const char	*p;
	size_t		 len;
} spans[] = {
#define SPAN(s, n, t)	{ s, n, t, sizeof(t) - 1 }
	SPAN(SER_JSON, 1, "1],[2"), SPAN(SER_JSON, 1, "[1],[2]"),
	SPAN(SER_JSON, 1, "[1]],[36"), SPAN(SER_JSON, 1, "[1],{}"),
	SPAN(SER_JSON, 2, "[1]"), SPAN(SER_JSON, 2, "[1],[2]"),
	SPAN(SER_JSON, 2, "{},[1]"), SPAN(SER_JSON, 1, "{}"),
	SPAN(SER_JSON, 1, "7"), SPAN(SER_JSON, 1, " "), SPAN(SER_JSON, 1, ","),
	SPAN(SER_JSON, 1, "[1],"), SPAN(SER_JSON, 1, "[\"\xff\"]"),
	SPAN(SER_JSON, 1, "[\"\\ud800\"]"), SPAN(SER_JSON, 1, "[\"\0\"]"),
	SPAN(SER_JSON, 1, "\x91\x01"), SPAN(SER_JSON, 2, "[1] {}"),
	SPAN(SER_MSGPACK, 1, "\x01"), SPAN(SER_MSGPACK, 1, "\x91\x01\x02"),
	SPAN(SER_MSGPACK, 1, "\x92\x01"), SPAN(SER_MSGPACK, 2, "\x90\x90"),
	SPAN(SER_MSGPACK, 2, "\x90\x80\x80"), SPAN(SER_MSGPACK, 1, "\x80"),
	SPAN(SER_MSGPACK, 1, "\xc1"), SPAN(SER_MSGPACK, 1, "\x91\xa1\xff"),
	SPAN(SER_MSGPACK, 1, "\xdd\xff\xff\xff\xff"),
	SPAN(SER_MSGPACK, 1, "[1]"),
	SPAN(SER_CBOR, 1, "\x81"), SPAN(SER_CBOR, 1, "\xff"),
	SPAN(SER_CBOR, 1, "\x9f\x01"), SPAN(SER_CBOR, 1, "\xa0"),
	SPAN(SER_CBOR, 2, "\x80\xff"), SPAN(SER_CBOR, 2, "\x80\x80"),
	SPAN(SER_CBOR, 2, "\x80\xa0\xa0"), SPAN(SER_CBOR, 1, "\x81\x61\xff"),
	SPAN(SER_CBOR, 1, "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
};

/* They are another tlsproxy's fault, so the broker is not cut off; EVENTs
 * are dropped, callers get an ERROR. */
static void
payloads(void)
{
	const struct span	*s;
	uint8_t			 b[512];
	struct text		 t;
	size_t			 i, k, len;

	for (i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct m_event		e = { .subscription = SUB,
		    .publication = 7 };
		struct m_result		r = { .request = 1 };
		struct m_invocation	v = { .request = 1 + i,
		    .registration = 2 };

		s = &spans[i];
		t.p = s->p;
		t.len = s->len;
		e.paylen = r.paylen = v.paylen = (uint32_t)s->len;
		e.ser = r.ser = v.ser = (uint8_t)s->ser;
		e.nargs = r.nargs = v.nargs = (uint8_t)s->nargs;
		len = imsg_make(b, IMSG_EVENT, 0, 0, &e, sizeof(e), &t, 1);
		k = nmessages;
		attack(B0, b, len, LIVES, s->p);
		if (nmessages != k)
			errx(1, "span %zu: an EVENT was made of it", i);
		for (k = 0; k < NEVIL; k++) {
			len = imsg_make(b, IMSG_RESULT, evil[k].slot,
			    evil[k].gen, &r, sizeof(r), &t, 1);
			attack(B0, b, len, LIVES, s->p);
			len = imsg_make(b, IMSG_INVOCATION, evil[k].slot,
			    evil[k].gen, &v, sizeof(v), &t, 1);
			attack(B0, b, len, LIVES, s->p);
		}
	}
	pp_ok("payloads that would break a message");
}

/* -- a broker before the keeper ----------------------------------------- */

static void
too_early(void)
{
	struct client	c;
	unsigned int	n;

	/* it opens what the keeper then denies: not the keeper's fault */
	renew();
	n = pp.nsuspects;
	send_open(&asking);
	client_want_like(&asking, "[2,");
	send_deny(&asking, WERR_NO_SUCH_ROLE, "");
	side_is_cut(B0, n);
	side_quiet(K);
	client_want_like(&asking, "[6,");
	renew();
	/* it opens, the client leaves, the keeper denies */
	n = pp.nsuspects;
	send_open(&asking);
	client_want_like(&asking, "[2,");
	c = asking;
	client_close(&asking);
	want_close(&c, CLOSE_LOST);
	send_end(&c, WERR_NONE, "");
	pp_sync();
	send_deny(&c, WERR_NO_SUCH_ROLE, "");
	side_quiet(K);
	side_quiet(B0);
	if (pp.nsuspects != n)
		errx(1, "somebody is suspected");
	client_open(&asking, 0, SER_JSON, 15);
	hello_in(&asking, "realm1");
	/* it ends what the keeper has yet to deny */
	send_end(&asking, WERR_KILLED, "");
	want_close(&asking, CLOSE_NEVER);
	send_deny(&asking, WERR_NO_SUCH_ROLE, "");
	side_quiet(B0);
	if (pp.nsuspects != n)
		errx(1, "somebody is suspected");
	renew();
	pp_ok("a broker that forestalls the keeper");
}

/* -- at random ---------------------------------------------------------- */

static void
at_random(void)
{
	uint8_t		b[512];
	uint32_t	left, type;
	size_t		len, j;
	int		i, n;

	srandom(20261125);
	for (left = 100000; left > sizeof(b); left -= (uint32_t)len) {
		make_valids();
		i = (int)(random() % nvalids);
		len = valids[i].len;
		memcpy(b, valids[i].b, len);
		for (n = (int)(random() % 4); n >= 0; n--) {
			j = (size_t)random() % (len > 24 ? len : 24);
			if (j >= len)
				continue;
			b[j] = (uint8_t)random();
		}
		type = (uint32_t)random() % 8;
		if (type == 0)
			for (j = 16; j < len; j++)
				b[j] = (uint8_t)random();
		attack(sender(i), b, len, EITHER, "");
		/* an unfinished one would swallow what follows */
		if (random() % 16 == 0)
			renew();
	}
	pp_ok("at random");
}

/* -- the parent --------------------------------------------------------- */

static void
parent_says(uint32_t type, const void *data, size_t len)
{
	struct conf	*c = pconf_new();
	int		 status;

	pconf_listen(c, 0, LISTEN_INSECURE);
	pp_start(PROXY_NET, c);
	chan_send(pp.chan, type, 0, 0, data, len);
	status = play_wait(&pp);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
		errx(1, "imsg %u of the parent: status 0x%x", type, status);
}

static void
parent(void)
{
	static const uint8_t	zero[64];

	parent_says(IMSG_EVENT, zero, sizeof(struct m_event));
	parent_says(IMSG_ACCEPT, zero, 4);
	parent_says(IMSG_CONN_LIMIT, zero, 30);
	parent_says(IMSG_CONN_SHED, zero, 30);
	parent_says(IMSG_CONF_COMMIT, zero, sizeof(struct m_u32));
	pp_ok("nonsense of the parent ends it with status 1");
}

int
main(void)
{
	struct conf	*c = pconf_new();

	pconf_listen(c, 0, LISTEN_INSECURE);
	c->limits.per_address = 1000;
	pp_start(PROXY_NET, c);
	join(&good, 0, 2);
	send_subscribed(&good, 1, SUB);
	client_want(&good, "[33,1,55]");
	evil_open();
	payloads();
	too_early();
	each();
	at_random();
	check_good();
	client_quiet(&good);
	printf("# %lu attacks, %lu cut off, %lu messages\n", nattacks, ncuts,
	    nmessages);
	pp_stop();
	parent();
	return (0);
}
