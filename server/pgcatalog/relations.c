/*
 * server/pgcatalog/relations.c - pg_class and what hangs on it: columns, defaults, keys, comments.
 */
#include "server/pgcatalog/version.h"

/* ---- pg_class -------------------------------------------------------------------------------- */

static uint32_t column_count(const MrPgClass *class)
{
    int32_t columns[MR_PG_INDEX_COLUMNS_MAX];
    return class->kind == 'i' ? mr_pg_index_columns(class, columns)
                              : class->relation->schema.column_count;
}

static bool has_storage(char kind)
{
    return kind == 'r' || kind == 'm' || kind == 'i';
}

static void add_class(const MrPgNames *names, MrRows *rows, const MrPgClass *class)
{
    const char kind = mr_pg_class_kind(names, class);
    mr_rows_begin(rows);
    mr_rows_int(rows, class->number);
    mr_rows_text(rows, class->name);
    mr_rows_int(rows, class->schema);
    mr_rows_skip(rows, 2); /* reltype, reloftype */
    mr_rows_int(rows, MR_PG_ROLE_OWNER);
    mr_rows_int(rows, kind == 'i' ? MR_PG_AM_BTREE : has_storage(kind) ? MR_PG_AM_HEAP : 0);
    mr_rows_int(rows, has_storage(kind) ? class->number : 0); /* relfilenode */
    mr_rows_skip(rows, 2);                                    /* reltablespace, relpages */
    mr_rows_real(rows, -1);                                   /* reltuples: not known */
    mr_rows_skip(rows, 2);                                    /* relallvisible, reltoastrelid */
    mr_rows_bool(rows, mr_pg_has_index(class));
    mr_rows_bool(rows, false); /* relisshared */
    mr_rows_text(rows, "p");
    mr_rows_string(rows, (MrString){ &kind, 1 });
    mr_rows_int(rows, column_count(class));
    mr_rows_int(rows, mr_pg_check_count(class));
    mr_rows_skip(rows, 5);    /* relhasrules … relforcerowsecurity */
    mr_rows_bool(rows, true); /* relispopulated */
    mr_rows_text(rows, kind == 'r' || kind == 'm' ? "d" : "n"); /* relreplident */
    mr_rows_skip(rows, 4);                                      /* relispartition … relminmxid */
}

void mr_pg_fill_classes(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        add_class(names, rows, &names->pg->classes[i]);
    }
}

/* ---- pg_attribute ---------------------------------------------------------------------------- */

static bool is_key(const MrRelation *relation, uint32_t column)
{
    const uint32_t *keys;
    uint32_t count = mr_pg_key(relation, &keys);
    for (uint32_t k = 0; k < count; k++) {
        if (keys[k] == column) {
            return true;
        }
    }
    return false;
}

bool mr_pg_column_is_not_null(const MrRelation *relation, uint32_t column)
{
    const MrStream *stream = relation->stream;
    return relation->schema.columns[column].not_null ||
           (stream != NULL && column < stream->schema.column_count &&
            stream->columns[column].not_null) ||
           (mr_pg_key_is_constraint(relation) && is_key(relation, column));
}

static bool has_default(const MrRelation *relation, uint32_t column, bool *is_generated)
{
    const MrStream *stream = relation->stream;
    *is_generated = false;
    if (stream == NULL || column >= stream->schema.column_count ||
        mr_column_is_dropped(&relation->schema.columns[column])) {
        return false;
    }
    *is_generated = stream->columns[column].generated != NULL;
    return *is_generated || stream->columns[column].default_value != NULL;
}

/* What an index computes has its name from PostgreSQL, and the type that most are of. */
static const MrColumn expression_column = { .name = "expr", .type = { MR_TYPE_TEXT, -1 } };

/* `column` of the relation; -1: an index's expression. */
static void add_attribute(MrRows *rows, const MrPgClass *class, int32_t at, uint32_t number)
{
    const MrRelation *relation = class->relation;
    const uint32_t column = (uint32_t)at;
    const MrColumn *of = at < 0 ? &expression_column : &relation->schema.columns[at];
    const MrPgType *type = mr_pg_type(mr_pg_type_number(of->type.id));
    bool is_index = class->kind == 'i', is_generated = false;
    bool has = !is_index && has_default(relation, column, &is_generated);
    mr_rows_begin(rows);
    mr_rows_int(rows, class->number);
    mr_rows_text(rows, of->name);
    mr_rows_int(rows, mr_column_is_dropped(of) ? 0 : type->number);
    mr_rows_int(rows, -1); /* attstattarget */
    mr_rows_int(rows, type->length);
    mr_rows_int(rows, number);
    mr_rows_int(rows, mr_type_is_array(of->type.id)); /* attndims */
    mr_rows_int(rows, -1);                            /* attcacheoff */
    mr_rows_int(rows, of->type.typmod);
    mr_rows_bool(rows, type->by_value);
    mr_rows_string(rows, (MrString){ &type->align, 1 });
    mr_rows_string(rows, (MrString){ &type->storage, 1 });
    mr_rows_text(rows, ""); /* attcompression */
    mr_rows_bool(rows, class->kind == 'r' && mr_pg_column_is_not_null(relation, column));
    mr_rows_bool(rows, has);
    mr_rows_bool(rows, false); /* atthasmissing */
    mr_rows_text(rows, "");    /* attidentity */
    mr_rows_text(rows, is_generated ? "s" : "");
    mr_rows_bool(rows, mr_column_is_dropped(of));
    mr_rows_bool(rows, true); /* attislocal */
    mr_rows_int(rows, 0);
    mr_rows_int(rows, type->collation);
}

void mr_pg_fill_attributes(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        int32_t columns[MR_PG_INDEX_COLUMNS_MAX];
        const bool is_index = class->kind == 'i';
        const uint32_t count = is_index ? mr_pg_index_columns(class, columns) : column_count(class);
        for (uint32_t c = 0; c < count; c++) {
            add_attribute(rows, class, is_index ? columns[c] : (int32_t)c, c + 1);
        }
    }
}

void mr_pg_fill_defaults(const MrPgNames *names, MrRows *rows)
{
    MrBuilder text;
    uint32_t number = MR_PG_DEFAULT_BIT;
    mr_builder_init(&text, 0);
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        for (uint32_t c = 0; class->kind == 'r' && c < column_count(class); c++) {
            mr_builder_clear(&text);
            if (mr_pg_column_default(class->relation, c, &text)) {
                mr_rows_begin(rows);
                mr_rows_int(rows, number++);
                mr_rows_int(rows, class->number);
                mr_rows_int(rows, c + 1);
                mr_rows_text(rows, mr_builder_text(&text));
            }
        }
    }
    mr_builder_fini(&text);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

enum { OPTION_DESC = 1, OPTION_NULLS_FIRST = 2 };

static void add_key_lists(MrRows *rows, const MrPgClass *index)
{
    const MrRelation *relation = index->relation;
    int32_t keys[MR_PG_INDEX_COLUMNS_MAX];
    int64_t columns[MR_PG_INDEX_COLUMNS_MAX], collations[MR_PG_INDEX_COLUMNS_MAX],
        classes[MR_PG_INDEX_COLUMNS_MAX], options[MR_PG_INDEX_COLUMNS_MAX] = { 0 };
    const uint32_t count = mr_pg_index_columns(index, keys);
    for (uint32_t k = 0; k < count; k++) {
        MrTypeId type = keys[k] < 0 ? MR_TYPE_TEXT : relation->schema.columns[keys[k]].type.id;
        columns[k] = keys[k] + 1;
        collations[k] = mr_pg_type(mr_pg_type_number(type))->collation;
        classes[k] = 10000 + type;
        if (index->def != NULL) {
            options[k] = (index->def->columns[k].is_descending ? OPTION_DESC : 0) |
                         (index->def->columns[k].nulls_first ? OPTION_NULLS_FIRST : 0);
        }
    }
    mr_pg_rows_list(rows, MR_TYPE_INT2VECTOR, columns, count);
    mr_pg_rows_list(rows, MR_TYPE_OIDVECTOR, collations, count);
    mr_pg_rows_list(rows, MR_TYPE_OIDVECTOR, classes, count);
    mr_pg_rows_list(rows, MR_TYPE_INT2VECTOR, options, count);
}

static void add_expressions(MrRows *rows, const MrPgClass *index)
{
    MrBuilder text;
    bool has_any = false;
    mr_builder_init(&text, 0);
    for (uint32_t c = 0; index->def != NULL && c < index->def->column_count; c++) {
        if (index->def->columns[c].expression != NULL) {
            mr_builder_append_string(&text, has_any ? ", " : "");
            mr_pg_index_column(index, c, &text);
            has_any = true;
        }
    }
    mr_rows_text(rows, has_any ? mr_builder_text(&text) : NULL);
    mr_builder_fini(&text);
    mr_rows_text(rows, index->def != NULL ? index->def->predicate : NULL);
}

void mr_pg_fill_indexes(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        if (class->kind != 'i') {
            continue;
        }
        const bool is_primary = mr_pg_index_is_primary(class);
        mr_rows_begin(rows);
        mr_rows_int(rows, class->number);
        mr_rows_int(rows, class->relation->oid);
        mr_rows_int(rows, column_count(class));
        mr_rows_int(rows, column_count(class));
        mr_rows_bool(rows, class->def == NULL || class->def->is_unique);
        /* A result has one row even for NULL. */
        mr_rows_bool(rows, class->def == NULL ? !is_primary : class->def->nulls_not_distinct);
        mr_rows_bool(rows, is_primary);
        mr_rows_bool(rows, false); /* indisexclusion */
        mr_rows_bool(rows, true);  /* indimmediate */
        mr_rows_bool(rows, false); /* indisclustered */
        mr_rows_bool(rows, true);  /* indisvalid */
        mr_rows_bool(rows, false); /* indcheckxmin */
        mr_rows_bool(rows, true);  /* indisready */
        mr_rows_bool(rows, true);  /* indislive */
        mr_rows_bool(rows, false); /* indisreplident */
        add_key_lists(rows, class);
        add_expressions(rows, class);
    }
}

typedef struct Constraint {
    uint32_t number, index; /* index: 0 of none */
    const char *name, *type;
    int64_t columns[MR_PG_INDEX_COLUMNS_MAX];
    uint32_t column_count;
} Constraint;

static void add_constraint(MrRows *rows, const MrPgClass *class, const Constraint *constraint)
{
    mr_rows_begin(rows);
    mr_rows_int(rows, constraint->number);
    mr_rows_text(rows, constraint->name);
    mr_rows_int(rows, class->schema);
    mr_rows_text(rows, constraint->type);
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, true); /* convalidated */
    mr_rows_int(rows, class->relation->oid);
    mr_rows_int(rows, 0);
    mr_rows_int(rows, constraint->index);
    mr_rows_skip(rows, 2); /* conparentid, confrelid */
    mr_rows_text(rows, " ");
    mr_rows_text(rows, " ");
    mr_rows_text(rows, " ");
    mr_rows_bool(rows, true); /* conislocal */
    mr_rows_int(rows, 0);
    mr_rows_bool(rows, constraint->index != 0); /* connoinherit */
    mr_pg_rows_list(rows, MR_TYPE_INT16_ARRAY, constraint->columns, constraint->column_count);
}

static void add_key_constraint(MrRows *rows, const MrPgClass *class)
{
    int32_t keys[MR_PG_INDEX_COLUMNS_MAX];
    Constraint constraint = { .number = mr_pg_constraint_number(class),
                              .index = class->number,
                              .name = class->name,
                              .type = mr_pg_index_is_primary(class) ? "p" : "u",
                              .column_count = mr_pg_index_columns(class, keys) };
    for (uint32_t k = 0; k < constraint.column_count; k++) {
        constraint.columns[k] = keys[k] + 1;
    }
    add_constraint(rows, class, &constraint);
}

static void note_column(void *context, const MrExpr *expr)
{
    Constraint *constraint = context;
    bool is_new =
        expr->kind == MR_EXPR_COLUMN && constraint->column_count < MR_PG_INDEX_COLUMNS_MAX;
    for (uint32_t i = 0; i < constraint->column_count && is_new; i++) {
        is_new = constraint->columns[i] != expr->column + 1;
    }
    if (is_new) {
        constraint->columns[constraint->column_count++] = expr->column + 1;
    }
}

void mr_pg_fill_constraints(const MrPgNames *names, MrRows *rows)
{
    uint32_t number = MR_PG_CHECK_FIRST;
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        if (mr_pg_index_is_constraint(class)) {
            add_key_constraint(rows, class);
        }
        for (uint32_t c = 0; c < mr_pg_check_count(class); c++) {
            const MrCheck *check = &class->relation->table->checks[c];
            Constraint constraint = { .number = number++, .name = check->name, .type = "c" };
            mr_expr_walk(check->condition, note_column, &constraint);
            add_constraint(rows, class, &constraint);
        }
    }
}

/* ---- Comments -------------------------------------------------------------------------------- */

static void add_description_of_part(MrRows *rows, uint32_t object, uint32_t class, int64_t part,
                                    const char *text)
{
    if (text != NULL && text[0] != '\0') {
        mr_rows_begin(rows);
        mr_rows_int(rows, object);
        mr_rows_int(rows, class);
        mr_rows_int(rows, part);
        mr_rows_text(rows, text);
    }
}

static void add_description(MrRows *rows, uint32_t object, uint32_t class, const char *text)
{
    add_description_of_part(rows, object, class, 0, text);
}

static void add_column_descriptions(MrRows *rows, const MrPgClass *class)
{
    const MrSchema *schema = &class->relation->schema;
    if (class->kind == 'i' || class->relation->column_comment_count == 0) {
        return;
    }
    for (uint32_t c = 0; c < schema->column_count; c++) {
        add_description_of_part(
            rows, class->number, MR_PG_CLASS, c + 1,
            mr_relation_column_comment(class->relation, schema->columns[c].name));
    }
}

void mr_pg_fill_descriptions(const MrPgNames *names, MrRows *rows)
{
    const MrPgRoutine *routines;
    uint32_t count = mr_pg_routines(false, &routines);
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        add_description(rows, class->number, MR_PG_CLASS, mr_pg_class_comment(class));
        add_column_descriptions(rows, class);
    }
    for (uint32_t i = 0; i < count; i++) {
        add_description(rows, routines[i].number, MR_PG_PROC, routines[i].doc);
    }
    for (uint32_t f = 0; f < names->pg->function_count; f++) {
        const MrPgRoutine *function = &names->pg->functions[f];
        add_description(rows, function->number, MR_PG_PROC, function->doc);
    }
    for (uint32_t id = MR_TYPE_BOOL; id < MR_TYPE_SCALARS; id++) {
        const MrTypeInfo *info = mr_type_info((MrTypeId)id);
        add_description(rows, info->oid, MR_PG_TYPE, info->doc);
    }
    add_description(rows, MR_PG_SCHEMA_PUBLIC, MR_PG_NAMESPACE, "standard public schema");
    add_description(rows, MR_PG_SCHEMA_MILLRACE, MR_PG_NAMESPACE, "what the server is doing");
}
