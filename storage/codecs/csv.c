/*
 * storage/codecs/csv.c - COPY's CSV: the class, and blocks written as CSV.
 * Must not know sockets, files or the log.
 */
#include "storage/codecs/delimited.h"

typedef struct CsvStyle {
    char delimiter, quote, escape;
    MrString null_text;
    bool alone; /* a row has one field: \. would read as the end marker */
} CsvStyle;

static CsvStyle csv_style(const MrCodecOptions *options)
{
    return (CsvStyle){ .delimiter = mr_delimited_delimiter(options, true),
                       .quote = mr_delimited_quote(options),
                       .escape = mr_delimited_escape(options),
                       .null_text = mr_string(mr_delimited_null(options, true)),
                       .alone = options->column_count == 1 };
}

static bool csv_needs_quotes(const CsvStyle *style, const char *data, size_t length)
{
    if (length == style->null_text.length && memcmp(data, style->null_text.data, length) == 0) {
        return true;
    }
    if (style->alone && length == 2 && memcmp(data, "\\.", 2) == 0) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        char c = data[i];
        if (c == style->delimiter || c == style->quote || c == '\n' || c == '\r') {
            return true;
        }
    }
    return false;
}

/* Puts quotes around what `out` holds from `start` on, where it needs them. */
static void csv_quote(const CsvStyle *style, bool always, size_t start, MrBuilder *out)
{
    size_t length = out->length - start;
    if (out->failed || (!always && !csv_needs_quotes(style, out->data + start, length))) {
        return;
    }
    size_t escapes = 0;
    for (size_t i = start; i < out->length; i++) {
        escapes += out->data[i] == style->quote || out->data[i] == style->escape;
    }
    if (mr_builder_reserve(out, escapes + 2) == NULL) {
        return;
    }
    /* From the end, so that nothing is overwritten before it has moved. */
    char *to = out->data + out->length;
    *--to = style->quote;
    for (size_t i = start + length; i > start; i--) {
        char c = out->data[i - 1];
        *--to = c;
        if (c == style->quote || c == style->escape) {
            *--to = style->escape;
        }
    }
    *--to = style->quote;
}

static void csv_encode_begin(const MrCodecOptions *options, MrBuilder *out)
{
    if (!options->header && !options->match_header) {
        return;
    }
    CsvStyle style = csv_style(options);
    for (uint32_t i = 0; i < options->column_count; i++) {
        if (i > 0) {
            mr_builder_append_char(out, style.delimiter);
        }
        size_t start = out->length;
        mr_builder_append_string(out, options->columns[i].name);
        csv_quote(&style, false, start, out);
    }
    mr_builder_append_char(out, '\n');
}

static MrStatus csv_encode(const MrCodecOptions *options, const MrBlock *block, MrBuilder *out,
                           MrError *err)
{
    CsvStyle style = csv_style(options);
    for (uint32_t row = 0; row < block->row_count && !out->failed; row++) {
        for (uint32_t i = 0; i < options->column_count; i++) {
            const MrCodecColumn *column = &options->columns[i];
            const MrVector *vector = &block->columns[column->target];
            if (i > 0) {
                mr_builder_append_char(out, style.delimiter);
            }
            if (mr_vector_is_null(vector, row)) {
                mr_builder_append(out, style.null_text.data, style.null_text.length);
                continue;
            }
            size_t start = out->length;
            mr_cell_format(vector->type.id, mr_vector_cell(vector, row), options->zone, out);
            csv_quote(&style, options->force_quote_all || column->force_quote, start, out);
        }
        mr_builder_append_char(out, '\n');
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static void csv_encode_end(const MrCodecOptions *options, MrBuilder *out)
{
    (void)options;
    (void)out;
}

static MrStatus csv_decoder_create(const MrCodecOptions *options, MrRejectFunction *reject,
                                   void *context, MrDecoder **out, MrError *err)
{
    return mr_delimited_create(options, true, reject, context, out, err);
}

const MrCodecClass mr_codec_csv = {
    .name = "csv",
    .decoder_create = csv_decoder_create,
    .decode = mr_delimited_decode,
    .finish = mr_delimited_finish,
    .rows_ready = mr_decoder_rows_ready,
    .is_full = mr_decoder_is_full,
    .take = mr_decoder_take,
    .decoder_destroy = mr_delimited_destroy,
    .encode_begin = csv_encode_begin,
    .encode = csv_encode,
    .encode_end = csv_encode_end,
};
