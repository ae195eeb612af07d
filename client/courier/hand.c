/*
 * The second hand. Separate because it is all there is of threads.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "client/courier/hand.h"
#include "lib/base/precond.h"

static void *
work(void *arg)
{
	struct kh_hand *h = arg;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		while (h->job == NULL && !h->ending)
			pthread_cond_wait(&h->changed, &h->lock);
		if (h->job == NULL)
			break;
		pthread_mutex_unlock(&h->lock);
		h->job(h->arg);
		pthread_mutex_lock(&h->lock);
		h->job = NULL;
		pthread_cond_broadcast(&h->changed);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

enum kh_err
kh_hand_start(struct kh_hand *h)
{
	sigset_t all, before;
	int err;

	PRECOND(h != NULL && !h->started);
	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	sigfillset(&all); /* signals are the first thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&h->thread, NULL, work, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	h->started = err == 0;
	errno = err;
	return h->started ? KH_OK : KH_ESYS;
}

void
kh_hand_give(struct kh_hand *h, void (*job)(void *arg), void *arg)
{
	PRECOND(h != NULL && h->started && job != NULL);
	pthread_mutex_lock(&h->lock);
	while (h->job != NULL)
		pthread_cond_wait(&h->changed, &h->lock);
	h->arg = arg;
	h->job = job;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

void
kh_hand_wait(struct kh_hand *h)
{
	PRECOND(h != NULL && h->started);
	pthread_mutex_lock(&h->lock);
	while (h->job != NULL)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

void
kh_hand_end(struct kh_hand *h)
{
	PRECOND(h != NULL);
	if (!h->started)
		return;
	kh_hand_wait(h);
	pthread_mutex_lock(&h->lock);
	h->ending = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	h->started = false;
}
