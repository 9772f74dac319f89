/*
 * engine/set_functions/jsonpath.c - what a SQL/JSON path leads to, as rows.
 */
#include "engine/functions/jsonpath_query.h"
#include "engine/set_functions/set_families.h"

/* cursor->at: how many have been given.  The path is followed again for every page. */
static MrStatus path_query_rows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page)
{
    MrPathQuery query = { .eval = eval, .args = cursor->args, .arg_count = cursor->arg_count };
    MrPathItems found = { 0 };
    MrPathResult result;
    MR_TRY(mr_path_query_row(&query, cursor->row, &found, &result, eval->err));
    while (page->count < page->room && cursor->at < found.count) {
        MR_TRY(mr_set_text_copy(page, 0, found.items[cursor->at++], eval));
        page->count++;
    }
    return MR_OK;
}

#define PATH_QUERY(COUNT, EXAMPLE, RETURNS)                                            \
    {                                                                                  \
        .name = "jsonb_path_query",                                                    \
        .args = { MR_TYPE_JSONB, MR_TYPE_JSONPATH, MR_TYPE_JSONB, MR_TYPE_BOOL },      \
        .arg_count = COUNT, .columns = { { NULL, MR_TYPE_JSONB } }, .column_count = 1, \
        .rows = path_query_rows,                                                       \
        .doc = "What the path leads to, with variables, and (true) without errors.",   \
        .example = EXAMPLE, .returns = RETURNS                                         \
    }

const MrSetFunction mr_set_functions_jsonpath[] = {
    PATH_QUERY(2, "jsonb_path_query('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > 1)')", "2, 3"),
    PATH_QUERY(3, "jsonb_path_query('[1, 2]', '$[*] ? (@ > $n)', '{\"n\": 1}')", "2"),
    PATH_QUERY(4, "jsonb_path_query('[1, \"a\"]', 'strict $[*].type()', '{}', true)",
               "\"number\", \"string\""),
    { .name = NULL },
};
