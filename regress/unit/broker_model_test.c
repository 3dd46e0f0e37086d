/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Random sessions of random roles do random things, at a real broker and in
 * a model of realms, rules, subscriptions, registrations and calls that is
 * written as plainly as can be.  What the broker says on each channel must
 * be what the model says, one by one.  MODEL_STEPS and MODEL_SEED set how
 * many and which.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay.h"
#include "conf.h"
#include "uri.h"

#define NREALMS		2
#define NROLES		5		/* of each realm */
#define NRULES		5
#define NSESS		14
#define NURIS		200
#define NPATTERNS	60
#define NTOPICS		(NURIS + NPATTERNS)
#define BATCH		60		/* actions before answers are read */
#define RELOAD		40		/* batches */
#define MAXSUBS		12		/* limits */
#define MAXREGS		8
#define MAXCALLS	10
#define MAXWANT		4096

/* -- the model ---------------------------------------------------------- */

struct mrule {
	int		allow, match;
	unsigned int	actions;
	char		uri[16];
	int		any;
};

struct mrole {
	struct mrule	rules[NRULES];
	int		n;
};

struct msess {
	struct sess	s;
	int		joined, side, realm, role;
	uint64_t	lastinv;
	int		slow;
};

struct msub {
	uint64_t	id;		/* 0: not heard of yet */
	int		used, known, holds[NSESS];
};

struct mreg {
	uint64_t	id;
	int		used, known, sess;
};

struct minv {
	int		used, caller, callee;
	uint64_t	id, call;
};

/* What a channel must say next. */
struct want {
	uint32_t	 type, slot, gen;
	uint64_t	 n;		/* request or such */
	int		 code, err;
	struct msub	*sub;
	struct mreg	*reg;
	uint64_t	 oldid;		/* of what was freed since */
	struct sess	 but;
	int		 excepts;
	uint64_t	*pub;		/* of one publication all the same */
	char		 body[16];
	const char	*topic;		/* of a pattern's EVENT */
};

static struct mrole	roles[NREALMS][NROLES];
static struct msess	sess[NSESS];
static char		uris[NURIS][16];
static int		nuris;
static struct mrule	topics[NTOPICS];	/* uris, patterns */
static int		ntopics;
static struct msub	subs[NREALMS][NTOPICS];
static struct mreg	regs[NREALMS][NURIS];
static struct minv	invs[NSESS * MAXCALLS + 1];
static struct want	wants[2][MAXWANT];
static int		nwants[2];
static uint64_t		pubs[BATCH];
static unsigned long	steps, done_what[16];

static uint64_t		seed;

static unsigned int
rnd(unsigned int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((unsigned int)(seed >> 33) % n);
}

static int
plain_matches(const struct mrule *r, const char *u)
{
	char	p1[16], u1[16], *p = p1, *q = u1, *c, *d;

	if (r->any)
		return (1);
	if (r->match == MATCH_EXACT)
		return (strcmp(r->uri, u) == 0);
	if (r->match == MATCH_PREFIX)
		return (strncmp(r->uri, u, strlen(r->uri)) == 0);
	strcpy(p1, r->uri);
	strcpy(u1, u);
	do {
		c = strsep(&p, ".");
		d = strsep(&q, ".");
		if ((c == NULL) != (d == NULL))
			return (0);
		if (c != NULL && *c != '\0' && strcmp(c, d) != 0)
			return (0);
	} while (c != NULL);
	return (1);
}

static int
is_reserved(const char *u)
{
	return (strcmp(u, "wamp") == 0 || strncmp(u, "wamp.", 5) == 0);
}

/* Below wamp. only what speaks of it counts; all URIs here are of one class. */
static int
counts(const struct mrule *r, unsigned int action, const char *u)
{
	if (!is_reserved(u) || r->actions == ACTION_META_READ)
		return (r->actions == ACTION_META_READ ? is_reserved(u) :
		    (r->actions & action) && plain_matches(r, u));
	return (!r->any && strncmp(r->uri, "wamp.", 5) == 0 &&
	    (r->actions & action) && plain_matches(r, u));
}

static int
may(const struct msess *m, unsigned int action, const char *u)
{
	const struct mrole	*ro = &roles[m->realm][m->role];
	int			 i, verdict = 0;

	for (i = 0; i < ro->n; i++)
		if (counts(&ro->rules[i], action, u))
			verdict = ro->rules[i].allow;
	return (verdict);
}

/* Is there a URI that both match?  b is a pattern. */
static int
overlap(const struct mrule *a, const struct mrule *b)
{
	const struct mrule	*w = a->match == MATCH_WILDCARD ? a : b;
	char			 p1[16], u1[16], *p = p1, *q = u1, *c, *d;

	if (a->any)
		return (1);
	if (a->match == MATCH_EXACT)
		return (plain_matches(b, a->uri));
	if (a->match == MATCH_PREFIX && b->match == MATCH_PREFIX)
		return (strncmp(a->uri, b->uri, strlen(a->uri)) == 0 ||
		    strncmp(a->uri, b->uri, strlen(b->uri)) == 0);
	strcpy(p1, w == a ? b->uri : a->uri);
	strcpy(u1, w->uri);
	while ((c = strsep(&p, ".")) != NULL) {
		if ((d = strsep(&q, ".")) == NULL)
			return (0);
		/* the last one of a prefix need not be whole */
		if (p == NULL && (a->match == MATCH_PREFIX ||
		    b->match == MATCH_PREFIX))
			return (*d == '\0' || strncmp(c, d, strlen(c)) == 0);
		if (*c != '\0' && *d != '\0' && strcmp(c, d) != 0)
			return (0);
	}
	return (q == NULL);
}

static int
covers(const struct mrule *a, const struct mrule *b)
{
	struct uri	u = { a->uri, (uint16_t)strlen(a->uri) };
	struct uri	v = { b->uri, (uint16_t)strlen(b->uri) };

	return (a->any || uri_covers(&u, (enum uri_match)a->match, &v,
	    (enum uri_match)b->match));
}

/* No pattern here is below wamp., so what speaks of that does not count. */
static int
may_subscribe(const struct msess *m, const struct mrule *t)
{
	const struct mrole	*ro = &roles[m->realm][m->role];
	const struct mrule	*r;
	int			 i, verdict = 0;

	if (t->match == MATCH_EXACT)
		return (may(m, ACTION_SUBSCRIBE, t->uri));
	for (i = 0; i < ro->n; i++) {
		r = &ro->rules[i];
		/* the prefix "wamp" matches others as well */
		if ((r->actions & ACTION_SUBSCRIBE) == 0 || (!r->any &&
		    is_reserved(r->uri) && (r->match != MATCH_PREFIX ||
		    r->uri[4] == '.')))
			continue;
		if (r->allow && covers(r, t))
			verdict = 1;
		else if (!r->allow && overlap(r, t))
			verdict = 0;
	}
	return (verdict);
}

static struct want *
want(const struct msess *m, uint32_t type, uint64_t n)
{
	struct want	*w = &wants[m->side][nwants[m->side]++];

	if (nwants[m->side] > MAXWANT)
		errx(1, "more is awaited than there is room for");
	memset(w, 0, sizeof(*w));
	w->type = type;
	w->slot = m->s.slot;
	w->gen = m->s.gen;
	w->n = n;
	return (w);
}

static void
refused(const struct msess *m, int code, uint64_t request, int e)
{
	struct want	*w = want(m, IMSG_REFUSED, request);

	w->code = code;
	w->err = e;
}

/* -- actions, in both worlds -------------------------------------------- */

static void
do_subscribe(int i, int u)
{
	struct msess	*m = &sess[i];
	struct msub	*sub = &subs[m->realm][u];
	int		 j, n = 0;

	send_subscribe(&m->s, topics[u].uri, topics[u].match);
	if (!may_subscribe(m, &topics[u])) {
		refused(m, WAMP_SUBSCRIBE, m->s.request, WERR_NOT_AUTHORIZED);
		return;
	}
	for (j = 0; j < ntopics; j++)
		n += subs[m->realm][j].holds[i];
	if (!sub->holds[i] && n >= MAXSUBS) {
		refused(m, WAMP_SUBSCRIBE, m->s.request, WERR_NOT_AUTHORIZED);
		return;
	}
	if (!sub->used) {
		memset(sub, 0, sizeof(*sub));
		sub->used = 1;
	}
	sub->holds[i] = 1;
	want(m, IMSG_SUBSCRIBED, m->s.request)->sub = sub;
}

static void
sub_drop(struct msub *sub, int i)
{
	int	j;

	sub->holds[i] = 0;
	for (j = 0; j < NSESS; j++)
		if (sub->holds[j])
			return;
	sub->used = 0;
}

static void
do_unsubscribe(int i, int u)
{
	struct msess	*m = &sess[i];
	struct msub	*sub = &subs[m->realm][u];

	/* an id that the client knows, its own or another's */
	if (!sub->used || !sub->known)
		return;
	send_unsubscribe(&m->s, sub->id);
	if (!sub->holds[i]) {
		refused(m, WAMP_UNSUBSCRIBE, m->s.request,
		    WERR_NO_SUCH_SUBSCRIPTION);
		return;
	}
	want(m, IMSG_UNSUBSCRIBED, m->s.request)->oldid = sub->id;
	sub_drop(sub, i);
}

/* What each tlsproxy hears of it. */
static void
publish_to(int i, int t, const char *topic, unsigned int flags,
    const char *body, uint64_t *pub)
{
	struct msess	*m = &sess[i];
	struct msub	*sub = &subs[m->realm][t];
	struct want	*w;
	int		 j, side, receivers, own;

	for (side = 0; side < 2; side++) {
		receivers = own = 0;
		for (j = 0; j < NSESS; j++) {
			if (!sub->holds[j] || sess[j].side != side)
				continue;
			if (j == i && (flags & PUBLISH_INCLUDE_ME) == 0)
				own = 1;
			else
				receivers++;
		}
		if (receivers == 0)
			continue;
		for (j = 0; sess[j].side != side; j++)
			;
		w = want(&sess[j], IMSG_EVENT, 0);
		w->slot = w->gen = 0;
		w->sub = sub;
		/* it may end before we read this */
		w->oldid = sub->known ? sub->id : 0;
		w->pub = pub;
		w->excepts = own;
		w->but = m->s;
		w->topic = topics[t].match == MATCH_EXACT ? "" : topic;
		strcpy(w->body, body);
	}
}

static void
do_publish(int i, int u, unsigned int flags, uint64_t *pub)
{
	struct msess	*m = &sess[i];
	int		 t;
	char		 body[16];

	snprintf(body, sizeof(body), "%u", rnd(1000000));
	send_publish(&m->s, flags, uris[u], body, strlen(body));
	if (is_reserved(uris[u]) || !may(m, ACTION_PUBLISH, uris[u])) {
		if (flags & PUBLISH_ACK)
			refused(m, WAMP_PUBLISH, m->s.request,
			    is_reserved(uris[u]) ? WERR_INVALID_URI :
			    WERR_NOT_AUTHORIZED);
		return;
	}
	*pub = 0;
	if (flags & PUBLISH_ACK)
		want(m, IMSG_PUBLISHED, m->s.request)->pub = pub;
	for (t = 0; t < ntopics; t++)
		if (subs[m->realm][t].used && plain_matches(&topics[t],
		    uris[u]))
			publish_to(i, t, uris[u], flags, body, pub);
}

static void
do_register(int i, int u)
{
	struct msess	*m = &sess[i];
	struct mreg	*reg = &regs[m->realm][u];
	int		 j, n = 0, e = 0;

	send_register(&m->s, uris[u], MATCH_EXACT, 0);
	for (j = 0; j < nuris; j++)
		n += regs[m->realm][j].used && regs[m->realm][j].sess == i;
	if (is_reserved(uris[u]))
		e = WERR_INVALID_URI;
	else if (!may(m, ACTION_REGISTER, uris[u]))
		e = WERR_NOT_AUTHORIZED;
	else if (reg->used)
		e = WERR_PROCEDURE_ALREADY_EXISTS;
	else if (n >= MAXREGS)
		e = WERR_NOT_AUTHORIZED;
	if (e) {
		refused(m, WAMP_REGISTER, m->s.request, e);
		return;
	}
	memset(reg, 0, sizeof(*reg));
	reg->used = 1;
	reg->sess = i;
	want(m, IMSG_REGISTERED, m->s.request)->reg = reg;
}

static void
do_unregister(int i, int u)
{
	struct msess	*m = &sess[i];
	struct mreg	*reg = &regs[m->realm][u];

	if (!reg->used || !reg->known)
		return;
	send_unregister(&m->s, reg->id);
	if (reg->sess != i) {
		refused(m, WAMP_UNREGISTER, m->s.request,
		    WERR_NO_SUCH_REGISTRATION);
		return;
	}
	reg->used = 0;
	want(m, IMSG_UNREGISTERED, m->s.request);
}

static void
do_call(int i, int u)
{
	struct msess	*m = &sess[i], *callee;
	struct mreg	*reg = &regs[m->realm][u];
	struct minv	*inv = invs;
	struct want	*w;
	size_t		 j;
	int		 n = 0, e = 0;

	send_call(&m->s, uris[u], uris[u]);
	for (j = 0; j < sizeof(invs) / sizeof(invs[0]); j++)
		n += invs[j].used && invs[j].caller == i;
	if (!may(m, ACTION_CALL, uris[u]))
		e = WERR_NOT_AUTHORIZED;
	else if (!reg->used)
		e = WERR_NO_SUCH_PROCEDURE;
	else if (n >= MAXCALLS)
		e = WERR_NOT_AUTHORIZED;
	else if (sess[reg->sess].slow)
		e = WERR_NO_AVAILABLE_CALLEE;
	if (e) {
		refused(m, WAMP_CALL, m->s.request, e);
		return;
	}
	while (inv->used)
		inv++;
	callee = &sess[reg->sess];
	inv->used = 1;
	inv->caller = i;
	inv->callee = reg->sess;
	inv->call = m->s.request;
	inv->id = ++callee->lastinv;
	w = want(callee, IMSG_INVOCATION, inv->id);
	w->reg = reg;
	/* it may be unregistered before we read this */
	w->oldid = reg->known ? reg->id : 0;
	strcpy(w->body, uris[u]);
}

/* How a callee on the side whose turn it is answers one of its own. */
static void
do_answer(int i)
{
	struct minv	*inv = NULL;
	size_t		 j;

	for (j = 0; j < sizeof(invs) / sizeof(invs[0]); j++)
		if (invs[j].used && invs[j].callee == i &&
		    (inv == NULL || rnd(3) == 0))
			inv = &invs[j];
	if (inv == NULL) {
		/* one that is over is swallowed */
		if (sess[i].lastinv > 0)
			send_yield(&sess[i].s, 1 + rnd((unsigned int)
			    sess[i].lastinv), "late");
		return;
	}
	if (rnd(2) == 0) {
		send_yield(&sess[i].s, inv->id, "r");
		want(&sess[inv->caller], IMSG_RESULT, inv->call);
	} else {
		send_error(&sess[i].s, inv->id, "an.error", "e");
		want(&sess[inv->caller], IMSG_ERROR, inv->call);
	}
	inv->used = 0;
}

static void
do_flow(int i)
{
	sess[i].slow = !sess[i].slow;
	send_flow(&sess[i].s, sess[i].slow ? IMSG_XOFF : IMSG_XON);
}

static void
do_leave(int i)
{
	struct msess	*m = &sess[i];
	size_t		 j;
	int		 u;
	uint64_t	 id;

	send_close(&m->s, CLOSE_GOODBYE);
	want(m, IMSG_SESSION_END, 0);
	m->joined = 0;
	for (u = 0; u < ntopics; u++)
		if (subs[m->realm][u].holds[i])
			sub_drop(&subs[m->realm][u], i);
	for (u = 0; u < nuris; u++) {
		if (regs[m->realm][u].used && regs[m->realm][u].sess == i)
			regs[m->realm][u].used = 0;
	}
	for (j = 0; j < sizeof(invs) / sizeof(invs[0]); j++)
		if (invs[j].used && invs[j].caller == i)
			invs[j].used = 0;
	/* in the order of the invocations */
	for (id = 1; id <= m->lastinv; id++)
		for (j = 0; j < sizeof(invs) / sizeof(invs[0]); j++)
			if (invs[j].used && invs[j].callee == i &&
			    invs[j].id == id) {
				invs[j].used = 0;
				refused(&sess[invs[j].caller], WAMP_CALL,
				    invs[j].call, WERR_CANCELED);
			}
}

static void
act(int side, uint64_t *pub)
{
	static const int	weights[] = { 10, 5, 25, 8, 3, 20, 20, 1, 1 };
	unsigned int		n, what = 0;
	int			i, u;

	do
		i = (int)rnd(NSESS);
	while (sess[i].side != side);
	if (!sess[i].joined)
		return;
	u = (int)rnd((unsigned int)nuris);
	for (n = rnd(93); (int)n >= weights[what]; what++)
		n -= (unsigned int)weights[what];
	done_what[what]++;
	switch (what) {
	case 0:
		do_subscribe(i, (int)rnd((unsigned int)ntopics));
		break;
	case 1:
		do_unsubscribe(i, (int)rnd((unsigned int)ntopics));
		break;
	case 2:
		do_publish(i, u, rnd(4), pub);
		break;
	case 3:
		do_register(i, u);
		break;
	case 4:
		do_unregister(i, u);
		break;
	case 5:
		do_call(i, u);
		break;
	case 6:
		do_answer(i);
		break;
	case 7:
		do_flow(i);
		break;
	case 8:
		do_leave(i);
		break;
	}
	steps++;
}

/* -- what came, against what was awaited -------------------------------- */

static uint64_t
field(const struct got *g, size_t off)
{
	uint64_t	n;

	if (g->len < off + sizeof(n))
		errx(1, "imsg %u is short", g->type);
	memcpy(&n, g->data + off, sizeof(n));
	return (n);
}

static void
same_publication(uint64_t *known, uint64_t id)
{
	if (*known == 0)
		*known = id;
	if (id == 0 || *known != id)
		errx(1, "publication %llu, want %llu", (unsigned long long)id,
		    (unsigned long long)*known);
}

static void
check_event(const struct want *w, const struct got *g)
{
	struct m_event		m;
	struct m_sessref	r;

	memcpy(&m, g->data, sizeof(m));
	if (m.nrefs != (uint32_t)w->excepts)
		errx(1, "EVENT: %u excepted", m.nrefs);
	if (w->excepts) {
		memcpy(&r, g->data + sizeof(m), sizeof(r));
		if (r.slot != w->but.slot || r.gen != w->but.gen)
			errx(1, "EVENT: the wrong one excepted");
	}
	if (m.topiclen != strlen(w->topic) || memcmp(g->data + sizeof(m) +
	    m.nrefs * sizeof(r), w->topic, m.topiclen) != 0)
		errx(1, "EVENT: topic of %u octets, not %s", m.topiclen,
		    w->topic);
	same_publication(w->pub, m.publication);
	if (m.paylen != strlen(w->body) ||
	    memcmp(g->data + g->len - m.paylen, w->body, m.paylen) != 0)
		errx(1, "EVENT: another payload");
	if (w->oldid != 0 ? m.subscription != w->oldid :
	    w->sub->used && m.subscription != w->sub->id)
		errx(1, "EVENT of subscription %llu, want %llu",
		    (unsigned long long)m.subscription,
		    (unsigned long long)w->sub->id);
}

static void
check(int side, struct want *w)
{
	struct got		g;
	struct m_refused	r;

	side_want(&proxies[side], w->type, &g, 0);
	if (g.slot != w->slot || g.gen != w->gen)
		errx(1, "step %lu: imsg %u of slot %u, want %u", steps,
		    g.type, g.slot, w->slot);
	switch (w->type) {
	case IMSG_EVENT:
		check_event(w, &g);
		return;
	case IMSG_SESSION_END:
		return;
	case IMSG_REFUSED:
		memcpy(&r, g.data, sizeof(r));
		if (r.reqtype != w->code || r.err != w->err ||
		    r.request != w->n)
			errx(1, "step %lu: REFUSED %u %s of %llu, want %d %s "
			    "of %llu", steps, r.reqtype,
			    wamp_err_uri((enum wamp_err)r.err),
			    (unsigned long long)r.request, w->code,
			    wamp_err_uri((enum wamp_err)w->err),
			    (unsigned long long)w->n);
		return;
	}
	if (field(&g, 0) != w->n)
		errx(1, "step %lu: imsg %u of request %llu, want %llu", steps,
		    g.type, (unsigned long long)field(&g, 0),
		    (unsigned long long)w->n);
	switch (w->type) {
	case IMSG_SUBSCRIBED:
		w->sub->id = field(&g, 8);
		w->sub->known = 1;
		break;
	case IMSG_UNSUBSCRIBED:
		if (field(&g, 8) != w->oldid)
			errx(1, "UNSUBSCRIBED from another");
		break;
	case IMSG_PUBLISHED:
		same_publication(w->pub, field(&g, 8));
		break;
	case IMSG_REGISTERED:
		w->reg->id = field(&g, 8);
		w->reg->known = 1;
		break;
	case IMSG_INVOCATION:
		if (w->oldid != 0 && field(&g, 8) != w->oldid)
			errx(1, "INVOCATION of another registration");
		if (g.len < strlen(w->body) || memcmp(g.data + g.len -
		    strlen(w->body), w->body, strlen(w->body)) != 0)
			errx(1, "INVOCATION with another payload");
		break;
	}
}

/* -- configurations ----------------------------------------------------- */

static void
random_rule(struct mrule *r)
{
	char	part[3][4] = { "a", "b", "ab" };
	int	n, i;

	memset(r, 0, sizeof(*r));
	r->allow = rnd(3) != 0;
	r->actions = 1 + rnd(15);
	r->match = (int)rnd(3);
	r->any = rnd(6) == 0;
	n = 1 + (int)rnd(3);
	for (i = 0; i < n; i++) {
		if (r->match != MATCH_WILDCARD || rnd(2))
			strcat(r->uri, part[rnd(3)]);
		if (i + 1 < n)
			strcat(r->uri, ".");
	}
	if (r->match == MATCH_PREFIX && rnd(2))
		strcat(r->uri, ".");
	if (rnd(20) == 0)
		strcpy(r->uri, rnd(2) ? "wamp" : "wamp.a");
	if (rnd(20) == 0) {
		r->actions = ACTION_META_READ;
		r->any = 1;
	}
}

static struct conf *
random_conf(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r;
	struct conf_role	*role;
	struct mrole		*m;
	char			 name[32];
	int			 i, j, k;

	c->limits.subscriptions = MAXSUBS;
	c->limits.registrations = MAXREGS;
	c->limits.calls = MAXCALLS;
	for (i = 0; i < NREALMS; i++) {
		snprintf(name, sizeof(name), "model%d", i);
		r = bconf_realm(c, name);
		for (j = 0; j < NROLES; j++) {
			snprintf(name, sizeof(name), "role%d", j);
			role = bconf_role(r, name);
			m = &roles[i][j];
			memset(m, 0, sizeof(*m));
			m->n = (int)rnd(NRULES + 1);
			for (k = 0; k < m->n; k++) {
				random_rule(&m->rules[k]);
				/* the first is generous, that something
				 * happens at all */
				if (k == 0)
					m->rules[k].allow =
					    m->rules[k].any = 1;
				bconf_rule(role, m->rules[k].allow,
				    m->rules[k].actions, m->rules[k].match,
				    m->rules[k].any ? NULL :
				    m->rules[k].uri);
			}
		}
	}
	return (c);
}

/* Whose UNSUBSCRIBED or UNREGISTERED, unasked, that is. */
static int
revoked_from(int side, const struct got *g)
{
	int	i;

	for (i = 0; i < NSESS; i++)
		if (sess[i].joined && sess[i].side == side &&
		    sess[i].s.slot == g->slot && sess[i].s.gen == g->gen)
			break;
	if (i == NSESS || field(g, 0) != 0)
		errx(1, "imsg %u of slot %u", g->type, g->slot);
	return (i);
}

static void
sub_revoked(int side, const struct got *g)
{
	int	i = revoked_from(side, g), r = sess[i].realm, u;

	for (u = 0; u < ntopics; u++)
		if (subs[r][u].used && subs[r][u].holds[i] &&
		    subs[r][u].id == field(g, 8))
			break;
	if (u == ntopics || may_subscribe(&sess[i], &topics[u]))
		errx(1, "a subscription was taken away");
	sub_drop(&subs[r][u], i);
}

static void
reg_revoked(int side, const struct got *g)
{
	int	i = revoked_from(side, g), r = sess[i].realm, u;

	for (u = 0; u < nuris; u++)
		if (regs[r][u].used && regs[r][u].sess == i &&
		    regs[r][u].id == field(g, 8))
			break;
	if (u == nuris || may(&sess[i], ACTION_REGISTER, uris[u]))
		errx(1, "a registration was taken away");
	regs[r][u].used = 0;
}

/* Revocations come in any order. */
static void
reload(void)
{
	struct got	g;
	int		i, u, n[2] = { 0, 0 }, side, r;

	bp_reload(random_conf());
	for (i = 0; i < NSESS; i++)
		for (u = 0; sess[i].joined && u < ntopics; u++) {
			r = sess[i].realm;
			n[sess[i].side] += (u < nuris && regs[r][u].used &&
			    regs[r][u].sess == i &&
			    !may(&sess[i], ACTION_REGISTER, uris[u])) +
			    (subs[r][u].holds[i] &&
			    !may_subscribe(&sess[i], &topics[u]));
		}
	for (side = 0; side < 2; side++)
		while (n[side]-- > 0) {
			if (side_next(&proxies[side], &g, 20000) != 1)
				errx(1, "a revocation did not come");
			if (g.type == IMSG_UNSUBSCRIBED)
				sub_revoked(side, &g);
			else if (g.type == IMSG_UNREGISTERED)
				reg_revoked(side, &g);
			else
				errx(1, "got %u at a reload", g.type);
		}
	bp_quiet();
}

static void
join_some(void)
{
	static uint32_t	gen;
	char		realm[32], role[32];
	int		i;

	for (i = 0; i < NSESS; i++) {
		if (sess[i].joined || rnd(3) == 0)
			continue;
		memset(&sess[i], 0, sizeof(sess[i]));
		sess[i].side = i % 2;
		sess[i].realm = rnd(4) == 0;
		sess[i].role = (int)rnd(NROLES);
		snprintf(realm, sizeof(realm), "model%d", sess[i].realm);
		snprintf(role, sizeof(role), "role%d", sess[i].role);
		join(&sess[i].s, &proxies[i % 2], (uint32_t)i + 1, ++gen,
		    realm, role);
		sess[i].joined = 1;
	}
}

static void
make_uris(const char *so_far, int parts)
{
	static const char *const comp[] = { "a", "b", "ab" };
	char			 s[16];
	int			 i;

	for (i = 0; i < 3; i++) {
		snprintf(s, sizeof(s), "%s%s", so_far, comp[i]);
		strcpy(uris[nuris++], s);
		if (parts > 1 && i < 2) {
			strcat(s, ".");
			make_uris(s, parts - 1);
		}
	}
}

/* In the order in which those that match one URI come: shorter prefixes
 * first, then wildcards, a literal component before an empty one. */
static int
pattern_cmp(const void *a, const void *b)
{
	const struct mrule	*x = a, *y = b;
	size_t			 i;

	if (x->match != y->match)
		return (x->match - y->match);
	if (x->match == MATCH_PREFIX && strlen(x->uri) != strlen(y->uri))
		return (strlen(x->uri) < strlen(y->uri) ? -1 : 1);
	for (i = 0; x->uri[i] == y->uri[i] && x->uri[i] != '\0'; i++)
		;
	if (x->uri[i] == '.' || y->uri[i] == '.')
		return (x->uri[i] == '.' ? 1 : -1);
	if (x->uri[i] == '\0' || y->uri[i] == '\0')
		return (x->uri[i] == '\0' ? 1 : -1);
	return (x->uri[i] - y->uri[i]);
}

static void
make_topics(void)
{
	struct mrule	r;
	int		i;

	for (; ntopics < nuris; ntopics++)
		strcpy(topics[ntopics].uri, uris[ntopics]);
	while (ntopics < nuris + NPATTERNS) {
		random_rule(&r);
		if (r.match == MATCH_EXACT || is_reserved(r.uri))
			continue;
		if (rnd(10) == 0)
			r.uri[0] = '\0';
		r.any = 0;
		for (i = nuris; i < ntopics; i++)
			if (topics[i].match == r.match &&
			    strcmp(topics[i].uri, r.uri) == 0)
				break;
		if (i == ntopics)
			topics[ntopics++] = r;
	}
	qsort(&topics[nuris], NPATTERNS, sizeof(topics[0]), pattern_cmp);
}

int
main(void)
{
	const char	*s = getenv("MODEL_STEPS"), *san = getenv("SAN");
	unsigned long	 max = san != NULL && *san != '\0' ? 100000 : 1000000;
	int		 batch, i, side, k;

	if (s != NULL)
		max = strtoul(s, NULL, 10);
	seed = (s = getenv("MODEL_SEED")) != NULL ?
	    strtoull(s, NULL, 10) : arc4random();
	printf("MODEL_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	make_uris("", 3);
	strcpy(uris[nuris++], "wamp.a");
	strcpy(uris[nuris++], "wamp");
	make_topics();
	for (i = 0; i < NSESS; i++)
		sess[i].side = i % 2;
	bp_start(random_conf(), 2);
	for (batch = 0; steps < max; batch++) {
		join_some();
		if (batch % RELOAD == RELOAD - 1)
			reload();
		side = (int)rnd(2);
		for (i = 0; i < BATCH; i++)
			act(side, &pubs[i]);
		for (k = 0; k < 2; k++) {
			for (i = 0; i < nwants[side]; i++)
				check(side, &wants[side][i]);
			nwants[side] = 0;
			side = !side;
		}
	}
	bp_quiet();
	for (i = 0; i < 9; i++)
		if (done_what[i] < max / 1000)
			errx(1, "action %d was done %lu times only", i,
			    done_what[i]);
	bp_stop();
	bp_ok("the broker does what the model does");
	return (0);
}
