/*
 * common/datetime_scan.c - cuts a date's text into fields; the words that dates know.
 */
#include "common/datetime_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

typedef struct Scanner {
    const char *next;
    const char *end;
    char *out;
} Scanner;

static char peek(const Scanner *scanner)
{
    return scanner->next < scanner->end ? *scanner->next : '\0';
}

static void take(Scanner *scanner)
{
    *scanner->out++ = lower(*scanner->next++);
}

static void take_digits(Scanner *scanner)
{
    while (is_digit(peek(scanner))) {
        take(scanner);
    }
}

/* After its first digits, a field's next character tells time, date and number apart. */
static MrFieldKind scan_number(Scanner *scanner)
{
    take_digits(scanner);
    char c = peek(scanner);

    if (c == ':') {
        take(scanner);
        while (is_digit(peek(scanner)) || is_one_of(peek(scanner), ":.")) {
            take(scanner);
        }
        return MR_FIELD_TIME;
    }
    if (!is_one_of(c, "-/.")) {
        return MR_FIELD_NUMBER;
    }
    char delimiter = c;
    take(scanner);
    if (is_digit(peek(scanner))) {
        MrFieldKind kind = delimiter == '.' ? MR_FIELD_NUMBER : MR_FIELD_DATE;
        take_digits(scanner);
        if (peek(scanner) == delimiter) {
            kind = MR_FIELD_DATE;
            while (is_digit(peek(scanner)) || peek(scanner) == delimiter) {
                take(scanner);
            }
        }
        return kind;
    }
    while (is_letter(peek(scanner)) || is_digit(peek(scanner)) || peek(scanner) == delimiter) {
        take(scanner);
    }
    return MR_FIELD_DATE;
}

/* A word, or a date or zone that starts with one: "jan-2-2024", "america/new_york", "utc+3". */
static MrFieldKind scan_word(Scanner *scanner)
{
    char *start = scanner->out;
    while (is_letter(peek(scanner))) {
        take(scanner);
    }
    char c = peek(scanner);
    bool goes_on = is_one_of(c, "-/.");
    if (c == '+' || is_digit(c)) {
        int value;
        *scanner->out = '\0';
        goes_on = mr_datetime_word(start, &value) == MR_WORD_UNKNOWN;
    }
    if (!goes_on) {
        return MR_FIELD_WORD;
    }
    do {
        take(scanner);
        c = peek(scanner);
    } while (is_one_of(c, "+-/_.:") || is_letter(c) || is_digit(c));
    return MR_FIELD_DATE;
}

static bool scan_signed(Scanner *scanner, MrFieldKind *kind)
{
    take(scanner);
    while (is_blank(peek(scanner))) {
        scanner->next++;
    }
    if (is_digit(peek(scanner))) {
        *kind = MR_FIELD_ZONE;
        take(scanner);
        while (is_digit(peek(scanner)) || is_one_of(peek(scanner), ":.-")) {
            take(scanner);
        }
        return true;
    }
    if (!is_letter(peek(scanner))) {
        return false;
    }
    *kind = MR_FIELD_SPECIAL;
    while (is_letter(peek(scanner))) {
        take(scanner);
    }
    return true;
}

static bool is_punctuation(char c)
{
    return c > ' ' && c < 0x7F && !is_letter(c) && !is_digit(c);
}

bool mr_datetime_scan(MrString text, MrDateFields *out)
{
    Scanner scanner = { text.data, text.data + text.length, out->buffer };

    out->count = 0;
    while (scanner.next < scanner.end && is_blank(*scanner.next)) {
        scanner.next++;
    }
    while (scanner.next < scanner.end && is_blank(scanner.end[-1])) {
        scanner.end--;
    }
    if (scanner.end - scanner.next > MR_DATETIME_TEXT_BYTES_MAX) {
        return false;
    }
    while (scanner.next < scanner.end) {
        MrDateField field = { .text = scanner.out };
        char c = *scanner.next;

        if (is_blank(c)) {
            scanner.next++;
            continue;
        }
        if (out->count == MR_DATETIME_FIELDS_MAX) {
            return false;
        }
        if (is_digit(c)) {
            field.kind = scan_number(&scanner);
        } else if (c == '.') {
            field.kind = MR_FIELD_NUMBER;
            take(&scanner);
            take_digits(&scanner);
        } else if (is_letter(c)) {
            field.kind = scan_word(&scanner);
        } else if (c == '+' || c == '-') {
            if (!scan_signed(&scanner, &field.kind)) {
                return false;
            }
        } else if (is_punctuation(c)) {
            scanner.next++; /* only parts fields */
            continue;
        } else {
            return false;
        }
        *scanner.out++ = '\0';
        out->fields[out->count++] = field;
    }
    return true;
}

static const struct {
    const char *word;
    MrWordKind kind;
    int value;
} words[] = {
    { "-infinity", MR_WORD_MINUS_INFINITY, 0 },
    { "ad", MR_WORD_ERA, 0 },
    { "allballs", MR_WORD_MIDNIGHT, 0 },
    { "am", MR_WORD_HALF_DAY, 0 },
    { "apr", MR_WORD_MONTH, 4 },
    { "april", MR_WORD_MONTH, 4 },
    { "at", MR_WORD_IGNORED, 0 },
    { "aug", MR_WORD_MONTH, 8 },
    { "august", MR_WORD_MONTH, 8 },
    { "bc", MR_WORD_ERA, 1 },
    { "dec", MR_WORD_MONTH, 12 },
    { "december", MR_WORD_MONTH, 12 },
    { "epoch", MR_WORD_EPOCH, 0 },
    { "feb", MR_WORD_MONTH, 2 },
    { "february", MR_WORD_MONTH, 2 },
    { "fri", MR_WORD_WEEKDAY, 5 },
    { "friday", MR_WORD_WEEKDAY, 5 },
    { "inf", MR_WORD_INFINITY, 0 },
    { "infinity", MR_WORD_INFINITY, 0 },
    { "jan", MR_WORD_MONTH, 1 },
    { "january", MR_WORD_MONTH, 1 },
    { "jul", MR_WORD_MONTH, 7 },
    { "july", MR_WORD_MONTH, 7 },
    { "jun", MR_WORD_MONTH, 6 },
    { "june", MR_WORD_MONTH, 6 },
    { "mar", MR_WORD_MONTH, 3 },
    { "march", MR_WORD_MONTH, 3 },
    { "may", MR_WORD_MONTH, 5 },
    { "mon", MR_WORD_WEEKDAY, 1 },
    { "monday", MR_WORD_WEEKDAY, 1 },
    { "nov", MR_WORD_MONTH, 11 },
    { "november", MR_WORD_MONTH, 11 },
    { "now", MR_WORD_CLOCK, 0 },
    { "oct", MR_WORD_MONTH, 10 },
    { "october", MR_WORD_MONTH, 10 },
    { "on", MR_WORD_IGNORED, 0 },
    { "pm", MR_WORD_HALF_DAY, 1 },
    { "sat", MR_WORD_WEEKDAY, 6 },
    { "saturday", MR_WORD_WEEKDAY, 6 },
    { "sep", MR_WORD_MONTH, 9 },
    { "sept", MR_WORD_MONTH, 9 },
    { "september", MR_WORD_MONTH, 9 },
    { "sun", MR_WORD_WEEKDAY, 0 },
    { "sunday", MR_WORD_WEEKDAY, 0 },
    { "d", MR_WORD_UNIT, 0 },
    { "h", MR_WORD_UNIT, 0 },
    { "m", MR_WORD_UNIT, 0 },
    { "s", MR_WORD_UNIT, 0 },
    { "y", MR_WORD_UNIT, 0 },
    { "t", MR_WORD_TIME, 0 },
    { "thu", MR_WORD_WEEKDAY, 4 },
    { "thur", MR_WORD_WEEKDAY, 4 },
    { "thurs", MR_WORD_WEEKDAY, 4 },
    { "thursday", MR_WORD_WEEKDAY, 4 },
    { "today", MR_WORD_CLOCK, 0 },
    { "tomorrow", MR_WORD_CLOCK, 0 },
    { "tue", MR_WORD_WEEKDAY, 2 },
    { "tues", MR_WORD_WEEKDAY, 2 },
    { "tuesday", MR_WORD_WEEKDAY, 2 },
    { "wed", MR_WORD_WEEKDAY, 3 },
    { "wednesday", MR_WORD_WEEKDAY, 3 },
    { "weds", MR_WORD_WEEKDAY, 3 },
    { "yesterday", MR_WORD_CLOCK, 0 },
};

MrWordKind mr_datetime_word(const char *word, int *value)
{
    *value = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].word, word) == 0) {
            *value = words[i].value;
            return words[i].kind;
        }
    }
    return MR_WORD_UNKNOWN;
}

bool mr_fraction_parse(const char *text, int *microsecond)
{
    if (*text != '.' || text[1 + strspn(text + 1, "0123456789")] != '\0') {
        return false;
    }
    *microsecond = text[1] == '\0' ? 0 : (int)rint(strtod(text, NULL) * 1000000);
    return true;
}

/* At most nine digits count; what is longer is out of range whatever it says. */
static const char *read_digits(const char *text, int64_t *value)
{
    *value = 0;
    for (; is_digit(*text); text++) {
        if (*value < INT64_C(100000000000)) {
            *value = *value * 10 + (*text - '0');
        }
    }
    return text;
}

bool mr_clock_time_parse(const char *text, MrClockTime *out, bool *overflow)
{
    int64_t minute = 0;
    int64_t second = 0;

    *out = (MrClockTime){ 0 };
    const char *next = read_digits(text, &out->hour);
    if (*next != ':') {
        return false;
    }
    next = read_digits(next + 1, &minute);
    if (*next == '.') {
        second = minute;
        minute = out->hour;
        out->hour = 0;
    } else if (*next == ':') {
        next = read_digits(next + 1, &second);
    }
    if (*next != '\0' && !mr_fraction_parse(next, &out->microsecond)) {
        return false;
    }
    if (minute > 59 || second > 60) {
        *overflow = true;
        return false;
    }
    out->minute = (int)minute;
    out->second = (int)second;
    return true;
}
