# tls_release.c alone needs it
LIBS_SSL =	-lssl

TLSPROXY_OBJS =	$(addprefix $(B)/obj/tlsproxy/, \
		addr.o \
		bucket.o \
		conn.o \
		conn_proxy.o \
		conn_read.o \
		conn_time.o \
		ctl.o \
		ctl_metrics.o \
		drain.o \
		features.o \
		fence.o \
		first.o \
		hello.o \
		invocation.o \
		join.o \
		listener.o \
		options.o \
		peercert.o \
		proxyproto.o \
		revoked.o \
		session.o \
		submap.o \
		talk.o \
		tls_client.o \
		tls_conf.o \
		tls_key.o \
		tls_release.o \
		tls_warm.o \
		tlsproxy.o \
		transport.o \
		undelivered.o \
		wamp_build.o \
		wamp_call.o \
		wamp_event.o \
		wamp_history.o \
		wamp_in.o \
		wamp_out.o \
		wamp_parse.o \
		)

$(B)/libexec/wampd/tlsproxy: $(TLSPROXY_OBJS) $(B)/lib/libcodec.a $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(TLSPROXY_OBJS) $(B)/lib/libcodec.a $(B)/lib/libcommon.a \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD) $(LIBS_TLS) $(LIBS_SSL)
