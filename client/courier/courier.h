/*
 * One run of the courier: what the command line said, and what it works with.
 */
#ifndef KNOTHOLE_COURIER_COURIER_H
#define KNOTHOLE_COURIER_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/courier/address.h"
#include "client/courier/http.h"
#include "client/courier/list.h"
#include "client/courier/stick.h"
#include "client/courier/sums.h"
#include "client/progress.h"

struct kh_options {
	const char *command;
	const char *stick;
	const char *server_text; /* as they were given */
	const char *token_file;
	struct kh_address server, proxy;
	bool has_proxy;
	bool keep, quiet, json;
	unsigned retries;
	unsigned timeout; /* seconds */
};

struct kh_courier {
	struct kh_options o;
	struct kh_http *http;
	struct kh_stick stick;
	struct kh_sums sums;
	struct kh_progress progress;
	uint64_t done; /* bytes, for the progress line */
	uint8_t token_hash[KH_COURIER_HASH_LEN]; /* as cards carry it */
};

/* The commands; each returns the exit status, having said what was wrong. */
int kh_courier_fetch(struct kh_courier *c);
int kh_courier_push(struct kh_courier *c);
int kh_courier_status(struct kh_courier *c);

/*
 * Read the command line. Returns -1 to go on, else the exit status: of --help
 * and --version, or of what is wrong, which has been said.
 */
int kh_options_read(struct kh_options *o, int argc, char **argv);

#endif
