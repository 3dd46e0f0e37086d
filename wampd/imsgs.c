/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a child may say to the parent: the table, and a handler for each
 * type.  Handlers note what happened; children_progress() acts on it at the
 * end of the turn.  A child that says anything else is replaced.
 */
#include <sys/types.h>

#include <string.h>

#include "ask.h"
#include "chan.h"
#include "mono.h"
#include "wampd.h"

#define MAXREASON	2048
#define MAXCOUNTS	(16000 / sizeof(struct m_conn_count))

static int
on_setup_done(struct chan *ch, struct imsg *m)
{
	struct child		*c = chan_arg(ch);
	struct m_setup_done	 d;

	memcpy(&d, m->data, sizeof(d));
	if (c->state != CHILD_START || d.version != IMSG_VERSION ||
	    d.role != c->role || d.instance != c->instance)
		return (-1);
	c->pong_at = c->read_at = mono_ms();
	child_set_state(c, CHILD_HOLD);
	return (0);
}

static int
on_pong(struct chan *ch, struct imsg *m)
{
	struct child	*c = chan_arg(ch);
	struct m_u32	 p;

	memcpy(&p, m->data, sizeof(p));
	if (p.n <= c->ping_got || p.n > c->ping_sent)
		return (-1);
	c->ping_got = p.n;
	c->pong_at = mono_ms();
	return (0);
}

static int
on_peer_ready(struct chan *ch, struct imsg *m)
{
	struct m_peer	peer;

	memcpy(&peer, m->data, sizeof(peer));
	return (edges_ready(chan_arg(ch), &peer));
}

static int
on_accepting(struct chan *ch, struct imsg *m)
{
	struct child	*c = chan_arg(ch);

	(void)m;
	if (c->state != CHILD_ACCEPT)
		return (-1);
	child_set_state(c, CHILD_UP);
	return (0);
}

static int
on_shutdown_done(struct chan *ch, struct imsg *m)
{
	struct child	*c = chan_arg(ch);

	(void)m;
	if (!c->w->is_stopping || c->role != PROC_TLSPROXY)
		return (-1);
	c->is_shut = 1;
	return (0);
}

static int
on_drained(struct chan *ch, struct imsg *m)
{
	struct m_u32	number;

	memcpy(&number, m->data, sizeof(number));
	return (drain_done(chan_arg(ch), number.n));
}

/* -- configuration ------------------------------------------------------ */

static int
on_conf_ready(struct chan *ch, struct imsg *m)
{
	struct child	*c = chan_arg(ch);
	struct m_u32	 gen;

	memcpy(&gen, m->data, sizeof(gen));
	if (c->state != CHILD_CONF || gen.n != c->w->conf->generation)
		return (reload_ready(c, gen.n));
	if (c->w->is_check) {
		chan_loop_exit();
		return (0);
	}
	chan_send(ch, IMSG_CONF_COMMIT, 0, 0, &gen, sizeof(gen));
	child_set_state(c, CHILD_COMMIT);
	return (0);
}

static int
on_conf_failed(struct chan *ch, struct imsg *m)
{
	struct child	*c = chan_arg(ch);
	struct m_u32	 gen;
	char		 text[MAXREASON];

	memcpy(&gen, m->data, sizeof(gen));
	logsink_clean(text, sizeof(text), m->data + sizeof(gen),
	    m->len - sizeof(gen));
	if (c->state != CHILD_CONF ||
	    (gen.n != 0 && gen.n != c->w->conf->generation))
		return (reload_failed(c, gen.n, text));
	if (!c->w->is_ready && !c->w->upgrade.is_successor) {
		log_warnx("%s", text);
		wampd_fail(c->w);
		return (0);
	}
	child_kill(c, "refused the configuration in force (%s)", text);
	if (!c->w->is_ready)
		successor_refused(c->w);
	return (0);
}

static int
on_conf_committed(struct chan *ch, struct imsg *m)
{
	struct child	*c = chan_arg(ch);
	struct m_u32	 gen, level;

	memcpy(&gen, m->data, sizeof(gen));
	if (c->state != CHILD_COMMIT)
		return (reload_committed(c, gen.n));
	if (gen.n != c->w->conf->generation)
		return (-1);
	/* which may have changed since it was sent the configuration */
	level.n = c->w->conf->loglevel;
	chan_send(ch, IMSG_LOG_LEVEL, 0, 0, &level, sizeof(level));
	child_set_state(c, CHILD_PEERS);
	return (0);
}

/* -- accusations -------------------------------------------------------- */

/*
 * A tlsproxy meets the network: its word alone does not end a keeper or a
 * broker.  It is replaced itself; if the next one, or another one, says the
 * same of the same process, that one goes.
 */
static int
needs_second_word(const struct child *c, struct child *accused)
{
	if (c->role != PROC_TLSPROXY || accused->role == PROC_TLSPROXY)
		return (0);
	if (accused->is_accused && (accused->accuser != c->instance ||
	    accused->accuser_gen != c->generation))
		return (0);
	accused->is_accused = 1;
	accused->accuser = c->instance;
	accused->accuser_gen = c->generation;
	return (1);
}

static int
on_suspect(struct chan *ch, struct imsg *m)
{
	struct child		*c = chan_arg(ch), *accused;
	struct m_suspect	 s;

	memcpy(&s, m->data, sizeof(s));
	accused = child_find(c->w, s.role, s.instance);
	if (accused == NULL || !edges_may_accuse(c, accused) ||
	    s.generation > accused->generation)
		return (-1);
	if (s.generation < accused->generation)
		return (0);	/* replaced since */
	if (needs_second_word(c, accused)) {
		log_warnx("%s says that %s sent nonsense: %s is replaced "
		    "first", c->name, accused->name, c->name);
		child_kill(c, "accused %s", accused->name);
		return (0);
	}
	log_warnx("%s says that %s sent nonsense", c->name, accused->name);
	child_kill(accused, "sent nonsense to %s", c->name);
	return (0);
}

/* -- limits of connections ---------------------------------------------- */

static int
on_conn_count(struct chan *ch, struct imsg *m)
{
	struct child		*c = chan_arg(ch);
	struct m_conn_count	 counts[MAXCOUNTS], shed[MAXCOUNTS];
	size_t			 n = m->len / sizeof(counts[0]), nshed;

	if (c->role != PROC_TLSPROXY || c->state < CHILD_PEERS ||
	    m->len % sizeof(counts[0]) != 0)
		return (-1);
	memcpy(counts, m->data, m->len);
	if (connlimit_count(c->w->connlimit, c->instance, counts, n, shed,
	    &nshed) == -1)
		return (-1);
	if (nshed > 0)
		chan_send(c->chan, IMSG_CONN_SHED, 0, 0, shed,
		    nshed * sizeof(shed[0]));
	return (0);
}

static int
on_ctl_rows(struct chan *ch, struct imsg *m)
{
	return (ask_answer(chan_arg(ch), m));
}

/* -- metrics ------------------------------------------------------------ */

static int
on_counts_ask(struct chan *ch, struct imsg *m)
{
	struct m_u32	number;

	memcpy(&number, m->data, sizeof(number));
	return (scrape_counts_asked(chan_arg(ch), number.n));
}

static int
on_health_ask(struct chan *ch, struct imsg *m)
{
	struct m_u32	number;

	memcpy(&number, m->data, sizeof(number));
	return (scrape_health_asked(chan_arg(ch), number.n));
}

/* Direction: any child to the parent.  Roles and states: the handlers. */
static const struct chan_rule table[IMSG_MAX] = {
    [IMSG_SETUP_DONE] = { on_setup_done, sizeof(struct m_setup_done), 0,
	0, 0 },
    [IMSG_PEER_READY] = { on_peer_ready, sizeof(struct m_peer), 0, 0, 0 },
    [IMSG_ACCEPTING] = { on_accepting, 0, 0, 0, 0 },
    [IMSG_PONG] = { on_pong, sizeof(struct m_u32), 0, 0, 0 },
    [IMSG_SHUTDOWN_DONE] = { on_shutdown_done, 0, 0, 0, 0 },
    [IMSG_DRAINED] = { on_drained, sizeof(struct m_u32), 0, 0, 0 },
    [IMSG_PROC_SUSPECT] = { on_suspect, sizeof(struct m_suspect), 0, 0, 0 },
    [IMSG_CONN_COUNT] = { on_conn_count, sizeof(struct m_conn_count),
	MAXCOUNTS * sizeof(struct m_conn_count), 0, 0 },
    [IMSG_CTL_ROWS] = { on_ctl_rows, sizeof(struct m_ctl_rows),
	sizeof(struct m_ctl_rows) + CTL_MAXROWS, 0, 0 },
    [IMSG_COUNTS_ASK] = { on_counts_ask, sizeof(struct m_u32), 0, 0, 0 },
    [IMSG_HEALTH_ASK] = { on_health_ask, sizeof(struct m_u32), 0, 0, 0 },
    [IMSG_CONF_READY] = { on_conf_ready, sizeof(struct m_u32), 0, 0, 0 },
    [IMSG_CONF_FAILED] = { on_conf_failed, sizeof(struct m_u32),
	sizeof(struct m_u32) + MAXREASON, 0, 0 },
    [IMSG_CONF_COMMITTED] = { on_conf_committed, sizeof(struct m_u32), 0,
	0, 0 },
};

static void
ended(struct chan *ch, enum chan_end end, const char *why)
{
	struct child	*c = chan_arg(ch);

	chan_free(ch);
	c->chan = NULL;
	c->closed_at = mono_ms();
	if (end == CHAN_NONSENSE)
		child_kill(c, "sent %s on its control channel", why);
	child_ended(c);
}

static const struct chan_ops ops = { table, ended, NULL };

/* The control channel of a new child over fd, which is taken. */
struct chan *
imsgs_chan(struct child *c, int fd)
{
	return (chan_new(c->w->base, fd, PARENT_MAXCTL, &ops, c));
}
