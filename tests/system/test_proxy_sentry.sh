#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every example of Sentry's README: its configurations as they stand there, what dig says, its
# statistics and its benchmark. The addresses of its upstream servers are ours here.
. "$(dirname "$0")/lib.sh"
readme=${DNSFLOW_SHARED:-../shared}/seeds/000_75b5c56ee9938fbe.txt
[ -e "$readme" ] || skip_all "$readme is not there"
isolate
need_program dig python3
. tests/system/proxy.sh

# configurations: writes $work/1.json, $work/2.json ... as they stand in the README
configurations() {
	python3 - "$readme" "$work" <<-'END'
		import re, sys, textwrap
		with open(sys.argv[1], encoding="utf-8") as file:
		    blocks = re.findall(r"^    \{$.*?^    \}$", file.read(), re.M | re.S)
		for number, block in enumerate(blocks, 1):
		    with open(f"{sys.argv[2]}/{number}.json", "w", encoding="utf-8") as file:
		        file.write(textwrap.dedent(block))
		print(len(blocks))
	END
}

# conditional RULE: a configuration of this rule and one that resolves all
conditional() {
	cat >"$work/conditional.json" <<-END
		{ "port": 5300, "host": "0.0.0.0", "rules": [ "$1", "resolve ^(.*) using 8.8.4.4, 8.8.8.8" ] }
	END
	sentry conditional
}

# sentry NAME: dnsflow with $work/NAME.json
sentry() {
	start_ready 10 "$1" "$BUILD/dnsflow" --config "$work/$1.json" --control "$work/$1.sock" || finish
	sentry_pid=$pid
}

# ends NAME
ends() {
	adds_up "$1" "configuration $1"
	stop "$sentry_pid"
}

ask() {
	dig +tries=1 +time=5 @localhost -p 5300 "$@" >"$work/dig" 2>&1
}

# asks ADDRESS NAME [TYPE]: whether that upstream was asked for it
asks() {
	grep -q " $2 ${3:-1}\$" "$work/$1.log"
}

# has_tables TIMES: the second table is complete
has_tables() {
	[ "$(sed -n '/domain stats:/,$p' "$work/2.err" | grep -c 'supervisor: +')" -ge $(($1 * 3)) ]
}

for address in 8.8.4.4 8.8.8.8 10.10.1.2; do
	ip addr add $address/32 dev lo
	upstream $address || finish
done
check "the README has three configurations" [ "$(configurations)" = 3 ]

sentry 1
ask nytimes.com
check "a configuration of one rule: is resolved" has_answers 1
check "both servers are asked" wait_for 2 sh -c "grep -q nytimes.com $work/8.8.4.4.log && grep -q nytimes.com $work/8.8.8.8.log"
ends 1

sentry 2
ask nytimes.com +noedns
check "redirecting: the header that the README shows" has_text 'flags: qr rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0'
check "its warning" has_text 'WARNING: recursion requested but not available'
check "its question" has_text '^;nytimes.com\..*IN.*A$'
check "its answer" has_text '^nytimes.com\..*300.*IN.*CNAME.*google.com\.$'
check "its size" has_text 'MSG SIZE  rcvd: 5[0-9]'
ask www.reddit.com
check "redirecting another" has_text 'CNAME.*google.com\.$'
ask www.youtube.com
check "blocking: an empty answer" has_answers 0
check "without an error" has_status NOERROR
ask foo.xxx
check "blocking another" has_answers 0
ask www.google.com
check "rewriting: the client's question" has_text '^;www.google.com\.'
check "is answered" has_answers 1
check "by what the other name has" asks 8.8.8.8 google.com
check "logging, too" has_line 2.err 'logging query: www.google.com. matched by rule: ^(.\*)google.com with context'
ask www.facebook.com
check "resolving using another server" asks 10.10.1.2 www.facebook.com
check "and no other" sh -c "! grep -q facebook $work/8.8.8.8.log"
ask example.org
check "the catch-all" has_answers 1
kill -30 "$sentry_pid"
check "kill -30: statistics are logged" wait_for 5 has_tables 1
for metric in net.bytes_received net.bytes_sent net.packets_received net.packets_sent 'requests_pending.*| 0 ' \
	'requests_total.*| 7 ' response_time_msec_avg response_time_msec_max response_time_msec_min uptime \
	"<class 'sentry.rules.RedirectRule'> *| 2 " "<class 'sentry.rules.LoggingRule'> *| 1 " \
	"<class 'sentry.rules.ResolveRule'> *| 3 "; do
	check "with $metric" has_line 2.err "| $metric"
done
check "and names" has_line 2.err '| nytimes.com. *| 1 '
kill -USR1 "$sentry_pid"
check "SIGUSR1 as well" wait_for 5 has_tables 2
ends 2

sentry 3
ask www.youtube.com MX
check "threadpool_size changes nothing: blocked" has_answers 0
ask www.youtube.com A
check "but not another type" has_answers 1
"$BUILD/dnsflow-bench" --benchmark -s 127.0.0.1:5300 -l 100 >"$work/bench" 2>&1
for metric in elapsed_time_seconds queries_failed queries_per_second queries_successful response_time_msec_avg \
	response_time_msec_max response_time_msec_min uptime; do
	check "the benchmark tells $metric" grep -q "| $metric *| [0-9]" "$work/bench"
done
ends 3

conditional 'block ^(.*).google.com if type is MX'
ask www.google.com MX
check "if type is MX: blocked" has_text 'AUTHORITY: 0'
check "without asking" sh -c "! grep -q 'www.google.com 15' $work/8.8.8.8.log"
ask www.google.com A
check "if type is MX: not A" has_answers 1
ends conditional
conditional 'block ^(.*).google.com if type is MX and class is IN'
ask mail.google.com MX
check "if type is MX and class is IN: blocked" sh -c "! grep -q 'mail.google.com 15' $work/8.8.8.8.log"
ask mail.google.com A
check "not A" has_answers 1
ask mail.google.com MX -c CH
check "not CH" asks 8.8.8.8 mail.google.com 15
ends conditional
conditional 'block ^(.*).google.com if class is IN'
ask a.google.com A
check "if class is IN: blocked" has_answers 0
ask txt.google.com TXT -c CH
check "not CH" asks 8.8.8.8 txt.google.com 16
ends conditional
finish
