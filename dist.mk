# make dist: wampd-VERSION.tar.gz; make distcheck: what becomes of it

dist:
	@sh etc/dist.sh $(VERSION)

distcheck: dist
	@sh etc/distcheck.sh wampd-$(VERSION).tar.gz

.PHONY: dist distcheck
