/*
 * engine/functions/jsonb_edit.c - jsonb changed along a path, with parts taken out or put in.
 * The result is written as text and then put into the normal form.
 */
#include "engine/functions/families.h"
#include "engine/functions/json_rows.h"

#include <stdlib.h>

typedef enum EditKind { EDIT_REPLACE, EDIT_CREATE, EDIT_BEFORE, EDIT_AFTER, EDIT_DELETE } EditKind;

typedef struct Edit {
    EditKind kind;
    MrArray path;
    MrString value;
    MrBuilder *out;
    MrError *err;
} Edit;

static bool edit_adds(EditKind kind)
{
    return kind == EDIT_CREATE || kind == EDIT_BEFORE || kind == EDIT_AFTER;
}

static MrStatus edit_value(Edit *e, MrString json, uint32_t level);

static MrStatus path_step(Edit *e, uint32_t level, char cell[MR_CELL_BYTES_MAX], MrString *out)
{
    if (mr_array_is_null(&e->path, level)) {
        return mr_error_set(e->err, MR_ERR_NULL_NOT_ALLOWED, "path element at position %u is null",
                            level + 1);
    }
    *out = mr_text_element(&e->path, level, cell);
    return MR_OK;
}

static void part_begin(Edit *e, bool *any)
{
    mr_builder_append_string(e->out, *any ? ", " : "");
    *any = true;
}

static void member_put(Edit *e, MrString name, MrString value, bool *any)
{
    part_begin(e, any);
    mr_json_append(e->out, name);
    mr_builder_append_string(e->out, ": ");
    mr_json_append(e->out, value);
}

static MrStatus edit_object(Edit *e, MrString json, uint32_t level)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    const bool last = level + 1 == e->path.count;
    bool any = false, found = false;
    MrString step, name, value;
    MrJsonItems items = mr_json_items(json);
    MR_TRY(path_step(e, level, cell, &step));
    mr_builder_append_char(e->out, '{');
    while (mr_json_next(&items, &name, &value)) {
        if (found || !mr_json_name_is(name, step)) {
            member_put(e, name, value, &any);
            continue;
        }
        found = true;
        if (!last) {
            part_begin(e, &any);
            mr_json_append(e->out, name);
            mr_builder_append_string(e->out, ": ");
            MR_TRY(edit_value(e, value, level + 1));
        } else if (e->kind == EDIT_BEFORE || e->kind == EDIT_AFTER) {
            mr_error_set(e->err, MR_ERR_INVALID_PARAMETER, "cannot replace existing key");
            return mr_error_hint(e->err, "Try using the function jsonb_set to replace key value.");
        } else if (e->kind != EDIT_DELETE) {
            member_put(e, name, e->value, &any);
        }
    }
    if (!found && last && edit_adds(e->kind)) {
        part_begin(e, &any);
        mr_json_append_string(e->out, step);
        mr_builder_append_string(e->out, ": ");
        mr_json_append(e->out, e->value);
    }
    mr_builder_append_char(e->out, '}');
    return MR_OK;
}

/* The index that a step names; INT64_MIN: before the first. */
static MrStatus step_index(Edit *e, uint32_t level, MrString step, int64_t length, int64_t *out)
{
    char text[24], *end;
    const bool fits = step.length > 0 && step.length < sizeof text;
    if (fits) {
        memcpy(text, step.data, step.length);
        text[step.length] = '\0';
        *out = strtoll(text, &end, 10);
    }
    if (!fits || *end != '\0' || *out < INT32_MIN || *out > INT32_MAX) {
        return mr_error_set(e->err, MR_ERR_INVALID_TEXT,
                            "path element at position %u is not an integer: \"%.*s\"", level + 1,
                            (int)mr_utf8_truncate(step.data, step.length, 200), step.data);
    }
    if (*out < 0) {
        *out = -*out > length ? INT64_MIN : *out + length;
    } else if (*out > length) {
        *out = length;
    }
    return MR_OK;
}

static void value_put(Edit *e, MrString value, bool *any)
{
    part_begin(e, any);
    mr_json_append(e->out, value);
}

static MrStatus edit_array(Edit *e, MrString json, uint32_t level)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    const bool last = level + 1 == e->path.count;
    const int64_t length = mr_json_array_length(json);
    bool any = false, done = false;
    int64_t wanted = 0, index = 0;
    MrString step, name, value;
    MrJsonItems items = mr_json_items(json);
    MR_TRY(path_step(e, level, cell, &step));
    MR_TRY(step_index(e, level, step, length, &wanted));
    mr_builder_append_char(e->out, '[');
    if ((wanted == INT64_MIN || length == 0) && last && edit_adds(e->kind)) {
        value_put(e, e->value, &any);
        done = true;
    }
    for (; mr_json_next(&items, &name, &value); index++) {
        if (index != wanted || done) {
            value_put(e, value, &any);
            continue;
        }
        done = true;
        if (!last) {
            part_begin(e, &any);
            MR_TRY(edit_value(e, value, level + 1));
            continue;
        }
        if (e->kind == EDIT_BEFORE || e->kind == EDIT_CREATE) {
            value_put(e, e->value, &any);
        }
        if (e->kind == EDIT_BEFORE || e->kind == EDIT_AFTER) {
            value_put(e, value, &any);
        }
        if (e->kind == EDIT_AFTER || e->kind == EDIT_REPLACE) {
            value_put(e, e->value, &any);
        }
    }
    if (!done && last && edit_adds(e->kind)) {
        value_put(e, e->value, &any);
    }
    mr_builder_append_char(e->out, ']');
    return MR_OK;
}

static MrStatus edit_value(Edit *e, MrString json, uint32_t level)
{
    switch (mr_json_first(json)) {
    case '{': return edit_object(e, json, level);
    case '[': return edit_array(e, json, level);
    default: mr_json_append(e->out, json); return MR_OK;
    }
}

/* Arguments: the value, the path, what is put there. */
static MrStatus edit_row(MrJsonRow *row, EditKind kind)
{
    Edit e = { .kind = kind, .out = row->out, .err = &row->error };
    const MrString json = mr_json_row_text(row, 0);
    const char first = mr_json_first(json);
    mr_arg_array_open(row->args[1], row->row, &e.path);
    if (e.path.shape.dimensions > 1) {
        return mr_error_set(e.err, MR_ERR_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
    }
    if (first != '{' && first != '[') {
        return mr_error_set(e.err, MR_ERR_INVALID_PARAMETER,
                            kind == EDIT_DELETE ? "cannot delete path in scalar"
                                                : "cannot set path in scalar");
    }
    if (kind != EDIT_DELETE) {
        e.value = mr_json_row_null(row, 2) ? MR_STRING("null") : mr_json_row_text(row, 2);
    }
    if (e.path.count == 0) {
        mr_json_append(row->out, json);
        return MR_OK;
    }
    return edit_value(&e, json, 0);
}

static bool flag_of(const MrJsonRow *row, uint32_t arg, bool otherwise)
{
    return arg < row->arg_count ? *(const uint8_t *)mr_vector_cell(row->args[arg], row->row) != 0
                                : otherwise;
}
static MrStatus set_row(MrJsonRow *row)
{
    return edit_row(row, flag_of(row, 3, true) ? EDIT_CREATE : EDIT_REPLACE);
}
static MrStatus insert_row(MrJsonRow *row)
{
    return edit_row(row, flag_of(row, 3, false) ? EDIT_AFTER : EDIT_BEFORE);
}
static MrStatus delete_path_row(MrJsonRow *row)
{
    return edit_row(row, EDIT_DELETE);
}
MR_JSON_KERNEL(jsonb_set, set_row)
MR_JSON_KERNEL(jsonb_insert, insert_row)
MR_JSON_KERNEL(jsonb_delete_path, delete_path_row)

/* jsonb_set_lax: what a NULL value means is the fifth argument's to say. */
static MrStatus set_lax_row(MrJsonRow *row)
{
    if (mr_json_row_null(row, 0) || mr_json_row_null(row, 1) ||
        (row->arg_count > 3 && mr_json_row_null(row, 3))) {
        row->is_null = true;
        return MR_OK;
    }
    if (row->arg_count > 4 && mr_json_row_null(row, 4)) {
        return mr_error_set(&row->error, MR_ERR_INVALID_PARAMETER,
                            "null_value_treatment must be \"delete_key\", \"return_target\", "
                            "\"use_json_null\", or \"raise_exception\"");
    }
    const MrString treatment =
        row->arg_count > 4 ? mr_json_row_text(row, 4) : MR_STRING("use_json_null");
    if (!mr_json_row_null(row, 2) || mr_string_equal(treatment, MR_STRING("use_json_null"))) {
        return set_row(row);
    }
    if (mr_string_equal(treatment, MR_STRING("raise_exception"))) {
        mr_error_set(&row->error, MR_ERR_NULL_NOT_ALLOWED, "JSON value must not be null");
        return mr_error_hint(&row->error, "To avoid, either change the null_value_treatment "
                                          "argument or ensure that an SQL NULL is not passed.");
    }
    if (mr_string_equal(treatment, MR_STRING("delete_key"))) {
        return edit_row(row, EDIT_DELETE);
    }
    if (mr_string_equal(treatment, MR_STRING("return_target"))) {
        mr_json_append(row->out, mr_json_row_text(row, 0));
        return MR_OK;
    }
    return mr_error_set(&row->error, MR_ERR_INVALID_PARAMETER,
                        "null_value_treatment must be \"delete_key\", \"return_target\", "
                        "\"use_json_null\", or \"raise_exception\"");
}
MR_JSON_KERNEL(jsonb_set_lax, set_lax_row)

/* ---- minus ---- */

static MrStatus cannot_delete(MrJsonRow *row, const char *what)
{
    return mr_error_set(&row->error, MR_ERR_INVALID_PARAMETER, "cannot delete from %s", what);
}

/* True when the part is to go: a member of that name, or an element that is that string. */
typedef bool PartGoes(const MrJsonRow *row, MrString name, MrString value, int64_t index);

static MrStatus without_parts(MrJsonRow *row, PartGoes *goes)
{
    const MrString json = mr_json_row_text(row, 0);
    const char first = mr_json_first(json);
    MrJsonItems items = mr_json_items(json);
    MrString name, value;
    bool any = false;
    if (first != '{' && first != '[') {
        return cannot_delete(row, "scalar");
    }
    mr_builder_append_char(row->out, first);
    for (int64_t index = 0; mr_json_next(&items, &name, &value); index++) {
        if (goes(row, name, value, index)) {
            continue;
        }
        mr_builder_append_string(row->out, any ? ", " : "");
        any = true;
        if (first == '{') {
            mr_json_append(row->out, name);
            mr_builder_append_string(row->out, ": ");
        }
        mr_json_append(row->out, value);
    }
    mr_builder_append_char(row->out, first == '{' ? '}' : ']');
    return MR_OK;
}

/* What a name is compared with: the member's name, or an element that is a string. */
static MrString part_word(MrString name, MrString value)
{
    return name.length > 0 ? name : mr_json_first(value) == '"' ? value : (MrString){ 0 };
}
static bool goes_by_name(const MrJsonRow *row, MrString name, MrString value, int64_t index)
{
    const MrString word = part_word(name, value);
    (void)index;
    return word.length > 0 && mr_json_name_is(word, mr_json_row_text(row, 1));
}
static bool goes_by_names(const MrJsonRow *row, MrString name, MrString value, int64_t index)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    const MrString word = part_word(name, value);
    MrArray names;
    (void)index;
    mr_arg_array_open(row->args[1], row->row, &names);
    for (uint32_t k = 0; word.length > 0 && k < names.count; k++) {
        if (!mr_array_is_null(&names, k) &&
            mr_json_name_is(word, mr_text_element(&names, k, cell))) {
            return true;
        }
    }
    return false;
}
static bool goes_by_index(const MrJsonRow *row, MrString name, MrString value, int64_t index)
{
    int64_t wanted = *(const int32_t *)mr_vector_cell(row->args[1], row->row);
    (void)name, (void)value;
    wanted += wanted < 0 ? mr_json_array_length(mr_json_row_text(row, 0)) : 0;
    return index == wanted;
}
static MrStatus minus_name(MrJsonRow *row)
{
    return without_parts(row, goes_by_name);
}
static MrStatus minus_names(MrJsonRow *row)
{
    MrArray names;
    mr_arg_array_open(row->args[1], row->row, &names);
    if (names.shape.dimensions > 1) {
        return mr_error_set(&row->error, MR_ERR_ARRAY_SUBSCRIPT,
                            "wrong number of array subscripts");
    }
    return without_parts(row, goes_by_names);
}
static MrStatus minus_index(MrJsonRow *row)
{
    if (mr_json_first(mr_json_row_text(row, 0)) == '{') {
        return cannot_delete(row, "object using integer index");
    }
    return without_parts(row, goes_by_index);
}
MR_JSON_KERNEL(jsonb_minus_name, minus_name)
MR_JSON_KERNEL(jsonb_minus_names, minus_names)
MR_JSON_KERNEL(jsonb_minus_index, minus_index)

/* ---- joining ---- */

static void parts_append(MrString json, char kind, MrBuilder *out, bool *any)
{
    MrJsonItems items = mr_json_items(json);
    MrString name, value;
    const char first = mr_json_first(json);
    if (first != kind) { /* beside an array everything else is an element */
        mr_builder_append_string(out, *any ? ", " : "");
        *any = true;
        mr_json_append(out, json);
        return;
    }
    while (mr_json_next(&items, &name, &value)) {
        mr_builder_append_string(out, *any ? ", " : "");
        *any = true;
        if (kind == '{') {
            mr_json_append(out, name);
            mr_builder_append_string(out, ": ");
        }
        mr_json_append(out, value);
    }
}
static MrStatus join_row(MrJsonRow *row)
{
    const MrString a = mr_json_row_text(row, 0), b = mr_json_row_text(row, 1);
    const char kind = mr_json_first(a) == '{' && mr_json_first(b) == '{' ? '{' : '[';
    bool any = false;
    mr_builder_append_char(row->out, kind);
    parts_append(a, kind, row->out, &any);
    parts_append(b, kind, row->out, &any);
    mr_builder_append_char(row->out, kind == '{' ? '}' : ']');
    return MR_OK;
}
MR_JSON_KERNEL(jsonb_join, join_row)

#define B MR_TYPE_JSONB
#define P MR_TYPE_TEXT_ARRAY
#define EDIT(NAME, COUNT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, ...) \
    MR_ENTRY(NAME, COUNT, JSONB, EVAL, (FLAGS) | FALLIBLE, DOC, EXAMPLE, RETURNS, __VA_ARGS__)
#define LAX_DOC "As jsonb_set; NULL is put in as null, or as the last argument says."

const MrFunction mr_functions_jsonb_edit[] = {
    EDIT("jsonb_set", 3, jsonb_set, MR_FN_STRICT,
         "With the value at the path, put there if need be.",
         "jsonb_set('{\"a\": [1, 2]}', '{a,0}', '7')", "{\"a\": [7, 2]}", B, P, B),
    EDIT("jsonb_set", 4, jsonb_set, MR_FN_STRICT, "The same; false: only where something is.",
         "jsonb_set('{\"a\": 1}', '{b}', '7', false)", "{\"a\": 1}", B, P, B, MR_TYPE_BOOL),
    EDIT("jsonb_set_lax", 3, jsonb_set_lax, 0, LAX_DOC, "jsonb_set_lax('{\"a\": 1}', '{a}', NULL)",
         "{\"a\": null}", B, P, B),
    EDIT("jsonb_set_lax", 4, jsonb_set_lax, 0, LAX_DOC,
         "jsonb_set_lax('{\"a\": 1}', '{b}', NULL, false)", "{\"a\": 1}", B, P, B, MR_TYPE_BOOL),
    EDIT("jsonb_set_lax", 5, jsonb_set_lax, 0, LAX_DOC,
         "jsonb_set_lax('{\"a\": 1}', '{a}', NULL, true, 'delete_key')", "{}", B, P, B,
         MR_TYPE_BOOL, MR_TYPE_TEXT),
    EDIT("jsonb_insert", 3, jsonb_insert, MR_FN_STRICT, "With the value put in before the path's.",
         "jsonb_insert('{\"a\": [0, 1]}', '{a,1}', '7')", "{\"a\": [0, 7, 1]}", B, P, B),
    EDIT("jsonb_insert", 4, jsonb_insert, MR_FN_STRICT, "The same; true: behind it.",
         "jsonb_insert('{\"a\": [0, 1]}', '{a,1}', '7', true)", "{\"a\": [0, 1, 7]}", B, P, B,
         MR_TYPE_BOOL),
    F2("#-", JSONB, TEXT_ARRAY, JSONB, jsonb_delete_path, FALLIBLE,
       "Without what the path leads to.", "'[\"a\", {\"b\": 1}]'::jsonb #- '{1,b}'", "[\"a\", {}]"),
    F2("-", JSONB, TEXT, JSONB, jsonb_minus_name, FALLIBLE,
       "Without the member of that name, or the elements that are that string.",
       "'{\"a\": 1, \"b\": 2}'::jsonb - 'a'", "{\"b\": 2}"),
    F2("-", JSONB, TEXT_ARRAY, JSONB, jsonb_minus_names, FALLIBLE, "The same of several names.",
       "'{\"a\": 1, \"b\": 2}'::jsonb - '{a,b}'::text[]", "{}"),
    F2("-", JSONB, INT32, JSONB, jsonb_minus_index, FALLIBLE, "Without that element.",
       "'[\"a\", \"b\"]'::jsonb - 1", "[\"a\"]"),
    F2("||", JSONB, JSONB, JSONB, jsonb_join, FALLIBLE,
       "Two objects, or two arrays, as one; anything else counts as an array of it.",
       "'{\"a\": 1}'::jsonb || '{\"b\": 2}'::jsonb", "{\"a\": 1, \"b\": 2}"),
};
MR_FAMILY_COUNT(jsonb_edit);
