/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The rules of a role as a tree of URI components, so that a URI costs a few
 * look-ups however many rules there are.  Nothing is remembered of what was
 * asked; that is broker/authz.c.
 */
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "rules.h"
#include "ruleuri.h"
#include "wamp.h"
#include "xmalloc.h"

#define NACTIONS	4		/* bits of ACTION_ALL */

/* The last rule of all, and of those that deny: 1 for the first, 0 none. */
struct last {
	uint32_t	 all[NACTIONS], deny[NACTIONS];
};

struct edge {
	struct uri	 name;		/* a component */
	struct node	*to;
};

/* The last component of prefixes, which others may begin with. */
struct tail {
	struct uri	 start;
	uint32_t	 up;		/* the longest that starts this one,
					 * and 1; 0: none */
	struct last	 last;		/* of those above, too */
};

struct node {
	struct node	*made_before;
	struct edge	*edges;		/* sorted */
	struct edge	*odd;		/* empty or with the authid */
	struct tail	*tails;		/* sorted */
	uint32_t	 nedges, nodd, ntails;
	struct last	 last;		/* of URIs that end here */
};

struct rule {
	const struct conf_rule	*conf;
	struct uri		 text;	/* expanded */
	char			*own;	/* if it is not the configuration's */
	uint32_t		 n;	/* place in the configuration, from 1 */
	int			 is_open;	/* a prefix, or no URI */
};

/* A node that part of the URI led to. */
struct place {
	const struct node	*node;
	uint32_t		 off;	/* of the next component */
	uint32_t		 is_blind;	/* not by the real authid */
};

struct rules {
	struct rule	*v;		/* in order */
	uint32_t	 n;
	enum uri_rules	 uri_rules;
	int		 has_authid;
	struct node	*root, *nodes;
	struct place	*stack;		/* to be worked off */
	size_t		 nnodes, depth, maxodd;
};

/* -- compiling ---------------------------------------------------------- */

static int
name_cmp(const struct uri *a, const struct uri *b)
{
	size_t	n = a->len < b->len ? a->len : b->len;
	int	rv;

	if (n > 0 && (rv = memcmp(a->p, b->p, n)) != 0)
		return (rv);
	return (a->len < b->len ? -1 : a->len > b->len);
}

static struct uri
component(const struct uri *u, size_t i)
{
	struct uri	c;

	c.p = u->p + i;
	c.len = (uint16_t)(uri_component_end(u, i) - i);
	return (c);
}

/* Component by component, so that those of one node follow each other. */
static int
rule_cmp(const void *va, const void *vb)
{
	const struct uri	*a = &(*(const struct rule *const *)va)->text;
	const struct uri	*b = &(*(const struct rule *const *)vb)->text;
	struct uri		 ca, cb;
	size_t			 i = 0, j = 0;
	int			 rv;

	for (;;) {
		ca = component(a, i);
		cb = component(b, j);
		if ((rv = name_cmp(&ca, &cb)) != 0)
			return (rv);
		i += (size_t)ca.len + 1;
		j += (size_t)cb.len + 1;
		if (i > a->len || j > b->len)
			return ((i <= a->len) - (j <= b->len));
	}
}

static void
rule_init(struct rules *r, struct rule *ru, const struct conf_rule *conf,
    const char *role)
{
	char	buf[URI_MAXLEN];
	int	len;

	ru->conf = conf;
	ru->is_open = conf->anyuri || conf->match == MATCH_PREFIX;
	ru->text.p = conf->uri;
	ru->text.len = conf->urilen;
	if (strchr(conf->uri, '{') == NULL)
		return;
	if ((len = ruleuri_expand(&ru->text, role, buf)) == -1)
		fatalx("a rule that was not checked");
	ru->own = xstrndup(buf, (size_t)len);
	ru->text.p = ru->own;
	ru->text.len = (uint16_t)len;
	if (memchr(buf, RULEURI_AUTHID, (size_t)len) != NULL)
		r->has_authid = 1;
}

static struct node *
node_new(struct rules *r)
{
	struct node	*n;

	n = xcalloc(1, sizeof(*n));
	n->made_before = r->nodes;
	r->nodes = n;
	r->nnodes++;
	return (n);
}

/* Room for one more in an array that doubles. */
static void *
grown(void *v, uint32_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return (v);
	return (xreallocarray(v, n == 0 ? 1 : 2 * (size_t)n, size));
}

/* They come in order: it is the last one or a new one. */
static struct edge *
edge_get(struct rules *r, struct edge **v, uint32_t *n,
    const struct uri *name)
{
	if (*n > 0 && name_cmp(&(*v)[*n - 1].name, name) == 0)
		return (&(*v)[*n - 1]);
	*v = grown(*v, *n, sizeof(**v));
	(*v)[*n].name = *name;
	(*v)[*n].to = node_new(r);
	return (&(*v)[(*n)++]);
}

static struct tail *
tail_get(struct node *node, const struct uri *start)
{
	struct tail	*t;

	if (node->ntails > 0 &&
	    name_cmp(&node->tails[node->ntails - 1].start, start) == 0)
		return (&node->tails[node->ntails - 1]);
	node->tails = grown(node->tails, node->ntails, sizeof(*node->tails));
	t = &node->tails[node->ntails++];
	memset(t, 0, sizeof(*t));
	t->start = *start;
	return (t);
}

static void
last_set(struct last *l, const struct rule *ru)
{
	unsigned int	a;

	for (a = 0; a < NACTIONS; a++) {
		if ((ru->conf->actions & (1U << a)) == 0)
			continue;
		if (l->all[a] < ru->n)
			l->all[a] = ru->n;
		if (!ru->conf->allow && l->deny[a] < ru->n)
			l->deny[a] = ru->n;
	}
}

static void
rule_add(struct rules *r, const struct rule *ru)
{
	struct node	*node = r->root;
	struct edge	*e;
	struct uri	 c;
	size_t		 i = 0, depth;

	for (depth = 1; i <= ru->text.len; depth++) {
		c = component(&ru->text, i);
		i += (size_t)c.len + 1;
		if (i > ru->text.len && ru->is_open) {
			last_set(&tail_get(node, &c)->last, ru);
			break;
		}
		if (c.len == 0 || memchr(c.p, RULEURI_AUTHID, c.len) != NULL) {
			e = edge_get(r, &node->odd, &node->nodd, &c);
			if (node->nodd > r->maxodd)
				r->maxodd = node->nodd;
		} else
			e = edge_get(r, &node->edges, &node->nedges, &c);
		node = e->to;
		if (i > ru->text.len)
			last_set(&node->last, ru);
	}
	if (depth > r->depth)
		r->depth = depth;
}

static int
starts_with(const struct uri *u, const struct uri *start)
{
	return (start->len <= u->len &&
	    (start->len == 0 || memcmp(u->p, start->p, start->len) == 0));
}

static void
last_merge(struct last *l, const struct last *from)
{
	unsigned int	a;

	for (a = 0; a < NACTIONS; a++) {
		if (l->all[a] < from->all[a])
			l->all[a] = from->all[a];
		if (l->deny[a] < from->deny[a])
			l->deny[a] = from->deny[a];
	}
}

/* What starts another stands before it, and so do those that start both. */
static void
tails_link(struct node *node)
{
	struct tail	*t = node->tails;
	uint32_t	 i, up;

	for (i = 1; i < node->ntails; i++) {
		up = i;
		while (up > 0 && !starts_with(&t[i].start, &t[up - 1].start))
			up = t[up - 1].up;
		t[i].up = up;
		if (up > 0)
			last_merge(&t[i].last, &t[up - 1].last);
	}
}

struct rules *
rules_new(const struct conf_role *role, enum uri_rules uri_rules)
{
	const struct conf_rule	 *c;
	const struct rule	**sorted;
	struct node		 *node;
	struct rules		 *r;
	size_t			  max;
	uint32_t		  i = 0;

	r = xcalloc(1, sizeof(*r));
	r->uri_rules = uri_rules;
	r->root = node_new(r);
	TAILQ_FOREACH(c, &role->rules, entry)
		r->n++;
	r->v = xcalloc((size_t)r->n + 1, sizeof(*r->v));
	sorted = xcalloc((size_t)r->n + 1, sizeof(*sorted));
	TAILQ_FOREACH(c, &role->rules, entry) {
		rule_init(r, &r->v[i], c, role->name);
		sorted[i] = &r->v[i];
		r->v[i].n = i + 1;
		i++;
	}
	qsort(sorted, r->n, sizeof(*sorted), rule_cmp);
	for (i = 0; i < r->n; i++)
		rule_add(r, sorted[i]);
	free(sorted);
	for (node = r->nodes; node != NULL; node = node->made_before)
		tails_link(node);
	/* one place becomes at most this many, and none is taken twice */
	max = 1 + r->depth * r->maxodd;
	r->stack = xcalloc((max < r->nnodes ? max : r->nnodes) + 1,
	    sizeof(*r->stack));
	return (r);
}

void
rules_free(struct rules *r)
{
	struct node	*node;
	uint32_t	 i;

	if (r == NULL)
		return;
	while ((node = r->nodes) != NULL) {
		r->nodes = node->made_before;
		free(node->edges);
		free(node->odd);
		free(node->tails);
		free(node);
	}
	for (i = 0; i < r->n; i++)
		free(r->v[i].own);
	free(r->v);
	free(r->stack);
	free(r);
}

int
rules_have_authid(const struct rules *r)
{
	return (r->has_authid);
}

/* -- one URI ------------------------------------------------------------ */

static const struct node *
edge_find(const struct node *node, const struct uri *name)
{
	uint32_t	low = 0, high = node->nedges, mid;
	int		rv;

	while (low < high) {
		mid = low + (high - low) / 2;
		rv = name_cmp(&node->edges[mid].name, name);
		if (rv == 0)
			return (node->edges[mid].to);
		if (rv < 0)
			low = mid + 1;
		else
			high = mid;
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
	while (low > 0 && !starts_with(name, &node->tails[low - 1].start))
		low = node->tails[low - 1].up;
	return (low > 0 ? &node->tails[low - 1] : NULL);
}

/* Is the name what the component becomes with the authid put in? */
static int
is_filled(const struct uri *name, const struct uri *with,
    const struct uri *authid)
{
	const char	*from;
	size_t		 i, j = 0, n;

	for (i = 0; i < with->len; i++, j += n) {
		from = with->p + i;
		n = 1;
		if (*from == RULEURI_AUTHID) {
			from = authid->p;
			n = authid->len;
		}
		if (n > name->len - j || memcmp(name->p + j, from, n) != 0)
			return (0);
	}
	return (j == name->len);
}

static void
push(struct place **top, const struct node *node, size_t off, uint32_t blind)
{
	(*top)->node = node;
	(*top)->off = (uint32_t)off;
	(*top)->is_blind = blind;
	(*top)++;
}

/* Everywhere the component at the place leads to. */
static void
step(struct place **top, const struct place *pl, const struct uri *name,
    const struct uri *authid)
{
	const struct edge	*e;
	const struct node	*to;
	size_t			 off = pl->off + (size_t)name->len + 1;
	uint32_t		 i;

	if ((to = edge_find(pl->node, name)) != NULL)
		push(top, to, off, pl->is_blind);
	for (i = 0; i < pl->node->nodd; i++) {
		e = &pl->node->odd[i];
		if (e->name.len == 0)
			push(top, e->to, off, pl->is_blind);
		else if (authid == NULL)
			push(top, e->to, off, 1);
		else if (is_filled(name, &e->name, authid))
			push(top, e->to, off, pl->is_blind);
	}
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

const struct conf_rule *
rules_decide(const struct rules *r, unsigned int action, const struct uri *u,
    const struct uri *authid)
{
	const struct last	*l;
	const struct tail	*t;
	struct place		*top = r->stack, pl;
	struct uri		 name;
	unsigned int		 a = action_number(action);
	uint32_t		 n, best = 0;

	authid = usable_authid(r, authid);
	push(&top, r->root, 0, 0);
	while (top > r->stack) {
		pl = *--top;
		l = &pl.node->last;
		if (pl.off <= u->len) {
			name = component(u, pl.off);
			t = tail_find(pl.node, &name);
			l = t != NULL ? &t->last : NULL;
			step(&top, &pl, &name, authid);
		}
		if (l == NULL)
			continue;
		n = pl.is_blind ? l->deny[a] : l->all[a];
		if (n > best)
			best = n;
	}
	return (best > 0 ? r->v[best - 1].conf : NULL);
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
		ca = component(a, i);
		cb = component(b, j);
		i += (size_t)ca.len + 1;
		j += (size_t)cb.len + 1;
		a_tail = a_open && i > a->len;
		b_tail = b_open && j > b->len;
		if (a_tail && b_tail)
			return (starts_with(&ca, &cb) || starts_with(&cb, &ca));
		if (a_tail)
			return (cb.len == 0 || starts_with(&cb, &ca));
		if (b_tail)
			return (ca.len == 0 || starts_with(&ca, &cb));
		if (ca.len > 0 && cb.len > 0 && name_cmp(&ca, &cb) != 0)
			return (0);
		if (i > a->len || j > b->len)
			return (i > a->len && j > b->len);
	}
}

const struct conf_rule *
rules_decide_pattern(const struct rules *r, unsigned int action,
    const struct uri *u, enum uri_match match, const struct uri *authid)
{
	char			 buf[URI_MAXLEN];
	const struct rule	*ru;
	struct uri		 text;
	uint32_t		 i;
	int			 len, is_blind;

	authid = usable_authid(r, authid);
	for (i = r->n; i > 0; i--) {
		ru = &r->v[i - 1];
		if ((ru->conf->actions & action) == 0)
			continue;
		text = ru->text;
		is_blind = 0;
		if (memchr(text.p, RULEURI_AUTHID, text.len) != NULL) {
			if ((len = ruleuri_fill(&text, authid, buf)) == -1)
				continue;
			text.p = buf;
			text.len = (uint16_t)len;
			is_blind = authid == NULL;
		}
		if (!ru->conf->allow) {
			if (intersects(&text, ru->is_open, u,
			    match == MATCH_PREFIX))
				return (ru->conf);
		} else if (!is_blind && uri_covers(&text, ru->is_open ?
		    MATCH_PREFIX : (enum uri_match)ru->conf->match, u, match))
			return (ru->conf);
	}
	return (NULL);
}
