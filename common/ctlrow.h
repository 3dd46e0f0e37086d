/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How a child answers IMSG_CTL_QUERY: rows, each a map in MessagePack, as
 * many as one IMSG_CTL_ROWS takes.
 */
#ifndef WAMPD_CTLROW_H
#define WAMPD_CTLROW_H

#include <stddef.h>
#include <stdint.h>

#include "ctl.h"
#include "mpput.h"
#include "msgtypes.h"

struct chan;
struct imsg;
struct proc;

struct ctlrows {
	struct mpput	 out;		/* all rows, one after another */
	size_t		 begin;		/* of the one being written */
	uint32_t	 nfields;	/* of it */
	uint32_t	 nrows;		/* that are complete */
	uint8_t		 buf[CTL_MAXROWS];
};

/* What the parent asks at present, and how far its answer is. */
struct ctl_asked {
	struct m_ctl_query	 m;		/* the last that came */
	char			 authid[AUTHID_MAXLEN];
	uint64_t		 cursor;	/* of its next; 0: none */
	uint64_t		 ncursors;
};

enum ctl_turn {
	CTL_TURN_NONSENSE,
	CTL_TURN_BEGIN,
	CTL_TURN_ON,		/* where it was left */
	CTL_TURN_LOST		/* another one began meanwhile: see
				 * ctlrows_lost() */
};

enum ctl_turn	 ctl_asked_read(struct ctl_asked *, const struct imsg *);

void	 ctlrows_init(struct ctlrows *);
/*
 * A row is begun, gets its fields, and ends: 0, or -1 if there was no room
 * for it, and then it is not there at all.
 */
void	 ctlrow_begin(struct ctlrows *);
int	 ctlrow_end(struct ctlrows *);
/* Names are those of ctl.h.  What is no UTF-8 in a text becomes '?'. */
void	 ctlrow_uint(struct ctlrows *, const char *name, uint64_t);
void	 ctlrow_bool(struct ctlrows *, const char *name, int);
void	 ctlrow_str(struct ctlrows *, const char *name, const void *, size_t);
void	 ctlrow_text(struct ctlrows *, const char *name, const char *); /* NULL:
							 * nil */
void	 ctlrow_time(struct ctlrows *, const char *name, uint64_t ms); /* since
							 * 1970; 0: nil */
/* Anything else: exactly one value is to be put there by the caller. */
struct mpput	*ctlrow_value(struct ctlrows *, const char *name);

/*
 * A row of CTL_MEMORY.  peer: at the other end of a queue, or NULL; a number
 * that makes no sense is CTLROW_NONE.
 */
#define CTLROW_NONE	UINT64_MAX
int	 ctlrow_memory(struct ctlrows *, const struct proc *,
	    const char *what, const struct m_peer *peer, uint64_t count,
	    uint64_t octets, uint64_t limit);
/* Those that all processes have. */
void	 ctlrows_memory(struct ctlrows *, const struct proc *,
	    uint64_t budget);

/* The answer; is_end: that is all of it. */
void	 ctlrows_send(const struct ctlrows *, struct chan *,
	    struct ctl_asked *, int is_end);
/* What this asks for, or the rest of it, cannot be told. */
void	 ctlrows_lost(struct chan *, const struct imsg *);

#endif /* WAMPD_CTLROW_H */
