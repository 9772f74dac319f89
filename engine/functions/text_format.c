/*
 * engine/functions/text_format.c - format(): %s a value, %I an identifier, %L a literal, with
 * widths and argument numbers.  Must not know types: arguments are text already.
 */
#include "engine/functions/families.h"
#include "engine/functions/sql_words.h"
#include "engine/functions/text_characters.h"

typedef struct FormatSpec {
    int32_t position; /* n$, -1: the next argument */
    bool left;
    bool width_is_argument;
    int32_t width_position; /* the same */
    int64_t width;
    char kind;
} FormatSpec;

static bool format_number(MrString text, size_t *at, int64_t *out)
{
    const size_t start = *at;
    int64_t value = 0;
    while (*at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9') {
        value = value * 10 + (text.data[*at] - '0');
        if (value > INT32_MAX) {
            value = INT32_MAX;
        }
        ++*at;
    }
    *out = value;
    return *at > start;
}

/* Reads %[n$][-][width]kind behind the percent sign; false: malformed. */
static bool format_spec_read(MrString text, size_t *at, FormatSpec *spec)
{
    int64_t number;
    size_t mark = *at;
    *spec = (FormatSpec){ .position = -1, .width_position = -1 };
    if (format_number(text, at, &number)) {
        if (*at < text.length && text.data[*at] == '$') {
            spec->position = (int32_t)number;
            ++*at;
        } else {
            *at = mark;
        }
    }
    while (*at < text.length && text.data[*at] == '-') {
        spec->left = true;
        ++*at;
    }
    if (*at < text.length && text.data[*at] == '*') {
        ++*at;
        spec->width_is_argument = true;
        mark = *at;
        if (format_number(text, at, &number) && *at < text.length && text.data[*at] == '$') {
            spec->width_position = (int32_t)number;
            ++*at;
        } else {
            *at = mark;
        }
    } else if (format_number(text, at, &number)) {
        spec->width = number;
    }
    if (*at >= text.length) {
        return false;
    }
    spec->kind = text.data[(*at)++];
    return true;
}

static void append_padded(MrBuilder *builder, const char *data, size_t length,
                          const FormatSpec *spec)
{
    const int64_t characters = (int64_t)mr_utf8_length(data, length);
    const int64_t width = spec->width < 0 ? -spec->width : spec->width;
    const bool left = spec->left || spec->width < 0;
    const int64_t blanks = width > characters ? width - characters : 0;
    char *room;
    if (!left && blanks > 0 && (room = mr_builder_reserve(builder, (size_t)blanks)) != NULL) {
        memset(room, ' ', (size_t)blanks);
    }
    mr_builder_append(builder, data, length);
    if (left && blanks > 0 && (room = mr_builder_reserve(builder, (size_t)blanks)) != NULL) {
        memset(room, ' ', (size_t)blanks);
    }
}

typedef struct Format {
    MrEval *eval;
    const MrVector *texts; /* [0] is the format itself */
    uint32_t arg_count;
    uint32_t next;
    MrBuilder out;
    MrBuilder part;
} Format;

static MrStatus format_fail(Format *format, const MrVector *out, uint32_t row, const char *message,
                            bool *failed)
{
    *failed = true;
    return mr_eval_row_error(format->eval, out, row, MR_ERR_INVALID_PARAMETER, "%s", message);
}

/* The place of the argument that is read now. */
static MrStatus format_argument(Format *format, const MrVector *out, uint32_t row, int32_t position,
                                uint32_t *index, bool *failed)
{
    *index = position >= 0 ? (uint32_t)position : format->next;
    if (*index == 0) {
        return format_fail(format, out, row,
                           "format specifies argument 0, but arguments are numbered from 1",
                           failed);
    }
    if (*index >= format->arg_count) {
        return format_fail(format, out, row, "too few arguments for format()", failed);
    }
    format->next = *index + 1;
    return MR_OK;
}

static MrStatus format_value(Format *format, const MrVector *out, uint32_t row,
                             const FormatSpec *spec, bool *failed)
{
    uint32_t index;
    MR_TRY(format_argument(format, out, row, spec->position, &index, failed));
    if (*failed) {
        return MR_OK;
    }
    const MrVector *arg = &format->texts[index];
    const bool null = mr_vector_is_null(arg, row);
    const MrString text = null ? MR_STRING("") : mr_arg_text(arg, row);
    mr_builder_clear(&format->part);
    if (spec->kind == 's') {
        mr_builder_append(&format->part, text.data, text.length);
    } else if (spec->kind == 'L') {
        if (null) {
            mr_builder_append_string(&format->part, "NULL");
        } else {
            mr_builder_append_literal(&format->part, text.data, text.length);
        }
    } else if (null) {
        *failed = true;
        return mr_eval_row_error(format->eval, out, row, MR_ERR_NULL_NOT_ALLOWED,
                                 "null values cannot be formatted as an SQL identifier");
    } else {
        mr_builder_append(&format->part, text.data, text.length);
        const char *name = mr_builder_text(&format->part);
        char *copy = name != NULL ? mr_arena_strndup(format->eval->arena, name, text.length) : NULL;
        if (copy == NULL) {
            return mr_error_no_memory(format->eval->err);
        }
        mr_builder_clear(&format->part);
        mr_append_sql_name(&format->part, copy);
    }
    append_padded(&format->out, format->part.data != NULL ? format->part.data : "",
                  format->part.length, spec);
    return MR_OK;
}

static MrStatus format_width(Format *format, const MrVector *out, uint32_t row, FormatSpec *spec,
                             bool *failed)
{
    uint32_t index;
    MR_TRY(format_argument(format, out, row, spec->width_position, &index, failed));
    if (*failed) {
        return MR_OK;
    }
    if (!mr_vector_is_null(&format->texts[index], row)) {
        MrDatum width;
        MrError error = MR_ERROR_INIT;
        if (mr_datum_parse(format->eval->arena, mr_type(MR_TYPE_INT32),
                           mr_arg_text(&format->texts[index], row), NULL, &width,
                           &error) != MR_OK) {
            *failed = true;
            return mr_eval_row_failed(format->eval, out, row, &error);
        }
        spec->width = width.integer;
    }
    return MR_OK;
}

/* A percent sign that stands for none of what there is. */
static MrStatus format_percent(Format *format, const MrVector *out, uint32_t row, char kind,
                               bool *failed)
{
    MrError error = MR_ERROR_INIT;
    if (kind == '\0') {
        mr_error_set(&error, MR_ERR_INVALID_PARAMETER, "unterminated format() type specifier");
    } else {
        mr_error_set(&error, MR_ERR_INVALID_PARAMETER,
                     "unrecognized format() type specifier \"%c\"", kind);
    }
    mr_error_hint(&error, "For a single \"%%\" use \"%%%%\".");
    *failed = true;
    return mr_eval_row_failed(format->eval, out, row, &error);
}

static MrStatus format_row(Format *format, const MrVector *out, uint32_t row, bool *failed)
{
    const MrString text = mr_arg_text(&format->texts[0], row);
    format->next = 1;
    for (size_t at = 0; at < text.length && !*failed;) {
        const char *percent = memchr(text.data + at, '%', text.length - at);
        const size_t end = percent != NULL ? (size_t)(percent - text.data) : text.length;
        mr_builder_append(&format->out, text.data + at, end - at);
        at = end + 1;
        if (percent == NULL) {
            break;
        }
        FormatSpec spec;
        if (at < text.length && text.data[at] == '%') {
            mr_builder_append_char(&format->out, '%');
            at++;
        } else if (!format_spec_read(text, &at, &spec)) {
            return format_percent(format, out, row, '\0', failed);
        } else if (strchr("sIL", spec.kind) == NULL || spec.kind == '\0') {
            return format_percent(format, out, row, spec.kind, failed);
        } else {
            if (spec.width_is_argument) {
                MR_TRY(format_width(format, out, row, &spec, failed));
            }
            if (!*failed) {
                MR_TRY(format_value(format, out, row, &spec, failed));
            }
        }
    }
    return MR_OK;
}

MR_KERNEL(text_format)
{
    Format format = { .eval = eval, .arg_count = arg_count };
    MrVector *texts;
    MrStatus status = MR_OK;
    MR_TRY(mr_kernel_args_as_text(eval, args, arg_count, &texts));
    format.texts = texts;
    mr_builder_init(&format.out, MR_TEXT_BYTES_MAX);
    mr_builder_init(&format.part, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        bool failed = false;
        if (mr_vector_is_null(&texts[0], i)) {
            status = mr_kernel_set_null(eval, out, i);
            continue;
        }
        mr_builder_clear(&format.out);
        status = format_row(&format, out, i, &failed);
        if (status == MR_OK && (format.out.failed || format.part.failed)) {
            status = mr_error_no_memory(eval->err);
        }
        if (status == MR_OK && !failed) {
            status = mr_kernel_set_text(eval, out, i, format.out.data, format.out.length);
        }
    }
    mr_builder_fini(&format.out);
    mr_builder_fini(&format.part);
    return status;
}

const MrFunction mr_functions_text_format[] = {
    MR_ENTRY("format", 1, TEXT, text_format, FALLIBLE, "The text with %% for a percent sign.",
             "format('100%%')", "100%", MR_TYPE_TEXT),
    MR_ENTRY("format", 2, TEXT, text_format, MR_FN_ANY_ARGS | MR_FN_VARIADIC | FALLIBLE | STABLE,
             "Arguments put for %s, as identifiers for %I, as literals for %L.",
             "format('Hello %s, %1$s', 'World')", "Hello World, World", MR_TYPE_TEXT,
             MR_TYPE_UNKNOWN),
};
MR_FAMILY_COUNT(text_format);
