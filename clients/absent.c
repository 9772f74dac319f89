/*
 * clients/absent.c - psql's commands about things that a stream server has none of: they say so.
 */
#include <stdio.h>
#include <string.h>

#include "clients/commands.h"

static const char *const absent[][2] = {
    { "copyright",
      "Millrace is free software: see LICENSE, or /usr/share/doc/millrace/copyright." },
    { "dA", "There are no operator classes: values that can be compared can be keys." },
    { "dc", "There are no conversions: all text is UTF-8." },
    { "dd", "There are no other comments than those that \\d+ and the lists with + show." },
    { "deu", "There are no user mappings: each connection logs in as its options say." },
    { "dF", "There is no text search." },
    { "dL", "There are no procedural languages: functions are written in SQL." },
    { "dl", "There are no large objects." },
    { "dP", "There are no partitioned tables." },
    { "drds", "Settings are not kept per role: \\dconfig lists those of the server." },
    { "dR", "There are no publications: SUBSCRIBE and sinks give changes to others." },
    { "dX", "There are no extended statistics." },
    { "dy", "There are no event triggers." },
    { "lo_", "There are no large objects." },
};

/* Lists are empty, so to say; what should change something fails. */
MrCommandStatus mr_command_absent(MrShell *shell, const char *name)
{
    const char *text = "";
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        if (strncmp(name, absent[i][0], strlen(absent[i][0])) == 0) {
            text = absent[i][1];
            break;
        }
    }
    mr_lexer_skip_arguments(&shell->script->lexer);
    if (strncmp(name, "lo_", 3) == 0 && strncmp(name, "lo_list", 7) != 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: there are no large objects", name);
        return MR_COMMAND_FAILED;
    }
    fprintf(shell->out, "%s\n", text);
    fflush(shell->out);
    return MR_COMMAND_DONE;
}
