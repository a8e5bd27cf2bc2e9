/* base/clock.c -- time, and dates as people and protocols read them.
 *
 * Knows UTC and the proleptic Gregorian calendar; no time zone and no locale, which is why
 * strftime is not used.  Invariant: a text always fits, years are clamped to 0..9999.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define DAY_MS         ((int64_t)86400000)
#define WALL_MIN_MS    (-62167219200000) /* 0000-01-01 */
#define WALL_MAX_MS    253402300799999   /* 9999-12-31, its last millisecond */
#define DAYS_0000_1970 719468            /* from 0000-03-01, see below */

uint64_t clock_mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct date {
    unsigned year, month, day, weekday; /* month 1..12, weekday 0 = Sunday */
    unsigned hour, minute, second, ms;
};

static void split(int64_t wall_ms, struct date *ret)
{
    if (wall_ms < WALL_MIN_MS)
        wall_ms = WALL_MIN_MS;
    if (wall_ms > WALL_MAX_MS)
        wall_ms = WALL_MAX_MS;
    int64_t days = wall_ms / DAY_MS, in_day = wall_ms % DAY_MS;
    if (in_day < 0) {
        in_day += DAY_MS;
        days--;
    }
    ret->weekday = (unsigned)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    ret->ms = (unsigned)(in_day % 1000);
    ret->second = (unsigned)(in_day / 1000 % 60);
    ret->minute = (unsigned)(in_day / 60000 % 60);
    ret->hour = (unsigned)(in_day / 3600000);

    /* Years that begin in March end with the leap day, which makes month lengths regular: 153
     * days in any five months.  400 such years are 146097 days.  January and February of the
     * year 0000 lie before the first of them, so one such period is put in front. */
    int64_t z = days + DAYS_0000_1970 + 146097;
    int64_t era = z / 146097, doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t month = (5 * doy + 2) / 153; /* 0 = March */
    ret->day = (unsigned)(doy - (153 * month + 2) / 5 + 1);
    ret->month = (unsigned)(month < 10 ? month + 3 : month - 9);
    ret->year = (unsigned)(era * 400 - 400 + yoe + (ret->month <= 2));
}

static const char *weekday_name(const struct date *d)
{
    static const char names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    return names[d->weekday];
}

static const char *month_name(const struct date *d)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return names[d->month - 1];
}

/* The compiler cannot see how small the numbers are; the remainders tell it that all fits. */
void clock_iso(int64_t wall_ms, char ret_text[25])
{
    struct date d;
    split(wall_ms, &d);
    snprintf(ret_text, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", d.year % 10000, d.month % 100,
             d.day % 100, d.hour % 100, d.minute % 100, d.second % 100, d.ms % 1000);
}

void clock_js_date(int64_t wall_ms, char ret_text[64])
{
    struct date d;
    split(wall_ms, &d);
    snprintf(ret_text, 64,
             "%s %s %02u %04u %02u:%02u:%02u GMT+0000 (Coordinated Universal Time)",
             weekday_name(&d), month_name(&d), d.day % 100, d.year % 10000, d.hour % 100,
             d.minute % 100, d.second % 100);
}

void clock_http_date(int64_t wall_ms, char ret_text[30])
{
    struct date d;
    split(wall_ms, &d);
    snprintf(ret_text, 30, "%s, %02u %s %04u %02u:%02u:%02u GMT", weekday_name(&d), d.day % 100,
             month_name(&d), d.year % 10000, d.hour % 100, d.minute % 100, d.second % 100);
}
