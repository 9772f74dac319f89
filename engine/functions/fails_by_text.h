/*
 * engine/functions/fails_by_text.h - a flag of functions that fail by their constants, for whoever
 * wants to know beforehand (planner/range_call.c).
 */
#ifndef MR_ENGINE_FUNCTIONS_FAILS_BY_TEXT_H
#define MR_ENGINE_FUNCTIONS_FAILS_BY_TEXT_H

#include "engine/function.h"

/* Besides the flags of engine/function.h, of a function of texts and one moment that is
 * MR_FN_FALLIBLE: with the same texts it fails for all moments or none, but for those at the ends
 * of time.  Who has tried the first, one near the last, one between them and both infinities
 * knows.  Of intervals, it fails for all of less than 2^63 µs or for none. */
enum { MR_FN_FAILS_BY_TEXT = 4096 };

#endif
