/*
 * engine/operators/fixpoint.c - WITH RECURSIVE over inputs that change: the rows that the first
 * term gives, and those that the recursive term gives for rows that are there.
 *
 *     first term --> the support of every row --+--> op->loop, a scan --> the recursive term --+
 *                          ^                    |                                              |
 *                          +--------------------|------ second input <-------------------------+
 *                                               +--> what came to be there, or is gone --> above
 *
 * The support of a row is how often the first term gives it, plus how often the recursive term
 * gives it for the rows that are there; the joins of the term keep those rows, so that a change of
 * another input of the term changes supports by itself.  At rest a row is there once (UNION) or as
 * often as it is supported (UNION ALL).  When the batch ends:
 *
 *   1. A row that lost some support is taken back whole, and with it what it supported: rows of a
 *      cycle may have nothing left but each other.
 *   2. Rows that are supported more often than they are there come, step by step.
 *
 * Whatever is left after 1 had all its support before, none of it from a row that went, so that 2
 * finds the least answer (delete and rederive: Gupta, Mumick, Subrahmanian, "Maintaining Views
 * Incrementally", SIGMOD 1993).  It needs a recursive term that gives for the rows of one step
 * what it gives for each of them alone: the planner has checked that.
 */
#include <stdlib.h>

#include "common/grow.h"
#include "engine/group_table.h"
#include "engine/operator.h"
#include "engine/operators/aggregate.h"

enum { PAGE_ROWS = 2048, DEAD_MIN = 1024 };

/* The state of a row in `rows`. */
typedef struct Row {
    int64_t support;
    uint32_t touched; /* number of its entry + 1; 0: nothing has changed since the last batch */
    uint32_t unused;
} Row;

/* A row whose support has changed. */
typedef struct Touched {
    int64_t before, present; /* how often it was there at the last batch's end, and is now */
    uint32_t group;
    bool is_queued;
} Touched;

typedef struct Queue {
    uint32_t *items; /* numbers of entries */
    uint32_t count, capacity;
} Queue;

/* Rows on their way to the scan or to the operator above. */
typedef struct Page {
    uint32_t groups[PAGE_ROWS];
    int32_t weights[PAGE_ROWS];
    int64_t copies[PAGE_ROWS];
    uint32_t count;
} Page;

typedef struct FixpointState {
    MrKeyLayout layout; /* all columns */
    MrGroupTable rows;
    Touched *touched;
    uint32_t touched_count, touched_capacity;
    Queue queues[2];
    uint32_t next;   /* the queue that takes rows */
    bool is_gaining; /* phase 2 */
    bool has_lost;   /* phase 1 has taken rows back */
    bool comes_back; /* the step is of those that were there, and no more often */
    uint64_t live;   /* rows with support, at rest */
    int64_t charged; /* for entries and queues */
    MrArena arena;   /* of one page on its way */
    Page *page;
} FixpointState;

static MrStatus fixpoint_open(MrOperator *op, MrError *err)
{
    FixpointState *state = op->state;
    MrTypeId types[MR_KEYS_MAX];
    const MrSchema *input = op->input;
    mr_arena_init(&state->arena, 0);
    if (input->column_count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "rows of WITH RECURSIVE can have at most %d columns", MR_KEYS_MAX);
    }
    for (uint32_t c = 0; c < input->column_count; c++) {
        types[c] = input->columns[c].type.id;
    }
    MR_NEW(op->arena, state->page, err);
    MR_TRY(mr_key_layout_init(&state->layout, types, input->column_count, err));
    mr_group_table_init(&state->rows, &state->layout, sizeof(Row), op->memory);
    return MR_OK;
}

/* ---- Support ------------------------------------------------------------------------------- */

static Row *row_of(const FixpointState *state, uint32_t group)
{
    return (Row *)mr_group_state(&state->rows, group);
}

/* How often a row is there with so much support. */
static int64_t wanted(const MrOperator *op, int64_t support)
{
    const MrRecursionSpec *spec = op->spec;
    if (support <= 0) {
        return 0;
    }
    return spec->is_distinct ? 1 : support;
}

static MrStatus hint_at_end(MrError *err)
{
    return mr_error_hint(err, "Write UNION instead of UNION ALL, or add a column that counts the "
                              "steps and a condition that bounds it.");
}

static MrStatus never_ends(MrError *err)
{
    mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                 "WITH RECURSIVE does not end: a row follows from itself");
    return hint_at_end(err);
}

/* Blocks count the copies of a row in 32 bits. */
static MrStatus too_often(MrError *err)
{
    mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                 "a row of WITH RECURSIVE would be there more than %d times", INT32_MAX);
    return hint_at_end(err);
}

/* Entries and queues are charged when they have grown. */
static MrStatus charge(MrOperator *op, MrError *err)
{
    FixpointState *state = op->state;
    int64_t used = (int64_t)(state->touched_capacity * sizeof *state->touched);
    for (uint32_t q = 0; q < 2; q++) {
        used += (int64_t)(state->queues[q].capacity * sizeof *state->queues[q].items);
    }
    int64_t more = used - state->charged;
    if (more != 0) {
        MR_TRY(mr_memory_charge(op->memory, more, err));
        state->charged = used;
    }
    return MR_OK;
}

static MrStatus queue_push(FixpointState *state, uint32_t entry, MrError *err)
{
    Queue *queue = &state->queues[state->next];
    if (state->touched[entry].is_queued) {
        return MR_OK;
    }
    MR_GROW(queue->items, queue->count, queue->capacity, err);
    queue->items[queue->count++] = entry;
    state->touched[entry].is_queued = true;
    return MR_OK;
}

static MrStatus touch(MrOperator *op, uint32_t group, uint32_t *entry, MrError *err)
{
    FixpointState *state = op->state;
    Row *row = row_of(state, group);
    if (row->touched == 0) {
        MR_GROW(state->touched, state->touched_count, state->touched_capacity, err);
        int64_t present = wanted(op, row->support);
        state->touched[state->touched_count++] =
            (Touched){ .before = present, .present = present, .group = group };
        row->touched = state->touched_count;
    }
    *entry = row->touched - 1;
    return MR_OK;
}

static MrStatus change_support(MrOperator *op, uint32_t group, int32_t weight, MrError *err)
{
    FixpointState *state = op->state;
    uint32_t entry;
    MR_TRY(touch(op, group, &entry, err));
    Row *row = row_of(state, group);
    if (__builtin_add_overflow(row->support, weight, &row->support)) {
        return too_often(err);
    }
    bool is_due = state->is_gaining || (weight < 0 && state->touched[entry].present > 0);
    return is_due ? queue_push(state, entry, err) : MR_OK;
}

/* Rows of the first term, and of the recursive one. */
static MrStatus fixpoint_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    FixpointState *state = op->state;
    const MrVector *columns[MR_KEYS_MAX];
    MrKeyBatch keys;
    uint32_t *groups;
    for (uint32_t c = 0; c < in->column_count; c++) {
        columns[c] = &in->columns[c];
    }
    MR_TRY(mr_key_batch_encode(&state->layout, batch->arena, columns, in->row_count, &keys,
                               batch->err));
    MR_NEW_ARRAY(batch->arena, groups, in->row_count, batch->err);
    MR_TRY(mr_group_table_insert(&state->rows, &keys, NULL, in->row_count, groups, batch->err));
    for (uint32_t row = 0; row < in->row_count; row++) {
        MR_TRY(change_support(op, groups[row], in->weights == NULL ? 1 : in->weights[row],
                              batch->err));
    }
    return charge(op, batch->err);
}

/* ---- Pages --------------------------------------------------------------------------------- */

/* The rows of the page as a block: derived ones, that have no place in the log. */
static MrStatus page_block(MrOperator *op, bool with_copies, MrBlock *out, MrError *err)
{
    FixpointState *state = op->state;
    const Page *page = state->page;
    MrArena *arena = &state->arena;
    uint32_t own = op->input->column_count, count = own + (with_copies ? 1 : 0);
    *out = (MrBlock){ .row_count = page->count,
                      .column_count = count,
                      .weights = page->weights,
                      .place = { .watermark_us = MR_TIME_MIN,
                                 .watermark_after_us = MR_TIME_MIN,
                                 .event_min_us = MR_TIME_MAX } };
    MR_NEW_ARRAY(arena, out->columns, count + 1, err);
    for (uint32_t c = 0; c < own; c++) {
        MR_TRY(mr_group_table_key_column(&state->rows, c, op->input->columns[c].type, page->groups,
                                         page->count, arena, &out->columns[c], err));
    }
    if (with_copies) {
        MR_TRY(mr_vector_init(&out->columns[own], arena, mr_type(MR_TYPE_INT64), page->count, err));
        memcpy(out->columns[own].data, page->copies, page->count * sizeof *page->copies);
    }
    return MR_OK;
}

static MrStatus give_page(MrOperator *op, bool to_loop, MrBatch *batch)
{
    const MrRecursionSpec *spec = op->spec;
    FixpointState *state = op->state;
    MrBatch own = *batch;
    MrBlock block;
    own.arena = &state->arena;
    own.comes_back = to_loop && state->comes_back;
    if (state->page->count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_operator_check_cancel(batch));
    mr_arena_reset(&state->arena);
    MR_TRY(page_block(op, !to_loop && spec->numbers_copies, &block, batch->err));
    state->page->count = 0;
    if (!to_loop) {
        return mr_operator_emit(op, &block, &own);
    }
    op->loop->rows_in += block.row_count;
    return op->loop->op_class->push(op->loop, &block, &own);
}

static MrStatus page_add(MrOperator *op, uint32_t group, int64_t weight, int64_t copy, bool to_loop,
                         MrBatch *batch)
{
    FixpointState *state = op->state;
    Page *page = state->page;
    if (weight < INT32_MIN || weight > INT32_MAX) {
        return too_often(batch->err);
    }
    page->groups[page->count] = group;
    page->weights[page->count] = (int32_t)weight;
    page->copies[page->count++] = copy;
    return page->count == PAGE_ROWS ? give_page(op, to_loop, batch) : MR_OK;
}

/* ---- The end of a batch -------------------------------------------------------------------- */

/* Those rows of a step that come back, or the others, into the recursive term. */
static MrStatus take_rows(MrOperator *op, const Queue *queue, bool comes_back, MrBatch *batch)
{
    FixpointState *state = op->state;
    state->comes_back = comes_back;
    for (uint32_t i = 0; i < queue->count; i++) {
        Touched *entry = &state->touched[queue->items[i]];
        int64_t to = state->is_gaining ? wanted(op, row_of(state, entry->group)->support) : 0;
        int64_t weight = to - entry->present;
        bool is_old = state->has_lost && weight > 0 && to <= entry->before;
        if (!entry->is_queued || is_old != comes_back) {
            continue;
        }
        entry->present = to;
        entry->is_queued = false;
        if (weight != 0) { /* the entries may move from here on */
            MR_TRY(page_add(op, entry->group, weight, 0, true, batch));
        }
    }
    return give_page(op, true, batch);
}

/* One step: the rows of the queue that stands full, whose consequences go to the other one. */
static MrStatus take_step(MrOperator *op, MrBatch *batch)
{
    FixpointState *state = op->state;
    Queue *queue = &state->queues[state->next];
    state->next = 1 - state->next;
    if (state->is_gaining && state->has_lost) {
        MR_TRY(take_rows(op, queue, true, batch));
    }
    MR_TRY(take_rows(op, queue, false, batch));
    queue->count = 0;
    return MR_OK;
}

static MrStatus lose(MrOperator *op, MrBatch *batch)
{
    FixpointState *state = op->state;
    state->has_lost = state->queues[state->next].count > 0;
    while (state->queues[state->next].count > 0) {
        MR_TRY(take_step(op, batch));
    }
    return MR_OK;
}

/* A chain of more steps than there are rows has a row twice, which so follows from itself. */
static MrStatus gain(MrOperator *op, MrBatch *batch)
{
    FixpointState *state = op->state;
    uint64_t steps = 0;
    state->is_gaining = true;
    for (uint32_t i = 0; i < state->touched_count; i++) {
        const Touched *entry = &state->touched[i];
        if (entry->present != wanted(op, row_of(state, entry->group)->support)) {
            MR_TRY(queue_push(state, i, batch->err));
        }
    }
    MR_TRY(charge(op, batch->err));
    while (state->queues[state->next].count > 0) {
        if (steps++ > state->rows.count) {
            return never_ends(batch->err);
        }
        MR_TRY(take_step(op, batch));
    }
    state->is_gaining = false;
    return MR_OK;
}

/* The copies of a row that came or went are rows of their own where the result's key needs it. */
static MrStatus emit_change(MrOperator *op, const Touched *entry, MrBatch *batch)
{
    const MrRecursionSpec *spec = op->spec;
    int64_t change = entry->present - entry->before;
    if (!spec->numbers_copies) {
        return page_add(op, entry->group, change, 0, false, batch);
    }
    const int64_t from = change > 0 ? entry->before : entry->present;
    for (int64_t i = 0; i < (change > 0 ? change : -change); i++) {
        MR_TRY(page_add(op, entry->group, change > 0 ? 1 : -1, from + i + 1, false, batch));
    }
    return MR_OK;
}

/* What is gone before what came: a reader may know rows by a part of them. */
static MrStatus emit_changes(MrOperator *op, MrBatch *batch)
{
    const FixpointState *state = op->state;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < state->touched_count; i++) {
            const Touched *entry = &state->touched[i];
            bool is_due =
                pass == 0 ? entry->present < entry->before : entry->present > entry->before;
            if (is_due) {
                MR_TRY(emit_change(op, entry, batch));
            }
        }
    }
    return give_page(op, false, batch);
}

/* Moves the rows with support into a fresh table, once most are dead. */
static MrStatus compact(MrOperator *op, MrError *err)
{
    FixpointState *state = op->state;
    MrGroupTable fresh;
    MrStatus status = MR_OK;
    mr_group_table_init(&fresh, &state->layout, sizeof(Row), op->memory);
    for (uint32_t g = 0; g < state->rows.count && status == MR_OK; g++) {
        const Row *row = row_of(state, g);
        if (row->support <= 0) {
            continue;
        }
        uint32_t nulls = mr_group_header(&state->rows, g)->nulls, moved;
        const char *key = mr_group_key(&state->rows, g);
        status = mr_group_table_insert_one(&fresh, key, nulls,
                                           mr_key_hash(&state->layout, key, nulls), &moved, err);
        if (status == MR_OK) {
            *(Row *)mr_group_state(&fresh, moved) = *row;
        }
    }
    if (status != MR_OK) {
        mr_group_table_fini(&fresh);
        return status;
    }
    mr_group_table_fini(&state->rows);
    state->rows = fresh;
    return MR_OK;
}

static MrStatus forget_touched(MrOperator *op, MrError *err)
{
    FixpointState *state = op->state;
    for (uint32_t i = 0; i < state->touched_count; i++) {
        const Touched *entry = &state->touched[i];
        row_of(state, entry->group)->touched = 0;
        state->live += entry->before == 0 && entry->present > 0;
        state->live -= entry->before > 0 && entry->present == 0;
    }
    state->touched_count = 0;
    uint64_t dead = state->rows.count - state->live;
    return dead > DEAD_MIN && dead > state->rows.count / 2 ? compact(op, err) : MR_OK;
}

static MrStatus fixpoint_finish_batch(MrOperator *op, MrBatch *batch)
{
    const FixpointState *state = op->state;
    if (state->touched_count == 0) {
        return MR_OK;
    }
    MR_TRY(lose(op, batch));
    MrStatus status = gain(op, batch);
    if (status == MR_ERR_OUT_OF_MEMORY) {
        mr_error_detail(batch->err, "WITH RECURSIVE has %u rows and is not at its end.",
                        state->rows.count);
        mr_error_hint(batch->err, "Add a condition that ends it, or raise the view option "
                                  "\"memory\".");
    }
    MR_TRY(status);
    MR_TRY(emit_changes(op, batch));
    return forget_touched(op, batch->err);
}

/* ---- Time: rows of no step have one, what reads both inputs has the least ------------------- */

static MrStatus raise_port(MrOperator *op, uint32_t port, int64_t watermark_us, MrBatch *batch)
{
    int64_t least_us;
    return mr_operator_raise(op, port, watermark_us, &least_us)
               ? mr_operator_emit_advance(op, least_us, batch)
               : MR_OK;
}

static MrStatus fixpoint_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return raise_port(op, 0, watermark_us, batch);
}

static MrStatus fixpoint_advance_right(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    return raise_port(op, 1, watermark_us, batch);
}

/* ---- State --------------------------------------------------------------------------------- */

static MrStatus fixpoint_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    const FixpointState *state = op->state;
    mr_state_write_u64(writer, state->live);
    for (uint32_t g = 0; g < state->rows.count; g++) {
        const Row *row = row_of(state, g);
        if (row->support > 0) {
            mr_key_write(&state->rows, g, writer);
            mr_state_write_u64(writer, (uint64_t)row->support);
        }
    }
    return writer->out->failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus fixpoint_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    FixpointState *state = op->state;
    char key[MR_KEY_BYTES_MAX];
    MR_TRY(mr_state_read_u64(reader, &state->live, err));
    for (uint64_t i = 0; i < state->live; i++) {
        uint32_t nulls, group;
        uint64_t support;
        MR_TRY(mr_key_read(&state->layout, reader, key, &nulls, err));
        MR_TRY(mr_state_read_u64(reader, &support, err));
        MR_TRY(mr_group_table_insert_one(&state->rows, key, nulls,
                                         mr_key_hash(&state->layout, key, nulls), &group, err));
        row_of(state, group)->support = (int64_t)support;
    }
    return MR_OK;
}

static void fixpoint_measure(const MrOperator *op, MrOperatorMeasure *out)
{
    const FixpointState *state = op->state;
    out->state_bytes = mr_group_table_bytes(&state->rows) + state->charged;
    out->groups = state->live;
}

static void fixpoint_close(MrOperator *op)
{
    FixpointState *state = op->state;
    mr_group_table_fini(&state->rows);
    mr_arena_fini(&state->arena);
    (void)mr_memory_charge(op->memory, -state->charged, NULL);
    free(state->touched);
    free(state->queues[0].items);
    free(state->queues[1].items);
}

const MrOperatorClass mr_operator_fixpoint = {
    .name = "Recursion",
    .state_size = sizeof(FixpointState),
    .open = fixpoint_open,
    .push = fixpoint_push,
    .push_right = fixpoint_push,
    .advance = fixpoint_advance,
    .advance_right = fixpoint_advance_right,
    .finish_batch = fixpoint_finish_batch,
    .snapshot = fixpoint_snapshot,
    .restore = fixpoint_restore,
    .measure = fixpoint_measure,
    .close = fixpoint_close,
};
