# make bench: figures that a machine's speed decides, and so no tests.  They
# are printed; what a leak or a stall would be is marked by "!!".
# BENCHES="login-timing" runs some, SAMPLES=n takes fewer samples.

BENCHES ?= login-timing logins

bench: programs
	@for b in $(BENCHES); do \
	    B=$(CURDIR)/$(B) PYTHONPATH=regress/lib PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON) regress/bench/$$b.py || exit 1; done

.PHONY: bench
