/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampctl tlsa: the TLSA records to publish for the keypairs and TLS
 * listeners of a configuration.  Always 3 1 1: usage DANE-EE, the public
 * key, SHA-256, as RFC 7671, 5.1 advises; it outlives certificates.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "conf.h"
#include "log.h"
#include "tlsa.h"
#include "wampctl.h"
#include "xmalloc.h"

#define CONFFILE	SYSCONFDIR "/wampd.conf"
#define NAME_MAXLEN	253
#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyz0123456789-._"

struct request {
	struct conf	*conf;
	const char	*host;		/* or NULL: all names */
	size_t		 nrecords;
	int		 json;
	int		 has_failed;
};

/* A name as it stands in a zone, without the dot at the end: 0, or -1. */
static int
zone_name(char out[NAME_MAXLEN + 1], const char *p, size_t len)
{
	size_t	i;

	if (len > 0 && p[len - 1] == '.')
		len--;
	if (len == 0 || len > NAME_MAXLEN || memchr(p, '\0', len) != NULL)
		return (-1);
	for (i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)p[i]);
	out[len] = '\0';
	return (0);
}

static int
is_host(const char *name)
{
	return (name[strspn(name, NAME_CHARS)] == '\0');
}

static void
failed(struct request *rq, const struct conf_keypair *kp, const char *why)
{
	log_warnx("keypair \"%s\": certificate %s: %s", kp->name,
	    kp->cert_path, why);
	rq->has_failed = 1;
}

/* The first certificate of the file is the keypair's own. */
static X509 *
read_cert(struct request *rq, const struct conf_keypair *kp)
{
	const char	*why;
	X509		*x;

	if ((x = cert_read(kp->cert_path, &why)) == NULL)
		failed(rq, kp, why);
	return (x);
}

/* Ports of the TLS listeners that use the keypair, each once. */
static size_t
find_ports(const struct conf *conf, const struct conf_keypair *kp,
    in_port_t ports[CONF_MAXLISTENS])
{
	const struct conf_listen	*l;
	const struct sockaddr		*sa;
	in_port_t			 port;
	size_t				 i, n = 0;

	TAILQ_FOREACH(l, &conf->listens, entry) {
		if ((l->flags & LISTEN_TLS) == 0 ||
		    (l->flags & LISTEN_UNIX) != 0 || l->naddr == 0)
			continue;
		for (i = 0; i < l->nkeypairs; i++)
			if (l->keypairs[i] == kp->id)
				break;
		if (i == l->nkeypairs)
			continue;
		/* a listener has one port, on all of its addresses */
		sa = (const struct sockaddr *)&l->addr[0];
		port = ntohs(sa->sa_family == AF_INET6 ?
		    ((const struct sockaddr_in6 *)(const void *)sa)->sin6_port :
		    ((const struct sockaddr_in *)(const void *)sa)->sin_port);
		for (i = 0; i < n; i++)
			if (ports[i] == port)
				break;
		if (i == n && n < CONF_MAXLISTENS)
			ports[n++] = port;
	}
	return (n);
}

/* RFC 6698, 2.2 and 3 */
static void
print(struct request *rq, const char *name, in_port_t port,
    const uint8_t hash[TLSA_SHA256_LEN])
{
	int	i;

	/* a name is one of hosts: nothing in it wants to be escaped */
	if (rq->json)
		printf("%s{\"name\":\"_%u._tcp.%s.\",\"host\":\"%s\","
		    "\"port\":%u,\"usage\":%d,\"selector\":%d,"
		    "\"matching_type\":%d,\"data\":\"",
		    rq->nrecords > 0 ? ",\n " : "[", port, name, name, port,
		    TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256);
	else
		printf("_%u._tcp.%s. IN TLSA %d %d %d ", port, name,
		    TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256);
	for (i = 0; i < TLSA_SHA256_LEN; i++)
		printf("%02x", hash[i]);
	printf(rq->json ? "\"}" : "\n");
	rq->nrecords++;
}

/* All names of the certificate. */
static void
print_names(struct request *rq, const struct conf_keypair *kp, X509 *x,
    const in_port_t *ports, size_t nports, const uint8_t *hash)
{
	GENERAL_NAMES		*sans;
	const GENERAL_NAME	*san;
	char			 name[NAME_MAXLEN + 1];
	size_t			 p;
	int			 i, n = 0;

	sans = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
		san = sk_GENERAL_NAME_value(sans, i);
		if (san->type != GEN_DNS)
			continue;
		n++;
		if (zone_name(name, (const char *)ASN1_STRING_get0_data(
		    san->d.dNSName), (size_t)ASN1_STRING_length(
		    san->d.dNSName)) == -1) {
			failed(rq, kp, "has a name that cannot be published");
			continue;
		}
		if (strncmp(name, "*.", 2) == 0 && is_host(name + 2)) {
			log_warnx("keypair \"%s\": %s: give each host's name "
			    "to get its record", kp->name, name);
			continue;
		}
		if (!is_host(name)) {
			failed(rq, kp, "has a name that cannot be published");
			continue;
		}
		for (p = 0; p < nports; p++)
			print(rq, name, ports[p], hash);
	}
	GENERAL_NAMES_free(sans);
	if (n == 0)
		log_warnx("keypair \"%s\": certificate %s: names no host",
		    kp->name, kp->cert_path);
}

static void
keypair(struct request *rq, const struct conf_keypair *kp)
{
	in_port_t	 ports[CONF_MAXLISTENS];
	uint8_t		 hash[TLSA_MAXDATA];
	X509		*x;
	size_t		 nports, p;

	if ((nports = find_ports(rq->conf, kp, ports)) == 0 ||
	    (x = read_cert(rq, kp)) == NULL)
		return;
	if (tlsa_hash(x, TLSA_SPKI, TLSA_SHA256, hash) == 0)
		failed(rq, kp, "its key cannot be hashed");
	else if (rq->host == NULL)
		print_names(rq, kp, x, ports, nports, hash);
	else if (X509_check_host(x, rq->host, strlen(rq->host),
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1)
		for (p = 0; p < nports; p++)
			print(rq, rq->host, ports[p], hash);
	X509_free(x);
}

static void
add_macro(struct conf_macro **macros, size_t *n, char *arg)
{
	char	*value;

	if ((value = strchr(arg, '=')) == NULL || value == arg)
		usage();
	*value++ = '\0';
	*macros = xreallocarray(*macros, *n + 1, sizeof(**macros));
	(*macros)[*n].name = arg;
	(*macros)[(*n)++].value = value;
}

int
ctl_tlsa(const struct options *opt, int argc, char **argv)
{
	struct request			 rq;
	struct conf_macro		*macros = NULL;
	const struct conf_keypair	*kp;
	const char			*file = CONFFILE;
	char				 host[NAME_MAXLEN + 1];
	size_t				 nmacros = 0;
	int				 ch;

	memset(&rq, 0, sizeof(rq));
	rq.json = opt->json;
	while ((ch = getopt(argc, argv, "+D:f:")) != -1) {
		switch (ch) {
		case 'D':
			add_macro(&macros, &nmacros, optarg);
			break;
		case 'f':
			file = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc - optind > 1)
		usage();
	if (argc - optind == 1) {
		if (zone_name(host, argv[optind], strlen(argv[optind])) ==
		    -1 || !is_host(host)) {
			log_warnx("not the name of a host");
			return (1);
		}
		rq.host = host;
	}
	if ((rq.conf = conf_parse(file, macros, nmacros)) == NULL) {
		if (rq.json)
			printf("[]\n");
		return (1);
	}
	TAILQ_FOREACH(kp, &rq.conf->keypairs, entry)
		keypair(&rq, kp);
	if (rq.json)
		printf("%s\n", rq.nrecords > 0 ? "]" : "[]");
	if (rq.nrecords == 0 && !rq.has_failed) {
		log_warnx("no TLS listener has a certificate%s%s",
		    rq.host != NULL ? " for " : " that names a host",
		    rq.host != NULL ? rq.host : "");
		rq.has_failed = 1;
	}
	conf_free(rq.conf);
	free(macros);
	return (rq.has_failed);
}
