#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Outputs, filters, the web and statistics come, change and go by reload while packets come, then the
# program is upgraded: records are not affected, and an output that stays misses nothing.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare curl

port=5300

# write_config WEB_PORT OUTPUT...: without port no web, and no statistics
write_config() {
	web=${1:+"web: {listen: $1}"}
	shift
	configure <<-END
		workers: 2
		$web
		outputs:
		$(printf '  - {type: file, format: json, %s}\n' "$@")
	END
}


# has_said COUNT TEXT: so often until now
has_said() {
	[ "$(grep -c -- "$2" "$work/dnsflow.err")" -ge "$1" ]
}

answers() {
	curl -sf "http://127.0.0.1:$1/health" >/dev/null
}

# within FILE: whole lines, each once
within() {
	! python3 tests/system/numbers.py "$sent" "$work/$1" | grep -E '^(duplicate|foreign|torn) [1-9]'
}

only() {
	[ -s "$work/$1" ] && ! grep -v "\"rrtype\": \"$2\"" "$work/$1"
}

stays="name: stays, path: $work/stays"
daemon="$work/program"
cp "$BUILD/dnsflow" "$daemon"
start_ready 5 checker "$BUILD/tests/system/checker" --listen 127.0.0.1:$port --idle 5 --expect 200000 || finish
checker_pid=$pid
write_config 8080 "$stays"
serve -u 127.0.0.1:$port <"$work/dnsflow.conf"
start_sending 200000 15000
check "the web answers" wait_for 5 answers 8080
write_config 8080 "name: added, path: $work/added" "$stays" "name: filtered, path: $work/typed-a, filter: {type: A}"
check "outputs are added" ctl reload
sleep 0.5
write_config 8080 "name: added, path: $work/added" "$stays" "name: filtered, path: $work/typed-aaaa, filter: {type: AAAA}"
check "a filter changes" ctl reload
sleep 0.5
child=$(aggregator)
write_config 8080 "name: added, path: $work/added, colour: red" "$stays"
check "a wrong configuration is refused" sh -c "! $BUILD/dnsflowctl --socket $work/dnsflow.sock reload"
check "and changes nothing" test "$(aggregator)" = "$child"
write_config 8090 "$stays, queue: 2" "name: nowhere, path: $work/added, spool: /nowhere/spool"
check "a spool that cannot be made is refused" sh -c "! $BUILD/dnsflowctl --socket $work/dnsflow.sock reload"
kill -KILL "$child"
check "and changes nothing: the web answers a successor where it was" wait_for 5 answers 8080
check "and changes nothing: there are three outputs" test "$(ctl ledger | grep -c '^output')" = 3
check "and changes nothing: nobody listens elsewhere" sh -c "! curl -sf http://127.0.0.1:8090/health"
write_config 8081 "$stays"
kill -HUP "$dnsflow_pid"
check "the web moves, and outputs go" wait_for 10 has_said 3 'reloaded$'
check "the web answers where it is now" wait_for 5 answers 8081
check "and not where it was" sh -c "! curl -sf http://127.0.0.1:8080/health"
check "there is one output" test "$(ctl ledger | grep -c '^output')" = 1
write_config "" "$stays"
check "the web and statistics go" ctl reload
check "the web does not answer" sh -c "! curl -sf http://127.0.0.1:8081/health"
write_config 8081 "$stays"
check "the web and statistics come" ctl reload
check "the web answers again" wait_for 5 answers 8081
check "statistics count" wait_for 5 sh -c "curl -s http://127.0.0.1:8081/counters | grep -q '\"response\":[1-9]'"
kill -USR1 "$dnsflow_pid"
check "SIGUSR1 reports" wait_for 5 has_line dnsflow.err 'packets captured'
kill -KILL "$(aggregator)"
for n in 1 2; do
	check "upgrade $n" ctl upgrade
	check "the web answers after it" wait_for 5 answers 8081
done
check "it was under load" test ! -e "$work/blast.out" -o ! -s "$work/blast.out"
check "every record once" judge "$blast_pid" "$checker_pid"
check "all is written to the output that stays" wait_for 20 sh -c "[ \$(wc -l <$work/stays) = $sent ]"
holds "each message is one line of the output that stays" "$sent" "$work/stays"
for name in added typed-a typed-aaaa; do
	check "whole lines are in $name, each once" within $name
done
check "before the filter changed" only typed-a A
check "after it changed" only typed-aaaa AAAA
settled "reloads"

# Another run goes on with the file.
before=$sent
serve <"$work/dnsflow.conf"
sent=$before
send 10000 20000
check "another run: all is written" wait_for 20 sh -c "[ \$(wc -l <$work/stays) = $sent ]"
holds "another run: each message of both is one line" "$sent" "$work/stays"
adds_up dnsflow "another run"
check "another run: ends with status 0" stop "$dnsflow_pid"

# Two outputs change places, while a third one has the aggregator finish slowly.
type_a="path: $work/swapped-a, filter: {type: A}"
type_aaaa="path: $work/swapped-aaaa, filter: {type: AAAA}"

write_swapped() {
	configure <<-END
		workers: 2
		outputs:
		$(printf '  - {type: file, format: json, %s}\n' "$@")
		  - {type: tcp, address: "127.0.0.1:9"}
	END
}

write_swapped "$type_a" "$type_aaaa"
serve <"$work/dnsflow.conf"
start_sending 100000 20000
write_swapped "$type_aaaa" "$type_a"
check "outputs change places" ctl reload
write_swapped "$type_a" "$type_aaaa"
check "outputs change places again" ctl reload
wait "$blast_pid"
check "the file of the one has nothing of the other" only swapped-a A
check "and the other way round" only swapped-aaaa AAAA
check "changed places: ends with status 0" stop "$dnsflow_pid"
finish
