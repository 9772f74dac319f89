/*
 * engine/owned_cell.h - values that outlive their block: long text is copied to the heap and
 * charged to the query.  Must not know aggregates or operators.
 */
#ifndef MR_ENGINE_OWNED_CELL_H
#define MR_ENGINE_OWNED_CELL_H

#include "engine/aggregate.h"

/* Copies a cell (the type's width) to `out`, with text of its own; on an error nothing is owned. */
MrStatus mr_owned_cell_set(MrTypeId type, const void *cell, char *out, MrMemory *memory,
                           MrError *err);
/* Gives back what mr_owned_cell_set() took. */
void mr_owned_cell_free(MrTypeId type, char *cell, MrMemory *memory);

#endif
