#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Several workers are one proxy: each name has its worker, whatever its spelling, and its cache
# outlives it. Under load a kill loses the queries in flight alone, a reload and an upgrade none.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3 dnsperf
. tests/system/proxy.sh

rate=${RATE:-20000}
kill_rate=${KILL_RATE:-50000} # as far as the machine carries it: dnsperf waits at 4000 without an answer
names=200
config="$work/dnsflow.conf"
socket="$work/dnsflow.sock"

ctl() {
	"$BUILD/dnsflowctl" --socket "$socket" "$@"
}

spellings() {
	python3 tests/system/datagrams.py spellings $names "$@"
}

# configure WORKERS
configure() {
	cat >"$config" <<-END
		workers: $1
		proxy:
		  listen: 127.0.0.1:53
		rules-file: $work/rules
		lists: [ads=$work/ads]
	END
}

# Those that are at work for longer than this test step
workers() {
	pgrep -P "$dnsflow_pid" -f -- '--role worker'
}

has_workers() {
	[ "$(ctl status | grep -c ' working ')" = "$1" ]
}

# Every worker had queries.
has_spread() {
	ctl status
	ctl --json status | python3 -c 'import json, sys
queries = [worker["queries"] for worker in json.load(sys.stdin)["workers"]]
sys.exit(min(queries) < sum(queries) / len(queries) / 3)'
}

# start_load SECONDS RATE: many names that are asked for once, and some again and again
start_load() {
	start load dnsperf -s 127.0.0.1 -d "$work/load" -l "$1" -Q "$2" -c 32 -q 4000 -b 4096 -t 3
	load_pid=$pid
}

lost() {
	sed -n 's/ *Queries lost: *\([0-9]*\).*/\1/p' "$work/load.out"
}

# counter NAME: of the whole run
counter() {
	ctl stats >"$work/stats"
	value_of "$1" stats
}

# loses_only_in_flight KILLS: what a kill takes with it is counted, but for the batch that it may come
# between taking and counting of, or of answering and counting.
loses_only_in_flight() {
	ctl stats >"$work/stats"
	grep -E '^(proxy|restarts)' "$work/stats"
	grep Queries "$work/load.out" # and how many a second it came to
	counted=$(value_of proxy_lost stats)
	echo "kills $1 lost $(lost) counted ${counted:-0}"
	[ "$(lost)" -le $((${counted:-0} + 64 * $1)) ]
}

loses_nothing() {
	cat "$work/load.out"
	[ "$(lost)" = 0 ]
}

base_rules='block blocked\.test$ with nxdomain
block .* if name is in ads
resolve ^load using 127.0.0.4
resolve ^(.*) using 127.0.0.2'
awk -v seconds=6 -v rate="$kill_rate" 'BEGIN {
	for (i = 0; i < seconds * rate; i++)
		print "load" (i % 4 ? i % 100 : i) ".test A" }' >"$work/load"
upstream 127.0.0.2 || exit 1
start_ready 5 responder "$BUILD/tests/system/responder" 127.0.0.4:53 || finish
echo ads.example >"$work/ads"
echo "$base_rules" >"$work/rules"

configure 2
start_ready 10 dnsflow "$BUILD/dnsflow" --config "$config" --control "$socket" -P "$work/pid" || finish
dnsflow_pid=$pid
check "2 workers: $names names in 5 spellings are answered" spellings 5 two
check "each by one query to the upstream" [ "$(asked 127.0.0.2 'udp two')" = $names ]
check "both workers had their share" has_spread
configure 3
check "a third worker" ctl reload
check "3 workers: other names in 5 spellings" spellings 5 three
check "each by one query" [ "$(asked 127.0.0.2 'udp three')" = $names ]
check "all workers had their share" has_spread
configure 2
check "again two" ctl reload
wait_for 5 has_workers 2
spellings 1 warm

start_load 5 "$kill_rate"
kills=0
sleep 0.5
for turn in 1 2 3 4 5 6; do
	sleep 0.5
	victim=$(workers | sed -n "$((turn % 2 + 1))p")
	kill -KILL "$victim" 2>/dev/null && kills=$((kills + 1))
done
wait "$load_pid"
check "workers killed at $kill_rate queries/s: only queries in flight are lost" loses_only_in_flight $kills
note <"$work/check"
check "there were kills" [ $kills = 6 ]
wait_for 5 has_workers 2
check "the ledger adds up after them" ctl ledger --wait
spellings 2 warm
check "their caches are warm still" [ "$(asked 127.0.0.2 'udp warm')" = $names ]

# Killed while answers are awaited: these queries, all of them and no others.
before=$(counter proxy_lost)
start waiting python3 tests/system/datagrams.py unanswered 400 slow-600 2
waiting_pid=$pid
wait_for 5 has_line waiting.out sent
sleep 0.2
kill -KILL "$(workers | head -n 1)"
wait "$waiting_pid"
more=$(($(counter proxy_lost) - before))
unanswered=$(value_of unanswered waiting.out)
check "a worker is killed while 400 queries wait, of which it has $more" [ "$more" -gt 100 ]
check "these are lost and no others: $unanswered" [ "$more" = "$unanswered" ]
wait_for 5 has_workers 2

start_load 4 "$rate"
sleep 0.3
check "reload under load: another rule" sh -c "
	{ echo 'block other\\.test\$ with nxdomain'; cat $work/rules; } >$work/rules.new && mv $work/rules.new $work/rules
	$BUILD/dnsflowctl --socket $socket reload"
ask other.test A
check "is in force" has_status NXDOMAIN
printf 'ads.example\nmore.example\n' >"$work/ads"
check "another list" ctl reload
ask www.more.example A
check "is in force" has_answers 0
: >"$work/ads"
check "a list that cannot be used" ctl reload
check "is told" has_line dnsflow.err "list ads: $work/ads: is empty; it stays as it was"
ask www.more.example A
check "and stays as it was" has_answers 0
workers >"$work/before"
echo 'resolve ^(.* using 127.0.0.2' >>"$work/rules"
ctl reload >"$work/ctl.out" 2>&1
check "a bad rule is refused" test $? = 1
check "with its line" grep -q "$work/rules:6" "$work/ctl.out"
note <"$work/ctl.out"
check "and changes nothing" sh -c "pgrep -P $dnsflow_pid -f -- '--role worker' | cmp - $work/before"
wait "$load_pid"
check "no query was lost" loses_nothing
echo "$base_rules" >"$work/rules"
echo ads.example >"$work/ads"

start_load 4 "$rate"
sleep 0.5
check "upgrade under load" ctl upgrade
wait "$load_pid"
check "no query was lost in it" loses_nothing
check "the ledger adds up" ctl ledger --wait
spellings 1 warm
check "its caches are warm still" [ "$(asked 127.0.0.2 'udp warm')" = $names ]
stop "$dnsflow_pid"
check "ends with status 0" test $? = 0
finish
