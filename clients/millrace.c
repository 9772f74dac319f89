/*
 * clients/millrace.c - the shell's main(): options, connection, start file, then what to run.
 */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/commands.h"
#include "clients/completion.h"
#include "clients/execute.h"
#include "clients/input.h"
#include "clients/options.h"
#include "clients/script.h"
#include "clients/session.h"

/* Widths of characters need a UTF-8 locale, whatever the environment says. */
static void locale_choose(void)
{
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static void start_file_run(MrShell *shell)
{
    const char *named = getenv("MILLRACERC");
    char *path = mr_shell_expand_path(named != NULL && *named != '\0' ? named : "~/.millracerc");
    if (access(path, R_OK) == 0) {
        mr_script_include(shell, path, false);
    }
    free(path);
}

/* BEGIN and its kin around -1: only their errors are shown. */
static bool transaction_send(MrShell *shell, const char *sql)
{
    PGresult *result = PQexec(shell->conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", PQresultErrorMessage(result));
    }
    PQclear(result);
    return ok;
}

/* All -c and -f.  The exit code is that of the last one, or of the first that stops them. */
static MrExit actions_run(MrShell *shell, const MrOptions *options)
{
    MrExit exit_code = MR_EXIT_OK;
    bool failed = false;
    if (options->single_transaction && !transaction_send(shell, "BEGIN")) {
        return MR_EXIT_FAILURE;
    }
    for (const MrAction *action = options->actions; action != NULL; action = action->next) {
        exit_code = action->is_file ? mr_script_include(shell, action->text, false)
                                    : mr_script_command(shell, action->text);
        failed |= exit_code != MR_EXIT_OK;
        if (exit_code != MR_EXIT_OK && mr_variables_is_on(&shell->variables, "ON_ERROR_STOP")) {
            break;
        }
    }
    if (options->single_transaction) {
        bool keep = !failed || !mr_variables_is_on(&shell->variables, "ON_ERROR_STOP");
        if (!transaction_send(shell, keep ? "COMMIT" : "ROLLBACK") && exit_code == MR_EXIT_OK) {
            exit_code = MR_EXIT_FAILURE;
        }
    }
    return exit_code;
}

static MrExit standard_input_run(MrShell *shell)
{
    bool interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!interactive) {
        return mr_script_run(shell, stdin, NULL, false);
    }
    if (!mr_variables_is_on(&shell->variables, "QUIET")) {
        const char *version = PQparameterStatus(shell->conn, "server_version");
        printf("millrace (%s, server %s)\nType \"help\" for help.\n\n", MR_SHELL_VERSION,
               version != NULL ? version : "unknown");
    }
    shell->input = mr_input_create(shell);
    MrExit exit_code = mr_script_run(shell, stdin, NULL, true);
    mr_input_destroy(shell->input);
    shell->input = NULL;
    return exit_code;
}

static MrExit shell_run(MrShell *shell, const MrOptions *options)
{
    if (options->output != NULL &&
        !mr_shell_open_output(shell, options->output, &shell->out, &shell->out_is_pipe)) {
        return MR_EXIT_FAILURE;
    }
    mr_session_set_defaults();
    if (!mr_session_connect(shell, &options->target)) {
        return MR_EXIT_CONNECTION;
    }
    mr_session_catch_interrupts();
    if (options->list) {
        return mr_catalogue_databases(shell) ? MR_EXIT_OK : MR_EXIT_FAILURE;
    }
    if (!options->skip_start_file) {
        start_file_run(shell);
    }
    return options->actions != NULL ? actions_run(shell, options) : standard_input_run(shell);
}

/* The connection opened in place of a standard output that is closed would be sent the results. */
static void streams_hold(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    MrShell shell;
    MrOptions options;
    MrExit exit_code;
    streams_hold();
    locale_choose();
    mr_shell_init(&shell);
    if (mr_options_read(&shell, argc, argv, &options, &exit_code)) {
        exit_code = shell_run(&shell, &options);
    }
    mr_options_fini(&options);
    mr_completion_forget();
    mr_shell_fini(&shell);
    return (int)exit_code;
}
