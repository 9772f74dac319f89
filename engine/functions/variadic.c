/*
 * engine/functions/variadic.c - f(…, VARIADIC array): each row's elements are the arguments of one
 * call of f.  Entries are named f(variadic); the binder asks for them by that name.
 */
#include "engine/functions/array_cells.h"
#include "engine/functions/families.h"

/* The entry that takes any number of arguments. */
static const MrFunction *variadic_entry(const char *name)
{
    const MrFunction *const *found;
    const uint32_t count = mr_function_lookup(mr_string(name), &found);
    for (uint32_t i = 0; i < count; i++) {
        if (found[i]->flags & MR_FN_VARIADIC) {
            return found[i];
        }
    }
    return NULL;
}

/* A call of one row, with constants as arguments. */
typedef struct Call {
    const MrFunction *function;
    MrVector *values;
    const MrVector **args;
    uint32_t capacity;
} Call;

static MrStatus call_reserve(Call *call, MrArena *arena, uint32_t count, MrError *err)
{
    if (count <= call->capacity && call->args != NULL) {
        return MR_OK;
    }
    call->capacity = count * 2 + 8;
    MR_NEW_ARRAY(arena, call->values, call->capacity, err);
    MR_NEW_ARRAY(arena, call->args, call->capacity, err);
    for (uint32_t i = 0; i < call->capacity; i++) {
        call->args[i] = &call->values[i];
    }
    return MR_OK;
}

/* `cell` NULL: a NULL. */
static MrStatus call_set(Call *call, MrArena *arena, uint32_t arg, MrType type, const void *cell,
                         MrError *err)
{
    MrVector *value = &call->values[arg];
    MR_TRY(mr_vector_init(value, arena, type, 1, err));
    value->is_constant = true;
    if (cell != NULL) {
        memcpy(value->data, cell, mr_type_info(type.id)->width);
        return MR_OK;
    }
    memset(value->data, 0, mr_type_info(type.id)->width);
    value->validity = mr_arena_calloc(arena, 1, sizeof *value->validity);
    return value->validity == NULL ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus row_run(Call *call, MrEval *eval, const MrVector *const *args, uint32_t fixed,
                        uint32_t row, MrVector *out)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    const MrType element = mr_type(mr_type_element(args[fixed]->type.id));
    MrArray array;
    MrVector result;
    mr_arg_array_open(args[fixed], row, &array);
    MR_TRY(call_reserve(call, eval->arena, fixed + array.count, eval->err));
    for (uint32_t i = 0; i < fixed; i++) {
        MR_TRY(call_set(call, eval->arena, i, args[i]->type,
                        mr_vector_is_null(args[i], row) ? NULL : mr_vector_cell(args[i], row),
                        eval->err));
    }
    for (uint32_t i = 0; i < array.count; i++) {
        const bool is_null = mr_array_is_null(&array, i);
        if (!is_null) {
            mr_array_get(&array, i, cell);
        }
        MR_TRY(call_set(call, eval->arena, fixed + i, element, is_null ? NULL : cell, eval->err));
    }
    const uint32_t origin = eval->origin != NULL ? eval->origin[row] : row;
    MrEval one = *eval;
    one.block = NULL;
    one.origin = &origin;
    MR_TRY(mr_run_kernel(call->function->eval, out->type, call->function->flags, &one, call->args,
                         fixed + array.count, 1, &result));
    if (mr_vector_is_null(&result, 0)) {
        return mr_kernel_set_null(eval, out, row);
    }
    const uint32_t width = mr_type_info(out->type.id)->width;
    memcpy((char *)out->data + (size_t)row * width, mr_vector_cell(&result, 0), width);
    return MR_OK;
}

static MrStatus rows_run(const char *name, MrEval *eval, const MrVector *const *args,
                         uint32_t arg_count, uint32_t rows, MrVector *out)
{
    Call call = { .function = variadic_entry(name) };
    const uint32_t fixed = arg_count - 1;
    mr_kernel_clear(out, rows);
    if (call.function == NULL) {
        return mr_error_set(eval->err, MR_ERR_INTERNAL, "%s() is not variadic", name);
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (mr_vector_is_null(args[fixed], i)) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        } else {
            MR_TRY(row_run(&call, eval, args, fixed, i, out));
        }
    }
    return MR_OK;
}

#define VARIADIC_KERNEL(NAME, FUNCTION)                              \
    MR_KERNEL(NAME)                                                  \
    {                                                                \
        return rows_run(FUNCTION, eval, args, arg_count, rows, out); \
    }
VARIADIC_KERNEL(concat_array, "concat")
VARIADIC_KERNEL(concat_ws_array, "concat_ws")
VARIADIC_KERNEL(format_array, "format")
VARIADIC_KERNEL(num_nulls_array, "num_nulls")
VARIADIC_KERNEL(num_nonnulls_array, "num_nonnulls")
VARIADIC_KERNEL(json_array_array, "json_build_array")
VARIADIC_KERNEL(json_object_array, "json_build_object")
VARIADIC_KERNEL(jsonb_array_array, "jsonb_build_array")
VARIADIC_KERNEL(jsonb_object_array, "jsonb_build_object")

#define OF_ARRAY(NAME, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                                      \
    MR_ENTRY(NAME "(variadic)", 1, R, EVAL, STABLE | MR_FN_SAME | MR_FN_ARRAY_CALL | (FLAGS), DOC, \
             NAME EXAMPLE, RETURNS, MR_TYPE_ANYARRAY)
#define OF_TEXT_AND_ARRAY(NAME, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                             \
    MR_ENTRY(NAME "(variadic)", 2, R, EVAL, STABLE | MR_FN_SAME | MR_FN_ARRAY_CALL | (FLAGS), DOC, \
             NAME EXAMPLE, RETURNS, MR_TYPE_TEXT, MR_TYPE_ANYARRAY)

const MrFunction mr_functions_variadic[] = {
    OF_ARRAY("concat", TEXT, concat_array, 0, "All elements as text, joined; NULLs passed over.",
             "(VARIADIC ARRAY['a', NULL, 'b'])", "ab"),
    OF_TEXT_AND_ARRAY("concat_ws", TEXT, concat_ws_array, 0,
                      "All elements that are not NULL, with a separator.",
                      "(',', VARIADIC ARRAY['a', NULL, 'b'])", "a,b"),
    OF_TEXT_AND_ARRAY("format", TEXT, format_array, FALLIBLE, "The text with its elements put in.",
                      "('%2$s-%1$s', VARIADIC ARRAY[1, 2])", "2-1"),
    OF_ARRAY("num_nulls", INT32, num_nulls_array, 0, "How many elements are NULL.",
             "(VARIADIC ARRAY[1, NULL, 2])", "1"),
    OF_ARRAY("num_nonnulls", INT32, num_nonnulls_array, 0, "How many elements are not NULL.",
             "(VARIADIC ARRAY[1, NULL, 2])", "2"),
    OF_ARRAY("json_build_array", JSON, json_array_array, 0, "The elements as a JSON array.",
             "(VARIADIC ARRAY[1, NULL])", "[1, null]"),
    OF_ARRAY("json_build_object", JSON, json_object_array, FALLIBLE,
             "Names and values, in turn, as an object.", "(VARIADIC ARRAY['a', 'b'])",
             "{\"a\" : \"b\"}"),
    OF_ARRAY("jsonb_build_array", JSONB, jsonb_array_array, 0, "The elements as a JSON array.",
             "(VARIADIC ARRAY[1, NULL])", "[1, null]"),
    OF_ARRAY("jsonb_build_object", JSONB, jsonb_object_array, FALLIBLE,
             "Names and values, in turn, as an object.", "(VARIADIC ARRAY['a', 'b'])",
             "{\"a\": \"b\"}"),
};
MR_FAMILY_COUNT(variadic);
