/*
 * Reading a passphrase. Separate because the terminal's state has to be
 * restored on every way out, a signal included.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client/passphrase.h"
#include "client/signals.h"
#include "knothole/io.h"
#include "knothole/limits.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

/* Byte by byte: what follows the line is not ours to take. */
static enum kh_err
read_line(int fd, struct kh_passphrase *p)
{
	size_t got;
	enum kh_err e;

	for (p->n = 0; p->n <= KH_PASSPHRASE_MAX; p->n++) {
		e = kh_read_upto(fd, p->text + p->n, 1, &got);
		if (e != KH_OK)
			return e;
		if (got == 0 || p->text[p->n] == '\n')
			break;
	}
	if (p->n > KH_PASSPHRASE_MAX)
		return KH_ELIMIT;
	/* A line of another system: no terminal could give that byte again. */
	if (p->n == 0 || p->text[p->n - 1] == '\r' ||
	    memchr(p->text, '\0', p->n) != NULL)
		return KH_EFORMAT;
	return KH_OK;
}

enum kh_err
kh_passphrase_read(int fd, struct kh_passphrase *out)
{
	enum kh_err e;
	int err;

	PRECOND(out != NULL);
	out->n = 0;
	out->text = kh_secret_alloc(KH_PASSPHRASE_MAX + 1);
	if (out->text == NULL)
		return KH_ENOMEM;
	e = read_line(fd, out);
	if (e != KH_OK) {
		err = errno;
		kh_passphrase_free(out);
		errno = err;
	}
	return e;
}

enum kh_err
kh_passphrase_ask(const char *prompt, struct kh_passphrase *out)
{
	struct termios was, quiet;
	sigset_t stop, before;
	enum kh_err e;
	int fd;

	PRECOND(prompt != NULL && out != NULL);
	memset(out, 0, sizeof(*out));
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &was) != 0) {
		if (fd >= 0)
			close(fd);
		return KH_ENOENT;
	}
	/* Ctrl-Z would leave the shell without echo: it waits. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stop, &before);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	kh_signals_terminal(fd, &was);
	e = tcsetattr(fd, TCSAFLUSH, &quiet) == 0 ? KH_OK : KH_ESYS;
	if (e == KH_OK)
		e = kh_write_all(fd, prompt, strlen(prompt));
	if (e == KH_OK)
		e = kh_passphrase_read(fd, out);
	(void)tcsetattr(fd, TCSANOW, &was);
	kh_signals_terminal(-1, NULL);
	if (kh_write_all(fd, "\n", 1) != KH_OK && e == KH_OK)
		e = KH_ESYS;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fd);
	if (e != KH_OK)
		kh_passphrase_free(out);
	return e;
}

void
kh_passphrase_free(struct kh_passphrase *p)
{
	kh_secret_free(p->text);
	p->text = NULL;
	p->n = 0;
}

int
kh_passphrase_same(const struct kh_passphrase *a, const struct kh_passphrase *b)
{
	return a->n == b->n && kh_equal(a->text, b->text, a->n);
}
