/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Publish and Subscribe: subscriptions and who holds them, publications and
 * whom they are for.
 */
#ifndef WAMPD_PUBSUB_H
#define WAMPD_PUBSUB_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "broker.h"

struct filter;
struct history;
struct kept;
struct trie_node;

/* Owned by its realm; lives as long as somebody holds or pins it. */
struct subscription {
	union {
		struct hent	  byuri;	/* exact: realm's topics */
		struct trie_node *node;		/* else: realm's patterns */
	} place;
	struct hent		 byid;		/* broker.subs */
	LIST_ENTRY(subscription) realm_entry;
	struct realm		*realm;
	uint64_t		 id;
	uint64_t		 created;	/* ms since 1970 */
	LIST_HEAD(, subpeer)	 peers;
	struct history		*history;	/* of its events, or NULL */
	uint32_t		 count;		/* sessions that hold it */
	uint32_t		 npins;
	uint64_t		 alone;		/* exact: its realm's npatterned
						 * when no pattern matched */
	uint8_t			 match;		/* enum uri_match */
	struct uri		 topic;
	char			 text[];
};

/* The sessions of one tlsproxy that hold a subscription. */
struct subpeer {
	LIST_ENTRY(subpeer)	 entry;
	struct peer		*peer;
	LIST_HEAD(, sublink)	 links;
	uint32_t		 count;
};

/* One session's hold of one subscription. */
struct sublink {
	struct hent		 hash;		/* broker.links */
	LIST_ENTRY(sublink)	 session_entry;
	LIST_ENTRY(sublink)	 subpeer_entry;
	struct session		*session;
	struct subscription	*sub;
	struct subpeer		*subpeer;	/* NULL: session leaves */
};

/*
 * All that is known of a publication.  Nothing in it is owned, and all of it
 * only lives as long as the publishing lasts; body.p may be NULL if pb holds
 * the body.
 */
struct publication {
	struct realm		*realm;
	const struct session	*by;		/* publisher; NULL: the router */
	const struct session	*except;	/* publisher, excluded; NULL */
	const struct uri	*topic;
	uint64_t		 id;
	uint32_t		 flags;		/* EVENT_PUBLISHER, _TRUST,
						 * _RETAINED */
	uint32_t		 trust;		/* if EVENT_TRUST */
	uint64_t		 publisher;	/* if EVENT_PUBLISHER: session
						 * id, */
	struct uri		 authid;	/* and these */
	struct uri		 authrole;
	const struct filter	*filter;	/* or NULL: for everybody */
	struct body		 body;		/* with ppt */
	struct pbuf		*pb;		/* body, once it is shared, */
	size_t			 off;		/* where it begins in it */
	struct kept		*kept;		/* its copy, once it is kept */
	uint8_t			 is_retained;	/* retain: true */
	uint8_t			 is_lost;	/* no memory to share it */
};

/* -- filter.c: Subscriber Black- and Whitelisting ------------------------ */

/* A text of a list, or of a session. */
struct filter_text {
	uint64_t	 hash;
	const char	*p;
	uint16_t	 len;
};

/*
 * The lists, each entry once; texts point into the octets they were loaded
 * from.  A table finds them by their hashes: the number of an entry plus 1.
 */
#define FILTER_PLACES	2048		/* power of two, twice FILTER_MAX */
struct filter {
	const uint8_t		*octets;	/* m_filter and its lists */
	size_t			 len;
	uint16_t		 n[FILTER_LISTS];
	uint16_t		 mask[FILTER_LISTS];	/* places in use - 1 */
	uint8_t			 present;	/* 1 << enum filter_list */
	uint64_t		 ids[2][FILTER_MAX];
	struct filter_text	 texts[4][FILTER_MAX];
	uint16_t		 table[FILTER_LISTS][FILTER_PLACES];
};

/* Is it an m_filter and its lists and nothing else?  0, or -1. */
int	 filter_check(const uint8_t *, size_t);
/* Of octets that were checked, and that must outlive it. */
void	 filter_load(struct filter *, const uint8_t *, size_t);
int	 filter_allows(const struct filter *, const struct session *);
/* The same from the octets, which were checked: for what is kept. */
int	 filter_octets_allow(const uint8_t *, const struct session *);
/* Does it name sessions by their ids? */
int	 filter_has_ids(const uint8_t *);

/* -- subscription.c: the index of topics -------------------------------- */

struct subscription	*sub_find(const struct realm *, enum uri_match,
			    const struct uri *);
struct subscription	*sub_find_id(const struct realm *, uint64_t);
struct subscription	*sub_get(struct realm *, enum uri_match,
			    const struct uri *);	/* NULL: no memory */
/* It lives until it is unpinned, with subscribers or without. */
struct subscription	*sub_pin(struct realm *, enum uri_match,
			    const struct uri *);	/* NULL: no memory */
void		 sub_unpin(struct subscription *);
struct sublink	*sublink_find(const struct session *, uint64_t id);
struct sublink	*sublink_add(struct session *, struct subscription *);
/* From now on it gets no more events; for sublink_free(). */
void		 sublink_detach(struct sublink *);
/* 1: it was the last's, the subscription is gone. */
int		 sublink_free(struct sublink *);
/*
 * Call fn for every subscription that matches the topic; patterns that do
 * not begin with "wamp." match none below it.
 */
void		 sub_match(const struct realm *, const struct uri *,
		    void (*fn)(struct subscription *, void *), void *);

/* -- pubsub.c ----------------------------------------------------------- */

int	 pubsub_subscribe(struct chan *, struct imsg *);
int	 pubsub_unsubscribe(struct chan *, struct imsg *);
int	 pubsub_publish(struct chan *, struct imsg *);
void	 pubsub_recheck(struct session *);	/* rights may have changed */
/* One subscription of a session that is over and has some. */
void	 pubsub_give_up(struct session *);
/* All of them. */
unsigned int	 pubsub_leave(struct session *);
/* UNSUBSCRIBED, unasked; the sublink is freed. */
void	 pubsub_revoke(struct sublink *, const char *why, size_t);
/* Does anybody subscribe below "wamp."? */
int	 pubsub_is_watched(const struct realm *);
/* An event of the router's own: args is a list in MessagePack. */
void	 pubsub_meta(struct realm *, const char *topic, const void *args,
	    size_t);
/*
 * In the name of a session that leaves, if it may by its rules; that an
 * authorizer allowed it was found out before.  flags: PUBLISH_*.  The filter
 * was checked.
 */
void	 pubsub_testament(struct session *, uint32_t flags,
	    const struct uri *topic, const uint8_t *filter, size_t,
	    const struct body *);
/* To this subscriber only, whom filter and exclusion were asked for. */
void	 pubsub_send(struct publication *, const struct sublink *);

#endif /* WAMPD_PUBSUB_H */
