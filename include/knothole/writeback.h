/*
 * A sink into a large file that starts writing back early, so that the
 * fdatasync at the end has little left to wait for.
 */
#ifndef KNOTHOLE_WRITEBACK_H
#define KNOTHOLE_WRITEBACK_H

#include <stdint.h>

#include "knothole/io.h"

struct kh_file_sink {
	int fd; /* the caller's */
	uint64_t written;
	uint64_t started; /* handed to the disk so far */
};

/* `f` must be set to {fd, 0, 0} and outlive the sink; errors as kh_sink_fd. */
struct kh_sink kh_sink_file(struct kh_file_sink *f);

#endif
