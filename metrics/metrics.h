/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The process that tells what is counted, and whether wampd is well, by HTTP:
 * metrics.c has its channel to the parent and its configuration, http.c its
 * clients, answer.c what they are answered, ctl.c what it counts itself.
 */
#ifndef WAMPD_METRICS_H
#define WAMPD_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "msgtypes.h"
#include "proc.h"

struct chan;
struct conf;
struct evbuffer;
struct imsg;

/* What clients ask for. */
enum question {
	ASK_COUNTS,		/* /metrics */
	ASK_HEALTH,		/* /health */
	QUESTIONS
};

/* What is counted of clients; what evhttp refuses by itself it does not say. */
enum outcome {
	OUT_OK,			/* 200 */
	OUT_NOT_FOUND,		/* 404 */
	OUT_METHOD,		/* 405 */
	OUT_UNAVAILABLE,	/* 503 */
	OUTCOMES
};

struct metrics {
	struct proc	 proc;
	struct conf	*conf;
	uint64_t	 outcomes[OUTCOMES];
};
extern struct metrics	 metrics;

/* answer.c */
void	 answer_prepare(void);
/* Somebody waits: http_reply_all() follows, in a time that is bounded. */
void	 answer_want(enum question);
int	 answer_counts(struct chan *, struct imsg *);
int	 answer_health(struct chan *, struct imsg *);

/* http.c */
void	 http_prepare(void);
/* Serve the listeners of the configuration in force, and no others. */
void	 http_listen(void);
void	 http_close(void);	/* none */
/*
 * For all who wait for that: add() puts the text into an evbuffer without a
 * copy, 0, or -1: no memory.
 */
void	 http_reply_all(enum question, enum outcome, size_t len,
	    int (*add)(struct evbuffer *, void *), void *);
size_t	 http_clients(void);
void	 http_turn_end(void);

/* ctl.c */
int	 ctl_query(struct chan *, struct imsg *);

#endif /* WAMPD_METRICS_H */
