/*
 * The index as JSON (FORMAT.md, "Vault"). Separate from reading it, which
 * trusts nothing; this only says what there is.
 */
#include <jansson.h>
#include <sodium.h>

#include "client/desk/index.h"
#include "client/desk/index_json.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/manifest.h"

#define HEX_MAX (2 * KH_SUM_LEN)

static const char *
hex(const uint8_t *p, size_t n, char out[static HEX_MAX + 1])
{
	PRECOND(2 * n <= HEX_MAX);
	sodium_bin2hex(out, HEX_MAX + 1, p, n);
	return out;
}

/* A text that does not outlive the call. */
static json_t *
secret_text(const uint8_t *p, size_t n)
{
	char text[HEX_MAX + 1];
	json_t *v = json_string(hex(p, n, text));

	kh_wipe(text, sizeof(text));
	return v;
}

static json_t *
thread_json(const struct kh_thread *t)
{
	char mailbox[HEX_MAX + 1], reply_to[KH_RECIPIENT_TEXT_LEN + 1];

	kh_recipient_format(&t->reply_to, reply_to);
	return json_pack("{s:s, s:s, s:o, s:s}", "mailbox",
	    hex(t->mailbox, sizeof(t->mailbox), mailbox), "reply_to", reply_to,
	    "slot_key",
	    t->has_slot_key ? secret_text(t->slot_key, sizeof(t->slot_key))
			    : json_null(),
	    "language", t->language);
}

static json_t *
presealed_json(const struct kh_desk_object *o)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && i < o->n_files; i++)
		if (kh_desk_presealed(o, i) &&
		    json_array_append_new(a, json_integer((json_int_t)i + 1)) !=
			0) {
			json_decref(a);
			a = NULL;
		}
	return a;
}

/* What is known of an object that was opened. */
static int
add_opened(json_t *v, const struct kh_desk_object *o)
{
	json_t *more;
	int bad;

	more = json_pack("{s:I, s:s, s:b, s:b, s:b, s:o, s:I, s:I, s:o}",
	    "thread", (json_int_t)o->thread, "day", o->day, "read", o->read,
	    "complete", o->complete, "keys_differ", o->keys_differ, "message",
	    o->message == KH_NO_MESSAGE ? json_null()
					: json_integer((json_int_t)o->message),
	    "bytes", (json_int_t)o->bytes, "files", (json_int_t)o->n_files,
	    "presealed", presealed_json(o));
	bad = more == NULL || json_object_update(v, more) != 0;
	json_decref(more);
	return bad;
}

static json_t *
object_json(const struct kh_desk_object *o)
{
	char id[HEX_MAX + 1], sum[HEX_MAX + 1], mark[HEX_MAX + 1];
	json_t *v;

	v = json_pack("{s:s, s:s, s:s, s:I, s:s, s:b, s:I}", "id",
	    hex(o->id, sizeof(o->id), id), "sha256",
	    hex(o->sum, sizeof(o->sum), sum), "mark",
	    hex(o->mark, sizeof(o->mark), mark), "size", (json_int_t)o->size,
	    "imported", o->imported, "exported", o->exported, "at",
	    (json_int_t)o->at);
	if (v != NULL && o->thread != KH_NO_THREAD && add_opened(v, o) != 0) {
		json_decref(v);
		v = NULL;
	}
	return v;
}

static json_t *
answer_json(const struct kh_desk_answer *a)
{
	return json_pack("{s:I, s:I, s:s, s:s, s:b, s:I, s:s%}", "thread",
	    (json_int_t)a->thread, "number", (json_int_t)a->number, "kind",
	    a->kind == KH_KIND_ANSWER ? KH_JSON_ANSWER : KH_JSON_RECEIVED,
	    "day", a->day, "exported", a->exported, "at", (json_int_t)a->at,
	    "text", a->text_len > 0 ? a->text : "", a->text_len);
}

static json_t *
entry_json(const struct kh_log_entry *e)
{
	const bool shared = e->what == KH_LOG_SHARE;
	char hash[HEX_MAX + 1];

	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s*, s:s*}", "day", e->day,
	    "what", kh_log_text(e->what), "alias", e->alias, "count",
	    (json_int_t)e->count, "hash", hex(e->hash, sizeof(e->hash), hash),
	    "to", shared ? e->to : NULL, "by", shared ? e->by : NULL);
}

/* An array of `n` values, each from a call; NULL when one fails. */
#define ARRAY(name, type, make)                                           \
	static json_t *name(const type *p, size_t n)                      \
	{                                                                 \
		json_t *a = json_array();                                 \
		size_t i;                                                 \
                                                                          \
		for (i = 0; a != NULL && i < n; i++)                      \
			if (json_array_append_new(a, make(&p[i])) != 0) { \
				json_decref(a);                           \
				a = NULL;                                 \
			}                                                 \
		return a;                                                 \
	}

ARRAY(threads_json, struct kh_thread, thread_json)
ARRAY(objects_json, struct kh_desk_object, object_json)
ARRAY(answers_json, struct kh_desk_answer, answer_json)
ARRAY(log_json, struct kh_log_entry, entry_json)

static json_t *
index_json(const struct kh_index *ix)
{
	char key[KH_SIGN_PUBLIC_TEXT_LEN + 1];

	kh_sign_public_format(&ix->outlet, key);
	/* json_pack frees what it has taken when another part is NULL. */
	return json_pack("{s:i, s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:s}",
	    "knothole_vault", KH_JSON_VERSION, "signing_key", key, "order",
	    (json_int_t)ix->at, "threads",
	    threads_json(ix->threads, ix->n_threads), "objects",
	    objects_json(ix->objects, ix->n_objects), "answers",
	    answers_json(ix->answers, ix->n_answers), "log",
	    log_json(ix->log.entries, ix->log.n), "signed",
	    (json_int_t)ix->log.n_signed, "signature", ix->log.signature);
}

enum kh_err
kh_index_write(const struct kh_index *ix, char **json, size_t *n)
{
	enum kh_err e = KH_ENOMEM;
	json_t *root = NULL;
	char *p = NULL;
	size_t len;

	PRECOND(ix != NULL && json != NULL && n != NULL);
	*json = NULL;
	*n = 0;
	if (kh_manifest_json_start() != KH_OK)
		goto out;
	root = index_json(ix);
	if (root == NULL)
		goto out;
	len = json_dumpb(root, NULL, 0, JSON_COMPACT);
	if (len == 0)
		goto out;
	e = KH_ELIMIT;
	if (len > KH_INDEX_MAX - 1)
		goto out;
	e = KH_ENOMEM;
	p = kh_secret_alloc(len + 2);
	if (p == NULL || json_dumpb(root, p, len, JSON_COMPACT) != len)
		goto out;
	p[len++] = '\n';
	p[len] = '\0';
	*json = p;
	*n = len;
	p = NULL;
	e = KH_OK;
out:
	kh_secret_free(p);
	json_decref(root);
	return e;
}
