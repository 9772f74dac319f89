/*
 * engine/functions/array_access.c - elements and slices by subscript, and what an array says of
 * itself: dimensions, lengths, bounds.
 */
#include "common/floattext.h"
#include "engine/functions/array_cells.h"
#include "engine/functions/families.h"

#define SAME MR_FN_SAME

/* ---- a[i], a[i][j] ---- */

/* The element of those subscripts; false: outside, or another number of dimensions. */
static bool element_find(const MrArray *array, const MrVector *const *args, uint32_t count,
                         uint32_t row, uint32_t *index)
{
    uint32_t at = 0;
    if (array->shape.dimensions != (int32_t)count) {
        return false;
    }
    for (uint32_t d = 0; d < count; d++) {
        int64_t place = (int64_t)MR_ARG(int32_t, d + 1, row) - array->shape.lower[d];
        if (place < 0 || place >= array->shape.lengths[d]) {
            return false;
        }
        at = at * (uint32_t)array->shape.lengths[d] + (uint32_t)place;
    }
    *index = at;
    return !mr_array_is_null(array, at);
}

MR_KERNEL(array_element)
{
    const size_t width = mr_type_info(out->type.id)->width;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrArray array;
        uint32_t index;
        mr_arg_array_open(args[0], i, &array);
        if (element_find(&array, args, arg_count - 1, i, &index)) {
            mr_array_get(&array, index, (char *)out->data + i * width);
        } else {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

/* ---- a[l:u][m:v] ---- */

/* Cuts the bounds to the array's; false: nothing is left. */
static bool slice_bounds(const MrArray *array, const MrVector *const *args, uint32_t count,
                         uint32_t row, int32_t low[], int32_t high[])
{
    for (uint32_t d = 0; d < (uint32_t)array->shape.dimensions; d++) {
        int32_t first = array->shape.lower[d], last = first + array->shape.lengths[d] - 1;
        low[d] = first;
        high[d] = last;
        if (d < count) {
            int32_t from = MR_ARG(int32_t, 1 + 2 * d, row), to = MR_ARG(int32_t, 2 + 2 * d, row);
            low[d] = from > first ? from : first;
            high[d] = to < last ? to : last;
        }
        if (low[d] > high[d]) {
            return false;
        }
    }
    return array->count > 0 && count <= (uint32_t)array->shape.dimensions;
}

static MrStatus slice_add(const MrArray *array, int32_t dimension, uint32_t first,
                          const int32_t low[], const int32_t high[], MrArrayBuild *build,
                          MrError *err)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    for (int32_t at = low[dimension]; at <= high[dimension]; at++) {
        uint32_t place = first * (uint32_t)array->shape.lengths[dimension] +
                         (uint32_t)(at - array->shape.lower[dimension]);
        if (dimension + 1 < array->shape.dimensions) {
            MR_TRY(slice_add(array, dimension + 1, place, low, high, build, err));
        } else {
            bool is_null = mr_array_is_null(array, place);
            if (!is_null) {
                mr_array_get(array, place, cell);
            }
            MR_TRY(mr_array_build_add(build, is_null ? NULL : cell, err));
        }
    }
    return MR_OK;
}

MR_KERNEL(array_slice)
{
    MrArrayBuild build;
    MrText *results = out->data;
    mr_array_build_init(&build, eval->arena, mr_type_element(out->type.id));
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrArray array;
        int32_t low[MR_ARRAY_DIMENSIONS_MAX], high[MR_ARRAY_DIMENSIONS_MAX];
        mr_arg_array_open(args[0], i, &array);
        if (!slice_bounds(&array, args, (arg_count - 1) / 2, i, low, high)) {
            continue;
        }
        MrArrayShape shape = { .dimensions = array.shape.dimensions };
        for (int32_t d = 0; d < shape.dimensions; d++) {
            shape.lower[d] = 1;
            shape.lengths[d] = high[d] - low[d] + 1;
        }
        MR_TRY(slice_add(&array, 0, 0, low, high, &build, eval->err));
        MR_TRY(mr_array_build_take(&build, &shape, &results[i], eval->err));
    }
    return MR_OK;
}

/* ---- what it says of itself ---- */

typedef enum Fact { FACT_LENGTH, FACT_LOWER, FACT_UPPER } Fact;

static MrStatus fact_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                          Fact fact)
{
    int32_t *results = out->data;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrArray array;
        const int32_t dimension = MR_ARG(int32_t, 1, i);
        mr_arg_array_open(args[0], i, &array);
        if (dimension < 1 || dimension > array.shape.dimensions) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        const int32_t length = array.shape.lengths[dimension - 1];
        const int32_t lower = array.shape.lower[dimension - 1];
        results[i] = fact == FACT_LENGTH ? length : fact == FACT_LOWER ? lower : lower + length - 1;
    }
    return MR_OK;
}
#define FACT_KERNEL(NAME, FACT)                        \
    MR_KERNEL(NAME)                                    \
    {                                                  \
        (void)arg_count;                               \
        return fact_rows(eval, args, rows, out, FACT); \
    }
FACT_KERNEL(array_length, FACT_LENGTH)
FACT_KERNEL(array_lower, FACT_LOWER)
FACT_KERNEL(array_upper, FACT_UPPER)

MR_KERNEL(array_cardinality)
{
    int32_t *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrArray array;
        mr_arg_array_open(args[0], i, &array);
        results[i] = (int32_t)array.count;
    }
    return MR_OK;
}

MR_KERNEL(array_ndims)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrArray array;
        mr_arg_array_open(args[0], i, &array);
        results[i] = array.shape.dimensions;
        if (array.count == 0) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

MR_KERNEL(array_dims)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrArray array;
        char text[MR_ARRAY_DIMENSIONS_MAX * 28];
        size_t length = 0;
        mr_arg_array_open(args[0], i, &array);
        if (array.count == 0) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        for (int32_t d = 0; d < array.shape.dimensions; d++) {
            text[length++] = '[';
            length += mr_int64_format(array.shape.lower[d], text + length);
            text[length++] = ':';
            length +=
                mr_int64_format(array.shape.lower[d] + array.shape.lengths[d] - 1, text + length);
            text[length++] = ']';
        }
        MR_TRY(mr_kernel_set_text(eval, out, i, text, length));
    }
    return MR_OK;
}

/* ---- array_fill ---- */

/* The integers of a list argument; false after the row's error was noted. */
static MrStatus integers_read(MrEval *eval, const MrVector *arg, uint32_t row, MrVector *out,
                              const char *what, int32_t *values, int32_t *count, bool *ok)
{
    MrArray array;
    *ok = false;
    *count = 0;
    if (mr_vector_is_null(arg, row)) {
        return mr_eval_row_error(eval, out, row, MR_ERR_NULL_NOT_ALLOWED,
                                 "dimension array or low bound array cannot be null");
    }
    mr_arg_array_open(arg, row, &array);
    if (array.shape.dimensions > 1) {
        MrError error = MR_ERROR_INIT;
        mr_error_set(&error, MR_ERR_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
        mr_error_detail(&error, "%s array must be one dimensional.", what);
        return mr_eval_row_failed(eval, out, row, &error);
    }
    if (array.count > MR_ARRAY_DIMENSIONS_MAX) {
        return mr_eval_row_error(eval, out, row, MR_ERR_PROGRAM_LIMIT,
                                 "number of array dimensions (%u) exceeds the maximum allowed (%d)",
                                 array.count, MR_ARRAY_DIMENSIONS_MAX);
    }
    for (uint32_t k = 0; k < array.count; k++) {
        if (mr_array_is_null(&array, k)) {
            return mr_eval_row_error(eval, out, row, MR_ERR_NULL_NOT_ALLOWED,
                                     "dimension values cannot be null");
        }
        memcpy(&values[k], array.values + (size_t)k * 4, 4);
    }
    *count = (int32_t)array.count;
    *ok = true;
    return MR_OK;
}

static MrStatus fill_row(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                         uint32_t row, MrVector *out)
{
    MrArrayShape shape = { 0 };
    MrArrayBuild build;
    MrError error = MR_ERROR_INIT;
    int32_t bounds = 0;
    bool ok;
    MR_TRY(
        integers_read(eval, args[1], row, out, "Dimension", shape.lengths, &shape.dimensions, &ok));
    for (int32_t d = 0; d < shape.dimensions; d++) {
        shape.lower[d] = 1;
    }
    if (ok && arg_count > 2) {
        MR_TRY(integers_read(eval, args[2], row, out, "Low bound", shape.lower, &bounds, &ok));
        if (ok && bounds != shape.dimensions) {
            mr_error_set(&error, MR_ERR_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
            mr_error_detail(&error, "Low bound array has different size than dimensions array.");
            return mr_eval_row_failed(eval, out, row, &error);
        }
    }
    if (!ok) {
        return MR_OK;
    }
    int64_t count = mr_array_shape_count(&shape);
    if (count < 0 || count > MR_ARRAY_ELEMENTS_MAX / 8) {
        return mr_eval_row_error(eval, out, row, MR_ERR_PROGRAM_LIMIT,
                                 "array size exceeds the maximum allowed (%d)",
                                 MR_ARRAY_ELEMENTS_MAX);
    }
    mr_array_build_init(&build, eval->arena, args[0]->type.id);
    const void *cell = mr_vector_is_null(args[0], row) ? NULL : mr_vector_cell(args[0], row);
    for (int64_t k = 0; k < count; k++) {
        MR_TRY(mr_array_build_add(&build, cell, eval->err));
    }
    return mr_array_build_take(&build, &shape, (MrText *)out->data + row, eval->err);
}
MR_KERNEL(array_fill)
{
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        MR_TRY(fill_row(eval, args, arg_count, i, out));
    }
    return MR_OK;
}

/* What array_agg() of arrays can take. */
MR_KERNEL(array_part)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        MrArray array = { 0 };
        if (mr_vector_is_null(args[0], i)) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NULL_NOT_ALLOWED,
                                     "cannot accumulate null arrays"));
            continue;
        }
        mr_arg_array_open(args[0], i, &array);
        if (array.count == 0) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_ARRAY_SUBSCRIPT,
                                     "cannot accumulate empty arrays"));
            continue;
        }
        ((MrText *)out->data)[i] = *(const MrText *)mr_vector_cell(args[0], i);
    }
    return MR_OK;
}

#define ARRAY_1(NAME, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                         \
    MR_ENTRY(NAME, 1, RESULT, EVAL, MR_FN_STRICT | SAME | (FLAGS), DOC, EXAMPLE, RETURNS, \
             MR_TYPE_ANYARRAY)
#define ARRAY_INT(NAME, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                       \
    MR_ENTRY(NAME, 2, RESULT, EVAL, MR_FN_STRICT | SAME | (FLAGS), DOC, EXAMPLE, RETURNS, \
             MR_TYPE_ANYARRAY, MR_TYPE_INT32)

const MrFunction mr_functions_array_access[] = {
    ARRAY_INT("[]", UNKNOWN, array_element, MR_FN_VARIADIC,
              "The element of that subscript, from 1; NULL outside.", "(ARRAY['a', 'b', 'c'])[2]",
              "b"),
    MR_ENTRY("[:]", 3, ANYARRAY, array_slice, MR_FN_STRICT | SAME | MR_FN_VARIADIC,
             "The elements between two subscripts, counted from 1 again.",
             "(ARRAY[5, 6, 7, 8])[2:3]", "{6,7}", MR_TYPE_ANYARRAY, MR_TYPE_INT32, MR_TYPE_INT32),
    ARRAY_INT("array_length", INT32, array_length, 0, "Length of a dimension.",
              "array_length(ARRAY[1, 2, 3], 1)", "3"),
    ARRAY_INT("array_lower", INT32, array_lower, 0, "Least subscript of a dimension.",
              "array_lower('[0:2]={1,2,3}'::int[], 1)", "0"),
    ARRAY_INT("array_upper", INT32, array_upper, 0, "Greatest subscript of a dimension.",
              "array_upper(ARRAY[1, 8, 3, 7], 1)", "4"),
    ARRAY_1("cardinality", INT32, array_cardinality, 0, "Number of elements of all dimensions.",
            "cardinality(ARRAY[[1, 2], [3, 4]])", "4"),
    ARRAY_1("array_ndims", INT32, array_ndims, 0, "Number of dimensions; NULL for an empty array.",
            "array_ndims(ARRAY[[1, 2], [3, 4]])", "2"),
    ARRAY_1("array_dims", TEXT, array_dims, 0, "The dimensions as text.",
            "array_dims(ARRAY[[1, 2, 3], [4, 5, 6]])", "[1:2][1:3]"),
    MR_ENTRY("mr_array_part", 1, ANYARRAY, array_part, SAME | FALLIBLE,
             "The array, for array_agg(), which fails on NULL and on empty ones.",
             "mr_array_part(ARRAY[1, 2])", "{1,2}", MR_TYPE_ANYARRAY),
    MR_ENTRY("array_fill", 2, ANYARRAY, array_fill, SAME | FALLIBLE,
             "An array of that shape, full of the value.", "array_fill(11, ARRAY[2, 3])",
             "{{11,11,11},{11,11,11}}", MR_TYPE_UNKNOWN, MR_TYPE_INT32_ARRAY),
    MR_ENTRY("array_fill", 3, ANYARRAY, array_fill, SAME | FALLIBLE, "The same with lower bounds.",
             "array_fill(7, ARRAY[3], ARRAY[2])", "[2:4]={7,7,7}", MR_TYPE_UNKNOWN,
             MR_TYPE_INT32_ARRAY, MR_TYPE_INT32_ARRAY),
};
MR_FAMILY_COUNT(array_access);
