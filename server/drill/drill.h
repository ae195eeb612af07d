/*
 * The drill: what somebody who takes this host away would hold. It reads, as
 * the administrator, and changes nothing; it is no part of the service, and
 * works whether that runs or not.
 */
#ifndef KNOTHOLED_DRILL_H
#define KNOTHOLED_DRILL_H

#include "server/keeper/keeper.h"

/*
 * "knotholed drill": options, the drill, its output.
 *	argc, argv	from "drill" on
 * Returns an exit status: KH_EXIT_FOUND when there is anything beyond the list
 * (list.c, docs/THREATS.md), KH_EXIT_CONFIG when the configuration is not in
 * order.
 */
enum kh_exit kh_drill_main(int argc, char **argv);

#endif
