/*
 * The command line: options through getopt_long, with messages of our own
 * (the library's print what was typed as it is).
 */
#ifndef KNOTHOLE_CLIENT_ARGS_H
#define KNOTHOLE_CLIENT_ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

/* Files of keys, or recipients, that one command line may name. */
#define KH_ARGS_KEYS_MAX 64

/* What -i and --passphrase-fd said. */
struct kh_args_keys {
	const char *path[KH_ARGS_KEYS_MAX];
	size_t n;
	int fd; /* of the passphrase, or -1 */
};

/*
 * The next option: its letter, -1 after the last one, or '?' when something
 * is wrong, which has been said then. `shorts` begins with ':' or "+:".
 */
int kh_args_next(
    int argc, char **argv, const char *shorts, const struct option *longs);

/*
 * Options that every command takes besides its own, until the end of the
 * program.
 *	longs	as for kh_args_next, with letters from KH_ARGS_ALSO_MIN on;
 *		NULL: none
 *	take	false when a value is not acceptable, which has been said then
 */
#define KH_ARGS_ALSO_MIN 256
void kh_args_also(
    const struct option *longs, bool (*take)(int letter, const char *value));

/* Start over with another command line. */
void kh_args_reset(void);

/* A decimal number from `min` to `max` and nothing else. */
bool kh_args_number(
    const char *text, unsigned min, unsigned max, unsigned *out);

/* Where an option goes that is given or not, or that has a text. */
struct kh_args_to {
	int letter; /* 0 ends a list of them */
	bool *flag; /* set true, or NULL */
	const char **text; /* of several the last, or NULL */
};

struct kh_args_spec {
	const char *shorts; /* as for kh_args_next */
	const struct option *longs;
	const struct kh_args_to *to;
	struct kh_args_keys *keys; /* for -i and --passphrase-fd */
};

/*
 * Read all options of a command line; its arguments begin at optind then. Stops
 * at 'h'. Says what is wrong and returns the exit status.
 */
int kh_args_read(const struct kh_args_spec *spec, int argc, char **argv);

/* Take -i (letter 'i') or --passphrase-fd (letter 'P'); false when it is not
 * acceptable, which has been said then. */
bool kh_args_key(struct kh_args_keys *k, int letter, const char *value);

#endif
