/*
 * The fields of the form, as they arrive: this is where the bytes of a stranger
 * are first given a meaning. Policy is enforced here, while parsing, so that
 * what is not allowed is never written (L25).
 */
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/multipart.h"
#include "server/visit/sealing.h"
#include "server/visit/status.h"
#include "server/visit/submit.h"

/* A message of n characters takes at most 4n bytes, and n more when each of
 * them is a line end, which a browser sends as CR LF. */
#define MESSAGE_BYTES_PER_CHAR 5

enum field {
	FIELD_TOKEN,
	FIELD_MESSAGE,
	FIELD_OUTLET,
	FIELD_FILE,
	FIELD_N
};

static const char *const field_names[FIELD_N] = {
    [FIELD_TOKEN] = "token",
    [FIELD_MESSAGE] = "message",
    [FIELD_OUTLET] = "outlet",
    [FIELD_FILE] = "file",
};

struct kh_submit {
	struct kh_visit *v;
	struct kh_multipart mp;
	enum kh_reason why; /* KH_REASON_NONE while all is well */
	bool again; /* sealed before: nothing more is taken */
	uint8_t upload[KH_UPLOAD_ID_LEN]; /* that the address names */
	bool named; /* it does */
	enum field field; /* the part that is arriving */
	bool seen[FIELD_N];
	char small[KH_TOKEN_TEXT_MAX]; /* a token or an outlet */
	size_t small_n;
	bool have_form;
	struct kh_form form;
	uint32_t outlets; /* bit i: outlet i was chosen */
	uint8_t *message; /* kh_secret_alloc, message_cap bytes, or NULL */
	size_t message_n, message_cap;
	uint32_t message_chars;
	bool message_sealed;
	uint8_t name[KH_RAW_NAME_MAX]; /* of the file that is arriving */
	size_t name_n;
	char type[KH_TYPE_MAX];
	size_t type_n;
	bool file_open; /* its entry has begun */
	uint32_t files; /* that arrived whole */
	uint32_t begun;
	struct kh_sealing sealing;
};

static enum kh_err
refuse(struct kh_submit *s, enum kh_reason why)
{
	if (s->why == KH_REASON_NONE) {
		s->why = why;
		kh_upload_state(s->v, KH_PROGRESS_REFUSED, why);
	}
	kh_sealing_drop(&s->sealing);
	return KH_EPROTO; /* ends the parser */
}

static enum kh_err
check(struct kh_submit *s, enum kh_reason why)
{
	return why == KH_REASON_NONE ? KH_OK : refuse(s, why);
}

/* Start the object, if that has not been done. */
static enum kh_err
begin(struct kh_submit *s)
{
	enum kh_err e;

	if (s->sealing.w != NULL)
		return KH_OK;
	if (!s->have_form)
		return refuse(s, KH_REASON_TOKEN);
	e = check(s,
	    kh_sealing_begin(
		&s->sealing, s->v, &s->form, s->outlets, &s->again));
	if (e == KH_OK && s->again)
		return KH_EPROTO; /* ends the parser; not a refusal */
	return e;
}

/* Is there nothing in the message but blanks and line ends? */
static bool
message_blank(const struct kh_submit *s)
{
	size_t i;

	for (i = 0; i < s->message_n; i++) {
		if (s->message[i] != ' ' && s->message[i] != '\t' &&
		    s->message[i] != '\r' && s->message[i] != '\n')
			return false;
	}
	return true;
}

static enum kh_err
seal_message(struct kh_submit *s)
{
	if (s->message_sealed || message_blank(s))
		return KH_OK;
	s->message_sealed = true;
	return check(s,
	    kh_sealing_reason(
		kh_bundle_message(s->sealing.w, s->message, s->message_n)));
}

/* Begin the entry of the file that is arriving, and all that comes before. */
static enum kh_err
open_file(struct kh_submit *s)
{
	enum kh_err e;

	if (s->file_open)
		return KH_OK;
	e = begin(s);
	if (e == KH_OK)
		e = seal_message(s);
	if (e == KH_OK)
		e = check(s,
		    kh_sealing_reason(kh_bundle_file(
			s->sealing.w, s->name, s->name_n, s->type, s->type_n)));
	if (e != KH_OK)
		return e;
	s->file_open = true;
	s->begun++;
	atomic_store(&s->v->counter->begun, s->begun);
	return KH_OK;
}

static enum kh_err
file_begin(struct kh_submit *s, const struct kh_part *part)
{
	if (!part->has_filename)
		return refuse(s, KH_REASON_FORM);
	PRECOND(part->filename.n <= sizeof(s->name));
	memcpy(s->name, part->filename.p, part->filename.n);
	s->name_n = part->filename.n;
	s->type_n = 0;
	if (part->type.n <= sizeof(s->type)) {
		memcpy(s->type, part->type.p, part->type.n);
		s->type_n = part->type.n;
	}
	s->file_open = false;
	return KH_OK;
}

static enum kh_err
message_begin(struct kh_submit *s)
{
	uint64_t cap;

	cap = (uint64_t)s->v->site->conf.max_message * MESSAGE_BYTES_PER_CHAR;
	if (cap > s->v->head.length)
		cap = s->v->head.length; /* no part is longer than the body */
	s->message_cap = (size_t)cap;
	s->message = kh_secret_alloc(s->message_cap);
	return s->message != NULL ? KH_OK : refuse(s, KH_REASON_FAILED);
}

static enum kh_err
on_part(void *ctx, const struct kh_part *part)
{
	struct kh_submit *s = ctx;
	size_t i;

	for (i = 0; i < FIELD_N; i++) {
		if (strlen(field_names[i]) == part->name.n &&
		    memcmp(field_names[i], part->name.p, part->name.n) == 0)
			break;
	}
	if (i == FIELD_N)
		return refuse(s, KH_REASON_FORM);
	s->field = (enum field)i;
	if (s->seen[i] && (i == FIELD_TOKEN || i == FIELD_MESSAGE))
		return refuse(s, KH_REASON_FORM);
	s->seen[i] = true;
	s->small_n = 0;
	if (i == FIELD_FILE)
		return file_begin(s, part);
	if (part->has_filename)
		return refuse(s, KH_REASON_FORM);
	return i == FIELD_MESSAGE ? message_begin(s) : KH_OK;
}

static enum kh_err
message_data(struct kh_submit *s, const uint8_t *p, size_t n)
{
	size_t i;

	if (n > s->message_cap - s->message_n)
		return refuse(s, KH_REASON_TOO_LONG);
	for (i = 0; i < n; i++) {
		/* The CR of a line end and UTF-8's later bytes do not count. */
		if (p[i] != '\r' && (p[i] & 0xc0) != 0x80)
			s->message_chars++;
	}
	if (s->message_chars > s->v->site->conf.max_message)
		return refuse(s, KH_REASON_TOO_LONG);
	memcpy(s->message + s->message_n, p, n);
	s->message_n += n;
	return KH_OK;
}

static enum kh_err
on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_submit *s = ctx;
	enum kh_err e;

	switch (s->field) {
	case FIELD_TOKEN:
	case FIELD_OUTLET:
		if (n > sizeof(s->small) - s->small_n)
			return refuse(s,
			    s->field == FIELD_TOKEN ? KH_REASON_TOKEN
						    : KH_REASON_FORM);
		memcpy(s->small + s->small_n, p, n);
		s->small_n += n;
		return KH_OK;
	case FIELD_MESSAGE:
		return message_data(s, p, n);
	case FIELD_FILE:
		e = open_file(s);
		if (e != KH_OK)
			return e;
		return check(
		    s, kh_sealing_reason(kh_bundle_data(s->sealing.w, p, n)));
	case FIELD_N:
		break;
	}
	return KH_EPROTO;
}

/* The choice of outlets decides the header of the object, so it is over once
 * the first file has begun. */
static enum kh_err
outlet_end(struct kh_submit *s)
{
	const struct kh_site *site = s->v->site;
	uint32_t i;

	if (s->sealing.w != NULL)
		return refuse(s, KH_REASON_FORM);
	for (i = 0; i < site->conf.n_outlets; i++) {
		if (strlen(site->outlets[i].id) == s->small_n &&
		    memcmp(site->outlets[i].id, s->small, s->small_n) == 0) {
			s->outlets |= UINT32_C(1) << i;
			return KH_OK;
		}
	}
	return refuse(s, KH_REASON_FORM);
}

static enum kh_err
file_end(struct kh_submit *s)
{
	enum kh_err e;

	/* A file field that was left empty arrives with no name and no byte. */
	if (!s->file_open && s->name_n == 0)
		return KH_OK;
	e = open_file(s);
	if (e != KH_OK)
		return e;
	s->file_open = false;
	e = check(s, kh_sealing_reason(kh_bundle_file_end(s->sealing.w, true)));
	if (e != KH_OK)
		return e;
	s->files++;
	atomic_store(&s->v->counter->files, s->files);
	return KH_OK;
}

static enum kh_err
token_end(struct kh_submit *s)
{
	const struct kh_slice text = {s->small, s->small_n};

	if (kh_token_open(s->v->site->keys, KH_TOKEN_SEND, text, &s->form) !=
	    KH_OK)
		return refuse(s, KH_REASON_TOKEN);
	/* Progress of one form is not shown as another's. */
	if (s->named && !kh_equal(s->upload, s->form.upload, KH_UPLOAD_ID_LEN))
		return refuse(s, KH_REASON_TOKEN);
	s->have_form = true;
	if (!s->named)
		kh_upload_announce(s->v, s->form.upload);
	return KH_OK;
}

static enum kh_err
on_end(void *ctx)
{
	struct kh_submit *s = ctx;

	switch (s->field) {
	case FIELD_TOKEN:
		return token_end(s);
	case FIELD_OUTLET:
		return outlet_end(s);
	case FIELD_FILE:
		return file_end(s);
	case FIELD_MESSAGE:
	case FIELD_N:
		break;
	}
	return KH_OK;
}

static const struct kh_multipart_ops ops = {
    .part = on_part, .data = on_data, .end = on_end};

static void
submit_free(void *ctx)
{
	struct kh_submit *s = ctx;

	kh_sealing_drop(&s->sealing);
	kh_secret_free(s->message);
	kh_secret_free(s);
}

static void
feed(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_submit *s = ctx;
	enum kh_err e;

	atomic_fetch_add(&s->v->counter->bytes, n);
	if (s->why != KH_REASON_NONE || s->again)
		return;
	e = kh_multipart_feed(&s->mp, p, n);
	if (e != KH_OK && !s->again) /* if it has a reason, that stays */
		(void)refuse(
		    s, e == KH_ELIMIT ? KH_REASON_TOO_LARGE : KH_REASON_FORM);
}

/*
 * Is it known for whom it is? In the form the outlets stand between message
 * and files. Cut before the first of them, "none" is not a choice yet, and
 * must not be taken for "all".
 */
static bool
outlets_known(const struct kh_submit *s)
{
	return s->sealing.w != NULL || s->seen[FIELD_FILE] || s->outlets != 0 ||
	    s->v->site->conf.n_outlets == 1;
}

/* Seal what there is and have it committed. */
static void
seal(struct kh_submit *s, bool complete)
{
	if (s->sealing.w == NULL && message_blank(s)) {
		(void)refuse(s, complete ? KH_REASON_EMPTY : KH_REASON_CUT);
		return;
	}
	if (!complete && !outlets_known(s)) {
		(void)refuse(s, KH_REASON_CUT);
		return;
	}
	if (begin(s) != KH_OK || seal_message(s) != KH_OK)
		return;
	if (s->file_open) {
		s->file_open = false;
		if (check(s,
			kh_sealing_reason(
			    kh_bundle_file_end(s->sealing.w, false))) != KH_OK)
			return;
	}
	kh_upload_state(s->v, KH_PROGRESS_SEALING, KH_REASON_NONE);
	if (check(s,
		kh_sealing_commit(
		    &s->sealing, s->v, complete, s->files, s->begun)) == KH_OK)
		kh_upload_state(s->v,
		    complete ? KH_PROGRESS_SEALED : KH_PROGRESS_CUT,
		    KH_REASON_NONE);
}

/* How many files it was when this upload was sealed, at an earlier try. */
static void
recall(struct kh_submit *s)
{
	struct kh_msg m = {.type = KH_MSG_FATE};
	int fd;

	memcpy(m.u.begin.upload, s->form.upload, KH_UPLOAD_ID_LEN);
	s->files = 0;
	if (kh_visit_ask(s->v, &m, &fd) == KH_OK &&
	    m.type == KH_MSG_FATE_ANSWER)
		s->files = m.u.fate.files;
	atomic_store(&s->v->counter->files, s->files);
	kh_upload_state(s->v, KH_PROGRESS_SEALED, KH_REASON_NONE);
}

static void
finish(void *ctx, struct kh_reply *r)
{
	struct kh_submit *s = ctx;
	enum kh_receipt what = KH_RECEIPT_SEALED;
	enum kh_err e;

	if (s->why == KH_REASON_NONE && !s->again) {
		e = kh_multipart_finish(&s->mp);
		if (e != KH_OK && e != KH_ETRUNC)
			(void)refuse(s, KH_REASON_FORM);
		else if (!s->have_form)
			(void)refuse(s, KH_REASON_TOKEN);
		else
			seal(s, e == KH_OK);
		if (e == KH_ETRUNC)
			what = KH_RECEIPT_PARTIAL;
	}
	if (s->again) {
		what = KH_RECEIPT_AGAIN;
		recall(s);
	}
	if (s->why != KH_REASON_NONE) {
		r->status = kh_reason_status(s->why);
		kh_page_refusal(&r->html, &s->v->view, s->why);
	} else {
		r->status = 200;
		kh_page_receipt(
		    &r->html, &s->v->view, what, &s->form.code, s->files);
	}
}

static void
cut(void *ctx)
{
	struct kh_submit *s = ctx;

	if (s->again)
		recall(s);
	else if (s->why == KH_REASON_NONE && s->have_form)
		seal(s, false);
	else if (s->why == KH_REASON_NONE)
		(void)refuse(s, KH_REASON_CUT);
}

enum kh_err
kh_submit_new(struct kh_visit *v, const uint8_t *upload, struct kh_intake *out)
{
	struct kh_slice boundary;
	struct kh_submit *s;
	enum kh_err e;

	e = kh_multipart_boundary(v->head.type, &boundary);
	if (e != KH_OK)
		return e;
	s = kh_secret_alloc(sizeof(*s));
	if (s == NULL)
		return KH_ENOMEM;
	memset(s, 0, sizeof(*s));
	s->v = v;
	s->sealing.file.fd = -1;
	if (upload != NULL) {
		s->named = true;
		memcpy(s->upload, upload, KH_UPLOAD_ID_LEN);
	}
	kh_multipart_init(&s->mp, boundary, &ops, s);
	*out = (struct kh_intake){s, feed, finish, cut, submit_free};
	return KH_OK;
}
