/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent itself knows, in rows for wampctl(8): maps in MessagePack
 * whose keys that page documents.  Long lists go on where they stopped when
 * the client has room again.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "control.h"
#include "isotime.h"
#include "mono.h"
#include "sandbox.h"
#include "uri.h"
#include "wamp.h"

#define RESERVE	2048	/* for the last frame */
#define NAMES	4096	/* octets of a list of names in one row */

static uint8_t	row[CTL_MAXDATA];

/* A row of n fields begins; there is one at a time. */
void
control_row(struct mpput *m, uint32_t n)
{
	mpput_init(m, row, sizeof(row));
	mpput_map(m, n);
}

int
control_row_end(struct control_client *k, struct mpput *m)
{
	if (m->failed) {
		log_warnx("control: a row is too long");
		return (0);
	}
	if (control_room(k) < sizeof(struct ctl_frame) + m->len + RESERVE)
		return (-1);
	return (control_put(k, CTL_ROW, 0, m->p, m->len));
}

static int
end(struct control_client *k)
{
	return (control_put(k, CTL_END, 0, NULL, 0) == 0);
}

/* Lists are walked by number, so they must stay as they are. */
static int
has_changed(struct control_client *k)
{
	if (k->generation == k->w->conf->generation)
		return (0);
	control_error(k, "the configuration was reloaded meanwhile: ask "
	    "again");
	return (1);
}

/* -- fields ------------------------------------------------------------- */

/* Text from a file, or a path, need not be UTF-8. */
static void
text(struct mpput *m, const char *s)
{
	char		clean[4 * PATH_MAX];
	struct uri	u;
	size_t		len = strlen(s);

	u.p = s;
	u.len = (uint16_t)len;
	if (len <= UINT16_MAX && uri_is_utf8(&u)) {
		mpput_str(m, s, len);
		return;
	}
	logsink_clean(clean, sizeof(clean), s, len);
	mpput_text(m, clean);
}

static void
put_text(struct mpput *m, const char *key, const char *s)
{
	mpput_text(m, key);
	if (s == NULL)
		mpput_nil(m);
	else
		text(m, s);
}

static void
put_uint(struct mpput *m, const char *key, uint64_t n)
{
	mpput_text(m, key);
	mpput_uint(m, n);
}

static void
put_bool(struct mpput *m, const char *key, int is_true)
{
	mpput_text(m, key);
	mpput_bool(m, is_true);
}

static void
put_time(struct mpput *m, const char *key, uint64_t wall)
{
	char	iso[ISOTIME_LEN + 1];

	if (wall == 0) {
		put_text(m, key, NULL);
		return;
	}
	isotime(iso, wall);
	put_text(m, key, iso);
}

static const char *
level_name(uint32_t level)
{
	return (level == LOG_LEVEL_BRIEF ? "brief" :
	    level == LOG_LEVEL_DEBUG ? "debug" : "verbose");
}

static const char *
state_name(const struct child *c)
{
	switch (c->state) {
	case CHILD_DOWN:
		return ("down");
	case CHILD_UP:
		return ("up");
	default:
		return ("starting");
	}
}

/* In the foreground it may be a relative one. */
void
control_conffile(struct mpput *m, const struct wampd *w)
{
	char	path[2 * PATH_MAX], cwd[PATH_MAX];

	if (w->conffile[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
		strlcpy(path, w->conffile, sizeof(path));
	else
		snprintf(path, sizeof(path), "%s/%s", cwd, w->conffile);
	text(m, path);
}

/* -- show summary ------------------------------------------------------- */

int
control_summary(struct control_client *k)
{
	struct wampd	*w = k->w;
	struct mpput	 m;
	uint64_t	 nup = 0, restarts = 0;
	size_t		 i;

	for (i = 0; i < w->nchildren; i++) {
		if (w->children[i]->state == CHILD_UP)
			nup++;
		if (w->children[i]->generation > 1)
			restarts += w->children[i]->generation - 1;
	}
	control_row(&m, 21);
	put_text(&m, "version", VERSION);
	put_uint(&m, "pid", (uint64_t)getpid());
	put_text(&m, "state", w->is_stopping ? "stopping" :
	    w->reload.is_active ? "reloading" :
	    upgrade_is_active(w) ? "upgrading" : !w->is_ready ? "starting" :
	    !w->drain.is_on ? "ready" : w->drain.is_done ? "drained" :
	    "draining");
	put_time(&m, "started", w->started);
	put_uint(&m, "uptime", (mono_ms() - w->started_mono) / 1000);
	mpput_text(&m, "config");
	control_conffile(&m, w);
	put_uint(&m, "generation", w->conf->generation);
	put_time(&m, "reloaded", w->reload.done_at);
	put_time(&m, "reload_refused", w->reload.refused_at);
	put_text(&m, "log", level_name(w->conf->loglevel));
	put_text(&m, "sandbox", w->conf->strict ? "strict" : "relaxed");
	put_bool(&m, "root", w->is_root);
	put_uint(&m, "processes", 1 + w->nchildren);
	put_uint(&m, "processes_up", 1 + nup);
	/* from before an upgrade, which are none of ours */
	put_uint(&m, "processes_leaving", w->upgrade.state != UPGRADE_NOT ? 0 :
	    w->upgrade.nold + (w->upgrade.caretaker != 0));
	put_uint(&m, "restarts", restarts);
	put_uint(&m, "connections", connlimit_total(w->connlimit));
	put_uint(&m, "listeners", w->conf->nlistens);
	put_uint(&m, "realms", w->conf->nrealms);
	put_uint(&m, "keypairs", w->conf->nkeypairs);
	put_uint(&m, "control_clients", control_clients(w));
	if (control_row_end(k, &m) == -1)
		return (0);
	return (end(k));
}

/* -- show processes ----------------------------------------------------- */

static void
process(struct mpput *m, const char *name, const char *role, pid_t pid,
    const char *state, uint64_t generation, uint64_t since)
{
	control_row(m, 6);
	put_text(m, "process", name);
	put_text(m, "role", role);
	mpput_text(m, "pid");
	if (pid > 0)
		mpput_uint(m, (uint64_t)pid);
	else
		mpput_nil(m);
	put_text(m, "state", state);
	put_uint(m, "starts", generation);
	put_uint(m, "uptime", pid > 0 && since > 0 ?
	    (mono_ms() - since) / 1000 : 0);
}

/* After an upgrade: they serve those who have not gone yet. */
static void
old_processes(struct control_client *k)
{
	struct upgrade	*u = &k->w->upgrade;
	struct mpput	 m;
	char		 name[sizeof(u->old[0].name) + 8], role[32];
	size_t		 i;

	if (u->caretaker != 0 && u->state == UPGRADE_NOT) {
		process(&m, "caretaker", "caretaker", u->caretaker, "leaving",
		    1, 0);
		(void)control_row_end(k, &m);
	}
	for (i = 0; i < u->nold; i++) {
		snprintf(name, sizeof(name), "old %s", u->old[i].name);
		snprintf(role, sizeof(role), "%.*s",
		    (int)strcspn(u->old[i].name, " "), u->old[i].name);
		process(&m, name, role, u->old[i].pid, "leaving", 1, 0);
		(void)control_row_end(k, &m);
	}
}

/* At most 131 of some 120 octets: all at once, as they are now. */
int
control_processes(struct control_client *k)
{
	struct wampd	*w = k->w;
	struct child	*c;
	struct mpput	 m;
	size_t		 i;

	if (k->outlen > 0)
		return (0);
	process(&m, "wampd", "parent", getpid(), w->is_stopping ? "stopping" :
	    "up", 1, w->started_mono);
	(void)control_row_end(k, &m);
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		process(&m, c->name, proc_role_name(c->role), c->pid,
		    state_name(c), c->generation,
		    c->state == CHILD_UP ? c->up_since : 0);
		(void)control_row_end(k, &m);
	}
	old_processes(k);
	return (end(k));
}

/* -- show listeners ----------------------------------------------------- */

static void
put_keypairs(struct mpput *m, const struct conf *conf,
    const struct conf_listen *l)
{
	const struct conf_keypair	*kp;
	size_t				 i, len = 0;
	uint32_t			 n = 0;

	for (i = 0; i < l->nkeypairs; i++) {
		kp = conf_find_keypair_id(conf, l->keypairs[i]);
		if (kp == NULL || len + strlen(kp->name) > NAMES)
			break;
		len += strlen(kp->name);
		n++;
	}
	mpput_text(m, "keypairs");
	mpput_array(m, n);
	for (i = 0; i < n; i++)
		text(m, conf_find_keypair_id(conf, l->keypairs[i])->name);
}

static void
put_serializers(struct mpput *m, uint32_t sers)
{
	static const char *const	names[] = { "json", "msgpack", "cbor" };
	uint32_t			i, n = 0;

	/* numbered as in the handshake of RawSocket, from 1 */
	for (i = 0; i < 3; i++)
		n += (sers >> (i + 1)) & 1;
	mpput_text(m, "serializers");
	mpput_array(m, n);
	for (i = 0; i < 3; i++)
		if (((sers >> (i + 1)) & 1) != 0)
			mpput_text(m, names[i]);
}

/* Who may say for whom he speaks; none: no PROXY protocol. */
static void
put_nets(struct mpput *m, const struct conf_listen *l)
{
	char	net[NET_MAXTEXT];
	size_t	i;

	mpput_text(m, "proxy_protocol_from");
	mpput_array(m, (uint32_t)l->nfrom);
	for (i = 0; i < l->nfrom; i++)
		mpput_text(m, conf_net_text(&l->from[i], net));
}

static void
listener(struct mpput *m, const struct conf *conf,
    const struct conf_listen *l)
{
	control_row(m, 12);
	put_text(m, "listener", l->name);
	put_text(m, "kind", (l->flags & LISTEN_METRICS) != 0 ? "metrics" :
	    l->path != NULL ? "socket" : "network");
	put_bool(m, "tls", (l->flags & LISTEN_TLS) != 0);
	put_bool(m, "insecure", (l->flags & LISTEN_INSECURE) != 0);
	put_nets(m, l);
	put_text(m, "client_ca", (l->flags & LISTEN_CLIENT_REQUIRED) != 0 ?
	    "required" : (l->flags & LISTEN_CLIENT_CA) != 0 ? "optional" :
	    "none");
	put_bool(m, "rawsocket", (l->flags & LISTEN_RAWSOCKET) != 0);
	put_bool(m, "websocket", (l->flags & LISTEN_WEBSOCKET) != 0);
	put_serializers(m, l->sers);
	put_keypairs(m, conf, l);
	put_text(m, "file", l->file);
	put_uint(m, "line", (uint64_t)l->line);
}

/* *i: those in front of them.  0, or -1: no room for all. */
static int
listeners(struct control_client *k, const struct conf_listens *list, size_t *i)
{
	const struct conf_listen	*l;
	struct mpput			 m;

	TAILQ_FOREACH(l, list, entry) {
		if ((*i)++ < k->cursor)
			continue;
		listener(&m, k->w->conf, l);
		if (control_row_end(k, &m) == -1)
			return (-1);
		k->cursor++;
	}
	return (0);
}

int
control_listeners(struct control_client *k)
{
	size_t	i = 0;

	if (has_changed(k))
		return (1);
	if (listeners(k, &k->w->conf->listens, &i) == -1 ||
	    listeners(k, &k->w->conf->metrics, &i) == -1)
		return (0);
	return (end(k));
}

/* -- show realms -------------------------------------------------------- */

static void
put_methods(struct mpput *m, const struct conf_realm *r)
{
	const struct conf_auth	*a;
	const char		*name;
	unsigned int		 bits = 0, bit;
	uint32_t		 n = 0;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if ((bits & a->method) == 0)
			n++;
		bits |= a->method;
	}
	mpput_text(m, "methods");
	mpput_array(m, n);
	bits = 0;
	TAILQ_FOREACH(a, &r->auths, entry) {
		bit = a->method;
		if ((bits & bit) != 0)
			continue;
		bits |= bit;
		name = wamp_auth_name(bit);
		mpput_text(m, name != NULL ? name : "");
	}
}

int
control_realms(struct control_client *k)
{
	const struct conf_realm	*r;
	struct mpput		 m;
	size_t			 i = 0;

	if (has_changed(k))
		return (1);
	TAILQ_FOREACH(r, &k->w->conf->realms, entry) {
		if (i++ < k->cursor)
			continue;
		control_row(&m, 7);
		put_text(&m, "realm", r->name);
		put_uint(&m, "broker", r->broker);
		put_uint(&m, "roles", r->nroles);
		put_methods(&m, r);
		put_text(&m, "uri", r->strict_uris ? "strict" : "loose");
		put_text(&m, "file", r->file);
		put_uint(&m, "line", (uint64_t)r->line);
		if (control_row_end(k, &m) == -1)
			return (0);
		k->cursor++;
	}
	return (end(k));
}

/* -- show limits -------------------------------------------------------- */

/* Rates are kept in another way than what is one number, or one time. */
enum rate {
	RATE_NONE,
	RATE_BYTES,
	RATE_MESSAGES
};

/* In the order of wampd.conf(5), with all words that lead there. */
static const struct limit_row {
	const char	*words;
	const char	*name;	/* for conf_find_limit(), or which of three */
	const char	*unit;
	enum rate	 rate;
} limit_rows[] = {
	{ "authenticate", "authenticate", "ms", RATE_NONE },
	{ "complete", "complete", "ms", RATE_NONE },
	{ "connections", "connections", "count", RATE_NONE },
	{ "connections per address", "connections per address", "count",
	    RATE_NONE },
	{ "ipv6 prefix", "ipv6 prefix", "bits", RATE_NONE },
	{ "failures", "failures", "count", RATE_NONE },
	{ "failures per", "failures per", "ms", RATE_NONE },
	{ "failures delay", "failures delay", "ms", RATE_NONE },
	{ "handshake", "handshake", "ms", RATE_NONE },
	{ "hello", "hello", "ms", RATE_NONE },
	{ "memory", NULL, "octets", RATE_NONE },
	{ "message", "message", "octets", RATE_NONE },
	{ "metrics", "metrics", "ms", RATE_NONE },
	{ "metrics connections", "metrics connections", "count", RATE_NONE },
	{ "ping every", "ping every", "ms", RATE_NONE },
	{ "ping timeout", "ping timeout", "ms", RATE_NONE },
	{ "queue", "queue", "octets", RATE_NONE },
	{ "session bytes", "number", "octets", RATE_BYTES },
	{ "session bytes per", "per", "ms", RATE_BYTES },
	{ "session bytes burst", "burst", "octets", RATE_BYTES },
	{ "session calls", "calls", "count", RATE_NONE },
	{ "session messages", "number", "count", RATE_MESSAGES },
	{ "session messages per", "per", "ms", RATE_MESSAGES },
	{ "session messages burst", "burst", "count", RATE_MESSAGES },
	{ "session registrations", "registrations", "count", RATE_NONE },
	{ "session subscriptions", "subscriptions", "count", RATE_NONE },
	{ "sessions per authid", "sessions per authid", "count", RATE_NONE },
	{ "slow", "slow", "ms", RATE_NONE }
};
#define NLIMITS	(sizeof(limit_rows) / sizeof(limit_rows[0]))

/* 0: there is none. */
static uint64_t
limit_value(struct conf_limits *l, const struct limit_row *lr)
{
	const struct conf_rate	*rate;

	if (lr->rate == RATE_NONE)
		return (lr->name == NULL ? l->memory :
		    *conf_limit_value(l, conf_find_limit(lr->name)));
	rate = lr->rate == RATE_BYTES ? &l->bytes : &l->messages;
	if (strcmp(lr->name, "number") == 0)
		return (rate->number);
	return (strcmp(lr->name, "per") == 0 ? rate->per : rate->burst);
}

int
control_limits(struct control_client *k)
{
	const struct limit_row	*lr;
	struct mpput		 m;
	uint64_t		 value;

	if (has_changed(k))
		return (1);
	for (; k->cursor < NLIMITS; k->cursor++) {
		lr = &limit_rows[k->cursor];
		value = limit_value(&k->w->conf->limits, lr);
		control_row(&m, 4);
		put_text(&m, "limit", lr->words);
		mpput_text(&m, "value");
		if (value > 0)
			mpput_uint(&m, value);
		else
			mpput_nil(&m);
		put_text(&m, "unit", lr->unit);
		mpput_text(&m, "used");
		if (strcmp(lr->words, "connections") == 0)
			mpput_uint(&m, connlimit_total(k->w->connlimit));
		else
			mpput_nil(&m);
		if (control_row_end(k, &m) == -1)
			return (0);
	}
	return (end(k));
}

/* -- show certificates -------------------------------------------------- */

/* The listeners that use it, as far as there is room. */
static void
put_users(struct mpput *m, const struct conf *conf,
    const struct conf_keypair *kp)
{
	const struct conf_listen	*l;
	const char			*names[64];
	size_t				 i, len = 0;
	uint32_t			 n = 0;

	TAILQ_FOREACH(l, &conf->listens, entry) {
		for (i = 0; i < l->nkeypairs; i++)
			if (l->keypairs[i] == kp->id)
				break;
		if (i == l->nkeypairs)
			continue;
		if (n == 64 || len + strlen(l->name) > NAMES)
			break;
		len += strlen(l->name);
		names[n++] = l->name;
	}
	mpput_text(m, "listeners");
	mpput_array(m, n);
	for (i = 0; i < n; i++)
		text(m, names[i]);
}

/*
 * Paths, and which file it was that is in force: certificates are read by
 * wampctl, not by us.
 */
int
control_certificates(struct control_client *k)
{
	const struct conf_keypair	*kp;
	struct mpput			 m;
	struct stat			 st;
	size_t				 i = 0;

	if (has_changed(k))
		return (1);
	TAILQ_FOREACH(kp, &k->w->conf->keypairs, entry) {
		if (i++ < k->cursor)
			continue;
		memset(&st, 0, sizeof(st));
		if (kp->cert_fd != -1 && fstat(kp->cert_fd, &st) == -1)
			memset(&st, 0, sizeof(st));
		control_row(&m, 6);
		put_text(&m, "keypair", kp->name);
		put_text(&m, "file", kp->cert_path);
		put_users(&m, k->w->conf, kp);
		put_uint(&m, "device", (uint64_t)st.st_dev);
		put_uint(&m, "inode", (uint64_t)st.st_ino);
		put_uint(&m, "modified", st.st_mtim.tv_sec > 0 ?
		    (uint64_t)st.st_mtim.tv_sec : 0);
		if (control_row_end(k, &m) == -1)
			return (0);
		k->cursor++;
	}
	return (end(k));
}

/* -- show sandbox ------------------------------------------------------- */

/* What it should be like; what it is like, wampctl asks the kernel. */
static void
sandboxed(struct mpput *m, struct wampd *w, const char *name,
    const struct child *c, pid_t pid)
{
	char	caps[32];
	int	is_child = c != NULL && w->is_root;

	control_row(m, 10);
	put_text(m, "process", name);
	mpput_text(m, "pid");
	if (pid > 0)
		mpput_uint(m, (uint64_t)pid);
	else
		mpput_nil(m);
	put_text(m, "role", c != NULL ? proc_role_name(c->role) : "parent");
	put_text(m, "sandbox", w->conf->strict ? "strict" : "relaxed");
	put_bool(m, "sanitizers", sandbox_is_san());
	put_bool(m, "started_by_root", w->is_root);
	put_uint(m, "wanted_uid", is_child ? w->users[c->role].uid :
	    geteuid());
	put_uint(m, "wanted_gid", is_child ? w->users[c->role].gid :
	    getegid());
	put_text(m, "wanted_root", is_child ? EMPTYDIR : "/");
	/* as they stand in /proc/PID/status */
	snprintf(caps, sizeof(caps), "%016llx", c == NULL && w->is_root ?
	    (unsigned long long)sandbox_parent_mask() : 0ULL);
	put_text(m, "wanted_capabilities", caps);
}

int
control_sandbox(struct control_client *k)
{
	struct wampd	*w = k->w;
	struct mpput	 m;
	size_t		 i;

	/* at most 65 of some 250 octets: all at once, as they are now */
	if (k->outlen > 0)
		return (0);
	sandboxed(&m, w, "wampd", NULL, getpid());
	(void)control_row_end(k, &m);
	for (i = 0; i < w->nchildren; i++) {
		/* before it is up it is not there yet */
		sandboxed(&m, w, w->children[i]->name, w->children[i],
		    w->children[i]->state >= CHILD_HOLD ?
		    w->children[i]->pid : 0);
		(void)control_row_end(k, &m);
	}
	return (end(k));
}

/* -- test --------------------------------------------------------------- */

int
control_test(struct control_client *k)
{
	static const char *const	names[] = {
		[RULE_DENIED] = "denied",
		[RULE_ALLOWED] = "allowed",
		[RULE_ASKED] = "asked"
	};
	struct rule_answer		 a;
	struct mpput			 m;
	const char			*wrong;

	wrong = ruletest_request(k->w->conf, &k->req, &a);
	if (wrong != NULL) {
		control_error(k, "%s", wrong);
		return (1);
	}
	control_row(&m, 5);
	put_text(&m, "outcome", names[a.outcome]);
	put_text(&m, "reason", a.why);
	put_text(&m, "procedure", a.procedure);
	put_text(&m, "file", a.file);
	mpput_text(&m, "line");
	if (a.file != NULL)
		mpput_uint(&m, (uint64_t)a.line);
	else
		mpput_nil(&m);
	(void)control_row_end(k, &m);
	return (end(k));
}

/* -- monitor ------------------------------------------------------------ */

int
control_line(struct control_client *k, int level, const char *line)
{
	struct mpput	m;
	char		clean[1700];

	logsink_clean(clean, sizeof(clean), line, strlen(line));
	control_row(&m, 3);
	put_time(&m, "time", wall_ms());
	put_text(&m, "level", level <= LOG_CRIT ? "critical" :
	    level <= LOG_WARNING ? "warning" : level <= LOG_NOTICE ?
	    "notice" : "info");
	put_text(&m, "text", clean);
	return (control_row_end(k, &m));
}
