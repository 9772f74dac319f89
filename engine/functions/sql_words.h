/*
 * engine/functions/sql_words.h - names that must be quoted because they are words of SQL.
 */
#ifndef MR_ENGINE_FUNCTIONS_SQL_WORDS_H
#define MR_ENGINE_FUNCTIONS_SQL_WORDS_H

#include "common/text.h"

/* Appends a name as SQL takes it: quoted where it is not in lower case throughout, or is a word
 * that PostgreSQL 15 reserves in some place. */
void mr_append_sql_name(MrBuilder *out, const char *name);

#endif
