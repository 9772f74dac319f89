/*
 * server/pgcatalog/functions_definitions.c - objects as SQL, and what is said about them.
 */
#include "parser/print.h"
#include "server/pgcatalog/functions.h"
#include "storage/reg.h"

/* ---- Views, indexes, keys -------------------------------------------------------------------- */

static bool view_text(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgClass *class = mr_pg_class(names->pg, number);
    return class != NULL && mr_pg_view_definition(class, out);
}
MR_PG_TEXTS(get_viewdef, view_text)

/* pg_get_viewdef('name'). */
MR_KERNEL(get_viewdef_by_name)
{
    MrVector numbers;
    (void)arg_count;
    MR_TRY(mr_vector_init(&numbers, eval->arena, mr_type(MR_TYPE_OID), rows, eval->err));
    numbers.validity = out->validity;
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        MrText value;
        bool found;
        if (eval->names->by_text(eval->names, MR_TYPE_REGCLASS,
                                 mr_text_string(&MR_ARG(MrText, 0, i)), false, eval->arena, &value,
                                 &found, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
            ((int64_t *)numbers.data)[i] = 0;
        } else {
            ((int64_t *)numbers.data)[i] = mr_reg_number(&value);
        }
    }
    const MrVector *number = &numbers;
    return mr_pg_texts(eval, &number, rows, out, view_text);
}

static bool index_text(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgClass *class = mr_pg_class(names->pg, number);
    if (class == NULL || class->kind != 'i') {
        return false;
    }
    mr_pg_index_definition(class, out);
    return true;
}
MR_PG_TEXTS(get_indexdef, index_text)

static void append_index_column(const MrPgClass *class, int32_t column, MrBuilder *out)
{
    if (column == 0) {
        mr_pg_index_definition(class, out);
    } else if (column > 0) {
        mr_pg_index_column(class, (uint32_t)column - 1, out);
    }
}

/* A column of the index, from 1; 0 is all of it. */
MR_KERNEL(get_indexdef_column)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    MrBuilder text;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&text, 0);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        const MrPgClass *class = mr_pg_class(names->pg, (uint32_t)MR_ARG(int64_t, 0, i));
        mr_builder_clear(&text);
        if (class == NULL || class->kind != 'i') {
            status = mr_kernel_set_null(eval, out, i);
            continue;
        }
        append_index_column(class, MR_ARG(int32_t, 1, i), &text);
        status = mr_kernel_set_text(eval, out, i, mr_builder_text(&text), text.length);
    }
    mr_builder_fini(&text);
    return status;
}

static bool constraint_text(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgClass *class;
    const MrCheck *check = mr_pg_check(names->pg, number, &class);
    if (check != NULL) {
        mr_pg_check_definition(class, check, out);
        return true;
    }
    const MrPgClass *index = mr_pg_constraint_index(names->pg, number);
    if (index == NULL) {
        return false;
    }
    mr_pg_constraint_definition(index, out);
    return true;
}
MR_PG_TEXTS(get_constraintdef, constraint_text)

/* Whether the brackets at both ends are a pair. */
static bool is_bracketed(MrString text)
{
    uint32_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        quoted = quoted != (text.data[i] == '\'');
        depth += !quoted && text.data[i] == '(';
        depth -= !quoted && text.data[i] == ')' && depth > 0;
        if (depth == 0) {
            return i > 0 && i + 1 == text.length;
        }
    }
    return false;
}

/* The tree is its SQL already; the pretty form has no brackets around all of it. */
MR_KERNEL(get_expr)
{
    MrText *results = out->data;
    (void)eval;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_text_string(&MR_ARG(MrText, 0, i));
        const bool is_pretty = arg_count > 2 && MR_ARG(uint8_t, 2, i) != 0;
        const size_t cut = is_pretty && is_bracketed(text) ? 1 : 0;
        results[i] = mr_text_make(text.data + cut, (uint32_t)(text.length - 2 * cut));
    }
    return MR_OK;
}

/* ---- Functions ------------------------------------------------------------------------------- */

static bool arguments_text(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgRoutine *routine = mr_pg_function(names->pg, number);
    if (routine != NULL) {
        mr_pg_function_parameters(routine, true, out);
    }
    return routine != NULL;
}
MR_PG_TEXTS(get_function_arguments, arguments_text)

/* What tells it apart: without defaults. */
static bool identity_text(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgRoutine *routine = mr_pg_function(names->pg, number);
    if (routine != NULL) {
        mr_pg_function_parameters(routine, false, out);
    }
    return routine != NULL;
}
MR_PG_TEXTS(get_function_identity, identity_text)

/* The default of an argument, from 1. */
MR_KERNEL(get_function_arg_default)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrPgRoutine *routine = mr_pg_function(names->pg, (uint32_t)MR_ARG(int64_t, 0, i));
        const int32_t number = MR_ARG(int32_t, 1, i);
        const bool is_one = routine != NULL && routine->sql != NULL && number >= 1 &&
                            (uint32_t)number <= routine->arg_count;
        const char *text = is_one ? routine->sql->parameters[number - 1].default_value : NULL;
        MR_TRY(text == NULL ? mr_kernel_set_null(eval, out, i)
                            : mr_kernel_set_text(eval, out, i, text, strlen(text)));
    }
    return MR_OK;
}

static bool result_text(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgRoutine *routine = mr_pg_function(names->pg, number);
    if (routine != NULL) {
        mr_pg_routine_result(routine, out);
    }
    return routine != NULL;
}
MR_PG_TEXTS(get_function_result, result_text)

static bool function_text(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgRoutine *routine = mr_pg_function(names->pg, number);
    if (routine == NULL || routine->kind == MR_PG_ROUTINE_AGGREGATE) {
        return false;
    }
    mr_pg_function_definition(routine, out);
    return true;
}
MR_PG_TEXTS(get_functiondef, function_text)

/* ---- Comments -------------------------------------------------------------------------------- */

static bool class_comment(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgClass *class = mr_pg_class(names->pg, number);
    const char *text = class == NULL ? NULL : mr_pg_class_comment(class);
    mr_builder_append_string(out, text == NULL ? "" : text);
    return text != NULL && text[0] != '\0';
}

static bool routine_comment(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const MrPgRoutine *routine = mr_pg_function(names->pg, number);
    const char *text = routine == NULL ? NULL : routine->doc;
    mr_builder_append_string(out, text == NULL ? "" : text);
    return text != NULL && text[0] != '\0';
}

static bool type_comment(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    MrTypeId id;
    bool known = mr_type_by_oid(number, &id) && mr_type_info(id)->doc != NULL;
    (void)names;
    mr_builder_append_string(out, known ? mr_type_info(id)->doc : "");
    return known;
}

static bool schema_comment(const MrPgNames *names, uint32_t number, MrBuilder *out)
{
    const char *text = number == MR_PG_SCHEMA_PUBLIC     ? "standard public schema"
                       : number == MR_PG_SCHEMA_MILLRACE ? "what the server is doing"
                                                         : NULL;
    (void)names;
    mr_builder_append_string(out, text == NULL ? "" : text);
    return text != NULL;
}

static bool comment_text(const MrPgNames *names, MrString catalog, uint32_t number, MrBuilder *out)
{
    static const struct {
        const char *catalog;
        MrPgText *text;
    } kinds[] = { { "pg_class", class_comment },
                  { "pg_proc", routine_comment },
                  { "pg_type", type_comment },
                  { "pg_namespace", schema_comment } };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (mr_string_equal(catalog, mr_string(kinds[i].catalog))) {
            return kinds[i].text(names, number, out);
        }
    }
    return false;
}

MR_KERNEL(obj_description)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    MrBuilder text;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&text, 0);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        mr_builder_clear(&text);
        status = comment_text(names, mr_text_string(&MR_ARG(MrText, 1, i)),
                              (uint32_t)MR_ARG(int64_t, 0, i), &text)
                     ? mr_kernel_set_text(eval, out, i, mr_builder_text(&text), text.length)
                     : mr_kernel_set_null(eval, out, i);
    }
    mr_builder_fini(&text);
    return status;
}
MR_PG_TEXTS(obj_description_any, class_comment)

static const char *column_comment(const MrPgNames *names, uint32_t number, int64_t column)
{
    const MrPgClass *class = mr_pg_class(names->pg, number);
    if (class == NULL || class->kind == 'i' || column < 1 ||
        column > class->relation->schema.column_count) {
        return NULL;
    }
    return mr_relation_column_comment(class->relation,
                                      class->relation->schema.columns[column - 1].name);
}

MR_KERNEL(col_description)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        const char *text =
            mr_vector_is_null(out, i)
                ? NULL
                : column_comment(names, (uint32_t)MR_ARG(int64_t, 0, i), MR_ARG(int32_t, 1, i));
        status = text == NULL ? mr_kernel_set_null(eval, out, i)
                              : mr_kernel_set_text(eval, out, i, text, strlen(text));
    }
    return status;
}

/* ---- The table ------------------------------------------------------------------------------- */

#define TEXT_OF(NAME, EVAL, DOC, EXAMPLE, RETURNS) \
    F1(NAME, OID, TEXT, EVAL, CATALOG, DOC, EXAMPLE, RETURNS)
#define TEXT_OF_PRETTY(NAME, EVAL, DOC, EXAMPLE, RETURNS) \
    F2(NAME, OID, BOOL, TEXT, EVAL, CATALOG, DOC, EXAMPLE, RETURNS)

const MrFunction mr_pg_functions_definitions[] = {
    TEXT_OF("pg_get_viewdef", get_viewdef, "The SELECT of a view or standing query.",
            "pg_get_viewdef(1)", "NULL"),
    TEXT_OF_PRETTY("pg_get_viewdef", get_viewdef, "The same; it is laid out in one way only.",
                   "pg_get_viewdef(1, true)", "NULL"),
    F2("pg_get_viewdef", OID, INT32, TEXT, get_viewdef, CATALOG, "The same; lines are not wrapped.",
       "pg_get_viewdef(1, 80)", "NULL"),
    F1("pg_get_viewdef", TEXT, TEXT, get_viewdef_by_name, CATALOG | FALLIBLE,
       "The SELECT of the view of that name.", "pg_get_viewdef('pg_class')", "NULL"),
    TEXT_OF("pg_get_indexdef", get_indexdef, "The CREATE INDEX of a key.", "pg_get_indexdef(1)",
            "NULL"),
    F3("pg_get_indexdef", OID, INT32, BOOL, TEXT, get_indexdef_column, CATALOG,
       "A column of a key, from 1.", "pg_get_indexdef(1, 1, true)", "NULL"),
    TEXT_OF("pg_get_constraintdef", get_constraintdef, "A constraint as in CREATE TABLE.",
            "pg_get_constraintdef(1)", "NULL"),
    TEXT_OF_PRETTY("pg_get_constraintdef", get_constraintdef, "The same.",
                   "pg_get_constraintdef(1, true)", "NULL"),
    F2("pg_get_expr", PG_NODE_TREE, OID, TEXT, get_expr, 0,
       "An expression of the catalogue as SQL.", "pg_get_expr(NULL, 1)", "NULL"),
    F3("pg_get_expr", PG_NODE_TREE, OID, BOOL, TEXT, get_expr, 0, "The same.",
       "pg_get_expr(NULL, 1, true)", "NULL"),
    TEXT_OF("pg_get_function_arguments", get_function_arguments, "Arguments of a function.",
            "pg_get_function_arguments('md5(text)'::regprocedure)", "text"),
    TEXT_OF("pg_get_function_identity_arguments", get_function_identity,
            "Arguments of a function without their defaults.",
            "pg_get_function_identity_arguments('md5(text)'::regprocedure)", "text"),
    F2("pg_get_function_arg_default", OID, INT32, TEXT, get_function_arg_default, CATALOG,
       "The default of a function's argument, from 1.",
       "pg_get_function_arg_default('md5(text)'::regprocedure, 1)", "NULL"),
    TEXT_OF("pg_get_function_result", get_function_result, "Type of a function's result.",
            "pg_get_function_result('md5(text)'::regprocedure)", "text"),
    TEXT_OF("pg_get_functiondef", get_functiondef, "A function as CREATE FUNCTION.",
            "pg_get_functiondef(1)", "NULL"),
    TEXT_OF("pg_get_function_sqlbody", mr_pg_nulls, "NULL: no function has a body in SQL.",
            "pg_get_function_sqlbody(1)", "NULL"),
    TEXT_OF("pg_get_triggerdef", mr_pg_nulls, "NULL: there are no triggers.",
            "pg_get_triggerdef(1)", "NULL"),
    TEXT_OF_PRETTY("pg_get_triggerdef", mr_pg_nulls, "NULL: there are no triggers.",
                   "pg_get_triggerdef(1, true)", "NULL"),
    TEXT_OF("pg_get_ruledef", mr_pg_nulls, "NULL: there are no rules.", "pg_get_ruledef(1)",
            "NULL"),
    TEXT_OF_PRETTY("pg_get_ruledef", mr_pg_nulls, "NULL: there are no rules.",
                   "pg_get_ruledef(1, true)", "NULL"),
    TEXT_OF("pg_get_partkeydef", mr_pg_nulls, "NULL: nothing is partitioned.",
            "pg_get_partkeydef(1)", "NULL"),
    TEXT_OF("pg_get_partition_constraintdef", mr_pg_nulls, "NULL: nothing is partitioned.",
            "pg_get_partition_constraintdef(1)", "NULL"),
    TEXT_OF("pg_get_statisticsobjdef", mr_pg_nulls, "NULL: there are no statistics objects.",
            "pg_get_statisticsobjdef(1)", "NULL"),
    TEXT_OF("pg_get_statisticsobjdef_columns", mr_pg_nulls,
            "NULL: there are no statistics objects.", "pg_get_statisticsobjdef_columns(1)", "NULL"),
    F2("pg_get_serial_sequence", TEXT, TEXT, TEXT, mr_pg_nulls, CATALOG,
       "NULL: no column has a sequence.", "pg_get_serial_sequence('pg_class', 'oid')", "NULL"),
    F2("obj_description", OID, NAME, TEXT, obj_description, CATALOG, "The comment on an object.",
       "obj_description(2200, 'pg_namespace')", "standard public schema"),
    TEXT_OF("obj_description", obj_description_any, "The comment on a relation.",
            "obj_description(1)", "NULL"),
    F2("shobj_description", OID, NAME, TEXT, mr_pg_nulls, CATALOG,
       "NULL: databases and roles have no comments.", "shobj_description(5, 'pg_database')",
       "NULL"),
    F2("col_description", OID, INT32, TEXT, col_description, CATALOG,
       "The comment on a relation's column, from 1.", "col_description(1259, 1)", "NULL"),
};
MR_PG_FUNCTIONS_COUNT(definitions);
