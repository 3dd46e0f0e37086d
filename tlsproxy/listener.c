/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Listening sockets, which the parent opened, and who may connect: limits
 * in all and per address, which the parent adds up over all tlsproxies.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "addr.h"
#include "chan.h"
#include "isotime.h"
#include "mono.h"
#include "tls_key.h"
#include "tlsproxy.h"

#define ACCEPT_BURST	64	/* connections a listener and turn */
#define PEER_MAXLEN	80
#define REPORT_MS	20	/* at least, between two of CONN_COUNT */
#define SHED_MS		1000	/* who came before that may stay */

static void	listener_on_read(evutil_socket_t, short, void *);

/* -- configuration ------------------------------------------------------ */

void
listener_unref(struct listener *l)
{
	size_t	i;

	if (--l->refs > 0)
		return;
	tls_free(l->tls);
	client_files_free(l->client);
	for (i = 0; i < l->npaths; i++)
		free(l->paths[i]);
	for (i = 0; i < l->norigins; i++)
		free(l->origins[i]);
	free(l->paths);
	free(l->origins);
	free(l->from);
	free(l->name);
	free(l);
}

/*
 * The parent has the socket, too, so that closing it does not take it from
 * epoll; and libevent does that (EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) only
 * when it waits next.  Closed before, the number would be another's and be
 * readable for ever.
 */
static void
listener_close_later(struct proxy *p, int fd)
{
	if (p->stale.n == sizeof(p->stale.fds) / sizeof(p->stale.fds[0])) {
		close(fd);
		return;
	}
	p->stale.fds[p->stale.n++] = fd;
	proxy_ask_next_turn(p);
}

void
listeners_turn_end(struct proxy *p)
{
	if (p->stale.n == 0 && p->forgotten.n == 0)
		return;
	while (p->forgotten.n > 0)
		close(p->forgotten.fds[--p->forgotten.n]);
	p->forgotten = p->stale;
	p->stale.n = 0;
	if (p->forgotten.n > 0)
		proxy_ask_next_turn(p);
}

/* Stop listening; connections keep the rest alive. */
static void
listener_close(struct listener *l)
{
	unsigned int	i;

	for (i = 0; i < l->nsocks; i++) {
		if (l->ev[i] != NULL)
			event_free(l->ev[i]);
		listener_close_later(l->p, l->fds[i]);
	}
	l->nsocks = 0;
	listener_unref(l);
}

static int
copy_strs(const struct conf_strs *list, char ***out, size_t *n)
{
	struct conf_str	*cs;
	size_t		 count = 0;

	TAILQ_FOREACH(cs, list, entry)
		count++;
	*n = 0;
	if (count == 0)
		return (0);
	if ((*out = calloc(count, sizeof(**out))) == NULL)
		return (-1);
	TAILQ_FOREACH(cs, list, entry) {
		if (((*out)[*n] = strdup(cs->s)) == NULL)
			return (-1);
		(*n)++;
	}
	return (0);
}

static int
copy_nets(struct listener *l, const struct conf_listen *cl)
{
	if (cl->nfrom == 0)
		return (0);
	if ((l->from = calloc(cl->nfrom, sizeof(*l->from))) == NULL)
		return (-1);
	memcpy(l->from, cl->from, cl->nfrom * sizeof(*l->from));
	l->nfrom = cl->nfrom;
	return (0);
}

static struct listener *
listener_new(struct proxy *p, const struct conf *conf,
    const struct conf_listen *cl, char *err, size_t errlen)
{
	struct listener	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		snprintf(err, errlen, "out of memory");
		return (NULL);
	}
	l->refs = 1;
	l->p = p;
	l->id = cl->id;
	l->flags = cl->flags;
	l->sers = cl->sers;
	if ((l->name = strdup(cl->name)) == NULL ||
	    copy_strs(&cl->paths, &l->paths, &l->npaths) == -1 ||
	    copy_strs(&cl->origins, &l->origins, &l->norigins) == -1 ||
	    copy_nets(l, cl) == -1) {
		snprintf(err, errlen, "out of memory");
		goto fail;
	}
	if ((cl->flags & LISTEN_TLS) &&
	    (l->tls = tls_listener_new(conf, cl, err, errlen)) == NULL)
		goto fail;
	if (cl->crl != NULL &&
	    (l->client = client_files_new(cl, err, errlen)) == NULL)
		goto fail;
	return (l);
fail:
	listener_unref(l);
	return (NULL);
}

struct listener *
listener_now(struct listener *l)
{
	struct listener	*now;

	TAILQ_FOREACH(now, &l->p->listeners, entry)
		if (now->id == l->id)
			return (now);
	return (NULL);
}

/* Would every listener of the new configuration come up? */
int
listeners_check(struct conf *conf, char *err, size_t errlen)
{
	struct conf_listen	*cl;
	struct listener		*l;

	TAILQ_FOREACH(cl, &conf->listens, entry) {
		if ((l = listener_new(proxy, conf, cl, err, errlen)) == NULL)
			return (-1);
		listener_unref(l);
	}
	return (0);
}

void
listeners_commit(struct proxy *p, struct conf *conf)
{
	struct conf_listen	*cl;
	struct listener		*l;
	char			 err[256];
	unsigned int		 i;

	while ((l = TAILQ_FIRST(&p->listeners)) != NULL) {
		TAILQ_REMOVE(&p->listeners, l, entry);
		listener_close(l);
	}
	p->is_accepting = 0;
	p->at_limit = 0;
	TAILQ_FOREACH(cl, &conf->listens, entry) {
		if ((l = listener_new(p, conf, cl, err, sizeof(err))) ==
		    NULL) {
			/* it was possible a moment ago */
			log_warnx("listen on %s: %s", cl->name, err);
			continue;
		}
		for (i = 0; i < cl->naddr && i < LISTEN_MAXADDRS; i++) {
			if (cl->fds[i] == -1)
				continue;
			l->fds[l->nsocks] = cl->fds[i];
			cl->fds[i] = -1;
			/* a predecessor that was taken over may have made
			 * the shared socket one that blocks */
			evutil_make_socket_nonblocking(l->fds[l->nsocks]);
			l->ev[l->nsocks] = event_new(p->proc.base,
			    l->fds[l->nsocks], EV_READ | EV_PERSIST,
			    listener_on_read, l);
			l->nsocks++;
		}
		TAILQ_INSERT_TAIL(&p->listeners, l, entry);
	}
	listeners_update(p);
	revoked_start(p);
}

/* What was good at start may have expired since. */
void
listener_refused_cert(struct listener *l)
{
	const struct conf_listen	*cl;
	uint64_t			 now = mono_ms();

	if (now < l->warn_at)
		return;
	l->warn_at = now + WARN_AGAIN_MS;
	TAILQ_FOREACH(cl, &l->p->conf->listens, entry)
		if (cl->id == l->id)
			tls_client_warn(cl);
}

void
listeners_update(struct proxy *p)
{
	struct listener	*l;
	unsigned int	 i;
	int		 want;

	want = p->may_accept && !p->is_full && !p->at_limit &&
	    !p->is_starved && !p->is_shutting && !p->drain.is_on &&
	    p->keeper != NULL;
	if (want == p->is_accepting)
		return;
	p->is_accepting = want;
	TAILQ_FOREACH(l, &p->listeners, entry)
		for (i = 0; i < l->nsocks; i++) {
			if (l->ev[i] == NULL)
				continue;
			if (want)
				event_add(l->ev[i], NULL);
			else
				event_del(l->ev[i]);
		}
}

/* -- addresses ---------------------------------------------------------- */

static size_t
addr_hash(const uint8_t key[16])
{
	uint64_t	a, b;

	memcpy(&a, key, 8);
	memcpy(&b, key + 8, 8);
	a = (a ^ (b * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL;
	return ((size_t)(a ^ (a >> 32)));
}

static struct addrcount **
addr_place(struct proxy *p, const uint8_t key[16])
{
	struct addrcount	**pa;

	for (pa = &p->addrs[addr_hash(key) & (p->sizeaddrs - 1)];
	    *pa != NULL; pa = &(*pa)->next)
		if (memcmp((*pa)->addr, key, 16) == 0)
			break;
	return (pa);
}

/* NULL: nobody has it. */
static struct addrcount *
addr_find(struct proxy *p, const uint8_t key[16])
{
	return (p->sizeaddrs > 0 ? *addr_place(p, key) : NULL);
}

static int
addrs_grow(struct proxy *p)
{
	struct addrcount	**nt, *a, *next;
	size_t			  i, h, n;

	if (p->naddrs < p->sizeaddrs)
		return (0);
	n = p->sizeaddrs == 0 ? 256 : p->sizeaddrs * 2;
	if ((nt = calloc(n, sizeof(*nt))) == NULL)
		return (-1);
	for (i = 0; i < p->sizeaddrs; i++)
		for (a = p->addrs[i]; a != NULL; a = next) {
			next = a->next;
			h = addr_hash(a->addr) & (n - 1);
			a->next = nt[h];
			nt[h] = a;
		}
	free(p->addrs);
	p->addrs = nt;
	p->sizeaddrs = n;
	return (0);
}

static struct addrcount *
addr_get(struct proxy *p, const uint8_t key[16])
{
	struct addrcount	**pa, *a;

	if (addrs_grow(p) == -1)
		return (NULL);
	if (*(pa = addr_place(p, key)) != NULL)
		return (*pa);
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	memcpy(a->addr, key, 16);
	*pa = a;
	p->naddrs++;
	return (a);
}

/* Freed when nothing is to be said or remembered of it any more. */
static void
addr_drop_if_done(struct proxy *p, struct addrcount *a)
{
	struct addrcount	**pa;

	if (a->count > 0 || a->is_dirty || a->is_over)
		return;
	pa = addr_place(p, a->addr);
	*pa = a->next;
	p->naddrs--;
	free(a);
}

static void
addr_mark(struct proxy *p, struct addrcount *a)
{
	if (a->is_dirty)
		return;
	a->is_dirty = 1;
	TAILQ_INSERT_TAIL(&p->dirty_addrs, a, dirty_entry);
}

void
addr_connected(struct conn *c)
{
	uint8_t	key[16];

	addr_cut(key, c->from, c->p->conf->limits.ipv6_prefix);
	if ((c->addr = addr_get(c->p, key)) == NULL)
		return;
	c->addr->count++;
	addr_mark(c->p, c->addr);
}

void
addr_left(struct conn *c)
{
	if (c->addr == NULL)
		return;
	c->addr->count--;
	addr_mark(c->p, c->addr);
	c->addr = NULL;
}

void
addrs_recount(struct proxy *p)
{
	struct conn	*c;

	TAILQ_FOREACH(c, &p->conns, entry) {
		if (c->pp != NULL)
			continue;	/* it is nobody's yet */
		addr_left(c);
		addr_connected(c);
		if (c->addr != NULL)
			c->addr->is_kept = 1;	/* who is in stays */
	}
}

static void
log_refused(struct proxy *p, enum refused why, const char *peer)
{
	static const char *const	 reasons[REFUSED_MAX] = {
		[REFUSED_ADDRESS] = "connections per address",
		[REFUSED_CONNECTIONS] = "connections",
		[REFUSED_PROXY] = "may not speak the PROXY protocol"
	};

	p->counts.refused[why]++;
	if (log_may(&p->log_refused, 5))
		log_session("refused address=%s reason=\"%s\"", peer,
		    reasons[why]);
}

static void
log_per_address(struct proxy *p, const char *peer)
{
	limit_hit(LIMIT_PER_ADDRESS);
	log_refused(p, REFUSED_ADDRESS, peer);
}

static int
addr_may_connect(struct proxy *p, const uint8_t addr[16])
{
	struct addrcount	*a;
	uint8_t			 key[16];

	addr_cut(key, addr, p->conf->limits.ipv6_prefix);
	return ((a = addr_find(p, key)) == NULL ||
	    (!a->is_over && a->count < p->conf->limits.per_address));
}

int
addr_announced(struct conn *c, const struct sockaddr_storage *from)
{
	char	 peer[PEER_MAXLEN], *copy;

	if (from->ss_family != AF_UNSPEC) {
		addr_key(from, 0, c->from);
		addr_text(from, 0, peer, sizeof(peer));
		log_debug("connection from %s is that of %s", c->peer, peer);
		if ((copy = strdup(peer)) == NULL) {
			conn_kill(c, "out of memory");
			return (-1);
		}
		free(c->peer);
		c->peer = copy;
	}
	if (!addr_may_connect(c->p, c->from)) {
		log_per_address(c->p, c->peer);
		conn_kill(c, "connections per address");
		return (-1);
	}
	addr_connected(c);
	if (c->addr == NULL) {
		conn_kill(c, "out of memory");
		return (-1);
	}
	return (0);
}

/* Is it too early to report?  In a storm each turn would wake the parent. */
static int
addr_must_wait(struct proxy *p)
{
	struct timeval	tv = { 0, 0 };
	uint64_t	now = mono_ms();

	if (now >= p->report_at) {
		p->report_at = now + REPORT_MS;
		return (0);
	}
	tv.tv_usec = (suseconds_t)(p->report_at - now) * 1000;
	if (!event_pending(p->report, EV_TIMEOUT, NULL))
		event_add(p->report, &tv);
	return (1);
}

/* At the end of a turn: what has changed. */
void
addr_report(struct proxy *p)
{
	struct m_conn_count	 m[256];
	struct addrcount	*a;
	size_t			 n = 0;

	if ((!p->total_dirty && TAILQ_EMPTY(&p->dirty_addrs)) ||
	    addr_must_wait(p))
		return;
	if (p->total_dirty) {
		memset(&m[n], 0, sizeof(m[n]));
		m[n].is_kept = (uint32_t)p->total_kept;
		m[n++].count = p->nconns;
		p->total_dirty = p->total_kept = 0;
	}
	while ((a = TAILQ_FIRST(&p->dirty_addrs)) != NULL) {
		TAILQ_REMOVE(&p->dirty_addrs, a, dirty_entry);
		a->is_dirty = 0;
		memcpy(m[n].addr, a->addr, 16);
		m[n].is_kept = a->is_kept;
		m[n++].count = a->count;
		a->is_kept = 0;
		addr_drop_if_done(p, a);
		if (n == sizeof(m) / sizeof(m[0])) {
			chan_send(p->proc.parent, IMSG_CONN_COUNT, 0, 0, m,
			    n * sizeof(m[0]));
			n = 0;
		}
	}
	if (n > 0)
		chan_send(p->proc.parent, IMSG_CONN_COUNT, 0, 0, m,
		    n * sizeof(m[0]));
}

int
addr_on_limit(struct chan *ch, struct imsg *im)
{
	static const uint8_t	 zero[16];
	struct proxy		*p = proxy;
	struct m_conn_limit	 m;
	struct addrcount	*a;
	size_t			 off;

	(void)ch;
	if (im->len % sizeof(m) != 0)
		return (-1);
	for (off = 0; off < im->len; off += sizeof(m)) {
		memcpy(&m, im->data + off, sizeof(m));
		if (memcmp(m.addr, zero, 16) == 0) {
			p->is_full = m.is_over != 0;
			continue;
		}
		if ((a = addr_get(p, m.addr)) == NULL)
			continue;
		a->is_over = m.is_over != 0;
		addr_drop_if_done(p, a);
	}
	listeners_update(p);
	return (0);
}

/* Has it just come?  An order that is late ends nobody else. */
static int
is_new(const struct conn *c, int64_t now)
{
	int64_t	age = now - (int64_t)c->since;

	return (age >= 0 && age < SHED_MS);
}

static void
shed(struct conn *c, uint32_t *nall)
{
	struct addrcount	*a = c->addr;

	if (c->state == CONN_DEAD)
		return;
	if (a != NULL && a->nshed > 0) {
		a->nshed--;
		if (*nall > 0)
			(*nall)--;
		log_per_address(c->p, c->peer);
		conn_kill(c, "connections per address");
	} else if (*nall > 0) {
		(*nall)--;
		log_refused(c->p, REFUSED_CONNECTIONS, c->peer);
		conn_kill(c, "connections");
	}
}

/*
 * Before the parent said that a limit was reached, others of us had accepted
 * some as well: those above it that came last go.
 */
int
addr_on_shed(struct chan *ch, struct imsg *im)
{
	static const uint8_t	 zero[16];
	struct proxy		*p = proxy;
	struct m_conn_count	 m;
	struct addrcount	*a;
	struct conn		*c;
	int64_t			 now = (int64_t)wall_ms();
	uint32_t		 nall = 0;
	size_t			 off;

	(void)ch;
	if (im->len % sizeof(m) != 0)
		return (-1);
	for (off = 0; off < im->len; off += sizeof(m)) {
		memcpy(&m, im->data + off, sizeof(m));
		if (memcmp(m.addr, zero, 16) == 0)
			nall = p->nconns > m.count ? p->nconns - m.count : 0;
		else if ((a = addr_find(p, m.addr)) != NULL)
			a->nshed = a->count > m.count ? a->count - m.count : 0;
	}
	TAILQ_FOREACH_REVERSE(c, &p->conns, conns, entry) {
		if (!is_new(c, now))
			break;
		shed(c, &nall);
	}
	/* the parent takes those for gone that are not */
	if (nall > 0)
		p->total_kept = p->total_dirty = 1;
	for (off = 0; off < im->len; off += sizeof(m)) {
		memcpy(&m, im->data + off, sizeof(m));
		if ((a = addr_find(p, m.addr)) == NULL || a->nshed == 0)
			continue;
		a->nshed = 0;
		a->is_kept = 1;
		addr_mark(p, a);
	}
	return (0);
}

/* -- accepting ---------------------------------------------------------- */

static void
out_of_descriptors(struct proxy *p)
{
	struct timeval	tv = { 0, PAUSE_MS * 1000 };

	log_warn("accepting pauses");
	p->is_starved = 1;
	listeners_update(p);
	event_add(p->resume, &tv);
}

/* Those that the kernel gave to us wait; others have sockets of their own. */
static void
pause_at_limit(struct proxy *p)
{
	if (p->most < p->conf->limits.connections &&
	    mono_ms() >= p->most_warn_at) {
		p->most_warn_at = mono_ms() + WARN_AGAIN_MS;
		log_warnx("accepting pauses: %u clients are as many as it may "
		    "have descriptors for (ulimit -n)", p->nconns);
	}
	p->at_limit = 1;
	listeners_update(p);
}

/* "proxy protocol from" */
static int
is_balancer(const struct listener *l, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in	*in4 = (const void *)ss;
	const struct sockaddr_in6	*in6 = (const void *)ss;
	size_t				 i;

	for (i = 0; i < l->nfrom; i++)
		if (conf_net_has(&l->from[i], ss->ss_family,
		    ss->ss_family == AF_INET ? (const void *)&in4->sin_addr :
		    (const void *)&in6->sin6_addr))
			return (1);
	return (0);
}

static void
connection(struct listener *l, int fd, const struct sockaddr_storage *ss)
{
	struct proxy	*p = l->p;
	struct conn	*c;
	struct ucred	 cred;
	socklen_t	 len = sizeof(cred);
	uint8_t		 addr[16];
	char		 peer[PEER_MAXLEN];

	memset(&cred, 0, sizeof(cred));
	if ((l->flags & LISTEN_UNIX) && getsockopt(fd, SOL_SOCKET,
	    SO_PEERCRED, &cred, &len) == -1) {
		p->counts.refused[REFUSED_FAILED]++;
		if (log_may(&p->log_memory, 5))
			log_warn("listen on %s: credentials of a peer",
			    l->name);
		close(fd);
		return;
	}
	addr_key(ss, cred.uid, addr);
	addr_text(ss, cred.uid, peer, sizeof(peer));
	if ((l->flags & LISTEN_PROXY) != 0) {
		/* not counted before it is known whose it is */
		if (!is_balancer(l, ss)) {
			log_refused(p, REFUSED_PROXY, peer);
			close(fd);
			return;
		}
	} else if (!addr_may_connect(p, addr)) {
		log_per_address(p, peer);
		close(fd);
		return;
	}
	if ((c = conn_new(p, l, fd, peer, addr)) == NULL) {
		p->counts.refused[REFUSED_FAILED]++;
		return;
	}
	c->uid = cred.uid;
	c->gid = cred.gid;
}

/* The next who waits, or -1. */
static int
accept_one(struct listener *l, int fd)
{
	struct proxy		*p = l->p;
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	int			 s;

	/* not more than the limit, though others may have some */
	if (p->nconns >= p->most) {
		pause_at_limit(p);
		return (-1);
	}
	memset(&ss, 0, sizeof(ss));
	s = accept4(fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (s == -1) {
		if (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)
			out_of_descriptors(p);
		return (-1);
	}
	p->counts.accepted++;
	connection(l, s, &ss);
	return (0);
}

/*
 * Nobody accepts here any more.  Most of these sockets our successors have as
 * well; on one that they have not, nobody may wait for an answer.
 */
void
listeners_leave(struct proxy *p)
{
	struct listener	*l;
	unsigned int	 i, n;

	TAILQ_FOREACH(l, &p->listeners, entry) {
		for (i = 0; i < l->nsocks; i++) {
			for (n = 0; n < SOMAXCONN && p->is_accepting &&
			    accept_one(l, l->fds[i]) == 0; n++)
				;
			if (l->ev[i] != NULL)
				event_free(l->ev[i]);
			l->ev[i] = NULL;
			listener_close_later(p, l->fds[i]);
		}
		l->nsocks = 0;
	}
}

static void
listener_on_read(evutil_socket_t fd, short what, void *arg)
{
	struct listener	*l = arg;
	int		 i;

	(void)what;
	for (i = 0; i < ACCEPT_BURST && l->p->is_accepting; i++)
		if (accept_one(l, fd) == -1)
			return;
}
