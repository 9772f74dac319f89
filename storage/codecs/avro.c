/*
 * storage/codecs/avro.c - Avro object container files to blocks: records by the schema that the
 * file has with it, fields by name.
 *
 * A record becomes the JSON line of the fields that are wanted (avrovalue.h), which the JSON reader
 * turns into cells.  A block of the file is taken whole or not at all, so that bytes and rows of a
 * range belong together.  A record that does not fit the columns is a bad row; bytes that are no
 * record end the input, since nobody knows where the next one begins.
 */
#include <stdlib.h>
#include <zlib.h>

#include "storage/codecs/avrofile.h"
#include "storage/codecs/avroschema.h"
#include "storage/codecs/avrovalue.h"
#include "storage/codecs/jsonlines.h"

/* Of a block's rows as JSON.  Arrays of nulls make any number of it from a few bytes, and a block
 * is taken at one go, which a DROP has to wait for. */
enum { BLOCK_TEXT_BYTES_MAX = 256 << 20 };

typedef struct Avro {
    MrArena arena; /* the schema */
    const MrAvroType *record;
    bool *wanted; /* per field */
    bool is_begun, is_deflated;
    char marker[MR_AVRO_MARKER_BYTES];
    MrBuilder carry; /* the begun header or block */
    MrBuilder line, inflated;
    uint64_t count_next; /* records of the block that is to be taken; 0: not known */
} Avro;

static Avro *avro_of(const MrDecoder *decoder)
{
    return mr_json_lines_owner(decoder);
}

static void avro_free(void *owner)
{
    Avro *self = owner;
    if (self != NULL) {
        mr_builder_fini(&self->carry);
        mr_builder_fini(&self->line);
        mr_builder_fini(&self->inflated);
        mr_arena_fini(&self->arena);
        free(self);
    }
}

static MrStatus avro_create(const MrCodecOptions *options, MrRejectFunction *reject, void *context,
                            MrDecoder **out, MrError *err)
{
    *out = NULL;
    Avro *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&self->arena, 0);
    mr_builder_init(&self->carry, 0);
    mr_builder_init(&self->line, 0);
    mr_builder_init(&self->inflated, 0);
    return mr_json_lines_create(options, reject, context, self, avro_free, out, err);
}

/* ---- The header ------------------------------------------------------------------------------ */

/* A column takes the field of its name, or what its path begins with. */
static bool is_wanted(const MrCodecOptions *options, MrString field)
{
    for (uint32_t c = 0; c < options->column_count; c++) {
        const MrCodecColumn *column = &options->columns[c];
        if (column->json_path != NULL || mr_string_equal(field, mr_string(column->name))) {
            return true;
        }
    }
    return false;
}

static MrStatus head_take(MrDecoder *decoder, const MrAvroHead *head, MrError *err)
{
    Avro *self = avro_of(decoder);
    char *schema = mr_arena_strndup(&self->arena, head->schema.data, head->schema.length);
    if (schema == NULL) {
        return mr_error_no_memory(err);
    }
    self->is_deflated = mr_string_equal(head->codec, MR_STRING("deflate"));
    if (!self->is_deflated && head->codec.length > 0 &&
        !mr_string_equal(head->codec, MR_STRING("null"))) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "the Avro codec \"%.*s\" is not supported yet",
                     (int)(head->codec.length < 40 ? head->codec.length : 40), head->codec.data);
        return mr_error_hint(err, "Write the file with the codec deflate or null.");
    }
    MR_TRY(mr_avro_schema_parse(&self->arena, (MrString){ schema, head->schema.length },
                                &self->record, err));
    MR_NEW_ARRAY(&self->arena, self->wanted, self->record->count + 1, err);
    for (uint32_t i = 0; i < self->record->count; i++) {
        self->wanted[i] = is_wanted(&decoder->options, self->record->names[i]);
    }
    memcpy(self->marker, head->marker, sizeof self->marker);
    self->is_begun = true;
    return MR_OK;
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static MrStatus inflate_block(Avro *self, MrString packed, MrString *out, MrError *err)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)packed.data,
                        .avail_in = (uInt)packed.length };
    mr_builder_clear(&self->inflated);
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
        return mr_error_no_memory(err);
    }
    int code = Z_OK;
    while (code == Z_OK && self->inflated.length <= MR_AVRO_BLOCK_BYTES_MAX) {
        enum { ROOM = 64 << 10 };
        char *to = mr_builder_reserve(&self->inflated, ROOM);
        if (to == NULL) {
            code = Z_MEM_ERROR;
            break;
        }
        stream.next_out = (Bytef *)to;
        stream.avail_out = ROOM;
        code = inflate(&stream, Z_NO_FLUSH);
        self->inflated.length -= stream.avail_out;
    }
    inflateEnd(&stream);
    *out = (MrString){ self->inflated.data, self->inflated.length };
    return code == Z_STREAM_END ? MR_OK
           : code == Z_MEM_ERROR
               ? mr_error_no_memory(err)
               : mr_error_set(err, MR_ERR_BAD_COPY,
                              "the Avro data is damaged: a block is not deflated, or too large");
}

static MrStatus block_take(MrDecoder *decoder, const MrAvroFrame *frame, MrError *err)
{
    Avro *self = avro_of(decoder);
    MrString data = frame->data;
    if (self->is_deflated) {
        MR_TRY(inflate_block(self, frame->data, &data, err));
    }
    MrAvroBytes bytes = mr_avro_bytes(data.data, data.length);
    size_t text_bytes = 0;
    for (uint64_t i = 0; i < frame->count; i++) {
        mr_builder_clear(&self->line);
        MR_TRY(mr_avro_record_write(self->record, self->wanted, &bytes, &self->line, &text_bytes,
                                    err));
        if (text_bytes > BLOCK_TEXT_BYTES_MAX) {
            return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                                "a block of the Avro file has more than %d MB as text",
                                BLOCK_TEXT_BYTES_MAX >> 20);
        }
        MR_TRY(mr_json_lines_read(decoder, self->line.data, self->line.length, err));
    }
    return bytes.next == bytes.end
               ? MR_OK
               : mr_error_set(err, MR_ERR_BAD_COPY,
                              "the Avro data is damaged: a block has more than its records");
}

/* The rows that wait leave no room for those of the next block. */
static bool is_full(const MrDecoder *decoder)
{
    const Avro *self = avro_of(decoder);
    const MrStage *stage = &decoder->stage;
    return mr_decoder_is_full(decoder) ||
           (mr_decoder_rows_ready(decoder) > 0 && !stage->is_one_block &&
            self->count_next > mr_stage_room(stage));
}

/* The header or block that begins at `data`, if it is whole (*length > 0) and there is room. */
static MrStatus unit_take(MrDecoder *decoder, const char *data, size_t available, size_t *length,
                          MrError *err)
{
    Avro *self = avro_of(decoder);
    MrAvroHead head;
    MrAvroFrame frame;
    *length = 0;
    if (!self->is_begun) {
        MR_TRY(mr_avro_head_read(data, available, &head, err));
        *length = head.length;
        return head.length > 0 ? head_take(decoder, &head, err) : MR_OK;
    }
    MR_TRY(mr_avro_frame_read(data, available, self->marker, &frame, err));
    if (frame.length == 0) {
        return MR_OK;
    }
    if (frame.count > MR_BLOCK_ROWS_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "a block of the Avro file has %llu records, at most %d are possible",
                            (unsigned long long)frame.count, MR_BLOCK_ROWS_MAX);
    }
    self->count_next = frame.count;
    if (is_full(decoder)) {
        return MR_OK;
    }
    self->count_next = 0;
    *length = frame.length;
    return block_take(decoder, &frame, err);
}

static MrStatus carried(MrDecoder *decoder, const char *data, size_t available, size_t *used,
                        MrError *err)
{
    Avro *self = avro_of(decoder);
    size_t before = self->carry.length, length;
    mr_builder_append(&self->carry, data, available);
    if (self->carry.failed) {
        return mr_error_no_memory(err);
    }
    MR_TRY(unit_take(decoder, self->carry.data, self->carry.length, &length, err));
    if (length > 0) { /* it was not whole before: its end is among the new bytes */
        *used = length - before;
        mr_builder_clear(&self->carry);
    } else if (self->count_next > 0) {
        *used = 0; /* whole, but no room: again with the same bytes */
        self->carry.length = before;
    } else {
        *used = available;
    }
    return MR_OK;
}

static MrStatus avro_decode(MrDecoder *decoder, const char *data, size_t length, size_t *used,
                            MrError *err)
{
    Avro *self = avro_of(decoder);
    MrError mine = MR_ERROR_INIT;
    err = err != NULL ? err : &mine;
    *used = 0;
    MR_TRY(mr_stage_reserve(&decoder->stage, 0, err));
    self->count_next = 0;
    while (*used < length && !is_full(decoder)) {
        size_t unit = 0;
        if (self->carry.length == 0) {
            MR_TRY(unit_take(decoder, data + *used, length - *used, &unit, err));
        }
        if (unit == 0 && self->count_next == 0) {
            MR_TRY(carried(decoder, data + *used, length - *used, &unit, err));
        }
        *used += unit;
    }
    decoder->counts.carried_bytes = self->carry.length;
    return MR_OK;
}

static MrStatus avro_finish(MrDecoder *decoder, MrError *err)
{
    const Avro *self = avro_of(decoder);
    MrError mine = MR_ERROR_INIT;
    err = err != NULL ? err : &mine;
    return self->carry.length == 0
               ? MR_OK
               : mr_error_set(err, MR_ERR_BAD_COPY,
                              "the Avro data is damaged: it ends in the middle of a block");
}

static void no_edge(const MrCodecOptions *options, MrBuilder *out)
{
    (void)options;
    (void)out;
}

static MrStatus avro_encode(const MrCodecOptions *options, const MrBlock *block, MrBuilder *out,
                            MrError *err)
{
    (void)options;
    (void)block;
    (void)out;
    return mr_error_set(err, MR_ERR_UNSUPPORTED, "rows are not written as Avro yet");
}

const MrCodecClass mr_codec_avro = {
    .name = "avro",
    .decoder_create = avro_create,
    .decode = avro_decode,
    .finish = avro_finish,
    .rows_ready = mr_decoder_rows_ready,
    .is_full = is_full,
    .take = mr_decoder_take,
    .decoder_destroy = mr_json_lines_destroy,
    .encode_begin = no_edge,
    .encode = avro_encode,
    .encode_end = no_edge,
};
