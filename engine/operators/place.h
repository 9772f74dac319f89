/*
 * engine/operators/place.h - what the pipeline tells a PLACE operator whose time is the arrival.
 */
#ifndef MR_ENGINE_OPERATORS_PLACE_H
#define MR_ENGINE_OPERATORS_PLACE_H

#include "engine/operator.h"

/* The record under way has been worked off: no row that arrived before it follows. */
MrStatus mr_place_tell_arrival(MrOperator *op, MrBatch *batch);

#endif
