/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The administrator's program: words.c finds what is asked for, client.c asks
 * wampd, table.c and the others show what it says.
 */
#ifndef WAMPD_WAMPCTL_H
#define WAMPD_WAMPCTL_H

#include <sys/types.h>

#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "codec.h"
#include "ctl.h"

/* How the answer is to be shown. */
struct options {
	const char	*socket;
	int		 json;
};

/* Wrong usage: say how it is right, and exit. */
__attribute__((noreturn))
void	 usage(void);

/* tlsa.c: words as getopt(3) wants them; returns the exit status. */
int	 ctl_tlsa(const struct options *, int, char **);

/* cert.c */
/* The first certificate of a file in PEM; NULL, and why not in *why. */
X509	*cert_read(const char *path, const char **why);
/*
 * Of a row of "show certificates" makes one with what the file says.
 * 0, or -1: it is not good, which was said.
 */
int	 cert_row(const struct val *, struct wbuf *);

/* client.c */
struct frame {
	struct ctl_frame h;
	uint8_t		 data[CTL_MAXDATA];
};
/* Connected to a wampd that is root's or ours, or -1 after saying why not. */
int	 client_connect(const char *path);
int	 client_send(int, const struct ctl_request *);
/* 1, 0 at the end of file, or -1 after saying what is wrong. */
int	 client_frame(int, struct frame *);
void	 client_error(const struct frame *);

/* row.c */
/* A row is a map with keys that are strings: 0, or -1 if it is none. */
int	 row_check(const uint8_t *, size_t, struct val *);
int	 row_get(const struct val *, const char *, struct val *);
int	 row_uint(const struct val *, const char *, uint64_t *);
/* A text of the row, terminated: its length, or -1 if there is none. */
int	 row_text(const struct val *, const char *, char *, size_t);
/* Begin a row with all that is in this one and n fields more. */
void	 row_extend(struct enc *, struct wbuf *, const struct val *, uint32_t);
/* From here on text may be what the locale says. */
void	 text_init(void);
/*
 * What stands first in a text (len > 0), harmless for a terminal: a character
 * where the locale is of UTF-8 and it can be seen, else an octet by vis(3).
 * Returns how many octets it took.
 */
#define TEXT_ONE	8
size_t	 text_one(const uint8_t *, size_t len, char[TEXT_ONE]);
/* Columns on a terminal. */
size_t	 text_width(const char *);
/* Text for a terminal: what a value says, by text_one(). */
void	 print_clean(const void *, size_t, FILE *);

/* table.c */
struct column {
	const char	*field, *title;
	enum {
		SHOW_PLAIN,
		SHOW_SECONDS,	/* as 3d04h */
		SHOW_SIZE	/* octets, as 12m */
	}		 as;
};
struct table;
/* columns NULL: each row as lines "field: value". */
struct table	*table_new(const struct column *, size_t);
void		 table_row(struct table *, const struct val *);
void		 table_end(struct table *, int is_refused); /* NULL ok */

/* sandbox.c */
int	 sandbox_row(const struct val *, struct wbuf *);

/* proc.c: what the kernel says of a process */
/* The text of /proc/PID/name: 0, or -1. */
int	 proc_read(uint64_t pid, const char *name, char *, size_t);
int	 proc_row(const struct val *, struct wbuf *);

/* top.c */
int	 top(const struct options *, unsigned int seconds);

/* show.c: ask, and show what comes; returns the exit status. */
int	 show(const struct options *, const struct ctl_request *);
int	 monitor(const struct options *, const struct ctl_request *);
int	 check(const struct options *, const struct ctl_request *);

#endif /* WAMPD_WAMPCTL_H */
