/*
 * For the tests of the configuration: a text is taken, or refused with its
 * line and what to write instead.
 */
#ifndef KH_TESTS_CONFIG_CHECK_H
#define KH_TESTS_CONFIG_CHECK_H

#include "tests/unit/tap.h"

#include "server/config/config.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

/* The three required keys: lines 1 to 3. */
#define BASE                                   \
	"source_listen = tcp:127.0.0.1:8080\n" \
	"store = /srv/store\n"                 \
	"newsrooms = /etc/rooms\n"

static struct kh_config c;
static struct kh_config_fault f;

static inline enum kh_err
parse_n(const char *text, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);
	enum kh_err e;

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(&c, 0xaa, sizeof(c));
	memset(&f, 0xaa, sizeof(f));
	e = kh_config_parse(copy, n, &c, &f);
	free(copy);
	return e;
}

static inline void
good(const char *text)
{
	static const struct kh_config_fault none;

	if (parse_n(text, strlen(text)) != KH_OK)
		fail_msg("line %u: %s\n%s", f.line, f.text, text);
	assert_memory_equal(&f, &none, sizeof(f));
}

/* Nothing is set, and the text is whole, printable and a part of a line. */
static inline void
assert_fault(unsigned line, const char *says)
{
	static const struct kh_config none;
	size_t n = strlen(f.text);

	assert_memory_equal(&c, &none, sizeof(c));
	if (f.line != line || strstr(f.text, says) == NULL)
		fail_msg(
		    "line %u, wanted %u '%s': %s", f.line, line, says, f.text);
	assert_in_range(n, 10, sizeof(f.text) - 2); /* not cut */
	for (size_t i = 0; i < n; i++)
		assert_in_range(f.text[i], 0x20, 0x7e);
	assert_true(f.text[n - 1] != '.');
}

static inline void
bad_n(const char *text, size_t n, unsigned line, const char *says)
{
	if (parse_n(text, n) != KH_EFORMAT)
		fail_msg("not refused: %s", text);
	assert_fault(line, says);
}

static inline void
bad(const char *text, unsigned line, const char *says)
{
	bad_n(text, strlen(text), line, says);
}

/* A value in line 4. */
static inline enum kh_err
parse_value(const char *key, const char *value)
{
	static char text[2 * KH_CONFIG_LINE_MAX];

	snprintf(text, sizeof(text), BASE "%s = %s\n", key, value);
	return parse_n(text, strlen(text));
}

static inline void
bad_value(
    const char *key, const char *value, enum kh_err want, const char *says)
{
	enum kh_err e = parse_value(key, value);

	if (e != want)
		fail_msg(
		    "%d, wanted %d: %s = %s", (int)e, (int)want, key, value);
	assert_fault(4, says);
	assert_memory_equal(f.text, key, strlen(key));
	assert_non_null(strstr(f.text, "write for example: "));
}

#endif
