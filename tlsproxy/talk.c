/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Who says much to a broker does not keep waiting who says little.  While
 * more than one of its clients talk, each is read no further than its fences
 * permit (fence.c); one that talks alone has nobody to be fair to.
 */
#include <stdlib.h>

#include "chan.h"
#include "fence.h"
#include "mono.h"
#include "tlsproxy.h"

#define TALK_MS		10000		/* so long somebody counts as talking
					 * who has said something */
#define FAIR_MS		1000		/* events to many go out in slices */

static int
others_talk(const struct broker *b, const struct psess *s, uint64_t now)
{
	const struct talker	*t = &b->talkers[0];

	if (t->slot == s->slot)
		t++;
	return (t->slot != 0 && now - t->at < TALK_MS);
}

static void
talk_note(struct broker *b, const struct psess *s, uint64_t now)
{
	struct talker	*t = b->talkers;

	if (t[0].slot != s->slot) {
		t[1] = t[0];
		t[0].slot = s->slot;
	}
	t[0].at = now;
}

void
talk_over(struct psess *s)
{
	struct talker	*t;

	if (s->broker == NULL)
		return;
	t = s->broker->talkers;
	if (t[1].slot == s->slot)
		t[1].slot = 0;
	if (t[0].slot == s->slot) {
		t[0] = t[1];
		t[1].slot = 0;
	}
}

uint32_t
talk_room(struct conn *c)
{
	struct psess	*s = c->sess;
	struct broker	*b;
	uint64_t	 now = mono_ms();

	c->said = 0;
	c->talks = 0;
	c->is_fenced = 0;
	c->may = UINT32_MAX;
	if (s == NULL || s->state != SESS_JOINED || (b = s->broker) == NULL ||
	    !others_talk(b, s, now))
		return (c->may);
	if (s->fences == NULL) {
		if ((s->fences = malloc(sizeof(*s->fences))) == NULL)
			return (c->may);
		fences_init(s->fences, b->said);
	}
	c->is_fenced = 1;
	b->fair_at = now;
	return (c->may = fences_room(s->fences, s->fences->n > 0 ? mono_us() :
	    0));
}

static void
fence_if_due(struct psess *s)
{
	struct broker	*b = s->broker;

	if (!fences_due(s->fences) || b->chan == NULL ||
	    chan_send(b->chan, IMSG_FENCE, s->slot, s->gen, NULL, 0) == -1)
		return;
	fences_sent(s->fences, b->said, mono_us());
}

void
talk_said(struct conn *c)
{
	struct psess	*s = c->sess;
	struct broker	*b;

	if (s == NULL || (b = s->broker) == NULL || b->chan == NULL)
		return;
	if (c->talks)
		talk_note(b, s, c->last_input);
	b->said += c->said;
	if (!c->is_fenced || s->fences == NULL)
		return;
	fences_said(s->fences, c->said);
	fence_if_due(s);
}

int
talk_on_fence(struct chan *ch, struct imsg *m)
{
	struct broker	*b = chan_arg(ch);
	struct psess	*s;
	int		 nonsense;

	if ((s = session_find(b, m, &nonsense)) == NULL)
		return (nonsense ? -1 : 0);
	if (s->fences == NULL || fences_back(s->fences) == -1)
		return (-1);
	s->fenced_many = b->p->many_begun;
	if (s->has_fence_back)
		return (0);
	s->has_fence_back = 1;
	SLIST_INSERT_HEAD(&b->p->fenced, s, fenced_entry);
	return (0);
}

/* Has somebody been fenced in lately? */
int
talks_are_fair(const struct broker *b)
{
	return (b->fair_at != 0 && mono_ms() - b->fair_at < FAIR_MS);
}

/* What came before them is written now, which is most of the work. */
void
talks_turn_end(struct proxy *p)
{
	struct psess	*s, *next;
	uint64_t	 now;

	if (SLIST_EMPTY(&p->fenced))
		return;
	now = mono_us();
	for (s = SLIST_FIRST(&p->fenced); s != NULL; s = next) {
		next = SLIST_NEXT(s, fenced_entry);
		if (p->many_done < s->fenced_many)
			continue;
		SLIST_REMOVE(&p->fenced, s, psess, fenced_entry);
		s->has_fence_back = 0;
		fences_learn(s->fences, s->broker->said, now);
		if (s->conn == NULL)
			continue;
		fence_if_due(s);
		conn_resume(s->conn);
	}
}

void
talk_free(struct psess *s)
{
	if (s->has_fence_back)
		SLIST_REMOVE(&proxy->fenced, s, psess, fenced_entry);
	free(s->fences);
}
