# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# What tests and benches share: TAP, private namespaces, processes in the background. A test sources
# it first, which takes it to the top of the project, then calls isolate (root; namespaces of its
# own for network, mounts and processes, which all end with it) or scratch (a folder alone), and
# ends with finish. Nothing is left behind, however it ends.

self=$(realpath "$0")
cd "$(dirname "$self")" || exit 1
until [ -e Makefile ]; do
	cd .. || exit 1
done
BUILD=${BUILD:-build}
tests_run=0
tests_failed=0
started=
pid=
work=

ok() {
	tests_run=$((tests_run + 1))
	echo "ok $tests_run - $1"
}

not_ok() {
	tests_run=$((tests_run + 1))
	tests_failed=$((tests_failed + 1))
	echo "not ok $tests_run - $1"
}

skip() {
	tests_run=$((tests_run + 1))
	echo "ok $tests_run - $1 # SKIP $2"
}

note() {
	sed 's/^/# /'
}

# check NAME COMMAND...: shows what the command says when it fails.
check() {
	check_name=$1
	shift
	if "$@" >"$work/check" 2>&1; then
		ok "$check_name"
	else
		not_ok "$check_name"
		note <"$work/check"
		return 1
	fi
}

# Every run of dnsflow that the test started and that came to its end has checked its ledger.
finish() {
	for finish_log in "$work"/*.err; do
		if [ -e "$finish_log" ] && grep -q 'does not add up' "$finish_log"; then
			not_ok "the ledger of $(basename "$finish_log" .err) adds up"
			note <"$finish_log"
		fi
	done
	echo "1..$tests_run"
	[ "$tests_failed" = 0 ]
	exit
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 77
}

need_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

need_program() {
	for program; do
		command -v "$program" >/dev/null 2>&1 || skip_all "needs the program $program"
	done
}

# Starts the test once more inside new namespaces. The folder for its files is readable for
# unprivileged processes.
isolate() {
	if [ -z "${ISOLATED:-}" ]; then
		need_root
		need_program unshare ip mount
		unshare --net --mount --pid --fork --mount-proc true 2>/dev/null ||
			skip_all "namespaces are not permitted"
		ISOLATED=1 unshare --net --mount --pid --fork --kill-child --mount-proc sh "$self" &
		# unshare takes no TERM, and all that runs inside ends with it.
		# shellcheck disable=SC2064
		trap "kill -KILL $!" HUP INT TERM
		wait $!
		exit
	fi
	work=/run/work
	{ mount -t tmpfs none /run && mkdir /run/netns $work && ip link set lo up; } ||
		skip_all "namespaces cannot be set up"
}

scratch() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/dnsflow-test.XXXXXX") || exit 1
	chmod 755 "$work"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
}

# veth_pair ONE OTHER: both up and without addresses of their own, so that nothing but the test
# sends.
veth_pair() {
	ip link add "$1" type veth peer name "$2" &&
		ip link set "$1" addrgenmode none up && ip link set "$2" addrgenmode none up
}

# refused PROGRAM NAME PATTERN ARGUMENT...: status 1, exactly one line on standard error, which
# matches, and nothing on standard output.
refused() {
	refused_program=$1 refused_name=$2 refused_pattern=$3
	shift 3
	"$refused_program" "$@" >"$work/out" 2>"$work/err" </dev/null
	refused_status=$?
	if [ $refused_status = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ] &&
		grep -q -- "$refused_pattern" "$work/err"; then
		ok "$refused_name"
	else
		not_ok "$refused_name (status $refused_status)"
		note <"$work/err"
	fi
}

# start NAME COMMAND...: in the background, its output in $work/NAME.out and $work/NAME.err, its
# process id in $pid.
start() {
	start_name=$1
	shift
	: >"$work/$start_name.err" # lines of a run before must not be taken for those of this one
	"$@" >"$work/$start_name.out" 2>"$work/$start_name.err" &
	pid=$!
	started="$started $pid"
}

# Ends what a failed case left running.
kill_started() {
	for started_pid in $started; do
		kill -KILL "$started_pid" 2>/dev/null && wait "$started_pid"
	done 2>/dev/null
	started=
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	wait_end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le "$wait_end" ] || return 1
		sleep 0.05
	done
}

has_line() {
	grep -q -- "$2" "$work/$1"
}

# start_ready SECONDS NAME COMMAND...: until it says that it is ready.
start_ready() {
	ready_seconds=$1
	ready_name=$2
	shift
	start "$@"
	wait_for "$ready_seconds" has_line "$ready_name.err" 'ready$' || {
		not_ok "$ready_name is ready"
		note <"$work/$ready_name.err"
		return 1
	}
}

# The ledger of the run that was started with --control "$work/NAME.sock", once all that it was sent
# has gone its way: ledger NAME, and as a case of a test adds_up NAME TITLE.
ledger() {
	"$BUILD/dnsflowctl" --socket "$work/$1.sock" ledger --wait
}

adds_up() {
	check "$2: the ledger adds up" ledger "$1"
}

# agrees NAME PACKETS: that run counted as many packets as the generator, and as many records and
# datagrams as the receiver (checker.out).
agrees() {
	"$BUILD/dnsflowctl" --socket "$work/$1.sock" stats >"$work/$1.stats" || return
	grep -E '^(kernel_packets|messages_recorded|datagrams_(data|stats)) ' "$work/$1.stats"
	cat "$work/checker.out"
	[ "$(value_of kernel_packets "$1.stats")" = "$2" ] &&
		[ "$(value_of messages_recorded "$1.stats")" = "$(value_of received checker.out)" ] &&
		[ "$(value_of datagrams_data "$1.stats")" = "$(value_of datagrams checker.out)" ]
}

# judge BLAST_PID CHECKER_PID: when all is sent, what the checker says.
judge() {
	wait "$1"
	wait "$2"
	judge_verdict=$?
	cat "$work/checker.out"
	return "$judge_verdict"
}

# Also true for a process that nobody has waited for yet.
is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# kill_while PID SUPERVISOR PATTERN PAUSE: kills one child after the other that matches until PID is
# gone; counts $kills
kill_while() {
	kills=0
	until is_gone "$1"; do
		for child in $(pgrep -P "$2" -f "$3"); do
			kill -KILL "$child" 2>/dev/null && kills=$((kills + 1))
			sleep "$4"
		done
	done
}

# stop PID [SIGNAL]: returns its exit status, or 124 when it had to be killed.
stop() {
	kill "-${2:-TERM}" "$1" 2>/dev/null
	if wait_for 10 is_gone "$1"; then
		wait "$1"
	else
		kill -KILL "$1"
		return 124
	fi
}

# value_of NAME FILE: from lines of "name value".
value_of() {
	awk -v name="$1" '$1 == name { print $2; exit }' "$work/$2"
}
