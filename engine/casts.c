/*
 * engine/casts.c - finds the cast between two types.
 * Must not know how a cast is made (casts_number.c, casts_datetime.c, casts_text.c,
 * casts_catalog.c).
 */
#include "engine/casts_internal.h"

#include <pthread.h>

static const MrCast *matrix[MR_TYPE_COUNT][MR_TYPE_COUNT];
static MrCast array_casts[MR_TYPE_SCALARS][MR_TYPE_SCALARS];
static MrCast array_texts[MR_TYPE_SCALARS][MR_ARRAY_TEXT_CASTS];
static MrCast name_casts[MR_TYPE_COUNT][2], bpchar_casts[MR_TYPE_COUNT][2];
static pthread_once_t matrix_once = PTHREAD_ONCE_INIT;

static void table_add(const MrCast *table, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        matrix[table[i].from][table[i].to] = &table[i];
    }
}

/* Arrays can be cast as their elements can. */
static void arrays_add(void)
{
    for (uint32_t from = MR_TYPE_UNKNOWN + 1; from < MR_TYPE_SCALARS; from++) {
        for (uint32_t to = MR_TYPE_UNKNOWN + 1; to < MR_TYPE_SCALARS; to++) {
            MrCast *cast = &array_casts[from][to];
            if (from != to && mr_cast_of_elements(matrix[from][to], cast)) {
                table_add(cast, 1);
            }
        }
        mr_casts_of_array_text(mr_type_array((MrTypeId)from), mr_cast_text_to_any,
                               mr_cast_any_to_text, array_texts[from]);
        table_add(array_texts[from], MR_ARRAY_TEXT_CASTS);
    }
}

static void cast_offer(MrCast *cast, const MrCast *like, MrTypeId from, MrTypeId to,
                       MrCastContext context, MrFunctionEval *eval)
{
    if (like != NULL && matrix[from][to] == NULL) {
        *cast = (MrCast){ from, to, context, eval, like->flags };
        table_add(cast, 1);
    }
}

/* Names and char(n) are strings like text: every type can be written as one and read from one. */
static void strings_add(void)
{
    for (uint32_t type = MR_TYPE_UNKNOWN + 1; type < MR_TYPE_COUNT; type++) {
        const MrTypeId id = (MrTypeId)type;
        const MrCast *input = matrix[MR_TYPE_TEXT][id];
        if (mr_type_exists(type) && id != MR_TYPE_NAME) {
            cast_offer(&name_casts[type][0], matrix[id][MR_TYPE_TEXT], id, MR_TYPE_NAME,
                       MR_CAST_ASSIGNMENT, mr_cast_any_to_name);
            cast_offer(&name_casts[type][1], input, MR_TYPE_NAME, id, MR_CAST_EXPLICIT,
                       input != NULL ? input->eval : NULL);
        }
        if (mr_type_exists(type) && id != MR_TYPE_BPCHAR) {
            const MrCast *output = matrix[id][MR_TYPE_TEXT];
            cast_offer(&bpchar_casts[type][0], output, id, MR_TYPE_BPCHAR, MR_CAST_ASSIGNMENT,
                       output != NULL ? output->eval : NULL);
            cast_offer(&bpchar_casts[type][1], input, MR_TYPE_BPCHAR, id, MR_CAST_EXPLICIT,
                       input != NULL ? input->eval : NULL);
        }
    }
}

static void matrix_build(void)
{
    table_add(mr_casts_number, mr_casts_number_count);
    table_add(mr_casts_datetime, mr_casts_datetime_count);
    table_add(mr_casts_text, mr_casts_text_count);
    table_add(mr_casts_catalog, mr_casts_catalog_count);
    strings_add();
    arrays_add();
    strings_add();
}

const MrCast *mr_cast_find(MrTypeId from, MrTypeId to)
{
    if ((unsigned)from >= MR_TYPE_COUNT || (unsigned)to >= MR_TYPE_COUNT) {
        return NULL;
    }
    pthread_once(&matrix_once, matrix_build);
    return matrix[from][to];
}

MrFunctionEval *mr_cast_length(MrTypeId type, bool is_explicit)
{
    switch (type) {
    case MR_TYPE_NUMERIC: return mr_length_numeric;
    case MR_TYPE_VARCHAR: return is_explicit ? mr_length_varchar_cut : mr_length_varchar_check;
    case MR_TYPE_BPCHAR: return is_explicit ? mr_length_bpchar_cut : mr_length_bpchar_check;
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return mr_length_timestamp;
    case MR_TYPE_TIMETZ: return mr_length_timetz;
    case MR_TYPE_INTERVAL: return mr_length_interval;
    default:
        if (mr_type_is_array(type) && mr_cast_length(mr_type_element(type), is_explicit) != NULL) {
            return is_explicit ? mr_length_array_cut : mr_length_array_check;
        }
        return NULL;
    }
}
