/*
 * planner/join_asof.c - ASOF JOIN, and FOR SYSTEM_TIME AS OF an event time: joins in which a left
 * row meets the last right row that is not after it, or the first that is not before it.  What the
 * condition must be, which columns are the times, what W says of them.
 */
#include "planner/join.h"
#include "planner/standing.h"
#include "planner/subquery.h"

#include <string.h>

static bool is_moment(MrTypeId type)
{
    return type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ;
}

/* ---- ON of an ASOF JOIN -------------------------------------------------------------------- */

static MrStatus refuse_condition(MrBinder *b, const MrExpr *part, const char *what)
{
    mr_bind_unsupported(
        b, part->position,
        "Write a ASOF JOIN b ON a.key = b.key AND b.ts <= a.ts, and what else must hold of both in "
        "WHERE.",
        "%s in the condition of an ASOF JOIN", what);
    return MR_ERR_UNSUPPORTED;
}

/* What can be computed beside the rows of its side, once. */
static bool is_own_value(const MrExpr *value)
{
    return !mr_expr_has_outer(value) && !mr_expr_has_subquery(value) && !mr_expr_is_volatile(value);
}

static void note_column(void *context, const MrExpr *node)
{
    int64_t *column = context;
    *column = node->kind == MR_EXPR_COLUMN ? (int64_t)node->column : *column;
}

/* Rows of a table stay: their time may be any. */
static bool spread_of_table(const MrBinder *b, const MrLogical *join, const MrExpr *value,
                            MrTimeSpread *out)
{
    int64_t column = -1;
    mr_expr_walk(value, note_column, &column);
    *out = (MrTimeSpread){ .column = (uint32_t)column };
    return b->closes && column >= 0 && mr_join_is_table(join->right);
}

/* Times that are made of event times, and not further from these than is known; else there is no W
 * at which all rows are there. */
static MrStatus find_computed_time(MrBinder *b, MrLogical *join, const MrExpr *part, bool *found)
{
    const bool turned = !mr_join_is_about_right(join, part->args[0]); /* left >= right */
    MrLogicalAsof asof = { .is_used = true,
                           .is_later = part->function->name[0] == (turned ? '<' : '>'),
                           .is_strict = part->function->name[1] == '\0' };
    *found = is_own_value(part) && is_moment(part->args[0]->type.id) &&
             part->args[0]->type.id == part->args[1]->type.id &&
             !mr_join_is_about_both(join, part->args[0]) &&
             !mr_join_is_about_both(join, part->args[1]);
    if (!*found) {
        return MR_OK;
    }
    MR_TRY(mr_fold(b, part->args[!turned], &asof.left_value));
    MR_TRY(mr_join_over_right(b->arena, join, part->args[turned], &asof.right_value, b->err));
    MR_TRY(mr_fold(b, asof.right_value, &asof.right_value));
    *found = mr_join_time_spread(b, join->input, asof.left_value, &asof.left_spread) &&
             (mr_join_time_spread(b, join->right, asof.right_value, &asof.right_spread) ||
              spread_of_table(b, join, asof.right_value, &asof.right_spread));
    if (*found) {
        join->asof = asof;
        join->left_time.column = (int32_t)asof.left_spread.column;
        join->right_time.column = (int32_t)asof.right_spread.column;
    }
    return MR_OK;
}

static MrStatus take_computed_time(MrBinder *b, MrLogical *join, const MrExpr *part)
{
    bool found;
    MR_TRY(find_computed_time(b, join, part, &found));
    return found ? MR_OK : refuse_condition(b, part, "a comparison that is not of two event times");
}

/* right.column + interval <= left.column, or >=, in their spellings. */
static MrStatus take_shifted_time(MrBinder *b, MrLogical *join, const MrExpr *part)
{
    MrAsofTimes times;
    if (!mr_asof_shifted_times(join, part, &times)) {
        return take_computed_time(b, join, part);
    }
    join->asof = (MrLogicalAsof){ .is_used = true,
                                  .is_later = times.is_later,
                                  .is_strict = part->function->name[1] == '\0',
                                  .shift_us = times.shift_us };
    join->left_time.column = (int32_t)times.left;
    join->right_time.column = (int32_t)times.right;
    return MR_OK;
}

/* right.column <= left.column, or >=, in their spellings. */
static MrStatus take_time(MrBinder *b, MrLogical *join, const MrExpr *part)
{
    uint32_t left = join->input->column_count;
    bool has_columns = part->args[0]->kind == MR_EXPR_COLUMN &&
                       part->args[1]->kind == MR_EXPR_COLUMN &&
                       (part->args[0]->column < left) != (part->args[1]->column < left);
    if (!has_columns) {
        return take_shifted_time(b, join, part);
    }
    bool turned = part->args[0]->column < left; /* left >= right */
    const char *name = part->function->name;
    MrTypeId type = part->args[0]->type.id;
    if (type != part->args[1]->type.id || (!is_moment(type) && type != MR_TYPE_INT64)) {
        return refuse_condition(b, part, "a comparison of other types than timestamp and bigint");
    }
    join->asof = (MrLogicalAsof){ .is_used = true,
                                  .is_later = name[0] == (turned ? '<' : '>'),
                                  .is_strict = name[1] == '\0' };
    join->left_time.column = (int32_t)part->args[!turned]->column;
    join->right_time.column = (int32_t)(part->args[turned]->column - left);
    if (!mr_join_is_event_time(&join->input->columns[join->left_time.column]) ||
        !mr_join_is_event_time(&join->right->columns[join->right_time.column])) {
        bool found; /* columns that subqueries compute; else W says nothing of them */
        return is_moment(type) ? find_computed_time(b, join, part, &found) : MR_OK;
    }
    return MR_OK;
}

static bool is_comparison(const MrExpr *part)
{
    const char *name =
        part->kind == MR_EXPR_CALL && part->arg_count == 2 ? part->function->name : "";
    return strcmp(name, "<") == 0 || strcmp(name, "<=") == 0 || strcmp(name, ">") == 0 ||
           strcmp(name, ">=") == 0;
}

/* Whether it orders the right rows: the first comparison of times does. */
static bool is_time_comparison(const MrLogical *join, const MrExpr *part)
{
    MrTypeId type = is_comparison(part) ? part->args[0]->type.id : MR_TYPE_BOOL;
    return !join->asof.is_used && mr_join_is_about_both(join, part) &&
           (is_moment(type) || type == MR_TYPE_INT64);
}

/* Of the outside it may say which left rows look for one; which right row one finds would be
 * another for each row of the outside. */
static bool finds_by_outer(const MrLogical *join, const MrExpr *part)
{
    return mr_join_is_about_right(join, part) && mr_expr_has_outer(part) &&
           !mr_expr_is_binary(part, "=");
}

/* What stays are equalities of both sides, what one side can be asked alone (which right rows are
 * to be found, which left rows look for one), how far apart the times are, and conditions that
 * cannot fail: how often they are asked depends on the cuts, but ON WINDOW CLOSE, where left rows
 * look once. */
static MrStatus check_rest(MrBinder *b, MrLogical *join)
{
    MrJoinParts parts;
    MR_TRY(mr_join_split(b->arena, join, &parts, b->err));
    const MrExpr *rest = parts.residual;
    for (uint32_t i = 0; i < mr_conjunct_count(rest); i++) {
        const MrExpr *part = mr_conjunct_at(rest, i);
        if (mr_expr_has_subquery(part) || mr_expr_is_volatile(part)) {
            return refuse_condition(b, part, "a subquery or a volatile function");
        }
        if (finds_by_outer(join, part)) {
            return refuse_condition(b, part, "a comparison of the right side with an outer column");
        }
        if (!mr_join_is_about_both(join, part)) {
            continue;
        }
        if (mr_expr_is_fallible(part) && !b->closes && !mr_asof_bounds_time(join, part)) {
            return refuse_condition(b, part, "an expression about both sides that can fail");
        }
        join->asof.has_condition = true;
    }
    return MR_OK;
}

/* Which right row a further condition finds is known for good only behind W, of rows that stay. */
MrStatus mr_asof_check_condition(MrBinder *b, const MrLogical *join)
{
    bool is_sure = join->asof.is_timed && !mr_standing_can_change(join->input) &&
                   (join->asof.right_stays || !mr_standing_can_change(join->right));
    return !join->asof.has_condition || is_sure
               ? MR_OK
               : refuse_condition(b, join->predicate,
                                  "something else of both sides than equal columns and one "
                                  "comparison");
}

MrStatus mr_asof_take_condition(MrBinder *b, MrLogical *join)
{
    MrExpr *predicate = join->predicate, *stays = NULL;
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        MrExpr *part = mr_conjunct_at(predicate, i);
        if (is_time_comparison(join, part)) {
            MR_TRY(take_time(b, join, part));
        } else {
            MR_TRY(mr_expr_and(b->arena, stays, part, &stays, b->err));
        }
    }
    join->predicate = stays;
    if (!join->asof.is_used) {
        return mr_bind_unsupported(b, join->position,
                                   "Write a ASOF JOIN b ON a.key = b.key AND b.ts <= a.ts.",
                                   "an ASOF JOIN without a comparison of times");
    }
    return check_rest(b, join);
}

/* ---- Other inputs -------------------------------------------------------------------------- */

MrStatus mr_asof_join_anew(MrBinder *b, const MrLogical *join, MrLogical *left, MrLogical *right,
                           MrExpr *condition, MrLogical **out)
{
    MrLogical *anew;
    MrJoinParts parts;
    MR_TRY(mr_logical_join(b->arena, join->join_type, left, right, condition, &anew, b->err));
    anew->position = join->position;
    anew->asof = join->asof;
    anew->left_time = join->left_time;
    anew->right_time = join->right_time;
    *out = anew;
    MR_TRY(mr_join_split(b->arena, anew, &parts, b->err));
    if (join->asof.is_versioned && parts.residual != NULL) {
        return refuse_condition(b, parts.residual, "an outer column and the table's row");
    }
    MR_TRY(check_rest(b, anew));
    MR_TRY(mr_join_settle(b, anew));
    return mr_asof_check_condition(b, anew);
}

/* ---- FOR SYSTEM_TIME AS OF s.ts ------------------------------------------------------------ */

/* The scan of a relation in FROM, which only renaming may have covered. */
static MrLogical *scan_below(MrLogical *node)
{
    while (node->kind != MR_LOGICAL_SCAN) {
        node = node->input;
    }
    return node;
}

/* A table's rows get the time of their change as one more column, without a name. */
static MrStatus add_version_time(MrBinder *b, MrScope *scope, MrTypeId type)
{
    MrExpr *arrival, *time;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_ARRIVAL, mr_type(MR_TYPE_TIMESTAMPTZ), -1, 0, &arrival,
                       b->err));
    time = arrival;
    if (type == MR_TYPE_TIMESTAMP) { /* local time of the query's zone, as in every comparison */
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_CAST, mr_type(type), -1, 1, &time, b->err));
        time->cast = mr_cast_find(MR_TYPE_TIMESTAMPTZ, type);
        time->args[0] = arrival;
    }
    return mr_logical_extend(b->arena, scope->input, &time, 1, &scope->input, b->err);
}

/* The table's row must be the only one that a left row can meet at any time. */
static MrStatus check_table_key(MrBinder *b, const MrLogical *join, int32_t position)
{
    MrLogical *right = join->right;
    const MrTableDef *table = scan_below(right)->relation->table;
    MrJoinParts parts;
    MR_TRY(mr_join_split(b->arena, join, &parts, b->err));
    if (parts.residual != NULL) {
        return mr_bind_unsupported(b, parts.residual->position, "Write it in WHERE.",
                                   "something else than equal columns in the condition of a join "
                                   "FOR SYSTEM_TIME AS OF an event time");
    }
    if (table != NULL &&
        (table->key_count == 0 || !mr_join_fixes(&parts, true, table->keys, table->key_count))) {
        return mr_bind_unsupported(b, position, "Join on all columns of the table's PRIMARY KEY.",
                                   "FOR SYSTEM_TIME AS OF an event time without the table's key");
    }
    return MR_OK;
}

/* The column that dates the versions of a table with PRIMARY KEY and WATERMARK FOR; -1: their
 * change does. */
static int32_t version_column(const MrRelation *relation)
{
    bool has_key = relation->table != NULL && relation->table->number_column < 0;
    return has_key ? relation->stream->event_column : -1;
}

static int32_t event_column(const MrLogical *node)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i].role == MR_TIME_EVENT) {
            return (int32_t)i;
        }
    }
    return -1;
}

MrStatus mr_asof_find_time(MrBinder *b, MrScope *left, MrScope *right, const MrNode *time)
{
    MrScope *outer = b->scope;
    MrClause clause = b->clause;
    MrExpr *value;
    b->scope = left;
    b->clause = MR_CLAUSE_ON;
    MrStatus status = mr_bind_expr(b, time, &value);
    b->scope = outer;
    b->clause = clause;
    MR_TRY(status);
    if (value->kind != MR_EXPR_COLUMN || !is_moment(value->type.id)) {
        return mr_bind_unsupported(b, time->position,
                                   "Write s JOIN t FOR SYSTEM_TIME AS OF s.ts ON s.key = t.key.",
                                   "FOR SYSTEM_TIME AS OF something else than a timestamp column "
                                   "of the left side");
    }
    right->version_of = (int32_t)value->column;
    const MrRelation *relation = scan_below(right->input)->relation;
    bool is_table = relation->kind == MR_RELATION_TABLE;
    int32_t own = is_table ? version_column(relation) : event_column(right->input);
    if (is_table && own < 0) {
        return add_version_time(b, right, value->type.id);
    }
    if (own < 0 || right->input->columns[own].type.id != value->type.id) {
        return mr_bind_unsupported(b, time->position,
                                   "It needs a WATERMARK, for a column of the same type.",
                                   "FOR SYSTEM_TIME AS OF \"%s\" over this stream or table",
                                   left->input->columns[value->column].name);
    }
    return MR_OK;
}

MrStatus mr_asof_set_version(MrBinder *b, MrLogical *join, const MrScope *right, int32_t position)
{
    const MrRelation *relation = scan_below(join->right)->relation;
    bool is_table = relation->kind == MR_RELATION_TABLE;
    int32_t own = is_table ? version_column(relation) : event_column(join->right);
    join->asof = (MrLogicalAsof){ .is_used = true,
                                  .is_versioned = true,
                                  .keeps_replaced = is_table && own >= 0 };
    join->left_time.column = right->version_of;
    join->right_time.column = own >= 0 ? own : (int32_t)join->right->column_count - 1;
    return check_table_key(b, join, position);
}

/* ---- AS OF PROCTIME() at the prompt --------------------------------------------------------- */

/* Rows that come in the places of the log that they have in streams. */
static bool reads_only_streams(const MrLogical *node)
{
    if (node->kind == MR_LOGICAL_JOIN && node->is_lookup) {
        return reads_only_streams(node->input); /* as they come, with what the table had there */
    }
    return node->kind == MR_LOGICAL_SCAN
               ? node->scan == MR_SCAN_STREAM
               : reads_only_streams(node->input) &&
                     (node->right == NULL || reads_only_streams(node->right));
}

MrStatus mr_asof_read_history(MrBinder *b, const MrScope *left, MrScope *right, int32_t position)
{
    MrLogical *scan = scan_below(right->input);
    bool is_table = scan->relation->kind == MR_RELATION_TABLE;
    if (b->mode != MR_BIND_ADHOC || !is_table) {
        return MR_OK;
    }
    if (right->is_lookup && !mr_logical_reads(left->input, MR_SCAN_STREAM)) {
        right->is_lookup = false; /* rows that are there now meet the table as it is now */
        return MR_OK;
    }
    if (!reads_only_streams(left->input)) {
        return mr_bind_unsupported(b, position, "Join the stream with the table first.",
                                   "FOR SYSTEM_TIME at the prompt, for rows that are not only a "
                                   "stream's");
    }
    scan->reads_history = true;
    return MR_OK;
}
