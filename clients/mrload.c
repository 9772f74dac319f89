/*
 * clients/mrload.c - main() of mrload: the connection, the stream's columns, then the run.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/load.h"
#include "clients/pattern.h"
#include "clients/session.h"
#include "clients/shell.h"

static PGconn *connect_once(const MrLoad *load, const char *password)
{
    const char *names[] = { "host",
                            "port",
                            "user",
                            "password",
                            "dbname",
                            "fallback_application_name",
                            "client_encoding",
                            NULL };
    const char *values[] = { load->host,     load->port, load->user, password,
                             load->database, "mrload",   "UTF8",     NULL };
    return PQconnectdbParams(names, values, 1);
}

static bool connection_open(MrLoad *load)
{
    char *password = load->password_option > 0 ? mr_session_read_hidden("Password: ") : NULL;
    mr_session_set_defaults();
    load->conn = connect_once(load, password);
    if (PQstatus(load->conn) == CONNECTION_BAD && PQconnectionNeedsPassword(load->conn) &&
        password == NULL && load->password_option >= 0) {
        password = mr_session_read_hidden("Password: ");
        if (password != NULL) {
            PQfinish(load->conn);
            load->conn = connect_once(load, password);
        }
    }
    free(password);
    if (PQstatus(load->conn) == CONNECTION_BAD) {
        mr_load_message(load, "%s", PQerrorMessage(load->conn));
        return false;
    }
    return true;
}

/* The columns that COPY fills: all but the generated ones. */
static bool columns_ask(MrLoad *load)
{
    char *sql = mr_text_format("DESCRIBE %s", load->target.stream);
    PGresult *result = PQexec(load->conn, sql);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    free(sql);
    if (!ok) {
        mr_load_message(load, "%s", PQresultErrorMessage(result));
    }
    load->columns = mr_allocate((size_t)PQntuples(result) * sizeof(char *));
    for (int row = 0; ok && row < PQntuples(result); row++) {
        if (strstr(PQgetvalue(result, row, 4), "generated always") == NULL) {
            load->columns[load->column_count++] = mr_text_copy(PQgetvalue(result, row, 0));
        }
    }
    PQclear(result);
    return ok;
}

/* URL/streams/NAME, the name as it stands in the catalogue. */
static char *address_make(const MrLoad *load)
{
    char *object = mr_pattern_object(load->stream_name);
    size_t length = strlen(load->url);
    while (length > 0 && load->url[length - 1] == '/') {
        length--;
    }
    MrBuffer address;
    mr_buffer_init(&address);
    mr_buffer_append_bytes(&address, load->url, length);
    mr_buffer_append(&address, "/streams/");
    for (const char *c = object; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("_-.~", *c) != NULL;
        mr_buffer_append_format(&address, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    free(object);
    return address.data;
}

static MrLoadExit load_run(MrLoad *load)
{
    MrLoadExit exit_code = MR_LOAD_EXIT_OK;
    char *stream = mr_pattern_name(load->stream_name);
    char *address = load->url != NULL ? address_make(load) : NULL;
    load->target.stream = stream;
    load->target.url = address;
    load->target.user = load->user;
    load->target.password = getenv("PGPASSWORD");
    if (load->url == NULL && !connection_open(load)) {
        exit_code = MR_LOAD_EXIT_CONNECTION;
    } else if (load->url == NULL && !columns_ask(load)) {
        exit_code = MR_LOAD_EXIT_REFUSED;
    } else {
        load->target.conn = load->conn;
        load->sink = mr_load_sink_create(&load->target);
        if (load->sink == NULL) {
            mr_load_message(load, "HTTP is not to be had");
            exit_code = MR_LOAD_EXIT_CONNECTION;
        } else {
            exit_code = mr_load_run(load);
        }
    }
    mr_load_sink_destroy(load->sink);
    PQfinish(load->conn);
    free(address);
    free(stream);
    return exit_code;
}

static void handle_interrupt(int signal_number)
{
    (void)signal_number;
    mr_interrupted = 1;
}

int main(int argc, char **argv)
{
    MrLoad load = { .batch_rows = 100000, .line_seconds = 10, .pace = { .field = -1 } };
    MrLoadExit exit_code;
    struct sigaction action = { .sa_handler = handle_interrupt };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (mr_load_options_read(&load, argc, argv, &exit_code)) {
        exit_code = load_run(&load);
    }
    for (int i = 0; i < load.column_count; i++) {
        free(load.columns[i]);
    }
    free(load.columns);
    mr_load_files_fini(&load.files);
    return (int)exit_code;
}
