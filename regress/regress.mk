# make regress [TESTS="unit/log system/basic"] [STRICT=1] [SAN=1] [LONG=1]
#
# A test is a program or script that exits 0.  It may print a line a case:
# "ok - name", "not ok - name: reason", "skip - name: reason"; one that
# prints none counts as one case.  LONG=1: what takes minutes as well;
# LONG=only: nothing but the tests that have such a long form.

include regress/unit/unit.mk
include regress/fuzz/fuzz.mk
include regress/hostile/hostile.mk
include regress/bench/bench.mk

TESTS ?=
STRICT ?=
LONG ?=

regress:
	@sh regress/prepare.sh
	@$(MAKE) -s -j$$(nproc) programs unit-programs hostile-programs
	@B=$(CURDIR)/$(B) SAN=$(SAN) STRICT=$(STRICT) LONG=$(LONG) \
	    PYTHON=$(PYTHON) sh regress/run.sh $(TESTS)

# Rewrite the files that unit/conf compares with, and wampd-conformance(7);
# then read the diff.
update: $(B)/regress/unit/conf
	@B=$(CURDIR)/$(B) UPDATE=1 sh regress/run.sh unit/conf
	@PYTHONPATH=regress/lib $(PYTHON) regress/conformance/page.py -w

lint:
	sh regress/lint.sh

.PHONY: regress lint unit-programs update
