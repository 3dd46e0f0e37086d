/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What tlsproxies may say to the keeper, on both their channels and between
 * their deaths: a GRANT follows from a HELLO of that tlsproxy alone and from
 * a line of its realm, socket proofs count from the Unix sockets' one only,
 * and nothing is signed that has not the shape of a signature's input.
 */
#include <sys/mman.h>
#include <sys/queue.h>

#include <event2/event.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int	keeper_main(int, char **);
#define main	keeper_main
#include "../../keeper/keeper.c"
#undef main

#include "codec.h"
#include "mpcur.h"
#include "wamp.h"
#include "xmalloc.h"

#define MUST(x)		do { if (!(x)) abort(); } while (0)
#define NPROXIES	2		/* network, Unix */
#define NBROKERS	2
#define NSLOTS		4

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct chan {
	const struct chan_ops	*ops;
	void			*arg;
	int			 is_closed;
};

/* The HELLOs that tlsproxies sent last. */
static struct hello {
	unsigned int	 proxy;
	uint32_t	 slot, gen, realm;
	uint8_t		 proofs;
	int		 is_open, answers, responses;
} hellos[NPROXIES][NSLOTS + 1];

static int	nsuspects, nsent, is_checked;

/* -- in the place of chan.c and proc.c ----------------------------------- */

struct chan *
chan_new(struct event_base *base, int fd, size_t maxlen,
    const struct chan_ops *ops, void *arg)
{
	struct chan	*c;

	(void)base;
	(void)fd;
	(void)maxlen;
	MUST((c = calloc(1, sizeof(*c))) != NULL);
	c->ops = ops;
	c->arg = arg;
	return (c);
}

void
chan_free(struct chan *c)
{
	free(c);
}

void *
chan_arg(const struct chan *c)
{
	return (c->arg);
}

void
chan_wipe(struct chan *c)
{
	(void)c;
}

size_t
chan_waiting(const struct chan *c)
{
	(void)c;
	return (0);
}

int
chan_is_open(const struct chan *c)
{
	return (!c->is_closed);
}

static uint64_t	lastcall;
static int	ngiven;

static void
check_grant(const struct chan *c, uint32_t slot, uint32_t gen,
    const struct m_grant *g, size_t len)
{
	const struct peer	*to = c->arg;
	const struct conf_realm	*r;
	struct hello		*h;

	MUST(to->id.role == PROC_BROKER);
	MUST(g->proxy < NPROXIES && slot <= NSLOTS);
	h = &hellos[g->proxy][slot];
	MUST(h->is_open && h->answers++ == 0);
	MUST(g->proxygen == 1 + h->proxy);
	MUST(gen == h->gen);
	MUST(g->realm == h->realm);
	MUST((r = conf_find_realm_id(keeper.conf, g->realm)) != NULL);
	MUST(r->broker == to->id.instance);
	MUST(conf_find_role_id(r, g->role) != NULL);
	MUST(g->session >= 1 && g->session <= WAMP_ID_MAX);
	MUST(g->authidlen > 0 &&
	    len == sizeof(*g) + g->authidlen + g->extralen);
	if (g->method == AUTH_SOCKET)
		MUST(h->proxy == 1 && (h->proofs & PROOF_SOCKET));
	else if (g->method == AUTH_TLS)
		MUST(h->proxy == 0 && (h->proofs & PROOF_TLS));
	else if (g->method != AUTH_ANONYMOUS && g->realm == 5)
		MUST(g->provider == AUTH_PROVIDER_DYNAMIC && ngiven > 0 &&
		    h->responses == 1);
	else if (g->method != AUTH_ANONYMOUS)
		MUST(g->realm == 4 && h->responses == 1);
}

/* What a callee is to be asked: a list of three that can be read. */
static void
check_call(const struct peer *to, const uint8_t *buf, size_t len)
{
	struct m_auth_call	m;
	struct val		v[3];
	size_t			n;

	memcpy(&m, buf, sizeof(m));
	MUST(to->id.role == PROC_BROKER && to->id.instance == 1);
	MUST(m.id == lastcall + 1 && m.realm == 5 && m.timeout == 1000);
	MUST(len == sizeof(m) + m.urilen + m.arglen && m.urilen == 1 &&
	    buf[sizeof(m)] == 'p' && m.arglen <= AUTH_MAXARGS);
	/* the tlsproxy's authextra is as it came, and not looked into */
	if (mp_split(buf + sizeof(m) + 1, m.arglen, v, 3, &n) == CODEC_OK)
		MUST(n == 3 && v[0].type == VAL_STR && v[2].type == VAL_MAP);
	lastcall = m.id;
}

int
chan_sendv(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	uint8_t			 buf[32768];
	const struct peer	*to = c->arg;
	struct hello		*h;
	struct m_grant		 g;
	struct m_signed		 s;
	size_t			 len = 0;
	int			 i;

	for (i = 0; i < n; i++) {
		MUST(iov[i].iov_len <= sizeof(buf) - len);
		if (iov[i].iov_len > 0)
			memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	nsent++;
	switch (type) {
	case IMSG_GRANT:
		memcpy(&g, buf, sizeof(g));
		check_grant(c, slot, gen, &g, len);
		break;
	case IMSG_AUTH_DENY:
		MUST(slot <= NSLOTS);
		h = &hellos[to->id.instance][slot];
		MUST(h->is_open && h->gen == gen && h->answers++ == 0);
		break;
	case IMSG_AUTH_CHALLENGE:
		MUST(slot <= NSLOTS && len >= sizeof(struct m_auth_challenge));
		h = &hellos[to->id.instance][slot];
		MUST(h->is_open && h->gen == gen && h->answers == 0);
		MUST(h->realm == 4 || h->realm == 5);
		break;
	case IMSG_AUTH_CALL:
		check_call(to, buf, len);
		break;
	case IMSG_AUTH_GRANTED:
		MUST(len == 0);
		break;
	case IMSG_SIGNED:
		MUST(len == sizeof(s));
		memcpy(&s, buf, sizeof(s));
		MUST(s.len == 0);	/* no key is configured */
		break;
	default:
		abort();
	}
	return (0);
}

int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	struct iovec	iov;
	union {
		const void	*c;
		void		*p;
	} u = { .c = data };

	iov.iov_base = u.p;
	iov.iov_len = len;
	return (chan_sendv(c, type, slot, gen, &iov, 1));
}

int
proc_main(struct proc *p, const struct proc_hooks *h, int argc, char **argv)
{
	(void)p;
	(void)h;
	(void)argc;
	(void)argv;
	return (0);
}

void
proc_conf_checked(const char *err)
{
	MUST(err == NULL);
	is_checked = 1;
}

/* In the place of workers.c: no threads, and done when the turn ends. */
static TAILQ_HEAD(, job) jobs = TAILQ_HEAD_INITIALIZER(jobs);

void
workers_prepare(struct event_base *base)
{
	(void)base;
}

int
workers_start(char *err, size_t len)
{
	(void)err;
	(void)len;
	return (0);
}

int
workers_give(struct job *j)
{
	TAILQ_INSERT_TAIL(&jobs, j, entry);
	return (0);
}

unsigned int
workers_count(void)
{
	return (0);
}

int
workers_take_back(struct job *j)
{
	TAILQ_REMOVE(&jobs, j, entry);
	return (1);
}

static void
jobs_do(void)
{
	struct job	*j;

	while ((j = TAILQ_FIRST(&jobs)) != NULL) {
		TAILQ_REMOVE(&jobs, j, entry);
		j->work(j);
		j->done(j);
	}
}

void
proc_suspect(const struct m_peer *id)
{
	MUST(id->role == PROC_TLSPROXY || id->role == PROC_BROKER);
	nsuspects++;
}

const char *
proc_role_name(enum proc_role role)
{
	(void)role;
	return ("peer");
}

/* There is much to complain about. */
void
log_warnx(const char *fmt, ...)
{
	(void)fmt;
}

void
log_info(const char *fmt, ...)
{
	(void)fmt;
}

void
log_session(const char *fmt, ...)
{
	(void)fmt;
}

void
log_debug(const char *fmt, ...)
{
	(void)fmt;
}

int
log_may(struct log_limit *l, unsigned int burst)
{
	(void)l;
	(void)burst;
	return (1);
}

char *
log_vis(char *dst, size_t size, const void *text, size_t len)
{
	(void)text;
	(void)len;
	MUST(size > 0);
	dst[0] = '\0';
	return (dst);
}

void
fatal(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

void
fatalx(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

/* -- the world ----------------------------------------------------------- */

static void
add_auth(struct conf_realm *r, uint32_t method, int what, uint32_t id,
    const char *name, uint32_t role)
{
	struct conf_auth	*a = xcalloc(1, sizeof(*a));

	a->method = method;
	a->what = (uint8_t)what;
	a->id = id;
	a->name = name != NULL ? xstrdup(name) : NULL;
	a->role = role;
	a->role_name = xstrdup("r");
	TAILQ_INSERT_TAIL(&r->auths, a, entry);
	r->nauths++;
}

/* Somebody by each method, cheap to hash. */
static int
users_fd(void)
{
	static const char	text[] =
	    "a:ticket:r:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$"
	    "MTIzNDU2Nzg5MDEyMzQ1Ng\n"
	    "b:wampcra:r:key=c2VjcmV0\n"
	    "c:wampcra:r:salt=s,iterations=1,keylen=32,"
	    "key=MWa8jc85h8c6c8Jm+w5qVekbz0jT4egNnQ5GJ8LeL5w=\n"
	    "d:scram:r:kdf=pbkdf2,iterations=1,salt=MDEyMzQ1Njc4OWFiY2RlZg==,"
	    "stored=5ZYEbgx2oIM3fZnh8TduMjqml9cWqbXQbEZWmn915Ik=,"
	    "server=6sv9J26dRZ6UzzzrfUNYjbMnEf5W9S+QtAvKkuddjcI=\n"
	    "f:cryptosign:r:03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f"
	    "1ddc8664125531b8\n";
	int			fd;

	MUST((fd = memfd_create("users", 0)) != -1);
	MUST(write(fd, text, sizeof(text) - 1) == sizeof(text) - 1);
	return (fd);
}

static void
add_users(struct conf *c, struct conf_realm *r)
{
	static const uint32_t	methods[] = { AUTH_SCRAM, AUTH_WAMPCRA,
				    AUTH_TICKET, AUTH_CRYPTOSIGN };
	struct conf_users	*u = conf_add_users(c, "/u", 2);
	struct conf_auth	*a;
	char			 err[256];
	size_t			 i;

	u->id = 99;
	u->fd = users_fd();
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		a = xcalloc(1, sizeof(*a));
		a->method = methods[i];
		a->what = CONF_AUTH_USERS;
		a->users = u->id;
		TAILQ_INSERT_HEAD(&r->auths, a, entry);
		r->nauths++;
	}
	is_checked = 0;
	MUST(userset_check(c, err, sizeof(err)) == 1);
	while (!is_checked)
		event_base_loop(keeper.proc.base, EVLOOP_ONCE);
}

static void
add_dynamic(struct conf_realm *r)
{
	static const uint32_t	methods[] = { AUTH_TICKET, AUTH_WAMPCRA,
				    AUTH_CRYPTOSIGN };
	struct conf_auth	*a;
	size_t			 i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		a = xcalloc(1, sizeof(*a));
		a->method = methods[i];
		a->what = CONF_AUTH_DYNAMIC;
		a->dynamic.procedure = xstrdup("p");
		a->dynamic.realm_id = r->id;
		a->dynamic.timeout = 1000;
		TAILQ_INSERT_TAIL(&r->auths, a, entry);
		r->nauths++;
	}
}

static void
make_conf(void)
{
	struct conf_realm	*r;
	struct conf_role	*role;
	struct conf		*c = conf_new();
	uint32_t		 i;
	static const char *const names[] = { "a", "b", "c", "d", "e" };

	for (i = 0; i < 5; i++) {
		r = conf_add_realm(c, names[i], 1);
		r->id = i + 1;
		r->broker = i % 3;	/* the third is not there */
		role = conf_add_role(r, "r", 1);
		role->id = i + 10;
		if (i == 4) {
			add_dynamic(r);
			continue;
		}
		if (i != 1)
			add_auth(r, AUTH_ANONYMOUS, CONF_AUTH_ANYBODY, 0,
			    NULL, role->id);
		if (i != 0)
			add_auth(r, AUTH_SOCKET, CONF_AUTH_USER, 1000, "u",
			    role->id);
		if (i == 3) {
			add_auth(r, AUTH_TLS, CONF_AUTH_SUBJECT, 0, "/CN=a*",
			    role->id);
			add_auth(r, AUTH_TLS, CONF_AUTH_NAME, 0, "dns:*.a",
			    role->id);
		}
		if (i == 1)
			add_auth(r, AUTH_SOCKET, CONF_AUTH_GROUP, 50, "g",
			    role->id);
		if (i == 3)
			add_users(c, r);
	}
	c->limits.failures_delay = 0;
	c->has_client_ca = 1;
	conf_commit(c);
}

static void
peer_make(enum proc_role role, unsigned int instance, unsigned int link)
{
	struct m_peer	id;

	memset(&id, 0, sizeof(id));
	id.role = (uint8_t)role;
	id.instance = (uint16_t)instance;
	id.kind = role == PROC_TLSPROXY && instance == 1 ? PROXY_UNIX :
	    PROXY_NET;
	id.generation = 1 + instance;
	id.link = (uint8_t)link;
	MUST(peer_new(&id, -1) == 0);
}

static struct peer *
peer_get(unsigned int proxy, unsigned int link)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &keeper.peers, entry)
		if (p->id.role == PROC_TLSPROXY && p->id.instance == proxy &&
		    p->id.link == link)
			return (p);
	peer_make(PROC_TLSPROXY, proxy, link);
	return (peer_get(proxy, link));
}

/* As chan.c would: the table first, then the handler. */
static void
deliver(struct peer *p, struct imsg *im)
{
	const struct chan_rule	*r;
	size_t			 max;
	int			 before = nsuspects;

	r = im->type < IMSG_MAX ? &p->chan->ops->table[im->type] : NULL;
	if (r != NULL && r->handler != NULL) {
		max = r->max == 0 ? r->min : r->max;
		if (im->len >= r->min && im->len <= max &&
		    r->handler(p->chan, im) == 0)
			return;
	}
	/* its successor begins anew */
	if (p->id.role == PROC_TLSPROXY)
		memset(hellos[p->id.instance], 0, sizeof(hellos[0]));
	p->chan->ops->ended(p->chan, CHAN_NONSENSE, "fuzz");
	MUST(nsuspects == before + 1);
}

static EVP_PKEY	*keys[3];

/* Shapes against real keys; the answer is sized by the key. */
static void
fuzz_sign(const uint8_t *p, size_t len)
{
	struct m_sign	 m;
	uint8_t		 sig[SIGN_MAX + 1];
	size_t		 n;

	if (len < 4)
		return;
	memset(&m, 0, sizeof(m));
	m.alg = p[1];
	m.len = (uint16_t)(p[2] | p[3] << 8);
	memcpy(m.data, p + 4, len - 4 < sizeof(m.data) ? len - 4 :
	    sizeof(m.data));
	sig[SIGN_MAX] = 0xa5;
	n = sign_data(keys[p[0] % 3], &m, sig, SIGN_MAX);
	MUST(n <= SIGN_MAX && sig[SIGN_MAX] == 0xa5);
	if (n == 0)
		return;
	MUST(m.len <= sizeof(m.data));
	if (p[0] % 3 == 0)
		MUST(n == 256 && (m.alg == SIGN_RSA_PSS ||
		    m.alg == SIGN_RSA_PKCS1));
	else
		MUST(m.alg == SIGN_ECDSA && (m.len == 32 || m.len == 48 ||
		    m.len == 64));
}

static void
start(void)
{
	unsigned int	i;

	if (keys[0] == NULL) {
		MUST((keys[0] = EVP_RSA_gen(2048)) != NULL);
		MUST((keys[1] = EVP_EC_gen("P-256")) != NULL);
		MUST((keys[2] = EVP_EC_gen("P-384")) != NULL);
		MUST((keeper.proc.base = event_base_new()) != NULL);
		prepare();
	}
	TAILQ_INIT(&keeper.peers);
	keeper.turn = 1;
	make_conf();
	for (i = 0; i < NBROKERS; i++)
		peer_make(PROC_BROKER, i, LINK_MAIN);
	nsuspects = nsent = ngiven = 0;
	memset(hellos, 0, sizeof(hellos));
}

static void
finish(void)
{
	struct peer	*p;

	while ((p = TAILQ_FIRST(&keeper.peers)) != NULL)
		peer_free(p);
	jobs_do();
	userset_commit(keeper.conf);	/* nothing follows it */
	event_base_loop(keeper.proc.base, EVLOOP_NONBLOCK);
	conf_free(keeper.conf);
	keeper.conf = NULL;
}

/* op, slot, gen, length of data, data; op: proxy, link, type. */
/* What may follow from it. */
static void
note(unsigned int proxy, const struct imsg *im)
{
	struct hello		*h = &hellos[proxy][im->slot];
	struct m_auth_hello	 m;

	if (im->type == IMSG_AUTH_RESPONSE && h->gen == im->gen)
		h->responses++;
	/* a second HELLO of a session is nonsense, and not one */
	if (im->type != IMSG_AUTH_HELLO || im->len < sizeof(m) ||
	    (h->is_open && h->gen == im->gen))
		return;
	memcpy(&m, im->data, sizeof(m));
	memset(h, 0, sizeof(*h));
	h->is_open = 1;
	h->proxy = proxy;
	h->slot = im->slot;
	h->gen = im->gen;
	h->realm = m.realm;
	h->proofs = m.proofs;
}

/* A broker tells what somebody answered, perhaps, to one of the last. */
static void
tell(const uint8_t *p, const uint8_t *data, size_t len)
{
	uint64_t		 buf[200];
	struct m_auth_result	 m;
	struct peer		*b = keeper_broker(1);
	struct imsg		 im;

	memset(&m, 0, sizeof(m));
	memset(&im, 0, sizeof(im));
	im.fd = -1;
	im.type = IMSG_AUTH_RESULT;
	im.data = (const uint8_t *)buf;
	m.id = lastcall - p[1] % 4;
	m.outcome = p[2] % 3;
	if (p[2] & 0x80) {		/* raw */
		memcpy(buf, data, len);
		im.len = len;
		memcpy(&m, buf, len < sizeof(m) ? len : sizeof(m));
	} else {
		if (m.outcome == AUTH_OUTCOME_GIVEN) {
			m.rolelen = 1;
			m.nkeys = p[2] >> 3 & 1;
			m.secretlen = m.nkeys ? 0 : 3;
			m.saltlen = p[2] >> 4 & 3;
			m.iterations = m.keylen = p[2] >> 5 & 1;
			m.extralen = p[2] >> 6 & 1;
		} else if (m.outcome == AUTH_OUTCOME_REFUSED)
			m.errorlen = p[2] >> 4;
		memset(buf, 'r', sizeof(buf));
		memcpy(buf, &m, sizeof(m));
		im.len = sizeof(m) + m.rolelen + m.secretlen + m.saltlen +
		    m.nkeys * 32U + m.extralen + m.errorlen;
	}
	if (m.outcome == AUTH_OUTCOME_GIVEN)
		ngiven++;
	if (b != NULL)
		deliver(b, &im);
	if (keeper_broker(1) == NULL)
		peer_make(PROC_BROKER, 1, LINK_MAIN);
}

static size_t
step(const uint8_t *p, size_t left)
{
	uint64_t	 data[160];
	struct imsg	 im;
	struct peer	*peer;
	unsigned int	 proxy = p[0] & 1, link = (p[0] >> 1) & 1;
	size_t		 len = p[3] | (size_t)(p[2] & 0xe0) << 3;

	if (len > left - 4)
		len = left - 4;
	if (len > sizeof(data))
		len = sizeof(data);
	memcpy(data, p + 4, len);
	if ((p[0] >> 2) == 0x3f) {
		jobs_do();
		event_base_loop(keeper.proc.base, EVLOOP_NONBLOCK);
		turn_end();
		return (4);
	}
	if ((p[0] >> 2) == 0x3e) {
		tell(p, (const uint8_t *)data, len);
		return (4 + len);
	}
	memset(&im, 0, sizeof(im));
	im.type = (p[0] & 0x80) ? (uint32_t)(p[0] >> 2) & 0x1f :
	    link == LINK_SIGN ? IMSG_SIGN :
	    (p[0] & 4) ? IMSG_AUTH_CANCEL :
	    (p[0] & 8) ? IMSG_AUTH_RESPONSE : IMSG_AUTH_HELLO;
	im.slot = p[1] % (NSLOTS + 1);
	im.gen = p[2] & 0x1f;
	im.data = (const uint8_t *)data;
	im.len = len;
	im.fd = -1;
	peer = peer_get(proxy, link);
	note(proxy, &im);
	deliver(peer, &im);
	return (4 + len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	start();
	if (len > 0 && p[0] == 0xff)
		fuzz_sign(p + 1, len - 1);
	else
		while (len >= 4) {
			size_t	n = step(p, len);

			p += n;
			len -= n;
		}
	finish();
	return (0);
}
