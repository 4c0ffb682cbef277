#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Packets that end a worker, in a test build whose decoder dies of names with the label "poison":
# each costs itself alone, and lies in the quarantine afterwards. A worker that was stopped together
# with its supervisor does not hang.
. "$(dirname "$0")/lib.sh"
isolate
need_program tcpdump pgrep

port=5300
count=100000
hooked="$BUILD-hooks/dnsflow"
quarantine="$work/quarantine/packets.pcap"

kept() {
	tcpdump -Z root -nvvr "$quarantine" 2>/dev/null | grep -c "poison.$1.example"
}

judge() {
	wait "$checker_pid"
	verdict=$?
	cat "$work/checker.out"
	return "$verdict"
}

# poisoned LABEL EVERY RATE DNSFLOW_ARGUMENTS: live
poisoned() {
	rm -rf "$work/quarantine"
	"$BUILD/bench/pcapgen" -n $count --numbered 1 --poison "$1" --every "$2" -o "$work/$1.pcap" 2>/dev/null
	start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 5 --expect $count || return
	checker_pid=$pid
	# shellcheck disable=SC2086
	start_ready 20 dnsflow "$hooked" -i cap -u 127.0.0.1:$port --quarantine "$quarantine" --verbose $4 || return
	dnsflow_pid=$pid
	"$BUILD/bench/blast" -i gen -r "$work/$1.pcap" --rate "$3" >/dev/null
	check "$1: every good packet once" judge
	check "$1: ends with status 0" stop "$dnsflow_pid"
	check "$1: all are counted" has_line dnsflow.err "packets_quarantined $((count / $2))\$"
	check "$1: all are kept" test "$(kept "$1")" = $((count / $2))
	check "$1: for root alone" test "$(stat -c %a "$quarantine")" = 600
}

veth_pair gen cap
poisoned segv 2000 50000 "-M 1"
poisoned abort 5000 50000 "-M 2"
poisoned kill 25000 50000 "-M 1"
poisoned hang 50000 100000 "-M 1 --ring-size 128"

# A spoilt body costs three packets and what it held, not every packet that comes.
"$BUILD/bench/pcapgen" -n 5000 --poison body --every 4000 -o "$work/body.pcap" 2>/dev/null
start_ready 20 body "$hooked" -i cap -u 127.0.0.1:$port -M 1 --quarantine "$quarantine" --control "$work/body.sock" --verbose || finish
"$BUILD/bench/blast" -i gen -r "$work/body.pcap" --rate 50000 >/dev/null
adds_up body "a spoilt body"
check "a spoilt body: ends with status 0" stop "$pid"
check "a spoilt body: three packets are skipped" has_line body.err 'packets_quarantined 3$'
check "a spoilt body: it is replaced once" has_line body.err 'states_discarded 1$'
check "a spoilt body: all others are read" has_line body.err 'packets_message 4998$'

# As on a machine that is suspended: supervisor and worker stand still, and go on in any order.
start_ready 20 stopped "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port -M 1 --verbose || finish
worker=$(pgrep -P "$pid")
kill -STOP "$worker"
"$BUILD/bench/blast" -i gen -r "$work/segv.pcap" --rate 100000 >/dev/null
sleep 0.2
kill -STOP "$pid"
sleep 3
kill -CONT "$pid"
sleep 0.2
kill -CONT "$worker"
check "stopped for a while: ends with status 0" stop "$pid"
check "stopped for a while: is not aborted" sh -c "! grep 'died of signal' '$work/stopped.err'"
check "stopped for a while: all is read" has_line stopped.err "packets_read $((count + 50))\$"

# From a file: status 3, and all else is exported.
for workers in 1 2; do
	rm -rf "$work/quarantine"
	"$hooked" -r "$work/segv.pcap" -M $workers -w "$work/out.pcap" --quarantine "$quarantine" 2>"$work/file.err"
	check "a file with poison, $workers workers: status 3" test $? = 3
	check "a file with poison, $workers workers: all are kept" test "$(kept segv)" = 50
done
# A worker that somebody stops is no poison: it is replaced, and nothing is quarantined or lost.
"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
rm -rf "$work/quarantine"
start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 6 --expect $count && {
	checker_pid=$pid
	start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --quarantine "$quarantine" --ring-size 512
	dnsflow_pid=$pid
	start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 50000
	sleep 0.5
	kill -STOP "$(pgrep -P "$dnsflow_pid")"
	check "a stopped worker is replaced" wait_for 10 has_line dnsflow.err 'is stopped while packets wait'
	check "every packet once" judge
	check "nothing is in the quarantine" test ! -e "$quarantine"
	check "ends with status 0" stop "$dnsflow_pid"
}
finish
