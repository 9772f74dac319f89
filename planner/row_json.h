/*
 * planner/row_json.h - rows as JSON: row_to_json(t), json_agg(t), to_jsonb(ROW(a, b)).
 * Must not know how values become JSON.
 */
#ifndef MR_PLANNER_ROW_JSON_H
#define MR_PLANNER_ROW_JSON_H

#include "planner/binder.h"

/* Arguments of a function or aggregate of that name may be rows. */
bool mr_takes_rows(const char *function);
/* An argument of that function: a row, ROW(…), t or t.*, is an object; *is_row says so. */
MrStatus mr_bind_row_json(MrBinder *b, const char *function, const MrNode *node, MrExpr **out,
                          bool *is_row);
/* row_to_json(row [, with line feeds]). */
MrStatus mr_bind_row_to_json(MrBinder *b, const MrAstCall *call, MrExpr **out);

#endif
