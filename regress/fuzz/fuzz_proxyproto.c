/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A PROXY header: the same octets in one piece and in chops end at the same
 * place with the same address; never is more asked for than a header can
 * have, and a whole one is nothing but its own octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tlsproxy/proxyproto.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct end {
	enum pp_result		 rv;
	size_t			 used;
	struct sockaddr_storage	 from;
};

static void
run(const uint8_t *in, size_t len, uint32_t seed, struct end *e)
{
	struct proxyproto	 pp;
	const char		*why = NULL;
	uint8_t			*copy;
	size_t			 n;

	memset(e, 0, sizeof(*e));
	pp_init(&pp);
	while (e->rv == PP_MORE && e->used < len) {
		n = pp_missing(&pp);
		if (n == 0 || e->used + n > PP_V2MAX)
			abort();
		if (seed != 0) {
			seed = seed * 1103515245 + 12345;
			if (n > 1 + (seed >> 16) % 9)
				n = 1 + (seed >> 16) % 9;
		}
		if (n > len - e->used)
			n = len - e->used;
		if ((copy = malloc(n)) == NULL)
			abort();
		memcpy(copy, in + e->used, n);
		e->rv = pp_feed(&pp, copy, n, &e->from, &why);
		free(copy);
		e->used += n;
	}
	if (e->rv == PP_BAD && why == NULL)
		abort();
	if (e->rv == PP_WHOLE && in[0] == 'P' && (e->used > PP_V1MAX ||
	    memcmp(in + e->used - 2, "\r\n", 2) != 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct end	whole, chops;

	if (len < 1)
		return (0);
	run(in + 1, len - 1, 0, &whole);
	run(in + 1, len - 1, in[0] + 1U, &chops);
	/* what is wrong may be seen earlier in small pieces */
	if (whole.rv != chops.rv || (whole.rv == PP_WHOLE &&
	    (whole.used != chops.used || memcmp(&whole.from, &chops.from,
	    sizeof(whole.from)) != 0)))
		abort();
	return (0);
}
