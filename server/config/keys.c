/*
 * The keys of the configuration file: a table, and what each does with its
 * value. Separate from the syntax so that a new key touches nothing else.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/config/keys.h"

_Static_assert(
    KH_UPLOAD_MIN == UINT64_C(1) << 12 && KH_UPLOAD_MAX == UINT64_C(32) << 30,
    "the text of set_max_upload says so");

enum kh_err
kh_config_fail(
    struct kh_config_state *cs, enum kh_err e, const char *format, ...)
{
	va_list ap;

	cs->fault->line = cs->line;
	va_start(ap, format);
	vsnprintf(cs->fault->text, sizeof(cs->fault->text), format, ap);
	va_end(ap);
	return e;
}

/* What is wrong with a value, and one that is right. */
enum kh_err
kh_config_bad(struct kh_config_state *cs, enum kh_err e, const char *why)
{
	return kh_config_fail(cs, e, "%s %s; write for example: %s = %s",
	    cs->key->name, why, cs->key->name, cs->key->example);
}

static enum kh_err
too_long(struct kh_config_state *cs, size_t max)
{
	char why[64];

	snprintf(why, sizeof(why), "is longer than %zu bytes", max);
	return kh_config_bad(cs, KH_ELIMIT, why);
}

/* Decimal digits without leading zeros; `*rest` is what follows them. */
static enum kh_err
parse_number(const char *s, uint64_t *out, const char **rest)
{
	uint64_t sum = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (sum > (UINT64_MAX - digit) / 10)
			return KH_ELIMIT;
		sum = sum * 10 + digit;
	}
	*rest = p;
	*out = sum;
	return p == s || (*s == '0' && p - s > 1) ? KH_EFORMAT : KH_OK;
}

/* Digits and a unit, all units powers of 1024. */
static enum kh_err
parse_size(const char *s, uint64_t *out)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {{"", 0}, {"B", 0}, {"K", 10}, {"M", 20}, {"G", 30},
	    {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
	const char *unit;
	enum kh_err e;

	e = parse_number(s, out, &unit);
	if (e != KH_OK)
		return e;
	if (*unit == ' ' && unit[1] != '\0')
		unit++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (*out > UINT64_MAX >> units[i].shift)
			return KH_ELIMIT;
		*out <<= units[i].shift;
		return KH_OK;
	}
	return KH_EFORMAT;
}

static enum kh_err
set_number(struct kh_config_state *cs, const char *value, uint32_t min,
    uint32_t max, uint32_t *out)
{
	const char *rest = "";
	uint64_t n = 0;
	enum kh_err e;
	char why[64];

	e = parse_number(value, &n, &rest);
	if (e == KH_EFORMAT || (e == KH_OK && *rest != '\0'))
		return kh_config_bad(cs, KH_EFORMAT,
		    "must be a number in plain digits (no point, comma, unit "
		    "or leading zero)");
	if (e != KH_OK || n < min || n > max) {
		snprintf(why, sizeof(why), "must be from %u to %u",
		    (unsigned)min, (unsigned)max);
		return kh_config_bad(cs, KH_ELIMIT, why);
	}
	*out = (uint32_t)n;
	return KH_OK;
}

/* ` #` in a path is a comment in the wrong place, not a name. */
static bool
has_comment(const char *value)
{
	return strstr(value, " #") != NULL;
}

static enum kh_err
set_path(struct kh_config_state *cs, const char *value, char *out)
{
	size_t n = strlen(value);

	if (has_comment(value))
		return kh_config_bad(cs, KH_EFORMAT,
		    "has a comment behind it, which needs a line of its own");
	if (n > KH_PATH_MAX)
		return too_long(cs, KH_PATH_MAX);
	memcpy(out, value, n + 1);
	return KH_OK;
}

static enum kh_err
set_listen(struct kh_config_state *cs, const char *value, struct kh_listen *out)
{
	enum kh_err e = KH_EFORMAT;

	if (!has_comment(value))
		e = kh_listen_parse(value, out);
	if (e == KH_EUNSUP)
		return kh_config_bad(cs, e,
		    "must be a unix socket or 127.x.y.z or [::1] in digits: "
		    "tor connects from this host, and nobody else may");
	if (e == KH_ELIMIT)
		return kh_config_bad(cs, e,
		    "has a path too long for a socket (107 bytes at most)");
	if (e != KH_OK)
		return kh_config_bad(cs, e,
		    "must be unix:/PATH, tcp:127.0.0.1:PORT or "
		    "tcp:[::1]:PORT");
	return KH_OK;
}

static enum kh_err
set_source_listen(struct kh_config_state *cs, const char *value)
{
	return set_listen(cs, value, &cs->out->source_listen);
}

static enum kh_err
set_courier_listen(struct kh_config_state *cs, const char *value)
{
	cs->out->has_courier = true;
	return set_listen(cs, value, &cs->out->courier_listen);
}

/* A store's path without its engine, and how much of it is no slash at the
 * end. */
static const char *
store_path(const char *store, size_t *n)
{
	if (strncmp(store, "dir:", 4) == 0)
		store += 4;
	*n = strlen(store);
	while (*n > 0 && store[*n - 1] == '/')
		--*n;
	return store;
}

static enum kh_err
set_store(struct kh_config_state *cs, const char *value)
{
	static const char engine[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const char *path;
	size_t n;

	path = store_path(value, &n);
	if (n == 0)
		return kh_config_bad(
		    cs, KH_EFORMAT, "must name a directory of its own");
	if (path[0] == ' ')
		return kh_config_bad(cs, KH_EFORMAT, "has a blank after dir:");
	if (value[strspn(value, engine)] == ':' &&
	    strncmp(value, "dir:", 4) != 0)
		return kh_config_bad(cs, KH_EFORMAT,
		    "names a kind of store that is not known (only dir: is)");
	return set_path(cs, value, cs->out->store);
}

static enum kh_err
set_newsrooms(struct kh_config_state *cs, const char *value)
{
	return set_path(cs, value, cs->out->newsrooms);
}

static enum kh_err
set_state(struct kh_config_state *cs, const char *value)
{
	return set_path(cs, value, cs->out->state);
}

/*
 * In valid UTF-8: controls (U+0080 to U+009F; the others were refused with the
 * line) and what would turn round or break the text after the name: U+2028 to
 * U+202E, U+2066 to U+2069.
 */
static bool
has_hidden(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;

	for (; *p != '\0'; p++) {
		if (p[0] == 0xc2 && p[1] < 0xa0)
			return true;
		if (p[0] != 0xe2)
			continue;
		if (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae)
			return true;
		if (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
			return true;
	}
	return false;
}

static enum kh_err
set_site_name(struct kh_config_state *cs, const char *value)
{
	size_t n = strlen(value);

	if (n > KH_SITE_NAME_MAX)
		return too_long(cs, KH_SITE_NAME_MAX);
	if (has_hidden(value))
		return kh_config_bad(cs, KH_EFORMAT,
		    "contains control or text direction characters");
	memcpy(cs->out->site_name, value, n + 1);
	return KH_OK;
}

/* 56 characters of base 32 and ".onion" (rend-spec-v3, section 6). */
static enum kh_err
set_onion(struct kh_config_state *cs, const char *value)
{
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	const size_t n = KH_ONION_LEN - strlen(".onion");

	if (strspn(value, base32) != n || strcmp(value + n, ".onion") != 0)
		return kh_config_bad(cs, KH_EFORMAT,
		    "must be a version 3 onion address in lower case, without "
		    "http://");
	memcpy(cs->out->onion, value, KH_ONION_LEN + 1);
	return KH_OK;
}

static enum kh_err
set_max_upload(struct kh_config_state *cs, const char *value)
{
	enum kh_err e = parse_size(value, &cs->out->max_upload);

	if (e == KH_EFORMAT)
		return kh_config_bad(cs, e,
		    "must be whole digits and one of the units B, K, M, G, "
		    "KiB, MiB, GiB (powers of 1024)");
	if (e != KH_OK || cs->out->max_upload < KH_UPLOAD_MIN ||
	    cs->out->max_upload > KH_UPLOAD_MAX)
		return kh_config_bad(cs, KH_ELIMIT,
		    "must be from 4 KiB to 32 GiB: less holds no message, "
		    "and more would leave no room for padding in one object");
	return KH_OK;
}

static enum kh_err
set_max_message(struct kh_config_state *cs, const char *value)
{
	return set_number(
	    cs, value, 1, KH_MESSAGE_CHARS_MAX, &cs->out->max_message);
}

static enum kh_err
set_max_visits(struct kh_config_state *cs, const char *value)
{
	return set_number(cs, value, 1, KH_VISITS_MAX, &cs->out->max_visits);
}

static enum kh_err
set_retention_days(struct kh_config_state *cs, const char *value)
{
	return set_number(
	    cs, value, 0, KH_RETENTION_MAX, &cs->out->retention_days);
}

static enum kh_err
set_settle_minutes(struct kh_config_state *cs, const char *value)
{
	return set_number(
	    cs, value, 1, KH_MINUTES_MAX, &cs->out->settle_minutes);
}

static enum kh_err
set_selftest_minutes(struct kh_config_state *cs, const char *value)
{
	return set_number(
	    cs, value, 1, KH_MINUTES_MAX, &cs->out->selftest_minutes);
}

static enum kh_err
set_health(struct kh_config_state *cs, const char *value)
{
	if (value[strlen(value) - 1] == '/')
		return kh_config_bad(cs, KH_EFORMAT, "must be a file");
	return set_path(cs, value, cs->out->health);
}

static enum kh_err
set_allow_swap(struct kh_config_state *cs, const char *value)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return kh_config_bad(cs, KH_EFORMAT, "must be yes or no");
	cs->out->allow_swap = value[0] == 'y';
	return KH_OK;
}

static enum kh_err
set_circuit_id(struct kh_config_state *cs, const char *value)
{
	if (strcmp(value, "haproxy") != 0 && strcmp(value, "none") != 0)
		return kh_config_bad(cs, KH_EFORMAT,
		    "must be haproxy (as in HiddenServiceExportCircuitID) or "
		    "none");
	cs->out->circuit_ids = value[0] == 'h';
	return KH_OK;
}

static enum kh_err
set_gpg(struct kh_config_state *cs, const char *value)
{
	if (value[0] != '/')
		return kh_config_bad(cs, KH_EFORMAT,
		    "must be a whole path, such as /usr/bin/gpg");
	return set_path(cs, value, cs->out->gpg);
}

const struct kh_config_key kh_config_keys[KH_CONFIG_KEYS_N] = {
    {"source_listen", true, "tcp:127.0.0.1:8080", set_source_listen},
    {"store", true, "/var/lib/knothole/store", set_store},
    {"newsrooms", true, "/etc/knothole/newsrooms", set_newsrooms},
    {"state", false, "/var/lib/knothole/state", set_state},
    {"site_name", false, "The Example Times", set_site_name},
    {"onion_address", false,
	"exampleexampleexampleexampleexampleexampleexampleexample.onion",
	set_onion},
    {"max_upload", false, "20 GiB", set_max_upload},
    {"max_message", false, "100000", set_max_message},
    {"max_visits", false, "1000", set_max_visits},
    {"courier_listen", false, "unix:/run/knothole/courier.sock",
	set_courier_listen},
    {"retention_days", false, "90", set_retention_days},
    {"allow_swap", false, "yes", set_allow_swap},
    {"settle_minutes", false, "60", set_settle_minutes},
    {"selftest_minutes", false, "10", set_selftest_minutes},
    {"health", false, "/run/knothole/health", set_health},
    {"circuit_id", false, "haproxy", set_circuit_id},
    {"gpg", false, "/usr/bin/gpg", set_gpg},
};

void
kh_config_defaults(struct kh_config *out)
{
	memset(out, 0, sizeof(*out));
	out->max_upload = UINT64_C(20) << 30;
	out->max_message = 100000;
	out->max_visits = 1000;
	out->settle_minutes = 60;
	out->selftest_minutes = 10;
	memcpy(out->site_name, "Knothole", sizeof("Knothole"));
	memcpy(out->gpg, "/usr/bin/gpg", sizeof("/usr/bin/gpg"));
}

enum kh_err
kh_config_check(struct kh_config_state *cs)
{
	const struct kh_listen *a = &cs->out->source_listen;
	const struct kh_listen *b = &cs->out->courier_listen;

	if (!cs->out->has_courier || a->kind != b->kind || a->port != b->port ||
	    strcmp(a->path, b->path) != 0 ||
	    memcmp(a->addr, b->addr, sizeof(a->addr)) != 0)
		return KH_OK;
	if (a->kind != KH_LISTEN_UNIX && a->port == 0)
		return KH_OK; /* the system chooses two */
	return kh_config_fail(cs, KH_EFORMAT,
	    "courier_listen is the address of source_listen; sources and "
	    "couriers need one each");
}

enum kh_err
kh_config_fill_state(struct kh_config_state *cs)
{
	static const char ending[] = ".state";
	struct kh_config *c = cs->out;
	const char *path;
	size_t n;

	if (c->state[0] != '\0')
		return KH_OK;
	path = store_path(c->store, &n);
	if (n + sizeof(ending) > sizeof(c->state))
		return kh_config_fail(cs, KH_ELIMIT,
		    "store is too long to add %s to it; add a line state = "
		    "DIRECTORY",
		    ending);
	memcpy(c->state, path, n);
	memcpy(c->state + n, ending, sizeof(ending));
	return KH_OK;
}
