/*
 * server/ddl_comment.c - COMMENT ON an object or a column, and how comments are stored: as lines
 * behind the object's settings,
 *
 *     comment=all of them
 *     column=at
 *     is=when it came in
 *
 * with line feeds and backslashes escaped.
 */
#include "planner/sql_function.h"
#include "server/ddl_internal.h"

/* ---- in the settings ------------------------------------------------------------------------- */

static void append_line(MrBuilder *out, const char *key, const char *text)
{
    mr_builder_append_string(out, key);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\\') {
            mr_builder_append_char(out, '\\');
        }
        mr_builder_append_char(out, *c == '\n' ? 'n' : *c);
    }
    mr_builder_append_char(out, '\n');
}

/* The text of the line when it has that key; NULL: it has not, or there is no memory. */
static const char *line_text(MrArena *arena, const char *line, const char *key)
{
    if (strncmp(line, key, strlen(key)) != 0) {
        return NULL;
    }
    line += strlen(key);
    char *text = mr_arena_strndup(arena, line, strcspn(line, "\n")), *to = text;
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        bool is_escape = *c == '\\' && c[1] != '\0';
        c += is_escape;
        *to++ = is_escape && *c == 'n' ? '\n' : *c;
    }
    if (text != NULL) {
        *to = '\0';
    }
    return text;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line == '\n' ? line + 1 : line;
}

static bool is_comment_line(const char *line)
{
    return strncmp(line, "comment=", 8) == 0 || strncmp(line, "column=", 7) == 0 ||
           strncmp(line, "is=", 3) == 0;
}

const char *mr_ddl_settings_with_comments(MrArena *arena, const char *settings,
                                          const MrRelation *relation)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (const char *line = settings; *line != '\0'; line = next_line(line)) {
        if (!is_comment_line(line)) {
            mr_builder_append(&text, line, (size_t)(next_line(line) - line));
        }
    }
    if (relation->comment != NULL) {
        append_line(&text, "comment=", relation->comment);
    }
    for (uint32_t i = 0; i < relation->column_comment_count; i++) {
        append_line(&text, "column=", relation->column_comments[i].column);
        append_line(&text, "is=", relation->column_comments[i].text);
    }
    const char *whole = mr_builder_text(&text);
    whole = whole == NULL ? NULL : mr_arena_strdup(arena, whole);
    mr_builder_fini(&text);
    return whole;
}

MrStatus mr_ddl_settings_comments(MrArena *arena, const char *settings, MrRelation *out,
                                  MrError *err)
{
    MrColumnComment *comments;
    uint32_t room = 0, count = 0;
    const char *column = NULL;
    for (const char *line = settings; *line != '\0'; line = next_line(line)) {
        room++;
    }
    MR_NEW_ARRAY(arena, comments, room, err);
    for (const char *line = settings; *line != '\0'; line = next_line(line)) {
        const char *text = NULL;
        if (strncmp(line, "comment=", 8) == 0) {
            out->comment = text = line_text(arena, line, "comment=");
        } else if (strncmp(line, "column=", 7) == 0) {
            column = text = line_text(arena, line, "column=");
        } else if (strncmp(line, "is=", 3) == 0 && column != NULL) {
            text = line_text(arena, line, "is=");
            comments[count++] = (MrColumnComment){ column, text };
            column = NULL;
        }
        if (text == NULL && is_comment_line(line)) {
            return mr_error_no_memory(err);
        }
    }
    out->column_comments = comments;
    out->column_comment_count = count;
    return MR_OK;
}

void mr_ddl_keep_comments(MrRelation *to, const MrRelation *from)
{
    to->comment = from->comment;
    to->column_comments = from->column_comments;
    to->column_comment_count = from->column_comment_count;
}

/* ---- COMMENT --------------------------------------------------------------------------------- */

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
        if (strcmp(relation->schema.columns[c].name, statement->column) == 0) {
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
    MrArena *arena = &ddl->memory->arena;
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
    const char *settings = mr_ddl_settings_text(arena, mr_ddl_zone_named(relation->zone_name));
    settings = settings == NULL ? NULL : mr_ddl_settings_with_comments(arena, settings, &fresh);
    if (settings == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
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
    settings = settings == NULL ? NULL : mr_ddl_settings_with_comments(arena, settings, &described);
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
