/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Realms, with all that belongs to them, on their way to a child.
 */
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "confmsg.h"
#include "msgtypes.h"
#include "ruleuri.h"
#include "wamp.h"
#include "xmalloc.h"

/* name */
struct m_conf_realm {
	uint32_t	 id;
	uint32_t	 broker;
	uint8_t		 strict_uris;
	uint8_t		 loose_ids;
	uint8_t		 has_history;
	uint8_t		 has_retain;
	uint16_t	 namelen;
	uint8_t		 disconnects;
	uint8_t		 pad;
};

/* name (DYNAMIC: procedure), authid (length 0: none) */
struct m_conf_auth {
	uint32_t	 realm;
	uint32_t	 method;
	uint32_t	 id;
	uint32_t	 role;		/* 0: stands in the users file */
	uint32_t	 users;		/* 0: none */
	uint32_t	 asks;		/* realm of the procedure, 0: none */
	uint32_t	 timeout;
	uint8_t		 what;
	uint8_t		 pad;
	uint16_t	 namelen;
	uint16_t	 authidlen;
	uint16_t	 pad2;
};

/* name */
struct m_conf_role {
	uint32_t	 realm;
	uint32_t	 id;
	uint8_t		 disclose_publisher;	/* enum conf_disclose */
	uint8_t		 disclose_caller;
	uint8_t		 has_trust;
	uint8_t		 pad;
	uint16_t	 trust;
	uint16_t	 namelen;
};

/* uri */
struct m_conf_rule {
	uint32_t	 realm;
	uint32_t	 role;
	uint8_t		 allow;
	uint8_t		 actions;
	uint8_t		 match;
	uint8_t		 anyuri;
	uint16_t	 urilen;
	uint16_t	 pad;
};

/* of a role: procedure */
struct m_conf_authorizer {
	uint32_t	 realm;
	uint32_t	 role;
	uint32_t	 cache;
	uint32_t	 timeout;
	uint16_t	 urilen;
	uint16_t	 pad;
};

/* of a realm: procedure */
struct m_conf_asked {
	uint32_t	 realm;
	uint16_t	 urilen;
	uint16_t	 pad;
};

/* of a realm */
struct m_conf_policy {
	uint32_t	 realm;
	uint32_t	 call_timeout;
	uint32_t	 call_timeout_max;
	uint32_t	 retain_topics;
	uint64_t	 retain_memory;
	uint64_t	 history_memory;
	uint32_t	 retain_message;
	uint8_t		 retain_off;
	uint8_t		 disclose_publisher;	/* enum conf_disclose */
	uint8_t		 disclose_caller;
	uint8_t		 pad;
	uint32_t	 sessions;
	uint32_t	 pad2;
};

/* of a realm's history: uri */
struct m_conf_topic {
	uint32_t	 realm;
	uint32_t	 events;
	uint16_t	 urilen;
	uint8_t		 match;
	uint8_t		 pad;
};

ASSERT_SIZE(m_conf_realm, 16);
ASSERT_SIZE(m_conf_auth, 36);
ASSERT_SIZE(m_conf_role, 16);
ASSERT_SIZE(m_conf_rule, 16);
ASSERT_SIZE(m_conf_authorizer, 20);
ASSERT_SIZE(m_conf_asked, 8);
ASSERT_SIZE(m_conf_policy, 48);
ASSERT_SIZE(m_conf_topic, 12);

/* -- send --------------------------------------------------------------- */

static void
send_auth(struct confmsg_out *s, const struct conf_realm *r,
    const struct conf_auth *a)
{
	struct m_conf_auth	m;
	const char		*name = a->name;

	memset(&m, 0, sizeof(m));
	m.realm = r->id;
	m.method = a->method;
	m.id = a->id;
	m.role = a->role;
	m.users = a->users;
	m.what = a->what;
	if (a->what == CONF_AUTH_DYNAMIC) {
		name = a->dynamic.procedure;
		m.asks = a->dynamic.realm_id;
		m.timeout = a->dynamic.timeout;
	}
	m.namelen = name != NULL ? (uint16_t)strlen(name) : 0;
	m.authidlen = a->authid != NULL ? (uint16_t)strlen(a->authid) : 0;
	confmsg_put(s, IMSG_CONF_AUTH, &m, sizeof(m), name, m.namelen,
	    a->authid, m.authidlen);
}

static void
send_rule(struct confmsg_out *s, const struct conf_realm *r,
    const struct conf_role *ro, const struct conf_rule *ru)
{
	struct m_conf_rule	m;

	memset(&m, 0, sizeof(m));
	m.realm = r->id;
	m.role = ro->id;
	m.allow = ru->allow;
	m.actions = ru->actions;
	m.match = ru->match;
	m.anyuri = ru->anyuri;
	m.urilen = ru->urilen;
	confmsg_put(s, IMSG_CONF_RULE, &m, sizeof(m), ru->uri, m.urilen,
	    NULL, 0);
}

static void
send_authorizer(struct confmsg_out *s, const struct conf_realm *r,
    const struct conf_role *ro)
{
	const struct conf_dynamic	*d = &ro->authorizer;
	struct m_conf_authorizer	 m;

	if (d->procedure == NULL)
		return;
	memset(&m, 0, sizeof(m));
	m.realm = r->id;
	m.role = ro->id;
	m.cache = d->cache;
	m.timeout = d->timeout;
	m.urilen = (uint16_t)strlen(d->procedure);
	confmsg_put(s, IMSG_CONF_AUTHORIZER, &m, sizeof(m), d->procedure,
	    m.urilen, NULL, 0);
}

static void
send_asked(struct confmsg_out *s, const struct conf_realm *r,
    const char *procedure)
{
	struct m_conf_asked	m;

	memset(&m, 0, sizeof(m));
	m.realm = r->id;
	m.urilen = (uint16_t)strlen(procedure);
	confmsg_put(s, IMSG_CONF_ASKED, &m, sizeof(m), procedure, m.urilen,
	    NULL, 0);
}

static void
send_policy(struct confmsg_out *s, const struct conf_realm *r)
{
	struct m_conf_policy	m;

	memset(&m, 0, sizeof(m));
	m.realm = r->id;
	m.sessions = r->sessions;
	m.call_timeout = r->call_timeout;
	m.call_timeout_max = r->call_timeout_max;
	m.retain_topics = r->retain.topics;
	m.retain_memory = r->retain.memory;
	m.retain_message = r->retain.message;
	m.retain_off = r->retain.is_off;
	m.history_memory = r->history.memory;
	m.disclose_publisher = r->disclose_publisher;
	m.disclose_caller = r->disclose_caller;
	confmsg_put(s, IMSG_CONF_POLICY, &m, sizeof(m), NULL, 0, NULL, 0);
}

static void
send_topic(struct confmsg_out *s, const struct conf_realm *r,
    const struct conf_topic *t)
{
	struct m_conf_topic	m;

	memset(&m, 0, sizeof(m));
	m.realm = r->id;
	m.events = t->events;
	m.match = t->match;
	m.urilen = t->urilen;
	confmsg_put(s, IMSG_CONF_TOPIC, &m, sizeof(m), t->uri, m.urilen,
	    NULL, 0);
}

/* Roles before what names them; their rules are for brokers alone. */
void
confmsg_send_realm(struct confmsg_out *s, const struct conf_realm *r, int role)
{
	struct m_conf_realm	 m;
	struct m_conf_role	 mr;
	const struct conf_auth	*a;
	const struct conf_role	*ro;
	const struct conf_rule	*ru;
	const struct conf_str	*str;
	const struct conf_topic	*t;

	memset(&m, 0, sizeof(m));
	m.id = r->id;
	m.broker = r->broker;
	m.strict_uris = r->strict_uris;
	m.loose_ids = r->loose_ids;
	m.has_history = !TAILQ_EMPTY(&r->history.topics);
	m.has_retain = !r->retain.is_off;
	m.disconnects = r->disconnects;
	m.namelen = (uint16_t)strlen(r->name);
	confmsg_put(s, IMSG_CONF_REALM, &m, sizeof(m), r->name, m.namelen,
	    NULL, 0);
	if (role == PROC_TLSPROXY)
		return;
	TAILQ_FOREACH(ro, &r->roles, entry) {
		memset(&mr, 0, sizeof(mr));
		mr.realm = r->id;
		mr.id = ro->id;
		mr.disclose_publisher = ro->disclose_publisher;
		mr.disclose_caller = ro->disclose_caller;
		mr.has_trust = ro->has_trust;
		mr.trust = ro->trust;
		mr.namelen = (uint16_t)strlen(ro->name);
		confmsg_put(s, IMSG_CONF_ROLE, &mr, sizeof(mr), ro->name,
		    mr.namelen, NULL, 0);
		if (role != PROC_BROKER)
			continue;
		TAILQ_FOREACH(ru, &ro->rules, entry)
			send_rule(s, r, ro, ru);
		send_authorizer(s, r, ro);
	}
	if (role == PROC_BROKER) {
		TAILQ_FOREACH(str, &r->asked, entry)
			send_asked(s, r, str->s);
		send_policy(s, r);
		TAILQ_FOREACH(t, &r->history.topics, entry)
			send_topic(s, r, t);
	}
	if (role == PROC_KEEPER)
		TAILQ_FOREACH(a, &r->auths, entry)
			send_auth(s, r, a);
}

/* -- receive ------------------------------------------------------------ */

/* What belongs to a realm or a role follows it at once. */
static struct conf_realm *
last_realm(const struct confmsg_in *r, uint32_t id)
{
	struct conf_realm	*realm;

	realm = TAILQ_LAST(&r->conf->realms, conf_realms);
	return (realm != NULL && realm->id == id ? realm : NULL);
}

int
confmsg_recv_realm(struct confmsg_in *r)
{
	struct m_conf_realm	 m;
	struct conf_realm	*realm;
	const char		*name;

	if (confmsg_get(r, &m, sizeof(m)) == -1 || m.namelen == 0 ||
	    confmsg_get_last(r, &name, m.namelen, CONF_MAXNAME) == -1 ||
	    m.broker >= r->conf->brokers || m.strict_uris > 1 ||
	    m.loose_ids > 1 || m.has_history > 1 || m.has_retain > 1 ||
	    m.disconnects > 1 || m.pad != 0 ||
	    r->conf->nrealms >= CONF_MAXREALMS ||
	    conf_find_realm_id(r->conf, m.id) != NULL)
		return (-1);
	realm = conf_add_realm(r->conf, name, m.namelen);
	realm->id = m.id;
	realm->broker = m.broker;
	realm->strict_uris = m.strict_uris;
	realm->loose_ids = m.loose_ids;
	realm->has_history = m.has_history;
	realm->has_retain = m.has_retain;
	realm->disconnects = m.disconnects;
	return (0);
}

int
confmsg_recv_auth(struct confmsg_in *r)
{
	struct m_conf_auth	 m;
	struct conf_auth	*a;
	struct conf_realm	*realm;
	struct conf_role	*role;
	const char		*name, *authid;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    confmsg_get_text(r, &name, m.namelen) == -1 ||
	    confmsg_get_last(r, &authid, m.authidlen, AUTHID_MAXLEN) == -1 ||
	    (realm = last_realm(r, m.realm)) == NULL)
		return (-1);
	role = conf_find_role_id(realm, m.role);
	if (m.what == CONF_AUTH_USERS ?
	    m.role != 0 || conf_find_users_id(r->conf, m.users) == NULL :
	    (m.what == CONF_AUTH_DYNAMIC ? m.role != 0 : role == NULL) ||
	    m.users != 0)
		return (-1);
	if (m.what == CONF_AUTH_DYNAMIC ?
	    m.asks == 0 || m.timeout == 0 : m.asks != 0 || m.timeout != 0)
		return (-1);
	if (!(m.what == CONF_AUTH_DYNAMIC && m.namelen > 0 &&
	    m.namelen <= URI_MAXLEN && m.authidlen == 0 &&
	    (m.method == AUTH_TICKET || m.method == AUTH_WAMPCRA ||
	    m.method == AUTH_CRYPTOSIGN)) &&
	    !(m.what == CONF_AUTH_USERS && m.namelen == 0 &&
	    m.authidlen == 0 && (m.method == AUTH_TICKET ||
	    m.method == AUTH_WAMPCRA || m.method == AUTH_SCRAM ||
	    m.method == AUTH_CRYPTOSIGN || m.method == AUTH_TLS)) &&
	    !(m.method == AUTH_ANONYMOUS && m.what == CONF_AUTH_ANYBODY) &&
	    !(m.method == AUTH_SOCKET && m.namelen == 0 &&
	    m.what == CONF_AUTH_ANYBODY) &&
	    !(m.method == AUTH_SOCKET && m.namelen > 0 &&
	    (m.what == CONF_AUTH_USER || m.what == CONF_AUTH_GROUP)) &&
	    !(m.method == AUTH_TLS && m.namelen > 0 &&
	    (m.what == CONF_AUTH_SUBJECT || m.what == CONF_AUTH_FINGERPRINT ||
	    m.what == CONF_AUTH_NAME)))
		return (-1);
	a = xcalloc(1, sizeof(*a));
	a->method = m.method;
	a->what = m.what;
	a->id = m.id;
	a->role = m.role;
	a->users = m.users;
	a->role_name = role != NULL ? xstrdup(role->name) : NULL;
	if (m.what == CONF_AUTH_DYNAMIC) {
		a->dynamic.procedure = xstrndup(name, m.namelen);
		a->dynamic.realm_id = m.asks;
		a->dynamic.timeout = m.timeout;
	} else if (m.namelen > 0)
		a->name = xstrndup(name, m.namelen);
	if (m.authidlen > 0)
		a->authid = xstrndup(authid, m.authidlen);
	TAILQ_INSERT_TAIL(&realm->auths, a, entry);
	realm->nauths++;
	return (0);
}

int
confmsg_recv_role(struct confmsg_in *r)
{
	struct m_conf_role	 m;
	struct conf_realm	*realm;
	struct conf_role	*role;
	const char		*name;

	if (confmsg_get(r, &m, sizeof(m)) == -1 || m.namelen == 0 ||
	    confmsg_get_last(r, &name, m.namelen, CONF_MAXNAME) == -1 ||
	    m.disclose_publisher > DISCLOSE_NEVER ||
	    m.disclose_caller > DISCLOSE_NEVER || m.has_trust > 1 ||
	    (realm = last_realm(r, m.realm)) == NULL ||
	    realm->nroles >= CONF_MAXROLES ||
	    conf_find_role_id(realm, m.id) != NULL)
		return (-1);
	role = conf_add_role(realm, name, m.namelen);
	role->id = m.id;
	role->disclose_publisher = m.disclose_publisher;
	role->disclose_caller = m.disclose_caller;
	role->has_trust = m.has_trust;
	role->trust = m.trust;
	return (0);
}

int
confmsg_recv_rule(struct confmsg_in *r)
{
	struct m_conf_rule	 m;
	struct conf_realm	*realm;
	struct conf_role	*role;
	struct conf_rule	*ru;
	struct uri		 u;
	const char		*uri;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    confmsg_get_last(r, &uri, m.urilen, URI_MAXLEN) == -1 ||
	    (realm = last_realm(r, m.realm)) == NULL ||
	    (role = TAILQ_LAST(&realm->roles, conf_roles)) == NULL ||
	    role->id != m.role || m.allow > 1 || m.anyuri > 1 ||
	    m.match >= MATCH_MAX || m.actions == 0 ||
	    (m.actions & ~(ACTION_ALL | ACTION_META)) != 0)
		return (-1);
	if ((m.actions & ACTION_META) != 0 &&
	    (!m.anyuri || (m.actions & ACTION_ALL) != 0))
		return (-1);
	u.p = uri;
	u.len = m.urilen;
	if (m.anyuri ? m.urilen != 0 : ruleuri_check(&u,
	    (enum uri_match)m.match,
	    realm->strict_uris ? URI_STRICT : URI_LOOSE, role->name) !=
	    RULEURI_OK)
		return (-1);
	ru = xcalloc(1, sizeof(*ru));
	ru->allow = m.allow;
	ru->actions = m.actions;
	ru->match = m.match;
	ru->anyuri = m.anyuri;
	ru->uri = xstrndup(uri, m.urilen);
	ru->urilen = m.urilen;
	TAILQ_INSERT_TAIL(&role->rules, ru, entry);
	return (0);
}

/* A procedure's URI, the rest of the imsg. */
static int
get_procedure(struct confmsg_in *r, const char **uri, size_t len,
    const struct conf_realm *realm)
{
	struct uri	u;

	if (confmsg_get_last(r, uri, len, URI_MAXLEN) == -1)
		return (-1);
	u.p = *uri;
	u.len = (uint16_t)len;
	return (uri_is_valid(&u, realm->strict_uris ? URI_STRICT :
	    URI_LOOSE) ? 0 : -1);
}

int
confmsg_recv_authorizer(struct confmsg_in *r)
{
	struct m_conf_authorizer	 m;
	struct conf_realm		*realm;
	struct conf_role		*role;
	const char			*uri;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    (realm = last_realm(r, m.realm)) == NULL ||
	    get_procedure(r, &uri, m.urilen, realm) == -1 ||
	    (role = TAILQ_LAST(&realm->roles, conf_roles)) == NULL ||
	    role->id != m.role || role->authorizer.procedure != NULL ||
	    m.timeout == 0)
		return (-1);
	role->authorizer.procedure = xstrndup(uri, m.urilen);
	role->authorizer.cache = m.cache;
	role->authorizer.timeout = m.timeout;
	return (0);
}

int
confmsg_recv_asked(struct confmsg_in *r)
{
	struct m_conf_asked	 m;
	struct conf_realm	*realm;
	const char		*uri;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    (realm = last_realm(r, m.realm)) == NULL ||
	    get_procedure(r, &uri, m.urilen, realm) == -1)
		return (-1);
	conf_add_str(&realm->asked, uri, m.urilen);
	return (0);
}

/* A mode that is in force: a realm's. */
static int
is_disclose(uint8_t mode)
{
	return (mode != DISCLOSE_UNSET && mode <= DISCLOSE_NEVER);
}

int
confmsg_recv_policy(struct confmsg_in *r)
{
	struct m_conf_policy	 m;
	struct conf_realm	*realm;

	if (confmsg_get(r, &m, sizeof(m)) == -1 || r->left != 0 ||
	    (realm = last_realm(r, m.realm)) == NULL ||
	    !is_disclose(m.disclose_publisher) ||
	    !is_disclose(m.disclose_caller) || m.retain_off > 1 ||
	    m.retain_off == realm->has_retain || m.sessions == 0 ||
	    m.sessions > CONF_MAXSESSIONS)
		return (-1);
	realm->sessions = m.sessions;
	realm->disclose_publisher = m.disclose_publisher;
	realm->disclose_caller = m.disclose_caller;
	realm->call_timeout = m.call_timeout;
	realm->call_timeout_max = m.call_timeout_max;
	realm->retain.topics = m.retain_topics;
	realm->retain.memory = m.retain_memory;
	realm->retain.message = m.retain_message;
	realm->retain.is_off = m.retain_off;
	realm->history.memory = m.history_memory;
	return (0);
}

int
confmsg_recv_topic(struct confmsg_in *r)
{
	struct m_conf_topic	 m;
	struct conf_realm	*realm;
	struct conf_topic	*t;
	struct uri		 u;
	const char		*uri;

	if (confmsg_get(r, &m, sizeof(m)) == -1 ||
	    confmsg_get_last(r, &uri, m.urilen, URI_MAXLEN) == -1 ||
	    (realm = last_realm(r, m.realm)) == NULL ||
	    m.match >= MATCH_MAX || m.events == 0 || !realm->has_history ||
	    realm->history.ntopics >= CONF_MAXTOPICS)
		return (-1);
	u.p = uri;
	u.len = m.urilen;
	if (!uri_is_pattern(&u, (enum uri_match)m.match,
	    realm->strict_uris ? URI_STRICT : URI_LOOSE))
		return (-1);
	t = conf_add_topic(realm, uri, m.urilen);
	t->match = m.match;
	t->events = m.events;
	return (0);
}
