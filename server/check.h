/*
 * server/check.h - what millraced --check does.
 */
#ifndef MR_SERVER_CHECK_H
#define MR_SERVER_CHECK_H

enum { MR_CHECK_DAMAGED = 1, MR_CHECK_FAILED = 2 }; /* exit codes; 0: the log is good */

/* Says on standard output what the log in the data directory is worth; the exit code. */
int mr_server_check(const char *data_directory);

#endif
