/*
 * server/text_table.c - small answers of text columns: EXPLAIN, SHOW, DESCRIBE.
 */
#include <stdlib.h>

#include "server/statement.h"

MrStatus mr_text_schema(MrArena *arena, const char *const *names, uint32_t count,
                        const MrSchema **out, MrError *err)
{
    MrSchema *schema;
    MrColumn *columns;
    MR_NEW(arena, schema, err);
    MR_NEW_ARRAY(arena, columns, count, err);
    for (uint32_t c = 0; c < count; c++) {
        columns[c] = (MrColumn){ .name = names[c], .type = mr_type(MR_TYPE_TEXT) };
    }
    *schema = (MrSchema){ .column_count = count, .columns = columns };
    *out = schema;
    return MR_OK;
}

MrStatus mr_text_table_create(MrTextTable *table, const MrSchema *schema, MrError *err)
{
    *table = (MrTextTable){ .result = calloc(1, sizeof *table->result) };
    if (table->result == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&table->result->arena, 0);
    table->result->schema = *schema; /* in the statement's memory, which lives longer */
    return MR_OK;
}

void mr_text_table_destroy(MrTextTable *table)
{
    mr_result_destroy(table->result);
    free(table->rows);
    free(table->nulls);
    *table = (MrTextTable){ 0 };
}

static MrStatus grow(MrTextTable *table, uint32_t width, MrError *err)
{
    uint32_t room = table->row_room == 0 ? 16 : table->row_room * 2;
    MrText *rows = realloc(table->rows, (size_t)room * width * sizeof *rows);
    if (rows != NULL) {
        table->rows = rows;
    }
    bool *nulls = realloc(table->nulls, (size_t)room * width * sizeof *nulls);
    if (nulls != NULL) {
        table->nulls = nulls;
    }
    if (rows == NULL || nulls == NULL) {
        return mr_error_no_memory(err);
    }
    table->row_room = room;
    return MR_OK;
}

MrStatus mr_text_table_add(MrTextTable *table, const char *const *cells, MrError *err)
{
    uint32_t width = table->result->schema.column_count;
    if (table->row_count == table->row_room) {
        MR_TRY(grow(table, width, err));
    }
    for (uint32_t c = 0; c < width; c++) {
        size_t at = (size_t)table->row_count * width + c;
        const char *text = cells[c] == NULL ? "" : mr_arena_strdup(&table->result->arena, cells[c]);
        if (text == NULL) {
            return mr_error_no_memory(err);
        }
        table->rows[at] = mr_text_make(text, (uint32_t)strlen(text));
        table->nulls[at] = cells[c] == NULL;
    }
    table->row_count++;
    return MR_OK;
}

MrStatus mr_text_table_add_lines(MrTextTable *table, const char *text, MrError *err)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        const char *line = mr_arena_strndup(&table->result->arena, text, length);
        if (line == NULL) {
            return mr_error_no_memory(err);
        }
        MR_TRY(mr_text_table_add(table, &line, err));
        text += length + (text[length] == '\n');
    }
    return MR_OK;
}

MrStatus mr_text_table_finish(MrTextTable *table, MrResult **out, MrError *err)
{
    MrResult *result = table->result;
    uint32_t width = result->schema.column_count;
    MrBlock *block;
    MR_TRY(mr_block_create(&result->arena, &result->schema, table->row_count, &block, err));
    for (uint32_t c = 0; c < width; c++) {
        MrVector *vector = &block->columns[c];
        MR_TRY(mr_vector_make_nullable(vector, &result->arena, err));
        for (uint32_t r = 0; r < table->row_count; r++) {
            size_t at = (size_t)r * width + c;
            ((MrText *)vector->data)[r] = table->rows[at];
            if (table->nulls[at]) {
                mr_bitmap_clear(vector->validity, r);
            }
        }
    }
    const MrBlock **blocks;
    MR_NEW_ARRAY(&result->arena, blocks, 1, err);
    blocks[0] = block;
    result->blocks = blocks;
    result->block_count = 1;
    result->row_count = table->row_count;
    *out = result;
    table->result = NULL;
    mr_text_table_destroy(table);
    return MR_OK;
}
