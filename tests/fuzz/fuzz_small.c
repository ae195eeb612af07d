/*
 * Forms without files: what is taken is told alike by any split of the input,
 * and, written anew with every byte escaped, is the same form; what is refused
 * is not acted on.
 *
 *	kind[1]  body ...	kind 0: urlencoded, else multipart, boundary "x"
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/secret.h"
#include "server/visit/small.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 3

static void
must(bool x)
{
	if (!x)
		abort();
}

/* The fields of a form that was acted on. */
struct seen {
	bool acted;
	bool given[FIELDS];
	size_t n[FIELDS];
	char p[FIELDS][KH_SMALL_FORM_MAX];
};

static struct seen now;
static struct kh_site site;
static struct kh_counter counter;
static struct kh_visit v;
static struct kh_reply r;

static void
keep(const struct kh_small_fields *f)
{
	const struct kh_slice all[FIELDS] = {f->code, f->token, f->page};
	size_t i, sum = 0;

	memset(&now, 0, sizeof(now));
	now.acted = true;
	for (i = 0; i < FIELDS; i++) {
		now.given[i] = all[i].p != NULL;
		must(now.given[i] || all[i].n == 0);
		now.n[i] = all[i].n;
		sum += all[i].n;
		must(sum <= KH_SMALL_FORM_MAX);
		if (all[i].n > 0)
			memcpy(now.p[i], all[i].p, all[i].n);
	}
}

static void
act(struct kh_visit *visit, const struct kh_small_fields *f,
    struct kh_reply *reply)
{
	(void)visit;
	keep(f);
	reply->status = 200;
}

/* Through the whole intake, in pieces of `step` bytes. */
static struct seen
whole(const char *type, const uint8_t *p, size_t n, size_t step)
{
	struct kh_intake in;
	size_t at, k;

	memset(&now, 0, sizeof(now));
	v.head.type = (struct kh_slice){type, strlen(type)};
	must(kh_small_new(&v, act, &in) == KH_OK);
	for (at = 0; at < n; at += k) {
		k = n - at < step ? n - at : step;
		in.feed(in.ctx, p + at, k);
	}
	r.status = 0;
	r.html.n = 0;
	in.finish(in.ctx, &r);
	in.free(in.ctx);
	must(now.acted ? r.status == 200 && r.html.n == 0
		       : r.status == 400 && r.html.n > 0);
	return now;
}

/* The same fields, with every byte escaped. */
static void
again(const struct seen *s)
{
	static const char *const names[FIELDS] = {"code=", "token=", "page="};
	static const char hex[] = "0123456789aBcDeF";
	static uint8_t text[4 * KH_SMALL_FORM_MAX];
	struct kh_small_fields f;
	size_t i, k, n = 0;

	for (i = FIELDS; i-- > 0;) {
		if (!s->given[i])
			continue;
		if (n > 0)
			text[n++] = '&';
		memcpy(text + n, names[i], strlen(names[i]));
		n += strlen(names[i]);
		for (k = 0; k < s->n[i]; k++) {
			text[n++] = '%';
			text[n++] = (uint8_t)hex[(uint8_t)s->p[i][k] >> 4];
			text[n++] = (uint8_t)hex[(uint8_t)s->p[i][k] & 15];
		}
	}
	must(kh_small_parse(text, n, &f) == KH_OK);
	keep(&f);
	must(memcmp(&now, s, sizeof(now)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	static struct seen first, other;
	const char *type;

	if (!ready) {
		must(kh_init() == KH_OK);
		must(kh_html_init(&r.html) == KH_OK);
		v.site = &site;
		v.view.site = &site;
		v.counter = &counter;
		ready = true;
	}
	if (size < 1)
		return 0;
	type = data[0] == 0 ? "application/x-www-form-urlencoded"
			    : "multipart/form-data; boundary=x";
	first = whole(type, data + 1, size - 1, SIZE_MAX);
	must(!first.acted || size - 1 <= KH_SMALL_FORM_MAX);
	other = whole(type, data + 1, size - 1, 1 + size % 5);
	must(memcmp(&first, &other, sizeof(first)) == 0);
	if (first.acted)
		again(&first);
	return 0;
}
