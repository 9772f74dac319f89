/*
 * engine/functions/json_build.c - JSON made of values: arrays and objects from arguments and from
 * arrays of text, without nulls, and laid out for the eye.
 */
#include "engine/aggregate.h"
#include "engine/functions/families.h"
#include "engine/functions/json_rows.h"
#include "engine/functions/json_value.h"
#include "storage/jsonarray.h"

/* ---- what kernels share (json_rows.h) ---- */

static MrStatus row_finish(MrJsonRow *row, MrVector *out)
{
    MrEval *eval = row->eval;
    if (row->out->failed || row->scratch->failed) {
        return mr_error_no_memory(eval->err);
    }
    if (row->is_null) {
        return mr_kernel_set_null(eval, out, row->row);
    }
    if (out->type.id != MR_TYPE_JSONB) {
        return mr_kernel_set_text(eval, out, row->row, row->out->data, row->out->length);
    }
    MrDatum normal;
    const MrString json = { row->out->data, row->out->length };
    if (mr_datum_parse(eval->arena, mr_type(MR_TYPE_JSONB), json, NULL, &normal, &row->error) !=
        MR_OK) {
        return mr_eval_row_failed(eval, out, row->row, &row->error);
    }
    ((MrText *)out->data)[row->row] = normal.text;
    return MR_OK;
}

MrStatus mr_json_rows(MrEval *eval, const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                      MrVector *out, MrJsonRowWrite *write)
{
    MrBuilder builder, scratch;
    MrStatus status = MR_OK;
    mr_builder_init(&builder, MR_TEXT_BYTES_MAX);
    mr_builder_init(&scratch, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        MrJsonRow row = { .eval = eval,
                          .args = args,
                          .arg_count = arg_count,
                          .row = i,
                          .type = out->type.id,
                          .out = &builder,
                          .scratch = &scratch,
                          .error = MR_ERROR_INIT };
        mr_builder_clear(&builder);
        status = write(&row) == MR_OK ? row_finish(&row, out)
                                      : mr_eval_row_failed(eval, out, i, &row.error);
    }
    mr_builder_fini(&builder);
    mr_builder_fini(&scratch);
    return status;
}

MrString mr_text_element(const MrArray *array, uint32_t index, char cell[MR_CELL_BYTES_MAX])
{
    mr_array_get(array, index, cell);
    return mr_text_string((const MrText *)(const void *)cell);
}

bool mr_json_name_is(MrString literal, MrString name)
{
    if (memchr(literal.data, '\\', literal.length) == NULL) {
        return literal.length == name.length + 2 &&
               memcmp(literal.data + 1, name.data, name.length) == 0;
    }
    MrBuilder text;
    mr_builder_init(&text, 0);
    const bool same = mr_json_string_text(literal, &text, NULL) == MR_OK &&
                      mr_string_equal((MrString){ text.data, text.length }, name);
    mr_builder_fini(&text);
    return same;
}

/* ---- from arguments ---- */

static void value_append(MrJsonRow *row, uint32_t arg)
{
    const MrVector *vector = row->args[arg];
    const MrJsonStyle style = { .is_jsonb = row->type == MR_TYPE_JSONB, .zone = row->eval->zone };
    if (mr_vector_is_null(vector, row->row)) {
        mr_builder_append_string(row->out, "null");
        return;
    }
    mr_json_append_value(vector->type.id, mr_vector_cell(vector, row->row), &style, row->scratch,
                         row->out);
}

static MrStatus build_array(MrJsonRow *row)
{
    mr_builder_append_char(row->out, '[');
    for (uint32_t k = 0; k < row->arg_count; k++) {
        mr_builder_append_string(row->out, k > 0 ? ", " : "");
        value_append(row, k);
    }
    mr_builder_append_char(row->out, ']');
    return MR_OK;
}
MR_JSON_KERNEL(json_build_array, build_array)

/* The name of a member, without quotes, into `out`. */
static MrStatus name_write(MrJsonRow *row, uint32_t arg, MrBuilder *out)
{
    const MrVector *vector = row->args[arg];
    const MrTypeId type = vector->type.id;
    if (mr_type_is_array(type) || type == MR_TYPE_RECORD || type == MR_TYPE_JSON ||
        type == MR_TYPE_JSONB) {
        return mr_error_set(&row->error, MR_ERR_INVALID_PARAMETER,
                            "key value must be scalar, not array, composite, or json");
    }
    if (type == MR_TYPE_BOOL) {
        mr_builder_append_string(
            out, *(const uint8_t *)mr_vector_cell(vector, row->row) != 0 ? "true" : "false");
    } else {
        mr_cell_format_json(type, mr_vector_cell(vector, row->row), row->eval->zone, out);
    }
    return MR_OK;
}

static MrStatus name_append(MrJsonRow *row, uint32_t arg)
{
    if (mr_json_row_null(row, arg)) {
        return mr_error_set(&row->error, MR_ERR_INVALID_PARAMETER, "argument %u cannot be null",
                            arg + 1);
    }
    mr_builder_clear(row->scratch);
    MR_TRY(name_write(row, arg, row->scratch));
    mr_json_append_string(row->out, (MrString){ row->scratch->data, row->scratch->length });
    return MR_OK;
}

static MrStatus write_name(MrJsonRow *row)
{
    if (mr_json_row_null(row, 0)) {
        return mr_error_set(&row->error, MR_ERR_INVALID_PARAMETER, "field name must not be null");
    }
    return name_write(row, 0, row->out);
}
MR_JSON_KERNEL(value_to_name, write_name)

static MrStatus build_object(MrJsonRow *row)
{
    if (row->arg_count % 2 != 0) {
        mr_error_set(&row->error, MR_ERR_INVALID_PARAMETER,
                     "argument list must have even number of elements");
        return mr_error_hint(&row->error,
                             "The arguments of %s() must consist of alternating keys "
                             "and values.",
                             row->type == MR_TYPE_JSONB ? "jsonb_build_object"
                                                        : "json_build_object");
    }
    mr_builder_append_char(row->out, '{');
    for (uint32_t k = 0; k < row->arg_count; k += 2) {
        mr_builder_append_string(row->out, k > 0 ? ", " : "");
        MR_TRY(name_append(row, k));
        mr_builder_append_string(row->out, " : ");
        value_append(row, k + 1);
    }
    mr_builder_append_char(row->out, '}');
    return MR_OK;
}
MR_JSON_KERNEL(json_build_object, build_object)

static MrStatus write_value(MrJsonRow *row)
{
    const bool lines =
        row->arg_count > 1 && *(const uint8_t *)mr_vector_cell(row->args[1], row->row) != 0;
    const MrJsonStyle style = { .lines = lines, .zone = row->eval->zone };
    mr_json_append_value(row->args[0]->type.id, mr_vector_cell(row->args[0], row->row), &style,
                         row->scratch, row->out);
    return MR_OK;
}
MR_JSON_KERNEL(value_to_json, write_value)

/* ---- to arrays ---- */

/* A member that is to be an array: [1, 2], or the text of one. */
static MrStatus array_of_json(MrEval *eval, MrString json, MrString name, MrType type, MrText *out,
                              MrError *error)
{
    MrDatum value;
    MrBuilder text;
    const char first = mr_json_first(json);
    if (first == '[') {
        return mr_json_array_decode(eval->arena, type, mr_json_trim(json), eval->zone, out, error);
    }
    if (first != '"') {
        mr_error_set(error, MR_ERR_INVALID_TEXT, "expected JSON array");
        return mr_error_hint(error, "See the value of key \"%.*s\".", (int)name.length, name.data);
    }
    mr_builder_init(&text, MR_TEXT_BYTES_MAX);
    MrStatus status = mr_json_string_text(mr_json_trim(json), &text, error);
    if (status == MR_OK) {
        const MrString literal = { text.data != NULL ? text.data : "", text.length };
        status = text.failed
                     ? mr_error_no_memory(error)
                     : mr_datum_parse(eval->arena, type, literal, eval->zone, &value, error);
    }
    mr_builder_fini(&text);
    if (status == MR_OK) {
        *out = value.text;
    }
    return status;
}

MR_KERNEL(json_to_array)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        MrError error = MR_ERROR_INIT;
        const bool is_null = mr_vector_is_null(args[0], i);
        const MrString json = is_null ? MR_STRING("") : mr_arg_text(args[0], i);
        if (is_null || mr_json_first(json) == 'n') {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        } else if (array_of_json(eval, json, mr_arg_text(args[1], i), out->type,
                                 (MrText *)out->data + i, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

/* ---- from arrays of text ---- */

static MrStatus wrong_shape(MrJsonRow *row, const char *message)
{
    return mr_error_set(&row->error, MR_ERR_ARRAY_SUBSCRIPT, "%s", message);
}

static MrStatus member_append(MrJsonRow *row, const MrArray *names, uint32_t name,
                              const MrArray *values, uint32_t value, bool first)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    if (mr_array_is_null(names, name)) {
        return mr_error_set(&row->error, MR_ERR_NULL_NOT_ALLOWED,
                            "null value not allowed for object key");
    }
    mr_builder_append_string(row->out, first ? "" : ", ");
    mr_json_append_string(row->out, mr_text_element(names, name, cell));
    mr_builder_append_string(row->out, " : ");
    if (mr_array_is_null(values, value)) {
        mr_builder_append_string(row->out, "null");
    } else {
        mr_json_append_string(row->out, mr_text_element(values, value, cell));
    }
    return MR_OK;
}

static MrStatus object_of_pairs(MrJsonRow *row)
{
    MrArray array;
    mr_arg_array_open(row->args[0], row->row, &array);
    if (array.shape.dimensions > 2) {
        return wrong_shape(row, "wrong number of array subscripts");
    }
    if (array.shape.dimensions == 1 && array.shape.lengths[0] % 2 != 0) {
        return wrong_shape(row, "array must have even number of elements");
    }
    if (array.shape.dimensions == 2 && array.shape.lengths[1] != 2) {
        return wrong_shape(row, "array must have two columns");
    }
    mr_builder_append_char(row->out, '{');
    for (uint32_t k = 0; k < array.count; k += 2) {
        MR_TRY(member_append(row, &array, k, &array, k + 1, k == 0));
    }
    mr_builder_append_char(row->out, '}');
    return MR_OK;
}

static MrStatus object_of_two(MrJsonRow *row)
{
    MrArray names, values;
    mr_arg_array_open(row->args[0], row->row, &names);
    mr_arg_array_open(row->args[1], row->row, &values);
    if (names.shape.dimensions > 1 || names.shape.dimensions != values.shape.dimensions) {
        return wrong_shape(row, "wrong number of array subscripts");
    }
    if (names.count != values.count) {
        return wrong_shape(row, "mismatched array dimensions");
    }
    mr_builder_append_char(row->out, '{');
    for (uint32_t k = 0; k < names.count; k++) {
        MR_TRY(member_append(row, &names, k, &values, k, k == 0));
    }
    mr_builder_append_char(row->out, '}');
    return MR_OK;
}
MR_JSON_KERNEL(json_object_pairs, object_of_pairs)
MR_JSON_KERNEL(json_object_two, object_of_two)

/* ---- without nulls; for the eye ---- */

static void strip_append(MrString json, MrBuilder *out)
{
    MrString name, value;
    const char first = mr_json_first(json);
    if (first != '{' && first != '[') {
        mr_json_append(out, mr_json_trim(json));
        return;
    }
    bool any = false;
    MrJsonItems items = mr_json_items(json);
    mr_builder_append_char(out, first);
    while (mr_json_next(&items, &name, &value)) {
        if (first == '{' && mr_json_first(value) == 'n') {
            continue;
        }
        mr_builder_append_string(out, any ? "," : "");
        any = true;
        if (first == '{') {
            mr_json_append(out, name);
            mr_builder_append_char(out, ':');
        }
        strip_append(value, out);
    }
    mr_builder_append_char(out, first == '{' ? '}' : ']');
}
static MrStatus strip_nulls(MrJsonRow *row)
{
    strip_append(mr_json_row_text(row, 0), row->out);
    return MR_OK;
}
MR_JSON_KERNEL(json_strip_nulls, strip_nulls)

static void line_begin(MrBuilder *out, uint32_t depth)
{
    mr_builder_append_char(out, '\n');
    for (uint32_t i = 0; i < depth; i++) {
        mr_builder_append_string(out, "    ");
    }
}
static void pretty_append(MrString json, uint32_t depth, MrBuilder *out)
{
    MrString name, value;
    const char first = mr_json_first(json);
    if (first != '{' && first != '[') {
        mr_json_append(out, json);
        return;
    }
    bool any = false;
    MrJsonItems items = mr_json_items(json);
    mr_builder_append_char(out, first);
    while (mr_json_next(&items, &name, &value)) {
        mr_builder_append_string(out, any ? "," : "");
        any = true;
        line_begin(out, depth + 1);
        if (first == '{') {
            mr_json_append(out, name);
            mr_builder_append_string(out, ": ");
        }
        pretty_append(value, depth + 1, out);
    }
    line_begin(out, depth);
    mr_builder_append_char(out, first == '{' ? '}' : ']');
}
static MrStatus pretty(MrJsonRow *row)
{
    pretty_append(mr_json_row_text(row, 0), 0, row->out);
    return MR_OK;
}
MR_JSON_KERNEL(jsonb_pretty, pretty)

/* ---- for json_agg() ---- */

static MrStatus line_mark(MrJsonRow *row)
{
    const MrString json = mr_json_row_text(row, 0);
    mr_builder_append_char(row->out, MR_JSON_LINE);
    mr_builder_append(row->out, json.data, json.length);
    return MR_OK;
}
MR_JSON_KERNEL(json_line_mark, line_mark)

#define BUILD (MR_FN_ANY_ARGS | MR_FN_VARIADIC | STABLE | FALLIBLE)
#define ENTRIES(PREFIX, TYPE, PAIRS, VALUES, STRIPPED)                                             \
    MR_ENTRY(PREFIX "_build_array", 0, TYPE, json_build_array, 0, "An empty array.",               \
             PREFIX "_build_array()", "[]", MR_TYPE_UNKNOWN),                                      \
        MR_ENTRY(PREFIX "_build_array", 1, TYPE, json_build_array, BUILD,                          \
                 "The arguments as an array.", PREFIX "_build_array(1, 'a', NULL)",                \
                 "[1, \"a\", null]", MR_TYPE_UNKNOWN),                                             \
        MR_ENTRY(PREFIX "_build_object", 0, TYPE, json_build_object, 0, "An empty object.",        \
                 PREFIX "_build_object()", "{}", MR_TYPE_UNKNOWN),                                 \
        MR_ENTRY(PREFIX "_build_object", 1, TYPE, json_build_object, BUILD,                        \
                 "Names and values in turn as an object.", PREFIX "_build_object('a', 1, 'b', 2)", \
                 PAIRS, MR_TYPE_UNKNOWN),                                                          \
        F1(PREFIX "_object", TEXT_ARRAY, TYPE, json_object_pairs, FALLIBLE,                        \
           "An object of names and values in turn, or of pairs.", PREFIX "_object('{a,1,b,2}')",   \
           VALUES),                                                                                \
        F2(PREFIX "_object", TEXT_ARRAY, TEXT_ARRAY, TYPE, json_object_two, FALLIBLE,              \
           "An object of names and values.", PREFIX "_object('{a,b}', '{1,2}')", VALUES),          \
        F1(PREFIX "_strip_nulls", TYPE, TYPE, json_strip_nulls, 0,                                 \
           "Without the members that are null.",                                                   \
           PREFIX "_strip_nulls('{\"a\": null, \"b\": [null]}')", STRIPPED)

const MrFunction mr_functions_json_build[] = {
    ENTRIES("json", JSON, "{\"a\" : 1, \"b\" : 2}", "{\"a\" : \"1\", \"b\" : \"2\"}",
            "{\"b\":[null]}"),
    ENTRIES("jsonb", JSONB, "{\"a\": 1, \"b\": 2}", "{\"a\": \"1\", \"b\": \"2\"}",
            "{\"b\": [null]}"),
    F1("row_to_json", RECORD, JSON, value_to_json, STABLE, "A row as a JSON object.",
       "row_to_json(ROW(1, 'a'))", "{\"f1\":1,\"f2\":\"a\"}"),
    F2("row_to_json", RECORD, BOOL, JSON, value_to_json, STABLE,
       "The same; true: a line feed between the members.", "row_to_json(ROW(1, 'a'), false)",
       "{\"f1\":1,\"f2\":\"a\"}"),
    MR_ENTRY("array_to_json", 1, JSON, value_to_json, MR_FN_STRICT | MR_FN_SAME | STABLE,
             "An array as JSON.", "array_to_json(ARRAY[[1, 5], [99, 100]])", "[[1,5],[99,100]]",
             MR_TYPE_ANYARRAY),
    MR_ENTRY("array_to_json", 2, JSON, value_to_json, MR_FN_STRICT | MR_FN_SAME | STABLE,
             "The same; true: a line feed between the elements.",
             "array_to_json(ARRAY[1, 2], false)", "[1,2]", MR_TYPE_ANYARRAY, MR_TYPE_BOOL),
    MR_ENTRY("mr_json_array", 3, ANYARRAY, json_to_array, MR_FN_SAME | FALLIBLE | STABLE,
             "A member of JSON as an array of the third argument's type; the second is its name.",
             "mr_json_array('[1, 2]'::json, 'a', NULL::int[])", "{1,2}", MR_TYPE_JSON, MR_TYPE_TEXT,
             MR_TYPE_ANYARRAY),
    MR_ENTRY("mr_json_array", 3, ANYARRAY, json_to_array, MR_FN_SAME | FALLIBLE | STABLE,
             "The same.", "mr_json_array('[1, 2]'::jsonb, 'a', NULL::int[])", "{1,2}",
             MR_TYPE_JSONB, MR_TYPE_TEXT, MR_TYPE_ANYARRAY),
    MR_ENTRY("mr_json_name", 1, TEXT, value_to_name, MR_FN_ANY_ARGS | FALLIBLE | STABLE,
             "As the name of a JSON member, for json_object_agg(), which fails on NULL.",
             "mr_json_name(DATE '2026-01-01')", "2026-01-01", MR_TYPE_UNKNOWN),
    F1("mr_json_line", JSON, JSON, json_line_mark, 0, "Marked as a row or array, for json_agg().",
       "length(mr_json_line('[1]')::text)", "4"),
    F1("jsonb_pretty", JSONB, TEXT, jsonb_pretty, 0, "With lines and indentation.",
       "jsonb_pretty('1.5')", "1.5"),
};
MR_FAMILY_COUNT(json_build);
