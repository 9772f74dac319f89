/*
 * engine/functions/number_template.h - templates of to_char() for numbers: 9 0 . , D G S MI PL SG
 * PR L V TH RN EEEE FM B and "text", with PostgreSQL's meaning.
 * Must not know vectors.
 */
#ifndef MR_ENGINE_FUNCTIONS_NUMBER_TEMPLATE_H
#define MR_ENGINE_FUNCTIONS_NUMBER_TEMPLATE_H

#include "common/text.h"

typedef enum MrNumberWord {
    MR_NUMBER_LITERAL,
    MR_NUMBER_NINE,
    MR_NUMBER_ZERO,
    MR_NUMBER_POINT,
    MR_NUMBER_COMMA,
    MR_NUMBER_CURRENCY,
    MR_NUMBER_S,
    MR_NUMBER_MI,
    MR_NUMBER_PL,
    MR_NUMBER_SG,
    MR_NUMBER_PR,
    MR_NUMBER_V,
    MR_NUMBER_TH,
    MR_NUMBER_RN,
    MR_NUMBER_EEEE,
    MR_NUMBER_FM,
    MR_NUMBER_B
} MrNumberWord;

typedef struct MrNumberNode {
    MrNumberWord word;
    bool lower;       /* th, rn */
    MrString literal; /* of the template */
} MrNumberNode;

typedef enum MrSignPlace { MR_SIGN_NONE, MR_SIGN_FRONT, MR_SIGN_BEHIND } MrSignPlace;

typedef struct MrNumberTemplate {
    MrNumberNode *nodes;
    uint32_t node_count;
    int32_t before, after;        /* digits before and after the point */
    int32_t zero_start, zero_end; /* places that the zeros of the template fill */
    int32_t shift;                /* digits behind V: the value times 10 ^ shift */
    int32_t before_sign;          /* digits before an S in front */
    MrSignPlace sign;
    bool has_zero, has_point, has_fm, has_plus, has_minus, has_brackets, has_roman, has_shift,
        has_exponent, has_s;
} MrNumberTemplate;

/* 42601 for words that do not go together. */
MrStatus mr_number_template_parse(MrArena *arena, MrString text, MrNumberTemplate *out,
                                  MrError *err);
/* Appends a number as the template shows it.  `digits`: its text without a sign, rounded to
 * template->after places ("12.50", "0"). */
void mr_number_template_write(const MrNumberTemplate *template, MrString digits, bool negative,
                              MrBuilder *out);
/* to_number: appends the number that the text has where the template has one, a sign or a blank in
 * front; *precision and *scale: the numeric that it must fit.  0A000 for EEEE and RN. */
MrStatus mr_number_template_read(const MrNumberTemplate *template, MrString text, MrBuilder *out,
                                 int32_t *precision, int32_t *scale, MrError *err);
/* RN: 1 to 3999; else ###############. */
void mr_number_roman_write(const MrNumberTemplate *template, int64_t value, bool lower,
                           MrBuilder *out);

#endif
