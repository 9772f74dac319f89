/*
 * engine/functions/encoding.c - text as bytes of another encoding, and back: convert_to(),
 * convert_from(), convert().  Names are PostgreSQL's, the tables the C library's (iconv).
 */
#include "engine/functions/families.h"

#include "common/encoding.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

/* All conversions there are go from or to UTF8, or stay in a group. */
static bool can_convert(const MrEncoding *from, const MrEncoding *to)
{
    return from == mr_encoding_utf8() || to == mr_encoding_utf8() ||
           (from->group != 0 && from->group == to->group);
}

static MrStatus bytes_convert(const MrEncoding *from, const MrEncoding *to, MrString bytes,
                              MrBuilder *out, MrError *err)
{
    const MrEncoding *utf8 = mr_encoding_utf8();
    const size_t valid = mr_utf8_check(bytes.data, bytes.length);
    const char *zero = memchr(bytes.data, 0, bytes.length);
    if (zero != NULL) {
        return mr_encoding_invalid(from, bytes, (size_t)(zero - bytes.data), err);
    }
    if ((from == utf8 || (to == utf8 && from->iconv == NULL)) && valid < bytes.length) {
        return mr_encoding_invalid(utf8, bytes, valid, err);
    }
    if (from == to || from->iconv == NULL || to->iconv == NULL) {
        mr_builder_append(out, bytes.data, bytes.length);
        return MR_OK;
    }
    if (!can_convert(from, to)) {
        return mr_encoding_no_conversion(from, to, err);
    }
    MrTranscoder *transcoder;
    MR_TRY(mr_transcoder_create(from, to, &transcoder, err));
    MrStatus status = mr_transcode(transcoder, bytes, out, err);
    status = status == MR_OK ? mr_transcode_end(transcoder, out, err) : status;
    mr_transcoder_destroy(transcoder);
    return status;
}

/* The encoding of an argument, or UTF8 where there is none (`arg` < 0). */
static MrStatus encoding_read(const MrVector *const *args, int arg, uint32_t row, const char *what,
                              const MrEncoding **out, MrError *err)
{
    *out = mr_encoding_utf8();
    if (arg < 0) {
        return MR_OK;
    }
    const MrString name = mr_arg_text(args[arg], row);
    *out = mr_encoding_find(name);
    return *out != NULL
               ? MR_OK
               : mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid %s encoding name \"%.*s\"",
                              what, (int)(name.length < 63 ? name.length : 63), name.data);
}

static MrStatus convert_rows(MrEval *eval, const MrVector *const *args, int from_arg, int to_arg,
                             uint32_t rows, MrVector *out)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        MrError error = MR_ERROR_INIT;
        const MrEncoding *from, *to;
        if (encoding_read(args, from_arg, i, "source", &from, &error) != MR_OK ||
            encoding_read(args, to_arg, i, "destination", &to, &error) != MR_OK ||
            bytes_convert(from, to, mr_arg_text(args[0], i), &texts.builder, &error) != MR_OK) {
            mr_text_rows_fail(&texts, i, &error);
            continue;
        }
        mr_text_rows_put(&texts, i);
    }
    return mr_text_rows_end(&texts);
}

#define CONVERT_KERNEL(NAME, FROM, TO)                        \
    MR_KERNEL(NAME)                                           \
    {                                                         \
        (void)arg_count;                                      \
        return convert_rows(eval, args, FROM, TO, rows, out); \
    }
CONVERT_KERNEL(text_convert_to, -1, 1)
CONVERT_KERNEL(bytea_convert_from, 1, -1)
CONVERT_KERNEL(bytea_convert, 1, 2)

const MrFunction mr_functions_encoding[] = {
    F2("convert_to", TEXT, NAME, BYTEA, text_convert_to, FALLIBLE,
       "The text as bytes of an encoding (UTF8, LATIN1, WIN1252 …).", "convert_to('é', 'LATIN1')",
       "\\xe9"),
    F2("convert_from", BYTEA, NAME, TEXT, bytea_convert_from, FALLIBLE,
       "Bytes of an encoding as text.", "convert_from('\\xe9'::bytea, 'LATIN1')", "é"),
    F3("convert", BYTEA, NAME, NAME, BYTEA, bytea_convert, FALLIBLE,
       "Bytes of one encoding as bytes of another.", "convert('\\xc3a9'::bytea, 'UTF8', 'LATIN1')",
       "\\xe9"),
};
MR_FAMILY_COUNT(encoding);
