/*
 * clients/script.c - the loop: reads lines, cuts them into statements and commands, runs them.
 */
#include "clients/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/input.h"
#include "clients/session.h"

enum { INCLUDE_DEPTH_MAX = 50 };

static void script_open(MrShell *shell, MrScript *script, FILE *file, const char *name)
{
    *script = (MrScript){ .file = file, .name = name, .outer = shell->script };
    mr_lexer_init(&script->lexer, mr_shell_lookup, shell);
    mr_buffer_init(&script->statement);
    mr_buffer_init(&script->previous);
    shell->script = script;
}

static void script_close(MrShell *shell, MrScript *script)
{
    mr_conditional_clear(&script->conditional);
    mr_lexer_fini(&script->lexer);
    mr_buffer_fini(&script->statement);
    mr_buffer_fini(&script->previous);
    shell->script = script->outer;
}

/* The next line without its end; NULL: none, or Ctrl-C (mr_interrupted is set).  The caller frees
 * it.  A recalled statement of several lines comes as one "line". */
static char *script_read(MrShell *shell, MrScript *script)
{
    char *line = NULL;
    size_t size = 0;
    if (script->interactive) {
        char state = mr_lexer_prompt(&script->lexer, &script->statement);
        bool first = state == '=' || state == '@';
        const char *format = mr_variables_get(&shell->variables, first ? "PROMPT1" : "PROMPT2");
        char *prompt = mr_session_prompt(shell, format, state);
        line = mr_input_read(shell->input, prompt);
        free(prompt);
        return line;
    }
    ssize_t length = getline(&line, &size, script->file);
    if (length < 0) {
        free(line);
        return NULL;
    }
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
        line[--length] = '\0';
    }
    if (script->line_number == 0 && strncmp(line, "\xef\xbb\xbf", 3) == 0) {
        memmove(line, line + 3, strlen(line + 3) + 1); /* a byte order mark is no SQL */
    }
    return line;
}

/* Sends the collected statement and keeps it as the previous one. */
static bool script_send(MrShell *shell, MrScript *script)
{
    if (script->interactive && script->statement.length > 0) {
        mr_input_remember(shell->input, script->statement.data, script->begins_blank);
    }
    const MrBuffer *sent = script->statement.length > 0 ? &script->statement : &script->previous;
    char *sql = mr_text_copy(sent->data);
    bool ok = mr_execute(shell, sql);
    mr_buffer_clear(&script->previous);
    mr_buffer_append(&script->previous, sql);
    mr_buffer_clear(&script->statement);
    mr_lexer_reset(&script->lexer);
    free(sql);
    return ok;
}

/* A statement within an ignored part of \if; \endif will cut it off. */
static bool script_ignore(MrShell *shell, const MrScript *script)
{
    if (script->interactive) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "query ignored; use \\endif or Ctrl-C to exit current \\if block");
    }
    return true;
}

/* A line that added nothing to the statement has not lengthened it, except within quotes. */
static void newline_take_back(MrScript *script)
{
    if (script->newline_end > 0 && script->statement.length == script->newline_end &&
        script->lexer.state == MR_LEX_PLAIN) {
        mr_buffer_truncate(&script->statement, script->newline_end - 1);
    }
    script->newline_end = 0;
}

/* Everything on the line.  Returns false when the line met an error; *quit: leave the script. */
static bool script_scan(MrShell *shell, MrScript *script, bool *quit)
{
    bool ok = true;
    bool stops = false;
    while (!*quit && !stops) {
        switch (mr_lexer_scan(&script->lexer, &script->statement)) {
        case MR_LEXED_SEMICOLON:
            ok = mr_conditional_runs(script->conditional) ? script_send(shell, script)
                                                          : script_ignore(shell, script);
            break;
        case MR_LEXED_BACKSLASH:
            newline_take_back(script);
            switch (mr_commands_run(shell)) {
            case MR_COMMAND_DONE:
            case MR_COMMAND_EDITED: ok = true; break;
            case MR_COMMAND_SEND: ok = script_send(shell, script); break;
            case MR_COMMAND_QUIT: *quit = true; break;
            case MR_COMMAND_FAILED: ok = false; break;
            }
            break;
        case MR_LEXED_LINE_END:
            if (script->statement.length > 0 && script->lexer.state == MR_LEX_PLAIN &&
                script->lexer.paren_depth == 0 &&
                mr_variables_is_on(&shell->variables, "SINGLELINE") &&
                mr_conditional_runs(script->conditional)) {
                ok = script_send(shell, script);
            }
            return ok;
        }
        stops = !ok && mr_variables_is_on(&shell->variables, "ON_ERROR_STOP");
        stops |= mr_interrupted != 0;
    }
    return ok;
}

/* At an empty prompt, words of other shells: nobody should have to search for the way out. */
static bool plain_word(const MrScript *script, const char *line, bool *quit)
{
    if (!script->interactive || script->statement.length > 0) {
        return false;
    }
    size_t length = strcspn(line, "; \t");
    if (line[length + strspn(line + length, "; \t")] != '\0') {
        return false;
    }
    if (length == 4 && strncasecmp(line, "help", 4) == 0) {
        puts("You are using millrace, the command-line shell of Millrace.\n"
             "Type:  \\h for help with SQL statements\n"
             "       \\? for help with the shell's commands\n"
             "       \\g or terminate with semicolon to execute a statement\n"
             "       \\q to quit");
        return true;
    }
    *quit = length == 4 && (strncasecmp(line, "quit", 4) == 0 || strncasecmp(line, "exit", 4) == 0);
    return *quit;
}

/* One line.  Returns false after an error. */
static bool script_line(MrShell *shell, MrScript *script, const char *line, bool *quit)
{
    const char *echo = mr_variables_get(&shell->variables, "ECHO");
    if (*line == '\0' && !mr_lexer_is_quoted(&script->lexer)) {
        return true; /* no part of a statement, as in psql */
    }
    if (!script->interactive && echo != NULL && strcasecmp(echo, "all") == 0) {
        puts(line);
        fflush(stdout);
    }
    if (plain_word(script, line, quit)) {
        return true;
    }
    const char *standard = PQparameterStatus(shell->conn, "standard_conforming_strings");
    script->lexer.standard_strings = standard == NULL || strcmp(standard, "off") != 0;
    script->newline_end = 0;
    if (script->statement.length == 0) {
        script->begins_blank = line[0] == ' ';
    } else {
        mr_buffer_append_char(&script->statement, '\n');
        script->newline_end = script->statement.length;
    }
    mr_lexer_feed(&script->lexer, line);
    bool backslash = line[strspn(line, " \t")] == '\\';
    if (script->interactive && backslash) {
        mr_input_remember(shell->input, line, line[0] == ' ');
    }
    bool ok = script_scan(shell, script, quit);
    newline_take_back(script);
    return ok;
}

/* After Ctrl-C: the open statement is forgotten, and at the terminal the innermost \if is left. */
static void script_abandon(MrShell *shell, MrScript *script)
{
    mr_buffer_clear(&script->statement);
    mr_lexer_reset(&script->lexer);
    mr_interrupted = 0;
    if (script->interactive && script->conditional != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\if: escaped");
        mr_conditional_pop(&script->conditional);
        script->lexer.inactive = !mr_conditional_runs(script->conditional);
    }
}

/* What a script leaves open at its end. */
static MrExit script_end(MrShell *shell, MrScript *script)
{
    MrExit stopped =
        mr_variables_is_on(&shell->variables, "ON_ERROR_STOP") ? MR_EXIT_SCRIPT : MR_EXIT_OK;
    MrExit exit_code = MR_EXIT_OK;
    /* A statement without a semicolon is a statement all the same. */
    if (!script->interactive && script->statement.length > 0 &&
        mr_conditional_runs(script->conditional) && !script_send(shell, script)) {
        exit_code = stopped;
    }
    if (script->conditional != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "reached EOF without finding closing \\endif(s)");
        exit_code = script->interactive ? MR_EXIT_OK : stopped;
    }
    if (script->interactive && !mr_variables_is_on(&shell->variables, "QUIET")) {
        puts("\\q");
    }
    return exit_code;
}

/* Ctrl-D at the prompt is one of IGNOREEOF that are only told how to leave. */
static bool end_is_ignored(MrShell *shell, const MrScript *script, long *ends)
{
    if (!script->interactive || ++*ends > mr_variables_number(&shell->variables, "IGNOREEOF", 0)) {
        return false;
    }
    if (!mr_variables_is_on(&shell->variables, "QUIET")) {
        puts("Use \"\\q\" to leave millrace.");
    }
    clearerr(stdin);
    return true;
}

static MrExit script_loop(MrShell *shell, MrScript *script)
{
    bool quit = false;
    long ends = 0;
    while (!quit) {
        char *line = script_read(shell, script);
        if (mr_interrupted) {
            free(line);
            script_abandon(shell, script);
            if (!script->interactive) {
                return MR_EXIT_SCRIPT;
            }
            clearerr(stdin);
            continue;
        }
        if (line == NULL && end_is_ignored(shell, script, &ends)) {
            continue;
        }
        if (line == NULL) {
            break;
        }
        ends = 0;
        script->line_number++;
        bool ok = script_line(shell, script, line, &quit);
        free(line);
        if (mr_interrupted && !script->interactive) {
            mr_interrupted = 0;
            return MR_EXIT_SCRIPT;
        }
        if (mr_interrupted) {
            script_abandon(shell, script);
        } else if (!ok && mr_variables_is_on(&shell->variables, "ON_ERROR_STOP")) {
            if (!script->interactive) {
                return MR_EXIT_SCRIPT;
            }
            mr_buffer_clear(&script->statement);
            mr_lexer_reset(&script->lexer);
        }
        fflush(shell->out);
    }
    return quit ? MR_EXIT_OK : script_end(shell, script);
}

MrExit mr_script_run(MrShell *shell, FILE *file, const char *name, bool interactive)
{
    MrScript script;
    script_open(shell, &script, file, name);
    script.interactive = interactive;
    if (name == NULL) {
        shell->brief = true; /* from now on, as in psql */
    }
    MrExit exit_code = script_loop(shell, &script);
    script_close(shell, &script);
    return exit_code;
}

/* Where a path named in the running script points: beside that script. */
static char *path_relative(const MrShell *shell, const char *path)
{
    const char *script = shell->script != NULL ? shell->script->name : NULL;
    const char *slash = script != NULL ? strrchr(script, '/') : NULL;
    if (path[0] == '/' || path[0] == '~' || slash == NULL) {
        return mr_shell_expand_path(path);
    }
    return mr_text_format("%.*s/%s", (int)(slash - script), script, path);
}

MrExit mr_script_include(MrShell *shell, const char *path, bool relative)
{
    if (strcmp(path, "-") == 0) {
        return mr_script_run(shell, stdin, "<stdin>", false);
    }
    if (shell->include_depth >= INCLUDE_DEPTH_MAX) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: scripts are nested too deeply", path);
        return MR_EXIT_FAILURE;
    }
    char *full = relative ? path_relative(shell, path) : mr_shell_expand_path(path);
    FILE *file = fopen(full, "r");
    MrExit exit_code = MR_EXIT_FAILURE;
    if (file == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s", full, strerror(errno));
    } else {
        shell->include_depth++;
        exit_code = mr_script_run(shell, file, full, false);
        shell->include_depth--;
        fclose(file);
    }
    free(full);
    return exit_code;
}

MrExit mr_script_command(MrShell *shell, const char *text)
{
    MrScript script;
    bool ok = true;
    script_open(shell, &script, NULL, NULL);
    shell->brief = true;
    const char *echo = mr_variables_get(&shell->variables, "ECHO");
    if (echo != NULL && strcasecmp(echo, "all") == 0) {
        puts(text);
    }
    if (text[0] == '\\') {
        mr_lexer_feed(&script.lexer, text + 1);
        MrCommandStatus status = mr_commands_run(shell);
        ok = status == MR_COMMAND_SEND ? script_send(shell, &script) : status != MR_COMMAND_FAILED;
        if (script.conditional != NULL) {
            mr_shell_message(shell, MR_LEVEL_ERROR,
                             "reached EOF without finding closing \\endif(s)");
            ok = false;
        }
    } else {
        ok = mr_execute(shell, text);
    }
    script_close(shell, &script);
    return ok ? MR_EXIT_OK : MR_EXIT_FAILURE;
}
