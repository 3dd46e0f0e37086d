/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Options and Details of clients' messages, read in one walk by the table of
 * the message.
 */
#ifndef WAMPD_OPTIONS_H
#define WAMPD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "msgtypes.h"
#include "ppt.h"

struct conn;

#define DICT_EMPTY	2	/* octets: with an entry a dict has more, in any
				 * serializer */

/* A key that is known. */
struct opt_rule {
	const char	*name;
	uint8_t		 len;
	uint8_t		 kind;		/* enum opt_kind, in options.c */
	uint32_t	 arg;
};

/* What they say.  The values point into the message. */
struct options {
	uint32_t	 flags;		/* PUBLISH_*, CALL_*, ... */
	uint32_t	 number;	/* timeout, concurrency */
	uint8_t		 match;		/* enum uri_match */
	uint8_t		 invoke;	/* enum invoke_policy */
	uint8_t		 mode;		/* enum cancel_mode */
	uint8_t		 lists;		/* 1 << enum filter_list */
	uint8_t		 ppts;		/* 1 << enum ppt_attr */
	const char	*wrong;		/* what is to be answered with
					 * invalid_argument, or NULL */
	struct val	 list[FILTER_LISTS];
	struct val	 ppt[PPT_ATTRS];
};

extern const struct opt_rule	publish_options[];
extern const struct opt_rule	subscribe_options[];
extern const struct opt_rule	register_options[];
extern const struct opt_rule	call_options[];
extern const struct opt_rule	more_options[];	/* of a CALL that goes on */
extern const struct opt_rule	cancel_options[];
extern const struct opt_rule	yield_options[];
extern const struct opt_rule	error_options[];

/* 0, or -1 after an ABORT. */
int	 options_read(struct conn *, const struct opt_rule *,
	    const struct val *dict, struct options *);
/* m_filter and its lists into the buffer; *wrong may be set. */
void	 options_filter(struct options *, struct wbuf *);
/* Is Payload Passthru Mode in use? */
int	 options_has_ppt(const struct options *);
/* Its attributes (ppt.h): their length, or 0 if they are too long. */
size_t	 options_ppt(const struct options *, uint8_t buf[PPT_MAXLEN]);

#endif /* WAMPD_OPTIONS_H */
