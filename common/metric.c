/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The table of all that is counted, and the fields of a row that tells it.
 * Who counts is not here, nor is the text that becomes of it (promtext.c).
 */
#include <string.h>

#include "metric.h"
#include "mpput.h"
#include "uri.h"

#define C	METRIC_COUNTER, 0
#define G	METRIC_GAUGE, 0

static const struct metric_def	 defs[METRIC_MAX] = {
	[METRIC_BUILD] = { "wampd_build_info", G, { "version" },
	    "The version that runs, with the value 1." },
	[METRIC_START] = { "wampd_start_time_seconds", METRIC_GAUGE, 1,
	    { NULL }, "When wampd began, in seconds since 1970." },
	[METRIC_RELOADS] = { "wampd_reloads_total", C, { "result" },
	    "Reloads of the configuration." },
	[METRIC_CONTROL_CLIENTS] = { "wampd_control_clients", G, { NULL },
	    "Clients of the control socket." },
	[METRIC_COMPLETE] = { "wampd_metrics_complete", G, { NULL },
	    "Whether all processes said what they count." },
	[METRIC_UP] = { "wampd_process_up", G, { "process" },
	    "Whether a process serves." },
	[METRIC_RESTARTS] = { "wampd_process_restarts_total", C,
	    { "process" }, "How often a process was started again." },
	[METRIC_CPU] = { "wampd_process_cpu_seconds_total", METRIC_COUNTER, 1,
	    { "process" }, "CPU time of a process, since it was started." },
	[METRIC_MEMORY] = { "wampd_process_resident_memory_bytes", G,
	    { "process" }, "Resident memory of a process." },
	[METRIC_LIMITS] = { "wampd_limit_reached_total", C,
	    { "process", "limit" },
	    "How often a limit of the configuration was reached." },
	[METRIC_PAYLOADS] = { "wampd_payload_bytes", G, { "process" },
	    "Payloads that a process holds, which limits memory bounds." },
	[METRIC_QUEUE] = { "wampd_queue_bytes", G, { "process", "peer" },
	    "What waits in a process to be taken by another one." },
	[METRIC_DROPPED] = { "wampd_events_dropped_total", C,
	    { "process", "reason" }, "Events that were dropped." },
	[METRIC_CONNECTIONS] = { "wampd_connections", G, { "process" },
	    "Connections of clients that are open." },
	[METRIC_ACCEPTED] = { "wampd_connections_accepted_total", C,
	    { "process" }, "Connections that were accepted." },
	[METRIC_REFUSED] = { "wampd_connections_refused_total", C,
	    { "process", "reason" },
	    "Connections that were closed as soon as they were there." },
	[METRIC_HANDSHAKES] = { "wampd_handshakes_total", C,
	    { "process", "protocol", "result" },
	    "Handshakes of TLS, RawSocket and WebSocket." },
	[METRIC_RECEIVED] = { "wampd_received_bytes_total", C, { "process" },
	    "Octets that clients said, without TLS." },
	[METRIC_SENT] = { "wampd_sent_bytes_total", C, { "process" },
	    "Octets that were said to clients, without TLS." },
	[METRIC_MESSAGES] = { "wampd_messages_total", C,
	    { "process", "direction", "type" },
	    "WAMP messages of clients and to clients." },
	[METRIC_BUFFERED] = { "wampd_client_buffer_bytes", G, { "process" },
	    "What waits for clients, and incomplete messages of theirs." },
	[METRIC_SLOW] = { "wampd_slow_consumers_total", C, { "process" },
	    "How often a session became slow." },
	[METRIC_SLOW_ENDED] = { "wampd_slow_consumers_ended_total", C,
	    { "process" }, "Sessions that were ended because they were slow." },
	[METRIC_LOGINS] = { "wampd_logins_total", C, { "method", "result" },
	    "Log-ins by method of authentication." },
	[METRIC_LOGINS_PENDING] = { "wampd_logins_pending", G, { NULL },
	    "Log-ins that are under way." },
	[METRIC_EXPIRY] = { "wampd_certificate_expiry_timestamp_seconds", G,
	    { "keypair" },
	    "When a certificate expires, in seconds since 1970." },
	[METRIC_SESSIONS] = { "wampd_sessions", G, { "process", "realm" },
	    "Sessions that are joined." },
	[METRIC_JOINED] = { "wampd_sessions_joined_total", C,
	    { "process", "realm" }, "Sessions that joined." },
	[METRIC_SUBSCRIPTIONS] = { "wampd_subscriptions", G,
	    { "process", "realm" }, "Subscriptions that somebody holds." },
	[METRIC_REGISTRATIONS] = { "wampd_registrations", G,
	    { "process", "realm" }, "Registrations that somebody holds." },
	[METRIC_PENDING] = { "wampd_calls_pending", G, { "process", "realm" },
	    "Calls that callees have not answered." },
	[METRIC_PUBLICATIONS] = { "wampd_publications_total", C,
	    { "process", "realm" },
	    "Publications, with those of the router itself." },
	[METRIC_EVENTS] = { "wampd_events_total", C, { "process", "realm" },
	    "Events that a broker gave to tlsproxies, each once for all "
	    "subscribers there." },
	[METRIC_CALLS] = { "wampd_calls_total", C, { "process", "realm" },
	    "Calls that were passed to a callee." },
	[METRIC_ERRORS] = { "wampd_errors_total", C, { "process", "realm" },
	    "Requests that were answered by an error." },
	[METRIC_LATENCY] = { "wampd_call_duration_seconds", METRIC_HISTOGRAM,
	    0, { "process" },
	    "From a call to the final answer of its callee." },
	[METRIC_SCRAPERS] = { "wampd_http_connections", G, { "process" },
	    "Connections of those who ask for metrics or health." },
	[METRIC_REQUESTS] = { "wampd_http_requests_total", C,
	    { "process", "code" },
	    "Answers to those who ask for metrics or health." },
};

const struct metric_def *
metric_def(enum metric m)
{
	return (&defs[m]);
}

const struct metric_def *
metric_find(const char *name, size_t len)
{
	size_t	i;

	for (i = 0; i < METRIC_MAX; i++)
		if (strlen(defs[i].name) == len &&
		    memcmp(defs[i].name, name, len) == 0)
			return (&defs[i]);
	return (NULL);
}

const char *
metric_type_name(enum metric_type t)
{
	return (t == METRIC_COUNTER ? "counter" : t == METRIC_GAUGE ?
	    "gauge" : "histogram");
}

const uint32_t	 metric_bounds[METRIC_BOUNDS] = {
	1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000,
	1000000, 2000000, 5000000, 10000000, 30000000, 60000000
};

const char *
metric_bound_name(size_t i)
{
	static const char *const names[METRIC_BOUNDS] = {
		"0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1",
		"0.2", "0.5", "1", "2", "5", "10", "30", "60"
	};

	return (i < METRIC_BOUNDS ? names[i] : "+Inf");
}

/* -- rows --------------------------------------------------------------- */

/* What is no UTF-8 becomes '?'. */
static void
put_label(struct mpput *m, const char *s)
{
	struct uri	u = { s, (uint16_t)strlen(s) };
	size_t		i;

	mpput_str(m, u.p, u.len);
	if (m->failed || uri_is_utf8(&u))
		return;
	for (i = m->len - u.len; i < m->len; i++)
		if (m->p[i] >= 0x80)
			m->p[i] = '?';
}

static void
put_head(struct mpput *m, const struct metric_def *d,
    const char *const *labels)
{
	uint32_t	i, n = 0;

	while (n < METRIC_LABELS && d->labels[n] != NULL)
		n++;
	mpput_text(m, "name");
	mpput_text(m, d->name);
	mpput_text(m, "type");
	mpput_text(m, metric_type_name(d->type));
	mpput_text(m, "labels");
	mpput_map(m, n);
	for (i = 0; i < n; i++) {
		mpput_text(m, d->labels[i]);
		put_label(m, labels[i]);
	}
}

void
metric_put(struct mpput *m, enum metric which, const char *const *labels,
    uint64_t n)
{
	put_head(m, &defs[which], labels);
	mpput_text(m, "value");
	if (defs[which].is_ms)
		mpput_double(m, (double)n / 1000);
	else
		mpput_uint(m, n);
}

void
metric_put_hist(struct mpput *m, enum metric which,
    const char *const *labels, const struct metric_hist *h)
{
	uint64_t	n = 0;
	size_t		i;

	put_head(m, &defs[which], labels);
	mpput_text(m, "buckets");
	mpput_map(m, METRIC_BOUNDS + 1);
	for (i = 0; i <= METRIC_BOUNDS; i++) {
		n += h->n[i];
		mpput_text(m, metric_bound_name(i));
		mpput_uint(m, n);
	}
	mpput_text(m, "sum");
	mpput_double(m, (double)h->sum / 1000000);
	mpput_text(m, "count");
	mpput_uint(m, n);
}
