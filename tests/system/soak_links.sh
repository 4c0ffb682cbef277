#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A thousand times the link goes down and up, is renamed, or is deleted and made again: capture goes
# on each time. FLAPS shortens it.
. "$(dirname "$0")/lib.sh"
isolate

port=5300
flaps=${FLAPS:-1000}
socket="$work/dnsflow.sock"

captured() {
	"$BUILD/dnsflowctl" --socket "$socket" --json stats | python3 -c 'import json, sys
print(json.load(sys.stdin)["total"]["packets_read"]["value"])'
}

flap() {
	case $(($1 % 10)) in
	1) ip link set cap name other && ip link set other name cap && ip link set cap up ;;
	2) ip link del gen && veth_pair gen cap ;;
	*) ip link set cap down && ip link set cap up ;;
	esac
}

has_captured() {
	[ "$(captured)" -gt "$1" ]
}

"$BUILD/bench/pcapgen" -n 200 --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port -M 2 --control "$socket" || finish
dnsflow_pid=$pid
n=0 deaf=0
while [ $n -lt "$flaps" ]; do
	n=$((n + 1))
	flap $n
	before=$(captured)
	sleep 0.2
	"$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 50000 >/dev/null 2>&1
	wait_for 1 has_captured "$before" || deaf=$((deaf + 1))
done
check "after $n flaps capture went on, but $deaf times" test $deaf = 0
check "no worker died" test "$(grep -c 'died' "$work/dnsflow.err")" = 0
adds_up dnsflow "after $n flaps"
check "ends with status 0" stop "$dnsflow_pid"
finish
