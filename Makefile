# Knothole. GNU make, no configure; libraries through pkg-config.
#
#	make		build/bin/knotholed and build/bin/knothole
#	make demo	install what is missing, build, show a whole submission
#	make check	install what is missing, build, run the tests
#	make help	the other targets

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
CLANG ?= clang
PKG_CONFIG ?= pkg-config
PYTHON ?= python3
FUZZ_SECONDS ?= 60
NPROC := $(shell nproc 2>/dev/null || echo 1)

ifeq ($(origin CC),default)
CC := gcc
endif

# --- what is needed ---------------------------------------------------------

DEPS_BUILD := gcc libc6-dev make pkg-config libsodium-dev libmicrohttpd-dev \
	libarchive-dev libjansson-dev libutf8proc-dev diceware python3
DEPS_TEST := libcmocka-dev age minisign unzip curl coreutils procps
DEPS_LINT := clang clang-tidy clang-format cppcheck shellcheck
DEPS_ASAN := clang llvm libclang-rt-14-dev

# $(call missing,PACKAGES): those that are not installed
missing = $(shell for p in $(1); do \
	dpkg-query -W -f '$${db:Status-Abbrev}' $$p 2>/dev/null | \
	grep -q '^ii' || echo $$p; done)

# --- flags ------------------------------------------------------------------

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef \
	-Wno-unused-parameter
HARDEN := -O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection \
	-ftrivial-auto-var-init=zero -fno-strict-overflow
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection
endif
FORTIFY := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
SAN :=
CPPFLAGS_ALL = -D_GNU_SOURCE -DKH_VERSION='"$(VERSION)"' -Iinclude -I. \
	-I$(BUILD)/gen $(FORTIFY) $(CPPFLAGS)
CFLAGS_ALL = -std=c11 $(WARN) $(HARDEN) $(SAN) $(CFLAGS)
LDFLAGS_ALL = $(LDHARDEN) $(SAN) $(LDFLAGS)

# What each program links, and no more.
PC_LIB := libsodium libarchive jansson libutf8proc
PC_SERVER := $(PC_LIB) libmicrohttpd
PC_TEST := $(PC_SERVER) cmocka

pc_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pc_libs = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)

# --- sources ----------------------------------------------------------------

LIB_SRC := $(wildcard lib/*/*.c) $(BUILD)/gen/wordlist.c
SERVER_SRC := $(wildcard server/*.c server/*/*.c)
# Everything of the server but its main, for the tests.
SERVER_LIB_SRC := $(filter-out server/main.c,$(SERVER_SRC))
CLIENT_SRC := $(wildcard client/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)

obj = $(patsubst $(BUILD)/gen/%.c,$(BUILD)/obj/gen/%.o,$(patsubst %.c,$(BUILD)/obj/%.o,$(1)))

LIB := $(BUILD)/lib/libknothole.a
SERVER_LIB := $(BUILD)/lib/libknotholed.a
BINS := $(BUILD)/bin/knotholed $(BUILD)/bin/knothole
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
REPLAYS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/replay_%,$(FUZZ_SRC))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC))

.PHONY: all deps deps-build deps-test deps-lint deps-asan demo check check-built \
	check-nightly asan fuzz bench lint install clean help tests benches \
	fuzzers format
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BINS)

tests: $(UNITS) $(REPLAYS)
benches: $(BENCHES)
fuzzers: $(FUZZERS)

# --- rules ------------------------------------------------------------------

# A change of flags rebuilds everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' | \
	    cmp -s - $@ || \
	    echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' > $@
FORCE:

$(BUILD)/gen/wordlist.c: lib/code/wordlist.py
	@mkdir -p $(@D)
	$(PYTHON) lib/code/wordlist.py > $@.tmp
	mv $@.tmp $@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(call pc_cflags,$(PC_SERVER)) $(CFLAGS_ALL) \
	    -MMD -MP -c -o $@ $<

$(LIB): $(call obj,$(LIB_SRC))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcsD $@ $^

$(SERVER_LIB): $(call obj,$(SERVER_LIB_SRC))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcsD $@ $^

$(BUILD)/bin/knotholed: $(call obj,server/main.c) $(SERVER_LIB) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call pc_libs,$(PC_SERVER))

$(BUILD)/bin/knothole: $(call obj,$(CLIENT_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call pc_libs,$(PC_LIB))

# Unit tests and fuzz targets may include the .c file they look into; the
# archive then only supplies the rest.
$(BUILD)/tests/test_%: tests/unit/test_%.c $(SERVER_LIB) $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(call pc_cflags,$(PC_TEST)) $(CFLAGS_ALL) \
	    -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< $(SERVER_LIB) $(LIB) \
	    $(call pc_libs,$(PC_TEST))

$(BUILD)/tests/replay_%: tests/fuzz/%.c tests/fuzz/replay.h $(SERVER_LIB) \
    $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -DKH_FUZZ_REPLAY -include tests/fuzz/replay.h \
	    $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< \
	    $(SERVER_LIB) $(LIB) $(call pc_libs,$(PC_SERVER))

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(SERVER_LIB) $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d \
	    -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $< $(SERVER_LIB) $(LIB) \
	    $(call pc_libs,$(PC_SERVER))

$(BUILD)/bench/%: tests/bench/%.c $(SERVER_LIB) $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    -o $@ $< $(SERVER_LIB) $(LIB) $(call pc_libs,$(PC_SERVER))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
