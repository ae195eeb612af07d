/*
 * ASCII armor (C2SP age, "ASCII armor"; strict RFC 7468), both ways, between
 * two sinks.
 */
#ifndef KNOTHOLE_AGE_ARMOR_H
#define KNOTHOLE_AGE_ARMOR_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/io.h"

#define KH_ARMOR_BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define KH_ARMOR_END "-----END AGE ENCRYPTED FILE-----"

/* Sealed bytes in, text to `sink`. */
struct kh_armor_writer;
KH_CHECKED enum kh_err kh_armor_writer_new(
    struct kh_armor_writer **out, struct kh_sink sink);
KH_CHECKED enum kh_err kh_armor_writer_write(
    struct kh_armor_writer *a, const uint8_t *p, size_t n);
KH_CHECKED enum kh_err kh_armor_writer_finish(struct kh_armor_writer *a);
void kh_armor_writer_free(struct kh_armor_writer *a);

/*
 * Text in, sealed bytes to `sink`. KH_EFORMAT for anything but one armored
 * file with white space around it; all bytes before the fault have then been
 * passed on, and an error of the sink comes before one of the armor.
 */
struct kh_armor_reader;
KH_CHECKED enum kh_err kh_armor_reader_new(
    struct kh_armor_reader **out, struct kh_sink sink);
KH_CHECKED enum kh_err kh_armor_reader_write(
    struct kh_armor_reader *a, const uint8_t *p, size_t n);
/* KH_ETRUNC when the end line is missing. */
KH_CHECKED enum kh_err kh_armor_reader_finish(struct kh_armor_reader *a);
void kh_armor_reader_free(struct kh_armor_reader *a);

#endif
