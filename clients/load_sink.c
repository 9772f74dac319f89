/*
 * clients/load_sink.c - where mrload sends rows: a COPY of the server, or its HTTP port.
 */
#include "clients/load_sink.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 256 * 1024, ANSWER_BYTES_MAX = 1 << 20 };

struct MrLoadSink {
    const MrLoadTarget *target;
    MrBuffer pending; /* COPY: a block not sent yet; HTTP: the whole body */
    MrBuffer answer;  /* HTTP */
    MrBuffer message;
    CURL *curl; /* NULL: COPY */
    MrLoadFormat format;
    uint64_t refused_line;
    bool failed; /* the COPY has ended early: its result tells why */
};

MrLoadSink *mr_load_sink_create(const MrLoadTarget *target)
{
    MrLoadSink *sink = mr_allocate(sizeof(*sink));
    sink->target = target;
    mr_buffer_init(&sink->pending);
    mr_buffer_init(&sink->answer);
    mr_buffer_init(&sink->message);
    if (target->url != NULL) {
        sink->curl = curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? curl_easy_init() : NULL;
        if (sink->curl == NULL) {
            mr_load_sink_destroy(sink);
            return NULL;
        }
    }
    return sink;
}

void mr_load_sink_destroy(MrLoadSink *sink)
{
    if (sink == NULL) {
        return;
    }
    if (sink->curl != NULL) {
        curl_easy_cleanup(sink->curl);
        curl_global_cleanup();
    }
    mr_buffer_fini(&sink->pending);
    mr_buffer_fini(&sink->answer);
    mr_buffer_fini(&sink->message);
    free(sink);
}

const char *mr_load_sink_message(const MrLoadSink *sink)
{
    return sink->message.data;
}

uint64_t mr_load_sink_refused_line(const MrLoadSink *sink)
{
    return sink->refused_line;
}

static void message_set(MrLoadSink *sink, const char *text)
{
    mr_buffer_clear(&sink->message);
    mr_buffer_append(&sink->message, text);
    while (sink->message.length > 0 && sink->message.data[sink->message.length - 1] == '\n') {
        mr_buffer_truncate(&sink->message, sink->message.length - 1);
    }
}

/* The number behind `key`, 0: it is not there. */
static uint64_t number_behind(const char *text, const char *key)
{
    const char *at = text == NULL ? NULL : strstr(text, key);
    return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10);
}

/* ---- COPY ------------------------------------------------------------------------------------ */

static bool copy_begin(MrLoadSink *sink)
{
    static const char *const names[] = {
        [MR_LOAD_CSV] = "csv", [MR_LOAD_TEXT] = "text", [MR_LOAD_JSON] = "json"
    };
    const MrLoadTarget *target = sink->target;
    char *sql =
        mr_text_format("COPY %s %s FROM STDIN (FORMAT %s%s)", target->stream, target->columns,
                       names[sink->format], sink->format == MR_LOAD_JSON ? "" : target->options);
    PGresult *result = PQexec(target->conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COPY_IN;
    if (!ok) {
        message_set(sink, PQresultErrorMessage(result));
    }
    PQclear(result);
    free(sql);
    return ok;
}

static bool copy_send(MrLoadSink *sink)
{
    bool ok = sink->pending.length == 0 ||
              PQputCopyData(sink->target->conn, sink->pending.data, (int)sink->pending.length) == 1;
    sink->failed = sink->failed || !ok;
    mr_buffer_clear(&sink->pending);
    return ok;
}

static MrLoadOutcome copy_end(MrLoadSink *sink, uint64_t *rows)
{
    PGconn *conn = sink->target->conn;
    MrLoadOutcome outcome = MR_LOAD_LOST;
    PGresult *result;
    copy_send(sink);
    (void)PQputCopyEnd(conn, NULL);
    message_set(sink, PQerrorMessage(conn));
    while ((result = PQgetResult(conn)) != NULL) {
        if (PQresultStatus(result) == PGRES_COMMAND_OK) {
            *rows = strtoull(PQcmdTuples(result), NULL, 10);
            outcome = MR_LOAD_OK;
        } else {
            message_set(sink, PQresultErrorMessage(result));
            /* "COPY rides, line 4, column km": libpq gives it as text only */
            sink->refused_line =
                number_behind(PQresultErrorField(result, PG_DIAG_CONTEXT), ", line ");
            outcome = PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL ? MR_LOAD_REFUSED
                                                                           : MR_LOAD_LOST;
        }
        PQclear(result);
    }
    return PQstatus(conn) == CONNECTION_OK ? outcome : MR_LOAD_LOST;
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static size_t answer_take(char *bytes, size_t size, size_t count, void *context)
{
    MrLoadSink *sink = context;
    if (sink->answer.length + size * count <= ANSWER_BYTES_MAX) {
        mr_buffer_append_bytes(&sink->answer, bytes, size * count);
    }
    return size * count;
}

/* A number of the answer, {"rows":12,"rejected":0,…}. */
static uint64_t answer_number(const MrLoadSink *sink, const char *name)
{
    char *key = mr_text_format("\"%s\":", name);
    uint64_t number = number_behind(sink->answer.data, key);
    free(key);
    return number;
}

static CURLcode http_post(MrLoadSink *sink, long *code)
{
    const MrLoadTarget *target = sink->target;
    CURL *curl = sink->curl;
    struct curl_slist *headers =
        curl_slist_append(NULL, sink->format == MR_LOAD_JSON ? "Content-Type: application/x-ndjson"
                                                             : "Content-Type: text/csv");
    headers = curl_slist_append(headers, "Expect:"); /* no round trip before the body */
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, target->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sink->pending.data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sink->pending.length);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
    if (target->user != NULL) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, target->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, target->password != NULL ? target->password : "");
    }
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, code);
    curl_slist_free_all(headers);
    return result;
}

static MrLoadOutcome http_end(MrLoadSink *sink, uint64_t *rows)
{
    long code = 0;
    mr_buffer_clear(&sink->answer);
    CURLcode result = http_post(sink, &code);
    mr_buffer_clear(&sink->pending);
    if (result != CURLE_OK) {
        message_set(sink, curl_easy_strerror(result));
        return MR_LOAD_LOST;
    }
    if (code != 200) {
        char *text = mr_text_format("HTTP %ld: %s", code, sink->answer.data);
        message_set(sink, text);
        free(text);
        sink->refused_line = answer_number(sink, "line");
        return MR_LOAD_REFUSED;
    }
    *rows = answer_number(sink, "rows");
    return MR_LOAD_OK;
}

/* ---- Both ------------------------------------------------------------------------------------ */

bool mr_load_sink_begin(MrLoadSink *sink, MrLoadFormat format)
{
    sink->format = format;
    sink->failed = false;
    mr_buffer_clear(&sink->pending);
    return sink->curl != NULL || copy_begin(sink);
}

bool mr_load_sink_add(MrLoadSink *sink, const char *bytes, size_t count)
{
    mr_buffer_append_bytes(&sink->pending, bytes, count);
    if (sink->curl == NULL && sink->pending.length >= BLOCK_BYTES) {
        return copy_send(sink);
    }
    return true;
}

MrLoadOutcome mr_load_sink_end(MrLoadSink *sink, uint64_t *rows)
{
    *rows = 0;
    sink->refused_line = 0;
    return sink->curl != NULL ? http_end(sink, rows) : copy_end(sink, rows);
}
