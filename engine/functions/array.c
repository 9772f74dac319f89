/*
 * engine/functions/array.c - arrays made, joined, compared and searched.  Shapes, bounds and errors
 * as PostgreSQL has them.
 */
#include "engine/functions/array_cells.h"
#include "engine/functions/families.h"

#define SAME MR_FN_SAME
#define COMPATIBLE (MR_FN_SAME | MR_FN_COMPATIBLE)

/* ---- comparison ---- */

#define COMPARE_KERNEL(NAME, TEST)                                                         \
    MR_KERNEL(NAME)                                                                        \
    {                                                                                      \
        uint8_t *results = out->data;                                                      \
        const MrTypeId type = args[0]->type.id;                                            \
        (void)eval, (void)arg_count;                                                       \
        MR_EACH_ROW(i)                                                                     \
        {                                                                                  \
            const int order =                                                              \
                mr_cell_compare(type, mr_arg_array(args[0], i), mr_arg_array(args[1], i)); \
            results[i] = order TEST 0;                                                     \
        }                                                                                  \
        return MR_OK;                                                                      \
    }
COMPARE_KERNEL(array_eq, ==)
COMPARE_KERNEL(array_ne, !=)
COMPARE_KERNEL(array_lt, <)
COMPARE_KERNEL(array_le, <=)
COMPARE_KERNEL(array_gt, >)
COMPARE_KERNEL(array_ge, >=)

/* True when the array has an element equal to the cell. */
static bool has_element(const MrArray *array, const void *cell)
{
    _Alignas(16) char other[MR_CELL_BYTES_MAX];
    for (uint32_t k = 0; k < array->count; k++) {
        if (!mr_array_is_null(array, k)) {
            mr_array_get(array, k, other);
            if (mr_cell_equal(array->element, cell, other)) {
                return true;
            }
        }
    }
    return false;
}

/* All (or any) elements of `few` are in `many`; NULLs are in nothing. */
static bool elements_in(const MrArray *few, const MrArray *many, bool all)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    for (uint32_t k = 0; k < few->count; k++) {
        bool found = false;
        if (!mr_array_is_null(few, k)) {
            mr_array_get(few, k, cell);
            found = has_element(many, cell);
        }
        if (found != all) {
            return found;
        }
    }
    return all;
}

static MrStatus containment(const MrVector *const *args, uint32_t rows, MrVector *out,
                            uint32_t few_arg, bool all)
{
    uint8_t *results = out->data;
    MR_EACH_ROW(i)
    {
        MrArray few, many;
        mr_arg_array_open(args[few_arg], i, &few);
        mr_arg_array_open(args[1 - few_arg], i, &many);
        results[i] = elements_in(&few, &many, all);
    }
    return MR_OK;
}
MR_KERNEL(array_contains)
{
    (void)eval, (void)arg_count;
    return containment(args, rows, out, 1, true);
}
MR_KERNEL(array_contained)
{
    (void)eval, (void)arg_count;
    return containment(args, rows, out, 0, true);
}
MR_KERNEL(array_overlaps)
{
    (void)eval, (void)arg_count;
    return containment(args, rows, out, 0, false);
}

/* ---- making: ARRAY[…] ---- */

static MrStatus construct_list(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                               uint32_t rows, MrVector *out)
{
    MrArrayBuild build;
    MrText *results = out->data;
    mr_array_build_init(&build, eval->arena, mr_type_element(out->type.id));
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t k = 0; k < arg_count; k++) {
            MR_TRY(mr_array_build_add(
                &build, mr_vector_is_null(args[k], i) ? NULL : mr_vector_cell(args[k], i),
                eval->err));
        }
        MR_TRY(mr_array_build_take(&build, NULL, &results[i], eval->err));
    }
    return MR_OK;
}

/* Arrays side by side are a dimension more; all must have one shape. */
static MrStatus construct_nested(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                                 uint32_t row, MrArrayBuild *build, MrVector *out)
{
    MrArrayShape shape = { 0 };
    uint32_t empty = 0;
    bool fits = true;
    build->count = 0;
    for (uint32_t k = 0; k < arg_count; k++) {
        MrArray part = { 0 };
        if (!mr_vector_is_null(args[k], row)) {
            mr_arg_array_open(args[k], row, &part);
        }
        if (part.count == 0) {
            empty++;
            continue;
        }
        if (shape.dimensions == 0) {
            shape.dimensions = part.shape.dimensions + 1;
            for (int32_t d = 0; d < part.shape.dimensions && d + 1 < MR_ARRAY_DIMENSIONS_MAX; d++) {
                shape.lengths[d + 1] = part.shape.lengths[d];
                shape.lower[d + 1] = part.shape.lower[d];
            }
        }
        fits &= part.shape.dimensions + 1 == shape.dimensions;
        for (int32_t d = 0; fits && d + 1 < shape.dimensions && d + 1 < MR_ARRAY_DIMENSIONS_MAX;
             d++) {
            fits &= part.shape.lengths[d] == shape.lengths[d + 1] &&
                    part.shape.lower[d] == shape.lower[d + 1];
        }
        MR_TRY(mr_array_build_add_all(build, &part, eval->err));
    }
    ((MrText *)out->data)[row] = (MrText){ 0 };
    if (shape.dimensions > MR_ARRAY_DIMENSIONS_MAX) {
        return mr_eval_row_error(eval, out, row, MR_ERR_PROGRAM_LIMIT,
                                 "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                                 shape.dimensions, MR_ARRAY_DIMENSIONS_MAX);
    }
    if (!fits || (empty > 0 && empty < arg_count)) {
        return mr_eval_row_error(
            eval, out, row, MR_ERR_ARRAY_SUBSCRIPT,
            "multidimensional arrays must have array expressions with matching dimensions");
    }
    shape.lengths[0] = (int32_t)arg_count;
    shape.lower[0] = 1;
    return mr_array_build_take(build, &shape, (MrText *)out->data + row, eval->err);
}

MR_KERNEL(array_construct)
{
    if (arg_count == 0 || !mr_type_is_array(args[0]->type.id)) {
        return construct_list(eval, args, arg_count, rows, out);
    }
    MrArrayBuild build;
    mr_array_build_init(&build, eval->arena, mr_type_element(out->type.id));
    for (uint32_t i = 0; i < rows; i++) {
        MR_TRY(construct_nested(eval, args, arg_count, i, &build, out));
    }
    return MR_OK;
}

/* ---- joining ---- */

/* Two arrays end to end: of equal dimensions, or one as an element of the other.  False: they do
 * not fit.  `shape` gets the result's. */
static bool join_shape(const MrArray *a, const MrArray *b, MrArrayShape *shape)
{
    int32_t more = a->shape.dimensions - b->shape.dimensions;
    const MrArrayShape *x = &a->shape, *y = &b->shape;
    *shape = more >= 0 ? *x : *y;
    if (more == 0) {
        shape->lengths[0] = x->lengths[0] + y->lengths[0];
        for (int32_t d = 1; d < x->dimensions; d++) {
            if (x->lengths[d] != y->lengths[d] || x->lower[d] != y->lower[d]) {
                return false;
            }
        }
        return true;
    }
    if (more != 1 && more != -1) {
        return false;
    }
    const MrArrayShape *whole = more == 1 ? x : y, *part = more == 1 ? y : x;
    shape->lengths[0]++;
    for (int32_t d = 0; d < part->dimensions; d++) {
        if (whole->lengths[d + 1] != part->lengths[d] || whole->lower[d + 1] != part->lower[d]) {
            return false;
        }
    }
    return true;
}

static MrStatus join_row(MrEval *eval, const MrVector *const *args, uint32_t row,
                         MrArrayBuild *build, MrVector *out)
{
    MrText *result = (MrText *)out->data + row;
    bool left_null = mr_vector_is_null(args[0], row), right_null = mr_vector_is_null(args[1], row);
    if (left_null || right_null) {
        *result = (MrText){ 0 };
        if (left_null && right_null) {
            return mr_kernel_set_null(eval, out, row);
        }
        *result = *mr_arg_array(args[left_null ? 1 : 0], row);
        return MR_OK;
    }
    MrArray a, b;
    MrArrayShape shape;
    mr_arg_array_open(args[0], row, &a);
    mr_arg_array_open(args[1], row, &b);
    if (a.count == 0 || b.count == 0) {
        *result = *mr_arg_array(args[a.count == 0 ? 1 : 0], row);
        return MR_OK;
    }
    *result = (MrText){ 0 };
    if (!join_shape(&a, &b, &shape)) {
        return mr_eval_row_error(eval, out, row, MR_ERR_ARRAY_SUBSCRIPT,
                                 "cannot concatenate incompatible arrays");
    }
    MR_TRY(mr_array_build_add_all(build, &a, eval->err));
    MR_TRY(mr_array_build_add_all(build, &b, eval->err));
    return mr_array_build_take(build, &shape, result, eval->err);
}
MR_KERNEL(array_cat)
{
    MrArrayBuild build;
    (void)arg_count;
    mr_array_build_init(&build, eval->arena, mr_type_element(out->type.id));
    for (uint32_t i = 0; i < rows; i++) {
        MR_TRY(join_row(eval, args, i, &build, out));
    }
    return MR_OK;
}

static MrStatus extend_rows(MrEval *eval, const MrVector *arrays, const MrVector *values,
                            uint32_t rows, MrVector *out, bool in_front)
{
    MrArrayBuild build;
    MrText *results = out->data;
    mr_array_build_init(&build, eval->arena, mr_type_element(out->type.id));
    for (uint32_t i = 0; i < rows; i++) {
        MrArray array = { 0 };
        const void *cell = mr_vector_is_null(values, i) ? NULL : mr_vector_cell(values, i);
        if (!mr_vector_is_null(arrays, i)) {
            mr_arg_array_open(arrays, i, &array);
        }
        results[i] = (MrText){ 0 };
        if (array.shape.dimensions > 1) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_DATA_EXCEPTION,
                                     "argument must be empty or one-dimensional array"));
            continue;
        }
        MrArrayShape shape = mr_array_list(array.count + 1);
        shape.lower[0] = array.count > 0 ? array.shape.lower[0] : 1;
        if (in_front && shape.lower[0] == INT32_MIN) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE,
                                     "integer out of range"));
            continue;
        }
        if (in_front) {
            MR_TRY(mr_array_build_add(&build, cell, eval->err));
        }
        MR_TRY(mr_array_build_add_all(&build, &array, eval->err));
        if (!in_front) {
            MR_TRY(mr_array_build_add(&build, cell, eval->err));
        }
        MR_TRY(mr_array_build_take(&build, &shape, &results[i], eval->err));
    }
    return MR_OK;
}
MR_KERNEL(array_append)
{
    (void)arg_count;
    return extend_rows(eval, args[0], args[1], rows, out, false);
}
MR_KERNEL(array_prepend)
{
    (void)arg_count;
    return extend_rows(eval, args[1], args[0], rows, out, true);
}

/* ---- removing, replacing ---- */

/* IS NOT DISTINCT FROM of an element and an argument's cell. */
static bool element_is(const MrArray *array, uint32_t index, const MrVector *value, uint32_t row)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    bool is_null = mr_array_is_null(array, index);
    if (is_null || mr_vector_is_null(value, row)) {
        return is_null && mr_vector_is_null(value, row);
    }
    mr_array_get(array, index, cell);
    return mr_cell_equal(array->element, cell, mr_vector_cell(value, row));
}

MR_KERNEL(array_remove)
{
    MrArrayBuild build;
    MrText *results = out->data;
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    (void)arg_count;
    mr_array_build_init(&build, eval->arena, mr_type_element(out->type.id));
    for (uint32_t i = 0; i < rows; i++) {
        MrArray array;
        results[i] = (MrText){ 0 };
        if (mr_vector_is_null(args[0], i)) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        mr_arg_array_open(args[0], i, &array);
        if (array.shape.dimensions > 1) {
            MR_TRY(mr_eval_row_error(
                eval, out, i, MR_ERR_UNSUPPORTED,
                "removing elements from multidimensional arrays is not supported"));
            continue;
        }
        for (uint32_t k = 0; k < array.count; k++) {
            if (element_is(&array, k, args[1], i)) {
                continue;
            }
            bool is_null = mr_array_is_null(&array, k);
            if (!is_null) {
                mr_array_get(&array, k, cell);
            }
            MR_TRY(mr_array_build_add(&build, is_null ? NULL : cell, eval->err));
        }
        MrArrayShape shape = mr_array_list(build.count);
        shape.lower[0] = array.shape.lower[0];
        MR_TRY(mr_array_build_take(&build, &shape, &results[i], eval->err));
    }
    return MR_OK;
}

MR_KERNEL(array_replace)
{
    MrArrayBuild build;
    MrText *results = out->data;
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    (void)arg_count;
    mr_array_build_init(&build, eval->arena, mr_type_element(out->type.id));
    for (uint32_t i = 0; i < rows; i++) {
        MrArray array;
        results[i] = (MrText){ 0 };
        if (mr_vector_is_null(args[0], i)) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        mr_arg_array_open(args[0], i, &array);
        for (uint32_t k = 0; k < array.count; k++) {
            const void *kept = NULL;
            if (element_is(&array, k, args[1], i)) {
                kept = mr_vector_is_null(args[2], i) ? NULL : mr_vector_cell(args[2], i);
            } else if (!mr_array_is_null(&array, k)) {
                mr_array_get(&array, k, cell);
                kept = cell;
            }
            MR_TRY(mr_array_build_add(&build, kept, eval->err));
        }
        MR_TRY(mr_array_build_take(&build, &array.shape, &results[i], eval->err));
    }
    return MR_OK;
}

MR_KERNEL(array_trim)
{
    MrText *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrArray array;
        const int32_t count = MR_ARG(int32_t, 1, i);
        mr_arg_array_open(args[0], i, &array);
        const int32_t length = array.shape.dimensions > 0 ? array.shape.lengths[0] : 0;
        if (count < 0 || count > length) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_ARRAY_SUBSCRIPT,
                                     "number of elements to trim must be between 0 and %d",
                                     length));
            continue;
        }
        MrArrayBuild build;
        MrArrayShape shape = array.shape;
        mr_array_build_init(&build, eval->arena, array.element);
        MR_TRY(mr_array_build_add_all(&build, &array, eval->err));
        shape.lengths[0] = length - count;
        for (int32_t d = 0; d < shape.dimensions; d++) {
            shape.lower[d] = 1;
        }
        MR_TRY(mr_array_build_take(&build, &shape, &results[i], eval->err));
    }
    return MR_OK;
}

/* ---- searching ---- */

static MrStatus position_row(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                             uint32_t row, MrVector *out)
{
    MrArray array;
    int32_t start = INT32_MIN;
    if (mr_vector_is_null(args[0], row)) {
        return mr_kernel_set_null(eval, out, row);
    }
    mr_arg_array_open(args[0], row, &array);
    if (array.shape.dimensions > 1) {
        return mr_eval_row_error(
            eval, out, row, MR_ERR_UNSUPPORTED,
            "searching for elements in multidimensional arrays is not supported");
    }
    if (arg_count > 2 && array.count > 0) {
        if (mr_vector_is_null(args[2], row)) {
            return mr_eval_row_error(eval, out, row, MR_ERR_NULL_NOT_ALLOWED,
                                     "initial position must not be null");
        }
        start = MR_ARG(int32_t, 2, row);
    }
    for (uint32_t k = 0; k < array.count; k++) {
        int64_t subscript = (int64_t)array.shape.lower[0] + k;
        if (subscript >= start && element_is(&array, k, args[1], row)) {
            ((int32_t *)out->data)[row] = (int32_t)subscript;
            return MR_OK;
        }
    }
    return mr_kernel_set_null(eval, out, row);
}
MR_KERNEL(array_position)
{
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        MR_TRY(position_row(eval, args, arg_count, i, out));
    }
    return MR_OK;
}

MR_KERNEL(array_positions)
{
    MrArrayBuild build;
    MrText *results = out->data;
    (void)arg_count;
    mr_array_build_init(&build, eval->arena, MR_TYPE_INT32);
    for (uint32_t i = 0; i < rows; i++) {
        MrArray array;
        results[i] = (MrText){ 0 };
        if (mr_vector_is_null(args[0], i)) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        mr_arg_array_open(args[0], i, &array);
        if (array.shape.dimensions > 1) {
            MR_TRY(mr_eval_row_error(
                eval, out, i, MR_ERR_UNSUPPORTED,
                "searching for elements in multidimensional arrays is not supported"));
            continue;
        }
        for (uint32_t k = 0; k < array.count; k++) {
            int32_t subscript = (int32_t)((int64_t)array.shape.lower[0] + k);
            if (element_is(&array, k, args[1], i)) {
                MR_TRY(mr_array_build_add(&build, &subscript, eval->err));
            }
        }
        MR_TRY(mr_array_build_take(&build, NULL, &results[i], eval->err));
    }
    return MR_OK;
}

#define ARRAY_2(NAME, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                   \
    MR_ENTRY(NAME, 2, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, MR_TYPE_ANYARRAY, \
             MR_TYPE_ANYARRAY)
#define ARRAY_ELEMENT(NAME, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS) \
    MR_ENTRY(NAME, 2, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, MR_TYPE_ANYARRAY, MR_TYPE_UNKNOWN)
#define ELEMENT_ARRAY(NAME, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS) \
    MR_ENTRY(NAME, 2, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, MR_TYPE_UNKNOWN, MR_TYPE_ANYARRAY)
#define STRICT_SAME (MR_FN_STRICT | SAME)

/* ---- width_bucket ---- */

/* Thresholds at or below the cell; they are in ascending order. */
static uint32_t thresholds_passed(const MrArray *thresholds, const void *cell)
{
    _Alignas(16) char other[MR_CELL_BYTES_MAX];
    uint32_t low = 0, high = thresholds->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        mr_array_get(thresholds, middle, other);
        if (mr_cell_compare(thresholds->element, cell, other) < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}
MR_KERNEL(array_width_bucket)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrArray thresholds;
        bool has_null = false;
        results[i] = 0;
        mr_arg_array_open(args[1], i, &thresholds);
        for (uint32_t k = 0; k < thresholds.count; k++) {
            has_null |= mr_array_is_null(&thresholds, k);
        }
        if (thresholds.shape.dimensions > 1) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_ARRAY_SUBSCRIPT,
                                     "thresholds must be one-dimensional array"));
        } else if (has_null) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NULL_NOT_ALLOWED,
                                     "thresholds array must not contain NULLs"));
        } else {
            results[i] = (int32_t)thresholds_passed(&thresholds, mr_vector_cell(args[0], i));
        }
    }
    return MR_OK;
}

const MrFunction mr_functions_array[] = {
    ARRAY_2("=", BOOL, array_eq, STRICT_SAME, "Equal elements and bounds.",
            "ARRAY[1, 2] = ARRAY[1, 2]", "t"),
    ARRAY_2("<>", BOOL, array_ne, STRICT_SAME, "Not equal.", "ARRAY[1, 2] <> ARRAY[2, 1]", "t"),
    ARRAY_2("<", BOOL, array_lt, STRICT_SAME, "Before, by the first elements that differ.",
            "ARRAY[1, 2] < ARRAY[1, 3]", "t"),
    ARRAY_2("<=", BOOL, array_le, STRICT_SAME, "Before or equal.", "ARRAY[1] <= ARRAY[1, 3]", "t"),
    ARRAY_2(">", BOOL, array_gt, STRICT_SAME, "Behind.", "ARRAY[2] > ARRAY[1, 3]", "t"),
    ARRAY_2(">=", BOOL, array_ge, STRICT_SAME, "Behind or equal.", "ARRAY[2] >= ARRAY[3]", "f"),
    ARRAY_2("@>", BOOL, array_contains, STRICT_SAME, "Has every element of the other.",
            "ARRAY[1, 2, 3] @> ARRAY[3, 1]", "t"),
    ARRAY_2("<@", BOOL, array_contained, STRICT_SAME, "All its elements are in the other.",
            "ARRAY[1, 4] <@ ARRAY[1, 2, 3]", "f"),
    ARRAY_2("&&", BOOL, array_overlaps, STRICT_SAME, "They have an element in common.",
            "ARRAY[1, 4] && ARRAY[4, 5]", "t"),
    MR_ENTRY("ARRAY", 1, ANYARRAY, array_construct, COMPATIBLE | MR_FN_VARIADIC | MR_FN_FALLIBLE,
             "An array of the values.", "ARRAY[1, NULL, 3]", "{1,NULL,3}", MR_TYPE_UNKNOWN),
    ARRAY_2("||", ANYARRAY, array_cat, COMPATIBLE | FALLIBLE, "One array behind the other.",
            "ARRAY[1, 2] || ARRAY[3]", "{1,2,3}"),
    ARRAY_ELEMENT("||", ANYARRAY, array_append, COMPATIBLE | FALLIBLE, "The value at the end.",
                  "ARRAY[1, 2] || 3", "{1,2,3}"),
    ELEMENT_ARRAY("||", ANYARRAY, array_prepend, COMPATIBLE | FALLIBLE, "The value in front.",
                  "1 || ARRAY[2, 3]", "{1,2,3}"),
    ARRAY_2("array_cat", ANYARRAY, array_cat, COMPATIBLE | FALLIBLE, "One array behind the other.",
            "array_cat(ARRAY[1, 2], ARRAY[3])", "{1,2,3}"),
    ARRAY_ELEMENT("array_append", ANYARRAY, array_append, COMPATIBLE | FALLIBLE,
                  "The value at the end.", "array_append(ARRAY[1, 2], 3)", "{1,2,3}"),
    ELEMENT_ARRAY("array_prepend", ANYARRAY, array_prepend, COMPATIBLE | FALLIBLE,
                  "The value in front.", "array_prepend(1, ARRAY[2, 3])", "{1,2,3}"),
    ARRAY_ELEMENT("array_remove", ANYARRAY, array_remove, COMPATIBLE | FALLIBLE,
                  "Without the elements equal to the value (NULLs too).",
                  "array_remove(ARRAY[1, 2, 1], 1)", "{2}"),
    MR_ENTRY("array_replace", 3, ANYARRAY, array_replace, COMPATIBLE,
             "Each element equal to the second argument becomes the third.",
             "array_replace(ARRAY[1, 2, 1], 1, 7)", "{7,2,7}", MR_TYPE_ANYARRAY, MR_TYPE_UNKNOWN,
             MR_TYPE_UNKNOWN),
    ARRAY_ELEMENT("array_position", INT32, array_position, COMPATIBLE | FALLIBLE,
                  "Subscript of the first such element; NULL: none.",
                  "array_position(ARRAY['a', 'b', 'a'], 'b')", "2"),
    MR_ENTRY("array_position", 3, INT32, array_position, COMPATIBLE | FALLIBLE,
             "The same from a subscript on.", "array_position(ARRAY['a', 'b', 'a'], 'a', 2)", "3",
             MR_TYPE_ANYARRAY, MR_TYPE_UNKNOWN, MR_TYPE_INT32),
    ARRAY_ELEMENT("array_positions", INT32_ARRAY, array_positions, COMPATIBLE | FALLIBLE,
                  "Subscripts of all such elements.", "array_positions(ARRAY['a', 'b', 'a'], 'a')",
                  "{1,3}"),
    MR_ENTRY("width_bucket", 2, INT32, array_width_bucket, MR_FN_STRICT | COMPATIBLE | FALLIBLE,
             "Number of thresholds, in ascending order, that the value has reached.",
             "width_bucket(5, ARRAY[1, 5, 10])", "2", MR_TYPE_UNKNOWN, MR_TYPE_ANYARRAY),
    MR_ENTRY("trim_array", 2, ANYARRAY, array_trim, STRICT_SAME | FALLIBLE,
             "Without the last n elements.", "trim_array(ARRAY[1, 2, 3], 2)", "{1}",
             MR_TYPE_ANYARRAY, MR_TYPE_INT32),
};
MR_FAMILY_COUNT(array);
