# What reads wampd.conf(5); also of wampctl and of tests.
WAMPD_CONF_OBJS = $(addprefix $(B)/obj/wampd/, \
		conf_control.o \
		conf_dynamic.o \
		conf_file.o \
		conf_limits.o \
		conf_listen.o \
		conf_policy.o \
		conf_realm.o \
		conf_tls.o \
		conf_value.o \
		conf_whole.o \
		parse.o \
		printconf.o \
		)

WAMPD_OBJS =	$(WAMPD_CONF_OBJS) $(addprefix $(B)/obj/wampd/, \
		ask.o \
		check.o \
		child.o \
		children.o \
		connlimit.o \
		control.o \
		control_ask.o \
		control_rows.o \
		control_words.o \
		counts.o \
		daemon.o \
		drain.o \
		edges.o \
		handover.o \
		handover_line.o \
		host.o \
		imsgs.o \
		keyfile.o \
		listen.o \
		logjson.o \
		logsink.o \
		notify.o \
		pathwalk.o \
		reload.o \
		ruletest.o \
		scrape.o \
		successor.o \
		unixsock.o \
		upgrade.o \
		wampd.o \
		)

$(B)/sbin/wampd: $(WAMPD_OBJS) $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(WAMPD_OBJS) $(B)/lib/libcommon.a \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD)

$(B)/gen/parse.c: wampd/parse.y
	@mkdir -p $(@D)
	$(YACC) -o $@ wampd/parse.y

$(B)/obj/wampd/parse.o: $(B)/gen/parse.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Iwampd $(PATHS) -MMD -MP -c -o $@ \
		$(B)/gen/parse.c
