/*
 * engine/functions/float_errors.h - PostgreSQL's errors of mathematical functions.
 */
#ifndef MR_ENGINE_FUNCTIONS_FLOAT_ERRORS_H
#define MR_ENGINE_FUNCTIONS_FLOAT_ERRORS_H

#include "engine/function.h"

/* 22003 with PostgreSQL's text, noted for that row (mr_eval's rule: a failed row, or the
 * statement). */
MrStatus mr_float_overflow(MrEval *eval, const MrVector *out, uint32_t row);
MrStatus mr_float_underflow(MrEval *eval, const MrVector *out, uint32_t row);
/* An error of a SQLSTATE that has no status of its own ("2201F" …). */
MrStatus mr_math_error(MrEval *eval, const MrVector *out, uint32_t row, const char *sqlstate,
                       const char *message);

#endif
