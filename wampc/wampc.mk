WAMPC_OBJS =	$(addprefix $(B)/obj/wampc/, \
		args.o \
		call.o \
		command.o \
		connect.o \
		dane.o \
		key.o \
		keyfile.o \
		login.o \
		options.o \
		output.o \
		passwd.o \
		pin.o \
		pub.o \
		register.o \
		secret.o \
		session.o \
		sub.o \
		tlsclient.o \
		transport.o \
		trust.o \
		url.o \
		wampc.o \
		)

$(B)/bin/wampc: $(WAMPC_OBJS) $(B)/lib/libcred.a $(B)/lib/libcodec.a \
    $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(WAMPC_OBJS) $(B)/lib/libcred.a \
		$(B)/lib/libcodec.a $(B)/lib/libcommon.a $(LIBS_CRED) \
		$(LIBS_TLS) $(LIBS_SSL) $(LIBS_UNBOUND) $(LIBS_CODEC) \
		$(LIBS_EVENT) $(LIBS_BSD)
