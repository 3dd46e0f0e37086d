/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The words of a users file's line, for usersfile.c alone.
 */
#ifndef WAMPD_USERSLEX_H
#define WAMPD_USERSLEX_H

#include <stddef.h>
#include <stdint.h>

/* A part of the line: with quotes it may hold escapes. */
struct span {
	const char	*p;
	size_t		 len;
	int		 is_quoted;
};

/* What is left of the line, and where to say what is wrong with it. */
struct lex {
	const char	*p, *end;
	const char	*method;	/* its name, once known */
	char		*err;
	size_t		 errlen;
};

/* Say what is wrong, after the method's name; -1. */
int	 lex_bad(struct lex *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* Pass over blanks and a comment. */
void	 lex_blanks(struct lex *);
/*
 * Text up to one of the characters in stops, which is taken, or the end of
 * the line.  Returns what stopped it, 0 at the end, or -1.
 */
int	 lex_take(struct lex *, const char *stops, struct span *);
/* What is between prefix and the character c: 0, or -1, no such thing. */
int	 lex_part(struct lex *, const char *prefix, char c, struct span *);

int	 word_is(const struct span *, const char *);
/* Text without its quotes and escapes: 0, or -1, longer than max. */
int	 span_text(const struct span *, void *, size_t max, size_t *len);
/* The span's value; what names it if it is wrong: 0 or -1. */
int	 lex_number(struct lex *, const char *what, const struct span *,
	    uint32_t min, uint32_t max, uint32_t *);
/* min to max octets. */
int	 lex_base64(struct lex *, const char *what, const struct span *,
	    int is_padded, uint8_t *, size_t min, size_t max, size_t *len);

#endif /* WAMPD_USERSLEX_H */
