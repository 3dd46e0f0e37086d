# make bench: figures that a machine's speed decides, and so no tests.  They
# are printed; what a leak or a stall would be, or a gate that is not held,
# is marked by "!!".  FULL=1 measures more and longer.  What else there is runs
# by name: BENCHES="history login-timing logins routing trie".  SAMPLES=n takes
# fewer samples where there are any, ROUNDS=n fewer or more rounds.

FULL ?=
BENCHES ?= performance memory \
	$(if $(FULL),growth fairness storm slow)

BENCH_PROGRAMS = $(addprefix $(B)/regress/bench/, history trie wampload limit)

bench-programs: $(BENCH_PROGRAMS)

bench: programs bench-programs
	@for b in $(BENCHES); do \
	    if [ -x $(B)/regress/bench/$$b ]; then \
		B=$(B) $(B)/regress/bench/$$b || exit 1; continue; fi; \
	    B=$(CURDIR)/$(B) FULL=$(FULL) \
	    PYTHONPATH=regress/lib PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON) regress/bench/$$b.py || exit 1; done

$(B)/regress/bench/trie: $(B)/obj/regress/bench/trie.o \
    $(B)/obj/broker/trie.o $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_BSD)

$(B)/regress/bench/history: $(B)/obj/regress/bench/history.o $(BPLAY_OBJS) \
    $(B)/lib/libcodec.a $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_EVENT) $(LIBS_SECCOMP) \
		$(LIBS_BSD)

# load/: the generator, and the reference of what the machine can do.  They
# share nothing with wampd, so that they judge it by their own reading of
# the protocol.
$(B)/obj/regress/bench/load/%.o: regress/bench/load/%.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(OPT) -Wall -Wextra $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/regress/bench/wampload: $(addprefix $(B)/obj/regress/bench/load/, \
    wampload.o conn.o codec.o stat.o)
	@mkdir -p $(@D)
	$(CC) $(LDOPT) $(LDFLAGS) -o $@ $^ -lssl -lcrypto

$(B)/regress/bench/limit: $(addprefix $(B)/obj/regress/bench/load/, \
    limit.o codec.o)
	@mkdir -p $(@D)
	$(CC) $(LDOPT) $(LDFLAGS) -o $@ $^ -lssl -lcrypto

-include $(wildcard $(B)/obj/regress/bench/load/*.d)

.PHONY: bench bench-programs
