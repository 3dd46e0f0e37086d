/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * More words for Remote Procedure Calls: options, cancels, progress.
 */
#ifndef WAMPD_BPLAY_RPC_H
#define WAMPD_BPLAY_RPC_H

#include "bplay.h"

/* ppt attributes of what is sent next, and of what came last. */
extern struct text	rpc_ppt, rpc_got_ppt;
/* Details of the INVOCATION that came last; the texts terminated. */
extern struct m_invocation	rpc_inv;
extern char		rpc_procedure[256], rpc_authid[64], rpc_authrole[64];

/* FEAT_*, as from its HELLO. */
void		 send_features(struct sess *, uint32_t);
void		 send_register_as(struct sess *, const char *, int match,
		    int invoke, uint32_t concurrency, uint32_t flags);
uint64_t	 registers_as(struct sess *, const char *, int match,
		    int invoke);
/* A new call; ms: its timeout. */
void		 send_call_as(struct sess *, const char *, const char *,
		    uint32_t flags, uint32_t ms);
/* Another part of one. */
void		 send_more(struct sess *, uint64_t call, const char *,
		    const char *, uint32_t flags);
void		 send_cancel(struct sess *, uint64_t call, int mode);
void		 send_progress(struct sess *, uint64_t inv, const char *);
void		 send_yield_ppt(struct sess *, uint64_t inv, uint32_t flags);
void		 send_error_ppt(struct sess *, uint64_t inv, const char *);

/* INVOCATION.Request; flags: exactly these INVOCATION_*. */
uint64_t	 want_invocation_as(struct sess *, uint64_t reg, const char *,
		    uint32_t flags);
void		 want_progress(struct sess *, uint64_t call, const char *);
void		 want_result_ppt(struct sess *, uint64_t call);
void		 want_error_ppt(struct sess *, uint64_t call);
void		 want_interrupt(struct sess *, uint64_t inv, int mode,
		    enum wamp_err);
void		 want_over(struct sess *, uint64_t call);
/* UNREGISTERED, unasked. */
void		 want_reg_revoked(struct sess *, uint64_t reg);

#endif /* WAMPD_BPLAY_RPC_H */
