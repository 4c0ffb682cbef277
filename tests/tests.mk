# SPDX-License-Identifier: BSD-3-Clause
# What `make check` runs. Every test program speaks TAP; tests/run counts and prints the last line.

REPLAYS      := $(patsubst %,$(BUILD)/tests/fuzz/replay_%,$(FUZZ_TARGETS))
SYSTEM_TESTS := $(sort $(wildcard tests/system/test_*.sh))
GOLDEN_TESTS := $(sort $(wildcard tests/golden/test_*.sh))
DNSFLOW_SHARED ?= ../shared
export BUILD DNSFLOW_SHARED

# Registered domains are checked against libpsl, which nothing else needs.
$(BUILD)/tests/unit/stats/test_suffixes: LIBS += -lpsl
# Messages that are made are read by ldns.
$(BUILD)/tests/unit/dns/test_response_rename: LIBS += -lldns

check: ## unit, golden, fuzz-corpus and system tests; last line: N passed, N failed, N skipped
	$(Q)$(MAKE) --no-print-directory all $(UNIT_TESTS) $(PROGRAMS) hooked
	$(Q)$(MAKE) --no-print-directory SAN=1 BUILD=$(BUILD)-san fuzz-replays $(UNIT_TESTS:$(BUILD)/%=$(BUILD)-san/%)
	$(Q)tests/run $(UNIT_TESTS) $(UNIT_TESTS:$(BUILD)/%=$(BUILD)-san/%) $(REPLAYS:$(BUILD)/%=$(BUILD)-san/%) $(GOLDEN_TESTS) $(SYSTEM_TESTS)

check-unit: $(UNIT_TESTS) ## unit tests only
	$(Q)tests/run $(UNIT_TESTS)

check-golden: all $(PROGRAMS) ## golden tests only
	$(Q)tests/run $(GOLDEN_TESTS)

check-system: all $(PROGRAMS) hooked ## system tests only (root)
	$(Q)tests/run $(SYSTEM_TESTS)

check-fuzz: ## replay the fuzz corpora under ASan and UBSan
	$(Q)$(MAKE) --no-print-directory SAN=1 BUILD=$(BUILD)-san fuzz-replays
	$(Q)tests/run $(REPLAYS:$(BUILD)/%=$(BUILD)-san/%)

# dnsflow with the hooks of tests (ipc/hook.h), for tests/system/test_poison.sh.
.PHONY: hooked
hooked:
	$(Q)$(MAKE) --no-print-directory HOOKS=1 BUILD=$(BUILD)-hooks $(BUILD)-hooks/dnsflow

.PHONY: fuzz-replays
fuzz-replays: $(REPLAYS)

fuzz: ## explore every fuzz target with libFuzzer: FUZZ_RUNS=executions, FUZZ_TARGETS='names'
	$(Q)$(MAKE) --no-print-directory CC=$(CLANG) BUILD=$(BUILD)-fuzz \
		CFLAGS='-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fprofile-instr-generate -fcoverage-mapping' \
		LDFLAGS='-fsanitize=address,undefined -fprofile-instr-generate' \
		$(FUZZ_TARGETS:%=$(BUILD)-fuzz/tests/fuzz/explore_%)
	$(Q)BUILD=$(BUILD)-fuzz FUZZ_RUNS=$(FUZZ_RUNS) scripts/fuzz $(FUZZ_TARGETS)

$(BUILD)/tests/fuzz/explore_%: $(BUILD)/tests/fuzz/fuzz_%.o $(TEST_LIB) $(REACH_OF_FUZZ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

.PHONY: soak-kill
soak: ## what takes longer than make check: storms, reloads, links, poison (root; half an hour)
	$(Q)$(MAKE) --no-print-directory all $(PROGRAMS) hooked
	$(Q)TEST_SECONDS=7200 tests/run $(sort $(wildcard tests/system/soak_*.sh))

soak-kill: all $(PROGRAMS) ## kills, reloads and upgrades at 200,000 packets/s, with figures (root): SECONDS_PER_STORM= RATE= STORMS=
	$(Q)tests/system/soak_storm.sh

.PHONY: soak-cardinality
soak-cardinality: $(BUILD)/tests/system/cardinality ## 100 million names and 10 million clients through the aggregator's statistics: EVENTS= CLIENTS=
	$(Q)$(BUILD)/tests/system/cardinality $(or $(EVENTS),100000000) $(or $(CLIENTS),10000000)
