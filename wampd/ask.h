/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Whoever asks children in the parent: a client of the control socket
 * (control_ask.c), or the scrapers of the metrics process (scrape.c).
 */
#ifndef WAMPD_ASK_H
#define WAMPD_ASK_H

#include <stddef.h>
#include <stdint.h>

struct ask;
struct child;
struct imsg;
struct wampd;

/* Whose question it is. */
struct ask_ops {
	/* Has he room for the longest answer of one child? */
	int	(*has_room)(const struct ask *);
	/* A row of it: 0, or -1: he is gone, and ask_end() was called. */
	int	(*row)(struct ask *, const uint8_t *, size_t);
	/* He keeps a child from others, and must let go of it: ask_end()
	 * or ask_skip(). */
	void	(*drop)(struct ask *);
};

struct ask {
	const struct ask_ops	*ops;
	void			*arg;		/* of ops */
	struct wampd		*w;
	uint16_t		 what;		/* enum ctl_what */
	uint32_t		 realm;		/* its id, 0: all */
	uint64_t		 session;	/* 0: all */
	const char		*authid;	/* "": all */
	int			 is_incomplete;	/* not all was told */

	struct child		*asked;		/* now, or NULL */
	unsigned int		 place;		/* of the last one asked */
	uint32_t		 query;
	uint64_t		 next;		/* cursor */
	unsigned int		 nanswers;	/* of the one asked now */
};

/* The question is put; nobody is asked yet. */
void	 ask_begin(struct ask *);
/* The next step, if it can be taken: 1, once all have answered. */
int	 ask_step(struct ask *);
/* Whose turn it is is not waited for: it is asked, or somebody else asks it. */
void	 ask_skip(struct ask *);
/* All have answered, or he is gone. */
void	 ask_end(struct ask *);

/* A child answers: 0, or -1 for nonsense. */
int	 ask_answer(struct child *, const struct imsg *);
/* It is gone, and with it what it would have said. */
void	 ask_child_gone(struct child *);
/* Every second: nobody keeps a child to himself. */
void	 ask_tick(struct wampd *);

#endif /* WAMPD_ASK_H */
