/*
 * server/session.h - one client's session: what its protocol stands at, what it runs, what it waits
 * for.  Shared by the files that make up sessions; everyone else sees server/listener.h.  Only on
 * the event loop's thread.  See README.md for its states.
 */
#ifndef MR_SERVER_SESSION_H
#define MR_SERVER_SESSION_H

#include "common/timezone.h"
#include "parser/parser.h"
#include "parser/print.h"
#include "server/adhoc.h"
#include "server/pgwire.h"
#include "server/socket.h"
#include "server/transaction.h"

typedef struct MrSession MrSession;
typedef struct MrPortal MrPortal;
typedef struct MrPrepared MrPrepared;
typedef struct MrCopyIn MrCopyIn;
struct MrNotifier;

enum {
    MR_SESSION_PREPARED_MAX = 256,
    MR_SESSION_PORTALS_MAX = 256,
    MR_SESSION_QUERY_BYTES = 1024, /* what others see of a statement */
    MR_SESSION_SECRET_BYTES = 32,  /* of protocol 3.2; 3.0 has room for 4 */
    MR_SESSION_LOGIN_US = 10 * 1000 * 1000,
    MR_SESSION_MESSAGE_US = 60 * 1000 * 1000, /* for a message that was begun */
    MR_SESSION_HELD_MAX = 16,
    MR_SESSION_OUTPUT_HIGH = 256 * 1024, /* no more rows or messages while so much is unsent */
};

typedef enum MrSessionPhase {
    MR_PHASE_STARTUP, /* before ReadyForQuery; until login_deadline */
    MR_PHASE_READY,
    MR_PHASE_CLOSING, /* what is written is still sent, nothing is read any more */
} MrSessionPhase;

/* Why a running statement is to end. */
typedef enum MrCancelReason {
    MR_CANCEL_NONE,
    MR_CANCEL_USER,
    MR_CANCEL_TIMEOUT,
    MR_CANCEL_SHUTDOWN
} MrCancelReason;

/* What goes on when a wait is over.  err is NULL for MR_OK. */
typedef void MrSessionThen(MrSession *session, MrStatus status, const MrError *err);

/* The statements of one Query message. */
typedef struct MrScript {
    bool is_active;
    MrStatementMemory *memory; /* text and trees */
    const char *text;
    size_t length;
    MrStatementList statements;
    uint32_t next;
} MrScript;

/* What is written behind `place` of the output tells of rows up to the sequence. */
typedef struct MrHeldAnswer {
    uint64_t place, sequence;
    MrDurability durability;
} MrHeldAnswer;

struct MrSession {
    MrServer *server;
    MrSession *previous, *next; /* of the listener */
    MrSession *next_number;     /* of the listener's table of numbers */
    MrSocket socket;
    int32_t number; /* as BackendKeyData says */
    uint8_t secret[MR_SESSION_SECRET_BYTES];
    uint32_t secret_bytes;
    char address[64];
    char *user, *database;
    int64_t connected_us, statement_us; /* wall clock */
    MrSessionPhase phase;
    bool is_starting; /* counted among those that have not logged in */
    bool ssl_asked, gssenc_asked;
    MrLogin *login;      /* waits for its proof */
    struct event *timer; /* of login, of the statement, of the closing */

    MrSettings *settings;
    MrSettings *initial;    /* after start-up: what RESET goes back to */
    const MrTimezone *zone; /* TimeZone */
    MrTransaction transaction;
    struct MrNotifier *notifier; /* LISTEN and NOTIFY; NULL: neither yet */

    MrPrepared *prepared; /* by name; the unnamed one has the name "" */
    uint32_t prepared_count;
    MrPortal *portals;
    uint32_t portal_count;

    char query[MR_SESSION_QUERY_BYTES + 1]; /* the last statement, as others may see it */
    MrScript script;                        /* simple protocol */
    MrPortal *current;                      /* the statement that runs; NULL: none */
    bool skips_to_sync;                     /* after an error in the extended protocol */
    bool is_ready_due;                      /* ReadyForQuery comes next */
    bool is_between;                        /* since then no message has come */
    bool is_advancing;
    bool wants_flush;   /* the client is to see what is written */
    bool is_draining;   /* ends with 57P01 once it is idle */
    bool is_shut;       /* closing: our end is said already */
    bool awaits_rest;   /* of a message */
    bool skips_message; /* one that is too long is read past */
    char skipped_type;
    size_t skip_bytes;

    /* The one thing it waits for. */
    bool is_waiting;
    MrSessionThen *then;
    MrWait *wait;
    bool wait_is_final; /* cancelling would tell a lie: it is short, and waited for */
    MrAdhoc *adhoc;
    MrResult **adhoc_result;     /* gets its rows */
    bool runs_again;             /* the query did already: nothing but its rows counts */
    MrSessionThen *changes_then; /* when statements that change tables have run */
    MrPortal *select_portal;     /* a query over tables that its transaction changed */
    MrSessionThen *select_then;
    MrCopyIn *copy;            /* COPY FROM STDIN under way */
    struct event *sleep;       /* pg_sleep() holds the answer back until then */
    MrLockOwner *locks;        /* advisory ones; NULL: it has not asked for rows yet */
    const MrLockWish *wish;    /* the lock that is waited for, and those that follow */
    const MrResult *held_back; /* the rows that were computed already, meanwhile */
    struct event *lock_timer;  /* lock_timeout, of a lock or of the turn to change tables */
    MrCancelReason cancel;

    /* Answers for which the disk is waited, oldest first; the session itself goes on. */
    MrHeldAnswer held[MR_SESSION_HELD_MAX];
    uint32_t held_count;
    MrWait *held_wait;
};

/* ---- Life (session.c) ------------------------------------------------------------------------ */

/* Takes the descriptor. */
MrStatus mr_session_create(MrServer *server, int fd, const char *address, MrSession **out,
                           MrError *err);
/* Ends what runs, without a word to the client. */
void mr_session_destroy(MrSession *session);
/* Does all that can be done now; called whenever something has changed.  May destroy the
 * session. */
void mr_session_advance(MrSession *session);
/* The running statement ends with 57014 (57P01 for a shutdown) as soon as it can; nothing when
 * idle. */
void mr_session_cancel(MrSession *session, MrCancelReason reason);
/* Ends of what a session is at; each leaves nothing of it.  A nameless portal goes with
 * `current`. */
void mr_session_stop_waiting(MrSession *session);
void mr_session_end_script(MrSession *session);
void mr_session_end_current(MrSession *session);
/* SIGTERM: an idle session ends with 57P01, a busy one when its statement has ended. */
void mr_session_drain(MrSession *session);
bool mr_session_is_busy(const MrSession *session);
const char *mr_session_state(const MrSession *session);

/* ---- Answers (session_answer.c) -------------------------------------------------------------- */

/* ERROR for the current statement: ends it, fails the transaction, skips what belongs to it.  The
 * portal is gone afterwards. */
void mr_session_fail(MrSession *session, const MrError *err);
/* The same where no portal is: the error's position is one of `text` (NULL: none). */
void mr_session_fail_in(MrSession *session, const MrError *err, const char *text, size_t length);
/* FATAL: said, then closed. */
void mr_session_fatal(MrSession *session, const MrError *err);
void mr_session_protocol_error(MrSession *session, const char *format, ...) MR_PRINTF(2, 3);
/* NOTICE or WARNING, if client_min_messages lets it through. */
void mr_session_notice(MrSession *session, const char *severity, const char *sqlstate,
                       const char *message, const char *hint);
/* A planner's or DDL's notice; context is the session. */
void mr_session_notice_callback(void *context, const char *sqlstate, const char *message,
                                const char *hint);
/* Fills err with why the statement is being ended. */
MrStatus mr_session_cancel_error(const MrSession *session, MrError *err);

/* ---- Acknowledgement (acknowledge.c) --------------------------------------------------------- */

/* What is written from here on reaches the client when rows up to the sequence are durable. */
void mr_session_hold_answers(MrSession *session, uint64_t sequence, MrDurability durability);
void mr_session_forget_held(MrSession *session);

/* ---- Messages (messages.c, startup.c) -------------------------------------------------------- */

/* Takes one message off the input and does it; false: no whole one is there. */
bool mr_session_take_message(MrSession *session);
/* The same before ReadyForQuery was sent for the first time. */
bool mr_session_take_startup(MrSession *session);
/* Its user is the owner of everything, pg_roles' one superuser; after the start-up packet. */
bool mr_session_is_superuser(const MrSession *session);
/* A client's first byte: one that begins with TLS at once (libpq 17's sslnegotiation=direct). */
void mr_session_first_byte(void *session, uint8_t byte);
/* Parse, Bind, Describe, Execute, Close (extended.c). */
void mr_extended_take(MrSession *session, char type, MrWireReader *body);
/* A body that is too short, too long, or not of its form: FATAL. */
void mr_session_refuse_body(MrSession *session, char type);
/* The portal is the current statement from now on. */
void mr_session_begin(MrSession *session, MrPortal *portal);
/* A Query message's text; takes no hold on it. */
void mr_session_query(MrSession *session, MrString text);
void mr_session_set_timer(MrSession *session, int64_t us); /* 0: off */

/* ---- Waiting (session_answer.c) -------------------------------------------------------------- */

/* The session does nothing until the wait (made with mr_session_wait_done and the session) is over;
 * then `then` goes on.  `is_final`: a cancel has no effect, since what is waited for has happened
 * already. */
void mr_session_wait(MrSession *session, MrWait *wait, bool is_final, MrSessionThen *then);
MrWaitDone mr_session_wait_done;
/* The same without a wait: whoever knows calls mr_session_resume, later. */
void mr_session_pause(MrSession *session, MrSessionThen *then);
void mr_session_resume(MrSession *session, MrStatus status, const MrError *err);

#endif
