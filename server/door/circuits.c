/*
 * Limits for each circuit. Separate from the door's loop: this is where the
 * arithmetic is, and time is an argument, so that tests can turn it.
 */
#include <string.h>
#include <sys/mman.h>

#include "lib/base/precond.h"
#include "server/door/circuits.h"

/* Between two uses of an allowance that is spent. */
#define VISIT_MS (1000 / KH_CIRCUIT_VISITS_PER_SECOND)
#define FORM_MS (1000 * KH_CIRCUIT_FORM_SECONDS)

/* A form is charged to every visit until it has turned out to be none. */
_Static_assert(KH_CIRCUIT_FORMS_BURST > KH_CIRCUIT_VISITS_MAX,
    "pages that are open must not keep a form out");

_Static_assert((KH_CIRCUIT_VISITS_BURST - 1) / KH_CIRCUIT_NICE_VISITS +
	    KH_CIRCUIT_VISITS_MAX - KH_CIRCUIT_VISITS_SCARCE <=
	19,
    "there is no priority lower than 19");

enum kh_err
kh_circuits_init(struct kh_circuits *c, size_t visits)
{
	const size_t max = visits + KH_CIRCUITS_IDLE_MAX;
	const size_t n = max * sizeof(*c->line);
	void *p;

	PRECOND(c != NULL && visits <= KH_VISITS_MAX);
	memset(c, 0, sizeof(*c));
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (p == MAP_FAILED)
		return KH_ENOMEM;
	/* A visit has no business with other circuits, nor with its own. */
	if (madvise(p, n, MADV_WIPEONFORK) != 0) {
		munmap(p, n);
		return KH_ENOMEM;
	}
	c->line = p;
	c->max = max;
	return KH_OK;
}

void
kh_circuits_free(struct kh_circuits *c)
{
	if (c->line != NULL)
		munmap(c->line, c->max * sizeof(*c->line));
	memset(c, 0, sizeof(*c));
}

/* Use one of `burst`, of which one comes back every `each` ms. */
static bool
use(int64_t *whole, int64_t each, int64_t burst, int64_t now)
{
	const int64_t from = *whole > now ? *whole : now;

	if (from + each - now > burst * each)
		return false;
	*whole = from + each;
	return true;
}

static bool
nothing_to_know(const struct kh_circuit *l, int64_t now)
{
	return l->visits == 0 && l->visits_whole <= now &&
	    l->forms_whole <= now;
}

/* The line of circuit `id`; a new one if it has none. There are more lines
 * than visits, so one without a visit is always there. */
static struct kh_circuit *
line_of(struct kh_circuits *c, uint32_t id, int64_t now)
{
	struct kh_circuit *l, *spare = NULL;
	size_t i;

	for (i = 0; i < c->max; i++) {
		l = &c->line[i];
		if (l->known && l->id == id)
			return l;
		if (l->visits > 0 || (spare != NULL && !spare->known))
			continue;
		/* Who has to be forgotten early: the one that would be next. */
		if (spare == NULL || !l->known ||
		    l->forms_whole < spare->forms_whole)
			spare = l;
	}
	PRECOND(spare != NULL);
	*spare = (struct kh_circuit){
	    .known = true, .id = id, .visits_whole = now, .forms_whole = now};
	return spare;
}

/* Visits at once beyond a few count one each; those of late less. */
static uint32_t
nice(const struct kh_circuit *l, int64_t now)
{
	const int64_t lately = (l->visits_whole - now - 1) / VISIT_MS;

	return (uint32_t)(lately / KH_CIRCUIT_NICE_VISITS) +
	    (l->visits > KH_CIRCUIT_VISITS_SCARCE
		    ? l->visits - KH_CIRCUIT_VISITS_SCARCE
		    : 0);
}

enum kh_err
kh_circuits_enter(struct kh_circuits *c, uint32_t id, bool scarce, int64_t now,
    struct kh_pass *out)
{
	const uint32_t max =
	    scarce ? KH_CIRCUIT_VISITS_SCARCE : KH_CIRCUIT_VISITS_MAX;
	struct kh_circuit *l = line_of(c, id, now);

	*out = (struct kh_pass){.line = -1};
	if (l->visits >= max ||
	    !use(&l->visits_whole, VISIT_MS, KH_CIRCUIT_VISITS_BURST, now))
		return KH_ELIMIT;
	l->visits++;
	out->nice = nice(l, now);
	out->line = l - c->line;
	out->form = use(&l->forms_whole, FORM_MS, KH_CIRCUIT_FORMS_BURST, now);
	return KH_OK;
}

void
kh_circuits_leave(struct kh_circuits *c, const struct kh_pass *pass, bool form)
{
	struct kh_circuit *l;

	if (pass->line < 0)
		return;
	PRECOND((size_t)pass->line < c->max);
	l = &c->line[pass->line];
	PRECOND(l->known && l->visits > 0);
	l->visits--;
	if (pass->form && !form)
		l->forms_whole -= FORM_MS;
}

size_t
kh_circuits_forget(struct kh_circuits *c, int64_t now)
{
	size_t i, known = 0;

	for (i = 0; i < c->max; i++) {
		if (!c->line[i].known)
			continue;
		if (nothing_to_know(&c->line[i], now))
			memset(&c->line[i], 0, sizeof(c->line[i]));
		else
			known++;
	}
	return known;
}
