/*
 * planner/window.c - see window.h.
 */
#include "planner/window.h"

#include "common/timezone.h"

#include <string.h>

enum { WINDOWS_PER_ROW_MAX = 10000, DAYS_TO_MONDAY = 4 };

/* ---- Arithmetic -------------------------------------------------------------------------- */

int64_t mr_window_length_us(const MrWindow *window)
{
    return window->size_months > 0 ? (int64_t)window->size_months * 31 * MR_US_PER_DAY
                                   : window->size_us;
}

/* How much later than W a window over window_start of `inner` may still get rows: its inner windows
 * end after they start. Nothing when every outer window ends where inner ones do. */
static int64_t start_lateness_us(const MrLogical *inner, const MrWindow *outer)
{
    const MrWindow *window = &inner->window;
    if (window->size_months > 0 || outer->size_months > 0) {
        bool nested = window->size_months > 0 && outer->size_months % window->size_months == 0 &&
                      window->offset_us == outer->offset_us;
        bool in_months = window->size_months == 0 && inner->window_kind == MR_GROUP_WINDOW_TUMBLE &&
                         MR_US_PER_DAY % window->size_us == 0 &&
                         (outer->offset_us - window->offset_us) % window->size_us == 0;
        return (nested && outer->size_months > 0) || in_months ? 0 : mr_window_length_us(window);
    }
    bool aligned = outer->slide_us % window->slide_us == 0 &&
                   outer->size_us % window->slide_us == 0 &&
                   (outer->offset_us - window->offset_us) % window->slide_us == 0;
    return aligned ? window->size_us - window->slide_us : window->size_us;
}

static bool has_aggregate(const MrLogical *node)
{
    return node != NULL && (node->kind == MR_LOGICAL_AGGREGATE || has_aggregate(node->input) ||
                            has_aggregate(node->right));
}

int64_t mr_window_lateness_us(const MrLogical *node, int64_t allowed_lateness_us)
{
    if (node->input == NULL) {
        return allowed_lateness_us;
    }
    if (node->kind == MR_LOGICAL_RESULT && !has_aggregate(node->input)) {
        return allowed_lateness_us;
    }
    bool is_view = node->kind == MR_LOGICAL_RESULT; /* it waits as its own options say */
    int64_t below = mr_window_lateness_us(
        node->input, is_view ? node->relation->standing->allowed_lateness_us : allowed_lateness_us);
    if (node->right != NULL) {
        int64_t right = mr_window_lateness_us(node->right, allowed_lateness_us);
        below = right > below ? right : below;
    }
    int64_t more = is_view                              ? allowed_lateness_us
                   : node->kind == MR_LOGICAL_AGGREGATE ? node->extra_lateness_us
                                                        : 0;
    int64_t sum;
    return __builtin_add_overflow(below, more, &sum) ? INT64_MAX : sum;
}

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

/* ---- Which times have windows ------------------------------------------------------------ */

/* Where a time expression stands with the watermark. */
typedef struct TimeSource {
    bool is_event;              /* the watermark is about it */
    const MrLogical *starts_of; /* it is window_start of this aggregate */
} TimeSource;

static TimeSource time_source(const MrLogical *input, const MrExpr *time)
{
    TimeSource source = { 0 };
    const MrLogical *leaf = mr_logical_leaf(input);
    if (time->kind == MR_EXPR_ARRIVAL) {
        source.is_event = leaf != NULL && leaf->scan == MR_SCAN_STREAM &&
                          leaf->relation->stream->event_column < 0;
        return source;
    }
    if (time->kind != MR_EXPR_COLUMN || time->column >= input->column_count) {
        return source;
    }
    const MrLogicalColumn *column = &input->columns[time->column];
    const MrLogical *windows = column->window_of;
    if (column->role == MR_TIME_EVENT) {
        source.is_event = true;
    } else if (column->role != MR_TIME_NONE &&
               (windows->kind == MR_LOGICAL_AGGREGATE || windows->kind == MR_LOGICAL_WINDOW) &&
               windows->time_is_event) {
        source.is_event = true;
        source.starts_of = column->role == MR_TIME_WINDOW_START ? windows : NULL;
    }
    return source;
}

static void use_set(MrWindowUse *use, const MrWindow *window, const TimeSource *source,
                    const MrExpr *time)
{
    *use = (MrWindowUse){
        .kind = window->slide_us == window->size_us || window->size_months > 0
                    ? MR_GROUP_WINDOW_TUMBLE
                    : MR_GROUP_WINDOW_HOP,
        .window = *window,
        .time = (MrExpr *)(uintptr_t)time,
        .time_is_event = source->is_event,
        .extra_lateness_us =
            source->starts_of != NULL ? start_lateness_us(source->starts_of, window) : 0,
    };
}

/* ---- Windows by expression ---------------------------------------------------------------- */

static const struct {
    const char *unit;
    int64_t us;
    int32_t months;
    int64_t offset_us;
} trunc_units[] = {
    { "microsecond", 1, 0, 0 },
    { "millisecond", 1000, 0, 0 },
    { "second", MR_US_PER_SECOND, 0, 0 },
    { "minute", 60 * MR_US_PER_SECOND, 0, 0 },
    { "hour", 3600 * MR_US_PER_SECOND, 0, 0 },
    { "day", MR_US_PER_DAY, 0, 0 },
    { "week", 7 * MR_US_PER_DAY, 0, DAYS_TO_MONDAY *MR_US_PER_DAY },
    { "month", 0, 1, 0 },
    { "quarter", 0, 3, 0 },
    { "year", 0, 12, 0 },
    { "decade", 0, 120, 0 },
};

static bool unit_is(MrString text, const char *unit)
{
    MrString wanted = mr_string(unit);
    if (text.length == wanted.length + 1 &&
        (text.data[wanted.length] == 's' || text.data[wanted.length] == 'S')) {
        text.length--;
    }
    return mr_string_equal_nocase(text, wanted);
}

static bool is_constant_value(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_CONSTANT && !expr->constant.is_null && expr->column == 0;
}

static bool zone_is_utc(const MrTimezone *zone)
{
    if (zone == NULL || zone == mr_timezone_utc()) {
        return true;
    }
    const char *name = mr_timezone_name(zone);
    return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0 || strcmp(name, "GMT") == 0;
}

/* Local midnight is no multiple of a day in UTC: such windows are kept as plain keys. */
static bool zone_fits(const MrBinder *b, const MrExpr *time, const MrWindow *window)
{
    return time->type.id != MR_TYPE_TIMESTAMPTZ || zone_is_utc(b->context->zone) ||
           (window->size_months == 0 && window->size_us <= MR_US_PER_SECOND);
}

static bool window_of_trunc(const MrBinder *b, const MrExpr *call, MrWindow *out,
                            const MrExpr **time)
{
    if (call->arg_count < 2 || !is_constant_value(call->args[0]) ||
        !mr_type_is_text(call->args[0]->type.id)) {
        return false;
    }
    MrString unit = mr_text_string(&call->args[0]->constant.text);
    for (size_t i = 0; i < sizeof trunc_units / sizeof trunc_units[0]; i++) {
        if (!unit_is(unit, trunc_units[i].unit)) {
            continue;
        }
        *out = (MrWindow){ .size_us = trunc_units[i].us,
                           .slide_us = trunc_units[i].us,
                           .size_months = trunc_units[i].months,
                           .offset_us = trunc_units[i].offset_us };
        *time = call->args[1];
        if (call->arg_count == 3) {
            return is_constant_value(call->args[2]) &&
                   mr_string_equal_nocase(mr_text_string(&call->args[2]->constant.text),
                                          MR_STRING("UTC"));
        }
        return call->arg_count == 2 && zone_fits(b, *time, out);
    }
    return false;
}

static bool fixed_interval_us(const MrExpr *expr, int64_t *out)
{
    int64_t days;
    if (!is_constant_value(expr) || expr->type.id != MR_TYPE_INTERVAL ||
        expr->constant.interval.months != 0) {
        return false;
    }
    const MrInterval *interval = &expr->constant.interval;
    return !__builtin_mul_overflow((int64_t)interval->days, MR_US_PER_DAY, &days) &&
           !__builtin_add_overflow(days, interval->us, out) && *out > 0;
}

/* date_bin(stride, ts, origin) and time_bucket(width, ts): both align to a given or fixed
 * origin. */
static bool window_of_bin(const MrExpr *call, MrWindow *out, const MrExpr **time)
{
    int64_t stride;
    if (call->arg_count < 2 || call->arg_count > 3 || !fixed_interval_us(call->args[0], &stride)) {
        return false;
    }
    *out = (MrWindow){ .size_us = stride, .slide_us = stride };
    *time = call->args[1];
    if (call->arg_count == 3) {
        if (!is_constant_value(call->args[2])) {
            return false;
        }
        if (call->args[2]->type.id == MR_TYPE_INTERVAL) {
            MrInterval offset = call->args[2]->constant.interval;
            if (offset.months != 0) {
                return false;
            }
            out->offset_us = floor_mod(offset.us % stride +
                                           (int64_t)offset.days % stride * (MR_US_PER_DAY % stride),
                                       stride);
        } else {
            out->offset_us = floor_mod(call->args[2]->constant.integer, stride);
        }
    }
    return true;
}

static bool is_time_type(MrTypeId type)
{
    return type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ;
}

static bool window_of_call(const MrBinder *b, const MrExpr *key, MrWindow *window,
                           const MrExpr **time)
{
    if (key->kind == MR_EXPR_WINDOW_START) {
        *window = key->window;
        *time = key->args[0];
        return true;
    }
    if (key->kind != MR_EXPR_CALL || !is_time_type(key->type.id)) {
        return false;
    }
    const char *name = key->function->name;
    bool found = false;
    if (strcmp(name, "date_trunc") == 0) {
        found = window_of_trunc(b, key, window, time);
    } else if (strcmp(name, "date_bin") == 0 || strcmp(name, "time_bucket") == 0) {
        found = window_of_bin(key, window, time);
    }
    return found && (*time)->type.id == key->type.id;
}

/* Where the input shows window_start of the aggregate: itself, or the result of a view over it. */
static bool shows_start(const MrLogical *input, const MrLogical *aggregate, uint32_t *out)
{
    if (input != aggregate && input->kind != MR_LOGICAL_RESULT) {
        return false;
    }
    for (uint32_t i = 0; i < input->column_count; i++) {
        if (input->columns[i].window_of == aggregate &&
            input->columns[i].role == MR_TIME_WINDOW_START) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* A grouped bound of an inner aggregate's windows: the outer groups are those windows again. */
static bool window_of_bound(MrBinder *b, const MrLogical *input, const MrExpr *key,
                            MrWindowUse *out, MrStatus *status)
{
    if (key->kind != MR_EXPR_COLUMN || key->column >= input->column_count) {
        return false;
    }
    const MrLogicalColumn *column = &input->columns[key->column];
    const MrLogical *inner = column->window_of;
    uint32_t start = 0;
    if (column->role < MR_TIME_WINDOW_START ||
        (inner->kind != MR_LOGICAL_AGGREGATE && inner->kind != MR_LOGICAL_WINDOW) ||
        !shows_start(input, inner, &start)) {
        return false;
    }
    bool is_hop = inner->window_kind == MR_GROUP_WINDOW_HOP;
    if (is_hop && column->role == MR_TIME_WINDOW_END) {
        return false; /* its start decides, if that is grouped too */
    }
    TimeSource source = { .is_event = inner->time_is_event, .starts_of = inner };
    MrWindow window = inner->window;
    if (is_hop) {
        window.size_us = window.slide_us; /* hopping windows start at every slide, once */
    }
    use_set(out, &window, &source, NULL);
    *status = mr_expr_column(b->arena, start, input->columns[start].type, key->position, &out->time,
                             b->err);
    return true;
}

MrStatus mr_window_recognise(MrBinder *b, const MrLogical *input, const MrExpr *key, bool *found,
                             MrWindowUse *out)
{
    MrWindow window;
    const MrExpr *time;
    MrExpr *folded;
    *found = false;
    MrStatus status = MR_OK;
    if (window_of_bound(b, input, key, out, &status)) {
        *found = true;
        return status;
    }
    MR_TRY(mr_fold(b, (MrExpr *)(uintptr_t)key, &folded));
    if (!window_of_call(b, folded, &window, &time)) {
        return MR_OK;
    }
    TimeSource source = time_source(input, time);
    if (source.is_event) {
        use_set(out, &window, &source, time);
        *found = true;
    }
    return MR_OK;
}

bool mr_window_same(const MrLogical *input, const MrExpr *key, const MrExpr *other,
                    const MrWindowUse *use, bool *is_end)
{
    *is_end = false;
    if (key->kind == MR_EXPR_COLUMN && other->kind == MR_EXPR_COLUMN &&
        key->column < input->column_count && other->column < input->column_count &&
        input->columns[key->column].window_of != NULL &&
        input->columns[key->column].window_of == input->columns[other->column].window_of) {
        const MrLogicalColumn *bound = &input->columns[other->column];
        bool is_hop = bound->window_of->window_kind == MR_GROUP_WINDOW_HOP;
        *is_end = bound->role == MR_TIME_WINDOW_END;
        return bound->role == MR_TIME_WINDOW_START || (!is_hop && *is_end);
    }
    (void)use;
    return mr_expr_equal(key, other);
}

/* ---- TUMBLE and HOP in FROM -------------------------------------------------------------- */

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

static MrStatus named_arg(MrBinder *b, const MrAstNamedArg *arg, MrWindow *window)
{
    if (strcmp(arg->name, "offset") == 0) {
        int32_t months;
        MR_TRY(
            interval_window(b, arg->value, "the offset of windows", &window->offset_us, &months));
        if (months != 0) {
            return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, arg->base.position,
                                 "the offset of windows must not have months");
        }
        if (window->size_months == 0) {
            window->offset_us = floor_mod(window->offset_us, window->slide_us);
        }
        return MR_OK;
    }
    if (strcmp(arg->name, "timezone") == 0) {
        MrDatum zone;
        MR_TRY(mr_bind_constant(b, arg->value, mr_type(MR_TYPE_TEXT), "timezone", &zone));
        if (!zone.is_null && mr_string_equal_nocase(mr_text_string(&zone.text), MR_STRING("UTC"))) {
            return MR_OK;
        }
        return mr_bind_unsupported(b, arg->base.position, "Leave timezone out: windows follow UTC.",
                                   "windows in another time zone than UTC are not supported yet");
    }
    mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, arg->base.position,
                  "windows have no argument \"%s\"", arg->name);
    return mr_error_hint(b->err, "There are offset => INTERVAL '…' and timezone => '…'.");
}

static MrStatus bind_window_args(MrBinder *b, const MrAstFromWindow *ast, MrGroupWindow kind,
                                 MrWindow *out)
{
    uint32_t wanted = kind == MR_GROUP_WINDOW_TUMBLE ? 2 : 3, given = 0;
    const char *form = kind == MR_GROUP_WINDOW_TUMBLE
                           ? "TUMBLE(stream, time column, size [, offset => …])"
                           : "HOP(stream, time column, slide, size [, offset => …])";
    while (given < ast->args.count && ast->args.items[given]->kind != MR_AST_NAMED_ARG) {
        given++;
    }
    if (given != wanted) {
        mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, ast->base.position,
                      "wrong number of arguments of %s",
                      kind == MR_GROUP_WINDOW_TUMBLE ? "TUMBLE" : "HOP");
        return mr_error_hint(b->err, "Write %s.", form);
    }
    *out = (MrWindow){ 0 };
    MR_TRY(positive_window(b, ast->args.items[wanted - 1], "the size of windows", &out->size_us,
                           &out->size_months));
    out->slide_us = out->size_us;
    if (kind == MR_GROUP_WINDOW_HOP) {
        int32_t slide_months;
        MR_TRY(positive_window(b, ast->args.items[1], "the slide of windows", &out->slide_us,
                               &slide_months));
        if (out->size_months > 0 || slide_months > 0) {
            return mr_bind_unsupported(b, ast->base.position, "Use days, or TUMBLE.",
                                       "hopping windows of months are not supported yet");
        }
        if (out->slide_us > out->size_us) {
            mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->args.items[1]->position,
                          "the slide of windows must not be greater than their size");
            return mr_error_hint(b->err, "Write %s.", form);
        }
        if (out->size_us / out->slide_us > WINDOWS_PER_ROW_MAX) {
            mr_bind_error(b, MR_ERR_PROGRAM_LIMIT, ast->args.items[1]->position,
                          "a row would be in more than %d windows", WINDOWS_PER_ROW_MAX);
            return mr_error_hint(b->err, "Use a longer slide.");
        }
    }
    for (uint32_t i = given; i < ast->args.count; i++) {
        if (ast->args.items[i]->kind != MR_AST_NAMED_ARG) {
            return mr_bind_error(b, MR_ERR_SYNTAX, ast->args.items[i]->position,
                                 "positional argument cannot follow named argument");
        }
        MR_TRY(named_arg(b, MR_AST_AS(const MrAstNamedArg, ast->args.items[i]), out));
    }
    return MR_OK;
}

static MrStatus refuse_time(MrBinder *b, const MrScope *scope, const MrNode *node,
                            const MrExpr *time)
{
    const MrLogical *leaf = mr_logical_leaf(scope->input);
    mr_bind_error(b, MR_ERR_UNSUPPORTED, node->position, "windows need the event time of a stream");
    if (time->kind == MR_EXPR_ARRIVAL) {
        return mr_error_hint(
            b->err, "Windows on _arrival are for streams without WATERMARK; use the event time.");
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

static MrStatus bind_time(MrBinder *b, MrScope *scope, const MrNode *node, TimeSource *source,
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
    if (!is_time_type((*out)->type.id)) {
        char type[64];
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->position,
                             "the time column of windows must be of type timestamp, not %s",
                             mr_type_text(mr_type((*out)->type.id), type));
    }
    *source = time_source(scope->input, *out);
    if (!source->is_event &&
        (b->mode == MR_BIND_STANDING || mr_logical_reads(scope->input, MR_SCAN_STREAM))) {
        return refuse_time(b, scope, node, *out);
    }
    return MR_OK;
}

static MrStatus check_window_form(MrBinder *b, const MrAstFromWindow *ast)
{
    static const char *const names[] = { "TUMBLE", "HOP", "CUMULATE", "SESSION", "COUNT_WINDOW" };
    if (ast->window != MR_WINDOW_TUMBLE && ast->window != MR_WINDOW_HOP) {
        return mr_bind_unsupported(b, ast->base.position, "Use TUMBLE or HOP.",
                                   "%s is not supported yet", names[ast->window]);
    }
    if (ast->partition_by.count > 0) {
        return mr_bind_unsupported(b, ast->partition_by.items[0]->position,
                                   "Name the keys in GROUP BY.",
                                   "PARTITION BY in %s is not supported", names[ast->window]);
    }
    if (ast->lateral) {
        return mr_bind_unsupported(b, ast->base.position, "Leave LATERAL out.",
                                   "LATERAL is not supported yet");
    }
    return MR_OK;
}

MrStatus mr_window_bind_from(MrBinder *b, const MrAstFromWindow *ast, MrScope *scope)
{
    MrGroupWindow kind =
        ast->window == MR_WINDOW_TUMBLE ? MR_GROUP_WINDOW_TUMBLE : MR_GROUP_WINDOW_HOP;
    TimeSource source = { 0 };
    MrLogical *node;
    MR_TRY(check_window_form(b, ast));
    MR_TRY(mr_bind_from(b, ast->input, scope));
    MR_NEW(b->arena, node, b->err);
    node->kind = MR_LOGICAL_WINDOW;
    node->input = scope->input;
    node->limit = UINT64_MAX;
    node->position = b->view_depth > 0 ? -1 : ast->base.position;
    MR_TRY(bind_window_args(b, ast, kind, &node->window));
    MR_TRY(bind_time(b, scope, ast->args.items[0], &source, &node->time));
    MrWindowUse use;
    use_set(&use, &node->window, &source, node->time);
    node->window_kind = use.kind; /* hopping by its own size is tumbling */
    node->time_is_event = use.time_is_event;
    node->extra_lateness_us = use.extra_lateness_us;
    MR_TRY(mr_logical_window_columns(b->arena, node, b->err));
    scope->input = node;
    return MR_OK;
}

/* ---- Bounds as expressions --------------------------------------------------------------- */

MrStatus mr_window_start_expr(MrBinder *b, const MrLogical *node, MrExpr **out)
{
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_WINDOW_START, mr_type(node->time->type.id), node->position,
                       1, out, b->err));
    (*out)->window = node->window;
    (*out)->args[0] = node->time;
    return MR_OK;
}

/* x AT TIME ZONE 'UTC', so that a month is one of the UTC calendar in every session. */
static MrStatus at_utc(MrBinder *b, MrExpr *value, int32_t position, MrExpr **out)
{
    MrExpr *args[2] = { NULL, value };
    MR_TRY(mr_expr_text(b->arena, "UTC", &args[0], b->err));
    MR_TRY(mr_bind_function(b, "timezone", args, 2, position, out));
    return *out != NULL ? MR_OK : mr_function_missing(b, "timezone", args, 2, position);
}

MrStatus mr_window_end_expr(MrBinder *b, const MrLogical *node, MrExpr **out)
{
    MrExpr *start, *size;
    MrDatum value = { .type = mr_type(MR_TYPE_INTERVAL) };
    bool in_zone = node->window.size_months > 0 && node->time->type.id == MR_TYPE_TIMESTAMPTZ;
    value.interval = (MrInterval){ .us = node->window.size_us, .months = node->window.size_months };
    MR_TRY(mr_window_start_expr(b, node, &start));
    MR_TRY(mr_expr_constant(b->arena, &value, -1, &size, b->err));
    if (in_zone) {
        MR_TRY(at_utc(b, start, node->position, &start));
    }
    MR_TRY(mr_bind_operator(b, "+", start, size, node->position, out));
    return in_zone ? at_utc(b, *out, node->position, out) : MR_OK;
}

static void append_interval(MrBuilder *out, int64_t us, int32_t months)
{
    char text[MR_DATETIME_TEXT_MAX];
    MrInterval interval = { .us = us % MR_US_PER_DAY,
                            .days = (int32_t)(us / MR_US_PER_DAY),
                            .months = months };
    mr_builder_append(out, text, mr_interval_format(&interval, text));
}

void mr_window_describe(MrGroupWindow kind, const MrWindow *window, MrBuilder *out)
{
    mr_builder_append_string(out, kind == MR_GROUP_WINDOW_HOP ? "hopping " : "tumbling ");
    append_interval(out, window->size_us, window->size_months);
    if (kind == MR_GROUP_WINDOW_HOP) {
        mr_builder_append_string(out, " every ");
        append_interval(out, window->slide_us, 0);
    }
    if (window->offset_us != 0) {
        mr_builder_append_string(out, " offset ");
        append_interval(out, window->offset_us, 0);
    }
}
