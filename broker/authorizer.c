/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * "authorize dynamic": a callee decides what a role's rules leave open.
 * While it is asked about a message, that message and what its session says
 * after it wait here, in order; then their handlers see them again, and
 * session_may() finds the answer.  Nothing else waits.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "dynamic.h"
#include "log.h"
#include "mono.h"
#include "mpcur.h"
#include "mpput.h"

#define RESUME_STEPS	1024	/* messages a turn */
#define MAXQUESTIONS	2	/* about one message */

enum answer {
	ANSWER_NONE = 0,
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_FAILED
};

/* What was asked about the first message, and the answer. */
struct question {
	uint64_t		 hash;
	uint32_t		 keep;		/* the answer, so many ms */
	uint8_t			 answer;	/* enum answer */
	uint8_t			 discloses;
};

/* A message, copied. */
struct held {
	TAILQ_ENTRY(held)	 entry;
	uint32_t		 type;
	uint32_t		 len;
	uint64_t		 data[];	/* aligned as chan.c has it */
};

struct wait {
	TAILQ_ENTRY(wait)	 entry;		/* ready */
	struct session		*session;
	struct rcall		*call;		/* NULL: none under way */
	TAILQ_HEAD(, held)	 held;		/* about the first is asked */
	size_t			 nheld, octets;
	struct question		 asked[MAXQUESTIONS];	/* the last one may be
							 * under way */
	unsigned int		 nasked;
	uint32_t		 confgen;	/* the questions' */
	uint8_t			 is_ready;
};

/* An answer that is remembered. */
struct verdict {
	struct hent		 hash;		/* broker.verdicts */
	TAILQ_ENTRY(verdict)	 entry;		/* of its session, old first */
	const struct session	*session;
	uint64_t		 until;
	uint32_t		 confgen;
	uint8_t			 action;
	uint8_t			 match;
	uint8_t			 allows;
	uint8_t			 discloses;
	struct uri		 uri;
	char			 text[];
};

static TAILQ_HEAD(, wait)	 ready = TAILQ_HEAD_INITIALIZER(ready);
static struct event		*resume;
static struct wait		*running;	/* its messages are handled */
static int			 asked_again;	/* about the one that is */
static struct log_limit		 failures[RCALL_ENDS];

/* -- answers that are remembered ---------------------------------------- */

static uint64_t
verdict_hash(const struct session *s, unsigned int action,
    enum uri_match match, const struct uri *u)
{
	return (hash_pair(hash_bytes(u->p, u->len),
	    s->serial << 8 | action << 4 | match));
}

static void
verdict_free(struct session *s, struct verdict *v)
{
	htab_remove(&broker.verdicts, &v->hash);
	TAILQ_REMOVE(&s->verdicts, v, entry);
	s->nverdicts--;
	state_give(sizeof(*v) + v->uri.len);
	free(v);
}

static struct verdict *
verdict_find(struct session *s, unsigned int action, enum uri_match match,
    const struct uri *u)
{
	struct hent	*e;
	struct verdict	*v;

	if (s->nverdicts == 0)
		return (NULL);
	for (e = htab_first(&broker.verdicts, verdict_hash(s, action, match,
	    u)); e != NULL; e = htab_next(e)) {
		v = HENT_OF(e, struct verdict, hash);
		if (v->session != s || v->action != action ||
		    v->match != match || !uri_eq(&v->uri, u))
			continue;
		if (v->confgen == broker.confgen && mono_ms() < v->until)
			return (v);
		verdict_free(s, v);
		return (NULL);
	}
	return (NULL);
}

/* Without memory it is asked for again. */
static void
verdict_add(struct session *s, unsigned int action, enum uri_match match,
    const struct uri *u, const struct question *q)
{
	struct verdict	*v;

	if (u->len > CACHE_MAXURI)
		return;
	if (s->nverdicts >= CACHE_MAX)
		verdict_free(s, TAILQ_FIRST(&s->verdicts));
	if (state_take(sizeof(*v) + u->len) == -1)
		return;
	if ((v = calloc(1, sizeof(*v) + u->len)) == NULL) {
		state_give(sizeof(*v) + u->len);
		return;
	}
	v->session = s;
	v->until = mono_ms() + q->keep;
	v->confgen = broker.confgen;
	v->action = (uint8_t)action;
	v->match = (uint8_t)match;
	v->allows = q->answer == ANSWER_YES;
	v->discloses = q->discloses;
	memcpy(v->text, u->p, u->len);
	v->uri.p = v->text;
	v->uri.len = u->len;
	htab_insert(&broker.verdicts, &v->hash, verdict_hash(s, action, match,
	    u));
	TAILQ_INSERT_TAIL(&s->verdicts, v, entry);
	s->nverdicts++;
}

/* -- messages that wait ------------------------------------------------- */

static void
held_free(struct held *h)
{
	state_give(sizeof(*h) + h->len);
	free(h);
}

static void
wait_flow(struct wait *w)
{
	if (w->nheld > HELD_HIGH || w->octets > HELD_HIGHOCTETS)
		session_pause(w->session, PAUSE_AUTHORIZER, 1);
	else if (w->nheld <= HELD_LOW)
		session_pause(w->session, PAUSE_AUTHORIZER, 0);
}

/* -1: there is no room for it. */
static int
held_add(struct wait *w, const struct imsg *im)
{
	struct held	*h;

	if (w->nheld >= HELD_MAX || w->octets + im->len > HELD_MAXOCTETS +
	    2 * (size_t)broker.conf->limits.message ||
	    state_take(sizeof(*h) + im->len) == -1)
		return (-1);
	if ((h = malloc(sizeof(*h) + im->len)) == NULL) {
		state_give(sizeof(*h) + im->len);
		return (-1);
	}
	h->type = im->type;
	h->len = (uint32_t)im->len;
	memcpy(h->data, im->data, im->len);
	TAILQ_INSERT_TAIL(&w->held, h, entry);
	w->nheld++;
	w->octets += im->len;
	wait_flow(w);
	return (0);
}

void
authorizer_full(struct session *s)
{
	session_end(s, WERR_AUTHORIZATION_FAILED,
	    "too many messages wait for the authorizer");
}

int
authorizer_hold(struct session *s, const struct imsg *im)
{
	if (running == s->wait)
		asked_again = 1;	/* it is still in hand */
	else if (held_add(s->wait, im) == -1)
		authorizer_full(s);
	return (0);
}

int
authorizer_queue(struct session *s, const struct imsg *im)
{
	if (running == s->wait)
		return (0);
	switch (im->type) {
	case IMSG_YIELD:
	case IMSG_ERROR:
	case IMSG_INVOCATION_FAILED:
		/* others wait for these, perhaps those who are asked */
	case IMSG_XOFF:
	case IMSG_XON:
		return (0);
	default:
		return (held_add(s->wait, im) == -1 ? -1 : 1);
	}
}

static struct wait *
wait_new(struct session *s)
{
	struct wait	*w;

	if (state_take(sizeof(*w)) == -1)
		return (NULL);
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		state_give(sizeof(*w));
		return (NULL);
	}
	w->session = s;
	TAILQ_INIT(&w->held);
	s->wait = w;
	return (w);
}

static void
wait_free(struct wait *w)
{
	struct held	*h;

	if (running == w)
		running = NULL;
	if (w->is_ready)
		TAILQ_REMOVE(&ready, w, entry);
	if (w->call != NULL)
		rcall_cancel(w->call);
	while ((h = TAILQ_FIRST(&w->held)) != NULL) {
		TAILQ_REMOVE(&w->held, h, entry);
		held_free(h);
	}
	w->session->wait = NULL;
	state_give(sizeof(*w));
	free(w);
}

void
authorizer_leave(struct session *s)
{
	struct verdict	*v;

	if (s->wait != NULL)
		wait_free(s->wait);
	while ((v = TAILQ_FIRST(&s->verdicts)) != NULL)
		verdict_free(s, v);
}

/* -- going on ----------------------------------------------------------- */

static void
wait_is_ready(struct wait *w)
{
	if (w->is_ready)
		return;
	w->is_ready = 1;
	TAILQ_INSERT_TAIL(&ready, w, entry);
	event_active(resume, EV_TIMEOUT, 0);
}

/* Its first message, as if it had come just now. */
static void
wait_handle(struct wait *w)
{
	struct session	*s = w->session;
	struct held	*h = TAILQ_FIRST(&w->held);
	struct imsg	 im = { .type = h->type, .slot = s->slot,
			    .gen = s->gen, .data = (const uint8_t *)h->data,
			    .len = h->len, .fd = -1 };

	TAILQ_REMOVE(&w->held, h, entry);
	w->nheld--;
	w->octets -= h->len;
	asked_again = 0;
	(void)proxy_says(s->peer->chan, &im);	/* it was no nonsense before */
	if (running != w) {
		held_free(h);			/* that was the session's end */
		return;
	}
	if (!asked_again) {
		if (w->call != NULL)
			rcall_cancel(w->call);
		w->call = NULL;
		w->nasked = 0;
		held_free(h);
		return;
	}
	TAILQ_INSERT_HEAD(&w->held, h, entry);
	w->nheld++;
	w->octets += h->len;
}

static void
wait_run(struct wait *w, unsigned int *steps)
{
	struct peer	*p = w->session->peer;

	running = w;
	/* sessions of a peer that is gone are worked off elsewhere */
	while (running == w && p->chan != NULL && w->call == NULL &&
	    !TAILQ_EMPTY(&w->held) && *steps > 0) {
		(*steps)--;
		wait_handle(w);
	}
	if (running != w)
		return;
	running = NULL;
	if (p->chan == NULL)
		return;
	wait_flow(w);
	if (w->call != NULL)
		return;
	if (TAILQ_EMPTY(&w->held))
		wait_free(w);
	else
		wait_is_ready(w);
}

static void
waits_resume(evutil_socket_t fd, short what, void *arg)
{
	struct wait	*w;
	unsigned int	 steps = RESUME_STEPS;

	(void)fd;
	(void)what;
	(void)arg;
	while (steps > 0 && (w = TAILQ_FIRST(&ready)) != NULL) {
		TAILQ_REMOVE(&ready, w, entry);
		w->is_ready = 0;
		wait_run(w, &steps);
	}
	if (!TAILQ_EMPTY(&ready))
		event_active(resume, EV_TIMEOUT, 0);
}

void
authorizer_init(void)
{
	resume = event_new(broker.proc.base, -1, 0, waits_resume, NULL);
	if (resume == NULL)
		fatalx("out of memory");
}

/* -- asking ------------------------------------------------------------- */

/* RCALL_RESULT: one, but not of the right shape. */
static void
log_failure(const struct session *s, enum rcall_end end)
{
	const struct conf_role	*conf = s->role->conf;
	const char		*why = rcall_end_text(end);
	char			 buf[256];

	failures[end].kind = "authorizer failed";
	failures[end].what = LOG_OF_WARNING;
	if (conf == NULL || conf->authorizer.procedure == NULL ||
	    !log_may(&failures[end], 10))
		return;
	if (end == RCALL_RESULT)
		why = "the answer has not the right shape";
	log_warnx("realm %s: authorizer %s: %s; session %llu is denied",
	    s->realm->name, log_vis(buf, sizeof(buf),
	    conf->authorizer.procedure, strlen(conf->authorizer.procedure)),
	    why, (unsigned long long)s->id);
}

/* "cache": a boolean, or seconds; it can only shorten what is configured. */
static int
cache_read(const struct val *v, uint32_t *keep)
{
	if (v->type == VAL_BOOL)
		*keep = v->u.b ? *keep : 0;
	else if (v->type == VAL_UINT)
		*keep = v->u.u < *keep / 1000 ? (uint32_t)v->u.u * 1000 :
		    *keep;
	else if (v->type != VAL_NIL)
		return (-1);
	return (0);
}

/*
 * The first argument of the answer: a boolean, or a dict with the boolean
 * "allow", perhaps "disclose" and "cache".  What else there is is ignored.
 */
static enum answer
answer_read(const struct val *args, struct question *q)
{
	struct val_iter	it;
	struct val	v, k, m;
	int		allow = -1;

	val_iter_init(&it, args);
	if (!mp_array_next(&it, &v))
		return (ANSWER_FAILED);
	if (v.type == VAL_BOOL)
		return (v.u.b ? ANSWER_YES : ANSWER_NO);
	if (v.type != VAL_MAP)
		return (ANSWER_FAILED);
	val_iter_init(&it, &v);
	while (mp_map_next(&it, &k, &m)) {
		if (rcall_key_is(&k, "allow")) {
			if (m.type != VAL_BOOL || allow != -1)
				return (ANSWER_FAILED);
			allow = m.u.b;
		} else if (rcall_key_is(&k, "disclose")) {
			if (m.type != VAL_BOOL && m.type != VAL_NIL)
				return (ANSWER_FAILED);
			q->discloses = m.type == VAL_BOOL && m.u.b;
		} else if (rcall_key_is(&k, "cache") &&
		    cache_read(&m, &q->keep) == -1)
			return (ANSWER_FAILED);
	}
	if (allow == -1)
		return (ANSWER_FAILED);
	return (allow ? ANSWER_YES : ANSWER_NO);
}

static void
answered(void *arg, const struct rcall_answer *a)
{
	struct wait	*w = arg;
	struct question	*q = &w->asked[w->nasked - 1];

	w->call = NULL;
	q->answer = ANSWER_FAILED;
	if (a->end == RCALL_RESULT)
		q->answer = (uint8_t)answer_read(&a->args, q);
	if (q->answer == ANSWER_FAILED)
		log_failure(w->session, a->end);
	wait_is_ready(w);
}

static const char *
action_name(unsigned int action)
{
	switch (action) {
	case ACTION_PUBLISH:
		return ("publish");
	case ACTION_SUBSCRIBE:
		return ("subscribe");
	case ACTION_CALL:
		return ("call");
	default:
		return ("register");
	}
}

/* As Crossbar.io's authorizers get it: session, uri, action, options. */
static void
put_question(struct mpput *m, const struct session *s, unsigned int action,
    enum uri_match match, const struct uri *u)
{
	static const char *const	matches[MATCH_MAX] = {
		"exact", "prefix", "wildcard"
	};
	int				has_match;

	has_match = action == ACTION_SUBSCRIBE || action == ACTION_REGISTER;
	mpput_array(m, 4);
	mpput_map(m, 6);
	mpput_text(m, "session");
	mpput_uint(m, s->id);
	mpput_text(m, "realm");
	mpput_text(m, s->realm->name);
	mpput_text(m, "authid");
	mpput_str(m, s->authid.p, s->authid.len);
	mpput_text(m, "authrole");
	mpput_text(m, s->role->name);
	mpput_text(m, "authmethod");
	mpput_text(m, wamp_auth_name(s->method));
	mpput_text(m, "authprovider");
	mpput_text(m, s->provider == AUTH_PROVIDER_DYNAMIC ? "dynamic" :
	    "static");
	mpput_str(m, u->p, u->len);
	mpput_text(m, action_name(action));
	mpput_map(m, has_match ? 1 : 0);
	if (has_match) {
		mpput_text(m, "match");
		mpput_text(m, matches[match]);
	}
}

/* 0, or -1: nobody can be asked. */
static int
ask(struct wait *w, unsigned int action, enum uri_match match,
    const struct uri *u)
{
	static uint8_t			 buf[URI_MAXLEN + 4 * 256 + 256];
	const struct session		*s = w->session;
	const struct conf_dynamic	*d = &s->role->conf->authorizer;
	struct mpput			 m;
	struct uri			 procedure;
	struct question			*q;
	enum rcall_end			 end = RCALL_NO_ROOM;

	mpput_init(&m, buf, sizeof(buf));
	put_question(&m, s, action, match, u);
	procedure.p = d->procedure;
	procedure.len = (uint16_t)strlen(d->procedure);
	if (!m.failed)
		w->call = rcall_start(s->realm, &procedure, m.p, m.len,
		    d->timeout, answered, w, &end);
	if (w->call == NULL) {
		log_failure(s, end);
		return (-1);
	}
	w->confgen = broker.confgen;
	q = &w->asked[w->nasked++];
	memset(q, 0, sizeof(*q));
	q->hash = verdict_hash(s, action, match, u);
	q->keep = d->cache;
	return (0);
}

static enum wamp_err
failed(const char **why)
{
	*why = "the authorization could not be checked";
	return (WERR_AUTHORIZATION_FAILED);
}

static enum wamp_err
decided(struct session *s, int allows, int discloses, const char **why)
{
	if (allows) {
		s->is_disclosed = discloses != 0;
		return (WERR_NONE);
	}
	*why = "not allowed";
	return (WERR_NOT_AUTHORIZED);
}

/* An answer about this message; those from before a reload are none. */
static struct question *
question_find(struct wait *w, uint64_t hash)
{
	unsigned int	i;

	if (w->confgen != broker.confgen)
		w->nasked = 0;
	for (i = 0; i < w->nasked; i++)
		if (w->asked[i].hash == hash)
			return (&w->asked[i]);
	return (NULL);
}

enum wamp_err
authorizer_ask(struct session *s, unsigned int action, enum uri_match match,
    const struct uri *u, const char **why)
{
	struct wait		*w = s->wait;
	struct question		*q;
	struct verdict		*v;

	if (w != NULL && (q = question_find(w, verdict_hash(s, action, match,
	    u))) != NULL) {
		if (q->answer == ANSWER_FAILED)
			return (failed(why));
		if (q->keep > 0)
			verdict_add(s, action, match, u, q);
		q->keep = 0;
		return (decided(s, q->answer == ANSWER_YES, q->discloses,
		    why));
	}
	if ((v = verdict_find(s, action, match, u)) != NULL)
		return (decided(s, v->allows, v->discloses, why));
	if (w == NULL && (w = wait_new(s)) == NULL) {
		log_failure(s, RCALL_NO_ROOM);
		return (failed(why));
	}
	if (w->nasked < MAXQUESTIONS && ask(w, action, match, u) == 0)
		return (WERR_WAIT);
	if (running != w)
		wait_free(w);
	return (failed(why));
}
