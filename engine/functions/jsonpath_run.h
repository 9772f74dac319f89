/*
 * engine/functions/jsonpath_run.h - follows a SQL/JSON path through a jsonb value.
 * Semantics are those of PostgreSQL 15's jsonpath_exec.c: lax and strict mode, unwrapping, errors
 * that make a predicate unknown.
 */
#ifndef MR_ENGINE_FUNCTIONS_JSONPATH_RUN_H
#define MR_ENGINE_FUNCTIONS_JSONPATH_RUN_H

#include "common/datetime_template.h"
#include "engine/function.h"
#include "storage/jsonsqlpath.h"

/* Results in order: parts of the value's text, or text in the arena. */
typedef struct MrPathItems {
    MrString *items;
    uint32_t count, capacity;
} MrPathItems;

typedef enum MrPathResult { MR_PATH_FOUND, MR_PATH_NOT_FOUND, MR_PATH_FAILED } MrPathResult;
typedef enum MrPathTruth { MR_PATH_IS_FALSE, MR_PATH_IS_TRUE, MR_PATH_UNKNOWN } MrPathTruth;

/* What .datetime() tries without a template, each compiled when a value first needs it: one for
 * all values of a call, in its arena.  Zero at first. */
enum { MR_PATH_TEMPLATE_COUNT = 19 };
typedef struct MrPathTemplates {
    MrDatetimeTemplate *known[MR_PATH_TEMPLATE_COUNT];
} MrPathTemplates;

/* One run over one value.  Zero but for what mr_path_run sets. */
typedef struct MrPathRun {
    MrArena *arena;
    MrError *err;           /* the last failure; a predicate around it forgets it */
    bool is_strict;         /* no unwrapping, and absent members are errors */
    bool forgives;          /* absent members are none now */
    bool is_fatal;          /* out of memory, out of budget: nothing may forget it */
    const MrTimezone *zone; /* of values that have none; NULL: they compare with none that have */
    MrString root, variables;
    MrString current;   /* what @ stands for */
    int64_t array_size; /* of the subscripts around: last is one less */
    uint32_t depth;
    uint64_t steps;
    int64_t made;        /* objects so far that .keyvalue() made */
    uint64_t kept_bytes; /* of what methods and arithmetic made */
    MrPathTemplates *templates;
} MrPathRun;

/* Appends what the path leads to; `found` NULL: only whether there is something.  `variables` is a
 * JSON object; `zone` as in MrPathRun; `templates` (borrowed) live as long as the arena.
 * MR_PATH_FAILED: err says why. */
MrPathResult mr_path_run(MrArena *arena, const MrPath *path, MrString json, MrString variables,
                         const MrTimezone *zone, MrPathTemplates *templates, MrPathItems *found,
                         bool *is_fatal, MrError *err);

/* ---- Between jsonpath_run.c, jsonpath_number.c and jsonpath_predicate.c ---------------------- */

static inline bool mr_path_is_array(MrString value)
{
    return value.length > 0 && value.data[0] == '[';
}
static inline bool mr_path_is_number(MrString value)
{
    return value.length > 0 &&
           (value.data[0] == '-' || (value.data[0] >= '0' && value.data[0] <= '9'));
}
static inline bool mr_path_is_object(MrString value)
{
    return value.length > 0 && value.data[0] == '{';
}
/* The first byte of a date or time, which is no JSON while the path is followed. */
#define MR_PATH_MOMENT '\x01'
static inline bool mr_path_is_moment(MrString value)
{
    return value.length > 0 && value.data[0] == MR_PATH_MOMENT;
}
static inline bool mr_path_is_string(MrString value)
{
    return value.length > 0 && value.data[0] == '"';
}

/* What the node and those behind it give for one value, arrays taken apart first where `unwrap`. */
MrPathResult mr_path_items(MrPathRun *run, const MrPathNode *node, MrString value, bool unwrap,
                           MrPathItems *found);
/* The same, results that are arrays replaced by their elements in lax mode. */
MrPathResult mr_path_items_unwrapped(MrPathRun *run, const MrPathNode *node, MrString value,
                                     MrPathItems *found);
/* Goes on behind the node with what it gave, or has arrived. */
MrPathResult mr_path_go_on(MrPathRun *run, const MrPathNode *node, MrString value,
                           MrPathItems *found);
MrPathResult mr_path_go_on_number(MrPathRun *run, const MrPathNode *node, const MrDecimal *number,
                                  MrPathItems *found);
MrPathResult mr_path_arithmetic(MrPathRun *run, const MrPathNode *node, MrString value,
                                MrPathItems *found);
MrPathResult mr_path_sign(MrPathRun *run, const MrPathNode *node, MrString value,
                          MrPathItems *found);
MrPathResult mr_path_size(MrPathRun *run, const MrPathNode *node, MrString value,
                          MrPathItems *found);
MrPathResult mr_path_rounding(MrPathRun *run, const MrPathNode *node, MrString value,
                              MrPathItems *found);
MrPathResult mr_path_double(MrPathRun *run, const MrPathNode *node, MrString value,
                            MrPathItems *found);
MrPathResult mr_path_keyvalue(MrPathRun *run, const MrPathNode *node, MrString value,
                              MrPathItems *found);
MrPathResult mr_path_datetime(MrPathRun *run, const MrPathNode *node, MrString value,
                              MrPathItems *found);
/* "date", "time with time zone" … as a string literal. */
MrString mr_path_moment_type(MrString moment);
/* The moment's string literal, in the arena. */
MrPathResult mr_path_moment_text(MrPathRun *run, MrString moment, MrString *out);
/* *order as of a comparison; unknown for a date and a time. */
MrPathTruth mr_path_moment_compare(MrPathRun *run, MrString a, MrString b, int *order);
MrPathTruth mr_path_test(MrPathRun *run, const MrPathNode *node, MrString value);
/* Notes a failure. */
MrPathResult mr_path_fail(MrPathRun *run, MrStatus status, const char *format, ...) MR_PRINTF(3, 4);
/* A failure that no predicate may turn into "unknown". */
MrPathResult mr_path_give_up(MrPathRun *run);
MrPathResult mr_path_no_memory(MrPathRun *run);
/* A copy in the arena of what was made on the way; NULL: the run is given up, as there is too much
 * of it (54001) or no memory. */
const char *mr_path_keep(MrPathRun *run, const void *bytes, size_t length);

#endif
