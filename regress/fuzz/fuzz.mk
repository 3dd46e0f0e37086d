# One fuzz_NAME.c a target, with its seeds in corpus/NAME.
# "make fuzz" builds them with clang's libFuzzer into build-fuzz/fuzz;
# "make fuzz-run [FUZZ_TIME=60] [FUZZ=name ...]" runs them, keeping what
# they find in build-fuzz/corpus.  Each corpus is replayed as a unit test.

FUZZ_TARGETS =	broker codec_cbor codec_convert codec_json codec_msgpack \
		http rawsocket websocket
FUZZ_TARGETS +=	config confmsg
FUZZ_TARGETS +=	meta
FUZZ_TARGETS +=	parent
FUZZ_TARGETS +=	keeper proxy
FUZZ_TARGETS +=	handover logjson metrics proxyproto
FUZZ_TARGETS +=	usersfile
FUZZ ?=		$(FUZZ_TARGETS)
FUZZ_TIME ?=	60

FUZZ_LIBS_http =	$(LIBS_CRYPTO)

# Targets that share code name its objects twice: to link and to build.
FUZZ_OBJS_codec_cbor = $(B)/obj/regress/fuzz/codec_common.o
FUZZ_OBJS_codec_convert = $(FUZZ_OBJS_codec_cbor) $(B)/obj/regress/lib/same.o
FUZZ_OBJS_codec_json = $(FUZZ_OBJS_codec_cbor)
FUZZ_OBJS_codec_msgpack = $(FUZZ_OBJS_codec_cbor)
$(B)/fuzz/fuzz_codec_cbor $(B)/fuzz/fuzz_codec_convert \
    $(B)/fuzz/fuzz_codec_json $(B)/fuzz/fuzz_codec_msgpack \
    $(B)/regress/unit/fuzz_codec_cbor $(B)/regress/unit/fuzz_codec_convert \
    $(B)/regress/unit/fuzz_codec_json $(B)/regress/unit/fuzz_codec_msgpack: \
    $(FUZZ_OBJS_codec_convert)

# broker.c is in the target itself
FUZZ_OBJS_broker =	$(filter-out %/broker.o,$(BROKER_OBJS))
$(B)/fuzz/fuzz_broker $(B)/regress/unit/fuzz_broker: $(FUZZ_OBJS_broker)

# with stand-ins for broker.c, and sees more of what is said
FUZZ_OBJS_meta =	$(FUZZ_OBJS_broker)
$(B)/fuzz/fuzz_meta $(B)/regress/unit/fuzz_meta: $(FUZZ_OBJS_meta)

FUZZ_OBJS_config = $(WAMPD_CONF_OBJS)
$(B)/fuzz/fuzz_config $(B)/regress/unit/fuzz_config: $(WAMPD_CONF_OBJS)

# all of the parent but main()
FUZZ_OBJS_parent =	$(filter-out %/wampd.o %/check.o,$(WAMPD_OBJS))
$(B)/fuzz/fuzz_parent $(B)/regress/unit/fuzz_parent: $(FUZZ_OBJS_parent)

FUZZ_OBJS_metrics =	$(B)/obj/metrics/answer.o
$(B)/fuzz/fuzz_metrics $(B)/regress/unit/fuzz_metrics: $(FUZZ_OBJS_metrics)

# keeper.c is in the target itself, and so are stand-ins for workers.c
FUZZ_OBJS_keeper =	$(filter-out %/keeper.o %/workers.o,$(KEEPER_OBJS)) \
			$(B)/lib/libcred.a
FUZZ_LIBS_keeper =	$(LIBS_CRED)
$(B)/fuzz/fuzz_keeper $(B)/regress/unit/fuzz_keeper: $(FUZZ_OBJS_keeper)

FUZZ_OBJS_usersfile =	$(B)/lib/libcred.a
FUZZ_LIBS_usersfile =	$(LIBS_CRED)
$(B)/fuzz/fuzz_usersfile $(B)/regress/unit/fuzz_usersfile: \
    $(FUZZ_OBJS_usersfile)

# tlsproxy.c is in the target itself
FUZZ_OBJS_proxy =	$(filter-out %/tlsproxy.o,$(TLSPROXY_OBJS))
FUZZ_LIBS_proxy =	$(LIBS_TLS) $(LIBS_SSL)
$(B)/fuzz/fuzz_proxy $(B)/regress/unit/fuzz_proxy: $(FUZZ_OBJS_proxy)

FUZZ_OBJS_logjson =	$(B)/obj/wampd/logjson.o
$(B)/fuzz/fuzz_logjson $(B)/regress/unit/fuzz_logjson: $(FUZZ_OBJS_logjson)

FUZZ_OBJS_handover =	$(B)/obj/wampd/handover_line.o
$(B)/fuzz/fuzz_handover $(B)/regress/unit/fuzz_handover: \
    $(FUZZ_OBJS_handover)

FUZZ_OBJS_proxyproto =	$(B)/obj/tlsproxy/proxyproto.o
$(B)/fuzz/fuzz_proxyproto $(B)/regress/unit/fuzz_proxyproto: \
    $(FUZZ_OBJS_proxyproto)

FUZZ_SAN =	address,undefined
FUZZ_PROGRAMS =	$(addprefix $(B)/fuzz/fuzz_, $(FUZZ))

fuzz:
	@$(MAKE) B=build-fuzz CC=clang LDOPT="-fsanitize=fuzzer,$(FUZZ_SAN)" \
	    OPT="-O1 -g -fno-omit-frame-pointer -DWAMPD_SAN \
	    -fsanitize=fuzzer-no-link,$(FUZZ_SAN) \
	    -fno-sanitize-recover=undefined" fuzz-programs

fuzz-programs: $(FUZZ_PROGRAMS)

$(B)/fuzz/fuzz_%: $(B)/obj/regress/fuzz/fuzz_%.o $(B)/lib/libcodec.a \
    $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(FUZZ_OBJS_$*) $(B)/lib/libcodec.a \
		$(B)/lib/libcommon.a $(FUZZ_LIBS_$*) $(LIBS_EVENT) \
		$(LIBS_SECCOMP) $(LIBS_BSD)

fuzz-run: fuzz
	@set -e; for t in $(FUZZ); do \
		mkdir -p build-fuzz/corpus/$$t; \
		echo "fuzz_$$t, $(FUZZ_TIME) s"; \
		build-fuzz/fuzz/fuzz_$$t -max_total_time=$(FUZZ_TIME) \
		    -timeout=10 -print_final_stats=1 \
		    -artifact_prefix=build-fuzz/ \
		    build-fuzz/corpus/$$t regress/fuzz/corpus/$$t \
		    >build-fuzz/$$t.log 2>&1 || \
		    { tail -n 60 build-fuzz/$$t.log; exit 1; }; \
		grep number_of_executed_units build-fuzz/$$t.log; \
	done

# Shorter stem than the rule for NAME_test.c, so make prefers it.
$(B)/regress/unit/fuzz_%: $(B)/obj/regress/fuzz/fuzz_%.o \
    $(B)/obj/regress/fuzz/replay.o $(B)/lib/libcodec.a $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(B)/obj/regress/fuzz/replay.o \
		$(FUZZ_OBJS_$*) $(B)/lib/libcodec.a $(B)/lib/libcommon.a \
		$(FUZZ_LIBS_$*) \
		$(LIBS_EVENT) $(LIBS_SECCOMP) $(LIBS_BSD)

unit-programs: $(addprefix $(B)/regress/unit/fuzz_, $(FUZZ_TARGETS))

.PHONY: fuzz fuzz-programs fuzz-run
