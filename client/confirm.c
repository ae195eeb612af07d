/*
 * Confirmation on the terminal. Separate from passphrases: what is typed here
 * is seen.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/confirm.h"
#include "client/exit.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define WORD_MAX 63

/* A line, without its end; what does not fit makes it another word. */
static void
read_line(int fd, char out[static WORD_MAX + 2])
{
	size_t n = 0, got = 0;
	char c;

	while (
	    kh_read_upto(fd, &c, 1, &got) == KH_OK && got == 1 && c != '\n') {
		if (n <= WORD_MAX)
			out[n++] = c;
	}
	out[n] = '\0';
}

int
kh_confirm(const char *prompt, const char *word)
{
	char typed[WORD_MAX + 2];
	int fd;

	PRECOND(prompt != NULL && strlen(word) <= WORD_MAX);
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return kh_fail_usage("confirm",
		    "there is no terminal to ask on; --yes does without");
	typed[0] = '\0';
	if (kh_write_all(fd, prompt, strlen(prompt)) == KH_OK)
		read_line(fd, typed);
	close(fd);
	if (strcmp(typed, word) == 0)
		return KH_EXIT_OK;
	kh_say(NULL, "not confirmed; nothing was done");
	return KH_EXIT_NOKEY;
}
