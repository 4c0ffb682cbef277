#!/bin/sh
. "$(dirname "$0")/lib.sh"
isolate
"$BUILD/bench/pcapgen" -n 300000 --numbered 1 -o "$work/plain.pcap" 2>/dev/null
veth_pair gen cap
start_ready 30 dnsflow "$BUILD/dnsflow" -i cap --control "$work/dnsflow.sock" --output "file,path=$work/a.json,format=json" 
d=$pid
start blast "$BUILD/bench/blast" -i gen -r "$work/plain.pcap" --rate 100000
b=$pid
until is_gone $b; do
sleep 0.4
kill -KILL $(pgrep -P $d -f 'role aggregator')
done
ledger dnsflow
stop $d
cat $work/dnsflow.err
ls -l $work/*.json
wc -l $work/*.json
