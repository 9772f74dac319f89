/*
 * clients/pattern.h - names and patterns as they are typed behind \d: psql's rules.
 * Must not know the server's objects.
 */
#ifndef MR_CLIENTS_PATTERN_H
#define MR_CLIENTS_PATTERN_H
#include <stdbool.h>

/* A condition on the SQL expression `column` for names that the pattern fits: * and ? stand for any
 * text and any character, "quotes" keep case and signs, what is before a dot is read over.  NULL
 * pattern: every name.  The caller frees it. */
char *mr_pattern_condition(const char *pattern, const char *column);
/* The SQL expressions that a pattern SCHEMA.NAME is about. */
typedef struct MrPatternColumns {
    const char *schema;   /* NULL: what is meant has none */
    const char *names[4]; /* one of them must fit; NULL behind the last */
    const char *visible;  /* a condition where no schema is given; NULL: none */
    bool is_operator;     /* only * and ? are special: names are made of the other signs */
} MrPatternColumns;

/* Conditions for the names of the catalogue that the pattern fits, each with " AND " before it; ""
 * for all.  The caller frees it. */
char *mr_pattern_where(const char *pattern, const MrPatternColumns *columns);
/* The name as SQL: folded and quoted so that the server reads it as psql would; may have dots.  The
 * caller frees it. */
char *mr_pattern_name(const char *name);
/* The name's last part, folded as the server folds it; the caller frees it. */
char *mr_pattern_object(const char *name);
#endif
