/*
 * Response heads. Separate because it parses outside bytes, and has a fuzzer.
 */
#include <string.h>
#include <strings.h>

#include "client/courier/head.h"
#include "knothole/limits.h"
#include "lib/base/precond.h"

/* A decimal number without zeros in front, from the text at *p before `end`;
 * *p is moved behind it. */
static enum kh_err
take_number(const char **p, const char *end, uint64_t *out)
{
	const char *start = *p;
	uint64_t v = 0, digit;

	*out = 0;
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
		digit = (uint64_t)(**p - '0');
		if (v > ((uint64_t)INT64_MAX - digit) / 10)
			return KH_ELIMIT;
		v = v * 10 + digit;
	}
	if (*p == start || (*start == '0' && *p - start > 1))
		return KH_EFORMAT;
	*out = v;
	return KH_OK;
}

static bool
take_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

enum kh_err
kh_content_range(const char *value, size_t n, struct kh_head *h)
{
	static const char unit[] = "bytes ";
	const char *p = value, *end = value + n;
	enum kh_err e = KH_OK;

	PRECOND(value != NULL && h != NULL);
	h->first = h->last = 0;
	if (n < sizeof(unit) || memcmp(p, unit, sizeof(unit) - 1) != 0)
		return KH_EFORMAT;
	p += sizeof(unit) - 1;
	h->unsatisfied = take_char(&p, end, '*');
	if (!h->unsatisfied) {
		e = take_number(&p, end, &h->first);
		if (e == KH_OK && !take_char(&p, end, '-'))
			e = KH_EFORMAT;
		if (e == KH_OK)
			e = take_number(&p, end, &h->last);
	}
	if (e == KH_OK && !take_char(&p, end, '/'))
		e = KH_EFORMAT;
	if (e == KH_OK)
		e = take_number(&p, end, &h->total);
	if (e == KH_OK && p != end)
		e = KH_EFORMAT;
	if (e == KH_OK && !h->unsatisfied &&
	    (h->first > h->last || h->last >= h->total))
		e = KH_EFORMAT;
	h->has_range = e == KH_OK;
	return e;
}

/* "HTTP/1.1 200 …": RFC 9112, 4. */
static enum kh_err
status_line(struct kh_head *h, const char *line, size_t n)
{
	size_t i;

	memset(h, 0, sizeof(*h));
	if (n < 12 || line[8] != ' ' || (n > 12 && line[12] != ' ') ||
	    line[9] < '1' || line[9] > '5')
		return KH_EFORMAT;
	for (i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return KH_EFORMAT;
		h->status = h->status * 10 + (unsigned)(line[i] - '0');
	}
	return KH_OK;
}

static bool
is_field(const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);

	return n == len && strncasecmp(line, name, len) == 0;
}

static enum kh_err
content_length(struct kh_head *h, const char *value, size_t n)
{
	const char *p = value;
	enum kh_err e;

	if (h->has_length)
		return KH_EFORMAT;
	e = take_number(&p, value + n, &h->length);
	if (e == KH_OK && p != value + n)
		e = KH_EFORMAT;
	h->has_length = e == KH_OK;
	return e;
}

static enum kh_err
field(struct kh_head *h, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n), *value;
	size_t name;

	if (colon == NULL || colon == line)
		return KH_EFORMAT;
	name = (size_t)(colon - line);
	value = colon + 1;
	n -= name + 1;
	while (n > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		n--;
	}
	while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		n--;
	if (is_field(line, name, "Content-Length"))
		return content_length(h, value, n);
	if (is_field(line, name, "Content-Range"))
		return h->has_range ? KH_EFORMAT
				    : kh_content_range(value, n, h);
	if (is_field(line, name, "Transfer-Encoding") ||
	    is_field(line, name, "Content-Encoding"))
		h->coded = true;
	return KH_OK;
}

enum kh_err
kh_head_line(struct kh_head *h, const char *line, size_t n)
{
	enum kh_err e = KH_OK;
	size_t all, len;

	PRECOND(h != NULL && line != NULL);
	if (n > KH_ANSWER_HEAD_MAX || h->bytes > KH_ANSWER_HEAD_MAX - n)
		return KH_ELIMIT;
	if (n < 2 || memcmp(line + n - 2, "\r\n", 2) != 0 ||
	    memchr(line, '\0', n) != NULL)
		return KH_EFORMAT;
	all = h->bytes + n;
	len = n - 2;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		e = status_line(h, line, len);
	else if (h->status == 0)
		e = KH_EFORMAT;
	else if (len > 0)
		e = field(h, line, len);
	h->bytes = all;
	return e;
}
