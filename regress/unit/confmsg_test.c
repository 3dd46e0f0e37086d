/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The configuration on its way to a child: each role gets its part and
 * nothing else, the receiver takes nothing that is cut, stretched, twice or
 * out of order; ids stay with their names; realms stay on their brokers.
 */
#include <sys/socket.h>

#include <err.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "log.h"
#include "msgtypes.h"
#include "wamp.h"

#define MAXMSGS	128

static const char	text[] =
"prefork 3\n"
"brokers 2\n"
"log debug\n"
"sandbox relaxed\n"
"grace 7s\n"
"limits { message 2m queue 3m slow 4s ping never\n"
"	connections per address 8 ipv6 prefix 56\n"
"	sessions per authid 12\n"
"	session { calls 9 messages 5 per 2m burst 7\n"
"	bytes 1m per 3s burst 2m } }\n"
"keypair \"one\" { certificate \"/c\" key \"/k\" ocsp \"/o\" }\n"
"keypair \"two\" { certificate \"/c\" key \"/k\" }\n"
"listen on * port 8443 tls {\n"
"	keypair \"two\" keypair \"one\"\n"
"	websocket path \"/ws\", \"/x\"\n"
"	websocket origin \"https://*.example.org\"\n"
"	serializers json, cbor\n"
"	client ca \"/ca\" required client crl \"/crl\"\n"
"}\n"
"listen on socket \"/run/wampd/a\" { websocket path \"/u\" }\n"
"listen on 127.0.0.1 port 80 only rawsocket proxy "
"protocol from 10.0.0.0/8,\n"
"	2001:db8::/33\n"
"realm \"a\" {\n"
"	authenticate socket {\n"
"		user root role \"admin\"\n"
"		group root authid \"wheel\" role \"public\"\n"
"	}\n"
"	authenticate anonymous role \"public\"\n"
"	uri strict request ids loose\n"
"	disclose caller never call timeout 3s max 1m sessions 34\n"
"	slow consumer disconnect\n"
"	retain { topics 7 memory 8k message 1k }\n"
"	history { topic prefix \"com.\" events 9 topic exact \"com.a\"\n"
"		memory 5m }\n"
"	role \"public\" {\n"
"		allow publish, call prefix \"com.\"\n"
"		deny any wildcard \"com..x\"\n"
"		authorize dynamic \"com.auth\" cache 3s timeout 2s\n"
"	}\n"
"	role \"admin\" { allow any allow meta read trust level 700\n"
"		disclose publisher }\n"
"	role \"guard\" { allow register exact \"com.auth\" }\n"
"}\n"
"realm \"b\" { authenticate anonymous role \"x\" role \"x\" { }\n"
"	retain never }\n";

struct msg {
	uint32_t	 type;
	size_t		 len;
	uint8_t		*data;
	int		 fd;
};

static struct event_base	*base;
static struct conf		*next;
static struct msg		 msgs[MAXMSGS];
static size_t			 nmsgs;
static int			 is_complete;
static char			 why[256];

#define CHECK(cond)	do {						\
	if (!(cond))							\
		errx(1, "line %d: %s", __LINE__, #cond);		\
} while (0)

/* -- a channel ---------------------------------------------------------- */

static int
on_conf(struct chan *c, struct imsg *m)
{
	struct msg	*keep;
	int		 rc;

	CHECK(nmsgs < MAXMSGS);
	keep = &msgs[nmsgs++];
	keep->type = m->type;
	keep->len = m->len;
	if ((keep->data = malloc(m->len)) == NULL)
		err(1, NULL);
	memcpy(keep->data, m->data, m->len);
	keep->fd = m->fd == -1 ? -1 : dup(m->fd);
	if ((rc = conf_recv(&next, m, why, sizeof(why))) == -1)
		errx(1, "conf_recv: %s", why);
	if (rc == 1) {
		is_complete = 1;
		chan_loop_exit();
	}
	(void)c;
	return (0);
}

static void
on_ended(struct chan *c, enum chan_end end, const char *reason)
{
	(void)c;
	errx(1, "channel ended: %s%s", end == CHAN_NONSENSE ? "nonsense: " :
	    "", reason);
}

static void
forget(void)
{
	while (nmsgs > 0) {
		nmsgs--;
		free(msgs[nmsgs].data);
		if (msgs[nmsgs].fd != -1)
			close(msgs[nmsgs].fd);
	}
}

/* A file that is open, with something in it. */
static int
file_of(const char *content)
{
	char	name[] = "confmsg.XXXXXX";
	int	fd;

	if ((fd = mkstemp(name)) == -1 || unlink(name) == -1 ||
	    write(fd, content, strlen(content)) != (ssize_t)strlen(content))
		err(1, "mkstemp");
	return (fd);
}

/* "*" has no IPv6 socket here. */
static int
listen_fd(void *arg, const struct conf_listen *l, unsigned int i)
{
	CHECK(arg == msgs && i < l->naddr);
	return (i == 1 ? -1 : STDIN_FILENO);
}

/* Send to this role; what it holds then. */
static struct conf *
through(const struct conf *c, int role, int kind)
{
	static struct chan_rule	table[IMSG_MAX];
	static struct chan_ops	ops = { table, on_ended, NULL };
	struct chan		*from, *to;
	struct conf		*got;
	uint32_t		 type;
	int			 sp[2];

	for (type = IMSG_CONF_BEGIN; type <= IMSG_CONF_END; type++) {
		table[type].handler = on_conf;
		table[type].max = CHAN_ANY;
		table[type].wants_fd = type == IMSG_CONF_CERT ||
		    type == IMSG_CONF_KEY || type == IMSG_CONF_OCSP ||
		    type == IMSG_CONF_LISTEN_FD ||
		    type == IMSG_CONF_CLIENT_CA ||
		    type == IMSG_CONF_CLIENT_CRL;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		err(1, "socketpair");
	from = chan_new(base, sp[0], 16384, &ops, NULL);
	to = chan_new(base, sp[1], 16384, &ops, NULL);
	if (from == NULL || to == NULL)
		errx(1, "chan_new");
	chan_pass_fds(to);
	forget();
	is_complete = 0;
	CHECK(conf_send(from, c, role, kind, listen_fd, msgs) == 0);
	chan_loop(base, NULL, NULL);
	CHECK(is_complete);
	chan_free(from);
	chan_free(to);
	got = next;
	next = NULL;
	return (got);
}

/* -- each its part ------------------------------------------------------ */

static int
is_text(const uint8_t *p, size_t len, const char *s)
{
	return (p != NULL && len == strlen(s) && memcmp(p, s, len) == 0);
}

static void
check_global(const struct conf *c)
{
	CHECK(c->generation == 42 && c->prefork == 3 && c->brokers == 2);
	CHECK(c->loglevel == LOG_LEVEL_DEBUG && c->strict == 0);
	CHECK(c->grace == 7000 && c->limits.message == 2 * 1024 * 1024);
	CHECK(c->limits.ping_every == 0 && c->limits.calls == 9);
	CHECK(c->limits.slow == 4000);
	CHECK(c->limits.bytes.number == 1024 * 1024);
	CHECK(c->limits.bytes.burst == 2 * 1024 * 1024);
	CHECK(c->limits.bytes.per == 3000);
	CHECK(c->limits.per_authid == 12);
	CHECK(c->limits.per_address == 8 && c->limits.ipv6_prefix == 56);
	CHECK(c->limits.messages.number == 5 && c->limits.messages.burst == 7);
	CHECK(c->limits.messages.per == 2 * 60 * 1000);
	CHECK(c->nrealms == 2);
}

static void
check_keeper(const struct conf *sent)
{
	struct conf		*c = through(sent, PROC_KEEPER, 0);
	struct conf_keypair	*k = TAILQ_FIRST(&c->keypairs);
	struct conf_realm	*r = TAILQ_FIRST(&c->realms);
	struct conf_auth	*a = TAILQ_FIRST(&r->auths);
	struct conf_role	*ro = TAILQ_FIRST(&r->roles);

	check_global(c);
	CHECK(TAILQ_EMPTY(&c->listens) && c->nkeypairs == 2);
	CHECK(strcmp(k->name, "one") == 0);
	CHECK(is_text(k->cert, k->certlen, "certificate one"));
	CHECK(is_text(k->key, k->keylen, "key one"));
	CHECK(k->ocsp == NULL);
	k = TAILQ_NEXT(k, entry);
	CHECK(is_text(k->key, k->keylen, "key two"));
	CHECK(strcmp(ro->name, "public") == 0 && TAILQ_EMPTY(&ro->rules));
	CHECK(ro->authorizer.procedure == NULL && TAILQ_EMPTY(&r->asked));
	CHECK(a->method == AUTH_SOCKET && a->what == CONF_AUTH_USER);
	CHECK(a->id == 0 && a->authid == NULL &&
	    strcmp(a->name, "root") == 0);
	CHECK(strcmp(a->role_name, "admin") == 0 &&
	    a->role == TAILQ_NEXT(ro, entry)->id);
	a = TAILQ_NEXT(a, entry);
	CHECK(a->what == CONF_AUTH_GROUP && strcmp(a->authid, "wheel") == 0);
	CHECK(a->role == ro->id);
	a = TAILQ_NEXT(a, entry);
	CHECK(a->method == AUTH_ANONYMOUS && a->what == CONF_AUTH_ANYBODY);
	CHECK(TAILQ_NEXT(a, entry) == NULL);
	CHECK(conf_find_realm(c, "b", 1)->broker ==
	    conf_find_realm(sent, "b", 1)->broker);
	conf_free(c);
}

static void
check_from(const struct conf_listen *l)
{
	static const uint8_t	in[] = { 10, 255, 0, 1 }, other[] = { 11 };
	static const uint8_t	in6[16] = { 0x20, 1, 0xd, 0xb8, 0x7f };
	static const uint8_t	other6[16] = { 0x20, 1, 0xd, 0xb8, 0x80 };
	char			buf[NET_MAXTEXT];

	CHECK(l->nfrom == 2);
	CHECK(conf_net_has(&l->from[0], AF_INET, in));
	CHECK(!conf_net_has(&l->from[0], AF_INET, other));
	CHECK(!conf_net_has(&l->from[0], AF_INET6, in6));
	CHECK(conf_net_has(&l->from[1], AF_INET6, in6));
	CHECK(!conf_net_has(&l->from[1], AF_INET6, other6));
	CHECK(strcmp(conf_net_text(&l->from[1], buf), "2001:db8::/33") == 0);
}

static void
check_proxy(const struct conf *sent)
{
	struct conf		*c = through(sent, PROC_TLSPROXY, PROXY_NET);
	struct conf_listen	*l = TAILQ_FIRST(&c->listens);
	struct conf_keypair	*k = TAILQ_FIRST(&c->keypairs);
	struct conf_realm	*r = TAILQ_FIRST(&c->realms);
	size_t			 i;

	check_global(c);
	CHECK(c->nlistens == 2 && c->nkeypairs == 2);
	CHECK(is_text(k->cert, k->certlen, "certificate one"));
	CHECK(is_text(k->ocsp, k->ocsplen, "staple one"));
	CHECK(k->key == NULL && TAILQ_NEXT(k, entry)->ocsp == NULL);
	for (i = 0; i < nmsgs; i++)
		CHECK(msgs[i].type != IMSG_CONF_KEY);
	CHECK(strcmp(l->name, "* port 8443") == 0);
	CHECK(l->flags == (LISTEN_TLS | LISTEN_TLS12 | LISTEN_TLS13 |
	    LISTEN_RAWSOCKET | LISTEN_WEBSOCKET | LISTEN_CLIENT_CA |
	    LISTEN_CLIENT_REQUIRED));
	CHECK(is_text(l->ca, l->calen, "their CA"));
	CHECK(is_text(l->crl, l->crllen, "revoked"));
	CHECK(strcmp(l->ca_path, "/ca") == 0 &&
	    strcmp(l->crl_path, "/crl") == 0);
	CHECK(l->sers == (1 << SER_JSON | 1 << SER_CBOR));
	CHECK(l->nkeypairs == 2 && l->keypairs[1] == k->id &&
	    l->keypairs[0] == TAILQ_NEXT(k, entry)->id);
	CHECK(strcmp(TAILQ_FIRST(&l->paths)->s, "/ws") == 0);
	CHECK(strcmp(TAILQ_LAST(&l->paths, conf_strs)->s, "/x") == 0);
	CHECK(strcmp(TAILQ_FIRST(&l->origins)->s,
	    "https://*.example.org") == 0);
	CHECK(l->fds[0] != -1 && l->fds[1] == -1);
	l = TAILQ_NEXT(l, entry);
	CHECK(l->flags == (LISTEN_RAWSOCKET | LISTEN_PROXY) &&
	    l->fds[0] != -1);
	check_from(l);
	CHECK(TAILQ_EMPTY(&r->auths) && TAILQ_EMPTY(&r->roles));
	CHECK(r->strict_uris == 1 && r->loose_ids == 1);
	CHECK(r->has_history && r->has_retain && r->disconnects);
	CHECK(TAILQ_EMPTY(&r->history.topics));
	r = TAILQ_NEXT(r, entry);
	CHECK(!r->has_history && !r->has_retain && !r->disconnects);
	conf_free(c);

	c = through(sent, PROC_TLSPROXY, PROXY_UNIX);
	check_global(c);
	l = TAILQ_FIRST(&c->listens);
	CHECK(c->nlistens == 1 && c->nkeypairs == 0);
	CHECK((l->flags & LISTEN_UNIX) != 0 && l->fds[0] != -1);
	CHECK(strcmp(l->name, "socket \"/run/wampd/a\"") == 0);
	conf_free(c);
}

static void
check_policy(const struct conf *c)
{
	struct conf_realm	*r = TAILQ_FIRST(&c->realms);
	struct conf_role	*ro = TAILQ_FIRST(&r->roles);
	struct conf_topic	*t = TAILQ_FIRST(&r->history.topics);

	CHECK(r->disclose_publisher == DISCLOSE_ASKED &&
	    r->disclose_caller == DISCLOSE_NEVER);
	CHECK(r->call_timeout == 3000 && r->call_timeout_max == 60000);
	CHECK(r->sessions == 34 &&
	    TAILQ_NEXT(r, entry)->sessions == CONF_MAXSESSIONS);
	CHECK(r->retain.topics == 7 && r->retain.memory == 8192 &&
	    r->retain.message == 1024 && !r->retain.is_off);
	CHECK(r->history.memory == 5 * 1024 * 1024 && r->history.ntopics == 2);
	CHECK(t->match == MATCH_PREFIX && t->events == 9 &&
	    t->urilen == 4 && strcmp(t->uri, "com.") == 0);
	t = TAILQ_NEXT(t, entry);
	CHECK(t->match == MATCH_EXACT && t->events == TOPIC_EVENTS);
	CHECK(!ro->has_trust && ro->disclose_publisher == DISCLOSE_UNSET);
	ro = conf_find_role(r, "admin");
	CHECK(ro->has_trust && ro->trust == 700 &&
	    ro->disclose_publisher == DISCLOSE_ALWAYS &&
	    ro->disclose_caller == DISCLOSE_UNSET);
	CHECK(TAILQ_LAST(&ro->rules, conf_rules)->actions == ACTION_META_READ);
	r = TAILQ_NEXT(r, entry);
	CHECK(r->retain.is_off && r->retain.topics == 10000 &&
	    r->history.ntopics == 0);
}

static void
check_broker(const struct conf *sent)
{
	struct conf		*c = through(sent, PROC_BROKER, 0);
	struct conf_realm	*r = TAILQ_FIRST(&c->realms);
	struct conf_role	*ro = TAILQ_FIRST(&r->roles);
	struct conf_rule	*ru = TAILQ_FIRST(&ro->rules);

	check_global(c);
	CHECK(c->nlistens == 0 && c->nkeypairs == 0);
	CHECK(TAILQ_EMPTY(&r->auths) && r->nroles == 3);
	check_policy(c);
	CHECK(strcmp(ro->authorizer.procedure, "com.auth") == 0 &&
	    ro->authorizer.cache == 3000 && ro->authorizer.timeout == 2000);
	CHECK(TAILQ_NEXT(ro, entry)->authorizer.procedure == NULL);
	CHECK(strcmp(TAILQ_FIRST(&r->asked)->s, "com.auth") == 0 &&
	    TAILQ_NEXT(TAILQ_FIRST(&r->asked), entry) == NULL);
	CHECK(ru->allow == 1 && !ru->anyuri && ru->match == MATCH_PREFIX);
	CHECK(ru->actions == (ACTION_PUBLISH | ACTION_CALL));
	CHECK(ru->urilen == 4 && strcmp(ru->uri, "com.") == 0);
	ru = TAILQ_NEXT(ru, entry);
	CHECK(ru->allow == 0 && ru->actions == ACTION_ALL &&
	    ru->match == MATCH_WILDCARD && TAILQ_NEXT(ru, entry) == NULL);
	ru = TAILQ_FIRST(&TAILQ_NEXT(ro, entry)->rules);
	CHECK(ru->anyuri && ru->urilen == 0 && *ru->uri == '\0');
	CHECK(conf_find_role(r, "admin")->id ==
	    conf_find_role(TAILQ_FIRST(&sent->realms), "admin")->id);
	conf_free(c);
}

/* -- what a receiver does not take -------------------------------------- */

/* One message of the sequence, or another in its place; 0, 1 or -1. */
static int
feed(const struct msg *m)
{
	struct imsg	 im;
	uint8_t		*copy;
	int		 rc;

	/* at the end of its own allocation, for sanitizers */
	if ((copy = malloc(m->len + 1)) == NULL)
		err(1, NULL);
	memcpy(copy + 1, m->data, m->len);
	memset(&im, 0, sizeof(im));
	im.type = m->type;
	im.data = copy + 1;
	im.len = m->len;
	im.fd = m->fd == -1 ? -1 : dup(m->fd);
	why[0] = '\0';
	rc = conf_recv(&next, &im, why, sizeof(why));
	if (im.fd != -1)
		close(im.fd);
	free(copy);
	if (rc == -1)
		CHECK(why[0] != '\0');
	return (rc);
}

/*
 * The whole sequence with message i replaced (or left out, or doubled):
 * must be refused at i or later, and leave nothing open.
 */
static int
play(size_t i, const struct msg *instead, size_t n)
{
	size_t	j, k;
	int	rc = 0;

	for (j = 0; j < nmsgs && rc == 0; j++) {
		if (j != i) {
			rc = feed(&msgs[j]);
			continue;
		}
		for (k = 0; k < n && rc == 0; k++)
			rc = feed(instead);
	}
	conf_free(next);
	next = NULL;
	return (rc);
}

static int
is_optional(uint32_t type)
{
	return (type == IMSG_CONF_KEY || type == IMSG_CONF_OCSP);
}

static void
refuse_all(void)
{
	struct msg	m;
	uint8_t		data[1024];
	size_t		i, n;

	CHECK(play(nmsgs, NULL, 0) == 1);
	for (i = 0; i < nmsgs; i++) {
		/* left out, and twice; but a second BEGIN begins again */
		if (i < nmsgs - 1)
			CHECK(play(i, &msgs[i], 0) == -1);
		if (msgs[i].type != IMSG_CONF_LISTEN_ITEM &&
		    msgs[i].type != IMSG_CONF_END && i > 0)
			CHECK(play(i, &msgs[i], 2) == -1);
		m = msgs[i];
		m.data = data;
		CHECK(m.len < sizeof(data));
		memset(data, 'x', sizeof(data));
		memcpy(data, msgs[i].data, m.len);
		for (n = 0; n < msgs[i].len; n++) {
			m.len = n;
			CHECK(play(i, &m, 1) == -1);
		}
		m.len = msgs[i].len + 1;
		CHECK(play(i, &m, 1) == -1);
		/* without its descriptor, or with one */
		m.len = msgs[i].len;
		m.fd = m.fd == -1 ? STDIN_FILENO : -1;
		if (i > 0)
			CHECK(play(i, &m, 1) == -1);
		m.fd = msgs[i].fd;
		/* another type; but who needs which file is the role's */
		for (m.type = 0; m.type <= IMSG_MAX; m.type++)
			if (m.type != msgs[i].type &&
			    !(is_optional(m.type) &&
			    is_optional(msgs[i].type)))
				CHECK(play(i, &m, 1) != 1 ||
				    /* the same layout, and both may lack */
				    (m.type == IMSG_CONF_USERS &&
				    msgs[i].type == IMSG_CONF_CLIENT_CRL));
	}
}

/* Every octet of every struct with some other values: no crash, no leak. */
static void
survive_all(void)
{
	static const uint8_t	values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct msg		m;
	uint8_t			data[1024];
	size_t			i, off, v;

	for (i = 0; i < nmsgs; i++) {
		m = msgs[i];
		m.data = data;
		for (off = 0; off < m.len; off++) {
			for (v = 0; v < sizeof(values); v++) {
				memcpy(data, msgs[i].data, m.len);
				data[off] = values[v];
				(void)play(i, &m, 1);
			}
		}
	}
}

/* The first message of a type with n octets at off set to v. */
static void
refuse_octets(uint32_t type, size_t off, uint8_t v, size_t n)
{
	struct msg	m;
	uint8_t		data[1024];
	size_t		i;

	for (i = 0; msgs[i].type != type; i++)
		;
	m = msgs[i];
	memcpy(data, m.data, m.len);
	memset(data + off, v, n);
	m.data = data;
	CHECK(play(i, &m, 1) == -1);
}

static void
refuse_values(const struct conf *sent)
{
#define AT(member)	offsetof(struct conf_limits, member)
	static const size_t	at[] = {
		AT(connections), AT(per_address), AT(ipv6_prefix), AT(message),
		AT(queue), AT(slow), AT(handshake), AT(hello), AT(complete),
		AT(authenticate), AT(ping_every), AT(ping_timeout),
		AT(subscriptions), AT(registrations), AT(calls), AT(failures),
		AT(failures_per), AT(failures_delay), AT(messages.number),
		AT(messages.per), AT(messages.burst), AT(bytes.number),
		AT(bytes.per), AT(bytes.burst), AT(per_authid)
	};
	size_t			i;

	conf_free(through(sent, PROC_TLSPROXY, PROXY_NET));
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		refuse_octets(IMSG_CONF_GLOBAL, at[i], 0xff,
		    sizeof(uint32_t));
	refuse_octets(IMSG_CONF_GLOBAL, offsetof(struct conf_limits, slow), 0,
	    sizeof(uint32_t));
	refuse_octets(IMSG_CONF_GLOBAL, offsetof(struct conf_limits, memory),
	    0xff, sizeof(uint64_t));
	/* 31, and 129 */
	refuse_octets(IMSG_CONF_GLOBAL, offsetof(struct conf_limits,
	    ipv6_prefix), 31, 1);
	refuse_octets(IMSG_CONF_GLOBAL, offsetof(struct conf_limits,
	    ipv6_prefix), 129, 1);
	refuse_octets(IMSG_CONF_REALM, 14, 2, 1);	/* disconnects */
	refuse_octets(IMSG_CONF_REALM, 15, 1, 1);	/* what is unused */
}

static void
refuse(const struct conf *sent)
{
	conf_free(through(sent, PROC_KEEPER, 0));
	refuse_all();
	survive_all();
	conf_free(through(sent, PROC_BROKER, 0));
	refuse_octets(IMSG_CONF_POLICY, 40, 0, 4);	/* sessions */
	refuse_octets(IMSG_CONF_POLICY, 40, 0xff, 4);
	conf_free(through(sent, PROC_TLSPROXY, PROXY_NET));
	refuse_all();
	survive_all();
	conf_free(through(sent, PROC_BROKER, 0));
	refuse_all();
	survive_all();
}

/* -- files -------------------------------------------------------------- */

static void
expect_file(const struct conf *sent, int fd, const char *want)
{
	size_t	i;
	int	old, rc = 0;

	conf_free(through(sent, PROC_KEEPER, 0));
	for (i = 0; msgs[i].type != IMSG_CONF_KEY; i++)
		;
	old = msgs[i].fd;
	msgs[i].fd = fd;
	for (i = 0; i < nmsgs && rc == 0; i++)
		rc = feed(&msgs[i]);
	if (rc != -1 || strstr(why, want) == NULL ||
	    strstr(why, "keypair \"one\": key: ") == NULL)
		errx(1, "file that cannot be read: %d, \"%s\", want \"%s\"",
		    rc, why, want);
	msgs[i - 1].fd = old;
	conf_free(next);
	next = NULL;
}

static void
check_files(const struct conf *sent)
{
	int	fd, p[2];

	fd = file_of("");
	expect_file(sent, fd, "is empty");
	if (ftruncate(fd, CONF_MAXFILE + 1) == -1)
		err(1, "ftruncate");
	expect_file(sent, fd, "is larger than 1 MB");
	close(fd);
	if (pipe(p) == -1)
		err(1, "pipe");
	expect_file(sent, p[0], "Illegal seek");
	close(p[0]);
	close(p[1]);
	if ((fd = open(".", O_RDONLY)) == -1)
		err(1, ".");
	expect_file(sent, fd, "Is a directory");
	close(fd);
	/* the offset is everybody's: it was read to its end above */
	CHECK(lseek(TAILQ_FIRST(&sent->keypairs)->key_fd, 0, SEEK_CUR) == 7);
}

/* A descriptor that is not there, or a channel: said, not overlooked. */
static void
check_unsendable(struct conf *c)
{
	struct conf_keypair	*k = TAILQ_FIRST(&c->keypairs);
	static struct chan_rule	 table[IMSG_MAX];
	static struct chan_ops	 ops = { table, on_ended, NULL };
	struct chan		*chan;
	int			 sp[2], fd = k->key_fd;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		err(1, "socketpair");
	chan = chan_new(base, sp[0], 16384, &ops, NULL);
	k->key_fd = -1;
	CHECK(conf_send(chan, c, PROC_KEEPER, 0, NULL, NULL) == -1);
	CHECK(conf_send(chan, c, PROC_TLSPROXY, 0, NULL, NULL) == 0);
	k->key_fd = fd;
	chan_free(chan);
	close(sp[1]);
}

/* -- ids ---------------------------------------------------------------- */

static struct conf *
parse(const char *s)
{
	struct conf	*c;

	if ((c = conf_parse_text("test", s, strlen(s))) == NULL)
		errx(1, "does not parse: %s", s);
	return (c);
}

#define L	"listen on 127.0.0.1 port 80\n"
#define R(r)	"realm " r " { authenticate anonymous role x\n"		\
		"role x { allow any } role y { } }\n"

static void
check_ids(void)
{
	struct conf		*a = parse(L R("r1") R("r2")), *b, *c;
	struct conf_realm	*a1 = conf_find_realm(a, "r1", 2), *r;
	struct conf_role	*ro;

	conf_assign_ids(a, NULL);
	b = parse(R("r3") R("r1") "listen on ::1 port 1\n" L);
	conf_assign_ids(b, a);
	r = conf_find_realm(b, "r1", 2);
	CHECK(r->id == a1->id);
	CHECK(conf_find_role(r, "x")->id == conf_find_role(a1, "x")->id);
	CHECK(TAILQ_FIRST(&r->auths)->role == conf_find_role(r, "x")->id);
	CHECK(conf_find_listen(b, "127.0.0.1 port 80")->id ==
	    conf_find_listen(a, "127.0.0.1 port 80")->id);
	r = conf_find_realm(b, "r3", 2);
	CHECK(conf_find_realm_id(a, r->id) == NULL && r->id >= a->next_id);
	TAILQ_FOREACH(ro, &r->roles, entry)
		CHECK(ro->id >= a->next_id);
	CHECK(conf_find_listen(b, "::1 port 1")->id >= a->next_id);

	/* r2 went and comes back: as a new one */
	c = parse(L R("r2"));
	conf_assign_ids(c, b);
	r = conf_find_realm(c, "r2", 2);
	CHECK(r->id >= b->next_id && conf_find_realm_id(a, r->id) == NULL);
	/* again, after the configuration was refused: the same rules */
	conf_assign_ids(c, b);
	CHECK(conf_find_realm(c, "r2", 2)->id >= b->next_id);
	conf_free(a);
	conf_free(b);
	conf_free(c);
}

static void
check_keypair_ids(void)
{
	struct conf		*a, *b;
	struct conf_listen	*l;

	a = parse(text);
	conf_assign_ids(a, NULL);
	b = parse(text);
	conf_assign_ids(b, a);
	l = TAILQ_FIRST(&b->listens);
	CHECK(l->keypairs[0] == conf_find_keypair(a, "two")->id);
	CHECK(l->keypairs[1] == conf_find_keypair(a, "one")->id);
	CHECK(b->next_id == a->next_id);
	conf_free(a);
	conf_free(b);
}

/* One broker more moves about one realm in five, and only to it. */
static void
check_spread(void)
{
	struct conf		*a, *b;
	struct conf_realm	*r, *s;
	char			 name[32];
	unsigned int		 n[5] = { 0 }, moved = 0;
	int			 i;

	a = conf_new();
	b = conf_new();
	a->brokers = 4;
	b->brokers = 5;
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "realm%d", i);
		conf_add_realm(a, name, strlen(name));
		conf_add_realm(b, name, strlen(name));
	}
	conf_assign_ids(a, NULL);
	conf_assign_ids(b, a);
	TAILQ_FOREACH(r, &a->realms, entry) {
		s = conf_find_realm(b, r->name, strlen(r->name));
		CHECK(r->broker < 4 && s->broker < 5);
		n[r->broker]++;
		if (r->broker != s->broker) {
			CHECK(s->broker == 4);
			moved++;
		}
	}
	for (i = 0; i < 4; i++)
		CHECK(n[i] > 180 && n[i] < 320);
	CHECK(moved > 130 && moved < 270);
	conf_free(a);
	conf_free(b);
}

int
main(void)
{
	struct conf		*c;
	struct conf_listen	*l;
	struct conf_keypair	*k;

	if (getenv("TEST_TMP") != NULL && chdir(getenv("TEST_TMP")) == -1)
		err(1, "TEST_TMP");
	log_init(LOG_TO_STDERR, "confmsg");
	if ((base = event_base_new()) == NULL)
		errx(1, "event_base_new");
	if (open("/dev/null", O_RDONLY) == -1)
		err(1, "/dev/null");
	c = parse(text);
	c->generation = 42;
	k = TAILQ_FIRST(&c->keypairs);
	k->cert_fd = file_of("certificate one");
	k->key_fd = file_of("key one");
	k->ocsp_fd = file_of("staple one");
	k = TAILQ_NEXT(k, entry);
	k->cert_fd = file_of("certificate two");
	k->key_fd = file_of("key two");
	l = TAILQ_FIRST(&c->listens);
	l->ca_fd = file_of("their CA");
	l->crl_fd = file_of("revoked");
	check_keeper(c);
	check_proxy(c);
	check_broker(c);
	refuse(c);
	refuse_values(c);
	check_files(c);
	check_unsendable(c);
	forget();
	conf_free(c);
	check_ids();
	check_keypair_ids();
	check_spread();
	event_base_free(base);
	return (0);
}
