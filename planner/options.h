/*
 * planner/options.h - WITH (name = value, …): known names, values of the right form, hints.
 * Must not know what an option does.
 */
#ifndef MR_PLANNER_OPTIONS_H
#define MR_PLANNER_OPTIONS_H

#include "parser/ast.h"

typedef struct MrOptionSet {
    const MrNodeList *list; /* of MrAstOption */
    const char *what;       /* "CREATE STREAM", for messages */
    MrError *err;
} MrOptionSet;

/* Names that are neither in `names` ("a|b|c", NULL: none) nor in `more`, or that are given twice,
 * are errors. A name that ends in ".*" allows all with that start. */
MrStatus mr_options_check(const MrOptionSet *set, const char *names, const char *more);
const MrAstOption *mr_options_find(const MrOptionSet *set, const char *name);
/* The value as text, NULL when the option is absent or a bare name. */
MrStatus mr_options_text(const MrOptionSet *set, const char *name, const char **out);
/* Each leaves *out alone when the option is absent. */
MrStatus mr_options_bool(const MrOptionSet *set, const char *name, bool *out);
/* Index into "a|b|c". */
MrStatus mr_options_choice(const MrOptionSet *set, const char *name, const char *choices,
                           uint32_t *out);
/* '5 s', '7 days'; not negative, no months. */
MrStatus mr_options_interval(const MrOptionSet *set, const char *name, int64_t *out);
/* '10 GB', 1048576. */
MrStatus mr_options_bytes(const MrOptionSet *set, const char *name, int64_t *out);
/* A size as above; false: it is none. */
bool mr_parse_bytes(const char *text, int64_t *out);
/* A single byte that ends no line, such as a delimiter. */
MrStatus mr_options_character(const MrOptionSet *set, const char *name, char *out);
MrStatus mr_option_error(const MrOptionSet *set, const MrAstOption *option, const char *wanted);
MrStatus mr_option_unsupported(const MrOptionSet *set, const MrAstOption *option, const char *hint);

#endif
