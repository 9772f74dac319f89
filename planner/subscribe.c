/*
 * planner/subscribe.c - SUBSCRIBE: a standing query whose changes go to a client, each changed row
 * with the one that it replaces.  It has no table, so it needs no key.
 */
#include <errno.h>
#include <stdlib.h>

#include "planner/binder.h"
#include "planner/dependent.h"
#include "planner/lower.h"
#include "planner/options.h"
#include "planner/rewrite.h"
#include "planner/sink.h"
#include "planner/standing.h"

enum { PROGRESS_US_MIN = 1000 };

/* true, false, or how often. */
static MrStatus read_progress(const MrOptionSet *set, MrSubscribePlan *out)
{
    const MrAstOption *option = mr_options_find(set, "progress");
    bool is_interval = option != NULL && option->value == MR_OPTION_STRING &&
                       strpbrk(option->text, "0123456789") != NULL && strlen(option->text) > 1;
    if (!is_interval) {
        return mr_options_bool(set, "progress", &out->progress);
    }
    MR_TRY(mr_options_interval(set, "progress", &out->progress_us));
    return out->progress_us >= PROGRESS_US_MIN
               ? MR_OK
               : mr_option_error(set, option, "an interval of at least a millisecond");
}

static MrStatus read_literal(MrBinder *b, const MrAstLiteral *literal, uint64_t *out)
{
    errno = 0;
    *out = strtoull(literal->text, NULL, 10);
    return errno == 0 && *out <= INT64_MAX
               ? MR_OK
               : mr_bind_error(b, MR_ERR_NUMERIC_OUT_OF_RANGE, literal->base.position,
                               "sequence %.100s is out of range", literal->text);
}

/* Until it has a value it is 0. */
static MrStatus read_parameter(MrBinder *b, const MrNode *parameter, uint64_t *out)
{
    MrDatum value;
    MR_TRY(mr_bind_constant(b, parameter, mr_type(MR_TYPE_INT64), "AFTER", &value));
    if (value.is_null && b->context->parameters->values != NULL) {
        return mr_bind_error(b, MR_ERR_NULL_NOT_ALLOWED, parameter->position,
                             "the sequence of AFTER must not be null");
    }
    if (!value.is_null && value.integer < 0) {
        return mr_bind_error(b, MR_ERR_NUMERIC_OUT_OF_RANGE, parameter->position,
                             "sequence %lld is out of range", (long long)value.integer);
    }
    *out = value.is_null ? 0 : (uint64_t)value.integer;
    return MR_OK;
}

static MrStatus read_after(MrBinder *b, const MrAstSubscribe *statement, const MrOptionSet *set,
                           MrSubscribePlan *out)
{
    if (statement->after == NULL) {
        return MR_OK;
    }
    out->has_after = true;
    MR_TRY(statement->after->kind == MR_AST_PARAMETER
               ? read_parameter(b, statement->after, &out->after)
               : read_literal(b, MR_AST_AS(const MrAstLiteral, statement->after), &out->after));
    if (mr_options_find(set, "snapshot") != NULL && out->snapshot) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, statement->after->position,
                      "AFTER and snapshot = true exclude each other");
        return mr_error_hint(b->err, "AFTER gives the changes behind a sequence, without what was "
                                     "there at it.");
    }
    out->snapshot = false;
    return MR_OK;
}

static MrStatus read_options(MrBinder *b, const MrAstSubscribe *statement, MrSubscribePlan *out,
                             bool *is_upsert)
{
    MrOptionSet set = { .list = &statement->options, .what = "SUBSCRIBE", .err = b->err };
    uint32_t envelope = 0;
    out->snapshot = true;
    MR_TRY(mr_options_check(&set, "snapshot|progress|envelope", NULL));
    MR_TRY(mr_options_bool(&set, "snapshot", &out->snapshot));
    MR_TRY(read_progress(&set, out));
    MR_TRY(mr_options_choice(&set, "envelope", "changes|upsert", &envelope));
    *is_upsert = envelope == 1;
    return read_after(b, statement, &set, out);
}

/* mr_seq, mr_diff, then the query's columns, which a row of progress leaves NULL. */
static MrStatus row_schema(MrBinder *b, const MrPlan *plan, bool has_progress, MrSchema *out)
{
    MrColumn *columns;
    uint32_t count = plan->visible_columns;
    MR_NEW_ARRAY(b->arena, columns, count + 2, b->err);
    columns[0] = (MrColumn){ .name = "mr_seq", .type = mr_type(MR_TYPE_INT64), .not_null = true };
    columns[1] = (MrColumn){ .name = "mr_diff", .type = mr_type(MR_TYPE_INT64), .not_null = true };
    for (uint32_t c = 0; c < count; c++) {
        columns[c + 2] = plan->output.columns[c];
        columns[c + 2].not_null = columns[c + 2].not_null && !has_progress;
    }
    *out = (MrSchema){ .column_count = count + 2, .columns = columns };
    return MR_OK;
}

/* Rows that are only ever added replace none: they need no key.  One that is not among the columns
 * comes behind them, where the client does not see it. */
static MrStatus find_key(MrBinder *b, MrLogical **tree, MrSubscribePlan *out)
{
    static const uint32_t none;
    MrPlan keyed = { .append_only = false };
    out->keys = &none;
    if (!mr_standing_can_change(*tree)) {
        return MR_OK;
    }
    MR_TRY(mr_standing_derive_key(b, tree, &keyed));
    out->keys = keyed.keys;
    out->key_count = keyed.key_count;
    return MR_OK;
}

/* `upsert` NULL: without a key. */
static MrStatus bind_tree(MrBinder *b, const MrAstQuery *query, MrLogical **tree, MrPlan *plan,
                          MrSubscribePlan *upsert)
{
    MrBoundQuery bound;
    MR_TRY(mr_bind_query(b, query, true, &bound));
    MR_TRY(mr_standing_show(b, &bound, tree));
    plan->visible_columns = bound.visible;
    if (!mr_logical_reads(*tree, MR_SCAN_TABLE) && !mr_logical_reads(*tree, MR_SCAN_STREAM)) {
        mr_bind_error(b, MR_ERR_UNSUPPORTED, -1,
                      "SUBSCRIBE must read a stream, a table or a view of these");
        return mr_error_hint(b->err, "Use SELECT for rows that do not change.");
    }
    if (upsert != NULL) {
        MR_TRY(find_key(b, tree, upsert));
    }
    return mr_rewrite_all(b, tree);
}

MrStatus mr_planner_subscribe(MrPlannerContext *context, const MrAstSubscribe *statement,
                              MrSubscribePlan *out, MrError *err)
{
    MrBinder binder;
    MrLogical *tree;
    MrPlan *plan;
    MrColumn *columns;
    MrAstQuery *query = statement->query;
    bool is_upsert;
    mr_binder_init(&binder, context, MR_BIND_STANDING, err);
    *out = (MrSubscribePlan){ .plan = NULL };
    MR_TRY(read_options(&binder, statement, out, &is_upsert));
    context->parameters = NULL; /* of the query: it goes on when their values are gone */
    MR_NEW(context->arena, plan, err);
    if (query == NULL) {
        MR_TRY(mr_planner_whole_relation(context, &statement->name, &query, err));
    }
    MrStatus status = bind_tree(&binder, query, &tree, plan, is_upsert ? out : NULL);
    if (status != MR_OK && statement->query == NULL) {
        mr_error_at(err, statement->name.position);
    }
    MR_TRY(status);
    MR_NEW_ARRAY(context->arena, columns, tree->column_count, err);
    for (uint32_t c = 0; c < tree->column_count; c++) {
        const MrLogicalColumn *column = &tree->columns[c];
        columns[c] = (MrColumn){ .name = column->name != NULL ? column->name : "?column?",
                                 .type = column->type,
                                 .not_null = column->not_null };
    }
    plan->output = (MrSchema){ .column_count = plan->visible_columns, .columns = columns };
    plan->append_only = true;
    plan->snapshot = out->snapshot;
    MrLowerOptions options = { .is_standing = true,
                               .emit = MR_EMIT_MODE_UPDATE,
                               .append_only = true,
                               .keeps_old = true,
                               .zone = context->zone,
                               .now_us = context->now_us };
    MR_TRY(mr_lower(context->arena, tree, &options, plan, err));
    MR_TRY(mr_dependent_parents(context->arena, tree, plan, err));
    out->plan = plan;
    out->is_stateless = mr_logical_is_stateless(tree);
    return row_schema(&binder, plan, out->progress || out->progress_us > 0, &out->schema);
}
