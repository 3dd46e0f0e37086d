/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The keeper's process: its channels, what may arrive on each, and the
 * configuration.  Judging is done in auth.c, signing in sign.c; nothing a
 * peer sends is parsed beyond fixed structs, and nothing it sends ends the
 * process.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "kdf.h"
#include "keeper.h"
#include "log.h"

/* Room for AUTH_HELLO with everything in it, the longest that is sent. */
#define AUTH_HELLO_MAX	(sizeof(struct m_auth_hello) + \
			    AUTH_MAXGROUPS * sizeof(uint32_t) + \
			    AUTHID_MAXLEN + AUTH_MAXSUBJECT + AUTH_MAXSANS + \
			    AUTH_MAXNONCE + AUTH_MAXADDRESS + AUTH_MAXEXTRA)

#define AUTH_RESPONSE_MAX (sizeof(struct m_auth_response) + AUTH_MAXSIG + \
			    AUTH_MAXNONCE + AUTH_MAXCBNAME + AUTH_MAXCBDATA)

_Static_assert(AUTH_HELLO_MAX >= AUTH_RESPONSE_MAX &&
    AUTH_HELLO_MAX >= sizeof(struct m_sign), "longest imsg");

struct keeper	 keeper;

#define AUTH_RESULT_MAX	(sizeof(struct m_auth_result) + AUTHID_MAXLEN + \
			    2 * AUTH_MAXNAME + AUTH_MAXSECRET + \
			    AUTH_MAXSALT + AUTH_MAXKEYS * 32 + \
			    AUTH_MAXEXTRA + AUTH_MAXERROR)

_Static_assert(AUTH_HELLO_MAX >= AUTH_RESULT_MAX, "longest imsg");

/*
 * Who may say what.  A broker says what those answered whom it was told to
 * ask, and nothing else.
 */
static const struct chan_rule	main_table[IMSG_MAX] = {
	[IMSG_AUTH_HELLO] = { auth_hello, sizeof(struct m_auth_hello),
	    AUTH_HELLO_MAX, 0, 0 },
	[IMSG_AUTH_RESPONSE] = { auth_response,
	    sizeof(struct m_auth_response), AUTH_RESPONSE_MAX, 0, 0 },
	[IMSG_AUTH_CANCEL] = { auth_cancel, 0, 0, 0, 0 },
};
static const struct chan_rule	sign_table[IMSG_MAX] = {
	[IMSG_SIGN] = { sign_request, sizeof(struct m_sign), 0, 0, 0 },
};
/* And what else the parent may (proc.c). */
static const struct chan_rule	parent_table[IMSG_MAX] = {
	[IMSG_CTL_QUERY] = { ctl_query, sizeof(struct m_ctl_query),
	    sizeof(struct m_ctl_query) + AUTHID_MAXLEN, 0, 0 },
};
static const struct chan_rule	broker_table[IMSG_MAX] = {
	[IMSG_AUTH_RESULT] = { authcall_result,
	    sizeof(struct m_auth_result), AUTH_RESULT_MAX, 0, 0 },
};

static void	peer_ended(struct chan *, enum chan_end, const char *);

static const struct chan_ops	main_ops = { main_table, peer_ended, NULL };
static const struct chan_ops	sign_ops = { sign_table, peer_ended, NULL };
static const struct chan_ops	broker_ops = { broker_table, peer_ended, NULL };

static void
peer_free(struct peer *p)
{
	TAILQ_REMOVE(&keeper.peers, p, entry);
	auth_peer_gone(p);
	if (p->id.role == PROC_BROKER)
		authcall_broker_gone(p->id.instance);
	chan_free(p->chan);
	free(p);
}

/* All channels of that process; generation 0: whichever it is. */
static void
peers_free(const struct m_peer *id, uint32_t generation)
{
	struct peer	*p, *next;

	for (p = TAILQ_FIRST(&keeper.peers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->id.role == id->role &&
		    p->id.instance == id->instance &&
		    (generation == 0 || p->id.generation == generation))
			peer_free(p);
	}
}

static void
peer_ended(struct chan *c, enum chan_end end, const char *why)
{
	struct peer	*p = chan_arg(c);
	struct m_peer	 id = p->id;

	if (end != CHAN_NONSENSE) {
		peer_free(p);	/* PEER_GONE is under way */
		return;
	}
	log_warnx("%s %u sent nonsense: %s", proc_role_name(id.role),
	    id.instance, why);
	/* both channels: who lies on one gets no signature on the other */
	peers_free(&id, id.generation);
	proc_suspect(&id);
}

struct peer *
keeper_broker(uint32_t instance)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &keeper.peers, entry)
		if (p->id.role == PROC_BROKER && p->id.instance == instance)
			return (p);
	return (NULL);
}

static int
peer_new(const struct m_peer *id, int fd)
{
	const struct chan_ops	*ops;
	struct peer		*p, *old, *next;

	if (id->role == PROC_TLSPROXY && id->link == LINK_MAIN &&
	    id->kind <= PROXY_UNIX)
		ops = &main_ops;
	else if (id->role == PROC_TLSPROXY && id->link == LINK_SIGN)
		ops = &sign_ops;
	else if (id->role == PROC_BROKER && id->link == LINK_MAIN)
		ops = &broker_ops;
	else {
		close(fd);
		return (-1);
	}
	/* the successor's channel replaces what is left of the old one */
	for (old = TAILQ_FIRST(&keeper.peers); old != NULL; old = next) {
		next = TAILQ_NEXT(old, entry);
		if (old->id.role == id->role && old->id.link == id->link &&
		    old->id.instance == id->instance)
			peer_free(old);
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("peer");
	p->id = *id;
	p->chan = chan_new(keeper.proc.base, fd, AUTH_HELLO_MAX, ops, p);
	if (p->chan == NULL)
		fatal("channel");
	if (ops != &sign_ops)
		chan_wipe(p->chan);	/* tickets, secrets */
	TAILQ_INSERT_TAIL(&keeper.peers, p, entry);
	return (0);
}

static void
peer_gone(const struct m_peer *id)
{
	peers_free(id, id->generation);
}

/* Keys are checked in slices, so that others have theirs used meanwhile. */
static struct conf	*checking;
static struct event	*check_timer;

static int
check_go_on(int rv, char *err, size_t errlen)
{
	static const struct timeval	now = { 0, 0 };

	if (rv == 1)
		evtimer_add(check_timer, &now);
	if (rv != 0)
		return (rv);
	return (userset_check(checking, err, errlen));
}

static void
on_check(evutil_socket_t fd, short what, void *arg)
{
	char	err[REASON_MAXLEN] = "configuration not understood";
	int	rv;

	(void)fd;
	(void)what;
	(void)arg;
	rv = check_go_on(keys_check_more(err, sizeof(err)), err, sizeof(err));
	if (rv != 1)
		proc_conf_checked(rv == -1 ? err : NULL);
}

static void
prepare(void)
{
	tzset();	/* certificates' dates: nothing is opened later */
	keys_prepare();
	cred_prepare();
	failures_prepare();
	workers_prepare(keeper.proc.base);
	userset_prepare();
	check_timer = evtimer_new(keeper.proc.base, on_check, NULL);
	if (check_timer == NULL)
		fatalx("keeper: out of memory");
}

static int
conf_check(struct conf *next, char *err, size_t errlen)
{
	checking = next;
	return (check_go_on(keys_check(next, err, errlen), err, errlen));
}

static void
conf_commit(struct conf *next)
{
	struct conf	*old = keeper.conf;

	keys_commit(keeper.proc.base, old != NULL ? old->limits.handshake : 0);
	keeper.conf = next;
	userset_commit(old);
	if (old != NULL)
		auth_lines_commit(old);
	conf_free(old);
	/* a tlsproxy commits later, and its clients keep what they proved */
	if (next->has_client_ca)
		keeper.had_client_ca = 1;
}

static void
conf_abort(void)
{
	evtimer_del(check_timer);
	checking = NULL;
	keys_abort();
	userset_abort();
}

static void
turn_end(void)
{
	keeper.turn++;
}

static const struct proc_hooks	hooks = {
	.role = PROC_KEEPER,
	.prepare = prepare,
	.threads = workers_start,
	.conf_check = conf_check,
	.conf_abort = conf_abort,
	.conf_commit = conf_commit,
	.peer_new = peer_new,
	.peer_gone = peer_gone,
	.table = parent_table,
	.turn_end = turn_end,
};

int
main(int argc, char **argv)
{
	TAILQ_INIT(&keeper.peers);
	keeper.turn = 1;
	return (proc_main(&keeper.proc, &hooks, argc, argv));
}
