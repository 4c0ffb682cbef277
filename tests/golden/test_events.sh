#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Records of captured messages in all formats: of a capture by make_events against tests/golden/events/*.expected, and of that one
# and of the conformance kit in $DNSFLOW_SHARED/conformance against a second reader, events.py. Speaks TAP.
# GOLDEN_UPDATE=1 writes the expected files anew: read the diff afterwards.
set -u
. "$(dirname "$0")/../system/lib.sh"
scratch
kit=${DNSFLOW_SHARED:-../shared}/conformance
expected=tests/golden/events
export TZ=Pacific/Auckland LC_ALL=C # no record may depend on them

# Little memory makes short work of many runs.
run() {
	"$BUILD/dnsflow" --event-ring 1 --statistics.names 16 --statistics.domains 16 --statistics.clients 16 --statistics.tlds 16 "$@"
}

write_records() { # CAPTURE: $work/out.text, out.json and out.yaml
	rm -f "$work"/out.*
	run -r "$1" --output "file,path=$work/out.text,queue=1" --output "file,path=$work/out.json,queue=1,format=json" \
		--output "file,path=$work/out.yaml,queue=1,format=yaml" 2>"$work/run.err"
}

golden() { # NAME
	for golden_format in text json yaml; do
		[ "${GOLDEN_UPDATE:-}" = 1 ] && cp "$work/out.$golden_format" "$expected/$1.$golden_format.expected"
		check "$1 in $golden_format" diff "$expected/$1.$golden_format.expected" "$work/out.$golden_format"
	done
}

# Is the capture $name an exception of this kind?
is_excepted() {
	grep -q "^$name $1 " tests/golden/events-exceptions
}

comparable() { # FILE
	if is_excepted unpaired; then sed 's/"latency": [^,]*, //' "$1"; else cat "$1"; fi | sort
}

# The same lines, whoever wrote them.
same_lines() { # WORKERS
	rm -f "$work/some.json"
	run -r "$capture" -M "$1" --output "file,path=$work/some.json,queue=1,format=json" 2>"$work/some.err" || return
	comparable "$work/some.json" >"$work/some"
	comparable "$work/out.json" | diff - "$work/some"
}

"$BUILD/tests/golden/make_events" "$work/events.pcap" || exit 1
write_records "$work/events.pcap"
golden plain
everything=$(sed -n 's/^\tFIELD(.*"\(.*\)").*/fields=\1/p' src/config/fields.h | paste -sd,)
rm -f "$work"/out.*
set --
for format in text json yaml; do
	set -- "$@" --output "file,path=$work/out.$format,format=$format,unanswered,$everything"
done
run -r "$work/events.pcap" --identity 'a "b" \ name' --own-address 192.0.2.53 --own-address 2001:db8::53 \
	--statistics.public-suffix-list /dev/null "$@" 2>"$work/run.err"
golden everything
check "a list that has no public suffixes is told" grep -q '/dev/null tells no public suffixes' "$work/run.err"

command -v python3 >/dev/null 2>&1 && python3 -c 'import yaml' 2>/dev/null || {
	skip "a second reader" "needs python3 with its module yaml"
	finish
}
for capture in "$work/events.pcap" "$kit"/pcap/*.pcap; do
	[ -e "$capture" ] || continue
	name=$(basename "$capture" .pcap)
	write_records "$capture" || { not_ok "$name"; note <"$work/run.err"; continue; }
	partly=$(is_excepted partly && echo --partly)
	# shellcheck disable=SC2086
	check "$name in all formats" python3 tests/golden/events.py $partly "$capture" "$work/out"
	check "$name with 2 workers" same_lines 2
	check "$name with 4 workers" same_lines 4
done
[ -d "$kit" ] || skip "the conformance kit" "needs $kit"
finish
