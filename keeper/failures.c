/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Who guesses: failed log-ins by authid, whose refusals come later and
 * later, and by address, which is refused for a while over a limit.  A
 * right secret is never delayed and never counted, so nobody can lock
 * another out by guessing in his name.  Tables of fixed size: whoever
 * fails least and longest ago makes room.
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "conf.h"
#include "keeper.h"
#include "mono.h"

#define NSETS		2048
#define NWAYS		4
#define FORGET_MS	(10 * 60 * 1000)	/* an authid, since the last */
#define FIRST_MS	250

struct failure {
	uint64_t	 key;		/* 0: free */
	uint64_t	 since;		/* of the address's time, the last
					 * failure of an authid */
	uint32_t	 count;
};

static struct failure	 authids[NSETS][NWAYS], addresses[NSETS][NWAYS];
static uint8_t		 seed[16];

void
failures_prepare(void)
{
	arc4random_buf(seed, sizeof(seed));
}

/* Nobody can choose two that meet, without the seed. */
static uint64_t
key_of(const void *p, size_t len, uint32_t realm)
{
	uint8_t		text[sizeof(realm) + AUTHID_MAXLEN];
	uint8_t		md[EVP_MAX_MD_SIZE];
	uint64_t	key = 0;

	if (len > AUTHID_MAXLEN)
		len = AUTHID_MAXLEN;
	memcpy(text, &realm, sizeof(realm));
	memcpy(text + sizeof(realm), p, len);
	if (HMAC(EVP_sha256(), seed, sizeof(seed), text, sizeof(realm) + len,
	    md, NULL) != NULL)
		memcpy(&key, md, sizeof(key));
	return (key != 0 ? key : 1);
}

static struct failure *
find(struct failure table[NSETS][NWAYS], uint64_t key)
{
	struct failure	*set = table[key % NSETS];
	size_t		 i;

	for (i = 0; i < NWAYS; i++)
		if (set[i].key == key)
			return (&set[i]);
	return (NULL);
}

/* The one of that key, or the place of the one that matters least. */
static struct failure *
get(struct failure table[NSETS][NWAYS], uint64_t key, uint64_t now)
{
	struct failure	*set = table[key % NSETS], *f, *least = &set[0];
	size_t		 i;

	if ((f = find(table, key)) != NULL)
		return (f);
	for (i = 1; i < NWAYS && least->key != 0; i++)
		if (set[i].key == 0 || set[i].count < least->count ||
		    (set[i].count == least->count &&
		    set[i].since < least->since))
			least = &set[i];
	least->key = key;
	least->count = 0;
	least->since = now;
	return (least);
}

int
failures_refuse(const uint8_t addr[16])
{
	const struct conf_limits	*l = &keeper.conf->limits;
	const struct failure		*f;

	f = find(addresses, key_of(addr, 16, 0));
	return (f != NULL && f->count >= l->failures &&
	    mono_ms() - f->since < l->failures_per);
}

uint32_t
failures_add(uint32_t realm, const char *authid, const uint8_t addr[16])
{
	const struct conf_limits	*l = &keeper.conf->limits;
	struct failure			*f;
	uint64_t			 now = mono_ms(), ms;

	f = get(addresses, key_of(addr, 16, 0), now);
	if (now - f->since >= l->failures_per) {
		f->since = now;
		f->count = 0;
	}
	f->count++;

	f = get(authids, key_of(authid, strlen(authid), realm), now);
	if (now - f->since >= FORGET_MS)
		f->count = 0;
	f->since = now;
	ms = f->count >= 16 ? l->failures_delay :
	    (uint64_t)FIRST_MS << f->count;
	if (f->count < 16)
		f->count++;
	return (ms > l->failures_delay ? l->failures_delay : (uint32_t)ms);
}
