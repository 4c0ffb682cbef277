#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The file output: rotated, compressed and handed to a command, renamed, cut and deleted by others,
# and with an aggregator that is killed while all this goes on: every message is one line.
. "$(dirname "$0")/lib.sh"
. tests/system/outputs.sh
prepare gzip zstd

# oldest_first NAME: the rotated files of an output, then itself
oldest_first() {
	for rotated in $(find "$work" -name "$1.*" | sed "s/.*$1\.//" | sort -rn); do
		echo "$work/$1.$rotated"
	done
	echo "$work/$1"
}

# all_compressed NAME SUFFIX
all_compressed() {
	[ -z "$(find "$work" -name "$1.*" ! -name "*$2")" ]
}

count_of() {
	find "$work" -name "$1.*" | wc -l
}

# The command says who it is, what it may, what it knows, and what it was given.
took="$work/took/names"
mkdir -m 777 "$work/took"
cat >"$work/take" <<-END
	#!/bin/sh
	[ "\$1 \$2" = "two words" ] && gzip -t "\$3" &&
		echo "\$(id -u) \$(id -g) \$(sed -n 's/CapEff:.//p' /proc/self/status)" \
			"\$(env | cut -d = -f 1 | sort | tr '\n' ' ') \$3" >>$took
END
chmod 755 "$work/take"

serve <<-END
	outputs:
	  - {type: file, path: $work/plain, format: json, max-size: 1, count: 100}
	  - {type: file, path: $work/gzip, format: json, max-size: 1, count: 100, compress: gzip}
	  - {type: file, path: $work/zstd, format: json, max-size: 1, count: 100, compress: zstd}
	  - {type: file, path: $work/few, format: json, max-size: 1, count: 2}
	  - {type: file, path: $work/one, format: json, fields: [qname, rrtype], filter: {type: A}}
	  - {type: file, path: $work/other, format: json, fields: [qname, rrtype], except: {type: A}}
END
send 100000 40000
for number in 1 2 3 4; do
	check "by size: output $number is written" all_written file-$number
done
check "by size: gzip is done" wait_for 30 all_compressed gzip .gz
check "by size: zstd is done" wait_for 30 all_compressed zstd .zst
for name in plain gzip zstd; do
	# shellcheck disable=SC2046
	holds "by size: each message is one line of $name, in order" --ordered "$sent" $(oldest_first $name)
done
check "by size: $(count_of plain) files were rotated" test "$(count_of plain)" -ge 30
check "by size: none is too long" test -z "$(find "$work" -name 'plain*' -size +1024k)"
check "by size: two old files are kept" test "$(cd "$work" && echo few*)" = "few few.1 few.2"
check "by size: all are the user's" test \
	"$(stat -c '%a %U:%G' "$work/plain" "$work/plain.7" "$work/gzip.7.gz" "$work/zstd.7.zst" | sort -u)" = "640 nobody:nogroup"
check "two filters: one has one type" test "$(grep -vc '"rrtype": "A"' "$work/one")" = 0
check "two filters: the other has the others" test "$(grep -c '"rrtype": "A"' "$work/other")" = 0
holds "two filters: each message is in one of them" "$sent" "$work/one" "$work/other"
settled "by size"

serve <<-END
	outputs:
	  - {type: file, path: $work/aged, format: json, max-age: 1, count: 9, compress: gzip, command: "$work/take two words"}
END
send 20000 5000
check "by age: all is written" all_written file-1
check "by age: gzip is done" wait_for 10 all_compressed aged .gz
check "by age: $(count_of aged) in four seconds" test "$(count_of aged)" -ge 2 -a "$(count_of aged)" -le 4
# shellcheck disable=SC2046
holds "by age: each message is one line, in order" --ordered "$sent" $(oldest_first aged)
check "command: takes each file" wait_for 5 sh -c "[ \$(grep -c ' $work/aged.1.gz\$' $took) -ge $(count_of aged) ]"
check "command: is nobody, without privileges and environment" test \
	"$(cut -d ' ' -f 1-5 "$took" | sort -u)" = "65534 65534 0000000000000000 PATH PWD"
settled "by age"

serve <<-END
	outputs:
	  - {type: file, path: $work/log, format: json}
END
start_sending 20000 10000
sleep 0.7
mv "$work/log" "$work/log.away"
check "renamed: there is another" wait_for 2 test -e "$work/log"
wait "$blast_pid"
check "renamed: all is written" all_written file-1
check "renamed: both have lines" test -s "$work/log" -a -s "$work/log.away"
holds "renamed: each message is one line, in order" --ordered "$sent" "$work/log.away" "$work/log"
cp "$work/log" "$work/log.copy" && : >"$work/log"
send 20000 20000
check "cut: all is written" all_written file-1
holds "cut: each message is one line, in order" --ordered "$sent" "$work/log.away" "$work/log.copy" "$work/log"
cp "$work/log" "$work/log.before" && rm "$work/log"
check "deleted: there is another" wait_for 2 test -e "$work/log"
send 20000 20000
check "deleted: all is written" all_written file-1
holds "deleted: each message is one line, in order" --ordered "$sent" "$work/log.away" "$work/log.copy" \
	"$work/log.before" "$work/log"
settled "what others do"

serve <<-END
	outputs:
	  - {type: file, path: $work/killed, format: json, max-size: 1, count: 100, compress: zstd}
END
start_sending 100000 25000
kill_while "$blast_pid" "$dnsflow_pid" 'role aggregator' 0.05
check "killed: all is written" all_written file-1
check "killed: zstd is done" wait_for 30 all_compressed killed .zst
# shellcheck disable=SC2046
holds "killed $kills times: each message is one line, in order" --ordered "$sent" $(oldest_first killed)
check "killed: often enough" test "$kills" -ge 20
settled "killed"
finish
