/*
 * engine/functions/jsonpath.c - jsonb_path_exists, jsonb_path_match, jsonb_path_query_array and
 * _first, @? and @@.  A path that is one for all rows is read once.
 */
#include "engine/functions/families.h"
#include "engine/functions/jsonpath_query.h"
#include "engine/functions/text_characters.h"
#include "storage/jsonwalk.h"

static MrStatus variables_of(const MrPathQuery *query, uint32_t row, MrString *out, MrError *err)
{
    *out = MR_STRING("{}");
    if (query->arg_count > 2) {
        *out = mr_json_trim(mr_arg_text(query->args[2], row));
    }
    if (out->length == 0 || out->data[0] != '{') {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "\"vars\" argument is not an object");
        return mr_error_detail(err, "Jsonpath parameters should be encoded as key-value pairs of "
                                    "\"vars\" object.");
    }
    return MR_OK;
}

bool mr_path_query_is_silent(const MrPathQuery *query, uint32_t row)
{
    return query->arg_count > 3 ? *(const uint8_t *)mr_vector_cell(query->args[3], row) != 0
                                : query->is_silent;
}

MrStatus mr_path_query_row(MrPathQuery *query, uint32_t row, MrPathItems *found,
                           MrPathResult *result, MrError *err)
{
    MrArena *arena = query->eval->arena;
    MrString variables;
    bool is_fatal = false;
    if (!query->is_read || !query->args[1]->is_constant) {
        MR_TRY(mr_path_parse(arena, mr_arg_text(query->args[1], row), &query->path, err));
        query->is_read = true;
    }
    MR_TRY(variables_of(query, row, &variables, err));
    *result = mr_path_run(arena, &query->path, mr_arg_text(query->args[0], row), variables,
                          query->uses_zone ? mr_eval_zone(query->eval) : NULL, &query->templates,
                          found, &is_fatal, err);
    if (*result != MR_PATH_FAILED || (!is_fatal && mr_path_query_is_silent(query, row))) {
        return MR_OK;
    }
    return err->status;
}

/* What becomes of one row's result. */
typedef MrStatus Deliver(MrPathQuery *query, uint32_t row, const MrPathItems *found,
                         MrPathResult result, MrVector *out, MrError *err);

static MrStatus query_rows(MrPathQuery *query, uint32_t rows, bool only_exists, Deliver *deliver,
                           MrVector *out)
{
    MrEval *eval = query->eval;
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        MrError error = MR_ERROR_INIT;
        MrPathItems found = { 0 };
        MrPathResult result;
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        MrStatus status = mr_path_query_row(query, i, only_exists ? NULL : &found, &result, &error);
        if (status == MR_OK) {
            status = deliver(query, i, &found, result, out, &error);
        }
        if (status != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

static MrStatus set_null(MrPathQuery *query, MrVector *out, uint32_t row, MrError *err)
{
    MrError *outer = query->eval->err;
    query->eval->err = err;
    const MrStatus status = mr_kernel_set_null(query->eval, out, row);
    query->eval->err = outer;
    return status;
}

static MrStatus deliver_exists(MrPathQuery *query, uint32_t row, const MrPathItems *found,
                               MrPathResult result, MrVector *out, MrError *err)
{
    (void)found;
    if (result == MR_PATH_FAILED) {
        return set_null(query, out, row, err);
    }
    ((uint8_t *)out->data)[row] = result == MR_PATH_FOUND;
    return MR_OK;
}

/* The one truth that a predicate gives. */
static MrStatus deliver_match(MrPathQuery *query, uint32_t row, const MrPathItems *found,
                              MrPathResult result, MrVector *out, MrError *err)
{
    const char first = found->count == 1 ? found->items[0].data[0] : ' ';
    if (result == MR_PATH_FAILED || first == 'n') {
        return set_null(query, out, row, err);
    }
    if (first != 't' && first != 'f') {
        return mr_path_query_is_silent(query, row)
                   ? set_null(query, out, row, err)
                   : mr_error_set(err, MR_ERR_JSON_SINGLETON, "single boolean result is expected");
    }
    ((uint8_t *)out->data)[row] = first == 't';
    return MR_OK;
}

static MrStatus put_text(MrPathQuery *query, MrVector *out, uint32_t row, MrString text,
                         MrError *err)
{
    char *copy = mr_arena_strndup(query->eval->arena, text.data, text.length);
    if (copy == NULL || text.length > MR_TEXT_BYTES_MAX) {
        return mr_error_no_memory(err);
    }
    ((MrText *)out->data)[row] = mr_text_make(copy, (uint32_t)text.length);
    return MR_OK;
}

static MrStatus deliver_array(MrPathQuery *query, uint32_t row, const MrPathItems *found,
                              MrPathResult result, MrVector *out, MrError *err)
{
    MrBuilder text;
    (void)result;
    mr_builder_init(&text, MR_TEXT_BYTES_MAX);
    mr_builder_append_char(&text, '[');
    for (uint32_t i = 0; i < found->count; i++) {
        mr_builder_append_string(&text, i > 0 ? ", " : "");
        mr_builder_append(&text, found->items[i].data, found->items[i].length);
    }
    mr_builder_append_char(&text, ']');
    const MrStatus status =
        text.failed ? mr_error_no_memory(err)
                    : put_text(query, out, row, (MrString){ text.data, text.length }, err);
    mr_builder_fini(&text);
    return status;
}

static MrStatus deliver_first(MrPathQuery *query, uint32_t row, const MrPathItems *found,
                              MrPathResult result, MrVector *out, MrError *err)
{
    (void)result;
    return found->count == 0 ? set_null(query, out, row, err)
                             : put_text(query, out, row, found->items[0], err);
}

#define PATH_KERNEL(NAME, SILENT, ZONED, ONLY_EXISTS, DELIVER)      \
    MR_KERNEL(NAME)                                                 \
    {                                                               \
        MrPathQuery query = { .eval = eval,                         \
                              .args = args,                         \
                              .arg_count = arg_count,               \
                              .is_silent = SILENT,                  \
                              .uses_zone = ZONED };                 \
        return query_rows(&query, rows, ONLY_EXISTS, DELIVER, out); \
    }
#define PATH_KERNELS(NAME, ONLY_EXISTS, DELIVER)          \
    PATH_KERNEL(NAME, false, false, ONLY_EXISTS, DELIVER) \
    PATH_KERNEL(NAME##_tz, false, true, ONLY_EXISTS, DELIVER)
PATH_KERNELS(path_exists, true, deliver_exists)
PATH_KERNELS(path_match, false, deliver_match)
PATH_KERNELS(path_query_array, false, deliver_array)
PATH_KERNELS(path_query_first, false, deliver_first)
PATH_KERNEL(path_exists_operator, true, false, true, deliver_exists)
PATH_KERNEL(path_match_operator, true, false, false, deliver_match)

#define VARIABLES_DOC " The third argument has the path's variables; true: no errors, NULL instead."
#define PATH_FUNCTION(NAME, RESULT, EVAL, DOC, EXAMPLE, RETURNS, EXAMPLE_3, RETURNS_3, EXAMPLE_4, \
                      RETURNS_4)                                                                  \
    F2(NAME, JSONB, JSONPATH, RESULT, EVAL, FALLIBLE, DOC, EXAMPLE, RETURNS),                     \
        F3(NAME, JSONB, JSONPATH, JSONB, RESULT, EVAL, FALLIBLE, DOC VARIABLES_DOC, EXAMPLE_3,    \
           RETURNS_3),                                                                            \
        F4(NAME, JSONB, JSONPATH, JSONB, BOOL, RESULT, EVAL, FALLIBLE, DOC VARIABLES_DOC,         \
           EXAMPLE_4, RETURNS_4)

#define ZONED_DOC "The same; dates and times without a zone are of the query's."
#define PATH_FUNCTION_TZ(NAME, RESULT, EVAL, EXAMPLE, RETURNS)                                   \
    F2(NAME, JSONB, JSONPATH, RESULT, EVAL, FALLIBLE | STABLE, ZONED_DOC,                        \
       NAME "('[\"2026-01-01\", \"2026-01-01 02:00:00+01\"]', " EXAMPLE ")", RETURNS),           \
        F3(NAME, JSONB, JSONPATH, JSONB, RESULT, EVAL, FALLIBLE | STABLE, ZONED_DOC,             \
           NAME "('[\"2026-01-01\", \"2026-01-01 02:00:00+01\"]', " EXAMPLE ", '{}')", RETURNS), \
        F4(NAME, JSONB, JSONPATH, JSONB, BOOL, RESULT, EVAL, FALLIBLE | STABLE, ZONED_DOC,       \
           NAME "('[\"2026-01-01\", \"2026-01-01 02:00:00+01\"]', " EXAMPLE ", '{}', true)",     \
           RETURNS)

const MrFunction mr_functions_jsonpath[] = {
    PATH_FUNCTION("jsonb_path_exists", BOOL, path_exists, "The path leads to something.",
                  "jsonb_path_exists('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > 2)')", "t",
                  "jsonb_path_exists('{\"a\": [1, 2]}', '$.a[*] ? (@ > $n)', '{\"n\": 2}')", "f",
                  "jsonb_path_exists('{\"a\": 1}', 'strict $.a', '{}', true)", "t"),
    PATH_FUNCTION("jsonb_path_match", BOOL, path_match, "What a predicate says of the value.",
                  "jsonb_path_match('{\"a\": [1, 2]}', '$.a[*] > 1')", "t",
                  "jsonb_path_match('{\"a\": 5}', '$.a == $n', '{\"n\": 6}')", "f",
                  "jsonb_path_match('{\"a\": 5}', '$.a == 5', '{}', true)", "t"),
    PATH_FUNCTION("jsonb_path_query_array", JSONB, path_query_array,
                  "All that the path leads to, as an array.",
                  "jsonb_path_query_array('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ >= 2)')", "[2, 3]",
                  "jsonb_path_query_array('[1, 2]', '$[*] ? (@ < $n)', '{\"n\": 2}')", "[1]",
                  "jsonb_path_query_array('[1]', 'strict $.a', '{}', true)", "[]"),
    PATH_FUNCTION("jsonb_path_query_first", JSONB, path_query_first,
                  "The first that the path leads to; NULL: nothing.",
                  "jsonb_path_query_first('{\"a\": [1, 2, 3]}', '$.a.size()')", "3",
                  "jsonb_path_query_first('[1, 2]', '$[*] ? (@ > $n)', '{\"n\": 1}')", "2",
                  "jsonb_path_query_first('[1]', 'strict $[0]', '{}', true)", "1"),
    PATH_FUNCTION_TZ("jsonb_path_exists_tz", BOOL, path_exists_tz,
                     "'strict $ ? (@[0].datetime() < @[1].datetime())'", "t"),
    PATH_FUNCTION_TZ("jsonb_path_match_tz", BOOL, path_match_tz,
                     "'$[0].datetime() > $[1].datetime()'", "f"),
    PATH_FUNCTION_TZ("jsonb_path_query_array_tz", JSONB, path_query_array_tz,
                     "'$[*].datetime() ? (@ < \"2026-01-01 01:30:00\".datetime())'",
                     "[\"2026-01-01\", \"2026-01-01T02:00:00+01:00\"]"),
    PATH_FUNCTION_TZ("jsonb_path_query_first_tz", JSONB, path_query_first_tz,
                     "'$[*].datetime() ? (@ > \"2026-01-01\".datetime())'",
                     "\"2026-01-01T02:00:00+01:00\""),
    F2("@?", JSONB, JSONPATH, BOOL, path_exists_operator, FALLIBLE,
       "The path leads to something; NULL where it fails.", "'{\"a\": [1]}'::jsonb @? '$.a[*]'",
       "t"),
    F2("@@", JSONB, JSONPATH, BOOL, path_match_operator, FALLIBLE,
       "What a predicate says of the value; NULL where it fails.",
       "'{\"a\": 2}'::jsonb @@ '$.a > 1'", "t"),
};
MR_FAMILY_COUNT(jsonpath);
