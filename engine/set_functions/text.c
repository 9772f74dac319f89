/*
 * engine/set_functions/text.c - parts of text as rows: string_to_table, regexp_split_to_table.
 */
#include "engine/functions/regex_program.h"
#include "engine/functions/text_characters.h"
#include "engine/set_functions/set_families.h"

/* ---- string_to_table ------------------------------------------------------------------------- */

/* The part that begins at cursor->at; without a delimiter it is a character, and an empty one
 * does not divide. */
static MrString next_part(MrSetCursor *cursor, MrString text)
{
    const size_t start = cursor->at;
    size_t end = text.length;
    if (mr_vector_is_null(cursor->args[1], cursor->row)) {
        end = mr_next_character(text, start);
        cursor->at = end;
        return (MrString){ text.data + start, end - start };
    }
    const MrString delimiter = mr_set_arg_text(cursor, 1);
    cursor->at = text.length + 1; /* this is the last one, unless a delimiter follows */
    if (delimiter.length > 0) {
        const char *found =
            memmem(text.data + start, text.length - start, delimiter.data, delimiter.length);
        if (found != NULL) {
            end = (size_t)(found - text.data);
            cursor->at = end + delimiter.length;
        }
    }
    return (MrString){ text.data + start, end - start };
}

static MrStatus string_to_table_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    if (mr_vector_is_null(cursor->args[0], cursor->row)) {
        return MR_OK;
    }
    const MrString text = mr_set_arg_text(cursor, 0);
    const bool by_character = mr_vector_is_null(cursor->args[1], cursor->row);
    const bool has_null = cursor->arg_count > 2 && !mr_vector_is_null(cursor->args[2], cursor->row);
    /* Nothing has no parts at all; otherwise a delimiter at the end has an empty part behind it. */
    while (page->count < page->room && text.length > 0 &&
           (by_character ? cursor->at < text.length : cursor->at <= text.length)) {
        const MrString part = next_part(cursor, text);
        if (has_null && mr_string_equal(part, mr_set_arg_text(cursor, 2))) {
            MR_TRY(mr_set_null(page, 0, eval));
        } else {
            MR_TRY(mr_set_text_copy(page, 0, part, eval));
        }
        page->count++;
    }
    return MR_OK;
}

/* ---- regexp_split_to_table ------------------------------------------------------------------- */

/* cursor->at: where the next part begins; value.integer: where the search goes on (an empty match
 * does not divide where a part begins). */
static MrStatus next_split(MrSetCursor *cursor, MrRegex *regex, MrString text, MrString *part,
                           MrError *err)
{
    const size_t start = cursor->at;
    size_t from = (size_t)cursor->value.integer;
    bool found = false;
    while (from <= text.length) {
        size_t match_start, match_end;
        MR_TRY(mr_regex_match(regex, text, from, &found, err));
        if (!found || !mr_regex_group(regex, 0, &match_start, &match_end)) {
            break;
        }
        from = match_end > match_start   ? match_end
               : match_end < text.length ? mr_next_character(text, match_end)
                                         : match_end + 1;
        /* An empty match at the beginning of a part or at the end of the text is none. */
        if (match_end > match_start || (match_end > start && match_end < text.length)) {
            *part = (MrString){ text.data + start, match_start - start };
            cursor->at = match_end;
            cursor->value.integer = (int64_t)from;
            return MR_OK;
        }
    }
    *part = (MrString){ text.data + start, text.length - start };
    cursor->at = text.length + 1;
    return MR_OK;
}

static MrStatus regexp_split_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    const MrString text = mr_set_arg_text(cursor, 0);
    MrRegexFlags flags = { 0 };
    MrRegex *regex;
    if (cursor->arg_count > 2) {
        MR_TRY(mr_regex_flags_read(mr_set_arg_text(cursor, 2), &flags, eval->err));
        if (flags.global) {
            return mr_error_set(eval->err, MR_ERR_INVALID_PARAMETER,
                                "regexp_split_to_table() does not support the \"global\" option");
        }
    }
    MR_TRY(mr_regex_compile(mr_set_arg_text(cursor, 1), &flags, &regex, eval->err));
    while (page->count < page->room && cursor->at <= text.length) {
        MrString part;
        MR_TRY(next_split(cursor, regex, text, &part, eval->err));
        MR_TRY(mr_set_text_copy(page, 0, part, eval));
        page->count++;
    }
    return MR_OK;
}

#define TEXT3                                    \
    {                                            \
        MR_TYPE_TEXT, MR_TYPE_TEXT, MR_TYPE_TEXT \
    }
#define PARTS(NAME, COUNT, ROWS, NULLS, DOC, EXAMPLE, RETURNS)                                  \
    {                                                                                           \
        .name = NAME, .args = TEXT3, .arg_count = COUNT, .columns = { { NULL, MR_TYPE_TEXT } }, \
        .column_count = 1, .rows = ROWS, .takes_null = NULLS, .doc = DOC, .example = EXAMPLE,   \
        .returns = RETURNS                                                                      \
    }

const MrSetFunction mr_set_functions_text[] = {
    PARTS("regexp_split_to_table", 2, regexp_split_rows, false,
          "The parts of a text between matches of a regular expression.",
          "regexp_split_to_table('a1b22c', '[0-9]+')", "a, b, c"),
    PARTS("regexp_split_to_table", 3, regexp_split_rows, false,
          "The parts of a text between matches of a regular expression, with flags.",
          "regexp_split_to_table('aXbxc', 'x', 'i')", "a, b, c"),
    PARTS("string_to_table", 2, string_to_table_rows, true,
          "The parts of a text between delimiters (NULL: its characters).",
          "string_to_table('a,b,c', ',')", "a, b, c"),
    PARTS("string_to_table", 3, string_to_table_rows, true,
          "The parts of a text between delimiters; those equal to the third are NULL.",
          "string_to_table('a,-,c', ',', '-')", "a, NULL, c"),
    { .name = NULL },
};
