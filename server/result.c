/*
 * server/result.c - see result.h.
 */
#include "server/result.h"

#include <stdlib.h>

MrResult *mr_result_hold(MrResult *result)
{
    if (result != NULL) {
        result->holders++;
    }
    return result;
}

void mr_result_destroy(MrResult *result)
{
    if (result != NULL && result->holders > 0) {
        result->holders--;
    } else if (result != NULL) {
        mr_arena_fini(&result->arena);
        mr_arena_fini(&result->rows);
        free(result);
    }
}

MrStatus mr_result_add(MrResult *result, const MrBlock *block, MrError *err)
{
    MrBlock *copy;
    MR_TRY(mr_block_copy(&result->arena, block, &copy, err));
    if ((result->block_count & (result->block_count - 1)) ==
        0) { /* room doubles at powers of two */
        const MrBlock **blocks;
        MR_NEW_ARRAY(&result->arena, blocks, result->block_count == 0 ? 1 : result->block_count * 2,
                     err);
        if (result->block_count > 0) {
            memcpy(blocks, result->blocks, result->block_count * sizeof *blocks);
        }
        result->blocks = blocks;
    }
    result->blocks[result->block_count++] = copy;
    result->row_count += copy->row_count;
    return MR_OK;
}

MrStatus mr_result_create(const MrSchema *schema, MrResult **out, MrError *err)
{
    MrResult *result = calloc(1, sizeof *result);
    if (result == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&result->arena, 0);
    result->effects.arena = &result->arena;
    MrColumn *columns = mr_arena_calloc(&result->arena, schema->column_count + 1, sizeof *columns);
    if (columns == NULL) {
        mr_result_destroy(result);
        return mr_error_no_memory(err);
    }
    result->schema = (MrSchema){ .column_count = schema->column_count, .columns = columns };
    for (uint32_t c = 0; c < schema->column_count; c++) {
        columns[c] = schema->columns[c];
        columns[c].name = mr_arena_strdup(&result->arena, schema->columns[c].name);
        if (columns[c].name == NULL) {
            mr_result_destroy(result);
            return mr_error_no_memory(err);
        }
    }
    *out = result;
    return MR_OK;
}
