BROKER_OBJS =	$(addprefix $(B)/obj/broker/, \
		authz.o \
		broker.o \
		dealer.o \
		hash.o \
		parse.o \
		pubsub.o \
		realm.o \
		registration.o \
		session.o \
		subscription.o \
		)

$(B)/libexec/wampd/broker: $(BROKER_OBJS) $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(BROKER_OBJS) $(B)/lib/libcommon.a \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD)
