#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# dist.sh version: make wampd-VERSION.tar.gz, the same octet for octet from
# the same commit: of what git has committed here or, in an unpacked tarball,
# of the files that its MANIFEST lists.  Names are sorted, owners are root,
# times are those of the commit, or SOURCE_DATE_EPOCH.

set -eu
umask 022
top=$(cd "$(dirname "$0")/.." && pwd)
name=wampd-$1
tmp=$(mktemp -d "${TMPDIR:-/tmp}/wampd-dist.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
cd "$top"

mkdir "$tmp/$name"
if [ -e .git ]; then
	epoch=$(git log -1 --format=%ct)
	[ -z "$(git status --porcelain)" ] ||
	    echo "$name: what is not committed is not in it" >&2
	git archive -o "$tmp/tar" HEAD
	tar -xf "$tmp/tar" -C "$tmp/$name"
	(cd "$tmp/$name" && find . -type f | sed 's|^\./||' |
	    LC_ALL=C sort) >"$tmp/MANIFEST"
	mv "$tmp/MANIFEST" "$tmp/$name/MANIFEST"
elif [ -f MANIFEST ]; then
	epoch=$(stat -c %Y MANIFEST)
	tar -cf "$tmp/tar" -T MANIFEST MANIFEST
	tar -xf "$tmp/tar" -C "$tmp/$name"
else
	echo "make dist: neither .git nor a MANIFEST here" >&2
	exit 1
fi
LC_ALL=C tar -cf "$tmp/tar" --format=ustar --sort=name \
    --mtime="@${SOURCE_DATE_EPOCH:-$epoch}" --owner=root:0 --group=root:0 \
    --mode=u+rw,go+r,go-w -C "$tmp" "$name"
gzip -9n <"$tmp/tar" >"$name.tar.gz.new"
mv "$name.tar.gz.new" "$name.tar.gz"
echo "$name.tar.gz"
