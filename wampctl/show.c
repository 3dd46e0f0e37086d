/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Asks wampd, and shows its answer: tables for people, JSON for programs.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "promtext.h"
#include "wampctl.h"
#include "xmalloc.h"

struct answer {
	const struct options	*opt;
	const struct view	*view;
	struct table		*table;		/* or NULL: JSON */
	struct promtext		 metrics;
	struct wbuf		 extended, json, text;
	size_t			 nrows;
	uint64_t		 nkilled;
	int			 is_refused;	/* there is none */
	int			 is_leaving;	/* old processes have more */
	int			 has_failed;	/* or the exit status */
};

/* How the rows of an answer look. */
struct view {
	enum ctl_what		 what;
	const struct column	*columns;	/* NULL: a line a field */
	size_t			 ncolumns;
	int			 (*extend)(const struct val *, struct wbuf *);
};
#define EXIT_DENIED	3	/* as of wampd -n -t */
#define COLUMNS(c)	c, sizeof(c) / sizeof(c[0])

static const struct column processes[] = {
	{ "process", "PROCESS", SHOW_PLAIN },
	{ "pid", "PID", SHOW_PLAIN },
	{ "user", "USER", SHOW_PLAIN },
	{ "state", "STATE", SHOW_PLAIN },
	{ "starts", "STARTS", SHOW_PLAIN },
	{ "uptime", "UPTIME", SHOW_SECONDS },
	{ "cpu_ms", "CPU-MS", SHOW_PLAIN },
	{ "memory", "MEMORY", SHOW_SIZE },
};
static const struct column listeners[] = {
	{ "listener", "LISTENER", SHOW_PLAIN },
	{ "kind", "KIND", SHOW_PLAIN },
	{ "tls", "TLS", SHOW_PLAIN },
	{ "client_ca", "CLIENT-CA", SHOW_PLAIN },
	{ "rawsocket", "RAWSOCKET", SHOW_PLAIN },
	{ "websocket", "WEBSOCKET", SHOW_PLAIN },
	{ "serializers", "SERIALIZERS", SHOW_PLAIN },
	{ "keypairs", "KEYPAIRS", SHOW_PLAIN },
	{ "proxy_protocol_from", "PROXY-PROTOCOL-FROM", SHOW_PLAIN },
};
static const struct column realms[] = {
	{ "realm", "REALM", SHOW_PLAIN },
	{ "broker", "BROKER", SHOW_PLAIN },
	{ "roles", "ROLES", SHOW_PLAIN },
	{ "methods", "METHODS", SHOW_PLAIN },
	{ "uri", "URI", SHOW_PLAIN },
	{ "file", "FILE", SHOW_PLAIN },
	{ "line", "LINE", SHOW_PLAIN },
};
static const struct column limits[] = {
	{ "limit", "LIMIT", SHOW_PLAIN },
	{ "value", "VALUE", SHOW_PLAIN },
	{ "used", "USED", SHOW_PLAIN },
	{ "unit", "UNIT", SHOW_PLAIN },
};
static const struct column certificates[] = {
	{ "keypair", "KEYPAIR", SHOW_PLAIN },
	{ "days_left", "DAYS", SHOW_PLAIN },
	{ "not_after", "EXPIRES", SHOW_PLAIN },
	{ "in_force", "IN-FORCE", SHOW_PLAIN },
	{ "names", "NAMES", SHOW_PLAIN },
	{ "fingerprint", "FINGERPRINT", SHOW_PLAIN },
};

static const struct column sessions[] = {
	{ "session", "SESSION", SHOW_PLAIN },
	{ "realm", "REALM", SHOW_PLAIN },
	{ "authid", "AUTHID", SHOW_PLAIN },
	{ "authrole", "ROLE", SHOW_PLAIN },
	{ "authmethod", "METHOD", SHOW_PLAIN },
	{ "proxy", "PROXY", SHOW_PLAIN },
	{ "since", "SINCE", SHOW_PLAIN },
	{ "subscriptions", "SUBS", SHOW_PLAIN },
	{ "registrations", "REGS", SHOW_PLAIN },
	{ "calls", "CALLS", SHOW_PLAIN },
	{ "invocations", "INVOCATIONS", SHOW_PLAIN },
	{ "slow", "SLOW", SHOW_PLAIN },
};
static const struct column subscriptions[] = {
	{ "id", "ID", SHOW_PLAIN },
	{ "realm", "REALM", SHOW_PLAIN },
	{ "uri", "URI", SHOW_PLAIN },
	{ "match", "MATCH", SHOW_PLAIN },
	{ "subscribers", "SUBSCRIBERS", SHOW_PLAIN },
	{ "history", "HISTORY", SHOW_PLAIN },
	{ "created", "CREATED", SHOW_PLAIN },
};
static const struct column registrations[] = {
	{ "id", "ID", SHOW_PLAIN },
	{ "realm", "REALM", SHOW_PLAIN },
	{ "uri", "URI", SHOW_PLAIN },
	{ "match", "MATCH", SHOW_PLAIN },
	{ "invoke", "INVOKE", SHOW_PLAIN },
	{ "callees", "CALLEES", SHOW_PLAIN },
	{ "busy_callees", "BUSY", SHOW_PLAIN },
	{ "created", "CREATED", SHOW_PLAIN },
};
static const struct column calls[] = {
	{ "realm", "REALM", SHOW_PLAIN },
	{ "procedure", "PROCEDURE", SHOW_PLAIN },
	{ "caller", "CALLER", SHOW_PLAIN },
	{ "callee", "CALLEE", SHOW_PLAIN },
	{ "age_ms", "AGE-MS", SHOW_PLAIN },
	{ "timeout_ms", "TIMEOUT-MS", SHOW_PLAIN },
	{ "progressive", "PROGRESSIVE", SHOW_PLAIN },
	{ "canceled", "CANCELED", SHOW_PLAIN },
};
static const struct column connections[] = {
	{ "proxy", "PROXY", SHOW_PLAIN },
	{ "connection", "NUMBER", SHOW_PLAIN },
	{ "address", "ADDRESS", SHOW_PLAIN },
	{ "transport", "TRANSPORT", SHOW_PLAIN },
	{ "serializer", "SERIALIZER", SHOW_PLAIN },
	{ "tls", "TLS", SHOW_PLAIN },
	{ "state", "STATE", SHOW_PLAIN },
	{ "session", "SESSION", SHOW_PLAIN },
	{ "realm", "REALM", SHOW_PLAIN },
	{ "authid", "AUTHID", SHOW_PLAIN },
	{ "idle_ms", "IDLE-MS", SHOW_PLAIN },
	{ "queued", "QUEUED", SHOW_SIZE },
	{ "slow", "SLOW", SHOW_PLAIN },
};
static const struct column memory[] = {
	{ "process", "PROCESS", SHOW_PLAIN },
	{ "instance", "NUMBER", SHOW_PLAIN },
	{ "what", "WHAT", SHOW_PLAIN },
	{ "peer", "TO", SHOW_PLAIN },
	{ "peer_instance", "NUMBER", SHOW_PLAIN },
	{ "count", "COUNT", SHOW_PLAIN },
	{ "octets", "OCTETS", SHOW_SIZE },
	{ "limit", "LIMIT", SHOW_SIZE },
};

static const struct column sandbox[] = {
	{ "process", "PROCESS", SHOW_PLAIN },
	{ "user", "USER", SHOW_PLAIN },
	{ "groups", "GROUPS", SHOW_PLAIN },
	{ "root", "ROOT", SHOW_PLAIN },
	{ "namespaces", "NAMESPACES", SHOW_PLAIN },
	{ "seccomp", "SECCOMP", SHOW_PLAIN },
	{ "no_new_privs", "NO-NEW-PRIVS", SHOW_PLAIN },
	{ "capabilities", "CAPABILITIES", SHOW_PLAIN },
	{ "weaker", "WEAKER", SHOW_PLAIN },
};

static const struct view views[] = {
	{ CTL_SUMMARY, NULL, 0, NULL },
	{ CTL_PROCESSES, COLUMNS(processes), proc_row },
	{ CTL_LISTENERS, COLUMNS(listeners), NULL },
	{ CTL_REALMS, COLUMNS(realms), NULL },
	{ CTL_LIMITS, COLUMNS(limits), NULL },
	{ CTL_CERTIFICATES, COLUMNS(certificates), cert_row },
	{ CTL_CONFIG, NULL, 0, NULL },
	{ CTL_SANDBOX, COLUMNS(sandbox), sandbox_row },
	{ CTL_TEST, NULL, 0, NULL },
	{ CTL_SESSIONS, COLUMNS(sessions), NULL },
	{ CTL_SESSION, NULL, 0, NULL },
	{ CTL_SUBSCRIPTIONS, COLUMNS(subscriptions), NULL },
	{ CTL_REGISTRATIONS, COLUMNS(registrations), NULL },
	{ CTL_CALLS, COLUMNS(calls), NULL },
	{ CTL_CONNECTIONS, COLUMNS(connections), NULL },
	{ CTL_MEMORY, COLUMNS(memory), NULL },
	{ CTL_METRICS, NULL, 0, NULL },
	{ CTL_KILL_SESSION, NULL, 0, NULL },
	{ CTL_KILL_AUTHID, NULL, 0, NULL },
	{ CTL_RELOAD, NULL, 0, NULL },
	{ CTL_LOG, NULL, 0, NULL },
	{ CTL_DRAIN, NULL, 0, NULL },
	{ CTL_RESUME, NULL, 0, NULL },
	{ CTL_UPGRADE, NULL, 0, NULL },
	{ CTL_STOP, NULL, 0, NULL },
};
#define NVIEWS	(sizeof(views) / sizeof(views[0]))

/* -- rows --------------------------------------------------------------- */

static int
json_row(struct answer *a, const struct val *row)
{
	wbuf_reset(&a->json);
	if (codec_convert(row, SER_JSON, &a->json) != CODEC_OK)
		return (-1);
	printf("%s", a->nrows++ == 0 ? "[" : ",\n ");
	fwrite(a->json.buf, 1, a->json.len, stdout);
	return (0);
}

static int
is_kill(const struct answer *a)
{
	return (a->view->what == CTL_KILL_SESSION ||
	    a->view->what == CTL_KILL_AUTHID);
}

/* allowed by FILE:LINE, asked of PROCEDURE by ..., denied, WHY */
static int
tested(struct answer *a, const struct val *row)
{
	char		outcome[16], text[CTL_MAXDATA];
	uint64_t	line;

	if (row_text(row, "outcome", outcome, sizeof(outcome)) == -1)
		return (-1);
	if (strcmp(outcome, "denied") == 0)
		a->has_failed = EXIT_DENIED;
	if (a->opt->json)
		return (0);
	print_clean(outcome, strlen(outcome), stdout);
	if (row_text(row, "procedure", text, sizeof(text)) != -1) {
		printf(" of \"");
		print_clean(text, strlen(text), stdout);
		printf("\"");
	}
	if (row_text(row, "reason", text, sizeof(text)) != -1) {
		printf(", ");
		print_clean(text, strlen(text), stdout);
	}
	if (row_text(row, "file", text, sizeof(text)) != -1 &&
	    row_uint(row, "line", &line) == 0) {
		printf(" by ");
		print_clean(text, strlen(text), stdout);
		printf(":%llu", (unsigned long long)line);
	}
	printf("\n");
	return (0);
}

/* A row of ours has been checked, one of a child's has not. */
static int
take_row(struct answer *a, const uint8_t *p, size_t len)
{
	struct val	row, longer;
	uint64_t	n;

	if (row_check(p, len, &row) == -1)
		return (-1);
	if (is_kill(a)) {
		if (row_uint(&row, "killed", &n) == -1)
			return (-1);
		a->nkilled += n;
		return (0);
	}
	if (a->view->extend != NULL) {
		wbuf_reset(&a->extended);
		if (a->view->extend(&row, &a->extended) == -1)
			a->has_failed = 1;
		if (a->extended.failed || row_check(a->extended.buf,
		    a->extended.len, &longer) == -1)
			return (-1);
		row = longer;
	}
	if (a->view->what == CTL_TEST && tested(a, &row) == -1)
		return (-1);
	if (a->opt->json)
		return (json_row(a, &row));
	if (a->view->what == CTL_METRICS)
		return (promtext_add(&a->metrics, &row));
	if (a->view->what != CTL_TEST)
		table_row(a->table, &row);
	a->nrows++;
	return (0);
}

/* Text is shown as it comes, or kept for JSON. */
static void
take_text(struct answer *a, const uint8_t *p, size_t len)
{
	if (a->opt->json)
		wbuf_add(&a->text, p, len);
	else
		print_clean(p, len, a->view->what == CTL_RELOAD ||
		    a->view->what == CTL_UPGRADE ? stderr : stdout);
}

/* One object that holds all of the text, and whether it was done. */
static void
json_text(struct answer *a, const char *key, const char *done, int is_done)
{
	struct wbuf	w;
	struct val	row;
	struct enc	e;

	memset(&w, 0, sizeof(w));
	enc_init(&e, SER_MSGPACK, &w);
	enc_map(&e, done != NULL ? 2 : 1);
	if (done != NULL) {
		enc_str(&e, done, strlen(done));
		enc_bool(&e, is_done);
	}
	enc_str(&e, key, strlen(key));
	enc_str(&e, (const char *)a->text.buf, a->text.len);
	enc_end(&e);
	if (w.failed || row_check(w.buf, w.len, &row) == -1 ||
	    json_row(a, &row) == -1) {
		log_warnx("control socket: text that is no UTF-8");
		a->has_failed = 1;
	}
	wbuf_free(&w);
}

/* What a reload and an upgrade say meanwhile, as JSON. */
static void
json_outcome(struct answer *a, int is_done)
{
	if (a->view->what == CTL_RELOAD)
		json_text(a, "messages", "reloaded", is_done);
	else if (a->view->what == CTL_UPGRADE)
		json_text(a, "messages", "upgraded", is_done);
}

/* -- the whole ---------------------------------------------------------- */

/* Where it may be all the same, that is said. */
static void
no_session(struct answer *a)
{
	log_warnx(a->is_leaving ? "there is no such session; those in the old "
	    "processes of the upgrade are not known here, and end by "
	    "themselves" : "there is no such session");
	a->has_failed = 1;
}

/* Each broker said how many; if it was none, that is a failure. */
static void
killed(struct answer *a)
{
	if (a->opt->json) {
		printf("[{\"killed\":%llu}", (unsigned long long)a->nkilled);
		a->nrows++;
	} else if (a->nkilled > 0)
		printf("%llu killed\n", (unsigned long long)a->nkilled);
	if (a->nkilled == 0 && !a->has_failed)
		no_session(a);
	else if (a->is_leaving)
		log_warnx("those in the old processes of the upgrade are not "
		    "among them, and end by themselves");
}

/* Text of another format than tables have. */
static void
metrics(struct answer *a)
{
	struct wbuf	w;

	memset(&w, 0, sizeof(w));
	if (promtext_end(&a->metrics, &w) == -1)
		fatalx("out of memory");
	fwrite(w.buf, 1, w.len, stdout);
	wbuf_free(&w);
}

static void
end(struct answer *a)
{
	if (is_kill(a))
		killed(a);
	else if (a->view->what == CTL_METRICS && !a->opt->json)
		metrics(a);
	else if (a->view->what == CTL_SESSION && a->nrows == 0 &&
	    !a->has_failed)
		no_session(a);
	else if (a->view->what == CTL_CONFIG && a->opt->json)
		json_text(a, "config", NULL, 1);
	else if (a->opt->json)
		json_outcome(a, 1);
	else if (a->view->what == CTL_RELOAD)
		printf("configuration reloaded\n");
}

/* 1: goes on, 0: the end of it, -1: nonsense. */
static int
take(struct answer *a, const struct frame *f)
{
	switch (f->h.kind) {
	case CTL_ROW:
		return (take_row(a, f->data, f->h.len) == -1 ? -1 : 1);
	case CTL_TEXT:
		take_text(a, f->data, f->h.len);
		return (1);
	case CTL_ERROR:
		a->is_refused = a->has_failed = 1;
		if (a->text.len == 0)
			wbuf_add(&a->text, f->data, f->h.len);
		if (a->opt->json)
			json_outcome(a, 0);
		client_error(f);
		return (0);
	default:
		if ((f->h.flags & CTL_INCOMPLETE) != 0) {
			log_warnx("a process did not answer: this is not all");
			a->has_failed = 1;
		}
		a->is_leaving = (f->h.flags & CTL_LEAVING) != 0;
		end(a);
		return (0);
	}
}

/*
 * All of it first, and then to standard output, which may be a pager: as long
 * as wampd has something for us its processes are not asked by others.
 */
static void
read_answer(struct answer *a, int fd)
{
	static struct frame	 f;
	struct wbuf		 all;
	size_t			 off = 0;
	int			 rv;

	memset(&all, 0, sizeof(all));
	while ((rv = client_frame(fd, &f)) == 1) {
		wbuf_add(&all, &f, sizeof(f.h) + f.h.len);
		if (all.failed)
			fatalx("out of memory");
		if (f.h.kind == CTL_ERROR || f.h.kind == CTL_END)
			break;
	}
	while (off < all.len) {
		memcpy(&f, all.buf + off, sizeof(f.h));
		memcpy(f.data, all.buf + off + sizeof(f.h), f.h.len);
		off += sizeof(f.h) + f.h.len;
		if (take(a, &f) == -1) {
			log_warnx("control socket: nonsense");
			rv = -1;
			break;
		}
	}
	if (rv == 0)
		log_warnx("wampd closed the control socket");
	if (rv != 1)
		a->has_failed = 1;
	wbuf_free(&all);
}

/* Until wampd is gone. */
static void
wait_for_end(int fd)
{
	char	c;
	ssize_t	n;

	while ((n = read(fd, &c, 1)) > 0 || (n == -1 && errno == EINTR))
		;
}

static const struct view *
view_of(unsigned int what)
{
	size_t	i;

	for (i = 0; i < NVIEWS; i++)
		if (views[i].what == what)
			return (&views[i]);
	fatalx("no view");
}

int
show(const struct options *opt, const struct ctl_request *req)
{
	struct answer	a;
	int		fd;

	if ((fd = client_connect(opt->socket)) == -1)
		return (1);
	memset(&a, 0, sizeof(a));
	a.opt = opt;
	a.view = view_of(req->what);
	promtext_init(&a.metrics);
	if (!opt->json && req->what != CTL_METRICS)
		a.table = table_new(a.view->columns, a.view->ncolumns);
	if (client_send(fd, req) == -1)
		a.has_failed = 1;
	else
		read_answer(&a, fd);
	if (opt->json)
		printf("%s\n", a.nrows > 0 ? "]" : "[]");
	table_end(a.table, a.is_refused);
	if (req->what == CTL_STOP && !a.has_failed)
		wait_for_end(fd);
	close(fd);
	promtext_free(&a.metrics);
	wbuf_free(&a.extended);
	wbuf_free(&a.json);
	wbuf_free(&a.text);
	return (a.has_failed);
}

/* -- monitor ------------------------------------------------------------ */

static int
print_line(const struct options *opt, const struct frame *f, struct wbuf *json)
{
	struct val	row;
	char		time[64], text[CTL_MAXDATA];

	if (row_check(f->data, f->h.len, &row) == -1 ||
	    row_text(&row, "time", time, sizeof(time)) == -1 ||
	    row_text(&row, "text", text, sizeof(text)) == -1)
		return (-1);
	if (opt->json) {
		wbuf_reset(json);
		if (codec_convert(&row, SER_JSON, json) != CODEC_OK)
			return (-1);
		fwrite(json->buf, 1, json->len, stdout);
	} else {
		print_clean(time, strlen(time), stdout);
		putchar(' ');
		print_clean(text, strlen(text), stdout);
	}
	putchar('\n');
	return (0);
}

/* Lines as they come, until one of us leaves. */
int
monitor(const struct options *opt, const struct ctl_request *req)
{
	static struct frame	 f;
	struct wbuf		 json;
	int			 fd, rv;

	memset(&json, 0, sizeof(json));
	if ((fd = client_connect(opt->socket)) == -1 ||
	    client_send(fd, req) == -1)
		return (1);
	while ((rv = client_frame(fd, &f)) == 1 && f.h.kind == CTL_ROW) {
		if (print_line(opt, &f, &json) == -1)
			break;
		/* who reads them is gone: main() says so */
		if (fflush(stdout) == EOF)
			break;
	}
	if (rv == 1 && f.h.kind == CTL_ERROR)
		client_error(&f);
	else if (rv == 1 && !ferror(stdout))
		log_warnx("control socket: nonsense");
	else if (rv == 0)
		log_warnx("wampd closed the control socket");
	wbuf_free(&json);
	close(fd);
	return (1);
}

/* -- check -------------------------------------------------------------- */

/* The wampd beside us: with our rights, not with those of the daemon. */
static void
find_wampd(char *path, size_t size)
{
	char	*slash;
	ssize_t	 n;

	n = readlink("/proc/self/exe", path, size - sizeof("/wampd"));
	path[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(path, '/')) == NULL)
		fatalx("/proc/self/exe: where am I?");
	memcpy(slash, "/wampd", sizeof("/wampd"));
}

/* Run it, and make an object of what it says; returns its exit status. */
static int
run_json(const struct options *opt, char **argv)
{
	struct answer	 a;
	char		 buf[4096];
	ssize_t		 n;
	pid_t		 pid;
	int		 fds[2], null, status;

	memset(&a, 0, sizeof(a));
	a.opt = opt;
	if (pipe(fds) == -1 || (null = open("/dev/null", O_WRONLY)) == -1 ||
	    (pid = fork()) == -1)
		fatal("check");
	if (pid == 0) {
		if (dup2(fds[1], STDERR_FILENO) == -1 ||
		    dup2(null, STDOUT_FILENO) == -1)
			_exit(127);
		close(fds[0]);
		execv(argv[0], argv);
		log_warn("%s", argv[0]);
		_exit(127);
	}
	close(null);
	close(fds[1]);
	while ((n = read(fds[0], buf, sizeof(buf))) > 0 ||
	    (n == -1 && errno == EINTR))
		if (n > 0)
			wbuf_add(&a.text, buf, (size_t)n);
	close(fds[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	json_text(&a, "messages", "good", status == 0);
	printf("%s\n", a.nrows > 0 ? "]" : "[]");
	wbuf_free(&a.json);
	wbuf_free(&a.text);
	return (status != 0 || a.has_failed);
}

/*
 * wampd -n with the file and the macros of the running one.  Returns the
 * exit status, if at all.
 */
int
check(const struct options *opt, const struct ctl_request *req)
{
	static struct frame	  f;
	struct val		  row;
	char			  path[PATH_MAX], text[CTL_MAXDATA];
	char			**argv;
	size_t			  n = 0;
	int			  fd, rv, status = 1;

	if ((fd = client_connect(opt->socket)) == -1)
		return (1);
	find_wampd(path, sizeof(path));
	argv = xcalloc(3, sizeof(*argv));
	argv[n++] = path;
	argv[n++] = xstrdup("-n");
	if (client_send(fd, req) == -1) {
		close(fd);
		goto fail;
	}
	while ((rv = client_frame(fd, &f)) == 1 && f.h.kind == CTL_ROW) {
		argv = xreallocarray(argv, n + 3, sizeof(*argv));
		if (row_check(f.data, f.h.len, &row) == -1)
			fatalx("control socket: nonsense");
		if (row_text(&row, "file", text, sizeof(text)) != -1)
			argv[n++] = xstrdup("-f");
		else if (row_text(&row, "macro", text, sizeof(text)) != -1)
			argv[n++] = xstrdup("-D");
		else
			continue;
		argv[n++] = xstrdup(text);
	}
	close(fd);
	if (rv == 1 && f.h.kind == CTL_ERROR) {
		client_error(&f);
		goto fail;
	}
	if (rv != 1 || f.h.kind != CTL_END) {
		log_warnx("wampd closed the control socket");
		goto fail;
	}
	argv[n] = NULL;
	if (opt->json) {
		status = run_json(opt, argv);
		goto done;
	}
	execv(path, argv);
	log_warn("%s", path);
fail:
	if (opt->json)
		printf("[]\n");
done:
	while (--n > 0)
		free(argv[n]);
	free(argv);
	return (status);
}
