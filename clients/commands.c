/*
 * clients/commands.c - the table of backslash commands, and the small ones among them.
 */
#include "clients/commands.h"

#include <stdlib.h>
#include <string.h>

#include "clients/completion.h"
#include "clients/copy.h"
#include "clients/execute.h"
#include "clients/script.h"
#include "clients/session.h"

typedef struct Command {
    const char *name;
    MrCommandRun run;
    const char *arguments; /* for \?; NULL: another spelling, not shown there */
    const char *help;
} Command;

static MrCommandStatus command_help(MrShell *shell, const char *name);

char *mr_command_argument(MrShell *shell)
{
    return mr_lexer_argument(&shell->script->lexer, true);
}

MrCommandStatus mr_command_result(bool ok)
{
    return ok ? MR_COMMAND_DONE : MR_COMMAND_FAILED;
}

/* The end of COPY data whose COPY has failed: what stands before it is no statement. */
static MrCommandStatus command_data_end(MrShell *shell, const char *name)
{
    (void)name;
    mr_buffer_clear(&shell->script->statement);
    mr_lexer_reset(&shell->script->lexer);
    return MR_COMMAND_DONE;
}

static MrCommandStatus command_quit(MrShell *shell, const char *name)
{
    (void)shell;
    (void)name;
    return MR_COMMAND_QUIT;
}

/* \g [FILE], \gx [FILE], \gdesc, \gset [PREFIX] */
static MrCommandStatus command_go(MrShell *shell, const char *name)
{
    char *argument =
        strcmp(name, "gdesc") == 0 ? NULL : mr_lexer_argument(&shell->script->lexer, false);
    if (argument != NULL && argument[0] == '|') {
        char *rest = mr_lexer_rest(&shell->script->lexer);
        char *whole = mr_text_format("%s %s", argument, rest);
        free(rest);
        free(argument);
        argument = whole;
    }
    shell->send =
        (MrSend){ .expanded = strcmp(name, "gx") == 0, .describe = strcmp(name, "gdesc") == 0 };
    if (strcmp(name, "gset") == 0) {
        shell->send.set_prefix = argument != NULL ? argument : mr_text_copy("");
    } else {
        shell->send.target = argument;
    }
    return MR_COMMAND_SEND;
}

static MrCommandStatus command_watch(MrShell *shell, const char *name)
{
    MrScript *script = shell->script;
    double seconds = 2;
    char *argument = mr_command_argument(shell);
    (void)name;
    if (argument != NULL) {
        char *end;
        seconds = strtod(argument, &end);
        if (*end != '\0' || end == argument || !(seconds >= 0 && seconds <= 1000000)) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "\\watch: incorrect interval value \"%s\"",
                             argument);
            free(argument);
            return MR_COMMAND_FAILED;
        }
        seconds = seconds == 0 ? 1 : seconds;
        free(argument);
    }
    const MrBuffer *watched = script->statement.length > 0 ? &script->statement : &script->previous;
    if (watched->length == 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\watch cannot be used with an empty query");
        return MR_COMMAND_FAILED;
    }
    char *sql = mr_text_copy(watched->data);
    bool ok = mr_execute_watch(shell, sql, seconds);
    mr_buffer_clear(&script->previous);
    mr_buffer_append(&script->previous, sql);
    mr_buffer_clear(&script->statement);
    mr_lexer_reset(&script->lexer);
    free(sql);
    return mr_command_result(ok);
}

static MrCommandStatus command_include(MrShell *shell, const char *name)
{
    char *path = mr_command_argument(shell);
    if (path == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: missing required argument", name);
        return MR_COMMAND_FAILED;
    }
    MrExit exit_code =
        mr_script_include(shell, path, name[1] == 'r' || strcmp(name, "include_relative") == 0);
    free(path);
    return mr_command_result(exit_code == MR_EXIT_OK);
}

static MrCommandStatus command_output(MrShell *shell, const char *name)
{
    FILE *out = stdout;
    bool is_pipe = false;
    char *target = mr_lexer_rest(&shell->script->lexer);
    (void)name;
    mr_lexer_feed(&shell->script->lexer, target);
    if (target[0] != '|') {
        free(target);
        target = mr_command_argument(shell);
    } else {
        mr_lexer_feed(&shell->script->lexer, "");
    }
    bool ok = target == NULL || mr_shell_open_output(shell, target, &out, &is_pipe);
    free(target);
    if (ok) {
        if (shell->out != stdout) {
            mr_shell_close_output(shell->out, shell->out_is_pipe);
        }
        shell->out = out;
        shell->out_is_pipe = is_pipe;
    }
    return mr_command_result(ok);
}

static MrCommandStatus command_copy(MrShell *shell, const char *name)
{
    char *rest = mr_lexer_rest(&shell->script->lexer);
    (void)name;
    bool ok = mr_copy_command(shell, rest);
    free(rest);
    return mr_command_result(ok);
}

/* \echo to standard output, \qecho to where results go, \warn to stderr. */
static MrCommandStatus command_echo(MrShell *shell, const char *name)
{
    FILE *out = name[0] == 'q' ? shell->out : name[0] == 'w' ? stderr : stdout;
    bool newline = true;
    bool first = true;
    char *argument;
    while ((argument = mr_lexer_argument(&shell->script->lexer, false)) != NULL) {
        if (first && newline && strcmp(argument, "-n") == 0) {
            newline = false;
        } else {
            fprintf(out, first ? "%s" : " %s", argument);
            first = false;
        }
        free(argument);
    }
    fputs(newline ? "\n" : "", out);
    fflush(out);
    return MR_COMMAND_DONE;
}

static MrCommandStatus command_set(MrShell *shell, const char *name)
{
    char *variable = mr_lexer_argument(&shell->script->lexer, false);
    (void)name;
    if (variable == NULL) {
        for (const MrVariable *each = shell->variables.first; each != NULL; each = each->next) {
            printf("%s = '%s'\n", each->name, each->value);
        }
        return MR_COMMAND_DONE;
    }
    MrBuffer value;
    char *part;
    mr_buffer_init(&value);
    while ((part = mr_lexer_argument(&shell->script->lexer, false)) != NULL) {
        mr_buffer_append(&value, part);
        free(part);
    }
    char *complaint = mr_variables_set(&shell->variables, variable, value.data);
    if (complaint != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s", complaint);
    }
    mr_session_set_verbosity(shell);
    bool ok = complaint == NULL;
    free(complaint);
    mr_buffer_fini(&value);
    free(variable);
    return mr_command_result(ok);
}

static MrCommandStatus command_unset(MrShell *shell, const char *name)
{
    char *variable = mr_lexer_argument(&shell->script->lexer, false);
    if (variable == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: missing required argument", name);
        return MR_COMMAND_FAILED;
    }
    char *complaint = mr_variables_set(&shell->variables, variable, NULL);
    bool ok = complaint == NULL;
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s", complaint);
    }
    mr_session_set_verbosity(shell);
    free(complaint);
    free(variable);
    return mr_command_result(ok);
}

static void connection_tell(const MrShell *shell, const char *start, bool address)
{
    const char *host = PQhost(shell->conn);
    const char *numeric = PQhostaddr(shell->conn);
    printf("%s database \"%s\" as user \"%s\"", start, PQdb(shell->conn), PQuser(shell->conn));
    if (host[0] == '/') {
        printf(" via socket in \"%s\"", host);
    } else if (address && numeric != NULL && *numeric != '\0' && strcmp(host, numeric) != 0) {
        printf(" on host \"%s\" (address \"%s\")", host, numeric);
    } else {
        printf(" on host \"%s\"", host);
    }
    printf(" at port \"%s\".\n", PQport(shell->conn));
}

static MrCommandStatus command_conninfo(MrShell *shell, const char *name)
{
    (void)name;
    if (shell->conn == NULL) {
        puts("You are currently not connected to a database.");
    } else {
        connection_tell(shell, "You are connected to", true);
    }
    return MR_COMMAND_DONE;
}

/* \c [DATABASE|- [USER|- [HOST|- [PORT|-]]]]: what is left out stays as it was. */
static MrCommandStatus command_connect(MrShell *shell, const char *name)
{
    char *arguments[4] = { NULL };
    (void)name;
    for (int i = 0; i < 4; i++) {
        arguments[i] = mr_command_argument(shell);
        if (arguments[i] != NULL && strcmp(arguments[i], "-") == 0) {
            free(arguments[i]);
            arguments[i] = NULL;
        }
    }
    PGconn *old = shell->conn;
    const char *database = arguments[0];
    bool whole =
        database != NULL && (strchr(database, '=') != NULL || strstr(database, "://") != NULL);
    char *kept[4] = { NULL };
    if (old != NULL && !whole) {
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
    bool ok = mr_session_connect(shell, &target);
    if (ok) {
        mr_completion_forget();
        if (!mr_variables_is_on(&shell->variables, "QUIET")) {
            connection_tell(shell, "You are now connected to", false);
        }
    } else if (old != NULL && mr_shell_is_interactive(shell)) {
        fputs("Previous connection kept\n", stderr);
    }
    for (int i = 0; i < 4; i++) {
        free(arguments[i]);
        free(kept[i]);
    }
    return mr_command_result(ok);
}

static MrCommandStatus command_encoding(MrShell *shell, const char *name)
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
        ok = false;
    } else {
        mr_shell_set(shell, "ENCODING", pg_encoding_to_char(PQclientEncoding(shell->conn)));
    }
    free(encoding);
    return mr_command_result(ok);
}

static MrCommandStatus command_error(MrShell *shell, const char *name)
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

/* A command is added by one line here. */
static const Command commands[] = {
    { "?", command_help, "", "show this help" },
    { "!", mr_command_system, "[COMMAND]", "run a command of the system, or a shell" },
    { ".", command_data_end, NULL, NULL },
    { "a", mr_command_output_option, "", "toggle between unaligned and aligned output" },
    { "c", command_connect, "[DBNAME|- [USER|- [HOST|- [PORT|-]]]]", "connect anew" },
    { "connect", command_connect, NULL, NULL },
    { "cd", mr_command_directory, "[DIR]", "change the working directory" },
    { "conninfo", command_conninfo, "", "show the connection" },
    { "copy", command_copy, "... FROM|TO FILE ...", "COPY a file of this machine (also .gz)" },
    { "d", mr_command_describe, "[NAME]", "describe a stream or query, or list all" },
    { "d+", mr_command_describe, "NAME", "describe, and show its CREATE statement" },
    { "dm", mr_command_list, "[PATTERN]", "list standing queries" },
    { "ds", mr_command_list, "[PATTERN]", "list streams" },
    { "dv", mr_command_list, "[PATTERN]", "list views" },
    { "e", mr_command_edit, "[FILE]", "edit the statement with $EDITOR" },
    { "edit", mr_command_edit, NULL, NULL },
    { "echo", command_echo, "[-n] [TEXT]", "write to standard output" },
    { "encoding", command_encoding, "[ENCODING]", "show or set the client's encoding" },
    { "errverbose", command_error, "", "show the last error in full" },
    { "f", mr_command_output_option, "[TEXT]", "show or set the field separator" },
    { "g", command_go, "[FILE|'|'COMMAND]", "run the statement, result to file or command" },
    { "gdesc", command_go, "", "describe the result of the statement" },
    { "gset", command_go, "[PREFIX]", "run the statement, result into variables" },
    { "gx", command_go, "[FILE]", "as \\g, expanded" },
    { "h", mr_command_sql_help, "[WORDS]", "help with SQL statements" },
    { "help", mr_command_sql_help, NULL, NULL },
    { "i", command_include, "FILE", "run the statements of a file" },
    { "include", command_include, NULL, NULL },
    { "ir", command_include, "FILE", "as \\i, relative to the running script" },
    { "include_relative", command_include, NULL, NULL },
    { "l", mr_command_list, "", "list the database and the target connections" },
    { "list", mr_command_list, NULL, NULL },
    { "o", command_output, "[FILE|'|'COMMAND]", "send results to a file or command" },
    { "out", command_output, NULL, NULL },
    { "p", mr_command_print, "", "show the statement being typed" },
    { "print", mr_command_print, NULL, NULL },
    { "pset", mr_command_pset, "[OPTION [VALUE]]", "show or set an output option" },
    { "q", command_quit, "", "quit" },
    { "quit", command_quit, NULL, NULL },
    { "qecho", command_echo, "[-n] [TEXT]", "write to where results go" },
    { "r", mr_command_reset, "", "forget the statement being typed" },
    { "reset", mr_command_reset, NULL, NULL },
    { "set", command_set, "[NAME [VALUE]]", "set a variable, or list all" },
    { "t", mr_command_output_option, "[on|off]", "show rows only" },
    { "timing", mr_command_timing, "[on|off]", "toggle the timing of statements" },
    { "unset", command_unset, "NAME", "unset a variable" },
    { "w", mr_command_write, "FILE", "write the statement to a file" },
    { "warn", command_echo, "[-n] [TEXT]", "write to standard error" },
    { "watch", command_watch, "[SECONDS]", "run the statement again and again" },
    { "write", mr_command_write, NULL, NULL },
    { "x", mr_command_output_option, "[on|off|auto]", "toggle expanded output" },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

const char *mr_commands_name(int index)
{
    return index < COMMAND_COUNT ? commands[index].name : NULL;
}

static MrCommandStatus command_help(MrShell *shell, const char *name)
{
    (void)name;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].arguments != NULL) {
            char *usage = mr_text_format("\\%s %s", commands[i].name, commands[i].arguments);
            fprintf(shell->out, "  %-38s %s\n", usage, commands[i].help);
            free(usage);
        }
    }
    fflush(shell->out);
    return MR_COMMAND_DONE;
}

static void warn_about_rest(MrShell *shell, const char *name)
{
    char *argument;
    while ((argument = mr_lexer_argument(&shell->script->lexer, false)) != NULL) {
        mr_shell_message(shell, MR_LEVEL_WARNING, "\\%s: extra argument \"%s\" ignored", name,
                         argument);
        free(argument);
    }
    mr_lexer_skip_arguments(&shell->script->lexer);
}

MrCommandStatus mr_commands_run(MrShell *shell)
{
    MrLexer *lexer = &shell->script->lexer;
    char *name = mr_lexer_command(lexer);
    const Command *command = NULL;
    for (int i = 0; i < COMMAND_COUNT && command == NULL; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            command = &commands[i];
        }
    }
    MrCommandStatus status = MR_COMMAND_FAILED;
    if (command == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "invalid command \\%s", name);
        if (mr_shell_is_interactive(shell)) {
            fputs("Try \\? for help.\n", stderr);
        }
    } else {
        status = command->run(shell, name);
    }
    if (status == MR_COMMAND_FAILED) {
        mr_lexer_feed(lexer, ""); /* the rest of the line was meant for a success */
    } else if (status != MR_COMMAND_EDITED) {
        warn_about_rest(shell, name);
    }
    free(name);
    return status;
}
