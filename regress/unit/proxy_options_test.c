/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What clients announce and ask for in Details and Options, at a real
 * tlsproxy: right values reach the broker, wrong ones are answered as the
 * notes say.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "proxy_play.h"

#define B0	(&brokers[0])

/* -- features ----------------------------------------------------------- */

static void
announces(const char *roles, uint32_t want)
{
	struct client	c;
	unsigned int	n = B0->nfeatures;
	char		msg[512];

	client_open(&c, 0, SER_JSON, 15);
	snprintf(msg, sizeof(msg), "[1,\"realm1\",{\"roles\":{%s}}]", roles);
	client_say(&c, msg);
	hello_heard(&c, 1);
	send_open(&c);
	client_want_like(&c, "[2,");
	side_quiet(B0);
	if (B0->nfeatures != n + 1 || B0->features != want)
		errx(1, "%s: %u SESSION_FEATURES, %#x, want %#x", roles,
		    B0->nfeatures - n, B0->features, want);
	leave(&c);
}

static void
announces_wrongly(const char *roles)
{
	struct client	c;
	char		msg[512];

	client_open(&c, 0, SER_JSON, 15);
	snprintf(msg, sizeof(msg), "[1,\"realm1\",{\"roles\":%s}]", roles);
	client_say(&c, msg);
	client_want_like(&c, "[3,{\"message\":");
	if (strstr((char *)c.msg, "protocol_violation") == NULL)
		errx(1, "%s: %s", roles, (char *)c.msg);
	client_is_closed(&c);
	side_quiet(&keeper);
}

static void
features(void)
{
	announces("\"caller\":{}", 0);
	announces("\"nobody\":7,\"caller\":null,\"callee\":{\"x\":1}", 0);
	announces("\"callee\":{\"features\":null}", 0);
	announces("\"callee\":{\"features\":{\"call_timeout\":null,"
	    "\"shared_registration\":1,\"call_reroute\":false}}", 0);
	announces("\"caller\":{\"features\":{\"progressive_call_invocations\":"
	    "true,\"payload_passthru_mode\":true,\"call_timeout\":true}}",
	    FEAT_CALLER_PROGRESS_IN | FEAT_CALLER_PPT);
	announces("\"callee\":{\"features\":{\"call_canceling\":true,"
	    "\"call_timeout\":true,\"progressive_call_results\":true,"
	    "\"progressive_call_invocations\":true,"
	    "\"caller_identification\":true,\"call_trustlevels\":true,"
	    "\"call_reroute\":true,\"registration_revocation\":true,"
	    "\"payload_passthru_mode\":true}}", FEAT_CALLEE_CANCELING |
	    FEAT_CALLEE_TIMEOUT | FEAT_CALLEE_PROGRESS |
	    FEAT_CALLEE_PROGRESS_IN | FEAT_CALLEE_CALLER |
	    FEAT_CALLEE_TRUST | FEAT_CALLEE_REROUTE |
	    FEAT_CALLEE_REVOCATION | FEAT_CALLEE_PPT);
	announces("\"publisher\":{\"features\":{\"payload_passthru_mode\":"
	    "true}},\"subscriber\":{\"features\":{\"payload_passthru_mode\":"
	    "true,\"publisher_identification\":true,"
	    "\"publication_trustlevels\":true,\"subscription_revocation\":"
	    "true}}", FEAT_PUBLISHER_PPT | FEAT_SUBSCRIBER_PPT |
	    FEAT_SUBSCRIBER_PUBLISHER | FEAT_SUBSCRIBER_TRUST |
	    FEAT_SUBSCRIBER_REVOCATION);
	/* names of old; and what takes canceling */
	announces("\"callee\":{\"features\":{\"call_cancelling\":true,"
	    "\"progressive_calls\":true}}", FEAT_CALLEE_CANCELING |
	    FEAT_CALLEE_PROGRESS);
	announces("\"callee\":{\"features\":{\"progressive_call_results\":"
	    "true,\"progressive_call_invocations\":true,\"call_reroute\":true"
	    "}},\"caller\":{\"features\":{\"call_canceling\":true}}",
	    FEAT_CALLEE_REROUTE);
	pp_ok("SESSION_FEATURES says what HELLO announced");

	announces_wrongly("{}");
	announces_wrongly("[\"caller\"]");
	announces_wrongly("{\"caller\":{},\"caller\":{}}");
	announces_wrongly("{\"caller\":true}");
	announces_wrongly("{\"caller\":{\"features\":true}}");
	announces_wrongly("{\"caller\":{\"features\":{\"x\":1,\"x\":1}}}");
	announces_wrongly("{\"callee\":{\"features\":{\"call_timeout\":1}}}");
	announces_wrongly("{\"callee\":{\"features\":{\"call_canceling\":"
	    "\"yes\"}}}");
	pp_ok("features of wrong types");
}

int
main(void)
{
	struct conf	*c = pconf_new();

	pconf_listen(c, 0, LISTEN_INSECURE);
	pp_start(PROXY_NET, c);
	features();
	pp_stop();
	return (0);
}
