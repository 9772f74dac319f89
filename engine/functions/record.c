/*
 * engine/functions/record.c - rows as values: made of columns, taken apart, compared as wholes.
 * Must not know names in SQL: a field is its number.
 */
#include "engine/functions/comparison_template.h"
#include "storage/array.h"
#include "storage/record.h"

/* ---- ROW(…): the names, each ended by a zero, then the values ------------------------------ */

MR_KERNEL(record_make)
{
    MrText *results = out->data;
    MrTypeId *types;
    const void **cells;
    const uint32_t count = arg_count - 1;
    MR_NEW_ARRAY(eval->arena, types, arg_count, eval->err);
    MR_NEW_ARRAY(eval->arena, cells, arg_count, eval->err);
    for (uint32_t k = 0; k < count; k++) {
        types[k] = args[k + 1]->type.id;
    }
    const MrString names = mr_text_string(&MR_ARG(MrText, 0, 0));
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t k = 0; k < count; k++) {
            cells[k] = mr_vector_is_null(args[k + 1], i) ? NULL : mr_vector_cell(args[k + 1], i);
        }
        MR_TRY(mr_record_make(eval->arena, names, types, cells, count, &results[i], eval->err));
    }
    return MR_OK;
}

/* ---- (row).field --------------------------------------------------------------------------- */

MR_KERNEL(record_field)
{
    const size_t width = mr_type_info(out->type.id)->width;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        MrRecord record;
        const uint32_t field = (uint32_t)MR_ARG(int32_t, 1, i);
        bool is_null = mr_vector_is_null(args[0], i);
        if (!is_null) {
            mr_record_open(&MR_ARG(MrText, 0, i), &record);
            is_null = field >= record.count || mr_record_is_null(&record, field) ||
                      mr_record_type(&record, field) != out->type.id;
        }
        if (is_null) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        } else {
            _Alignas(16) char cell[MR_CELL_BYTES_MAX];
            mr_record_get(&record, field, cell);
            memcpy((char *)out->data + i * width, cell, width);
        }
    }
    return MR_OK;
}

/* ---- IS [NOT] NULL: every field is, or none is --------------------------------------------- */

static MrStatus fields_null(const MrVector *const *args, uint32_t rows, MrVector *out, bool wanted)
{
    uint8_t *results = out->data;
    for (uint32_t i = 0; i < rows; i++) {
        MrRecord record = { 0 };
        results[i] = wanted;
        if (mr_vector_is_null(args[0], i)) {
            continue;
        }
        mr_record_open(&MR_ARG(MrText, 0, i), &record);
        results[i] = 1;
        for (uint32_t k = 0; k < record.count; k++) {
            results[i] &= mr_record_is_null(&record, k) == wanted;
        }
    }
    return MR_OK;
}
MR_KERNEL(record_is_null)
{
    (void)eval, (void)arg_count;
    return fields_null(args, rows, out, true);
}
MR_KERNEL(record_is_not_null)
{
    (void)eval, (void)arg_count;
    return fields_null(args, rows, out, false);
}

/* ---- As wholes: NULLs are equal, and greater than all else --------------------------------- */

static inline int record_compare(const MrText *a, const MrText *b)
{
    return mr_cell_compare(MR_TYPE_RECORD, a, b);
}
#define RECORD_EQ(x, y) mr_cell_equal(MR_TYPE_RECORD, &(x), &(y))
#define RECORD_NE(x, y) (!mr_cell_equal(MR_TYPE_RECORD, &(x), &(y)))
#define RECORD_LT(x, y) (record_compare(&(x), &(y)) < 0)
#define RECORD_LE(x, y) (record_compare(&(x), &(y)) <= 0)
COMPARE_GUARDED(record_record, MrText, MrText, RECORD)

const MrFunction mr_functions_record[] = {
    COMPARE_ENTRIES(RECORD, RECORD, record_record, 0, "ROW(1, 'a')", "ROW(1, 'b')")
        MR_ENTRY("ROW", 1, RECORD, record_make, MR_FN_ANY_ARGS | MR_FN_VARIADIC,
                 "A row of the values.", "ROW(1, NULL, 'a b')", "(1,,\"a b\")", MR_TYPE_UNKNOWN),
    MR_ENTRY(".", 2, UNKNOWN, record_field, 0, "A field of a row.", "(ROW(1, 'a')).f2", "a",
             MR_TYPE_RECORD, MR_TYPE_INT32),
    MR_ENTRY("mr_row_is_null", 1, BOOL, record_is_null, 0, "IS NULL: all fields are.",
             "ROW(NULL, 1) IS NULL", "f", MR_TYPE_RECORD),
    MR_ENTRY("mr_row_is_not_null", 1, BOOL, record_is_not_null, 0, "IS NOT NULL: no field is.",
             "ROW(NULL, 1) IS NOT NULL", "f", MR_TYPE_RECORD),
};
MR_FAMILY_COUNT(record);
