/*
 * An anonymous file for the table: memfd_create(2) and its seals are Linux's
 * alone.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/door/table.h"

int
kh_table_make(size_t lines)
{
	const off_t size = (off_t)(lines * sizeof(struct kh_counter));
	int fd;

	fd = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	/* Who could cut it short would end all that have it mapped. */
	if (ftruncate(fd, size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
		0)
		return fd;
	close(fd);
	return -1;
}

struct kh_counter *
kh_table_map(int fd, size_t lines)
{
	const size_t size = lines * sizeof(struct kh_counter);
	struct stat sb;
	void *p;

	if (fd >= 0 && (fstat(fd, &sb) != 0 || sb.st_size != (off_t)size))
		return NULL;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

bool
kh_table_take(struct kh_counter *table, size_t i)
{
	uint32_t none = 0;

	return atomic_compare_exchange_strong(&table[i].taken, &none, 1);
}

/* Whoever adds a field sets it below: else it is the next visit's. */
_Static_assert(sizeof(struct kh_counter) == 80, "kh_table_free knows it all");

void
kh_table_free(struct kh_counter *table, size_t i)
{
	struct kh_counter *c = &table[i];

	atomic_store(&c->state, 0); /* first: it is nobody's progress */
	atomic_store(&c->phase, 0);
	atomic_store(&c->bytes, 0);
	atomic_store(&c->all, 0);
	atomic_store(&c->upload[0], 0);
	atomic_store(&c->upload[1], 0);
	atomic_store(&c->files, 0);
	atomic_store(&c->begun, 0);
	atomic_store(&c->why, 0);
	atomic_store(&c->noted, 0);
	atomic_store(&c->share, 0);
	atomic_store(&c->form, 0);
	atomic_store(&c->claim, 0);
	atomic_store(&c->taken, 0);
}
