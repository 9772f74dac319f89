/*
 * engine/operators/aggregate_state.c - the groups as bytes for a checkpoint, and back.  The bytes
 * do not depend on the number of lanes: a lane restores the keys that fall to it.
 */
#include "engine/operators/keyed_windows.h"

#include <stdlib.h>

static void write_cell(MrTypeId type, const char *cell, MrStateWriter *writer)
{
    if (mr_type_is_text(type)) {
        MrText text;
        memcpy(&text, cell, sizeof text);
        mr_state_write_bytes(writer, mr_text_data(&text), text.length);
    } else {
        uint8_t width = mr_type_info(type)->width;
        mr_state_write_bytes(writer, cell, width < 8 ? 8 : width);
    }
}

void mr_key_write(const MrGroupTable *table, uint32_t group, MrStateWriter *writer)
{
    mr_state_write_u32(writer, mr_group_header(table, group)->nulls);
    for (uint32_t k = 0; k < table->layout->count; k++) {
        write_cell(table->layout->types[k], mr_group_key(table, group) + table->layout->offsets[k],
                   writer);
    }
}

/* Long text of the key stays borrowed from the reader. */
MrStatus mr_key_read(const MrKeyLayout *layout, MrStateReader *reader, char *key, uint32_t *nulls,
                     MrError *err)
{
    MR_TRY(mr_state_read_u32(reader, nulls, err));
    for (uint32_t k = 0; k < layout->count; k++) {
        const char *data;
        size_t length;
        MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
        uint8_t width = mr_type_info(layout->types[k])->width;
        width = width < 8 ? 8 : width;
        if (mr_type_is_text(layout->types[k])) {
            MrText text = mr_text_make(data, (uint32_t)length);
            memcpy(key + layout->offsets[k], &text, sizeof text);
        } else if (length == width) {
            memcpy(key + layout->offsets[k], data, width);
        } else {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint holds a key of the wrong length");
        }
    }
    return MR_OK;
}

void mr_states_write(const MrOperator *op, const char *states, MrStateWriter *writer)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (state->counts_rows) {
        mr_state_write_bytes(writer, states, sizeof(int64_t));
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrAggregate *aggregate = state->calls[c].aggregate;
        if (aggregate->write != NULL) {
            aggregate->write(states + state->calls[c].state_offset, writer);
        } else {
            mr_state_write_bytes(writer, states + state->calls[c].state_offset,
                                 aggregate->state_bytes);
        }
    }
}

static void write_group(MrOperator *op, const MrPane *pane, uint32_t group, MrStateWriter *writer)
{
    mr_state_write_u32(writer, mr_group_header(&pane->groups, group)->flags);
    mr_key_write(&pane->groups, group, writer);
    mr_states_write(op, mr_group_state(&pane->groups, group), writer);
}

MrStatus mr_aggregate_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (state->keyed != NULL) {
        return mr_keyed_snapshot(op, writer, err);
    }
    mr_state_write_u64(writer, (uint64_t)state->watermark_us);
    mr_state_write_u64(writer, (uint64_t)state->closed_start_us);
    mr_state_write_u32(writer, state->pane_count);
    for (uint32_t p = 0; p < state->pane_count; p++) {
        const MrPane *pane = state->panes[p];
        mr_state_write_u64(writer, (uint64_t)pane->start_us);
        mr_state_write_u32(writer, pane->groups.count);
        for (uint32_t g = 0; g < pane->groups.count; g++) {
            write_group(op, pane, g, writer);
        }
        for (uint32_t c = 0; c < spec->call_count; c++) {
            if (!spec->calls[c].is_distinct) {
                continue;
            }
            const MrGroupTable *seen = &pane->distinct[c];
            mr_state_write_u32(writer, seen->count);
            for (uint32_t v = 0; v < seen->count; v++) {
                mr_key_write(seen, v, writer);
                mr_state_write_bytes(writer, mr_group_state(seen, v), sizeof(int64_t));
            }
        }
    }
    return writer->out->failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus read_fixed(MrStateReader *reader, void *out, size_t wanted, MrError *err)
{
    const char *data;
    size_t length;
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    if (length != wanted) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a state of the wrong length");
    }
    memcpy(out, data, length);
    return MR_OK;
}

MrStatus mr_states_read(MrOperator *op, char *states, MrStateReader *reader, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (state->counts_rows) {
        MR_TRY(read_fixed(reader, states, sizeof(int64_t), err));
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrAggregate *aggregate = state->calls[c].aggregate;
        char *at = states + state->calls[c].state_offset;
        MR_TRY(aggregate->read != NULL ? aggregate->read(at, reader, op->memory, err)
                                       : read_fixed(reader, at, aggregate->state_bytes, err));
    }
    return MR_OK;
}

void mr_states_destroy(const MrOperator *op, char *states)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (state->calls[c].aggregate->destroy != NULL) {
            state->calls[c].aggregate->destroy(states + state->calls[c].state_offset, op->memory);
        }
    }
}

/* `moved`: the number here of each group of the checkpoint, MR_NO_GROUP for another lane's. */
static MrStatus restore_groups(MrOperator *op, MrPane *pane, uint32_t count, MrStateReader *reader,
                               uint32_t *moved, MrError *err)
{
    const MrAggregateState *state = op->state;
    char key[MR_KEY_BYTES_MAX];
    char *states; /* those of other lanes are read too, to get behind them */
    MR_NEW_ARRAY(op->arena, states, state->states_bytes + 1, err);
    for (uint32_t g = 0; g < count; g++) {
        uint32_t flags, nulls;
        memset(states, 0, state->states_bytes);
        MR_TRY(mr_state_read_u32(reader, &flags, err));
        MR_TRY(mr_key_read(&state->layout, reader, key, &nulls, err));
        uint64_t hash = mr_key_hash(&state->layout, key, nulls);
        MrStatus status = mr_states_read(op, states, reader, err);
        moved[g] = MR_NO_GROUP;
        /* Dead groups stay behind. */
        if (status == MR_OK && mr_lane_of(hash, op->lanes) == op->lane &&
            mr_group_is_alive(op, states)) {
            status = mr_group_table_insert_one(&pane->groups, key, nulls, hash, &moved[g], err);
        }
        if (status != MR_OK || moved[g] == MR_NO_GROUP) {
            mr_states_destroy(op, states);
            MR_TRY(status);
            continue;
        }
        memcpy(mr_group_state(&pane->groups, moved[g]), states, state->states_bytes);
        mr_group_header(&pane->groups, moved[g])->flags = flags & MR_GROUP_EMITTED;
    }
    return MR_OK;
}

static MrStatus restore_distinct(MrGroupTable *seen, const uint32_t *moved, uint32_t moved_count,
                                 MrStateReader *reader, MrError *err)
{
    uint32_t count;
    char key[MR_KEY_BYTES_MAX];
    MR_TRY(mr_state_read_u32(reader, &count, err));
    for (uint32_t v = 0; v < count; v++) {
        uint32_t nulls, entry;
        int64_t group, copies;
        MR_TRY(mr_key_read(seen->layout, reader, key, &nulls, err));
        MR_TRY(read_fixed(reader, &copies, sizeof copies, err));
        memcpy(&group, key, sizeof group);
        if (group < 0 || group >= moved_count) {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint names a group that is not there");
        }
        if (moved[group] == MR_NO_GROUP) {
            continue;
        }
        group = moved[group];
        memcpy(key, &group, sizeof group);
        uint64_t hash = mr_key_hash(seen->layout, key, nulls);
        MR_TRY(mr_group_table_insert_one(seen, key, nulls, hash, &entry, err));
        *(int64_t *)mr_group_state(seen, entry) = copies;
    }
    return MR_OK;
}

static MrStatus restore_pane(MrOperator *op, MrStateReader *reader, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    uint64_t start;
    uint32_t count;
    MrPane *pane;
    MR_TRY(mr_state_read_u64(reader, &start, err));
    MR_TRY(mr_state_read_u32(reader, &count, err));
    if (count > (reader->length - reader->at) / 4) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint counts more groups than it holds");
    }
    MR_TRY(mr_pane_find(op, (int64_t)start, &pane, err));
    uint32_t *moved = calloc((size_t)count + 1, sizeof *moved);
    if (moved == NULL) {
        return mr_error_no_memory(err);
    }
    /* The row that `open` made for an aggregate over everything, judged before the checkpoint. */
    pane->dirty_count = pane->unjudged_count = 0;
    MrStatus status = restore_groups(op, pane, count, reader, moved, err);
    for (uint32_t c = 0; status == MR_OK && c < spec->call_count; c++) {
        if (spec->calls[c].is_distinct) {
            status = restore_distinct(&pane->distinct[c], moved, count, reader, err);
        }
    }
    free(moved);
    return status;
}

MrStatus mr_aggregate_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    MrAggregateState *state = op->state;
    uint64_t watermark, closed;
    uint32_t panes;
    if (state->keyed != NULL) {
        return mr_keyed_restore(op, reader, err);
    }
    MR_TRY(mr_state_read_u64(reader, &watermark, err));
    MR_TRY(mr_state_read_u64(reader, &closed, err));
    MR_TRY(mr_state_read_u32(reader, &panes, err));
    state->watermark_us = (int64_t)watermark;
    state->closed_start_us = (int64_t)closed;
    for (uint32_t p = 0; p < panes; p++) {
        MR_TRY(restore_pane(op, reader, err));
    }
    return MR_OK;
}
