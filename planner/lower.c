/*
 * planner/lower.c - one operator per logical node, and which edges carry rows that are taken back.
 * Must not know SQL text.
 */
#include "planner/lower.h"

#include "common/timezone.h"
#include "planner/lower_internal.h"
#include "planner/share.h"
#include "planner/standing.h"
#include "planner/window.h"

/* ---- Nodes ------------------------------------------------------------------------------- */

MrStatus mr_lowering_push(MrLowering *lowering, MrOperatorKind kind, const void *spec,
                          int32_t input, int32_t right, const MrSchema *schema, bool retracts)
{
    MrDag *dag = lowering->dag;
    if (dag->node_count == lowering->capacity) {
        return mr_error_set(lowering->err, MR_ERR_INTERNAL,
                            "a plan has more operators than were counted");
    }
    dag->nodes[dag->node_count] =
        (MrDagNode){ .kind = kind,
                     .spec = spec,
                     .input = input,
                     .right = right,
                     .schema = *schema,
                     .retracts = retracts,
                     .part = lowering->view != NULL ? lowering->view->name : NULL,
                     .zone = lowering->zone };
    lowering->top = (int32_t)dag->node_count++;
    return MR_OK;
}

MrStatus mr_lowering_append(MrLowering *lowering, MrOperatorKind kind, const void *spec,
                            const MrSchema *schema, bool retracts)
{
    return mr_lowering_push(lowering, kind, spec, lowering->top, -1, schema, retracts);
}

const MrDagNode *mr_lowering_top(const MrLowering *lowering)
{
    return &lowering->dag->nodes[lowering->top];
}

MrStatus mr_lowering_schema(MrLowering *lowering, const MrLogical *node, MrSchema *out)
{
    MrColumn *columns;
    MR_NEW_ARRAY(lowering->arena, columns, node->column_count, lowering->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        const MrLogicalColumn *column = &node->columns[i];
        columns[i] = (MrColumn){ .name = column->name != NULL ? column->name : "?column?",
                                 .type = column->type,
                                 .not_null = column->not_null };
    }
    *out = (MrSchema){ .column_count = node->column_count, .columns = columns };
    return MR_OK;
}

/* The left input stands at `left`, the right one was made last. */
static MrStatus lower_union(MrLowering *lowering, const MrLogical *node, int32_t left)
{
    MrUnionSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    spec->column_count = node->column_count;
    return mr_lowering_push(lowering, MR_OPERATOR_UNION, spec, left, lowering->top, &schema,
                            lowering->dag->nodes[left].retracts ||
                                mr_lowering_top(lowering)->retracts);
}

/* Its scan stands among the operators of its second input.  Where inputs change, the rows that are
 * there follow. */
static MrStatus lower_recursion(MrLowering *lowering, const MrLogical *node, int32_t left)
{
    const MrDag *dag = lowering->dag;
    const bool retracts = dag->nodes[left].retracts || mr_lowering_top(lowering)->retracts;
    const bool changes = lowering->options->is_standing || retracts;
    MrRecursionSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    spec->is_distinct = node->is_distinct;
    spec->numbers_copies = node->numbers_copies;
    spec->may_go_round = !node->is_distinct && !node->is_traced;
    for (uint32_t i = (uint32_t)left + 1; i < dag->node_count; i++) {
        const MrScanSpec *scan = dag->nodes[i].spec;
        if (dag->nodes[i].kind == MR_OPERATOR_SCAN && scan->kind == MR_SCAN_STEP &&
            scan->stream_id == node->recursion) {
            spec->scan = i;
        }
    }
    return mr_lowering_push(lowering, changes ? MR_OPERATOR_FIXPOINT : MR_OPERATOR_RECURSION, spec,
                            left, lowering->top, &schema, retracts);
}

static bool is_identity(MrExpr *const *exprs, uint32_t count, uint32_t input_columns)
{
    if (count != input_columns) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i]->kind != MR_EXPR_COLUMN || exprs[i]->column != i) {
            return false;
        }
    }
    return true;
}

MrStatus mr_lowering_project(MrLowering *lowering, MrExpr *const *exprs, uint32_t count,
                             const MrSchema *schema)
{
    MrProjectSpec *spec;
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->expressions = (const MrExpr *const *)exprs;
    spec->expression_count = count;
    return mr_lowering_append(lowering, MR_OPERATOR_PROJECT, spec, schema,
                              mr_lowering_top(lowering)->retracts);
}

static MrStatus lower_project(MrLowering *lowering, const MrLogical *node)
{
    MrSchema schema;
    if (is_identity(node->expressions, node->column_count,
                    mr_lowering_top(lowering)->schema.column_count)) {
        return MR_OK;
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_project(lowering, node->expressions, node->column_count, &schema);
}

static MrStatus lower_expand(MrLowering *lowering, const MrLogical *node)
{
    MrExpandSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrExpandSpec){ .keys = node->expand_keys,
                            .key_count = node->expand_key_count,
                            .sets = node->sets,
                            .set_count = node->set_count };
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_append(lowering, MR_OPERATOR_EXPAND, spec, &schema,
                              mr_lowering_top(lowering)->retracts);
}

static MrStatus lower_project_set(MrLowering *lowering, const MrLogical *node)
{
    MrProjectSetSpec *spec;
    MrSetCall *calls;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_NEW_ARRAY(lowering->arena, calls, node->set_call_count, lowering->err);
    for (uint32_t c = 0; c < node->set_call_count; c++) {
        calls[c].function = node->set_calls[c].function;
        memcpy(calls[c].args, node->set_calls[c].args, sizeof calls[c].args);
    }
    *spec = (MrProjectSetSpec){ .calls = calls,
                                .call_count = node->set_call_count,
                                .keeps_rows = node->keeps_rows };
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_append(lowering, MR_OPERATOR_PROJECT_SET, spec, &schema,
                              mr_lowering_top(lowering)->retracts);
}

static MrStatus lower_sort(MrLowering *lowering, const MrLogical *node)
{
    MrSortSpec *spec;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrSortSpec){ .keys = node->sort_keys,
                          .key_count = node->sort_key_count,
                          .limit = node->limit,
                          .offset = node->offset };
    return mr_lowering_append(lowering, MR_OPERATOR_SORT, spec, &mr_lowering_top(lowering)->schema,
                              mr_lowering_top(lowering)->retracts);
}

/* ---- Windows ----------------------------------------------------------------------------- */

/* A time that is no column of the input becomes one, behind the others. */
static MrStatus project_time(MrLowering *lowering, const MrLogical *node)
{
    MrSchema schema;
    MrColumn *columns;
    MrExpr **exprs;
    uint32_t count = node->input->column_count;
    MR_TRY(mr_lowering_schema(lowering, node->input, &schema));
    MR_NEW_ARRAY(lowering->arena, columns, count + 1, lowering->err);
    MR_NEW_ARRAY(lowering->arena, exprs, count + 1, lowering->err);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = schema.columns[i];
        MR_TRY(mr_expr_column(lowering->arena, i, columns[i].type, -1, &exprs[i], lowering->err));
    }
    columns[count] = (MrColumn){ .name = "?column?", .type = node->time->type };
    exprs[count] = node->time;
    schema = (MrSchema){ .column_count = count + 1, .columns = columns };
    return mr_lowering_project(lowering, exprs, count + 1, &schema);
}

static MrStatus lower_window(MrLowering *lowering, const MrLogical *node)
{
    MrRowWindowSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrRowWindowSpec){ .window = node->window,
                               .time_column = node->time->column,
                               .column_count = node->input->column_count,
                               .judges_late = node->judges_late,
                               .allowed_lateness_us =
                                   mr_window_lateness_us(node, lowering->allowed_lateness_us) };
    if (node->time->kind != MR_EXPR_COLUMN) {
        spec->time_column = node->input->column_count;
        MR_TRY(project_time(lowering, node));
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_append(lowering, MR_OPERATOR_WINDOW, spec, &schema,
                              mr_lowering_top(lowering)->retracts);
}

/* ---- The whole --------------------------------------------------------------------------- */

/* The rows of a view with the places of the records that closed their windows. */
static MrStatus lower_place(MrLowering *lowering, const MrLogical *node)
{
    MrPlaceSpec *spec;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrPlaceSpec){ .by_arrival = node->by_arrival,
                           .orders_rows = node->orders_rows,
                           .order = node->order,
                           .order_count = node->order_count };
    return mr_lowering_append(lowering, MR_OPERATOR_PLACE, spec, &mr_lowering_top(lowering)->schema,
                              mr_lowering_top(lowering)->retracts);
}

static MrStatus lower_since(MrLowering *lowering, const MrLogical *node)
{
    MrSinceSpec *spec;
    const MrDagNode *input = mr_lowering_top(lowering);
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->compared = node->compared;
    spec->compared_count = node->compared_count;
    spec->keeps_old = input->retracts; /* not, where rows come once although they could change */
    if (lowering->view != NULL) {
        memcpy(spec->query, lowering->view->standing->id, sizeof spec->query);
    }
    return mr_lowering_append(lowering, MR_OPERATOR_SINCE, spec, &input->schema, input->retracts);
}

/* A view's part keeps the view's settings.  Where the query waits for windows to close, so does the
 * part: rows before that are nothing to it. */
static MrStatus lower_result(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    MrLowering own = *lowering;
    MrLowerOptions options = *lowering->options;
    const MrStandingQuery *standing = node->relation->standing;
    const bool is_apart = node->is_subquery && !own.options->is_standing;
    options.is_standing = true; /* at the prompt too: its rows are those that the view gives */
    lowering->options = &options;
    lowering->emit = own.emit == MR_EMIT_MODE_CLOSE ? own.emit : standing->emit;
    if (!node->is_subquery) {
        lowering->view = node->relation;
        lowering->allowed_lateness_us = standing->allowed_lateness_us;
    } else if (is_apart) { /* the same part around it gives other rows */
        lowering->lowered = NULL;
        lowering->lowered_count = 0;
    }
    if (!node->is_subquery && mr_timezone_find_stored(mr_string(node->relation->zone_name),
                                                      &lowering->zone, NULL) != MR_OK) {
        lowering->zone = mr_timezone_utc();
    }
    MrStatus status = mr_lower_node(lowering, node->input, has_reader);
    lowering->options = own.options;
    if (is_apart) {
        lowering->lowered = own.lowered;
        lowering->lowered_count = own.lowered_count;
    }
    lowering->view = own.view;
    lowering->emit = own.emit;
    lowering->allowed_lateness_us = own.allowed_lateness_us;
    lowering->zone = own.zone;
    return status == MR_OK && node->gives_place ? lower_place(lowering, node) : status;
}

/* Where a value of the new row fails the old one must go all the same. */
static bool can_fail(const MrLogical *project)
{
    for (uint32_t i = 0; i < project->column_count; i++) {
        if (mr_expr_is_fallible(project->expressions[i])) {
            return true;
        }
    }
    return false;
}

/* `has_reader`: a node stands above that must hear of rows that are taken back. */
static MrStatus lower_anew(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    bool reads = node->keeps_old || node->kind == MR_LOGICAL_FILTER ||
                 node->kind == MR_LOGICAL_AGGREGATE || node->kind == MR_LOGICAL_OVER ||
                 node->kind == MR_LOGICAL_TOP_N || node->kind == MR_LOGICAL_PROJECT_SET ||
                 node->kind == MR_LOGICAL_RECURSION ||
                 (node->kind == MR_LOGICAL_PROJECT && can_fail(node));
    int32_t left = -1;
    if (node->kind == MR_LOGICAL_RESULT) {
        return lower_result(lowering, node, has_reader);
    }
    if (node->kind == MR_LOGICAL_JOIN) {
        return node->asof.is_used ? mr_lower_asof(lowering, node)
                                  : mr_lower_join(lowering, node, has_reader);
    }
    if (node->input != NULL) {
        MR_TRY(mr_lower_node(lowering, node->input, has_reader || reads));
        left = lowering->top;
    }
    if (node->right != NULL) {
        const bool steps_retract = lowering->steps_retract;
        if (node->kind == MR_LOGICAL_RECURSION) {
            lowering->steps_retract =
                lowering->options->is_standing && mr_standing_can_change(node);
        }
        MR_TRY(mr_lower_node(lowering, node->right, has_reader || reads));
        lowering->steps_retract = steps_retract;
    }
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return mr_lower_scan(lowering, node);
    case MR_LOGICAL_FILTER: return mr_lower_filter(lowering, node);
    case MR_LOGICAL_PROJECT: return lower_project(lowering, node);
    case MR_LOGICAL_EXPAND: return lower_expand(lowering, node);
    case MR_LOGICAL_PROJECT_SET: return lower_project_set(lowering, node);
    case MR_LOGICAL_AGGREGATE: return mr_lower_aggregate(lowering, node, has_reader);
    case MR_LOGICAL_SINCE: return lower_since(lowering, node);
    case MR_LOGICAL_SORT: return node->materialized != 0 ? MR_OK : lower_sort(lowering, node);
    case MR_LOGICAL_OVER: return mr_lower_over(lowering, node, has_reader);
    case MR_LOGICAL_TOP_N: return mr_lower_top_n(lowering, node, has_reader);
    case MR_LOGICAL_UNION: return lower_union(lowering, node, left);
    case MR_LOGICAL_RECURSION: return lower_recursion(lowering, node, left);
    case MR_LOGICAL_WINDOW: return lower_window(lowering, node);
    case MR_LOGICAL_JOIN:
    case MR_LOGICAL_RESULT: break;
    }
    return mr_error_set(lowering->err, MR_ERR_INTERNAL, "a node of the plan has no operator");
}

/* Parts that are the same, with the same readers and settings, are one operator. */
MrStatus mr_lower_node(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    const bool may_share =
        lowering->may_share && lowering->lowered_count > 0 && !mr_logical_reads_step(node);
    for (uint32_t i = 0; i < lowering->lowered_count; i++) {
        const MrLowered *lowered = &lowering->lowered[i];
        bool is_alike = lowered->has_reader == has_reader && lowered->view == lowering->view;
        if ((node->materialized != 0 || (is_alike && may_share)) &&
            mr_logical_equal(lowered->node, node)) {
            lowering->top = lowered->index;
            return MR_OK;
        }
    }
    MR_TRY(lower_anew(lowering, node, has_reader));
    /* Two scans of a relation are one pass over its blocks already. */
    if (lowering->lowered != NULL && mr_lowering_top(lowering)->kind != MR_OPERATOR_SCAN) {
        lowering->lowered[lowering->lowered_count++] = (MrLowered){
            .node = node, .view = lowering->view, .has_reader = has_reader, .index = lowering->top
        };
    }
    return MR_OK;
}

/* The root has the names of the query, also where a projection that only renames was left out. */
static MrStatus lower_root(MrLowering *lowering, const MrLogical *tree)
{
    const MrLowerOptions *options = lowering->options;
    MrSchema schema;
    MR_TRY(mr_lowering_schema(lowering, tree, &schema));
    if (options->is_standing) {
        MrDeliverSpec *deliver;
        MR_NEW(lowering->arena, deliver, lowering->err);
        deliver->keys = options->keys;
        deliver->key_count = options->append_only ? 0 : options->key_count;
        return mr_lowering_append(lowering, MR_OPERATOR_DELIVER, deliver, &schema,
                                  mr_lowering_top(lowering)->retracts);
    }
    MrCollectSpec *collect;
    MR_NEW(lowering->arena, collect, lowering->err);
    collect->visible_columns = options->visible_columns;
    return mr_lowering_append(lowering, MR_OPERATOR_COLLECT, collect, &schema,
                              mr_lowering_top(lowering)->retracts);
}

MrStatus mr_lower(MrArena *arena, const MrLogical *tree, const MrLowerOptions *options,
                  MrPlan *plan, MrError *err)
{
    MrLowering lowering = { .arena = arena,
                            .options = options,
                            .emit = options->emit,
                            .allowed_lateness_us = options->allowed_lateness_us,
                            .err = err };
    uint32_t nodes = mr_logical_node_count(tree);
    lowering.capacity = 1 + nodes * 3; /* an aggregate may need a projection, a join two */
    MR_NEW(arena, lowering.dag, err);
    MR_NEW_ARRAY(arena, lowering.dag->nodes, lowering.capacity, err);
    MR_NEW_ARRAY(arena, lowering.scans, nodes, err);
    lowering.may_share = mr_logical_may_share(tree);
    if (lowering.may_share || mr_logical_has_materialized(tree)) {
        MR_NEW_ARRAY(arena, lowering.lowered, nodes, err);
    }
    lowering.dag->zone = options->zone;
    lowering.dag->now_us = options->now_us;
    MR_TRY(mr_lower_node(&lowering, tree, options->keeps_old));
    MR_TRY(lower_root(&lowering, tree));
    plan->dag = lowering.dag;
    plan->scans = lowering.scans;
    plan->scan_count = lowering.scan_count;
    return MR_OK;
}
