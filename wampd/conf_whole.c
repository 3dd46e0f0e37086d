/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What can be said only of the configuration as a whole.
 */
#include <string.h>

#include "parse.h"
#include "wamp.h"
#include "xmalloc.h"

static void
resolve_keypairs(void)
{
	struct conf_keypair	*k;
	struct conf_listen	*l;
	struct ref		*r;

	TAILQ_FOREACH(r, &parser.refs, entry) {
		if ((k = conf_find_keypair(parser.conf, r->name)) == NULL) {
			if (!parser.is_lost)
				conf_error_at(r->file, r->line, "keypair %s "
				    "is not defined", parse_shown(r->name));
			continue;
		}
		l = r->listen;
		l->keypairs = xreallocarray(l->keypairs, l->nkeypairs + 1,
		    sizeof(*l->keypairs));
		l->keypairs[l->nkeypairs++] = k->id;
	}
}

static void
check_limits(void)
{
	struct conf_limits	*l = &parser.conf->limits;
	enum once		 o = ONCE_QUEUE;

	if ((parser.seen & (1ULL << ONCE_QUEUE)) == 0 && l->queue < l->message)
		l->queue = l->message;
	if (l->queue < l->message)
		conf_error_at(parser.where[o].file, parser.where[o].line,
		    "queue is smaller than message: such a message could "
		    "never be sent");
	if (l->memory < l->queue) {
		o = (parser.seen & (1ULL << ONCE_MEMORY)) != 0 ? ONCE_MEMORY :
		    ONCE_QUEUE;
		conf_error_at(parser.where[o].file, parser.where[o].line,
		    "memory is smaller than queue");
	}
}

static void
check_listeners(const char *name)
{
	const struct conf_listen	*l;

	int				 is_fine = parser.nerrors == 0;

	if (is_fine && TAILQ_EMPTY(&parser.conf->listens))
		conf_error_at(name, 0, "nothing to listen on");
	if (is_fine && TAILQ_EMPTY(&parser.conf->realms))
		conf_error_at(name, 0, "no realm: nobody could join");
	TAILQ_FOREACH(l, &parser.conf->listens, entry)
		if ((l->flags & LISTEN_RSPING) != 0 &&
		    parser.conf->limits.ping_every == 0)
			listen_complain(l, "rawsocket ping, but \"ping "
			    "never\" in limits");
}

/* A ticket is a password on its way. */
static void
warn_ticket(const struct conf_listen *l)
{
	const struct conf_realm	*r;
	const struct conf_auth	*a;

	if ((l->flags & (LISTEN_TLS | LISTEN_UNIX)) != 0)
		return;
	TAILQ_FOREACH(r, &parser.conf->realms, entry) {
		TAILQ_FOREACH(a, &r->auths, entry) {
			if (a->method != AUTH_TICKET)
				continue;
			conf_warn_at(a->file, a->line, "authenticate ticket: "
			    "passwords are sent in the clear to listen on %s",
			    l->name);
			return;
		}
	}
}

static int
is_keypair_used(const struct conf_keypair *k)
{
	const struct conf_listen	*l;
	size_t				 i;

	TAILQ_FOREACH(l, &parser.conf->listens, entry)
		for (i = 0; i < l->nkeypairs; i++)
			if (l->keypairs[i] == k->id)
				return (1);
	return (0);
}

void
conf_check_whole(const char *name)
{
	parser.conf->says_memory =
	    (parser.seen & (1ULL << ONCE_MEMORY)) != 0;
	parser.conf->says_connections =
	    (parser.seen & (1ULL << ONCE_CONNECTIONS)) != 0;
	resolve_keypairs();
	check_limits();
	conf_check_dynamic();
	check_listeners(name);
	control_check_whole();
	if (!parser.is_lost)
		auth_tls_check_whole();
}

/* What is not wrong, but hardly meant. */
void
conf_warn_whole(void)
{
	const struct conf_keypair	*k;
	const struct conf_listen	*l;
	const struct conf_realm		*r;
	const struct conf_auth		*a;
	int				 has_unix = 0, has_net = 0, is_open = 0;
	int				 has_certs = 0;

	TAILQ_FOREACH(k, &parser.conf->keypairs, entry)
		if (!is_keypair_used(k))
			conf_warn_at(k->file, k->line, "keypair %s is not "
			    "used", parse_shown(k->name));
		else if (strcmp(k->name, "placeholder") == 0)
			conf_warn_at(k->file, k->line, "keypair %s: clients "
			    "elsewhere have no reason to believe it",
			    parse_shown(k->name));
	TAILQ_FOREACH(l, &parser.conf->listens, entry) {
		if ((l->flags & LISTEN_UNIX) != 0)
			has_unix = 1;
		else
			has_net = 1;
		warn_ticket(l);
		if ((l->flags & LISTEN_RSPING) != 0 &&
		    parser.conf->limits.ping_every <= 5000)
			conf_warn_at(l->file, l->line, "listen on %s: some "
			    "clients answer one rawsocket ping in 5s at most",
			    l->name);
	}
	TAILQ_FOREACH(r, &parser.conf->realms, entry) {
		TAILQ_FOREACH(a, &r->auths, entry) {
			if (a->method == AUTH_TLS) {
				has_certs = 1;
				continue;
			}
			if (a->method != AUTH_SOCKET) {
				is_open = 1;
				continue;
			}
			if (has_unix)
				continue;
			conf_warn_at(a->file, a->line, "authenticate socket, "
			    "but nothing listens on a socket in the file "
			    "system");
			break;
		}
	}
	TAILQ_FOREACH(l, &parser.conf->listens, entry)
		if (has_net && !is_open && (l->flags & LISTEN_UNIX) == 0 &&
		    (!has_certs || (l->flags & LISTEN_CLIENT_CA) == 0))
			conf_warn_at(l->file, l->line, "listen on %s: nobody "
			    "can join here", l->name);
}
