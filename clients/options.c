/*
 * clients/options.c - the command line.
 */
#include "clients/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"

enum { OPTION_CSV = 256, OPTION_HELP };

typedef struct Option {
    int letter; /* above 255: only the long name */
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *help;
} Option;

/* An option is added by one line here and one case in option_apply. */
static const Option option_table[] = {
    { 'c', "command", "COMMAND", "run one command (SQL or backslash) and exit; may be repeated" },
    { 'd', "dbname", "DBNAME", "database, conninfo string or URI to connect to" },
    { 'f', "file", "FILE", "run the commands of a file and exit; may be repeated" },
    { 'l', "list", NULL, "list the database and the target connections, then exit" },
    { 'v', "variable", "NAME=VALUE", "set a variable, for example -v ON_ERROR_STOP=1" },
    { 'V', "version", NULL, "show the version and exit" },
    { 'X', "no-millracerc", NULL, "do not read the start file ~/.millracerc" },
    { '1', "single-transaction", NULL, "run all -c and -f as one transaction" },
    { OPTION_HELP, "help", "[=commands|options|variables]",
      "show this help, or another, and exit (also -?)" },
    { 'a', "echo-all", NULL, "show all lines of scripts" },
    { 'b', "echo-errors", NULL, "show statements that failed" },
    { 'e', "echo-queries", NULL, "show statements sent to the server" },
    { 'E', "echo-hidden", NULL, "show statements that backslash commands send" },
    { 'L', "log-file", "FILE", "write statements and results to a file, too" },
    { 'n', "no-readline", NULL, "no line editing" },
    { 'o', "output", "FILE", "send results to a file, or with |COMMAND to a command" },
    { 'q', "quiet", NULL, "no greeting, no states of statements" },
    { 's', "single-step", NULL, "confirm every statement" },
    { 'S', "single-line", NULL, "the end of a line ends a statement" },
    { 'A', "no-align", NULL, "unaligned output" },
    { OPTION_CSV, "csv", NULL, "CSV output" },
    { 'F', "field-separator", "TEXT", "between fields of unaligned output (default \"|\")" },
    { 'H', "html", NULL, "HTML output" },
    { 'P', "pset", "OPTION[=VALUE]", "set an output option, as \\pset does" },
    { 'R', "record-separator", "TEXT", "between rows of unaligned output (default: newline)" },
    { 't', "tuples-only", NULL, "rows only" },
    { 'T', "table-attr", "TEXT", "attributes of the HTML <table>" },
    { 'x', "expanded", NULL, "expanded output" },
    { 'z', "field-separator-zero", NULL, "a zero byte between fields of unaligned output" },
    { '0', "record-separator-zero", NULL, "a zero byte between rows of unaligned output" },
    { 'h', "host", "HOST", "host or socket directory (default: PGHOST, localhost)" },
    { 'p', "port", "PORT", "port (default: PGPORT, 7432)" },
    { 'U', "username", "NAME", "user (default: PGUSER, the name in the system)" },
    { 'w', "no-password", NULL, "never ask for a password" },
    { 'W', "password", NULL, "ask for a password before connecting" },
};

enum { OPTION_COUNT = sizeof(option_table) / sizeof(option_table[0]) };

/* psql's spellings, for scripts that were written for it. */
static const struct option synonyms[] = {
    { "set", required_argument, NULL, 'v' },
    { "no-psqlrc", no_argument, NULL, 'X' },
};

enum { SYNONYM_COUNT = sizeof(synonyms) / sizeof(synonyms[0]) };

void mr_options_help(void)
{
    puts("millrace is the command-line shell of Millrace.\n\n"
         "Usage:\n  millrace [OPTION]... [DBNAME [USERNAME]]\n\nOptions:");
    for (int i = 0; i < OPTION_COUNT; i++) {
        const Option *option = &option_table[i];
        const char *argument = option->argument != NULL ? option->argument : "";
        const char *equals = *argument != '\0' && *argument != '[' ? "=" : "";
        char *usage = option->letter < 256 ? mr_text_format("-%c, --%s%s%s", option->letter,
                                                            option->name, equals, argument)
                                           : mr_text_format("    --%s%s", option->name, argument);
        printf("  %-32s %s\n", usage, option->help);
        free(usage);
    }
    puts("\nWithout -c and -f the shell reads standard input.  \\? in it lists its commands.");
}

static void action_add(MrOptions *options, bool is_file, const char *text)
{
    MrAction **place = &options->actions;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = mr_allocate(sizeof(MrAction));
    (*place)->is_file = is_file;
    (*place)->text = text;
}

/* "NAME=VALUE" as two; without the equals sign the value is NULL. */
static bool pair_apply(MrShell *shell, const char *text, bool is_variable)
{
    const char *equals = strchr(text, '=');
    char *name =
        equals == NULL ? mr_text_copy(text) : mr_text_copy_bytes(text, (size_t)(equals - text));
    const char *value = equals == NULL ? NULL : equals + 1;
    bool ok = true;
    if (is_variable) {
        char *complaint = mr_variables_set(&shell->variables, name, value);
        ok = complaint == NULL;
        if (!ok) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "%s", complaint);
        }
        free(complaint);
    } else if (!mr_output_set(shell, name, value, true)) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "could not set printing parameter \"%s\"", name);
        ok = false;
    }
    free(name);
    return ok;
}

static bool log_open(MrShell *shell, const char *path)
{
    if (shell->log != NULL) {
        fclose(shell->log);
    }
    shell->log = fopen(path, "a");
    if (shell->log == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "could not open log file \"%s\": %s", path,
                         strerror(errno));
    }
    return shell->log != NULL;
}

static bool option_apply(MrShell *shell, MrOptions *options, int letter, char *value)
{
    switch (letter) {
    case 'c': action_add(options, false, value); break;
    case 'f': action_add(options, true, value); break;
    case 'd': options->target.database = value; break;
    case 'h': options->target.host = value; break;
    case 'p': options->target.port = value; break;
    case 'U': options->target.user = value; break;
    case 'l': options->list = true; break;
    case 'X': options->skip_start_file = true; break;
    case '1': options->single_transaction = true; break;
    case 'o': options->output = value; break;
    case 'v': return pair_apply(shell, value, true);
    case 'P': return pair_apply(shell, value, false);
    case 'a': mr_shell_set(shell, "ECHO", "all"); break;
    case 'b': mr_shell_set(shell, "ECHO", "errors"); break;
    case 'e': mr_shell_set(shell, "ECHO", "queries"); break;
    case 'E': mr_shell_set(shell, "ECHO_HIDDEN", "on"); break;
    case 'q': mr_shell_set(shell, "QUIET", "on"); break;
    case 's': mr_shell_set(shell, "SINGLESTEP", "on"); break;
    case 'S': mr_shell_set(shell, "SINGLELINE", "on"); break;
    case 'n': shell->edit_lines = false; break;
    case 'L': return log_open(shell, value);
    case 'H': return mr_output_set(shell, "format", "html", true);
    case 'T': return mr_output_set(shell, "tableattr", value, true);
    case 'z': return mr_output_set(shell, "fieldsep_zero", "on", true);
    case '0': return mr_output_set(shell, "recordsep_zero", "on", true);
    case 'A': return mr_output_set(shell, "format", "unaligned", true);
    case OPTION_CSV: return mr_output_set(shell, "format", "csv", true);
    case 'F': return mr_output_set(shell, "fieldsep", value, true);
    case 'R': return mr_output_set(shell, "recordsep", value, true);
    case 't': return mr_output_set(shell, "tuples_only", "on", true);
    case 'x': return mr_output_set(shell, "expanded", "on", true);
    case 'w': shell->password_option = -1; break;
    case 'W': shell->password_option = 1; break;
    default: return false;
    }
    return true;
}

static int argument_kind(const Option *option)
{
    return option->argument == NULL     ? no_argument
           : option->argument[0] == '[' ? optional_argument
                                        : required_argument;
}

/* --help[=commands|options|variables] */
static bool help_show(const char *topic)
{
    if (topic == NULL || strcmp(topic, "options") == 0) {
        mr_options_help();
    } else if (strcmp(topic, "commands") == 0) {
        mr_commands_help(stdout);
    } else if (strcmp(topic, "variables") == 0) {
        mr_variables_help(stdout);
    } else {
        return false;
    }
    return true;
}

/* libc's own tables, made from ours. */
static void tables_make(char *letters, struct option *longs)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const Option *option = &option_table[i];
        longs[i] = (struct option){ option->name, argument_kind(option), NULL, option->letter };
        if (option->letter < 256) {
            *letters++ = (char)option->letter;
            if (argument_kind(option) == required_argument) {
                *letters++ = ':';
            }
        }
    }
    *letters = '\0';
    memcpy(longs + OPTION_COUNT, synonyms, sizeof(synonyms));
    longs[OPTION_COUNT + SYNONYM_COUNT] = (struct option){ 0 };
}

static void operands_read(MrShell *shell, int argc, char **argv, MrOptions *options)
{
    for (; optind < argc; optind++) {
        if (options->target.database == NULL) {
            options->target.database = argv[optind];
        } else if (options->target.user == NULL) {
            options->target.user = argv[optind];
        } else {
            mr_shell_message(shell, MR_LEVEL_WARNING, "extra command-line argument \"%s\" ignored",
                             argv[optind]);
        }
    }
}

bool mr_options_read(MrShell *shell, int argc, char **argv, MrOptions *options, MrExit *exit_code)
{
    char letters[2 * OPTION_COUNT + 1];
    struct option longs[OPTION_COUNT + SYNONYM_COUNT + 1];
    int letter;
    *options = (MrOptions){ 0 };
    *exit_code = MR_EXIT_OK;
    tables_make(letters, longs);
    if (argc > 1 && strcmp(argv[1], "-?") == 0) { /* getopt would call it unknown */
        return help_show(NULL) && false;
    }
    while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (letter == OPTION_HELP) {
            if (!help_show(optarg)) {
                fputs("Try \"millrace --help\" for more information.\n", stderr);
                *exit_code = MR_EXIT_FAILURE;
            }
            return false;
        }
        if (letter == 'V') {
            puts("millrace (Millrace) " MR_SHELL_VERSION);
            return false;
        }
        if (letter == '?') {
            fputs("Try \"millrace --help\" for more information.\n", stderr);
        }
        if (letter == '?' || !option_apply(shell, options, letter, optarg)) {
            *exit_code = MR_EXIT_FAILURE;
            return false;
        }
    }
    operands_read(shell, argc, argv, options);
    if (options->target.user != NULL) {
        shell->user_option = mr_text_copy(options->target.user);
    }
    if (options->single_transaction && options->actions == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "-1 can only be used in non-interactive mode");
        *exit_code = MR_EXIT_FAILURE;
        return false;
    }
    return true;
}

void mr_options_fini(MrOptions *options)
{
    while (options->actions != NULL) {
        MrAction *action = options->actions;
        options->actions = action->next;
        free(action);
    }
}
