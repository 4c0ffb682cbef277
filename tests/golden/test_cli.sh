#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What a person sees of the command line: usage, versions, and one clear line for everything that is wrong. Speaks TAP.
set -u
. "$(dirname "$0")/../system/lib.sh"
scratch
dnsflow=$BUILD/dnsflow
pcapgen=$BUILD/bench/pcapgen
good=$work/good.pcap
"$pcapgen" -n 1000 -o "$good" >/dev/null 2>&1

refuses() {
	refused "$dnsflow" "$@"
}

says() { # NAME PATTERN: the last output has it
	if grep -q -- "$2" "$work/out"; then ok "$1"; else not_ok "$1"; note <"$work/out"; fi
}

"$dnsflow" -h >"$work/out" 2>"$work/err" && [ ! -s "$work/err" ] && ok "-h prints on standard output, status 0" || not_ok "-h"
says "usage has the default filter" 'Default filter: ((udp and src port 53'
says "usage has examples" 'dnsflow -i eth0 -u 192.0.2.1 -M 0 -c'
"$dnsflow" --version >"$work/out" 2>"$work/err" && ok "--version has status 0" || not_ok "--version"
for library in dnsflow libpcap libevent libseccomp zlib zstd libbpf OpenSSL PCRE2 libmaxminddb; do
	says "--version names $library" "$library"
done

refuses "no arguments" 'output dst missing'
refuses "no destination" 'output dst missing.*-u HOST' -r "$good"
refuses "unknown option" 'unknown option: -Z' -Z
refuses "empty value" 'read is empty' -r '' -w "$work/no"
refuses "unknown long option" 'unknown option: --nonsense' --nonsense
refuses "missing argument" 'needs an argument: -u' -u
refuses "stray argument" 'unexpected argument: stray' -r "$good" -w "$work/no" stray
refuses "bad address" 'invalid ip: 1.2.3.4.5' -r "$good" -u 1.2.3.4.5
refuses "bad port" 'invalid ip: 1.2.3.4:99999' -r "$good" -u 1.2.3.4:99999
refuses "unknown host" 'destination no-such-host.invalid' -r "$good" -u no-such-host.invalid
refuses "bad share" 'invalid multiproc option -- 3/2' -r "$good" -w "$work/no" -m 3/2
refuses "too many workers" 'invalid workers: 65' -r "$good" -w "$work/no" -M 65
refuses "bad filter" 'filter: ' -r "$good" -w "$work/no" -f 'not a filter'
refuses "no such file" 'such.pcap cannot be read: No such file' -r "$work/such.pcap" -w "$work/no"
refuses "folder as file" 'cannot be read: Is a directory' -r "$work" -w "$work/no"
: >"$work/empty"
refuses "empty file" 'empty' -r "$work/empty" -w "$work/no"
echo "this is no capture file at all" >"$work/text"
refuses "foreign file" 'text' -r "$work/text" -w "$work/no"
refuses "foreign data on standard input" '.' -r - -w "$work/no"
refuses "output that cannot be made" 'No such file' -r "$good" -w "$work/none/out"
refuses "segments into a file" 'segments' -r "$good" -w "$work/no" --segments 1400
refuses "standard output for several workers" 'one worker' -r "$good" -w - -M 2
mkfifo "$work/unread"
refuses "pipe that nobody reads" 'start its reader first' -r "$good" -w "$work/unread"
cp "$good" "$work/same"
refuses "output onto the file that is read" 'is the file that is read' -r "$work/same" -w "$work/same"
cmp -s "$good" "$work/same" && ok "it is left as it was" || not_ok "it is left as it was"
refuses "role from outside" 'role is for dnsflow itself' --role worker
if [ "$(id -u)" = 0 ]; then
	refuses "no such interface" 'no interface is named nosuch0' -i nosuch0 -u 127.0.0.1
	refuses "no such user" 'no user is named nosuchuser' -r "$good" -w "$work/no" --user nosuchuser
	ln -s /etc/passwd "$work/link.pid"
	cp "$good" "$work/mine.pcap"
	refuses "a file of somebody's as pid file" 'holds something else' -r "$good" -u 127.0.0.1 -P "$work/mine.pcap"
	cmp -s "$good" "$work/mine.pcap" && ok "and leaves it as it was" || not_ok "and leaves it as it was"
	refuses "symbolic link as pid file" 'is a symbolic link' -r "$good" -u 127.0.0.1 -P "$work/link.pid"
else
	skip "errors that need root" "not root"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$dnsflow" -i lo -u 127.0.0.1 >"$work/out" 2>"$work/err"
	grep -q 'needs root' "$work/err" && ok "capture without the right says so" || { not_ok "capture without the right"; note <"$work/err"; }
else
	skip "capture without the right" "needs root and setpriv"
fi

# A damaged file: what is before the damage is exported, and the status tells.
head -c 50000 "$good" >"$work/cut.pcap"
"$dnsflow" -r "$work/cut.pcap" -w "$work/cut.out" 2>"$work/err"
[ $? = 1 ] && grep -q 'ends inside a packet at byte' "$work/err" && [ -s "$work/cut.out" ] &&
	ok "a cut file is read as far as it goes, status 1" || { not_ok "cut file"; note <"$work/err"; }
"$dnsflow" -M 3 -r "$work/cut.pcap" -w "$work/cut3.out" 2>"$work/err"
[ $? = 1 ] && [ "$(grep -c 'ends inside a packet' "$work/err")" = 1 ] && ok "three workers tell of one damage once" || { not_ok "damage is told once"; note <"$work/err"; }
gzip -c "$good" | head -c 20000 >"$work/cut.gz"
"$dnsflow" -r "$work/cut.gz" -w "$work/cutgz.out" 2>"$work/err"
[ $? = 1 ] && [ -s "$work/cutgz.out" ] && ok "a cut gzip file likewise" || { not_ok "cut gzip file"; note <"$work/err"; }

# Limits and streams that a caller may leave us with.
(exec prlimit --nofile=24 "$dnsflow" -r "$good" -w "$work/few" 2>"$work/err")
[ $? = 1 ] && grep -q 'cannot begin: Too many open files' "$work/err" && ok "too few descriptors are told" || { not_ok "too few descriptors"; note <"$work/err"; }
(exec prlimit --nofile=64 "$dnsflow" -r "$good" -w "$work/few" 2>"$work/err") && ok "64 descriptors are enough" || { not_ok "64 descriptors"; note <"$work/err"; }
(ulimit -f 16; exec "$dnsflow" -r "$good" -w "$work/few" 2>"$work/err")
[ $? = 1 ] && grep -q 'File too large' "$work/err" && ok "a limit on file sizes is told" || { not_ok "a limit on file sizes"; note <"$work/err"; }
"$dnsflow" -r - -w "$work/closed" 2>"$work/err" <&-
[ $? = 1 ] && grep -q 'Bad file descriptor' "$work/err" && ok "standard input that is closed" || { not_ok "standard input that is closed"; note <"$work/err"; }
"$dnsflow" -r "$good" -w - 2>"$work/err" >&-
[ $? = 1 ] && grep -q 'cannot be written: Bad file descriptor' "$work/err" && ok "standard output that is closed" || { not_ok "standard output that is closed"; note <"$work/err"; }
"$dnsflow" -r "$good" -w "$work/closed" <&- >&- 2>&- && [ -s "$work/closed" ] && ok "no standard stream at all" || not_ok "no standard stream at all"

# SIGTERM ends the wait for a pipe, and what was read is written.
mkfifo "$work/quiet"
start quiet sh -c 'exec "$1" -r - -w "$2/quiet.out" <"$2/quiet"' sh "$dnsflow" "$work"
quiet_pid=$pid
exec 8>"$work/quiet"
cat "$good" >&8
wait_for 5 has_line quiet.err ready
sleep 0.5
stop "$quiet_pid" && grep -q '1000 packets captured' "$work/quiet.err" && "$dnsflow" -r "$good" -w "$work/quiet.all" 2>/dev/null &&
	[ "$(wc -c <"$work/quiet.out")" = "$(wc -c <"$work/quiet.all")" ] &&
	ok "SIGTERM while a pipe is silent: all that came is written, status 0" || { not_ok "SIGTERM while a pipe is silent"; note <"$work/quiet.err"; }
exec 8>&-

# A file that shrinks under the walk costs a worker, and what is gone is told. Output that nobody
# reads holds the walk.
mkfifo "$work/held"
for size in 50000 0; do
	cp "$good" "$work/shrunk"
	exec 7<>"$work/held"
	start shrunk "$dnsflow" -r "$work/shrunk" -w "$work/held"
	wait_for 5 has_line shrunk.err ready
	sleep 0.3
	truncate -s $size "$work/shrunk"
	cat <&7 >/dev/null &
	cat_pid=$!
	wait_for 5 is_gone "$pid" && ! wait "$pid" && has_line shrunk.err 'Bus error' && has_line shrunk.err 'too short\|ends inside' &&
		ok "a file that shrinks to $size bytes is told" || { not_ok "a file that shrinks to $size bytes"; note <"$work/shrunk.err"; }
	kill "$cat_pid"
	exec 7<&-
done

# The pid file holds the supervisor's id and is locked while it lives.
mkfifo "$work/fifo"
start pid sh -c 'exec "$1" -r - -w "$2/pid.out" -P "$2/pid" <"$2/fifo"' sh "$dnsflow" "$work"
exec 9>"$work/fifo"
cat "$good" >&9
wait_for 5 test -s "$work/pid"
[ "$(cat "$work/pid")" = "$pid" ] && ok "pid file" || not_ok "pid file"
refuses "second with the same pid file" 'dnsflow already running' -r "$good" -u 127.0.0.1 -P "$work/pid"
exec 9>&-
wait "$pid" && ok "end of standard input ends the run with status 0" || not_ok "end of standard input"

# The same records from every kind of file.
"$dnsflow" -r "$good" -w "$work/plain.out" 2>/dev/null
gzip -c "$good" >"$work/good.gz"
cmp_run() { # NAME COMMAND-ARGUMENT...
	cmp_name=$1
	shift
	"$dnsflow" "$@" -w "$work/kind.out" 2>"$work/err" && cmp -s "$work/plain.out" "$work/kind.out" && ok "$cmp_name" ||
		{ not_ok "$cmp_name"; note <"$work/err"; }
}
cmp_run "gzip" -r "$work/good.gz"
if command -v zstd >/dev/null 2>&1; then
	zstd -q "$good" -o "$work/good.zst"
	cmp_run "zstd" -r "$work/good.zst"
else
	skip "zstd" "needs the program zstd"
fi
if command -v editcap >/dev/null 2>&1; then
	editcap -F pcapng "$good" "$work/good.pcapng" 2>/dev/null
	cmp_run "pcapng" -r "$work/good.pcapng"
else
	skip "pcapng" "needs the program editcap"
fi
cmp_run "standard input" -r - <"$good"
"$dnsflow" -r "$good" -w - 2>/dev/null | cmp -s - "$work/plain.out" && ok "-w - is standard output" || not_ok "-w -"
# Without a destination there are no records, and so none are lost.
check "-r with an output alone has status 0" sh -c '"$1" -r "$2" --output stdout >"$3" 2>"$4"' sh "$dnsflow" "$good" "$work/lines" "$work/err"
check "and writes every message" test "$(wc -l <"$work/lines")" = 1000
check "and tells of no loss" sh -c '! grep -q destination "$1"' sh "$work/err"
# The manual of counters is made from their table.
check "the manual has every counter" test "$(scripts/counters-page | grep -c '^\.It ')" = "$(grep -c '^COUNTER(' src/ipc/counters.def)"
finish
