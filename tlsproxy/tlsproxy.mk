TLSPROXY_OBJS =	$(addprefix $(B)/obj/tlsproxy/, \
		tlsproxy.o \
		)

$(B)/libexec/wampd/tlsproxy: $(TLSPROXY_OBJS) $(B)/lib/libcodec.a $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(TLSPROXY_OBJS) $(B)/lib/libcodec.a $(B)/lib/libcommon.a \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD) $(LIBS_TLS)
