# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# What benches share. Figures are medians of interleaved runs, as placement and neighbours move
# single ones.

. tests/system/lib.sh

runs=${RUNS:-7}
packets=1000000
long_packets=4000000
capture=$BUILD/bench/responses.pcap

# The capture that all benches use, made once.
make_capture() {
	[ -s "$capture" ] && return
	"$BUILD/bench/pcapgen" -n $packets -s 1 -o "$capture.part" 2>"$capture.txt" && mv "$capture.part" "$capture"
}

# A longer one, so that starting up weighs little.
make_long_capture() {
	capture=$BUILD/bench/responses-long.pcap
	[ -s "$capture" ] && return
	"$BUILD/bench/pcapgen" -n $long_packets -s 2 -o "$capture.part" >/dev/null 2>&1 && mv "$capture.part" "$capture"
}

# measured NAME COMMAND...: appends wall, user and system seconds to $work/NAME.runs; stops the
# bench when the command fails.
measured() {
	measured_name=$1
	shift
	"$BUILD/bench/measure" -o "$work/measure" "$@" >"$work/output" 2>&1 || {
		echo "bench: $measured_name failed: $*" >&2
		tail "$work/output" >&2
		exit 1
	}
	cat "$work/measure" >>"$work/$measured_name.runs"
}

# median NAME [COLUMN]
median() {
	awk -v column="${2:-1}" '{ print $column }' "$work/$1.runs" | sort -n |
		awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

# calculate FORMAT EXPRESSION
calculate() {
	awk "BEGIN { printf \"$1\\n\", $2 }"
}

# What follows is of benches that capture live: the listener on one core, the sender on another.
listener_cpu=0
sender_cpu=1
loops=2 # over the capture, in a run

# sent NAME: the sender's run, while the listener NAME (or none) listens; appends "packets/s, CPU us
# per packet" to NAME.sent.
send() {
	"$BUILD/bench/blast" -i gen -r "$capture" --loops $loops --cpu $sender_cpu >"$work/blast.out" || exit 1
	echo "$(value_of blast_packets_per_second blast.out) $(value_of blast_cpu_us_per_packet blast.out)" >>"$work/$1.sent.runs"
}

# cpu_ns PID: CPU time of a process and its children so far, as the scheduler has it.
cpu_ns() {
	for process in "$1" $(pgrep -P "$1"); do
		cat "/proc/$process/schedstat"
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# captured NAME SIGNAL READY COMMAND...: one run with a listener; appends "CPU us per captured packet, captured, drops". Counted
# from when it is ready: setting up a ring is no cost of a packet.
captured() {
	name=$1
	signal=$2
	ready=$3
	shift 3
	start "$name" taskset -c $listener_cpu "$@"
	wait_for 20 has_line "$name.err" "$ready" || {
		cat "$work/$name.err" >&2
		exit 1
	}
	sleep 0.2
	before=$(cpu_ns "$pid")
	send "$name"
	sleep 0.3
	after=$(cpu_ns "$pid")
	stop "$pid" "$signal" || exit 1
	received=$(sed -n 's/.*\(^\|[^0-9]\)\([0-9]\{1,\}\) packets captured$/\2/p' "$work/$name.err" | tail -n 1)
	dropped=$(sed -n 's/.*\(^\|[^0-9]\)\([0-9]\{1,\}\) packets dropped by kernel$/\2/p' "$work/$name.err" | tail -n 1)
	echo "$after $before ${received:-0} ${dropped:-0}" |
		awk '{ print ($1 - $2) / 1e3 / ($3 ? $3 : 1), $3, $4 }' >>"$work/$name.runs"
}
