/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The imsgs: type, direction, data.  P parent, K keeper, T tlsproxy,
 * B broker, M metrics.  Fixed layout, fixed width, no pointers, no padding; what
 * follows a struct is named behind it, in order, with nothing left over.
 * Slot and generation of the header name the session where there is one.
 */
#ifndef WAMPD_MSGTYPES_H
#define WAMPD_MSGTYPES_H

#include <stdint.h>

#define IMSG_VERSION	3

enum proc_role {
	PROC_PARENT = 0,
	PROC_KEEPER = 1,
	PROC_TLSPROXY = 2,
	PROC_BROKER = 3,
	PROC_METRICS = 4
};
#define PROC_ROLES	5
const char	*proc_role_name(enum proc_role);	/* in proc.c */

/* What a tlsproxy serves: network listeners or Unix sockets, never both. */
enum proxy_kind {
	PROXY_NET = 0,
	PROXY_UNIX = 1
};

enum imsg_type {
	IMSG_NONE = 0,

	/* start, peers, life */
	IMSG_SETUP_START,	/* P->any: m_setup_start, root directory */
	IMSG_SETUP_DONE,	/* any->P: m_setup_done; sandboxed */
	IMSG_SETUP_PEER,	/* P->any: m_peer + fd */
	IMSG_PEER_READY,	/* any->P: m_peer, answers SETUP_PEER */
	IMSG_PEER_GONE,		/* P->any: m_peer */
	IMSG_ACCEPT,		/* P->T,M: {}; begin to accept */
	IMSG_ACCEPTING,		/* T,M->P: {}; every listener accepts */
	IMSG_PING,		/* P->any: m_u32 */
	IMSG_PONG,		/* any->P: m_u32, the same number */
	IMSG_SHUTDOWN,		/* P->T: m_u32 grace in ms; GOODBYE to all */
	IMSG_SHUTDOWN_DONE,	/* T->P: {}; no client is left */
	IMSG_PROC_SUSPECT,	/* K,B,T->P: m_suspect */
	IMSG_CONN_COUNT,	/* T->P: m_conn_count[] */
	IMSG_CONN_LIMIT,	/* P->T: m_conn_limit[] */
	IMSG_CTL_QUERY,		/* P->any: m_ctl_query, authid */
	IMSG_CTL_ROWS,		/* any->P: m_ctl_rows, rows; answers a
				 * CTL_QUERY, once */
	IMSG_LOG_LEVEL,		/* P->any: m_u32, enum log_level */
	IMSG_DRAIN,		/* P->T,M: m_drain; accept nobody, GOODBYE to
				 * all */
	IMSG_DRAINED,		/* T,M->P: m_u32 number of the DRAIN; no client
				 * is left, once */
	IMSG_RESUME,		/* P->T: {}; takes it back */
	IMSG_CONN_SHED,		/* P->T: m_conn_count[], as many as it may
				 * hold; of those that just came the last go */
	IMSG_COUNTS_ASK,	/* M->P: m_u32, its number for it; what is
				 * counted, when the last one is answered */
	IMSG_COUNTS,		/* P->M: m_counts, rows; as many as it takes */
	IMSG_HEALTH_ASK,	/* M->P: m_u32 likewise; do keeper and brokers
				 * answer? */
	IMSG_HEALTH,		/* P->M: m_health, text */

	/* configuration, two-phase (conf.c) */
	IMSG_CONF_BEGIN,	/* P->any: m_u32 generation */
	IMSG_CONF_GLOBAL,	/* P->any */
	IMSG_CONF_KEYPAIR,	/* P->K,T */
	IMSG_CONF_CERT,		/* P->K,T + fd */
	IMSG_CONF_KEY,		/* P->K + fd; opened by the parent, not read */
	IMSG_CONF_OCSP,		/* P->T + fd */
	IMSG_CONF_SECRET,	/* P->K + fd */
	IMSG_CONF_USERS,	/* P->K + fd; read in slices after END */
	IMSG_CONF_LISTEN,	/* P->T,M */
	IMSG_CONF_LISTEN_FD,	/* P->T,M + fd */
	IMSG_CONF_LISTEN_ITEM,	/* P->T */
	IMSG_CONF_REALM,	/* P->K,T,B */
	IMSG_CONF_AUTH,		/* P->K */
	IMSG_CONF_ROLE,		/* P->K,B */
	IMSG_CONF_RULE,		/* P->B */
	IMSG_CONF_CLIENT_CA,	/* P->T + fd; certificates in PEM */
	IMSG_CONF_CLIENT_CRL,	/* P->T + fd; CRLs in PEM */
	IMSG_CONF_AUTHORIZER,	/* P->B */
	IMSG_CONF_ASKED,	/* P->B */
	IMSG_CONF_POLICY,	/* P->B */
	IMSG_CONF_TOPIC,	/* P->B */
	IMSG_CONF_FROM,		/* P->T */
	IMSG_CONF_END,		/* P->any: m_u32 number of CONF imsgs */
	IMSG_CONF_READY,	/* any->P: m_u32 generation */
	IMSG_CONF_FAILED,	/* any->P: m_u32 generation, text */
	IMSG_CONF_COMMIT,	/* P->any: m_u32 generation */
	IMSG_CONF_COMMITTED,	/* any->P: m_u32 generation */
	IMSG_CONF_ABORT,	/* P->any: m_u32 generation */

	/* the blocking descriptor between T and K */
	IMSG_SIGN,		/* T->K: m_sign */
	IMSG_SIGNED,		/* K->T: m_signed */

	/* who may join */
	IMSG_AUTH_HELLO,	/* T->K: m_auth_hello, gids, texts */
	IMSG_AUTH_CHALLENGE,	/* K->T: m_auth_challenge, texts */
	IMSG_AUTH_RESPONSE,	/* T->K: m_auth_response, texts; answers a
				 * CHALLENGE, once */
	IMSG_AUTH_DENY,		/* K->T: m_auth_deny, text; also answers a
				 * CANCEL that came in time */
	IMSG_AUTH_CANCEL,	/* T->K: {}; the connection went away */
	IMSG_AUTH_GRANTED,	/* K->T: {}; answers a CANCEL that came late:
				 * SESSION_OPEN is under way or was here */
	IMSG_GRANT,		/* K->B: m_grant, authid, extra */
	IMSG_AUTH_CALL,		/* K->B: m_auth_call, uri, arguments */
	IMSG_AUTH_RESULT,	/* B->K: m_auth_result, texts; answers an
				 * AUTH_CALL, once */
	IMSG_REVOKE,		/* K->B: m_revoke, proofs */

	/* sessions; each side answers the other's CLOSE or END by its own
	 * once, and only then is the slot free */
	IMSG_SESSION_OPEN,	/* B->T: m_session_open, authid, role name,
				 * extra */
	IMSG_SESSION_FEATURES,	/* T->B: m_session_features; the first imsg
				 * of a session that was opened */
	IMSG_SESSION_CLOSE,	/* T->B: m_session_close */
	IMSG_SESSION_END,	/* B->T: m_session_end, text, uri */

	/* Publish and Subscribe */
	IMSG_SUBSCRIBE,		/* T->B: m_subscribe, uri */
	IMSG_SUBSCRIBED,	/* B->T: m_subscribed */
	IMSG_UNSUBSCRIBE,	/* T->B: m_unsubscribe */
	IMSG_UNSUBSCRIBED,	/* B->T: m_unsubscribed, text */
	IMSG_PUBLISH,		/* T->B: m_publish, uri, filter, ppt, payload */
	IMSG_PUBLISHED,		/* B->T: m_published */
	IMSG_EVENT,		/* B->T (slot 0): m_event, m_sessref[nrefs],
				 * topic, authid, authrole, ppt, payload */

	/* Remote Procedure Calls */
	IMSG_REGISTER,		/* T->B: m_register, uri */
	IMSG_REGISTERED,	/* B->T: m_registered */
	IMSG_UNREGISTER,	/* T->B: m_unregister */
	IMSG_UNREGISTERED,	/* B->T: m_unregistered, text */
	IMSG_CALL,		/* T->B: m_call, uri, ppt, payload */
	IMSG_CANCEL,		/* T->B: m_cancel */
	IMSG_CALL_OVER,		/* B->T: m_call_over; answers a CANCEL of
				 * CANCEL_UNDELIVERED */
	IMSG_INVOCATION,	/* B->T: m_invocation, procedure, authid,
				 * authrole, ppt, payload */
	IMSG_INTERRUPT,		/* B->T: m_interrupt */
	IMSG_YIELD,		/* T->B: m_yield, ppt, payload */
	IMSG_RESULT,		/* B->T: m_result, ppt, payload */
	IMSG_HISTORY,		/* B->T: m_history, events; the RESULT of
				 * wamp.subscription.get_events */
	IMSG_INVOCATION_FAILED,	/* T->B: m_invocation_failed, text; it could
				 * not be delivered to its callee */

	/* errors */
	IMSG_ERROR,		/* T->B, B->T: m_error, uri, ppt, payload; from
				 * a callee, to its caller */
	IMSG_REFUSED,		/* B->T: m_refused, text; ERROR of our own */

	/* flow control */
	IMSG_XOFF,		/* T->B: slot's client is slow; B->T: read
				 * the slot's client no further, slot 0: no
				 * clients at all */
	IMSG_XON,		/* takes it back */
	IMSG_FENCE,		/* T->B: of a slot, send it back; B->T: here it
				 * is, behind all that came of what was said
				 * before it */

	IMSG_MAX
};

struct m_u32 {
	uint32_t	 n;
};

struct m_setup_start {
	uint32_t	 version;	/* IMSG_VERSION */
	uint8_t		 role;		/* enum proc_role of the receiver */
	uint8_t		 kind;		/* enum proxy_kind */
	uint16_t	 instance;
	uint32_t	 generation;
	uint32_t	 is_root;
	uint32_t	 uid, gid;
	uint32_t	 strict;
	uint32_t	 loglevel;
	uint32_t	 rootlen;
	uint64_t	 nofile;
};

struct m_setup_done {
	uint32_t	 version;
	uint8_t		 role;
	uint8_t		 pad;
	uint16_t	 instance;
};

/* Which end of an edge: a tlsproxy and the keeper share two. */
enum peer_link {
	LINK_MAIN = 0,
	LINK_SIGN = 1
};

struct m_peer {
	uint8_t		 role;		/* of the peer named */
	uint8_t		 kind;		/* enum proxy_kind, if a tlsproxy */
	uint16_t	 instance;
	uint32_t	 generation;
	uint8_t		 link;		/* enum peer_link */
	uint8_t		 pad[3];
};

struct m_suspect {
	uint8_t		 role;
	uint8_t		 pad;
	uint16_t	 instance;
	uint32_t	 generation;
};

/* IPv4 addresses are mapped, IPv6 ones cut to the prefix of limits, ::1 stays;
 * local users are 16 octets "unix:" and the uid; all zero: all connections
 * together. */
struct m_conn_count {
	uint8_t		 addr[16];
	uint32_t	 count;		/* of this tlsproxy, now; address 0:
					 * all of its connections */
	uint32_t	 is_kept;	/* T->P: more than CONN_SHED said, but
					 * none of them has just come */
};

struct m_conn_limit {
	uint8_t		 addr[16];
	uint32_t	 is_over;	/* refuse (address) or pause (all) */
};

struct m_drain {
	uint32_t	 number;	/* the parent's for it, counted */
	uint32_t	 ms;		/* over which time */
	uint32_t	 is_upgrade;	/* 1: others serve already; those with
					 * registrations go first, and who has
					 * connected may still join */
};

/*
 * What wampctl wants to know of a child.  A query begins with cursor 0; as
 * long as the answer is not the end of it, the parent asks again with the
 * cursor that came with it, when its client has room.
 */
struct m_ctl_query {
	uint32_t	 query;		/* the parent's number for it */
	uint16_t	 what;		/* enum ctl_what */
	uint16_t	 authidlen;	/* 0: all */
	uint64_t	 cursor;
	uint64_t	 session;	/* 0: all */
	uint32_t	 realm;		/* 0: all */
	uint32_t	 pad;
};

#define CTL_MAXROWS	(12 * 1024)	/* octets of rows in one answer */

/* Behind it nrows times: uint16_t length, a map in MessagePack. */
struct m_ctl_rows {
	uint32_t	 query;
	uint32_t	 nrows;
	uint64_t	 cursor;	/* 0 if is_end */
	uint8_t		 is_end;
	uint8_t		 is_lost;	/* not all was told: another query
				 * began meanwhile, or it is not one
				 * for that process */
	uint8_t		 pad[6];
};

/* Rows as behind m_ctl_rows, at most CTL_MAXROWS. */
struct m_counts {
	uint32_t	 number;	/* of the COUNTS_ASK */
	uint32_t	 nrows;
	uint8_t		 is_end;
	uint8_t		 is_lost;	/* at the end: some process did not tell
				 * all of its own */
	uint8_t		 pad[6];
};

#define HEALTH_MAXTEXT	512

/* Behind it why not, in words. */
struct m_health {
	uint32_t	 number;	/* of the HEALTH_ASK */
	uint8_t		 is_good;
	uint8_t		 pad;
	uint16_t	 textlen;
};

#define SIGN_MAX	512		/* RSA 4096 */
enum sign_alg {
	SIGN_RSA_PSS = 1,	/* a block already padded (EMSA-PSS) */
	SIGN_RSA_PKCS1 = 2,	/* a DigestInfo to be padded */
	SIGN_ECDSA = 3		/* a digest */
};

struct m_sign {
	uint32_t	 seq;
	uint8_t		 alg;		/* enum sign_alg */
	uint8_t		 pad;
	uint16_t	 len;
	uint8_t		 pubkey[32];	/* SHA-256 of the SubjectPublicKeyInfo */
	uint8_t		 data[SIGN_MAX];
};

struct m_signed {
	uint32_t	 seq;
	uint16_t	 len;		/* 0: refused */
	uint16_t	 pad;
	uint8_t		 sig[SIGN_MAX];
};

#define PROOF_SOCKET	0x01	/* uid, gid and groups are SO_PEERCRED's */
#define PROOF_TLS	0x02	/* certhash, subject and names are those of a
				 * certificate that libtls verified */

#define AUTH_MAXGROUPS	64	/* supplementary groups looked at */
#define AUTHID_MAXLEN	256
#define AUTH_MAXSUBJECT	1024
#define AUTH_MAXSANS	4096
#define AUTH_MAXNONCE	256	/* of SCRAM, client's and server's */
#define AUTH_MAXADDRESS	128
#define AUTH_MAXEXTRA	4096	/* HELLO's and WELCOME's authextra */
#define AUTH_MAXSIG	4096	/* AUTHENTICATE.Signature: a ticket, a proof */
#define AUTH_MAXCBNAME	64
#define AUTH_MAXCBDATA	1024
#define AUTH_MAXTEXT	4096	/* of one text in a CHALLENGE */

/* Behind it, in this order: gids, authid, subject, sans, nonce, address,
 * extra. */
struct m_auth_hello {
	uint32_t	 realm;
	uint32_t	 methods;	/* AUTH_* the client announces; 0: none
				 * announced */
	uint32_t	 uid, gid;	/* if PROOF_SOCKET */
	uint8_t		 proofs;	/* PROOF_* */
	uint8_t		 announced;	/* 1: authmethods was there, though
				 * perhaps with unknown names only */
	uint16_t	 ngroups;
	uint16_t	 authidlen;
	uint16_t	 subjectlen;	/* if PROOF_TLS */
	uint16_t	 sanslen;	/* "dns:a\0email:b\0", each with its NUL */
	uint16_t	 noncelen;	/* authextra.nonce (SCRAM) */
	uint16_t	 addresslen;	/* the client's, for the log */
	uint16_t	 extralen;	/* authextra in MessagePack, a map */
	uint8_t		 has_authid;	/* 1: it was there, perhaps empty */
	uint8_t		 has_pubkey;	/* authextra.pubkey (cryptosign) */
	uint8_t		 wants_binding;	/* authextra.channel_binding was there */
	uint8_t		 pad[5];
	uint8_t		 addr[16];	/* as in m_conn_count */
	uint8_t		 certhash[32];	/* SHA-256 of the certificate */
	uint8_t		 pubkey[32];
};

#define AUTH_MAXARGS	16384
#define AUTH_MAXSECRET	256	/* of WAMP-CRA, and of a key of it */
#define AUTH_MAXSALT	255
#define AUTH_MAXKEYS	16	/* Ed25519 keys of one principal */
#define AUTH_MAXNAME	256	/* of a realm, a role */
#define AUTH_MAXERROR	256

/* "authenticate ... dynamic": call the procedure and say what it says. */
struct m_auth_call {
	uint64_t	 id;		/* the keeper's, not used again */
	uint32_t	 realm;		/* of the procedure */
	uint32_t	 timeout;	/* ms */
	uint32_t	 method;	/* AUTH_*: what must be in the answer */
	uint32_t	 arglen;	/* Arguments in MessagePack, a list */
	uint16_t	 urilen;
	uint16_t	 pad;
	uint32_t	 pad2;
};

enum auth_outcome {
	AUTH_OUTCOME_GIVEN = 0,		/* who it is, if the proof is right */
	AUTH_OUTCOME_REFUSED = 1,	/* the callee's ERROR, its URI */
	AUTH_OUTCOME_FAILED = 2		/* no answer, or not one of the right
					 * shape: the broker logged it */
};

/* What is not there has no length.  Behind it: authid, role, realm, secret,
 * salt, nkeys times 32 octets, extra (a map in MessagePack), error. */
struct m_auth_result {
	uint64_t	 id;
	uint32_t	 iterations;	/* WAMP-CRA with salt, else 0 */
	uint16_t	 keylen;	/* likewise */
	uint16_t	 authidlen;
	uint16_t	 rolelen;
	uint16_t	 realmlen;
	uint16_t	 secretlen;
	uint16_t	 saltlen;
	uint16_t	 nkeys;
	uint16_t	 extralen;
	uint16_t	 errorlen;
	uint8_t		 outcome;	/* enum auth_outcome */
	uint8_t		 pad;
};

struct m_auth_deny {
	uint16_t	 err;		/* enum wamp_err */
	uint16_t	 textlen;
};

/* The KDF of a CHALLENGE of SCRAM: numbers of enum scram_kdf. */
enum auth_kdf {
	AUTH_KDF_NONE = 0,
	AUTH_KDF_PBKDF2 = 1,
	AUTH_KDF_ARGON2ID13 = 2,
	AUTH_KDF_ARGON2ID13_AUTOBAHN = 3	/* "argon2id-13" */
};

/* What the method does not use is zero.  Behind it: challenge, salt, nonce. */
struct m_auth_challenge {
	uint32_t	 method;	/* AUTH_* bit */
	uint32_t	 iterations;
	uint32_t	 memory;	/* KiB */
	uint16_t	 keylen;
	uint16_t	 challengelen;
	uint16_t	 saltlen;
	uint16_t	 noncelen;
	uint8_t		 kdf;		/* enum auth_kdf */
	uint8_t		 pad[3];
};

/* AUTHENTICATE.  Behind it: signature, nonce, cbname, cbdata. */
struct m_auth_response {
	uint16_t	 siglen;
	uint16_t	 noncelen;	/* Extra.nonce */
	uint16_t	 cbnamelen;	/* Extra.channel_binding */
	uint16_t	 cbdatalen;	/* Extra.cbind_data */
	uint8_t		 has_cbname;	/* 1: it was there */
	uint8_t		 has_cbdata;
	uint8_t		 pad[2];
};

enum auth_provider {		/* WELCOME.Details.authprovider */
	AUTH_PROVIDER_STATIC = 0,	/* configuration, users file */
	AUTH_PROVIDER_DYNAMIC = 1
};

struct m_grant {
	uint64_t	 session;
	uint64_t	 proof;		/* names what it was granted for, for
				 * REVOKE; 0: nothing that can be revoked */
	uint32_t	 realm;
	uint32_t	 role;
	uint32_t	 proxygen;
	uint16_t	 proxy;		/* instance of the tlsproxy */
	uint16_t	 authidlen;
	uint32_t	 method;	/* AUTH_* bit */
	uint16_t	 extralen;	/* WELCOME's authextra, MessagePack */
	uint8_t		 provider;	/* enum auth_provider */
	uint8_t		 pad;
};

#define REVOKE_MAX	4096

/* Sessions of the realm that were granted for one of these proofs end. */
struct m_revoke {
	uint32_t	 realm;
	uint32_t	 n;		/* uint64_t[n] behind it */
};

struct m_session_open {
	uint64_t	 session;
	uint32_t	 realm;
	uint32_t	 method;
	uint16_t	 authidlen;
	uint16_t	 rolelen;
	uint16_t	 extralen;
	uint8_t		 provider;
	uint8_t		 pad;
};

#define SLOT_MAX	(1U << 20)	/* slots are 1 to below it */

enum close_why {
	CLOSE_GOODBYE = 1,	/* client said GOODBYE */
	CLOSE_LOST = 2,		/* transport ended without */
	CLOSE_VIOLATION = 3,	/* ended by ABORT of ours */
	CLOSE_ABORTED = 4,	/* client said ABORT */
	CLOSE_ENDED = 5,	/* answers SESSION_END, or shutdown */
	CLOSE_NEVER = 6		/* client was gone before SESSION_OPEN */
};

/*
 * What a client's HELLO announced of the role named, as far as it makes a
 * difference to the broker.  What a chapter makes depend on call canceling
 * (progressive results and invocations of a callee) is not there without it.
 */
#define FEAT_CALLER_PROGRESS_IN		0x00000001	/* progressive call
							 * invocations */
#define FEAT_CALLER_PPT			0x00000002	/* payload passthru */
#define FEAT_CALLEE_CANCELING		0x00000004
#define FEAT_CALLEE_TIMEOUT		0x00000008
#define FEAT_CALLEE_PROGRESS		0x00000010	/* progressive call
							 * results */
#define FEAT_CALLEE_PROGRESS_IN		0x00000020
#define FEAT_CALLEE_CALLER		0x00000040	/* caller
							 * identification */
#define FEAT_CALLEE_TRUST		0x00000080	/* call trust levels */
#define FEAT_CALLEE_REROUTE		0x00000100
#define FEAT_CALLEE_REVOCATION		0x00000200
#define FEAT_CALLEE_PPT			0x00000400
#define FEAT_PUBLISHER_PPT		0x00000800
#define FEAT_SUBSCRIBER_PPT		0x00001000
#define FEAT_SUBSCRIBER_PUBLISHER	0x00002000	/* publisher
							 * identification */
#define FEAT_SUBSCRIBER_TRUST		0x00004000
#define FEAT_SUBSCRIBER_REVOCATION	0x00008000
#define FEAT_ALL			0x0000ffff

struct m_session_features {
	uint32_t	 features;	/* FEAT_* */
	uint32_t	 pad;
};

struct m_session_close {
	uint8_t		 why;		/* enum close_why */
	uint8_t		 pad[3];
};

struct m_session_end {
	uint16_t	 err;		/* enum wamp_err: reason of GOODBYE;
				 * WERR_NONE: answers SESSION_CLOSE.  In the
				 * place of SESSION_OPEN: of ABORT; the grant
				 * was refused, answer it all the same */
	uint16_t	 textlen;
	uint16_t	 urilen;	/* a reason that stands for err, which
					 * is WERR_KILLED then */
	uint16_t	 pad;
};

/*
 * Payload: the octets of Arguments and ArgumentsKw as they stood in the
 * message of serializer "ser" (JSON: with the comma between), nargs of them:
 * 0 neither, 1 Arguments, 2 both.
 *
 * ppt: the ppt_* attributes of Payload Passthru Mode (ppt.h), or nothing.
 */
#define PPT_MAXLEN	4096

#define SUBSCRIBE_GET_RETAINED	0x01

struct m_subscribe {
	uint64_t	 request;
	uint8_t		 match;		/* enum uri_match */
	uint8_t		 flags;		/* SUBSCRIBE_* */
	uint16_t	 urilen;
	uint32_t	 pad;
};

struct m_subscribed {
	uint64_t	 request;
	uint64_t	 subscription;
};

struct m_unsubscribe {
	uint64_t	 request;
	uint64_t	 subscription;
};

struct m_unsubscribed {
	uint64_t	 request;	/* 0: revoked, the text says why */
	uint64_t	 subscription;
};

#define PUBLISH_ACK		0x01
#define PUBLISH_INCLUDE_ME	0x02	/* exclude_me: false */
#define PUBLISH_DISCLOSE_ME	0x04
#define PUBLISH_RETAIN		0x08
#define PUBLISH_FLAGS		0x0f

struct m_publish {
	uint64_t	 request;
	uint32_t	 flags;		/* PUBLISH_* */
	uint32_t	 paylen;
	uint16_t	 urilen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint32_t	 filterlen;	/* m_filter and its lists, or 0 */
	uint16_t	 pptlen;
	uint16_t	 pad;
	uint32_t	 pad2;
};

/*
 * WAMP, Subscriber Black- and Whitelisting.  Behind it: the session ids of
 * the first two lists, uint64_t each; the texts of the other four, each a
 * uint16_t length and its octets.  A list that is there and empty is not the
 * same as none.
 */
enum filter_list {
	FILTER_EXCLUDE = 0,
	FILTER_ELIGIBLE,
	FILTER_EXCLUDE_AUTHID,
	FILTER_ELIGIBLE_AUTHID,
	FILTER_EXCLUDE_AUTHROLE,
	FILTER_ELIGIBLE_AUTHROLE
};
#define FILTER_LISTS	6
#define FILTER_MAX	1000		/* entries of a list */

struct m_filter {
	uint16_t	 n[FILTER_LISTS];
	uint8_t		 present;	/* 1 << enum filter_list */
	uint8_t		 pad[3];
};

struct m_published {
	uint64_t	 request;
	uint64_t	 publication;
};

/* The sessions named are the only receivers, not the exceptions. */
#define EVENT_ONLY		0x01
#define EVENT_RETAINED		0x02
#define EVENT_PUBLISHER		0x04	/* publisher, authid, authrole */
#define EVENT_TRUST		0x08	/* trust */
#define EVENT_FLAGS		0x0f

/*
 * To all sessions of the receiving tlsproxy that hold the subscription,
 * except those listed.
 */
struct m_event {
	uint64_t	 subscription;
	uint64_t	 publication;
	uint32_t	 flags;		/* EVENT_* */
	uint32_t	 nrefs;		/* m_sessref */
	uint32_t	 paylen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint16_t	 topiclen;	/* of a pattern's: the concrete one */
	uint64_t	 publisher;	/* session id */
	uint32_t	 trust;
	uint16_t	 authidlen;
	uint16_t	 rolelen;
	uint16_t	 pptlen;
	uint16_t	 pad;
	uint32_t	 pad2;
};
#define EVENT_MAXREFS	4096

struct m_sessref {
	uint32_t	 slot;
	uint32_t	 gen;
};

/* WAMP, Shared Registration */
enum invoke_policy {
	INVOKE_SINGLE = 0,
	INVOKE_FIRST,
	INVOKE_LAST,
	INVOKE_ROUNDROBIN,
	INVOKE_RANDOM
};
#define INVOKE_MAX	5

#define REGISTER_FORWARD_TIMEOUT	0x01
#define REGISTER_DISCLOSE_CALLER	0x02
#define REGISTER_FORCE			0x04	/* force_reregister */
#define REGISTER_FLAGS			0x07

struct m_register {
	uint64_t	 request;
	uint8_t		 match;		/* enum uri_match */
	uint8_t		 invoke;	/* enum invoke_policy */
	uint16_t	 urilen;
	uint32_t	 concurrency;	/* invocations at a time, 0: any */
	uint32_t	 flags;		/* REGISTER_* */
	uint32_t	 pad;
};

struct m_registered {
	uint64_t	 request;
	uint64_t	 registration;
};

struct m_unregister {
	uint64_t	 request;
	uint64_t	 registration;
};

struct m_unregistered {
	uint64_t	 request;	/* 0: revoked, the text says why */
	uint64_t	 registration;
};

#define CALL_RECEIVE_PROGRESS	0x01
#define CALL_PROGRESS		0x02	/* more of it will follow */
#define CALL_DISCLOSE_ME	0x04
#define CALL_CONTINUES		0x08	/* more of one that was begun: the id
					 * is not new */
#define CALL_MAY_CONTINUE	0x10	/* if one by that id is under way
					 * ("request ids loose") */
#define CALL_FLAGS		0x1f

struct m_call {
	uint64_t	 request;
	uint32_t	 flags;		/* CALL_* */
	uint32_t	 paylen;
	uint16_t	 urilen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint32_t	 timeout;	/* ms, 0: none asked for */
	uint16_t	 pptlen;
	uint16_t	 pad;
	uint32_t	 pad2;
};

/* WAMP, Call Canceling */
enum cancel_mode {
	CANCEL_SKIP = 1,
	CANCEL_KILL,
	CANCEL_KILLNOWAIT,
	CANCEL_UNKNOWN,		/* no mode there is */
	CANCEL_UNDELIVERED	/* a result could not be delivered, of which
				 * the caller was told: CALL_OVER, once it can
				 * forget the call */
};
#define CANCEL_MAX	6

struct m_cancel {
	uint64_t	 request;	/* CALL.Request */
	uint8_t		 mode;		/* enum cancel_mode */
	uint8_t		 pad[7];
};

struct m_call_over {
	uint64_t	 request;	/* CALL.Request */
};

/* The broker itself called and reads the answer: its payload, if it is not
 * MessagePack, is to be converted to that. */
#define INVOCATION_MSGPACK		0x01
#define INVOCATION_RECEIVE_PROGRESS	0x02
#define INVOCATION_PROGRESS		0x04
#define INVOCATION_CONTINUES		0x08	/* the id is not new */
#define INVOCATION_CALLER		0x10	/* caller, authid, authrole */
#define INVOCATION_TRUST		0x20	/* trust */
#define INVOCATION_FLAGS		0x3f

struct m_invocation {
	uint64_t	 request;	/* of the callee's session scope */
	uint64_t	 registration;
	uint32_t	 flags;		/* INVOCATION_* */
	uint32_t	 paylen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint16_t	 proclen;	/* of a pattern's: the concrete one */
	uint32_t	 timeout;	/* ms, for the callee to keep; or 0 */
	uint64_t	 caller;	/* session id */
	uint32_t	 trust;
	uint16_t	 authidlen;
	uint16_t	 rolelen;
	uint16_t	 pptlen;
	uint16_t	 pad;
	uint32_t	 pad2;
};

struct m_interrupt {
	uint64_t	 request;	/* INVOCATION.Request */
	uint16_t	 err;		/* enum wamp_err: why */
	uint8_t		 mode;		/* CANCEL_KILL, CANCEL_KILLNOWAIT */
	uint8_t		 pad[5];
};

#define YIELD_PROGRESS		0x01

struct m_yield {
	uint64_t	 request;	/* INVOCATION.Request */
	uint32_t	 flags;		/* YIELD_* */
	uint32_t	 paylen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint16_t	 pptlen;
	uint32_t	 pad;
};

struct m_result {
	uint64_t	 request;	/* CALL.Request */
	uint32_t	 flags;		/* YIELD_* */
	uint32_t	 paylen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint16_t	 pptlen;
	uint32_t	 pad;
};

#define HISTORY_MORE		0x01	/* there are more than fitted */

struct m_history {
	uint64_t	 request;	/* CALL.Request */
	uint32_t	 n;		/* m_history_event */
	uint32_t	 flags;		/* HISTORY_* */
};

/* Behind each: topic, authid, authrole, ppt, payload. */
struct m_history_event {
	uint64_t	 subscription;
	uint64_t	 publication;
	uint64_t	 publisher;	/* session id */
	uint64_t	 time;		/* ms since 1970, UTC */
	uint32_t	 flags;		/* EVENT_PUBLISHER, EVENT_TRUST */
	uint32_t	 trust;
	uint32_t	 paylen;
	uint16_t	 topiclen;	/* of a pattern's: the concrete one */
	uint16_t	 authidlen;
	uint16_t	 rolelen;
	uint16_t	 pptlen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint16_t	 pad;
};

struct m_invocation_failed {
	uint64_t	 request;	/* INVOCATION.Request */
	uint16_t	 err;		/* enum wamp_err */
	uint16_t	 textlen;
	uint32_t	 pad;
};

struct m_error {
	uint64_t	 request;	/* T->B: INVOCATION.Request;
				 * B->T: CALL.Request */
	uint32_t	 paylen;
	uint16_t	 urilen;
	uint8_t		 ser;
	uint8_t		 nargs;
	uint16_t	 pptlen;
	uint16_t	 pad;
	uint32_t	 pad2;
};

struct m_refused {
	uint64_t	 request;
	uint16_t	 err;		/* enum wamp_err */
	uint16_t	 textlen;
	uint8_t		 reqtype;	/* enum wamp_code */
	uint8_t		 pad[3];
};

/* Longest English text in m_auth_deny, m_session_end, m_refused, ... */
#define REASON_MAXLEN	256

#define ASSERT_SIZE(s, n)	_Static_assert(sizeof(struct s) == (n), #s)
ASSERT_SIZE(m_u32, 4);
ASSERT_SIZE(m_setup_start, 48);
ASSERT_SIZE(m_setup_done, 8);
ASSERT_SIZE(m_peer, 12);
ASSERT_SIZE(m_suspect, 8);
ASSERT_SIZE(m_conn_count, 24);
ASSERT_SIZE(m_conn_limit, 20);
ASSERT_SIZE(m_drain, 12);
ASSERT_SIZE(m_ctl_query, 32);
ASSERT_SIZE(m_ctl_rows, 24);
ASSERT_SIZE(m_counts, 16);
ASSERT_SIZE(m_health, 8);
ASSERT_SIZE(m_sign, 552);
ASSERT_SIZE(m_signed, 520);
ASSERT_SIZE(m_auth_hello, 120);
ASSERT_SIZE(m_auth_challenge, 24);
ASSERT_SIZE(m_auth_response, 12);
ASSERT_SIZE(m_revoke, 8);
ASSERT_SIZE(m_auth_call, 32);
ASSERT_SIZE(m_auth_result, 32);
ASSERT_SIZE(m_auth_deny, 4);
ASSERT_SIZE(m_grant, 40);
ASSERT_SIZE(m_session_open, 24);
ASSERT_SIZE(m_session_features, 8);
ASSERT_SIZE(m_session_close, 4);
ASSERT_SIZE(m_session_end, 8);
ASSERT_SIZE(m_subscribe, 16);
ASSERT_SIZE(m_subscribed, 16);
ASSERT_SIZE(m_unsubscribe, 16);
ASSERT_SIZE(m_unsubscribed, 16);
ASSERT_SIZE(m_publish, 32);
ASSERT_SIZE(m_published, 16);
ASSERT_SIZE(m_event, 56);
ASSERT_SIZE(m_filter, 16);
ASSERT_SIZE(m_sessref, 8);
ASSERT_SIZE(m_register, 24);
ASSERT_SIZE(m_registered, 16);
ASSERT_SIZE(m_unregister, 16);
ASSERT_SIZE(m_unregistered, 16);
ASSERT_SIZE(m_call, 32);
ASSERT_SIZE(m_invocation, 56);
ASSERT_SIZE(m_cancel, 16);
ASSERT_SIZE(m_call_over, 8);
ASSERT_SIZE(m_interrupt, 16);
ASSERT_SIZE(m_yield, 24);
ASSERT_SIZE(m_result, 24);
ASSERT_SIZE(m_history, 16);
ASSERT_SIZE(m_history_event, 56);
ASSERT_SIZE(m_invocation_failed, 16);
ASSERT_SIZE(m_error, 24);
ASSERT_SIZE(m_refused, 16);

#endif /* WAMPD_MSGTYPES_H */
