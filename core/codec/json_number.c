/* codec/json_number.c -- doubles as JavaScript prints them (ECMA-262, Number::toString).
 *
 * Knows decimal digits and where the point goes; the locale never matters.  A double is the
 * fewest digits that read back as itself, and of those the nearest. Invariant: value = 0.DIGITS
 * * 10^point, the first digit is not 0 and neither is the last.
 */
#include "codec/json_write.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct decimal {
    char digits[20];
    int count, point;
};

static void trim_zeros(struct decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
}

static void from_integer(uint64_t value, struct decimal *ret)
{
    char reversed[20];
    int count = 0;
    for (; value; value /= 10)
        reversed[count++] = (char)('0' + value % 10);
    for (int i = 0; i < count; i++)
        ret->digits[i] = reversed[count - 1 - i];
    ret->count = ret->point = count;
    trim_zeros(ret);
}

/* What people type: 12.5, 0.1, 59.329323.  A decimal of up to 15 digits is the only one of that
 * length near its double, so when integer / 10^places gives the value back (both are exact, the
 * division rounds once), and no fewer places do, it is the answer. */
static bool from_few_places(double value, struct decimal *ret)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                    1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                    1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20};
    for (int places = 0; places <= 20; places++) {
        double scaled = value * powers[places];
        if (scaled >= 1e15)
            return false;
        uint64_t whole = (uint64_t)(scaled + 0.5);
        if (whole != 0 && (double)whole / powers[places] == value) {
            from_integer(whole, ret);
            ret->point -= places;
            return true;
        }
    }
    return false;
}

/* Reads back without a decimal point, whose spelling is up to the locale. */
static bool reads_back(const struct decimal *d, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.*se%d", d->count, d->digits, d->point - d->count);
    return strtod(text, NULL) == value;
}

/* `count` correctly rounded digits. */
static void round_to(double value, int count, struct decimal *ret)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    ret->count = 0;
    const char *p = text;
    for (; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9')
            ret->digits[ret->count++] = *p;
    }
    ret->point = atoi(p + 1) + 1;
    trim_zeros(ret);
}

/* The next larger decimal of `count` digits. */
static void round_up(struct decimal *d, int count)
{
    while (d->count < count)
        d->digits[d->count++] = '0';
    int i = count - 1;
    while (i >= 0 && d->digits[i] == '9')
        d->digits[i--] = '0';
    if (i >= 0) {
        d->digits[i]++;
    } else {
        d->digits[0] = '1';
        d->point++;
    }
    trim_zeros(d);
}

static void shortest(double value, struct decimal *ret)
{
    int exponent;
    /* Below a power of two doubles are twice as dense as above: the nearest decimal may lie on
     * the dense side and miss, while its neighbour on the other side reads back. */
    bool power_of_two = frexp(value, &exponent) == 0.5;
    /* Subnormal numbers have fewer bits, down to 5e-324; all others need no try below 15. */
    for (int count = value < DBL_MIN ? 1 : 15; count < 17; count++) {
        round_to(value, count, ret);
        if (reads_back(ret, value))
            return;
        if (power_of_two) {
            round_up(ret, count);
            if (reads_back(ret, value))
                return;
        }
    }
    round_to(value, 17, ret);
}

static char *put(char *to, const char *bytes, int count)
{
    memcpy(to, bytes, (size_t)count);
    return to + count;
}

static char *put_zeros(char *to, int count)
{
    memset(to, '0', (size_t)count);
    return to + count;
}

static char *put_exponent(char *to, int exponent)
{
    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    int rest = exponent < 0 ? -exponent : exponent;
    if (rest >= 100)
        *to++ = (char)('0' + rest / 100);
    if (rest >= 10)
        *to++ = (char)('0' + rest / 10 % 10);
    *to++ = (char)('0' + rest % 10);
    return to;
}

/* The four spellings of ECMA-262; at most 25 characters. */
static char *spell(char *to, const struct decimal *d)
{
    const int point = d->point;
    if (point >= d->count && point <= 21) {
        to = put(to, d->digits, d->count);
        return put_zeros(to, point - d->count);
    }
    if (point > 0 && point <= 21) {
        to = put(to, d->digits, point);
        *to++ = '.';
        return put(to, d->digits + point, d->count - point);
    }
    if (point > -6 && point <= 0) {
        to = put_zeros(put(to, "0.", 2), -point);
        return put(to, d->digits, d->count);
    }
    *to++ = d->digits[0];
    if (d->count > 1) {
        *to++ = '.';
        to = put(to, d->digits + 1, d->count - 1);
    }
    return put_exponent(to, point - 1);
}

void json_put_double(struct buf *out, double value)
{
    if (!isfinite(value)) {
        buf_put(out, "null", 4);
        return;
    }
    if (fabs(value) < 9007199254740992.0 && value == (double)(int64_t)value) {
        buf_put_i64(out, (int64_t)value); /* -0 becomes 0 here, as JavaScript prints it */
        return;
    }
    char text[32], *to = text;
    struct decimal d;
    if (value < 0)
        *to++ = '-';
    value = fabs(value);
    if (!from_few_places(value, &d))
        shortest(value, &d);
    to = spell(to, &d);
    buf_put(out, text, (size_t)(to - text));
}
