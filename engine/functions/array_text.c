/*
 * engine/functions/array_text.c - arrays made of text and text made of arrays: array_to_string,
 * string_to_array, and what regular expressions find.
 */
#include "engine/functions/array_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/regex_program.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

/* ---- array_to_string ---- */

static void joined_row(const MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                       uint32_t row, MrBuilder *builder)
{
    MrArray array;
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    const bool has_null = arg_count > 2 && !mr_vector_is_null(args[2], row);
    const MrString between = mr_arg_text(args[1], row);
    bool any = false;
    mr_arg_array_open(args[0], row, &array);
    for (uint32_t k = 0; k < array.count; k++) {
        const bool is_null = mr_array_is_null(&array, k);
        if (is_null && !has_null) {
            continue;
        }
        if (any) {
            mr_builder_append(builder, between.data, between.length);
        }
        any = true;
        if (is_null) {
            const MrString null = mr_arg_text(args[2], row);
            mr_builder_append(builder, null.data, null.length);
        } else {
            mr_array_get(&array, k, cell);
            mr_cell_format(array.element, cell, eval->zone, builder);
        }
    }
}
MR_KERNEL(array_to_string)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        if (mr_vector_is_null(args[0], i) || mr_vector_is_null(args[1], i)) {
            mr_text_rows_set_null(&texts, i);
            continue;
        }
        joined_row(eval, args, arg_count, i, &texts.builder);
        mr_text_rows_put(&texts, i);
    }
    return mr_text_rows_end(&texts);
}

/* ---- string_to_array ---- */

static MrStatus part_add(MrEval *eval, MrArrayBuild *build, MrString text, size_t from, size_t to,
                         const MrString *null)
{
    const MrString part = { text.data + from, to - from };
    const MrText cell = mr_text_make(part.data, (uint32_t)part.length);
    const bool is_null = null != NULL && mr_string_equal(part, *null);
    return mr_array_build_add(build, is_null ? NULL : &cell, eval->err);
}

static MrStatus split_row(MrEval *eval, MrString text, const MrString *delimiter,
                          const MrString *null, MrArrayBuild *build)
{
    size_t start = 0;
    if (text.length == 0) {
        return MR_OK;
    }
    if (delimiter == NULL) { /* every character */
        while (start < text.length) {
            const size_t next = mr_next_character(text, start);
            MR_TRY(part_add(eval, build, text, start, next, null));
            start = next;
        }
        return MR_OK;
    }
    if (delimiter->length == 0) {
        return part_add(eval, build, text, 0, text.length, null);
    }
    for (;;) {
        const char *found =
            memmem(text.data + start, text.length - start, delimiter->data, delimiter->length);
        const size_t end = found != NULL ? (size_t)(found - text.data) : text.length;
        MR_TRY(part_add(eval, build, text, start, end, null));
        if (found == NULL) {
            return MR_OK;
        }
        start = end + delimiter->length;
    }
}
MR_KERNEL(string_to_array)
{
    MrArrayBuild build;
    MrText *results = out->data;
    mr_array_build_init(&build, eval->arena, MR_TYPE_TEXT);
    for (uint32_t i = 0; i < rows; i++) {
        MrString delimiter, null;
        results[i] = (MrText){ 0 };
        if (mr_vector_is_null(args[0], i)) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        const bool has_delimiter = !mr_vector_is_null(args[1], i);
        const bool has_null = arg_count > 2 && !mr_vector_is_null(args[2], i);
        if (has_delimiter) {
            delimiter = mr_arg_text(args[1], i);
        }
        if (has_null) {
            null = mr_arg_text(args[2], i);
        }
        MR_TRY(split_row(eval, mr_arg_text(args[0], i), has_delimiter ? &delimiter : NULL,
                         has_null ? &null : NULL, &build));
        MR_TRY(mr_array_build_take(&build, NULL, &results[i], eval->err));
    }
    return MR_OK;
}

/* ---- regular expressions ---- */

/* Compiles the row's expression; *regex NULL after the row's error was noted. */
static MrStatus regex_open(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                           uint32_t row, MrVector *out, const char *function, MrRegex **regex)
{
    MrError error = MR_ERROR_INIT;
    MrRegexFlags flags = { 0 };
    MrStatus status = MR_OK;
    *regex = NULL;
    if (arg_count > 2) {
        status = mr_regex_flags_read(mr_arg_text(args[2], row), &flags, &error);
    }
    if (status == MR_OK && flags.global) {
        status = mr_error_set(&error, MR_ERR_INVALID_PARAMETER,
                              "%s does not support the \"global\" option", function);
    }
    if (status == MR_OK) {
        status = mr_regex_compile(mr_arg_text(args[1], row), &flags, regex, &error);
    }
    if (status != MR_OK) {
        *regex = NULL;
        return mr_eval_row_failed(eval, out, row, &error);
    }
    return MR_OK;
}

static MrStatus groups_add(MrEval *eval, const MrRegex *regex, MrString text, MrArrayBuild *build)
{
    const uint32_t count = mr_regex_group_count(regex);
    size_t start, end;
    for (uint32_t group = count > 0 ? 1 : 0; group <= count; group++) {
        if (mr_regex_group(regex, group, &start, &end)) {
            MR_TRY(part_add(eval, build, text, start, end, NULL));
        } else {
            MR_TRY(mr_array_build_add(build, NULL, eval->err));
        }
    }
    return MR_OK;
}
MR_KERNEL(regexp_match)
{
    MrArrayBuild build;
    MrText *results = out->data;
    mr_array_build_init(&build, eval->arena, MR_TYPE_TEXT);
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrRegex *regex;
        MrError error = MR_ERROR_INIT;
        bool found = false;
        const MrString text = mr_arg_text(args[0], i);
        MR_TRY(regex_open(eval, args, arg_count, i, out, "regexp_match()", &regex));
        if (regex == NULL) {
            continue;
        }
        if (mr_regex_match(regex, text, 0, &found, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        } else if (!found) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        } else {
            MR_TRY(groups_add(eval, regex, text, &build));
            MR_TRY(mr_array_build_take(&build, NULL, &results[i], eval->err));
        }
    }
    return MR_OK;
}

/* An empty match at the start, at the end or right behind another splits nothing. */
static MrStatus regex_split_row(MrEval *eval, MrRegex *regex, MrString text, uint32_t row,
                                MrVector *out, MrArrayBuild *build)
{
    MrError error = MR_ERROR_INIT;
    size_t part = 0, from = 0, start, end;
    while (from <= text.length) {
        bool found = false;
        if (mr_regex_match(regex, text, from, &found, &error) != MR_OK) {
            build->count = 0;
            return mr_eval_row_failed(eval, out, row, &error);
        }
        if (!found) {
            break;
        }
        mr_regex_group(regex, 0, &start, &end);
        if (end > start || (start > part && start < text.length)) {
            MR_TRY(part_add(eval, build, text, part, start, NULL));
            part = end;
        }
        from = end > start ? end : end < text.length ? mr_next_character(text, end) : end + 1;
    }
    MR_TRY(part_add(eval, build, text, part, text.length, NULL));
    return mr_array_build_take(build, NULL, (MrText *)out->data + row, eval->err);
}
MR_KERNEL(regexp_split_to_array)
{
    MrArrayBuild build;
    mr_array_build_init(&build, eval->arena, MR_TYPE_TEXT);
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrRegex *regex;
        MR_TRY(regex_open(eval, args, arg_count, i, out, "regexp_split_to_array()", &regex));
        if (regex != NULL) {
            MR_TRY(regex_split_row(eval, regex, mr_arg_text(args[0], i), i, out, &build));
        }
    }
    return MR_OK;
}

const MrFunction mr_functions_array_text[] = {
    MR_ENTRY("array_to_string", 2, TEXT, array_to_string, MR_FN_SAME | STABLE,
             "The elements with the separator between; NULLs are left out.",
             "array_to_string(ARRAY[1, NULL, 3], ',')", "1,3", MR_TYPE_ANYARRAY, MR_TYPE_TEXT),
    MR_ENTRY("array_to_string", 3, TEXT, array_to_string, MR_FN_SAME | STABLE,
             "The same with a text for NULLs.", "array_to_string(ARRAY[1, NULL, 3], ',', '*')",
             "1,*,3", MR_TYPE_ANYARRAY, MR_TYPE_TEXT, MR_TYPE_TEXT),
    MR_ENTRY("string_to_array", 2, TEXT_ARRAY, string_to_array, 0,
             "The parts between the separators; with NULL every character.",
             "string_to_array('xx~~yy~~zz', '~~')", "{xx,yy,zz}", MR_TYPE_TEXT, MR_TYPE_TEXT),
    MR_ENTRY("string_to_array", 3, TEXT_ARRAY, string_to_array, 0,
             "The same; parts equal to the third argument are NULL.",
             "string_to_array('xx~~yy~~zz', '~~', 'yy')", "{xx,NULL,zz}", MR_TYPE_TEXT,
             MR_TYPE_TEXT, MR_TYPE_TEXT),
    F2("regexp_match", TEXT, TEXT, TEXT_ARRAY, regexp_match, FALLIBLE,
       "The groups of the first match (or the match); NULL: none.",
       "regexp_match('foobarbequebaz', '(bar)(beque)')", "{bar,beque}"),
    F3("regexp_match", TEXT, TEXT, TEXT, TEXT_ARRAY, regexp_match, FALLIBLE, "The same with flags.",
       "regexp_match('foobar', 'BA.', 'i')", "{bar}"),
    F2("regexp_split_to_array", TEXT, TEXT, TEXT_ARRAY, regexp_split_to_array, FALLIBLE,
       "The parts between the matches.", "regexp_split_to_array('hello world', '\\s+')",
       "{hello,world}"),
    F3("regexp_split_to_array", TEXT, TEXT, TEXT, TEXT_ARRAY, regexp_split_to_array, FALLIBLE,
       "The same with flags.", "regexp_split_to_array('1x2X3', 'x', 'i')", "{1,2,3}"),
};
MR_FAMILY_COUNT(array_text);
