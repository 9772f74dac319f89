/*
 * clients/pattern.h - names and patterns as they are typed behind \d: psql's rules.
 * Must not know the server's objects.
 */
#ifndef MR_CLIENTS_PATTERN_H
#define MR_CLIENTS_PATTERN_H

/* A condition on the SQL expression `column` for names that the pattern fits: * and ? stand for any
 * text and any character, "quotes" keep case and signs, what is before a dot is read over.  NULL
 * pattern: every name.  The caller frees it. */
char *mr_pattern_condition(const char *pattern, const char *column);
/* The name as SQL: folded and quoted so that the server reads it as psql would; may have dots.  The
 * caller frees it. */
char *mr_pattern_name(const char *name);
/* The name's last part, folded as the server folds it; the caller frees it. */
char *mr_pattern_object(const char *name);
#endif
