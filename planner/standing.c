/*
 * planner/standing.c - see standing.h.
 */
#include "planner/standing.h"

#include "planner/options.h"
#include "planner/rewrite.h"

#include <string.h>

/* ---- Options ----------------------------------------------------------------------------- */

static MrStatus read_options(const MrOptionSet *set, MrPlan *plan)
{
    uint32_t late_rows = 0, on_error = 0, engine = 0, numeric = 0;
    MR_TRY(mr_options_check(
        set, "snapshot|batch_interval|allowed_lateness|late_rows|on_error|memory|engine|numeric",
        NULL));
    MR_TRY(mr_options_bool(set, "snapshot", &plan->snapshot));
    MR_TRY(mr_options_interval(set, "batch_interval", &plan->batch_interval_us));
    MR_TRY(mr_options_interval(set, "allowed_lateness", &plan->allowed_lateness_us));
    MR_TRY(mr_options_choice(set, "late_rows", "count|table", &late_rows));
    MR_TRY(mr_options_choice(set, "on_error", "record|stop", &on_error));
    MR_TRY(mr_options_choice(set, "engine", "local|flink", &engine));
    MR_TRY(mr_options_choice(set, "numeric", "real|text", &numeric));
    MR_TRY(mr_options_bytes(set, "memory", &plan->memory_bytes));
    if (late_rows == 1) {
        return mr_option_unsupported(
            set, mr_options_find(set, "late_rows"),
            "Late rows are counted, and the last of them are in millrace.late_rows.");
    }
    if (engine == 1) {
        return mr_option_unsupported(set, mr_options_find(set, "engine"),
                                     "Leave it out: the query runs here.");
    }
    if (mr_options_find(set, "memory") != NULL && plan->memory_bytes < 1024 * 1024) {
        return mr_option_error(set, mr_options_find(set, "memory"), "at least 1 MB");
    }
    plan->stop_on_error = on_error == 1;
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

/* Rows of a table are taken back; those of a stream are not. */
static bool reads_table(const MrLogical *tree)
{
    return mr_logical_leaf(tree)->scan == MR_SCAN_TABLE;
}

/* The first aggregate that is not a view's below. */
static const MrLogical *own_aggregate(const MrLogical *tree)
{
    while (tree != NULL && tree->kind != MR_LOGICAL_AGGREGATE) {
        tree = tree->kind == MR_LOGICAL_RESULT ? NULL : tree->input;
    }
    return tree;
}

MrStatus mr_standing_check_emit(MrBinder *b, const MrAstCreateView *statement,
                                const MrLogical *tree, MrPlan *plan)
{
    bool has_aggregate = false, parent_corrects = reads_table(tree);
    for (const MrLogical *node = tree; node != NULL; node = node->input) {
        if (node->kind == MR_LOGICAL_RESULT) {
            parent_corrects |= !node->relation->standing->append_only;
        }
        if (node->kind != MR_LOGICAL_AGGREGATE) {
            continue;
        }
        has_aggregate = true;
        if (plan->emit == MR_EMIT_MODE_CLOSE &&
            (node->window_kind == MR_GROUP_WINDOW_NONE || !node->time_is_event)) {
            return never_closes(
                b, statement, "a GROUP BY of the query has no window of the event time",
                "Group by window_start of TUMBLE or HOP, or by date_trunc(…) of the event time; or "
                "use EMIT ON UPDATE.");
        }
    }
    if (plan->emit == MR_EMIT_MODE_CLOSE && !has_aggregate) {
        return never_closes(b, statement, "the query groups by no window",
                            "Leave EMIT out: its rows are written as they come and never change.");
    }
    plan->append_only =
        plan->emit == MR_EMIT_MODE_CLOSE || (!own_aggregate(tree) && !parent_corrects);
    return MR_OK;
}

void mr_standing_note_state(MrBinder *b, const MrLogical *tree)
{
    if (reads_table(tree)) {
        return; /* its groups are those that the table has rows of */
    }
    for (const MrLogical *node = tree; node != NULL && node->kind != MR_LOGICAL_RESULT;
         node = node->input) {
        if (node->kind == MR_LOGICAL_AGGREGATE && node->window_kind == MR_GROUP_WINDOW_NONE &&
            !node->is_global) {
            mr_bind_notice(b,
                           "Group by a window of the event time to free it, "
                           "or set a limit: WITH (memory = '1 GB').",
                           "the state of this query is not bounded: it keeps every group for ever");
            return;
        }
    }
}

/* ---- The key ----------------------------------------------------------------------------- */

/* The output column of the root that shows this column of the aggregate, or -1. */
static int64_t shown_at(const MrLogical *root, uint32_t visible, uint32_t column)
{
    for (uint32_t i = 0; i < visible; i++) {
        if (root->expressions[i]->kind == MR_EXPR_COLUMN &&
            root->expressions[i]->column == column) {
            return i;
        }
    }
    return -1;
}

/* window_end says as much as window_start. */
static int64_t window_shown_at(const MrLogical *root, uint32_t visible)
{
    int64_t start = shown_at(root, visible, 0);
    return start >= 0 ? start : shown_at(root, visible, 1);
}

static MrStatus text_of(MrBinder *b, MrExpr *value, MrExpr **out)
{
    return mr_coerce(b, value, mr_type(MR_TYPE_TEXT), MR_CAST_EXPLICIT, -1, out);
}

/* One value so that no two lists of values give the same text: '-' for NULL, else length ':'
 * text. */
static MrStatus encode_part(MrBinder *b, MrExpr *value, MrExpr **out)
{
    MrExpr *text, *length, *colon, *args[1], *coded, *is_null;
    MR_TRY(text_of(b, value, &text));
    args[0] = text;
    MR_TRY(mr_bind_function(b, "length", args, 1, -1, &length));
    if (length == NULL) {
        return mr_function_missing(b, "length", args, 1, -1);
    }
    MR_TRY(text_of(b, length, &length));
    MR_TRY(mr_expr_text(b->arena, ":", &colon, b->err));
    MR_TRY(mr_bind_operator(b, "||", length, colon, -1, &coded));
    MR_TRY(mr_bind_operator(b, "||", coded, text, -1, &coded));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IS_NULL, mr_type(MR_TYPE_BOOL), -1, 1, &is_null, b->err));
    is_null->args[0] = value;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, mr_type(MR_TYPE_TEXT), -1, 3, out, b->err));
    (*out)->args[0] = is_null;
    MR_TRY(mr_expr_text(b->arena, "-", &(*out)->args[1], b->err));
    (*out)->args[2] = coded;
    return MR_OK;
}

/* What tells the rows of a result apart: columns of the node below the root. */
typedef struct RowKey {
    const MrLogical *node; /* NULL: rows are only ever added, and nothing tells them apart */
    uint32_t *columns;
    uint32_t count;
    bool has_window; /* the first is window_start; window_end, beside it, says as much */
} RowKey;

static MrStatus encode_key(MrBinder *b, const RowKey *key, MrExpr **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < key->count; i++) {
        MrExpr *value, *part;
        uint32_t column = key->columns[i];
        MR_TRY(
            mr_expr_column(b->arena, column, key->node->columns[column].type, -1, &value, b->err));
        MR_TRY(encode_part(b, value, &part));
        if (*out == NULL) {
            *out = part;
        } else {
            MR_TRY(mr_bind_operator(b, "||", *out, part, -1, out));
        }
    }
    return *out != NULL ? MR_OK : mr_expr_text(b->arena, "all", out, b->err);
}

static MrStatus add_key_column(MrBinder *b, MrLogical **tree, const RowKey *key, uint32_t visible)
{
    MrLogical *root = *tree;
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, visible + 1, b->err);
    MR_NEW_ARRAY(b->arena, names, visible + 1, b->err);
    for (uint32_t i = 0; i < visible; i++) {
        exprs[i] = root->expressions[i];
        names[i] = root->columns[i].name;
        if (strcmp(names[i], "mr_key") == 0) {
            mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, -1,
                          "column name \"mr_key\" is taken: the result needs it for its key");
            return mr_error_hint(
                b->err, "Give the column another name, or select all columns of GROUP BY.");
        }
    }
    names[visible] = "mr_key";
    MR_TRY(encode_key(b, key, &exprs[visible]));
    MR_TRY(mr_logical_project(b->arena, root->input, exprs, names, visible + 1, tree, b->err));
    (*tree)->columns[visible].not_null = true;
    if (key->node->kind == MR_LOGICAL_RESULT) {
        mr_bind_notice(b, "Select all columns of its key to have them as the key.",
                       "the result table gets a column \"mr_key\": "
                       "the query does not select the key of \"%s\"",
                       key->node->relation->name);
    } else if (key->node->kind == MR_LOGICAL_SCAN) {
        const MrTableDef *table = key->node->relation->table;
        mr_bind_notice(b,
                       table->number_column < 0
                           ? "Select all columns of its key to have them as the key."
                           : "Give the table a PRIMARY KEY, and select its columns.",
                       "the result table gets a column \"mr_key\": "
                       "the query does not select the key of \"%s\"",
                       key->node->relation->name);
    } else if (key->node->is_global) {
        mr_bind_notice(b, NULL,
                       "the result table gets a column \"mr_key\": its one row needs a key");
    } else {
        mr_bind_notice(b, "Select all columns of GROUP BY to have them as the key.",
                       "the result table gets a column \"mr_key\": "
                       "the query does not select the key of its groups");
    }
    return MR_OK;
}

/* Filters between root and the node that has the key hide rows, not columns. */
static MrStatus row_key(MrBinder *b, const MrLogical *root, RowKey *out)
{
    const MrLogical *node = root->input;
    *out = (RowKey){ .node = NULL };
    while (node != NULL && node->kind == MR_LOGICAL_FILTER) {
        node = node->input;
    }
    if (node != NULL && node->kind == MR_LOGICAL_RESULT) {
        const MrStandingQuery *standing = node->relation->standing;
        out->node = standing->key_count > 0 ? node : NULL;
        out->count = standing->key_count;
        MR_NEW_ARRAY(b->arena, out->columns, out->count + 1, b->err);
        for (uint32_t i = 0; i < out->count; i++) {
            out->columns[i] = standing->keys[i];
        }
    } else if (node != NULL && node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_TABLE) {
        const MrTableDef *table = node->relation->table;
        out->node = node;
        out->count = table->key_count;
        MR_NEW_ARRAY(b->arena, out->columns, out->count, b->err);
        memcpy(out->columns, table->keys, out->count * sizeof *out->columns);
    } else if (node != NULL && node->kind == MR_LOGICAL_AGGREGATE) {
        out->node = node;
        out->has_window = node->window_kind != MR_GROUP_WINDOW_NONE;
        MR_NEW_ARRAY(b->arena, out->columns, node->key_count + 2, b->err);
        if (out->has_window) {
            out->columns[out->count++] = 0;
        }
        for (uint32_t i = 0; i < node->key_count; i++) {
            out->columns[out->count++] = mr_logical_key_column(node, i);
        }
    }
    return MR_OK;
}

MrStatus mr_standing_derive_key(MrBinder *b, MrLogical **tree, MrPlan *plan)
{
    MR_TRY(mr_rewrite_flatten_root(b, tree));
    const MrLogical *root = *tree;
    uint32_t visible = root->column_count, *keys;
    RowKey key;
    plan->visible_columns = visible;
    MR_TRY(row_key(b, root, &key));
    if (key.node == NULL) {
        return MR_OK;
    }
    bool is_whole = true;
    MR_NEW_ARRAY(b->arena, keys, key.count + 1, b->err);
    for (uint32_t i = 0; i < key.count && is_whole; i++) {
        int64_t at = i == 0 && key.has_window ? window_shown_at(root, visible)
                                              : shown_at(root, visible, key.columns[i]);
        is_whole = at >= 0;
        keys[i] = (uint32_t)at;
    }
    if (is_whole && key.count > 0) {
        plan->keys = keys;
        plan->key_count = key.count;
        return MR_OK;
    }
    if (plan->append_only) {
        return MR_OK; /* rows are only ever added: they need no key */
    }
    MR_TRY(add_key_column(b, tree, &key, visible));
    keys[0] = visible;
    plan->keys = keys;
    plan->key_count = 1;
    return MR_OK;
}
