/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The configuration on its way to a child: conf_send() and conf_recv() as
 * mirror images.  A role gets its part only; files travel as descriptors,
 * so that a key is never in the parent's memory nor in an imsg.
 */
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "confmsg.h"
#include "log.h"
#include "msgtypes.h"
#include "wamp.h"
#include "xmalloc.h"

struct m_conf_global {
	struct conf_limits limits;
	uint32_t	 prefork;
	uint32_t	 brokers;
	uint32_t	 loglevel;
	uint32_t	 strict;
	uint32_t	 grace;
	uint32_t	 has_client_ca;
};

/* name */
struct m_conf_keypair {
	uint32_t	 id;
	uint16_t	 namelen;
	uint16_t	 pad;
};

/* CERT, KEY, OCSP; the descriptor with it */
struct m_conf_file {
	uint32_t	 keypair;
};

/* path; the descriptor with it */
struct m_conf_users {
	uint32_t	 id;
	uint16_t	 pathlen;
	uint16_t	 pad;
};

/* uint32_t[nkeypairs], name */
struct m_conf_listen {
	uint32_t	 id;
	uint32_t	 flags;
	uint32_t	 sers;
	uint16_t	 nkeypairs;
	uint16_t	 namelen;
};

struct m_conf_listen_fd {
	uint32_t	 listen;
	uint32_t	 i;		/* which address */
};

/* CLIENT_CA, CLIENT_CRL; the descriptor with it: path, for logs */
struct m_conf_client {
	uint32_t	 listen;
	uint16_t	 pathlen;
	uint16_t	 pad;
};

#define ITEM_PATH	1
#define ITEM_ORIGIN	2

/* text */
struct m_conf_listen_item {
	uint32_t	 listen;
	uint8_t		 what;		/* ITEM_* */
	uint8_t		 pad;
	uint16_t	 textlen;
};

/* "proxy protocol from" */
struct m_conf_from {
	uint32_t	 listen;
	struct conf_net	 net;
};

ASSERT_SIZE(conf_limits, 120);
ASSERT_SIZE(m_conf_global, 144);
ASSERT_SIZE(m_conf_keypair, 8);
ASSERT_SIZE(m_conf_file, 4);
ASSERT_SIZE(m_conf_listen, 16);
ASSERT_SIZE(m_conf_listen_fd, 8);
ASSERT_SIZE(m_conf_client, 8);
ASSERT_SIZE(m_conf_listen_item, 8);
ASSERT_SIZE(m_conf_from, 24);
ASSERT_SIZE(m_conf_users, 8);

/* -- send --------------------------------------------------------------- */

void
confmsg_put(struct confmsg_out *s, uint32_t type, const void *m, size_t mlen,
    const void *a, size_t alen, const void *b, size_t blen)
{
	const struct {
		const void	*p;
		size_t		 len;
	}		 part[3] = { { m, mlen }, { a, alen }, { b, blen } };
	struct iovec	 iov[3];
	char		 data[2 * CONFMSG_MAXTEXT];
	size_t		 i, off = 0;

	for (i = 0; i < 3; i++) {
		if (part[i].len > sizeof(data) - off) {
			s->has_failed = 1;
			return;
		}
		if (part[i].len > 0)
			memcpy(data + off, part[i].p, part[i].len);
		off += part[i].len;
	}
	iov[0].iov_base = data;
	iov[0].iov_len = off;
	if (chan_sendv(s->chan, type, 0, 0, iov, 1) == -1)
		s->has_failed = 1;
	s->n++;
}

/* A copy of the descriptor, which stays the caller's. */
static void
put_fd(struct confmsg_out *s, uint32_t type, const void *m, size_t len, int fd)
{
	int	copy;

	if (fd == -1 || (copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		s->has_failed = 1;
		return;
	}
	if (chan_send_fd(s->chan, type, 0, 0, m, len, copy) == -1)
		s->has_failed = 1;
	s->n++;
}

static void
send_global(struct confmsg_out *s, const struct conf *c)
{
	struct m_conf_global	m;

	memset(&m, 0, sizeof(m));
	m.limits = c->limits;
	m.prefork = c->prefork;
	m.brokers = c->brokers;
	m.loglevel = c->loglevel;
	m.strict = c->strict;
	m.grace = c->grace;
	m.has_client_ca = (uint32_t)conf_has_client_ca(c);
	confmsg_put(s, IMSG_CONF_GLOBAL, &m, sizeof(m), NULL, 0, NULL, 0);
}

static void
send_keypair(struct confmsg_out *s, const struct conf_keypair *k, int role)
{
	struct m_conf_keypair	m;
	struct m_conf_file	f;

	memset(&m, 0, sizeof(m));
	m.id = k->id;
	m.namelen = (uint16_t)strlen(k->name);
	confmsg_put(s, IMSG_CONF_KEYPAIR, &m, sizeof(m), k->name, m.namelen,
	    NULL, 0);
	f.keypair = k->id;
	put_fd(s, IMSG_CONF_CERT, &f, sizeof(f), k->cert_fd);
	if (role == PROC_KEEPER)
		put_fd(s, IMSG_CONF_KEY, &f, sizeof(f), k->key_fd);
	if (role == PROC_TLSPROXY && k->ocsp_fd != -1)
		put_fd(s, IMSG_CONF_OCSP, &f, sizeof(f), k->ocsp_fd);
}

/* What the keeper needs to judge people; it opens nothing itself. */
static void
send_users(struct confmsg_out *s, const struct conf *c)
{
	const struct conf_users	*u;
	struct m_conf_users	 m;
	char			 data[sizeof(m) + CONFMSG_MAXTEXT];

	if (c->secret_fd != -1)
		put_fd(s, IMSG_CONF_SECRET, NULL, 0, c->secret_fd);
	TAILQ_FOREACH(u, &c->users, entry) {
		memset(&m, 0, sizeof(m));
		m.id = u->id;
		m.pathlen = (uint16_t)strlen(u->path);
		if (m.pathlen > CONFMSG_MAXTEXT) {
			s->has_failed = 1;
			return;
		}
		memcpy(data, &m, sizeof(m));
		memcpy(data + sizeof(m), u->path, m.pathlen);
		put_fd(s, IMSG_CONF_USERS, data, sizeof(m) + m.pathlen,
		    u->fd);
	}
}

static void
send_item(struct confmsg_out *s, uint32_t id, uint8_t what, const char *text)
{
	struct m_conf_listen_item	m;

	memset(&m, 0, sizeof(m));
	m.listen = id;
	m.what = what;
	m.textlen = (uint16_t)strlen(text);
	confmsg_put(s, IMSG_CONF_LISTEN_ITEM, &m, sizeof(m), text, m.textlen,
	    NULL, 0);
}

static void
send_client(struct confmsg_out *s, uint32_t type, uint32_t id, const char *path,
    int fd)
{
	struct m_conf_client	m;
	char			data[sizeof(m) + CONFMSG_MAXTEXT];
	size_t			len = strlen(path);

	if (len > CONFMSG_MAXTEXT) {
		s->has_failed = 1;
		return;
	}
	memset(&m, 0, sizeof(m));
	m.listen = id;
	m.pathlen = (uint16_t)len;
	memcpy(data, &m, sizeof(m));
	memcpy(data + sizeof(m), path, len);
	put_fd(s, type, data, sizeof(m) + len, fd);
}

static void
send_from(struct confmsg_out *s, uint32_t id, const struct conf_net *net)
{
	struct m_conf_from	m;

	memset(&m, 0, sizeof(m));
	m.listen = id;
	m.net = *net;
	confmsg_put(s, IMSG_CONF_FROM, &m, sizeof(m), NULL, 0, NULL, 0);
}

static void
send_listen(struct confmsg_out *s, const struct conf_listen *l,
    int (*listen_fd)(void *, const struct conf_listen *, unsigned int),
    void *arg)
{
	struct m_conf_listen_fd	f;
	struct m_conf_listen	m;
	const struct conf_str	*str;
	uint32_t		 i;
	int			 fd;

	memset(&m, 0, sizeof(m));
	m.id = l->id;
	m.flags = l->flags;
	m.sers = l->sers;
	m.nkeypairs = (uint16_t)l->nkeypairs;
	m.namelen = (uint16_t)strlen(l->name);
	confmsg_put(s, IMSG_CONF_LISTEN, &m, sizeof(m), l->keypairs,
	    l->nkeypairs * sizeof(*l->keypairs), l->name, m.namelen);
	TAILQ_FOREACH(str, &l->paths, entry)
		send_item(s, l->id, ITEM_PATH, str->s);
	TAILQ_FOREACH(str, &l->origins, entry)
		send_item(s, l->id, ITEM_ORIGIN, str->s);
	for (i = 0; i < l->nfrom; i++)
		send_from(s, l->id, &l->from[i]);
	if (l->ca_path != NULL)
		send_client(s, IMSG_CONF_CLIENT_CA, l->id, l->ca_path,
		    l->ca_fd);
	if (l->crl_path != NULL)
		send_client(s, IMSG_CONF_CLIENT_CRL, l->id, l->crl_path,
		    l->crl_fd);
	for (i = 0; listen_fd != NULL && i < l->naddr; i++) {
		/* no IPv6 here: "*" is IPv4 alone */
		if ((fd = listen_fd(arg, l, i)) == -1)
			continue;
		f.listen = l->id;
		f.i = i;
		put_fd(s, IMSG_CONF_LISTEN_FD, &f, sizeof(f), fd);
	}
}

int
conf_send(struct chan *chan, const struct conf *c, int role, int kind,
    int (*listen_fd)(void *, const struct conf_listen *, unsigned int),
    void *arg)
{
	struct confmsg_out			 s = { chan, 0, 0 };
	const struct conf_keypair	*k;
	const struct conf_listen	*l;
	const struct conf_realm		*r;
	struct m_u32			 m;
	int				 is_local = kind == PROXY_UNIX;

	m.n = c->generation;
	confmsg_put(&s, IMSG_CONF_BEGIN, &m, sizeof(m), NULL, 0, NULL, 0);
	send_global(&s, c);
	if (role == PROC_KEEPER || (role == PROC_TLSPROXY && !is_local))
		TAILQ_FOREACH(k, &c->keypairs, entry)
			send_keypair(&s, k, role);
	if (role == PROC_KEEPER)
		send_users(&s, c);
	if (role == PROC_TLSPROXY)
		TAILQ_FOREACH(l, &c->listens, entry)
			if (((l->flags & LISTEN_UNIX) != 0) == is_local)
				send_listen(&s, l, listen_fd, arg);
	if (role == PROC_METRICS)
		TAILQ_FOREACH(l, &c->metrics, entry)
			send_listen(&s, l, listen_fd, arg);
	else
		TAILQ_FOREACH(r, &c->realms, entry)
			confmsg_send_realm(&s, r, role);
	m.n = s.n;
	confmsg_put(&s, IMSG_CONF_END, &m, sizeof(m), NULL, 0, NULL, 0);
	return (s.has_failed ? -1 : 0);
}

/* -- receive ------------------------------------------------------------ */

int
confmsg_get(struct confmsg_in *r, void *dst, size_t len)
{
	if (len > r->left)
		return (-1);
	memcpy(dst, r->p, len);
	r->p += len;
	r->left -= len;
	return (0);
}

int
confmsg_get_text(struct confmsg_in *r, const char **s, size_t len)
{
	if (len > r->left || memchr(r->p, '\0', len) != NULL)
		return (-1);
	*s = (const char *)r->p;
	r->p += len;
	r->left -= len;
	return (0);
}

int
confmsg_get_last(struct confmsg_in *r, const char **s, size_t len, size_t max)
{
	if (len != r->left || len > max)
		return (-1);
	return (confmsg_get_text(r, s, len));
}

static int
recv_global(struct confmsg_in *r)
{
	struct m_conf_global	m;
	struct conf		*c = r->conf;

	if (c->prefork != 0 || confmsg_get(r, &m, sizeof(m)) == -1 ||
	    r->left != 0)
		return (-1);
	if (m.prefork < 1 || m.prefork > CONF_MAXPREFORK || m.brokers < 1 ||
	    m.brokers > CONF_MAXBROKERS || m.loglevel > LOG_LEVEL_DEBUG ||
	    m.strict > 1 || m.has_client_ca > 1 ||
	    !conf_limits_are_good(&m.limits))
		return (-1);
	c->limits = m.limits;
	c->prefork = m.prefork;
	c->brokers = m.brokers;
	c->loglevel = m.loglevel;
	c->strict = m.strict;
	c->grace = m.grace;
	c->has_client_ca = m.has_client_ca;
	return (0);
}

static int
recv_keypair(struct confmsg_in *r)
{
	struct m_conf_keypair	 m;
	const char		*name;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    confmsg_get_last(r, &name, m.namelen, CONF_MAXNAME) == -1 ||
	    conf_find_keypair_id(r->conf, m.id) != NULL ||
	    r->conf->nkeypairs >= CONF_MAXKEYPAIRS)
		return (-1);
	conf_add_keypair(r->conf, name, m.namelen)->id = m.id;
	return (0);
}

/*
 * Read a whole file.  pread(2), since the siblings share the offset; no
 * fstat(2), which the sandbox does not let through.  Nothing of it stays
 * behind in freed memory.
 */
static int
read_file(struct confmsg_in *r, const char *whose, const char *what,
    size_t max, uint8_t **data, size_t *len)
{
	uint8_t		*buf;
	const char	*why = NULL;
	size_t		 n = 0;
	ssize_t		 got;

	if (*data != NULL)
		return (-1);
	buf = xcalloc(1, max + 1);
	while (n <= max) {
		got = pread(r->m->fd, buf + n, max + 1 - n, (off_t)n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			why = strerror(errno);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (why == NULL && n > max)
		why = max == CONF_MAXFILE ? "is larger than 1 MB" :
		    "is too large";
	if (why == NULL && n == 0)
		why = "is empty";
	if (why == NULL) {
		*data = xcalloc(1, n);
		memcpy(*data, buf, n);
		*len = n;
	} else
		snprintf(r->err, r->errlen, "%s: %s: %s", whose, what, why);
	freezero(buf, n);
	return (why == NULL ? 0 : -1);
}

static int
recv_file(struct confmsg_in *r)
{
	struct m_conf_file	 m;
	struct conf_keypair	*k;
	char			 whose[CONF_MAXNAME + 16];

	if (confmsg_get(r, &m, sizeof(m)) == -1 || r->left != 0 ||
	    (k = conf_find_keypair_id(r->conf, m.keypair)) == NULL)
		return (-1);
	snprintf(whose, sizeof(whose), "keypair \"%s\"", k->name);
	switch (r->m->type) {
	case IMSG_CONF_CERT:
		return (read_file(r, whose, "certificate", CONF_MAXFILE,
		    &k->cert, &k->certlen));
	case IMSG_CONF_KEY:
		return (read_file(r, whose, "key", CONF_MAXFILE, &k->key,
		    &k->keylen));
	default:
		return (read_file(r, whose, "ocsp", CONF_MAXFILE, &k->ocsp,
		    &k->ocsplen));
	}
}

static int
recv_secret(struct confmsg_in *r)
{
	struct conf	*c = r->conf;

	if (r->left != 0 || read_file(r, "secret", "file", CONF_MAXSECRET,
	    &c->secret, &c->secretlen) == -1)
		return (-1);
	if (c->secretlen >= CONF_MINSECRET)
		return (0);
	snprintf(r->err, r->errlen, "secret: has fewer than %d octets",
	    CONF_MINSECRET);
	return (-1);
}

static int
recv_users(struct confmsg_in *r)
{
	struct m_conf_users	 m;
	struct conf_users	*u;
	const char		*path;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    m.pathlen == 0 || m.id == 0 ||
	    confmsg_get_last(r, &path, m.pathlen, CONFMSG_MAXTEXT) == -1 ||
	    r->conf->nusers >= CONF_MAXUSERS ||
	    conf_find_users_id(r->conf, m.id) != NULL)
		return (-1);
	u = conf_add_users(r->conf, path, m.pathlen);
	if (u->fd != -1)
		return (-1);	/* that path was there */
	u->id = m.id;
	u->fd = r->m->fd;
	r->m->fd = -1;
	return (0);
}

static int
recv_listen(struct confmsg_in *r)
{
	const uint32_t		 known = LISTEN_TLS | LISTEN_INSECURE |
				    LISTEN_RAWSOCKET | LISTEN_WEBSOCKET |
				    LISTEN_RSPING | LISTEN_UNIX |
				    LISTEN_TLS12 | LISTEN_TLS13 |
				    LISTEN_CLIENT_CA | LISTEN_CLIENT_REQUIRED |
				    LISTEN_PROXY | LISTEN_METRICS;
	uint32_t		 ids[CONF_MAXKEYPAIRS];
	struct m_conf_listen	 m;
	struct conf_listen	*l;
	const char		*name;
	size_t			 i;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    m.nkeypairs > CONF_MAXKEYPAIRS ||
	    confmsg_get(r, ids, m.nkeypairs * sizeof(ids[0])) == -1 ||
	    confmsg_get_last(r, &name, m.namelen, CONFMSG_MAXTEXT) == -1)
		return (-1);
	if ((m.flags & ~known) != 0)
		return (-1);
	/* nothing but HTTP */
	if ((m.flags & LISTEN_METRICS) != 0 ? m.sers != 0 ||
	    m.nkeypairs != 0 || (m.flags & ~(LISTEN_METRICS | LISTEN_UNIX |
	    LISTEN_INSECURE)) != 0 : m.sers == 0 || (m.sers & ~0xeU) != 0 ||
	    (m.flags & (LISTEN_RAWSOCKET | LISTEN_WEBSOCKET)) == 0)
		return (-1);
	if ((m.flags & LISTEN_TLS) != 0 && (m.nkeypairs == 0 ||
	    (m.flags & (LISTEN_TLS12 | LISTEN_TLS13)) == 0))
		return (-1);
	if ((m.flags & (LISTEN_CLIENT_CA | LISTEN_TLS)) == LISTEN_CLIENT_CA ||
	    (m.flags & (LISTEN_CLIENT_CA | LISTEN_CLIENT_REQUIRED)) ==
	    LISTEN_CLIENT_REQUIRED)
		return (-1);
	if ((m.flags & LISTEN_PROXY) != 0 && (m.flags & LISTEN_UNIX) != 0)
		return (-1);
	for (i = 0; i < m.nkeypairs; i++)
		if (conf_find_keypair_id(r->conf, ids[i]) == NULL)
			return (-1);
	TAILQ_FOREACH(l, &r->conf->listens, entry)
		if (l->id == m.id)
			return (-1);
	if (r->conf->nlistens >= CONF_MAXLISTENS)
		return (-1);
	l = conf_add_listen(r->conf, name, m.namelen);
	l->id = m.id;
	l->flags = m.flags;
	l->sers = m.sers;
	l->nkeypairs = m.nkeypairs;
	l->keypairs = xcalloc((size_t)m.nkeypairs + 1, sizeof(ids[0]));
	memcpy(l->keypairs, ids, m.nkeypairs * sizeof(ids[0]));
	return (0);
}

/* What belongs to a listener follows it at once. */
static struct conf_listen *
last_listen(const struct confmsg_in *r, uint32_t id)
{
	struct conf_listen	*l;

	l = TAILQ_LAST(&r->conf->listens, conf_listens);
	return (l != NULL && l->id == id ? l : NULL);
}

static int
recv_listen_fd(struct confmsg_in *r)
{
	struct m_conf_listen_fd	 m;
	struct conf_listen	*l;

	if (confmsg_get(r, &m, sizeof(m)) == -1 || r->left != 0 ||
	    (l = last_listen(r, m.listen)) == NULL ||
	    m.i >= LISTEN_MAXADDRS || l->fds[m.i] != -1)
		return (-1);
	l->fds[m.i] = r->m->fd;
	l->naddr = m.i + 1;
	r->m->fd = -1;
	return (0);
}

static int
recv_listen_item(struct confmsg_in *r)
{
	struct m_conf_listen_item	 m;
	struct conf_listen		*l;
	const char			*text;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    confmsg_get_last(r, &text, m.textlen, CONFMSG_MAXTEXT) == -1 ||
	    (l = last_listen(r, m.listen)) == NULL ||
	    (m.what != ITEM_PATH && m.what != ITEM_ORIGIN))
		return (-1);
	conf_add_str(m.what == ITEM_PATH ? &l->paths : &l->origins, text,
	    m.textlen);
	return (0);
}

static int
recv_from(struct confmsg_in *r)
{
	struct m_conf_from	 m;
	struct conf_listen	*l;
	size_t			 i;

	if (confmsg_get(r, &m, sizeof(m)) == -1 || r->left != 0 ||
	    (l = last_listen(r, m.listen)) == NULL ||
	    (l->flags & LISTEN_PROXY) == 0 || l->nfrom >= CONF_MAXNETS ||
	    !conf_net_is_valid(&m.net))
		return (-1);
	for (i = 0; i < l->nfrom; i++)
		if (memcmp(&l->from[i], &m.net, sizeof(m.net)) == 0)
			return (-1);
	conf_add_from(l, &m.net);
	return (0);
}

static int
recv_client(struct confmsg_in *r)
{
	struct m_conf_client	 m;
	struct conf_listen	*l;
	const char		*path;
	char			 whose[128];
	int			 is_crl = r->m->type == IMSG_CONF_CLIENT_CRL;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    confmsg_get_last(r, &path, m.pathlen, CONFMSG_MAXTEXT) == -1 ||
	    (l = last_listen(r, m.listen)) == NULL ||
	    (l->flags & LISTEN_CLIENT_CA) == 0 ||
	    (is_crl ? l->crl_path : l->ca_path) != NULL)
		return (-1);
	snprintf(whose, sizeof(whose), "listen on %s", l->name);
	if (is_crl) {
		l->crl_path = xstrndup(path, m.pathlen);
		return (read_file(r, whose, "client crl", CONF_MAXFILE,
		    &l->crl, &l->crllen));
	}
	l->ca_path = xstrndup(path, m.pathlen);
	return (read_file(r, whose, "client ca", CONF_MAXFILE, &l->ca,
	    &l->calen));
}

/* Everything arrived, every keypair with a certificate, every listener that
 * shall ask for one with the CA that it believes, and every one for balancers
 * with some. */
static int
recv_end(struct confmsg_in *r)
{
	const struct conf_keypair	*k;
	const struct conf_listen	*l;
	struct m_u32			 m;

	if (confmsg_get(r, &m, sizeof(m)) == -1 || r->left != 0 ||
	    m.n != r->conf->nrecv || r->conf->prefork == 0)
		return (-1);
	TAILQ_FOREACH(k, &r->conf->keypairs, entry)
		if (k->cert == NULL)
			return (-1);
	TAILQ_FOREACH(l, &r->conf->listens, entry)
		if (((l->flags & LISTEN_CLIENT_CA) != 0 && l->ca == NULL) ||
		    ((l->flags & LISTEN_PROXY) != 0 && l->nfrom == 0))
			return (-1);
	return (1);
}

int
conf_recv(struct conf **next, struct imsg *m, char *err, size_t errlen)
{
	static const struct {
		int	(*handler)(struct confmsg_in *);
		int	  wants_fd;
	} rows[IMSG_MAX] = {
		[IMSG_CONF_GLOBAL] = { recv_global, 0 },
		[IMSG_CONF_KEYPAIR] = { recv_keypair, 0 },
		[IMSG_CONF_CERT] = { recv_file, 1 },
		[IMSG_CONF_KEY] = { recv_file, 1 },
		[IMSG_CONF_OCSP] = { recv_file, 1 },
		[IMSG_CONF_SECRET] = { recv_secret, 1 },
		[IMSG_CONF_USERS] = { recv_users, 1 },
		[IMSG_CONF_LISTEN] = { recv_listen, 0 },
		[IMSG_CONF_LISTEN_FD] = { recv_listen_fd, 1 },
		[IMSG_CONF_LISTEN_ITEM] = { recv_listen_item, 0 },
		[IMSG_CONF_CLIENT_CA] = { recv_client, 1 },
		[IMSG_CONF_CLIENT_CRL] = { recv_client, 1 },
		[IMSG_CONF_REALM] = { confmsg_recv_realm, 0 },
		[IMSG_CONF_AUTH] = { confmsg_recv_auth, 0 },
		[IMSG_CONF_ROLE] = { confmsg_recv_role, 0 },
		[IMSG_CONF_RULE] = { confmsg_recv_rule, 0 },
		[IMSG_CONF_AUTHORIZER] = { confmsg_recv_authorizer, 0 },
		[IMSG_CONF_ASKED] = { confmsg_recv_asked, 0 },
		[IMSG_CONF_POLICY] = { confmsg_recv_policy, 0 },
		[IMSG_CONF_TOPIC] = { confmsg_recv_topic, 0 },
		[IMSG_CONF_FROM] = { recv_from, 0 },
		[IMSG_CONF_END] = { recv_end, 0 },
	};
	struct confmsg_in	r = { *next, m, m->data, m->len, err, errlen };
	struct m_u32		generation;
	int			rc;

	snprintf(err, errlen, "imsg %u of the configuration is not "
	    "understood", m->type);
	if (m->type == IMSG_CONF_BEGIN) {
		if (confmsg_get(&r, &generation, sizeof(generation)) == -1 ||
		    r.left != 0)
			return (-1);
		conf_free(*next);
		*next = conf_new();
		(*next)->generation = generation.n;
		(*next)->nrecv = 1;
		return (0);
	}
	if (*next == NULL || m->type >= IMSG_MAX ||
	    rows[m->type].handler == NULL ||
	    rows[m->type].wants_fd != (m->fd != -1))
		return (-1);
	rc = rows[m->type].handler(&r);
	(*next)->nrecv++;
	return (rc);
}
