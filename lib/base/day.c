/*
 * Days as text. Separate, and not gmtime(3), because libc reads time zone files
 * when first asked, which a jailed process must not.
 */
#include <string.h>
#include <time.h>

#include "knothole/day.h"
#include "lib/base/precond.h"

#define YEAR_10000 INT64_C(253402300800)
#define YEAR_MAX 9999

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

static unsigned
get_number(const char *at, size_t n)
{
	unsigned v = 0;

	while (n-- > 0)
		v = v * 10 + (unsigned)(*at++ - '0');
	return v;
}

static void
put_number(char *at, size_t n, unsigned v)
{
	while (n-- > 0) {
		at[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

static void
put_day(char *out, unsigned y, unsigned m, unsigned d)
{
	put_number(out, 4, y);
	out[4] = '-';
	put_number(out + 5, 2, m);
	out[7] = '-';
	put_number(out + 8, 2, d);
	out[KH_DAY_LEN] = '\0';
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
	y = get_number(day, 4);
	m = get_number(day + 5, 2);
	d = get_number(day + 8, 2);
	return y > 0 && m >= 1 && m <= 12 && d >= 1 && d <= days_in_month(y, m);
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
	put_day(out, y, m, days + 1);
}

void
kh_day_today(char out[static KH_DAY_LEN + 1])
{
	int64_t t = (int64_t)time(NULL);

	if (t < 0)
		t = 0;
	kh_day_of(t < YEAR_10000 ? t : YEAR_10000 - 1, out);
}

enum kh_err
kh_day_add(const char *day, int n, char out[static KH_DAY_LEN + 1])
{
	unsigned y, m, d;

	PRECOND(day != NULL && kh_day_valid(day));
	y = get_number(day, 4);
	m = get_number(day + 5, 2);
	d = get_number(day + 8, 2);
	for (; n > 0; n--) {
		if (++d > days_in_month(y, m)) {
			d = 1;
			m = m % 12 + 1;
			y += m == 1;
		}
	}
	for (; n < 0; n++) {
		if (--d == 0) {
			m = m == 1 ? 12 : m - 1;
			y -= m == 12;
			d = days_in_month(y, m);
		}
	}
	if (y < 1 || y > YEAR_MAX) {
		memset(out, 0, KH_DAY_LEN + 1);
		return KH_ELIMIT;
	}
	put_day(out, y, m, d);
	return KH_OK;
}

void
kh_epoch_from(const char *first, struct kh_epoch *out)
{
	unsigned y, m;

	PRECOND(first != NULL && kh_day_valid(first) && out != NULL);
	y = get_number(first, 4);
	m = get_number(first + 5, 2);
	memcpy(out->first, first, KH_DAY_LEN + 1);
	put_day(out->last, y, m, days_in_month(y, m));
	kh_epoch_of(first, out->label);
}

void
kh_epoch_of(const char *day, char out[static KH_EPOCH_LEN + 1])
{
	PRECOND(day != NULL && kh_day_valid(day));
	memcpy(out, day, KH_EPOCH_LEN);
	out[KH_EPOCH_LEN] = '\0';
}

int
kh_epoch_valid(const char *label, size_t n)
{
	char day[KH_DAY_LEN + 1] = "";

	PRECOND(label != NULL || n == 0);
	if (n != KH_EPOCH_LEN)
		return 0;
	memcpy(day, label, n);
	memcpy(day + n, "-01", 4);
	return kh_day_valid(day);
}
