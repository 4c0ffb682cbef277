#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every path through the decoder, from files and live: tags, labels, options, extension headers,
# fragments, TCP, tunnels. Each message of each path must become the one record that its generator
# wrote down.
. "$(dirname "$0")/lib.sh"
isolate

port=5300
framegen="$BUILD/tests/system/framegen"
checker="$BUILD/tests/system/checker"

# frames NAME ARGUMENT...: NAME.pcap, and what must come out of it in NAME.records
frames() {
	name=$1
	shift
	"$framegen" -o "$work/$name.pcap" -e "$work/$name.records" "$@"
}

# from_file NAME DNSFLOW_ARGUMENT...: the files that the workers write, against the list
from_file() {
	name=$1
	shift
	rm -f "$work"/out*
	"$BUILD/dnsflow" -r "$work/$name.pcap" -w "$work/out" "$@" &&
		"$checker" --expect-file "$work/$name.records" "$work"/out*
}

# live NAME DNSFLOW_ARGUMENT...
live() {
	name=$1
	shift
	kill_started
	start_ready 5 checker "$checker" --listen 127.0.0.1:$port --expect-file "$work/$name.records" --idle 4 &&
		checker_pid=$pid &&
		start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --control "$work/dnsflow.sock" "$@" || return
	dnsflow_pid=$pid
	"$BUILD/bench/blast" -i gen -r "$work/$name.pcap" --rate 20000 &&
		wait "$checker_pid" && ledger dnsflow && stop "$dnsflow_pid" && return
	cat "$work/checker.out"
	return 1
}

frames all -n 20 --pcap-port 7000 --jmirror-port 30030
frames untunneled -n 20 --only link,fragments,tcp
frames mirrors -n 50 --only mirrors --pcap-port 7000 --jmirror-port 30030
for group in link fragments tcp tunnels; do
	frames $group -n 20 --only $group
	check "file: $group" from_file $group
done
check "file: -X and -J" from_file mirrors -X 7000 -J 30030
for workers in 1 2 3 4; do
	check "file: all together, -M $workers" from_file all -X 7000 -J 30030 -M $workers
done

veth_pair gen cap && ip link set gen mtu 9000 && ip link set cap mtu 9000
for group in link fragments tcp; do
	check "live: $group" live $group
done
check "live: tunnels with --tunnels all" live tunnels --tunnels all
check "live: -X and -J" live mirrors -X 7000 -J 30030
check "live: without tunnels, -M 2" live untunneled -M 2
check "live: all together, -M 4" live all --tunnels all -X 7000 -J 30030 -M 4
finish
