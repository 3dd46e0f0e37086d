/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Limits of connections add up over tlsproxies, are told once when they are
 * reached and once when not any more, and take no memory for nobody.
 */
#include <err.h>
#include <string.h>

#include "../../wampd/wampd.h"

static struct m_conn_limit	said[64];
static size_t			nsaid;

static void
changed(void *arg, const struct m_conn_limit *m)
{
	(void)arg;
	if (nsaid == 64)
		errx(1, "too much said");
	said[nsaid++] = *m;
}

static void
key(uint8_t *k, unsigned int n)
{
	memset(k, 0, 16);
	if (n == 0)
		return;
	memset(k + 10, 0xff, 2);
	k[13] = (uint8_t)(n >> 16);
	k[14] = (uint8_t)(n >> 8);
	k[15] = (uint8_t)n;
}

static uint32_t	is_kept;			/* as count() says */
static int64_t	most;			/* that it was told */

static int
count(struct connlimit *cl, unsigned int proxy, unsigned int n, uint32_t c)
{
	struct m_conn_count	m, shed;
	size_t			nshed;
	int			rv;

	key(m.addr, n);
	m.count = c;
	m.is_kept = is_kept;
	rv = connlimit_count(cl, proxy, &m, 1, &shed, &nshed);
	most = rv == 0 && nshed > 0 ? (int64_t)shed.count : -1;
	if (nshed > 0 && memcmp(shed.addr, m.addr, 16) != 0)
		errx(1, "address %u: shed of another", n);
	return (rv);
}

static void
expect_most(struct connlimit *cl, unsigned int proxy, unsigned int n,
    uint32_t c, int64_t want)
{
	count(cl, proxy, n, c);
	if (most != want)
		errx(1, "address %u: tlsproxy %u has %u and may hold %lld, "
		    "want %lld", n, proxy, c, (long long)most,
		    (long long)want);
}

static void
expect(unsigned int n, uint32_t is_over)
{
	uint8_t	k[16];

	key(k, n);
	if (nsaid != 1 || memcmp(said[0].addr, k, 16) != 0 ||
	    said[0].is_over != is_over)
		errx(1, "address %u: said %zu, want over %u", n, nsaid,
		    is_over);
	nsaid = 0;
}

static void
expect_nothing(void)
{
	if (nsaid != 0)
		errx(1, "said %zu without need", nsaid);
}

int
main(void)
{
	struct connlimit	*cl;
	unsigned int		 i;

	if ((cl = connlimit_new(changed, NULL)) == NULL)
		err(1, "connlimit_new");
	connlimit_set(cl, 100, 10);

	/* over both tlsproxies */
	count(cl, 0, 1, 6);
	count(cl, 1, 1, 3);
	expect_nothing();
	count(cl, 1, 1, 4);
	expect(1, 1);
	count(cl, 1, 1, 5);
	expect_nothing();
	count(cl, 0, 1, 4);
	expect(1, 0);

	/* a tlsproxy that begins hears who is over */
	count(cl, 0, 1, 6);
	expect(1, 1);
	connlimit_each_over(cl, changed, NULL);
	expect(1, 1);

	/* one that died counts no more */
	connlimit_gone(cl, 1);
	expect(1, 0);
	connlimit_each_over(cl, changed, NULL);
	expect_nothing();
	count(cl, 0, 1, 0);
	if (connlimit_entries(cl) != 0)
		errx(1, "%zu entries of nobody", connlimit_entries(cl));

	/* all together */
	count(cl, 0, 0, 50);
	count(cl, 1, 0, 49);
	expect_nothing();
	count(cl, 1, 0, 50);
	expect(0, 1);
	count(cl, 1, 0, 20);
	expect(0, 0);

	/* those that are too many, of who said so last */
	expect_most(cl, 0, 0, 80, -1);
	expect(0, 1);
	expect_most(cl, 1, 0, 70, 20);
	/* they count as gone, so that nobody else's must go */
	expect_most(cl, 0, 0, 81, 80);
	expect_most(cl, 0, 0, 79, -1);
	expect(0, 0);
	/* unless they cannot go; then it stays so */
	is_kept = 1;
	expect_most(cl, 1, 0, 70, -1);
	is_kept = 0;
	expect(0, 1);
	/* who has fewer is not asked */
	expect_most(cl, 0, 0, 78, -1);
	expect_most(cl, 0, 0, 79, 30);
	expect_most(cl, 1, 0, 10, -1);
	expect(0, 0);
	expect_most(cl, 0, 3, 9, -1);
	expect_most(cl, 1, 3, 9, 1);
	expect(3, 1);
	expect_most(cl, 2, 3, 5, 0);
	expect_most(cl, 1, 3, 0, -1);
	expect(3, 0);
	expect_most(cl, 0, 3, 0, -1);
	count(cl, 0, 0, 50);
	count(cl, 1, 0, 20);
	expect_nothing();

	/* a reload */
	connlimit_set(cl, 70, 10);
	expect(0, 1);
	connlimit_set(cl, 100, 10);
	expect(0, 0);
	count(cl, 0, 2, 5);
	connlimit_set(cl, 100, 5);
	expect(2, 1);
	connlimit_set(cl, 100, 10);
	expect(2, 0);
	count(cl, 0, 2, 0);

	/* one tlsproxy can fill its share only */
	for (i = 1; i < 5000; i++)
		if (count(cl, 0, i, 1) == -1)
			break;
	if (i < 100 || i > 2000)
		errx(1, "one tlsproxy named %u addresses", i);
	if (count(cl, 1, 9000, 1) == -1)
		errx(1, "a second one has no room");
	if (count(cl, 1, 9001, 4000000000U) != -1)
		errx(1, "a count beyond reason was taken");
	connlimit_gone(cl, 0);
	connlimit_gone(cl, 1);
	if (connlimit_entries(cl) != 0)
		errx(1, "%zu entries left", connlimit_entries(cl));
	connlimit_free(cl);
	return (0);
}
