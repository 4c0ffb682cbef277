#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Configuration files as a person uses them: what counts beside the command line, files that cannot
# be read, mistakes in one line. Speaks TAP.
set -u
. "$(dirname "$0")/../system/lib.sh"
scratch
dnsflow=$BUILD/dnsflow
pcapgen=$BUILD/bench/pcapgen
good=$work/good.pcap
conf=$work/dnsflow.conf
"$pcapgen" -n 1000 -o "$good" >/dev/null 2>&1

# refuses NAME PATTERN ARGUMENT...: status 1, exactly one line, which matches.
refuses() {
	refuses_name=$1 refuses_pattern=$2
	shift 2
	"$dnsflow" "$@" >"$work/out" 2>"$work/err" </dev/null
	refuses_status=$?
	if [ $refuses_status = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -q -- "$refuses_pattern" "$work/err"; then
		ok "$refuses_name"
	else
		not_ok "$refuses_name (status $refuses_status)"
		note <"$work/err"
	fi
}

# runs NAME PATTERN ARGUMENT...: status 0, and a line that matches.
runs() {
	runs_name=$1 runs_pattern=$2
	shift 2
	if "$dnsflow" "$@" 2>"$work/err" </dev/null && grep -q -- "$runs_pattern" "$work/err"; then
		ok "$runs_name"
	else
		not_ok "$runs_name"
		note <"$work/err"
	fi
}

# warns NAME PATTERN COUNT ARGUMENT...: status 0, and so many lines, of which one matches.
warns() {
	warns_name=$1 warns_pattern=$2 warns_count=$3
	shift 3
	if "$dnsflow" "$@" 2>"$work/err" </dev/null && [ "$(wc -l <"$work/err")" = "$warns_count" ] &&
		{ [ "$warns_count" = 0 ] || grep -q -- "$warns_pattern" "$work/err"; }; then
		ok "$warns_name"
	else
		not_ok "$warns_name"
		note <"$work/err"
	fi
}

cat >"$conf" <<END
read: "$good"
write: "$work/out.pcap"
port: [53, 5353]
split: flow
workers: 2
END
runs "a file alone" 'src port 53 or src port 5353' --config "$conf"
[ -s "$work/out.pcap.0" ] && [ -s "$work/out.pcap.1" ] && ok "it says workers and output" || not_ok "it says workers and output"
runs "a list of the command line replaces the file's" '(udp and src port 54 and' -d 54 --config "$conf"
runs "options behind --config count like those before" '(udp and src port 54 and' --config "$conf" -d 54
runs "the rest of the file stays" 'sample_rate set to 7' --config "$conf" -s 7
"$dnsflow" --config "$conf" -M 1 -w "$work/one.pcap" 2>/dev/null && [ -s "$work/one.pcap" ] && [ ! -e "$work/one.pcap.0" ] &&
	ok "the command line overrides single values" || not_ok "the command line overrides single values"
mkfifo "$work/fifo"
cat "$conf" >"$work/fifo" &
runs "a pipe is read to its end" 'src port 5353' --config "$work/fifo"
(sleep 2 && cat "$conf") | "$dnsflow" --config /dev/stdin 2>"$work/err" && ok "a pipe whose writer takes its time" ||
	{ not_ok "a pipe whose writer takes its time"; note <"$work/err"; }
"$dnsflow" --config /dev/stdin <"$conf" 2>"$work/err" && ok "standard input" || { not_ok "standard input"; note <"$work/err"; }
if command -v bash >/dev/null 2>&1; then
	bash -c '"$1" --config <(cat "$2")' bash "$dnsflow" "$conf" 2>"$work/err" && ok "a pipe of the shell" || { not_ok "a pipe of the shell"; note <"$work/err"; }
else
	skip "a pipe of the shell" "needs bash"
fi
"$dnsflow" --config "$conf" -h >/dev/null 2>&1 && "$dnsflow" --config "$work/none" --version | grep -q libyaml &&
	ok "-h and --version need no file" || not_ok "-h and --version need no file"

refuses "no such file" 'none cannot be read: No such file' --config "$work/none"
refuses "a folder" 'cannot be read: Is a directory' --config "$work"
refuses "a pipe without a writer" 'fifo is a pipe that nobody writes to' --config "$work/fifo"
refuses "a device" 'zero cannot be read: it is neither a file nor a pipe' --config /dev/zero
head -c 4194305 /dev/zero | tr '\0' '\n' >"$work/large"
refuses "a file that is too large" 'large is too large: a configuration has at most 4096 KiB' --config "$work/large"
refuses "no name" 'config is empty' --config ''
refuses "an empty file says nothing" 'output dst missing' --config /dev/null
cat >"$conf" <<END
# three lines
read: "$good"
workers: 99
END
refuses "a wrong value" 'dnsflow.conf:3:10: workers: 99 is not a number from 0 to 64' --config "$conf"
echo 'wokrers: 1' >"$conf"
refuses "a wrong key" 'dnsflow.conf:1:1: wokrers: unknown key (did you mean workers?)' --config "$conf"
echo "config: $conf" >"$conf"
refuses "a file in a file" 'dnsflow.conf:1:1: config: unknown key' --config "$conf"
printf 'read: "%s"\nwrite: "%s"\n' "$good" "$work/user.pcap" >"$conf"
if [ "$(id -u)" = 0 ]; then
	echo 'user: nosuchuser' >>"$conf"
	refuses "the file says the user" 'no user is named nosuchuser' --config "$conf"
	chmod 600 "$conf"
	runs "a file for root only is read before the rights are dropped" 'ready' --config "$conf" --user nobody
else
	skip "the user of a file" "not root"
fi

# --check and --print-config: no rights, no interface, nothing is begun.
cat >"$conf" <<END
read: "$good"
outputs:
  - type: file
    path: "$work/out.json"
    format: json
    filter: {type: [A, AAAA], name: example.com}
web:
  listen: 8080
END
"$dnsflow" --check --config "$conf" >"$work/out" 2>&1 && [ ! -s "$work/out" ] && ok "a check that finds nothing says nothing" ||
	{ not_ok "a check that finds nothing says nothing"; note <"$work/out"; }
[ ! -e "$work/out.json" ] && ok "and begins nothing" || not_ok "and begins nothing"
"$dnsflow" --print-config --config "$conf" --web.listen 8081 --output stdout,format=yaml --output 'file,path=a\,b' >"$work/printed" 2>"$work/err" &&
	"$dnsflow" --print-config --config "$work/printed" >"$work/again" && cmp -s "$work/printed" "$work/again" &&
	ok "what is printed is read as the same" || { not_ok "what is printed is read as the same"; note <"$work/err"; }
grep -q 'listen: "8081"' "$work/printed" && grep -q 'path: "a,b"' "$work/printed" && ! grep -q out.json "$work/printed" &&
	ok "what is printed is in force" || { not_ok "what is printed is in force"; note <"$work/printed"; }
"$dnsflow" --check -i lo -r "$good" --output stdout 2>"$work/err" && grep -q -- '-i has no effect with -r' "$work/err" &&
	ok "a check tells what has no effect" || { not_ok "a check tells what has no effect"; note <"$work/err"; }
refuses "a check finds what is wrong" 'output tcp-1: address is missing' --check --output tcp
refuses "a check compiles the filter" 'filter: ' --check -w x -f 'udp and and'
refuses "a check compiles the filters of outputs" 'output stdout-1: except.client: 10.0.0.0/33 is no prefix' --check \
	--output stdout,except.client=10.0.0.0/33
check "a check leaves lists of names to who may read them" \
	"$dnsflow" --check --output stdout,filter.name-file=/nowhere/names
refuses "a start reads lists of names" 'output stdout-1: filter.name-file: /nowhere/names: No such file' -r "$good" \
	--output stdout,filter.name-file=/nowhere/names
refuses "a folder is no list" 'filter.name-file: .*: Is a directory' -r "$good" --output "stdout,filter.name-file=$work"
refuses "a pipe is no key, and nobody waits for it" 'a key has 16 to' -r "$good" \
	--output "stdout,privacy.clients=hash,privacy.key-file=$work/fifo"
refuses "a check knows the fields" 'output stdout-1: there is no field "qnme"; is "qname" meant?' --check --output stdout,fields=qnme
refuses "a check knows the tables" 'statistics.tables: x/query is not WHAT/query' --check --web.listen 8080 --statistics.tables x/query
refuses "a check knows which tables there are" 'default-tables: mx/query is not in statistics.tables' --check --web.listen 8080 \
	--statistics.default-tables mx/query
refuses "a check knows the counters" 'default-counters: querry is no counter' --check --web.listen 8080 \
	--statistics.default-counters querry
refuses "a check sums the memory up" 'memory: 256 MiB are too few, .* most of them for statistics.names' --check --web.listen 8080 \
	--statistics.names 1000000
refuses "a run does not begin without it" 'output stdout-1: filter.type: B is no type' -r "$good" --output stdout,filter.type=B
refuses "a spool that is a folder" 'output tcp-1: spool .*: neither a regular file' -r "$good" \
	--output "tcp,address=127.0.0.1:9,spool=$work"
refuses "a key that is missing is told before the start" 'none: No such file' -r "$good" \
	--output "stdout,privacy.clients=hash,privacy.key-file=$work/none"
refuses "the web needs credentials off loopback" 'web.listen: only 127.0.0.1 and ::1' --check --web.listen 0.0.0.0:80
printf 'web:\n  lisen: 8080\n' >"$conf"
refuses "a wrong key of a section" 'conf:2:3: web.lisen: unknown key (did you mean web.listen?)' --check --config "$conf"
printf 'web.listen: 8080\n' >"$conf"
refuses "a key that is not in its section" 'conf:1:1: web.listen: write the key in its section' --check --config "$conf"
printf 'outputs:\n  - type: stdout\n  - type: tcp\n    address: logs.example\n' >"$conf"
refuses "the place of an output that is not good" 'conf:3:5: output tcp-1: address has no port' --check --config "$conf"
printf 'outputs:\n  - {type: stdout, filter: {type: B}}\n' >"$conf"
refuses "and of one whose filter is not" 'conf:2:5: output stdout-1: filter.type: B is no type' --check --config "$conf"
printf 'outputs:\n  - type: tcp\n    address: logs.example:6514\n    tls: {ca-file: ca.pem}\n' >"$conf"
refuses "what would be sent without TLS though it is asked for" 'conf:2:5: output tcp-1: tls needs transport: tls' --check --config "$conf"
refuses "a wrong key of an output" 'invalid output: fromat: unknown key (did you mean format?)' --output stdout,fromat=json
# Configurations of Sentry: those of its README, indented as they stand there.
readme=${DNSFLOW_SHARED:-../shared}/seeds/000_75b5c56ee9938fbe.txt
if [ -r "$readme" ]; then
	awk -v name="$work/sentry" '/^    \{$/ { n++; out = 1 } out { print > name "." n } /^    \}$/ { out = 0 }' "$readme"
	for number in 1 2 3; do
		"$dnsflow" --check --config "$work/sentry.$number" >"$work/out" 2>&1 && [ "$(wc -l <"$work/out")" = 1 ] &&
			grep -q 'taken for a configuration of Sentry.*need proxy.allow' "$work/out" &&
			"$dnsflow" --print-config --config "$work/sentry.$number" 2>/dev/null | grep -q '"0.0.0.0:5300"' &&
			ok "configuration $number of Sentry's README" || { not_ok "configuration $number of Sentry's README"; note <"$work/out"; }
	done
	grep -q 'without effect: threadpool_size;' "$work/out" && ok "threads of Sentry are without effect" || not_ok "threads of Sentry"
else
	skip "configurations of Sentry's README" "needs $readme"
fi
printf '{\n\t"host": "127.0.0.1",\n\t"port": 0,\n\t"rules": ["log a"]\n}\n' >"$conf"
refuses "a mistake in JSON has its place" 'conf:3:10: port: 0 is not a number from 1 to 65535' --check --config "$conf"
printf '{\n\t"host": "127.0.0.1",\n\t"rules": ["log a",]\n}\n' >"$conf"
refuses "what is not JSON has its place" "conf:3:20: not JSON: unexpected token near ']'" --check --config "$conf"

# The README's configuration, indented as it stands there.
echo '0.0.0.0 ads.example' >"$work/ads.hosts"
sed -n '/^    proxy:$/,/^$/{ s/^    //; s|/etc/dnsflow/ads.hosts|'"$work"'/ads.hosts|; p; }' README.md >"$conf"
check "the README's configuration is good" "$dnsflow" --check --config "$conf"
check "and has its five rules" [ "$("$dnsflow" --print-config --config "$conf" | grep -cE -- '- "(block|redirect|rewrite|resolve) ')" = 5 ]

# The proxy, its rules and what needs what.
refuses "a proxy without rules" 'proxy.listen needs rules' --check --proxy.listen 5300
printf 'rules: [log a, log b]\n' >"$conf"
refuses "rules that nobody needs" 'rules have no effect without proxy.listen or --dry-run' --check --config "$conf"
echo 'log ^a' >"$work/rules"
refuses "rules of a file that nobody needs" 'rules have no effect' --check --rules "$work/rules" -w "$work/x"
printf '# a file\r\n\r\nlog ^a\r\nblock b with nothing\r\n' >"$work/rules"
refuses "a mistake in a file of rules has its line" 'rules:4: "nothing" is no address: .*: block b with nothing$' --check \
	--proxy.listen 53 --rules "$work/rules"
refuses "a file of rules that is not there" 'none cannot be read: No such file' --check --proxy.listen 53 --rules "$work/none"
printf 'log ^a\nblock b if name is in ads\nresolve . using ::1\n' >"$work/rules"
refuses "a list that is not there" '/rules:2: rules: there is no list ads: block b if name is in ads' --check --proxy.listen 53 \
	--rules "$work/rules" --list 'more=hosts:/nowhere'
echo '0.0.0.0 ads.example' >"$work/ads"
check "rules of a file and their list" "$dnsflow" --check --proxy.listen 53 --rules "$work/rules" --list "ads=hosts:$work/ads"
printf 'proxy: {listen: 53}\nrules:\n  - log a\n  - block b if name is in ads\n' >"$work/bad"
refuses "the same in a configuration" 'bad:4:5: rules: there is no list ads: block b' --check --config "$work/bad"
printf '# nothing yet\n' >"$work/bad"
refuses "a configuration without a use" "^dnsflow: $work/bad: output dst missing: give -u HOST" --check --config "$work/bad"
refuses "a check reads lists" 'list ads: /nowhere: No such file' --check --proxy.listen 53 --rules "$work/rules" --list 'ads=/nowhere'
refuses "a list that is none" 'invalid list: ads=host:f has another format than auto, names' --check --list ads=host:f
printf 'rules:\n  - log a\n  - block ^(a\n' >"$work/bad"
refuses "a bad rule has its place" 'bad:3:5: rules: ^(a: missing closing parenthesis at 3: block ^(a' --check --config "$work/bad"
"$dnsflow" --print-config --config "$conf" --proxy.listen 53 --rules "$work/rules" --list ads=x >"$work/printed" &&
	grep -q 'rules-file: ".*/rules"' "$work/printed" && ! grep -q 'log ^a' "$work/printed" &&
	ok "what is printed names the file of rules" || { not_ok "what is printed names the file of rules"; note <"$work/printed"; }
printf 'rules:\n  - block name is in ads\n  - resolve . using ::1\n' >"$work/bad"
warns "a rule that does nothing is told, with its place" 'bad:2:5: rules: no name has a blank: "name is in ads"' 1 --check \
	--config "$work/bad" --proxy.listen 53
printf 'resolve a using ::1\n\nblock foo # all\nblock a$|b$\n' >"$work/bad"
warns "and that of a file" 'bad:3: .*(comments need a line of their own): block foo # all, and 1 more such' 1 --check \
	--proxy.listen 53 --rules "$work/bad"
echo 'block a' >"$work/bad"
warns "and that nothing resolves" 'no rule resolves: what the rules do not answer is refused' 1 --check --proxy.listen 53 \
	--rules "$work/bad"
echo 'resolve . using ::1' >"$work/bad"
warns "but nothing of good rules" '' 0 --check --proxy.listen 53 --rules "$work/bad"
refuses "a dry run without rules" '--dry-run needs rules' --check --dry-run -r "$good"
check "a dry run needs no output" "$dnsflow" --check --config "$conf" --dry-run -r "$good"
printf 'rules: [log a]\nproxy: {listen: 5300}\n' >"$work/proxy"
printf '{"host": "", "port": 5300, "rules": ["log a"]}\n' >"$work/sentry"
refuses "a proxy of a file of packets" '-r reads what was captured' --check --config "$work/proxy" -r "$good"
for file in proxy sentry; do
	"$dnsflow" --config "$work/$file" --dry-run --control none -r "$good" >"$work/out" 2>"$work/err"
	check "a dry run of a configuration that is a ${file}'s" [ $? = 0 ]
	check "$file: says what has no effect" grep -q "proxy.listen of $work/$file has no effect" "$work/err"
done
refuses "a dry run that is to listen" '--dry-run judges what is captured' --check --config "$work/proxy" --dry-run \
	--proxy.listen 53 -r "$good"
check "a proxy alone needs no output" "$dnsflow" --check --config "$conf" --proxy.listen 5300
refuses "a place to listen that is none" 'invalid proxy.listen: ns.example is neither an address' --check --config "$conf" \
	--proxy.listen ns.example
refuses "clients that are none" 'invalid proxy.allow: 10.0.0.0/33 is no prefix' --check --config "$conf" --proxy.listen 53 \
	--proxy.allow 10.0.0.0/8 --proxy.allow 10.0.0.0/33

# The outputs of the commented example, all of them, with a file that is there.
echo example.org >"$work/names"
sed -n '/^#outputs:/,/^## Statistics/p' "$(dirname "$0")/../../src/config/dnsflow.conf" | grep '^#[^#]' |
	sed "s/^#//; s|name-file: .*|name-file: \"$work/names\"|" >"$conf"
echo "lists: [\"ads=names:$work/names\"]" >>"$conf"
"$dnsflow" --check --config "$conf" >"$work/out" 2>&1 && [ ! -s "$work/out" ] && grep -q 'type: records' "$conf" &&
	ok "the outputs of the example are good" || { not_ok "the outputs of the example are good"; note <"$work/out"; }

# A file name of bytes that are no UTF-8 goes from process to process.
odd=$(printf '%s/odd \351"\\' "$work").pcap
cp "$good" "$odd"
runs "any bytes in a file name" 'ready' -r "$odd" -w "$work/odd.out"
printf 'read: "%s/odd \\uefe9\\"\\\\.pcap"\nwrite: "%s/odd2"\n' "$work" "$work" >"$conf"
runs "any bytes in a file name of a file" 'ready' --config "$conf"
finish
