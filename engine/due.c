/*
 * engine/due.c - binary heaps by W: see due.h.
 */
#include "engine/due.h"

#include <stdlib.h>
#include <string.h>

/* Room for one more; `items` is the address of an array. */
static MrStatus reserve_one(void *items, uint32_t count, uint32_t *capacity, size_t size,
                            MrMemory *memory, MrError *err)
{
    void *old;
    if (count < *capacity) {
        return MR_OK;
    }
    uint32_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    int64_t more = (int64_t)((wanted - *capacity) * size);
    MR_TRY(mr_memory_charge(memory, more, err));
    memcpy(&old, items, sizeof old);
    void *wider = realloc(old, wanted * size);
    if (wider == NULL) {
        (void)mr_memory_charge(memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    memcpy(items, &wider, sizeof wider);
    *capacity = wanted;
    return MR_OK;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

MrStatus mr_due_queue_add(MrDueQueue *queue, int64_t due_us, uint32_t number, MrMemory *memory,
                          MrError *err)
{
    MR_TRY(reserve_one(&queue->items, queue->count, &queue->capacity, sizeof *queue->items, memory,
                       err));
    MrDue *items = queue->items;
    uint32_t at = queue->count++;
    while (at > 0 && items[(at - 1) / 2].due_us > due_us) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    items[at] = (MrDue){ .due_us = due_us, .number = number };
    return MR_OK;
}

MrDue mr_due_queue_take(MrDueQueue *queue)
{
    MrDue *items = queue->items;
    MrDue first = items[0], last = items[--queue->count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < queue->count; child = at * 2 + 1) {
        child += child + 1 < queue->count && items[child + 1].due_us < items[child].due_us;
        if (items[child].due_us >= last.due_us) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = last;
    return first;
}

int64_t mr_due_queue_bytes(const MrDueQueue *queue)
{
    return (int64_t)(queue->capacity * sizeof *queue->items);
}

void mr_due_queue_fini(MrDueQueue *queue, MrMemory *memory)
{
    (void)mr_memory_charge(memory, -mr_due_queue_bytes(queue), NULL);
    free(queue->items);
    *queue = (MrDueQueue){ 0 };
}

/* ---- Entries --------------------------------------------------------------------------------- */

static void place(MrDueHeap *heap, uint32_t at, MrDueEntry *entry)
{
    heap->entries[at] = entry;
    entry->place = at;
}

static void move_up(MrDueHeap *heap, uint32_t at)
{
    MrDueEntry *entry = heap->entries[at];
    while (at > 0 && heap->entries[(at - 1) / 2]->due_us > entry->due_us) {
        place(heap, at, heap->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(heap, at, entry);
}

static void move_down(MrDueHeap *heap, uint32_t at)
{
    MrDueEntry *entry = heap->entries[at];
    for (uint32_t child = at * 2 + 1; child < heap->count; child = at * 2 + 1) {
        child += child + 1 < heap->count &&
                 heap->entries[child + 1]->due_us < heap->entries[child]->due_us;
        if (heap->entries[child]->due_us >= entry->due_us) {
            break;
        }
        place(heap, at, heap->entries[child]);
        at = child;
    }
    place(heap, at, entry);
}

/* The entry there goes to where it belongs. */
static void settle(MrDueHeap *heap, uint32_t at)
{
    MrDueEntry *entry = heap->entries[at];
    move_down(heap, at);
    move_up(heap, entry->place);
}

static void take_out(MrDueHeap *heap, MrDueEntry *entry)
{
    const uint32_t at = entry->place;
    entry->due_us = MR_TIME_MAX;
    heap->count--;
    if (at < heap->count) {
        place(heap, at, heap->entries[heap->count]);
        settle(heap, at);
    }
}

MrStatus mr_due_heap_set(MrDueHeap *heap, MrDueEntry *entry, int64_t due_us, MrMemory *memory,
                         MrError *err)
{
    const bool waits = entry->due_us < MR_TIME_MAX;
    if (due_us == MR_TIME_MAX) {
        if (waits) {
            take_out(heap, entry);
        }
        return MR_OK;
    }
    if (!waits) {
        MR_TRY(reserve_one(&heap->entries, heap->count, &heap->capacity, sizeof *heap->entries,
                           memory, err));
        place(heap, heap->count++, entry);
    }
    entry->due_us = due_us;
    settle(heap, entry->place);
    return MR_OK;
}

MrDueEntry *mr_due_heap_take(MrDueHeap *heap, int64_t until_us)
{
    if (heap->count == 0 || heap->entries[0]->due_us > until_us) {
        return NULL;
    }
    MrDueEntry *first = heap->entries[0];
    take_out(heap, first);
    return first;
}

void mr_due_heap_fini(MrDueHeap *heap, MrMemory *memory)
{
    (void)mr_memory_charge(memory, -(int64_t)(heap->capacity * sizeof *heap->entries), NULL);
    free(heap->entries);
    *heap = (MrDueHeap){ 0 };
}
