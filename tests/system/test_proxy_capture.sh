#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Proxy and capture in one process: neither takes anything from the other, and what is proxied makes
# events with what the rules did. Rules that are tried on captures count what another hand counts.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3 dnsperf
. tests/system/proxy.sh

port=5300
count=100000
rate=50000
queries=5000 # a second
shared=${DNSFLOW_SHARED:-../shared}

loses_nothing() {
	cat "$work/load.out"
	grep -q 'Queries lost: *0 ' "$work/load.out"
}

# both WORKERS: as many packets as queries, all at once
both() {
	start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 3 --expect $count --workers "$1" ||
		return
	checker_pid=$pid
	proxy both 'block blocked with nxdomain
resolve ^(.*) using 127.0.0.4' -i cap -u 127.0.0.1:$port -M "$1" || return
	start load dnsperf -s 127.0.0.1 -d "$work/load" -l 3 -Q $queries -c 8 -q 2000 -b 4096 -t 3
	load_pid=$pid
	start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate $rate
	blast_pid=$pid
	check "$1 workers: every record once, while queries are answered" judge "$blast_pid" "$checker_pid"
	wait "$load_pid"
	check "$1 workers: every query is answered, while packets are captured" loses_nothing
	grep -E 'Queries per|Average Lat' "$work/load.out" | note
	adds_up both "$1 workers, both"
	check "$1 workers: generator and receiver counted the same" agrees both $count
	check "$1 workers: ends with status 0" stop "$proxy_pid"
}

# Of each event that a client's question made: its name, kind, response code, verdict and rule.
tell_events() {
	python3 -c 'import json, sys
for line in sys.stdin:
    event = json.loads(line)
    print(event["qname"], event["protocol"], event["type"], event["rcode"], event["verdict"], event["rule"])' \
		<"$work/events.json"
}

has_events() {
	[ "$(wc -l <"$work/events.json")" -ge "$1" ]
}

# dry_run RULES CAPTURES [OPTION]...: the reports equal those of judge.py
dry_run() {
	dry_rules=$1
	dry_captures=$2
	shift 2
	# shellcheck disable=SC2086
	python3 tests/system/judge.py count "$dry_rules" $dry_captures >"$work/counted" || return
	for capture in $dry_captures; do
		"$BUILD/dnsflow" -r "$capture" --rules "$dry_rules" --list "ads=$work/ads" --dry-run --control none "$@" \
			2>>"$work/dry.err"
	done >"$work/reported"
	diff "$work/counted" "$work/reported"
}

# Those of the conformance kit, but where the other hand reads some queries only.
kit() {
	for capture in "$shared"/conformance/pcap/*.pcap; do
		grep -q "^$(basename "$capture" .pcap) partly " tests/golden/events-exceptions || echo "$capture"
	done
}

awk 'BEGIN { for (i = 0; i < 30000; i++) print (i % 10 ? "load" : "blocked") i ".test A" }' >"$work/load"
"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
start_ready 5 responder "$BUILD/tests/system/responder" 127.0.0.4:53 || finish
both 1
both 2

upstream 127.0.0.2 || exit 1
proxy events 'log logged
rewrite ^www\.(.*)\.old$ to $1.new
block blocked
block refused with refused
block dropped with drop
redirect moved to elsewhere.test
shadow block shadowed
allow good
block bad
resolve ^(.*)test using 127.0.0.2
resolve ^(.*)new using 127.0.0.2' -i cap --output "file,path=$work/events.json,format=json,fields=qname,fields=protocol,\
fields=type,fields=rcode,fields=verdict,fields=rule"
ask logged.test A
ask www.cname.old A
ask x.blocked.test A
ask refused.test A +tcp
no_answer dropped.test A
ask moved.test A
ask shadowed.test A
ask good.bad.test A
ask bad.test A
ask nobody.example A
ask servfail.test A
ask slow-20.test AAAA +tcp
ask slow-20.test AAAA
wait_for 5 has_events 25
cat >"$work/expected" <<-'END'
	logged.test. UDP query NOERROR resolved 10
	logged.test. UDP response NOERROR resolved 10
	www.cname.old. UDP query NOERROR rewritten 11
	www.cname.old. UDP response NOERROR rewritten 11
	x.blocked.test. UDP query NOERROR blocked 3
	x.blocked.test. UDP response NOERROR blocked 3
	refused.test. TCP query NOERROR blocked 4
	refused.test. TCP response REFUSED blocked 4
	dropped.test. UDP query NOERROR blocked 5
	moved.test. UDP query NOERROR redirected 6
	moved.test. UDP response NOERROR redirected 6
	shadowed.test. UDP query NOERROR resolved 10
	shadowed.test. UDP response NOERROR resolved 10
	good.bad.test. UDP query NOERROR allowed 10
	good.bad.test. UDP response NOERROR allowed 10
	bad.test. UDP query NOERROR blocked 9
	bad.test. UDP response NOERROR blocked 9
	nobody.example. UDP query NOERROR refused -
	nobody.example. UDP response REFUSED refused -
	servfail.test. UDP query NOERROR resolved 10
	servfail.test. UDP response SERVFAIL resolved 10
	slow-20.test. TCP query NOERROR resolved 10
	slow-20.test. TCP response NOERROR resolved 10
	slow-20.test. UDP query NOERROR resolved 10
	slow-20.test. UDP response NOERROR resolved 10
END
tell_events >"$work/told"
check "each query and answer is an event, with verdict and rule" diff "$work/expected" "$work/told"
adds_up events "events of the proxy"
stop "$proxy_pid"

# Captured on loopback it sees itself: what clients ask it, and what it asks.
own_events() {
	rm -f "$work/events.json"
	proxy "$1" 'resolve ^(.*) using 127.0.0.2' -i lo -d 53 --output "file,path=$work/events.json,format=json,fields=qname" ${2:+"$2"}
	ask own1.test A
	ask own2.test A +tcp
	sleep 1.2
	adds_up "$1" "$1"
	"$BUILD/dnsflowctl" --socket "$work/$1.sock" stats >"$work/$1.stats"
	stop "$proxy_pid"
	wc -l <"$work/events.json" >"$work/$1.events"
}

own_events once
check "captured packets of the proxy itself make no events" [ "$(cat "$work/once.events")" = 4 ]
check "and are counted" [ "$(value_of messages_own once.stats)" -ge 6 ]
own_events twice --proxy.capture-own
check "with capture-own they do" [ "$(cat "$work/twice.events")" -gt 4 ]

cat >"$work/rules" <<-'END'
	log ^www\.
	shadow block ^(.*) if name is in ads
	block ^(.*)\.blocked\.test$ with nxdomain
	block ^(.*) if type is TXT and client is 10.0.0.0/8
	redirect ^old\. to new.example
	rewrite ^(.*)\.alias\.test$ to $1.real.test
	allow ^good\.
	block real\.test with 192.0.2.1
	block . if name is in ads and class is CH
	shadow resolve ^x using 192.0.2.1
	block ^(a|b)\. if class is ANY and client is 2001:db8::/64
	resolve ^(.*)com$ using ordered 192.0.2.1, tcp://192.0.2.2
	resolve ^(.*) using 192.0.2.2 if type is TYPE65280
	shadow block ^mail if type is MX
END
cat >"$work/wide" <<-'END'
	log \.
	shadow block ^(.*)\.org$ if type is AAAA
	block ^(.*) with nxdomain if name is in ads
	redirect ^www\. to 192.0.2.1 if type is A
	shadow allow ^a
	block google
	rewrite ^(.*)\.net$ to $1.example.com
	block ^(.*) if type is MX
	resolve com$ using 192.0.2.1
	resolve ^(.*) using 192.0.2.1 if class is IN
END
printf 'ads.example\nse\n' >"$work/ads"
python3 tests/system/judge.py make "$work/queries.pcap" 20000
check "a dry run of 20,000 queries reports what another hand counts" dry_run "$work/rules" "$work/queries.pcap"
check "so do two workers" dry_run "$work/rules" "$work/queries.pcap" -M 2
if [ -d "$shared/conformance/pcap" ]; then
	check "and dry runs of the captures of the conformance kit" dry_run "$work/wide" "$(kit)"
else
	skip "and dry runs of the captures of the conformance kit" "$shared is not there"
fi
finish
