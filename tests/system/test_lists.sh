#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Lists of names are read at the start, where a missing one is an error and an empty one is told, and
# at a reload, where it stays as it was; each worker is lent what is in force.
. "$(dirname "$0")/lib.sh"
isolate

config="$work/dnsflow.conf"
socket="$work/dnsflow.sock"
mkdir "$work/lists"

ctl() {
	"$BUILD/dnsflowctl" --socket "$socket" "$@"
}

# configure LIST...
configure() {
	{
		echo "rules: ['block .* if name is in ads', 'resolve .* using 192.0.2.1']"
		echo "proxy: {listen: [127.0.0.1:53]}"
		echo "verbose: true"
		echo "lists:"
		for line; do
			echo "  - $line"
		done
	} >"$config"
}

# refuses NAME TEXT
refuses() {
	"$BUILD/dnsflow" --config "$config" --control none >"$work/refused" 2>&1
	check "$1: status 1" test $? = 1
	check "$1: says why" grep -q -- "$2" "$work/refused"
}

# checks NAME TEXT
checks() {
	"$BUILD/dnsflow" --check --config "$config" >"$work/checked" 2>&1
	check "$1: a check takes it" test $? = 0
	check "$1: and says so" grep -q -- "$2" "$work/checked"
}

# checks_not NAME TEXT: what checks() has looked at
checks_not() {
	check "$1: without $2" sh -c "! grep -q -- '$2' '$work/checked'"
}

# reloads NAME TEXT
reloads() {
	ctl reload >"$work/ctl.out" 2>&1
	check "$1: reloads" test $? = 0
	check "$1: says so" wait_for 5 has_line dnsflow.err "$2"
}

# The memory that each worker has at number 18.
lists_of_workers() {
	for process in $(pgrep -P "$dnsflow_pid" -f -- '--role worker'); do
		stat -L -c '%i %s' "/proc/$process/fd/18"
	done | sort -u
}

printf 'ads.example\nwww.tracker.example\n' >"$work/lists/ads"
configure "ads=$work/lists/none"
refuses "a file that is not there" "$config:5:5: list ads: $work/lists/none: No such file"
: >"$work/lists/empty"
configure "ads=$work/lists/empty"
checks "an empty one" "list ads: $work/lists/empty: is empty; the list has no entries"
printf '# nothing\n\n' >"$work/lists/bare"
configure "ads=$work/lists/bare"
checks "one with comments only" "list ads: 0 entries of $work/lists/bare (names), 0 lines left out"
checks_not "one with comments only" "the list has no entries"
printf '<html>\n' >"$work/lists/page"
configure "ads=$work/lists/page"
checks "one without a name" "list ads: $work/lists/page: has no entry; the list has no entries"
configure "ads=$work/lists"
refuses "a folder" "list ads: $work/lists: is no regular file"
mkfifo "$work/lists/pipe"
configure "ads=$work/lists/pipe"
refuses "a pipe" "list ads: $work/lists/pipe: is no regular file"
mkdir -m 777 "$work/open"
ln -s "$work/lists/ads" "$work/open/ads"
configure "ads=$work/open/ads"
refuses "a link where others may change it" "list ads: $work/open/ads: a symbolic link is not followed"
ln -s ads "$work/lists/link"
configure "ads=$work/lists/link"
checks "a link of one's own" "list ads: 2 entries of $work/lists/link (names)"
printf 'a.example\nnot a name\nb..example\n' >"$work/lists/bad"
configure "ads=$work/lists/bad"
checks "bad lines" "$work/lists/bad:2: .*; it is left out, and 1 more"
checks "the same number again" "1 entries of $work/lists/bad (names), 2 lines left out"
checks_not "a few bad lines" "is it a list"
seq -f '<tr><td>%g</td>' 10 >>"$work/lists/bad"
checks "mostly rubbish" "$work/lists/bad: 12 of 13 lines are left out: is it a list of names, and its format names?"

configure "ads=$work/lists/ads"
start_ready 20 dnsflow "$BUILD/dnsflow" --config "$config" --control "$socket" -P "$work/pid" -M 2 || finish
dnsflow_pid=$pid
check "a start tells what it has" has_line dnsflow.err "list ads: 2 entries of"
lists_of_workers >"$work/before"
check "workers share one memory" test "$(wc -l <"$work/before")" = 1

printf 'ads.example\ntwo.example\nthree.example\n' >"$work/lists/ads"
reloads "another content" "list ads: 3 entries of"
lists_of_workers >"$work/after"
check "workers have it" test "$(wc -l <"$work/after")" = 1
check "in another memory" sh -c "! cmp -s $work/before $work/after"

check "who asked sees that it is done" grep -q '^The configuration was read and is in force$' "$work/ctl.out"
: >"$work/lists/ads"
reloads "an empty file" "list ads: $work/lists/ads: is empty; it stays as it was"
check "who asked sees it" grep -q "^$config:5:5: list ads: $work/lists/ads: is empty; it stays as it was$" "$work/ctl.out"
rm "$work/lists/ads"
reloads "a file that is gone" "list ads: $work/lists/ads: No such file or directory; it stays as it was"
mkdir "$work/lists/ads"
reloads "a folder" "list ads: $work/lists/ads: is no regular file of its own; it stays as it was"
rmdir "$work/lists/ads"
echo '<html>' >"$work/lists/ads"
reloads "a file without a name" "list ads: $work/lists/ads: has no entry; it stays as it was"
check "it has what it had" has_line dnsflow.err 'list ads: 3 entries, as they were'
check "the status tells it" sh -c "$BUILD/dnsflowctl --socket $socket status |
	grep -q 'ads with 3 names (kept: $work/lists/ads: has no entry)'"
configure "ads=$work/lists/other"
reloads "another file that is bad" "list ads: $work/lists/other: No such file or directory; its 3 entries of $work/lists/ads stay in force"
configure "ads=$work/lists/ads" "more=$work/lists/none"
ctl reload >"$work/ctl.out" 2>&1
check "a list that never was must be there" test $? = 1
check "says why" grep -q "list more: $work/lists/none: No such file" "$work/ctl.out"
printf 'more.example\n' >"$work/lists/more"
configure "more=$work/lists/more" "ads=$work/lists/ads"
reloads "one more, before the one that stays" 'list more: 1 entries of'
check "an upgrade has both" ctl upgrade
check "and still what it had" sh -c "[ $(grep -c 'list ads: 3 entries, as they were' "$work/dnsflow.err") -ge 4 ]"
first=$(pgrep -P "$dnsflow_pid" -f -- '--role worker' | head -1)
kill -KILL "$first"
check "a successor has them" wait_for 5 sh -c "[ \$(pgrep -c -P $dnsflow_pid -f -- '--role worker') = 2 ]"
wait_for 5 sh -c "$BUILD/dnsflowctl --socket $socket status | grep -c working | grep -q 2"
check "the same" test "$(lists_of_workers | wc -l)" = 1
kill -TERM "$dnsflow_pid"
wait "$dnsflow_pid"
check "ends with status 0" test $? = 0
finish
