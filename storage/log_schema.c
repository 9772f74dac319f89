/*
 * storage/log_schema.c - the log's own copies of the schemas of its streams.  A reader on another
 * thread may be at work with one while a statement puts the catalogue that gave it aside, so a copy
 * stays until the log is closed; one that says the same as the last is not copied again.
 */
#include <string.h>

#include "storage/array.h"
#include "storage/log_internal.h"

static bool is_same_missing(const MrDatum *a, const MrDatum *b)
{
    _Alignas(16) char one[MR_CELL_BYTES_MAX], other[MR_CELL_BYTES_MAX];
    if (a == NULL || b == NULL || a->is_null || b->is_null) {
        return (a == NULL || a->is_null) && (b == NULL || b->is_null);
    }
    if (a->type.id != b->type.id) {
        return false;
    }
    mr_datum_store(a, one);
    mr_datum_store(b, other);
    return mr_cell_equal(a->type.id, one, other);
}

static bool is_same_column(const MrColumn *a, const MrColumn *b)
{
    return a->type.id == b->type.id && a->type.typmod == b->type.typmod &&
           a->not_null == b->not_null && strcmp(a->name, b->name) == 0 &&
           is_same_missing(a->missing, b->missing);
}

static bool is_same(const MrSchema *a, const MrSchema *b)
{
    bool same = a->column_count == b->column_count;
    for (uint32_t i = 0; i < a->column_count && same; i++) {
        same = is_same_column(&a->columns[i], &b->columns[i]);
    }
    return same;
}

static MrStatus copy_missing(MrArena *arena, const MrDatum *from, const MrDatum **out, MrError *err)
{
    MrDatum *copy;
    *out = NULL;
    if (from == NULL) {
        return MR_OK;
    }
    MR_NEW(arena, copy, err);
    *copy = *from;
    if (!from->is_null && mr_type_is_text(from->type.id)) {
        const char *bytes = mr_arena_strndup(arena, mr_text_data(&from->text), from->text.length);
        if (bytes == NULL) {
            return mr_error_no_memory(err);
        }
        copy->text = mr_text_make(bytes, from->text.length);
    }
    *out = copy;
    return MR_OK;
}

MrStatus log_schema_keep(MrLog *log, const MrSchema *had, const MrSchema *given,
                         const MrSchema **out, MrError *err)
{
    MrSchema *schema;
    MrColumn *columns;
    if (had != NULL && is_same(had, given)) {
        *out = had;
        return MR_OK;
    }
    MR_NEW(&log->schemas, schema, err);
    MR_NEW_ARRAY(&log->schemas, columns, given->column_count, err);
    for (uint32_t i = 0; i < given->column_count; i++) {
        columns[i] = given->columns[i];
        columns[i].name =
            mr_arena_strndup(&log->schemas, given->columns[i].name, strlen(given->columns[i].name));
        if (columns[i].name == NULL) {
            return mr_error_no_memory(err);
        }
        MR_TRY(copy_missing(&log->schemas, given->columns[i].missing, &columns[i].missing, err));
    }
    *schema = (MrSchema){ given->column_count, columns };
    *out = schema;
    return MR_OK;
}
