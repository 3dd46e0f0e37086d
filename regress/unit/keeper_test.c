/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The real keeper between a parent, tlsproxies and brokers that this test
 * plays: sessions are granted exactly where the configuration says, and
 * nothing that a tlsproxy or broker sends ends it or anybody else's use of
 * it.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "ctlplay.h"
#include "msgtypes.h"
#include "play.h"
#include "wamp.h"
#include "xmalloc.h"

#define WAIT	10000			/* ms for an answer */
#define NBROKERS	2

/* A tlsproxy as the keeper knows it. */
struct proxy {
	int		 kind, instance;
	uint32_t	 generation;
	int		 fd, sign_fd;
};

static struct play	 play;
static int		 brokers[NBROKERS];
static struct proxy	 net = { PROXY_NET, 0, 0, -1, -1 };
static struct proxy	 unx = { PROXY_UNIX, 1, 0, -1, -1 };
static struct proxy	 other = { PROXY_NET, 2, 0, -1, -1 };

/* -- the configuration, as the test sees it ----------------------------- */

struct line {
	int		 method;	/* AUTH_*; 0 ends the list */
	int		 what;		/* CONF_AUTH_* */
	uint32_t	 id;
	const char	*name, *authid;
	uint32_t	 role;
};

static const struct realm {
	uint32_t	 id;
	uint32_t	 broker;
	struct line	 lines[4];
} realms[] = {
	{ 11, 0, { { AUTH_ANONYMOUS, CONF_AUTH_ANYBODY, 0, NULL, NULL, 1 } } },
	{ 12, 0, { { AUTH_SOCKET, CONF_AUTH_USER, 1000, "alice", NULL, 2 },
		   { AUTH_SOCKET, CONF_AUTH_GROUP, 50, "staff", NULL, 3 } } },
	{ 13, 1, { { AUTH_ANONYMOUS, CONF_AUTH_ANYBODY, 0, NULL, NULL, 4 },
		   { AUTH_SOCKET, CONF_AUTH_USER, 1000, "alice", "boss",
		     5 } } },
	{ 14, 1, { { AUTH_SOCKET, CONF_AUTH_GROUP, 50, "staff", "team", 6 },
		   { AUTH_ANONYMOUS, CONF_AUTH_ANYBODY, 0, NULL, NULL,
		     7 } } },
	{ 15, 0, { { 0, 0, 0, NULL, NULL, 0 } } },
	{ 16, 2, { { AUTH_ANONYMOUS, CONF_AUTH_ANYBODY, 0, NULL, NULL,
		     8 } } },	/* a broker that is not there */
	{ 17, 1, { { AUTH_SOCKET, CONF_AUTH_USER, 0, "root", NULL, 9 },
		   { AUTH_SOCKET, CONF_AUTH_USER, 1000, "alice", "one", 10 },
		   { AUTH_SOCKET, CONF_AUTH_USER, 1000, "alice", "two",
		     11 } } },
	{ 18, 0, { { AUTH_SOCKET, CONF_AUTH_USER, 1000, "alice", NULL, 12 },
		   { AUTH_SOCKET, CONF_AUTH_ANYBODY, 0, NULL, NULL, 13 } } },
};
#define NREALMS		(sizeof(realms) / sizeof(realms[0]))
#define NOREALM		99

static void
add_line(struct conf_realm *r, const struct line *l)
{
	struct conf_auth	*a = xcalloc(1, sizeof(*a));
	char			 name[32];

	a->method = (uint32_t)l->method;
	a->what = (uint8_t)l->what;
	a->id = l->id;
	a->name = l->name != NULL ? xstrdup(l->name) : NULL;
	a->authid = l->authid != NULL ? xstrdup(l->authid) : NULL;
	a->role = l->role;
	TAILQ_INSERT_TAIL(&r->auths, a, entry);
	snprintf(name, sizeof(name), "role%u", l->role);
	conf_add_role(r, name, strlen(name))->id = l->role;
}

static struct conf *
conf_make(void)
{
	struct conf		*c = conf_new();
	struct conf_realm	*r;
	const struct line	*l;
	char			 name[32];
	size_t			 i;

	c->prefork = 2;
	c->brokers = NBROKERS + 1;	/* one is never there */
	for (i = 0; i < NREALMS; i++) {
		snprintf(name, sizeof(name), "com.example.r%u", realms[i].id);
		r = conf_add_realm(c, name, strlen(name));
		r->id = realms[i].id;
		r->broker = realms[i].broker;
		for (l = realms[i].lines; l->method != 0; l++)
			add_line(r, l);
	}
	return (c);
}

/* -- asking ------------------------------------------------------------- */

struct question {
	struct m_auth_hello	 m;
	uint32_t		 groups[AUTH_MAXGROUPS];
};

enum verdict { GRANTED, DENIED, CUT };

struct answer {
	enum verdict	 verdict;
	unsigned int	 err;
	int		 broker;
	struct m_grant	 grant;
	char		 authid[AUTHID_MAXLEN + 1];
};

static uint32_t	next_gen = 1;

/* A tlsproxy begins, or its successor after it was cut off. */
static void
proxy_start(struct proxy *p)
{
	if (p->fd != -1)
		close(p->fd);
	if (p->sign_fd != -1)
		close(p->sign_fd);
	p->generation++;
	p->fd = play_peer(&play, PROC_TLSPROXY, p->kind, p->instance,
	    p->generation, LINK_MAIN);
	p->sign_fd = play_peer(&play, PROC_TLSPROXY, p->kind, p->instance,
	    p->generation, LINK_SIGN);
}

static void
send_imsg(int fd, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	/* EPIPE: it was cut off already, which the caller will see */
	if (imsg_write_blocking(fd, WAIT, type, slot, gen, data, len) == -1 &&
	    errno != EPIPE)
		err(1, "imsg %u", type);
}

static void
send_question(struct proxy *p, const struct question *q, uint32_t slot,
    uint32_t gen)
{
	static const char	authid[] = "mallory";
	uint8_t			buf[sizeof(*q) + sizeof(authid)];
	struct m_auth_hello	m = q->m;
	size_t			len = sizeof(m);

	m.authidlen = sizeof(authid) - 1;
	m.has_authid = 1;
	memcpy(buf, &m, sizeof(m));
	memcpy(buf + len, q->groups, m.ngroups * sizeof(uint32_t));
	len += m.ngroups * sizeof(uint32_t);
	memcpy(buf + len, authid, m.authidlen);
	len += m.authidlen;
	send_imsg(p->fd, IMSG_AUTH_HELLO, slot, gen, buf, len);
}

/* The channel's end is closed by the keeper. */
static int
is_cut(int fd)
{
	struct imsg_hdr	h;
	uint8_t		data[1024];

	return (imsg_read_blocking(fd, WAIT, &h, data, sizeof(data)) == -1);
}

static void
read_grant(struct answer *a, int broker, uint32_t slot, uint32_t gen)
{
	struct imsg_hdr	h;
	uint8_t		data[1024];

	if (imsg_read_blocking(brokers[broker], WAIT, &h, data,
	    sizeof(data)) == -1)
		errx(1, "broker %d was cut off", broker);
	if (h.type != IMSG_GRANT || h.slot != slot || h.gen != gen)
		errx(1, "broker %d: imsg %u for slot %u, want GRANT for %u",
		    broker, h.type, h.slot, slot);
	memcpy(&a->grant, data, sizeof(a->grant));
	if (h.len != sizeof(h) + sizeof(a->grant) + a->grant.authidlen ||
	    a->grant.authidlen > AUTHID_MAXLEN)
		errx(1, "GRANT of %u octets", h.len);
	memcpy(a->authid, data + sizeof(a->grant), a->grant.authidlen);
	a->authid[a->grant.authidlen] = '\0';
	a->broker = broker;
	a->verdict = GRANTED;
}

static void
read_deny(struct answer *a, struct proxy *p, uint32_t slot, uint32_t gen)
{
	struct imsg_hdr		h;
	struct m_auth_deny	m;
	uint8_t			data[1024];

	if (imsg_read_blocking(p->fd, WAIT, &h, data, sizeof(data)) == -1) {
		a->verdict = CUT;
		return;
	}
	memcpy(&m, data, sizeof(m));
	if (h.type != IMSG_AUTH_DENY || h.slot != slot || h.gen != gen ||
	    h.len != sizeof(h) + sizeof(m) + m.textlen || m.textlen == 0)
		errx(1, "imsg %u of %u octets for slot %u, want AUTH_DENY",
		    h.type, h.len, h.slot);
	a->verdict = DENIED;
	a->err = m.err;
}

static struct answer
read_answer(struct proxy *p, uint32_t slot, uint32_t gen)
{
	struct pollfd	pfd[1 + NBROKERS];
	struct answer	a;
	int		i;

	memset(&a, 0, sizeof(a));
	memset(pfd, 0, sizeof(pfd));
	pfd[0].fd = p->fd;
	for (i = 0; i < NBROKERS; i++)
		pfd[1 + i].fd = brokers[i];
	for (i = 0; i < 1 + NBROKERS; i++)
		pfd[i].events = POLLIN;
	if (poll(pfd, 1 + NBROKERS, WAIT) < 1)
		errx(1, "slot %u: no answer", slot);
	for (i = 0; i < NBROKERS; i++)
		if (pfd[1 + i].revents != 0) {
			read_grant(&a, i, slot, gen);
			return (a);
		}
	read_deny(&a, p, slot, gen);
	return (a);
}

static struct answer
ask(struct proxy *p, const struct question *q)
{
	uint32_t	slot = 1 + next_gen % 100, gen = next_gen++;

	send_question(p, q, slot, gen);
	return (read_answer(p, slot, gen));
}

static struct question
question(uint32_t realm)
{
	struct question	q;

	memset(&q, 0, sizeof(q));
	q.m.realm = realm;
	return (q);
}

/* -- joins happen exactly where the configuration says ------------------ */

/*
 * The model: what should come out, written without looking at how.
 */
struct expected {
	enum verdict	 verdict;
	unsigned int	 err;
	const struct line	*line;
};

static struct expected
model(const struct proxy *p, const struct question *q)
{
	const struct realm	*r = NULL;
	const struct line	*l, *proof = NULL, *anybody = NULL;
	struct expected		 e = { DENIED, 0, NULL };
	size_t			 i;
	int			 in_group, may_proof, may_anybody;

	if ((q->m.proofs & PROOF_SOCKET) && p->kind == PROXY_NET) {
		e.verdict = CUT;
		return (e);
	}
	for (i = 0; i < NREALMS; i++)
		if (realms[i].id == q->m.realm)
			r = &realms[i];
	if (r == NULL) {
		e.err = WERR_NO_SUCH_REALM;
		return (e);
	}
	for (l = r->lines; l->method != 0; l++) {
		in_group = q->m.gid == l->id;
		for (i = 0; i < q->m.ngroups; i++)
			in_group |= q->groups[i] == l->id;
		if (l->method == AUTH_ANONYMOUS && anybody == NULL)
			anybody = l;
		if (l->method == AUTH_SOCKET && proof == NULL &&
		    (l->what == CONF_AUTH_ANYBODY ||
		    (l->what == CONF_AUTH_USER ? q->m.uid == l->id :
		    in_group)))
			proof = l;
	}
	may_proof = (q->m.proofs & PROOF_SOCKET) &&
	    (!q->m.announced || (q->m.methods & AUTH_SOCKET));
	may_anybody = !q->m.announced || (q->m.methods & AUTH_ANONYMOUS);
	if (proof != NULL && may_proof)
		e.line = proof;
	else if (anybody != NULL && may_anybody)
		e.line = anybody;
	else {
		e.err = WERR_NO_MATCHING_AUTH_METHOD;
		return (e);
	}
	if (r->broker >= NBROKERS)
		e.err = WERR_SYSTEM_SHUTDOWN;
	else
		e.verdict = GRANTED;
	return (e);
}

/* XXXX-XXXX-XXXX-XXXX-XXXX-XXXX, and never the one before. */
static void
check_random_authid(const char *authid)
{
	static char	last[AUTHID_MAXLEN + 1];

	if (strlen(authid) != 29 || strspn(authid,
	    "3456789ACEFGHJKLMNPQRSTUVWXY-") != 29 ||
	    strcmp(authid, last) == 0)
		errx(1, "authid of anonymous: %s", authid);
	strlcpy(last, authid, sizeof(last));
}

static void
check_grant(const struct proxy *p, const struct question *q,
    const struct answer *a, const struct line *l)
{
	static uint64_t	last;
	char		want[64];
	size_t		i;

	for (i = 0; realms[i].id != q->m.realm; i++)
		;
	if (a->broker != (int)realms[i].broker ||
	    a->grant.realm != q->m.realm || a->grant.role != l->role ||
	    a->grant.method != (uint32_t)l->method ||
	    a->grant.proxy != p->instance ||
	    a->grant.proxygen != p->generation || a->grant.pad != 0)
		errx(1, "realm %u: GRANT to broker %d: realm %u role %u "
		    "method %u proxy %u.%u", q->m.realm, a->broker,
		    a->grant.realm, a->grant.role, a->grant.method,
		    a->grant.proxy, a->grant.proxygen);
	if (a->grant.session < 1 || a->grant.session > WAMP_ID_MAX ||
	    a->grant.session == last)
		errx(1, "session %llu",
		    (unsigned long long)a->grant.session);
	last = a->grant.session;
	if (l->method == AUTH_ANONYMOUS) {
		check_random_authid(a->authid);
		return;
	}
	snprintf(want, sizeof(want), "uid:%u", q->m.uid);
	if (l->authid != NULL)
		strlcpy(want, l->authid, sizeof(want));
	else if (l->what == CONF_AUTH_USER)
		strlcpy(want, l->name, sizeof(want));
	if (strcmp(a->authid, want) != 0)
		errx(1, "authid: got \"%s\", want \"%s\"", a->authid, want);
}

static unsigned int
test_question(struct proxy *p, const struct question *q)
{
	struct expected	e = model(p, q);
	struct answer	a;
	unsigned int	old = play.nsuspects;

	a = ask(p, q);
	if (a.verdict != e.verdict || a.err != e.err)
		errx(1, "realm %u, kind %d, proofs %u, announced %u, methods "
		    "0x%x, uid %u, gid %u, %u groups: got %d error %u, want "
		    "%d error %u", q->m.realm, p->kind, q->m.proofs,
		    q->m.announced, q->m.methods, q->m.uid, q->m.gid,
		    q->m.ngroups, a.verdict, a.err, e.verdict, e.err);
	if (a.verdict == GRANTED)
		check_grant(p, q, &a, e.line);
	if (a.verdict == CUT) {
		play_until(&play, &play.nsuspects, old, "PROC_SUSPECT");
		proxy_start(p);
	}
	return (a.verdict == GRANTED);
}

/* Lesson 17: kind of listener x methods announced x user x realm. */
static void
test_lesson_17(void)
{
	/* -1: HELLO without authmethods */
	static const int	methods[] = { -1, 0, AUTH_ANONYMOUS,
		AUTH_SOCKET, AUTH_ANONYMOUS | AUTH_SOCKET, AUTH_TICKET,
		AUTH_TICKET | AUTH_ANONYMOUS, AUTH_TLS, 0xff };
	static const uint32_t	uids[] = { 0, 1000, 1001 };
	struct question		q;
	unsigned int		joined = 0, asked = 0;
	size_t			r, m, u, g, k, i;

	for (r = 0; r <= NREALMS; r++)
	    for (m = 0; m < sizeof(methods) / sizeof(methods[0]); m++)
		for (u = 0; u < 3; u++)
		    for (g = 0; g < 4; g++)
			for (k = 0; k < 4; k++) {
				q = question(r < NREALMS ? realms[r].id :
				    NOREALM);
				q.m.announced = methods[m] != -1;
				q.m.methods = methods[m] == -1 ? 0 :
				    (uint32_t)methods[m];
				q.m.proofs = k & 1 ? PROOF_SOCKET : 0;
				q.m.uid = uids[u];
				q.m.gid = g == 1 ? 50 : 100;
				q.m.ngroups = !(k & 1) || g < 2 ? 0 :
				    g == 2 ? 1 : AUTH_MAXGROUPS;
				for (i = 0; i < q.m.ngroups; i++)
					q.groups[i] = (uint32_t)(200 + i);
				if (g >= 2)
					q.groups[g == 2 ? 0 :
					    AUTH_MAXGROUPS - 1] = 50;
				joined += test_question(k & 2 ? &unx : &net,
				    &q);
				asked++;
			}
	if (joined == 0 || joined == asked)
		errx(1, "%u of %u joined", joined, asked);
}

/* -- nonsense ----------------------------------------------------------- */

static void
expect_alive(const char *after)
{
	struct question	q = question(11);

	if (ask(&other, &q).verdict != GRANTED)
		errx(1, "%s: another tlsproxy is refused", after);
}

static void
expect_suspect(const char *what, struct proxy *p, unsigned int old)
{
	play_until(&play, &play.nsuspects, old, what);
	if (play.suspect.role != PROC_TLSPROXY ||
	    play.suspect.instance != p->instance ||
	    play.suspect.generation != p->generation)
		errx(1, "%s: suspect is %u %u.%u", what, play.suspect.role,
		    play.suspect.instance, play.suspect.generation);
	if (!is_cut(p->fd) || !is_cut(p->sign_fd))
		errx(1, "%s: a channel is still open", what);
	proxy_start(p);
}

/* What p says on fd must end in its being cut off, on both channels. */
static void
nonsense(const char *what, struct proxy *p, int fd, uint32_t type,
    uint32_t slot, uint32_t gen, const void *data, size_t len)
{
	unsigned int	old = play.nsuspects;

	send_imsg(fd, type, slot, gen, data, len);
	expect_suspect(what, p, old);
}

/* The length in the header, whatever follows, and perhaps a descriptor. */
static void
send_raw(int fd, uint32_t type, uint32_t hdrlen, const void *data,
    size_t len, int passed)
{
	struct imsg_hdr	 h = { type, hdrlen, 1, 1 };
	struct iovec	 iov[2];
	struct msghdr	 msg;
	struct cmsghdr	*cmsg;
	union {
		struct cmsghdr	hdr;
		uint8_t		buf[CMSG_SPACE(sizeof(int))];
	} ctl;
	uint8_t		 copy[1024];

	memcpy(copy, data, len);
	iov[0].iov_base = &h;
	iov[0].iov_len = sizeof(h);
	iov[1].iov_base = copy;
	iov[1].iov_len = len;
	memset(&msg, 0, sizeof(msg));
	memset(&ctl, 0, sizeof(ctl));
	msg.msg_iov = iov;
	msg.msg_iovlen = 2;
	if (passed != -1) {
		msg.msg_control = ctl.buf;
		msg.msg_controllen = sizeof(ctl.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &passed, sizeof(int));
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) == -1)
		err(1, "sendmsg");
}

static int
is_legal(int link, uint32_t type, size_t len)
{
	if (link == LINK_SIGN)
		return (type == IMSG_SIGN && len == sizeof(struct m_sign));
	/* 24 zero octets are a HELLO; a CANCEL without one is not legal */
	return (type == IMSG_AUTH_HELLO && len == sizeof(struct m_auth_hello));
}

static void
test_every_type(void)
{
	static const size_t	lens[] = { 0, 1, 4, 23, 24, 25, 551, 552,
		553, 1000 };
	uint8_t			zero[1000];
	char			what[64];
	unsigned int		old;
	uint32_t		type;
	size_t			i;
	int			link, fd;

	memset(zero, 0, sizeof(zero));
	for (type = 0; type <= IMSG_MAX + 1; type++)
		for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
			for (link = LINK_MAIN; link <= LINK_SIGN; link++) {
				fd = link == LINK_MAIN ? net.fd : net.sign_fd;
				if (is_legal(link, type, lens[i]))
					continue;
				snprintf(what, sizeof(what), "type %u of %zu "
				    "octets on link %d", type, lens[i], link);
				nonsense(what, &net, fd, type, 1, 1, zero,
				    lens[i]);
			}
	expect_alive("every type");
	/* lengths that cannot be, and descriptors */
	for (i = 0; i < 2; i++) {
		for (link = LINK_MAIN; link <= LINK_SIGN; link++) {
			type = link == LINK_MAIN ? IMSG_AUTH_HELLO :
			    IMSG_SIGN;
			fd = link == LINK_MAIN ? net.fd : net.sign_fd;
			old = play.nsuspects;
			send_raw(fd, type, i == 0 ? 3 : 0xfffffff0U, zero, 8,
			    -1);
			expect_suspect("impossible length", &net, old);
			fd = link == LINK_MAIN ? net.fd : net.sign_fd;
			old = play.nsuspects;
			send_raw(fd, type | IMSG_HASFD, 16 + 24, zero, 24,
			    i == 0 ? -1 : 0);
			expect_suspect("a descriptor", &net, old);
		}
	}
	expect_alive("descriptors");
}

/* A broker has nothing to say. */
static void
test_broker_nonsense(void)
{
	uint8_t		zero[64];
	unsigned int	old;
	uint32_t	type, gen = 2;

	memset(zero, 0, sizeof(zero));
	for (type = 0; type <= IMSG_MAX; type++) {
		old = play.nsuspects;
		send_imsg(brokers[1], type, 1, 1, zero, type % 64);
		play_until(&play, &play.nsuspects, old, "broker");
		if (play.suspect.role != PROC_BROKER ||
		    play.suspect.instance != 1)
			errx(1, "suspect is %u %u", play.suspect.role,
			    play.suspect.instance);
		if (!is_cut(brokers[1]))
			errx(1, "broker's channel is still open");
		close(brokers[1]);
		brokers[1] = play_peer(&play, PROC_BROKER, 0, 1, gen++,
		    LINK_MAIN);
	}
	expect_alive("broker");
}

/* Lengths and values inside an AUTH_HELLO, and its place in the order. */
static void
test_hello_nonsense(void)
{
	struct question	q;
	uint8_t		buf[1024];
	unsigned int	i;

	static const struct bad {
		const char	*what;
		size_t		 off;	/* of an octet in m_auth_hello */
		uint8_t		 val;
	} bad[] = {
		{ "proofs", offsetof(struct m_auth_hello, proofs), 4 },
		{ "announced", offsetof(struct m_auth_hello, announced), 2 },
		{ "methods", offsetof(struct m_auth_hello, methods) + 1, 1 },
		{ "methods without authmethods",
		    offsetof(struct m_auth_hello, methods), 1 },
		{ "groups missing", offsetof(struct m_auth_hello, ngroups),
		    1 },
		{ "many groups", offsetof(struct m_auth_hello, ngroups),
		    AUTH_MAXGROUPS + 1 },
		{ "authid missing", offsetof(struct m_auth_hello, authidlen),
		    1 },
		{ "long authid", offsetof(struct m_auth_hello, authidlen) + 1,
		    2 },
		{ "subject without a certificate",
		    offsetof(struct m_auth_hello, subjectlen), 1 },
		{ "names without a certificate",
		    offsetof(struct m_auth_hello, sanslen), 1 },
		{ "nonce missing", offsetof(struct m_auth_hello, noncelen),
		    1 },
		{ "long nonce", offsetof(struct m_auth_hello, noncelen) + 1,
		    2 },
		{ "address missing",
		    offsetof(struct m_auth_hello, addresslen), 1 },
		{ "extra missing", offsetof(struct m_auth_hello, extralen),
		    1 },
		{ "long extra", offsetof(struct m_auth_hello, extralen) + 1,
		    0x11 },
		{ "has_authid", offsetof(struct m_auth_hello, has_authid),
		    2 },
		{ "has_pubkey", offsetof(struct m_auth_hello, has_pubkey),
		    2 },
		{ "wants_binding",
		    offsetof(struct m_auth_hello, wants_binding), 2 },
	};

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(buf, 0, sizeof(buf));
		buf[bad[i].off] = bad[i].val;
		nonsense(bad[i].what, &net, net.fd, IMSG_AUTH_HELLO, 1, 1,
		    buf, sizeof(struct m_auth_hello));
	}
	memset(buf, 0, sizeof(buf));
	nonsense("left over", &net, net.fd, IMSG_AUTH_HELLO, 1, 1, buf,
	    sizeof(struct m_auth_hello) + 4);
	nonsense("slot 0", &net, net.fd, IMSG_AUTH_HELLO, 0, 1, buf,
	    sizeof(struct m_auth_hello));
	nonsense("slot 2^20", &net, net.fd, IMSG_AUTH_HELLO, 1 << 20, 1, buf,
	    sizeof(struct m_auth_hello));
	nonsense("slot 2^32-1", &net, net.fd, IMSG_AUTH_HELLO, UINT32_MAX, 1,
	    buf, sizeof(struct m_auth_hello));

	q = question(11);	/* groups without a proof */
	q.m.ngroups = 1;
	memcpy(buf, &q, sizeof(q));
	nonsense("groups without proof", &unx, unx.fd, IMSG_AUTH_HELLO, 1, 1,
	    buf, sizeof(q.m) + sizeof(uint32_t));

	q.m.proofs = PROOF_SOCKET;	/* and one more than there is room */
	q.m.ngroups = AUTH_MAXGROUPS + 1;
	memcpy(buf, &q, sizeof(q));
	nonsense("65 groups", &unx, unx.fd, IMSG_AUTH_HELLO, 1, 1, buf,
	    sizeof(q.m) + (AUTH_MAXGROUPS + 1) * sizeof(uint32_t));

	/* twice the same slot and generation: granted and denied alike */
	q = question(11);
	send_question(&net, &q, 5, 77);
	if (read_answer(&net, 5, 77).verdict != GRANTED)
		errx(1, "not granted");
	nonsense("second HELLO", &net, net.fd, IMSG_AUTH_HELLO, 5, 77, &q.m,
	    sizeof(q.m));
	q = question(15);
	send_question(&net, &q, 5, 77);
	if (read_answer(&net, 5, 77).verdict != DENIED)
		errx(1, "not denied");
	nonsense("second HELLO after a refusal", &net, net.fd,
	    IMSG_AUTH_HELLO, 5, 77, &q.m, sizeof(q.m));

	nonsense("CANCEL without HELLO", &net, net.fd, IMSG_AUTH_CANCEL, 9, 1,
	    NULL, 0);
	nonsense("CANCEL of slot 0", &net, net.fd, IMSG_AUTH_CANCEL, 0, 0,
	    NULL, 0);
	nonsense("CANCEL of slot 2^32-1", &net, net.fd, IMSG_AUTH_CANCEL,
	    UINT32_MAX, 0, NULL, 0);
	q = question(11);
	send_question(&net, &q, 5, 77);
	read_answer(&net, 5, 77);
	nonsense("CANCEL of another generation", &net, net.fd,
	    IMSG_AUTH_CANCEL, 5, 78, NULL, 0);
	expect_alive("HELLO");
}

/* A connection goes away while the verdict is under way. */
static void
test_cancel(void)
{
	struct question	yes = question(11), no = question(15);
	struct imsg_hdr	h;
	uint8_t		data[64];

	send_question(&net, &yes, 20, 1);
	send_imsg(net.fd, IMSG_AUTH_CANCEL, 20, 1, NULL, 0);
	if (imsg_read_blocking(net.fd, WAIT, &h, data, sizeof(data)) == -1 ||
	    h.type != IMSG_AUTH_GRANTED || h.slot != 20 || h.gen != 1 ||
	    h.len != sizeof(h))
		errx(1, "CANCEL that came late: imsg %u", h.type);
	if (read_answer(&net, 20, 1).verdict != GRANTED)
		errx(1, "CANCEL: no GRANT");

	/* one answer only: the next imsg is the next slot's */
	send_question(&net, &no, 21, 1);
	send_imsg(net.fd, IMSG_AUTH_CANCEL, 21, 1, NULL, 0);
	send_question(&net, &no, 22, 1);
	if (read_answer(&net, 21, 1).verdict != DENIED ||
	    read_answer(&net, 22, 1).verdict != DENIED)
		errx(1, "CANCEL that crosses a refusal");

	/* the slot's next generation */
	send_question(&net, &yes, 20, 2);
	if (read_answer(&net, 20, 2).verdict != GRANTED)
		errx(1, "next generation of a slot");
	send_imsg(net.fd, IMSG_AUTH_CANCEL, 20, 2, NULL, 0);
	if (imsg_read_blocking(net.fd, WAIT, &h, data, sizeof(data)) == -1 ||
	    h.type != IMSG_AUTH_GRANTED)
		errx(1, "CANCEL of the next generation");
	nonsense("CANCEL twice", &net, net.fd, IMSG_AUTH_CANCEL, 20, 2, NULL,
	    0);
}

/* Signatures of an unknown key, and more than one request at a time. */
static void
test_sign(void)
{
	struct imsg_hdr	h;
	struct m_sign	m[2];
	struct m_signed	s;
	uint8_t		buf[2 * (sizeof(h) + sizeof(m[0]))];
	unsigned int	old;

	memset(m, 0, sizeof(m));
	m[0].seq = 4711;
	m[0].alg = SIGN_ECDSA;
	m[0].len = 32;
	send_imsg(net.sign_fd, IMSG_SIGN, 0, 0, &m[0], sizeof(m[0]));
	if (imsg_read_blocking(net.sign_fd, WAIT, &h, &s, sizeof(s)) == -1 ||
	    h.type != IMSG_SIGNED || h.len != sizeof(h) + sizeof(s) ||
	    s.seq != 4711 || s.len != 0)
		errx(1, "unknown key: not refused");

	h.type = IMSG_SIGN;
	h.len = sizeof(h) + sizeof(m[0]);
	h.slot = h.gen = 0;
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + sizeof(h), &m[0], sizeof(m[0]));
	memcpy(buf + sizeof(buf) / 2, buf, sizeof(buf) / 2);
	old = play.nsuspects;
	if (write(net.sign_fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf))
		err(1, "write");
	expect_suspect("two requests at once", &net, old);
	expect_alive("SIGN");
}

/* Peers that go, and realms that a reload takes away. */
static void
test_peers(void)
{
	struct question	q = question(13);
	struct answer	a;
	struct conf	*c;

	play_peer_gone(&play, PROC_BROKER, 1, 0xffff);	/* not that one */
	if (ask(&net, &q).verdict != GRANTED)
		errx(1, "PEER_GONE of another generation");
	close(brokers[1]);
	brokers[1] = -1;
	/* a GRANT that meets its end is lost; PEER_GONE tells the tlsproxy */
	play_sync(&play);
	a = ask(&net, &q);
	if (a.verdict != DENIED || a.err != WERR_SYSTEM_SHUTDOWN)
		errx(1, "broker is dead: got %d error %u", a.verdict, a.err);
	brokers[1] = play_peer(&play, PROC_BROKER, 0, 1, 900, LINK_MAIN);
	if (ask(&net, &q).verdict != GRANTED)
		errx(1, "next broker gets no GRANT");

	play_peer_gone(&play, PROC_TLSPROXY, net.instance, net.generation);
	if (!is_cut(net.fd) || !is_cut(net.sign_fd))
		errx(1, "PEER_GONE: channel is still open");
	proxy_start(&net);

	c = conf_make();
	TAILQ_FIRST(&c->realms)->id = 1234;
	if (play_configure(&play, c) == -1)
		errx(1, "reload: %s", play.failed);
	conf_free(c);
	q = question(11);
	a = ask(&net, &q);
	if (a.verdict != DENIED || a.err != WERR_NO_SUCH_REALM)
		errx(1, "realm is gone: got %d error %u", a.verdict, a.err);
	q = question(1234);
	if (ask(&net, &q).verdict != GRANTED)
		errx(1, "realm of the reload");
}

/* A HELLO with a certificate of that subject. */
static void
send_cert(struct proxy *p, uint32_t realm, const char *subject, uint32_t gen)
{
	struct m_auth_hello	 m;
	uint8_t			 buf[sizeof(m) + 64];

	memset(&m, 0, sizeof(m));
	m.realm = realm;
	m.proofs = PROOF_TLS;
	m.subjectlen = (uint16_t)strlen(subject);
	memcpy(buf, &m, sizeof(m));
	memcpy(buf + sizeof(m), subject, m.subjectlen);
	send_imsg(p->fd, IMSG_AUTH_HELLO, 3, gen, buf,
	    sizeof(m) + m.subjectlen);
}

/* A certificate counts where one can have been asked for. */
static void
test_certs(void)
{
	static const struct line	 line = { AUTH_TLS, CONF_AUTH_SUBJECT,
					    0, "/CN=*", NULL, 14 };
	struct answer			 a;
	struct conf_realm		*r;
	struct conf_listen		*l;
	struct conf			*c;
	unsigned int			 old, i;

	/* no listener has a client CA */
	for (i = 0; i < 2; i++) {
		old = play.nsuspects;
		send_cert(i == 0 ? &net : &unx, 11, "/CN=x", 1);
		expect_suspect("certificate without a CA", i == 0 ? &net :
		    &unx, old);
		proxy_start(i == 0 ? &net : &unx);
	}
	/* one has, and loses it again: a tlsproxy may not know yet */
	for (i = 0; i < 2; i++) {
		c = conf_make();
		r = conf_find_realm_id(c, 12);
		add_line(r, &line);
		if (i == 0) {
			l = conf_add_listen(c, "ca", 2);
			l->flags = LISTEN_TLS | LISTEN_CLIENT_CA;
		}
		if (play_configure(&play, c) == -1)
			errx(1, "client CA: %s", play.failed);
		conf_free(c);
		send_cert(&net, 12, "/CN=me", 10 + i);
		a = read_answer(&net, 3, 10 + i);
		if (a.verdict != GRANTED || a.grant.method != AUTH_TLS ||
		    strcmp(a.authid, "me") != 0)
			errx(1, "certificate: got %d error %u as %s",
			    a.verdict, a.err, a.authid);
		/* nobody shows one on a Unix socket */
		old = play.nsuspects;
		send_cert(&unx, 12, "/CN=me", 20 + i);
		expect_suspect("certificate on a socket", &unx, old);
		proxy_start(&unx);
	}
	expect_alive("certificates");
}

/* wampctl learns how much there is, and of nothing what it is. */
static void
test_memory(void)
{
	int	row;

	ctl_all(&play, CTL_MEMORY, 0, 0, NULL);
	if ((row = ctl_find_text("what", "keys")) == -1 ||
	    !ctl_is((unsigned int)row, "process", "keeper") ||
	    ctl_num((unsigned int)row, "count") != 0 ||
	    ctl_num((unsigned int)row, "octets") == 0 ||
	    ctl_num((unsigned int)row, "limit") == 0)
		errx(1, "the keys are told otherwise");
	if (ctl_find_text("what", "users") == -1 ||
	    ctl_find_text("what", "logins") == -1 ||
	    ctl_find_text("what", "jobs") == -1 ||
	    ctl_find_text("peer", "broker") == -1 ||
	    ctl_find_text("peer", "tlsproxy") == -1)
		errx(1, "the memory is told otherwise");
	ctl_ask(&play, CTL_SESSIONS, 0, 0, NULL);
	if (!ctl_lost || ctl_n != 0)
		errx(1, "a keeper tells of sessions");
}

int
main(void)
{
	struct question	q = question(11);
	struct answer	a;
	struct conf	*c = conf_make();
	int		i;

	play_start(&play, PROC_KEEPER, "keeper");
	for (i = 0; i < NBROKERS; i++)
		brokers[i] = play_peer(&play, PROC_BROKER, 0, i, 1,
		    LINK_MAIN);
	proxy_start(&net);
	proxy_start(&unx);
	proxy_start(&other);
	a = ask(&net, &q);
	ctl_ask(&play, CTL_MEMORY, 0, 0, NULL);
	if (!ctl_lost)
		errx(1, "without configuration: something is told");
	if (a.verdict != DENIED || a.err != WERR_NO_SUCH_REALM)
		errx(1, "without configuration: got %d error %u", a.verdict,
		    a.err);
	if (play_configure(&play, c) == -1)
		errx(1, "%s", play.failed);
	conf_free(c);

	test_lesson_17();
	test_cancel();
	test_sign();
	test_hello_nonsense();
	test_every_type();
	test_broker_nonsense();
	test_peers();
	test_certs();
	test_memory();
	play_stop(&play);
	return (0);
}
