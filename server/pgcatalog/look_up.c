/*
 * server/pgcatalog/look_up.c - rows of a catalogue relation by a number or name: an index over one
 * column, made when it is first asked for, and kept as long as the version.
 */
#include "server/pgcatalog/version.h"

enum { ROWS_MAX = 64 * 1024 * 1024 };

typedef struct Place {
    uint32_t block, row;
    uint32_t next; /* place + 1 of the bucket; 0: the last */
} Place;

struct MrPgIndex {
    MrPgIndex *next;
    uint32_t column;
    Place *places;
    uint32_t *heads; /* place + 1 by hash; 0: none */
    uint32_t mask;
};

static uint32_t bucket_of(const MrPgIndex *index, MrTypeId type, const void *cell)
{
    return (uint32_t)mr_cell_hash(type, cell) & index->mask;
}

static uint32_t rows_of(const MrPgBlocks *made)
{
    uint64_t rows = 0;
    for (uint32_t b = 0; b < made->count; b++) {
        rows += made->blocks[b]->row_count;
    }
    return rows < ROWS_MAX ? (uint32_t)rows : 0;
}

/* From the last row to the first, so that a bucket has them in their order. */
static MrStatus index_make(MrPgCatalog *pg, const MrPgBlocks *made, uint32_t column,
                           MrPgIndex **out, MrError *err)
{
    const uint32_t rows = rows_of(made);
    uint32_t buckets = 16, count = 0;
    MrPgIndex *index;
    while (buckets < rows * 2) {
        buckets *= 2;
    }
    MR_NEW(&pg->arena, index, err);
    *index = (MrPgIndex){ .column = column, .mask = buckets - 1 };
    MR_NEW_ARRAY(&pg->arena, index->heads, buckets, err);
    MR_NEW_ARRAY(&pg->arena, index->places, rows + 1, err);
    for (uint32_t b = made->count; b-- > 0;) {
        const MrVector *vector = &made->blocks[b]->columns[column];
        for (uint32_t row = made->blocks[b]->row_count; row-- > 0;) {
            if (mr_vector_is_null(vector, row)) {
                continue; /* equal to nothing */
            }
            uint32_t *head =
                &index->heads[bucket_of(index, vector->type.id, mr_vector_cell(vector, row))];
            index->places[count] = (Place){ .block = b, .row = row, .next = *head };
            *head = ++count;
        }
    }
    *out = index;
    return MR_OK;
}

static MrStatus index_find(MrPgCatalog *pg, MrPgBlocks *made, uint32_t column, MrPgIndex **out,
                           MrError *err)
{
    MrPgIndex *index = made->indexes;
    while (index != NULL && index->column != column) {
        index = index->next;
    }
    if (index == NULL) {
        MR_TRY(index_make(pg, made, column, &index, err));
        index->next = made->indexes;
        made->indexes = index;
    }
    *out = index;
    return MR_OK;
}

/* One block for each that has some of the rows. */
static MrStatus gather(const MrPgBlocks *made, const MrPgIndex *index, uint32_t place,
                       MrArena *arena, const MrBlock **blocks, uint32_t *count, MrError *err)
{
    uint32_t *rows;
    MR_NEW_ARRAY(arena, rows, MR_VECTOR_ROWS, err);
    while (place != 0) {
        const uint32_t b = index->places[place - 1].block;
        uint32_t some = 0;
        MrBlock *block;
        for (; place != 0 && index->places[place - 1].block == b;
             place = index->places[place - 1].next) {
            rows[some++] = index->places[place - 1].row;
        }
        MR_TRY(mr_block_select(arena, made->blocks[b], rows, some, &block, err));
        blocks[(*count)++] = block;
    }
    return MR_OK;
}

MrStatus mr_pg_blocks_look_up(MrPgCatalog *pg, MrPgBlocks *made, uint32_t column,
                              const MrDatum *value, MrArena *arena, const MrBlock *const **blocks,
                              uint32_t *count, MrError *err)
{
    MrPgIndex *index;
    const MrBlock **found;
    union {
        uint64_t words[4];
        char bytes[32];
    } cell = { { 0 } };
    *count = 0;
    *blocks = NULL;
    if (made->count == 0) {
        return MR_OK;
    }
    MR_TRY(index_find(pg, made, column, &index, err));
    MR_NEW_ARRAY(arena, found, made->count, err);
    mr_datum_store(value, &cell);
    *blocks = found;
    return gather(made, index, index->heads[bucket_of(index, value->type.id, &cell)], arena, found,
                  count, err);
}
