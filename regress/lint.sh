#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# make lint: both compilers without a warning, man pages clean.
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc 2>/dev/null || echo 2)
make -s -j"$jobs" WERROR=1 B=build-lint-gcc CC=gcc programs unit-programs hostile-programs
make -s -j"$jobs" WERROR=1 B=build-lint-clang CC=clang programs unit-programs hostile-programs
rm -rf build-lint-gcc build-lint-clang
# which manuals are installed here is not our pages' fault
bad=$(mandoc -T lint -W style man/*.[1-8] 2>/dev/null |
    grep -v 'STYLE: referenced manual not found' || true)
if [ -n "$bad" ]; then
	echo "$bad"
	exit 1
fi
echo "lint: clean"
