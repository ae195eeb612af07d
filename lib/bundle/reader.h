/*
 * The bundle reader over any plaintext: what kh_bundle_reader_new puts an age
 * reader under, and what tests and fuzzers give bytes to.
 */
#ifndef KNOTHOLE_LIB_BUNDLE_READER_H
#define KNOTHOLE_LIB_BUNDLE_READER_H

#include "knothole/bundle.h"
#include "knothole/io.h"

/* As kh_bundle_reader_new; src.ctx must outlive the reader. */
KH_CHECKED enum kh_err kh_bundle_reader_open(
    struct kh_bundle_reader **out, struct kh_source src);

#endif
