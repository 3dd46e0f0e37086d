/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Who is in a realm: its sessions by role, by authid and by the proof that
 * let them in, so that to list or to end some does not take a walk over all.
 * One that is about to end is a member no more.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"

static uint64_t
identity_hash(const struct realm *r, uint64_t authid_hash)
{
	return (hash_pair(authid_hash, r->id));
}

struct identity *
identity_find(const struct realm *r, const void *authid, size_t len)
{
	struct hent		*e;
	struct identity	*p;

	for (e = htab_first(&broker.identities, identity_hash(r,
	    hash_bytes(authid, len))); e != NULL; e = htab_next(e)) {
		p = HENT_OF(e, struct identity, byauthid);
		if (p->realm == r && p->len == len &&
		    memcmp(p->text, authid, len) == 0)
			return (p);
	}
	return (NULL);
}

/* NULL without memory. */
static struct identity *
identity_get(const struct session *s)
{
	struct identity	*p;

	p = identity_find(s->realm, s->authid.p, s->authid.len);
	if (p != NULL)
		return (p);
	if (state_take(sizeof(*p) + s->authid.len) == -1)
		return (NULL);
	if ((p = calloc(1, sizeof(*p) + s->authid.len)) == NULL) {
		state_give(sizeof(*p) + s->authid.len);
		return (NULL);
	}
	p->realm = s->realm;
	p->len = s->authid.len;
	memcpy(p->text, s->authid.p, p->len);
	LIST_INIT(&p->members);
	htab_insert(&broker.identities, &p->byauthid,
	    identity_hash(p->realm, s->authid_hash));
	return (p);
}

int
member_add(struct session *s)
{
	if ((s->identity = identity_get(s)) == NULL)
		return (-1);
	LIST_INSERT_HEAD(&s->identity->members, s, identity_entry);
	s->identity->nmembers++;
	LIST_INSERT_HEAD(&s->role->members, s, role_entry);
	s->role->nmembers++;
	s->realm->nmembers++;
	return (0);
}

void
member_remove(struct session *s)
{
	struct identity	*p = s->identity;

	if (p == NULL)
		return;
	s->identity = NULL;
	LIST_REMOVE(s, role_entry);
	s->role->nmembers--;
	s->realm->nmembers--;
	LIST_REMOVE(s, identity_entry);
	if (--p->nmembers > 0)
		return;
	htab_remove(&broker.identities, &p->byauthid);
	state_give(sizeof(*p) + p->len);
	free(p);
}

/* -- how many ----------------------------------------------------------- */

/* Those of a tlsproxy that died, for one, are over and still on the lists. */
uint32_t
members_of_role(const struct role *role)
{
	const struct session	*s;
	uint32_t		 n = 0;

	if (!sessions_are_over())
		return (role->nmembers);
	LIST_FOREACH(s, &role->members, role_entry)
		if (!session_is_over(s))
			n++;
	return (n);
}

uint32_t
members_of_identity(const struct identity *p)
{
	const struct session	*s;
	uint32_t		 n = 0;

	if (!sessions_are_over())
		return (p->nmembers);
	LIST_FOREACH(s, &p->members, identity_entry)
		if (!session_is_over(s))
			n++;
	return (n);
}

/* -- by proof ----------------------------------------------------------- */

struct proven *
proven_find(const struct realm *r, uint64_t proof)
{
	struct hent	*e;
	struct proven	*p;

	for (e = htab_first(&broker.proofs, hash_pair(proof, r->id));
	    e != NULL; e = htab_next(e)) {
		p = HENT_OF(e, struct proven, byproof);
		if (p->realm == r && p->proof == proof)
			return (p);
	}
	return (NULL);
}

int
proven_add(struct session *s, uint64_t proof)
{
	struct proven	*p;

	if (proof == 0)
		return (0);
	if ((p = proven_find(s->realm, proof)) == NULL) {
		if (state_take(sizeof(*p)) == -1)
			return (-1);
		if ((p = calloc(1, sizeof(*p))) == NULL) {
			state_give(sizeof(*p));
			return (-1);
		}
		p->realm = s->realm;
		p->proof = proof;
		LIST_INIT(&p->sessions);
		htab_insert(&broker.proofs, &p->byproof,
		    hash_pair(proof, s->realm->id));
	}
	s->proven = p;
	LIST_INSERT_HEAD(&p->sessions, s, proven_entry);
	return (0);
}

void
proven_remove(struct session *s)
{
	struct proven	*p = s->proven;

	if (p == NULL)
		return;
	s->proven = NULL;
	LIST_REMOVE(s, proven_entry);
	if (!LIST_EMPTY(&p->sessions))
		return;
	if (p->is_revoked)
		LIST_REMOVE(p, entry);
	else
		htab_remove(&broker.proofs, &p->byproof);
	state_give(sizeof(*p));
	free(p);
}

void
proven_revoke(struct proven *p)
{
	htab_remove(&broker.proofs, &p->byproof);
	p->is_revoked = 1;
	LIST_INSERT_HEAD(&broker.revoked, p, entry);
}
