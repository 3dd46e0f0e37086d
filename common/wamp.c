/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Names of the WAMP specification for the numbers of wamp.h.
 */
#include <stddef.h>

#include "wamp.h"

static const char *const codes[] = {
	[WAMP_HELLO] = "HELLO",
	[WAMP_WELCOME] = "WELCOME",
	[WAMP_ABORT] = "ABORT",
	[WAMP_CHALLENGE] = "CHALLENGE",
	[WAMP_AUTHENTICATE] = "AUTHENTICATE",
	[WAMP_GOODBYE] = "GOODBYE",
	[WAMP_ERROR] = "ERROR",
	[WAMP_PUBLISH] = "PUBLISH",
	[WAMP_PUBLISHED] = "PUBLISHED",
	[WAMP_SUBSCRIBE] = "SUBSCRIBE",
	[WAMP_SUBSCRIBED] = "SUBSCRIBED",
	[WAMP_UNSUBSCRIBE] = "UNSUBSCRIBE",
	[WAMP_UNSUBSCRIBED] = "UNSUBSCRIBED",
	[WAMP_EVENT] = "EVENT",
	[WAMP_CALL] = "CALL",
	[WAMP_CANCEL] = "CANCEL",
	[WAMP_RESULT] = "RESULT",
	[WAMP_REGISTER] = "REGISTER",
	[WAMP_REGISTERED] = "REGISTERED",
	[WAMP_UNREGISTER] = "UNREGISTER",
	[WAMP_UNREGISTERED] = "UNREGISTERED",
	[WAMP_INVOCATION] = "INVOCATION",
	[WAMP_INTERRUPT] = "INTERRUPT",
	[WAMP_YIELD] = "YIELD"
};

/* WAMP, Basic Profile URIs and Advanced Profile URIs. */
static const char *const errors[WERR_MAX] = {
	[WERR_INVALID_URI] = "wamp.error.invalid_uri",
	[WERR_NO_SUCH_PROCEDURE] = "wamp.error.no_such_procedure",
	[WERR_PROCEDURE_ALREADY_EXISTS] =
	    "wamp.error.procedure_already_exists",
	[WERR_NO_SUCH_REGISTRATION] = "wamp.error.no_such_registration",
	[WERR_NO_SUCH_SUBSCRIPTION] = "wamp.error.no_such_subscription",
	[WERR_INVALID_ARGUMENT] = "wamp.error.invalid_argument",
	[WERR_SYSTEM_SHUTDOWN] = "wamp.close.system_shutdown",
	[WERR_CLOSE_REALM] = "wamp.close.close_realm",
	[WERR_GOODBYE_AND_OUT] = "wamp.close.goodbye_and_out",
	[WERR_CLOSE_NORMAL] = "wamp.close.normal",
	[WERR_KILLED] = "wamp.close.killed",
	[WERR_PROTOCOL_VIOLATION] = "wamp.error.protocol_violation",
	[WERR_NOT_AUTHORIZED] = "wamp.error.not_authorized",
	[WERR_AUTHORIZATION_FAILED] = "wamp.error.authorization_failed",
	[WERR_NO_SUCH_REALM] = "wamp.error.no_such_realm",
	[WERR_NO_SUCH_ROLE] = "wamp.error.no_such_role",
	/* "cancelled" in one place of the specification; all send this one */
	[WERR_CANCELED] = "wamp.error.canceled",
	[WERR_OPTION_NOT_ALLOWED] = "wamp.error.option_not_allowed",
	[WERR_OPTION_DISALLOWED_DISCLOSE_ME] =
	    "wamp.error.option_disallowed.disclose_me",
	[WERR_NO_ELIGIBLE_CALLEE] = "wamp.error.no_eligible_callee",
	[WERR_NO_AVAILABLE_CALLEE] = "wamp.error.no_available_callee",
	[WERR_FEATURE_NOT_SUPPORTED] = "wamp.error.feature_not_supported",
	[WERR_NO_MATCHING_AUTH_METHOD] =
	    "wamp.error.no_matching_auth_method",
	[WERR_AUTHENTICATION_DENIED] = "wamp.error.authentication_denied",
	[WERR_AUTHENTICATION_FAILED] = "wamp.error.authentication_failed",
	[WERR_PAYLOAD_SIZE_EXCEEDED] = "wamp.error.payload_size_exceeded",
	[WERR_TIMEOUT] = "wamp.error.timeout",
	[WERR_NO_SUCH_SESSION] = "wamp.error.no_such_session"
};

const char *
wamp_code_name(unsigned int code)
{
	if (code >= sizeof(codes) / sizeof(codes[0]))
		return (NULL);
	return (codes[code]);
}

const char *
wamp_err_uri(enum wamp_err e)
{
	if ((unsigned int)e >= WERR_MAX || errors[e] == NULL)
		return ("wamp.error.protocol_violation");
	return (errors[e]);
}

const char *
wamp_auth_name(unsigned int bit)
{
	switch (bit) {
	case AUTH_ANONYMOUS:
		return ("anonymous");
	case AUTH_SOCKET:
		return ("socket");
	case AUTH_TLS:
		return ("tls");
	case AUTH_TICKET:
		return ("ticket");
	case AUTH_WAMPCRA:
		return ("wampcra");
	case AUTH_SCRAM:
		return ("scram");
	case AUTH_WAMP_SCRAM:
		return ("wamp-scram");
	case AUTH_CRYPTOSIGN:
		return ("cryptosign");
	default:
		return (NULL);
	}
}
