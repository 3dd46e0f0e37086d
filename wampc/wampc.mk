WAMPC_OBJS =	$(addprefix $(B)/obj/wampc/, \
		wampc.o \
		)

$(B)/bin/wampc: $(WAMPC_OBJS) $(B)/lib/libcodec.a $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(WAMPC_OBJS) $(B)/lib/libcodec.a $(B)/lib/libcommon.a \
		$(LIBS_TLS) $(LIBS_EVENT) $(LIBS_BSD)
