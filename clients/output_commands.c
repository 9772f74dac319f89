/*
 * clients/output_commands.c - the commands and options that say how results look.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/commands.h"

typedef enum Kind {
    KIND_FLAG,     /* bool; without a value it toggles */
    KIND_NUMBER,   /* int from 0 to `most` */
    KIND_CHOICE,   /* an enum, by its words */
    KIND_TEXT,     /* char *; without a value it stays */
    KIND_UNSETABLE /* char *; without a value it is unset */
} Kind;

typedef struct OutputOption {
    const char *name;
    Kind kind;
    size_t offset; /* into MrPrintOptions */
    void (*tell)(const MrPrintOptions *print);
    int most;
    const char *const *words;
    /* Says what is wrong with a text, NULL: nothing. */
    const char *(*complain)(const char *value);
    const char *kinds; /* what the words are, in a message */
} OutputOption;

static const char *const
    format_words[] = { /* in the order of MrFormat */
                       "aligned",         "asciidoc", "csv",      "html",      "json",    "latex",
                       "latex-longtable", "markdown", "troff-ms", "unaligned", "wrapped", NULL
    };
static const char *const line_words[] = { "ascii", "unicode", NULL };
static const char *const stroke_words[] = { "single", "double", NULL };

static void put_text(const char *label, const char *value)
{
    printf("%s is \"%s\".\n", label, value);
}

static void put_flag(const char *label, bool on)
{
    printf("%s is %s.\n", label, on ? "on" : "off");
}

static void border_tell(const MrPrintOptions *print)
{
    printf("Border style is %d.\n", print->border);
}

static void columns_tell(const MrPrintOptions *print)
{
    if (print->columns == 0) {
        puts("Target width is unset.");
    } else {
        printf("Target width is %d.\n", print->columns);
    }
}

static void csv_separator_tell(const MrPrintOptions *print)
{
    put_text("Field separator for CSV", print->csv_separator);
}

static void expanded_tell(const MrPrintOptions *print)
{
    puts(print->expanded == MR_EXPANDED_AUTO ? "Expanded display is used automatically."
         : print->expanded == MR_EXPANDED_ON ? "Expanded display is on."
                                             : "Expanded display is off.");
}

static void field_separator_tell(const MrPrintOptions *print)
{
    if (print->field_separator_zero) {
        puts("Field separator is zero byte.");
    } else {
        put_text("Field separator", print->field_separator);
    }
}

static void footer_tell(const MrPrintOptions *print)
{
    put_flag("Default footer", print->footer);
}

static void format_tell(const MrPrintOptions *print)
{
    printf("Output format is %s.\n", format_words[print->format]);
}

static void lines_tell(const MrPrintOptions *print)
{
    printf("Line style is %s.\n", line_words[print->lines]);
}

static void null_tell(const MrPrintOptions *print)
{
    put_text("Null display", print->null_text);
}

static void numeric_tell(const MrPrintOptions *print)
{
    put_flag("Locale-adjusted numeric output", print->numeric_locale);
}

static void pager_tell(const MrPrintOptions *print)
{
    puts(print->pager == MR_PAGER_ALWAYS ? "Pager is always used."
         : print->pager == MR_PAGER_ON   ? "Pager is used for long output."
                                         : "Pager usage is off.");
}

static void pager_lines_tell(const MrPrintOptions *print)
{
    printf("Pager won't be used for less than %d line%s.\n", print->pager_min_lines,
           print->pager_min_lines == 1 ? "" : "s");
}

static void record_separator_tell(const MrPrintOptions *print)
{
    if (print->record_separator_zero) {
        puts("Record separator is zero byte.");
    } else if (strcmp(print->record_separator, "\n") == 0) {
        puts("Record separator is <newline>.");
    } else {
        put_text("Record separator", print->record_separator);
    }
}

static void attributes_tell(const MrPrintOptions *print)
{
    if (print->table_attributes != NULL) {
        printf("Table attributes are \"%s\".\n", print->table_attributes);
    } else {
        puts("Table attributes unset.");
    }
}

static void title_tell(const MrPrintOptions *print)
{
    if (print->title != NULL) {
        put_text("Title", print->title);
    } else {
        puts("Title is unset.");
    }
}

static void tuples_tell(const MrPrintOptions *print)
{
    put_flag("Tuples only", print->tuples_only);
}

static void border_stroke_tell(const MrPrintOptions *print)
{
    put_text("Unicode border line style", stroke_words[print->border_stroke]);
}

static void column_stroke_tell(const MrPrintOptions *print)
{
    put_text("Unicode column line style", stroke_words[print->column_stroke]);
}

static void header_stroke_tell(const MrPrintOptions *print)
{
    put_text("Unicode header line style", stroke_words[print->header_stroke]);
}

static const char *csv_separator_complain(const char *value)
{
    if (strlen(value) != 1) {
        return "csv_fieldsep must be a single one-byte character";
    }
    return strchr("\"\n\r", value[0]) != NULL
               ? "csv_fieldsep cannot be a double quote, a newline, or a carriage return"
               : NULL;
}

#define AT(member) offsetof(MrPrintOptions, member)

/* An output option is added by one line here, in the order of the alphabet. */
static const OutputOption options[] = {
    { "border", KIND_NUMBER, AT(border), border_tell, 65535, NULL, NULL, NULL },
    { "columns", KIND_NUMBER, AT(columns), columns_tell, 1000000, NULL, NULL, NULL },
    { "csv_fieldsep", KIND_TEXT, AT(csv_separator), csv_separator_tell, 0, NULL,
      csv_separator_complain, NULL },
    { "expanded", KIND_CHOICE, AT(expanded), expanded_tell, 0, NULL, NULL, NULL },
    { "fieldsep", KIND_TEXT, AT(field_separator), field_separator_tell, 0, NULL, NULL, NULL },
    { "fieldsep_zero", KIND_FLAG, AT(field_separator_zero), field_separator_tell, 0, NULL, NULL,
      NULL },
    { "footer", KIND_FLAG, AT(footer), footer_tell, 0, NULL, NULL, NULL },
    { "format", KIND_CHOICE, AT(format), format_tell, 0, format_words, NULL, "formats" },
    { "linestyle", KIND_CHOICE, AT(lines), lines_tell, 0, line_words, NULL, "line styles" },
    { "null", KIND_TEXT, AT(null_text), null_tell, 0, NULL, NULL, NULL },
    { "numericlocale", KIND_FLAG, AT(numeric_locale), numeric_tell, 0, NULL, NULL, NULL },
    { "pager", KIND_CHOICE, AT(pager), pager_tell, 0, NULL, NULL, NULL },
    { "pager_min_lines", KIND_NUMBER, AT(pager_min_lines), pager_lines_tell, 1000000000, NULL, NULL,
      NULL },
    { "recordsep", KIND_TEXT, AT(record_separator), record_separator_tell, 0, NULL, NULL, NULL },
    { "recordsep_zero", KIND_FLAG, AT(record_separator_zero), record_separator_tell, 0, NULL, NULL,
      NULL },
    { "tableattr", KIND_UNSETABLE, AT(table_attributes), attributes_tell, 0, NULL, NULL, NULL },
    { "title", KIND_UNSETABLE, AT(title), title_tell, 0, NULL, NULL, NULL },
    { "tuples_only", KIND_FLAG, AT(tuples_only), tuples_tell, 0, NULL, NULL, NULL },
    { "unicode_border_linestyle", KIND_CHOICE, AT(border_stroke), border_stroke_tell, 0,
      stroke_words, NULL, "Unicode border line styles" },
    { "unicode_column_linestyle", KIND_CHOICE, AT(column_stroke), column_stroke_tell, 0,
      stroke_words, NULL, "Unicode column line styles" },
    { "unicode_header_linestyle", KIND_CHOICE, AT(header_stroke), header_stroke_tell, 0,
      stroke_words, NULL, "Unicode header line styles" },
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

/* The short spellings of psql. */
static const char *option_full_name(const char *name)
{
    static const char *const shorts[][2] = {
        { "x", "expanded" }, { "vertical", "expanded" }, { "t", "tuples_only" },
        { "C", "title" },    { "T", "tableattr" },
    };
    for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++) {
        if (strcmp(shorts[i][0], name) == 0) {
            return shorts[i][1];
        }
    }
    return name;
}

static const OutputOption *option_find(const char *name)
{
    const char *full = option_full_name(name);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, full) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

/* ---- Setting --------------------------------------------------------------------------------- */

static bool boolean_set(const MrShell *shell, const char *name, const char *value, bool *flag)
{
    if (value == NULL) {
        *flag = !*flag;
        return true;
    }
    if (mr_boolean_read(value, flag)) {
        return true;
    }
    mr_shell_message(shell, MR_LEVEL_ERROR,
                     "unrecognized value \"%s\" for \"%s\": Boolean expected", value, name);
    return false;
}

static bool number_set(const MrShell *shell, const OutputOption *option, const char *value,
                       int *place)
{
    char *end;
    if (value == NULL) {
        return true;
    }
    long number = strtol(value, &end, 10);
    if (*end != '\0' || end == value || number < 0 || number > option->most) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\pset: %s must be a number from 0 to %d",
                         option->name, option->most);
        return false;
    }
    *place = (int)number;
    return true;
}

/* expanded and pager: a boolean with a third word. */
static bool third_set(const MrShell *shell, const char *name, const char *word, const char *value,
                      int *place)
{
    bool on = *place != 0; /* from the third, too, a toggle switches off */
    if (value != NULL && strcasecmp(value, word) == 0) {
        *place = 2;
        return true;
    }
    if (value == NULL) {
        on = !on;
    } else if (!mr_boolean_read(value, &on)) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "unrecognized value \"%s\" for \"%s\"\n"
                         "Available values are: on, off, %s.",
                         value, name, word);
        return false;
    }
    *place = on ? 1 : 0;
    return true;
}

static void words_tell(const MrShell *shell, const OutputOption *option)
{
    MrBuffer list;
    mr_buffer_init(&list);
    for (int i = 0; option->words[i] != NULL; i++) {
        mr_buffer_append(&list, i > 0 ? ", " : "");
        mr_buffer_append(&list, option->words[i]);
    }
    mr_shell_message(shell, MR_LEVEL_ERROR, "\\pset: allowed %s are %s", option->kinds, list.data);
    mr_buffer_fini(&list);
}

/* A word may be cut short.  Of two that fit the first is meant if the other begins with it. */
static bool word_set(const MrShell *shell, const OutputOption *option, const char *value,
                     int *place)
{
    size_t length = value == NULL ? 0 : strlen(value);
    int found = -1;
    if (value == NULL) {
        return true;
    }
    for (int i = 0; option->words[i] != NULL && length > 0; i++) {
        const char *word = option->words[i];
        if (strncasecmp(word, value, length) != 0) {
            continue;
        }
        if (found < 0) {
            found = i;
        } else if (strncmp(word, option->words[found], strlen(option->words[found])) != 0) {
            mr_shell_message(shell, MR_LEVEL_ERROR,
                             "\\pset: ambiguous abbreviation \"%s\" matches both \"%s\" and \"%s\"",
                             value, option->words[found], word);
            return false;
        }
    }
    if (found < 0) {
        words_tell(shell, option);
        return false;
    }
    *place = found;
    return true;
}

static bool text_set(const MrShell *shell, const OutputOption *option, const char *value,
                     char **place)
{
    const char *complaint =
        value == NULL || option->complain == NULL ? NULL : option->complain(value);
    if (complaint != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\pset: %s", complaint);
        return false;
    }
    if (value != NULL || option->kind == KIND_UNSETABLE) {
        char *copy = mr_text_copy(value);
        free(*place);
        *place = copy;
    }
    return true;
}

static bool option_set(const MrShell *shell, MrPrintOptions *print, const OutputOption *option,
                       const char *value)
{
    void *place = (char *)print + option->offset;
    switch (option->kind) {
    case KIND_FLAG:
        if (strstr(option->name, "_zero") != NULL) {
            *(bool *)place = true; /* no value is looked at; the separator's own option ends it */
            return true;
        }
        return boolean_set(shell, option->name, value, place);
    case KIND_NUMBER: return number_set(shell, option, value, place);
    case KIND_CHOICE:
        if (option->words == NULL) {
            bool expands = option->offset == AT(expanded);
            return third_set(shell, option->name, expands ? "auto" : "always", value, place);
        }
        return word_set(shell, option, value, place);
    case KIND_TEXT:
    case KIND_UNSETABLE: break;
    }
    if (value != NULL && option->offset == AT(field_separator)) {
        print->field_separator_zero = false;
    }
    if (value != NULL && option->offset == AT(record_separator)) {
        print->record_separator_zero = false;
    }
    return text_set(shell, option, value, place);
}

/* These say nothing when they are given a value: psql's way, which scripts know. */
static bool option_is_silent(const OutputOption *option)
{
    return option->offset == AT(footer) || option->offset == AT(tuples_only) ||
           option->offset == AT(numeric_locale);
}

bool mr_output_set_in(MrShell *shell, MrPrintOptions *print, const char *name, const char *value,
                      bool quiet)
{
    const OutputOption *option = option_find(name);
    if (option == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\pset: unknown option: %s", name);
        return false;
    }
    bool ok = option_set(shell, print, option, value);
    if (ok && !quiet && !(value != NULL && option_is_silent(option))) {
        option->tell(print);
    }
    return ok;
}

bool mr_output_set(MrShell *shell, const char *name, const char *value, bool quiet)
{
    return mr_output_set_in(shell, &shell->print, name, value, quiet);
}

/* ---- The commands ---------------------------------------------------------------------------- */

/* As \pset takes it back; the caller frees it. */
static char *option_value(const MrPrintOptions *print, const OutputOption *option)
{
    static const char *const thirds[][3] = { { "off", "on", "auto" }, { "0", "1", "2" } };
    const void *place = (const char *)print + option->offset;
    switch (option->kind) {
    case KIND_FLAG: return mr_text_copy(*(const bool *)place ? "on" : "off");
    case KIND_NUMBER: return mr_text_format("%d", *(const int *)place);
    case KIND_CHOICE:
        return mr_text_copy(option->words != NULL
                                ? option->words[*(const int *)place]
                                : thirds[option->offset == AT(pager)][*(const int *)place]);
    case KIND_TEXT:
    case KIND_UNSETABLE: break;
    }
    const char *text = *(char *const *)place;
    if (text == NULL) {
        return mr_text_copy("");
    }
    if ((option->offset == AT(field_separator) && print->field_separator_zero) ||
        (option->offset == AT(record_separator) && print->record_separator_zero)) {
        return mr_text_copy("''");
    }
    return strcmp(text, "\n") == 0 ? mr_text_copy("'\\n'") : mr_shell_quote(text, '\'');
}

MrCommandStatus mr_command_pset(MrShell *shell, const char *name)
{
    char *option = mr_lexer_argument(&shell->script->lexer, false);
    char *value = option == NULL ? NULL : mr_lexer_argument(&shell->script->lexer, false);
    bool ok = true;
    (void)name;
    if (option == NULL) {
        for (int i = 0; i < OPTION_COUNT; i++) {
            char *text = option_value(&shell->print, &options[i]);
            printf("%-24s %s\n", options[i].name, text);
            free(text);
        }
    } else {
        ok = mr_output_set(shell, option, value, mr_variables_is_on(&shell->variables, "QUIET"));
    }
    free(option);
    free(value);
    return mr_command_result(ok);
}

/* \a, \H: there and back. */
static MrCommandStatus format_toggle(MrShell *shell, MrFormat format, bool quiet)
{
    MrFormat next = shell->print.format == format ? MR_FORMAT_ALIGNED : format;
    if (format == MR_FORMAT_UNALIGNED && shell->print.format != MR_FORMAT_ALIGNED) {
        next = MR_FORMAT_ALIGNED;
    }
    return mr_command_result(mr_output_set(shell, "format", format_words[next], quiet));
}

MrCommandStatus mr_command_output_option(MrShell *shell, const char *name)
{
    static const char letters[] = "CTftx";
    static const char *const names[] = { "title", "tableattr", "fieldsep", "tuples_only",
                                         "expanded" };
    bool quiet = mr_variables_is_on(&shell->variables, "QUIET");
    if (name[0] == 'a') {
        return format_toggle(shell, MR_FORMAT_UNALIGNED, quiet);
    }
    if (name[0] == 'H' || name[0] == 'h') {
        return format_toggle(shell, MR_FORMAT_HTML, quiet);
    }
    char *value = mr_lexer_argument(&shell->script->lexer, strchr("tx", name[0]) != NULL);
    bool ok = mr_output_set(shell, names[strchr(letters, name[0]) - letters], value, quiet);
    free(value);
    return mr_command_result(ok);
}

MrCommandStatus mr_command_timing(MrShell *shell, const char *name)
{
    char *value = mr_command_argument(shell);
    bool ok = boolean_set(shell, "\\timing", value, &shell->timing);
    (void)name;
    if (ok && !mr_variables_is_on(&shell->variables, "QUIET")) {
        puts(shell->timing ? "Timing is on." : "Timing is off.");
    }
    free(value);
    return mr_command_result(ok);
}
