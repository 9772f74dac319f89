/*
 * engine/keyed_rows_state.c - kept rows in a checkpoint: their count, then blocks of at most
 * BLOCK_ROWS, each followed by hashes, counts and weights of its rows.
 */
#include "engine/keyed_rows.h"

enum { BLOCK_ROWS = 1024 };

static MrStatus rows_block(const MrKeyedRows *store, const uint32_t *rows, uint32_t count,
                           MrArena *arena, MrBlock *out, MrError *err)
{
    *out = (MrBlock){ .row_count = count, .column_count = store->schema->column_count };
    MR_NEW_ARRAY(arena, out->columns, out->column_count + 1, err);
    for (uint32_t c = 0; c < out->column_count; c++) {
        MR_TRY(mr_keyed_rows_column(store, c, rows, count, arena, &out->columns[c], err));
    }
    return MR_OK;
}

static MrStatus write_rows(const MrKeyedRows *store, const uint32_t *rows, uint32_t count,
                           MrArena *arena, MrStateWriter *writer, MrError *err)
{
    MrBlock block;
    MR_TRY(rows_block(store, rows, count, arena, &block, err));
    size_t bytes = mr_block_encoded_bytes(&block);
    void *encoded = mr_arena_alloc_aligned(arena, bytes);
    if (encoded == NULL) {
        return mr_error_no_memory(err);
    }
    mr_block_encode(&block, encoded);
    mr_state_write_bytes(writer, encoded, bytes);
    for (uint32_t i = 0; i < count; i++) {
        const MrKeyedRow *row = mr_keyed_row(store, rows[i]);
        mr_state_write_u64(writer, row->hash);
        mr_state_write_u64(writer, row->content);
        mr_state_write_u64(writer, (uint64_t)row->count);
        mr_state_write_u32(writer, (uint32_t)row->weight);
    }
    return MR_OK;
}

MrStatus mr_keyed_rows_snapshot(const MrKeyedRows *store, MrStateWriter *writer, MrError *err)
{
    uint32_t rows[BLOCK_ROWS], count = 0;
    MrArena arena;
    MrStatus status = MR_OK;
    mr_arena_init(&arena, 0);
    mr_state_write_u64(writer, store->row_count);
    for (uint32_t row = mr_keyed_rows_next(store, 0); row != MR_NO_KEYED_ROW && status == MR_OK;) {
        rows[count++] = row;
        row = mr_keyed_rows_next(store, row + 1);
        if (count == BLOCK_ROWS || row == MR_NO_KEYED_ROW) {
            mr_arena_reset(&arena);
            status = write_rows(store, rows, count, &arena, writer, err);
            count = 0;
        }
    }
    mr_arena_fini(&arena);
    return status;
}

static MrStatus read_rows(MrKeyedRows *store, uint32_t count, MrArena *arena, MrStateReader *reader,
                          MrError *err)
{
    const char *data;
    size_t length;
    MrBlock *block;
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    char *aligned = mr_arena_alloc_aligned(arena, length + 1);
    if (aligned == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(aligned, data, length);
    MR_TRY(mr_block_decode(arena, store->schema, aligned, length, &block, err));
    if (block->row_count != count) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint has %u rows, where %u were told",
                            block->row_count, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash, content, own;
        uint32_t weight, row;
        MR_TRY(mr_state_read_u64(reader, &hash, err));
        MR_TRY(mr_state_read_u64(reader, &content, err));
        MR_TRY(mr_state_read_u64(reader, &own, err));
        MR_TRY(mr_state_read_u32(reader, &weight, err));
        MR_TRY(mr_keyed_rows_add(store, block, i, hash, content, (int32_t)weight, &row, err));
        mr_keyed_row(store, row)->count = (int64_t)own;
    }
    return MR_OK;
}

MrStatus mr_keyed_rows_restore(MrKeyedRows *store, MrStateReader *reader, MrError *err)
{
    uint64_t left;
    MrArena arena;
    MR_TRY(mr_state_read_u64(reader, &left, err));
    mr_arena_init(&arena, 0);
    MrStatus status = MR_OK;
    while (left > 0 && status == MR_OK) {
        uint32_t some = left < BLOCK_ROWS ? (uint32_t)left : BLOCK_ROWS;
        mr_arena_reset(&arena);
        status = read_rows(store, some, &arena, reader, err);
        left -= some;
    }
    mr_arena_fini(&arena);
    return status;
}
