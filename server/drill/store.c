/*
 * The store, as whoever copies it finds it. Separate from the library that
 * writes it: what that passes over in silence is what is looked for here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/answer.h"
#include "knothole/card.h"
#include "knothole/io.h"
#include "lib/age/header.h"
#include "server/drill/form.h"
#include "server/drill/look.h"
#include "server/drill/places.h"

#define HEAD_LEN 4096 /* at a time, of an object's header */

static bool
answer_size(uint64_t n)
{
	return n <= KH_ANSWER_LEN_MAX && kh_answer_len_valid((size_t)n);
}

static bool
no_size(uint64_t n)
{
	return n == 0;
}

/* For how many keys is it sealed? KH_EFORMAT: it is no age file. */
static enum kh_err
count_keys(int fd, size_t *keys)
{
	struct kh_age_header *h = NULL;
	uint8_t buf[HEAD_LEN];
	size_t i, n, used;
	enum kh_err e;

	*keys = 0;
	e = kh_age_header_new(&h);
	if (e != KH_OK)
		return e;
	do {
		if (kh_read_upto(fd, buf, sizeof(buf), &n) != KH_OK || n == 0)
			e = KH_EFORMAT;
		else
			e = kh_age_header_feed(h, buf, n, &used);
	} while (e == KH_EAGAIN);
	for (i = 0; e == KH_OK && i < kh_age_header_stanzas(h); i++) {
		if (kh_stanza_is(h, kh_age_header_stanza(h, i), "X25519"))
			++*keys;
	}
	kh_age_header_free(h);
	return e;
}

static enum kh_err
sealed(const struct kh_place *p, const char *name, int fd, size_t *keys)
{
	enum kh_err e = count_keys(fd, keys);

	if (e == KH_OK && *keys == 0)
		e = KH_EFORMAT;
	if (e == KH_OK || e == KH_ENOMEM)
		return e;
	e = kh_report_odd(p->r, KH_ODD_CONTENT, p->path, name,
	    "does not begin as a sealed file");
	return e == KH_OK ? KH_EFORMAT : e;
}

static enum kh_err
look_object(const struct kh_place *p, const char *name, int fd)
{
	enum kh_err e;
	size_t keys;

	e = sealed(p, name, fd, &keys);
	if (e == KH_OK)
		p->r->tally[KH_TRACE_OBJECT].keys[keys]++;
	return e == KH_EFORMAT ? KH_OK : e;
}

static enum kh_err
look_sealed(const struct kh_place *p, const char *name, int fd)
{
	enum kh_err e;
	size_t keys;

	e = sealed(p, name, fd, &keys);
	return e == KH_EFORMAT ? KH_OK : e;
}

static bool
card_size(uint64_t n)
{
	return n > 0 && n <= KH_CARD_MAX;
}

static bool
new_card_size(uint64_t n)
{
	return n <= KH_CARD_MAX;
}

static enum kh_err
look_renewed(const struct kh_place *p, const char *name, int fd)
{
	char *text = malloc(KH_CARD_MAX);
	struct kh_card *card = malloc(sizeof(*card));
	enum kh_err e = KH_ENOMEM;
	unsigned line;
	size_t n;

	if (text != NULL && card != NULL) {
		e = kh_read_upto(fd, text, KH_CARD_MAX, &n);
		if (e == KH_OK)
			e = kh_card_read(text, n, card, &line);
	}
	free(text);
	free(card);
	if (e == KH_OK || e == KH_ENOMEM)
		return e;
	return kh_report_odd(
	    p->r, KH_ODD_CONTENT, p->path, name, "not a valid newsroom card");
}

static const struct kh_rule renewed_rule = {
    KH_TRACE_RENEWED, S_IFREG, 0400, true, card_size, look_renewed};
/* While it is written it is not whole, and has no fixed time yet. */
static const struct kh_rule new_renewed_rule = {
    KH_TRACE_RENEWED, S_IFREG, 0400, false, new_card_size, NULL};
static const struct kh_rule object_rule = {
    KH_TRACE_OBJECT, S_IFREG, 0400, true, kh_form_object_size, look_object};
static const struct kh_rule answer_rule = {
    KH_TRACE_ANSWER, S_IFREG, 0400, true, answer_size, look_sealed};
static const struct kh_rule new_object_rule = {
    KH_TRACE_SETTLING, S_IFREG, 0400, true, kh_form_object_size, look_sealed};
static const struct kh_rule new_answer_rule = {
    KH_TRACE_SETTLING, S_IFREG, 0400, true, answer_size, look_sealed};
static const struct kh_rule mark_rule = {
    KH_TRACE_MARK, S_IFREG, 0400, true, no_size, NULL};
static const struct kh_rule settled_rule = {
    KH_TRACE_SETTLED, S_IFREG, 0400, true, no_size, NULL};
static const struct kh_rule directory_rule = {
    KH_TRACE_DIRECTORY, S_IFDIR, 0700, true, NULL, NULL};
static const struct kh_rule lost_found_rule = {
    KH_TRACE_LOST_FOUND, S_IFDIR, 0700, false, NULL, NULL};

static enum kh_err
each_object(const struct kh_place *p, const char *name)
{
	if (kh_form_object(name))
		return kh_look_at(p, name, &object_rule);
	if (kh_form_new_object(name))
		return kh_look_at(p, name, &new_object_rule);
	return kh_look_unexpected(p, name);
}

static enum kh_err
each_answer(const struct kh_place *p, const char *name)
{
	if (kh_form_answer(name))
		return kh_look_at(p, name, &answer_rule);
	if (kh_form_new_answer(name))
		return kh_look_at(p, name, &new_answer_rule);
	return kh_look_unexpected(p, name);
}

static enum kh_err
each_mark(const struct kh_place *p, const char *name)
{
	return kh_form_mark(name) ? kh_look_at(p, name, &mark_rule)
				  : kh_look_unexpected(p, name);
}

static enum kh_err
each_renewed(const struct kh_place *p, const char *name)
{
	if (kh_form_renewed(name))
		return kh_look_at(p, name, &renewed_rule);
	if (kh_form_new_renewed(name))
		return kh_look_at(p, name, &new_renewed_rule);
	return kh_look_unexpected(p, name);
}

/* A directory in the store, and all that is in it. */
static enum kh_err
look_below(const struct kh_place *p, const char *name,
    const struct kh_rule *rule,
    enum kh_err (*each)(const struct kh_place *p, const char *name))
{
	char path[KH_PATH_MAX + 32];
	struct kh_place below = *p;
	enum kh_err e;
	size_t n = strlen(p->path);

	e = kh_look_open_dir(p->fd, name, &below.fd);
	if (e == KH_ENOENT)
		return KH_OK;
	if (e == KH_EFORMAT)
		return kh_look_at(p, name, rule);
	if (e != KH_OK)
		return kh_report_odd(
		    p->r, KH_ODD_UNREAD, p->path, name, strerror(errno));
	memcpy(path, p->path, n);
	path[n] = '/';
	memcpy(path + n + 1, name, strlen(name) + 1);
	below.path = path;
	e = kh_look_at(&below, "", rule);
	if (e == KH_OK)
		e = kh_look_through(&below, each);
	close(below.fd);
	return e;
}

/* The root of an ext4 file system has one; it belongs to root. */
static enum kh_err
look_lost_found(const struct kh_place *p)
{
	struct kh_place as_root = *p;

	as_root.or_root = true;
	return look_below(
	    &as_root, "lost+found", &lost_found_rule, kh_look_unexpected);
}

static enum kh_err
each_of_root(const struct kh_place *p, const char *name)
{
	if (strcmp(name, "objects") == 0)
		return look_below(p, name, &directory_rule, each_object);
	if (strcmp(name, "replies") == 0)
		return look_below(p, name, &directory_rule, each_answer);
	if (strcmp(name, "collected") == 0)
		return look_below(p, name, &directory_rule, each_mark);
	if (strcmp(name, "cards") == 0)
		return look_below(p, name, &directory_rule, each_renewed);
	if (strcmp(name, "settled") == 0)
		return kh_look_at(p, name, &settled_rule);
	if (strcmp(name, "lost+found") == 0)
		return look_lost_found(p);
	return kh_look_unexpected(p, name);
}

enum kh_err
kh_drill_store(struct kh_report *r)
{
	char path[KH_PATH_MAX + 1];
	struct kh_place p = {.r = r, .path = path};
	struct stat sb;
	enum kh_err e;

	kh_drill_path(r->config->store, path);
	e = kh_look_open_dir(AT_FDCWD, path, &p.fd);
	if (e == KH_ENOENT)
		return KH_OK; /* it has never been started */
	if (e != KH_OK)
		return kh_report_odd(r,
		    e == KH_EFORMAT ? KH_ODD_KIND : KH_ODD_UNREAD, path, NULL,
		    e == KH_EFORMAT ? "no directory" : strerror(errno));
	r->fs = kh_drill_fs(p.fd);
	if (fstat(p.fd, &sb) == 0)
		p.owner = sb.st_uid; /* what all in it must be */
	e = kh_look_at(&p, "", &directory_rule);
	if (e == KH_OK)
		e = kh_look_through(&p, each_of_root);
	close(p.fd);
	return e;
}
