#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Runs the tests named (folder/name, no suffix), or all of them; ends with
# "N passed, M failed, K skipped" and exit status 1 if any failed (or, with
# STRICT=1, was skipped).  With RETRY=1 a test that fails is run once more,
# and both are shown; with LONG=1 one may take two hours (LONG=1 WALK=1h is a
# long random walk).  Called by "make regress", which sets B, SAN, STRICT and
# PYTHON.

set -u
top=$(cd "$(dirname "$0")/.." && pwd)
B=${B:-$top/build}
PYTHON=${PYTHON:-/usr/bin/python3}
[ -z "${LONG:-}" ] || LIMIT=${LIMIT:-7200}
LIMIT=${LIMIT:-300}
export B PYTHON top SAN
export PYTHONPATH="$top/regress/lib" PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:exitcode=99:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:${UBSAN_OPTIONS:-}"

tmp=$(mktemp -d "${TMPDIR:-/tmp}/wampd-regress.XXXXXX") || exit 1
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

list() {
	if [ $# -gt 0 ]; then
		for t in "$@"; do echo "$t"; done
		return
	fi
	for f in "$B"/regress/unit/*; do
		[ -x "$f" ] && [ -f "$f" ] && echo "unit/$(basename "$f")"
	done
	for d in config vectors hostile system conformance walk interop; do
		for f in "$top"/regress/$d/*.sh "$top"/regress/$d/*.py; do
			[ -f "$f" ] || continue
			f=${f%.*}
			echo "$d/$(basename "$f")"
		done
	done
}

run_one() {
	if [ "${1%%/*}" = unit ] && [ -x "$B/regress/$1" ]; then
		timeout -k 5 "$LIMIT" "$B/regress/$1"
	elif [ -f "$top/regress/$1.sh" ]; then
		timeout -k 5 "$LIMIT" sh "$top/regress/$1.sh"
	elif [ -f "$top/regress/$1.py" ]; then
		timeout -k 5 "$LIMIT" "$PYTHON" "$top/regress/$1.py"
	else
		echo "not ok - $1: no such test"
		return 1
	fi
}

# Run $1: sets rc, p, f, s (cases passed, failed, skipped) and seconds.
attempt() {
	begin=$(date +%s)
	TEST_TMP="$tmp/t"
	export TEST_TMP
	rm -rf "$TEST_TMP"
	mkdir "$TEST_TMP"
	(cd "$TEST_TMP" && run_one "$1") >"$out" 2>&1 </dev/null
	rc=$?
	seconds=$(($(date +%s) - begin))
	p=$(grep -c '^ok - ' "$out")
	f=$(grep -c '^not ok - ' "$out")
	s=$(grep -c '^skip - ' "$out")
	if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	elif [ "$rc" -eq 0 ] && [ $((p + f + s)) -eq 0 ]; then
		p=1
	fi
}

show_failure() {
	echo "$1  $2 ($p passed, $f failed, exit status $rc)"
	grep '^not ok - ' "$out" | cut -c 1-400 | sed 's/^/        /'
	tail -n 60 "$out" | sed 's/^/        | /'
}

out="$tmp/out"
passed=0 failed=0 skipped=0
for t in $(list "$@"); do
	attempt "$t"
	if [ "$f" -gt 0 ] && [ -n "${RETRY:-}" ]; then
		# a machine that stands still for a while is not our fault;
		# what fails twice is
		show_failure AGAIN "$t"
		attempt "$t"
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	if [ "$f" -gt 0 ]; then
		show_failure FAILED "$t"
	else
		echo "ok      $t ($p, $seconds s)"
	fi
	grep '^skip - ' "$out" | sed 's/^skip - /SKIPPED /'
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] || exit 1
[ "$skipped" -eq 0 ] || [ -z "${STRICT:-}" ] || exit 1
[ $((passed + skipped)) -gt 0 ]
