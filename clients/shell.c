/*
 * clients/shell.c - the state of one run of the shell, and its messages.
 */
#include "clients/shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clients/screen.h"

void mr_shell_init(MrShell *shell)
{
    memset(shell, 0, sizeof(*shell));
    mr_variables_init(&shell->variables);
    mr_shell_set(shell, "LAST_ERROR_MESSAGE", "");
    mr_shell_set(shell, "LAST_ERROR_SQLSTATE", "00000");
    mr_print_options_init(&shell->print);
    shell->out = stdout;
    shell->edit_lines = true;
    mr_shell_set(shell, "VERSION", "millrace " MR_SHELL_VERSION);
    mr_shell_set(shell, "VERSION_NAME", MR_SHELL_VERSION);
}

void mr_shell_fini(MrShell *shell)
{
    if (shell->out != stdout) {
        mr_shell_close_output(shell->out, shell->out_is_pipe);
    }
    PQfinish(shell->conn);
    PQfinish(shell->lost_conn);
    if (shell->log != NULL) {
        fclose(shell->log);
    }
    PQclear(shell->last_error);
    free(shell->user_option);
    free(shell->restrict_key);
    free(shell->send.target);
    free(shell->send.set_prefix);
    mr_variables_fini(&shell->variables);
    mr_print_options_fini(&shell->print);
}

bool mr_shell_is_interactive(const MrShell *shell)
{
    return shell->script != NULL && shell->script->interactive;
}

void mr_shell_message(const MrShell *shell, MrLevel level, const char *format, ...)
{
    static const char *const labels[] = { "", "warning: ", "error: " };
    const MrScript *script = shell->script;
    bool named = script != NULL && script->name != NULL;
    if (shell->screen != NULL) {
        mr_screen_close(shell->screen);
    }
    fflush(stdout);
    if (named) {
        fprintf(stderr, "millrace:%s:%lu: ", script->name, script->line_number);
    } else if (!shell->brief) {
        fputs("millrace: ", stderr);
    }
    if (!shell->brief) {
        fputs(labels[level], stderr);
    }
    MrBuffer text;
    char line[1024];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    mr_buffer_init(&text);
    if (length >= (int)sizeof(line)) {
        char *longer = mr_allocate((size_t)length + 1);
        va_start(list, format);
        vsnprintf(longer, (size_t)length + 1, format, list);
        va_end(list);
        mr_buffer_append(&text, longer);
        free(longer);
    } else {
        mr_buffer_append(&text, line);
    }
    /* libpq's messages end their last line themselves, ours do not. */
    if (text.length > 0 && text.data[text.length - 1] == '\n') {
        mr_buffer_truncate(&text, text.length - 1);
    }
    fprintf(stderr, "%s\n", text.data);
    mr_buffer_fini(&text);
}

void mr_shell_set(MrShell *shell, const char *name, const char *value)
{
    char *complaint = mr_variables_set(&shell->variables, name, value);
    if (complaint != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s", complaint);
        free(complaint);
    }
}

char *mr_shell_quote(const char *text, char quote)
{
    MrBuffer out;
    mr_buffer_init(&out);
    if (quote == '\'' && strchr(text, '\\') != NULL) {
        mr_buffer_append(&out, " E"); /* right whatever standard_conforming_strings is */
    }
    mr_buffer_append_char(&out, quote);
    for (; *text != '\0'; text++) {
        if (*text == quote || (quote == '\'' && *text == '\\')) {
            mr_buffer_append_char(&out, *text);
        }
        mr_buffer_append_char(&out, *text);
    }
    mr_buffer_append_char(&out, quote);
    return out.data;
}

char *mr_shell_lookup(void *context, const char *name, MrSubstitute how)
{
    const MrShell *shell = context;
    const char *value = mr_variables_get(&shell->variables, name);
    if (how == MR_SUBSTITUTE_TEST) {
        return mr_text_copy(value != NULL ? "TRUE" : "FALSE");
    }
    if (value == NULL) {
        return NULL;
    }
    if (how == MR_SUBSTITUTE_PLAIN) {
        return mr_text_copy(value);
    }
    return mr_shell_quote(value, how == MR_SUBSTITUTE_LITERAL ? '\'' : '"');
}

bool mr_shell_open_output(const MrShell *shell, const char *target, FILE **out, bool *is_pipe)
{
    *is_pipe = target[0] == '|';
    if (*is_pipe) {
        fflush(stdout);
        *out = popen(target + 1, "w");
    } else {
        char *path = mr_shell_expand_path(target);
        *out = fopen(path, "w");
        free(path);
    }
    if (*out == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s", target, strerror(errno));
        return false;
    }
    return true;
}

void mr_shell_close_output(FILE *out, bool is_pipe)
{
    if (is_pipe) {
        pclose(out);
    } else {
        fclose(out);
    }
}

char *mr_shell_expand_path(const char *path)
{
    const char *home = getenv("HOME");
    if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && home != NULL) {
        return mr_text_format("%s%s", home, path + 1);
    }
    return mr_text_copy(path);
}
