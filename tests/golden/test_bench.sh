#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# dnsflow-bench against unbound: what it prints, and what it counts, over UDP and TCP, IPv4 and IPv6. Speaks TAP.
. "$(dirname "$0")/../system/lib.sh"
need_program unbound
scratch
trap 'kill_started; rm -rf "$work"' EXIT
bench=$BUILD/dnsflow-bench
export LC_ALL=C

is_used() { # PORT
	grep -q ":$(printf %04X "$1") " /proc/net/udp /proc/net/tcp /proc/net/udp6 /proc/net/tcp6 2>/dev/null
}

free_port() { # sets $port
	port=$((20000 + $$ % 10000))
	while is_used $port; do
		port=$((port + 1))
	done
}

write_conf() {
	cat <<-END
		server:
		    interface: 127.0.0.1
		    $has_ip6 interface: ::1
		    port: $port
		    do-daemonize: no
		    username: ""
		    chroot: ""
		    directory: "$work"
		    pidfile: ""
		    use-syslog: no
		    local-zone: "." static
		    local-zone: "there.example." redirect
		    local-data: "there.example. 60 IN A 192.0.2.1"
		    local-data: "there.example. 60 IN AAAA 2001:db8::1"
		    local-zone: "refused.example." refuse
		    local-zone: "silent.example." deny
		remote-control:
		    control-enable: no
	END
}

# run ARGUMENT...: of a run that must end with status 0 and a table that is drawn well.
run() {
	"$bench" "$@" >"$work/out" 2>"$work/err" || {
		cat "$work/err"
		return 1
	}
	table_is_straight
}

# All lines of the table are of one length, and its bars stand below each other.
table_is_straight() {
	awk '/^[+|]/ {
		lines++
		bar = index(substr($0, 2), substr($0, 1, 1)) + 1
		if (lines > 1 && (length($0) != width || bar != bars)) crooked = 1
		width = length($0); bars = bar
		if (/^\+/) rules = rules lines " "
	} END { exit crooked || rules != "1 3 " lines " " }' "$work/err" && return
	cat "$work/err"
	return 1
}

# counts NAME VALUE...: the figures of the last run.
counts() {
	while [ $# -gt 0 ]; do
		[ "$(value_of "$1" out)" = "$2" ] || {
			echo "wanted: $1 $2"
			cat "$work/out"
			return 1
		}
		shift 2
	done
}

ran() { # FIGURES ARGUMENT...: run, then counts
	ran_figures=$1
	shift
	run "$@" || return
	# shellcheck disable=SC2086
	counts $ran_figures
}

in_table() { # METRIC VALUE
	grep -q "^| $1 *| $2 *|\$" "$work/err" || {
		cat "$work/err"
		return 1
	}
}

# The log with its times, and values that no two runs share, taken out.
normal_log() {
	sed -E -e 's|^\[[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}\]|[TIME]|' -e 's/-{2,}/--/g' -e 's/ +\|/ |/g' \
		-e "s/: $port\$/: PORT/" -e '/time|uptime|per_second/s/\| [0-9.e-]+ \|/| N |/' "$work/err"
}

wanted_log() {
	cat <<-END
		[TIME] [dnsflow.benchmark] INFO: starting benchmark
		[TIME] [dnsflow.benchmark] INFO: using 8 workers
		[TIME] [dnsflow.benchmark] INFO: benchmarking host: 127.0.0.1 port: PORT
		[TIME] [dnsflow.benchmark] INFO: limiting run to 1000 entries
		[TIME] [dnsflow.benchmark] INFO: starting processing...
		[TIME] [dnsflow.benchmark] INFO: limited reached, breaking
		[TIME] [dnsflow.benchmark] INFO: benchmark done
		[TIME] [dnsflow.benchmark] INFO: results:$blank
		+--+--+
		| metric | value |
		+--+--+
		| elapsed_time_seconds | N |
		| queries_failed | 250 |
		| queries_per_second | N |
		| queries_successful | 750 |
		| response_time_msec_avg | N |
		| response_time_msec_max | N |
		| response_time_msec_min | N |
		| uptime | N |
		+--+--+
	END
}

log_is_sentrys() {
	run -s "127.0.0.1:$port" -n 8 -l 1000 --names "$work/mixed" || return
	normal_log >"$work/found"
	wanted_log | diff - "$work/found"
}

figures_are_named() {
	cut -d ' ' -f 1,3 "$work/out" >"$work/found"
	cat >"$work/wanted" <<-END
		elapsed s
		queries queries
		queries_rate queries/s
		queries_timed_out queries
		answers answers
		answers_rate answers/s
		answers_NOERROR answers
		answers_NXDOMAIN answers
		messages_foreign messages
		messages_dropped messages
		latency_p50 ms
		latency_p90 ms
		latency_p99 ms
		latency_p99.9 ms
		latency_max ms
	END
	diff "$work/wanted" "$work/found"
}

quantiles_grow() {
	awk '/^latency_/ { if ($2 < last || $2 <= 0) bad = 1; last = $2 } END { exit bad || !last }' "$work/out"
}

refuses() {
	refused "$bench" "$@"
}

answers_from() { # ADDRESS: unbound is there
	"$bench" -s "$1" -l 1 --names "$work/one" --timeout 200 2>/dev/null | grep -q '^answers 1 '
}

within() { # NAME LEAST MOST
	awk -v name="$1" -v least="$2" -v most="$3" '$1 == name { exit !($2 >= least && $2 <= most) }' "$work/out" && return
	cat "$work/out"
	return 1
}

is_refused_without_listener() {
	run -s "127.0.0.1:$port" -n 4 -l 4 --timeout 200 "$@" && counts queries_timed_out 4 answers 0 &&
		in_table queries_failed 4 && ! grep -q response_time "$work/err" &&
		[ "$(grep -c "WARNING: 127.0.0.1:$port: Connection refused" "$work/err")" = 1 ]
}

ends_by_signal() { # SIGNAL
	start signal "$bench" -s "127.0.0.1:$port" -n 8 --names "$work/one" --duration 60
	sleep 0.5
	stop "$pid" "$1" || return
	grep -q 'results: $' "$work/signal.err" && grep -q '^answers_NOERROR [1-9]' "$work/signal.out"
}

blank=' ' # Sentry's, which an editor would take away
has_ip6='#'
grep -q ' lo$' /proc/net/if_inet6 2>/dev/null && has_ip6=
echo there.example >"$work/one"
awk 'BEGIN { for (i = 0; i < 75; i++) print "host" i ".there.example"; for (i = 0; i < 25; i++) print "no" i ".example" }' >"$work/mixed"
awk '{ print NR "," $1 "\r" }' "$work/mixed" >"$work/rows"
echo x.silent.example >"$work/silent"
{ cat "$work/one" "$work/silent"; } >"$work/half"
free_port
write_conf >"$work/unbound.conf"
start unbound unbound -c "$work/unbound.conf"
unbound=$pid
wait_for 10 answers_from "127.0.0.1:$port" || {
	note <"$work/unbound.err"
	skip_all "unbound did not start"
}

mixed='queries 1000 queries_timed_out 0 answers 1000 answers_NOERROR 750 answers_NXDOMAIN 250'
check "the log is Sentry's" log_is_sentrys
# shellcheck disable=SC2086
check "figures are those of the log" counts $mixed
check "figures have their names and units" figures_are_named
check "quantiles grow" quantiles_grow
check "rows of rank and name" ran "$mixed" -s "127.0.0.1:$port" -n 8 -l 1000 --names "$work/rows"
check "names on standard input" ran "queries 100" -s "127.0.0.1:$port" --names - <"$work/mixed"
check "one query at a time" ran "queries 100 answers_NXDOMAIN 25" -s "127.0.0.1:$port" --names "$work/mixed"
check "many queries at a time" ran "queries 50000 answers_NOERROR 37500" \
	-s "127.0.0.1:$port" -n 100 --sockets 7 -l 50000 --names "$work/mixed"
check "more queries at a time than there are" ran "queries 5" -s "127.0.0.1:$port" -n 1000 -l 5 --names "$work/mixed"
check "TCP" ran "$mixed queries_lost 0" -s "127.0.0.1:$port" --tcp -n 8 -l 1000 --names "$work/mixed"
check "TCP, pipelined" ran "queries 20000 answers_NOERROR 15000 queries_lost 0" \
	-s "127.0.0.1:$port" --tcp -n 100 --sockets 2 -l 20000 --names "$work/mixed"
if [ "$has_ip6" ]; then
	skip "IPv6" "there is none here"
	skip "IPv6 and TCP" "there is none here"
else
	check "IPv6" ran "$mixed" -s "[::1]:$port" -n 8 -l 1000 --names "$work/mixed"
	check "IPv6 and TCP" ran "$mixed" -s "[::1]:$port" --tcp -n 8 -l 1000 --names "$work/mixed"
fi

check "another type" ran "answers_NOERROR 10" -s "127.0.0.1:$port" --type AAAA -l 10 --names "$work/one"
check "it is answered" in_table queries_successful 10
check "answers without records fail" ran "answers_NOERROR 10" -s "127.0.0.1:$port" --type MX -l 10 --names "$work/one"
check "all of them" in_table queries_failed 10
echo refused.example >"$work/refused"
check "refusals fail" ran "answers_REFUSED 3" -s "127.0.0.1:$port" -l 3 --names "$work/refused"
check "built-in names" ran "queries 20 answers_NXDOMAIN 20" -s "127.0.0.1:$port" -l 20

check "silence is waited for" ran "queries 20 queries_timed_out 20 answers 0" \
	-s "127.0.0.1:$port" -n 10 -l 20 --timeout 100 --names "$work/silent"
check "as long as is said" within elapsed 0.2 2
check "silence holds nobody else up" ran "queries 200 queries_timed_out 100 answers_NOERROR 100" \
	-s "127.0.0.1:$port" -n 100 -l 200 --timeout 500 --names "$work/half"
check "a minimum of 1 s elapses" in_table elapsed_time_seconds '[1-3]'
check "silence over TCP" ran "queries 20 answers 0" \
	-s "127.0.0.1:$port" --tcp -n 10 -l 20 --timeout 100 --names "$work/silent"
check "fails, too" in_table queries_failed 20

check "duration" run -s "127.0.0.1:$port" -n 8 --duration 0.5 --names "$work/one"
check "is kept" within elapsed 0.5 1.9
check "rate" run -s "127.0.0.1:$port" -n 100 --rate 400 --duration 1 --names "$work/one"
check "is kept, too" within queries 350 401
check "rate and limit" ran "queries 50" -s "127.0.0.1:$port" -n 100 --rate 400 -l 50 --duration 5 --names "$work/one"
check "no progress line without a terminal" [ "$(grep -c 'in flight' "$work/err")" = 0 ]
check "progress" run -s "127.0.0.1:$port" --rate 10 --progress --duration 1.5 --names "$work/one"
check "is told every second" grep -q '^1 s: [0-9]* queries, [0-9]* queries/s, 0 failed, [0-9]* in flight$' "$work/err"
check "SIGINT ends it with results" ends_by_signal INT
check "SIGTERM ends it with results" ends_by_signal TERM
"$bench" -s "127.0.0.1:$port" -l 1 --names "$work/one" >/dev/full 2>"$work/err"
check "a full disk is told" [ $? = 1 ] && check "in words" grep -q 'writing failed' "$work/err"

stop "$unbound"
check "nobody listens" is_refused_without_listener
check "nobody listens to TCP" is_refused_without_listener --tcp

"$bench" >"$work/out" 2>"$work/err"
check "no server: status 1" [ $? = 1 ]
check "no server: Sentry's line" [ "$(cat "$work/out" "$work/err")" = "please specify the server to benchmark with --server" ]
refuses "a name as server" 'server name must be an ip not DNS name, you gave us: localhost' -s localhost:53
refuses "a bad address" 'server: neither address nor' -s 1.2.3.4.5:53
refuses "a bad port" 'server: neither address nor' -s 127.0.0.1:99999
refuses "no queries in flight" 'concurrency: not a number from 1 to' -s 127.0.0.1 -n 0
refuses "a number that is none" 'limit: not a number' -s 127.0.0.1 -l 10x
refuses "a negative number" 'limit: not a number' -s 127.0.0.1 -l -1
refuses "an unknown type" 'type: not a type: NOPE' -s 127.0.0.1 --type NOPE
refuses "no timeout" 'timeout: not a number' -s 127.0.0.1 --timeout 0
refuses "no duration" 'duration: not a number of seconds' -s 127.0.0.1 --duration 0
refuses "a rate that is none" 'rate: not a number' -s 127.0.0.1 --rate fast
refuses "too few sockets" 'sockets: 1 are too few' -s 127.0.0.1 -n 40000 --sockets 1
refuses "no such file" 'none: No such file' -s 127.0.0.1 --names "$work/none"
refuses "a folder" 'Is a directory' -s 127.0.0.1 --names "$work"
: >"$work/empty"
refuses "no names" 'empty: no names' -s 127.0.0.1 --names "$work/empty"
printf 'a.example\n\n2,b.example\nneither this\n' >"$work/bad"
refuses "a line that is no name" 'bad: line 4: neither a name' -s 127.0.0.1 --names "$work/bad"
refuses "a stray argument" 'unexpected argument: stray' -s 127.0.0.1 stray
refuses "an unknown option" 'option' --nonsense
"$bench" -h >"$work/out" 2>"$work/err"
check "help" grep -q -- '--concurrency' "$work/out"
"$bench" --version >"$work/out"
check "version" grep -q '^dnsflow-bench [0-9]' "$work/out"
finish
