#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The conformance kit in $DNSFLOW_SHARED/conformance: every capture gives every line of its .wireshark file, and the lines of its
# .original file in their order, but for the lines in conformance-exceptions. With 1, 2 and 4 workers. Speaks TAP.
set -u
. "$(dirname "$0")/../system/lib.sh"
kit=${DNSFLOW_SHARED:-../shared}/conformance
exceptions=tests/golden/conformance-exceptions
[ -d "$kit" ] || skip_all "needs the conformance kit in $kit"
need_program python3
scratch

# missing EXPECTED GOT: lines of the first that the second has not, as multisets, less those that begin like an exception.
missing() {
	sort "$1" >"$work/a"
	sort "$2" >"$work/b"
	comm -23 "$work/a" "$work/b" | awk -v name="$name" '
		FILENAME == ARGV[1] { if ($1 == name) begin[++count] = $2; next }
		{ for (i = 1; i <= count; i++) if (index($0, begin[i]) == 1) next; print "missing: " $0 }' "$work/exceptions" -
}

# in_order EXPECTED GOT: the first is a subsequence of the second.
in_order() {
	awk 'FILENAME == ARGV[1] { want[++count] = $0; next } at < count && $0 == want[at + 1] { at++ }
		END { if (at < count) { print "not in its place: " want[at + 1]; exit 1 } }' "$1" "$2"
}

export_lines() { # workers: the records of $name in $work/got
	rm -f "$work"/out*
	"$BUILD/dnsflow" -r "$kit/pcap/$name.pcap" -w "$work/out" -M "$1" 2>"$work/err"
	: >"$work/got"
	for out in "$work"/out*; do
		python3 "$kit/dump4.py" "$out" >>"$work/got" || return 1
	done
}

grep -v '^#' $exceptions >"$work/exceptions"
for capture in "$kit"/pcap/*.pcap; do
	name=$(basename "$capture" .pcap)
	export_lines 1
	{ missing "$kit/expected/$name.wireshark" "$work/got"; in_order "$kit/expected/$name.original" "$work/got"; } >"$work/wrong"
	[ -s "$work/wrong" ] && not_ok "$name" || ok "$name"
	note <"$work/wrong"
	sort "$work/got" >"$work/one"
	for workers in 2 4; do
		export_lines $workers
		sort "$work/got" | cmp -s - "$work/one" && ok "$name with $workers workers" || not_ok "$name with $workers workers"
	done
done
finish
