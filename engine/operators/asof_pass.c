/*
 * engine/operators/asof_pass.c - what an as-of join shows: at the end of a batch, when W makes rows
 * final, at the end of all.  See asof.h.
 */
#include "engine/operators/asof.h"

/* ---- What shows ---------------------------------------------------------------------------- */

/* The right row of a range's left row: what was searched for, in turn, or what the times say. */
static const MrRow *next_match(const MrOperator *op, const MrAsofRange *range, uint32_t place,
                               const MrRow *const **found)
{
    return *found != NULL ? *(*found)++
                          : mr_asof_match(op, range->key, range->key->left[place].time_us);
}

static MrAsofRange dirty_rows(const MrOperator *op, MrAsofKey *key)
{
    return (MrAsofRange){ .key = key,
                          .first = mr_asof_left_place(op->state, key, key->dirty_from_us, NULL),
                          .end = key->left_count,
                          .rights = key->right_count };
}

/* Rows of a dirty key whose right row is not the one that they show with. */
static MrStatus settle(MrOperator *op, const MrAsofRange *range, const MrRow *const **found,
                       MrAsofPairs *before, MrAsofPairs *after, MrBatch *batch)
{
    MR_TRY(mr_asof_pairs_reserve(before, range->end - range->first, batch));
    MR_TRY(mr_asof_pairs_reserve(after, range->end - range->first, batch));
    for (uint32_t i = range->first; i < range->end; i++) {
        MrAsofLeft *entry = &range->key->left[i];
        const MrRow *match = next_match(op, range, i, found);
        if (match != entry->shown) {
            mr_asof_pairs_add(op, before, entry->row, entry->shown);
            mr_asof_pairs_add(op, after, entry->row, match);
            entry->shown = match;
        }
    }
    range->key->is_dirty = false;
    return MR_OK;
}

/* Looks for a later row by a condition: what it finds says when it is final. */
static bool finds_later(const MrAsofSpec *spec)
{
    return spec->is_later && !spec->right_stays && spec->condition != NULL;
}

/* The rows at the front that W makes final; of those that find theirs, the rows that may be so. */
static uint32_t final_rows(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us)
{
    uint32_t count = 0;
    if (finds_later(op->spec)) {
        return mr_asof_passed_lefts(op, key, watermark_us);
    }
    while (count < key->left_count && mr_asof_is_final(op, key, count, watermark_us)) {
        count++;
    }
    return count;
}

/* Those rows of the range that are final at W, which is so of all but where they find theirs. */
static MrStatus show_final(MrOperator *op, const MrAsofRange *range, const MrRow *const **found,
                           int64_t watermark_us, MrAsofPairs *after, MrBatch *batch)
{
    const bool finds = finds_later(op->spec);
    MR_TRY(mr_asof_pairs_reserve(after, range->end - range->first, batch));
    for (uint32_t i = range->first; i < range->end; i++) {
        MrAsofLeft *left = &range->key->left[i];
        left->shown = next_match(op, range, i, found);
        if (!finds || mr_asof_is_final(op, range->key, i, watermark_us)) {
            mr_asof_pairs_add(op, after, left->row, left->shown);
        }
    }
    return MR_OK;
}

/* Rows that W has made final, and that show. */
static void drop_final(MrOperator *op, MrAsofKey *key, int64_t watermark_us)
{
    MrAsofState *state = op->state;
    const uint32_t count = final_rows(op, key, watermark_us);
    const bool finds = finds_later(op->spec);
    uint32_t stay = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!finds || mr_asof_is_final(op, key, i, watermark_us)) {
            mr_row_free(&state->left, key->left[i].row);
        } else {
            key->left[stay++] = key->left[i];
        }
    }
    mr_asof_left_remove(op, key, stay, count - stay);
}

enum { KEYS_AT_ONCE = 1024 };

/* Left rows of due keys that show now. */
static uint32_t take_due_rows(MrOperator *op, int64_t watermark_us, MrAsofRange *ranges)
{
    const MrAsofSpec *spec = op->spec;
    uint32_t count = 0;
    MrAsofKey *key;
    while (count < KEYS_AT_ONCE && (key = mr_asof_take_due(op->state, watermark_us)) != NULL) {
        MrAsofRange *range = &ranges[count++];
        *range = (MrAsofRange){ .key = key };
        if (spec->is_final) {
            range->end = final_rows(op, key, watermark_us);
            range->rights =
                finds_later(spec) ? mr_asof_passed_rights(op, key, watermark_us) : key->right_count;
        } else if (key->is_dirty) {
            *range = dirty_rows(op, key);
        }
    }
    return count;
}

/* Some of the keys with rows that have become final: shown, sent, freed. */
static MrStatus pass_some(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofPairs before = { 0 }, after = { 0 };
    MrAsofRange ranges[KEYS_AT_ONCE];
    const MrRow *const *found;
    uint32_t count = take_due_rows(op, watermark_us, ranges);
    MR_TRY(mr_asof_search(op, ranges, count, batch, &found));
    for (uint32_t k = 0; k < count; k++) {
        MrAsofKey *key = ranges[k].key;
        if (spec->is_final) {
            MR_TRY(show_final(op, &ranges[k], &found, watermark_us, &after, batch));
        } else if (key->is_dirty) {
            MR_TRY(settle(op, &ranges[k], &found, &before, &after, batch));
            key->is_dirty = true; /* it stands in the list until the flush */
            key->dirty_from_us = MR_TIME_MAX;
        }
    }
    MR_TRY(mr_asof_send(op, &before, -1, batch));
    MR_TRY(mr_asof_send(op, &after, 1, batch));
    for (uint32_t k = 0; k < count; k++) {
        MrAsofKey *key = ranges[k].key;
        drop_final(op, key, watermark_us);
        MR_TRY(mr_asof_trim(op, key, watermark_us, batch->err));
    }
    return MR_OK;
}

/* A key that was passed is due again at a later W, if at all. */
MrStatus mr_asof_pass(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrAsofState *state = op->state;
    while (state->due.count > 0 && mr_due_heap_first_us(&state->due) <= watermark_us) {
        MR_TRY(pass_some(op, watermark_us, batch));
    }
    return MR_OK;
}

/* ---- The end of a batch, or of all ----------------------------------------------------------- */

static MrStatus show_some(MrOperator *op, const MrAsofRange *ranges, uint32_t count, MrBatch *batch)
{
    MrAsofPairs after = { 0 };
    const MrRow *const *found;
    MR_TRY(mr_asof_search(op, ranges, count, batch, &found));
    for (uint32_t k = 0; k < count; k++) {
        MR_TRY(show_final(op, &ranges[k], &found, MR_TIME_MAX, &after, batch));
    }
    return mr_asof_send(op, &after, 1, batch);
}

/* Ad hoc: nothing follows, all rows are final. */
MrStatus mr_asof_show_rest(MrOperator *op, MrBatch *batch)
{
    MrAsofState *state = op->state;
    MrAsofRange ranges[KEYS_AT_ONCE];
    uint32_t count = 0, rows = 0;
    for (uint32_t g = 0; g < state->table.count; g++) {
        MrAsofKey *key = mr_asof_key_at(state, g);
        if (key == NULL) {
            continue;
        }
        ranges[count++] =
            (MrAsofRange){ .key = key, .end = key->left_count, .rights = key->right_count };
        rows += key->left_count;
        if (count == KEYS_AT_ONCE || rows >= MR_VECTOR_ROWS) {
            MR_TRY(show_some(op, ranges, count, batch));
            count = rows = 0;
        }
    }
    return count == 0 ? MR_OK : show_some(op, ranges, count, batch);
}

MrStatus mr_asof_settle(MrOperator *op, MrBatch *batch)
{
    const MrAsofState *state = op->state;
    MrAsofPairs before = { 0 }, after = { 0 };
    MrAsofRange *ranges;
    const MrRow *const *found;
    MR_NEW_ARRAY(batch->arena, ranges, state->dirty_count + 1, batch->err);
    for (uint32_t k = 0; k < state->dirty_count; k++) {
        ranges[k] = dirty_rows(op, state->dirty[k]);
    }
    MR_TRY(mr_asof_search(op, ranges, state->dirty_count, batch, &found));
    for (uint32_t k = 0; k < state->dirty_count; k++) {
        MR_TRY(settle(op, &ranges[k], &found, &before, &after, batch));
    }
    MR_TRY(mr_asof_send(op, &before, -1, batch));
    return mr_asof_send(op, &after, 1, batch);
}
