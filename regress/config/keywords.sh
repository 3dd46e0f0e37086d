#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampd.conf(5) names every keyword that the parser knows, and every word of
# the language to come is known to be refused; the page's examples parse.

set -u
page=$top/man/wampd.conf.5
table=$top/wampd/parse.y
umask 022
failed=0

words=$(sed -n 's/^	{ "\([a-z]*\)",	*\([A-Z]*\) },$/\1 \2/p' "$table")
[ "$(echo "$words" | wc -l)" -gt 80 ] || {
	echo "not ok - keywords: no table in parse.y"
	exit 1
}
LC_ALL=C
export LC_ALL
if [ "$words" != "$(echo "$words" | sort)" ]; then
	echo "not ok - keywords: the table is not sorted"
	failed=1
fi
missing=$(echo "$words" | while read -r word token; do
	[ "$token" = UNSUPPORTED ] && continue
	grep -Eq "^\.(.* )?(Ic|Cm) ([^A-Z]* )?$word( |\$)" "$page" ||
	    echo "$word"
done)
if [ -n "$missing" ]; then
	echo "not ok - keywords: not in the page:" $missing
	failed=1
else
	echo "ok - keywords are in wampd.conf(5)"
fi

# .Bd -literal to .Ed of EXAMPLES, one file each
mkdir examples
awk '/^\.Sh / { in_section = ($2 == "EXAMPLES") }
/^\.Ed/ { in_block = 0 }
in_section && in_block { print > ("examples/" n ".conf") }
/^\.Bd -literal/ { in_block = 1; n++ }' "$page"
for f in examples/*.conf; do
	sed -i -e 's/\\e/\\/g' "$f"
	if "$B/regress/unit/conf" "$f" >out 2>&1 && [ ! -s out ]; then
		echo "ok - $f"
	else
		echo "not ok - $f: $(cat out)"
		failed=1
	fi
done
exit $failed
