/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a real tlsproxy does when somebody is slow, when it holds too much,
 * when there are too many, when it gets another configuration and when it
 * is to end.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "certs.h"
#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "log.h"
#include "mono.h"
#include "proxy_play.h"
#include "xmalloc.h"

#define K	(&keeper)
#define B0	(&brokers[0])
#define B1	(&brokers[1])

#define QUEUE	(256 * 1024)
#define MESSAGE	(128 * 1024)

static struct conf *
conf_small(void)
{
	struct conf	*c = pconf_new();

	pconf_listen(c, 0, LISTEN_INSECURE);
	c->loglevel = LOG_LEVEL_VERBOSE;
	c->limits.queue = QUEUE;
	c->limits.message = MESSAGE;
	return (c);
}

static long
ms_now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000L + ts.tv_nsec / 1000000);
}

/* -- the broker asks for silence ---------------------------------------- */

static void
say_subscribes(struct client *c, int from, int n)
{
	char	msg[64];
	int	i;

	for (i = from; i < from + n; i++) {
		snprintf(msg, sizeof(msg), "[32,%d,{},\"com.example.t\"]", i);
		client_say(c, msg);
	}
}

static void
want_subscribes(struct client *c, int from, int n)
{
	struct m_subscribe	m;
	struct got		g;
	int			i;

	for (i = from; i < from + n; i++) {
		side_want(c->b, IMSG_SUBSCRIBE, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		if (g.slot != c->slot || m.request != (uint64_t)i)
			errx(1, "request %llu of slot %u, want %d of %u",
			    (unsigned long long)m.request, g.slot, i,
			    c->slot);
	}
}

static void
silence(void)
{
	struct client	a, b;
	long		begin;

	join(&a, 0, 1);
	join(&b, 0, 2);
	side_send(B0, IMSG_XOFF, 0, 0, NULL, 0, NULL, 0);
	pp_sync();
	say_subscribes(&a, 1, 2000);
	say_subscribes(&b, 1, 100);
	want_subscribes(&b, 1, 100);
	side_quiet(B0);
	send_subscribed(&a, 1, 5);	/* it writes, though */
	client_want(&a, "[33,1,5]");
	side_send(B0, IMSG_XON, 0, 0, NULL, 0, NULL, 0);
	want_subscribes(&a, 1, 2000);
	side_quiet(B0);
	pp_ok("XOFF: clients of that broker are not read, and XON: are again");

	/* a session that ends meanwhile has its GOODBYE heard */
	side_send(B0, IMSG_XOFF, 0, 0, NULL, 0, NULL, 0);
	pp_sync();
	say_subscribes(&a, 2001, 1);
	pp_sync();
	send_end(&a, WERR_KILLED, "");
	client_want(&a, "[6,{},\"wamp.close.killed\"]");
	want_close(&a, CLOSE_ENDED);
	client_say(&a, "[6,{},\"wamp.close.goodbye_and_out\"]");
	begin = ms_now();
	client_is_closed(&a);
	if (ms_now() - begin > 3000)
		errx(1, "its GOODBYE was not heard");
	/* and the broker's end is the end of the silence */
	side_open(B0, PROC_BROKER, 0);
	join(&a, 0, 1);
	say_subscribes(&a, 1, 10);
	want_subscribes(&a, 1, 10);
	leave(&a);
	leave(&b);
	pp_ok("silence ends with the session or the broker");
}

/* A broker that does not read: its clients are not read either, for long. */
static void
deaf_broker(void)
{
	static char	pay[16 * 1024];
	struct client	a, b;
	struct m_publish m;
	struct got	g;
	struct pollfd	pfd;
	char		msg[sizeof(pay) + 128];
	uint64_t	sent = 0, got;
	size_t		len = 0, off = 0;
	ssize_t		n;
	int		flags;

	join(&a, 0, 1);
	join(&b, 0, 2);
	memset(pay, 'x', sizeof(pay) - 1);
	flags = fcntl(a.fd, F_GETFL);
	fcntl(a.fd, F_SETFL, flags | O_NONBLOCK);
	for (;;) {
		if (off == len) {
			if (sent == 4000)
				errx(1, "64 MB taken, and nobody reads");
			sent++;
			len = 4 + (size_t)snprintf(msg + 4, sizeof(msg) - 4,
			    "[16,%llu,{},\"com.example.t\",[\"%s\"]]",
			    (unsigned long long)sent, pay);
			msg[0] = 0;
			msg[1] = (char)((len - 4) >> 16);
			msg[2] = (char)((len - 4) >> 8);
			msg[3] = (char)(len - 4);
			off = 0;
		}
		n = send(a.fd, msg + off, len - off, MSG_NOSIGNAL);
		if (n > 0) {
			off += (size_t)n;
			continue;
		}
		pfd.fd = a.fd;
		pfd.events = POLLOUT;
		if (poll(&pfd, 1, 1000) == 0)
			break;
	}
	fcntl(a.fd, F_SETFL, flags);
	/* the others do not notice */
	say_subscribes(&b, 1, 10);
	want_subscribes(&b, 1, 10);
	for (got = 1; got <= sent; got++) {
		if (got == sent)	/* the rest of the last one */
			client_write(&a, msg + off, len - off);
		side_want(B0, IMSG_PUBLISH, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		if (m.request != got)
			errx(1, "request %llu, want %llu",
			    (unsigned long long)m.request,
			    (unsigned long long)got);
	}
	leave(&a);
	leave(&b);
	pp_ok("a broker that does not read slows its own clients");
}

/* -- a client that does not read ---------------------------------------- */

static char	body[8192];

static void
body_init(void)
{
	memset(body, 'x', sizeof(body) - 1);
	body[0] = '[';
	body[1] = body[sizeof(body) - 3] = '"';
	body[sizeof(body) - 2] = ']';
}

/* Of what was said of the session: a line with that number in it. */
static int
is_logged(const struct client *c, const char *fmt, unsigned long n)
{
	char	text[128], line[256];

	snprintf(text, sizeof(text), fmt, n);
	snprintf(line, sizeof(line), "session %llu %s",
	    (unsigned long long)c->id, text);
	return (pp_logged(line));
}

static void
slow_client(void)
{
	struct client	a, b;
	struct got	g;
	unsigned long	sent, came;
	int		rv;

	join(&a, 0, 1);
	join(&b, 0, 1);
	send_subscribed(&a, 1, 5);
	send_subscribed(&b, 1, 5);
	client_want(&b, "[33,1,5]");
	for (sent = 0;; sent++) {
		if (sent == 20000)
			errx(1, "no XOFF for a client that does not read");
		send_event(&a, 5, sent + 1, NULL, body);
		client_want_like(&b, "[36,5,");
		if (sent % 8 == 7)
			pp_sync();
		if ((rv = side_next(B0, &g, 0)) == 1)
			break;
		if (rv == -1)
			errx(1, "broker cut off");
	}
	sent++;
	if (g.type != IMSG_XOFF || g.slot != a.slot || g.gen != a.gen)
		errx(1, "imsg %u of slot %u", g.type, g.slot);
	send_result(&a, 11, "[1]");
	for (came = 0; came < 100; came++) {
		send_event(&a, 5, sent + came + 1, NULL, body);
		client_want_like(&b, "[36,5,");
	}
	side_quiet(B0);
	client_want(&a, "[33,1,5]");
	for (came = 0;; came++) {
		client_want_like(&a, "[");
		if (strncmp((char *)a.msg, "[36,", 4) != 0)
			break;
	}
	if (strcmp((char *)a.msg, "[50,11,{},[1]]") != 0)
		errx(1, "got %s, want the RESULT", (char *)a.msg);
	if (came < sent - 1 || came > sent)
		errx(1, "%lu events came, %lu were sent", came, sent);
	side_want(B0, IMSG_XON, &g, 0);
	if (g.slot != a.slot || g.gen != a.gen)
		errx(1, "XON of slot %u", g.slot);
	if (!is_logged(&a, "is slow: events are dropped", 0) ||
	    !is_logged(&a, "is fast again: %lu events were dropped",
	    sent + 100 - came))
		errx(1, "not said: %lu were sent, %lu came", sent + 100, came);
	send_event(&a, 5, sent + 1000, NULL, "[]");
	client_want_like(&b, "[36,5,");
	client_want_like(&a, "[36,5,");
	leave(&b);
	pp_ok("events to a slow client are dropped, from XOFF to XON");

	for (sent = 0;; sent++) {
		if (sent == 20000)
			errx(1, "RESULTs are kept without a limit");
		send_result(&a, sent + 1, body);
		if (sent % 8 == 7)
			pp_sync();
		if (side_next(B0, &g, 0) == 1 && g.type != IMSG_XOFF)
			break;
	}
	if (g.type != IMSG_SESSION_CLOSE || g.slot != a.slot)
		errx(1, "imsg %u of slot %u", g.type, g.slot);
	send_end(&a, WERR_NONE, "");
	if (!pp_logged("limits queue reached"))
		errx(1, "nothing was said of it");
	client_close(&a);
	side_quiet(B0);
	pp_ok("results are not dropped, up to the limit");
}

/* Subscribe, and send it events until it is slow: how many. */
static unsigned long
make_slow(struct client *c)
{
	struct got	g;
	unsigned long	n;

	send_subscribed(c, 1, 5);
	for (n = 1; n < 20000; n++) {
		send_event(c, 5, n, NULL, body);
		pp_sync();	/* or the next one is dropped already */
		if (side_next(B0, &g, 0) == 1)
			break;
	}
	if (n == 20000 || g.type != IMSG_XOFF || g.slot != c->slot)
		errx(1, "no XOFF for a client that does not read");
	return (n);
}

static void
send_more(struct client *c, unsigned long n)
{
	while (n-- > 0)
		send_event(c, 5, 1, NULL, body);
	pp_sync();
}

/* Reads on, up to what is no EVENT: how many came. */
static unsigned long
events_came(struct client *c, const char *then)
{
	unsigned long	n;

	client_want(c, "[33,1,5]");
	for (n = 0;; n++) {
		client_want_like(c, "[");
		if (strncmp((char *)c->msg, "[36,", 4) != 0)
			break;
	}
	if (strncmp((char *)c->msg, then, strlen(then)) != 0)
		errx(1, "got %s, want %s", (char *)c->msg, then);
	return (n);
}

static void
slow_to_the_end(void)
{
	struct client	a;
	struct conf	*conf = conf_small();
	unsigned long	sent, came;

	join(&a, 0, 1);
	sent = make_slow(&a) + 10;
	send_more(&a, 10);
	client_say(&a, "[6,{},\"wamp.close.normal\"]");
	want_close(&a, CLOSE_GOODBYE);
	send_end(&a, WERR_NONE, "");
	came = events_came(&a, "[6,");
	client_close(&a);
	if (!is_logged(&a, "left while it was slow: %lu events were dropped",
	    sent - came))
		errx(1, "not said: %lu were sent, %lu came", sent, came);
	pp_ok("what a session lost that leaves while it is slow is logged");

	conf->limits.slow = 100;
	pp_configure(conf);
	join(&a, 0, 1);
	make_slow(&a);
	want_close(&a, CLOSE_LOST);
	send_end(&a, WERR_NONE, "");
	if (!pp_logged("slow for too long"))
		errx(1, "nothing was said of it");
	client_close(&a);
	pp_configure(conf_small());
	pp_ok("limits slow ends one that is slow for too long");
}

static void
configure_slow(int disconnects)
{
	struct conf	*c = conf_small();

	TAILQ_FIRST(&c->realms)->disconnects = (uint8_t)disconnects;
	pp_configure(c);
}

static void
want_disconnected(struct client *c)
{
	want_close(c, CLOSE_ENDED);
	send_end(c, WERR_NONE, "");
	if (!is_logged(c, "left realm=realm1 ", 0) || !pp_logged(
	    "reason=\"slow consumer: does not read its events\""))
		errx(1, "nothing was said of it");
	events_came(c, "[6,{\"message\":\"slow consumer: does not read its "
	    "events\"},\"wamp.close.killed\"]");
}

static void
slow_disconnect(void)
{
	struct client	a, b;

	configure_slow(1);
	join(&a, 0, 1);
	join(&b, 0, 1);
	make_slow(&a);
	send_subscribed(&b, 1, 5);
	client_want(&b, "[33,1,5]");
	send_event(&a, 5, 1, NULL, body);
	client_want_like(&b, "[36,5,");
	want_disconnected(&a);
	client_is_closed(&a);
	/* the subscription is the other's alone */
	send_event(&b, 5, 1, NULL, body);
	client_want_like(&b, "[36,5,");
	leave(&b);
	pp_ok("slow consumer disconnect: it is ended at the first event");

	client_open_ws(&a, 0, SER_JSON);
	hello(&a, 1);
	send_open(&a);
	client_want_like(&a, "[2,");
	make_slow(&a);
	send_event(&a, 5, 1, NULL, body);
	want_disconnected(&a);
	if (client_next(&a, WAIT) != -1 || a.len < 2 ||
	    memcmp(a.msg, "\x03\xf0", 2) != 0)
		errx(1, "no Close with 1008");
	client_close(&a);
	pp_ok("a WebSocket is closed with 1008");

	/* nothing comes of it until an event does */
	join(&a, 0, 1);
	make_slow(&a);
	configure_slow(0);
	send_more(&a, 10);
	side_quiet(B0);
	if (!is_logged(&a, "is slow: events are dropped", 0))
		errx(1, "nothing was said of it");
	pp_ok("a reload to drop: a session that is slow stays");

	configure_slow(1);
	send_event(&a, 5, 1, NULL, body);
	want_disconnected(&a);
	client_is_closed(&a);
	if (!is_logged(&a, "left while it was slow: %lu events were dropped",
	    10))
		errx(1, "what it lost is not said");
	configure_slow(0);
	pp_ok("a reload to disconnect: it goes");
}

/* More than the soft limit in one turn, which its socket takes. */
static void
burst(void)
{
	struct client	a;
	int		i, n = 15;

	join(&a, 0, 1);
	send_subscribed(&a, 1, 5);
	client_want(&a, "[33,1,5]");
	pp_sync();
	kill(pp.pid, SIGSTOP);
	for (i = 0; i < n; i++)
		send_event(&a, 5, 1, NULL, body);
	kill(pp.pid, SIGCONT);
	for (i = 0; i < n; i++)
		client_want_like(&a, "[36,5,");
	side_quiet(B0);
	leave(&a);
	pp_ok("a burst makes nobody slow who reads");
}

/* -- too much memory ---------------------------------------------------- */

static void
wait_conns(uint32_t n)
{
	int	i;

	for (i = 0; pp.nconns != n; i++) {
		if (i == 1000)
			errx(1, "%u connections, want %u", pp.nconns, n);
		play_poll(&pp);
		usleep(10000);
	}
}

/* Parts of messages and nothing else: no output, yet a weight. */
static void
memory(void)
{
	static uint8_t	 part[100 * 1024];
	struct conf	*conf = conf_small();
	struct client	 c[20];
	int		 i;

	conf->limits.memory = 1024 * 1024;
	conf->limits.per_address = 100;
	pp_configure(conf);
	for (i = 0; i < 20; i++)
		join(&c[i], 0, 1);
	part[1] = 1;
	part[3] = 200;			/* of 65736 octets or so */
	wait_conns(20);
	for (i = 0; i < 20; i++)
		client_write(&c[i], part, 60 * 1024);
	if (!pp_logged("limits memory reached"))
		errx(1, "the budget is not kept");
	pp_sync();
	if (pp.nconns == 0 || pp.nconns == 20)
		errx(1, "%u connections are left", pp.nconns);
	for (i = 0; i < 20; i++)
		client_close(&c[i]);
	wait_conns(0);
	side_open(B0, PROC_BROKER, 0);
	pp_configure(conf_small());
	pp_ok("the budget is kept when nothing is written");
}

/* -- too many ----------------------------------------------------------- */

static void
send_limit(const uint8_t *addr, int is_over)
{
	struct m_conn_limit	m;

	memset(&m, 0, sizeof(m));
	if (addr != NULL)
		memcpy(m.addr, addr, sizeof(m.addr));
	m.is_over = (uint32_t)is_over;
	chan_send(pp.chan, IMSG_CONN_LIMIT, 0, 0, &m, sizeof(m));
	pp_sync();
}

static void
send_shed(const uint8_t *addr, uint32_t most)
{
	struct m_conn_count	m;

	memset(&m, 0, sizeof(m));
	if (addr != NULL)
		memcpy(m.addr, addr, sizeof(m.addr));
	m.count = most;
	chan_send(pp.chan, IMSG_CONN_SHED, 0, 0, &m, sizeof(m));
	pp_sync();
}

/* Whether it is served within a while. */
static int
is_served(struct client *c)
{
	client_connect(c, 0);
	client_write(c, "\x7f\xf1\0\0", 4);
	while (c->inlen < 4)
		if (client_next(c, 100) != 0 || c->inlen == 0)
			break;
	return (c->inlen == 4);
}

static int
is_served_now(struct client *c)
{
	int	i;

	for (i = 0; i < 100 && c->inlen < 4; i++)
		if (client_next(c, 100) == -1)
			break;
	return (c->inlen == 4);
}

static void
too_many(void)
{
	static const uint8_t	 local[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
				     0xff, 0xff, 127, 0, 0, 1 };
	struct conf		*conf = conf_small();
	struct client		 c[6];
	unsigned int		 n;
	int			 i;

	conf->limits.connections = 4;
	conf->limits.per_address = 3;
	pp_configure(conf);
	wait_conns(0);
	for (i = 0; i < 3; i++)
		if (!is_served(&c[i]))
			errx(1, "connection %d is not served", i);
	wait_conns(3);
	if (memcmp(pp.count.addr, local, 16) != 0 || pp.count.count != 3)
		errx(1, "CONN_COUNT says %u", pp.count.count);
	if (is_served(&c[3]))
		errx(1, "over connections per address");
	client_close(&c[3]);
	client_close(&c[2]);
	wait_conns(2);
	if (pp.count.count != 2)
		errx(1, "CONN_COUNT says %u", pp.count.count);
	/* others may have some of that address */
	send_limit(local, 1);
	if (is_served(&c[2]))
		errx(1, "over connections per address");
	client_close(&c[2]);
	send_limit(local, 0);
	if (!is_served(&c[2]))
		errx(1, "not served below connections per address");
	/* all together: not refused, but left waiting */
	send_limit(NULL, 1);
	client_close(&c[2]);
	if (is_served(&c[2]))
		errx(1, "accepted at the limit");
	send_limit(NULL, 0);
	if (!is_served_now(&c[2]))
		errx(1, "not accepted below the limit");
	pp_ok("limits that hold across processes");

	/* others had accepted some as well: of ours the last ones go */
	send_shed(local, 5);
	send_shed(NULL, 3);
	client_quiet(&c[2]);
	send_shed(local, 2);
	client_is_closed(&c[2]);
	if (!pp_logged("reason=\"connections per address\""))
		errx(1, "who was above the limit was ended without a line");
	wait_conns(2);
	send_shed(NULL, 1);
	client_is_closed(&c[1]);
	if (!pp_logged("reason=\"connections\""))
		errx(1, "who was above the limit was ended without a line");
	wait_conns(1);
	/* but nobody who did not just come */
	usleep(1100 * 1000);
	send_shed(NULL, 0);
	send_shed(local, 0);
	client_quiet(&c[0]);
	client_close(&c[1]);
	client_close(&c[2]);
	if (!is_served(&c[1]) || !is_served(&c[2]))
		errx(1, "not served when all is over");
	send_shed(local, 1);
	client_is_closed(&c[1]);
	client_is_closed(&c[2]);
	client_quiet(&c[0]);
	client_close(&c[1]);
	client_close(&c[2]);
	wait_conns(1);
	if (!is_served(&c[1]) || !is_served(&c[2]))
		errx(1, "not served when all is over");
	pp_ok("those above a limit that just came are ended");

	/* its own limit, without a word of the parent */
	conf = conf_small();
	conf->limits.connections = 4;
	pp_configure(conf);
	if (!is_served(&c[3]))
		errx(1, "connection 3 is not served");
	if (is_served(&c[4]) || c[4].fd == -1)
		errx(1, "connection 4 is served");
	client_close(&c[0]);
	if (!is_served_now(&c[4]))
		errx(1, "not accepted though there is room");
	if (is_served(&c[0]))
		errx(1, "connection 5 is served");
	conf = conf_small();
	pp_configure(conf);
	if (!is_served_now(&c[0]))
		errx(1, "a higher limit is of no effect");
	for (i = 0; i < 5; i++)
		client_close(&c[i]);
	wait_conns(0);
	n = pp.ncounts;
	pp_sync();
	if (pp.ncounts != n)
		errx(1, "CONN_COUNT without a change");
	pp_ok("its own limit pauses accepting, and ends");
}

/* The parent is told of a storm, not of each of its turns. */
static void
many_in_a_row(void)
{
	struct client	c;
	struct pollfd	pfd;
	uint64_t	begin;
	unsigned int	n;
	int		i;

	pp_configure(conf_small());
	begin = mono_ms();
	n = pp.ncounts;
	for (i = 0; i < 100; i++) {
		client_connect(&c, 0);
		client_write(&c, "\x7f\xf1\0\0", 4);
		pfd.fd = c.fd;
		pfd.events = POLLIN;
		if (poll(&pfd, 1, 10000) != 1)
			errx(1, "connection %d is not served", i);
		client_close(&c);
	}
	pp_sync();
	if (pp.ncounts - n > (mono_ms() - begin) / 20 + 2)
		errx(1, "%u reports in %llu ms", pp.ncounts - n,
		    (unsigned long long)(mono_ms() - begin));
	wait_conns(0);
	pp_ok("a storm of connections is reported, and not one by one");
}

/* -- many clients leave at once ------------------------------------------- */

/* It does not read while we say what it is to find all at once. */
static void
hold(void)
{
	int	status;

	if (kill(pp.pid, SIGSTOP) == -1 ||
	    waitpid(pp.pid, &status, WUNTRACED) != pp.pid ||
	    !WIFSTOPPED(status))
		err(1, "the tlsproxy does not stop");
}

static void
go(void)
{
	if (kill(pp.pid, SIGCONT) == -1)
		err(1, "kill");
}

/* The END of the session in that slot, one of n. */
static void
answer_close(struct client *c, unsigned int n, uint32_t slot)
{
	unsigned int	i;

	for (i = 0; i < n; i++)
		if (c[i].slot == slot) {
			send_end(&c[i], WERR_NONE, "");
			return;
		}
	errx(1, "SESSION_CLOSE of slot %u", slot);
}

static void
many_leave(void)
{
	enum { MANY = 800 };
	static struct client	 c[MANY];
	struct conf		*conf = conf_small();
	struct rlimit		 rl;
	struct client		 p;
	struct got		 g;
	unsigned int		 i, n, before;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "getrlimit");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_max < MANY + 100)
		errx(1, "too few descriptors");
	conf->limits.per_address = 1000;
	conf->loglevel = LOG_LEVEL_BRIEF;
	pp_configure(conf);
	wait_conns(0);
	join(&p, 0, 1);
	for (i = 0; i < MANY; i++)
		join(&c[i], 0, 1);
	pp_sync();
	hold();
	for (i = 0; i < MANY; i++)
		client_close(&c[i]);
	say_subscribes(&p, 1, 1);
	go();
	for (n = 0, before = MANY; n < MANY || before == MANY;) {
		if (side_next(B0, &g, WAIT) != 1)
			errx(1, "%u of %d have left", n, MANY);
		if (g.type == IMSG_SUBSCRIBE)
			before = n;
		else if (g.type != IMSG_SESSION_CLOSE)
			errx(1, "imsg %u", g.type);
		else {
			n++;
			answer_close(c, MANY, g.slot);
		}
	}
	/* some each turn, and so many more turns than clients there are not */
	if (before > MANY / 2)
		errx(1, "%u left before another was heard", before);
	wait_conns(1);
	for (i = 0; i < 20; i++)
		join(&c[i], 0, 1);
	for (i = 0; i < 20; i++)
		leave(&c[i]);
	leave(&p);
	wait_conns(0);
	pp_configure(conf_small());
	pp_ok("many leave at once: others are heard before all are gone");
}

/* -- another configuration ---------------------------------------------- */

static void
reload(void)
{
	static char	 pay[MESSAGE];
	struct conf	*conf = conf_small();
	struct client	 a, b;
	struct got	 g;
	char		*msg;

	pconf_listen(conf, 1, LISTEN_INSECURE);
	pp_configure(conf);
	join(&a, 0, 1);
	join(&b, 1, 1);
	conf = conf_small();
	conf->limits.message = 1024;
	conf->limits.queue = 4096;
	pp_configure(conf);
	listener_forget(1);
	say_subscribes(&a, 1, 1);
	want_subscribes(&a, 1, 1);
	say_subscribes(&b, 1, 1);
	want_subscribes(&b, 1, 1);
	leave(&b);
	join(&b, 0, 1);
	pp_ok("a connection outlives its listener");

	/* a had a longer limit, and its broker still knows it */
	memset(pay, 'x', sizeof(pay) - 200);
	if (asprintf(&msg, "[16,2,{},\"com.example.t\",[\"%s\"]]", pay) == -1)
		err(1, NULL);
	client_say(&a, msg);
	side_want(B0, IMSG_PUBLISH, &g, sizeof(struct m_publish));
	leave(&b);
	leave(&a);
	free(msg);
	pp_configure(conf_small());
	pp_ok("a longer limit of before does no harm");
}

/* The octets of a ClientHello. */
struct bytes {
	uint8_t	 b[4096];
	size_t	 len;
};

static ssize_t
no_read(struct tls *t, void *buf, size_t len, void *arg)
{
	(void)t;
	(void)buf;
	(void)len;
	(void)arg;
	return (TLS_WANT_POLLIN);
}

static ssize_t
keep_written(struct tls *t, const void *buf, size_t len, void *arg)
{
	struct bytes	*b = arg;

	(void)t;
	if (len > sizeof(b->b) - b->len)
		errx(1, "ClientHello is too long");
	memcpy(b->b + b->len, buf, len);
	b->len += len;
	return ((ssize_t)len);
}

static void
client_hello(struct bytes *b)
{
	struct tls		*t = tls_client();
	struct tls_config	*c = tls_config_new();

	b->len = 0;
	if (t == NULL || c == NULL)
		errx(1, "libtls");
	tls_config_insecure_noverifycert(c);
	tls_config_insecure_noverifyname(c);
	if (tls_configure(t, c) == -1 || tls_connect_cbs(t, no_read,
	    keep_written, b, "localhost") == -1 ||
	    tls_handshake(t) != TLS_WANT_POLLIN || b->len < 20)
		errx(1, "ClientHello: %s", tls_error(t));
	tls_config_free(c);
	tls_free(t);
}

static struct conf *
conf_tls(const char *name)
{
	struct conf		*c = conf_small();
	struct conf_listen	*l = pconf_listen(c, 2, LISTEN_TLS |
				    LISTEN_TLS12 | LISTEN_TLS13);

	l->keypairs = xcalloc(1, sizeof(*l->keypairs));
	l->keypairs[0] = certs_keypair(c, name, name)->id;
	l->nkeypairs = 1;
	return (c);
}

static void
handshake_over_reload(void)
{
	struct client	c;
	struct m_sign	m;
	struct m_signed	s;
	struct imsg_hdr	h;
	struct bytes	b;
	int		fd;

	certs_make();
	fd = play_peer(&pp, PROC_KEEPER, PROXY_NET, 0, keeper.generation,
	    LINK_SIGN);
	if (pp_configure(conf_tls("p256")) == -1)
		errx(1, "configuration refused: %s", pp.failed);
	client_hello(&b);
	client_connect(&c, 2);
	client_write(&c, b.b, 10);
	pp_sync();
	/* neither listener nor certificate is there any more */
	if (pp_configure(conf_small()) == -1)
		errx(1, "configuration refused: %s", pp.failed);
	listener_forget(2);
	client_write(&c, b.b + 10, b.len - 10);
	if (imsg_read_blocking(fd, WAIT, &h, &m, sizeof(m)) == -1 ||
	    h.type != IMSG_SIGN)
		errx(1, "no SIGN: the handshake did not go on");
	memset(&s, 0, sizeof(s));
	s.seq = m.seq;
	if (imsg_write_blocking(fd, WAIT, IMSG_SIGNED, 0, 0, &s,
	    sizeof(s)) == -1)
		err(1, "SIGNED");
	while (client_next(&c, WAIT) == 1)
		;
	client_close(&c);
	close(fd);
	wait_conns(0);
	join(&c, 0, 1);
	leave(&c);
	pp_ok("a TLS handshake outlives its listener");
}

/* -- the end ------------------------------------------------------------ */

static void
shut_down(void)
{
	struct m_u32	grace = { 5000 };
	struct client	a, b, x, h, t;
	struct got	g;

	join(&a, 0, 1);
	client_open_ws(&b, 0, SER_JSON);
	hello(&b, 2);
	send_open(&b);
	client_want_like(&b, "[2,");
	client_open(&x, 0, SER_JSON, 15);
	hello(&x, 1);
	client_open(&h, 0, SER_JSON, 15);
	client_connect(&t, 0);
	wait_conns(5);
	chan_send(pp.chan, IMSG_SHUTDOWN, 0, 0, &grace, sizeof(grace));
	pp_sync();
	client_want(&a, "[6,{\"message\":\"the router is shutting down\"},"
	    "\"wamp.close.system_shutdown\"]");
	client_want(&b, "[6,{\"message\":\"the router is shutting down\"},"
	    "\"wamp.close.system_shutdown\"]");
	client_want(&x, "[3,{\"message\":\"the router is shutting down\"},"
	    "\"wamp.close.system_shutdown\"]");
	want_close(&a, CLOSE_ENDED);
	want_close(&b, CLOSE_ENDED);
	side_want(K, IMSG_AUTH_CANCEL, &g, 0);
	client_is_closed(&x);
	client_is_closed(&h);
	client_is_closed(&t);
	client_say(&a, "[6,{},\"wamp.close.goodbye_and_out\"]");
	client_is_closed(&a);
	pp_sync();
	if (pp.ndone != 0)
		errx(1, "SHUTDOWN_DONE with a client left");
	client_say(&b, "[6,{},\"wamp.close.goodbye_and_out\"]");
	client_is_closed(&b);
	play_until(&pp, &pp.ndone, 0, "SHUTDOWN_DONE");
	/* nobody is accepted any more */
	if (is_served(&a))
		errx(1, "accepted after the end");
	client_close(&a);
	pp_ok("SHUTDOWN: GOODBYE to all, and done when all are gone");
}

int
main(void)
{
	pp_start(PROXY_NET, conf_small());
	silence();
	deaf_broker();
	body_init();
	slow_client();
	slow_to_the_end();
	slow_disconnect();
	burst();
	memory();
	too_many();
	many_in_a_row();
	many_leave();
	reload();
	handshake_over_reload();
	shut_down();
	pp_stop();
	return (0);
}
