/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The words of a users file's line: text with and without quotes, numbers,
 * base64, comments.  What they mean is usersfile.c's.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "credtext.h"
#include "userslex.h"

/* Say what is wrong, after the method's name; -1. */
int
lex_bad(struct lex *lx, const char *fmt, ...)
{
	va_list	ap;
	int	n = 0;

	if (lx->method != NULL)
		n = snprintf(lx->err, lx->errlen, "%s: ", lx->method);
	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < lx->errlen)
		vsnprintf(lx->err + n, lx->errlen - (size_t)n, fmt, ap);
	va_end(ap);
	return (-1);
}

static int
is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

void
lex_blanks(struct lex *lx)
{
	const char	*from = lx->p;

	while (lx->p < lx->end && is_blank(*lx->p))
		lx->p++;
	/* a comment */
	if (lx->p > from && lx->p < lx->end && *lx->p == '#')
		lx->p = lx->end;
}

static int
take_quoted(struct lex *lx, struct span *s)
{
	s->is_quoted = 1;
	s->p = ++lx->p;
	while (lx->p < lx->end && *lx->p != '"') {
		if (*lx->p == '\\' && lx->end - lx->p > 1)
			lx->p++;
		if (*lx->p++ == '\t')
			return (lex_bad(lx, "a tab within quotes"));
	}
	if (lx->p == lx->end)
		return (lex_bad(lx, "text without closing quote"));
	s->len = (size_t)(lx->p++ - s->p);
	return (0);
}

/*
 * Text up to one of the characters in stops, which is taken, or the end of
 * the line.  Returns what stopped it, 0 at the end, or -1.
 */
int
lex_take(struct lex *lx, const char *stops, struct span *s)
{
	lex_blanks(lx);
	s->is_quoted = 0;
	s->p = lx->p;
	if (lx->p < lx->end && *lx->p == '"') {
		if (take_quoted(lx, s) == -1)
			return (-1);
	} else {
		while (lx->p < lx->end && !is_blank(*lx->p) &&
		    strchr(stops, *lx->p) == NULL)
			if (*lx->p++ == '"')
				return (lex_bad(lx, "a quote within text"));
		s->len = (size_t)(lx->p - s->p);
	}
	lex_blanks(lx);
	if (lx->p == lx->end)
		return (0);
	if (strchr(stops, *lx->p) == NULL)
		return (lex_bad(lx, "text with blanks in it, or after its "
		    "closing quote"));
	return (*lx->p++);
}

int
word_is(const struct span *s, const char *word)
{
	return (s->len == strlen(word) && memcmp(s->p, word, s->len) == 0);
}

/* Text without its quotes and escapes: 0, or -1, longer than max. */
int
span_text(const struct span *s, void *out, size_t max, size_t *len)
{
	char	*q = out;
	size_t	 i, n = 0;

	for (i = 0; i < s->len; i++) {
		if (s->is_quoted && s->p[i] == '\\' && i + 1 < s->len &&
		    strchr("\"\\", s->p[i + 1]) != NULL)
			i++;
		if (n == max)
			return (-1);
		q[n++] = s->p[i];
	}
	*len = n;
	return (0);
}

/* Decimal digits: 0, or -1, not a number from min to max. */
static int
span_number(const struct span *s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t	n = 0;
	size_t		i;

	if (s->len == 0 || s->len > 9)
		return (-1);
	for (i = 0; i < s->len; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return (-1);
		n = n * 10 + (uint64_t)(s->p[i] - '0');
	}
	if (n < min || n > max)
		return (-1);
	*out = (uint32_t)n;
	return (0);
}

int
lex_number(struct lex *lx, const char *what, const struct span *s,
    uint32_t min, uint32_t max, uint32_t *out)
{
	if (span_number(s, min, max, out) == -1)
		return (lex_bad(lx, "%s must be a number from %u to %u", what,
		    min, max));
	return (0);
}

/* Base64 of min to max octets; padded, but not in Argon2's strings. */
int
lex_base64(struct lex *lx, const char *what, const struct span *s,
    int is_padded, uint8_t *out, size_t min, size_t max, size_t *len)
{
	int	rc = 0;

	*len = 0;
	if (s->len < CRED_B64_SIZE(max))
		rc = (is_padded ? cred_b64_decode : cred_b64_decode_nopad)
		    (s->p, s->len, out, max, len);
	if (rc == 0 && *len >= min && *len <= max)
		return (0);
	if (min == max)
		return (lex_bad(lx, "%s must be %zu octets in base64",
		    what, max));
	return (lex_bad(lx, "%s must be %zu to %zu octets in base64%s", what,
	    min, max, is_padded ? "" : " without padding"));
}

/* The part of an Argon2 string up to the character c, which is taken. */
int
lex_part(struct lex *lx, const char *prefix, char c, struct span *s)
{
	size_t	 n = strlen(prefix);
	char	*q;

	if ((size_t)(lx->end - lx->p) < n || memcmp(lx->p, prefix, n) != 0)
		return (-1);
	s->is_quoted = 0;
	s->p = lx->p += n;
	if ((q = memchr(lx->p, c, (size_t)(lx->end - lx->p))) == NULL)
		return (-1);
	s->len = (size_t)(q - s->p);
	lx->p = q + 1;
	return (0);
}
