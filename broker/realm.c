/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Realms and roles as the configuration has them, and as long as a session
 * is in one after it is gone from there.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "conf.h"
#include "keep.h"
#include "log.h"
#include "trie.h"
#include "walk.h"
#include "xmalloc.h"

struct counts	 broker_counts;

struct realm *
realm_find(uint32_t id)
{
	struct hent	*e;
	struct realm	*r;

	for (e = htab_first(&broker.realmids, hash_pair(id, 0)); e != NULL;
	    e = htab_next(e)) {
		r = HENT_OF(e, struct realm, byid);
		if (r->id == id)
			return (r);
	}
	return (NULL);
}

struct role *
role_find(const struct realm *r, uint32_t id)
{
	struct role	*role;

	LIST_FOREACH(role, &r->roles, entry)
		if (role->id == id)
			return (role);
	return (NULL);
}

int
role_trusts(const struct role *role, const struct uri *procedure)
{
	return (role->conf != NULL && conf_role_trusts(role->conf,
	    procedure));
}

int
realm_asks(const struct realm *r, const struct uri *procedure)
{
	const struct conf_str	*s;

	if (r->conf == NULL)
		return (0);
	TAILQ_FOREACH(s, &r->conf->asked, entry)
		if (strlen(s->s) == procedure->len &&
		    memcmp(s->s, procedure->p, procedure->len) == 0)
			return (1);
	return (0);
}

int
role_may_serve(const struct role *role, const struct realm *r,
    enum uri_match match, const struct uri *pattern)
{
	return (role->conf != NULL && r->conf != NULL &&
	    conf_role_may_serve(role->conf, r->conf, match, pattern));
}

void
role_put(struct role *role)
{
	if (!role->is_gone || role->nsessions > 0)
		return;
	LIST_REMOVE(role, entry);
	authz_free(role);
	free(role->name);
	free(role);
}

void
realm_put(struct realm *r)
{
	int	i;

	if (!r->is_gone || r->nsessions > 0)
		return;
	walk_leave_realm(r);
	if (r->counts == &r->own)
		broker_counts.nrealms--;
	TAILQ_REMOVE(&broker.realms, r, entry);
	htab_remove(&broker.realmids, &r->byid);
	retain_free(r);
	history_free(r);
	htab_free(&r->topics);
	for (i = 0; i < MATCH_MAX; i++)
		trie_free(r->topic_patterns[i]);
	htab_free(&r->procedures);
	for (i = 0; i < MATCH_MAX; i++)
		trie_free(r->proc_patterns[i]);
	free(r->name);
	free(r);
}

static void
role_load(struct realm *r, const struct conf_role *conf)
{
	struct role	*role;

	if ((role = role_find(r, conf->id)) == NULL) {
		role = xcalloc(1, sizeof(*role));
		role->id = conf->id;
		role->name = xstrdup(conf->name);
		role->name_hash = hash_bytes(role->name, strlen(role->name));
		LIST_INIT(&role->members);
		LIST_INSERT_HEAD(&r->roles, role, entry);
	}
	role->is_gone = 0;
	authz_load(r, role, conf);
}

static void
realm_load(const struct conf_realm *conf)
{
	const struct conf_role	*cr;
	struct realm		*r;
	int			 i;

	if ((r = realm_find(conf->id)) == NULL) {
		r = xcalloc(1, sizeof(*r));
		if (htab_init(&r->topics) == -1 ||
		    htab_init(&r->procedures) == -1)
			fatalx("out of memory for realm %s", conf->name);
		r->id = conf->id;
		r->name = xstrdup(conf->name);
		LIST_INIT(&r->roles);
		for (i = 0; i < MATCH_MAX; i++)
			TAILQ_INIT(&r->regs[i]);
		r->counts = &broker_counts.others;
		if (broker_counts.nrealms < COUNTS_REALMS) {
			r->counts = &r->own;
			broker_counts.nrealms++;
		}
		TAILQ_INSERT_TAIL(&broker.realms, r, entry);
		htab_insert(&broker.realmids, &r->byid, hash_pair(r->id, 0));
	}
	r->is_gone = 0;
	r->conf = conf;
	r->rules = conf->strict_uris ? URI_STRICT : URI_LOOSE;
	TAILQ_FOREACH(cr, &conf->roles, entry)
		role_load(r, cr);
	retain_load(r);
	history_load(r);
}

/*
 * Ids are never given to another realm or role, so what keeps its id keeps
 * its sessions.  Sessions of what is gone are ended, and the rights of the
 * others checked, a few at a time (sessions_recheck()).
 */
void
realm_commit(const struct conf *conf)
{
	const struct conf_realm	*cr;
	struct realm		*r, *nextrealm;
	struct role		*role, *nextrole;

	broker.confgen++;
	TAILQ_FOREACH(r, &broker.realms, entry) {
		r->is_gone = 1;
		r->conf = NULL;
		LIST_FOREACH(role, &r->roles, entry) {
			role->is_gone = 1;
			authz_free(role);
		}
	}
	TAILQ_FOREACH(cr, &conf->realms, entry)
		if (cr->broker == broker.proc.instance)
			realm_load(cr);
	for (r = TAILQ_FIRST(&broker.realms); r != NULL; r = nextrealm) {
		nextrealm = TAILQ_NEXT(r, entry);
		for (role = LIST_FIRST(&r->roles); role != NULL;
		    role = nextrole) {
			nextrole = LIST_NEXT(role, entry);
			role_put(role);
		}
		realm_put(r);
	}
	TAILQ_CONCAT(&broker.unchecked, &broker.checked, all_entry);
	sweep_wake();
}
