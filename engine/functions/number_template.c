/*
 * engine/functions/number_template.c - reads templates of numbers and fills them.
 */
#include "engine/functions/number_template.h"

#include <string.h>

/* ---- reading ---- */

/* Longest first, so that SG is not S. */
static const struct {
    const char *text;
    MrNumberWord word;
} words[] = {
    { "EEEE", MR_NUMBER_EEEE }, { "FM", MR_NUMBER_FM },   { "MI", MR_NUMBER_MI },
    { "PL", MR_NUMBER_PL },     { "PR", MR_NUMBER_PR },   { "RN", MR_NUMBER_RN },
    { "SG", MR_NUMBER_SG },     { "TH", MR_NUMBER_TH },   { "0", MR_NUMBER_ZERO },
    { "9", MR_NUMBER_NINE },    { ".", MR_NUMBER_POINT }, { "D", MR_NUMBER_POINT },
    { ",", MR_NUMBER_COMMA },   { "G", MR_NUMBER_COMMA }, { "L", MR_NUMBER_CURRENCY },
    { "S", MR_NUMBER_S },       { "V", MR_NUMBER_V },     { "C", MR_NUMBER_B },
    { "B", MR_NUMBER_B },
};

static bool next_word(MrString text, size_t at, MrNumberNode *out, size_t *length)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t bytes = strlen(words[i].text);
        const MrString part = { text.data + at, bytes };
        if (text.length - at >= bytes && mr_string_equal_nocase(part, mr_string(words[i].text))) {
            *out = (MrNumberNode){ .word = words[i].word, .lower = part.data[0] >= 'a' };
            *length = bytes;
            return true;
        }
    }
    return false;
}

static MrStatus conflict(MrError *err, const char *message)
{
    return mr_error_set(err, MR_ERR_SYNTAX, "%s", message);
}

static MrStatus digit_note(MrNumberTemplate *t, MrNumberWord word, MrError *err)
{
    if (t->has_brackets) {
        return conflict(err, word == MR_NUMBER_NINE ? "\"9\" must be ahead of \"PR\""
                                                    : "\"0\" must be ahead of \"PR\"");
    }
    if (word == MR_NUMBER_NINE) {
        if (t->has_shift) {
            t->shift++;
        } else if (t->has_point) {
            t->after++;
        } else {
            t->before++;
        }
        return MR_OK;
    }
    if (!t->has_zero && !t->has_point) {
        t->has_zero = true;
        t->zero_start = t->before + 1;
    }
    if (t->has_point) {
        t->after++;
    } else {
        t->before++;
    }
    t->zero_end = t->before + t->after;
    return MR_OK;
}

static MrStatus sign_note(MrNumberTemplate *t, MrNumberWord word, MrError *err)
{
    if (word == MR_NUMBER_S) {
        if (t->has_s) {
            return conflict(err, "cannot use \"S\" twice");
        }
        if (t->has_plus || t->has_minus || t->has_brackets) {
            return conflict(err, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
        }
        t->has_s = true;
        t->sign = t->has_point ? MR_SIGN_BEHIND : MR_SIGN_FRONT;
        t->before_sign = t->before;
        return MR_OK;
    }
    if (t->has_s) {
        return conflict(err, word == MR_NUMBER_MI   ? "cannot use \"S\" and \"MI\" together"
                             : word == MR_NUMBER_PL ? "cannot use \"S\" and \"PL\" together"
                             : word == MR_NUMBER_SG
                                 ? "cannot use \"S\" and \"SG\" together"
                                 : "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
    }
    if (word == MR_NUMBER_PR) {
        if (t->has_plus || t->has_minus) {
            return conflict(err, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
        }
        t->has_brackets = true;
        return MR_OK;
    }
    t->has_minus |= word != MR_NUMBER_PL;
    t->has_plus |= word != MR_NUMBER_MI;
    return MR_OK;
}

static MrStatus word_note(MrNumberTemplate *t, MrNumberWord word, MrError *err)
{
    if (t->has_exponent && word != MR_NUMBER_EEEE) {
        return conflict(err, "\"EEEE\" must be the last pattern used");
    }
    switch (word) {
    case MR_NUMBER_NINE:
    case MR_NUMBER_ZERO: return digit_note(t, word, err);
    case MR_NUMBER_POINT:
        if (t->has_point) {
            return conflict(err, "multiple decimal points");
        }
        if (t->has_shift) {
            return conflict(err, "cannot use \"V\" and decimal point together");
        }
        t->has_point = true;
        return MR_OK;
    case MR_NUMBER_S:
    case MR_NUMBER_MI:
    case MR_NUMBER_PL:
    case MR_NUMBER_SG:
    case MR_NUMBER_PR: return sign_note(t, word, err);
    case MR_NUMBER_FM: t->has_fm = true; return MR_OK;
    case MR_NUMBER_RN: t->has_roman = true; return MR_OK;
    case MR_NUMBER_V:
        if (t->has_point) {
            return conflict(err, "cannot use \"V\" and decimal point together");
        }
        t->has_shift = true;
        return MR_OK;
    case MR_NUMBER_EEEE:
        if (t->has_exponent) {
            return conflict(err, "cannot use \"EEEE\" twice");
        }
        if (t->has_fm || t->has_brackets || t->has_plus || t->has_minus || t->has_s ||
            t->has_roman || t->has_shift) {
            return conflict(err, "\"EEEE\" is incompatible with other formats");
        }
        t->has_exponent = true;
        return MR_OK;
    default: return MR_OK;
    }
}

/* "text" in quotes, without them. */
static size_t quoted_read(MrString text, size_t at, MrNumberNode *out)
{
    size_t end = at + 1;
    while (end < text.length && text.data[end] != '"') {
        end++;
    }
    *out = (MrNumberNode){ .word = MR_NUMBER_LITERAL,
                           .literal = { text.data + at + 1, end - at - 1 } };
    return end < text.length ? end + 1 : end;
}

MrStatus mr_number_template_parse(MrArena *arena, MrString text, MrNumberTemplate *out,
                                  MrError *err)
{
    *out = (MrNumberTemplate){ 0 };
    MR_NEW_ARRAY(arena, out->nodes, text.length + 1, err);
    for (size_t at = 0; at < text.length;) {
        MrNumberNode *node = &out->nodes[out->node_count++];
        size_t length;
        if (next_word(text, at, node, &length)) {
            MR_TRY(word_note(out, node->word, err));
            at += length;
        } else if (text.data[at] == '"') {
            at = quoted_read(text, at, node);
        } else {
            const size_t first = at++;
            while (at < text.length && ((unsigned char)text.data[at] & 0xc0) == 0x80) {
                at++;
            }
            *node = (MrNumberNode){ .word = MR_NUMBER_LITERAL,
                                    .literal = { text.data + first, at - first } };
        }
    }
    return MR_OK;
}

/* ---- filling ---- */

/* A template being filled: `place` counts its digit places, `next` the digits that are written. */
typedef struct Filling {
    const MrNumberTemplate *t;
    MrSignPlace sign;
    MrString digits;
    const char *next, *end, *last; /* `last`: behind it FM drops zeros; NULL: none */
    int32_t blanks;                /* places in front of the first digit */
    int32_t place, places;
    bool negative, sign_done, brackets, in_number;
    MrBuilder *out;
} Filling;

/* The last digit of the fraction that is no 0, or the point. */
static const char *last_relevant(MrString digits)
{
    const char *point = memchr(digits.data, '.', digits.length);
    const char *last = point;
    for (const char *p = point; p != NULL && p < digits.data + digits.length; p++) {
        last = *p != '0' && *p != '.' ? p : last;
    }
    return last;
}

static bool is_blank_zero(const Filling *f)
{
    /* 0.1 under 9.9 is  .1 */
    return !f->t->has_zero && f->next == f->digits.data && f->next < f->end && *f->next == '0' &&
           f->t->after != 0;
}

static bool last_is_point(const Filling *f)
{
    return f->last != NULL && *f->last == '.';
}

static void sign_put(Filling *f)
{
    const bool begins =
        f->place >= f->blanks || (f->t->has_zero && f->t->zero_start - 1 == f->place);
    if (f->sign_done || !begins || (is_blank_zero(f) && !last_is_point(f))) {
        return;
    }
    if (f->t->has_s) {
        if (f->sign == MR_SIGN_FRONT) {
            mr_builder_append_char(f->out, f->negative ? '-' : '+');
            f->sign_done = true;
        }
    } else if (f->brackets) {
        mr_builder_append_char(f->out, f->negative ? '<' : ' ');
        f->sign_done = true;
    } else {
        if (f->negative) {
            mr_builder_append_char(f->out, '-');
        } else if (!f->t->has_fm) {
            mr_builder_append_char(f->out, ' ');
        }
        f->sign_done = true;
    }
}

static void digit_put(Filling *f, MrNumberWord word)
{
    if (f->next < f->end && *f->next == '.') {
        if (!last_is_point(f) || f->t->has_fm) {
            mr_builder_append_char(f->out, '.');
        }
    } else if (f->last != NULL && f->next > f->last && word != MR_NUMBER_ZERO) {
        /* FM leaves the zero out */
    } else if (is_blank_zero(f)) {
        if (!f->t->has_fm) {
            mr_builder_append_char(f->out, ' ');
        } else if (last_is_point(f)) {
            mr_builder_append_char(f->out, '0');
        }
    } else if (f->next < f->end) {
        mr_builder_append_char(f->out, *f->next);
        f->in_number = true;
    }
    f->next += f->next < f->end;
}

static void place_fill(Filling *f, MrNumberWord word)
{
    const bool zeros_here = f->t->has_zero && f->t->zero_start - 1 <= f->place;
    f->in_number = false;
    sign_put(f);
    if (f->place < f->blanks && !zeros_here) {
        if (!f->t->has_fm) {
            mr_builder_append_char(f->out, ' ');
        }
    } else if (f->place < f->blanks) {
        mr_builder_append_char(f->out, '0');
        f->in_number = true;
    } else {
        digit_put(f, word);
    }
    int32_t end = f->places + (f->blanks > 0) + f->t->has_point;
    if (f->last != NULL && f->last == f->next) {
        end = f->place;
    }
    if (f->place + 1 == end) {
        if (f->sign_done && f->brackets) {
            mr_builder_append_char(f->out, f->negative ? '>' : ' ');
        } else if (f->t->has_s && f->sign == MR_SIGN_BEHIND) {
            mr_builder_append_char(f->out, f->negative ? '-' : '+');
        }
    }
    f->place++;
}

static void ordinal_put(const Filling *f, bool lower)
{
    static const char *const upper_endings[] = { "TH", "ST", "ND", "RD" };
    static const char *const lower_endings[] = { "th", "st", "nd", "rd" };
    if (f->negative || f->t->has_point || f->digits.data[0] == '#') {
        return;
    }
    const size_t length = f->digits.length;
    int kind = f->digits.data[length - 1] - '0';
    if (kind > 3 || (length > 1 && f->digits.data[length - 2] == '1')) {
        kind = 0;
    }
    mr_builder_append_string(f->out, lower ? lower_endings[kind] : upper_endings[kind]);
}

static void padded(Filling *f, bool shown, char c)
{
    if (shown) {
        mr_builder_append_char(f->out, c);
    } else if (!f->t->has_fm) {
        mr_builder_append_char(f->out, ' ');
    }
}

static void node_fill(Filling *f, const MrNumberNode *node)
{
    switch (node->word) {
    case MR_NUMBER_LITERAL:
        mr_builder_append(f->out, node->literal.data, node->literal.length);
        break;
    case MR_NUMBER_NINE:
    case MR_NUMBER_ZERO:
    case MR_NUMBER_POINT: place_fill(f, node->word); break;
    case MR_NUMBER_COMMA: padded(f, f->in_number, ','); break;
    case MR_NUMBER_CURRENCY: mr_builder_append_char(f->out, ' '); break;
    case MR_NUMBER_MI: padded(f, f->negative, '-'); break;
    case MR_NUMBER_PL: padded(f, !f->negative, '+'); break;
    case MR_NUMBER_SG: mr_builder_append_char(f->out, f->negative ? '-' : '+'); break;
    case MR_NUMBER_TH: ordinal_put(f, node->lower); break;
    default: break;
    }
}

void mr_number_template_write(const MrNumberTemplate *t, MrString digits, bool negative,
                              MrBuilder *out)
{
    char hashes[128];
    const char *point = memchr(digits.data, '.', digits.length);
    const int32_t before =
        (int32_t)(point != NULL ? point - digits.data : (ptrdiff_t)digits.length);
    const int32_t wanted = t->before + t->shift;
    if (before > wanted && wanted + t->after + 1 < (int32_t)sizeof hashes) { /* it does not fit */
        memset(hashes, '#', sizeof hashes);
        hashes[wanted] = '.';
        digits = (MrString){ hashes, (size_t)(wanted + t->after + 1) };
    }
    Filling f = { .t = t,
                  .sign = t->sign,
                  .digits = digits,
                  .next = digits.data,
                  .end = digits.data + digits.length,
                  .blanks = wanted > before ? wanted - before : 0,
                  .places = t->after + wanted - 1,
                  .negative = negative,
                  .brackets = t->has_brackets && (negative || !t->has_fm),
                  .out = out };
    if (t->has_plus || t->has_minus) {
        f.sign_done = !(t->has_plus && !t->has_minus);
    } else {
        f.sign_done = !negative && t->has_fm && !t->has_s;
        if (f.sign == MR_SIGN_FRONT && t->before == t->before_sign) {
            f.sign = MR_SIGN_BEHIND;
        }
    }
    if (t->has_fm && t->has_point) {
        f.last = last_relevant(digits);
        if (f.last != NULL && t->zero_end > f.blanks) {
            int32_t zero = t->zero_end - f.blanks;
            zero = zero < (int32_t)digits.length - 1 ? zero : (int32_t)digits.length - 1;
            f.last = f.last < digits.data + zero ? digits.data + zero : f.last;
        }
    }
    f.places += !f.sign_done && f.blanks == 0;
    for (uint32_t i = 0; i < t->node_count; i++) {
        node_fill(&f, &t->nodes[i]);
    }
}

void mr_number_roman_write(const MrNumberTemplate *t, int64_t value, bool lower, MrBuilder *out)
{
    static const struct {
        int value;
        const char *text;
    } steps[] = { { 1000, "M" }, { 900, "CM" }, { 500, "D" }, { 400, "CD" }, { 100, "C" },
                  { 90, "XC" },  { 50, "L" },   { 40, "XL" }, { 10, "X" },   { 9, "IX" },
                  { 5, "V" },    { 4, "IV" },   { 1, "I" } };
    char roman[16] = "###############";
    size_t length = value < 1 || value > 3999 ? 15 : 0;
    for (size_t i = 0; length < 15 && i < sizeof steps / sizeof steps[0]; i++) {
        for (; value >= steps[i].value && value > 0; value -= steps[i].value) {
            const size_t bytes = strlen(steps[i].text);
            memcpy(roman + length, steps[i].text, bytes);
            length += bytes;
        }
        if (value == 0) {
            break;
        }
    }
    for (size_t i = length; i < 15 && !t->has_fm; i++) {
        mr_builder_append_char(out, ' ');
    }
    for (size_t i = 0; i < length; i++) {
        const char c = roman[i];
        mr_builder_append_char(out, lower && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
}
