/*
 * Looking at objects. Separate from importing because it decides nothing and
 * writes nothing.
 */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "client/desk/examine.h"
#include "client/input.h"
#include "client/nested.h"
#include "knothole/bundle.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define SEALED_CHUNK (KH_CHUNK_LEN + KH_TAG_LEN)

/* While the entries are read. */
struct looking {
	struct kh_found *f;
	const struct kh_manifest *m;
	bool in_file;
	size_t file;
	uint8_t head[KH_NESTED_HEAD_LEN];
	size_t n_head;
};

enum kh_err
kh_examine_mark(int fd, uint8_t mark[static KH_MARK_LEN])
{
	uint8_t p[KH_MARK_BYTES];
	size_t n = 0;
	ssize_t got;

	do {
		got = pread(fd, p + n, sizeof(p) - n, (off_t)n);
		if (got < 0)
			return KH_ESYS;
		n += (size_t)got;
	} while (got > 0 && n < sizeof(p));
	crypto_generichash(mark, KH_MARK_LEN, p, n, NULL, 0);
	return KH_OK;
}

/*
 * For others: is its end where an age file can end? Its last chunk, too, has a
 * tag and, unless it is the only one, something to seal (C2SP age, "STREAM").
 */
static enum kh_err
check_length(const struct kh_source *src)
{
	static const char mac[] = "\n--- ";
	static uint8_t p[KH_AGE_HEADER_MAX];
	size_t n = src->size < sizeof(p) ? (size_t)src->size : sizeof(p);
	const uint8_t *line, *end;
	uint64_t payload, rest;
	enum kh_err e;

	e = src->read_at(src->ctx, 0, p, n);
	if (e != KH_OK)
		return e;
	line = memmem(p, n, mac, sizeof(mac) - 1);
	if (line == NULL)
		return KH_EFORMAT;
	end = memchr(line + 1, '\n', n - (size_t)(line + 1 - p));
	if (end == NULL ||
	    src->size - (uint64_t)(end + 1 - p) < KH_AGE_NONCE_LEN)
		return KH_ETRUNC;
	payload = src->size - (uint64_t)(end + 1 - p) - KH_AGE_NONCE_LEN;
	rest = payload % SEALED_CHUNK;
	if (payload < KH_TAG_LEN || (rest > 0 && rest < KH_TAG_LEN) ||
	    (rest == KH_TAG_LEN && payload > KH_TAG_LEN))
		return KH_ETRUNC;
	return KH_OK;
}

static enum kh_err
on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct looking *l = ctx;
	size_t k = sizeof(l->head) - l->n_head;

	if (n < k)
		k = n;
	if (l->in_file && k > 0) {
		memcpy(l->head + l->n_head, p, k);
		l->n_head += k;
	}
	return KH_OK;
}

static enum kh_err
on_open(void *ctx, const struct kh_bundle_entry *entry, struct kh_sink *sink)
{
	struct looking *l = ctx;

	*sink = (struct kh_sink){.write = on_data, .ctx = l};
	l->in_file = entry->file != NULL;
	l->n_head = 0;
	if (l->in_file) {
		l->file = (size_t)(entry->file - l->m->files);
		l->f->o.bytes += entry->size;
	} else if (strcmp(entry->path, "message.txt") == 0) {
		l->f->o.message = entry->size;
	}
	return KH_OK;
}

static enum kh_err
on_done(void *ctx, const struct kh_bundle_entry *entry)
{
	struct looking *l = ctx;

	(void)entry;
	if (l->in_file && kh_input_is_age((const char *)l->head, l->n_head))
		kh_desk_set_presealed(&l->f->o, l->file);
	return KH_OK;
}

static void
take_manifest(struct kh_found *f, const struct kh_manifest *m)
{
	f->o.complete = m->complete;
	f->o.n_files = (uint32_t)m->n_files;
	memcpy(f->o.day, m->day, sizeof(f->o.day));
	memcpy(f->t.mailbox, m->mailbox, sizeof(f->t.mailbox));
	f->t.has_slot_key = m->has_slot_key;
	memcpy(f->t.slot_key, m->slot_key, sizeof(f->t.slot_key));
	memcpy(f->t.language, m->language, sizeof(f->t.language));
	f->t.reply_to = m->reply_to;
	f->t.next = 0;
}

static enum kh_err
look_inside(struct kh_age_reader *r, struct kh_found *f)
{
	struct kh_bundle_reader *b = NULL;
	struct looking l = {.f = f};
	struct kh_bundle_visitor v = {
	    .open = on_open, .done = on_done, .ctx = &l};
	enum kh_err e;

	e = kh_bundle_reader_new(&b, r);
	if (e == KH_OK) {
		l.m = kh_bundle_manifest(b);
		take_manifest(f, l.m);
		e = kh_bundle_read(b, &v);
	}
	if (e == KH_EFORMAT) /* age, but nothing that our server seals */
		e = KH_ENAME;
	if (e == KH_OK)
		e = kh_age_reader_verify(r, NULL, NULL);
	kh_bundle_reader_free(b);
	kh_wipe(l.head, sizeof(l.head));
	return e;
}

enum kh_err
kh_examine(int fd, const struct kh_keyring *kr, struct kh_found *f)
{
	struct kh_age_reader *r = NULL;
	struct kh_source src;
	enum kh_err e;

	PRECOND(fd >= 0 && kr != NULL && f != NULL);
	f->o.message = KH_NO_MESSAGE;
	f->o.thread = KH_NO_THREAD;
	e = kh_source_fd(&fd, &src);
	if (e == KH_OK)
		e = kh_age_reader_new(&r, kr, src);
	f->opened = e == KH_OK;
	if (e == KH_OK)
		e = look_inside(r, f);
	else if (e == KH_ENOKEY)
		e = check_length(&src);
	kh_age_reader_free(r);
	return e;
}

enum kh_err
kh_examine_header(int fd, const struct kh_keyring *kr)
{
	struct kh_age_reader *r = NULL;
	struct kh_source src;
	enum kh_err e;

	PRECOND(fd >= 0 && kr != NULL);
	e = kh_source_fd(&fd, &src);
	if (e == KH_OK)
		e = kh_age_reader_new(&r, kr, src);
	kh_age_reader_free(r);
	return e == KH_ENOKEY ? KH_OK : e;
}
