#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# SIGUSR2 and `dnsflowctl upgrade` while packets come: another program goes on in the same process,
# and no record is lost or comes twice. A program that is none, or fails on the way, changes nothing.
. "$(dirname "$0")/lib.sh"
isolate

port=5300
count=400000
rate=40000
idle=5
program="$work/dnsflow"
socket="$work/dnsflow.sock"

# The installed program is replaced as packages do it: by a rename.
put() {
	cp "$1" "$program.new" && chmod +x "$program.new" && mv "$program.new" "$program"
}

ctl() {
	"$BUILD/dnsflowctl" --socket "$socket" "$@"
}

# has_said COUNT TEXT: so often until now
has_said() {
	[ "$(grep -c -- "$2" "$work/dnsflow.err")" -ge "$1" ]
}

upgrade_by_signal() {
	kill -USR2 "$dnsflow_pid"
	wait_for 30 has_said 1 "$1"
}

workers() {
	pgrep -P "$dnsflow_pid" | sort
}

# The program that runs in each process: the supervisor and its workers.
is_running() {
	for process in "$dnsflow_pid" $(workers); do
		[ "$(stat -L -c %i "/proc/$process/exe")" = "$1" ] || return 1
	done
}

# fails NAME TEXT: an upgrade that is refused, and says why
fails() {
	before=$(workers)
	ctl upgrade >"$work/ctl.out" 2>&1
	check "$1: refused" test $? = 1
	check "$1: says why" grep -q "$2" "$work/ctl.out"
}

begin() {
	start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle $idle --expect "$count" || finish
	checker_pid=$pid
	start_ready 20 dnsflow "$program" -i cap -u 127.0.0.1:$port --control "$socket" -P "$work/pid" "$@" || finish
	dnsflow_pid=$pid
	start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate $rate
	blast_pid=$pid
}

"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
put "$BUILD/dnsflow"

begin -M 2
put "$BUILD/dnsflow"
check "SIGUSR2: upgraded" upgrade_by_signal 'upgraded to version'
check "SIGUSR2: and the configuration read again" wait_for 10 has_said 1 'reloaded$'
check "the new program runs in the same process" is_running "$(stat -c %i "$program")"
check "processes have their name" test "$(pgrep -c -x dnsflow)" = 3
check "two workers" test "$(workers | wc -l)" = 2
for n in 1 2 3; do
	check "dnsflowctl upgrade $n" ctl upgrade
done
check "dnsflowctl still finds it" ctl status
check "the pid file is still locked" sh -c "! flock -n '$work/pid' true"

for bad in /bin/false /bin/true; do
	put $bad
	fails "$bad" 'does not answer'
done
head -c 100000 /dev/urandom >"$work/garbage"
put "$work/garbage"
fails "garbage" 'does not answer'
printf '#!/bin/sh\nsleep 1000\n' >"$work/hanging"
put "$work/hanging"
fails "a script" 'does not answer'
rm "$program"
fails "no program" 'No such file'
check "the same workers are there" test "$before" = "$(workers)"
put "$BUILD/dnsflow"
check "and a good one afterwards" ctl upgrade
check "every record once" judge "$blast_pid" "$checker_pid"
adds_up dnsflow "after upgrades"
check "ends with status 0" stop "$dnsflow_pid"

# The new program fails while it takes over, or its workers do: the one before goes on. The hooks are
# in the new program only.
export DNSFLOW_HOOK
count=60000 rate=15000 idle=4
"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
for how in takeover.exit takeover.segv takeover.abort takeover.hang worker.exit worker.segv worker.hang; do
	put "$BUILD/dnsflow"
	old=$(stat -c %i "$program")
	DNSFLOW_HOOK=$how
	begin -M 2 --ring-size 256
	put "$BUILD-hooks/dnsflow"
	fails "$how" "it ended while it took over\|worker-0"
	[ $how != takeover.segv ] || sleep 6 # longer than the alarm that ends a hanging takeover
	check "$how: the old program works" wait_for 5 is_running "$old"
	put "$BUILD/dnsflow"
	check "$how: and a good one afterwards" ctl upgrade
	check "$how: every record once" judge "$blast_pid" "$checker_pid"
	adds_up dnsflow "$how"
	check "$how: ends with status 0" stop "$dnsflow_pid"
done
finish
