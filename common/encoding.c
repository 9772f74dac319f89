/*
 * common/encoding.c - see encoding.h.  Names are PostgreSQL's ("Character Set Support" in its
 * manual), the tables the C library's.
 */
#include "common/encoding.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

static const MrEncoding encodings[] = {
    { "UTF8", " utf8 unicode ", "UTF-8", true, 0 },
    { "SQL_ASCII", " sqlascii ", NULL, false, 0 },
    { "LATIN1", " latin1 iso88591 ", "ISO-8859-1", false, 0 },
    { "LATIN2", " latin2 iso88592 ", "ISO-8859-2", false, 1 },
    { "LATIN3", " latin3 iso88593 ", "ISO-8859-3", false, 0 },
    { "LATIN4", " latin4 iso88594 ", "ISO-8859-4", false, 0 },
    { "LATIN5", " latin5 iso88599 ", "ISO-8859-9", false, 0 },
    { "LATIN6", " latin6 iso885910 ", "ISO-8859-10", false, 0 },
    { "LATIN7", " latin7 iso885913 ", "ISO-8859-13", false, 0 },
    { "LATIN8", " latin8 iso885914 ", "ISO-8859-14", false, 0 },
    { "LATIN9", " latin9 iso885915 ", "ISO-8859-15", false, 0 },
    { "LATIN10", " latin10 iso885916 ", "ISO-8859-16", false, 0 },
    { "ISO_8859_5", " iso88595 ", "ISO-8859-5", false, 2 },
    { "ISO_8859_6", " iso88596 ", "ISO-8859-6", false, 0 },
    { "ISO_8859_7", " iso88597 ", "ISO-8859-7", false, 0 },
    { "ISO_8859_8", " iso88598 ", "ISO-8859-8", false, 0 },
    { "WIN1250", " win1250 windows1250 ", "CP1250", false, 1 },
    { "WIN1251", " win1251 windows1251 win ", "CP1251", false, 2 },
    { "WIN1252", " win1252 windows1252 ", "CP1252", false, 0 },
    { "WIN1253", " win1253 windows1253 ", "CP1253", false, 0 },
    { "WIN1254", " win1254 windows1254 ", "CP1254", false, 0 },
    { "WIN1255", " win1255 windows1255 ", "CP1255", false, 0 },
    { "WIN1256", " win1256 windows1256 ", "CP1256", false, 0 },
    { "WIN1257", " win1257 windows1257 ", "CP1257", false, 0 },
    { "WIN1258", " win1258 windows1258 abc tcvn tcvn5712 vscii ", "CP1258", false, 0 },
    { "WIN866", " win866 windows866 alt ", "CP866", false, 2 },
    { "WIN874", " win874 windows874 ", "CP874", false, 0 },
    { "KOI8R", " koi8r koi8 ", "KOI8-R", false, 2 },
    { "KOI8U", " koi8u ", "KOI8-U", false, 0 },
    { "EUC_JP", " eucjp ", "EUC-JP", true, 3 },
    { "EUC_KR", " euckr ", "EUC-KR", true, 0 },
    { "EUC_CN", " euccn ", "GB2312", true, 0 },
    { "SJIS", " sjis shiftjis mskanji win932 windows932 ", "CP932", true, 3 },
    { "BIG5", " big5 win950 windows950 ", "BIG5", true, 0 },
    { "GBK", " gbk win936 windows936 ", "GBK", true, 0 },
    { "GB18030", " gb18030 ", "GB18030", true, 0 },
};

const MrEncoding *mr_encoding_find(MrString name)
{
    char wanted[32] = " ";
    size_t length = 1;
    for (size_t i = 0; i < name.length; i++) {
        const unsigned char c = (unsigned char)name.data[i];
        if (!isalnum(c)) {
            continue;
        }
        if (length + 2 >= sizeof wanted) {
            return NULL;
        }
        wanted[length++] = (char)tolower(c);
    }
    wanted[length] = ' ';
    wanted[length + 1] = '\0';
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0] && length > 1; i++) {
        if (strstr(encodings[i].aliases, wanted) != NULL) {
            return &encodings[i];
        }
    }
    return NULL;
}

const MrEncoding *mr_encoding_utf8(void)
{
    return &encodings[0];
}

/* ---- What cannot be converted ---------------------------------------------------------------- */

static void append_bytes(MrBuilder *text, MrString bytes, size_t at, size_t count)
{
    for (size_t i = at; i < at + count && i < bytes.length; i++) {
        mr_builder_append_format(text, "%s0x%02x", i > at ? " " : "", (uint8_t)bytes.data[i]);
    }
}

MrStatus mr_encoding_no_conversion(const MrEncoding *from, const MrEncoding *to, MrError *err)
{
    return mr_error_set(err, MR_ERR_UNDEFINED_FUNCTION,
                        "default conversion function for encoding \"%s\" to \"%s\" does not exist",
                        from->name, to->name);
}

MrStatus mr_encoding_invalid(const MrEncoding *encoding, MrString bytes, size_t at, MrError *err)
{
    return mr_error_set(err, MR_ERR_BAD_ENCODING,
                        "invalid byte sequence for encoding \"%s\": 0x%02x", encoding->name,
                        (uint8_t)bytes.data[at]);
}

static size_t character_bytes(MrString bytes, size_t at)
{
    size_t next = at + 1;
    while (next < bytes.length && ((uint8_t)bytes.data[next] & 0xc0) == 0x80) {
        next++;
    }
    return next - at;
}

static MrStatus no_equivalent(const MrEncoding *from, const MrEncoding *to, MrString bytes,
                              size_t at, MrError *err)
{
    MrBuilder text;
    mr_builder_init(&text, 64);
    append_bytes(&text, bytes, at, from == mr_encoding_utf8() ? character_bytes(bytes, at) : 1);
    mr_error_set(err, MR_ERR_UNTRANSLATABLE,
                 "character with byte sequence %s in encoding \"%s\" has no equivalent in "
                 "encoding \"%s\"",
                 text.failed ? "…" : mr_builder_text(&text), from->name, to->name);
    mr_builder_fini(&text);
    return MR_ERR_UNTRANSLATABLE;
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

enum { CHARACTER_BYTES_MAX = 8 };

struct MrTranscoder {
    const MrEncoding *from, *to;
    iconv_t iconv;
    char cut[CHARACTER_BYTES_MAX]; /* the beginning of a character */
    size_t cut_length;
};

MrStatus mr_transcoder_create(const MrEncoding *from, const MrEncoding *to, MrTranscoder **out,
                              MrError *err)
{
    MrTranscoder *transcoder = calloc(1, sizeof *transcoder);
    if (transcoder == NULL) {
        return mr_error_no_memory(err);
    }
    *transcoder = (MrTranscoder){ .from = from, .to = to };
    transcoder->iconv = iconv_open(to->iconv, from->iconv);
    if (transcoder->iconv == (iconv_t)-1) {
        free(transcoder);
        return mr_encoding_no_conversion(from, to, err);
    }
    *out = transcoder;
    return MR_OK;
}

void mr_transcoder_destroy(MrTranscoder *transcoder)
{
    if (transcoder != NULL) {
        iconv_close(transcoder->iconv);
        free(transcoder);
    }
}

/* In UTF-8, known to be right, and in single bytes it can only be the other side. */
static MrStatus refuse(const MrTranscoder *transcoder, MrString bytes, size_t at, MrError *err)
{
    const MrEncoding *from = transcoder->from;
    return from == mr_encoding_utf8() || !from->is_wide
               ? no_equivalent(from, transcoder->to, bytes, at, err)
               : mr_encoding_invalid(from, bytes, at, err);
}

/* As far as whole characters go: *used.  `bytes` NULL: what waits comes out. */
static MrStatus convert(MrTranscoder *transcoder, const MrString *bytes, size_t *used,
                        MrBuilder *out, MrError *err)
{
    char room[1024];
    char *in = bytes == NULL ? NULL : (char *)(uintptr_t)bytes->data;
    size_t left = bytes == NULL ? 0 : bytes->length;
    for (bool is_done = false; !is_done;) {
        char *end = room;
        size_t free_bytes = sizeof room;
        const size_t failed =
            iconv(transcoder->iconv, in == NULL ? NULL : &in, &left, &end, &free_bytes);
        const int error = errno;
        mr_builder_append(out, room, (size_t)(end - room));
        is_done = failed != (size_t)-1 || error == EINVAL;
        if (!is_done && error != E2BIG) {
            return refuse(transcoder, *bytes, bytes->length - left, err);
        }
    }
    *used = bytes == NULL ? 0 : bytes->length - left;
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

/* The character that was cut gets more bytes until it is whole. */
static MrStatus mend_cut(MrTranscoder *transcoder, MrString *bytes, MrBuilder *out, MrError *err)
{
    size_t used;
    while (transcoder->cut_length > 0 && bytes->length > 0) {
        transcoder->cut[transcoder->cut_length++] = *bytes->data++;
        bytes->length--;
        const MrString cut = { transcoder->cut, transcoder->cut_length };
        MR_TRY(convert(transcoder, &cut, &used, out, err));
        if (used == 0 && transcoder->cut_length == CHARACTER_BYTES_MAX) {
            return mr_encoding_invalid(transcoder->from, cut, 0, err);
        }
        transcoder->cut_length = used > 0 ? 0 : transcoder->cut_length;
    }
    return MR_OK;
}

MrStatus mr_transcode(MrTranscoder *transcoder, MrString bytes, MrBuilder *out, MrError *err)
{
    size_t used;
    MR_TRY(mend_cut(transcoder, &bytes, out, err));
    MR_TRY(convert(transcoder, &bytes, &used, out, err));
    if (bytes.length - used >= CHARACTER_BYTES_MAX) {
        return mr_encoding_invalid(transcoder->from, bytes, used, err);
    }
    if (used < bytes.length) {
        transcoder->cut_length = bytes.length - used;
        memcpy(transcoder->cut, bytes.data + used, transcoder->cut_length);
    }
    return MR_OK;
}

MrStatus mr_transcode_end(MrTranscoder *transcoder, MrBuilder *out, MrError *err)
{
    size_t used;
    const MrString cut = { transcoder->cut, transcoder->cut_length };
    return cut.length > 0 ? mr_encoding_invalid(transcoder->from, cut, 0, err)
                          : convert(transcoder, NULL, &used, out, err);
}
