/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Names of client certificates as text: what is shown, what is left out, and
 * that no name can look like another.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "../../tlsproxy/peercert.h"

/* An attribute; set 0: of an RDN of its own, -1: of the last one's. */
struct attr {
	const char	*type;
	int		 form;		/* V_ASN1_* */
	const char	*value;
	int		 len;		/* -1: strlen */
	int		 set;
};

#define UTF8(t, v)	{ t, V_ASN1_UTF8STRING, v, -1, 0 }

static X509_NAME *
name_of(const struct attr *a, size_t n)
{
	X509_NAME	*name = X509_NAME_new();
	ASN1_STRING	*s;
	X509_NAME_ENTRY	*e;
	ASN1_OBJECT	*obj;
	size_t		 i;

	for (i = 0; i < n && a[i].type != NULL; i++) {
		s = ASN1_STRING_type_new(a[i].form);
		obj = OBJ_txt2obj(a[i].type, 0);
		if (name == NULL || s == NULL || obj == NULL ||
		    !ASN1_STRING_set(s, a[i].value, a[i].len))
			errx(1, "name %s", a[i].type);
		/* without its checks of lengths and characters */
		e = X509_NAME_ENTRY_create_by_OBJ(NULL, obj, a[i].form,
		    ASN1_STRING_get0_data(s), ASN1_STRING_length(s));
		if (e == NULL || !X509_NAME_add_entry(name, e, -1, a[i].set))
			errx(1, "attribute %s=%s: %s", a[i].type, a[i].value,
			    ERR_error_string(ERR_peek_last_error(), NULL));
		X509_NAME_ENTRY_free(e);
		ASN1_OBJECT_free(obj);
		ASN1_STRING_free(s);
	}
	return (name);
}

static void
test_subjects(void)
{
	static const struct {
		struct attr	 a[3];
		const char	*want;		/* NULL: cannot be shown */
	} v[] = {
		{ { { NULL, 0, NULL, 0, 0 } }, "" },
		{ { UTF8("CN", "sensor-7") }, "/CN=sensor-7" },
		{ { UTF8("O", "plant"), UTF8("CN", "a b") },
		  "/O=plant/CN=a b" },
		{ { UTF8("emailAddress", "x@y") }, "/emailAddress=x@y" },
		{ { UTF8("1.3.6.1.4.1.99999.1", "z") },
		  "/1.3.6.1.4.1.99999.1=z" },
		{ { UTF8("CN", "") }, "/CN=" },
		/* no value can look like another attribute */
		{ { UTF8("CN", "x/O=plant") }, "/CN=x\\/O=plant" },
		{ { UTF8("CN", "x\\/O=plant") }, "/CN=x\\\\\\/O=plant" },
		{ { UTF8("CN", "x"), { "O", V_ASN1_UTF8STRING, "y", -1, -1 } },
		  "/CN=x+O=y" },
		{ { UTF8("CN", "x+O=y") }, "/CN=x\\+O=y" },
		{ { UTF8("CN", "*") }, "/CN=\\*" },
		{ { UTF8("CN", "x\\") , UTF8("O", "y") }, "/CN=x\\\\/O=y" },
		/* other strings */
		{ { { "CN", V_ASN1_PRINTABLESTRING, "abc", -1, 0 } },
		  "/CN=abc" },
		{ { { "CN", V_ASN1_BMPSTRING, "\0a\0/\x20\xac", 6, 0 } },
		  "/CN=a\\/\xe2\x82\xac" },
		{ { { "CN", V_ASN1_T61STRING, "\xe4", -1, 0 } },
		  "/CN=\xc3\xa4" },
		{ { UTF8("CN", "\xc3\xa4") }, "/CN=\xc3\xa4" },
		/* no text */
		{ { { "CN", V_ASN1_UTF8STRING, "root\0x", 6, 0 } }, NULL },
		{ { { "CN", V_ASN1_IA5STRING, "root\0", 5, 0 } }, NULL },
		{ { { "CN", V_ASN1_BMPSTRING, "\0a\0\0", 4, 0 } }, NULL },
		{ { UTF8("CN", "a\nb") }, NULL },
		{ { UTF8("CN", "a\x7f") }, NULL },
		{ { UTF8("CN", "a\x1b[1m") }, NULL },
		{ { UTF8("CN", "\xc2\x9b") }, NULL },
		{ { UTF8("CN", "\xff") }, NULL },
		{ { UTF8("CN", "\xed\xa0\x80") }, NULL },
		{ { { "CN", V_ASN1_BMPSTRING, "\xd8\0", 2, 0 } }, NULL },
		{ { UTF8("CN", "x"), { "O", V_ASN1_UTF8STRING, "y\0z", 3, 0 } },
		  NULL },
	};
	X509_NAME	*name;
	char		 got[PEERCERT_MAXSUBJECT + 1];
	size_t		 i;
	int		 len;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		name = name_of(v[i].a, 3);
		len = peercert_name(name, got, sizeof(got));
		if ((len == -1) != (v[i].want == NULL))
			errx(1, "subject %zu: got %d", i, len);
		if (len != -1 && ((size_t)len != strlen(v[i].want) ||
		    strcmp(got, v[i].want) != 0))
			errx(1, "subject %zu: got \"%s\", want \"%s\"", i, got,
			    v[i].want);
		if (ERR_peek_error() != 0)
			errx(1, "subject %zu: left an error", i);
		X509_NAME_free(name);
	}
}

/* What fits, and one octet more. */
static void
test_long(void)
{
	struct attr	 a = { "CN", V_ASN1_UTF8STRING, NULL, -1, 0 };
	X509_NAME	*name;
	char		 value[PEERCERT_MAXSUBJECT + 2];
	char		*got;
	int		 more, len;

	for (more = 0; more <= 1; more++) {
		memset(value, 'x', sizeof(value));
		value[PEERCERT_MAXSUBJECT - 4 + more] = '\0';
		a.value = value;
		name = name_of(&a, 1);
		/* for sanitizers */
		if ((got = malloc(PEERCERT_MAXSUBJECT + 1)) == NULL)
			err(1, NULL);
		len = peercert_name(name, got, PEERCERT_MAXSUBJECT + 1);
		if (len != (more ? -1 : PEERCERT_MAXSUBJECT))
			errx(1, "long subject + %d: got %d", more, len);
		X509_NAME_free(name);
		free(got);
	}
}

static void
san_add(GENERAL_NAMES *gens, int type, const char *value, int len)
{
	GENERAL_NAME	*gn = GENERAL_NAME_new();
	ASN1_STRING	*s;

	s = type == GEN_IPADD ? (ASN1_STRING *)ASN1_OCTET_STRING_new() :
	    ASN1_IA5STRING_new();
	if (gn == NULL || s == NULL || !ASN1_STRING_set(s, value, len))
		errx(1, "alternative name");
	GENERAL_NAME_set0_value(gn, type, s);
	if (!sk_GENERAL_NAME_push(gens, gn))
		errx(1, "alternative name");
}

static X509 *
cert_of(GENERAL_NAMES *gens)
{
	X509	*x = X509_new();

	if (x == NULL || X509_add1_ext_i2d(x, NID_subject_alt_name, gens, 0,
	    X509V3_ADD_DEFAULT) != 1)
		errx(1, "certificate");
	GENERAL_NAMES_free(gens);
	return (x);
}

static void
test_sans(void)
{
	static const char	 want[] = "dns:gate.example.org\0"
				    "email:Ops@Example.org\0"
				    "uri:urn:x:1\0ip:192.0.2.1\0"
				    "ip:2001:db8::1\0dns:*.example.org\0"
				    "dns:uri:x\0";
	GENERAL_NAMES		*gens = GENERAL_NAMES_new();
	GENERAL_NAME		*dir = GENERAL_NAME_new();
	X509			*x;
	char			 got[PEERCERT_MAXSANS];
	size_t			 len;
	unsigned int		 nleft;

	san_add(gens, GEN_DNS, "Gate.Example.ORG", -1);
	san_add(gens, GEN_EMAIL, "Ops@Example.org", -1);
	san_add(gens, GEN_URI, "urn:x:1", -1);
	san_add(gens, GEN_IPADD, "\xc0\0\2\1", 4);
	san_add(gens, GEN_IPADD, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
	    16);
	san_add(gens, GEN_DNS, "*.example.org", -1);
	/* the kind is not the certificate's to say */
	san_add(gens, GEN_DNS, "uri:x", -1);
	/* left out, eight of them */
	san_add(gens, GEN_DNS, "root\0.example.org", 17);
	san_add(gens, GEN_DNS, "a b", -1);
	san_add(gens, GEN_EMAIL, "a\n", -1);
	san_add(gens, GEN_URI, "\xc3\xa4", -1);
	san_add(gens, GEN_DNS, "", 0);
	san_add(gens, GEN_IPADD, "\1\2\3", 3);
	san_add(gens, GEN_IPADD, "\1\2\3\4\5\6\7\x8", 8);
	GENERAL_NAME_set0_value(dir, GEN_DIRNAME, X509_NAME_new());
	sk_GENERAL_NAME_push(gens, dir);
	x = cert_of(gens);
	len = peercert_sans(x, got, sizeof(got), &nleft);
	if (len != sizeof(want) - 1 || memcmp(got, want, len) != 0)
		errx(1, "alternative names: got %zu octets", len);
	if (nleft != 8)
		errx(1, "alternative names: %u left out", nleft);
	X509_free(x);

	x = X509_new();
	if (peercert_sans(x, got, sizeof(got), &nleft) != 0 || nleft != 0)
		errx(1, "no alternative names: got some");
	X509_free(x);
}

/* The first that fit stay, a shorter one behind them, too. */
static void
test_many(void)
{
	GENERAL_NAMES	*gens = GENERAL_NAMES_new();
	X509		*x;
	char		 name[PEERCERT_MAXSANS + 1], *got;
	size_t		 len;
	unsigned int	 nleft;
	int		 i;

	memset(name, 'a', sizeof(name));
	for (i = 0; i < 5; i++)
		san_add(gens, GEN_DNS, name, 1019 - 4);
	san_add(gens, GEN_DNS, name, 4096 - 4 * 1020 - 5);
	san_add(gens, GEN_DNS, name, 1);
	san_add(gens, GEN_DNS, name, sizeof(name));
	x = cert_of(gens);
	if ((got = malloc(PEERCERT_MAXSANS)) == NULL)
		err(1, NULL);
	len = peercert_sans(x, got, PEERCERT_MAXSANS, &nleft);
	if (len != PEERCERT_MAXSANS || nleft != 3)
		errx(1, "many names: %zu octets, %u left out", len, nleft);
	if (got[len - 1] != '\0' || got[len - 17] != '\0')
		errx(1, "many names: not cut between them");
	free(got);
	X509_free(x);
}

int
main(void)
{
	log_init(LOG_TO_STDERR, "peercert");
	test_subjects();
	test_long();
	test_sans();
	test_many();
	return (0);
}
