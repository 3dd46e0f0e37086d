/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A test plays the parent of a real child process, here the keeper.
 */
#ifndef WAMPD_PLAY_H
#define WAMPD_PLAY_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "msgtypes.h"

struct chan;
struct conf;
struct conf_listen;
struct event;
struct event_base;

struct play {
	pid_t			 pid;
	enum proc_role		 role;
	int			 kind;		/* enum proxy_kind */
	/* its listening sockets, see conf_send(); NULL: none */
	int			(*listen_fd)(void *,
				    const struct conf_listen *, unsigned int);
	struct event_base	*base;
	struct chan		*chan;
	struct event		*log;
	int			 log_fd;
	int			 is_setup;
	unsigned int		 npeers;	/* PEER_READY */
	unsigned int		 npongs;
	uint32_t		 ready, committed;	/* generations */
	char			 failed[REASON_MAXLEN + 1];
	unsigned int		 naccepting;
	unsigned int		 ndone;		/* SHUTDOWN_DONE */
	unsigned int		 ncounts;
	uint32_t		 nconns;	/* CONN_COUNT: all together */
	struct m_conn_count	 count;		/* the last of an address */
	unsigned int		 nsuspects;
	struct m_suspect	 suspect;	/* the last */
	unsigned int		 nanswers;	/* CTL_ROWS */
	struct m_ctl_rows	 answer;	/* the last, */
	uint8_t			 rows[CTL_MAXROWS];	/* what was behind */
	size_t			 rowslen;
	int			 is_gone;
	char			 root[64];	/* its empty directory */
};

/* Start B/libexec/wampd/PROGRAM; fails the test if it does not come up. */
void	 play_start(struct play *, enum proc_role, const char *program);
/* The same for a tlsproxy of a kind. */
void	 play_start_kind(struct play *, enum proc_role, int kind,
	    const char *program);
/* 0 when committed, -1 with its words in failed; the conf is kept. */
int	 play_configure(struct play *, struct conf *);
/* A peer of the child; returns the peer's end, blocking. */
int	 play_peer(struct play *, int role, int kind, int instance,
	    uint32_t generation, int link);
void	 play_peer_gone(struct play *, int role, int instance,
	    uint32_t generation);
/* Handle what the child says until *n is no longer old. */
void	 play_until(struct play *, const unsigned int *n, unsigned int old,
	    const char *what);
/* The child has seen what happened before, such as the end of a peer. */
void	 play_sync(struct play *);
/* Ask for what wampctl wants to know, and wait for the answer. */
void	 play_ask(struct play *, const struct m_ctl_query *,
	    const char *authid);
/* Handle what it has said by now. */
void	 play_poll(struct play *);
/* It ends by itself: its status as waitpid(2) has it. */
int	 play_wait(struct play *);
/* Close, and insist on exit status 0. */
void	 play_stop(struct play *);
void	 play_kill(struct play *);

#endif /* WAMPD_PLAY_H */
