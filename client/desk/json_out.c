/*
 * Printing JSON. Separate because of one byte: jansson leaves DEL as it is,
 * and it belongs on no terminal.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/desk/json_out.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/manifest.h"

#define HEX_MAX 128

enum kh_err
kh_json_print(json_t *v)
{
	char *text = NULL;
	const char *p;

	if (v != NULL)
		text = json_dumps(
		    v, JSON_ENSURE_ASCII | JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(v);
	if (text == NULL)
		return KH_ENOMEM;
	for (p = text; *p != '\0'; p++) {
		if (*p == '\x7f')
			fputs("\\u007f", stdout);
		else
			putchar(*p);
	}
	putchar('\n');
	kh_wipe(text, strlen(text));
	free(text);
	return KH_OK;
}

json_t *
kh_json_hex(const uint8_t *p, size_t n)
{
	char hex[HEX_MAX + 1];

	PRECOND(2 * n <= HEX_MAX);
	sodium_bin2hex(hex, sizeof(hex), p, n);
	return json_string(hex);
}

json_t *
kh_json_text(const uint8_t *p, size_t n)
{
	uint8_t *text;
	json_t *v;

	text = kh_secret_alloc(3 * n + 1);
	if (text == NULL)
		return NULL;
	n = kh_manifest_name_text(p, n, text);
	v = json_stringn((const char *)text, n);
	kh_secret_free(text);
	return v;
}

void
kh_json_set(json_t *o, const char *key, json_t *v, bool *bad)
{
	if (json_object_set_new(o, key, v) != 0)
		*bad = true;
}

void
kh_json_add(json_t *a, json_t *v, bool *bad)
{
	if (json_array_append_new(a, v) != 0)
		*bad = true;
}
