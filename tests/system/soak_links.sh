#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A thousand times the link goes down and up, is renamed, or is deleted and made again: capture goes
# on each time. FLAPS shortens it.
. "$(dirname "$0")/lib.sh"
isolate
need_program python3

port=5300
flaps=${FLAPS:-1000}
socket="$work/dnsflow.sock"

captured() {
	"$BUILD/dnsflowctl" --socket "$socket" --json stats | python3 -c 'import json, sys
print(sum(c["total"] for c in json.load(sys.stdin)["counters"] if c["name"] == "packets_read"))'
}

flap() {
	case $(($1 % 10)) in
	1) ip link set cap name other && ip link set other name cap && ip link set cap up ;;
	2) ip link del gen && veth_pair gen cap ;;
	*) ip link set cap down && ip link set cap up ;;
	esac
}

# hears BEFORE: packets that are sent now come, and more have been captured than before
hears() {
	"$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 50000
	[ "$(captured)" -gt "$1" ]
}

"$BUILD/bench/pcapgen" -n 200 --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port -M 2 --control "$socket" || finish
dnsflow_pid=$pid
n=0 deaf=0
while [ $n -lt "$flaps" ]; do
	n=$((n + 1))
	before=$(captured)
	flap $n || break
	wait_for 5 hears "$before" || deaf=$((deaf + 1))
done
check "$n flaps were made" test $n = "$flaps"
check "times that capture did not go on: $deaf" test $deaf = 0
check "no worker died" test "$(grep -c 'died' "$work/dnsflow.err")" = 0
adds_up dnsflow "after $n flaps"
check "ends with status 0" stop "$dnsflow_pid"
finish
