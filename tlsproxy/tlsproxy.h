/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The process that faces the network: what its files share.
 */
#ifndef WAMPD_TLSPROXY_H
#define WAMPD_TLSPROXY_H

#include <sys/types.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stddef.h>
#include <stdint.h>

#include "bucket.h"
#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "hash.h"
#include "limit.h"
#include "log.h"
#include "msgtypes.h"
#include "obuf.h"
#include "proc.h"
#include "rawsocket.h"
#include "wamp.h"
#include "websocket.h"

struct chan;
struct client_files;
struct conn;
struct ctlrows;
struct fences;
struct imsg;
struct iovec;
struct kept;
struct pbuf;
struct peercert;
struct proxyproto;
struct psess;
struct tls;
struct uri;

#define PREJOIN_MAX	(16 * 1024)	/* longest message before WELCOME */
#define TURN_STEPS	4096		/* of long work */
#define TURN_CLOSES	16		/* connections that clients ended */
#define READ_MAX	(64 * 1024)	/* octets a connection and turn */
#define READ_BULK	(1024 * 1024)	/* beyond that, all connections */
#define RECORD_MAX	(16 * 1024)	/* octets of a TLS record */
#define CHAN_HIGH	(4 * 1024 * 1024) /* to a broker: stop reading clients */
#define CHAN_LOW	(1024 * 1024)
#define CLOSING_MS	2000		/* to drain a queue before closing */
#define LINGER_MS	1000		/* for the peer's end of the stream */
#define LEAVING_MS	5000		/* for the client's GOODBYE */
#define PAUSE_MS	100		/* accepting, after EMFILE */
#define LIMITED_MESSAGES 0x01
#define LIMITED_BYTES	0x02
#define LIMITED_MIN	10		/* a pause by one of them, ms */
#define LIMITED_MAX	1000
#define WARN_AGAIN_MS	3600000		/* of what lasts */
#define PBUF_RESERVE	(64 * 1024 * 1024) /* a turn's, over the budget */

/*
 * A listening statement in force.  Connections hold references, so that a
 * reload never takes a TLS context from under a handshake.
 */
struct listener {
	TAILQ_ENTRY(listener)	 entry;
	unsigned int		 refs;
	struct proxy		*p;
	uint32_t		 id;
	uint32_t		 flags;		/* LISTEN_* */
	uint32_t		 sers;		/* 1 << enum ser */
	char			*name;
	char			**paths, **origins;
	struct conf_net		*from;		/* "proxy protocol from" */
	size_t			 npaths, norigins, nfrom;
	struct tls		*tls;		/* or NULL */
	struct client_files	*client;	/* "client crl" and "client ca";
						 * NULL: no CRL */
	uint64_t		 warn_at;	/* of a CRL, mono_ms() */
	unsigned int		 nsocks;
	int			 fds[LISTEN_MAXADDRS];
	struct event		*ev[LISTEN_MAXADDRS];
};
TAILQ_HEAD(listeners, listener);

/* Connections of one address (see m_conn_count), owned by the hash. */
struct addrcount {
	struct addrcount	*next;
	TAILQ_ENTRY(addrcount)	 dirty_entry;
	uint8_t			 addr[16];
	uint32_t		 count;
	uint32_t		 nshed;		/* that must go, while they do */
	uint8_t			 is_kept;	/* not all of them had just come */
	uint8_t			 is_over;	/* the parent says */
	uint8_t			 is_dirty;
};
TAILQ_HEAD(addrcounts, addrcount);

enum conn_state {
	CONN_PROXY,		/* waiting for the PROXY header */
	CONN_TLS,		/* TLS handshake */
	CONN_DETECT,		/* waiting for the first octets */
	CONN_HTTP,		/* request head under way */
	CONN_OPEN,		/* RawSocket or WebSocket frames */
	CONN_CLOSING,		/* output is drained, input dropped */
	CONN_LINGER,		/* our end is shut, waiting for theirs */
	CONN_DEAD		/* on the list of those to be freed */
};

/* It has output, or is dead. */
#define DIRTY		1		/* on p->dirty */
#define DIRTY_MANY	2		/* on p->many: output for many */

/* A client's connection.  Owned by the proxy's list. */
struct conn {
	TAILQ_ENTRY(conn)	 entry;
	TAILQ_ENTRY(conn)	 dirty_entry;	/* p->dirty, p->many */
	TAILQ_ENTRY(conn)	 wait_entry;	/* paused, postponed, ended */
	struct proxy		*p;
	struct listener		*l;		/* a reference */
	struct addrcount	*addr;		/* CONN_PROXY: NULL */
	struct proxyproto	*pp;		/* CONN_PROXY */
	struct psess		*sess;		/* or NULL */
	struct tls		*tls;
	void			*ssl;		/* in it, or NULL */
	struct peercert		*cert;		/* the client's, verified, or
						 * NULL */
	int			 fd;
	struct event		 rev, wev, tev;
	struct obuf		 out;
	uint64_t		 phase_at;	/* deadlines, mono_ms(), 0: none */
	uint64_t		 complete_at;
	uint64_t		 ping_at;
	uint64_t		 slow_at;	/* over the soft limit too long */
	uint64_t		 limited_at;	/* "messages", "bytes": until then
						 * it is not read, 0: it may be */
	uint64_t		 armed_at;	/* when tev fires, 0: not set */
	uint64_t		 fenced_at;	/* it waits for a fence: look
						 * again then, 0: it does not */
	uint64_t		 last_input;
	uint64_t		 since;		/* ms since 1970 */
	uint64_t		 number;	/* of all that came, counted */
	size_t			 peermax;	/* longest message it takes */
	size_t			 held;		/* octets counted in p->held */
	struct bucket		 messages;	/* what it may say, counted down */
	struct bucket		 bytes;
	struct kept		*kept;		/* was read, waits, or NULL */
	uint32_t		 may, said;	/* what is read now: see
						 * talk_room() */
	union {
		struct rs	 rs;
		struct ws	 ws;
	} in;
	char			*pre;		/* CONN_DETECT, CONN_HTTP */
	size_t			 prelen, prefrom;
	char			*peer;		/* address for logs */
	uint8_t			 from[16];	/* the same, whole, as a key */
	uint32_t		 uid, gid;	/* Unix socket: SO_PEERCRED */
	uint8_t			 state;		/* enum conn_state */
	uint8_t			 ser;		/* enum ser */
	uint8_t			 is_ws;
	uint8_t			 is_dirty;	/* DIRTY*, 0: it is not */
	uint8_t			 is_paused;	/* on p->paused */
	uint8_t			 is_postponed;	/* on p->postponed */
	uint8_t			 is_ended;	/* on p->ended; 2: by an error */
	uint8_t			 talks;		/* of what is read now */
	uint8_t			 is_fenced;	/* what is read now is counted */
	uint8_t			 ping_sent;
	uint8_t			 joined_once;
	uint8_t			 want_write;	/* TLS read wants POLLOUT */
	uint8_t			 want_read;	/* TLS write wants POLLIN */
	uint8_t			 tls_error;	/* no tls_close() */
	uint8_t			 is_leaving;	/* GOODBYE of ours was sent */
	uint8_t			 said_goodbye;	/* the client's was answered, no
						 * HELLO since */
	uint8_t			 closed_ws;	/* a Close frame was sent */
	uint8_t			 was_limited;	/* LIMITED_*, the log says so */
	uint8_t			 has_ended;	/* the client closed it while it
						 * was not read */
};
TAILQ_HEAD(conns, conn);

enum psess_state {
	SESS_AUTHENTICATING,	/* AUTH_HELLO sent */
	SESS_JOINED,
	SESS_GONE		/* has no client any more, only waits for what
				 * keeper and broker have yet to say */
};

/* A subscription of a session, mirrored from the broker. */
struct sublink {
	TAILQ_ENTRY(sublink)	 sess_entry;
	TAILQ_ENTRY(sublink)	 sub_entry;
	struct hent		 hash;		/* by id and slot */
	struct psess		*sess;
	struct submap		*sub;
};
TAILQ_HEAD(sublinks, sublink);

/* A subscription that sessions of this process hold. */
struct submap {
	struct hent		 hash;		/* by id */
	uint64_t		 id;
	struct sublinks		 links;
	struct sublink		 first;		/* most have one; its session
						 * is NULL if it is unused */
};

/*
 * The transport's side of a session: from HELLO until broker and keeper
 * have nothing to say of its slot any more.  Owned by the slot table.
 */
struct psess {
	SLIST_ENTRY(psess)	 leaving_entry;	/* p->leaving */
	SLIST_ENTRY(psess)	 fenced_entry;	/* p->fenced */
	struct conn		*conn;		/* NULL: client is gone */
	struct broker		*broker;
	uint32_t		 slot, gen;
	uint8_t			 state;		/* enum psess_state */
	uint8_t			 loose_ids;
	uint8_t			 xoff;		/* slow, told the broker */
	uint8_t			 disconnects;	/* a slow one is ended: what
						 * the realm said ... */
	uint8_t			 held;		/* the broker asked not to
						 * read it */
	uint8_t			 opened;	/* SESSION_OPEN arrived */
	uint8_t			 orphaned;	/* its broker is gone: none of
						 * the below is to come of it */
	uint8_t			 unsubscribes;	/* on p->leaving */
	uint8_t			 has_fence_back; /* on p->fenced */
	uint8_t			 await_auth;	/* the answer to AUTH_CANCEL */
	uint8_t			 await_open;	/* granted, but not open yet */
	uint8_t			 await_end;	/* the answer to SESSION_CLOSE */
	uint8_t			 is_challenged;	/* AUTHENTICATE may come */
	uint8_t			 provider;	/* enum auth_provider */
	uint32_t		 disconnects_of;	/* ... in this
						 * conf->generation */
	uint32_t		 realm_id;
	uint32_t		 features;	/* FEAT_*, by its HELLO */
	uint64_t		 id;
	uint64_t		 last_request;
	uint64_t		 dropped;	/* events, since it is slow */
	uint64_t		 alldropped;	/* events, since it joined */
	uint64_t		 named;		/* by which EVENT, see
						 * wamp_event.c */
	uint64_t		 last_invocation;
	uint64_t		*skipped;	/* invocations not sent */
	uint64_t		*asked;		/* invocations of the broker's
						 * own, whose answer it reads */
	uint64_t		*undelivered;	/* calls, see undelivered.c */
	uint32_t		 nskipped, nasked, nundelivered;
	uint32_t		 nregs;		/* registrations */
	char			*realm, *authid, *role;
	uint32_t		 method;
	struct fences		*fences;	/* or NULL */
	uint64_t		 fenced_many;	/* done when as many are */
	struct sublinks		 subs;
};

/* What a HELLO says of its client (hello.c). */
struct hello {
	struct m_auth_hello	 m;
	uint32_t		 features;	/* FEAT_* */
	uint8_t			 authid[AUTHID_MAXLEN];
	uint8_t			 nonce[AUTH_MAXNONCE];
	struct wbuf		 extra;		/* MessagePack */
};

/* An AUTHENTICATE: holds a secret, to be wiped. */
struct response {
	struct m_auth_response	 m;
	uint8_t			 sig[AUTH_MAXSIG];
	uint8_t			 nonce[AUTH_MAXNONCE];
	uint8_t			 cbname[AUTH_MAXCBNAME];
	uint8_t			 cbdata[AUTH_MAXCBDATA];
};

struct slot {
	struct psess		*sess;		/* NULL: free */
	uint32_t		 gen;		/* of the session in it, or the
				 * next one */
	uint32_t		 next_free;
};

/* Somebody who said something that broker and others have work with. */
struct talker {
	uint32_t		 slot;		/* 0: nobody */
	uint64_t		 at;		/* mono_ms() */
};

/* The channel to a broker and what is mirrored from it. */
struct broker {
	struct proxy		*p;
	struct chan		*chan;		/* NULL: not there */
	struct m_peer		 peer;
	int			 xoff;		/* it asked for silence */
	struct talker		 talkers[2];	/* the last two */
	uint64_t		 said;		/* to it, see fence.h */
	uint64_t		 fair_at;	/* last time that one was set
						 * a limit, mono_ms() */
	struct htab		 subs;		/* by id */
	struct htab		 links;		/* by id and slot */
};

/* Why a connection is closed as soon as it is there. */
enum refused {
	REFUSED_ADDRESS,	/* limits connections per address */
	REFUSED_CONNECTIONS,	/* limits connections */
	REFUSED_PROXY,		/* it may not speak the PROXY protocol */
	REFUSED_FAILED,		/* no memory, or the kernel does not help */
	REFUSED_MAX
};

enum shaken {
	SHAKEN_TLS,
	SHAKEN_RAWSOCKET,
	SHAKEN_WEBSOCKET,
	SHAKEN_UNKNOWN,		/* it began like neither */
	SHAKEN_MAX
};

/* Since this process began (ctl_metrics.c). */
struct counts {
	uint64_t		 in[WAMP_CODES], out[WAMP_CODES];
	uint64_t		 received, sent;	/* octets, without TLS */
	uint64_t		 accepted;
	uint64_t		 refused[REFUSED_MAX];
	uint64_t		 shaken[SHAKEN_MAX][2];	/* 1: done */
	uint64_t		 slow;			/* sessions became so */
};

/* Descriptors to be closed. */
struct stale {
	int			 fds[CONF_MAXLISTENS * LISTEN_MAXADDRS];
	size_t			 n;
};

/* Who is told: an upgrade has three turns, in each of which the others of the
 * last one are left. */
enum drain_pass {
	DRAIN_CALLEES,
	DRAIN_SESSIONS,
	DRAIN_ALL
};

/* Under way since the parent said so, until it takes it back (drain.c). */
struct drain {
	int			 is_on;		/* nobody is accepted */
	int			 was_said;	/* that nobody is left */
	uint32_t		 number;	/* the parent's */
	uint32_t		 ms;		/* all are told within */
	uint64_t		 begin;		/* mono_ms() */
	uint64_t		 total, told;	/* connections */
	int			 is_upgrade;	/* who is here may join */
	enum drain_pass		 pass;
	struct conn		*next;		/* to be told, or NULL */
	struct event		*timer;
};

struct proxy {
	struct proc		 proc;
	struct conf		*conf;
	struct chan		*keeper;	/* NULL: not there */
	struct m_peer		 keeper_peer;
	struct broker		 brokers[CONF_MAXBROKERS];
	struct listeners	 listeners;
	struct stale		 stale, forgotten;
	struct conns		 conns;
	struct conns		 dirty;		/* to be written at turn's end */
	struct conns		 many;		/* the same, or some turns later */
	uint64_t		 many_begun;	/* of them, counted; */
	uint64_t		 many_done;	/* written */
	int			 is_to_many;	/* what is queued now */
	struct conns		 paused;	/* a broker is over its mark */
	struct conns		 postponed;	/* go on next turn */
	struct conns		 ended;		/* by the client, to be freed */
	unsigned int		 closes;	/* of them, left in this turn */
	SLIST_HEAD(, psess)	 leaving;	/* subscriptions are left */
	SLIST_HEAD(, psess)	 fenced;	/* a fence of it is back */
	unsigned int		 steps;		/* of such work, this turn */
	struct conn		*recheck;	/* the first whose certificate
						 * is to be looked at, or NULL */
	struct conn		*told;		/* the next of which wampctl is
						 * to be told, or NULL, */
	uint64_t		 tell_to;	/* up to this one */
	struct event		*next_turn;	/* fires at once for them */
	struct event		*resume;	/* accepting, after EMFILE */
	struct event		*report;	/* a turn for addr_report() */
	uint64_t		 report_at;	/* not before, mono_ms() */
	uint32_t		 nconns;
	uint64_t		 lastconn;	/* number of the last */
	uint32_t		 most;		/* of them, of this process */
	uint64_t		 most_warn_at;	/* mono_ms() */
	int			 may_accept;	/* the parent said so */
	int			 is_full;	/* connections, all proxies: the
						 * parent says */
	int			 at_limit;	/* this one alone has as many */
	int			 is_starved;	/* no descriptors */
	int			 is_accepting;	/* events are set */
	int			 is_shutting;
	struct drain		 drain;
	int			 total_dirty;
	int			 total_kept;	/* as addrcount's is_kept */
	struct addrcount	**addrs;
	size_t			 sizeaddrs, naddrs;
	struct addrcounts	 dirty_addrs;
	struct slot		*slots;		/* slot 0 is never used */
	uint32_t		 nslots, free_slot;
	uint32_t		 nsess;
	size_t			 held;		/* partial input, queued output */
	size_t			 state;		/* connections, subscriptions */
	struct counts		 counts;
	uint64_t		 dropped;	/* events, all told; */
	uint64_t		 slow_dropped;	/* of them to slow ones */
	uint64_t		 slow_ended;	/* sessions */
	uint64_t		 nnamed;	/* EVENTs that named sessions */
	uint8_t			*rbuf;		/* READ_MAX */
	size_t			 bulk;		/* what of READ_BULK is left */
	uint8_t			*record;	/* RECORD_MAX, under construction */
	struct wbuf		 msg;		/* message under construction */
	struct wbuf		 tmp;		/* payload under conversion */
	struct wbuf		 filter;	/* m_filter of a PUBLISH */
	struct log_limit	 log_joined, log_left, log_refused, log_bad,
				 log_handshake, log_drop, log_over, log_slow,
				 log_memory;
};

extern struct proxy	*proxy;			/* this process's own */

/* tlsproxy.c */
/* Of objects that stay: octets more, fewer. */
void	 proxy_state_take(struct proxy *, size_t);
void	 proxy_state_give(struct proxy *, size_t);
/* conns_continue() and the like then */
void	 proxy_ask_next_turn(struct proxy *);
/* It sent nonsense that only another's word shows: as if its channel did. */
void	 broker_suspect(struct broker *, const char *what);

/* listener.c: listening sockets and who may connect */
int	 listeners_check(struct conf *, char *err, size_t errlen);
void	 listeners_commit(struct proxy *, struct conf *);
void	 listeners_update(struct proxy *);	/* start or stop accepting */
void	 listeners_turn_end(struct proxy *);
void	 listeners_leave(struct proxy *);	/* all who wait, then close */
/* A client's certificate was refused: is the fault ours? */
void	 listener_refused_cert(struct listener *);
void	 listener_unref(struct listener *);
/* What the statement is now: itself, or what a reload put in its place, or
 * NULL if it is gone. */
struct listener	*listener_now(struct listener *);
void	 addr_connected(struct conn *);
/* A balancer says for whom it connected (AF_UNSPEC: for itself): 0, or -1 if
 * that is one too many, and c is killed. */
int	 addr_announced(struct conn *, const struct sockaddr_storage *);
void	 addr_left(struct conn *);
void	 addrs_recount(struct proxy *);	/* the prefix is another */
void	 addr_report(struct proxy *);
int	 addr_on_limit(struct chan *, struct imsg *);
int	 addr_on_shed(struct chan *, struct imsg *);

/* conn.c: connections, and what is written to them */
struct conn	*conn_new(struct proxy *, struct listener *, int fd,
		    const char *peer, const uint8_t addr[16]);
/* Drop now, without a word (the transport is gone or hopeless). */
void	 conn_kill(struct conn *, const char *why);
/* The same for one that met this limit. */
void	 conn_exceeds(struct conn *, enum limit, const char *why);
/* Let what is queued go out, then close. Input is dropped from now on. */
void	 conn_close(struct conn *);
/* The same with the WebSocket Close code (RawSocket has none). */
void	 conn_close_code(struct conn *, uint16_t code, const char *why);
/* Octets to go out, in order; the connection ends without memory. */
void	 conn_queue(struct conn *, const void *, size_t);
void	 conn_queue_pbuf(struct conn *, struct pbuf *, size_t off, size_t len);
void	 conn_mark_dirty(struct conn *);
void	 conn_postpone(struct conn *);		/* read it next turn */
int	 conn_is_open(const struct conn *);	/* takes messages both ways */
void	 conn_flush(struct conn *);		/* what its socket takes */
void	 conns_flush(struct proxy *);		/* end of turn */

/* conn_read.c: what is read of them */
void	 conn_on_read(evutil_socket_t, short, void *);
void	 conn_on_write(evutil_socket_t, short, void *);
void	 conn_free_kept(struct conn *);		/* what was read and waits */
void	 conn_unlimit(struct conn *);		/* its buckets let it go on */
void	 conn_resume(struct conn *);		/* read it again */
void	 conns_resume(struct proxy *);		/* broker takes again */
void	 conns_continue(struct proxy *);	/* postponed ones */
void	 conns_bury(struct proxy *);		/* ended ones */
void	 conns_new_rate(struct proxy *);	/* after a reload */

/* conn_proxy.c: a balancer says whose a connection is */
int	 announce_new(struct conn *);		/* 0, -1 */
void	 announce_free(struct conn *);
void	 announce_read(struct conn *);
void	 announce_refused(struct conn *, const char *why);

/* conn_time.c: their limits of time */
void	 conn_on_timer(evutil_socket_t, short, void *);
void	 conn_arm(struct conn *);		/* a deadline was set */
void	 conn_set_phase(struct conn *, uint32_t ms);	/* 0: none */
void	 conn_set_slow(struct conn *, uint32_t ms);	/* 0: not slow */

/* drain.c */
void	 drain_init(struct proxy *);
int	 drain_on_drain(struct chan *, struct imsg *);
int	 drain_on_resume(struct chan *, struct imsg *);
void	 drain_turn_end(struct proxy *);

/* revoked.c: certificates of connections and the CRLs of a reload */
int	 conn_is_revoked(struct conn *);
void	 revoked_start(struct proxy *);		/* look at all of them */
void	 revoked_continue(struct proxy *);

/* first.c: a PROXY header in text?  Log that these, as a text says, are not for
 * this listener; or what they look like. */
int	 first_is_announced(const void *, size_t);
void	 first_refused(struct conn *, const char *);
void	 first_unknown(struct conn *, const uint8_t *, size_t);

/* transport.c: first octets, RawSocket and WebSocket frames */
/* Returns how many octets at the end have to wait, because one of its buckets
 * is empty. */
size_t	 transport_input(struct conn *, uint8_t *, size_t);
int	 transport_is_partial(const struct conn *);
size_t	 transport_buffered(const struct conn *);	/* octets */
/* Where to read the next octets to, at most *n: they are of a long message;
 * or NULL. */
uint8_t	*transport_room(struct conn *, size_t *n);
void	 transport_joined(struct conn *);	/* raise the message limit */
void	 transport_left(struct conn *);		/* secrets may come again */
void	 transport_ping(struct conn *);
void	 transport_free(struct conn *);
/* One WAMP message, in n parts, as a frame: 0, or -1 if the client does not
 * take one of that length (nothing is queued).  pb: which the second of three
 * parts is in and kept by reference, or NULL. */
int	 transport_send(struct conn *, const struct iovec *, int n,
	    struct pbuf *pb);
/* The same as a frame to be shared between clients, without the part that is
 * in a pbuf; NULL without memory.  is_ws and ser as in struct conn. */
struct pbuf	*transport_frame(int is_ws, int ser, const struct iovec *,
		    int n, struct pbuf *pb);

/* ctl.c: what wampctl asks */
int	 ctl_query(struct chan *, struct imsg *);

/* ctl_metrics.c: rows from the *at-th piece on; 1: that was all */
int	 ctl_rows_metrics(const struct proxy *, struct ctlrows *,
	    unsigned int *at);

/* features.c: what HELLO.Details.roles announces, FEAT_*: NULL, or how it
 * violates the protocol */
const char	*features_read(const struct val *roles, uint32_t *);

/* hello.c: who a client says it is */
int	 val_is_absent(const struct val *);	/* null: as if not there */
void	 hello_init(struct hello *);
void	 hello_free(struct hello *);
/* HELLO.Details; AUTHENTICATE's Signature and Extra: NULL, or how they
 * violate the protocol.  The response is to be wiped by the caller. */
const char	*hello_read(struct hello *, const struct val *details);
const char	*response_read(struct response *, const struct val *signature,
		    const struct val *extra);

/* join.c: HELLO to WELCOME or ABORT */
void	 session_hello(struct conn *, const struct conf_realm *,
	    struct hello *);
void	 session_authenticate(struct psess *, const struct response *);
int	 session_on_challenge(struct chan *, struct imsg *);
int	 session_on_deny(struct chan *, struct imsg *);
int	 session_on_granted(struct chan *, struct imsg *);
int	 session_on_open(struct chan *, struct imsg *);

/* session.c: the session state machine */
/* In a free slot; NULL without memory. */
struct psess	*session_new(struct proxy *);
void	 session_free(struct psess *);
/* Once keeper and broker have nothing to say of its slot any more. */
void	 session_free_if_done(struct psess *);
/* The client has no part in it any more. */
void	 session_detach(struct psess *, enum close_why);
/* More of what those that were detached had subscribed to. */
void	 sessions_unsubscribe(struct proxy *);
void	 session_send_close(struct psess *, enum close_why);
/* CLOSE of a session that a broker names and that is none of ours. */
void	 session_refuse_open(struct broker *, const struct imsg *);
/* The transport ended under a session. */
void	 session_lost(struct conn *, const char *why);
/* ABORT with reason and English text, then close. */
void	 session_abort(struct conn *, enum wamp_err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* The same before there is a session: the realm asked for is logged. */
void	 session_refuse(struct conn *, const struct uri *realm,
	    enum wamp_err, const char *text);
/* The client's certificate was revoked: end session and connection. */
void	 session_revoked(struct conn *);
void	 session_on_client_goodbye(struct conn *, const char *reason,
	    size_t len);
void	 session_on_client_abort(struct conn *, const char *reason,
	    size_t len);
/* May an EVENT be queued?  If not, it is dropped and counted, or the session
 * was ended for it. */
int	 session_may_event(struct psess *);
void	 session_queue_check(struct psess *);	/* is it slow, is it too much? */
/* The session a broker names, or whose imsg it is: NULL if it is none of now;
 * *nonsense is set if it never can have been one. */
struct psess	*session_at(struct broker *, uint32_t slot, uint32_t gen,
		    int *nonsense);
struct psess	*session_find(struct broker *, const struct imsg *,
		    int *nonsense);
void	 sessions_broker_gone(struct broker *);
void	 sessions_keeper_gone(struct proxy *);
void	 session_shutdown(struct conn *);
void	 sessions_shutdown(struct proxy *);
int	 session_on_end(struct chan *, struct imsg *);

/* invocation.c: their ids as the callee sees them */
void	 invocation_skip(struct psess *, uint64_t id);	/* was not sent */
/* What the callee is shown of a new one; 0: it is not new. */
uint64_t invocation_shown(struct psess *, uint64_t id);
int	 invocation_was_shown(const struct psess *, uint64_t id);
/* Of an id that is not new: 0 if its first was not sent, so that nothing of
 * it is to be. */
uint64_t invocation_continued(const struct psess *, uint64_t id);
uint64_t invocation_meant(const struct psess *, uint64_t shown);
/* The broker wants the answer in MessagePack: 0, or -1 without memory. */
int	 invocation_asked(struct psess *, uint64_t id);
/* Is this the first answer to such a one?  It is forgotten. */
int	 invocation_answered(struct psess *, uint64_t id);

/* undelivered.c: calls whose caller had an ERROR in the place of a progressive
 * result */
int	 undelivered_add(struct psess *, uint64_t request); /* -1: too many */
int	 undelivered_has(const struct psess *, uint64_t request);
/* The broker has forgotten it: 0, or -1 if it is none. */
int	 undelivered_over(struct psess *, uint64_t request);

/* talk.c: fairness among those who talk */
/* As much as what it says now may be: units as in fence.h, in c->may; 0: it
 * is not to be read. */
uint32_t talk_room(struct conn *);
void	 talk_said(struct conn *);		/* and it was c->said */
void	 talk_over(struct psess *);		/* it has nothing more to say */
void	 talk_free(struct psess *);
int	 talks_are_fair(const struct broker *);
void	 talks_turn_end(struct proxy *);	/* all is written */
int	 talk_on_fence(struct chan *, struct imsg *);

/* submap.c: who holds which subscription */
int		 submap_add(struct psess *, uint64_t id);
void		 submap_remove(struct psess *, uint64_t id);
void		 submap_remove_all(struct psess *);
/* The same, some *steps of it, which are taken from them; 1: that is all. */
int		 submap_remove_some(struct psess *, unsigned int *steps);
struct submap	*submap_find(struct broker *, uint64_t id);
int		 submap_ahead(struct chan *, const struct imsg *,
		    enum chan_ahead);
int		 submap_has(const struct psess *, uint64_t id);
void		 submap_free(struct broker *);

/* wamp_in.c: messages of clients */
/* pb: which the message is part of, or NULL */
void	 wamp_input(struct conn *, const uint8_t *, size_t, struct pbuf *pb);

/* wamp_out.c: messages to clients without a payload */
int	 out_is_text(const void *, size_t);	/* UTF-8, as strings must be */
/* extra: WELCOME's authextra, a map in MessagePack, or NULL */
void	 out_welcome(struct conn *, const struct psess *,
	    const struct val *extra);
void	 out_challenge(struct conn *, const struct m_auth_challenge *,
	    const char *texts);
void	 out_abort(struct conn *, enum wamp_err, const char *text);
/* reason: a URI that stands for the error, or NULL */
void	 out_goodbye(struct conn *, enum wamp_err, const struct uri *reason,
	    const char *text);
void	 out_error(struct conn *, unsigned int reqtype, uint64_t request,
	    enum wamp_err, const char *text, size_t textlen);
int	 out_on_subscribed(struct chan *, struct imsg *);
int	 out_on_unsubscribed(struct chan *, struct imsg *);
int	 out_on_published(struct chan *, struct imsg *);
int	 out_on_registered(struct chan *, struct imsg *);
int	 out_on_unregistered(struct chan *, struct imsg *);
int	 out_on_refused(struct chan *, struct imsg *);

/* wamp_event.c: EVENTs */
int	 out_on_event(struct chan *, struct imsg *);

/* wamp_history.c: the RESULT that is a list of events */
int	 out_on_history(struct chan *, struct imsg *);

/* wamp_call.c: messages to callers and callees */
int	 out_on_invocation(struct chan *, struct imsg *);
int	 out_on_interrupt(struct chan *, struct imsg *);
int	 out_on_result(struct chan *, struct imsg *);
int	 out_on_error(struct chan *, struct imsg *);
int	 out_on_call_over(struct chan *, struct imsg *);

#endif /* WAMPD_TLSPROXY_H */
