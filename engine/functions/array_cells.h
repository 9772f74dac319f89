/*
 * engine/functions/array_cells.h - arrays of a vector as one vector of their elements, and back.
 * Must not know what is done with the elements.
 */
#ifndef MR_ENGINE_FUNCTIONS_ARRAY_CELLS_H
#define MR_ENGINE_FUNCTIONS_ARRAY_CELLS_H

#include "engine/kernel_template.h"
#include "storage/array.h"

/* The elements of all rows, one after the other. */
typedef struct MrElements {
    MrVector values;  /* flat; of the element type */
    uint32_t *firsts; /* rows + 1: where each row's elements begin */
    uint32_t *rows;   /* the row of each element */
} MrElements;

/* Rows that are NULL (in `arrays` or, where given, in `validity`) have no elements. */
MrStatus mr_elements_flatten(MrEval *eval, const MrVector *arrays, const uint64_t *validity,
                             uint32_t rows, MrElements *out);
/* `eval` for kernels over the elements: row errors go to the elements' rows. */
MrStatus mr_elements_eval(const MrEval *eval, const MrElements *elements, MrEval *out);
/* An array of elements [first, first + count) of a vector (flat or constant). */
MrStatus mr_array_of_vector(MrArena *arena, const MrVector *values, uint32_t first,
                            const MrArrayShape *shape, MrText *out, MrError *err);

static inline const MrText *mr_arg_array(const MrVector *arg, uint32_t row)
{
    return (const MrText *)arg->data + (arg->is_constant ? 0 : row);
}
/* Opens the array of a row of an argument. */
static inline void mr_arg_array_open(const MrVector *arg, uint32_t row, MrArray *out)
{
    mr_array_open(mr_type_element(arg->type.id), mr_arg_array(arg, row), out);
}

/* An array under construction: cells and NULLs in the arena, used again for the next row. */
typedef struct MrArrayBuild {
    MrArena *arena;
    MrTypeId element;
    uint32_t width, count, capacity;
    char *cells;
    uint64_t *nulls;
} MrArrayBuild;

/* Memory comes from the arena and is used again for the next array. */
void mr_array_build_init(MrArrayBuild *build, MrArena *arena, MrTypeId element);
/* `cell` NULL: a NULL. */
MrStatus mr_array_build_add(MrArrayBuild *build, const void *cell, MrError *err);
MrStatus mr_array_build_add_all(MrArrayBuild *build, const MrArray *array, MrError *err);
/* The array of what was added, in that shape (NULL: a list); begins the next one. */
MrStatus mr_array_build_take(MrArrayBuild *build, const MrArrayShape *shape, MrText *out,
                             MrError *err);

#endif
