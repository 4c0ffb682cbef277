#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# dnsflowctl and a real daemon: every command as text and as JSON, who may use it, the path of the
# socket, and peers that do not behave, while packets are captured.
. "$(dirname "$0")/lib.sh"
isolate
need_program python3 setpriv prlimit pgrep

port=5300
count=600000
rate=20000
checker="$BUILD/tests/system/checker"
socket="$work/dnsflow.sock"
other=12345
user=daemon
group=$(id -g $user)
# Where other users can reach it.
cp "$BUILD/dnsflowctl" "$work/dnsflowctl"

ctl() {
	"$work/dnsflowctl" --socket "$socket" "$@"
}

# ctl_as SETPRIV_ARGUMENTS COMMAND...
ctl_as() {
	as=$1
	shift
	# shellcheck disable=SC2086
	setpriv --reuid=$other $as "$work/dnsflowctl" --socket "$socket" "$@"
}

# exits STATUS PATTERN COMMAND...: the status, and a line on standard error
exits() {
	exits_status=$1
	exits_pattern=$2
	shift 2
	"$@" 2>"$work/exits"
	exits_is=$?
	cat "$work/exits"
	[ $exits_is = "$exits_status" ] && grep -q -- "$exits_pattern" "$work/exits"
}

# prints PATTERN COMMAND...
prints() {
	prints_pattern=$1
	shift
	"$@" >"$work/prints" || return
	cat "$work/prints"
	grep -q -- "$prints_pattern" "$work/prints"
}

# json EXPRESSION COMMAND...: of the reply, as r
json() {
	json_expression=$1
	shift
	ctl --json "$@" | python3 -c "import json, sys
r = json.load(sys.stdin)
print(r)
sys.exit(not ($json_expression))"
}

peers() {
	python3 tests/system/control.py "$socket" "$1"
}

# start_dnsflow NAME ARGUMENT...
start_dnsflow() {
	name=$1
	shift
	start_ready 20 "$name" "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --user $user "$@" || finish
}

count_fds() {
	find "/proc/$dnsflow_pid/fd" -mindepth 1 | wc -l
}

has_fds() {
	[ "$(count_fds)" = "$1" ]
}

# ticks: of CPU that the supervisor has used
ticks() {
	awk '{ print $14 + $15 }' "/proc/$dnsflow_pid/stat"
}

is_socket() {
	[ "$(stat -c '%a %U %g %F' "$1")" = "660 root $group socket" ]
}

commands_test() {
	check "status" prints '^ *1  working ' ctl status
	check "status as JSON" json 'r["phase"] == "running" and r["interface"] == "cap" and
		r["pid"] == '"$dnsflow_pid"' and r["split"] == "destination" and r["reload"] == "none" and
		len(r["workers"]) == 2 and all(w["state"] == "working" and w["pid"] for w in r["workers"]) and
		r["largest_share_percent"] >= 100 and not r["matches_pairs"]' status
	check "stats" prints '^messages_recorded .*messages that became a record' ctl stats
	check "stats as JSON" json 'all(c["total"] == sum(c["workers"]) and c["help"] for c in r["counters"]
		if c["name"] != "interface_drops") and
		any(c["name"] == "packets_read" and c["total"] > 0 for c in r["counters"]) and
		any(c["name"] == "kernel_packets" and c["total"] > 0 for c in r["counters"])' stats
	check "ledger" prints '^messages .* messages_recorded' sh -c "'$work/dnsflowctl' --socket '$socket' ledger; true"
	check "ledger as JSON" json 'len(r["workers"]) == 2 and [l["stage"] for l in r["lines"]][0] == "ring" and
		all(l["whole"]["value"] - sum(p["value"] for p in l["parts"]) == l["missing"]
		for l in r["lines"] + r["workers"][0]["lines"])' ledger
	check "quarantine" prints "^$work/quarantine.pcap: 0 bytes" ctl quarantine
	check "quarantine as JSON" json 'r["path"].endswith("quarantine.pcap") and r["packets"] == 0' quarantine
	check "log: nothing is logged below a level" sh -c "'$work/dnsflowctl' --socket '$socket' log error &&
		kill -USR1 $dnsflow_pid && sleep 0.3 && ! grep -q 'packets captured' '$work/dnsflow.err'"
	check "log: and again from it on" sh -c "'$work/dnsflowctl' --socket '$socket' log info &&
		kill -USR1 $dnsflow_pid && sleep 0.3 && grep -q 'packets captured' '$work/dnsflow.err'"
	check "-h" prints '^  quarantine ' ctl -h
	check "--version" prints '^jansson ' ctl --version
	check "wrong usage has status 2" exits 2 'unknown command' ctl nonsense
	check "no daemon has status 3" exits 3 'No such file' "$work/dnsflowctl" --socket "$work/none" status
	check "a reply that cannot be printed has status 1" exits 1 'cannot be printed' \
		sh -c "'$work/dnsflowctl' --socket '$socket' status >/dev/full"
}

reload_test() {
	printf 'workers: 3\nquarantine: %s\n' "$work/quarantine.pcap" >"$work/conf"
	check "reload" ctl reload
	check "reload: it is in force when the command ends" json 'len(r["workers"]) == 3 and
		all(w["state"] == "working" for w in r["workers"])' status
	printf 'workers: 99\n' >"$work/conf"
	check "reload of a bad configuration: status 1 and why" exits 1 'conf:1:10: workers: 99 is not a number' ctl reload
	check "reload of a bad configuration, as JSON" sh -c "! '$work/dnsflowctl' --socket '$socket' --json reload >'$work/reload' &&
		grep -q '{\"error\":\".*workers: 99' '$work/reload'"
	printf 'workers: 2\nquarantine: %s\n' "$work/quarantine.pcap" >"$work/conf"
	: >"$work/dnsflow.err"
	check "reload without waiting for the end" peers leave
	check "reload without waiting for the end: it goes on" wait_for 10 has_line dnsflow.err reloaded
	check "a worker that was taken away stays listed" json '[w["state"] for w in r["workers"]] ==
		["working", "working", "gone"]' status
}

rights_test() {
	check "the socket is for root and the workers' group" is_socket "$socket"
	check "another user does not reach it" exits 3 'Permission denied' ctl_as "--regid=$other --clear-groups" status
	chmod 666 "$socket"
	check "another user who does is refused" exits 1 "only root and the socket's group" \
		ctl_as "--regid=$other --clear-groups" status
	chmod 660 "$socket"
	for groups in "--regid=$group --clear-groups" "--regid=$other --groups=$group"; do
		for command in status stats ledger quarantine; do
			check "a member ($groups) may see $command" sh -c "setpriv --reuid=$other $groups \
				'$work/dnsflowctl' --socket '$socket' --json $command | grep -v '^{\"error\":'"
		done
		for command in reload upgrade "log debug"; do
			# shellcheck disable=SC2086
			check "a member ($groups) may not $command" exits 1 'only root' ctl_as "$groups" $command
		done
	done
}

peers_test() {
	fds=$(count_fds)
	before=$(ticks)
	for kind in garbage flood slow; do
		check "$kind" peers $kind
		check "$kind: no descriptor stays" wait_for 2 has_fds "$fds"
		check "$kind: dnsflowctl is answered" ctl status
	done
	check "none of that takes much of a CPU" test "$(($(ticks) - before))" -lt 300
	check "no descriptor left: the connection waits" sh -c "
		prlimit --pid $dnsflow_pid --nofile=3:4096 || exit
		'$work/dnsflowctl' --socket '$socket' status & ctl=\$!
		sleep 3
		prlimit --pid $dnsflow_pid --nofile=4096:4096
		wait \$ctl"
	told=$(grep -c 'has to wait' "$work/dnsflow.err")
	check "no descriptor left: it is told once a second ($told)" test "$told" -ge 1 -a "$told" -le 5
}

# path_test TITLE: with $work/path as it is, a warning, no change to it, and capture goes on
path_test() {
	ls -ld "$work/path" "$work/target" >"$work/before"
	start_dnsflow path --control "$work/path"
	check "$1: is told" has_line path.err 'control socket .*dnsflowctl will not reach this run'
	stop "$pid"
	ls -ld "$work/path" "$work/target" >"$work/after"
	check "$1: stays as it was" cmp "$work/before" "$work/after"
	rm -rf "$work/path"
}

# Two daemons that start at once on a socket that was left behind: one of them has it.
both_test() {
	for round in 1 2 3 4 5; do
		start_dnsflow left --control "$work/path"
		kill -KILL "$pid" && wait "$pid" 2>/dev/null
		both=
		for name in one two; do
			start $name "$BUILD/dnsflow" -i cap -u 127.0.0.1:$port --user $user --control "$work/path"
			both="$both $pid"
		done
		wait_for 20 eval "has_line one.err 'ready\$' && has_line two.err 'ready\$'"
		check "two at once, $round: one has it" test "$(cat "$work/one.err" "$work/two.err" | grep -c 'will not reach this run')" = 1
		check "two at once, $round: it answers" "$work/dnsflowctl" --socket "$work/path" status
		for pid in $both; do
			stop "$pid"
		done
	done
}

paths_test() {
	echo text >"$work/target"
	echo text >"$work/path"
	path_test "a file at the path"
	ln -s "$work/target" "$work/path"
	path_test "a link to a file"
	ln -s "$work/nowhere" "$work/path"
	path_test "a link to nothing"
	ln -s "$socket" "$work/path"
	path_test "a link to a socket"
	mkdir "$work/path"
	path_test "a folder"
	start_dnsflow second --control "$socket"
	check "a socket that somebody answers on: is told" has_line second.err 'is in use'
	stop "$pid"
	check "a socket that somebody answers on: stays" ctl status
	start_dnsflow second --control "$work/path"
	check "a path of its own" is_socket "$work/path"
	kill -KILL "$pid" && wait "$pid" 2>/dev/null
	check "after kill -9 the name is left" test -S "$work/path"
	start_dnsflow second --control "$work/path"
	check "a socket that was left behind is replaced" "$work/dnsflowctl" --socket "$work/path" status
	stop "$pid"
	both_test
	start_dnsflow second --control "$work/path"
	rm "$work/path" && echo mine >"$work/path"
	stop "$pid"
	check "what somebody else put there is not removed" grep mine "$work/path"
	start_dnsflow second --control none
	check "--control none: no socket" test ! -e /run/dnsflow.sock
	stop "$pid"
	start_dnsflow second
	check "the default path" "$work/dnsflowctl" status
	stop "$pid"
	check "the name is removed at the end" test ! -e /run/dnsflow.sock
}

degraded_test() {
	start_dnsflow second --control "$work/second.sock"
	for _ in 1 2; do
		worker=$(pgrep -P "$pid")
		kill -KILL "$worker"
		wait_for 5 sh -c "pgrep -P $pid && ! pgrep -P $pid | grep -qx $worker"
	done
	check "a worker that dies again and again is degraded" wait_for 5 \
		prints ' degraded .* 2 *2 ' "$work/dnsflowctl" --socket "$work/second.sock" status
	stop "$pid"
}

file_test() {
	mkfifo "$work/fifo"
	start file sh -c "exec '$BUILD/dnsflow' -r - -w '$work/file.out' --control '$work/file.sock' <'$work/fifo'"
	file_pid=$pid
	exec 8>"$work/fifo"
	cat "$work/short.pcap" >&8
	check "a run from a file has one when asked" wait_for 5 test -S "$work/file.sock"
	adds_up file "a run from a file"
	check "a run from a file cannot reload" exits 1 'nothing to reload' \
		"$work/dnsflowctl" --socket "$work/file.sock" reload
	exec 8>&-
	check "a run from a file ends with status 0" wait "$file_pid"
	check "a run from a file removes its socket" test ! -e "$work/file.sock"
}

"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
"$BUILD/bench/pcapgen" -n 1000 -o "$work/short.pcap" 2>/dev/null
veth_pair gen cap
printf 'workers: 2\nquarantine: %s\n' "$work/quarantine.pcap" >"$work/conf"
start_ready 5 checker "$checker" --listen 127.0.0.1:$port --idle 5 --expect $count || finish
checker_pid=$pid
start_dnsflow dnsflow --config "$work/conf" --control "$socket"
dnsflow_pid=$pid
start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate $rate
blast_pid=$pid
wait_for 5 prints '^packets_read' ctl stats
commands_test
reload_test
rights_test
peers_test
check "packets came all the time" sh -c "kill -0 $blast_pid"
wait "$blast_pid"
check "all is recorded, once" wait "$checker_pid"
adds_up dnsflow "after all that"
paths_test
check "ends with status 0" stop "$dnsflow_pid"
degraded_test
file_test
finish
