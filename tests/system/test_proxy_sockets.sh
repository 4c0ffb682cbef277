#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The sockets of the proxy belong to the supervisor: they are there before a worker is, and stay when
# workers, configurations, programs and services change.
. "$(dirname "$0")/lib.sh"
isolate
need_program python3

config="$work/dnsflow.conf"
socket="$work/dnsflow.sock"

ctl() {
	"$BUILD/dnsflowctl" --socket "$socket" "$@"
}

# configure WORKERS ADDRESSES [LINE]...
configure() {
	{
		echo "workers: $1"
		echo "rules: ['resolve .* using 192.0.2.1']"
		echo "proxy: {listen: [$2]}"
		shift 2
		for line; do
			echo "$line"
		done
	} >"$config"
}

# sockets PORT: kind and inode of those that take queries to a port
sockets() {
	for kind in udp udp6 tcp tcp6; do
		awk -v kind=$kind -v port="$(printf ':%04X$' "$1")" '
			$2 ~ port && (kind ~ /udp/ || $4 == "0A") { print kind, $10 }' /proc/net/$kind
	done | sort
}

# has_sockets PORT COUNT
has_sockets() {
	[ "$(sockets "$1" | wc -l)" = "$2" ]
}

# keeps_sockets PORT: those that were noted are among those of now
keeps_sockets() {
	sockets "$1" >"$work/now"
	[ -z "$(comm -23 "$work/sockets.$1" "$work/now")" ]
}

note_sockets() {
	sockets "$1" >"$work/sockets.$1"
}

workers() {
	pgrep -P "$dnsflow_pid" -f -- '--role worker' | sort
}

has_new_worker() {
	[ "$(workers | head -1)" != "$1" ] && ctl status | grep -q "^ *0 *working"
}

# has_told FILE TEXT
has_told() {
	grep -q -- "$2" "$work/$1"
}

# occupy KIND ADDRESS PORT: by somebody who shares, as another dnsflow does
occupy() {
	start_ready 5 occupant python3 -c 'import socket, sys, time
kind, address, port = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind((address, int(port)))
if kind == "tcp": s.listen()
print("ready", file=sys.stderr, flush=True)
time.sleep(60)' "$@"
	occupant_pid=$pid
}

leave() {
	kill -KILL "$occupant_pid"
	wait "$occupant_pid" 2>/dev/null
}

# refuses NAME TEXT: a start says why, and nothing else
refuses() {
	start refused "$BUILD/dnsflow" --config "$config" --control "$work/other.sock"
	wait "$pid"
	check "$1: status 1" test $? = 1
	check "$1: says why" has_told refused.err "$2"
	check "$1: in one line" test "$(wc -l <"$work/refused.err")" = 1
}

# send_queries COUNT PORT
send_queries() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    name = b"\x06n%05d" % i
    s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0" + name + b"\0\0\1\0\1", ("127.0.0.1", int(sys.argv[2])))' "$@"
}

are_replaced() {
	[ "$(grep -c 'worker-. died of signal 9' "$work/dnsflow.err")" -ge 3 ] && ctl status | grep -c ' working ' | grep -q 2
}

octets_waiting() {
	awk -v port="$(printf ':%04X$' "$1")" '$2 ~ port { split($5, queue, ":"); if (queue[2] != "00000000") n++ }
		END { exit !n }' /proc/net/udp
}

configure 2 "127.0.0.1:53, '[::1]:53'"
for kind in udp tcp; do
	occupy $kind 127.0.0.1 53
	refuses "an address that another has over $kind" \
		"127.0.0.1:53 over $(echo $kind | tr '[:lower:]' '[:upper:]'): another program has this address"
	leave
done
configure 1 "192.0.2.1"
refuses "an address of nobody" "192.0.2.1:53 over UDP: no interface has this address"

configure 2 "127.0.0.1:53, '[::1]:53'"
start_ready 20 dnsflow "$BUILD/dnsflow" --config "$config" --control "$socket" -P "$work/pid" || finish
dnsflow_pid=$pid
check "a socket for each worker, address and protocol" has_sockets 53 8
refuses "another dnsflow" "127.0.0.1:53 over UDP: another program has this address"
check "status says that nothing is captured" sh -c "$BUILD/dnsflowctl --socket $socket status | grep -q '^input: none'"
check "and where queries go" sh -c \
	"$BUILD/dnsflowctl --socket $socket status | grep -Fq 'proxy: 127.0.0.1:53 [::1]:53;'"
check "the ledger adds up" ctl ledger --wait
note_sockets 53

first=$(workers | head -1)
kill -KILL "$first"
check "a worker that is killed is replaced" wait_for 5 has_new_worker "$first"
check "on the same sockets" keeps_sockets 53
check "and no more" has_sockets 53 8

configure 3 "127.0.0.1:53, 127.0.0.1:54, '[::1]:53'"
check "a reload with another address and more workers" ctl reload
check "the log has the other address" test "$(grep -c 'answering queries to 127.0.0.1:54' "$work/dnsflow.err")" = 1
check "and no other again" test "$(grep -c 'answering queries to' "$work/dnsflow.err")" = 3
check "has their sockets" has_sockets 54 6
check "sockets of more workers" has_sockets 53 12
check "and all that were there" keeps_sockets 53
occupy udp 127.0.0.1 55
configure 1 "127.0.0.1:53, 127.0.0.1:55"
ctl reload >"$work/ctl.out" 2>&1
check "a reload to an address that another has fails" test $? = 1
check "says why" has_told ctl.out '127.0.0.1:55 over UDP: another program'
check "and changes nothing" has_sockets 53 12
leave
configure 2 "'[::1]:53', 127.0.0.1:53"
check "a reload with fewer" ctl reload
check "closes an address" has_sockets 54 0
check "closes sockets of workers" has_sockets 53 8
check "and keeps those of the others" keeps_sockets 53
ctl upgrade >"$work/ctl.out" 2>&1
check "an upgrade" test $? = 0
check "keeps all sockets" keeps_sockets 53
check "and no more" has_sockets 53 8

for process in $(workers); do
	kill -STOP "$process"
done
send_queries 20 53
check "datagrams wait in the sockets" octets_waiting 53
check "workers that take none are replaced" wait_for 10 are_replaced
kill -TERM "$dnsflow_pid"
wait "$dnsflow_pid"
check "ends with status 0" test $? = 0
check "without sockets" has_sockets 53 0

start manager python3 tests/system/manager.py "$work/notify" "$BUILD/dnsflow" --config "$config" \
	--control "$socket" -P "$work/pid" --keep-state
manager_pid=$pid
wait_for 20 has_told manager.out '^ready'
note_sockets 53
configure 3 "127.0.0.1:53, 127.0.0.1:54"
: >"$work/manager.out"
kill -HUP "$manager_pid"
check "a restart on kept state" wait_for 20 has_told manager.out '^ready'
check "with more workers and another address" wait_for 5 has_sockets 54 6
check "and without one" wait_for 5 has_sockets 53 6
grep -v '^...6' "$work/sockets.53" >"$work/sockets.v4" && mv "$work/sockets.v4" "$work/sockets.53"
check "keeps the sockets that stay" keeps_sockets 53
kill -TERM "$manager_pid"
wait "$manager_pid"

veth_pair gen cap
configure 2 "127.0.0.1:53"
start_ready 20 both "$BUILD/dnsflow" -i cap -u 127.0.0.1:5300 --config "$config" --control "$socket" -P "$work/pid" ||
	finish
dnsflow_pid=$pid
check "proxy and capture in one" has_sockets 53 4
configure 3 "127.0.0.1:53, 127.0.0.1:54"
check "are reloaded" ctl reload
check "with sockets of both" has_sockets 54 6
check "an upgrade of both" ctl upgrade
check "the ledger of both adds up" ctl ledger --wait
kill -TERM "$dnsflow_pid"
wait "$dnsflow_pid"
check "both end with status 0" test $? = 0
finish
