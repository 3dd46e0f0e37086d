#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Runs the tests named (folder/name, no suffix), or all of them, JOBS at a
# time, but alone those that say so in a line "# alone: why"; ends with
# "N passed, M failed, K skipped" and exit status 1 if any failed (or, with
# STRICT=1, was skipped).  With RETRY=1 a test that fails is run once more
# when all others are through, and both are shown.  With LONG=1 tests that have
# a long form run in it, and each may take two hours (LONG=1 WALK=1h is a long
# random walk); with LONG=only those alone run: the files with a line
# "# LONG=1: what that is".  Called by "make regress", which sets B, SAN,
# STRICT, LONG and PYTHON.

set -u
top=$(cd "$(dirname "$0")/.." && pwd)
B=${B:-$top/build}
PYTHON=${PYTHON:-/usr/bin/python3}
is_long='^.'
case ${LONG:-0} in
0)	LONG= ;;
only)	is_long='^# LONG=1: '; LONG=1 ;;
*)	LONG=1 ;;
esac
[ -z "$LONG" ] || LIMIT=${LIMIT:-7200}
LIMIT=${LIMIT:-300}
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 2)}
export B PYTHON top SAN LONG
export PYTHONPATH="$top/regress/lib" PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:exitcode=99:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:${UBSAN_OPTIONS:-}"

test="" workers=""
tmp=$(mktemp -d "${TMPDIR:-/tmp}/wampd-regress.XXXXXX") || exit 1
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
trap 'kill $test $workers 2>/dev/null; exit 1' INT TERM HUP

# root may have his copy where nobody else may look: tests run programs as
# others, too
if [ "$(id -u)" -eq 0 ] && [ -x "$B/sbin/wampd" ] &&
    ! setpriv --reuid 65534 --regid 65534 --clear-groups \
    test -x "$B/sbin/wampd"; then
	mkdir "$tmp/B" && cp -R "$B/sbin" "$B/bin" "$B/libexec" "$tmp/B" &&
	    chmod -R go+rX "$tmp/B" || exit 1
	for f in "$B"/*; do
		[ -e "$tmp/B/${f##*/}" ] || ln -s "$f" "$tmp/B"
	done
	B=$tmp/B
fi

list() {
	if [ $# -gt 0 ]; then
		for t in "$@"; do echo "$t"; done
		return
	fi
	for f in "$B"/regress/unit/*; do
		[ "$is_long" = '^.' ] && [ -x "$f" ] && [ -f "$f" ] &&
		    echo "unit/$(basename "$f")"
	done
	for d in config vectors hostile system conformance walk interop; do
		for f in "$top"/regress/$d/*.sh "$top"/regress/$d/*.py; do
			[ -f "$f" ] && grep -q "$is_long" "$f" || continue
			f=${f%.*}
			echo "$d/$(basename "$f")"
		done
	done
}

# In place of the shell that calls it.
run_one() {
	if [ "${1%%/*}" = unit ] && [ -x "$B/regress/$1" ]; then
		exec timeout -k 5 "$LIMIT" "$B/regress/$1"
	elif [ -f "$top/regress/$1.sh" ]; then
		exec timeout -k 5 "$LIMIT" sh "$top/regress/$1.sh"
	elif [ -f "$top/regress/$1.py" ]; then
		exec timeout -k 5 "$LIMIT" "$PYTHON" "$top/regress/$1.py"
	else
		echo "not ok - $1: no such test"
		return 1
	fi
}

is_alone() {
	grep -qs '^# alone: ' "$top/regress/$1.sh" "$top/regress/$1.py"
}

# Run $1 in a directory of its own; what it printed is in $1/out of $tmp.
attempt() {
	dir="$tmp/$1"
	TEST_TMP="$dir/t"
	export TEST_TMP
	rm -rf "$dir"
	mkdir -p "$TEST_TMP"
	begin=$(date +%s)
	(cd "$TEST_TMP" && run_one "$1") >"$dir/out" 2>&1 </dev/null &
	test=$!
	wait "$test"
	echo "$? $(($(date +%s) - begin))" >"$dir/status"
	rm -rf "$TEST_TMP"
	mv "$dir/status" "$dir/done"
}

# One of JOBS that take what nobody else took yet.
worker() {
	trap '[ -z "$test" ] || kill "$test" 2>/dev/null; exit 1' TERM
	for t in $together; do
		mkdir -p "$tmp/taken/${t%/*}"
		mkdir "$tmp/taken/$t" 2>/dev/null && attempt "$t"
	done
}

# What came of $1: sets rc, p, f, s (cases passed, failed, skipped), seconds.
result() {
	out="$tmp/$1/out"
	while [ ! -f "$tmp/$1/done" ]; do sleep 0.1; done
	read -r rc seconds <"$tmp/$1/done"
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

account() {
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	if [ "$f" -gt 0 ]; then
		show_failure FAILED "$1"
	else
		echo "ok      $1 ($p, $seconds s)"
	fi
	grep '^skip - ' "$out" | sed 's/^skip - /SKIPPED /'
}

# a machine that stands still for a while is not our fault; what fails twice is
show() {
	result "$1"
	if [ "$f" -gt 0 ] && [ -n "${RETRY:-}" ]; then
		show_failure AGAIN "$1"
		again="$again $1"
	else
		account "$1"
	fi
}

together="" alone="" again=""
for t in $(list "$@"); do
	if is_alone "$t"; then alone="$alone $t"; else together="$together $t"; fi
done
passed=0 failed=0 skipped=0
i=0
while [ "$i" -lt "$JOBS" ]; do
	worker &
	workers="$workers $!"
	i=$((i + 1))
done
for t in $together; do show "$t"; done
wait
for t in $alone; do attempt "$t"; show "$t"; done
for t in $again; do attempt "$t"; result "$t"; account "$t"; done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] || exit 1
[ "$skipped" -eq 0 ] || [ -z "${STRICT:-}" ] || exit 1
[ $((passed + skipped)) -gt 0 ]
