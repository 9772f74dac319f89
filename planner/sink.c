/*
 * planner/sink.c - CREATE SINK: a standing query whose rows go to a table that is there already,
 * or to a file.
 */
#include "planner/sink.h"

#include "parser/parser.h"
#include "planner/binder.h"

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

MrStatus mr_planner_sink(MrPlannerContext *context, const MrAstCreateSink *statement,
                         const MrAstCreateView **as_view, MrPlan **out, MrError *err)
{
    MrBinder binder;
    MrAstCreateView *view;
    MrSinkPlace to;
    mr_binder_init(&binder, context, MR_BIND_STANDING, err);
    MR_TRY(mr_sink_file_options(&binder, statement, &to));
    MR_NEW(context->arena, view, err);
    *view = (MrAstCreateView){ .base = { .kind = MR_AST_CREATE_VIEW,
                                         .position = statement->base.position },
                               .materialized = true,
                               .name = to.file != NULL ? statement->name : statement->into,
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
    *as_view = view;
    if (to.file != NULL) {
        return mr_sink_file_take(&binder, statement, &to, *out);
    }
    if ((*out)->visible_columns < (*out)->output.column_count) {
        mr_bind_error(&binder, MR_ERR_INVALID_COLUMN_REFERENCE, statement->base.position,
                      "the rows of the query change, and it does not select the key they are found "
                      "by");
        return mr_error_hint(err, "Select all columns of GROUP BY, or use EMIT ON WINDOW CLOSE.");
    }
    return MR_OK;
}
