/*
 * engine/set_functions/regexp.c - matches of a regular expression as rows: regexp_matches.
 */
#include "engine/functions/regex_program.h"
#include "engine/functions/text_characters.h"
#include "engine/set_functions/set_families.h"
#include "storage/array.h"

/* The groups of the last match as an array; without groups, the whole of it. */
static MrStatus groups_array(const MrRegex *regex, MrString text, MrEval *eval, MrText *out)
{
    const uint32_t groups = mr_regex_group_count(regex), count = groups > 0 ? groups : 1;
    const MrArrayShape shape = mr_array_list(count);
    MrText *cells;
    uint64_t *nulls;
    MR_NEW_ARRAY(eval->arena, cells, count, eval->err);
    MR_NEW_ARRAY(eval->arena, nulls, mr_bitmap_words(count) + 1, eval->err);
    for (uint32_t i = 0; i < count; i++) {
        size_t start, end;
        if (mr_regex_group(regex, groups > 0 ? i + 1 : 0, &start, &end)) {
            cells[i] = mr_text_make(text.data + start, (uint32_t)(end - start));
        } else {
            mr_bitmap_set(nulls, i);
        }
    }
    return mr_array_make(eval->arena, MR_TYPE_TEXT, &shape, cells, nulls, out, eval->err);
}

/* cursor->at: where the search goes on. */
static MrStatus regexp_matches_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    const MrString text = mr_set_arg_text(cursor, 0);
    MrRegexFlags flags = { 0 };
    MrRegex *regex;
    if (cursor->arg_count > 2) {
        MR_TRY(mr_regex_flags_read(mr_set_arg_text(cursor, 2), &flags, eval->err));
    }
    MR_TRY(mr_regex_compile(mr_set_arg_text(cursor, 1), &flags, &regex, eval->err));
    while (page->count < page->room && cursor->at <= text.length) {
        size_t start = 0, end = 0;
        bool found;
        MR_TRY(mr_regex_match(regex, text, cursor->at, &found, eval->err));
        if (!found || !mr_regex_group(regex, 0, &start, &end)) {
            cursor->at = text.length + 1;
            break;
        }
        MR_TRY(groups_array(regex, text, eval, mr_set_cell(page, 0)));
        page->count++;
        cursor->at = !flags.global       ? text.length + 1
                     : end > start       ? end
                     : end < text.length ? mr_next_character(text, end)
                                         : text.length + 1;
    }
    return MR_OK;
}

#define MATCHES(COUNT, DOC, EXAMPLE, RETURNS)                                               \
    {                                                                                       \
        .name = "regexp_matches", .args = { MR_TYPE_TEXT, MR_TYPE_TEXT, MR_TYPE_TEXT },     \
        .arg_count = COUNT, .columns = { { NULL, MR_TYPE_TEXT_ARRAY } }, .column_count = 1, \
        .rows = regexp_matches_rows, .doc = DOC, .example = EXAMPLE, .returns = RETURNS     \
    }

const MrSetFunction mr_set_functions_regexp[] = {
    MATCHES(2, "The first match of a regular expression: its groups, or all of it; no row without.",
            "regexp_matches('foobarbaz', '(b.)(.)')", "{ba,r}"),
    MATCHES(3, "Matches of a regular expression with flags; 'g' gives every one.",
            "regexp_matches('foobarbaz', '(b.)(.)', 'g')", "{ba,r}, {ba,z}"),
    { .name = NULL },
};
