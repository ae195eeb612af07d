/*
 * ASCII armor, writing. Separate from reading because they share nothing but
 * two lines of text.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/age/armor.h"
#include "lib/age/b64.h"

#define LINES 1024 /* gathered for one call of the sink */
#define LINE_LEN (KH_B64_LINE_LEN + 1)

struct kh_armor_writer {
	struct kh_sink sink;
	size_t rest_n;
	uint8_t rest[KH_B64_LINE_BYTES]; /* less than a line */
	size_t out_n;
	/* The encoder ends each line with a NUL, and a LF replaces it. */
	char out[LINES * LINE_LEN];
};

static enum kh_err
send_text(struct kh_armor_writer *a)
{
	size_t n = a->out_n;

	a->out_n = 0;
	if (n == 0)
		return KH_OK;
	return a->sink.write(a->sink.ctx, (const uint8_t *)a->out, n);
}

static enum kh_err
put_line(struct kh_armor_writer *a, const uint8_t *p, size_t n)
{
	size_t len = (n + 2) / 3 * 4;
	enum kh_err e;

	if (sizeof(a->out) - a->out_n < LINE_LEN) {
		e = send_text(a);
		if (e != KH_OK)
			return e;
	}
	sodium_bin2base64(
	    a->out + a->out_n, LINE_LEN, p, n, sodium_base64_VARIANT_ORIGINAL);
	a->out[a->out_n + len] = '\n';
	a->out_n += len + 1;
	return KH_OK;
}

enum kh_err
kh_armor_writer_new(struct kh_armor_writer **out, struct kh_sink sink)
{
	struct kh_armor_writer *a;

	*out = NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return KH_ENOMEM;
	a->sink = sink;
	memcpy(a->out, KH_ARMOR_BEGIN "\n", sizeof(KH_ARMOR_BEGIN));
	a->out_n = sizeof(KH_ARMOR_BEGIN);
	*out = a;
	return KH_OK;
}

enum kh_err
kh_armor_writer_write(struct kh_armor_writer *a, const uint8_t *p, size_t n)
{
	size_t take;
	enum kh_err e;

	if (a->rest_n > 0) {
		take = sizeof(a->rest) - a->rest_n;
		take = take < n ? take : n;
		memcpy(a->rest + a->rest_n, p, take);
		a->rest_n += take;
		p += take;
		n -= take;
		if (a->rest_n < sizeof(a->rest))
			return KH_OK;
		a->rest_n = 0;
		e = put_line(a, a->rest, sizeof(a->rest));
		if (e != KH_OK)
			return e;
	}
	for (; n >= KH_B64_LINE_BYTES; n -= KH_B64_LINE_BYTES) {
		e = put_line(a, p, KH_B64_LINE_BYTES);
		if (e != KH_OK)
			return e;
		p += KH_B64_LINE_BYTES;
	}
	if (n > 0)
		memcpy(a->rest, p, n);
	a->rest_n = n;
	return send_text(a);
}

enum kh_err
kh_armor_writer_finish(struct kh_armor_writer *a)
{
	enum kh_err e;

	if (a->rest_n > 0) {
		e = put_line(a, a->rest, a->rest_n);
		if (e != KH_OK)
			return e;
		a->rest_n = 0;
	}
	e = send_text(a);
	if (e != KH_OK)
		return e;
	return a->sink.write(a->sink.ctx, (const uint8_t *)KH_ARMOR_END "\n",
	    sizeof(KH_ARMOR_END));
}

void
kh_armor_writer_free(struct kh_armor_writer *a)
{
	free(a);
}
