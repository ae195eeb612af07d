/*
 * The keeper's one voice. No other process of knotholed has one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/name.h"
#include "server/keeper/keeper.h"

void
kh_say(const char *fmt, ...)
{
	char raw[1024], line[4096];
	va_list ap;
	size_t n;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (r < 0)
		return;
	n = (size_t)r < sizeof(raw) ? (size_t)r : sizeof(raw) - 1;
	memcpy(line, "knotholed: ", 11);
	n = 11 +
	    kh_text_escape(
		(const uint8_t *)raw, n, line + 11, sizeof(line) - 12);
	line[n++] = '\n';
	/* If it cannot be said there is nobody to tell. */
	if (kh_write_all(STDERR_FILENO, line, n) != KH_OK)
		return;
}
