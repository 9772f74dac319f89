/*
 * engine/pipeline_late.c - late rows of a stream that a plan reads in two ways.
 *
 * A block goes down one way, and then down the other.  An operator where both meet has the W of
 * before the block until then, by which a row that comes late within the block would not be late.
 * So such a row is an input of its own: W before it is told everywhere first.  The rows between are
 * late by no W that the block has, and go together.
 */
#include <string.h>

#include "engine/pipeline_internal.h"

/* Two inputs of one node, or of one below, come from the source. */
static bool meets_itself(const MrDag *dag, uint32_t source, bool *reads)
{
    bool meets = false;
    for (uint32_t i = 0; i < dag->node_count; i++) {
        const MrDagNode *node = &dag->nodes[i];
        const bool left = node->input >= 0 && reads[node->input];
        const bool right = node->right >= 0 && reads[node->right];
        const bool is_scan =
            node->kind == MR_OPERATOR_SCAN && ((const MrScanSpec *)node->spec)->source == source;
        reads[i] = left || right || is_scan;
        meets = meets || (left && right);
    }
    return meets;
}

MrStatus mr_pipeline_find_meeting(MrPipeline *pipeline, MrError *err)
{
    const MrDag *dag = pipeline->dag;
    bool *reads;
    MR_NEW_ARRAY(&pipeline->arena, pipeline->meets_itself, pipeline->scan_count + 1, err);
    MR_NEW_ARRAY(&pipeline->arena, reads, dag->node_count, err);
    for (uint32_t s = 0; s < pipeline->scan_count && !pipeline->is_chain; s++) {
        const MrScanSpec *spec = dag->nodes[pipeline->scans[s]].spec;
        pipeline->meets_itself[s] = spec->kind == MR_SCAN_STREAM && spec->event_column >= 0 &&
                                    !spec->by_arrival && meets_itself(dag, spec->source, reads);
    }
    return MR_OK;
}

/* The event times of the input's rows; NULL: it goes as it is. */
static const MrVector *times_of(const MrPipeline *pipeline, const MrPipelineInput *input)
{
    if (input->block == NULL || input->block->place.watermarks == NULL) {
        return NULL;
    }
    for (uint32_t s = 0; s < pipeline->scan_count; s++) {
        const MrScanSpec *spec = pipeline->dag->nodes[pipeline->scans[s]].spec;
        if (pipeline->meets_itself[s] && spec->source == input->source) {
            return &input->block->columns[spec->event_column];
        }
    }
    return NULL;
}

static uint32_t next_late(const MrBlock *block, const MrVector *times, uint32_t row)
{
    for (; row < block->row_count; row++) {
        int64_t at_us;
        memcpy(&at_us, mr_vector_cell(times, row), sizeof at_us);
        if (!mr_vector_is_null(times, row) && at_us < block->place.watermarks[row]) {
            break;
        }
    }
    return row;
}

static MrStatus take_rows(const MrBlock *block, uint32_t first, uint32_t count, bool is_late,
                          MrArena *arena, MrBlock **out, MrError *err)
{
    const int64_t *watermarks = block->place.watermarks + first;
    const uint32_t left = block->row_count - first;
    uint32_t *rows;
    MR_NEW_ARRAY(arena, rows, count, err);
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = first + i;
    }
    MR_TRY(mr_block_select(arena, block, rows, count, out, err));
    MrPlace *place = &(*out)->place;
    place->watermark_us = watermarks[0];
    place->watermark_after_us = count < left ? watermarks[count] : place->watermark_after_us;
    place->watermarks = is_late ? place->watermarks : NULL;
    return MR_OK;
}

bool mr_pipeline_is_parted(const MrPipeline *pipeline, const MrPipelineInput *input)
{
    return times_of(pipeline, input) != NULL;
}

MrStatus mr_pipeline_take_part(const MrPipeline *pipeline, const MrPipelineInput *input,
                               uint32_t *row, MrArena *arena, MrPipelineInput *out, MrError *err)
{
    const MrBlock *block = input->block;
    const uint32_t late = next_late(block, times_of(pipeline, input), *row);
    const bool is_late = late == *row;
    const uint32_t count = is_late ? 1 : late - *row;
    MrBlock *taken;
    MR_TRY(take_rows(block, *row, count, is_late, arena, &taken, err));
    *row += count;
    const bool is_last = *row == block->row_count;
    *out = *input;
    out->block = taken;
    out->watermark_after_us = is_last ? input->watermark_after_us : taken->place.watermark_after_us;
    out->sequence =
        input->sequence > 0 ? input->sequence : mr_block_sequence(block, block->row_count - 1);
    return MR_OK;
}
