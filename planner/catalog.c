/*
 * planner/catalog.c - snapshots of names: arrays of shared objects and a hash index over them.
 * An object is copied once, into an arena of its own, and then shared by every version that has it.
 * Must not know files or the server.
 */
#include "planner/catalog.h"

#include "common/hash.h"
#include "parser/parser.h"
#include "parser/print.h"
#include "planner/catalog_copy.h"
#include "planner/catalog_internal.h"
#include "planner/nearest.h"
#include "planner/planner.h"

#include <stdlib.h>
#include <string.h>

/* Virtual relations have numbers below those of users' objects, above PostgreSQL's own. */
enum { CATALOG_FIRST_VIRTUAL_OID = 14000 };

/* ---- Objects ----------------------------------------------------------------------------- */

MrCatalogObject *mr_catalog_object_create(void)
{
    MrCatalogObject *object = calloc(1, sizeof *object);
    if (object != NULL) {
        atomic_init(&object->references, 1);
        mr_arena_init(&object->arena, 0);
    }
    return object;
}

void mr_catalog_object_unref(MrCatalogObject *object)
{
    if (object != NULL && atomic_fetch_sub(&object->references, 1) == 1) {
        mr_arena_fini(&object->arena);
        free(object);
    }
}

static MrStatus list_reserve(MrCatalogList *list, uint32_t count, MrError *err)
{
    if (count > list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        capacity = count > capacity ? count : capacity;
        MrCatalogObject **items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL) {
            return mr_error_no_memory(err);
        }
        list->items = items;
        list->capacity = capacity;
    }
    return MR_OK;
}

MrStatus mr_catalog_list_push(MrCatalogList *list, MrCatalogObject *object, MrError *err)
{
    MR_TRY(list_reserve(list, list->count + 1, err));
    list->items[list->count++] = object;
    return MR_OK;
}

/* Into a list that is empty, with room for one more: a clone is made to be changed. */
static MrStatus list_share(const MrCatalogList *from, MrCatalogList *to, MrError *err)
{
    MR_TRY(list_reserve(to, from->count + 1, err));
    for (uint32_t i = 0; i < from->count; i++) {
        to->items[i] = from->items[i];
        atomic_fetch_add_explicit(&from->items[i]->references, 1, memory_order_relaxed);
    }
    to->count = from->count;
    return MR_OK;
}

void mr_catalog_list_remove(MrCatalogList *list, uint32_t index)
{
    mr_catalog_object_unref(list->items[index]);
    memmove(list->items + index, list->items + index + 1,
            (list->count - index - 1) * sizeof *list->items);
    list->count--;
}

static void list_fini(MrCatalogList *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        mr_catalog_object_unref(list->items[i]);
    }
    free(list->items);
}

/* ---- The index --------------------------------------------------------------------------- */

static void index_insert(MrCatalog *catalog, uint32_t relation)
{
    const char *name = catalog->relations.items[relation]->relation.name;
    uint32_t mask = catalog->slot_count - 1;
    uint32_t slot = (uint32_t)mr_hash_bytes(name, strlen(name)) & mask;
    while (catalog->slots[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    catalog->slots[slot] = relation + 1;
}

/* DDL is rare and reads are many: the index is made anew whenever its entries change place. */
static MrStatus index_rebuild(MrCatalog *catalog, MrError *err)
{
    uint32_t slot_count = 32;
    while (slot_count < (catalog->relations.count + 1) * 2) {
        slot_count *= 2;
    }
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL) {
        return mr_error_no_memory(err);
    }
    free(catalog->slots);
    catalog->slots = slots;
    catalog->slot_count = slot_count;
    for (uint32_t i = 0; i < catalog->relations.count; i++) {
        index_insert(catalog, i);
    }
    return MR_OK;
}

/* A clone has the same relations at the same places. */
static MrStatus index_share(const MrCatalog *catalog, MrCatalog *clone, MrError *err)
{
    uint32_t *slots = malloc(catalog->slot_count * sizeof *slots);
    if (slots == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(slots, catalog->slots, catalog->slot_count * sizeof *slots);
    free(clone->slots);
    clone->slots = slots;
    clone->slot_count = catalog->slot_count;
    return MR_OK;
}

static int64_t index_find(const MrCatalog *catalog, const char *schema_name, const char *name)
{
    uint32_t mask = catalog->slot_count - 1;
    uint32_t slot = (uint32_t)mr_hash_bytes(name, strlen(name)) & mask;
    for (; catalog->slots[slot] != 0; slot = (slot + 1) & mask) {
        const MrRelation *relation = &catalog->relations.items[catalog->slots[slot] - 1]->relation;
        if (strcmp(relation->name, name) == 0 && strcmp(relation->schema_name, schema_name) == 0) {
            return catalog->slots[slot] - 1;
        }
    }
    return -1;
}

/* ---- Versions ---------------------------------------------------------------------------- */

static MrStatus catalog_new(MrCatalog **out, MrError *err)
{
    MrCatalog *catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL) {
        return mr_error_no_memory(err);
    }
    atomic_init(&catalog->references, 1);
    MrStatus status = index_rebuild(catalog, err);
    if (status != MR_OK) {
        free(catalog);
        return status;
    }
    *out = catalog;
    return MR_OK;
}

MrStatus mr_catalog_create(MrCatalog **out, MrError *err)
{
    MrCatalog *catalog;
    MR_TRY(catalog_new(&catalog, err));
    MrConnection main = { .name = "main", .sink_class = "sqlite", .location = "main.db" };
    MrStatus status = mr_catalog_add_connection(catalog, &main, err);
    if (status != MR_OK) {
        mr_catalog_unref(catalog);
        return status;
    }
    *out = catalog;
    return MR_OK;
}

MrCatalog *mr_catalog_ref(MrCatalog *catalog)
{
    atomic_fetch_add(&catalog->references, 1);
    return catalog;
}

void mr_catalog_unref(MrCatalog *catalog)
{
    if (catalog == NULL || atomic_fetch_sub(&catalog->references, 1) != 1) {
        return;
    }
    list_fini(&catalog->relations);
    list_fini(&catalog->connections);
    list_fini(&catalog->secrets);
    list_fini(&catalog->functions);
    free(catalog->slots);
    free(catalog);
}

MrStatus mr_catalog_clone(const MrCatalog *catalog, MrCatalog **out, MrError *err)
{
    MrCatalog *clone;
    MR_TRY(catalog_new(&clone, err));
    clone->virtual_count = catalog->virtual_count;
    MrStatus status = list_share(&catalog->relations, &clone->relations, err);
    if (status == MR_OK) {
        status = list_share(&catalog->connections, &clone->connections, err);
    }
    if (status == MR_OK) {
        status = list_share(&catalog->secrets, &clone->secrets, err);
    }
    if (status == MR_OK) {
        status = list_share(&catalog->functions, &clone->functions, err);
    }
    if (status == MR_OK) {
        status = index_share(catalog, clone, err);
    }
    if (status != MR_OK) {
        mr_catalog_unref(clone);
        return status;
    }
    *out = clone;
    return MR_OK;
}

/* ---- Changes ----------------------------------------------------------------------------- */

MrStatus mr_catalog_add_relation(MrCatalog *catalog, const MrRelation *relation, MrError *err)
{
    const char *schema_name = relation->schema_name != NULL ? relation->schema_name : "public";
    if (index_find(catalog, schema_name, relation->name) >= 0) {
        return mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists",
                            relation->name);
    }
    MrCatalogObject *object = mr_catalog_object_create();
    if (object == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_catalog_copy_relation(&object->arena, relation, &object->relation, err);
    if (status == MR_OK) {
        status = mr_catalog_list_push(&catalog->relations, object, err);
    }
    if (status != MR_OK) {
        mr_catalog_object_unref(object);
        return status;
    }
    if (catalog->slot_count < catalog->relations.count * 2) {
        status = index_rebuild(catalog, err);
        if (status != MR_OK) {
            mr_catalog_list_remove(&catalog->relations, catalog->relations.count - 1);
        }
        return status;
    }
    index_insert(catalog, catalog->relations.count - 1);
    return MR_OK;
}

MrStatus mr_catalog_remove_relation(MrCatalog *catalog, const char *schema_name, const char *name,
                                    MrError *err)
{
    int64_t found = index_find(catalog, schema_name != NULL ? schema_name : "public", name);
    if (found < 0) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
    }
    mr_catalog_list_remove(&catalog->relations, (uint32_t)found);
    return index_rebuild(catalog, err);
}

MrStatus mr_catalog_register_virtual(MrCatalog *catalog, uint32_t oid, const char *schema_name,
                                     const char *name, const MrSchema *schema, MrError *err)
{
    MrRelation relation = {
        .kind = MR_RELATION_VIRTUAL,
        .oid = oid != 0 ? oid : CATALOG_FIRST_VIRTUAL_OID + catalog->virtual_count,
        .schema_name = schema_name,
        .name = name,
        .schema = *schema,
    };
    MR_TRY(mr_catalog_add_relation(catalog, &relation, err));
    catalog->virtual_count++;
    return MR_OK;
}

/* ---- Look-up ----------------------------------------------------------------------------- */

bool mr_column_is_dropped(const MrColumn *column)
{
    return column->name != NULL &&
           strncmp(column->name, MR_DROPPED_PREFIX, sizeof MR_DROPPED_PREFIX - 1) == 0;
}

MrStatus mr_column_check_name(const char *name, int32_t position, MrError *err)
{
    const MrColumn column = { .name = name };
    if (!mr_column_is_dropped(&column)) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_RESERVED_NAME, "column name \"%s\" is reserved for dropped columns",
                 name);
    mr_error_hint(err, "Give it a name that does not begin with \"" MR_DROPPED_PREFIX "\".");
    return mr_error_at(err, position);
}

const char *mr_relation_column_comment(const MrRelation *relation, const char *column)
{
    for (uint32_t i = 0; i < relation->column_comment_count; i++) {
        if (strcmp(relation->column_comments[i].column, column) == 0) {
            return relation->column_comments[i].text;
        }
    }
    return NULL;
}

const MrRelation *mr_catalog_find(const MrCatalog *catalog, const char *schema_name,
                                  const char *name)
{
    int64_t found = index_find(catalog, schema_name != NULL ? schema_name : "pg_catalog", name);
    if (found < 0 && schema_name == NULL) {
        found = index_find(catalog, "public", name);
    }
    return found < 0 ? NULL : &catalog->relations.items[found]->relation;
}

/* Indexes are asked for by name when they are made and dropped, which is rare. */
const MrIndexDef *mr_catalog_index(const MrCatalog *catalog, const char *name,
                                   const MrRelation **of)
{
    for (uint32_t r = 0; r < catalog->relations.count; r++) {
        const MrRelation *relation = &catalog->relations.items[r]->relation;
        for (uint32_t i = 0; i < relation->index_count; i++) {
            if (strcmp(relation->indexes[i].name, name) == 0) {
                *of = relation;
                return &relation->indexes[i];
            }
        }
    }
    return NULL;
}

static bool text_is(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* "conn.name" and "conn.schema.name": a standing query by the place of its result table. */
static const MrRelation *find_in_connection(const MrCatalog *catalog, const char *connection,
                                            const char *schema_name, const char *name)
{
    const MrRelation *relation = mr_catalog_find(catalog, "public", name);
    if (relation == NULL || relation->kind != MR_RELATION_QUERY || relation->standing == NULL ||
        !text_is(relation->standing->connection, connection)) {
        return NULL;
    }
    if (schema_name != NULL && !text_is(relation->standing->schema_name, schema_name)) {
        return NULL;
    }
    return relation;
}

static MrStatus unknown_relation(const MrCatalog *catalog, const MrName *name, MrError *err)
{
    MrNearest nearest;
    mr_nearest_init(&nearest, name->name);
    for (uint32_t i = 0; i < catalog->relations.count; i++) {
        const MrRelation *relation = &catalog->relations.items[i]->relation;
        const char *schema_name = name->schema != NULL ? name->schema : "public";
        if (strcmp(relation->schema_name, schema_name) == 0) {
            mr_nearest_offer(&nearest, mr_string(relation->name));
        }
    }
    mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s%s%s%s%s\" does not exist",
                 name->connection != NULL ? name->connection : "",
                 name->connection != NULL ? "." : "", name->schema != NULL ? name->schema : "",
                 name->schema != NULL ? "." : "", name->name);
    mr_error_at(err, name->position);
    if (name->hidden) {
        return mr_error_hint(err, "It is in a schema that search_path does not name.");
    }
    mr_nearest_hint(&nearest, err);
    return MR_ERR_UNDEFINED_TABLE;
}

const MrRelation *mr_catalog_look_up(const MrCatalog *catalog, const MrName *name)
{
    if (name->hidden) {
        return NULL;
    }
    if (name->connection != NULL) {
        return find_in_connection(catalog, name->connection, name->schema, name->name);
    }
    const MrRelation *found = mr_catalog_find(catalog, name->schema, name->name);
    return found == NULL && name->schema != NULL
               ? find_in_connection(catalog, name->schema, NULL, name->name)
               : found;
}

MrStatus mr_catalog_resolve(const MrCatalog *catalog, const MrName *name, const MrRelation **out,
                            MrError *err)
{
    const MrRelation *found = mr_catalog_look_up(catalog, name);
    if (found == NULL) {
        return unknown_relation(catalog, name, err);
    }
    *out = found;
    return MR_OK;
}

uint32_t mr_catalog_relation_count(const MrCatalog *catalog)
{
    return catalog->relations.count;
}

const MrRelation *mr_catalog_relation(const MrCatalog *catalog, uint32_t index)
{
    return &catalog->relations.items[index]->relation;
}

/* ---- Dependents -------------------------------------------------------------------------- */

typedef struct Reader {
    const MrCatalog *catalog;
    const MrRelation *wanted;
    bool reads;
} Reader;

static bool reader_visit(MrNode *node, void *context)
{
    Reader *reader = context;
    if (node->kind == MR_AST_FROM_TABLE) {
        const MrRelation *found = NULL;
        if (mr_catalog_resolve(reader->catalog, &MR_AST_AS(MrAstFromTable, node)->name, &found,
                               NULL) == MR_OK &&
            found == reader->wanted) {
            reader->reads = true;
            return false;
        }
    }
    return mr_ast_visit_children(node, reader_visit, reader);
}

MrStatus mr_catalog_dependents(const MrCatalog *catalog, const MrRelation *relation, MrArena *arena,
                               const MrRelation *const **out, uint32_t *count, MrError *err)
{
    const MrRelation **found;
    MR_NEW_ARRAY(arena, found, catalog->relations.count + 1, err);
    *count = 0;
    for (uint32_t i = 0; i < catalog->relations.count; i++) {
        const MrRelation *other = &catalog->relations.items[i]->relation;
        Reader reader = { .catalog = catalog, .wanted = relation };
        if (other->query != NULL && other != relation) {
            mr_ast_visit_children(&other->query->base, reader_visit, &reader);
        }
        if (reader.reads) {
            found[(*count)++] = other;
        }
    }
    *out = found;
    return MR_OK;
}
