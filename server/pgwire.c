/*
 * server/pgwire.c - bytes of the protocol: see pgwire.h.
 */
#include "server/pgwire.h"

#include <stdio.h>

#include "storage/codec.h"

/* ---- Reading --------------------------------------------------------------------------------- */

MrWireReader mr_wire_reader(const char *data, size_t length)
{
    return (MrWireReader){ .next = data, .end = data + length };
}

const char *mr_wire_bytes(MrWireReader *reader, int32_t length)
{
    if (reader->failed || length < 0 || length > reader->end - reader->next) {
        reader->failed = true;
        return NULL;
    }
    const char *bytes = reader->next;
    reader->next += length;
    return bytes;
}

uint8_t mr_wire_u8(MrWireReader *reader)
{
    const char *bytes = mr_wire_bytes(reader, 1);
    return bytes == NULL ? 0 : (uint8_t)bytes[0];
}

int16_t mr_wire_i16(MrWireReader *reader)
{
    const unsigned char *bytes = (const unsigned char *)mr_wire_bytes(reader, 2);
    return bytes == NULL ? 0 : (int16_t)(uint16_t)(bytes[0] << 8 | bytes[1]);
}

int32_t mr_wire_i32(MrWireReader *reader)
{
    const unsigned char *bytes = (const unsigned char *)mr_wire_bytes(reader, 4);
    return bytes == NULL ? 0
                         : (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                                     (uint32_t)bytes[2] << 8 | bytes[3]);
}

MrString mr_wire_text(MrWireReader *reader)
{
    size_t left = (size_t)(reader->end - reader->next);
    const char *nul = reader->failed || left == 0 ? NULL : memchr(reader->next, '\0', left);
    if (nul == NULL) {
        reader->failed = true;
        return MR_STRING("");
    }
    MrString text = { reader->next, (size_t)(nul - reader->next) };
    reader->next = nul + 1;
    return text;
}

bool mr_wire_is_done(const MrWireReader *reader)
{
    return !reader->failed && reader->next == reader->end;
}

uint32_t mr_wire_bytes_max(char type)
{
    switch (type) {
    case 'Q':
    case 'P':
        /* Longer ones are read past and answered with 54000, so that the session goes on. */
    case 'B':
    case 'd': return MR_WIRE_DATA_BYTES_MAX;
    case 'C':
    case 'D':
    case 'E':
    case 'F':
    case 'H':
    case 'S':
    case 'X':
    case 'c':
    case 'f':
    case 'p': return MR_WIRE_SHORT_BYTES_MAX;
    default: return 0;
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

size_t mr_wire_begin(MrBuilder *out, char type)
{
    char *to = mr_builder_reserve(out, 1 + sizeof(uint32_t));
    if (to != NULL) {
        to[0] = type;
        memset(to + 1, 0, sizeof(uint32_t));
    }
    return out->length - sizeof(uint32_t);
}

static void put_u32(MrBuilder *out, size_t at, uint32_t value)
{
    if (!out->failed) {
        unsigned char bytes[4] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16),
                                   (unsigned char)(value >> 8), (unsigned char)value };
        memcpy(out->data + at, bytes, sizeof bytes);
    }
}

void mr_wire_end(MrBuilder *out, size_t start)
{
    if (out->length - start > INT32_MAX) {
        out->failed = true; /* no client could read it */
    }
    put_u32(out, start, (uint32_t)(out->length - start));
}

void mr_wire_append_text(MrBuilder *out, const char *text)
{
    mr_builder_append(out, text, strlen(text) + 1);
}

void mr_wire_empty(MrBuilder *out, char type)
{
    mr_wire_end(out, mr_wire_begin(out, type));
}

void mr_wire_parameter_status(MrBuilder *out, const char *name, const char *value)
{
    size_t start = mr_wire_begin(out, 'S');
    mr_wire_append_text(out, name);
    mr_wire_append_text(out, value);
    mr_wire_end(out, start);
}

void mr_wire_command_complete(MrBuilder *out, const char *tag)
{
    size_t start = mr_wire_begin(out, 'C');
    mr_wire_append_text(out, tag);
    mr_wire_end(out, start);
}

void mr_wire_ready(MrBuilder *out, char transaction_status)
{
    size_t start = mr_wire_begin(out, 'Z');
    mr_builder_append_char(out, transaction_status);
    mr_wire_end(out, start);
}

/* ---- Errors and notices ---------------------------------------------------------------------- */

/* Names that a client has sent come back in messages, whatever bytes they were. */
static void append_clean(MrBuilder *out, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        size_t good = mr_utf8_check(text, length);
        mr_builder_append(out, text, good);
        if (good < length) {
            mr_builder_append_char(out, '?');
            good++;
        }
        text += good;
        length -= good;
    }
    mr_builder_append_char(out, '\0');
}

static void append_field(MrBuilder *out, char field, const char *text)
{
    if (text[0] != '\0') {
        mr_builder_append_char(out, field);
        append_clean(out, text);
    }
}

/* The decoders put `COPY edits, line 3, column added: "…"` at the end of the detail; the value may
 * have lines of its own. */
static void append_detail(MrBuilder *out, const MrError *err)
{
    const char *line =
        strncmp(err->detail, "COPY ", 5) == 0 ? NULL : strstr(err->detail, "\nCOPY ");
    const char *last = line == NULL ? err->detail : line + 1;
    if (strncmp(last, "COPY ", 5) != 0 || strstr(last, ", line ") == NULL) {
        append_field(out, 'D', err->detail);
        return;
    }
    if (line != NULL) {
        char detail[sizeof err->detail];
        snprintf(detail, sizeof detail, "%.*s", (int)(line - err->detail), err->detail);
        append_field(out, 'D', detail);
    }
    append_field(out, 'W', last);
}

void mr_wire_report(MrBuilder *out, char type, const char *severity, const MrError *err,
                    const char *text, size_t length)
{
    size_t start = mr_wire_begin(out, type);
    append_field(out, 'S', severity);
    append_field(out, 'V', severity);
    append_field(out, 'C',
                 err->sqlstate[0] != '\0' ? err->sqlstate : mr_status_sqlstate(err->status));
    append_field(out, 'M', err->message[0] != '\0' ? err->message : "no message");
    append_detail(out, err);
    append_field(out, 'H', err->hint);
    if (text != NULL && err->position >= 0 && (size_t)err->position <= length) {
        char position[24];
        snprintf(position, sizeof position, "%zu", mr_utf8_length(text, (size_t)err->position) + 1);
        append_field(out, 'P', position);
    }
    append_field(out, 's', err->schema_name);
    append_field(out, 't', err->table_name);
    append_field(out, 'c', err->column_name);
    append_field(out, 'n', err->constraint_name);
    mr_builder_append_char(out, '\0');
    mr_wire_end(out, start);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

uint32_t mr_wire_type_oid(MrTypeId type)
{
    return mr_type_info(type == MR_TYPE_UNKNOWN ? MR_TYPE_TEXT : type)->oid;
}

int16_t mr_wire_type_length(MrTypeId type)
{
    switch (type) {
    case MR_TYPE_BOOL:
    case MR_TYPE_CHAR: return 1;
    case MR_TYPE_INT16: return 2;
    case MR_TYPE_INT32:
    case MR_TYPE_OID:
    case MR_TYPE_VOID:
    case MR_TYPE_XID:
    case MR_TYPE_FLOAT32:
    case MR_TYPE_DATE: return 4;
    case MR_TYPE_INT64:
    case MR_TYPE_FLOAT64:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return 8;
    case MR_TYPE_TIMETZ: return 12;
    case MR_TYPE_INTERVAL:
    case MR_TYPE_UUID: return 16;
    case MR_TYPE_NAME: return 64;
    default: return mr_type_is_reg(type) ? 4 : -1;
    }
}

MrStatus mr_wire_parameter_type(uint32_t oid, MrType *out, MrError *err)
{
    MrTypeId id = MR_TYPE_UNKNOWN;
    if (oid != 0 && !mr_type_by_oid(oid, &id)) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "a parameter's type with OID %u is not supported",
                     oid);
        return mr_error_hint(err, "Send it without a type, or cast it in the statement: $1::text.");
    }
    *out = mr_type(id);
    return MR_OK;
}

bool mr_wire_is_binary(const MrWireFormats *formats, uint32_t column)
{
    if (formats->count == 0) {
        return false;
    }
    return formats->codes[formats->count == 1 ? 0 : column] == 1;
}

void mr_wire_row_description(MrBuilder *out, const MrSchema *schema, const MrWireFormats *formats)
{
    size_t start = mr_wire_begin(out, 'T');
    mr_builder_append_u16(out, (uint16_t)schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const MrColumn *column = &schema->columns[c];
        mr_wire_append_text(out, column->name);
        mr_builder_append_u32(out, 0); /* of no table: drivers would ask for its columns */
        mr_builder_append_u16(out, 0);
        mr_builder_append_u32(out, mr_wire_type_oid(column->type.id));
        mr_builder_append_u16(out, (uint16_t)mr_wire_type_length(column->type.id));
        mr_builder_append_u32(out, (uint32_t)column->type.typmod);
        mr_builder_append_u16(out, mr_wire_is_binary(formats, c) ? 1 : 0);
    }
    mr_wire_end(out, start);
}

/* Text and names go as they are, in both formats, with their length known before. */
static bool is_sent_as_it_is(MrTypeId type)
{
    return type == MR_TYPE_TEXT || type == MR_TYPE_VARCHAR || type == MR_TYPE_NAME ||
           type == MR_TYPE_BPCHAR;
}

static void append_text_cell(MrBuilder *out, const MrText *text)
{
    const uint32_t length = __builtin_bswap32(text->length);
    char *to = mr_builder_reserve(out, sizeof length + text->length);
    if (to != NULL) {
        memcpy(to, &length, sizeof length);
        memcpy(to + sizeof length, mr_text_data(text), text->length);
    }
}

void mr_wire_data_row(MrBuilder *out, const MrSchema *schema, const MrBlock *block, uint32_t row,
                      const MrWireFormats *formats, const MrTimezone *zone)
{
    size_t start = mr_wire_begin(out, 'D');
    mr_builder_append_u16(out, (uint16_t)schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const MrVector *vector = &block->columns[c];
        size_t at = out->length;
        if (mr_vector_is_null(vector, row)) {
            mr_builder_append_u32(out, UINT32_MAX);
            continue;
        }
        if (is_sent_as_it_is(vector->type.id)) {
            append_text_cell(out, (const MrText *)vector->data + (vector->is_constant ? 0 : row));
            continue;
        }
        mr_builder_append_u32(out, 0);
        if (mr_wire_is_binary(formats, c)) {
            mr_binary_encode_cell(vector->type.id, mr_vector_cell(vector, row), out);
        } else {
            mr_cell_format(vector->type.id, mr_vector_cell(vector, row), zone, out);
        }
        put_u32(out, at, (uint32_t)(out->length - at - 4));
    }
    mr_wire_end(out, start);
}

bool mr_wire_same_secret(const uint8_t *a, const uint8_t *b, size_t length)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < length; i++) {
        difference |= a[i] ^ b[i];
    }
    return difference == 0;
}
