/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which addresses count as one.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "../../tlsproxy/addr.h"

/* Which addresses are one. */
static void
networks(void)
{
	static const struct {
		const char	*addr, *key;
		uint32_t	 prefix;
	} t[] = {
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", 64 },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1::", 48 },
		{ "2001:db8:1:2ff:3:4:5:6", "2001:db8:1:200::", 56 },
		{ "2001:db8:1:2ff:3:4:5:6", "2001:db8:1:2f8::", 61 },
		{ "2001:db8:ffff::1", "2001:db8::", 32 },
		{ "2001:db8::3:4:5:6", "2001:db8::3:4:5:6", 128 },
		{ "2001:db8::3:4:5:7", "2001:db8::3:4:5:6", 127 },
		{ "::1", "::1", 64 }, { "::1", "::1", 128 },
		{ "::", "::1", 64 }, { "::", "::1", 128 },
		{ "::2", "::1", 64 }, { "::2", "::2", 128 },
		{ "::ffff:192.0.2.7", "::ffff:192.0.2.7", 32 },
		{ "756e:6978:3a00::3e8", "756e:6978:3a00::3e8", 64 }
	};
	uint8_t	a[16], want[16], got[16];
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (inet_pton(AF_INET6, t[i].addr, a) != 1 ||
		    inet_pton(AF_INET6, t[i].key, want) != 1)
			errx(1, "%s: no address", t[i].addr);
		addr_cut(got, a, t[i].prefix);
		if (memcmp(got, want, 16) != 0)
			errx(1, "%s/%u is not counted as %s", t[i].addr,
			    t[i].prefix, t[i].key);
	}
	printf("ok - addresses of one network\n");
}

int
main(void)
{
	networks();
	return (0);
}
