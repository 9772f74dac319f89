/*
 * clients/output_commands.c - the commands and options that say how results look.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/commands.h"

typedef struct OutputOption {
    const char *name;
    bool (*set)(MrShell *shell, const char *value); /* NULL value: toggle or default */
    void (*tell)(const MrShell *shell);
    char *(*value)(const MrShell *shell); /* for the list; the caller frees it */
    bool silent; /* says nothing when given a value: psql's way, which scripts know */
} OutputOption;

static bool boolean_set(MrShell *shell, const char *name, const char *value, bool *flag)
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

static void text_set(char **place, const char *value)
{
    char *copy = mr_text_copy(value);
    free(*place);
    *place = copy;
}

static const char *const format_names[] = { "aligned", "unaligned", "csv", "json" };

static bool format_set(MrShell *shell, const char *value)
{
    int found = -1;
    size_t length = value == NULL ? 0 : strlen(value);
    if (value == NULL) {
        return true;
    }
    for (int i = 0; i < 4 && length > 0; i++) {
        if (strncasecmp(format_names[i], value, length) == 0) {
            found = i;
        }
    }
    if (found < 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "\\pset: allowed formats are aligned, csv, json, unaligned");
        return false;
    }
    shell->print.format = (MrFormat)found;
    return true;
}

static void format_tell(const MrShell *shell)
{
    printf("Output format is %s.\n", format_names[shell->print.format]);
}

static char *format_value(const MrShell *shell)
{
    return mr_text_copy(format_names[shell->print.format]);
}

static bool border_set(MrShell *shell, const char *value)
{
    if (value != NULL) {
        char *end;
        long border = strtol(value, &end, 10);
        if (*end != '\0' || end == value || border < 0 || border > 2) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "\\pset: border must be 0, 1 or 2");
            return false;
        }
        shell->print.border = (int)border;
    }
    return true;
}

static void border_tell(const MrShell *shell)
{
    printf("Border style is %d.\n", shell->print.border);
}

static char *border_value(const MrShell *shell)
{
    return mr_text_format("%d", shell->print.border);
}

static bool expanded_set(MrShell *shell, const char *value)
{
    bool on = shell->print.expanded == MR_EXPANDED_ON;
    if (value != NULL && strcasecmp(value, "auto") == 0) {
        shell->print.expanded = MR_EXPANDED_AUTO;
        return true;
    }
    if (value == NULL && shell->print.expanded != MR_EXPANDED_OFF) {
        on = true; /* from auto, too, the toggle switches off */
    }
    if (!boolean_set(shell, "expanded", value, &on)) {
        return false;
    }
    shell->print.expanded = on ? MR_EXPANDED_ON : MR_EXPANDED_OFF;
    return true;
}

static void expanded_tell(const MrShell *shell)
{
    puts(shell->print.expanded == MR_EXPANDED_AUTO ? "Expanded display is used automatically."
         : shell->print.expanded == MR_EXPANDED_ON ? "Expanded display is on."
                                                   : "Expanded display is off.");
}

static char *expanded_value(const MrShell *shell)
{
    return mr_text_copy(shell->print.expanded == MR_EXPANDED_AUTO ? "auto"
                        : shell->print.expanded == MR_EXPANDED_ON ? "on"
                                                                  : "off");
}

static char *flag_value(bool on)
{
    return mr_text_copy(on ? "on" : "off");
}

static char *quoted_value(const char *text)
{
    return mr_shell_quote(text, '\'');
}

static bool tuples_set(MrShell *shell, const char *value)
{
    return boolean_set(shell, "tuples_only", value, &shell->print.tuples_only);
}

static void tuples_tell(const MrShell *shell)
{
    printf("Tuples only is %s.\n", shell->print.tuples_only ? "on" : "off");
}

static char *tuples_value(const MrShell *shell)
{
    return flag_value(shell->print.tuples_only);
}

static bool footer_set(MrShell *shell, const char *value)
{
    return boolean_set(shell, "footer", value, &shell->print.footer);
}

static void footer_tell(const MrShell *shell)
{
    printf("Default footer is %s.\n", shell->print.footer ? "on" : "off");
}

static char *footer_value(const MrShell *shell)
{
    return flag_value(shell->print.footer);
}

static bool pager_set(MrShell *shell, const char *value)
{
    return boolean_set(shell, "pager", value, &shell->print.pager);
}

static void pager_tell(const MrShell *shell)
{
    puts(shell->print.pager ? "Pager is used for long output." : "Pager usage is off.");
}

static char *pager_value(const MrShell *shell)
{
    return flag_value(shell->print.pager);
}

static bool null_set(MrShell *shell, const char *value)
{
    if (value != NULL) {
        text_set(&shell->print.null_text, value);
    }
    return true;
}

static void null_tell(const MrShell *shell)
{
    printf("Null display is \"%s\".\n", shell->print.null_text);
}

static char *null_value(const MrShell *shell)
{
    return quoted_value(shell->print.null_text);
}

static bool field_separator_set(MrShell *shell, const char *value)
{
    if (value != NULL) {
        text_set(&shell->print.field_separator, value);
    }
    return true;
}

static void field_separator_tell(const MrShell *shell)
{
    printf("Field separator is \"%s\".\n", shell->print.field_separator);
}

static char *field_separator_value(const MrShell *shell)
{
    return quoted_value(shell->print.field_separator);
}

static bool record_separator_set(MrShell *shell, const char *value)
{
    if (value != NULL) {
        text_set(&shell->print.record_separator, value);
    }
    return true;
}

static void record_separator_tell(const MrShell *shell)
{
    if (strcmp(shell->print.record_separator, "\n") == 0) {
        puts("Record separator is <newline>.");
    } else {
        printf("Record separator is \"%s\".\n", shell->print.record_separator);
    }
}

static char *record_separator_value(const MrShell *shell)
{
    return strcmp(shell->print.record_separator, "\n") == 0
               ? mr_text_copy("'\\n'")
               : quoted_value(shell->print.record_separator);
}

static bool csv_separator_set(MrShell *shell, const char *value)
{
    if (value == NULL) {
        return true;
    }
    if (strlen(value) != 1) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "\\pset: csv_fieldsep must be a single one-byte character");
        return false;
    }
    if (strchr("\"\n\r", value[0]) != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "\\pset: csv_fieldsep cannot be a double quote, "
                         "a newline, or a carriage return");
        return false;
    }
    text_set(&shell->print.csv_separator, value);
    return true;
}

static void csv_separator_tell(const MrShell *shell)
{
    printf("Field separator for CSV is \"%s\".\n", shell->print.csv_separator);
}

static char *csv_separator_value(const MrShell *shell)
{
    return quoted_value(shell->print.csv_separator);
}

static bool title_set(MrShell *shell, const char *value)
{
    text_set(&shell->print.title, value);
    return true;
}

static void title_tell(const MrShell *shell)
{
    if (shell->print.title != NULL) {
        printf("Title is \"%s\".\n", shell->print.title);
    } else {
        puts("Title is unset.");
    }
}

static char *title_value(const MrShell *shell)
{
    return shell->print.title == NULL ? mr_text_copy("") : quoted_value(shell->print.title);
}

/* An output option is added by one line here. */
static const OutputOption options[] = {
    { "border", border_set, border_tell, border_value, false },
    { "csv_fieldsep", csv_separator_set, csv_separator_tell, csv_separator_value, false },
    { "expanded", expanded_set, expanded_tell, expanded_value, false },
    { "fieldsep", field_separator_set, field_separator_tell, field_separator_value, false },
    { "footer", footer_set, footer_tell, footer_value, true },
    { "format", format_set, format_tell, format_value, false },
    { "null", null_set, null_tell, null_value, false },
    { "pager", pager_set, pager_tell, pager_value, false },
    { "recordsep", record_separator_set, record_separator_tell, record_separator_value, false },
    { "title", title_set, title_tell, title_value, false },
    { "tuples_only", tuples_set, tuples_tell, tuples_value, true },
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

/* The short spellings of psql. */
static const char *option_full_name(const char *name)
{
    static const char *const shorts[][2] = {
        { "x", "expanded" },
        { "vertical", "expanded" },
        { "t", "tuples_only" },
        { "C", "title" },
    };
    for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++) {
        if (strcmp(shorts[i][0], name) == 0) {
            return shorts[i][1];
        }
    }
    return name;
}

bool mr_output_set(MrShell *shell, const char *option, const char *value, bool quiet)
{
    const char *name = option_full_name(option);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, name) == 0) {
            bool ok = options[i].set(shell, value);
            if (ok && !quiet && !(options[i].silent && value != NULL)) {
                options[i].tell(shell);
            }
            return ok;
        }
    }
    mr_shell_message(shell, MR_LEVEL_ERROR, "\\pset: unknown option: %s", option);
    return false;
}

MrCommandStatus mr_command_pset(MrShell *shell, const char *name)
{
    char *option = mr_lexer_argument(&shell->script->lexer, false);
    char *value = option == NULL ? NULL : mr_lexer_argument(&shell->script->lexer, false);
    bool ok = true;
    (void)name;
    if (option == NULL) {
        for (int i = 0; i < OPTION_COUNT; i++) {
            char *text = options[i].value(shell);
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

MrCommandStatus mr_command_output_option(MrShell *shell, const char *name)
{
    bool quiet = mr_variables_is_on(&shell->variables, "QUIET");
    if (name[0] == 'a') {
        bool aligned = shell->print.format == MR_FORMAT_ALIGNED;
        return mr_command_result(
            mr_output_set(shell, "format", aligned ? "unaligned" : "aligned", quiet));
    }
    const char *option = name[0] == 'f' ? "fieldsep" : name[0] == 't' ? "tuples_only" : "expanded";
    char *value = mr_lexer_argument(&shell->script->lexer, name[0] != 'f');
    bool ok = mr_output_set(shell, option, value, quiet);
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
