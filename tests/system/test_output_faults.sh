#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Files that cannot be written for a while: a full or read-only file system, a pipe that nobody
# reads, a standard output whose reader stops or goes. Capture loses nothing, what was dropped is
# counted, and when the fault is over no line is torn.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare mkfifo

missing_of() {
	echo $(($(part "$1" dropped_full) + $(part "$1" dropped_failed)))
}

is_empty() {
	has_part "$1" queued 0
}

mkdir "$work/full" "$work/sealed"
mount -t tmpfs -o size=2m none "$work/full"
mount -t tmpfs -o ro none "$work/sealed"
mkfifo "$work/pipe"
serve <<-END
	outputs:
	  - {type: file, name: patient, path: $work/full/patient, format: json, queue: 16}
	  - {type: file, name: small, path: $work/full/small, format: json, queue: 1}
	  - {type: file, name: sealed, path: $work/sealed/file, format: json, queue: 16}
	  - {type: file, name: pipe, path: $work/pipe, format: json, queue: 16}
	  - {type: file, name: good, path: $work/good, format: json, queue: 16}
END
send 20000 20000
check "while others fail: all is written" all_written good
holds "while others fail: each message is one line" --ordered "$sent" "$work/good"
check "a full disk: $(part small dropped_full) are dropped" test \
	"$(part small dropped_full)" -gt 5000 -a "$(part patient dropped_full)" = 0
check "a full disk: is told" has_line dnsflow.err 'output patient: .*No space left on device'
check "a read-only disk: is told" has_line dnsflow.err 'output sealed: .*Read-only file system'
check "a pipe without reader: is told" has_line dnsflow.err 'output pipe: .*nobody reads the pipe'
for file in patient small; do
	check "a full disk: no line is torn: $file" test "$(tail -c 1 "$work/full/$file" | od -An -c)" = '  \n'
done
kill -KILL "$(aggregator)"
mount -o remount,size=64m "$work/full"
mount -o remount,rw "$work/sealed"
start reader cat "$work/pipe"
reader_pid=$pid
for output in patient small sealed pipe; do
	check "$output: goes on within five seconds" wait_for 5 is_empty $output
done
send 10000 10000
for output in patient sealed pipe good; do
	check "$output: all is written" all_written $output
done
check "a full disk: all others are written" is_empty small
holds "a full disk: each message is one line" --ordered "$sent" "$work/full/patient"
holds "a full disk: or is counted as dropped" --ordered --missing "$(missing_of small)" "$sent" "$work/full/small"
holds "a read-only disk: each message is one line" --ordered "$sent" "$work/sealed/file"
holds "a pipe: each message is one line" --ordered "$sent" "$work/reader.out"
kill -STOP "$reader_pid"
send 10000 10000
check "a pipe whose reader stands still: they wait" test "$(part pipe queued)" -gt 5000
kill -CONT "$reader_pid"
check "a pipe whose reader stands still: all is written" all_written pipe
sleep 0.2
holds "a pipe whose reader stands still: each message is one line" --ordered "$sent" "$work/reader.out"
settled "faults"

# Standard output, which start opens.
rm "$work/dnsflow.out" && mkfifo "$work/dnsflow.out"
start reader cat "$work/dnsflow.out"
reader_pid=$pid
serve <<-END
	outputs:
	  - {type: stdout, format: json, queue: 32}
	  - {type: file, name: beside, path: $work/beside, format: json, queue: 32}
END
start_sending 30000 10000
sleep 0.5
kill -STOP "$reader_pid"
sleep 5
kill -CONT "$reader_pid"
check "standard output: all is written" all_written stdout-1
sleep 0.2
holds "standard output whose reader stood still: each message is one line" --ordered "$sent" "$work/reader.out"
start_sending 20000 10000
sleep 0.5
kill -KILL "$reader_pid"
wait "$blast_pid"
check "standard output without reader: the other is written" all_written beside
holds "standard output without reader: each message is one line of the other" --ordered "$sent" "$work/beside"
check "standard output without reader: is told" has_line dnsflow.err 'standard output: Broken pipe'
check "standard output without reader: $(part stdout-1 dropped_failed) are counted" test \
	"$(($(part stdout-1 dropped_failed) + $(part stdout-1 written)))" = "$sent"
settled "standard output"
finish
