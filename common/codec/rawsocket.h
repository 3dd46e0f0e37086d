/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The frames of the RawSocket transport (WAMP, RawSocket Transport), as a
 * pure state machine over octets: no descriptors, no timers.
 */
#ifndef WAMPD_RAWSOCKET_H
#define WAMPD_RAWSOCKET_H

#include <stddef.h>
#include <stdint.h>

#define RS_MAGIC	0x7f
#define RS_HDRLEN	4
#define RS_MAXLEN	16777216	/* 16 MiB, the 25th bit */

struct pbuf;

enum rs_event_type {
	RS_MORE,		/* all octets taken, nothing complete */
	RS_MESSAGE,		/* a WAMP message */
	RS_PING,
	RS_PONG,
	RS_FAIL			/* close the connection; why is in ev->why */
};

struct rs_event {
	enum rs_event_type	 type;
	uint8_t			*data;	/* valid until the next rs_next() */
	size_t			 len;
	struct pbuf		*pb;	/* which data is part of, or NULL */
	const char		*why;	/* RS_FAIL: English, for log and ABORT */
	int			 toobig;	/* RS_FAIL: message over limit */
};

/*
 * A receiver of frames.  Owns its assembly buffer, outside of the budget of
 * pbufs, which exists only while a frame is incomplete and grows with what
 * was received, never with what was announced.  max may change at any time, it counts at the next header.
 */
struct rs {
	size_t		 max;		/* largest payload accepted: what the
					 * handshake announced */
	uint8_t		 wipes;		/* 1: what was in buf is wiped */
	/* the rest is private to rawsocket.c */
	uint8_t		 hdr[RS_HDRLEN];
	uint8_t		 hdrlen;
	uint8_t		 failed;	/* RS_FAIL was delivered */
	size_t		 need;		/* payload length of the frame */
	struct pbuf	*pb;		/* payload of an incomplete frame */
};

/*
 * Client's handshake octets in: what to answer?  Needs 4 octets.
 * Returns 0 with *ser (1 to 3) and *peermax (the longest message the client
 * takes, 512 to 16 MiB) set, or -1 when it must be refused; in both cases
 * reply holds the 4 octets to send (on the error of a wrong magic octet,
 * *replylen is 0: nothing is sent).  accept is a bit mask 1 << ser of
 * permitted serializers; ourmax the longest message we take (any number
 * from 512 to 16 MiB; the power of two not above it is announced).
 */
int	 rs_handshake(const uint8_t in[4], unsigned int accept, size_t ourmax,
	    uint8_t reply[4], size_t *replylen, int *ser, size_t *peermax);
/* The client's side of it (wampc): octets to send; and reading the reply:
 * 0, or -1 with *why set. */
void	 rs_client_hello(uint8_t out[4], int ser, size_t ourmax);
int	 rs_client_reply(const uint8_t in[4], int ser, size_t *peermax,
	    const char **why);
/* The power of two that a limit of n octets amounts to. */
size_t	 rs_floor(size_t n);

void	 rs_init(struct rs *, size_t max);
void	 rs_free(struct rs *);
/*
 * Take octets from *p (*len of them, both advanced) up to the next event.
 * A payload that lies wholly in the input is delivered in place, uncopied.
 * PINGs may have up to max octets too.  No memory: RS_FAIL.
 * After RS_FAIL all input is swallowed and nothing more delivered.
 * is_partial: has a frame begun that is not complete?
 */
void	 rs_next(struct rs *, uint8_t **p, size_t *len, struct rs_event *ev);
int	 rs_is_partial(const struct rs *);
/*
 * Where the next octets may be read to, at most *n of them, for rs_next() to
 * find them in their place; NULL: elsewhere, there is no long frame under
 * way.
 */
uint8_t	*rs_room(struct rs *, size_t *n);
size_t	 rs_held(const struct rs *);	/* octets of its buffer */

#define RS_T_MESSAGE	0
#define RS_T_PING	1
#define RS_T_PONG	2
/* Header of a frame with len (0 to 16 MiB) octets of payload. */
void	 rs_header(uint8_t hdr[RS_HDRLEN], int type, size_t len);

#endif /* WAMPD_RAWSOCKET_H */
