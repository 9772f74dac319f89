/*
 * planner/standing.c - see standing.h.
 */
#include "planner/standing.h"

#include "planner/join.h"
#include "planner/options.h"
#include "planner/over.h"

#include <string.h>

/* ---- Options ----------------------------------------------------------------------------- */

/* What a Flink cluster is not asked to do. */
static MrStatus refuse_local_options(const MrOptionSet *set)
{
    static const char *const names[] = { "snapshot",  "batch_interval", "allowed_lateness",
                                         "late_rows", "on_error",       "on_sink_error",
                                         "memory",    "numeric" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const MrAstOption *option = mr_options_find(set, names[i]);
        if (option != NULL) {
            mr_error_set(set->err, MR_ERR_UNSUPPORTED, "engine = 'flink' has no option \"%s\"",
                         names[i]);
            mr_error_at(set->err, option->base.position);
            return mr_error_hint(set->err, "Leave it out, or engine = 'flink'.");
        }
    }
    return MR_OK;
}

static MrStatus read_options(const MrOptionSet *set, MrPlan *plan)
{
    uint32_t late_rows = 0, on_error = 0, on_sink_error = 0, engine = 0, numeric = 0;
    MR_TRY(mr_options_check(set, MR_STANDING_OPTION_NAMES, NULL));
    MR_TRY(mr_options_bool(set, "snapshot", &plan->snapshot));
    MR_TRY(mr_options_interval(set, "batch_interval", &plan->batch_interval_us));
    MR_TRY(mr_options_interval(set, "allowed_lateness", &plan->allowed_lateness_us));
    MR_TRY(mr_options_choice(set, "late_rows", "count|table", &late_rows));
    MR_TRY(mr_options_choice(set, "on_error", "record|stop", &on_error));
    MR_TRY(mr_options_choice(set, "on_sink_error", "stop|dead_letter", &on_sink_error));
    MR_TRY(mr_options_choice(set, "engine", "local|flink", &engine));
    MR_TRY(mr_options_choice(set, "numeric", "real|text", &numeric));
    MR_TRY(mr_options_bytes(set, "memory", &plan->memory_bytes));
    plan->is_flink = engine == 1;
    MR_TRY(plan->is_flink ? refuse_local_options(set) : MR_OK);
    if (mr_options_find(set, "memory") != NULL && plan->memory_bytes < 1024 * 1024) {
        return mr_option_error(set, mr_options_find(set, "memory"), "at least 1 MB");
    }
    plan->late_rows_table = late_rows == 1;
    plan->stop_on_error = on_error == 1;
    plan->dead_letters = on_sink_error == 1;
    plan->numeric_as_text = numeric == 1;
    return MR_OK;
}

MrStatus mr_standing_options(MrBinder *b, const MrAstCreateView *statement, MrPlan *plan)
{
    MrOptionSet set = { .list = &statement->options,
                        .what = "CREATE MATERIALIZED VIEW",
                        .err = b->err };
    plan->snapshot = true;
    MR_TRY(read_options(&set, plan));
    plan->emit =
        statement->emit.kind == MR_EMIT_ON_WINDOW_CLOSE ? MR_EMIT_MODE_CLOSE : MR_EMIT_MODE_UPDATE;
    if (statement->emit.kind == MR_EMIT_EVERY) {
        if (plan->is_flink) {
            return mr_bind_unsupported(b, statement->emit.position, "Leave EMIT out.",
                                       "EMIT EVERY with engine = 'flink'");
        }
        MrInterval every;
        int64_t days;
        MR_TRY(mr_bind_interval(b, statement->emit.interval, "EMIT EVERY", &every));
        if (every.months != 0 ||
            __builtin_mul_overflow((int64_t)every.days, MR_US_PER_DAY, &days) ||
            __builtin_add_overflow(days, every.us, &plan->emit_every_us) ||
            plan->emit_every_us <= 0) {
            mr_bind_error(b, MR_ERR_INVALID_PARAMETER, statement->emit.position,
                          "EMIT EVERY takes an interval of days and time above zero");
            return mr_error_hint(b->err, "Write EMIT EVERY INTERVAL '5' SECOND.");
        }
    }
    return MR_OK;
}

/* ---- When it emits ----------------------------------------------------------------------- */

static MrStatus never_closes(MrBinder *b, const MrAstCreateView *statement, const char *why,
                             const char *hint)
{
    mr_bind_error(b, MR_ERR_UNSUPPORTED, statement->emit.position,
                  "EMIT ON WINDOW CLOSE needs a closing time: %s", why);
    return mr_error_hint(b->err, "%s", hint);
}

/* What the emit mode asks of a tree. */
typedef struct EmitCheck {
    MrBinder *b;
    const MrAstCreateView *statement;
    bool on_close, has_aggregate, has_over, has_bounded_join;
    const MrLogical *group; /* the aggregate around, if one is */
} EmitCheck;

bool mr_standing_can_change(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return node->scan == MR_SCAN_TABLE;
    case MR_LOGICAL_AGGREGATE: return true;
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N:
        return mr_over_corrects(node, MR_EMIT_MODE_UPDATE) || mr_standing_can_change(node->input);
    case MR_LOGICAL_RESULT: return !node->relation->standing->append_only;
    case MR_LOGICAL_JOIN:
        if (node->is_lookup) {
            return mr_standing_can_change(node->input); /* the right side corrects nothing */
        }
        return node->asof.is_used ||
               (node->join_type != MR_JOIN_TYPE_INNER && node->join_type != MR_JOIN_TYPE_SEMI) ||
               mr_standing_can_change(node->input) || mr_standing_can_change(node->right);
    default:
        return mr_standing_can_change(node->input) ||
               (node->right != NULL && mr_standing_can_change(node->right));
    }
}

static MrStatus refuse_asof(const EmitCheck *check)
{
    return never_closes(check->b, check->statement,
                        "the times of an ASOF JOIN are not both event times of streams",
                        "Compare the columns of both WATERMARKs, or what intervals, date_trunc or "
                        "casts make of them, or that of the left one with a table's; or use EMIT "
                        "ON UPDATE.");
}

static MrStatus check_over(EmitCheck *check, const MrLogical *node)
{
    const char *why = mr_over_never_closes(node);
    check->has_over = true;
    if (!check->on_close || why == NULL) {
        return MR_OK;
    }
    if (check->b->searches_asof) {
        return refuse_asof(check);
    }
    return never_closes(check->b, check->statement, why,
                        "Partition by window_start and window_end of TUMBLE, or order by the event "
                        "time; or use EMIT ON UPDATE.");
}

/* Whether rows of the node may be taken back although its windows show when they close. */
static bool is_corrected(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return node->scan == MR_SCAN_TABLE;
    case MR_LOGICAL_AGGREGATE:
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return false;
    case MR_LOGICAL_RESULT: return !node->relation->standing->append_only;
    case MR_LOGICAL_JOIN:
        return !node->asof.is_used &&
               (is_corrected(node->input) || (!node->is_lookup && is_corrected(node->right)));
    default: return is_corrected(node->input) || (node->right != NULL && is_corrected(node->right));
    }
}

/* Whether what a table's change corrects of a join is open: the windows of its rows are those that
 * the groups above close by. */
static bool closes_with_group(const MrLogical *join, const MrLogical *group)
{
    if (join->closes_by_window == NULL) {
        return join->is_lookup || join->passes_time || join->asof.is_used ||
               (!is_corrected(join->input) && !is_corrected(join->right));
    }
    if (group == NULL || group->time == NULL || group->time->kind != MR_EXPR_COLUMN) {
        return false;
    }
    const MrLogicalColumn *time = &group->input->columns[group->time->column];
    return time->window_of != NULL &&
           memcmp(&time->window_of->window, &join->closes_by_window->window, sizeof(MrWindow)) == 0;
}

/* Rows of COUNT_WINDOW, one by one. */
static bool shows_count_windows(const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_PROJECT ||
           node->kind == MR_LOGICAL_PROJECT_SET) {
        node = node->input;
    }
    return (node->kind == MR_LOGICAL_AGGREGATE || node->kind == MR_LOGICAL_WINDOW) &&
           node->window_kind == MR_GROUP_WINDOW_COUNT;
}

static MrStatus check_node(EmitCheck *check, const MrLogical *node)
{
    if (node == NULL || (!check->on_close && mr_logical_gives_closed(node))) {
        return MR_OK; /* a view that waits was looked at when it was made */
    }
    if (node->kind == MR_LOGICAL_AGGREGATE) {
        check->has_aggregate = true;
        bool closes = node->window_kind == MR_GROUP_WINDOW_COUNT ||
                      (node->window_kind != MR_GROUP_WINDOW_NONE && node->time_is_event);
        if (check->on_close && !closes && shows_count_windows(node->input)) {
            return never_closes(
                check->b, check->statement,
                "the rows of COUNT_WINDOW are not grouped by their window, and a later window may "
                "add to any other group",
                "Group by window_start, window_end and exactly the keys of PARTITION BY; or use "
                "EMIT ON UPDATE.");
        }
        if (check->on_close && !closes) {
            return never_closes(
                check->b, check->statement,
                "a GROUP BY of the query has no window of the event time",
                "Group by window_start of TUMBLE, HOP, CUMULATE or SESSION, or by date_trunc(…) "
                "of the event time; or use EMIT ON UPDATE.");
        }
    }
    if (node->kind == MR_LOGICAL_OVER || node->kind == MR_LOGICAL_TOP_N) {
        MR_TRY(check_over(check, node));
    }
    if (node->kind == MR_LOGICAL_JOIN) {
        check->has_bounded_join |= node->left_time.column >= 0 && node->closes_by_window == NULL;
        if (check->on_close && !closes_with_group(node, check->group)) {
            return never_closes(
                check->b, check->statement,
                "a change of the table would correct rows that have been written",
                "Join what is grouped to the table (whose unmatched rows never close), or "
                "group the join by window_start of TUMBLE, HOP or CUMULATE in FROM.");
        }
        if (node->is_lookup && !check->on_close && mr_standing_can_change(node->input)) {
            mr_bind_error(check->b, MR_ERR_UNSUPPORTED, node->position,
                          "FOR SYSTEM_TIME AS OF PROCTIME() needs rows that are only ever added");
            return mr_error_hint(check->b->err, "Join the stream first, then group.");
        }
        if (check->on_close && node->asof.is_used && !node->asof.is_timed) {
            return refuse_asof(check);
        }
        if (check->on_close && !node->passes_time && !node->asof.is_used &&
            node->join_type != MR_JOIN_TYPE_INNER) {
            return never_closes(check->b, check->statement,
                                "what a join shows of unmatched rows may change for ever",
                                "Bound the times of both inputs: b.ts BETWEEN a.ts AND a.ts + "
                                "INTERVAL '1' MINUTE; or use EMIT ON UPDATE.");
        }
    }
    const MrLogical *group = check->group;
    check->group = node->kind == MR_LOGICAL_AGGREGATE ? node : group;
    /* A side that settles is never closed: what it is when the other one closes counts. */
    MrStatus status =
        check->on_close && node->settles_left ? MR_OK : check_node(check, node->input);
    if (status == MR_OK && !(check->on_close && node->settles_right)) {
        status = check_node(check, node->right);
    }
    check->group = group;
    return status;
}

MrStatus mr_standing_check_emit(MrBinder *b, const MrAstCreateView *statement,
                                const MrLogical *tree, MrPlan *plan)
{
    EmitCheck check = { .b = b,
                        .statement = statement,
                        .on_close = plan->emit == MR_EMIT_MODE_CLOSE };
    MR_TRY(check_node(&check, tree));
    if (check.on_close && !check.has_aggregate && !check.has_over && !check.has_bounded_join) {
        return never_closes(b, statement, "the query groups by no window",
                            "Leave EMIT out: its rows are written as they come and never change.");
    }
    plan->append_only = check.on_close || !mr_standing_can_change(tree);
    return MR_OK;
}

MrStatus mr_standing_closes(MrBinder *b, const MrLogical *tree, bool *out)
{
    static const MrAstCreateView nothing;
    EmitCheck check = { .b = b, .statement = &nothing, .on_close = true };
    MrStatus status = check_node(&check, tree);
    *out = status == MR_OK && (check.has_aggregate || check.has_over || check.has_bounded_join);
    if (status == MR_ERR_UNSUPPORTED) {
        mr_error_clear(b->err);
        status = MR_OK;
    }
    return status;
}

static bool keeps_groups_for_ever(const MrLogical *node)
{
    if (node == NULL || mr_logical_is_view(node)) { /* a view has told its own */
        return false;
    }
    bool is_open = node->window_kind == MR_GROUP_WINDOW_NONE
                       ? !node->is_global
                       : node->window_kind != MR_GROUP_WINDOW_COUNT && !node->time_is_event;
    bool is_kept = node->kind == MR_LOGICAL_AGGREGATE && is_open;
    /* Groups over tables alone are those that the tables have rows of. */
    return (is_kept && mr_logical_reads(node, MR_SCAN_STREAM)) ||
           keeps_groups_for_ever(node->input) || keeps_groups_for_ever(node->right);
}

static bool keeps_rows_for_ever(const MrLogical *node)
{
    if (node == NULL || mr_logical_is_view(node)) {
        return false;
    }
    if (node->kind == MR_LOGICAL_RECURSION) { /* its term joins the rows that it keeps itself */
        return keeps_rows_for_ever(node->input);
    }
    bool is_bounded =
        node->kind != MR_LOGICAL_JOIN ||
        (node->asof.is_used ? node->asof.is_timed
                            : node->left_time.column >= 0 || node->closes_by_window != NULL) ||
        node->is_lookup || mr_join_side_is_static(node->input, node->right, true) ||
        mr_join_side_is_static(node->right, node->input, true);
    return !is_bounded || keeps_rows_for_ever(node->input) || keeps_rows_for_ever(node->right);
}

/* What a further condition of an ASOF JOIN may find for a later row. */
static bool keeps_right_rows_for_ever(const MrLogical *node)
{
    if (node == NULL || mr_logical_is_view(node)) {
        return false;
    }
    return (node->kind == MR_LOGICAL_JOIN && node->asof.has_condition && !node->asof.has_reach &&
            !node->asof.is_later) ||
           keeps_right_rows_for_ever(node->input) || keeps_right_rows_for_ever(node->right);
}

/* Of a stream; of tables those rows stay that they give. */
static bool recurses_for_ever(const MrLogical *node)
{
    if (node == NULL || mr_logical_is_view(node)) {
        return false;
    }
    return (node->kind == MR_LOGICAL_RECURSION && mr_logical_reads(node, MR_SCAN_STREAM)) ||
           recurses_for_ever(node->input) || recurses_for_ever(node->right);
}

static bool keeps_windows_for_ever(const MrLogical *node)
{
    if (node == NULL || mr_logical_is_view(node)) {
        return false;
    }
    return (node->kind == MR_LOGICAL_AGGREGATE && node->window_kind == MR_GROUP_WINDOW_COUNT &&
            node->key_count > 0) ||
           keeps_windows_for_ever(node->input) || keeps_windows_for_ever(node->right);
}

/* What a cluster keeps is bounded by its own settings. */
static void note(MrBinder *b, bool is_flink, const char *hint, const char *what)
{
    mr_bind_notice(b, is_flink ? "Group by a window, or bound the times of a join." : hint, "%s",
                   what);
}

void mr_standing_note_state(MrBinder *b, const MrLogical *tree, bool is_flink)
{
    if (keeps_windows_for_ever(tree)) {
        note(b, is_flink, "Set a limit: WITH (memory = '1 GB').",
             "the state of this query is not bounded: it keeps the last window of every "
             "key for ever");
    }
    if (keeps_rows_for_ever(tree)) {
        note(b, is_flink,
             "Bound the times of both inputs: b.ts BETWEEN a.ts AND a.ts + "
             "INTERVAL '1' MINUTE; or set a limit: WITH (memory = '1 GB').",
             "the state of this query is not bounded: "
             "its join keeps the rows of both inputs for ever");
    }
    if (keeps_right_rows_for_ever(tree)) {
        note(b, is_flink,
             "Bound how old the right row may be: AND b.ts >= a.ts - INTERVAL '1' HOUR; "
             "or set a limit: WITH (memory = '1 GB').",
             "the state of this query is not bounded: its ASOF JOIN keeps the right rows "
             "for ever");
    }
    if (recurses_for_ever(tree)) {
        note(b, is_flink, "Set a limit: WITH (memory = '1 GB').",
             "the state of this query is not bounded: its recursion keeps every row "
             "for ever");
    }
    if (keeps_groups_for_ever(tree)) {
        note(b, is_flink,
             "Group by a window of the event time to free it, "
             "or set a limit: WITH (memory = '1 GB').",
             "the state of this query is not bounded: it keeps every group for ever");
    }
}

MrStatus mr_standing_show(MrBinder *b, const MrBoundQuery *bound, MrLogical **out)
{
    MrLogical *node = bound->node;
    MrExpr **exprs;
    const char **names;
    *out = node;
    if (node->kind == MR_LOGICAL_PROJECT && node->column_count == bound->visible) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, exprs, bound->visible, b->err);
    MR_NEW_ARRAY(b->arena, names, bound->visible, b->err);
    for (uint32_t i = 0; i < bound->visible; i++) {
        names[i] = node->columns[i].name;
        MR_TRY(mr_expr_column(b->arena, i, node->columns[i].type, -1, &exprs[i], b->err));
    }
    return mr_logical_project(b->arena, node, exprs, names, bound->visible, out, b->err);
}
