/*
 * Linked into knotholed by `make asan` only. The roles are started with an
 * empty environment and without stderr, so their sanitizers get options and
 * a place for reports at compile time. Leaks are looked for in the unit tests:
 * that check needs ptrace, which the roles give up.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1:log_path='" KH_SAN_LOG "'";
}

const char *
__ubsan_default_options(void)
{
	return "print_stacktrace=1:log_path='" KH_SAN_LOG "'";
}
