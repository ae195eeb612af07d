/*
 * The limit that the server is measured against: what a submission of one file
 * costs without HTTP, multipart and processes. The same key derivation, bundle
 * writer, sink and fdatasync as in a visit, with the file read from disk.
 *
 *	seal_limit RECIPIENT OUT IN
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "knothole/bundle.h"
#include "knothole/code.h"
#include "knothole/secret.h"
#include "knothole/writeback.h"

#define READ_LEN 262144

static const char name[] = "recording.bin";
static const char type[] = "application/octet-stream";
static const char message[] = "bench";

static enum kh_err
fill_info(struct kh_bundle_info *info)
{
	static const uint8_t salt[KH_SALT_LEN] = "bench";
	struct kh_code_keys *keys = kh_secret_alloc(sizeof(*keys));
	struct kh_code code;
	enum kh_err e;

	if (keys == NULL)
		return KH_ENOMEM;
	kh_code_generate(&code);
	e = kh_code_derive(&code, salt, keys);
	memcpy(info->mailbox, keys->mailbox, sizeof(info->mailbox));
	info->reply_to = keys->reply_to;
	memcpy(info->slot_key, keys->slot_key, sizeof(info->slot_key));
	kh_secret_free(keys);
	return e;
}

static enum kh_err
put_file(struct kh_bundle_writer *w, int in)
{
	static uint8_t buf[READ_LEN];
	enum kh_err e;
	size_t n;

	e = kh_bundle_file(
	    w, (const uint8_t *)name, sizeof(name) - 1, type, sizeof(type) - 1);
	while (e == KH_OK) {
		e = kh_read_upto(in, buf, sizeof(buf), &n);
		if (e != KH_OK || n == 0)
			break;
		e = kh_bundle_data(w, buf, n);
	}
	return e == KH_OK ? kh_bundle_file_end(w, true) : e;
}

static enum kh_err
seal(const struct kh_recipient *to, int out, int in)
{
	struct kh_bundle_info info = {.language = "en", .day = "2026-11-21"};
	struct kh_file_sink file = {.fd = out};
	struct kh_bundle_writer *w = NULL;
	enum kh_err e;

	e = fill_info(&info);
	if (e == KH_OK)
		e = kh_bundle_writer_new(&w, to, 1, &info, kh_sink_file(&file));
	if (e == KH_OK)
		e = kh_bundle_message(
		    w, (const uint8_t *)message, sizeof(message) - 1);
	if (e == KH_OK)
		e = put_file(w, in);
	if (e == KH_OK)
		e = kh_bundle_finish(w, true, NULL);
	kh_bundle_writer_free(w);
	if (e == KH_OK && fdatasync(out) != 0)
		e = KH_ESYS;
	return e;
}

int
main(int argc, char **argv)
{
	struct kh_recipient to;
	enum kh_err e = KH_ESYS;
	int in, out;

	if (argc != 4 || kh_init() != KH_OK || kh_bundle_init() != KH_OK ||
	    kh_recipient_parse(argv[1], strlen(argv[1]), &to) != KH_OK) {
		fputs("usage: seal_limit RECIPIENT OUT IN\n", stderr);
		return 64;
	}
	out = open(argv[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	in = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (in >= 0 && out >= 0)
		e = seal(&to, out, in);
	if (e != KH_OK)
		fprintf(stderr, "seal_limit: %s\n", kh_err_text(e));
	return e == KH_OK ? 0 : 74;
}
