/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * TLS as a tlsproxy uses it: contexts without private keys.
 */
#ifndef WAMPD_TLS_KEY_H
#define WAMPD_TLS_KEY_H

#include <stddef.h>

struct client_files;
struct conf;
struct conf_listen;
struct tls;
struct tls_config;

/* Exported by libtls and not declared by <tls.h>. */
void		 tls_config_use_fake_private_key(struct tls_config *);

/* tls_warm.c: before the sandbox closes and before tls_key_init() */
int		 tls_warm_up(char *err, size_t errlen);

/* tls_release.c: once, before the first tls_configure() */
void		 tls_release_buffers(void);
/*
 * The SSL that tls_accept_socket() made just now, or NULL; whether what is
 * read of it is wiped in OpenSSL's buffer, as it is not at first; and whether
 * it may hold octets that tls_read() has not given out.
 */
void		*tls_release_last(void);
void		 tls_release_wipe(void *, int);
int		 tls_release_more(const void *);
/*
 * When tls_handshake() has just failed: the TLS_HEADER octets that should
 * have been the head of its last record, or NULL if they were one.  The other
 * when it is done, after which nobody wants to know.
 */
#define TLS_HEADER	5
const uint8_t	*tls_release_no_tls(const void *);
void		 tls_release_shaken(void *);

/*
 * tls_key.c: once, before the first tls_configure().  lost (or NULL) is
 * called from within tls_handshake() when the keeper lied and its descriptor
 * was given up: note it and act later.  Handshakes that need a signature fail
 * from then on until another descriptor is set.  While the keeper is late
 * they fail as well, at once but for the first, until it has answered.
 */
void		 tls_key_init(void (*lost)(void));
/* The keeper's descriptor for SIGN, which is taken; -1: none. */
void		 tls_key_set_fd(int);
int		 tls_key_has_fd(void);
/* Signatures asked for since the last tls_key_new_turn(). */
int		 tls_key_used_this_turn(void);
void		 tls_key_new_turn(void);

/* tls_conf.c: tls_configure()d for the listener's keypairs; NULL: err */
struct tls	*tls_listener_new(const struct conf *,
		    const struct conf_listen *, char *err, size_t errlen);

/*
 * tls_client.c: client ca and crl of the listener, if it has any, for its
 * context.  0, or -1: they cannot be used, err says why.
 */
int		 tls_client_config(struct tls_config *,
		    const struct conf_listen *, char *err, size_t errlen);
/* Log what in them refuses clients now or will within a week. */
void		 tls_client_warn(const struct conf_listen *);
/* CAs and CRLs of a listener that has both; NULL: err says why. */
struct client_files *client_files_new(const struct conf_listen *, char *err,
		    size_t errlen);
void		 client_files_free(struct client_files *);
/*
 * Does one of these CRLs name the certificate that the client of a finished
 * handshake showed, or one of the CAs above it?  Signatures and dates are not
 * looked at again.
 */
int		 client_files_revoke(const struct client_files *, struct tls *);

#endif /* WAMPD_TLS_KEY_H */
