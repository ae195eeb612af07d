/*
 * One object: from the server into its part, and from there to its name.
 */
#ifndef KNOTHOLE_COURIER_DOWNLOAD_H
#define KNOTHOLE_COURIER_DOWNLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "client/courier/courier.h"
#include "client/courier/parts.h"

/* Small objects are synced together: a stick takes its time for each sync. */
#define KH_LANDING_MAX 64

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
};

/* What a fetch works with besides the run. */
struct kh_fetch {
	struct kh_courier *c;
	struct kh_parts parts;
	struct kh_landing landing;
	uint8_t *buf; /* KH_DOWNLOAD_BUF_LEN, for the object at hand */
	struct timespec saved; /* when SHA256SUMS was written last */
};

#define KH_DOWNLOAD_BUF_LEN 1048576

/*
 * Fetch one object, from where its part ends; it waits in the landing then, or
 * has its name. o->gone is set when the server no longer has it.
 * Returns the exit status; whatever it is, the part can be gone on with.
 */
int kh_download(struct kh_fetch *f, struct kh_object *o);

/* Sync what waits, give it names, sync the directory, note the sums. Returns
 * the exit status. */
int kh_landing_flush(struct kh_fetch *f);

#endif
