/*
 * Looking at a stick. Separate because fetch, push and status must see the
 * same, and refuse the same (L1, L2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/courier/look.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define GROW 256

struct looking {
	const struct kh_stick *stick;
	struct kh_list *list;
	bool tidy;
	size_t odd;
};

static void
odd(struct looking *k, const char *name, const char *what)
{
	k->odd++;
	kh_stick_say("objects", name, what);
}

static void
look_object(struct looking *k, const char *name, const struct stat *sb)
{
	char id[KH_ID_LEN + 1];
	struct kh_object *o;

	memcpy(id, name, KH_ID_LEN);
	id[KH_ID_LEN] = '\0';
	o = kh_list_find(k->list, id);
	if (!S_ISREG(sb->st_mode)) {
		odd(k, name, "not a file; refused: remove it from the stick");
		if (o != NULL)
			o->have = true;
		return;
	}
	if (o == NULL)
		return;
	o->have = (uint64_t)sb->st_size == o->size;
	if (!o->have)
		kh_stick_say("objects", name,
		    "not of the size that the server says; fetched again");
}

static void
look_part(struct looking *k, const char *name, const struct stat *sb)
{
	struct kh_object *o =
	    kh_list_find(k->list, name + KH_PART_NAME_LEN - 1 - KH_ID_LEN);
	bool regular = S_ISREG(sb->st_mode);

	if (regular && o != NULL) {
		o->part = (uint64_t)sb->st_size;
		return;
	}
	if (k->tidy && unlinkat(k->stick->objects_fd, name, 0) == 0)
		return;
	if (regular)
		return;
	odd(k, name, "not a file; refused: remove it from the stick");
	if (o != NULL)
		o->have = true;
}

static bool
look_entry(void *ctx, const char *name)
{
	struct looking *k = ctx;
	struct stat sb;
	bool part = kh_stick_is_part(name);

	if (!part && !kh_stick_is_age(name, KH_ID_LEN)) {
		if (name[0] != '.')
			odd(k, name, "not an object's name; passed over");
		return true;
	}
	if (fstatat(k->stick->objects_fd, name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return true; /* gone meanwhile */
	if (part)
		look_part(k, name, &sb);
	else
		look_object(k, name, &sb);
	return true;
}

enum kh_err
kh_look_objects(
    const struct kh_stick *s, struct kh_list *l, bool tidy, size_t *n)
{
	struct looking k = {s, l, tidy, 0};
	enum kh_err e;
	size_t i;

	PRECOND(s != NULL && l != NULL && n != NULL);
	*n = 0;
	if (s->objects_fd < 0)
		return KH_OK;
	e = kh_stick_scan(s->objects_fd, look_entry, &k);
	for (i = 0; i < l->n; i++)
		if (l->object[i].have)
			l->object[i].part = 0;
	*n = k.odd;
	return e;
}

struct finding {
	const struct kh_stick *stick;
	struct kh_replies *replies;
	enum kh_err e;
};

static enum kh_err
add_reply(struct kh_replies *r, const char *name)
{
	size_t room = r->room == 0 ? GROW : 2 * r->room;
	char(*p)[KH_AGE_NAME_LEN];

	if (r->n == KH_LIST_MAX)
		return KH_ELIMIT;
	if (r->n == r->room) {
		p = realloc(r->name, room * sizeof(*p));
		if (p == NULL)
			return KH_ENOMEM;
		r->name = p;
		r->room = room;
	}
	memcpy(r->name[r->n++], name, KH_AGE_NAME_LEN);
	return KH_OK;
}

static bool
reply_entry(void *ctx, const char *name)
{
	struct finding *f = ctx;
	const char *what = NULL;
	struct stat sb;

	if (name[0] == '.')
		return true; /* temporary: the desk's, or a file manager's */
	if (!kh_stick_is_age(name, KH_SLOT_NAME_LEN))
		what = "not a reply's name; passed over";
	else if (fstatat(f->stick->replies_fd, name, &sb,
		     AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(sb.st_mode))
		what = "not a file; refused: remove it from the stick";
	if (what != NULL) {
		f->replies->odd++;
		kh_stick_say("replies", name, what);
		return true;
	}
	f->e = add_reply(f->replies, name);
	return f->e == KH_OK;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, KH_AGE_NAME_LEN);
}

enum kh_err
kh_look_replies(const struct kh_stick *s, struct kh_replies *r)
{
	struct finding f = {s, r, KH_OK};
	enum kh_err e;

	PRECOND(s != NULL && r != NULL);
	memset(r, 0, sizeof(*r));
	if (s->replies_fd < 0)
		return KH_OK;
	e = kh_stick_scan(s->replies_fd, reply_entry, &f);
	if (e == KH_OK)
		e = f.e;
	if (e != KH_OK)
		kh_replies_clear(r);
	else if (r->n > 0)
		qsort(r->name, r->n, sizeof(*r->name), compare);
	return e;
}

void
kh_replies_clear(struct kh_replies *r)
{
	free(r->name);
	memset(r, 0, sizeof(*r));
}

bool
kh_collected_valid(const char *text, size_t n)
{
	const char *last = NULL;
	size_t i;

	for (i = 0; i < n; i += KH_COLLECTED_LINE_LEN) {
		const char *line = text + i;
		size_t k;

		if (n - i < KH_COLLECTED_LINE_LEN || line[KH_ID_LEN] != '\n' ||
		    (last != NULL && memcmp(last, line, KH_ID_LEN) >= 0))
			return false;
		for (k = 0; k < KH_ID_LEN; k++)
			if ((line[k] < '0' || line[k] > '9') &&
			    (line[k] < 'a' || line[k] > 'f'))
				return false;
		last = line;
	}
	return true;
}

enum kh_err
kh_look_collected(const struct kh_stick *s, struct kh_collected *c)
{
	enum kh_err e = KH_ELIMIT;
	uint64_t size;
	size_t n = 0;
	int fd;

	PRECOND(s != NULL && c != NULL);
	memset(c, 0, sizeof(*c));
	if (s->top_fd < 0)
		return KH_OK;
	fd = kh_stick_file(s->top_fd, "collected.txt", &size);
	if (fd < 0)
		return errno == ENOENT                   ? KH_OK
		    : errno == ELOOP || errno == ENOTSUP ? KH_EFORMAT
							 : KH_ESYS;
	if (size <= (uint64_t)KH_LIST_MAX * KH_COLLECTED_LINE_LEN) {
		c->text = malloc((size_t)size + 1);
		e = c->text == NULL
		    ? KH_ENOMEM
		    : kh_read_upto(fd, c->text, (size_t)size + 1, &n);
	}
	if (e == KH_OK && !kh_collected_valid(c->text, n))
		e = KH_EFORMAT;
	close(fd);
	c->n = n / KH_COLLECTED_LINE_LEN;
	if (e != KH_OK) {
		free(c->text);
		memset(c, 0, sizeof(*c));
	}
	return e;
}
