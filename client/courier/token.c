/*
 * Reading the token. Separate to have its plaintext in one place: locked
 * memory, never a message.
 */
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/courier/token.h"
#include "client/exit.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

enum kh_err
kh_token_check(const char *text, size_t n)
{
	uint8_t raw[32];
	size_t len = 0;
	bool ok;

	PRECOND(text != NULL);
	/* libsodium refuses bits that are left over: one spelling. */
	ok = n == KH_TOKEN_LEN &&
	    sodium_base642bin(raw, sizeof(raw), text, n, NULL, &len, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	    len == sizeof(raw);
	kh_wipe(raw, sizeof(raw));
	return ok ? KH_OK : KH_EFORMAT;
}

/* Regular files only: a FIFO would make us wait. */
static int
open_file(const char *path, int *fd)
{
	struct stat sb;

	*fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &sb) != 0)
		return kh_fail_open(path);
	if (!S_ISREG(sb.st_mode)) {
		kh_say(path,
		    "not a file; give the courier.token that "
		    "`knothole keygen` wrote");
		return KH_EXIT_NOINPUT;
	}
	if ((sb.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		kh_say(path,
		    "warning: others may read this file; whoever has "
		    "the token can fetch and answer in the "
		    "newsroom's name: chmod 600");
	return KH_EXIT_OK;
}

/* The token, one LF at most after it, and a byte to see that no more comes. */
static enum kh_err
read_token(int fd, char *text)
{
	enum kh_err e;
	size_t n;

	e = kh_read_upto(fd, text, KH_TOKEN_LEN + 2, &n);
	if (e != KH_OK)
		return e;
	if (n == KH_TOKEN_LEN + 1 && text[KH_TOKEN_LEN] == '\n')
		n--;
	text[KH_TOKEN_LEN] = '\0';
	return kh_token_check(text, n);
}

int
kh_token_file(const char *path, char **out)
{
	enum kh_err e = KH_ENOMEM;
	int fd = -1, code;

	PRECOND(path != NULL && out != NULL);
	*out = NULL;
	code = open_file(path, &fd);
	if (code == KH_EXIT_OK) {
		*out = kh_secret_alloc(KH_TOKEN_LEN + 2);
		if (*out != NULL)
			e = read_token(fd, *out);
		if (e == KH_EFORMAT) {
			kh_say(path,
			    "not a token; give the courier.token "
			    "that `knothole keygen` wrote");
			code = KH_EXIT_DATA;
		} else if (e != KH_OK)
			code = kh_fail(KH_ON_KEY, path, e);
	}
	if (fd >= 0)
		close(fd);
	if (code != KH_EXIT_OK) {
		kh_secret_free(*out);
		*out = NULL;
	}
	return code;
}
