#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Workers are killed again and again while they work: nothing is lost, nothing comes twice, sequence
# numbers go on.
. "$(dirname "$0")/lib.sh"
isolate
need_program pgrep

port=5300
checker="$BUILD/tests/system/checker"
blast="$BUILD/bench/blast"

judge() {
	wait "$checker_pid"
	verdict=$?
	cat "$work/checker.out"
	grep -v 'died of signal' "$work/dnsflow.err"
	return "$verdict"
}

# killed NAME CAPTURE RATE DNSFLOW_ARGUMENTS CHECKER_ARGUMENT...
killed() {
	title=$1
	capture=$2
	rate=$3
	arguments=$4
	shift 4
	kill_started
	start_ready 5 checker "$checker" --listen 127.0.0.1:$port --idle 5 "$@" || return
	checker_pid=$pid
	# shellcheck disable=SC2086
	start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --control "$work/dnsflow.sock" $arguments || return
	dnsflow_pid=$pid
	start blast "$blast" -i gen -r "$work/$capture.pcap" --rate "$rate"
	kill_while "$pid" "$dnsflow_pid" 'role worker' 0.03
	check "$title: every record once after $kills kills" judge
	adds_up dnsflow "$title"
	check "$title: there were enough of them" test "$kills" -ge 20
	check "$title: ends with status 0" stop "$dnsflow_pid"
}

"$BUILD/bench/pcapgen" -n 300000 --numbered 1 -o "$work/plain.pcap" 2>/dev/null
"$BUILD/tests/system/framegen" -n 60 -o "$work/paths.pcap" -e "$work/paths.records"
veth_pair gen cap && ip link set gen mtu 9000 && ip link set cap mtu 9000
killed "one worker" plain 100000 "-M 1" --expect 300000
killed "three workers" plain 100000 "-M 3" --expect 300000 --workers 3
killed "fragments, TCP and tunnels" paths 10000 "-M 1 --tunnels all" \
	--expect-file "$work/paths.records"
killed "fragments, TCP and tunnels, two workers" paths 10000 "-M 2 --tunnels all" \
	--expect-file "$work/paths.records"
finish
