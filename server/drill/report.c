/*
 * Gathering what the drill sees. Nothing here looks at a file.
 */
#include "server/drill/report.h"

#include <stdlib.h>
#include <string.h>

#include "knothole/day.h"
#include "lib/base/precond.h"

#define DAY_MAX INT64_C(253402300799) /* 9999-12-31 */

enum kh_err
kh_report_new(struct kh_report **out)
{
	struct kh_report *r = calloc(1, sizeof(*r));

	PRECOND(out != NULL);
	*out = NULL;
	if (r == NULL)
		return KH_ENOMEM;
	r->odd = calloc(KH_DRILL_ODDITIES_MAX, sizeof(*r->odd));
	if (r->odd == NULL) {
		free(r);
		return KH_ENOMEM;
	}
	*out = r;
	return KH_OK;
}

void
kh_report_free(struct kh_report *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n_odd; i++)
		free(r->odd[i].where);
	for (i = 0; i < KH_TRACE_N; i++)
		free(r->tally[i].sizes.at);
	free(r->odd);
	free(r);
}

/* The first that is not smaller. */
static size_t
find_size(const struct kh_sizes *s, uint64_t size)
{
	size_t low = 0, high = s->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->at[mid].size < size)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static enum kh_err
grow(struct kh_sizes *s)
{
	size_t cap = s->cap == 0 ? 16 : 2 * s->cap;
	struct kh_size *at;

	if (s->n < s->cap)
		return KH_OK;
	at = reallocarray(s->at, cap, sizeof(*at));
	if (at == NULL)
		return KH_ENOMEM;
	s->at = at;
	s->cap = cap;
	return KH_OK;
}

enum kh_err
kh_sizes_add(struct kh_sizes *s, uint64_t size)
{
	size_t i;

	PRECOND(s != NULL);
	i = find_size(s, size);
	if (i < s->n && s->at[i].size == size) {
		s->at[i].count++;
		return KH_OK;
	}
	if (grow(s) != KH_OK)
		return KH_ENOMEM;
	memmove(s->at + i + 1, s->at + i, (s->n - i) * sizeof(s->at[0]));
	s->at[i] = (struct kh_size){size, 1};
	s->n++;
	return KH_OK;
}

void
kh_span_add(struct kh_span *s, int64_t t)
{
	PRECOND(s != NULL);
	if (!s->any || t < s->first)
		s->first = t;
	if (!s->any || t > s->last)
		s->last = t;
	s->any = true;
}

void
kh_drill_day(int64_t t, char out[static KH_DAY_LEN + 1])
{
	if (t < 0)
		t = 0;
	kh_day_of(t > DAY_MAX ? DAY_MAX : t, out);
}

static char *
join(const char *dir, const char *name)
{
	size_t n = strlen(dir), m;
	char *path;

	if (name == NULL)
		return strdup(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (n == 1 && dir[0] == '/')
		n = 0;
	m = strlen(name);
	path = malloc(n + m + 2);
	if (path == NULL)
		return NULL;
	memcpy(path, dir, n);
	path[n] = '/';
	memcpy(path + n + 1, name, m + 1);
	return path;
}

static bool
is_known(const struct kh_report *r, enum kh_odd what, const char *where)
{
	size_t i;

	for (i = 0; i < r->n_odd; i++) {
		if (r->odd[i].what == what &&
		    strcmp(r->odd[i].where, where) == 0)
			return true;
	}
	return false;
}

enum kh_err
kh_report_odd(struct kh_report *r, enum kh_odd what, const char *dir,
    const char *name, const char *detail)
{
	struct kh_oddity *o;
	char *where;
	size_t n;

	PRECOND(r != NULL && dir != NULL);
	where = join(dir, name);
	if (where == NULL)
		return KH_ENOMEM;
	if (is_known(r, what, where)) {
		free(where);
		return KH_OK;
	}
	if (r->n_odd == KH_DRILL_ODDITIES_MAX) {
		r->more++;
		free(where);
		return KH_OK;
	}
	o = &r->odd[r->n_odd++];
	o->what = what;
	o->where = where;
	n = detail == NULL ? 0 : strnlen(detail, sizeof(o->detail) - 1);
	if (n > 0)
		memcpy(o->detail, detail, n);
	o->detail[n] = '\0';
	return KH_OK;
}

static int
by_place(const void *a, const void *b)
{
	const struct kh_oddity *x = a, *y = b;
	int r = strcmp(x->where, y->where);

	return r != 0 ? r : (int)x->what - (int)y->what;
}

void
kh_report_sort(struct kh_report *r)
{
	PRECOND(r != NULL);
	qsort(r->odd, r->n_odd, sizeof(r->odd[0]), by_place);
}
