/*
 * engine/functions/float_errors.h - PostgreSQL's two range errors of floating-point results.
 */
#ifndef MR_ENGINE_FUNCTIONS_FLOAT_ERRORS_H
#define MR_ENGINE_FUNCTIONS_FLOAT_ERRORS_H

#include "engine/function.h"

MrStatus mr_float_overflow(MrEval *eval, const MrVector *out, uint32_t row);
MrStatus mr_float_underflow(MrEval *eval, const MrVector *out, uint32_t row);

#endif
