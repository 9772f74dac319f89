/*
 * common/numbers.h - a list of numbers that grows while a directory is listed, where nothing can be
 * returned: that memory ran out is noted.
 */
#ifndef MR_COMMON_NUMBERS_H
#define MR_COMMON_NUMBERS_H

#include "common/status.h"

typedef struct MrNumbers {
    uint64_t *items; /* its owner frees them */
    uint32_t count, capacity;
    bool failed; /* one of them had no room */
} MrNumbers;

void mr_numbers_add(MrNumbers *numbers, uint64_t number);

#endif
