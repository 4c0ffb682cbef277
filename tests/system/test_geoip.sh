#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A GeoIP database that is replaced while packets are captured: its successor is used, one that is damaged or gone is told, and
# leaves the old one in force.
. "$(dirname "$0")/lib.sh"
isolate
need_program python3
database=${DNSFLOW_SHARED:-../shared}/data/city-test.mmdb
[ -e "$database" ] || skip_all "needs $database"

# put PYTHON: a new file takes the database's place; data is what the old one was.
put() {
	python3 -c "data = open('$database', 'rb').read(); open('$work/next', 'wb').write($1)" && mv "$work/next" "$work/city.mmdb"
}

# tells CITY: the city of a client of which a message comes now
tells() {
	: >"$work/cities"
	"$BUILD/bench/blast" -i gen -r "$work/events.pcap" >/dev/null 2>&1
	wait_for 5 test -s "$work/cities" && sleep 0.3 && grep -q "^$1\$" "$work/cities"
}

veth_pair gen cap
"$BUILD/tests/golden/make_events" "$work/events.pcap"
put data
start_ready 20 dnsflow "$BUILD/dnsflow" -i cap --control "$work/dnsflow.sock" --geoip.city-database "$work/city.mmdb" \
	--web.listen 127.0.0.1:8080 \
	--output "file,path=$work/cities,fields=city,filter.client=81.2.69.142" || finish
check "cities are told" wait_for 15 tells London
# the city of that client in the table of clients
place() {
	curl -s "http://127.0.0.1:8080/tables?n=1000" | python3 -c '
import json, sys
clients = json.load(sys.stdin)["tables"]["clients"]
listed = {item[0] for name in ("hit/ip", "length/ip") for item in clients[name]}
assert clients["places"].keys() == listed - {"-"}, (clients["places"].keys(), listed)
print(clients["places"]["81.2.69.142"])'
}
sleep 1 # what /tables says may be as old as that
check "and in the table of clients" test "$(place)" = \
	"{'country': 'United Kingdom', 'city': 'London', 'as-number': None, 'as-name': '-'}"
put 'data.replace(b"London", b"Camden")'
check "those of the database that took its place" wait_for 25 tells Camden
put 'data[:3000]'
check "a damaged one is told" wait_for 25 has_line dnsflow.err 'geoip.city-database cannot be used'
check "and the old one stays" tells Camden
rm "$work/city.mmdb"
sleep 11
check "also when there is none" tells Camden
put data
check "until there is a sound one again" wait_for 25 tells London
adds_up dnsflow "after all of it"
check "it ends with status 0" stop "$pid"
finish
