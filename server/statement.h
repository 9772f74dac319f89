/*
 * server/statement.h - what each kind of statement does: one line in statements.def, two functions.
 */
#ifndef MR_SERVER_STATEMENT_H
#define MR_SERVER_STATEMENT_H

#include "planner/search_path.h"
#include "server/portal.h"

/* Looks up names and types: sets columns, plan, relation, details.  `is_run`: it is run next
 * (notices are sent now), else only described. */
typedef MrStatus MrStatementPlan(MrSession *session, MrPortal *portal, bool is_run, MrError *err);
/* Does it: leaves the portal in ROWS or DONE, or RUNNING with the session waiting. */
typedef MrStatus MrStatementRun(MrSession *session, MrPortal *portal, MrError *err);

struct MrStatementEntry {
    MrNodeKind kind;
    MrStatementPlan *plan; /* NULL: nothing to be planned, no rows */
    MrStatementRun *run;
    bool in_failed;   /* may be run in a failed transaction */
    bool writes;      /* refused in a READ ONLY transaction */
    const char *hint; /* of a statement that is not supported */
};

/* Never NULL: kinds that no line has are refused. */
const MrStatementEntry *mr_statement_entry(MrNodeKind kind);

#define MR_STATEMENT(kind, plan, run, flags, hint) \
    MrStatementPlan plan;                          \
    MrStatementRun run;
#define MR_STATEMENT_NO_PLAN(kind, run, flags, hint) MrStatementRun run;
#include "server/statements.def"
#undef MR_STATEMENT
#undef MR_STATEMENT_NO_PLAN

/* INSERT … SELECT, COPY (query) TO and EXPLAIN ANALYZE run a plan like SELECT does; `then` gets
 * the result on the portal, or the error. */
MrStatus mr_select_start(MrSession *session, MrPortal *portal, MrSessionThen *then, MrError *err);

/* The same for a change's plan, which sees what the transaction did before its statement; the rows
 * go to *out, which must be there until `then` or the end of the wait.  `returned`, `own`: as in
 * MrAdhocOptions. */
void mr_select_start_for(MrSession *session, const MrPlan *plan, MrStatementMemory *memory,
                         MrCatalog *catalog, MrResult *const *returned, MrResult *own,
                         MrResult **out, MrSessionThen *then);
/* The answer waits for advisory locks, then for pg_sleep(): *waits, and `then` comes after that
 * (lock_wait.c).  The result must be there meanwhile. */
MrStatus mr_session_hold_back(MrSession *session, const MrResult *result, MrSessionThen *then,
                              bool *waits, MrError *err);
void mr_session_end_lock_wait(MrSession *session);
/* Whose locks its statements take. */
MrStatus mr_session_need_locks(MrSession *session, MrError *err);
/* The wait that begins ends with 55P03 after lock_timeout. */
void mr_session_time_lock(MrSession *session);
/* pg_sleep() in it: true, and `then` comes when that time is over (sleep.c). */
bool mr_session_sleeps(MrSession *session, const MrResult *result, MrSessionThen *then);
void mr_session_end_sleep(MrSession *session);
/* Much is to be done yet: what the event loop has for others comes first, then `then`. */
MrStatus mr_session_step_aside(MrSession *session, MrSessionThen *then, MrError *err);
/* What functions of the statement were called for is done with its transaction; for whoever runs a
 * plan without the two above. */
MrStatus mr_session_do_effects(MrSession *session, const MrResult *result, MrError *err);
/* INSERT into a table, UPDATE, DELETE, planned. */
MrStatus mr_change_run(MrSession *session, MrPortal *portal, MrError *err);

/* ---- SUBSCRIBE (subscribe.c) ----------------------------------------------------------------- */

/* Plans for the portal's columns; mr_subscribe_begin starts it. */
MrStatus mr_subscribe_columns(MrSession *session, MrPortal *portal, const MrAstSubscribe *ast,
                              bool is_run, MrError *err);
MrStatus mr_subscribe_begin(MrSession *session, MrPortal *portal, MrError *err);
/* The session waits until the portal's subscription has something new. */
void mr_subscribe_wait(MrSession *session, MrPortal *portal);

/* ---- COPY … TO STDOUT (copy_out.c) --------------------------------------------------------- */

/* Sends the portal's rows in the format of its COPY, and CommandComplete. */
MrStatus mr_copy_out_send(MrSession *session, MrPortal *portal, MrError *err);
void mr_copy_out_destroy(
    MrCopyOut *copy); /* what it has outside its portal's arena; accepts NULL */

/* ---- COPY FROM STDIN (copy_in.c) ------------------------------------------------------------- */

/* CopyData, cut anywhere. */
MrStatus mr_copy_in_feed(MrSession *session, const char *data, size_t length, MrError *err);
MrStatus mr_copy_in_finish(MrSession *session, MrError *err);
MrStatus mr_copy_in_refuse(MrSession *session, MrString reason, MrError *err); /* CopyFail */
void mr_copy_in_destroy(MrSession *session);

/* ---- Settings of a session (session_settings.c) ---------------------------------------------- */

/* SET and start-up: checks what the server can do, stores, tells the client. */
MrStatus mr_session_set(MrSession *session, MrSettingId id, MrString value, MrError *err);
/* SET name = value of one that a session may change; `is_local`: until its transaction ends. */
MrStatus mr_session_set_by_name(MrSession *session, const char *name, MrString value, bool is_local,
                                MrError *err);
/* ParameterStatus of what differs from `before` (NULL: of all). */
void mr_session_report_settings(MrSession *session, const MrSettings *before);
/* Puts all back that a session may change. */
void mr_session_reset_settings(MrSession *session, const MrSettings *to);
/* Unknown name: 42704 with the nearest one. */
MrStatus mr_session_find_setting(const char *name, MrSettingId *out, MrError *err);
/* The value as SHOW prints it, in the arena. */
const char *mr_session_setting_text(const MrSession *session, MrSettingId id, MrArena *arena);
/* The same by name, also of an application's; NULL: there is none (or no memory). */
const char *mr_session_setting_by_name(const MrSession *session, MrString name, MrArena *arena);

/* ---- search_path (search_path.c) ------------------------------------------------------------- */

/* The schemas of a list that exist, as the setting's value has it; 22023: it is no list. */
MrStatus mr_search_path_parse(MrString list, MrSearchPath *out, MrError *err);
/* The session's now. */
void mr_session_search_path(const MrSession *session, MrSearchPath *out);

/* ---- Small tables as results (text_table.c) -------------------------------------------------- */

/* A result of text columns that is filled row by row. */
typedef struct MrTextTable {
    MrResult *result;
    MrText *rows; /* column_count cells each; pointer NULL with length 0: NULL */
    bool *nulls;
    uint32_t row_count, row_room;
} MrTextTable;
/* A schema of text columns in the arena. */
MrStatus mr_text_schema(MrArena *arena, const char *const *names, uint32_t count,
                        const MrSchema **out, MrError *err);
MrStatus mr_text_table_create(MrTextTable *table, const MrSchema *schema, MrError *err);
/* Copies; a NULL cell is NULL. */
MrStatus mr_text_table_add(MrTextTable *table, const char *const *cells, MrError *err);
/* One row per line of the text. */
MrStatus mr_text_table_add_lines(MrTextTable *table, const char *text, MrError *err);
MrStatus mr_text_table_finish(MrTextTable *table, MrResult **out, MrError *err);
void mr_text_table_destroy(MrTextTable *table); /* after an error */

#endif
