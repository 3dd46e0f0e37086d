#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# distcheck.sh tarball: what is in it builds where there is no git, twice in
# different places to the same programs; it makes the same tarball again;
# installed elsewhere it works, and "make uninstall" leaves the configuration
# and nothing else.

set -eu
umask 022
unset B SAN MAKEFLAGS MFLAGS MAKELEVEL DESTDIR
tarball=$(realpath "$1")
name=$(basename "$tarball" .tar.gz)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/wampd-distcheck.XXXXXX")
chmod 755 "$tmp"
wampd= sub=
trap 'kill $wampd $sub 2>/dev/null || true; wait; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

fail() {
	echo "make distcheck: $*" >&2
	exit 1
}

# root may not have wampd's users, and needs none here
unprivileged() {
	if [ "$(id -u)" -eq 0 ]; then
		exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		exec "$@"
	fi
}

build() {
	mkdir -p "$tmp/$1"
	tar -xzf "$tarball" -C "$tmp/$1"
	make -s -j"$(nproc)" -C "$tmp/$1/$name" WERROR=1 all
	(cd "$tmp/$1/$name/build" && find bin sbin libexec -type f |
	    LC_ALL=C sort | xargs sha256sum) >"$tmp/$1.sums"
	[ -s "$tmp/$1.sums" ]
}

build one
build other/and/deeper
cmp "$tmp/one.sums" "$tmp/other/and/deeper.sums" ||
    fail "programs differ between two builds"
src=$tmp/one/$name
make -s -C "$src" dist >/dev/null
cmp "$tarball" "$src/$name.tar.gz" || fail "the tarball does not make itself"

dest=$tmp/dest
make -s -C "$src" install DESTDIR="$dest"
[ -z "$(find "$dest" -type f -exec grep -lF "$tmp" {} +)" ] ||
    fail "$tmp is named in what was installed"

# an event from one wampc to another, by what was installed
run=$tmp/run
mkdir "$run"
[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$run"
cat >"$run.conf" <<CONF
listen on socket "$run/sock"
realm "realm1" {
	authenticate socket { any role "local" }
	role "local" { allow any }
}
CONF
wampc() {
	unprivileged "$dest/usr/local/bin/wampc" -s "$run/sock" "$@"
}
: >"$tmp/log"
: >"$tmp/said"
(unprivileged "$dest/usr/local/sbin/wampd" -d -f "$run.conf") \
    2>"$tmp/log" &
wampd=$!
i=0
until grep -q ready "$tmp/log"; do
	i=$((i + 1))
	if [ "$i" -gt 300 ] || ! kill -0 "$wampd"; then
		cat "$tmp/log" >&2
		fail "wampd did not start"
	fi
	sleep 0.1
done
(wampc -v -w 60 subscribe -n 1 com.example.t) >"$tmp/event" 2>"$tmp/said" &
sub=$!
until grep -q subscribed "$tmp/said"; do
	kill -0 "$sub" || fail "wampc did not subscribe: $(cat "$tmp/said")"
	sleep 0.1
done
(wampc publish com.example.t 7)
wait "$sub" || fail "no event: $(cat "$tmp/said")"
grep -q '"args":\[7\]' "$tmp/event" || fail "wrong event"
sub=
kill "$wampd"
wait "$wampd" || fail "wampd ended with status $?: $(cat "$tmp/log")"
wampd=

make -s -C "$src" uninstall DESTDIR="$dest"
left=$(find "$dest" ! -type d)
[ "$left" = "$dest/etc/wampd.conf" ] || fail "uninstall left $left"
echo "$name.tar.gz is good"
