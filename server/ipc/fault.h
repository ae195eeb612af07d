/*
 * Words for what a self-test finds, for the health file and for couriers.
 */
#ifndef KNOTHOLED_IPC_FAULT_H
#define KNOTHOLED_IPC_FAULT_H

#include <stdint.h>

/* One word for an enum kh_fault, static; "store" for what is none. */
const char *kh_fault_word(uint32_t fault);

/* The same for an enum kh_openpgp_state. */
const char *kh_openpgp_word(uint32_t state);

#endif
