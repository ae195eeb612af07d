/*
 * What every unit test includes: cmocka with its prerequisites in order, and
 * TAP on stdout whatever the environment says.
 */
#ifndef KH_TESTS_TAP_H
#define KH_TESTS_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "knothole/secret.h"

#define TAP_MAIN(tests)                                           \
	int main(void)                                            \
	{                                                         \
		cmocka_set_message_output(CM_OUTPUT_TAP);         \
		if (kh_init() != KH_OK)                           \
			return 99;                                \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}

#endif
