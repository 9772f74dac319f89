/*
 * server/pgcatalog/functions_names.c - functions from numbers to names and back: what is visible,
 * who owns, how a type prints, to_regclass() and its like.
 */
#include <pthread.h>
#include <stdio.h>
#include <strings.h>

#include "server/pgcatalog/functions.h"
#include "storage/array.h"
#include "storage/reg.h"

static void functions_add(void)
{
    mr_function_add_table(mr_pg_functions_names, mr_pg_functions_names_count);
    mr_function_add_table(mr_pg_functions_definitions, mr_pg_functions_definitions_count);
    mr_function_add_table(mr_pg_functions_rights, mr_pg_functions_rights_count);
    mr_function_add_table(mr_pg_functions_session, mr_pg_functions_session_count);
}

void mr_pg_functions_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, functions_add);
}

MrStatus mr_pg_texts(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                     MrPgText *text)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    MrBuilder builder;
    MrStatus status = MR_OK;
    mr_builder_init(&builder, 0);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(args[0], i)) {
            status = mr_kernel_set_null(eval, out, i);
            continue;
        }
        mr_builder_clear(&builder);
        status = text(names, (uint32_t)MR_ARG(int64_t, 0, i), &builder)
                     ? mr_kernel_set_text(eval, out, i, mr_builder_text(&builder), builder.length)
                     : mr_kernel_set_null(eval, out, i);
    }
    mr_builder_fini(&builder);
    return status;
}

MrStatus mr_pg_nulls(MrEval *eval, const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                     MrVector *out)
{
    (void)args, (void)arg_count;
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        MR_TRY(mr_kernel_set_null(eval, out, i));
    }
    return MR_OK;
}

/* ---- What is found without its schema -------------------------------------------------------- */

/* NULL of a number that stands for nothing. */
#define VISIBLE(NAME, FOUND, SEEN)                                   \
    MR_KERNEL(NAME)                                                  \
    {                                                                \
        const MrPgNames *names = mr_pg_names(eval->names);           \
        uint8_t *results = out->data;                                \
        (void)arg_count, (void)names;                                \
        mr_kernel_clear(out, rows);                                  \
        MR_EACH_ROW(i)                                               \
        {                                                            \
            const uint32_t number = (uint32_t)MR_ARG(int64_t, 0, i); \
            const FOUND;                                             \
            if (found == NULL) {                                     \
                MR_TRY(mr_kernel_set_null(eval, out, i));            \
            } else {                                                 \
                results[i] = (SEEN);                                 \
            }                                                        \
        }                                                            \
        return MR_OK;                                                \
    }
VISIBLE(table_visible, MrPgClass *found = mr_pg_class(names->pg, number),
        mr_pg_class_is_visible(names, found))
VISIBLE(type_visible, MrPgType *found = mr_pg_type(number), true)
VISIBLE(function_visible, MrPgRoutine *found = mr_pg_function(names->pg, number),
        mr_pg_function_is_visible(names, found))
VISIBLE(operator_visible, MrPgRoutine *found = mr_pg_routine(true, number), true)

/* Collations and operator classes, all of pg_catalog. */
MR_KERNEL(always_visible)
{
    uint8_t *results = out->data;
    (void)eval, (void)args, (void)arg_count;
    memset(results, 1, rows);
    return MR_OK;
}

/* ---- Owners, types --------------------------------------------------------------------------- */

MR_KERNEL(get_userbyid)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    const MrPgRole *role = NULL; /* mostly one owns everything */
    MrText *results = out->data;
    MrText name = { 0 };
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const uint32_t number = (uint32_t)MR_ARG(int64_t, 0, i);
        if (role == NULL || role->number != number) {
            role = mr_pg_role(names->pg, number);
            if (role != NULL) { /* its name lives as long as the statement */
                name = mr_text_make(role->name, (uint32_t)strlen(role->name));
            }
        }
        if (role != NULL) {
            results[i] = name;
            continue;
        }
        char text[40];
        const int length = snprintf(text, sizeof text, "unknown (OID=%u)", number);
        MR_TRY(mr_kernel_set_text(eval, out, i, text, (size_t)length));
    }
    return MR_OK;
}

/* NULL in the second argument is no modifier. */
MR_KERNEL(format_type)
{
    MrBuilder text;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&text, 0);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(args[0], i)) {
            status = mr_kernel_set_null(eval, out, i);
            continue;
        }
        const int32_t typmod = mr_vector_is_null(args[1], i) ? -1 : MR_ARG(int32_t, 1, i);
        mr_builder_clear(&text);
        mr_pg_type_format((uint32_t)MR_ARG(int64_t, 0, i), typmod, &text);
        status = mr_kernel_set_text(eval, out, i, mr_builder_text(&text), text.length);
    }
    mr_builder_fini(&text);
    return status;
}

MR_KERNEL(oidvectortypes)
{
    MrBuilder text;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&text, 0);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        MrArray array;
        int64_t number = 0;
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        mr_array_open(MR_TYPE_OID, &MR_ARG(MrText, 0, i), &array);
        mr_builder_clear(&text);
        for (uint32_t k = 0; k < array.count; k++) {
            mr_array_get(&array, k, &number);
            mr_builder_append_string(&text, k > 0 ? ", " : "");
            mr_pg_type_format((uint32_t)number, -1, &text);
        }
        status = mr_kernel_set_text(eval, out, i, mr_builder_text(&text), text.length);
    }
    mr_builder_fini(&text);
    return status;
}

/* ---- to_regclass() and its like: NULL where the cast fails ----------------------------------- */

MR_KERNEL(to_reg)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        MrText *result = (MrText *)out->data + i;
        bool found = true;
        MrStatus status =
            eval->names->by_text(eval->names, out->type.id, mr_text_string(&MR_ARG(MrText, 0, i)),
                                 true, eval->arena, result, &found, &error);
        if (status != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        } else if (!found || mr_reg_number(result) == 0) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

/* ---- Encodings ------------------------------------------------------------------------------- */

static const char *const encodings[] = { "SQL_ASCII", "EUC_JP",        "EUC_CN",
                                         "EUC_KR",    "EUC_TW",        "EUC_JIS_2004",
                                         "UTF8",      "MULE_INTERNAL", "LATIN1" };
enum { ENCODING_COUNT = sizeof encodings / sizeof encodings[0] };

MR_KERNEL(encoding_to_char)
{
    MrText *results = out->data;
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const int32_t number = MR_ARG(int32_t, 0, i);
        const char *name = number >= 0 && number < ENCODING_COUNT ? encodings[number] : "";
        results[i] = mr_text_make(name, (uint32_t)strlen(name));
    }
    return MR_OK;
}
MR_KERNEL(own_encoding)
{
    MrText *results = out->data;
    (void)eval, (void)args, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = mr_text_make("UTF8", 4);
    }
    return MR_OK;
}
MR_KERNEL(char_to_encoding)
{
    int32_t *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrString name = mr_text_string(&MR_ARG(MrText, 0, i));
        results[i] = -1;
        for (int32_t k = 0; k < ENCODING_COUNT; k++) {
            if (name.length == strlen(encodings[k]) &&
                strncasecmp(name.data, encodings[k], name.length) == 0) {
                results[i] = k;
            }
        }
    }
    return MR_OK;
}

/* ---- The table ------------------------------------------------------------------------------- */

#define IS_VISIBLE(NAME, EVAL, DOC, EXAMPLE, RETURNS) \
    F1(NAME, OID, BOOL, EVAL, CATALOG, DOC, EXAMPLE, RETURNS)
#define TO_REG(NAME, TYPE, DOC, EXAMPLE, RETURNS) \
    F1(NAME, TEXT, TYPE, to_reg, CATALOG | FALLIBLE, DOC, EXAMPLE, RETURNS)

const MrFunction mr_pg_functions_names[] = {
    IS_VISIBLE("pg_table_is_visible", table_visible, "Whether a relation is found without schema.",
               "pg_table_is_visible('pg_class'::regclass)", "t"),
    IS_VISIBLE("pg_type_is_visible", type_visible, "Whether a type is found without schema.",
               "pg_type_is_visible('int4'::regtype)", "t"),
    IS_VISIBLE("pg_function_is_visible", function_visible,
               "Whether a function is found without schema.", "pg_function_is_visible(1)", "NULL"),
    IS_VISIBLE("pg_operator_is_visible", operator_visible,
               "Whether an operator is found without schema.", "pg_operator_is_visible(1)", "NULL"),
    IS_VISIBLE("pg_collation_is_visible", always_visible,
               "Whether a collation is found without schema.", "pg_collation_is_visible(100)", "t"),
    IS_VISIBLE("pg_opclass_is_visible", always_visible,
               "Whether an operator class is found without schema.", "pg_opclass_is_visible(1)",
               "t"),
    IS_VISIBLE("pg_opfamily_is_visible", mr_pg_nulls, "NULL: there are no operator families.",
               "pg_opfamily_is_visible(1)", "NULL"),
    IS_VISIBLE("pg_conversion_is_visible", mr_pg_nulls, "NULL: there are no conversions.",
               "pg_conversion_is_visible(1)", "NULL"),
    IS_VISIBLE("pg_statistics_obj_is_visible", mr_pg_nulls,
               "NULL: there are no statistics objects.", "pg_statistics_obj_is_visible(1)", "NULL"),
    IS_VISIBLE("pg_ts_config_is_visible", mr_pg_nulls,
               "NULL: there are no text search configurations.", "pg_ts_config_is_visible(1)",
               "NULL"),
    IS_VISIBLE("pg_ts_dict_is_visible", mr_pg_nulls, "NULL: there are no text search dictionaries.",
               "pg_ts_dict_is_visible(1)", "NULL"),
    IS_VISIBLE("pg_ts_parser_is_visible", mr_pg_nulls, "NULL: there are no text search parsers.",
               "pg_ts_parser_is_visible(1)", "NULL"),
    IS_VISIBLE("pg_ts_template_is_visible", mr_pg_nulls,
               "NULL: there are no text search templates.", "pg_ts_template_is_visible(1)", "NULL"),
    F1("pg_get_userbyid", OID, NAME, get_userbyid, CATALOG, "Name of a role.",
       "pg_get_userbyid(10)", "millrace"),
    MR_ENTRY("format_type", 2, TEXT, format_type, 0, "SQL's name of a type with its modifier.",
             "format_type(1043, 14)", "character varying(10)", MR_TYPE_OID, MR_TYPE_INT32),
    F1("oidvectortypes", OID_ARRAY, TEXT, oidvectortypes, 0, "SQL's names of types.",
       "oidvectortypes('23 25'::oidvector)", "integer, text"),
    TO_REG("to_regclass", REGCLASS, "The relation of that name, or NULL.",
           "to_regclass('pg_class')", "pg_class"),
    TO_REG("to_regtype", REGTYPE, "The type of that name, or NULL.", "to_regtype('int4')",
           "integer"),
    TO_REG("to_regproc", REGPROC, "The function of that name, or NULL.", "to_regproc('none')",
           "NULL"),
    TO_REG("to_regprocedure", REGPROCEDURE, "The function of that name and arguments, or NULL.",
           "to_regprocedure('md5(text)')", "md5(text)"),
    TO_REG("to_regoper", REGOPER, "The operator of that name, or NULL.", "to_regoper('@@@')",
           "NULL"),
    TO_REG("to_regoperator", REGOPERATOR,
           "The operator of that name and arguments (NONE: none on that side), or NULL.",
           "to_regoperator('-(none, integer)')", "-(NONE,integer)"),
    TO_REG("to_regnamespace", REGNAMESPACE, "The schema of that name, or NULL.",
           "to_regnamespace('public')", "public"),
    TO_REG("to_regrole", REGROLE, "The role of that name, or NULL.", "to_regrole('millrace')",
           "millrace"),
    TO_REG("to_regcollation", REGCOLLATION, "The collation of that name, or NULL.",
           "to_regcollation('\"C\"')", "\"C\""),
    F1("pg_encoding_to_char", INT32, NAME, encoding_to_char, 0, "Name of an encoding.",
       "pg_encoding_to_char(6)", "UTF8"),
    F0("getdatabaseencoding", NAME, own_encoding, 0, "Encoding of the database.",
       "getdatabaseencoding()", "UTF8"),
    F0("pg_client_encoding", NAME, own_encoding, 0, "Encoding of the client.",
       "pg_client_encoding()", "UTF8"),
    F1("pg_char_to_encoding", NAME, INT32, char_to_encoding, 0, "Number of an encoding.",
       "pg_char_to_encoding('UTF8')", "6"),
};
MR_PG_FUNCTIONS_COUNT(names);
