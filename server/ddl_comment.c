/*
 * server/ddl_comment.c - COMMENT ON an object or a column.
 */
#include "planner/sql_function.h"
#include "server/ddl_internal.h"

static MrStatus check_object(MrDdl *ddl, const MrAstComment *statement, const MrRelation *relation)
{
    bool is_column = statement->object == MR_OBJECT_COLUMN;
    if (relation->kind == MR_RELATION_VIRTUAL ||
        (!is_column && !mr_ddl_is_of_kind(relation, statement->object))) {
        mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a %s", relation->name,
                     is_column ? "stream, table or view" : mr_object_kind_name(statement->object));
        return mr_error_at(&ddl->err, statement->name.position);
    }
    for (uint32_t c = 0; is_column && c < relation->schema.column_count; c++) {
        if (strcmp(relation->schema.columns[c].name, statement->column) == 0 &&
            !mr_column_is_dropped(&relation->schema.columns[c])) {
            return MR_OK;
        }
    }
    if (is_column) {
        mr_error_set(&ddl->err, MR_ERR_UNDEFINED_COLUMN,
                     "column \"%s\" of relation \"%s\" does not exist", statement->column,
                     relation->name);
        return mr_error_at(&ddl->err, statement->name.position);
    }
    return MR_OK;
}

/* The relation's comments with that of the one column; an empty one is none. */
static MrStatus set_column_comment(MrDdl *ddl, const MrAstComment *statement, MrRelation *relation)
{
    MrColumnComment *comments;
    uint32_t count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, comments, relation->column_comment_count + 1, &ddl->err);
    for (uint32_t i = 0; i < relation->column_comment_count; i++) {
        if (strcmp(relation->column_comments[i].column, statement->column) != 0) {
            comments[count++] = relation->column_comments[i];
        }
    }
    if (statement->text != NULL && statement->text[0] != '\0') {
        comments[count++] = (MrColumnComment){ statement->column, statement->text };
    }
    relation->column_comments = comments;
    relation->column_comment_count = count;
    return MR_OK;
}

static MrStatus prepare(MrDdl *ddl, const MrAstComment *statement)
{
    const MrRelation *relation;
    MrDdlChange *changes;
    MR_TRY(mr_catalog_resolve(ddl->catalog, &statement->name, &relation, &ddl->err));
    MR_TRY(check_object(ddl, statement, relation));
    MrRelation fresh = *relation;
    if (statement->object == MR_OBJECT_COLUMN) {
        MR_TRY(set_column_comment(ddl, statement, &fresh));
    } else {
        fresh.comment = statement->text;
    }
    const char *settings;
    MR_TRY(mr_ddl_notes_changed(ddl, &fresh, &settings));
    MR_TRY(mr_ddl_begin_changes(ddl, 1, &changes));
    MR_TRY(mr_ddl_add_change(ddl, changes, relation->name, &(MrDdlChange){ .settings = settings }));
    return mr_ddl_put_in_place(ddl, relation, &fresh);
}

static MrStatus prepare_function(MrDdl *ddl, const MrAstComment *statement)
{
    MrArena *arena = &ddl->memory->arena;
    const MrSqlFunction *function;
    MrDdlChange *changes;
    MR_TRY(mr_sql_function_named(ddl->catalog, arena, statement->function, &function, &ddl->err));
    const char *name = mr_ddl_stored_function(arena, function->name);
    MrSqlFunction fresh = *function;
    fresh.comment = statement->text;
    const MrRelation described = { .comment = statement->text };
    const char *settings = mr_ddl_settings_text(arena, mr_ddl_zone_named(function->zone_name));
    settings = settings == NULL ? NULL : mr_ddl_settings_with_notes(arena, settings, &described);
    if (settings == NULL || name == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    MR_TRY(mr_ddl_begin_changes(ddl, 1, &changes));
    MR_TRY(mr_ddl_add_change(ddl, changes, name, &(MrDdlChange){ .settings = settings }));
    return mr_ddl_put_function(ddl->altered, &fresh, &ddl->err);
}

void mr_ddl_comment(MrDdl *ddl)
{
    const MrAstComment *statement = (const MrAstComment *)ddl->request.statement;
    ddl->status =
        statement->function != NULL ? prepare_function(ddl, statement) : prepare(ddl, statement);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_record(ddl, mr_ddl_altered);
}
