/*
 * planner/window_count_places.c - the order of the rows that COUNT_WINDOW takes, where they are not
 * a stream's: those that are given when windows close have the places of the records that closed
 * them.  Must not know how windows of rows are kept.
 */
#include "planner/dependent.h"
#include "planner/dependent_join.h"
#include "planner/since.h"
#include "planner/standing.h"
#include "planner/window.h"

/* A subquery whose windows close gives its rows in the order of the records that close them. */
static MrStatus close_subquery(MrBinder *b, MrScope *scope)
{
    bool closes;
    MR_TRY(mr_standing_closes(b, scope->input, &closes));
    if (!closes || mr_tree_is_correlated(scope->input)) {
        return MR_OK;
    }
    scope->over_stream = true;
    return mr_logical_closed(b->arena, scope->input, &scope->input, b->err);
}

/* At the prompt it is bound as a query that waits for its windows, which also reads the views that
 * it names as such a query does.  A table, and what counts from a start on, would have to be known
 * as it was. */
static MrStatus bind_closing(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope)
{
    const MrBindMode mode = b->mode;
    const bool closes = b->closes;
    MrScope fresh;
    b->mode = MR_BIND_STANDING;
    b->closes = true;
    MrStatus status = mr_bind_from(b, ast->input, &fresh);
    if (status == MR_OK && !fresh.over_stream && !mr_since_stands_in(fresh.input) &&
        !mr_logical_reads(fresh.input, MR_SCAN_TABLE)) {
        status = close_subquery(b, &fresh);
    }
    b->mode = mode;
    b->closes = closes;
    if (status == MR_ERR_UNSUPPORTED) {
        mr_error_clear(b->err); /* then its rows have no places */
        return MR_OK;
    }
    MR_TRY(status);
    *scope = fresh.over_stream ? fresh : *scope;
    return MR_OK;
}

/* At the prompt a view is read from its table, which does not know the places of its rows: they are
 * made again. */
MrStatus mr_window_find_places(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope)
{
    const bool is_view = scope->input->kind == MR_LOGICAL_SCAN;
    if (scope->over_stream || (b->mode == MR_BIND_STANDING && !b->closes)) {
        return MR_OK;
    }
    if (b->mode == MR_BIND_STANDING) {
        return close_subquery(b, scope);
    }
    MR_TRY(mr_bind_again(b, ast->base.position, &scope->input));
    scope->over_stream =
        mr_window_stream_of_rows(scope->input) != NULL || mr_window_order_closed(scope->input);
    scope->has_place = is_view && scope->over_stream;
    return scope->over_stream ? MR_OK : bind_closing(b, ast, scope);
}
