#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Storms over a live capture by two workers at 200,000 packets/s, three minutes each and about one
# blow a second: SIGKILL of a random worker that has packets to read; SIGHUP, with other numbers of
# workers; SIGUSR2. Not one record is lost or comes twice, and no sequence number is missing. One receiver
# judges a storm from its first packet to its last. Prints `name value unit` lines beside the TAP.
# SECONDS_PER_STORM shortens it, RATE slows it, STORMS chooses.
# shellcheck disable=SC2317 # the blows are called by name
. "$(dirname "$0")/lib.sh"
isolate

port=5300
rate=${RATE:-200000}
seconds=${SECONDS_PER_STORM:-180}
storms=${STORMS:-kill reload upgrade}
seconds_per_round=10
count=$((rate * seconds_per_round))
rounds=$(((seconds + seconds_per_round - 1) / seconds_per_round))
config="$work/dnsflow.conf"

configure() {
	echo "workers: $1" >"$config.new"
	mv "$config.new" "$config"
}

# A blow_* goes on for about one round. It prints a line for each blow: milliseconds until dnsflow
# was whole again.

# Until the successor's first commit.
blow_kill() {
	"$BUILD/tests/system/killer" "$dnsflow_pid" $seconds_per_round 1000
}

# signalled SIGNAL WORD: until the log ends a line in the word.
signalled() {
	"$BUILD/tests/system/signaller" "$dnsflow_pid" "$1" "$work/dnsflow.err" "$2"
}

# Until all workers are replaced, and those that are not wanted any more have read their rings.
blow_reload() {
	for workers in 1 2 3 4 1 4 2 2 3 2; do
		configure $workers
		signalled HUP reloaded || return
		sleep 0.8
	done
}

# Until the next program has replaced all workers, and read the configuration again.
blow_upgrade() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		signalled USR2 reloaded || return
		sleep 0.8
	done
}

# Packets of numbers that no other round has.
play_round() {
	"$BUILD/bench/pcapgen" -n "$count" --numbered 1 --first $(($2 * count)) -o "$work/round.pcap" 2>/dev/null
	start blast "$BUILD/bench/blast" -i gen -r "$work/round.pcap" --rate "$rate"
	blast_pid=$pid
	"blow_$1" >>"$work/blows" 2>>"$work/blows.err"
	wait "$blast_pid"
	value_of blast_packets_per_second blast.out >>"$work/rates"
}

# quantile PART FILE: of a number per line
quantile() {
	sort -n "$2" | awk -v part="$1" '{ value[NR] = $1 }
		END { at = int(part * NR + 0.999999); print NR ? value[at < 1 ? 1 : at] : 0 }'
}

print_figures() {
	blows=$(wc -l <"$work/blows")
	lost=$(value_of missing checker.out)
	duplicates=$(value_of duplicate checker.out)
	gaps=$(value_of sequence_gaps checker.out)
	echo "$1_kills $blows $1s"
	echo "$1_packets_per_second $(quantile 0 "$work/rates") packets/s"
	echo "$1_lost $lost records"
	echo "$1_duplicates $duplicates records"
	echo "$1_gaps $gaps datagrams"
	echo "$1_restart_p50_ms $(quantile 0.5 "$work/blows") ms"
	echo "$1_restart_p99_ms $(quantile 0.99 "$work/blows") ms"
}

judge() {
	wait "$checker_pid"
	verdict=$?
	cat "$work/checker.out"
	grep -v 'died of signal\|reload: workers\|reloaded$' "$work/dnsflow.err"
	return "$verdict"
}

# storm NAME
storm() {
	kill_started
	: >"$work/blows"
	: >"$work/rates"
	configure 2
	start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 30 --settle 2 \
		--expect $((rounds * count)) || return
	checker_pid=$pid
	start_ready 20 dnsflow "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --config "$config" --checksum-split \
		--control "$work/dnsflow.sock" --ring-size 256 || return
	dnsflow_pid=$pid
	round=0
	while [ $round -lt $rounds ]; do
		play_round "$1" $round
		round=$((round + 1))
	done
	check "$1: each of $((rounds * count)) records once, and no sequence number is missing" judge
	print_figures "$1"
	check "$1: there were enough blows" test "$blows" -ge $((rounds * 9))
	adds_up dnsflow "$1"
	check "$1: ends with status 0" stop "$dnsflow_pid"
	note <"$work/blows.err"
}

veth_pair gen cap
for storm in $storms; do
	storm "$storm"
done
finish
