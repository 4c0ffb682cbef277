#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Outputs over connections, to ncat: TCP, a unix socket and TLS. After the peer was away all records
# come again; without the right certificate nothing is said. A spool keeps what comes meanwhile, also
# when the aggregator is killed.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare ncat openssl tcpdump

# is_listening PORT
is_listening() {
	grep -q "0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp
}

# listen NAME PORT ARGUMENT...: an ncat that writes to $work/NAME.out, and whose own input does not end
listen() {
	listen_name=$1
	listen_port=$2
	shift 2
	# shellcheck disable=SC2016
	start "$listen_name" sh -c 'exec ncat --listen --keep-open --recv-only "$@" <>"$0"' "$work/open" "$@" \
		127.0.0.1 "$listen_port"
	wait_for 5 is_listening "$listen_port"
}

mkfifo "$work/open"
listen tcp 9001
tcp_pid=$pid
# shellcheck disable=SC2016
start unix sh -c 'exec ncat --listen --keep-open --recv-only --unixsock "$1" <>"$0"' "$work/open" "$work/peer"
wait_for 5 test -S "$work/peer"
chmod 777 "$work/peer"
start_ready 5 first python3 tests/system/collector.py stream 9002 "$work/first.json"
first_pid=$pid
serve <<-END
	outputs:
	  - {type: tcp, address: "127.0.0.1:9001", format: json, delimiter: '\r\n', queue: 32, retry: 1}
	  - {type: tcp, transport: unix, address: $work/peer, format: json}
	  - {type: tcp, address: "127.0.0.1:9002", format: json, queue: 32, retry: 1}
END
start_sending 30000 10000
sleep 1
kill "$first_pid" && wait "$first_pid"
start_ready 5 second python3 tests/system/collector.py stream 9002 "$work/second.json"
wait "$blast_pid"
for number in 1 2 3; do
	check "output $number is written" all_written tcp-$number
done
holds "tcp: each message once, in order" --ordered "$sent" "$work/tcp.out"
check "tcp: the delimiter is behind each" test "$(grep -c "}$(printf '\r')\$" "$work/tcp.out")" = "$sent"
holds "unix: each message once, in order" --ordered "$sent" "$work/unix.out"
[ -z "$(tail -c 1 "$work/first.json")" ] || sed -i '$d' "$work/first.json" # the record that it was at
holds "a peer that went: each message is there, and only around then twice" --repeats "$sent" \
	"$work/first.json" "$work/second.json"
check "a peer that went: at most 2,000 are there twice" test "$(value_of duplicate check)" -le 2000
for name in first second; do
	check "a peer that went: in order, $name" sh -c \
		"! python3 tests/system/numbers.py --ordered $sent $work/$name.json | grep -E '^(duplicate|disordered|torn) [1-9]'"
done
kill -KILL "$tcp_pid"
cp "$work/tcp.out" "$work/tcp.before"
send 20000 20000
listen tcp 9001
check "killed meanwhile: all is written" all_written tcp-1
holds "killed meanwhile: each message once, in order" --ordered "$sent" "$work/tcp.before" "$work/tcp.out"
settled "connections"
kill_started

make_authority
certificate right collector.example 20200101000000Z 20990101000000Z
certificate expired collector.example 20200101000000Z 20200201000000Z
certificate other other.example 20200101000000Z 20990101000000Z
for peer in "right 9101" "expired 9102" "other 9103" "right 9104"; do
	# shellcheck disable=SC2086
	set -- $peer
	listen "tls-$2" "$2" --ssl --ssl-cert "$work/$1.pem" --ssl-key "$work/$1.key"
done
start wire tcpdump -i lo -Z root -U -s 0 -w "$work/wire.pcap" "tcp portrange 9101-9104"
wire_pid=$pid
wait_for 5 has_line wire.err 'listening on'
tls="type: tcp, transport: tls, format: json, retry: 1, queue: 32"
names="server-name: collector.example"
serve <<-END
	outputs:
	  - {$tls, address: "127.0.0.1:9101", tls: {ca-file: $work/ca.pem, $names}}
	  - {$tls, address: "127.0.0.1:9102", tls: {ca-file: $work/ca.pem, $names}}
	  - {$tls, address: "127.0.0.1:9103", tls: {ca-file: $work/ca.pem, $names}}
	  - {$tls, address: "127.0.0.1:9104", tls: {$names}}
END
send 20000 20000
check "tls: all is written" all_written tcp-1
holds "tls: each message once, in order" --ordered "$sent" "$work/tls-9101.out"
for peer in "2 expired" "3 of another name" "4 of an unknown authority"; do
	check "a certificate that is ${peer#* }: nothing is written" has_part "tcp-${peer%% *}" queued "$sent"
	check "a certificate that is ${peer#* }: nothing is said" test ! -s "$work/tls-910${peer%% *}.out"
done
settled "tls"
stop "$wire_pid"
check "tls: there were connections" test \
	"$(tcpdump -nr "$work/wire.pcap" 'tcp[tcpflags] & tcp-syn != 0' 2>/dev/null | wc -l)" -ge 8
check "tls: nothing goes in clear" sh -c "! grep -aq 'qname\|r1-[0-9]*\.[a-z]' $work/wire.pcap"
kill_started

# Two spools: one peer comes back when all is sent, the other while the aggregator is killed.
serve <<-END
	outputs:
	  - {type: tcp, address: "127.0.0.1:9201", format: json, queue: 1, spool: $work/spool, retry: 1}
	  - {type: tcp, address: "127.0.0.1:9202", format: json, queue: 1, spool: $work/spool2, retry: 1}
	  - {type: tcp, address: "127.0.0.1:9203", format: json, queue: 1}
END
start_sending 50000 10000
sleep 2.5
start_ready 5 again python3 tests/system/collector.py streams 9202 "$work/again.out"
kill_while "$blast_pid" "$dnsflow_pid" 'role aggregator' 0.7
check "five seconds without peer: the queue alone is not enough" test "$(part tcp-3 dropped_full)" -gt 10000
check "five seconds without peer: the spool is" test \
	"$(part tcp-1 spooled)" -gt 10000 -a "$(part tcp-1 dropped_full)" = 0
listen late 9201
send 20000 20000
check "spool: all is written" all_written tcp-1
check "spool: all of the other is written" all_written tcp-2
check "spool: the aggregator was killed $kills times" test "$kills" -ge 3
holds "spool: each message once, in order" --ordered "$sent" "$work/late.out"
holds "spool: each message is there, and around a death perhaps twice" --repeats "$sent" "$work/again.out"
settled "spool"
kill_started

# The end does not wait long for a peer that is not there.
serve <<-END
	outputs:
	  - {type: tcp, address: "127.0.0.1:9301", format: json}
END
send 1000 10000
check "nobody listens: all waits" wait_for 5 has_part tcp-1 queued 1000
began=$(date +%s)
check "nobody listens: ends with status 0" stop "$dnsflow_pid"
check "nobody listens: soon" test $(($(date +%s) - began)) -le 4
check "nobody listens: what waited is told" has_line dnsflow.err 'output tcp-1: 1000 records that waited at the end are lost$'
check "nobody listens: nothing had to be killed" sh -c "! grep 'died of\|is killed' '$work/dnsflow.err'"
finish
