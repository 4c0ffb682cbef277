#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Live capture: every numbered message that crosses an interface becomes exactly one record, in the
# right worker.
. "$(dirname "$0")/lib.sh"
isolate
need_program pgrep

port=5300
count=200000
rate=100000

pcapgen="$BUILD/bench/pcapgen"
blast="$BUILD/bench/blast"
checker="$BUILD/tests/system/checker"
tcpserver="$BUILD/tests/system/tcpserver"

# start_checker WORKERS ARGUMENT...
start_checker() {
	kill_started
	start_ready 5 checker "$checker" --listen 127.0.0.1:$port --idle 5 --workers "$@"
	checker_pid=$pid
}

# start_dnsflow NAME ARGUMENT...
start_dnsflow() {
	name=$1
	shift
	start_ready 20 "$name" "$BUILD/dnsflow" -u 127.0.0.1:$port --control "$work/$name.sock" "$@"
}

judge() {
	wait "$checker_pid"
	verdict=$?
	cat "$work/checker.out"
	return "$verdict"
}

no_drops() {
	grep 'dropped by kernel' "$work/$1.err" && ! grep -q '[1-9][0-9]* packets dropped by kernel' "$work/$1.err"
}

# blast_test NAME INTERFACE CAPTURE EXPECTED WORKERS DNSFLOW_ARGUMENT...: one run from generator to
# verdict.
blast_test() {
	title=$1
	interface=$2
	capture=$3
	expected=$4
	workers=$5
	shift 5
	start_checker "$workers" --expect "$expected" || return
	start_dnsflow dnsflow -M "$workers" "$@" || return
	dnsflow_pid=$pid
	"$blast" -i "$interface" -r "$work/$capture.pcap" --rate $rate >"$work/blast.out"
	check "$title: all is sent" test "$(value_of blast_packets blast.out)" -ge "$expected"
	check "$title: every record once and in its place" judge
	adds_up dnsflow "$title"
	check "$title: generator and receiver counted the same" agrees dnsflow "${packets:-$(value_of blast_packets blast.out)}"
	check "$title: ends with status 0" stop "$dnsflow_pid"
	check "$title: the kernel dropped nothing" no_drops dnsflow
}

# flush_test WORKERS: no record behind the end, none missing before it
flush_test() {
	title="SIGTERM under load, -M $1"
	start_checker "$1" --expect $count --prefix --idle 2 || return
	start_dnsflow dnsflow -i cap -M "$1" || return
	dnsflow_pid=$pid
	start blast "$blast" -i gen -r "$work/plain.pcap" --rate $rate
	blast_pid=$pid
	sleep 0.7
	check "$title: ends with status 0" stop "$dnsflow_pid"
	stop "$blast_pid"
	# Several workers end one after the other, so that only one leaves a range without gaps.
	[ "$1" -gt 1 ] || check "$title: all that came before it is flushed" judge
	wait "$checker_pid"
	received=$(value_of received checker.out)
	passed=$(sed -n 's/.* \([0-9]*\) packets received by filter$/\1/p' "$work/dnsflow.err" | tail -n 1)
	check "$title: records ($received) = packets that the kernel passed on ($passed)" \
		test "$received" -gt 10000 -a "$received" = "$passed"
	check "$title: nothing twice" test "$(value_of duplicate checker.out)" = 0
}

shares_test() {
	start_checker 2 --expect $count || return
	start_dnsflow first -i cap -m 1/2 || return
	first_pid=$pid
	start_dnsflow second -i cap -m 2/2 || return
	second_pid=$pid
	check "-m 1/2 and 2/2: all is sent" "$blast" -i gen -r "$work/plain.pcap" --rate $rate
	check "-m 1/2 and 2/2: two daemons share without loss or double" judge
	adds_up first "-m 1/2"
	adds_up second "-m 2/2"
	stop "$first_pid"
	stop "$second_pid"
	check "-m 1/2: the kernel dropped nothing" no_drops first
	check "-m 2/2: the kernel dropped nothing" no_drops second
}

# traffic: "bytes packets" that cap has received
traffic() {
	awk '$1 == "cap:" { print $2, $3 }' /proc/net/dev
}

# tcp_test NAME SERVER: a real server in another namespace, whose segments come as large as the
# kernel joins them.
tcp_test() {
	start_checker 1 --expect 120000 || return
	start_dnsflow dnsflow -i cap -M 2 || return
	dnsflow_pid=$pid
	before=$(traffic)
	start_ready 5 tcpserver ip netns exec peer "$tcpserver" --messages 30000 --connections 4 "$2" ||
		return
	check "$1: fetched" "$tcpserver" --fetch --connections 4 "$2"
	check "$1: every message of every segment" judge
	adds_up dnsflow "$1"
	stop "$dnsflow_pid"
	mean=$(echo "$before $(traffic)" | awk '{ printf "%d", ($3 - $1) / ($4 - $2) }')
	check "$1: segments come joined ($mean bytes a packet)" test "$mean" -gt 3000
}

supervisor_killed_test() {
	kill_started
	start_dnsflow dnsflow -i cap -M 2 || return
	dnsflow_pid=$pid
	children=$(pgrep -P "$dnsflow_pid")
	check "two workers run" test "$(echo "$children" | wc -w)" -ge 2
	kill -KILL "$dnsflow_pid"
	for child in $children; do
		check "kill -9 of the supervisor: its child is gone" wait_for 2 is_gone "$child"
	done
}

veth_pair gen cap
for kind in plain: "vlan: --vlan 100" "qinq: --vlan 100 --vlan 200" "mixed: --mixed"; do
	# shellcheck disable=SC2086
	"$pcapgen" -n $count --numbered 1 ${kind#*:} -o "$work/${kind%%:*}.pcap" 2>"$work/${kind%%:*}.err"
done

blast_test "-M 1" gen plain $count 1 -i cap
blast_test "-M 2" gen plain $count 2 -i cap
blast_test "-M 4" gen plain $count 4 -i cap
blast_test "other traffic" gen mixed "$(value_of pcapgen_records mixed.err)" 2 -i cap
blast_test "802.1Q" gen vlan $count 2 -i cap
blast_test "QinQ" gen qinq $count 2 -i cap
blast_test "loopback" lo plain $count 2 -i lo
blast_test "--segments" gen plain $count 2 -i cap --segments 1400
shares_test
flush_test 1
flush_test 4

ip netns add peer && ip link set gen netns peer
for side in "peer gen 10.9.0.1/24 fd09::1/64" "self cap 10.9.0.2/24 fd09::2/64"; do
	# shellcheck disable=SC2086
	set -- $side
	[ "$1" = peer ] && in="ip netns exec peer" || in=
	$in ip address add "$3" dev "$2"
	$in ip address add "$4" dev "$2" nodad
	$in ip link set "$2" up
done
tcp_test "TCP over IPv4" 10.9.0.1:53
tcp_test "TCP over IPv6" "[fd09::1]:53"
supervisor_killed_test
finish
