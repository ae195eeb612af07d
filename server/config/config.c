/*
 * The configuration file's syntax: lines, settings, what is missing. Separate
 * from the keys; a mistake in the file must never become a guess, and every
 * refusal says what to write instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/name.h"
#include "lib/base/precond.h"
#include "server/config/config.h"
#include "server/config/keys.h"

#define KEY_LEN_MAX 32 /* longer ones are not worth quoting */

/* A piece of the file. */
struct span {
	const char *p;
	size_t n;
};

static const char blanks[] = " \t";

static void
trim(struct span *s)
{
	while (s->n > 0 && memchr(blanks, s->p[0], 2) != NULL) {
		s->p++;
		s->n--;
	}
	while (s->n > 0 && memchr(blanks, s->p[s->n - 1], 2) != NULL)
		s->n--;
}

/* Which key? KH_CONFIG_KEYS_N when it is none. */
static size_t
find_key(struct span name)
{
	size_t i;

	for (i = 0; i < KH_CONFIG_KEYS_N; i++)
		if (strlen(kh_config_keys[i].name) == name.n &&
		    memcmp(kh_config_keys[i].name, name.p, name.n) == 0)
			break;
	return i;
}

/* "source_listen, store, ..." */
static void
list_keys(char *out, size_t cap)
{
	size_t at = 0;

	for (size_t i = 0; i < KH_CONFIG_KEYS_N && at < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, "%s%s",
		    i > 0 ? ", " : "", kh_config_keys[i].name);
}

/* Is it something that may be quoted in a message? */
static bool
is_key_like(struct span name)
{
	if (name.n == 0 || name.n > KEY_LEN_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return true;
}

static enum kh_err
unknown_key(struct kh_config_state *cs, struct span name)
{
	char known[320];

	list_keys(known, sizeof(known));
	if (!is_key_like(name))
		return kh_config_fail(cs, KH_EFORMAT,
		    "what stands before '=' is not a key; write one of: %s",
		    known);
	return kh_config_fail(cs, KH_EFORMAT,
	    "unknown key '%.*s'; write one of: %s", (int)name.n, name.p, known);
}

static enum kh_err
set_value(struct kh_config_state *cs, struct span value)
{
	char text[KH_CONFIG_LINE_MAX + 1];

	if (value.n == 0)
		return kh_config_bad(cs, KH_EFORMAT, "has no value");
	if (value.n > 1 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		return kh_config_bad(
		    cs, KH_EFORMAT, "must stand without quotes");
	if (memchr(value.p, '\t', value.n) != NULL)
		return kh_config_bad(cs, KH_EFORMAT, "contains a tab");
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	return cs->key->set(cs, text);
}

/* One `key = value`, trimmed and not empty. */
static enum kh_err
take_setting(struct kh_config_state *cs, struct span line)
{
	const char *equals = memchr(line.p, '=', line.n);
	struct span name, value;
	size_t i;

	if (equals == NULL)
		return kh_config_fail(cs, KH_EFORMAT,
		    "the line is neither a setting nor a comment; write KEY = "
		    "VALUE, "
		    "or begin the line with #");
	name = (struct span){line.p, (size_t)(equals - line.p)};
	value = (struct span){equals + 1, line.n - name.n - 1};
	trim(&name);
	trim(&value);
	i = find_key(name);
	if (i == KH_CONFIG_KEYS_N)
		return unknown_key(cs, name);
	if (cs->set_in[i] != 0)
		return kh_config_fail(cs, KH_EFORMAT,
		    "%s is set again; it was set in line %u: keep one of them",
		    kh_config_keys[i].name, cs->set_in[i]);
	cs->set_in[i] = cs->line;
	cs->key = &kh_config_keys[i];
	return set_value(cs, value);
}

static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* A line as it stands, without its LF. */
static enum kh_err
take_line(struct kh_config_state *cs, struct span line)
{
	if (line.n > KH_CONFIG_LINE_MAX)
		return kh_config_fail(cs, KH_ELIMIT,
		    "the line is longer than %d bytes; shorten it",
		    KH_CONFIG_LINE_MAX);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (cs->line == 1 && line.n >= 3 &&
	    memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
		return kh_config_fail(cs, KH_EFORMAT,
		    "the file begins with a byte order mark; save it as UTF-8 "
		    "without one");
	if (has_control(line))
		return kh_config_fail(cs, KH_EFORMAT,
		    "the line contains a control character; remove it");
	if (!kh_utf8_valid((const uint8_t *)line.p, line.n))
		return kh_config_fail(cs, KH_EFORMAT,
		    "the line is not valid UTF-8; save the file as UTF-8");
	trim(&line);
	if (line.n == 0 || line.p[0] == '#')
		return KH_OK;
	return take_setting(cs, line);
}

static enum kh_err
check_required(struct kh_config_state *cs)
{
	cs->line = 0;
	for (size_t i = 0; i < KH_CONFIG_KEYS_N; i++)
		if (kh_config_keys[i].required && cs->set_in[i] == 0)
			return kh_config_fail(cs, KH_EFORMAT,
			    "%s is missing; add for example: %s = %s",
			    kh_config_keys[i].name, kh_config_keys[i].name,
			    kh_config_keys[i].example);
	return KH_OK;
}

static enum kh_err
take_lines(struct kh_config_state *cs, struct span rest)
{
	struct span line;
	const char *lf;
	enum kh_err e;

	while (rest.n > 0) {
		lf = memchr(rest.p, '\n', rest.n);
		line.p = rest.p;
		line.n = lf != NULL ? (size_t)(lf - rest.p) : rest.n;
		cs->line++;
		e = take_line(cs, line);
		if (e != KH_OK)
			return e;
		if (lf != NULL)
			line.n++;
		rest.p += line.n;
		rest.n -= line.n;
	}
	return KH_OK;
}

enum kh_err
kh_config_parse(const char *text, size_t n, struct kh_config *out,
    struct kh_config_fault *fault)
{
	struct kh_config_state cs = {.out = out, .fault = fault};
	enum kh_err e;

	PRECOND((text != NULL || n == 0) && out != NULL && fault != NULL);

	memset(fault, 0, sizeof(*fault));
	kh_config_defaults(out);
	if (n > KH_CONFIG_MAX)
		e = kh_config_fail(&cs, KH_ELIMIT,
		    "the file is longer than %d bytes", KH_CONFIG_MAX);
	else
		e = take_lines(&cs, (struct span){text, n});
	if (e == KH_OK)
		e = check_required(&cs);
	if (e == KH_OK)
		e = kh_config_check(&cs);
	if (e == KH_OK)
		e = kh_config_fill_state(&cs);
	if (e != KH_OK)
		memset(out, 0, sizeof(*out));
	return e;
}

enum kh_err
kh_config_load(
    const char *path, struct kh_config *out, struct kh_config_fault *fault)
{
	char text[KH_CONFIG_MAX + 1]; /* one more, to see that it is too long */
	struct kh_config_state cs = {.fault = fault};
	enum kh_err e;
	size_t n = 0;
	int fd;

	PRECOND(path != NULL && out != NULL && fault != NULL);

	memset(out, 0, sizeof(*out));
	memset(fault, 0, sizeof(*fault));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		e = errno == ENOENT ? KH_ENOENT : KH_ESYS;
		return kh_config_fail(
		    &cs, e, "cannot open it: %s", strerror(errno));
	}
	e = kh_read_upto(fd, text, sizeof(text), &n);
	if (e != KH_OK)
		e = kh_config_fail(
		    &cs, e, "cannot read it: %s", strerror(errno));
	else
		e = kh_config_parse(text, n, out, fault);
	close(fd);
	return e;
}
