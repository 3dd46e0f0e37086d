/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A TLS server as a tlsproxy has it, with its private keys in the real
 * keeper, talks to "openssl s_client"; a keeper that is gone, late or lies
 * costs the handshake and nothing else.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>

#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "../../tlsproxy/tls_key.h"
#include "certs.h"
#include "chan.h"
#include "conf.h"
#include "msgtypes.h"
#include "play.h"
#include "xmalloc.h"

#define GREETING	"served by wampd\n"

/* One connection of s_client. */
struct talk {
	char	 out[64 * 1024];	/* what s_client said */
	int	 is_ok;			/* of the server's side */
	int	 nsigned;
	char	 error[256];
};

static const char	*dir;
static int		 listener, port;
static struct play	 play;
static uint32_t		 generation;
static int		 nlost;

static void
on_lost(void)
{
	nlost++;
}

static void
listen_start(void)
{
	struct sockaddr_in	sin;
	socklen_t		len = sizeof(sin);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener == -1 ||
	    bind(listener, (struct sockaddr *)&sin, len) == -1 ||
	    listen(listener, 5) == -1 ||
	    getsockname(listener, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	port = ntohs(sin.sin_port);
}

/* A new channel for signatures, as after a restart of either side. */
static void
sign_connect(void)
{
	tls_key_set_fd(play_peer(&play, PROC_TLSPROXY, PROXY_NET, 0,
	    ++generation, LINK_SIGN));
}

static struct conf_listen *
listen_conf(struct conf *c, const char *const *names)
{
	struct conf_listen	*l = conf_add_listen(c, "test", 4);
	struct conf_keypair	*kp;

	l->flags = LISTEN_TLS | LISTEN_TLS12 | LISTEN_TLS13;
	for (; *names != NULL; names++) {
		kp = certs_keypair(c, *names, *names);
		l->keypairs = xreallocarray(l->keypairs, l->nkeypairs + 1,
		    sizeof(*l->keypairs));
		l->keypairs[l->nkeypairs++] = kp->id;
	}
	return (l);
}

/* -- talking ------------------------------------------------------------ */

static void
serve(struct tls *server, struct talk *t, const char *args, int is_reading)
{
	struct pollfd	 pfd = { listener, POLLIN, 0 };
	struct tls	*conn;
	char		 buf[512];
	int		 fd, rv;

	if (poll(&pfd, 1, 20000) != 1)
		errx(1, "s_client %s: does not connect", args);
	if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) == -1)
		err(1, "accept");
	if (tls_accept_socket(server, &conn, fd) == -1)
		errx(1, "tls_accept_socket: %s", tls_error(server));
	tls_key_new_turn();
	do
		rv = tls_handshake(conn);
	while (rv == TLS_WANT_POLLIN || rv == TLS_WANT_POLLOUT);
	t->nsigned = tls_key_used_this_turn();
	t->is_ok = rv == 0;
	if (rv == -1)
		strlcpy(t->error, tls_error(conn) != NULL ? tls_error(conn) :
		    "no error", sizeof(t->error));
	else if (!is_reading && tls_write(conn, GREETING, sizeof(GREETING) - 1) !=
	    sizeof(GREETING) - 1)
		errx(1, "tls_write: %s", tls_error(conn));
	/* whatever it sends, such as "R" for a renegotiation */
	if (rv == 0 && is_reading && tls_read(conn, buf, sizeof(buf)) > 0)
		(void)tls_read(conn, buf, sizeof(buf));
	tls_close(conn);
	tls_free(conn);
	close(fd);
}

static struct talk *
talk(struct tls *server, const char *input, const char *args)
{
	static struct talk	 t;
	char			 cmd[1024];
	size_t			 n;
	FILE			*f;

	memset(&t, 0, sizeof(t));
	snprintf(cmd, sizeof(cmd), "(printf '%s'; [ -z '%s' ] || sleep 1) | "
	    "timeout 20 openssl s_client -connect 127.0.0.1:%d "
	    "-CAfile '%s/ca.crt' -verify_return_error %s 2>&1", input, input,
	    port, dir, args);
	if ((f = popen(cmd, "r")) == NULL)
		err(1, "popen");
	serve(server, &t, args, *input != '\0');
	n = fread(t.out, 1, sizeof(t.out) - 1, f);
	t.out[n] = '\0';
	pclose(f);
	return (&t);
}

static void
says(const struct talk *t, const char *args, const char *want)
{
	if (strstr(t->out, want) == NULL)
		errx(1, "s_client %s: does not say \"%s\":\n%s", args, want,
		    t->out);
}

static void
says_not(const struct talk *t, const char *args, const char *want)
{
	if (strstr(t->out, want) != NULL)
		errx(1, "s_client %s: says \"%s\":\n%s", args, want, t->out);
}

static void
expect_ok(struct tls *server, const char *args, const char *name)
{
	struct talk	*t;
	char		 subject[64];

	t = talk(server, "", args);
	if (!t->is_ok)
		errx(1, "s_client %s: %s\n%s", args, t->error, t->out);
	snprintf(subject, sizeof(subject), "subject=CN = %s\n", name);
	says(t, args, subject);
	says(t, args, "Verification: OK\n");
	if (t->nsigned != 1)
		errx(1, "%d signatures for a handshake", t->nsigned);
	/* lesson 22 */
	says_not(t, args, "Reused");
	says_not(t, args, "session ticket");
	says_not(t, args, "Session Ticket");
}

static void
expect_refused(struct tls *server, const char *args, const char *want,
    int nsigned)
{
	struct talk	*t;

	t = talk(server, "", args);
	if (t->is_ok)
		errx(1, "s_client %s: got in", args);
	if (t->nsigned != nsigned)
		errx(1, "s_client %s: %d signatures, want %d", args,
		    t->nsigned, nsigned);
	says(t, args, want);
}

/* -- the tests ---------------------------------------------------------- */

/* Each name by SNI, each version, each scheme of signatures. */
static void
test_names(struct tls *server)
{
	static const struct {
		const char	*args, *name;
	} v[] = {
		{ "-noservername", "p256" },
		{ "-servername nobody.example.org", "p256" },
		{ "-servername p256.example.org", "p256" },
		{ "-servername rsa2048.example.org", "rsa2048" },
		{ "-servername LOCALHOST", "rsa2048" },
		{ "-servername rsa3072.example.org", "rsa3072" },
		{ "-servername p384.example.org", "p384" },
		{ "-servername b.wild.example.org", "p256" },
		{ "-servername a.b.wild.example.org", "p256" },
		{ "-servername compressed.example.org", "compressed" },
	};
	static const char *const versions[] = { "-tls1_2", "-tls1_3" };
	char			 args[256];
	size_t			 i, j;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		for (j = 0; j < 2; j++) {
			snprintf(args, sizeof(args), "-ign_eof %s %s",
			    v[i].args, versions[j]);
			expect_ok(server, args, v[i].name);
			if (strstr(talk(server, "", args)->out, GREETING) ==
			    NULL)
				errx(1, "%s: no greeting", args);
		}
}

static void
test_schemes(struct tls *server)
{
	static const struct {
		const char	*sigalg, *name;
		int		 in13;
	} v[] = {
		{ "RSA+SHA256", "rsa2048", 0 },
		{ "RSA+SHA384", "rsa2048", 0 },
		{ "RSA+SHA512", "rsa3072", 0 },
		{ "rsa_pss_rsae_sha256", "rsa2048", 1 },
		{ "rsa_pss_rsae_sha384", "rsa3072", 1 },
		{ "rsa_pss_rsae_sha512", "rsa2048", 1 },
		{ "ECDSA+SHA256", "p256", 1 },
		{ "ECDSA+SHA384", "p384", 1 },
		{ "ECDSA+SHA512", "p256", 0 },
	};
	const char		*ca;
	char			 args[256];
	size_t			 i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		/* the CA's own signature is ECDSA with SHA-256 */
		ca = strcmp(v[i].sigalg, "ECDSA+SHA256") != 0 ?
		    ":ECDSA+SHA256" : "";
		snprintf(args, sizeof(args), "-servername %s.example.org "
		    "-sigalgs %s%s -tls1_2", v[i].name, v[i].sigalg, ca);
		expect_ok(server, args, v[i].name);
		if (!v[i].in13)
			continue;
		snprintf(args, sizeof(args), "-servername %s.example.org "
		    "-sigalgs %s%s -tls1_3", v[i].name, v[i].sigalg, ca);
		expect_ok(server, args, v[i].name);
	}
}

/* What we do not offer fails before any signature, or for want of one. */
static void
test_refused(struct tls *server)
{
	static const char seclevel[] = ":@SECLEVEL=0";
	char		 args[256];

	snprintf(args, sizeof(args), "-tls1_1 -cipher ALL%s", seclevel);
	expect_refused(server, args, "alert protocol version", 0);
	/* RSA key exchange: the keeper would have to decrypt */
	expect_refused(server, "-servername rsa2048.example.org -tls1_2 "
	    "-cipher AES128-GCM-SHA256", "alert handshake failure", 0);
	expect_refused(server, "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256",
	    "alert handshake failure", 0);
	/* a digest that SIGN does not know; SHA-1 is refused at level 1 */
	expect_refused(server, "-tls1_2 -sigalgs ECDSA+SHA224:RSA+SHA224",
	    "alert", 1);
}

static void
test_staples(struct tls *server)
{
	static const char *const args[] = {
		"-status -servername rsa2048.example.org -tls1_2",
		"-status -servername rsa2048.example.org -tls1_3",
		"-status -servername p256.example.org -tls1_3",
	};
	struct talk	*t;
	size_t		 i;

	for (i = 0; i < 3; i++) {
		t = talk(server, "", args[i]);
		says(t, args[i], "OCSP Response Status: successful (0x0)");
		says(t, args[i], "Cert Status: good");
	}
	t = talk(server, "", "-status -servername p384.example.org");
	says(t, "-status", "OCSP response: no response sent");
}

/* Lesson 22: nothing is ever resumed. */
static void
test_lesson_22(struct tls *server)
{
	static const char *const versions[] = { "-tls1_2", "-tls1_3" };
	struct talk	*t;
	char		 args[512], path[300];
	size_t		 i;
	int		 round;

	snprintf(path, sizeof(path), "%s/session", dir);
	for (i = 0; i < 2; i++) {
		unlink(path);
		snprintf(args, sizeof(args), "-ign_eof %s -sess_out '%s'",
		    versions[i], path);
		t = talk(server, "", args);
		says(t, args, "New, TLSv1.");
		says_not(t, args, "session ticket");
		says_not(t, args, "Session Ticket");
		if (access(path, R_OK) == -1)
			continue;	/* no session was offered at all */
		for (round = 0; round < 3; round++) {
			snprintf(args, sizeof(args), "-ign_eof %s "
			    "-sess_in '%s'", versions[i], path);
			t = talk(server, "", args);
			says(t, args, "New, TLSv1.");
			says_not(t, args, "Reused");
		}
	}
}

/* A client cannot ask for signatures over and over on one connection. */
static void
test_renegotiation(struct tls *server)
{
	struct talk	*t;

	t = talk(server, "R\\n", "-tls1_2");
	if (!t->is_ok || t->nsigned != 1)
		errx(1, "renegotiation: %d signatures", t->nsigned);
	says(t, "R", "no renegotiation");
}

/* The keeper is killed: alert, and the next one serves. */
static void
test_keeper_dies(struct tls *server, struct conf *c)
{
	nlost = 0;
	play_kill(&play);
	expect_refused(server, "-tls1_3", "alert internal error", 1);
	/* a dead one is nobody's to accuse */
	if (nlost != 0 || tls_key_has_fd())
		errx(1, "keeper is dead: lost %d times", nlost);
	expect_refused(server, "-tls1_2", "alert internal error", 0);
	if (nlost != 0)
		errx(1, "lost %d times", nlost);

	play_start(&play, PROC_KEEPER, "keeper");
	if (play_configure(&play, c) == -1)
		errx(1, "%s", play.failed);
	sign_connect();
	expect_ok(server, "-tls1_3", "p256");
}

/* The keeper is late: two seconds, and its late answer is never used.
 * Nobody waits for it again, and when it is back all is as before. */
static void
test_keeper_late(struct tls *server)
{
	struct timespec	begin, end;
	long		ms;

	nlost = 0;
	kill(play.pid, SIGSTOP);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	expect_refused(server, "-tls1_3", "alert internal error", 1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - begin.tv_sec) * 1000 +
	    (end.tv_nsec - begin.tv_nsec) / 1000000;
	if (ms < 1900 || ms > 10000 || nlost != 0 || !tls_key_has_fd())
		errx(1, "late keeper: waited %ld ms, lost %d times", ms,
		    nlost);
	expect_refused(server, "-tls1_3", "alert internal error", 0);
	kill(play.pid, SIGCONT);
	usleep(200000);
	expect_ok(server, "-tls1_3", "p256");
	expect_ok(server, "-tls1_2", "p256");
	if (nlost != 0)
		errx(1, "late keeper: accused");
}

/* A key that the keeper does not have is no fault of the channel. */
static void
test_unknown_key(void)
{
	static const char *const names[] = { "clash", NULL };
	struct conf	*c = conf_new();
	struct tls	*server;
	char		 errstr[256];

	server = tls_listener_new(c, listen_conf(c, names), errstr,
	    sizeof(errstr));
	if (server == NULL)
		errx(1, "%s", errstr);
	nlost = 0;
	expect_refused(server, "-tls1_3", "alert internal error", 1);
	expect_refused(server, "-tls1_2", "alert internal error", 1);
	if (nlost != 0 || !tls_key_has_fd())
		errx(1, "unknown key: channel was given up");
	tls_free(server);
	conf_free(c);
}

/* Answers that are not the request's. */
static void
test_liar(struct tls *server)
{
	struct imsg_hdr	h;
	struct m_sign	m;
	struct m_signed	s;
	int		sp[2], kind, status;
	pid_t		pid;

	for (kind = 0; kind < 5; kind++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
		    sp) == -1)
			err(1, "socketpair");
		if ((pid = fork()) == -1)
			err(1, "fork");
		if (pid == 0) {
			close(sp[0]);
			if (imsg_read_blocking(sp[1], -1, &h, &m,
			    sizeof(m)) == -1)
				_exit(1);
			memset(&s, 0x5a, sizeof(s));
			s.seq = m.seq + (kind == 0);
			s.len = kind == 1 ? SIGN_MAX + 1 : kind == 4 ?
			    SIGN_MAX : 70;
			imsg_write_blocking(sp[1], -1, kind == 2 ?
			    IMSG_SIGN : IMSG_SIGNED, 0, 0, &s,
			    kind == 3 ? 8 : sizeof(s));
			_exit(0);
		}
		close(sp[1]);
		nlost = 0;
		tls_key_set_fd(sp[0]);
		expect_refused(server, "-servername p384.example.org "
		    "-tls1_3", "alert internal error", 1);
		/* 4: right but for its length, longer than this key's */
		if (nlost != (kind < 4))
			errx(1, "lie %d: lost %d times", kind, nlost);
		waitpid(pid, &status, 0);
	}
	sign_connect();
	expect_ok(server, "-tls1_2", "p256");
}

/* What libtls would accept in silence. */
static void
test_conf(void)
{
	static const struct {
		const char	*names[4];
		uint32_t	 flags;
		const char	*staple;	/* its keypair's, for the last */
		int		 more;		/* of its octets */
		const char	*want;
	} v[] = {
		{ { "p256", "rsa2048", "p384" }, LISTEN_TLS13, NULL, 0, NULL },
		{ { NULL }, LISTEN_TLS13, NULL, 0,
		  "listen on test: tls without a keypair" },
		{ { "p256" }, 0, NULL, 0,
		  "listen on test: tls without protocols" },
		{ { "garbage" }, LISTEN_TLS13, NULL, 0, "keypair \"garbage\": "
		  "the certificate is not a certificate in PEM" },
		{ { "rsa2048", "p256", "clash" }, LISTEN_TLS13, NULL, 0,
		  "listen on test: keypair \"clash\" is never used for "
		  "P256.example.ORG: \"p256\" has p256.example.org" },
		{ { "p256", "rsa2048", "clash" }, LISTEN_TLS13, NULL, 0,
		  "listen on test: keypair \"clash\" is never used for "
		  "P256.example.ORG: \"p256\" has p256.example.org" },
		{ { "rsa2048", "p384", "cn" }, LISTEN_TLS13, NULL, 0,
		  "listen on test: keypair \"cn\" is never used for "
		  "p384.example.org: \"p384\" has p384.example.org" },
		{ { "rsa2048", "p256", "hidden" }, LISTEN_TLS13, NULL, 0,
		  "listen on test: keypair \"hidden\" is never used for "
		  "a.wild.example.org: \"p256\" has *.wild.example.org and "
		  "stands before it" },
		{ { "rsa2048", "hidden", "p256" }, LISTEN_TLS13, NULL, 0,
		  NULL },
		{ { "p256", "hidden" }, LISTEN_TLS13, NULL, 0, NULL },
		{ { "p384" }, LISTEN_TLS13, "p256", 0,
		  "keypair \"p384\": ocsp: not about this certificate" },
		{ { "p256" }, LISTEN_TLS13, "p256", -1,
		  "keypair \"p256\": ocsp: not an OCSP response in DER" },
		{ { "p256" }, LISTEN_TLS13, "p256", 1,
		  "keypair \"p256\": ocsp: not an OCSP response in DER" },
	};
	struct conf		*c;
	struct conf_listen	*l;
	struct conf_keypair	*kp;
	struct tls		*tls;
	char			 errstr[256];
	size_t			 i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		c = conf_new();
		l = listen_conf(c, v[i].names);
		l->flags = LISTEN_TLS | v[i].flags;
		if (v[i].staple != NULL) {
			kp = TAILQ_LAST(&c->keypairs, conf_keypairs);
			free(kp->ocsp);
			kp->ocsp = certs_read(v[i].staple, "ocsp",
			    &kp->ocsplen);
			kp->ocsplen += (size_t)v[i].more;	/* NUL */
		}
		errstr[0] = '\0';
		tls = tls_listener_new(c, l, errstr, sizeof(errstr));
		if ((tls == NULL) != (v[i].want != NULL) ||
		    strcmp(errstr, v[i].want != NULL ? v[i].want : "") != 0)
			errx(1, "listener %zu: got \"%s\", want \"%s\"", i,
			    errstr, v[i].want != NULL ? v[i].want : "");
		tls_free(tls);
		conf_free(c);
	}
}

int
main(void)
{
	static const char *const names[] = { "p256", "rsa2048", "rsa3072",
	    "p384", "compressed", NULL };
	struct conf_listen	*l;
	struct conf		*c = conf_new();
	struct tls		*server;
	char			 errstr[256];

	signal(SIGPIPE, SIG_IGN);
	dir = certs_make();
	listen_start();
	tls_release_buffers();
	if (tls_warm_up(errstr, sizeof(errstr)) == -1)
		errx(1, "%s", errstr);
	tls_key_init(on_lost);

	c->prefork = 1;
	l = listen_conf(c, names);
	if ((server = tls_listener_new(c, l, errstr, sizeof(errstr))) == NULL)
		errx(1, "%s", errstr);
	play_start(&play, PROC_KEEPER, "keeper");
	if (play_configure(&play, c) == -1)
		errx(1, "%s", play.failed);
	sign_connect();

	test_names(server);
	test_schemes(server);
	test_refused(server);
	test_staples(server);
	test_lesson_22(server);
	test_renegotiation(server);
	test_keeper_late(server);
	test_unknown_key();
	test_liar(server);
	test_keeper_dies(server, c);
	test_conf();

	tls_key_set_fd(-1);
	play_stop(&play);
	tls_free(server);
	conf_free(c);
	close(listener);
	return (0);
}
