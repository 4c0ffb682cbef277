#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Real servers behind the proxy, unbound and knotd, with zones of all that a zone can have, signed and
# not: what comes through it equals what they say. QUESTIONS are asked of unbound, and as many of
# knotd; SEED draws others.
. "$(dirname "$0")/lib.sh"
isolate
need_program dig python3 unbound knotd keymgr
. tests/system/proxy.sh

questions=${QUESTIONS:-10000}
seed=${SEED:-1}
unbound=127.0.0.2
knot=127.0.0.3

write_knot_conf() {
	cat <<-END
		server:
		    rundir: $work/knot
		    listen: $knot@53
		database:
		    storage: $work/knot
		log:
		  - target: stderr
		    any: info
		policy:
		  - id: nsec
		    algorithm: ecdsap256sha256
		    single-type-signing: on
		template:
		  - id: default
		    storage: $work
		    file: %s.zone
		    zonefile-sync: -1
		zone:
		  - domain: plain.example
		  - domain: secure.example
		    dnssec-signing: on
		    dnssec-policy: nsec
		  - domain: bogus.example
		    dnssec-signing: on
		    dnssec-policy: nsec
	END
}

write_unbound_conf() {
	cat <<-END
		server:
		    interface: $unbound
		    access-control: 127.0.0.0/8 allow
		    do-daemonize: no
		    username: ""
		    chroot: ""
		    directory: "$work"
		    pidfile: ""
		    use-syslog: no
		    do-not-query-localhost: no
		    module-config: "validator iterator"
		    trust-anchor-file: "$work/anchors"
		    aggressive-nsec: no
		    ede: yes
		    harden-below-nxdomain: no
		    max-udp-size: 1232
		    local-zone: "refused.example." refuse
		    local-zone: "local.example." static
		    local-data: "local.example. A 192.0.2.99"
		    local-data: "www.local.example. CNAME local.example."
		    local-data: "text.local.example. TXT hello"
	END
	for zone in plain secure bogus; do
		printf 'stub-zone:\n    name: "%s.example."\n    stub-addr: %s\n' $zone $knot
	done
	printf 'remote-control:\n    control-enable: no\n'
}

write_anchors() {
	keymgr -c "$work/knot.conf" secure.example. ds
	echo 'bogus.example. DS 4711 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'
}

serves() {
	dig +short +tries=1 +time=1 @$knot secure.example SOA +dnssec | grep -q '^SOA 13'
}

# equal SERVER: asked directly and through the proxy
equal() {
	timeout 120 python3 tests/system/differential.py "$1" 127.0.0.1 "$work/names" "$questions" "$seed"
}

python3 tests/system/zones.py "$work"
for name in local.example www.local.example text.local.example none.local.example a.refused.example; do
	echo $name
done >>"$work/names"
mkdir "$work/knot"
write_knot_conf >"$work/knot.conf"
start knotd knotd -c "$work/knot.conf"
wait_for 10 serves || { not_ok "knotd serves its zones" && note <"$work/knotd.err" && finish; }
write_anchors >"$work/anchors"
write_unbound_conf >"$work/unbound.conf"
start unbound unbound -c "$work/unbound.conf" -p
wait_for 10 has_line unbound.err 'start of service' || { note <"$work/unbound.err" && finish; }

proxy recursive "resolve ^(.*) using $unbound" || exit 1
ask www.secure.example A
check "unbound: a signed answer is authentic" has_text 'flags: qr rd ra ad'
ask www.secure.example A +dnssec +noad
check "DO brings signatures" has_text 'RRSIG'
ask nowhere.secure.example A +dnssec
check "and proofs that a name is not there" has_text 'NSEC'
ask www.bogus.example A
check "what is bogus is SERVFAIL" has_status SERVFAIL
ask www.bogus.example A +cd
check "unless checking is disabled" has_answers 2
ask chain1.plain.example A
check "a chain over two zones" has_text '192.0.2.44$'
ask text9000.plain.example TXT
check "a text of 9000 octets comes over TCP" has_text 'retrying in TCP'
check "whole" has_answers 1
check "unbound: $questions questions, directly and through the proxy, no answer differs" equal $unbound
note <"$work/check"
adds_up recursive unbound
stop "$proxy_pid"

proxy authority "resolve ^(.*) using $knot" || exit 1
check "knotd: $questions questions, directly and through the proxy, no answer differs" equal $knot
note <"$work/check"
adds_up authority knotd
stop "$proxy_pid"
finish
