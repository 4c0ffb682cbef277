#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The web API of a running daemon: all that its OpenAPI file describes, with and without credentials,
# over HTTP and HTTPS, while packets are captured; none is lost because of who asks.
. "$(dirname "$0")/lib.sh"
"$BUILD/dnsflow" -h 2>/dev/null | grep -q -- --web || skip_all "this dnsflow has no web API"
isolate
need_program python3 curl openssl
python3 -c 'import yaml' 2>/dev/null || skip_all "needs the Python module yaml"

count=200000
rate=5000
login=admin:pass:word
echo secret >"$work/api.key"
echo pass:word >"$work/password"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
chmod 644 "$work"/*

# serve NAME LINE...: a daemon whose web section has these lines
serve() {
	serve_name=$1
	shift
	printf 'web:\n  listen: "127.0.0.1:8080"\n' >"$work/$serve_name.conf"
	[ $# = 0 ] || printf '  %s\n' "$@" >>"$work/$serve_name.conf"
	start_ready 20 "$serve_name" "$BUILD/dnsflow" --config "$work/$serve_name.conf" -i cap -u 192.0.2.1 \
		--control "$work/$serve_name.sock" || finish
	dnsflow_pid=$pid
	wait_for 5 curl -sk "$url/" || true
}

# described NAME OPTIONS
described() {
	# shellcheck disable=SC2086
	check "$1: as the OpenAPI file says" timeout 200 python3 tests/system/web.py "$url" \
		src/aggregator/web/openapi.yaml $2
}

"$BUILD/bench/pcapgen" -n "$count" -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap

url=http://127.0.0.1:8080
serve open
"$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate "$rate" >/dev/null &
described "without credentials" ""
wait $!
adds_up open "while the web was asked"
check "every packet is in the metrics" wait_for 5 sh -c "curl -s $url/metrics | awk '
	/^dnsflow_packets_read_total/ { sum += \$2 } END { exit sum != $count }'"
if command -v promtool >/dev/null 2>&1; then
	check "promtool accepts the metrics" sh -c "test -z \"\$(curl -s $url/metrics | promtool check metrics 2>&1)\""
else
	skip "promtool accepts the metrics" "needs the program promtool"
fi
curl -s -X DELETE "$url/reset"
check "a reset empties the counters" wait_for 5 sh -c "curl -s $url/counters | grep -q '\"response\":0[,}]'"
stop "$dnsflow_pid"

serve known "login: admin" "password-file: $work/password" "api-key-file: $work/api.key"
described "with credentials" "--key secret --login $login"
stop "$dnsflow_pid"

url=https://127.0.0.1:8080
serve secure "login: admin" "password-file: $work/password" "api-key-file: $work/api.key" \
	"certificate: $work/certificate.pem" "key: $work/key.pem"
described "over TLS" "--key secret --login $login --ca $work/certificate.pem"
stop "$dnsflow_pid"
finish
