/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Calls of meta procedures, and meta events, their payloads in JSON.
 */
#ifndef WAMPD_METAPLAY_H
#define WAMPD_METAPLAY_H

#include "bplay.h"

/* A role that may do everything, and by the meta API, too. */
void	 meta_role(struct conf_realm *, const char *);
/* Arguments and ArgumentsKw, or NULL. */
void	 meta_send(struct sess *, const char *procedure, const char *args,
	    const char *kw);
/* Its RESULT, whatever it is. */
void	 meta_take(struct sess *);
/* Its RESULT, "" for one without arguments. */
void	 meta_want(struct sess *, const char *fmt, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* What the last RESULT was, for those that cannot be foretold. */
extern char	 meta_got[65536];
void	 meta_refused(struct sess *, enum wamp_err, const char *text);
/* It was killed: reason and message of its GOODBYE. */
void	 meta_ended(const struct sess *, const char *reason,
	    const char *message);
/* An event of the router's own. */
void	 meta_event(struct side *, uint64_t sub, const char *fmt, ...)
	    __attribute__((__format__(printf, 3, 4)));

#endif /* WAMPD_METAPLAY_H */
