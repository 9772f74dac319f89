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
    const char *name; /* of a section: its title */
    MrCommandRun run; /* NULL: a section begins */
    unsigned flags;
    const char *arguments; /* for \?; NULL: another spelling, not shown there */
    const char *help;
} Command;

/* A command is added by one line in commands.def. */
static const Command commands[] = {
#define MR_COMMAND_SECTION(title) { title, NULL, 0, NULL, NULL },
#define MR_COMMAND(name, run, flags, arguments, help) { name, run, flags, arguments, help },
#define MR_COMMAND_ALIAS(name, run, flags) { name, run, flags, NULL, NULL },
#include "clients/commands.def"
#undef MR_COMMAND_SECTION
#undef MR_COMMAND
#undef MR_COMMAND_ALIAS
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

char *mr_command_argument(MrShell *shell)
{
    return mr_lexer_argument(&shell->script->lexer, true);
}

MrCommandStatus mr_command_result(bool ok)
{
    return ok ? MR_COMMAND_DONE : MR_COMMAND_FAILED;
}

MrCommandStatus mr_command_missing(MrShell *shell, const char *name)
{
    mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: missing required argument", name);
    return MR_COMMAND_FAILED;
}

/* The end of COPY data whose COPY has failed: what stands before it is no statement. */
MrCommandStatus mr_command_data_end(MrShell *shell, const char *name)
{
    (void)name;
    mr_buffer_clear(&shell->script->statement);
    mr_lexer_reset(&shell->script->lexer);
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_quit(MrShell *shell, const char *name)
{
    (void)shell;
    (void)name;
    return MR_COMMAND_QUIT;
}

/* \restrict KEY: until \unrestrict comes with the same key no other command runs.  A dump is read
 * so, whose data might otherwise pass for commands. */
MrCommandStatus mr_command_restrict(MrShell *shell, const char *name)
{
    char *key = mr_lexer_argument(&shell->script->lexer, true);
    if (key == NULL || *key == '\0') {
        free(key);
        return mr_command_missing(shell, name);
    }
    free(shell->restrict_key);
    shell->restrict_key = key;
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_unrestrict(MrShell *shell, const char *name)
{
    char *key = mr_lexer_argument(&shell->script->lexer, true);
    MrCommandStatus status = MR_COMMAND_FAILED;
    if (key == NULL || *key == '\0') {
        status = mr_command_missing(shell, name);
    } else if (shell->restrict_key == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\unrestrict: not currently in restricted mode");
    } else if (strcmp(shell->restrict_key, key) != 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\unrestrict: wrong key");
    } else {
        free(shell->restrict_key);
        shell->restrict_key = NULL;
        status = MR_COMMAND_DONE;
    }
    free(key);
    return status;
}

/* "(option=value option ...)" in front of \g's file: they hold for this result.  False after a
 * message. */
static bool go_options(MrShell *shell, char *first)
{
    char *word = first;
    bool ended = false;
    bool ok = true;
    shell->send.print = mr_allocate(sizeof(MrPrintOptions));
    mr_print_options_copy(shell->send.print, &shell->print);
    while (ok && !ended && word != NULL) {
        size_t start = word == first ? 1 : 0;
        size_t length = strlen(word);
        ended = length > start && word[length - 1] == ')';
        word[ended ? length - 1 : length] = '\0';
        char *value = strchr(word + start, '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        ok = word[start] == '\0' ||
             mr_output_set_in(shell, shell->send.print, word + start, value, true);
        if (word != first) {
            free(word);
        }
        word = ok && !ended ? mr_lexer_argument(&shell->script->lexer, false) : NULL;
    }
    if (ok && !ended) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\g: missing right parenthesis");
    }
    return ok && ended;
}

/* A file, or |COMMAND with all the rest of the line. */
static char *go_target(MrShell *shell, char *argument)
{
    if (argument == NULL || argument[0] != '|') {
        return argument;
    }
    char *rest = mr_lexer_rest(&shell->script->lexer);
    char *whole = mr_text_format("%s %s", argument, rest);
    free(rest);
    free(argument);
    return whole;
}

/* \g [(OPTIONS)] [FILE], \gx the same, \gdesc, \gexec, \gset [PREFIX] */
MrCommandStatus mr_command_go(MrShell *shell, const char *name)
{
    bool plain = strcmp(name, "g") == 0 || strcmp(name, "gx") == 0;
    bool sets = strcmp(name, "gset") == 0;
    char *argument = plain || sets ? mr_lexer_argument(&shell->script->lexer, false) : NULL;
    MrSendValues *values = shell->send.values; /* \bind stands before \g */
    shell->send.values = NULL;
    mr_execute_forget(shell);
    shell->send = (MrSend){ .expanded = strcmp(name, "gx") == 0,
                            .describe = strcmp(name, "gdesc") == 0,
                            .execute = strcmp(name, "gexec") == 0,
                            .values = values };
    if (sets) {
        shell->send.set_prefix = argument != NULL ? argument : mr_text_copy("");
        return MR_COMMAND_SEND;
    }
    if (argument != NULL && argument[0] == '(') {
        bool ok = go_options(shell, argument);
        free(argument);
        if (!ok) {
            mr_execute_forget(shell);
            return MR_COMMAND_FAILED;
        }
        argument = mr_lexer_argument(&shell->script->lexer, false);
    }
    shell->send.target = go_target(shell, argument);
    return MR_COMMAND_SEND;
}

/* \bind [VALUE]...: what comes next is sent with these as text; the server finds their types. */
MrCommandStatus mr_command_bind(MrShell *shell, const char *name)
{
    MrSendValues *values = mr_allocate(sizeof(*values));
    char *argument;
    (void)name;
    while ((argument = mr_lexer_argument(&shell->script->lexer, false)) != NULL) {
        values->texts =
            mr_reallocate(values->texts, (size_t)(values->count + 1) * sizeof(*values->texts));
        values->texts[values->count++] = argument;
    }
    mr_execute_forget(shell);
    shell->send.values = values;
    return MR_COMMAND_DONE;
}

/* What follows \watch: SEC, what later psql's know as i=SEC, c=COUNT and m=ROWS, and "change". */
static bool watch_read(MrShell *shell, MrWatch *watch)
{
    static const char *const values[] = { "interval", "iteration count", "minimum row" };
    static const char letters[] = "icm";
    char *argument;
    bool ok = true;
    while (ok && (argument = mr_command_argument(shell)) != NULL) {
        const char *letter =
            argument[0] != '\0' && argument[1] == '=' ? strchr(letters, argument[0]) : NULL;
        int which = letter != NULL ? (int)(letter - letters) : 0;
        char *text = argument + (letter != NULL ? 2 : 0);
        char *end;
        double number = strtod(text, &end);
        bool changes = strcmp(argument, "change") == 0;
        ok = changes || (*end == '\0' && end != text && number >= 0 && number <= 1000000);
        if (!ok) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "\\watch: incorrect %s value \"%s\"",
                             values[which], text);
        } else if (changes) {
            watch->until_change = true;
        } else if (which == 0) {
            watch->seconds = number;
        } else {
            *(which == 1 ? &watch->count : &watch->rows_min) = (long)number;
        }
        free(argument);
    }
    watch->seconds = watch->seconds == 0 ? 1 : watch->seconds;
    return ok;
}

MrCommandStatus mr_command_watch(MrShell *shell, const char *name)
{
    MrScript *script = shell->script;
    MrWatch watch = { .seconds = 2 };
    (void)name;
    if (!watch_read(shell, &watch)) {
        return MR_COMMAND_FAILED;
    }
    const MrBuffer *watched = script->statement.length > 0 ? &script->statement : &script->previous;
    if (watched->length == 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\watch cannot be used with an empty query");
        return MR_COMMAND_FAILED;
    }
    char *sql = mr_text_copy(watched->data);
    bool ok = mr_execute_watch(shell, sql, &watch);
    mr_buffer_clear(&script->previous);
    mr_buffer_append(&script->previous, sql);
    mr_buffer_clear(&script->statement);
    mr_lexer_reset(&script->lexer);
    free(sql);
    return mr_command_result(ok);
}

MrCommandStatus mr_command_include(MrShell *shell, const char *name)
{
    char *path = mr_command_argument(shell);
    if (path == NULL) {
        return mr_command_missing(shell, name);
    }
    MrExit exit_code =
        mr_script_include(shell, path, name[1] == 'r' || strcmp(name, "include_relative") == 0);
    free(path);
    return mr_command_result(exit_code == MR_EXIT_OK);
}

MrCommandStatus mr_command_output(MrShell *shell, const char *name)
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

MrCommandStatus mr_command_copy(MrShell *shell, const char *name)
{
    char *rest = mr_lexer_rest(&shell->script->lexer);
    (void)name;
    bool ok = mr_copy_command(shell, rest);
    free(rest);
    return mr_command_result(ok);
}

const char *mr_commands_name(int *index)
{
    while (*index < COMMAND_COUNT && commands[*index].run == NULL) {
        (*index)++;
    }
    return *index < COMMAND_COUNT ? commands[*index].name : NULL;
}

void mr_commands_help(FILE *out)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].run == NULL) {
            fprintf(out, "%s%s\n", i > 0 ? "\n" : "", commands[i].name);
        } else if (commands[i].arguments != NULL) {
            unsigned flags = commands[i].flags;
            const char *letters = (flags & MR_COMMAND_FUNCTIONS) != 0 ? "[anptwS+]"
                                  : (flags & MR_COMMAND_LETTERS) != 0 ? "[S+]"
                                                                      : "";
            char *usage =
                mr_text_format("\\%s%s %s", commands[i].name, letters, commands[i].arguments);
            fprintf(out, "  %-36s %s\n", usage, commands[i].help);
            free(usage);
        }
    }
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

typedef struct Suffix {
    unsigned flag;
    const char *letters;
} Suffix;

/* \dtS+ is \dt with letters behind it, \dtv is \d with others. */
static bool name_fits(const Command *command, const char *name, const Suffix *suffix)
{
    size_t length = strlen(command->name);
    if (command->run == NULL || strncmp(command->name, name, length) != 0) {
        return false;
    }
    bool has = (command->flags & suffix->flag) != 0;
    return name[length + (has ? strspn(name + length, suffix->letters) : 0)] == '\0';
}

static const Command *command_find(const char *name)
{
    static const Suffix suffixes[] = { { MR_COMMAND_LETTERS, "S+" },
                                       { MR_COMMAND_FUNCTIONS, "anptwS+" },
                                       { MR_COMMAND_PARTITIONS, "itnS+" },
                                       { MR_COMMAND_KINDS, "tvmsiS+" } };
    for (size_t pass = 0; pass < sizeof(suffixes) / sizeof(suffixes[0]); pass++) {
        for (int i = 0; i < COMMAND_COUNT; i++) {
            if (name_fits(&commands[i], name, &suffixes[pass])) {
                return &commands[i];
            }
        }
    }
    return NULL;
}

/* Within an ignored part of \if: the arguments are read over. */
static MrCommandStatus command_ignore(MrShell *shell, const Command *command, const char *name)
{
    if (mr_shell_is_interactive(shell)) {
        mr_shell_message(shell, MR_LEVEL_WARNING,
                         "\\%s command ignored; use \\endif or Ctrl-C to exit current \\if block",
                         name);
    }
    if ((command->flags & MR_COMMAND_LINE) != 0) {
        free(mr_lexer_rest(&shell->script->lexer));
    } else {
        mr_lexer_skip_arguments(&shell->script->lexer);
    }
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_commands_run(MrShell *shell)
{
    MrLexer *lexer = &shell->script->lexer;
    char *name = mr_lexer_command(lexer);
    const Command *command = command_find(name);
    MrCommandStatus status = MR_COMMAND_FAILED;
    if (command == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "invalid command \\%s", name);
        if (mr_shell_is_interactive(shell)) {
            fputs("Try \\? for help.\n", stderr);
        }
    } else if (lexer->inactive && (command->flags & MR_COMMAND_BRANCH) == 0) {
        status = command_ignore(shell, command, name);
    } else if (shell->restrict_key != NULL && command->run != mr_command_unrestrict) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "backslash commands are restricted; only \\unrestrict is allowed");
    } else {
        status = command->run(shell, name);
    }
    if (lexer->unterminated) {
        lexer->unterminated = false;
        mr_shell_message(shell, MR_LEVEL_ERROR, "unterminated quoted string");
        status = MR_COMMAND_FAILED;
    }
    if (status == MR_COMMAND_FAILED) {
        mr_lexer_feed(lexer, ""); /* the rest of the line was meant for a success */
    } else if (status != MR_COMMAND_EDITED) {
        warn_about_rest(shell, name);
    }
    free(name);
    return status;
}
