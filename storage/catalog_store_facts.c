/*
 * storage/catalog_store_facts.c - what changes without DDL: states, generations, secrets, roles.
 */
#include <string.h>

#include "storage/catalog_store_internal.h"

/* Runs an UPDATE that must meet the object. */
static MrStatus update_run(MrCatalogStore *store, sqlite3_stmt *statement, uint32_t id,
                           MrError *err)
{
    MR_TRY(catalog_run(store, statement, err));
    return sqlite3_changes(store->db) == 1
               ? MR_OK
               : mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "the catalogue has no object %u", id);
}

MrStatus mr_catalog_store_set_state(MrCatalogStore *store, uint32_t id, const char *state,
                                    const char *reason, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "UPDATE objects SET state = ?2, state_reason = ?3 WHERE id = ?1",
                           &statement, err));
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_text(statement, 2, state, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, reason == NULL ? "" : reason, -1, SQLITE_STATIC);
    return update_run(store, statement, id, err);
}

MrStatus mr_catalog_store_set_owner(MrCatalogStore *store, uint32_t id, int64_t generation,
                                    const uint8_t nonce[16], MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store,
                           "UPDATE objects SET generation = ?2, owner_nonce = ?3 WHERE id = ?1",
                           &statement, err));
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, generation);
    sqlite3_bind_blob(statement, 3, nonce, 16, SQLITE_STATIC);
    return update_run(store, statement, id, err);
}

MrStatus mr_catalog_store_set_options(MrCatalogStore *store, uint32_t id, const char *options,
                                      MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(
        catalog_prepare(store, "UPDATE objects SET options = ?2 WHERE id = ?1", &statement, err));
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_text(statement, 2, options == NULL ? "" : options, -1, SQLITE_STATIC);
    return update_run(store, statement, id, err);
}

MrStatus mr_catalog_store_alter(MrCatalogStore *store, uint32_t id, const char *name,
                                const char *sql, const char *settings, MrError *err)
{
    sqlite3_stmt *statement;
    const char *texts[] = { name, sql, settings };
    MR_TRY(catalog_prepare(store,
                           "UPDATE objects SET name = coalesce(?2, name), sql = coalesce(?3, sql),"
                           " settings = coalesce(?4, settings) WHERE id = ?1",
                           &statement, err));
    sqlite3_bind_int64(statement, 1, id);
    for (int i = 0; i < 3; i++) {
        if (texts[i] != NULL) {
            sqlite3_bind_text(statement, 2 + i, texts[i], -1, SQLITE_STATIC);
        }
    }
    return update_run(store, statement, id, err);
}

/* ---- secrets ----------------------------------------------------------------------------- */

MrStatus mr_catalog_store_put_secret(MrCatalogStore *store, const char *name, MrString value,
                                     MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(
        store, "INSERT INTO secrets VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2",
        &statement, err));
    store->had_secret = true; /* the one before */
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (value.length == 0) {
        sqlite3_bind_zeroblob(statement, 2, 0);
    } else {
        sqlite3_bind_blob64(statement, 2, value.data, value.length, SQLITE_STATIC);
    }
    return catalog_run(store, statement, err);
}

MrStatus mr_catalog_store_remove_secret(MrCatalogStore *store, const char *name, bool *found,
                                        MrError *err)
{
    sqlite3_stmt *statement;
    *found = false;
    MR_TRY(catalog_prepare(store, "DELETE FROM secrets WHERE name = ?1", &statement, err));
    store->had_secret = true;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    MR_TRY(catalog_run(store, statement, err));
    *found = sqlite3_changes(store->db) == 1;
    return MR_OK;
}

MrStatus mr_catalog_store_secret(MrCatalogStore *store, const char *name, MrBuilder *value,
                                 bool *found, MrError *err)
{
    sqlite3_stmt *statement;
    *found = false;
    mr_builder_clear(value);
    MR_TRY(catalog_prepare(store, "SELECT value FROM secrets WHERE name = ?1", &statement, err));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    MrStatus status = MR_OK;
    if (code == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(statement, 0);
        int bytes = sqlite3_column_bytes(statement, 0);
        if (bytes > 0 && blob != NULL) {
            mr_builder_append(value, blob, (size_t)bytes);
        }
        *found = true;
        status = value->failed ? mr_error_no_memory(err) : MR_OK;
    } else if (code != SQLITE_DONE) {
        status = catalog_error(store, "read", err);
    }
    sqlite3_finalize(statement);
    return status;
}

MrStatus mr_catalog_store_each_secret(MrCatalogStore *store,
                                      MrStatus (*each)(void *context, const char *name,
                                                       MrError *err),
                                      void *context, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "SELECT name FROM secrets ORDER BY name", &statement, err));
    MrStatus status = MR_OK;
    int code = SQLITE_DONE;
    while (status == MR_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        status = each(context, (const char *)sqlite3_column_text(statement, 0), err);
    }
    if (status == MR_OK && code != SQLITE_DONE) {
        status = catalog_error(store, "read", err);
    }
    sqlite3_finalize(statement);
    return status;
}

/* ---- roles ------------------------------------------------------------------------------- */

MrStatus mr_catalog_store_put_role(MrCatalogStore *store, const MrCatalogRole *role, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store,
                           "INSERT INTO roles VALUES(?1, ?2, ?3)"
                           " ON CONFLICT(name) DO UPDATE SET can_login = ?2, verifier = ?3",
                           &statement, err));
    store->had_secret = true; /* the verifier before */
    sqlite3_bind_text(statement, 1, role->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 2, role->can_login);
    sqlite3_bind_text(statement, 3, role->verifier, -1, SQLITE_STATIC);
    return catalog_run(store, statement, err);
}

MrStatus mr_catalog_store_remove_role(MrCatalogStore *store, const char *name, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "DELETE FROM roles WHERE name = ?1", &statement, err));
    store->had_secret = true;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    return catalog_run(store, statement, err);
}

MrStatus mr_catalog_store_each_role(MrCatalogStore *store,
                                    MrStatus (*each)(void *context, const MrCatalogRole *role,
                                                     MrError *err),
                                    void *context, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "SELECT name, can_login, verifier FROM roles ORDER BY name",
                           &statement, err));
    MrStatus status = MR_OK;
    int code = SQLITE_DONE;
    while (status == MR_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        MrCatalogRole role = { .name = (const char *)sqlite3_column_text(statement, 0),
                               .can_login = sqlite3_column_int(statement, 1) != 0,
                               .verifier = (const char *)sqlite3_column_text(statement, 2) };
        status = role.name == NULL || role.verifier == NULL ? mr_error_no_memory(err)
                                                            : each(context, &role, err);
    }
    if (status == MR_OK && code != SQLITE_DONE) {
        status = catalog_error(store, "read", err);
    }
    sqlite3_finalize(statement);
    return status;
}

MrStatus mr_catalog_store_login_key(MrCatalogStore *store, uint8_t out[32], MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "SELECT key FROM login", &statement, err));
    MrStatus status = MR_OK;
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == 32) {
        memcpy(out, sqlite3_column_blob(statement, 0), 32);
    } else {
        status = catalog_error(store, "read", err);
    }
    sqlite3_finalize(statement);
    return status;
}
