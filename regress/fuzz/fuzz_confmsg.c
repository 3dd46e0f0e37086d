/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The configuration as a child receives it.  The input is a row of imsgs:
 * one octet type (1 is CONF_BEGIN; bit 7: with a descriptor), two of length,
 * data; before them stand a correct CONF_BEGIN and CONF_GLOBAL, and type 0 is
 * a correct CONF_END.
 */
#include <sys/mman.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "msgtypes.h"
#include "wamp.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct conf	*next;
static uint32_t		 count;

static int
give(uint32_t type, const void *data, size_t len, int fd)
{
	char		 why[64] = "";
	struct imsg	 m;
	uint8_t		*copy;
	int		 rc;

	if ((copy = malloc(len)) == NULL && len > 0)
		abort();
	if (len > 0)
		memcpy(copy, data, len);
	memset(&m, 0, sizeof(m));
	m.type = type;
	m.data = copy;
	m.len = len;
	m.fd = fd == -1 ? -1 : dup(fd);
	rc = conf_recv(&next, &m, why, sizeof(why));
	if (m.fd != -1)
		close(m.fd);
	free(copy);
	if (rc == -1 && why[0] == '\0')
		abort();
	count = type == IMSG_CONF_BEGIN ? 1 : count + 1;
	return (rc);
}

/* What holds of whatever was taken. */
static void
check(const struct conf *c)
{
	const struct conf_keypair	*k;
	const struct conf_listen	*l;
	const struct conf_realm		*r;
	const struct conf_auth		*a;
	const struct conf_role		*ro;
	const struct conf_rule		*ru;
	const struct conf_topic		*t;
	size_t				 i;

	TAILQ_FOREACH(k, &c->keypairs, entry)
		if (k->cert == NULL)
			abort();
	TAILQ_FOREACH(l, &c->listens, entry) {
		for (i = 0; i < l->nkeypairs; i++)
			if (conf_find_keypair_id(c, l->keypairs[i]) == NULL)
				abort();
		if ((l->ca != NULL) != ((l->flags & LISTEN_CLIENT_CA) != 0) ||
		    (l->crl != NULL && l->ca == NULL))
			abort();
	}
	TAILQ_FOREACH(r, &c->realms, entry) {
		if (r->broker >= c->brokers)
			abort();
		TAILQ_FOREACH(a, &r->auths, entry)
			if (conf_find_role_id(r, a->role) == NULL)
				abort();
		TAILQ_FOREACH(t, &r->history.topics, entry)
			if (!r->has_history || t->match >= MATCH_MAX ||
			    t->events == 0 || strlen(t->uri) != t->urilen)
				abort();
		if (r->disclose_publisher == DISCLOSE_UNSET ||
		    r->disclose_publisher > DISCLOSE_NEVER ||
		    r->disclose_caller == DISCLOSE_UNSET ||
		    r->disclose_caller > DISCLOSE_NEVER)
			abort();
		TAILQ_FOREACH(ro, &r->roles, entry)
			TAILQ_FOREACH(ru, &ro->rules, entry)
				if ((ru->actions & ACTION_META) != 0 &&
				    (!ru->anyuri ||
				    (ru->actions & ACTION_ALL) != 0))
					abort();
	}
}

static void
begin(void)
{
	struct {
		struct conf_limits	limits;
		uint32_t		v[6];
	}		 global;
	struct m_u32	 generation = { 1 };
	struct conf	*c = conf_new();

	memset(&global, 0, sizeof(global));
	global.limits = c->limits;
	global.v[0] = 2;	/* prefork */
	global.v[1] = 2;	/* brokers */
	conf_free(c);
	if (give(IMSG_CONF_BEGIN, &generation, sizeof(generation), -1) != 0 ||
	    give(IMSG_CONF_GLOBAL, &global, sizeof(global), -1) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static int	fd = -1;
	struct m_u32	n;
	uint32_t	type;
	size_t		want;
	int		rc = 0, has_fd;

	if (fd == -1 && ((fd = memfd_create("file", MFD_CLOEXEC)) == -1 ||
	    write(fd, "content", 7) != 7))
		abort();
	begin();
	while (rc == 0 && len >= 3) {
		type = (uint32_t)(in[0] & 0x7f) + IMSG_CONF_BEGIN - 1;
		has_fd = in[0] >> 7;
		want = (size_t)in[1] << 8 | in[2];
		in += 3;
		len -= 3;
		if (want > len)
			want = len;
		n.n = count;
		if (type < IMSG_CONF_BEGIN)
			rc = give(IMSG_CONF_END, &n, sizeof(n), -1);
		else
			rc = give(type, in, want, has_fd ? fd : -1);
		in += want;
		len -= want;
	}
	if (rc == 1)
		check(next);
	conf_free(next);
	next = NULL;
	return (0);
}
