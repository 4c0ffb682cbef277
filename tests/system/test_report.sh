#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What an operator is told while capture runs: sends that fail, and the state on SIGUSR1.
. "$(dirname "$0")/lib.sh"
isolate

"$BUILD/bench/pcapgen" -n 5000 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 192.0.2.1 --control "$work/dnsflow.sock" || finish
dnsflow_pid=$pid
"$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 50000 >/dev/null
check "no route is told while it runs" wait_for 5 has_line dnsflow.err 'cannot be sent: Network is unreachable'
check "and once a minute at most" test "$(grep -c 'cannot be sent' "$work/dnsflow.err")" = 1
adds_up dnsflow "sends that fail"
kill -USR1 "$dnsflow_pid"
check "SIGUSR1 reports" wait_for 5 has_line dnsflow.err '5000 packets captured'
check "SIGUSR1 tells of losses" wait_for 5 has_line dnsflow.err 'records in datagrams that went to no destination'
stop "$dnsflow_pid"
check "and does not end the run" test $? = 0
finish
