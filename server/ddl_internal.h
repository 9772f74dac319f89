/*
 * server/ddl_internal.h - shared by ddl*.c: one statement on its way, and the record that decides.
 */
#ifndef MR_SERVER_DDL_INTERNAL_H
#define MR_SERVER_DDL_INTERNAL_H

#include "planner/statistics.h"
#include "server/ddl.h"
#include "server/targets.h"

/* What a DDL record says; stored numbers, never change one. */
typedef enum MrDdlOp {
    MR_DDL_CREATE = 1,
    MR_DDL_DROP = 2,
    MR_DDL_STATE = 3,
    MR_DDL_SECRET = 4,
    MR_DDL_DROP_SECRET = 5,
    MR_DDL_REPLACE = 6,
    MR_DDL_ALTER = 7,
} MrDdlOp;

/* ALTER: what an object is called and how it is written from now on; NULL: as before. */
typedef struct MrDdlChange {
    uint32_t id;
    const char *name, *sql, *settings;
} MrDdlChange;

typedef struct MrDdlRecord {
    MrDdlOp op;
    uint32_t replaced_id;   /* REPLACE: the object that goes */
    MrCatalogObject object; /* DROP, STATE: id (and state) only; SECRET: name only */
    /* ALTER: all objects whose texts change; `object` has id, state and options of the first. */
    const MrDdlChange *changes;
    uint32_t change_count;
} MrDdlRecord;

typedef struct MrDdl MrDdl;
struct MrDdl {
    MrServer *server;
    MrDdlRequest request;
    MrWait *wait;              /* the requester's; NULL once cancelled */
    MrStatementMemory *memory; /* for what is made on the way */
    MrArena *plan_arena;       /* of a standing query: goes to the scheduler */
    MrCatalog *catalog;        /* the version that was planned against */
    MrStatus status;
    MrError err;
    MrDdlRecord record;
    uint64_t record_sequence;
    void (*next)(MrDdl *ddl); /* what follows the job or the record */
    void (*undo)(MrDdl *ddl); /* where the statement fails: takes back what came before; or NULL */
    /* CREATE MATERIALIZED VIEW and DROP of one. */
    MrRelation relation;
    const MrPlan *plan;
    MrStatisticsNotes statistics; /* what the query is planned by */
    bool keeps_statistics;        /* … as before, when it is altered */
    MrSinkTable table;
    MrTargetThread *thread;
    const MrRelation **victims; /* DROP: dependents before what they depend on; ALTER: the one */
    uint32_t victim_count, victim_at;
    bool forces;
    void (*flink_next)(MrDdl *ddl); /* DROP: behind the steps of ddl_flink.c */
    void (*dropped)(MrDdl *ddl);    /* once the victims are gone; NULL: that was all */
    bool cascades; /* ALTER … CASCADE: what could not go on with the new version goes first … */
    const MrRelation **cascaded; /* … these: dependents before what they depend on */
    uint32_t cascaded_count;
    const char *state_before;   /* DROP: of the victim, as the catalogue store has it */
    bool was_suspended;         /* ALTER, REFRESH: and is so afterwards */
    const MrRelation *replaced; /* CREATE OR REPLACE: the query that goes */
    MrSinkTable old_table;
    MrDdlRecord replacement; /* the new query's record while others are on their way */
    bool is_refresh;         /* CREATE by the stored text, in the place of what is there */
    bool is_step;            /* of another statement: its failure is noted, and is not that one's */
    const MrNode *step_statement;
    bool is_listed;          /* one of the steps of a statement, which knows all of them */
    bool is_quiet;           /* a later step tells whoever waits */
    MrCatalog *altered;      /* ALTER: the version to publish; owned */
    MrCatalog *before;       /* INDEX: the version before that of `catalog`; owned, or NULL */
    const MrIndexDef *index; /* CREATE, DROP and ALTER INDEX: the one, of victims[0] */
    MrDdl *following;        /* in the queue */
};

/* Who reads an object, and which one directly. */
typedef struct MrDependent {
    const MrRelation *relation, *on;
} MrDependent;
typedef struct MrDependents {
    MrDependent *items;
    uint32_t count;
} MrDependents;

/* Into the queue: behind `after`, or at its end. */
void mr_ddl_enqueue(MrDdl *ddl, MrDdl *after);
/* Ends the statement; the next one of the queue begins. */
void mr_ddl_finish(MrDdl *ddl);
/* Ends it with that status, whose story ddl->err tells. */
void mr_ddl_fail(MrDdl *ddl, MrStatus status);
/* Appends the record, waits until it is on disk, applies it to the store, then calls `next`.  A
 * failure ends the statement. */
void mr_ddl_record(MrDdl *ddl, void (*next)(MrDdl *ddl));
/* Runs `job` on the target's thread, then `next` on the loop's. */
void mr_ddl_on_target(MrDdl *ddl, void (*job)(MrDdl *ddl, MrTarget *target),
                      void (*next)(MrDdl *ddl));
/* Makes a version of the catalogue that `change` has changed the current one. */
MrStatus mr_ddl_publish(MrServer *server,
                        MrStatus (*change)(MrCatalog *next, const void *context, MrError *err),
                        const void *context, MrError *err);
MrStatus mr_ddl_forget_relation(MrCatalog *next, const void *relation, MrError *err);
void mr_ddl_notice(MrDdl *ddl, const char *sqlstate, const char *format, ...) MR_PRINTF(3, 4);
void mr_ddl_notice_hint(MrDdl *ddl, const char *hint, const char *format, ...) MR_PRINTF(3, 4);
/* NOTICEs for the plan's streams of which retention has let rows go. */
void mr_ddl_tell_trimmed(MrDdl *ddl);
MrPlannerContext mr_ddl_context(MrDdl *ddl, MrArena *arena);

/* The statements. */
void mr_ddl_create_stream(MrDdl *ddl);
void mr_ddl_create_connection(MrDdl *ddl);
void mr_ddl_create_secret(MrDdl *ddl);
void mr_ddl_create_view(MrDdl *ddl);
void mr_ddl_create_query(MrDdl *ddl);
void mr_ddl_create_sink(MrDdl *ddl);
/* Goes on from a planned and described CREATE OR REPLACE of a query that is there. */
void mr_ddl_replace_query(MrDdl *ddl);
/* CREATE OR REPLACE of a view that is there: what reads it is made anew. */
void mr_ddl_replace_view(MrDdl *ddl, const MrRelation *old);
/* At start: a swap that a kill interrupted is done again, on the target's thread. */
MrStatus mr_ddl_finish_swap(MrServer *server, const MrCatalogObject *object,
                            const MrRelation *relation, MrError *err);
/* At start: a table that a kill kept from its new name gets it now. */
MrStatus mr_ddl_finish_rename(MrServer *server, const MrCatalogObject *object,
                              const MrRelation *relation, MrError *err);
/* At start: what a kill left of a CREATE OR REPLACE that had not been decided. */
MrStatus mr_ddl_withdraw(MrServer *server, const MrCatalogObject *object,
                         const MrRelation *relation, MrError *err);
/* State of a query that a DROP has decided on, until its table is gone. */
extern const char mr_ddl_dropping[];
/* At start: the DROP that a kill interrupted, in the queue. */
void mr_ddl_queue_drop(MrServer *server, const MrRelation *relation);
MrStatus mr_ddl_find_stored(MrDdl *ddl, const char *name, bool is_connection);
MrStatus mr_ddl_stored_id(MrDdl *ddl, const char *name, bool is_connection, uint32_t *out);
/* What kind of relation DROP, ALTER and COMMENT mean by their object. */
MrRelationKind mr_ddl_relation_kind(MrObjectKind object);
/* CREATE TABLE … APPEND ONLY made a stream, which TABLE means as well. */
bool mr_ddl_is_of_kind(const MrRelation *relation, MrObjectKind object);
/* Plans CREATE MATERIALIZED VIEW or SINK into an arena of its own and describes the relation and
 * its table. */
MrStatus mr_ddl_plan_query(MrDdl *ddl);
/* Makes ddl->table, of the described query, in its target; `next` finds in ddl->status how that
 * went. */
void mr_ddl_make_table(MrDdl *ddl, void (*next)(MrDdl *ddl));
void mr_ddl_start_query(MrDdl *ddl);
void mr_ddl_drop(MrDdl *ddl);
void mr_ddl_create_function(MrDdl *ddl);
void mr_ddl_drop_function(MrDdl *ddl);
/* Functions are stored beside relations, under a name that no relation has; NULL: no memory. */
const char *mr_ddl_stored_function(MrArena *arena, const char *name);
/* In the place of another of its name, if there is one. */
MrStatus mr_ddl_put_function(MrCatalog *next, const MrSqlFunction *function, MrError *err);
void mr_ddl_alter(MrDdl *ddl);
void mr_ddl_comment(MrDdl *ddl);
void mr_ddl_refresh(MrDdl *ddl);
/* A change of objects' texts (ddl_alter.c): a record with room for so many, over a version of the
 * catalogue that mr_ddl_altered publishes once the record is there. */
MrStatus mr_ddl_begin_changes(MrDdl *ddl, uint32_t room, MrDdlChange **out);
/* `name` is what the store knows the object by; the first one is the statement's. */
MrStatus mr_ddl_add_change(MrDdl *ddl, MrDdlChange *changes, const char *name,
                           const MrDdlChange *change);
/* In the altered catalogue `fresh` takes the place of `old`. */
MrStatus mr_ddl_put_in_place(MrDdl *ddl, const MrRelation *old, const MrRelation *fresh);
void mr_ddl_altered(MrDdl *ddl);
/* Another statement's step: the view is made anew by its stored text, right after `ddl` (NULL: at
 * the end of the queue). */
MrDdl *mr_ddl_queue_refresh(MrServer *server, MrDdl *ddl, const char *view);

/* Drops those of ddl->cascaded, then goes on with `next` (ddl_drop.c). */
void mr_ddl_drop_cascaded(MrDdl *ddl, void (*next)(MrDdl *ddl));

/* Whether a relation or an index has the name (ddl_create.c). */
bool mr_ddl_is_relation(const MrDdl *ddl, const char *name);

/* What depends on what (ddl_dependents.c). */
/* All that read the relation, directly or not: each before what it reads.  In ddl's memory. */
MrStatus mr_ddl_dependents(MrDdl *ddl, const MrRelation *relation, MrDependents *out);
/* The error's detail: a line for each of them, the first few. */
void mr_ddl_tell_dependents(MrDdl *ddl, const MrDependents *dependents);
/* Refuses when one of them could not be planned over the catalogue `next`, or would get other
 * columns, or, where `keeps_plans`, another plan than now: its target goes on with what it has.
 * `next` gets their new plans.  A statement that cascades is given a list of those that
 * have to go instead, and `next` is without them. */
MrStatus mr_ddl_check_dependents(MrDdl *ddl, MrCatalog *next, const MrDependents *dependents,
                                 bool keeps_plans, const char *changed);
/* The relation by its text, planned over `next`; *plan_hash (NULL: unasked) is 0 of a view. */
MrStatus mr_ddl_plan_again(MrDdl *ddl, MrCatalog *next, const MrRelation *old, MrRelation *out,
                           uint64_t *plan_hash, MrError *err);
/* How many of them are materialized views. */
uint32_t mr_ddl_count_queries(const MrDependents *dependents);
/* Beside the record's changes those that mark every materialized view among the dependents: should
 * a kill come before they are made anew, the next start does it.  `changes` has room for them. */
MrStatus mr_ddl_mark_stale(MrDdl *ddl, const MrDependents *dependents, MrDdlChange *changes);
bool mr_ddl_is_marked_stale(const char *settings);
/* Ends a statement that replaced the relation: its dependents are made anew before it is told. */
void mr_ddl_finish_rebuilding(MrDdl *ddl, const MrRelation *replaced);
/* Whether the object waits to be swapped in, and is suspended then. */
bool mr_ddl_swaps_suspended(const MrCatalogObject *object);
/* The stored CREATE statement; in the arena. */
MrStatus mr_ddl_parse_stored(const char *name, const char *sql, MrArena *arena, const MrNode **out,
                             MrError *err);

/* Views that a Flink cluster computes (ddl_flink.c). */
/* 0A000: neither CREATE OR REPLACE, REFRESH nor other forms of ALTER than SUSPEND and RESUME. */
MrStatus mr_ddl_refuse_flink(MrDdl *ddl, const MrRelation *relation);
/* Goes on with `next` if the cluster would run the planned query, else ends the statement. */
void mr_ddl_check_flink(MrDdl *ddl, void (*next)(MrDdl *ddl));
/* drop_table of the victim's sink, on the target's thread; what FORCE passes over is no failure.
 * False: it failed, with the hint that FORCE `leaves` that. */
bool mr_ddl_drop_result(MrDdl *ddl, MrTarget *target, const char *leaves);
/* Makes or drops the table in which its job says what it has read; on the target's thread. */
MrStatus mr_ddl_flink_table(MrSink *sink, const MrRelation *relation, bool makes, MrError *err);
/* DROP of the victim: its job, its tables, then the rows that the job had to read; `next` finds in
 * ddl->status how that went. */
void mr_ddl_drop_flink(MrDdl *ddl, void (*next)(MrDdl *ddl));

/* Record ↔ bytes; texts point into the bytes. */
MrStatus mr_ddl_encode(const MrDdlRecord *record, MrBuilder *out, MrError *err);
MrStatus mr_ddl_decode(MrString payload, MrArena *arena, MrDdlRecord *out, MrError *err);
/* One record into the store (nothing when it is in already). */
MrStatus mr_ddl_store(MrServer *server, uint64_t sequence, const MrDdlRecord *record, MrError *err);
/* An object of the store into a catalogue: parsed and planned; a standing query's plan comes out
 * too. */
MrStatus mr_ddl_load(MrServer *server, MrCatalog *catalog, const MrCatalogObject *object,
                     MrArena *arena, MrRelation *relation, const MrPlan **plan, MrError *err);
/* Where a standing query's result stands: connection and schema of its name. */
MrStatus mr_ddl_place_result(const MrCatalog *catalog, const MrName *name, const char **connection,
                             const char **schema_name, MrError *err);
/* The relation of a planned CREATE MATERIALIZED VIEW, but for oid and text; in the arena. */
MrStatus mr_ddl_describe_query(MrArena *arena, const MrCatalog *catalog,
                               const MrAstCreateView *statement, const MrPlan *plan,
                               const uint8_t id[16], MrRelation *out, MrError *err);
/* The same of a planned CREATE SINK; `as_view` as the planner gave it. */
MrStatus mr_ddl_describe_sink(MrArena *arena, const MrCatalog *catalog,
                              const MrAstCreateSink *statement, const MrAstCreateView *as_view,
                              const MrPlan *plan, const uint8_t id[16], MrRelation *out,
                              MrError *err);
/* What the log keeps of a stream or table lives in its relation: it is told of each new one. */
MrStatus mr_ddl_tell_log(MrServer *server, const MrRelation *relation, MrError *err);
MrStatus mr_ddl_add_stream(MrServer *server, const MrRelation *relation, MrError *err);
/* Settings that a standing query keeps from its CREATE, as the store holds them, and back. */
const char *mr_ddl_settings_text(MrArena *arena, const MrTimezone *zone);
/* The text with what a query was planned by (NULL: nothing), and that again; NULL: no memory. */
const char *mr_ddl_settings_with_statistics(MrArena *arena, const char *settings,
                                            const char *statistics);
MrStatus mr_ddl_settings_statistics(MrArena *arena, const char *settings, const char **out,
                                    MrError *err);
const MrTimezone *mr_ddl_settings_zone(const char *settings);
const MrTimezone *mr_ddl_zone_named(const char *name); /* UTC where there is none */
/* Comments on an object and its columns, and its indexes: with its settings in the store, and back
 * (ddl_notes.c).  NULL: out of memory. */
const char *mr_ddl_settings_with_notes(MrArena *arena, const char *settings,
                                       const MrRelation *relation);
/* `context` plans the indexes, over the described relation; NULL: there are none.  One that does
 * not fit the relation any more is left out. */
MrStatus mr_ddl_settings_notes(MrServer *server, MrPlannerContext *context, MrArena *arena,
                               const char *settings, MrRelation *out, MrError *err);
/* The settings of a relation that has other comments or indexes now. */
MrStatus mr_ddl_notes_changed(MrDdl *ddl, const MrRelation *relation, const char **out);
/* What is made in the place of `from`, with the same columns, has its comments and indexes;
 * borrowed from it. */
void mr_ddl_keep_notes(MrRelation *to, const MrRelation *from);
/* A table's or stream's: constraints have them by its new text, others are those of `from` but for
 * those of dropped columns; nor are these commented any more.  Columns are where they were. */
MrStatus mr_ddl_keep_table_indexes(MrDdl *ddl, MrRelation *to, const MrRelation *from);
/* The indexes of another version of the relation, by the names of columns; a NOTICE tells of those
 * that do not fit. */
MrStatus mr_ddl_keep_indexes(MrDdl *ddl, MrRelation *to, const MrRelation *from);
/* CREATE INDEX, DROP INDEX, ALTER INDEX (ddl_index.h). */
void mr_ddl_create_index(MrDdl *ddl);
void mr_ddl_drop_index(MrDdl *ddl);
void mr_ddl_rename_index(MrDdl *ddl);
/* At start: the result's indexes are in the target, whatever a kill interrupted. */
MrStatus mr_ddl_finish_indexes(MrServer *server, const MrRelation *relation, MrError *err);

#endif
