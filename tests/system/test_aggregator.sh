#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The aggregator under load: every captured message becomes one line of each output, also while the
# aggregator and the workers are killed; statistics agree with what was sent; the ledger adds up.
. "$(dirname "$0")/lib.sh"
isolate
need_program pgrep python3

packets=200000
rate=50000
blast="$BUILD/bench/blast"

aggregator_of() {
	pgrep -P "$1" -f 'role aggregator'
}

# Every number once, and nothing else.
all_once() {
	python3 - "$1" "$packets" <<-'END'
		import json, sys
		seen = set()
		for number, line in enumerate(open(sys.argv[1])):
		    event = json.loads(line)
		    key = (event["qname"], event["query-ip"], event["query-port"], event["id"])
		    if key in seen:
		        sys.exit("line %d comes twice: %s" % (number + 1, line))
		    seen.add(key)
		print(len(seen), "lines")
		sys.exit(len(seen) != int(sys.argv[2]))
	END
}

api() {
	python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())' "http://127.0.0.1:8080$1"
}

counts() {
	api "/counters" >"$work/counters" || return
	cat "$work/counters"
	python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["counters"]["response"] != int(sys.argv[2]))' "$work/counters" "$1"
}

# run NAME DNSFLOW_ARGUMENT...
run() {
	rm -f "$work"/*.json
	start_ready 20 dnsflow "$BUILD/dnsflow" -i cap --control "$work/dnsflow.sock" --web.listen 8080 --event-ring 32 \
		--output "file,path=$work/a.json,format=json" --output "file,path=$work/b.json,format=json" "$@"
}

"$BUILD/bench/pcapgen" -n $packets --numbered 1 -o "$work/plain.pcap" 2>/dev/null

timeout 60 "$BUILD/dnsflow" -r "$work/plain.pcap" -M 64 --output "file,path=$work/many.json,format=json" 2>"$work/many"
check "64 workers: all that belongs to them reaches the aggregator" all_once "$work/many.json"
veth_pair gen cap

run || finish
dnsflow_pid=$pid
start blast "$blast" -i gen -r "$work/plain.pcap" --rate $rate
wait "$pid"
adds_up dnsflow "a quiet run"
check "a quiet run: statistics have every response" counts $packets
check "a quiet run: ends with status 0" stop "$dnsflow_pid"
check "a quiet run: every message is one line" all_once "$work/a.json"
check "a quiet run: of each output" all_once "$work/b.json"

run || finish
dnsflow_pid=$pid
start blast "$blast" -i gen -r "$work/plain.pcap" --rate $rate
kill_while "$pid" "$dnsflow_pid" 'role aggregator' 0.1
adds_up dnsflow "the aggregator is killed"
check "the aggregator is killed: statistics have every response" counts $packets
check "the aggregator is killed: ends with status 0" stop "$dnsflow_pid"
check "the aggregator is killed $kills times: every message is one line" all_once "$work/a.json"
check "the aggregator is killed: often enough" test $kills -ge 10

run -M 2 --split checksum || finish
dnsflow_pid=$pid
start blast "$blast" -i gen -r "$work/plain.pcap" --rate $rate
kill_while "$pid" "$dnsflow_pid" 'role worker' 0.1
adds_up dnsflow "workers are killed"
check "workers are killed: ends with status 0" stop "$dnsflow_pid"
check "workers are killed $kills times: every message is one line" all_once "$work/b.json"

run || finish
dnsflow_pid=$pid
start blast "$blast" -i gen -r "$work/plain.pcap" --rate $rate
sleep 0.5
child=$(aggregator_of "$dnsflow_pid")
kill -STOP "$child"
sleep 1
kill -CONT "$child"
wait "$pid"
adds_up dnsflow "the aggregator is stopped for a second"
"$BUILD/dnsflowctl" --socket "$work/dnsflow.sock" stats >"$work/stats"
check "the aggregator is stopped for a second: capture loses nothing" \
	test "$(value_of kernel_drops stats)" = "" -a "$(value_of packets_read stats)" = $packets
check "the aggregator is stopped for a second: ends with status 0" stop "$dnsflow_pid"
finish
