/*
 * planner/join_time.c - how far apart in time two joined rows can be, from BETWEEN and comparisons
 * in all their spellings and from equal windows; and what event times the joined rows have.
 */
#include "planner/join.h"

#include "planner/window.h"

#include <string.h>

/* A value of the form column + offset. */
typedef struct Moment {
    uint32_t column; /* of both inputs */
    int64_t offset_us;
    bool has_days; /* the offset depends on the zone's days */
} Moment;

/* right.time - left.time lies between the two, where they are known. */
typedef struct Bounds {
    const MrLogical *join;
    bool has_low, has_high, found;
    uint32_t left, right; /* columns of their own inputs */
    int64_t low_us, high_us;
} Bounds;

bool mr_join_is_event_time(const MrLogicalColumn *column)
{
    if (column->type.id != MR_TYPE_TIMESTAMP && column->type.id != MR_TYPE_TIMESTAMPTZ) {
        return false;
    }
    return column->role == MR_TIME_EVENT ||
           (column->role == MR_TIME_WINDOW_END && column->window_of->time_is_event);
}

static const MrLogicalColumn *column_at(const MrLogical *join, uint32_t column)
{
    uint32_t left = join->input->column_count;
    return column < left ? &join->input->columns[column] : &join->right->columns[column - left];
}

static bool interval_of(const MrExpr *expr, int64_t *us, bool *has_days)
{
    if (expr->kind != MR_EXPR_CONSTANT || expr->constant.is_null || expr->column != 0 ||
        expr->type.id != MR_TYPE_INTERVAL || expr->constant.interval.months != 0) {
        return false;
    }
    int64_t days;
    *has_days = expr->constant.interval.days != 0;
    return !__builtin_mul_overflow((int64_t)expr->constant.interval.days, MR_US_PER_DAY, &days) &&
           !__builtin_add_overflow(days, expr->constant.interval.us, us);
}

static bool is_call(const MrExpr *expr, const char *name)
{
    return expr->kind == MR_EXPR_CALL && expr->arg_count == 2 &&
           strcmp(expr->function->name, name) == 0;
}

static bool moment_of(const MrLogical *join, const MrExpr *expr, Moment *out)
{
    int64_t us;
    bool has_days;
    if (expr->kind == MR_EXPR_COLUMN) {
        *out = (Moment){ .column = expr->column };
        return mr_join_is_event_time(column_at(join, expr->column));
    }
    bool plus = is_call(expr, "+"), minus = is_call(expr, "-");
    if (!plus && !minus) {
        return false;
    }
    for (uint32_t i = 0; i < (plus ? 2 : 1); i++) {
        if (interval_of(expr->args[1 - i], &us, &has_days) && moment_of(join, expr->args[i], out)) {
            out->has_days = out->has_days || has_days;
            return !__builtin_add_overflow(out->offset_us, minus ? -us : us, &out->offset_us);
        }
    }
    return false;
}

/* ---- Comparisons ------------------------------------------------------------------------- */

typedef enum Comparison { IS_LESS = 1, IS_GREATER = 2, IS_EQUAL = 3 } Comparison;

static Comparison comparison_of(const MrExpr *expr)
{
    if (expr->kind != MR_EXPR_CALL || expr->arg_count != 2) {
        return 0;
    }
    const char *name = expr->function->name;
    return strcmp(name, "=") == 0                              ? IS_EQUAL
           : strcmp(name, "<") == 0 || strcmp(name, "<=") == 0 ? IS_LESS
           : strcmp(name, ">") == 0 || strcmp(name, ">=") == 0 ? IS_GREATER
                                                               : 0;
}

static bool is_left(const Bounds *bounds, uint32_t column)
{
    return column < bounds->join->input->column_count;
}

/* b - a `comparison` us, for moments of the two sides. */
static void note_difference(Bounds *bounds, const Moment *a, const Moment *b, int64_t us,
                            Comparison comparison, bool has_days)
{
    bool turned = !is_left(bounds, a->column);
    const Moment *left = turned ? b : a, *right = turned ? a : b;
    uint32_t left_column = left->column;
    uint32_t right_column = right->column - bounds->join->input->column_count;
    if (bounds->found && (bounds->left != left_column || bounds->right != right_column)) {
        return; /* the first pair of times has the say */
    }
    if (turned) {
        us = -us;
        comparison = comparison == IS_LESS      ? IS_GREATER
                     : comparison == IS_GREATER ? IS_LESS
                                                : IS_EQUAL;
    }
    /* Days of 23 and 25 hours: the bound is drawn wider, the condition itself stays exact. */
    int64_t slack_us = has_days ? MR_US_PER_DAY : 0;
    if ((comparison & IS_LESS) && (!bounds->has_high || us + slack_us < bounds->high_us)) {
        bounds->has_high = true;
        bounds->high_us = us + slack_us;
    }
    if ((comparison & IS_GREATER) && (!bounds->has_low || us - slack_us > bounds->low_us)) {
        bounds->has_low = true;
        bounds->low_us = us - slack_us;
    }
    bounds->found = true;
    bounds->left = left_column;
    bounds->right = right_column;
}

static bool are_of_two_sides(const Bounds *bounds, const Moment *a, const Moment *b)
{
    return is_left(bounds, a->column) != is_left(bounds, b->column) &&
           column_at(bounds->join, a->column)->type.id ==
               column_at(bounds->join, b->column)->type.id;
}

static bool depends_on_zone(const Bounds *bounds, const Moment *moment, bool has_days)
{
    return has_days && column_at(bounds->join, moment->column)->type.id == MR_TYPE_TIMESTAMPTZ;
}

/* x <= y of two moments. */
static bool note_moments(Bounds *bounds, const MrExpr *expr, Comparison comparison)
{
    Moment x, y;
    int64_t us;
    if (!moment_of(bounds->join, expr->args[0], &x) ||
        !moment_of(bounds->join, expr->args[1], &y) || !are_of_two_sides(bounds, &x, &y) ||
        __builtin_sub_overflow(y.offset_us, x.offset_us, &us)) {
        return false;
    }
    /* x + o <= y + p says x - y <= p - o. */
    note_difference(bounds, &y, &x, us, comparison,
                    depends_on_zone(bounds, &x, x.has_days || y.has_days));
    return true;
}

/* x - y <= interval, and interval >= x - y. */
static void note_subtraction(Bounds *bounds, const MrExpr *expr, Comparison comparison)
{
    for (uint32_t i = 0; i < 2; i++) {
        const MrExpr *difference = expr->args[i];
        Moment x, y;
        int64_t us, offset_us;
        bool has_days;
        if (!is_call(difference, "-") || !interval_of(expr->args[1 - i], &us, &has_days) ||
            !moment_of(bounds->join, difference->args[0], &x) ||
            !moment_of(bounds->join, difference->args[1], &y) ||
            !are_of_two_sides(bounds, &x, &y) ||
            __builtin_sub_overflow(y.offset_us, x.offset_us, &offset_us) ||
            __builtin_add_overflow(us, offset_us, &us)) {
            continue;
        }
        Comparison own = i == 0 || comparison == IS_EQUAL ? comparison
                         : comparison == IS_LESS          ? IS_GREATER
                                                          : IS_LESS;
        note_difference(bounds, &y, &x, us, own,
                        depends_on_zone(bounds, &x, x.has_days || y.has_days));
        return;
    }
}

static void note_part(Bounds *bounds, const MrExpr *part)
{
    Comparison comparison = comparison_of(part);
    if (comparison != 0 && !note_moments(bounds, part, comparison)) {
        note_subtraction(bounds, part, comparison);
    }
}

/* ---- Equal windows ----------------------------------------------------------------------- */

static bool is_bound(const MrLogicalColumn *column)
{
    return (column->role == MR_TIME_WINDOW_START || column->role == MR_TIME_WINDOW_END) &&
           column->window_of->time_is_event && column->window_of->window.size_months == 0;
}

/* Bounds of like windows that are equal: rows of one window meet. */
static bool is_window_pair(const MrLogical *join, const MrExpr *part, const MrLogicalColumn **out)
{
    if (comparison_of(part) != IS_EQUAL || part->args[0]->kind != MR_EXPR_COLUMN ||
        part->args[1]->kind != MR_EXPR_COLUMN) {
        return false;
    }
    uint32_t left = join->input->column_count;
    const MrLogicalColumn *a = column_at(join, part->args[0]->column);
    const MrLogicalColumn *c = column_at(join, part->args[1]->column);
    *out = a;
    return (part->args[0]->column < left) != (part->args[1]->column < left) && is_bound(a) &&
           is_bound(c) && a->role == c->role &&
           memcmp(&a->window_of->window, &c->window_of->window, sizeof(MrWindow)) == 0;
}

static bool set_window_times(MrLogical *join, const MrExpr *part)
{
    const MrLogicalColumn *bound;
    if (!is_window_pair(join, part, &bound)) {
        return false;
    }
    uint32_t left = join->input->column_count;
    bool turned = part->args[0]->column >= left;
    /* A window takes rows until W reaches its end. */
    int64_t keep_us = bound->role == MR_TIME_WINDOW_END ? -1 : bound->window_of->window.size_us - 1;
    join->left_time = (MrJoinTime){ .column = (int32_t)part->args[turned]->column,
                                    .keep_us = keep_us,
                                    .late_us = keep_us };
    join->right_time = (MrJoinTime){ .column = (int32_t)(part->args[!turned]->column - left),
                                     .keep_us = keep_us,
                                     .late_us = keep_us };
    return true;
}

/* ---- Roles ------------------------------------------------------------------------------- */

void mr_join_keep_roles(MrLogical *join, bool of_left, bool events)
{
    uint32_t left = join->input->column_count;
    if (join->join_type == MR_JOIN_TYPE_FULL ||
        join->join_type == (of_left ? MR_JOIN_TYPE_RIGHT : MR_JOIN_TYPE_LEFT)) {
        return; /* padded rows have no times */
    }
    for (uint32_t i = of_left ? 0 : left; i < (of_left ? left : join->column_count); i++) {
        const MrLogicalColumn *column = column_at(join, i);
        bool keeps = events || column->role != MR_TIME_EVENT;
        join->columns[i].role = keeps ? column->role : MR_TIME_NONE;
        join->columns[i].window_of = keeps ? column->window_of : NULL;
    }
}

static void clear_times(MrLogical *join)
{
    join->left_time = join->right_time = (MrJoinTime){ .column = -1 };
    join->passes_time = join->settles_left = false;
    join->settles_right = join->settles_right && join->is_lookup; /* that is settled once */
    join->closes_by_window = NULL;
    join->hold_us = 0;
    for (uint32_t i = 0; i < join->column_count; i++) {
        join->columns[i].role = MR_TIME_NONE;
        join->columns[i].window_of = NULL;
    }
}

/* The other side's rows are all there: the stream's go through as they come.  Of a table, or a
 * view, they are so at the prompt alone; a standing query has them corrected, which leaves no event
 * time, and no row is late here that is not late there. */
static void pass_through(MrLogical *join, bool of_left)
{
    const MrLogical *side = of_left ? join->right : join->input;
    if (mr_join_side_is_static(side, of_left ? join->input : join->right, true)) {
        mr_join_keep_roles(join, of_left, true);
    }
    join->passes_time = true;
}

static bool settle_static(MrBinder *b, MrLogical *join)
{
    bool is_standing = b->mode != MR_BIND_ADHOC;
    if (join->is_lookup) {
        mr_join_keep_roles(join, true, true);
        join->passes_time = true;
        return true;
    }
    bool pads_left = join->join_type == MR_JOIN_TYPE_RIGHT || join->join_type == MR_JOIN_TYPE_FULL;
    bool pads_right = join->join_type == MR_JOIN_TYPE_LEFT || join->join_type == MR_JOIN_TYPE_FULL;
    if (mr_join_side_is_static(join->right, join->input, is_standing) && !pads_left) {
        pass_through(join, true);
    } else if (mr_join_side_is_static(join->input, join->right, is_standing) && !pads_right &&
               mr_join_shows_right(join->join_type)) {
        pass_through(join, false);
    } else {
        return false;
    }
    return true;
}

static void settle_bounds(MrLogical *join)
{
    Bounds bounds = { .join = join };
    MrExpr *predicate = join->predicate;
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        MrExpr *part = mr_conjunct_at(predicate, i);
        if (set_window_times(join, part)) {
            mr_join_keep_roles(join, true, false);
            mr_join_keep_roles(join, false, false);
            join->passes_time = true;
            return;
        }
        note_part(&bounds, part);
    }
    if (!bounds.has_low || !bounds.has_high) {
        return;
    }
    join->left_time = (MrJoinTime){ .column = (int32_t)bounds.left,
                                    .keep_us = bounds.high_us,
                                    .has_reach = true,
                                    .reach_us = bounds.high_us };
    join->right_time = (MrJoinTime){ .column = (int32_t)bounds.right,
                                     .keep_us = -bounds.low_us,
                                     .has_reach = true,
                                     .reach_us = -bounds.low_us };
    int64_t back_us = bounds.high_us > -bounds.low_us ? bounds.high_us : -bounds.low_us;
    join->hold_us = back_us > 0 ? back_us : 0;
    join->passes_time = true;
    mr_join_keep_roles(join, true, true);
    mr_join_keep_roles(join, false, true);
}

/* Nothing yet, of the two times of an as-of join. */
static Bounds asof_bounds(const MrLogical *join)
{
    return (Bounds){ .join = join,
                     .found = true,
                     .left = (uint32_t)join->left_time.column,
                     .right = (uint32_t)join->right_time.column };
}

bool mr_asof_shifted_times(const MrLogical *join, const MrExpr *part, MrAsofTimes *out)
{
    Bounds bounds = { .join = join };
    Moment sides[2];
    Comparison comparison = comparison_of(part);
    if ((comparison != IS_LESS && comparison != IS_GREATER) ||
        !moment_of(join, part->args[0], &sides[0]) || !moment_of(join, part->args[1], &sides[1]) ||
        !are_of_two_sides(&bounds, &sides[0], &sides[1]) ||
        depends_on_zone(&bounds, &sides[0], sides[0].has_days || sides[1].has_days)) {
        return false;
    }
    const bool turned = is_left(&bounds, sides[0].column);
    const Moment *left = &sides[!turned], *right = &sides[turned];
    *out = (MrAsofTimes){ .left = left->column,
                          .right = right->column - join->input->column_count,
                          .is_later = comparison == (turned ? IS_LESS : IS_GREATER) };
    return !__builtin_sub_overflow(right->offset_us, left->offset_us, &out->shift_us) &&
           out->shift_us > INT64_MIN;
}

bool mr_asof_bounds_time(const MrLogical *join, const MrExpr *part)
{
    Bounds bounds = asof_bounds(join);
    note_part(&bounds, part);
    return bounds.has_low || bounds.has_high;
}

bool mr_join_is_table(const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_PROJECT) {
        node = node->input;
    }
    return node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_TABLE;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How far the condition lets the right row be from the left one, as they are compared. */
static void set_reach(MrLogicalAsof *asof, const Bounds *bounds)
{
    const MrTimeSpread *left = &asof->left_spread, *right = &asof->right_spread;
    const bool is_bounded = asof->is_later ? bounds->has_high : bounds->has_low;
    int64_t reach_us = 0;
    bool overflows =
        is_bounded &&
        __builtin_sub_overflow(asof->is_later ? bounds->high_us : -bounds->low_us,
                               asof->is_later ? -asof->shift_us : asof->shift_us, &reach_us);
    const int64_t spread_us =
        asof->is_later ? right->high_us - left->low_us : left->high_us - right->low_us;
    overflows = overflows || __builtin_add_overflow(reach_us, spread_us, &reach_us);
    asof->has_reach = asof->has_condition && is_bounded && !overflows;
    asof->reach_us = asof->is_later ? greater(reach_us, 0) : reach_us; /* it judges those too */
}

/* How long rows wait beyond their time: for rows that count as earlier than they are, and left ones
 * for later ones. */
static void set_waits(MrLogical *join)
{
    MrLogicalAsof *asof = &join->asof;
    asof->behind_us = greater(greater(-asof->shift_us, 0),
                              greater(-asof->left_spread.low_us, -asof->right_spread.low_us));
    join->hold_us = asof->behind_us + greater(asof->left_spread.high_us, 0);
    if (asof->is_later && asof->has_reach && !asof->right_stays) {
        const int64_t most_us = INT64_MAX - join->hold_us;
        join->hold_us += asof->reach_us < most_us ? asof->reach_us : most_us;
    }
}

/* The times of an as-of join are known since it was bound; the left ones are those of its rows,
 * where these do not wait for longer than that. */
static void settle_asof(const MrBinder *b, MrLogical *join)
{
    const MrLogicalColumn *left = &join->input->columns[join->left_time.column];
    const MrLogicalColumn *right = &join->right->columns[join->right_time.column];
    bool by_change = join->asof.is_versioned && !mr_logical_reads(join->right, MR_SCAN_STREAM);
    join->asof.right_stays = b->closes && !join->asof.is_versioned && mr_join_is_table(join->right);
    join->asof.is_timed = mr_join_is_event_time(left) &&
                          (by_change || join->asof.right_stays || mr_join_is_event_time(right));
    Bounds bounds = asof_bounds(join);
    for (uint32_t i = 0; i < mr_conjunct_count(join->predicate); i++) {
        note_part(&bounds, mr_conjunct_at(join->predicate, i));
    }
    set_reach(&join->asof, &bounds);
    set_waits(join);
    /* One that waits for a later row without an end has no time when it shows. */
    join->passes_time = join->asof.is_timed &&
                        (!join->asof.is_later || join->asof.right_stays || join->asof.has_reach);
    if (join->passes_time) {
        mr_join_keep_roles(join, true, true);
    }
}

MrStatus mr_join_settle(MrBinder *b, MrLogical *node)
{
    if (node->kind == MR_LOGICAL_FILTER) {
        MR_TRY(mr_join_settle(b, node->input));
        node->columns = node->input->columns;
        return MR_OK;
    }
    if (node->kind != MR_LOGICAL_JOIN) {
        return MR_OK;
    }
    MR_TRY(mr_join_settle(b, node->input));
    MR_TRY(mr_join_settle(b, node->right));
    MrJoinTime times[2] = { node->left_time, node->right_time };
    clear_times(node);
    for (uint32_t i = 0; i < node->column_count; i++) {
        bool of_left = i < node->input->column_count;
        bool padded = node->join_type == MR_JOIN_TYPE_FULL ||
                      node->join_type == (of_left ? MR_JOIN_TYPE_RIGHT : MR_JOIN_TYPE_LEFT);
        node->columns[i].not_null = column_at(node, i)->not_null && !padded;
    }
    if (node->asof.is_used) {
        node->left_time = times[0];
        node->right_time = times[1];
        settle_asof(b, node);
    } else if (!settle_static(b, node)) {
        settle_bounds(node);
        if (b->closes && !node->passes_time) {
            mr_join_settle_closing(node);
        }
    }
    return MR_OK;
}
