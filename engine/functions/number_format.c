/*
 * engine/functions/number_format.c - to_char() of numbers.
 * A constant template is read once per vector.
 */
#include "engine/functions/families.h"
#include "engine/functions/number_template.h"
#include "engine/functions/text_characters.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_TEXT_MAX = 512 };

typedef struct Format {
    MrEval *eval;
    const MrVector *const *args;
    MrNumberTemplate template;
    bool ready;
    MrBuilder out;
} Format;

/* The row's template; false after the row's error was noted. */
static MrStatus format_at(Format *f, const MrVector *out, uint32_t row, bool *ok)
{
    MrError error = MR_ERROR_INIT;
    *ok = true;
    if (f->ready && f->args[1]->is_constant) {
        return MR_OK;
    }
    f->ready = mr_number_template_parse(f->eval->arena, mr_arg_text(f->args[1], row), &f->template,
                                        &error) == MR_OK;
    *ok = f->ready;
    return f->ready ? MR_OK : mr_eval_row_failed(f->eval, out, row, &error);
}

static const MrNumberNode *roman_node(const MrNumberTemplate *t)
{
    for (uint32_t i = 0; i < t->node_count; i++) {
        if (t->nodes[i].word == MR_NUMBER_RN) {
            return &t->nodes[i];
        }
    }
    return NULL;
}

/* 1.23e+04, a blank for the plus. */
static void exponent_put(Format *f, double value)
{
    char text[DIGITS_TEXT_MAX];
    int length = snprintf(text, sizeof text, "%+.*e", (int)f->template.after, value);
    if (!isfinite(value)) { /* as many # as there would be digits */
        length = 0;
        mr_builder_append_char(&f->out, ' ');
        for (int32_t i = 0; i < f->template.before + f->template.after + 5; i++) {
            mr_builder_append_char(&f->out, i == f->template.before ? '.' : '#');
        }
        return;
    }
    if (text[0] == '+') {
        text[0] = ' ';
    }
    mr_builder_append(&f->out, text, (size_t)length);
}

/* A value as PostgreSQL's own text of it, rounded to the template's places. */
static MrStatus decimal_put(Format *f, const MrDecimal *value, MrError *err)
{
    const MrNumberTemplate *t = &f->template;
    char text[MR_DECIMAL_TEXT_MAX];
    MrDecimal rounded = *value;
    if (t->has_roman) {
        int64_t integer = 0;
        const bool fits = mr_decimal_to_int64(value, &integer, NULL) == MR_OK;
        mr_number_roman_write(t, fits ? integer : 0, roman_node(t)->lower, &f->out);
        return MR_OK;
    }
    if (t->has_exponent) {
        exponent_put(f, mr_decimal_to_double(value));
        return MR_OK;
    }
    if (t->has_shift && t->shift > 0 && value->kind == MR_DECIMAL_FINITE) {
        MrDecimal power = mr_decimal_from_int64(1), ten = mr_decimal_from_int64(10), product;
        for (int32_t i = 0; i < t->shift; i++) {
            MR_TRY(mr_decimal_multiply(&power, &ten, &product, err));
            power = product;
        }
        MR_TRY(mr_decimal_multiply(value, &power, &rounded, err));
    }
    if (value->kind == MR_DECIMAL_FINITE) {
        const MrDecimal whole = rounded;
        const int places = t->after < MR_DECIMAL_DIGITS_MAX ? t->after : MR_DECIMAL_DIGITS_MAX;
        MR_TRY(mr_decimal_round(&whole, places, &rounded, err));
    }
    size_t length = mr_decimal_format(&rounded, text);
    const bool negative = length > 0 && text[0] == '-';
    mr_number_template_write(t, (MrString){ text + negative, length - negative }, negative,
                             &f->out);
    return MR_OK;
}

/* Floats show no more digits than they have (`digits_max`). */
static void float_put(Format *f, double value, int digits_max)
{
    char text[DIGITS_TEXT_MAX];
    MrNumberTemplate t = f->template;
    if (t.has_roman) {
        const double whole = rint(value);
        mr_number_roman_write(&t, whole >= 1 && whole <= 3999 ? (int64_t)whole : 0,
                              roman_node(&t)->lower, &f->out);
        return;
    }
    if (t.has_exponent) {
        exponent_put(f, value);
        return;
    }
    if (!isfinite(value)) {
        /* NaN by its name; an infinity is a number that does not fit. */
        const int32_t wanted = t.before + t.shift;
        const size_t nines = wanted + 1 < DIGITS_TEXT_MAX ? (size_t)wanted + 1 : DIGITS_TEXT_MAX;
        memset(text, '9', sizeof text);
        mr_number_template_write(&t, isnan(value) ? MR_STRING("NaN") : (MrString){ text, nines },
                                 value < 0, &f->out);
        return;
    }
    value *= t.has_shift ? pow(10, t.shift) : 1;
    const int before = snprintf(text, sizeof text, "%.0f", fabs(value));
    if (before >= digits_max) {
        t.after = 0;
    } else if (before + t.after > digits_max) {
        t.after = digits_max - before;
    }
    const int length = snprintf(text, sizeof text, "%.*f", (int)t.after, value);
    const bool negative = text[0] == '-';
    mr_number_template_write(&t, (MrString){ text + negative, (size_t)length - negative }, negative,
                             &f->out);
}

static MrStatus format_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out)
{
    Format f = { .eval = eval, .args = args };
    const MrTypeId type = args[0]->type.id;
    MrStatus status = MR_OK;
    mr_builder_init(&f.out, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        MrError error = MR_ERROR_INIT;
        bool ok = true;
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        status = format_at(&f, out, i, &ok);
        if (status != MR_OK || !ok) {
            continue;
        }
        mr_builder_clear(&f.out);
        const void *cell = mr_vector_cell(args[0], i);
        if (type == MR_TYPE_FLOAT64) {
            float_put(&f, *(const double *)cell, DBL_DIG);
        } else if (type == MR_TYPE_FLOAT32) {
            float_put(&f, (double)*(const float *)cell, FLT_DIG);
        } else {
            const MrDecimal value =
                type == MR_TYPE_NUMERIC
                    ? *(const MrDecimal *)cell
                    : mr_decimal_from_int64(type == MR_TYPE_INT64 ? *(const int64_t *)cell
                                                                  : *(const int32_t *)cell);
            if (decimal_put(&f, &value, &error) != MR_OK) {
                status = mr_eval_row_failed(eval, out, i, &error);
                continue;
            }
        }
        status = f.out.failed ? mr_error_no_memory(eval->err)
                              : mr_kernel_set_text(eval, out, i, f.out.data, f.out.length);
    }
    mr_builder_fini(&f.out);
    return status;
}
MR_KERNEL(number_to_char)
{
    (void)arg_count;
    return format_rows(eval, args, rows, out);
}

/* ---- to_number ---- */

/* The digits as a numeric of that precision, the places behind V taken off. */
static MrStatus number_finish(const MrNumberTemplate *t, MrString digits, int32_t precision,
                              int32_t scale, MrDecimal *out, MrError *err)
{
    MrDecimal value, checked;
    MR_TRY(mr_decimal_parse(digits, &value, err));
    if (t->shift > MR_DECIMAL_DIGITS_MAX) {
        return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "value overflows numeric format");
    }
    if (precision > MR_DECIMAL_DIGITS_MAX) {
        precision = MR_DECIMAL_DIGITS_MAX; /* our numeric's own limit */
    }
    const int32_t typmod = (int32_t)((uint32_t)precision << 16 | (uint32_t)scale) + 4;
    MR_TRY(mr_decimal_apply_typmod(&value, typmod, &checked, err));
    *out = checked;
    if (t->has_shift) {
        /* Times power(10, -n), which has this many digits behind the point. */
        enum { POWER_SCALE = 16 };
        MrInt128 coefficient = 1;
        const int32_t scale_of_power = t->shift < POWER_SCALE ? POWER_SCALE : t->shift;
        for (int32_t i = t->shift; i < scale_of_power; i++) {
            coefficient *= 10;
        }
        const MrDecimal power = mr_decimal_make(coefficient, (int16_t)scale_of_power);
        MR_TRY(mr_decimal_multiply(&checked, &power, out, err));
    }
    return MR_OK;
}

static MrStatus to_number_row(Format *f, uint32_t row, MrDecimal *result, MrError *err)
{
    int32_t precision, scale;
    mr_builder_clear(&f->out);
    MR_TRY(mr_number_template_read(&f->template, mr_arg_text(f->args[0], row), &f->out, &precision,
                                   &scale, err));
    return number_finish(&f->template, (MrString){ f->out.data, f->out.length }, precision, scale,
                         result, err);
}

MR_KERNEL(text_to_number)
{
    Format f = { .eval = eval, .args = args };
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&f.out, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        MrError error = MR_ERROR_INIT;
        bool ok = true;
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        if (mr_arg_text(args[1], i).length == 0) {
            status = mr_kernel_set_null(eval, out, i);
            continue;
        }
        status = format_at(&f, out, i, &ok);
        if (status == MR_OK && ok &&
            to_number_row(&f, i, (MrDecimal *)out->data + i, &error) != MR_OK) {
            status = mr_eval_row_failed(eval, out, i, &error);
        }
    }
    mr_builder_fini(&f.out);
    return status;
}

#define TO_CHAR(TYPE, EXAMPLE, RETURNS)                       \
    F2("to_char", TYPE, TEXT, TEXT, number_to_char, FALLIBLE, \
       "A number by a template: 9 0 . , S MI PL PR TH RN V EEEE FM.", EXAMPLE, RETURNS)

const MrFunction mr_functions_number_format[] = {
    TO_CHAR(INT32, "to_char(125, 'FM000009')", "000125"),
    TO_CHAR(INT64, "to_char(1234567::int8, 'FM9,999,999')", "1,234,567"),
    TO_CHAR(FLOAT32, "to_char(0.5::real, 'FM0.99')", "0.5"),
    TO_CHAR(FLOAT64, "to_char(3.14159::float8, 'FM9.99')", "3.14"),
    TO_CHAR(NUMERIC, "to_char(-1234.5, 'FM9,999.00MI')", "1,234.50-"),
    F2("to_number", TEXT, TEXT, NUMERIC, text_to_number, FALLIBLE,
       "The number in a text, picked out by a template.", "to_number('12,454.8-', '99G999D9S')",
       "-12454.8"),
};
MR_FAMILY_COUNT(number_format);
