/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The rules of roles against a model that knows them as the manual page has
 * them, and neither trees nor tables: random rules, sessions and URIs in a
 * broker's authz_check() (AUTHZ_STEPS and AUTHZ_SEED: how many, and which);
 * all patterns of up to four components; authids that would like to be more
 * than one component (threats: lesson 9).
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../broker/broker.h"
#include "conf.h"
#include "rules.h"
#include "ruleuri.h"

#define NCOMP		5		/* components of a URI */
#define NURIS		1400
#define NPATTERNS	1400
#define NRULES		8

static uint64_t		seed = 1;

static unsigned int
rnd(unsigned int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((unsigned int)(seed >> 33) % n);
}

static struct uri
mk(const char *s)
{
	struct uri	u;

	u.p = s;
	u.len = (uint16_t)strlen(s);
	return (u);
}

/* -- the model ---------------------------------------------------------- */

#define ANYURI	MATCH_MAX

struct pattern {
	char	text[64];
	int	match;		/* or ANYURI */
};

/* In loose realms; the list is all that is tried. */
static const struct {
	const char	*text;
	int		 is_usable;
} authids[] = {
	{ "a", 1 }, { "b", 1 }, { "ab", 1 }, { "A-{authrole}", 1 },
	{ "", 0 }, { "a.b", 0 }, { "a.", 0 }, { ".a", 0 }, { ".", 0 },
	{ "#", 0 }, { "a#", 0 }, { "a b", 0 }, { "a\t", 0 }, { "a\001", 0 },
	{ "a\177", 0 }, { "\303", 0 }, { "a\302\240", 0 }
};
#define NAUTHIDS	(sizeof(authids) / sizeof(authids[0]))

static unsigned int
split(char *s, char *v[], unsigned int max)
{
	unsigned int	n = 0;

	while (s != NULL) {
		if (n == max)
			errx(1, "too many components");
		v[n++] = strsep(&s, ".");
	}
	return (n);
}

/* Is c what the component of a pattern says, for this authid? */
static int
m_component(const char *pat, const char *c, size_t authid)
{
	char		 filled[300] = "";
	const char	*mark;

	if (*pat == '\0')
		return (1);
	if ((mark = strstr(pat, "{authid}")) == NULL)
		return (strcmp(pat, c) == 0);
	if (!authids[authid].is_usable)
		return (1);
	snprintf(filled, sizeof(filled), "%.*s%s%s", (int)(mark - pat), pat,
	    authids[authid].text, mark + strlen("{authid}"));
	return (strcmp(filled, c) == 0);
}

/* As if any component could stand where an unusable authid would. */
static int
m_matches(const struct pattern *p, const char *u, size_t authid)
{
	char		 pbuf[64], ubuf[64], *pc[NCOMP + 1], *uc[NCOMP + 1];
	unsigned int	 i, np, nu;

	if (p->match == ANYURI)
		return (1);
	strlcpy(pbuf, p->text, sizeof(pbuf));
	strlcpy(ubuf, u, sizeof(ubuf));
	np = split(pbuf, pc, NCOMP + 1);
	nu = split(ubuf, uc, NCOMP + 1);
	if (p->match == MATCH_PREFIX) {
		if (nu < np ||
		    strncmp(uc[np - 1], pc[np - 1], strlen(pc[np - 1])) != 0)
			return (0);
		np--;
	} else if (np != nu)
		return (0);
	for (i = 0; i < np; i++)
		if (!m_component(pc[i], uc[i], authid))
			return (0);
	return (1);
}

struct mrule {
	int		 allow;
	unsigned int	 actions;
	const struct pattern	*pat;
};

static int
m_applies(const struct mrule *r, size_t authid)
{
	return (!r->allow || authids[authid].is_usable ||
	    strstr(r->pat->text, "{authid}") == NULL);
}

/* The number of the rule that decides, from 1; 0: none matches. */
static int
m_decide(const struct mrule *v, int n, unsigned int action, const char *u,
    size_t authid)
{
	int	i, last = 0;

	for (i = 0; i < n; i++)
		if ((v[i].actions & action) != 0 && m_applies(&v[i], authid) &&
		    m_matches(v[i].pat, u, authid))
			last = i + 1;
	return (last);
}

/* -- all URIs and patterns there are ------------------------------------ */

static char		uris[NURIS][24];
static unsigned int	nuris;
static struct pattern	patterns[NPATTERNS];
static unsigned int	npatterns;

static void
uris_make(const char *before, unsigned int depth)
{
	static const char *const	comps[] = { "a", "b", "ab", "z" };
	char				buf[24];
	size_t				i;

	for (i = 0; i < sizeof(comps) / sizeof(comps[0]); i++) {
		snprintf(buf, sizeof(buf), "%s%s", before, comps[i]);
		if (nuris == NURIS)
			errx(1, "too many URIs");
		strlcpy(uris[nuris++], buf, sizeof(uris[0]));
		strlcat(buf, ".", sizeof(buf));
		if (depth < NCOMP)
			uris_make(buf, depth + 1);
	}
}

static void
patterns_make(const char *before, unsigned int depth)
{
	static const char *const	comps[] = { "a", "b", "", "{authid}",
					    "a{authid}" };
	char				buf[64];
	struct uri			u;
	size_t				i;
	int				match;

	/* the last of them would be too many further down */
	for (i = 0; i < (depth > 2 ? 4 : 5); i++) {
		snprintf(buf, sizeof(buf), "%s%s", before, comps[i]);
		u = mk(buf);
		for (match = 0; match < MATCH_MAX; match++) {
			if (ruleuri_check(&u, (enum uri_match)match, URI_LOOSE,
			    "role") != RULEURI_OK)
				continue;
			if (npatterns == NPATTERNS)
				errx(1, "too many patterns");
			strlcpy(patterns[npatterns].text, buf,
			    sizeof(patterns[0].text));
			patterns[npatterns++].match = match;
		}
		strlcat(buf, ".", sizeof(buf));
		if (depth < NCOMP - 1)
			patterns_make(buf, depth + 1);
	}
}

/* What is matched, a bit for each URI. */
struct set {
	uint64_t	w[(NURIS + 63) / 64];
};
#define NWORDS	(sizeof(struct set) / sizeof(uint64_t))

static struct set	sets[NAUTHIDS][NPATTERNS];

static void
sets_make(void)
{
	unsigned int	i, u;
	size_t		a;

	for (i = 0; i < npatterns; i++) {
		for (a = 0; a < NAUTHIDS; a++) {
			if (strstr(patterns[i].text, "{") == NULL && a > 0) {
				sets[a][i] = sets[0][i];
				continue;
			}
			if (!authids[a].is_usable && a > 4) {
				sets[a][i] = sets[4][i];	/* "" */
				continue;
			}
			for (u = 0; u < nuris; u++)
				if (m_matches(&patterns[i], uris[u], a))
					sets[a][i].w[u / 64] |=
					    1ULL << (u % 64);
		}
	}
}

static int
is_within(const struct set *a, const struct set *b)
{
	size_t	i;

	for (i = 0; i < NWORDS; i++)
		if ((a->w[i] & ~b->w[i]) != 0)
			return (0);
	return (1);
}

static int
has_common(const struct set *a, const struct set *b)
{
	size_t	i;

	for (i = 0; i < NWORDS; i++)
		if ((a->w[i] & b->w[i]) != 0)
			return (1);
	return (0);
}

/* -- rules -------------------------------------------------------------- */

static struct conf_role *
role_make(struct conf_realm *realm, const char *name, const struct mrule *v,
    int n)
{
	struct conf_role	*role;
	struct conf_rule	*ru;
	int			 i;

	role = conf_add_role(realm, name, strlen(name));
	for (i = 0; i < n; i++) {
		if ((ru = calloc(1, sizeof(*ru))) == NULL)
			err(1, NULL);
		ru->allow = (uint8_t)v[i].allow;
		ru->actions = (uint8_t)v[i].actions;
		ru->anyuri = v[i].pat->match == ANYURI;
		ru->match = ru->anyuri ? MATCH_EXACT :
		    (uint8_t)v[i].pat->match;
		if ((ru->uri = strdup(v[i].pat->text)) == NULL)
			err(1, NULL);
		ru->urilen = (uint16_t)strlen(ru->uri);
		ru->line = i + 1;
		TAILQ_INSERT_TAIL(&role->rules, ru, entry);
	}
	return (role);
}

static int
rules_draw(struct mrule *v)
{
	static const struct pattern	any = { "", ANYURI };
	int				i, n = (int)rnd(NRULES + 1);

	for (i = 0; i < n; i++) {
		v[i].allow = rnd(3) > 0;
		v[i].actions = 1 + rnd(15);
		v[i].pat = rnd(20) == 0 ? &any : &patterns[rnd(npatterns)];
	}
	return (n);
}

static void
show(const struct mrule *v, int n)
{
	static const char *const	matches[] = {
		"exact", "prefix", "wildcard", "any URI"
	};
	int				i;

	for (i = 0; i < n; i++)
		warnx("%s %x %s \"%s\"", v[i].allow ? "allow" : "deny",
		    v[i].actions, matches[v[i].pat->match], v[i].pat->text);
}

/* -- patterns ----------------------------------------------------------- */

static int
m_may_pattern(const struct mrule *v, int n, unsigned int action,
    unsigned int p, size_t authid)
{
	const struct set	*s, *ps = &sets[authid][p];
	int			 i;

	for (i = n; i > 0; i--) {
		s = &sets[authid][v[i - 1].pat - patterns];
		if ((v[i - 1].actions & action) == 0 ||
		    !m_applies(&v[i - 1], authid))
			continue;
		if (v[i - 1].allow ? is_within(ps, s) : has_common(ps, s))
			return (v[i - 1].allow);
	}
	return (0);
}

static void
pattern_case(const struct mrule *v, int n, size_t authid)
{
	struct conf		*conf = conf_new();
	struct conf_realm	*realm = conf_add_realm(conf, "r", 1);
	struct rules		*r;
	const struct conf_rule	*ru;
	struct uri		 u, who;
	unsigned int		 p, i, action = 1U << rnd(4);
	int			 got, want, d;

	/* with another authid, this is none of the components here */
	for (i = 0; i < (unsigned int)n && authid < 4; i++)
		if (strstr(v[i].pat->text, "a{authid}") != NULL)
			authid = 1;
	who = mk(authids[authid].text);
	r = rules_new(role_make(realm, "role", v, n), URI_LOOSE);
	for (p = 0; p < npatterns; p++) {
		if (strchr(patterns[p].text, '{') != NULL)
			continue;
		u = mk(patterns[p].text);
		ru = rules_decide_pattern(r, action, &u,
		    (enum uri_match)patterns[p].match, &who);
		got = ru != NULL && ru->allow;
		want = m_may_pattern(v, n, action, p, authid);
		if (got != want) {
			show(v, n);
			errx(1, "action %x pattern \"%s\" match %d authid "
			    "\"%s\": got %d, want %d", action,
			    patterns[p].text, patterns[p].match,
			    authids[authid].text, got, want);
		}
		/* what this is for; needs no model of patterns */
		for (i = 0; got && i < nuris; i++) {
			if ((sets[authid][p].w[i / 64] >> (i % 64) & 1) == 0)
				continue;
			d = m_decide(v, n, action, uris[i], authid);
			if (d == 0 || !v[d - 1].allow)
				errx(1, "\"%s\" may be subscribed, \"%s\" is "
				    "denied", patterns[p].text, uris[i]);
		}
	}
	rules_free(r);
	conf_free(conf);
}

static void
all_patterns(void)
{
	/* components of URIs here, or unusable */
	static const size_t	some[] = { 0, 1, 2, 4, 5 };
	struct mrule		v[NRULES];
	unsigned int		i;
	size_t			a;
	int			n;

	for (i = 0; i < npatterns; i++) {
		v[0].allow = 1;
		v[0].actions = v[1].actions = 15;
		v[0].pat = &patterns[i];
		v[1].allow = 0;
		v[1].pat = &patterns[rnd(npatterns)];
		pattern_case(v, 1, some[rnd(5)]);
		pattern_case(v, 2, some[rnd(5)]);
	}
	for (i = 0; i < 1000; i++) {
		n = rules_draw(v);
		for (a = 0; a < (size_t)n; a++)
			if (v[a].pat->match == ANYURI)
				v[a].pat = &patterns[0];
		pattern_case(v, n, some[rnd(5)]);
	}
	printf("ok - a pattern is allowed if all it can match is\n");
}

/* -- what is reserved --------------------------------------------------- */

/* Rules, and all of them but those with a role also as patterns. */
static const struct pattern	w_pats[] = {
	{ "", MATCH_PREFIX }, { "wa", MATCH_PREFIX },
	{ "wamp", MATCH_PREFIX }, { "wamp.", MATCH_PREFIX },
	{ "wamp.a", MATCH_PREFIX }, { "wamp.a.", MATCH_PREFIX },
	{ "wamp.ab.", MATCH_PREFIX }, { "wampum.", MATCH_PREFIX },
	{ "a.", MATCH_PREFIX }, { "wamp.a", MATCH_EXACT },
	{ "wamp", MATCH_EXACT }, { "a.b", MATCH_EXACT },
	{ "wamp.a.b", MATCH_EXACT }, { "wamp..b", MATCH_WILDCARD },
	{ "wamp.", MATCH_WILDCARD }, { "wamp..", MATCH_WILDCARD },
	{ ".a", MATCH_WILDCARD }, { "..b", MATCH_WILDCARD },
	{ ".a.", MATCH_WILDCARD }, { "wampum..b", MATCH_WILDCARD },
	{ "{authrole}.a", MATCH_EXACT }, { "{authrole}.a.", MATCH_PREFIX },
	{ "", ANYURI }
};
#define NWPATS	(sizeof(w_pats) / sizeof(w_pats[0]))
#define NWURIS	2800

static char		w_uris[NWURIS][32];
static unsigned int	nwuris;
static uint8_t		w_sets[NWPATS][NWURIS];	/* who matches what */

static void
w_uris_make(const char *before, unsigned int depth)
{
	static const char *const	comps[] = {
		"wamp", "wampum", "wampb", "wax", "a", "b", "ab"
	};
	char				buf[32];
	size_t				i;

	for (i = 0; i < sizeof(comps) / sizeof(comps[0]); i++) {
		snprintf(buf, sizeof(buf), "%s%s", before, comps[i]);
		strlcpy(w_uris[nwuris++], buf, sizeof(w_uris[0]));
		strlcat(buf, ".", sizeof(buf));
		if (depth < 4)
			w_uris_make(buf, depth + 1);
	}
}

static int
w_is_reserved(const char *u)
{
	return (strcmp(u, "wamp") == 0 || strncmp(u, "wamp.", 5) == 0);
}

/* The role's name is "wamp". */
static void
w_sets_make(void)
{
	struct pattern	with;
	unsigned int	i, u;

	for (i = 0; i < NWPATS; i++) {
		with = w_pats[i];
		if (strncmp(with.text, "{authrole}", 10) == 0)
			snprintf(with.text, sizeof(with.text), "wamp%s",
			    w_pats[i].text + 10);
		for (u = 0; u < nwuris; u++)
			w_sets[i][u] = (uint8_t)m_matches(&with, w_uris[u],
			    0);
	}
}

/* Does the rule have a say there at all? */
static int
w_counts(const struct mrule *r, unsigned int action, int is_reserved)
{
	if ((r->actions & ACTION_META) != 0)
		return (is_reserved && (r->actions & ACTION_META_READ) != 0);
	return ((r->actions & action) != 0 && (!is_reserved ||
	    strncmp(r->pat->text, "wamp.", 5) == 0));
}

static int
w_decide(const struct mrule *v, int n, unsigned int action, unsigned int u)
{
	int	i, last = 0;

	for (i = 0; i < n; i++)
		if (w_counts(&v[i], action, w_is_reserved(w_uris[u])) &&
		    w_sets[v[i].pat - w_pats][u])
			last = i + 1;
	return (last);
}

/* Of what it can match, only what it is for. */
static int
w_may_pattern(const struct mrule *v, int n, unsigned int action,
    const struct pattern *p)
{
	const uint8_t	*mine = w_sets[p - w_pats], *rule;
	int		 i, meets, covers, is_reserved;
	unsigned int	 u;

	is_reserved = p->match == MATCH_PREFIX ?
	    strncmp(p->text, "wamp.", 5) == 0 : w_is_reserved(p->text);
	for (i = n; i > 0; i--) {
		if (!w_counts(&v[i - 1], action, is_reserved))
			continue;
		rule = w_sets[v[i - 1].pat - w_pats];
		meets = 0;
		covers = 1;
		for (u = 0; u < nwuris; u++) {
			if (w_is_reserved(w_uris[u]) != is_reserved ||
			    !mine[u])
				continue;
			meets |= rule[u];
			covers &= rule[u];
		}
		if (v[i - 1].allow ? covers : meets)
			return (v[i - 1].allow);
	}
	return (0);
}

static void
w_draw(struct mrule *v, int n)
{
	int	i;

	for (i = 0; i < n; i++) {
		v[i].allow = rnd(3) > 0;
		v[i].actions = 1 + rnd(15);
		v[i].pat = &w_pats[rnd(NWPATS)];
		if (rnd(4) == 0) {
			v[i].actions = (1 + rnd(3)) << 4;
			v[i].pat = &w_pats[NWPATS - 1];		/* any URI */
		}
	}
}

static void
w_case(void)
{
	struct mrule		 v[NRULES];
	struct conf		*conf = conf_new();
	struct rules		*r;
	const struct conf_rule	*ru;
	struct uri		 u, who = mk("a");
	unsigned int		 i, action = 1U << rnd(2);
	int			 got, want, n = (int)rnd(NRULES + 1);

	w_draw(v, n);
	r = rules_new(role_make(conf_add_realm(conf, "r", 1), "wamp", v, n),
	    URI_LOOSE);
	for (i = 0; i < nwuris; i++) {
		u = mk(w_uris[i]);
		ru = rules_decide(r, action, &u, &who);
		got = ru != NULL ? ru->line : 0;
		want = w_decide(v, n, action, i);
		if (got != want) {
			show(v, n);
			errx(1, "action %x \"%s\": got rule %d, want %d",
			    action, u.p, got, want);
		}
	}
	for (i = 0; i < NWPATS; i++) {
		if (w_pats[i].match == ANYURI || w_pats[i].text[0] == '{')
			continue;
		u = mk(w_pats[i].text);
		ru = rules_decide_pattern(r, action, &u,
		    (enum uri_match)w_pats[i].match, &who);
		got = ru != NULL && ru->allow;
		want = w_may_pattern(v, n, action, &w_pats[i]);
		if (got != want) {
			show(v, n);
			errx(1, "action %x pattern \"%s\" match %d: got %d, "
			    "want %d", action, u.p, w_pats[i].match, got,
			    want);
		}
	}
	rules_free(r);
	conf_free(conf);
}

static void
meta_classes(void)
{
	static const struct {
		const char	*uri;
		unsigned int	 action, want;
	} t[] = {
		{ "wamp.session.kill", ACTION_CALL, ACTION_META_WRITE },
		{ "wamp.session.kill", ACTION_SUBSCRIBE, ACTION_META_READ },
		{ "wamp.session.kill_by_authid", ACTION_CALL,
		    ACTION_META_WRITE },
		{ "wamp.session.kills", ACTION_CALL, ACTION_META_READ },
		{ "wamp.session.modify_details", ACTION_CALL,
		    ACTION_META_WRITE },
		{ "wamp.session.add_testament", ACTION_CALL, 0 },
		{ "wamp.subscription.get_events", ACTION_CALL, 0 },
		{ "wamp.session.list", ACTION_CALL, ACTION_META_READ },
		{ "wamp", ACTION_CALL, ACTION_META_READ },
	};
	struct uri	u;
	size_t		i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		u = mk(t[i].uri);
		if (rules_meta_class(t[i].action, &u) != t[i].want)
			errx(1, "%s: class %x, want %x", t[i].uri,
			    rules_meta_class(t[i].action, &u), t[i].want);
	}
}

static void
reserved(void)
{
	int	i;

	w_uris_make("", 1);
	w_sets_make();
	meta_classes();
	for (i = 0; i < 300; i++)
		w_case();
	printf("ok - below wamp. only meta rules count, and those of it\n");
}

/* -- many rules ---------------------------------------------------------- */

#define NMANY	500

/* Nodes with many edges of each kind, and prefixes of prefixes. */
static void
many_rules(void)
{
	static const struct {
		const char	*text;
		int		 match;
	} forms[] = {
		{ "m.n%u", MATCH_EXACT }, { "m.n%u.", MATCH_PREFIX },
		{ "m..n%u", MATCH_WILDCARD },
		{ "m.k{authid}%u.", MATCH_PREFIX },
		{ "m.n%u..x", MATCH_WILDCARD },
		{ "m.{authid}.n%u", MATCH_EXACT },
		{ "m.a{authid}.n%u", MATCH_EXACT }, { "n%u", MATCH_PREFIX }
	};
	static const char *const	tries[] = {
		"m.n%u", "m.n%u.x", "m.z.n%u", "m.ka%u.b", "m.n%u.a.x",
		"m.a.n%u", "m.aa.n%u", "n%u.q", "m.kb%u.b", "m.z%u"
	};
	static struct pattern		pats[NMANY];
	static struct mrule		v[NMANY];
	struct conf			*conf = conf_new();
	const struct conf_rule		*ru;
	struct rules			*r;
	struct uri			 u, who;
	char				 buf[64];
	unsigned int			 i, f, action;
	size_t				 a;
	int				 want;

	for (i = 0; i < NMANY; i++) {
		f = rnd(sizeof(forms) / sizeof(forms[0]));
		snprintf(pats[i].text, sizeof(pats[i].text), forms[f].text,
		    rnd(100));
		pats[i].match = forms[f].match;
		v[i] = (struct mrule){ rnd(3) > 0, 1 + rnd(15), &pats[i] };
	}
	r = rules_new(role_make(conf_add_realm(conf, "r", 1), "role", v,
	    NMANY), URI_LOOSE);
	for (i = 0; i < 3000; i++) {
		snprintf(buf, sizeof(buf), tries[rnd(sizeof(tries) /
		    sizeof(tries[0]))], rnd(100));
		a = rnd(6);
		action = 1U << rnd(4);
		u = mk(buf);
		who = mk(authids[a].text);
		ru = rules_decide(r, action, &u, &who);
		want = m_decide(v, NMANY, action, buf, a);
		if (want != (ru != NULL ? ru->line : 0))
			errx(1, "%s authid \"%s\": got rule %d, want %d", buf,
			    who.p, ru != NULL ? ru->line : 0, want);
	}
	rules_free(r);
	conf_free(conf);
	printf("ok - the last of many rules decides\n");
}

/* -- sessions and what is remembered ------------------------------------ */

#define NROLES		6
#define NSESSIONS	40

static struct {
	struct conf	*conf;
	struct role	 role;
	struct mrule	 v[NRULES];
	int		 n;
} roles[NROLES];

static void
role_reload(unsigned int i)
{
	static struct realm	 realm = { .rules = URI_LOOSE };
	struct conf		*old = roles[i].conf;
	struct conf_realm	*cr;

	roles[i].conf = conf_new();
	cr = conf_add_realm(roles[i].conf, "r", 1);
	roles[i].n = rules_draw(roles[i].v);
	authz_load(&realm, &roles[i].role, role_make(cr, "role", roles[i].v,
	    roles[i].n));
	conf_free(old);
}

/* The same text as a URI and as patterns: one is not taken for another. */
static void
pattern_action(struct session *s, unsigned int action, const struct uri *u)
{
	enum uri_match		 match = rnd(2) ? MATCH_PREFIX : MATCH_WILDCARD;
	const struct conf_rule	*ru;
	int			 got, want;

	ru = rules_decide_pattern(s->role->rules, action, u, match,
	    &s->authid);
	want = ru != NULL && ru->allow;
	got = authz_check(s, action, match, u) == AUTHZ_ALLOW;
	if (got != want)
		errx(1, "action %x pattern \"%.*s\" match %d: got %d, want "
		    "%d", action, (int)u->len, u->p, (int)match, got, want);
}

static void
random_actions(unsigned long steps)
{
	static struct session	 sessions[NSESSIONS];
	struct session		*s;
	struct uri		 u;
	unsigned long		 i;
	unsigned int		 ro, action, gone = 0;
	size_t			 a;
	int			 got, want;

	for (i = 0; i < NROLES; i++)
		role_reload((unsigned int)i);
	for (i = 0; i < steps; i++) {
		if (rnd(500) == 0) {
			ro = rnd(NROLES);
			role_reload(ro);
		}
		a = rnd(NAUTHIDS);
		ro = rnd(NROLES);
		s = &sessions[rnd(NSESSIONS)];
		s->role = &roles[ro].role;
		s->authid = mk(authids[a].text);
		s->authid_hash = hash_bytes(s->authid.p, s->authid.len);
		action = 1U << rnd(4);
		u = mk(uris[rnd(rnd(2) ? 60 : nuris)]);
		if (rnd(4) == 0) {
			pattern_action(s, action, &u);
			continue;
		}
		got = authz_check(s, action, MATCH_EXACT, &u) ==
		    AUTHZ_ALLOW;
		want = m_decide(roles[ro].v, roles[ro].n, action, u.p, a);
		want = want > 0 && roles[ro].v[want - 1].allow;
		if (got != want) {
			show(roles[ro].v, roles[ro].n);
			errx(1, "step %lu: action %x \"%s\" authid \"%s\": "
			    "got %d, want %d", i, action, u.p,
			    authids[a].text, got, want);
		}
	}
	for (ro = 0; ro < NROLES; ro++) {
		authz_free(&roles[ro].role);
		conf_free(roles[ro].conf);
		s = &sessions[0];
		s->role = &roles[ro].role;
		for (i = 0; i < nuris; i++) {
			u = mk(uris[i]);
			gone += authz_check(s, 1, MATCH_EXACT, &u) !=
			    AUTHZ_DENY;
		}
	}
	if (gone > 0)
		errx(1, "a role that is gone allows");
	printf("ok - %lu random actions are allowed and denied as the model "
	    "says\n", steps);
}

/* -- authids ------------------------------------------------------------ */

/* Nobody gets by {authid} what has not his authid where it stands. */
static void
no_authid_widens(void)
{
	static const struct pattern	pats[] = {
		{ "u.{authid}.", MATCH_PREFIX },
		{ "u.{authid}", MATCH_EXACT },
		{ "u.{authid}..x", MATCH_WILDCARD },
		{ "u.{authid}.{authid}", MATCH_WILDCARD },
	};
	struct conf			*conf = conf_new();
	struct conf_realm		*realm = conf_add_realm(conf, "r", 1);
	const struct conf_rule		*ru;
	struct mrule			 v[4];
	struct rules			*r;
	struct uri			 u, who;
	char				 buf[512];
	size_t				 i, a, b, end;
	int				 n = 0;

	for (i = 0; i < 4; i++)
		v[i] = (struct mrule){ 1, 15, &pats[i] };
	r = rules_new(role_make(realm, "role", v, 4), URI_LOOSE);
	for (a = 0; a < NAUTHIDS; a++) {
		for (b = 0; b < NAUTHIDS; b++) {
			for (i = 0; i < 4; i++) {
				snprintf(buf, sizeof(buf), i == 0 ? "u.%s.t" :
				    i == 1 ? "u.%s" : i == 2 ? "u.%s.y.x" :
				    "u.%1$s.%1$s", authids[b].text);
				u = mk(buf);
				if (!uri_is_valid(&u, URI_LOOSE))
					continue;
				who = mk(authids[a].text);
				ru = rules_decide(r, 1, &u, &who);
				end = uri_component_end(&u, 2);
				if ((ru != NULL) != (authids[a].is_usable &&
				    end - 2 == who.len &&
				    memcmp(buf + 2, who.p, who.len) == 0))
					errx(1, "authid \"%s\" and \"%s\"",
					    authids[a].text, buf);
				n++;
			}
		}
	}
	if (n < 100)
		errx(1, "only %d authids", n);
	rules_free(r);
	conf_free(conf);
	printf("ok - no authid widens a rule\n");
}

/* An authid that fits loose URIs only is of no use in a strict realm. */
static void
strict_authids(void)
{
	static const struct pattern	pat = { "u.{authid}.", MATCH_PREFIX };
	struct mrule			v[2] = { { 1, 15, &pat },
					    { 0, 2, &pat } };
	struct conf			*conf = conf_new();
	struct rules			*r;
	const struct conf_rule		*ru;
	struct uri			 u = mk("u.Al.t"), who = mk("Al");

	r = rules_new(role_make(conf_add_realm(conf, "r", 1), "role", v, 2),
	    URI_STRICT);
	if (rules_decide(r, 1, &u, &who) != NULL)
		errx(1, "strict: a loose authid is put in");
	u = mk("u.other.t");
	ru = rules_decide(r, 2, &u, &who);
	if (ru == NULL || ru->allow)
		errx(1, "strict: a loose authid escapes a rule that denies");
	if (rules_decide(r, 2, &u, NULL) != ru)
		errx(1, "no authid at all");
	rules_free(r);
	conf_free(conf);
	printf("ok - the realm's rules hold for authids\n");
}

/* -- what rules may look like ------------------------------------------- */

static void
checks(void)
{
	static const struct {
		const char	*uri, *role;
		int		 match, rules;
		enum ruleuri	 want;
	} t[] = {
		{ "com.{authid}", "x", MATCH_EXACT, URI_LOOSE, RULEURI_OK },
		{ "com.{authid}", "x", MATCH_EXACT, URI_STRICT, RULEURI_OK },
		{ "a{authid}b.{authrole}c", "x", MATCH_EXACT, URI_STRICT,
		    RULEURI_OK },
		{ "{authid}.", "x", MATCH_PREFIX, URI_LOOSE, RULEURI_OK },
		{ "{authid}", "x", MATCH_PREFIX, URI_LOOSE, RULEURI_PREFIX },
		{ "a.{authid}-", "x", MATCH_PREFIX, URI_LOOSE,
		    RULEURI_PREFIX },
		{ "{authid}.{authid}", "x", MATCH_PREFIX, URI_LOOSE,
		    RULEURI_PREFIX },
		{ "a.{authrole}", "x", MATCH_PREFIX, URI_LOOSE, RULEURI_OK },
		{ "a{authid}{authid}.", "x", MATCH_PREFIX, URI_LOOSE,
		    RULEURI_TWICE },
		{ "a{authid}.{authid}.", "x", MATCH_PREFIX, URI_LOOSE,
		    RULEURI_OK },
		{ "a..{authid}", "x", MATCH_WILDCARD, URI_LOOSE, RULEURI_OK },
		{ "a..{authid}", "x", MATCH_EXACT, URI_LOOSE,
		    RULEURI_PATTERN },
		{ "a.{authrole}", "x.y", MATCH_EXACT, URI_LOOSE,
		    RULEURI_ROLE },
		{ "a.{authrole}", "#", MATCH_EXACT, URI_LOOSE, RULEURI_ROLE },
		{ "a.{authrole}", "X", MATCH_EXACT, URI_STRICT,
		    RULEURI_ROLE },
		{ "a.{authrole}", "{authid}", MATCH_EXACT, URI_LOOSE,
		    RULEURI_OK },
		{ "a.{other}", "x", MATCH_EXACT, URI_LOOSE, RULEURI_BRACE },
		{ "a.{authid", "x", MATCH_EXACT, URI_LOOSE, RULEURI_BRACE },
		{ "a.{{authid}}", "x", MATCH_EXACT, URI_LOOSE,
		    RULEURI_BRACE },
		{ "a.#", "x", MATCH_EXACT, URI_LOOSE, RULEURI_PATTERN },
		{ "a.\377", "x", MATCH_EXACT, URI_LOOSE, RULEURI_UTF8 },
	};
	struct uri	u;
	size_t		i;
	enum ruleuri	got;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		u = mk(t[i].uri);
		got = ruleuri_check(&u, (enum uri_match)t[i].match,
		    (enum uri_rules)t[i].rules, t[i].role);
		if (got != t[i].want)
			errx(1, "\"%s\" role \"%s\": got %d, want %d",
			    t[i].uri, t[i].role, (int)got, (int)t[i].want);
	}
	printf("ok - placeholders of rules\n");
}

/* The role's name is put in once, and is no placeholder itself. */
static void
roles_put_in(void)
{
	static const struct pattern	pat = { "r.{authrole}", MATCH_EXACT };
	struct mrule			v[1] = { { 1, 15, &pat } };
	static const struct {
		const char	*role, *uri;
		int		 want;
	} t[] = {
		{ "dev", "r.dev", 1 }, { "dev", "r.a", 0 },
		{ "dev", "r.{authrole}", 0 },
		{ "{authid}", "r.a", 0 }, { "{authid}", "r.{authid}", 1 },
	};
	struct conf	*conf;
	struct rules	*r;
	struct uri	 u, who = mk("a");
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		conf = conf_new();
		r = rules_new(role_make(conf_add_realm(conf, "r", 1),
		    t[i].role, v, 1), URI_LOOSE);
		u = mk(t[i].uri);
		if ((rules_decide(r, 1, &u, &who) != NULL) != t[i].want)
			errx(1, "role %s, %s: want %d", t[i].role, t[i].uri,
			    t[i].want);
		rules_free(r);
		conf_free(conf);
	}
	printf("ok - the role's name is put in\n");
}

int
main(void)
{
	const char	*steps = getenv("AUTHZ_STEPS");
	const char	*s = getenv("AUTHZ_SEED");

	if (s != NULL)
		seed = strtoull(s, NULL, 10);
	hash_init();
	if (authz_init() == -1)
		err(1, NULL);
	uris_make("", 1);
	patterns_make("", 1);
	sets_make();
	checks();
	roles_put_in();
	no_authid_widens();
	strict_authids();
	many_rules();
	all_patterns();
	reserved();
	random_actions(steps != NULL ? strtoul(steps, NULL, 10) : 1000000);
	return (0);
}
