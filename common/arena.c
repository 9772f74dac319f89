/*
 * common/arena.c - bump allocation from a chain of chunks.
 * A reset folds the chain into one chunk as large as the last use needed, so that an arena which is
 * filled and reset over and over (one micro-batch after another) soon stops asking the system.
 */
#include "common/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define ARENA_POISON(start, bytes) ASAN_POISON_MEMORY_REGION(start, bytes)
#define ARENA_UNPOISON(start, bytes) ASAN_UNPOISON_MEMORY_REGION(start, bytes)
#else
#define ARENA_POISON(start, bytes) ((void)(start), (void)(bytes))
#define ARENA_UNPOISON(start, bytes) ((void)(start), (void)(bytes))
#endif

#define ARENA_ALIGN 64
#define ARENA_CHUNK_BYTES_MIN ((size_t)4096)
#define ARENA_CHUNK_BYTES_MAX ((size_t)1 << 20) /* of a chunk made by doubling */
#define ARENA_KEEP_BYTES_MAX ((size_t)64 << 20) /* of the chunk that a reset keeps */

struct MrArenaChunk {
    MrArenaChunk *older;
    size_t bytes; /* with this header */
    char unused[ARENA_ALIGN - sizeof(void *) - sizeof(size_t)];
};

_Static_assert(sizeof(MrArenaChunk) == ARENA_ALIGN, "data starts on a cache line");

static char *chunk_data(MrArenaChunk *chunk)
{
    return (char *)(chunk + 1);
}

/* `bytes` is a multiple of ARENA_ALIGN.  Does not link the chunk. */
static MrArenaChunk *chunk_create(MrArena *arena, size_t bytes)
{
    if (arena->bytes_max != 0 &&
        (arena->used_bytes > arena->bytes_max || bytes > arena->bytes_max - arena->used_bytes)) {
        return NULL;
    }
    MrArenaChunk *chunk = aligned_alloc(ARENA_ALIGN, bytes);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->older = NULL;
    chunk->bytes = bytes;
    arena->used_bytes += bytes;
    ARENA_POISON(chunk_data(chunk), bytes - sizeof *chunk);
    return chunk;
}

static void chunk_destroy(MrArena *arena, MrArenaChunk *chunk)
{
    arena->used_bytes -= chunk->bytes;
    ARENA_UNPOISON(chunk, chunk->bytes);
    free(chunk);
}

static void arena_use_chunk(MrArena *arena, MrArenaChunk *chunk)
{
    arena->next = chunk_data(chunk);
    arena->end = (char *)chunk + chunk->bytes;
}

void mr_arena_init(MrArena *arena, size_t bytes_max)
{
    *arena = (MrArena){ .bytes_max = bytes_max };
}

static void arena_drop_chunks(MrArena *arena)
{
    while (arena->chunks != NULL) {
        MrArenaChunk *older = arena->chunks->older;
        chunk_destroy(arena, arena->chunks);
        arena->chunks = older;
    }
    arena->next = NULL;
    arena->end = NULL;
}

void mr_arena_fini(MrArena *arena)
{
    arena_drop_chunks(arena);
}

/* The size of the one chunk to go on with: all of the last use when that took several chunks, half
 * when the single chunk was less than a quarter full. */
static size_t arena_keep_bytes(const MrArena *arena)
{
    size_t bytes = arena->used_bytes;

    if (arena->chunks->older == NULL) {
        size_t filled = (size_t)(arena->next - (char *)arena->chunks);
        if (bytes / 4 > filled && bytes / 2 >= ARENA_CHUNK_BYTES_MIN) {
            bytes = (bytes / 2) & ~(size_t)(ARENA_ALIGN - 1);
        }
    }
    return bytes < ARENA_KEEP_BYTES_MAX ? bytes : ARENA_KEEP_BYTES_MAX;
}

void mr_arena_reset(MrArena *arena)
{
    if (arena->chunks == NULL) {
        return;
    }
    size_t keep = arena_keep_bytes(arena);
    if (arena->chunks->older == NULL && arena->chunks->bytes == keep) {
        ARENA_POISON(chunk_data(arena->chunks), keep - sizeof(MrArenaChunk));
        arena_use_chunk(arena, arena->chunks);
        return;
    }
    arena_drop_chunks(arena);
    arena->chunks = chunk_create(arena, keep);
    if (arena->chunks != NULL) {
        arena_use_chunk(arena, arena->chunks);
    }
}

/* Doubling keeps the number of chunks logarithmic; near the limit only what is needed is taken. */
static MrArenaChunk *arena_grow(MrArena *arena, size_t need)
{
    size_t doubled = arena->used_bytes;
    if (doubled < ARENA_CHUNK_BYTES_MIN) {
        doubled = ARENA_CHUNK_BYTES_MIN;
    } else if (doubled > ARENA_CHUNK_BYTES_MAX) {
        doubled = ARENA_CHUNK_BYTES_MAX;
    }
    doubled &= ~(size_t)(ARENA_ALIGN - 1);

    MrArenaChunk *chunk = need <= doubled ? chunk_create(arena, doubled) : NULL;
    return chunk != NULL ? chunk : chunk_create(arena, need);
}

static void *arena_alloc_slow(MrArena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t need = (sizeof(MrArenaChunk) + bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    MrArenaChunk *chunk = arena_grow(arena, need);
    if (chunk == NULL) {
        return NULL;
    }
    size_t left = arena->chunks == NULL ? 0 : (size_t)(arena->end - arena->next);
    if (left > chunk->bytes - sizeof *chunk - bytes) {
        /* The current chunk has more room than the new one will have: go on with that. */
        chunk->older = arena->chunks->older;
        arena->chunks->older = chunk;
        ARENA_UNPOISON(chunk_data(chunk), bytes);
        return chunk_data(chunk);
    }
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena_use_chunk(arena, chunk);
    arena->next += bytes;
    ARENA_UNPOISON(chunk_data(chunk), bytes);
    return chunk_data(chunk);
}

static void *arena_alloc(MrArena *arena, size_t bytes, size_t align)
{
    if (arena->chunks != NULL) {
        size_t pad = (size_t)(-(uintptr_t)arena->next & (align - 1));
        size_t left = (size_t)(arena->end - arena->next);
        if (pad <= left && bytes <= left - pad) {
            char *start = arena->next + pad;
            arena->next = start + bytes;
            ARENA_UNPOISON(start, bytes);
            return start;
        }
    }
    return arena_alloc_slow(arena, bytes);
}

void *mr_arena_alloc(MrArena *arena, size_t bytes)
{
    return arena_alloc(arena, bytes, 16);
}

void *mr_arena_alloc_aligned(MrArena *arena, size_t bytes)
{
    return arena_alloc(arena, bytes, ARENA_ALIGN);
}

void *mr_arena_calloc(MrArena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    void *memory = mr_arena_alloc(arena, bytes);
    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

void *mr_arena_grow(MrArena *arena, const void *items, size_t count, size_t size,
                    uint32_t *capacity)
{
    if (count > UINT32_MAX / 2) {
        return NULL;
    }
    uint32_t larger_count = count == 0 ? 8 : (uint32_t)count * 2;
    void *larger = mr_arena_calloc(arena, larger_count, size);
    if (larger != NULL) {
        if (count > 0) {
            memcpy(larger, items, count * size);
        }
        *capacity = larger_count;
    }
    return larger;
}

char *mr_arena_strndup(MrArena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX) {
        return NULL;
    }
    char *copy = arena_alloc(arena, length + 1, 1);
    if (copy != NULL) {
        if (length > 0) {
            memcpy(copy, text, length);
        }
        copy[length] = '\0';
    }
    return copy;
}

char *mr_arena_strdup(MrArena *arena, const char *text)
{
    return mr_arena_strndup(arena, text, strlen(text));
}

char *mr_arena_printf(MrArena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        return NULL;
    }
    char *text = arena_alloc(arena, (size_t)length + 1, 1);
    if (text != NULL) {
        va_start(args, format);
        vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    return text;
}
