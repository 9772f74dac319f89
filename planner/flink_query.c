/*
 * planner/flink_query.c - nodes of a bound tree as SELECTs.  A node adds its clause to the SELECT
 * of its input as long as that clause is still free, so that the text looks as people write it;
 * else the SELECT becomes an item of FROM.
 */
#include "planner/flink_internal.h"

/* ---- SELECT as text ---------------------------------------------------------------------- */

static MrStatus add_clause(MrFlink *f, const char **text, const char *word, const char *clause)
{
    return clause == NULL ? MR_OK : mr_flink_format(f, text, "%s %s %s", *text, word, clause);
}

static MrStatus item_text(MrFlink *f, const MrFlinkValue *value, const char *name, const char **out)
{
    MR_TRY(mr_flink_name(f, name, out));
    return strcmp(*out, value->text) == 0 ? MR_OK
                                          : mr_flink_format(f, out, "%s AS %s", value->text, *out);
}

MrStatus mr_flink_select_text(MrFlink *f, const MrFlinkSelect *select, const char **out)
{
    const char **items, *list;
    uint32_t count = 0;
    MR_NEW_ARRAY(f->arena, items, select->column_count + 1, f->b->err);
    for (uint32_t i = 0; i < select->column_count; i++) {
        if (select->columns[i].text != NULL) {
            MR_TRY(item_text(f, &select->columns[i], select->names[i], &items[count++]));
        }
    }
    MR_TRY(mr_flink_list(f, items, count, ", ", &list));
    MR_TRY(mr_flink_format(f, out, "SELECT %s%s FROM %s", select->is_distinct ? "DISTINCT " : "",
                           list[0] == '\0' ? "1" : list, select->from));
    MR_TRY(add_clause(f, out, "WHERE", select->where));
    MR_TRY(add_clause(f, out, "GROUP BY", select->group_by));
    MR_TRY(add_clause(f, out, "HAVING", select->having));
    return add_clause(f, out, "UNION ALL", select->union_all);
}

/* ---- A SELECT as an item of FROM --------------------------------------------------------- */

static bool is_taken(const MrFlinkSelect *select, uint32_t count, const char *name)
{
    if (select->names_windows && strncmp(name, "window_", 7) == 0) {
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(select->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Room for `more` columns that the node does not have, behind its own. */
static MrStatus grow(MrFlink *f, MrFlinkSelect *select, uint32_t more)
{
    MrFlinkValue *columns;
    const char **names;
    MR_NEW_ARRAY(f->arena, columns, select->column_count + more, f->b->err);
    MR_NEW_ARRAY(f->arena, names, select->column_count + more, f->b->err);
    if (select->column_count > 0) {
        memcpy(columns, select->columns, select->column_count * sizeof *columns);
        memcpy(names, select->names, select->column_count * sizeof *names);
    }
    select->columns = columns;
    select->names = names;
    return MR_OK;
}

static MrStatus set_names(MrFlink *f, MrFlinkSelect *select)
{
    for (uint32_t i = 0; i < select->column_count; i++) {
        const char *name = select->names[i];
        for (uint32_t number = 1; name == NULL || is_taken(select, i, name); number++) {
            MR_TRY(mr_flink_format(f, &name, "c%u_%u", i + 1, number));
        }
        select->names[i] = name;
    }
    return MR_OK;
}

/* `name`, or `t1`.`name`; NULL stays NULL. */
static MrStatus rename_to(MrFlink *f, const char *prefix, const char *name, const char **text)
{
    if (*text != NULL) {
        MR_TRY(mr_flink_name(f, name, text));
        MR_TRY(mr_flink_format(f, text, "%s%s", prefix, *text));
    }
    return MR_OK;
}

/* A stream is named as it is; of its columns only how they are told apart changes. */
static MrStatus qualify(MrFlink *f, const char *prefix, MrFlinkSelect *select)
{
    const char **places[] = { &select->sequence, &select->arrival };
    for (size_t i = 0; i < 2; i++) {
        if (*places[i] != NULL) {
            MR_TRY(mr_flink_format(f, places[i], "%s%s", prefix, *places[i]));
        }
    }
    for (uint32_t i = 0; i < select->column_count; i++) {
        MrFlinkValue *column = &select->columns[i];
        if (column->text != NULL) {
            MR_TRY(mr_flink_format(f, &column->text, "%s%s", prefix, column->text));
        }
        if (column->rowtime != NULL) {
            MR_TRY(mr_flink_format(f, &column->rowtime, "%s%s", prefix, column->rowtime));
        }
    }
    return MR_OK;
}

/* What a SELECT gives besides its columns, as columns: times as attributes of Flink's, and the
 * places of rows. */
static MrStatus show_companions(MrFlink *f, MrFlinkSelect *select, uint32_t *shown)
{
    uint32_t count = select->column_count;
    *shown = count;
    MR_TRY(grow(f, select, count + 2));
    for (uint32_t i = 0; i < count; i++) {
        const char *time = select->columns[i].rowtime;
        if (time != NULL && strcmp(time, select->columns[i].text) != 0) {
            select->columns[*shown] = (MrFlinkValue){ .text = time };
            MR_TRY(mr_flink_format(f, &select->names[*shown], "%s_ms", select->names[i]));
            (*shown)++;
        }
    }
    if (select->sequence != NULL) {
        select->columns[*shown] = (MrFlinkValue){ .text = select->sequence };
        select->names[(*shown)++] = "_seq";
    }
    if (select->arrival != NULL) {
        select->columns[*shown] = (MrFlinkValue){ .text = select->arrival };
        select->names[(*shown)++] = "_arrival";
    }
    return MR_OK;
}

/* The names that those have got, as texts of the item's columns. */
static MrStatus name_companions(MrFlink *f, const char *prefix, uint32_t count,
                                MrFlinkSelect *select)
{
    uint32_t at = count;
    for (uint32_t i = 0; i < count; i++) {
        MrFlinkValue *column = &select->columns[i];
        if (column->rowtime == NULL) {
            continue;
        }
        bool is_same = strcmp(column->rowtime, column->text) == 0;
        MR_TRY(rename_to(f, prefix, select->names[is_same ? i : at], &column->rowtime));
        at += is_same ? 0 : 1;
    }
    if (select->sequence != NULL) {
        MR_TRY(rename_to(f, prefix, select->names[at++], &select->sequence));
    }
    if (select->arrival != NULL) {
        MR_TRY(rename_to(f, prefix, select->names[at++], &select->arrival));
    }
    return MR_OK;
}

MrStatus mr_flink_item(MrFlink *f, MrFlinkSelect *select, bool qualified)
{
    const char *prefix = "", *text;
    uint32_t count = select->column_count, number = ++f->alias_count;
    if (qualified) {
        MR_TRY(mr_flink_format(f, &prefix, "`t%u`.", number));
    }
    if (select->stream != NULL) {
        MR_TRY(mr_flink_format(f, &select->table, "TABLE %s", select->from));
        if (qualified) {
            MR_TRY(mr_flink_format(f, &select->from, "%s AS `t%u`", select->from, number));
        }
        select->stream = NULL;
        return qualify(f, prefix, select);
    }
    uint32_t shown = count;
    MR_TRY(show_companions(f, select, &shown));
    select->column_count = shown;
    MR_TRY(set_names(f, select));
    MR_TRY(mr_flink_select_text(f, select, &text));
    MR_TRY(name_companions(f, prefix, count, select));
    select->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(rename_to(f, prefix, select->names[i], &select->columns[i].text));
        select->columns[i].is_plain = true;
    }
    select->where = select->group_by = select->having = select->union_all = NULL;
    select->is_grouped = select->is_distinct = false;
    MR_TRY(mr_flink_format(f, &select->table, "(%s)", text));
    return mr_flink_format(f, &select->from, "(%s) AS `t%u`", text, number);
}

/* ---- Nodes that add a clause ------------------------------------------------------------- */

static MrStatus and_to(MrFlink *f, const char **clause, const char *condition)
{
    if (*clause == NULL) {
        *clause = condition;
        return MR_OK;
    }
    return mr_flink_format(f, clause, "%s AND %s", *clause, condition);
}

static MrStatus select_filter(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    MrFlinkValue condition;
    MR_TRY(mr_flink_select(f, node->input, out));
    if (out->is_distinct) {
        MR_TRY(mr_flink_item(f, out, false));
    }
    MrFlinkScope scope = { .in = out };
    MR_TRY(mr_flink_value(f, node->predicate, &scope, &condition));
    out->stream = NULL;
    return and_to(f, out->is_grouped ? &out->having : &out->where, condition.text);
}

typedef struct Uses {
    const MrFlinkSelect *select;
    size_t bytes; /* that the columns it names have, each time they are named */
} Uses;

static void count_use(void *context, const MrExpr *expr)
{
    Uses *uses = context;
    if (expr->kind == MR_EXPR_COLUMN && expr->column < uses->select->column_count &&
        uses->select->columns[expr->column].text != NULL) {
        uses->bytes += strlen(uses->select->columns[expr->column].text);
    }
}

/* Texts that would be written again and again stay in a SELECT of their own. */
static bool is_long(const MrLogical *project, const MrFlinkSelect *select)
{
    Uses uses = { .select = select };
    for (uint32_t i = 0; i < project->column_count; i++) {
        mr_expr_walk(project->expressions[i], count_use, &uses);
    }
    return uses.bytes > MR_FLINK_TEXT_MAX;
}

static MrStatus select_project(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    MrFlinkValue *columns;
    const char **names;
    MR_TRY(mr_flink_select(f, node->input, out));
    if (out->is_distinct || is_long(node, out)) {
        MR_TRY(mr_flink_item(f, out, false));
    }
    MrFlinkScope scope = { .in = out };
    MR_NEW_ARRAY(f->arena, columns, node->column_count + 1, f->b->err);
    MR_NEW_ARRAY(f->arena, names, node->column_count + 1, f->b->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        MR_TRY(mr_flink_value(f, node->expressions[i], &scope, &columns[i]));
        names[i] = node->columns[i].name;
    }
    out->columns = columns;
    out->names = names;
    out->column_count = node->column_count;
    out->stream = NULL;
    return MR_OK;
}

/* ---- GROUP BY ---------------------------------------------------------------------------- */

int32_t mr_flink_position(const MrFlink *f, const MrLogical *node)
{
    if (node->position > 0) {
        return node->position;
    }
    return node->time != NULL && node->time->position >= 0 ? node->time->position : f->position;
}

/* GROUP BY on the bounds of a lower node's windows is those windows again; NULL: it is not.  The
 * columns of the input that are the bounds, -1: it has not that one. */
static const MrLogical *lower_window(const MrLogical *node, int32_t *start, int32_t *end)
{
    const MrLogical *input = node->input;
    *start = *end = -1;
    if (node->time == NULL || node->time->kind != MR_EXPR_COLUMN) {
        return NULL;
    }
    const MrLogicalColumn *time = &input->columns[node->time->column];
    const MrLogical *of = time->window_of;
    if (of == NULL || of->window_kind == MR_GROUP_WINDOW_SESSION || of->window.cumulates) {
        return NULL;
    }
    /* Those that overlap are grouped by their start, and by their end if it is a key. */
    bool is_start_of_hop = of->window_kind == MR_GROUP_WINDOW_HOP &&
                           time->role == MR_TIME_WINDOW_START &&
                           of->window.slide_us == node->window.size_us;
    if (!is_start_of_hop && !mr_window_equal(&of->window, &node->window)) {
        return NULL;
    }
    for (uint32_t i = 0; i < input->column_count; i++) {
        if (input->columns[i].window_of == of) {
            *(input->columns[i].role == MR_TIME_WINDOW_START ? start : end) = (int32_t)i;
        }
    }
    return of;
}

/* The windows of the lower node once more: both of its bounds, the other one made of what is
 * there. */
static MrStatus windows_again(MrFlink *f, const MrLogical *node, const MrLogical *of, int32_t start,
                              int32_t end, const MrFlinkSelect *in, MrFlinkSelect *grouped)
{
    const char *size, *first, *last;
    MR_TRY(mr_flink_interval(f, node->window.size_us, &size));
    if (of->window_kind == MR_GROUP_WINDOW_HOP) {
        grouped->group_by = first = in->columns[start].text;
        grouped->columns[0] = (MrFlinkValue){ .text = first, .type = node->columns[0].type };
        grouped->columns[1].type = node->columns[1].type;
        return mr_flink_format(f, &grouped->columns[1].text, "(%s + %s)", first, size);
    }
    first = start >= 0 ? in->columns[start].text : NULL;
    last = end >= 0 ? in->columns[end].text : NULL;
    if (first == NULL) {
        MR_TRY(mr_flink_format(f, &first, "(%s - %s)", last, size));
    }
    if (last == NULL) {
        MR_TRY(mr_flink_format(f, &last, "(%s + %s)", first, size));
    }
    grouped->columns[0] = (MrFlinkValue){ .text = first, .type = node->columns[0].type };
    grouped->columns[1] = (MrFlinkValue){ .text = last, .type = node->columns[1].type };
    return mr_flink_format(f, &grouped->group_by, "%s, %s", first, last);
}

static MrStatus group_keys(MrFlink *f, const MrLogical *node, const MrFlinkScope *scope,
                           const char *end, MrFlinkSelect *grouped)
{
    const char *list = grouped->group_by;
    uint32_t first = mr_logical_key_column(node, 0);
    if (first > 0 && list == NULL) {
        list = "`window_start`, `window_end`";
        for (uint32_t i = 0; i < 2; i++) {
            grouped->columns[i] = (MrFlinkValue){ .text = i == 0 ? "`window_start`" : end,
                                                  .type = node->columns[i].type,
                                                  .is_plain = true };
        }
    }
    for (uint32_t k = 0; k < node->key_count; k++) {
        MrFlinkValue *key = &grouped->columns[first + k];
        MR_TRY(mr_flink_value(f, node->keys[k], scope, key));
        key->rowtime = NULL; /* a grouped time is a value */
        MR_TRY(mr_flink_format(f, &list, "%s%s%s", list == NULL ? "" : list,
                               list == NULL ? "" : ", ", key->text));
    }
    grouped->group_by = list;
    return MR_OK;
}

static MrStatus select_aggregate(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    if (node->total_count > 0 || node->sequence_call != 0) {
        return mr_flink_refuse(f, mr_flink_position(f, node), "Write one GROUP BY, or UNION ALL.",
                               "grouping of this kind has no equal in Flink");
    }
    if (node->is_global && node->window_kind == MR_GROUP_WINDOW_NONE) {
        return mr_flink_refuse(f, mr_flink_position(f, node), "Group by a column.",
                               "an aggregate of all rows, which has no row there as long as there "
                               "are none, has no equal in Flink");
    }
    const char *end = NULL;
    int32_t lower_start, lower_end;
    const MrLogical *of = lower_window(node, &lower_start, &lower_end);
    MR_TRY(mr_flink_select(f, node->input, out));
    if (node->window_kind != MR_GROUP_WINDOW_NONE && of == NULL) {
        MR_TRY(mr_flink_windowed(f, node, out, &end));
    } else if (out->is_grouped || out->is_distinct) {
        MR_TRY(mr_flink_item(f, out, false));
    }
    MrFlinkScope scope = { .in = out };
    MrFlinkSelect grouped = { .from = out->from, .where = out->where, .is_grouped = true };
    MR_NEW_ARRAY(f->arena, grouped.columns, node->column_count + 1, f->b->err);
    MR_NEW_ARRAY(f->arena, grouped.names, node->column_count + 1, f->b->err);
    grouped.column_count = node->column_count;
    if (of != NULL) {
        MR_TRY(windows_again(f, node, of, lower_start, lower_end, out, &grouped));
    }
    MR_TRY(group_keys(f, node, &scope, end, &grouped));
    uint32_t first = mr_logical_call_column(node, 0);
    for (uint32_t c = 0; c < node->call_count; c++) {
        MR_TRY(mr_flink_aggregate(f, &node->calls[c], &scope, NULL, mr_flink_position(f, node),
                                  &grouped.columns[first + c]));
    }
    for (uint32_t i = 0; i < node->column_count; i++) {
        grouped.names[i] = node->columns[i].name;
    }
    if (node->call_count == 0 && node->window_kind == MR_GROUP_WINDOW_NONE) {
        grouped.is_distinct = true;
        grouped.group_by = NULL;
    }
    *out = grouped;
    return MR_OK;
}

/* ---- The leaves -------------------------------------------------------------------------- */

static const MrFlinkColumn *source_column(const MrFlinkSource *source, int32_t ordinal)
{
    for (uint32_t i = 0; i < source->column_count; i++) {
        if (source->columns[i].ordinal == ordinal) {
            return &source->columns[i];
        }
    }
    return NULL;
}

static MrStatus select_scan(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    const MrFlinkSource *source;
    if (node->scan != MR_SCAN_STREAM) {
        return mr_flink_refuse(f, mr_flink_position(f, node),
                               "Leave engine = 'flink' out: the query runs here then.",
                               "\"%s\" is not a stream, and only streams are read there",
                               node->relation != NULL ? node->relation->name : "VALUES");
    }
    MR_TRY(mr_flink_source(f, node->relation, &source));
    *out = (MrFlinkSelect){ .stream = node->relation, .column_count = node->column_count };
    MR_NEW_ARRAY(f->arena, out->columns, node->column_count + 1, f->b->err);
    MR_NEW_ARRAY(f->arena, out->names, node->column_count + 1, f->b->err);
    MR_TRY(mr_flink_name(f, source->table, &out->from));
    MR_TRY(mr_flink_name(f, "_seq", &out->sequence));
    MR_TRY(mr_flink_name(f, "_arrival", &out->arrival));
    for (uint32_t i = 0; i < node->column_count; i++) {
        int32_t ordinal = (int32_t)node->scan_columns[i];
        const MrFlinkColumn *column = source_column(source, ordinal);
        MrFlinkValue *value = &out->columns[i];
        out->names[i] = node->columns[i].name;
        *value = (MrFlinkValue){ .type = node->columns[i].type, .is_plain = true };
        (void)mr_flink_digits(value->type, &value->precision, &value->scale);
        if (column == NULL) {
            continue; /* refused where it is read */
        }
        MR_TRY(mr_flink_name(f, column->name, &value->text));
        if (ordinal == node->relation->stream->event_column && !node->by_arrival) {
            MR_TRY(mr_flink_time_name(f, node->relation, &value->rowtime));
            MR_TRY(mr_flink_name(f, value->rowtime, &value->rowtime));
        }
    }
    return MR_OK;
}

static MrStatus refuse_node(MrFlink *f, const MrLogical *node)
{
    static const char *const names[] = {
        [MR_LOGICAL_EXPAND] = "GROUPING SETS",
        [MR_LOGICAL_PROJECT_SET] = "a function that gives rows",
        [MR_LOGICAL_RESULT] = "a materialized view as input",
        [MR_LOGICAL_SINCE] = "snapshot = false",
        [MR_LOGICAL_SORT] = "LIMIT in this place",
        [MR_LOGICAL_RECURSION] = "WITH RECURSIVE",
    };
    return mr_flink_refuse(f, mr_flink_position(f, node),
                           node->kind == MR_LOGICAL_RESULT
                               ? "Write its query here, over streams."
                               : "Leave engine = 'flink' out: the query runs here then.",
                           "%s has no equal in Flink",
                           names[node->kind] != NULL ? names[node->kind] : "a part of the query");
}

MrStatus mr_flink_select(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return select_scan(f, node, out);
    case MR_LOGICAL_FILTER: return select_filter(f, node, out);
    case MR_LOGICAL_PROJECT: return select_project(f, node, out);
    case MR_LOGICAL_AGGREGATE: return select_aggregate(f, node, out);
    case MR_LOGICAL_WINDOW: return mr_flink_row_windows(f, node, out);
    case MR_LOGICAL_JOIN: return mr_flink_join(f, node, out);
    case MR_LOGICAL_OVER: return mr_flink_over(f, node, out);
    case MR_LOGICAL_TOP_N: return mr_flink_top_n(f, node, out);
    case MR_LOGICAL_UNION: return mr_flink_union(f, node, out);
    default: return refuse_node(f, node);
    }
}
