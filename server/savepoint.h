/*
 * server/savepoint.h - SAVEPOINT, RELEASE and ROLLBACK TO: places that a transaction can go back
 * to. Rows appended after one are left out of the commit; settings and table changes go back too.
 */
#ifndef MR_SERVER_SAVEPOINT_H
#define MR_SERVER_SAVEPOINT_H

#include "server/session.h"

/* MR_ERR_NO_TRANSACTION outside BEGIN. */
MrStatus mr_savepoint_make(MrSession *session, const char *name, MrError *err);
MrStatus mr_savepoint_release(MrSession *session, const char *name, MrError *err);
/* Also after a failure, which it mends. */
MrStatus mr_savepoint_roll_back(MrSession *session, const char *name, MrError *err);
/* A statement behind the last savepoint failed: locks taken since are free at once. */
void mr_savepoint_fail(MrSession *session);
/* The transaction has ended. */
void mr_savepoints_forget(MrSession *session);

#endif
