/*
 * engine/functions/regex.c - regular expressions in SQL: ~, regexp_replace, regexp_substr …
 * Expressions are PostgreSQL's advanced ones as far as PCRE2 agrees with them; of several
 * alternatives the first that matches is taken, not the longest.
 */
#include "engine/functions/families.h"
#include "engine/functions/regex_program.h"
#include "engine/functions/text_characters.h"
#include "engine/functions/text_rows.h"

/* What the functions below work on in one row. */
typedef struct Search {
    MrRegex *regex;
    MrRegexFlags flags;
    MrString text;
} Search;

/* Notes the row's error; *ok is false then. */
static MrStatus search_failed(MrEval *eval, const MrVector *out, uint32_t row, const MrError *error,
                              bool *ok)
{
    *ok = false;
    return mr_eval_row_failed(eval, out, row, error);
}

static MrStatus search_open(MrEval *eval, const MrVector *out, uint32_t row, MrString text,
                            MrString pattern, const MrRegexFlags *flags, Search *search, bool *ok)
{
    MrError error = MR_ERROR_INIT;
    *ok = true;
    search->text = text;
    search->flags = *flags;
    if (mr_regex_compile(pattern, flags, &search->regex, &error) != MR_OK) {
        return search_failed(eval, out, row, &error, ok);
    }
    return MR_OK;
}
static MrStatus search_next(MrEval *eval, const MrVector *out, uint32_t row, Search *search,
                            size_t from, bool *found, bool *ok)
{
    MrError error = MR_ERROR_INIT;
    *found = false;
    if (from <= search->text.length &&
        mr_regex_match(search->regex, search->text, from, found, &error) != MR_OK) {
        return search_failed(eval, out, row, &error, ok);
    }
    return MR_OK;
}
/* Where to go on after a match; an empty one moves by a character. */
static size_t search_behind(const Search *search, size_t start, size_t end)
{
    if (end > start) {
        return end;
    }
    return end < search->text.length ? mr_next_character(search->text, end) : end + 1;
}

static MrStatus match_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                           const MrRegexFlags *flags, bool negated)
{
    uint8_t *results = out->data;
    Search search = { 0 };
    bool ready = false;
    MR_EACH_ROW(i)
    {
        bool ok = true, found = false;
        results[i] = false;
        if (!ready || !args[1]->is_constant) {
            MR_TRY(search_open(eval, out, i, mr_arg_text(args[0], i), mr_arg_text(args[1], i),
                               flags, &search, &ok));
            ready = ok;
        }
        if (!ok) {
            continue;
        }
        search.text = mr_arg_text(args[0], i);
        MR_TRY(search_next(eval, out, i, &search, 0, &found, &ok));
        results[i] = found != negated;
    }
    return MR_OK;
}
#define MATCH_KERNEL(NAME, IGNORE_CASE, NEGATED)                   \
    MR_KERNEL(NAME)                                                \
    {                                                              \
        const MrRegexFlags flags = { .ignore_case = IGNORE_CASE }; \
        (void)arg_count;                                           \
        return match_rows(eval, args, rows, out, &flags, NEGATED); \
    }
MATCH_KERNEL(regex_match, false, false)
MATCH_KERNEL(regex_match_ignoring_case, true, false)
MATCH_KERNEL(regex_no_match, false, true)
MATCH_KERNEL(regex_no_match_ignoring_case, true, true)

/* The optional arguments of the regexp_ functions, where a call has them; -1: no such argument. */
typedef struct Options {
    int start, count, ending, flags, group;
} Options;

typedef struct Call {
    Search search;
    size_t from;   /* byte where the search begins */
    int32_t count; /* which match, from 1; 0 for regexp_replace: all */
    int32_t ending;
    int32_t group;
    bool is_steady; /* from one row to the next nothing changes but the text */
} Call;

static int32_t option_int(const MrVector *const *args, int index, uint32_t row, int32_t otherwise)
{
    return index < 0 ? otherwise : MR_ARG(int32_t, index, row);
}

static MrStatus bad_option(MrEval *eval, const MrVector *out, uint32_t row, const char *name,
                           int32_t value, bool *ok)
{
    MrError error = MR_ERROR_INIT;
    mr_error_set(&error, MR_ERR_INVALID_PARAMETER, "invalid value for parameter \"%s\": %d", name,
                 value);
    return search_failed(eval, out, row, &error, ok);
}

static MrStatus call_open(MrEval *eval, const MrVector *const *args, const MrVector *out,
                          uint32_t row, const Options *options, const char *function, Call *call,
                          bool *ok)
{
    MrError error = MR_ERROR_INIT;
    MrRegexFlags flags = { 0 };
    const MrString text = mr_arg_text(args[0], row);
    const int32_t start = option_int(args, options->start, row, 1);
    *ok = true;
    call->count = option_int(args, options->count, row, 1);
    call->ending = option_int(args, options->ending, row, 0);
    call->group = option_int(args, options->group, row, 0);
    if (start <= 0) {
        return bad_option(eval, out, row, "start", start, ok);
    }
    if (call->count < 0 || (call->count == 0 && function != NULL)) {
        return bad_option(eval, out, row, "n", call->count, ok);
    }
    if (call->ending < 0 || call->ending > 1) {
        return bad_option(eval, out, row, "endoption", call->ending, ok);
    }
    if (call->group < 0) {
        return bad_option(eval, out, row, "subexpr", call->group, ok);
    }
    if (options->flags >= 0 &&
        mr_regex_flags_read(mr_arg_text(args[options->flags], row), &flags, &error) != MR_OK) {
        return search_failed(eval, out, row, &error, ok);
    }
    if (flags.global && function != NULL) {
        mr_error_set(&error, MR_ERR_INVALID_PARAMETER, "%s does not support the \"global\" option",
                     function);
        return search_failed(eval, out, row, &error, ok);
    }
    call->from = mr_characters_end(text, start - 1);
    if (start > 1 && (int64_t)start - 1 > (int64_t)mr_utf8_length(text.data, text.length)) {
        call->from = text.length + 1;
    }
    return search_open(eval, out, row, text, mr_arg_text(args[1], row), &flags, &call->search, ok);
}

static bool options_are_constant(const MrVector *const *args, const Options *options)
{
    const int indexes[] = { options->start, options->count, options->ending, options->flags,
                            options->group };
    bool constant = args[1]->is_constant;
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        constant = constant && (indexes[i] < 0 || args[indexes[i]]->is_constant);
    }
    return constant;
}

/* The row's call; `call` is that of the row before, or zeroed.  Mostly only the text changes. */
static MrStatus call_move(MrEval *eval, const MrVector *const *args, const MrVector *out,
                          uint32_t row, const Options *options, const char *function, Call *call,
                          bool *ok)
{
    if (call->is_steady) {
        call->search.text = mr_arg_text(args[0], row);
        *ok = true;
        return MR_OK;
    }
    MR_TRY(call_open(eval, args, out, row, options, function, call, ok));
    call->is_steady =
        *ok && options_are_constant(args, options) && option_int(args, options->start, row, 1) == 1;
    return MR_OK;
}

/* Finds match number call->count; the groups are those of the last match then. */
static MrStatus call_find(MrEval *eval, const MrVector *out, uint32_t row, Call *call, bool *found,
                          bool *ok)
{
    size_t from = call->from, start, end;
    for (int32_t n = 1;; n++) {
        MR_TRY(search_next(eval, out, row, &call->search, from, found, ok));
        if (!*ok || !*found || n == call->count) {
            return MR_OK;
        }
        mr_regex_group(call->search.regex, 0, &start, &end);
        from = search_behind(&call->search, start, end);
    }
}

static MrStatus like_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                          const Options *options)
{
    uint8_t *results = out->data;
    Call call = { 0 };
    MR_EACH_ROW(i)
    {
        bool ok, found = false;
        MR_TRY(call_move(eval, args, out, i, options, "regexp_like()", &call, &ok));
        if (ok) {
            MR_TRY(call_find(eval, out, i, &call, &found, &ok));
        }
        results[i] = found;
    }
    return MR_OK;
}
static MrStatus count_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                           const Options *options)
{
    int32_t *results = out->data;
    Call call = { 0 };
    MR_EACH_ROW(i)
    {
        bool ok, found = true;
        int32_t count = 0;
        MR_TRY(call_move(eval, args, out, i, options, "regexp_count()", &call, &ok));
        for (size_t from = call.from; ok && found;) {
            size_t start, end;
            MR_TRY(search_next(eval, out, i, &call.search, from, &found, &ok));
            if (found) {
                count++;
                mr_regex_group(call.search.regex, 0, &start, &end);
                from = search_behind(&call.search, start, end);
            }
        }
        results[i] = count;
    }
    return MR_OK;
}
static MrStatus substr_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                            const Options *options)
{
    mr_kernel_clear(out, rows);
    Call call = { 0 };
    MR_EACH_ROW(i)
    {
        bool ok, found = false;
        size_t start, end;
        MR_TRY(call_move(eval, args, out, i, options, "regexp_substr()", &call, &ok));
        if (ok) {
            MR_TRY(call_find(eval, out, i, &call, &found, &ok));
        }
        if (found && mr_regex_group(call.search.regex, (uint32_t)call.group, &start, &end)) {
            mr_set_part(out, i, call.search.text, start, end);
        } else if (ok) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}
static MrStatus instr_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                           const Options *options)
{
    int32_t *results = out->data;
    Call call = { 0 };
    MR_EACH_ROW(i)
    {
        bool ok, found = false;
        size_t start, end;
        results[i] = 0;
        MR_TRY(call_move(eval, args, out, i, options, "regexp_instr()", &call, &ok));
        if (ok) {
            MR_TRY(call_find(eval, out, i, &call, &found, &ok));
        }
        if (found && mr_regex_group(call.search.regex, (uint32_t)call.group, &start, &end)) {
            results[i] =
                (int32_t)mr_utf8_length(call.search.text.data, call.ending == 1 ? end : start) + 1;
        }
    }
    return MR_OK;
}

/* \1 to \9 a group, \& the match, \\ a backslash; any other backslash stands for itself. */
static void replacement_append(MrBuilder *builder, MrString with, const Search *search)
{
    for (size_t i = 0; i < with.length; i++) {
        const char next = i + 1 < with.length ? with.data[i + 1] : '\0';
        size_t start, end;
        if (with.data[i] != '\\' ||
            (next != '&' && next != '\\' && !(next >= '1' && next <= '9'))) {
            mr_builder_append_char(builder, with.data[i]);
            continue;
        }
        i++;
        if (next == '\\') {
            mr_builder_append_char(builder, '\\');
        } else if (mr_regex_group(search->regex, next == '&' ? 0 : (uint32_t)(next - '0'), &start,
                                  &end)) {
            mr_builder_append(builder, search->text.data + start, end - start);
        }
    }
}

/* Replaces match number `count`, or all from the place on when that is 0. */
static MrStatus replace_row(MrEval *eval, const MrVector *out, uint32_t row, Call *call,
                            MrString with, MrBuilder *builder, bool *ok)
{
    const MrString text = call->search.text;
    size_t copied = 0, from = call->from, start, end;
    bool found = true;
    for (int32_t n = 1; found; n++) {
        MR_TRY(search_next(eval, out, row, &call->search, from, &found, ok));
        if (!*ok || !found) {
            break;
        }
        mr_regex_group(call->search.regex, 0, &start, &end);
        if (call->count == 0 || n == call->count) {
            mr_builder_append(builder, text.data + copied, start - copied);
            replacement_append(builder, with, &call->search);
            copied = end;
        }
        if (n == call->count) {
            break;
        }
        from = search_behind(&call->search, start, end);
    }
    mr_builder_append(builder, text.data + copied, text.length - copied);
    return MR_OK;
}
static MrStatus replace_rows(MrEval *eval, const MrVector *const *args, uint32_t rows,
                             MrVector *out, const Options *options)
{
    MrTextRows texts = mr_text_rows_begin(eval, out, rows);
    Call call = { 0 };
    MR_EACH_TEXT_ROW(texts, i)
    {
        bool ok = true;
        texts.status = call_move(eval, args, out, i, options, NULL, &call, &ok);
        if (texts.status != MR_OK || !ok) {
            continue;
        }
        if (call.search.flags.global && options->count < 0) {
            call.count = 0;
        }
        texts.status =
            replace_row(eval, out, i, &call, mr_arg_text(args[2], i), &texts.builder, &ok);
        if (texts.status == MR_OK && ok) {
            mr_text_rows_put(&texts, i);
        }
    }
    return mr_text_rows_end(&texts);
}

/* substring(text FROM pattern): the first group, or the match where there is none. */
MR_KERNEL(regex_substring)
{
    const MrRegexFlags flags = { 0 };
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        Search search;
        bool ok, found = false;
        size_t start, end;
        MR_TRY(search_open(eval, out, i, mr_arg_text(args[0], i), mr_arg_text(args[1], i), &flags,
                           &search, &ok));
        if (ok) {
            MR_TRY(search_next(eval, out, i, &search, 0, &found, &ok));
        }
        if (found &&
            mr_regex_group(search.regex, mr_regex_group_count(search.regex) > 0, &start, &end)) {
            mr_set_part(out, i, search.text, start, end);
        } else if (ok) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

#define WITH_OPTIONS(NAME, ROWS, START, COUNT, ENDING, FLAGS, GROUP)    \
    MR_KERNEL(NAME)                                                     \
    {                                                                   \
        const Options options = { START, COUNT, ENDING, FLAGS, GROUP }; \
        (void)arg_count;                                                \
        return ROWS(eval, args, rows, out, &options);                   \
    }
WITH_OPTIONS(regexp_like_2, like_rows, -1, -1, -1, -1, -1)
WITH_OPTIONS(regexp_like_3, like_rows, -1, -1, -1, 2, -1)
WITH_OPTIONS(regexp_count_2, count_rows, -1, -1, -1, -1, -1)
WITH_OPTIONS(regexp_count_3, count_rows, 2, -1, -1, -1, -1)
WITH_OPTIONS(regexp_count_4, count_rows, 2, -1, -1, 3, -1)
WITH_OPTIONS(regexp_substr_2, substr_rows, -1, -1, -1, -1, -1)
WITH_OPTIONS(regexp_substr_3, substr_rows, 2, -1, -1, -1, -1)
WITH_OPTIONS(regexp_substr_4, substr_rows, 2, 3, -1, -1, -1)
WITH_OPTIONS(regexp_substr_5, substr_rows, 2, 3, -1, 4, -1)
WITH_OPTIONS(regexp_substr_6, substr_rows, 2, 3, -1, 4, 5)
WITH_OPTIONS(regexp_instr_2, instr_rows, -1, -1, -1, -1, -1)
WITH_OPTIONS(regexp_instr_3, instr_rows, 2, -1, -1, -1, -1)
WITH_OPTIONS(regexp_instr_4, instr_rows, 2, 3, -1, -1, -1)
WITH_OPTIONS(regexp_instr_5, instr_rows, 2, 3, 4, -1, -1)
WITH_OPTIONS(regexp_instr_6, instr_rows, 2, 3, 4, 5, -1)
WITH_OPTIONS(regexp_instr_7, instr_rows, 2, 3, 4, 5, 6)
WITH_OPTIONS(regexp_replace_3, replace_rows, -1, -1, -1, -1, -1)
WITH_OPTIONS(regexp_replace_4, replace_rows, -1, -1, -1, 3, -1)
WITH_OPTIONS(regexp_replace_start, replace_rows, 3, -1, -1, -1, -1)
WITH_OPTIONS(regexp_replace_5, replace_rows, 3, 4, -1, -1, -1)
WITH_OPTIONS(regexp_replace_6, replace_rows, 3, 4, -1, 5, -1)

#define T MR_TYPE_TEXT
#define I MR_TYPE_INT32
#define RX(NAME, COUNT, R, EVAL, DOC, EXAMPLE, RETURNS, ...) \
    MR_ENTRY(NAME, COUNT, R, EVAL, MR_FN_STRICT | FALLIBLE, DOC, EXAMPLE, RETURNS, __VA_ARGS__)

const MrFunction mr_functions_regex[] = {
    RX("~", 2, BOOL, regex_match, "Matches the regular expression.", "'thomas' ~ 't.*ma'", "t", T,
       T),
    RX("~*", 2, BOOL, regex_match_ignoring_case,
       "Matches the regular expression, whatever the case.", "'thomas' ~* 'T.*ma'", "t", T, T),
    RX("!~", 2, BOOL, regex_no_match, "Does not match the regular expression.",
       "'thomas' !~ 't.*max'", "t", T, T),
    RX("!~*", 2, BOOL, regex_no_match_ignoring_case,
       "Does not match the regular expression, whatever the case.", "'thomas' !~* 'T.*ma'", "f", T,
       T),
    RX("~", 2, BOOL, regex_match, "Matches the regular expression; the padding counts.",
       "'ab'::char(3) ~ 'b $'", "t", MR_TYPE_BPCHAR, T),
    RX("~*", 2, BOOL, regex_match_ignoring_case, "Matches, whatever the case.",
       "'ab'::char(3) ~* 'B $'", "t", MR_TYPE_BPCHAR, T),
    RX("!~", 2, BOOL, regex_no_match, "Does not match.", "'ab'::char(3) !~ 'b $'", "f",
       MR_TYPE_BPCHAR, T),
    RX("!~*", 2, BOOL, regex_no_match_ignoring_case, "Does not match, whatever the case.",
       "'ab'::char(3) !~* 'B $'", "f", MR_TYPE_BPCHAR, T),
    RX("regexp_like", 2, BOOL, regexp_like_2, "True when the expression matches.",
       "regexp_like('Hello World', 'wor')", "f", T, T),
    RX("regexp_like", 3, BOOL, regexp_like_3, "True when the expression matches, with flags.",
       "regexp_like('Hello World', 'wor', 'i')", "t", T, T, T),
    RX("regexp_count", 2, INT32, regexp_count_2, "Number of matches.",
       "regexp_count('ABCABCAXYaxy', 'A.')", "3", T, T),
    RX("regexp_count", 3, INT32, regexp_count_3, "Number of matches from a place on.",
       "regexp_count('ABCABCAXYaxy', 'A.', 4)", "2", T, T, I),
    RX("regexp_count", 4, INT32, regexp_count_4, "Number of matches from a place on, with flags.",
       "regexp_count('ABCABCAXYaxy', 'A.', 1, 'i')", "4", T, T, I, T),
    RX("regexp_substr", 2, TEXT, regexp_substr_2, "The first match, or NULL.",
       "regexp_substr('foobarbequebaz', 'b..')", "bar", T, T),
    RX("regexp_substr", 3, TEXT, regexp_substr_3, "The first match from a place on.",
       "regexp_substr('foobarbequebaz', 'b..', 5)", "beq", T, T, I),
    RX("regexp_substr", 4, TEXT, regexp_substr_4, "Match number n from a place on.",
       "regexp_substr('foobarbequebaz', 'b..', 1, 3)", "baz", T, T, I, I),
    RX("regexp_substr", 5, TEXT, regexp_substr_5, "Match number n, with flags.",
       "regexp_substr('ABCDEF', 'c.', 1, 1, 'i')", "CD", T, T, I, I, T),
    RX("regexp_substr", 6, TEXT, regexp_substr_6, "A group of match number n.",
       "regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i', 2)", "EF", T, T, I, I, T, I),
    RX("regexp_instr", 2, INT32, regexp_instr_2, "Where the first match starts; 0: nowhere.",
       "regexp_instr('ABCDEF', 'D')", "4", T, T),
    RX("regexp_instr", 3, INT32, regexp_instr_3, "Where the first match from a place on starts.",
       "regexp_instr('ABCABC', 'B', 3)", "5", T, T, I),
    RX("regexp_instr", 4, INT32, regexp_instr_4, "Where match number n starts.",
       "regexp_instr('ABCABC', 'B', 1, 2)", "5", T, T, I, I),
    RX("regexp_instr", 5, INT32, regexp_instr_5,
       "Where match number n starts, or (1) what follows it.",
       "regexp_instr('ABCABC', 'B', 1, 2, 1)", "6", T, T, I, I, I),
    RX("regexp_instr", 6, INT32, regexp_instr_6, "The same with flags.",
       "regexp_instr('ABCDEF', 'c(.)(..)', 1, 1, 0, 'i')", "3", T, T, I, I, I, T),
    RX("regexp_instr", 7, INT32, regexp_instr_7, "The same for a group.",
       "regexp_instr('ABCDEF', 'c(.)(..)', 1, 1, 0, 'i', 2)", "5", T, T, I, I, I, T, I),
    RX("regexp_replace", 3, TEXT, regexp_replace_3, "The first match replaced.",
       "regexp_replace('Thomas', '.[mN]a.', 'M')", "ThM", T, T, T),
    RX("regexp_replace", 4, TEXT, regexp_replace_4, "Replaced with flags; g: every match.",
       "regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g')", "fooXarYXazY", T, T, T, T),
    RX("regexp_replace", 4, TEXT, regexp_replace_start, "The first match from a place on replaced.",
       "regexp_replace('banana', 'a', 'o', 3)", "banona", T, T, T, I),
    RX("regexp_replace", 5, TEXT, regexp_replace_5, "Match number n replaced; 0: all.",
       "regexp_replace('banana', 'a', 'o', 1, 2)", "banona", T, T, T, I, I),
    RX("regexp_replace", 6, TEXT, regexp_replace_6, "Match number n replaced, with flags.",
       "regexp_replace('bAnana', 'a', 'o', 1, 1, 'i')", "bonana", T, T, T, I, I, T),
    RX("substring", 2, TEXT, regex_substring, "The part that matches, or its first group.",
       "substring('Thomas' FROM '...$')", "mas", T, T),
};
MR_FAMILY_COUNT(regex);
