/*
 * engine/functions/array_cells.c - arrays as vectors of elements, and arrays made of cells.
 */
#include "engine/functions/array_cells.h"

static bool row_is_null(const MrVector *arrays, const uint64_t *validity, uint32_t row)
{
    return mr_vector_is_null(arrays, row) || (validity != NULL && !mr_bitmap_get(validity, row));
}

static MrStatus elements_count(MrEval *eval, const MrVector *arrays, const uint64_t *validity,
                               uint32_t rows, MrElements *out)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < rows; i++) {
        MrArray array;
        out->firsts[i] = (uint32_t)total;
        if (!row_is_null(arrays, validity, i)) {
            mr_arg_array_open(arrays, i, &array);
            total += array.count;
        }
        if (total > INT32_MAX) {
            return mr_array_too_large(eval->err);
        }
    }
    out->firsts[rows] = (uint32_t)total;
    return MR_OK;
}

MrStatus mr_elements_flatten(MrEval *eval, const MrVector *arrays, const uint64_t *validity,
                             uint32_t rows, MrElements *out)
{
    *out = (MrElements){ 0 };
    MrTypeId element = mr_type_element(arrays->type.id);
    size_t width = mr_type_info(element)->width;
    MR_NEW_ARRAY(eval->arena, out->firsts, (size_t)rows + 1, eval->err);
    MR_TRY(elements_count(eval, arrays, validity, rows, out));
    uint32_t total = out->firsts[rows];
    MR_NEW_ARRAY(eval->arena, out->rows, (size_t)total + 1, eval->err);
    MR_TRY(mr_vector_init(&out->values, eval->arena, mr_type(element), total, eval->err));
    mr_kernel_clear(&out->values, total);
    for (uint32_t i = 0; i < rows; i++) {
        MrArray array;
        uint32_t first = out->firsts[i];
        if (out->firsts[i + 1] == first) {
            continue;
        }
        mr_arg_array_open(arrays, i, &array);
        for (uint32_t k = 0; k < array.count; k++) {
            out->rows[first + k] = i;
            if (mr_array_is_null(&array, k)) {
                MR_TRY(mr_kernel_set_null(eval, &out->values, first + k));
            } else {
                mr_array_get(&array, k, (char *)out->values.data + (first + k) * width);
            }
        }
    }
    return MR_OK;
}

MrStatus mr_elements_eval(const MrEval *eval, const MrElements *elements, MrEval *out)
{
    *out = *eval;
    out->block = NULL;
    out->origin = elements->rows;
    uint32_t count = elements->values.row_count;
    if (eval->origin != NULL) {
        uint32_t *origin;
        MR_NEW_ARRAY(eval->arena, origin, (size_t)count + 1, eval->err);
        for (uint32_t i = 0; i < count; i++) {
            origin[i] = eval->origin[elements->rows[i]];
        }
        out->origin = origin;
    }
    return MR_OK;
}

MrStatus mr_array_of_vector(MrArena *arena, const MrVector *values, uint32_t first,
                            const MrArrayShape *shape, MrText *out, MrError *err)
{
    MrArrayBuild build;
    mr_array_build_init(&build, arena, values->type.id);
    int64_t count = mr_array_shape_count(shape);
    for (int64_t i = 0; i < count; i++) {
        uint32_t row = first + (uint32_t)i;
        MR_TRY(mr_array_build_add(
            &build, mr_vector_is_null(values, row) ? NULL : mr_vector_cell(values, row), err));
    }
    return mr_array_build_take(&build, shape, out, err);
}

void mr_array_build_init(MrArrayBuild *build, MrArena *arena, MrTypeId element)
{
    *build =
        (MrArrayBuild){ .arena = arena, .element = element, .width = mr_type_info(element)->width };
}

static MrStatus build_grow(MrArrayBuild *build, MrError *err)
{
    if (build->count >= MR_ARRAY_ELEMENTS_MAX) {
        return mr_array_too_large(err);
    }
    uint32_t capacity = build->capacity == 0 ? 64 : build->capacity * 2;
    char *cells = mr_arena_alloc_aligned(build->arena, (size_t)capacity * build->width);
    uint64_t *nulls = mr_arena_calloc(build->arena, capacity / 64, sizeof *nulls);
    if (cells == NULL || nulls == NULL) {
        return mr_error_no_memory(err);
    }
    if (build->count > 0) {
        memcpy(cells, build->cells, (size_t)build->count * build->width);
        memcpy(nulls, build->nulls, build->capacity / 64 * sizeof *nulls);
    }
    build->cells = cells;
    build->nulls = nulls;
    build->capacity = capacity;
    return MR_OK;
}

MrStatus mr_array_build_add(MrArrayBuild *build, const void *cell, MrError *err)
{
    if (build->count == build->capacity) {
        MR_TRY(build_grow(build, err));
    }
    char *at = build->cells + (size_t)build->count * build->width;
    uint64_t bit = UINT64_C(1) << (build->count % 64);
    if (cell == NULL) {
        memset(at, 0, build->width);
        build->nulls[build->count / 64] |= bit;
    } else {
        memcpy(at, cell, build->width);
        build->nulls[build->count / 64] &= ~bit;
    }
    build->count++;
    return MR_OK;
}

MrStatus mr_array_build_add_all(MrArrayBuild *build, const MrArray *array, MrError *err)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    for (uint32_t i = 0; i < array->count; i++) {
        bool is_null = mr_array_is_null(array, i);
        if (!is_null) {
            mr_array_get(array, i, cell);
        }
        MR_TRY(mr_array_build_add(build, is_null ? NULL : cell, err));
    }
    return MR_OK;
}

MrStatus mr_array_build_take(MrArrayBuild *build, const MrArrayShape *shape, MrText *out,
                             MrError *err)
{
    MrArrayShape list = mr_array_list(build->count);
    build->count = 0;
    return mr_array_make(build->arena, build->element, shape != NULL ? shape : &list, build->cells,
                         build->nulls, out, err);
}
