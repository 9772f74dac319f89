/*
 * engine/functions/regex_program.h - compiled regular expressions, kept per thread.
 * PostgreSQL's syntax is translated to PCRE2's; matching is bounded in steps and memory.
 */
#ifndef MR_ENGINE_FUNCTIONS_REGEX_PROGRAM_H
#define MR_ENGINE_FUNCTIONS_REGEX_PROGRAM_H

#include "common/text.h"

typedef struct MrRegex MrRegex;

typedef struct MrRegexFlags {
    bool global;      /* g: every match (of regexp_replace) */
    bool ignore_case; /* i */
    bool newlines;    /* n, m: . and [^…] stop at newlines, ^ and $ match at lines */
    bool anchors;     /* w: only ^ and $ do */
    bool stops;       /* p: only . and [^…] do */
    bool extended;    /* x */
    bool literal;     /* q */
} MrRegexFlags;

/* Reads PostgreSQL's letters; 22023 for an unknown one. */
MrStatus mr_regex_flags_read(MrString text, MrRegexFlags *out, MrError *err);
/* The compiled expression, from this thread's cache where it is known; valid until the thread's
 * next call.  2201B when malformed. */
MrStatus mr_regex_compile(MrString pattern, const MrRegexFlags *flags, MrRegex **out, MrError *err);
uint32_t mr_regex_group_count(const MrRegex *regex);
/* Searches from byte `from` on.  On a match *found is true and mr_regex_group tells where. */
MrStatus mr_regex_match(MrRegex *regex, MrString text, size_t from, bool *found, MrError *err);
/* Bytes [*start, *end) of group n of the last match (0: the whole); false: it took no part. */
bool mr_regex_group(const MrRegex *regex, uint32_t group, size_t *start, size_t *end);

#endif
