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

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

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

/* value = mantissa * 2^-shift, scaled by 10^places: all as integers times 2^-(shift + 1), so
 * that the borders half way to this double's neighbours are integers, too.  (Whether a border
 * itself reads back does not matter: none of them is a decimal of so few digits.) */
struct scaled {
    wide low, middle, high;
    unsigned shift; /* in these units, 1 is 1 << shift */
};

/* The multiple of `step` nearest to the value, if it reads back as the value. */
static bool nearest(const struct scaled *v, uint64_t step, uint64_t *ret)
{
    uint64_t whole = (uint64_t)(v->middle >> v->shift);
    wide below = (wide)(whole - whole % step) << v->shift;
    wide above = below + ((wide)step << v->shift);
    bool even = (whole / step) % 2 == 0;
    wide down = v->middle - below, up = above - v->middle;
    wide found = down < up || (down == up && even) ? below : above;
    if (found < v->low || found > v->high)
        return false;
    *ret = (uint64_t)(found >> v->shift);
    return true;
}

/* Up to 1e22 powers of ten are exact as doubles. */
static wide power_of_ten(int n)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return (wide)powers[n];
}

/* Exact arithmetic for the numbers of daily life, 1e-5 to 2^53.  With 1e16 to 2e17 before the
 * point a double's own interval is 1 to 45 wide: at most one multiple of 100 lies in it, and
 * the nearest multiple of 10 or 1 is the answer when that one does not. */
static bool by_wide_integers(double value, struct decimal *ret)
{
    int exponent;
    uint64_t mantissa = (uint64_t)(frexp(value, &exponent) * 9007199254740992.0), found;
    exponent -= 53;
    if (value < 1e-5 || exponent >= 0 || mantissa == (uint64_t)1 << 52)
        return false; /* a power of two has borders of its own */
    /* 1233 / 4096 is the decimal logarithm of 2, rounded down; so is the product, to at most
     * the logarithm of the value. */
    const int top_bit = exponent + 52;
    int places = 16 - top_bit * 1233 / 4096 + (top_bit < 0);
    wide power = power_of_ten(places);
    struct scaled v = {.shift = (unsigned)(1 - exponent)};
    v.low = (wide)(2 * mantissa - 1) * power;
    v.middle = (wide)(2 * mantissa) * power;
    v.high = (wide)(2 * mantissa + 1) * power;
    if (!nearest(&v, 100, &found) && !nearest(&v, 10, &found) && !nearest(&v, 1, &found))
        return false;
    from_integer(found, ret);
    ret->point -= places;
    return true;
}
#else
static bool by_wide_integers(double value, struct decimal *ret)
{
    (void)value;
    (void)ret;
    return false;
}
#endif

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
    if (!by_wide_integers(value, &d))
        shortest(value, &d);
    to = spell(to, &d);
    buf_put(out, text, (size_t)(to - text));
}
