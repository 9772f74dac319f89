/*
 * server/log_thread.h - the thread that makes appended records durable: one fdatasync for all who
 * wait.
 */
#ifndef MR_SERVER_LOG_THREAD_H
#define MR_SERVER_LOG_THREAD_H

#include "server/server.h"

MrStatus mr_log_thread_create(MrServer *server, MrError *err);
void mr_log_thread_destroy(MrServer *server); /* syncs what is left */
/* Something was appended; callable from any thread. */
void mr_log_thread_wake(MrServer *server);

#endif
