/*
 * Days as text. Separate, and not gmtime(3), because libc reads time zone files
 * when first asked, which a jailed process must not.
 */
#include "knothole/day.h"
#include "lib/base/precond.h"

#define YEAR_10000 INT64_C(253402300800)

static unsigned
days_in_year(unsigned y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0 ? 366 : 365;
}

static unsigned
days_in_month(unsigned y, unsigned m)
{
	static const uint8_t days[12] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return m == 2 && days_in_year(y) == 366 ? 29 : days[m - 1];
}

int
kh_day_valid(const char *day)
{
	unsigned y, m, d;
	size_t i;

	PRECOND(day != NULL);
	for (i = 0; i < KH_DAY_LEN; i++) {
		if (i == 4 || i == 7 ? day[i] != '-'
				     : day[i] < '0' || day[i] > '9')
			return 0;
	}
	if (day[KH_DAY_LEN] != '\0')
		return 0;
	y = (unsigned)(day[0] - '0') * 1000 + (unsigned)(day[1] - '0') * 100 +
	    (unsigned)(day[2] - '0') * 10 + (unsigned)(day[3] - '0');
	m = (unsigned)(day[5] - '0') * 10 + (unsigned)(day[6] - '0');
	d = (unsigned)(day[8] - '0') * 10 + (unsigned)(day[9] - '0');
	return y > 0 && m >= 1 && m <= 12 && d >= 1 && d <= days_in_month(y, m);
}

static void
put_number(char *at, size_t n, unsigned v)
{
	while (n-- > 0) {
		at[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
kh_day_of(int64_t t, char out[static KH_DAY_LEN + 1])
{
	unsigned y = 1970, m = 1, days;

	PRECOND(t >= 0 && t < YEAR_10000);
	days = (unsigned)(t / 86400);
	while (days >= days_in_year(y))
		days -= days_in_year(y++);
	while (days >= days_in_month(y, m))
		days -= days_in_month(y, m++);
	put_number(out, 4, y);
	out[4] = '-';
	put_number(out + 5, 2, m);
	out[7] = '-';
	put_number(out + 8, 2, days + 1);
	out[KH_DAY_LEN] = '\0';
}
