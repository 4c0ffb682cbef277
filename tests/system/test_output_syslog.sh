#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The syslog output to a real rsyslogd, in both protocols over datagrams, streams and TLS, and raw to
# receivers of our own. What rsyslogd understands of each message is one line.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare rsyslogd openssl

# headers NAME: what rsyslogd found in front of the messages
headers() {
	sed 's/ *{.*//' "$work/$1" | sort -u
}

# bare NAME: the messages alone
bare() {
	sed 's/^[^{]*//' "$work/$1" >"$work/$1.json"
	echo "$work/$1.json"
}

make_authority
certificate tls collector.example 20200101000000Z 20990101000000Z
# Each input has its own file.
{
	cat <<-END
		global(workDirectory="$work" maxMessageSize="64k" localHostname="here")
		module(load="imudp") module(load="imtcp") module(load="imuxsock" SysSock.Use="off")
		template(name="all" type="string" string="%protocol-version% %pri% %hostname% %app-name% %procid% %msg%\n")
		input(type="imuxsock" Socket="$work/log" ruleset="unix" UseSpecialParser="off"
			ParseHostname="on" RateLimit.Interval="0")
		input(type="imuxsock" Socket="$work/oldlog" ruleset="oldunix" UseSpecialParser="off"
			ParseHostname="on" RateLimit.Interval="0")
		input(type="imudp" address="127.0.0.1" port="5141" ruleset="udp" rcvbufSize="8m")
		input(type="imudp" address="127.0.0.1" port="5142" ruleset="old" rcvbufSize="8m")
		input(type="imtcp" address="127.0.0.1" port="5143" ruleset="tcp")
		input(type="imtcp" address="127.0.0.1" port="5144" ruleset="oldtcp")
		input(type="imtcp" address="127.0.0.1" port="5147" ruleset="tls" streamDriver.name="ossl"
			streamDriver.mode="1" streamDriver.authMode="anon" streamDriver.CAFile="$work/ca.pem"
			streamDriver.CertFile="$work/tls.pem" streamDriver.KeyFile="$work/tls.key")
	END
	for name in unix oldunix udp old tcp oldtcp tls; do
		echo "ruleset(name=\"$name\") { action(type=\"omfile\" file=\"$work/$name\" template=\"all\") }"
	done
} >"$work/rsyslog.conf"
start rsyslogd rsyslogd -n -f "$work/rsyslog.conf" -i "$work/rsyslogd.pid"
rsyslogd_pid=$pid
wait_for 10 test -S "$work/log" || not_ok "rsyslogd runs"
start_ready 5 raw python3 tests/system/collector.py datagrams 5145 "$work/raw"
start_ready 5 octets python3 tests/system/collector.py octets 5146 "$work/octets"

log="type: syslog, format: json"
serve <<-END
	outputs:
	  - {$log, name: unix, transport: unix, address: $work/log, queue: 16, syslog: {hostname: sensor}}
	  - {$log, name: oldunix, transport: unix, address: $work/oldlog, queue: 16,
	     syslog: {hostname: sensor, protocol: rfc3164}}
	  - {$log, name: udp, address: "127.0.0.1:5141", syslog: {hostname: sensor}}
	  - {$log, name: old, address: "127.0.0.1:5142",
	     syslog: {hostname: sensor, protocol: rfc3164, facility: local3, severity: notice, app-name: dns}}
	  - {$log, name: tcp, address: "127.0.0.1:5143", transport: tcp,
	     syslog: {hostname: sensor, facility: local0, severity: debug}}
	  - {$log, name: oldtcp, address: "127.0.0.1:5144", transport: tcp, queue: 16,
	     syslog: {hostname: sensor, protocol: rfc3164}}
	  - {$log, name: tls, address: "127.0.0.1:5147", transport: tls, queue: 16,
	     tls: {ca-file: $work/ca.pem, server-name: collector.example}, syslog: {hostname: sensor}}
	  - {$log, name: raw, address: "127.0.0.1:5145", syslog: {hostname: sensor, protocol: raw}}
	  - {$log, name: octets, address: "127.0.0.1:5146", transport: tcp, syslog: {hostname: sensor, protocol: raw}}
END
dnsflow_child=$(aggregator)
send 10000 4000
for name in unix oldunix udp old tcp oldtcp tls raw octets; do
	check "$name: all is written" all_written $name
	wait_for 10 sh -c "[ \$(wc -l <$work/$name) = $sent ]"
done
for name in unix oldunix udp old tcp oldtcp tls; do
	holds "$name: each message is one line" "$sent" "$(bare $name)"
done
for name in raw octets; do
	holds "$name: each message is one record, and nothing else" --ordered "$sent" "$work/$name"
done
check "RFC 5424 over a unix socket" test "$(headers unix)" = "1 30 sensor dnsflow $dnsflow_child"
check "RFC 5424 over UDP" test "$(headers udp)" = "1 30 sensor dnsflow $dnsflow_child"
check "RFC 5424 over TCP" test "$(headers tcp)" = "1 135 sensor dnsflow $dnsflow_child"
check "RFC 3164 over UDP" test "$(headers old)" = "0 157 sensor dns -"
check "RFC 3164 over TCP" test "$(headers oldtcp)" = "0 30 sensor dnsflow -"
check "RFC 3164 over a unix socket: rsyslogd knows the host" test "$(headers oldunix)" = "0 30 here dnsflow -"
check "RFC 5424 over TLS" test "$(headers tls)" = "1 30 sensor dnsflow $dnsflow_child"
settled "syslog"
stop "$rsyslogd_pid"
finish
