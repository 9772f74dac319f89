/*
 * server/check.h - what millraced --check and --salvage do.
 */
#ifndef MR_SERVER_CHECK_H
#define MR_SERVER_CHECK_H

#include <stdbool.h>

#include "common/status.h"

enum { MR_CHECK_DAMAGED = 1, MR_CHECK_FAILED = 2 }; /* exit codes; 0: the log is good */

/* Says on standard output what the log in the data directory is worth; the exit code. */
int mr_server_check(const char *data_directory);

/* `millraced --salvage`: says what of a damaged log is lost (MR_CHECK_DAMAGED), and with approval
 * makes the rest usable (EXIT_SUCCESS). */
int mr_server_salvage(const char *directory, bool is_approved);

/* What both share.  Calls `act` with the log's directory; the data directory is locked meanwhile,
 * so that no server uses it.  Errors: there is no log, it is locked, and those of `act`. */
typedef MrStatus MrCheckAct(const char *log, void *context, MrError *err);
MrStatus mr_check_with_log(const char *directory, MrCheckAct *act, void *context, MrError *err);
void mr_check_print_line(void *context, const char *line);

#endif
