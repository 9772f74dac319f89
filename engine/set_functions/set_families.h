/*
 * engine/set_functions/set_families.h - the tables that set_functions.def lists; each ends with an
 * entry without a name.
 */
#ifndef MR_ENGINE_SET_FUNCTIONS_SET_FAMILIES_H
#define MR_ENGINE_SET_FUNCTIONS_SET_FAMILIES_H

#include "engine/set_function.h"

#define MR_SET_FAMILY(name, doc) extern const MrSetFunction mr_set_functions_##name[];
#include "engine/set_functions/set_functions.def"
#undef MR_SET_FAMILY

#endif
