/*
 * engine/operators/aggregate_judge.c - whether rows of groups can be computed, behind every record:
 * the groups that it changed go through the stateless operators behind, which note what fails, and
 * nothing is handed on.  What the flush gives later has been judged by then.
 */
#include "engine/operators/aggregate.h"

/* The operators behind, up to the last one that can fail. */
struct MrGroupJudge {
    MrOperator *steps; /* copies; a projection at the end computes only what can fail */
    uint32_t step_count;
    bool *is_read; /* per column of the groups' rows; NULL: all */
};

static bool can_fail(const MrOperator *op)
{
    const MrProjectSpec *project = op->spec;
    if (op->node->kind == MR_OPERATOR_FILTER) {
        return mr_expr_is_fallible(((const MrFilterSpec *)op->spec)->predicate);
    }
    if (op->node->kind != MR_OPERATOR_PROJECT) {
        return true;
    }
    for (uint32_t i = 0; i < project->expression_count; i++) {
        if (mr_expr_is_fallible(project->expressions[i])) {
            return true;
        }
    }
    return false;
}

/* Its expressions that can fail, in their order: the first that does names the error. */
static MrStatus narrow_projection(MrOperator *step, MrError *err)
{
    const MrProjectSpec *all = step->spec;
    MrProjectSpec *some;
    const MrExpr **expressions;
    MR_NEW(step->arena, some, err);
    MR_NEW_ARRAY(step->arena, expressions, all->expression_count, err);
    for (uint32_t i = 0; i < all->expression_count; i++) {
        if (mr_expr_is_fallible(all->expressions[i])) {
            expressions[some->expression_count++] = all->expressions[i];
        }
    }
    some->expressions = expressions;
    step->spec = some;
    step->state = mr_arena_calloc(step->arena, 1, step->op_class->state_size);
    return step->state == NULL ? mr_error_no_memory(err) : step->op_class->open(step, err);
}

static void note_column(void *context, const MrExpr *node)
{
    bool *is_read = context;
    if (node->kind == MR_EXPR_COLUMN) {
        is_read[node->column] = true;
    }
}

/* Filters pass on all columns, to the projection that ends it. */
static MrStatus find_columns(const MrOperator *op, MrGroupJudge *judge, MrError *err)
{
    bool *is_read;
    MR_NEW_ARRAY(op->arena, is_read, op->node->schema.column_count + 1, err);
    for (uint32_t s = 0; s < judge->step_count; s++) {
        const MrOperator *step = &judge->steps[s];
        const bool is_last = s + 1 == judge->step_count;
        if (step->node->kind == MR_OPERATOR_FILTER) {
            mr_expr_walk(((const MrFilterSpec *)step->spec)->predicate, note_column, is_read);
        } else if (step->node->kind == MR_OPERATOR_PROJECT && is_last) {
            const MrProjectSpec *project = step->spec;
            for (uint32_t i = 0; i < project->expression_count; i++) {
                mr_expr_walk(project->expressions[i], note_column, is_read);
            }
        } else {
            return MR_OK;
        }
    }
    judge->is_read = is_read;
    return MR_OK;
}

bool mr_aggregate_can_judge(const MrAggregateSpec *spec, const MrSchema *input)
{
    const bool has_panes = spec->window_kind == MR_GROUP_WINDOW_NONE ||
                           spec->window_kind == MR_GROUP_WINDOW_TUMBLE ||
                           spec->window_kind == MR_GROUP_WINDOW_HOP;
    return has_panes && spec->emit == MR_EMIT_MODE_UPDATE && mr_aggregate_pane_us(spec, input) == 0;
}

MrStatus mr_aggregate_judge_open(MrOperator *op, MrError *err)
{
    MrAggregateState *state = op->state;
    MrGroupJudge *judge;
    uint32_t behind = 0;
    MR_NEW(op->arena, judge, err);
    for (const MrOperator *to = op->output; to->op_class->apply != NULL; to = to->output) {
        behind++;
    }
    MR_NEW_ARRAY(op->arena, judge->steps, behind + 1, err);
    const MrOperator *to = op->output;
    for (uint32_t s = 0; s < behind; s++, to = to->output) {
        judge->steps[s] = *to;
        judge->step_count = can_fail(to) ? s + 1 : judge->step_count;
    }
    MrOperator *last = judge->step_count == 0 ? NULL : &judge->steps[judge->step_count - 1];
    if (last != NULL && last->node->kind == MR_OPERATOR_PROJECT) {
        MR_TRY(narrow_projection(last, err));
    }
    MR_TRY(find_columns(op, judge, err));
    state->judge = judge;
    for (uint32_t p = 0; p < state->pane_count; p++) { /* groups that are there before any row */
        MrPane *pane = state->panes[p];
        MR_TRY(mr_pane_mark_unjudged(op, pane, pane->dirty, pane->dirty_count, err));
    }
    return MR_OK;
}

static MrStatus judge_groups(MrOperator *op, const MrPane *pane, const uint32_t *groups,
                             uint32_t count, MrBatch *batch)
{
    const MrAggregateState *state = op->state;
    const MrGroupJudge *judge = state->judge;
    MrBlock *rows;
    MR_TRY(mr_aggregate_rows(op, &pane->groups, pane->start_us, groups, count, 1, judge->is_read,
                             batch, &rows));
    const MrBlock *block = rows;
    for (uint32_t s = 0; s < judge->step_count && block != NULL; s++) {
        const MrOperator *step = &judge->steps[s];
        const MrBlock *out = NULL;
        MR_TRY(step->op_class->apply(step, block, batch, &out));
        block = out;
    }
    return MR_OK;
}

MrStatus mr_pane_judge(MrOperator *op, MrPane *pane, MrBatch *batch)
{
    uint32_t *groups, count = 0;
    if (pane->unjudged_count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, groups, pane->unjudged_count, batch->err);
    for (uint32_t i = 0; i < pane->unjudged_count; i++) {
        const uint32_t group = pane->unjudged[i];
        mr_group_header(&pane->groups, group)->flags &= ~(uint32_t)MR_GROUP_UNJUDGED;
        groups[count] = group;
        count += mr_group_is_alive(op, mr_group_state(&pane->groups, group));
    }
    pane->unjudged_count = 0;
    for (uint32_t first = 0; first < count; first += MR_VECTOR_ROWS) {
        const uint32_t rows = count - first < MR_VECTOR_ROWS ? count - first : MR_VECTOR_ROWS;
        MR_TRY(judge_groups(op, pane, groups + first, rows, batch));
    }
    return MR_OK;
}

MrStatus mr_aggregate_judge(MrOperator *op, MrBatch *batch)
{
    const MrAggregateState *state = op->state;
    for (uint32_t p = 0; p < state->pane_count; p++) {
        MR_TRY(mr_pane_judge(op, state->panes[p], batch));
    }
    return MR_OK;
}
