/*
 * The report of refusals. Separate because import and export share it, and
 * because names from a stick must not flood what they are shown on.
 */
#include <stdio.h>
#include <string.h>

#include "client/desk/json_out.h"
#include "client/desk/report.h"
#include "client/exit.h"
#include "knothole/limits.h"
#include "lib/base/precond.h"

void
kh_report_start(struct kh_report *r, bool json)
{
	PRECOND(r != NULL);
	memset(r, 0, sizeof(*r));
	r->refused = json ? json_array() : NULL;
	r->bad = json && r->refused == NULL;
}

void
kh_report_refuse(
    struct kh_report *r, const char *dir, const char *name, const char *why)
{
	char path[KH_STICK_NAME_MAX + 32], shown[KH_SHOWN_MAX];

	PRECOND(r != NULL && name != NULL && why != NULL);
	if (r->n++ >= KH_STICK_REFUSED_MAX)
		return;
	(void)snprintf(path, sizeof(path), "%s%s%s", dir != NULL ? dir : "",
	    dir != NULL ? "/" : "", name);
	kh_say(path, "REFUSED: %s", why);
	if (r->refused == NULL)
		return;
	kh_json_add(r->refused,
	    json_pack(
		"{s:s, s:s}", "name", kh_shown(path, shown), "reason", why),
	    &r->bad);
}

void
kh_report_end(const struct kh_report *r)
{
	if (r->n > KH_STICK_REFUSED_MAX)
		kh_say(NULL, "and %zu more were refused",
		    r->n - KH_STICK_REFUSED_MAX);
}

void
kh_report_free(struct kh_report *r)
{
	json_decref(r->refused);
	r->refused = NULL;
}
