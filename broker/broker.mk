BROKER_OBJS =	$(addprefix $(B)/obj/broker/, \
		ahead.o \
		answer.o \
		authenticator.o \
		authorizer.o \
		authz.o \
		broker.o \
		call.o \
		ctl.o \
		ctl_metrics.o \
		ctl_rows.o \
		dealer.o \
		filter.o \
		history.o \
		history_query.o \
		invocation.o \
		invoke.o \
		kept.o \
		members.o \
		meta.o \
		meta_details.o \
		meta_kill.o \
		meta_registration.o \
		meta_session.o \
		meta_subscription.o \
		parse.o \
		pubsub.o \
		rcall.o \
		realm.o \
		registration.o \
		retain.o \
		rfc3339.o \
		ring.o \
		session.o \
		subscription.o \
		testament.o \
		trie.o \
		walk.o \
		)

# of the serializers one cursor, for what it asks others
BROKER_CODEC =	$(addprefix $(B)/obj/common/codec/, mpcur.o utf8.o)

$(B)/libexec/wampd/broker: $(BROKER_OBJS) $(BROKER_CODEC) \
    $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(BROKER_OBJS) $(BROKER_CODEC) \
		$(B)/lib/libcommon.a \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD)
