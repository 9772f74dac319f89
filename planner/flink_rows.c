/*
 * planner/flink_rows.c - windows, joins, first rows and unions as items of FROM.
 */
#include "planner/flink_internal.h"

/* ---- Windows --------------------------------------------------------------------------- */

static MrStatus refuse_window(MrFlink *f, const MrLogical *node, const char *hint, const char *what)
{
    return mr_flink_refuse(f, mr_flink_position(f, node), hint, "%s has no equal in Flink", what);
}

/* Windows whose grid Flink has too. */
static MrStatus check_window(MrFlink *f, const MrLogical *node)
{
    const MrWindow *window = &node->window;
    int64_t slide = window->slide_us != 0 ? window->slide_us : window->size_us;
    if (window->size_months != 0 || window->slide_months != 0 || window->zone != NULL) {
        return refuse_window(f, node, "Use windows of days or less, in UTC.",
                             "a window of months or in a time zone");
    }
    if (node->window_kind == MR_GROUP_WINDOW_COUNT) {
        return refuse_window(f, node, "Use windows of time.", "a window of rows");
    }
    if (window->size_us % 1000 != 0 || slide % 1000 != 0) {
        return refuse_window(f, node, "Use whole milliseconds.", "a window of microseconds");
    }
    /* Flink 1.20 loses the rows before the first full window of the shifted grid. */
    if (window->offset_us % (window->cumulates ? window->size_us : slide) != 0) {
        return refuse_window(f, node, "Leave the offset out.", "a window with an offset");
    }
    if (window->size_us % slide != 0) {
        return refuse_window(f, node, "Let the size be a multiple of the slide or step.",
                             "a window whose size is no multiple of its slide");
    }
    return MR_OK;
}

/* The attribute of Flink's that the node's windows are of. */
static MrStatus window_time(MrFlink *f, const MrLogical *node, const MrFlinkSelect *select,
                            const char **out)
{
    const MrExpr *time = node->time;
    *out =
        time->kind == MR_EXPR_COLUMN && time->column < select->column_count && node->time_is_event
            ? select->columns[time->column].rowtime
            : NULL;
    if (*out == NULL) {
        return refuse_window(f, node,
                             "Put the window over the stream's WATERMARK column, before what is "
                             "grouped or joined.",
                             "a window over anything but the event time of a stream");
    }
    return MR_OK;
}

/* PARTITION BY of sessions: columns of the input. */
static MrStatus session_keys(MrFlink *f, const MrLogical *node, const MrFlinkSelect *select,
                             const char **out)
{
    *out = "";
    for (uint32_t k = 0; k < node->key_count; k++) {
        const MrExpr *key = node->keys[k];
        const char *text = key->kind == MR_EXPR_COLUMN && key->column < select->column_count
                               ? select->columns[key->column].text
                               : NULL;
        if (text == NULL) {
            return refuse_window(f, node, "Compute the key in a subquery in FROM.",
                                 "a session by an expression");
        }
        MR_TRY(mr_flink_format(f, out, "%s%s%s", *out, k == 0 ? " PARTITION BY " : ", ", text));
    }
    return MR_OK;
}

/* Sessions touch there when rows are exactly a gap apart, and here when they are less: a
 * millisecond less makes them alike, as long as times are whole milliseconds. */
static MrStatus session(MrFlink *f, const MrLogical *node, const char *time, MrFlinkSelect *select,
                        const char **end)
{
    const char *gap, *keys;
    if (!select->has_ms_time || node->window.size_us <= 1000) {
        return refuse_window(f, node, "Declare the stream's time with three digits: timestamp(3).",
                             "a session of microseconds");
    }
    MR_TRY(session_keys(f, node, select, &keys));
    MR_TRY(mr_flink_interval(f, node->window.size_us - 1000, &gap));
    *end = "(`window_end` + INTERVAL '0.001' SECOND)";
    return mr_flink_format(f, &select->from, "TABLE(SESSION(%s%s, DESCRIPTOR(%s), %s))",
                           select->table, keys, time, gap);
}

static MrStatus grid(MrFlink *f, const MrLogical *node, const char *time, MrFlinkSelect *select)
{
    const MrWindow *window = &node->window;
    int64_t slide = window->slide_us != 0 ? window->slide_us : window->size_us;
    const char *size, *by = "";
    MR_TRY(mr_flink_interval(f, window->size_us, &size));
    if (slide != window->size_us) {
        MR_TRY(mr_flink_interval(f, slide, &by));
        MR_TRY(mr_flink_format(f, &by, "%s, ", by));
    }
    return mr_flink_format(f, &select->from, "TABLE(%s(%s, DESCRIPTOR(%s), %s%s))",
                           window->cumulates          ? "CUMULATE"
                           : slide != window->size_us ? "HOP"
                                                      : "TUMBLE",
                           select->table, time, by, size);
}

MrStatus mr_flink_windowed(MrFlink *f, const MrLogical *node, MrFlinkSelect *select,
                           const char **end)
{
    const char *time;
    MR_TRY(check_window(f, node));
    MR_TRY(window_time(f, node, select, &time));
    bool is_late_bound = node->extra_lateness_us != 0;
    if (is_late_bound) {
        return refuse_window(f, node, "Put the window over the stream.", "a window of windows");
    }
    select->names_windows = true;
    for (uint32_t i = 0; i < select->column_count; i++) {
        if (select->names[i] != NULL && strncmp(select->names[i], "window_", 7) == 0) {
            select->stream = NULL; /* so that it gets another name */
        }
    }
    MR_TRY(mr_flink_item(f, select, false));
    MR_TRY(window_time(f, node, select, &time));
    select->has_ms_time = strcmp(time, select->columns[node->time->column].text) == 0;
    *end = "`window_end`";
    return node->window_kind == MR_GROUP_WINDOW_SESSION ? session(f, node, time, select, end)
                                                        : grid(f, node, time, select);
}

/* Rows with their windows, which nothing groups by. */
MrStatus mr_flink_row_windows(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    const char *end;
    MrFlinkValue *columns;
    const char **names;
    if (node->judges_late || node->window_kind == MR_GROUP_WINDOW_SESSION) {
        return refuse_window(f, node, "GROUP BY window_start, window_end.",
                             "a window that is not grouped by its bounds");
    }
    MR_TRY(mr_flink_select(f, node->input, out));
    MR_TRY(mr_flink_windowed(f, node, out, &end));
    MR_NEW_ARRAY(f->arena, columns, node->column_count, f->b->err);
    MR_NEW_ARRAY(f->arena, names, node->column_count, f->b->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        bool is_start = i + 2 == node->column_count;
        columns[i] = i < out->column_count
                         ? out->columns[i]
                         : (MrFlinkValue){ .text = is_start ? "`window_start`" : end,
                                           .type = node->columns[i].type,
                                           .is_plain = true };
        names[i] = node->columns[i].name;
    }
    out->columns = columns;
    out->names = names;
    out->column_count = node->column_count;
    return MR_OK;
}

/* ---- Joins ----------------------------------------------------------------------------- */

static const char *rowtime_of(const MrFlinkSelect *select, int32_t column)
{
    return column >= 0 && (uint32_t)column < select->column_count ? select->columns[column].rowtime
                                                                  : NULL;
}

/* Flink sees that times are bounded only by its attributes, whose milliseconds are a bit wider. */
static MrStatus add_reach(MrFlink *f, const MrLogical *node, const MrFlinkSelect *left,
                          const MrFlinkSelect *right, const char **condition)
{
    const char *a = rowtime_of(left, node->left_time.column);
    const char *b = rowtime_of(right, node->right_time.column), *after, *before;
    if (a == NULL || b == NULL || !node->left_time.has_reach || !node->right_time.has_reach ||
        node->left_time.reach_us < 0 || node->right_time.reach_us < 0) {
        return MR_OK;
    }
    bool in_ms = strcmp(a, left->columns[node->left_time.column].text) == 0 &&
                 strcmp(b, right->columns[node->right_time.column].text) == 0;
    if (in_ms) {
        return MR_OK; /* the condition says it already */
    }
    MR_TRY(mr_flink_interval(f, node->left_time.reach_us / 1000 * 1000 + 1000, &after));
    MR_TRY(mr_flink_interval(f, node->right_time.reach_us / 1000 * 1000 + 1000, &before));
    return mr_flink_format(f, condition, "%s AND %s BETWEEN %s - %s AND %s + %s", *condition, b, a,
                           before, a, after);
}

static MrStatus refuse_join(MrFlink *f, const MrLogical *node)
{
    if (node->asof.is_used || node->is_lookup) {
        return refuse_window(f, node, "Join on equal keys and a bound on time.",
                             "a join by the version of a row");
    }
    if (node->is_null_aware) {
        return refuse_window(f, node, "Write NOT EXISTS.", "NOT IN of a subquery");
    }
    return MR_OK;
}

static const char *join_word(MrJoinType type)
{
    return type == MR_JOIN_TYPE_LEFT    ? "LEFT JOIN"
           : type == MR_JOIN_TYPE_RIGHT ? "RIGHT JOIN"
           : type == MR_JOIN_TYPE_FULL  ? "FULL JOIN"
                                        : "JOIN";
}

static MrStatus join_columns(MrFlink *f, const MrLogical *node, const MrFlinkSelect *left,
                             const MrFlinkSelect *right, MrFlinkSelect *out)
{
    MR_NEW_ARRAY(f->arena, out->columns, node->column_count + 1, f->b->err);
    MR_NEW_ARRAY(f->arena, out->names, node->column_count + 1, f->b->err);
    out->column_count = node->column_count;
    for (uint32_t i = 0; i < node->column_count; i++) {
        out->columns[i] =
            i < left->column_count ? left->columns[i] : right->columns[i - left->column_count];
        out->names[i] = node->columns[i].name;
        if (!node->passes_time || node->columns[i].role != MR_TIME_EVENT) {
            out->columns[i].rowtime = NULL;
        }
    }
    return MR_OK;
}

MrStatus mr_flink_join(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    MrFlinkSelect left, right;
    MrFlinkValue condition = { .text = "TRUE" };
    MR_TRY(refuse_join(f, node));
    MR_TRY(mr_flink_select(f, node->input, &left));
    MR_TRY(mr_flink_item(f, &left, true));
    MR_TRY(mr_flink_select(f, node->right, &right));
    MR_TRY(mr_flink_item(f, &right, true));
    MrFlinkScope scope = { .in = &left, .right = &right };
    if (node->predicate != NULL) {
        MR_TRY(mr_flink_value(f, node->predicate, &scope, &condition));
    }
    MR_TRY(add_reach(f, node, &left, &right, &condition.text));
    *out = (MrFlinkSelect){ .from = left.from };
    MR_TRY(join_columns(f, node, &left, &right, out));
    if (!mr_join_shows_right(node->join_type)) {
        return mr_flink_format(f, &out->where, "%sEXISTS (SELECT 1 FROM %s WHERE %s)",
                               node->join_type == MR_JOIN_TYPE_ANTI ? "NOT " : "", right.from,
                               condition.text);
    }
    bool is_cross = node->predicate == NULL && node->join_type == MR_JOIN_TYPE_INNER;
    return is_cross ? mr_flink_format(f, &out->from, "%s CROSS JOIN %s", left.from, right.from)
                    : mr_flink_format(f, &out->from, "%s %s %s ON %s", left.from,
                                      join_word(node->join_type), right.from, condition.text);
}

/* ---- The first rows -------------------------------------------------------------------- */

static MrStatus add_order(MrFlink *f, const char *text, const char *direction, const char **order)
{
    return mr_flink_format(f, order, "%s%s%s%s", *order, (*order)[0] == '\0' ? "" : ", ", text,
                           direction);
}

MrStatus mr_flink_column(MrFlink *f, const MrFlinkSelect *select, uint32_t column, const char **out)
{
    MrExpr named = { .kind = MR_EXPR_COLUMN, .column = column, .position = -1 };
    MrFlinkScope scope = { .in = select };
    MrFlinkValue value;
    named.type = select->columns[column].type;
    MR_TRY(mr_flink_value(f, &named, &scope, &value));
    *out = value.text;
    return MR_OK;
}

/* Rows with equal keys stand in the order of the log, or by what tells them apart. */
static MrStatus row_order(MrFlink *f, const MrLogical *node, const MrFlinkSelect *select,
                          const char **order)
{
    const MrLogicalOver *over = node->over;
    const char *text;
    *order = "";
    for (uint32_t i = 0; i < over->order_count; i++) {
        const MrSortKey *key = &over->order[i];
        MR_TRY(mr_flink_column(f, select, key->column, &text));
        MR_TRY(add_order(f, text,
                         key->descending
                             ? (key->nulls_first ? " DESC NULLS FIRST" : " DESC NULLS LAST")
                             : (key->nulls_first ? " ASC NULLS FIRST" : " ASC NULLS LAST"),
                         order));
    }
    for (uint32_t i = 0; i < over->tie_count; i++) {
        MR_TRY(mr_flink_column(f, select, over->ties[i], &text));
        MR_TRY(add_order(f, text, " ASC NULLS LAST", order));
    }
    if (over->tie_count == 0 && select->sequence != NULL) {
        MR_TRY(add_order(f, select->sequence, " ASC", order));
    }
    return (*order)[0] != '\0'
               ? MR_OK
               : refuse_window(f, node, "Say ORDER BY.", "the first rows of no order");
}

static MrStatus number_text(MrFlink *f, const MrLogical *node, const MrFlinkSelect *select,
                            const char **out)
{
    const MrLogicalOver *over = node->over;
    const char *partition = "", *order, *text;
    for (uint32_t i = 0; i < over->partition_count; i++) {
        MR_TRY(mr_flink_column(f, select, over->partition[i], &text));
        MR_TRY(mr_flink_format(f, &partition, "%s%s%s", partition, i == 0 ? "PARTITION BY " : ", ",
                               text));
    }
    MR_TRY(row_order(f, node, select, &order));
    return mr_flink_format(f, out, "ROW_NUMBER() OVER (%s%sORDER BY %s)", partition,
                           over->partition_count > 0 ? " " : "", order);
}

MrStatus mr_flink_top_n(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    const MrLogicalOver *over = node->over;
    if (over->by != MR_OVER_ROW_NUMBER) {
        return refuse_window(f, node, "Use ROW_NUMBER.", "the first rows by RANK");
    }
    MR_TRY(mr_flink_select(f, node->input, out));
    if (out->is_grouped || out->is_distinct) {
        MR_TRY(mr_flink_item(f, out, false));
    }
    uint32_t count = out->column_count;
    MrFlinkValue *columns;
    const char **names, *text, *number;
    MR_NEW_ARRAY(f->arena, columns, count + 1, f->b->err);
    MR_NEW_ARRAY(f->arena, names, count + 1, f->b->err);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = out->columns[i];
        columns[i].rowtime = NULL;
        names[i] = out->names[i];
    }
    MR_TRY(number_text(f, node, out, &text));
    columns[count] =
        (MrFlinkValue){ .text = text, .type = mr_type(MR_TYPE_INT64), .is_plain = false };
    names[count] = "row_number";
    out->columns = columns;
    out->names = names;
    out->column_count = count + 1;
    out->stream = NULL;
    out->sequence = out->arrival = NULL;
    MR_TRY(mr_flink_item(f, out, false));
    number = out->columns[count].text;
    MR_TRY(mr_flink_format(f, &out->where, "%s <= %llu", number, (unsigned long long)over->limit));
    if (over->offset > 0) {
        MR_TRY(mr_flink_format(f, &out->where, "%s AND %s > %llu", out->where, number,
                               (unsigned long long)over->offset));
    }
    out->column_count = count + (over->shows_number ? 1 : 0);
    return MR_OK;
}

/* ---- UNION ALL ------------------------------------------------------------------------- */

/* Of both sides, what the result has: digits for all numerics, times that are attributes in
 * both. */
static MrStatus meet(MrFlink *f, const MrLogical *node, MrFlinkValue *a, MrFlinkValue *b)
{
    if (a->text == NULL || b->text == NULL) {
        a->text = b->text = NULL;
    }
    bool keep = a->rowtime != NULL && b->rowtime != NULL && a->text != NULL &&
                strcmp(a->rowtime, a->text) == 0 && strcmp(b->rowtime, b->text) == 0;
    if (!keep) {
        a->rowtime = b->rowtime = NULL;
    }
    if (a->type.id != MR_TYPE_NUMERIC || a->text == NULL) {
        return MR_OK;
    }
    int whole = a->precision - a->scale, other = b->precision - b->scale;
    int scale = a->scale > b->scale ? a->scale : b->scale;
    whole = whole > other ? whole : other;
    if (whole + scale > MR_FLINK_DIGITS_MAX) {
        return refuse_window(f, node, "Cast both to numeric(p, s).", "a UNION of so many digits");
    }
    a->precision = (uint8_t)(whole + scale);
    a->scale = (uint8_t)scale;
    return MR_OK;
}

MrStatus mr_flink_union(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    MrFlinkSelect right;
    MR_TRY(mr_flink_select(f, node->input, out));
    MR_TRY(mr_flink_select(f, node->right, &right));
    for (uint32_t i = 0; i < out->column_count && i < right.column_count; i++) {
        MR_TRY(meet(f, node, &out->columns[i], &right.columns[i]));
        MR_TRY(mr_flink_format(f, &right.names[i], "c%u", i + 1));
        out->names[i] = node->columns[i].name;
    }
    out->stream = NULL;
    out->sequence = out->arrival = NULL;
    MR_TRY(mr_flink_select_text(f, &right, &out->union_all));
    return mr_flink_item(f, out, false);
}
