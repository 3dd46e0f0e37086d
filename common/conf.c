/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The configuration as every process holds it: defaults, look-ups, ids,
 * and the end of it.  How it is written is wampd/parse.y's business, how it
 * travels confmsg.c's.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "wamp.h"
#include "xmalloc.h"

#define FD_RESERVE	64	/* beside clients, listeners and channels */

struct conf *
conf_new(void)
{
	struct conf	*c;

	c = xcalloc(1, sizeof(*c));
	c->brokers = 1;
	c->loglevel = 1;		/* LOG_LEVEL_VERBOSE */
	c->strict = 1;
	c->grace = 5 * 1000;
	c->limits.memory = 1024ULL * 1024 * 1024;
	c->limits.connections = 20000;
	c->limits.per_address = 500;
	c->limits.ipv6_prefix = 64;
	c->limits.message = 1024 * 1024;
	c->limits.queue = 4 * 1024 * 1024;
	c->limits.slow = 30 * 1000;
	c->limits.handshake = 10 * 1000;
	c->limits.hello = 10 * 1000;
	c->limits.complete = 30 * 1000;
	c->limits.authenticate = 30 * 1000;
	c->limits.ping_every = 30 * 1000;
	c->limits.ping_timeout = 60 * 1000;
	c->limits.subscriptions = 10000;
	c->limits.registrations = 10000;
	c->limits.calls = 1000;
	c->limits.per_authid = 1000;
	c->limits.failures = 30;
	c->limits.failures_per = 60 * 1000;
	c->limits.failures_delay = 5 * 1000;
	c->limits.metrics_time = 10 * 1000;
	c->limits.metrics_connections = 64;
	c->control.mode = 0600;
	c->control.uid = (uid_t)-1;
	c->control.gid = (gid_t)-1;
	c->secret_fd = -1;
	c->next_id = 1;
	TAILQ_INIT(&c->keypairs);
	TAILQ_INIT(&c->users);
	TAILQ_INIT(&c->listens);
	TAILQ_INIT(&c->metrics);
	TAILQ_INIT(&c->realms);
	TAILQ_INIT(&c->files);
	return (c);
}

static void
strs_free(struct conf_strs *l)
{
	struct conf_str	*s;

	while ((s = TAILQ_FIRST(l)) != NULL) {
		TAILQ_REMOVE(l, s, entry);
		free(s->s);
		free(s);
	}
}

static void
keypair_free(struct conf_keypair *k)
{
	if (k->cert_fd != -1)
		close(k->cert_fd);
	if (k->key_fd != -1)
		close(k->key_fd);
	if (k->ocsp_fd != -1)
		close(k->ocsp_fd);
	free(k->name);
	free(k->cert_path);
	free(k->key_path);
	free(k->ocsp_path);
	free(k->cert);
	freezero(k->key, k->keylen);
	free(k->ocsp);
	free(k);
}

static void
listen_free(struct conf_listen *l)
{
	unsigned int	i;

	for (i = 0; i < LISTEN_MAXADDRS; i++)
		if (l->fds[i] != -1)
			close(l->fds[i]);
	if (l->ca_fd != -1)
		close(l->ca_fd);
	if (l->crl_fd != -1)
		close(l->crl_fd);
	free(l->ca_path);
	free(l->crl_path);
	free(l->ca);
	free(l->crl);
	free(l->name);
	free(l->path);
	free(l->owner);
	free(l->group);
	free(l->keypairs);
	free(l->from);
	strs_free(&l->paths);
	strs_free(&l->origins);
	free(l);
}

static void
role_free(struct conf_role *ro)
{
	struct conf_rule	*ru;

	while ((ru = TAILQ_FIRST(&ro->rules)) != NULL) {
		TAILQ_REMOVE(&ro->rules, ru, entry);
		free(ru->uri);
		free(ru);
	}
	free(ro->authorizer.procedure);
	free(ro->name);
	free(ro);
}

static void
realm_free(struct conf_realm *r)
{
	struct conf_auth	*a;
	struct conf_role	*ro;
	struct conf_topic	*t;

	while ((a = TAILQ_FIRST(&r->auths)) != NULL) {
		TAILQ_REMOVE(&r->auths, a, entry);
		free(a->name);
		free(a->authid);
		free(a->role_name);
		free(a->dynamic.procedure);
		free(a->dynamic.realm);
		free(a);
	}
	while ((ro = TAILQ_FIRST(&r->roles)) != NULL) {
		TAILQ_REMOVE(&r->roles, ro, entry);
		role_free(ro);
	}
	while ((t = TAILQ_FIRST(&r->history.topics)) != NULL) {
		TAILQ_REMOVE(&r->history.topics, t, entry);
		free(t->uri);
		free(t);
	}
	strs_free(&r->asked);
	free(r->name);
	free(r);
}

static void
users_free(struct conf_users *u)
{
	if (u->fd != -1)
		close(u->fd);
	free(u->path);
	free(u);
}

void
conf_free(struct conf *c)
{
	struct conf_keypair	*k;
	struct conf_users	*u;
	struct conf_listen	*l;
	struct conf_realm	*r;

	if (c == NULL)
		return;
	while ((k = TAILQ_FIRST(&c->keypairs)) != NULL) {
		TAILQ_REMOVE(&c->keypairs, k, entry);
		keypair_free(k);
	}
	while ((u = TAILQ_FIRST(&c->users)) != NULL) {
		TAILQ_REMOVE(&c->users, u, entry);
		users_free(u);
	}
	while ((l = TAILQ_FIRST(&c->listens)) != NULL) {
		TAILQ_REMOVE(&c->listens, l, entry);
		listen_free(l);
	}
	while ((l = TAILQ_FIRST(&c->metrics)) != NULL) {
		TAILQ_REMOVE(&c->metrics, l, entry);
		listen_free(l);
	}
	while ((r = TAILQ_FIRST(&c->realms)) != NULL) {
		TAILQ_REMOVE(&c->realms, r, entry);
		realm_free(r);
	}
	strs_free(&c->files);
	if (c->secret_fd != -1)
		close(c->secret_fd);
	free(c->control.path);
	free(c->control.owner);
	free(c->control.group);
	free(c->secret_path);
	freezero(c->secret, c->secretlen);
	free(c);
}

/* FNV-1a */
static uint64_t
name_hash(const char *name, size_t len)
{
	uint64_t	h = 14695981039346656037ULL;
	size_t		i;

	for (i = 0; i < len; i++) {
		h ^= (unsigned char)name[i];
		h *= 1099511628211ULL;
	}
	return (h);
}

struct conf_keypair *
conf_add_keypair(struct conf *c, const char *name, size_t len)
{
	struct conf_keypair	*k;

	k = xcalloc(1, sizeof(*k));
	k->name = xstrndup(name, len);
	k->cert_fd = k->key_fd = k->ocsp_fd = -1;
	TAILQ_INSERT_TAIL(&c->keypairs, k, entry);
	c->nkeypairs++;
	return (k);
}

struct conf_users *
conf_add_users(struct conf *c, const char *path, size_t len)
{
	struct conf_users	*u;

	TAILQ_FOREACH(u, &c->users, entry)
		if (strlen(u->path) == len && memcmp(u->path, path, len) == 0)
			return (u);
	u = xcalloc(1, sizeof(*u));
	u->path = xstrndup(path, len);
	u->fd = -1;
	u->id = ++c->nusers;	/* until conf_assign_ids() */
	TAILQ_INSERT_TAIL(&c->users, u, entry);
	return (u);
}

static struct conf_listen *
listen_new(const char *name, size_t len)
{
	struct conf_listen	*l;
	unsigned int		 i;

	l = xcalloc(1, sizeof(*l));
	l->name = xstrndup(name, len);
	l->uid = (uid_t)-1;
	l->gid = (gid_t)-1;
	l->ca_fd = l->crl_fd = -1;
	for (i = 0; i < LISTEN_MAXADDRS; i++)
		l->fds[i] = -1;
	TAILQ_INIT(&l->paths);
	TAILQ_INIT(&l->origins);
	return (l);
}

struct conf_listen *
conf_add_listen(struct conf *c, const char *name, size_t len)
{
	struct conf_listen	*l = listen_new(name, len);

	TAILQ_INSERT_TAIL(&c->listens, l, entry);
	c->nlistens++;
	return (l);
}

struct conf_listen *
conf_add_metrics(struct conf *c, const char *name, size_t len)
{
	struct conf_listen	*l = listen_new(name, len);

	l->flags = LISTEN_METRICS;
	TAILQ_INSERT_TAIL(&c->metrics, l, entry);
	c->nmetrics++;
	return (l);
}

struct conf_realm *
conf_add_realm(struct conf *c, const char *name, size_t len)
{
	struct conf_realm	*r;

	r = xcalloc(1, sizeof(*r));
	r->name = xstrndup(name, len);
	r->hash = (uint32_t)name_hash(name, len);
	TAILQ_INIT(&r->auths);
	TAILQ_INIT(&r->roles);
	TAILQ_INIT(&r->asked);
	r->disclose_publisher = r->disclose_caller = DISCLOSE_ASKED;
	r->sessions = CONF_MAXSESSIONS;
	r->retain.topics = 10000;
	r->retain.memory = 16 * 1024 * 1024;
	r->retain.message = 64 * 1024;
	TAILQ_INIT(&r->history.topics);
	r->history.memory = 16 * 1024 * 1024;
	TAILQ_INSERT_TAIL(&c->realms, r, entry);
	c->nrealms++;
	return (r);
}

struct conf_role *
conf_add_role(struct conf_realm *r, const char *name, size_t len)
{
	struct conf_role	*ro;

	ro = xcalloc(1, sizeof(*ro));
	ro->name = xstrndup(name, len);
	TAILQ_INIT(&ro->rules);
	TAILQ_INSERT_TAIL(&r->roles, ro, entry);
	r->nroles++;
	return (ro);
}

struct conf_topic *
conf_add_topic(struct conf_realm *r, const char *uri, size_t len)
{
	struct conf_topic	*t;

	t = xcalloc(1, sizeof(*t));
	t->uri = xstrndup(uri, len);
	t->urilen = (uint16_t)len;
	t->events = TOPIC_EVENTS;
	TAILQ_INSERT_TAIL(&r->history.topics, t, entry);
	r->history.ntopics++;
	return (t);
}

void
conf_add_str(struct conf_strs *l, const char *s, size_t len)
{
	struct conf_str	*str;

	str = xcalloc(1, sizeof(*str));
	str->s = xstrndup(s, len);
	TAILQ_INSERT_TAIL(l, str, entry);
}

struct conf_realm *
conf_find_realm(const struct conf *c, const char *name, size_t len)
{
	struct conf_realm	*r;
	uint32_t		 hash = (uint32_t)name_hash(name, len);

	TAILQ_FOREACH(r, &c->realms, entry)
		if (r->hash == hash && strlen(r->name) == len &&
		    memcmp(r->name, name, len) == 0)
			return (r);
	return (NULL);
}

struct conf_realm *
conf_find_realm_id(const struct conf *c, uint32_t id)
{
	struct conf_realm	*r;

	TAILQ_FOREACH(r, &c->realms, entry)
		if (r->id == id)
			return (r);
	return (NULL);
}

struct conf_role *
conf_find_role(const struct conf_realm *r, const char *name)
{
	struct conf_role	*ro;

	TAILQ_FOREACH(ro, &r->roles, entry)
		if (strcmp(ro->name, name) == 0)
			return (ro);
	return (NULL);
}

struct conf_role *
conf_find_role_id(const struct conf_realm *r, uint32_t id)
{
	struct conf_role	*ro;

	TAILQ_FOREACH(ro, &r->roles, entry)
		if (ro->id == id)
			return (ro);
	return (NULL);
}

int
conf_role_asks(const struct conf_role *ro, const struct conf_rule *ru)
{
	return (ro->authorizer.procedure != NULL &&
	    (ru == NULL || (ru->allow && ru->anyuri &&
	    (ru->actions & ACTION_META) == 0)));
}

int
conf_role_trusts(const struct conf_role *ro, const struct uri *procedure)
{
	const struct conf_rule	*ru;
	struct uri		 u;

	TAILQ_FOREACH_REVERSE(ru, &ro->rules, conf_rules, entry) {
		u.p = ru->uri;
		u.len = ru->urilen;
		if ((ru->actions & ACTION_REGISTER) == 0 || (!ru->anyuri &&
		    !uri_matches(&u, (enum uri_match)ru->match, procedure)))
			continue;
		return (ru->allow && !ru->anyuri &&
		    ru->match == MATCH_EXACT && uri_eq(&u, procedure));
	}
	return (0);
}

int
conf_role_may_serve(const struct conf_role *ro, const struct conf_realm *r,
    enum uri_match match, const struct uri *pattern)
{
	const struct conf_str	*s;
	struct uri		 u;

	TAILQ_FOREACH(s, &r->asked, entry) {
		u.p = s->s;
		u.len = (uint16_t)strlen(s->s);
		if (uri_matches(pattern, match, &u) &&
		    !conf_role_trusts(ro, &u))
			return (0);
	}
	return (1);
}

struct conf_users *
conf_find_users(const struct conf *c, const char *path)
{
	struct conf_users	*u;

	TAILQ_FOREACH(u, &c->users, entry)
		if (strcmp(u->path, path) == 0)
			return (u);
	return (NULL);
}

struct conf_users *
conf_find_users_id(const struct conf *c, uint32_t id)
{
	struct conf_users	*u;

	TAILQ_FOREACH(u, &c->users, entry)
		if (u->id == id)
			return (u);
	return (NULL);
}

struct conf_keypair *
conf_find_keypair(const struct conf *c, const char *name)
{
	struct conf_keypair	*k;

	TAILQ_FOREACH(k, &c->keypairs, entry)
		if (strcmp(k->name, name) == 0)
			return (k);
	return (NULL);
}

struct conf_keypair *
conf_find_keypair_id(const struct conf *c, uint32_t id)
{
	struct conf_keypair	*k;

	TAILQ_FOREACH(k, &c->keypairs, entry)
		if (k->id == id)
			return (k);
	return (NULL);
}

struct conf_listen *
conf_find_listen(const struct conf *c, const char *name)
{
	struct conf_listen	*l;

	TAILQ_FOREACH(l, &c->listens, entry)
		if (strcmp(l->name, name) == 0)
			return (l);
	return (NULL);
}

/* -- networks ----------------------------------------------------------- */

/* Are the first len bits of both the same? */
static int
bits_equal(const uint8_t *a, const uint8_t *b, unsigned int len)
{
	unsigned int	rest = len % 8;

	return (memcmp(a, b, len / 8) == 0 && (rest == 0 ||
	    ((a[len / 8] ^ b[len / 8]) & (0xff00 >> rest) & 0xff) == 0));
}

void
conf_add_from(struct conf_listen *l, const struct conf_net *n)
{
	l->from = xreallocarray(l->from, l->nfrom + 1, sizeof(*l->from));
	l->from[l->nfrom++] = *n;
}

int
conf_net_is_valid(const struct conf_net *n)
{
	unsigned int	i, max = n->family == NET_INET ? 32 : 128;

	if ((n->family != NET_INET && n->family != NET_INET6) ||
	    n->len > max || n->pad != 0)
		return (0);
	for (i = n->len; i < 8 * sizeof(n->addr); i++)
		if ((n->addr[i / 8] & (0x80 >> i % 8)) != 0)
			return (0);
	return (1);
}

int
conf_net_has(const struct conf_net *n, int family, const void *addr)
{
	return (family == (n->family == NET_INET ? AF_INET : AF_INET6) &&
	    bits_equal(n->addr, addr, n->len));
}

const char *
conf_net_text(const struct conf_net *n, char buf[NET_MAXTEXT])
{
	int	is_in = n->family == NET_INET;
	size_t	len;

	if (inet_ntop(is_in ? AF_INET : AF_INET6, n->addr, buf,
	    INET6_ADDRSTRLEN) == NULL)
		buf[0] = '\0';
	len = strlen(buf);
	if (n->len < (is_in ? 32 : 128))
		snprintf(buf + len, NET_MAXTEXT - len, "/%u", n->len);
	return (buf);
}

int
conf_has_client_ca(const struct conf *c)
{
	struct conf_listen	*l;

	TAILQ_FOREACH(l, &c->listens, entry)
		if ((l->flags & LISTEN_CLIENT_CA) != 0)
			return (1);
	return (0);
}

/*
 * Rendezvous hashing: the broker whose number hashed with the name gives
 * most.  One more or less broker moves only the realms that it gets or had.
 */
static uint32_t
broker_of(const char *name, uint32_t brokers)
{
	uint64_t	h = name_hash(name, strlen(name)), x, most = 0;
	uint32_t	i, best = 0;

	for (i = 0; i < brokers; i++) {
		x = h + (i + 1) * 0x9e3779b97f4a7c15ULL;
		x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
		x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
		x ^= x >> 31;
		if (i == 0 || x > most) {
			most = x;
			best = i;
		}
	}
	return (best);
}

/* Listeners name keypairs by id: give them the new ones. */
static void
assign_keypair_ids(struct conf *c, const struct conf *old)
{
	struct conf_keypair	*k, *was;
	struct conf_listen	*l;
	uint32_t		*ids;
	size_t			 i, j, n = 0;

	ids = xcalloc(c->nkeypairs + 1, 2 * sizeof(*ids));
	TAILQ_FOREACH(k, &c->keypairs, entry) {
		was = old != NULL ? conf_find_keypair(old, k->name) : NULL;
		ids[2 * n] = k->id;
		k->id = was != NULL ? was->id : c->next_id++;
		ids[2 * n + 1] = k->id;
		n++;
	}
	TAILQ_FOREACH(l, &c->listens, entry) {
		for (i = 0; i < l->nkeypairs; i++) {
			for (j = 0; j < n; j++) {
				if (ids[2 * j] == l->keypairs[i]) {
					l->keypairs[i] = ids[2 * j + 1];
					break;
				}
			}
		}
	}
	free(ids);
}

/* The same for users files and the lines that name them. */
static void
assign_users_ids(struct conf *c, const struct conf *old)
{
	struct conf_users	*u, *was;
	struct conf_realm	*r;
	struct conf_auth	*a;
	uint32_t		*ids;
	size_t			 i, n = 0;

	ids = xcalloc(c->nusers + 1, 2 * sizeof(*ids));
	TAILQ_FOREACH(u, &c->users, entry) {
		was = old != NULL ? conf_find_users(old, u->path) : NULL;
		ids[2 * n] = u->id;
		u->id = was != NULL ? was->id : c->next_id++;
		ids[2 * n++ + 1] = u->id;
	}
	TAILQ_FOREACH(r, &c->realms, entry) {
		TAILQ_FOREACH(a, &r->auths, entry) {
			for (i = 0; i < n && ids[2 * i] != a->users; i++)
				;
			if (i < n)
				a->users = ids[2 * i + 1];
		}
	}
	free(ids);
}

static void
assign_realm_ids(struct conf *c, struct conf_realm *r,
    const struct conf_realm *was)
{
	struct conf_auth	*a;
	struct conf_role	*ro, *oldrole;

	r->id = was != NULL ? was->id : c->next_id++;
	r->broker = broker_of(r->name, c->brokers);
	TAILQ_FOREACH(ro, &r->roles, entry) {
		oldrole = was != NULL ? conf_find_role(was, ro->name) : NULL;
		ro->id = oldrole != NULL ? oldrole->id : c->next_id++;
	}
	TAILQ_FOREACH(a, &r->auths, entry)
		if (a->role_name != NULL &&
		    (ro = conf_find_role(r, a->role_name)) != NULL)
			a->role = ro->id;
}

/* Once all of them have their ids. */
static void
assign_asked_realms(const struct conf *c, struct conf_realm *r)
{
	const struct conf_realm	*where;
	struct conf_auth	*a;
	const char		*name;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if (a->what != CONF_AUTH_DYNAMIC)
			continue;
		name = a->dynamic.realm != NULL ? a->dynamic.realm : r->name;
		where = conf_find_realm(c, name, strlen(name));
		if (where != NULL)
			a->dynamic.realm_id = where->id;
	}
}

void
conf_assign_ids(struct conf *c, const struct conf *old)
{
	struct conf_listen	*l, *oldlisten;
	struct conf_realm	*r;

	c->next_id = old != NULL ? old->next_id : 1;
	assign_keypair_ids(c, old);
	assign_users_ids(c, old);
	TAILQ_FOREACH(l, &c->metrics, entry)
		l->id = c->next_id++;
	TAILQ_FOREACH(l, &c->listens, entry) {
		oldlisten = old != NULL ? conf_find_listen(old, l->name) :
		    NULL;
		l->id = oldlisten != NULL ? oldlisten->id : c->next_id++;
	}
	TAILQ_FOREACH(r, &c->realms, entry)
		assign_realm_ids(c, r, old != NULL ?
		    conf_find_realm(old, r->name, strlen(r->name)) : NULL);
	TAILQ_FOREACH(r, &c->realms, entry)
		assign_asked_realms(c, r);
}

uint32_t
conf_most_clients(const struct conf *c, uint64_t nofile)
{
	const struct conf_listen	*l;
	uint64_t			 reserve, most;

	if (nofile == 0)
		return (c->limits.connections);
	/* the keeper has two channels; a reload opens listeners beside the
	 * old ones */
	reserve = FD_RESERVE + 2 + c->brokers;
	TAILQ_FOREACH(l, &c->listens, entry)
		reserve += 2 * (l->path != NULL ? 1 : l->naddr);
	most = nofile > reserve ? nofile - reserve : 1;
	return (most < c->limits.connections ? (uint32_t)most :
	    c->limits.connections);
}
