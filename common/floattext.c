/*
 * common/floattext.c - numbers to text: integers, and the shortest digits that read back exactly.
 * The digits are found by Raffaele Giulietti's Schubfach; a decimal that lies exactly between two
 * doubles is never chosen, as in PostgreSQL.  Reading is in numberparse.c.
 */
#include "common/floattext.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define POW10_MIN (-292)
#define POW10_MAX 324
#define BIG_WORDS 19

typedef struct Pow10 {
    uint64_t high;
    uint64_t low;
} Pow10;

/* The leading 128 bits of 10^k, rounded up: computed once with long integers, because 617 numbers
 * of 39 digits are no text that anybody could check. */
static Pow10 pow10_table[POW10_MAX - POW10_MIN + 1];
static pthread_once_t pow10_once = PTHREAD_ONCE_INIT;

/* The top 128 bits of the integer (word 0 is the least); *exact when nothing is cut off. */
static Pow10 big_top(const uint64_t *words, bool *exact)
{
    int top = BIG_WORDS - 1;
    while (words[top] == 0) {
        top--;
    }
    int shift = __builtin_clzll(words[top]);
    uint64_t next[3] = { words[top], top >= 1 ? words[top - 1] : 0, top >= 2 ? words[top - 2] : 0 };
    Pow10 result = { next[0], next[1] };
    uint64_t rest = next[2];

    if (shift > 0) {
        result.high = next[0] << shift | next[1] >> (64 - shift);
        result.low = next[1] << shift | next[2] >> (64 - shift);
        rest = next[2] << shift;
    }
    *exact = rest == 0;
    for (int i = top - 3; i >= 0; i--) {
        *exact = *exact && words[i] == 0;
    }
    return result;
}

static void pow10_store(int power, const uint64_t *words)
{
    bool exact;
    Pow10 value = big_top(words, &exact);
    if (!exact || power < 0) {
        value.low++;
        value.high += value.low == 0;
    }
    pow10_table[power - POW10_MIN] = value;
}

static void pow10_init(void)
{
    uint64_t words[BIG_WORDS] = { 1 };

    for (int power = 0; power <= POW10_MAX; power++) {
        pow10_store(power, words);
        uint64_t carry = 0;
        for (int i = 0; i < BIG_WORDS; i++) {
            unsigned __int128 product = (unsigned __int128)words[i] * 10 + carry;
            words[i] = (uint64_t)product;
            carry = (uint64_t)(product >> 64);
        }
    }
    memset(words, 0, sizeof words);
    words[BIG_WORDS - 1] = 1;
    for (int power = -1; power >= POW10_MIN; power--) {
        uint64_t remainder = 0;
        for (int i = BIG_WORDS - 1; i >= 0; i--) {
            unsigned __int128 part = (unsigned __int128)remainder << 64 | words[i];
            words[i] = (uint64_t)(part / 10);
            remainder = (uint64_t)(part % 10);
        }
        pow10_store(power, words);
    }
}

/* g * cp / 2^128, the lowest bit set when anything was cut off, so that comparisons stay right. */
static uint64_t round_to_odd(Pow10 g, uint64_t cp)
{
    unsigned __int128 low = (unsigned __int128)g.low * cp;
    unsigned __int128 high = (unsigned __int128)g.high * cp + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

typedef struct Shortest {
    uint64_t digits;
    int exponent; /* value = digits * 10^exponent */
} Shortest;

/* The shortest decimal strictly inside the interval that rounds to c * 2^q; of several the nearest.
 * `closer`: the number below is only half as far away as the one above (c is a power of two). */
static Shortest shortest_decimal(uint64_t c, int q, bool closer)
{
    int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
    int h = q + ((-k * 1741647) >> 19) + 1;
    Pow10 g = pow10_table[-k - POW10_MIN];
    uint64_t lower = round_to_odd(g, (4 * c - 2 + closer) << h) + 1;
    uint64_t value = round_to_odd(g, (4 * c) << h);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - 1;
    uint64_t s = value / 4;

    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down = lower <= 40 * tens;
        bool up = 40 * tens + 40 <= upper;
        if (down != up) {
            return (Shortest){ tens + up, k + 1 };
        }
    }
    bool down = lower <= 4 * s;
    bool up = 4 * s + 4 <= upper;
    if (down != up) {
        return (Shortest){ s + up, k };
    }
    uint64_t middle = 4 * s + 2;
    bool round_up = value > middle || (value == middle && (s & 1) != 0);
    return (Shortest){ s + round_up, k };
}

static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* Writes the digits so that they end before `end`; returns where they start. */
static char *digits_before(char *end, uint64_t value)
{
    while (value >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + 2 * value, 2);
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

static char *put_exponent(char *out, int exponent)
{
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (size >= 100) {
        *out++ = (char)('0' + size / 100);
        size %= 100;
    }
    memcpy(out, digit_pairs + (size_t)2 * size, 2);
    return out + 2;
}

/* Plain digits for 1e-4 <= x < 10^plain_max, else d.ddde+xx. */
static char *put_decimal(char *out, Shortest number, int plain_max)
{
    while (number.digits % 10 == 0) {
        number.digits /= 10;
        number.exponent++;
    }
    char buffer[20];
    char *digits = digits_before(buffer + sizeof buffer, number.digits);
    int count = (int)(buffer + sizeof buffer - digits);
    int exponent = number.exponent + count - 1;

    if (exponent < -4 || exponent >= plain_max) {
        *out++ = digits[0];
        if (count > 1) {
            *out++ = '.';
            memcpy(out, digits + 1, (size_t)count - 1);
            out += count - 1;
        }
        return put_exponent(out, exponent);
    }
    if (exponent < 0) {
        memcpy(out, "0.0000", 6);
        out += 1 - exponent;
        memcpy(out, digits, (size_t)count);
        return out + count;
    }
    if (number.exponent >= 0) {
        memcpy(out, digits, (size_t)count);
        memset(out + count, '0', (size_t)number.exponent);
        return out + count + number.exponent;
    }
    size_t whole = (size_t)exponent + 1;
    memcpy(out, digits, whole);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, (size_t)count - whole);
    return out + count + 1;
}

static size_t put_word(char *out, const char *word)
{
    size_t length = strlen(word);
    memcpy(out, word, length);
    return length;
}

size_t mr_float8_format(double value, char out[MR_FLOAT_TEXT_MAX])
{
    if (isnan(value)) {
        return put_word(out, "NaN");
    }
    if (isinf(value)) {
        return put_word(out, value < 0 ? "-Infinity" : "Infinity");
    }
    char *next = out;
    if (signbit(value)) {
        *next++ = '-';
        value = -value;
    }
    if (value < 1e15 && value == (double)(int64_t)value) {
        char buffer[20];
        char *digits = digits_before(buffer + sizeof buffer, (uint64_t)value);
        size_t count = (size_t)(buffer + sizeof buffer - digits);
        memcpy(next, digits, count);
        return (size_t)(next - out) + count;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int exponent = (int)(bits >> 52);
    Shortest number;

    pthread_once(&pow10_once, pow10_init);
    if (exponent == 0) {
        number = shortest_decimal(fraction, -1074, false);
    } else {
        number = shortest_decimal(fraction | UINT64_C(1) << 52, exponent - 1075,
                                  fraction == 0 && exponent > 1);
    }
    return (size_t)(put_decimal(next, number, 15) - out);
}

size_t mr_float4_format(float value, char out[MR_FLOAT_TEXT_MAX])
{
    if (isnan(value)) {
        return put_word(out, "NaN");
    }
    if (isinf(value)) {
        return put_word(out, value < 0 ? "-Infinity" : "Infinity");
    }
    char *next = out;
    if (signbit(value)) {
        *next++ = '-';
        value = -value;
    }
    if (value == 0) {
        *next++ = '0';
        return (size_t)(next - out);
    }
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t fraction = bits & ((UINT32_C(1) << 23) - 1);
    int exponent = (int)(bits >> 23);
    Shortest number;

    pthread_once(&pow10_once, pow10_init);
    if (exponent == 0) {
        number = shortest_decimal(fraction, -149, false);
    } else {
        number = shortest_decimal(fraction | UINT32_C(1) << 23, exponent - 150,
                                  fraction == 0 && exponent > 1);
    }
    return (size_t)(put_decimal(next, number, 6) - out);
}

/* `digits` of them, at least one; rounded as printf does it, which is what PostgreSQL asks for. */
static size_t format_rounded(double value, int digits, char out[MR_FLOAT_TEXT_MAX])
{
    return (size_t)snprintf(out, MR_FLOAT_TEXT_MAX, "%.*g", digits > 0 ? digits : 1, value);
}

size_t mr_float8_format_as(double value, int extra_digits, char out[MR_FLOAT_TEXT_MAX])
{
    return extra_digits > 0 || !isfinite(value) ? mr_float8_format(value, out)
                                                : format_rounded(value, 15 + extra_digits, out);
}

size_t mr_float4_format_as(float value, int extra_digits, char out[MR_FLOAT_TEXT_MAX])
{
    return extra_digits > 0 || !isfinite(value) ? mr_float4_format(value, out)
                                                : format_rounded(value, 6 + extra_digits, out);
}

size_t mr_int64_format(int64_t value, char out[24])
{
    char buffer[20];
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char *digits = digits_before(buffer + sizeof buffer, size);
    size_t count = (size_t)(buffer + sizeof buffer - digits);
    size_t sign = value < 0;

    out[0] = '-';
    memcpy(out + sign, digits, count);
    return sign + count;
}
