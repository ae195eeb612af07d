/*
 * Between the configuration file's syntax (config.c) and its keys (keys.c).
 */
#ifndef KNOTHOLED_CONFIG_KEYS_H
#define KNOTHOLED_CONFIG_KEYS_H

#include <stdbool.h>

#include "server/config/config.h"

#define KH_CONFIG_KEYS_N 17

struct kh_config_key;

/* A file being read. */
struct kh_config_state {
	struct kh_config *out;
	struct kh_config_fault *fault;
	const struct kh_config_key *key; /* whose value is being set */
	unsigned line;
	unsigned set_in[KH_CONFIG_KEYS_N]; /* the line, or 0 */
};

struct kh_config_key {
	const char *name;
	bool required;
	const char *example;
	/* `value`: NUL-terminated, not empty, at most KH_CONFIG_LINE_MAX
	 * bytes, valid UTF-8 without ASCII controls. */
	enum kh_err (*set)(struct kh_config_state *cs, const char *value);
};

extern const struct kh_config_key kh_config_keys[KH_CONFIG_KEYS_N];

/* Fill in the fault and return `e`. */
KH_CHECKED __attribute__((format(printf, 3, 4))) enum kh_err kh_config_fail(
    struct kh_config_state *cs, enum kh_err e, const char *format, ...);

/* The same about the value of cs->key: "KEY WHY; write for example: ..." */
KH_CHECKED enum kh_err kh_config_bad(
    struct kh_config_state *cs, enum kh_err e, const char *why);

/* The defaults, before the first line. */
void kh_config_defaults(struct kh_config *out);

/* What depends on several keys: after the last line.
 * Errors: KH_EFORMAT two listeners at one address. */
KH_CHECKED enum kh_err kh_config_check(struct kh_config_state *cs);

/* The default of `state`, which depends on `store`: after the last line.
 * Errors: KH_ELIMIT. */
KH_CHECKED enum kh_err kh_config_fill_state(struct kh_config_state *cs);

#endif
