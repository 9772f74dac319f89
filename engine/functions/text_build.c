/*
 * engine/functions/text_build.c - text made of other text: ||, concat, padding, replacing.
 * Every result's length is known before memory is taken for it.
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

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
    MR_EACH_ROW(i)
    {
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

/* NULLs are passed over; the separator stands between the others. */
static MrStatus join_args(MrEval *eval, const MrVector *parts, uint32_t first, uint32_t arg_count,
                          uint32_t rows, const MrVector *separator, MrVector *out)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        if (separator != NULL && mr_vector_is_null(separator, i)) {
            mr_text_rows_set_null(&texts, i);
            continue;
        }
        bool any = false;
        for (uint32_t k = first; k < arg_count; k++) {
            if (mr_vector_is_null(&parts[k], i)) {
                continue;
            }
            if (any && separator != NULL) {
                const MrString between = mr_arg_text(separator, i);
                mr_builder_append(&texts.builder, between.data, between.length);
            }
            const MrString text = mr_arg_text(&parts[k], i);
            mr_builder_append(&texts.builder, text.data, text.length);
            any = true;
        }
        mr_text_rows_put(&texts, i);
    }
    return mr_text_rows_end(&texts);
}
MR_KERNEL(text_concat)
{
    MrVector *texts;
    MR_TRY(mr_kernel_args_as_text(eval, args, arg_count, &texts));
    return join_args(eval, texts, 0, arg_count, rows, NULL, out);
}
MR_KERNEL(text_concat_ws)
{
    MrVector *texts;
    MR_TRY(mr_kernel_args_as_text(eval, args, arg_count, &texts));
    return join_args(eval, texts, 1, arg_count, rows, &texts[0], out);
}

/* ---- padding, repeating, replacing ---- */

static MrStatus too_long(MrEval *eval, const MrVector *out, uint32_t row)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_PROGRAM_LIMIT, "requested length too large");
}

MR_KERNEL(text_repeat)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_arg_text(args[0], i);
        const int32_t count = MR_ARG(int32_t, 1, i);
        size_t length;
        if (count <= 0 || text.length == 0) {
            continue;
        }
        if (__builtin_mul_overflow(text.length, (size_t)count, &length) ||
            length > MR_TEXT_BYTES_MAX) {
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
static MrStatus pad(MrEval *eval, const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                    MrVector *out, bool left)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
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
    MR_EACH_ROW(i)
    {
        const MrString text = mr_arg_text(args[0], i);
        char few[MR_TEXT_INLINE_MAX], *room = few;
        if (text.length > MR_TEXT_INLINE_MAX &&
            (room = mr_kernel_text_room(eval, text.length)) == NULL) {
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

/* Where `wanted` (not empty) next stands in [at, end); NULL: nowhere. */
static inline const char *find_next(const char *at, const char *end, MrString wanted)
{
    return wanted.length == 1 ? memchr(at, wanted.data[0], (size_t)(end - at))
                              : memmem(at, (size_t)(end - at), wanted.data, wanted.length);
}
/* What the text becomes; `hit` is where `from` first stands. */
static void replace_append(MrBuilder *builder, MrString text, const char *hit, MrString from,
                           MrString to)
{
    const char *at = text.data, *end = text.data + text.length;
    for (; hit != NULL; hit = find_next(at, end, from)) {
        mr_builder_append(builder, at, (size_t)(hit - at));
        mr_builder_append(builder, to.data, to.length);
        at = hit + from.length;
    }
    mr_builder_append(builder, at, (size_t)(end - at));
}
/* A byte is copied and the place moves on, or does not, without a branch. */
static size_t byte_drop(MrString text, const char *hit, char dropped, char *to)
{
    size_t length = (size_t)(hit - text.data);
    memcpy(to, text.data, length);
    for (const char *at = hit, *end = text.data + text.length; at < end; at++) {
        to[length] = *at;
        length += *at != dropped;
    }
    return length;
}
static MrStatus drop_row(MrEval *eval, MrVector *out, uint32_t row, MrString text, const char *hit,
                         char dropped)
{
    char *room = mr_kernel_text_room(eval, text.length);
    if (room == NULL) {
        return MR_ERR_OUT_OF_MEMORY;
    }
    const size_t length = byte_drop(text, hit, dropped, room);
    ((MrText *)out->data)[row] = mr_text_make(room, (uint32_t)length);
    return MR_OK;
}
MR_KERNEL(text_replace)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    (void)arg_count;
    MR_EACH_TEXT_ROW(texts, i)
    {
        const MrString text = mr_arg_text(args[0], i), from = mr_arg_text(args[1], i),
                       to = mr_arg_text(args[2], i);
        const char *hit =
            from.length > 0 ? find_next(text.data, text.data + text.length, from) : NULL;
        if (hit == NULL) {
            mr_set_part(out, i, text, 0, text.length);
        } else if (from.length == 1 && to.length == 0) {
            texts.status = drop_row(eval, out, i, text, hit, from.data[0]);
        } else {
            replace_append(&texts.builder, text, hit, from, to);
            mr_text_rows_put(&texts, i);
        }
    }
    return mr_text_rows_end(&texts);
}

/* Characters found in `from` become those at the same place in `to`, or vanish. */
static void translate_append(MrBuilder *builder, MrString text, size_t at, size_t next,
                             MrString from, MrString to)
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
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    (void)arg_count;
    MR_EACH_TEXT_ROW(texts, i)
    {
        const MrString text = mr_arg_text(args[0], i), from = mr_arg_text(args[1], i),
                       to = mr_arg_text(args[2], i);
        for (size_t at = 0; at < text.length;) {
            const size_t next = mr_next_character(text, at);
            translate_append(&texts.builder, text, at, next, from, to);
            at = next;
        }
        mr_text_rows_put(&texts, i);
    }
    return mr_text_rows_end(&texts);
}

MrStatus mr_overlay_check(MrEval *eval, MrVector *out, uint32_t row, int64_t start, int64_t count,
                          bool *ok)
{
    *ok = start > 0 && start + count <= INT32_MAX;
    if (start <= 0) {
        return mr_eval_row_error(eval, out, row, MR_ERR_SUBSTRING_ERROR,
                                 "negative substring length not allowed");
    }
    return *ok ? MR_OK
               : mr_eval_row_error(eval, out, row, MR_ERR_NUMERIC_OUT_OF_RANGE,
                                   "integer out of range");
}

MrStatus mr_overlay_set(MrEval *eval, MrVector *out, uint32_t row, MrString whole, MrString other,
                        size_t from, size_t to)
{
    const size_t length = from + other.length + (whole.length - to);
    char *room = mr_kernel_text_room(eval, length);
    if (room == NULL) {
        return eval->err != NULL ? eval->err->status : MR_ERR_OUT_OF_MEMORY;
    }
    memcpy(room, whole.data, from);
    memcpy(room + from, other.data, other.length);
    memcpy(room + from + other.length, whole.data + to, whole.length - to);
    ((MrText *)out->data)[row] = mr_text_make(room, (uint32_t)length);
    return MR_OK;
}

/* Characters [start, start + count) of the text make way for the other; count: as long as that. */
MR_KERNEL(text_overlay)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_arg_text(args[0], i), other = mr_arg_text(args[1], i);
        const int64_t start = MR_ARG(int32_t, 2, i);
        const int64_t count = arg_count == 4 ? MR_ARG(int32_t, 3, i)
                                             : (int64_t)mr_utf8_length(other.data, other.length);
        bool ok;
        MR_TRY(mr_overlay_check(eval, out, i, start, count, &ok));
        if (!ok) {
            continue;
        }
        const size_t from = mr_characters_end(text, start - 1),
                     to = mr_characters_end(text, start - 1 + count);
        MR_TRY(mr_overlay_set(eval, out, i, text, other, from, to));
    }
    return MR_OK;
}

#define ANY MR_FN_ANY_ARGS
#define NOT_STRICT(NAME, COUNT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, ...) \
    MR_ENTRY(NAME, COUNT, TEXT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, __VA_ARGS__)

const MrFunction mr_functions_text_build[] = {
    F2("||", TEXT, TEXT, TEXT, text_concatenate, 0, "The two texts joined.", "'Post' || 'greSQL'",
       "PostgreSQL"),
    F2("||", BYTEA, BYTEA, BYTEA, text_concatenate, 0, "The two byte strings joined.",
       "'\\x12'::bytea || '\\x34'::bytea", "\\x1234"),
    F2("||", TEXT, UNKNOWN, TEXT, any_concatenate,
       ANY | MR_FN_NO_ARRAYS | MR_FN_NO_PADDING | STABLE, "Text and any value joined.",
       "'n = ' || 42", "n = 42"),
    F2("||", UNKNOWN, TEXT, TEXT, any_concatenate,
       ANY | MR_FN_NO_ARRAYS | MR_FN_NO_PADDING | STABLE, "Any value and text joined.",
       "42 || ' is n'", "42 is n"),
    NOT_STRICT("concat", 1, text_concat, ANY | MR_FN_VARIADIC | STABLE,
               "All arguments as text, joined; NULLs passed over.", "concat('abcde', 2, NULL, 22)",
               "abcde222", MR_TYPE_UNKNOWN),
    NOT_STRICT("concat_ws", 2, text_concat_ws, ANY | MR_FN_VARIADIC | STABLE,
               "Arguments as text with the first between them; NULLs passed over.",
               "concat_ws(',', 'abcde', 2, NULL, 22)", "abcde,2,22", MR_TYPE_TEXT, MR_TYPE_UNKNOWN),
    F2("repeat", TEXT, INT32, TEXT, text_repeat, FALLIBLE, "The text so many times.",
       "repeat('Pg', 4)", "PgPgPgPg"),
    F2("lpad", TEXT, INT32, TEXT, text_lpad, FALLIBLE,
       "Filled with blanks at the start, or cut, to the length.", "lpad('hi', 5) || '.'", "   hi."),
    F3("lpad", TEXT, INT32, TEXT, TEXT, text_lpad, FALLIBLE,
       "Filled at the start, or cut, to the length.", "lpad('hi', 5, 'xy')", "xyxhi"),
    F2("rpad", TEXT, INT32, TEXT, text_rpad, FALLIBLE,
       "Filled with blanks at the end, or cut, to the length.", "rpad('hi', 5) || '.'", "hi   ."),
    F3("rpad", TEXT, INT32, TEXT, TEXT, text_rpad, FALLIBLE,
       "Filled at the end, or cut, to the length.", "rpad('hi', 5, 'xy')", "hixyx"),
    F1("reverse", TEXT, TEXT, text_reverse, 0, "Characters in reverse order.", "reverse('abcdé')",
       "édcba"),
    F3("replace", TEXT, TEXT, TEXT, TEXT, text_replace, 0,
       "Every occurrence of the second text replaced by the third.",
       "replace('abcdefabcdef', 'cd', 'XX')", "abXXefabXXef"),
    F3("translate", TEXT, TEXT, TEXT, TEXT, text_translate, 0,
       "Characters of the second text replaced by the third's.", "translate('12345', '143', 'ax')",
       "a2x5"),
    F3("overlay", TEXT, TEXT, INT32, TEXT, text_overlay, FALLIBLE,
       "The second text laid over the first from a place on.",
       "overlay('Txxxxas' PLACING 'hom' FROM 2)", "Thomxas"),
    F4("overlay", TEXT, TEXT, INT32, INT32, TEXT, text_overlay, FALLIBLE,
       "The second text in place of so many characters.",
       "overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4)", "Thomas"),
};
MR_FAMILY_COUNT(text_build);
