/*
 * The index from JSON. Separate because it is a parser of bytes that somebody
 * may have changed: it takes one form only, and says nothing but that it did
 * not get it.
 */
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "client/desk/index.h"
#include "client/desk/index_json.h"
#include "knothole/day.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/manifest.h"

/* All of these members and no others. */
#define UNPACK(v, ...) \
	(json_unpack_ex((v), NULL, JSON_STRICT, __VA_ARGS__) == 0)

static bool
get_hex(const char *s, uint8_t *out, size_t out_len)
{
	size_t n = strlen(s), len;

	return n == 2 * out_len && strspn(s, "0123456789abcdef") == n &&
	    sodium_hex2bin(out, out_len, s, n, NULL, &len, NULL) == 0 &&
	    len == out_len;
}

static bool
get_day(const char *s, char out[static KH_DAY_LEN + 1])
{
	if (!kh_day_valid(s))
		return false;
	memcpy(out, s, KH_DAY_LEN + 1);
	return true;
}

/* A text of at most `max` bytes. */
static bool
get_text(const char *s, char *out, size_t max)
{
	size_t n = strlen(s);

	if (n > max)
		return false;
	memcpy(out, s, n + 1);
	return true;
}

static bool
within(json_int_t v, json_int_t max)
{
	return v >= 0 && v <= max;
}

/* Or null. */
static bool
get_slot_key(const json_t *v, struct kh_thread *t)
{
	t->has_slot_key = json_is_string(v);
	return json_is_null(v) ||
	    (t->has_slot_key &&
		get_hex(
		    json_string_value(v), t->slot_key, sizeof(t->slot_key)));
}

static enum kh_err
read_thread(struct kh_index *ix, const json_t *v)
{
	const char *mailbox, *reply_to, *language;
	const json_t *slot_key;
	char again[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_thread t = {0};
	enum kh_err e = KH_EFORMAT;
	size_t i;

	if (!UNPACK((json_t *)v, "{s:s, s:s, s:o, s:s}", "mailbox", &mailbox,
		"reply_to", &reply_to, "slot_key", &slot_key, "language",
		&language) ||
	    !get_hex(mailbox, t.mailbox, sizeof(t.mailbox)) ||
	    !get_slot_key(slot_key, &t) ||
	    !kh_manifest_language_valid(language) ||
	    !get_text(language, t.language, KH_LANGUAGE_MAX) ||
	    kh_recipient_parse(reply_to, strlen(reply_to), &t.reply_to) !=
		KH_OK)
		goto out;
	kh_recipient_format(&t.reply_to, again); /* one spelling */
	if (strcmp(again, reply_to) == 0)
		e = kh_index_add_thread(ix, &t, &i);
out:
	kh_wipe(&t, sizeof(t));
	return e;
}

static bool
read_presealed(struct kh_desk_object *o, const json_t *a)
{
	json_int_t before = 0, v;
	size_t i;

	if (!json_is_array(a))
		return false;
	for (i = 0; i < json_array_size(a); i++) {
		if (!json_is_integer(json_array_get(a, i)))
			return false;
		v = json_integer_value(json_array_get(a, i));
		if (v <= before || v > (json_int_t)o->n_files)
			return false;
		kh_desk_set_presealed(o, (size_t)v - 1);
		before = v;
	}
	return true;
}

/* The members of an opened object, which has been stripped of the others. */
static bool
read_opened(
    const struct kh_index *ix, struct kh_desk_object *o, const json_t *v)
{
	int read, complete, keys_differ;
	json_int_t thread, bytes, files;
	const json_t *message, *presealed;
	const char *day;

	if (!UNPACK((json_t *)v,
		"{s:I, s:s, s:b, s:b, s:b, s:o, s:I, s:I, s:o}", "thread",
		&thread, "day", &day, "read", &read, "complete", &complete,
		"keys_differ", &keys_differ, "message", &message, "bytes",
		&bytes, "files", &files, "presealed", &presealed) ||
	    !within(thread, (json_int_t)ix->n_threads - 1) ||
	    !get_day(day, o->day) ||
	    !within(bytes, (json_int_t)KH_OBJECT_LEN_MAX) ||
	    !within(files, KH_FILES_MAX))
		return false;
	o->thread = (size_t)thread;
	o->read = read != 0;
	o->complete = complete != 0;
	o->keys_differ = keys_differ != 0;
	o->bytes = (uint64_t)bytes;
	o->n_files = (uint32_t)files;
	o->message = KH_NO_MESSAGE;
	if (!json_is_null(message)) {
		if (!json_is_integer(message) ||
		    json_integer_value(message) < 1 ||
		    json_integer_value(message) > KH_MESSAGE_MAX)
			return false;
		o->message = (uint64_t)json_integer_value(message);
	}
	return read_presealed(o, presealed);
}

static enum kh_err
read_object(struct kh_index *ix, const json_t *v)
{
	static const char *const common[] = {
	    "id", "sha256", "mark", "size", "imported", "exported", "at"};
	struct kh_desk_object o = {
	    .thread = KH_NO_THREAD, .message = KH_NO_MESSAGE};
	const char *id, *sum, *mark, *imported;
	json_int_t size, at;
	enum kh_err e;
	int exported;
	size_t i;

	if (json_unpack((json_t *)v, "{s:s, s:s, s:s, s:I, s:s, s:b, s:I}",
		"id", &id, "sha256", &sum, "mark", &mark, "size", &size,
		"imported", &imported, "exported", &exported, "at", &at) != 0 ||
	    !get_hex(id, o.id, sizeof(o.id)) ||
	    !get_hex(sum, o.sum, sizeof(o.sum)) ||
	    !get_hex(mark, o.mark, sizeof(o.mark)) ||
	    !get_day(imported, o.imported) ||
	    !within(size, (json_int_t)KH_OBJECT_LEN_MAX) || at < 0 ||
	    (uint64_t)at < ix->at)
		return KH_EFORMAT;
	o.size = (uint64_t)size;
	o.exported = exported != 0;
	for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		(void)json_object_del((json_t *)v, common[i]);
	if (json_object_size(v) > 0 && !read_opened(ix, &o, v))
		return KH_EFORMAT;
	ix->at = (uint64_t)at;
	e = kh_index_add_object(ix, &o);
	return e == KH_EEXIST ? KH_EFORMAT : e;
}

static enum kh_err
read_answer(struct kh_index *ix, const json_t *v)
{
	struct kh_desk_answer a = {.kind = KH_KIND_RECEIVED};
	json_int_t thread, number, at;
	const char *kind, *day, *text;
	enum kh_err e;
	int exported;
	size_t n;

	if (!UNPACK((json_t *)v, "{s:I, s:I, s:s, s:s, s:b, s:I, s:s%}",
		"thread", &thread, "number", &number, "kind", &kind, "day",
		&day, "exported", &exported, "at", &at, "text", &text, &n) ||
	    !within(thread, (json_int_t)ix->n_threads - 1) ||
	    !get_day(day, a.day) || n > KH_ANSWER_TEXT_MAX || at < 0 ||
	    (uint64_t)at < ix->at)
		return KH_EFORMAT;
	if (strcmp(kind, KH_JSON_ANSWER) == 0)
		a.kind = KH_KIND_ANSWER;
	else if (strcmp(kind, KH_JSON_RECEIVED) != 0)
		return KH_EFORMAT;
	a.thread = (size_t)thread;
	a.exported = exported != 0;
	if ((a.kind == KH_KIND_ANSWER) != (n > 0) ||
	    !ix->threads[a.thread].has_slot_key ||
	    number != (json_int_t)ix->threads[a.thread].next)
		return KH_EFORMAT;
	ix->at = (uint64_t)at;
	e = kh_index_add_answer(ix, &a, text, n);
	return e == KH_EFULL ? KH_EFORMAT : e;
}

/* What an entry of a share has besides, and no other has. A line end would
 * make two readings of one hash. */
static bool
get_shared(struct kh_log_entry *e, const char *to, const char *by)
{
	if (e->what != KH_LOG_SHARE)
		return to == NULL && by == NULL;
	return to != NULL && by != NULL && strchr(to, '\n') == NULL &&
	    strchr(by, '\n') == NULL &&
	    get_text(to, e->to, sizeof(e->to) - 1) &&
	    get_text(by, e->by, sizeof(e->by) - 1);
}

static enum kh_err
read_entry(struct kh_index *ix, const json_t *v)
{
	const char *day, *what, *alias, *hash, *to = NULL, *by = NULL;
	struct kh_log_entry e = {.count = 0};
	json_int_t count;

	if (!UNPACK((json_t *)v, "{s:s, s:s, s:s, s:I, s:s, s?s, s?s}", "day",
		&day, "what", &what, "alias", &alias, "count", &count, "hash",
		&hash, "to", &to, "by", &by) ||
	    !get_day(day, e.day) || !get_text(alias, e.alias, KH_ALIAS_MAX) ||
	    !within(count, UINT32_MAX) ||
	    !get_hex(hash, e.hash, sizeof(e.hash)))
		return KH_EFORMAT;
	e.what = kh_log_what(what);
	e.count = (uint32_t)count;
	if (e.what == KH_LOG_N || !get_shared(&e, to, by))
		return KH_EFORMAT;
	return kh_log_append(&ix->log, &e);
}

/* All of an array. */
static enum kh_err
read_each(struct kh_index *ix, const json_t *a,
    enum kh_err (*one)(struct kh_index *ix, const json_t *v))
{
	enum kh_err e = KH_OK;
	size_t i;

	if (!json_is_array(a))
		return KH_EFORMAT;
	for (i = 0; i < json_array_size(a) && e == KH_OK; i++)
		e = one(ix, json_array_get(a, i));
	return e == KH_EEXIST ? KH_EFORMAT : e;
}

struct parts {
	const char *key, *signature;
	json_int_t order, n_signed;
	const json_t *threads, *objects, *answers, *log;
};

static enum kh_err
read_parts(struct kh_index *ix, const struct parts *p)
{
	uint64_t at;
	enum kh_err e;

	e = read_each(ix, p->threads, read_thread);
	if (e == KH_OK)
		e = read_each(ix, p->objects, read_object);
	at = ix->at;
	ix->at = 0;
	if (e == KH_OK)
		e = read_each(ix, p->answers, read_answer);
	if (e == KH_OK)
		e = read_each(ix, p->log, read_entry);
	if (e != KH_OK)
		return e;
	if (ix->at < at)
		ix->at = at;
	if (p->order < 0 || (uint64_t)p->order < ix->at ||
	    !within(p->n_signed, (json_int_t)ix->log.n) ||
	    !get_text(
		p->signature, ix->log.signature, sizeof(ix->log.signature) - 1))
		return KH_EFORMAT;
	ix->at = (uint64_t)p->order;
	ix->log.n_signed = (size_t)p->n_signed;
	return KH_OK;
}

static enum kh_err
read_root(json_t *root, struct kh_index **out)
{
	const json_t *version = json_object_get(root, "knothole_vault");
	struct kh_sign_public outlet;
	struct parts p;
	enum kh_err e;
	int v;

	if (!json_is_integer(version))
		return KH_EFORMAT;
	if (json_integer_value(version) != KH_JSON_VERSION)
		return KH_EUNSUP;
	if (!UNPACK(root, "{s:i, s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:s}",
		"knothole_vault", &v, "signing_key", &p.key, "order", &p.order,
		"threads", &p.threads, "objects", &p.objects, "answers",
		&p.answers, "log", &p.log, "signed", &p.n_signed, "signature",
		&p.signature) ||
	    kh_sign_public_parse(p.key, strlen(p.key), &outlet) != KH_OK)
		return KH_EFORMAT;
	e = kh_index_new(&outlet, out);
	if (e == KH_OK)
		e = read_parts(*out, &p);
	return e;
}

enum kh_err
kh_index_read(const char *json, size_t n, struct kh_index **out)
{
	json_error_t error;
	enum kh_err e;
	json_t *root;

	PRECOND(json != NULL && out != NULL);
	*out = NULL;
	if (n > KH_INDEX_MAX)
		return KH_ELIMIT;
	if (kh_manifest_json_start() != KH_OK)
		return KH_ENOMEM;
	root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		return json_error_code(&error) == json_error_out_of_memory
		    ? KH_ENOMEM
		    : KH_EFORMAT;
	e = read_root(root, out);
	json_decref(root);
	if (e != KH_OK) {
		kh_index_free(*out);
		*out = NULL;
	}
	return e;
}
