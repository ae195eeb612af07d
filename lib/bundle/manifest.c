/*
 * The manifest in memory: files appended, names made safe, all of it wiped.
 * Its JSON is next door.
 */
#include "knothole/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/manifest.h"
#include "lib/bundle/utf8.h"

#define ENTRY_PREFIX_LEN 10 /* "files/NNN-" */
/* Upper bounds of what JSON needs, indentation and names of members
 * included: for everything but the lists, for a recipient, for a file besides
 * its name and type (its entry is at most 160 bytes, at most 6 for each). */
#define JSON_HEAD_MAX 1024
#define JSON_RECIPIENT_MAX 80
#define JSON_FILE_MAX 1280

enum kh_err
kh_manifest_new(struct kh_manifest **out)
{
	PRECOND(out != NULL);

	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return KH_ENOMEM;
	(*out)->json_max =
	    JSON_HEAD_MAX + KH_RECIPIENTS_MAX * JSON_RECIPIENT_MAX;
	return KH_OK;
}

void
kh_manifest_file_clear(struct kh_manifest_file *f)
{
	PRECOND(f != NULL);

	if (f->entry != NULL)
		kh_wipe(f->entry, strlen(f->entry));
	if (f->name != NULL)
		kh_wipe(f->name, f->name_len);
	if (f->type != NULL)
		kh_wipe(f->type, strlen(f->type));
	free(f->entry);
	free(f->name);
	free(f->type);
	kh_wipe(f, sizeof(*f));
}

void
kh_manifest_free(struct kh_manifest *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->n_files; i++)
		kh_manifest_file_clear(&m->files[i]);
	free(m->files);
	free(m->recipients);
	kh_wipe(m, sizeof(*m));
	free(m);
}

bool
kh_manifest_language_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz");

	return n >= 2 && n <= KH_LANGUAGE_MAX && s[n] == '\0';
}

/* "files/NNN-" of file number `i` (from 0). */
static void
entry_prefix(size_t i, char out[static ENTRY_PREFIX_LEN + 1])
{
	PRECOND(i < KH_FILES_MAX);

	i++;
	memcpy(out, "files/000-", ENTRY_PREFIX_LEN + 1);
	out[6] = (char)('0' + i / 100);
	out[7] = (char)('0' + i / 10 % 10);
	out[8] = (char)('0' + i % 10);
}

bool
kh_manifest_entry_valid(const char *s, size_t i)
{
	char prefix[ENTRY_PREFIX_LEN + 1];

	entry_prefix(i, prefix);
	return strncmp(s, prefix, ENTRY_PREFIX_LEN) == 0 &&
	    kh_name_is_safe(s + ENTRY_PREFIX_LEN, strlen(s + ENTRY_PREFIX_LEN));
}

size_t
kh_manifest_name_text(const uint8_t *name, size_t n, uint8_t *out)
{
	size_t i, k, len = 0;
	uint32_t c;

	for (i = 0; i < n; i += k) {
		k = kh_utf8_get(name + i, n - i, &c);
		if (k == 0 || c == 0) {
			k = 1;
			c = 0xfffd;
		}
		len += kh_utf8_put(c, out + len);
	}
	return len;
}

/*
 * What browsers wrote for a quote, CR and LF in a file name (HTML, section
 * "Multipart form data": "%22", "%0D", "%0A"; '%' itself is not escaped, so
 * this is for the safe form only).
 */
static size_t
decode_browser(const uint8_t *p, size_t n, uint8_t *out)
{
	size_t i, len = 0;
	uint8_t c;

	for (i = 0; i < n; i++) {
		c = p[i];
		if (c == '%' && n - i > 2) {
			if (p[i + 1] == '2' && p[i + 2] == '2')
				c = '"';
			else if (p[i + 1] == '0' && (p[i + 2] | 0x20) == 'd')
				c = '\r';
			else if (p[i + 1] == '0' && (p[i + 2] | 0x20) == 'a')
				c = '\n';
		}
		i += c == p[i] ? 0 : 2;
		out[len++] = c;
	}
	return len;
}

static char *
make_entry(size_t i, const uint8_t *name, size_t n)
{
	uint8_t decoded[KH_RAW_NAME_MAX];
	char safe[KH_NAME_MAX + 1];
	char *entry;
	size_t len;

	n = decode_browser(name, n, decoded);
	kh_name_make(decoded, n, safe);
	len = strlen(safe);
	entry = malloc(ENTRY_PREFIX_LEN + len + 1);
	if (entry != NULL) {
		entry_prefix(i, entry);
		memcpy(entry + ENTRY_PREFIX_LEN, safe, len + 1);
	}
	kh_wipe(decoded, sizeof(decoded));
	kh_wipe(safe, sizeof(safe));
	return entry;
}

static char *
make_type(const char *type, size_t n)
{
	size_t i, len = 0;
	char *out;

	out = malloc(n + 1);
	if (out == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		if (type[i] >= 0x20 && type[i] <= 0x7e)
			out[len++] = type[i];
	out[len] = '\0';
	return out;
}

enum kh_err
kh_manifest_grow(struct kh_manifest *m, struct kh_manifest_file **f)
{
	struct kh_manifest_file *files;
	size_t cap;

	PRECOND(m != NULL && f != NULL);
	*f = NULL;

	if (m->n_files >= KH_FILES_MAX)
		return KH_ELIMIT;
	/* Grows at powers of two; it holds pointers, no names. */
	if ((m->n_files & (m->n_files - 1)) == 0) {
		cap = m->n_files == 0 ? 1 : m->n_files * 2;
		files = realloc(m->files, cap * sizeof(*files));
		if (files == NULL)
			return KH_ENOMEM;
		m->files = files;
	}
	*f = &m->files[m->n_files];
	memset(*f, 0, sizeof(**f));
	return KH_OK;
}

enum kh_err
kh_manifest_add(struct kh_manifest *m, const uint8_t *name, size_t name_len,
    const char *type, size_t type_len)
{
	struct kh_manifest_file *f;
	enum kh_err e;
	size_t more;

	PRECOND(m != NULL && (name != NULL || name_len == 0));
	PRECOND(type != NULL || type_len == 0);

	if (name_len > KH_RAW_NAME_MAX || type_len > KH_TYPE_MAX)
		return KH_ELIMIT;
	/* A byte is at most 6 characters ("\u001b"), and 2 in hexadecimal. */
	more = JSON_FILE_MAX + 8 * name_len + 2 * type_len;
	if (more > KH_MANIFEST_MAX - m->json_max)
		return KH_ELIMIT;
	e = kh_manifest_grow(m, &f);
	if (e != KH_OK)
		return e;
	f->entry = make_entry(m->n_files, name, name_len);
	f->name = malloc(name_len > 0 ? name_len : 1);
	f->type = make_type(type, type_len);
	if (f->entry == NULL || f->name == NULL || f->type == NULL) {
		free(f->entry);
		free(f->name);
		free(f->type);
		return KH_ENOMEM;
	}
	if (name_len > 0)
		memcpy(f->name, name, name_len);
	f->name_len = name_len;
	m->n_files++;
	m->json_max += more;
	return KH_OK;
}
