#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Who takes records stands still, all at once, and then the aggregator itself: capture loses nothing,
# the other outputs are complete, and what a slow one did not get is what was counted as dropped.
# STOPPED_SECONDS lengthens it.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare ncat openssl mkfifo

seconds=${STOPPED_SECONDS:-3}
rate=15000
slow="pipe tcp unix tls udp octets syslog"

# signal_peers SIGNAL
signal_peers() {
	for peer in $peers; do
		kill "-$1" "$peer"
	done
}

# peer NAME COMMAND...: one that reads, to $work/NAME.out
peer() {
	start "$@"
	peers="$peers $pid"
}

# is_done OUTPUT: nothing waits
is_done() {
	has_part "$1" queued 0
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=peer \
	-addext subjectAltName=DNS:peer -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
chmod 644 "$work"/*.pem
mkfifo "$work/pipe" "$work/open"
peers=
peer pipe cat "$work/pipe"
# Their own input does not end.
exec 9<>"$work/open"
# shellcheck disable=SC2016
ncat='exec ncat --listen --keep-open --recv-only "$@" <&9'
peer tcp sh -c "$ncat" ncat 127.0.0.1 9001
peer unix sh -c "$ncat" ncat --unixsock "$work/socket"
peer tls sh -c "$ncat" ncat --ssl --ssl-cert "$work/certificate.pem" --ssl-key "$work/key.pem" 127.0.0.1 9002
peer udp python3 tests/system/collector.py datagrams 9003 "$work/udp.out"
peer octets python3 tests/system/collector.py octets 9004 "$work/octets.out"
peer syslog python3 tests/system/collector.py local "$work/log" "$work/syslog.out"
wait_for 5 test -S "$work/socket" -a -S "$work/log"
wait_for 5 has_line octets.err 'ready$'
chmod 777 "$work/socket" "$work/log"
few="format: json, fields: [qname], queue: 1"
serve <<-END
	outputs:
	  - {type: file, name: good, path: $work/good, format: json, fields: [qname], queue: 16}
	  - {type: file, name: pipe, path: $work/pipe, $few}
	  - {type: tcp, name: tcp, address: "127.0.0.1:9001", $few, retry: 1}
	  - {type: tcp, name: unix, transport: unix, address: $work/socket, $few, retry: 1}
	  - {type: tcp, name: tls, transport: tls, address: "127.0.0.1:9002", $few, retry: 1,
	     tls: {ca-file: $work/certificate.pem, server-name: peer}}
	  - {type: syslog, name: udp, address: "127.0.0.1:9003", $few, syslog: {protocol: raw}}
	  - {type: syslog, name: octets, transport: tcp, address: "127.0.0.1:9004", $few, retry: 1, syslog: {protocol: raw}}
	  - {type: syslog, name: syslog, transport: unix, address: $work/log, $few, retry: 1, syslog: {protocol: raw}}
END
send 2000 2000
for output in $slow; do
	check "$output: reads" all_written $output
done
signal_peers STOP
send $((seconds * rate)) $rate
check "all stand still: the others are written" all_written good
holds "all stand still: each message is one line" --ordered "$sent" "$work/good"
for output in $slow; do
	[ $output = udp ] || check "$output: $(part $output dropped_full) are dropped" test \
		"$(part $output dropped_full)" -gt 0
done
signal_peers CONT
for output in $slow; do
	check "$output: all that waited is written" wait_for 20 is_done $output
done
adds_up dnsflow "after that"
check "all stand still: capture loses nothing" wait_for 5 captured_all
sleep 1
for output in pipe tcp unix tls octets syslog; do
	holds "$output: each message is there once, in order, or counted as dropped" --ordered \
		--missing "$(part $output dropped_full)" "$sent" "$work/$output.out"
done
check "udp: none is torn or doubled" sh -c "
	! python3 tests/system/numbers.py --ordered $sent $work/udp.out | grep -E '^(duplicate|disordered|foreign|torn) [1-9]'"

before=$sent
child=$(aggregator)
kill -STOP "$child"
send $((seconds * rate)) $rate
kill -CONT "$child"
adds_up dnsflow "the aggregator stands still"
full=$(ctl stats | awk '$1 == "events_full" { print $2 }')
sent=$((sent - ${full:-0}))
check "the aggregator stands still: all that its ring held is written" all_written good
sent=$((before + seconds * rate))
holds "the aggregator stands still: each message is one line, or counted" --ordered \
	--missing "${full:-0}" "$sent" "$work/good"
check "the aggregator stands still: it is the same" test "$(aggregator)" = "$child"
settled "the aggregator stands still"
finish
