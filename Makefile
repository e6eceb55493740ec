# SPDX-License-Identifier: Apache-2.0
# The only front door. `make help` lists what it can do.
SHELL := /bin/bash
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:

BUILD ?= build
CC := gcc
# Of the same kind as CC: `make CC=clang` is one compiler for both languages.
CXX = $(if $(findstring clang,$(CC)),clang++,g++)
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
# Real data that some tests are held against; they say so and skip where it is absent.
export FERMATA_TESTDATA ?= $(abspath ../shared/data)

# --- flags ---------------------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wswitch-enum -Wformat=2 -Wundef -Werror
C_WARN = $(if $(SAN),,-Wstrict-prototypes -Wmissing-prototypes)
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
OPT ?= -O2 -g
# The flags of a sanitizer; they take the place of the hardening, and of warnings: what sanitizers insert
# makes gcc see ghosts, and the builds without say the same.
SAN ?=
# The same sources give the same binary, wherever the tree lies.
SAME = -ffile-prefix-map=$(CURDIR)=.
COMMON_FLAGS = $(OPT) $(if $(SAN),-w $(SAN),$(WARN) $(HARDEN)) $(SAME) -Isrc -D_GNU_SOURCE -MMD -MP
C_FLAGS = -std=gnu17 $(C_WARN) $(COMMON_FLAGS)
CXX_FLAGS = -std=c++17 $(COMMON_FLAGS)
LD_FLAGS = $(if $(SAN),$(SAN),-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
LIBS := -lmicrohttpd -lsqlite3 -lcrypto -lsodium -lyaml -lunistring -lre2 -lstdc++ -lcurl -lpthread -lm
# Of the binary alone: sanitizers bring their own.
ALLOCATOR ?= $(if $(SAN),,-lmimalloc)

ASAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
TSAN := -fsanitize=thread
FUZZ := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

# --- what there is -------------------------------------------------------------------------------------
SHIMS := $(wildcard src/*/*.cc)
SOURCES := $(filter-out src/main.c,$(wildcard src/*/*.c))
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o) $(SHIMS:src/%.cc=$(BUILD)/obj/%.o) $(BUILD)/gen/assets_table.o
LIBRARY := $(BUILD)/libfermata.a
BINARY := $(BUILD)/fermata
WEB_SOURCES := $(wildcard web/src/*.* web/src/*/*.* web/*.mjs web/package.json)

TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%, \
	$(wildcard tests/unit/*/*_test.c tests/conformance/*_test.c tests/crash/*_test.c))
FUZZERS := $(patsubst fuzz/%_fuzz.c,%,$(wildcard fuzz/*_fuzz.c))
# Those that say how they are called; the other files there are their libraries.
CRASHES := $(patsubst tests/crash/%.mjs,%,$(shell grep -ls '^//   node tests/crash/' tests/crash/*.mjs))
BENCHES := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))

# V=1 prints whole commands; otherwise one word and the file, and with -s nothing.
Q := $(if $(V),,@)
SAY := $(if $(V)$(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),@:,@printf '%-4s %s\n')

# --- the binary ----------------------------------------------------------------------------------------
## build          the binary build/fermata, hardened, with the page inside (the default)
.PHONY: build
build: $(BINARY)

$(BINARY): $(BUILD)/obj/main.o $(LIBRARY)
	$(SAY) LINK $@
	$(Q)$(CC) $(LD_FLAGS) -o $@ $^ $(ALLOCATOR) $(LIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(SAY) AR $@
	$(Q)ar rcs $@ $^

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(C_FLAGS) -c -o $@ $<

$(BUILD)/obj/%.o: src/%.cc
	@mkdir -p $(@D)
	$(SAY) CXX $@
	$(Q)$(CXX) $(CXX_FLAGS) -c -o $@ $<

$(BUILD)/gen/assets_table.c: web/dist/manifest.txt web/dist/openapi.json tools/embed
	@mkdir -p $(@D)
	$(Q)tools/embed web/dist web/dist/openapi.json $(BUILD)/gen > $@.new && mv $@.new $@

$(BUILD)/gen/assets_table.o: $(BUILD)/gen/assets_table.c
	$(SAY) CC $@
	$(Q)$(CC) -std=gnu17 -O2 $(if $(SAN),$(SAN),-fPIE) $(SAME) -Isrc -c -o $@ $<

web/node_modules/.ready: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/manifest.txt: $(WEB_SOURCES) web/node_modules/.ready
	$(Q)cd web && npm run --silent build
	@touch $@

web/dist/openapi.json: docs/openapi.yaml web/dist/manifest.txt web/node_modules/.ready
	$(Q)cd web && node openapi.mjs ../docs/openapi.yaml dist/openapi.json

-include $(OBJECTS:.o=.d) $(BUILD)/obj/main.d $(TESTS:=.d) $(BENCHES:=.d)

## run            the demo on 127.0.0.1:8600: sample people, an agent at work, a link that signs in
.PHONY: run
run:
	@tools/deps build run
	@$(MAKE) --no-print-directory -s -j$(JOBS) build
	@tools/run

## install        binary, systemd unit, sample policy and demo, into PREFIX (/usr/local) below DESTDIR
SHARED = $(DESTDIR)$(PREFIX)/share/fermata
.PHONY: install
install: build
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/fermata
	install -d $(addprefix $(SHARED)/,policies support-agent/cases support-agent/data python/fermata)
	install -m 755 examples/demo.sh $(SHARED)/demo.sh
	install -m 644 examples/policies/*.yaml $(SHARED)/policies
	install -m 644 examples/support-agent/*.py examples/support-agent/*.md $(SHARED)/support-agent
	install -m 644 examples/support-agent/cases/*.json $(SHARED)/support-agent/cases
	install -m 644 examples/support-agent/data/*.json $(SHARED)/support-agent/data
	install -m 644 sdk/python/src/fermata/*.py $(SHARED)/python/fermata
	@mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@BINDIR@|$(PREFIX)/bin|' packaging/fermata.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/fermata.service
	install -D -m 644 packaging/fermata.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/fermata.conf
	install -D -m 644 examples/policy.yaml $(DESTDIR)$(PREFIX)/share/doc/fermata/policy.yaml
	install -D -m 644 docs/policy.schema.json $(DESTDIR)$(PREFIX)/share/doc/fermata/policy.schema.json
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/fermata/LICENSE
	install -D -m 644 NOTICE $(DESTDIR)$(PREFIX)/share/doc/fermata/NOTICE

# --- tests ---------------------------------------------------------------------------------------------
# A part is a program that ends with `N passed, N failed`. tools/part runs one and keeps its log in
# build/test, tools/sum adds them up. What a folder does not hold (yet) is not run.
RESULTS := $(BUILD)/test
PART = @tools/part $(RESULTS)
# $(call if_there,FILE,COMMAND): the command, when there is such a file.
if_there = $(if $(wildcard $(1)),$(2))
SUBMAKE = @$(MAKE) --no-print-directory -s -j$(JOBS)

## test           everything: rules, gcc, clang, unit, fuzz corpora, web, sdk, http, interop, attacks,
##                crashes, browser
.PHONY: test
test:
	@tools/deps build test
	@rm -rf $(RESULTS)
	$(SUBMAKE) build test-programs $(BUILD)/bench/policies
	$(SUBMAKE) BUILD=$(BUILD)/clang CC=clang build
	$(SUBMAKE) fuzz-programs
	@$(MAKE) --no-print-directory -s -j2 test-parts # they wait more than they compute
	@tools/sum $(RESULTS)

PARTS := tidy unit differential corpora web sdk http interop attack packaging crash e2e examples docs replay bench
.PHONY: test-parts $(PARTS:%=parts-%)
test-parts: $(PARTS:%=parts-%)

# `make T=json_parse unit` runs only programs whose name holds that text.
T ?=
CHOSEN = $(if $(T),$(foreach test,$(TESTS),$(if $(findstring $(T),$(subst /,_,$(test))),$(test))),$(TESTS))

parts-tidy:
	$(PART) tidy/rules tools/tidy
	$(PART) tidy/self python3 tests/tidy_test.py
	$(PART) tidy/deps python3 tests/deps_test.py
	$(PART) tidy/events python3 tests/log_events_test.py
	$(PART) tidy/fuzz python3 tests/fuzz_test.py
parts-unit:
	@$(foreach test,$(CHOSEN),tools/part $(RESULTS) $(test:$(BUILD)/tests/%=%) $(test);)
parts-differential:
	$(PART) differential/cel node tests/differential/cel.mjs
parts-corpora:
	@$(foreach name,$(FUZZERS),tools/part $(RESULTS) corpora/$(name) tools/fuzz replay $(BUILD)/fuzz $(name);)
parts-web:
	$(PART) web bash -c 'cd web && npm run --silent check && npm test --silent'
parts-sdk:
	$(PART) sdk/python bash -c 'cd sdk/python && python3 -m unittest'
	$(call if_there,sdk/typescript/package.json,$(PART) sdk/typescript bash -c 'cd sdk/typescript && npm test --silent')
parts-http:
	$(call if_there,tests/http/*.test.mjs,$(PART) http node tests/run.mjs http)
parts-attack:
	@$(foreach file,$(wildcard tests/attack/*.mjs),tools/part $(RESULTS) attack/$(basename $(notdir $(file))) node $(file);)
parts-interop:
	$(call if_there,tests/interop/*.test.mjs,$(PART) interop node tests/run.mjs interop)
parts-packaging:
	$(PART) packaging python3 tests/packaging_test.py
parts-crash:
	@$(foreach name,$(CRASHES),tools/part $(RESULTS) crash/$(name) node tests/crash/$(name).mjs;)
parts-e2e:
	$(call if_there,tests/e2e/*.test.mjs,$(PART) e2e node tests/run.mjs e2e)
parts-examples:
	$(PART) examples/policies node tests/examples/policies.mjs
	$(PART) examples/agent python3 tests/demo/agent_test.py
	$(PART) examples/demo node tests/run.mjs demo
parts-docs:
	$(PART) docs/blocks node tests/docs/run.mjs
	$(PART) docs/self node tests/run.mjs docs
	$(PART) docs/stopwatch node tests/docs/stopwatch.mjs
parts-replay:
	$(call if_there,bench/replay/replay.mjs,$(PART) replay node bench/replay/replay.mjs --rows 1500)
parts-bench:
	$(PART) bench node bench/bench_test.mjs
	$(PART) bench/policies node bench/policies/policies.mjs --rows 3000

## unit           C tests alone; T=TEXT runs those with TEXT in their name
## http           tests of the HTTP interface alone
## interop        the log read by software that is not ours
## attack         one program for each attack
## crash          kill and power-loss tests alone, small
## e2e            tests in a real browser alone
## examples       the sample policies' tests and the demo's alone: its agent, and the whole of it against a server
## docs           every command and example of the documents, and the stopwatch, alone
## sdk            the client libraries' tests alone
## web            the page's type check and tests alone
.PHONY: unit http interop attack crash e2e examples docs sdk web
unit: test-programs
http interop attack crash e2e examples docs: build
web: web/node_modules/.ready
unit http interop attack crash e2e examples docs sdk web:
	@rm -rf $(RESULTS)
	@$(MAKE) --no-print-directory -s parts-$@
	@tools/sum $(RESULTS)

.PHONY: test-programs
test-programs: $(TESTS)

$(BUILD)/tests/%: tests/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(C_FLAGS) -MT $@ -MF $@.d $(LD_FLAGS) -o $@ $< $(LIBRARY) \
		-lcmocka $(if $(filter conformance/%,$*),-ljansson) $(LIBS)

## asan           the suite but for the browser under the address and undefined behaviour sanitizers
## tsan           the same under the thread sanitizer
# The server under test leaves its reports as files: what a killed or restarted one printed is not lost.
.PHONY: asan tsan
asan: fuzz-programs
	$(SUBMAKE) BUILD=$(BUILD)/asan SAN='$(ASAN)' OPT='-O1 -g' build test-programs
	$(call sanitized,asan,ASAN_OPTIONS UBSAN_OPTIONS,parts-unit parts-http parts-crash parts-replay)
	@$(MAKE) --no-print-directory -s RESULTS=$(BUILD)/asan/test parts-corpora
	@tools/sum $(BUILD)/asan/test
tsan:
	$(SUBMAKE) BUILD=$(BUILD)/tsan SAN='$(TSAN)' OPT='-O1 -g' build test-programs
	$(call sanitized,tsan,TSAN_OPTIONS,parts-unit parts-http parts-crash parts-replay)
	@tools/sum $(BUILD)/tsan/test

# $(call sanitized,NAME,VARIABLES,PARTS): runs parts of the suite against build/NAME, then counts reports.
define sanitized
	@rm -rf $(BUILD)/$(1)/test $(BUILD)/$(1)/reports && mkdir -p $(BUILD)/$(1)/reports
	@$(foreach var,$(2),$(var)=log_path=$(abspath $(BUILD)/$(1)/reports/report)) \
		FERMATA_BIN=$(abspath $(BUILD)/$(1)/fermata) \
		$(MAKE) --no-print-directory -s -j1 BUILD=$(BUILD)/$(1) $(3)
	@tools/part $(BUILD)/$(1)/test reports tools/no-reports $(BUILD)/$(1)/reports
endef

# --- fuzzing -------------------------------------------------------------------------------------------
S ?= 20
## fuzz           fuzzes each target for S=20 seconds; T=json S=3600 one for an hour
.PHONY: fuzz fuzz-programs fuzz-binaries
fuzz: fuzz-programs
	@for name in $(or $(T),$(FUZZERS)); do tools/fuzz run $(BUILD)/fuzz $$name $(S) || exit 1; done

# Until nothing new was seen for QUIET seconds, at most MOST; FUZZ_JOBS targets side by side.
QUIET ?= 180
MOST ?= 1800
FUZZ_JOBS ?= 2
## fuzz-long      fuzzes each target until no new edge for QUIET=180 s, at most MOST=1800 s; T=json one
.PHONY: fuzz-long
fuzz-long: fuzz-programs
	@printf '%s\n' $(or $(T),$(FUZZERS)) | \
		xargs -P $(FUZZ_JOBS) -I NAME tools/fuzz long $(BUILD)/fuzz NAME $(QUIET) $(MOST)

fuzz-programs:
	$(SUBMAKE) BUILD=$(BUILD)/fuzz CC=clang SAN='$(FUZZ)' OPT='-O1 -g' fuzz-binaries

fuzz-binaries: $(FUZZERS:%=$(BUILD)/%_fuzz)
$(BUILD)/%_fuzz: fuzz/%_fuzz.c $(LIBRARY)
	$(SAY) CC $@
	$(Q)$(CC) $(C_FLAGS) -MF $@.d $(LD_FLAGS) -fsanitize=fuzzer -o $@ $< $(LIBRARY) $(LIBS)

# --- evidence ------------------------------------------------------------------------------------------
## bench          the benchmark against the approval server of a day's work
.PHONY: bench bench-programs
bench:
	@tools/deps build bench
	$(SUBMAKE) build bench-programs
	node bench/run.mjs $(BENCH)

bench-programs: $(BENCHES)
$(BUILD)/bench/%: bench/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(C_FLAGS) -MT $@ -MF $@.d $(LD_FLAGS) -o $@ $< $(LIBRARY) -ljansson $(LIBS)

# One rule per proof: the command whose output is the evidence. Crash tests run at full size here.
EVIDENCE = @tools/evidence docs/evidence/$(@:prove-%=%).txt
PROOFS := prove-hardening prove-json prove-cel prove-rules prove-backtest prove-policies prove-asan prove-tsan prove-fuzz \
	prove-bench $(if $(wildcard bench/replay/replay.mjs),prove-replay) prove-stopwatch $(CRASHES:%=prove-%)
## prove          all evidence again, each into docs/evidence/NAME.txt; or one part of it:
##                prove-hardening, -json, -cel, -rules, -backtest, -policies, -asan, -tsan, -fuzz, -bench,
##                -replay, -stopwatch, -NAME for tests/crash/NAME.mjs
.PHONY: prove $(PROOFS)
prove:
	@failed=0; for proof in $(PROOFS); do $(MAKE) --no-print-directory $$proof || failed=1; done; exit $$failed

prove-hardening: build
	$(EVIDENCE) tools/hardened $(BINARY)
prove-json: $(BUILD)/bench/json
	$(EVIDENCE) $(BUILD)/bench/json
prove-backtest: $(BUILD)/bench/backtest
	$(EVIDENCE) $(BUILD)/bench/backtest
prove-policies: $(BUILD)/bench/policies
	$(EVIDENCE) node bench/policies/policies.mjs --rules
prove-cel: $(BUILD)/bench/cel build
	@tools/deps build test
	$(EVIDENCE) bash -c '$(BUILD)/bench/cel && node tests/differential/cel.mjs --full'
prove-rules: $(BUILD)/bench/rules
	$(EVIDENCE) $(BUILD)/bench/rules
prove-asan:
	$(EVIDENCE) $(MAKE) --no-print-directory asan
prove-tsan:
	$(EVIDENCE) $(MAKE) --no-print-directory tsan
prove-fuzz: # T=json: of one target, in fuzz-json.txt
	@tools/evidence docs/evidence/fuzz$(if $(T),-$(T)).txt $(MAKE) --no-print-directory fuzz-long $(T:%=T=%)
prove-bench:
	@tools/deps build bench
	$(SUBMAKE) build bench-programs
	$(EVIDENCE) node bench/run.mjs --full
prove-replay: build
	$(EVIDENCE) node bench/replay/replay.mjs
prove-stopwatch: build
	$(EVIDENCE) node tests/docs/stopwatch.mjs --full
$(CRASHES:%=prove-%): build
	$(EVIDENCE) node tests/crash/$(@:prove-%=%).mjs --full

# --- upkeep --------------------------------------------------------------------------------------------
## tidy           the rules that a machine can check: layers, banned functions, sizes
.PHONY: tidy
tidy:
	@tools/tidy

## format         clang-format 14 over the lines of C that differ from the last commit
## format-check   shows what it would change
.PHONY: format format-check
FORMAT = git clang-format-14 --binary clang-format-14 --extensions c,h
format:
	@$(FORMAT) --force HEAD
format-check:
	@$(FORMAT) --diff HEAD

## clean          removes what was built
.PHONY: clean
clean:
	rm -rf $(BUILD) web/dist

## help           this list
.PHONY: help
help:
	@sed -n 's/^## /  make /p' Makefile
