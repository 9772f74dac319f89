/*
 * clients/load_options.c - the command line of mrload: one table makes the parser and --help.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/load.h"
#include "clients/shell.h"

enum {
    OPTION_RATE = 256,
    OPTION_REPLAY,
    OPTION_TIME_COLUMN,
    OPTION_FORMAT,
    OPTION_HEADER,
    OPTION_NO_HEADER,
    OPTION_COLUMNS,
    OPTION_DELIMITER,
    OPTION_QUOTE,
    OPTION_NULL,
    OPTION_ON_ERROR,
    OPTION_HTTP,
    OPTION_BATCH,
    OPTION_SKIP,
    OPTION_INTERVAL,
    OPTION_HELP
};

typedef struct Option {
    int letter; /* above 255: only the long name */
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *help;
} Option;

static const Option option_table[] = {
    { OPTION_RATE, "rate", "ROWS", "so many rows a second (also 10k, 1.5M); default: all at once" },
    { OPTION_REPLAY, "replay", "SPEED", "by the rows' own time, so many times as fast (60x)" },
    { OPTION_TIME_COLUMN, "time-column", "NAME", "the column or member that --replay goes by" },
    { OPTION_FORMAT, "format", "FORMAT",
      "csv, json (lines), text (of COPY); default: by the name" },
    { OPTION_HEADER, "header", NULL, "csv: the first line has the columns' names" },
    { OPTION_NO_HEADER, "no-header", NULL, "csv: it has not; default: look" },
    { OPTION_COLUMNS, "columns", "LIST", "the columns that the fields are for: a,b,c" },
    { OPTION_DELIMITER, "delimiter", "CHAR", "between fields (csv: \",\", text: tab)" },
    { OPTION_QUOTE, "quote", "CHAR", "around fields of csv (\")" },
    { OPTION_NULL, "null", "TEXT", "what stands for NULL (csv: nothing, text: \\N)" },
    { OPTION_ON_ERROR, "on-error", "WHAT", "a row that cannot be read: stop (default) or ignore" },
    { OPTION_HTTP, "http", "URL", "send by HTTP to URL/streams/STREAM (http://localhost:8080)" },
    { OPTION_BATCH, "batch", "ROWS", "rows that are acknowledged together (default 100000)" },
    { OPTION_SKIP, "skip", "ROWS", "leave out the first rows: they are in already" },
    { OPTION_INTERVAL, "interval", "SECONDS", "between lines of progress without a terminal (10)" },
    { 'h', "host", "HOST", "host or socket directory (default: PGHOST, localhost)" },
    { 'p', "port", "PORT", "port (default: PGPORT, 7432)" },
    { 'U', "username", "NAME", "user (default: PGUSER, the name in the system)" },
    { 'd', "dbname", "DBNAME", "database, conninfo string or URI" },
    { 'w', "no-password", NULL, "never ask for a password" },
    { 'W', "password", NULL, "ask for a password before connecting" },
    { 'q', "quiet", NULL, "no progress and no summary" },
    { 'V', "version", NULL, "show the version and exit" },
    { OPTION_HELP, "help", NULL, "show this help and exit (also -?)" },
};

enum { OPTION_COUNT = sizeof(option_table) / sizeof(option_table[0]) };

static void options_help(void)
{
    puts("mrload feeds a stream or table of Millrace from files.\n\n"
         "Usage:\n  mrload [OPTION]... STREAM [FILE|DIRECTORY|-]...\n\n"
         "Files are csv, JSON lines or COPY's text, also packed (.gz); default: standard input.\n"
         "\nOptions:");
    for (int i = 0; i < OPTION_COUNT; i++) {
        const Option *option = &option_table[i];
        const char *equals = option->argument != NULL ? "=" : "";
        const char *argument = option->argument != NULL ? option->argument : "";
        char *usage =
            option->letter < 256
                ? mr_text_format("-%c, --%s%s%s", option->letter, option->name, equals, argument)
                : mr_text_format("    --%s%s%s", option->name, equals, argument);
        printf("  %-30s %s\n", usage, option->help);
        free(usage);
    }
    puts("\nExit codes: 0 all rows are acknowledged; 1 command line or file; 2 connection; 3 the "
         "server\nrefused a row; 130 Ctrl-C.  What is acknowledged is told, with the --skip to go "
         "on by.");
}

/* A number with k, M or G; false: it is none, or not positive. */
static bool number_read(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    double unit = *end == 'k' || *end == 'K' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    end += unit > 1;
    *out *= unit;
    return end != text && *end == '\0' && *out > 0 && *out < 1e15;
}

static bool number_option(MrLoad *load, const char *name, const char *text, double *out)
{
    if (number_read(text, out)) {
        return true;
    }
    mr_load_message(load, "--%s: \"%s\" is not a number above 0", name, text);
    return false;
}

static bool count_option(MrLoad *load, const char *name, const char *text, uint64_t *out)
{
    double number;
    if (!number_option(load, name, text, &number)) {
        return false;
    }
    *out = (uint64_t)number;
    return true;
}

static bool replay_option(MrLoad *load, const char *text)
{
    size_t length = strlen(text);
    char *number =
        mr_text_copy_bytes(text, length > 0 && text[length - 1] == 'x' ? length - 1 : length);
    bool ok = number_option(load, "replay", number, &load->pace.speed);
    free(number);
    return ok;
}

static bool format_option(MrLoad *load, const char *text)
{
    static const char *const names[] = {
        [MR_LOAD_CSV] = "csv", [MR_LOAD_TEXT] = "text", [MR_LOAD_JSON] = "json"
    };
    for (int i = MR_LOAD_CSV; i <= MR_LOAD_JSON; i++) {
        if (strcmp(names[i], text) == 0) {
            load->format = (MrLoadFormat)i;
            return true;
        }
    }
    mr_load_message(load, "--format: \"%s\" is none of csv, json, text", text);
    return false;
}

static bool character_option(MrLoad *load, const char *name, const char *text, const char **out)
{
    *out = strcmp(text, "\\t") == 0 ? "\t" : text;
    if (strlen(*out) == 1) {
        return true;
    }
    mr_load_message(load, "--%s: \"%s\" is not one character", name, text);
    return false;
}

static bool on_error_option(MrLoad *load, const char *text)
{
    load->on_error = text;
    if (strcmp(text, "stop") == 0 || strcmp(text, "ignore") == 0) {
        return true;
    }
    mr_load_message(load, "--on-error: \"%s\" is neither stop nor ignore", text);
    return false;
}

static bool option_apply(MrLoad *load, int letter, const char *value)
{
    switch (letter) {
    case OPTION_RATE: return number_option(load, "rate", value, &load->pace.rate);
    case OPTION_REPLAY: return replay_option(load, value);
    case OPTION_TIME_COLUMN: load->pace.column = value; break;
    case OPTION_FORMAT: return format_option(load, value);
    case OPTION_HEADER: load->header = MR_LOAD_HEADER_YES; break;
    case OPTION_NO_HEADER: load->header = MR_LOAD_HEADER_NO; break;
    case OPTION_COLUMNS: load->column_list = value; break;
    case OPTION_DELIMITER: return character_option(load, "delimiter", value, &load->delimiter);
    case OPTION_QUOTE: return character_option(load, "quote", value, &load->quote);
    case OPTION_NULL: load->null_text = value; break;
    case OPTION_ON_ERROR: return on_error_option(load, value);
    case OPTION_HTTP: load->url = value; break;
    case OPTION_BATCH: return count_option(load, "batch", value, &load->batch_rows);
    case OPTION_SKIP: return count_option(load, "skip", value, &load->skip);
    case OPTION_INTERVAL: return number_option(load, "interval", value, &load->line_seconds);
    case 'h': load->host = value; break;
    case 'p': load->port = value; break;
    case 'U': load->user = value; break;
    case 'd': load->database = value; break;
    case 'w': load->password_option = -1; break;
    case 'W': load->password_option = 1; break;
    case 'q': load->quiet = true; break;
    default: return false;
    }
    return true;
}

static void tables_make(char *letters, struct option *longs)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const Option *option = &option_table[i];
        longs[i] = (struct option){ option->name,
                                    option->argument != NULL ? required_argument : no_argument,
                                    NULL, option->letter };
        if (option->letter < 256) {
            *letters++ = (char)option->letter;
            if (option->argument != NULL) {
                *letters++ = ':';
            }
        }
    }
    *letters = '\0';
    longs[OPTION_COUNT] = (struct option){ 0 };
}

/* What does not go together, rather than being ignored. */
static bool options_fit(MrLoad *load)
{
    const char *wrong = NULL;
    if (load->pace.speed > 0 && load->pace.column == NULL) {
        wrong = "--replay needs --time-column";
    } else if (load->pace.column != NULL && load->pace.speed <= 0) {
        wrong = "--time-column is for --replay";
    } else if (load->url != NULL && (load->delimiter != NULL || load->quote != NULL ||
                                     load->null_text != NULL || load->on_error != NULL)) {
        wrong = "--http sends csv as it is: it takes no --delimiter, --quote, --null, --on-error";
    } else if (load->url != NULL && load->format == MR_LOAD_TEXT) {
        wrong = "--http takes csv and json";
    } else if (load->url != NULL &&
               (load->host != NULL || load->port != NULL || load->database != NULL)) {
        wrong = "--http has its host and port in the URL";
    }
    if (wrong != NULL) {
        mr_load_message(load, "%s", wrong);
    }
    return wrong == NULL;
}

static bool operands_read(MrLoad *load, int argc, char **argv)
{
    if (optind == argc) {
        mr_load_message(load, "the name of a stream is missing\n"
                              "Try \"mrload --help\" for more information.");
        return false;
    }
    load->stream_name = argv[optind++];
    if (optind == argc) {
        return mr_load_files_add(&load->files, "-") == NULL;
    }
    for (; optind < argc; optind++) {
        const char *wrong = mr_load_files_add(&load->files, argv[optind]);
        if (wrong != NULL) {
            mr_load_message(load, "%s: %s", argv[optind], wrong);
            return false;
        }
    }
    if (load->files.count == 0) {
        mr_load_message(load, "there is no file to load");
        return false;
    }
    return true;
}

bool mr_load_options_read(MrLoad *load, int argc, char **argv, MrLoadExit *exit_code)
{
    char letters[2 * OPTION_COUNT + 1];
    struct option longs[OPTION_COUNT + 1];
    int letter;
    *exit_code = MR_LOAD_EXIT_OK;
    tables_make(letters, longs);
    while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (letter == OPTION_HELP || (letter == '?' && optopt == '?')) {
            options_help();
            return false;
        }
        if (letter == 'V') {
            puts("mrload (Millrace) " MR_SHELL_VERSION);
            return false;
        }
        if (letter == '?') {
            fputs("Try \"mrload --help\" for more information.\n", stderr);
        }
        if (letter == '?' || !option_apply(load, letter, optarg)) {
            *exit_code = MR_LOAD_EXIT_INPUT;
            return false;
        }
    }
    bool ok = options_fit(load) && operands_read(load, argc, argv);
    *exit_code = ok ? MR_LOAD_EXIT_OK : MR_LOAD_EXIT_INPUT;
    return ok;
}
