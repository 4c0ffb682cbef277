#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Upstream servers that are slow, dead, broken or lying, and what clients get nevertheless.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3
. tests/system/proxy.sh

upstream 127.0.0.2 || exit 1
upstream 127.0.0.3 || exit 1

proxy forward 'resolve ^both\. using 127.0.0.2, 127.0.0.3
resolve ^slow-3000.ordered using ordered 127.0.0.2, 127.0.0.3
resolve ordered using ordered 127.0.0.2, 127.0.0.3
resolve robin using round-robin 127.0.0.2, 127.0.0.3
resolve least using least-outstanding 127.0.0.2, 127.0.0.3
resolve half using 127.0.0.2, 127.0.0.9
resolve dead using 127.0.0.9, 127.0.0.8
resolve elsewhere using ordered 127.0.0.9, 127.0.0.3
resolve overtcp using tcp://127.0.0.2
resolve port using 127.0.0.2:53
resolve ^(.*) using 127.0.0.2' --proxy.timeout 500 --proxy.cache-size 0 || exit 1

ask both.test A
check "parallel: both are asked" sh -c "grep -q both.test $work/127.0.0.2.log && sleep 0.2 && grep -q both.test $work/127.0.0.3.log"
ask a.ordered A
check "ordered: the first alone is asked" sh -c "grep -q a.ordered $work/127.0.0.2.log && ! grep -q a.ordered $work/127.0.0.3.log"
ask servfail.ordered A
check "ordered: after an error the next is asked" grep -q servfail.ordered "$work/127.0.0.3.log"
check "all say SERVFAIL: that is the answer" has_status SERVFAIL
ask slow-700.ordered A
check "ordered: after the time the next is asked" grep -q slow-700.ordered "$work/127.0.0.3.log"
check "the late answer is still welcome" has_answers 1
for i in 1 2 3 4; do
	ask $i.robin A
done
check "round-robin: both are asked in turn" [ "$(asked 127.0.0.2 robin):$(asked 127.0.0.3 robin)" = 2:2 ]
ask a.least A
check "least outstanding answers" has_answers 1
ask a.half A
check "one of two is dead: the other answers" has_answers 1
ask a.elsewhere A
check "the first is dead: the second answers" has_answers 1
ask a.dead A
check "all are dead: SERVFAIL" has_status SERVFAIL
check "and why (RFC 8914)" has_text 'EDE: 22'
ask droponce.test A
check "an unanswered query is sent again" has_answers 1
check "under two ids, the same name" [ "$(asked 127.0.0.2 droponce.test)" = 2 ]
ask drop.test A
check "no answer at all: SERVFAIL" has_status SERVFAIL
check "after three queries, no more" [ "$(asked 127.0.0.2 drop.test)" = 3 ]
ask refused.test A
check "REFUSED of the only server is passed on" has_status REFUSED
ask nxdomain.test A
check "NXDOMAIN is passed on" has_status NXDOMAIN
ask tc.test A
check "what is truncated is asked over TCP" grep -q 'tcp tc.test' "$work/127.0.0.2.log"
check "and answered whole" has_answers 1
ask a.overtcp A
check "tcp://: over TCP alone" sh -c "grep -q 'tcp a.overtcp' $work/127.0.0.2.log && ! grep -q 'udp a.overtcp' $work/127.0.0.2.log"
ask a.port A
check "address:port" has_answers 1
ask big-90.test A +bufsize=4096
check "more than 1232 octets over UDP: truncated, then over TCP" has_text 'retrying in TCP'
check "whole over TCP" has_answers 90
ask big-40.test A +noedns +ignore
check "more than 512 octets without EDNS: TC" has_text 'flags: qr tc'
check "no records with TC" has_answers 0

for word in wrongid-50 wrongname cut-20 cut-5 cut-40 junk-11 junk-64 loop counts twoopt; do
	ask $word.lies A
	check "after $word the true answer comes" has_text '192.0.2.1$'
done
check "a wrong id: over TCP" grep -q 'tcp wrongid-50.lies' "$work/127.0.0.2.log"
check "a broken answer: the waiting goes on over UDP" sh -c "! grep -q 'tcp junk-64.lies' $work/127.0.0.2.log"
ask outside.test A
ask victim.test A
check "records of other names poison nothing" has_text '192.0.2.1$'
ask lower.MiXeD.test A
check "the client's letters come back as they were" has_text '^;lower.MiXeD.test'

adds_up forward "forward"
stop "$proxy_pid"

proxy mixed 'resolve ^(.*) using 127.0.0.2' --proxy.mix-case --proxy.timeout 500 || exit 1
ask abcdefghijklmnop.mixed A
check "0x20: answered" has_answers 1
ask lower.qwertzuiopasdfg A
check "0x20: a server that does not keep the case is asked over TCP" grep -q 'tcp lower.qwertzuiopasdfg' "$work/127.0.0.2.log"
stop "$proxy_pid"

proxy cache 'resolve other using 127.0.0.3
resolve ^(.*) using 127.0.0.2' --proxy.timeout 300 --proxy.serve-stale 3600 --proxy.prefetch || exit 1
ask kept.test A
ask Kept.Test A
check "the second time it comes from the cache" [ "$(asked 127.0.0.2 ' kept.test')" = 1 ]
check "with the letters of the second client" has_text '^Kept.Test\.'
ask kept.test A +dnssec
check "DO is another answer" [ "$(asked 127.0.0.2 ' kept.test')" = 2 ]
ask nxdomain.kept A
ask nxdomain.kept A
check "a negative answer is kept as its SOA says" [ "$(asked 127.0.0.2 nxdomain.kept)" = 1 ]
check "NXDOMAIN from the cache" has_status NXDOMAIN
ask ttl-3.test A
sleep 1.1
ask ttl-3.test A
check "its TTL counts down" has_text '^ttl-3.test\..*[[:space:]][12][[:space:]]IN'
sleep 2
ask ttl-3.test A
check "when it is over the upstream is asked again" [ "$(asked 127.0.0.2 ttl-3.test)" = 2 ]
ask ttl-1.other A
stop "$(pgrep -f 'answers.py 127.0.0.3')" KILL
sleep 2.2
ask ttl-1.other A
check "the upstream is dead: the stale answer" has_answers 1
check "and that it is stale" has_text 'EDE: 3'
"$BUILD/dnsflowctl" --socket "$work/cache.sock" flush >/dev/null
sleep 1.2
ask kept.test A
check "dnsflowctl flush: the upstream is asked again" [ "$(asked 127.0.0.2 ' kept.test')" = 3 ]
adds_up cache "cache"
kill -KILL "$(pgrep -P "$proxy_pid" -f 'role worker')"
wait_for 5 ask kept.test A
check "the cache survives its worker" [ "$(asked 127.0.0.2 ' kept.test')" = 3 ]
adds_up cache "after a kill"
stop "$proxy_pid"
finish
