/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A test plays the parent of a real child process.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <err.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "log.h"
#include "play.h"
#include "proc.h"

#define PLAY_NOBODY	65534
#define PLAY_WAIT	20		/* seconds; SAN builds are slow */

static int
on_setup_done(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	(void)m;
	p->is_setup = 1;
	return (0);
}

static int
on_peer_ready(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	(void)m;
	p->npeers++;
	return (0);
}

static int
on_pong(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	(void)m;
	p->npongs++;
	return (0);
}

static int
on_ready(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	memcpy(&p->ready, m->data, sizeof(p->ready));
	return (0);
}

static int
on_failed(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	memcpy(p->failed, m->data + sizeof(struct m_u32),
	    m->len - sizeof(struct m_u32));
	p->failed[m->len - sizeof(struct m_u32)] = '\0';
	return (0);
}

static int
on_committed(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	memcpy(&p->committed, m->data, sizeof(p->committed));
	return (0);
}

static int
on_suspect(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	memcpy(&p->suspect, m->data, sizeof(p->suspect));
	p->nsuspects++;
	return (0);
}

static int
on_accepting(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	(void)m;
	p->naccepting++;
	return (0);
}

static int
on_shutdown_done(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	(void)m;
	p->ndone++;
	return (0);
}

static int
on_conn_count(struct chan *c, struct imsg *m)
{
	static const uint8_t	 zero[16];
	struct play		*p = chan_arg(c);
	struct m_conn_count	 cc;
	size_t			 off;

	if (m->len % sizeof(cc) != 0)
		return (-1);
	for (off = 0; off < m->len; off += sizeof(cc)) {
		memcpy(&cc, m->data + off, sizeof(cc));
		if (memcmp(cc.addr, zero, sizeof(zero)) == 0)
			p->nconns = cc.count;
		else
			p->count = cc;
	}
	p->ncounts++;
	return (0);
}

static int
on_ctl_rows(struct chan *c, struct imsg *m)
{
	struct play	*p = chan_arg(c);

	memcpy(&p->answer, m->data, sizeof(p->answer));
	p->rowslen = m->len - sizeof(p->answer);
	memcpy(p->rows, m->data + sizeof(p->answer), p->rowslen);
	p->nanswers++;
	return (0);
}

static void
on_ended(struct chan *c, enum chan_end end, const char *why)
{
	struct play	*p = chan_arg(c);

	if (end == CHAN_NONSENSE)
		errx(1, "%s sent %s", proc_role_name(p->role), why);
	p->is_gone = 1;
}

/* Its log, a pipe as in life: it may not write to files. */
static void
on_log(evutil_socket_t fd, short what, void *arg)
{
	struct play	*p = arg;
	char		 buf[4096];
	ssize_t		 n;

	(void)what;
	if ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stderr);
	else
		event_del(p->log);
}

static const struct chan_rule	table[IMSG_MAX] = {
	[IMSG_SETUP_DONE] = { on_setup_done, sizeof(struct m_setup_done), 0,
	    0, 0 },
	[IMSG_PEER_READY] = { on_peer_ready, sizeof(struct m_peer), 0, 0, 0 },
	[IMSG_PONG] = { on_pong, sizeof(struct m_u32), 0, 0, 0 },
	[IMSG_CONF_READY] = { on_ready, sizeof(struct m_u32), 0, 0, 0 },
	[IMSG_CONF_FAILED] = { on_failed, sizeof(struct m_u32),
	    sizeof(struct m_u32) + REASON_MAXLEN, 0, 0 },
	[IMSG_CONF_COMMITTED] = { on_committed, sizeof(struct m_u32), 0, 0,
	    0 },
	[IMSG_PROC_SUSPECT] = { on_suspect, sizeof(struct m_suspect), 0, 0,
	    0 },
	[IMSG_ACCEPTING] = { on_accepting, 0, 0, 0, 0 },
	[IMSG_SHUTDOWN_DONE] = { on_shutdown_done, 0, 0, 0, 0 },
	[IMSG_CONN_COUNT] = { on_conn_count, sizeof(struct m_conn_count),
	    CHAN_ANY, 0, 0 },
	[IMSG_CTL_ROWS] = { on_ctl_rows, sizeof(struct m_ctl_rows),
	    sizeof(struct m_ctl_rows) + CTL_MAXROWS, 0, 0 },
};
static const struct chan_ops	ops = { table, on_ended, NULL };

/* One turn of the event loop, of at most ms. */
static void
turn(struct play *p, int ms)
{
	struct timeval	tv = { ms / 1000, (ms % 1000) * 1000 };

	chan_flush_all();
	if (ms > 0)
		event_base_loopexit(p->base, &tv);
	event_base_loop(p->base, ms > 0 ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
	chan_flush_all();
}

void
play_poll(struct play *p)
{
	turn(p, 0);
}

static void
wait_while(struct play *p, int (*is_waiting)(const struct play *),
    const char *what)
{
	int	i;

	for (i = 0; is_waiting(p); i++) {
		if (p->is_gone)
			errx(1, "%s: %s died", what, proc_role_name(p->role));
		if (i == PLAY_WAIT * 100)
			errx(1, "%s: nothing from %s", what,
			    proc_role_name(p->role));
		turn(p, 10);
	}
}

void
play_until(struct play *p, const unsigned int *n, unsigned int old,
    const char *what)
{
	int	i;

	for (i = 0; *n == old; i++) {
		if (p->is_gone)
			errx(1, "%s: %s died", what, proc_role_name(p->role));
		if (i == PLAY_WAIT * 100)
			errx(1, "%s: nothing from %s", what,
			    proc_role_name(p->role));
		turn(p, 10);
	}
}

void
play_ask(struct play *p, const struct m_ctl_query *q, const char *authid)
{
	struct iovec	iov[2];
	unsigned int	n = p->nanswers;

	iov_set(&iov[0], q, sizeof(*q));
	iov_set(&iov[1], authid, q->authidlen);
	chan_sendv(p->chan, IMSG_CTL_QUERY, 0, 0, iov, 2);
	play_until(p, &p->nanswers, n, "CTL_ROWS");
	if (p->nanswers != n + 1)
		errx(1, "%s answered twice", proc_role_name(p->role));
}

/* As root a child changes to nobody, in an empty directory. */
static void
send_setup(struct play *p)
{
	struct m_setup_start	s;
	struct iovec		iov[2];

	memset(&s, 0, sizeof(s));
	s.version = IMSG_VERSION;
	s.role = (uint8_t)p->role;
	s.kind = (uint8_t)p->kind;
	s.generation = 1;
	s.strict = 1;
	s.loglevel = LOG_LEVEL_BRIEF;
	s.nofile = 1024;
	if (geteuid() == 0) {
		s.is_root = 1;
		s.uid = s.gid = PLAY_NOBODY;
		strlcpy(p->root, "/tmp/wampd-play.XXXXXX", sizeof(p->root));
		if (mkdtemp(p->root) == NULL || chmod(p->root, 0555) == -1)
			err(1, "%s", p->root);
	}
	s.rootlen = (uint32_t)strlen(p->root);
	iov[0].iov_base = &s;
	iov[0].iov_len = sizeof(s);
	iov[1].iov_base = p->root;
	iov[1].iov_len = s.rootlen;
	chan_sendv(p->chan, IMSG_SETUP_START, 0, 0, iov, 2);
}

static int
is_setting_up(const struct play *p)
{
	return (!p->is_setup);
}

void
play_start(struct play *p, enum proc_role role, const char *program)
{
	play_start_kind(p, role, PROXY_NET, program);
}

void
play_start_kind(struct play *p, enum proc_role role, int kind,
    const char *program)
{
	const char	*b = getenv("B");
	char		 path[1024];
	int		 sp[2], log[2], fd;

	memset(p, 0, sizeof(*p));
	p->role = role;
	p->kind = kind;
	snprintf(path, sizeof(path), "%s/libexec/wampd/%s",
	    b != NULL ? b : "build", program);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == -1)
		err(1, "socketpair");
	if (pipe2(log, O_CLOEXEC | O_NONBLOCK) == -1)
		err(1, "pipe2");
	switch (p->pid = fork()) {
	case -1:
		err(1, "fork");
	case 0:
		if (sp[1] == PROC_PARENT_FD)
			fcntl(sp[1], F_SETFD, 0);
		else if (dup2(sp[1], PROC_PARENT_FD) == -1)
			_exit(127);
		if (dup2(log[1], STDERR_FILENO) == -1)
			_exit(127);
		closefrom(PROC_PARENT_FD + 1);
		execl(path, program, (char *)NULL);
		warn("%s", path);
		_exit(127);
	}
	close(sp[1]);
	close(log[1]);
	/* room for many; the test's own inherit nothing by accident */
	if ((fd = fcntl(sp[0], F_DUPFD_CLOEXEC, 10)) == -1)
		err(1, "fcntl");
	close(sp[0]);
	if ((p->base = event_base_new()) == NULL ||
	    (p->chan = chan_new(p->base, fd, 16 * 1024, &ops, p)) == NULL)
		errx(1, "channel");
	p->log = event_new(p->base, log[0], EV_READ | EV_PERSIST, on_log, p);
	if (p->log == NULL || event_add(p->log, NULL) == -1)
		errx(1, "log");
	p->log_fd = log[0];
	send_setup(p);
	wait_while(p, is_setting_up, "SETUP_DONE");
}

static int
is_checking(const struct play *p)
{
	return (p->ready == 0 && p->failed[0] == '\0');
}

static int
is_committing(const struct play *p)
{
	return (p->committed != p->ready);
}

int
play_configure(struct play *p, struct conf *c)
{
	struct m_u32	gen;

	c->generation = gen.n = p->committed + 1;
	p->ready = 0;
	p->failed[0] = '\0';
	if (conf_send(p->chan, c, p->role, p->kind, p->listen_fd, p) == -1)
		errx(1, "conf_send");
	wait_while(p, is_checking, "CONF_READY");
	if (p->failed[0] != '\0')
		return (-1);
	chan_send(p->chan, IMSG_CONF_COMMIT, 0, 0, &gen, sizeof(gen));
	wait_while(p, is_committing, "CONF_COMMITTED");
	return (0);
}

int
play_peer(struct play *p, int role, int kind, int instance,
    uint32_t generation, int link)
{
	struct m_peer	peer;
	unsigned int	old = p->npeers;
	int		sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == -1)
		err(1, "socketpair");
	memset(&peer, 0, sizeof(peer));
	peer.role = (uint8_t)role;
	peer.kind = (uint8_t)kind;
	peer.instance = (uint16_t)instance;
	peer.generation = generation;
	peer.link = (uint8_t)link;
	chan_send_fd(p->chan, IMSG_SETUP_PEER, 0, 0, &peer, sizeof(peer),
	    sp[1]);
	play_until(p, &p->npeers, old, "PEER_READY");
	return (sp[0]);
}

void
play_peer_gone(struct play *p, int role, int instance, uint32_t generation)
{
	struct m_peer	peer;

	memset(&peer, 0, sizeof(peer));
	peer.role = (uint8_t)role;
	peer.instance = (uint16_t)instance;
	peer.generation = generation;
	chan_send(p->chan, IMSG_PEER_GONE, 0, 0, &peer, sizeof(peer));
	chan_flush_all();
}

void
play_sync(struct play *p)
{
	struct m_u32	m = { 0 };
	unsigned int	old = p->npongs;

	chan_send(p->chan, IMSG_PING, 0, 0, &m, sizeof(m));
	play_until(p, &p->npongs, old, "PONG");
}

static int
play_end(struct play *p)
{
	int	status;

	chan_free(p->chan);
	if (waitpid(p->pid, &status, 0) == -1)
		err(1, "waitpid");
	if (p->root[0] != '\0' && rmdir(p->root) == -1)
		warn("%s", p->root);
	event_base_loop(p->base, EVLOOP_NONBLOCK);	/* its last words */
	event_free(p->log);
	close(p->log_fd);
	event_base_free(p->base);
	return (status);
}

int
play_wait(struct play *p)
{
	int	i;

	for (i = 0; !p->is_gone; i++) {
		if (i == PLAY_WAIT * 100)
			errx(1, "%s does not end", proc_role_name(p->role));
		turn(p, 10);
	}
	return (play_end(p));
}

void
play_stop(struct play *p)
{
	int	status;

	play_poll(p);
	if (p->is_gone)
		errx(1, "%s died", proc_role_name(p->role));
	status = play_end(p);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(1, "%s: status 0x%x", proc_role_name(p->role), status);
}

void
play_kill(struct play *p)
{
	kill(p->pid, SIGKILL);
	play_end(p);
}
