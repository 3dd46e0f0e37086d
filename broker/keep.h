/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Events that outlive their publication: the last ones of topics, for those
 * who subscribe later (WAMP, Event Retention), and those of configured
 * topics, for those who ask (WAMP, Event History).  What a realm keeps is
 * counted against its "retain" and "history" of wampd.conf(5), not against
 * what clients' objects may take.
 */
#ifndef WAMPD_KEEP_H
#define WAMPD_KEEP_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "broker.h"

struct publication;
struct sublink;

/* -- kept.c: one such event --------------------------------------------- */

/* One copy for all that keep it. */
struct kept {
	uint32_t	 refs;
	uint32_t	 nrings;	/* histories that have it */
	struct hent	 byid;		/* of a realm's histories, if any has */
	TAILQ_ENTRY(kept) order;	/* likewise */
	uint64_t	 seq;		/* counts them, as they came */
	uint64_t	 time;		/* ms since 1970 */
	uint64_t	 id;		/* publication */
	uint64_t	 except;	/* serial of a session, or 0 */
	uint64_t	 publisher;	/* if EVENT_PUBLISHER */
	uint32_t	 trust;		/* if EVENT_TRUST */
	uint32_t	 filterlen, paylen;
	uint16_t	 topiclen, authidlen, rolelen, pptlen;
	uint8_t		 flags;		/* EVENT_PUBLISHER, EVENT_TRUST */
	uint8_t		 ser, nargs;
	uint8_t		 data[];	/* topic, authid, authrole, ppt,
					 * payload, filter */
};
TAILQ_HEAD(kepts, kept);

/* The copy of this publication; NULL: no memory. */
struct kept	*publication_kept(struct publication *);
struct kept	*kept_ref(struct kept *);
void		 kept_unref(struct kept *);	/* NULL is fine */
size_t		 kept_size(const struct kept *);	/* octets it takes */
void		 kept_topic(const struct kept *, struct uri *);
const uint8_t	*kept_filter(const struct kept *);
/* By the lists it was published with. */
int		 kept_allows(const struct kept *, const struct session *);
/* For pubsub_send(); points into it and to topic. */
void		 kept_publication(const struct kept *, struct realm *,
		    struct uri *topic, struct publication *);

/* -- retain.c ----------------------------------------------------------- */

/* By the realm's configuration; what is over its bounds goes. */
void	 retain_load(struct realm *);
void	 retain_free(struct realm *);
/* It is published with retain: true. */
void	 retain_event(struct publication *);
/* SUBSCRIBED was sent, the subscriber asked with get_retained: true. */
void	 retain_send(const struct sublink *);

#endif /* WAMPD_KEEP_H */
