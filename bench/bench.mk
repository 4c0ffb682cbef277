# SPDX-License-Identifier: BSD-3-Clause
# Benches print `name value unit` lines; each compares with its peers in the same run.

.PHONY: bench-replay bench-capture bench-ring bench-aggregator bench-stats bench-proxy bench-rules bench-lists bench-messages bench-cache
bench: bench-replay bench-capture bench-ring bench-aggregator bench-stats bench-proxy bench-rules bench-lists bench-messages bench-cache ## all benches

bench-replay: all $(PROGRAMS) ## replay of a capture file against tcpdump, segments, 2 workers, memory
	$(Q)BUILD=$(BUILD) bench/replay

bench-capture: all $(PROGRAMS) ## live capture over veth at full speed against tcpdump (root)
	$(Q)BUILD=$(BUILD) bench/capture

bench-aggregator: all $(PROGRAMS) ## events per second of one core: statistics, filters, lines; what statistics cost a worker (root)
	$(Q)BUILD=$(BUILD) bench/aggregator

bench-proxy: all $(PROGRAMS) ## the proxy against dnsdist and unbound; what lists, patterns and idle connections cost (root)
	$(Q)BUILD=$(BUILD) bench/proxy

bench-stats: $(BUILD)/bench/stats ## nanoseconds to count an event, microseconds to read what was counted: RUNS=
	$(Q)$(BUILD)/bench/stats $(RUNS)

bench-lists: $(BUILD)/bench/lists ## a million names in a list: bytes and seconds to load them, nanoseconds to look one up: RUNS=
	$(Q)$(BUILD)/bench/lists $(RUNS)

bench-rules: $(BUILD)/bench/rules ## nanoseconds to judge a name by one rule and by a thousand, milliseconds to compile these: RUNS=
	$(Q)$(BUILD)/bench/rules $(RUNS)

bench-messages: $(BUILD)/bench/messages ## nanoseconds to parse a query, its response, and to relay that: RUNS=
	$(Q)$(BUILD)/bench/messages $(RUNS)

bench-cache: $(BUILD)/bench/cache ## nanoseconds to find an answer in a worker's cache, and to put one
	$(Q)$(BUILD)/bench/cache

bench-ring: all $(PROGRAMS) cursorless ## records through an event ring between two processes, and what the cursor costs a replay
	$(Q)$(BUILD)/bench/ring
	$(Q)BUILD=$(BUILD) bench/cursor

# dnsflow whose steps are not recoverable, to tell what that costs (bench/cursorless/ipc/commit.h).
.PHONY: cursorless
cursorless:
	$(Q)$(MAKE) --no-print-directory CURSOR=0 BUILD=$(BUILD)-cursorless $(BUILD)-cursorless/dnsflow
