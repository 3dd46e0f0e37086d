/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampd.conf(5) from memory: whatever the text, it parses or it does not, in
 * bounded time and without leaks; what parses prints to text that parses to
 * the same.  Errors are as many as the parser says.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char *
print(const struct conf *c, void (*printer)(const struct conf *, void *),
    size_t *len)
{
	char	*buf;
	FILE	*f;

	if ((f = open_memstream(&buf, len)) == NULL)
		abort();
	printer(c, f);
	fclose(f);
	return (buf);
}

/* Errors are a fuzzer's bread; nobody reads them. */
static int
hush(void)
{
	int	old, null;

	if ((old = dup(2)) == -1 ||
	    (null = open("/dev/null", O_WRONLY)) == -1 || dup2(null, 2) == -1)
		abort();
	close(null);
	return (old);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct conf	*c, *again;
	char		*text, *text2, *summary, *summary2;
	size_t		 n, n2, m, m2;
	int		 old = hush();

	c = conf_parse_text("fuzz", (const char *)in, len);
	if (c != NULL) {
		text = print(c, conf_print, &n);
		summary = print(c, conf_print_summary, &m);
		again = conf_parse_text("printed", text, n);
		dup2(old, 2);
		if (again == NULL)
			abort();
		text2 = print(again, conf_print, &n2);
		summary2 = print(again, conf_print_summary, &m2);
		if (n != n2 || memcmp(text, text2, n) != 0 || m != m2 ||
		    memcmp(summary, summary2, m) != 0)
			abort();
		conf_assign_ids(again, c);
		free(text);
		free(text2);
		free(summary);
		free(summary2);
		conf_free(again);
	}
	conf_free(c);
	dup2(old, 2);
	close(old);
	return (0);
}
