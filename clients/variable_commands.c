/*
 * clients/variable_commands.c - commands that write and set: \echo, \set, \prompt, \getenv ...
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/commands.h"
#include "clients/input.h"
#include "clients/session.h"

/* \echo to standard output, \qecho to where results go, \warn to stderr. */
MrCommandStatus mr_command_echo(MrShell *shell, const char *name)
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

MrCommandStatus mr_command_set(MrShell *shell, const char *name)
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
    mr_input_configure(shell->input);
    bool ok = complaint == NULL;
    free(complaint);
    mr_buffer_fini(&value);
    free(variable);
    return mr_command_result(ok);
}

MrCommandStatus mr_command_unset(MrShell *shell, const char *name)
{
    char *variable = mr_lexer_argument(&shell->script->lexer, false);
    if (variable == NULL) {
        return mr_command_missing(shell, name);
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

/* \prompt [TEXT] NAME: from standard input where it is the terminal or -f, without editing. */
MrCommandStatus mr_command_prompt(MrShell *shell, const char *name)
{
    char *text = mr_lexer_argument(&shell->script->lexer, false);
    char *variable = text == NULL ? NULL : mr_lexer_argument(&shell->script->lexer, false);
    char *line = NULL;
    size_t size = 0;
    if (text == NULL) {
        return mr_command_missing(shell, name);
    }
    if (variable == NULL) {
        variable = text;
        text = NULL;
    }
    if (text != NULL) {
        /* What is piped in answers as a user would, and results go on without the question. */
        FILE *out = shell->script->name != NULL || isatty(STDIN_FILENO) ? stdout : stderr;
        fputs(text, out);
        fflush(out);
    }
    bool ok = getline(&line, &size, stdin) >= 0 && !mr_interrupted;
    if (ok) {
        line[strcspn(line, "\r\n")] = '\0';
        char *complaint = mr_variables_set(&shell->variables, variable, line);
        ok = complaint == NULL;
        if (!ok) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "%s", complaint);
        }
        free(complaint);
    } else if (!mr_interrupted) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: could not read value for variable", name);
    }
    free(line);
    free(text);
    free(variable);
    return mr_command_result(ok);
}

MrCommandStatus mr_command_getenv(MrShell *shell, const char *name)
{
    char *variable = mr_lexer_argument(&shell->script->lexer, false);
    char *environment = variable == NULL ? NULL : mr_lexer_argument(&shell->script->lexer, false);
    MrCommandStatus status = MR_COMMAND_DONE;
    if (environment == NULL) {
        status = mr_command_missing(shell, name);
    } else {
        const char *value = getenv(environment);
        char *complaint =
            value == NULL ? NULL : mr_variables_set(&shell->variables, variable, value);
        if (complaint != NULL) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: %s", name, complaint);
            free(complaint);
            status = MR_COMMAND_FAILED;
        }
    }
    free(variable);
    free(environment);
    return status;
}

MrCommandStatus mr_command_setenv(MrShell *shell, const char *name)
{
    char *variable = mr_lexer_argument(&shell->script->lexer, false);
    char *value = variable == NULL ? NULL : mr_lexer_argument(&shell->script->lexer, false);
    MrCommandStatus status = MR_COMMAND_DONE;
    if (variable == NULL) {
        return mr_command_missing(shell, name);
    }
    if (strchr(variable, '=') != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "\\%s: environment variable name must not contain \"=\"", name);
        status = MR_COMMAND_FAILED;
    } else if (value == NULL) {
        unsetenv(variable);
    } else {
        setenv(variable, value, 1);
    }
    free(variable);
    free(value);
    return status;
}
