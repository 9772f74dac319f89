/*
 * server/pgcatalog/functions_rights.c - who may do what: whoever is let in may do all that the
 * server does, so that these ask only whether the object is there.
 */
#include "server/pgcatalog/functions.h"
#include "storage/reg.h"

/* The object is named by the last argument but one, or but two where a column is named besides. */
static MrStatus check_named(MrEval *eval, const MrVector *const *args, uint32_t object,
                            MrTypeId type, uint32_t rows, MrVector *out)
{
    memset(out->data, 1, rows);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        MrText value;
        bool found;
        if (eval->names->by_text(eval->names, type, mr_text_string(&MR_ARG(MrText, object, i)),
                                 false, eval->arena, &value, &found, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

static MrStatus check_class(MrEval *eval, const MrVector *const *args, uint32_t object,
                            uint32_t rows, MrVector *out)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    memset(out->data, 1, rows);
    MR_EACH_ROW(i)
    {
        if (mr_pg_class(names->pg, (uint32_t)MR_ARG(int64_t, object, i)) == NULL) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

MR_KERNEL(right_of_class)
{
    return check_class(eval, args, arg_count - 2, rows, out);
}
MR_KERNEL(right_of_class_named)
{
    return check_named(eval, args, arg_count - 2, MR_TYPE_REGCLASS, rows, out);
}
MR_KERNEL(right_of_column)
{
    return check_class(eval, args, arg_count - 3, rows, out);
}
MR_KERNEL(right_of_column_named)
{
    return check_named(eval, args, arg_count - 3, MR_TYPE_REGCLASS, rows, out);
}
MR_KERNEL(right_of_schema_named)
{
    return check_named(eval, args, arg_count - 2, MR_TYPE_REGNAMESPACE, rows, out);
}
MR_KERNEL(right_of_type_named)
{
    return check_named(eval, args, arg_count - 2, MR_TYPE_REGTYPE, rows, out);
}
MR_KERNEL(right_of_role_named)
{
    return check_named(eval, args, arg_count - 2, MR_TYPE_REGROLE, rows, out);
}
MR_KERNEL(right)
{
    (void)eval, (void)args, (void)arg_count;
    memset(out->data, 1, rows);
    return MR_OK;
}

/* ---- The table ------------------------------------------------------------------------------- */

#define RIGHT_FLAGS (CATALOG | FALLIBLE)
/* By name and by number; of oneself, of a role by name, of a role by number. */
#define RIGHT_OF(FN, BY_NAME, BY_NUMBER, WHAT, OBJECT, NUMBER, RIGHT)                              \
    F2(FN, TEXT, TEXT, BOOL, BY_NAME, RIGHT_FLAGS, "Whether one may use the " WHAT ".",            \
       FN "(" OBJECT ", " RIGHT ")", "t"),                                                         \
        F2(FN, OID, TEXT, BOOL, BY_NUMBER, RIGHT_FLAGS, "Whether one may use the " WHAT ".",       \
           FN "(" NUMBER "::oid, " RIGHT ")", "t"),                                                \
        F3(FN, NAME, TEXT, TEXT, BOOL, BY_NAME, RIGHT_FLAGS,                                       \
           "Whether a role may use the " WHAT ".", FN "('millrace', " OBJECT ", " RIGHT ")", "t"), \
        F3(FN, NAME, OID, TEXT, BOOL, BY_NUMBER, RIGHT_FLAGS,                                      \
           "Whether a role may use the " WHAT ".", FN "('millrace', " NUMBER "::oid, " RIGHT ")",  \
           "t"),                                                                                   \
        F3(FN, OID, TEXT, TEXT, BOOL, BY_NAME, RIGHT_FLAGS,                                        \
           "Whether a role may use the " WHAT ".", FN "(10::oid, " OBJECT ", " RIGHT ")", "t"),    \
        F3(FN, OID, OID, TEXT, BOOL, BY_NUMBER, RIGHT_FLAGS,                                       \
           "Whether a role may use the " WHAT ".", FN "(10::oid, " NUMBER "::oid, " RIGHT ")",     \
           "t")

const MrFunction mr_pg_functions_rights[] = {
    RIGHT_OF("has_table_privilege", right_of_class_named, right_of_class, "relation", "'pg_class'",
             "1259", "'SELECT'"),
    RIGHT_OF("has_any_column_privilege", right_of_class_named, right_of_class, "relation",
             "'pg_class'", "1259", "'SELECT'"),
    RIGHT_OF("has_sequence_privilege", right_of_class_named, right_of_class, "sequence",
             "'pg_class'", "1259", "'USAGE'"),
    RIGHT_OF("has_schema_privilege", right_of_schema_named, right, "schema", "'public'", "2200",
             "'USAGE'"),
    RIGHT_OF("has_type_privilege", right_of_type_named, right, "type", "'int4'", "23", "'USAGE'"),
    RIGHT_OF("has_database_privilege", right, right, "database", "'millrace'", "5", "'CONNECT'"),
    RIGHT_OF("has_function_privilege", right, right, "function", "'md5(text)'", "1", "'EXECUTE'"),
    RIGHT_OF("has_language_privilege", right, right, "language", "'sql'", "14", "'USAGE'"),
    RIGHT_OF("has_tablespace_privilege", right, right, "tablespace", "'pg_default'", "1663",
             "'CREATE'"),
    RIGHT_OF("pg_has_role", right_of_role_named, right, "role", "'millrace'", "10", "'USAGE'"),
    F3("has_column_privilege", TEXT, TEXT, TEXT, BOOL, right_of_column_named, RIGHT_FLAGS,
       "Whether one may use the column.", "has_column_privilege('pg_class', 'oid', 'SELECT')", "t"),
    F3("has_column_privilege", OID, TEXT, TEXT, BOOL, right_of_column, RIGHT_FLAGS,
       "Whether one may use the column.", "has_column_privilege(1259::oid, 'oid', 'SELECT')", "t"),
    F3("has_column_privilege", OID, INT16, TEXT, BOOL, right_of_column, RIGHT_FLAGS,
       "Whether one may use the column.", "has_column_privilege(1259::oid, 1::int2, 'SELECT')",
       "t"),
};
MR_PG_FUNCTIONS_COUNT(rights);
