/*
 * engine/due.h - what waits for a watermark, the earliest first: binary heaps of numbers that stay
 * until their time, and of entries that know their place, so that they can be moved or taken out.
 * Which of two that are due at the same W comes first is left open.
 */
#ifndef MR_ENGINE_DUE_H
#define MR_ENGINE_DUE_H

#include "common/datetime.h"
#include "engine/aggregate.h"

/* ---- Numbers ----------------------------------------------------------------------------------
 * A number may stand there more than once, and for what has gone meanwhile: whoever takes the first
 * one asks whether it still counts.  Zeroed: empty. */
typedef struct MrDue {
    int64_t due_us;
    uint32_t number;
} MrDue;

typedef struct MrDueQueue {
    MrDue *items; /* [0]: the earliest */
    uint32_t count, capacity;
} MrDueQueue;

MrStatus mr_due_queue_add(MrDueQueue *queue, int64_t due_us, uint32_t number, MrMemory *memory,
                          MrError *err);
/* Takes the first off; there is one.  An add that follows has room. */
MrDue mr_due_queue_take(MrDueQueue *queue);
static inline bool mr_due_queue_has(const MrDueQueue *queue, int64_t until_us)
{
    return queue->count > 0 && queue->items[0].due_us <= until_us;
}
int64_t mr_due_queue_bytes(const MrDueQueue *queue);
void mr_due_queue_fini(MrDueQueue *queue, MrMemory *memory);

/* ---- Entries ----------------------------------------------------------------------------------
 * An entry is the first member of what waits, which is found by it again. */
typedef struct MrDueEntry {
    int64_t due_us; /* MR_TIME_MAX: waits for nothing */
    uint32_t place; /* while it waits */
} MrDueEntry;
#define MR_DUE_NEVER ((MrDueEntry){ .due_us = MR_TIME_MAX })

typedef struct MrDueHeap {
    MrDueEntry **entries;
    uint32_t count, capacity;
} MrDueHeap;

/* The entry waits for this W from now on; MR_TIME_MAX: for nothing, which cannot fail. */
MrStatus mr_due_heap_set(MrDueHeap *heap, MrDueEntry *entry, int64_t due_us, MrMemory *memory,
                         MrError *err);
/* The earliest entry, which waits for nothing from now on; NULL: none is due at this W. */
MrDueEntry *mr_due_heap_take(MrDueHeap *heap, int64_t until_us);
/* MR_TIME_MAX: nothing waits. */
static inline int64_t mr_due_heap_first_us(const MrDueHeap *heap)
{
    return heap->count > 0 ? heap->entries[0]->due_us : MR_TIME_MAX;
}
void mr_due_heap_fini(MrDueHeap *heap, MrMemory *memory);

#endif
