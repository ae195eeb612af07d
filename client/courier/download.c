/*
 * Fetching one object. Separate because here what the server says about
 * lengths and ranges meets what is on the stick.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/courier/download.h"
#include "client/courier/sha256.h"
#include "client/courier/talk.h"
#include "client/exit.h"
#include "client/signals.h"
#include "knothole/io.h"
#include "knothole/writeback.h"
#include "lib/base/precond.h"

#define LARGE 1048576 /* bytes; what is smaller is landed together */
#define LANDING_BYTES 67108864 /* landed together, at most */
#define LANDING_SECONDS 3 /* waited for, at most */
#define NOTE_SECONDS 5 /* what a pulled stick loses, at most */
#define NOTE_BYTES (UINT64_C(256) << 20)

/* Why it cannot go on. */
enum fault {
	FAULT_NONE,
	FAULT_LOCAL, /* the stick: `e` and errno */
	FAULT_LIES, /* the answer contradicts itself, or the request */
	FAULT_SIZE /* the object has another size than the list said */
};

struct download {
	struct kh_fetch *f;
	struct kh_object *o;
	int fd;
	uint64_t done; /* of it, those in the buffers included */
	size_t n; /* bytes in the buffer that is filled */
	size_t filling; /* which one that is */
	struct kh_file_sink file;
	struct kh_sink sink;
	struct kh_sha256 hash;
	struct {
		const uint8_t *p;
		size_t n;
		enum kh_err e; /* how it went, and errno */
		int err;
	} job; /* what the second hand writes, or syncs */
	uint64_t noted; /* bytes that are synced, or about to be */
	struct timespec noted_at;
	enum fault fault;
};

static enum kh_err
local(struct download *d, enum kh_err e)
{
	if (e != KH_OK)
		d->fault = FAULT_LOCAL;
	return e;
}

/* The second hand's jobs. */
static void
write_job(void *arg)
{
	struct download *d = arg;

	kh_sha256_add(&d->hash, d->job.p, d->job.n);
	d->job.e = d->sink.write(d->sink.ctx, d->job.p, d->job.n);
	d->job.err = errno;
}

static void
note_job(void *arg)
{
	struct download *d = arg;

	if (fdatasync(d->fd) != 0)
		d->job.e = kh_io_error();
	if (d->job.e == KH_OK)
		d->job.e =
		    kh_parts_note(&d->f->parts, d->o->id, d->file.written);
	d->job.err = errno;
}

/* Nothing is under way any more; did it go well? */
static enum kh_err
settle(struct download *d)
{
	enum kh_err e;

	if (d->o->size >= LARGE)
		kh_hand_wait(&d->f->hand);
	e = d->job.e;
	errno = d->job.err;
	return local(d, e);
}

/* Have the buffer written, and fill the other one. */
static enum kh_err
flush(struct download *d)
{
	enum kh_err e = settle(d);

	if (e != KH_OK || d->n == 0)
		return e;
	d->job.p = d->f->buf[d->filling];
	d->job.n = d->n;
	d->filling = 1 - d->filling;
	d->n = 0;
	if (d->o->size < LARGE) { /* the second hand may be naming others */
		write_job(d);
		return local(d, d->job.e);
	}
	kh_hand_give(&d->f->hand, write_job, d);
	return KH_OK;
}

/* Have it synced and said so: a pulled stick loses no more than what
 * follows. */
static enum kh_err
note(struct download *d)
{
	enum kh_err e = flush(d);

	if (e == KH_OK)
		e = settle(d);
	if (e == KH_OK)
		kh_hand_give(&d->f->hand, note_job, d);
	if (d->o->size < LARGE)
		kh_hand_wait(&d->f->hand);
	d->noted = d->done;
	(void)clock_gettime(CLOCK_MONOTONIC, &d->noted_at);
	return e;
}

/* What is there cannot be used: begin at the first byte. */
static enum kh_err
start_over(struct download *d)
{
	enum kh_err e = settle(d);

	if (e != KH_OK)
		return e;
	d->f->c->done -= d->done;
	d->n = 0;
	d->done = d->noted = 0;
	kh_sha256_begin(&d->hash);
	d->file = (struct kh_file_sink){d->fd, 0, 0};
	if (kh_parts_note(&d->f->parts, d->o->id, 0) != KH_OK ||
	    ftruncate(d->fd, 0) != 0 || lseek(d->fd, 0, SEEK_SET) != 0)
		e = KH_ESYS;
	return local(d, e);
}

static enum kh_err
lies(struct download *d, enum fault fault)
{
	d->fault = fault;
	return KH_EFORMAT;
}

static enum kh_err
on_begin(void *ctx, const struct kh_head *h)
{
	struct download *d = ctx;

	if (h->coded || !h->has_length)
		return lies(d, FAULT_LIES);
	if (h->status == 200) {
		if (h->length != d->o->size)
			return lies(d, FAULT_SIZE);
		return d->done > 0 ? start_over(d) : KH_OK;
	}
	if (!h->has_range || h->unsatisfied || d->done == 0)
		return lies(d, FAULT_LIES);
	if (h->total != d->o->size)
		return lies(d, FAULT_SIZE);
	if (h->first != d->done || h->last != h->total - 1 ||
	    h->length != h->total - h->first)
		return lies(d, FAULT_LIES);
	return KH_OK;
}

static bool
time_to_note(const struct download *d)
{
	struct timespec now;

	if (d->done - d->noted >= NOTE_BYTES)
		return true;
	return clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
	    now.tv_sec - d->noted_at.tv_sec >= NOTE_SECONDS;
}

static enum kh_err
on_bytes(void *ctx, const uint8_t *p, size_t n)
{
	struct download *d = ctx;
	enum kh_err e = KH_OK;
	size_t k;

	if (n > d->o->size - d->done)
		return lies(d, FAULT_LIES);
	d->done += n;
	d->f->c->done += n;
	while (n > 0 && e == KH_OK) {
		k = KH_DOWNLOAD_BUF_LEN - d->n;
		k = n < k ? n : k;
		memcpy(d->f->buf[d->filling] + d->n, p, k);
		d->n += k;
		p += k;
		n -= k;
		if (d->n == KH_DOWNLOAD_BUF_LEN)
			e = flush(d);
	}
	if (e == KH_OK && d->n == 0 && time_to_note(d))
		e = note(d);
	return e;
}

static int
on_try(void *ctx, struct kh_exchange *x)
{
	struct download *d = ctx;

	if (flush(d) != KH_OK)
		return KH_TALK_OURS;
	x->from = d->done;
	return 0;
}

/* Hash what an earlier run left. */
static enum kh_err
take_up(struct download *d, uint64_t size)
{
	enum kh_err e;
	size_t n, k;

	while (d->done < size) {
		k = size - d->done < KH_DOWNLOAD_BUF_LEN
		    ? (size_t)(size - d->done)
		    : KH_DOWNLOAD_BUF_LEN;
		e = kh_read_upto(d->fd, d->f->buf[0], k, &n);
		if (e != KH_OK || n == 0)
			return local(d, e == KH_OK ? KH_ESYS : e);
		kh_sha256_add(&d->hash, d->f->buf[0], n);
		d->done += n;
	}
	d->file = (struct kh_file_sink){d->fd, size, size};
	return KH_OK;
}

static enum kh_err
open_part(struct download *d)
{
	char name[KH_PART_NAME_LEN];
	struct stat sb;

	kh_stick_part_name(d->o->id, name);
	d->fd = openat(d->f->c->stick.objects_fd, name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	    0600);
	if (d->fd < 0)
		return local(d, kh_io_error());
	if (fstat(d->fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
		errno = ENOTSUP;
		return local(d, KH_ESYS);
	}
	d->file = (struct kh_file_sink){d->fd, 0, 0};
	d->sink = kh_sink_file(&d->file);
	kh_sha256_begin(&d->hash);
	(void)clock_gettime(CLOCK_MONOTONIC, &d->noted_at);
	if ((uint64_t)sb.st_size > d->o->size) {
		if (ftruncate(d->fd, 0) != 0)
			return local(d, KH_ESYS);
		return KH_OK;
	}
	return take_up(d, (uint64_t)sb.st_size);
}

/* It is complete: let it wait for its name. */
static int
land(struct download *d)
{
	struct kh_landing *l = &d->f->landing[d->f->filling];
	enum kh_err e = flush(d);
	struct timespec now;

	if (e == KH_OK)
		e = settle(d);
	if (e != KH_OK)
		return kh_stick_fail(&d->f->c->stick, e);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (l->n == 0)
		l->since = now;
	l->item[l->n].fd = d->fd;
	d->fd = -1;
	memcpy(l->item[l->n].id, d->o->id, sizeof(d->o->id));
	kh_sha256_end(&d->hash, l->item[l->n].hex);
	l->n++;
	l->bytes += d->o->size;
	if (l->n < d->f->landing_max && d->o->size < LARGE &&
	    l->bytes < LANDING_BYTES &&
	    now.tv_sec - l->since.tv_sec < LANDING_SECONDS)
		return KH_EXIT_OK;
	return kh_landing_begin(d->f);
}

/* The server no longer has it: neither do we want what there is of it. */
static int
gone(struct download *d)
{
	char name[KH_PART_NAME_LEN];

	d->o->gone = true;
	d->f->c->done -= d->done;
	kh_stick_part_name(d->o->id, name);
	(void)unlinkat(d->f->c->stick.objects_fd, name, 0);
	return KH_EXIT_OK;
}

/* kh_talk ended with KH_TALK_OURS. */
static int
faulted(struct download *d, const struct kh_exchange *x)
{
	if (d->fault != FAULT_LOCAL)
		return kh_nonsense(d->f->c, x, KH_EFORMAT);
	errno = x->error != KH_OK ? x->error_errno : errno;
	return kh_stick_fail(
	    &d->f->c->stick, x->error != KH_OK ? x->error : KH_ESYS);
}

/* Ask once; *again: sizes changed, and it was begun anew. */
static int
ask(struct download *d, bool *again)
{
	struct kh_exchange x = {
	    .method = KH_GET, .begin = on_begin, .write = on_bytes, .ctx = d};
	int code;

	*again = false;
	(void)snprintf(x.path, sizeof(x.path), "/v1/objects/%s", d->o->id);
	code = kh_talk(d->f->c, &x, on_try);
	if ((code == KH_TALK_OURS && d->fault == FAULT_SIZE) ||
	    (code == KH_EXIT_OK && x.head.status == 416 && d->done > 0)) {
		*again = true;
		return KH_EXIT_OK;
	}
	if (code == KH_TALK_OURS)
		return faulted(d, &x);
	if (code != KH_EXIT_OK)
		return code;
	if (x.head.status == 404)
		return gone(d);
	if (x.head.status != 200 && x.head.status != 206)
		return kh_refused(d->f->c, &x);
	if (d->done != d->o->size)
		return kh_nonsense(d->f->c, &x, KH_ETRUNC);
	return KH_EXIT_OK;
}

/* The part is of another object than the server now has under this id. */
static int
begin_anew(struct download *d)
{
	enum kh_err e;
	int code;

	d->fault = FAULT_NONE;
	kh_tell(
	    d->f->c, "%s has changed on the server; starting over", d->o->id);
	e = start_over(d);
	if (e != KH_OK)
		return kh_stick_fail(&d->f->c->stick, e);
	code = kh_get_entry(d->f->c, d->o);
	return code == KH_EXIT_OK && d->o->gone ? gone(d) : code;
}

static int
run(struct download *d)
{
	bool again = false, twice = false;
	int code = KH_EXIT_OK;

	while (code == KH_EXIT_OK && d->done < d->o->size) {
		code = ask(d, &again);
		if (code != KH_EXIT_OK || d->o->gone || !again)
			break;
		if (twice) {
			kh_say(d->f->c->o.server_text,
			    "the size of object %s is never what the list "
			    "says",
			    d->o->id);
			return KH_EXIT_DATA;
		}
		twice = true;
		code = begin_anew(d);
		if (d->o->gone)
			break;
	}
	if (code != KH_EXIT_OK || d->o->gone)
		return code;
	return land(d);
}

int
kh_download(struct kh_fetch *f, struct kh_object *o)
{
	struct download d = {.f = f, .o = o, .fd = -1};
	enum kh_err e;
	int code;

	PRECOND(f != NULL && f->buf[0] != NULL && o != NULL);
	e = open_part(&d);
	code = e == KH_OK ? run(&d) : kh_stick_fail(&f->c->stick, e);
	if (d.fd < 0)
		return code;
	/* Interrupted: what there is counts when the run is taken up. */
	if (!o->gone && d.fault == FAULT_NONE && code != KH_EXIT_OK)
		(void)(note(&d) == KH_OK);
	(void)(settle(&d) == KH_OK); /* nothing writes to it any more */
	close(d.fd);
	return code;
}
