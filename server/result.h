/*
 * server/result.h - finished rows of a statement, for whoever sends them on.
 */
#ifndef MR_SERVER_RESULT_H
#define MR_SERVER_RESULT_H

#include "engine/effects.h"
#include "storage/block.h"

/* Finished rows; owned by whoever got it. */
typedef struct MrResult {
    MrSchema schema; /* the visible columns */
    const MrBlock **blocks;
    uint32_t block_count;
    uint64_t row_count;
    MrEffects effects; /* of the functions that were called: nothing of them is done yet */
    MrArena arena;     /* holds all of it, but for */
    MrArena rows;      /* the blocks that a pipeline has handed over */
    uint32_t holders;  /* besides its owner; counted on the event loop's thread */
} MrResult;
void mr_result_destroy(MrResult *result);   /* accepts NULL; stays while others hold it */
MrResult *mr_result_hold(MrResult *result); /* accepts NULL */
/* An empty one with these columns (names are copied), and a copy of a block added to it. */
MrStatus mr_result_create(const MrSchema *schema, MrResult **out, MrError *err);
MrStatus mr_result_add(MrResult *result, const MrBlock *block, MrError *err);

#endif
