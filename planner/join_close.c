/*
 * planner/join_close.c - joins under EMIT ON WINDOW CLOSE with tables: a table counts as it was
 * at the place where a window closed.  Must not know operators.
 *
 * Rows that come when a window closes (groups, first rows) look the other side up, and are done.
 * Rows of windows that are grouped above are kept until their window closes: until then a change of
 * the table corrects the groups, afterwards nothing of the window is there to be corrected.
 */
#include "planner/join.h"
#include "planner/window.h"

/* Whether the tree is made of tables alone.  What is computed of several rows (groups, first rows)
 * is brought up to date after every change then, so that it is right at every place of the log. */
static bool is_of_tables(const MrLogical *node)
{
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->scan == MR_SCAN_TABLE || node->scan == MR_SCAN_VALUES;
    }
    return node->kind != MR_LOGICAL_RECURSION && is_of_tables(node->input) &&
           (node->right == NULL || is_of_tables(node->right));
}

static bool can_change(const MrLogical *node)
{
    return is_of_tables(node) && mr_logical_reads(node, MR_SCAN_TABLE);
}

/* Whether rows of the tree come once, when nothing can change them any more. */
static bool comes_closed(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_RESULT: /* its part waits as the query does */
    case MR_LOGICAL_PROJECT: return comes_closed(node->input);
    case MR_LOGICAL_WINDOW: return mr_window_is_keyed(node); /* rows of sessions, of counts */
    case MR_LOGICAL_UNION: return comes_closed(node->input) && comes_closed(node->right);
    case MR_LOGICAL_JOIN:
        return (node->is_lookup && comes_closed(node->input)) || node->asof.is_used;
    case MR_LOGICAL_AGGREGATE:
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return true;
    default: return false;
    }
}

/* The column of the input that ends the windows of its rows; -1: it has none that close. */
static int32_t end_column(const MrLogical *input)
{
    for (uint32_t i = 0; i < input->column_count; i++) {
        const MrLogicalColumn *column = &input->columns[i];
        if (column->role == MR_TIME_WINDOW_END && column->window_of->kind == MR_LOGICAL_WINDOW &&
            column->window_of->time_is_event &&
            column->window_of->window_kind != MR_GROUP_WINDOW_SESSION) {
            return (int32_t)i;
        }
    }
    return -1;
}

static void close_with_window(MrLogical *join, bool of_left)
{
    const MrLogical *input = of_left ? join->input : join->right;
    int32_t column = end_column(input);
    if (column < 0) {
        return;
    }
    /* A window takes rows until W reaches its end.  Of several windows of a row one may be open:
     * there it is judged where the row gets them. */
    MrLogical *window = (MrLogical *)(uintptr_t)input->columns[column].window_of;
    bool is_one = window->window_kind == MR_GROUP_WINDOW_TUMBLE;
    window->judges_late = !is_one;
    *(of_left ? &join->left_time : &join->right_time) =
        (MrJoinTime){ .column = column, .keep_us = -1, .late_us = is_one ? -1 : MR_TIME_MAX / 2 };
    join->closes_by_window = window;
    *(of_left ? &join->settles_right : &join->settles_left) = true;
    join->passes_time = true;
    mr_join_keep_roles(join, of_left, false);
}

void mr_join_settle_closing(MrLogical *join)
{
    bool left_changes = can_change(join->input), right_changes = can_change(join->right);
    bool pads_left = join->join_type == MR_JOIN_TYPE_RIGHT || join->join_type == MR_JOIN_TYPE_FULL;
    bool pads_right = join->join_type == MR_JOIN_TYPE_LEFT || join->join_type == MR_JOIN_TYPE_FULL;
    if (left_changes && right_changes) {
        return;
    }
    if (right_changes && !pads_left && comes_closed(join->input)) {
        join->is_lookup = true;
        join->settles_right = true;
        join->passes_time = true;
        mr_join_keep_roles(join, true, true);
    } else if (right_changes && !pads_left) {
        close_with_window(join, true);
    } else if (left_changes && !pads_right && mr_join_shows_right(join->join_type)) {
        close_with_window(join, false);
    }
}

MrStatus mr_join_turn_closing(MrBinder *b, MrLogical **join)
{
    const MrLogical *node = *join;
    MrLogical *turned;
    if (node->kind != MR_LOGICAL_JOIN || node->is_lookup || node->asof.is_used ||
        (node->join_type != MR_JOIN_TYPE_INNER && node->join_type != MR_JOIN_TYPE_RIGHT) ||
        !can_change(node->input) || can_change(node->right) || !comes_closed(node->right)) {
        return MR_OK;
    }
    MrExpr *condition = node->predicate;
    MR_TRY(mr_join_turn(b, node, &condition, &turned));
    turned->predicate = condition;
    if (node->join_type == MR_JOIN_TYPE_INNER) {
        turned->join_type = MR_JOIN_TYPE_INNER;
    }
    MR_TRY(mr_join_settle(b, turned));
    return mr_join_turn_back(b, node, turned, join);
}
