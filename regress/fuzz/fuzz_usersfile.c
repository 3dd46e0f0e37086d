/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A line of a users file: what is taken keeps to the bounds and prints as a
 * line that says the same; what is not has a reason that quotes none of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "usersfile.h"
#include "wamp.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_bounds(const struct users_line *l)
{
	const uint32_t	keys = AUTH_CRYPTOSIGN | AUTH_TLS;

	if (users_method_name(l->methods) == NULL ||
	    l->authidlen == 0 || l->authidlen > USERS_NAME_MAX ||
	    l->rolelen == 0 || l->rolelen > USERS_NAME_MAX ||
	    strlen(l->authid) != l->authidlen ||
	    strlen(l->role) != l->rolelen ||
	    l->saltlen > USERS_SALT_MAX ||
	    l->secretlen == 0 || l->secretlen > sizeof(l->secret))
		abort();
	if ((l->methods & keys) && l->secretlen % USERS_KEY_LEN != 0)
		abort();
	if ((l->methods & AUTH_TICKET) && (l->parallel == 0 ||
	    l->memory < 8 * l->parallel || l->saltlen < 8))
		abort();
	if (l->iterations > 10000000 || l->memory > 262144)
		abort();
}

static void
check_print(const struct users_line *l)
{
	struct users_line	 back;
	char			 text[USERS_LINE_MAX], err[128], *copy;
	int			 n, m;

	if ((n = users_line_print(l, text, sizeof(text))) <= 0 ||
	    strlen(text) != (size_t)n)
		abort();
	if (users_line_parse(text, (size_t)n, &back, err, sizeof(err)) != 1 ||
	    memcmp(&back, l, sizeof(back)) != 0)
		abort();
	/* in what is just enough, and one octet less */
	if ((copy = malloc((size_t)n + 1)) == NULL)
		abort();
	m = users_line_print(l, copy, (size_t)n + 1);
	if (m != n || strcmp(copy, text) != 0 ||
	    users_line_print(l, copy, (size_t)n) != -1)
		abort();
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct users_line	 l;
	char			*text, err[128] = "";
	int			 rc;

	/* at the end of its own allocation */
	if ((text = malloc(len)) == NULL && len > 0)
		abort();
	if (len > 0)
		memcpy(text, in, len);
	rc = users_line_parse(text, len, &l, err, sizeof(err));
	free(text);
	if (rc < -1 || rc > 1 || (rc == -1) != (err[0] != '\0'))
		abort();
	if (rc == 1) {
		check_bounds(&l);
		check_print(&l);
	}
	users_line_clear(&l);
	return (0);
}
