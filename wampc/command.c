/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One run of the command of register: a line on its standard input, JSON
 * from its standard output, the last line of its standard error for the
 * case that it fails.  No shell, a process group of its own, none of our
 * descriptors.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "utf8.h"
#include "wamp.h"
#include "wampc.h"

#define RUNTIME_ERROR	"wamp.error.runtime_error"
#define ERRLINE_MAX	1000
#define ERR_READS	256	/* at the end, of a pipe others may fill */

struct command {
	struct command	*next;
	struct client	*c;
	uint64_t	 request;
	pid_t		 pid;		/* 0: collected */
	int		 wstatus;
	int		 in, out, err;	/* our ends, -1: closed */
	struct event	*inev, *outev, *errev;
	struct wbuf	 line;		/* to its standard input */
	size_t		 sent;
	struct wbuf	 result;
	int		 toobig;
	int		 interrupted;
	char		 cur[ERRLINE_MAX], last[ERRLINE_MAX];
	size_t		 curlen, lastlen;
};

static void
shut(int *fd, struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	if (*fd != -1)
		close(*fd);
	*ev = NULL;
	*fd = -1;
}

static void
command_free(struct command *cmd)
{
	struct command	**pp;

	for (pp = &cmd->c->commands; *pp != NULL; pp = &(*pp)->next)
		if (*pp == cmd) {
			*pp = cmd->next;
			break;
		}
	shut(&cmd->in, &cmd->inev);
	shut(&cmd->out, &cmd->outev);
	shut(&cmd->err, &cmd->errev);
	wbuf_free(&cmd->line);
	wbuf_free(&cmd->result);
	free(cmd);
}

/* -- what comes and goes ------------------------------------------------ */

static void
on_in(evutil_socket_t fd, short what, void *arg)
{
	struct command	*cmd = arg;
	ssize_t		 n;

	(void)what;
	n = write(fd, cmd->line.buf + cmd->sent, cmd->line.len - cmd->sent);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		cmd->sent += (size_t)n;
	/* a command need not read its arguments: EPIPE is no error */
	if (n <= 0 || cmd->sent == cmd->line.len) {
		shut(&cmd->in, &cmd->inev);
		wbuf_free(&cmd->line);
	}
}

/* Returns 0 while there may be more at once. */
static int
read_out(struct command *cmd)
{
	uint8_t	*room;
	ssize_t	 n;

	if (cmd->out == -1)
		return (-1);
	if (cmd->result.len > cmd->c->o.maxmsg ||
	    (room = wbuf_room(&cmd->result, 65536)) == NULL) {
		cmd->toobig = 1;
		shut(&cmd->out, &cmd->outev);
		return (-1);
	}
	n = read(cmd->out, room, 65536);
	if (n > 0) {
		cmd->result.len += (size_t)n;
		return (0);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&cmd->out, &cmd->outev);
	return (-1);
}

static void
on_out(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)read_out(arg);
}

/* Keep the last line that is not empty, as much as fits. */
static void
take_err(struct command *cmd, const char *p, size_t len)
{
	for (; len > 0; p++, len--) {
		if (*p != '\n') {
			if (cmd->curlen < sizeof(cmd->cur))
				cmd->cur[cmd->curlen++] = *p;
			continue;
		}
		if (cmd->curlen > 0) {
			memcpy(cmd->last, cmd->cur, cmd->curlen);
			cmd->lastlen = cmd->curlen;
		}
		cmd->curlen = 0;
	}
}

static int
read_err(struct command *cmd)
{
	char	buf[4096];
	ssize_t	n, w;

	if (cmd->err == -1)
		return (-1);
	n = read(cmd->err, buf, sizeof(buf));
	if (n > 0) {
		take_err(cmd, buf, (size_t)n);
		if (!cmd->c->o.quiet) {
			w = write(STDERR_FILENO, buf, (size_t)n);
			(void)w;
		}
		return (0);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&cmd->err, &cmd->errev);
	return (-1);
}

static void
on_err(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)read_err(arg);
}

/* -- the end ------------------------------------------------------------ */

static void
failure_text(struct command *cmd, char *why, size_t size)
{
	size_t	len;

	take_err(cmd, "\n", 1);
	len = cmd->lastlen;
	if (len > 0 && cmd->last[len - 1] == '\r')
		len--;
	if (len > 0 && utf8_ok((const uint8_t *)cmd->last, len))
		snprintf(why, size, "%.*s", (int)len, cmd->last);
	else if (len > 0)
		log_vis(why, size, cmd->last, len);
	else if (WIFSIGNALED(cmd->wstatus))
		snprintf(why, size, "killed by signal %d",
		    WTERMSIG(cmd->wstatus));
	else
		snprintf(why, size, "exit status %d",
		    WEXITSTATUS(cmd->wstatus));
}

static int
is_blank(const struct wbuf *w)
{
	size_t	i;

	for (i = 0; i < w->len; i++)
		if (strchr(" \t\r\n", w->buf[i]) == NULL || w->buf[i] == 0)
			return (0);
	return (1);
}

/* It has exited, and all it wrote is read: answer. */
static void
command_done(struct command *cmd)
{
	struct client	*c = cmd->c;
	struct val	 v;
	char		 why[4 * ERRLINE_MAX + 8];

	if (cmd->interrupted)
		reg_done(c, cmd->request, NULL, wamp_err_uri(WERR_CANCELED),
		    "the command was ended");
	else if (!WIFEXITED(cmd->wstatus) || WEXITSTATUS(cmd->wstatus) != 0) {
		failure_text(cmd, why, sizeof(why));
		reg_done(c, cmd->request, NULL, RUNTIME_ERROR, why);
	} else if (cmd->toobig)
		reg_done(c, cmd->request, NULL, RUNTIME_ERROR,
		    "the result is too long");
	else if (is_blank(&cmd->result))
		reg_done(c, cmd->request, NULL, NULL, NULL);
	else if (codec_check(SER_JSON, cmd->result.buf, cmd->result.len,
	    &v) != CODEC_OK)
		reg_done(c, cmd->request, NULL, RUNTIME_ERROR,
		    "the command printed no JSON value");
	else
		reg_done(c, cmd->request, &v, NULL, NULL);
}

/* A grandchild may hold the pipes open: what is in them now is all. */
static void
on_sigchld(evutil_socket_t sig, short what, void *arg)
{
	struct client	*c = arg;
	struct command	*cmd, *next;
	pid_t		 pid;
	int		 i;

	(void)sig;
	(void)what;
	for (cmd = c->commands; cmd != NULL; cmd = next) {
		next = cmd->next;
		pid = waitpid(cmd->pid, &cmd->wstatus, WNOHANG);
		if (pid == 0 || (pid == -1 && errno == EINTR))
			continue;
		cmd->pid = 0;
		while (read_out(cmd) == 0)
			continue;
		for (i = 0; i < ERR_READS && read_err(cmd) == 0; i++)
			continue;
		command_done(cmd);
		command_free(cmd);
	}
}

void
command_interrupt(struct client *c, uint64_t request)
{
	struct command	*cmd;

	for (cmd = c->commands; cmd != NULL; cmd = cmd->next)
		if (cmd->request == request && cmd->pid > 0) {
			cmd->interrupted = 1;
			kill(-cmd->pid, SIGTERM);
			return;
		}
}

void
command_end_all(struct client *c)
{
	struct command	*cmd;

	while ((cmd = c->commands) != NULL) {
		if (cmd->pid > 0)
			kill(-cmd->pid, SIGTERM);
		command_free(cmd);
	}
}

/* -- the start ---------------------------------------------------------- */

static int
spawn(struct command *cmd, char **argv, int in, int out, int err)
{
	posix_spawn_file_actions_t	fa;
	posix_spawnattr_t		at;
	sigset_t			set;
	int				e;

	if ((e = posix_spawn_file_actions_init(&fa)) != 0) {
		errno = e;
		return (-1);
	}
	if ((e = posix_spawnattr_init(&at)) != 0) {
		posix_spawn_file_actions_destroy(&fa);
		errno = e;
		return (-1);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	if ((e = posix_spawn_file_actions_adddup2(&fa, in, 0)) == 0 &&
	    (e = posix_spawn_file_actions_adddup2(&fa, out, 1)) == 0 &&
	    (e = posix_spawn_file_actions_adddup2(&fa, err, 2)) == 0 &&
	    (e = posix_spawnattr_setsigdefault(&at, &set)) == 0 &&
	    (e = posix_spawnattr_setpgroup(&at, 0)) == 0 &&
	    (e = posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGDEF |
	    POSIX_SPAWN_SETPGROUP)) == 0)
		e = posix_spawnp(&cmd->pid, argv[0], &fa, &at, argv,
		    environ);
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	errno = e;
	return (e == 0 ? 0 : -1);
}

static int
watch(struct command *cmd)
{
	struct event_base	*base = cmd->c->base;

	if (fcntl(cmd->in, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(cmd->out, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(cmd->err, F_SETFL, O_NONBLOCK) == -1)
		return (-1);
	cmd->inev = event_new(base, cmd->in, EV_WRITE | EV_PERSIST, on_in,
	    cmd);
	cmd->outev = event_new(base, cmd->out, EV_READ | EV_PERSIST, on_out,
	    cmd);
	cmd->errev = event_new(base, cmd->err, EV_READ | EV_PERSIST, on_err,
	    cmd);
	if (cmd->inev == NULL || cmd->outev == NULL || cmd->errev == NULL ||
	    event_add(cmd->inev, NULL) == -1 ||
	    event_add(cmd->outev, NULL) == -1 ||
	    event_add(cmd->errev, NULL) == -1)
		return (-1);
	return (0);
}

int
command_start(struct client *c, uint64_t request, struct wbuf *line)
{
	struct command	*cmd;
	int		 in[2] = { -1, -1 }, out[2] = { -1, -1 };
	int		 err[2] = { -1, -1 }, i, saved, rc = -1;

	if (c->sigchld == NULL) {
		c->sigchld = evsignal_new(c->base, SIGCHLD, on_sigchld, c);
		if (c->sigchld == NULL || event_add(c->sigchld, NULL) == -1)
			return (-1);
	}
	if ((cmd = calloc(1, sizeof(*cmd))) == NULL)
		return (-1);
	cmd->c = c;
	cmd->request = request;
	cmd->in = cmd->out = cmd->err = -1;
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
	    pipe2(err, O_CLOEXEC) == 0) {
		cmd->in = in[1];
		cmd->out = out[0];
		cmd->err = err[0];
		in[1] = out[0] = err[0] = -1;
		/* watched first: once it runs, nothing may fail */
		if (watch(cmd) == 0)
			rc = spawn(cmd, c->o.command, in[0], out[1], err[1]);
	}
	saved = errno;
	for (i = 0; i < 2; i++) {
		if (in[i] != -1)
			close(in[i]);
		if (out[i] != -1)
			close(out[i]);
		if (err[i] != -1)
			close(err[i]);
	}
	if (rc == -1) {
		command_free(cmd);
		errno = saved;
		return (-1);
	}
	cmd->line = *line;
	memset(line, 0, sizeof(*line));
	cmd->next = c->commands;
	c->commands = cmd;
	return (0);
}
