/*
 * planner/table.c - CREATE TABLE: what it has beside a stream's columns, that is its key, and the
 * hidden number of a table without one.  Must not know statements that change tables.
 */
#include "planner/stream.h"

#include "planner/nearest.h"
#include "planner/options.h"
#include "storage/log.h"

#include <string.h>

/* A PRIMARY KEY or UNIQUE, of a column or of the table. */
typedef struct Key {
    const MrAstConstraint *constraint;
    MrNameList columns;
    uint32_t at[MR_INDEX_COLUMNS_MAX];
} Key;

typedef struct Keys {
    Key *items;
    uint32_t count;
} Keys;

/* ---- Constraints ------------------------------------------------------------------------- */

static MrStatus refuse_constraint(MrBinder *b, const MrAstConstraint *constraint)
{
    return mr_bind_unsupported(b, constraint->base.position,
                               "Leave it out: tables don't know of each other.",
                               "FOREIGN KEY constraints are not supported");
}

static MrStatus take_constraint(MrBinder *b, const MrAstCreateStream *ast,
                                const MrAstConstraint *constraint, const char *column, Keys *keys)
{
    const bool is_primary = constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY;
    if (constraint->constraint == MR_CONSTRAINT_CHECK) {
        return MR_OK; /* mr_table_checks */
    }
    if (!is_primary && constraint->constraint != MR_CONSTRAINT_UNIQUE) {
        return refuse_constraint(b, constraint);
    }
    for (uint32_t k = 0; k < keys->count && is_primary; k++) {
        if (keys->items[k].constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY) {
            return mr_bind_error(b, MR_ERR_INVALID_TABLE_DEFINITION, constraint->base.position,
                                 "multiple primary keys for table \"%s\" are not allowed",
                                 ast->name.name);
        }
    }
    Key *key = &keys->items[keys->count++];
    key->constraint = constraint;
    key->columns = constraint->columns;
    if (column != NULL) {
        const char **names;
        MR_NEW_ARRAY(b->arena, names, 1, b->err);
        names[0] = column;
        key->columns = (MrNameList){ .items = names, .count = 1 };
    }
    return key->columns.count <= MR_INDEX_COLUMNS_MAX
               ? MR_OK
               : mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, constraint->base.position,
                               "cannot use more than %d columns in an index", MR_INDEX_COLUMNS_MAX);
}

static MrStatus find_constraints(MrBinder *b, const MrAstCreateStream *ast, Keys *keys)
{
    uint32_t room = ast->constraints.count;
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        room += MR_AST_AS(const MrAstColumnDef, ast->columns.items[i])->constraints.count;
    }
    MR_NEW_ARRAY(b->arena, keys->items, room, b->err);
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        for (uint32_t c = 0; c < def->constraints.count; c++) {
            MR_TRY(take_constraint(b, ast,
                                   MR_AST_AS(const MrAstConstraint, def->constraints.items[c]),
                                   def->name, keys));
        }
    }
    for (uint32_t c = 0; c < ast->constraints.count; c++) {
        MR_TRY(take_constraint(b, ast, MR_AST_AS(const MrAstConstraint, ast->constraints.items[c]),
                               NULL, keys));
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
        if (mr_column_is_dropped(column)) {
            continue;
        }
        mr_nearest_offer(&nearest, mr_string(column->name));
        if (strcmp(column->name, name) != 0) {
            continue;
        }
        for (uint32_t k = 0; k < index; k++) {
            if (key->at[k] == i) {
                return mr_bind_error(
                    b, MR_ERR_DUPLICATE_COLUMN, position,
                    "column \"%s\" appears twice in %s constraint", name,
                    key->constraint->constraint == MR_CONSTRAINT_UNIQUE ? "unique" : "primary key");
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

/* Its own, or t_a_b_key as PostgreSQL makes it up. */
static MrStatus constraint_name(MrArena *arena, const char *table,
                                const MrAstConstraint *constraint, const MrNameList *columns,
                                const char **out, MrError *err)
{
    *out = constraint->name;
    if (*out == NULL && constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY) {
        *out = mr_arena_printf(arena, "%s_pkey", table);
    } else if (*out == NULL) {
        const char *stem = table;
        for (uint32_t c = 0; c < columns->count && stem != NULL; c++) {
            stem = mr_arena_printf(arena, "%s_%s", stem, columns->items[c]);
        }
        *out = stem == NULL ? NULL : mr_arena_printf(arena, "%s_key", stem);
    }
    return *out != NULL ? MR_OK : mr_error_no_memory(err);
}

static MrStatus name_constraints(MrArena *arena, const char *table, const MrNodeList *list,
                                 const char *column, MrError *err)
{
    for (uint32_t i = 0; i < list->count; i++) {
        MrAstConstraint *constraint = MR_AST_AS(MrAstConstraint, list->items[i]);
        const MrNameList own = { .items = &column, .count = 1 };
        if (constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY ||
            constraint->constraint == MR_CONSTRAINT_UNIQUE) {
            MR_TRY(constraint_name(arena, table, constraint,
                                   column != NULL ? &own : &constraint->columns, &constraint->name,
                                   err));
        }
    }
    return MR_OK;
}

MrStatus mr_table_name_constraints(MrArena *arena, MrAstCreateStream *ast, MrError *err)
{
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        MR_TRY(name_constraints(arena, ast->name.name, &def->constraints, def->name, err));
    }
    return name_constraints(arena, ast->name.name, &ast->constraints, NULL, err);
}

static bool is_not_null(const MrStream *stream, const Key *key)
{
    for (uint32_t k = 0; k < key->columns.count; k++) {
        if (!stream->columns[key->at[k]].not_null) {
            return false;
        }
    }
    return true;
}

/* row_key = 'name': logged rows are told apart by that constraint, or by their number, whatever
 * constraints came later (ALTER TABLE wrote it). */
static MrStatus find_row_key(MrBinder *b, const MrAstCreateStream *ast, const MrAstOption *option,
                             const Keys *keys, Key **out)
{
    *out = NULL;
    if (option->text == NULL || strcmp(option->text, MR_TABLE_NUMBER) == 0) {
        return MR_OK;
    }
    for (uint32_t k = 0; k < keys->count; k++) {
        const char *name;
        MR_TRY(constraint_name(b->arena, ast->name.name, keys->items[k].constraint,
                               &keys->items[k].columns, &name, b->err));
        if (strcmp(name, option->text) == 0) {
            *out = &keys->items[k];
            return MR_OK;
        }
    }
    return mr_bind_error(b, MR_ERR_UNDEFINED_OBJECT, option->base.position,
                         "option row_key: constraint \"%s\" of table \"%s\" does not exist",
                         option->text, ast->name.name);
}

/* The PRIMARY KEY; UNIQUE over columns that are not null says the same where there is none. */
static MrStatus choose_key(MrBinder *b, const MrAstCreateStream *ast, const MrStream *stream,
                           const Keys *keys, Key **out)
{
    MrOptionSet set = { .list = &ast->options, .what = "CREATE TABLE", .err = b->err };
    const MrAstOption *row_key = mr_options_find(&set, "row_key");
    Key *chosen = NULL;
    if (row_key != NULL) {
        return find_row_key(b, ast, row_key, keys, out);
    }
    for (uint32_t k = 0; k < keys->count; k++) {
        Key *key = &keys->items[k];
        if (key->constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY) {
            chosen = key;
            break;
        }
        chosen = chosen == NULL && is_not_null(stream, key) ? key : chosen;
    }
    *out = chosen;
    return MR_OK;
}

static MrStatus take_key(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream,
                         const Key *key, MrTableDef *table)
{
    uint32_t *keys;
    MR_NEW_ARRAY(b->arena, keys, key->columns.count, b->err);
    for (uint32_t k = 0; k < key->columns.count; k++) {
        keys[k] = key->at[k];
        require_value(stream, keys[k]);
    }
    table->keys = keys;
    table->key_count = key->columns.count;
    table->number_column = -1;
    return constraint_name(b->arena, ast->name.name, key->constraint, &key->columns,
                           &table->key_name, b->err);
}

/* Every other UNIQUE is an index; so is a PRIMARY KEY that rows are not told apart by. */
static MrStatus take_indexes(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream,
                             const Keys *keys, const Key *chosen, MrRelation *out)
{
    MrIndexDef *indexes;
    MR_NEW_ARRAY(b->arena, indexes, keys->count, b->err);
    for (uint32_t k = 0; k < keys->count; k++) {
        const Key *key = &keys->items[k];
        MrIndexColumn *columns;
        if (key == chosen) {
            continue;
        }
        MrIndexDef *index = &indexes[out->index_count++];
        const bool is_primary = key->constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY;
        MR_NEW_ARRAY(b->arena, columns, key->columns.count, b->err);
        for (uint32_t c = 0; c < key->columns.count; c++) {
            columns[c].column = (int32_t)key->at[c];
            if (is_primary) { /* of rows to come: logged ones may have had NULLs */
                ((MrStreamColumn *)(uintptr_t)stream->columns)[key->at[c]].not_null = true;
            }
        }
        *index = (MrIndexDef){ .method = "btree",
                               .is_unique = true,
                               .is_constraint = true,
                               .is_primary = is_primary,
                               .nulls_not_distinct = key->constraint->nulls_not_distinct,
                               .columns = columns,
                               .column_count = key->columns.count };
        MR_TRY(constraint_name(b->arena, ast->name.name, key->constraint, &key->columns,
                               &index->name, b->err));
    }
    out->indexes = indexes;
    return MR_OK;
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

/* How long versions are kept.  A table with times of its own is there for them; of another one they
 * are what every UPDATE leaves behind, without end. */
static MrStatus read_retention(const MrOptionSet *set, MrStream *stream)
{
    const char *text = NULL;
    MR_TRY(mr_options_text(set, "retention", &text));
    if (stream->event_column >= 0 && text != NULL && strcmp(text, "forever") != 0) {
        return mr_option_unsupported(set, mr_options_find(set, "retention"),
                                     "A table with WATERMARK FOR keeps all versions of its rows.");
    }
    if (text == NULL ? stream->event_column < 0 : strcmp(text, "contents") == 0) {
        stream->retention_us = 0;
        stream->retention_bytes = UINT64_MAX;
        return MR_OK;
    }
    return mr_options_retention(set, "'contents', '7 days', '10 GB' or 'forever'", stream);
}

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
    MR_TRY(mr_options_check(&set, "durability|missing.*|nulls.*|retention|row_key", NULL));
    MR_TRY(mr_options_choice(&set, "durability", "fsync|os|none", &durability));
    stream->durability = (int)durabilities[durability];
    stream->connector = "push";
    stream->idle_timeout_us = -1;
    stream->null_time = MR_NULL_TIME_FAIL;
    stream->max_future_skew_us = INT64_MAX; /* a version may lie in the future */
    return read_retention(&set, stream);
}

bool mr_table_same_key(const MrTableDef *a, const MrTableDef *b)
{
    return a->number_column == b->number_column && a->key_count == b->key_count &&
           memcmp(a->keys, b->keys, a->key_count * sizeof *a->keys) == 0;
}

/* nulls.column = 'logged': NOT NULL came later (ALTER TABLE wrote it), and rows that were logged
 * before may have a NULL there. */
static MrStatus take_logged_nulls(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream)
{
    static const char prefix[] = "nulls.";
    for (uint32_t i = 0; i < ast->options.count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, ast->options.items[i]);
        uint32_t c = 0;
        if (strncmp(option->name, prefix, sizeof prefix - 1) != 0) {
            continue;
        }
        while (c < stream->schema.column_count &&
               strcmp(stream->schema.columns[c].name, option->name + sizeof prefix - 1) != 0) {
            c++;
        }
        if (c == stream->schema.column_count) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, option->base.position,
                                 "option \"%s\" is not of a column", option->name);
        }
        ((MrColumn *)(uintptr_t)stream->schema.columns)[c].not_null = false;
    }
    return MR_OK;
}

MrStatus mr_table_define(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream,
                         MrRelation *out)
{
    MrTableDef *table;
    Keys keys = { 0 };
    uint32_t visible = stream->schema.column_count;
    MR_NEW(b->arena, table, b->err);
    MR_TRY(find_constraints(b, ast, &keys));
    MR_TRY(read_options(b, ast, stream));
    MR_TRY(take_logged_nulls(b, ast, stream));
    if (stream->event_column >= 0) {
        require_value(stream,
                      (uint32_t)stream->event_column); /* every version is valid from then */
    }
    for (uint32_t k = 0; k < keys.count; k++) {
        for (uint32_t c = 0; c < keys.items[k].columns.count; c++) {
            MR_TRY(find_key_column(b, stream, &keys.items[k], c));
        }
    }
    Key *key;
    MR_TRY(choose_key(b, ast, stream, &keys, &key));
    if (key != NULL) {
        MR_TRY(take_key(b, ast, stream, key, table));
    } else {
        MR_TRY(add_number(b, stream, table));
    }
    MR_TRY(mr_table_checks(b, ast, stream, table));
    *out = (MrRelation){ .kind = MR_RELATION_TABLE,
                         .schema_name = "public",
                         .name = ast->name.name,
                         .schema = { visible, stream->schema.columns },
                         .stream = stream,
                         .table = table };
    return take_indexes(b, ast, stream, &keys, key, out);
}
