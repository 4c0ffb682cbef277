#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Forged answers (RFC 5452): what makes them hard to guess, and what becomes of those that come. LIES
# and LIED_TO make a soak of it.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3
. tests/system/proxy.sh

lies=${LIES:-1000}
lied_to=${LIED_TO:-100}

datagrams() {
	python3 tests/system/datagrams.py "$@"
}

ip addr add 127.0.0.99/8 dev lo
upstream 127.0.0.2 || exit 1
start_ready 5 responder "$BUILD/tests/system/responder" 127.0.0.4:53 "$work/responder.log" || finish
responder_pid=$pid
start_ready 5 forger "$BUILD/tests/system/responder" 127.0.0.5:53 || finish
forger_pid=$pid
proxy forward 'resolve ^random using 127.0.0.4
resolve ^wrongid using 127.0.0.5
resolve ^beside using 127.0.0.5
resolve ^(.*) using 127.0.0.2' --proxy.timeout 800 --proxy.cache-size 0 || exit 1

# Upstream sockets live for ten seconds: the others do their work meanwhile.
start random python3 tests/system/datagrams.py ask 20000 64 1700 random
random_pid=$pid
check "10,000 identical questions at once are all answered" datagrams identical 10000 slow-500.identical
check "by one query" [ "$(asked 127.0.0.2 slow-500.identical)" = 1 ]
check "all the others waited for it" counted forward proxy_coalesced 9999

for word in fromport fromaddress; do
	ask "$word.forged" A
	check "an answer $word is not the one" has_text '192.0.2.1$'
	check "and does nothing: the query was not asked again" [ "$(asked 127.0.0.2 "$word.forged")" = 1 ]
done
ask slow-1000.late A
check "an answer behind the second query is welcome" has_answers 1
sleep 1
check "the answer to the second one is no forgery" sh -c "! grep -q 'tcp slow-1000.late' $work/127.0.0.2.log"
ask slow-3000.late A
check "one behind the last is too late" has_status SERVFAIL
sleep 1.5
ask a.late A
check "and does nothing to others" has_answers 1
check "of a server that was late" [ "$(asked 127.0.0.2 'tcp ')" = 0 ]

check "$lied_to questions, $lies wrong ids each before the true answer: that alone is believed" \
	datagrams ask "$lied_to" 4 0 "wrongid-$lies"
note <"$work/check"
check "others at that server are not worse off" datagrams ask "$lied_to" 2 0 "wrongid-$lies" beside
stop "$forger_pid"
note <"$work/forger.out"
check "all lies were told" [ "$(value_of lies forger.out)" -ge $((lied_to * lies + lied_to / 2 * lies)) ]
check "each question that was lied about was asked over TCP" \
	[ "$(value_of queries_tcp forger.out)" -ge $((lied_to + lied_to / 2)) ]

wait "$random_pid"
check "20,000 questions are answered" test $? = 0
note <"$work/random.out"
stop "$responder_pid"
check "their ids and ports come by chance" datagrams ids "$work/responder.log"
note <"$work/check"
adds_up forward "forgeries"
stop "$proxy_pid"
finish
