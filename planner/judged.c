/*
 * planner/judged.c - rows made of others that can fail: see judged.h.
 * Ranges go up from the scans: every operator says what its columns can be, given its inputs'.
 */
#include "planner/judged.h"

#include <string.h>

#include "planner/expr_range.h"

/* More rows than a group can ever have: at a thousand million a second they take 104 days. */
#define ROWS_MAX ((MrInt128)1 << 53)

typedef struct Survey {
    MrArena *arena;
    const MrDag *dag;
    MrRange **ranges; /* per node, per column */
    MrRangeScope *scope;
    MrJudged *judged;
} Survey;

static MrRange of_column(const MrDagNode *node, uint32_t column)
{
    return mr_range_of_type(mr_type(node->schema.columns[column].type.id));
}

/* Rows of the node come when a flush asks for them, and are what its input has become by then. */
static bool is_made_of_others(const MrDag *dag, int32_t index)
{
    if (index < 0) {
        return false;
    }
    const MrDagNode *node = &dag->nodes[index];
    switch (node->kind) {
    case MR_OPERATOR_AGGREGATE:
    case MR_OPERATOR_OVER:
    case MR_OPERATOR_TOP_N:
    case MR_OPERATOR_JOIN:
    case MR_OPERATOR_ASOF:
    case MR_OPERATOR_FIXPOINT: return true;
    case MR_OPERATOR_SCAN: return ((const MrScanSpec *)node->spec)->kind == MR_SCAN_STEP;
    default: return is_made_of_others(dag, node->input) || is_made_of_others(dag, node->right);
    }
}

/* ---- Aggregates -------------------------------------------------------------------------- */

/* The quotient of what the aggregate sums and how many they are. */
static MrRange range_of_average(MrTypeId from, const MrRange *values)
{
    MrRange sum = mr_range_sum(from, MR_TYPE_NUMERIC, values, ROWS_MAX), out;
    const MrRange count = mr_range_between(1, ROWS_MAX);
    if (mr_range_is_float(from)) {
        return mr_range_of_type(mr_type(MR_TYPE_FLOAT64));
    }
    mr_range_operate(MR_RANGE_DIVIDE, MR_TYPE_NUMERIC, &sum, &count, &out);
    out.low = values->low; /* between the values, also when rounded */
    out.high = values->high;
    return out;
}

/* Rows that are counted without any key are there, or none is. */
static bool always_has_rows(const MrAggregateSpec *spec)
{
    return (spec->key_count > 0 || spec->window_kind != MR_GROUP_WINDOW_NONE) &&
           spec->total_count == 0;
}

static MrRange range_of_aggregate(const MrAggregate *aggregate, MrType type, const MrRange *values)
{
    const MrTypeId from = aggregate->args[0];
    const bool is_number = aggregate->arg_count == 1 && mr_range_is_number(from);
    if (is_number && strcmp(aggregate->name, "sum") == 0) {
        return mr_range_sum(from, type.id, values, ROWS_MAX);
    }
    if (is_number && strcmp(aggregate->name, "avg") == 0) {
        return range_of_average(from, values);
    }
    if (strcmp(aggregate->name, "min") == 0 || strcmp(aggregate->name, "max") == 0) {
        MrRange range = *values;
        range.is_near = false;
        mr_range_forget_rows(&range);
        return range;
    }
    if (strcmp(aggregate->name, "count") == 0) {
        return mr_range_between(0, ROWS_MAX);
    }
    return mr_range_of_type(mr_type(type.id));
}

/* A moment within a window of bounded length, as its rows' own times are. */
static bool is_in_window(const MrAggregateSpec *spec, const MrAggregateCall *call)
{
    const bool is_bounded =
        spec->window_kind == MR_GROUP_WINDOW_TUMBLE || spec->window_kind == MR_GROUP_WINDOW_HOP;
    const bool is_short = spec->window.size_us < INT64_MAX / 4 && spec->window.size_months < 100000;
    const char *name = call->aggregate->name;
    return is_bounded && is_short && call->args[0] == (uint32_t)spec->time_column &&
           (strcmp(name, "min") == 0 || strcmp(name, "max") == 0);
}

/* sum, avg, min and max of no value are NULL; a count of none is 0. */
static void note_rows(const MrAggregateCall *call, uint32_t group, MrRange *range)
{
    static const char *const null_of_none[] = { "sum", "avg", "min", "max" };
    const bool has_argument = call->aggregate->arg_count == 1;
    const MrRangeRows rows = { .group = group,
                               .argument = has_argument ? (int32_t)call->args[0] : MR_RANGE_ALL,
                               .filter = call->filter < 0 ? MR_RANGE_ALL : call->filter };
    if (strcmp(call->aggregate->name, "count") == 0 && call->aggregate->arg_count <= 1) {
        range->counted = rows;
    }
    for (size_t i = 0; i < sizeof null_of_none / sizeof null_of_none[0] && has_argument; i++) {
        if (strcmp(call->aggregate->name, null_of_none[i]) == 0) {
            range->made_of = rows;
        }
    }
}

static void survey_aggregate(const Survey *survey, const MrDagNode *node, MrRange *out)
{
    const MrAggregateSpec *spec = node->spec;
    const MrRange *input = survey->ranges[node->input];
    const uint32_t first = spec->window_kind == MR_GROUP_WINDOW_NONE ? 0 : 2;
    for (uint32_t k = 0; k < spec->key_count; k++) {
        out[first + k] = input[spec->keys[k]];
        out[first + k].is_near = false;
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrAggregateCall *call = &spec->calls[c];
        const uint32_t column = first + spec->key_count + c;
        if (call->is_ordinal) {
            continue;
        }
        const MrRange none = out[column];
        out[column] =
            range_of_aggregate(call->aggregate, node->schema.columns[column].type,
                               call->aggregate->arg_count > 0 ? &input[call->args[0]] : &none);
        out[column].is_near = is_in_window(spec, call);
        note_rows(call, (uint32_t)(node - survey->dag->nodes) + 1, &out[column]);
        if ((call->aggregate->flags & MR_AGG_COUNTS_ROWS) != 0 && call->filter < 0 &&
            always_has_rows(spec)) {
            out[column] = mr_range_between(1, ROWS_MAX);
        }
    }
}

/* ---- The other operators ----------------------------------------------------------------- */

/* Only a stream's and a table's own columns hold what their typmod lets pass. */
static void survey_scan(const MrDagNode *node, MrRange *out)
{
    const MrScanSpec *spec = node->spec;
    for (uint32_t c = 0; c < node->schema.column_count; c++) {
        if (spec->kind == MR_SCAN_STREAM || spec->kind == MR_SCAN_TABLE) {
            out[c] = mr_range_of_type(node->schema.columns[c].type);
        }
    }
}

static void survey_join(const Survey *survey, const MrDagNode *node, const uint32_t *columns,
                        MrRange *out)
{
    const uint32_t left = survey->dag->nodes[node->input].schema.column_count;
    for (uint32_t c = 0; c < node->schema.column_count; c++) {
        out[c] = columns[c] < left ? survey->ranges[node->input][columns[c]]
                                   : survey->ranges[node->right][columns[c] - left];
        out[c].is_near = false; /* of another row's window */
        if (columns[c] >= left) {
            mr_range_forget_rows(&out[c]); /* both sides may be rows of the same groups */
        }
    }
}

static void copy_input(const Survey *survey, const MrDagNode *node, uint32_t count, MrRange *out)
{
    for (uint32_t c = 0; c < count; c++) {
        out[c] = survey->ranges[node->input][c];
    }
}

static void survey_expand(const Survey *survey, const MrDagNode *node, MrRange *out)
{
    const MrExpandSpec *spec = node->spec;
    const uint32_t first = survey->dag->nodes[node->input].schema.column_count;
    copy_input(survey, node, first, out);
    for (uint32_t k = 0; k < spec->key_count; k++) {
        out[first + k] = survey->ranges[node->input][spec->keys[k]];
    }
}

static void survey_over(const Survey *survey, const MrDagNode *node, MrRange *out)
{
    const uint32_t first = survey->dag->nodes[node->input].schema.column_count;
    const MrOverSpec *spec = node->spec;
    copy_input(survey, node, first, out);
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrOverCall *call = &spec->calls[c];
        if (call->aggregate != NULL) {
            const MrRange *values = call->aggregate->arg_count > 0
                                        ? &survey->ranges[node->input][call->args[0]]
                                        : &out[first + c];
            out[first + c] =
                range_of_aggregate(call->aggregate, node->schema.columns[first + c].type, values);
            out[first + c].is_near = false;
        } else if (call->function == MR_OVER_ROW_NUMBER || call->function == MR_OVER_RANK ||
                   call->function == MR_OVER_DENSE_RANK) {
            out[first + c] = mr_range_between(1, ROWS_MAX);
        }
    }
}

/* Notes what may fail, unless something was found below. */
static MrRange survey_expression(const Survey *survey, uint32_t index, const MrExpr *expr)
{
    const MrDagNode *node = &survey->dag->nodes[index];
    MrRangeScope *scope = survey->scope;
    scope->columns = node->input < 0 ? NULL : survey->ranges[node->input];
    scope->zone = node->zone != NULL ? node->zone : survey->dag->zone;
    scope->fact_count = 0;
    scope->steps = 0;
    scope->can_fail = NULL;
    const MrRange range = mr_expr_range(scope, expr);
    if (scope->can_fail != NULL && node->part == NULL && !survey->judged->is_judged &&
        is_made_of_others(survey->dag, node->input)) {
        *survey->judged = (MrJudged){ .is_judged = true, .node = index, .reason = scope->can_fail };
    }
    return range;
}

static void survey_filter(const Survey *survey, uint32_t index, MrRange *out)
{
    const MrDagNode *node = &survey->dag->nodes[index];
    const MrExpr *predicate = ((const MrFilterSpec *)node->spec)->predicate;
    survey_expression(survey, index, predicate);
    copy_input(survey, node, node->schema.column_count, out);
    mr_expr_range_filter(survey->scope, predicate, out, node->schema.column_count);
}

static void survey_project(const Survey *survey, uint32_t index, MrRange *out)
{
    const MrProjectSpec *spec = survey->dag->nodes[index].spec;
    for (uint32_t i = 0; i < spec->expression_count; i++) {
        out[i] = survey_expression(survey, index, spec->expressions[i]);
    }
}

/* The condition is over the columns of both inputs. */
static MrStatus survey_condition(const Survey *survey, uint32_t index, const MrExpr *condition,
                                 MrError *err)
{
    const MrDagNode *node = &survey->dag->nodes[index];
    const uint32_t left = survey->dag->nodes[node->input].schema.column_count;
    const uint32_t right = survey->dag->nodes[node->right].schema.column_count;
    MrRange *both, *const own = survey->ranges[node->input];
    if (condition == NULL) {
        return MR_OK;
    }
    MR_NEW_ARRAY(survey->arena, both, (size_t)left + right, err);
    for (uint32_t c = 0; c < left + right; c++) {
        both[c] = c < left ? own[c] : survey->ranges[node->right][c - left];
        both[c].is_near = false;
        if (c >= left) {
            mr_range_forget_rows(&both[c]);
        }
    }
    survey->ranges[node->input] = both;
    survey_expression(survey, index, condition);
    survey->ranges[node->input] = own;
    return MR_OK;
}

static MrStatus survey_node(const Survey *survey, uint32_t index, MrRange *out, MrError *err)
{
    const MrDagNode *node = &survey->dag->nodes[index];
    switch (node->kind) {
    case MR_OPERATOR_SCAN: survey_scan(node, out); break;
    case MR_OPERATOR_FILTER: survey_filter(survey, index, out); break;
    case MR_OPERATOR_PROJECT: survey_project(survey, index, out); break;
    case MR_OPERATOR_AGGREGATE: survey_aggregate(survey, node, out); break;
    case MR_OPERATOR_EXPAND: survey_expand(survey, node, out); break;
    case MR_OPERATOR_OVER: survey_over(survey, node, out); break;
    case MR_OPERATOR_WINDOW:
        copy_input(survey, node, ((const MrRowWindowSpec *)node->spec)->column_count, out);
        break;
    case MR_OPERATOR_UNION:
        for (uint32_t c = 0; c < node->schema.column_count; c++) {
            out[c] =
                mr_range_hull(&survey->ranges[node->input][c], &survey->ranges[node->right][c]);
        }
        break;
    case MR_OPERATOR_ASOF:
        survey_join(survey, node, ((const MrAsofSpec *)node->spec)->columns, out);
        break;
    case MR_OPERATOR_JOIN:
        survey_join(survey, node, ((const MrJoinSpec *)node->spec)->columns, out);
        return survey_condition(survey, index, ((const MrJoinSpec *)node->spec)->condition, err);
    case MR_OPERATOR_FIXPOINT:
        if (((const MrRecursionSpec *)node->spec)->may_go_round && !survey->judged->is_judged) {
            *survey->judged = (MrJudged){ .is_judged = true, .node = index };
        }
        break;
    default: break; /* of other operators the types alone are known */
    }
    return MR_OK;
}

MrStatus mr_judged_find(MrArena *arena, const MrDag *dag, MrJudged *out, MrError *err)
{
    Survey survey = { .arena = arena, .dag = dag, .judged = out };
    *out = (MrJudged){ 0 };
    MR_NEW(arena, survey.scope, err);
    survey.scope->arena = arena;
    MR_NEW_ARRAY(arena, survey.ranges, dag->node_count, err);
    for (uint32_t i = 0; i < dag->node_count; i++) {
        const MrDagNode *node = &dag->nodes[i];
        MrRange *ranges;
        MR_NEW_ARRAY(arena, ranges, (size_t)node->schema.column_count + 1, err);
        for (uint32_t c = 0; c < node->schema.column_count; c++) {
            ranges[c] = of_column(node, c);
        }
        survey.ranges[i] = ranges;
        MR_TRY(survey_node(&survey, i, ranges, err));
    }
    return MR_OK;
}
