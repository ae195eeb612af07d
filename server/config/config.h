/*
 * The configuration file: `key = value` lines, '#' comments, UTF-8. Unknown,
 * repeated and missing keys are errors that name file and line. Read by the
 * keeper alone, before anything else.
 */
#ifndef KNOTHOLED_CONFIG_H
#define KNOTHOLED_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

enum kh_listen_kind {
	KH_LISTEN_UNIX,
	KH_LISTEN_TCP4,
	KH_LISTEN_TCP6
};

/* Where to listen. Loopback or a unix socket: nothing else can be said. */
struct kh_listen {
	enum kh_listen_kind kind;
	char path[KH_PATH_MAX + 1]; /* unix: fits sun_path */
	uint8_t addr[16]; /* tcp: network order; 4 or 16 bytes */
	uint16_t port; /* tcp: 0 lets the kernel choose */
};

struct kh_config {
	struct kh_listen source_listen; /* required */
	bool has_courier; /* courier_listen is there */
	struct kh_listen courier_listen;
	uint32_t retention_days; /* 0: objects stay until they are collected */
	char store[KH_PATH_MAX + 1]; /* required; "/path" or "dir:/path" */
	char newsrooms[KH_PATH_MAX + 1]; /* required */
	/* What the instance itself must keep: its salt. Default: the store's
	 * path, without "dir:" and slashes at its end, and ".state". */
	char state[KH_PATH_MAX + 1];
	/* The health file; "": "health" in `state`. */
	char health[KH_PATH_MAX + 1];
	/* The program that wraps to OpenPGP keys; "/usr/bin/gpg". */
	char gpg[KH_PATH_MAX + 1];
	uint32_t settle_minutes; /* between occasions, on average; 60 */
	uint32_t selftest_minutes; /* 10 */
	char site_name[KH_SITE_NAME_MAX + 1]; /* default "Knothole" */
	/* The site's own v3 onion address, lower case; "" if not given. Shown
	 * to who comes through a proxy; other Host names are refused then. */
	char onion[KH_ONION_LEN + 1];
	/* Bytes of a request body, KH_UPLOAD_MIN to KH_UPLOAD_MAX; 20 GiB. */
	uint64_t max_upload;
	uint32_t max_message; /* characters; default 100000 */
	bool allow_swap; /* start although swap is not encrypted; no */
	uint32_t max_visits; /* connections at once; default 1000 */
	bool circuit_ids; /* source_listen: tor's PROXY lines; no */
};

/* What is wrong and what to write instead, for one line on stderr. */
struct kh_config_fault {
	unsigned line; /* 1-based; 0 when it is the file as a whole */
	char text[384]; /* printable ASCII, without full stop */
};

/*
 * Parse a whole file.
 *	out	set completely on KH_OK, defaults filled in; zeroed otherwise
 *	fault	set on every error; zeroed otherwise
 * Lines end in LF or CRLF. A '#' begins a comment only as the first thing of a
 * line. Sizes: digits and an optional unit B, K, M, G, KiB, MiB, GiB (powers
 * of 1024), a blank between them or not. Relative paths stay relative.
 * Errors: KH_EFORMAT, KH_ELIMIT; KH_EUNSUP for an address not to listen on.
 */
KH_CHECKED enum kh_err kh_config_parse(const char *text, size_t n,
    struct kh_config *out, struct kh_config_fault *fault);

/* Read the file at `path`. Errors: KH_ENOENT, KH_ESYS, and as above. */
KH_CHECKED enum kh_err kh_config_load(
    const char *path, struct kh_config *out, struct kh_config_fault *fault);

/*
 * "unix:/path", "tcp:127.0.0.1:80" (any of 127.0.0.0/8) or "tcp:[::1]:80".
 *	out	set completely on KH_OK, zeroed otherwise
 * Errors: KH_EFORMAT; KH_ELIMIT for a path that does not fit sun_path;
 * KH_EUNSUP for any other address, and for names: tor connects from this very
 * host, and nobody else may.
 */
KH_CHECKED enum kh_err kh_listen_parse(const char *text, struct kh_listen *out);

#endif
