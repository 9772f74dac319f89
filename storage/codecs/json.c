/*
 * storage/codecs/json.c - JSON lines to blocks: one object a line, members by name or path.
 * A line is read once: the tree of wanted paths is walked beside it, the raw text of what is wanted
 * noted, and only that is converted.  Must not know sockets, files or the log.
 */
#include "storage/codecs/decoder.h"
#include "storage/codecs/jsonlines.h"
#include "storage/jsonarray.h"
#include "storage/codecs/jsonpath.h"
#include "storage/jsontext.h"

#include <stdlib.h>

/* A column's value as the line has it. */
typedef struct JsonValue {
    bool present;
    bool escaped;
    MrJsonKind kind;
    MrString raw; /* of a string: inside its quotes */
} JsonValue;

typedef struct Json {
    MrDecoder base;
    MrArena arena; /* the tree of paths */
    MrJsonPath *paths;
    JsonValue *values; /* by input column, of this line */
    MrBuilder carry;   /* a line's bytes from earlier pieces */
    MrBuilder scratch;
    void *owner; /* of another format's reader */
    void (*owner_free)(void *owner);
    const MrCodecColumn *bad_column;
    MrString bad_value;
} Json;

void mr_json_lines_destroy(MrDecoder *decoder)
{
    Json *self = (Json *)decoder;
    if (self != NULL) {
        mr_builder_fini(&self->carry);
        mr_builder_fini(&self->scratch);
        mr_arena_fini(&self->arena);
        free(self->values);
        if (self->owner_free != NULL) {
            self->owner_free(self->owner);
        }
        mr_decoder_fini(&self->base);
        free(self);
    }
}

static MrStatus json_init(Json *self, const MrCodecOptions *options, MrRejectFunction *reject,
                          void *context, MrError *err)
{
    MR_TRY(mr_decoder_init(&self->base, options, reject, context, err));
    self->values = calloc((size_t)options->column_count + 1, sizeof *self->values);
    if (self->values == NULL) {
        return mr_error_no_memory(err);
    }
    return mr_json_paths_build(&self->arena, options->columns, options->column_count, &self->paths,
                               err);
}

MrStatus mr_json_lines_create(const MrCodecOptions *options, MrRejectFunction *reject,
                              void *context, void *owner, void (*owner_free)(void *owner),
                              MrDecoder **out, MrError *err)
{
    *out = NULL;
    Json *self = calloc(1, sizeof *self);
    if (self == NULL) {
        if (owner_free != NULL) {
            owner_free(owner);
        }
        return mr_error_no_memory(err);
    }
    self->owner = owner;
    self->owner_free = owner_free;
    mr_arena_init(&self->arena, 0);
    mr_builder_init(&self->carry, (size_t)MR_ROW_BYTES_MAX + 1);
    mr_builder_init(&self->scratch, (size_t)MR_ROW_BYTES_MAX + 1);
    MrStatus status = json_init(self, options, reject, context, err);
    if (status != MR_OK) {
        mr_json_lines_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return MR_OK;
}

void *mr_json_lines_owner(const MrDecoder *decoder)
{
    return ((const Json *)decoder)->owner;
}

static MrStatus json_create(const MrCodecOptions *options, MrRejectFunction *reject, void *context,
                            MrDecoder **out, MrError *err)
{
    return mr_json_lines_create(options, reject, context, NULL, NULL, out, err);
}

/* ---- finding the values ---------------------------------------------------------------------- */

static MrStatus value_visit(Json *self, MrJsonReader *reader, MrJsonPath *path, MrError *err);

/* Without escapes; a name with one is put into scratch. */
static MrStatus member_name(Json *self, MrString raw, bool escaped, MrString *out, MrError *err)
{
    *out = raw;
    if (!escaped) {
        return MR_OK;
    }
    mr_builder_clear(&self->scratch);
    char *to = mr_builder_reserve(&self->scratch, raw.length);
    if (to == NULL) {
        return mr_error_no_memory(err);
    }
    out->data = to;
    return mr_json_unescape(raw, to, &out->length, err);
}

static MrStatus object_visit(Json *self, MrJsonReader *reader, MrJsonPath *path, MrError *err)
{
    reader->next++;
    MR_TRY(mr_json_enter(reader, err));
    path->expected = path->children;
    bool more = mr_json_peek(reader) != '}';
    for (bool first = true; more; first = false) {
        MrString raw, name;
        bool escaped;
        if (mr_json_peek(reader) != '"') {
            return mr_json_expect(reader, '"', first ? "string or \"}\"" : "string", err);
        }
        MR_TRY(mr_json_string(reader, &raw, &escaped, err));
        MR_TRY(member_name(self, raw, escaped, &name, err));
        MR_TRY(mr_json_expect(reader, ':', "\":\"", err));
        MrJsonPath *child = mr_json_path_member(path, name);
        if (child == NULL && path == self->paths) {
            self->base.counts.unknown_members++;
        }
        MR_TRY(value_visit(self, reader, child, err));
        more = mr_json_peek(reader) == ',';
        reader->next += more;
    }
    mr_json_leave(reader);
    return mr_json_expect(reader, '}', "\",\" or \"}\"", err);
}

static MrStatus array_visit(Json *self, MrJsonReader *reader, MrJsonPath *path, MrError *err)
{
    reader->next++;
    MR_TRY(mr_json_enter(reader, err));
    bool more = mr_json_peek(reader) != ']';
    for (int64_t index = 0; more; index++) {
        MR_TRY(value_visit(self, reader, mr_json_path_element(path, index), err));
        more = mr_json_peek(reader) == ',';
        reader->next += more;
    }
    mr_json_leave(reader);
    return mr_json_expect(reader, ']', "\",\" or \"]\"", err);
}

static void value_note(Json *self, const MrJsonPath *path, MrJsonKind kind, MrString raw,
                       bool escaped)
{
    for (uint32_t i = 0; i < path->column_count; i++) {
        /* Of equal members the last one wins. */
        self->values[path->columns[i]] =
            (JsonValue){ .present = true, .escaped = escaped, .kind = kind, .raw = raw };
    }
}

/* A member that comes again takes the place of all that the first one brought. */
static void values_forget(Json *self, const MrJsonPath *path)
{
    for (uint32_t i = 0; i < path->column_count; i++) {
        self->values[path->columns[i]].present = false;
    }
    for (const MrJsonPath *child = path->children; child != NULL; child = child->next) {
        values_forget(self, child);
    }
}

static MrStatus value_visit(Json *self, MrJsonReader *reader, MrJsonPath *path, MrError *err)
{
    MrJsonKind kind;
    MrString raw;
    bool escaped = false;
    char first = mr_json_peek(reader);
    const char *start = reader->next;
    if (path == NULL) {
        return mr_json_value(reader, &kind, &raw, err);
    }
    if (path->children != NULL) {
        values_forget(self, path);
    }
    if (first == '"') {
        MR_TRY(mr_json_string(reader, &raw, &escaped, err));
        value_note(self, path, MR_JSON_STRING, raw, escaped);
        return MR_OK;
    }
    if (path->children != NULL && first == '{') {
        MR_TRY(object_visit(self, reader, path, err));
        raw = (MrString){ start, (size_t)(reader->next - start) };
        value_note(self, path, MR_JSON_OBJECT, raw, false);
        return MR_OK;
    }
    if (path->children != NULL && first == '[') {
        MR_TRY(array_visit(self, reader, path, err));
        raw = (MrString){ start, (size_t)(reader->next - start) };
        value_note(self, path, MR_JSON_ARRAY, raw, false);
        return MR_OK;
    }
    MR_TRY(mr_json_value(reader, &kind, &raw, err));
    value_note(self, path, kind, raw, false);
    return MR_OK;
}

/* ---- values to cells ------------------------------------------------------------------------- */

static bool type_is_integer(MrTypeId type)
{
    return type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64;
}

/* 1.0 and 1e3 are integers, written as other languages write them. */
static MrStatus integer_spell(MrString *text, char out[MR_DECIMAL_TEXT_MAX], MrError *err)
{
    MrDecimal value, whole;
    if (memchr(text->data, '.', text->length) == NULL &&
        memchr(text->data, 'e', text->length) == NULL &&
        memchr(text->data, 'E', text->length) == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_decimal_parse(*text, &value, err));
    MR_TRY(mr_decimal_truncate(&value, 0, &whole, err));
    if (mr_decimal_compare(&value, &whole) == 0) {
        text->length = mr_decimal_format(&whole, out);
        text->data = out;
    }
    return MR_OK;
}

static const char *kind_name(MrJsonKind kind)
{
    static const char *const names[] = { "null",   "boolean", "boolean", "number",
                                         "string", "array",   "object" };
    return names[kind];
}

static MrStatus kind_mismatch(const Json *self, MrType type, const JsonValue *value, MrError *err)
{
    char name[64];
    return mr_error_set(err, MR_ERR_INVALID_TEXT, "a JSON %s is no value of type %s: \"%.*s\"",
                        kind_name(value->kind), mr_type_text(type, name),
                        (int)mr_utf8_truncate(self->bad_value.data, self->bad_value.length, 100),
                        self->bad_value.data);
}

/* The text that the value has as input of the column's type. */
static MrStatus value_text(Json *self, MrType type, const JsonValue *value, MrString *out,
                           char number[MR_DECIMAL_TEXT_MAX], MrError *err)
{
    const bool textual =
        type.id == MR_TYPE_TEXT || type.id == MR_TYPE_VARCHAR || type.id == MR_TYPE_BPCHAR;
    *out = value->raw;
    if (type.id == MR_TYPE_JSON || type.id == MR_TYPE_JSONB) {
        if (value->kind == MR_JSON_STRING) {
            *out = (MrString){ value->raw.data - 1, value->raw.length + 2 };
        }
        return MR_OK;
    }
    switch (value->kind) {
    case MR_JSON_STRING: return member_name(self, value->raw, value->escaped, out, err);
    case MR_JSON_NUMBER:
        if (type_is_integer(type.id)) {
            return integer_spell(out, number, err);
        }
        return textual || type.id == MR_TYPE_FLOAT32 || type.id == MR_TYPE_FLOAT64 ||
                       type.id == MR_TYPE_NUMERIC
                   ? MR_OK
                   : kind_mismatch(self, type, value, err);
    case MR_JSON_TRUE:
    case MR_JSON_FALSE:
        return textual || type.id == MR_TYPE_BOOL ? MR_OK : kind_mismatch(self, type, value, err);
    case MR_JSON_ARRAY:
        return textual || mr_type_is_array(type.id) ? MR_OK : kind_mismatch(self, type, value, err);
    default: return textual ? MR_OK : kind_mismatch(self, type, value, err);
    }
}

static MrStatus value_decode(Json *self, MrType type, const JsonValue *value, MrString text,
                             void *cell, MrError *err)
{
    MrArena *arena = &self->base.stage.arena;
    const MrTimezone *zone = self->base.options.zone;
    if (mr_type_is_array(type.id) && value->kind == MR_JSON_ARRAY) {
        return mr_json_array_decode(arena, type, text, zone, cell, err);
    }
    return mr_text_decode_cell(arena, type, text.data, text.length, zone, cell, err);
}

static MrStatus value_store(Json *self, const MrCodecColumn *column, const JsonValue *value,
                            MrError *err)
{
    MrStage *stage = &self->base.stage;
    uint32_t target = (uint32_t)column->target;
    uint32_t row = stage->row_count;
    self->bad_column = column;
    self->bad_value = value->raw;
    if (!value->present || value->kind == MR_JSON_NULL) {
        self->bad_value.data = NULL;
        if (column->not_null) {
            return mr_decoder_null_error(&self->base, column, err);
        }
        return mr_stage_set_null(stage, target, row, err);
    }
    MrType type = stage->columns[target].type;
    MrText *cell = mr_stage_cell(stage, target, row);
    char number[MR_DECIMAL_TEXT_MAX];
    MrString text = { 0 };
    MR_TRY(value_text(self, type, value, &text, number, err));
    MR_TRY(value_decode(self, type, value, text, cell, err));
    if (!mr_type_is_text(type.id) || cell->length <= MR_TEXT_INLINE_MAX) {
        return MR_OK;
    }
    if (type.id == MR_TYPE_BYTEA || type.id == MR_TYPE_JSONB || mr_type_is_array(type.id)) {
        stage->text_bytes += text.length * (type.id == MR_TYPE_BYTEA ? 1 : 8);
        return MR_OK;
    }
    char *copy = mr_stage_text(stage, target, cell->length);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(copy, cell->pointer, cell->length);
    cell->pointer = copy;
    return MR_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static MrStatus line_parse(Json *self, MrString line, MrError *err)
{
    MrJsonReader reader = mr_json_reader(line);
    self->bad_column = NULL;
    size_t bad = mr_utf8_check(line.data, line.length);
    if (bad < line.length) {
        return mr_decoder_encoding_error(line.data + bad, line.length - bad, err);
    }
    uint32_t count = self->base.options.column_count;
    for (uint32_t i = 0; i < count; i++) {
        self->values[i].present = false;
    }
    if (mr_json_peek(&reader) != '{') {
        mr_error_set(err, MR_ERR_INVALID_JSON, "a line of JSON input is not an object");
        mr_error_hint(err, "Each line must be one object like {\"name\": value}.");
        return err->status;
    }
    MR_TRY(value_visit(self, &reader, self->paths, err));
    MR_TRY(mr_json_end(&reader, err));
    for (uint32_t i = 0; i < count; i++) {
        const MrCodecColumn *column = &self->base.options.columns[i];
        if (column->target >= 0) {
            MR_TRY(value_store(self, column, &self->values[i], err));
        }
    }
    return MR_OK;
}

static void row_drop(MrStage *stage)
{
    for (uint32_t i = 0; i < stage->column_count; i++) {
        if (stage->columns[i].validity != NULL) {
            mr_bitmap_set(stage->columns[i].validity, stage->row_count);
        }
    }
}

/* One line without its end; blank lines are no rows. */
static MrStatus line_read(Json *self, const char *data, size_t length, MrError *err)
{
    MrStage *stage = &self->base.stage;
    self->base.counts.lines++;
    if (self->base.counts.lines == 1 && length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3; /* a byte order mark */
        length -= 3;
    }
    if (length > 0 && data[length - 1] == '\r') {
        length--;
    }
    MrJsonReader blank = mr_json_reader((MrString){ data, length });
    mr_json_peek(&blank);
    if (blank.next == blank.end) {
        return MR_OK;
    }
    MR_TRY(mr_stage_reserve(stage, 1, err));
    MrString line = { data, length };
    if (line_parse(self, line, err) == MR_OK) {
        stage->row_count++;
        self->base.counts.rows++;
        return MR_OK;
    }
    row_drop(stage);
    if (self->bad_column != NULL) {
        mr_decoder_context(&self->base, self->base.counts.lines, self->bad_column->name,
                           self->bad_value.data != NULL ? &self->bad_value : NULL, err);
    } else {
        mr_decoder_context(&self->base, self->base.counts.lines, NULL, &line, err);
    }
    return mr_decoder_bad_row(&self->base, self->base.counts.lines, line, err);
}

MrStatus mr_json_lines_read(MrDecoder *decoder, const char *data, size_t length, MrError *err)
{
    return line_read((Json *)decoder, data, length, err);
}

static MrStatus carry_add(Json *self, const char *data, size_t length, MrError *err)
{
    if (self->carry.length + length > MR_ROW_BYTES_MAX) {
        return mr_decoder_row_too_long(err);
    }
    mr_builder_append(&self->carry, data, length);
    return self->carry.failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus json_decode(MrDecoder *decoder, const char *data, size_t length, size_t *used,
                            MrError *err)
{
    Json *self = (Json *)decoder;
    MrError mine = MR_ERROR_INIT;
    err = err != NULL ? err : &mine;
    *used = 0;
    MR_TRY(mr_stage_reserve(&self->base.stage, 0, err));
    while (*used < length && !mr_stage_is_full(&self->base.stage)) {
        const char *start = data + *used;
        const char *end = memchr(start, '\n', length - *used);
        if (end == NULL) {
            MR_TRY(carry_add(self, start, length - *used, err));
            *used = length;
            break;
        }
        size_t bytes = (size_t)(end - start);
        *used += bytes + 1;
        if (self->carry.length == 0) {
            if (bytes > MR_ROW_BYTES_MAX) {
                return mr_decoder_row_too_long(err);
            }
            MR_TRY(line_read(self, start, bytes, err));
            continue;
        }
        MR_TRY(carry_add(self, start, bytes, err));
        MrStatus status = line_read(self, self->carry.data, self->carry.length, err);
        mr_builder_clear(&self->carry);
        if (status != MR_OK) {
            return status;
        }
    }
    self->base.counts.carried_bytes = self->carry.length;
    return MR_OK;
}

static MrStatus json_finish(MrDecoder *decoder, MrError *err)
{
    Json *self = (Json *)decoder;
    MrError mine = MR_ERROR_INIT;
    err = err != NULL ? err : &mine;
    MR_TRY(mr_stage_reserve(&self->base.stage, 0, err));
    if (self->carry.length == 0) {
        return MR_OK;
    }
    MrStatus status = line_read(self, self->carry.data, self->carry.length, err);
    mr_builder_clear(&self->carry);
    self->base.counts.carried_bytes = 0;
    return status;
}

/* ---- blocks to lines ------------------------------------------------------------------------- */

static bool text_is_number(const char *data, size_t length)
{
    /* NaN and infinities have no number in JSON. */
    return length > 0 && ((data[0] >= '0' && data[0] <= '9') ||
                          (data[0] == '-' && length > 1 && data[1] >= '0' && data[1] <= '9'));
}

/* A document as written may go over lines; its strings hold no line ends, so that blanks serve. */
static void json_append_line(const char *data, size_t length, MrBuilder *out)
{
    char *to = mr_builder_reserve(out, length);
    for (size_t i = 0; to != NULL && i < length; i++) {
        to[i] = data[i] == '\n' || data[i] == '\r' ? ' ' : data[i];
    }
}

typedef struct CellWriting {
    const MrTimezone *zone;
    MrBuilder *scratch;
} CellWriting;

static void cell_write(MrTypeId type, const void *cell, const MrTimezone *zone, MrBuilder *scratch,
                       MrBuilder *out);

static void element_write(void *context, MrTypeId type, const void *cell, MrBuilder *out)
{
    const CellWriting *writing = context;
    cell_write(type, cell, writing->zone, writing->scratch, out);
}

/* As to_json has it: numbers bare, times with a T, everything else a string. */
static void cell_write(MrTypeId type, const void *cell, const MrTimezone *zone, MrBuilder *scratch,
                       MrBuilder *out)
{
    if (type == MR_TYPE_BOOL) {
        mr_builder_append_string(out, *(const uint8_t *)cell ? "true" : "false");
        return;
    }
    if (type == MR_TYPE_TEXT || type == MR_TYPE_VARCHAR || type == MR_TYPE_UNKNOWN) {
        const MrText *text = cell;
        mr_json_quote(out, mr_text_data(text), text->length);
        return;
    }
    if (type == MR_TYPE_JSON || type == MR_TYPE_JSONB) {
        const MrText *text = cell;
        json_append_line(mr_text_data(text), text->length, out);
        return;
    }
    if (mr_type_is_array(type)) {
        CellWriting writing = { zone, scratch };
        mr_json_array_write(type, cell, element_write, &writing, out);
        return;
    }
    mr_builder_clear(scratch);
    mr_cell_format_json(type, cell, zone, scratch);
    if (scratch->failed) {
        out->failed = true;
        return;
    }
    bool numeric = type_is_integer(type) || type == MR_TYPE_FLOAT32 || type == MR_TYPE_FLOAT64 ||
                   type == MR_TYPE_NUMERIC;
    if (numeric && text_is_number(scratch->data, scratch->length)) {
        mr_builder_append(out, scratch->data, scratch->length);
        return;
    }
    mr_json_quote(out, scratch->data, scratch->length);
}

static MrStatus json_encode(const MrCodecOptions *options, const MrBlock *block, MrBuilder *out,
                            MrError *err)
{
    MrBuilder scratch;
    mr_builder_init(&scratch, 0);
    for (uint32_t row = 0; row < block->row_count && !out->failed; row++) {
        for (uint32_t i = 0; i < options->column_count; i++) {
            const MrCodecColumn *column = &options->columns[i];
            const MrVector *vector = &block->columns[column->target];
            mr_builder_append_char(out, i == 0 ? '{' : ',');
            mr_json_quote(out, column->name, strlen(column->name));
            mr_builder_append_char(out, ':');
            if (mr_vector_is_null(vector, row)) {
                mr_builder_append(out, "null", 4);
            } else {
                cell_write(vector->type.id, mr_vector_cell(vector, row), options->zone, &scratch,
                           out);
            }
        }
        mr_builder_append(out, options->column_count == 0 ? "{}\n" : "}\n",
                          options->column_count == 0 ? 3 : 2);
    }
    mr_builder_fini(&scratch);
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static void json_encode_edge(const MrCodecOptions *options, MrBuilder *out)
{
    (void)options;
    (void)out;
}

const MrCodecClass mr_codec_json = {
    .name = "json",
    .decoder_create = json_create,
    .decode = json_decode,
    .finish = json_finish,
    .rows_ready = mr_decoder_rows_ready,
    .is_full = mr_decoder_is_full,
    .take = mr_decoder_take,
    .decoder_destroy = mr_json_lines_destroy,
    .encode_begin = json_encode_edge,
    .encode = json_encode,
    .encode_end = json_encode_edge,
};
