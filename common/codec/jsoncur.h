/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The JSON cursor; json_head() and json_next() as in mpcur.h.
 */
#ifndef WAMPD_JSONCUR_H
#define WAMPD_JSONCUR_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"

#define JSON_NUMSIZE	32	/* room for any number we print */

enum codec_err	 json_head(const uint8_t **, const uint8_t *end,
		    struct val *);
enum codec_err	 json_next(const uint8_t **, const uint8_t *end,
		    unsigned int depth, struct val *);
enum codec_err	 json_split(const uint8_t *, size_t, struct val *,
		    size_t max, size_t *n);
enum codec_err	 json_check(const uint8_t *, size_t, struct val *);
enum codec_err	 json_values(const uint8_t *, size_t, struct val *, size_t n);

/*
 * Inside a checked array or map: go to the next key or value.  Returns 0
 * if there is none; *pp is then behind the closing bracket.
 */
int		 json_more(const uint8_t **, const uint8_t *end);
/* The escape at *pp (a backslash) in UTF-8; returns its length, 0: bad. */
size_t		 json_unescape(const uint8_t **, const uint8_t *end,
		    uint8_t out[4]);
/* Octets of p that a JSON string may contain as they are. */
size_t		 json_plain_len(const uint8_t *, size_t);

/* jsonnum.c: the value of a checked number. */
double		 json_read_double(const uint8_t *, size_t);
/*
 * A finite number as a text that reads back the same and stays a float; with
 * few exceptions the shortest such.  Returns its length; no NUL.
 */
size_t		 json_print_double(char out[JSON_NUMSIZE], double);

#endif /* WAMPD_JSONCUR_H */
