/*
 * planner/table.c - CREATE TABLE: what it has beside a stream's columns, that is its key, and the
 * hidden number of a table without one.  Must not know statements that change tables.
 */
#include "planner/stream.h"

#include "planner/nearest.h"
#include "planner/options.h"
#include "storage/log.h"

#include <string.h>

typedef struct Key {
    const MrAstConstraint *constraint; /* NULL: none yet */
    MrNameList columns;
    uint32_t at[MR_PLAN_COLUMNS_MAX];
} Key;

/* ---- Constraints ------------------------------------------------------------------------- */

static MrStatus refuse_constraint(MrBinder *b, const MrAstConstraint *constraint)
{
    switch (constraint->constraint) {
    case MR_CONSTRAINT_CHECK:
        return mr_bind_unsupported(b, constraint->base.position,
                                   "Leave it out, and check rows where they are made.",
                                   "CHECK constraints are not supported yet");
    case MR_CONSTRAINT_FOREIGN_KEY:
        return mr_bind_unsupported(b, constraint->base.position,
                                   "Leave it out: tables don't know of each other.",
                                   "FOREIGN KEY constraints are not supported");
    default:
        return mr_bind_unsupported(
            b, constraint->base.position,
            "A table has one key: its PRIMARY KEY, or UNIQUE over NOT NULL columns without one.",
            "this UNIQUE constraint is not supported");
    }
}

/* PRIMARY KEY; UNIQUE over columns that are not null says the same where nothing else does. */
static MrStatus take_constraint(MrBinder *b, const MrAstCreateStream *ast,
                                const MrAstConstraint *constraint, const char *column, Key *key)
{
    if (constraint->constraint != MR_CONSTRAINT_PRIMARY_KEY &&
        constraint->constraint != MR_CONSTRAINT_UNIQUE) {
        return refuse_constraint(b, constraint);
    }
    if (key->constraint != NULL) {
        bool both = key->constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY &&
                    constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY;
        return both ? mr_bind_error(b, MR_ERR_INVALID_TABLE_DEFINITION, constraint->base.position,
                                    "multiple primary keys for table \"%s\" are not allowed",
                                    ast->name.name)
                    : refuse_constraint(b, constraint->constraint == MR_CONSTRAINT_UNIQUE
                                               ? constraint
                                               : key->constraint);
    }
    key->constraint = constraint;
    key->columns = constraint->columns;
    if (column != NULL) {
        const char **names;
        MR_NEW_ARRAY(b->arena, names, 1, b->err);
        names[0] = column;
        key->columns = (MrNameList){ .items = names, .count = 1 };
    }
    return MR_OK;
}

static MrStatus find_constraints(MrBinder *b, const MrAstCreateStream *ast, Key *key)
{
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        for (uint32_t c = 0; c < def->constraints.count; c++) {
            MR_TRY(take_constraint(b, ast,
                                   MR_AST_AS(const MrAstConstraint, def->constraints.items[c]),
                                   def->name, key));
        }
    }
    for (uint32_t c = 0; c < ast->constraints.count; c++) {
        MR_TRY(take_constraint(b, ast, MR_AST_AS(const MrAstConstraint, ast->constraints.items[c]),
                               NULL, key));
    }
    return MR_OK;
}

static MrStatus find_key_column(MrBinder *b, const MrStream *stream, Key *key, uint32_t index)
{
    MrNearest nearest;
    const char *name = key->columns.items[index];
    int32_t position = key->constraint->base.position;
    mr_nearest_init(&nearest, name);
    for (uint32_t i = 0; i < stream->schema.column_count; i++) {
        const MrColumn *column = &stream->schema.columns[i];
        mr_nearest_offer(&nearest, mr_string(column->name));
        if (strcmp(column->name, name) != 0) {
            continue;
        }
        for (uint32_t k = 0; k < index; k++) {
            if (key->at[k] == i) {
                return mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, position,
                                     "column \"%s\" appears twice in primary key constraint", name);
            }
        }
        if (column->type.id == MR_TYPE_JSON) {
            return mr_bind_error(
                b, MR_ERR_UNDEFINED_OBJECT, position,
                "data type json has no default operator class for access method \"btree\"");
        }
        key->at[index] = i;
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, position, "column \"%s\" named in key does not exist",
                  name);
    mr_nearest_hint(&nearest, b->err);
    return MR_ERR_UNDEFINED_COLUMN;
}

/* ---- The key ----------------------------------------------------------------------------- */

static void require_value(MrStream *stream, uint32_t column)
{
    ((MrColumn *)(uintptr_t)stream->schema.columns)[column].not_null = true;
    ((MrStreamColumn *)(uintptr_t)stream->columns)[column].not_null = true;
}

static MrStatus take_key(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream, Key *key,
                         MrTableDef *table)
{
    const MrAstConstraint *constraint = key->constraint;
    bool is_primary = constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY;
    uint32_t *keys;
    MR_NEW_ARRAY(b->arena, keys, key->columns.count, b->err);
    for (uint32_t k = 0; k < key->columns.count; k++) {
        MR_TRY(find_key_column(b, stream, key, k));
        keys[k] = key->at[k];
        if (!is_primary && !stream->columns[keys[k]].not_null) {
            return refuse_constraint(b, constraint);
        }
        require_value(stream, keys[k]);
    }
    table->keys = keys;
    table->key_count = key->columns.count;
    table->number_column = -1;
    table->key_name = constraint->name;
    if (table->key_name == NULL) {
        table->key_name = is_primary ? mr_arena_printf(b->arena, "%s_pkey", ast->name.name)
                                     : mr_arena_printf(b->arena, "%s_%s_key", ast->name.name,
                                                       key->columns.items[0]);
    }
    return table->key_name != NULL ? MR_OK : mr_error_no_memory(b->err);
}

/* Behind the columns that users see comes the number, which they cannot give. */
static MrStatus add_number(MrBinder *b, MrStream *stream, MrTableDef *table)
{
    uint32_t count = stream->schema.column_count, *keys;
    MrColumn *schema;
    MrStreamColumn *columns;
    MrExpr *zero;
    MrDatum value = { .type = mr_type(MR_TYPE_INT64) };
    MR_NEW_ARRAY(b->arena, keys, 1, b->err);
    MR_NEW_ARRAY(b->arena, schema, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, columns, count + 1, b->err);
    memcpy(schema, stream->schema.columns, count * sizeof *schema);
    memcpy(columns, stream->columns, count * sizeof *columns);
    MR_TRY(mr_expr_constant(b->arena, &value, -1, &zero, b->err));
    schema[count] =
        (MrColumn){ .name = MR_TABLE_NUMBER, .type = mr_type(MR_TYPE_INT64), .not_null = true };
    columns[count] = (MrStreamColumn){
        .name = MR_TABLE_NUMBER, .type = mr_type(MR_TYPE_INT64), .not_null = true, .generated = zero
    };
    stream->schema = (MrSchema){ .column_count = count + 1, .columns = schema };
    stream->columns = columns;
    keys[0] = count;
    *table = (MrTableDef){ .keys = keys, .key_count = 1, .number_column = (int32_t)count };
    return MR_OK;
}

/* ---- Options ----------------------------------------------------------------------------- */

static MrStatus read_options(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream)
{
    static const MrDurability durabilities[] = { MR_DURABILITY_FSYNC, MR_DURABILITY_OS,
                                                 MR_DURABILITY_NONE };
    MrOptionSet set = { .list = &ast->options, .what = "CREATE TABLE", .err = b->err };
    const MrAstOption *connector = mr_options_find(&set, "connector");
    uint32_t durability = 0;
    if (connector != NULL || ast->format != NULL || ast->encode != NULL) {
        return mr_bind_unsupported(
            b, connector != NULL ? connector->base.position : ast->base.position,
            "CREATE STREAM … WITH (connector = …) takes rows from outside, and CREATE TABLE … "
            "APPEND ONLY does so too; a table is changed by INSERT, UPDATE, DELETE and COPY.",
            "a changeable table with a connector or format is not supported");
    }
    MR_TRY(mr_options_check(&set, "durability|missing.*", NULL));
    MR_TRY(mr_options_choice(&set, "durability", "fsync|os|none", &durability));
    stream->durability = (int)durabilities[durability];
    stream->connector = "push";
    stream->idle_timeout_us = -1;
    stream->null_time = MR_NULL_TIME_FAIL;
    stream->max_future_skew_us = INT64_MAX; /* a version may lie in the future */
    stream->retention_us = INT64_MAX;
    stream->retention_bytes = UINT64_MAX;
    return MR_OK;
}

MrStatus mr_table_define(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream,
                         MrRelation *out)
{
    MrTableDef *table;
    Key *key;
    uint32_t visible = stream->schema.column_count;
    MR_NEW(b->arena, table, b->err);
    MR_NEW(b->arena, key, b->err);
    MR_TRY(find_constraints(b, ast, key));
    MR_TRY(read_options(b, ast, stream));
    if (stream->event_column >= 0) {
        require_value(stream,
                      (uint32_t)stream->event_column); /* every version is valid from then */
    }
    if (key->constraint != NULL) {
        MR_TRY(take_key(b, ast, stream, key, table));
    } else {
        MR_TRY(add_number(b, stream, table));
    }
    *out = (MrRelation){ .kind = MR_RELATION_TABLE,
                         .schema_name = "public",
                         .name = ast->name.name,
                         .schema = { visible, stream->schema.columns },
                         .stream = stream,
                         .table = table };
    return MR_OK;
}
