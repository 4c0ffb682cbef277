#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The proxy's rules as clients see them: what spec/sentry.md 8 and Sentry's README promise, and what
# goes beyond it.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3
. tests/system/proxy.sh

ip addr add 10.9.9.9/32 dev lo
upstream 127.0.0.2 || exit 1
upstream 127.0.0.3 || exit 1

proxy rules 'log ^(.*)logged
block ^(.*).xxx
block ^(.*).txt if type is TXT
block ^(.*).mx if type is MX and class is ANY
block ^(.*).any if class is ANY
block ^nx\. with nxdomain
block ^refused\.example with refused
block ^dropped\. with drop
block ^sink\. with 192.0.2.80, 2001:db8::80
block ^here\. if client is 10.9.9.9/32
redirect ^(.*)nytimes.com to google.com
redirect ^address\. to 192.0.2.81
rewrite ^www\.(.*)\.old\.$ to $1.new
rewrite ^www.google.com to google.com
shadow block shadowed
allow ^allowed\.ads
block ads
resolve ^second\. using 127.0.0.3
resolve com$ using 127.0.0.2
resolve ^(.*)test using 127.0.0.2
resolve ^(.*)new using 127.0.0.2
resolve ads using 127.0.0.2' || exit 1

ask foo.xxx A
check "a blocked name has no answer" has_answers 0
check "a blocked name is NOERROR" has_status NOERROR
check "a blocked name tells why (RFC 8914)" has_text 'EDE: 15'
check "and has Sentry's flags" has_text 'flags: qr rd;'
ask foo.com A
check "what is not blocked is answered by the upstream" has_text '192.0.2.1$'
ask foo.txt TXT
check "block if type: that type has no answer" has_answers 0
ask foo.mx MX -c ANY
check "block if type and class: both" has_answers 0
ask foo.any A -c ANY
check "block if class" has_answers 0
ask foo.mx.test MX
check "block if type and class: not for another class" has_status NOERROR
ask nytimes.com A
check "redirect gives one answer" has_answers 1
check "redirect is a CNAME with 300 seconds" has_text '^nytimes.com\..*300.*IN.*CNAME.*google.com\.$'
check "redirect has no recursion available" has_text 'recursion requested but not available'
ask address.test A
check "redirect to an address" has_text '192.0.2.81$'
ask nx.test A
check "block with nxdomain" has_status NXDOMAIN
check "which has recursion available" has_text 'flags: qr rd ra'
ask refused.example A
check "block with refused" has_status REFUSED
check "block with drop" no_answer dropped.test A
check "block with addresses: A" gives sink.test A 192.0.2.80
check "block with addresses: AAAA" gives sink.test AAAA 2001:db8::80
check "block with addresses: no other type" gives sink.test TXT ''
ask sink.test TXT
check "which is no lame server's reply" has_text 'flags: qr rd ra'
ask here.test A -b 10.9.9.9
check "block if client: that client" has_answers 0
ask here.test A -b 127.0.0.1
check "block if client: not another" has_answers 1
ask www.cname.old A
check "rewrite: the question is the client's" has_text '^;www.cname.old\.'
check "rewrite: answers have the client's name" has_text '^www.cname.old\..*CNAME'
check "rewrite: the upstream was asked for the other name" grep -q 'cname.new 1' "$work/127.0.0.2.log"
ask www.google.com A
check "rewrite of Sentry's README" has_text '^www.google.com\..*IN.*A.*192.0.2.1$'
check "rewrite of Sentry's README: upstream" grep -q ' google.com 1' "$work/127.0.0.2.log"
ask shadowed.test A
check "a shadow rule changes nothing" has_answers 1
ask allowed.ads A
check "allow ends blocking" has_answers 1
ask other.ads A
check "what is not allowed stays blocked" has_answers 0
ask second.test A
check "the first resolve rule that matches answers" grep -q second.test "$work/127.0.0.3.log"
ask nobody.example A
check "no rule matches: REFUSED" has_status REFUSED
ask LOGGED.Com A
check "names are matched in any case" has_answers 1
check "a log rule writes Sentry's line" has_line rules.err 'logging query: LOGGED.Com. matched by rule: ^(.\*)logged with context'
check "a block rule writes Sentry's line" has_line rules.err 'blocking query: foo.xxx. matched by rule: ^(.\*).xxx with context'
check "a conditional block has its own" has_line rules.err 'conditionally blocking query: foo.txt.'
check "a shadow rule says what it would do" has_line rules.err 'shadow: blocking query: shadowed.test.'

ask a.com A +noedns
check "without EDNS there is none in the reply" grep -qv 'EDNS' "$work/dig"
ask a.com A +edns=1 +noednsnegotiation
check "EDNS 1 is BADVERS" has_status BADVERS
ask a.com A +opcode=UPDATE
check "another opcode is NOTIMP" has_status NOTIMP
ask foo.com AXFR
check "a zone transfer is refused" has_text 'Transfer failed'
ask foo.com TYPE250
check "so is what is asked of one server" has_status NOTIMP
ask foo.com ANY +notcp +ignore
check "ANY over UDP is truncated" has_text 'flags: qr tc rd ra'
ask foo.com ANY
check "and answered over TCP" has_status NOERROR
ask +tcp foo.xxx A
check "rules over TCP" has_answers 0
ask +tcp foo.com A
check "an upstream's answer over TCP" has_answers 1
ask +tcp +keepalive foo.com A
check "over TCP the idle time is told (RFC 7828)" has_text 'TCP KEEPALIVE: 10.0'
ask +dnssec foo.com A
check "DO is copied back" has_text 'flags: do'

adds_up rules "rules"
stop "$proxy_pid"
check "at the end Sentry's table is logged" has_line rules.err 'requests_total'
check "classes of rules are in it" has_line rules.err "<class 'sentry.rules.ConditionalBlockRule'>"
check "names are in it" has_line rules.err 'nytimes.com\.'
finish
