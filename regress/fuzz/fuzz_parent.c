/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What children may say to the parent, in any state and order, between
 * deaths and reloads: it must end the one that talks nonsense, and nothing
 * else; never itself.  The channels are the target's own; nobody is forked
 * and nobody killed.
 */
#include <sys/types.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../wampd/wampd.h"
#include "chan.h"

#define MUST(x)		do { if (!(x)) abort(); } while (0)
#define NCHILDREN	6

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct chan {
	const struct chan_ops	*ops;
	void			*arg;
	int			 is_closed, in_handler, is_freed;
};

static struct wampd	 w;
static int		 fails;

/* -- in the place of chan.c, wampd.c, the forks and the files ------------ */

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
	if (c == NULL)
		return;
	MUST(!c->is_freed);
	c->is_closed = 1;
	if (c->in_handler)
		c->is_freed = 1;
	else
		free(c);
}

void *
chan_arg(const struct chan *c)
{
	return (c->arg);
}

int
chan_is_open(const struct chan *c)
{
	MUST(!c->is_freed);
	return (!c->is_closed);
}

size_t
chan_waiting(const struct chan *c)
{
	MUST(!c->is_freed);
	return (0);
}

int
chan_sendv(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	(void)type;
	(void)slot;
	(void)gen;
	(void)iov;
	(void)n;
	MUST(!c->is_freed);
	return (c->is_closed ? -1 : 0);
}

int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	(void)data;
	(void)len;
	return (chan_sendv(c, type, slot, gen, NULL, 0));
}

int
chan_send_fd(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len, int fd)
{
	close(fd);
	return (chan_send(c, type, slot, gen, data, len));
}

void
chan_loop_exit(void)
{
}

void
wampd_stop(struct wampd *p)
{
	(void)p;
}

void
log_tap(void (*fn)(void *, int, const char *), void *arg)
{
	(void)fn;
	(void)arg;
}

int
wampd_conf(struct wampd *p)
{
	(void)p;
	return (-1);
}

void
wampd_fail(struct wampd *p)
{
	(void)p;
	fails++;
}

void
wampd_ready(struct wampd *p)
{
	p->is_ready = 1;
}

const char *
proc_role_name(enum proc_role role)
{
	(void)role;
	return ("child");
}

/* There is much to complain about. */
#define QUIET(name)				\
void						\
name(const char *fmt, ...)			\
{						\
	(void)fmt;				\
}

QUIET(log_warn)
QUIET(log_warnx)
QUIET(log_info)
QUIET(log_debug)
QUIET(log_session)

void
log_init(enum log_mode mode, const char *name)
{
	(void)mode;
	(void)name;
}

void
log_setlevel(enum log_level level)
{
	(void)level;
}

enum log_level
log_getlevel(void)
{
	return (LOG_LEVEL_BRIEF);
}

char *
log_vis(char *dst, size_t size, const void *text, size_t len)
{
	(void)text;
	(void)len;
	memset(dst, 0, size);
	return (dst);
}

void
log_from(int level, const char *process, const char *text)
{
	(void)level;
	(void)process;
	(void)text;
}

void
log_admin(const char *act, unsigned long uid, long pid, const char *what)
{
	if (strlen(act) + strlen(what) + uid + (unsigned long)pid == 0)
		abort();
}

void
wampd_log(const struct conf *conf)
{
	(void)conf;
}

int
log_may(struct log_limit *l, unsigned int burst)
{
	(void)l;
	(void)burst;
	return (1);
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

/* -- a family ----------------------------------------------------------- */

static void
add(enum proc_role role, enum proxy_kind kind, unsigned int instance)
{
	struct child	*c;

	c = child_new(&w, role, kind, instance);
	c->generation = 1;
	c->chan = imsgs_chan(c, -1);
	child_set_state(c, CHILD_START);
}

static void
setup(void)
{
	memset(&w, 0, sizeof(w));
	TAILQ_INIT(&w.lsocks);
	w.ready_fd = w.pidfd = -1;
	MUST((w.base = event_base_new()) != NULL);
	w.conf = conf_new();
	w.conf->prefork = 2;
	w.conf->brokers = 1;
	w.conf->generation = w.confgen = 1;
	conf_add_metrics(w.conf, "m", 1);
	MUST((w.connlimit = connlimit_new(children_limit, &w)) != NULL);
	connlimit_set(w.connlimit, 100, 10);
	add(PROC_KEEPER, PROXY_NET, 0);
	add(PROC_BROKER, PROXY_NET, 0);
	add(PROC_TLSPROXY, PROXY_NET, 0);
	add(PROC_TLSPROXY, PROXY_NET, 1);
	add(PROC_TLSPROXY, PROXY_UNIX, 2);
	add(PROC_METRICS, PROXY_NET, 0);
}

static void
teardown(void)
{
	size_t	i;

	reload_end(&w);
	scrape_stop(&w);
	for (i = 0; i < w.nchildren; i++)
		edges_gone(w.children[i]);
	for (i = 0; i < w.nedges; i++)
		MUST(w.edges[i].fd == -1);
	for (i = 0; i < w.nchildren; i++)
		child_free(w.children[i]);
	free(w.edges);
	connlimit_free(w.connlimit);
	conf_free(w.conf);
	event_base_free(w.base);
}

/* As chan.c would: the table first, then the handler, then the end. */
static void
deliver(struct child *c, uint32_t type, const uint8_t *data, size_t len)
{
	uint64_t		 aligned[2048];
	const struct chan_rule	*r;
	struct chan		*ch = c->chan;
	struct imsg		 m;
	size_t			 max;
	int			 rv = -1;

	MUST(len <= sizeof(aligned));
	memcpy(aligned, data, len);
	memset(&m, 0, sizeof(m));
	m.type = type;
	m.data = (uint8_t *)aligned;
	m.len = len;
	m.fd = -1;
	r = &ch->ops->table[type % IMSG_MAX];
	max = r->max == 0 ? r->min : r->max;
	ch->in_handler = 1;
	if (type < IMSG_MAX && r->handler != NULL && len >= r->min &&
	    len <= max)
		rv = r->handler(ch, &m);
	ch->in_handler = 0;
	if (ch->is_freed) {
		free(ch);
		return;
	}
	if (rv == -1) {
		ch->is_closed = 1;
		ch->ops->ended(ch, CHAN_NONSENSE, "nonsense");
	}
}

/* Dead and begun again, without its process. */
static void
renew(struct child *c)
{
	int	was_up;

	edges_gone(c);
	if (c->role == PROC_TLSPROXY)
		connlimit_gone(w.connlimit, c->instance);
	chan_free(c->chan);
	c->chan = NULL;
	was_up = c->state == CHILD_UP;
	child_set_state(c, CHILD_DOWN);
	reload_child_gone(c, was_up);
	c->generation++;
	c->is_accused = 0;
	c->ping_sent = c->ping_got = 0;
	c->chan = imsgs_chan(c, -1);
	child_set_state(c, CHILD_START);
}

static void
begin_reload(void)
{
	size_t	i;

	if (w.reload.is_active)
		return;
	w.reload.next = conf_new();
	w.reload.next->prefork = 2;
	w.reload.next->brokers = 1;
	conf_add_metrics(w.reload.next, "m", 1);
	w.reload.generation = w.reload.next->generation = ++w.confgen;
	w.reload.is_active = 1;
	w.reload.is_committed = 0;
	for (i = 0; i < w.nchildren; i++)
		if (w.children[i]->state >= CHILD_PEERS &&
		    w.children[i]->chan != NULL)
			w.children[i]->reload = RELOAD_SENT;
}

static size_t
take(const uint8_t **p, size_t *left, void *dst, size_t n)
{
	if (n > *left)
		n = *left;
	memcpy(dst, *p, n);
	*p += n;
	*left -= n;
	return (n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t left)
{
	uint8_t		 op[4], data[4096];
	struct child	*c;
	size_t		 n, total = 0;

	if (left > 65536)
		return (0);
	setup();
	while (take(&p, &left, op, sizeof(op)) == sizeof(op)) {
		c = w.children[op[0] % NCHILDREN];
		switch (op[0] / NCHILDREN % 8) {
		case 0:
			renew(c);
			break;
		case 1:
			begin_reload();
			break;
		case 2:
			c->ping_sent++;
			break;
		default:
			n = take(&p, &left, data,
			    ((size_t)op[2] | (size_t)op[3] << 8) % 4096);
			if (c->chan != NULL && n <= sizeof(data))
				deliver(c, op[1], data, n);
			break;
		}
		/* a child that was ended begins anew */
		if (c->chan == NULL)
			renew(c);
		children_progress(&w);
		scrape_progress(&w);
		if (++total > 4096)
			break;
	}
	MUST(w.nchildren == NCHILDREN);
	teardown();
	return (0);
}
