/*
 * engine/casts_catalog.c - casts of the catalogue's types: numbers of objects, names, "char", and
 * the reg types, which look the catalogue up through eval->names.
 * Must not know the catalogue.
 */
#include "engine/casts_internal.h"
#include "storage/bpchar.h"
#include "storage/reg.h"

/* ---- oid ------------------------------------------------------------------------------------- */

/* Narrower integers are taken bit by bit, as PostgreSQL does: -1 is 4294967295. */
MR_UNARY_KERNEL(MR_NO_CLONES, int2_to_oid, int16_t, int64_t, (uint32_t)(int32_t)x)
MR_UNARY_KERNEL(MR_NO_CLONES, int4_to_oid, int32_t, int64_t, (uint32_t)x)
MR_UNARY_KERNEL(MR_NO_CLONES, oid_to_int4, int64_t, int32_t, (uint32_t)x)

MR_KERNEL(int8_to_oid)
{
    int64_t *results = out->data;
    (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = MR_ARG(int64_t, 0, i);
        if (results[i] < 0 || results[i] > UINT32_MAX) {
            MR_TRY(
                mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE, "OID out of range"));
        }
    }
    return MR_OK;
}

/* ---- name and "char" ------------------------------------------------------------------------- */

/* A zero byte cannot be in text: 0 is the empty "char". */
MR_KERNEL(int4_to_char)
{
    MrText *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const int32_t code = MR_ARG(int32_t, 0, i);
        const char byte = (char)code;
        if (code < 0 || code > 127) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE,
                                     "\"char\" out of range"));
            continue;
        }
        results[i] = mr_text_make(&byte, byte != 0);
    }
    return MR_OK;
}
MR_KERNEL(char_to_int4)
{
    int32_t *results = out->data;
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrText *text = &MR_ARG(MrText, 0, i);
        results[i] = text->length > 0 ? (signed char)mr_text_data(text)[0] : 0;
    }
    return MR_OK;
}

/* ---- The reg types --------------------------------------------------------------------------- */

MR_KERNEL(reg_to_oid)
{
    int64_t *results = out->data;
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        results[i] = mr_reg_number(&MR_ARG(MrText, 0, i));
    }
    return MR_OK;
}
MR_KERNEL(reg_to_int4)
{
    int32_t *results = out->data;
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        results[i] = (int32_t)mr_reg_number(&MR_ARG(MrText, 0, i));
    }
    return MR_OK;
}

static MrStatus number_to_reg(MrEval *eval, MrVector *out, uint32_t row, int64_t number)
{
    MrText *result = (MrText *)out->data + row;
    if (number < 0 || number > UINT32_MAX) {
        return mr_eval_row_error(eval, out, row, MR_ERR_NUMERIC_OUT_OF_RANGE, "OID out of range");
    }
    if (eval->names == NULL) {
        return mr_reg_of_number(eval->arena, (uint32_t)number, result, eval->err);
    }
    return eval->names->by_number(eval->names, out->type.id, (uint32_t)number, eval->arena, result,
                                  eval->err);
}

/* Neighbours often are of one object: the last one found is kept. */
#define NUMBER_TO_REG(NAME, A)                                                    \
    MR_KERNEL(NAME)                                                               \
    {                                                                             \
        int64_t last = -1;                                                        \
        uint32_t last_row = 0;                                                    \
        (void)arg_count;                                                          \
        mr_kernel_clear(out, rows);                                               \
        MR_EACH_ROW(i)                                                            \
        {                                                                         \
            const int64_t number = (int64_t)MR_ARG(A, 0, i);                      \
            if (number == last) {                                                 \
                ((MrText *)out->data)[i] = ((const MrText *)out->data)[last_row]; \
                continue;                                                         \
            }                                                                     \
            MR_TRY(number_to_reg(eval, out, i, number));                          \
            last = number;                                                        \
            last_row = i;                                                         \
        }                                                                         \
        return MR_OK;                                                             \
    }
NUMBER_TO_REG(oid_to_reg, int64_t)
NUMBER_TO_REG(int4_to_reg, uint32_t)
NUMBER_TO_REG(int2_to_reg, int16_t)

MR_KERNEL(text_to_reg)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        const MrString text = mr_text_string(&MR_ARG(MrText, 0, i));
        MrText *result = (MrText *)out->data + i;
        bool found = true;
        MrStatus status = eval->names == NULL
                              ? mr_reg_parse(eval->arena, text, result, &error)
                              : eval->names->by_text(eval->names, out->type.id, text, false,
                                                     eval->arena, result, &found, &error);
        if (status != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

/* regproc as regprocedure and back: another name of the same number. */
MR_KERNEL(reg_to_reg)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MR_TRY(number_to_reg(eval, out, i, mr_reg_number(&MR_ARG(MrText, 0, i))));
    }
    return MR_OK;
}

/* Without the padding, and cut to the length of a name. */
MR_KERNEL(bpchar_to_name)
{
    MrText *results = out->data;
    MR_TRY(mr_cast_text_to_any(eval, args, arg_count, rows, out));
    MR_EACH_ROW(i)
    {
        results[i] = mr_bpchar_trim(&results[i]);
    }
    return MR_OK;
}

/* ---- The table ------------------------------------------------------------------------------- */

#define IN_OUT(TYPE)                                                           \
    MR_CAST(TEXT, TYPE, EXPLICIT, mr_cast_text_to_any, MR_FN_FALLIBLE),        \
        MR_CAST(VARCHAR, TYPE, EXPLICIT, mr_cast_text_to_any, MR_FN_FALLIBLE), \
        MR_CAST(UNKNOWN, TYPE, IMPLICIT, mr_cast_text_to_any, MR_FN_FALLIBLE), \
        MR_CAST(TYPE, TEXT, ASSIGNMENT, mr_cast_any_to_text, 0),               \
        MR_CAST(TYPE, VARCHAR, ASSIGNMENT, mr_cast_any_to_text, 0)

#define REG(TYPE, FROM_TEXT)                                                            \
    MR_CAST(TEXT, TYPE, FROM_TEXT, text_to_reg, MR_FN_FALLIBLE | MR_FN_CATALOG),        \
        MR_CAST(VARCHAR, TYPE, FROM_TEXT, text_to_reg, MR_FN_FALLIBLE | MR_FN_CATALOG), \
        MR_CAST(NAME, TYPE, EXPLICIT, text_to_reg, MR_FN_FALLIBLE | MR_FN_CATALOG),     \
        MR_CAST(UNKNOWN, TYPE, IMPLICIT, text_to_reg, MR_FN_FALLIBLE | MR_FN_CATALOG),  \
        MR_CAST(TYPE, TEXT, ASSIGNMENT, mr_cast_any_to_text, 0),                        \
        MR_CAST(TYPE, VARCHAR, ASSIGNMENT, mr_cast_any_to_text, 0),                     \
        MR_CAST(TYPE, OID, IMPLICIT, reg_to_oid, 0),                                    \
        MR_CAST(TYPE, INT64, ASSIGNMENT, reg_to_oid, 0),                                \
        MR_CAST(TYPE, INT32, ASSIGNMENT, reg_to_int4, 0),                               \
        MR_CAST(OID, TYPE, IMPLICIT, oid_to_reg, MR_FN_CATALOG),                        \
        MR_CAST(INT64, TYPE, IMPLICIT, oid_to_reg, MR_FN_CATALOG | MR_FN_FALLIBLE),     \
        MR_CAST(INT32, TYPE, IMPLICIT, int4_to_reg, MR_FN_CATALOG),                     \
        MR_CAST(INT16, TYPE, IMPLICIT, int2_to_reg, MR_FN_CATALOG | MR_FN_FALLIBLE)

const MrCast mr_casts_catalog[] = {
    IN_OUT(OID),
    IN_OUT(XID),
    IN_OUT(INT2VECTOR),
    IN_OUT(OIDVECTOR),
    IN_OUT(ACLITEM),
    IN_OUT(INET),
    IN_OUT(PG_LSN),
    MR_CAST(PG_NODE_TREE, TEXT, IMPLICIT, NULL, 0),
    MR_CAST(PG_NODE_TREE, VARCHAR, ASSIGNMENT, NULL, 0),
    MR_CAST(INT16, OID, IMPLICIT, int2_to_oid, 0),
    MR_CAST(INT32, OID, IMPLICIT, int4_to_oid, 0),
    MR_CAST(INT64, OID, IMPLICIT, int8_to_oid, MR_FN_FALLIBLE),
    MR_CAST(OID, INT64, ASSIGNMENT, NULL, 0),
    MR_CAST(OID, INT32, ASSIGNMENT, oid_to_int4, 0),
    MR_CAST(NAME, TEXT, IMPLICIT, NULL, 0),
    MR_CAST(NAME, VARCHAR, ASSIGNMENT, NULL, 0),
    MR_CAST(TEXT, NAME, IMPLICIT, mr_cast_text_to_any, 0),
    MR_CAST(VARCHAR, NAME, IMPLICIT, mr_cast_text_to_any, 0),
    MR_CAST(UNKNOWN, NAME, IMPLICIT, mr_cast_text_to_any, 0),
    MR_CAST(CHAR, TEXT, IMPLICIT, NULL, 0),
    MR_CAST(CHAR, VARCHAR, ASSIGNMENT, NULL, 0),
    MR_CAST(TEXT, CHAR, ASSIGNMENT, mr_cast_text_to_any, 0),
    MR_CAST(VARCHAR, CHAR, ASSIGNMENT, mr_cast_text_to_any, 0),
    MR_CAST(UNKNOWN, CHAR, IMPLICIT, mr_cast_text_to_any, 0),
    MR_CAST(BPCHAR, NAME, IMPLICIT, bpchar_to_name, 0),
    MR_CAST(BPCHAR, CHAR, ASSIGNMENT, mr_cast_text_to_any, 0),
    MR_CAST(CHAR, INT32, EXPLICIT, char_to_int4, 0),
    MR_CAST(INT32, CHAR, EXPLICIT, int4_to_char, MR_FN_FALLIBLE),
    MR_CAST(INT2VECTOR, INT16_ARRAY, IMPLICIT, NULL, 0),
    MR_CAST(OIDVECTOR, OID_ARRAY, IMPLICIT, NULL, 0),
    REG(REGPROC, EXPLICIT),
    REG(REGPROCEDURE, EXPLICIT),
    REG(REGOPER, EXPLICIT),
    REG(REGOPERATOR, EXPLICIT),
    REG(REGCLASS, IMPLICIT),
    REG(REGTYPE, EXPLICIT),
    REG(REGROLE, EXPLICIT),
    REG(REGNAMESPACE, EXPLICIT),
    REG(REGCOLLATION, EXPLICIT),
    REG(REGCONFIG, EXPLICIT),
    REG(REGDICTIONARY, EXPLICIT),
    MR_CAST(REGPROC, REGPROCEDURE, IMPLICIT, reg_to_reg, MR_FN_CATALOG),
    MR_CAST(REGPROCEDURE, REGPROC, IMPLICIT, reg_to_reg, MR_FN_CATALOG),
    MR_CAST(REGOPER, REGOPERATOR, IMPLICIT, reg_to_reg, MR_FN_CATALOG),
    MR_CAST(REGOPERATOR, REGOPER, IMPLICIT, reg_to_reg, MR_FN_CATALOG),
};
const uint32_t mr_casts_catalog_count = sizeof mr_casts_catalog / sizeof mr_casts_catalog[0];
