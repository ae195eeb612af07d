/*
 * The strict request head parser: one pass from left to right over the peeked
 * bytes. Separate because it is the gate before libmicrohttpd, and because it
 * must stay small enough to be read against RFC 9112 in one sitting.
 */
#include <string.h>

#include "lib/base/precond.h"
#include "server/visit/head.h"

struct scan {
	const uint8_t *p;
	size_t n; /* at most KH_HEAD_MAX */
	size_t at;
	struct kh_head *head;
	bool api; /* the courier's */
	bool text_browser; /* by its name */
	unsigned seen; /* a bit for each of fields[] */
	enum kh_head_fault fault;
};

/* What a field that we look at does with its value. */
struct field {
	const char *name;
	bool api; /* looked at in the courier's API only */
	enum kh_err (*set)(struct scan *s, struct kh_slice value);
};

static enum kh_err
refuse(struct scan *s, enum kh_head_fault why)
{
	s->fault = why;
	return why == KH_HEAD_LARGE ? KH_ELIMIT : KH_EFORMAT;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool
is_one_of(uint8_t c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* RFC 9110 5.6.2, tchar. */
static bool
is_token(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
}

/* Any target at all, ours or not. */
static bool
is_visible(uint8_t c)
{
	return c > 0x20 && c < 0x7f;
}

/* A field's value: RFC 9110 5.5 less HTAB and obs-text, which nobody sends. */
static bool
is_value(uint8_t c)
{
	return c == ' ' || is_visible(c);
}

static bool
is_path(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "/._-");
}

static bool
is_query(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "._~=&%+-");
}

/* RFC 9110 7.2: uri-host and port, of those the names that can reach us. */
static bool
is_host(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, ".-_:[]");
}

static bool
all(struct kh_slice s, bool (*is)(uint8_t))
{
	for (size_t i = 0; i < s.n; i++)
		if (!is((uint8_t)s.p[i]))
			return false;
	return true;
}

/* The longest run of such bytes. It has ended only when another byte is
 * there. */
static enum kh_err
take_run(struct scan *s, bool (*is)(uint8_t), struct kh_slice *run)
{
	size_t from = s->at;

	while (s->at < s->n && is(s->p[s->at]))
		s->at++;
	run->p = (const char *)s->p + from;
	run->n = s->at - from;
	return s->at < s->n ? KH_OK : KH_EAGAIN;
}

/* Exactly these bytes. */
static enum kh_err
take(struct scan *s, const char *what)
{
	for (; *what != '\0'; what++, s->at++) {
		if (s->at == s->n)
			return KH_EAGAIN;
		if (s->p[s->at] != (uint8_t)*what)
			return refuse(s, KH_HEAD_MALFORMED);
	}
	return KH_OK;
}

static enum kh_err
take_digit(struct scan *s, uint8_t *digit)
{
	if (s->at == s->n)
		return KH_EAGAIN;
	*digit = s->p[s->at];
	if (*digit < '0' || *digit > '9')
		return refuse(s, KH_HEAD_MALFORMED);
	s->at++;
	return KH_OK;
}

/* RFC 9112 3.1: the method is case-sensitive. */
static enum kh_err
take_method(struct scan *s)
{
	static const char *const names[] = {[KH_GET] = "GET",
	    [KH_HEAD] = "HEAD",
	    [KH_POST] = "POST",
	    [KH_PUT] = "PUT"};
	const unsigned last = s->api ? KH_PUT : KH_POST;
	struct kh_slice run;
	enum kh_err e;

	e = take_run(s, is_token, &run);
	if (e != KH_OK)
		return e;
	if (run.n == 0)
		return refuse(s, KH_HEAD_MALFORMED);
	e = take(s, " ");
	if (e != KH_OK)
		return e;
	for (unsigned m = KH_GET; m <= last; m++) {
		if (run.n == strlen(names[m]) &&
		    memcmp(run.p, names[m], run.n) == 0) {
			s->head->method = (enum kh_method)m;
			return KH_OK;
		}
	}
	if (!s->api)
		return refuse(s, KH_HEAD_METHOD);
	s->head->method = KH_OTHER;
	return KH_OK;
}

/* RFC 9112 3.2.1: origin-form, and of that our own alphabet. */
static enum kh_err
take_target(struct scan *s)
{
	struct kh_head *h = s->head;
	struct kh_slice run;
	const char *mark;
	enum kh_err e;

	e = take_run(s, is_visible, &run);
	if (e != KH_OK)
		return e;
	if (run.n == 0)
		return refuse(s, KH_HEAD_MALFORMED);
	e = take(s, " ");
	if (e != KH_OK)
		return e;
	h->path = run;
	mark = memchr(run.p, '?', run.n);
	if (mark != NULL) {
		h->path.n = (size_t)(mark - run.p);
		h->query.p = mark + 1;
		h->query.n = run.n - h->path.n - 1;
	}
	if (h->path.n == 0 || h->path.p[0] != '/' || !all(h->path, is_path) ||
	    !all(h->query, is_query))
		return refuse(s, KH_HEAD_TARGET);
	return KH_OK;
}

/* RFC 9112 2.3. */
static enum kh_err
take_version(struct scan *s)
{
	uint8_t major, minor;
	enum kh_err e;

	e = take(s, "HTTP/");
	if (e == KH_OK)
		e = take_digit(s, &major);
	if (e == KH_OK)
		e = take(s, ".");
	if (e == KH_OK)
		e = take_digit(s, &minor);
	if (e != KH_OK)
		return e;
	s->head->old = major == '1' && minor == '0' && !s->api;
	if (!s->head->old && (major != '1' || minor != '1'))
		return refuse(s, KH_HEAD_VERSION);
	return take(s, "\r\n");
}

static enum kh_err
set_host(struct scan *s, struct kh_slice v)
{
	if (v.n == 0 || !all(v, is_host))
		return refuse(s, KH_HEAD_MALFORMED);
	s->head->host = v;
	return KH_OK;
}

/* RFC 9110 8.6, less leading zeros: some readers take those for octal. */
static enum kh_err
set_length(struct scan *s, struct kh_slice v)
{
	uint64_t sum = 0;

	if (v.n == 0 || (v.n > 1 && v.p[0] == '0'))
		return refuse(s, KH_HEAD_MALFORMED);
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return refuse(s, KH_HEAD_MALFORMED);
		unsigned digit = (unsigned)(v.p[i] - '0');
		if (sum > (UINT64_MAX - digit) / 10)
			return refuse(s, KH_HEAD_MALFORMED);
		sum = sum * 10 + digit;
	}
	s->head->has_length = true;
	s->head->length = sum;
	return KH_OK;
}

static enum kh_err
set_type(struct scan *s, struct kh_slice v)
{
	if (v.n > 0)
		s->head->type = v;
	return KH_OK;
}

/* RFC 9110 10.1.1. */
static enum kh_err
set_expect(struct scan *s, struct kh_slice v)
{
	if (!kh_slice_is(v, "100-continue"))
		return refuse(s, KH_HEAD_EXPECT);
	s->head->expect_continue = true;
	return KH_OK;
}

/* RFC 9112 6.1: we know no transfer coding, chunked included. */
static enum kh_err
set_coding(struct scan *s, struct kh_slice v)
{
	(void)v;
	return refuse(s, KH_HEAD_CODING);
}

static enum kh_err
set_authorization(struct scan *s, struct kh_slice v)
{
	s->head->authorization = v;
	return KH_OK;
}

static enum kh_err
set_range(struct scan *s, struct kh_slice v)
{
	s->head->range = v;
	return KH_OK;
}

/* RFC 9112 9.3. Anything else that it may say ends the connection, as saying
 * nothing does. */
static enum kh_err
set_connection(struct scan *s, struct kh_slice v)
{
	s->head->keep_alive = kh_slice_is(v, "keep-alive");
	return KH_OK;
}

/* Is it one of the text browsers that speak HTTP/1.0? */
static enum kh_err
set_agent(struct scan *s, struct kh_slice v)
{
	static const char *const names[] = {"w3m/", "Lynx/"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (v.n > strlen(names[i]) &&
		    memcmp(v.p, names[i], strlen(names[i])) == 0)
			s->text_browser = true;
	}
	return KH_OK;
}

static const struct field fields[] = {
    {"Host", false, set_host}, /* the first: its bit is HOST_SEEN */
    {"Content-Length", false, set_length},
    {"Content-Type", false, set_type},
    {"Expect", false, set_expect},
    {"Transfer-Encoding", false, set_coding},
    {"User-Agent", false, set_agent},
    {"Authorization", true, set_authorization},
    {"Range", true, set_range},
    {"Connection", true, set_connection},
};
#define FIELDS_N (sizeof(fields) / sizeof(fields[0]))
#define HOST_SEEN 1U

/* What proxies add: nobody who speaks to an onion service directly sends it. */
static const char *const proxy_fields[] = {"X-Tor2web", "Via", "Forwarded",
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"};

static bool
is_proxys(struct kh_slice name)
{
	for (size_t i = 0; i < sizeof(proxy_fields) / sizeof(proxy_fields[0]);
	     i++) {
		if (kh_slice_is(name, proxy_fields[i]))
			return true;
	}
	return false;
}

/* Fields that are none of ours are passed over; a second of ours is refused,
 * even one that says the same. */
static enum kh_err
set_field(struct scan *s, struct kh_slice name, struct kh_slice value)
{
	for (unsigned i = 0; i < FIELDS_N; i++) {
		if (!kh_slice_is(name, fields[i].name) ||
		    (fields[i].api && !s->api))
			continue;
		if (s->seen & 1U << i)
			return refuse(s, KH_HEAD_MALFORMED);
		s->seen |= 1U << i;
		return fields[i].set(s, value);
	}
	if (is_proxys(name))
		s->head->proxied = true;
	return KH_OK;
}

/* RFC 9112 5: name ":" OWS value OWS CRLF. A folded line begins with a blank
 * and is thus one without a name. */
static enum kh_err
take_field(struct scan *s)
{
	struct kh_slice name, value;
	enum kh_err e;

	e = take_run(s, is_token, &name);
	if (e != KH_OK)
		return e;
	if (name.n == 0)
		return refuse(s, KH_HEAD_MALFORMED);
	e = take(s, ":");
	if (e == KH_OK)
		e = take_run(s, is_value, &value);
	if (e == KH_OK)
		e = take(s, "\r\n");
	if (e != KH_OK)
		return e;
	while (value.n > 0 && value.p[0] == ' ') {
		value.p++;
		value.n--;
	}
	while (value.n > 0 && value.p[value.n - 1] == ' ')
		value.n--;
	return set_field(s, name, value);
}

static enum kh_err
take_fields(struct scan *s)
{
	unsigned count = 0;
	enum kh_err e;

	for (;;) {
		if (s->at == s->n)
			return KH_EAGAIN;
		if (s->p[s->at] == '\r')
			return take(s, "\r\n");
		if (count++ == KH_HEADERS_MAX)
			return refuse(s, KH_HEAD_LARGE);
		e = take_field(s);
		if (e != KH_OK)
			return e;
	}
}

/* What can only be said when all fields are known. */
static enum kh_err
check_whole(struct scan *s)
{
	const struct kh_head *h = s->head;
	const bool body = h->method == KH_POST || h->method == KH_PUT;

	if (h->old && !s->text_browser)
		return refuse(s, KH_HEAD_VERSION);
	/* RFC 9112 3.2 */
	if ((s->seen & HOST_SEEN) == 0)
		return refuse(s, KH_HEAD_MALFORMED);
	if (body && !h->has_length)
		return refuse(s, KH_HEAD_LENGTH);
	/* RFC 9110 9.3.1: a body there has no meaning and smuggles. */
	if ((h->method == KH_GET || h->method == KH_HEAD) && h->length > 0)
		return refuse(s, KH_HEAD_MALFORMED);
	return KH_OK;
}

bool
kh_slice_is(struct kh_slice s, const char *word)
{
	PRECOND(word != NULL);

	if (s.n != strlen(word))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (lower((uint8_t)s.p[i]) != lower((uint8_t)word[i]))
			return false;
	return true;
}

static enum kh_err
parse(struct scan *s, enum kh_head_fault *fault)
{
	enum kh_err e;

	PRECOND((s->p != NULL || s->n == 0) && s->head != NULL);
	PRECOND(fault != NULL);

	memset(s->head, 0, sizeof(*s->head));
	*fault = KH_HEAD_FINE;
	if (s->n == 0)
		return KH_EAGAIN;
	if (s->n > KH_HEAD_MAX)
		s->n = KH_HEAD_MAX;
	e = take_method(s);
	if (e == KH_OK)
		e = take_target(s);
	if (e == KH_OK)
		e = take_version(s);
	if (e == KH_OK)
		e = take_fields(s);
	if (e == KH_OK)
		e = check_whole(s);
	/* No byte that may still come can end it within the cap. */
	if (e == KH_EAGAIN && s->n == KH_HEAD_MAX)
		e = refuse(s, KH_HEAD_LARGE);
	s->head->head_len = s->at;
	if (e != KH_OK)
		memset(s->head, 0, sizeof(*s->head));
	*fault = s->fault;
	return e;
}

enum kh_err
kh_head_parse(
    const uint8_t *p, size_t n, struct kh_head *out, enum kh_head_fault *fault)
{
	struct scan s = {.p = p, .n = n, .head = out};

	return parse(&s, fault);
}

enum kh_err
kh_head_parse_api(
    const uint8_t *p, size_t n, struct kh_head *out, enum kh_head_fault *fault)
{
	struct scan s = {.p = p, .n = n, .head = out, .api = true};

	return parse(&s, fault);
}
