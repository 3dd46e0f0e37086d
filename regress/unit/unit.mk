# One NAME_test.c a module.  A test links libcommon and libcodec and, named
# in its own variable, objects of a program.

UNIT_TESTS =	log chan ctlrow isotime mpput metric codec codec_convert http rawsocket websocket uri wamp sandbox sandbox_calls tlsa

UNIT_LIBS_http =	$(LIBS_CRYPTO)
UNIT_LIBS_tlsa =	$(LIBS_CRYPTO)
# the serializers', with jansson, libcbor and msgpack-c as oracles
UNIT_TESTS +=	codec_enc codec_oracle utf8
UNIT_OBJS_codec = $(B)/obj/regress/lib/same.o
UNIT_OBJS_codec_enc = $(UNIT_OBJS_codec)
UNIT_OBJS_codec_oracle = $(UNIT_OBJS_codec)
UNIT_LIBS_codec_oracle = -ljansson -lcbor -lmsgpackc -lm
$(B)/regress/unit/codec $(B)/regress/unit/codec_enc \
    $(B)/regress/unit/codec_oracle: $(UNIT_OBJS_codec)

# secrets'
CRED_TESTS =	cred cred_scram
UNIT_TESTS +=	$(CRED_TESTS)
UNIT_LIBS_cred =	$(B)/lib/libcred.a $(LIBS_CRED)
UNIT_LIBS_cred_scram =	$(B)/lib/libcred.a $(LIBS_CRED)
$(addprefix $(B)/regress/unit/, $(CRED_TESTS)): $(B)/lib/libcred.a

# the keeper's
UNIT_TESTS +=	sign keys keeper tls peercert auth_tls
UNIT_OBJS_auth_tls =	$(B)/obj/keeper/auth_tls.o
$(B)/regress/unit/auth_tls: $(UNIT_OBJS_auth_tls)
UNIT_OBJS_sign =	$(addprefix $(B)/obj/keeper/, keys.o sign.o)
UNIT_LIBS_sign =	$(LIBS_CRYPTO)
UNIT_OBJS_keys =	$(UNIT_OBJS_sign) $(B)/obj/regress/unit/certs.o
UNIT_LIBS_keys =	$(LIBS_CRYPTO)
$(B)/regress/unit/sign: $(UNIT_OBJS_sign)
$(B)/regress/unit/keys: $(UNIT_OBJS_keys)
# its users
UNIT_TESTS +=	users usersfile
USERS_OBJS =	$(addprefix $(B)/obj/keeper/, users.o users_diff.o \
		users_load.o)
UNIT_OBJS_users =	$(USERS_OBJS) $(B)/lib/libcred.a
UNIT_LIBS_users =	$(LIBS_CRED)
UNIT_OBJS_usersfile =	$(B)/lib/libcred.a
UNIT_LIBS_usersfile =	$(LIBS_CRED)
$(B)/regress/unit/users: $(UNIT_OBJS_users)
$(B)/regress/unit/usersfile: $(UNIT_OBJS_usersfile)
# these run the keeper itself
UNIT_OBJS_keeper =	$(addprefix $(B)/obj/regress/unit/, play.o ctlplay.o)
UNIT_TESTS +=	keeper_dynamic
UNIT_OBJS_keeper_dynamic = $(UNIT_OBJS_keeper)
$(B)/regress/unit/keeper_dynamic: $(UNIT_OBJS_keeper)
UNIT_TESTS +=	dialogue
UNIT_OBJS_dialogue =	$(B)/obj/regress/unit/play.o $(B)/lib/libcred.a
UNIT_LIBS_dialogue =	$(LIBS_CRED)
$(B)/regress/unit/keeper: $(UNIT_OBJS_keeper)
$(B)/regress/unit/dialogue: $(UNIT_OBJS_dialogue)
UNIT_OBJS_tls =	$(addprefix $(B)/obj/regress/unit/, certs.o play.o) \
		$(addprefix $(B)/obj/tlsproxy/, tls_client.o tls_conf.o tls_key.o \
		tls_release.o tls_warm.o peercert.o)
UNIT_LIBS_tls =	$(LIBS_TLS) $(LIBS_SSL)
$(B)/regress/unit/tls: $(UNIT_OBJS_tls)
UNIT_OBJS_peercert =	$(B)/obj/tlsproxy/peercert.o
UNIT_LIBS_peercert =	$(LIBS_TLS)
$(B)/regress/unit/peercert: $(UNIT_OBJS_peercert)

# the parent's
UNIT_TESTS +=	handover
UNIT_OBJS_handover =	$(B)/obj/wampd/handover_line.o
$(B)/regress/unit/handover: $(UNIT_OBJS_handover)

# the tlsproxy's
UNIT_TESTS +=	addr bucket limit
UNIT_OBJS_addr =	$(B)/obj/tlsproxy/addr.o
$(B)/regress/unit/addr: $(UNIT_OBJS_addr)
UNIT_OBJS_bucket =	$(B)/obj/tlsproxy/bucket.o
$(B)/regress/unit/bucket: $(UNIT_OBJS_bucket)
UNIT_TESTS +=	proxyproto
UNIT_OBJS_proxyproto =	$(B)/obj/tlsproxy/proxyproto.o
$(B)/regress/unit/proxyproto: $(UNIT_OBJS_proxyproto)
UNIT_TESTS +=	fence
UNIT_OBJS_fence =	$(B)/obj/tlsproxy/fence.o
$(B)/regress/unit/fence: $(UNIT_OBJS_fence)
# these run a tlsproxy
PROXY_TESTS =	proxy_asked proxy_ctl proxy_details proxy_fence proxy_flow \
		proxy_hostile proxy_options proxy_request proxy_session
UNIT_TESTS +=	$(PROXY_TESTS)
PROXY_PLAY_OBJS = $(addprefix $(B)/obj/regress/unit/, proxy_play.o play.o)
UNIT_OBJS_proxy_asked =	$(PROXY_PLAY_OBJS)
CTLPLAY_OBJS =	$(B)/obj/regress/unit/ctlplay.o
UNIT_OBJS_proxy_ctl =	$(PROXY_PLAY_OBJS) $(CTLPLAY_OBJS)
$(B)/regress/unit/proxy_ctl: $(CTLPLAY_OBJS)
UNIT_OBJS_proxy_details = $(PROXY_PLAY_OBJS)
PROXY_TALK_OBJS = $(PROXY_PLAY_OBJS) $(B)/obj/regress/unit/proxy_talk.o
UNIT_OBJS_proxy_options = $(PROXY_TALK_OBJS)
UNIT_OBJS_proxy_request = $(PROXY_TALK_OBJS)
UNIT_OBJS_proxy_session = $(PROXY_PLAY_OBJS)
UNIT_OBJS_proxy_fence =	$(PROXY_PLAY_OBJS)
UNIT_OBJS_proxy_hostile = $(PROXY_PLAY_OBJS)
UNIT_OBJS_proxy_flow =	$(PROXY_PLAY_OBJS) $(B)/obj/regress/unit/certs.o
UNIT_LIBS_proxy_flow =	$(LIBS_TLS)
$(addprefix $(B)/regress/unit/, $(PROXY_TESTS)): $(PROXY_PLAY_OBJS)
$(B)/regress/unit/proxy_options $(B)/regress/unit/proxy_request: \
    $(PROXY_TALK_OBJS)
$(B)/regress/unit/proxy_flow: $(B)/obj/regress/unit/certs.o

# the parent's
UNIT_TESTS +=	listen logjson logsink connlimit edges control_ask
UNIT_OBJS_control_ask =	$(addprefix $(B)/obj/wampd/, ask.o control_ask.o)
$(B)/regress/unit/control_ask: $(UNIT_OBJS_control_ask)
UNIT_TESTS +=	scrape
UNIT_OBJS_scrape =	$(addprefix $(B)/obj/wampd/, ask.o scrape.o)
$(B)/regress/unit/scrape: $(UNIT_OBJS_scrape)

# the metrics process's
UNIT_TESTS +=	metrics_answer
UNIT_OBJS_metrics_answer = $(B)/obj/metrics/answer.o
$(B)/regress/unit/metrics_answer: $(UNIT_OBJS_metrics_answer)
UNIT_OBJS_listen =	$(addprefix $(B)/obj/wampd/, pathwalk.o unixsock.o)
UNIT_OBJS_logjson =	$(B)/obj/wampd/logjson.o
UNIT_LIBS_logjson =	-ljansson
$(B)/regress/unit/logjson: $(UNIT_OBJS_logjson)
UNIT_OBJS_logsink =	$(B)/obj/wampd/logsink.o
UNIT_OBJS_connlimit =	$(B)/obj/wampd/connlimit.o
UNIT_OBJS_edges =	$(B)/obj/wampd/edges.o
$(B)/regress/unit/listen: $(UNIT_OBJS_listen)
$(B)/regress/unit/logsink: $(UNIT_OBJS_logsink)
$(B)/regress/unit/connlimit: $(UNIT_OBJS_connlimit)
$(B)/regress/unit/edges: $(UNIT_OBJS_edges)

# the broker's
UNIT_TESTS +=	authz broker_keep broker_trie hash $(BROKER_TESTS)
UNIT_OBJS_broker_keep =	$(addprefix $(B)/obj/broker/, rfc3339.o ring.o)
$(B)/regress/unit/broker_keep: $(UNIT_OBJS_broker_keep)
UNIT_OBJS_authz =	$(B)/obj/broker/authz.o
BROKER_TESTS =	broker_authenticator broker_authorizer broker_ctl broker_flow \
		broker_history broker_hostile broker_lists broker_model \
		broker_pubsub broker_retain broker_revoke broker_rpc \
		broker_session
# its dealer's
DEALER_TESTS =	broker_cancel broker_progress broker_shared
BROKER_TESTS +=	$(DEALER_TESTS)
UNIT_OBJS_broker_cancel = $(BPLAY_OBJS)
UNIT_OBJS_broker_progress = $(BPLAY_OBJS)
UNIT_OBJS_broker_shared = $(BPLAY_OBJS)
# these call its procedures
META_TESTS =	broker_leaving broker_meta broker_meta_registration \
		broker_meta_subscription broker_testament
BROKER_TESTS +=	$(META_TESTS)
BPLAY_OBJS =	$(addprefix $(B)/obj/regress/unit/, bplay.o bplay_rpc.o play.o)
METAPLAY_OBJS =	$(BPLAY_OBJS) $(B)/obj/regress/unit/metaplay.o
UNIT_OBJS_broker_authenticator = $(BPLAY_OBJS)
UNIT_OBJS_broker_authorizer = $(METAPLAY_OBJS)
UNIT_OBJS_broker_ctl =	$(METAPLAY_OBJS) $(CTLPLAY_OBJS)
UNIT_OBJS_broker_flow =	$(BPLAY_OBJS)
UNIT_OBJS_broker_history = $(BPLAY_OBJS)
UNIT_OBJS_broker_hostile = $(BPLAY_OBJS)
UNIT_OBJS_broker_leaving = $(METAPLAY_OBJS)
UNIT_OBJS_broker_lists = $(BPLAY_OBJS)
UNIT_OBJS_broker_meta =	$(METAPLAY_OBJS)
UNIT_OBJS_broker_meta_registration = $(METAPLAY_OBJS)
UNIT_OBJS_broker_meta_subscription = $(METAPLAY_OBJS)
UNIT_OBJS_broker_model = $(BPLAY_OBJS)
UNIT_OBJS_broker_pubsub = $(BPLAY_OBJS)
UNIT_OBJS_broker_rpc =	$(BPLAY_OBJS)
UNIT_OBJS_broker_session = $(BPLAY_OBJS)
UNIT_OBJS_broker_retain = $(BPLAY_OBJS)
UNIT_OBJS_broker_testament = $(METAPLAY_OBJS)
UNIT_OBJS_broker_revoke = $(BPLAY_OBJS)
$(B)/regress/unit/authz: $(UNIT_OBJS_authz)
$(addprefix $(B)/regress/unit/, $(BROKER_TESTS)): $(BPLAY_OBJS)
$(addprefix $(B)/regress/unit/, broker_authorizer broker_ctl $(META_TESTS)): \
    $(METAPLAY_OBJS)
$(B)/regress/unit/broker_ctl: $(CTLPLAY_OBJS)

# wampctl's
UNIT_TESTS +=	words
UNIT_OBJS_words = $(B)/obj/wampctl/words.o
$(B)/regress/unit/words: $(UNIT_OBJS_words)

# the configuration's
UNIT_TESTS +=	conf confmsg
UNIT_OBJS_conf = $(WAMPD_CONF_OBJS)
UNIT_OBJS_confmsg = $(WAMPD_CONF_OBJS)
$(B)/regress/unit/conf $(B)/regress/unit/confmsg: $(WAMPD_CONF_OBJS)

.PRECIOUS: $(B)/obj/%.o

UNIT_PROGRAMS =	$(addprefix $(B)/regress/unit/, $(UNIT_TESTS))

unit-programs: $(UNIT_PROGRAMS)

$(B)/regress/unit/%: $(B)/obj/regress/unit/%_test.o $(B)/lib/libcodec.a \
    $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(UNIT_OBJS_$*) $(B)/lib/libcodec.a \
		$(B)/lib/libcommon.a $(UNIT_LIBS_$*) $(LIBS_EVENT) \
		$(LIBS_SECCOMP) $(LIBS_BSD)

UNIT_OBJS_sandbox =	$(B)/obj/regress/unit/sandbox_child.o
UNIT_OBJS_sandbox_calls = $(UNIT_OBJS_sandbox)
$(B)/regress/unit/sandbox $(B)/regress/unit/sandbox_calls: $(UNIT_OBJS_sandbox)
