/*
 * The custody log's chain. Separate because it must be simple enough to be
 * checked by hand: FORMAT.md has the bytes.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "client/desk/index.h"
#include "client/desk/log.h"
#include "lib/base/precond.h"

static const char chain_label[] = "knothole custody log v1";
static const char *const texts[KH_LOG_N] = {
    [KH_LOG_INIT] = "init",
    [KH_LOG_IMPORT] = "import",
    [KH_LOG_EXTRACT] = "extract",
    [KH_LOG_REPLY] = "reply",
    [KH_LOG_EXPORT] = "export",
    [KH_LOG_REMOVE] = "remove",
    [KH_LOG_SHARE] = "share",
    [KH_LOG_BURN] = "burn",
};

const char *
kh_log_text(enum kh_log_what what)
{
	return (unsigned)what < KH_LOG_N ? texts[what] : NULL;
}

enum kh_log_what
kh_log_what(const char *text)
{
	int w;

	for (w = 0; w < KH_LOG_N; w++)
		if (strcmp(texts[w], text) == 0)
			break;
	return (enum kh_log_what)w;
}

/* BLAKE2b-256 of the chain_label, the hash before, and the entry as one line;
 * that of a share has two more. */
static void
hash_entry(const uint8_t before[static KH_LOG_HASH_LEN],
    const struct kh_log_entry *e, uint8_t out[static KH_LOG_HASH_LEN])
{
	char line[KH_DAY_LEN + KH_ALIAS_MAX + KH_CODE_WORDS_TEXT_LEN +
	    KH_EDITOR_NAME_MAX + 48];
	crypto_generichash_state st;
	size_t len;
	int n;

	n = snprintf(line, sizeof(line), "%s %s %u %s\n", e->day,
	    texts[e->what], (unsigned)e->count, e->alias);
	PRECOND(n > 0 && (size_t)n < sizeof(line));
	len = (size_t)n;
	if (e->what == KH_LOG_SHARE) {
		n = snprintf(line + len, sizeof(line) - len, "to %s\nby %s\n",
		    e->to, e->by);
		PRECOND(n > 0 && (size_t)n < sizeof(line) - len);
		len += (size_t)n;
	}
	crypto_generichash_init(&st, NULL, 0, KH_LOG_HASH_LEN);
	crypto_generichash_update(
	    &st, (const uint8_t *)chain_label, sizeof(chain_label) - 1);
	crypto_generichash_update(&st, before, KH_LOG_HASH_LEN);
	crypto_generichash_update(&st, (const uint8_t *)line, len);
	crypto_generichash_final(&st, out, KH_LOG_HASH_LEN);
}

void
kh_log_head(
    const struct kh_log *l, size_t n, uint8_t out[static KH_LOG_HASH_LEN])
{
	PRECOND(l != NULL && n <= l->n);
	if (n == 0)
		memset(out, 0, KH_LOG_HASH_LEN);
	else
		memcpy(out, l->entries[n - 1].hash, KH_LOG_HASH_LEN);
}

enum kh_err
kh_log_append(struct kh_log *l, const struct kh_log_entry *entry)
{
	void *array = l->entries;
	enum kh_err e;

	e = kh_desk_grow(
	    &array, l->n, &l->cap, sizeof(l->entries[0]), KH_LOG_MAX);
	l->entries = array;
	if (e == KH_OK)
		l->entries[l->n++] = *entry;
	return e;
}

/* Hash and append an entry that is otherwise complete. */
static enum kh_err
add(struct kh_log *l, struct kh_log_entry *entry)
{
	uint8_t before[KH_LOG_HASH_LEN];

	kh_log_head(l, l->n, before);
	hash_entry(before, entry, entry->hash);
	return kh_log_append(l, entry);
}

enum kh_err
kh_log_add(struct kh_log *l, enum kh_log_what what, const char *day,
    const char *alias, size_t count)
{
	struct kh_log_entry entry = {.what = what, .count = (uint32_t)count};

	PRECOND(l != NULL && (unsigned)what < KH_LOG_N && count <= UINT32_MAX);
	PRECOND(strlen(day) == KH_DAY_LEN && strlen(alias) <= KH_ALIAS_MAX);
	PRECOND(what != KH_LOG_SHARE);
	memcpy(entry.day, day, KH_DAY_LEN + 1);
	memcpy(entry.alias, alias, strlen(alias) + 1);
	return add(l, &entry);
}

enum kh_err
kh_log_share(
    struct kh_log *l, const char *day, const struct kh_log_shared *what)
{
	struct kh_log_entry entry = {.what = KH_LOG_SHARE};

	PRECOND(l != NULL && what != NULL && what->count <= UINT32_MAX);
	PRECOND(strlen(day) == KH_DAY_LEN);
	PRECOND(strlen(what->alias) <= KH_ALIAS_MAX &&
	    strlen(what->to) < sizeof(entry.to) &&
	    strlen(what->by) < sizeof(entry.by));
	entry.count = (uint32_t)what->count;
	memcpy(entry.day, day, KH_DAY_LEN + 1);
	memcpy(entry.alias, what->alias, strlen(what->alias) + 1);
	memcpy(entry.to, what->to, strlen(what->to) + 1);
	memcpy(entry.by, what->by, strlen(what->by) + 1);
	return add(l, &entry);
}

void
kh_log_statement(
    const struct kh_log *l, size_t n, char out[static KH_LOG_STATEMENT_LEN])
{
	uint8_t head[KH_LOG_HASH_LEN];
	char hex[2 * sizeof(head) + 1];

	kh_log_head(l, n, head);
	sodium_bin2hex(hex, sizeof(hex), head, sizeof(head));
	(void)snprintf(out, KH_LOG_STATEMENT_LEN,
	    "knothole custody log, %zu entries, %s", n, hex);
}

enum kh_err
kh_log_sign(struct kh_log *l, const struct kh_sign_secret *sk)
{
	char text[KH_LOG_STATEMENT_LEN], sig[KH_SIGNATURE_TEXT_MAX];
	enum kh_err e;

	PRECOND(l != NULL && sk != NULL);
	kh_log_statement(l, l->n, text);
	e = kh_sign(sk, (const uint8_t *)text, strlen(text),
	    "signature of a knothole custody log", text, sig);
	if (e != KH_OK)
		return e;
	memcpy(l->signature, sig, strlen(sig) + 1);
	l->n_signed = l->n;
	return KH_OK;
}

enum kh_err
kh_log_verify(
    const struct kh_log *l, const struct kh_sign_public *pk, size_t *bad)
{
	uint8_t before[KH_LOG_HASH_LEN] = {0}, hash[KH_LOG_HASH_LEN];
	char text[KH_LOG_STATEMENT_LEN];
	enum kh_err e;
	size_t i;

	PRECOND(l != NULL && pk != NULL && bad != NULL);
	for (i = 0; i < l->n; i++) {
		*bad = i;
		hash_entry(before, &l->entries[i], hash);
		if (memcmp(hash, l->entries[i].hash, sizeof(hash)) != 0)
			return KH_EAUTH;
		memcpy(before, hash, sizeof(before));
	}
	*bad = l->n;
	if (l->n_signed == 0)
		return l->signature[0] == '\0' ? KH_OK : KH_EAUTH;
	if (l->n_signed > l->n)
		return KH_EAUTH;
	kh_log_statement(l, l->n_signed, text);
	e = kh_sign_verify(pk, (const uint8_t *)text, strlen(text),
	    l->signature, strlen(l->signature));
	return e == KH_OK ? KH_OK : KH_EAUTH;
}
