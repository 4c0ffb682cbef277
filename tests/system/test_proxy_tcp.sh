#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Clients over TCP (RFC 7766): several queries at a time, slow writers and readers, limits, and a crowd of
# ten thousand.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3
. tests/system/proxy.sh

rules='redirect ^quick to 192.0.2.81
resolve ^big using tcp://127.0.0.2
resolve ^(.*) using 127.0.0.2'
crowd=10000

streams() {
	python3 tests/system/streams.py "$@"
}

# at_most LIMIT NAME: a figure of either crowd, the better one: others use the machine, too
at_most() {
	grep "$2 " "$work/crowd"
	awk -v name="$2" -v most="$1" '($1 == name || $1 == "again_" name) && $2 <= most { found = 1 }
		END { exit !found }' "$work/crowd"
}

# grows_by KIB FROM TO: a figure of the crowd is that much more than another, at most
grows_by() {
	cat "$work/crowd"
	[ $(($(value_of "$3" crowd) - $(value_of "$2" crowd))) -le "$1" ]
}

worker() {
	pgrep -P "$proxy_pid" -f -- '--role worker'
}

upstream 127.0.0.2 || exit 1
proxy streams "$rules" --proxy.tcp-idle 1500 --proxy.cache-size 16 || exit 1
check "a slow answer holds up no other" streams out_of_order
check "a hundred queries in one go" streams pipelined 100 quick
check "more than wait at a time, asked of an upstream" streams pipelined 300 slow-30
check "an octet at a time, all in time" streams octet_by_octet
check "an octet at a time, but too slow: closed" streams too_slow
check "and counted, like half a query and half a length" counted streams proxy_connections_slow 3
check "half closed: answers come" streams half_close
check "half closed with more than wait at a time" streams half_close_held 150
check "lengths that do not fit" streams lengths
check "an idle connection ends" streams idle 1.5
check "who does not read is closed" streams never_reads 2000 8000
check "and counted" counted streams proxy_connections_slow 4
adds_up streams "slow ones"
stop "$proxy_pid"

proxy limits "$rules" --proxy.tcp-connections 40 --proxy.tcp-per-client 10 --proxy.tcp-idle 60000 \
	--proxy.allow 127.0.0.0/9 --proxy.timeout 3000 || exit 1
check "as many connections as a client may have" streams per_client 10
check "one too many is counted" counted limits proxy_connections_refused 1
check "the access list" streams refused 127.128.0.1
check "is counted" counted limits proxy_connections_refused 2
check "with all places taken the longest idle makes way" streams eviction 40
check "and is counted" counted limits proxy_connections_evicted 1
check "none idle: no more are taken" streams none_idle 40
check "which is counted" counted limits proxy_connections_refused 3
adds_up limits "limits"
stop "$proxy_pid"

proxy crowd "$rules" --proxy.tcp-connections $((crowd + 100)) --proxy.tcp-idle 60000 || exit 1
streams crowd "$(worker)" $crowd >"$work/crowd" 2>&1
check "a crowd of $crowd is served" grep -q rss_after_again_kib "$work/crowd"
check "while others are answered within 50 ms" at_most 50 p99_held_ms
check "also while all of it asks" at_most 200 p99_burst_ms
if grep -q __asan_init "$BUILD/dnsflow"; then
	skip "a connection costs 4 KiB at most" "sanitizers keep memory"
else
	check "a connection costs 4 KiB at most" grows_by $((4 * crowd)) rss_before_kib rss_held_kib
	check "it leaves what the next one takes" grows_by 8192 rss_before_kib rss_after_kib
	check "and no more, when another crowd came and went" grows_by 256 rss_after_kib rss_after_again_kib
fi
note <"$work/crowd"
check "every connection was taken" counted crowd proxy_connections_refused ''
adds_up crowd "a crowd"
stop "$proxy_pid"
finish
