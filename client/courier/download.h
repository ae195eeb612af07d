/*
 * One object: from the server into its part, and from there to its name.
 */
#ifndef KNOTHOLE_COURIER_DOWNLOAD_H
#define KNOTHOLE_COURIER_DOWNLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "client/courier/courier.h"
#include "client/courier/hand.h"
#include "client/courier/parts.h"

/* Small objects are synced together, as many as a network brings in three
 * seconds: a stick takes its time for each sync. */
#define KH_LANDING_MAX 1024

/* Parts that are complete and not yet named. */
struct kh_landing {
	struct {
		int fd;
		char id[KH_ID_LEN + 1];
		char hex[KH_SHA256_HEX_LEN];
	} item[KH_LANDING_MAX];
	size_t n;
	uint64_t bytes;
	struct timespec since; /* the first of them */
	int objects_fd;
	enum kh_err e; /* how naming them went, and errno */
	int err;
};

/* What a fetch works with besides the run. Too large for the stack. */
struct kh_fetch {
	struct kh_courier *c;
	struct kh_parts parts;
	struct kh_hand hand;
	struct kh_landing landing[2]; /* filled, and being named */
	size_t filling; /* which of them is filled */
	size_t landing_max; /* as many descriptors as there are for each */
	uint8_t *buf[2]; /* KH_DOWNLOAD_BUF_LEN: filled, and being written */
	struct timespec saved; /* when SHA256SUMS was written last */
};

#define KH_DOWNLOAD_BUF_LEN 1048576

/*
 * Fetch one object, from where its part ends; it waits in the landing then, or
 * has its name. o->gone is set when the server no longer has it.
 * Returns the exit status; whatever it is, the part can be gone on with.
 */
int kh_download(struct kh_fetch *f, struct kh_object *o);

/* How many parts a landing can hold: two are open at once. Asks for more
 * descriptors if need be. */
size_t kh_landing_room(void);

/* Begin to sync what waits and to give it names; see to the sums of those
 * before. Returns the exit status, of those before. */
int kh_landing_begin(struct kh_fetch *f);

/* See that everything that waited has its name and its sum. */
int kh_landing_finish(struct kh_fetch *f);

#endif
