/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A log line as JSON, in the parent, of a child that may have been taken
 * over: whatever it says is one object in one line of ASCII, with a level and
 * a process that are ours and no member twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "../../wampd/logjson.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
is_text(const struct val *v, const char *s)
{
	return (v->type == VAL_STR && val_is(v, s, strlen(s)));
}

static void
look(const char *line, size_t len)
{
	struct val	 v, key, val;
	struct val_iter	 it;
	int		 n = 0;

	if (codec_check(SER_JSON, (const uint8_t *)line, len, &v) !=
	    CODEC_OK || v.type != VAL_MAP || val_map_check(&v) == -1)
		abort();
	val_iter_init(&it, &v);
	for (; val_map_next(&it, &key, &val); n++)
		if ((n == 0 && (!is_text(&key, "level") ||
		    !is_text(&val, "info"))) ||
		    (n == 1 && (!is_text(&key, "process") ||
		    !is_text(&val, "tlsproxy 0"))))
			abort();
	if (n < 3)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char	*text, *line;
	size_t	 size, i, n;

	if (len < 1 || len > 8192)
		return (0);
	size = 1024 + in[0] * 12U;
	if ((text = calloc(1, len)) == NULL || (line = malloc(size)) == NULL)
		abort();
	memcpy(text, in + 1, len - 1);
	logjson(line, size, 6, "tlsproxy 0", text, 0);
	n = strlen(line);
	if (n >= size)
		abort();
	for (i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			abort();
	look(line, n);
	free(text);
	free(line);
	return (0);
}
