/*
 * engine/set_functions/jsonpath.c - what a SQL/JSON path leads to, as rows.
 */
#include "engine/functions/jsonpath_query.h"
#include "engine/set_functions/set_families.h"

/* cursor->at: how many have been given.  The path is followed again for every page. */
static MrStatus path_rows(MrSetCursor *cursor, MrEval *eval, bool uses_zone, MrSetPage *page)
{
    MrPathQuery query = {
        .eval = eval, .args = cursor->args, .arg_count = cursor->arg_count, .uses_zone = uses_zone
    };
    MrPathItems found = { 0 };
    MrPathResult result;
    MR_TRY(mr_path_query_row(&query, cursor->row, &found, &result, eval->err));
    while (page->count < page->room && cursor->at < found.count) {
        MR_TRY(mr_set_text_copy(page, 0, found.items[cursor->at++], eval));
        page->count++;
    }
    return MR_OK;
}

static MrStatus path_query_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    return path_rows(cursor, eval, false, page);
}
static MrStatus path_query_tz_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    return path_rows(cursor, eval, true, page);
}

#define PATH_QUERY(NAME, ROWS, COUNT, EXAMPLE, RETURNS)                                            \
    {                                                                                              \
        .name = NAME, .args = { MR_TYPE_JSONB, MR_TYPE_JSONPATH, MR_TYPE_JSONB, MR_TYPE_BOOL },    \
        .arg_count = COUNT, .columns = { { NULL, MR_TYPE_JSONB } }, .column_count = 1,             \
        .rows = ROWS, .doc = "What the path leads to, with variables, and (true) without errors.", \
        .example = EXAMPLE, .returns = RETURNS                                                     \
    }

const MrSetFunction mr_set_functions_jsonpath[] = {
    PATH_QUERY("jsonb_path_query", path_query_rows, 2,
               "jsonb_path_query('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > 1)')", "2, 3"),
    PATH_QUERY("jsonb_path_query", path_query_rows, 3,
               "jsonb_path_query('[1, 2]', '$[*] ? (@ > $n)', '{\"n\": 1}')", "2"),
    PATH_QUERY("jsonb_path_query", path_query_rows, 4,
               "jsonb_path_query('[1, \"a\"]', 'strict $[*].type()', '{}', true)",
               "\"number\", \"string\""),
    PATH_QUERY("jsonb_path_query_tz", path_query_tz_rows, 2,
               "jsonb_path_query_tz('[\"10:00:00+02\"]', '$[*] ? (@.datetime() < "
               "\"09:00:00\".datetime())')",
               "\"10:00:00+02\""),
    PATH_QUERY("jsonb_path_query_tz", path_query_tz_rows, 3,
               "jsonb_path_query_tz('[\"10:00:00+02\"]', '$[*].datetime() ? (@ < $n.datetime())', "
               "'{\"n\": \"09:00:00\"}')",
               "\"10:00:00+02:00\""),
    PATH_QUERY(
        "jsonb_path_query_tz", path_query_tz_rows, 4,
        "jsonb_path_query_tz('[\"x\", \"2026-01-01\"]', 'strict $[1].datetime()', '{}', true)",
        "\"2026-01-01\""),
    { .name = NULL },
};
