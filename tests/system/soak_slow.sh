#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# All who take records, and then the aggregator, stand still for a minute each: test_slow_peers.sh
# tells what must hold.
STOPPED_SECONDS=60 exec "$(dirname "$0")/test_slow_peers.sh"
