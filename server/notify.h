/*
 * server/notify.h - LISTEN, NOTIFY, UNLISTEN.  What a session asks for happens at the commit of its
 * transaction; the notifications go to all who listen to the channel, in the order of the commits,
 * once the rows of the commit are durable, and reach a client between its transactions.
 * Only on the event loop's thread, but for mr_notify_tell.
 *
 *   transaction -commit-> batches -durable-> pending ones of each listener -> client
 */
#ifndef MR_SERVER_NOTIFY_H
#define MR_SERVER_NOTIFY_H

#include "server/waits.h"
#include "storage/sink.h"

struct MrSession;
typedef struct MrNotifier MrNotifier;

enum {
    MR_NOTIFY_PENDING_MAX = 4096, /* for one listener; beyond it the oldest go */
    MR_NOTIFY_CHANNELS_MAX = 1024,
};

MrStatus mr_notify_create(MrServer *server, MrError *err);
void mr_notify_destroy(MrServer *server); /* no session is left */

/* ---- In a transaction ------------------------------------------------------------------------ */

/* Takes effect at COMMIT, as in PostgreSQL; ROLLBACK forgets it. */
MrStatus mr_notify_listen(struct MrSession *session, const char *channel, MrError *err);
MrStatus mr_notify_unlisten(struct MrSession *session, const char *channel, /* NULL: all */
                            MrError *err);
/* The same channel and payload twice in one transaction is once. */
MrStatus mr_notify_send(struct MrSession *session, MrString channel, MrString payload,
                        MrError *err);
/* What was asked for so far, for a savepoint to go back to. */
uint32_t mr_notify_mark(const struct MrSession *session);
void mr_notify_roll_back_to(struct MrSession *session, uint32_t mark);
/* The transaction is committed, with rows up to `sequence` (0: it has none), or it is gone. */
void mr_notify_commit(struct MrSession *session, uint64_t sequence, MrDurability durability);
void mr_notify_abort(struct MrSession *session);

/* ---- From alerts ----------------------------------------------------------------------------- */

/* MrSinkTell of a server's targets (`context`: the server), on their threads. */
void mr_notify_tell(void *context, const MrSinkNews *news);

/* ---- To the client --------------------------------------------------------------------------- */

/* Writes what is pending; called between transactions only.  True: something was written. */
bool mr_notify_deliver(struct MrSession *session);
/* The channels that the session listens to, as its last commit left them, the first one first. */
void mr_notify_each_channel(const struct MrSession *session,
                            void (*each)(void *context, const char *channel), void *context);
/* The session goes: it listens to nothing. */
void mr_notify_forget(struct MrSession *session);

#endif
