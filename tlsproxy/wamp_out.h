/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the files that build messages to clients share.
 */
#ifndef WAMPD_WAMP_OUT_H
#define WAMPD_WAMP_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"

struct chan;
struct conn;
struct imsg;
struct psess;

/* A payload as it came: see msgtypes.h. */
struct payload {
	const uint8_t	*p;
	size_t		 len;
	uint8_t		 ser;
	uint8_t		 nargs;
};

/* The first elements of a message, before Arguments. */
struct head {
	unsigned int	 code;
	unsigned int	 n;		/* of ids */
	uint64_t	 ids[3];
	const char	*uri;		/* ERROR, else NULL */
	size_t		 urilen;
};

/* wamp_build.c: messages with a payload */
/* Is it one as msgtypes.h has it, as far as that can be seen from outside?
 * 0, or -1: nonsense. */
int		 payload_set(struct payload *, const uint8_t *, size_t len,
		    uint8_t ser, uint8_t nargs);
/* [code, ids..., {}, uri?, args?, kwargs?] into proxy->msg. */
enum codec_err	 out_build(int ser, const struct head *,
		    const struct payload *);

/* wamp_call.c: why a message is not delivered */
extern const char	out_too_long[], out_not_convertible[];

/* wamp_out.c */
/* A message into proxy->msg. */
struct wbuf	*out_begin(struct enc *, int ser);
/* Send what was built; messages of ours are never too long for a client. */
void		 out_send(struct conn *, const struct wbuf *);
int		 out_is_id(uint64_t);
/* The joined session of an imsg (NULL: dropped, that is normal); -1:
 * nonsense. */
int		 out_target(struct chan *, struct imsg *, struct psess **);

#endif /* WAMPD_WAMP_OUT_H */
