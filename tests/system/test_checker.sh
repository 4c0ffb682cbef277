#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The judge of all other tests is no use unless it finds what is wrong.
. "$(dirname "$0")/lib.sh"
scratch

checker="$BUILD/tests/system/checker"

# verdict STATUS FINDING COUNT CHECKER_ARGUMENT...
verdict() {
	expected="$1 $3"
	finding=$2
	shift 3
	"$checker" "$@" >"$work/verdict"
	found="$? $(value_of "$finding" verdict)"
	cat "$work/verdict"
	[ "$found" = "$expected" ]
}

# without_datagram FILE INDEX: leaves out the datagram with this index, from 0
without_datagram() {
	python3 - "$1" "$2" <<-'END'
		import struct, sys
		data, index, offset = open(sys.argv[1], "rb").read(), int(sys.argv[2]), 24
		while index >= 0:
		    start, offset, index = offset, offset + 16 + struct.unpack_from("<I", data, offset + 8)[0], index - 1
		sys.stdout.buffer.write(data[:start] + data[offset:])
	END
}

"$BUILD/bench/pcapgen" -n 10000 --numbered 7 -o "$work/in.pcap" 2>/dev/null
"$BUILD/tests/system/framegen" -o "$work/frames.pcap" -e "$work/records" --only link
"$BUILD/dnsflow" -r "$work/in.pcap" -w "$work/out" 2>"$work/err" || skip_all "dnsflow -r failed: $(cat "$work/err")"
"$BUILD/dnsflow" -r "$work/frames.pcap" -w "$work/frames" 2>/dev/null

check "a clean export is clean" verdict 0 received 10000 --run 7 --expect 10000 "$work/out"
check "missing numbers" verdict 1 missing 5 --run 7 --expect 10005 "$work/out"
check "numbers beyond the range" verdict 1 extra 5 --run 7 --expect 9995 "$work/out"
check "numbers before the range" verdict 1 extra 5 --run 7 --first 5 --expect 9995 "$work/out"
check "another run" verdict 1 extra 10000 --run 8 --expect 10000 "$work/out"
check "a prefix is no loss" verdict 0 missing 0 --run 7 --expect 20000 --prefix "$work/out"
check "doubles" verdict 1 duplicate 10000 --run 7 --expect 10000 "$work/out" "$work/out"
check "one exporter for two shares" verdict 1 received 10000 --run 7 --expect 10000 --workers 2 "$work/out"
"$BUILD/dnsflow" -r "$work/in.pcap" -w "$work/share" -M 3 2>/dev/null
check "three exporters for three shares" verdict 0 misplaced 0 --run 7 --expect 10000 --workers 3 \
	"$work/share.0" "$work/share.1" "$work/share.2"
check "a list of records" verdict 0 extra 0 --expect-file "$work/records" "$work/frames"
sed '$d' "$work/records" >"$work/fewer"
check "a record too many" verdict 1 extra 1 --expect-file "$work/fewer" "$work/frames"
{ cat "$work/records" && head -n 3 "$work/records"; } >"$work/more"
check "records too few" verdict 1 missing 3 --expect-file "$work/more" "$work/frames"
if command -v python3 >/dev/null; then
	without_datagram "$work/out" 5 >"$work/gap"
	check "a lost datagram" verdict 1 sequence_gaps 1 --run 7 --expect 10000 "$work/gap"
else
	skip "a lost datagram" "needs python3"
fi
head -c 5000 "$work/out" >"$work/cut"
check "a damaged file" verdict 1 bad_datagrams 1 --run 7 --expect 10000 --prefix "$work/cut"
finish
