/*
 * Showing one object. Separate from the conversation around it because all
 * that is printed here comes from outside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/desk/json_out.h"
#include "client/desk/print.h"
#include "client/desk/show.h"
#include "client/exit.h"
#include "client/object.h"
#include "client/progress.h"
#include "knothole/name.h"
#include "knothole/secret.h"

/* The longest raw name with every byte as \u{NNNN}, cannot be longer. */
#define NAME_SHOWN_MAX (8 * KH_RAW_NAME_MAX + 1)

struct kh_shown_object {
	const struct kh_desk_object *o;
	struct kh_object open;
	uint8_t *message; /* locked memory, or NULL */
	size_t n, cap;
};

static enum kh_err
on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_shown_object *s = ctx;

	if (n > s->cap - s->n)
		return KH_EFORMAT;
	memcpy(s->message + s->n, p, n);
	s->n += n;
	return KH_OK;
}

static enum kh_err
on_open(void *ctx, const struct kh_bundle_entry *entry, struct kh_sink *sink)
{
	struct kh_shown_object *s = ctx;

	*sink = (struct kh_sink){.write = NULL};
	if (strcmp(entry->path, "message.txt") != 0)
		return KH_OK;
	if (entry->size == 0 || entry->size > KH_MESSAGE_MAX ||
	    s->message != NULL)
		return KH_EFORMAT;
	s->cap = (size_t)entry->size;
	s->message = kh_secret_alloc(s->cap);
	if (s->message == NULL)
		return KH_ENOMEM;
	*sink = (struct kh_sink){.write = on_data, .ctx = s};
	return KH_OK;
}

static enum kh_err
on_done(void *ctx, const struct kh_bundle_entry *entry)
{
	(void)ctx;
	(void)entry;
	return KH_OK;
}

int
kh_show_open(const struct kh_vault *v, const struct kh_desk_object *o,
    struct kh_shown_object **out)
{
	struct kh_bundle_visitor visitor = {.open = on_open, .done = on_done};
	char path[PATH_MAX];
	struct kh_shown_object *s;
	enum kh_err e;
	int code;

	*out = NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return kh_fail(KH_ON_OBJECT, NULL, KH_ENOMEM);
	s->o = o;
	s->open.fd = -1;
	visitor.ctx = s;
	if (!kh_vault_object_path(v, o, path)) {
		kh_show_close(s);
		return kh_fail(KH_ON_OBJECT, v->path, KH_ENAME);
	}
	code = kh_object_open(&s->open, path, v->kr);
	if (code == KH_EXIT_OK && o->message != KH_NO_MESSAGE) {
		e = kh_bundle_read(s->open.bundle, &visitor);
		if (e != KH_OK)
			code = kh_fail(KH_ON_OBJECT, path, e);
	}
	if (code != KH_EXIT_OK) {
		kh_show_close(s);
		return code;
	}
	*out = s;
	return KH_EXIT_OK;
}

void
kh_show_close(struct kh_shown_object *s)
{
	if (s == NULL)
		return;
	if (s->open.fd >= 0)
		kh_object_close(&s->open);
	kh_secret_free(s->message);
	free(s);
}

static void
print_file(
    const struct kh_desk_object *o, size_t i, const struct kh_manifest_file *f)
{
	char shown[NAME_SHOWN_MAX], amount[KH_AMOUNT_LEN];

	kh_text_escape(f->name, f->name_len, shown, sizeof(shown));
	kh_amount(f->size, amount);
	/* "files/001-NAME": the number, and the name as it was sent. */
	printf("  %.3s  %10s  %s%s%s\n", f->entry + strlen("files/"), amount,
	    shown, f->complete ? "" : "  [CUT OFF]",
	    kh_desk_presealed(o, i) ? "  [sealed by the source]" : "");
}

void
kh_show_print(const struct kh_shown_object *s)
{
	const struct kh_manifest *m = kh_bundle_manifest(s->open.bundle);
	char hex[2 * KH_OBJECT_ID_LEN + 1];
	size_t i;

	sodium_bin2hex(hex, sizeof(hex), s->o->id, sizeof(s->o->id));
	printf("\n%s  from the source, object %s%s%s%s\n", s->o->day, hex,
	    s->o->read ? "" : "  [new]", s->o->complete ? "" : "  [CUT OFF]",
	    s->o->keys_differ ? "  [OTHER KEYS: nothing proves that it is the "
				"same source]"
			      : "");
	kh_print_text(s->message, s->n, "  ");
	for (i = 0; i < m->n_files && i < s->o->n_files; i++)
		print_file(s->o, i, &m->files[i]);
}

/* The manifest's records of files, and whether the source had sealed each. */
static json_t *
files_json(const struct kh_shown_object *s)
{
	json_t *root, *files, *file;
	bool bad = false;
	const char *text;
	size_t i, n;

	text = kh_bundle_manifest_json(s->open.bundle, &n);
	root =
	    json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	files = json_incref(json_object_get(root, "files"));
	json_decref(root);
	for (i = 0; i < json_array_size(files) && i < s->o->n_files; i++) {
		file = json_array_get(files, i);
		kh_json_set(file, "presealed",
		    json_boolean(kh_desk_presealed(s->o, i)), &bad);
	}
	if (!bad)
		return files;
	json_decref(files);
	return NULL;
}

/* Its text, and its bytes too where they are no text. */
static void
add_message(json_t *v, const struct kh_shown_object *s, bool *bad)
{
	char *hex;

	if (s->message == NULL) {
		kh_json_set(v, "text", json_null(), bad);
		return;
	}
	kh_json_set(v, "text", kh_json_text(s->message, s->n), bad);
	if (kh_utf8_valid(s->message, s->n))
		return;
	hex = kh_secret_alloc(2 * s->n + 1);
	if (hex == NULL) {
		*bad = true;
		return;
	}
	sodium_bin2hex(hex, 2 * s->n + 1, s->message, s->n);
	kh_json_set(v, "text_hex", json_string(hex), bad);
	kh_secret_free(hex);
}

json_t *
kh_show_json(const struct kh_shown_object *s)
{
	const struct kh_desk_object *o = s->o;
	json_t *v;
	bool bad;

	v = json_pack("{s:s, s:o, s:s, s:s, s:b, s:b, s:b, s:I, s:o, s:o}",
	    "kind", "message", "object", kh_json_hex(o->id, sizeof(o->id)),
	    "day", o->day, "imported", o->imported, "unread", !o->read,
	    "complete", o->complete, "keys_differ", o->keys_differ, "size",
	    (json_int_t)o->size, "sha256", kh_json_hex(o->sum, sizeof(o->sum)),
	    "files", files_json(s));
	bad = v == NULL;
	add_message(v, s, &bad);
	if (!bad)
		return v;
	json_decref(v);
	return NULL;
}
