/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The command line: options, verb, URI and arguments.  What is wrong with
 * it is said in a line, and the exit status is 1.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "utf8.h"
#include "wamp.h"
#include "wampc.h"
#include "xmalloc.h"

#define DEFAULT_SOCKET	RUNDIR "/wampd/wampd.sock"
#define DEFAULT_REALM	"realm1"
#define MESSAGE_MIN	512
#define MESSAGE_MAX	16777216
#define SECONDS_MAX	100000000	/* three years */
#define ATONCE_MAX	1000

enum {
	OPT_AUTH = 256,
	OPT_AUTHID,
	OPT_CAFILE,
	OPT_CERT,
	OPT_DANE,
	OPT_INSECURE,
	OPT_KEY,
	OPT_KEYFILE,
	OPT_MESSAGE,
	OPT_OWNER,
	OPT_PIN,
	OPT_RESOLVER,
	OPT_SECRETFILE,
	OPT_SERIALIZER,
	OPT_TICKETFILE,
	OPT_ANCHOR
};

static const struct option longopts[] = {
	{ "auth",	required_argument,	NULL, OPT_AUTH },
	{ "authid",	required_argument,	NULL, OPT_AUTHID },
	{ "cafile",	required_argument,	NULL, OPT_CAFILE },
	{ "cert",	required_argument,	NULL, OPT_CERT },
	{ "dane",	no_argument,		NULL, OPT_DANE },
	{ "insecure",	no_argument,		NULL, OPT_INSECURE },
	{ "key",	required_argument,	NULL, OPT_KEY },
	{ "key-file",	required_argument,	NULL, OPT_KEYFILE },
	{ "message",	required_argument,	NULL, OPT_MESSAGE },
	{ "owner",	required_argument,	NULL, OPT_OWNER },
	{ "pin",	required_argument,	NULL, OPT_PIN },
	{ "resolver",	required_argument,	NULL, OPT_RESOLVER },
	{ "secret-file", required_argument,	NULL, OPT_SECRETFILE },
	{ "serializer",	required_argument,	NULL, OPT_SERIALIZER },
	{ "ticket-file", required_argument,	NULL, OPT_TICKETFILE },
	{ "trust-anchor", required_argument,	NULL, OPT_ANCHOR },
	{ NULL,		0,			NULL, 0 }
};

/*
 * What the four can do of the Advanced Profile.  Of a callee, call_reroute:
 * it answers wamp.error.unavailable when too many calls wait.
 */
static const char *const subscriber_features[] = {
	"pattern_based_subscription", "publication_trustlevels",
	"publisher_identification", "subscription_revocation", NULL
};
static const char *const publisher_features[] = {
	"publisher_exclusion", "publisher_identification",
	"subscriber_blackwhite_listing", NULL
};
static const char *const caller_features[] = {
	"call_canceling", "call_timeout", "caller_identification",
	"progressive_call_results", NULL
};
static const char *const callee_features[] = {
	"call_canceling", "call_reroute", "call_trustlevels",
	"caller_identification", "pattern_based_registration",
	"registration_revocation", "shared_registration", NULL
};

static const struct verb verbs[] = {
	{ "subscribe",	WAMP_ROLE_SUBSCRIBER,	"subscriber",
	    subscriber_features, 0, 1, sub_start, NULL },
	{ "publish",	WAMP_ROLE_PUBLISHER,	"publisher",
	    publisher_features, 1, 0, pub_start, pub_drained },
	{ "call",	WAMP_ROLE_CALLER,	"caller",
	    caller_features, 1, 0, call_start, NULL },
	{ "register",	WAMP_ROLE_CALLEE,	"callee",
	    callee_features, 0, 1, reg_start, reg_drained },
};
#define NVERBS	(sizeof(verbs) / sizeof(verbs[0]))

/* What the options say before it is known which verb they belong to. */
struct words {
	char		**v;		/* verb, uri, arguments */
	int		  n;
	char		**rest;		/* behind "--" */
	int		  nrest, has_rest;
	char		**opts;		/* of -o, and of us */
	int		  nopts;
	const char	 *url, *socket, *json, *file;
	int		  has_count, has_atonce;
};

__attribute__((noreturn))
static void
usage(void)
{
	fprintf(stderr,
	    "usage: wampc [-dqvV] [-o name[=value]] [-r realm]"
	    " [-u url | -s socket]\n"
	    "             [-w seconds]\n"
	    "             [--cafile file] [--pin sha256:hash] [--cert file --key file]\n"
	    "             [--dane [--resolver address[@port]]"
	    " [--trust-anchor file]]\n"
	    "             [--insecure] [--owner user] [--message octets]\n"
	    "             [--serializer json|msgpack|cbor] [--auth methods]\n"
	    "             [--authid name] [--ticket-file file]"
	    " [--secret-file file]\n"
	    "             [--key-file file]\n"
	    "             subscribe [-n count] uri\n"
	    "             publish [-j document | -f file | -l] uri"
	    " [argument ...] [key=value ...]\n"
	    "             call [-j document | -f file] uri"
	    " [argument ...] [key=value ...]\n"
	    "             register [-c commands] [-n count] uri"
	    " -- command [argument ...]\n"
	    "       wampc passwd -m ticket|wampcra|scram [-r role] [-k kdf]"
	    " authid\n"
	    "       wampc key [-i file | -o file] [-r role] [authid]\n");
	exit(ST_USAGE);
}

__attribute__((noreturn, format(printf, 1, 2)))
static void
wrong(const char *fmt, ...)
{
	char	text[512];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("%s", text);
	exit(ST_USAGE);
}

/* -- options ------------------------------------------------------------ */

static uint64_t
number(const char *what, const char *text, uint64_t min, uint64_t max)
{
	char			*end;
	unsigned long long	 n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    n < min || n > max)
		wrong("%s: must be a number from %llu to %llu", what,
		    (unsigned long long)min, (unsigned long long)max);
	return (n);
}

/* As in wampd.conf(5): 4096, 64k, 1m. */
static size_t
octets(const char *what, const char *text)
{
	char	digits[16];
	size_t	len = strlen(text), unit = 1;

	if (len > 1 && len < sizeof(digits) && text[len - 1] == 'k')
		unit = 1024;
	else if (len > 1 && len < sizeof(digits) && text[len - 1] == 'm')
		unit = 1024 * 1024;
	if (unit != 1) {
		memcpy(digits, text, len - 1);
		digits[len - 1] = '\0';
		text = digits;
	}
	return ((size_t)number(what, text,
	    (MESSAGE_MIN + unit - 1) / unit, MESSAGE_MAX / unit) * unit);
}

static double
seconds(const char *text)
{
	double	 d;
	char	*end;

	d = strtod(text, &end);
	if (text[strspn(text, "0123456789.")] != '\0' || end == text ||
	    *end != '\0' || !(d >= 0.001 && d <= SECONDS_MAX))
		wrong("-w: must be a number of seconds");
	return (d);
}

static enum ser
serializer(const char *name)
{
	enum ser	ser;

	for (ser = SER_JSON; ser < SER_MAX; ser++)
		if (strcmp(name, ser_name(ser)) == 0)
			return (ser);
	wrong("--serializer: must be json, msgpack or cbor");
}

static uid_t
user(const char *name)
{
	struct passwd	*pw;

	if ((pw = getpwnam(name)) != NULL)
		return (pw->pw_uid);
	if (name[0] >= '0' && name[0] <= '9')
		return ((uid_t)number("--owner", name, 0, UINT32_MAX - 1));
	wrong("--owner: no such user: %s", name);
}

/* "name" is "name=true" */
static void
msg_option(struct words *w, const char *text)
{
	char	*opt;

	if (asprintf(&opt, "%s%s", text,
	    strchr(text, '=') == NULL ? "=true" : "") == -1)
		wrong("out of memory");
	w->opts[w->nopts++] = opt;
}

static void
one_option(struct options *o, struct words *w, int ch)
{
	const char	*why;

	switch (ch) {
	case 'c':
		o->atonce = (unsigned int)number("-c", optarg, 1, ATONCE_MAX);
		w->has_atonce = 1;
		break;
	case 'd':
		o->details = 1;
		break;
	case 'f':
		w->file = optarg;
		break;
	case 'j':
		w->json = optarg;
		break;
	case 'l':
		o->lines = 1;
		break;
	case 'n':
		o->count = number("-n", optarg, 1, WAMP_ID_MAX);
		w->has_count = 1;
		break;
	case 'o':
		msg_option(w, optarg);
		break;
	case 'q':
		o->quiet = 1;
		break;
	case 'r':
		o->realm = optarg;
		break;
	case 's':
		w->socket = optarg;
		break;
	case 'u':
		w->url = optarg;
		break;
	case 'v':
		o->verbose = 1;
		break;
	case 'V':
		printf("wampc %s\n", VERSION);
		exit(ST_OK);
	case 'w':
		o->seconds = seconds(optarg);
		break;
	case OPT_AUTH:
		o->auth = optarg;
		break;
	case OPT_AUTHID:
		o->authid = optarg;
		break;
	case OPT_CAFILE:
		o->cafile = optarg;
		break;
	case OPT_CERT:
		o->certfile = optarg;
		break;
	case OPT_DANE:
		o->dane = 1;
		break;
	case OPT_INSECURE:
		o->insecure = 1;
		break;
	case OPT_KEY:
		o->keyfile = optarg;
		break;
	case OPT_KEYFILE:
		o->signkey = optarg;
		break;
	case OPT_MESSAGE:
		o->maxmsg = octets("--message", optarg);
		break;
	case OPT_OWNER:
		o->owner = user(optarg);
		break;
	case OPT_PIN:
		if ((why = pin_add(&o->pins, optarg)) != NULL)
			wrong("--pin: %s", why);
		break;
	case OPT_RESOLVER:
		o->resolver = optarg;
		break;
	case OPT_SECRETFILE:
		o->secretfile = optarg;
		break;
	case OPT_TICKETFILE:
		o->ticketfile = optarg;
		break;
	case OPT_SERIALIZER:
		o->ser = serializer(optarg);
		break;
	case OPT_ANCHOR:
		o->anchor = optarg;
		break;
	default:
		usage();
	}
}

/*
 * Options may stand before and between the words, up to "--".  A negative
 * number is no option.
 */
static void
read_words(struct options *o, struct words *w, int argc, char **argv)
{
	const char	*next;
	int		 ch;

	w->v = xcalloc((size_t)argc + 1, sizeof(*w->v));
	w->opts = xcalloc((size_t)argc + 1, sizeof(*w->opts));
	while (optind < argc) {
		next = argv[optind];
		if (strcmp(next, "--") == 0) {
			w->has_rest = 1;
			w->rest = argv + optind + 1;
			w->nrest = argc - optind - 1;
			return;
		}
		if (next[0] != '-' || next[1] == '\0' ||
		    (next[1] >= '0' && next[1] <= '9')) {
			w->v[w->n++] = argv[optind++];
			continue;
		}
		ch = getopt_long(argc, argv, "+c:df:j:ln:o:qr:s:u:vVw:",
		    longopts, NULL);
		if (ch != -1)
			one_option(o, w, ch);
	}
}

/* -- the payload -------------------------------------------------------- */

static void
read_file(const char *path, struct wbuf *w)
{
	uint8_t	*room;
	ssize_t	 n;
	int	 fd = STDIN_FILENO;

	if (strcmp(path, "-") != 0 &&
	    (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		wrong("%s: %s", path, strerror(errno));
	for (;;) {
		if ((room = wbuf_room(w, 65536)) == NULL)
			wrong("%s: out of memory", path);
		if ((n = read(fd, room, 65536)) == -1) {
			if (errno == EINTR)
				continue;
			wrong("%s: %s", path, strerror(errno));
		}
		if (n == 0)
			break;
		w->len += (size_t)n;
		if (w->len > MESSAGE_MAX)
			wrong("%s: longer than any message", path);
	}
	if (fd != STDIN_FILENO)
		close(fd);
	/* the newline at the end of a text file is not part of the text */
	if (w->len > 0 && w->buf[w->len - 1] == '\n')
		w->len--;
}

static void
read_payload(struct options *o, const struct words *w)
{
	struct wbuf	 text;
	const char	*why;
	char		**all;
	int		 n = w->n - 2;

	if ((w->json != NULL) + (w->file != NULL) + o->lines +
	    (n + w->nrest > 0) > 1)
		wrong("only one of arguments, -j, -f and -l");
	if (w->json != NULL) {
		why = payload_document(&o->payload, w->json,
		    strlen(w->json), 0);
		if (why != NULL)
			wrong("-j: %s", why);
	} else if (w->file != NULL) {
		memset(&text, 0, sizeof(text));
		read_file(w->file, &text);
		why = payload_document(&o->payload, text.buf, text.len, 1);
		if (why != NULL)
			wrong("%s: %s", w->file, why);
		wbuf_free(&text);
	} else if (!o->lines) {
		all = xcalloc((size_t)(n + w->nrest) + 1, sizeof(*all));
		memcpy(all, w->v + 2, (size_t)n * sizeof(*all));
		if (w->nrest > 0)
			memcpy(all + n, w->rest,
			    (size_t)w->nrest * sizeof(*all));
		why = payload_words(&o->payload, all, n + w->nrest);
		if (why != NULL)
			wrong("%s", why);
		free(all);
	}
}

static void
read_msgopts(struct options *o, const struct verb *verb, struct words *w)
{
	const char	*why;

	/* so that the exit status tells */
	if (verb->role == WAMP_ROLE_PUBLISHER)
		msg_option(w, "acknowledge");
	why = payload_words(&o->msgopts, w->opts, w->nopts);
	if (why == NULL && o->msgopts.nargs > 0)
		why = "must be a name, or name=value";
	if (why != NULL)
		wrong("-o: %s", why);
	while (w->nopts > 0)
		free(w->opts[--w->nopts]);
	free(w->opts);
}

static void
check_uri(const char *what, const char *uri, int may_be_empty)
{
	size_t	len = strlen(uri);

	/* the router judges the rest by the rules of its realm */
	if ((len == 0 && !may_be_empty) || len > URI_MAXLEN ||
	    !utf8_ok((const uint8_t *)uri, len))
		wrong("%s: not a URI", what);
}

static const struct verb *
find_verb(const char *name)
{
	size_t	i;

	for (i = 0; i < NVERBS; i++)
		if (strcmp(name, verbs[i].name) == 0)
			return (&verbs[i]);
	if (strcmp(name, "passwd") == 0 || strcmp(name, "key") == 0)
		wrong("%s: must be the first word", name);
	wrong("%s: must be subscribe, publish, call, register, passwd or key",
	    name);
}

static void
read_target(struct options *o, const struct words *w)
{
	const char	*why;

	if (w->url != NULL && w->socket != NULL)
		wrong("only one of -u and -s");
	if (w->url != NULL) {
		if ((why = url_parse(&o->url, w->url)) != NULL)
			wrong("-u: %s", why);
	} else
		url_socket(&o->url, w->socket == NULL ? DEFAULT_SOCKET :
		    w->socket);
	if ((why = tlsclient_options(o)) != NULL)
		wrong("%s", why);
	if (o->insecure && o->url.scheme != SCHEME_RS &&
	    o->url.scheme != SCHEME_WS)
		wrong("--insecure: for rs:// and ws:// only");
}

const struct verb *
options_read(struct options *o, int argc, char **argv)
{
	const struct verb	*verb;
	struct words		 w;
	struct val		 match;

	memset(&w, 0, sizeof(w));
	if ((o->realm = getenv("WAMP_REALM")) == NULL || *o->realm == '\0')
		o->realm = DEFAULT_REALM;
	o->ser = SER_MSGPACK;
	o->maxmsg = MESSAGE_MAX;
	o->owner = geteuid();
	o->atonce = 1;
	read_words(o, &w, argc, argv);
	if (w.n == 0)
		usage();
	verb = find_verb(w.v[0]);
	if (w.n < 2)
		usage();
	o->uri = w.v[1];
	read_msgopts(o, verb, &w);
	check_uri(verb->name, o->uri,
	    payload_kwarg(&o->msgopts, "match", &match));
	check_uri("-r", o->realm, 0);
	read_target(o, &w);

	if (!verb->has_args && (w.n > 2 || w.json != NULL || w.file != NULL))
		wrong("%s takes no arguments", verb->name);
	if (o->lines && verb->role != WAMP_ROLE_PUBLISHER)
		wrong("-l: for publish only");
	if (w.has_count && !verb->is_service)
		wrong("-n: for subscribe and register only");
	if (o->details && verb->role == WAMP_ROLE_PUBLISHER)
		wrong("-d: not for publish");
	if (w.has_atonce && verb->role != WAMP_ROLE_CALLEE)
		wrong("-c: for register only");
	if (verb->has_args)
		read_payload(o, &w);
	else if (verb->role == WAMP_ROLE_CALLEE) {
		if (w.nrest == 0)
			wrong("register: a command after \"--\" is missing");
		o->command = w.rest;
	} else if (w.nrest > 0)
		wrong("%s takes no arguments", verb->name);
	free(w.v);
	return (verb);
}
