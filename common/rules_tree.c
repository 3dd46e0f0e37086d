/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The rules of a role as a tree of URI components, so that a URI costs a few
 * look-ups however many rules there are.
 */
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "rules.h"
#include "rules_tree.h"
#include "ruleuri.h"
#include "wamp.h"
#include "xmalloc.h"

#define FEW		8		/* edges that need no index */

/* -- names -------------------------------------------------------------- */

int
name_cmp(const struct uri *a, const struct uri *b)
{
	size_t	n = a->len < b->len ? a->len : b->len;
	int	rv;

	if (n > 0 && (rv = memcmp(a->p, b->p, n)) != 0)
		return (rv);
	return (a->len < b->len ? -1 : a->len > b->len);
}

struct uri
name_at(const struct uri *u, size_t i)
{
	struct uri	c;

	c.p = u->p + i;
	c.len = (uint16_t)(uri_component_end(u, i) - i);
	return (c);
}

int
name_starts(const struct uri *u, const struct uri *start)
{
	return (start->len <= u->len &&
	    (start->len == 0 || memcmp(u->p, start->p, start->len) == 0));
}

/*
 * FNV-1a.  Who asks for URIs that collide finds nothing in their place: what
 * is in the index comes from the configuration.
 */
uint32_t
name_hash(const struct uri *name)
{
	uint32_t	h = 2166136261U;
	size_t		i;

	for (i = 0; i < name->len; i++)
		h = (h ^ (unsigned char)name->p[i]) * 16777619U;
	return (h);
}

struct sketch
sketch_of(const struct uri *u, int is_open)
{
	struct sketch	sk = { 0 };
	struct uri	c;
	size_t		i = 0;
	int		n;

	for (n = 0; n < SKETCH_COMPS && i <= u->len; n++) {
		c = name_at(u, i);
		i += (size_t)c.len + 1;
		if (c.len == 0 || (is_open && i > u->len) ||
		    memchr(c.p, RULEURI_AUTHID, c.len) != NULL)
			continue;
		sk.bits |= (uint64_t)(name_hash(&c) & 0xffff) << (16 * n);
		sk.mask |= 0xffffULL << (16 * n);
	}
	sk.min = (uint16_t)uri_components(u);
	sk.max = is_open ? UINT16_MAX : sk.min;
	return (sk);
}

int
sketch_fits(const struct sketch *a, const struct sketch *b)
{
	return (((a->bits ^ b->bits) & a->mask & b->mask) == 0 &&
	    a->min <= b->max && b->min <= a->max);
}

/* -- compiling ---------------------------------------------------------- */

/* Component by component, so that those of one node follow each other. */
static int
item_cmp(const void *va, const void *vb)
{
	const struct uri	*a = &((const struct item *)va)->text;
	const struct uri	*b = &((const struct item *)vb)->text;
	struct uri		 ca, cb;
	size_t			 i = 0, j = 0;
	int			 rv;

	for (;;) {
		ca = name_at(a, i);
		cb = name_at(b, j);
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
	ru->is_meta = (conf->actions & ACTION_META) != 0;
	ru->is_wamp = strncmp(conf->uri, "wamp.", 5) == 0;
	ru->text.p = conf->uri;
	ru->text.len = conf->urilen;
	if (strchr(conf->uri, '{') == NULL)
		return;
	if ((len = ruleuri_expand(&ru->text, role, buf)) == -1)
		fatalx("a rule that was not checked");
	ru->own = xstrndup(buf, (size_t)len);
	ru->text.p = ru->own;
	ru->text.len = (uint16_t)len;
	if (memchr(buf, RULEURI_AUTHID, (size_t)len) == NULL)
		return;
	r->has_authid = ru->has_authid = 1;
	if (!conf->allow) {
		len = ruleuri_fill(&ru->text, NULL, buf);
		ru->blind = xstrndup(buf, (size_t)len);
	}
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
static struct node *
edge_get(struct rules *r, struct edges *es, const struct uri *name)
{
	struct edge	*e;

	if (es->n > 0 && name_cmp(&es->v[es->n - 1].name, name) == 0)
		return (es->v[es->n - 1].to);
	es->v = grown(es->v, es->n, sizeof(*es->v));
	e = &es->v[es->n++];
	e->name = *name;
	e->to = node_new(r);
	return (e->to);
}

static struct node *
node_get(struct rules *r, struct node *from, const struct uri *name)
{
	const char	*mark;
	struct node	*to;

	if (name->len == 0) {
		if (from->any == NULL)
			from->any = node_new(r);
		return (from->any);
	}
	if ((mark = memchr(name->p, RULEURI_AUTHID, name->len)) == NULL)
		return (edge_get(r, &from->names, name));
	to = edge_get(r, &from->authids, name);
	if (from->authids.n > r->maxauthids)
		r->maxauthids = from->authids.n;
	if ((size_t)(mark - name->p) > r->maxbefore)
		r->maxbefore = (size_t)(mark - name->p);
	return (to);
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

	for (a = 0; a < NACTIONS; a++)
		if ((ru->conf->actions & (1U << a)) != 0 && l->n[a] < ru->n)
			l->n[a] = ru->n;
}

static void
item_add(struct rules *r, struct node *node, const struct item *it)
{
	struct uri	c;
	size_t		i = 0, depth;

	last_set(&node->max, it->rule);
	for (depth = 1; i <= it->text.len; depth++) {
		c = name_at(&it->text, i);
		i += (size_t)c.len + 1;
		if (i > it->text.len && it->rule->is_open) {
			last_set(&tail_get(node, &c)->last, it->rule);
			break;
		}
		node = node_get(r, node, &c);
		last_set(&node->max, it->rule);
		if (i > it->text.len)
			last_set(&node->last, it->rule);
	}
	if (depth > r->depth)
		r->depth = depth;
}

static void
last_merge(struct last *l, const struct last *from)
{
	unsigned int	a;

	for (a = 0; a < NACTIONS; a++)
		if (l->n[a] < from->n[a])
			l->n[a] = from->n[a];
}

/* What starts another stands before it, and so do those that start both. */
static void
tails_link(struct node *node)
{
	struct tail	*t = node->tails;
	uint32_t	 i, up;

	for (i = 1; i < node->ntails; i++) {
		up = i;
		while (up > 0 && !name_starts(&t[i].start, &t[up - 1].start))
			up = t[up - 1].up;
		t[i].up = up;
		if (up > 0)
			last_merge(&t[i].last, &t[up - 1].last);
	}
}

static void
edges_index(struct edges *es)
{
	uint32_t	i, h, at, size = 2 * FEW;

	if (es->n <= FEW)
		return;
	while (size < 2 * es->n)
		size *= 2;
	es->mask = size - 1;
	es->index = xcalloc(size, sizeof(*es->index));
	for (i = 0; i < es->n; i++) {
		h = name_hash(&es->v[i].name);
		for (at = h & es->mask; es->index[at].i != 0;
		    at = (at + 1) & es->mask)
			;
		es->index[at].hash = h;
		es->index[at].i = i + 1;
	}
}

/*
 * Of all rules but meta rules, or of those only for what is reserved.
 * For those with no usable authid: what allows with one is left out, and what
 * denies stands for every authid.
 */
static struct node *
tree_new(struct rules *r, int is_wamp, int is_blind)
{
	const struct rule	*ru;
	struct node		*root = node_new(r);
	struct item		*items;
	uint32_t		 i;
	size_t			 n = 0;

	items = xcalloc((size_t)r->n + 1, sizeof(*items));
	for (i = 0; i < r->n; i++) {
		ru = &r->v[i];
		if (ru->is_meta || (is_wamp && !ru->is_wamp))
			continue;
		if (is_blind && ru->has_authid && ru->blind == NULL)
			continue;
		items[n].rule = ru;
		items[n].text = ru->text;
		if (is_blind && ru->has_authid) {
			items[n].text.p = ru->blind;
			items[n].text.len = (uint16_t)strlen(ru->blind);
		}
		n++;
	}
	qsort(items, n, sizeof(*items), item_cmp);
	for (i = 0; i < n; i++)
		item_add(r, root, &items[i]);
	free(items);
	return (root);
}

static void
special_rules(struct rules *r)
{
	const struct rule	*ru;
	struct denial		*d;
	uint32_t		 i;

	r->denials = xcalloc((size_t)r->n + 1, sizeof(*r->denials));
	for (i = 0; i < r->n; i++) {
		ru = &r->v[i];
		if ((ru->conf->actions & ACTION_META_READ) != 0)
			r->meta_read = ru->n;
		if ((ru->conf->actions & ACTION_META_WRITE) != 0)
			r->meta_write = ru->n;
		if (ru->is_meta || ru->conf->allow)
			continue;
		d = &r->denials[r->ndenials++];
		d->sketch = sketch_of(&ru->text, ru->is_open);
		d->n = ru->n;
		d->actions = ru->conf->actions;
	}
}

struct rules *
rules_new(const struct conf_role *role, enum uri_rules uri_rules)
{
	const struct conf_rule	*c;
	struct node		*node;
	struct rules		*r;
	size_t			 max;
	uint32_t		 i = 0;

	r = xcalloc(1, sizeof(*r));
	r->uri_rules = uri_rules;
	TAILQ_FOREACH(c, &role->rules, entry)
		r->n++;
	r->v = xcalloc((size_t)r->n + 1, sizeof(*r->v));
	TAILQ_FOREACH(c, &role->rules, entry) {
		r->v[i].n = i + 1;
		rule_init(r, &r->v[i++], c, role->name);
	}
	special_rules(r);
	r->root = tree_new(r, 0, 0);
	r->blind = r->has_authid ? tree_new(r, 0, 1) : r->root;
	r->wamp = tree_new(r, 1, 0);
	r->wamp_blind = r->has_authid ? tree_new(r, 1, 1) : r->wamp;
	for (node = r->nodes; node != NULL; node = node->made_before) {
		edges_index(&node->names);
		edges_index(&node->authids);
		tails_link(node);
	}
	/* one place becomes at most this many, and none is taken twice */
	max = 1 + r->depth * (r->maxauthids + 1);
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
		free(node->names.v);
		free(node->names.index);
		free(node->authids.v);
		free(node->authids.index);
		free(node->tails);
		free(node);
	}
	for (i = 0; i < r->n; i++) {
		free(r->v[i].own);
		free(r->v[i].blind);
	}
	free(r->v);
	free(r->denials);
	free(r->stack);
	free(r);
}

int
rules_have_authid(const struct rules *r)
{
	return (r->has_authid);
}
