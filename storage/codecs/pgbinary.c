/*
 * storage/codecs/pgbinary.c - COPY's binary format: a header, tuples of length-prefixed values, a
 * trailer.  Whole rows are converted where they lie, column by column; what straddles a cut, or is
 * no such row, is put together and read alone.
 * Must not know sockets, files or the log.
 */
#include "storage/codecs/binaryfields.h"

#include <stdlib.h>

static const char binary_signature[11] = "PGCOPY\n\377\r\n"; /* with the NUL */
enum { HEAD_BYTES = 19, FLAG_OIDS = 1 << 16 };
/* Small enough for what the rows' walk has found to be in the cache when kernels read it. */
enum { CHUNK_BYTES = 128 << 10, FIELDS_MAX = 16 << 10, CAREFUL_ROWS = 16 };

typedef struct Binary {
    MrDecoder base;
    MrBuilder carry; /* the begun header or row */
    bool header_done;
    bool trailer_done;
    uint64_t row;
    uint32_t rows_max; /* of a run: few after a bad row, as rows behind it are converted in vain */
    uint32_t fields[FIELDS_MAX];
} Binary;

static uint32_t get32(const char *data)
{
    uint32_t value;
    memcpy(&value, data, 4);
    return __builtin_bswap32(value);
}

static int16_t get16(const char *data)
{
    return (int16_t)((unsigned char)data[0] << 8 | (unsigned char)data[1]);
}

static void binary_destroy(MrDecoder *decoder)
{
    Binary *self = (Binary *)decoder;
    if (self != NULL) {
        mr_builder_fini(&self->carry);
        mr_decoder_fini(&self->base);
        free(self);
    }
}

static MrStatus binary_create(const MrCodecOptions *options, MrRejectFunction *reject,
                              void *context, MrDecoder **out, MrError *err)
{
    *out = NULL;
    if (options->column_count > INT16_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS, "too many columns for binary input");
    }
    Binary *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mr_error_no_memory(err);
    }
    self->rows_max = FIELDS_MAX;
    mr_builder_init(&self->carry, (size_t)MR_ROW_BYTES_MAX + HEAD_BYTES);
    MrStatus status = mr_decoder_init(&self->base, options, reject, context, err);
    if (status != MR_OK) {
        binary_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return MR_OK;
}

/* ---- how long the thing that starts here is ---------------------------------------------------
 * Each returns MR_OK with *bytes the whole length, or, when the bytes at hand end before it can be
 * told, the length at which to look again; the thing is whole when *bytes <= length. */

static MrStatus header_measure(const char *data, size_t length, size_t *bytes, MrError *err)
{
    size_t seen = length < sizeof binary_signature ? length : sizeof binary_signature;
    if (memcmp(data, binary_signature, seen) != 0) {
        return mr_error_set(err, MR_ERR_BAD_COPY, "COPY file signature not recognized");
    }
    *bytes = HEAD_BYTES;
    if (length < HEAD_BYTES) {
        return MR_OK;
    }
    uint32_t flags = get32(data + 11);
    uint32_t extension = get32(data + 15);
    if (flags & FLAG_OIDS) {
        return mr_error_set(err, MR_ERR_BAD_COPY, "invalid COPY file header (WITH OIDS)");
    }
    if (flags >> 16 != 0) {
        return mr_error_set(err, MR_ERR_BAD_COPY,
                            "unrecognized critical flags in COPY file header");
    }
    if (extension > MR_ROW_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_BAD_COPY, "invalid COPY file header (wrong length)");
    }
    *bytes = HEAD_BYTES + (size_t)extension;
    return MR_OK;
}

static MrStatus row_measure(const Binary *self, const char *data, size_t length, size_t *bytes,
                            MrError *err)
{
    size_t at = 2;
    *bytes = at;
    if (length < at) {
        return MR_OK;
    }
    int count = get16(data);
    if (count == -1) {
        return MR_OK;
    }
    if (count != (int)self->base.options.column_count) {
        return mr_error_set(err, MR_ERR_BAD_COPY, "row field count is %d, expected %d", count,
                            (int)self->base.options.column_count);
    }
    for (int i = 0; i < count; i++) {
        if (length - at < 4) {
            *bytes = at + 4;
            return MR_OK;
        }
        int32_t size = (int32_t)get32(data + at);
        at += 4;
        if (size < -1) {
            return mr_error_set(err, MR_ERR_BAD_COPY, "invalid field size");
        }
        at += size > 0 ? (size_t)size : 0;
        if (at > MR_ROW_BYTES_MAX) {
            return mr_decoder_row_too_long(err);
        }
        if (length < at) {
            *bytes = at;
            return MR_OK;
        }
    }
    *bytes = at;
    return MR_OK;
}

/* Bytes say nothing to who reads an error. */
static const MrString not_shown = { NULL, 0 };

/* ---- one row, whole -------------------------------------------------------------------------- */

/* The row is bad, as `err` says. */
static MrStatus row_reject(Binary *self, const MrCodecColumn *column, MrString raw, MrError *err)
{
    mr_decoder_context(&self->base, self->row, column->name, &not_shown, err);
    return mr_decoder_bad_row(&self->base, self->row, raw, err);
}

static MrStatus row_read(Binary *self, const char *data, size_t length, MrError *err)
{
    MrDecoder *base = &self->base;
    MrStage *stage = &base->stage;
    const char *next = data + 2;
    MR_TRY(mr_stage_reserve(stage, 1, err));
    self->row++;
    for (uint32_t i = 0; i < base->options.column_count; i++) {
        const MrCodecColumn *column = &base->options.columns[i];
        int32_t size = (int32_t)get32(next);
        next += 4;
        if (column->target >= 0 &&
            mr_binary_field_read(base, column, next, size, stage->row_count, err) != MR_OK) {
            mr_stage_forget_nulls(stage, stage->row_count, stage->row_count + 1);
            return row_reject(self, column, (MrString){ data, length }, err);
        }
        next += size > 0 ? size : 0;
    }
    stage->row_count++;
    base->counts.rows++;
    return MR_OK;
}

/* Reads what starts here if it is whole; *bytes as for the measures. */
static MrStatus thing_read(Binary *self, const char *data, size_t length, size_t *bytes,
                           MrError *err)
{
    if (!self->header_done) {
        MR_TRY(header_measure(data, length, bytes, err));
        self->header_done = *bytes <= length;
        return MR_OK;
    }
    MrStatus status = row_measure(self, data, length, bytes, err);
    if (status != MR_OK) {
        mr_decoder_context(&self->base, self->row + 1, NULL, NULL, err);
        return status;
    }
    if (*bytes > length) {
        return MR_OK;
    }
    if (get16(data) == -1) {
        self->trailer_done = true;
        return MR_OK;
    }
    return row_read(self, data, *bytes, err);
}

static MrStatus binary_step(Binary *self, const char *data, size_t length, size_t *used,
                            MrError *err)
{
    size_t bytes = 0;
    if (self->carry.length == 0) {
        MR_TRY(thing_read(self, data, length, &bytes, err));
        if (bytes <= length) {
            *used = bytes;
            return MR_OK;
        }
        mr_builder_append(&self->carry, data, length);
        *used = length;
        return self->carry.failed ? mr_error_no_memory(err) : MR_OK;
    }
    /* Take only what the begun thing is known to need, then look again. */
    MR_TRY(thing_read(self, self->carry.data, self->carry.length, &bytes, err));
    size_t part = bytes - self->carry.length < length ? bytes - self->carry.length : length;
    mr_builder_append(&self->carry, data, part);
    *used = part;
    if (self->carry.failed) {
        return mr_error_no_memory(err);
    }
    if (self->carry.length == bytes) {
        MR_TRY(thing_read(self, self->carry.data, self->carry.length, &bytes, err));
        if (bytes <= self->carry.length) {
            mr_builder_clear(&self->carry);
        }
    }
    return MR_OK;
}

/* Whole rows, many at once; *used 0: what starts here is something else, or not whole. */
static MrStatus rows_run(Binary *self, const char *data, size_t length, size_t *used, MrError *err)
{
    MrDecoder *base = &self->base;
    uint32_t stride = base->options.column_count;
    uint32_t room = mr_stage_room(&base->stage);
    uint32_t rows_max = stride == 0 ? 0 : FIELDS_MAX / stride;
    rows_max = rows_max < self->rows_max ? rows_max : self->rows_max;
    const MrCodecColumn *column = NULL;
    bool is_null = false;
    MrBinaryRun run = {
        .data = data, .data_end = data + length, .fields = self->fields, .stride = stride
    };
    *used = 0;
    run.row_count = mr_binary_rows_find(data, length < CHUNK_BYTES ? length : CHUNK_BYTES, stride,
                                        rows_max < room ? rows_max : room, self->fields, used);
    if (run.row_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_stage_reserve(&base->stage, run.row_count, err));
    uint32_t good = mr_binary_fields_convert(base, &run, &column, &is_null, err);
    self->row += good;
    if (good == run.row_count) {
        self->rows_max = self->rows_max < FIELDS_MAX ? self->rows_max * 2 : FIELDS_MAX;
        return MR_OK;
    }
    self->rows_max = CAREFUL_ROWS;
    /* The rows behind the bad one come again. */
    size_t start = self->fields[(size_t)good * stride] - 2;
    *used = good + 1 < run.row_count ? self->fields[(size_t)(good + 1) * stride] - 2 : *used;
    self->row++;
    return row_reject(self, column, (MrString){ data + start, *used - start }, err);
}

static MrStatus binary_decode(MrDecoder *decoder, const char *data, size_t length, size_t *used,
                              MrError *err)
{
    Binary *self = (Binary *)decoder;
    MrError mine = MR_ERROR_INIT;
    err = err != NULL ? err : &mine;
    *used = 0;
    MR_TRY(mr_stage_reserve(&self->base.stage, 0, err));
    while (*used < length && !mr_stage_is_full(&self->base.stage)) {
        size_t part = 0;
        if (self->trailer_done) {
            mr_error_set(err, MR_ERR_BAD_COPY, "received copy data after EOF marker");
            mr_decoder_context(&self->base, self->row + 1, NULL, NULL, err);
            return err->status;
        }
        if (self->header_done && self->carry.length == 0) {
            MR_TRY(rows_run(self, data + *used, length - *used, &part, err));
        }
        if (part == 0) {
            MR_TRY(binary_step(self, data + *used, length - *used, &part, err));
        }
        *used += part;
    }
    self->base.counts.carried_bytes = self->carry.length;
    return MR_OK;
}

/* The data ends inside of a row.  A field of the wrong length moves all that follows, so that the
 * first field that cannot be read says more than the end. */
static MrStatus row_cut_off(Binary *self, MrError *err)
{
    MrDecoder *base = &self->base;
    const char *data = self->carry.data;
    size_t at = 2, length = self->carry.length;
    const MrCodecColumn *column = NULL;
    MrStatus status = mr_stage_reserve(&base->stage, 1, err);
    for (uint32_t i = 0; status == MR_OK && length >= at && i < base->options.column_count; i++) {
        column = &base->options.columns[i];
        int32_t size = length - at < 4 ? 0 : (int32_t)get32(data + at);
        size_t end = at + 4 + (size > 0 ? (size_t)size : 0);
        if (end <= length && column->target >= 0) {
            status =
                mr_binary_field_read(base, column, data + at + 4, size, base->stage.row_count, err);
        }
        at = end;
    }
    if (status == MR_OK) {
        status = mr_error_set(err, MR_ERR_BAD_COPY, "unexpected EOF in COPY data");
    }
    mr_stage_forget_nulls(&base->stage, base->stage.row_count, base->stage.row_count + 1);
    mr_decoder_context(base, self->row + 1, column == NULL ? NULL : column->name, &not_shown, err);
    return status;
}

/* Data may end without a trailer, but not inside of a row. */
static MrStatus binary_finish(MrDecoder *decoder, MrError *err)
{
    Binary *self = (Binary *)decoder;
    MR_TRY(mr_stage_reserve(&self->base.stage, 0, err));
    if (!self->header_done) {
        return mr_error_set(err, MR_ERR_BAD_COPY, "COPY file signature not recognized");
    }
    if (self->carry.length > 0) {
        return row_cut_off(self, err);
    }
    return MR_OK;
}

static void binary_encode_begin(const MrCodecOptions *options, MrBuilder *out)
{
    (void)options;
    mr_builder_append(out, binary_signature, sizeof binary_signature);
    mr_builder_append_u32(out, 0);
    mr_builder_append_u32(out, 0);
}

static MrStatus binary_encode(const MrCodecOptions *options, const MrBlock *block, MrBuilder *out,
                              MrError *err)
{
    for (uint32_t row = 0; row < block->row_count && !out->failed; row++) {
        mr_builder_append_u16(out, (uint16_t)options->column_count);
        for (uint32_t i = 0; i < options->column_count; i++) {
            const MrVector *vector = &block->columns[options->columns[i].target];
            if (mr_vector_is_null(vector, row)) {
                mr_builder_append_u32(out, UINT32_MAX);
                continue;
            }
            /* The length is known once the value is written. */
            size_t start = out->length;
            mr_builder_append_u32(out, 0);
            mr_binary_encode_cell(vector->type.id, mr_vector_cell(vector, row), out);
            if (!out->failed) {
                uint32_t size = __builtin_bswap32((uint32_t)(out->length - start - 4));
                memcpy(out->data + start, &size, sizeof size);
            }
        }
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static void binary_encode_end(const MrCodecOptions *options, MrBuilder *out)
{
    (void)options;
    mr_builder_append_u16(out, UINT16_MAX);
}

const MrCodecClass mr_codec_binary = {
    .name = "binary",
    .decoder_create = binary_create,
    .decode = binary_decode,
    .finish = binary_finish,
    .rows_ready = mr_decoder_rows_ready,
    .is_full = mr_decoder_is_full,
    .take = mr_decoder_take,
    .decoder_destroy = binary_destroy,
    .encode_begin = binary_encode_begin,
    .encode = binary_encode,
    .encode_end = binary_encode_end,
};
