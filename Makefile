# SPDX-License-Identifier: BSD-3-Clause
# One graph for everything: rooms become archives, a room links those to its left. `make help` lists the targets.

BUILD    ?= build
PREFIX   ?= /usr/local
SBINDIR  ?= $(PREFIX)/sbin
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
DOCDIR   ?= $(PREFIX)/share/doc/dnsflow
DESTDIR  ?=
CC       ?= cc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool /usr/bin/bpftool) bpftool)
BPF      ?= 1
SAN      ?=
HOOKS    ?=
CURSOR   ?= 1
WERROR   ?=
V        ?=
FUZZ_RUNS ?= 1000000
VERSION  := 0.1.0
LIBMNL_VERSION := $(shell pkg-config --modversion libmnl 2>/dev/null)
LIBMAXMINDDB_VERSION := $(shell pkg-config --modversion libmaxminddb 2>/dev/null)
LIBSYSTEMD_VERSION := $(shell pkg-config --modversion libsystemd 2>/dev/null)

ifeq ($(origin CC),default)
CC := gcc
endif
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# Rooms, left to right: each may use those before it. Process rooms never use each other.
LIBRARY_ROOMS := base net dns record rules stats config pcap tls loop ipc
PROCESS_ROOMS := supervisor worker aggregator tools
ROOMS         := $(LIBRARY_ROOMS) $(PROCESS_ROOMS)
PACKAGES      := libmnl libsystemd libpcap libevent_core libevent_extra libevent_openssl openssl libpcre2-8 libmaxminddb libseccomp libzstd zlib yaml-0.1 jansson $(if $(filter 1,$(BPF)),libbpf)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
        $(if $(WERROR),-Werror)
SANITIZE_thread := -fsanitize=thread
SANITIZE_1 := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANITIZE := $(SANITIZE_$(SAN))
OPTIMISE := $(if $(SAN),-O1,-O3)
# CURSOR=0 takes another ipc/commit.h, for bench/cursor only.
ALL_CPPFLAGS := $(if $(filter 0,$(CURSOR)),-Ibench/cursorless) -Isrc -I. -I$(BUILD) -D_GNU_SOURCE \
        -DDNSFLOW_VERSION='"$(VERSION)"' -DLIBMNL_VERSION='"$(LIBMNL_VERSION)"' \
        -DLIBMAXMINDDB_VERSION='"$(LIBMAXMINDDB_VERSION)"' -DLIBSYSTEMD_VERSION='"$(LIBSYSTEMD_VERSION)"' $(if $(HOOKS),-DDNSFLOW_HOOKS) $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 -g $(OPTIMISE) -fPIE -fno-strict-aliasing -fstack-protector-strong $(WARN) $(SANITIZE) \
        $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) $(CFLAGS)
# Link-time optimisation of the daemon, where a frame's way goes through four rooms: a tenth of the time. Objects are fat, so
# that all other programs link without it.
LTO      ?= $(if $(SAN),,$(if $(findstring clang,$(CC)),,1))
LTO_COMPILE := $(if $(filter 1,$(LTO)),-flto=auto -ffat-lto-objects)
LTO_LINK := $(if $(filter 1,$(LTO)),-flto=auto $(OPTIMISE))
ALL_LDFLAGS := -pie -Wl,--as-needed -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)
LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm

sources  = $(wildcard src/$(1)/*.c src/$(1)/*/*.c)
objects  = $(patsubst %.c,$(BUILD)/%.o,$(1))
# Variants of a file are chosen here, not by #ifdef: bpf_libbpf.c with BPF=1, bpf_none.c without.
VARIANTS_OUT := $(if $(filter 1,$(BPF)),src/supervisor/bpf_none.c,src/supervisor/bpf_libbpf.c) \
                $(if $(SAN),%sandbox_seccomp.c,%sandbox_none.c)
TOOL_MAINS := $(wildcard src/tools/*.c)
room_objects = $(call objects,$(filter-out $(VARIANTS_OUT) $(TOOL_MAINS),$(call sources,$(1))))
archive  = $(BUILD)/lib$(1).a
left_of  = $(if $(filter $(1),$(PROCESS_ROOMS)),$(LIBRARY_ROOMS),$(shell set -- $(LIBRARY_ROOMS); for r; do \
        [ $$r = $(1) ] && break; echo $$r; done))
reverse  = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
# The archives that a member of room $(1) may link: its own, then those to its left.
reach    = $(call archive,$(1)) $(foreach r,$(call reverse,$(call left_of,$(1))),$(call archive,$(r)))

TOOLS := $(patsubst src/tools/%.c,$(BUILD)/%,$(TOOL_MAINS))
BINARIES := $(BUILD)/dnsflow $(TOOLS)
SKELETONS := $(if $(filter 1,$(BPF)),$(patsubst %,$(BUILD)/bpf/%.skel.h,dns split steer))

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: all run check check-unit check-golden check-fuzz check-system soak bench fuzz lint format install uninstall clean help

all: $(BINARIES) ## build everything (default)

define room_rules
$(call archive,$(1)): $(call room_objects,$(1))
	$$(call say,AR,$$@)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(LTO_COMPILE) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/src/supervisor/bpf_libbpf.o: $(SKELETONS)

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -g -O2 -Wall -Wextra $(if $(WERROR),-Werror) -I. \
		-idirafter /usr/include/$(shell uname -m)-linux-gnu -c $< -o $@
	$(Q)llvm-strip -g $@ 2>/dev/null || $(firstword $(wildcard /usr/bin/llvm-strip-* /usr/lib/llvm-*/bin/llvm-strip)) -g $@

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BUILD)/dnsflow: $(BUILD)/src/main.o $(foreach r,supervisor worker aggregator,$(call archive,$(r))) \
                  $(foreach r,$(call reverse,$(LIBRARY_ROOMS)),$(call archive,$(r)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LTO_LINK) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(TOOLS): $(BUILD)/%: $(BUILD)/src/tools/%.o $(call reach,tools)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# --- tests: tests/unit/<room>/test_<file>.c links its room and those to the left ------------------------------------
TEST_LIB   := $(BUILD)/libtest.a
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c))

$(TEST_LIB): $(call objects,$(wildcard tests/lib/*.c))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define unit_rules
$(BUILD)/tests/unit/$(1)/test_%: $(BUILD)/tests/unit/$(1)/test_%.o $(TEST_LIB) $(call reach,$(1))
	$$(call say,LINK,$$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS) -lcmocka
endef
$(foreach r,$(ROOMS),$(eval $(call unit_rules,$(r))))

# --- tools of tests and benches: one program per file, linking the library rooms -------------------------------------
PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/*.c tests/golden/*.c tests/system/*.c))
PROGRAMS_OF_AGGREGATOR := $(BUILD)/bench/events $(BUILD)/tests/system/cardinality
PROGRAMS_OF_WORKER := $(BUILD)/bench/cache
$(filter-out $(PROGRAMS_OF_AGGREGATOR) $(PROGRAMS_OF_WORKER),$(PROGRAMS)): $(BUILD)/%: $(BUILD)/%.o $(TEST_LIB) $(call reach,ipc)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(PROGRAMS_OF_AGGREGATOR): $(BUILD)/%: $(BUILD)/%.o $(TEST_LIB) $(call reach,aggregator)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LTO_LINK) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(PROGRAMS_OF_WORKER): $(BUILD)/%: $(BUILD)/%.o $(TEST_LIB) $(call reach,worker)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# --- fuzzing: the same targets explore under libFuzzer, and replay corpora with a plain main under ASan and UBSan -----
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# They reach into three process rooms, which do not know of each other.
REACH_OF_FUZZ := $(call archive,worker) $(call archive,aggregator) $(call reach,tools)

$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/main.o $(TEST_LIB) $(REACH_OF_FUZZ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
include tests/tests.mk bench/bench.mk

lint: ## compile every header alone, check the format, run clang-tidy and cppcheck
	$(Q)BUILD=$(BUILD) CPPFLAGS='$(ALL_CPPFLAGS)' scripts/lint

format: ## format all sources in place
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

$(BUILD)/dnsflow-counters.7: src/ipc/counters.def scripts/counters-page
	$(call say,PAGE,$@)
	$(Q)scripts/counters-page > $@

install: all $(BUILD)/dnsflow-counters.7 ## install binaries, manual pages, the example of a configuration and openapi.yaml under DESTDIR and PREFIX
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(addprefix $(DESTDIR)$(MANDIR)/,man8 man7 man5 man1) $(DESTDIR)$(DOCDIR)
	install -m 755 $(BUILD)/dnsflow $(DESTDIR)$(SBINDIR)/dnsflow
	install -m 755 $(BUILD)/dnsflowctl $(DESTDIR)$(SBINDIR)/dnsflowctl
	install -m 755 $(BUILD)/dnsflow-read $(DESTDIR)$(BINDIR)/dnsflow-read
	install -m 755 $(BUILD)/dnsflow-bench $(DESTDIR)$(BINDIR)/dnsflow-bench
	install -m 644 src/supervisor/dnsflow.8 $(DESTDIR)$(MANDIR)/man8/dnsflow.8
	install -m 644 src/tools/dnsflowctl.8 $(DESTDIR)$(MANDIR)/man8/dnsflowctl.8
	install -m 644 $(BUILD)/dnsflow-counters.7 $(DESTDIR)$(MANDIR)/man7/dnsflow-counters.7
	install -m 644 src/config/dnsflow.conf.5 $(DESTDIR)$(MANDIR)/man5/dnsflow.conf.5
	install -m 644 src/aggregator/dnsflow-events.5 $(DESTDIR)$(MANDIR)/man5/dnsflow-events.5
	install -m 644 src/config/dnsflow.conf $(DESTDIR)$(DOCDIR)/dnsflow.conf
	install -m 644 src/aggregator/web/openapi.yaml $(DESTDIR)$(DOCDIR)/openapi.yaml
	install -m 644 src/tools/dnsflow-read.1 $(DESTDIR)$(MANDIR)/man1/dnsflow-read.1
	install -m 644 src/tools/dnsflow-bench.1 $(DESTDIR)$(MANDIR)/man1/dnsflow-bench.1

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(SBINDIR)/dnsflow $(DESTDIR)$(SBINDIR)/dnsflowctl
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,dnsflow-read dnsflow-bench)
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man8/,dnsflow.8 dnsflowctl.8)
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,dnsflow.conf.5 dnsflow-events.5)
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man1/,dnsflow-read.1 dnsflow-bench.1)
	rm -f $(DESTDIR)$(MANDIR)/man7/dnsflow-counters.7
	rm -f $(addprefix $(DESTDIR)$(DOCDIR)/,dnsflow.conf openapi.yaml)
	rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || true

run: all ## show the main job: DNS traffic through supervisor and workers to a receiver that prints the records
	$(Q)BUILD=$(BUILD) scripts/demo

clean: ## remove everything that was built
	rm -rf build build-*

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  variables: BUILD=dir BPF=0|1 SAN=1|thread WERROR=1 V=1 CC= CFLAGS= LDFLAGS= PREFIX= DESTDIR='
