/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Rows for wampctl.  Where they come from is each child's business, and what
 * wampctl makes of them is its own.
 */
#include <sys/uio.h>

#include <string.h>

#include "chan.h"
#include "ctlrow.h"
#include "isotime.h"
#include "pbuf.h"
#include "proc.h"
#include "uri.h"

#define ROW_HEAD	(sizeof(uint16_t) + 3)	/* length, head of a map */

enum ctl_turn
ctl_asked_read(struct ctl_asked *a, const struct imsg *im)
{
	struct m_ctl_query	q;

	if (im->len < sizeof(q))
		return (CTL_TURN_NONSENSE);
	memcpy(&q, im->data, sizeof(q));
	if (im->len - sizeof(q) != q.authidlen || q.authidlen > AUTHID_MAXLEN)
		return (CTL_TURN_NONSENSE);
	if (q.cursor != 0 && (q.cursor != a->cursor ||
	    q.query != a->m.query || q.what != a->m.what))
		return (CTL_TURN_LOST);
	a->m = q;
	memcpy(a->authid, im->data + sizeof(q), q.authidlen);
	a->cursor = 0;
	return (q.cursor == 0 ? CTL_TURN_BEGIN : CTL_TURN_ON);
}

/* -- rows --------------------------------------------------------------- */

void
ctlrows_init(struct ctlrows *r)
{
	mpput_init(&r->out, r->buf, sizeof(r->buf));
	r->nrows = 0;
}

/* Its length, and how many fields it has, are known when it ends. */
void
ctlrow_begin(struct ctlrows *r)
{
	static const uint8_t	none[ROW_HEAD];

	r->begin = r->out.len;
	r->nfields = 0;
	mpput_raw(&r->out, none, sizeof(none));
}

int
ctlrow_end(struct ctlrows *r)
{
	uint8_t		*p = r->buf + r->begin;
	uint16_t	 len;

	if (r->out.failed) {
		r->out.failed = 0;
		r->out.len = r->begin;
		return (-1);
	}
	len = (uint16_t)(r->out.len - r->begin - sizeof(len));
	memcpy(p, &len, sizeof(len));
	p += sizeof(len);
	/* a map of 16 bits */
	p[0] = 0xde;
	p[1] = (uint8_t)(r->nfields >> 8);
	p[2] = (uint8_t)r->nfields;
	r->nrows++;
	return (0);
}

struct mpput *
ctlrow_value(struct ctlrows *r, const char *name)
{
	r->nfields++;
	mpput_text(&r->out, name);
	return (&r->out);
}

void
ctlrow_uint(struct ctlrows *r, const char *name, uint64_t n)
{
	mpput_uint(ctlrow_value(r, name), n);
}

void
ctlrow_bool(struct ctlrows *r, const char *name, int is_true)
{
	mpput_bool(ctlrow_value(r, name), is_true);
}

void
ctlrow_str(struct ctlrows *r, const char *name, const void *p, size_t len)
{
	struct mpput	*out = ctlrow_value(r, name);
	struct uri	 u = { p, (uint16_t)len };
	size_t		 i;

	if (len > UINT16_MAX) {
		out->failed = 1;
		return;
	}
	mpput_str(out, p, len);
	if (out->failed || uri_is_utf8(&u))
		return;
	for (i = out->len - len; i < out->len; i++)
		if (out->p[i] >= 0x80)
			out->p[i] = '?';
}

void
ctlrow_text(struct ctlrows *r, const char *name, const char *s)
{
	if (s != NULL)
		ctlrow_str(r, name, s, strlen(s));
	else
		mpput_nil(ctlrow_value(r, name));
}

void
ctlrow_time(struct ctlrows *r, const char *name, uint64_t ms)
{
	char	buf[ISOTIME_LEN + 1];

	if (ms > 0)
		isotime(buf, ms);
	ctlrow_text(r, name, ms > 0 ? buf : NULL);
}

/* -- CTL_MEMORY --------------------------------------------------------- */

static void
number(struct ctlrows *r, const char *name, uint64_t n)
{
	if (n == CTLROW_NONE)
		mpput_nil(ctlrow_value(r, name));
	else
		ctlrow_uint(r, name, n);
}

int
ctlrow_memory(struct ctlrows *r, const struct proc *p, const char *what,
    const struct m_peer *peer, uint64_t count, uint64_t octets,
    uint64_t limit)
{
	ctlrow_begin(r);
	ctlrow_text(r, "process", proc_role_name(p->role));
	ctlrow_uint(r, "instance", p->instance);
	ctlrow_text(r, "what", what);
	ctlrow_text(r, "peer", peer != NULL ?
	    proc_role_name((enum proc_role)peer->role) : NULL);
	number(r, "peer_instance", peer != NULL ? peer->instance :
	    CTLROW_NONE);
	number(r, "count", count);
	number(r, "octets", octets);
	number(r, "limit", limit);
	return (ctlrow_end(r));
}

void
ctlrows_memory(struct ctlrows *r, const struct proc *p, uint64_t budget)
{
	struct m_peer	parent = { .role = PROC_PARENT };

	ctlrow_memory(r, p, "payloads", NULL, CTLROW_NONE, pbuf_in_use(),
	    budget);
	ctlrow_memory(r, p, "queue", &parent, CTLROW_NONE,
	    chan_waiting(p->parent), CTLROW_NONE);
}

/* -- the answer --------------------------------------------------------- */

static void
answer(struct chan *c, const struct m_ctl_rows *m, const void *rows,
    size_t len)
{
	struct iovec	iov[2];

	iov_set(&iov[0], m, sizeof(*m));
	iov_set(&iov[1], rows, len);
	chan_sendv(c, IMSG_CTL_ROWS, 0, 0, iov, 2);
}

void
ctlrows_send(const struct ctlrows *r, struct chan *c, struct ctl_asked *a,
    int is_end)
{
	struct m_ctl_rows	m;

	memset(&m, 0, sizeof(m));
	m.query = a->m.query;
	m.nrows = r->nrows;
	if (is_end)
		m.is_end = 1;
	else
		m.cursor = a->cursor = ++a->ncursors;
	answer(c, &m, r->buf, r->out.len);
}

void
ctlrows_lost(struct chan *c, const struct imsg *im)
{
	struct m_ctl_query	q;
	struct m_ctl_rows	m;

	memcpy(&q, im->data, sizeof(q));
	memset(&m, 0, sizeof(m));
	m.query = q.query;
	m.is_end = m.is_lost = 1;
	answer(c, &m, NULL, 0);
}
