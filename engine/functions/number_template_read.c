/*
 * engine/functions/number_template_read.c - to_number(): a number picked out of text by a template.
 * As tolerant as PostgreSQL's: what is no digit, point or sign where the template has one is passed
 * over.
 */
#include "engine/functions/number_template.h"

#include <string.h>

/* A text being read: digits and the point go to `out`, behind a place for the sign. */
typedef struct Reading {
    const MrNumberTemplate *t;
    MrString text;
    size_t at;
    char sign; /* ' ' until there is one */
    int32_t before, after;
    bool has_point;
    MrBuilder *out;
} Reading;

static bool at_end(const Reading *r)
{
    return r->at >= r->text.length;
}

static char here(const Reading *r)
{
    return r->text.data[r->at];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void next_character(Reading *r)
{
    r->at++;
    while (!at_end(r) && ((unsigned char)here(r) & 0xc0) == 0x80) {
        r->at++;
    }
}

/* Passes over characters that belong to no number, at most so many. */
static void skip_strange(Reading *r, int count)
{
    while (count-- > 0 && !at_end(r) && strchr("0123456789.,+-", here(r)) == NULL) {
        next_character(r);
    }
}

/* In front of the first digit. */
static void sign_in_front(Reading *r, MrNumberWord word)
{
    if (r->sign != ' ' || word == MR_NUMBER_POINT || r->before + r->after > 0) {
        return;
    }
    const bool is_bracket = r->t->has_brackets && !r->t->has_s && here(r) == '<';
    if (here(r) == '-' || is_bracket) {
        r->sign = '-';
        r->at++;
    } else if (here(r) == '+') {
        r->sign = '+';
        r->at++;
    }
}

/* An S stands for the sign behind the last digit too; MI, PL and SG for one that comes where a
 * digit should. */
static void sign_behind(Reading *r, bool was_read)
{
    if (r->sign != ' ' || r->before + r->after == 0) {
        return;
    }
    if (r->t->has_s) {
        const size_t next = r->at + 1;
        if (was_read && next < r->text.length &&
            (r->text.data[next] == '-' || r->text.data[next] == '+')) {
            r->sign = r->text.data[next];
            r->at = next;
        }
    } else if (!was_read && (r->t->has_plus || r->t->has_minus) &&
               (here(r) == '-' || here(r) == '+')) {
        r->sign = here(r);
    }
}

/* A digit or the point. */
static void read_part(Reading *r, MrNumberWord word)
{
    bool was_read = false;
    if (here(r) == ' ') {
        r->at++;
    }
    if (at_end(r)) {
        return;
    }
    sign_in_front(r, word);
    if (at_end(r)) {
        return;
    }
    if (is_digit(here(r))) {
        if (r->has_point && r->after == r->t->after) {
            return;
        }
        mr_builder_append_char(r->out, here(r));
        r->after += r->has_point;
        r->before += !r->has_point;
        was_read = true;
    } else if (r->t->has_point && !r->has_point && here(r) == '.') {
        mr_builder_append_char(r->out, '.');
        r->has_point = true;
        was_read = true;
    }
    sign_behind(r, was_read);
}

/* MI, PL, SG: takes the sign; false: something else is here. */
static bool read_sign(Reading *r, MrNumberWord word)
{
    const bool fits =
        (here(r) == '-' && word != MR_NUMBER_PL) || (here(r) == '+' && word != MR_NUMBER_MI);
    if (fits) {
        r->sign = here(r);
    }
    return fits;
}

/* One word of the template; true: the character here is used up. */
static bool read_node(Reading *r, const MrNumberNode *node)
{
    switch (node->word) {
    case MR_NUMBER_NINE:
    case MR_NUMBER_ZERO:
    case MR_NUMBER_POINT: read_part(r, node->word); return true;
    case MR_NUMBER_COMMA: return !r->t->has_fm && here(r) == ',';
    case MR_NUMBER_CURRENCY: skip_strange(r, 1); return false;
    case MR_NUMBER_TH: skip_strange(r, r->t->has_point ? 0 : 2); return false;
    case MR_NUMBER_MI:
    case MR_NUMBER_PL:
    case MR_NUMBER_SG:
        if (read_sign(r, node->word)) {
            return true;
        }
        skip_strange(r, 1);
        return false;
    case MR_NUMBER_LITERAL:
        for (size_t left = mr_utf8_length(node->literal.data, node->literal.length);
             left > 0 && !at_end(r); left--) {
            next_character(r);
        }
        return false;
    default: return false;
    }
}

MrStatus mr_number_template_read(const MrNumberTemplate *template, MrString text, MrBuilder *out,
                                 int32_t *precision, int32_t *scale, MrError *err)
{
    Reading r = { .t = template, .text = text, .sign = ' ', .out = out };
    if (template->has_exponent || template->has_roman) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "\"%s\" not supported for input",
                            template->has_exponent ? "EEEE" : "RN");
    }
    mr_builder_append_char(out, ' ');
    for (uint32_t i = 0; i < template->node_count && !at_end(&r); i++) {
        r.at += read_node(&r, &template->nodes[i]);
    }
    if (out->failed) {
        return mr_error_no_memory(err);
    }
    out->data[0] = r.sign;
    out->length -= out->data[out->length - 1] == '.';
    *scale = r.after;
    *precision = template->before + template->shift + r.after;
    return MR_OK;
}
