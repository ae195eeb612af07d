/*
 * One object for one more newsroom. Separate from the command, which knows
 * vaults and the log: this knows files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "client/desk/share.h"
#include "client/exit.h"
#include "client/input.h"
#include "client/output.h"
#include "knothole/io.h"
#include "knothole/rewrap.h"
#include "lib/base/precond.h"

/* The object as a source. *fd is -1 after an error. */
static int
open_source(const char *path, int *fd, struct kh_source *src)
{
	enum kh_err e;
	int code;

	code = kh_input_open(path, fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_source_fd(fd, src);
	if (e == KH_OK)
		return KH_EXIT_OK;
	kh_input_close(*fd);
	*fd = -1;
	if (e != KH_EUNSUP)
		return kh_fail(KH_ON_OBJECT, path, e);
	kh_say(path, "not a regular file; copy the object to a disk first");
	return KH_EXIT_NOINPUT;
}

static int
fail_object(const char *path, enum kh_err e)
{
	if (e == KH_EUNSUP) {
		kh_say(path,
		    "is under a passphrase, beside which nobody else can have "
		    "a key");
		return KH_EXIT_DATA;
	}
	return kh_fail(KH_ON_OBJECT, path, e);
}

int
kh_share_check(const struct kh_share_out *out, const struct kh_share_job *job)
{
	struct kh_age_reader *r = NULL;
	struct kh_source src;
	struct stat sb;
	enum kh_err e;
	int fd, code;

	PRECOND(out != NULL && job != NULL);
	if (fstatat(out->dir_fd, job->name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return kh_fail(KH_ON_OUTPUT, job->name, KH_EEXIST);
	code = open_source(job->from, &fd, &src);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_age_reader_new(&r, out->kr, src);
	if (e == KH_OK)
		e = kh_age_reader_verify(r, NULL, NULL);
	kh_age_reader_free(r);
	kh_input_close(fd);
	return e == KH_OK ? code : fail_object(job->from, e);
}

/* To all whom the partner's card names. *code says what became of it. */
static enum kh_err
rewrap(const struct kh_share_out *out, struct kh_source src, int *fd, int *code)
{
	struct kh_seal_to to = {.recipients = out->to, .n = 1};
	struct kh_bridge bridge;

	*code = KH_EXIT_OK;
	if (out->gpg->gpg != NULL) {
		*code = kh_card_gpg_bridge(out->gpg, out->card, &bridge);
		to.bridges = &bridge;
		to.n_bridges = 1;
	}
	if (*code != KH_EXIT_OK)
		return KH_EPROTO;
	return kh_age_rewrap_to(out->kr, src, &to, kh_sink_fd(fd));
}

int
kh_share_write(const struct kh_share_out *out, const struct kh_share_job *job)
{
	char dir[KH_SHOWN_MAX], name[KH_SHOWN_MAX];
	struct kh_output o;
	struct kh_source src;
	enum kh_err e;
	int fd, code;

	PRECOND(out != NULL && job != NULL);
	code = open_source(job->from, &fd, &src);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_output_open_at(&o, out->dir_fd, job->name, 0600);
	if (e != KH_OK) {
		kh_input_close(fd);
		(void)kh_fail(KH_ON_OUTPUT, job->name, e);
		return KH_EXIT_CREATE;
	}
	e = rewrap(out, src, &o.fd, &code);
	kh_input_close(fd);
	if (e == KH_OK)
		e = kh_output_commit(&o);
	else
		kh_output_abort(&o);
	if (code != KH_EXIT_OK)
		return code;
	if (e == KH_EFULL || e == KH_ESYS || e == KH_EEXIST)
		return kh_fail(KH_ON_OUTPUT, job->name, e);
	if (e != KH_OK)
		return fail_object(job->from, e);
	if (out->dir[0] == '\0')
		printf("%s\n", kh_shown(job->name, name));
	else
		printf("%s/%s\n", kh_shown(out->dir, dir),
		    kh_shown(job->name, name));
	return KH_EXIT_OK;
}
