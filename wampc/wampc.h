/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The shell client.  One connection, one session, one verb:
 * connect.c moves octets, transport.c makes messages of them, session.c
 * checks and dispatches these, and a file a verb does the rest.
 */
#ifndef WAMPD_WAMPC_H
#define WAMPD_WAMPC_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "rawsocket.h"
#include "tlsa.h"
#include "uri.h"
#include "websocket.h"

struct addrinfo;
struct event;
struct event_base;
struct evbuffer;
struct stack_st_X509;
struct tls;
struct users_line;
struct ub_ctx;
struct x509_st;
struct client;

/* wampc(1), EXIT STATUS */
enum status {
	ST_OK = 0,
	ST_USAGE = 1,
	ST_CONNECT = 2,
	ST_TRUST = 3,
	ST_REFUSED = 4,
	ST_WAMP = 5,
	ST_TIMEOUT = 6
};

#define JOIN_SECONDS	30	/* until joined, and for an acknowledgement */
#define LEAVE_SECONDS	2	/* for the answer to GOODBYE */
#define READ_MAX	65536	/* more than a TLS record, see conn_read() */
#define QUEUE_MAX	1048576	/* octets to the router, then no new work */

/* url.c */
enum scheme {
	SCHEME_UNIX,
	SCHEME_RS,
	SCHEME_RSS,
	SCHEME_WS,
	SCHEME_WSS
};

struct url {
	enum scheme	 scheme;
	char		*host;		/* without brackets */
	char		*port;
	char		*hosthdr;	/* for HTTP: port if not default */
	char		*path;		/* WebSocket: and query; UNIX: socket */
};

/* Returns NULL, or what is wrong with it. */
const char	*url_parse(struct url *, const char *);
void		 url_socket(struct url *, const char *path);
void		 url_free(struct url *);
int		 url_is_tls(const struct url *);
int		 url_is_websocket(const struct url *);

/* args.c: what is sent, as JSON texts; an empty one is left out. */
struct payload {
	struct wbuf	 args;		/* a list */
	struct wbuf	 kwargs;	/* a dict */
	size_t		 nargs, nkwargs;
};

void		 payload_free(struct payload *);
/* Words of the command line.  NULL, or what is wrong. */
const char	*payload_words(struct payload *, char *const *, int n);
/* A document; one that is no JSON is an error, or (text) a string. */
const char	*payload_document(struct payload *, const void *, size_t,
		    int text);
/* A keyword argument: 1 if it is there. */
int		 payload_kwarg(const struct payload *, const char *,
		    struct val *);
/* Elements it adds to a message, 0 to 2, and these elements. */
uint32_t	 payload_count(const struct payload *);
int		 payload_encode(const struct payload *, struct enc *);
/* ArgumentsKw alone, also where there are none. */
int		 payload_encode_kwargs(const struct payload *, struct enc *);

/* pin.c */
#define PIN_MAX		16
#define PIN_LEN		32

struct pins {
	uint8_t		 hash[PIN_MAX][PIN_LEN];
	size_t		 n;
};

/* "sha256:" and a hash in hexadecimal or base64.  NULL, or what is wrong. */
const char	*pin_add(struct pins *, const char *);
/* Is the certificate's key one of them?  0, or -1 with why set. */
int		 pin_check(const struct pins *, struct x509_st *, char *why,
		    size_t);

/* options.c */
struct options {
	struct url	 url;
	int		 insecure;
	const char	*cafile;
	const char	*certfile, *keyfile;	/* our own */
	struct pins	 pins;
	int		 dane;
	const char	*resolver, *anchor;	/* of --dane */
	uid_t		 owner;		/* besides root, of directories */
	const char	*authid;
	const char	*auth;		/* methods, or NULL */
	const char	*ticketfile, *secretfile, *signkey;
	const char	*realm;
	enum ser	 ser;
	size_t		 maxmsg;
	const char	*uri;
	struct payload	 payload;
	struct payload	 msgopts;	/* -o: kwargs only */
	int		 lines;		/* -l */
	int		 details;	/* -d */
	int		 quiet, verbose;
	uint64_t	 count;		/* -n, 0: no end */
	double		 seconds;	/* -w, 0: none */
	unsigned int	 atonce;	/* -c */
	char		**command;
};

struct verb {
	const char	*name;
	unsigned int	 role;		/* WAMP_ROLE_ */
	const char	*rolename;
	const char	*const *features;	/* of the role, up to NULL */
	int		 has_args;
	int		 is_service;	/* ends by a signal, with GOODBYE */
	void		(*start)(struct client *);
	/* The queue to the router is short again; or NULL. */
	void		(*drained)(struct client *);
};

/* Exits if they are wrong. */
const struct verb *options_read(struct options *, int, char **);

/* trust.c */
/*
 * Walk to the directory of a socket's path, looking at each directory on
 * the way.  Returns its descriptor with the socket's name in *name and the
 * directory's owner in *dirowner, or -1 with *status and why set.
 */
int		 trust_walk(const char *path, uid_t owner, const char **name,
		    uid_t *dirowner, enum status *, char *why, size_t);
/* Does the process that called listen() belong to whom it should? */
int		 trust_peer(int fd, uid_t dirowner, char *why, size_t);

/* connect.c */
enum conn_state {
	CONN_LOOKUP,			/* of the TLSA record */
	CONN_CONNECTING,
	CONN_TLS,
	CONN_UP,
	CONN_CLOSED
};

struct conn {
	enum conn_state	 state;
	int		 fd;
	struct tls	*tls;
	struct event	*rev, *wev;	/* readable, writable */
	struct event	*retry;		/* next address, or socket again */
	short		 rwant, wwant;	/* poll(2) event each waits for */
	struct evbuffer	*out;
	struct addrinfo	*ai, *next;
	uid_t		 dirowner;
	char		 why[512];	/* of the last address */
	uint8_t		 in[READ_MAX];
};

void		 conn_open(struct client *);
/* Look the host up and connect to its first address that answers. */
void		 conn_dial(struct client *);
void		 conn_write(struct client *, const void *, size_t);
size_t		 conn_queued(const struct client *);
/* Send what the socket takes now, and close. */
void		 conn_close(struct client *);

/* dane.c */
#define DANE_MAX	32	/* records */

struct dane {
	struct ub_ctx	*ctx;		/* while it is looked up */
	struct event	*ev;
	int		 is_answered;
	char		 name[512];
	struct tlsa	 rr[DANE_MAX];
	size_t		 n;
};

/* What is wrong with its options, or NULL. */
const char	*dane_options(const struct options *);
/* Look up the TLSA record: in the end conn_dial(), or failure. */
void		 dane_open(struct client *);
/* End the look-up, if there is one. */
void		 dane_end(struct client *);
/*
 * Is this chain of certificates, the router's own first, one that the
 * record speaks of?  0, or -1 with why set.
 */
int		 dane_check(const struct dane *, const char *host,
		    struct stack_st_X509 *, char *why, size_t);

/* tlsclient.c */
/* Options that only TLS has: NULL, or what is wrong with them. */
const char	*tlsclient_options(const struct options *);
/* On the connected socket: 0, or -1 when the client has failed. */
int		 tlsclient_begin(struct client *);
/* As far as the socket lets it; in the end transport_open(), or failure. */
void		 tlsclient_step(struct client *);
/* What was last wrong, or NULL. */
const char	*tlsclient_why(struct tls *);
/* Is it that the router does not accept our certificate, or wants one? */
int		 tlsclient_is_refusal(const char *why);

/* transport.c */
enum transport_state {
	TR_HANDSHAKE,
	TR_UP,
	TR_CLOSED
};

struct transport {
	enum transport_state state;
	struct rs	 rs;
	struct ws	 ws;
	char		 head[8192];	/* answer to the handshake */
	size_t		 headlen;
	char		 key[25];
	size_t		 peermax;
};

/* Called by connect.c when the router is verified; what came; the end. */
void		 transport_open(struct client *);
void		 transport_input(struct client *, uint8_t *, size_t);
void		 transport_eof(struct client *);
size_t		 transport_max(const struct client *);
void		 transport_send(struct client *, const uint8_t *, size_t);
void		 transport_close(struct client *);
void		 transport_free(struct client *);

/* session.c */
enum session_state {
	SESS_CLOSED,
	SESS_HELLO,
	SESS_JOINED,
	SESS_LEAVING
};

struct session {
	enum session_state state;
	uint64_t	 request;	/* last request id used */
	struct wbuf	 msg;		/* message under construction */
};

void		 session_open(struct client *);
/* A message from the transport. */
void		 session_message(struct client *, const uint8_t *, size_t);
/* Begin a message of n elements; and send it. */
void		 session_begin(struct client *, struct enc *,
		    unsigned int code, uint32_t n);
int		 session_send(struct client *, struct enc *);
/* [code, request, Options, uri, payload...]; returns the request id. */
uint64_t	 session_request(struct client *, unsigned int code,
		    const char *uri, const struct payload *);
/* [code, {message}, uri]: ABORT or GOODBYE; message may be NULL. */
void		 session_reason(struct client *, unsigned int code,
		    const char *uri, const char *message);
/* GOODBYE, its answer, the end. */
void		 session_leave(struct client *, enum status);
/* Elements of messages, 0 or -1. */
int		 val_id(const struct val *, uint64_t *);
int		 val_get_uri(const struct val *, char *, size_t);
/* A member of a checked dict: 1 if it is there. */
int		 val_member(const struct val *, const char *, struct val *);

/* A verb's handler of a message: NULL, or how it breaks the protocol. */
typedef const char *handler(struct client *, const struct val *, size_t);

/* secret.c */
#define SECRET_SIZE	1024	/* of a password and its NUL */

/*
 * All of a file that belongs to us or root and that nobody else may read
 * or write.  0, or -1 with why set; size is what it may be long.
 */
int		 secret_file(const char *path, void *buf, size_t size,
		    size_t *len, char *why, size_t whysize);
/*
 * A line of UTF-8 from such a file, from the terminal without echo, or from
 * standard input, without the newline at its end.  0, or -1 with why set.
 */
int		 secret_text(const char *path, char buf[SECRET_SIZE],
		    char *why, size_t);
int		 secret_ask(const char *prompt, char buf[SECRET_SIZE],
		    char *why, size_t);
int		 secret_input(char buf[SECRET_SIZE], char *why, size_t);

/* keyfile.c: the seed of an Ed25519 key.  0, or -1 with why set. */
int		 keyfile_read(const char *path, uint8_t seed[32], char *why,
		    size_t);

/* login.c */
struct login {
	unsigned int	 methods;	/* announced, AUTH_; 0: none */
	unsigned int	 order[8];	/* the same, one by one */
	size_t		 norder;
	unsigned int	 method;	/* of the CHALLENGE that came */
	char		 ticket[SECRET_SIZE];	/* "": to be asked for */
	char		 secret[SECRET_SIZE];
	uint8_t		 seed[32];
	char		 nonce[25];
	char		 signature[45];	/* that WELCOME must have */
};

/* Reads the files.  0, or -1 with why set. */
int		 login_prepare(struct login *, const struct options *,
		    char *why, size_t);
/* Wipes the secrets. */
void		 login_clear(struct login *);
/* Entries that it adds to HELLO.Details, and these. */
uint32_t	 login_count(const struct client *);
void		 login_hello(struct client *, struct enc *);
/* NULL, or how the router breaks the protocol. */
const char	*login_challenge(struct client *, const struct val *method,
		    const struct val *extra);
/* NULL, or why the router is not to be trusted. */
const char	*login_welcome(struct client *, const struct val *details);

/* passwd.c, key.c: words that need no router; their exit status */
int		 passwd_main(int, char **);
int		 key_main(int, char **);
/* Names of a users file's line; and print it and wipe it.  0, or -1: said. */
int		 users_line_names(struct users_line *, const char *authid,
		    const char *role);
int		 users_line_write(struct users_line *);

/* pub.c */
struct pub {
	uint64_t	 waiting[64];	/* requests without answer */
	size_t		 nwaiting;
	struct event	*in;		/* -l */
	struct wbuf	 line;
	size_t		 scanned;	/* of line: no newline up to here */
	int		 eof;
};

void		 pub_start(struct client *);
void		 pub_drained(struct client *);
int		 pub_is_waiting(struct client *, uint64_t request);
void		 pub_free(struct client *);
handler		 pub_published;

/* sub.c */
struct sub {
	uint64_t	 request, id;	/* id 0: not yet */
	uint64_t	 seen;
};

void		 sub_start(struct client *);
handler		 sub_subscribed, sub_event;

/* call.c */
struct call {
	uint64_t	 request;
	int		 has_progress;	/* progressive results were asked for */
};

void		 call_start(struct client *);
/* The user does not want to wait any longer. */
void		 call_cancel(struct client *);
handler		 call_result;

/* register.c */
struct invocation;
struct reg {
	uint64_t	 request, id;
	uint64_t	 answered;
	unsigned int	 running;
	struct invocation *first, *last;	/* waiting */
	size_t		 nwaiting, octets;
};

void		 reg_start(struct client *);
void		 reg_drained(struct client *);
void		 reg_free(struct client *);
handler		 reg_registered, reg_invocation, reg_interrupt;
/* A command has ended: its result, or the URI of an error and why. */
void		 reg_done(struct client *, uint64_t request,
		    const struct val *result, const char *error,
		    const char *why);

/* command.c */
struct command;
/* The line becomes the command's.  0, or -1 with errno set. */
int		 command_start(struct client *, uint64_t request,
		    struct wbuf *line);
/* End it; reg_done() comes when it has ended.  Unknown ones are ignored. */
void		 command_interrupt(struct client *, uint64_t request);
void		 command_end_all(struct client *);

/* output.c */
/*
 * {"topic":...,"publication":...,"details":...,"args":...,"kwargs":...}
 * with a newline, without what is NULL or 0; args and kwargs are always
 * there, v of n values holds them.  -1: JSON cannot say it.
 */
int		 output_object(struct wbuf *, const char *key,
		    const char *uri, uint64_t publication,
		    const struct val *details, const struct val *v, size_t n);
/* ": text" for a terminal, as much of it as fits. */
void		 output_text(char *, size_t, const struct val *);
/* Payload of an error for people, after the URI. */
void		 output_reason(char *, size_t, const struct val *details,
		    const struct val *v, size_t n);
/* To standard output.  On failure the client is finished, -1. */
int		 output_write(struct client *, const struct wbuf *);

struct client {
	struct options		 o;
	const struct verb	*verb;
	struct event_base	*base;
	struct event		*deadline;	/* joined, acknowledged */
	struct event		*limit;		/* -w */
	struct event		*leave;
	struct event		*sigint, *sigterm, *sigchld;
	enum status		 status;
	int			 finished;
	struct dane		 dane;
	struct conn		 conn;
	struct transport	 tr;
	struct session		 s;
	struct login		 login;
	struct pub		 pub;
	struct sub		 sub;
	struct call		 call;
	struct reg		 reg;
	struct command		*commands;
};

/* wampc.c */
/* SIGINT and SIGTERM are for the verb from now on. */
void		 client_watch(struct client *);
/* An answer is awaited, for JOIN_SECONDS without -w; or is no longer. */
void		 client_await(struct client *, int);
/* End with this status as soon as the event loop turns. */
void		 client_finish(struct client *, enum status);
/* The same, and say why in one line. */
__attribute__((format(printf, 3, 4)))
void		 client_fail(struct client *, enum status, const char *, ...);

#endif /* WAMPD_WAMPC_H */
