# make install, make uninstall.  DESTDIR for packages.  What the administrator
# may have changed is never overwritten; users are made when root installs
# for this machine.

USERS =		_wampd _wampbroker _wampkeeper _wampmetrics

# The paths of this installation in the place of the usual ones.
SUBST =		sed -e 's|/etc/wampd|$(SYSCONFDIR)/wampd|g' \
		-e 's|/run/wampd|$(RUNDIR)/wampd|g' \
		-e 's|/usr/local/libexec/wampd|$(LIBEXECDIR)|g' \
		-e 's|/var/empty/wampd|$(EMPTYDIR)|g' \
		-e 's|/usr/local/share/doc/wampd|$(DOCDIR)|g' \
		-e 's|@SBINDIR@|$(SBINDIR)|g' \
		-e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' \
		-e 's|@RUNDIR@|$(RUNDIR)|g' \
		-e 's|@EMPTYDIR@|$(EMPTYDIR)|g'

MANPAGES =	$(wildcard man/*.[1578])

D =		$(DESTDIR)

install: programs
	install -d $(D)$(SBINDIR) $(D)$(BINDIR) $(D)$(LIBEXECDIR)
	install -m 755 $(B)/sbin/wampd $(D)$(SBINDIR)/wampd
	install -m 755 $(B)/sbin/wampctl $(D)$(SBINDIR)/wampctl
	install -m 755 $(B)/bin/wampc $(D)$(BINDIR)/wampc
	for p in keeper tlsproxy broker metrics; do \
		install -m 755 $(B)/libexec/wampd/$$p \
		    $(D)$(LIBEXECDIR)/$$p || exit 1; \
	done
	for m in $(MANPAGES); do \
		d=$(D)$(MANDIR)/man$${m##*.}; \
		install -d $$d && $(SUBST) $$m >$$d/$${m##*/} && \
		    chmod 644 $$d/$${m##*/} || exit 1; \
	done
	for d in filter.d jail.d; do \
		install -d $(D)$(DOCDIR)/fail2ban/$$d && \
		install -m 644 etc/fail2ban/$$d/wampd.conf \
		    $(D)$(DOCDIR)/fail2ban/$$d/wampd.conf || exit 1; \
	done
	install -d $(D)$(COMPDIR)
	for c in wampc wampctl; do \
		$(SUBST) etc/bash-completion/$$c >$(D)$(COMPDIR)/$$c && \
		    chmod 644 $(D)$(COMPDIR)/$$c || exit 1; \
	done
	$(MAKE) -s install-apparmor install-conf install-init install-host

# Not where it would be in force.
install-apparmor:
	@install -d $(D)$(DOCDIR)/apparmor
	@$(SUBST) etc/apparmor.d/usr.sbin.wampd \
	    >$(D)$(DOCDIR)/apparmor/usr.sbin.wampd
	@chmod 644 $(D)$(DOCDIR)/apparmor/usr.sbin.wampd

# An ordinary user may install the programs alone.
install-conf:
	@if ! install -d $(D)$(SYSCONFDIR) 2>/dev/null || \
	    ! [ -w $(D)$(SYSCONFDIR) ]; then \
		echo "$(SYSCONFDIR) is not writable: no wampd.conf there"; \
		exit 0; \
	fi; \
	install -d $(D)$(SYSCONFDIR)/wampd $(D)$(SYSCONFDIR)/wampd/realms.d && \
	install -d -m 700 $(D)$(SYSCONFDIR)/wampd/tls && \
	$(SUBST) etc/wampd.conf >$(D)$(SYSCONFDIR)/wampd.conf.new && \
	chmod 644 $(D)$(SYSCONFDIR)/wampd.conf.new && \
	if [ ! -e $(D)$(SYSCONFDIR)/wampd.conf ]; then \
		mv $(D)$(SYSCONFDIR)/wampd.conf.new \
		    $(D)$(SYSCONFDIR)/wampd.conf; \
	elif cmp -s $(D)$(SYSCONFDIR)/wampd.conf \
	    $(D)$(SYSCONFDIR)/wampd.conf.new; then \
		rm $(D)$(SYSCONFDIR)/wampd.conf.new; \
	else \
		echo "$(SYSCONFDIR)/wampd.conf kept: see wampd.conf.new"; \
	fi

# What starts it: one line a file, "source target mode", for each word of INIT.
INIT_sysv =	init.d/wampd:$(SYSCONFDIR)/init.d/wampd:755
INIT_systemd =	systemd/wampd.service:$(UNITDIR)/wampd.service:644 \
		sysusers.d/wampd.conf:$(SYSUSERSDIR)/wampd.conf:644 \
		tmpfiles.d/wampd.conf:$(TMPFILESDIR)/wampd.conf:644

INIT_openrc =	openrc/wampd:$(SYSCONFDIR)/init.d/wampd:755
INIT_runit =	runit/log/run:$(SYSCONFDIR)/sv/wampd/log/run:755 \
		runit/run:$(SYSCONFDIR)/sv/wampd/run:755
INIT_s6 =	s6/log/run:$(SYSCONFDIR)/s6/sv/wampd/log/run:755 \
		s6/run:$(SYSCONFDIR)/s6/sv/wampd/run:755 \
		s6/type:$(SYSCONFDIR)/s6/sv/wampd/type:644 \
		s6/notification-fd:$(SYSCONFDIR)/s6/sv/wampd/notification-fd:644 \
		s6/timeout-kill:$(SYSCONFDIR)/s6/sv/wampd/timeout-kill:644
INIT_openbsd =	rc.d/openbsd/wampd:$(SYSCONFDIR)/rc.d/wampd:555
INIT_freebsd =	rc.d/freebsd/wampd:$(PREFIX)/etc/rc.d/wampd:555

INIT_FILES =	$(foreach i,$(INIT),$(or $(INIT_$(i)),$(error INIT=$(i): none \
		of: sysv systemd openrc runit s6 openbsd freebsd)))

install-init:
	@for f in $(INIT_FILES); do \
		mode=$${f##*:}; f=$${f%:*}; to=$(D)$${f##*:}; \
		if ! install -d $${to%/*} 2>/dev/null || \
		    ! [ -w $${to%/*} ]; then \
			echo "$${to%/*} is not writable: no $${to##*/} there"; \
			continue; \
		fi; \
		$(SUBST) etc/$${f%%:*} >$$to && chmod $$mode $$to || exit 1; \
	done

# Only root needs users and the empty directory, and only here.
install-host:
	@if [ -n "$(D)" ] || [ "$$(id -u)" = 0 ]; then \
		install -d -m 755 $(D)$(EMPTYDIR) $(D)$(RUNDIR); \
	else \
		[ -d $(RUNDIR) ] || install -d $(RUNDIR); \
	fi
	@[ -z "$(D)" ] && [ "$$(id -u)" = 0 ] || exit 0; \
	for u in $(USERS); do \
		getent passwd $$u >/dev/null && continue; \
		useradd -r -M -U -d $(EMPTYDIR) -s /usr/sbin/nologin $$u || \
		    exit 1; \
		echo "user $$u created"; \
	done

# Configuration, users and directories stay.
uninstall:
	rm -f $(D)$(SBINDIR)/wampd $(D)$(SBINDIR)/wampctl $(D)$(BINDIR)/wampc
	for f in $(INIT_FILES); do \
		f=$${f%:*}; f=$(D)$${f##*:}; rm -f $$f; \
		case $$f in */wampd/*) \
			rmdir $${f%/*} 2>/dev/null || : ;; \
		esac; \
	done
	rm -f $(D)$(COMPDIR)/wampc $(D)$(COMPDIR)/wampctl
	rm -rf $(D)$(LIBEXECDIR) $(D)$(DOCDIR)/fail2ban \
	    $(D)$(DOCDIR)/apparmor
	for m in $(MANPAGES); do \
		rm -f $(D)$(MANDIR)/man$${m##*.}/$${m##*/}; \
	done

.PHONY: install install-apparmor install-conf install-init install-host uninstall
