#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A thousand reloads one after the other while packets come, one in ten with a bad file, others with
# another number of workers, another port, another filter: no record is lost. RELOADS shortens it.
. "$(dirname "$0")/lib.sh"
isolate

port=5300
reloads=${RELOADS:-1000}
count=600000
rate=50000
config="$work/dnsflow.conf"
socket="$work/dnsflow.sock"

# The configuration of the n-th reload.
write_config() {
	case $(($1 % 10)) in
	1) echo "workers: many" ;;
	2) printf 'workers: 1\nport: [53, 5353]\n' ;;
	3) printf 'workers: 3\nchecksum-split: true\n' ;;
	4) printf 'workers: 2\nfilter: udp src port 53\n' ;;
	*) echo "workers: $((1 + $1 % 4))" ;;
	esac >"$config.new"
	mv "$config.new" "$config"
}

# Reloads as long as there are packets; counts those that ended as they should.
reload_while() {
	until is_gone "$1"; do
		done=$((done + 1))
		write_config $done
		expected=$([ $((done % 10)) = 1 ] && echo 1 || echo 0)
		"$BUILD/dnsflowctl" --socket "$socket" reload >/dev/null 2>"$work/reload.err"
		[ $? = "$expected" ] || wrong=$((wrong + 1))
	done
}

"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
write_config 0
start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --config "$config" --control "$socket" || finish
dnsflow_pid=$pid
done=0 wrong=0 lost=0 twice=0 gaps=0
while [ $done -lt "$reloads" ]; do
	start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 4 --expect $count || finish
	checker_pid=$pid
	start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate $rate
	blast_pid=$pid
	reload_while "$blast_pid"
	wait "$blast_pid"
	wait "$checker_pid"
	lost=$((lost + $(value_of missing checker.out)))
	twice=$((twice + $(value_of duplicate checker.out)))
	gaps=$((gaps + $(value_of sequence_gaps checker.out)))
done
check "$done reloads ended as they should, but $wrong" test $wrong = 0
check "records lost: $lost" test $lost = 0
check "records twice: $twice" test $twice = 0
check "sequence gaps: $gaps" test $gaps = 0
adds_up dnsflow "after $done reloads"
check "ends with status 0" stop "$dnsflow_pid"
finish
