/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WebSocket frames (RFC 6455) as a pure state machine over octets, for the
 * server's side and the client's: no descriptors, no timers, no extension.
 */
#ifndef WAMPD_WEBSOCKET_H
#define WAMPD_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

#define WS_MAXHDR	14

#define WS_OP_CONT	0
#define WS_OP_TEXT	1
#define WS_OP_BINARY	2
#define WS_OP_CLOSE	8
#define WS_OP_PING	9
#define WS_OP_PONG	10

/* RFC 6455, 7.4.1 */
#define WS_NORMAL	1000
#define WS_GOING_AWAY	1001
#define WS_PROTOCOL	1002
#define WS_UNSUPPORTED	1003
#define WS_BADDATA	1007
#define WS_POLICY	1008
#define WS_TOOBIG	1009
#define WS_INTERNAL	1011

struct pbuf;

enum ws_event_type {
	WS_MORE,		/* all octets taken, nothing complete */
	WS_MESSAGE,		/* whole message, defragmented and unmasked */
	WS_PING,
	WS_PONG,
	WS_CLOSE,		/* peer's Close: code (0: none given) and
				 * reason in data/len; nothing may follow */
	WS_FAIL			/* fail the connection with Close code */
};

struct ws_event {
	enum ws_event_type	 type;
	uint8_t			*data;	/* valid until the next ws_next() */
	size_t			 len;
	struct pbuf		*pb;	/* which data is part of, or NULL */
	uint16_t		 code;
	const char		*why;	/* WS_FAIL: English */
};

/*
 * A receiver of frames; owns its assembly buffer, outside of the budget of
 * pbufs, which exists only while a message is incomplete.  max may change at any time, it counts at the next
 * header.
 */
struct ws {
	size_t		 max;		/* largest message, all fragments */
	uint8_t		 client;	/* 1: we are the client, frames from
					 * the peer are not masked */
	uint8_t		 text;		/* 1: only text messages, else only
					 * binary: the other fails with 1003 */
	uint8_t		 closed;	/* Close or failure was delivered */
	uint8_t		 wipes;		/* 1: what was in buf is wiped */
	/* the rest is private to websocket.c */
	uint8_t		 inmsg;		/* from the first frame's header to
					 * the last frame's end */
	uint8_t		 inframe;	/* header is complete */
	uint8_t		 opcode, fin;	/* of the frame */
	uint8_t		 hdr[WS_MAXHDR];
	uint8_t		 hdrlen;
	uint8_t		 mask[4];
	uint32_t	 utf8;		/* state of the UTF-8 check */
	size_t		 left;		/* octets of the frame to come */
	size_t		 maskpos;
	struct pbuf	*pb;		/* message under assembly */
	uint8_t		 ctl[125];	/* control frame under assembly */
	uint8_t		 ctllen;
};

void	 ws_init(struct ws *, size_t max, int client, int text);
void	 ws_free(struct ws *);
/*
 * Take octets from *p (*len of them, both advanced; they are unmasked in
 * place) up to the next event.  An unfragmented message that lies wholly in
 * the input is delivered in place, uncopied.  Text is checked for UTF-8 as
 * it arrives (a bad octet fails at once, not at the message's end), control
 * frames may stand between fragments, sizes are checked when the header is
 * complete, memory grows with what was received only.
 * After WS_CLOSE or WS_FAIL all input is swallowed and nothing more
 * delivered.
 */
void	 ws_next(struct ws *, uint8_t **p, size_t *len, struct ws_event *ev);
/* Has a message or frame begun that is not complete? */
int	 ws_is_partial(const struct ws *);
/* As rs_room() and rs_held(). */
uint8_t	*ws_room(struct ws *, size_t *n);
size_t	 ws_held(const struct ws *);

/*
 * Header of an unfragmented frame, unmasked if mask is NULL (server).
 * Returns its length, at most WS_MAXHDR.
 */
size_t	 ws_header(uint8_t hdr[WS_MAXHDR], int opcode, uint64_t len,
	    const uint8_t mask[4]);
/* Mask or unmask len octets that begin at octet pos of the frame. */
void	 ws_mask(uint8_t *, size_t len, const uint8_t mask[4], size_t pos);
/*
 * A Close frame's payload; returns its length, 0 for code 0.  why is UTF-8
 * or NULL, and cut where it does not fit.
 */
size_t	 ws_close_payload(uint8_t out[125], uint16_t code, const char *why);

#endif /* WAMPD_WEBSOCKET_H */
