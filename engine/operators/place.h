/*
 * engine/operators/place.h - what the pipeline tells a PLACE operator: where records end.
 */
#ifndef MR_ENGINE_OPERATORS_PLACE_H
#define MR_ENGINE_OPERATORS_PLACE_H

#include "engine/operator.h"

/* An input has been worked off, and with `is_whole` the record that it is of: no row of that, and
 * none that arrived before it, follows. */
MrStatus mr_place_end_input(MrOperator *op, bool is_whole, MrBatch *batch);

#endif
