/*
 * engine/functions/families.h - the tables of functions.def.
 */
#ifndef MR_ENGINE_FUNCTIONS_FAMILIES_H
#define MR_ENGINE_FUNCTIONS_FAMILIES_H

#include "engine/function.h"

#define MR_FAMILY(name, doc)                       \
    extern const MrFunction mr_functions_##name[]; \
    extern const uint32_t mr_functions_##name##_count;
#include "engine/functions/functions.def"
#undef MR_FAMILY

/* Ends a family's file. */
#define MR_FAMILY_COUNT(name)                    \
    const uint32_t mr_functions_##name##_count = \
        sizeof mr_functions_##name / sizeof mr_functions_##name[0]

#endif
