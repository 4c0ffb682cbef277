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
