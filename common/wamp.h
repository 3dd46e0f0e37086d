/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Numbers and names of the WAMP specification.
 */
#ifndef WAMPD_WAMP_H
#define WAMPD_WAMP_H

#include <stdint.h>

/* WAMP, Message Codes and Direction */
enum wamp_code {
	WAMP_HELLO = 1,
	WAMP_WELCOME = 2,
	WAMP_ABORT = 3,
	WAMP_CHALLENGE = 4,
	WAMP_AUTHENTICATE = 5,
	WAMP_GOODBYE = 6,
	WAMP_ERROR = 8,
	WAMP_PUBLISH = 16,
	WAMP_PUBLISHED = 17,
	WAMP_SUBSCRIBE = 32,
	WAMP_SUBSCRIBED = 33,
	WAMP_UNSUBSCRIBE = 34,
	WAMP_UNSUBSCRIBED = 35,
	WAMP_EVENT = 36,
	WAMP_CALL = 48,
	WAMP_CANCEL = 49,
	WAMP_RESULT = 50,
	WAMP_REGISTER = 64,
	WAMP_REGISTERED = 65,
	WAMP_UNREGISTER = 66,
	WAMP_UNREGISTERED = 67,
	WAMP_INVOCATION = 68,
	WAMP_INTERRUPT = 69,
	WAMP_YIELD = 70
};
#define WAMP_CODES	(WAMP_YIELD + 1)
const char	*wamp_code_name(unsigned int);	/* "SUBSCRIBE", or NULL */

#define WAMP_ID_MAX	9007199254740992ULL	/* 2^53, WAMP, IDs */

/*
 * Reasons and errors, as numbers inside wampd and URIs on the wire
 * (WAMP, Predefined URIs).  The numbers travel in imsgs.
 */
enum wamp_err {
	WERR_NONE = 0,
	WERR_INVALID_URI,
	WERR_NO_SUCH_PROCEDURE,
	WERR_PROCEDURE_ALREADY_EXISTS,
	WERR_NO_SUCH_REGISTRATION,
	WERR_NO_SUCH_SUBSCRIPTION,
	WERR_INVALID_ARGUMENT,
	WERR_SYSTEM_SHUTDOWN,		/* wamp.close.system_shutdown */
	WERR_CLOSE_REALM,		/* wamp.close.close_realm */
	WERR_GOODBYE_AND_OUT,		/* wamp.close.goodbye_and_out */
	WERR_CLOSE_NORMAL,		/* wamp.close.normal */
	WERR_KILLED,			/* wamp.close.killed */
	WERR_PROTOCOL_VIOLATION,
	WERR_NOT_AUTHORIZED,
	WERR_AUTHORIZATION_FAILED,
	WERR_NO_SUCH_REALM,
	WERR_NO_SUCH_ROLE,
	WERR_CANCELED,
	WERR_OPTION_NOT_ALLOWED,
	WERR_OPTION_DISALLOWED_DISCLOSE_ME,
	WERR_NO_ELIGIBLE_CALLEE,
	WERR_NO_AVAILABLE_CALLEE,
	WERR_FEATURE_NOT_SUPPORTED,
	WERR_NO_MATCHING_AUTH_METHOD,
	WERR_AUTHENTICATION_DENIED,
	WERR_AUTHENTICATION_FAILED,
	WERR_PAYLOAD_SIZE_EXCEEDED,
	WERR_TIMEOUT,
	WERR_NO_SUCH_SESSION,
	WERR_MAX
};
/* Never NULL: what is no error is reported as protocol_violation. */
const char	*wamp_err_uri(enum wamp_err);

/* Roles of a client, bits (HELLO.Details.roles). */
#define WAMP_ROLE_PUBLISHER	0x01
#define WAMP_ROLE_SUBSCRIBER	0x02
#define WAMP_ROLE_CALLER	0x04
#define WAMP_ROLE_CALLEE	0x08

/* What a session may want to do: bits, also in the role rules. */
#define ACTION_PUBLISH		0x01
#define ACTION_SUBSCRIBE	0x02
#define ACTION_CALL		0x04
#define ACTION_REGISTER		0x08
#define ACTION_ALL		0x0f
/* Only in rules, which then have no URI: all below "wamp." of that class. */
#define ACTION_META_READ	0x10
#define ACTION_META_WRITE	0x20
#define ACTION_META		0x30

/* Authentication methods, bits; the names are wamp_auth_name()'s. */
#define AUTH_ANONYMOUS		0x01
#define AUTH_SOCKET		0x02
#define AUTH_TLS		0x04
#define AUTH_TICKET		0x08
#define AUTH_WAMPCRA		0x10
#define AUTH_SCRAM		0x20
#define AUTH_WAMP_SCRAM		0x40
#define AUTH_CRYPTOSIGN		0x80
#define AUTH_METHODS		8	/* bits */
const char	*wamp_auth_name(unsigned int bit);	/* or NULL */

#endif /* WAMPD_WAMP_H */
