/*
 * Makes a sealed submission without a server, for the tests of the client.
 * Separate because the client itself has no business making one.
 *
 *	mkobject -r age1... [-m MESSAGE_FILE [--late]] [-n NAME] [--cut] OUT
 *	    [FILE...]
 *
 * Each -n names, in order, the file that stands at its place; \xNN in it is
 * that byte, so that a test may send what no argument can hold. --late puts
 * the message behind the files. --code and --salt make it the object of the
 * source with that return code, --day of another day. With --many N, OUT is a
 * directory that gets N objects of N / 2 sources, under random names.
 */
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "knothole/bundle.h"
#include "knothole/code.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "knothole/store.h"

#define NAMES_MAX 64
#define BUF_LEN 65536

struct mk {
	struct kh_recipient to[KH_RECIPIENTS_MAX];
	size_t n_to;
	const char *message;
	const char *name[NAMES_MAX];
	size_t n_names;
	bool cut;
	bool late;
	const char *code, *salt, *day;
	unsigned many;
};

static int
hex_digit(char c)
{
	const char *p = c == '\0' ? NULL : strchr("0123456789abcdef", c);

	return p == NULL ? -1 : (int)(p - "0123456789abcdef");
}

/* Resolve \xNN; returns how many bytes there are. */
static size_t
unescape(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (*s != '\0' && n < cap) {
		if (s[0] == '\\' && s[1] == 'x' && hex_digit(s[2]) >= 0 &&
		    hex_digit(s[3]) >= 0) {
			out[n++] =
			    (uint8_t)(hex_digit(s[2]) * 16 + hex_digit(s[3]));
			s += 4;
			continue;
		}
		out[n++] = (uint8_t)*s++;
	}
	return n;
}

static enum kh_err
put_message(struct kh_bundle_writer *w, const char *path)
{
	static uint8_t text[KH_MESSAGE_MAX];
	enum kh_err e;
	size_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return KH_ESYS;
	e = kh_read_upto(fd, text, sizeof(text), &n);
	close(fd);
	return e == KH_OK ? kh_bundle_message(w, text, n) : e;
}

static enum kh_err
put_bytes(struct kh_bundle_writer *w, int fd)
{
	static uint8_t buf[BUF_LEN];
	enum kh_err e;
	size_t n;

	for (;;) {
		e = kh_read_upto(fd, buf, sizeof(buf), &n);
		if (e != KH_OK || n == 0)
			return e;
		e = kh_bundle_data(w, buf, n);
		if (e != KH_OK)
			return e;
	}
}

static enum kh_err
put_file(struct kh_bundle_writer *w, const char *path, const char *name,
    bool complete)
{
	static const char type[] = "application/octet-stream";
	uint8_t raw[KH_RAW_NAME_MAX];
	enum kh_err e;
	size_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return KH_ESYS;
	if (name == NULL)
		name =
		    strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	n = unescape(name, raw, sizeof(raw));
	e = kh_bundle_file(w, raw, n, type, sizeof(type) - 1);
	if (e == KH_OK)
		e = put_bytes(w, fd);
	if (e == KH_OK)
		e = kh_bundle_file_end(w, complete);
	close(fd);
	return e;
}

static enum kh_err
keys_of(const struct mk *m, struct kh_bundle_info *info)
{
	static struct kh_code_keys keys;
	static struct kh_code code;
	uint8_t salt[KH_SALT_LEN];
	unsigned word;
	enum kh_err e;
	size_t n;
	int fd = open(m->salt, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return KH_ESYS;
	e = kh_read_upto(fd, salt, sizeof(salt), &n);
	close(fd);
	if (e == KH_OK)
		e = kh_code_parse(m->code, strlen(m->code), &code, &word);
	if (e == KH_OK)
		e = kh_code_derive(&code, salt, &keys);
	if (e != KH_OK)
		return e;
	memcpy(info->mailbox, keys.mailbox, sizeof(info->mailbox));
	memcpy(info->slot_key, keys.slot_key, sizeof(info->slot_key));
	info->reply_to = keys.reply_to;
	return KH_OK;
}

/* The info of source number `source`. */
static enum kh_err
info_of(const struct mk *m, unsigned source, struct kh_bundle_info *info)
{
	memset(info, 0, sizeof(*info)); /* no bridges */
	info->language = "en";
	info->day = m->day != NULL ? m->day : "2026-11-21";
	memset(info->mailbox, 0x5a, sizeof(info->mailbox));
	memset(info->slot_key, 0xa5, sizeof(info->slot_key));
	if (source > 0) {
		memcpy(info->mailbox, &source, sizeof(source));
		memcpy(info->slot_key, &source, sizeof(source));
	}
	info->reply_to = m->to[0];
	return m->code != NULL ? keys_of(m, info) : KH_OK;
}

static enum kh_err
make(const struct mk *m, const struct kh_bundle_info *info, int fd, int n,
    char **files)
{
	struct kh_bundle_writer *w = NULL;
	enum kh_err e;
	int i;

	e = kh_bundle_writer_new(&w, m->to, m->n_to, info, kh_sink_fd(&fd));
	if (e == KH_OK && m->message != NULL && !m->late)
		e = put_message(w, m->message);
	for (i = 0; i < n && e == KH_OK; i++)
		e = put_file(w, files[i],
		    (size_t)i < m->n_names ? m->name[i] : NULL,
		    !(m->cut && i == n - 1));
	if (e == KH_OK && m->message != NULL && m->late)
		e = put_message(w, m->message);
	if (e == KH_OK)
		e = kh_bundle_finish(w, !m->cut, NULL);
	kh_bundle_writer_free(w);
	return e;
}

/* One object at `path`, of source `source`. */
static enum kh_err
make_at(
    const struct mk *m, const char *path, unsigned source, int n, char **files)
{
	struct kh_bundle_info info = {.n_bridges = 0};
	enum kh_err e;
	int fd;

	e = info_of(m, source, &info);
	if (e != KH_OK)
		return e;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return KH_EEXIST;
	e = make(m, &info, fd, n, files);
	if (close(fd) != 0 && e == KH_OK)
		e = KH_ESYS;
	return e;
}

static enum kh_err
make_all(const struct mk *m, const char *out, int n, char **files)
{
	char name[KH_OBJECT_NAME_LEN + 1], path[4096];
	uint8_t id[KH_OBJECT_ID_LEN];
	enum kh_err e = KH_OK;
	unsigned i;

	if (m->many == 0)
		return make_at(m, out, 0, n, files);
	for (i = 0; i < m->many && e == KH_OK; i++) {
		randombytes_buf(id, sizeof(id));
		kh_object_name(id, name);
		(void)snprintf(path, sizeof(path), "%s/%s", out, name);
		e = make_at(m, path, 1 + i / 2, n, files);
	}
	return e;
}

static int
parse(struct mk *m, int argc, char **argv)
{
	static const struct option options[] = {{"cut", no_argument, NULL, 'c'},
	    {"late", no_argument, NULL, 'l'},
	    {"code", required_argument, NULL, 'C'},
	    {"salt", required_argument, NULL, 's'},
	    {"day", required_argument, NULL, 'd'},
	    {"many", required_argument, NULL, 'M'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "r:m:n:", options, NULL)) != -1) {
		if (c == 'c')
			m->cut = true;
		else if (c == 'l')
			m->late = true;
		else if (c == 'C')
			m->code = optarg;
		else if (c == 's')
			m->salt = optarg;
		else if (c == 'd')
			m->day = optarg;
		else if (c == 'M')
			m->many = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'm')
			m->message = optarg;
		else if (c == 'n' && m->n_names < NAMES_MAX)
			m->name[m->n_names++] = optarg;
		else if (c != 'r' || m->n_to == KH_RECIPIENTS_MAX ||
		    kh_recipient_parse(
			optarg, strlen(optarg), &m->to[m->n_to++]) != KH_OK)
			return -1;
	}
	return m->n_to > 0 && optind < argc &&
		(m->code == NULL) == (m->salt == NULL)
	    ? 0
	    : -1;
}

int
main(int argc, char **argv)
{
	static struct mk m;
	enum kh_err e;

	if (kh_init() != KH_OK || parse(&m, argc, argv) != 0) {
		fputs("usage: mkobject -r age1... [-m FILE [--late]] "
		      "[-n NAME] [--cut]\n\t[--code CODE --salt FILE] "
		      "[--day DAY] [--many N] OUT [FILE...]\n",
		    stderr);
		return 64;
	}
	e = make_all(&m, argv[optind], argc - optind - 1, argv + optind + 1);
	if (e == KH_EEXIST)
		return 73;
	if (e == KH_OK)
		return 0;
	fprintf(stderr, "mkobject: %s\n", kh_err_text(e));
	return 74;
}
