/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How a child of wampd begins: descriptor 3 is the parent, descriptor 2 the
 * log.  SETUP_START is read, libraries are warmed up, the sandbox closes,
 * SETUP_DONE is answered; then PING, CONF_* and SETUP_PEER arrive on the
 * same descriptor.
 */
#ifndef WAMPD_PROC_H
#define WAMPD_PROC_H

#include <stddef.h>
#include <stdint.h>

#include "msgtypes.h"

struct chan;
struct chan_rule;
struct conf;
struct event_base;
struct imsg;

#define PROC_PARENT_FD	3

/* What a program tells proc_start() about itself. */
struct proc_hooks {
	enum proc_role	 role;
	/* Before the sandbox closes: open and warm up what will be needed.
	 * NULL: nothing. */
	void		(*prepare)(void);
	/* Threads, which live in the sandbox, too; or NULL.  0, or -1 and
	 * text in err. */
	int		(*threads)(char *err, size_t);
	/* A new configuration is complete: 0, or -1 and text in err; 1: it
	 * takes more turns, proc_conf_checked() follows. */
	int		(*conf_check)(struct conf *next, char *err, size_t);
	/* It goes before it was committed, checked or not; or NULL. */
	void		(*conf_abort)(void);
	/* It is in force from now on; the program owns it. */
	void		(*conf_commit)(struct conf *next);
	/* A channel to a peer; the program owns fd.  0, or -1: nonsense.
	 * NULL, both: it has no peers. */
	int		(*peer_new)(const struct m_peer *, int fd);
	void		(*peer_gone)(const struct m_peer *);
	/* Further rows of the parent's table (IMSG_MAX rows), or NULL. */
	const struct chan_rule	*table;
	/* At the end of each turn, before channels are written; or NULL. */
	void		(*turn_end)(void);
};

struct proc {
	enum proc_role		 role;
	enum proxy_kind		 kind;
	uint16_t		 instance;
	uint32_t		 generation;
	uint64_t		 nofile;	/* descriptors it may have, 0: nobody
						 * said */
	struct event_base	*base;
	struct chan		*parent;
};

/*
 * The whole of main(): does not return before the parent closed its end or
 * something is fatal (exit status).  *p is filled before prepare is called.
 */
int	 proc_main(struct proc *p, const struct proc_hooks *, int argc,
	    char **argv);

/* The end of a check that took longer: NULL, or what is wrong. */
void	 proc_conf_checked(const char *err);

/* Tell the parent that a peer sent nonsense and must be replaced. */
void	 proc_suspect(const struct m_peer *);

#endif /* WAMPD_PROC_H */
