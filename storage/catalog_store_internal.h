/*
 * storage/catalog_store_internal.h - what catalog_store.c and catalog_store_facts.c share.
 */
#ifndef MR_STORAGE_CATALOG_STORE_INTERNAL_H
#define MR_STORAGE_CATALOG_STORE_INTERNAL_H

#include <sqlite3.h>

#include "storage/catalog_store.h"

struct MrCatalogStore {
    sqlite3 *db;
    char *path;
    uint64_t applied;
    uint32_t next_id;
    uint64_t pending; /* DDL record being applied */
    uint32_t pending_next_id;
    bool is_failed;  /* a sync failed: no more writes */
    bool had_secret; /* the write-ahead log may hold one that is not there any more */
    int wal_pages;   /* in the write-ahead log */
};

MrStatus catalog_error(MrCatalogStore *store, const char *what, MrError *err);
MrStatus catalog_exec(MrCatalogStore *store, const char *sql, const char *what, MrError *err);
MrStatus catalog_prepare(MrCatalogStore *store, const char *sql, sqlite3_stmt **out, MrError *err);
/* MR_ERR_IO when the file must not be written any more. */
MrStatus catalog_trust(const MrCatalogStore *store, MrError *err);
/* Runs a statement that gives no rows, and frees it. */
MrStatus catalog_run(MrCatalogStore *store, sqlite3_stmt *statement, MrError *err);

#endif
