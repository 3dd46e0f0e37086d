# wampd: all, install, dist, regress, lint, run, clean.  Needs GNU make.

include config.mk

ifneq ($(SAN),)
B =		build-san
OPT =		-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
		-fno-sanitize-recover=undefined -DWAMPD_SAN
LDOPT =		-fsanitize=address,undefined
else
B ?=		build
OPT =		-O3 -g -D_FORTIFY_SOURCE=2
LDOPT =
endif

# make SANDBOX=trap: a child names the system call it lacks, and exits
ifeq ($(SANDBOX),trap)
B =		build-trap
OPT +=		-DSANDBOX_TRAP
endif

WARN =		-Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual \
		-Wsign-compare -Wstrict-prototypes -Wmissing-prototypes \
		-Wmissing-declarations -Wvla -Wimplicit-fallthrough \
		-Wformat-security
ifneq ($(WERROR),)
WARN +=		-Werror
endif

LIBS_EVENT :=	$(shell $(PKG_CONFIG) --libs libevent_core 2>/dev/null)
# libevent's evhttp, which has no .pc of its own
LIBS_HTTP :=	-levent_extra
LIBS_TLS :=	$(shell $(PKG_CONFIG) --libs libtls 2>/dev/null) -lcrypto
LIBS_CRYPTO :=	-lcrypto
LIBS_UNBOUND :=	$(shell $(PKG_CONFIG) --libs libunbound 2>/dev/null)
LIBS_SECCOMP :=	$(shell $(PKG_CONFIG) --libs libseccomp 2>/dev/null)
LIBS_CRED :=	-lcrypto $(shell $(PKG_CONFIG) --libs libargon2 libidn 2>/dev/null)
LIBS_BSD :=	$(shell $(PKG_CONFIG) --libs libbsd-overlay 2>/dev/null)
PKG_CFLAGS :=	$(shell $(PKG_CONFIG) --cflags libbsd-overlay libevent_core \
		libtls libseccomp libargon2 libidn 2>/dev/null)

CPPFLAGS ?=
CFLAGS ?=
LDFLAGS ?=
ALL_CFLAGS =	-std=c11 -D_GNU_SOURCE -DLIBBSD_OPENBSD_VIS $(OPT) $(WARN) -fstack-protector-strong \
		-fPIE -Icommon -Icommon/codec -Icommon/cred -I$(B)/gen $(PKG_CFLAGS) \
		-ffile-prefix-map=$(CURDIR)=. \
		-DVERSION='"$(VERSION)"' $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS =	-pie -Wl,-z,relro,-z,now $(LDOPT) $(LDFLAGS)

PATHS =		-DSYSCONFDIR='"$(SYSCONFDIR)"' -DRUNDIR='"$(RUNDIR)"' \
		-DLIBEXECDIR='"$(LIBEXECDIR)"' -DEMPTYDIR='"$(EMPTYDIR)"'

# Each is added when it builds.
PROGRAMS =	$(B)/sbin/wampd $(B)/libexec/wampd/keeper \
		$(B)/libexec/wampd/tlsproxy $(B)/libexec/wampd/broker \
		$(B)/libexec/wampd/metrics \
		$(B)/bin/wampc $(B)/sbin/wampctl

all: programs

# Each folder lists its own objects.
include common/common.mk
include wampd/wampd.mk
include keeper/keeper.mk
include tlsproxy/tlsproxy.mk
include broker/broker.mk
include metrics/metrics.mk
include wampc/wampc.mk
include wampctl/wampctl.mk
include regress/regress.mk
include install.mk
include dist.mk

programs: $(PROGRAMS)

# A wampd to play with, on a machine that need not have anything yet.
run:
	@sh etc/packages.sh etc/packages
	@$(MAKE) -s programs
	@sh etc/run.sh

# Changes when they do: make install PREFIX=... after make builds anew.
$(B)/gen/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(PATHS) $(VERSION)' | cmp -s - $@ || \
	    echo '$(PATHS) $(VERSION)' >$@

$(WAMPD_OBJS) $(WAMPC_OBJS) $(WAMPCTL_OBJS): $(B)/gen/paths

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(PATHS) -MMD -MP -c -o $@ $<

$(B)/lib/libcommon.a: $(COMMON_OBJS)
	@mkdir -p $(@D)
	rm -f $@ && $(AR) rcs $@ $(COMMON_OBJS)

$(B)/lib/libcodec.a: $(CODEC_OBJS)
	@mkdir -p $(@D)
	rm -f $@ && $(AR) rcs $@ $(CODEC_OBJS)

$(B)/lib/libcred.a: $(CRED_OBJS)
	@mkdir -p $(@D)
	rm -f $@ && $(AR) rcs $@ $(CRED_OBJS)

clean:
	rm -rf build build-san build-fuzz build-clang build-trap run

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

FORCE:

.PHONY: all programs run clean FORCE
