/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The life of a child as far as it is the same for all of them.  What a
 * role does with its peers and its configuration stands in its own folder.
 */
#include <sys/types.h>

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "log.h"
#include "msgtypes.h"
#include "proc.h"
#include "sandbox.h"
#include "trim.h"

#define PROC_MAXCTL	(16 * 1024)	/* longest imsg of the parent */

static struct proc			*self;
static const struct proc_hooks		*hooks;
static struct conf			*next_conf;
static uint32_t				 ready_conf;	/* generation */
static int				 is_checking;	/* next_conf, still */
static struct chan_rule			 table[IMSG_MAX];

static void	parent_ended(struct chan *, enum chan_end, const char *);
static const struct chan_ops parent_ops = { table, parent_ended, NULL };

const char *
proc_role_name(enum proc_role role)
{
	static const char *const names[PROC_ROLES] = {
		"parent", "keeper", "tlsproxy", "broker", "metrics"
	};

	return ((unsigned int)role < PROC_ROLES ? names[role] : "unknown");
}

/* The parent's death ends all; its nonsense is fatal. */
static void
parent_ended(struct chan *c, enum chan_end end, const char *why)
{
	(void)c;
	if (end == CHAN_NONSENSE)
		fatalx("%s: the parent sent %s", proc_role_name(self->role),
		    why);
	exit(0);
}

/* -- imsgs of the parent ------------------------------------------------ */

static int
on_ping(struct chan *c, struct imsg *m)
{
	chan_send(c, IMSG_PONG, 0, 0, m->data, m->len);
	log_flush();
	return (0);
}

/* Its end without COMMIT. */
static void
conf_drop(void)
{
	if (next_conf != NULL && hooks->conf_abort != NULL)
		hooks->conf_abort();
	conf_free(next_conf);
	next_conf = NULL;
	ready_conf = 0;
	is_checking = 0;
}

static void
conf_failed(struct chan *c, const char *why)
{
	struct iovec	iov[2];
	struct m_u32	gen;
	char		text[REASON_MAXLEN];

	gen.n = next_conf != NULL ? next_conf->generation : 0;
	strlcpy(text, why, sizeof(text));
	iov[0].iov_base = &gen;
	iov[0].iov_len = sizeof(gen);
	iov[1].iov_base = text;
	iov[1].iov_len = strlen(text);
	chan_sendv(c, IMSG_CONF_FAILED, 0, 0, iov, 2);
	conf_drop();
}

static void
conf_ready(struct chan *c)
{
	struct m_u32	gen;

	gen.n = ready_conf = next_conf->generation;
	chan_send(c, IMSG_CONF_READY, 0, 0, &gen, sizeof(gen));
}

void
proc_conf_checked(const char *err)
{
	if (!is_checking)
		return;
	is_checking = 0;
	if (err != NULL)
		conf_failed(self->parent, err);
	else
		conf_ready(self->parent);
}

static int
on_conf(struct chan *c, struct imsg *m)
{
	char		err[REASON_MAXLEN] = "configuration not understood";

	if (m->type == IMSG_CONF_BEGIN)
		conf_drop();
	else if (is_checking)
		return (-1);
	/* after a failure the rest is read and dropped until the next BEGIN */
	if (next_conf == NULL && m->type != IMSG_CONF_BEGIN)
		return (0);
	switch (conf_recv(&next_conf, m, err, sizeof(err))) {
	case 0:
		return (0);
	case -1:
		conf_failed(c, err);
		return (0);
	}
	switch (hooks->conf_check == NULL ? 0 :
	    hooks->conf_check(next_conf, err, sizeof(err))) {
	case 0:
		conf_ready(c);
		break;
	case 1:
		is_checking = 1;
		break;
	default:
		conf_failed(c, err);
		break;
	}
	return (0);
}

static int
on_conf_commit(struct chan *c, struct imsg *m)
{
	struct conf	*conf = next_conf;
	struct m_u32	 gen;

	memcpy(&gen, m->data, sizeof(gen));
	if (conf == NULL || gen.n != ready_conf)
		return (-1);
	next_conf = NULL;
	ready_conf = 0;
	log_setlevel((enum log_level)conf->loglevel);
	hooks->conf_commit(conf);
	chan_send(c, IMSG_CONF_COMMITTED, 0, 0, &gen, sizeof(gen));
	return (0);
}

static int
on_log_level(struct chan *c, struct imsg *m)
{
	struct m_u32	level;

	(void)c;
	memcpy(&level, m->data, sizeof(level));
	if (level.n > LOG_LEVEL_DEBUG)
		return (-1);
	log_setlevel((enum log_level)level.n);
	return (0);
}

static int
on_conf_abort(struct chan *c, struct imsg *m)
{
	(void)c;
	(void)m;
	conf_drop();
	return (0);
}

static int
on_setup_peer(struct chan *c, struct imsg *m)
{
	struct m_peer	peer;
	int		fd = m->fd;

	memcpy(&peer, m->data, sizeof(peer));
	if (peer.role >= PROC_ROLES)
		return (-1);
	if (hooks->peer_new == NULL)
		return (-1);
	m->fd = -1;
	if (hooks->peer_new(&peer, fd) == -1)
		return (-1);
	chan_send(c, IMSG_PEER_READY, 0, 0, &peer, sizeof(peer));
	return (0);
}

static int
on_peer_gone(struct chan *c, struct imsg *m)
{
	struct m_peer	peer;

	(void)c;
	memcpy(&peer, m->data, sizeof(peer));
	if (hooks->peer_gone == NULL)
		return (-1);
	hooks->peer_gone(&peer);
	return (0);
}

void
proc_suspect(const struct m_peer *peer)
{
	struct m_suspect	s;

	memset(&s, 0, sizeof(s));
	s.role = peer->role;
	s.instance = peer->instance;
	s.generation = peer->generation;
	chan_send(self->parent, IMSG_PROC_SUSPECT, 0, 0, &s, sizeof(s));
}

static void
table_init(void)
{
	static const struct chan_rule	own[IMSG_MAX] = {
	    [IMSG_PING] = { on_ping, sizeof(struct m_u32), 0, 0, 0 },
	    [IMSG_LOG_LEVEL] = { on_log_level, sizeof(struct m_u32), 0, 0,
		0 },
	    [IMSG_SETUP_PEER] = { on_setup_peer, sizeof(struct m_peer), 0,
		0, 1 },
	    [IMSG_PEER_GONE] = { on_peer_gone, sizeof(struct m_peer), 0,
		0, 0 },
	    [IMSG_CONF_BEGIN] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_GLOBAL] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_KEYPAIR] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_CERT] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_KEY] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_OCSP] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_SECRET] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_USERS] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_LISTEN] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_LISTEN_FD] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_LISTEN_ITEM] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_CLIENT_CA] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_CLIENT_CRL] = { on_conf, 0, CHAN_ANY, 0, 1 },
	    [IMSG_CONF_REALM] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_AUTH] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_ROLE] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_RULE] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_AUTHORIZER] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_ASKED] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_POLICY] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_TOPIC] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_FROM] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_END] = { on_conf, 0, CHAN_ANY, 0, 0 },
	    [IMSG_CONF_COMMIT] = { on_conf_commit, sizeof(struct m_u32), 0,
		0, 0 },
	    [IMSG_CONF_ABORT] = { on_conf_abort, sizeof(struct m_u32), 0,
		0, 0 },
	};
	size_t				i;

	memcpy(table, own, sizeof(table));
	for (i = 0; hooks->table != NULL && i < IMSG_MAX; i++)
		if (hooks->table[i].handler != NULL)
			table[i] = hooks->table[i];
}

/* -- start -------------------------------------------------------------- */

static void
read_setup(struct m_setup_start *s, char *root, size_t rootsize)
{
	struct imsg_hdr	h;
	uint8_t		buf[sizeof(*s) + 1024];

	if (imsg_read_blocking(PROC_PARENT_FD, -1, &h, buf, sizeof(buf)) == -1
	    || h.type != IMSG_SETUP_START ||
	    h.len < sizeof(h) + sizeof(*s))
		fatalx("%s: is started by wampd only",
		    proc_role_name(hooks->role));
	memcpy(s, buf, sizeof(*s));
	if (s->version != IMSG_VERSION || s->role != hooks->role ||
	    s->rootlen != h.len - sizeof(h) - sizeof(*s) ||
	    s->rootlen >= rootsize)
		fatalx("%s: belongs to another version of wampd",
		    proc_role_name(hooks->role));
	memcpy(root, buf + sizeof(*s), s->rootlen);
	root[s->rootlen] = '\0';
}

static void
enter_sandbox(const struct m_setup_start *s, const char *root)
{
	static const enum sandbox_role	roles[PROC_ROLES] = {
		[PROC_KEEPER] = SANDBOX_KEEPER,
		[PROC_TLSPROXY] = SANDBOX_TLSPROXY,
		[PROC_BROKER] = SANDBOX_BROKER,
		[PROC_METRICS] = SANDBOX_METRICS
	};
	struct sandbox_conf	sc;
	char			err[256];

	memset(&sc, 0, sizeof(sc));
	sc.role = roles[hooks->role];
	sc.strict = (int)s->strict;
	sc.is_root = (int)s->is_root;
	sc.uid = (uid_t)s->uid;
	sc.gid = (gid_t)s->gid;
	sc.root = root;
	sc.nofile = s->nofile;
	sc.threads = hooks->threads;
	if (sandbox_enter(&sc, err, sizeof(err)) == -1)
		fatalx("%s: sandbox: %s", proc_role_name(hooks->role), err);
}

static void
answer_setup(const struct m_setup_start *s)
{
	struct m_setup_done	d;

	memset(&d, 0, sizeof(d));
	d.version = IMSG_VERSION;
	d.role = s->role;
	d.instance = s->instance;
	chan_send(self->parent, IMSG_SETUP_DONE, 0, 0, &d, sizeof(d));
}

static void
turn_end(void *arg)
{
	(void)arg;
	if (hooks->turn_end != NULL)
		hooks->turn_end();
}

/*
 * No thread, one epoll descriptor, and no list of changes for later: the
 * parent shares our listening sockets, and one that is closed before epoll
 * forgets it is reported for ever.
 */
static struct event_base *
base_new(void)
{
	struct event_config	*cfg;
	struct event_base	*base;

	if ((cfg = event_config_new()) == NULL)
		fatalx("event_config_new failed");
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	if ((base = event_base_new_with_config(cfg)) == NULL)
		fatalx("event_base_new failed");
	event_config_free(cfg);
	return (base);
}

int
proc_main(struct proc *p, const struct proc_hooks *h, int argc, char **argv)
{
	struct m_setup_start	s;
	char			root[1024];

	(void)argc;
	(void)argv;
	self = p;
	hooks = h;
	trim_keep();
	log_init(LOG_TO_PARENT, proc_role_name(h->role));
	signal(SIGPIPE, SIG_IGN);
	/* RLIMIT_FSIZE is 0: a log that is a file fails, it does not kill */
	signal(SIGXFSZ, SIG_IGN);
	/* ^C at a terminal is for the parent to act on */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	read_setup(&s, root, sizeof(root));
	log_setlevel((enum log_level)s.loglevel);
	p->role = h->role;
	p->kind = (enum proxy_kind)s.kind;
	p->instance = s.instance;
	p->generation = s.generation;
	p->nofile = s.nofile;
	tzset();
	p->base = base_new();
	trim_init(p->base);
	if (h->prepare != NULL)
		h->prepare();
	table_init();
	enter_sandbox(&s, root);
	p->parent = chan_new(p->base, PROC_PARENT_FD, PROC_MAXCTL,
	    &parent_ops, NULL);
	if (p->parent == NULL)
		fatalx("%s: no channel to the parent",
		    proc_role_name(h->role));
	chan_pass_fds(p->parent);
	answer_setup(&s);
	chan_loop(p->base, turn_end, NULL);
	return (0);
}
