#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# SIGHUP while packets come: the number of workers, destinations and filters change, bad files change
# nothing, and no record is lost or comes twice. A worker that is taken away may die, or not end.
. "$(dirname "$0")/lib.sh"
isolate
need_program pgrep

port=5300
count=400000
config="$work/dnsflow.conf"
program=$BUILD/dnsflow

# configure LINE...: writes the configuration, whole at any moment
configure() {
	for line; do
		echo "$line"
	done >"$config.new"
	mv "$config.new" "$config"
}

# reload EXPECTED: sends SIGHUP and waits for one more line that says how it went
reload() {
	reload_before=$(grep -c "$1" "$work/dnsflow.err")
	kill -HUP "$dnsflow_pid"
	wait_for 20 eval "[ \$(grep -c '$1' '$work/dnsflow.err') -gt $reload_before ]"
}

workers() {
	pgrep -c -P "$dnsflow_pid"
}

has_workers() {
	[ "$(workers)" = "$1" ]
}

# begin RATE CHECKER_ARGUMENT...: receiver, dnsflow, and packets that go on in the background
begin() {
	rate=$1
	shift
	start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 5 --expect "$count" "$@" || finish
	checker_pid=$pid
	start_ready 20 dnsflow "$program" -i cap -u 127.0.0.1:$port --config "$config" \
		--control "$work/dnsflow.sock" || finish
	dnsflow_pid=$pid
	start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate "$rate"
	blast_pid=$pid
}

"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap

configure "workers: 1"
begin 50000
for n in 2 4 1 3 2 1 4 1; do
	configure "workers: $n" "checksum-split: true"
	check "to $n workers" reload 'reloaded$'
	check "there are $n" test "$(workers)" = $n
done
configure "workers: 1" "port: [53, 5353]"
check "another port" reload 'reloaded$'
check "the difference is told" has_line dnsflow.err 'reload: port: .*53.*5353'
configure "workers: 1" "filter: udp src port 53"
check "a filter" reload 'reloaded$'
configure "workers: 1" "wrokers: 2"
check "a bad file is refused" reload 'dnsflow.conf:2:1: wrokers: '
configure "workers: 1" "outputs: [{type: stdout, fields: [qnam]}]"
check "an output that could not open is refused" reload 'dnsflow.conf:2:11: output stdout-1: there is no field'
configure "workers: 1" "ring-size: 64"
check "what needs a restart is refused" reload 'ring-size cannot change without a restart'
configure "workers: 2"
kill -HUP "$dnsflow_pid"
sleep 0.02 # it has read that
configure "workers: 3"
kill -HUP "$dnsflow_pid"
check "one that is asked for meanwhile follows" wait_for 10 has_workers 3
sleep 0.5
configure "workers: 1"
check "back" reload 'reloaded$'
check "every record once" judge "$blast_pid" "$checker_pid"
check "ends with status 0" stop "$dnsflow_pid"

ctl() {
	"$BUILD/dnsflowctl" --socket "$work/dnsflow.sock" "$@"
}

is_draining() {
	ctl status | grep -q '^reload: draining'
}

# stop_worker INDEX: it goes on when it is told to; its process id is $stopped
stop_worker() {
	stopped=$(pgrep -P "$dnsflow_pid" -f -- "--index $1 ")
	kill -STOP "$stopped"
}

configure "workers: 2"
begin 50000
sleep 1
stop_worker 1
configure "workers: 1"
kill -HUP "$dnsflow_pid"
check "a worker that is taken away is waited for" wait_for 5 is_draining
kill -KILL "$stopped"
check "it dies: its successor drains at once" wait_for 5 has_line dnsflow.err 'reloaded$'
check "it dies: there is one" test "$(workers)" = 1
check "it dies: every record once" judge "$blast_pid" "$checker_pid"
configure "workers: 2"
check "it is added again" reload 'reloaded$'
check "ends with status 0 after that" stop "$dnsflow_pid"

# In a test build whose workers hang instead of draining.
kill_started
program=$BUILD-hooks/dnsflow
export DNSFLOW_HOOK=drain.hang
configure "workers: 2"
begin 50000
sleep 1
stop_worker 1
sleep 0.5
configure "workers: 1"
check "it does not end: it is killed" reload 'reload: worker-1 did not finish and was killed'
check "it does not end: there is one" test "$(workers)" = 1
wait "$blast_pid"
adds_up dnsflow "it does not end"
configure "workers: 2"
check "it does not end: it is added again" reload 'reloaded$'
kill_started
finish
