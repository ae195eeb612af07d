/*
 * Forms of names. Separate so that they can be tested without files.
 */
#include "server/drill/form.h"

#include <string.h>

#include "knothole/card.h"
#include "knothole/limits.h"
#include "knothole/padme.h"

static const char hex[] = "0123456789abcdef";

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

/* One of them, NULL at the end. */
static bool
ends_in_any(const char *name, const char *const *ends)
{
	for (; *ends != NULL; ends++) {
		if (ends_in(name, *ends))
			return true;
	}
	return false;
}

bool
kh_form_object(const char *name)
{
	return strspn(name, hex) == 2 * KH_OBJECT_ID_LEN &&
	    strcmp(name + (size_t)2 * KH_OBJECT_ID_LEN, ".age") == 0;
}

bool
kh_form_answer(const char *name)
{
	return strspn(name, hex) == KH_SLOT_NAME_LEN &&
	    name[KH_SLOT_NAME_LEN] == '\0';
}

bool
kh_form_mark(const char *name)
{
	const char *who = name + (size_t)2 * KH_OBJECT_ID_LEN + 1;

	return strspn(name, hex) == 2 * KH_OBJECT_ID_LEN &&
	    name[2 * KH_OBJECT_ID_LEN] == '-' &&
	    strspn(who, hex) == 2 * KH_COLLECTOR_LEN &&
	    who[2 * KH_COLLECTOR_LEN] == '\0';
}

bool
kh_form_renewed(const char *name)
{
	return strspn(name, hex) == 2 * KH_COLLECTOR_LEN &&
	    strcmp(name + (size_t)2 * KH_COLLECTOR_LEN, ".card") == 0;
}

bool
kh_form_new_renewed(const char *name)
{
	return strspn(name, hex) == 2 * KH_COLLECTOR_LEN &&
	    strcmp(name + (size_t)2 * KH_COLLECTOR_LEN, ".card.new") == 0;
}

bool
kh_form_new_object(const char *name)
{
	return strspn(name, hex) == 2 * KH_OBJECT_ID_LEN &&
	    strcmp(name + (size_t)2 * KH_OBJECT_ID_LEN, ".age.new") == 0;
}

bool
kh_form_new_answer(const char *name)
{
	return strspn(name, hex) == KH_SLOT_NAME_LEN &&
	    strcmp(name + KH_SLOT_NAME_LEN, ".new") == 0;
}

static bool
is_stem(const char *name, const char *end)
{
	return ends_in(name, end) &&
	    kh_card_id_valid(name, strlen(name) - strlen(end));
}

bool
kh_form_card(const char *name)
{
	return is_stem(name, ".card");
}

bool
kh_form_beside_card(const char *name)
{
	return is_stem(name, ".card.minisig") || is_stem(name, ".pub");
}

bool
kh_form_draft(const char *name)
{
	static const char *const ends[] = {
	    ".tmp", ".temp", ".new", ".part", ".draft", ".swp", NULL};

	return name[0] == '.' || name[0] == '#' ||
	    strncmp(name, "draft", strlen("draft")) == 0 ||
	    ends_in_any(name, ends);
}

bool
kh_form_log(const char *name)
{
	static const char *const ends[] = {".log", ".core", "nohup.out", NULL};

	if (strcmp(name, "core") == 0 || strcmp(name, "nohup.out") == 0)
		return true;
	return strncmp(name, "core.", strlen("core.")) == 0 ||
	    strstr(name, ".log.") != NULL || ends_in_any(name, ends);
}

/* "share-1-of-5.txt", "share-12-of-16.pdf" */
static bool
is_share(const char *name)
{
	static const char digits[] = "0123456789";
	static const char *const parts[] = {"share-", "-of-", NULL};
	const char *const *part;
	size_t n;

	for (part = parts; *part != NULL; part++) {
		n = strlen(*part);
		if (strncmp(name, *part, n) != 0)
			return false;
		name += n;
		n = strspn(name, digits);
		if (n == 0)
			return false;
		name += n;
	}
	return strcmp(name, ".txt") == 0 || strcmp(name, ".pdf") == 0;
}

bool
kh_form_key(const char *name)
{
	return strncmp(name, "identity.", strlen("identity.")) == 0 ||
	    strcmp(name, "identity-recovery.age") == 0 ||
	    strcmp(name, "courier.token") == 0 || is_share(name);
}

bool
kh_form_copy(const char *name, const char *base)
{
	static const char *const signs[] = {"~", "old", "bak", "backup", "orig",
	    "copy", "save", ".tar", ".tgz", ".zip", ".gz", ".xz", ".zst",
	    ".img", ".new", ".dpkg-", ".ucf-", ".rpm", ".sw", NULL};
	const char *const *s;
	size_t n = strlen(base), editor;

	/* Editors put these before it, too. */
	editor = strspn(name, ".#");
	if (n > 0 && editor > 0 && strncmp(name + editor, base, n) == 0)
		return true;
	if (n == 0 || strncmp(name, base, n) != 0 || name[n] == '\0')
		return false;
	for (s = signs; *s != NULL; s++) {
		if (strstr(name + n, *s) != NULL)
			return true;
	}
	return false;
}

bool
kh_form_object_size(uint64_t n)
{
	return n >= KH_OBJECT_LEN_MIN && n <= KH_OBJECT_LEN_MAX &&
	    kh_padme(n) == n;
}
