/*
 * planner/result_key_scan.c - what tells the rows of a relation apart.  Must not know operators.
 */
#include "planner/result_key.h"

#include <string.h>

/* A projection of all columns of *place and one more, without a name. */
static MrStatus add_column(MrBinder *b, MrLogical **place, MrExpr *expr, uint32_t *column)
{
    *column = (*place)->column_count;
    return mr_logical_extend(b->arena, *place, &expr, 1, place, b->err);
}

/* Rows of a stream are told apart by their place in the log. */
static MrStatus stream_key(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    MrExpr *sequence;
    MR_TRY(mr_result_key_init(b, 1, key));
    MR_TRY(
        mr_expr_new(b->arena, MR_EXPR_SEQUENCE, mr_type(MR_TYPE_INT64), -1, 0, &sequence, b->err));
    key->count = 1;
    return add_column(b, place, sequence, &key->columns[0]);
}

/* Rows of VALUES get a number. */
static MrStatus values_key(MrBinder *b, MrLogical *node, MrResultKey *key)
{
    const MrBlock *values = node->values;
    uint32_t count = node->column_count;
    MrBlock *numbered;
    MrLogicalColumn *columns;
    uint32_t *scanned;
    MR_TRY(mr_result_key_init(b, 1, key));
    if (values->row_count <= 1) {
        return MR_OK;
    }
    MR_NEW(b->arena, numbered, b->err);
    MR_NEW_ARRAY(b->arena, numbered->columns, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, columns, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, scanned, count + 1, b->err);
    numbered->row_count = values->row_count;
    numbered->column_count = count + 1;
    for (uint32_t i = 0; i < count; i++) {
        numbered->columns[i] = values->columns[node->scan_columns[i]];
        columns[i] = node->columns[i];
        scanned[i] = i;
    }
    MR_TRY(mr_vector_init(&numbered->columns[count], b->arena, mr_type(MR_TYPE_INT64),
                          values->row_count, b->err));
    for (uint32_t row = 0; row < values->row_count; row++) {
        ((int64_t *)numbered->columns[count].data)[row] = row;
    }
    columns[count] = (MrLogicalColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    scanned[count] = count;
    node->columns = columns;
    node->scan_columns = scanned;
    node->column_count = count + 1;
    node->values = numbered;
    key->columns[key->count++] = count;
    return MR_OK;
}

/* The columns of its PRIMARY KEY, or the number of a row. */
static MrStatus table_key(MrBinder *b, const MrLogical *node, MrResultKey *key)
{
    const MrTableDef *table = node->relation->table;
    MR_TRY(mr_result_key_init(b, table->key_count, key));
    for (uint32_t i = 0; i < table->key_count; i++) {
        uint32_t column = 0;
        while (node->scan_columns[column] != table->keys[i]) {
            column++;
        }
        key->columns[key->count++] = column;
    }
    return MR_OK;
}

/* A system view's rows have their number in a column behind those of the relation. */
static MrStatus virtual_key(MrBinder *b, MrLogical *node, MrResultKey *key)
{
    MrLogicalColumn *columns;
    uint32_t *scanned, count = node->column_count;
    MR_NEW_ARRAY(b->arena, columns, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, scanned, count + 1, b->err);
    memcpy(columns, node->columns, count * sizeof *columns);
    memcpy(scanned, node->scan_columns, count * sizeof *scanned);
    columns[count] = (MrLogicalColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    scanned[count] = node->relation->schema.column_count;
    node->columns = columns;
    node->scan_columns = scanned;
    node->column_count = count + 1;
    MR_TRY(mr_result_key_init(b, 1, key));
    key->columns[key->count++] = count;
    return MR_OK;
}

/* A result that is read at the prompt: its key, or all of the row where nobody sees the key. */
static MrStatus read_result_key(MrBinder *b, const MrLogical *node, MrResultKey *key)
{
    const MrStandingQuery *standing = node->relation->standing;
    MR_TRY(mr_result_key_init(b, node->column_count, key));
    for (uint32_t k = 0; k < standing->key_count; k++) {
        for (uint32_t c = 0; c < node->column_count; c++) {
            if (node->scan_columns[c] == standing->keys[k]) {
                key->columns[key->count++] = c;
            }
        }
    }
    if (key->count < standing->key_count || key->count == 0) {
        for (key->count = 0; key->count < node->column_count; key->count++) {
            key->columns[key->count] = key->count;
        }
    }
    return MR_OK;
}

MrStatus mr_result_key_scan(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    MrLogical *node = *place;
    if (node->scan == MR_SCAN_STREAM) {
        return stream_key(b, place, key);
    }
    if (node->scan == MR_SCAN_VALUES) {
        return values_key(b, node, key);
    }
    if (node->scan == MR_SCAN_TABLE) {
        return table_key(b, node, key);
    }
    if (node->scan == MR_SCAN_VIRTUAL && b->mode == MR_BIND_ADHOC) {
        return virtual_key(b, node, key);
    }
    if (node->scan == MR_SCAN_RESULT && b->mode == MR_BIND_ADHOC) {
        return read_result_key(b, node, key);
    }
    return mr_error_set(b->err, MR_ERR_INTERNAL, "a relation in a standing query has no key");
}
