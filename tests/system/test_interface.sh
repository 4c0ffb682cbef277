#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The interface under a running capture goes down, comes up, and is deleted: nothing spins, capture
# goes on, and the end is told. The last case takes a test build whose decoder hangs on purpose.
. "$(dirname "$0")/lib.sh"
isolate
need_program pgrep

port=5300
count=50000

# ticks: what supervisor and workers have used of the CPUs
ticks() {
	for process in $dnsflow_pid $(pgrep -P "$dnsflow_pid"); do
		awk '{ print $14 + $15 }' "/proc/$process/stat"
	done | awk '{ sum += $1 } END { print sum }'
}

# At most a fifth of one CPU for a second.
idles() {
	before=$(ticks)
	sleep 1
	after=$(ticks)
	echo "$before $after"
	[ $((after - before)) -le $(($(getconf CLK_TCK) / 5)) ]
}

# captures NAME: what is sent now comes out
captures() {
	start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 4 --expect $count || return
	checker_pid=$pid
	check "$1: all is sent" "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 50000
	wait "$checker_pid" # its verdict is on a first sequence number of 1, too
	for name in missing extra duplicate sequence_repeats; do
		check "$1: $name" test "$(value_of $name checker.out)" = 0
	done
	adds_up dnsflow "$1"
}

"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port -M 1 --control "$work/dnsflow.sock" || finish
dnsflow_pid=$pid
ip link set cap down
check "down: nothing spins" idles
ip link set cap up
captures "up again"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	ip link set cap down
	ip link set cap up
done
captures "after ten flaps"
ip link set cap down
check "down is told" wait_for 2 has_line dnsflow.err 'interface cap is down'
ip link set cap name renamed
ip link set renamed up
check "another name is told" wait_for 2 has_line dnsflow.err 'interface cap is named renamed now'
captures "renamed"

# Waits until the last line about it says that the interface is there again.
is_back() {
	wait_for 5 eval "grep 'interface cap .*\(deleted\|back\)' '$work/dnsflow.err' | tail -n 1 | grep -q 'back:'"
}

# remake NAME: deletes the interface and makes it again; it is captured at once
remake() {
	ip link del gen
	check "$1: deleted is told" wait_for 2 has_line dnsflow.err 'was deleted: waiting for one named cap'
	sleep "$2"
	veth_pair gen cap
	is_back
	captures "$1"
}
remake "made again" 0.5
remake "made again at once" 0
for _ in 1 2 3 4 5; do
	ip link del gen
	veth_pair gen cap
done
is_back
captures "made again many times"

another_kind() {
	ip link del gen
	if ! ip tuntap add cap mode tun 2>/dev/null; then
		skip "another kind" "no tun devices"
	else
		ip link set cap up
		check "another kind: is refused" wait_for 5 has_line dnsflow.err 'of another kind than before'
		sleep 2 # four tries
		check "another kind: once" test "$(grep -c 'is back, but.*of another kind' "$work/dnsflow.err")" = 1
		ip link del cap
	fi
	veth_pair gen cap
	is_back
	captures "the kind of before"
}
another_kind
"$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 50000 >/dev/null &
sleep 0.3
ip link del gen
sleep 0.5 # rings for the next one are being made
check "deleted while packets come: nothing spins" idles
check "the run ends with status 0" stop "$dnsflow_pid"

# A worker that hangs in the middle of a block is killed when it has to leave the ring, and followed.
veth_pair gen cap
"$BUILD/bench/pcapgen" -n 1000 --poison hang --every 600 -o "$work/hang.pcap" 2>/dev/null
start_ready 20 dnsflow "$BUILD-hooks/dnsflow" -i cap -u 127.0.0.1:$port -M 1 --control "$work/dnsflow.sock" || finish
dnsflow_pid=$pid
"$BUILD/bench/blast" -i gen -r "$work/hang.pcap" --rate 200000 >/dev/null
sleep 0.3
kill -STOP "$(pgrep -P "$dnsflow_pid")" # nor is it aborted
ip link del gen
veth_pair gen cap
# Its successors read that ring to its end: but for the packet, nothing is lost.
counted() {
	"$BUILD/dnsflowctl" --socket "$work/dnsflow.sock" stats >"$work/stats"
	value_of "$1" stats
}
check "made again while a worker hung: its ring is read to the end" wait_for 15 eval '[ "$(counted packets_read)" = 1001 ]'
check "made again while a worker hung: the packet is quarantined" test "$(counted packets_quarantined)" = 1
adds_up dnsflow "made again while a worker hung"
check "made again while a worker hung: status 0" stop "$dnsflow_pid"
finish
