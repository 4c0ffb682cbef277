# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# What tests of the proxy share, after lib.sh: servers to ask, the proxy, and clients.

# upstream ADDRESS: answers.py at port 53 there; what it was asked is in $work/ADDRESS.log.
upstream() {
	: >"$work/$1.log"
	start "upstream-$1" python3 tests/system/answers.py "$1" 53 "$work/$1.log"
	wait_for 10 has_line "upstream-$1.err" ready
}

# asked ADDRESS PATTERN: how many queries came there.
asked() {
	grep -c -- "$2" "$work/$1.log"
}

# proxy NAME RULES [OPTION...]: dnsflow on 127.0.0.1:53 and what OPTIONs say, with these rules.
proxy() {
	proxy_name=$1
	printf '%s\n' "$2" >"$work/$1.rules"
	shift 2
	start_ready 10 "$proxy_name" "$BUILD/dnsflow" --proxy.listen 127.0.0.1:53 --rules "$work/$proxy_name.rules" \
		--control "$work/$proxy_name.sock" "$@"
	proxy_pid=$pid
}

# ask NAME [TYPE] [OPTION...]: dig without waiting long, its output in $work/dig.
ask() {
	dig +tries=1 +time=5 @127.0.0.1 "$@" >"$work/dig" 2>&1
}

# answers COUNT, status NAME: of the last ask.
has_answers() {
	grep -q "ANSWER: $1," "$work/dig" || {
		cat "$work/dig"
		return 1
	}
}

has_status() {
	grep -q "status: $1," "$work/dig" || {
		cat "$work/dig"
		return 1
	}
}

has_text() {
	grep -q -- "$1" "$work/dig" || {
		cat "$work/dig"
		return 1
	}
}

# no_answer NAME [TYPE] [OPTION...]: nothing comes back within a second.
no_answer() {
	! dig +tries=1 +time=1 @127.0.0.1 "$@" >"$work/dig" 2>&1 && grep -qE 'timed out|no servers' "$work/dig"
}

# gives NAME TYPE DATA...: the short answer.
gives() {
	gives_name=$1
	gives_type=$2
	shift 2
	[ "$(dig +short +tries=1 +time=5 @127.0.0.1 "$gives_name" "$gives_type")" = "$*" ]
}

# counted NAME COUNTER VALUE: in the statistics of a run.
counted() {
	"$BUILD/dnsflowctl" --socket "$work/$1.sock" stats >"$work/$1.stats"
	grep "^$2 " "$work/$1.stats"
	[ "$(value_of "$2" "$1.stats")" = "$3" ]
}
