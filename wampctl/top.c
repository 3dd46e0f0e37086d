/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * top: what the processes do, again and again.  On a terminal a screen that
 * is drawn anew until "q"; elsewhere, or as JSON, one snapshot after another.
 */
#include <sys/types.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "isotime.h"
#include "log.h"
#include "mono.h"
#include "wampctl.h"
#include "words.h"

#define MAXPROCS	128
#define MAXLINES	(MAXPROCS + 8)
#define MAXNAME		17	/* with the other columns 80 */

#define SCREEN_BEGIN	"\033[?1049h\033[?25l"
#define SCREEN_END	"\033[?25h\033[?1049l"
#define SCREEN_HOME	"\033[H"
#define LINE_END	"\033[K\r\n"
#define SCREEN_REST	"\033[J"

/* Counters are since the process was started; what is not known is -1. */
struct process {
	char		 name[64];
	uint64_t	 pid, starts;
	int64_t		 cpu_ms, memory;
	int64_t		 sessions, connections, in, out;
	double		 cpu, in_rate, out_rate;	/* -1: not known */
};

struct sample {
	struct process	 procs[MAXPROCS];
	size_t		 nprocs;
	uint64_t	 at;		/* mono_ms() */
	int64_t		 sessions, connections;
	double		 in_rate, out_rate;
	int		 is_incomplete;
};

static struct termios		 before;
static volatile sig_atomic_t	 is_ended;

/* -- samples ------------------------------------------------------------ */

static int64_t
number(const struct val *row, const char *name)
{
	uint64_t	n;

	return (row_uint(row, name, &n) == 0 && n <= INT64_MAX ? (int64_t)n :
	    -1);
}

static int
take_process(struct sample *s, const struct val *row)
{
	static struct wbuf	 w;
	struct val		 longer;
	struct process		*p;

	if (s->nprocs == MAXPROCS)
		return (0);
	p = &s->procs[s->nprocs];
	memset(p, 0, sizeof(*p));
	wbuf_reset(&w);
	if (proc_row(row, &w) == -1 || w.failed ||
	    row_check(w.buf, w.len, &longer) == -1 ||
	    row_text(row, "process", p->name, sizeof(p->name)) == -1)
		return (-1);
	if (row_uint(row, "pid", &p->pid) == -1)
		p->pid = 0;
	if (row_uint(row, "starts", &p->starts) == -1)
		return (-1);
	p->cpu_ms = number(&longer, "cpu_ms");
	p->memory = number(&longer, "memory");
	p->sessions = p->connections = p->in = p->out = -1;
	p->cpu = p->in_rate = p->out_rate = -1;
	s->nprocs++;
	return (0);
}

/* A row of "show memory" belongs to a process by its role and number. */
static int
take_count(struct sample *s, const struct val *row)
{
	char		 role[32], what[32], name[64];
	struct process	*p;
	uint64_t	 instance;
	size_t		 i;

	if (row_text(row, "process", role, sizeof(role)) == -1 ||
	    row_text(row, "what", what, sizeof(what)) == -1 ||
	    row_uint(row, "instance", &instance) == -1)
		return (-1);
	if (strcmp(role, "keeper") == 0 || strcmp(role, "metrics") == 0)
		strlcpy(name, role, sizeof(name));
	else
		snprintf(name, sizeof(name), "%s %llu", role,
		    (unsigned long long)instance);
	for (i = 0; i < s->nprocs; i++)
		if (strcmp(s->procs[i].name, name) == 0)
			break;
	if (i == s->nprocs)
		return (0);
	p = &s->procs[i];
	if (strcmp(what, "sessions") == 0) {
		p->sessions = number(row, "count");
		if (strcmp(role, "broker") == 0 && p->sessions > 0)
			s->sessions += p->sessions;
	} else if (strcmp(what, "connections") == 0) {
		p->connections = number(row, "count");
		if (p->connections > 0)
			s->connections += p->connections;
	} else if (strcmp(what, "messages_in") == 0)
		p->in = number(row, "count");
	else if (strcmp(what, "messages_out") == 0)
		p->out = number(row, "count");
	return (0);
}

/* Until there is an answer, or somebody ends us: 1, or -1. */
static int
wait_for(int fd)
{
	struct pollfd	pfd;
	int		n;

	do {
		if (is_ended)
			return (-1);
		pfd.fd = fd;
		pfd.events = POLLIN;
		/* a signal may come between these two */
		n = poll(&pfd, 1, 500);
	} while (n == 0 || (n == -1 && errno == EINTR));
	return (n == 1 ? 1 : -1);
}

static int
ask(int fd, unsigned int what, struct sample *s,
    int (*take)(struct sample *, const struct val *))
{
	static struct frame	f;
	struct ctl_request	req;
	struct val		row;
	int			rv;

	memset(&req, 0, sizeof(req));
	req.magic = CTL_MAGIC;
	req.what = (uint16_t)what;
	if (client_send(fd, &req) == -1)
		return (-1);
	while ((rv = wait_for(fd)) == 1 &&
	    (rv = client_frame(fd, &f)) == 1 && f.h.kind == CTL_ROW)
		if (row_check(f.data, f.h.len, &row) == -1 ||
		    take(s, &row) == -1)
			break;
	if (rv == 1 && f.h.kind == CTL_END) {
		s->is_incomplete |= (f.h.flags & CTL_INCOMPLETE) != 0;
		return (0);
	}
	if (is_ended)
		return (-1);
	if (rv == 1 && f.h.kind == CTL_ERROR)
		client_error(&f);
	else if (rv == 0)
		log_warnx("wampd closed the control socket");
	else if (rv == 1)
		log_warnx("control socket: nonsense");
	return (-1);
}

static double
rate(int64_t now, int64_t then, uint64_t ms)
{
	if (now < 0 || then < 0 || now < then || ms == 0)
		return (-1);
	return ((double)(now - then) * 1000 / (double)ms);
}

/* How it went since the last one, if that is the same process. */
static void
compare(struct sample *s, const struct sample *last)
{
	const struct process	*old;
	struct process		*p;
	size_t			 i, k;

	s->in_rate = s->out_rate = -1;
	for (i = 0; i < s->nprocs; i++) {
		p = &s->procs[i];
		for (k = 0; k < last->nprocs; k++)
			if (last->procs[k].pid == p->pid && p->pid != 0)
				break;
		if (k == last->nprocs)
			continue;
		old = &last->procs[k];
		p->cpu = rate(p->cpu_ms, old->cpu_ms, s->at - last->at);
		if (p->cpu >= 0)
			p->cpu /= 10;	/* of 1000 ms a second, in percent */
		p->in_rate = rate(p->in, old->in, s->at - last->at);
		p->out_rate = rate(p->out, old->out, s->at - last->at);
		if (p->in_rate >= 0)
			s->in_rate = p->in_rate +
			    (s->in_rate > 0 ? s->in_rate : 0);
		if (p->out_rate >= 0)
			s->out_rate = p->out_rate +
			    (s->out_rate > 0 ? s->out_rate : 0);
	}
}

static int
sample(int fd, struct sample *s, const struct sample *last)
{
	memset(s, 0, sizeof(*s));
	if (ask(fd, CTL_PROCESSES, s, take_process) == -1)
		return (-1);
	s->at = mono_ms();
	if (ask(fd, CTL_MEMORY, s, take_count) == -1)
		return (-1);
	compare(s, last);
	return (0);
}

/* -- JSON --------------------------------------------------------------- */

static void
put_number(struct enc *e, const char *key, int64_t n)
{
	enc_str(e, key, strlen(key));
	if (n < 0)
		enc_nil(e);
	else
		enc_uint(e, (uint64_t)n);
}

static void
put_rate(struct enc *e, const char *key, double n)
{
	enc_str(e, key, strlen(key));
	if (n < 0)
		enc_nil(e);
	else
		enc_double(e, n);
}

static void
print_json(const struct sample *s)
{
	static struct wbuf	 w;
	const struct process	*p;
	struct enc		 e;
	char			 iso[ISOTIME_LEN + 1];
	size_t			 i;

	wbuf_reset(&w);
	enc_init(&e, SER_JSON, &w);
	enc_map(&e, 7);
	isotime(iso, wall_ms());
	ENC_KEY(&e, "time");
	enc_str(&e, iso, strlen(iso));
	put_number(&e, "sessions", s->sessions);
	put_number(&e, "connections", s->connections);
	put_rate(&e, "messages_in", s->in_rate);
	put_rate(&e, "messages_out", s->out_rate);
	ENC_KEY(&e, "incomplete");
	enc_bool(&e, s->is_incomplete);
	ENC_KEY(&e, "processes");
	enc_array(&e, (uint32_t)s->nprocs);
	for (i = 0; i < s->nprocs; i++) {
		p = &s->procs[i];
		enc_map(&e, 9);
		ENC_KEY(&e, "process");
		enc_str(&e, p->name, strlen(p->name));
		put_number(&e, "pid", p->pid > 0 ? (int64_t)p->pid : -1);
		put_number(&e, "starts", (int64_t)p->starts);
		put_rate(&e, "cpu", p->cpu);
		put_number(&e, "memory", p->memory);
		put_number(&e, "sessions", p->sessions);
		put_number(&e, "connections", p->connections);
		put_rate(&e, "messages_in", p->in_rate);
		put_rate(&e, "messages_out", p->out_rate);
		enc_end(&e);
	}
	enc_end(&e);
	enc_end(&e);
	if (w.failed)
		fatalx("out of memory");
	fwrite(w.buf, 1, w.len, stdout);
	putchar('\n');
}

/* -- lines -------------------------------------------------------------- */

static const char *
text_rate(char *buf, size_t size, double n, const char *fmt)
{
	if (n < 0)
		strlcpy(buf, "-", size);
	else if (*fmt == '1')
		snprintf(buf, size, "%.1f", n);
	else
		snprintf(buf, size, "%.0f", n);
	return (buf);
}

static const char *
text_number(char *buf, size_t size, int64_t n)
{
	if (n < 0)
		strlcpy(buf, "-", size);
	else
		snprintf(buf, size, "%lld", (long long)n);
	return (buf);
}

/* Names take what they need, so that all of it fits into 80 columns. */
static int
name_width(const struct sample *s)
{
	size_t	i, n, max = sizeof("PROCESS") - 1;

	for (i = 0; i < s->nprocs; i++)
		if ((n = strlen(s->procs[i].name)) > max)
			max = n;
	return (max < MAXNAME ? (int)max : MAXNAME);
}

static void
head_line(const struct sample *s, int is_screen, char *line, size_t size)
{
	char	iso[ISOTIME_LEN + 1], in[32], out[32];

	isotime(iso, wall_ms());
	/* a screen is narrow, and of today */
	snprintf(line, size, "%.*s%s  sessions %lld  connections %lld  "
	    "%s %s  %s %s%s%s", is_screen ? 8 : ISOTIME_LEN,
	    iso + (is_screen ? 11 : 0), is_screen ? "Z" : "",
	    (long long)s->sessions, (long long)s->connections,
	    is_screen ? "in/s" : "messages/s in",
	    text_rate(in, sizeof(in), s->in_rate, "0"),
	    is_screen ? "out/s" : "out",
	    text_rate(out, sizeof(out), s->out_rate, "0"),
	    is_screen ? "  q: quit" : "",
	    s->is_incomplete ? "  (incomplete)" : "");
}

/* All of it, cut to what the screen takes; 0: as it is. */
static void
print_lines(const struct sample *s, const char *end, unsigned int columns,
    unsigned int rows)
{
	const struct process	*p;
	char			 line[512], b[8][32];
	size_t			 i;
	unsigned int		 n = 0;
	int			 width = name_width(s);

	head_line(s, columns > 0, line, sizeof(line));
	if (columns == 0 || columns >= sizeof(line))
		columns = sizeof(line) - 1;
	if (rows == 0)
		rows = MAXLINES;
	printf("%.*s%s", (int)columns, line, end);
	snprintf(line, sizeof(line), "%-*s %7s %6s %5s %8s %8s %7s %7s %7s",
	    width, "PROCESS", "PID", "STARTS", "CPU%", "MEMORY-K", "SESSIONS",
	    "CONNS", "IN/S", "OUT/S");
	printf("%.*s", (int)columns, line);
	/* the last line has no end, or the screen would roll */
	for (i = 0, n = 2; i < s->nprocs && n < rows; i++, n++) {
		p = &s->procs[i];
		snprintf(line, sizeof(line), "%-*.*s %7s %6llu %5s %8s %8s "
		    "%7s %7s %7s", width, width, p->name,
		    text_number(b[0], sizeof(b[0]), p->pid > 0 ?
		    (int64_t)p->pid : -1), (unsigned long long)p->starts,
		    text_rate(b[1], sizeof(b[1]), p->cpu, "1"),
		    text_number(b[2], sizeof(b[2]), p->memory < 0 ? -1 :
		    p->memory / 1024),
		    text_number(b[3], sizeof(b[3]), p->sessions),
		    text_number(b[4], sizeof(b[4]), p->connections),
		    text_rate(b[5], sizeof(b[5]), p->in_rate, "0"),
		    text_rate(b[6], sizeof(b[6]), p->out_rate, "0"));
		printf("%s%.*s", end, (int)columns, line);
	}
}

/* A name comes from wampd, and a terminal acts on what it reads. */
static void
clean_names(struct sample *s)
{
	size_t	i;
	char	*c;

	for (i = 0; i < s->nprocs; i++)
		for (c = s->procs[i].name; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
}

/* -- the terminal ------------------------------------------------------- */

static void
on_signal(int sig)
{
	(void)sig;
	is_ended = 1;
}

/* One that can be drawn on, as far as TERM says. */
static int
is_terminal(void)
{
	const char	*term = getenv("TERM");

	return (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    term != NULL && *term != '\0' && strcmp(term, "dumb") != 0);
}

/* Keys come one by one, unseen; ^Z would leave the screen as it is. */
static int
screen_begin(void)
{
	struct termios	t;

	if (tcgetattr(STDIN_FILENO, &before) == -1)
		return (-1);
	t = before;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	t.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == -1)
		return (-1);
	fputs(SCREEN_BEGIN, stdout);
	return (0);
}

static void
screen_end(void)
{
	fputs(SCREEN_END, stdout);
	fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

static void
draw(const struct sample *s)
{
	struct winsize	ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1)
		memset(&ws, 0, sizeof(ws));
	fputs(SCREEN_HOME, stdout);
	print_lines(s, LINE_END, ws.ws_col, ws.ws_row);
	fputs("\033[K" SCREEN_REST, stdout);
}

/* 0: go on, 1: enough of it. */
static int
wait_for_key(int has_keys, int ms)
{
	struct pollfd	pfd = { STDIN_FILENO, POLLIN, 0 };
	uint64_t	end = mono_ms() + (uint64_t)ms, now;
	char		c;

	while (!is_ended && (now = mono_ms()) < end) {
		if (poll(&pfd, has_keys ? 1 : 0, (int)(end - now)) < 1)
			continue;
		if (read(STDIN_FILENO, &c, 1) < 1 || c == 'q' || c == 'Q')
			return (1);
	}
	return (is_ended);
}

/* -- the whole ---------------------------------------------------------- */

static int
loop(const struct options *opt, int fd, int is_screen, int ms)
{
	static struct sample	s[2];
	int			now = 0;

	for (;;) {
		if (sample(fd, &s[now], &s[!now]) == -1)
			return (is_ended ? 0 : 1);
		clean_names(&s[now]);
		if (opt->json)
			print_json(&s[now]);
		else if (is_screen)
			draw(&s[now]);
		else {
			print_lines(&s[now], "\n", 0, 0);
			printf("\n\n");
		}
		if (fflush(stdout) == EOF)
			return (1);
		if (wait_for_key(is_screen, ms))
			return (0);
		now = !now;
	}
}

int
top(const struct options *opt, unsigned int seconds)
{
	struct sigaction	sa;
	int			fd, rv, is_screen;

	if ((fd = client_connect(opt->socket)) == -1)
		return (1);
	memset(&sa, 0, sizeof(sa));
	/* without SA_RESTART: a wait ends by it */
	sa.sa_handler = on_signal;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	is_screen = !opt->json && is_terminal() && screen_begin() == 0;
	rv = loop(opt, fd, is_screen, (int)seconds * 1000);
	if (is_screen)
		screen_end();
	close(fd);
	return (rv);
}
