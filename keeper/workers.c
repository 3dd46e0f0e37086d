/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Threads for what takes long: a password hash must delay neither a
 * signature nor another log-in.  They are made once, inside the sandbox but
 * for its filter, which then covers them too; they see nothing but the job
 * they are given, and the event loop sees it again when it is done.
 */
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"
#include "log.h"

#define WORKERS_MAX	4
#define WORKERS_NICE	10	/* below the event loop */
#define WORKERS_STACK	(256 * 1024)

TAILQ_HEAD(jobs, job);

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 wakeup = PTHREAD_COND_INITIALIZER;
static pthread_cond_t	 ready = PTHREAD_COND_INITIALIZER;
static struct jobs	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct jobs	 finished = TAILQ_HEAD_INITIALIZER(finished);
static unsigned int	 nready;	/* threads */
static unsigned int	 njobs;		/* not yet given back; event loop's */
static int		 done_fd = -1;
static struct event	*done_event;

static void
tell(void)
{
	uint64_t	one = 1;
	ssize_t		n;

	do {
		n = write(done_fd, &one, sizeof(one));
	} while (n == -1 && errno == EINTR);
}

static void *
work(void *arg)
{
	struct job	*j;

	(void)arg;
	/* of this thread alone */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
	    WORKERS_NICE);
	pthread_mutex_lock(&lock);
	nready++;
	pthread_cond_signal(&ready);
	for (;;) {
		while ((j = TAILQ_FIRST(&waiting)) == NULL)
			pthread_cond_wait(&wakeup, &lock);
		TAILQ_REMOVE(&waiting, j, entry);
		j->is_waiting = 0;
		pthread_mutex_unlock(&lock);
		j->work(j);
		pthread_mutex_lock(&lock);
		TAILQ_INSERT_TAIL(&finished, j, entry);
		tell();
	}
	return (NULL);
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	struct jobs	 all = TAILQ_HEAD_INITIALIZER(all);
	struct job	*j;
	uint64_t	 n;

	(void)what;
	(void)arg;
	if (read(fd, &n, sizeof(n)) == -1)
		return;		/* EAGAIN */
	pthread_mutex_lock(&lock);
	TAILQ_CONCAT(&all, &finished, entry);
	pthread_mutex_unlock(&lock);
	while ((j = TAILQ_FIRST(&all)) != NULL) {
		TAILQ_REMOVE(&all, j, entry);
		njobs--;
		j->done(j);
	}
}

void
workers_prepare(struct event_base *base)
{
	if ((done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		fatal("eventfd");
	done_event = event_new(base, done_fd, EV_READ | EV_PERSIST, on_done,
	    NULL);
	if (done_event == NULL || event_add(done_event, NULL) == -1)
		fatalx("event_new failed");
}

/* One a processor, since a hash is nothing but arithmetic. */
static unsigned int
how_many(void)
{
	long	n = sysconf(_SC_NPROCESSORS_ONLN);

	return (n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned int)n);
}

int
workers_start(char *err, size_t errlen)
{
	pthread_attr_t	attr;
	pthread_t	t;
	sigset_t	all, old;
	unsigned int	i, n = how_many();
	int		rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKERS_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (i = 0; i < n && rc == 0; i++)
		rc = pthread_create(&t, &attr, work, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	/* how a thread begins is more than the filter lets through */
	pthread_mutex_lock(&lock);
	while (rc == 0 && nready < n)
		pthread_cond_wait(&ready, &lock);
	pthread_mutex_unlock(&lock);
	if (rc == 0)
		return (0);
	snprintf(err, errlen, "thread: %s", strerror(rc));
	return (-1);
}

int
workers_give(struct job *j)
{
	if (njobs >= WORKERS_QUEUE)
		return (-1);
	njobs++;
	pthread_mutex_lock(&lock);
	j->is_waiting = 1;
	TAILQ_INSERT_TAIL(&waiting, j, entry);
	pthread_cond_signal(&wakeup);
	pthread_mutex_unlock(&lock);
	return (0);
}

int
workers_take_back(struct job *j)
{
	int	was_waiting;

	pthread_mutex_lock(&lock);
	if ((was_waiting = j->is_waiting)) {
		TAILQ_REMOVE(&waiting, j, entry);
		j->is_waiting = 0;
	}
	pthread_mutex_unlock(&lock);
	if (was_waiting)
		njobs--;
	return (was_waiting);
}

unsigned int
workers_count(void)
{
	return (njobs);
}
