/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which procedures are registered in a realm, by whom.  Policies other than
 * one callee for an exact URI are not known here.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"

struct registration *
reg_find(const struct realm *r, const struct uri *procedure)
{
	struct hent		*e;
	struct registration	*reg;

	for (e = htab_first(&r->procedures,
	    hash_bytes(procedure->p, procedure->len)); e != NULL;
	    e = htab_next(e)) {
		reg = HENT_OF(e, struct registration, byuri);
		if (uri_eq(&reg->procedure, procedure))
			return (reg);
	}
	return (NULL);
}

struct registration *
reg_find_id(uint64_t id)
{
	struct hent		*e;
	struct registration	*reg;

	for (e = htab_first(&broker.regs, hash_pair(id, 0)); e != NULL;
	    e = htab_next(e)) {
		reg = HENT_OF(e, struct registration, byid);
		if (reg->id == id)
			return (reg);
	}
	return (NULL);
}

/* NULL without memory. */
struct registration *
reg_new(struct session *callee, const struct uri *procedure)
{
	struct registration	*reg;

	if (state_take(sizeof(*reg) + procedure->len) == -1)
		return (NULL);
	if ((reg = calloc(1, sizeof(*reg) + procedure->len)) == NULL) {
		state_give(sizeof(*reg) + procedure->len);
		return (NULL);
	}
	reg->realm = callee->realm;
	reg->callee = callee;
	reg->id = router_id(&broker.lastreg);
	memcpy(reg->text, procedure->p, procedure->len);
	reg->procedure.p = reg->text;
	reg->procedure.len = procedure->len;
	htab_insert(&reg->realm->procedures, &reg->byuri,
	    hash_bytes(procedure->p, procedure->len));
	htab_insert(&broker.regs, &reg->byid, hash_pair(reg->id, 0));
	LIST_INSERT_HEAD(&callee->regs, reg, session_entry);
	callee->nregs++;
	return (reg);
}

void
reg_free(struct registration *reg)
{
	htab_remove(&reg->realm->procedures, &reg->byuri);
	htab_remove(&broker.regs, &reg->byid);
	LIST_REMOVE(reg, session_entry);
	reg->callee->nregs--;
	state_give(sizeof(*reg) + reg->procedure.len);
	free(reg);
}
