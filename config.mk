# What differs between machines.  Everything here can be set from the
# environment or the command line; config.local.mk, if there, wins.

VERSION =	0.1.0

PREFIX ?=	/usr/local
SYSCONFDIR ?=	/etc
RUNDIR ?=	/run
BINDIR ?=	$(PREFIX)/bin
SBINDIR ?=	$(PREFIX)/sbin
LIBEXECDIR ?=	$(PREFIX)/libexec/wampd
MANDIR ?=	$(PREFIX)/share/man
DOCDIR ?=	$(PREFIX)/share/doc/wampd
COMPDIR ?=	$(PREFIX)/share/bash-completion/completions
EMPTYDIR ?=	/var/empty/wampd
UNITDIR ?=	$(PREFIX)/lib/systemd/system
SYSUSERSDIR ?=	$(PREFIX)/lib/sysusers.d
TMPFILESDIR ?=	$(PREFIX)/lib/tmpfiles.d
DESTDIR ?=

# What shall start it: sysv, systemd.  Those of this machine by default.
INIT ?=		$(shell echo sysv; [ ! -d /lib/systemd/system ] || echo systemd)

# "cc" is make's own default, not a choice of the user's
ifeq ($(origin CC),default)
CC =		gcc
endif
AR ?=		ar
YACC =		bison -y
PKG_CONFIG ?=	pkg-config
PYTHON ?=	/usr/bin/python3

# make SAN=1: AddressSanitizer, UndefinedBehaviorSanitizer, leaks
SAN ?=
# make WERROR=1: warnings are errors (make lint and CI)
WERROR ?=

-include config.local.mk
