# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# What tests of outputs share, sourced after lib.sh: a daemon that reads numbered messages from an
# interface, and judges of what its outputs made of them. A test calls prepare first.

sent=0 # messages until now, and the number of the next one

prepare() {
	isolate
	need_program python3 pgrep "$@"
	veth_pair gen cap
}

ctl() {
	"$BUILD/dnsflowctl" --socket "$work/dnsflow.sock" "$@"
}

# configure: the configuration, from standard input
configure() {
	cat >"$work/dnsflow.conf.new" && mv "$work/dnsflow.conf.new" "$work/dnsflow.conf"
}

# serve ARGUMENT...: a daemon (the program $daemon) with the configuration of standard input
serve() {
	configure
	sent=0
	start_ready 20 dnsflow "${daemon:-$BUILD/dnsflow}" --config "$work/dnsflow.conf" -i cap \
		--control "$work/dnsflow.sock" "$@" || finish
	dnsflow_pid=$pid
}

# start_sending COUNT RATE: so many more messages, in the background; its process is $blast_pid
start_sending() {
	"$BUILD/bench/pcapgen" -n "$1" --numbered 1 --first "$sent" -o "$work/round.pcap" 2>/dev/null
	sent=$((sent + $1))
	start blast "$BUILD/bench/blast" -i gen -r "$work/round.pcap" --rate "$2"
	blast_pid=$pid
}

send() {
	start_sending "$@"
	wait "$blast_pid"
}

aggregator() {
	pgrep -P "$dnsflow_pid" -f 'role aggregator'
}

# part OUTPUT NAME: of the output's line of the ledger
part() {
	ctl ledger | awk -v output="$1" -v name="$2" '$1 == "output" && $2 == output {
		for (i = 3; i <= NF; i++) {
			sub(",", "", $i)
			if ($i == name)
				value = $(i - 1)
		} } END { print value + 0 }'
}

# has_part OUTPUT NAME VALUE: also as a condition to wait for
has_part() {
	[ "$(part "$1" "$2")" = "$3" ]
}

# all_written OUTPUT: within 30 s
all_written() {
	wait_for 30 has_part "$1" written "$sent"
}

# holds TITLE JUDGE_ARGUMENT...: what numbers.py says of all messages that were sent
holds() {
	holds_title=$1
	shift
	check "$holds_title" python3 tests/system/numbers.py "$@"
}

captured_all() {
	ctl stats >"$work/stats"
	grep -E '^(packets_read|kernel_drops) ' "$work/stats"
	[ "$(value_of packets_read stats)" = "$sent" ] && [ -z "$(value_of kernel_drops stats)" ]
}

# settled TITLE: how each case ends
settled() {
	adds_up dnsflow "$1"
	check "$1: capture loses nothing" wait_for 5 captured_all
	check "$1: ends with status 0" stop "$dnsflow_pid"
}

# make_authority: $work/ca.pem
make_authority() {
	cat >"$work/ca.conf" <<-END
		[ca]
		default_ca = own
		[own]
		database = $work/ca.index
		new_certs_dir = $work
		rand_serial = yes
		default_md = sha256
		policy = any
		[any]
		commonName = supplied
	END
	: >"$work/ca.index"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
		-keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
}

# certificate NAME SUBJECT_NAME FIRST_DAY LAST_DAY: of the authority
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout "$work/$1.key" -out "$work/$1.req" &&
		printf 'subjectAltName=DNS:%s\n' "$2" >"$work/$1.names" &&
		openssl ca -batch -config "$work/ca.conf" -cert "$work/ca.pem" -keyfile "$work/ca.key" -notext \
			-startdate "$3" -enddate "$4" -extfile "$work/$1.names" -in "$work/$1.req" -out "$work/$1.pem"
} 2>/dev/null
