/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent knows.  It reads the configuration, opens what needs
 * rights, starts the children, wires them up and replaces them; no octet of
 * a client ever reaches it.
 */
#ifndef WAMPD_WAMPD_H
#define WAMPD_WAMPD_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "log.h"
#include "msgtypes.h"

struct ask;
struct chan;
struct connlimit;
struct control;
struct control_client;
struct ctl_request;
struct event;
struct event_base;
struct imsg;
struct scrape;
struct wampd;

#define PARENT_MAXCTL	(16 * 1024)	/* longest imsg from a child */
#define LIMITS_A_TIME	800			/* they fit in one imsg */
#define MAXPROXIES	(CONF_MAXPREFORK + 1)
#define MAXCHILDREN	(2 + CONF_MAXBROKERS + MAXPROXIES)

/*
 * ms for the children to end once they are told, after the time of grace.
 * Supervisors such as runit kill all after some ten seconds: with the usual
 * grace of five, and one second beside it, this is what is left.
 */
#ifdef WAMPD_SAN
#define END_WITHIN	20000	/* leaks are looked for at exit */
#else
#define END_WITHIN	4000
#endif

/* In this order. */
enum child_state {
	CHILD_DOWN,	/* not running, or not reaped yet */
	CHILD_START,	/* SETUP_START sent */
	CHILD_HOLD,	/* sandboxed, no configuration yet */
	CHILD_CONF,	/* CONF_BEGIN to CONF_END sent */
	CHILD_COMMIT,	/* CONF_COMMIT sent */
	CHILD_PEERS,	/* its channels are being set up */
	CHILD_ACCEPT,	/* IMSG_ACCEPT sent */
	CHILD_UP
};

/* Where a child stands in the reload under way. */
enum reload_state {
	RELOAD_NOT,	/* has no part in it */
	RELOAD_SENT,	/* CONF_BEGIN to CONF_END sent */
	RELOAD_READY,	/* CONF_READY received */
	RELOAD_COMMIT	/* CONF_COMMIT sent */
};

/* Lines of a child's standard error on their way to our log. */
struct logsink {
	const char	*name;
	struct event	*ev;
	int		 fd;
	size_t		 len;
	int		 is_long;	/* the rest of a line is skipped */
	uint64_t	 second;	/* in which so many lines were let
					 * through, warnings and others; */
	unsigned int	 count[2], dropped;
	char		 buf[2048];
};

/* Octets that one may leave unread for seconds. */
#define CHILD_MAXWAITING	(64 * 1024)

struct child {
	struct wampd		*w;
	char			 name[32];	/* "tlsproxy 0" */
	enum proc_role		 role;
	enum proxy_kind		 kind;
	uint16_t		 instance;
	uint32_t		 generation;
	pid_t			 pid;		/* 0: none */
	int			 pidfd;		/* of a caretaker, else -1 */
	int			 is_reaped;
	int			 wstatus;
	int			 is_killed;	/* by us, see why */
	char			 why[160];
	enum child_state	 state;
	enum reload_state	 reload;
	struct chan		*chan;
	struct logsink		 log;
	struct event		*restart;
	unsigned int		 backoff;
	unsigned int		 early_deaths;
	int			 was_ready;	/* any generation of it */
	int			 is_stuck;	/* killed for its slow start */
	int			 is_shut;	/* SHUTDOWN_DONE, or never up */
	int			 is_drained;	/* has no client, and accepts none */
	int			 is_extra;	/* started by a reload that is not
						 * committed, for its sake; or
						 * needed no longer */
	uint64_t		 state_since;	/* mono_ms() */
	uint64_t		 up_since;
	uint64_t		 pong_at;
	uint64_t		 read_at;	/* but for CHILD_MAXWAITING */
	uint64_t		 closed_at;	/* its channel, by itself */
	uint32_t		 ping_sent, ping_got;
	uint32_t		 ping_health;	/* the one to be answered for
						 * HEALTH, 0: none (scrape.c) */
	int			 was_told;	/* scratch of edges_gone() */
	/* what it is asked (ask.c) */
	struct ask		*asker;		/* until it has answered all */
	uint64_t		 asked_since;
	int			 is_wanted;	/* another one waits */
	uint32_t		 ask_query;	/* not answered yet, or 0 */
	uint64_t		 ask_since;
	/* a tlsproxy that said this generation sends nonsense */
	int			 is_accused;
	uint16_t		 accuser;
	uint32_t		 accuser_gen;
};

enum edge_state {
	EDGE_DOWN,
	EDGE_FIRST,	/* one end was told */
	EDGE_HALF,	/* and acknowledged */
	EDGE_SECOND,	/* the other end was told, too */
	EDGE_UP
};

/* A socketpair between two children. */
struct edge {
	struct child	*end[2];
	enum peer_link	 link;
	enum edge_state	 state;
	int		 first;		/* index of the end told first */
	int		 fd;		/* for the other one, else -1 */
	uint64_t	 since;		/* the last one was told */
};

/* A listening socket: one descriptor for each process that serves it. */
struct lsock {
	TAILQ_ENTRY(lsock) entry;
	struct sockaddr_storage addr;	/* AF_UNSPEC: a Unix socket */
	char		*path;
	char		*name;
	int		*fds;
	size_t		 nfds;
	int		 is_new;	/* opened by a reload under way */
	int		 is_named;	/* by the configuration looked at */
	int		 is_metrics;	/* for the metrics process */
	int		 dir;		/* Unix: the directory that holds it */
	dev_t		 dev;
	ino_t		 ino;
};
TAILQ_HEAD(lsocks, lsock);

struct reload {
	int		 is_wanted;
	int		 is_active;
	int		 is_sent;	/* to the children */
	int		 is_committed;	/* there is no way back */
	int		 is_again;	/* wanted because a child died of it, */
	int		 is_second;	/* under way because of that */
	enum proc_role	 turn;		/* whose CONF_COMMIT is due */
	uint32_t	 generation;
	struct conf	*next;
	struct event	*timer;
	uint64_t	 done_at, refused_at;	/* wall_ms(), 0: never */
	uint64_t	 ndone, nrefused;
};

struct drain {
	int		 is_on;
	int		 is_done;	/* no client is left */
	uint32_t	 number;	/* of the last one */
};

/* The control socket that is listened on. */
struct control_listen {
	char		*path;
	int		 fd, dir;
	dev_t		 dev;
	ino_t		 ino;
};

/* Names the descriptor of what is handed over. */
#define HANDOVER_ENV	"WAMPD_HANDOVER"
/* How a trial exits that got ready, and no other program. */
#define TRIAL_PASSED	113

#define UPGRADE_CLIENTS	16

/* A client of the control socket that lives on under the new program. */
struct upgrade_client {
	int		 fd;
	enum {
		UPGRADE_ASKER,		/* is told when it serves */
		UPGRADE_MONITOR,
		UPGRADE_IDLE
	}		 kind;
};

/* A process that the program before us started. */
struct upgrade_old {
	pid_t		 pid;
	char		 name[32];
};

struct upgrade {
	char		 program[PATH_MAX];	/* that was started */
	int		 is_wanted;
	enum {
		UPGRADE_NOT,
		UPGRADE_TRIAL,		/* the new program is tried */
		UPGRADE_TRIED,		/* it could start */
		UPGRADE_STEP		/* signals wait, those before do not */
	}		 state;
	pid_t		 trial;
	int		 is_ending;	/* it took too long */
	uint64_t	 tried;		/* digest of what the trial read */
	int		 is_stale;	/* reloaded since the trial */
	struct logsink	 log;		/* of it */
	struct event	*timer;
	struct event	*word;		/* a caretaker's: from our parent */
	int		 is_shut;	/* likewise: all are told to go */
	int		 is_signalled;
	/* of the new program */
	int		 is_trial;	/* accepts nobody, and ends */
	int		 is_successor;
	uint32_t	 prefork;	/* that listening sockets are for */
	struct control_listen control;	/* handed over; path NULL: none */
	pid_t		 caretaker;	/* 0: none, any more */
	int		 go;		/* pipe to it, or -1 */
	uint64_t	 again_at;	/* mono_ms(): to read the configuration,
					 * or 0 */
	uint64_t	 again_in;	/* ms: the last time */
	int		 has_conf;	/* of ours */
	uint64_t	 grace;		/* ms: it has, */
	uint64_t	 end_by;	/* mono_ms(): and must have ended, or 0 */
	struct upgrade_client clients[UPGRADE_CLIENTS];
	size_t		 nclients;
	struct upgrade_old old[MAXCHILDREN];	/* to be reaped */
	size_t		 nold;
};

struct user {
	uid_t		 uid;
	gid_t		 gid;
	int		 is_known;
};

struct wampd {
	struct event_base	*base;
	struct event		*sigs[5];
	struct event		*tick;
	struct event		*stop_timer;
	struct conf		*conf;		/* in force */
	uint32_t		 confgen;	/* last one given */
	char			*conffile;
	char			*pidfile;	/* or NULL */
	int			 pidfd;
	struct conf_macro	*macros;
	size_t			 nmacros;
	const char		**tests;	/* -t */
	size_t			 ntests;
	int			 is_foreground;	/* -d */
	int			 is_check;	/* -n */
	int			 verbose;	/* -v */
	int			 is_root;
	int			 ready_fd;	/* pipe to who started us, -1 */
	int			 newline_fd;	/* -N, or -1 */
	int			 notify;	/* NOTIFY_SOCKET, or -1 */
	struct user		 users[PROC_ROLES];
	char			 libexec[PATH_MAX];
	uint64_t		 nofile;	/* descriptors we may have */
	int			 nofile_warned;
	int			 memory_warned;
	struct child		*children[MAXCHILDREN];
	size_t			 nchildren;
	struct edge		*edges;
	size_t			 nedges;
	struct lsocks		 lsocks;
	struct reload		 reload;
	struct drain		 drain;
	struct upgrade		 upgrade;
	struct connlimit	*connlimit;
	struct m_conn_limit	 limits[LIMITS_A_TIME];	/* to be told */
	size_t			 nlimits;
	struct control		*control;	/* or NULL */
	struct scrape		*scrape;	/* or NULL */
	uint64_t		 started;	/* wall_ms() */
	uint64_t		 started_mono;	/* mono_ms() */
	uint64_t		 tick_at;
	int			 is_ready;	/* was, once */
	int			 is_stopping;
	int			 is_caretaker;	/* of old children */
	int			 status;	/* exit status */
};

/* wampd.c */
void	 wampd_log(const struct conf *);	/* log as it says */
void		 wampd_fail(struct wampd *);
void		 wampd_stop(struct wampd *);
void		 wampd_ready(struct wampd *);
void		 wampd_events(struct wampd *);
void		 wampd_loop(struct wampd *);
int		 wampd_conf(struct wampd *);

/* check.c */
int		 check(struct wampd *);

/* child.c */
struct child	*child_new(struct wampd *, enum proc_role, enum proxy_kind,
		    unsigned int);
void		 child_free(struct child *);
struct child	*child_find(struct wampd *, unsigned int, unsigned int);
void		 child_start(struct child *);
void		 child_restart(struct child *);
void		 child_set_state(struct child *, enum child_state);
void		 child_kill(struct child *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
void		 child_reap(struct child *);
void		 child_retire(struct child *);
void		 child_ended(struct child *);
int		 child_find_programs(struct wampd *);
int		 child_check_program(const char *);

/* children.c */
void		 children_update(struct wampd *, const struct conf *);
void		 children_progress(struct wampd *);
void		 children_tick(struct wampd *);
void		 children_reap(struct wampd *);
void		 children_retire(struct wampd *);
void		 children_shutdown(struct wampd *);
void		 children_end(struct wampd *);
void		 children_limit(void *, const struct m_conn_limit *);
void		 children_log_level(struct wampd *, uint32_t);

/* drain.c */
const char	*drain_status(const struct wampd *);
void		 drain_begin(struct wampd *, uint32_t ms);
void		 drain_resume(struct wampd *);
void		 drain_old(struct wampd *);
void		 drain_of_new(struct child *);
int		 drain_done(struct child *, uint32_t);
void		 drain_progress(struct wampd *);

/* imsgs.c */
struct chan	*imsgs_chan(struct child *, int);

/* edges.c */
void		 edges_add_child(struct wampd *, struct child *);
void		 edges_drop_child(struct child *);
int		 edges_is_late(const struct child *, uint64_t);
void		 edges_progress(struct wampd *);
int		 edges_ready(struct child *, const struct m_peer *);
void		 edges_gone(struct child *);
int		 edges_is_settled(const struct child *);
int		 edges_has_all(const struct child *);
int		 edges_has_keeper(const struct child *);
int		 edges_is_whole(const struct wampd *);
size_t		 edges_count(const struct child *);
int		 edges_may_accuse(const struct child *, const struct child *);

/* listen.c */
int		 listen_open(struct wampd *, struct conf *);
int		 listen_check(const struct conf *);
void		 listen_commit(struct wampd *);
void		 listen_abort(struct wampd *);
void		 listen_close(struct wampd *);
void		 listen_remove(struct wampd *);
int		 listen_take_tcp(struct wampd *,
		    const struct sockaddr_storage *, const char *,
		    int for_metrics, size_t, size_t, int);
void		 listen_take_unix(struct wampd *,
		    const struct control_listen *, int for_metrics);
int		 listen_has_all(const struct wampd *);
void		 listen_forget(struct wampd *);
int		 listen_fd(void *, const struct conf_listen *, unsigned int);

/* ruletest.c */
/*
 * -t 'realm role action uri [match] [authid name]': print the answer.
 * 1 allowed, 0 denied, -1 no such question (logged).
 */
int		 ruletest(const struct conf *, const char *);
struct rule_answer {
	enum {
		RULE_DENIED,
		RULE_ALLOWED,
		RULE_ASKED		/* of its role's authorizer */
	}		 outcome;
	const char	*why;		/* it is denied without a rule, or NULL */
	const char	*procedure;	/* RULE_ASKED */
	const char	*file;		/* of the rule, or NULL */
	int		 line;
};
/* The same for CTL_TEST: NULL, or what is wrong with the question. */
const char	*ruletest_request(const struct conf *,
		    const struct ctl_request *, struct rule_answer *);

/* unixsock.c */
int		 unixsock_bind(const char *, mode_t, uid_t, gid_t, int *,
		    struct stat *, char *, size_t);
int		 unixsock_check(const char *, uid_t, char *, size_t);
void		 unixsock_unlink(int, const char *, dev_t, ino_t);
int		 unixsock_chmod(int, const char *, mode_t, uid_t, gid_t, char *,
		    size_t);

/* pathwalk.c */
#define PATH_LINKS	0x01	/* follow symbolic links we can trust */
#define PATH_STRICT	0x02	/* nobody else may write to the last one */
int		 path_parent(const char *, int, char *, size_t, char *, size_t);

/* keyfile.c */
int		 keyfile_open_all(struct conf *);

/* logsink.c */
int		 logsink_open(struct logsink *, struct event_base *,
		    const char *, int);
int		 logsink_drain(struct logsink *);
void		 logsink_close(struct logsink *);
void		 logsink_feed(struct logsink *, const char *, size_t);
void		 logsink_clean(char *, size_t, const void *, size_t);

/* notify.c */
void		 notify_open(struct wampd *);
void		 notify_close(struct wampd *);
void		 notify(struct wampd *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
void		 notify_reloading(struct wampd *);
void		 notify_newline(struct wampd *);
int		 notify_is_journal(void);

/* connlimit.c */
typedef void	(*connlimit_cb)(void *, const struct m_conn_limit *);
struct connlimit *connlimit_new(connlimit_cb, void *);
void		 connlimit_free(struct connlimit *);
void		 connlimit_set(struct connlimit *, uint32_t, uint32_t);
int		 connlimit_count(struct connlimit *, unsigned int,
		    const struct m_conn_count *, size_t,
		    struct m_conn_count *shed, size_t *nshed);
void		 connlimit_gone(struct connlimit *, unsigned int);
void		 connlimit_each_over(struct connlimit *, connlimit_cb, void *);
size_t		 connlimit_entries(const struct connlimit *);
uint64_t	 connlimit_total(const struct connlimit *);

/* reload.c */
void		 reload_progress(struct wampd *);
int		 reload_ready(struct child *, uint32_t);
int		 reload_failed(struct child *, uint32_t, const char *);
int		 reload_committed(struct child *, uint32_t);
void		 reload_child_gone(struct child *, int);
void		 reload_end(struct wampd *);

/* control.c */
int		 control_open(struct wampd *, const struct conf *);
int		 control_check(const struct conf *);
void		 control_commit(struct wampd *);
void		 control_abort(struct wampd *);
void		 control_progress(struct wampd *);
void		 control_tick(struct wampd *);
unsigned int	 control_clients(const struct wampd *);
struct control_client *control_first(struct wampd *);
void		 control_stop(struct wampd *);

int		 control_listens(const struct wampd *,
		    struct control_listen *);
void		 control_take(struct wampd *);
void		 control_take_clients(struct wampd *);
void		 control_hand_clients(struct wampd *);
void		 control_forget(struct wampd *);

/* control_words.c */
void		 control_upgrade_end(struct wampd *);
void		 control_reload_begin(struct wampd *);
void		 control_reload_end(struct wampd *, int outcome);
void		 control_log(void *, int, const char *);

/* counts.c */
typedef int	(*counts_cb)(void *, const uint8_t *, size_t);
/*
 * What the parent counts, a row at a time: at most 67 processes of four and
 * some others, of some 120 octets.  0, or -1: put returned that.
 */
int		 counts_tell(struct wampd *, counts_cb put, void *);
/* Behind what children count: whether that is all. */
int		 counts_tell_end(int is_complete, counts_cb put, void *);

/* scrape.c */
int		 scrape_counts_asked(struct child *, uint32_t number);
int		 scrape_health_asked(struct child *, uint32_t number);
void		 scrape_progress(struct wampd *);
void		 scrape_stop(struct wampd *);

/* handover.c */
int		 handover_write(struct wampd *, int is_trial);
void		 handover_pass(struct wampd *, int, int is_passed);
int		 handover_read(struct wampd *);

/* upgrade.c */
void		 upgrade_init(struct wampd *, const char *argv0);
const char	*upgrade_begin(struct wampd *);
int		 upgrade_is_active(const struct wampd *);
int		 upgrade_holds_reload(const struct wampd *);
void		 upgrade_reloads(struct wampd *);
void		 upgrade_progress(struct wampd *);
void		 upgrade_reap(struct wampd *);
void		 upgrade_end(struct wampd *);
void		 upgrade_wait(struct wampd *);
void		 caretaker_hurry(struct wampd *);
void		 caretaker_signal(struct wampd *);

/* successor.c */
void		 successor_begin(struct wampd *);
void		 successor_ready(struct wampd *);
void		 successor_stop(struct wampd *);
void		 successor_start(struct wampd *);
void		 successor_refused(struct wampd *);
void		 successor_progress(struct wampd *);
void		 successor_end(struct wampd *);
void		 successor_reap(struct wampd *);

/* host.c */
int		 host_users(struct wampd *, const struct conf *);
int		 host_emptydir(void);
int		 host_rundir(const struct conf *);
/* Is it in the directory that host_rundir() will make? */
int		 host_makes_dir(const char *);
void		 host_nofile(struct wampd *);
void		 host_clamp(struct wampd *, struct conf *);

/* daemon.c */
int		 daemon_fork(struct wampd *);
void		 daemon_ready(struct wampd *);
int		 daemon_pid_check(struct wampd *);
int		 daemon_pid_write(struct wampd *);
void		 daemon_pid_remove(struct wampd *);

#endif /* WAMPD_WAMPD_H */
