/*
 * The streaming multipart/form-data parser. Separate because every byte of
 * every upload passes through it: it holds no data but a part's head, and
 * looks at file contents only for the CR that a delimiter begins with.
 */
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/multipart.h"

/* kh_multipart.state: what the next byte belongs to. */
enum state {
	AT_FIRST, /* "--" boundary, at the very start */
	AT_DELIM_END, /* CR of a delimiter's line end, or a closing '-' */
	AT_DELIM_LF, /* the LF after that CR */
	AT_DELIM_DASH, /* the second closing '-' */
	AT_HEAD, /* a part's head */
	AT_DATA, /* a part's data, or the delimiter after it */
	AT_CLOSED, /* behind the last delimiter: CR or nothing */
	AT_CLOSED_LF, /* the LF after that CR */
	AT_END /* nothing any more */
};

_Static_assert(KH_RAW_NAME_MAX + KH_FIELD_NAME_MAX + 512 < KH_PART_HEAD_MAX,
    "the longest names and a media type must fit a part's head");

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* RFC 2046 5.1.1, bchars. */
static bool
is_boundary(char c)
{
	return is_alnum(c) || is_one_of(c, "'()+_,-./:=? ");
}

/* Of those, the ones that may stand without quotes (RFC 2045 5.1, token). */
static bool
is_bare_boundary(char c)
{
	return is_alnum(c) || is_one_of(c, "'+_-.");
}

static void
skip(struct kh_slice *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static void
skip_blanks(struct kh_slice *s)
{
	while (s->n > 0 && s->p[0] == ' ')
		skip(s, 1);
}

static bool
skip_byte(struct kh_slice *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	skip(s, 1);
	return true;
}

/* Cut `s` before the first `c`; the rest, `c` included, stays. What was cut
 * off has n = 0 and the whole stays when there is no `c`. */
static bool
cut(struct kh_slice *s, char c, struct kh_slice *before)
{
	const char *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;

	before->p = s->p;
	before->n = 0;
	if (at == NULL)
		return false;
	before->n = (size_t)(at - s->p);
	skip(s, before->n);
	return true;
}

static bool
has_control(struct kh_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

/* The sticky end of all parsing. A head that was not delivered is wiped:
 * it may hold a file's name. */
static enum kh_err
end_with(struct kh_multipart *m, enum kh_err e)
{
	m->failed = e;
	kh_wipe(m->head, sizeof(m->head));
	m->head_len = 0;
	return e;
}

/*
 * One parameter, `; name="value"` (RFC 7578 4.2), with blanks where RFC 9110
 * 5.6.6 has them. There are no escapes: a quote ends the value. Browsers send
 * a control byte in a file's name as it is; whoever shows it must see to that.
 */
static enum kh_err
take_param(struct kh_slice *line, struct kh_part *part)
{
	struct kh_slice key, value;

	skip_blanks(line);
	if (!skip_byte(line, ';'))
		return KH_EFORMAT;
	skip_blanks(line);
	if (!cut(line, '=', &key) || !skip_byte(line, '=') ||
	    !skip_byte(line, '"') || !cut(line, '"', &value) ||
	    !skip_byte(line, '"'))
		return KH_EFORMAT;
	if (kh_slice_is(key, "name")) {
		if (part->name.n > 0 || value.n == 0 || has_control(value))
			return KH_EFORMAT;
		part->name = value;
		return value.n > KH_FIELD_NAME_MAX ? KH_ELIMIT : KH_OK;
	}
	if (kh_slice_is(key, "filename")) {
		if (part->has_filename)
			return KH_EFORMAT;
		part->has_filename = true;
		part->filename = value;
		return value.n > KH_RAW_NAME_MAX ? KH_ELIMIT : KH_OK;
	}
	return KH_EFORMAT; /* filename* (RFC 7578 4.2) among them */
}

static enum kh_err
parse_disposition(struct kh_slice value, struct kh_part *part)
{
	static const char kind[] = "form-data";
	struct kh_slice first = {value.p, sizeof(kind) - 1};
	enum kh_err e;

	if (value.n < first.n || !kh_slice_is(first, kind))
		return KH_EFORMAT;
	skip(&value, first.n);
	while (value.n > 0) {
		e = take_param(&value, part);
		if (e != KH_OK)
			return e;
	}
	return part->name.n > 0 ? KH_OK : KH_EFORMAT;
}

/* RFC 9110 5.6.2, token: what a field's name is made of. */
static bool
is_field_name(struct kh_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && !is_one_of(s.p[i], "!#$%&'*+-.^_`|~"))
			return false;
	return s.n > 0;
}

/* One line of a part's head, without its CRLF. */
static enum kh_err
parse_line(struct kh_slice line, struct kh_part *part, bool *typed)
{
	struct kh_slice key;

	if (!cut(&line, ':', &key))
		return KH_EFORMAT;
	skip(&line, 1);
	skip_blanks(&line);
	while (line.n > 0 && line.p[line.n - 1] == ' ')
		line.n--;
	if (kh_slice_is(key, "Content-Disposition"))
		return part->name.n == 0 ? parse_disposition(line, part)
					 : KH_EFORMAT;
	if (has_control(line))
		return KH_EFORMAT;
	if (kh_slice_is(key, "Content-Type")) {
		if (*typed)
			return KH_EFORMAT;
		*typed = true;
		part->type = line;
		return KH_OK;
	}
	/* RFC 7578 4.7: it would say that the data is not what it is. */
	if (kh_slice_is(key, "Content-Transfer-Encoding"))
		return KH_EFORMAT;
	/* RFC 7578 4.8: others "MUST be ignored". */
	return is_field_name(key) ? KH_OK : KH_EFORMAT;
}

/* The head is whole: lines that end in CRLF, and an empty one. */
static enum kh_err
deliver_head(struct kh_multipart *m)
{
	struct kh_slice rest = {(const char *)m->head, m->head_len - 2};
	struct kh_part part = {.has_filename = false};
	struct kh_slice line;
	bool typed = false;
	enum kh_err e;

	while (cut(&rest, '\r', &line)) {
		skip(&rest, 2);
		e = parse_line(line, &part, &typed);
		if (e != KH_OK)
			return e;
	}
	if (part.name.n == 0)
		return KH_EFORMAT;
	e = m->ops->part(m->ctx, &part);
	kh_wipe(m->head, m->head_len);
	m->head_len = 0;
	m->state = AT_DATA;
	return e;
}

/*
 * One byte of a part's head. CR and LF come as pairs only: a line is what it
 * looks like. Other controls are judged where it is known what they stand in.
 */
static enum kh_err
take_head_byte(struct kh_multipart *m, uint8_t c)
{
	uint8_t last = m->head_len > 0 ? m->head[m->head_len - 1] : 0;
	bool empty;

	if ((c == '\n') != (last == '\r'))
		return KH_EFORMAT;
	if (c == '\0')
		return KH_EFORMAT;
	if (m->head_len == KH_PART_HEAD_MAX)
		return KH_ELIMIT;
	m->head[m->head_len++] = c;
	if (c != '\n')
		return KH_OK;
	empty = m->head_len == 2 || m->head[m->head_len - 3] == '\n';
	return empty ? deliver_head(m) : KH_OK;
}

/* A state that is about one byte. */
static enum kh_err
take_byte(struct kh_multipart *m, uint8_t want, enum state next, uint8_t c)
{
	if (c != want)
		return KH_EFORMAT;
	m->state = next;
	return KH_OK;
}

static enum kh_err
take_first_byte(struct kh_multipart *m, uint8_t c)
{
	if (c != m->delim[m->matched])
		return KH_EFORMAT;
	m->matched++;
	if (m->matched == m->delim_len)
		m->state = AT_DELIM_END;
	return KH_OK;
}

static enum kh_err
start_head(struct kh_multipart *m, uint8_t c)
{
	if (c != '\n')
		return KH_EFORMAT;
	if (m->parts == KH_PARTS_MAX)
		return KH_ELIMIT;
	m->parts++;
	m->matched = 0;
	m->head_len = 0;
	m->state = AT_HEAD;
	return KH_OK;
}

static enum kh_err
pass_on(struct kh_multipart *m, const uint8_t *p, size_t n)
{
	return n > 0 ? m->ops->data(m->ctx, p, n) : KH_OK;
}

/* A whole delimiter was seen: RFC 2046 5.1.1, "it is sufficient that the
 * boundary appear in its entirety following the CRLF". */
static enum kh_err
end_part(struct kh_multipart *m)
{
	m->state = AT_DELIM_END;
	return m->ops->end(m->ctx);
}

/* How many bytes at `p` agree with the delimiter from `from` on. */
static size_t
agree(const struct kh_multipart *m, size_t from, const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && from + i < m->delim_len && p[i] == m->delim[from + i])
		i++;
	return i;
}

/*
 * Go on with a delimiter that an earlier piece began. When it turns out not
 * to be one, the bytes held back are its own beginning. They cannot contain
 * another beginning: the only CR is the first byte.
 */
static enum kh_err
resume_delim(struct kh_multipart *m, const uint8_t *p, size_t n, size_t *used)
{
	size_t held;

	*used = agree(m, m->matched, p, n);
	m->matched += *used;
	if (m->matched == m->delim_len)
		return end_part(m);
	if (*used == n)
		return KH_OK;
	held = m->matched;
	m->matched = 0;
	return pass_on(m, m->delim, held);
}

/* Data up to the next delimiter, or what may become one at the piece's end.
 * Every byte is looked at once, whatever an attacker fills a file with. */
static enum kh_err
take_data(struct kh_multipart *m, const uint8_t *p, size_t n, size_t *used)
{
	const uint8_t *at = p, *end = p + n;
	size_t len = 0;
	enum kh_err e;

	while (at < end) {
		if (*at != '\r')
			at = memchr(at, '\r', (size_t)(end - at));
		if (at == NULL)
			at = end;
		if (end - at > 1 && at[1] != '\n') { /* soon decided */
			at++;
			continue;
		}
		len = agree(m, 0, at, (size_t)(end - at));
		if (len == m->delim_len || at + len == end)
			break;
		at += len;
	}
	m->matched = len;
	*used = (size_t)(at - p) + len;
	e = pass_on(m, p, (size_t)(at - p));
	if (e == KH_OK && len == m->delim_len)
		e = end_part(m);
	return e;
}

/* One step: at least one byte, or a delimiter that was none. */
static enum kh_err
step(struct kh_multipart *m, const uint8_t *p, size_t n, size_t *used)
{
	*used = 1;
	switch ((enum state)m->state) {
	case AT_FIRST:
		return take_first_byte(m, *p);
	case AT_DELIM_END:
		if (*p == '-')
			return take_byte(m, '-', AT_DELIM_DASH, *p);
		return take_byte(m, '\r', AT_DELIM_LF, *p);
	case AT_DELIM_LF:
		return start_head(m, *p);
	case AT_DELIM_DASH:
		return take_byte(m, '-', AT_CLOSED, *p);
	case AT_HEAD:
		return take_head_byte(m, *p);
	case AT_DATA:
		*used = 0;
		if (m->matched > 0)
			return resume_delim(m, p, n, used);
		return take_data(m, p, n, used);
	case AT_CLOSED:
		return take_byte(m, '\r', AT_CLOSED_LF, *p);
	case AT_CLOSED_LF:
		return take_byte(m, '\n', AT_END, *p);
	case AT_END:
		break;
	}
	return KH_EFORMAT;
}

enum kh_err
kh_multipart_boundary(struct kh_slice type, struct kh_slice *boundary)
{
	bool (*is)(char) = is_bare_boundary;
	struct kh_slice part;

	PRECOND(boundary != NULL && (type.p != NULL || type.n == 0));

	memset(boundary, 0, sizeof(*boundary));
	if (!cut(&type, ';', &part))
		return KH_EFORMAT;
	while (part.n > 0 && part.p[part.n - 1] == ' ')
		part.n--;
	skip(&type, 1);
	skip_blanks(&type);
	if (!kh_slice_is(part, "multipart/form-data") ||
	    !cut(&type, '=', &part) || !kh_slice_is(part, "boundary"))
		return KH_EFORMAT;
	skip(&type, 1);
	if (skip_byte(&type, '"')) {
		is = is_boundary;
		if (!cut(&type, '"', &part) || type.n != 1)
			return KH_EFORMAT;
		type = part;
	}
	if (type.n == 0 || type.n > KH_BOUNDARY_MAX ||
	    type.p[type.n - 1] == ' ')
		return KH_EFORMAT;
	for (size_t i = 0; i < type.n; i++)
		if (!is(type.p[i]))
			return KH_EFORMAT;
	*boundary = type;
	return KH_OK;
}

void
kh_multipart_init(struct kh_multipart *m, struct kh_slice boundary,
    const struct kh_multipart_ops *ops, void *ctx)
{
	PRECOND(m != NULL && ops != NULL && ops->part != NULL);
	PRECOND(ops->data != NULL && ops->end != NULL);
	PRECOND(boundary.n > 0 && boundary.n <= KH_BOUNDARY_MAX);
	PRECOND(memchr(boundary.p, '\r', boundary.n) == NULL);

	memset(m, 0, sizeof(*m));
	m->ops = ops;
	m->ctx = ctx;
	m->state = AT_FIRST;
	memcpy(m->delim, "\r\n--", 4);
	memcpy(m->delim + 4, boundary.p, boundary.n);
	m->delim_len = 4 + boundary.n;
	m->matched = 2; /* the first delimiter has no CRLF before it */
}

enum kh_err
kh_multipart_feed(struct kh_multipart *m, const uint8_t *p, size_t n)
{
	enum kh_err e;
	size_t used;

	PRECOND(m != NULL && m->ops != NULL && (p != NULL || n == 0));

	if (m->failed != KH_OK)
		return m->failed;
	while (n > 0) {
		e = step(m, p, n, &used);
		if (e != KH_OK)
			return end_with(m, e);
		p += used;
		n -= used;
	}
	return KH_OK;
}

enum kh_err
kh_multipart_finish(struct kh_multipart *m)
{
	PRECOND(m != NULL && m->ops != NULL);

	if (m->failed != KH_OK)
		return m->failed;
	if (m->state != AT_CLOSED && m->state != AT_END)
		return end_with(m, KH_ETRUNC);
	return KH_OK;
}
