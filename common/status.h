/*
 * common/status.h - how a function says that it failed: a status returned, the story in MrError.
 * Must not know SQL, files or sockets; every other header may include this one.
 */
#ifndef MR_COMMON_STATUS_H
#define MR_COMMON_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum MrStatus {
    MR_OK = 0,
#define MR_ERRCODE(name, sqlstate, doc) MR_ERR_##name,
#include "common/errcodes.def"
#undef MR_ERRCODE
    MR_STATUS_COUNT
} MrStatus;

#define MR_MUST_USE __attribute__((warn_unused_result))
#define MR_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))

/* The story of one failure.  Plain memory: may live on the stack, be copied, never needs freeing.
 * `position` is a byte offset into the SQL text of the statement, or -1. */
typedef struct MrError {
    MrStatus status;
    char sqlstate[6]; /* of the status, unless a target reported its own */
    int32_t position;
    char message[512];
    char detail[512];
    char hint[320];
    /* What it is about, where a client may want to know; "": nothing. */
    char schema_name[64], table_name[64], column_name[64], constraint_name[64];
} MrError;

#define MR_ERROR_INIT                   \
    {                                   \
        .status = MR_OK, .position = -1 \
    }

/* `to` becomes what `from` is; where that is no error, without a look at its texts. */
void mr_error_copy(MrError *to, const MrError *from);
/* Fills `err` (NULL: only the status is passed on) and returns `status`, so that a failing function
 * ends in `return mr_error_set(err, MR_ERR_…, "…")`.  Resets detail, hint and position.  A message
 * too long for its buffer is cut at a UTF-8 boundary. */
MrStatus mr_error_set(MrError *err, MrStatus status, const char *format, ...) MR_PRINTF(3, 4);
MrStatus mr_error_vset(MrError *err, MrStatus status, const char *format, va_list args);
/* Add to an error that is set already; NULL-safe; return err->status (MR_ERR_INTERNAL for NULL). */
MrStatus mr_error_detail(MrError *err, const char *format, ...) MR_PRINTF(2, 3);
MrStatus mr_error_hint(MrError *err, const char *format, ...) MR_PRINTF(2, 3);
MrStatus mr_error_at(MrError *err, int32_t position);
/* NULL: the error is about none; longer ones are cut. */
MrStatus mr_error_about(MrError *err, const char *schema_name, const char *table_name,
                        const char *column_name, const char *constraint_name);
/* Overwrites the SQLSTATE with five characters that a target reported. */
void mr_error_sqlstate(MrError *err, const char *sqlstate);
void mr_error_clear(MrError *err);

/* SQLSTATE of a status ("00000" for MR_OK); never NULL. */
const char *mr_status_sqlstate(MrStatus status);
const char *mr_status_name(MrStatus status);

/* Passes a failure up.  A function that holds a resource goes to its `done:` label instead. */
#define MR_TRY(call)                      \
    do {                                  \
        MrStatus mr_try_status_ = (call); \
        if (mr_try_status_ != MR_OK) {    \
            return mr_try_status_;        \
        }                                 \
    } while (0)

/* "out of memory" in the one wording all rooms share. */
MrStatus mr_error_no_memory(MrError *err);

#endif
