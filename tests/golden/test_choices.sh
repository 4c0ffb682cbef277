#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What outputs choose to tell of the capture by make_events: fields, filters, exceptions, sampling, privacy, identities, places.
# choices.py has the cases. Speaks TAP.
set -u
. "$(dirname "$0")/../system/lib.sh"
need_program python3 openssl
python3 -c 'import yaml' 2>/dev/null || skip_all "needs the Python module yaml"
scratch
database=${DNSFLOW_SHARED:-../shared}/data/city-test.mmdb
[ -e "$database" ] || database=
"$BUILD/tests/golden/make_events" "$work/events.pcap" || exit 1
TZ=Pacific/Auckland python3 tests/golden/choices.py "$BUILD/dnsflow" "$work/events.pcap" "$work" ${database:+"$database"}
