/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the compiled rules of a role say.  Nothing is remembered of what was
 * asked; that is broker/authz.c.
 */
#include <string.h>

#include "conf.h"
#include "rules.h"
#include "rules_tree.h"
#include "ruleuri.h"
#include "wamp.h"

/* -- one URI ------------------------------------------------------------ */

static const struct node *
edge_find(const struct edges *es, const struct uri *name)
{
	const struct slot	*sl;
	uint32_t		 i, h, at;

	if (es->index == NULL) {
		for (i = 0; i < es->n; i++)
			if (uri_eq(&es->v[i].name, name))
				return (es->v[i].to);
		return (NULL);
	}
	h = name_hash(name);
	for (at = h & es->mask; es->index[at].i != 0;
	    at = (at + 1) & es->mask) {
		sl = &es->index[at];
		if (sl->hash == h && uri_eq(&es->v[sl->i - 1].name, name))
			return (es->v[sl->i - 1].to);
	}
	return (NULL);
}

/*
 * The longest tail that starts the name.  What starts it starts also the
 * last one that does not come after it.
 */
static const struct tail *
tail_find(const struct node *node, const struct uri *name)
{
	uint32_t	low = 0, high = node->ntails, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (name_cmp(&node->tails[mid].start, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	while (low > 0 && !name_starts(name, &node->tails[low - 1].start))
		low = node->tails[low - 1].up;
	return (low > 0 ? &node->tails[low - 1] : NULL);
}

struct search {
	const struct rules	*r;
	struct place		*top;	/* of the stack */
	unsigned int		 action;	/* number of its bit */
	uint32_t		 best;	/* so far */
};

/* Unless nothing there is later than what was found. */
static void
push(struct search *s, const struct node *node, size_t off)
{
	if (node == NULL || node->max.n[s->action] <= s->best)
		return;
	s->top->node = node;
	s->top->off = off;
	s->top++;
}

/*
 * Those the authid leads to: wherever it stands in the name, the component of
 * a rule would have its mark.
 */
static void
push_authids(struct search *s, const struct node *node, size_t off,
    const struct uri *name, const struct uri *authid)
{
	char		buf[URI_MAXLEN];
	struct uri	with = { buf, 0 };
	size_t		i, rest;

	for (i = 0; i <= s->r->maxbefore && authid->len <= name->len &&
	    i <= (size_t)(name->len - authid->len); i++) {
		if (memcmp(name->p + i, authid->p, authid->len) != 0)
			continue;
		rest = name->len - authid->len - i;
		memcpy(buf, name->p, i);
		buf[i] = RULEURI_AUTHID;
		memcpy(buf + i + 1, name->p + i + authid->len, rest);
		with.len = (uint16_t)(i + 1 + rest);
		push(s, edge_find(&node->authids, &with), off);
	}
}

unsigned int
rules_meta_class(unsigned int action, const struct uri *u)
{
	static const struct {
		const char	*procedure;
		unsigned int	 class;
	} rows[] = {
		{ "wamp.session.add_testament", 0 },
		{ "wamp.session.flush_testaments", 0 },
		{ "wamp.subscription.get_events", 0 },
		{ "wamp.registration.remove_callee", ACTION_META_WRITE },
		{ "wamp.session.kill", ACTION_META_WRITE },
		{ "wamp.session.kill_all", ACTION_META_WRITE },
		{ "wamp.session.kill_by_authid", ACTION_META_WRITE },
		{ "wamp.session.kill_by_authrole", ACTION_META_WRITE },
		{ "wamp.session.modify_details", ACTION_META_WRITE },
		{ "wamp.subscription.remove_subscriber", ACTION_META_WRITE }
	};
	size_t	i;

	for (i = 0; action == ACTION_CALL &&
	    i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].procedure) == u->len &&
		    memcmp(rows[i].procedure, u->p, u->len) == 0)
			return (rows[i].class);
	return (ACTION_META_READ);
}

static const struct uri *
usable_authid(const struct rules *r, const struct uri *authid)
{
	if (!r->has_authid || authid == NULL ||
	    !ruleuri_is_component(authid, r->uri_rules))
		return (NULL);
	return (authid);
}

static unsigned int
action_number(unsigned int action)
{
	unsigned int	a = 0;

	while (a < NACTIONS - 1 && (action & (1U << a)) == 0)
		a++;
	return (a);
}

/* All nodes that the component at a place leads to, the latest on top. */
static void
step(struct search *s, const struct place *pl, const struct uri *name,
    const struct uri *authid)
{
	const struct node	*any = pl->node->any, *to;
	size_t			 off = pl->off + name->len + 1;

	to = edge_find(&pl->node->names, name);
	if (pl->node->authids.n > 0)
		push_authids(s, pl->node, off, name, authid);
	if (to != NULL && any != NULL &&
	    to->max.n[s->action] < any->max.n[s->action]) {
		push(s, to, off);
		to = NULL;
	}
	push(s, any, off);
	push(s, to, off);
}

/* Begin where the rules stand that count. */
static void
search_begin(struct search *s, const struct rules *r, unsigned int action,
    const struct uri *u, int is_reserved, const struct uri *authid)
{
	unsigned int	class;

	s->r = r;
	s->top = r->stack;
	s->action = action_number(action);
	s->best = 0;
	class = is_reserved ? rules_meta_class(action, u) : 0;
	if (class == 0) {
		push(s, authid != NULL ? r->root : r->blind, 0);
		return;
	}
	s->best = class == ACTION_META_WRITE ? r->meta_write : r->meta_read;
	push(s, authid != NULL ? r->wamp : r->wamp_blind, 0);
}

/*
 * The number of the last rule that matches a URI, or all that a pattern can
 * match; 0: none.  An empty component of the pattern is only within an empty
 * one of a rule, which is what the tree finds for it.  Behind a prefix there
 * may be anything: only a rule with a shorter one, or none, covers that.
 */
static uint32_t
search_run(struct search *s, const struct uri *u, enum uri_match match,
    const struct uri *authid)
{
	const struct last	*l;
	const struct tail	*t;
	struct place		 pl;
	struct uri		 name;

	while (s->top > s->r->stack) {
		pl = *--s->top;
		l = match == MATCH_PREFIX ? NULL : &pl.node->last;
		if (pl.node->max.n[s->action] <= s->best)
			continue;
		if (pl.off <= u->len) {
			name = name_at(u, pl.off);
			t = tail_find(pl.node, &name);
			l = t != NULL ? &t->last : NULL;
		}
		if (l != NULL && l->n[s->action] > s->best)
			s->best = l->n[s->action];
		if (pl.off <= u->len)
			step(s, &pl, &name, authid);
	}
	return (s->best);
}

const struct conf_rule *
rules_decide(const struct rules *r, unsigned int action, const struct uri *u,
    const struct uri *authid)
{
	struct search	 s;
	uint32_t	 n;

	/* is no URI, and push_authids() has room for these only */
	if (u->len > URI_MAXLEN)
		return (NULL);
	authid = usable_authid(r, authid);
	search_begin(&s, r, action, u, uri_is_reserved(u), authid);
	n = search_run(&s, u, MATCH_EXACT, authid);
	return (n > 0 ? r->v[n - 1].conf : NULL);
}

/* -- a pattern ---------------------------------------------------------- */

/*
 * May one URI match both?  An empty component stands for any, but the last
 * of an open one, a prefix, for all that begins with it.
 */
static int
intersects(const struct uri *a, int a_open, const struct uri *b, int b_open)
{
	struct uri	ca, cb;
	size_t		i = 0, j = 0;
	int		a_tail, b_tail;

	for (;;) {
		ca = name_at(a, i);
		cb = name_at(b, j);
		i += (size_t)ca.len + 1;
		j += (size_t)cb.len + 1;
		a_tail = a_open && i > a->len;
		b_tail = b_open && j > b->len;
		if (a_tail && b_tail)
			return (name_starts(&ca, &cb) || name_starts(&cb, &ca));
		if (a_tail)
			return (cb.len == 0 || name_starts(&cb, &ca));
		if (b_tail)
			return (ca.len == 0 || name_starts(&ca, &cb));
		if (ca.len > 0 && cb.len > 0 && !uri_eq(&ca, &cb))
			return (0);
		if (i > a->len || j > b->len)
			return (i > a->len && j > b->len);
	}
}

/* May a rule have a URI in common with the pattern, of those it is for? */
static int
rule_meets(const struct rule *ru, const struct uri *u, enum uri_match match,
    const struct uri *authid)
{
	char		 buf[URI_MAXLEN];
	struct uri	 text = ru->text;
	enum uri_match	 rmatch = ru->is_open ? MATCH_PREFIX : MATCH_WILDCARD;
	int		 len;

	if (ru->has_authid) {
		if ((len = ruleuri_fill(&text, authid, buf)) == -1)
			return (0);
		text.p = buf;
		text.len = (uint16_t)len;
	}
	if (uri_pattern_is_reserved(&text, rmatch) !=
	    uri_pattern_is_reserved(u, match))
		return (0);
	return (intersects(&text, ru->is_open, u, match == MATCH_PREFIX));
}

const struct conf_rule *
rules_decide_pattern(const struct rules *r, unsigned int action,
    const struct uri *u, enum uri_match match, const struct uri *authid)
{
	const struct denial	*d;
	const struct rule	*ru;
	struct search		 s;
	struct sketch		 sk;
	uint32_t		 n, i;
	int			 is_reserved;

	if (u->len > URI_MAXLEN)
		return (NULL);
	authid = usable_authid(r, authid);
	is_reserved = uri_pattern_is_reserved(u, match);
	search_begin(&s, r, action, u, is_reserved, authid);
	n = search_run(&s, u, match, authid);
	/* thousands may have to be looked at: most are for something else */
	sk = sketch_of(u, match == MATCH_PREFIX);
	for (i = r->ndenials; i > 0 && r->denials[i - 1].n > n; i--) {
		d = &r->denials[i - 1];
		if ((d->actions & action) == 0 ||
		    !sketch_fits(&d->sketch, &sk))
			continue;
		ru = &r->v[d->n - 1];
		if ((ru->is_wamp || !is_reserved) &&
		    rule_meets(ru, u, match, authid))
			return (ru->conf);
	}
	return (n > 0 ? r->v[n - 1].conf : NULL);
}
