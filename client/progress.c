/*
 * The progress line. Separate so that commands only say how far they are, and
 * what a terminal shows of it can be tested without one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/progress.h"
#include "lib/base/precond.h"

#define INTERVAL 0.2 /* seconds between two lines */

void
kh_amount(uint64_t bytes, char out[static KH_AMOUNT_LEN])
{
	static const char *const unit[] = {
	    "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(out, KH_AMOUNT_LEN, "%" PRIu64 " B", bytes);
		return;
	}
	while (v >= 1023.95 && i < 5) { /* would print as 1024.0 */
		v /= 1024;
		i++;
	}
	(void)snprintf(out, KH_AMOUNT_LEN, "%.1f %s", v, unit[i]);
}

static double
seconds_between(const struct timespec *a, const struct timespec *b)
{
	return (double)(b->tv_sec - a->tv_sec) +
	    (double)(b->tv_nsec - a->tv_nsec) / 1e9;
}

void
kh_progress_start(struct kh_progress *p, const char *verb, uint64_t all)
{
	PRECOND(p != NULL && verb != NULL);
	memset(p, 0, sizeof(*p));
	p->verb = verb;
	p->all = all;
	p->on = isatty(STDERR_FILENO) == 1;
	if (p->on)
		(void)clock_gettime(CLOCK_MONOTONIC, &p->start);
	p->last = p->start;
}

void
kh_progress_files(struct kh_progress *p, size_t files, uint64_t before)
{
	PRECOND(p != NULL);
	p->files = files;
	p->before = before;
}

/* "fetching 3/20: 1.0 MiB of 20.0 MiB, 1.0 MiB/s, 0:00:19 left" */
static void
line_of_files(const struct kh_progress *p, uint64_t done, double seconds,
    char out[static KH_PROGRESS_LEN + 1])
{
	char amount[KH_AMOUNT_LEN], all[KH_AMOUNT_LEN], rate[KH_AMOUNT_LEN];
	uint64_t moved = done > p->before ? done - p->before : 0, left = 0;
	double speed = seconds > 0 ? (double)moved / seconds : 0;
	int n;

	kh_amount(done, amount);
	kh_amount(p->all, all);
	kh_amount((uint64_t)speed, rate);
	n = snprintf(out, KH_PROGRESS_LEN + 1, "%s %zu/%zu: %s of %s, %s/s",
	    p->verb, p->file, p->files, amount, all, rate);
	if (speed >= 1)
		left = (uint64_t)((double)(p->all - done) / speed);
	if (n < 0 || n >= KH_PROGRESS_LEN || speed < 1 || left > 359999)
		return;
	(void)snprintf(out + n, (size_t)(KH_PROGRESS_LEN + 1 - n),
	    ", %u:%02u:%02u left", (unsigned)(left / 3600),
	    (unsigned)(left / 60 % 60), (unsigned)(left % 60));
}

void
kh_progress_line(const struct kh_progress *p, uint64_t done, double seconds,
    char out[static KH_PROGRESS_LEN + 1])
{
	char amount[KH_AMOUNT_LEN], all[KH_AMOUNT_LEN], rate[KH_AMOUNT_LEN];

	if (p->all > 0 && done > p->all)
		done = p->all;
	if (p->files > 0) {
		line_of_files(p, done, seconds, out);
		return;
	}
	kh_amount(done, amount);
	kh_amount(seconds > 0 ? (uint64_t)((double)done / seconds) : 0, rate);
	if (p->all == 0) {
		(void)snprintf(out, KH_PROGRESS_LEN + 1,
		    "knothole: %s %s, %s/s", p->verb, amount, rate);
		return;
	}
	kh_amount(p->all, all);
	(void)snprintf(out, KH_PROGRESS_LEN + 1,
	    "knothole: %s %s of %s (%u %%), %s/s", p->verb, amount, all,
	    (unsigned)((double)done / (double)p->all * 100), rate);
}

void
kh_progress_show(struct kh_progress *p, uint64_t done)
{
	char line[KH_PROGRESS_LEN + 1];
	struct timespec now;

	if (!p->on || clock_gettime(CLOCK_MONOTONIC, &now) != 0 ||
	    seconds_between(&p->last, &now) < INTERVAL)
		return;
	p->last = now;
	kh_progress_line(p, done, seconds_between(&p->start, &now), line);
	fprintf(stderr, "\r%-*s", KH_PROGRESS_LEN, line);
	fflush(stderr);
	p->shown = true;
}

void
kh_progress_end(struct kh_progress *p)
{
	if (!p->shown)
		return;
	fprintf(stderr, "\r%*s\r", KH_PROGRESS_LEN, "");
	fflush(stderr);
	p->shown = false;
}
