/*
 * clients/help.c - \?, and \h: the forms of the SQL statements of synopses.def.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/commands.h"
#include "clients/options.h"

typedef struct Synopsis {
    const char *name;
    const char *summary;
    const char *form;
} Synopsis;

static const Synopsis synopses[] = {
#define MR_SYNOPSIS(name, summary, form) { name, summary, form },
#include "clients/synopses.def"
#undef MR_SYNOPSIS
};

enum { SYNOPSIS_COUNT = sizeof(synopses) / sizeof(synopses[0]) };

/* The words are the beginning of its name, or go on behind it: COPY t FROM …. */
static bool is_asked_for(const Synopsis *synopsis, const char *words, size_t length)
{
    const size_t name = strlen(synopsis->name);
    return strncasecmp(synopsis->name, words, length) == 0 ||
           (name < length && words[name] == ' ' && strncasecmp(synopsis->name, words, name) == 0);
}

MrCommandStatus mr_command_sql_help(MrShell *shell, const char *name)
{
    char *words = mr_lexer_rest(&shell->script->lexer);
    size_t length = strcspn(words, ";");
    bool found = false;
    (void)name;
    if (length == 0) {
        fputs("Help is there for:\n", shell->out);
    }
    for (int i = 0; i < SYNOPSIS_COUNT; i++) {
        const Synopsis *synopsis = &synopses[i];
        if (length == 0) {
            fprintf(shell->out, "  %-26s %s\n", synopsis->name, synopsis->summary);
            found = true;
        } else if (is_asked_for(synopsis, words, length)) {
            fprintf(shell->out, "Command:     %s\nDescription: %s\nSyntax:\n%s\n\n", synopsis->name,
                    synopsis->summary, synopsis->form);
            found = true;
        }
    }
    if (!found) {
        fprintf(shell->out,
                "No help available for \"%.*s\".\n"
                "Try \\h with no arguments to see available help.\n",
                (int)length, words);
    }
    fflush(shell->out);
    free(words);
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_help(MrShell *shell, const char *name)
{
    char *topic = mr_command_argument(shell);
    (void)name;
    if (topic == NULL || strcmp(topic, "commands") == 0) {
        mr_commands_help(shell->out);
    } else if (strcmp(topic, "options") == 0) {
        mr_options_help();
    } else if (strcmp(topic, "variables") == 0) {
        mr_variables_help(shell->out);
    } else {
        mr_commands_help(shell->out);
    }
    fflush(shell->out);
    free(topic);
    return MR_COMMAND_DONE;
}
