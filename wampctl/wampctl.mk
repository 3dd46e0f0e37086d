WAMPCTL_OBJS =	$(addprefix $(B)/obj/wampctl/, \
		cert.o \
		client.o \
		proc.o \
		row.o \
		sandbox.o \
		show.o \
		table.o \
		tlsa.o \
		top.o \
		wampctl.o \
		words.o \
		)

# and what reads wampd.conf(5)
$(B)/sbin/wampctl: $(WAMPCTL_OBJS) $(WAMPD_CONF_OBJS) $(B)/lib/libcodec.a \
		$(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(WAMPCTL_OBJS) $(WAMPD_CONF_OBJS) \
		$(B)/lib/libcodec.a $(B)/lib/libcommon.a $(LIBS_CRYPTO) \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD)
