/*
 * planner/binder_join.c - FROM with several items: whose columns are seen under which names, ON,
 * USING and NATURAL.  Must not know how rows are matched.
 */
#include "planner/binder.h"

#include "planner/join.h"
#include "planner/lateral.h"
#include "planner/row_marker.h"
#include "planner/subquery_internal.h"

#include <string.h>

/* ---- One item ---------------------------------------------------------------------------- */

/* Places of a stream's rows as columns, since the rows of a join have none. */
static MrStatus keep_place(MrBinder *b, MrScope *scope, MrFromItem *item)
{
    MrLogical *input = scope->input;
    MrExpr *place[2];
    MR_TRY(
        mr_expr_new(b->arena, MR_EXPR_SEQUENCE, mr_type(MR_TYPE_INT64), -1, 0, &place[0], b->err));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_ARRIVAL, mr_type(MR_TYPE_TIMESTAMPTZ), -1, 0, &place[1],
                       b->err));
    item->sequence = (int32_t)input->column_count;
    item->arrival = item->sequence + 1;
    return mr_logical_extend(b->arena, input, place, 2, &scope->input, b->err);
}

static MrStatus add_name(MrBinder *b, MrScope *scope, const char *name, MrExpr *value)
{
    if (scope->name_count == MR_PLAN_COLUMNS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, -1,
                             "target lists can have at most %d entries", MR_PLAN_COLUMNS_MAX);
    }
    scope->names[scope->name_count++] = (MrScopeName){ name, value };
    return MR_OK;
}

/* A scope of one item in the form of several. */
static MrStatus make_items(MrBinder *b, MrScope *scope)
{
    if (scope->item_count > 0) {
        return MR_OK;
    }
    MrFromItem *item;
    MR_NEW(b->arena, item, b->err);
    *item = (MrFromItem){
        .alias = scope->alias,
        .schema_name = scope->schema_name,
        .is_scalar = scope->is_scalar,
        .is_join = scope->is_join,
        .oid = scope->oid,
        .sequence = -1,
        .arrival = -1,
        .marker = -1,
    };
    MR_NEW_ARRAY(b->arena, scope->names, scope->input->column_count, b->err);
    for (uint32_t i = 0; i < scope->input->column_count; i++) {
        MrExpr *value;
        if (scope->input->columns[i].name != NULL) {
            MR_TRY(mr_expr_column(b->arena, i, scope->input->columns[i].type, -1, &value, b->err));
            MR_TRY(add_name(b, scope, scope->input->columns[i].name, value));
        }
    }
    if (scope->has_place) {
        MR_TRY(keep_place(b, scope, item));
    }
    item->count = scope->input->column_count;
    scope->items = item;
    scope->item_count = 1;
    scope->has_place = scope->over_stream = false;
    return MR_OK;
}

MrStatus mr_scope_keep_places(MrBinder *b, MrScope *scope)
{
    MrFromItem item;
    if (scope->item_count > 0) {
        return MR_OK; /* several: a join has done it */
    }
    const bool has_place = scope->has_place;
    scope->has_place = true; /* a subquery shows no names for them, but now() asks too */
    MR_TRY(make_items(b, scope));
    item = scope->items[0];
    scope->places_at = (uint32_t)item.sequence;
    scope->keeps_places = true;
    if (!has_place) {
        scope->items[0].sequence = scope->items[0].arrival = -1;
    }
    return MR_OK;
}

/* ---- Two scopes as one ------------------------------------------------------------------- */

static MrStatus check_aliases(MrBinder *b, const MrScope *left, const MrScope *right,
                              int32_t position)
{
    for (uint32_t i = 0; i < left->item_count; i++) {
        for (uint32_t j = 0; j < right->item_count; j++) {
            const MrFromItem *a = &left->items[i], *c = &right->items[j];
            bool both_plain = a->schema_name != NULL && c->schema_name != NULL;
            if (a->alias != NULL && c->alias != NULL && strcmp(a->alias, c->alias) == 0 &&
                !(both_plain && strcmp(a->schema_name, c->schema_name) != 0)) {
                return mr_bind_error(b, MR_ERR_DUPLICATE_ALIAS, position,
                                     "table name \"%s\" specified more than once", a->alias);
            }
        }
    }
    return MR_OK;
}

typedef struct Shift {
    MrBinder *b;
    uint32_t by;
} Shift;

static MrStatus shift_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Shift *shift = context;
    return mr_expr_column(shift->b->arena, column->column + shift->by, column->type,
                          column->position, out, shift->b->err);
}

/* The right scope's names, over the columns of both. */
static MrStatus shift_scope(MrBinder *b, MrScope *right, uint32_t by)
{
    Shift shift = { b, by };
    for (uint32_t i = 0; i < right->name_count; i++) {
        MR_TRY(mr_expr_map_columns(b->arena, right->names[i].value, shift_replace, &shift,
                                   &right->names[i].value, b->err));
    }
    for (uint32_t i = 0; i < right->item_count; i++) {
        MrFromItem *item = &right->items[i];
        item->first += by;
        item->sequence += item->sequence < 0 ? 0 : (int32_t)by;
        item->arrival += item->arrival < 0 ? 0 : (int32_t)by;
        item->marker += item->marker < 0 ? 0 : (int32_t)by;
    }
    return MR_OK;
}

/* Items of both; names are the caller's to set. */
static MrStatus join_items(MrBinder *b, const MrScope *left, const MrScope *right, MrScope *out)
{
    MrFromItem *items;
    uint32_t count = left->item_count + right->item_count;
    *out = (MrScope){ .item_count = count };
    MR_NEW_ARRAY(b->arena, items, count, b->err);
    memcpy(items, left->items, left->item_count * sizeof *items);
    memcpy(items + left->item_count, right->items, right->item_count * sizeof *items);
    out->items = items;
    MR_NEW_ARRAY(b->arena, out->names, left->name_count + right->name_count, b->err);
    return MR_OK;
}

static MrStatus add_names(MrBinder *b, MrScope *out, const MrScope *from, const MrNameList *except)
{
    for (uint32_t i = 0; i < from->name_count; i++) {
        bool is_merged = false;
        for (uint32_t u = 0; u < except->count; u++) {
            is_merged = is_merged || strcmp(except->items[u], from->names[i].name) == 0;
        }
        if (!is_merged) {
            MR_TRY(add_name(b, out, from->names[i].name, from->names[i].value));
        }
    }
    return MR_OK;
}

/* ---- USING ------------------------------------------------------------------------------- */

static MrStatus find_common(MrBinder *b, const MrScope *scope, const char *name, const char *side,
                            int32_t position, MrExpr **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < scope->name_count; i++) {
        if (strcmp(scope->names[i].name, name) != 0) {
            continue;
        }
        if (*out != NULL) {
            return mr_bind_error(b, MR_ERR_AMBIGUOUS_COLUMN, position,
                                 "common column name \"%s\" appears more than once in %s table",
                                 name, side);
        }
        *out = scope->names[i].value;
    }
    if (*out == NULL) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, position,
                             "column \"%s\" specified in USING clause does not exist in %s table",
                             name, side);
    }
    return MR_OK;
}

/* The one column that stands for both: the side's whose rows are always there. */
static MrStatus merge_columns(MrBinder *b, MrJoinKind kind, MrExpr *left, MrExpr *right,
                              int32_t position, MrExpr **out)
{
    MrExpr *both[2] = { left, right };
    MrType type;
    MR_TRY(mr_coerce_common(b, both, 2, "JOIN/USING", &type));
    if (kind == MR_JOIN_FULL) {
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_COALESCE, both[0]->type, position, 2, out, b->err));
        (*out)->args[0] = both[0];
        (*out)->args[1] = both[1];
        return MR_OK;
    }
    bool takes_right =
        kind == MR_JOIN_RIGHT || (kind == MR_JOIN_INNER && both[0] != left && both[1] == right);
    *out = takes_right ? both[1] : both[0];
    return MR_OK;
}

/* USING of an ASOF JOIN without a comparison ends with the times: those of the right side are not
 * after those of the left one. */
static bool ends_with_time(const MrAstFromJoin *join, const MrNameList *columns, uint32_t index)
{
    return join->asof && join->match == NULL && index + 1 == columns->count;
}

static MrStatus bind_using(MrBinder *b, const MrAstFromJoin *join, const MrNameList *columns,
                           const MrScope *left, const MrScope *right, MrScope *out,
                           MrExpr **condition)
{
    int32_t position = join->base.position;
    *condition = NULL;
    for (uint32_t i = 0; i < columns->count; i++) {
        MrExpr *sides[2], *equal, *merged;
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(columns->items[i], columns->items[j]) == 0) {
                return mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, position,
                                     "column name \"%s\" appears more than once in USING clause",
                                     columns->items[i]);
            }
        }
        MR_TRY(find_common(b, left, columns->items[i], "left", position, &sides[0]));
        MR_TRY(find_common(b, right, columns->items[i], "right", position, &sides[1]));
        bool is_time = ends_with_time(join, columns, i);
        MR_TRY(merge_columns(b, join->join, sides[0], sides[1], position, &merged));
        MR_TRY(mr_bind_operator(b, is_time ? ">=" : "=", sides[0], sides[1], position, &equal));
        MR_TRY(mr_expr_and(b->arena, *condition, equal, condition, b->err));
        MR_TRY(add_name(b, out, columns->items[i], merged));
    }
    return MR_OK;
}

/* NATURAL: the names that both sides have, in the left one's order. */
static MrStatus common_names(MrBinder *b, const MrScope *left, const MrScope *right,
                             MrNameList *out)
{
    *out = (MrNameList){ 0 };
    MR_NEW_ARRAY(b->arena, out->items, left->name_count, b->err);
    for (uint32_t i = 0; i < left->name_count; i++) {
        bool is_common = false;
        for (uint32_t j = 0; j < right->name_count; j++) {
            is_common = is_common || strcmp(left->names[i].name, right->names[j].name) == 0;
        }
        for (uint32_t j = 0; j < out->count; j++) {
            is_common = is_common && strcmp(left->names[i].name, out->items[j]) != 0;
        }
        if (is_common) {
            out->items[out->count++] = left->names[i].name;
        }
    }
    return MR_OK;
}

/* ---- The join ---------------------------------------------------------------------------- */

static MrStatus bind_on(MrBinder *b, const MrNode *on, MrScope *scope, MrExpr **out)
{
    MrScope *outer = b->scope;
    MrClause clause = b->clause;
    MrAggregateList *aggregates = b->aggregates;
    b->scope = scope;
    b->clause = MR_CLAUSE_ON;
    b->aggregates = NULL;
    MrStatus status = mr_bind_boolean(b, on, "JOIN/ON", out);
    b->scope = outer;
    b->clause = clause;
    b->aggregates = aggregates;
    return status;
}

static MrStatus refuse_lookup(MrBinder *b, int32_t position)
{
    return mr_bind_unsupported(b, position,
                               "Write s JOIN t FOR SYSTEM_TIME AS OF s.ts ON …, or LEFT JOIN.",
                               "a table FOR SYSTEM_TIME is not supported here");
}

/* FOR SYSTEM_TIME: can be joined to, nothing else. */
static bool is_of_time(const MrScope *scope)
{
    return scope->is_lookup || scope->system_time != NULL;
}

/* The node without its condition, and the scope over it without names. */
static MrStatus join_scopes(MrBinder *b, MrJoinType type, MrScope *left, MrScope *right,
                            int32_t position, MrScope *out)
{
    MR_TRY(make_items(b, left));
    MR_TRY(make_items(b, right));
    MR_TRY(check_aliases(b, left, right, position));
    bool can_look_up = type == MR_JOIN_TYPE_INNER || type == MR_JOIN_TYPE_LEFT;
    if (is_of_time(left) || (is_of_time(right) && !can_look_up)) {
        return refuse_lookup(b, position);
    }
    if (type == MR_JOIN_TYPE_RIGHT || type == MR_JOIN_TYPE_FULL) {
        MR_TRY(mr_row_marker_add(b, left));
    }
    if (type == MR_JOIN_TYPE_LEFT || type == MR_JOIN_TYPE_FULL) {
        MR_TRY(mr_row_marker_add(b, right));
    }
    uint32_t columns = left->input->column_count;
    if (columns + right->input->column_count > MR_PLAN_COLUMNS_MAX * 4) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, position,
                             "joins can have at most %d columns", MR_PLAN_COLUMNS_MAX * 4);
    }
    MR_TRY(shift_scope(b, right, columns));
    MR_TRY(join_items(b, left, right, out));
    MR_TRY(mr_logical_join(b->arena, type, left->input, right->input, NULL, &out->input, b->err));
    out->input->position = b->view_depth > 0 ? -1 : position;
    out->input->is_lookup = right->is_lookup;
    return MR_OK;
}

MrStatus mr_bind_cross(MrBinder *b, MrScope *left, MrScope *right, int32_t position, MrScope *out)
{
    MrNameList none = { 0 };
    if (is_of_time(right)) {
        return refuse_lookup(b, position);
    }
    MR_TRY(join_scopes(b, MR_JOIN_TYPE_INNER, left, right, position, out));
    MR_TRY(add_names(b, out, left, &none));
    return add_names(b, out, right, &none);
}

/* The condition over the names of both, which `out` gets.  MATCH_CONDITION stands before ON: in an
 * ASOF JOIN the first comparison of times says which row is the last. */
static MrStatus bind_condition(MrBinder *b, const MrAstFromJoin *join, const MrScope *left,
                               const MrScope *right, MrScope *out, MrExpr **condition)
{
    MrNameList using_columns = join->using_columns;
    *condition = NULL;
    if (join->natural) {
        MR_TRY(common_names(b, left, right, &using_columns));
    }
    MR_TRY(bind_using(b, join, &using_columns, left, right, out, condition));
    MR_TRY(add_names(b, out, left, &using_columns));
    MR_TRY(add_names(b, out, right, &using_columns));
    const MrNode *written[] = { join->match, join->on };
    for (uint32_t i = 0; i < 2; i++) {
        MrExpr *part;
        if (written[i] != NULL) {
            MR_TRY(bind_on(b, written[i], out, &part));
            MR_TRY(mr_expr_and(b->arena, *condition, part, condition, b->err));
        }
    }
    return mr_join_flatten(b->arena, *condition, condition, b->err);
}

/* (a JOIN b ON …) AS x: the columns are x's alone. */
static MrStatus name_join(MrBinder *b, MrScope *scope)
{
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, scope->name_count, b->err);
    MR_NEW_ARRAY(b->arena, names, scope->name_count, b->err);
    for (uint32_t i = 0; i < scope->name_count; i++) {
        exprs[i] = scope->names[i].value;
        names[i] = scope->names[i].name;
    }
    MrLogical *input = scope->input;
    uint32_t count = scope->name_count;
    *scope = (MrScope){ .is_join = true };
    return mr_logical_project(b->arena, input, exprs, names, count, &scope->input, b->err);
}

/* An item with those to its left in sight, for functions and LATERAL; what it names of them is in
 * `around`. */
static MrStatus bind_beside(MrBinder *b, const MrNode *item, MrScope *left, MrOuter *around,
                            MrScope *right)
{
    MR_TRY(make_items(b, left));
    MrScope *scope = b->scope;
    around->scope = left;
    around->next = b->outer;
    around->is_hidden = around->is_from = true;
    b->outer = around;
    b->scope = NULL;
    MrStatus status = mr_bind_from(b, item, right);
    b->scope = scope;
    b->outer = around->next;
    return status;
}

/* The right side FOR SYSTEM_TIME, while both are still apart. */
static MrStatus bind_times(MrBinder *b, const MrAstFromJoin *join, MrScope *left, MrScope *right)
{
    int32_t position = join->right->position;
    if (join->asof || join->join == MR_JOIN_CROSS) {
        return refuse_lookup(b, position);
    }
    MR_TRY(mr_asof_read_history(b, left, right, position));
    return right->system_time != NULL ? mr_asof_find_time(b, left, right, right->system_time)
                                      : MR_OK;
}

/* The condition of an ASOF JOIN, or of one with versions. */
static MrStatus settle_asof(MrBinder *b, const MrAstFromJoin *join, const MrScope *right,
                            MrExpr *condition, MrLogical *node)
{
    node->predicate = condition;
    MR_TRY(join->asof ? mr_asof_take_condition(b, node)
                      : mr_asof_set_version(b, node, right, join->base.position));
    MR_TRY(mr_join_settle(b, node));
    return mr_asof_check_condition(b, node);
}

/* Whose right rows are others for every left row, or for every row of a query around it. */
static MrStatus settle_asof_beside(MrBinder *b, const MrAstFromJoin *join, const MrOuter *around,
                                   const MrScope *right, MrExpr *condition, MrLogical **node)
{
    MrLogical *pulled = NULL;
    if (join->asof) {
        MR_TRY(mr_asof_pull_up(b, around, &condition, *node, &pulled));
    }
    if (pulled != NULL) {
        *node = pulled;
        return settle_asof(b, join, right, condition, pulled);
    }
    return mr_bind_unsupported(
        b, join->right->position,
        "Write a ASOF JOIN (SELECT …) AS b ON a.key = b.key AND b.ts <= a.ts.",
        "a right side of an ASOF JOIN that names columns outside of it");
}

/* What the operator of as-of joins cannot look for; the error stands where nothing else can. */
static MrStatus bind_asof_lateral(MrBinder *b, const MrAstFromJoin *join, uint32_t left_count,
                                  MrScope *out)
{
    MrError refused = *b->err;
    MrAstFromJoin *lateral;
    mr_error_clear(b->err);
    MR_TRY(mr_asof_as_lateral(b, join, out, left_count, &lateral));
    if (lateral == NULL) {
        *b->err = refused;
        return refused.status;
    }
    b->searches_asof = true;
    return mr_bind_join(b, lateral, out);
}

MrStatus mr_bind_join(MrBinder *b, const MrAstFromJoin *join, MrScope *out)
{
    static const MrJoinType types[] = {
        [MR_JOIN_INNER] = MR_JOIN_TYPE_INNER, [MR_JOIN_LEFT] = MR_JOIN_TYPE_LEFT,
        [MR_JOIN_RIGHT] = MR_JOIN_TYPE_RIGHT, [MR_JOIN_FULL] = MR_JOIN_TYPE_FULL,
        [MR_JOIN_CROSS] = MR_JOIN_TYPE_INNER,
    };
    MrScope left, right;
    MR_TRY(mr_bind_from(b, join->left, &left));
    MrOuter around = { .is_refused = join->join == MR_JOIN_RIGHT || join->join == MR_JOIN_FULL };
    MR_TRY(bind_beside(b, join->right, &left, &around, &right));
    bool is_asof = join->asof || right.system_time != NULL;
    if (is_of_time(&right)) {
        MR_TRY(bind_times(b, join, &left, &right));
    }
    MR_TRY(join_scopes(b, types[join->join], &left, &right, join->base.position, out));
    MrExpr *condition;
    MR_TRY(bind_condition(b, join, &left, &right, out, &condition));
    MrStatus status = is_asof && around.count > 0
                          ? settle_asof_beside(b, join, &around, &right, condition, &out->input)
                      : is_asof ? settle_asof(b, join, &right, condition, out->input)
                                : mr_lateral_settle(b, &around, condition, &out->input);
    if (status == MR_ERR_UNSUPPORTED && join->asof) {
        return bind_asof_lateral(b, join, left.input->column_count, out);
    }
    MR_TRY(status);
    if (b->closes) {
        MR_TRY(mr_join_turn_closing(b, &out->input));
    }
    return join->alias.name != NULL ? name_join(b, out) : MR_OK;
}

MrStatus mr_bind_from_list(MrBinder *b, const MrNodeList *items, MrScope *scope)
{
    MR_TRY(mr_bind_from(b, items->items[0], scope));
    if (is_of_time(scope)) {
        return refuse_lookup(b, items->items[0]->position);
    }
    for (uint32_t i = 1; i < items->count; i++) {
        MrScope left = *scope, right;
        MrOuter around = { 0 };
        MR_TRY(bind_beside(b, items->items[i], &left, &around, &right));
        MR_TRY(mr_bind_cross(b, &left, &right, items->items[i]->position, scope));
        if (around.count > 0) {
            MR_TRY(mr_lateral_settle(b, &around, NULL, &scope->input));
        }
    }
    return MR_OK;
}
