/*
 * bench/insert_client.c - one-row INSERTs at a fixed rate whether or not they are answered (an open loop),
 * in libpq's pipeline mode; row i carries the id i and is due at start + i / rate.
 * Prints one line of JSON: the start on CLOCK_MONOTONIC and how late sends and acknowledgements were.
 * Usage: insert_client CONNINFO RATE ROWS TABLE
 */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Run {
    PGconn *conn;
    int64_t start_ns, interval_ns;
    int64_t rows, sent, acknowledged;
    int64_t *send_late_ns, *ack_late_ns; /* by row, from the due time */
} Run;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool complain(PGconn *conn, const char *what)
{
    fprintf(stderr, "insert_client: %s: %s\n", what, PQerrorMessage(conn));
    return false;
}

static int64_t due_ns(const Run *run, int64_t row)
{
    return run->start_ns + row * run->interval_ns;
}

static bool send_due(Run *run)
{
    while (run->sent < run->rows && due_ns(run, run->sent) <= now_ns()) {
        char id[24], key[24];
        const char *values[2] = { id, key };
        snprintf(id, sizeof id, "%lld", (long long)run->sent + 1);
        snprintf(key, sizeof key, "%lld", (long long)(run->sent % 100));
        if (PQsendQueryPrepared(run->conn, "row", 2, values, NULL, NULL, 0) != 1 ||
            PQpipelineSync(run->conn) != 1) {
            return complain(run->conn, "sending");
        }
        run->send_late_ns[run->sent] = now_ns() - due_ns(run, run->sent);
        run->sent++;
    }
    return true;
}

/* Each INSERT is answered by its result, a NULL, and the result of its Sync. */
static bool take_answers(Run *run)
{
    if (PQconsumeInput(run->conn) != 1) {
        return complain(run->conn, "reading");
    }
    while (run->acknowledged < run->sent && PQisBusy(run->conn) == 0) {
        PGresult *result = PQgetResult(run->conn);
        if (result == NULL) {
            continue;
        }
        ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        if (status == PGRES_COMMAND_OK) {
            run->ack_late_ns[run->acknowledged] = now_ns() - due_ns(run, run->acknowledged);
        } else if (status == PGRES_PIPELINE_SYNC) {
            run->acknowledged++;
        } else {
            return complain(run->conn, "INSERT");
        }
    }
    return true;
}

static bool wait_next(const Run *run)
{
    struct pollfd ready = { .fd = PQsocket(run->conn), .events = POLLIN };
    struct timespec limit = { .tv_sec = 10 };
    int unsent = PQflush(run->conn);
    if (unsent < 0) {
        return complain(run->conn, "sending");
    }
    ready.events |= unsent > 0 ? POLLOUT : 0;
    if (run->sent < run->rows) {
        int64_t left = due_ns(run, run->sent) - now_ns();
        limit = (struct timespec){ .tv_nsec = left > 0 ? left : 0 };
    }
    int count = ppoll(&ready, 1, &limit, NULL);
    if (count == 0 && run->sent == run->rows) {
        fprintf(stderr, "insert_client: no answer for 10 s\n");
        return false;
    }
    return count >= 0 || errno == EINTR;
}

static int compare_ns(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print_spread(const char *name, int64_t *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, compare_ns);
    printf(", \"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name,
           (double)values[count / 2] / 1e6, (double)values[count * 99 / 100] / 1e6,
           (double)values[count - 1] / 1e6);
}

static bool prepare(PGconn *conn, const char *table)
{
    char sql[256];
    snprintf(sql, sizeof sql, "INSERT INTO %s VALUES ($1, $2)", table);
    PGresult *result = PQprepare(conn, "row", sql, 2, NULL);
    bool done = PQresultStatus(result) == PGRES_COMMAND_OK || complain(conn, sql);
    PQclear(result);
    return done && PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1;
}

int main(int argc, char **argv)
{
    if (argc != 5 || atof(argv[2]) <= 0 || atoll(argv[3]) <= 0) {
        fprintf(stderr, "usage: insert_client CONNINFO RATE ROWS TABLE\n");
        return 2;
    }
    Run run = { .conn = PQconnectdb(argv[1]),
                .interval_ns = (int64_t)(1e9 / atof(argv[2])),
                .rows = atoll(argv[3]) };
    run.send_late_ns = calloc((size_t)run.rows, sizeof *run.send_late_ns);
    run.ack_late_ns = calloc((size_t)run.rows, sizeof *run.ack_late_ns);
    if (run.send_late_ns == NULL || run.ack_late_ns == NULL) {
        fprintf(stderr, "insert_client: out of memory\n");
        return 1;
    }
    bool done = PQstatus(run.conn) == CONNECTION_OK ? prepare(run.conn, argv[4])
                                                    : complain(run.conn, "connecting");
    run.start_ns = now_ns() + 50000000;
    while (done && run.acknowledged < run.rows) {
        done = send_due(&run) && wait_next(&run) && take_answers(&run);
    }
    if (done) {
        printf("{\"start_ns\": %lld, \"interval_ns\": %lld, \"rows\": %lld",
               (long long)run.start_ns, (long long)run.interval_ns, (long long)run.rows);
        print_spread("send_late_ms", run.send_late_ns, run.rows);
        print_spread("ack_ms", run.ack_late_ns, run.rows);
        printf("}\n");
    }
    PQfinish(run.conn);
    free(run.send_late_ns);
    free(run.ack_late_ns);
    return done ? 0 : 1;
}
