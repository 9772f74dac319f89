/*
 * planner/flink.c - see flink.h.  The bound tree becomes SELECTs (flink_query.c, flink_rows.c) of
 * expressions (flink_expression.c) whose functions a table knows (flink_function.c); here are the
 * job around them, and what a whole query must be.
 */
#include "planner/flink.h"

#include "planner/flink_internal.h"
#include "planner/rewrite.h"

#include <stdio.h>

MrStatus mr_flink_refuse(MrFlink *f, int32_t position, const char *hint, const char *format, ...)
{
    va_list args;
    char what[400];
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    mr_bind_error(f->b, MR_ERR_UNSUPPORTED, position >= 0 ? position : f->position,
                  "engine = 'flink': %s", what);
    return mr_error_hint(f->b->err, "%s", hint);
}

/* ---- What the whole query must be -------------------------------------------------------- */

static const MrLogical *find_window(const MrLogical *node)
{
    if (node == NULL) {
        return NULL;
    }
    if (node->kind == MR_LOGICAL_AGGREGATE && node->window_kind != MR_GROUP_WINDOW_NONE) {
        return node;
    }
    const MrLogical *found = find_window(node->input);
    return found != NULL ? found : find_window(node->right);
}

/* Flink shows a window once, when it closes. */
static MrStatus check_emit(MrFlink *f, const MrLogical *tree)
{
    const MrLogical *window = find_window(tree);
    if (window != NULL && f->plan->emit != MR_EMIT_MODE_CLOSE) {
        return mr_flink_refuse(f, mr_flink_position(f, window), "Add EMIT ON WINDOW CLOSE.",
                               "windows show when they close, and not before");
    }
    return MR_OK;
}

static bool passes_rows(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_PROJECT ||
           node->kind == MR_LOGICAL_OVER || node->kind == MR_LOGICAL_TOP_N ||
           (node->kind == MR_LOGICAL_JOIN && !mr_join_shows_right(node->join_type));
}

/* The scan of the stream whose rows these are, each at most once; NULL: they are others. */
static const MrLogical *scan_of_rows(const MrLogical *node)
{
    while (passes_rows(node)) {
        node = node->input;
    }
    return node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_STREAM ? node : NULL;
}

/* The scan whose rows' place the column is; NULL: it is no place. */
static const MrLogical *place_of(const MrLogical *node, uint32_t column)
{
    for (;;) {
        if (node->kind == MR_LOGICAL_PROJECT) {
            const MrExpr *expr = node->expressions[column];
            if (expr->kind != MR_EXPR_COLUMN) {
                return expr->kind == MR_EXPR_SEQUENCE ? scan_of_rows(node) : NULL;
            }
            column = expr->column;
        } else if (node->kind == MR_LOGICAL_JOIN && column >= node->input->column_count) {
            column -= node->input->column_count;
            node = node->right;
            continue;
        } else if ((!passes_rows(node) && node->kind != MR_LOGICAL_JOIN) ||
                   column >= node->input->column_count) {
            return NULL;
        }
        node = node->input;
    }
}

/* Fills `keys` with a column of the root for each stream that an inner join's rows are made of.
 * False: some stream's place is not shown, or may be missing. */
static bool find_places(const MrLogical *root, const MrLogical *node, uint32_t *keys,
                        uint32_t *count)
{
    while (passes_rows(node)) {
        node = node->input;
    }
    if (node->kind == MR_LOGICAL_JOIN && node->join_type == MR_JOIN_TYPE_INNER) {
        return find_places(root, node->input, keys, count) &&
               find_places(root, node->right, keys, count);
    }
    for (uint32_t i = 0; scan_of_rows(node) != NULL && i < root->column_count; i++) {
        if (place_of(root, i) == node && *count < MR_FLINK_KEYS_MAX) {
            keys[(*count)++] = i;
            return true;
        }
    }
    return false;
}

/* The sink writes by key, so that what a restart writes again changes nothing.  Rows of a
 * stream have their place as one, and those of an inner join the places of both. */
static MrStatus derive_key(MrFlink *f, const MrLogical *tree, MrPlan *plan)
{
    uint32_t *key;
    if (plan->output.column_count > plan->visible_columns) {
        return mr_flink_refuse(f, 0, "Select the columns that it groups, joins or counts by.",
                               "the result must have its key among its columns");
    }
    if (plan->key_count == 0) {
        MR_NEW_ARRAY(f->arena, key, MR_FLINK_KEYS_MAX, f->b->err);
        plan->keys = key;
        if (!find_places(tree, tree, key, &plan->key_count)) {
            plan->key_count = 0;
        }
    }
    if (plan->key_count == 0) {
        return mr_flink_refuse(
            f, 0, "Select _seq too (of a join, of each of its streams), or group the rows.",
            "the result must have a key");
    }
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const MrColumn *column = &plan->output.columns[plan->keys[k]];
        if (!column->not_null) {
            mr_bind_notice(f->b, "Leave such rows out (IS NOT NULL), or use COALESCE.",
                           "a NULL in \"%s\" stops the Flink job: keys have none there",
                           column->name);
        }
    }
    return MR_OK;
}

static bool find_shown(const MrLogical *root, uint32_t column, uint32_t *out)
{
    for (uint32_t i = 0; i < root->column_count; i++) {
        if (root->expressions[i]->kind == MR_EXPR_COLUMN &&
            root->expressions[i]->column == column) {
            *out = i;
            return true;
        }
    }
    return false;
}

bool mr_flink_numbered_key(const MrLogical *root, uint32_t *keys, uint32_t *count)
{
    const MrLogical *node = root->input;
    while (node != NULL && node->kind == MR_LOGICAL_FILTER) {
        node = node->input;
    }
    if (root->kind != MR_LOGICAL_PROJECT || node == NULL || node->kind != MR_LOGICAL_TOP_N ||
        !node->over->shows_number || node->over->by != MR_OVER_ROW_NUMBER ||
        node->over->partition_count >= MR_FLINK_KEYS_MAX) {
        return false;
    }
    *count = 0;
    for (uint32_t i = 0; i < node->over->partition_count; i++) {
        if (!find_shown(root, node->over->partition[i], &keys[(*count)++])) {
            return false;
        }
    }
    return find_shown(root, node->column_count - 1, &keys[(*count)++]);
}

/* ---- The statements ---------------------------------------------------------------------- */

static MrStatus sink_name(MrFlink *f, const char **out)
{
    *out = "result";
    for (uint32_t i = 0; i < f->source_count; i++) {
        if (strcmp(f->sources[i].table, *out) == 0) {
            MR_TRY(mr_flink_format(f, out, "%s_", *out));
            i = UINT32_MAX; /* from the beginning */
        }
    }
    return MR_OK;
}

static bool is_key(const MrPlan *plan, uint32_t column)
{
    for (uint32_t k = 0; k < plan->key_count; k++) {
        if (plan->keys[k] == column) {
            return true;
        }
    }
    return false;
}

static MrStatus sink_ddl(MrFlink *f, const MrFlinkSelect *select, const char *const *types,
                         MrFlinkJob *job)
{
    const char **columns, *list, *keys, *name;
    MR_NEW_ARRAY(f->arena, columns, select->column_count + f->plan->key_count, f->b->err);
    for (uint32_t i = 0; i < select->column_count; i++) {
        MR_TRY(mr_flink_name(f, select->names[i], &name));
        MR_TRY(mr_flink_format(f, &columns[i], "%s %s%s", name, types[i],
                               is_key(f->plan, i) ? " NOT NULL" : ""));
    }
    MR_TRY(mr_flink_list(f, columns, select->column_count, ", ", &list));
    for (uint32_t k = 0; k < f->plan->key_count; k++) {
        MR_TRY(mr_flink_name(f, select->names[f->plan->keys[k]], &columns[k]));
    }
    MR_TRY(mr_flink_list(f, columns, f->plan->key_count, ", ", &keys));
    MR_TRY(mr_flink_name(f, job->sink, &name));
    return mr_flink_format(f, &job->sink_ddl,
                           "CREATE TEMPORARY TABLE %s (%s, PRIMARY KEY (%s) NOT ENFORCED)", name,
                           list, keys);
}

static MrStatus deliver(MrFlink *f, MrFlinkSelect *select, MrFlinkJob *job)
{
    char type[64];
    const char **types, *name, *text;
    MR_NEW_ARRAY(f->arena, types, select->column_count + 1, f->b->err);
    for (uint32_t i = 0; i < select->column_count; i++) {
        MrFlinkValue *column = &select->columns[i];
        select->names[i] = f->plan->output.columns[i].name;
        if (column->text == NULL) {
            return mr_flink_refuse(f, 0, "Leave it out, or cast it to text or numeric(p, s).",
                                   "column \"%s\" of type %s has no equal in Flink",
                                   select->names[i], mr_type_text(column->type, type));
        }
        MR_TRY(mr_flink_delivered(f, column, &types[i], &column->text));
        if (types[i] == NULL) {
            return mr_flink_refuse(f, 0, "Cast it to text.", "type %s has no equal in Flink",
                                   mr_type_text(column->type, type));
        }
    }
    MR_TRY(sink_name(f, &job->sink));
    MR_TRY(sink_ddl(f, select, types, job));
    MR_TRY(mr_flink_select_text(f, select, &text));
    MR_TRY(mr_flink_name(f, job->sink, &name));
    return mr_flink_format(f, &job->insert, "INSERT INTO %s %s", name, text);
}

/* The tree without what makes a text longer and nobody reads; the column for a key that is not
 * shown is left out, as such a query is refused. */
static MrStatus shorten(MrFlink *f, const MrLogical *tree, MrLogical **out)
{
    MR_TRY(mr_logical_copy(f->arena, tree, out, f->b->err));
    (*out)->column_count = f->plan->visible_columns;
    MR_TRY(mr_rewrite_fold_constants(f->b, out));
    return mr_rewrite_prune_all(f->b, *out);
}

MrStatus mr_flink_translate(MrBinder *b, const MrLogical *tree, MrPlan *plan)
{
    static const char *const settings[] = { "table.local-time-zone", "UTC" };
    MrFlink *f;
    MrFlinkJob *job;
    MrLogical *shorter;
    MrFlinkSelect select = { 0 };
    MR_NEW(b->arena, f, b->err);
    MR_NEW(b->arena, job, b->err);
    f->b = b;
    f->arena = b->arena;
    f->plan = plan;
    MR_TRY(shorten(f, tree, &shorter));
    MR_TRY(check_emit(f, shorter));
    MR_TRY(mr_flink_select(f, shorter, &select));
    MR_TRY(derive_key(f, tree, plan));
    MR_TRY(deliver(f, &select, job));
    job->settings = settings;
    job->setting_count = 1;
    job->sources = f->sources;
    job->source_count = f->source_count;
    plan->flink = job;
    return MR_OK;
}
