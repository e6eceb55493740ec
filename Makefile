# The only front door. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := build

BUILD ?= build
CC := gcc
export FERMATA_TESTDATA ?= $(abspath ../shared/data)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wswitch-enum -Wformat=2 -Wundef -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
OPT ?= -O2 -g
SAN ?=
C_FLAGS = -std=gnu17 $(OPT) $(WARN) $(if $(SAN),$(SAN),$(HARDEN)) -Isrc -D_GNU_SOURCE -MMD -MP
LD_FLAGS = $(if $(SAN),$(SAN),-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
LIBS := -lmicrohttpd -lsqlite3 -lcrypto -lsodium -lyaml -lunistring -lpthread -lm

SOURCES := $(filter-out src/main.c,$(wildcard src/*/*.c))
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o) $(BUILD)/gen/assets_table.o
LIBRARY := $(BUILD)/libfermata.a
BINARY := $(BUILD)/fermata
TEST_SOURCES := $(wildcard tests/unit/*/*_test.c tests/conformance/*_test.c tests/crash/*_test.c)
TESTS := $(TEST_SOURCES:tests/%.c=$(BUILD)/tests/%)
WEB_SOURCES := $(wildcard web/src/*.* web/src/*/*.* web/*.mjs web/package.json)

## build: the binary build/fermata, hardened, with the page inside
build: $(BINARY)

$(BINARY): $(BUILD)/obj/main.o $(LIBRARY)
	$(CC) $(LD_FLAGS) -o $@ $^ $(LIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) -c -o $@ $<

$(BUILD)/gen/assets_table.c: web/dist/manifest.txt web/dist/openapi.json tools/embed
	@mkdir -p $(@D)
	tools/embed web/dist web/dist/openapi.json $(BUILD)/gen > $@.new && mv $@.new $@

$(BUILD)/gen/assets_table.o: $(BUILD)/gen/assets_table.c
	$(CC) -std=gnu17 -O2 $(if $(SAN),$(SAN),-fPIE) -Isrc -c -o $@ $<

web/node_modules/.ready: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/manifest.txt: $(WEB_SOURCES) web/node_modules/.ready
	cd web && npm run --silent build
	@touch $@

web/dist/openapi.json: docs/openapi.yaml web/dist/manifest.txt web/node_modules/.ready
	cd web && node openapi.mjs ../docs/openapi.yaml dist/openapi.json

-include $(OBJECTS:.o=.d) $(BUILD)/obj/main.d
