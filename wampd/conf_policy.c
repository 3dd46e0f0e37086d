/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a realm and its roles have beside who may join and what they may do:
 * how many sessions, who is disclosed to whom, how long calls may take, what becomes of slow
 * consumers, which events are kept.
 */
#include <string.h>

#include "parse.h"
#include "wamp.h"
#include "xmalloc.h"

#define DAY	(24 * 3600 * 1000)

/* -- realm and role ----------------------------------------------------- */

static void
disclose(uint64_t *seen, unsigned int whom, int mode, uint8_t *publisher,
    uint8_t *caller)
{
	if ((whom & ACTION_PUBLISH) != 0 &&
	    parse_once(seen, ONCE_PUBLISHER, "disclose publisher"))
		*publisher = (uint8_t)mode;
	if ((whom & ACTION_CALL) != 0 &&
	    parse_once(seen, ONCE_CALLER, "disclose caller"))
		*caller = (uint8_t)mode;
}

/* whom: by what they do, ACTION_PUBLISH and ACTION_CALL */
void
realm_disclose(unsigned int whom, int mode)
{
	disclose(&parser.blockseen, whom, mode,
	    &parser.realm->disclose_publisher,
	    &parser.realm->disclose_caller);
}

void
role_disclose(unsigned int whom, int mode)
{
	disclose(&parser.roleseen, whom, mode,
	    &parser.role->disclose_publisher, &parser.role->disclose_caller);
}

void
role_trust(const char *level)
{
	uint64_t	n;

	if (!parse_once(&parser.roleseen, ONCE_TRUST, "trust level") ||
	    get_number("trust level", level, 0, UINT16_MAX, &n) == -1)
		return;
	parser.role->trust = (uint16_t)n;
	parser.role->has_trust = 1;
}

/* Either may be NULL. */
void
realm_call_timeout(const char *timeout, const char *max)
{
	struct conf_realm	*r = parser.realm;
	int			 bad = 0;

	if (!parse_once(&parser.blockseen, ONCE_CALL_TIMEOUT, "call timeout"))
		return;
	if (timeout != NULL)
		bad |= get_time("call timeout", timeout, 1, DAY,
		    &r->call_timeout);
	if (max != NULL)
		bad |= get_time("call timeout max", max, 1, DAY,
		    &r->call_timeout_max);
	if (!bad && max != NULL && r->call_timeout > r->call_timeout_max)
		conf_error("call timeout %s: is longer than max %s",
		    parse_shown(timeout), parse_shown(max));
}

void
realm_slow_consumer(int disconnects)
{
	if (parse_once(&parser.blockseen, ONCE_SLOW_CONSUMER, "slow consumer"))
		parser.realm->disconnects = (uint8_t)disconnects;
}

void
realm_sessions(const char *text)
{
	uint64_t	n;

	if (parse_once(&parser.blockseen, ONCE_SESSIONS, "sessions") &&
	    get_number("sessions", text, 1, CONF_MAXSESSIONS, &n) == 0)
		parser.realm->sessions = (uint32_t)n;
}

/* -- events that are kept ----------------------------------------------- */

void
retain_begin(void)
{
	parse_once(&parser.blockseen, ONCE_RETAIN, "retain");
}

void
retain_never(void)
{
	retain_begin();
	parser.realm->retain.is_off = 1;
}

static void
retain_number(enum once o, const char *what, const char *text, uint64_t min,
    uint64_t max, uint64_t *n)
{
	if (parse_once(&parser.blockseen, o, what))
		get_number(what, text, min, max, n);
}

void
retain_topics(const char *text)
{
	struct conf_retain	*k = &parser.realm->retain;
	uint64_t		 n = k->topics;

	retain_number(ONCE_RETAIN_TOPICS, "topics", text, 1, 1000000, &n);
	k->topics = (uint32_t)n;
}

void
retain_memory(const char *text)
{
	retain_number(ONCE_RETAIN_MEMORY, "memory", text, 4096, 1ULL << 40,
	    &parser.realm->retain.memory);
}

void
retain_message(const char *text)
{
	struct conf_retain	*k = &parser.realm->retain;
	uint64_t		 n = k->message;

	retain_number(ONCE_RETAIN_MESSAGE, "message", text, 1,
	    16 * 1024 * 1024, &n);
	k->message = (uint32_t)n;
}

/* A default that is too much for what was given is no error of anybody. */
void
retain_end(void)
{
	struct conf_retain	*k = &parser.realm->retain;

	if (k->message <= k->memory)
		return;
	if ((parser.blockseen & (1ULL << ONCE_RETAIN_MESSAGE)) == 0)
		k->message = (uint32_t)k->memory;
	else
		conf_error("retain: message is larger than memory: such an "
		    "event could never be kept");
}

void
history_begin(void)
{
	parse_once(&parser.blockseen, ONCE_HISTORY, "history");
	parser.topic = NULL;
}

void
history_topic(int match, const char *uri)
{
	struct conf_realm	*r = parser.realm;
	struct conf_topic	*t;

	TAILQ_FOREACH(t, &r->history.topics, entry)
		if (t->match == match && strcmp(t->uri, uri) == 0)
			conf_error("topic %s: has a line already at %s:%d",
			    parse_shown(uri), t->file, t->line);
	if (r->history.ntopics == CONF_MAXTOPICS)
		conf_error("more than %d topics in a history",
		    CONF_MAXTOPICS);
	t = conf_add_topic(r, uri, strlen(uri));
	t->match = (uint8_t)match;
	t->file = parser.file;
	t->line = parser.line;
	parser.topic = t;
}

void
history_events(const char *text)
{
	uint64_t	n;

	if (get_number("events", text, 1, 1000000, &n) == 0)
		parser.topic->events = (uint32_t)n;
}

void
history_memory(const char *text)
{
	retain_number(ONCE_HISTORY_MEMORY, "memory", text, 4096, 1ULL << 40,
	    &parser.realm->history.memory);
}

void
history_end(void)
{
	if (parser.topic == NULL && !parser.is_blocklost)
		conf_error("history: no topic");
}

/* "uri strict" may come after the history: so it is the realm's end. */
void
history_check(const struct conf_realm *r)
{
	static const char *const	 kinds[MATCH_MAX] = {
		"URI", "prefix", "wildcard pattern"
	};
	const struct conf_topic		*t;
	struct uri			 u;

	TAILQ_FOREACH(t, &r->history.topics, entry) {
		u.p = t->uri;
		u.len = t->urilen;
		if (!uri_is_pattern(&u, (enum uri_match)t->match,
		    r->strict_uris ? URI_STRICT : URI_LOOSE))
			conf_error_at(t->file, t->line, "topic %s: is no %s%s",
			    parse_shown(t->uri), kinds[t->match],
			    r->strict_uris ? " by strict rules" : "");
		else if (!uri_is_utf8(&u))
			conf_error_at(t->file, t->line, "topic %s: is not "
			    "UTF-8", parse_shown(t->uri));
		else if (uri_pattern_is_reserved(&u, (enum uri_match)t->match))
			conf_error_at(t->file, t->line, "topic %s: what is "
			    "below wamp. has no history", parse_shown(t->uri));
	}
}
