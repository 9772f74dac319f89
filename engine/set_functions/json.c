/*
 * engine/set_functions/json.c - elements of JSON arrays, members and keys of JSON objects, as rows.
 * A part of a JSON value is a part of its text and shares it.
 */
#include "engine/kernel_template.h"
#include "engine/set_functions/set_families.h"
#include "storage/jsonwalk.h"

/* What the value has to be for the call, or the error that PostgreSQL gives for its kind. */
static MrStatus check_kind(MrString json, char wanted, const char *function, MrEval *eval)
{
    const char kind = json.length > 0 ? json.data[0] : ' ';
    if (kind == wanted) {
        return MR_OK;
    }
    const bool is_scalar = kind != '{' && kind != '[';
    if (wanted == '[' && is_scalar) {
        return mr_error_set(eval->err, MR_ERR_INVALID_PARAMETER,
                            "cannot extract elements from a scalar");
    }
    if (wanted == '[') {
        return mr_error_set(eval->err, MR_ERR_INVALID_PARAMETER,
                            "cannot extract elements from an object");
    }
    return mr_error_set(eval->err, MR_ERR_INVALID_PARAMETER, "cannot call %s on %s", function,
                        is_scalar ? "a scalar" : "an array");
}

/* The next element, or member with its name as a literal; false behind the last. */
static bool next_item(MrSetCursor *cursor, MrString json, MrString *name, MrString *part)
{
    MrJsonItems items = { .json = json, .at = cursor->at == 0 ? 1 : cursor->at };
    MrString ignored;
    const bool found = mr_json_next(&items, name != NULL ? name : &ignored, part);
    cursor->at = items.at;
    return found;
}

/* A part as text: a string loses its quotes, null is NULL. */
static MrStatus set_as_text(const MrSetPage *page, uint32_t column, MrString part, MrEval *eval)
{
    MrBuilder text;
    part = mr_json_trim(part);
    if (part.length == 4 && part.data[0] == 'n') {
        return mr_set_null(page, column, eval);
    }
    if (part.length == 0 || part.data[0] != '"') {
        return mr_set_text_copy(page, column, part, eval);
    }
    mr_builder_init(&text, MR_TEXT_BYTES_MAX);
    MrStatus status = mr_json_string_text(part, &text, eval->err);
    if (status == MR_OK && text.failed) {
        status = mr_error_no_memory(eval->err);
    }
    if (status == MR_OK) {
        status = mr_set_text_copy(page, column, (MrString){ text.data, text.length }, eval);
    }
    mr_builder_fini(&text);
    return status;
}

static MrStatus set_part(const MrSetPage *page, uint32_t column, MrString part, bool as_text,
                         MrEval *eval)
{
    return as_text ? set_as_text(page, column, part, eval)
                   : mr_set_text_copy(page, column, mr_json_trim(part), eval);
}

static MrStatus element_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page, bool as_text)
{
    const MrString json = mr_json_trim(mr_set_arg_text(cursor, 0));
    MrString part;
    MR_TRY(check_kind(json, '[', NULL, eval));
    while (page->count < page->room && next_item(cursor, json, NULL, &part)) {
        MR_TRY(set_part(page, 0, part, as_text, eval));
        page->count++;
    }
    return MR_OK;
}

static MrStatus member_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page,
                            const char *function, bool as_text)
{
    const MrString json = mr_json_trim(mr_set_arg_text(cursor, 0));
    MrString name, part;
    MR_TRY(check_kind(json, '{', function, eval));
    while (page->count < page->room && next_item(cursor, json, &name, &part)) {
        MR_TRY(set_as_text(page, 0, name, eval));
        MR_TRY(set_part(page, 1, part, as_text, eval));
        page->count++;
    }
    return MR_OK;
}

static MrStatus key_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page, const char *function)
{
    const MrString json = mr_json_trim(mr_set_arg_text(cursor, 0));
    MrString name, part;
    MR_TRY(check_kind(json, '{', function, eval));
    while (page->count < page->room && next_item(cursor, json, &name, &part)) {
        MR_TRY(set_as_text(page, 0, name, eval));
        page->count++;
    }
    return MR_OK;
}

#define ROWS(NAME, CALL)                                                            \
    static MrStatus NAME##_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page) \
    {                                                                               \
        return CALL;                                                                \
    }
ROWS(elements, element_rows(cursor, eval, page, false))
ROWS(elements_text, element_rows(cursor, eval, page, true))
ROWS(json_each, member_rows(cursor, eval, page, "json_each", false))
ROWS(json_each_text, member_rows(cursor, eval, page, "json_each_text", true))
ROWS(jsonb_each, member_rows(cursor, eval, page, "jsonb_each", false))
ROWS(jsonb_each_text, member_rows(cursor, eval, page, "jsonb_each_text", true))
ROWS(json_object_keys, key_rows(cursor, eval, page, "json_object_keys"))
ROWS(jsonb_object_keys, key_rows(cursor, eval, page, "jsonb_object_keys"))

#define ELEMENTS(NAME, TYPE, RESULT, EVAL, EXAMPLE, RETURNS)                           \
    {                                                                                  \
        .name = NAME, .args = { MR_TYPE_##TYPE }, .arg_count = 1,                      \
        .columns = { { "value", MR_TYPE_##RESULT } }, .column_count = 1, .rows = EVAL, \
        .doc = "The elements of a JSON array.", .example = EXAMPLE, .returns = RETURNS \
    }
#define EACH(NAME, TYPE, RESULT, EVAL, EXAMPLE, RETURNS)                                          \
    {                                                                                             \
        .name = NAME, .args = { MR_TYPE_##TYPE }, .arg_count = 1,                                 \
        .columns = { { "key", MR_TYPE_TEXT }, { "value", MR_TYPE_##RESULT } }, .column_count = 2, \
        .rows = EVAL, .doc = "Names and values of the members of a JSON object.",                 \
        .example = EXAMPLE, .returns = RETURNS                                                    \
    }
#define KEYS(NAME, TYPE, EVAL, EXAMPLE, RETURNS)                                                \
    {                                                                                           \
        .name = NAME, .args = { MR_TYPE_##TYPE }, .arg_count = 1,                               \
        .columns = { { NULL, MR_TYPE_TEXT } }, .column_count = 1, .rows = EVAL,                 \
        .doc = "Names of the members of a JSON object.", .example = EXAMPLE, .returns = RETURNS \
    }

const MrSetFunction mr_set_functions_json[] = {
    ELEMENTS("json_array_elements", JSON, JSON, elements_rows, "json_array_elements('[1, \"a\"]')",
             "1, \"a\""),
    ELEMENTS("json_array_elements_text", JSON, TEXT, elements_text_rows,
             "json_array_elements_text('[1, \"a\"]')", "1, a"),
    ELEMENTS("jsonb_array_elements", JSONB, JSONB, elements_rows,
             "jsonb_array_elements('[1, \"a\"]')", "1, \"a\""),
    ELEMENTS("jsonb_array_elements_text", JSONB, TEXT, elements_text_rows,
             "jsonb_array_elements_text('[1, \"a\"]')", "1, a"),
    EACH("json_each", JSON, JSON, json_each_rows, "json_each('{\"a\": 1, \"b\": \"x\"}')",
         "(a,1), (b,\"\"\"x\"\"\")"),
    EACH("json_each_text", JSON, TEXT, json_each_text_rows,
         "json_each_text('{\"a\": 1, \"b\": \"x\"}')", "(a,1), (b,x)"),
    EACH("jsonb_each", JSONB, JSONB, jsonb_each_rows, "jsonb_each('{\"a\": 1, \"b\": \"x\"}')",
         "(a,1), (b,\"\"\"x\"\"\")"),
    EACH("jsonb_each_text", JSONB, TEXT, jsonb_each_text_rows,
         "jsonb_each_text('{\"a\": 1, \"b\": \"x\"}')", "(a,1), (b,x)"),
    KEYS("json_object_keys", JSON, json_object_keys_rows,
         "json_object_keys('{\"b\": 1, \"a\": 2}')", "b, a"),
    KEYS("jsonb_object_keys", JSONB, jsonb_object_keys_rows,
         "jsonb_object_keys('{\"b\": 1, \"a\": 2}')", "a, b"),
    { .name = NULL },
};
