/*
 * engine/operators/over_state.c - window functions in a checkpoint: the rows, and what was summed
 * up of those that were freed.
 */
#include "engine/operators/over.h"

static MrStatus write_bases(MrPartitions *set, MrPartition *partition, MrStateWriter *writer,
                            MrError *err)
{
    const MrOverSpec *spec = set->op->spec;
    const MrOverState *state = set->op->state;
    (void)err;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrOverCallState *call = &state->calls[c];
        const char *base = (const char *)mr_partition_extra(partition) + call->base_offset;
        if (call->has_base && call->aggregate->write != NULL) {
            call->aggregate->write(base, writer);
        } else if (call->has_base) {
            mr_state_write_bytes(writer, base, call->state_bytes);
        }
    }
    return MR_OK;
}

static MrStatus read_bases(MrPartitions *set, MrPartition *partition, MrStateReader *reader,
                           MrError *err)
{
    const MrOverSpec *spec = set->op->spec;
    const MrOverState *state = set->op->state;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrOverCallState *call = &state->calls[c];
        char *base = (char *)mr_partition_extra(partition) + call->base_offset;
        if (!call->has_base) {
            continue;
        }
        if (call->aggregate->read != NULL) {
            MR_TRY(call->aggregate->read(base, reader, set->op->memory, err));
        } else {
            const char *data;
            size_t length;
            MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
            if (length != call->state_bytes) {
                return mr_error_set(err, MR_ERR_CORRUPT,
                                    "a checkpoint holds a state of the wrong length");
            }
            memcpy(base, data, length);
        }
        /* The cursor begins behind the rows that were freed. */
        char *own = (char *)mr_partition_extra(partition) + call->state_offset;
        MR_TRY(call->aggregate->merge(own, base, set->op->memory, err));
    }
    return MR_OK;
}

MrStatus mr_over_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    MrOverState *state = op->state;
    return mr_partitions_snapshot(&state->set, writer, write_bases, err);
}

/* Values are not in a checkpoint: those of the rows that can still change are computed again. */
static MrStatus restore_values(MrOperator *op, MrError *err)
{
    MrOverState *state = op->state;
    MrPartitions *set = &state->set;
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrBatch batch = { .arena = &arena, .zone = op->zone, .err = err };
    MrStatus status = MR_OK;
    for (uint32_t g = 0; g < set->table.count && status == MR_OK; g++) {
        MrPartition *partition;
        MrRowList fresh = { .rows = NULL };
        memcpy(&partition, mr_group_state(&set->table, g), sizeof partition);
        status = mr_over_renew(op, partition, partition->settled, partition->count, true, &fresh,
                               &batch);
        mr_arena_reset(&arena);
    }
    mr_arena_fini(&arena);
    return status;
}

MrStatus mr_over_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    MR_TRY(mr_partitions_restore(&state->set, reader, read_bases, err));
    return spec->ordered.emit == MR_EMIT_MODE_UPDATE ? restore_values(op, err) : MR_OK;
}
