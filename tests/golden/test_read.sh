#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What dnsflow-read prints for captures made by make_records, against tests/golden/read/*.expected. Speaks TAP.
# GOLDEN_UPDATE=1 writes the expected files anew: read the diff afterwards.
set -u
build=${BUILD:-build}
read=$build/dnsflow-read
expected=$(dirname "$0")/read
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0
export TZ=Pacific/Auckland LC_ALL=C # no output may depend on them

result() { # status name
	count=$((count + 1))
	[ "$1" = 0 ] && echo "ok $count - $2" || echo "not ok $count - $2"
}

# Runs dnsflow-read with the rest of the arguments; its output and status must be those of NAME.expected.
golden() { # name arguments...
	name=$1
	shift
	"$read" "$@" >"$work/out" 2>"$work/err"
	echo "status $?" >>"$work/out"
	echo "error lines $(wc -l <"$work/err")" >>"$work/out"
	[ "${GOLDEN_UPDATE:-}" = 1 ] && cp "$work/out" "$expected/$name.expected"
	diff "$expected/$name.expected" "$work/out" >"$work/diff"
	result $? "$name"
	sed 's/^/# /' "$work/diff"
}

ended() { # status, of a run without error lines
	printf 'status %s\nerror lines 0\n' "$1" >>"$work/out"
}

same() { # name file: like the expected output of another case
	diff "$expected/$1.expected" "$work/out" >"$work/diff"
	result $? "$2"
	sed 's/^/# /' "$work/diff"
}

"$build/tests/golden/make_records" "$work" || exit 1
files=$work
golden plain -r "$files/plain.pcap"
golden plain-json -r "$files/plain.pcap" --json
golden plain-stats -r "$files/plain.pcap" -s
golden plain-stats-json -r "$files/plain.pcap" -s --json
golden plain-summary -r "$files/plain.pcap" -S
golden stats-before-summary -r "$files/plain.pcap" -S -s
golden count -r "$files/plain.pcap" -c 3
golden count-stats -r "$files/plain.pcap" -S --count 3
golden versions -r "$files/versions.pcap"
golden versions-json -r "$files/versions.pcap" --json
golden hostile -r "$files/hostile.pcap"
golden hostile-json -r "$files/hostile.pcap" --json
golden errors -r "$files/errors.pcap"
golden errors-json -r "$files/errors.pcap" --json
golden vlan -r "$files/vlan.pcap"
golden fragments -r "$files/fragments.pcap"
golden loop -r "$files/loop.pcap"
golden many -r "$files/many.pcap" -S
golden many-json -r "$files/many.pcap" -S --json
golden filter -r "$files/plain.pcap" -f 'host 192.0.2.1'
golden filter-json -r "$files/plain.pcap" -F udp --json
golden default-filter -r "$files/plain.pcap" -F 'udp and dst port 5300' -S

for link in raw sll null; do
	"$read" -r "$files/$link.pcap" >"$work/out" 2>&1
	ended $?
	same plain "link type $link"
done

gzip -c "$files/plain.pcap" >"$files/plain.gz"
"$read" -r "$files/plain.gz" >"$work/out" 2>&1
ended $?
same plain "compressed file"
"$read" -r - <"$files/plain.gz" >"$work/out" 2>&1
ended $?
same plain "compressed standard input"
# shellcheck disable=SC2002
cat "$files/plain.pcap" | "$read" -r - >"$work/out" 2>&1
ended $?
same plain "pipe"

size=$(wc -c <"$files/plain.pcap")
head -c $((size - 5)) "$files/plain.pcap" >"$files/cut.pcap"
golden cut -r "$files/cut.pcap"
golden missing -r "$files/missing.pcap"
echo "no capture at all" >"$files/foreign"
golden foreign -r "$files/foreign"

LC_ALL=C grep -q '[^ -~]' "$expected"/hostile*.expected
[ $? = 1 ]
result $? "no raw octet of a name is printed"
if command -v python3 >/dev/null; then
	for name in plain hostile errors many versions; do
		"$read" -r "$files/$name.pcap" --json | head -n 1000
	done >"$work/json"
	python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$work/json"
	result $? "JSON lines are JSON"
else
	count=$((count + 1))
	echo "ok $count - JSON lines are JSON # SKIP no python3"
fi

"$read" -r "$files/many.pcap" 2>"$work/err" | head -n 1 >/dev/null
[ ! -s "$work/err" ]
result $? "closed standard output ends it quietly"
"$read" -r "$files/plain.pcap" >/dev/full 2>"$work/err"
[ $? = 1 ] && grep -q 'writing failed' "$work/err"
result $? "full disk is told"

# Live: the header is printed, datagrams come, a signal ends it with a summary.
waits() { # file pattern: until the file has it
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -q "$2" "$1" && return
		sleep 0.1
	done
	return 1
}
"$read" --listen 127.0.0.1:53005 >"$work/out" 2>"$work/err" &
pid=$!
waits "$work/err" 'listening on 127.0.0.1:53005'
result $? "listening is told"
kill -TERM "$pid"
wait "$pid" && [ "$(tail -n 1 "$work/out")" = "Summary:" ]
result $? "SIGTERM ends it with a summary"
"$read" --listen 53005 --duration 0.2 >"$work/out" 2>&1 && grep -q '^Summary:' "$work/out"
result $? "duration ends it with a summary"
mkfifo "$work/fifo"
sleep 30 >"$work/fifo" &
sleeper=$!
"$read" -r "$work/fifo" >"$work/out" 2>&1 &
pid=$!
cat "$files/plain.pcap" >"$work/fifo"
waits "$work/out" 'www.Example.com'
result $? "what came through a pipe is printed before the next wait"
kill -INT "$pid" 2>/dev/null
kill -TERM "$pid"
wait "$pid" && grep -q '^Summary:' "$work/out"
result $? "a signal ends the wait for a pipe"
kill "$sleeper"
sh -c 'exec sleep 30 <"$1"' sh "$work/fifo" & # opens it, and never reads
sleeper=$!
"$read" -r "$files/many.pcap" >"$work/fifo" 2>&1 &
pid=$!
sleep 0.5
kill -TERM "$pid"
sleep 0.2
kill -TERM "$pid"
wait "$pid"
[ $? = 143 ]
result $? "the second signal ends the wait for a reader"
kill "$sleeper"

for arguments in -x '-c 0' '-c 1x' '--duration 0' '--listen 1.2.3.4' '--listen ::1:53' '-r x -i y' extra '-f udp' '--listen 5300 -r x'; do
	# shellcheck disable=SC2086
	"$read" $arguments >"$work/out" 2>"$work/err"
	[ $? = 1 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" = 1 ]
	result $? "one line for wrong options: $arguments"
done
"$read" --help >"$work/out" && grep -q -- --listen "$work/out"
result $? "help"
"$read" --version | grep -q '^dnsflow-read [0-9]'
result $? "version"
echo "1..$count"
