/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Users files as tables: loaded in slices, wrong ones refused with all that
 * is wrong, looked up, compared with what came before, and dropped.
 *
 * With a number as its argument it loads as many principals of mixed
 * methods and says what that took.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include <openssl/crypto.h>

#include <err.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../keeper/users.h"
#include "credtext.h"
#include "kdf.h"
#include "mono.h"
#include "sandbox.h"
#include "usersfile.h"
#include "wamp.h"

#define B16	"MDEyMzQ1Njc4OWFiY2RlZg"
#define B32	"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY"
#define PHC	"$argon2id$v=19$m=64,t=3,p=2$" B16 "$" B32
#define PBKDF2	"kdf=pbkdf2,iterations=4096,salt=" B16 "==,stored=" B32 \
		"=,server=" B32 "="
#define ARGON2	",iterations=3,memory=64,salt=" B16 "==,stored=" B32 \
		"=,server=" B32 "="
#define MANY	20000

static const uint8_t	secret[USERS_ORDER_LEN] = "the order of principals";

/* A file in memory. */
struct text {
	char	*p;
	size_t	 len;
	FILE	*f;
};

static void
text_open(struct text *t)
{
	if ((t->f = open_memstream(&t->p, &t->len)) == NULL)
		err(1, "open_memstream");
}

__attribute__((format(printf, 2, 3)))
static void
text_add(struct text *t, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vfprintf(t->f, fmt, ap);
	va_end(ap);
}

static int
text_fd(const void *p, size_t len)
{
	const char	*q = p;
	ssize_t		 n;
	int		 fd;

	if ((fd = memfd_create("users", 0)) == -1)
		err(1, "memfd_create");
	for (; len > 0; q += n, len -= (size_t)n)
		if ((n = write(fd, q, len)) == -1)
			err(1, "write");
	return (fd);
}

static unsigned int	role_asked;

static int
role_ok(const char *role, void *arg)
{
	role_asked++;
	return (strcmp(role, "user") == 0 || strcmp(role, "admin") == 0 ||
	    strcmp(role, arg) == 0);
}

static char	device[] = "device";

/* Load what is in the file, which is closed; count the steps. */
static struct users *
load_fd(int fd, unsigned int budget, unsigned int *steps)
{
	struct users_load	*ul;
	struct users		*u;
	int			 rc;

	ul = users_load_begin(fd, "users", secret, role_ok, device);
	if (ul == NULL)
		errx(1, "users_load_begin");
	for (*steps = 1; (rc = users_load_step(ul, budget)) == 0; ++*steps)
		;
	if ((rc == 1) != ((u = users_load_end(ul)) != NULL))
		errx(1, "table %p after %d", (void *)u, rc);
	close(fd);
	return (u);
}

static struct users *
load(const char *text)
{
	struct users	*u;
	unsigned int	 steps;

	u = load_fd(text_fd(text, strlen(text)), 1000, &steps);
	if (u == NULL)
		errx(1, "not loaded: %s", text);
	return (u);
}

static void
drop(struct users *u)
{
	if (users_unref(u) != 1)
		errx(1, "somebody else has the table");
	while (users_free_step(1000) == 0)
		;
}

static const struct proof *
find(const struct users *u, const char *authid, uint32_t method)
{
	return (users_find(u, authid, strlen(authid), method));
}

static const char	all[] =
    "# everything\n"
    "\n"
    "alice:ticket:user:" PHC "\n"
    "bob:wampcra:user:key=c2VjcmV0\r\n"
    "carol:wampcra:admin:salt=salt123,iterations=1000,keylen=32,key="
    B32 "=\n"
    "dave:scram:user:" PBKDF2 "\n"
    "erin:scram:user:kdf=argon2id13" ARGON2 "\n"
    "erin:scram:user:kdf=argon2id-13" ARGON2 "\n"
    "frank:cryptosign:admin:"
    "0000000000000000000000000000000000000000000000000000000000000001,"
    "0000000000000000000000000000000000000000000000000000000000000002\n"
    "gate-7:tls:device:SHA256:"
    "0000000000000000000000000000000000000000000000000000000000000001\n"
    "alice:wampcra:admin:key=c2VjcmV0\n"
    "\"a:b\":ticket:user:" PHC;

static const struct {
	const char	*authid;
	uint32_t	 methods;
} have[] = {
	{ "alice", AUTH_TICKET | AUTH_WAMPCRA },
	{ "bob", AUTH_WAMPCRA },
	{ "carol", AUTH_WAMPCRA },
	{ "dave", AUTH_SCRAM | AUTH_WAMP_SCRAM },
	{ "erin", AUTH_SCRAM | AUTH_WAMP_SCRAM },
	{ "frank", AUTH_CRYPTOSIGN },
	{ "gate-7", AUTH_TLS },
	{ "a:b", AUTH_TICKET },
	{ "alic", 0 }, { "alicee", 0 }, { "", 0 }, { "Alice", 0 }
};

static void
test_find(void)
{
	const struct proof	*p;
	struct users		*u = load(all);
	uint32_t		 bit;
	size_t			 i;

	if (users_count(u) != 10)
		errx(1, "%zu lines, want 10", users_count(u));
	for (i = 0; i < sizeof(have) / sizeof(have[0]); i++) {
		if (users_methods(u, have[i].authid, strlen(have[i].authid))
		    != have[i].methods)
			errx(1, "methods of %s", have[i].authid);
		for (bit = 1; bit <= 0x100; bit <<= 1) {
			p = find(u, have[i].authid, bit);
			if ((p != NULL) != ((have[i].methods & bit) != 0))
				errx(1, "%s by %#x", have[i].authid, bit);
			if (p != NULL && (strcmp(p->authid,
			    have[i].authid) != 0 || !(p->methods & bit)))
				errx(1, "%s by %#x is %s", have[i].authid,
				    bit, p->authid);
		}
	}
	p = find(u, "alice", AUTH_TICKET);
	if (p->line != 3 || strcmp(p->role, "user") != 0 ||
	    p->memory != 64 || p->iterations != 3 || p->parallel != 2 ||
	    p->saltlen != 16 || memcmp(p->salt, "0123456789abcdef", 16) != 0 ||
	    p->secretlen != 32 || memcmp(p->secret, "0123456789", 10) != 0)
		errx(1, "alice's ticket");
	p = find(u, "alice", AUTH_WAMPCRA);
	if (p->line != 11 || strcmp(p->role, "admin") != 0)
		errx(1, "alice's second line");
	if (find(u, "erin", AUTH_WAMP_SCRAM)->line != 7 ||
	    find(u, "erin", AUTH_SCRAM)->line != 8)
		errx(1, "erin's lines");
	drop(u);
	puts("ok - find");
}

static void
test_keys(void)
{
	const struct proof	*p;
	struct users		*u = load(all);
	uint8_t			 key[32] = { 0 };
	size_t			 i = 7;

	key[31] = 2;
	p = users_find_key(u, key, &i);
	if (p == NULL || strcmp(p->authid, "frank") != 0 || i != 1 ||
	    p->nkeys != 2 || proof_key_index(p, key) != 1)
		errx(1, "frank's second key");
	if (users_find_cert(u, key, &i) != NULL)
		errx(1, "a key is no certificate");
	key[31] = 1;
	p = users_find_cert(u, key, &i);
	if (p == NULL || strcmp(p->authid, "gate-7") != 0 || i != 0)
		errx(1, "gate-7's certificate");
	key[0] = 1;
	if (users_find_key(u, key, &i) != NULL ||
	    proof_key_index(p, key) != -1)
		errx(1, "nobody's key");
	drop(u);
	puts("ok - keys");
}

static void
expect_cra(const struct users *u, const char *authid, const char *want)
{
	uint8_t	key[USERS_SECRET_MAX];
	size_t	len = sizeof(key);

	if (users_cra_key(u, find(u, authid, AUTH_WAMPCRA), key, &len) == -1 ||
	    len != strlen(want) || memcmp(key, want, len) != 0)
		errx(1, "key of %s", authid);
	len = strlen(want) - 1;
	if (users_cra_key(u, find(u, authid, AUTH_WAMPCRA), key, &len) != -1)
		errx(1, "key of %s where it does not fit", authid);
}

static void
test_cra(void)
{
	struct users	*u = load(all);
	uint8_t		 key[USERS_SECRET_MAX];
	size_t		 len = sizeof(key);

	expect_cra(u, "bob", "secret");
	expect_cra(u, "alice", "secret");
	expect_cra(u, "carol", B32 "=");
	if (users_cra_key(u, find(u, "alice", AUTH_TICKET), key, &len) != -1)
		errx(1, "a ticket is no key");
	/* of the same secret, yet not the same */
	if (memcmp(find(u, "bob", AUTH_WAMPCRA)->secret,
	    find(u, "alice", AUTH_WAMPCRA)->secret, 6) == 0)
		errx(1, "two lines are encrypted alike");
	drop(u);
	puts("ok - wampcra");
}

#ifndef WAMPD_SAN
/* How often in this process's memory, the locked heap apart? */
static unsigned int
count_in_memory(const uint8_t *needle, size_t len, const void *locked)
{
	FILE		*f;
	char		 line[512], perms[8];
	uint8_t		*buf, *p;
	unsigned long	 from, to;
	unsigned int	 n = 0;
	int		 mem;

	if ((f = fopen("/proc/self/maps", "r")) == NULL ||
	    (mem = open("/proc/self/mem", O_RDONLY)) == -1)
		err(1, "/proc/self");
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 ||
		    strncmp(perms, "rw", 2) != 0 ||
		    ((unsigned long)locked >= from &&
		    (unsigned long)locked < to))
			continue;
		buf = mmap(NULL, to - from, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (buf == MAP_FAILED || pread(mem, buf, to - from,
		    (off_t)from) != (ssize_t)(to - from))
			err(1, "%s", line);
		for (p = buf; (p = memmem(p, to - from - (size_t)(p - buf),
		    needle, len)) != NULL; p++)
			n++;
		munmap(buf, to - from);
	}
	fclose(f);
	close(mem);
	return (n);
}

/*
 * 500 keys, more than the locked heap has room for: none in memory that is
 * not locked, after loading and after use.  Each begins with the needle.
 */
static void
test_shield(void)
{
	static uint8_t	 needle[24];
	struct users	*u;
	struct text	 t;
	uint8_t		 key[256], *out, *locked;
	char		 b64[CRED_B64_SIZE(sizeof(key))];
	unsigned int	 i, steps;
	size_t		 n;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 37 + 11);
	text_open(&t);
	for (i = 0; i < 500; i++) {
		key[200] = (uint8_t)i;
		cred_b64_encode(key, sizeof(key), b64, sizeof(b64));
		text_add(&t, "u%u:wampcra:user:key=%s\n", i, b64);
	}
	fclose(t.f);
	memset(key, 0, sizeof(key));
	u = load_fd(text_fd(t.p, t.len), 100, &steps);
	out = OPENSSL_secure_malloc(sizeof(key));
	locked = OPENSSL_secure_malloc(32);
	if (u == NULL || out == NULL || !CRYPTO_secure_allocated(out))
		errx(1, "no table, or no locked heap");
	for (i = 0; i < 500; i++) {
		snprintf(b64, sizeof(b64), "u%u", i);
		n = sizeof(key);
		if (users_cra_key(u, find(u, b64, AUTH_WAMPCRA), out, &n) ==
		    -1 || n != sizeof(key) || out[200] != (uint8_t)i)
			errx(1, "key of %s", b64);
	}
	/* not in one piece before it is looked for */
	for (i = 0; i < sizeof(needle); i++)
		needle[i] = (uint8_t)(i * 37 + 11);
	if ((i = count_in_memory(needle, sizeof(needle), locked)) != 1)
		errx(1, "%u keys in memory that is not locked", i - 1);
	OPENSSL_secure_clear_free(out, sizeof(key));
	OPENSSL_secure_free(locked);
	drop(u);
	free(t.p);
	puts("ok - shield");
}
#endif

#ifndef WAMPD_SAN
/* All of it for the first time, and by what the keeper's sandbox permits. */
static void
test_sandbox(void)
{
	struct users	*u;
	unsigned int	 steps;
	pid_t		 pid;
	int		 status, fd = text_fd(all, sizeof(all) - 1);

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		if (sandbox_filter(SANDBOX_KEEPER) == -1)
			err(1, "sandbox_filter");
		if ((u = load_fd(fd, 0, &steps)) == NULL)
			errx(1, "not loaded");
		expect_cra(u, "carol", B32 "=");
		drop(u);
		_exit(0);
	}
	close(fd);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (status != 0)
		errx(1, "in the sandbox: status %#x", status);
	puts("ok - sandbox");
}
#endif

/* A line of number i, of the methods in turn. */
static void
add_line(struct text *t, unsigned int i, const char *role)
{
	switch (i % 5) {
	case 0:
		text_add(t, "user%u:ticket:%s:" PHC "\n", i, role);
		break;
	case 1:
		text_add(t, "user%u:wampcra:%s:key=" B32 "=\n", i, role);
		break;
	case 2:
		text_add(t, "user%u:scram:%s:" PBKDF2 "\n", i, role);
		break;
	case 3:
		text_add(t, "user%u:cryptosign:%s:%064x\n", i, role, i);
		break;
	default:
		text_add(t, "user%u:tls:%s:SHA256:%064x\n", i, role, i);
	}
}

static const uint32_t	bit_of[] = { AUTH_TICKET, AUTH_WAMPCRA,
    AUTH_WAMP_SCRAM, AUTH_CRYPTOSIGN, AUTH_TLS };

/* All of them but those from..to; those from change..to change have role. */
static struct users *
load_many(unsigned int n, unsigned int from, unsigned int to,
    unsigned int change, const char *role)
{
	struct users	*u;
	struct text	 t;
	unsigned int	 i, steps;

	text_open(&t);
	for (i = 0; i < n; i++)
		if (i < from || i >= to)
			add_line(&t, i, i >= change && i - change < to - from ?
			    role : "user");
	fclose(t.f);
	if ((u = load_fd(text_fd(t.p, t.len), 1000, &steps)) == NULL)
		errx(1, "not loaded");
	free(t.p);
	return (u);
}

/* A step of no time at all does one line, or one read, or drops a chunk. */
static void
test_slices(void)
{
	const struct proof	*p;
	struct users		*u;
	struct text		 t;
	char			 authid[32];
	unsigned int		 i, steps;
	size_t			 before = CRYPTO_secure_used();

	text_open(&t);
	for (i = 0; i < MANY; i++) {
		add_line(&t, i, "user");
		/* the ends of lines are everywhere in what is read */
		if (i % 50 == 0)
			text_add(&t, "#%*s\n", (int)((i * 7) %
			    (USERS_LINE_MAX - 1)), "");
	}
	fclose(t.f);
	role_asked = 0;
	u = load_fd(text_fd(t.p, t.len), 0, &steps);
	if (u == NULL || users_count(u) != MANY)
		errx(1, "not loaded");
	if (role_asked != 1)
		errx(1, "asked %u times for the role", role_asked);
	if (steps < MANY)
		errx(1, "%u steps for %u lines", steps, MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(authid, sizeof(authid), "user%u", i);
		p = find(u, authid, bit_of[i % 5]);
		if (p == NULL || strcmp(p->authid, authid) != 0)
			errx(1, "%s is not there", authid);
	}
	free(t.p);
	users_ref(u);
	if (users_unref(u) != 0 || users_free_step(1000) != 1)
		errx(1, "dropped while somebody has it");
	if (users_unref(u) != 1)
		errx(1, "not dropped");
	for (steps = 1; users_free_step(0) == 0; steps++)
		;
	if (steps < 20)
		errx(1, "dropped in %u steps", steps);
	if (CRYPTO_secure_used() != before)
		errx(1, "%zu octets of locked memory remain",
		    CRYPTO_secure_used() - before);
	puts("ok - slices");
}

/* Load with its log lines, which are to be freed. */
static char *
load_log(int fd, struct users **u)
{
	char		*log;
	unsigned int	 steps;
	off_t		 len;
	int		 file, old;

	fflush(stderr);
	if ((file = memfd_create("log", 0)) == -1 || (old = dup(2)) == -1 ||
	    dup2(file, 2) == -1)
		err(1, "log");
	*u = load_fd(fd, 100, &steps);
	dup2(old, 2);
	close(old);
	len = lseek(file, 0, SEEK_END);
	if ((log = calloc(1, (size_t)len + 1)) == NULL ||
	    pread(file, log, (size_t)len, 0) != len)
		err(1, "log");
	close(file);
	while (users_free_step(1000) == 0)
		;
	return (log);
}

static void
expect_log(int fd, const char *want)
{
	struct users	*u;
	char		*log;

	log = load_log(fd, &u);
	if (u != NULL)
		errx(1, "loaded, want %s", want);
	if (strcmp(log, want) != 0)
		errx(1, "got %s, want %s", log, want);
	free(log);
}

static void
expect_wrong(const char *text, const char *want)
{
	expect_log(text_fd(text, strlen(text)), want);
}

static void
test_wrong(void)
{
	expect_wrong("# users\nalice:ticket:user\n\n"
	    "bob:wampcra:nobody:key=c2VjcmV0\n"
	    "carol:wampcra:user:key=c2VjcmV0\n\xff\n"
	    "dave:wampcra:user:key=SECRET",
	    "wampd: users:2: must be authid:method:role:verifier\n"
	    "wampd: users:4: there is no role \"nobody\"\n"
	    "wampd: users:6: not UTF-8\n"
	    "wampd: users:7: wampcra: key must be 1 to 256 octets in "
	    "base64\n"
	    "wampd: users: 4 of 7 lines are wrong\n");
	puts("ok - wrong lines");
	expect_wrong("alice:ticket:user:" PHC "\n"
	    "alice:wampcra:user:key=c2VjcmV0\n"
	    "alice:ticket:admin:" PHC "\n"
	    "\"\xc3\xab \":scram:user:kdf=argon2id13" ARGON2 "\n"
	    "\"\xc3\xab \":scram:user:" PBKDF2 "\n"
	    "\"\xc3\xab \":scram:user:kdf=argon2id-13" ARGON2 "\n",
	    "wampd: users:3: \"alice\" has ticket in line 1\n"
	    "wampd: users:5: \"\\303\\253\\s\" has scram in line 4\n"
	    "wampd: users:6: \"\\303\\253\\s\" has scram in line 5\n"
	    "wampd: users: 3 of 6 lines are wrong\n");
	puts("ok - principals twice");
	expect_wrong("a:cryptosign:user:"
	    "0000000000000000000000000000000000000000000000000000000000000001,"
	    "0000000000000000000000000000000000000000000000000000000000000002\n"
	    "b:tls:user:SHA256:"
	    "0000000000000000000000000000000000000000000000000000000000000001\n"
	    "c:cryptosign:user:"
	    "0000000000000000000000000000000000000000000000000000000000000002\n"
	    "d:tls:user:SHA256:"
	    "0000000000000000000000000000000000000000000000000000000000000001\n",
	    "wampd: users:3: a key is that of \"a\" in line 1\n"
	    "wampd: users:4: a certificate is that of \"b\" in line 2\n"
	    "wampd: users: 2 of 4 lines are wrong\n");
	puts("ok - keys twice");
}

/* A number of lines of the same text, then some more. */
static int
lines_fd(const char *line, unsigned int n, const char *rest)
{
	struct text	t;
	int		fd;

	text_open(&t);
	while (n-- > 0)
		text_add(&t, "%s\n", line);
	text_add(&t, "%s", rest);
	fclose(t.f);
	fd = text_fd(t.p, t.len);
	free(t.p);
	return (fd);
}

static void
test_limits(void)
{
	struct users	*u;
	struct text	 t;
	char		*log, *p;
	unsigned int	 n;
	int		 fd;

	log = load_log(lines_fd("x", 1500, ""), &u);
	for (n = 0, p = log; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	if (u != NULL || n != 1001 || strstr(log, "wampd: users:1000: must "
	    "be authid:method:role:verifier\nwampd: users: 1000 lines are "
	    "wrong, those after line 1000 were not looked at\n") == NULL)
		errx(1, "%u lines of log: %s", n, log);
	free(log);

	text_open(&t);
	text_add(&t, "#%8191s\n#%8192s\n#%20000s\n#%8192s", "", "", "", "");
	fclose(t.f);
	expect_log(text_fd(t.p, t.len),
	    "wampd: users:2: line longer than 8192 octets\n"
	    "wampd: users:3: line longer than 8192 octets\n"
	    "wampd: users:4: line longer than 8192 octets\n"
	    "wampd: users: 3 of 4 lines are wrong\n");
	free(t.p);

	log = load_log(lines_fd("", 999999, "bob:wampcra:user:key=c2Vj"), &u);
	if (u == NULL || log[0] != '\0' || users_count(u) != 1)
		errx(1, "1,000,000 lines: %s", log);
	free(log);
	drop(u);
	expect_log(lines_fd("", 1000000, "x"),
	    "wampd: users: more than 1000000 lines\n");

	fd = lines_fd("", 1, "");
	if (ftruncate(fd, 64 * 1024 * 1024 + 1) == -1)
		err(1, "ftruncate");
	expect_log(fd, "wampd: users: larger than 64 MiB\n");
	expect_log(open("/", O_RDONLY), "wampd: users: Is a directory\n");
	puts("ok - limits");
}

static void
test_empty(void)
{
	struct users	*u;
	uint8_t		 key[32] = { 0 };
	size_t		 i;

	u = load("\xef\xbb\xbf# of a text editor\n");
	if (users_count(u) != 0 || users_first(u) != NULL ||
	    find(u, "alice", AUTH_TICKET) != NULL ||
	    users_methods(u, "alice", 5) != 0 ||
	    users_find_key(u, key, &i) != NULL ||
	    users_shape(u, "alice", 5, 0xff) != NULL)
		errx(1, "there is somebody");
	drop(u);
	drop(load(""));
	if (users_unref(NULL) != 0 || users_load_end(NULL) != NULL)
		errx(1, "nothing");
	puts("ok - empty");
}

/* A load that is ended before its time leaves nothing. */
static void
test_break_off(void)
{
	struct users_load	*ul;
	size_t			 before = CRYPTO_secure_used();
	int			 fd = text_fd(all, sizeof(all) - 1);

	ul = users_load_begin(fd, "users", secret, role_ok, device);
	if (ul == NULL || users_load_step(ul, 0) != 0 ||
	    users_load_step(ul, 0) != 0 || users_load_end(ul) != NULL)
		errx(1, "not broken off");
	close(fd);
	while (users_free_step(1000) == 0)
		;
	if (CRYPTO_secure_used() != before)
		errx(1, "locked memory remains");
	puts("ok - broken off");
}

/* Neighbours: each gets its own; unknown ones keep theirs over reloads. */
static void
test_shape(void)
{
	const struct proof	*p, *q;
	struct users		*a, *b;
	char			 authid[32];
	unsigned int		 i, moved = 0, hits[3] = { 0 }, kind;

	a = load_many(3000, 0, 0, 3000, "user");
	b = load_many(3000, 30, 60, 3000, "user");
	for (i = 0; i < 3000; i++) {
		snprintf(authid, sizeof(authid), "user%u", i);
		p = users_shape(a, authid, strlen(authid), 0xff);
		if (p == NULL || strcmp(p->authid, authid) != 0)
			errx(1, "%s is its own neighbour", authid);
	}
	for (i = 0; i < 3000; i++) {
		snprintf(authid, sizeof(authid), "unknown%u", i);
		p = users_shape(a, authid, strlen(authid), AUTH_TICKET |
		    AUTH_WAMPCRA | AUTH_SCRAM);
		q = users_shape(b, authid, strlen(authid), AUTH_TICKET |
		    AUTH_WAMPCRA | AUTH_SCRAM);
		if (p == NULL || q == NULL)
			errx(1, "%s has no neighbour", authid);
		for (kind = 0; kind < 3; kind++)
			hits[kind] += (p->methods & bit_of[kind]) != 0;
		moved += strcmp(p->authid, q->authid) != 0;
		p = users_shape(a, authid, strlen(authid), AUTH_CRYPTOSIGN);
		if (p == NULL || p->methods != AUTH_CRYPTOSIGN)
			errx(1, "%s: another method", authid);
		if (users_shape(a, authid, strlen(authid),
		    AUTH_ANONYMOUS | AUTH_SOCKET) != NULL)
			errx(1, "%s: a method that no line has", authid);
	}
	if (hits[0] + hits[1] + hits[2] != 3000 || hits[0] < 800 ||
	    hits[1] < 800 || hits[2] < 800)
		errx(1, "%u, %u, %u of a third each", hits[0], hits[1],
		    hits[2]);
	/* one in a hundred is gone */
	if (moved == 0 || moved > 90)
		errx(1, "%u of 3000 moved", moved);
	drop(a);
	drop(b);
	/* the last one's neighbour is the first one */
	a = load("alice:ticket:user:" PHC);
	for (i = 0; i < 100; i++) {
		snprintf(authid, sizeof(authid), "unknown%u", i);
		if (users_shape(a, authid, strlen(authid), AUTH_TICKET) ==
		    NULL)
			errx(1, "%s is alone", authid);
	}
	drop(a);
	puts("ok - shape");
}

struct gone {
	unsigned int	n;
	char		text[512];
};

static void
is_gone(const struct proof *p, uint32_t method, size_t key, void *arg)
{
	struct gone	*g = arg;
	size_t		 len = strlen(g->text);

	g->n++;
	snprintf(g->text + len, sizeof(g->text) - len, "%s %x %zu\n",
	    p->authid, method, key);
}

/* Steps of no time; both tables are dropped. */
static void
diff(struct users *old, struct users *new, uint32_t methods_old,
    uint32_t methods_new, struct gone *g, unsigned int *steps)
{
	struct users_diff	*d;

	memset(g, 0, sizeof(*g));
	d = users_diff_begin(old, new, methods_old, methods_new, is_gone, g);
	if (d == NULL)
		errx(1, "users_diff_begin");
	users_unref(old);
	users_unref(new);
	for (*steps = 1; users_diff_step(d, 0) == 0; ++*steps)
		;
	if (users_diff_end(d) != 1)
		errx(1, "the tables are still there");
	while (users_free_step(1000) == 0)
		;
}

static void
expect_gone(const char *old, const char *new, uint32_t methods_old,
    uint32_t methods_new, const char *want)
{
	struct gone	g;
	unsigned int	steps;

	diff(load(old), new != NULL ? load(new) : NULL, methods_old,
	    methods_new, &g, &steps);
	if (strcmp(g.text, want) != 0)
		errx(1, "gone: %swant: %s", g.text, want);
}

#define KEYS(a, b)	"frank:cryptosign:user:" \
    "000000000000000000000000000000000000000000000000000000000000000" a "," \
    "000000000000000000000000000000000000000000000000000000000000000" b "\n"

static void
test_diff(void)
{
	struct gone	g;
	unsigned int	steps;

	expect_gone(all, all, 0xff, 0xff, "");
	expect_gone("", all, 0xff, 0xff, "");
	expect_gone(all, NULL, AUTH_SCRAM | AUTH_CRYPTOSIGN, 0xff,
	    "dave 20 0\nerin 20 0\nfrank 80 0\nfrank 80 1\n");
	expect_gone(all, all, AUTH_TICKET | AUTH_WAMPCRA, AUTH_WAMPCRA |
	    AUTH_TLS, "alice 8 0\na:b 8 0\n");
	/* another secret is none of it, another role is, each line alone */
	expect_gone("a:ticket:user:" PHC "\na:wampcra:user:key=c2Vj\n",
	    "a:wampcra:admin:key=c2Vj\n# moved\n"
	    "a:ticket:user:$argon2id$v=19$m=8,t=1,p=1$" B16 "$" B16, 0xff,
	    0xff, "a 10 0\n");
	/* the dialects of scram */
	expect_gone("a:scram:user:" PBKDF2, "a:scram:user:kdf=argon2id13"
	    ARGON2, 0xff, 0xff, "a 20 0\n");
	/* a key that went to somebody else, one that changed its place */
	expect_gone(KEYS("1", "2"), KEYS("3", "1"), 0xff, 0xff,
	    "frank 80 1\n");
	expect_gone(KEYS("1", "2"), "f" KEYS("1", "2"), 0xff, 0xff,
	    "frank 80 0\nfrank 80 1\n");
	diff(load_many(MANY, 0, 0, MANY, ""), load_many(MANY, 100, 200, 1000,
	    "admin"), 0xff & ~AUTH_SCRAM, 0xff, &g, &steps);
	if (g.n != 200 || steps < MANY)
		errx(1, "%u are gone in %u steps, want 200", g.n, steps);
	puts("ok - diff");
}

/* The same in two tables; another for each other thing. */
static void
test_id(void)
{
	static const char	*const lines[] = {
		"a:ticket:user:" PHC, "a:ticket:admin:" PHC,
		"ab:ticket:user:" PHC, KEYS("1", "2"), KEYS("1", "3")
	};
	struct users		*u;
	uint64_t		 ids[16];
	unsigned int		 i, j, n = 0;
	const struct proof	*p;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		u = load(lines[i]);
		p = users_first(u);
		ids[n++] = proof_id(secret, p, p->methods, 0);
		if (p->nkeys > 0)
			ids[n++] = proof_id(secret, p, p->methods, 1);
		drop(u);
	}
	u = load("# one\na:ticket:user:$argon2id$v=19$m=8,t=1,p=1$" B16 "$"
	    B16);
	if (proof_id(secret, users_first(u), AUTH_TICKET, 0) != ids[0] ||
	    proof_id(secret, users_first(u), AUTH_WAMPCRA, 0) == ids[0])
		errx(1, "another table, or method");
	drop(u);
	if (ids[3] != ids[5])	/* the first key of both */
		errx(1, "the same key");
	ids[5] = 0;
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (ids[i] == ids[j])
				errx(1, "%u and %u", i, j);
	puts("ok - id");
}

/* By hand: what n principals take. */
static int
measure(unsigned int n)
{
	struct mallinfo2	 before;
	struct users_diff	*d;
	struct users		*u, *old;
	struct text		 t;
	struct gone		 g = { 0 };
	uint64_t		 begin, now;
	unsigned int		 i, steps;
	clock_t			 cpu;
	int			 fd;

	text_open(&t);
	for (i = 0; i < n; i++)
		add_line(&t, i, "user");
	fclose(t.f);
	fd = text_fd(t.p, t.len);
	printf("%u lines, %zu octets\n", n, t.len);
	free(t.p);
	before = mallinfo2();
	cpu = clock();
	begin = mono_us();
	u = load_fd(fd, 5000, &steps);
	now = mono_us();
	cpu = clock() - cpu;
	if (u == NULL)
		return (1);
	printf("load: %.3f s, %.3f s CPU, %u steps, %.1f MB\n",
	    (double)(now - begin) / 1e6, (double)cpu / CLOCKS_PER_SEC, steps,
	    (double)(mallinfo2().uordblks - before.uordblks) / 1e6);
	begin = now;
	for (i = 0; i < 1000000; i++)
		(void)find(u, i & 1 ? "user500" : "unknown", AUTH_TICKET);
	printf("find: %.3f us\n", (double)(mono_us() - begin) / 1e6);
	old = load_many(n, 0, 0, n, "");
	begin = mono_us();
	d = users_diff_begin(old, u, 0xff, 0xff, is_gone, &g);
	while (users_diff_step(d, 5000) == 0)
		;
	now = mono_us();
	printf("diff: %.3f s\n", (double)(now - begin) / 1e6);
	users_unref(u);
	users_unref(old);
	users_diff_end(d);
	for (steps = 1; users_free_step(5000) == 0; steps++)
		;
	printf("drop both: %.3f s, %u steps\n",
	    (double)(mono_us() - now) / 1e6, steps);
	return (0);
}

int
main(int argc, char *argv[])
{
	if (CRYPTO_secure_malloc_init(1024 * 1024, 32) == 0)
		errx(1, "no locked heap");
	cred_prepare();
	if (argc > 1)
		return (measure((unsigned int)atoi(argv[1])));
#ifndef WAMPD_SAN
	test_sandbox();
#endif
	test_find();
	test_keys();
	test_cra();
#ifndef WAMPD_SAN
	test_shield();
#endif
	test_slices();
	test_wrong();
	test_limits();
	test_empty();
	test_break_off();
	test_shape();
	test_diff();
	test_id();
	return (0);
}
