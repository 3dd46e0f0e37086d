KEEPER_OBJS =	$(addprefix $(B)/obj/keeper/, \
		keeper.o auth.o keys.o sign.o users.o users_diff.o \
		users_load.o \
		)

$(B)/libexec/wampd/keeper: $(KEEPER_OBJS) $(B)/lib/libcred.a \
    $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(KEEPER_OBJS) $(B)/lib/libcred.a \
		$(B)/lib/libcommon.a $(LIBS_EVENT) $(LIBS_SECCOMP) \
		$(LIBS_BSD) $(LIBS_CRED)
