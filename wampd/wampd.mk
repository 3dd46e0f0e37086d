WAMPD_OBJS =	$(addprefix $(B)/obj/wampd/, \
		wampd.o \
		)

$(B)/sbin/wampd: $(WAMPD_OBJS) $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(WAMPD_OBJS) $(B)/lib/libcommon.a \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD)
