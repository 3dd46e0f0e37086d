/* Copyright (c) 2026 The wampd authors.  ISC licence, see codec.h. */

/*
 * Load generator for WAMP routers: one process, one thread, one event loop.
 * Prints one line of key=value pairs a run.  See README for the modes.
 */

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "stat.h"

#define SEC	1000000000ULL
#define URISIZE	80

struct topic {
	char		 uri[URISIZE];	/* the first, or only */
	size_t		 urilen;
	uint64_t	 published;
	uint64_t	 min;		/* received by every subscriber */
	unsigned	 nsub, nmin;	/* nmin: how many are at min */
	struct conn	**subs;
};

static struct target	 tgt, tgt2;	/* senders, receivers */
static struct trees	 trees;
static struct hist	 lat;
static struct conn	*conns;
static int		 nconns, nopen, nready, nsetup;
static struct topic	*topics;
static int		 ntopics = 1, nuris = 1;	/* URIs of each topic */
static const char	*match;			/* of subscriptions, or NULL */
static int		 npub = 1, nsub = 1, ndeaf, ncaller = 1, ncallee = 1;
static int		 window = 64, parallel = 32;
static uint64_t		 nsessions = 1000, opened, finished, failed;
static double		 duration = 3, warmup = 0.5, rate, hold;
static enum ser		 ser = SER_MSGPACK, ser2[2];	/* receivers in turn */
static const char	*mode, *url, *url2, *label = "-";
static int		 measuring, idlesub, idlereg;
static uint64_t		 ntaken;	/* subscriptions, registrations */
static uint64_t		 published, delivered, acked, lost, late, results;
static uint64_t		 inflight, events_now;
static size_t		 nextpub;

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr,
"usage: wampload [options] pubsub|rpc|connect|idle URL\n"
"URL: rs://H:P rss://H:P unix:PATH ws://H:P/PATH wss://H:P/PATH\n"
"     nats://H:P mqtt://H:P (H: an IPv4 address)\n"
"  -u URL   subscribers and callees connect here (URL)\n"
"  -R REALM realm (realm1)            -L TEXT  label=TEXT in the output\n"
"  -f SER   json, msgpack or cbor     -F SER[,SER]  of subscribers and callees\n"
"  -n SIZE  payload octets, >= 16 (256)        -B  payload as binary\n"
"  -t SEC   measured time (3)         -W SEC   before measuring (0.5)\n"
"  -w N     window: messages in flight per publisher or caller (64)\n"
"  -r RATE  pubsub: RATE messages a second in all instead of a window\n"
"  -p N -s N -k N  publishers, subscribers, topics (1 1 1)\n"
"  -K N     each topic, and session of idle -S, has N URIs (1)\n"
"  -M KIND  prefix or wildcard subscriptions, one for each URI\n"
"  -D N     pubsub: N more subscribers, which never read (0)\n"
"  -a       acknowledged publishing\n"
"  -c N -e N  callers, callees (1 1)\n"
"  -N N     connect, idle: sessions (1000)     -j N  at a time (32)\n"
"  -z       resume TLS sessions       -2       at most TLS 1.2\n"
"  -S       idle: each session subscribes to a topic\n"
"  -E       idle: each registers a procedure for each URI\n"
"  -H SEC   idle: hold the sessions for SEC, print again (0)\n"
"  -P PID[,PID...]  roots of the router's process trees\n"
"  -C LIST  TLS 1.3 cipher suites (TLS_AES_128_GCM_SHA256)\n");
	exit(2);
}

static enum ser
ser_parse(const char *s)
{
	if (strcmp(s, "json") == 0)
		return (SER_JSON);
	if (strcmp(s, "msgpack") == 0)
		return (SER_MSGPACK);
	if (strcmp(s, "cbor") == 0)
		return (SER_CBOR);
	errx(2, "unknown serializer: %s", s);
}

static void
receivers_parse(char *s)
{
	char	*other;

	if ((other = strchr(s, ',')) != NULL)
		*other++ = '\0';
	ser2[0] = ser_parse(s);
	ser2[1] = other != NULL ? ser_parse(other) : ser2[0];
}

static const char *
ser_name(enum ser s)
{
	return (s == SER_JSON ? "json" : s == SER_CBOR ? "cbor" : "msgpack");
}

static double
self_cpu(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (ts.tv_sec + ts.tv_nsec / 1e9);
}

static uint64_t
stamp_age(const uint8_t *p)
{
	uint64_t	 t = 0, now;
	int		 i;

	for (i = 0; i < 16; i++)
		t = t << 4 | (p[i] <= '9' ? p[i] - '0' : p[i] - 'a' + 10);
	now = nsec();
	return (now > t ? now - t : 0);
}

static int
is_receiver(enum role r)
{
	return (r == R_SUB || r == R_DEAF || r == R_CALLEE);
}

static void
add_conns(int n, enum role role)
{
	struct conn	*c;
	int		 i;

	for (i = 0; i < n; i++) {
		c = &conns[nconns];
		c->fd = -1;
		c->id = nconns++;
		c->role = role;
		c->ser = is_receiver(role) ? ser2[i % 2] : ser;
		c->tgt = is_receiver(role) ? &tgt2 : &tgt;
		c->topic = i % ntopics;
		if (role == R_CALLEE)
			c->topic = i;
	}
}

/*
 * The URI, or the pattern for it.  What is subscribed to beside a load has
 * names that begin as the load's own do.
 */
static size_t
topic_uri(char uri[URISIZE], int topic, int i, int is_pattern)
{
	const char	*kind = mode[0] == 'i' ? "idle" : "topic";

	if (nuris == 1 && match == NULL)
		return (snprintf(uri, URISIZE, "com.bench.%s.%d", kind,
		    topic));
	return (snprintf(uri, URISIZE, "com.bench.%s.%d.%d%s", kind, topic, i,
	    match == NULL ? "" : is_pattern ? "." : ".x"));
}

static void
take_topic(struct conn *c)
{
	char	 uri[URISIZE];
	int	 i;

	for (i = 0; i < nuris; i++) {
		topic_uri(uri, c->topic, i, 1);
		if (idlereg)
			conn_register(c, uri, match);
		else
			conn_subscribe(c, uri, match);
	}
}

void
cb_ready(struct conn *c)
{
	char	 uri[64];

	nready++;
	switch (c->role) {
	case R_SUB:
	case R_DEAF:
		take_topic(c);
		break;
	case R_CALLEE:
		snprintf(uri, sizeof(uri), "com.bench.proc.%d", c->topic);
		conn_register(c, uri, NULL);
		break;
	case R_IDLE:
		if (strcmp(mode, "connect") == 0)
			conn_goodbye(c);
		else if (idlesub) {
			c->topic = c->id;
			take_topic(c);
		} else
			nsetup++;
		break;
	default:
		nsetup++;
	}
}

void
cb_setup(struct conn *c)
{
	int	 all = c->role == R_SUB || c->role == R_DEAF || idlesub ?
		    nuris : 1;

	ntaken++;
	if (++c->setup != all)
		return;
	nsetup++;
	if (c->role == R_DEAF)
		conn_deafen(c);
}

/* All subscribers have one more message of this topic: find the new minimum. */
static void
topic_advance(struct topic *t)
{
	uint64_t	 min = UINT64_MAX;
	unsigned	 i;

	for (i = 0; i < t->nsub; i++)
		if (t->subs[i]->recv < min)
			min = t->subs[i]->recv;
	inflight -= min - t->min;
	t->min = min;
	t->nmin = 0;
	for (i = 0; i < t->nsub; i++)
		if (t->subs[i]->recv == min)
			t->nmin++;
}

void
cb_event(struct conn *c, const uint8_t *p, size_t n)
{
	struct topic	*t = &topics[c->topic];

	if (n != conf.payload)
		errx(1, "event with a payload of %zu octets", n);
	events_now++;
	if (c->recv >= t->published) {	/* given up as lost before */
		late++;
		return;
	}
	delivered++;
	if (measuring)
		hist_add(&lat, stamp_age(p));
	if (c->recv++ == t->min && --t->nmin == 0)
		topic_advance(t);
}

void
cb_published(struct conn *c)
{
	(void)c;
	events_now++;
	acked++;
}

void
cb_result(struct conn *c, const uint8_t *p, size_t n)
{
	(void)c;
	if (n != conf.payload)
		errx(1, "result with a payload of %zu octets", n);
	results++;
	if (measuring)
		hist_add(&lat, stamp_age(p));
}

void
cb_closed(struct conn *c, const char *why)
{
	if (strcmp(mode, "connect") != 0 && why != NULL)
		errx(1, "session %d, state %d: %s", c->id, c->state, why);
	if (why != NULL) {
		if (failed++ == 0)
			warnx("session in state %d: %s", c->state, why);
	} else
		finished++;
	conn_close(c);
}

static void
turn(int timeout_us)
{
	struct epoll_event	 ev[512];
	struct timespec		 ts;
	int			 i, n;

	conn_flush_all();
	ts.tv_sec = timeout_us / 1000000;
	ts.tv_nsec = timeout_us % 1000000 * 1000;
	n = epoll_pwait2(conn_ep, ev, 512, &ts, NULL);
	if (n == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (i = 0; i < n; i++)
		conn_event(ev[i].data.ptr, ev[i].events);
}

static void
open_turn(uint64_t *seen, uint64_t *quiet)
{
	turn(100000);
	if (ntaken + nsetup > *seen) {
		*seen = ntaken + nsetup;
		*quiet = nsec();
	} else if (nsec() - *quiet > 10 * SEC)
		errx(1, "no session opened for 10 s: %d of %d are ready",
		    nsetup, nopen);
}

/* Open what is there of a role, at most `parallel` at a time. */
static void
open_all(enum role role)
{
	uint64_t	 quiet = nsec(), seen = ntaken + nsetup;
	int		 i;

	for (i = 0; i < nconns; i++) {
		if (conns[i].role != role)
			continue;
		while (nopen - nsetup >= parallel)
			open_turn(&seen, &quiet);
		conn_open(&conns[i]);
		nopen++;
	}
	while (nsetup < nopen)
		open_turn(&seen, &quiet);
}

static struct conn *
conn_at(enum role role, int i)
{
	int	 k;

	for (k = 0; k < nconns; k++)
		if (conns[k].role == role)
			return (&conns[k + i]);
	return (NULL);
}

static int
publish_one(struct conn *c, uint64_t limit)
{
	struct topic	*t;
	char		 uri[URISIZE];
	size_t		 len;

	if (inflight >= limit || (conf.ack && c->unacked >= (uint64_t)window) ||
	    c->olen - c->ooff > 4 * 1024 * 1024)
		return (0);
	t = &topics[nextpub % ntopics];
	if (nuris == 1)
		conn_publish(c, t->uri, t->urilen);
	else {
		/* not in the order in which they were subscribed to */
		len = topic_uri(uri, nextpub % ntopics,
		    nextpub / ntopics * 7919 % nuris, 0);
		conn_publish(c, uri, len);
	}
	nextpub++;
	t->published++;
	published++;
	if (t->nsub == 0)
		t->min++;
	else
		inflight++;
	return (1);
}

static void
publish_some(uint64_t limit, uint64_t max)
{
	struct conn	*first = conn_at(R_PUB, 0);
	static int	 turnof;
	int		 idle = 0;

	while (idle < npub && max > 0) {
		if (publish_one(&first[turnof], limit)) {
			idle = 0;
			max--;
		} else
			idle++;
		turnof = (turnof + 1) % npub;
	}
}

/* Count what is outstanding as lost, so that the window opens again. */
static void
give_up(void)
{
	struct topic	*t;
	unsigned	 i;
	int		 k;

	for (k = 0; k < ntopics; k++) {
		t = &topics[k];
		for (i = 0; i < t->nsub; i++) {
			lost += t->published - t->subs[i]->recv;
			t->subs[i]->recv = t->published;
		}
		t->min = t->published;
		t->nmin = t->nsub;
	}
	inflight = 0;
}

static void
print_common(double secs, double cpu, double gcpu)
{
	printf("mode=%s label=%s url=%s ser=%s", mode, label, url,
	    ser_name(ser));
	if (ser2[0] != ser || ser2[1] != ser)
		printf(" ser2=%s,%s", ser_name(ser2[0]), ser_name(ser2[1]));
	printf(" n=%zu tls=%s secs=%.3f router_cpu=%.3f gen_cpu=%.3f "
	    "gen_util=%.2f", conf.payload, conn_tls_name(), secs, cpu, gcpu,
	    gcpu / secs);
}

static void
print_latency(void)
{
	printf(" p50_us=%.1f p99_us=%.1f max_us=%.1f",
	    hist_quantile(&lat, 0.5) / 1e3, hist_quantile(&lat, 0.99) / 1e3,
	    lat.max / 1e3);
}

static void
run_pubsub(void)
{
	uint64_t	 t0, t1, tend, now, pub0 = 0, del0 = 0, seen, quiet;
	uint64_t	 rate0 = 0, npubs, ndels, due;
	double		 cpu0 = 0, gcpu0 = 0, cpu, gcpu, secs;
	struct conn	*c;
	struct topic	*t;
	int		 i, stalls = 0, timeout;

	if ((topics = calloc(ntopics, sizeof(*topics))) == NULL ||
	    (conns = calloc(npub + nsub + ndeaf, sizeof(*conns))) == NULL)
		err(1, NULL);
	for (i = 0; i < ntopics; i++)
		topics[i].urilen = topic_uri(topics[i].uri, i, 0, 0);
	add_conns(nsub, R_SUB);
	add_conns(npub, R_PUB);
	add_conns(ndeaf, R_DEAF);
	for (i = 0; i < ntopics; i++)
		if ((topics[i].subs = calloc(nsub + 1,
		    sizeof(c))) == NULL)
			err(1, NULL);
	for (i = 0; i < nsub; i++) {
		t = &topics[conns[i].topic];
		t->subs[t->nsub++] = &conns[i];
		t->nmin++;
	}
	open_all(R_SUB);
	open_all(R_DEAF);
	open_all(R_PUB);

	t0 = nsec();
	t1 = t0 + warmup * SEC;
	tend = t1 + duration * SEC;
	seen = 0;
	quiet = t0;
	for (;;) {
		now = nsec();
		if (!measuring && now >= t1) {
			measuring = 1;
			t1 = now;
			tend = t1 + duration * SEC;
			cpu0 = trees_cpu(&trees);
			gcpu0 = self_cpu();
			pub0 = published;
			del0 = delivered;
		}
		if (now >= tend)
			break;
		timeout = 100000;
		if (rate > 0) {
			due = (now - t0) / 1e9 * rate;
			if (due > rate0) {
				publish_some(100000, due - rate0);
				rate0 = due;
			}
			timeout = 1e6 / rate;
			if (timeout > 1000)
				timeout = 1000;
		} else
			publish_some((uint64_t)window * npub, UINT64_MAX);
		turn(timeout);
		if (events_now != seen) {
			seen = events_now;
			quiet = nsec();
		} else if (nsec() - quiet > SEC) {
			give_up();
			quiet = nsec();
			if (++stalls > 10)
				errx(1, "no events for 10 s");
		}
	}
	secs = (now - t1) / 1e9;
	cpu = trees_cpu(&trees) - cpu0;
	gcpu = self_cpu() - gcpu0;
	npubs = published - pub0;
	ndels = delivered - del0;
	measuring = 0;
	/* what is under way may take a while with many subscribers */
	quiet = nsec();
	while (inflight > 0 && nsec() - quiet < SEC) {
		turn(100000);
		if (events_now != seen) {
			seen = events_now;
			quiet = nsec();
		}
	}
	give_up();
	lost = lost > late ? lost - late : 0;

	print_common(secs, cpu, gcpu);
	printf(" p=%d s=%d deaf=%d k=%d w=%d rate=%.0f ack=%d "
	    "published_s=%.0f events_s=%.0f published=%llu lost=%llu", npub,
	    nsub, ndeaf, ntopics, window, rate, conf.ack, npubs / secs,
	    ndels / secs, (unsigned long long)published,
	    (unsigned long long)lost);
	print_latency();
	if (trees.nroot > 0 && npubs > 0)
		printf(" cpu_us_msg=%.3f cpu_us_event=%.4f",
		    cpu * 1e6 / npubs, ndels ? cpu * 1e6 / ndels : 0);
	if (npubs > 0)
		printf(" gen_us_msg=%.3f", gcpu * 1e6 / npubs);
	printf("\n");
}

static void
run_rpc(void)
{
	uint64_t	 t1, tend, now, res0 = 0, seen = 0, quiet;
	double		 cpu0 = 0, gcpu0 = 0, cpu, gcpu, secs;
	struct conn	*c;
	char		(*uri)[64];
	int		 i;

	if ((conns = calloc(ncaller + ncallee, sizeof(*conns))) == NULL ||
	    (uri = calloc(ncallee, sizeof(*uri))) == NULL)
		err(1, NULL);
	for (i = 0; i < ncallee; i++)
		snprintf(uri[i], sizeof(uri[i]), "com.bench.proc.%d", i);
	add_conns(ncallee, R_CALLEE);
	add_conns(ncaller, R_CALLER);
	open_all(R_CALLEE);
	open_all(R_CALLER);
	t1 = nsec() + warmup * SEC;
	tend = t1 + duration * SEC;
	quiet = nsec();
	for (;;) {
		now = nsec();
		if (!measuring && now >= t1) {
			measuring = 1;
			t1 = now;
			tend = t1 + duration * SEC;
			cpu0 = trees_cpu(&trees);
			gcpu0 = self_cpu();
			res0 = results;
		}
		if (now >= tend)
			break;
		for (i = 0; i < ncaller; i++) {
			c = &conns[ncallee + i];
			while (c->unacked < (uint64_t)window &&
			    c->olen - c->ooff < 4 * 1024 * 1024)
				conn_call(c, uri[i % ncallee],
				    strlen(uri[i % ncallee]));
		}
		turn(100000);
		if (results != seen) {
			seen = results;
			quiet = nsec();
		} else if (nsec() - quiet > 5 * SEC)
			errx(1, "no results for 5 s");
	}
	secs = (now - t1) / 1e9;
	cpu = trees_cpu(&trees) - cpu0;
	gcpu = self_cpu() - gcpu0;
	print_common(secs, cpu, gcpu);
	printf(" c=%d e=%d w=%d calls_s=%.0f", ncaller, ncallee, window,
	    (results - res0) / secs);
	print_latency();
	if (trees.nroot > 0 && results > res0)
		printf(" cpu_us_call=%.3f", cpu * 1e6 / (results - res0));
	if (results > res0)
		printf(" gen_us_call=%.3f", gcpu * 1e6 / (results - res0));
	printf("\n");
}

/* Each of `parallel` slots opens a session, says goodbye and starts again. */
static void
run_connect(void)
{
	uint64_t	 t0, prime;
	double		 cpu0, gcpu0, cpu, gcpu, secs;
	int		 i;

	if ((conns = calloc(parallel, sizeof(*conns))) == NULL)
		err(1, NULL);
	add_conns(parallel, R_IDLE);
	prime = 1;		/* one session first, for its ticket */
	conn_open(&conns[0]);
	t0 = nsec();
	while (finished + failed < prime) {
		turn(1000000);
		if (nsec() - t0 > 10 * SEC)
			errx(1, "no session in 10 s");
	}
	finished = failed = conn_reused = 0;
	t0 = nsec();
	cpu0 = trees_cpu(&trees);
	gcpu0 = self_cpu();
	while (finished + failed < nsessions) {
		for (i = 0; i < parallel && opened < nsessions; i++)
			if (conns[i].state == C_CLOSED) {
				conn_open(&conns[i]);
				opened++;
			}
		turn(100000);
		if (nsec() - t0 > 60 * SEC)
			break;
		if (failed > 100)
			break;
	}
	secs = (nsec() - t0) / 1e9;
	usleep(50000);		/* the router's share of closing */
	cpu = trees_cpu(&trees) - cpu0;
	gcpu = self_cpu() - gcpu0;
	print_common(secs, cpu, gcpu);
	printf(" j=%d resume=%d reused=%llu sessions=%llu failed=%llu "
	    "sessions_s=%.0f", parallel, conf.resume,
	    (unsigned long long)conn_reused, (unsigned long long)finished,
	    (unsigned long long)failed, finished / secs);
	if (trees.nroot > 0 && finished > 0)
		printf(" cpu_us_session=%.1f", cpu * 1e6 / finished);
	if (finished > 0)
		printf(" gen_us_session=%.1f", gcpu * 1e6 / finished);
	printf("\n");
}

static void
wait_for(double secs)
{
	uint64_t	 t0 = nsec();

	while (nsec() - t0 < secs * SEC)
		turn(100000);
}

static void
print_idle(double secs, double cpu, double gcpu, long before)
{
	long	 after = trees_pss(&trees);

	print_common(secs, cpu, gcpu);
	printf(" sessions=%d subscribed=%llu pss0_kb=%ld pss_kb=%ld "
	    "kb_session=%.2f open_us_session=%.1f procs=%d\n", nready,
	    (unsigned long long)ntaken, before, after,
	    (double)(after - before) / nready, cpu * 1e6 / nready,
	    trees_count(&trees));
	fflush(stdout);
}

static void
run_idle(void)
{
	uint64_t	 t0;
	double		 cpu, gcpu, secs;
	long		 pss;

	if ((conns = calloc(nsessions, sizeof(*conns))) == NULL)
		err(1, NULL);
	add_conns(nsessions, R_IDLE);
	pss = trees_pss(&trees);
	cpu = trees_cpu(&trees);
	gcpu = self_cpu();
	t0 = nsec();
	open_all(R_IDLE);
	secs = (nsec() - t0) / 1e9;
	cpu = trees_cpu(&trees) - cpu;
	gcpu = self_cpu() - gcpu;
	wait_for(1);
	print_idle(secs, cpu, gcpu, pss);
	if (hold > 0) {
		wait_for(hold);
		print_idle(secs, cpu, gcpu, pss);
	}
}

int
main(int argc, char *argv[])
{
	struct rlimit	 rl;
	int		 ch;

	conf.realm = "realm1";
	conf.payload = 256;
	conf.suites = "TLS_AES_128_GCM_SHA256";
	while ((ch = getopt(argc, argv,
	    "2aBC:c:D:Ee:F:f:H:j:K:k:L:M:N:n:P:p:R:r:Ss:t:u:W:w:z")) != -1)
		switch (ch) {
		case '2': conf.tls12 = 1; break;
		case 'a': conf.ack = 1; break;
		case 'B': conf.bin = 1; break;
		case 'C': conf.suites = optarg; break;
		case 'c': ncaller = atoi(optarg); break;
		case 'D': ndeaf = atoi(optarg); break;
		case 'E': idlesub = idlereg = 1; break;
		case 'e': ncallee = atoi(optarg); break;
		case 'F': receivers_parse(optarg); break;
		case 'f': ser = ser_parse(optarg); break;
		case 'H': hold = atof(optarg); break;
		case 'j': parallel = atoi(optarg); break;
		case 'K': nuris = atoi(optarg); break;
		case 'k': ntopics = atoi(optarg); break;
		case 'L': label = optarg; break;
		case 'M': match = optarg; break;
		case 'N': nsessions = strtoull(optarg, NULL, 10); break;
		case 'n': conf.payload = strtoul(optarg, NULL, 10); break;
		case 'P':
			if (trees_parse(&trees, optarg) == -1)
				errx(2, "bad pid list: %s", optarg);
			break;
		case 'p': npub = atoi(optarg); break;
		case 'R': conf.realm = optarg; break;
		case 'r': rate = atof(optarg); break;
		case 'S': idlesub = 1; break;
		case 's': nsub = atoi(optarg); break;
		case 't': duration = atof(optarg); break;
		case 'u': url2 = optarg; break;
		case 'W': warmup = atof(optarg); break;
		case 'w': window = atoi(optarg); break;
		case 'z': conf.resume = 1; break;
		default: usage();
		}
	argc -= optind;
	argv += optind;
	if (argc != 2 || conf.payload < 16 || conf.payload > 15 << 20 ||
	    npub < 1 || nsub < 0 || ndeaf < 0 || ntopics < 1 || nuris < 1 ||
	    ncaller < 1 ||
	    ncallee < 1 || window < 1 || parallel < 1 || nsessions < 1 ||
	    nsessions > 10000000)
		usage();
	mode = argv[0];
	url = argv[1];
	if (ser2[0] == 0)
		ser2[0] = ser2[1] = ser;
	if (target_parse(&tgt, url) == -1 ||
	    target_parse(&tgt2, url2 ? url2 : url) == -1)
		errx(2, "bad URL");
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1UL);
	conn_init();
	if (strcmp(mode, "pubsub") == 0)
		run_pubsub();
	else if (strcmp(mode, "rpc") == 0)
		run_rpc();
	else if (strcmp(mode, "connect") == 0)
		run_connect();
	else if (strcmp(mode, "idle") == 0)
		run_idle();
	else
		usage();
	return (0);
}
