/*
 * planner/sink.c - CREATE SINK: a standing query whose rows go to a table that is there already,
 * to a file, or to those who listen to a channel.
 */
#include "planner/sink.h"

#include <string.h>

#include "parser/parser.h"
#include "planner/binder.h"
#include "planner/standing.h"

MrStatus mr_planner_whole_relation(MrPlannerContext *context, const MrName *from, MrAstQuery **out,
                                   MrError *err)
{
    MrBuilder text;
    MrStatementList list;
    mr_builder_init(&text, 0);
    mr_builder_append_string(&text, "SELECT * FROM ");
    if (from->connection != NULL) {
        mr_builder_append_quoted_identifier(&text, from->connection);
        mr_builder_append_char(&text, '.');
    }
    if (from->schema != NULL) {
        mr_builder_append_quoted_identifier(&text, from->schema);
        mr_builder_append_char(&text, '.');
    }
    mr_builder_append_quoted_identifier(&text, from->name);
    const char *sql = mr_builder_text(&text);
    sql = sql == NULL ? NULL : mr_arena_strdup(context->arena, sql);
    mr_builder_fini(&text);
    if (sql == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(mr_parse(context->arena, sql, strlen(sql), &list, err));
    *out = MR_AST_AS(MrAstQuery, list.items[0].node);
    return MR_OK;
}

/* The name is one of "a|b|c". */
static bool is_among(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)) != NULL; at += length) {
        if ((at == names || at[-1] == '|') && (at[length] == '|' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

MrStatus mr_sink_split_options(MrBinder *b, const MrOptionSet *set, const char *names,
                               MrSinkPlace *place)
{
    const MrNodeList *all = set->list;
    MrNodeList *out = &place->options;
    MR_TRY(mr_options_check(set, names, MR_STANDING_OPTION_NAMES));
    *out = (MrNodeList){ .capacity = all->count };
    MR_NEW_ARRAY(b->arena, out->items, all->count + 1, b->err);
    for (uint32_t i = 0; i < all->count; i++) {
        if (!is_among(names, MR_AST_AS(const MrAstOption, all->items[i])->name)) {
            out->items[out->count++] = all->items[i];
        }
    }
    return MR_OK;
}

static MrStatus no_place(MrBinder *b, const MrAstCreateSink *statement)
{
    mr_bind_error(b, MR_ERR_SYNTAX, statement->base.position, "the sink says no place");
    return mr_error_hint(b->err,
                         "Write INTO connection.table, WITH (connector = 'file', path = "
                         "'/data/out.csv') or WITH (connector = 'notify', channel = 'alerts'); "
                         "SUBSCRIBE gives the changes to a client.");
}

/* Where rows go: a table unless the connector says otherwise. */
static MrStatus read_place(MrBinder *b, const MrAstCreateSink *statement, MrSinkPlace *out)
{
    const MrOptionSet set = { .list = &statement->options, .what = "CREATE SINK", .err = b->err };
    const MrAstOption *option = mr_options_find(&set, "connector");
    const char *connector;
    *out = (MrSinkPlace){ .options = statement->options };
    MR_TRY(mr_options_text(&set, "connector", &connector));
    if (connector == NULL) {
        return statement->into.name == NULL ? no_place(b, statement) : MR_OK;
    }
    if (statement->into.name != NULL) {
        return mr_bind_error(b, MR_ERR_SYNTAX, option->base.position,
                             "a sink is INTO a table or has a connector, not both");
    }
    if (strcmp(connector, "file") == 0) {
        return mr_sink_file_place(b, statement, &set, out);
    }
    if (strcmp(connector, "notify") == 0) {
        return mr_sink_notify_place(b, statement, &set, out);
    }
    return mr_option_unsupported(&set, option,
                                 "Use 'file', 'notify', or INTO connection.table; SUBSCRIBE gives "
                                 "the changes to a client.");
}

/* Options of standing queries that are about a table in a database. */
static MrStatus refuse_table_options(MrBinder *b, const MrSinkPlace *place, const MrPlan *plan)
{
    const MrOptionSet set = { .list = &place->options, .what = "CREATE SINK", .err = b->err };
    const MrAstOption *numeric = mr_options_find(&set, "numeric");
    if (numeric != NULL) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, numeric->base.position,
                      "option \"numeric\" is for SQLite");
        return mr_error_hint(b->err, place->file != NULL ? "A file has every digit."
                                                         : "A payload has every digit.");
    }
    if (plan->late_rows_table) {
        return mr_option_unsupported(&set, mr_options_find(&set, "late_rows"),
                                     "millrace.late_rows has the most recent ones.");
    }
    if (plan->dead_letters) {
        return mr_option_unsupported(&set, mr_options_find(&set, "on_sink_error"),
                                     place->file != NULL ? "A file takes every row."
                                                         : "A channel takes every row.");
    }
    return MR_OK;
}

/* Whoever gets rows that change must find the ones from before. */
static MrStatus check_has_key(MrBinder *b, const MrAstCreateSink *statement, const MrPlan *plan)
{
    if (plan->visible_columns == plan->output.column_count) {
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, statement->base.position,
                  "the rows of the query change, and it does not select the key they are found by");
    return mr_error_hint(b->err, "Select all columns of GROUP BY, or use EMIT ON WINDOW CLOSE.");
}

static MrStatus check_plan(MrBinder *b, const MrAstCreateSink *statement, const MrSinkPlace *place,
                           const MrPlan *plan)
{
    if (place->file != NULL) {
        MR_TRY(mr_sink_file_check(b, statement, plan));
    } else {
        MR_TRY(check_has_key(b, statement, plan));
    }
    return place->file != NULL || place->channel != NULL ? refuse_table_options(b, place, plan)
                                                         : MR_OK;
}

MrStatus mr_planner_sink(MrPlannerContext *context, const MrAstCreateSink *statement,
                         const MrAstCreateView **as_view, MrPlan **out, MrError *err)
{
    MrBinder binder;
    MrAstCreateView *view;
    MrSinkPlace to;
    mr_binder_init(&binder, context, MR_BIND_STANDING, err);
    MR_TRY(read_place(&binder, statement, &to));
    MR_NEW(context->arena, view, err);
    *view =
        (MrAstCreateView){ .base = { .kind = MR_AST_CREATE_VIEW,
                                     .position = statement->base.position },
                           .materialized = true,
                           .name = statement->into.name == NULL ? statement->name : statement->into,
                           .columns = statement->columns,
                           .options = to.options,
                           .query = statement->query,
                           .emit = statement->emit };
    if (view->query == NULL) {
        MrStatus status = mr_planner_whole_relation(context, &statement->from, &view->query, err);
        MR_TRY(status);
    }
    MrStatus status = mr_planner_standing(context, view, out, err);
    if (status != MR_OK && statement->query == NULL) {
        mr_error_at(err, statement->from.position);
    }
    MR_TRY(status);
    if ((*out)->flink != NULL) {
        return mr_bind_unsupported(&binder, statement->base.position,
                                   "Make a materialized view of it, in a connection.",
                                   "engine = 'flink' is for materialized views");
    }
    *as_view = view;
    (*out)->file_path = to.path;
    (*out)->file = to.file;
    (*out)->channel = to.channel;
    return check_plan(&binder, statement, &to, *out);
}
