/*
 * Small forms: taken in whole, in locked memory, then parsed. Separate from
 * submissions, which are never held whole.
 */
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/multipart.h"
#include "server/visit/small.h"

struct small {
	struct kh_visit *v;
	void (*act)(struct kh_visit *v, const struct kh_small_fields *f,
	    struct kh_reply *r);
	struct kh_slice boundary; /* n = 0: urlencoded */
	bool too_long;
	size_t n;
	uint8_t body[KH_SMALL_FORM_MAX];
	/* Of a multipart body: its values, one behind the other. */
	struct kh_slice *target;
	struct kh_small_fields fields;
	size_t used;
	char values[KH_SMALL_FORM_MAX];
};

static struct kh_slice *
field(struct kh_small_fields *f, struct kh_slice name)
{
	static const char *const names[] = {"code", "token", "page"};
	struct kh_slice *const slots[] = {&f->code, &f->token, &f->page};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == name.n &&
		    memcmp(names[i], name.p, name.n) == 0)
			return slots[i];
	}
	return NULL;
}

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Decode up to `end` in place; *len receives the length. */
static enum kh_err
decode(uint8_t *p, const uint8_t *end, size_t *len)
{
	uint8_t *out = p;
	const uint8_t *in;

	for (in = p; in < end; in++) {
		if (*in != '%') {
			*out++ = *in == '+' ? ' ' : *in;
			continue;
		}
		if (end - in < 3 || hex(in[1]) < 0 || hex(in[2]) < 0)
			return KH_EFORMAT;
		*out++ = (uint8_t)(hex(in[1]) << 4 | hex(in[2]));
		in += 2;
	}
	*len = (size_t)(out - p);
	return KH_OK;
}

enum kh_err
kh_small_parse(uint8_t *p, size_t n, struct kh_small_fields *out)
{
	uint8_t *const end = p + n;
	struct kh_slice name, *slot;
	uint8_t *next, *eq;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (n > 0 && end[-1] == '&')
		return KH_EFORMAT; /* nothing behind the last '&' */
	while (p < end) {
		next = memchr(p, '&', (size_t)(end - p));
		if (next == NULL)
			next = end;
		eq = memchr(p, '=', (size_t)(next - p));
		if (eq == NULL)
			return KH_EFORMAT;
		name = (struct kh_slice){(char *)p, (size_t)(eq - p)};
		slot = field(out, name);
		if (slot == NULL || slot->p != NULL ||
		    decode(eq + 1, next, &len) != KH_OK)
			return KH_EFORMAT;
		*slot = (struct kh_slice){(char *)eq + 1, len};
		p = next + (next < end);
	}
	return KH_OK;
}

static enum kh_err
on_part(void *ctx, const struct kh_part *part)
{
	struct small *s = ctx;

	s->target = field(&s->fields, part->name);
	if (s->target == NULL || s->target->p != NULL || part->has_filename)
		return KH_EFORMAT;
	*s->target = (struct kh_slice){s->values + s->used, 0};
	return KH_OK;
}

static enum kh_err
on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct small *s = ctx;

	PRECOND(n <= sizeof(s->values) - s->used); /* no longer than the body */
	memcpy(s->values + s->used, p, n);
	s->used += n;
	s->target->n += n;
	return KH_OK;
}

static enum kh_err
on_end(void *ctx)
{
	(void)ctx;
	return KH_OK;
}

static enum kh_err
parse_multipart(struct small *s)
{
	static const struct kh_multipart_ops ops = {
	    .part = on_part, .data = on_data, .end = on_end};
	struct kh_multipart mp;
	enum kh_err e;

	kh_multipart_init(&mp, s->boundary, &ops, s);
	e = kh_multipart_feed(&mp, s->body, s->n);
	if (e == KH_OK)
		e = kh_multipart_finish(&mp);
	kh_wipe(&mp, sizeof(mp));
	return e;
}

static void
feed(void *ctx, const uint8_t *p, size_t n)
{
	struct small *s = ctx;

	atomic_fetch_add(&s->v->counter->bytes, n);
	if (n > sizeof(s->body) - s->n) {
		s->too_long = true;
		return;
	}
	memcpy(s->body + s->n, p, n);
	s->n += n;
}

static void
finish(void *ctx, struct kh_reply *r)
{
	struct small *s = ctx;
	enum kh_err e = KH_EFORMAT;

	if (!s->too_long && s->boundary.n > 0)
		e = parse_multipart(s);
	else if (!s->too_long)
		e = kh_small_parse(s->body, s->n, &s->fields);
	if (e == KH_OK) {
		s->act(s->v, &s->fields, r);
		return;
	}
	r->status = kh_reason_status(KH_REASON_FORM);
	kh_page_refusal(&r->html, &s->v->view, KH_REASON_FORM);
}

static void
cut(void *ctx)
{
	(void)ctx;
}

static void
small_free(void *ctx)
{
	kh_secret_free(ctx);
}

/* application/x-www-form-urlencoded, with or without parameters. */
static bool
urlencoded(struct kh_slice type)
{
	static const char name[] = "application/x-www-form-urlencoded";
	const size_t n = sizeof(name) - 1;

	if (type.n < n || (type.n > n && type.p[n] != ';' && type.p[n] != ' '))
		return false;
	type.n = n;
	return kh_slice_is(type, name);
}

enum kh_err
kh_small_new(struct kh_visit *v,
    void (*act)(struct kh_visit *v, const struct kh_small_fields *f,
	struct kh_reply *r),
    struct kh_intake *out)
{
	struct kh_slice boundary = {NULL, 0};
	struct small *s;
	enum kh_err e;

	if (!urlencoded(v->head.type)) {
		e = kh_multipart_boundary(v->head.type, &boundary);
		if (e != KH_OK)
			return e;
	}
	s = kh_secret_alloc(sizeof(*s));
	if (s == NULL)
		return KH_ENOMEM;
	memset(s, 0, sizeof(*s));
	s->v = v;
	s->act = act;
	s->boundary = boundary;
	*out = (struct kh_intake){s, feed, finish, cut, small_free};
	return KH_OK;
}
