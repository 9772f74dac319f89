/*
 * engine/functions/json.c - reading JSON: -> ->> #> #>>, its kinds and lengths, and making it from
 * scalars.  A part of a JSON value is a part of its text and shares it.
 */
#include "engine/functions/array_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/json_value.h"
#include "storage/jsonwalk.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

/* One step from a value to a part of it; false: there is none. */
typedef bool JsonStep(MrString json, const MrVector *arg, uint32_t row, MrString *out);

static bool step_member(MrString json, const MrVector *arg, uint32_t row, MrString *out)
{
    return mr_json_member(json, mr_arg_text(arg, row), out);
}
static bool step_element(MrString json, const MrVector *arg, uint32_t row, MrString *out)
{
    return mr_json_element(json, ((const int32_t *)arg->data)[arg->is_constant ? 0 : row], out);
}

/* A jsonb scalar answers as an array of itself, as in PostgreSQL. */
static bool step_jsonb_element(MrString json, const MrVector *arg, uint32_t row, MrString *out)
{
    const int32_t index = ((const int32_t *)arg->data)[arg->is_constant ? 0 : row];
    const MrString value = mr_json_trim(json);
    if (value.length > 0 && value.data[0] != '{' && value.data[0] != '[') {
        *out = value;
        return index == 0 || index == -1;
    }
    return mr_json_element(json, index, out);
}

static bool is_null_value(MrString json)
{
    json = mr_json_trim(json);
    return json.length == 4 && json.data[0] == 'n';
}

/* The part as a result: as JSON, or as text, where a string loses its quotes and null is NULL. */
static MrStatus set_part(MrEval *eval, MrVector *out, uint32_t row, MrString part, bool as_text,
                         MrBuilder *builder)
{
    MrError error = MR_ERROR_INIT;
    part = mr_json_trim(part);
    if (as_text && is_null_value(part)) {
        return mr_kernel_set_null(eval, out, row);
    }
    if (!as_text || part.length == 0 || part.data[0] != '"') {
        mr_set_part(out, row, part, 0, part.length);
        return MR_OK;
    }
    if (memchr(part.data, '\\', part.length) == NULL && part.length >= 2) {
        mr_set_part(out, row, part, 1, part.length - 1);
        return MR_OK;
    }
    if (mr_json_string_text(part, builder, &error) != MR_OK) {
        return mr_eval_row_failed(eval, out, row, &error);
    }
    return builder->failed ? mr_error_no_memory(eval->err)
                           : mr_kernel_set_text(eval, out, row, builder->data, builder->length);
}

static MrStatus step_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                          JsonStep *step, bool as_text)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        MrString part;
        texts.status = step(mr_arg_text(args[0], i), args[1], i, &part)
                           ? set_part(eval, out, i, part, as_text, &texts.builder)
                           : mr_kernel_set_null(eval, out, i);
    }
    return mr_text_rows_end(&texts);
}
#define STEP_KERNEL(NAME, STEP, AS_TEXT)                        \
    MR_KERNEL(NAME)                                             \
    {                                                           \
        (void)arg_count;                                        \
        return step_rows(eval, args, rows, out, STEP, AS_TEXT); \
    }
STEP_KERNEL(json_member, step_member, false)
STEP_KERNEL(json_element, step_element, false)
STEP_KERNEL(json_member_text, step_member, true)
STEP_KERNEL(json_element_text, step_element, true)
STEP_KERNEL(jsonb_element, step_jsonb_element, false)
STEP_KERNEL(jsonb_element_text, step_jsonb_element, true)

/* ---- paths ---- */

/* A step by name: in an array the name is a number. */
static bool step_name(MrString json, MrString name, MrString *out)
{
    json = mr_json_trim(json);
    if (json.length > 0 && json.data[0] == '[') {
        int64_t index = 0;
        const bool negative = name.length > 0 && name.data[0] == '-';
        if (name.length == negative || name.length > 10) {
            return false;
        }
        for (size_t i = negative; i < name.length; i++) {
            if (name.data[i] < '0' || name.data[i] > '9') {
                return false;
            }
            index = index * 10 + (name.data[i] - '0');
        }
        return mr_json_element(json, negative ? -index : index, out);
    }
    return mr_json_member(json, name, out);
}

/* Follows the elements of a path; false: there is nothing, or an element is NULL. */
static bool path_follow(MrString json, const MrArray *path, MrString *out)
{
    *out = mr_json_trim(json);
    for (uint32_t k = 0; k < path->count; k++) {
        _Alignas(16) char cell[MR_CELL_BYTES_MAX];
        MrText name;
        if (mr_array_is_null(path, k)) {
            return false;
        }
        mr_array_get(path, k, cell);
        memcpy(&name, cell, sizeof name);
        if (!step_name(*out, mr_text_string(&name), out)) {
            return false;
        }
    }
    return true;
}

static MrStatus path_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                          bool as_text)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        MrString part;
        MrArray path;
        mr_arg_array_open(args[1], i, &path);
        texts.status = path_follow(mr_arg_text(args[0], i), &path, &part)
                           ? set_part(eval, out, i, part, as_text, &texts.builder)
                           : mr_kernel_set_null(eval, out, i);
    }
    return mr_text_rows_end(&texts);
}
MR_KERNEL(json_path)
{
    (void)arg_count;
    return path_rows(eval, args, rows, out, false);
}
MR_KERNEL(json_path_text)
{
    (void)arg_count;
    return path_rows(eval, args, rows, out, true);
}

static MrStatus extract_path_rows(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                                  uint32_t rows, MrVector *out, bool as_text)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        MrString part = mr_json_trim(mr_arg_text(args[0], i));
        bool found = true;
        for (uint32_t k = 1; k < arg_count && found; k++) {
            found = step_name(part, mr_arg_text(args[k], i), &part);
        }
        texts.status = found ? set_part(eval, out, i, part, as_text, &texts.builder)
                             : mr_kernel_set_null(eval, out, i);
    }
    return mr_text_rows_end(&texts);
}
MR_KERNEL(json_extract_path)
{
    return extract_path_rows(eval, args, arg_count, rows, out, false);
}
MR_KERNEL(json_extract_path_text)
{
    return extract_path_rows(eval, args, arg_count, rows, out, true);
}

/* ---- kinds, lengths, making ---- */

static const char *json_kind(MrString json)
{
    json = mr_json_trim(json);
    switch (json.length > 0 ? json.data[0] : 'n') {
    case '{': return "object";
    case '[': return "array";
    case '"': return "string";
    case 't':
    case 'f': return "boolean";
    case 'n': return "null";
    default: return "number";
    }
}
MR_KERNEL(json_typeof)
{
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const char *kind = json_kind(mr_arg_text(args[0], i));
        ((MrText *)out->data)[i] = mr_text_make(kind, (uint32_t)strlen(kind));
    }
    return MR_OK;
}
MR_KERNEL(json_array_length)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrString json = mr_arg_text(args[0], i);
        const char *kind = json_kind(json);
        results[i] = 0;
        if (strcmp(kind, "array") == 0) {
            results[i] = (int32_t)mr_json_array_length(json);
        } else {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_INVALID_PARAMETER,
                                     "cannot get array length of %s",
                                     strcmp(kind, "object") == 0 ? "a non-array" : "a scalar"));
        }
    }
    return MR_OK;
}

/* Floats, rows and JSON as written are no jsonb yet: 1e+20, keys in any order. */
static bool needs_normalising(MrTypeId from, MrTypeId to)
{
    const MrTypeId type = mr_type_is_array(from) ? mr_type_element(from) : from;
    return to == MR_TYPE_JSONB && (type == MR_TYPE_JSON || type == MR_TYPE_FLOAT32 ||
                                   type == MR_TYPE_FLOAT64 || type == MR_TYPE_RECORD);
}

static MrStatus set_normalised(MrEval *eval, MrVector *out, uint32_t row, MrString json)
{
    MrError error = MR_ERROR_INIT;
    MrDatum normal;
    if (mr_datum_parse(eval->arena, mr_type(MR_TYPE_JSONB), json, NULL, &normal, &error) != MR_OK) {
        return mr_eval_row_failed(eval, out, row, &error);
    }
    ((MrText *)out->data)[row] = normal.text;
    return MR_OK;
}

MR_KERNEL(json_of_value)
{
    const MrJsonStyle style = { .is_jsonb = out->type.id == MR_TYPE_JSONB, .zone = eval->zone };
    MrBuilder text, builder;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&text, MR_TEXT_BYTES_MAX);
    mr_builder_init(&builder, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        mr_builder_clear(&builder);
        mr_json_append_value(args[0]->type.id, mr_vector_cell(args[0], i), &style, &text, &builder);
        const MrString json = { builder.data, builder.length };
        if (builder.failed || text.failed) {
            status = mr_error_no_memory(eval->err);
        } else if (needs_normalising(args[0]->type.id, out->type.id)) {
            status = set_normalised(eval, out, i, json);
        } else {
            status = mr_kernel_set_text(eval, out, i, json.data, json.length);
        }
    }
    mr_builder_fini(&text);
    mr_builder_fini(&builder);
    return status;
}

#define ACCESS(TYPE, NAME, CAST)                                                               \
    F2("->", TYPE, TEXT, TYPE, json_member, 0, "The member of that name.",                     \
       "'{\"a\": {\"b\": 1}}'" CAST " -> 'a'", "{\"b\": 1}"),                                  \
        F2("->", TYPE, INT32, TYPE, NAME##_element, 0,                                         \
           "Element n, from 0; negative from the end.", "'[1, 2, 3]'" CAST " -> -1", "3"),     \
        F2("->>", TYPE, TEXT, TEXT, json_member_text, FALLIBLE,                                \
           "The member of that name, as text.", "'{\"a\": \"x\"}'" CAST " ->> 'a'", "x"),      \
        F2("->>", TYPE, INT32, TEXT, NAME##_element_text, FALLIBLE, "Element n as text.",      \
           "'[1, 2, 3]'" CAST " ->> 2", "3"),                                                  \
        F2("#>", TYPE, TEXT_ARRAY, TYPE, json_path, FALLIBLE,                                  \
           "What a path like '{a,0}' leads to.", "'{\"a\": [7, 8]}'" CAST " #> '{a,1}'", "8"), \
        F2("#>>", TYPE, TEXT_ARRAY, TEXT, json_path_text, FALLIBLE,                            \
           "What a path leads to, as text.", "'{\"a\": [\"x\"]}'" CAST " #>> '{a,0}'", "x")
#define NAMED(PREFIX, TYPE, CAST)                                                           \
    F1(PREFIX "_typeof", TYPE, TEXT, json_typeof, 0,                                        \
       "object, array, string, number, boolean or null.", PREFIX "_typeof('-1.5'" CAST ")", \
       "number"),                                                                           \
        F1(PREFIX "_array_length", TYPE, INT32, json_array_length, FALLIBLE,                \
           "Number of elements.", PREFIX "_array_length('[1, [2], 3]'" CAST ")", "3"),      \
        F2(PREFIX "_extract_path", TYPE, TEXT, TYPE, json_extract_path, MR_FN_VARIADIC,     \
           "What the names lead to.",                                                       \
           PREFIX "_extract_path('{\"a\": {\"b\": 1}}'" CAST ", 'a', 'b')", "1"),           \
        F2(PREFIX "_extract_path_text", TYPE, TEXT, TEXT, json_extract_path_text,           \
           MR_FN_VARIADIC | FALLIBLE, "What the names lead to, as text.",                   \
           PREFIX "_extract_path_text('{\"a\": {\"b\": \"x\"}}'" CAST ", 'a', 'b')", "x")

const MrFunction mr_functions_json[] = {
    ACCESS(JSON, json, "::json"),
    ACCESS(JSONB, jsonb, "::jsonb"),
    NAMED("json", JSON, "::json"),
    NAMED("jsonb", JSONB, "::jsonb"),
    F1("to_json", UNKNOWN, JSON, json_of_value, MR_FN_ANY_ARGS | STABLE, "The value as JSON.",
       "to_json('a \"b\"'::text)", "\"a \\\"b\\\"\""),
    F1("to_jsonb", UNKNOWN, JSONB, json_of_value, MR_FN_ANY_ARGS | STABLE, "The value as JSON.",
       "to_jsonb(42)", "42"),
};
MR_FAMILY_COUNT(json);
