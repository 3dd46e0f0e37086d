/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Between the files that serve the control socket: control.c has the clients
 * and their queues, control_words.c what each request does, control_rows.c
 * what the parent itself has to tell, control_ask.c what it asks children.
 */
#ifndef WAMPD_CONTROL_H
#define WAMPD_CONTROL_H

#include "ask.h"
#include "ctl.h"
#include "mpput.h"
#include "wampd.h"

#define CONTROL_MAXCLIENTS	16
#define CONTROL_MAXOTHERS	12		/* neither root nor our user */
#define CONTROL_MAXOUT		(64 * 1024)	/* waiting for one client */
#define CONTROL_WITHIN		30000		/* ms */

struct control_client;

/*
 * Goes on with the answer: puts frames while there is room.  Returns 1 when
 * the last one was put, 0 to be called again.
 */
typedef int	(*control_step)(struct control_client *);

/* -nv of one configuration, for all who asked for it while it was in force. */
struct control_text {
	unsigned int	 refs;
	uint32_t	 generation;
	uint32_t	 loglevel;
	char		*p;
	size_t		 len;
};

struct control_client {
	TAILQ_ENTRY(control_client) entry;
	struct wampd		*w;
	int			 fd;	/* -1: closed, freed at the end of the
					 * turn */
	uid_t			 uid;
	pid_t			 pid;
	struct event		*rev, *wev;
	struct ctl_request	 req;
	size_t			 reqlen;
	control_step		 step;	/* of the request under way, or NULL */
	int			 is_ending;	/* closed once it is written */
	uint64_t		 since;	/* mono_ms(), of its last progress */
	size_t			 outoff, outlen;

	/* the request under way */
	size_t			 cursor;
	uint32_t		 generation;	/* of the configuration */
	struct control_text	*text;
	enum {
		CONTROL_NO_RELOAD,
		CONTROL_WAITS,		/* for its reload to begin */
		CONTROL_RELOADS
	}			 reload;
	uint32_t		 drain;		/* number of its drain */
	int			 waits_for_upgrade;
	uint32_t		 nlost;		/* lines of a monitor */

	struct ask		 ask;	/* if it asks children */

	uint8_t			 out[CONTROL_MAXOUT];
};

/* control.c */
size_t	 control_room(const struct control_client *);
/* A frame; 0, or -1 if there is no room for it. */
int	 control_put(struct control_client *, enum ctl_kind, uint16_t flags,
	    const void *, size_t);
/* The last frame: why not. */
void	 control_error(struct control_client *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
void	 control_close(struct control_client *);

/* control_words.c */
void	 control_request(struct control_client *);
void	 control_clean_up(struct control_client *);
int	 control_is_monitor(const struct control_client *);
void	 control_taken(struct control_client *, int is_monitor);

/* control_rows.c */
void	 control_row(struct mpput *, uint32_t n);
/* 0 once it is in the queue, -1: no room, try again later. */
int	 control_row_end(struct control_client *, struct mpput *);
/* The path of the configuration, for whoever is elsewhere. */
void	 control_conffile(struct mpput *, const struct wampd *);
int	 control_summary(struct control_client *);
int	 control_processes(struct control_client *);
int	 control_listeners(struct control_client *);
int	 control_realms(struct control_client *);
int	 control_limits(struct control_client *);
int	 control_certificates(struct control_client *);
int	 control_sandbox(struct control_client *);
int	 control_test(struct control_client *);
/* A line of the log for a monitor: 0, or -1 where there is no room. */
int	 control_line(struct control_client *, int level, const char *);

/* control_ask.c */
int	 control_ask_begin(struct control_client *);
int	 control_ask(struct control_client *);
int	 control_metrics(struct control_client *);

#endif /* WAMPD_CONTROL_H */
