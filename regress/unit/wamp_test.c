/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Every error has a URI by the strict rules, no two the same; codes and
 * authentication methods have the names that travel on the wire.
 */
#include <err.h>
#include <string.h>

#include "uri.h"
#include "wamp.h"

static void
expect(const char *what, const char *got, const char *want)
{
	if (want == NULL ? got != NULL :
	    got == NULL || strcmp(got, want) != 0)
		errx(1, "%s: got %s, want %s", what, got ? got : "nothing",
		    want ? want : "nothing");
}

int
main(void)
{
	const char	*s;
	struct uri	 u;
	unsigned int	 i, j, n = 0;

	for (i = 1; i < WERR_MAX; i++) {
		s = wamp_err_uri((enum wamp_err)i);
		u.p = s;
		u.len = (uint16_t)strlen(s);
		if (!uri_is_valid(&u, URI_STRICT) || !uri_is_reserved(&u))
			errx(1, "error %u: %s is no URI", i, s);
		if (strncmp(s, "wamp.error.", 11) != 0 &&
		    strncmp(s, "wamp.close.", 11) != 0)
			errx(1, "error %u: %s", i, s);
		for (j = 1; j < i; j++)
			if (strcmp(s, wamp_err_uri((enum wamp_err)j)) == 0)
				errx(1, "errors %u and %u: both %s", j, i, s);
	}
	expect("canceled", wamp_err_uri(WERR_CANCELED),
	    "wamp.error.canceled");
	expect("disclose_me", wamp_err_uri(WERR_OPTION_DISALLOWED_DISCLOSE_ME),
	    "wamp.error.option_disallowed.disclose_me");
	expect("violation", wamp_err_uri(WERR_PROTOCOL_VIOLATION),
	    "wamp.error.protocol_violation");
	expect("goodbye", wamp_err_uri(WERR_GOODBYE_AND_OUT),
	    "wamp.close.goodbye_and_out");
	/* a number that some process made up */
	expect("none", wamp_err_uri(WERR_NONE),
	    "wamp.error.protocol_violation");
	expect("none", wamp_err_uri((enum wamp_err)65535),
	    "wamp.error.protocol_violation");

	for (i = 0; i < 1000; i++)
		if (wamp_code_name(i) != NULL)
			n++;
	if (n != 24)
		errx(1, "%u codes have names, want 24", n);
	expect("32", wamp_code_name(32), "SUBSCRIBE");
	expect("70", wamp_code_name(70), "YIELD");
	expect("7", wamp_code_name(7), NULL);
	expect("71", wamp_code_name(71), NULL);
	expect("-1", wamp_code_name((unsigned int)-1), NULL);

	expect("0", wamp_auth_name(0), NULL);
	expect("3", wamp_auth_name(3), NULL);
	expect("socket", wamp_auth_name(AUTH_SOCKET), "socket");
	expect("scram", wamp_auth_name(AUTH_WAMP_SCRAM), "wamp-scram");
	return (0);
}
