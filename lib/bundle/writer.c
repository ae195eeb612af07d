/*
 * The bundle writer: ZIP into age, and the padding that brings the whole to a
 * Padmé length. What is peculiar to ZIP and to libarchive is elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/bundle.h"
#include "knothole/day.h"
#include "knothole/padme.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/manifest.h"
#include "lib/bundle/zip.h"
#include "lib/bundle/zipper.h"

struct kh_bundle_writer {
	struct kh_sink sink;
	uint64_t sealed; /* bytes that the sink has taken */
	struct kh_sealer *sealer;
	struct kh_zipper *zip;
	struct kh_manifest *manifest;
	bool message; /* message.txt is written */
	bool file; /* within a file */
	bool finished; /* or finishing */
	enum kh_err err;
};

static const uint8_t zeros[KH_CHUNK_LEN];

enum kh_err
kh_bundle_init(void)
{
	return kh_zipper_check();
}

static enum kh_err
count_sealed(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_bundle_writer *w = ctx;
	enum kh_err e;

	e = w->sink.write(w->sink.ctx, p, n);
	if (e == KH_OK)
		w->sealed += n;
	return e;
}

static enum kh_err
seal_plain(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_bundle_writer *w = ctx;

	return kh_sealer_write(w->sealer, p, n);
}

static enum kh_err
fill_manifest(struct kh_manifest *m, const struct kh_recipient *recipients,
    size_t n, const struct kh_bundle_info *info)
{
	m->recipients = calloc(n, sizeof(*recipients));
	if (m->recipients == NULL)
		return KH_ENOMEM;
	memcpy(m->recipients, recipients, n * sizeof(*recipients));
	m->n_recipients = n;
	memcpy(m->mailbox, info->mailbox, sizeof(m->mailbox));
	m->reply_to = info->reply_to;
	m->has_slot_key = true;
	memcpy(m->slot_key, info->slot_key, sizeof(m->slot_key));
	memcpy(m->language, info->language, strlen(info->language) + 1);
	memcpy(m->day, info->day, strlen(info->day) + 1);
	return KH_OK;
}

enum kh_err
kh_bundle_writer_new(struct kh_bundle_writer **out,
    const struct kh_recipient *recipients, size_t n,
    const struct kh_bundle_info *info, struct kh_sink sink)
{
	struct kh_seal_to to = {.recipients = recipients,
	    .n = n,
	    .bridges = info->bridges,
	    .n_bridges = info->n_bridges};
	struct kh_bundle_writer *w = NULL;
	enum kh_err e = KH_ENOMEM;

	PRECOND(out != NULL && recipients != NULL && n > 0);
	PRECOND(info != NULL && sink.write != NULL);
	PRECOND(info->language != NULL && info->day != NULL);
	PRECOND(kh_manifest_language_valid(info->language));
	PRECOND(kh_day_valid(info->day));
	*out = NULL;
	if (n > KH_RECIPIENTS_MAX)
		return KH_ELIMIT;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		goto out;
	w->sink = sink;
	e = kh_manifest_new(&w->manifest);
	if (e == KH_OK)
		e = fill_manifest(w->manifest, recipients, n, info);
	if (e == KH_OK)
		e = kh_zipper_new(
		    &w->zip, (struct kh_sink){.write = seal_plain, .ctx = w});
	if (e == KH_OK)
		e = kh_sealer_new(&w->sealer, &to,
		    (struct kh_sink){.write = count_sealed, .ctx = w});
	if (e != KH_OK)
		goto out;
	*out = w;
	w = NULL;
out:
	kh_bundle_writer_free(w);
	return e;
}

void
kh_bundle_writer_free(struct kh_bundle_writer *w)
{
	if (w == NULL)
		return;
	kh_zipper_free(w->zip);
	kh_sealer_free(w->sealer);
	kh_manifest_free(w->manifest);
	kh_wipe(w, sizeof(*w));
	free(w);
}

/* A whole entry from memory. */
static enum kh_err
put_entry(
    struct kh_bundle_writer *w, const char *name, const uint8_t *p, size_t n)
{
	enum kh_err e;

	e = kh_zipper_begin(w->zip, name);
	if (e == KH_OK)
		e = kh_zipper_data(w->zip, p, n);
	if (e == KH_OK)
		e = kh_zipper_end(w->zip);
	return e;
}

enum kh_err
kh_bundle_message(struct kh_bundle_writer *w, const uint8_t *text, size_t n)
{
	PRECOND(w != NULL && !w->file && !w->message && !w->finished);
	PRECOND(text != NULL && n > 0);
	if (w->err != KH_OK)
		return w->err;
	if (n > KH_MESSAGE_MAX)
		return KH_ELIMIT;

	w->message = true;
	return w->err = put_entry(w, "message.txt", text, n);
}

enum kh_err
kh_bundle_file(struct kh_bundle_writer *w, const uint8_t *name, size_t name_len,
    const char *type, size_t type_len)
{
	struct kh_manifest *m;
	enum kh_err e;

	PRECOND(w != NULL && !w->file && !w->finished);
	if (w->err != KH_OK)
		return w->err;

	m = w->manifest;
	e = kh_manifest_add(m, name, name_len, type, type_len);
	if (e == KH_ELIMIT)
		return e;
	if (e == KH_OK)
		e = kh_zipper_begin(w->zip, m->files[m->n_files - 1].entry);
	w->file = e == KH_OK;
	return w->err = e;
}

enum kh_err
kh_bundle_data(struct kh_bundle_writer *w, const uint8_t *p, size_t n)
{
	PRECOND(w != NULL && (w->file || w->err != KH_OK));
	PRECOND(p != NULL || n == 0);
	if (w->err != KH_OK)
		return w->err;

	return w->err = kh_zipper_data(w->zip, p, n);
}

enum kh_err
kh_bundle_file_end(struct kh_bundle_writer *w, bool complete)
{
	struct kh_manifest_file *f;

	PRECOND(w != NULL && (w->file || w->err != KH_OK));
	if (w->err != KH_OK)
		return w->err;

	f = &w->manifest->files[w->manifest->n_files - 1];
	f->size = kh_zipper_size(w->zip);
	f->complete = complete;
	w->file = false;
	return w->err = kh_zipper_end(w->zip);
}

static enum kh_err
put_manifest(struct kh_bundle_writer *w, bool complete)
{
	char *json = NULL;
	enum kh_err e;
	size_t i, n;

	for (i = 0; i < w->manifest->n_files; i++)
		complete = complete && w->manifest->files[i].complete;
	w->manifest->complete = complete;
	e = kh_manifest_write(w->manifest, &json, &n);
	if (e == KH_OK)
		e = put_entry(w, "manifest.json", (const uint8_t *)json, n);
	kh_secret_free(json);
	return e;
}

static enum kh_err
put_padding(struct kh_bundle_writer *w, uint64_t pad)
{
	enum kh_err e;
	size_t k;

	e = kh_zipper_begin(w->zip, "padding");
	for (; e == KH_OK && pad > 0; pad -= k) {
		k = pad < sizeof(zeros) ? (size_t)pad : sizeof(zeros);
		e = kh_zipper_data(w->zip, zeros, k);
	}
	if (e == KH_OK)
		e = kh_zipper_end(w->zip);
	return e;
}

static enum kh_err
finish(struct kh_bundle_writer *w, bool complete)
{
	uint64_t pad, plain_len, sealed_len;
	size_t header_len;
	enum kh_err e;

	e = put_manifest(w, complete);
	if (e != KH_OK)
		return e;
	header_len = kh_sealer_header_len(w->sealer);
	e = kh_zip_plan(header_len, kh_zipper_len(w->zip),
	    kh_zipper_cd_len(w->zip), &pad, &plain_len);
	if (e == KH_OK)
		e = put_padding(w, pad);
	if (e == KH_OK)
		e = kh_zipper_close(w->zip);
	if (e != KH_OK)
		return e;
	/* Before the last chunk: an object that shows its size is no object. */
	if (kh_zipper_len(w->zip) != plain_len)
		return KH_EPROTO;
	e = kh_sealer_finish(w->sealer);
	if (e != KH_OK)
		return e;
	sealed_len = header_len + kh_age_payload_len(plain_len);
	if (w->sealed != sealed_len || sealed_len != kh_padme(sealed_len))
		return KH_EPROTO;
	return KH_OK;
}

enum kh_err
kh_bundle_finish(
    struct kh_bundle_writer *w, bool complete, uint64_t *sealed_len)
{
	PRECOND(w != NULL && !w->file && !w->finished);
	if (sealed_len != NULL)
		*sealed_len = 0;
	if (w->err != KH_OK)
		return w->err;

	w->finished = true;
	w->err = finish(w, complete);
	if (w->err == KH_OK && sealed_len != NULL)
		*sealed_len = w->sealed;
	return w->err;
}
