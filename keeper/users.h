/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The table of one users file: who there is, and by which proof.  A table
 * never changes; what keeps a proof of it keeps a reference of the table.
 * Nothing here does more than some milliseconds of work at once.
 */
#ifndef WAMPD_USERS_H
#define WAMPD_USERS_H

#include <stddef.h>
#include <stdint.h>

struct users;
struct users_diff;
struct users_line;
struct users_load;

#define USERS_ORDER_LEN	32	/* octets of the secret below */

/* One line of the file; texts are NUL-terminated. */
struct proof {
	const char	*authid, *role;
	const uint8_t	*salt;		/* of wampcra: the text */
	/*
	 * ticket: the hash; wampcra: encrypted, see users_cra_key(); scram:
	 * StoredKey and ServerKey; cryptosign, tls: 32 octets each.
	 */
	const uint8_t	*secret;
	struct proof	*next;		/* in the file */
	uint64_t	 order;		/* of its principal */
	size_t		 authidlen;
	uint32_t	 methods;	/* AUTH_* bits, as in usersfile.h */
	uint32_t	 line;
	uint32_t	 iterations;
	uint32_t	 memory;	/* KiB */
	uint16_t	 secretlen;
	uint8_t		 kdf;		/* enum scram_kdf, or 0 */
	uint8_t		 parallel;
	uint8_t		 saltlen;
	uint8_t		 nkeys;		/* of cryptosign and tls, else 0 */
};

/* users.c */

/*
 * An empty table with one reference, or NULL: no memory.  The secret puts
 * principals in an order that nobody outside can know; it must be the same
 * for all tables of this process.
 */
struct users	*users_new(const uint8_t secret[USERS_ORDER_LEN]);
/*
 * Add a line while nobody else has the table.  0, or -1 with errno EEXIST
 * (*other has the same principal and method, or the same key) or ENOMEM.
 */
int		 users_add(struct users *, const struct users_line *,
		    uint32_t lineno, const struct proof **other);
/* Is it the role of a line? */
int		 users_has_role(struct users *, const char *);
struct users	*users_ref(struct users *);
/*
 * NULL is fine.  1: that was the last reference; users_free_step() has
 * something to do.
 */
int		 users_unref(struct users *);
/*
 * Wipe and free what was dropped, for so many microseconds: 1 when nothing
 * is left, 0: call again.
 */
int		 users_free_step(unsigned int);
size_t		 users_count(const struct users *);	/* lines */
/* The proofs in the order of the file, by their next. */
const struct proof	*users_first(const struct users *);

/* By one bit of methods; NULL: there is none.  In much the same time. */
const struct proof	*users_find(const struct users *, const char *,
			    size_t, uint32_t method);
/* The bits of all proofs of an authid; 0: it is unknown. */
uint32_t		 users_methods(const struct users *, const char *,
			    size_t);
/* The proof in an other table of the process, in which p has that method. */
const struct proof	*users_find_same(const struct users *,
			    const struct proof *p, uint32_t method);
/* Whose the public key or certificate (SHA-256) is, and which of a line's. */
const struct proof	*users_find_key(const struct users *,
			    const uint8_t [32], size_t *);
const struct proof	*users_find_cert(const struct users *,
			    const uint8_t [32], size_t *);
/*
 * For an authid that is unknown, a proof of the principal next to it in the
 * secret order that has one of the methods: a challenge to it shall look
 * like that one's (method, kdf, costs, length of the salt, role), and does so
 * as long as this principal is there.  One that is known gets its own, in
 * the same time: ask for both alike and compare the authid.  NULL: nobody
 * has such a method.
 */
const struct proof	*users_shape(const struct users *, const char *,
			    size_t, uint32_t methods);
/*
 * The key that cra_check() takes: the secret or, if there is a salt, the
 * base64 of the derived key.  *len is the size of out, which should be
 * locked memory (USERS_SECRET_MAX suffices), and becomes the length of the
 * key.  0, or -1: it does not fit, no memory, or no WAMP-CRA.
 */
int			 users_cra_key(const struct users *,
			    const struct proof *, uint8_t *out, size_t *len);

/* users_load.c */

/*
 * Load a file, by pread(2) alone; the descriptor remains the caller's, who
 * keeps it open until users_load_end().  The name is for log lines.  role_ok
 * says 1 for the name of a role that exists, for which it is asked once.
 * NULL: no memory.
 */
struct users_load	*users_load_begin(int, const char *name,
			    const uint8_t secret[USERS_ORDER_LEN],
			    int (*role_ok)(const char *, void *), void *);
/*
 * For so many microseconds: 1 done, 0 call again, -1 failed: all that is
 * wrong was logged.
 */
int			 users_load_step(struct users_load *, unsigned int);
/*
 * The table, if the last step said 1.  Else NULL: what there was is dropped,
 * as by users_unref().
 */
struct users		*users_load_end(struct users_load *);

/* users_diff.c */

/*
 * Do both lines, each of its own table, take exactly the same secret (with
 * the same salt and cost)?  1 or 0.
 */
int		 users_same_secret(const struct users *,
		    const struct proof *, const struct users *,
		    const struct proof *);
/* The number of the key in its line, or -1. */
int			 proof_key_index(const struct proof *,
			    const uint8_t [32]);
/*
 * A number, by a secret of USERS_ORDER_LEN octets, for authid, role, one bit
 * of methods and the key if it has some: the same in each table.
 */
uint64_t		 proof_id(const uint8_t *, const struct proof *,
			    uint32_t method, size_t key);
/*
 * Tell what the old table proves by methods_old (AUTH_* bits) and the new
 * one, which may be NULL, not by methods_new: there is no such line, its role
 * is another, or it has not that key (number key; 0 for other methods).  A
 * changed secret is not told.  Both tables are kept until the end.  NULL: no
 * memory.
 */
struct users_diff	*users_diff_begin(struct users *old,
			    struct users *new, uint32_t methods_old,
			    uint32_t methods_new,
			    void (*gone)(const struct proof *,
			    uint32_t method, size_t key, void *), void *);
int			 users_diff_step(struct users_diff *, unsigned int);
/* 1: users_free_step() has something to do. */
int			 users_diff_end(struct users_diff *);

#endif /* WAMPD_USERS_H */
