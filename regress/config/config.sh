#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The files of unit/conf through wampd itself: N.in must give N.bad and exit
# status 1, or N.ok (wampd -nv) and N.sum (wampd -n).  Those that name keys
# are left to unit/conf: wampd -n would want to see the keys.  -v raises
# the log level and the descriptors at hand lower the connections.

set -u
src=$top/regress/config
wampd=$B/sbin/wampd
umask 022

if [ ! -x "$wampd" ]; then
	echo "skip - config: $wampd is not built"
	exit 0
fi
if [ "$(id -u)" -eq 0 ] && ! id _wampd _wampmetrics >/dev/null 2>&1; then
	echo "skip - config: no user _wampd or _wampmetrics"
	exit 0
fi
# owned by who runs this, which the checkout may not be
mkdir conf conf/inc run
cp "$src"/*.in conf/
cp "$src"/inc/* conf/inc/
run=$PWD/run
cd conf || exit 1

usual() {
	sed -e 's/^log .*/log LEVEL/' -e 's/^\tconnections [0-9].*/LIMIT/'
}

# run options...: wampd on $n.in
run() {
	macro=
	grep -q '\$dir' "$n.in" && macro="-D dir=$run"
	# no word of these has a space
	"$wampd" -f "$n.in" $macro "$@" >out 2>err
	rc=$?
	sed "s|$run|/run/wampd|g" out | usual >out.sed
}

# expect rc file is
expect() {
	if [ "$rc" -ne "$1" ]; then
		echo "not ok - $n: exit status $rc, want $1"
		cat err
	elif ! usual <"$2" | diff -u - "$3"; then
		echo "not ok - $n: not what $(basename "$2") says"
	else
		return 0
	fi
	failed=1
	return 1
}

failed=0
for f in *.in; do
	n=${f%.in}
	if [ -f "$src/$n.bad" ]; then
		run -n
		expect 1 "$src/$n.bad" err && echo "ok - $n"
		continue
	fi
	grep -q '^keypair' "$f" && continue
	# the socket of listen.in belongs to root
	[ "$n" = listen ] && [ "$(id -u)" -ne 0 ] && continue
	run -nv
	expect 0 "$src/$n.ok" out.sed || continue
	run -n
	expect 0 "$src/$n.sum" out.sed && echo "ok - $n"
done
exit $failed
