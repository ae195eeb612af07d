/*
 * Runs a fuzz target over files instead of a fuzzer: every file of the
 * directories and files named on the command line, once. Prints TAP, so that
 * the seed corpus is a test like any other.
 */
#ifndef KH_TESTS_REPLAY_H
#define KH_TESTS_REPLAY_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	uint8_t *buf;
	size_t cap = 1 << 22, n;
	FILE *f;

	f = fopen(path, "rb");
	if (f == NULL)
		return -1;
	buf = malloc(cap);
	if (buf == NULL)
		abort();
	n = fread(buf, 1, cap, f);
	fclose(f);
	/* Exact size on the heap, so that a sanitizer sees every overread. */
	uint8_t *exact = malloc(n > 0 ? n : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, buf, n);
	free(buf);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int
main(int argc, char **argv)
{
	char path[4096];
	struct dirent *de;
	int i, n = 0;
	DIR *d;

	for (i = 1; i < argc; i++) {
		d = opendir(argv[i]);
		if (d == NULL) {
			n += replay_file(argv[i]) == 0;
			continue;
		}
		while ((de = readdir(d)) != NULL) {
			if (de->d_name[0] == '.')
				continue;
			snprintf(
			    path, sizeof(path), "%s/%s", argv[i], de->d_name);
			n += replay_file(path) == 0;
		}
		closedir(d);
	}
	printf("1..1\n%s 1 - %d inputs replayed\n", n > 0 ? "ok" : "not ok", n);
	return n > 0 ? 0 : 1;
}

#endif
