/*
 * common/file_error.h - what file.c and directory.c share: faults and the wording of failures.
 */
#ifndef MR_COMMON_FILE_ERROR_H
#define MR_COMMON_FILE_ERROR_H

#include "common/status.h"

/* "could not <what> "<path>": <errno>", with the status that errno stands for. */
MrStatus mr_file_error(MrError *err, const char *what, const char *path);
/* Counts a file call; true, with errno set, when it has to fail. */
bool mr_file_fault(void);

#endif
