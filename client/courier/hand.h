/*
 * A second hand: one thread that does one job at a time, so that hashing,
 * writing and syncing go on while the network is listened to.
 */
#ifndef KNOTHOLE_COURIER_HAND_H
#define KNOTHOLE_COURIER_HAND_H

#include <pthread.h>
#include <stdbool.h>

#include "knothole/err.h"

struct kh_hand {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void (*job)(void *arg); /* at work while not NULL */
	void *arg;
	bool started, ending;
};

/* Start the thread; without one (KH_ESYS) nothing can be given. */
KH_CHECKED enum kh_err kh_hand_start(struct kh_hand *h);

/* Wait until nothing is being done, then have this done. `arg` is the job's
 * until kh_hand_wait. */
void kh_hand_give(struct kh_hand *h, void (*job)(void *arg), void *arg);

/* Wait until nothing is being done. */
void kh_hand_wait(struct kh_hand *h);

/* Wait, and end the thread. A zeroed struct is fine. */
void kh_hand_end(struct kh_hand *h);

#endif
