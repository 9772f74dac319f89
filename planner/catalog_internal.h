/*
 * planner/catalog_internal.h - what a version of the catalogue is made of, shared by catalog*.c
 * only.
 */
#ifndef MR_PLANNER_CATALOG_INTERNAL_H
#define MR_PLANNER_CATALOG_INTERNAL_H

#include "planner/catalog.h"

#include <stdatomic.h>

/* Immutable once it is in a catalogue. */
typedef struct MrCatalogObject {
    atomic_uint_fast32_t references;
    MrArena arena;
    MrRelation relation;
    MrConnection connection;
    MrSqlFunction function;
    const char *secret;
} MrCatalogObject;

typedef struct MrCatalogList {
    MrCatalogObject **items;
    uint32_t count, capacity;
} MrCatalogList;

struct MrCatalog {
    atomic_uint_fast32_t references;
    MrCatalogList relations, connections, secrets, functions;
    uint32_t *slots;     /* relation index + 1 by hash of its name; 0: free */
    uint32_t slot_count; /* power of two, more than twice the relations */
    uint32_t virtual_count;
};

/* An object with one reference and an empty arena; NULL: no memory. */
MrCatalogObject *mr_catalog_object_create(void);
/* Gives a reference back; the last one ends the object. */
void mr_catalog_object_unref(MrCatalogObject *object);
/* Takes the reference, unless it fails. */
MrStatus mr_catalog_list_push(MrCatalogList *list, MrCatalogObject *object, MrError *err);
/* Gives the list's reference back; what follows moves up. */
void mr_catalog_list_remove(MrCatalogList *list, uint32_t index);

#endif
