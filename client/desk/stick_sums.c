/*
 * SHA256SUMS of a stick, read. Separate because it only ever makes the desk
 * refuse more: an object that this newsroom cannot open is compared with it.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/desk/stick.h"
#include "lib/base/precond.h"

#define HASH_HEX 64
#define PREFIX "  " KH_STICK_OBJECTS "/"
#define ID_HEX (2 * KH_OBJECT_ID_LEN)

static bool
is_hex(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!((p[i] >= '0' && p[i] <= '9') ||
			(p[i] >= 'a' && p[i] <= 'f')))
			return false;
	return true;
}

static enum kh_err
grow(struct kh_stick_sums *s)
{
	size_t cap = s->cap == 0 ? 256 : 2 * s->cap;
	void *p;

	if (s->n < s->cap)
		return KH_OK;
	p = realloc(s->sums, cap * sizeof(s->sums[0]));
	if (p == NULL)
		return KH_ENOMEM;
	s->sums = p;
	s->cap = cap;
	return KH_OK;
}

/* "HASH  objects/ID.age", without its LF. A line for another file is fine. */
static enum kh_err
take_line(struct kh_stick_sums *s, const char *line, size_t n)
{
	const size_t prefix = sizeof(PREFIX) - 1;
	uint8_t id[KH_OBJECT_ID_LEN];
	enum kh_err e;
	size_t len;

	if (n < HASH_HEX + 3 || !is_hex(line, HASH_HEX))
		return KH_EFORMAT;
	if (n != HASH_HEX + prefix + ID_HEX + 4 ||
	    memcmp(line + HASH_HEX, PREFIX, prefix) != 0 ||
	    !is_hex(line + HASH_HEX + prefix, ID_HEX) ||
	    memcmp(line + n - 4, ".age", 4) != 0)
		return KH_OK;
	e = grow(s);
	if (e != KH_OK)
		return e;
	if (sodium_hex2bin(s->sums[s->n], sizeof(s->sums[0]), line, HASH_HEX,
		NULL, &len, NULL) != 0 ||
	    sodium_hex2bin(id, sizeof(id), line + HASH_HEX + prefix, ID_HEX,
		NULL, &len, NULL) != 0)
		return KH_EFORMAT;
	e = kh_table_put(&s->by_id, id, s->n);
	if (e == KH_OK)
		s->n++;
	return e == KH_EEXIST ? KH_EFORMAT : e;
}

enum kh_err
kh_stick_sums_parse(struct kh_stick_sums *out, const char *text, size_t n)
{
	enum kh_err e = KH_OK;
	const char *end;

	PRECOND(out != NULL && text != NULL);
	while (n > 0 && e == KH_OK) {
		end = memchr(text, '\n', n);
		if (end == NULL)
			return KH_EFORMAT;
		e = take_line(out, text, (size_t)(end - text));
		n -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	return e;
}

enum kh_err
kh_stick_sums_read(
    const struct kh_stick *s, struct kh_stick_sums *out, struct kh_report *r)
{
	char *text = NULL;
	enum kh_err e;
	size_t n;

	PRECOND(s != NULL && out != NULL);
	memset(out, 0, sizeof(*out));
	e = kh_stick_read(
	    s->top_fd, KH_STICK_SUMS, KH_STICK_SUMS_MAX, &text, &n);
	if (e == KH_OK)
		e = kh_stick_sums_parse(out, text, n);
	free(text);
	if (e == KH_OK || e == KH_ENOENT || e == KH_ENOMEM)
		return e == KH_ENOMEM ? e : KH_OK;
	kh_report_refuse(r, NULL, KH_STICK_SUMS,
	    e == KH_EUNSUP ? "not a regular file"
			   : "not a list of hashes; the objects are looked at "
			     "without it");
	return KH_OK;
}

const uint8_t *
kh_stick_sum(
    const struct kh_stick_sums *s, const uint8_t id[static KH_OBJECT_ID_LEN])
{
	size_t i = kh_table_get(&s->by_id, id);

	return i == KH_TABLE_NONE ? NULL : s->sums[i];
}

void
kh_stick_sums_clear(struct kh_stick_sums *s)
{
	kh_table_clear(&s->by_id);
	free(s->sums);
	memset(s, 0, sizeof(*s));
}
