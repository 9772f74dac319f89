/*
 * common/arena.h - memory that ends all at once: bump allocation with a byte limit and reset.
 * The three lifetimes (server, pipeline, micro-batch) are arenas or heap objects; see style.md.
 * One arena belongs to one thread at a time.
 */
#ifndef MR_COMMON_ARENA_H
#define MR_COMMON_ARENA_H

#include "common/status.h"

typedef struct MrArenaChunk MrArenaChunk;

typedef struct MrArena {
    char *next; /* first free byte of the current chunk */
    char *end;
    MrArenaChunk *chunks; /* newest first */
    size_t used_bytes;    /* sum of the chunks' sizes */
    size_t bytes_max;     /* 0: no limit */
} MrArena;

/* Takes no memory until the first allocation.  `bytes_max` 0 means no limit. */
void mr_arena_init(MrArena *arena, size_t bytes_max);
void mr_arena_fini(MrArena *arena);
/* Everything allocated is gone; the first chunk is kept for reuse. */
void mr_arena_reset(MrArena *arena);

/* `bytes` of memory aligned to 16 (0 bytes give a valid pointer), or NULL when the limit or the
 * machine's memory is reached.  Not zeroed. */
void *mr_arena_alloc(MrArena *arena, size_t bytes) MR_MUST_USE;
/* The same aligned to 64, for column buffers that vector code reads. */
void *mr_arena_alloc_aligned(MrArena *arena, size_t bytes) MR_MUST_USE;
/* The same zeroed; NULL also when count * size overflows. */
void *mr_arena_calloc(MrArena *arena, size_t count, size_t size) MR_MUST_USE;
/* A copy of an array of `count` items of `size` bytes with room for twice as many, the rest zeroed;
 * *capacity becomes their number.  NULL as above. */
void *mr_arena_grow(MrArena *arena, const void *items, size_t count, size_t size,
                    uint32_t *capacity) MR_MUST_USE;
/* Copies `length` bytes and adds a NUL. */
char *mr_arena_strndup(MrArena *arena, const char *text, size_t length) MR_MUST_USE;
char *mr_arena_strdup(MrArena *arena, const char *text) MR_MUST_USE;
char *mr_arena_printf(MrArena *arena, const char *format, ...) MR_PRINTF(2, 3) MR_MUST_USE;

/* Allocation with the error told: `MR_NEW(arena, node, err)` sets node (typed pointer, zeroed). */
#define MR_NEW(arena, pointer, err)                                 \
    do {                                                            \
        (pointer) = mr_arena_calloc((arena), 1, sizeof *(pointer)); \
        if ((pointer) == NULL) {                                    \
            return mr_error_no_memory(err);                         \
        }                                                           \
    } while (0)
#define MR_NEW_ARRAY(arena, pointer, count, err)                          \
    do {                                                                  \
        (pointer) = mr_arena_calloc((arena), (count), sizeof *(pointer)); \
        if ((pointer) == NULL) {                                          \
            return mr_error_no_memory(err);                               \
        }                                                                 \
    } while (0)
/* Room for one more item in an array that doubles, and moves when it does. */
#define MR_GROW_ARRAY(arena, items, count, capacity, err)                               \
    do {                                                                                \
        if ((count) == (capacity)) {                                                    \
            void *mr_larger =                                                           \
                mr_arena_grow((arena), (items), (count), sizeof *(items), &(capacity)); \
            if (mr_larger == NULL) {                                                    \
                return mr_error_no_memory(err);                                         \
            }                                                                           \
            (items) = mr_larger;                                                        \
        }                                                                               \
    } while (0)

#endif
