/*
 * The manifest as JSON, both ways, by jansson. The text is in locked memory;
 * jansson's own values are at least wiped.
 */
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/day.h"
#include "knothole/manifest.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/manifest.h"

#define VERSION 1
#define WRITE_FLAGS (JSON_INDENT(1) | JSON_ENSURE_ASCII)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local bool starved; /* jansson does not say so reliably */

static void *
json_malloc(size_t n)
{
	void *p = malloc(n);

	if (p == NULL)
		starved = true;
	return p;
}

/* Takes what plain malloc gave, too: others may have used jansson before. */
static void
json_free(void *p)
{
	if (p != NULL)
		kh_wipe(p, malloc_usable_size(p));
	free(p);
}

/* Jansson would open /dev/urandom to seed its hash, where perhaps no file may
 * be opened. */
static void
set_up_jansson(void)
{
	json_set_alloc_funcs(json_malloc, json_free);
	json_object_seed((size_t)randombytes_random() | 1);
}

enum kh_err
kh_manifest_json_start(void)
{
	return pthread_once(&once, set_up_jansson) == 0 ? KH_OK : KH_ENOMEM;
}

/* Set `key` to `v`, taken over whatever happens. Sticky: false stays. */
static bool
set(bool ok, json_t *o, const char *key, json_t *v)
{
	return json_object_set_new(o, key, v) == 0 && ok;
}

static json_t *
hex_of(const uint8_t *p, size_t n)
{
	json_t *v;
	char *hex;

	hex = kh_secret_alloc(2 * n + 1);
	if (hex == NULL)
		return NULL;
	sodium_bin2hex(hex, 2 * n + 1, p, n);
	v = json_string(hex);
	kh_secret_free(hex);
	return v;
}

static json_t *
text_of(const uint8_t *name, size_t n)
{
	uint8_t *text;
	json_t *v;

	text = kh_secret_alloc(3 * n + 1);
	if (text == NULL)
		return NULL;
	v = json_stringn(
	    (const char *)text, kh_manifest_name_text(name, n, text));
	kh_secret_free(text);
	return v;
}

static json_t *
recipients_json(const struct kh_manifest *m)
{
	char text[KH_RECIPIENT_TEXT_LEN + 1];
	bool ok = true;
	json_t *a;
	size_t i;

	a = json_array();
	for (i = 0; i < m->n_recipients; i++) {
		kh_recipient_format(&m->recipients[i], text);
		ok = json_array_append_new(a, json_string(text)) == 0 && ok;
	}
	if (ok)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *
file_json(const struct kh_manifest_file *f)
{
	bool ok = true;
	json_t *o;

	o = json_object();
	ok = set(ok, o, "entry", json_string(f->entry));
	ok = set(ok, o, "name", text_of(f->name, f->name_len));
	if (!kh_utf8_valid(f->name, f->name_len))
		ok = set(ok, o, "name_hex", hex_of(f->name, f->name_len));
	ok = set(ok, o, "type", json_string(f->type));
	ok = set(ok, o, "size", json_integer((json_int_t)f->size));
	ok = set(ok, o, "complete", json_boolean(f->complete));
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *
files_json(const struct kh_manifest *m)
{
	bool ok = true;
	json_t *a;
	size_t i;

	a = json_array();
	for (i = 0; i < m->n_files; i++)
		ok = json_array_append_new(a, file_json(&m->files[i])) == 0 &&
		    ok;
	if (ok)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *
manifest_json(const struct kh_manifest *m)
{
	char reply_to[KH_RECIPIENT_TEXT_LEN + 1];
	bool ok = true;
	json_t *o;

	kh_recipient_format(&m->reply_to, reply_to);
	o = json_object();
	ok = set(ok, o, "knothole", json_integer(VERSION));
	ok = set(ok, o, "mailbox", hex_of(m->mailbox, sizeof(m->mailbox)));
	ok = set(ok, o, "reply_to", json_string(reply_to));
	if (m->has_slot_key)
		ok = set(ok, o, "slot_key",
		    hex_of(m->slot_key, sizeof(m->slot_key)));
	ok = set(ok, o, "language", json_string(m->language));
	ok = set(ok, o, "day", json_string(m->day));
	ok = set(ok, o, "complete", json_boolean(m->complete));
	ok = set(ok, o, "recipients", recipients_json(m));
	ok = set(ok, o, "files", files_json(m));
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

/*
 * Jansson leaves DEL as it is: make room at the end of `p` and escape it.
 * `n` bytes of text, room for 5 more for each DEL. Returns the new length.
 */
static size_t
escape_del(char *p, size_t n, size_t dels)
{
	size_t from = n, to = n + 5 * dels;

	while (from < to) {
		if (p[--from] == 0x7f) {
			to -= 6;
			memcpy(p + to, "\\u007f", 6);
		} else
			p[--to] = p[from];
	}
	return n + 5 * dels;
}

enum kh_err
kh_manifest_write(const struct kh_manifest *m, char **json, size_t *n)
{
	size_t i, k, len, dels = 0;
	enum kh_err e = KH_ENOMEM;
	json_t *o = NULL;
	char *p = NULL;

	PRECOND(m != NULL && json != NULL && n != NULL);
	PRECOND(kh_manifest_language_valid(m->language));
	PRECOND(kh_day_valid(m->day));
	PRECOND(m->n_recipients > 0 && m->n_recipients <= KH_RECIPIENTS_MAX);
	*json = NULL;
	*n = 0;

	for (i = 0; i < m->n_files; i++)
		for (k = 0; k < m->files[i].name_len; k++)
			dels += m->files[i].name[k] == 0x7f;
	if (kh_manifest_json_start() != KH_OK)
		goto out;
	o = manifest_json(m);
	if (o == NULL)
		goto out;
	len = json_dumpb(o, NULL, 0, WRITE_FLAGS);
	if (len == 0)
		goto out;
	e = KH_ELIMIT;
	if (len + 5 * dels + 1 > KH_MANIFEST_MAX)
		goto out;
	e = KH_ENOMEM;
	p = kh_secret_alloc(len + 5 * dels + 2);
	if (p == NULL || json_dumpb(o, p, len, WRITE_FLAGS) != len)
		goto out;
	len = escape_del(p, len, dels);
	p[len++] = '\n';
	p[len] = '\0';
	*json = p;
	*n = len;
	p = NULL;
	e = KH_OK;
out:
	kh_secret_free(p);
	json_decref(o);
	return e;
}

/* A string member, without NUL (jansson refuses \u0000), or NULL. */
static const char *
get_string(const json_t *o, const char *key, size_t *n)
{
	const json_t *v = json_object_get(o, key);

	*n = json_string_length(v);
	return json_string_value(v);
}

static bool
get_bool(const json_t *o, const char *key, bool *out)
{
	const json_t *v = json_object_get(o, key);

	*out = json_is_true(v);
	return json_is_boolean(v);
}

static bool
get_recipient(const json_t *v, struct kh_recipient *out)
{
	const char *s = json_string_value(v);
	char again[KH_RECIPIENT_TEXT_LEN + 1];

	if (s == NULL ||
	    kh_recipient_parse(s, json_string_length(v), out) != KH_OK)
		return false;
	kh_recipient_format(out, again); /* one spelling: lower case */
	return strcmp(s, again) == 0;
}

static bool
get_hex(const char *s, size_t n, uint8_t *out, size_t out_len)
{
	size_t len;

	return n == 2 * out_len && strspn(s, "0123456789abcdef") == n &&
	    sodium_hex2bin(out, out_len, s, n, NULL, &len, NULL) == 0 &&
	    len == out_len;
}

/* Everything but the lists. */
static enum kh_err
read_head(const json_t *o, struct kh_manifest *m)
{
	const json_t *version = json_object_get(o, "knothole");
	const char *s;
	size_t n;

	if (!json_is_integer(version))
		return KH_EFORMAT;
	if (json_integer_value(version) != VERSION)
		return KH_EUNSUP;
	s = get_string(o, "mailbox", &n);
	if (s == NULL || !get_hex(s, n, m->mailbox, sizeof(m->mailbox)))
		return KH_EFORMAT;
	if (!get_recipient(json_object_get(o, "reply_to"), &m->reply_to))
		return KH_EFORMAT;
	m->has_slot_key = json_object_get(o, "slot_key") != NULL;
	s = get_string(o, "slot_key", &n);
	if (m->has_slot_key &&
	    (s == NULL || !get_hex(s, n, m->slot_key, sizeof(m->slot_key))))
		return KH_EFORMAT;
	s = get_string(o, "language", &n);
	if (s == NULL || !kh_manifest_language_valid(s))
		return KH_EFORMAT;
	memcpy(m->language, s, n + 1);
	s = get_string(o, "day", &n);
	if (s == NULL || !kh_day_valid(s))
		return KH_EFORMAT;
	memcpy(m->day, s, n + 1);
	if (!get_bool(o, "complete", &m->complete))
		return KH_EFORMAT;
	return KH_OK;
}

static enum kh_err
read_recipients(const json_t *a, struct kh_manifest *m)
{
	size_t i, n = json_array_size(a);

	if (!json_is_array(a) || n == 0)
		return KH_EFORMAT;
	if (n > KH_RECIPIENTS_MAX)
		return KH_ELIMIT;
	m->recipients = calloc(n, sizeof(*m->recipients));
	if (m->recipients == NULL)
		return KH_ENOMEM;
	m->n_recipients = n;
	for (i = 0; i < n; i++)
		if (!get_recipient(json_array_get(a, i), &m->recipients[i]))
			return KH_EFORMAT;
	return KH_OK;
}

/* The verbatim name: "name" itself, or "name_hex" when "name" cannot be it.
 * Each name has one form only. */
static enum kh_err
read_name(const json_t *o, struct kh_manifest_file *f)
{
	const char *text, *hex;
	uint8_t *again = NULL;
	enum kh_err e = KH_OK;
	size_t n, hex_len;

	text = get_string(o, "name", &n);
	hex = get_string(o, "name_hex", &hex_len);
	if (text == NULL || (hex == NULL && json_object_get(o, "name_hex")))
		return KH_EFORMAT;
	f->name_len = hex != NULL ? hex_len / 2 : n;
	if (f->name_len > KH_RAW_NAME_MAX) {
		f->name_len = 0;
		return KH_ELIMIT;
	}
	f->name = calloc(1, f->name_len + 1);
	again = kh_secret_alloc(3 * f->name_len + 1);
	if (f->name == NULL || again == NULL)
		e = KH_ENOMEM;
	else if (hex == NULL)
		memcpy(f->name, text, n);
	else if (!get_hex(hex, hex_len, f->name, f->name_len) ||
	    kh_utf8_valid(f->name, f->name_len) ||
	    kh_manifest_name_text(f->name, f->name_len, again) != n ||
	    memcmp(again, text, n) != 0)
		e = KH_EFORMAT;
	kh_secret_free(again);
	return e;
}

static enum kh_err
read_file(const json_t *o, struct kh_manifest *m, struct kh_manifest_file *f)
{
	const json_t *size = json_object_get(o, "size");
	const char *entry, *type;
	enum kh_err e;
	size_t i, n, type_len;

	entry = get_string(o, "entry", &n);
	if (entry == NULL || !kh_manifest_entry_valid(entry, m->n_files))
		return KH_EFORMAT;
	type = get_string(o, "type", &type_len);
	if (type == NULL)
		return KH_EFORMAT;
	if (type_len > KH_TYPE_MAX)
		return KH_ELIMIT;
	for (i = 0; i < type_len; i++)
		if (type[i] < 0x20 || type[i] > 0x7e)
			return KH_EFORMAT;
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return KH_EFORMAT;
	f->size = (uint64_t)json_integer_value(size);
	if (f->size > KH_OBJECT_LEN_MAX)
		return KH_ELIMIT;
	if (!get_bool(o, "complete", &f->complete) ||
	    (m->complete && !f->complete))
		return KH_EFORMAT;
	e = read_name(o, f);
	if (e != KH_OK)
		return e;
	f->entry = strdup(entry);
	f->type = strdup(type);
	return f->entry == NULL || f->type == NULL ? KH_ENOMEM : KH_OK;
}

static enum kh_err
read_files(const json_t *a, struct kh_manifest *m)
{
	struct kh_manifest_file *f;
	enum kh_err e = KH_OK;
	size_t i;

	if (!json_is_array(a))
		return KH_EFORMAT;
	for (i = 0; i < json_array_size(a) && e == KH_OK; i++) {
		e = kh_manifest_grow(m, &f);
		if (e != KH_OK)
			return e;
		e = read_file(json_array_get(a, i), m, f);
		if (e == KH_OK)
			m->n_files++;
		else
			kh_manifest_file_clear(f);
	}
	return e;
}

static bool
is_ascii_text(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((p[i] < 0x20 || p[i] > 0x7e) && p[i] != '\t' &&
		    p[i] != '\n' && p[i] != '\r')
			return false;
	return n > 0;
}

/* The JSON's tree. */
static enum kh_err
load(const char *json, size_t n, json_t **o)
{
	starved = false;
	*o = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);
	if (starved)
		return KH_ENOMEM;
	return json_is_object(*o) ? KH_OK : KH_EFORMAT;
}

enum kh_err
kh_manifest_read(const char *json, size_t n, struct kh_manifest **out)
{
	struct kh_manifest *m = NULL;
	enum kh_err e;
	json_t *o = NULL;

	PRECOND(out != NULL && (json != NULL || n == 0));
	*out = NULL;
	if (n > KH_MANIFEST_MAX)
		return KH_ELIMIT;
	if (!is_ascii_text(json, n))
		return KH_EFORMAT;

	if (kh_manifest_json_start() != KH_OK)
		return KH_ENOMEM;
	e = kh_manifest_new(&m);
	if (e != KH_OK)
		return e;
	e = load(json, n, &o);
	if (e == KH_OK)
		e = read_head(o, m);
	if (e == KH_OK)
		e = read_recipients(json_object_get(o, "recipients"), m);
	if (e == KH_OK)
		e = read_files(json_object_get(o, "files"), m);
	json_decref(o);
	if (e == KH_OK) {
		*out = m;
		m = NULL;
	}
	kh_manifest_free(m);
	return e;
}
