# Knothole. GNU make, no configure; libraries through pkg-config.
#
#	make		build/bin/knotholed, knothole and knothole-courier
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
# make V=1 shows each command.
Q := $(if $(V),,@)
NPROC := $(shell nproc 2>/dev/null || echo 1)

ifeq ($(origin CC),default)
CC := gcc
endif

# A blank would end a name: "make clean" would then remove something else.
ifneq ($(words $(BUILD)),1)
$(error BUILD must be one path without blanks)
endif

# --- what is needed ---------------------------------------------------------

# Debian's names; docs/dependencies.md says why each. deploy/install-packages
# installs those that are missing, and only those.
DEPS_BUILD := gcc libc6-dev make pkg-config libsodium-dev libmicrohttpd-dev \
	libarchive-dev libseccomp-dev zlib1g-dev libjansson-dev \
	libutf8proc-dev libcurl4-gnutls-dev nettle-dev libgpgme-dev gpg \
	libgfshare-dev libqrencode-dev diceware gettext python3
DEPS_DEMO := curl
DEPS_TEST := libcmocka-dev age minisign gpg-agent unzip curl strace dosfstools \
	e2fsprogs mount zbar-tools poppler-utils fish zsh
DEPS_LINT := clang clang-tidy clang-format cppcheck shellcheck mandoc
DEPS_BROWSER := chromium firefox-esr nodejs w3m lynx tmux fonts-dejavu-core \
	culmus fonts-hosny-amiri
DEPS_TOR := tor onionbalance openssl python3-yaml
# Debian's nodejs comes without npm, others with it.
NPM := $(if $(shell command -v npm 2>/dev/null),,npm)
DEPS_DEB := debhelper dh-apparmor dpkg-dev xz-utils libcmocka-dev gpg-agent
DEPS_CHECK_DEB := lintian debootstrap autopkgtest faketime minisign curl \
	systemd tor
DEPS_HOST := systemd apparmor tor age
DEPS_ASAN := clang llvm libclang-rt-14-dev

# --- flags ------------------------------------------------------------------

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef \
	-Wno-unused-parameter
# $(call accepts,FLAG): the flag, if the compiler knows it
accepts = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null \
	2>/dev/null && echo '$(1)')
HARDEN := -O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection \
	-fno-strict-overflow $(call accepts,-ftrivial-auto-var-init=zero)
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection
endif
PIC := -fPIC -fno-semantic-interposition
FORTIFY := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
# A sanitizer build sets these two.
SAN :=
SAN_SRC :=
CPPFLAGS_ALL = -D_GNU_SOURCE -DKH_VERSION='"$(VERSION)"' -Iinclude -I. \
	-I$(BUILD)/gen $(FORTIFY) $(CPPFLAGS)
CFLAGS_ALL = -std=c11 $(WARN) $(HARDEN) $(SAN) $(CFLAGS)
LDFLAGS_ALL = $(LDHARDEN) $(SAN) $(LDFLAGS)

# What each program links, and no more.
PC_LIB := libsodium libarchive jansson libutf8proc zlib gpgme
PC_SERVER := $(PC_LIB) libmicrohttpd libseccomp
PC_DESK := $(PC_LIB) libgfshare libqrencode
PC_COURIER := libsodium jansson libutf8proc libcurl nettle
# All that the library and the server need, for what links both of them.
PC_ALL := $(PC_SERVER) libgfshare libqrencode
# All of the library.
PC_SHARED := $(PC_LIB) libgfshare
PC_TEST := $(PC_ALL) nettle cmocka

pc_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pc_libs = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)

# --- sources ----------------------------------------------------------------

LIB_SRC := $(wildcard lib/*/*.c)
SERVER_SRC := $(wildcard server/*.c server/*/*.c)
# Everything of the server but its main, for the tests.
SERVER_LIB_SRC := $(filter-out server/main.c,$(SERVER_SRC))
CLIENT_SRC := $(wildcard client/*.c client/card/*.c client/ceremony/*.c \
	client/desk/*.c client/epoch/*.c)
# What both programs of the newsroom begin, talk and end with.
CLIENT_BASE_SRC := $(patsubst %,client/%.c,args exit progress signals start \
	sticktop)
COURIER_SRC := $(wildcard client/courier/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

LIB := $(BUILD)/lib/libknothole.a
# The library for others. Its name changes when the list of lib/libknothole.abi
# loses or alters something (docs/release.md).
SONAME := libknothole.so.0
SHARED := $(BUILD)/lib/$(SONAME)
SERVER_LIB := $(BUILD)/lib/libknotholed.a
PROGRAMS := knotholed knothole knothole-courier
BINS := $(addprefix $(BUILD)/bin/,$(PROGRAMS))
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
REPLAYS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/replay_%,$(FUZZ_SRC))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC))

# Makers of whole objects, answers and cards, for tests from outside.
MAKERS := $(BUILD)/tests/mkobject $(BUILD)/tests/mkanswer \
	$(BUILD)/tests/mkcard
# They drive the store: as keeper, door and visits of its role, and directly.
DRIVERS := $(BUILD)/tests/committer $(BUILD)/tests/tidier

# knotholed with a minute of a second: what takes minutes is seen in seconds.
# All else is the same objects; it is never installed.
HASTY := $(BUILD)/tests/hasty/knotholed
HASTY_SRC := $(shell grep -rl --include='*.c' KH_MINUTE_MS lib server)

INTEROP := $(wildcard tests/interop/*.py)
SYSTEM := $(wildcard tests/system/*.py)
# Left out under sanitizers: what waits for minutes, counts on speed, or looks
# at the memory or the sandbox of processes, which sanitizers change, or at
# what is installed.
SYSTEM_UNSANITIZED := $(patsubst %,tests/system/%.py,circuits code_memory \
	completions crash courier_kill desk_kill flood health install kill load \
	lost memory once sandbox scarce scarce_wrap selftest settle settle_cut \
	silence wrap)
ifdef KNOTHOLE_SANITIZED
SYSTEM := $(filter-out $(SYSTEM_UNSANITIZED),$(SYSTEM))
endif
# The longest first: at the end the others do not wait for one of them.
LONGEST := $(filter $(SYSTEM),$(patsubst %,tests/system/%.py,journey progress \
	scarce once courier_client wrap settle circuits lost kill pages http))
SYSTEM := $(LONGEST) $(filter-out $(LONGEST),$(SYSTEM))
LONGEST_UNITS := $(filter $(UNITS),$(patsubst %,$(BUILD)/tests/test_%,openpgp \
	age_damage store_settle_faults bundle_hostile page_length))
UNITS := $(LONGEST_UNITS) $(filter-out $(LONGEST_UNITS),$(UNITS))
HOST := $(wildcard tests/host/*.py)
BROWSER := $(addprefix tests/browser/,drive.py looks.py terminal.py) \
	$(foreach t,journey errors,$(foreach b,chromium firefox,\
	tests/browser/$(t).py:$(b)))
TOR := $(addprefix tests/tor/,service.py balance.py browsers.py:chromium \
	browsers.py:firefox torrc.py)
# Each replay with the directory of its seeds.
REPLAY_RUNS = $(foreach f,$(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC)),\
	$(BUILD)/tests/replay_fuzz_$(f):tests/fuzz/corpus/$(f))
FUZZ_RUNS = $(foreach f,$(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC)),\
	tests/fuzz/run:$(BUILD):$(f):$(FUZZ_SECONDS))

.PHONY: all deps demo check check-built check-browser check-host check-tor \
	check-nightly asan fuzz bench lint install clean help tests benches fuzzers fuzz-built \
	format folder FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BINS)

tests: $(UNITS) $(REPLAYS) $(MAKERS) $(BUILD)/tests/withhold $(DRIVERS) \
    $(BUILD)/tests/fakegpg $(HASTY)
benches: $(BENCHES)
fuzzers: $(FUZZERS)

# --- rules ------------------------------------------------------------------

# A change of flags rebuilds everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(PIC) $(LDFLAGS_ALL)' | \
	    cmp -s - $@ || \
	    echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(PIC) $(LDFLAGS_ALL)' > $@
FORCE:

# Touched only when it changes: three sources include it.
COMMIT_H := $(BUILD)/gen/commit.h
$(COMMIT_H): FORCE
	@mkdir -p $(@D)
	@echo "#define KH_COMMIT \"$$(deploy/release/commit)\"" > $@.tmp
	@cmp -s $@.tmp $@ || cp $@.tmp $@; rm -f $@.tmp

$(BUILD)/gen/wordlist.c: lib/code/wordlist.py
	@mkdir -p $(@D)
	@echo '  GEN  $@'
	$(Q)$(PYTHON) lib/code/wordlist.py > $@.tmp
	$(Q)mv $@.tmp $@

# The site's texts: one run makes both files.
TEXTS := server/text/compile.py $(wildcard server/text/*.po*) \
	server/text/LINGUAS
TEXT_H := $(BUILD)/gen/text_ids.h
$(BUILD)/gen/text.c $(TEXT_H) &: $(TEXTS)
	@mkdir -p $(@D)
	@echo '  GEN  $(BUILD)/gen/text.c'
	$(Q)$(PYTHON) server/text/compile.py $(BUILD)/gen/text.c.tmp \
	    $(TEXT_H).tmp
	$(Q)mv $(BUILD)/gen/text.c.tmp $(BUILD)/gen/text.c
	$(Q)mv $(TEXT_H).tmp $(TEXT_H)

# The day before which no clock is right. Rewritten when it is another one.
SOURCE_DATE_H := $(BUILD)/gen/source_date.h
$(SOURCE_DATE_H): FORCE
	@mkdir -p $(@D)
	$(Q)$(PYTHON) server/store/source_date.py > $@.tmp
	$(Q)cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@

GEN_H := $(TEXT_H) $(SOURCE_DATE_H)

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags | $(GEN_H) $(COMMIT_H)
	@mkdir -p $(@D)
	@echo '  CC   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(GEN_H) $(COMMIT_H)
	@mkdir -p $(@D)
	@echo '  CC   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(call pc_cflags,$(PC_ALL)) $(CFLAGS_ALL) \
	    -MMD -MP -c -o $@ $<

$(LIB): $(call obj,$(LIB_SRC)) $(BUILD)/obj/gen/wordlist.o
	@mkdir -p $(@D)
	$(Q)rm -f $@
	@echo '  AR   $@'
	$(Q)$(AR) rcsD $@ $^

# The same objects serve the programs and the shared library.
$(call obj,$(LIB_SRC)) $(BUILD)/obj/gen/wordlist.o: \
    private HARDEN += $(PIC)

$(BUILD)/lib/libknothole.map: lib/libknothole.abi lib/abi.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) lib/abi.py --map $< > $@

$(SHARED): $(call obj,$(LIB_SRC)) $(BUILD)/obj/gen/wordlist.o \
    $(BUILD)/lib/libknothole.map
	@echo '  LD   $@'
	$(Q)$(CC) $(filter-out -pie,$(LDFLAGS_ALL)) -shared -Wl,-soname,$(SONAME) \
	    -Wl,-z,defs -Wl,--version-script,$(BUILD)/lib/libknothole.map -o $@ \
	    $(filter %.o,$^) $(call pc_libs,$(PC_SHARED))

$(SERVER_LIB): $(call obj,$(SERVER_LIB_SRC)) $(BUILD)/obj/gen/text.o
	@mkdir -p $(@D)
	$(Q)rm -f $@
	@echo '  AR   $@'
	$(Q)$(AR) rcsD $@ $^

# It does not start where others could change it.
$(BUILD)/bin/knotholed: $(call obj,server/main.c $(SAN_SRC)) $(SERVER_LIB) \
    $(LIB)
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call pc_libs,$(PC_SERVER))
	$(Q)chmod go-w $@ $(@D)

$(BUILD)/obj/hasty/%.o: %.c $(BUILD)/flags | $(GEN_H) $(COMMIT_H)
	@mkdir -p $(@D)
	@echo '  CC   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) -DKH_MINUTE_MS='INT64_C(1000)' \
	    $(call pc_cflags,$(PC_ALL)) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Before the archives, whose objects of the same names are then not taken.
$(HASTY): $(call obj,server/main.c $(SAN_SRC)) \
    $(patsubst %.c,$(BUILD)/obj/hasty/%.o,$(HASTY_SRC)) $(SERVER_LIB) $(LIB)
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call pc_libs,$(PC_SERVER))
	$(Q)chmod go-w $@ $(@D)

$(BUILD)/bin/knothole: $(call obj,$(CLIENT_SRC)) $(LIB)
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call pc_libs,$(PC_DESK))

$(BUILD)/bin/knothole-courier: $(call obj,$(COURIER_SRC) $(CLIENT_BASE_SRC)) \
    $(LIB)
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call pc_libs,$(PC_COURIER))

# Unit tests and fuzz targets may include the .c file they look into; the
# archive then only supplies the rest.
$(BUILD)/tests/test_%: tests/unit/test_%.c $(SERVER_LIB) $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(call pc_cflags,$(PC_TEST)) $(CFLAGS_ALL) \
	    -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< $(SERVER_LIB) $(LIB) \
	    $(call pc_libs,$(PC_TEST))

$(BUILD)/tests/replay_%: tests/fuzz/%.c tests/fuzz/replay.h $(SERVER_LIB) \
    $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) -DKH_FUZZ_REPLAY -include tests/fuzz/replay.h \
	    $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< \
	    $(SERVER_LIB) $(LIB) $(call pc_libs,$(PC_ALL))

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(SERVER_LIB) $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d \
	    -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $< $(SERVER_LIB) $(LIB) \
	    $(call pc_libs,$(PC_ALL))

$(MAKERS): $(BUILD)/tests/mk%: tests/system/mk%.c $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    -o $@ $< $(LIB) $(call pc_libs,$(PC_LIB))

$(DRIVERS): $(BUILD)/tests/%: tests/system/%.c $(SERVER_LIB) $(LIB) \
    $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    -o $@ $< $(SERVER_LIB) $(LIB) $(call pc_libs,$(PC_SERVER))

# Something that is called gpg and is none.
$(BUILD)/tests/fakegpg: tests/system/fakegpg.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    -o $@ $<

# A kernel that lacks something.
$(BUILD)/tests/withhold: tests/system/withhold.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    -o $@ $< $(call pc_libs,libseccomp)

$(BUILD)/bench/%: tests/bench/%.c $(SERVER_LIB) $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    -o $@ $< $(SERVER_LIB) $(LIB) $(call pc_libs,$(PC_SERVER))

# --- what people call -------------------------------------------------------

deps:
	deploy/install-packages $(DEPS_BUILD)

# The programs are built by a second make: pkg-config may not have been there
# when this one began.
demo:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_DEMO)
	$(MAKE) --no-print-directory -j$(NPROC) all
	BUILD=$(BUILD) KEEP=$(KEEP) tests/demo

check:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_TEST)
	$(MAKE) --no-print-directory -j$(NPROC) all tests
	$(MAKE) --no-print-directory check-built

# Three programs on two cores: much of what they do is waiting.
check-built: all tests
	KNOTHOLE_BUILD=$(BUILD) tests/run --label $(or $(LABEL),check) \
	    --jobs $$((($(NPROC) * 3 + 1) / 2)) \
	    $(SYSTEM) $(INTEROP) $(UNITS) $(REPLAY_RUNS)

# The pages, in real browsers without JavaScript. One at a time: two browsers
# side by side are slow, and slow looks like broken.
check-browser:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_BROWSER) $(NPM)
	$(MAKE) --no-print-directory -j$(NPROC) all tests
	$(MAKE) --no-print-directory $(BUILD)/browser/installed
	KNOTHOLE_BUILD=$(BUILD) tests/run --label check-browser --jobs 1 \
	    --timeout 1800 $(BROWSER)

# Behind a real tor: onion services in a private network on loopback. Two at a
# time, as each has eleven tors of its own; mostly it waits for them.
check-tor:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_BROWSER) $(NPM) \
	    $(DEPS_TOR)
	$(MAKE) --no-print-directory -j$(NPROC) all tests
	$(MAKE) --no-print-directory $(BUILD)/browser/installed
	KNOTHOLE_BUILD=$(BUILD) tests/run --label check-tor --jobs 2 \
	    --timeout 1200 $(TOR)

# What npm brings stays in $(BUILD).
$(BUILD)/browser/installed: tests/browser/package.json \
    tests/browser/package-lock.json tests/browser/.npmrc
	@mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --cache cache
	touch $@

# What an administrator meets: units under systemd, setup, backups, documents.
check-host:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_HOST)
	$(MAKE) --no-print-directory -j$(NPROC) all tests
	KNOTHOLE_BUILD=$(BUILD) tests/run --label check-host $(HOST)

# What takes long: objects of more than 4 GiB, power cuts by the thousand.
check-nightly:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_TOR)
	$(MAKE) --no-print-directory -j$(NPROC) all tests
	KNOTHOLE_BUILD=$(BUILD) KNOTHOLE_NIGHTLY=1 tests/run --label nightly \
	    --jobs 1 --timeout 3600 $(UNITS) tests/interop/age.py:--large \
	    tests/system/lost.py tests/system/settle_cut.py tests/tor/service.py

# From the root, as the roles change their directory.
SAN_LOG = $(if $(filter /%,$(BUILD)),,$(CURDIR)/)$(BUILD)/asan/log
ASAN_FLAGS = BUILD=$(BUILD)/asan CC=$(CLANG) FORTIFY= \
	SAN_SRC=tests/sanitize/options.c \
	SAN='-fsanitize=address,undefined -fno-sanitize-recover=all' \
	CPPFLAGS='-DKH_NO_SANDBOX "-DKH_SAN_LOG=\"$(SAN_LOG)/report\""'
asan:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_ASAN)
	mkdir -p $(BUILD)/asan/log && rm -f $(BUILD)/asan/log/*
	$(MAKE) --no-print-directory -j$(NPROC) $(ASAN_FLAGS) all tests
	KNOTHOLE_SANITIZED=1 $(MAKE) --no-print-directory $(ASAN_FLAGS) \
	    LABEL=asan check-built
	tests/sanitize/reports $(BUILD)/asan/log

FUZZ_FLAGS = BUILD=$(BUILD)/fuzz CC=$(CLANG) FORTIFY= \
	SAN='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all'
fuzz:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_ASAN)
	$(MAKE) --no-print-directory -j$(NPROC) $(FUZZ_FLAGS) fuzzers
	$(MAKE) --no-print-directory $(FUZZ_FLAGS) fuzz-built

fuzz-built: fuzzers
	tests/run --label fuzz --timeout $$(($(FUZZ_SECONDS) + 120)) $(FUZZ_RUNS)

bench:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_TEST)
	$(MAKE) --no-print-directory -j$(NPROC) all tests benches
	$(MAKE) --no-print-directory -j$(NPROC) BUILD=$(BUILD)/unconfined \
	    CPPFLAGS=-DKH_NO_SANDBOX $(BUILD)/unconfined/bin/knotholed
	$(PYTHON) tests/bench/run.py --build $(BUILD)
	$(PYTHON) tests/bench/sandbox.py --build $(BUILD)
	KNOTHOLE_BUILD=$(BUILD) $(PYTHON) tests/bench/desk.py
	$(PYTHON) tests/bench/courier.py --build $(BUILD)

lint:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_LINT)
	$(MAKE) --no-print-directory $(BUILD)/gen/wordlist.c $(BUILD)/gen/text.c \
	    $(BUILD)/gen/source_date.h $(COMMIT_H)
	BUILD=$(BUILD) CLANG=$(CLANG) tests/run --label lint \
	    $(wildcard tests/lint/lint-*)

include deploy/package.mk

# The desk and the courier where nothing can be installed: a folder to carry.
FOLDER = $(BUILD)/folder/knothole
folder: all
	rm -rf "$(FOLDER)"
	$(MAKE) --no-print-directory install DESTDIR="$(FOLDER)" PREFIX=
	rm -rf "$(FOLDER)/sbin" "$(FOLDER)/lib" "$(FOLDER)/include"
	deploy/relocatable-folder "$(FOLDER)"

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf $(BUILD)

help:
	@echo "make                 build/bin/knotholed, knothole, knothole-courier"
	@echo "make demo [KEEP=1]   a whole submission, shown; KEEP=1 leaves the site up"
	@echo "make check           all tests"
	@echo "make check-browser   the pages, in browsers without JavaScript"
	@echo "make check-host      units, setup, backups: an administrator's day"
	@echo "make check-tor       behind a real tor, in a private network"
	@echo "make check-nightly   the tests that take long"
	@echo "make asan            the tests under ASan and UBSan"
	@echo "make fuzz            every fuzzer, FUZZ_SECONDS=60 each"
	@echo "make bench           speed, as ratios against peers and limits"
	@echo "make lint            formatters, compilers and checkers"
	@echo "make deps            install the Debian packages to build with"
	@echo "make install         DESTDIR= PREFIX=/usr/local"
	@echo "make dist            the source of this commit, build/dist/"
	@echo "make deb             Debian packages, build/deb/"
	@echo "make check-deb       packages built, checked, installed, purged"
	@echo "make sbom            what it consists of, SPDX"
	@echo "make sign KEY=FILE   sign a release with minisign"
	@echo "make folder          desk and courier to carry: build/folder/knothole.tar"
	@echo "make clean           remove build/"

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
