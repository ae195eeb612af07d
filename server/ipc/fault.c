/*
 * Faults by name. Separate, because two processes say them.
 */
#include "server/ipc/fault.h"
#include "server/ipc/ipc.h"

static const char *const faults[KH_FAULT_N] = {
    [KH_FAULT_NONE] = "ok",
    [KH_FAULT_CARDS] = "cards",
    [KH_FAULT_SEALING] = "sealing",
    [KH_FAULT_STORE] = "store",
    [KH_FAULT_DISK] = "disk",
    [KH_FAULT_INODES] = "inodes",
    [KH_FAULT_CLOCK] = "clock",
    [KH_FAULT_SILENT] = "silent",
    [KH_FAULT_OPENPGP] = "openpgp",
};

static const char *const states[KH_OPENPGP_STATE_N] = {
    [KH_OPENPGP_NONE] = "none",
    [KH_OPENPGP_FINE] = "ok",
    [KH_OPENPGP_ENDING] = "ending",
    [KH_OPENPGP_UNUSABLE] = "unusable",
};

const char *
kh_openpgp_word(uint32_t state)
{
	return state < KH_OPENPGP_STATE_N ? states[state] : "unusable";
}

const char *
kh_fault_word(uint32_t fault)
{
	return fault < KH_FAULT_N ? faults[fault] : "store";
}
