#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What "make regress" needs and cannot build: packages, the clients in
# JavaScript, and promtool, which is taken out of its package: to install that
# would start a server.  Not being root, what is missing is named, and tests that need
# it are skipped.

set -u
top=$(cd "$(dirname "$0")/.." && pwd)
js=$top/regress/interop/js

sh "$top/etc/packages.sh" "$top/etc/packages" || exit 1
sh "$top/etc/packages.sh" "$top/regress/packages" || [ "$(id -u)" -ne 0 ] ||
    exit 1
if ! command -v npm >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
	echo npm >"${TMPDIR:-/tmp}/wampd-npm.$$"
	sh "$top/etc/packages.sh" "${TMPDIR:-/tmp}/wampd-npm.$$"
	rm -f "${TMPDIR:-/tmp}/wampd-npm.$$"
fi
if [ ! -f "$js/node_modules/.complete" ] && command -v npm >/dev/null 2>&1
then
	if (cd "$js" && npm ci --ignore-scripts --no-audit --no-fund) \
	    >"$js/npm.log" 2>&1; then
		touch "$js/node_modules/.complete"
		rm -f "$js/npm.log"
	else
		echo "npm ci failed in regress/interop/js:" >&2
		tail -n 5 "$js/npm.log" >&2
	fi
fi

# system/metrics: regress/promtool
if ! command -v promtool >/dev/null 2>&1 && [ ! -x "$top/regress/promtool" ] &&
    command -v apt-get >/dev/null 2>&1; then
	t=$(mktemp -d) && (cd "$t" && { apt-get download prometheus ||
	    { apt-get update && apt-get download prometheus; }; } &&
	    dpkg-deb -x prometheus_*.deb x &&
	    mv x/usr/bin/promtool "$top/regress/promtool.new" &&
	    mv "$top/regress/promtool.new" "$top/regress/promtool") \
	    >/dev/null 2>&1 || echo "promtool cannot be had" >&2
	rm -rf "$t"
fi
exit 0
