/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which procedures are registered in a realm and by whom, and which
 * registration a call is for.  Which of its callees is asked stands in
 * invoke.c.
 */
#include <stdlib.h>
#include <string.h>

#include "dealer.h"
#include "isotime.h"
#include "trie.h"
#include "walk.h"

static uint64_t
procedure_hash(const struct uri *u)
{
	return (hash_bytes(u->p, u->len));
}

struct registration *
reg_find(const struct realm *r, enum uri_match match,
    const struct uri *procedure)
{
	struct hent		*e;
	struct registration	*reg;

	if (match != MATCH_EXACT)
		return (r->proc_patterns[match] == NULL ? NULL :
		    trie_find(r->proc_patterns[match], procedure));
	for (e = htab_first(&r->procedures, procedure_hash(procedure));
	    e != NULL; e = htab_next(e)) {
		reg = HENT_OF(e, struct registration, place.byuri);
		if (uri_eq(&reg->procedure, procedure))
			return (reg);
	}
	return (NULL);
}

struct registration *
reg_find_id(const struct realm *r, uint64_t id)
{
	struct hent		*e;
	struct registration	*reg;

	for (e = htab_first(&broker.regs, hash_count(0, router_count(id)));
	    e != NULL; e = htab_next(e)) {
		reg = HENT_OF(e, struct registration, byid);
		if (reg->id == id)
			return (reg->realm == r ? reg : NULL);
	}
	return (NULL);
}

/* -- the best match ----------------------------------------------------- */

struct wanted {
	const struct uri	*uri;
	int			 is_whole;	/* no part of a component */
};

static int
reg_is_alive(const struct registration *reg)
{
	const struct callee	*cl;

	TAILQ_FOREACH(cl, &reg->callees, entry)
		if (!session_is_over(cl->session))
			return (1);
	return (0);
}

/* Does the prefix end where a component of the URI does? */
static int
ends_component(const struct uri *prefix, const struct uri *u)
{
	return (prefix->len == 0 || prefix->len == u->len ||
	    prefix->p[prefix->len - 1] == '.' || u->p[prefix->len] == '.');
}

static int
reg_is_wanted(void *data, void *arg)
{
	const struct registration	*reg = data;
	const struct wanted		*w = arg;

	if (w->is_whole && !ends_component(&reg->procedure, w->uri))
		return (0);
	return (reg_is_alive(reg));
}

static struct registration *
best(const struct trie *t, const struct uri *u, int is_whole)
{
	struct wanted	w = { u, is_whole };

	return (t == NULL ? NULL : trie_best(t, u, reg_is_wanted, &w));
}

/*
 * WAMP, Calls matching multiple registrations: exact, then the longest
 * prefix, then the wildcard pattern with the longest first portion.  Longest
 * means most components there, and by its examples 'a1.b2.c3' is no match
 * for 'a1.b2.c33.d4.e5'; but by Prefix Matching it is one.  Both hold if a
 * prefix that ends within a component comes last.
 */
struct registration *
reg_match(const struct realm *r, const struct uri *u)
{
	const struct trie	*prefixes = r->proc_patterns[MATCH_PREFIX];
	const struct trie	*wildcards = r->proc_patterns[MATCH_WILDCARD];
	struct registration	*reg;

	if ((reg = reg_find(r, MATCH_EXACT, u)) != NULL && reg_is_alive(reg))
		return (reg);
	if ((reg = best(prefixes, u, 1)) != NULL ||
	    (reg = best(wildcards, u, 0)) != NULL)
		return (reg);
	return (best(prefixes, u, 0));
}

/* -- registrations ------------------------------------------------------ */

static size_t
reg_cost(enum uri_match match, const struct uri *procedure)
{
	return (sizeof(struct registration) + procedure->len +
	    (match == MATCH_EXACT ? 0 : trie_cost(procedure)));
}

static int
reg_insert(struct registration *reg)
{
	struct realm	*r = reg->realm;
	struct trie	**t;

	if (reg->match == MATCH_EXACT) {
		htab_insert(&r->procedures, &reg->place.byuri,
		    procedure_hash(&reg->procedure));
		return (0);
	}
	t = &r->proc_patterns[reg->match];
	if (*t == NULL && (*t = trie_new((enum uri_match)reg->match)) == NULL)
		return (-1);
	reg->place.node = trie_insert(*t, &reg->procedure, reg);
	return (reg->place.node == NULL ? -1 : 0);
}

/* NULL without memory. */
struct registration *
reg_new(struct realm *r, enum uri_match match, enum invoke_policy invoke,
    const struct uri *procedure)
{
	struct registration	*reg;

	if (state_take(reg_cost(match, procedure)) == -1)
		return (NULL);
	if ((reg = calloc(1, sizeof(*reg) + procedure->len)) == NULL)
		goto fail;
	reg->realm = r;
	reg->match = (uint8_t)match;
	reg->invoke = (uint8_t)invoke;
	memcpy(reg->text, procedure->p, procedure->len);
	reg->procedure.p = reg->text;
	reg->procedure.len = procedure->len;
	if (reg_insert(reg) == -1)
		goto fail;
	TAILQ_INIT(&reg->callees);
	reg->id = router_id(&broker.lastreg);
	reg->created = wall_ms();
	htab_insert(&broker.regs, &reg->byid, hash_count(0,
	    router_count(reg->id)));
	TAILQ_INSERT_TAIL(&r->regs[match], reg, realm_entry);
	r->nregs[match]++;
	return (reg);
fail:
	free(reg);
	state_give(reg_cost(match, procedure));
	return (NULL);
}

void
reg_put(struct registration *reg)
{
	struct realm	*r = reg->realm;

	if (reg->ncallees > 0)
		return;
	if (reg->match == MATCH_EXACT)
		htab_remove(&r->procedures, &reg->place.byuri);
	else
		trie_remove(r->proc_patterns[reg->match], reg->place.node);
	htab_remove(&broker.regs, &reg->byid);
	walk_leave_reg(reg);
	TAILQ_REMOVE(&r->regs[reg->match], reg, realm_entry);
	r->nregs[reg->match]--;
	state_give(reg_cost((enum uri_match)reg->match, &reg->procedure) +
	    reg->npool * sizeof(*reg->pool));
	free(reg->pool);
	free(reg);
}

/* -- who holds them ----------------------------------------------------- */

struct callee *
callee_find(const struct session *s, uint64_t regid)
{
	struct hent	*e;
	struct callee	*cl;

	if (s->nregs == 0)
		return (NULL);
	for (e = htab_first(&broker.callees, hash_count(s->serial,
	    router_count(regid)));
	    e != NULL; e = htab_next(e)) {
		cl = HENT_OF(e, struct callee, hash);
		if (cl->session == s && cl->regid == regid)
			return (cl);
	}
	return (NULL);
}

/* Room for one more in a pool, from which lots are drawn. */
static int
pool_grow(struct registration *reg)
{
	struct callee	**pool;
	uint32_t	  n = reg->npool == 0 ? 4 : reg->npool * 2;
	size_t		  more = (n - reg->npool) * sizeof(*pool);

	if (reg->ncallees < reg->npool)
		return (0);
	if (state_take(more) == -1)
		return (-1);
	if ((pool = reallocarray(reg->pool, n, sizeof(*pool))) == NULL) {
		state_give(more);
		return (-1);
	}
	reg->pool = pool;
	reg->npool = n;
	return (0);
}

struct callee *
callee_add(struct session *s, struct registration *reg, uint32_t concurrency,
    uint32_t flags)
{
	struct callee	*cl;

	if (reg->invoke == INVOKE_RANDOM && pool_grow(reg) == -1)
		return (NULL);
	if (state_take(sizeof(*cl)) == -1)
		return (NULL);
	if ((cl = calloc(1, sizeof(*cl))) == NULL) {
		state_give(sizeof(*cl));
		return (NULL);
	}
	cl->session = s;
	cl->reg = reg;
	cl->regid = reg->id;
	cl->order = ++reg->lastorder;
	cl->concurrency = concurrency;
	cl->flags = flags;
	if (reg->invoke == INVOKE_RANDOM) {
		cl->place = reg->ncallees;
		reg->pool[cl->place] = cl;
	}
	htab_insert(&broker.callees, &cl->hash, hash_count(s->serial,
	    router_count(reg->id)));
	TAILQ_INSERT_TAIL(&reg->callees, cl, entry);
	LIST_INSERT_HEAD(&s->regs, cl, session_entry);
	reg->ncallees++;
	s->nregs++;
	return (cl);
}

/* Once neither a registration nor a call has it. */
static void
callee_put(struct callee *cl)
{
	if (cl->reg != NULL || cl->running > 0)
		return;
	state_give(sizeof(*cl));
	free(cl);
}

void
callee_free(struct callee *cl)
{
	struct registration	*reg = cl->reg;

	/* round robin goes on with whom it would have */
	if (reg->last == cl)
		reg->last = TAILQ_PREV(cl, callees, entry);
	if (callee_is_full(cl))
		reg->nfull--;
	reg->ncallees--;
	if (reg->invoke == INVOKE_RANDOM) {
		reg->pool[cl->place] = reg->pool[reg->ncallees];
		reg->pool[cl->place]->place = cl->place;
	}
	htab_remove(&broker.callees, &cl->hash);
	TAILQ_REMOVE(&reg->callees, cl, entry);
	LIST_REMOVE(cl, session_entry);
	cl->session->nregs--;
	cl->reg = NULL;
	callee_put(cl);
}

int
callee_is_full(const struct callee *cl)
{
	return (cl->concurrency != 0 && cl->running >= cl->concurrency);
}

void
callee_take(struct callee *cl)
{
	cl->running++;
	if (cl->reg != NULL && callee_is_full(cl))
		cl->reg->nfull++;
}

void
callee_give(struct callee *cl)
{
	if (cl->reg != NULL && callee_is_full(cl))
		cl->reg->nfull--;
	cl->running--;
	callee_put(cl);
}
