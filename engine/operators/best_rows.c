/*
 * engine/operators/best_rows.c - see best_rows.h.
 */
#include "engine/operators/best_rows.h"

#include <stdlib.h>

#include "common/grow.h"
#include "engine/operators/aggregate.h"

/* Rows ahead at which those that will be compared are fetched. */
enum { LIMIT_MAX = 16, AHEAD = 8 };

/* A partition; all zero while it has no rows. */
typedef struct BestGroup {
    uint64_t beats; /* ~prefix of the last row once it is full: a row must reach it; else 0 */
    uint32_t count;
    uint32_t touched; /* first position that changed since the last flush + 1; 0: none */
    MrRow *rows[];    /* `limit` */
} BestGroup;

static BestGroup *group_at(const MrBestRows *best, uint32_t group)
{
    return (BestGroup *)(void *)mr_group_state(&best->table, group);
}

/* ---- Life -------------------------------------------------------------------------------- */

bool mr_best_rows_serve(const MrTopNSpec *spec)
{
    const MrOrderedSpec *ordered = &spec->ordered;
    return spec->by == MR_OVER_ROW_NUMBER && spec->limit >= 1 && spec->limit <= LIMIT_MAX &&
           ordered->emit == MR_EMIT_MODE_UPDATE && ordered->close_column < 0 &&
           !ordered->orders_by_event && !ordered->input_retracts;
}

MrStatus mr_best_rows_open(MrBestRows *best, MrOperator *op, MrError *err)
{
    const MrTopNSpec *spec = op->spec;
    const MrOrderedSpec *ordered = &spec->ordered;
    MrTypeId types[MR_KEYS_MAX];
    uint32_t state_bytes = (uint32_t)(sizeof(BestGroup) + spec->limit * sizeof(MrRow *));
    best->spec = spec;
    MR_TRY(mr_partition_key_types(ordered, op->input, types, err));
    MR_TRY(mr_key_layout_init(&best->layout, types, ordered->partition_count, err));
    mr_group_table_init(&best->table, &best->layout, state_bytes, op->memory);
    MrRowOrder order = mr_row_order_of(ordered);
    MR_TRY(mr_row_store_init(&best->store, op->arena, op->input, &op->node->schema,
                             op->input->column_count, &order, op->memory, err));
    best->op = op;
    best->candidate = mr_arena_calloc(op->arena, 1, best->store.row_bytes);
    return best->candidate == NULL ? mr_error_no_memory(err) : MR_OK;
}

void mr_best_rows_close(MrBestRows *best)
{
    if (best->op == NULL) {
        return;
    }
    free(best->dirty);
    mr_group_table_fini(&best->table);
    mr_row_store_fini(&best->store);
}

/* ---- Rows come --------------------------------------------------------------------------- */

/* One block on its way in.  A row that is taken has its cells later, with all others of the block,
 * as it may have to go again before: till then it is MR_ROW_EMPTY, and `group` is its number in the
 * block. */
typedef struct Taking {
    MrBestRows *best;
    const MrBlock *in;
    const uint64_t *prefixes;
    MrRowList taken, gone;
    uint32_t candidate; /* the row of the block that best->candidate shows */
    MrBatch *batch;
} Taking;

static MrStatus fill_row(Taking *taking, MrRow *row)
{
    MrBestRows *best = taking->best;
    uint32_t from = (uint32_t)row->group;
    mr_row_set_cells(&best->store, taking->in, &from, &row, 1);
    row->flags &= ~(uint32_t)MR_ROW_EMPTY;
    return mr_row_own_text(&best->store, row, taking->batch->err);
}

/* Prefixes are equal: by all there is. */
static MrStatus compare_whole(Taking *taking, uint32_t index, MrRow *row, bool *is_before)
{
    MrBestRows *best = taking->best;
    if (row->flags & MR_ROW_EMPTY) {
        MR_TRY(fill_row(taking, row));
    }
    if (taking->candidate != index) {
        taking->candidate = index;
        mr_row_set_cells(&best->store, taking->in, &index, &best->candidate, 1);
        best->candidate->prefix = taking->prefixes[index];
        best->candidate->arrival = best->store.arrivals + index;
    }
    *is_before = mr_row_compare(&best->store, best->candidate, row) < 0;
    return MR_OK;
}

/* The number of rows of the group that stand before the row, or before which it does not stand. */
static MrStatus find_place(Taking *taking, uint32_t index, const BestGroup *group, uint32_t *out)
{
    uint64_t prefix = taking->prefixes[index];
    uint32_t place = group->count;
    while (place > 0) {
        MrRow *row = group->rows[place - 1];
        bool is_before = prefix < row->prefix;
        if (prefix == row->prefix) {
            MR_TRY(compare_whole(taking, index, row, &is_before));
        }
        if (!is_before) {
            break;
        }
        place--;
    }
    *out = place;
    return MR_OK;
}

/* Memory for a row, of which one that leaves may give its own. */
static MrStatus make_row(Taking *taking, BestGroup *group, MrRow **out)
{
    MrBestRows *best = taking->best;
    MrError *err = taking->batch->err;
    MrRow *last = group->count < best->spec->limit ? NULL : group->rows[group->count - 1];
    if (last != NULL && !(last->flags & MR_ROW_EMITTED)) {
        if (last->flags & MR_ROW_EMPTY) {
            *out = last; /* is on the list of those taken */
            return MR_OK;
        }
        mr_row_drop_text(&best->store, last);
        *out = last;
        return mr_row_list_add(&taking->taken, last, taking->batch);
    }
    if (last != NULL) {
        MR_TRY(mr_row_list_add(&taking->gone, last, taking->batch));
    }
    MR_TRY(mr_row_new(&best->store, out, err));
    return mr_row_list_add(&taking->taken, *out, taking->batch);
}

static MrStatus touch(MrBestRows *best, uint32_t number, BestGroup *group, uint32_t place,
                      MrError *err)
{
    if (group->touched != 0) {
        group->touched = place + 1 < group->touched ? place + 1 : group->touched;
        return MR_OK;
    }
    MR_GROW(best->dirty, best->dirty_count, best->dirty_capacity, err);
    best->dirty[best->dirty_count++] = number;
    group->touched = place + 1;
    return MR_OK;
}

static MrStatus take_row(Taking *taking, uint32_t number, uint32_t index)
{
    MrBestRows *best = taking->best;
    BestGroup *group = group_at(best, number);
    uint32_t place, limit = (uint32_t)best->spec->limit;
    MrRow *row;
    MR_TRY(find_place(taking, index, group, &place));
    if (place == limit) {
        return MR_OK;
    }
    MR_TRY(make_row(taking, group, &row));
    row->prefix = taking->prefixes[index];
    row->arrival = best->store.arrivals + index;
    row->group = index;
    row->weight = 1;
    row->flags = MR_ROW_EMPTY;
    group->count += group->count < limit;
    memmove(&group->rows[place + 1], &group->rows[place],
            (group->count - 1 - place) * sizeof(MrRow *));
    group->rows[place] = row;
    group->beats = group->count < limit ? 0 : ~group->rows[limit - 1]->prefix;
    return touch(best, number, group, place, taking->batch->err);
}

static void fetch(const MrBestRows *best, uint32_t number)
{
    const BestGroup *group = group_at(best, number);
    if (group->count > 0) {
        __builtin_prefetch(group->rows[group->count - 1], 1);
    }
}

static MrStatus take_rows(Taking *taking, const uint32_t *groups)
{
    MrBestRows *best = taking->best;
    uint32_t count = taking->in->row_count;
    const int32_t *weights = taking->in->weights;
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            fetch(best, groups[i + AHEAD]);
        }
        int64_t copies = weights == NULL ? 1 : weights[i];
        copies = copies < (int64_t)best->spec->limit ? copies : (int64_t)best->spec->limit;
        for (; copies > 0 && ~taking->prefixes[i] >= group_at(best, groups[i])->beats; copies--) {
            MR_TRY(take_row(taking, groups[i], i));
        }
    }
    return MR_OK;
}

/* The cells of the rows that were taken and have stayed. */
static MrStatus fill_taken(Taking *taking)
{
    MrBestRows *best = taking->best;
    MrRow **rows = taking->taken.rows;
    uint32_t *from, count = 0;
    MR_NEW_ARRAY(taking->batch->arena, from, taking->taken.count + 1, taking->batch->err);
    for (uint32_t i = 0; i < taking->taken.count; i++) {
        if (rows[i]->flags & MR_ROW_EMPTY) {
            rows[i]->flags &= ~(uint32_t)MR_ROW_EMPTY;
            from[count] = (uint32_t)rows[i]->group;
            rows[count++] = rows[i];
        }
    }
    mr_row_set_cells(&best->store, taking->in, from, rows, count);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_row_own_text(&best->store, rows[i], taking->batch->err));
    }
    return MR_OK;
}

MrStatus mr_best_rows_push(MrBestRows *best, const MrBlock *in, MrBatch *batch)
{
    const MrOrderedSpec *ordered = &best->spec->ordered;
    const MrVector *columns[MR_KEYS_MAX];
    Taking taking = { .best = best, .in = in, .candidate = UINT32_MAX, .batch = batch };
    MrKeyBatch keys;
    uint32_t *groups;
    uint64_t *prefixes;
    for (uint32_t k = 0; k < ordered->partition_count; k++) {
        columns[k] = &in->columns[ordered->partition[k]];
    }
    MR_TRY(mr_key_batch_encode(&best->layout, batch->arena, columns, in->row_count, &keys,
                               batch->err));
    MR_NEW_ARRAY(batch->arena, groups, in->row_count + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, prefixes, in->row_count + 1, batch->err);
    MR_TRY(mr_group_table_insert(&best->table, &keys, NULL, in->row_count, groups, batch->err));
    mr_row_prefixes(&best->store, in, prefixes);
    taking.prefixes = prefixes;
    MR_TRY(take_rows(&taking, groups));
    MR_TRY(fill_taken(&taking));
    best->store.arrivals += in->row_count;
    MR_TRY(mr_row_send(best->op, &best->store, taking.gone.rows, taking.gone.count, -1, batch));
    for (uint32_t i = 0; i < taking.gone.count; i++) {
        mr_row_free(&best->store, taking.gone.rows[i]);
    }
    return MR_OK;
}

/* ---- Flush ------------------------------------------------------------------------------- */

static void show(const MrBestRows *best, MrRow *row, uint32_t place)
{
    row->flags |= MR_ROW_EMITTED;
    if (best->spec->shows_number) {
        *mr_row_number(&best->store, row) = (int64_t)place + 1;
    }
}

/* Rows of a group that are new, or have another number; `old`: those that stood there so. */
static MrStatus list_changed(const MrBestRows *best, BestGroup *group, MrRowList *old,
                             MrRowList *fresh, MrBatch *batch)
{
    uint64_t offset = best->spec->offset;
    uint32_t first = group->touched - 1;
    group->touched = 0;
    for (uint32_t at = offset > first ? (uint32_t)offset : first; at < group->count; at++) {
        MrRow *row = group->rows[at];
        bool is_shown = row->flags & MR_ROW_EMITTED;
        if (is_shown &&
            (!best->spec->shows_number || *mr_row_number(&best->store, row) == (int64_t)at + 1)) {
            continue;
        }
        if (is_shown) {
            MR_TRY(mr_row_list_add(old, row, batch));
        }
        row->group = at;
        MR_TRY(mr_row_list_add(fresh, row, batch));
    }
    return MR_OK;
}

MrStatus mr_best_rows_flush(MrBestRows *best, MrBatch *batch)
{
    MrRowList old = { .rows = NULL }, fresh = { .rows = NULL };
    for (uint32_t d = 0; d < best->dirty_count; d++) {
        MR_TRY(list_changed(best, group_at(best, best->dirty[d]), &old, &fresh, batch));
    }
    best->dirty_count = 0;
    /* Everything is taken back before anything new is sent: keys may move between rows. */
    MR_TRY(mr_row_send(best->op, &best->store, old.rows, old.count, -1, batch));
    for (uint32_t i = 0; i < fresh.count; i++) {
        show(best, fresh.rows[i], (uint32_t)fresh.rows[i]->group);
    }
    return mr_row_send(best->op, &best->store, fresh.rows, fresh.count, 1, batch);
}

/* ---- Checkpoint -------------------------------------------------------------------------- */

MrStatus mr_best_rows_snapshot(const MrBestRows *best, MrStateWriter *writer, MrError *err)
{
    mr_state_write_u64(writer, best->store.arrivals);
    mr_state_write_u32(writer, best->table.count);
    for (uint32_t g = 0; g < best->table.count; g++) {
        const BestGroup *group = group_at(best, g);
        mr_key_write(&best->table, g, writer);
        mr_state_write_u32(writer, group->count);
        for (uint32_t r = 0; r < group->count; r++) {
            mr_row_write(&best->store, group->rows[r], writer);
        }
    }
    return writer->out->failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus read_group(MrBestRows *best, MrStateReader *reader, MrError *err)
{
    char key[MR_KEY_BYTES_MAX];
    uint32_t nulls, number, count, limit = (uint32_t)best->spec->limit;
    MR_TRY(mr_key_read(&best->layout, reader, key, &nulls, err));
    MR_TRY(mr_group_table_insert_one(&best->table, key, nulls,
                                     mr_key_hash(&best->layout, key, nulls), &number, err));
    MR_TRY(mr_state_read_u32(reader, &count, err));
    BestGroup *group = group_at(best, number);
    if (count > limit || group->count > 0) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a partition that cannot be");
    }
    for (uint32_t r = 0; r < count; r++) {
        MR_TRY(mr_row_read(&best->store, reader, &group->rows[r], err));
        group->count++;
        if (r >= best->spec->offset) {
            show(best, group->rows[r], r);
        }
    }
    group->beats = count < limit ? 0 : ~group->rows[limit - 1]->prefix;
    return MR_OK;
}

MrStatus mr_best_rows_restore(MrBestRows *best, MrStateReader *reader, MrError *err)
{
    uint32_t count;
    MR_TRY(mr_state_read_u64(reader, &best->store.arrivals, err));
    MR_TRY(mr_state_read_u32(reader, &count, err));
    for (uint32_t g = 0; g < count; g++) {
        MR_TRY(read_group(best, reader, err));
    }
    return MR_OK;
}

void mr_best_rows_measure(const MrBestRows *best, MrOperatorMeasure *out)
{
    out->groups = best->store.live;
    out->state_bytes = mr_group_table_bytes(&best->table) + mr_row_store_bytes(&best->store);
    out->next_close_us = MR_TIME_MAX;
}
