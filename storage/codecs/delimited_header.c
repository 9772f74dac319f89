/*
 * storage/codecs/delimited_header.c - a header line: checked against the columns (HEADER MATCH), or
 * deciding which field is which column.  Must not know rows.
 */
#include "storage/codecs/delimited.h"

#include <stdlib.h>

static MrStatus header_match(MrFieldReader *reader, uint32_t index, MrString raw, MrError *err)
{
    const MrCodecColumn *column = &reader->decoder->options.columns[index];
    MrString name = { 0 };
    bool is_null = false;
    MR_TRY(mr_field_resolve(reader, NULL, raw, &name, &is_null, err));
    if (is_null) {
        return mr_error_set(
            err, MR_ERR_BAD_COPY,
            "column name mismatch in header line field %u: got null value (\"%.*s\"), "
            "expected \"%s\"",
            index + 1, (int)reader->null_text.length, reader->null_text.data, column->name);
    }
    if (!mr_string_equal(name, mr_string(column->name))) {
        return mr_error_set(
            err, MR_ERR_BAD_COPY,
            "column name mismatch in header line field %u: got \"%.*s\", expected \"%s\"",
            index + 1, (int)mr_utf8_truncate(name.data, name.length, 64), name.data, column->name);
    }
    return MR_OK;
}

/* As written; failing that whatever the case, as SQL folds names that are not quoted. */
static const MrCodecColumn *header_find(const MrCodecOptions *options, MrString name)
{
    for (uint32_t i = 0; i < options->column_count; i++) {
        if (mr_string_equal(name, mr_string(options->columns[i].name))) {
            return &options->columns[i];
        }
    }
    for (uint32_t i = 0; i < options->column_count; i++) {
        if (mr_string_equal_nocase(name, mr_string(options->columns[i].name))) {
            return &options->columns[i];
        }
    }
    return NULL;
}

static MrStatus header_map(MrFieldReader *reader, const MrString *fields, uint32_t count,
                           const MrCodecColumn **columns, MrError *err)
{
    const MrCodecOptions *options = &reader->decoder->options;
    for (uint32_t i = 0; i < count; i++) {
        MrString name = { 0 };
        bool is_null;
        MR_TRY(mr_field_resolve(reader, NULL, fields[i], &name, &is_null, err));
        columns[i] = header_find(options, name);
        for (uint32_t j = 0; j < i && columns[i] != NULL; j++) {
            if (columns[j] == columns[i]) {
                return mr_error_set(err, MR_ERR_DUPLICATE_COLUMN,
                                    "column \"%s\" is named twice in the header line",
                                    columns[i]->name);
            }
        }
    }
    /* A column that no field brings is NULL in every row, which it must be allowed to be. */
    for (uint32_t i = 0; i < options->column_count; i++) {
        bool named = false;
        for (uint32_t j = 0; j < count; j++) {
            named |= columns[j] == &options->columns[i];
        }
        int32_t target = options->columns[i].target;
        if (!named && target >= 0) {
            if (options->columns[i].not_null) {
                return mr_error_set(err, MR_ERR_BAD_COPY, "header line does not name column \"%s\"",
                                    options->columns[i].name);
            }
            reader->decoder->stage.filled[target] = false;
        }
    }
    return MR_OK;
}

MrStatus mr_delimited_header(MrFieldReader *reader, const MrString *fields, uint32_t count,
                             const MrCodecColumn ***columns, uint32_t *column_count, MrError *err)
{
    const MrCodecOptions *options = &reader->decoder->options;
    if (!options->map_header) {
        if (count != options->column_count) {
            return mr_error_set(err, MR_ERR_BAD_COPY,
                                "wrong number of fields in header line: got %u, expected %u", count,
                                options->column_count);
        }
        for (uint32_t i = 0; i < count; i++) {
            MR_TRY(header_match(reader, i, fields[i], err));
        }
        return MR_OK;
    }
    const MrCodecColumn **mapped = calloc(count, sizeof *mapped);
    if (mapped == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = header_map(reader, fields, count, mapped, err);
    if (status != MR_OK) {
        free(mapped);
        return status;
    }
    free(*columns);
    *columns = mapped;
    *column_count = count;
    return MR_OK;
}
