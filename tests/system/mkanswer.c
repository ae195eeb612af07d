/*
 * Puts an answer into a store's slot, as the courier will, and reads one, as
 * the server will: for tests of the source site and of the formats. It may run
 * while knotholed runs.
 *
 *	mkanswer --store DIR --salt FILE --code CODE --identity identity.txt
 *	    --number N --kind received|answer --day YYYY-MM-DD [--text-file FILE]
 *	mkanswer --read FILE --salt FILE --code CODE --identity identity.txt
 *	    --number N
 *
 * The first prints the slot's name, the second kind, day and text of the
 * answer in FILE.
 */
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/answer.h"
#include "knothole/code.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "knothole/store.h"

#define SIGNING_LINE "\n# signing key: "
#define IDENTITY_MAX 65536

enum option_code {
	STORE,
	READ,
	SALT,
	CODE,
	IDENTITY,
	NUMBER,
	KIND,
	DAY,
	TEXT,
	OPTIONS
};

static const char *given[OPTIONS];

/* What the options stand for; in locked memory. */
struct mk {
	struct kh_code code;
	struct kh_code_keys keys;
	struct kh_sign_secret signing;
	struct kh_sign_public outlet;
	uint32_t number;
	uint8_t signing_bytes[KH_SIGN_KEY_ID_LEN + KH_SIGN_SEED_LEN];
	char identity[IDENTITY_MAX + 1];
	uint8_t text[KH_ANSWER_TEXT_MAX + 1];
};

/* A sealed answer. */
struct sealed {
	size_t n;
	uint8_t bytes[KH_ANSWER_LEN_MAX];
};

static enum kh_err
slurp(const char *path, void *p, size_t cap, size_t *n)
{
	enum kh_err e;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*n = 0;
	if (fd < 0)
		return KH_ESYS;
	e = kh_read_upto(fd, p, cap, n);
	close(fd);
	return e;
}

/* "# signing key: b64(key_id[8] seed[32])" of the identity file. */
static enum kh_err
read_signing_key(struct mk *m)
{
	const char *line;
	enum kh_err e;
	size_t n;

	e = slurp(given[IDENTITY], m->identity, IDENTITY_MAX, &n);
	if (e != KH_OK)
		return e;
	m->identity[n] = '\0';
	line = strstr(m->identity, SIGNING_LINE);
	if (line == NULL)
		return KH_EFORMAT;
	line += strlen(SIGNING_LINE);
	if (sodium_base642bin(m->signing_bytes, sizeof(m->signing_bytes), line,
		strcspn(line, "\r\n"), NULL, &n, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != sizeof(m->signing_bytes))
		return KH_EKEY;
	memcpy(m->signing.key_id, m->signing_bytes, KH_SIGN_KEY_ID_LEN);
	memcpy(m->signing.seed, m->signing_bytes + KH_SIGN_KEY_ID_LEN,
	    KH_SIGN_SEED_LEN);
	kh_sign_public(&m->signing, &m->outlet);
	return KH_OK;
}

static enum kh_err
prepare(struct mk *m)
{
	uint8_t salt[KH_SALT_LEN + 1];
	const char *p = given[NUMBER];
	unsigned word;
	enum kh_err e;
	size_t n;

	for (; *p >= '0' && *p <= '9' && m->number < KH_SLOTS_MAX; p++)
		m->number = m->number * 10 + (uint32_t)(*p - '0');
	if (*p != '\0' || p == given[NUMBER] || m->number >= KH_SLOTS_MAX)
		return KH_ELIMIT;
	e = slurp(given[SALT], salt, sizeof(salt), &n);
	if (e == KH_OK && n != KH_SALT_LEN)
		e = KH_EFORMAT;
	if (e == KH_OK)
		e = kh_code_parse(
		    given[CODE], strlen(given[CODE]), &m->code, &word);
	if (e == KH_OK)
		e = kh_code_derive(&m->code, salt, &m->keys);
	if (e == KH_OK)
		e = read_signing_key(m);
	return e;
}

static enum kh_err
take(void *ctx, const uint8_t *p, size_t n)
{
	struct sealed *s = ctx;

	if (n > sizeof(s->bytes) - s->n)
		return KH_ELIMIT;
	memcpy(s->bytes + s->n, p, n);
	s->n += n;
	return KH_OK;
}

/* As the user whose store it is, however we were started: the store trusts
 * nobody else's files. */
static enum kh_err
open_store(const char *path, struct kh_store **store)
{
	struct stat sb;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sb) != 0 || seteuid(sb.st_uid) != 0)
		return KH_ESYS;
	return kh_store_open_at(fd, store);
}

static enum kh_err
put(struct mk *m)
{
	static struct sealed s;
	struct kh_answer a = {.number = m->number, .text = m->text};
	char name[KH_SLOT_NAME_LEN + 1];
	struct kh_store *store = NULL;
	enum kh_err e = KH_OK;

	memcpy(a.mailbox, m->keys.mailbox, sizeof(a.mailbox));
	a.kind = strcmp(given[KIND], "received") == 0 ? KH_KIND_RECEIVED
						      : KH_KIND_ANSWER;
	if (strlen(given[DAY]) != KH_DAY_LEN ||
	    (a.kind == KH_KIND_ANSWER && strcmp(given[KIND], "answer") != 0))
		return KH_EFORMAT;
	memcpy(a.day, given[DAY], sizeof(a.day));
	if (given[TEXT] != NULL)
		e = slurp(given[TEXT], m->text, sizeof(m->text), &a.text_len);
	if (e == KH_OK)
		e = kh_answer_seal(&a, &m->keys.reply_to, &m->signing,
		    (struct kh_sink){.write = take, .ctx = &s});
	if (e != KH_OK)
		return e;
	kh_slot_name(m->keys.slot_key, &m->outlet, m->number, name);
	e = open_store(given[STORE], &store);
	if (e == KH_OK)
		e = kh_store_answer_put(store, name, s.bytes, s.n);
	kh_store_close(store);
	/* Who we were: a leak checker may not look into a changed user. */
	if (seteuid(getuid()) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		return KH_ESYS;
	if (e == KH_OK)
		puts(name);
	return e;
}

static enum kh_err
show(struct mk *m)
{
	static uint8_t bytes[KH_ANSWER_LEN_MAX + 1];
	struct kh_answer_opened *o = NULL;
	const struct kh_answer *a;
	enum kh_err e;
	size_t n;

	e = slurp(given[READ], bytes, sizeof(bytes), &n);
	if (e == KH_OK)
		e = kh_answer_open(bytes, n, &m->keys.reply, m->keys.mailbox,
		    &m->outlet, m->number, &o);
	if (e != KH_OK)
		return e;
	a = kh_answer_get(o);
	printf("%s %s\n", a->kind == KH_KIND_ANSWER ? "answer" : "received",
	    a->day);
	fwrite(a->text, 1, a->text_len, stdout);
	kh_answer_free(o);
	return KH_OK;
}

static int
parse(int argc, char **argv)
{
	static const struct option options[] = {
	    {"store", required_argument, NULL, STORE},
	    {"read", required_argument, NULL, READ},
	    {"salt", required_argument, NULL, SALT},
	    {"code", required_argument, NULL, CODE},
	    {"identity", required_argument, NULL, IDENTITY},
	    {"number", required_argument, NULL, NUMBER},
	    {"kind", required_argument, NULL, KIND},
	    {"day", required_argument, NULL, DAY},
	    {"text-file", required_argument, NULL, TEXT}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c < 0 || c >= OPTIONS)
			return -1;
		given[c] = optarg;
	}
	if (optind != argc || given[SALT] == NULL || given[CODE] == NULL ||
	    given[IDENTITY] == NULL || given[NUMBER] == NULL)
		return -1;
	if (given[READ] != NULL)
		return given[STORE] == NULL ? 0 : -1;
	return given[STORE] != NULL && given[KIND] != NULL && given[DAY] != NULL
	    ? 0
	    : -1;
}

int
main(int argc, char **argv)
{
	struct mk *m;
	enum kh_err e;

	if (kh_init() != KH_OK || parse(argc, argv) != 0) {
		fputs("usage: mkanswer --store DIR --salt FILE --code CODE "
		      "--identity FILE --number N\n\t--kind received|answer "
		      "--day YYYY-MM-DD [--text-file FILE]\n"
		      "       mkanswer --read FILE --salt FILE --code CODE "
		      "--identity FILE --number N\n",
		    stderr);
		return 64;
	}
	m = kh_secret_alloc((sizeof(*m) + 15) / 16 * 16);
	if (m == NULL)
		return 71;
	m->number = 0;
	e = prepare(m);
	if (e == KH_OK)
		e = given[READ] != NULL ? show(m) : put(m);
	kh_secret_free(m);
	if (e == KH_OK)
		return 0;
	fprintf(stderr, "mkanswer: %s\n", kh_err_text(e));
	return e == KH_EEXIST ? 73 : 65;
}
