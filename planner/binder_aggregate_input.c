/*
 * planner/binder_aggregate_input.c - the input of an aggregate taken apart: projections and filters
 * are looked through, so that windows are seen for what they are, and WINDOW nodes become the
 * aggregate's window where they can.  Must not know how groups are kept.
 */
#include "planner/binder_aggregate_internal.h"
#include "planner/grouping_sets.h"
#include "planner/window.h"

/* ---- The input without projections ------------------------------------------------------- */

typedef MrStatus PartsMap(void *context, MrExpr *expr, MrExpr **out);

static MrStatus parts_map(MrAggregateParts *parts, PartsMap *map, void *context)
{
    for (uint32_t i = 0; i < parts->key_count; i++) {
        if (parts->keys[i] != NULL) {
            MR_TRY(map(context, parts->keys[i], &parts->keys[i]));
        }
    }
    for (uint32_t i = 0; i < parts->call_count; i++) {
        MrLogicalCall *call = &parts->calls[i];
        for (uint32_t j = 0; j < call->aggregate->arg_count; j++) {
            MR_TRY(map(context, call->args[j], &call->args[j]));
        }
        if (call->filter != NULL) {
            MR_TRY(map(context, call->filter, &call->filter));
        }
    }
    if (parts->predicate != NULL) {
        MR_TRY(map(context, parts->predicate, &parts->predicate));
    }
    return parts->time != NULL ? map(context, parts->time, &parts->time) : MR_OK;
}

typedef struct ThroughProject {
    MrBinder *b;
    const MrLogical *project;
} ThroughProject;

static MrStatus map_through_project(void *context, MrExpr *expr, MrExpr **out)
{
    ThroughProject *through = context;
    return mr_expr_through_project(through->b->arena, expr, through->project, out, through->b->err);
}

/* In a subquery rows may be joined to those around it: their places stay columns. */
static bool keeps_places(const MrBinder *b, const MrLogical *project)
{
    return b->outer != NULL && mr_logical_shows_place(project);
}

static bool makes_volatile(const MrLogical *project)
{
    for (uint32_t i = 0; i < project->column_count; i++) {
        if (mr_expr_is_volatile(project->expressions[i])) {
            return true;
        }
    }
    return false;
}

/* Goes down through projections and filters, so that windows and event times are seen for what they
 * are; what the filters said is gathered in parts->predicate. */
static MrStatus parts_descend(MrBinder *b, MrAggregateParts *parts, MrLogical **node)
{
    for (;;) {
        if ((*node)->kind == MR_LOGICAL_FILTER) {
            MR_TRY(mr_expr_and(b->arena, (*node)->predicate, parts->predicate, &parts->predicate,
                               b->err));
        } else if ((*node)->kind == MR_LOGICAL_PROJECT && !makes_volatile(*node) &&
                   !keeps_places(b, *node)) {
            ThroughProject through = { b, *node };
            MR_TRY(parts_map(parts, map_through_project, &through));
        } else {
            return MR_OK;
        }
        *node = (*node)->input;
    }
}

/* ---- What is said of the bounds ----------------------------------------------------------- */

typedef struct Bounds {
    MrBinder *b;
    const MrLogical *node; /* the WINDOW node */
    MrExpr *start, *end;
} Bounds;

static MrStatus bounds_replace(void *context, const MrExpr *column, MrExpr **out)
{
    Bounds *bounds = context;
    uint32_t first = bounds->node->column_count - 2;
    *out = (MrExpr *)(uintptr_t)column;
    if (column->column >= first) {
        *out = column->column == first ? bounds->start : bounds->end;
    }
    return MR_OK;
}

static MrStatus map_bounds(void *context, MrExpr *expr, MrExpr **out)
{
    Bounds *bounds = context;
    return mr_expr_map_columns(bounds->b->arena, expr, bounds_replace, bounds, out, bounds->b->err);
}

/* What an expression over the columns of a WINDOW node is about. */
typedef struct Mentions {
    const MrLogical *node;
    bool bounds, others;
} Mentions;

static void mentions_visit(void *context, const MrExpr *expr)
{
    Mentions *mentions = context;
    if (expr->kind == MR_EXPR_COLUMN) {
        bool is_bound = expr->column >= mentions->node->column_count - 2 &&
                        expr->column < mentions->node->column_count;
        mentions->bounds |= is_bound;
        mentions->others |= !is_bound;
    }
    mentions->others |= expr->kind == MR_EXPR_SEQUENCE || expr->kind == MR_EXPR_ARRIVAL;
}

static Mentions mentions_of(const MrLogical *node, const MrExpr *expr)
{
    Mentions mentions = { .node = node };
    if (expr != NULL) {
        mr_expr_walk(expr, mentions_visit, &mentions);
    }
    return mentions;
}

static bool mixes(const MrLogical *node, const MrExpr *expr)
{
    Mentions mentions = mentions_of(node, expr);
    return mentions.bounds && mentions.others;
}

/* Over hopping windows a row is in several windows: what WHERE says about their bounds is judged
 * per window, after grouping. */
static MrStatus split_predicate(MrBinder *b, const MrLogical *window, MrAggregateParts *parts,
                                MrExpr **having)
{
    MrExpr *predicate = parts->predicate, *before = NULL;
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        MrExpr *part = mr_conjunct_at(predicate, i);
        bool later = mentions_of(window, part).bounds;
        MR_TRY(mr_expr_and(b->arena, later ? *having : before, part, later ? having : &before,
                           b->err));
    }
    parts->predicate = before;
    return MR_OK;
}

/* Whether the parts say of the bounds only what can be said of whole windows. */
static bool parts_keep_windows(const MrLogical *window, const MrAggregateParts *parts)
{
    bool whole = true;
    for (uint32_t i = 0; i < parts->key_count; i++) {
        whole = whole && !mixes(window, parts->keys[i]);
    }
    for (uint32_t i = 0; i < parts->call_count; i++) {
        const MrLogicalCall *call = &parts->calls[i];
        for (uint32_t j = 0; j < call->aggregate->arg_count; j++) {
            whole = whole && !mentions_of(window, call->args[j]).bounds;
        }
        whole = whole && !mentions_of(window, call->filter).bounds;
    }
    for (uint32_t i = 0; i < mr_conjunct_count(parts->predicate); i++) {
        whole = whole && !mixes(window, mr_conjunct_at(parts->predicate, i));
    }
    return whole;
}

/* Whether a key is the bound of the WINDOW node itself. */
static bool is_bound(const MrLogical *window, const MrExpr *key)
{
    return key->kind == MR_EXPR_COLUMN && key->column >= window->column_count - 2 &&
           key->column < window->column_count;
}

/* ---- The window of the aggregate ---------------------------------------------------------- */

/* Which keys are bounds of the WINDOW node; whether one of them tells its windows apart. */
static bool builder_find_bounds(MrAggregateBuilder *builder, const MrLogical *window)
{
    bool tells = false;
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        const MrExpr *key = builder->parts.keys[i];
        if (is_bound(window, key) && mr_grouping_is_in_all(builder->grouping, i)) {
            builder->is_end[i] = key->column == window->column_count - 1;
            builder->is_start[i] = !builder->is_end[i];
            /* Windows that grow from one start are told by their ends. */
            tells = tells || builder->is_end[i] || !window->window.cumulates;
        }
    }
    return tells;
}

static void builder_forget_bounds(MrAggregateBuilder *builder)
{
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        builder->is_start[i] = builder->is_end[i] = false;
    }
}

static void builder_take_window(MrAggregateBuilder *builder, MrLogical *window)
{
    MrLogical *aggregate = builder->aggregate;
    builder->window = window;
    aggregate->window_kind = window->window_kind;
    aggregate->window = window->window;
    aggregate->time_is_event = window->time_is_event;
    aggregate->extra_lateness_us = window->extra_lateness_us;
    builder->parts.time = window->time;
}

typedef struct OverBounds {
    MrBinder *b;
    const MrLogical *window;
} OverBounds;

static MrStatus over_bounds_replace(void *context, const MrExpr *column, MrExpr **out)
{
    OverBounds *over = context;
    uint32_t first = over->window->column_count - 2;
    return mr_expr_column(over->b->arena, column->column - first, column->type, column->position,
                          out, over->b->err);
}

/* An expression over the bounds of the WINDOW node as one over those of the aggregate's row. */
static MrStatus over_bounds(MrBinder *b, const MrLogical *window, const MrExpr *expr, MrExpr **out)
{
    OverBounds over = { .b = b, .window = window };
    return mr_expr_map_columns(b->arena, expr, over_bounds_replace, &over, out, b->err);
}

/* Keys that are computed from the bounds alone, as window_time is, are told by the window. */
static MrStatus builder_take_computed(MrAggregateBuilder *builder, const MrLogical *window)
{
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        MrExpr *key = builder->parts.keys[i];
        bool is_bound = builder->is_start[i] || builder->is_end[i];
        builder->is_of_window[i] =
            !is_bound && mentions_of(window, key).bounds && !mixes(window, key);
        if (builder->is_of_window[i]) {
            MR_TRY(over_bounds(builder->b, window, key, &builder->grouping->key_exprs[i]));
            builder->parts.keys[i] = NULL;
        }
    }
    return MR_OK;
}

/* Keys that the window tells are no keys of the aggregate. */
static MrStatus builder_take_bounds(MrAggregateBuilder *builder, const MrLogical *window)
{
    MR_TRY(builder_take_computed(builder, window));
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        if (builder->is_start[i] || builder->is_end[i]) {
            builder->parts.keys[i] = NULL;
        }
    }
    return MR_OK;
}

/* A row is in one window: its bounds are expressions of its time. */
static MrStatus builder_merge_tumble(MrAggregateBuilder *builder, MrLogical *window)
{
    MrBinder *b = builder->b;
    Bounds bounds = { .b = b, .node = window };
    bool tells = builder_find_bounds(builder, window);
    if (tells && builder->grouping->set_count == 0) {
        MR_TRY(builder_take_computed(builder, window));
    }
    MR_TRY(mr_window_start_expr(b, window, &bounds.start));
    MR_TRY(mr_window_end_expr(b, window, &bounds.end));
    MR_TRY(parts_map(&builder->parts, map_bounds, &bounds));
    if (tells) {
        builder_take_window(builder, window);
    }
    builder->node = window->input;
    return MR_OK;
}

/* Every row is in several windows.  Where all that is asked about the bounds can be asked of a
 * window's row, the WINDOW node becomes the aggregate's window; else it stays, and gives each row
 * once per window: *stays. */
static MrStatus builder_merge_hop(MrAggregateBuilder *builder, MrLogical *window, bool *stays)
{
    bool tells = builder_find_bounds(builder, window);
    *stays = !tells || !parts_keep_windows(window, &builder->parts);
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        Mentions mentions = mentions_of(window, builder->parts.keys[i]);
        bool is_bound = builder->is_start[i] || builder->is_end[i];
        /* A set of grouping sets may leave the key out: it must be there below the groups. */
        *stays = *stays || (mentions.bounds && !is_bound && builder->grouping->set_count > 0);
    }
    if (*stays) {
        return MR_OK;
    }
    MR_TRY(builder_take_bounds(builder, window));
    builder_take_window(builder, window);
    builder->node = window->input;
    return builder->parts.predicate == NULL
               ? MR_OK
               : split_predicate(builder->b, window, &builder->parts, &builder->having);
}

/* Rows that come once per window, grouped by window_start: the windows are told by that column. */
static MrStatus builder_group_expanded(MrAggregateBuilder *builder, MrLogical *window)
{
    MrBinder *b = builder->b;
    MrLogical *aggregate = builder->aggregate;
    uint32_t start = window->column_count - 2;
    MrWindow told = window->window;
    int32_t key = -1;
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        key = builder->is_start[i] ? (int32_t)i : key;
    }
    builder_forget_bounds(builder);
    if (key < 0 || !window->time_is_event) {
        return MR_OK;
    }
    if (told.cumulates) { /* all that grow from one start are one group */
        told.cumulates = false;
        told.slide_us = told.size_us;
        told.slide_months = told.size_months;
    }
    MrExpr *time;
    MR_TRY(mr_expr_column(b->arena, start, window->columns[start].type, -1, &time, b->err));
    window->judges_late = true;
    aggregate->window_kind = MR_GROUP_WINDOW_TUMBLE;
    aggregate->window = told;
    aggregate->time_is_event = true;
    aggregate->extra_lateness_us = window->extra_lateness_us;
    builder->parts.time = time;
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        builder->is_start[i] = mr_expr_equal(builder->parts.keys[i], time);
    }
    return MR_OK;
}

/* ---- SESSION and COUNT_WINDOW -------------------------------------------------------------- */

/* Groups are the windows of a key: every key of PARTITION BY is grouped, and nothing else. */
static bool keys_are_partition(const MrAggregateBuilder *builder, const MrLogical *window)
{
    uint32_t found = 0;
    for (uint32_t p = 0; p < window->key_count; p++) {
        bool is_grouped = false;
        for (uint32_t i = 0; i < builder->parts.key_count; i++) {
            is_grouped = is_grouped || (mr_grouping_is_in_all(builder->grouping, i) &&
                                        mr_expr_equal(builder->parts.keys[i], window->keys[p]));
        }
        found += is_grouped;
    }
    bool only = true;
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        bool is_partition = mentions_of(window, builder->parts.keys[i]).bounds;
        for (uint32_t p = 0; p < window->key_count; p++) {
            is_partition = is_partition || mr_expr_equal(builder->parts.keys[i], window->keys[p]);
        }
        only = only && is_partition;
    }
    return only && found == window->key_count;
}

static MrStatus add_call(MrAggregateBuilder *builder, const char *name, MrExpr *arg, MrExpr *filter,
                         uint32_t *out)
{
    const MrAggregate *const *found;
    uint32_t count = mr_aggregate_lookup(mr_string(name), &found), i = 0;
    uint8_t args = arg != NULL ? 1 : 0;
    while (i < count &&
           (found[i]->arg_count != args || (arg != NULL && found[i]->args[0] != arg->type.id))) {
        i++;
    }
    if (i == count) {
        return mr_error_set(builder->b->err, MR_ERR_INTERNAL, "there is no aggregate %s", name);
    }
    *out = builder->parts.call_count++;
    builder->parts.calls[*out] =
        (MrLogicalCall){ .aggregate = found[i], .args = { arg, NULL }, .filter = filter };
    return MR_OK;
}

/* Windows are made of all rows, and WHERE chooses among them afterwards: every aggregate takes only
 * the chosen ones, and a window without any has no row. */
static MrStatus filter_calls(MrAggregateBuilder *builder, uint32_t *chosen)
{
    MrBinder *b = builder->b;
    MrAggregateParts *parts = &builder->parts;
    for (uint32_t i = 0; i < parts->call_count; i++) {
        MR_TRY(mr_expr_and(b->arena, parts->predicate, parts->calls[i].filter,
                           &parts->calls[i].filter, b->err));
    }
    MR_TRY(add_call(builder, "count", NULL, parts->predicate, chosen));
    parts->predicate = NULL;
    return MR_OK;
}

typedef struct RowPlaces {
    MrBinder *b;
    const MrLogical *rows;
    bool found;
} RowPlaces;

static MrStatus find_row_places(void *context, MrExpr *expr, MrExpr **out)
{
    RowPlaces *places = context;
    places->found = places->found || mr_expr_names_place(expr);
    *out = expr;
    return MR_OK;
}

static MrStatus map_row_places(void *context, MrExpr *expr, MrExpr **out)
{
    RowPlaces *places = context;
    return mr_window_map_places(places->b, places->rows, expr, out);
}

/* Groups that are not the windows: the window's rows are grouped. */
static MrStatus builder_group_rows(MrAggregateBuilder *builder, const MrLogical *window)
{
    MrBinder *b = builder->b;
    MrAggregateParts *parts = &builder->parts;
    RowPlaces places = { .b = b };
    MR_TRY(parts_map(parts, find_row_places, &places));
    MR_TRY(mr_window_show_rows(b, window, places.found, &builder->node));
    if (builder->window == NULL) {
        builder_forget_bounds(builder);
    }
    places.rows = builder->node;
    return places.found ? parts_map(parts, map_row_places, &places) : MR_OK;
}

static MrStatus builder_merge_keyed(MrAggregateBuilder *builder, MrLogical *window)
{
    MrBinder *b = builder->b;
    MrAggregateParts *parts = &builder->parts;
    if (builder->window != NULL || builder->grouping->set_count > 0 ||
        !builder_find_bounds(builder, window) || !parts_keep_windows(window, parts) ||
        !keys_are_partition(builder, window)) {
        return builder_group_rows(builder, window);
    }
    MR_TRY(builder_take_bounds(builder, window));
    builder_take_window(builder, window);
    builder->node = window->input;
    if (parts->predicate != NULL) {
        MR_TRY(split_predicate(b, window, parts, &builder->having));
    }
    if (parts->predicate != NULL) {
        MR_TRY(filter_calls(builder, &builder->chosen));
        builder->has_chosen = true;
    }
    if (window->window_kind == MR_GROUP_WINDOW_COUNT) {
        MR_TRY(mr_window_number_call(b, window, &parts->calls[parts->call_count]));
        builder->aggregate->numbers_windows = window->numbers_windows;
        builder->aggregate->sequence_call = ++parts->call_count;
    }
    return MR_OK;
}

/* A second WINDOW node below a merged one is plain: its bounds are values. */
static MrStatus builder_pass_tumble(MrAggregateBuilder *builder, MrLogical *window)
{
    Bounds bounds = { .b = builder->b, .node = window };
    MR_TRY(mr_window_start_expr(builder->b, window, &bounds.start));
    MR_TRY(mr_window_end_expr(builder->b, window, &bounds.end));
    MR_TRY(parts_map(&builder->parts, map_bounds, &bounds));
    builder->node = window->input;
    return MR_OK;
}

/* Below a WINDOW node the input's columns have the same places: only its bounds are gone. */
MrStatus mr_aggregate_take_apart(MrAggregateBuilder *builder)
{
    MR_TRY(parts_descend(builder->b, &builder->parts, &builder->node));
    while (builder->node->kind == MR_LOGICAL_WINDOW) {
        MrLogical *window = builder->node;
        bool stays = builder->window != NULL;
        if (window->window_kind == MR_GROUP_WINDOW_SESSION ||
            window->window_kind == MR_GROUP_WINDOW_COUNT) {
            MR_TRY(builder_merge_keyed(builder, window));
        } else if (window->window_kind == MR_GROUP_WINDOW_TUMBLE) {
            MR_TRY(stays ? builder_pass_tumble(builder, window)
                         : builder_merge_tumble(builder, window));
        } else if (stays) {
            return MR_OK;
        } else {
            MR_TRY(builder_merge_hop(builder, window, &stays));
            if (stays) {
                return builder_group_expanded(builder, window);
            }
        }
        MR_TRY(parts_descend(builder->b, &builder->parts, &builder->node));
    }
    return MR_OK;
}
