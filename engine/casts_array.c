/*
 * engine/casts_array.c - casts of arrays: element by element, where the elements have a cast.
 * Must not know how elements are cast.
 */
#include "engine/casts_internal.h"
#include "engine/functions/array_cells.h"

/* Puts the elements together again in the shapes that they had. */
static MrStatus reassemble(MrEval *eval, const MrVector *arrays, const MrElements *elements,
                           const MrVector *values, uint32_t rows, MrVector *out)
{
    MrText *results = out->data;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrArray array;
        mr_arg_array_open(arrays, i, &array);
        MR_TRY(mr_array_of_vector(eval->arena, values, elements->firsts[i], &array.shape,
                                  &results[i], eval->err));
    }
    return MR_OK;
}

static MrStatus elements_run(MrEval *eval, const MrVector *const *args, uint32_t rows,
                             MrVector *out, MrFunctionEval *kernel, uint32_t flags)
{
    MrElements elements;
    MrEval sub;
    MrVector values;
    MR_TRY(mr_elements_flatten(eval, args[0], out->validity, rows, &elements));
    MR_TRY(mr_elements_eval(eval, &elements, &sub));
    values = elements.values;
    const MrVector *source = &elements.values;
    MrType type = { mr_type_element(out->type.id), out->type.typmod };
    if (kernel != NULL && values.row_count > 0) {
        MR_TRY(mr_run_kernel(kernel, type, flags, &sub, &source, 1, values.row_count, &values));
    }
    values.type = type;
    return reassemble(eval, args[0], &elements, &values, rows, out);
}

MR_KERNEL(array_cast)
{
    (void)arg_count;
    const MrCast *cast =
        mr_cast_find(mr_type_element(args[0]->type.id), mr_type_element(out->type.id));
    return elements_run(eval, args, rows, out, cast->eval, cast->flags);
}

static MrStatus array_length_apply(MrEval *eval, const MrVector *const *args, uint32_t rows,
                                   MrVector *out, bool is_explicit)
{
    MrFunctionEval *kernel = mr_cast_length(mr_type_element(out->type.id), is_explicit);
    return elements_run(eval, args, rows, out, kernel, MR_FN_STRICT | MR_FN_FALLIBLE);
}
MrStatus mr_length_array_cut(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                             uint32_t rows, MrVector *out)
{
    (void)arg_count;
    return array_length_apply(eval, args, rows, out, true);
}
MrStatus mr_length_array_check(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                               uint32_t rows, MrVector *out)
{
    (void)arg_count;
    return array_length_apply(eval, args, rows, out, false);
}

bool mr_cast_of_elements(const MrCast *element, MrCast *out)
{
    if (element == NULL || element->from == MR_TYPE_UNKNOWN) {
        return false;
    }
    *out = *element;
    out->from = mr_type_array(element->from);
    out->to = mr_type_array(element->to);
    out->eval = array_cast;
    return true;
}

/* Text in and out: the types' own forms. */
void mr_casts_of_array_text(MrTypeId array, MrFunctionEval *input, MrFunctionEval *output,
                            MrCast out[MR_ARRAY_TEXT_CASTS])
{
    const uint32_t flags = MR_FN_STRICT | MR_FN_STABLE;
    out[0] = (MrCast){ MR_TYPE_TEXT, array, MR_CAST_EXPLICIT, input, flags | MR_FN_FALLIBLE };
    out[1] = (MrCast){ MR_TYPE_VARCHAR, array, MR_CAST_EXPLICIT, input, flags | MR_FN_FALLIBLE };
    out[2] = (MrCast){ MR_TYPE_UNKNOWN, array, MR_CAST_IMPLICIT, input, flags | MR_FN_FALLIBLE };
    out[3] = (MrCast){ array, MR_TYPE_TEXT, MR_CAST_ASSIGNMENT, output, flags };
    out[4] = (MrCast){ array, MR_TYPE_VARCHAR, MR_CAST_ASSIGNMENT, output, flags };
}
