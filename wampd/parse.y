/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampd.conf(5): grammar, lexer and the checks that need no other file,
 * from text to struct conf.  Opens nothing but the configuration and what
 * it includes; certificates, keys and sockets are the parent's.
 *
 * The text may come from somebody who is trusted less than the one who
 * starts wampd: nothing here recurses, waits, or repeats more of a file
 * in an error than one word of it.
 */
%{
#include <sys/types.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "conf.h"
#include "log.h"
#include "parse.h"
#include "wamp.h"
#include "xmalloc.h"

#define MAXERRORS	20
#define MAXMACROS	500
#define MAXMACRONAME	63
#define MAXWORD		8192

struct parser	 parser;

static int	 yylex(void);
static void	 yyerror(const char *);
static void	 skip_statement(void);
static void	 words_free(void);
static void	 macro_set(const char *, const char *);
%}

%union {
	char		*string;
	uint32_t	 bits;
	int		 number;
}

%token	ADDRESS ALLOW ANONYMOUS ANY AUTHENTICATE AUTHID AUTHORIZE BRIEF
%token	BROKERS BURST BYTES CACHE CALL CALLS CBOR CERTIFICATE COMPLETE CONNECTIONS
%token	CRYPTOSIGN DEBUG DELAY DENY DYNAMIC EVERY EXACT FAILURES FROM
%token	GRACE GROUP HANDSHAKE HELLO IDS INCLUDE INSECURE JSON KEY KEYPAIR
%token	IPV6 LIMITS LISTEN LOG LOOSE MEMORY MESSAGE MESSAGES MODE MSGPACK NEVER
%token	OCSP ON ONLY ORIGIN OWNER PATH PER PING PORT PREFIX PREFORK PROTOCOLS
%token	FORMAT PROTOCOL PROXY TEXT
%token	PUBLISH QUEUE RAWSOCKET REALM REGISTER REGISTRATIONS RELAXED
%token	REQUEST ROLE SANDBOX SCRAM SECRET SERIALIZERS SESSION SESSIONS SOCKET
%token	STRICT SUBSCRIBE SUBSCRIPTIONS TICKET TIMEOUT TLS URI USER VERBOSE WAMPCRA
%token	WEBSOCKET WILDCARD
%token	CA CLIENT CRL FINGERPRINT NAME OPTIONAL REQUIRED SUBJECT
%token	ALWAYS ASKED CALLER DISCLOSE EVENTS HISTORY LEVEL MAX META PUBLISHER
%token	READ RETAIN TOPIC TOPICS TRUST WHEN WRITE
%token	CONSUMER DISCONNECT DROP SLOW
%token	CONTROL METRICS
%token	WRONG			/* the lexer found no token */
%token	<string> STRING
%token	<string> MACRO		/* a name with "=" behind */
%type	<string> optauthid
%type	<number> loglevel logformat strictness match disclosemode
%type	<bits> method action actions meta metas discloses serializer
%type	<bits> serializers

%%

conf		: /* empty */
		| conf '\n'
		| conf statement '\n' {
			words_free();
		}
		/* only now, for the line was read to its end */
		| conf INCLUDE STRING '\n' {
			conf_include($3);
			words_free();
		}
		| conf error '\n' {
			parser.is_lost = 1;
			words_free();
			yyerrok;
		}
		;

statement	: macro
		| global
		| limits
		| keypair
		| listen
		| metrics
		| realm
		;

/* The end of a block, even if its last line was wrong. */
close		: '}'
		| error '}' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

optnl		: /* empty */
		| optnl '\n'
		;

macro		: MACRO '=' STRING {
			macro_set($1, $3);
		}
		;

global		: PREFORK STRING {
			set_u32(ONCE_PREFORK, "prefork", $2,
			    &parser.conf->prefork, 1, CONF_MAXPREFORK);
		}
		| BROKERS STRING {
			set_u32(ONCE_BROKERS, "brokers", $2,
			    &parser.conf->brokers, 1, CONF_MAXBROKERS);
		}
		| LOG loglevel {
			if (parse_once(&parser.seen, ONCE_LOG, "log"))
				parser.conf->loglevel = (uint32_t)$2;
		}
		| LOG FORMAT logformat {
			if (parse_once(&parser.seen, ONCE_LOG_FORMAT,
			    "log format"))
				parser.conf->logs_json = (uint32_t)$3;
		}
		| SANDBOX STRICT {
			if (parse_once(&parser.seen, ONCE_SANDBOX, "sandbox"))
				parser.conf->strict = 1;
		}
		| SANDBOX RELAXED {
			if (parse_once(&parser.seen, ONCE_SANDBOX, "sandbox"))
				parser.conf->strict = 0;
		}
		| GRACE STRING {
			set_time(ONCE_GRACE, "grace", $2, &parser.conf->grace,
			    0, 600 * 1000);
		}
		| SECRET STRING {
			secret_path($2);
		}
		| CONTROL SOCKET STRING {
			control_begin($3);
		} controlopt_l {
			control_end();
		}
		;

controlopt_l	: /* empty */
		| controlopt_l controlopt
		;

controlopt	: MODE STRING		{ control_mode($2); }
		| OWNER STRING		{ control_owner($2); }
		| GROUP STRING		{ control_group($2); }
		| READ ONLY		{ control_read_only(); }
		;

logformat	: TEXT		{ $$ = 0; }
		| JSON		{ $$ = 1; }
		;

loglevel	: BRIEF		{ $$ = LOG_LEVEL_BRIEF; }
		| VERBOSE	{ $$ = LOG_LEVEL_VERBOSE; }
		| DEBUG		{ $$ = LOG_LEVEL_DEBUG; }
		;

strictness	: STRICT	{ $$ = 1; }
		| LOOSE		{ $$ = 0; }
		;

limits		: LIMITS '{' limit_l close
		;

limit_l		: /* empty */
		| limit_l '\n'
		| limit_l limit
		| limit_l error '\n'	{ yyerrok; }
		;

limit		: CONNECTIONS STRING {
			limit_set(ONCE_CONNECTIONS, "connections", $2);
		}
		| CONNECTIONS PER ADDRESS STRING {
			limit_per_address($4, NULL);
		}
		| CONNECTIONS PER ADDRESS STRING IPV6 PREFIX STRING {
			limit_per_address($4, $7);
		}
		| MESSAGE STRING {
			limit_set(ONCE_MESSAGE, "message", $2);
		}
		| QUEUE STRING {
			limit_set(ONCE_QUEUE, "queue", $2);
		}
		| SLOW STRING {
			limit_set(ONCE_SLOW, "slow", $2);
		}
		| MEMORY STRING		{ limit_memory($2); }
		| HANDSHAKE STRING {
			limit_set(ONCE_HANDSHAKE, "handshake", $2);
		}
		| HELLO STRING {
			limit_set(ONCE_HELLO, "hello", $2);
		}
		| COMPLETE STRING {
			limit_set(ONCE_COMPLETE, "complete", $2);
		}
		| AUTHENTICATE STRING {
			limit_set(ONCE_AUTHENTICATE, "authenticate", $2);
		}
		| FAILURES STRING PER STRING	{ limit_failures($2, $4); }
		| FAILURES STRING {
			limit_lacks("failures", $2, "\"per\" and a time");
		}
		| FAILURES DELAY STRING {
			limit_set(ONCE_FAILDELAY, "failures delay", $3);
		}
		| METRICS STRING {
			limit_set(ONCE_METRICS, "metrics", $2);
		}
		| METRICS CONNECTIONS STRING {
			limit_set(ONCE_METRICS_CONNECTIONS,
			    "metrics connections", $3);
		}
		| PING EVERY STRING TIMEOUT STRING	{ limit_ping($3, $5); }
		| PING EVERY STRING {
			limit_lacks("ping every", $3,
			    "\"timeout\" and a time");
		}
		| PING NEVER		{ limit_ping(NULL, NULL); }
		| SESSIONS PER AUTHID STRING {
			limit_set(ONCE_PER_AUTHID, "sessions per authid", $4);
		}
		| SESSION '{' session_l close
		;

session_l	: /* empty */
		| session_l '\n'
		| session_l session
		| session_l error '\n'	{ yyerrok; }
		;

session		: SUBSCRIPTIONS STRING {
			limit_set(ONCE_SUBSCRIPTIONS, "subscriptions", $2);
		}
		| REGISTRATIONS STRING {
			limit_set(ONCE_REGISTRATIONS, "registrations", $2);
		}
		| CALLS STRING {
			limit_set(ONCE_CALLS, "calls", $2);
		}
		| MESSAGES STRING PER STRING {
			limit_messages($2, $4, NULL);
		}
		| MESSAGES STRING PER STRING BURST STRING {
			limit_messages($2, $4, $6);
		}
		| MESSAGES STRING {
			limit_lacks("messages", $2, "\"per\" and a time");
		}
		| BYTES STRING PER STRING {
			limit_bytes($2, $4, NULL);
		}
		| BYTES STRING PER STRING BURST STRING {
			limit_bytes($2, $4, $6);
		}
		| BYTES STRING {
			limit_lacks("bytes", $2, "\"per\" and a time");
		}
		;

keypair		: KEYPAIR STRING '{' {
			keypair_begin($2);
		} keypair_l close {
			keypair_end();
		}
		;

keypair_l	: /* empty */
		| keypair_l '\n'
		| keypair_l keypairitem
		| keypair_l error '\n' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

keypairitem	: CERTIFICATE STRING {
			keypair_path(&parser.keypair->cert_path, "certificate",
			    $2);
		}
		| KEY STRING {
			keypair_path(&parser.keypair->key_path, "key", $2);
		}
		| OCSP STRING {
			keypair_path(&parser.keypair->ocsp_path, "ocsp", $2);
		}
		;

listen		: LISTEN ON STRING PORT STRING {
			listen_begin_inet($3, $5);
		} listenopt_l listenblock {
			listen_end();
		}
		| LISTEN ON SOCKET STRING {
			listen_begin_unix($4);
		} listenopt_l listenblock {
			listen_end();
		}
		;

listenopt_l	: /* empty */
		| listenopt_l listenopt
		;

listenopt	: TLS			{ listen_flag(LISTEN_TLS); }
		| INSECURE		{ listen_flag(LISTEN_INSECURE); }
		| ONLY WEBSOCKET	{ listen_only(LISTEN_RAWSOCKET); }
		| ONLY RAWSOCKET	{ listen_only(LISTEN_WEBSOCKET); }
		| MODE STRING		{ listen_mode($2); }
		| OWNER STRING		{ listen_owner($2); }
		| GROUP STRING		{ listen_group($2); }
		| PROXY PROTOCOL FROM	{ listen_proxy(); } from_l
		;

metrics		: METRICS ON STRING PORT STRING {
			metrics_begin_inet($3, $5);
		} metricsopt_l {
			metrics_end();
		}
		| METRICS ON SOCKET STRING {
			metrics_begin_unix($4);
		} metricsopt_l {
			metrics_end();
		}
		;

metricsopt_l	: /* empty */
		| metricsopt_l metricsopt
		;

metricsopt	: INSECURE		{ listen_flag(LISTEN_INSECURE); }
		| MODE STRING		{ listen_mode($2); }
		| OWNER STRING		{ listen_owner($2); }
		| GROUP STRING		{ listen_group($2); }
		;

from_l		: STRING			{ listen_from($1); }
		| from_l ',' optnl STRING	{ listen_from($4); }
		;

listenblock	: /* empty */
		| '{' listenitem_l close
		;

listenitem_l	: /* empty */
		| listenitem_l '\n'
		| listenitem_l listenitem
		| listenitem_l error '\n' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

listenitem	: KEYPAIR STRING	{ listen_keypair($2); }
		| PROTOCOLS STRING	{ listen_protocols($2); }
		| WEBSOCKET PATH path_l
		| WEBSOCKET ORIGIN origin_l
		| SERIALIZERS serializers	{ listen_serializers($2); }
		| RAWSOCKET PING	{ listen_flag(LISTEN_RSPING); }
		| CLIENT CA STRING OPTIONAL	{ listen_client_ca($3, 0); }
		| CLIENT CA STRING REQUIRED	{ listen_client_ca($3, 1); }
		| CLIENT CRL STRING	{ listen_client_crl($3); }
		;

path_l		: STRING			{ listen_path($1); }
		| path_l ',' optnl STRING	{ listen_path($4); }
		;

origin_l	: STRING			{ listen_origin($1); }
		| origin_l ',' optnl STRING	{ listen_origin($4); }
		;

serializers	: serializer
		| serializers ',' optnl serializer	{ $$ = $1 | $4; }
		;

serializer	: JSON			{ $$ = 1 << SER_JSON; }
		| MSGPACK		{ $$ = 1 << SER_MSGPACK; }
		| CBOR			{ $$ = 1 << SER_CBOR; }
		;

realm		: REALM STRING '{' {
			realm_begin($2);
		} realmitem_l close {
			realm_end();
		}
		;

realmitem_l	: /* empty */
		| realmitem_l '\n'
		| realmitem_l realmitem
		| realmitem_l error '\n' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

realmitem	: AUTHENTICATE ANONYMOUS ROLE STRING {
			auth_anonymous($4);
		}
		| AUTHENTICATE SOCKET '{' socketitem_l close
		| AUTHENTICATE TLS '{' tlsitem_l close
		| AUTHENTICATE methods FROM STRING {
			auth_from($4);
		}
		| AUTHENTICATE methods DYNAMIC STRING {
			dynamic_begin($4);
		} authdynopt_l {
			auth_dynamic();
		}
		| URI strictness		{ realm_uri($2); }
		| REQUEST IDS strictness	{ realm_ids($3); }
		| ROLE STRING '{' {
			role_begin($2);
		} roleitem_l close
		| DISCLOSE discloses disclosemode {
			realm_disclose($2, $3);
		}
		| CALL TIMEOUT STRING {
			realm_call_timeout($3, NULL);
		}
		| CALL TIMEOUT MAX STRING {
			realm_call_timeout(NULL, $4);
		}
		| CALL TIMEOUT STRING MAX STRING {
			realm_call_timeout($3, $5);
		}
		| SESSIONS STRING	{ realm_sessions($2); }
		| SLOW CONSUMER DROP		{ realm_slow_consumer(0); }
		| SLOW CONSUMER DISCONNECT	{ realm_slow_consumer(1); }
		| RETAIN NEVER		{ retain_never(); }
		| RETAIN '{' {
			retain_begin();
		} retainitem_l close {
			retain_end();
		}
		| HISTORY '{' {
			history_begin();
		} historyitem_l close {
			history_end();
		}
		;

discloses	: /* empty */		{ $$ = ACTION_PUBLISH | ACTION_CALL; }
		| PUBLISHER		{ $$ = ACTION_PUBLISH; }
		| CALLER		{ $$ = ACTION_CALL; }
		| PUBLISHER CALLER	{ $$ = ACTION_PUBLISH | ACTION_CALL; }
		;

disclosemode	: /* empty */		{ $$ = DISCLOSE_ALWAYS; }
		| ALWAYS		{ $$ = DISCLOSE_ALWAYS; }
		| WHEN ASKED		{ $$ = DISCLOSE_ASKED; }
		| NEVER			{ $$ = DISCLOSE_NEVER; }
		;

retainitem_l	: /* empty */
		| retainitem_l '\n'
		| retainitem_l retainitem
		| retainitem_l error '\n' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

retainitem	: TOPICS STRING		{ retain_topics($2); }
		| MEMORY STRING		{ retain_memory($2); }
		| MESSAGE STRING	{ retain_message($2); }
		;

historyitem_l	: /* empty */
		| historyitem_l '\n'
		| historyitem_l historyitem
		| historyitem_l error '\n' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

historyitem	: TOPIC match STRING	{ history_topic($2, $3); }
		| TOPIC match STRING EVENTS STRING {
			history_topic($2, $3);
			history_events($5);
		}
		| MEMORY STRING		{ history_memory($2); }
		;

methods		: method			{ auth_method($1, 1); }
		| methods ',' optnl method	{ auth_method($4, 0); }
		;

method		: TICKET		{ $$ = AUTH_TICKET; }
		| WAMPCRA		{ $$ = AUTH_WAMPCRA; }
		| SCRAM			{ $$ = AUTH_SCRAM; }
		| CRYPTOSIGN		{ $$ = AUTH_CRYPTOSIGN; }
		| TLS			{ $$ = AUTH_TLS; }
		;

socketitem_l	: /* empty */
		| socketitem_l '\n'
		| socketitem_l socketitem
		| socketitem_l error '\n' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

socketitem	: USER STRING optauthid ROLE STRING {
			auth_socket(CONF_AUTH_USER, $2, $3, $5);
		}
		| GROUP STRING optauthid ROLE STRING {
			auth_socket(CONF_AUTH_GROUP, $2, $3, $5);
		}
		| ANY optauthid ROLE STRING {
			auth_socket(CONF_AUTH_ANYBODY, NULL, $2, $4);
		}
		;

tlsitem_l	: /* empty */
		| tlsitem_l '\n'
		| tlsitem_l tlsitem
		| tlsitem_l error '\n' {
			parser.is_blocklost = 1;
			yyerrok;
		}
		;

tlsitem		: SUBJECT STRING optauthid ROLE STRING {
			auth_tls(CONF_AUTH_SUBJECT, $2, $3, $5);
		}
		| FINGERPRINT STRING optauthid ROLE STRING {
			auth_tls(CONF_AUTH_FINGERPRINT, $2, $3, $5);
		}
		| NAME STRING optauthid ROLE STRING {
			auth_tls(CONF_AUTH_NAME, $2, $3, $5);
		}
		;

optauthid	: /* empty */		{ $$ = NULL; }
		| AUTHID STRING		{ $$ = $2; }
		;

roleitem_l	: /* empty */
		| roleitem_l '\n'
		| roleitem_l roleitem
		| roleitem_l error '\n'	{ yyerrok; }
		;

roleitem	: ALLOW actions		{ role_rule(1, $2, -1, NULL); }
		| ALLOW actions match STRING	{ role_rule(1, $2, $3, $4); }
		| DENY actions		{ role_rule(0, $2, -1, NULL); }
		| DENY actions match STRING	{ role_rule(0, $2, $3, $4); }
		| ALLOW META metas	{ role_rule(1, $3, -1, NULL); }
		| DENY META metas	{ role_rule(0, $3, -1, NULL); }
		| DISCLOSE discloses disclosemode {
			role_disclose($2, $3);
		}
		| TRUST LEVEL STRING	{ role_trust($3); }
		| AUTHORIZE DYNAMIC STRING {
			dynamic_begin($3);
		} dynamicopt_l {
			role_authorize();
		}
		;

authdynopt_l	: /* empty */
		| authdynopt_l authdynopt
		;

authdynopt	: REALM STRING		{ dynamic_realm($2); }
		| TIMEOUT STRING	{ dynamic_timeout($2); }
		;

dynamicopt_l	: /* empty */
		| dynamicopt_l dynamicopt
		;

dynamicopt	: CACHE STRING		{ dynamic_cache($2); }
		| TIMEOUT STRING	{ dynamic_timeout($2); }
		;

actions		: ANY				{ $$ = ACTION_ALL; }
		| action
		| actions ',' optnl action	{ $$ = $1 | $4; }
		;

metas		: meta
		| metas ',' optnl meta		{ $$ = $1 | $4; }
		;

meta		: READ			{ $$ = ACTION_META_READ; }
		| WRITE			{ $$ = ACTION_META_WRITE; }
		;

action		: PUBLISH		{ $$ = ACTION_PUBLISH; }
		| SUBSCRIBE		{ $$ = ACTION_SUBSCRIBE; }
		| CALL			{ $$ = ACTION_CALL; }
		| REGISTER		{ $$ = ACTION_REGISTER; }
		;

match		: EXACT			{ $$ = MATCH_EXACT; }
		| PREFIX		{ $$ = MATCH_PREFIX; }
		| WILDCARD		{ $$ = MATCH_WILDCARD; }
		;

%%

/* -- errors ------------------------------------------------------------- */

static void
verror(const char *file, int line, const char *fmt, va_list ap)
{
	char	text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (line > 0)
		log_warnx("%s:%d: %s", file, line, text);
	else
		log_warnx("%s: %s", file, text);
}

void
conf_error_at(const char *file, int line, const char *fmt, ...)
{
	va_list	ap;

	if (parser.nerrors >= MAXERRORS || parser.is_stopped)
		return;
	parser.nerrors++;
	va_start(ap, fmt);
	verror(file, line, fmt, ap);
	va_end(ap);
}

/* Where the last token stood. */
void
conf_error(const char *fmt, ...)
{
	va_list	ap;

	if (parser.nerrors >= MAXERRORS || parser.is_stopped)
		return;
	parser.nerrors++;
	va_start(ap, fmt);
	verror(parser.file, parser.line, fmt, ap);
	va_end(ap);
}

void
conf_warn_at(const char *file, int line, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	verror(file, line, fmt, ap);
	va_end(ap);
}

/*
 * A word of the file as it may stand in an error, in one of four buffers.
 */
const char *
parse_shown(const char *s)
{
	char	*b = parser.shown[parser.nextshown++ % 4];
	char	 vis[PARSE_MAXQUOTED + 1];
	size_t	 len = strlen(s);

	log_vis(vis, sizeof(vis), s, len);
	snprintf(b, sizeof(parser.shown[0]), "\"%s%s\"", vis,
	    len > PARSE_MAXQUOTED ? "..." : "");
	return (b);
}

/*
 * The same for what need not be a configuration at all: the errors of a
 * root parent are read by people who may not read every file of root's to
 * which an include or a link may have led.
 */
const char *
parse_quoted(const char *s)
{
	return (parser.is_secret ? "(not shown)" : parse_shown(s));
}

static void
yyerror(const char *msg)
{
	if (parser.has_failed)
		parser.has_failed = 0;
	else if (parser.token == '\n')
		conf_error("%s: unexpected end of line", msg);
	else if (parser.token == 0)
		conf_error("%s: unexpected end of file", msg);
	else if (parser.is_secret)
		conf_error("%s", msg);
	else
		conf_error("%s near %s", msg, parse_quoted(parser.word));
	skip_statement();
}

/* The lexer swallows the rest of the statement with all its blocks. */
static void
skip_statement(void)
{
	if (parser.token == '\n' || parser.token == '}' || parser.token == 0)
		return;
	parser.is_skipping = 1;
	parser.skipdepth = 0;
	if (parser.token == '{') {
		parser.skipdepth = 1;
		parser.depth--;
	}
}

/* -- macros ------------------------------------------------------------- */

static struct macro *
macro_find(const char *name)
{
	struct macro	*m;

	TAILQ_FOREACH(m, &parser.macros, entry)
		if (strcmp(m->name, name) == 0)
			return (m);
	return (NULL);
}

static struct macro *
macro_new(const char *name, const char *value)
{
	struct macro	*m;

	m = xcalloc(1, sizeof(*m));
	m->name = xstrdup(name);
	m->value = xstrdup(value);
	TAILQ_INSERT_TAIL(&parser.macros, m, entry);
	parser.nmacros++;
	return (m);
}

static int
is_macro_name(const char *s)
{
	if (*s == '\0' || isdigit((unsigned char)*s) ||
	    strlen(s) > MAXMACRONAME)
		return (0);
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return (0);
	return (1);
}

static void
macro_set(const char *name, const char *value)
{
	struct macro	*m;

	if (!is_macro_name(name)) {
		conf_error("%s cannot be the name of a macro",
		    parse_quoted(name));
		return;
	}
	if ((m = macro_find(name)) == NULL) {
		if (parser.nmacros >= MAXMACROS)
			conf_error("too many macros");
		else
			macro_new(name, value);
		return;
	}
	if (m->is_fixed)
		return;
	free(m->value);
	m->value = xstrdup(value);
}

/* -- lexer -------------------------------------------------------------- */

static const struct keyword {
	const char	*word;
	int		 token;
} keywords[] = {
	/* sorted */
	{ "address",		ADDRESS },
	{ "allow",		ALLOW },
	{ "always",		ALWAYS },
	{ "anonymous",		ANONYMOUS },
	{ "any",		ANY },
	{ "asked",		ASKED },
	{ "authenticate",	AUTHENTICATE },
	{ "authid",		AUTHID },
	{ "authorize",		AUTHORIZE },
	{ "brief",		BRIEF },
	{ "brokers",		BROKERS },
	{ "burst",		BURST },
	{ "bytes",		BYTES },
	{ "ca",			CA },
	{ "cache",		CACHE },
	{ "call",		CALL },
	{ "caller",		CALLER },
	{ "calls",		CALLS },
	{ "cbor",		CBOR },
	{ "certificate",	CERTIFICATE },
	{ "client",		CLIENT },
	{ "complete",		COMPLETE },
	{ "connections",	CONNECTIONS },
	{ "consumer",		CONSUMER },
	{ "control",		CONTROL },
	{ "crl",		CRL },
	{ "cryptosign",		CRYPTOSIGN },
	{ "debug",		DEBUG },
	{ "delay",		DELAY },
	{ "deny",		DENY },
	{ "disclose",		DISCLOSE },
	{ "disconnect",		DISCONNECT },
	{ "drop",		DROP },
	{ "dynamic",		DYNAMIC },
	{ "events",		EVENTS },
	{ "every",		EVERY },
	{ "exact",		EXACT },
	{ "failures",		FAILURES },
	{ "fingerprint",	FINGERPRINT },
	{ "format",		FORMAT },
	{ "from",		FROM },
	{ "grace",		GRACE },
	{ "group",		GROUP },
	{ "handshake",		HANDSHAKE },
	{ "hello",		HELLO },
	{ "history",		HISTORY },
	{ "ids",		IDS },
	{ "include",		INCLUDE },
	{ "insecure",		INSECURE },
	{ "ipv6",		IPV6 },
	{ "json",		JSON },
	{ "key",		KEY },
	{ "keypair",		KEYPAIR },
	{ "level",		LEVEL },
	{ "limits",		LIMITS },
	{ "listen",		LISTEN },
	{ "log",		LOG },
	{ "loose",		LOOSE },
	{ "max",		MAX },
	{ "memory",		MEMORY },
	{ "message",		MESSAGE },
	{ "messages",		MESSAGES },
	{ "meta",		META },
	{ "metrics",		METRICS },
	{ "mode",		MODE },
	{ "msgpack",		MSGPACK },
	{ "name",		NAME },
	{ "never",		NEVER },
	{ "ocsp",		OCSP },
	{ "on",			ON },
	{ "only",		ONLY },
	{ "optional",		OPTIONAL },
	{ "origin",		ORIGIN },
	{ "owner",		OWNER },
	{ "path",		PATH },
	{ "per",		PER },
	{ "ping",		PING },
	{ "port",		PORT },
	{ "prefix",		PREFIX },
	{ "prefork",		PREFORK },
	{ "protocol",		PROTOCOL },
	{ "protocols",		PROTOCOLS },
	{ "proxy",		PROXY },
	{ "publish",		PUBLISH },
	{ "publisher",		PUBLISHER },
	{ "queue",		QUEUE },
	{ "rawsocket",		RAWSOCKET },
	{ "read",		READ },
	{ "realm",		REALM },
	{ "register",		REGISTER },
	{ "registrations",	REGISTRATIONS },
	{ "relaxed",		RELAXED },
	{ "request",		REQUEST },
	{ "required",		REQUIRED },
	{ "retain",		RETAIN },
	{ "role",		ROLE },
	{ "sandbox",		SANDBOX },
	{ "scram",		SCRAM },
	{ "secret",		SECRET },
	{ "serializers",	SERIALIZERS },
	{ "session",		SESSION },
	{ "sessions",		SESSIONS },
	{ "slow",		SLOW },
	{ "socket",		SOCKET },
	{ "strict",		STRICT },
	{ "subject",		SUBJECT },
	{ "subscribe",		SUBSCRIBE },
	{ "subscriptions",	SUBSCRIPTIONS },
	{ "text",		TEXT },
	{ "ticket",		TICKET },
	{ "timeout",		TIMEOUT },
	{ "tls",		TLS },
	{ "topic",		TOPIC },
	{ "topics",		TOPICS },
	{ "trust",		TRUST },
	{ "uri",		URI },
	{ "user",		USER },
	{ "verbose",		VERBOSE },
	{ "wampcra",		WAMPCRA },
	{ "websocket",		WEBSOCKET },
	{ "when",		WHEN },
	{ "wildcard",		WILDCARD },
	{ "write",		WRITE },
};

static int
keyword_cmp(const void *word, const void *k)
{
	return (strcmp(word, ((const struct keyword *)k)->word));
}

static int
keyword_find(const char *word)
{
	const struct keyword	*k;

	k = bsearch(word, keywords, sizeof(keywords) / sizeof(keywords[0]),
	    sizeof(keywords[0]), keyword_cmp);
	return (k != NULL ? k->token : STRING);
}

/* The next character, or -1 at the end of this file. */
static int
peek(const struct source *s)
{
	return (s->off < s->len ? (unsigned char)s->text[s->off] : -1);
}

static int
is_word_char(int c)
{
	return (c >= 0x80 || isalnum(c) ||
	    (c > 0 && strchr("_-.:/%*+@~", c) != NULL));
}

static void
skip_blanks(struct source *s)
{
	int	c;

	while ((c = peek(s)) != -1) {
		if (c == '\\' && s->off + 1 < s->len &&
		    s->text[s->off + 1] == '\n') {
			s->off += 2;
			s->line++;
		} else if (c == ' ' || c == '\t')
			s->off++;
		else if (c == '#')
			while ((c = peek(s)) != -1 && c != '\n')
				s->off++;
		else
			break;
	}
}

/* What was found is no token. */
static int
wrong(const char *what, const char *word)
{
	if (word != NULL)
		conf_error("%s %s", what, parse_quoted(word));
	else
		conf_error("%s", what);
	parser.has_failed = 1;
	return (WRONG);
}

static void
words_free(void)
{
	struct conf_str	*s;

	while ((s = TAILQ_FIRST(&parser.words)) != NULL) {
		TAILQ_REMOVE(&parser.words, s, entry);
		free(s->s);
		free(s);
	}
	parser.word = "";
}

/* Keep a word until its statement is parsed. */
static char *
keep(const char *s, size_t len)
{
	conf_add_str(&parser.words, s, len);
	return (TAILQ_LAST(&parser.words, conf_strs)->s);
}

/* Append what stands in double quotes; 0 or -1. */
static int
lex_quotes(struct source *s, char *buf, size_t *len)
{
	int	c;

	for (s->off++; (c = peek(s)) != '"'; s->off++) {
		if (c == -1 || c == '\n') {
			wrong("string without closing quote", NULL);
			return (-1);
		}
		if (c == '\\' && s->off + 1 < s->len &&
		    strchr("\"\\", s->text[s->off + 1]) != NULL)
			c = s->text[++s->off];
		if (*len >= MAXWORD) {
			wrong("string longer than 8192 octets", NULL);
			return (-1);
		}
		buf[(*len)++] = (char)c;
	}
	s->off++;
	return (0);
}

/* Append a macro's value; 0 or -1. */
static int
lex_macro(struct source *s, char *buf, size_t *len)
{
	struct macro	*m;
	char		 name[MAXMACRONAME + 2];
	size_t		 n = 0;
	int		 c;

	for (s->off++; (c = peek(s)) == '_' || (c != -1 && isalnum(c));
	    s->off++)
		if (n < sizeof(name) - 1)
			name[n++] = (char)c;
	name[n] = '\0';
	if (n == 0) {
		wrong("\"$\" without a macro's name", NULL);
		return (-1);
	}
	if ((m = macro_find(name)) == NULL) {
		wrong("undefined macro", name);
		return (-1);
	}
	m->is_used = 1;
	if (strlen(m->value) > MAXWORD - *len) {
		wrong("string longer than 8192 octets", NULL);
		return (-1);
	}
	memcpy(buf + *len, m->value, strlen(m->value));
	*len += strlen(m->value);
	/* or a small file could ask for much memory */
	parser.noctets += strlen(m->value);
	if (parser.noctets > PARSE_MAXOCTETS) {
		wrong("more than 16 MB, macros expanded", NULL);
		parser.is_stopped = 1;
		return (-1);
	}
	return (0);
}

/*
 * Strings in quotes and macros that follow each other are one string.  Two
 * in quotes are not: there a comma was forgotten.  A macro that stands
 * alone may also stand for a keyword.
 */
static int
lex_string(struct source *s)
{
	char	 buf[MAXWORD];
	size_t	 len = 0, parts = 0;
	int	 c, before = 0;

	while ((c = peek(s)) == '"' || c == '$') {
		if (c == '"' && before == '"')
			return (wrong("two strings in a row "
			    "(is a comma missing?)", NULL));
		before = c;
		if ((c == '"' ? lex_quotes(s, buf, &len) :
		    lex_macro(s, buf, &len)) == -1)
			return (WRONG);
		parts++;
		skip_blanks(s);
	}
	parser.word = yylval.string = keep(buf, len);
	if (parts == 1 && before == '$' && !parser.is_value)
		return (keyword_find(parser.word));
	return (STRING);
}

static int
lex_word(struct source *s)
{
	char	*word;
	size_t	 begin = s->off;
	int	 at_start = parser.token == '\n' && parser.depth == 0;

	while (is_word_char(peek(s)))
		s->off++;
	if (s->off - begin > MAXWORD)
		return (wrong("word longer than 8192 octets", NULL));
	word = keep(s->text + begin, s->off - begin);
	parser.word = yylval.string = word;
	if (parser.is_value)
		return (STRING);
	if (at_start) {
		skip_blanks(s);
		if (peek(s) == '=')
			return (MACRO);
	}
	return (keyword_find(word));
}

/*
 * The end of a file is the end of its last line; a block does not reach
 * beyond it.
 */
static int
lex_end(struct source *s)
{
	if (parser.depth > 0) {
		if (!parser.is_skipping)
			conf_error_at(s->name, parser.openline,
			    "\"{\" without \"}\"");
		parser.closing = parser.depth;
		parser.depth = 0;
	}
	parser.is_skipping = 0;
	if (parser.closing > 0) {
		parser.closing--;
		parser.word = "}";
		return ('}');
	}
	s->is_ended = 1;
	return ('\n');
}

/* The rest of a wrong statement, with the blocks that begin in it. */
static int
lex_skip(struct source *s)
{
	int	c;

	for (; (c = peek(s)) != -1; s->off++) {
		if (c == '#') {
			while (s->off + 1 < s->len &&
			    s->text[s->off + 1] != '\n')
				s->off++;
		} else if (c == '"') {
			while (s->off + 1 < s->len &&
			    (c = s->text[s->off + 1]) != '\n') {
				s->off++;
				if (c == '"')
					break;
				if (c == '\\' && s->off + 1 < s->len &&
				    s->text[s->off + 1] != '\n')
					s->off++;
			}
		} else if (c == '\\' && s->off + 1 < s->len &&
		    s->text[s->off + 1] == '\n') {
			s->off++;
			s->line++;
		} else if (c == '{')
			parser.skipdepth++;
		else if (c == '}' && parser.skipdepth > 0)
			parser.skipdepth--;
		else if (c == '\n' && parser.skipdepth > 0)
			s->line++;
		else if (c == '\n' || c == '}')
			break;
	}
	if (c == -1)
		return (lex_end(s));
	parser.is_skipping = 0;
	parser.line = s->line;
	s->off++;
	if (c == '\n')
		s->line++;
	else if (parser.depth > 0)
		parser.depth--;
	return (c);
}

static int
lex_mark(struct source *s, int c)
{
	s->off++;
	parser.mark[0] = (char)c;
	parser.word = parser.mark;
	switch (c) {
	case '\n':
		s->line++;
		break;
	case '{':
		if (parser.depth++ == 0)
			parser.openline = s->line;
		break;
	case '}':
		if (parser.depth > 0)
			parser.depth--;
		break;
	case ',':
		break;
	case '=':
		parser.is_value = parser.token == MACRO;
		break;
	default:
		return (wrong("unexpected character", parser.mark));
	}
	return (c);
}

static int
lex(struct source *s)
{
	int	c;

	parser.file = s->name;
	parser.is_secret = s->is_secret;
	if (parser.closing > 0)
		return (lex_end(s));
	if (parser.is_skipping)
		return (lex_skip(s));
	skip_blanks(s);
	parser.line = s->line;
	if ((c = peek(s)) == -1)
		return (lex_end(s));
	if (c == '"' || c == '$')
		return (lex_string(s));
	if (is_word_char(c))
		return (lex_word(s));
	return (lex_mark(s, c));
}

static int
yylex(void)
{
	struct source	*s;

	while ((s = parser.top) != NULL) {
		if (parser.nerrors >= MAXERRORS || parser.is_stopped)
			break;
		if (s->is_ended || (s->text == NULL && source_load(s) == -1)) {
			source_pop();
			continue;
		}
		parser.token = lex(s);
		if (parser.token != '=')
			parser.is_value = 0;
		return (parser.token);
	}
	return (parser.token = 0);
}

/* -- the whole ---------------------------------------------------------- */

static void
parser_begin(void)
{
	memset(&parser, 0, sizeof(parser));
	parser.conf = conf_new();
	parser.token = '\n';
	parser.word = "";
	parser.file = "";
	TAILQ_INIT(&parser.macros);
	TAILQ_INIT(&parser.refs);
	TAILQ_INIT(&parser.words);
}

static void
parser_run(const char *name)
{
	long	ncpu;

	/* its result says no more than nerrors does */
	(void)yyparse();
	conf_check_whole(name);
	if (parser.conf->prefork == 0) {
		ncpu = sysconf(_SC_NPROCESSORS_ONLN);
		parser.conf->prefork = ncpu < 1 ? 1 : ncpu > CONF_MAXPREFORK ?
		    CONF_MAXPREFORK : (uint32_t)ncpu;
	}
	control_default();
	if (parser.nerrors == 0)
		conf_warn_whole();
}

static struct conf *
parser_end(void)
{
	struct conf	*c = parser.conf;
	struct macro	*m;
	struct ref	*r;

	while (parser.top != NULL)
		source_pop();
	while ((m = TAILQ_FIRST(&parser.macros)) != NULL) {
		TAILQ_REMOVE(&parser.macros, m, entry);
		if (m->is_fixed && !m->is_used && parser.nerrors == 0)
			log_warnx("-D %s: no such macro is used", m->name);
		free(m->name);
		free(m->value);
		free(m);
	}
	while ((r = TAILQ_FIRST(&parser.refs)) != NULL) {
		TAILQ_REMOVE(&parser.refs, r, entry);
		free(r->name);
		free(r);
	}
	words_free();
	free(parser.dynamic.procedure);
	free(parser.dynamic.realm);
	parser.conf = NULL;
	if (parser.nerrors > 0) {
		conf_free(c);
		return (NULL);
	}
	conf_assign_ids(c, NULL);
	return (c);
}

static void
macro_given(const struct conf_macro *given)
{
	struct macro	*m;
	const char	*p;

	for (p = given->value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			break;
	if (!is_macro_name(given->name) || *p != '\0' ||
	    strlen(given->value) > MAXWORD) {
		log_warnx("-D %s: is no name=value without control characters",
		    parse_shown(given->name));
		parser.nerrors++;
		return;
	}
	if ((m = macro_find(given->name)) == NULL) {
		m = macro_new(given->name, given->value);
		m->is_fixed = 1;
		return;
	}
	free(m->value);
	m->value = xstrdup(given->value);
}

struct conf *
conf_parse(const char *path, const struct conf_macro *given, size_t n)
{
	size_t	i;

	parser_begin();
	for (i = 0; i < n; i++)
		macro_given(&given[i]);
	source_push(path, 0, NULL, 0);
	parser_run(parser.top->name);
	return (parser_end());
}

struct conf *
conf_parse_text(const char *name, const char *text, size_t len)
{
	parser_begin();
	parser.no_include = 1;
	source_push_text(name, text, len);
	parser_run(name);
	return (parser_end());
}
