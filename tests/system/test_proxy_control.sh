#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What operators see of the proxy, and tell it: dnsflowctl flush, rules and status, Sentry's tables on
# SIGUSR1 and signal 30, /proxy and /metrics.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3 curl
. tests/system/proxy.sh

# ctl NAME COMMAND...: of that run; what it says in $work/ctl.
ctl() {
	ctl_name=$1
	shift
	"$BUILD/dnsflowctl" --socket "$work/$ctl_name.sock" "$@" >"$work/ctl" 2>&1
}

# says PATTERN: the last ctl.
says() {
	grep -q -- "$1" "$work/ctl" || {
		cat "$work/ctl"
		return 1
	}
}

# holds FILE EXPRESSION: of the JSON in it, as j.
holds() {
	python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$work/$1" "$2" || {
		cat "$work/$1"
		return 1
	}
}

refuses() {
	! ctl "$@" && cat "$work/ctl"
}

upstream 127.0.0.2 || exit 1
printf '0.0.0.0 one.ads\n0.0.0.0 two.ads\n' >"$work/ads.hosts"

proxy control 'block ^(.*) if name is in ads
shadow block ^shadowed\.
log ^logged\.
redirect ^moved\. to elsewhere.test
block ^typed\. if type is MX
resolve test$ using 127.0.0.2, tcp://127.0.0.9' --list "ads=hosts:$work/ads.hosts" --workers 2 \
	--proxy.timeout 500 --web.listen 127.0.0.1:8080 || exit 1

# --- flush
for name in a.test b.a.test c.test big-3.test; do
	ask $name A
	ask $name A
done
check "answers come from the cache" [ "$(asked 127.0.0.2 ' a.test')" = 1 ]
ctl control --json status
check "status: answers in the cache" holds ctl "j['proxy']['cache']['entries'] == 4"
check "status: hits and misses" holds ctl "(j['proxy']['cache']['hits'], j['proxy']['cache']['misses']) == (4, 4)"
check "flush of a name is done" ctl control flush A.Test.
check "it says within what time" says 'A.Test. and all below it are forgotten within 1 s'
check "the log has the name" has_line control.err 'flush: A.Test. and all below it'
sleep 1.2
for name in a.test b.a.test c.test; do
	ask $name A
done
check "the name is asked for again" [ "$(asked 127.0.0.2 ' a.test')" = 2 ]
check "so is what is below it" [ "$(asked 127.0.0.2 ' b.a.test')" = 2 ]
check "another one is not" [ "$(asked 127.0.0.2 ' c.test')" = 1 ]
ctl control flush
check "the log has it" has_line control.err 'flush: all answers'
check "flush of all says so" says 'All answers are forgotten within 1 s'
sleep 1.2
ask c.test A
check "all is asked for again" [ "$(asked 127.0.0.2 ' c.test')" = 2 ]
ctl control flush a.test
ctl control flush b.test
sleep 1.2
ask c.test A
check "of two orders at once, all is forgotten" [ "$(asked 127.0.0.2 ' c.test')" = 3 ]
ctl control flush .
sleep 1.2
ask c.test A
check "all is below the root" [ "$(asked 127.0.0.2 ' c.test')" = 4 ]
long=$(printf 'x%.0s' $(seq 64))
for name in a..test "$long.test" '\300.test' "$(printf 'y%.0s' $(seq 1023))"; do
	check "no name: $(printf %.20s "$name")" refuses control flush "$name"
	check "it says why" says 'this is no name'
done
check "an empty name is wrong usage" sh -c "'$BUILD/dnsflowctl' --socket '$work/control.sock' flush ''; test \$? = 2"
check "one name at a time" sh -c "'$BUILD/dnsflowctl' --socket '$work/control.sock' flush a b; test \$? = 2"

# --- rules
for name in one.ads shadowed.test logged.test logged.test moved.test typed.test nobody.example; do
	ask $name A
done
ask typed.test MX
ctl control rules
check "rules: the heads" says '^number  *hits  *effect  *rule$'
check "rules: a rule that blocks" says '^ *1  *1  *yes  *block ^(.\*) if name is in ads$'
check "rules: a shadow" says '^ *2  *1  *shadow  *shadow block'
check "rules: one that logs" says '^ *3  *2  *yes  *log'
check "rules: a condition counts" says '^ *5  *1  *yes  *block ^typed'
check "rules: what no rule decided" says '^1 of [0-9]* queries: no rule decided$'
ctl control --json rules
check "rules as JSON" holds ctl "[r['hits'] for r in j['rules']][:5] == [1, 1, 2, 1, 1] and j['undecided'] == 1 and j['rules'][1]['is_shadow'] and not j['is_dry_run']"

# --- status
ctl control status
check "status: where it listens" says '^proxy: 127.0.0.1:53; names are'
check "status: the rate" says '^queries: [0-9.]* a second; TCP connections: 0$'
check "status: the cache" says '^cache: [0-9]* answers in [0-9]* of 65536 KiB; '
check "status: lists" says '^lists: ads with 2 names$'
check "status: an upstream server that answers" says '^127.0.0.2:53  *[1-9][0-9]*  *[1-9]'
check "status: one that does not" says '^tcp://127.0.0.9:53  *[0-9]*  *0 '
ctl control --json status
check "status: latency" holds ctl "j['proxy']['upstreams'][0]['latency_milliseconds'] > 0 and j['proxy']['upstreams'][1]['latency_milliseconds'] is None"
check "status: a rate is counted" holds ctl "j['proxy']['queries_per_second'] > 0"

# --- tables
tables() {
	grep -c 'system stats:' "$work/control.err"
}
kill -USR1 "$proxy_pid"
check "SIGUSR1 prints the tables" wait_for 5 has_line control.err 'domain stats:'
for line in '| metric  *| value  *|$' '| net.packets_received  *| [0-9]* ' '| requests_failed  *| 1  *|' '| requests_pending  *| 0  *|' \
	'| response_time_msec_avg  *| [0-9.e-]* ' '| uptime  *| [0-9.]* ' "| <class 'sentry.rules.LoggingRule'>  *| 2  *|" \
	"| <class 'sentry.rules.ConditionalBlockRule'>  *| 2  *|" '| domain  *| queries |$' '| logged.test\.  *| 2  *|'; do
	check "in them: $line" has_line control.err "$line"
done
check "metrics are sorted, classes last" sh -c "sed -n '/system stats/,/domain stats/s/^[^|]*| \([a-z<][^|]*[^ |]\) *|.*/\1/p' '$work/control.err' |
	grep -v '^metric' >'$work/metrics'; { grep -v '^<' '$work/metrics' | LC_ALL=C sort; grep '^<' '$work/metrics'; } | cmp - '$work/metrics'"
kill -30 "$proxy_pid"
check "signal 30 does, too" wait_for 5 sh -c "[ \"\$(grep -c 'domain stats:' '$work/control.err')\" = 2 ]"

# --- web
check "/proxy is there" sh -c "curl -sf http://127.0.0.1:8080/proxy >'$work/proxy.json'"
check "/proxy: Sentry's metrics" holds proxy.json "j['metrics']['requests_failed'] == 1 and j['metrics']['uptime'] > 1 and j['metrics'][\"<class 'sentry.rules.LoggingRule'>\"] == 2"
check "/proxy: rules" holds proxy.json "[r['hits'] for r in j['rules']][:5] == [1, 1, 2, 1, 1]"
check "/proxy: servers" holds proxy.json "[u['upstream'] for u in j['upstreams']] == ['127.0.0.2:53', 'tcp://127.0.0.9:53'] and j['upstreams'][0]['answers'] > 0"
check "/proxy: the cache" holds proxy.json "j['cache']['bytes_most'] == 64 << 20 and j['cache']['entries'] > 0"
check "/proxy: names" holds proxy.json "['logged.test.', 2] in j['names'] and max(c for n, c in j['names']) == j['names'][0][1]"
curl -sf http://127.0.0.1:8080/metrics >"$work/metrics.txt"
check "/metrics: counters" grep -q '^dnsflow_proxy_queries_total{worker="1"} [0-9]' "$work/metrics.txt"
check "/metrics: rules" grep -q '^dnsflow_proxy_rule_hits_total{rule="3"} 2$' "$work/metrics.txt"
check "/metrics: servers" grep -q '^dnsflow_proxy_upstream_answers_total{upstream="127.0.0.2:53"} [1-9]' "$work/metrics.txt"
check "/metrics: the cache" grep -q '^dnsflow_proxy_cache_entries [1-9]' "$work/metrics.txt"
if command -v promtool >/dev/null 2>&1; then
	check "promtool accepts them" sh -c "test -z \"\$(promtool check metrics <'$work/metrics.txt' 2>&1)\""
fi
check "/proxy is as the OpenAPI file says" timeout 100 python3 tests/system/web.py http://127.0.0.1:8080 src/aggregator/web/openapi.yaml

# --- other rules
printf '%s\n' 'log ^logged\.' 'resolve test$ using 127.0.0.2' '# a|b' 'block c$|d$' >"$work/control.rules"
check "a reload warns of a rule that does nothing" ctl control reload
check "with its place" has_line control.err 'control.rules:4: only a last "\$" is also before the final dot'
printf '%s\n' 'log ^logged\.' 'resolve test$ using 127.0.0.2' >"$work/control.rules"
check "a reload takes rules away" ctl control reload
ctl control --json rules
check "what stays keeps its hits" holds ctl "[(r['number'], r['hits'], r['rule']) for r in j['rules']][0] == (1, 2, 'log ^logged\\\\.')"
check "what is new has none" holds ctl "len(j['rules']) == 2 and j['rules'][1]['hits'] == 0"
ctl control --json status
check "servers that no rule has are not shown" holds ctl "[u['upstream'] for u in j['proxy']['upstreams']] == ['127.0.0.2:53'] and j['proxy']['upstreams'][0]['answers'] > 0"
check "lists that stay are" holds ctl "j['proxy']['lists'] == [{'name': 'ads', 'entries': 2, 'file': '$work/ads.hosts'}]"
adds_up control "control"
stop "$proxy_pid"

# --- without
proxy plain 'resolve ^(.*) using 127.0.0.2' --proxy.cache-size 0 || exit 1
check "without a cache there is nothing to forget" refuses plain flush
check "it says so" says 'there is no cache'
ctl plain status
check "status: no cache" says '^cache: none$'
stop "$proxy_pid"
finish
