/*
 * clients/guess.c - what type a column of texts could have, and how far its times are disordered.
 */
#include "clients/guess.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/buffer.h"
#include "clients/timestamp.h"

enum {
    TYPE_BOOLEAN = 1,
    TYPE_BIGINT = 2,
    TYPE_NUMERIC = 4,
    TYPE_DOUBLE = 8,
    TYPE_DATE = 16,
    TYPE_TIMESTAMPTZ = 32,
    TYPE_TIMESTAMP = 64,
    TYPE_UUID = 128,
    TYPE_JSON = 256,
    TYPE_ALL = 511
};

/* The narrowest comes first: the first that fits every value is taken. */
static const struct {
    unsigned bit;
    const char *name;
} types[] = {
    { TYPE_BOOLEAN, "boolean" },     { TYPE_BIGINT, "bigint" }, { TYPE_DOUBLE, "double precision" },
    { TYPE_NUMERIC, "numeric" },     { TYPE_DATE, "date" },     { TYPE_TIMESTAMPTZ, "timestamptz" },
    { TYPE_TIMESTAMP, "timestamp" }, { TYPE_UUID, "uuid" },     { TYPE_JSON, "json" },
};

const char *const mr_guess_nulls[MR_GUESS_NULLS] = { "NULL", "null", "\\N",  "NA", "N/A",
                                                     "n/a",  "-",    "None", "nil" };

void mr_guess_init(MrGuess *guess, const char *name, size_t length)
{
    *guess = (MrGuess){ .name = mr_text_copy_bytes(name, length),
                        .candidates = TYPE_ALL,
                        .latest_us = INT64_MIN };
    for (int i = 0; i < MR_GUESS_NULLS; i++) {
        guess->without[i] = TYPE_ALL;
    }
}

void mr_guess_fini(MrGuess *guess)
{
    free(guess->name);
    free(guess->disorders_us);
}

/* Digits, perhaps a sign, a fraction, an exponent. */
static unsigned number_candidates(const char *text, size_t length)
{
    size_t i = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    size_t first = i;
    size_t digits = 0;
    bool fraction = false;
    bool exponent = false;
    for (; i < length; i++) {
        if (isdigit((unsigned char)text[i])) {
            digits += !exponent;
        } else if (text[i] == '.' && !fraction && !exponent) {
            fraction = true;
        } else if ((text[i] == 'e' || text[i] == 'E') && digits > 0 && !exponent &&
                   i + 1 < length) {
            exponent = true;
            i += text[i + 1] == '-' || text[i + 1] == '+';
        } else {
            return 0;
        }
    }
    if (digits == 0 || !isdigit((unsigned char)text[length - 1])) {
        return 0;
    }
    /* 007 is a name, not a number: as a number it would lose its zeros. */
    if (length - first > 1 && text[first] == '0' && isdigit((unsigned char)text[first + 1])) {
        return 0;
    }
    if (exponent) {
        return TYPE_DOUBLE;
    }
    if (fraction) {
        return digits <= 15 ? TYPE_DOUBLE | TYPE_NUMERIC : TYPE_NUMERIC;
    }
    return digits <= 15   ? TYPE_BIGINT | TYPE_DOUBLE | TYPE_NUMERIC
           : digits <= 18 ? TYPE_BIGINT | TYPE_NUMERIC
                          : TYPE_NUMERIC;
}

static unsigned boolean_candidates(const char *text, size_t length)
{
    static const char *const words[] = { "true", "false", "t", "f", "yes", "no" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0) {
            return TYPE_BOOLEAN;
        }
    }
    return 0;
}

static unsigned uuid_candidates(const char *text, size_t length)
{
    if (length != 36) {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return 0;
        }
    }
    return TYPE_UUID;
}

static void time_note(MrGuess *guess, int64_t us)
{
    guess->time_count++;
    if (us >= guess->latest_us) {
        guess->latest_us = us;
        return;
    }
    if (guess->disorder_count == guess->disorder_capacity) {
        guess->disorder_capacity =
            guess->disorder_capacity == 0 ? 64 : guess->disorder_capacity * 2;
        guess->disorders_us =
            mr_reallocate(guess->disorders_us, guess->disorder_capacity * sizeof(int64_t));
    }
    guess->disorders_us[guess->disorder_count++] = guess->latest_us - us;
}

static unsigned time_candidates(MrGuess *guess, const char *text, size_t length)
{
    MrTimestamp timestamp;
    if (!mr_timestamp_read(text, length, &timestamp)) {
        return 0;
    }
    time_note(guess, timestamp.us);
    if (!timestamp.has_time) {
        return TYPE_DATE | TYPE_TIMESTAMP | TYPE_TIMESTAMPTZ;
    }
    return timestamp.has_zone ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP | TYPE_TIMESTAMPTZ;
}

void mr_guess_add(MrGuess *guess, const char *text, size_t length, MrKind kind)
{
    unsigned fits = 0;
    switch (kind) {
    case MR_KIND_NULL: guess->null_count++; return;
    case MR_KIND_NUMBER: fits = number_candidates(text, length); break;
    case MR_KIND_BOOLEAN: fits = TYPE_BOOLEAN; break;
    case MR_KIND_NESTED: fits = TYPE_JSON; break;
    case MR_KIND_BARE:
    case MR_KIND_QUOTED:
        fits = number_candidates(text, length) | boolean_candidates(text, length);
        /* fall through */
    case MR_KIND_STRING:
        fits |= time_candidates(guess, text, length) | uuid_candidates(text, length);
        break;
    }
    guess->has_values = true;
    guess->candidates &= fits;
    for (int i = 0; i < MR_GUESS_NULLS; i++) {
        if (kind == MR_KIND_BARE && strlen(mr_guess_nulls[i]) == length &&
            memcmp(mr_guess_nulls[i], text, length) == 0) {
            guess->spelled[i]++;
        } else {
            guess->without[i] &= fits;
        }
    }
}

const char *mr_guess_type_without(const MrGuess *guess, int spelling)
{
    MrGuess other = *guess;
    other.candidates = guess->without[spelling];
    return other.candidates == TYPE_ALL ? "text" : mr_guess_type(&other);
}

void mr_guess_choose(MrGuess *guess, int spelling)
{
    guess->candidates = guess->without[spelling];
    guess->has_values = guess->has_values && guess->candidates != TYPE_ALL;
    guess->null_count += guess->spelled[spelling];
}

const char *mr_guess_type(const MrGuess *guess)
{
    for (size_t i = 0; guess->has_values && i < sizeof(types) / sizeof(types[0]); i++) {
        /* A time with zone is what fits all alike; without one nobody knows which zone it was. */
        bool zoneless =
            types[i].bit == TYPE_TIMESTAMPTZ && (guess->candidates & TYPE_TIMESTAMP) != 0;
        if ((guess->candidates & types[i].bit) != 0 && !zoneless) {
            return types[i].name;
        }
    }
    return "text";
}

bool mr_guess_is_time(const MrGuess *guess)
{
    const char *type = mr_guess_type(guess);
    return guess->null_count == 0 && strncmp(type, "timestamp", 9) == 0;
}

static int compare_us(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t mr_guess_disorder(MrGuess *guess, double share)
{
    uint64_t in_order = guess->time_count - guess->disorder_count;
    uint64_t place = (uint64_t)(share * (double)guess->time_count + 0.999999);
    if (guess->disorder_count == 0 || place <= in_order) {
        return 0;
    }
    qsort(guess->disorders_us, guess->disorder_count, sizeof(int64_t), compare_us);
    place -= in_order;
    return guess->disorders_us[(place < guess->disorder_count ? place : guess->disorder_count) - 1];
}
