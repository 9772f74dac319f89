/*
 * engine/functions/encoding.c - text as bytes of another encoding, and back: convert_to(),
 * convert_from(), convert().  Names are PostgreSQL's, the tables the C library's (iconv).
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>

typedef struct Encoding {
    const char *name;    /* as messages have it */
    const char *aliases; /* without case and punctuation, each between blanks */
    const char *iconv;   /* NULL: bytes are passed as they are */
    bool is_wide;        /* characters of several bytes, not all of which are right */
    int group;           /* those of one group can be converted without UTF8; 0: none */
} Encoding;

static const Encoding encodings[] = {
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

/* NULL: none of that name. */
static const Encoding *encoding_find(MrString name)
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

static void append_bytes(MrBuilder *text, MrString bytes, size_t at, size_t count)
{
    for (size_t i = at; i < at + count && i < bytes.length; i++) {
        mr_builder_append_format(text, "%s0x%02x", i > at ? " " : "", (uint8_t)bytes.data[i]);
    }
}

static MrStatus invalid_bytes(const Encoding *encoding, MrString bytes, size_t at, MrError *err)
{
    mr_error_set(err, MR_ERR_BAD_ENCODING, "invalid byte sequence for encoding \"%s\": 0x%02x",
                 encoding->name, (uint8_t)bytes.data[at]);
    return MR_ERR_BAD_ENCODING;
}

static MrStatus no_equivalent(const Encoding *from, const Encoding *to, MrString bytes, size_t at,
                              MrError *err)
{
    MrBuilder text;
    mr_builder_init(&text, 64);
    const size_t next = strcmp(from->name, "UTF8") == 0 ? mr_next_character(bytes, at) : at + 1;
    append_bytes(&text, bytes, at, next - at);
    mr_error_set(err, MR_ERR_UNTRANSLATABLE,
                 "character with byte sequence %s in encoding \"%s\" has no equivalent in "
                 "encoding \"%s\"",
                 text.failed ? "…" : mr_builder_text(&text), from->name, to->name);
    mr_builder_fini(&text);
    return MR_ERR_UNTRANSLATABLE;
}

static MrStatus iconv_run(iconv_t converter, const Encoding *from, const Encoding *to,
                          MrString bytes, MrBuilder *out, MrError *err)
{
    char room[1024], *in = (char *)bytes.data;
    size_t left = bytes.length;
    /* The last round, without input, is for what waits for a character that could join it. */
    for (bool is_last = false; !is_last;) {
        char *end = room;
        size_t free_bytes = sizeof room;
        is_last = left == 0;
        const size_t done = iconv(converter, is_last ? NULL : &in, &left, &end, &free_bytes);
        mr_builder_append(out, room, (size_t)(end - room));
        if (done == (size_t)-1 && errno != E2BIG) {
            const size_t at = (size_t)(in - bytes.data);
            /* In UTF-8, known to be right, and in single bytes it can only be the other side. */
            return strcmp(from->name, "UTF8") == 0 || !from->is_wide
                       ? no_equivalent(from, to, bytes, at, err)
                       : invalid_bytes(from, bytes, at, err);
        }
    }
    return MR_OK;
}

static MrStatus no_conversion(const Encoding *from, const Encoding *to, MrError *err)
{
    return mr_error_set(err, MR_ERR_UNDEFINED_FUNCTION,
                        "default conversion function for encoding \"%s\" to \"%s\" does not exist",
                        from->name, to->name);
}

/* All conversions there are go from or to UTF8, or stay in a group. */
static bool can_convert(const Encoding *from, const Encoding *to)
{
    return strcmp(from->name, "UTF8") == 0 || strcmp(to->name, "UTF8") == 0 ||
           (from->group != 0 && from->group == to->group);
}

static MrStatus bytes_convert(const Encoding *from, const Encoding *to, MrString bytes,
                              MrBuilder *out, MrError *err)
{
    const bool to_utf8 = strcmp(to->name, "UTF8") == 0;
    const size_t valid = mr_utf8_check(bytes.data, bytes.length);
    const char *zero = memchr(bytes.data, 0, bytes.length);
    if (zero != NULL) {
        return invalid_bytes(from, bytes, (size_t)(zero - bytes.data), err);
    }
    if ((strcmp(from->name, "UTF8") == 0 || (to_utf8 && from->iconv == NULL)) &&
        valid < bytes.length) {
        return invalid_bytes(&encodings[0], bytes, valid, err);
    }
    if (from == to || from->iconv == NULL || to->iconv == NULL) {
        mr_builder_append(out, bytes.data, bytes.length);
        return MR_OK;
    }
    if (!can_convert(from, to)) {
        return no_conversion(from, to, err);
    }
    iconv_t converter = iconv_open(to->iconv, from->iconv);
    if (converter == (iconv_t)-1) {
        return no_conversion(from, to, err);
    }
    MrStatus status = iconv_run(converter, from, to, bytes, out, err);
    iconv_close(converter);
    return status;
}

/* The encoding of an argument, or UTF8 where there is none (`arg` < 0). */
static MrStatus encoding_read(const MrVector *const *args, int arg, uint32_t row, const char *what,
                              const Encoding **out, MrError *err)
{
    *out = &encodings[0];
    if (arg < 0) {
        return MR_OK;
    }
    const MrString name = mr_arg_text(args[arg], row);
    *out = encoding_find(name);
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
        const Encoding *from, *to;
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
