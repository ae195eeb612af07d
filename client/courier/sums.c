/*
 * SHA256SUMS as a table. Separate from fetching and pushing, which both change
 * it, because at no moment may it be wrong: a line is added after its file,
 * and taken away before.
 */
#include <stdlib.h>
#include <string.h>

#include "client/courier/sums.h"
#include "lib/base/precond.h"

#define HEX_LEN (KH_SHA256_HEX_LEN - 1)
#define GROW 1024

static int
compare(const void *a, const void *b)
{
	return strcmp(
	    ((const struct kh_sum *)a)->path, ((const struct kh_sum *)b)->path);
}

static struct kh_sum *
find(struct kh_sums *s, const char *path)
{
	char *key = (char *)(uintptr_t)path; /* compare does not write */
	const struct kh_sum wanted = {key, ""};

	if (s->n == 0)
		return NULL;
	return bsearch(&wanted, s->sum, s->n, sizeof(*s->sum), compare);
}

/* A line at place `i`; `path` of `n` bytes is copied. */
static enum kh_err
insert(struct kh_sums *s, size_t i, const char *path, size_t n, const char *hex)
{
	size_t room = s->room == 0 ? GROW : 2 * s->room;
	struct kh_sum *p;
	char *copy;

	if (s->n == s->room) {
		p = realloc(s->sum, room * sizeof(*p));
		if (p == NULL)
			return KH_ENOMEM;
		s->sum = p;
		s->room = room;
	}
	copy = strndup(path, n);
	if (copy == NULL)
		return KH_ENOMEM;
	p = &s->sum[i];
	memmove(p + 1, p, (s->n - i) * sizeof(*p));
	p->path = copy;
	memcpy(p->hex, hex, HEX_LEN);
	p->hex[HEX_LEN] = '\0';
	s->n++;
	return KH_OK;
}

/* Below knothole-stick, and nothing that a terminal or sha256sum would take
 * for something else. */
static bool
path_valid(const char *p, size_t n)
{
	size_t i, start = 0;

	if (n == 0 || n > KH_SUMS_PATH_MAX)
		return false;
	for (i = 0; i <= n; i++) {
		if (i < n && p[i] != '/') {
			if (p[i] < 0x20 || p[i] > 0x7e || p[i] == '\\')
				return false;
			continue;
		}
		if (i == start || (i - start == 1 && p[start] == '.') ||
		    (i - start == 2 && memcmp(p + start, "..", 2) == 0))
			return false;
		start = i + 1;
	}
	return true;
}

/* One line without its LF. */
static enum kh_err
parse_line(struct kh_sums *s, const char *p, size_t n)
{
	enum kh_err e;
	size_t i;

	if (n < HEX_LEN + 3 || memcmp(p + HEX_LEN, "  ", 2) != 0)
		return KH_EFORMAT;
	for (i = 0; i < HEX_LEN; i++)
		if ((p[i] < '0' || p[i] > '9') && (p[i] < 'a' || p[i] > 'f'))
			return KH_EFORMAT;
	if (!path_valid(p + HEX_LEN + 2, n - HEX_LEN - 2))
		return KH_EFORMAT;
	e = insert(s, s->n, p + HEX_LEN + 2, n - HEX_LEN - 2, p);
	if (e == KH_OK && s->n > 1 &&
	    compare(&s->sum[s->n - 2], &s->sum[s->n - 1]) >= 0)
		e = KH_EFORMAT;
	return e;
}

enum kh_err
kh_sums_parse(struct kh_sums *s, const char *text, size_t n)
{
	const char *end = text + n, *lf;
	enum kh_err e = KH_OK;

	PRECOND(s != NULL && (text != NULL || n == 0));
	memset(s, 0, sizeof(*s));
	if (n > KH_SUMS_MAX)
		return KH_ELIMIT;
	while (text < end && e == KH_OK) {
		lf = memchr(text, '\n', (size_t)(end - text));
		e = lf == NULL ? KH_EFORMAT
			       : parse_line(s, text, (size_t)(lf - text));
		text = lf == NULL ? end : lf + 1;
	}
	if (e != KH_OK)
		kh_sums_clear(s);
	return e;
}

/* Where `path` belongs: most often at the end. */
static size_t
place(const struct kh_sums *s, const char *path)
{
	size_t low = 0, high = s->n, mid;

	if (s->n == 0 || strcmp(s->sum[s->n - 1].path, path) < 0)
		return s->n;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(s->sum[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

enum kh_err
kh_sums_put(struct kh_sums *s, const char *path,
    const char hex[static KH_SHA256_HEX_LEN])
{
	struct kh_sum *p;

	PRECOND(s != NULL && path_valid(path, strlen(path)));
	s->changed = true;
	p = find(s, path);
	if (p == NULL)
		return insert(s, place(s, path), path, strlen(path), hex);
	memcpy(p->hex, hex, KH_SHA256_HEX_LEN);
	return KH_OK;
}

const char *
kh_sums_find(struct kh_sums *s, const char *path)
{
	const struct kh_sum *p;

	PRECOND(s != NULL && path != NULL);
	p = find(s, path);
	return p == NULL ? NULL : p->hex;
}

/* Remove line `i`, order kept. */
static void
drop_at(struct kh_sums *s, size_t i)
{
	free(s->sum[i].path);
	memmove(&s->sum[i], &s->sum[i + 1], (s->n - i - 1) * sizeof(*s->sum));
	s->n--;
	s->changed = true;
}

void
kh_sums_drop(struct kh_sums *s, const char *path)
{
	const struct kh_sum *p;

	PRECOND(s != NULL && path != NULL);
	p = find(s, path);
	if (p != NULL)
		drop_at(s, (size_t)(p - s->sum));
}

void
kh_sums_clear(struct kh_sums *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->sum[i].path);
	free(s->sum);
	memset(s, 0, sizeof(*s));
}
