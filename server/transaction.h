/*
 * server/transaction.h - BEGIN … COMMIT of one session, and the implicit transaction of a Query
 * message or of the messages up to Sync: INSERTs and COPYs of it are appended to the log together.
 * Must not know messages of the protocol.
 */
#ifndef MR_SERVER_TRANSACTION_H
#define MR_SERVER_TRANSACTION_H

#include "common/settings.h"
#include "storage/log.h"

struct MrSession;
struct MrPortal;

typedef struct MrSavepoint MrSavepoint;

typedef enum MrTransactionState {
    MR_TX_NONE, /* between BEGINs: every group of statements commits by itself */
    MR_TX_OPEN,
    MR_TX_FAILED, /* 25P02 until ROLLBACK or COMMIT */
} MrTransactionState;

typedef struct MrTransaction {
    MrTransactionState state;
    bool is_read_only;
    uint64_t number;          /* of the session's transactions, implicit ones too */
    uint32_t savepoint_count; /* that were made in it */
    int64_t started_us;       /* now() of its statements */
    MrLogTransaction *log;    /* rows that wait for the commit; NULL: none yet */
    /* Statements that change tables, in order: those of BEGIN …, outside only those that run; and
     * the next to run. */
    struct MrChange *changes, *before_last, *last_change, *next_change;
    bool is_applied;         /* the tables have what those of BEGIN … did: it has the turn */
    MrSavepoint *savepoints; /* the innermost first */
    bool keeps_apart;        /* a savepoint stands behind last_change: nothing is added to it */
    /* Settings before BEGIN, once one was changed; bits of those that SET LOCAL changed. */
    MrSettings *saved;
    uint64_t locals[(MR_SETTING_COUNT + 63) / 64];
    uint64_t own_sequence; /* last row of this session that was committed */
    /* Committed, but not yet known to be as durable as its stream says. */
    uint64_t unsettled_sequence;
    MrDurability unsettled_durability;
} MrTransaction;

/* Where INSERT and COPY append: begun when there is none. */
MrStatus mr_transaction_log(struct MrSession *session, MrLogTransaction **out, MrError *err);
/* Commits what an implicit transaction has so far, since the next statement reads it, or changes
 * the catalogue.  In BEGIN … COMMIT nothing. */
MrStatus mr_transaction_cut(struct MrSession *session, MrError *err);
/* The end of an implicit transaction: commits.  What is written to the client afterwards is held
 * until the rows are durable. */
MrStatus mr_transaction_settle(struct MrSession *session, MrError *err);
/* Nothing of it remains; the state becomes NONE and settings go back. */
void mr_transaction_abort(struct MrSession *session);
/* A statement failed: an open transaction waits for its ROLLBACK, or for ROLLBACK TO a savepoint;
 * without one its rows are gone. */
void mr_transaction_fail(struct MrSession *session);
/* By its BEGIN or SET TRANSACTION; outside a block by default_transaction_read_only. */
bool mr_transaction_is_read_only(const struct MrSession *session);
/* 'I', 'T' or 'E' of ReadyForQuery. */
char mr_transaction_letter(const struct MrSession *session);
/* Before a setting is changed: what ROLLBACK or the end of the transaction goes back to.  The first
 * is for settings that are no MrSettingId. */
MrStatus mr_transaction_save_settings(struct MrSession *session, MrError *err);
MrStatus mr_transaction_save_setting(struct MrSession *session, MrSettingId id, bool is_local,
                                     MrError *err);

#endif
