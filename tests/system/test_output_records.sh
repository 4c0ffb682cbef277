#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Outputs that write no lines of events: dnsflow records over UDP, which are those of --destination,
# and the line of counters.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare jq

# sets NAME: the records that one dnsflow-read got, without what a datagram tells of its sender
sets() {
	jq -c 'select(.type == "set") | del(.time, .exporter, .exporter_port, .sequence)' "$work/$1.out" | sort
}

# lost NAME: datagrams that it missed
lost() {
	jq 'select(.type == "summary") | .exporters[].seq_lost' "$work/$1.out"
}

for reader in "worker 5301" "output 5302"; do
	start "${reader% *}" "$BUILD/dnsflow-read" --json --listen "127.0.0.1:${reader#* }"
	wait_for 5 has_line "${reader% *}.err" 'listening on'
	eval "${reader% *}_pid=$pid"
done
serve -u 127.0.0.1:5301 <<-END
	outputs:
	  - {type: records, address: "127.0.0.1:5302"}
END
"$BUILD/bench/pcapgen" -n 20000 -o "$work/mixed.pcap" 2>"$work/mixed"
"$BUILD/bench/blast" -i gen -r "$work/mixed.pcap" --rate 5000 >/dev/null
sent=20000
recorded=$(awk '$1 == "pcapgen_records" { print $2 }' "$work/mixed")
check "records: all are written" wait_for 10 has_part records-1 written "$recorded"
check "records: all others are left out" test "$(part records-1 filtered)" = $((sent - recorded))
sleep 1 # what is open is sent at the next tick
settled "records"
# shellcheck disable=SC2154
stop "$worker_pid" INT
# shellcheck disable=SC2154
stop "$output_pid" INT
check "records: none is lost on the way" test "$(lost worker) $(lost output)" = "0 0"
sets worker >"$work/worker.sets"
sets output >"$work/output.sets"
check "records: there are $recorded" test "$(wc -l <"$work/worker.sets")" = "$recorded"
check "records: they are those of --destination" cmp "$work/worker.sets" "$work/output.sets"

line='^20[0-9-]\{8\} [0-9:]\{8\},[0-9]\{3\}'
for name in QUERIES QPS DOMAINS CLIENTS INET INET6 UDP TCP NOERROR NXDOMAINS A AAAA; do
	line="$line [0-9]* $name,"
done
line="${line%,}\$"

# values FILE: NOERROR of each line
values() {
	sed 's/.* \([0-9]*\) NOERROR.*/\1/' "$1"
}

serve <<-END
	outputs:
	  - {type: metrics, interval: 1}
	  - {type: metrics, interval: 1, path: $work/metrics}
END
send 20000 5000
sleep 2.2
check "metrics: a line a second" test "$(wc -l <"$work/metrics")" -ge 5 -a "$(wc -l <"$work/metrics")" -le 8
check "metrics: of this form" test "$(grep -vc "$line" "$work/metrics")" = 0
check "metrics: count on" sh -c "sort -nc" <<-END
	$(values "$work/metrics")
END
check "metrics: have all" test "$(values "$work/metrics" | tail -n 1)" = "$sent"
check "metrics: also on standard output" test "$(tail -n 1 "$work/dnsflow.out" | cut -d ' ' -f 3-)" = \
	"$(tail -n 1 "$work/metrics" | cut -d ' ' -f 3-)"
settled "metrics"

serve <<-END
	outputs:
	  - {type: metrics, interval: 1, path: $work/parts, cumulative: false}
END
send 20000 5000
sleep 2.2
total=$(values "$work/parts" | awk '{ sum += $1 } END { print sum }')
check "metrics: $total of $sent are in lines of their own; what comes while one is made may be lost" \
	test "$total" -gt 19000 -a "$total" -le "$sent"
check "metrics: the last is of nothing" test "$(values "$work/parts" | tail -n 1)" = 0
settled "metrics anew"
finish
