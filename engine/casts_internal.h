/*
 * engine/casts_internal.h - the tables of casts: one per file casts_*.c, gathered by casts.c.
 */
#ifndef MR_ENGINE_CASTS_INTERNAL_H
#define MR_ENGINE_CASTS_INTERNAL_H

#include "engine/kernel_template.h"

extern const MrCast mr_casts_number[];
extern const uint32_t mr_casts_number_count;
extern const MrCast mr_casts_datetime[];
extern const uint32_t mr_casts_datetime_count;
extern const MrCast mr_casts_catalog[];
extern const uint32_t mr_casts_catalog_count;
extern const MrCast mr_casts_text[];
extern const uint32_t mr_casts_text_count;

/* One table line. */
#define MR_CAST(FROM, TO, CONTEXT, EVAL, FLAGS)                                         \
    {                                                                                   \
        MR_TYPE_##FROM, MR_TYPE_##TO, MR_CAST_##CONTEXT, (EVAL), MR_FN_STRICT | (FLAGS) \
    }

/* The cast of arrays whose elements have this one; false: there is none. */
bool mr_cast_of_elements(const MrCast *element, MrCast *out);
enum { MR_ARRAY_TEXT_CASTS = 5 };
/* An array type's casts from and to text. */
void mr_casts_of_array_text(MrTypeId array, MrFunctionEval *input, MrFunctionEval *output,
                            MrCast out[MR_ARRAY_TEXT_CASTS]);
/* Input and output by the type's own functions (casts_text.c). */
MrFunctionEval mr_cast_text_to_any, mr_cast_any_to_text, mr_cast_any_to_name;

/* Typmod kernels. */
MrFunctionEval mr_length_numeric, mr_length_timestamp, mr_length_timetz, mr_length_interval,
    mr_length_varchar_cut, mr_length_varchar_check, mr_length_bpchar_cut, mr_length_bpchar_check,
    mr_length_array_cut, mr_length_array_check;

#endif
