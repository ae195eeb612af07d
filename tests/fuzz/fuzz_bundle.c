/*
 * The bundle reader over any bytes. What it takes has one form: the archive
 * written anew from the entries read is the input, to the byte.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/zip.h"
#include "lib/bundle/zipper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct compare {
	const uint8_t *p;
	size_t n, at;
};

static void
require(int ok)
{
	if (!ok)
		abort();
}

static enum kh_err
compare_write(void *ctx, const uint8_t *p, size_t n)
{
	struct compare *c = ctx;

	require(n <= c->n - c->at && memcmp(c->p + c->at, p, n) == 0);
	c->at += n;
	return KH_OK;
}

static enum kh_err
copy_write(void *ctx, const uint8_t *p, size_t n)
{
	return kh_zipper_data(ctx, p, n);
}

static enum kh_err
copy_open(void *ctx, const struct kh_bundle_entry *e, struct kh_sink *sink)
{
	require(strlen(e->path) <= KH_ZIP_NAME_MAX);
	*sink = (struct kh_sink){.write = copy_write, .ctx = ctx};
	return kh_zipper_begin(ctx, e->path);
}

static enum kh_err
copy_done(void *ctx, const struct kh_bundle_entry *e)
{
	require(kh_zipper_size(ctx) == e->size);
	return kh_zipper_end(ctx);
}

/* Padding fills what the other records leave. */
static void
copy_padding(struct kh_zipper *z, size_t size)
{
	static const uint8_t zero;
	uint64_t rest = kh_zipper_len(z) + KH_ZIP_LOCAL_LEN + 7 +
	    KH_ZIP_DESCRIPTOR_LEN + kh_zipper_cd_len(z) +
	    kh_zip_central_len(7, 0, 0) + KH_ZIP_END_LEN;

	require(rest <= size);
	require(kh_zipper_begin(z, "padding") == KH_OK);
	for (; rest < size; rest++)
		require(kh_zipper_data(z, &zero, 1) == KH_OK);
	require(kh_zipper_end(z) == KH_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kh_bundle_visitor v = {.open = copy_open, .done = copy_done};
	struct compare c = {.p = data, .n = size};
	struct kh_memory mem = {.p = data, .n = size};
	struct kh_bundle_reader *b;
	struct kh_zipper *z;

	if (kh_init() != KH_OK)
		abort();
	if (kh_bundle_reader_open(&b, kh_source_memory(&mem)) != KH_OK) {
		require(b == NULL);
		return 0;
	}
	/* What the directory alone admits may still fail in the data: only
	 * then is what was copied not compared to its end. */
	require(
	    kh_zipper_new(&z,
		(struct kh_sink){.write = compare_write, .ctx = &c}) == KH_OK);
	v.ctx = z;
	if (kh_bundle_read(b, &v) == KH_OK) {
		copy_padding(z, size);
		require(kh_zipper_close(z) == KH_OK);
		require(c.at == size);
	}
	kh_zipper_free(z);
	kh_bundle_reader_free(b);
	return 0;
}
