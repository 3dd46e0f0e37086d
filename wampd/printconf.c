/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The configuration as text: all of it, in a form that parses again to an
 * equal one, and the short answer to "who can get in where".
 */
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "conf.h"
#include "log.h"
#include "wamp.h"

const char *
conf_text_number(char *buf, size_t size, uint64_t n)
{
	static const char	units[] = " kmg";
	size_t			i = 0;

	while (i < 3 && n != 0 && n % 1024 == 0) {
		n /= 1024;
		i++;
	}
	snprintf(buf, size, i > 0 ? "%llu%c" : "%llu", (unsigned long long)n,
	    units[i]);
	return (buf);
}

const char *
conf_text_time(char *buf, size_t size, uint32_t ms)
{
	if (ms == 0 || ms % 1000 != 0)
		snprintf(buf, size, "%ums", ms);
	else if (ms % (3600 * 1000) == 0)
		snprintf(buf, size, "%uh", ms / (3600 * 1000));
	else if (ms % (60 * 1000) == 0)
		snprintf(buf, size, "%um", ms / (60 * 1000));
	else
		snprintf(buf, size, "%us", ms / 1000);
	return (buf);
}

static void
put_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
	putc('"', f);
}

/* name "string" */
static void
put_named(FILE *f, const char *name, const char *s)
{
	fprintf(f, "%s ", name);
	put_string(f, s);
}

static void
put_number(FILE *f, const char *name, uint64_t n)
{
	char	buf[32];

	fprintf(f, "\t%s %s\n", name, conf_text_number(buf, sizeof(buf), n));
}

static void
put_time(FILE *f, const char *name, uint32_t ms)
{
	char	buf[32];

	fprintf(f, "\t%s %s\n", name, conf_text_time(buf, sizeof(buf), ms));
}

/* Not at all where nothing was said: one that was named must be there. */
static void
print_control(const struct conf_control *k, FILE *f)
{
	if (!k->is_given)
		return;
	if (k->path == NULL) {
		fprintf(f, "control socket none\n");
		return;
	}
	put_named(f, "control socket", k->path);
	fprintf(f, " mode 0%03o", (unsigned int)k->mode);
	if (k->owner != NULL)
		put_named(f, " owner", k->owner);
	if (k->group != NULL)
		put_named(f, " group", k->group);
	fprintf(f, "%s\n", k->read_only ? " read only" : "");
}

static void
print_global(const struct conf *c, FILE *f)
{
	static const char *const	levels[] = {
		[LOG_LEVEL_BRIEF] = "brief",
		[LOG_LEVEL_VERBOSE] = "verbose",
		[LOG_LEVEL_DEBUG] = "debug"
	};
	char				buf[32];

	fprintf(f, "prefork %u\n", c->prefork);
	fprintf(f, "brokers %u\n", c->brokers);
	fprintf(f, "log %s\n", levels[c->loglevel]);
	fprintf(f, "log format %s\n", c->logs_json ? "json" : "text");
	fprintf(f, "sandbox %s\n", c->strict ? "strict" : "relaxed");
	fprintf(f, "grace %s\n", conf_text_time(buf, sizeof(buf), c->grace));
	if (c->secret_path != NULL) {
		put_named(f, "secret", c->secret_path);
		putc('\n', f);
	}
	print_control(&c->control, f);
}

static void
print_rate(const char *name, const struct conf_rate *r, FILE *f)
{
	char	n[32], per[32], burst[32];

	if (r->number == 0)
		return;
	fprintf(f, "\t\t%s %s per %s burst %s\n", name,
	    conf_text_number(n, sizeof(n), r->number),
	    conf_text_time(per, sizeof(per), r->per),
	    conf_text_number(burst, sizeof(burst), r->burst));
}

static void
print_limits(const struct conf_limits *l, FILE *f)
{
	char	every[32], timeout[32];

	fprintf(f, "\nlimits {\n");
	put_number(f, "connections", l->connections);
	fprintf(f, "\tconnections per address %s ipv6 prefix %u\n",
	    conf_text_number(every, sizeof(every), l->per_address),
	    l->ipv6_prefix);
	put_number(f, "message", l->message);
	put_number(f, "queue", l->queue);
	put_time(f, "slow", l->slow);
	put_number(f, "memory", l->memory);
	put_time(f, "handshake", l->handshake);
	put_time(f, "hello", l->hello);
	put_time(f, "complete", l->complete);
	put_time(f, "authenticate", l->authenticate);
	fprintf(f, "\tfailures %u per %s\n", l->failures,
	    conf_text_time(every, sizeof(every), l->failures_per));
	put_time(f, "failures delay", l->failures_delay);
	if (l->ping_every == 0)
		fprintf(f, "\tping never\n");
	else
		fprintf(f, "\tping every %s timeout %s\n",
		    conf_text_time(every, sizeof(every), l->ping_every),
		    conf_text_time(timeout, sizeof(timeout),
		    l->ping_timeout));
	put_time(f, "metrics", l->metrics_time);
	put_number(f, "metrics connections", l->metrics_connections);
	put_number(f, "sessions per authid", l->per_authid);
	fprintf(f, "\tsession {\n\t");
	put_number(f, "subscriptions", l->subscriptions);
	putc('\t', f);
	put_number(f, "registrations", l->registrations);
	putc('\t', f);
	put_number(f, "calls", l->calls);
	print_rate("messages", &l->messages, f);
	print_rate("bytes", &l->bytes, f);
	fprintf(f, "\t}\n}\n");
}

static void
print_keypair(const struct conf_keypair *k, FILE *f)
{
	put_named(f, "\nkeypair", k->name);
	put_named(f, " {\n\tcertificate", k->cert_path);
	put_named(f, "\n\tkey", k->key_path);
	if (k->ocsp_path != NULL)
		put_named(f, "\n\tocsp", k->ocsp_path);
	fprintf(f, "\n}\n");
}

static void
print_from(const struct conf_listen *l, FILE *f)
{
	char	text[NET_MAXTEXT];
	size_t	i;

	for (i = 0; i < l->nfrom; i++)
		fprintf(f, "%s %s", i == 0 ? " proxy protocol from" : ",",
		    conf_net_text(&l->from[i], text));
}

static void
print_file_options(const struct conf_listen *l, FILE *f)
{
	if ((l->flags & LISTEN_UNIX) != 0)
		fprintf(f, " mode 0%03o", (unsigned int)l->mode);
	if (l->owner != NULL)
		put_named(f, " owner", l->owner);
	if (l->group != NULL)
		put_named(f, " group", l->group);
}

static void
print_listen_options(const struct conf_listen *l, FILE *f)
{
	print_from(l, f);
	if ((l->flags & LISTEN_TLS) != 0)
		fprintf(f, " tls");
	if ((l->flags & LISTEN_INSECURE) != 0)
		fprintf(f, " insecure");
	if ((l->flags & LISTEN_RAWSOCKET) == 0)
		fprintf(f, " only websocket");
	if ((l->flags & LISTEN_WEBSOCKET) == 0)
		fprintf(f, " only rawsocket");
	print_file_options(l, f);
}

static void
print_metrics(const struct conf *c, FILE *f)
{
	const struct conf_listen	*l;

	TAILQ_FOREACH(l, &c->metrics, entry) {
		fprintf(f, "%smetrics on %s", l == TAILQ_FIRST(&c->metrics) ?
		    "\n" : "", l->name);
		if ((l->flags & LISTEN_INSECURE) != 0)
			fprintf(f, " insecure");
		print_file_options(l, f);
		putc('\n', f);
	}
}

static void
print_listen(const struct conf *c, const struct conf_listen *l, FILE *f)
{
	static const struct {
		enum ser	 ser;
		const char	*name;
	} sers[] = {
		{ SER_JSON, "json" }, { SER_MSGPACK, "msgpack" },
		{ SER_CBOR, "cbor" }
	};
	const struct conf_keypair	*k;
	const struct conf_str		*s;
	const char			*sep = " ";
	size_t				 i;

	fprintf(f, "\nlisten on %s", l->name);
	print_listen_options(l, f);
	fprintf(f, " {\n");
	for (i = 0; i < l->nkeypairs; i++) {
		if ((k = conf_find_keypair_id(c, l->keypairs[i])) == NULL)
			continue;
		put_named(f, "\tkeypair", k->name);
		putc('\n', f);
	}
	if ((l->flags & LISTEN_TLS) != 0)
		fprintf(f, "\tprotocols \"%s\"\n",
		    (l->flags & LISTEN_TLS12) == 0 ? "tlsv1.3" :
		    (l->flags & LISTEN_TLS13) == 0 ? "tlsv1.2" :
		    "tlsv1.3, tlsv1.2");
	if (l->ca_path != NULL) {
		put_named(f, "\tclient ca", l->ca_path);
		fprintf(f, " %s\n", (l->flags & LISTEN_CLIENT_REQUIRED) != 0 ?
		    "required" : "optional");
	}
	if (l->crl_path != NULL) {
		put_named(f, "\tclient crl", l->crl_path);
		putc('\n', f);
	}
	TAILQ_FOREACH(s, &l->paths, entry) {
		put_named(f, "\twebsocket path", s->s);
		putc('\n', f);
	}
	TAILQ_FOREACH(s, &l->origins, entry) {
		put_named(f, "\twebsocket origin", s->s);
		putc('\n', f);
	}
	fprintf(f, "\tserializers");
	for (i = 0; i < sizeof(sers) / sizeof(sers[0]); i++) {
		if ((l->sers & (1U << sers[i].ser)) != 0) {
			fprintf(f, "%s%s", sep, sers[i].name);
			sep = ", ";
		}
	}
	fprintf(f, "\n%s}\n", (l->flags & LISTEN_RSPING) != 0 ?
	    "\trawsocket ping\n" : "");
}

static int
is_same_file(const struct conf_auth *a, const struct conf_auth *b)
{
	return (a != NULL && b != NULL && a->what == CONF_AUTH_USERS &&
	    b->what == CONF_AUTH_USERS && a->users == b->users);
}

/* Methods of one file that follow each other share a line. */
static void
print_auth_from(const struct conf *c, const struct conf_auth *a, FILE *f)
{
	const struct conf_auth	*prev = TAILQ_PREV(a, conf_auths, entry);
	const struct conf_auth	*next = TAILQ_NEXT(a, entry);

	fprintf(f, "%s%s", is_same_file(prev, a) ? ", " : "\tauthenticate ",
	    wamp_auth_name(a->method));
	if (is_same_file(a, next))
		return;
	put_named(f, " from", conf_find_users_id(c, a->users)->path);
	putc('\n', f);
}

/* What stands before the name of a line. */
static const char *
auth_what(const struct conf_auth *a)
{
	static const char *const	words[] = {
		[CONF_AUTH_ANYBODY] = "any",
		[CONF_AUTH_USER] = "user",
		[CONF_AUTH_GROUP] = "group",
		[CONF_AUTH_SUBJECT] = "subject",
		[CONF_AUTH_FINGERPRINT] = "fingerprint",
		[CONF_AUTH_NAME] = "name"
	};

	return (words[a->what]);
}

static void
print_dynamic(const struct conf_dynamic *d, FILE *f)
{
	char	buf[32];

	put_named(f, " dynamic", d->procedure);
	if (d->realm != NULL)
		put_named(f, " realm", d->realm);
	if (d->cache > 0)
		fprintf(f, " cache %s", conf_text_time(buf, sizeof(buf),
		    d->cache));
	fprintf(f, " timeout %s\n", conf_text_time(buf, sizeof(buf),
	    d->timeout));
}

/* Lines of one method that follow each other share a block. */
static void
print_auths(const struct conf *c, const struct conf_realm *r, FILE *f)
{
	const struct conf_auth	*a, *next;
	int			 is_open = 0;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if (a->what == CONF_AUTH_USERS) {
			print_auth_from(c, a, f);
			continue;
		}
		if (a->what == CONF_AUTH_DYNAMIC) {
			fprintf(f, "\tauthenticate %s",
			    wamp_auth_name(a->method));
			print_dynamic(&a->dynamic, f);
			continue;
		}
		if (a->method == AUTH_ANONYMOUS) {
			put_named(f, "\tauthenticate anonymous role",
			    a->role_name);
			putc('\n', f);
			continue;
		}
		if (!is_open)
			fprintf(f, "\tauthenticate %s {\n",
			    wamp_auth_name(a->method));
		fprintf(f, "\t\t%s", auth_what(a));
		if (a->name != NULL)
			put_named(f, "", a->name);
		if (a->authid != NULL)
			put_named(f, " authid", a->authid);
		put_named(f, " role", a->role_name);
		putc('\n', f);
		next = TAILQ_NEXT(a, entry);
		is_open = next != NULL && next->method == a->method &&
		    next->what != CONF_AUTH_USERS;
		if (!is_open)
			fprintf(f, "\t}\n");
	}
}

static const char *
match_name(uint8_t match)
{
	static const char *const	names[MATCH_MAX] = {
		[MATCH_EXACT] = " exact",
		[MATCH_PREFIX] = " prefix",
		[MATCH_WILDCARD] = " wildcard"
	};

	return (names[match]);
}

/* Not at all for a role that says nothing. */
static void
print_disclose(const char *tabs, const char *whom, uint8_t mode, FILE *f)
{
	static const char *const	modes[] = {
		[DISCLOSE_ASKED] = "when asked",
		[DISCLOSE_ALWAYS] = "always",
		[DISCLOSE_NEVER] = "never"
	};

	if (mode != DISCLOSE_UNSET)
		fprintf(f, "%sdisclose %s %s\n", tabs, whom, modes[mode]);
}

static void
print_call_timeout(const struct conf_realm *r, FILE *f)
{
	char	buf[32];

	if (r->call_timeout == 0 && r->call_timeout_max == 0)
		return;
	fprintf(f, "\tcall timeout");
	if (r->call_timeout > 0)
		fprintf(f, " %s", conf_text_time(buf, sizeof(buf),
		    r->call_timeout));
	if (r->call_timeout_max > 0)
		fprintf(f, " max %s", conf_text_time(buf, sizeof(buf),
		    r->call_timeout_max));
	putc('\n', f);
}

static void
print_retain(const struct conf_retain *k, FILE *f)
{
	char	buf[32];

	if (k->is_off) {
		fprintf(f, "\tretain never\n");
		return;
	}
	fprintf(f, "\tretain {\n");
	fprintf(f, "\t\ttopics %s\n", conf_text_number(buf, sizeof(buf),
	    k->topics));
	fprintf(f, "\t\tmemory %s\n", conf_text_number(buf, sizeof(buf),
	    k->memory));
	fprintf(f, "\t\tmessage %s\n", conf_text_number(buf, sizeof(buf),
	    k->message));
	fprintf(f, "\t}\n");
}

static void
print_history(const struct conf_history *h, FILE *f)
{
	const struct conf_topic	*t;
	char			 buf[32];

	if (TAILQ_EMPTY(&h->topics))
		return;
	fprintf(f, "\thistory {\n");
	TAILQ_FOREACH(t, &h->topics, entry) {
		fprintf(f, "\t\ttopic");
		put_named(f, match_name(t->match), t->uri);
		fprintf(f, " events %s\n", conf_text_number(buf, sizeof(buf),
		    t->events));
	}
	fprintf(f, "\t\tmemory %s\n\t}\n", conf_text_number(buf, sizeof(buf),
	    h->memory));
}

static void
print_rule(const struct conf_rule *ru, FILE *f)
{
	static const struct {
		uint8_t		 bit;
		const char	*name;
	} actions[] = {
		{ ACTION_PUBLISH, "publish" },
		{ ACTION_SUBSCRIBE, "subscribe" },
		{ ACTION_CALL, "call" },
		{ ACTION_REGISTER, "register" },
		{ ACTION_META_READ, "read" },
		{ ACTION_META_WRITE, "write" }
	};
	const char			*sep = " ";
	size_t				 i;

	fprintf(f, "\t\t%s%s", ru->allow ? "allow" : "deny",
	    (ru->actions & ACTION_META) != 0 ? " meta" : "");
	if (ru->actions == ACTION_ALL)
		fprintf(f, " any");
	else for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if ((ru->actions & actions[i].bit) != 0) {
			fprintf(f, "%s%s", sep, actions[i].name);
			sep = ", ";
		}
	}
	if (!ru->anyuri)
		put_named(f, match_name(ru->match), ru->uri);
	putc('\n', f);
}

static void
print_realm(const struct conf *c, const struct conf_realm *r, FILE *f)
{
	const struct conf_role	*ro;
	const struct conf_rule	*ru;

	put_named(f, "\nrealm", r->name);
	fprintf(f, " {\n");
	print_auths(c, r, f);
	fprintf(f, "\turi %s\n", r->strict_uris ? "strict" : "loose");
	fprintf(f, "\trequest ids %s\n", r->loose_ids ? "loose" : "strict");
	print_disclose("\t", "publisher", r->disclose_publisher, f);
	print_disclose("\t", "caller", r->disclose_caller, f);
	print_call_timeout(r, f);
	put_number(f, "sessions", r->sessions);
	fprintf(f, "\tslow consumer %s\n", r->disconnects ? "disconnect" :
	    "drop");
	print_retain(&r->retain, f);
	print_history(&r->history, f);
	TAILQ_FOREACH(ro, &r->roles, entry) {
		put_named(f, "\trole", ro->name);
		fprintf(f, " {\n");
		print_disclose("\t\t", "publisher", ro->disclose_publisher, f);
		print_disclose("\t\t", "caller", ro->disclose_caller, f);
		if (ro->has_trust)
			fprintf(f, "\t\ttrust level %u\n", ro->trust);
		TAILQ_FOREACH(ru, &ro->rules, entry)
			print_rule(ru, f);
		if (ro->authorizer.procedure != NULL) {
			fprintf(f, "\t\tauthorize");
			print_dynamic(&ro->authorizer, f);
		}
		fprintf(f, "\t}\n");
	}
	fprintf(f, "}\n");
}

void
conf_print(const struct conf *c, void *stream)
{
	const struct conf_keypair	*k;
	const struct conf_listen	*l;
	const struct conf_realm		*r;

	print_global(c, stream);
	print_limits(&c->limits, stream);
	TAILQ_FOREACH(k, &c->keypairs, entry)
		print_keypair(k, stream);
	TAILQ_FOREACH(l, &c->listens, entry)
		print_listen(c, l, stream);
	print_metrics(c, stream);
	TAILQ_FOREACH(r, &c->realms, entry)
		print_realm(c, r, stream);
}

/* Who may join this realm through this listener; n: realms before. */
static int
summarize_realm(const struct conf_listen *l, const struct conf_realm *r,
    int n, FILE *f)
{
	const struct conf_auth	*a;
	const char		*sep = " (";
	int			 is_local = (l->flags & LISTEN_UNIX) != 0;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if ((a->method == AUTH_SOCKET && !is_local) ||
		    (a->method == AUTH_TLS &&
		    (l->flags & LISTEN_CLIENT_CA) == 0))
			continue;
		if (*sep == ' ')
			fprintf(f, "%s%s", n > 0 ? ", " : " ", r->name);
		fprintf(f, "%s%s", sep, wamp_auth_name(a->method));
		if (a->what == CONF_AUTH_USERS ||
		    a->what == CONF_AUTH_DYNAMIC) {
			sep = ", ";
			continue;
		}
		if (a->method != AUTH_ANONYMOUS)
			fprintf(f, " %s%s%s", auth_what(a), a->name != NULL ?
			    " " : "", a->name != NULL ? a->name : "");
		put_named(f, " as", a->role_name);
		sep = ", ";
	}
	if (*sep == ' ')
		return (0);
	putc(')', f);
	return (1);
}

void
conf_print_summary(const struct conf *c, void *stream)
{
	FILE				*f = stream;
	const struct conf_listen	*l;
	const struct conf_realm		*r;
	int				 n;

	TAILQ_FOREACH(l, &c->listens, entry) {
		fprintf(f, "listen on %s", l->name);
		print_from(l, f);
		fprintf(f, "%s%s%s:%s%s, realms:",
		    (l->flags & LISTEN_TLS) != 0 ? " tls" : "",
		    (l->flags & LISTEN_CLIENT_REQUIRED) != 0 ?
		    ", client certificate required" :
		    (l->flags & LISTEN_CLIENT_CA) != 0 ?
		    ", client certificate optional" : "",
		    (l->flags & LISTEN_INSECURE) != 0 ? " insecure" : "",
		    (l->flags & LISTEN_RAWSOCKET) != 0 ? " rawsocket" : "",
		    (l->flags & LISTEN_WEBSOCKET) != 0 ? " websocket" : "");
		n = 0;
		TAILQ_FOREACH(r, &c->realms, entry)
			n += summarize_realm(l, r, n, f);
		fprintf(f, "%s\n", n == 0 ? " none" : "");
	}
	TAILQ_FOREACH(l, &c->metrics, entry)
		fprintf(f, "metrics on %s:%s http, what is counted\n", l->name,
		    (l->flags & LISTEN_INSECURE) != 0 ? " insecure" : "");
}
