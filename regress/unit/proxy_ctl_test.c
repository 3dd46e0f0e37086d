/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a real tlsproxy answers to wampctl: its connections, each once,
 * though others come and go between two answers; what the fields say; and
 * its memory.
 */
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "ctlplay.h"
#include "proxy_play.h"

#define MANY	300

static struct client	many[MANY];

static struct conf *
conf_make(void)
{
	struct conf	*c = pconf_new();

	c->limits.per_address = 1000;
	c->limits.connections = 1000;
	pconf_listen(c, 0, 0);
	return (c);
}

/* The tlsproxy may see the end of a connection later. */
static void
want_connections(uint64_t n)
{
	int	i;

	for (i = 0; i < 2000; i++) {
		ctl_all(&pp, CTL_CONNECTIONS, 0, 0, NULL);
		if (ctl_n == n)
			return;
	}
	errx(1, "%u connections, want %llu", ctl_n, (unsigned long long)n);
}

static void
fields(void)
{
	static struct client	raw, ws, begun, asks;
	struct m_subscribe	sub;
	struct got		g;
	char			args[1024];
	int			i;

	client_connect(&begun, 0);
	client_open_ws(&ws, 0, SER_CBOR);
	client_open(&asks, 0, SER_JSON, 15);
	hello(&asks, 2);
	/* takes messages of 512 octets */
	client_open(&raw, 0, SER_JSON, 0);
	hello(&raw, 1);
	send_open(&raw);
	client_want_like(&raw, "[2,");
	want_connections(4);
	for (i = 0; i < 4; i++)
		if (ctl_num((unsigned int)i, "proxy") != 0 ||
		    ctl_num((unsigned int)i, "connection") !=
		    (uint64_t)i + 1 ||
		    strncmp(ctl_text((unsigned int)i, "address"),
		    "127.0.0.1:", 10) != 0 ||
		    !ctl_is((unsigned int)i, "listener", "0") ||
		    !ctl_is((unsigned int)i, "tls", "") ||
		    !ctl_is((unsigned int)i, "cipher", "") ||
		    ctl_num((unsigned int)i, "idle_ms") > 3600000 ||
		    strncmp(ctl_text((unsigned int)i, "since"), "20", 2) != 0)
			errx(1, "connection %d is told otherwise", i);
	if (!ctl_is(0, "state", "begun") || !ctl_is(0, "transport", "") ||
	    !ctl_is(0, "serializer", "") || ctl_num(0, "session") != 0)
		errx(1, "one that has said nothing is told otherwise");
	if (!ctl_is(1, "state", "open") ||
	    !ctl_is(1, "transport", "websocket") ||
	    !ctl_is(1, "serializer", "cbor"))
		errx(1, "a WebSocket is told otherwise");
	if (!ctl_is(2, "state", "authenticating") ||
	    !ctl_is(2, "transport", "rawsocket") ||
	    ctl_num(2, "session") != 0 || ctl_num(2, "slot") != asks.slot ||
	    !ctl_is(2, "authid", ""))
		errx(1, "one that logs in is told otherwise");
	if (!ctl_is(3, "state", "joined") ||
	    !ctl_is(3, "serializer", "json") ||
	    ctl_num(3, "session") != raw.id ||
	    ctl_num(3, "slot") != raw.slot || !ctl_is(3, "realm", "realm1") ||
	    !ctl_is(3, "authid", "alice") || !ctl_is(3, "authrole", "user") ||
	    ctl_num(3, "queued") != 0 || ctl_num(3, "buffered") != 0 ||
	    ctl_num(3, "slow") != 0 || ctl_num(3, "paused") != 0 ||
	    ctl_num(3, "limited") != 0 || ctl_num(3, "dropped_events") != 0)
		errx(1, "a session's is told otherwise");
	pp_ok("connections and their fields");

	ctl_all(&pp, CTL_CONNECTIONS, 0, raw.id, NULL);
	if (ctl_n != 1 || ctl_num(0, "session") != raw.id)
		errx(1, "%u connections of a session", ctl_n);
	ctl_all(&pp, CTL_CONNECTIONS, 1, 0, "alice");
	if (ctl_n != 1)
		errx(1, "%u connections of alice", ctl_n);
	ctl_all(&pp, CTL_CONNECTIONS, 2, 0, NULL);
	if (ctl_n != 0)
		errx(1, "%u connections of another realm", ctl_n);
	ctl_all(&pp, CTL_CONNECTIONS, 0, 0, "alic");
	if (ctl_n != 0)
		errx(1, "%u connections of alic", ctl_n);
	pp_ok("those of a session, a realm, an authid");

	client_say(&raw, "[32,1,{},\"t\"]");
	side_want(raw.b, IMSG_SUBSCRIBE, &g, sizeof(sub));
	send_subscribed(&raw, 1, 77);
	client_want(&raw, "[33,1,77]");
	snprintf(args, sizeof(args), "[\"%0600d\"]", 0);
	send_event(&raw, 77, 1, NULL, args);
	side_send(raw.b, IMSG_XOFF, raw.slot, raw.gen, NULL, 0, NULL, 0);
	pp_sync();
	ctl_all(&pp, CTL_CONNECTIONS, 0, raw.id, NULL);
	if (ctl_n != 1 || ctl_num(0, "paused") != 1 ||
	    ctl_num(0, "dropped_events") != 1)
		errx(1, "a client that is not read is told otherwise");
	side_send(raw.b, IMSG_XON, raw.slot, raw.gen, NULL, 0, NULL, 0);
	pp_ok("one that is not read, and had an event too long for it");
	client_close(&begun);
	client_close(&ws);
	client_close(&asks);
	side_want(&keeper, IMSG_AUTH_CANCEL, &g, 0);
	send_deny(&asks, WERR_NO_SUCH_ROLE, "");
	leave(&raw);
	client_close(&raw);
	want_connections(0);
}

static int
once(uint64_t number)
{
	unsigned int	i, n = 0;

	for (i = 0; i < ctl_n; i++)
		n += ctl_num(i, "connection") == number;
	if (n > 1)
		errx(1, "connection %llu is told %u times",
		    (unsigned long long)number, n);
	return (n == 1);
}

static void
change(void)
{
	static struct client	late[10];
	static uint8_t		is_gone[MANY];
	uint64_t		first;
	unsigned int		i, n;

	for (i = 0; i < MANY; i++)
		client_open(&many[i], 0, SER_JSON, 15);
	want_connections(MANY);
	first = ctl_num(0, "connection");
	for (i = 0; i < MANY; i++)
		if (!once(first + i))
			errx(1, "connection %u of %d is not told", i, MANY);
	ctl_ask(&pp, CTL_CONNECTIONS, 0, 0, NULL);
	if (ctl_n < 10 || ctl_n >= MANY)
		errx(1, "%u connections in an answer", ctl_n);
	/* the one told last, those behind it, and the last of all */
	for (i = ctl_n - 1; i < ctl_n + 10; i++)
		is_gone[i] = 1;
	is_gone[MANY - 1] = 1;
	for (i = n = 0; i < MANY; i++)
		if (is_gone[i]) {
			client_close(&many[i]);
			n++;
		}
	for (i = 0; pp.nconns != MANY - n; i++) {
		if (i == 2000)
			errx(1, "%u connections are left", pp.nconns);
		play_sync(&pp);
	}
	for (i = 0; i < 10; i++)
		client_open(&late[i], 0, SER_JSON, 15);
	while (ctl_more(&pp))
		;
	if (ctl_answers < 3 || ctl_lost)
		errx(1, "%u answers", ctl_answers);
	for (i = 0; i < MANY; i++)
		if (!once(first + i) && !is_gone[i])
			errx(1, "connection %u is not told", i);
	/* those that came later are not met */
	if (ctl_num(ctl_n - 1, "connection") >= first + MANY)
		errx(1, "a connection that came later is told");
	/* all end in the middle */
	ctl_ask(&pp, CTL_CONNECTIONS, 0, 0, NULL);
	for (i = 0; i < MANY; i++)
		if (!is_gone[i])
			client_close(&many[i]);
	for (i = 0; i < 10; i++)
		client_close(&late[i]);
	for (i = 0; pp.nconns != 0; i++) {
		if (i == 2000)
			errx(1, "%u connections are left", pp.nconns);
		play_sync(&pp);
	}
	while (ctl_more(&pp))
		;
	if (ctl_answers != 2)
		errx(1, "%u answers of what is gone", ctl_answers);
	pp_ok("connections that come and go between answers");
}

static void
memory(void)
{
	struct client	c;
	int		i;

	memset(&c, 0, sizeof(c));
	join(&c, 0, 1);
	ctl_all(&pp, CTL_MEMORY, 0, 0, NULL);
	if ((i = ctl_find_text("what", "connections")) == -1 ||
	    !ctl_is((unsigned int)i, "process", "tlsproxy") ||
	    ctl_num((unsigned int)i, "count") != 1)
		errx(1, "the connections are told otherwise");
	if ((i = ctl_find_text("what", "objects")) == -1 ||
	    ctl_num((unsigned int)i, "octets") == 0 ||
	    ctl_find_text("what", "payloads") == -1 ||
	    ctl_find_text("peer", "parent") == -1 ||
	    ctl_find_text("peer", "keeper") == -1 ||
	    (i = ctl_find_text("peer", "broker")) == -1 ||
	    !ctl_is((unsigned int)i + 1, "peer", "broker") ||
	    ctl_num((unsigned int)i + 1, "peer_instance") != 1)
		errx(1, "the memory is told otherwise");
	leave(&c);
	client_close(&c);
	side_quiet(&keeper);
	pp_ok("memory");

	ctl_ask(&pp, CTL_SESSIONS, 0, 0, NULL);
	if (!ctl_lost || ctl_n != 0)
		errx(1, "a tlsproxy tells of sessions");
	pp_ok("a word that is not for it");
}

/* The parent's nonsense ends it; before a configuration it knows nothing. */
static void
nonsense(void)
{
	static struct m_ctl_query	q = { .query = 1,
					    .what = CTL_CONNECTIONS };
	struct play			p;
	int				status;

	play_start(&p, PROC_TLSPROXY, "tlsproxy");
	play_ask(&p, &q, "");
	if (!p.answer.is_lost)
		errx(1, "a tlsproxy without a configuration tells something");
	q.authidlen = 7;
	chan_send(p.chan, IMSG_CTL_QUERY, 0, 0, &q, sizeof(q));
	status = play_wait(&p);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
		errx(1, "nonsense: status 0x%x", status);
	pp_ok("the parent's nonsense ends it");
}

int
main(void)
{
	pp_start(PROXY_NET, conf_make());
	fields();
	change();
	memory();
	pp_stop();
	nonsense();
	return (0);
}
