#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A thousand reloads one after the other while packets come, one in ten with a bad file, others with
# another number of workers, another port, another filter: no record is lost. One receiver judges
# from the first packet to the last. RELOADS shortens it.
. "$(dirname "$0")/lib.sh"
isolate

port=5300
reloads=${RELOADS:-1000}
count=600000
rate=50000
numbers_most=200000000
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

# Reloads as long as there are packets; counts those that ended as they should not.
reload_while() {
	until is_gone "$1" || [ "$reloaded" = "$reloads" ]; do
		reloaded=$((reloaded + 1))
		write_config $reloaded
		expected=$([ $((reloaded % 10)) = 1 ] && echo 1 || echo 0)
		"$BUILD/dnsflowctl" --socket "$socket" reload >/dev/null 2>>"$work/reload.err"
		[ $? = "$expected" ] || wrong=$((wrong + 1))
	done
}

play_round() {
	"$BUILD/bench/pcapgen" -n $count --numbered 1 --first $sent -o "$work/round.pcap" 2>/dev/null
	start blast "$BUILD/bench/blast" -i gen -r "$work/round.pcap" --rate $rate
	blast_pid=$pid
	reload_while "$blast_pid"
	wait "$blast_pid"
	sent=$((sent + count))
}

judge() {
	wait "$checker_pid"
	verdict=$?
	cat "$work/checker.out"
	[ $verdict = 0 ] && [ "$(value_of received checker.out)" = $sent ]
}

veth_pair gen cap
write_config 0
start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 10 --expect $numbers_most --prefix || finish
checker_pid=$pid
start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --config "$config" --control "$socket" || finish
dnsflow_pid=$pid
reloaded=0 wrong=0 sent=0
while [ $reloaded -lt "$reloads" ]; do
	play_round
done
check "each of $sent records once, and no sequence number is missing" judge
check "reloads that did not end as they should: $wrong of $reloaded" test $wrong = 0 || note <"$work/reload.err"
adds_up dnsflow "after $reloaded reloads"
check "ends with status 0" stop "$dnsflow_pid"
finish
