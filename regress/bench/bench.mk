# make bench: figures that a machine's speed decides, and so no tests.  They
# are printed; what a leak or a stall would be is marked by "!!".
# BENCHES="login-timing" runs some, SAMPLES=n takes fewer samples.

BENCHES ?= history login-timing logins routing trie

bench: programs $(B)/regress/bench/history $(B)/regress/bench/trie
	@for b in $(BENCHES); do \
	    if [ -x $(B)/regress/bench/$$b ]; then \
		B=$(B) $(B)/regress/bench/$$b || exit 1; continue; fi; \
	    B=$(CURDIR)/$(B) PYTHONPATH=regress/lib PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON) regress/bench/$$b.py || exit 1; done

$(B)/regress/bench/trie: $(B)/obj/regress/bench/trie.o \
    $(B)/obj/broker/hash.o $(B)/obj/broker/trie.o $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_BSD)

$(B)/regress/bench/history: $(B)/obj/regress/bench/history.o $(BPLAY_OBJS) \
    $(B)/lib/libcodec.a $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_EVENT) $(LIBS_SECCOMP) \
		$(LIBS_BSD)

.PHONY: bench
