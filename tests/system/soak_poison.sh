#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A hundred packets that end a worker among ten million good ones: all of them, and no other, are
# quarantined; every good one is recorded once. COUNT shortens it.
. "$(dirname "$0")/lib.sh"
isolate
need_program tcpdump

port=5300
count=${COUNT:-10000000}
rate=${RATE:-200000}
quarantine="$work/quarantine.pcap"

judge() {
	wait "$checker_pid"
	verdict=$?
	cat "$work/checker.out"
	return "$verdict"
}

kept() {
	tcpdump -Z root -nvvr "$quarantine" "$@" 2>/dev/null
}

veth_pair gen cap
"$BUILD/bench/pcapgen" -n "$count" --numbered 1 --poison segv --every $((count / 100)) -o "$work/poison.pcap" 2>/dev/null
start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 8 --settle 2 --expect "$count" || finish
checker_pid=$pid
start_ready 20 dnsflow "$BUILD-hooks/dnsflow" -i cap -u 127.0.0.1:$port -M 2 --ring-size 256 --verbose \
	--quarantine "$quarantine" --control "$work/dnsflow.sock" || finish
dnsflow_pid=$pid
check "all is sent" "$BUILD/bench/blast" -i gen -r "$work/poison.pcap" --rate "$rate"
check "each of $count good packets once" judge
adds_up dnsflow "poison"
check "a hundred are in the quarantine" test "$(kept | grep -c poison.segv.example)" = 100
check "and nothing else" test "$(kept --count | awk '{ print $1 }')" = 100
check "ends with status 0" stop "$dnsflow_pid"
check "a hundred are counted" has_line dnsflow.err 'packets_quarantined 100$'
finish
