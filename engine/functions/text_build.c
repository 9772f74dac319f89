/*
 * engine/functions/text_build.c - text made of other text: ||, concat, format, padding, replacing.
 * Every result's length is known before memory is taken for it.
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

/* Joins two strings into the row's cell. */
static MrStatus set_joined(MrEval *eval, MrVector *out, uint32_t row, MrString a, MrString b)
{
    char few[MR_TEXT_INLINE_MAX], *room = few;
    const size_t length = a.length + b.length;
    if (length > MR_TEXT_INLINE_MAX) {
        room = mr_kernel_text_room(eval, length);
        if (room == NULL) {
            return eval->err != NULL ? eval->err->status : MR_ERR_OUT_OF_MEMORY;
        }
    }
    memcpy(room, a.data, a.length);
    memcpy(room + a.length, b.data, b.length);
    ((MrText *)out->data)[row] = mr_text_make(room, (uint32_t)length);
    return MR_OK;
}
MR_KERNEL(text_concatenate)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW (i) {
        MR_TRY(set_joined(eval, out, i, mr_arg_text(args[0], i), mr_arg_text(args[1], i)));
    }
    return MR_OK;
}

/* The two operands as text; bool as a cast has it, true, not t. */
static MrStatus operand_text(MrEval *eval, const MrVector *arg, MrVector *out)
{
    if (arg->type.id != MR_TYPE_BOOL) {
        return mr_kernel_as_text(eval, arg, out);
    }
    const uint32_t rows = arg->is_constant ? 1 : arg->row_count;
    const uint8_t *values = arg->data;
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_TEXT), rows, eval->err));
    for (uint32_t i = 0; i < rows; i++) {
        ((MrText *)out->data)[i] = values[i] ? mr_text_make("true", 4) : mr_text_make("false", 5);
    }
    out->validity = arg->validity;
    out->is_constant = arg->is_constant;
    return MR_OK;
}
MR_KERNEL(any_concatenate)
{
    MrVector left, right;
    MR_TRY(operand_text(eval, args[0], &left));
    MR_TRY(operand_text(eval, args[1], &right));
    const MrVector *both[2] = { &left, &right };
    return text_concatenate(eval, both, arg_count, rows, out);
}

/* Every argument as text, one vector each. */
static MrStatus args_as_text(MrEval *eval, const MrVector *const *args, uint32_t arg_count, MrVector **out)
{
    MrVector *texts = mr_arena_calloc(eval->arena, arg_count, sizeof *texts);
    if (texts == NULL) {
        return mr_error_no_memory(eval->err);
    }
    for (uint32_t k = 0; k < arg_count; k++) {
        MR_TRY(mr_kernel_as_text(eval, args[k], &texts[k]));
    }
    *out = texts;
    return MR_OK;
}

/* NULLs are passed over; the separator stands between the others. */
static MrStatus join_args(MrEval *eval, const MrVector *texts, uint32_t first, uint32_t arg_count, uint32_t rows,
                          const MrVector *separator, MrVector *out)
{
    MrBuilder builder;
    MrStatus status = MR_OK;
    mr_builder_init(&builder, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (separator != NULL && mr_vector_is_null(separator, i)) {
            status = mr_kernel_set_null(eval, out, i);
            continue;
        }
        bool any = false;
        mr_builder_clear(&builder);
        for (uint32_t k = first; k < arg_count; k++) {
            if (mr_vector_is_null(&texts[k], i)) {
                continue;
            }
            if (any && separator != NULL) {
                const MrString between = mr_arg_text(separator, i);
                mr_builder_append(&builder, between.data, between.length);
            }
            const MrString text = mr_arg_text(&texts[k], i);
            mr_builder_append(&builder, text.data, text.length);
            any = true;
        }
        status = builder.failed ? mr_error_no_memory(eval->err)
                                : mr_kernel_set_text(eval, out, i, builder.data, builder.length);
    }
    mr_builder_fini(&builder);
    return status;
}
MR_KERNEL(text_concat)
{
    MrVector *texts;
    MR_TRY(args_as_text(eval, args, arg_count, &texts));
    return join_args(eval, texts, 0, arg_count, rows, NULL, out);
}
MR_KERNEL(text_concat_ws)
{
    MrVector *texts;
    MR_TRY(args_as_text(eval, args, arg_count, &texts));
    return join_args(eval, texts, 1, arg_count, rows, &texts[0], out);
}

/* ---- format() ---------------------------------------------------------------------------------- */

typedef struct FormatSpec {
    int32_t position; /* n$, 0: the next argument */
    bool left;
    bool width_is_argument;
    int32_t width_position;
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
    *spec = (FormatSpec){ 0 };
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

static void append_padded(MrBuilder *builder, const char *data, size_t length, const FormatSpec *spec)
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

static MrStatus format_fail(Format *format, const MrVector *out, uint32_t row, const char *message, bool *failed)
{
    *failed = true;
    return mr_eval_row_error(format->eval, out, row, MR_ERR_INVALID_PARAMETER, "%s", message);
}

static MrStatus format_value(Format *format, const MrVector *out, uint32_t row, const FormatSpec *spec, bool *failed)
{
    const uint32_t index = spec->position > 0 ? (uint32_t)spec->position : format->next;
    if (index >= format->arg_count) {
        return format_fail(format, out, row, "too few arguments for format()", failed);
    }
    format->next = index + 1;
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
        mr_builder_append_identifier(&format->part, copy);
    }
    append_padded(&format->out, format->part.data != NULL ? format->part.data : "", format->part.length, spec);
    return MR_OK;
}

static MrStatus format_width(Format *format, const MrVector *out, uint32_t row, FormatSpec *spec, bool *failed)
{
    const uint32_t index = spec->width_position > 0 ? (uint32_t)spec->width_position : format->next;
    if (index >= format->arg_count) {
        return format_fail(format, out, row, "too few arguments for format()", failed);
    }
    format->next = index + 1;
    if (!mr_vector_is_null(&format->texts[index], row)) {
        MrDatum width;
        MrError error = MR_ERROR_INIT;
        if (mr_datum_parse(format->eval->arena, mr_type(MR_TYPE_INT32), mr_arg_text(&format->texts[index], row), NULL,
                           &width, &error) != MR_OK) {
            *failed = true;
            return mr_eval_row_failed(format->eval, out, row, &error);
        }
        spec->width = width.integer;
    }
    return MR_OK;
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
            return format_fail(format, out, row, "unterminated format() type specifier", failed);
        } else if (strchr("sIL", spec.kind) == NULL || spec.kind == '\0') {
            *failed = true;
            return mr_eval_row_error(format->eval, out, row, MR_ERR_INVALID_PARAMETER,
                                     "unrecognized format() type specifier \"%c\"", spec.kind);
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
    MR_TRY(args_as_text(eval, args, arg_count, &texts));
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

/* ---- padding, repeating, replacing -------------------------------------------------------------- */

static MrStatus too_long(MrEval *eval, const MrVector *out, uint32_t row)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_PROGRAM_LIMIT, "requested length too large");
}

MR_KERNEL(text_repeat)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW (i) {
        const MrString text = mr_arg_text(args[0], i);
        const int32_t count = MR_ARG(int32_t, 1, i);
        size_t length;
        if (count <= 0 || text.length == 0) {
            continue;
        }
        if (__builtin_mul_overflow(text.length, (size_t)count, &length) || length > MR_TEXT_BYTES_MAX) {
            MR_TRY(too_long(eval, out, i));
            continue;
        }
        char *room = mr_kernel_text_room(eval, length);
        if (room == NULL) {
            return MR_ERR_OUT_OF_MEMORY;
        }
        for (int32_t k = 0; k < count; k++) {
            memcpy(room + (size_t)k * text.length, text.data, text.length);
        }
        ((MrText *)out->data)[i] = mr_text_make(room, (uint32_t)length);
    }
    return MR_OK;
}

/* Appends `characters` characters of the fill, over and over; returns the bytes written. */
static size_t fill_write(MrString fill, int64_t characters, char *out)
{
    size_t length = 0;
    for (size_t at = 0; characters > 0; characters--) {
        const size_t next = mr_next_character(fill, at);
        memcpy(out + length, fill.data + at, next - at);
        length += next - at;
        at = next < fill.length ? next : 0;
    }
    return length;
}
static MrStatus pad(MrEval *eval, const MrVector *const *args, uint32_t arg_count, uint32_t rows, MrVector *out,
                    bool left)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW (i) {
        const MrString text = mr_arg_text(args[0], i);
        const MrString fill = arg_count == 3 ? mr_arg_text(args[2], i) : MR_STRING(" ");
        const int64_t wanted = MR_ARG(int32_t, 1, i) > 0 ? MR_ARG(int32_t, 1, i) : 0;
        const int64_t have = (int64_t)mr_utf8_length(text.data, text.length);
        if (wanted <= have || fill.length == 0) {
            mr_set_part(out, i, text, 0, mr_characters_end(text, wanted));
            continue;
        }
        if (wanted > MR_TEXT_BYTES_MAX / 4) {
            MR_TRY(too_long(eval, out, i));
            continue;
        }
        char *room = mr_kernel_text_room(eval, text.length + (size_t)(wanted - have) * 4);
        if (room == NULL) {
            return MR_ERR_OUT_OF_MEMORY;
        }
        size_t length = 0;
        if (left) {
            length = fill_write(fill, wanted - have, room);
        }
        memcpy(room + length, text.data, text.length);
        length += text.length;
        if (!left) {
            length += fill_write(fill, wanted - have, room + length);
        }
        ((MrText *)out->data)[i] = mr_text_make(room, (uint32_t)length);
    }
    return MR_OK;
}
MR_KERNEL(text_lpad)
{
    return pad(eval, args, arg_count, rows, out, true);
}
MR_KERNEL(text_rpad)
{
    return pad(eval, args, arg_count, rows, out, false);
}

MR_KERNEL(text_reverse)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW (i) {
        const MrString text = mr_arg_text(args[0], i);
        char few[MR_TEXT_INLINE_MAX], *room = few;
        if (text.length > MR_TEXT_INLINE_MAX && (room = mr_kernel_text_room(eval, text.length)) == NULL) {
            return MR_ERR_OUT_OF_MEMORY;
        }
        for (size_t at = 0; at < text.length;) {
            const size_t next = mr_next_character(text, at);
            memcpy(room + text.length - next, text.data + at, next - at);
            at = next;
        }
        ((MrText *)out->data)[i] = mr_text_make(room, (uint32_t)text.length);
    }
    return MR_OK;
}

MR_KERNEL(text_replace)
{
    MrBuilder builder;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&builder, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        const MrString text = mr_arg_text(args[0], i), from = mr_arg_text(args[1], i), to = mr_arg_text(args[2], i);
        const char *at = text.data, *end = text.data + text.length;
        const char *hit = from.length > 0 ? memmem(at, (size_t)(end - at), from.data, from.length) : NULL;
        if (hit == NULL) {
            mr_set_part(out, i, text, 0, text.length);
            continue;
        }
        mr_builder_clear(&builder);
        for (; hit != NULL; hit = memmem(at, (size_t)(end - at), from.data, from.length)) {
            mr_builder_append(&builder, at, (size_t)(hit - at));
            mr_builder_append(&builder, to.data, to.length);
            at = hit + from.length;
        }
        mr_builder_append(&builder, at, (size_t)(end - at));
        status = builder.failed ? mr_error_no_memory(eval->err)
                                : mr_kernel_set_text(eval, out, i, builder.data, builder.length);
    }
    mr_builder_fini(&builder);
    return status;
}

/* Characters found in `from` become those at the same place in `to`, or vanish. */
static void translate_append(MrBuilder *builder, MrString text, size_t at, size_t next, MrString from, MrString to)
{
    size_t f = 0, t = 0;
    while (f < from.length) {
        const size_t f_next = mr_next_character(from, f);
        const size_t t_next = t < to.length ? mr_next_character(to, t) : t;
        if (f_next - f == next - at && memcmp(from.data + f, text.data + at, next - at) == 0) {
            mr_builder_append(builder, to.data + t, t_next - t);
            return;
        }
        f = f_next;
        t = t_next;
    }
    mr_builder_append(builder, text.data + at, next - at);
}
MR_KERNEL(text_translate)
{
    MrBuilder builder;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&builder, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        const MrString text = mr_arg_text(args[0], i), from = mr_arg_text(args[1], i), to = mr_arg_text(args[2], i);
        mr_builder_clear(&builder);
        for (size_t at = 0; at < text.length;) {
            const size_t next = mr_next_character(text, at);
            translate_append(&builder, text, at, next, from, to);
            at = next;
        }
        status = builder.failed ? mr_error_no_memory(eval->err)
                                : mr_kernel_set_text(eval, out, i, builder.data, builder.length);
    }
    mr_builder_fini(&builder);
    return status;
}

/* Characters [start, start + count) of the text make way for the other; count: as long as that. */
MR_KERNEL(text_overlay)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW (i) {
        const MrString text = mr_arg_text(args[0], i), other = mr_arg_text(args[1], i);
        const int64_t start = MR_ARG(int32_t, 2, i);
        const int64_t count = arg_count == 4 ? MR_ARG(int32_t, 3, i) : (int64_t)mr_utf8_length(other.data, other.length);
        if (start <= 0) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_SUBSTRING_ERROR, "negative substring length not allowed"));
            continue;
        }
        if (start + count > INT32_MAX) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE, "integer out of range"));
            continue;
        }
        const size_t from = mr_characters_end(text, start - 1), to = mr_characters_end(text, start - 1 + count);
        char *room = mr_kernel_text_room(eval, from + other.length + (text.length - to));
        if (room == NULL) {
            return eval->err != NULL ? eval->err->status : MR_ERR_OUT_OF_MEMORY;
        }
        memcpy(room, text.data, from);
        memcpy(room + from, other.data, other.length);
        memcpy(room + from + other.length, text.data + to, text.length - to);
        ((MrText *)out->data)[i] = mr_text_make(room, (uint32_t)(from + other.length + (text.length - to)));
    }
    return MR_OK;
}

#define ANY MR_FN_ANY_ARGS
#define NOT_STRICT(NAME, COUNT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, ...) \
    MR_ENTRY(NAME, COUNT, TEXT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, __VA_ARGS__)

const MrFunction mr_functions_text_build[] = {
    F2("||", TEXT, TEXT, TEXT, text_concatenate, 0, "The two texts joined.", "'Post' || 'greSQL'", "PostgreSQL"),
    F2("||", BYTEA, BYTEA, BYTEA, text_concatenate, 0, "The two byte strings joined.",
       "'\\x12'::bytea || '\\x34'::bytea", "\\x1234"),
    F2("||", TEXT, UNKNOWN, TEXT, any_concatenate, ANY | STABLE, "Text and any value joined.", "'n = ' || 42", "n = 42"),
    F2("||", UNKNOWN, TEXT, TEXT, any_concatenate, ANY | STABLE, "Any value and text joined.", "42 || ' is n'",
       "42 is n"),
    NOT_STRICT("concat", 1, text_concat, ANY | MR_FN_VARIADIC | STABLE, "All arguments as text, joined; NULLs passed over.",
               "concat('abcde', 2, NULL, 22)", "abcde222", MR_TYPE_UNKNOWN),
    NOT_STRICT("concat_ws", 2, text_concat_ws, ANY | MR_FN_VARIADIC | STABLE,
               "Arguments as text with the first between them; NULLs passed over.",
               "concat_ws(',', 'abcde', 2, NULL, 22)", "abcde,2,22", MR_TYPE_TEXT, MR_TYPE_UNKNOWN),
    NOT_STRICT("format", 1, text_format, FALLIBLE, "The text with %% for a percent sign.", "format('100%%')", "100%",
               MR_TYPE_TEXT),
    NOT_STRICT("format", 2, text_format, ANY | MR_FN_VARIADIC | FALLIBLE | STABLE,
               "Arguments put for %s, as identifiers for %I, as literals for %L.",
               "format('Hello %s, %1$s', 'World')", "Hello World, World", MR_TYPE_TEXT, MR_TYPE_UNKNOWN),
    F2("repeat", TEXT, INT32, TEXT, text_repeat, FALLIBLE, "The text so many times.", "repeat('Pg', 4)", "PgPgPgPg"),
    F2("lpad", TEXT, INT32, TEXT, text_lpad, FALLIBLE, "Filled with blanks at the start, or cut, to the length.",
       "lpad('hi', 5) || '.'", "   hi."),
    F3("lpad", TEXT, INT32, TEXT, TEXT, text_lpad, FALLIBLE, "Filled at the start, or cut, to the length.",
       "lpad('hi', 5, 'xy')", "xyxhi"),
    F2("rpad", TEXT, INT32, TEXT, text_rpad, FALLIBLE, "Filled with blanks at the end, or cut, to the length.",
       "rpad('hi', 5) || '.'", "hi   ."),
    F3("rpad", TEXT, INT32, TEXT, TEXT, text_rpad, FALLIBLE, "Filled at the end, or cut, to the length.",
       "rpad('hi', 5, 'xy')", "hixyx"),
    F1("reverse", TEXT, TEXT, text_reverse, 0, "Characters in reverse order.", "reverse('abcdé')", "édcba"),
    F3("replace", TEXT, TEXT, TEXT, TEXT, text_replace, 0, "Every occurrence of the second text replaced by the third.",
       "replace('abcdefabcdef', 'cd', 'XX')", "abXXefabXXef"),
    F3("translate", TEXT, TEXT, TEXT, TEXT, text_translate, 0, "Characters of the second text replaced by the third's.",
       "translate('12345', '143', 'ax')", "a2x5"),
    F3("overlay", TEXT, TEXT, INT32, TEXT, text_overlay, FALLIBLE, "The second text laid over the first from a place on.",
       "overlay('Txxxxas' PLACING 'hom' FROM 2)", "Thomxas"),
    F4("overlay", TEXT, TEXT, INT32, INT32, TEXT, text_overlay, FALLIBLE,
       "The second text in place of so many characters.", "overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4)", "Thomas"),
};
MR_FAMILY_COUNT(text_build);
