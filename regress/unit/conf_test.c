/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The configuration as text.  regress/config/NAME.in is parsed and must say
 * what is in NAME.bad, or print NAME.ok (wampd -nv) and NAME.sum (wampd -n),
 * with NAME.warn on the standard error; what was printed parses again to the
 * same.  Then files that are no configuration at all.
 * UPDATE=1 rewrites the files of expectations.  With arguments: says only
 * whether these files parse.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"

#define MB	(1024 * 1024)

static const struct conf_macro	macros[] = { { "dir", "/run/wampd" } };
static const char		*top;
static int			 nfailed, is_update;

/* -- helpers ------------------------------------------------------------ */

static void
fail(const char *name, const char *why)
{
	printf("not ok - %s: %s\n", name, why);
	nfailed++;
}

static char *
slurp(const char *path)
{
	char	*buf;
	FILE	*f;
	size_t	 n;

	if ((buf = calloc(1, 2 * MB)) == NULL)
		err(1, NULL);
	if ((f = fopen(path, "r")) == NULL)
		return (buf);
	n = fread(buf, 1, 2 * MB - 1, f);
	buf[n] = '\0';
	fclose(f);
	return (buf);
}

static void
spew(const char *path, const char *text, size_t len)
{
	FILE	*f;

	if ((f = fopen(path, "w")) == NULL ||
	    fwrite(text, 1, len, f) != len || fclose(f) != 0)
		err(1, "%s", path);
}

static void
spew_text(const char *path, const char *text)
{
	spew(path, text, strlen(text));
}

static void
copy(const char *from, const char *to)
{
	char	*text = slurp(from);

	spew_text(to, text);
	free(text);
}

/* From here to listened(), the standard error goes to a file. */
static int
listen_to_stderr(void)
{
	int	fd, old;

	fd = open("stderr", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || (old = dup(2)) == -1 || dup2(fd, 2) == -1)
		err(1, "stderr");
	close(fd);
	return (old);
}

static char *
listened(int old)
{
	if (dup2(old, 2) == -1)
		err(1, "dup2");
	close(old);
	return (slurp("stderr"));
}

static struct conf *
parse(const char *path, char **said)
{
	struct conf	*c;
	struct stat	 st;
	char		*text;
	int		 old, has_dir = 0;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < MB) {
		text = slurp(path);
		has_dir = strstr(text, "$dir") != NULL;
		free(text);
	}
	old = listen_to_stderr();
	c = conf_parse(path, macros, (size_t)has_dir);
	*said = listened(old);
	return (c);
}

static char *
printed(const struct conf *c, void (*print)(const struct conf *, void *))
{
	char	*buf;
	FILE	*f;
	size_t	 len;

	if ((f = open_memstream(&buf, &len)) == NULL)
		err(1, NULL);
	print(c, f);
	fclose(f);
	return (buf);
}

static void
expect_file(const char *name, const char *suffix, const char *got)
{
	char	path[512], why[64], *want;

	snprintf(path, sizeof(path), "%s/regress/config/%s.%s", top, name,
	    suffix);
	want = slurp(path);
	if (strcmp(want, got) != 0 && is_update) {
		if (*got == '\0')
			unlink(path);
		else
			spew_text(path, got);
	} else if (strcmp(want, got) != 0) {
		snprintf(why, sizeof(why), "is not what %s says", suffix);
		printf("%s.%s:\n%sgot:\n%s", name, suffix, want, got);
		fail(name, why);
	}
	free(want);
}

/* -- what a configuration says ------------------------------------------ */

static void
expect_round_trip(const char *name, const struct conf *c)
{
	struct conf	*again;
	char		*text, *text2;
	int		 old;

	text = printed(c, conf_print);
	old = listen_to_stderr();
	again = conf_parse_text("printed", text, strlen(text));
	text2 = listened(old);
	if (again == NULL)
		printf("%s", text2);
	free(text2);
	if (again == NULL) {
		fail(name, "what was printed does not parse");
		free(text);
		return;
	}
	text2 = printed(again, conf_print);
	if (strcmp(text, text2) != 0)
		fail(name, "what was printed parses to something else");
	free(text2);
	text2 = printed(again, conf_print_summary);
	free(text);
	text = printed(c, conf_print_summary);
	if (strcmp(text, text2) != 0)
		fail(name, "summary differs after printing");
	free(text);
	free(text2);
	conf_free(again);
}

/* Golden files that stand for a lesson (threats) bear its number. */
static void
check_one(const char *name)
{
	struct conf	*c;
	char		 file[300], *said, *text;
	int		 old = nfailed;

	snprintf(file, sizeof(file), "%s.in", name);
	if ((c = parse(file, &said)) == NULL) {
		expect_file(name, "bad", said);
		expect_file(name, "ok", "");
	} else {
		expect_file(name, "bad", "");
		expect_file(name, "warn", said);
		text = printed(c, conf_print);
		expect_file(name, "ok", text);
		free(text);
		text = printed(c, conf_print_summary);
		expect_file(name, "sum", text);
		free(text);
		expect_round_trip(name, c);
		conf_free(c);
	}
	free(said);
	if (nfailed == old)
		printf("ok - %s\n", name);
}

/* The files as they are, but owned by who runs this. */
static void
copy_cases(const char *sub, const char *suffix, void (*each)(const char *))
{
	struct dirent	*d;
	DIR		*dp;
	char		 from[512], to[512];
	size_t		 len;
	int		 n = 0;

	snprintf(from, sizeof(from), "%s/regress/config/%s", top, sub);
	if ((dp = opendir(from)) == NULL)
		err(1, "%s", from);
	while ((d = readdir(dp)) != NULL) {
		len = strlen(d->d_name);
		if (len <= strlen(suffix) ||
		    strcmp(d->d_name + len - strlen(suffix), suffix) != 0)
			continue;
		snprintf(from, sizeof(from), "%s/regress/config/%s%s", top,
		    sub, d->d_name);
		snprintf(to, sizeof(to), "%s%s", sub, d->d_name);
		copy(from, to);
		n++;
		if (each == NULL)
			continue;
		to[strlen(to) - strlen(suffix)] = '\0';
		each(to);
	}
	closedir(dp);
	if (n == 0)
		errx(1, "no files in %s", sub);
}

/* The one that is installed, with a directory of realms or without. */
static void
check_installed(void)
{
	struct conf	*c;
	char		 from[512], *said, *text;

	snprintf(from, sizeof(from), "%s/etc/wampd.conf", top);
	copy(from, "wampd.conf");
	if ((c = parse("wampd.conf", &said)) == NULL || *said != '\0') {
		printf("%s", said);
		fail("etc/wampd.conf", "errors or warnings");
	} else {
		text = printed(c, conf_print_summary);
		expect_file("installed", "sum", text);
		free(text);
		expect_round_trip("etc/wampd.conf", c);
		printf("ok - etc/wampd.conf\n");
	}
	free(said);
	conf_free(c);
}

/* macros.in has the good ones. */
static void
check_macros(void)
{
	const struct conf_macro	bad[] = { { "1x", "y" }, { "x", "a\nb" } };
	struct conf		*c;
	char			*said;
	int			 old;

	spew_text("m", "x = \"y\"\n");
	old = listen_to_stderr();
	c = conf_parse("m", bad, 2);
	said = listened(old);
	if (c != NULL || strstr(said, "-D \"1x\"") == NULL ||
	    strstr(said, "-D \"x\"") == NULL)
		fail("macros of -D", said);
	else
		printf("ok - macros of -D\n");
	free(said);
	conf_free(c);
}

/* -- what is no configuration ------------------------------------------- */

#define SECRET	"hunter2"

/* One line, in no time, and nothing of a file that others may not read. */
static void
expect_refused(const char *name, const char *path, const char *want)
{
	clock_t		 begin, end;
	struct conf	*c;
	char		*said, *nl;
	int		 old = nfailed;

	begin = clock();
	c = parse(path, &said);
	end = clock();
	nl = strchr(said, '\n');
	if (c != NULL)
		fail(name, "accepted");
	else if (nl == NULL || nl[1] != '\0')
		fail(name, "not one line of error");
	else if (strstr(said, SECRET) != NULL)
		fail(name, "shows what is in the file");
	else if (strstr(said, want) == NULL)
		fail(name, "another error than expected");
	else if (strlen(said) > 300)
		fail(name, "too long an error");
	else if (end - begin > 2 * CLOCKS_PER_SEC)
		fail(name, "takes too long");
	else
		printf("ok - hostile: %s\n", name);
	if (nfailed != old)
		printf("%s", said);
	free(said);
	conf_free(c);
}

/* As the file itself and as what a file includes. */
static void
expect_both(const char *name, const char *path, const char *want)
{
	char	line[300];

	expect_refused(name, path, want);
	snprintf(line, sizeof(line), "include \"%s\"\n", path);
	spew_text("including", line);
	expect_refused(name, "including", want);
}

static void
refuse_special_files(void)
{
	FILE	*f;

	if (mkfifo("fifo", 0644) == -1 || mkdir("folder", 0755) == -1)
		err(1, "fifo");
	expect_both("FIFO", "fifo", "not a regular file");
	expect_both("directory", "folder", "not a regular file");
	expect_both("device", "/dev/zero", "not a regular file");
	if (symlink("/dev/zero", "zero") == -1 || symlink("loop", "loop") == -1)
		err(1, "symlink");
	expect_both("link to a device", "zero", "not a regular file");
	expect_both("link to itself", "loop", strerror(ELOOP));
	expect_both("nothing", "nothing", strerror(ENOENT));
	if (symlink("nowhere", "dangling") == -1)
		err(1, "symlink");
	expect_both("link to nothing", "dangling", strerror(ENOENT));

	if ((f = fopen("sparse", "w")) == NULL ||
	    ftruncate(fileno(f), 10LL * 1024 * MB) == -1 || fclose(f) != 0)
		err(1, "sparse");
	expect_both("10 GB of nothing", "sparse", "larger than 1 MB");
}

/* Another user's files, from root's point of view. */
static void
refuse_foreign_files(void)
{
	if (geteuid() != 0)
		return;
	spew_text("foreign", "log brief\n");
	if (chown("foreign", 12345, 0) == -1)
		err(1, "chown");
	expect_both("somebody's file", "foreign", "does not belong to root");
	spew_text("writable", "log brief\n");
	chmod("writable", 0664);
	expect_both("group may write", "writable", "may write");
	chmod("writable", 0646);
	expect_both("others may write", "writable", "may write");
	if (mkdir("open", 0755) == -1)
		err(1, "open");
	spew_text("open/file", "log brief\n");
	chmod("open", 0775);
	expect_both("in a directory of a group", "open/file",
	    "may write to its directory");
}

/*
 * Files that are not meant for all eyes: as root their words do not turn up
 * in errors, as another user they are not read at all (lesson 4).
 */
static void
hide_secret_files(void)
{
	static const char *const	texts[] = {
		SECRET "\n", "$" SECRET "\n", "log " SECRET " x\n",
		"root:$y$" SECRET ":1:0:::\n", "<" SECRET ">\n",
		"\"" SECRET "\n", SECRET "-1 = 5\n", "log \"" SECRET "\"\n",
		"include " SECRET "\n", "prefork \"a\" \"" SECRET "\"\n"
	};
	size_t				 i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		spew_text("secret", texts[i]);
		chmod("secret", geteuid() == 0 ? 0600 : 0);
		unlink("link");
		if (symlink("secret", "link") == -1)
			err(1, "symlink");
		expect_both("lesson 4: a secret", "link", geteuid() == 0 ? "" :
		    strerror(EACCES));
		unlink("secret");
	}
}

static void
refuse_includes(void)
{
	FILE	*f;
	char	 name[32], line[64];
	int	 i, j;

	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "deep%d", i);
		snprintf(line, sizeof(line), "include deep%d\n", i + 1);
		spew_text(name, line);
	}
	expect_refused("include 40 deep", "deep0", "too deeply");
	spew_text("self", "include self\n");
	expect_refused("include of itself", "self", "includes itself");
	spew_text("ping", "include pong\n");
	spew_text("pong", "\ninclude \"pi*\"\n");
	expect_refused("include in a circle", "ping", "pong:2: include ping:");
	/* each includes the next one ten times */
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "ten%d", i);
		if ((f = fopen(name, "w")) == NULL)
			err(1, "%s", name);
		for (j = 0; i < 11 && j < 10; j++)
			fprintf(f, "include ten%d\n", i + 1);
		fclose(f);
	}
	expect_refused("10^11 includes", "ten0", "too many files");
	memset(line, '#', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "big%d", i);
		if ((f = fopen(name, "w")) == NULL)
			err(1, "%s", name);
		for (j = 0; j < 16000; j++)
			fwrite(line, 1, sizeof(line), f);
		fclose(f);
	}
	spew_text("bigs", "include \"big*\"\n");
	expect_refused("20 MB of includes", "bigs", "larger than 16 MB");
}

/* A small file that would be large with its macros expanded. */
static void
refuse_expansion(void)
{
	FILE	*f;
	int	 i;

	if ((f = fopen("expand", "w")) == NULL)
		err(1, "expand");
	fprintf(f, "m = /");
	for (i = 0; i < 8000; i++)
		putc('m', f);
	fprintf(f, "\nlisten on 127.0.0.1 port 1 {\n");
	for (i = 0; i < 40000; i++)
		fprintf(f, "websocket path $m\n");
	fprintf(f, "}\n");
	fclose(f);
	expect_both("320 MB of macros", "expand", "macros expanded");
}

static void
refuse_texts(void)
{
	char	*buf;

	if ((buf = malloc(2 * MB)) == NULL)
		err(1, NULL);
	spew("nul", "log brief\nlog \0\nlog\n", 20);
	expect_both("NUL", "nul", "nul:2: NUL byte");
	spew_text("esc", "# \033[2J\n");
	expect_both("escape in a comment", "esc", "esc:1: control character");
	spew_text("dos", "log brief\r\nlog x\r\n");
	expect_both("DOS", "dos", "dos:1: carriage return");

	memset(buf, 'a', 2 * MB);
	spew("long", buf, MB - 1);
	expect_both("a word of 1 MB", "long", "longer than 8192");
	spew("longer", buf, MB + 1);
	expect_both("a word longer than 1 MB", "longer", "larger than 1 MB");
	buf[0] = '"';
	spew("long", buf, MB - 1);
	expect_both("a string of 1 MB", "long", "longer than 8192");
	buf[1000] = '"';
	spew("long", buf, 2000);
	expect_both("a string of 1 kB", "long", "...\"");
	memset(buf, '{', 100000);
	spew("nested", buf, 100000);
	expect_both("10^5 braces", "nested", "syntax error");
	memset(buf + 100000, '}', 100000);
	spew("nested", buf, 200000);
	expect_both("10^5 pairs of braces", "nested", "syntax error");
	memset(buf, '\\', 1000000);
	spew("backslash", buf, 1000000);
	expect_both("10^6 backslashes", "backslash", "unexpected character");
	free(buf);
}

/* Many small things are not quadratic. */
static void
expect_quick(void)
{
	clock_t		 begin, end;
	struct conf	*c;
	FILE		*f;
	char		*said;
	int		 i;

	if ((f = fopen("many", "w")) == NULL)
		err(1, "many");
	fprintf(f, "listen on 127.0.0.1 port 1\n");
	for (i = 0; i < 10000; i++)
		fprintf(f, "realm r%d{authenticate anonymous role x "
		    "role x{allow any}}\n", i);
	fclose(f);
	begin = clock();
	c = parse("many", &said);
	end = clock();
	if (c == NULL)
		fail("10000 realms", said);
	else if (end - begin > 5 * CLOCKS_PER_SEC)
		fail("10000 realms", "takes too long");
	else
		printf("ok - 10000 realms\n");
	conf_free(c);
	free(said);
}

/* conf file ...: without looking at what they name. */
static int
parse_only(char **files)
{
	struct conf	*c;
	int		 bad = 0;

	for (; *files != NULL; files++) {
		if ((c = conf_parse(*files, NULL, 0)) == NULL)
			bad = 1;
		conf_free(c);
	}
	return (bad);
}

int
main(int argc, char **argv)
{
	char	path[PATH_MAX];

	log_init(LOG_TO_STDERR, "wampd");
	if (argc > 1)
		return (parse_only(argv + 1));
	if ((top = getenv("top")) == NULL)
		top = ".";
	is_update = getenv("UPDATE") != NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	if (realpath(top, path) == NULL)
		err(1, "%s", top);
	top = path;
	if (getenv("TEST_TMP") == NULL || chdir(getenv("TEST_TMP")) == -1 ||
	    mkdir("conf", 0755) == -1 || chdir("conf") == -1 ||
	    mkdir("inc", 0755) == -1)
		err(1, "TEST_TMP");
	copy_cases("inc/", ".conf", NULL);
	copy_cases("inc/", ".inc", NULL);
	copy_cases("", ".in", check_one);
	check_installed();
	check_macros();
	refuse_special_files();
	refuse_foreign_files();
	hide_secret_files();
	refuse_includes();
	refuse_texts();
	refuse_expansion();
	expect_quick();
	return (nfailed == 0 ? 0 : 1);
}
