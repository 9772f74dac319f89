/*
 * clients/edit.c - commands about the statement being typed, and about the world outside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/commands.h"
#include "clients/describe.h"
#include "clients/input.h"

static const MrBuffer *statement_shown(const MrShell *shell)
{
    const MrScript *script = shell->script;
    return script->statement.length > 0 ? &script->statement : &script->previous;
}

MrCommandStatus mr_command_print(MrShell *shell, const char *name)
{
    const MrBuffer *statement = statement_shown(shell);
    (void)name;
    if (statement->length > 0) {
        puts(statement->data);
    } else if (!mr_variables_is_on(&shell->variables, "QUIET")) {
        puts("Query buffer is empty.");
    }
    fflush(stdout);
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_reset(MrShell *shell, const char *name)
{
    (void)name;
    mr_buffer_clear(&shell->script->statement);
    mr_lexer_reset(&shell->script->lexer);
    if (!mr_variables_is_on(&shell->variables, "QUIET")) {
        puts("Query buffer reset (cleared).");
    }
    return MR_COMMAND_DONE;
}

static bool text_write(MrShell *shell, const char *path, const char *text)
{
    FILE *file;
    bool is_pipe;
    if (!mr_shell_open_output(shell, path, &file, &is_pipe)) {
        return false;
    }
    bool ok = *text == '\0' || fprintf(file, "%s\n", text) > 0;
    if ((is_pipe ? pclose(file) : fclose(file)) != 0) {
        ok = false;
    }
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s", path, strerror(errno));
    }
    return ok;
}

MrCommandStatus mr_command_write(MrShell *shell, const char *name)
{
    char *path = mr_command_argument(shell);
    if (path == NULL) {
        return mr_command_missing(shell, name);
    }
    bool ok = text_write(shell, path, statement_shown(shell)->data);
    free(path);
    return mr_command_result(ok);
}

static bool file_read(MrShell *shell, const char *path, MrBuffer *out)
{
    char block[4096];
    size_t count;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s", path, strerror(errno));
        return false;
    }
    while ((count = fread(block, 1, sizeof(block), file)) > 0) {
        mr_buffer_append_bytes(out, block, count);
    }
    bool ok = !ferror(file);
    fclose(file);
    return ok;
}

/* The first of the variables that is set. */
static const char *environment_first(const char *const *names, const char *otherwise)
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && *value != '\0') {
            return value;
        }
    }
    return otherwise;
}

/* `line`: where to put the cursor; NULL: nowhere. */
static bool editor_run(MrShell *shell, const char *path, const char *line)
{
    static const char *const editors[] = { "MILLRACE_EDITOR", "PSQL_EDITOR", "EDITOR", "VISUAL",
                                           NULL };
    static const char *const arguments[] = { "MILLRACE_EDITOR_LINENUMBER_ARG",
                                             "PSQL_EDITOR_LINENUMBER_ARG", NULL };
    const char *editor = environment_first(editors, "vi");
    MrBuffer command;
    mr_buffer_init(&command);
    mr_buffer_append_format(&command, "exec %s ", editor);
    if (line != NULL) {
        mr_buffer_append_format(&command, "%s%s ", environment_first(arguments, "+"), line);
    }
    mr_buffer_append_char(&command, '\'');
    for (const char *c = path; *c != '\0'; c++) {
        mr_buffer_append(&command, *c == '\'' ? "'\\''" : (char[]){ *c, '\0' });
    }
    mr_buffer_append_char(&command, '\'');
    int status = system(command.data);
    mr_buffer_fini(&command);
    if (status != 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "could not run the editor \"%s\"", editor);
    }
    return status == 0;
}

/* The edited text is read as if it had been typed: with a semicolon it runs, else it waits. */
static bool statement_edit(MrShell *shell, const char *path, const char *line)
{
    MrBuffer text;
    mr_buffer_init(&text);
    bool ok = editor_run(shell, path, line) && file_read(shell, path, &text);
    if (ok) {
        while (text.length > 0 && text.data[text.length - 1] == '\n') {
            mr_buffer_truncate(&text, text.length - 1);
        }
        mr_buffer_clear(&shell->script->statement);
        mr_lexer_reset(&shell->script->lexer);
        mr_lexer_feed(&shell->script->lexer, text.data);
    }
    mr_buffer_fini(&text);
    return ok;
}

/* A text by way of a file that only lives for it. */
static MrCommandStatus text_edit(MrShell *shell, const char *text, const char *line)
{
    const char *directory = getenv("TMPDIR");
    char *path = mr_text_format("%s/millrace.XXXXXX.sql", directory != NULL ? directory : "/tmp");
    int descriptor = mkstemps(path, 4);
    if (descriptor < 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s", path, strerror(errno));
        free(path);
        return MR_COMMAND_FAILED;
    }
    close(descriptor);
    bool ok = text_write(shell, path, text) && statement_edit(shell, path, line);
    unlink(path);
    free(path);
    return ok ? MR_COMMAND_EDITED : MR_COMMAND_FAILED;
}

/* \e [FILE] [LINE]; a number alone is the line. */
MrCommandStatus mr_command_edit(MrShell *shell, const char *name)
{
    char *path = mr_command_argument(shell);
    char *line = path == NULL ? NULL : mr_command_argument(shell);
    MrCommandStatus status;
    (void)name;
    if (path != NULL && line == NULL && path[strspn(path, "0123456789")] == '\0') {
        line = path;
        path = NULL;
    }
    if (line != NULL && (*line == '\0' || line[strspn(line, "0123456789")] != '\0')) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "invalid line number: %s", line);
        status = MR_COMMAND_FAILED;
    } else if (path != NULL) {
        char *full = mr_shell_expand_path(path);
        status = statement_edit(shell, full, line) ? MR_COMMAND_EDITED : MR_COMMAND_FAILED;
        free(full);
    } else {
        status = text_edit(shell, statement_shown(shell)->data, line);
    }
    free(line);
    free(path);
    return status;
}

/* The statement that makes an object, as one that replaces it where that is possible; without a
 * name the form of a new one. */
static MrCommandStatus creation_edit(MrShell *shell, const char *form,
                                     char *(*creation)(MrShell *shell, const char *name))
{
    char *object = mr_command_argument(shell);
    if (object == NULL) {
        return text_edit(shell, form, NULL);
    }
    char *text = creation(shell, object);
    free(object);
    if (text == NULL) {
        return MR_COMMAND_FAILED;
    }
    bool replaces = strncmp(text, "CREATE VIEW", 11) == 0 ||
                    strncmp(text, "CREATE MATERIALIZED VIEW", 24) == 0 ||
                    strncmp(text, "CREATE FUNCTION", 15) == 0;
    char *whole = replaces ? mr_text_format("CREATE OR REPLACE%s", text + strlen("CREATE"))
                           : mr_text_copy(text);
    MrCommandStatus status = text_edit(shell, whole, NULL);
    free(whole);
    free(text);
    return status;
}

MrCommandStatus mr_command_edit_view(MrShell *shell, const char *name)
{
    (void)name;
    return creation_edit(shell, "CREATE VIEW  AS\nSELECT ", mr_describe_creation);
}

MrCommandStatus mr_command_edit_function(MrShell *shell, const char *name)
{
    static const char form[] =
        "CREATE FUNCTION  ( )\n RETURNS \n LANGUAGE SQL AS $$\nSELECT \n$$\n";
    (void)name;
    return creation_edit(shell, form, mr_describe_function);
}

MrCommandStatus mr_command_history(MrShell *shell, const char *name)
{
    char *path = mr_command_argument(shell);
    FILE *out = shell->out;
    bool is_pipe = false;
    bool ok = path == NULL || mr_shell_open_output(shell, path, &out, &is_pipe);
    (void)name;
    if (ok && !mr_input_history(shell->input, out)) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "history is not supported by this installation");
        ok = false;
    }
    if (out != NULL && out != shell->out) {
        mr_shell_close_output(out, is_pipe);
    }
    free(path);
    return mr_command_result(ok);
}

MrCommandStatus mr_command_system(MrShell *shell, const char *name)
{
    char *command = mr_lexer_rest(&shell->script->lexer);
    const char *login = getenv("SHELL");
    (void)name;
    fflush(NULL);
    int status = system(*command != '\0' ? command : login != NULL ? login : "/bin/sh");
    free(command);
    if (status == -1 || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\!: failed");
        return MR_COMMAND_FAILED;
    }
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_directory(MrShell *shell, const char *name)
{
    char *argument = mr_command_argument(shell);
    char *path = mr_shell_expand_path(argument != NULL ? argument : "~");
    bool ok = chdir(path) == 0;
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: could not change directory to \"%s\": %s",
                         name, path, strerror(errno));
    }
    free(path);
    free(argument);
    return mr_command_result(ok);
}
