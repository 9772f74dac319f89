/*
 * storage/sinks/postgres_jdbc.h - a connection's options as Java's driver wants them: for other
 * engines that write into the same database.  Must not know libpq's types.
 */
#ifndef MR_STORAGE_SINKS_POSTGRES_JDBC_H
#define MR_STORAGE_SINKS_POSTGRES_JDBC_H

#include "storage/sink.h"

typedef struct MrPgJdbc {
    MrBuilder url, user, password; /* the last one may be empty */
} MrPgJdbc;

/* 0A000 where the options need what JDBC has not: a Unix socket, a user that is not named.  The
 * caller ends it also after an error. */
MrStatus mr_postgres_jdbc(const MrSinkOptions *options, MrPgJdbc *out, MrError *err);
void mr_postgres_jdbc_fini(MrPgJdbc *jdbc); /* wipes the password */

#endif
