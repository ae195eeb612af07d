/*
 * The manifest: what is read can be written, and reads the same again. The
 * input is JSON, or, after a zero byte, names for a manifest of our own.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/manifest.h"
#include "knothole/name.h"
#include "knothole/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
	if (!ok)
		abort();
}

static void
same(const struct kh_manifest *a, const struct kh_manifest *b)
{
	const struct kh_manifest_file *f, *g;
	size_t i;

	require(memcmp(a->mailbox, b->mailbox, KH_MAILBOX_LEN) == 0);
	require(memcmp(&a->reply_to, &b->reply_to, KH_X25519_LEN) == 0);
	require(a->has_slot_key == b->has_slot_key);
	require(memcmp(a->slot_key, b->slot_key, KH_SLOT_KEY_LEN) == 0);
	require(strcmp(a->language, b->language) == 0);
	require(strcmp(a->day, b->day) == 0);
	require(a->complete == b->complete);
	require(a->n_recipients == b->n_recipients);
	require(memcmp(a->recipients, b->recipients,
		    a->n_recipients * sizeof(*a->recipients)) == 0);
	require(a->n_files == b->n_files);
	for (i = 0; i < a->n_files; i++) {
		f = &a->files[i];
		g = &b->files[i];
		require(strcmp(f->entry, g->entry) == 0);
		require(strcmp(f->type, g->type) == 0);
		require(f->size == g->size && f->complete == g->complete);
		require(f->name_len == g->name_len);
		require(memcmp(f->name, g->name, f->name_len) == 0);
		require(kh_name_is_safe(f->entry + 10, strlen(f->entry) - 10));
	}
}

static void
round_trip(const struct kh_manifest *m)
{
	struct kh_manifest *again;
	enum kh_err e;
	char *json;
	size_t i, n;

	e = kh_manifest_write(m, &json, &n);
	if (e == KH_ENOMEM || e == KH_ELIMIT)
		return;
	require(e == KH_OK);
	for (i = 0; i < n; i++)
		require(json[i] == '\n' || (json[i] >= 0x20 && json[i] < 0x7f));
	require(kh_manifest_read(json, n, &again) == KH_OK);
	same(m, again);
	kh_manifest_free(again);
	kh_secret_free(json);
}

/* Names of any bytes, divided by 0xfe. */
static void
from_names(const uint8_t *p, size_t n)
{
	struct kh_manifest *m;
	const uint8_t *end;
	size_t k;

	if (kh_manifest_new(&m) != KH_OK)
		return;
	memcpy(m->language, "en", 3);
	memcpy(m->day, "2026-11-21", 11);
	m->reply_to.pk[0] = 9;
	m->recipients = calloc(1, sizeof(*m->recipients));
	if (m->recipients == NULL)
		abort();
	m->recipients[0] = m->reply_to;
	m->n_recipients = 1;
	while (n > 0) {
		end = memchr(p, 0xfe, n);
		k = end != NULL ? (size_t)(end - p) : n;
		if (kh_manifest_add(m, p, k, (const char *)p,
			k < KH_TYPE_MAX ? k : KH_TYPE_MAX) != KH_OK)
			break;
		k += end != NULL;
		p += k;
		n -= k;
	}
	round_trip(m);
	kh_manifest_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kh_manifest *m;

	if (kh_init() != KH_OK)
		abort();
	if (size > 0 && data[0] == 0) {
		from_names(data + 1, size - 1);
		return 0;
	}
	if (kh_manifest_read((const char *)data, size, &m) == KH_OK)
		round_trip(m);
	else
		require(m == NULL);
	kh_manifest_free(m);
	return 0;
}
