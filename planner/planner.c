/*
 * planner/planner.c - the entries for queries: bind, rewrite, lower, and describe the result.
 */
#include "planner/planner.h"

#include "common/hash.h"
#include "common/timezone.h"
#include "planner/binder.h"
#include "planner/dependent.h"
#include "planner/dispatch.h"
#include "planner/flink.h"
#include "planner/flink_feed.h"
#include "planner/integral.h"
#include "planner/judged.h"
#include "planner/lower.h"
#include "planner/rewrite.h"
#include "planner/since.h"
#include "planner/standing.h"

#include <string.h>

static MrStatus output_schema(MrBinder *b, const MrLogical *root, uint32_t count, MrSchema *out)
{
    MrColumn *columns;
    MR_NEW_ARRAY(b->arena, columns, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        const MrLogicalColumn *column = &root->columns[i];
        columns[i] = (MrColumn){ .name = column->name != NULL ? column->name : "?column?",
                                 .type = column->type,
                                 .not_null = column->not_null };
        if (mr_type_is_record(column->type.id)) {
            columns[i].type.typmod = -1; /* its shape is known within the statement only */
        }
    }
    *out = (MrSchema){ .column_count = count, .columns = columns };
    return MR_OK;
}

/* What nothing in the statement gave a type becomes text, as in PostgreSQL. */
static void settle_parameters(MrPlannerContext *context)
{
    MrParameters *parameters = context->parameters;
    for (uint32_t i = 0; parameters != NULL && parameters->values == NULL && i < parameters->count;
         i++) {
        if (parameters->types[i].id == MR_TYPE_UNKNOWN && parameters->is_named != NULL &&
            parameters->is_named[i]) {
            parameters->types[i] = mr_type(MR_TYPE_TEXT);
        }
    }
}

bool mr_plan_scan_is_logged(const MrPlanScan *scan)
{
    return scan->spec->kind == MR_SCAN_STREAM || scan->spec->kind == MR_SCAN_TABLE;
}

const MrPlanScan *mr_plan_stream(const MrPlan *plan, uint32_t stream_id)
{
    for (uint32_t i = 0; i < plan->scan_count; i++) {
        if (mr_plan_scan_is_logged(&plan->scans[i]) &&
            plan->scans[i].spec->stream_id == stream_id) {
            return &plan->scans[i];
        }
    }
    return NULL;
}

bool mr_plan_is_first_scan(const MrPlan *plan, uint32_t scan)
{
    for (uint32_t i = 0; i < scan; i++) {
        if (plan->scans[i].spec->source == plan->scans[scan].spec->source) {
            return false;
        }
    }
    return true;
}

MrStatus mr_planner_select(MrPlannerContext *context, const MrAstQuery *query, MrPlan **out,
                           MrError *err)
{
    MrBinder binder;
    MrBoundQuery bound;
    MrPlan *plan;
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_NEW(context->arena, plan, err);
    MR_TRY(mr_bind_query(&binder, query, true, &bound));
    MR_TRY(output_schema(&binder, bound.node, bound.visible, &plan->output));
    MR_TRY(mr_rewrite_all(&binder, &bound.node));
    MrLowerOptions options = { .emit = MR_EMIT_MODE_UPDATE,
                               .visible_columns = bound.visible,
                               .zone = context->zone,
                               .now_us = context->now_us };
    MR_TRY(mr_lower(context->arena, bound.node, &options, plan, err));
    MR_TRY(mr_dependent_parents(context->arena, bound.node, plan, err));
    settle_parameters(context);
    plan->visible_columns = bound.visible;
    plan->names = context->names;
    *out = plan;
    return MR_OK;
}

/* CREATE … VIEW v (a, b): names from the left. */
static MrStatus rename_columns(MrBinder *b, const MrNameList *names, int32_t position,
                               MrLogical *root, uint32_t visible)
{
    if (names->count > visible) {
        return mr_bind_error(b, MR_ERR_SYNTAX, position,
                             "CREATE VIEW specifies more column names than columns");
    }
    for (uint32_t i = 0; i < names->count; i++) {
        root->columns[i].name = names->items[i];
    }
    for (uint32_t i = 0; i < visible; i++) {
        MR_TRY(mr_column_check_name(root->columns[i].name, -1, b->err));
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(root->columns[i].name, root->columns[j].name) == 0) {
                mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, -1,
                              "column \"%s\" specified more than once", root->columns[i].name);
                return mr_error_hint(b->err, "Give one of them another name with AS.");
            }
        }
    }
    return MR_OK;
}

static MrStatus check_has_columns(MrBinder *b, const MrBoundQuery *bound)
{
    if (bound->visible == 0) {
        return mr_bind_error(b, MR_ERR_INVALID_TABLE_DEFINITION, -1,
                             "view must have at least one column");
    }
    return MR_OK;
}

static MrStatus refuse_temporary(MrBinder *b, const MrAstCreateView *statement)
{
    if (statement->temporary) {
        return mr_bind_unsupported(b, statement->base.position,
                                   "Leave TEMPORARY out, and DROP it when done.",
                                   "temporary views are not supported yet");
    }
    return MR_OK;
}

/* The plan without what changes no answer: what its streams and views are called. */
static MrStatus without_names(MrBinder *b, const MrPlan *plan, MrPlan *out)
{
    MrDag *dag;
    MR_NEW(b->arena, dag, b->err);
    *dag = *plan->dag;
    MR_NEW_ARRAY(b->arena, dag->nodes, dag->node_count, b->err);
    for (uint32_t i = 0; i < dag->node_count; i++) {
        MrDagNode *node = &dag->nodes[i];
        *node = plan->dag->nodes[i];
        node->part = NULL;
        if (node->kind == MR_OPERATOR_SCAN &&
            ((const MrScanSpec *)node->spec)->kind == MR_SCAN_STREAM) {
            MrScanSpec *spec;
            MR_NEW(b->arena, spec, b->err);
            *spec = *(const MrScanSpec *)node->spec;
            spec->relation = mr_arena_printf(b->arena, "%u", spec->stream_id);
            if (spec->relation == NULL) {
                return mr_error_no_memory(b->err);
            }
            node->spec = spec;
        }
    }
    *out = *plan;
    out->dag = dag;
    out->is_nameless = true;
    dag->judges_records = false;           /* when rows are looked at neither */
    out->dispatch = (MrPlanDispatch){ 0 }; /* how rows come changes no answer */
    return MR_OK;
}

static MrStatus hash_plan(MrBinder *b, MrPlan *plan)
{
    MrBuilder text;
    MrPlan nameless;
    MR_TRY(without_names(b, plan, &nameless));
    mr_builder_init(&text, 0);
    MrStatus status = mr_planner_explain(&nameless, MR_EXPLAIN_TEXT, true, &text, b->err);
    if (status == MR_OK && text.failed) {
        status = mr_error_no_memory(b->err);
    }
    if (status == MR_OK) {
        /* The zone decides what dates mean; nothing else outside the text changes an answer. */
        const char *zone =
            b->context->zone != NULL ? mr_timezone_stored_name(b->context->zone) : "UTC";
        plan->plan_hash = mr_hash_combine(mr_hash_bytes(text.data, text.length),
                                          mr_hash_bytes(zone, strlen(zone)));
    }
    mr_builder_fini(&text);
    return status;
}

static MrStatus standing_tree(MrBinder *b, const MrAstCreateView *statement, MrLogical **tree,
                              MrPlan *plan)
{
    MrBoundQuery bound;
    MR_TRY(mr_bind_query(b, statement->query, true, &bound));
    MR_TRY(check_has_columns(b, &bound));
    MR_TRY(mr_standing_show(b, &bound, tree));
    MR_TRY(rename_columns(b, &statement->columns, statement->base.position, *tree, bound.visible));
    MR_TRY(mr_rewrite_flatten_root(b, tree));
    bool reads_table = mr_logical_reads(*tree, MR_SCAN_TABLE);
    if (!reads_table && !mr_logical_reads(*tree, MR_SCAN_STREAM)) {
        mr_bind_error(b, MR_ERR_UNSUPPORTED, -1, "a standing query must read a stream or a table");
        return mr_error_hint(b->err, "Use CREATE VIEW for a query over constants.");
    }
    MR_TRY(mr_standing_check_emit(b, statement, *tree, plan));
    if (!plan->snapshot) {
        MR_TRY(mr_since_find(b, tree));
    }
    MR_TRY(mr_standing_derive_key(b, tree, plan));
    MR_TRY(output_schema(b, *tree, (*tree)->column_count, &plan->output));
    for (uint32_t c = 0; c < plan->output.column_count; c++) {
        MrTypeId type = plan->output.columns[c].type.id;
        if (mr_type_is_record(type)) {
            mr_bind_error(b, MR_ERR_INVALID_TABLE_DEFINITION, -1,
                          "column \"%s\" has pseudo-type %s", plan->output.columns[c].name,
                          mr_type_info(type)->name);
            return mr_error_hint(b->err, "Select its fields, cast it to text, or make JSON of it: "
                                         "to_json(…).");
        }
        if (mr_type_is_catalog(type)) {
            return mr_bind_unsupported(b, -1, "Cast it to text, or to an integer.",
                                       "a result column of type %s is not supported",
                                       mr_type_info(type)->name);
        }
    }
    if (plan->is_flink) { /* before rewrites, so that the text is near to what was written */
        MR_TRY(mr_flink_translate(b, *tree, plan));
    }
    return mr_rewrite_all(b, tree);
}

MrStatus mr_planner_standing(MrPlannerContext *context, const MrAstCreateView *statement,
                             MrPlan **out, MrError *err)
{
    MrBinder binder;
    MrLogical *tree;
    MrPlan *plan;
    MrJudged judged;
    mr_binder_init(&binder, context, MR_BIND_STANDING, err);
    MR_NEW(context->arena, plan, err);
    MR_TRY(refuse_temporary(&binder, statement));
    MR_TRY(mr_standing_options(&binder, statement, plan));
    binder.closes = plan->emit == MR_EMIT_MODE_CLOSE;
    MR_TRY(standing_tree(&binder, statement, &tree, plan));
    MrLowerOptions options = {
        .is_standing = true,
        .emit = plan->emit,
        .allowed_lateness_us = plan->allowed_lateness_us,
        .keys = plan->keys,
        .key_count = plan->key_count,
        .append_only = plan->append_only,
        .zone = context->zone,
        .now_us = context->now_us,
    };
    MR_TRY(mr_lower(context->arena, tree, &options, plan, err));
    MR_TRY(mr_plan_integral_columns(context->arena, plan->dag, &plan->integral, err));
    MR_TRY(mr_dependent_parents(context->arena, tree, plan, err));
    mr_standing_note_state(&binder, tree, plan->is_flink);
    MR_TRY(mr_judged_find(context->arena, plan->dag, &judged, err));
    ((MrDag *)(uintptr_t)plan->dag)->judges_records = judged.is_judged; /* ours */
    MR_TRY(mr_plan_find_dispatch(context->arena, plan, err));
    MR_TRY(hash_plan(&binder, plan));
    if (plan->flink != NULL) {
        MR_TRY(mr_flink_feed(context, plan, err));
    }
    *out = plan;
    return MR_OK;
}

void mr_plan_describe(const MrPlan *plan, MrStandingQuery *out)
{
    *out = (MrStandingQuery){ .schema = plan->output,
                              .visible_columns = plan->visible_columns,
                              .keys = plan->keys,
                              .key_count = plan->key_count,
                              .integral = plan->integral,
                              .append_only = plan->append_only,
                              .numeric_as_text = plan->numeric_as_text,
                              .emit = plan->emit,
                              .emit_every_us = plan->emit_every_us,
                              .allowed_lateness_us = plan->allowed_lateness_us,
                              .keeps_late = plan->late_rows_table,
                              .keeps_dead = plan->dead_letters,
                              .from_now = !plan->snapshot,
                              .by_flink = plan->flink != NULL,
                              .table_name = plan->file_path,
                              .file = plan->file,
                              .channel = plan->channel };
}

MrStatus mr_planner_view(MrPlannerContext *context, const MrAstCreateView *statement,
                         MrRelation *out, MrError *err)
{
    MrBinder binder;
    MrBoundQuery bound;
    mr_binder_init(&binder, context, MR_BIND_VIEW, err);
    binder.context = context;
    MR_TRY(refuse_temporary(&binder, statement));
    if (statement->options.count > 0) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, statement->options.items[0]);
        mr_bind_error(&binder, MR_ERR_INVALID_PARAMETER, option->base.position,
                      "CREATE VIEW has no option \"%s\"", option->name);
        return mr_error_hint(err, "Options are for CREATE MATERIALIZED VIEW.");
    }
    if (statement->emit.kind != MR_EMIT_DEFAULT) {
        return mr_bind_unsupported(&binder, statement->emit.position,
                                   "EMIT is for CREATE MATERIALIZED VIEW.", "a view does not emit");
    }
    MR_TRY(mr_bind_query(&binder, statement->query, false, &bound));
    MR_TRY(check_has_columns(&binder, &bound));
    MR_TRY(rename_columns(&binder, &statement->columns, statement->base.position, bound.node,
                          bound.visible));
    *out = (MrRelation){ .kind = MR_RELATION_VIEW,
                         .schema_name = "public",
                         .name = statement->name.name,
                         .query = statement->query };
    return output_schema(&binder, bound.node, bound.visible, &out->schema);
}

MrStatus mr_planner_constant(MrPlannerContext *context, const MrNode *expression, MrType type,
                             MrDatum *out, MrError *err)
{
    MrBinder binder;
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_TRY(mr_bind_constant(&binder, expression, type, "this statement", out));
    settle_parameters(context);
    return MR_OK;
}
