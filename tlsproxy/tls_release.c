/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What libtls offers no way to say to OpenSSL: give back the buffers of
 * idle connections, 9 to 16 KiB each; wipe in them what was read, which may
 * have been a password; read as much as fits in one, not each record's five
 * octets and then the rest; and send no session tickets, which in TLS 1.3
 * it does in spite of SSL_OP_NO_TICKET, two for each handshake, though
 * nothing can be resumed with them; and see what came instead of TLS.  A
 * creation hook of OpenSSL's application data reaches each SSL while it is
 * made.  Compile with -DNO_TLS_RELEASE to do without.
 */
#include <openssl/ssl.h>

#include <stdint.h>
#include <string.h>

#include "log.h"
#include "tls_key.h"

#if !defined(NO_TLS_RELEASE) && !defined(LIBRESSL_VERSION_NUMBER)

static SSL	*last;
static SSL	*header_of;	/* whose it is, or NULL */
static uint8_t	 header[TLS_HEADER];

/* Each record's head comes by here before it is judged. */
static void
see(int is_written, int version, int type, const void *p, size_t len, SSL *ssl,
    void *arg)
{
	(void)version;
	(void)arg;
	if (is_written || type != SSL3_RT_HEADER || len != TLS_HEADER)
		return;
	memcpy(header, p, TLS_HEADER);
	header_of = ssl;
}

static void
release_new(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	(void)ptr;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	SSL_set_mode(parent, SSL_MODE_RELEASE_BUFFERS);
	SSL_set_num_tickets(parent, 0);
	SSL_set_read_ahead(parent, 1);
	SSL_set_msg_callback(parent, see);
	last = parent;
	if (header_of == last)
		header_of = NULL;	/* it was at the same place */
}

void
tls_release_buffers(void)
{
	if (SSL_get_ex_new_index(0, NULL, release_new, NULL, NULL) == -1)
		log_warnx("TLS: idle connections keep their buffers "
		    "and what was in them, tickets are sent");
}

void *
tls_release_last(void)
{
	SSL	*ssl = last;

	last = NULL;
	return (ssl);
}

/* For each message of a session it would be 16 KiB. */
void
tls_release_wipe(void *ssl, int on)
{
	if (ssl != NULL && on)
		SSL_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
	else if (ssl != NULL)
		SSL_clear_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
}

int
tls_release_more(const void *ssl)
{
	return (ssl == NULL || SSL_has_pending(ssl));
}

/* A record is of a type from 20 to 24, and all versions are 3.x. */
const uint8_t *
tls_release_no_tls(const void *ssl)
{
	if (ssl == NULL || ssl != header_of ||
	    (header[0] >= 20 && header[0] <= 24 && header[1] == 3))
		return (NULL);
	return (header);
}

void
tls_release_shaken(void *ssl)
{
	if (ssl != NULL)
		SSL_set_msg_callback(ssl, NULL);
}

#else

const uint8_t *
tls_release_no_tls(const void *ssl)
{
	(void)ssl;
	return (NULL);
}

void
tls_release_shaken(void *ssl)
{
	(void)ssl;
}

void *
tls_release_last(void)
{
	return (NULL);
}

void
tls_release_wipe(void *ssl, int on)
{
	(void)ssl;
	(void)on;
}

int
tls_release_more(const void *ssl)
{
	(void)ssl;
	return (1);
}

void
tls_release_buffers(void)
{
}

#endif
