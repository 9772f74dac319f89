/*
 * tests/fuzz/fuzz_session.c - any bytes from a client: the session answers in well-formed messages
 * or ends, and neither hangs nor falls.  A whole server runs in the process, on a virtual clock.
 *
 * The first byte: bit 0 sends a start-up message before the rest, the other bits say in how large
 * pieces the rest is written.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/file.h"
#include "common/logging.h"
#include "server/advisory.h"
#include "server/ddl.h"
#include "server/flink.h"
#include "server/ingest.h"
#include "server/log_thread.h"
#include "server/notify.h"
#include "server/postbox.h"
#include "server/relations.h"
#include "server/scheduler.h"
#include "server/statistics.h"
#include "server/session.h"
#include "server/tables.h"
#include "server/targets.h"
#include "server/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUTS_PER_SERVER = 2000, PATIENCE_SECONDS = 120 };

static MrServer server;
static char directory[64];
static uint32_t inputs;

static void give_up(const char *what, const char *more)
{
    fprintf(stderr, "%s: %s\n", what, more);
    abort();
}

static void must(MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        give_up("the server does not start", err->message);
    }
}

static void server_start(void)
{
    MrError err = MR_ERROR_INIT;
    char path[128];
    snprintf(directory, sizeof directory, "/tmp/fuzz_session.XXXXXX");
    if (mkdtemp(directory) == NULL) {
        give_up("no directory", strerror(errno));
    }
    server = (MrServer){ .settings = mr_settings_create(),
                         .data_directory = directory,
                         .next_oid = 16384 };
    server.clock = mr_clock_create_virtual(INT64_C(1767225600000000));
    server.base = event_base_new();
    mr_logging_init(open("/dev/null", O_WRONLY | O_CLOEXEC), MR_LOG_ERROR, false, server.clock);
    snprintf(path, sizeof path, "%s/log", directory);
    MrLogOptions log = { .directory = path,
                         .clock = server.clock,
                         .segment_bytes = 1 << 20,
                         .cache_bytes = 1 << 20,
                         .limit_bytes = 64 << 20 };
    must(mr_log_open(&log, &server.log, &err), &err);
    snprintf(path, sizeof path, "%s/catalog.db", directory);
    must(mr_catalog_store_open(path, &server.store, &err), &err);
    must(mr_access_create(&server, &err), &err);
    must(mr_catalog_create(&server.catalog, &err), &err);
    must(mr_relations_register(server.catalog, &err), &err);
    must(mr_postbox_create(&server, &err), &err);
    must(mr_waits_create(&server, &err), &err);
    must(mr_notify_create(&server, &err), &err);
    must(mr_advisory_create(&server, &err), &err);
    must(mr_targets_create(&server, &err), &err);
    must(mr_flink_create(&server, &err), &err);
    must(mr_workers_create(&server, 1, &err), &err);
    must(mr_scheduler_create(&server, &err), &err);
    must(mr_log_thread_create(&server, &err), &err);
    must(mr_feeds_create(&server, &err), &err);
    must(mr_tables_create(&server, &err), &err);
    must(mr_ddl_recover(&server, &err), &err);
}

static void remove_file(void *parent, const char *name)
{
    char path[512];
    MrError ignored = MR_ERROR_INIT;
    snprintf(path, sizeof path, "%.200s/%.300s", (const char *)parent, name);
    mr_file_list_directory(path, remove_file, path, &ignored); /* of a file: nothing */
    if (remove(path) != 0) {
        fprintf(stderr, "%s stays\n", path);
    }
}

static void server_stop(void)
{
    MrError err = MR_ERROR_INIT;
    mr_flink_end(&server);
    while (server.adhoc_threads > 0 || server.ddl_queue != NULL) {
        event_base_loop(server.base, EVLOOP_ONCE);
    }
    mr_feeds_destroy(&server);
    mr_log_thread_destroy(&server);
    mr_flink_destroy(&server);
    mr_scheduler_destroy(&server, 1000000);
    mr_targets_destroy(&server);
    mr_workers_destroy(&server);
    mr_postbox_drain(&server);
    mr_notify_destroy(&server);
    mr_waits_destroy(&server);
    mr_advisory_destroy(&server);
    mr_statistics_destroy(&server);
    mr_tables_destroy(&server);
    mr_postbox_destroy(&server);
    mr_catalog_unref(server.catalog);
    mr_access_destroy(&server);
    mr_catalog_store_close(server.store);
    must(mr_log_close(server.log, &err), &err);
    event_base_free(server.base);
    mr_clock_destroy(server.clock);
    mr_settings_destroy(server.settings);
    char parent[] = "/tmp";
    remove_file(parent, directory + sizeof parent);
}

/* ---- One client ------------------------------------------------------------------------------ */

typedef struct Client {
    int fd;
    MrBuilder answer;
    bool is_over;
} Client;

static void client_read(Client *client)
{
    char bytes[65536];
    ssize_t got;
    while ((got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        mr_builder_append(&client->answer, bytes, (size_t)got);
    }
    client->is_over = client->is_over || got == 0 || (errno != EAGAIN && errno != EINTR);
}

static void turn(Client *client)
{
    event_base_loop(server.base, EVLOOP_NONBLOCK);
    client_read(client);
}

static void client_write(Client *client, const void *data, size_t length, size_t piece)
{
    const char *next = data;
    while (length > 0 && !client->is_over) {
        size_t bytes = length < piece ? length : piece;
        ssize_t sent = send(client->fd, next, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            next += sent;
            length -= (size_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            client->is_over = true;
        }
        turn(client);
    }
}

/* Answers are whole messages; a single N stands before them for each request for encryption. */
static void check_answer(const MrBuilder *answer)
{
    size_t at = 0;
    while (at < answer->length && answer->data[at] == 'N' &&
           (at + 1 == answer->length || answer->data[at + 1] != 0)) {
        at++;
    }
    while (at < answer->length) {
        if (answer->length - at < 5) {
            give_up("an answer is cut off", "in its header");
        }
        MrWireReader header = mr_wire_reader(answer->data + at + 1, 4);
        int32_t length = mr_wire_i32(&header);
        if (length < 4 || (size_t)length > answer->length - at - 1 ||
            strchr("123ACDEGHIKNRSTVZcdnstv", answer->data[at]) == NULL) {
            give_up("an answer is not a message", "type or length");
        }
        at += (size_t)length + 1;
    }
}

static void serve(const uint8_t *data, size_t size, uint8_t choice)
{
    static const char startup[] = "\0\0\0\x1c\0\3\0\0user\0me\0database\0d\0\0";
    int pair[2];
    MrSession *session;
    MrError err = MR_ERROR_INIT;
    Client client = { 0 };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        give_up("no sockets", strerror(errno));
    }
    client.fd = pair[0];
    mr_builder_init(&client.answer, 0);
    must(mr_session_create(&server, pair[1], "fuzz", &session, &err), &err);
    if (choice & 1) {
        client_write(&client, startup, sizeof startup - 1, sizeof startup);
    }
    static const size_t pieces[] = { 65536, 1, 7, 100 };
    client_write(&client, data, size, pieces[(choice >> 1) & 3]);
    shutdown(client.fd, SHUT_WR);
    for (int64_t turns = 0; !client.is_over; turns++) {
        turn(&client);
        if (turns > 100) {
            usleep(100);
        }
        if (turns > PATIENCE_SECONDS * 10000) {
            give_up("a session does not end", "after its client has gone");
        }
    }
    check_answer(&client.answer);
    mr_builder_fini(&client.answer);
    close(client.fd);
    /* A session that had said its end first hears of ours now. */
    event_base_loop(server.base, EVLOOP_NONBLOCK);
    event_base_loop(server.base, EVLOOP_NONBLOCK);
}

static void prelude(void)
{
    static const char query[] = "CREATE STREAM s (a integer, b text); "
                                "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM s; "
                                "INSERT INTO s VALUES (1, 'x'), (2, NULL); FLUSH";
    char message[sizeof query + 5] = "Q";
    message[3] = (char)((sizeof query + 4) >> 8);
    message[4] = (char)(sizeof query + 4);
    memcpy(message + 5, query, sizeof query);
    serve((const uint8_t *)message, sizeof message, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    if (inputs++ % INPUTS_PER_SERVER == 0) {
        if (inputs > 1) {
            server_stop();
        } else {
            atexit(server_stop);
        }
        server_start();
        prelude();
    }
    serve(data + 1, size - 1, data[0]);
    return 0;
}
