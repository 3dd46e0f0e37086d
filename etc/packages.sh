#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# packages.sh file ...: install the Debian packages that the files list, as
# far as they are missing; not being root, say which command does it and
# fail.  Elsewhere than on Debian nothing is done: the lists are in README.

set -eu
command -v dpkg-query >/dev/null 2>&1 || exit 0

need=
for p in $(sed 's/#.*//' "$@"); do
	case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
	*" installed") ;;
	*) need="$need $p" ;;
	esac
done
[ -n "$need" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "These packages are missing; install them with:" >&2
	echo "  sudo apt-get install$need" >&2
	exit 1
fi
echo "installing$need"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { apt-get update && apt-get install -y --no-install-recommends $need; } \
    >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	exit 1
fi
