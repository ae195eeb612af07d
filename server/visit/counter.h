/*
 * What a visit lets others see while it lasts: where it is, and how far.
 */
#ifndef KNOTHOLED_VISIT_COUNTER_H
#define KNOTHOLED_VISIT_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* Where a visit is, for the door's deadlines. */
enum kh_phase {
	KH_PHASE_HEAD, /* waiting for the request's head */
	KH_PHASE_BODY, /* the body is arriving */
	KH_PHASE_STORE, /* waiting for the store */
	KH_PHASE_REPLY, /* the answer is being sent */
	KH_PHASE_STATUS, /* progress is being shown */
	KH_PHASE_LINGER /* reading on, so that the answer is not lost */
};

/*
 * A visit's line in the one table that doors and visits share (anonymous
 * memory). The visit writes it; the door reads it for its deadlines, and the
 * visit that shows the progress of the same upload for its display.
 */
struct kh_counter {
	_Atomic uint32_t taken; /* 1: it is some visit's */
	_Atomic uint32_t phase; /* enum kh_phase */
	_Atomic uint64_t bytes; /* of the body that have arrived; ticks sent */
	_Atomic uint64_t all; /* Content-Length of the body */
	_Atomic uint64_t upload[2]; /* the upload's id; 0, 0: none */
	_Atomic uint32_t files, begun; /* that arrived whole, that began */
	_Atomic uint32_t state; /* enum kh_progress_state, from ARRIVING on */
	_Atomic uint32_t why; /* enum kh_reason */
	/* 1: the display has seen how it ended. Until then, and for some seconds,
	 * the line stays when the visit has gone (kh_guests_ended). */
	_Atomic uint32_t noted;
	/* Whose visits share what one circuit may use: a number of the door's
	 * that means nothing to anybody else; 0: there are no shares. */
	_Atomic uint32_t share;
	_Atomic uint32_t form; /* 1: a form was sent */
	_Atomic uint64_t claim; /* bytes of its body, until the visit ends */
};

#endif
