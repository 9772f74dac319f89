/*
 * engine/functions/similar.c - SIMILAR TO and SUBSTRING … SIMILAR by regular expressions.
 */
#include "engine/functions/families.h"
#include "engine/functions/regex_program.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

/* ---- The pattern as a regular expression over the whole text ---- */

typedef struct Similar {
    MrString pattern, escape; /* the escape is one character, or none */
    size_t at;
    uint32_t separators; /* seen so far */
    bool has_parts;      /* a separator, an escaped quote, makes parts: of SUBSTRING */
    bool is_short;       /* repetitions take as little as they can: before the first separator */
    MrBuilder *out;
} Similar;

static bool at_escape(const Similar *s)
{
    return s->escape.length > 0 && s->pattern.length - s->at >= s->escape.length &&
           memcmp(s->pattern.data + s->at, s->escape.data, s->escape.length) == 0;
}

/* The first separator begins the group that is the result, the second ends it. */
static void separator_put(Similar *s)
{
    mr_builder_append_string(s->out, s->separators++ == 0 ? ")(" : ")(?:");
    s->is_short = false;
}

/* An escaped character has a backslash there too. */
static void escaped_put(Similar *s)
{
    s->at += s->escape.length;
    if (s->at >= s->pattern.length) {
        return;
    }
    if (s->has_parts && s->pattern.data[s->at] == '"') {
        s->at++;
        separator_put(s);
        return;
    }
    mr_builder_append_char(s->out, '\\');
    mr_builder_append_char(s->out, s->pattern.data[s->at++]);
}

static void bracket_put(Similar *s)
{
    const MrString p = s->pattern;
    mr_builder_append_char(s->out, p.data[s->at++]);
    for (bool first = true; s->at < p.length; first = false) {
        const char c = p.data[s->at];
        if (at_escape(s)) {
            s->at += s->escape.length;
            mr_builder_append_char(s->out, '\\');
            if (s->at < p.length) {
                mr_builder_append_char(s->out, p.data[s->at++]);
            }
            continue;
        }
        if (c == '\\') {
            mr_builder_append_char(s->out, '\\');
        }
        mr_builder_append_char(s->out, c);
        s->at++;
        if (c == ']' && !first) {
            return;
        }
    }
}

static bool is_repetition(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '}';
}

static void character_put(Similar *s, char c)
{
    switch (c) {
    case '%': mr_builder_append_string(s->out, ".*"); break;
    case '_': mr_builder_append_char(s->out, '.'); break;
    case '(': mr_builder_append_string(s->out, "(?:"); break;
    case '\\':
    case '.':
    case '^':
    case '$':
        mr_builder_append_char(s->out, '\\');
        mr_builder_append_char(s->out, c);
        break;
    default: mr_builder_append_char(s->out, c); break;
    }
    if (s->is_short && (c == '%' || is_repetition(c))) {
        mr_builder_append_char(s->out, '?');
    }
}

static MrStatus similar_translate(Similar *s, MrError *err)
{
    if (mr_utf8_length(s->escape.data, s->escape.length) > 1) {
        mr_error_set(err, MR_ERR_INVALID_ESCAPE, "invalid escape string");
        return mr_error_hint(err, "Escape string must be empty or one character.");
    }
    mr_builder_append_string(s->out, "^(?:");
    while (s->at < s->pattern.length) {
        if (at_escape(s)) {
            escaped_put(s);
        } else if (s->pattern.data[s->at] == '[') {
            bracket_put(s);
        } else {
            character_put(s, s->pattern.data[s->at++]);
        }
    }
    mr_builder_append_string(s->out, ")$");
    if (s->separators > 2) {
        return mr_error_set(err, MR_ERR_ESCAPE_USE,
                            "SQL regular expression may not contain more than two "
                            "escape-double-quote separators");
    }
    return MR_OK;
}

static bool has_separator(const Similar *s)
{
    for (Similar at = *s; at.at < at.pattern.length; at.at++) {
        if (at_escape(&at)) {
            at.at += at.escape.length;
            if (at.at < at.pattern.length && at.pattern.data[at.at] == '"') {
                return true;
            }
        }
    }
    return false;
}

/* The expression of a row's pattern in the empty `builder`; *ok is false when the row's error was
 * noted. */
static MrStatus row_translate(MrEval *eval, const MrVector *out, uint32_t row, MrString pattern,
                              MrString escape, bool has_parts, MrBuilder *builder, bool *ok)
{
    MrError error = MR_ERROR_INIT;
    Similar similar = {
        .pattern = pattern, .escape = escape, .has_parts = has_parts, .out = builder
    };
    similar.is_short = has_parts && has_separator(&similar);
    *ok = similar_translate(&similar, &error) == MR_OK;
    if (!*ok) {
        return mr_eval_row_failed(eval, out, row, &error);
    }
    return builder->failed ? mr_error_no_memory(eval->err) : MR_OK;
}

MR_KERNEL(similar_to_escape)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    MR_EACH_TEXT_ROW(texts, i)
    {
        bool ok;
        texts.status = row_translate(eval, out, i, mr_arg_text(args[0], i),
                                     arg_count > 1 ? mr_arg_text(args[1], i) : MR_STRING("\\"),
                                     false, &texts.builder, &ok);
        if (texts.status == MR_OK && ok) {
            mr_text_rows_put(&texts, i);
        }
    }
    return mr_text_rows_end(&texts);
}

/* ---- SUBSTRING(text SIMILAR pattern ESCAPE escape) ---- */

static MrStatus substring_set(MrEval *eval, MrVector *out, uint32_t row, MrString text,
                              MrString expression)
{
    const MrRegexFlags flags = { 0 };
    MrError error = MR_ERROR_INIT;
    MrRegex *regex;
    size_t start, end;
    bool found = false;
    if (mr_regex_compile(expression, &flags, &regex, &error) != MR_OK ||
        mr_regex_match(regex, text, 0, &found, &error) != MR_OK) {
        return mr_eval_row_failed(eval, out, row, &error);
    }
    if (!found || !mr_regex_group(regex, mr_regex_group_count(regex) > 0, &start, &end)) {
        return mr_kernel_set_null(eval, out, row);
    }
    mr_set_part(out, row, text, start, end);
    return MR_OK;
}

MR_KERNEL(substring_similar)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    (void)arg_count;
    MR_EACH_TEXT_ROW(texts, i)
    {
        bool ok;
        texts.status = row_translate(eval, out, i, mr_arg_text(args[1], i), mr_arg_text(args[2], i),
                                     true, &texts.builder, &ok);
        if (texts.status == MR_OK && ok) {
            texts.status = substring_set(eval, out, i, mr_arg_text(args[0], i),
                                         (MrString){ texts.builder.data, texts.builder.length });
        }
    }
    return mr_text_rows_end(&texts);
}

const MrFunction mr_functions_similar[] = {
    F1("similar_to_escape", TEXT, TEXT, similar_to_escape, 0,
       "The regular expression that a pattern of SIMILAR TO stands for.",
       "similar_to_escape('a_(b|c)%')", "^(?:a.(?:b|c).*)$"),
    F2("similar_to_escape", TEXT, TEXT, TEXT, similar_to_escape, FALLIBLE,
       "The same with another escape character.", "similar_to_escape('a#%', '#')", "^(?:a\\%)$"),
    F3("substring", TEXT, TEXT, TEXT, TEXT, substring_similar, FALLIBLE,
       "The part between two escaped quotes of a pattern that the whole text matches.",
       "substring('Thomas' SIMILAR '%#\"o_a#\"_' ESCAPE '#')", "oma"),
};
MR_FAMILY_COUNT(similar);
