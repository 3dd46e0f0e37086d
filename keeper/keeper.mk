KEEPER_OBJS =	$(addprefix $(B)/obj/keeper/, \
		auth.o \
		auth_choose.o \
		auth_cra.o \
		auth_cryptosign.o \
		auth_line.o \
		auth_scram.o \
		auth_ticket.o \
		auth_tls.o \
		authcall.o \
		ctl.o \
		dialogue.o \
		failures.o \
		keeper.o \
		keys.o \
		sign.o \
		users.o \
		users_diff.o \
		users_load.o \
		userset.o \
		workers.o \
		)

$(B)/libexec/wampd/keeper: $(KEEPER_OBJS) $(B)/lib/libcred.a \
    $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(KEEPER_OBJS) $(B)/lib/libcred.a \
		$(B)/lib/libcommon.a $(LIBS_EVENT) $(LIBS_SECCOMP) \
		$(LIBS_BSD) $(LIBS_CRED)
