/*
 * engine/operators/asof_rights.c - the right rows of a key of an as-of join: rows of a stream, rows
 * without an order of their own, versions of a table's row.  See asof.h.
 */
#include "engine/operators/asof.h"

#include "engine/operators/aggregate.h"

uint32_t mr_asof_rights_until(const MrAsofKey *key, int64_t time_us, bool or_at)
{
    uint32_t low = 0, high = key->right_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int64_t at_us = key->right[middle].time_us;
        bool is_within = at_us < time_us || (or_at && at_us == time_us);
        low = is_within ? middle + 1 : low;
        high = is_within ? high : middle;
    }
    return low;
}

uint32_t mr_asof_later(const MrOperator *op, const MrAsofKey *key, int64_t time_us)
{
    const MrAsofSpec *spec = op->spec;
    return mr_asof_rights_until(key, time_us, spec->is_strict);
}

const MrRow *mr_asof_match(const MrOperator *op, const MrAsofKey *key, int64_t time_us)
{
    const MrAsofSpec *spec = op->spec;
    if (spec->is_later) {
        uint32_t place = mr_asof_later(op, key, time_us);
        return place < key->right_count ? key->right[place].row : &mr_asof_nothing;
    }
    uint32_t end = mr_asof_rights_until(key, time_us, !spec->is_strict);
    if (end == 0) {
        return &mr_asof_nothing;
    }
    /* Of several at one time, which only rows without an order of their own are, the first. */
    uint32_t first = end - 1;
    while (first > 0 && key->right[first - 1].time_us == key->right[end - 1].time_us) {
        first--;
    }
    bool is_hidden =
        spec->keeps_replaced && key->live <= 0 && key->right[first].time_us >= key->hidden_from_us;
    return is_hidden || key->right[first].row == NULL ? &mr_asof_nothing : key->right[first].row;
}

MrStatus mr_asof_right_insert(MrOperator *op, MrAsofKey *key, uint32_t place, int64_t time_us,
                              MrRow *row, MrError *err)
{
    MR_TRY(mr_asof_grow(op, (void **)&key->right, key->right_count, &key->right_capacity,
                        sizeof *key->right, err));
    memmove(key->right + place + 1, key->right + place,
            (key->right_count - place) * sizeof *key->right);
    key->right[place] = (MrAsofRight){ .time_us = time_us, .row = row };
    key->right_count++;
    return MR_OK;
}

void mr_asof_right_remove(MrAsofKey *key, uint32_t place, uint32_t count)
{
    if (count == 0) {
        return; /* of a key that has none there is no array */
    }
    memmove(key->right + place, key->right + place + count,
            (key->right_count - place - count) * sizeof *key->right);
    key->right_count -= count;
}

/* A left row may show with it: it goes once that has been taken back. */
static MrStatus let_go(MrOperator *op, MrRow *row, MrError *err)
{
    MrAsofState *state = op->state;
    if (row == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_asof_reserve((void ***)&state->removed, state->removed_count,
                           &state->removed_capacity, err));
    state->removed[state->removed_count++] = row;
    return MR_OK;
}

static bool looks_equal(const MrRowStore *store, const MrRow *a, const MrRow *b, uint32_t except)
{
    for (uint32_t c = 0; c < store->in.column_count; c++) {
        MrTypeId type = store->in.columns[c].type.id;
        bool is_null = mr_row_is_null(store, a, c);
        const void *x = mr_row_cell(store, a, c), *y = mr_row_cell(store, b, c);
        if (c == except) {
            continue;
        }
        if (is_null != mr_row_is_null(store, b, c) ||
            (!is_null && !(mr_type_is_text(type) ? mr_text_equal(x, y)
                                                 : memcmp(x, y, mr_type_info(type)->width) == 0))) {
            return false;
        }
    }
    return true;
}

/* What stands at the key's end from `time_us` on; NULL: nothing. */
static MrStatus set_version(MrOperator *op, MrAsofKey *key, int64_t time_us, MrRow *row,
                            MrError *err)
{
    uint32_t place = mr_asof_rights_until(key, time_us, false);
    if (place < key->right_count && key->right[place].time_us == time_us) {
        MR_TRY(let_go(op, key->right[place].row, err));
        key->right[place].row = row;
        return MR_OK;
    }
    return mr_asof_right_insert(op, key, place, time_us, row, err);
}

void mr_asof_drop_ended_front(MrAsofKey *key)
{
    if (key->right_count > 0 && key->right[0].row == NULL) {
        mr_asof_right_remove(key, 0, 1);
    }
}

/* Versions of a row: each is valid until the next.  Changes of one moment count in their order: the
 * last of them stands. */
static MrStatus take_version(MrOperator *op, MrAsofKey *key, int64_t time_us, MrRow *row,
                             bool *changed, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    *changed = true;
    if (row->weight > 0) {
        return set_version(op, key, time_us, row, err);
    }
    uint32_t end = mr_asof_rights_until(key, time_us, true);
    const MrRow *valid = end == 0 ? NULL : key->right[end - 1].row;
    /* Where rows swap their keys, the new one may have come before the old one goes. */
    *changed = valid != NULL && looks_equal(&state->right, valid, row, spec->right_time);
    MrStatus status = *changed ? set_version(op, key, time_us, NULL, err) : MR_OK;
    mr_row_free(&state->right, row);
    mr_asof_drop_ended_front(key);
    return status;
}

/* Rows of a stream: of those of one moment the first counts, so that only it is kept, but where a
 * condition may refuse it. */
static MrStatus take_first(MrOperator *op, MrAsofKey *key, int64_t time_us, MrRow *row,
                           bool *changed, MrError *err)
{
    MrAsofState *state = op->state;
    const MrAsofSpec *spec = op->spec;
    uint32_t place = mr_asof_rights_until(key, time_us, spec->condition != NULL);
    *changed = spec->condition != NULL || place == key->right_count ||
               key->right[place].time_us != time_us;
    if (!*changed) {
        mr_row_free(&state->right, row);
        return MR_OK;
    }
    return mr_asof_right_insert(op, key, place, time_us, row, err);
}

/* Rows that have no order but their values, and may be taken back. */
static MrStatus take_by_value(MrOperator *op, MrAsofKey *key, int64_t time_us, MrRow *row,
                              bool *changed, MrError *err)
{
    MrAsofState *state = op->state;
    uint32_t place = mr_asof_rights_until(key, time_us, false),
             end = mr_asof_rights_until(key, time_us, true);
    *changed = false;
    while (place < end && mr_row_compare(&state->right, key->right[place].row, row) < 0) {
        place++;
    }
    if (place == end || mr_row_compare(&state->right, key->right[place].row, row) != 0) {
        *changed = true;
        return mr_asof_right_insert(op, key, place, time_us, row, err);
    }
    MrRow *stored = key->right[place].row;
    stored->weight += row->weight;
    mr_row_free(&state->right, row);
    if (stored->weight != 0) {
        return MR_OK;
    }
    *changed = true;
    mr_asof_right_remove(key, place, 1);
    return let_go(op, stored, err);
}

/* Versions by a time of their own: an update takes the old one back and gives the new one, in
 * whatever order, and the old one stays what was valid before. */
static MrStatus take_dated(MrOperator *op, MrAsofKey *key, int64_t *time_us, MrRow *row,
                           bool *changed, MrError *err)
{
    MrAsofState *state = op->state;
    int64_t at_us = *time_us;
    bool was_hidden = key->live <= 0 && key->hidden_from_us < at_us;
    *changed = true;
    *time_us = was_hidden ? key->hidden_from_us : at_us;
    key->live += row->weight > 0 ? 1 : -1;
    if (row->weight > 0) {
        return set_version(op, key, at_us, row, err);
    }
    key->hidden_from_us = at_us;
    mr_row_free(&state->right, row);
    return MR_OK;
}

int64_t mr_asof_right_time(const MrOperator *op, const MrRow *row)
{
    const MrAsofSpec *spec = op->spec;
    const MrAsofState *state = op->state;
    int64_t time_us;
    memcpy(&time_us, mr_row_cell(&state->right, row, spec->right_time), sizeof time_us);
    return mr_add_saturated(time_us, spec->shift_us);
}

/* Left rows that look for a later row meet this one from the right row before it on; with a
 * condition, from where that reaches it. */
static int64_t before_us(const MrAsofSpec *spec, const MrAsofKey *key, int64_t time_us)
{
    if (spec->condition != NULL) {
        return spec->has_reach ? mr_add_saturated(time_us, -spec->reach_us) : MR_TIME_MIN;
    }
    uint32_t place = mr_asof_rights_until(key, time_us, false);
    return place == 0 ? MR_TIME_MIN : key->right[place - 1].time_us;
}

MrStatus mr_asof_right_take(MrOperator *op, MrAsofKey *key, int64_t *from_us, MrRow *row,
                            bool *changed, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    const MrAsofState *state = op->state;
    int64_t time_us = *from_us;
    if (spec->is_later) {
        *from_us = before_us(spec, key, time_us);
    }
    if (spec->keeps_replaced) {
        return take_dated(op, key, from_us, row, changed, err);
    }
    if (spec->is_versioned) {
        return take_version(op, key, *from_us, row, changed, err);
    }
    return state->right.order.by_value ? take_by_value(op, key, time_us, row, changed, err)
                                       : take_first(op, key, time_us, row, changed, err);
}
