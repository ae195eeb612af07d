# What is given away: installed files, the source as an archive, packages.

COMPLETIONS := $(addprefix $(BUILD)/completions/,$(PROGRAMS))

# Completions come from the programs' own --help.
$(BUILD)/completions/%: $(BUILD)/bin/% $(wildcard deploy/completions/*.py)
	$(Q)$(PYTHON) deploy/completions/generate.py $< $(BUILD)/completions
	$(Q)touch $@

DEST = $(DESTDIR)$(PREFIX)
LIBDIR ?= lib
SHARE = $(DEST)/share
install: all $(SHARED) $(COMPLETIONS)
	install -d "$(DEST)/bin" "$(DEST)/sbin" "$(SHARE)/doc/knothole" \
	    "$(SHARE)/man/man1" "$(SHARE)/man/man5" "$(SHARE)/man/man8" \
	    "$(SHARE)/bash-completion/completions" \
	    "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d" \
	    "$(DEST)/include/knothole" "$(DEST)/$(LIBDIR)/pkgconfig" \
	    "$(DEST)/lib/systemd/system" "$(DEST)/lib/sysusers.d" \
	    "$(DEST)/lib/tmpfiles.d" "$(SHARE)/knothole/apparmor" \
	    "$(SHARE)/knothole/systemd" "$(SHARE)/knothole/tor" \
	    "$(SHARE)/knothole/courier"
	install -m 0755 $(BUILD)/bin/knothole $(BUILD)/bin/knothole-courier \
	    "$(DEST)/bin/"
	install -m 0755 $(BUILD)/bin/knotholed deploy/knotholed-backup \
	    deploy/knotholed-restore deploy/knotholed-health "$(DEST)/sbin/"
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' deploy/systemd/knotholed.service \
	    > "$(DEST)/lib/systemd/system/knotholed.service"
	chmod 0644 "$(DEST)/lib/systemd/system/knotholed.service"
	install -m 0644 deploy/sysusers.d/*.conf "$(DEST)/lib/sysusers.d/"
	install -m 0644 deploy/tmpfiles.d/*.conf "$(DEST)/lib/tmpfiles.d/"
	install -m 0644 deploy/systemd/examples/*.conf \
	    "$(SHARE)/knothole/systemd/"
	install -m 0644 deploy/apparmor/knotholed deploy/apparmor/system_tor \
	    "$(SHARE)/knothole/apparmor/"
	install -m 0644 deploy/tor/torrc deploy/tor/torrc.courier \
	    "$(SHARE)/knothole/tor/"
	install -m 0644 deploy/tor/torrc.courier "$(SHARE)/knothole/courier/torrc"
	install -m 0644 $(wildcard docs/man/*.1) "$(SHARE)/man/man1/"
	install -m 0644 $(wildcard docs/man/*.5) "$(SHARE)/man/man5/"
	install -m 0644 $(wildcard docs/man/*.8) "$(SHARE)/man/man8/"
	install -m 0644 README.md LICENSE CHANGELOG.md SECURITY.md $(wildcard docs/*.md) \
	    deploy/knotholed.conf.example "$(SHARE)/doc/knothole/"
	install -d "$(SHARE)/doc/knothole/tor" "$(SHARE)/doc/knothole/onionbalance"
	install -m 0644 $(wildcard deploy/tor/*) "$(SHARE)/doc/knothole/tor/"
	install -m 0644 $(wildcard deploy/onionbalance/*) \
	    "$(SHARE)/doc/knothole/onionbalance/"
	install -m 0644 $(BUILD)/completions/bash/* \
	    "$(SHARE)/bash-completion/completions/"
	install -m 0644 $(BUILD)/completions/zsh/* "$(SHARE)/zsh/site-functions/"
	install -m 0644 $(BUILD)/completions/fish/* \
	    "$(SHARE)/fish/vendor_completions.d/"
	install -m 0644 include/knothole/*.h "$(DEST)/include/knothole/"
	install -m 0644 $(SHARED) "$(DEST)/$(LIBDIR)/libknothole.so.$(VERSION)"
	ln -sf libknothole.so.$(VERSION) "$(DEST)/$(LIBDIR)/$(SONAME)"
	ln -sf $(SONAME) "$(DEST)/$(LIBDIR)/libknothole.so"
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	    -e 's|@VERSION@|$(VERSION)|' \
	    lib/libknothole.pc.in > "$(DEST)/$(LIBDIR)/pkgconfig/libknothole.pc"

# --- releases (docs/release.md) ---------------------------------------------

DIST := $(BUILD)/dist
TARBALL := $(DIST)/knothole-$(VERSION).tar.xz
SBOM := $(DIST)/knothole-$(VERSION).spdx.json

.PHONY: dist deb sbom sign check-deb check-unit

dist:
	deploy/release/dist $(VERSION) $(TARBALL)

$(TARBALL):
	$(MAKE) --no-print-directory dist

deb: dist
	deploy/install-packages $(DEPS_BUILD) $(DEPS_DEB)
	deploy/release/deb $(TARBALL) $(BUILD)/deb

# Everything that is given away, but for the SBOM.
RELEASED = $(TARBALL) $(sort $(wildcard $(BUILD)/deb/*.deb))

# Of the archive and the packages that are there: those of one commit.
sbom: all | $(TARBALL)
	deploy/release/sbom.py $(VERSION) $(BUILD)/bin $(RELEASED) > $(SBOM)

# Signs what dist, deb and sbom have made.
sign:
	deploy/release/sign "$(abspath $(KEY))" $(VERSION) \
	    "$$(deploy/release/commit)" $(DIST) $(RELEASED) $(SBOM)

check-deb:
	deploy/install-packages $(DEPS_BUILD) $(DEPS_DEB) $(DEPS_CHECK_DEB)
	$(MAKE) --no-print-directory -j$(NPROC) all deb
	$(MAKE) --no-print-directory sbom
	KNOTHOLE_BUILD=$(BUILD) tests/run --label check-deb --jobs 1 \
	    --timeout 1800 $(filter-out %/place.py,$(wildcard tests/package/*.py))

# All that they start, too.
check-unit: $(UNITS) $(BUILD)/tests/fakegpg
	tests/run --label unit $(UNITS)
