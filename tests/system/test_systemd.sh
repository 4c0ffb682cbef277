#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The same under systemd itself, as a service of type notify with a store for descriptors:
# `systemctl restart` while packets come loses no record and doubles none; stop is clean.
. "$(dirname "$0")/lib.sh"
isolate
manager=/lib/systemd/systemd
[ -x $manager ] || skip_all "needs systemd"
need_program systemctl

port=5300
count=200000
export XDG_RUNTIME_DIR="$work/user" HOME="$work/home"

service() {
	systemctl --user "$@"
}

property() {
	service show dnsflow --property "$1" --value
}

is_manager_up() {
	service show-environment
}

mkdir -p "$XDG_RUNTIME_DIR" "$HOME/.config/systemd/user" /run/systemd/system
cat >"$HOME/.config/systemd/user/dnsflow.service" <<UNIT
[Service]
Type=notify
ExecStart=$(realpath "$BUILD")/dnsflow -i cap -u 127.0.0.1:$port -M 2 --control $work/dnsflow.sock --keep-state
ExecReload=kill -HUP \$MAINPID
FileDescriptorStoreMax=400
WatchdogSec=5
StandardError=append:$work/dnsflow.err
UNIT
start systemd $manager --user --unit=basic.target --log-target=console
wait_for 10 is_manager_up || skip_all "systemd does not run here"

"$BUILD/bench/pcapgen" -n $count --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 5 --expect "$count" || finish
checker_pid=$pid
check "systemctl start" service start dnsflow
first_pid=$(property MainPID)
start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 40000
blast_pid=$pid
for n in 1 2 3; do
	sleep 0.5
	check "systemctl restart $n" service restart dnsflow
done
check "systemctl reload" service reload dnsflow
check "another process serves" test "$(property MainPID)" != "$first_pid"
check "rings were kept each time" test "$(grep -c 'the service manager keeps' "$work/dnsflow.err")" = 3
check "nothing was begun anew" test "$(grep -c 'cannot be used' "$work/dnsflow.err")" = 0
check "every record once" judge "$blast_pid" "$checker_pid"
adds_up dnsflow "after restarts"
check "systemctl stop" service stop dnsflow
check "it ended well" test "$(property Result)" = success
check "nothing stays in the store" test "$(property NFileDescriptorStore)" = 0
check "the manager ends" service exit
finish
