/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a client of the control socket asks of children (ask.c).
 */
#include <sys/types.h>

#include <string.h>

#include "control.h"
#include "mono.h"

/* Rows of one octet, each with its frame, and the last frame. */
#define ROOM	(CTL_MAXROWS / 3 * (sizeof(struct ctl_frame) + 1) + 2048)

_Static_assert(ROOM < CONTROL_MAXOUT, "an answer fits");

static int
has_room(const struct ask *a)
{
	return (control_room(a->arg) >= ROOM);
}

static int
row(struct ask *a, const uint8_t *p, size_t len)
{
	struct control_client	*k = a->arg;

	k->since = mono_ms();
	if (control_put(k, CTL_ROW, 0, p, len) == 0)
		return (0);
	control_close(k);
	return (-1);
}

static void
drop(struct ask *a)
{
	control_close(a->arg);
}

static const struct ask_ops	ops = { has_room, row, drop };

int
control_ask_begin(struct control_client *k)
{
	const struct ctl_request	*r = &k->req;
	const struct conf_realm		*realm;
	struct ask			*a = &k->ask;

	a->ops = &ops;
	a->arg = k;
	a->w = k->w;
	a->what = r->what;
	a->session = r->session;
	a->authid = r->authid;
	a->realm = 0;
	ask_begin(a);
	/* nothing said would mean all */
	if ((r->what == CTL_KILL_AUTHID && r->authid[0] == '\0') ||
	    ((r->what == CTL_KILL_SESSION || r->what == CTL_SESSION) &&
	    r->session == 0)) {
		control_error(k, "which one is not said");
		return (-1);
	}
	if (r->realm[0] == '\0')
		return (0);
	realm = conf_find_realm(k->w->conf, r->realm, strlen(r->realm));
	if (realm == NULL) {
		control_error(k, "there is no such realm");
		return (-1);
	}
	a->realm = realm->id;
	return (0);
}

/* Those from before an upgrade, who are asked nothing. */
static int
has_leaving(const struct wampd *w)
{
	return (w->upgrade.state == UPGRADE_NOT &&
	    (w->upgrade.caretaker != 0 || w->upgrade.nold > 0));
}

static int
end(struct control_client *k)
{
	uint16_t	flags = 0;

	if (k->ask.is_incomplete)
		flags |= CTL_INCOMPLETE;
	if (has_leaving(k->w))
		flags |= CTL_LEAVING;
	return (control_put(k, CTL_END, flags, NULL, 0) == 0);
}

int
control_ask(struct control_client *k)
{
	return (ask_step(&k->ask) ? end(k) : 0);
}

static int
count(void *arg, const uint8_t *p, size_t len)
{
	struct control_client	*k = arg;

	/* room is left for the end of it */
	if (control_room(k) < sizeof(struct ctl_frame) + len + 2048)
		return (-1);
	return (control_put(k, CTL_ROW, 0, p, len));
}

/* What we count ourselves, all at once, as it is now; then what they do. */
int
control_metrics(struct control_client *k)
{
	if (k->cursor == 0) {
		if (k->outlen > 0)
			return (0);
		k->cursor = 1;
		if (counts_tell(k->w, count, k) == -1) {
			control_error(k, "metrics are too long");
			return (1);
		}
	}
	if (!ask_step(&k->ask))
		return (0);
	(void)counts_tell_end(!k->ask.is_incomplete, count, k);
	return (end(k));
}
