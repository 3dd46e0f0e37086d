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

struct history;
struct meta;
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
	uint32_t	 role;		/* id of its publisher's, 0: none */
	uint32_t	 confgen;	/* its right was checked against */
	uint32_t	 filterlen, paylen;
	uint16_t	 topiclen, authidlen, rolelen, pptlen;
	uint16_t	 bylen;
	uint8_t		 flags;		/* EVENT_PUBLISHER, EVENT_TRUST */
	uint8_t		 ser, nargs;
	uint8_t		 is_withdrawn;
	uint8_t		 data[];	/* topic, authid, authrole, ppt,
					 * payload, filter, authid of its
					 * publisher, disclosed or not */
};
TAILQ_HEAD(kepts, kept);

/* The copy of this publication; NULL: no memory. */
struct kept	*publication_kept(struct publication *);
struct kept	*kept_ref(struct kept *);
void		 kept_unref(struct kept *);	/* NULL is fine */
size_t		 kept_size(const struct kept *);	/* octets it takes */
void		 kept_topic(const struct kept *, struct uri *);
const uint8_t	*kept_filter(const struct kept *);
/*
 * May its publisher still publish there?  Once a reload was found to have
 * taken that right away, no other one brings the event back.
 */
int		 kept_stays(struct kept *, const struct realm *);
/* By the lists it was published with. */
int		 kept_allows(const struct kept *, const struct session *);
/* For pubsub_send(); points into it and to topic. */
void		 kept_publication(const struct kept *, struct realm *,
		    struct uri *topic, struct publication *);

/* -- retain.c ----------------------------------------------------------- */

/* By the realm's configuration; what is over its bounds goes. */
void	 retain_load(struct realm *);
void	 retain_free(struct realm *);
/* What became superfluous: as sessions_recheck(). */
unsigned int	 retain_work(unsigned int *steps);
int	 retain_is_untidy(void);
/* It is published with retain: true. */
void	 retain_event(struct publication *);
/* SUBSCRIBED was sent, the subscriber asked with get_retained: true. */
void	 retain_send(const struct sublink *);

/* -- ring.c: events in the order they came ------------------------------ */

struct ring_block;
struct ring {
	struct ring_block *blocks;	/* circular */
	size_t		 nalloc;	/* power of two, or 0 */
	size_t		 head, nblocks;
	size_t		 gone;		/* of the first block's events */
	size_t		 count;
	size_t		 octets;	/* it takes itself */
};

int		 ring_push(struct ring *, struct kept *); /* -1: no memory */
struct kept	*ring_shift(struct ring *);	/* NULL: empty */
struct kept	*ring_first(const struct ring *);	/* likewise */
void		 ring_free(struct ring *);	/* must be empty */
struct kept	*ring_at(const struct ring *, size_t i, uint64_t *time);
/* How many of them came before number seq. */
size_t		 ring_before(const struct ring *, uint64_t seq);
/*
 * How many events from i on, i included, are in one block that has none of
 * these times: to the end of the block, or to its beginning.  0: it may.
 */
size_t		 ring_skip(const struct ring *, size_t i, int is_reverse,
		    int64_t mintime, int64_t maxtime);

/* -- history.c: which histories a realm has ----------------------------- */

void	 history_load(struct realm *);	/* as retain_load() */
void	 history_free(struct realm *);
void	 history_add(struct history *, struct publication *);
/* All its history_add() are done. */
void	 history_added(struct publication *);
/* What became superfluous: as sessions_recheck(). */
unsigned int	 history_work(unsigned int *steps);
int	 history_is_untidy(void);
const struct ring *history_ring(const struct history *);
/* The number of an event in the order they came, 0: that history has not
 * got it. */
uint64_t history_seq(const struct history *, uint64_t publication);

/* -- history_query.c ---------------------------------------------------- */

/* wamp.subscription.get_events (meta.h) */
enum wamp_err	 history_get_events(struct meta *, const char **why);
/* Questions that take longer: as sessions_recheck(). */
unsigned int	 query_work(unsigned int *steps);
int		 query_is_waiting(void);

/* -- rfc3339.c ---------------------------------------------------------- */

/*
 * Milliseconds since 1970; *is_later: and a fraction of one.  -1: not a time
 * of that form.
 */
int	 rfc3339_read(const char *, size_t, int64_t *ms, int *is_later);

#endif /* WAMPD_KEEP_H */
