/*
 * One exchange with libcurl. Separate because it is the only file that knows
 * libcurl; what it must not do is set down here option by option.
 */
#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/courier/http.h"
#include "client/courier/token.h"
#include "client/signals.h"
#include "knothole/limits.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define BUFFER_LEN 524288L /* the most that libcurl 7.88 reads at once */
#define ISOLATION_LEN 33 /* 128 random bits in hex, with NUL */

static const char bearer[] = "Authorization: Bearer ";

struct kh_http {
	CURL *curl;
	struct kh_http_config config;
	struct kh_exchange *x; /* the present one */
	char *text;
	const char *why;
	char url[sizeof("http://") + KH_HOST_LEN + KH_PATH_LEN];
	char *authorization; /* kh_secret_alloc */
};

#define OPT(h, option, value) \
	(curl_easy_setopt((h)->curl, option, value) == CURLE_OK)

/* libcurl copies the token into its requests: nothing it frees stays. */
static void
wiping_free(void *p)
{
	if (p != NULL)
		kh_wipe(p, malloc_usable_size(p));
	free(p);
}

static void *
wiping_realloc(void *p, size_t n)
{
	size_t had = p == NULL ? 0 : malloc_usable_size(p);
	void *q = malloc(n);

	if (q == NULL)
		return NULL;
	if (had > 0)
		memcpy(q, p, had < n ? had : n);
	wiping_free(p);
	return q;
}

/* Is this where the command line said to connect to? libcurl is told nothing
 * else; this is in case that it thinks otherwise. */
static bool
permitted(const struct kh_http *h, const struct curl_sockaddr *sa)
{
	const struct kh_address *to = h->config.proxy;
	struct sockaddr_in six4;
	struct sockaddr_in6 six;

	if (h->config.server->path[0] != '\0')
		return sa->family == AF_UNIX;
	if (to == NULL)
		to = h->config.server;
	if (sa->family != to->family)
		return false;
	if (sa->family == AF_INET) {
		memcpy(&six4, &sa->addr, sizeof(six4));
		return six4.sin_port == htons(to->port) &&
		    memcmp(&six4.sin_addr, &to->addr, 4) == 0;
	}
	if (sa->family != AF_INET6 || sa->addrlen < sizeof(six))
		return false;
	/* The larger address does not fit what libcurl declares. */
	memcpy(&six, (const char *)sa + offsetof(struct curl_sockaddr, addr),
	    sizeof(six));
	return six.sin6_port == htons(to->port) &&
	    memcmp(&six.sin6_addr, &to->addr, 16) == 0;
}

static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *sa)
{
	const struct kh_http *h = ctx;

	if (purpose != CURLSOCKTYPE_IPCXN || !permitted(h, sa))
		return CURL_SOCKET_BAD;
	return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
}

static size_t
fail(struct kh_http *h, enum kh_err e)
{
	h->x->error = e;
	h->x->error_errno = errno;
	return 0;
}

/* Does the body of this answer go to the exchange's owner? */
static bool
wanted(const struct kh_exchange *x)
{
	return x->write != NULL &&
	    (x->head.status == 200 || x->head.status == 206);
}

static size_t
on_head(char *p, size_t size, size_t n, void *ctx)
{
	struct kh_http *h = ctx;
	struct kh_exchange *x = h->x;
	enum kh_err e;

	n *= size;
	e = kh_head_line(&x->head, p, n);
	if (e != KH_OK) {
		h->why = "a head that HTTP does not allow, or too long a one";
		return 0;
	}
	if (n == 2 && wanted(x) && !x->begun) { /* not after trailers */
		x->begun = true;
		e = x->begin(x->ctx, &x->head);
		if (e != KH_OK)
			return fail(h, e);
	}
	return n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct kh_http *h = ctx;
	struct kh_exchange *x = h->x;
	enum kh_err e;

	n *= size;
	if (wanted(x)) {
		e = x->write(x->ctx, (const uint8_t *)p, n);
		if (e != KH_OK)
			return fail(h, e);
		x->moved += n;
		return n;
	}
	if (n > KH_PAGE_LEN_MAX - x->text_len) {
		h->why = "an answer that is longer than there can be";
		return 0;
	}
	memcpy(h->text + x->text_len, p, n);
	x->text_len += n;
	return n;
}

static int
on_tick(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	struct kh_http *h = ctx;

	if (h->config.tick != NULL)
		h->config.tick(h->config.tick_ctx);
	return kh_signals_caught() ? 1 : 0;
}

/* Everything that is not there unless it is set; and what is there unless it
 * is switched off: proxies and exceptions from the environment. */
static bool
set_limits(struct kh_http *h)
{
	return OPT(h, CURLOPT_PROTOCOLS_STR, "http") &&
	    OPT(h, CURLOPT_REDIR_PROTOCOLS_STR, "http") &&
	    OPT(h, CURLOPT_FOLLOWLOCATION, 0L) &&
	    OPT(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    OPT(h, CURLOPT_HTTP09_ALLOWED, 0L) &&
	    OPT(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
	    OPT(h, CURLOPT_NOSIGNAL, 1L) && OPT(h, CURLOPT_PATH_AS_IS, 1L) &&
	    OPT(h, CURLOPT_NOPROXY, "") && OPT(h, CURLOPT_PROXY, "") &&
	    OPT(h, CURLOPT_BUFFERSIZE, BUFFER_LEN) &&
	    OPT(h, CURLOPT_MAXCONNECTS, 1L) &&
	    OPT(h, CURLOPT_CONNECTTIMEOUT, (long)h->config.timeout) &&
	    OPT(h, CURLOPT_LOW_SPEED_LIMIT, 1L) &&
	    OPT(h, CURLOPT_LOW_SPEED_TIME, (long)h->config.timeout);
}

static bool
set_callbacks(struct kh_http *h)
{
	return OPT(h, CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
	    OPT(h, CURLOPT_OPENSOCKETDATA, h) &&
	    OPT(h, CURLOPT_HEADERFUNCTION, on_head) &&
	    OPT(h, CURLOPT_HEADERDATA, h) &&
	    OPT(h, CURLOPT_WRITEFUNCTION, on_body) &&
	    OPT(h, CURLOPT_WRITEDATA, h) && OPT(h, CURLOPT_NOPROGRESS, 0L) &&
	    OPT(h, CURLOPT_XFERINFOFUNCTION, on_tick) &&
	    OPT(h, CURLOPT_XFERINFODATA, h);
}

/* The proxy, with a user name and a password that no other run has: tor gives
 * streams with different ones different circuits (IsolateSOCKSAuth). */
static bool
set_way(struct kh_http *h)
{
	const struct kh_address *proxy = h->config.proxy;
	char user[ISOLATION_LEN], password[ISOLATION_LEN];
	char url[sizeof("socks5h://") + KH_HOST_LEN];
	uint8_t rnd[(ISOLATION_LEN - 1) / 2];

	if (h->config.server->path[0] != '\0')
		return OPT(h, CURLOPT_UNIX_SOCKET_PATH, h->config.server->path);
	if (proxy == NULL)
		return true;
	randombytes_buf(rnd, sizeof(rnd));
	sodium_bin2hex(user, sizeof(user), rnd, sizeof(rnd));
	randombytes_buf(rnd, sizeof(rnd));
	sodium_bin2hex(password, sizeof(password), rnd, sizeof(rnd));
	(void)snprintf(url, sizeof(url), "socks5h://%s", proxy->host);
	return OPT(h, CURLOPT_PROXY, url) &&
	    OPT(h, CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC) &&
	    OPT(h, CURLOPT_PROXYUSERNAME, user) &&
	    OPT(h, CURLOPT_PROXYPASSWORD, password);
}

enum kh_err
kh_http_new(const struct kh_http_config *config, struct kh_http **out)
{
	const size_t len = sizeof(bearer) + KH_TOKEN_LEN;
	struct kh_http *h;

	PRECOND(config != NULL && config->server != NULL && out != NULL);
	PRECOND(strlen(config->token) == KH_TOKEN_LEN);
	*out = NULL;
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free,
		wiping_realloc, strdup, calloc) != CURLE_OK)
		return KH_ENOMEM;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return KH_ENOMEM;
	h->config = *config;
	h->why = "";
	h->text = malloc(KH_PAGE_LEN_MAX);
	h->authorization = kh_secret_alloc(len);
	h->curl = curl_easy_init();
	if (h->text == NULL || h->authorization == NULL || h->curl == NULL ||
	    !set_limits(h) || !set_callbacks(h) || !set_way(h)) {
		kh_http_free(h);
		return KH_ENOMEM;
	}
	(void)snprintf(h->authorization, len, "%s%s", bearer, config->token);
	h->config.token = NULL; /* the caller's */
	*out = h;
	return KH_OK;
}

void
kh_http_free(struct kh_http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	curl_global_cleanup();
	kh_secret_free(h->authorization);
	free(h->text);
	free(h);
}

/* `s` at the end of the list; false, and the list as it was, without memory. */
static bool
append(struct curl_slist **list, const char *s)
{
	struct curl_slist *p = curl_slist_append(*list, s);

	if (p == NULL)
		return false;
	*list = p;
	return true;
}

static bool
set_headers(struct kh_http *h, struct curl_slist **list)
{
	char type[64];

	/* No waiting for "100 Continue", also not before libcurl's limit. */
	if (!append(list, h->authorization) || !append(list, "Expect:"))
		return false;
	/* docs/courier.md, "Connections": one for all requests. */
	if (!append(list, "Connection: keep-alive"))
		return false;
	if (h->x->type != NULL) {
		(void)snprintf(
		    type, sizeof(type), "Content-Type: %s", h->x->type);
		if (!append(list, type))
			return false;
	}
	return OPT(h, CURLOPT_HTTPHEADER, *list);
}

static bool
set_request(struct kh_http *h)
{
	const struct kh_exchange *x = h->x;
	char range[32];

	(void)snprintf(h->url, sizeof(h->url), "http://%s%s",
	    h->config.server->host, x->path);
	(void)snprintf(
	    range, sizeof(range), "%llu-", (unsigned long long)x->from);
	if (!OPT(h, CURLOPT_URL, h->url) ||
	    !OPT(h, CURLOPT_RANGE, x->from > 0 ? range : NULL))
		return false;
	if (x->method == KH_GET)
		return OPT(h, CURLOPT_HTTPGET, 1L) &&
		    OPT(h, CURLOPT_CUSTOMREQUEST, NULL);
	return OPT(h, CURLOPT_POST, 1L) &&
	    OPT(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_len) &&
	    OPT(h, CURLOPT_POSTFIELDS, x->body) &&
	    OPT(h, CURLOPT_CUSTOMREQUEST, x->method == KH_PUT ? "PUT" : "POST");
}

/* What a code of libcurl's means for us. */
static enum kh_end
ended(struct kh_http *h, CURLcode c)
{
	if (c == CURLE_OK)
		return KH_END_ANSWERED;
	if (h->x->error != KH_OK)
		return KH_END_OURS;
	if (c == CURLE_ABORTED_BY_CALLBACK)
		return KH_END_STOPPED;
	if (c == CURLE_OUT_OF_MEMORY)
		return KH_END_NOMEM;
	if (c == CURLE_WRITE_ERROR) /* a callback of ours said why */
		return KH_END_NONSENSE;
	h->why = curl_easy_strerror(c);
	if (c == CURLE_COULDNT_CONNECT)
		h->why = h->config.proxy != NULL
		    ? "cannot connect to the proxy; is tor running?"
		    : "cannot connect; is the server running there?";
	if (c == CURLE_PROXY)
		h->why = "the proxy does not reach the server; it may be "
			 "down, or its address mistyped";
	switch (c) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return KH_END_CUT;
	default:
		return KH_END_NONSENSE;
	}
}

enum kh_end
kh_http_exchange(struct kh_http *h, struct kh_exchange *x)
{
	struct curl_slist *list = NULL;
	enum kh_end end = KH_END_NOMEM;

	PRECOND(h != NULL && x != NULL && x->path[0] == '/');
	PRECOND((x->begin == NULL) == (x->write == NULL));
	h->x = x;
	h->why = "";
	memset(&x->head, 0, sizeof(x->head));
	x->text = h->text;
	x->text_len = 0;
	x->moved = 0;
	x->begun = false;
	x->error = KH_OK;
	if (set_headers(h, &list) && set_request(h))
		end = ended(h, curl_easy_perform(h->curl));
	(void)OPT(h, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	h->x = NULL;
	return end;
}

const char *
kh_http_why(const struct kh_http *h)
{
	PRECOND(h != NULL);
	return h->why;
}
