/*
 * What a program needs to be started: separate, because this list is what the
 * one process that may start another is allowed to.
 */
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include "server/role/landlock.h"
#include "server/wrap/wrap.h"

#define RUN (KH_LANDLOCK_EXECUTE | KH_LANDLOCK_READ_FILE)
#define READ (KH_LANDLOCK_READ_FILE | KH_LANDLOCK_READ_DIR)

/* Our own loader is gpg's. */
static int
find_loader(struct dl_phdr_info *info, size_t size, void *out)
{
	size_t i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)out = (const char *)info->dlpi_addr +
			    info->dlpi_phdr[i].p_vaddr;
	}
	return 1; /* the first is the program */
}

static int
open_path(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

enum kh_err
kh_wrap_grants(const char *gpg, struct kh_grant out[static KH_WRAP_GRANTS])
{
	static const char *const libraries[] = {
	    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"};
	const char *loader = NULL;
	size_t i, n = 0;

	out[n++] = (struct kh_grant){open_path(gpg), RUN};
	(void)dl_iterate_phdr(find_loader, &loader);
	out[n++] =
	    (struct kh_grant){loader != NULL ? open_path(loader) : -1, RUN};
	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		out[n++] = (struct kh_grant){open_path(libraries[i]), READ};
	out[n++] = (struct kh_grant){
	    open_path("/etc/ld.so.cache"), KH_LANDLOCK_READ_FILE};
	out[n++] = (struct kh_grant){open_path("/dev/null"),
	    KH_LANDLOCK_READ_FILE | KH_LANDLOCK_WRITE_FILE};
	return out[0].fd >= 0 ? KH_OK : KH_ENOENT;
}

void
kh_wrap_grants_close(struct kh_grant g[static KH_WRAP_GRANTS])
{
	size_t i;

	for (i = 0; i < KH_WRAP_GRANTS; i++) {
		if (g[i].fd >= 0)
			close(g[i].fd);
		g[i].fd = -1;
	}
}
