/*
 * storage/catalog_store.h - what survives of the catalogue: every object's SQL, ids and state, in
 * one small SQLite file (<data>/catalog.db, 0600).  The log's DDL record decides (decisions.md): it
 * is synced first, then applied here in one transaction that also stores its sequence; a record
 * that is missing here is applied again at start.  One thread at a time may use a store.
 * Must not know SQL grammar, plans, sockets or targets.
 */
#ifndef MR_STORAGE_CATALOG_STORE_H
#define MR_STORAGE_CATALOG_STORE_H

#include "common/text.h"

/* Numbers are stored: never change one. */
typedef enum MrCatalogKind {
    MR_CATALOG_STREAM = 1,
    MR_CATALOG_TABLE = 2,
    MR_CATALOG_CONNECTION = 3,
    MR_CATALOG_QUERY = 4, /* materialized view, also a sink query */
    MR_CATALOG_VIEW = 5,
    MR_CATALOG_SOURCE = 6,
    MR_CATALOG_FUNCTION = 7, /* in SQL; its name is "name()" */
} MrCatalogKind;

/* One object.  Texts are borrowed by the store when written, and of the callback's call when read;
 * NULL is written as the empty text, never read. */
typedef struct MrCatalogObject {
    uint32_t id; /* never reused; 1-based; a stream's id in the log */
    MrCatalogKind kind;
    const char *name;     /* unique among objects of all kinds of its namespace (see put) */
    const char *sql;      /* canonical CREATE text, secrets as names only */
    const char *settings; /* of the owner at CREATE, "TimeZone=UTC\n…", form is the caller's */
    const char *options;  /* overrides by ALTER … SET, form is the caller's */
    const char *state;    /* "running", "suspended", "blocked" … */
    const char *state_reason;  /* the error that put it there; "" none */
    uint8_t uuid[16];          /* of a query in its target's progress table; zero: none */
    uint64_t created_sequence; /* of the DDL record that made it */
    uint64_t start_sequence;   /* first sequence a query answers for */
    uint64_t plan_hash;
    int64_t generation;      /* last one stored after an attach to the target */
    uint8_t owner_nonce[16]; /* sent, or about to be sent, with the next attach */
} MrCatalogObject;

typedef struct MrCatalogStore MrCatalogStore;

/* Opens or creates the file.  MR_ERR_UNSUPPORTED for a newer format, MR_ERR_CORRUPT for a file that
 * is not a catalogue. */
MrStatus mr_catalog_store_open(const char *path, MrCatalogStore **out, MrError *err);
void mr_catalog_store_close(MrCatalogStore *store);

/* Sequence of the last DDL record applied (0: none): records above it are applied at start. */
uint64_t mr_catalog_store_applied(const MrCatalogStore *store);
/* The id that the next object should get.  It goes into the DDL record; mr_catalog_store_put moves
 * the counter past every id it sees, and it never goes back. */
uint32_t mr_catalog_store_next_id(const MrCatalogStore *store);

/* Calls `each` for every object in order of id.  The walk ends at the first failure it returns. */
MrStatus mr_catalog_store_each(MrCatalogStore *store,
                               MrStatus (*each)(void *context, const MrCatalogObject *object,
                                                MrError *err),
                               void *context, MrError *err);

/* One DDL record: begin, any number of put/remove/secret calls, commit.  *is_applied true: the
 * record is in already, nothing was begun (the caller skips it).  After a failed call roll back. */
MrStatus mr_catalog_store_begin(MrCatalogStore *store, uint64_t ddl_sequence, bool *is_applied,
                                MrError *err);
/* Inserts, or replaces the object of this id.  MR_ERR_DUPLICATE_OBJECT when another object has the
 * name: connections have a namespace of their own, all other kinds share one. */
MrStatus mr_catalog_store_put(MrCatalogStore *store, const MrCatalogObject *object, MrError *err);
MrStatus mr_catalog_store_remove(MrCatalogStore *store, uint32_t id,
                                 MrError *err); /* missing: fine */
/* New texts for an object that is there (NULL: unchanged). */
MrStatus mr_catalog_store_alter(MrCatalogStore *store, uint32_t id, const char *name,
                                const char *sql, const char *settings, MrError *err);
MrStatus mr_catalog_store_commit(MrCatalogStore *store, MrError *err);
void mr_catalog_store_rollback(MrCatalogStore *store);

/* Facts that are not DDL, each a transaction of its own (or part of an open one); on disk when it
 * returns.  MR_ERR_UNDEFINED_OBJECT when there is no such object. */
MrStatus mr_catalog_store_set_state(MrCatalogStore *store, uint32_t id, const char *state,
                                    const char *reason, MrError *err);
/* Called with a fresh nonce BEFORE it is sent to the target, and with the generation the target
 * gave after the attach. */
MrStatus mr_catalog_store_set_owner(MrCatalogStore *store, uint32_t id, int64_t generation,
                                    const uint8_t nonce[16], MrError *err);
MrStatus mr_catalog_store_set_options(MrCatalogStore *store, uint32_t id, const char *options,
                                      MrError *err);

/* Secrets.  A value leaves only by mr_catalog_store_secret: no listing, error or log line has it.
 * The DDL record holds only the name; the value is put first, in a transaction of its own, so that
 * it never stands in the log.  `value` is filled; clear it (explicit_bzero) after use. */
MrStatus mr_catalog_store_put_secret(MrCatalogStore *store, const char *name, MrString value,
                                     MrError *err);
MrStatus mr_catalog_store_remove_secret(MrCatalogStore *store, const char *name, bool *found,
                                        MrError *err);
MrStatus mr_catalog_store_secret(MrCatalogStore *store, const char *name, MrBuilder *value,
                                 bool *found, MrError *err);
MrStatus mr_catalog_store_each_secret(MrCatalogStore *store,
                                      MrStatus (*each)(void *context, const char *name,
                                                       MrError *err),
                                      void *context, MrError *err);

/* Roles: who may log in, and what checks their password.  Facts of the server, not of the data: no
 * result depends on them, so the log does not know them. */
typedef struct MrCatalogRole {
    const char *name;
    bool can_login;
    const char *verifier; /* as server/scram.h prints it; "" none */
} MrCatalogRole;
MrStatus mr_catalog_store_put_role(MrCatalogStore *store, const MrCatalogRole *role, MrError *err);
MrStatus mr_catalog_store_remove_role(MrCatalogStore *store, const char *name, MrError *err);
MrStatus mr_catalog_store_each_role(MrCatalogStore *store,
                                    MrStatus (*each)(void *context, const MrCatalogRole *role,
                                                     MrError *err),
                                    void *context, MrError *err);
/* 32 bytes by chance, the same for the life of the catalogue. */
MrStatus mr_catalog_store_login_key(MrCatalogStore *store, uint8_t out[32], MrError *err);

#endif
