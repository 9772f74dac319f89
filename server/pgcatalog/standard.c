/*
 * server/pgcatalog/standard.c - information_schema: what the standard's features, limits and facts
 * are.  The rows are PostgreSQL's: who asks takes us for one, and a list of our own would be read
 * by nobody.
 */
#include <stdlib.h>

#include "server/pgcatalog/version.h"

enum { FIELDS_MAX = 7 };

typedef enum Listing {
    sql_features,
    sql_implementation_info,
    sql_parts,
    sql_sizing,
} Listing;

typedef struct Row {
    Listing listing;
    const char *fields[FIELDS_MAX];
} Row;

static const Row all[] = {
#define MR_PG_STANDARD(listing, ...) { listing, { __VA_ARGS__ } },
#include "server/pgcatalog/standard.def"
#undef MR_PG_STANDARD
};

/* `kinds`: a letter for each column, t a text and i an integer. */
static void fill(MrRows *rows, Listing listing, const char *kinds)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].listing != listing) {
            continue;
        }
        mr_rows_begin(rows);
        for (size_t f = 0; kinds[f] != '\0'; f++) {
            const char *field = all[i].fields[f];
            if (kinds[f] == 'i' && field != NULL) {
                mr_rows_int(rows, strtol(field, NULL, 10));
            } else {
                mr_rows_text(rows, field);
            }
        }
    }
}

void mr_pg_fill_sql_features(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    fill(rows, sql_features, "ttttttt");
}

void mr_pg_fill_sql_implementation_info(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    fill(rows, sql_implementation_info, "ttitt");
}

void mr_pg_fill_sql_parts(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    fill(rows, sql_parts, "ttttt");
}

void mr_pg_fill_sql_sizing(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    fill(rows, sql_sizing, "itit");
}
