/*
 * One line that tells how far a long run has come: only on a terminal, plain
 * text without colour, gone when the run ends.
 */
#ifndef KNOTHOLE_CLIENT_PROGRESS_H
#define KNOTHOLE_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* "1023.9 MiB", with NUL and room. */
#define KH_AMOUNT_LEN 16
/* The line, without its NUL: it must not wrap at 80 columns. */
#define KH_PROGRESS_LEN 78

struct kh_progress {
	bool on;
	bool shown;
	const char *verb; /* "sealing" */
	uint64_t all; /* bytes in all, 0 when not known */
	uint64_t before; /* of them were done before this run */
	size_t file, files; /* this is file so-and-so of so many; or 0 */
	struct timespec start, last;
};

/* Begin: `all` bytes are to be worked on (0: not known). Shows nothing unless
 * stderr is a terminal. `verb` is our own text and lives on. */
void kh_progress_start(struct kh_progress *p, const char *verb, uint64_t all);

/* `done` bytes so far. Cheap: shows at most five lines a second. */
void kh_progress_show(struct kh_progress *p, uint64_t done);

/* It is about several files: shows "file/files" and the time left, and counts
 * the first `before` bytes as done by an earlier run. */
void kh_progress_files(struct kh_progress *p, size_t files, uint64_t before);

/* Take the line away. */
void kh_progress_end(struct kh_progress *p);

/* The line itself for `done` bytes after `seconds`, NUL-terminated. */
void kh_progress_line(const struct kh_progress *p, uint64_t done,
    double seconds, char out[static KH_PROGRESS_LEN + 1]);

/* An amount of bytes for people: "512 B", "1.5 KiB", "2.0 GiB". */
void kh_amount(uint64_t bytes, char out[static KH_AMOUNT_LEN]);

#endif
