/*
 * server/ddl_column.c - ALTER of columns: ADD, RENAME, another default, NULLs allowed or not.  Each
 * changes the stored CREATE statement, which is then planned as a whole.
 *
 * No row is written again.  Rows that were logged before a column was there read the default that
 * it had then; so SET DEFAULT first writes that down, as the option missing.column
 * (planner/stream.c).
 */
#include "parser/print.h"
#include "server/ddl_alter.h"
#include "server/tables.h"

MrStatus mr_ddl_refuse_part(MrDdlParts *c, const MrAstAlter *action, MrStatus status,
                            const char *format, const char *name)
{
    mr_error_set(&c->ddl->err, status, format, name, c->old->name);
    return mr_error_at(&c->ddl->err, action->base.position);
}

MrAstColumnDef *mr_ddl_find_column(const MrAstCreateStream *create, const char *name)
{
    for (uint32_t i = 0; i < create->columns.count; i++) {
        MrAstColumnDef *def = MR_AST_AS(MrAstColumnDef, create->columns.items[i]);
        const MrColumn column = { .name = def->name };
        if (strcmp(def->name, name) == 0 && !mr_column_is_dropped(&column)) {
            return def;
        }
    }
    return NULL;
}

MrStatus mr_ddl_append_node(MrDdl *ddl, MrNodeList *list, MrNode *node)
{
    MrNode **items;
    MR_NEW_ARRAY(&ddl->memory->arena, items, list->count + 1, &ddl->err);
    if (list->count > 0) {
        memcpy(items, list->items, list->count * sizeof *items);
    }
    items[list->count] = node;
    *list = (MrNodeList){ .items = items, .count = list->count + 1 };
    return MR_OK;
}

/* ---- ADD COLUMN ------------------------------------------------------------------------------ */

static bool has_rows(MrServer *server, const MrRelation *relation)
{
    const MrTable *table = mr_tables_find(server, relation->stream->id);
    MrLogStreamFacts facts = { 0 };
    MrTableFacts of_table;
    if (table != NULL) {
        mr_table_facts(table, &of_table);
        return of_table.rows > 0;
    }
    (void)mr_log_stream_facts(server->log, relation->stream->id, &facts);
    return facts.rows > 0;
}

/* Rows that are there read the default in the new column; none of them is written again, so that
 * it must be the same for all, now and after a restart. */
static MrStatus check_missing(MrDdl *ddl, const MrRelation *old, const MrAstColumnDef *column)
{
    const MrStream *stream = ddl->relation.stream;
    uint32_t at = 0;
    while (strcmp(stream->columns[at].name, column->name) != 0) {
        at++;
    }
    const MrExpr *otherwise = stream->columns[at].missing != NULL
                                  ? stream->columns[at].missing
                                  : stream->columns[at].default_value;
    if (otherwise != NULL && otherwise->kind != MR_EXPR_CONSTANT) {
        return mr_ddl_refuse(
            ddl, "Give it a constant default, or none.",
            "ADD COLUMN to \"%s\" with a default that is no constant is not supported", old->name);
    }
    if (!column->not_null || (otherwise != NULL && !otherwise->constant.is_null)) {
        return MR_OK;
    }
    if (!has_rows(ddl->server, old)) { /* but some may be on their way */
        return mr_ddl_refuse(
            ddl, "Give it a DEFAULT.",
            "ADD COLUMN to \"%s\" with NOT NULL and without DEFAULT is not supported", old->name);
    }
    mr_error_set(&ddl->err, MR_ERR_NOT_NULL_VIOLATION,
                 "column \"%s\" of relation \"%s\" contains null values", column->name, old->name);
    mr_error_hint(&ddl->err, "Give it a DEFAULT: the rows that are there read it.");
    return mr_error_at(&ddl->err, column->base.position);
}

static MrStatus add_column(MrDdlParts *c, const MrAstAlter *action)
{
    MrDdl *ddl = c->ddl;
    const MrRelation *old = c->old;
    MrAstColumnDef *column = action->column;
    MR_TRY(mr_column_check_name(column->name, column->base.position, &ddl->err));
    if (mr_ddl_find_column(c->create, column->name) != NULL) {
        if (action->if_not_exists) {
            mr_ddl_notice(ddl, "42701", "column \"%s\" of relation \"%s\" already exists, skipping",
                          column->name, old->name);
            return MR_OK;
        }
        mr_error_set(&ddl->err, MR_ERR_DUPLICATE_COLUMN,
                     "column \"%s\" of relation \"%s\" already exists", column->name, old->name);
        return mr_error_at(&ddl->err, column->base.position);
    }
    if (column->generated != NULL) {
        return mr_ddl_refuse(ddl, "Compute it in the view that reads it.",
                             "ADD COLUMN to \"%s\" with GENERATED is not supported", old->name);
    }
    if (column->constraints.count > 0 && old->table != NULL) {
        MR_TRY(mr_ddl_name_constraints(c));
        MR_TRY(mr_ddl_name_new_constraints(c, column));
    }
    if (old->table != NULL && old->table->number_column >= 0) {
        return mr_ddl_refuse(ddl, "CREATE TABLE another AS SELECT from it, with a PRIMARY KEY.",
                             "ADD COLUMN to table \"%s\", which has no key, is not supported",
                             old->name);
    }
    if (strcmp(old->stream->connector, "push") != 0) {
        return mr_ddl_refuse(
            ddl, "Make another stream.",
            "ADD COLUMN to stream \"%s\", which reads by itself, is not supported yet", old->name);
    }
    c->is_changed = true;
    return mr_ddl_append_node(ddl, &c->create->columns, &column->base);
}

/* ---- Defaults -------------------------------------------------------------------------------- */

/* An option of the statement, unless it is there already. */
static MrStatus add_option(MrDdlParts *c, const char *name, const char *text, int32_t position)
{
    MrDdl *ddl = c->ddl;
    MrAstOption *option;
    for (uint32_t i = 0; i < c->create->options.count; i++) {
        if (strcmp(MR_AST_AS(const MrAstOption, c->create->options.items[i])->name, name) == 0) {
            return MR_OK;
        }
    }
    MR_NEW(&ddl->memory->arena, option, &ddl->err);
    *option = (MrAstOption){ .base = { .kind = MR_AST_OPTION, .position = position },
                             .name = name,
                             .value = MR_OPTION_STRING,
                             .text = text };
    return mr_ddl_append_node(ddl, &c->create->options, &option->base);
}

/* Whether rows before the column read its default: one of this statement's may be another's of its
 * name, and must be a constant (planner/stream.c). */
static bool reads_default(const MrDdlParts *c, const MrAstColumnDef *def)
{
    uint32_t at = 0;
    while (c->create->columns.items[at] != &def->base) {
        at++;
    }
    if (at >= c->old->schema.column_count) {
        return true;
    }
    const MrExpr *expr = c->old->stream->columns[at].default_value;
    return expr != NULL && expr->kind == MR_EXPR_CONSTANT;
}

/* The option that keeps what rows before the column read, unless it is there already. */
static MrStatus keep_missing(MrDdlParts *c, const MrAstColumnDef *def)
{
    MrDdl *ddl = c->ddl;
    const char *name = mr_arena_printf(&ddl->memory->arena, "missing.%s", def->name);
    const char *text = "NULL";
    if (name == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    if (def->default_value != NULL && reads_default(c, def)) {
        text = mr_ast_to_text(&ddl->memory->arena, def->default_value, MR_PRINT_COMPLETE);
    }
    if (text == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    return add_option(c, name, text, def->base.position);
}

static MrStatus set_default(MrDdlParts *c, const MrAstAlter *action, MrAstColumnDef *def)
{
    if (def->generated != NULL) {
        return mr_ddl_refuse_part(c, action, MR_ERR_SYNTAX,
                                  "column \"%s\" of relation \"%s\" is a generated column",
                                  def->name);
    }
    MR_TRY(keep_missing(c, def));
    def->default_value = action->value;
    c->is_changed = true;
    return MR_OK;
}

/* ---- What others may rely on ----------------------------------------------------------------- */

static MrStatus refuse_if_read(MrDdlParts *c, const MrAstAlter *action)
{
    MrDependents dependents;
    MR_TRY(mr_ddl_dependents(c->ddl, c->old, &dependents));
    if (dependents.count == 0) {
        return MR_OK;
    }
    mr_ddl_refuse_part(c, action, MR_ERR_DEPENDENT_OBJECTS,
                       "cannot alter column \"%s\" of \"%s\" because other objects depend on it",
                       action->part_name);
    mr_ddl_tell_dependents(c->ddl, &dependents);
    return mr_error_hint(&c->ddl->err, "Drop them, and make them again afterwards.");
}

/* By its place: the statement may have renamed it. */
bool mr_ddl_is_key(const MrDdlParts *parts, const MrAstColumnDef *def)
{
    const MrTableDef *table = parts->old->table;
    for (uint32_t k = 0; table != NULL && k < table->key_count; k++) {
        const uint32_t at = table->keys[k];
        if (at < parts->create->columns.count && parts->create->columns.items[at] == &def->base) {
            return true;
        }
    }
    return false;
}

static bool has_primary(const MrNodeList *constraints, const char *column)
{
    for (uint32_t i = 0; i < constraints->count; i++) {
        const MrAstConstraint *constraint = MR_AST_AS(const MrAstConstraint, constraints->items[i]);
        bool is_of_column = column == NULL;
        for (uint32_t n = 0; n < constraint->columns.count; n++) {
            is_of_column |= column != NULL && strcmp(constraint->columns.items[n], column) == 0;
        }
        if (constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY && is_of_column) {
            return true;
        }
    }
    return false;
}

static bool is_primary(const MrAstCreateStream *create, const MrAstColumnDef *def)
{
    return has_primary(&def->constraints, NULL) || has_primary(&create->constraints, def->name);
}

static MrStatus drop_not_null(MrDdlParts *c, const MrAstAlter *action, MrAstColumnDef *def)
{
    if (is_primary(c->create, def)) {
        return mr_ddl_refuse_part(c, action, MR_ERR_INVALID_TABLE_DEFINITION,
                                  "column \"%s\" of \"%s\" is in a primary key", def->name);
    }
    if (mr_ddl_is_key(c, def)) {
        return mr_ddl_refuse(c->ddl, "CREATE TABLE another AS SELECT from it.",
                             "DROP NOT NULL of the key that tells the rows of \"%s\" apart is not "
                             "supported",
                             c->old->name);
    }
    if (!def->not_null) {
        return MR_OK;
    }
    MR_TRY(refuse_if_read(c, action));
    def->not_null = false;
    c->is_changed = true;
    return MR_OK;
}

/* Rows that were logged before may have NULLs that were changed since: who reads the log does not
 * rely on the constraint. */
static MrStatus allow_logged_nulls(MrDdlParts *c, const MrAstColumnDef *def)
{
    const char *name = mr_arena_printf(&c->ddl->memory->arena, "nulls.%s", def->name);
    return name == NULL ? mr_error_no_memory(&c->ddl->err)
                        : add_option(c, name, "logged", def->base.position);
}

MrStatus mr_ddl_set_not_null(MrDdlParts *c, MrAstColumnDef *def)
{
    if (def->not_null || mr_ddl_is_key(c, def)) {
        return MR_OK;
    }
    if (c->old->table == NULL) {
        return mr_ddl_refuse(c->ddl, "CREATE STREAM another with it, and INSERT … SELECT.",
                             "SET NOT NULL of a column of stream \"%s\" is not supported",
                             c->old->name);
    }
    def->not_null = true;
    c->is_changed = true;
    return allow_logged_nulls(c, def);
}

typedef struct Renaming {
    const char *from, *to;
} Renaming;

static bool rename_visit(MrNode *node, void *context)
{
    const Renaming *renaming = context;
    if (node->kind == MR_AST_COLUMN) {
        MrAstColumn *column = MR_AST_AS(MrAstColumn, node);
        const uint32_t last = column->parts.count - 1;
        if (!column->star && strcmp(column->parts.items[last], renaming->from) == 0) {
            column->parts.items[last] = renaming->to;
        }
    }
    return mr_ast_visit_children(node, rename_visit, context);
}

static void rename_in_names(MrNameList *names, const Renaming *renaming)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], renaming->from) == 0) {
            names->items[i] = renaming->to;
        }
    }
}

static MrStatus rename_in_options(MrDdlParts *c, const Renaming *renaming)
{
    static const char *const prefixes[] = { "missing.", "json_path.", "nulls." };
    for (uint32_t i = 0; i < c->create->options.count; i++) {
        MrAstOption *option = MR_AST_AS(MrAstOption, c->create->options.items[i]);
        for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
            const size_t length = strlen(prefixes[p]);
            if (strncmp(option->name, prefixes[p], length) == 0 &&
                strcmp(option->name + length, renaming->from) == 0) {
                option->name =
                    mr_arena_printf(&c->ddl->memory->arena, "%s%s", prefixes[p], renaming->to);
                if (option->name == NULL) {
                    return mr_error_no_memory(&c->ddl->err);
                }
                break;
            }
        }
    }
    return MR_OK;
}

/* The name stands in the statement's keys, WATERMARK, generated columns and options. */
static MrStatus rename_column(MrDdlParts *c, const MrAstAlter *action, MrAstColumnDef *def)
{
    const Renaming renaming = { def->name, action->new_name };
    MrAstCreateStream *create = c->create;
    MR_TRY(mr_column_check_name(action->new_name, action->base.position, &c->ddl->err));
    if (mr_ddl_find_column(create, action->new_name) != NULL) {
        return mr_ddl_refuse_part(c, action, MR_ERR_DUPLICATE_COLUMN,
                                  "column \"%s\" of relation \"%s\" already exists",
                                  action->new_name);
    }
    MR_TRY(refuse_if_read(c, action));
    if (mr_relation_column_comment(c->old, def->name) != NULL) {
        return mr_ddl_refuse(c->ddl, "COMMENT ON COLUMN … IS NULL first.",
                             "RENAME COLUMN of \"%s\" with a comment is not supported",
                             c->old->name);
    }
    MR_TRY(rename_in_options(c, &renaming));
    MR_TRY(mr_ddl_name_constraints(c));
    (void)rename_visit(&create->base, (void *)(uintptr_t)&renaming);
    for (uint32_t i = 0; i < create->constraints.count; i++) {
        rename_in_names(&MR_AST_AS(MrAstConstraint, create->constraints.items[i])->columns,
                        &renaming);
    }
    if (create->watermark_column != NULL && strcmp(create->watermark_column, renaming.from) == 0) {
        create->watermark_column = renaming.to;
    }
    def->name = renaming.to;
    c->is_changed = true;
    return MR_OK;
}

/* ---- All actions of the statement ------------------------------------------------------------ */

static MrStatus apply(MrDdlParts *c, const MrAstAlter *action)
{
    if (!mr_alter_is_of_part(action->action)) {
        return mr_ddl_refuse(c->ddl, "One ALTER for each.",
                             "this action beside others in one ALTER of \"%s\" is not supported",
                             c->old->name);
    }
    if (action->action == MR_ALTER_ADD_COLUMN) {
        return add_column(c, action);
    }
    if (action->action >= MR_ALTER_ADD_CONSTRAINT) {
        return mr_ddl_alter_constraint(c, action);
    }
    MrAstColumnDef *def = mr_ddl_find_column(c->create, action->part_name);
    if (def == NULL && action->part_if_exists) {
        mr_ddl_notice(c->ddl, "00000", "column \"%s\" of relation \"%s\" does not exist, skipping",
                      action->part_name, c->old->name);
        return MR_OK;
    }
    if (def == NULL) {
        return mr_ddl_refuse_part(c, action, MR_ERR_UNDEFINED_COLUMN,
                                  "column \"%s\" of relation \"%s\" does not exist",
                                  action->part_name);
    }
    switch (action->action) {
    case MR_ALTER_SET_DEFAULT: return set_default(c, action, def);
    case MR_ALTER_DROP_NOT_NULL: return drop_not_null(c, action, def);
    case MR_ALTER_RENAME_COLUMN: return rename_column(c, action, def);
    case MR_ALTER_SET_NOT_NULL: return mr_ddl_set_not_null(c, def);
    default: return mr_ddl_drop_column(c, action, def);
    }
}

/* Only where each column that goes is to take its dependents along. */
static bool is_cascading(const MrAstAlter *statement)
{
    bool is_all = statement->action != MR_ALTER_DROP_COLUMN || statement->cascade;
    bool is_any = statement->action == MR_ALTER_DROP_COLUMN && statement->cascade;
    for (uint32_t i = 0; i < statement->more.count; i++) {
        const MrAstAlter *action = MR_AST_AS(const MrAstAlter, statement->more.items[i]);
        is_all &= action->action != MR_ALTER_DROP_COLUMN || action->cascade;
        is_any |= action->action == MR_ALTER_DROP_COLUMN && action->cascade;
    }
    return is_all && is_any;
}

MrStatus mr_ddl_alter_parts(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old,
                            bool *is_done)
{
    const MrNode *stored;
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MrDdlParts parts = { .ddl = ddl, .old = old, .create = (MrAstCreateStream *)(uintptr_t)stored };
    MR_TRY(apply(&parts, statement));
    for (uint32_t i = 0; i < statement->more.count; i++) {
        MR_TRY(apply(&parts, MR_AST_AS(const MrAstAlter, statement->more.items[i])));
    }
    *is_done = !parts.is_changed;
    if (*is_done) {
        return MR_OK;
    }
    ddl->cascades = is_cascading(statement);
    MR_TRY(mr_ddl_keep_row_key(&parts));
    MR_TRY(mr_ddl_alter_stream(ddl, old, stored));
    for (uint32_t i = old->schema.column_count; i < parts.create->columns.count; i++) {
        MR_TRY(check_missing(ddl, old,
                             MR_AST_AS(const MrAstColumnDef, parts.create->columns.items[i])));
    }
    return old->table == NULL ? MR_OK : mr_ddl_check_rows(ddl, old);
}
