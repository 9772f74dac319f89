/*
 * planner/literal.c - see literal.h.  Also the names of types.
 */
#include "planner/literal.h"

#include "planner/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

MrStatus mr_literal_number(const char *text, bool is_integer, MrDatum *out, MrError *err)
{
    if (is_integer) {
        char *end;
        errno = 0;
        long long value = strtoll(text, &end, 10);
        if (errno == 0 && *end == '\0') {
            bool is_small = value >= INT32_MIN && value <= INT32_MAX;
            *out = (MrDatum){ .type = mr_type(is_small ? MR_TYPE_INT32 : MR_TYPE_INT64),
                              .integer = value };
            return MR_OK;
        }
    }
    *out = (MrDatum){ .type = mr_type(MR_TYPE_NUMERIC) };
    return mr_decimal_parse(mr_string(text), &out->decimal, err);
}

/* ---- 'today' --------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Appends what a word stands for; false: it is none of these. */
static bool append_moment(MrBinder *b, MrString word, MrBuilder *out)
{
    static const struct {
        const char *word;
        int32_t days;
    } words[] = { { "yesterday", -1 }, { "today", 0 }, { "tomorrow", 1 } };
    char text[MR_DATETIME_TEXT_MAX];
    const size_t length = mr_timestamptz_format(b->context->now_us, b->context->zone, text);
    if (mr_string_equal_nocase(word, MR_STRING("now"))) {
        mr_builder_append(out, text, length);
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        int32_t date;
        MrError ignored = MR_ERROR_INIT;
        if (mr_string_equal_nocase(word, mr_string(words[i].word)) &&
            mr_date_parse((MrString){ text, length }, &date, &ignored) == MR_OK) {
            mr_builder_append(out, text, mr_date_format(date + words[i].days, text));
            return true;
        }
    }
    return false;
}

MrStatus mr_literal_moment(MrBinder *b, MrTypeId type, MrString text, MrString *out)
{
    const bool is_moment = type == MR_TYPE_DATE || type == MR_TYPE_TIME || type == MR_TYPE_TIMETZ ||
                           type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ;
    const bool is_once = b->mode == MR_BIND_ADHOC && b->clause != MR_CLAUSE_DEFAULT &&
                         b->clause != MR_CLAUSE_GENERATED && b->clause != MR_CLAUSE_CHECK &&
                         b->clause != MR_CLAUSE_WATERMARK;
    MrBuilder written;
    bool found = false;
    *out = text;
    if (!is_moment || !is_once) {
        return MR_OK;
    }
    mr_builder_init(&written, 0);
    for (size_t at = 0; at < text.length;) {
        size_t end = at;
        while (end < text.length && is_letter(text.data[end])) {
            end++;
        }
        const bool stands =
            end > at && append_moment(b, (MrString){ text.data + at, end - at }, &written);
        end += end == at;
        if (!stands) {
            mr_builder_append(&written, text.data + at, end - at);
        }
        found |= stands;
        at = end;
    }
    if (found) {
        out->length = written.length;
        out->data =
            written.failed ? NULL : mr_arena_strndup(b->arena, written.data, written.length);
    }
    mr_builder_fini(&written);
    return out->data != NULL || text.data == NULL ? MR_OK : mr_error_no_memory(b->err);
}

/* ---- LIKE … ESCAPE ----------------------------------------------------------------------- */

static size_t character_bytes(const char *text)
{
    unsigned char lead = (unsigned char)text[0];
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The escape character becomes a backslash, a backslash that was none before is doubled. */
static MrStatus rewrite_pattern(MrBinder *b, MrString pattern, MrString escape, MrExpr **out,
                                int32_t position)
{
    char *text = mr_arena_alloc(b->arena, pattern.length * 2 + 1);
    size_t length = 0;
    if (text == NULL) {
        return mr_error_no_memory(b->err);
    }
    for (size_t i = 0; i < pattern.length;) {
        size_t bytes = character_bytes(pattern.data + i);
        bytes = bytes > pattern.length - i ? pattern.length - i : bytes;
        if (escape.length == bytes && memcmp(pattern.data + i, escape.data, bytes) == 0) {
            text[length++] = '\\';
            i += bytes;
            if (i < pattern.length) { /* what is escaped is copied as it is */
                bytes = character_bytes(pattern.data + i);
                bytes = bytes > pattern.length - i ? pattern.length - i : bytes;
                memcpy(text + length, pattern.data + i, bytes);
                length += bytes;
                i += bytes;
            }
            continue;
        }
        if (pattern.data[i] == '\\') {
            text[length++] = '\\';
        }
        memcpy(text + length, pattern.data + i, bytes);
        length += bytes;
        i += bytes;
    }
    MrDatum value = { .type = mr_type(MR_TYPE_TEXT), .text = mr_text_make(text, (uint32_t)length) };
    return mr_expr_constant(b->arena, &value, position, out, b->err);
}

MrStatus mr_literal_like_escape(MrBinder *b, const MrAstLike *like, MrExpr *pattern, MrExpr **out)
{
    MrExpr *args[2] = { pattern, NULL };
    MR_TRY(mr_bind_expr_known(b, like->escape, &args[1]));
    bool is_text = mr_type_is_text(pattern->type.id) && mr_type_is_text(args[1]->type.id);
    if (is_text && pattern->kind == MR_EXPR_CONSTANT && args[1]->kind == MR_EXPR_CONSTANT &&
        !pattern->constant.is_null && !args[1]->constant.is_null && pattern->column == 0) {
        MrString escape = mr_text_string(&args[1]->constant.text);
        if (escape.length > 0 && mr_utf8_length(escape.data, escape.length) != 1) {
            mr_bind_error(b, MR_ERR_INVALID_ESCAPE, like->escape->position,
                          "invalid escape string");
            return mr_error_hint(b->err, "Escape string must be empty or one character.");
        }
        return rewrite_pattern(b, mr_text_string(&pattern->constant.text), escape, out,
                               pattern->position);
    }
    MR_TRY(mr_bind_function(b, "like_escape", args, 2, like->base.position, out));
    if (*out == NULL) {
        return mr_bind_unsupported(
            b, like->escape->position, "Write the pattern as a literal.",
            "ESCAPE with a pattern that is not a literal is not supported yet");
    }
    return MR_OK;
}

/* ---- Type names -------------------------------------------------------------------------- */

static MrStatus typmod_error(const MrAstType *name, MrError *err, const char *hint)
{
    mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid type modifier for type \"%s\"",
                 name->name);
    mr_error_at(err, name->base.position);
    return mr_error_hint(err, "%s", hint);
}

static MrStatus numeric_typmod(const MrAstType *name, MrType *out, MrError *err)
{
    int32_t precision = name->typmods[0], scale = name->typmod_count > 1 ? name->typmods[1] : 0;
    if (precision < 1 || precision > MR_DECIMAL_DIGITS_MAX) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "NUMERIC precision %d must be between 1 and %d",
                     precision, MR_DECIMAL_DIGITS_MAX);
        return mr_error_at(err, name->base.position);
    }
    if (scale < 0 || scale > precision) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                     "NUMERIC scale %d must be between 0 and precision %d", scale, precision);
        return mr_error_at(err, name->base.position);
    }
    out->typmod = ((precision << 16) | scale) + 4;
    return MR_OK;
}

static MrStatus interval_typmod(const MrAstType *name, MrType *out, MrError *err)
{
    static const struct {
        uint8_t field;
        int32_t bit;
    } fields[] = {
        { MR_INTERVAL_YEAR, MR_INTERVAL_BIT_YEAR },
        { MR_INTERVAL_MONTH, MR_INTERVAL_BIT_MONTH },
        { MR_INTERVAL_DAY, MR_INTERVAL_BIT_DAY },
        { MR_INTERVAL_HOUR, MR_INTERVAL_BIT_HOUR },
        { MR_INTERVAL_MINUTE, MR_INTERVAL_BIT_MINUTE },
        { MR_INTERVAL_SECOND, MR_INTERVAL_BIT_SECOND },
    };
    enum { DIGITS_MAX = 6 };
    int32_t range = 0, digits = MR_INTERVAL_FULL_PRECISION;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        range |= (name->interval_fields & fields[i].field) != 0 ? fields[i].bit : 0;
    }
    if (name->typmod_count > 0) {
        digits = name->typmods[0] < DIGITS_MAX ? name->typmods[0] : DIGITS_MAX;
        if (name->typmod_count > 1) {
            return typmod_error(name, err, "The precision is from 0 to 6.");
        }
        if (digits < 0) {
            mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                         "INTERVAL(%d) precision must not be negative", digits);
            return mr_error_at(err, name->base.position);
        }
    }
    out->typmod = (range == 0 ? MR_INTERVAL_FULL_RANGE : range) << 16 | digits;
    return MR_OK;
}

static MrStatus apply_typmods(const MrAstType *name, MrType *out, MrError *err)
{
    switch (out->id) {
    case MR_TYPE_NUMERIC: return numeric_typmod(name, out, err);
    case MR_TYPE_VARCHAR:
    case MR_TYPE_BPCHAR:
        if (name->typmod_count != 1 || name->typmods[0] < 1 || name->typmods[0] > 10485760) {
            return typmod_error(name, err, "The length is from 1 to 10485760.");
        }
        out->typmod = name->typmods[0] + 4;
        return MR_OK;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMETZ:
        if (name->typmod_count != 1 || name->typmods[0] < 0 || name->typmods[0] > 6) {
            return typmod_error(name, err, "The precision is from 0 to 6.");
        }
        out->typmod = name->typmods[0] == 6 ? -1 : name->typmods[0];
        return MR_OK;
    case MR_TYPE_INTERVAL: return interval_typmod(name, out, err);
    default: return typmod_error(name, err, "This type takes none.");
    }
}

static MrStatus unknown_type(const MrAstType *name, MrError *err)
{
    static const char *const later[] = { "money",  "serial", "bigserial", "bit",
                                         "varbit", "xml",    "cidr",      "smallserial",
                                         "point",  "hstore", "citext",    "tsvector" };
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (strcmp(later[i], name->name) == 0) {
            mr_error_set(err, MR_ERR_UNSUPPORTED, "type \"%s\" is not supported yet", name->name);
            mr_error_at(err, name->base.position);
            return mr_error_hint(err, "Use text, a number or a timestamp.");
        }
    }
    MrNearest nearest;
    mr_nearest_init(&nearest, name->name);
    for (int id = MR_TYPE_BOOL; id < MR_TYPE_SCALARS; id++) {
        mr_nearest_offer(&nearest, mr_string(mr_type_info((MrTypeId)id)->name));
    }
    mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "type \"%s\" does not exist", name->name);
    mr_error_at(err, name->base.position);
    mr_nearest_hint(&nearest, err);
    return MR_ERR_UNDEFINED_OBJECT;
}

MrStatus mr_planner_type(const MrAstType *name, MrType *out, MrError *err)
{
    MrTypeId id;
    if (name->setof) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "sets are not supported yet");
        mr_error_at(err, name->base.position);
        return mr_error_hint(err, "Use an array.");
    }
    if (name->schema != NULL && strcmp(name->schema, "pg_catalog") != 0) {
        mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "type \"%s.%s\" does not exist", name->schema,
                     name->name);
        return mr_error_at(err, name->base.position);
    }
    if (strcmp(name->name, "string") == 0) {
        id = MR_TYPE_TEXT; /* Flink's word */
    } else if (!mr_type_by_name(mr_string(name->name), &id) || id == MR_TYPE_UNKNOWN) {
        return unknown_type(name, err);
    }
    *out = mr_type(id);
    if (name->typmod_count > 0 || name->interval_fields != 0) {
        MR_TRY(apply_typmods(name, out, err));
    }
    if (name->array_dimensions > 0 && !mr_type_is_array(id)) {
        out->id = mr_type_array(id); /* int[][] is int[]: the value says how many dimensions */
    }
    return MR_OK;
}
