/*
 * server/ddl_drop_column.c - ALTER … DROP COLUMN.
 *
 * The column stays in logged rows, where its place is what finds the others: in the stored CREATE
 * statement it gets a name that says so (planner/stream.h), and what is planned over that sees it
 * no more.  Whatever of the statement names it goes, too.
 */
#include <stdio.h>

#include "planner/stream.h"
#include "server/ddl_alter.h"

typedef struct Naming {
    const char *column;
    bool is_found;
} Naming;

static bool find_visit(MrNode *node, void *context)
{
    Naming *naming = context;
    if (node->kind == MR_AST_COLUMN) {
        const MrAstColumn *column = MR_AST_AS(const MrAstColumn, node);
        naming->is_found |= !column->star && strcmp(column->parts.items[column->parts.count - 1],
                                                    naming->column) == 0;
    }
    return mr_ast_visit_children(node, find_visit, context);
}

static bool is_named_in(MrNode *node, const char *column)
{
    Naming naming = { .column = column };
    if (node != NULL) {
        (void)find_visit(node, &naming);
    }
    return naming.is_found;
}

static bool is_of_constraint(const MrAstConstraint *constraint, const char *column)
{
    for (uint32_t c = 0; c < constraint->columns.count; c++) {
        if (strcmp(constraint->columns.items[c], column) == 0) {
            return true;
        }
    }
    return is_named_in(constraint->check, column);
}

/* Constraints that involve a column go with it, as in PostgreSQL.  `of`: whose they are; NULL: the
 * table's. */
static MrStatus drop_constraints(MrDdlParts *parts, MrNodeList *list, const MrAstColumnDef *of,
                                 const char *column)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const MrAstConstraint *constraint = MR_AST_AS(const MrAstConstraint, list->items[i]);
        if (is_of_constraint(constraint, column)) {
            MR_TRY(mr_ddl_leave_primary_key(parts, constraint, of));
        } else {
            list->items[count++] = list->items[i];
        }
    }
    list->count = count;
    return MR_OK;
}

static void drop_options(MrNodeList *options, const char *column)
{
    static const char *const prefixes[] = { "missing.", "nulls.", "json_path." };
    uint32_t count = 0;
    for (uint32_t i = 0; i < options->count; i++) {
        const char *name = MR_AST_AS(const MrAstOption, options->items[i])->name;
        bool is_of_column = false;
        for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
            const size_t length = strlen(prefixes[p]);
            is_of_column |=
                strncmp(name, prefixes[p], length) == 0 && strcmp(name + length, column) == 0;
        }
        if (!is_of_column) {
            options->items[count++] = options->items[i];
        }
    }
    options->count = count;
}

/* What the rest of the stream or table cannot be without. */
static MrStatus check_needless(MrDdlParts *parts, const MrAstColumnDef *def)
{
    const MrRelation *old = parts->old;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < parts->create->columns.count; i++) {
        const MrAstColumnDef *other =
            MR_AST_AS(const MrAstColumnDef, parts->create->columns.items[i]);
        const MrColumn column = { .name = other->name };
        seen += !mr_column_is_dropped(&column);
    }
    if (seen == 1) {
        return mr_ddl_refuse(parts->ddl, "DROP all of it.",
                             "DROP COLUMN of the only column of \"%s\" is not supported",
                             old->name);
    }
    if (mr_ddl_is_key(parts, def)) {
        return mr_ddl_refuse(parts->ddl, "CREATE TABLE another AS SELECT from it.",
                             "DROP COLUMN of the key that tells the rows of \"%s\" apart is not "
                             "supported",
                             old->name);
    }
    if (parts->create->watermark_column != NULL &&
        strcmp(parts->create->watermark_column, def->name) == 0) {
        return mr_ddl_refuse(parts->ddl, "Make another with another WATERMARK.",
                             "DROP COLUMN of the event time of \"%s\" is not supported", old->name);
    }
    if (strcmp(old->stream->connector, "push") != 0) {
        return mr_ddl_refuse(
            parts->ddl, "Make another stream.",
            "DROP COLUMN of stream \"%s\", which reads by itself, is not supported", old->name);
    }
    return MR_OK;
}

static MrStatus forget(MrDdlParts *parts, MrAstColumnDef *def)
{
    MrAstCreateStream *create = parts->create;
    const char *name = def->name;
    uint32_t number = 0;
    for (uint32_t i = 0; i < create->columns.count; i++) {
        MrAstColumnDef *other = MR_AST_AS(MrAstColumnDef, create->columns.items[i]);
        MR_TRY(drop_constraints(parts, &other->constraints, other, name));
        number = other == def ? i + 1 : number;
    }
    MR_TRY(drop_constraints(parts, &create->constraints, NULL, name));
    drop_options(&create->options, name);
    def->name = mr_arena_printf(&parts->ddl->memory->arena, MR_DROPPED_PREFIX "%u........", number);
    def->not_null = false;
    def->default_value = def->generated = NULL;
    def->collation = NULL;
    def->constraints.count = 0;
    parts->is_changed = true;
    return def->name == NULL ? mr_error_no_memory(&parts->ddl->err) : MR_OK;
}

/* Columns that are computed from it. */
static MrStatus drop_generated(MrDdlParts *parts, const MrAstAlter *action, const char *name)
{
    MrDdl *ddl = parts->ddl;
    const char *kind = parts->old->table != NULL ? "table" : "stream";
    for (uint32_t i = 0; i < parts->create->columns.count; i++) {
        MrAstColumnDef *other = MR_AST_AS(MrAstColumnDef, parts->create->columns.items[i]);
        if (!is_named_in(other->generated, name)) {
            continue;
        }
        if (!action->cascade) {
            mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                         "cannot drop column %s of %s %s because other objects depend on it", name,
                         kind, parts->old->name);
            mr_error_detail(&ddl->err, "column %s of %s %s depends on column %s of %s %s",
                            other->name, kind, parts->old->name, name, kind, parts->old->name);
            mr_error_hint(&ddl->err, "Use DROP ... CASCADE to drop the dependent objects too.");
            return mr_error_at(&ddl->err, action->base.position);
        }
        MR_TRY(check_needless(parts, other));
        mr_ddl_notice(ddl, "00000", "drop cascades to column %s of %s %s", other->name, kind,
                      parts->old->name);
        MR_TRY(forget(parts, other));
    }
    return MR_OK;
}

MrStatus mr_ddl_drop_column(MrDdlParts *parts, const MrAstAlter *action, MrAstColumnDef *def)
{
    MR_TRY(mr_ddl_name_constraints(parts));
    MR_TRY(drop_generated(parts, action, def->name));
    MR_TRY(check_needless(parts, def));
    return forget(parts, def);
}
