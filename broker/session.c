/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The slots of each tlsproxy and the sessions in them: how they begin
 * (GRANT), how they end, and what is said to them.  What a session does is
 * done in pubsub.c and dealer.c.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "dealer.h"
#include "dynamic.h"
#include "isotime.h"
#include "limit.h"
#include "log.h"
#include "meta.h"
#include "mono.h"
#include "obuf.h"
#include "pubsub.h"
#include "walk.h"

#define CANCEL_NOW	256	/* callers told at once when a callee leaves */
#define LEAVE_NOW	256	/* of a session that leaves: subscriptions and
				 * registrations given up at once */
#define LEAVE_TURN	256	/* of all that leave in a turn */
#define ENDS_MAX	64	/* SESSION_ENDs under way to a tlsproxy, of those
				 * that end in slices: what is for others
				 * waits behind them */

/* -- slots -------------------------------------------------------------- */

static struct slot *
slot_find(const struct peer *p, uint32_t n)
{
	if (n == 0 || n >= SLOT_MAX || p->slots[n / SLOT_CHUNK] == NULL)
		return (NULL);
	return (&p->slots[n / SLOT_CHUNK][n % SLOT_CHUNK]);
}

const struct session *
session_in_slot(const struct peer *p, uint32_t n)
{
	const struct slot	*sl = slot_find(p, n);

	return (sl == NULL ? NULL : sl->session);
}

/* NULL without memory; n is in range. */
static struct slot *
slot_get(struct peer *p, uint32_t n)
{
	struct slot	**chunk = &p->slots[n / SLOT_CHUNK];

	if (*chunk == NULL &&
	    (*chunk = calloc(SLOT_CHUNK, sizeof(**chunk))) == NULL)
		return (NULL);
	return (&(*chunk)[n % SLOT_CHUNK]);
}

int
session_find(struct peer *p, const struct imsg *im, struct session **s)
{
	struct slot	*sl;

	*s = NULL;
	if ((sl = slot_find(p, im->slot)) == NULL)
		return (-1);
	if (sl->session == NULL || sl->gen != im->gen || sl->session->is_left)
		/* what we ended and it did not know yet, or nonsense */
		return (sl->unanswered > 0 ? 0 : -1);
	if (session_is_over(sl->session))
		session_hurry(sl->session);
	else if (sl->session->wait == NULL)
		*s = sl->session;
	else switch (authorizer_queue(sl->session, im)) {
	case 0:
		*s = sl->session;
		break;
	case -1:
		authorizer_full(sl->session);
		break;
	}
	return (0);
}

/* -- sessions: the beginning -------------------------------------------- */

struct session *
session_find_id(uint64_t id)
{
	struct hent	*e;
	struct session	*s;

	for (e = htab_first(&broker.sessions, hash_pair(id, 0)); e != NULL;
	    e = htab_next(e)) {
		s = HENT_OF(e, struct session, byid);
		if (s->id == id)
			return (s);
	}
	return (NULL);
}

static void
session_open(struct session *s, const struct m_grant *g,
    const uint8_t *extra)
{
	struct m_session_open	 m;
	struct iovec		 iov[4];
	char			 vis[128];

	memset(&m, 0, sizeof(m));
	m.session = s->id;
	m.realm = s->realm->id;
	m.method = g->method;
	m.authidlen = s->authid.len;
	m.rolelen = (uint16_t)strlen(s->role->name);
	m.extralen = g->extralen;
	m.provider = g->provider;
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], s->authid.p, m.authidlen);
	iov_set(&iov[2], s->role->name, m.rolelen);
	iov_set(&iov[3], extra, m.extralen);
	session_sendv(s, IMSG_SESSION_OPEN, iov, 4);
	log_debug("session %llu %s joined authid=%s role=%s proxy=%u",
	    (unsigned long long)s->id, s->realm->name,
	    log_vis(vis, sizeof(vis), s->authid.p, m.authidlen), s->role->name,
	    s->peer->id.instance);
}

/* NULL without memory. */
static struct session *
session_new(struct peer *p, const struct imsg *im, const struct m_grant *g,
    const uint8_t *authid, struct realm *r, struct role *role)
{
	struct session	*s;
	size_t		 len = sizeof(*s) + g->authidlen;

	if (state_take(len) == -1)
		return (NULL);
	if ((s = calloc(1, len)) == NULL) {
		state_give(len);
		return (NULL);
	}
	memcpy(s->text, authid, g->authidlen);
	s->authid.p = s->text;
	s->authid.len = g->authidlen;
	s->authid_hash = hash_bytes(s->text, s->authid.len);
	s->id = g->session;
	s->method = g->method;
	s->provider = g->provider;
	s->serial = ++broker.lastserial;
	s->joined = wall_ms();
	s->peer = p;
	s->slot = im->slot;
	s->gen = im->gen;
	s->realm = r;
	s->role = role;
	if (member_add(s) == -1 || proven_add(s, g->proof) == -1) {
		member_remove(s);
		free(s);
		state_give(len);
		return (NULL);
	}
	s->confgen = broker.confgen;
	LIST_INIT(&s->links);
	LIST_INIT(&s->regs);
	LIST_INIT(&s->calls);
	LIST_INIT(&s->holds);
	TAILQ_INIT(&s->invocations);
	TAILQ_INIT(&s->verdicts);
	TAILQ_INIT(&s->testaments[0]);
	TAILQ_INIT(&s->testaments[1]);
	r->nsessions++;
	r->counts->joined++;
	role->nsessions++;
	htab_insert(&broker.sessions, &s->byid, hash_pair(s->id, 0));
	LIST_INSERT_HEAD(&p->sessions, s, peer_entry);
	TAILQ_INSERT_TAIL(&broker.checked, s, all_entry);
	return (s);
}

/* Is there room for one more in its realm, and of its authid?  Those that
 * are about to end take none. */
static enum wamp_err
grant_has_room(const struct realm *r, const void *authid, size_t len,
    const char **why)
{
	const struct identity	*p;
	char			 realm[256], vis[256];

	if (r->nmembers >= r->conf->sessions) {
		*why = "too many sessions in the realm";
		limit_reached(LIMIT_SESSIONS, "realm=%s", log_vis(realm,
		    sizeof(realm), r->name, strlen(r->name)));
		return (WERR_LIMIT);
	}
	p = identity_find(r, authid, len);
	if (p != NULL && p->nmembers >= broker.conf->limits.per_authid &&
	    members_of_identity(p) >= broker.conf->limits.per_authid) {
		*why = "too many sessions of this authid";
		limit_reached(LIMIT_PER_AUTHID, "realm=%s authid=%s",
		    log_vis(realm, sizeof(realm), r->name, strlen(r->name)),
		    log_vis(vis, sizeof(vis), authid, len));
		return (WERR_LIMIT);
	}
	return (WERR_NONE);
}

/*
 * Why a session that the keeper granted cannot be.  Unknown ids are those
 * that a reload took away while the grant was under way.
 */
static enum wamp_err
grant_may(const struct m_grant *g, const uint8_t *authid, struct realm **r,
    struct role **role, const char **why)
{
	if ((*r = realm_find(g->realm)) == NULL || (*r)->is_gone) {
		*why = "the realm is gone";
		return (WERR_NO_SUCH_REALM);
	}
	if ((*role = role_find(*r, g->role)) == NULL || (*role)->is_gone) {
		*why = "the role is gone";
		return (WERR_NO_SUCH_ROLE);
	}
	if (session_find_id(g->session) != NULL) {
		*why = "the session id is taken, try again";
		return (WERR_AUTHENTICATION_FAILED);
	}
	return (grant_has_room(*r, authid, g->authidlen, why));
}

/* A SESSION_END that the tlsproxy has to answer. */
static void
end_expect(struct peer *p, struct slot *sl)
{
	sl->unanswered++;
	p->unanswered++;
}

static void
end_sendv(struct peer *p, uint32_t slot, uint32_t gen, enum wamp_err err,
    const char *why, size_t len, const struct uri *reason)
{
	struct m_session_end	m = { .err = (uint16_t)err,
				    .textlen = (uint16_t)len,
				    .urilen = reason->len };
	struct iovec		iov[3];

	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], why, len);
	iov_set(&iov[2], reason->p, reason->len);
	peer_sendv(p, IMSG_SESSION_END, slot, gen, iov, 3);
}

static void
end_send(struct peer *p, uint32_t slot, uint32_t gen, enum wamp_err err,
    const char *why)
{
	static const struct uri	none = { "", 0 };

	end_sendv(p, slot, gen, err, why, strlen(why), &none);
}

/* The tlsproxy a GRANT names, if it is still that one. */
static struct peer *
grant_peer(const struct m_grant *g)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &broker.peers, entry)
		if (p->id.role == PROC_TLSPROXY && p->chan != NULL &&
		    p->id.instance == g->proxy &&
		    p->id.generation == g->proxygen)
			return (p);
	return (NULL);
}

/*
 * From the keeper.  It does not know which slots are in use, so a slot that
 * is cannot be its fault: the tlsproxy asked for it.
 */
int
session_grant(struct chan *c, struct imsg *im)
{
	struct m_grant	 g;
	const uint8_t	*authid, *extra;
	const char	*why = "out of memory";
	struct peer	*p;
	struct slot	*sl;
	struct realm	*r;
	struct role	*role;
	struct session	*s = NULL;
	enum wamp_err	 err;

	(void)c;
	if (parse_grant(im, &g, &authid, &extra) == -1)
		return (-1);
	if ((p = grant_peer(&g)) == NULL)
		return (0);	/* it was replaced meanwhile */
	if ((sl = slot_get(p, im->slot)) == NULL) {
		peer_blame(p, "no memory for its slots");
		return (0);
	}
	if (sl->session != NULL || (sl->is_used && sl->gen == im->gen) ||
	    sl->unanswered >= SLOT_MAXUNANSWERED) {
		peer_blame(p, "joined in a slot that is in use");
		return (0);
	}
	sl->is_used = 1;
	sl->gen = im->gen;
	if ((err = grant_may(&g, authid, &r, &role, &why)) == WERR_NONE) {
		err = WERR_SYSTEM_SHUTDOWN;
		s = session_new(p, im, &g, authid, r, role);
	}
	if (s == NULL) {
		end_expect(p, sl);
		end_send(p, im->slot, im->gen, err, why);
		return (0);
	}
	sl->session = s;
	session_open(s, &g, extra);
	meta_joined(s);
	return (0);
}

/* -- sessions: the end -------------------------------------------------- */

/*
 * The rest of one that left: its callers are told.  If there are many or
 * they are slow, more of it follows later.  Returns how many were told.
 */
static unsigned int
session_bury(struct session *s, unsigned int *steps)
{
	unsigned int	n;

	n = dealer_callee_left(s, steps);
	if (!TAILQ_EMPTY(&s->invocations)) {
		TAILQ_INSERT_TAIL(&broker.left, s, all_entry);
		sweep_wake();
		return (n);
	}
	state_give(sizeof(*s) + s->authid.len);
	free(s);
	return (n + 1);
}

/* Returns how much work it was. */
static unsigned int
session_leave(struct session *s)
{
	struct slot	*sl = slot_find(s->peer, s->slot);
	unsigned int	 n, now = CANCEL_NOW;

	log_debug("session %llu %s left", (unsigned long long)s->id,
	    s->realm->name);
	member_remove(s);
	n = 1 + testaments_publish(s);
	n += pubsub_leave(s) + dealer_leave(s);
	meta_left(s);
	authorizer_leave(s);
	kill_unref(s->kill);
	details_free(s->details);
	if (!s->is_ended)
		sl->session = NULL;
	walk_leave_session(s);
	LIST_REMOVE(s, peer_entry);
	htab_remove(&broker.sessions, &s->byid);
	proven_remove(s);
	TAILQ_REMOVE(s->confgen == broker.confgen ? &broker.checked :
	    &broker.unchecked, s, all_entry);
	s->role->nsessions--;
	role_put(s->role);
	s->realm->nsessions--;
	realm_put(s->realm);
	s->peer = NULL;
	s->role = NULL;
	s->realm = NULL;
	return (n + session_bury(s, &now));
}

static void
end_now(struct session *s, enum wamp_err err, const char *why)
{
	end_expect(s->peer, slot_find(s->peer, s->slot));
	end_send(s->peer, s->slot, s->gen, err, why);
	session_leave(s);
}

void
session_log_revoked(const struct session *s, const char *what,
    const struct uri *uri)
{
	static struct log_limit	limit = LOG_LIMIT("lost its right");
	char			buf[256];

	if (log_may(&limit, 100))
		log_session("session %llu lost its %s to %s: its role may not "
		    "any more", (unsigned long long)s->id, what,
		    log_vis(buf, sizeof(buf), uri->p, uri->len));
}

int
session_is_over(const struct session *s)
{
	return (s->peer->chan == NULL || s->realm->is_gone ||
	    s->role->is_gone || s->is_revoked || s->is_left || s->is_ended ||
	    s->kill != NULL ||
	    (s->proven != NULL && s->proven->is_revoked));
}

int
sessions_are_over(void)
{
	const struct peer	*p;

	if (!TAILQ_EMPTY(&broker.unchecked) || !LIST_EMPTY(&broker.revoked))
		return (1);
	TAILQ_FOREACH(p, &broker.peers, entry)
		if (p->chan == NULL)
			return (1);
	return (0);
}

/* Tell its tlsproxy that it is over, and why. */
static void
end_tell(const struct session *s)
{
	const struct kill	*k = s->kill;
	enum wamp_err		 err = WERR_CLOSE_REALM;
	const char		*why;

	end_expect(s->peer, slot_find(s->peer, s->slot));
	if (k != NULL) {
		end_sendv(s->peer, s->slot, s->gen, WERR_KILLED, k->message,
		    k->textlen, &k->reason);
		return;
	}
	if (s->realm->is_gone)
		why = "the realm is gone";
	else if (s->role->is_gone)
		why = "the role is gone";
	else {
		err = WERR_KILLED;
		why = "who it belongs to may not be here any more";
	}
	end_send(s->peer, s->slot, s->gen, err, why);
}

/* It is over, and its tlsproxy does not know it yet. */
static int
end_is_untold(const struct session *s)
{
	return (s->peer->chan != NULL && !s->is_left && !s->is_ended);
}

/* Of one that is over, all that is left to do. */
static void
session_dismiss(struct session *s)
{
	if (end_is_untold(s))
		end_tell(s);
	else if (s->peer->chan != NULL && !s->is_ended)
		end_send(s->peer, s->slot, s->gen, WERR_NONE, "");
	session_leave(s);
}

/* It is to end: in slices with others, as after a reload. */
static void
doom(struct session *s)
{
	member_remove(s);
	TAILQ_REMOVE(s->confgen == broker.confgen ? &broker.checked :
	    &broker.unchecked, s, all_entry);
	s->confgen = broker.confgen - 1;
	TAILQ_INSERT_TAIL(&broker.unchecked, s, all_entry);
	sweep_wake();
}

/* May it be done now?  Others wait for it. */
static int
leave_is_short(const struct session *s)
{
	unsigned int	n = 1 + s->nlinks + s->nregs;

	if (n > LEAVE_NOW || n > broker.leaving)
		return (0);
	broker.leaving -= n;
	return (1);
}

void
sessions_turn_end(void)
{
	broker.leaving = LEAVE_TURN;
}

/*
 * Of one that leaves, what is too much to be given up at once: more of it,
 * until no more than that is left; 1: that is so.
 */
static int
session_strip(struct session *s, unsigned int left, unsigned int *steps)
{
	for (; s->nlinks + s->nregs > left; (*steps)--) {
		if (*steps == 0)
			return (0);
		if (s->nlinks > 0)
			pubsub_give_up(s);
		else
			dealer_give_up(s);
	}
	return (1);
}

/* It is over: the rest of it now, unless that is much. */
void
session_hurry(struct session *s)
{
	if (leave_is_short(s))
		session_dismiss(s);
}

void
session_end(struct session *s, enum wamp_err err, const char *why)
{
	struct slot	*sl = slot_find(s->peer, s->slot);

	if (leave_is_short(s)) {
		end_now(s, err, why);
		return;
	}
	/* its proxy may give the slot to another before all is done */
	end_expect(s->peer, sl);
	sl->session = NULL;
	end_send(s->peer, s->slot, s->gen, err, why);
	s->is_ended = 1;
	authorizer_leave(s);
	doom(s);
}

void
session_kill(struct session *s, struct kill *k)
{
	if (s->kill != NULL)
		return;
	s->kill = k;
	k->refs++;
	doom(s);
}

/* From the keeper: what the principals had shown is not true any more. */
int
session_revoke(struct chan *c, struct imsg *im)
{
	struct m_revoke	 m;
	struct realm	*r;
	struct proven	*pr;
	const uint8_t	*p;
	uint64_t	 proof;
	uint32_t	 i;

	(void)c;
	if (parse_revoke(im, &m, &p) == -1)
		return (-1);
	if ((r = realm_find(m.realm)) == NULL)
		return (0);
	for (i = 0; i < m.n; i++) {
		memcpy(&proof, p + i * sizeof(proof), sizeof(proof));
		if ((pr = proven_find(r, proof)) != NULL)
			proven_revoke(pr);
	}
	sweep_wake();
	return (0);
}

/*
 * The tlsproxy ends a session, or answers a SESSION_END of ours.  When both
 * cross, each takes the other's for the answer.
 */
int
session_close(struct chan *c, struct imsg *im)
{
	struct m_session_close	 m;
	struct peer		*p = chan_arg(c);
	struct slot		*sl;
	struct session		*s;

	if (parse_close(im, &m) == -1 ||
	    (sl = slot_find(p, im->slot)) == NULL)
		return (-1);
	if (sl->session == NULL || sl->gen != im->gen) {
		if (sl->unanswered == 0)
			return (-1);
		sl->unanswered--;
		if (p->unanswered-- == ENDS_MAX)
			sweep_wake();
		return (0);
	}
	s = sl->session;
	if (s->is_left)
		return (-1);
	/* it said so after all that waits here */
	if (m.why == CLOSE_GOODBYE && s->wait != NULL &&
	    authorizer_queue(s, im) == 1)
		return (0);
	if (!leave_is_short(s)) {
		authorizer_leave(s);
		s->is_left = 1;
		doom(s);
		return (0);
	}
	end_send(p, im->slot, im->gen, WERR_NONE, "");
	session_leave(s);
	return (0);
}

int
session_flow(struct chan *c, struct imsg *im)
{
	struct session	*s;

	if (session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if (im->type == IMSG_XOFF && !s->is_slow)
		s->slow_since = mono_ms();
	s->is_slow = im->type == IMSG_XOFF;
	if (!s->is_slow)
		dealer_release(s);
	return (0);
}

/* It goes back behind all that came of what was said before it. */
int
session_fence(struct chan *c, struct imsg *im)
{
	struct session	*s;

	if (session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s != NULL)
		peer_sendv(chan_arg(c), IMSG_FENCE, im->slot, im->gen, NULL,
		    0);
	return (0);
}

int
session_features(struct chan *c, struct imsg *im)
{
	struct m_session_features	 m;
	struct session			*s;

	if (parse_features(im, &m) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s != NULL)
		s->features = m.features;
	return (0);
}

/* -- work that is done in slices ---------------------------------------- */

static void
take_steps(unsigned int *steps, unsigned int n)
{
	*steps -= n < *steps ? n : *steps;
}

/* The tlsproxy did not live to say so. */
static void
log_lost(const struct session *s)
{
	static struct log_limit	limit = LOG_LIMIT("left");
	char			realm[256], authid[128];

	if (s->is_left || s->is_ended || !log_may(&limit, 1000))
		return;
	log_session("session %llu left realm=%s authid=%s role=%s "
	    "reason=\"%s %u is gone\"", (unsigned long long)s->id,
	    log_vis(realm, sizeof(realm), s->realm->name,
	    strlen(s->realm->name)),
	    log_vis(authid, sizeof(authid), s->authid.p, s->authid.len),
	    s->role->name, proc_role_name(s->peer->id.role),
	    s->peer->id.instance);
}

/* End the sessions of a peer that is gone. */
unsigned int
sessions_work_off(struct peer *p, unsigned int *steps)
{
	struct session	*s;
	unsigned int	 n = 0;

	for (; *steps > 0 && (s = LIST_FIRST(&p->sessions)) != NULL; n++)
		if (session_strip(s, LEAVE_NOW, steps)) {
			log_lost(s);
			take_steps(steps, session_leave(s));
		}
	return (n);
}

/* Tell those whose proof was revoked. */
unsigned int
sessions_revoke(unsigned int *steps)
{
	struct proven	*p;
	struct session	*s;
	unsigned int	 n = 0;

	for (; *steps > 0 && (p = LIST_FIRST(&broker.revoked)) != NULL; n++) {
		(*steps)--;
		s = LIST_FIRST(&p->sessions);
		s->is_revoked = 1;
		proven_remove(s);
		doom(s);
	}
	return (n);
}

/* Is the tlsproxy still busy with others that end?  What it does for those
 * that go on waits, too. */
static int
end_must_wait(const struct session *s)
{
	return (end_is_untold(s) && s->peer->unanswered >= ENDS_MAX);
}

/*
 * As much of its end as may be now; 0: it only waits.  Until it is told, its
 * tlsproxy gives it the events of all that it subscribed to, so nothing of
 * that is given up before: exclude finds the receivers by it.
 */
static int
session_finish(struct session *s, unsigned int *steps)
{
	if (end_must_wait(s)) {
		(*steps)--;
		TAILQ_REMOVE(&broker.unchecked, s, all_entry);
		TAILQ_INSERT_TAIL(&broker.unchecked, s, all_entry);
		return (0);
	}
	if (end_is_untold(s) && s->nlinks + s->nregs > LEAVE_NOW) {
		(*steps)--;
		end_tell(s);
		slot_find(s->peer, s->slot)->session = NULL;
		s->is_ended = 1;
		authorizer_leave(s);
	} else if (session_strip(s, LEAVE_NOW, steps)) {
		take_steps(steps, 1 + s->nlinks + s->nregs);
		session_dismiss(s);
	}
	return (1);
}

/* Bring sessions in line with the configuration in force. */
unsigned int
sessions_recheck(unsigned int *steps)
{
	struct session	*s;
	unsigned int	 n = 0;

	while (*steps > 0 && (s = TAILQ_FIRST(&broker.unchecked)) != NULL) {
		if (session_is_over(s)) {
			n += session_finish(s, steps);
			continue;
		}
		n++;
		take_steps(steps, 1 + s->nlinks + s->nregs);
		TAILQ_REMOVE(&broker.unchecked, s, all_entry);
		s->confgen = broker.confgen;
		TAILQ_INSERT_TAIL(&broker.checked, s, all_entry);
		pubsub_recheck(s);
		dealer_recheck(s);
	}
	return (n);
}

/* Tell the callers of those that left. */
unsigned int
sessions_cancel(unsigned int *steps)
{
	struct sessions	 todo = TAILQ_HEAD_INITIALIZER(todo);
	struct session	*s;
	unsigned int	 n = 0;

	/* what is not done now goes to the end of the list, fairly */
	TAILQ_CONCAT(&todo, &broker.left, all_entry);
	while (*steps > 0 && (s = TAILQ_FIRST(&todo)) != NULL) {
		TAILQ_REMOVE(&todo, s, all_entry);
		n += session_bury(s, steps);
	}
	TAILQ_CONCAT(&todo, &broker.left, all_entry);
	TAILQ_CONCAT(&broker.left, &todo, all_entry);
	return (n);
}

/* -- what all of them need ---------------------------------------------- */

enum wamp_err
session_may(struct session *s, unsigned int action, enum uri_match match,
    const struct uri *u, const char **why)
{
	s->is_disclosed = 0;
	if (!uri_is_pattern(u, match, s->realm->rules) || !uri_is_utf8(u)) {
		*why = s->realm->rules == URI_STRICT ?
		    "not a URI by the strict rules" : "not a URI";
		return (WERR_INVALID_URI);
	}
	switch (authz_check(s, action, match, u)) {
	case AUTHZ_ALLOW:
		return (WERR_NONE);
	case AUTHZ_ASK:
		return (authorizer_ask(s, action, match, u, why));
	case AUTHZ_DENY:
		break;
	}
	*why = "not allowed";
	return (WERR_NOT_AUTHORIZED);
}

void
session_exceeds(struct session *s, enum limit l)
{
	char	realm[256], authid[128];

	if ((s->met & (1U << l)) != 0) {
		limit_hit(l);
		return;
	}
	s->met |= 1U << l;
	limit_reached(l, "session=%llu realm=%s authid=%s",
	    (unsigned long long)s->id, log_vis(realm, sizeof(realm),
	    s->realm->name, strlen(s->realm->name)),
	    log_vis(authid, sizeof(authid), s->authid.p, s->authid.len));
}

void
session_pause(struct session *s, uint8_t reason, int want)
{
	uint8_t	before = s->paused;

	s->paused = want ? before | reason : before & (uint8_t)~reason;
	if ((before == 0) != (s->paused == 0))
		session_sendv(s, want ? IMSG_XOFF : IMSG_XON, NULL, 0);
}

void
session_sendv(struct session *s, uint32_t type, const struct iovec *iov,
    int n)
{
	peer_sendv(s->peer, type, s->slot, s->gen, iov, n);
}

/* A body that is in a pbuf is not copied. */
void
session_sendv_body(struct session *s, uint32_t type, struct iovec *iov, int n,
    const struct body *b)
{
	if (b->pb != NULL && b->len >= OBUF_COPY) {
		peer_sendv_body(s->peer, type, s->slot, s->gen, iov, n, b);
		return;
	}
	iov_set(&iov[n], b->p, b->len);
	session_sendv(s, type, iov, n + 1);
}

void
session_send(struct session *s, uint32_t type, const void *data, size_t len)
{
	struct iovec	iov;

	iov_set(&iov, data, len);
	session_sendv(s, type, &iov, 1);
}

void
session_refuse_text(struct session *s, enum wamp_code reqtype,
    uint64_t request, enum wamp_err err, const void *text, size_t len)
{
	struct m_refused	m;
	struct iovec		iov[2];

	s->realm->counts->errors++;
	memset(&m, 0, sizeof(m));
	m.request = request;
	m.err = (uint16_t)err;
	m.textlen = (uint16_t)len;
	m.reqtype = (uint8_t)reqtype;
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], text, len);
	session_sendv(s, IMSG_REFUSED, iov, 2);
}

void
session_refuse(struct session *s, enum wamp_code reqtype, uint64_t request,
    enum wamp_err err, const char *why)
{
	session_refuse_text(s, reqtype, request, err, why, strlen(why));
}
