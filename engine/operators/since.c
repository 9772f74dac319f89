/*
 * engine/operators/since.c - rows that were not there when the query began (snapshot = false).
 * Until then rows are taken in and nothing is given.  From then on a row counts as often as it is
 * there now and was not before: of rows that are only ever added, those that come; where rows are
 * taken back, the input EXCEPT ALL what it was.  That depends on what the input is, never on the
 * way it took, so neither cuts nor changes that undo each other can show.
 */
#include "engine/operators/since.h"

#include "engine/keyed_rows.h"

typedef struct SinceState {
    bool has_begun;
    /* With `keeps_old`, the rows that were there: `weight` as often, `count` how often they are
     * now. */
    MrKeyLayout layout; /* no columns: rows are found by their whole content */
    MrSchema schema;    /* of the compared columns */
    MrKeyedRows old;
} SinceState;

static MrStatus since_open(MrOperator *op, MrError *err)
{
    const MrSinceSpec *spec = op->spec;
    SinceState *state = op->state;
    MrColumn *columns;
    if (!spec->keeps_old) {
        return MR_OK;
    }
    MR_NEW_ARRAY(op->arena, columns, spec->compared_count, err);
    for (uint32_t i = 0; i < spec->compared_count; i++) {
        columns[i] = op->input->columns[spec->compared[i]];
    }
    state->schema = (MrSchema){ spec->compared_count, columns };
    MR_TRY(mr_key_layout_init(&state->layout, NULL, 0, err));
    MR_TRY(mr_keyed_rows_init(&state->old, &state->schema, &state->layout, NULL, op->memory,
                              op->arena, err));
    mr_keyed_rows_index(&state->old);
    return MR_OK;
}

static int32_t weight_of(const MrBlock *block, uint32_t row)
{
    return block->weights == NULL ? 1 : block->weights[row];
}

/* The rows as they are compared, and a hash of each. */
static MrStatus compared_of(const MrSinceSpec *spec, const MrBlock *in, MrBatch *batch,
                            MrBlock *out, uint64_t **contents)
{
    *out = (MrBlock){ .row_count = in->row_count,
                      .column_count = spec->compared_count,
                      .weights = in->weights };
    MR_NEW_ARRAY(batch->arena, out->columns, spec->compared_count, batch->err);
    for (uint32_t i = 0; i < spec->compared_count; i++) {
        out->columns[i] = in->columns[spec->compared[i]];
    }
    return mr_keyed_row_content(out, batch->arena, contents, batch->err);
}

static MrStatus keep_old(const MrSinceSpec *spec, SinceState *state, const MrBlock *rows,
                         MrBatch *batch)
{
    uint64_t *contents;
    MrBlock compared, *in = &compared;
    MR_TRY(compared_of(spec, rows, batch, &compared, &contents));
    for (uint32_t row = 0; row < in->row_count; row++) {
        int32_t weight = weight_of(in, row);
        uint32_t at = mr_keyed_rows_find(&state->old, in, row, contents[row]);
        if (at == MR_NO_KEYED_ROW) {
            MR_TRY(mr_keyed_rows_add(&state->old, in, row, contents[row], contents[row], weight,
                                     &at, batch->err));
            continue;
        }
        MrKeyedRow *kept = mr_keyed_row(&state->old, at);
        kept->weight += weight;
        if (kept->weight == 0) {
            mr_keyed_rows_remove(&state->old, at);
        }
    }
    return MR_OK;
}

/* How often the row counts that is there `now` times, and was `before` times. */
static int64_t counted(int64_t now, int64_t before)
{
    return now > before ? now - before : 0;
}

/* What the change of a row, by `weight`, changes of the rows that count. */
static int32_t weight_since(SinceState *state, const MrBlock *in, uint32_t row, uint64_t content)
{
    int32_t weight = weight_of(in, row);
    uint32_t at = mr_keyed_rows_find(&state->old, in, row, content);
    if (at == MR_NO_KEYED_ROW) {
        return weight;
    }
    MrKeyedRow *old = mr_keyed_row(&state->old, at);
    int64_t was = counted(old->count, old->weight);
    old->count += weight;
    return (int32_t)(counted(old->count, old->weight) - was);
}

static MrStatus give_new(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    SinceState *state = op->state;
    uint64_t *contents;
    uint32_t *rows, count = 0;
    int32_t *weights;
    MrBlock compared, *out;
    MR_TRY(compared_of(op->spec, in, batch, &compared, &contents));
    MR_NEW_ARRAY(batch->arena, rows, in->row_count, batch->err);
    MR_NEW_ARRAY(batch->arena, weights, in->row_count, batch->err);
    for (uint32_t row = 0; row < in->row_count; row++) {
        rows[count] = row;
        weights[count] = weight_since(state, &compared, row, contents[row]);
        count += weights[count] != 0;
    }
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_block_select(batch->arena, in, rows, count, &out, batch->err));
    out->weights = weights;
    return mr_operator_emit(op, out, batch);
}

static MrStatus since_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrSinceSpec *spec = op->spec;
    SinceState *state = op->state;
    if (!state->has_begun) {
        return spec->keeps_old ? keep_old(spec, state, in, batch) : MR_OK;
    }
    if (!spec->keeps_old || state->old.row_count == 0) {
        return mr_operator_emit(op, in, batch);
    }
    return give_new(op, in, batch);
}

/* Text of rows that went again before the query began. */
static MrStatus since_finish(MrOperator *op, MrBatch *batch)
{
    const MrSinceSpec *spec = op->spec;
    SinceState *state = op->state;
    return spec->keeps_old && !state->has_begun ? mr_keyed_rows_tidy(&state->old, batch->err)
                                                : MR_OK;
}

void mr_since_begin(MrOperator *op)
{
    const MrSinceSpec *spec = op->spec;
    SinceState *state = op->state;
    state->has_begun = true;
    if (!spec->keeps_old) {
        return;
    }
    for (uint32_t row = mr_keyed_rows_next(&state->old, 0); row != MR_NO_KEYED_ROW;
         row = mr_keyed_rows_next(&state->old, row + 1)) {
        MrKeyedRow *old = mr_keyed_row(&state->old, row);
        old->count = old->weight;
    }
}

static MrStatus since_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    const MrSinceSpec *spec = op->spec;
    const SinceState *state = op->state;
    mr_state_write_u32(writer, state->has_begun);
    return spec->keeps_old ? mr_keyed_rows_snapshot(&state->old, writer, err) : MR_OK;
}

static MrStatus since_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    const MrSinceSpec *spec = op->spec;
    SinceState *state = op->state;
    uint32_t has_begun;
    MR_TRY(mr_state_read_u32(reader, &has_begun, err));
    state->has_begun = has_begun != 0;
    return spec->keeps_old ? mr_keyed_rows_restore(&state->old, reader, err) : MR_OK;
}

static void since_measure(const MrOperator *op, MrOperatorMeasure *out)
{
    const MrSinceSpec *spec = op->spec;
    const SinceState *state = op->state;
    if (spec->keeps_old) {
        out->state_bytes = mr_keyed_rows_bytes(&state->old);
        out->groups = state->old.row_count;
    }
}

static void since_close(MrOperator *op)
{
    SinceState *state = op->state;
    if (((const MrSinceSpec *)op->spec)->keeps_old) {
        mr_keyed_rows_fini(&state->old);
    }
}

const MrOperatorClass mr_operator_since = {
    .name = "Since",
    .state_size = sizeof(SinceState),
    .open = since_open,
    .push = since_push,
    .finish_batch = since_finish,
    .snapshot = since_snapshot,
    .restore = since_restore,
    .measure = since_measure,
    .close = since_close,
};
