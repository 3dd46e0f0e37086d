#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The AppArmor profile, with the paths of two installations, is one that the
# parser takes (nothing is loaded); each process has a profile of its own,
# and none of the children's allows more than it should.

set -u
failed=0
PATH=$PATH:/usr/sbin:/sbin
parser=$(command -v apparmor_parser) || {
	echo "skip - apparmor: apparmor_parser is not installed"
	exit 0
}

not_ok() {
	echo "not ok - apparmor: $*"
	failed=1
}

# check name libexecdir make-variables...
check() {
	name=$1 libexec=$2
	shift 2
	if ! make -s -C "$top" install-apparmor DESTDIR="$PWD/$name" \
	    "$@" >make.out 2>&1; then
		not_ok "$name: make install-apparmor"
		cat make.out
		return
	fi
	profile=$(find "$name" -path '*/apparmor/usr.sbin.wampd')
	if ! "$parser" -Q -K -S "$profile" >binary 2>err || [ ! -s binary ]
	then
		not_ok "$name: the parser says:"
		cat err
		return
	fi
	names=$("$parser" -N "$profile" 2>/dev/null | sort | tr '\n' ' ')
	[ "$names" = "wampd wampd//broker wampd//keeper wampd//metrics \
wampd//tlsproxy " ] ||
	    not_ok "$name: profiles are: $names"
	grep -n '[^{]@[A-Z]*@\|/usr/local/lib.*&' "$profile" |
	    grep -v "$libexec" && not_ok "$name: paths were left"
	# an upgrade: it runs itself anew, and ends what is it itself
	sed -n '/^profile wampd /,/^  profile /p' "$profile" >parent
	grep -q '^  /.*/sbin/wampd mrix,$' parent ||
	    not_ok "$name: wampd cannot be executed by itself"
	grep -q '^  signal (receive) set=(kill) peer=wampd,$' parent ||
	    not_ok "$name: wampd cannot be killed by itself"
	for p in $(cd "$B/libexec/wampd" && ls); do
		grep -q "^  $libexec/$p mrCx -> &$p,\$" "$profile" ||
		    not_ok "$name: $p is not confined"
		# what is in its profile beyond its binary and libraries
		sed -n "/^  profile $p /,/^  }/p" "$profile" >child
		grep -q "^    $libexec/$p mr,\$" child ||
		    not_ok "$name: $p cannot be executed"
		grep -Ev "$libexec/$p mr,| (profile|include|capability) |^  }" \
		    child | grep -Ev '^ *(unix|signal|ptrace) |^$' |
		    sed 's/^ *//' | tr '\n' ' ' >"$name.$p"
	done
	echo "ok - apparmor: $name"
}

check local /usr/local/libexec/wampd
check debian /usr/libexec/wampd PREFIX=/usr LIBEXECDIR=/usr/libexec/wampd \
    EMPTYDIR=/var/lib/wampd/empty

# expect process rules...
expect() {
	p=$1
	shift
	[ "$(cat debian."$p")" = "$* " ] ||
	    not_ok "$p may: $(cat debian."$p")"
}
expect broker '/var/lib/wampd/empty/ r,'
expect keeper '/var/lib/wampd/empty/ r,' '@{WAMPD_FILES} r,'
expect metrics 'network inet stream, network inet6 stream,' \
    '/var/lib/wampd/empty/ r,' '/run/wampd/** rw,'
expect tlsproxy 'network inet stream, network inet6 stream,' \
    '/var/lib/wampd/empty/ r,' '/run/wampd/** rw,' '@{WAMPD_FILES} r,'

# it would not take anything
sed 's/mrCx -> &keeper,/mrCx -> keper/' "$profile" >wrong
"$parser" -Q -K -S wrong >/dev/null 2>&1 &&
    not_ok "the parser takes what is wrong"
exit $failed
