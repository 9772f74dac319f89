/*
 * storage/codecs/pgtext.c - COPY's text format: the class, and blocks written as text.
 * Must not know sockets, files or the log.
 */
#include "storage/codecs/delimited.h"

/* The letter that stands for a control character behind a backslash, or 0. */
static char text_letter(char c)
{
    switch (c) {
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\v': return 'v';
    default: return 0;
    }
}

/* Escapes what `out` holds from `start` on. */
static void text_escape(char delimiter, size_t start, MrBuilder *out)
{
    size_t length = out->length - start;
    size_t escapes = 0;
    if (out->failed) {
        return;
    }
    for (size_t i = start; i < out->length; i++) {
        char c = out->data[i];
        escapes += c == '\\' || c == delimiter || text_letter(c) != 0;
    }
    if (escapes == 0 || mr_builder_reserve(out, escapes) == NULL) {
        return;
    }
    char *to = out->data + out->length;
    for (size_t i = start + length; i > start; i--) {
        char c = out->data[i - 1];
        char letter = text_letter(c);
        bool escaped = c == '\\' || c == delimiter || letter != 0;
        *--to = letter != 0 ? letter : c;
        if (escaped) {
            *--to = '\\';
        }
    }
}

static void text_encode_begin(const MrCodecOptions *options, MrBuilder *out)
{
    char delimiter = mr_delimited_delimiter(options, false);
    if (!options->header && !options->match_header) {
        return;
    }
    for (uint32_t i = 0; i < options->column_count; i++) {
        if (i > 0) {
            mr_builder_append_char(out, delimiter);
        }
        size_t start = out->length;
        mr_builder_append_string(out, options->columns[i].name);
        text_escape(delimiter, start, out);
    }
    mr_builder_append_char(out, '\n');
}

static MrStatus text_encode(const MrCodecOptions *options, const MrBlock *block, MrBuilder *out,
                            MrError *err)
{
    char delimiter = mr_delimited_delimiter(options, false);
    const char *null_text = mr_delimited_null(options, false);
    for (uint32_t row = 0; row < block->row_count && !out->failed; row++) {
        for (uint32_t i = 0; i < options->column_count; i++) {
            const MrVector *vector = &block->columns[options->columns[i].target];
            if (i > 0) {
                mr_builder_append_char(out, delimiter);
            }
            if (mr_vector_is_null(vector, row)) {
                mr_builder_append_string(out, null_text);
                continue;
            }
            size_t start = out->length;
            mr_cell_format(vector->type.id, mr_vector_cell(vector, row), options->zone, out);
            text_escape(delimiter, start, out);
        }
        mr_builder_append_char(out, '\n');
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static void text_encode_end(const MrCodecOptions *options, MrBuilder *out)
{
    (void)options;
    (void)out;
}

static MrStatus text_decoder_create(const MrCodecOptions *options, MrRejectFunction *reject,
                                    void *context, MrDecoder **out, MrError *err)
{
    return mr_delimited_create(options, false, reject, context, out, err);
}

const MrCodecClass mr_codec_text = {
    .name = "text",
    .decoder_create = text_decoder_create,
    .decode = mr_delimited_decode,
    .finish = mr_delimited_finish,
    .rows_ready = mr_decoder_rows_ready,
    .is_full = mr_decoder_is_full,
    .take = mr_decoder_take,
    .decoder_destroy = mr_delimited_destroy,
    .encode_begin = text_encode_begin,
    .encode = text_encode,
    .encode_end = text_encode_end,
};
