#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A hundred packets that end a worker among ten million good ones: all of them, and no other, are
# quarantined; every good one is recorded once.
. "$(dirname "$0")/lib.sh"
isolate
need_program tcpdump

port=5300
count=${COUNT:-10000000}
quarantine="$work/quarantine.pcap"

veth_pair gen cap
"$BUILD/bench/pcapgen" -n "$count" --numbered 1 --poison segv --every $((count / 100)) -o "$work/poison.pcap" 2>/dev/null
start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 8 --expect "$count" || finish
checker_pid=$pid
start_ready 20 dnsflow "$BUILD-hooks/dnsflow" -i cap -u 127.0.0.1:$port -M 2 --ring-size 256 --quarantine "$quarantine" \
	--control "$work/dnsflow.sock" || finish
dnsflow_pid=$pid
"$BUILD/bench/blast" -i gen -r "$work/poison.pcap" --rate 200000 >/dev/null
check "every good packet once" wait "$checker_pid"
note <"$work/checker.out"
adds_up dnsflow "poison"
check "a hundred are in the quarantine" test "$(tcpdump -Z root -nvvr "$quarantine" 2>/dev/null | grep -c poison.segv.example)" = 100
check "ends with status 0" stop "$dnsflow_pid"
finish
