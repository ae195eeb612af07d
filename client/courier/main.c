/*
 * knothole-courier, the program of the networked machine in the newsroom. It
 * holds no key that opens anything, and no list of what it carried.
 */
#include <string.h>

#include "client/courier/courier.h"
#include "client/courier/token.h"
#include "client/exit.h"
#include "client/signals.h"
#include "client/start.h"
#include "knothole/card.h"
#include "knothole/secret.h"

/* The line is shown between two bytes, too. */
static void
tick(void *ctx)
{
	struct kh_courier *c = ctx;

	kh_progress_show(&c->progress, c->done);
}

static int
command(struct kh_courier *c)
{
	if (strcmp(c->o.command, "fetch") == 0)
		return kh_courier_fetch(c);
	if (strcmp(c->o.command, "push") == 0)
		return kh_courier_push(c);
	return kh_courier_status(c);
}

static int
run(struct kh_courier *c)
{
	struct kh_http_config config = {
	    .server = &c->o.server,
	    .proxy = c->o.has_proxy ? &c->o.proxy : NULL,
	    .timeout = c->o.timeout,
	    .tick = tick,
	    .tick_ctx = c,
	};
	char *token;
	enum kh_err e;
	int code;

	code = kh_token_file(c->o.token_file, &token);
	if (code != KH_EXIT_OK)
		return code;
	config.token = token;
	e = kh_courier_token_hash(token, KH_COURIER_TOKEN_LEN, c->token_hash);
	if (e == KH_OK)
		e = kh_http_new(&config, &c->http);
	kh_secret_free(token);
	if (e != KH_OK)
		return kh_fail(KH_ON_OBJECT, c->o.server_text, e);
	code = command(c);
	kh_http_free(c->http);
	kh_sums_clear(&c->sums);
	kh_stick_close(&c->stick);
	return code;
}

int
main(int argc, char **argv)
{
	struct kh_courier c = {0};
	int code;

	if (kh_start_fds() != 0)
		return KH_EXIT_IO;
	kh_say_as("knothole-courier");
	kh_start_hide();
	kh_signals_start();
	/* Every step asks: what was fetched so far is kept in order. */
	kh_signals_defer(true);
	if (kh_init() != KH_OK)
		return kh_fail(KH_ON_KEY, "random numbers", KH_ESYS);
	code = kh_options_read(&c.o, argc, argv);
	if (code < 0)
		code = run(&c);
	return kh_start_finish(code);
}
