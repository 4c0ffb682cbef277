#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Under a service manager that keeps descriptors: restarts while packets come lose no record and
# double none; sequence numbers and counters go on.
. "$(dirname "$0")/lib.sh"
isolate
need_program python3

port=5300
count=400000
config="$work/dnsflow.conf"
socket="$work/dnsflow.sock"

configure() {
	for line; do
		echo "$line"
	done >"$config"
}

# has_told COUNT TEXT: the manager, so often until now
has_told() {
	[ "$(grep -c -- "$2" "$work/manager.out")" -ge "$1" ]
}

# The last start got ready.
is_ready() {
	[ "$(grep -c '^started' "$work/manager.out")" = "$1" ] &&
		sed -n '/^started/h; /^started/!H; $ { x; p }' "$work/manager.out" | grep -q '^ready'
}

restart() {
	restarts=$((restarts + 1))
	kill -HUP "$manager_pid"
	check "$1" wait_for 20 is_ready $((restarts + 1))
}

counter() {
	"$BUILD/dnsflowctl" --socket "$socket" --json stats | python3 -c 'import json, sys
print(next(c["total"] for c in json.load(sys.stdin)["counters"] if c["name"] == sys.argv[1]))' "$1"
}

has_workers() {
	[ "$(pgrep -c -f -- '--role worker')" = "$1" ]
}

"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
configure "workers: 2"
start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 5 --expect "$count" || finish
checker_pid=$pid
start manager python3 tests/system/manager.py "$work/notify" "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port \
	--config "$config" --control "$socket" -P "$work/pid" --keep-state
manager_pid=$pid
restarts=0
check "ready is told" wait_for 20 has_told 1 '^ready 0'
start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 40000
blast_pid=$pid
sleep 0.5
for n in 1 2 3; do
	restart "restart $n"
done
check "a restart ends with status 0, and something is kept" has_told 3 '^ended 0 kept [1-9]'
check "nothing is kept while it runs" has_told 4 '^ready 0'
check "nothing that the manager would poll" test "$(grep -c polled "$work/manager.out")" = 0
read_before=$(counter packets_read)
configure "workers: 4" "checksum-split: true"
restart "a restart with more workers"
check "four workers" wait_for 5 has_workers 4
configure "workers: 1"
restart "a restart with fewer workers"
check "counters go on" test "$(counter packets_read)" -gt "$read_before"
configure "workers: 1" "segments: 1400"
kill -HUP "$(cat "$work/pid")"
check "reloading is told" wait_for 10 has_told 1 '^reloading'
restart "a restart after a reload"
check "the watchdog is fed" wait_for 5 has_told 1 '^watchdog'
check "every record once" judge "$blast_pid" "$checker_pid"
adds_up dnsflow "after restarts"
configure "workers: 1" "ring-size: 64"
restart "another ring"
check "begins anew" has_line manager.err 'cannot be used: another --ring-size'
check "with counters from zero" test "$(counter packets_read)" = 0
kill -TERM "$manager_pid"
wait "$manager_pid"
check "stopping is told" has_told 1 '^stopping'
finish
