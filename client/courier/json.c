/*
 * The small answers of the server, and what all its JSON goes through. Separate
 * from list.c to keep the parser of the list in sight of one screen.
 */
#include <stdio.h>
#include <string.h>

#include "client/courier/json.h"
#include "client/courier/list.h"
#include "lib/base/precond.h"

static bool
is_plain(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((p[i] < 0x20 || p[i] > 0x7e) && p[i] != '\n' &&
		    p[i] != '\r' && p[i] != '\t')
			return false;
	return n > 0;
}

enum kh_err
kh_json_load(const char *json, size_t n, size_t cap, json_t **o)
{
	json_error_t error;

	PRECOND(o != NULL);
	*o = NULL;
	if (n > cap)
		return KH_ELIMIT;
	if (!is_plain(json, n))
		return KH_EFORMAT;
	*o = json_loadb(json, n, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(*o))
		return KH_OK;
	if (*o == NULL && json_error_code(&error) == json_error_out_of_memory)
		return KH_ENOMEM;
	json_decref(*o);
	*o = NULL;
	return KH_EFORMAT;
}

enum kh_err
kh_collected_read(const char *json, size_t n, size_t max)
{
	const json_t *v;
	enum kh_err e;
	json_t *o;

	e = kh_json_load(json, n, KH_SMALL_ANSWER_MAX, &o);
	if (e != KH_OK)
		return e;
	v = json_object_get(o, "collected");
	if (json_object_size(o) != 1 || !json_is_integer(v) ||
	    json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		e = KH_EFORMAT;
	json_decref(o);
	return e;
}

void
kh_error_word(const char *json, size_t n, char out[static KH_WORD_LEN])
{
	const char *word;
	json_t *o;
	size_t len;

	out[0] = '\0';
	if (kh_json_load(json, n, KH_SMALL_ANSWER_MAX, &o) != KH_OK)
		return;
	word = json_string_value(json_object_get(o, "error"));
	len = word == NULL ? 0 : strlen(word);
	if (len > 0 && len < KH_WORD_LEN &&
	    strspn(word,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-") == len)
		memcpy(out, word, len + 1);
	json_decref(o);
}

/* Text of ours to be: no control, nothing beyond ASCII, not too long. */
static bool
copy_text(const char *s, size_t n, char out[static KH_HEALTH_TEXT_MAX + 1])
{
	size_t i;

	if (n > KH_HEALTH_TEXT_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

static bool
read_fact(const char *name, const json_t *v, struct kh_fact *f)
{
	memset(f, 0, sizeof(*f));
	if (!copy_text(name, strlen(name), f->name))
		return false;
	if (json_is_string(v)) {
		f->type = 's';
		return copy_text(
		    json_string_value(v), json_string_length(v), f->value);
	}
	if (json_is_integer(v)) {
		f->type = 'i';
		(void)snprintf(f->value, sizeof(f->value),
		    "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return true;
	}
	if (json_is_boolean(v)) {
		f->type = 'b';
		return copy_text(json_is_true(v) ? "true" : "false",
		    json_is_true(v) ? 4 : 5, f->value);
	}
	f->type = 'n';
	return json_is_null(v) && copy_text("null", 4, f->value);
}

enum kh_err
kh_health_read(const char *json, size_t n, struct kh_health *out)
{
	const json_t *up;
	const char *name;
	json_t *o, *v;
	enum kh_err e;

	PRECOND(out != NULL);
	memset(out, 0, sizeof(*out));
	e = kh_json_load(json, n, KH_SMALL_ANSWER_MAX, &o);
	if (e != KH_OK)
		return e;
	up = json_object_get(o, "up");
	if (!json_is_boolean(up))
		e = KH_EFORMAT;
	else if (json_object_size(o) > KH_HEALTH_MEMBERS_MAX)
		e = KH_ELIMIT;
	else
		json_object_foreach(o, name,
		    v) if (!read_fact(name, v, &out->fact[out->n++])) e =
		    KH_EFORMAT;
	out->up = json_is_true(up);
	json_decref(o);
	if (e != KH_OK)
		memset(out, 0, sizeof(*out));
	return e;
}
