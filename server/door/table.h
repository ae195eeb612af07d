/*
 * The table of counters in which visits say how far they are. It outlives a
 * door that is replaced: an upload that goes on behind the old one is followed
 * by displays behind the new one.
 */
#ifndef KNOTHOLED_DOOR_TABLE_H
#define KNOTHOLED_DOOR_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/visit/counter.h"

/* A table of `lines` empty lines; its size cannot be changed any more.
 * Returns a descriptor, or -1 with errno set. */
int kh_table_make(size_t lines);

/* Map a table of `lines` lines, shared; -1 for one that nobody else has.
 * Returns NULL on error, also when the table has another size. */
struct kh_counter *kh_table_map(int fd, size_t lines);

/* Take line `i` if nobody has it; free it again, empty. */
bool kh_table_take(struct kh_counter *table, size_t i);
void kh_table_free(struct kh_counter *table, size_t i);

#endif
