/*
 * engine/set_functions/array.c - elements and subscripts of arrays as rows.
 * Text of an element is a part of the array's bytes and shares them.
 */
#include "engine/set_functions/set_families.h"
#include "storage/array.h"

/* Elements of all dimensions, row by row, as they are stored. */
static MrStatus unnest_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    const MrTypeId element = page->columns[0].type.id;
    const size_t width = mr_type_info(element)->width;
    MrArray array;
    mr_array_open(element, mr_set_arg(cursor, 0), &array);
    while (page->count < page->room && cursor->at < array.count) {
        const uint32_t index = (uint32_t)cursor->at++;
        if (mr_array_is_null(&array, index)) {
            MR_TRY(mr_set_null(page, 0, eval));
        } else {
            _Alignas(16) char cell[MR_CELL_BYTES_MAX];
            mr_array_get(&array, index, cell);
            memcpy(mr_set_cell(page, 0), cell, width);
        }
        page->count++;
    }
    return MR_OK;
}

/* The bounds of one dimension are in the shape, which is the same for every element type. */
static MrStatus subscripts_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    const bool reverse = cursor->arg_count > 2 && *(const bool *)mr_set_arg(cursor, 2);
    const int32_t dimension = *(const int32_t *)mr_set_arg(cursor, 1);
    MrArray array;
    (void)eval;
    mr_array_open(mr_type_element(cursor->args[0]->type.id), mr_set_arg(cursor, 0), &array);
    if (dimension < 1 || dimension > array.shape.dimensions) {
        return MR_OK;
    }
    const int32_t length = array.shape.lengths[dimension - 1];
    const int32_t lower = array.shape.lower[dimension - 1];
    while (page->count < page->room && cursor->at < (size_t)length) {
        const int32_t step = (int32_t)cursor->at++;
        *(int32_t *)mr_set_cell(page, 0) = lower + (reverse ? length - 1 - step : step);
        page->count++;
    }
    return MR_OK;
}

/* Each element with its place, from 1. */
static MrStatus expandarray_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    while (page->count < page->room) {
        const uint32_t before = page->count;
        MrSetPage one = *page;
        one.first += before;
        one.room = 1;
        one.count = 0;
        MR_TRY(unnest_rows(cursor, eval, &one));
        page->columns[0] = one.columns[0];
        if (one.count == 0) {
            return MR_OK;
        }
        *(int32_t *)mr_set_cell(page, 1) = (int32_t)cursor->at;
        page->count++;
    }
    return MR_OK;
}

/* "name=value" of the catalogue in two; without the sign the value is NULL. */
static MrStatus options_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    MrArray array;
    mr_array_open(MR_TYPE_TEXT, mr_set_arg(cursor, 0), &array);
    while (page->count < page->room && cursor->at < array.count) {
        const uint32_t index = (uint32_t)cursor->at++;
        MrText cell;
        if (mr_array_is_null(&array, index)) {
            continue;
        }
        mr_array_get(&array, index, &cell);
        const MrString option = mr_text_string(&cell);
        const char *sign = memchr(option.data, '=', option.length);
        const size_t name = sign == NULL ? option.length : (size_t)(sign - option.data);
        MR_TRY(mr_set_text_copy(page, 0, (MrString){ option.data, name }, eval));
        if (sign == NULL) {
            MR_TRY(mr_set_null(page, 1, eval));
        } else {
            const MrString value = { sign + 1, option.length - name - 1 };
            MR_TRY(mr_set_text_copy(page, 1, value, eval));
        }
        page->count++;
    }
    return MR_OK;
}

/* Nothing is partitioned: no relation has rows here. */
static MrStatus no_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    (void)cursor, (void)eval, (void)page;
    return MR_OK;
}

#define SUBSCRIPTS(COUNT, DOC, EXAMPLE, RETURNS)                                                  \
    {                                                                                             \
        .name = "generate_subscripts", .args = { MR_TYPE_ANYARRAY, MR_TYPE_INT32, MR_TYPE_BOOL }, \
        .arg_count = COUNT, .columns = { { NULL, MR_TYPE_INT32 } }, .column_count = 1,            \
        .rows = subscripts_rows, .doc = DOC, .example = EXAMPLE, .returns = RETURNS               \
    }

const MrSetFunction mr_set_functions_array[] = {
    SUBSCRIPTS(2, "The subscripts of a dimension of an array.",
               "generate_subscripts(ARRAY['a', 'b'], 1)", "1, 2"),
    SUBSCRIPTS(3, "The subscripts of a dimension of an array, the last one first where asked.",
               "generate_subscripts(ARRAY['a', 'b'], 1, true)", "2, 1"),
    { .name = "_pg_expandarray",
      .args = { MR_TYPE_ANYARRAY },
      .arg_count = 1,
      .columns = { { "x", MR_TYPE_UNKNOWN }, { "n", MR_TYPE_INT32 } },
      .column_count = 2,
      .rows = expandarray_rows,
      .doc = "The elements of an array, x, and their places from 1, n. PostgreSQL has it in "
             "information_schema, for drivers.",
      .example = "_pg_expandarray(ARRAY[7, 8])",
      .returns = "(7,1), (8,2)" },
    { .name = "pg_options_to_table",
      .args = { MR_TYPE_TEXT_ARRAY },
      .arg_count = 1,
      .columns = { { "option_name", MR_TYPE_TEXT }, { "option_value", MR_TYPE_TEXT } },
      .column_count = 2,
      .rows = options_rows,
      .doc = "The options of an object of the catalogue, \"name=value\", as names and values.",
      .example = "pg_options_to_table(ARRAY['table=t', 'fast'])",
      .returns = "(table,t), (fast,)" },
    { .name = "pg_partition_ancestors",
      .args = { MR_TYPE_REGCLASS },
      .arg_count = 1,
      .columns = { { NULL, MR_TYPE_REGCLASS } },
      .column_count = 1,
      .rows = no_rows,
      .doc = "No rows: nothing is partitioned.",
      .example = "pg_partition_ancestors('pg_class')",
      .returns = "" },
    { .name = "unnest",
      .args = { MR_TYPE_ANYARRAY },
      .arg_count = 1,
      .columns = { { NULL, MR_TYPE_UNKNOWN } },
      .column_count = 1,
      .rows = unnest_rows,
      .doc = "The elements of an array. In FROM, several arrays go side by side: unnest(a, b).",
      .example = "unnest(ARRAY[1, NULL, 3])",
      .returns = "1, NULL, 3" },
    { .name = NULL },
};
