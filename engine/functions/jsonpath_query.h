/*
 * engine/functions/jsonpath_query.h - SQL/JSON paths over the rows of a call: value, path,
 * variables, silence.
 */
#ifndef MR_ENGINE_FUNCTIONS_JSONPATH_QUERY_H
#define MR_ENGINE_FUNCTIONS_JSONPATH_QUERY_H

#include "engine/functions/jsonpath_run.h"

/* Arguments of one call and the path, once it is read. */
typedef struct MrPathQuery {
    MrEval *eval;
    const MrVector *const *args; /* jsonb, jsonpath, then variables and silence where given */
    uint32_t arg_count;
    bool is_silent; /* without a fourth argument */
    bool uses_zone; /* values without a zone are of the query's: those of *_tz */
    bool is_read;
    MrPath path;
    MrPathTemplates templates;
} MrPathQuery;

/* The function's last argument, `silent`, of that row. */
bool mr_path_query_is_silent(const MrPathQuery *query, uint32_t row);
/* One row.  A failure that silence covers is MR_OK and MR_PATH_FAILED; `found` holds what came
 * before it. */
MrStatus mr_path_query_row(MrPathQuery *query, uint32_t row, MrPathItems *found,
                           MrPathResult *result, MrError *err);

#endif
