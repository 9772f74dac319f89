/*
 * clients/connection_commands.c - commands about the connection: \c, \conninfo, \encoding,
 * \password; and the last error that came over it.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/completion.h"
#include "clients/execute.h"
#include "clients/input.h"
#include "clients/session.h"

/* `moved`: to another server than before, so that it is named. */
static void connection_tell(const MrShell *shell, const char *start, bool address, bool moved)
{
    const char *host = PQhost(shell->conn);
    const char *numeric = PQhostaddr(shell->conn);
    printf("%s database \"%s\" as user \"%s\"", start, PQdb(shell->conn), PQuser(shell->conn));
    if (!moved) {
        puts(".");
        return;
    }
    if (host[0] == '/') {
        printf(" via socket in \"%s\"", host);
    } else if (address && numeric != NULL && *numeric != '\0' && strcmp(host, numeric) != 0) {
        printf(" on host \"%s\" (address \"%s\")", host, numeric);
    } else {
        printf(" on host \"%s\"", host);
    }
    printf(" at port \"%s\".\n", PQport(shell->conn));
}

MrCommandStatus mr_command_conninfo(MrShell *shell, const char *name)
{
    (void)name;
    if (shell->conn == NULL) {
        puts("You are currently not connected to a database.");
    } else {
        connection_tell(shell, "You are connected to", true, true);
        mr_session_tell_ssl(shell);
    }
    return MR_COMMAND_DONE;
}

/* An argument of \c: what is in double quotes is one word, without them. */
static char *connect_argument(MrShell *shell)
{
    char *argument = mr_command_argument(shell);
    char *out = argument;
    bool quoted = false;
    for (const char *c = argument; c != NULL && *c != '\0'; c++) {
        if (*c == '"' && !(quoted && c[1] == '"')) {
            quoted = !quoted;
            continue;
        }
        c += *c == '"';
        *out++ = *c;
    }
    if (argument != NULL) {
        *out = '\0';
    }
    if (argument != NULL && strcmp(argument, "-") == 0) {
        free(argument);
        argument = NULL;
    }
    return argument;
}

/* -reuse-previous=on|off in front of the arguments: 1 or 0; -1: it is not said. */
static int connect_reuse(char **first)
{
    static const char prefix[] = "-reuse-previous=";
    bool on = false;
    if (*first == NULL || strncmp(*first, prefix, strlen(prefix)) != 0) {
        return -1;
    }
    bool known = mr_boolean_read(*first + strlen(prefix), &on);
    free(*first);
    *first = NULL;
    return known ? on : -1;
}

static bool connection_moves(MrShell *shell, const MrTarget *target)
{
    PGconn *old = shell->conn;
    char *host = mr_text_copy(old != NULL ? PQhost(old) : "");
    char *port = mr_text_copy(old != NULL ? PQport(old) : "");
    bool ok = mr_session_connect(shell, target);
    if (ok) {
        bool moved =
            strcmp(host, PQhost(shell->conn)) != 0 || strcmp(port, PQport(shell->conn)) != 0;
        mr_completion_forget();
        mr_input_configure(shell->input); /* another database has another history */
        if (!mr_variables_is_on(&shell->variables, "QUIET")) {
            mr_session_tell_ssl(shell);
            connection_tell(shell, "You are now connected to", false, moved);
        }
    } else if (old != NULL && mr_shell_is_interactive(shell)) {
        fputs("Previous connection kept\n", stderr);
    }
    free(host);
    free(port);
    return ok;
}

/* \c [-reuse-previous=on|off] [DATABASE|- [USER|- [HOST|- [PORT|-]]]]: what is left out stays as it
 * was; of a conninfo string or a URI only if that is said. */
MrCommandStatus mr_command_connect(MrShell *shell, const char *name)
{
    char *arguments[4] = { connect_argument(shell) };
    char *kept[4] = { NULL };
    int reuse = connect_reuse(&arguments[0]);
    (void)name;
    for (int i = reuse >= 0 ? 0 : 1; i < 4; i++) {
        arguments[i] = connect_argument(shell);
    }
    const char *database = arguments[0];
    bool whole =
        database != NULL && (strchr(database, '=') != NULL || strstr(database, "://") != NULL);
    PGconn *old = shell->conn != NULL ? shell->conn : shell->lost_conn;
    if (old != NULL && (reuse < 0 ? !whole : reuse > 0)) {
        kept[0] = mr_text_copy(PQdb(old));
        kept[1] = mr_text_copy(PQuser(old));
        kept[2] = mr_text_copy(PQhost(old));
        kept[3] = mr_text_copy(PQport(old));
    }
    MrTarget target = {
        .database = arguments[0] != NULL ? arguments[0] : kept[0],
        .user = arguments[1] != NULL ? arguments[1] : kept[1],
        .host = arguments[2] != NULL ? arguments[2] : kept[2],
        .port = arguments[3] != NULL ? arguments[3] : kept[3],
    };
    bool ok = connection_moves(shell, &target);
    for (int i = 0; i < 4; i++) {
        free(arguments[i]);
        free(kept[i]);
    }
    return mr_command_result(ok);
}

MrCommandStatus mr_command_encoding(MrShell *shell, const char *name)
{
    char *encoding = mr_command_argument(shell);
    bool ok = shell->conn != NULL;
    (void)name;
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
    } else if (encoding == NULL) {
        puts(pg_encoding_to_char(PQclientEncoding(shell->conn)));
    } else if (PQsetClientEncoding(shell->conn, encoding) != 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "%s: invalid encoding name or conversion procedure not found", encoding);
    } else {
        mr_shell_set(shell, "ENCODING", pg_encoding_to_char(PQclientEncoding(shell->conn)));
    }
    free(encoding);
    return mr_command_result(ok);
}

MrCommandStatus mr_command_error(MrShell *shell, const char *name)
{
    (void)name;
    if (shell->last_error == NULL) {
        puts("There is no previous error.");
        return MR_COMMAND_DONE;
    }
    char *text =
        PQresultVerboseErrorMessage(shell->last_error, PQERRORS_VERBOSE, PQSHOW_CONTEXT_ALWAYS);
    mr_shell_message(shell, MR_LEVEL_ERROR, "%s", text != NULL ? text : "out of memory");
    PQfreemem(text);
    return MR_COMMAND_DONE;
}

/* The server gets a verifier: the password itself leaves the shell in no form. */
static bool password_send(MrShell *shell, const char *user, const char *password)
{
    char *verifier = PQencryptPasswordConn(shell->conn, password, user, "scram-sha-256");
    if (verifier == NULL) {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", PQerrorMessage(shell->conn));
        return false;
    }
    char *name = PQescapeIdentifier(shell->conn, user, strlen(user));
    char *literal = PQescapeLiteral(shell->conn, verifier, strlen(verifier));
    PGresult *result =
        mr_execute_own_format(shell, "ALTER ROLE %s PASSWORD %s", name != NULL ? name : "",
                              literal != NULL ? literal : "NULL");
    bool ok = result != NULL;
    PQclear(result);
    PQfreemem(literal);
    PQfreemem(name);
    PQfreemem(verifier);
    return ok;
}

MrCommandStatus mr_command_password(MrShell *shell, const char *name)
{
    char *user = mr_command_argument(shell);
    (void)name;
    if (shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        free(user);
        return MR_COMMAND_FAILED;
    }
    user = user == NULL ? mr_text_copy(PQuser(shell->conn)) : user;
    char *prompt = mr_text_format("Enter new password for user \"%s\": ", user);
    char *first = mr_session_read_hidden(prompt);
    char *second = first == NULL ? NULL : mr_session_read_hidden("Enter it again: ");
    bool ok = second != NULL && strcmp(first, second) == 0;
    if (second != NULL && !ok) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "Passwords didn't match.");
    }
    ok = ok && password_send(shell, user, first);
    free(second);
    free(first);
    free(prompt);
    free(user);
    return mr_command_result(ok);
}
