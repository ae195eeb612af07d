/*
 * A gpg that is none. What it does is in the name that it is copied to:
 *
 *	hang	never ends
 *	late	the same, but says that it has begun
 *	die	is killed in the middle of its output
 *	false	ends with 1 at once, --version as well
 *	silent	ends with 0 and has said and written nothing
 *	garbage	says that all went well, and writes what is no message
 *	empty	says that all went well, and writes nothing
 *	deaf	says that all went well without having read its input; its
 *		output is a message's packets
 *	mute	writes a message's packets and does not say that it has ended
 *	other	a message's packets, to a key with another id
 *	good	says what gpg says; with FAKEGPG_ID, 16 hex digits, in the
 *		environment its message is to that key, as is that of "mute"
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t message[] = {
    0xc1, 12, 3, 0, 0, 0, 0, 0, 0, 0, 0, 18, 1, 1, 0xd2, 3, 1, 2, 3};

static void
put(int fd, const void *p, size_t n)
{
	if (write(fd, p, n) < 0)
		_exit(3);
}

static void
say(int fd, const char *line)
{
	put(fd, line, strlen(line));
}

/* To the end of our input. */
static void
drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static void
version(void)
{
	static const char text[] =
	    "gpg (GnuPG) 2.2.40\nlibgcrypt 1.10.1\nHome: /nonexistent\n";

	put(STDOUT_FILENO, text, sizeof(text) - 1);
	exit(0);
}

static void
hang(void)
{
	for (;;)
		pause();
}

/* The key that the message is to. */
static void
take_id(const char *hex)
{
	size_t i;

	for (i = 0; hex != NULL && strlen(hex) == 16 && i < 8; i++) {
		const char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		message[3 + i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

int
main(int argc, char **argv)
{
	char self[512];
	const char *name;
	int i, status = 2, in = STDIN_FILENO;
	ssize_t n;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return 3;
	self[n] = '\0';
	name = strrchr(self, '/') + 1;
	if (strcmp(name, "false") == 0)
		return 1;
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--version") == 0)
			version();
		if (strcmp(argv[i], "--status-fd") == 0 && i + 1 < argc)
			status = atoi(argv[i + 1]);
		/* gpg(1), --enable-special-filenames. */
		if (strncmp(argv[i], "-&", 2) == 0)
			in = atoi(argv[i] + 2);
	}
	take_id(getenv("FAKEGPG_ID"));
	if (strcmp(name, "hang") == 0)
		hang();
	if (strcmp(name, "silent") == 0)
		return 0;
	if (strcmp(name, "deaf") != 0)
		drain(in);
	say(status, "[GNUPG:] BEGIN_ENCRYPTION 2 9\n");
	if (strcmp(name, "late") == 0)
		hang();
	if (strcmp(name, "die") == 0) {
		put(STDOUT_FILENO, message, 5);
		raise(SIGKILL);
	}
	if (strcmp(name, "garbage") == 0)
		say(STDOUT_FILENO, "this is no message of anybody's\n");
	else if (strcmp(name, "empty") != 0)
		put(STDOUT_FILENO, message, sizeof(message));
	if (strcmp(name, "mute") != 0)
		say(status, "[GNUPG:] END_ENCRYPTION\n");
	return 0;
}
