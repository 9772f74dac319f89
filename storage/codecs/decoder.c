/*
 * storage/codecs/decoder.c - what all decoders share: counters, bad rows, PostgreSQL's wording.
 * Must not know any format.
 */
#include "storage/codecs/decoder.h"

#include <stdio.h>

enum { CONTEXT_VALUE_BYTES = 64 };

MrStatus mr_decoder_init(MrDecoder *decoder, const MrCodecOptions *options,
                         MrRejectFunction *reject, void *context, MrError *err)
{
    decoder->options = *options;
    decoder->reject = reject;
    decoder->reject_context = context;
    return mr_stage_init(&decoder->stage, options, err);
}

void mr_decoder_fini(MrDecoder *decoder)
{
    mr_stage_fini(&decoder->stage);
    mr_stage_shelf_close(decoder->shelf);
}

uint32_t mr_decoder_rows_ready(const MrDecoder *decoder)
{
    return decoder->stage.is_taken ? 0 : decoder->stage.row_count;
}

bool mr_decoder_is_full(const MrDecoder *decoder)
{
    return mr_stage_is_full(&decoder->stage);
}

MrStatus mr_decoder_take(MrDecoder *decoder, MrBlock **out, MrError *err)
{
    return mr_stage_take(&decoder->stage, out, err);
}

MrStatus mr_decoder_bad_row(MrDecoder *decoder, uint64_t line, MrString raw, MrError *err)
{
    MrStatus status = err->status;
    if (decoder->options.bad_rows == MR_BAD_ROWS_FAIL || status == MR_ERR_OUT_OF_MEMORY ||
        status == MR_ERR_INTERNAL) {
        return status;
    }
    decoder->counts.rejected++;
    if (decoder->reject != NULL) {
        decoder->reject(decoder->reject_context, line, raw, err);
    }
    uint64_t limit = decoder->options.reject_limit;
    if (limit != 0 && decoder->counts.rejected > limit) {
        MrError last = *err;
        mr_error_set(err, MR_ERR_INVALID_TEXT, "skipped more than REJECT_LIMIT (%llu) rows",
                     (unsigned long long)limit);
        mr_error_detail(err, "The last of them: %.400s", last.message);
        return err->status;
    }
    mr_error_clear(err);
    return MR_OK;
}

void mr_decoder_context(const MrDecoder *decoder, uint64_t line, const char *column,
                        const MrString *value, MrError *err)
{
    if (err == NULL || err->status == MR_ERR_OUT_OF_MEMORY) {
        return;
    }
    char where[400];
    const char *relation = decoder->options.relation;
    int length = snprintf(where, sizeof where, "%s%.100s%sline %llu", relation ? "COPY " : "",
                          relation ? relation : "", relation ? ", " : "", (unsigned long long)line);
    if (column != NULL) {
        length +=
            snprintf(where + length, sizeof where - (size_t)length, ", column %.100s", column);
    }
    if (value != NULL && value->data != NULL) {
        size_t cut = value->length > CONTEXT_VALUE_BYTES
                         ? mr_utf8_truncate(value->data, value->length, CONTEXT_VALUE_BYTES)
                         : value->length;
        /* Bytes that are not UTF-8 or not printable must not reach the client's terminal. */
        bool clean = mr_utf8_check(value->data, cut) == cut;
        snprintf(where + length, sizeof where - (size_t)length, clean ? ": \"%.*s%s\"" : "%.*s%s",
                 clean ? (int)cut : 0, value->data, clean && cut < value->length ? "..." : "");
    } else if (value == NULL && column != NULL) {
        snprintf(where + length, sizeof where - (size_t)length, ": null input");
    }
    if (err->detail[0] != '\0') {
        char before[sizeof err->detail];
        memcpy(before, err->detail, sizeof before);
        mr_error_detail(err, "%.*s\n%s", (int)(sizeof before - sizeof where - 2), before, where);
    } else {
        mr_error_detail(err, "%s", where);
    }
}

MrStatus mr_decoder_null_error(const MrDecoder *decoder, const MrCodecColumn *column, MrError *err)
{
    if (decoder->options.relation == NULL) {
        return mr_error_set(err, MR_ERR_NOT_NULL_VIOLATION,
                            "null value in column \"%s\" violates not-null constraint",
                            column->name);
    }
    mr_error_set(err, MR_ERR_NOT_NULL_VIOLATION,
                 "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                 column->name, decoder->options.relation);
    return mr_error_about(err, "public", decoder->options.relation, column->name, NULL);
}

MrStatus mr_decoder_encoding_error(const char *data, size_t length, MrError *err)
{
    unsigned char lead = (unsigned char)data[0];
    size_t wanted = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 1;
    char bytes[4 * 5 + 1];
    size_t at = 0;
    for (size_t i = 0; i < wanted && i < length; i++) {
        at += (size_t)snprintf(bytes + at, sizeof bytes - at, "%s0x%02x", i > 0 ? " " : "",
                               (unsigned char)data[i]);
    }
    return mr_error_set(err, MR_ERR_BAD_ENCODING, "invalid byte sequence for encoding \"UTF8\": %s",
                        bytes);
}

MrStatus mr_decoder_row_too_long(MrError *err)
{
    return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a row of input has more than %d bytes",
                        MR_ROW_BYTES_MAX);
}
