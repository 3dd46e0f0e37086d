/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the files that build messages to clients share.
 */
#ifndef WAMPD_WAMP_OUT_H
#define WAMPD_WAMP_OUT_H

#include <sys/uio.h>

#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "msgtypes.h"
#include "ppt.h"
#include "uri.h"
#include "wamp.h"

struct chan;
struct conn;
struct imsg;
struct pbuf;
struct psess;

/* What of an imsg was not read yet. */
struct unread {
	const uint8_t	*p;
	size_t		 left;
	struct pbuf	*pb;		/* of all of it, or NULL */
};

/* A payload as it came: see msgtypes.h. */
struct payload {
	const uint8_t	*p;
	size_t		 len;
	struct pbuf	*pb;		/* which p is part of, or NULL */
	uint8_t		 ser;
	uint8_t		 nargs;
	uint8_t		 has_ppt;
	uint8_t		 is_bad;	/* its ppt_* are none: whoever sent it
					 * is to blame, not the broker */
	struct ppt_text	 ppt[PPT_ATTRS];
};

/* What a message was sent to and by whom, as far as the receiver is told.
 * What has no length is not there. */
struct origin {
	struct uri	 uri;		/* topic or procedure */
	uint64_t	 session;	/* 0: not disclosed */
	struct uri	 authid, role;
	uint32_t	 trust;
	uint8_t		 has_trust;
};

#define ORIGIN_KEYS	5	/* in this order */

/* An entry of Details: a text, a number, or true. */
struct detail {
	const char	*key;
	const char	*text;		/* or NULL */
	size_t		 len;
	uint64_t	 n;
	uint8_t		 is_true;
};

#define DETAILS_MAX	8
struct details {
	unsigned int	 n;
	struct detail	 v[DETAILS_MAX];
};

/* The first elements of a message, before Arguments. */
struct head {
	unsigned int		 code;
	unsigned int		 n;		/* of ids */
	uint64_t		 ids[3];
	const struct details	*details;	/* NULL: none but ppt_* */
	const char		*uri;		/* ERROR, else NULL */
	size_t			 urilen;
};

/* One that was built: in parts, as its payload was not copied. */
#define MESSAGE_PARTS	3
struct message {
	struct iovec	 iov[MESSAGE_PARTS];
	size_t		 len;
	struct pbuf	*pb;		/* which the second is to be kept in,
					 * or NULL: it is to be copied */
};

/* wamp_parse.c: what brokers say of messages with a payload; 0, or -1:
 * nonsense */
int	 out_is_id(uint64_t);
int	 out_parse_event(const struct imsg *, struct m_event *,
	    const uint8_t **refs, struct origin *, struct payload *);
int	 out_parse_invocation(const struct imsg *, struct m_invocation *,
	    struct origin *, struct payload *);
int	 out_parse_result(const struct imsg *, struct m_result *,
	    struct payload *);
int	 out_parse_error(const struct imsg *, struct m_error *, struct uri *,
	    struct payload *);
int	 out_parse_history(const struct imsg *, struct m_history *,
	    struct unread *);
/* The next one; nothing is left over behind the last. */
int	 out_parse_history_event(struct unread *, struct m_history_event *,
	    struct origin *, struct payload *);

/* wamp_build.c: messages with a payload */
extern const char *const origin_event_keys[ORIGIN_KEYS];	/* of EVENT */
void	 details_text(struct details *, const char *key, const char *,
	    size_t);
void	 details_uint(struct details *, const char *key, uint64_t);
void	 details_true(struct details *, const char *key);
void	 details_origin(struct details *, const struct origin *,
	    const char *const keys[ORIGIN_KEYS]);
/* As a map, with the ppt_* of a payload (or NULL). */
void	 out_details(struct enc *, const struct details *,
	    const struct payload *);
/* Arguments and ArgumentsKw, checked. */
enum codec_err	 payload_values(const struct payload *, struct val[2]);
/* One of them, converted if need be. */
enum codec_err	 out_value(struct enc *, const struct val *);
/* [code, ids..., {}, uri?, args?, kwargs?]: lies in proxy->msg and in the
 * payload. */
enum codec_err	 out_build(int ser, const struct head *,
		    const struct payload *, struct message *);

/* wamp_call.c: why a message is not delivered */
extern const char	out_too_long[], out_not_convertible[];

/* wamp_event.c: an event that a session does not get is counted */
void		 out_event_dropped(struct psess *, const char *why);

/* wamp_out.c */
/* A message into proxy->msg. */
struct wbuf	*out_begin(struct enc *, int ser);
/* Send what was built; messages of ours are never too long for a client. */
void	 out_send(struct conn *, enum wamp_code, const struct wbuf *);
/* The joined session of an imsg (NULL: dropped, that is normal); -1:
 * nonsense. */
int	 out_target(struct chan *, struct imsg *, struct psess **);

#endif /* WAMPD_WAMP_OUT_H */
