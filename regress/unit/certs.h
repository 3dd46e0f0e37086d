/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Throw-away certificates for tests, made by regress/lib/certs.sh.
 */
#ifndef WAMPD_CERTS_H
#define WAMPD_CERTS_H

#include <stddef.h>
#include <stdint.h>

struct conf;
struct conf_keypair;

/* Make them; the directory is removed when the process exits. */
const char	*certs_make(void);
/* Content of a file of that directory, NULL if it is not there. */
uint8_t		*certs_read(const char *name, const char *ext, size_t *);
/* A keypair, read and opened, with its staple if there is one. */
struct conf_keypair	*certs_keypair(struct conf *, const char *cert,
			    const char *key);

#endif /* WAMPD_CERTS_H */
