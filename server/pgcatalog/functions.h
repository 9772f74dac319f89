/*
 * server/pgcatalog/functions.h - the functions that clients ask the catalogue by.  One table per
 * file functions_*.c; they join the registry of engine/function.h.
 */
#ifndef MR_SERVER_PGCATALOG_FUNCTIONS_H
#define MR_SERVER_PGCATALOG_FUNCTIONS_H

#include "engine/kernel_template.h"
#include "server/pgcatalog/version.h"

extern const MrFunction mr_pg_functions_names[], mr_pg_functions_definitions[],
    mr_pg_functions_rights[], mr_pg_functions_session[];
extern const uint32_t mr_pg_functions_names_count, mr_pg_functions_definitions_count,
    mr_pg_functions_rights_count, mr_pg_functions_session_count;

/* Before the first look into the registry; again is nothing. */
void mr_pg_functions_register(void);

/* Ends a file's table. */
#define MR_PG_FUNCTIONS_COUNT(name)                 \
    const uint32_t mr_pg_functions_##name##_count = \
        sizeof mr_pg_functions_##name / sizeof mr_pg_functions_##name[0]

/* Text of an object by its number; false: NULL. */
typedef bool MrPgText(const MrPgNames *names, uint32_t number, MrBuilder *out);

/* A kernel of a text by number, the other arguments being matters of layout. */
MrStatus mr_pg_texts(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                     MrPgText *text);
#define MR_PG_TEXTS(KERNEL, TEXT)                        \
    MR_KERNEL(KERNEL)                                    \
    {                                                    \
        (void)arg_count;                                 \
        return mr_pg_texts(eval, args, rows, out, TEXT); \
    }
/* A kernel that gives NULL to all. */
MrStatus mr_pg_nulls(MrEval *eval, const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                     MrVector *out);

#define CATALOG MR_FN_CATALOG

#endif
