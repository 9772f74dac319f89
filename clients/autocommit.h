/*
 * clients/autocommit.h - what AUTOCOMMIT = off and ON_ERROR_ROLLBACK put around a statement.
 * Must not know results.
 */
#ifndef MR_CLIENTS_AUTOCOMMIT_H
#define MR_CLIENTS_AUTOCOMMIT_H
#include "clients/shell.h"

/* Begins a transaction or sets a savepoint where the variables ask for it; *savepoint tells of the
 * second.  False after a message. */
bool mr_autocommit_before(MrShell *shell, const char *sql, bool *savepoint);
/* After a statement behind a savepoint: goes back to it or forgets it. */
void mr_autocommit_after(MrShell *shell, const char *sql);
#endif
