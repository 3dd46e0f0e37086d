METRICS_OBJS =	$(addprefix $(B)/obj/metrics/, \
		answer.o \
		ctl.o \
		http.o \
		metrics.o \
		)

$(B)/libexec/wampd/metrics: $(METRICS_OBJS) $(B)/lib/libcodec.a \
    $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(METRICS_OBJS) $(B)/lib/libcodec.a \
		$(B)/lib/libcommon.a $(LIBS_HTTP) $(LIBS_EVENT) \
		$(LIBS_SECCOMP) $(LIBS_BSD)
