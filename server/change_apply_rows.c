/*
 * server/change_apply_rows.c - a row that a statement makes: what it must be, how it goes into the
 * table, and what is noted of it for RETURNING.
 */
#include "server/change_apply.h"

#include "common/grow.h"
#include "storage/row_text.h"

MrStatus mr_apply_add_place(Apply *apply, Places *places, uint32_t place)
{
    MR_GROW(places->items, places->count, places->capacity, apply->err);
    places->items[places->count++] = place;
    return MR_OK;
}

MrStatus mr_apply_note_changed(Apply *apply, uint32_t place)
{
    apply->change->count++;
    return apply->change->plan->returning == NULL
               ? MR_OK
               : mr_apply_add_place(apply, &apply->changed, place);
}

MrStatus mr_apply_note_cause(Apply *apply, uint32_t block, uint32_t row)
{
    if (apply->change->plan->beside_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_apply_add_place(apply, &apply->blocks, block));
    return mr_apply_add_place(apply, &apply->rows, row);
}

MrStatus mr_apply_do_effects(Apply *apply, const MrResult *result)
{
    return apply->change->is_done ? MR_OK
                                  : mr_session_do_effects(apply->session, result, apply->err);
}

MrStatus mr_apply_gather_cells(Apply *apply, const uint32_t *blocks, const uint32_t *rows,
                               uint32_t count, uint32_t column, MrVector *out)
{
    const MrBlock *const *all = apply->change->rows->blocks;
    MrType type = all[blocks[0]]->columns[column].type;
    size_t width = mr_type_info(type.id)->width;
    MR_TRY(mr_vector_init(out, &apply->arena, type, count, apply->err));
    for (uint32_t i = 0; i < count; i++) {
        const MrVector *from = &all[blocks[i]]->columns[column];
        memcpy((char *)out->data + i * width, mr_vector_cell(from, rows[i]), width);
        if (mr_vector_is_null(from, rows[i])) {
            MR_TRY(mr_vector_make_nullable(out, &apply->arena, apply->err));
            mr_bitmap_clear(out->validity, i);
        }
    }
    return MR_OK;
}

/* ---- what a row must be ---------------------------------------------------------------------- */

static void tell_key(const Apply *apply, const uint32_t *columns, uint32_t count,
                     const MrBlock *block, uint32_t row)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_row_key_text(&apply->target->stream->schema, columns, count, block, row,
                    apply->session->zone, &text);
    mr_error_detail(apply->err, "%s already exists.", mr_builder_text(&text));
    mr_builder_fini(&text);
}

static MrStatus key_violation(const Apply *apply, const MrBlock *block, uint32_t row)
{
    const MrTableDef *def = apply->target->table;
    mr_error_set(apply->err, MR_ERR_UNIQUE_VIOLATION,
                 "duplicate key value violates unique constraint \"%s\"", def->key_name);
    tell_key(apply, def->keys, def->key_count, block, row);
    return mr_error_about(apply->err, apply->target->schema_name, apply->target->name, NULL,
                          def->key_name);
}

/* By an index that may be younger than the statement's plan. */
static MrStatus twin_violation(const Apply *apply, const MrBlock *block, uint32_t row, uint32_t oid)
{
    const MrCatalog *catalog = apply->session->server->catalog;
    const MrRelation *target = mr_catalog_find(catalog, "public", apply->target->name);
    const MrIndexDef *index = NULL;
    uint32_t columns[MR_INDEX_COLUMNS_MAX];
    for (uint32_t i = 0; target != NULL && i < target->index_count; i++) {
        index = target->indexes[i].oid == oid ? &target->indexes[i] : index;
    }
    mr_error_set(apply->err, MR_ERR_UNIQUE_VIOLATION,
                 "duplicate key value violates unique constraint \"%s\"",
                 index == NULL ? "" : index->name);
    for (uint32_t c = 0; index != NULL && c < index->column_count; c++) {
        columns[c] = (uint32_t)index->columns[c].column;
    }
    if (index != NULL) {
        tell_key(apply, columns, index->column_count, block, row);
    }
    return mr_error_about(apply->err, apply->target->schema_name, apply->target->name, NULL,
                          index == NULL ? NULL : index->name);
}

uint32_t mr_apply_find_by_key(const Apply *apply, const MrBlock *block, uint32_t row)
{
    return apply->target->table->number_column >= 0 ? MR_TABLE_NO_ROW
                                                    : mr_table_find(apply->table, block, row);
}

MrStatus mr_apply_insert_row(Apply *apply, const MrBlock *block, uint32_t row, uint32_t replaces)
{
    uint32_t place, index;
    if (mr_apply_find_by_key(apply, block, row) != MR_TABLE_NO_ROW) {
        return key_violation(apply, block, row);
    }
    if (mr_table_find_twin(apply->table, block, row, &index) != MR_TABLE_NO_ROW) {
        return twin_violation(apply, block, row, index);
    }
    MR_TRY(mr_table_insert(apply->table, block, row, replaces, &place, apply->err));
    return mr_apply_note_changed(apply, place);
}

uint32_t mr_apply_place_at(const MrBlock *block, uint32_t row)
{
    return (uint32_t) * (const int64_t *)mr_vector_cell(&block->columns[0], row);
}

MrBlock mr_apply_behind_first(const MrBlock *block)
{
    MrBlock rest = *block;
    rest.columns++;
    rest.column_count--;
    return rest;
}

bool mr_apply_reads_more(const MrPlan *plan)
{
    return plan != NULL && plan->scan_count > 1;
}

MrStatus mr_apply_keep_rows(Apply *apply, const MrBlock *block)
{
    MrChange *change = apply->change;
    if (change->own_rows == NULL) {
        MR_TRY(mr_result_create(&apply->target->stream->schema, &change->own_rows, apply->err));
    }
    return mr_result_add(change->own_rows, block, apply->err);
}

void mr_apply_ask_over(Apply *apply, const MrPlan *plan, MrResult **answer)
{
    apply->change->asked = plan;
    apply->change->answer = answer;
    apply->left = 0;
}

bool mr_apply_next_row(Apply *apply, bool *is_through)
{
    const MrResult *rows = apply->change->rows;
    while (apply->block < rows->block_count &&
           apply->row == rows->blocks[apply->block]->row_count) {
        apply->block++;
        apply->row = 0;
    }
    *is_through = apply->block == rows->block_count;
    if (*is_through || apply->left == 0) {
        return false;
    }
    apply->left--;
    return true;
}

MrStatus mr_apply_check_blocks(Apply *apply, const MrResult *rows, bool *is_through)
{
    for (; apply->block < rows->block_count && apply->left > 0; apply->block++) {
        MrBlock block = mr_apply_behind_first(rows->blocks[apply->block]);
        MR_TRY(mr_row_checks_all(apply->checks, &block, apply->err));
        apply->left -= block.row_count < apply->left ? block.row_count : apply->left;
    }
    *is_through = apply->block == rows->block_count;
    return MR_OK;
}
