/*
 * tests/fuzz/fuzz_block.c - a stored block that is damaged is refused, or reads as some block: no
 * byte outside of it is touched.  The input is the stored form; one of a good block is the seed.
 */
#include "storage/block.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const MrColumn columns[] = {
    { "n", { MR_TYPE_INT64, -1 }, false, NULL },   { "t", { MR_TYPE_TEXT, -1 }, false, NULL },
    { "b", { MR_TYPE_BOOL, -1 }, false, NULL },    { "d", { MR_TYPE_NUMERIC, -1 }, false, NULL },
    { "j", { MR_TYPE_JSONB, -1 }, false, NULL },   { "u", { MR_TYPE_UUID, -1 }, false, NULL },
    { "f", { MR_TYPE_FLOAT32, -1 }, false, NULL }, { "s", { MR_TYPE_INT16, -1 }, false, NULL },
};
static const MrSchema schema = { sizeof columns / sizeof columns[0], columns };

/* Reads every value, and writes the block again. */
static void block_use(const MrBlock *block)
{
    MrBuilder text;
    uint64_t hash = 0;
    mr_builder_init(&text, 1 << 20);
    /* Constant columns make row_count a mere number: a part of it is enough. */
    uint32_t rows = block->row_count < 4096 ? block->row_count : 4096;
    for (uint32_t i = 0; i < block->column_count; i++) {
        const MrVector *vector = &block->columns[i];
        for (uint32_t row = 0; row < rows; row++) {
            if (!mr_vector_is_null(vector, row)) {
                hash ^= mr_cell_hash(vector->type.id, mr_vector_cell(vector, row));
                mr_cell_format(vector->type.id, mr_vector_cell(vector, row), NULL, &text);
            }
        }
        hash += mr_vector_null_count(vector);
    }
    mr_builder_append_u64(&text, hash);
    mr_builder_fini(&text);
    size_t bytes = mr_block_encoded_bytes(block);
    void *form = bytes < (64 << 20) ? aligned_alloc(64, bytes) : NULL;
    if (form != NULL) {
        mr_block_encode(block, form);
    }
    free(form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MrArena arena;
    MrBlock *block;
    MrError err = MR_ERROR_INIT;
    /* Exactly `size` bytes, so that reading past them shows. */
    void *form = malloc(size > 0 ? size : 1);
    if (form == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(form, data, size);
    }
    mr_arena_init(&arena, 64 << 20);
    if (mr_block_decode(&arena, &schema, form, size, &block, &err) == MR_OK) {
        block_use(block);
    }
    mr_arena_fini(&arena);
    free(form);
    return 0;
}
