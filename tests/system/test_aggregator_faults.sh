#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The aggregator as a process: what it may do and holds, an event that ends it each time (in a test
# build), and statistics that its death, and that of workers, leave as they are.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare curl

status_of() {
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$child/status"
}

# open_files: what its descriptors are, one of each kind
open_files() {
	find "/proc/$child/fd" -type l -exec readlink {} + |
		sed 's/:\[[0-9]*\]$//; s/ (deleted)$//' | sort -u | tr '\n' ' '
}

counter() {
	curl -s http://127.0.0.1:8080/counters | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"][sys.argv[1]])' "$1"
}

counts() {
	count=$(counter response)
	echo "$count responses of $1 to $2"
	[ "$count" -ge "$1" ] && [ "$count" -le "$2" ]
}

# serve_with WORKERS: and a new file
serve_with() {
	rm -f "$work/file"
	serve <<-END
		web: {listen: 8080}
		workers: $1
		outputs:
		  - {type: file, path: $work/file, format: json, queue: 16, spool: $work/spool, filter: {name-regex: "."}}
	END
}

serve_with 1
child=$(aggregator)
check "sandbox: the user is nobody" test "$(status_of Uid) $(status_of Gid)" = "65534 65534"
for set in CapInh CapPrm CapEff CapAmb; do
	check "sandbox: $set is empty" test "$(status_of $set)" = 0000000000000000
done
check "sandbox: no new privileges" test "$(status_of NoNewPrivs)" = 1
check "sandbox: seccomp filters" test "$(status_of Seccomp)" = 2
check "sandbox: no memory is writable and executable" sh -c "! grep ' .wx' /proc/$child/maps"
send 1000 1000
all_written file-1
memory=$(printf '/memfd:dnsflow-%s ' aggregator config events head queue stats streams tail watch)
files=$(printf "$work/%s " dnsflow.err dnsflow.out file spool)
check "sandbox: its descriptors are those that it was lent" test "$(open_files)" = \
	"/dev/null $memory$files""anon_inode:[eventpoll] pipe socket "
check "sandbox: two sockets, to the supervisor and of the web" test \
	"$(find "/proc/$child/fd" -lname 'socket:*' | wc -l)" = 2
settled "sandbox"

serve_with 1
start_sending 60000 10000
kill_while "$blast_pid" "$dnsflow_pid" 'role aggregator' 0.3
check "the aggregator is killed $kills times: /counters are exact" wait_for 10 counts "$sent" "$sent"
settled "the aggregator is killed"

serve_with 2
start_sending 60000 10000
kill_while "$blast_pid" "$dnsflow_pid" 'role worker' 0.3
check "workers are killed $kills times: each costs or adds one at most" wait_for 10 \
	counts $((sent - kills)) $((sent + kills))
check "workers are killed: often enough" test "$kills" -ge 10
settled "workers are killed"

serve_with 2
start_sending 40000 10000
resets=0
until is_gone "$blast_pid"; do
	curl -sf -o "$work/reset" -X DELETE http://127.0.0.1:8080/reset && resets=$((resets + 1))
	sleep 0.1
done
check "DELETE /reset $resets times under load: the last leaves less than all" wait_for 5 counts 0 $((sent / 4))
curl -s -X DELETE http://127.0.0.1:8080/reset
check "DELETE /reset: nothing is left" wait_for 5 counts 0 0
send 5000 20000
check "DELETE /reset: what comes then is counted" wait_for 5 counts 5000 5000

settled "resets"

# Each poisoned event ends aggregators until one that takes care leaves it out.
daemon="$BUILD-hooks/dnsflow"
if [ ! -x "$daemon" ]; then
	skip "events that end an aggregator" "needs $daemon"
	finish
fi
serve_with 1
"$BUILD/bench/pcapgen" -n 50000 --numbered 1 --poison event --every 10000 -o "$work/poison.pcap" 2>"$work/poison"
"$BUILD/bench/blast" -i gen -r "$work/poison.pcap" --rate 20000 >"$work/blast"
poisons=$(($(value_of blast_packets blast) - 50000))
sent=50000
check "poison: all others are written" all_written file-1
holds "poison: each other message is one line" --ordered "$sent" "$work/file"
check "poison: each of $poisons is counted" test \
	"$(ctl ledger | sed -n 's/.* \([0-9]*\) events_damaged.*/\1/p')" = "$poisons"
check "poison: they ended somebody" has_line dnsflow.err 'the aggregator died of signal 11'
sent=$((sent + poisons))
settled "poison"
finish
