/*
 * bench/copy_client.c - sends a file of rows, already encoded and mapped into memory, as COPYs of so many
 * rows each over one or more connections, then runs statements (FLUSH); prints one line of JSON.
 * Clock and CPU start with the first COPY and end when the last statement is answered.
 * Usage: copy_client [-j CONNECTIONS] [-n ROWS_PER_COPY] CONNINFO TABLE csv|binary FILE [SQL]...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10, CONNECTIONS_MAX = 64 };

/* Rows of one COPY. */
typedef struct Batch {
    const char *start;
    size_t bytes;
    uint64_t rows;
    double seconds; /* from its first byte to its acknowledgement */
} Batch;

typedef struct Job {
    const char *conninfo, *table;
    bool binary;
    Batch *batches;
    size_t batch_count;
    atomic_size_t next;
    atomic_bool failed;
} Job;

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool complain(PGconn *conn, const char *what)
{
    fprintf(stderr, "copy_client: %s: %s", what, PQerrorMessage(conn));
    return false;
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* End of the row that starts at `row`, or NULL where it is cut off. */
static const char *row_end(const char *row, const char *end, bool binary)
{
    if (!binary) {
        const char *newline = memchr(row, '\n', (size_t)(end - row));
        return newline != NULL ? newline + 1 : NULL;
    }
    uint16_t fields;
    if (end - row < 2) {
        return NULL;
    }
    memcpy(&fields, row, 2);
    row += 2;
    for (int i = ntohs(fields); i > 0; i--) {
        uint32_t length;
        if (end - row < 4) {
            return NULL;
        }
        memcpy(&length, row, 4);
        length = ntohl(length);
        length = length == UINT32_MAX ? 0 : length;
        if ((size_t)(end - row) < 4 + (size_t)length) {
            return NULL;
        }
        row += 4 + length;
    }
    return row;
}

static bool cut_batches(Job *job, const char *data, size_t bytes, uint64_t rows_per_copy)
{
    const char *end = data + bytes;
    size_t room = 0;
    while (data < end) {
        Batch batch = { .start = data };
        while (data < end && batch.rows < rows_per_copy) {
            data = row_end(data, end, job->binary);
            if (data == NULL) {
                fprintf(stderr, "copy_client: the file ends within a row\n");
                return false;
            }
            batch.rows++;
        }
        batch.bytes = (size_t)(data - batch.start);
        if (job->batch_count == room) {
            room = room == 0 ? 64 : room * 2;
            Batch *larger = realloc(job->batches, room * sizeof *larger);
            if (larger == NULL) {
                fprintf(stderr, "copy_client: out of memory\n");
                return false;
            }
            job->batches = larger;
        }
        job->batches[job->batch_count++] = batch;
    }
    return true;
}

/* ---- COPY ---------------------------------------------------------------------------------- */

static bool send_bytes(PGconn *conn, const char *data, size_t bytes)
{
    while (bytes > 0) {
        size_t piece = bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
        if (PQputCopyData(conn, data, (int)piece) != 1) {
            return complain(conn, "sending rows");
        }
        data += piece;
        bytes -= piece;
    }
    return true;
}

static bool copy_batch(PGconn *conn, const Job *job, Batch *batch)
{
    static const char header[19] =
        "PGCOPY\n\377\r\n"; /* the signature's NUL, flags and extension: 0 */
    static const char trailer[2] = "\377\377";
    char sql[256], expected[32];
    double start = now_seconds();
    snprintf(sql, sizeof sql, "COPY %s FROM STDIN (FORMAT %s)", job->table,
             job->binary ? "binary" : "csv");
    snprintf(expected, sizeof expected, "%llu", (unsigned long long)batch->rows);
    PGresult *result = PQexec(conn, sql);
    bool done = PQresultStatus(result) == PGRES_COPY_IN || complain(conn, sql);
    PQclear(result);
    done = done && (!job->binary || send_bytes(conn, header, sizeof header)) &&
           send_bytes(conn, batch->start, batch->bytes) &&
           (!job->binary || send_bytes(conn, trailer, sizeof trailer));
    if (!done) {
        return false;
    }
    if (PQputCopyEnd(conn, NULL) != 1) {
        return complain(conn, "ending COPY");
    }
    while ((result = PQgetResult(conn)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            done = complain(conn, "COPY");
        } else if (strcmp(PQcmdTuples(result), expected) != 0) {
            fprintf(stderr, "copy_client: %s rows acknowledged, %s sent\n", PQcmdTuples(result),
                    expected);
            done = false;
        }
        PQclear(result);
    }
    batch->seconds = now_seconds() - start;
    return done;
}

/* ADVANCE WATERMARK says what it means for later rows: there are none. */
static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

typedef struct Sender {
    pthread_t thread;
    PGconn *conn;
    Job *job;
} Sender;

static void *sender_run(void *argument)
{
    Sender *sender = argument;
    Job *job = sender->job;
    size_t index;
    while (!job->failed && (index = atomic_fetch_add(&job->next, 1)) < job->batch_count) {
        if (!copy_batch(sender->conn, job, &job->batches[index])) {
            job->failed = true;
        }
    }
    return NULL;
}

static bool run_sql(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || complain(conn, sql);
}

/* ---- report -------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int compare_batches(const void *a, const void *b)
{
    double left = ((const Batch *)a)->seconds, right = ((const Batch *)b)->seconds;
    return (left > right) - (left < right);
}

static void report(Job *job, size_t bytes, double copy_seconds, double seconds, double cpu)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < job->batch_count; i++) {
        rows += job->batches[i].rows;
    }
    qsort(job->batches, job->batch_count, sizeof *job->batches, compare_batches);
    printf(
        "{\"rows\": %llu, \"bytes\": %zu, \"copies\": %zu, \"copy_seconds\": %.6f, \"seconds\": %.6f, "
        "\"client_cpu\": %.6f, \"copy_ms_p50\": %.3f, \"copy_ms_max\": %.3f}\n",
        (unsigned long long)rows, bytes, job->batch_count, copy_seconds, seconds, cpu,
        job->batches[job->batch_count / 2].seconds * 1e3,
        job->batches[job->batch_count - 1].seconds * 1e3);
}

/* Every page is touched here, so that no page fault is timed as sending. */
static const char *map_file(const char *path, size_t *bytes)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *data = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        *bytes = (size_t)status.st_size;
        data = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    }
    if (data == MAP_FAILED) {
        fprintf(stderr, "copy_client: %s: %s\n", path, errno != 0 ? strerror(errno) : "is empty");
    }
    if (fd >= 0) {
        close(fd);
    }
    return data == MAP_FAILED ? NULL : data;
}

static bool run(Job *job, int connections, const char *const *statements, int statement_count,
                size_t bytes)
{
    Sender senders[CONNECTIONS_MAX] = { 0 };
    for (int i = 0; i < connections; i++) {
        senders[i] = (Sender){ .job = job, .conn = PQconnectdb(job->conninfo) };
        if (PQstatus(senders[i].conn) != CONNECTION_OK) {
            return complain(senders[i].conn, "connecting");
        }
        PQsetNoticeProcessor(senders[i].conn, ignore_notice, NULL);
    }
    double cpu = cpu_seconds(), start = now_seconds();
    int started = 0;
    /* The first connection sends on this thread. */
    for (int i = 1; i < connections; i++, started++) {
        if (pthread_create(&senders[i].thread, NULL, sender_run, &senders[i]) != 0) {
            job->failed = true;
            break;
        }
    }
    sender_run(&senders[0]);
    for (int i = 1; i <= started; i++) {
        pthread_join(senders[i].thread, NULL);
    }
    double copied = now_seconds();
    bool done = !job->failed;
    for (int i = 0; done && i < statement_count; i++) {
        done = run_sql(senders[0].conn, statements[i]);
    }
    if (done) {
        report(job, bytes, copied - start, now_seconds() - start, cpu_seconds() - cpu);
    }
    for (int i = 0; i < connections; i++) {
        PQfinish(senders[i].conn);
    }
    return done;
}

int main(int argc, char **argv)
{
    int connections = 1, option;
    uint64_t rows_per_copy = 100000;
    while ((option = getopt(argc, argv, "j:n:")) != -1) {
        if (option == 'j') {
            connections = atoi(optarg);
        } else if (option == 'n') {
            rows_per_copy = strtoull(optarg, NULL, 10);
        } else {
            return 2;
        }
    }
    argv += optind;
    argc -= optind;
    if (argc < 4 || connections < 1 || connections > CONNECTIONS_MAX || rows_per_copy == 0) {
        fprintf(stderr, "usage: copy_client [-j CONNECTIONS] [-n ROWS_PER_COPY] "
                        "CONNINFO TABLE csv|binary FILE [SQL]...\n");
        return 2;
    }
    Job job = { .conninfo = argv[0], .table = argv[1], .binary = strcmp(argv[2], "binary") == 0 };
    size_t bytes = 0;
    const char *data = map_file(argv[3], &bytes);
    bool done = data != NULL && cut_batches(&job, data, bytes, rows_per_copy) &&
                run(&job, connections, (const char *const *)argv + 4, argc - 4, bytes);
    free(job.batches);
    return done ? 0 : 1;
}
