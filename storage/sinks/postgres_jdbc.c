/*
 * storage/sinks/postgres_jdbc.c - see postgres_jdbc.h.
 */
#include "storage/sinks/postgres_jdbc.h"

#include "storage/sinks/postgres.h"

static void url_append(MrBuilder *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                        (c >= 'a' && c <= 'z') || strchr("-._~", c) != NULL;
        mr_builder_append_format(out, is_plain ? "%c" : "%%%02X", c);
    }
}

/* "host:port,host:port"; fewer ports than hosts: the last one is that of the rest. */
static MrStatus hosts_append(MrBuilder *out, const char *hosts, const char *ports, MrError *err)
{
    bool is_first = true;
    while (*hosts != '\0' || is_first) {
        int host = (int)strcspn(hosts, ","), port = (int)strcspn(ports, ",");
        if (host == 0 || hosts[0] == '/' || hosts[0] == '@') {
            mr_error_set(err, MR_ERR_UNSUPPORTED, "the dsn names no host that JDBC can reach");
            return mr_error_hint(err, "JDBC knows no Unix sockets: write host=… in the dsn.");
        }
        bool is_v6 = memchr(hosts, ':', (size_t)host) != NULL;
        mr_builder_append_format(out, "%s%s%.*s%s:%.*s", is_first ? "" : ",", is_v6 ? "[" : "",
                                 host, hosts, is_v6 ? "]" : "", port, ports);
        is_first = false;
        hosts += host + (hosts[host] == ',');
        ports += ports[port] == ',' ? port + 1 : 0;
    }
    return MR_OK;
}

static MrStatus jdbc_fill(const MrSinkOptions *options, const PQconninfoOption *parsed,
                          MrPgJdbc *out, MrError *err)
{
    const char *host = mr_postgres_option(parsed, "host"),
               *port = mr_postgres_option(parsed, "port");
    const char *user = mr_postgres_option(parsed, "user"),
               *name = mr_postgres_option(parsed, "dbname");
    const char *mode = mr_postgres_option(parsed, "sslmode");
    const char *root = mr_postgres_option(parsed, "sslrootcert");
    if (user == NULL) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "the dsn names no user");
        return mr_error_hint(err, "JDBC has no name of its own to log in by: write user=….");
    }
    mr_builder_append_string(&out->url, "jdbc:postgresql://");
    MR_TRY(hosts_append(&out->url, host == NULL ? "" : host, port == NULL ? "5432" : port, err));
    mr_builder_append_char(&out->url, '/');
    url_append(&out->url, name == NULL ? user : name);
    /* Texts become what the column is, as in SQL. */
    mr_builder_append_string(&out->url, "?stringtype=unspecified&sslmode=");
    url_append(&out->url, mode != NULL                       ? mode
                          : mr_postgres_hosts_are_near(host) ? "disable"
                                                             : "verify-full");
    if (root != NULL) {
        mr_builder_append_string(&out->url, "&sslrootcert=");
        url_append(&out->url, root);
    }
    mr_builder_append_string(&out->user, user);
    const char *password =
        options->password != NULL ? options->password : mr_postgres_option(parsed, "password");
    mr_builder_append_string(&out->password, password == NULL ? "" : password);
    return out->url.failed || out->user.failed || out->password.failed ? mr_error_no_memory(err)
                                                                       : MR_OK;
}

MrStatus mr_postgres_jdbc(const MrSinkOptions *options, MrPgJdbc *out, MrError *err)
{
    PQconninfoOption *parsed;
    mr_builder_init(&out->url, 0);
    mr_builder_init(&out->user, 0);
    mr_builder_init(&out->password, 0);
    MR_TRY(mr_postgres_parse_location(options->location, options->allow_any_authentication, &parsed,
                                      err));
    MrStatus status = jdbc_fill(options, parsed, out, err);
    PQconninfoFree(parsed);
    return status;
}

void mr_postgres_jdbc_fini(MrPgJdbc *jdbc)
{
    if (jdbc->password.data != NULL) {
        explicit_bzero(jdbc->password.data, jdbc->password.capacity);
    }
    mr_builder_fini(&jdbc->url);
    mr_builder_fini(&jdbc->user);
    mr_builder_fini(&jdbc->password);
}
