/*
 * clients/crosstab.h - \crosstabview: a result of three columns as a table whose rows and columns
 * are two of them.  Messages and layout are psql's.  Must not know how the result was asked for.
 */
#ifndef MR_CLIENTS_CROSSTAB_H
#define MR_CLIENTS_CROSSTAB_H
#include "clients/shell.h"

enum { MR_CROSSTAB_ROWS, MR_CROSSTAB_COLUMNS, MR_CROSSTAB_DATA, MR_CROSSTAB_SORT };

typedef struct MrCrosstab {
    char *columns[4]; /* names or numbers as typed, in the order above; NULL: left out */
} MrCrosstab;

void mr_crosstab_free(MrCrosstab *crosstab);
/* False after a message. */
bool mr_crosstab_show(MrShell *shell, const PGresult *result, const MrCrosstab *crosstab,
                      FILE *out);
#endif
