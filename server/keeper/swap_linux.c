/*
 * Swap: what passes through memory must not reach a disk in clear. Locked
 * pages do not, but libmicrohttpd's buffers and the stack are not locked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "server/keeper/keeper.h"

#define SWAPS "/proc/swaps"

/* A block device whose mapper says that it encrypts, or one in memory. */
static bool
is_encrypted(const char *device)
{
	static const char crypt[] = "CRYPT-";
	char path[64], uuid[sizeof(crypt)] = "";
	struct stat sb;
	FILE *f;

	if (strncmp(device, "/dev/zram", strlen("/dev/zram")) == 0)
		return true;
	if (stat(device, &sb) != 0 || !S_ISBLK(sb.st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm/uuid",
	    major(sb.st_rdev), minor(sb.st_rdev));
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(uuid, sizeof(uuid), f) == NULL)
		uuid[0] = '\0';
	fclose(f);
	return strcmp(uuid, crypt) == 0;
}

enum kh_err
kh_swap_each(const char *swaps,
    enum kh_err (*each)(void *ctx, const char *device), void *ctx)
{
	enum kh_err e = KH_OK;
	char *line = NULL;
	size_t cap = 0;
	FILE *f;

	f = fopen(swaps != NULL ? swaps : SWAPS, "re");
	if (f == NULL) /* a kernel without swap */
		return KH_OK;
	/* The first line is a heading. */
	if (getline(&line, &cap, f) < 0)
		goto out;
	while (e == KH_OK && getline(&line, &cap, f) > 0) {
		line[strcspn(line, " \t\n")] = '\0';
		if (!is_encrypted(line))
			e = each(ctx, line);
	}
out:
	free(line);
	fclose(f);
	return e;
}

static enum kh_err
tell(void *ctx, const char *device)
{
	const bool *allowed = ctx;

	kh_say("%s%s is swap that is not encrypted, so what passes through "
	       "memory may rest on a disk: turn it off (swapoff), encrypt it "
	       "with a key made at each boot, or set allow_swap = yes",
	    *allowed ? "warning: " : "", device);
	return *allowed ? KH_OK : KH_EUNSUP;
}

enum kh_exit
kh_swap_check(const char *swaps, bool allowed)
{
	return kh_swap_each(swaps, tell, &allowed) == KH_OK ? KH_EXIT_OK
							    : KH_EXIT_CONFIG;
}
