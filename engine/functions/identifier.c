/*
 * engine/functions/identifier.c - parse_ident: the parts of a qualified SQL name.
 */
#include "engine/functions/array_cells.h"
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

typedef struct Parsing {
    MrString text;
    size_t at;
    MrArrayBuild *parts;
    MrEval *eval;
    MrError *err;
} Parsing;

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
static bool is_inside(char c)
{
    return is_start(c) || (c >= '0' && c <= '9') || c == '$';
}

static void skip_blanks(Parsing *p)
{
    while (p->at < p->text.length && is_blank(p->text.data[p->at])) {
        p->at++;
    }
}

static MrStatus not_a_name(Parsing *p, const char *detail)
{
    mr_error_set(p->err, MR_ERR_INVALID_PARAMETER, "string is not a valid identifier: \"%.*s\"",
                 (int)mr_utf8_truncate(p->text.data, p->text.length, 200), p->text.data);
    return detail == NULL ? p->err->status : mr_error_detail(p->err, "%s", detail);
}

static MrStatus part_add(Parsing *p, const char *data, size_t length)
{
    char *copy = mr_arena_strndup(p->eval->arena, data, length);
    if (copy == NULL) {
        return mr_error_no_memory(p->err);
    }
    const MrText cell = mr_text_make(copy, (uint32_t)length);
    return mr_array_build_add(p->parts, &cell, p->err);
}

/* "…", two quotes for one. */
static MrStatus quoted_part(Parsing *p)
{
    MrBuilder name;
    MrStatus status = MR_OK;
    bool closed = false;
    mr_builder_init(&name, 0);
    for (p->at++; p->at < p->text.length && !closed; p->at++) {
        const char c = p->text.data[p->at];
        const bool doubled =
            c == '"' && p->at + 1 < p->text.length && p->text.data[p->at + 1] == '"';
        closed = c == '"' && !doubled;
        p->at += doubled;
        if (!closed) {
            mr_builder_append_char(&name, c);
        }
    }
    if (!closed) {
        status = not_a_name(p, "String has unclosed double quotes.");
    } else if (name.length == 0) {
        status = not_a_name(p, "Quoted identifier must not be empty.");
    } else {
        status = name.failed ? mr_error_no_memory(p->err) : part_add(p, name.data, name.length);
    }
    mr_builder_fini(&name);
    return status;
}

/* In lower case, as SQL reads it. */
static MrStatus plain_part(Parsing *p)
{
    MrBuilder name;
    mr_builder_init(&name, 0);
    while (p->at < p->text.length && is_inside(p->text.data[p->at])) {
        const char c = p->text.data[p->at++];
        mr_builder_append_char(&name, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    const MrStatus status =
        name.failed ? mr_error_no_memory(p->err) : part_add(p, name.data, name.length);
    mr_builder_fini(&name);
    return status;
}

static MrStatus parse_name(Parsing *p, bool is_strict)
{
    bool after_dot = false;
    skip_blanks(p);
    for (;;) {
        const char c = p->at < p->text.length ? p->text.data[p->at] : '\0';
        if (c == '"') {
            MR_TRY(quoted_part(p));
        } else if (c != '\0' && is_start(c)) {
            MR_TRY(plain_part(p));
        } else {
            return not_a_name(p, c == '.'    ? "No valid identifier before \".\"."
                                 : after_dot ? "No valid identifier after \".\"."
                                             : NULL);
        }
        skip_blanks(p);
        if (p->at >= p->text.length) {
            return MR_OK;
        }
        if (p->text.data[p->at] != '.') {
            return is_strict ? not_a_name(p, NULL) : MR_OK;
        }
        p->at++;
        after_dot = true;
        skip_blanks(p);
    }
}

MR_KERNEL(text_parse_ident)
{
    MrArrayBuild build;
    mr_kernel_clear(out, rows);
    mr_array_build_init(&build, eval->arena, MR_TYPE_TEXT);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        Parsing p = {
            .text = mr_arg_text(args[0], i), .parts = &build, .eval = eval, .err = &error
        };
        build.count = 0;
        if (parse_name(&p, arg_count < 2 || MR_ARG(uint8_t, 1, i) != 0) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
            continue;
        }
        MR_TRY(mr_array_build_take(&build, NULL, (MrText *)out->data + i, eval->err));
    }
    return MR_OK;
}

const MrFunction mr_functions_identifier[] = {
    F1("parse_ident", TEXT, TEXT_ARRAY, text_parse_ident, FALLIBLE,
       "The parts of a qualified name.", "parse_ident('\"SomeSchema\".SomeTable')",
       "{SomeSchema,sometable}"),
    F2("parse_ident", TEXT, BOOL, TEXT_ARRAY, text_parse_ident, FALLIBLE,
       "The same; false: what follows the name may be anything.", "parse_ident('a.b(1)', false)",
       "{a,b}"),
};
MR_FAMILY_COUNT(identifier);
