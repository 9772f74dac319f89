/*
 * clients/gather.c - rows that libpq gives one by one, gathered into results of some rows.
 */
#include "clients/gather.h"

bool mr_gather_row(PGresult *to, const PGresult *from)
{
    int row = PQntuples(to);
    bool ok = true;
    for (int column = 0; column < PQnfields(from); column++) {
        bool null = PQgetisnull(from, 0, column);
        ok = PQsetvalue(to, row, column, null ? NULL : PQgetvalue(from, 0, column),
                        null ? -1 : PQgetlength(from, 0, column)) &&
             ok;
    }
    return ok;
}

PGresult *mr_gather_rows(PGconn *conn, PGresult *first, long count, MrGatherEach each,
                         void *context)
{
    MrPrintPart part = { .is_first = true };
    PGresult *row = first;
    PGresult *rows = PQcopyResult(first, PG_COPYRES_ATTRS);
    while (row != NULL && PQresultStatus(row) == PGRES_SINGLE_TUPLE) {
        mr_gather_row(rows, row);
        if (PQntuples(rows) == count) { /* at once: the next row may be long in coming */
            each(context, rows, &part);
            part.is_first = false;
            part.rows_before += (unsigned long long)count;
            PQclear(rows);
            rows = PQcopyResult(row, PG_COPYRES_ATTRS);
        }
        PQclear(row);
        row = PQgetResult(conn);
    }
    part.is_last = row != NULL && PQresultStatus(row) == PGRES_TUPLES_OK;
    if (PQntuples(rows) > 0 || part.is_last) {
        each(context, rows, &part);
    }
    PQclear(rows);
    return row;
}
