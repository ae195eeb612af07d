/*
 * Answers to sources, and where they rest (FORMAT.md, "Answers"). An answer is
 * an age file to the source's reply key whose length is exactly one of three,
 * 4096, 16384 or 65536 bytes. What is inside:
 *
 *	knothole-answer = 1
 *	mailbox = <32 hex digits>
 *	number = <decimal, no zero in front>
 *	kind = received|answer
 *	day = YYYY-MM-DD
 *	length = <bytes of text, decimal>
 *	(empty line)
 *	text, LF
 *	four lines		minisign signature over all bytes above, by the
 *				newsroom's signing key
 *	zero bytes		up to the size
 *
 * Each newsroom has a stream of KH_SLOTS_MAX slots of its own for each source,
 * so that no two ever overwrite each other. The signature covers mailbox and
 * number, so that an answer cannot be moved to another source or slot.
 */
#ifndef KNOTHOLE_ANSWER_H
#define KNOTHOLE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/age.h"
#include "knothole/err.h"
#include "knothole/io.h"
#include "knothole/limits.h"
#include "knothole/minisign.h"

/*
 * The name of slot `n` of a newsroom's stream for one source:
 * BLAKE2b-256 (key slot_key, "knothole slot v1" || outlet->pk || n as 8 bytes,
 * least significant first) in lower-case hex, NUL-terminated. Names of one
 * source cannot be told to belong together without its slot key.
 *	slot_key	KH_SLOT_KEY_LEN bytes, as kh_code_derive or the manifest
 *			of one of the source's objects has them
 *	outlet		the newsroom's signing key; its key id does not count
 *	n		0 to KH_SLOTS_MAX - 1 (precondition)
 */
void kh_slot_name(const uint8_t slot_key[static KH_SLOT_KEY_LEN],
    const struct kh_sign_public *outlet, uint32_t n,
    char out[static KH_SLOT_NAME_LEN + 1]);

/* What an answer is. */
enum kh_answer_kind {
	KH_KIND_RECEIVED = 1, /* "received": collected; has no text */
	KH_KIND_ANSWER, /* "answer": has text */
};

struct kh_answer {
	uint8_t mailbox[KH_MAILBOX_LEN]; /* the source's */
	uint32_t number; /* of the slot, < KH_SLOTS_MAX */
	enum kh_answer_kind kind;
	char day[KH_DAY_LEN + 1]; /* YYYY-MM-DD, UTC */
	/* UTF-8 without NUL, else as it was written: escape it to show it.
	 * Not NUL-terminated; 1 to KH_ANSWER_TEXT_MAX bytes in an answer, 0 in
	 * what says "received" (text may be NULL then). */
	const uint8_t *text;
	size_t text_len;
};

/* Is it a length that a sealed answer can have? */
bool kh_answer_len_valid(size_t n);

/*
 * Sign and seal, at the smallest length that the text fits in. Every text of
 * up to KH_ANSWER_TEXT_MAX bytes fits; which length a text takes depends on
 * its bytes only, never on its characters.
 *	a	copied nowhere but into locked memory, which is wiped
 *	to	the source's reply_to
 *	sk	the newsroom's signing key
 *	sink	receives the sealed answer; discard it after an error
 * Errors: KH_EFORMAT kind, day or text is not as described above; KH_ELIMIT
 * text longer than KH_ANSWER_TEXT_MAX, or number not below KH_SLOTS_MAX;
 * KH_EKEY `to` is of low order; KH_ENOMEM; whatever the sink returns.
 */
KH_CHECKED enum kh_err kh_answer_seal(const struct kh_answer *a,
    const struct kh_recipient *to, const struct kh_sign_secret *sk,
    struct kh_sink sink);

/* An answer that was opened, all of it in locked memory. */
struct kh_answer_opened;

/*
 * Open, and verify that it is what `outlet` wrote to this source for this
 * slot: nothing else is ever given out.
 *	sealed, n	the whole file; not kept
 *	reply		the source's reply key; not kept
 *	mailbox		the source's
 *	outlet		the newsroom in whose stream it was found
 *	number		the slot that it was found in, < KH_SLOTS_MAX
 *			(precondition)
 *	out		receives what the caller frees with kh_answer_free;
 *			NULL on error
 * Errors:
 *	KH_EFORMAT	`n` is no length of an answer, the file is no age file,
 *			or what is inside has another form; armor is refused
 *	KH_ENOKEY	sealed to another key
 *	KH_EAUTH	damaged, not signed by `outlet`, or signed for another
 *			mailbox or slot
 *	KH_ETRUNC	an age file that ends before it is complete
 *	KH_EUNSUP	of a later version, or signed in minisign's old way
 *	KH_ELIMIT	longer text or higher number than there can be, or an
 *			age header beyond its caps
 *	KH_ENOMEM
 */
KH_CHECKED enum kh_err kh_answer_open(const uint8_t *sealed, size_t n,
    const struct kh_identity *reply,
    const uint8_t mailbox[static KH_MAILBOX_LEN],
    const struct kh_sign_public *outlet, uint32_t number,
    struct kh_answer_opened **out);

/* What it says. Valid, text included, until kh_answer_free. */
const struct kh_answer *kh_answer_get(const struct kh_answer_opened *o);

/* Wipe and free; NULL is fine. */
void kh_answer_free(struct kh_answer_opened *o);

#endif
