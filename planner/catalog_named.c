/*
 * planner/catalog_named.c - what a catalogue has beside relations: connections, secrets and
 * functions in SQL, each found by its name in a short list.  Must not know files or the server.
 */
#include "planner/catalog_copy.h"
#include "planner/catalog_internal.h"

#include <string.h>

/* ---- Connections ------------------------------------------------------------------------- */

static int64_t connection_index(const MrCatalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->connections.count; i++) {
        if (strcmp(catalog->connections.items[i]->connection.name, name) == 0) {
            return i;
        }
    }
    return -1;
}

MrStatus mr_catalog_add_connection(MrCatalog *catalog, const MrConnection *connection, MrError *err)
{
    if (connection_index(catalog, connection->name) >= 0) {
        return mr_error_set(err, MR_ERR_DUPLICATE_OBJECT, "connection \"%s\" already exists",
                            connection->name);
    }
    MrCatalogObject *object = mr_catalog_object_create();
    if (object == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status =
        mr_catalog_copy_connection(&object->arena, connection, &object->connection, err);
    if (status == MR_OK) {
        status = mr_catalog_list_push(&catalog->connections, object, err);
    }
    if (status != MR_OK) {
        mr_catalog_object_unref(object);
    }
    return status;
}

MrStatus mr_catalog_remove_connection(MrCatalog *catalog, const char *name, MrError *err)
{
    int64_t found = connection_index(catalog, name);
    if (found < 0) {
        return mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "connection \"%s\" does not exist", name);
    }
    mr_catalog_list_remove(&catalog->connections, (uint32_t)found);
    return MR_OK;
}

const MrConnection *mr_catalog_connection(const MrCatalog *catalog, const char *name)
{
    int64_t found = connection_index(catalog, name);
    return found < 0 ? NULL : &catalog->connections.items[found]->connection;
}
uint32_t mr_catalog_connection_count(const MrCatalog *catalog)
{
    return catalog->connections.count;
}

const MrConnection *mr_catalog_connection_at(const MrCatalog *catalog, uint32_t index)
{
    return &catalog->connections.items[index]->connection;
}
/* ---- Secrets ----------------------------------------------------------------------------- */

static int64_t secret_index(const MrCatalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->secrets.count; i++) {
        if (strcmp(catalog->secrets.items[i]->secret, name) == 0) {
            return i;
        }
    }
    return -1;
}

MrStatus mr_catalog_add_secret(MrCatalog *catalog, const char *name, MrError *err)
{
    if (secret_index(catalog, name) >= 0) {
        return mr_error_set(err, MR_ERR_DUPLICATE_OBJECT, "secret \"%s\" already exists", name);
    }
    MrCatalogObject *object = mr_catalog_object_create();
    if (object == NULL) {
        return mr_error_no_memory(err);
    }
    object->secret = mr_arena_strdup(&object->arena, name);
    MrStatus status = object->secret == NULL ? mr_error_no_memory(err)
                                             : mr_catalog_list_push(&catalog->secrets, object, err);
    if (status != MR_OK) {
        mr_catalog_object_unref(object);
    }
    return status;
}

MrStatus mr_catalog_remove_secret(MrCatalog *catalog, const char *name, MrError *err)
{
    int64_t found = secret_index(catalog, name);
    if (found < 0) {
        return mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "secret \"%s\" does not exist", name);
    }
    mr_catalog_list_remove(&catalog->secrets, (uint32_t)found);
    return MR_OK;
}

bool mr_catalog_has_secret(const MrCatalog *catalog, const char *name)
{
    return secret_index(catalog, name) >= 0;
}
/* ---- Functions in SQL -------------------------------------------------------------------- */

static int64_t function_index(const MrCatalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->functions.count; i++) {
        if (strcmp(catalog->functions.items[i]->function.name, name) == 0) {
            return i;
        }
    }
    return -1;
}

MrStatus mr_catalog_add_function(MrCatalog *catalog, const MrSqlFunction *function, MrError *err)
{
    if (function_index(catalog, function->name) >= 0) {
        return mr_error_set(err, MR_ERR_DUPLICATE_FUNCTION, "function \"%s\" already exists",
                            function->name);
    }
    MrCatalogObject *object = mr_catalog_object_create();
    if (object == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_catalog_copy_function(&object->arena, function, &object->function, err);
    if (status == MR_OK) {
        status = mr_catalog_list_push(&catalog->functions, object, err);
    }
    if (status != MR_OK) {
        mr_catalog_object_unref(object);
    }
    return status;
}

MrStatus mr_catalog_remove_function(MrCatalog *catalog, const char *name, MrError *err)
{
    const int64_t found = function_index(catalog, name);
    if (found < 0) {
        return mr_error_set(err, MR_ERR_UNDEFINED_FUNCTION, "function %s() does not exist", name);
    }
    mr_catalog_list_remove(&catalog->functions, (uint32_t)found);
    return MR_OK;
}

const MrSqlFunction *mr_catalog_function(const MrCatalog *catalog, const char *name)
{
    const int64_t found = function_index(catalog, name);
    return found < 0 ? NULL : &catalog->functions.items[found]->function;
}

uint32_t mr_catalog_function_count(const MrCatalog *catalog)
{
    return catalog->functions.count;
}

const MrSqlFunction *mr_catalog_function_at(const MrCatalog *catalog, uint32_t index)
{
    return &catalog->functions.items[index]->function;
}
