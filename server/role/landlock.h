/*
 * Landlock's constants, as linux/landlock.h of Linux 6.15 has them: Debian's
 * headers stop at the second version of seven.
 */
#ifndef KNOTHOLED_ROLE_LANDLOCK_H
#define KNOTHOLED_ROLE_LANDLOCK_H

#include <stdint.h>

#define KH_LANDLOCK_EXECUTE (UINT64_C(1) << 0)
#define KH_LANDLOCK_WRITE_FILE (UINT64_C(1) << 1)
#define KH_LANDLOCK_READ_FILE (UINT64_C(1) << 2)
#define KH_LANDLOCK_READ_DIR (UINT64_C(1) << 3)
#define KH_LANDLOCK_REMOVE_DIR (UINT64_C(1) << 4)
#define KH_LANDLOCK_REMOVE_FILE (UINT64_C(1) << 5)
#define KH_LANDLOCK_MAKE_CHAR (UINT64_C(1) << 6)
#define KH_LANDLOCK_MAKE_DIR (UINT64_C(1) << 7)
#define KH_LANDLOCK_MAKE_REG (UINT64_C(1) << 8)
#define KH_LANDLOCK_MAKE_SOCK (UINT64_C(1) << 9)
#define KH_LANDLOCK_MAKE_FIFO (UINT64_C(1) << 10)
#define KH_LANDLOCK_MAKE_BLOCK (UINT64_C(1) << 11)
#define KH_LANDLOCK_MAKE_SYM (UINT64_C(1) << 12)
#define KH_LANDLOCK_REFER (UINT64_C(1) << 13) /* version 2 */
#define KH_LANDLOCK_TRUNCATE (UINT64_C(1) << 14) /* version 3 */
#define KH_LANDLOCK_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */

#define KH_LANDLOCK_BIND_TCP (UINT64_C(1) << 0) /* version 4 */
#define KH_LANDLOCK_CONNECT_TCP (UINT64_C(1) << 1)

#define KH_LANDLOCK_ABSTRACT_UNIX (UINT64_C(1) << 0) /* version 6 */
#define KH_LANDLOCK_SIGNAL (UINT64_C(1) << 1)

/* The lowest version that we start with: all rights over files but linking
 * between directories, and truncating. Debian 12 has the second. */
#define KH_LANDLOCK_VERSION_MIN 1

struct kh_landlock_ruleset {
	uint64_t fs;
	uint64_t net; /* version 4 */
	uint64_t scoped; /* version 6 */
};

struct kh_landlock_path {
	uint64_t allowed;
	int32_t dir;
} __attribute__((packed));

#endif
