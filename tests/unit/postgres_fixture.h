/*
 * tests/unit/postgres_fixture.h - a PostgreSQL server of the test's own, in a temporary directory,
 * and a proxy that cuts the line around COMMIT.  The server ends with the test.
 */
#ifndef MR_TESTS_UNIT_POSTGRES_FIXTURE_H
#define MR_TESTS_UNIT_POSTGRES_FIXTURE_H

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/sink_fixture.h"

#define PG_BIN "/usr/lib/postgresql/15/bin"

static char pg_directory[64];
static int pg_port;
static pid_t pg_pid;
static char pg_dsn[160], pg_proxy_dsn[160];

/* Runs a program as an unprivileged user: PostgreSQL refuses root. */
static inline pid_t pg_spawn(const char *const arguments[])
{
    pid_t parent = getpid();
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (geteuid() == 0) {
            struct passwd *user = getpwnam("postgres");
            if (user == NULL || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) {
                _exit(126);
            }
        }
        prctl(PR_SET_PDEATHSIG, SIGQUIT); /* after setuid, which clears it */
        if (getppid() != parent || chdir(pg_directory) != 0) {
            _exit(125);
        }
        FILE *log = freopen("server.log", "a", stdout);
        dup2(log == NULL ? 1 : fileno(log), 2);
        execv(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    return pid;
}

static inline PGconn *pg_connect_raw(void)
{
    char dsn[300];
    snprintf(
        dsn, sizeof dsn,
        "host=%s port=%d dbname=postgres user=postgres connect_timeout=60"
        " options='-c search_path=public -c statement_timeout=0 -c client_min_messages=warning'",
        pg_directory, pg_port);
    return PQconnectdb(dsn);
}

static inline void pg_start(void)
{
    char data[96], port[16], options[96];
    snprintf(data, sizeof data, "%s/data", pg_directory);
    snprintf(port, sizeof port, "%d", pg_port);
    snprintf(options, sizeof options, "%s", pg_directory);
    char program[] = PG_BIN "/postgres";
    const char *arguments[] = { program,
                                "-D",
                                data,
                                "-k",
                                options,
                                "-p",
                                port,
                                "-c",
                                "listen_addresses=127.0.0.1",
                                "-c",
                                "fsync=off",
                                "-c",
                                "max_connections=30",
                                "-c", /* /dev/shm is small in a container */
                                "dynamic_shared_memory_type=mmap",
                                NULL };
    pg_pid = pg_spawn(arguments);
    for (int i = 0; i < 2400; i++) {
        PGconn *conn = pg_connect_raw();
        bool ready = PQstatus(conn) == CONNECTION_OK;
        PQfinish(conn);
        if (ready) {
            return;
        }
        usleep(50000);
    }
    ck_abort_msg("PostgreSQL did not start, see %s/server.log", pg_directory);
}

static inline void pg_stop(int signal_number)
{
    kill(pg_pid, signal_number);
    waitpid(pg_pid, NULL, 0);
    pg_pid = 0;
}

/* None of those that the kernel gives to outgoing connections: one of them could take it while the
 * server restarts. */
static inline int pg_free_port(void)
{
    for (int port = 12000 + (int)(getpid() % 16000);; port++) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int code = bind(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
        ck_assert_int_lt(port, 32000);
        if (code == 0) {
            return port;
        }
    }
}

/* One statement as the superuser; the first cell as text. */
static inline const char *pg_ask(const char *sql)
{
    static char answer[4096];
    PGconn *conn = pg_connect_raw();
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql,
                  PQerrorMessage(conn));
    snprintf(answer, sizeof answer, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return answer;
}

/* ---- the proxy ------------------------------------------------------------------------------- */

typedef enum ProxyMode { PROXY_PASS, PROXY_CUT_BEFORE, PROXY_CUT_AFTER } ProxyMode;
static _Atomic ProxyMode proxy_mode; /* back to PASS once it has cut */
static int proxy_listener = -1;

static inline int proxy_open(const char *directory, int port, bool listening)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", directory, port);
    int code = listening ? bind(fd, (struct sockaddr *)&address, sizeof address)
                         : connect(fd, (struct sockaddr *)&address, sizeof address);
    if (code != 0 || (listening && listen(fd, 16) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline bool proxy_forward(int from, int to)
{
    char data[65536];
    ssize_t length = recv(from, data, sizeof data, 0);
    return length > 0 && send(to, data, (size_t)length, MSG_NOSIGNAL) == length;
}

/* Cuts the line before COMMIT reaches the server, or after its answer was read and before it is
 * passed on. */
static inline bool proxy_forward_commit(int from, int to)
{
    char data[65536];
    ssize_t length = recv(from, data, sizeof data, 0);
    ProxyMode mode =
        length > 0 && memmem(data, (size_t)length, "COMMIT", 7) != NULL ? proxy_mode : PROXY_PASS;
    if (length <= 0) {
        return false;
    }
    if (mode == PROXY_CUT_BEFORE) {
        proxy_mode = PROXY_PASS;
        return false;
    }
    if (send(to, data, (size_t)length, MSG_NOSIGNAL) != length) {
        return false;
    }
    if (mode == PROXY_CUT_AFTER) {
        proxy_mode = PROXY_PASS;
        do {
            length = recv(to, data, sizeof data, 0);
        } while (length >= 6 && memcmp(data + length - 6, "Z\0\0\0\5", 5) != 0);
        return false;
    }
    return true;
}

static inline void *proxy_serve(void *context)
{
    int client = (int)(intptr_t)context;
    int server = proxy_open(pg_directory, pg_port, false);
    struct pollfd items[] = { { .fd = client, .events = POLLIN },
                              { .fd = server, .events = POLLIN } };
    while (server >= 0 && poll(items, 2, -1) > 0) {
        if ((items[0].revents != 0 && !proxy_forward_commit(client, server)) ||
            (items[1].revents != 0 && !proxy_forward(server, client))) {
            break;
        }
    }
    close(client);
    if (server >= 0) {
        close(server);
    }
    return NULL;
}

static inline void *proxy_accept(void *context)
{
    (void)context;
    int client;
    while ((client = accept(proxy_listener, NULL, NULL)) >= 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, proxy_serve, (void *)(intptr_t)client);
        pthread_detach(thread);
    }
    return NULL;
}

static inline void proxy_start(void)
{
    char directory[96];
    pthread_t thread;
    snprintf(directory, sizeof directory, "%s/proxy", pg_directory);
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    proxy_listener = proxy_open(directory, pg_port, true);
    ck_assert_int_ge(proxy_listener, 0);
    pthread_create(&thread, NULL, proxy_accept, NULL);
    pthread_detach(thread);
    snprintf(pg_proxy_dsn, sizeof pg_proxy_dsn, "host=%s port=%d dbname=postgres user=postgres",
             directory, pg_port);
}

/* ---- life ------------------------------------------------------------------------------------ */

static inline void pg_write_hba(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/data/pg_hba.conf", pg_directory);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("local all all trust\n"
          "host all scram 127.0.0.1/32 scram-sha-256\n"
          "host all md5 127.0.0.1/32 md5\n"
          "host all clear 127.0.0.1/32 password\n"
          "host all all 127.0.0.1/32 trust\n",
          file);
    fclose(file);
}

static inline void pg_set_up(void)
{
    strcpy(pg_directory, "/tmp/mr-pg-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(pg_directory));
    ck_assert_msg(access(PG_BIN "/initdb", X_OK) == 0,
                  "PostgreSQL 15 is missing: " PG_BIN "/initdb");
    if (geteuid() == 0) {
        struct passwd *user = getpwnam("postgres");
        ck_assert_msg(user != NULL, "there is no user postgres to run the server");
        ck_assert_int_eq(chown(pg_directory, user->pw_uid, user->pw_gid), 0);
    }
    char program[] = PG_BIN "/initdb";
    char data[] = "data";
    const char *arguments[] = { program, "-D", data,   "-U",         "postgres", "-A",
                                "trust", "-E", "UTF8", "--locale=C", "-N",       NULL };
    int status = 0;
    waitpid(pg_spawn(arguments), &status, 0);
    ck_assert_msg(status == 0, "initdb failed, see %s/server.log", pg_directory);
    pg_write_hba();
    pg_port = pg_free_port();
    pg_start();
    snprintf(pg_dsn, sizeof pg_dsn, "host=%s port=%d dbname=postgres user=postgres", pg_directory,
             pg_port);
    proxy_start();
    pg_ask("SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'secret'");
    pg_ask("CREATE ROLE scram LOGIN PASSWORD 'secret'; CREATE ROLE clear LOGIN PASSWORD 'secret';"
           "CREATE ROLE reader; GRANT CREATE ON DATABASE postgres TO scram; GRANT ALL ON SCHEMA"
           " public TO PUBLIC");
}

static inline void pg_tear_down(void)
{
    char command[96];
    pg_stop(SIGQUIT);
    snprintf(command, sizeof command, "rm -rf %s", pg_directory);
    ck_assert_int_eq(system(command), 0);
}

#endif
