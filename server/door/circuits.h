/*
 * What each of tor's circuits is using, and what it may. A circuit is all that
 * there is to tell one visitor from another: every connection comes from tor,
 * so limits by address would be limits for everybody at once. In memory alone,
 * in that of the door alone, and forgotten with the circuit.
 */
#ifndef KNOTHOLED_CIRCUITS_H
#define KNOTHOLED_CIRCUITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

/* Rates are kept as the moment at which the whole allowance is there again: a
 * use moves it on, and it may not be further away than the allowance is
 * large. */
struct kh_circuit {
	bool known; /* false: a free line */
	uint32_t id; /* tor's number */
	uint32_t visits; /* at once */
	int64_t visits_whole; /* ms */
	int64_t forms_whole; /* ms */
};

struct kh_circuits {
	struct kh_circuit *line; /* `max` of them; zero in a forked child */
	size_t max;
};

/* What a connection is let in with. */
struct kh_pass {
	ptrdiff_t line; /* its circuit's, or -1 where circuits are not known */
	bool form; /* it may send a form */
	uint32_t nice; /* to the visits of others: 0 to 19 */
};

/*
 * Room for the circuits of `visits` visits, and some that have none now.
 * Errors: KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_circuits_init(struct kh_circuits *c, size_t visits);
void kh_circuits_free(struct kh_circuits *c);

/*
 * Another visit through circuit `id`, at `now` (monotonic ms)?
 *	scarce	few places are left: less for each circuit
 *	out	set on KH_OK; kh_circuits_leave takes it back
 * A form is counted here and given back by kh_circuits_leave if there was
 * none, so that many at once cannot be more than many in a row.
 * Errors: KH_ELIMIT not now.
 */
KH_CHECKED enum kh_err kh_circuits_enter(struct kh_circuits *c, uint32_t id,
    bool scarce, int64_t now, struct kh_pass *out);

/* The visit has ended. `form`: it was one. A pass without a line is nothing. */
void kh_circuits_leave(
    struct kh_circuits *c, const struct kh_pass *pass, bool form);

/* Forget circuits that have no visit and their whole allowance: there is
 * nothing left to know of them. Returns how many are known still. */
size_t kh_circuits_forget(struct kh_circuits *c, int64_t now);

#endif
