/*
 * planner/window_from.c - the window functions of FROM: TUMBLE, HOP and CUMULATE with their sizes,
 * offset and time zone, SESSION and COUNT_WINDOW with their keys, and the time they are about.
 * Must not know what groups by them.
 */
#include "planner/window.h"

#include "common/timezone.h"

#include <string.h>

enum { WINDOWS_PER_ROW_MAX = 10000 };

/* ---- Sizes ------------------------------------------------------------------------------- */

static MrStatus interval_window(MrBinder *b, const MrNode *node, const char *what, int64_t *us,
                                int32_t *months)
{
    MrInterval interval;
    int64_t days;
    MR_TRY(mr_bind_interval(b, node, what, &interval));
    *months = 0;
    if (interval.months != 0) {
        if (months == NULL || interval.days != 0 || interval.us != 0) {
            return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, node->position,
                                 "%s is either months or days and time, not both", what);
        }
        *months = interval.months;
    }
    if (__builtin_mul_overflow((int64_t)interval.days, MR_US_PER_DAY, &days) ||
        __builtin_add_overflow(days, interval.us, us)) {
        return mr_bind_error(b, MR_ERR_INTERVAL_OVERFLOW, node->position, "%s is out of range",
                             what);
    }
    return MR_OK;
}

static MrStatus positive_window(MrBinder *b, const MrNode *node, const char *what, int64_t *us,
                                int32_t *months)
{
    MR_TRY(interval_window(b, node, what, us, months));
    if (*us < 0 || *months < 0 || (*us == 0 && *months == 0)) {
        return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, node->position,
                             "%s must be greater than zero", what);
    }
    return MR_OK;
}

/* What each function takes after its input. */
typedef struct WindowForm {
    const char *name, *form;
    uint32_t args;
} WindowForm;

static const WindowForm window_forms[] = {
    [MR_WINDOW_TUMBLE] = { "TUMBLE", "TUMBLE(stream, time column, size [, offset => …])", 2 },
    [MR_WINDOW_HOP] = { "HOP", "HOP(stream, time column, slide, size [, offset => …])", 3 },
    [MR_WINDOW_CUMULATE] = { "CUMULATE",
                             "CUMULATE(stream, time column, step, size [, offset => …])", 3 },
    [MR_WINDOW_SESSION] = { "SESSION", "SESSION(stream PARTITION BY key, time column, gap)", 2 },
    [MR_WINDOW_COUNT] = { "COUNT_WINDOW", "COUNT_WINDOW(stream PARTITION BY key, rows [, slide])",
                          1 },
};

static MrStatus named_offset(MrBinder *b, const MrAstNamedArg *arg, MrWindow *window)
{
    int32_t months;
    MR_TRY(interval_window(b, arg->value, "the offset of windows", &window->offset_us, &months));
    if (months != 0) {
        return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, arg->base.position,
                             "the offset of windows must not have months");
    }
    int64_t grid = window->cumulates ? window->size_us : window->slide_us;
    if (grid > 0) {
        int64_t rest = window->offset_us % grid;
        window->offset_us = rest < 0 ? rest + grid : rest;
    }
    return MR_OK;
}

static MrStatus named_zone(MrBinder *b, const MrAstNamedArg *arg, MrWindow *window)
{
    MrDatum name;
    const MrTimezone *zone;
    MR_TRY(mr_bind_constant(b, arg->value, mr_type(MR_TYPE_TEXT), "timezone", &name));
    if (name.is_null) {
        return mr_bind_error(b, MR_ERR_NULL_NOT_ALLOWED, arg->base.position,
                             "timezone must not be NULL");
    }
    MrStatus status = mr_timezone_find_operand(mr_text_string(&name.text), &zone, b->err);
    if (status != MR_OK) {
        mr_error_at(b->err, b->view_depth > 0 ? -1 : arg->value->position);
        return status;
    }
    mr_window_follow_zone(window, zone);
    return MR_OK;
}

static MrStatus bind_named(MrBinder *b, const MrAstFromWindow *ast, uint32_t first,
                           MrWindow *window)
{
    for (uint32_t i = first; i < ast->args.count; i++) {
        if (ast->args.items[i]->kind != MR_AST_NAMED_ARG) {
            return mr_bind_error(b, MR_ERR_SYNTAX, ast->args.items[i]->position,
                                 "positional argument cannot follow named argument");
        }
        const MrAstNamedArg *arg = MR_AST_AS(const MrAstNamedArg, ast->args.items[i]);
        if (strcmp(arg->name, "offset") == 0) {
            MR_TRY(named_offset(b, arg, window));
        } else if (strcmp(arg->name, "timezone") == 0) {
            MR_TRY(named_zone(b, arg, window));
        } else {
            mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, arg->base.position,
                          "windows have no argument \"%s\"", arg->name);
            return mr_error_hint(b->err, "Write offset => INTERVAL '…' or timezone => '…'.");
        }
    }
    return MR_OK;
}

static MrStatus count_args(MrBinder *b, const MrAstFromWindow *ast, uint32_t *out)
{
    const WindowForm *form = &window_forms[ast->window];
    uint32_t most = ast->window == MR_WINDOW_COUNT ? 2 : form->args;
    *out = 0;
    while (*out < ast->args.count && ast->args.items[*out]->kind != MR_AST_NAMED_ARG) {
        (*out)++;
    }
    if (*out < form->args || *out > most) {
        mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, ast->base.position,
                      "wrong number of arguments of %s", form->name);
        return mr_error_hint(b->err, "Write %s.", form->form);
    }
    return MR_OK;
}

static bool is_longer(const MrWindow *window)
{
    if (window->slide_months > 0 && window->size_months > 0) {
        return window->slide_months > window->size_months;
    }
    int64_t size =
        window->size_months > 0 ? window->size_months * 28 * MR_US_PER_DAY : window->size_us;
    int64_t slide =
        window->slide_months > 0 ? window->slide_months * 31 * MR_US_PER_DAY : window->slide_us;
    return slide > size;
}

/* Every window that grows must end on a step, the last one at its size. */
static bool steps_fit(const MrWindow *window)
{
    if (window->slide_months > 0) {
        return window->size_months > 0 && window->size_months % window->slide_months == 0;
    }
    return window->size_months > 0
               ? MR_US_PER_DAY % window->slide_us == 0 || window->slide_us == MR_US_PER_DAY
               : window->size_us % window->slide_us == 0;
}

static MrStatus check_slide(MrBinder *b, const MrAstFromWindow *ast, const MrWindow *window)
{
    const WindowForm *form = &window_forms[ast->window];
    const char *what = window->cumulates ? "step" : "slide";
    int32_t position = ast->args.items[1]->position;
    if (is_longer(window)) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, position,
                      "the %s of windows must not be greater than their size", what);
        return mr_error_hint(b->err, "Write %s.", form->form);
    }
    if (!window->cumulates && window->size_months > 0 && window->slide_months == 0) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, position, "windows of months hop by months");
        return mr_error_hint(b->err, "Write HOP(…, INTERVAL '1' MONTH, INTERVAL '3' MONTH).");
    }
    if (window->cumulates && !steps_fit(window)) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, position,
                      "the size of windows must be a multiple of their step");
        return mr_error_hint(b->err, "Write %s.", form->form);
    }
    if (mr_window_count_max(window) > WINDOWS_PER_ROW_MAX) {
        mr_bind_error(b, MR_ERR_PROGRAM_LIMIT, position, "a row would be in more than %d windows",
                      WINDOWS_PER_ROW_MAX);
        return mr_error_hint(b->err, "Use a longer %s.", what);
    }
    return MR_OK;
}

/* Sessions and windows of rows lie on no grid. */
static MrStatus refuse_named(MrBinder *b, const MrAstFromWindow *ast, uint32_t given)
{
    const WindowForm *form = &window_forms[ast->window];
    if (given == ast->args.count) {
        return MR_OK;
    }
    const MrAstNamedArg *arg = MR_AST_AS(const MrAstNamedArg, ast->args.items[given]);
    mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, arg->base.position, "%s has no argument \"%s\"",
                  form->name, arg->base.kind == MR_AST_NAMED_ARG ? arg->name : "?");
    return mr_error_hint(b->err, "Write %s.", form->form);
}

static MrStatus bind_gap(MrBinder *b, const MrAstFromWindow *ast, MrWindow *out)
{
    uint32_t given;
    int32_t months;
    MR_TRY(count_args(b, ast, &given));
    *out = (MrWindow){ 0 };
    MR_TRY(positive_window(b, ast->args.items[1], "the gap of sessions", &out->size_us, &months));
    if (months > 0) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->args.items[1]->position,
                      "the gap of sessions must not have months");
        return mr_error_hint(b->err, "Use days.");
    }
    return refuse_named(b, ast, given);
}

static MrStatus bind_row_count(MrBinder *b, const MrNode *node, const char *what, int64_t *out)
{
    MrDatum value;
    MR_TRY(mr_bind_constant(b, node, mr_type(MR_TYPE_INT64), what, &value));
    if (value.is_null || value.integer < 1) {
        return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, node->position,
                             "%s must be greater than zero", what);
    }
    *out = value.integer;
    return MR_OK;
}

static MrStatus bind_row_window(MrBinder *b, const MrAstFromWindow *ast, MrWindow *out)
{
    uint32_t given;
    MR_TRY(count_args(b, ast, &given));
    *out = (MrWindow){ 0 };
    MR_TRY(bind_row_count(b, ast->args.items[0], "the rows of a window", &out->size_us));
    out->slide_us = out->size_us;
    if (given == 2) {
        int32_t position = ast->args.items[1]->position;
        MR_TRY(bind_row_count(b, ast->args.items[1], "the slide of windows", &out->slide_us));
        if (out->slide_us > out->size_us) {
            return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, position,
                                 "the slide of windows must not be greater than their size");
        }
        if (out->size_us / out->slide_us >= WINDOWS_PER_ROW_MAX) {
            return mr_bind_error(b, MR_ERR_PROGRAM_LIMIT, position,
                                 "a row would be in more than %d windows", WINDOWS_PER_ROW_MAX);
        }
    }
    return refuse_named(b, ast, given);
}

static MrStatus bind_window_args(MrBinder *b, const MrAstFromWindow *ast, MrWindow *out)
{
    uint32_t given;
    MR_TRY(count_args(b, ast, &given));
    *out = (MrWindow){ .cumulates = ast->window == MR_WINDOW_CUMULATE };
    MR_TRY(positive_window(b, ast->args.items[given - 1], "the size of windows", &out->size_us,
                           &out->size_months));
    out->slide_us = out->size_us;
    out->slide_months = out->size_months;
    if (given == 3) {
        MR_TRY(positive_window(b, ast->args.items[1],
                               out->cumulates ? "the step of windows" : "the slide of windows",
                               &out->slide_us, &out->slide_months));
        MR_TRY(check_slide(b, ast, out));
    }
    return bind_named(b, ast, given, out);
}

static MrStatus refuse_time(MrBinder *b, const MrScope *scope, const MrNode *node,
                            const MrExpr *time)
{
    const MrLogical *leaf = mr_logical_leaf(scope->input);
    mr_bind_error(b, MR_ERR_UNSUPPORTED, node->position, "windows need the event time of a stream");
    if (time->kind == MR_EXPR_ARRIVAL) {
        return mr_error_hint(b->err, "Windows on _arrival are for the rows of a stream itself; "
                                     "use the event time.");
    }
    if (leaf == NULL || leaf->relation == NULL || leaf->relation->stream == NULL) {
        return mr_error_hint(b->err, "Group by date_trunc('minute', …) instead.");
    }
    if (leaf->relation->stream->event_column < 0) {
        return mr_error_hint(
            b->err,
            "Declare it in CREATE STREAM: WATERMARK FOR at AS at - INTERVAL '5' SECOND; or use "
            "windows on _arrival.");
    }
    return mr_error_hint(
        b->err,
        "The event time of \"%s\" is \"%s\", and must be passed on unchanged by subqueries.",
        leaf->relation->name,
        leaf->relation->schema.columns[leaf->relation->stream->event_column].name);
}

/* Rows of streams have times that windows close by.  Of what changes (tables, groups, joins with
 * them) every time will do: such windows stay open, and are kept exact. */
static bool can_change(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return node->scan != MR_SCAN_STREAM;
    case MR_LOGICAL_AGGREGATE:
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return true;
    default: return can_change(node->input) || (node->right != NULL && can_change(node->right));
    }
}

static MrStatus bind_time(MrBinder *b, MrScope *scope, const MrNode *node, MrTimeSource *source,
                          MrExpr **out)
{
    MrScope *outer = b->scope;
    MrClause clause = b->clause;
    b->scope = scope;
    b->clause = MR_CLAUSE_WINDOW;
    MrStatus status = mr_bind_expr(b, node, out);
    b->scope = outer;
    b->clause = clause;
    MR_TRY(status);
    if ((*out)->type.id != MR_TYPE_TIMESTAMP && (*out)->type.id != MR_TYPE_TIMESTAMPTZ) {
        char type[64];
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->position,
                             "the time column of windows must be of type timestamp, not %s",
                             mr_type_text(mr_type((*out)->type.id), type));
    }
    *source = mr_window_time_source(scope->input, *out);
    if (!source->is_event && ((*out)->kind == MR_EXPR_ARRIVAL || !can_change(scope->input))) {
        return refuse_time(b, scope, node, *out);
    }
    mr_window_follow_arrival(*out, scope->input);
    return MR_OK;
}

/* A row without a time is in no window. */
static MrStatus drop_timeless(MrBinder *b, MrLogical *node)
{
    MrExpr *known;
    if (node->time_is_event || mr_expr_is_not_null(node->time, node->input)) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IS_NULL, mr_type(MR_TYPE_BOOL), -1, 1, &known, b->err));
    known->negated = true;
    known->args[0] = node->time;
    return mr_logical_filter(b->arena, node->input, known, &node->input, b->err);
}

static MrStatus check_window_form(MrBinder *b, const MrAstFromWindow *ast)
{
    if (ast->lateral) {
        return mr_bind_unsupported(b, ast->base.position, "Leave LATERAL out.",
                                   "LATERAL is not supported yet");
    }
    return MR_OK;
}

static MrStatus bind_partition(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope,
                               MrLogical *node)
{
    MrScope *outer = b->scope;
    MrClause clause = b->clause;
    MrStatus status = MR_OK;
    MR_NEW_ARRAY(b->arena, node->keys, ast->partition_by.count, b->err);
    b->scope = scope;
    b->clause = MR_CLAUSE_WINDOW;
    for (uint32_t i = 0; i < ast->partition_by.count && status == MR_OK; i++) {
        status = mr_bind_expr_known(b, ast->partition_by.items[i], &node->keys[i]);
    }
    b->scope = outer;
    b->clause = clause;
    node->key_count = ast->partition_by.count;
    return status;
}

/* The input's time: the event time, else the end of its windows; -1: it has neither. */
static int32_t row_time_column(const MrLogical *input)
{
    int32_t found = -1;
    for (uint32_t i = input->column_count; i-- > 0;) {
        MrTimeRole role = input->columns[i].role;
        bool has_event = found >= 0 && input->columns[found].role == MR_TIME_EVENT;
        if (role == MR_TIME_EVENT || (role == MR_TIME_WINDOW_END && !has_event)) {
            found = (int32_t)i;
        }
    }
    return found;
}

/* Windows of rows are in the order of the log, and show the times of their rows. */
static MrStatus bind_row_time(MrBinder *b, const MrScope *scope, const MrAstFromWindow *ast,
                              MrExpr **out)
{
    const MrLogical *input = scope->input;
    if (!scope->over_stream || !mr_logical_is_in_log_order(input)) {
        return mr_bind_unsupported(
            b, ast->base.position,
            "Read the stream itself, or what is given as windows close: a "
            "materialized view with EMIT ON WINDOW CLOSE, or a subquery in a "
            "query with that; or use windows of time.",
            "COUNT_WINDOW over rows that have no order in the log");
    }
    int32_t time = row_time_column(input);
    return time >= 0 ? mr_expr_column(b->arena, (uint32_t)time, input->columns[time].type, -1, out,
                                      b->err)
                     : mr_expr_new(b->arena, MR_EXPR_ARRIVAL, mr_type(MR_TYPE_TIMESTAMPTZ), -1, 0,
                                   out, b->err);
}

static MrStatus bind_grid_window(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope,
                                 MrLogical *node)
{
    MrTimeSource source = { 0 };
    MR_TRY(bind_window_args(b, ast, &node->window));
    MR_TRY(bind_time(b, scope, ast->args.items[0], &source, &node->time));
    MrWindowUse use;
    mr_window_use_set(&use, &node->window, &source, node->time);
    node->window_kind = use.kind; /* hopping by its own size is tumbling */
    node->time_is_event = use.time_is_event;
    node->extra_lateness_us = use.extra_lateness_us;
    /* Windows of time are the same for every key. */
    MR_TRY(bind_partition(b, ast, scope, node));
    node->keys = NULL;
    node->key_count = 0;
    return drop_timeless(b, node);
}

static MrStatus bind_session(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope,
                             MrLogical *node)
{
    MrTimeSource source = { 0 };
    MR_TRY(bind_gap(b, ast, &node->window));
    MR_TRY(bind_time(b, scope, ast->args.items[0], &source, &node->time));
    node->window_kind = MR_GROUP_WINDOW_SESSION;
    node->time_is_event = source.is_event;
    node->extra_lateness_us =
        mr_window_source_lateness_us(&source, node->window_kind, &node->window);
    return bind_partition(b, ast, scope, node);
}

static MrStatus bind_count_window(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope,
                                  MrLogical *node)
{
    MR_TRY(bind_row_window(b, ast, &node->window));
    MR_TRY(mr_window_find_places(b, ast, scope));
    node->input = scope->input;
    node->numbers_windows = mr_window_order_closed(scope->input);
    MR_TRY(bind_row_time(b, scope, ast, &node->time));
    node->window_kind = MR_GROUP_WINDOW_COUNT;
    return bind_partition(b, ast, scope, node);
}

bool mr_window_is_keyed(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_WINDOW && (node->window_kind == MR_GROUP_WINDOW_SESSION ||
                                               node->window_kind == MR_GROUP_WINDOW_COUNT);
}

MrStatus mr_window_bind_node(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope,
                             MrLogical **out)
{
    MrLogical *node;
    MR_NEW(b->arena, node, b->err);
    node->kind = MR_LOGICAL_WINDOW;
    node->input = scope->input;
    node->limit = UINT64_MAX;
    node->position = b->view_depth > 0 ? -1 : ast->base.position;
    MR_TRY(ast->window == MR_WINDOW_SESSION ? bind_session(b, ast, scope, node)
           : ast->window == MR_WINDOW_COUNT ? bind_count_window(b, ast, scope, node)
                                            : bind_grid_window(b, ast, scope, node));
    *out = node;
    return mr_logical_window_columns(b->arena, node, b->err);
}

MrStatus mr_window_bind_from(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope)
{
    MR_TRY(check_window_form(b, ast));
    MR_TRY(mr_bind_from(b, ast->input, scope));
    return mr_window_bind_node(b, ast, scope, &scope->input);
}
