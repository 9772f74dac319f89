/*
 * engine/pipeline_apart.c - a group-by on several threads where the order of rows cannot show
 * (aggregate_merge.c): each thread takes any chunks, the whole way while they are in its cache, and
 * counts them in groups of its own.  Rows are not sorted by their keys' owner, which costs more
 * than the group-by itself.
 *
 * A window of which nobody has seen anything ends where it was counted: the smaller tables go into
 * the largest, and that is sent.  Else, or when somebody wants to see what there is
 * (mr_pipeline_settle), the lanes take the groups over, each the keys that are its own.
 */
#include <stdatomic.h>

#include "engine/pipeline_internal.h"

/* A thread keeps no more groups to itself: beyond, they are in nobody's cache. */
enum { APART_GROUPS_MAX = 1 << 17 };
/* Merging pays when many rows fall into one group.  When it did not, it is tried again after so
 * many times the rows. */
enum { ROWS_PER_GROUP_MIN = 4, PAUSE_FACTOR = 16 };

static MrOperator *lane_operator(MrPipeline *pipeline, uint32_t lane)
{
    return pipeline->lane_count > 1 ? &pipeline->lanes[lane].group_by
                                    : &pipeline->operators[pipeline->breaker];
}

MrStatus mr_pipeline_open_apart(MrPipeline *pipeline, MrError *err)
{
    if (pipeline->thread_count == 1 || pipeline->judging != NULL ||
        !mr_dag_counts_apart(pipeline->dag, pipeline->breaker)) {
        return MR_OK;
    }
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        MrOperator *apart = &pipeline->lanes[t].apart;
        MR_TRY(mr_pipeline_open_operator(pipeline, apart, pipeline->breaker, 0, 1, err));
        ((MrAggregateState *)apart->state)->is_apart = true;
        if (pipeline->lane_count > 1) {
            apart->output = &pipeline->lanes[t].outbox_operator;
        }
    }
    pipeline->has_apart = true;
    pipeline->apart_chunks = MR_ROUND_CHUNKS;
    pipeline->closes_apart =
        pipeline->lane_count > 1 && mr_aggregate_closes_panes(&pipeline->lanes[0].apart);
    return MR_OK;
}

static uint64_t groups_of_lanes(MrPipeline *pipeline)
{
    uint64_t groups = 0;
    for (uint32_t l = 0; l < pipeline->lane_count; l++) {
        groups += mr_aggregate_group_count(lane_operator(pipeline, l));
    }
    return groups;
}

static uint64_t groups_apart(const MrPipeline *pipeline)
{
    uint64_t groups = 0;
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        groups += mr_aggregate_group_count(&pipeline->lanes[t].apart);
    }
    return groups;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* All windows of a round are in memory before the first of them closes, and groups that go to the
 * lanes are there twice for a moment.  So what is apart may take a quarter of the memory that the
 * query has, and nothing is counted apart when the rest takes half of it: a query that gets on with
 * it on one thread does on several. */
enum { PARTS_OF_ROUND = 8, PARTS_OF_REST = 2 };

/* Most bytes of a group: its row and its slots, just doubled, and its place in an array.  Long text
 * is seen when it is there. */
static int64_t group_bytes(const MrPipeline *pipeline)
{
    const MrAggregateState *state = pipeline->lanes[0].apart.state;
    return (int64_t)(2 * (sizeof(MrGroupHeader) + state->layout.bytes + state->states_bytes) + 64);
}

/* Chunks that may stay apart where each of their rows is a group. */
static int64_t chunks_in_memory(const MrPipeline *pipeline)
{
    const int64_t rows = mr_pipeline_chunk_rows(pipeline, MR_CHUNK_ROWS);
    const int64_t chunk_bytes = rows * pipeline->panes_per_row * group_bytes(pipeline);
    const int64_t limit_bytes = pipeline->memory.limit_bytes;
    return limit_bytes == 0 ? MR_APART_CHUNKS_MAX : limit_bytes / PARTS_OF_ROUND / chunk_bytes;
}

static bool is_short_of_memory(const MrPipeline *pipeline)
{
    const int64_t limit_bytes = pipeline->memory.limit_bytes;
    return limit_bytes > 0 &&
           (mr_pipeline_state_bytes(pipeline) > limit_bytes / PARTS_OF_REST ||
            (int64_t)groups_apart(pipeline) > limit_bytes / PARTS_OF_ROUND / group_bytes(pipeline));
}

uint32_t mr_pipeline_chunks_apart(const MrPipeline *pipeline)
{
    const int64_t most = chunks_in_memory(pipeline);
    return most < pipeline->apart_chunks ? (uint32_t)most : pipeline->apart_chunks;
}

/* Windows that close within a chunk, because rows of it are late, need the order of rows. */
bool mr_pipeline_fits_apart(const MrPipeline *pipeline, const MrChunk *chunks, uint32_t count)
{
    if (!pipeline->has_apart || pipeline->apart_pause_rows > 0 || chunks_in_memory(pipeline) == 0 ||
        is_short_of_memory(pipeline)) {
        return false;
    }
    const MrAggregateState *state = pipeline->lanes[0].apart.state;
    for (uint32_t c = 0; state->merges_panes && c < count; c++) {
        if (chunks[c].source != NULL && chunks[c].source->place.watermarks != NULL) {
            return false;
        }
    }
    return true;
}

static MrStatus add_rows(MrPipeline *pipeline, MrLane *lane, const MrChunk *chunk, uint32_t first,
                         uint32_t rows)
{
    const MrBlock *block;
    MrAggregateChunk *prepared;
    mr_arena_reset(&lane->arena);
    MR_TRY(mr_pipeline_apply(pipeline, lane, chunk->source, chunk->first + first, rows, &block));
    if (block == NULL || block->row_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_aggregate_prepare(&lane->apart, 1, block, &lane->batch, &prepared));
    lane->rows_apart += mr_aggregate_chunk_rows(prepared, 0, 1);
    MrStatus status = mr_aggregate_update(&lane->apart, prepared, &lane->batch);
    mr_meter_charge(lane->batch.meter, &lane->apart.busy_us);
    return status;
}

static void take_task(void *context, uint32_t index)
{
    MrRound *round = context;
    MrPipeline *pipeline = round->pipeline;
    MrLane *lane = &pipeline->lanes[index];
    const uint32_t most = mr_pipeline_chunk_rows(pipeline, MR_VECTOR_ROWS);
    while (lane->status == MR_OK && mr_aggregate_group_count(&lane->apart) <= APART_GROUPS_MAX) {
        uint32_t c = atomic_fetch_add_explicit(&round->next, 1, memory_order_relaxed);
        if (c >= round->count) {
            break;
        }
        const MrChunk *chunk = &round->chunks[c];
        for (uint32_t first = 0; lane->status == MR_OK && first < chunk->rows; first += most) {
            uint32_t some = chunk->rows - first < most ? chunk->rows - first : most;
            lane->status = add_rows(pipeline, lane, chunk, first, some);
        }
    }
}

/* When so many groups were made of the rows that it did not pay, the next rows go the other way.
 * `left`: groups that stay apart, and so the least number of their rows. */
static void judge(MrPipeline *pipeline, uint64_t groups, uint64_t left)
{
    if (groups * ROWS_PER_GROUP_MIN > pipeline->apart_rows) {
        pipeline->apart_pause_rows = pipeline->apart_rows * PAUSE_FACTOR;
    }
    pipeline->apart_rows = left;
}

/* ---- to the lanes ---------------------------------------------------------------------------- */

typedef struct Merging {
    MrPipeline *pipeline;
    int64_t until_us; /* panes that start later stay */
} Merging;

static void merge_task(void *context, uint32_t index)
{
    const Merging *merging = context;
    MrPipeline *pipeline = merging->pipeline;
    MrLane *lane = &pipeline->lanes[index];
    mr_meter_start(lane->batch.meter);
    for (uint32_t t = 0; lane->status == MR_OK && t < pipeline->thread_count; t++) {
        if (index < pipeline->lane_count) {
            lane->status =
                mr_aggregate_merge(lane_operator(pipeline, index), &pipeline->lanes[t].apart,
                                   merging->until_us, &lane->batch);
        }
    }
    mr_meter_charge(lane->batch.meter, &lane->busy_us[pipeline->breaker]);
}

static MrStatus merge_until(MrPipeline *pipeline, int64_t until_us, uint64_t groups, MrError *err)
{
    Merging merging = { .pipeline = pipeline, .until_us = until_us };
    MrStatus status =
        mr_pipeline_on_threads(pipeline, groups < pipeline->shared_rows, merge_task, &merging, err);
    if (status == MR_OK && pipeline->lane_count > 1) {
        status = mr_pipeline_drain_outboxes(pipeline, err);
    }
    if (status == MR_OK) {
        status = mr_pipeline_end_round(pipeline, err);
    }
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        mr_aggregate_clear(&pipeline->lanes[t].apart, until_us);
    }
    pipeline->is_broken = pipeline->is_broken || status != MR_OK;
    return status;
}

MrStatus mr_pipeline_merge_apart(MrPipeline *pipeline, MrError *err)
{
    if (pipeline->apart_rows == 0) {
        return MR_OK;
    }
    uint64_t groups = groups_apart(pipeline);
    MR_TRY(merge_until(pipeline, MR_TIME_MAX, groups, err));
    judge(pipeline, groups, 0);
    return MR_OK;
}

/* The memory goes as well: it may be long until it is needed again. */
MrStatus mr_pipeline_settle(MrPipeline *pipeline, MrError *err)
{
    MR_TRY(mr_pipeline_merge_apart(pipeline, err));
    for (uint32_t t = 0; pipeline->has_apart && t < pipeline->thread_count; t++) {
        mr_aggregate_forget(&pipeline->lanes[t].apart);
    }
    return MR_OK;
}

int64_t mr_pipeline_next_close_apart(const MrPipeline *pipeline)
{
    int64_t least = MR_TIME_MAX;
    for (uint32_t t = 0; pipeline->has_apart && t < pipeline->thread_count; t++) {
        int64_t close = mr_aggregate_next_close(&pipeline->lanes[t].apart);
        least = close < least ? close : least;
    }
    return least;
}

/* ---- windows that end ------------------------------------------------------------------------ */

/* The parts of one window: all go into the largest of them. */
typedef struct Closing {
    MrPipeline *pipeline;
    MrPane *whole;
    const MrPane *part;
    uint32_t *groups; /* of the whole, in the order in which they are sent */
} Closing;

/* A thread's share of `count` groups. */
static void share_of(const MrPipeline *pipeline, uint32_t index, uint32_t count, uint32_t *first,
                     uint32_t *some)
{
    *first = (uint32_t)((uint64_t)count * index / pipeline->thread_count);
    *some = (uint32_t)((uint64_t)count * (index + 1) / pipeline->thread_count) - *first;
}

static void absorb_task(void *context, uint32_t index)
{
    const Closing *closing = context;
    MrLane *lane = &closing->pipeline->lanes[index];
    uint32_t first, some;
    share_of(closing->pipeline, index, closing->part->groups.count, &first, &some);
    mr_meter_start(lane->batch.meter);
    lane->status = mr_pane_absorb(&lane->apart, closing->whole, closing->part, first, some,
                                  &lane->batch, &lane->missing);
    mr_meter_charge(lane->batch.meter, &lane->apart.busy_us);
}

static void emit_task(void *context, uint32_t index)
{
    const Closing *closing = context;
    MrLane *lane = &closing->pipeline->lanes[index];
    uint32_t first, some;
    share_of(closing->pipeline, index, closing->whole->groups.count, &first, &some);
    mr_meter_start(lane->batch.meter);
    lane->status = mr_pane_emit_part(&lane->apart, closing->whole, closing->groups + first, some,
                                     &lane->batch);
    mr_meter_charge(lane->batch.meter, &lane->apart.busy_us);
}

/* Groups that the whole has are added to on all threads; new ones are made on one. */
static MrStatus absorb(Closing *closing, MrError *err)
{
    MrPipeline *pipeline = closing->pipeline;
    MrLane *first = &pipeline->lanes[0];
    bool alone = closing->part->groups.count < pipeline->shared_rows;
    MR_TRY(mr_pipeline_on_threads(pipeline, alone, absorb_task, closing, err));
    first->batch.err = err;
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        MR_TRY(mr_pane_adopt(&first->apart, closing->whole, closing->part,
                             &pipeline->lanes[t].missing, &first->batch));
    }
    return MR_OK;
}

static MrStatus close_pane(MrPipeline *pipeline, int64_t start_us, MrError *err)
{
    Closing closing = { .pipeline = pipeline };
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        MrPane *pane = mr_aggregate_pane_at(&pipeline->lanes[t].apart, start_us);
        if (pane != NULL &&
            (closing.whole == NULL || pane->groups.count > closing.whole->groups.count)) {
            closing.whole = pane;
        }
    }
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        closing.part = mr_aggregate_pane_at(&pipeline->lanes[t].apart, start_us);
        if (closing.part != NULL && closing.part != closing.whole) {
            MR_TRY(absorb(&closing, err));
        }
    }
    bool alone = closing.whole->groups.count < pipeline->shared_rows;
    pipeline->lanes[0].batch.err = err;
    MR_TRY(mr_pane_list(closing.whole, &pipeline->lanes[0].batch, &closing.groups));
    MR_TRY(mr_pipeline_on_threads(pipeline, alone, emit_task, &closing, err));
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        mr_aggregate_clear(&pipeline->lanes[t].apart, start_us);
    }
    return MR_OK;
}

static bool oldest_ended(const MrPipeline *pipeline, int64_t watermark_us, int64_t *start_us)
{
    bool found = false;
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        int64_t start;
        if (mr_aggregate_oldest_ended(&pipeline->lanes[t].apart, watermark_us, &start) &&
            (!found || start < *start_us)) {
            *start_us = start;
            found = true;
        }
    }
    return found;
}

static bool lanes_hold(const MrPipeline *pipeline, int64_t start_us)
{
    for (uint32_t l = 0; l < pipeline->lane_count; l++) {
        if (mr_aggregate_pane_at(&pipeline->lanes[l].group_by, start_us) != NULL) {
            return true;
        }
    }
    return false;
}

/* Sends the windows that W ends, or makes them whole where they end with the lanes. */
static MrStatus close_panes(MrPipeline *pipeline, int64_t watermark_us, MrError *err)
{
    uint64_t before = groups_apart(pipeline);
    int64_t start_us = MR_TIME_MIN;
    if (!pipeline->closes_apart) {
        return mr_pipeline_merge_apart(pipeline, err);
    }
    while (oldest_ended(pipeline, watermark_us, &start_us)) {
        MR_TRY(lanes_hold(pipeline, start_us) ? merge_until(pipeline, start_us, before, err)
                                              : close_pane(pipeline, start_us, err));
    }
    uint64_t left = groups_apart(pipeline);
    if (left < before) {
        judge(pipeline, before - left, left);
    }
    return MR_OK;
}

/* ---- a round --------------------------------------------------------------------------------- */

/* The counters of what was done apart, to the operator that is shown. */
static void take_counts(MrPipeline *pipeline)
{
    for (uint32_t t = 0; t < pipeline->thread_count; t++) {
        MrLane *lane = &pipeline->lanes[t];
        MrOperator *shown = lane_operator(pipeline, pipeline->lane_count > 1 ? t : 0);
        shown->rows_in += lane->rows_apart;
        shown->rows_out += lane->apart.rows_out;
        pipeline->apart_rows += lane->rows_apart;
        lane->rows_apart = lane->apart.rows_out = 0;
    }
}

/* All chunks to the groups apart.  Where these become too many the lanes take them over first. */
static MrStatus take_chunks(MrPipeline *pipeline, MrRound *round, MrError *err)
{
    for (;;) {
        MR_TRY(mr_pipeline_on_threads(pipeline, false, take_task, round, err));
        take_counts(pipeline);
        MR_TRY(mr_pipeline_end_round(pipeline, err));
        if (atomic_load_explicit(&round->next, memory_order_relaxed) >= round->count) {
            return MR_OK;
        }
        MR_TRY(mr_pipeline_merge_apart(pipeline, err));
    }
}

/* No window ends within a round: it may be long while its groups are few.  Where panes are merged
 * into windows, one late row has the whole round go the other way. */
static void adapt_round(MrPipeline *pipeline, uint64_t groups)
{
    const MrAggregateState *state = pipeline->lanes[0].apart.state;
    const uint64_t most = APART_GROUPS_MAX * (uint64_t)pipeline->thread_count;
    if (groups > most / 2) {
        pipeline->apart_chunks = MR_ROUND_CHUNKS;
    } else if (groups < most / 4 && !state->merges_panes &&
               pipeline->apart_chunks < MR_APART_CHUNKS_MAX) {
        pipeline->apart_chunks *= 2;
    }
}

MrStatus mr_pipeline_run_apart(MrPipeline *pipeline, MrRound *round, MrError *err)
{
    MR_TRY(take_chunks(pipeline, round, err));
    MrChunk last = { .watermark_after_us = mr_round_watermark(round) };
    uint64_t groups = groups_apart(pipeline);
    adapt_round(pipeline, groups);
    bool closes = last.watermark_after_us >= mr_pipeline_next_close_us(pipeline) ||
                  last.watermark_after_us >= mr_pipeline_next_arrival_close_us(pipeline);
    if (closes) {
        MR_TRY(close_panes(pipeline, last.watermark_after_us, err));
    }
    if (last.watermark_after_us != MR_TIME_MIN) {
        MrRound rest = { .pipeline = pipeline, .chunks = &last, .count = 1 };
        bool alone = !closes || groups_of_lanes(pipeline) < pipeline->shared_rows;
        MR_TRY(mr_pipeline_finish_round(&rest, alone, err));
        take_counts(pipeline);
    }
    return is_short_of_memory(pipeline) ? mr_pipeline_settle(pipeline, err) : MR_OK;
}
