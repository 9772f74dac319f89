/*
 * clients/variables.c - the shell's variables, as set by \set and -v and read as :name.
 */
#include "clients/variables.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/buffer.h"

typedef struct Steering {
    const char *name;
    const char *initial; /* NULL: unset */
    /* NULL: any text; "": a boolean; "#": a number; else words between bars, with a first bar
     * doubled where a boolean does as well. */
    const char *choices;
    const char *help;
} Steering;

/* A steering variable is added by one line here; unsetting it brings the first value back. */
static const Steering steerings[] = {
    { "AUTOCOMMIT", "on", "", "off: a transaction begins by itself and waits for COMMIT" },
    { "COMP_KEYWORD_CASE", "preserve-upper", "|lower|upper|preserve-lower|preserve-upper|",
      "the case of completed SQL words" },
    { "ECHO", "none", "|none|errors|queries|all|", "what of the input is shown" },
    { "ECHO_HIDDEN", "off", "||noexec|", "show the statements of backslash commands" },
    { "FETCH_COUNT", "0", "#", "show so many rows at a time, as they come (0: all at the end)" },
    { "HIGHLIGHT", "on", "", "colour SQL words, texts and numbers while they are typed" },
    { "HISTCONTROL", "none", "|none|ignorespace|ignoredups|ignoreboth|",
      "what does not get into the history" },
    { "HISTFILE", NULL, NULL, "file of the history (default: one per database)" },
    { "HISTSIZE", "500", "#", "statements that the history keeps" },
    { "IGNOREEOF", "0", "#", "Ctrl-Ds at the prompt that do not end the shell" },
    { "ON_ERROR_ROLLBACK", "off", "||interactive|",
      "a failed statement does not fail its transaction" },
    { "ON_ERROR_STOP", "off", "", "an error ends the script with exit code 3" },
    { "PROMPT1", "%/%R%x> ", NULL, "the prompt" },
    { "PROMPT2", "%/%R%x> ", NULL, "the prompt within a statement" },
    { "PROMPT3", ">> ", NULL, "the prompt for COPY data" },
    { "QUIET", "off", "", "no greeting, no states of statements" },
    { "SHOW_ALL_RESULTS", "on", "", "off: of several statements only the last one's result" },
    { "SHOW_CONTEXT", "errors", "|never|errors|always|", "whether messages tell their context" },
    { "SINGLELINE", "off", "", "the end of a line ends a statement" },
    { "SINGLESTEP", "off", "", "confirm every statement" },
    { "VERBOSITY", "default", "|default|verbose|terse|sqlstate|",
      "how much an error message says" },
};

enum { STEERING_COUNT = sizeof(steerings) / sizeof(steerings[0]) };

void mr_variables_init(MrVariables *variables)
{
    variables->first = NULL;
    for (int i = 0; i < STEERING_COUNT; i++) {
        free(mr_variables_set(variables, steerings[i].name, steerings[i].initial));
    }
}

void mr_variables_fini(MrVariables *variables)
{
    while (variables->first != NULL) {
        MrVariable *variable = variables->first;
        variables->first = variable->next;
        free(variable->name);
        free(variable->value);
        free(variable);
    }
}

const char *mr_variables_get(const MrVariables *variables, const char *name)
{
    for (const MrVariable *each = variables->first; each != NULL; each = each->next) {
        if (strcmp(each->name, name) == 0) {
            return each->value;
        }
    }
    return NULL;
}

bool mr_boolean_read(const char *text, bool *value)
{
    static const struct {
        const char *word;
        size_t least;
        bool value;
    } words[] = {
        { "true", 1, true }, { "false", 1, false }, { "yes", 1, true }, { "no", 1, false },
        { "on", 2, true },   { "off", 2, false },   { "1", 1, true },   { "0", 1, false },
    };
    size_t length = strlen(text);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (length >= words[i].least && strncasecmp(text, words[i].word, length) == 0) {
            *value = words[i].value;
            return true;
        }
    }
    return false;
}

bool mr_variables_is_on(const MrVariables *variables, const char *name)
{
    const char *text = mr_variables_get(variables, name);
    bool value = false;
    return text != NULL && mr_boolean_read(text, &value) && value;
}

/* As psql reads it: decimal, 0x… or 0…, within an int. */
static bool number_read(const char *text, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 0);
    return end != text && *end == '\0' && errno == 0 && *out >= INT_MIN && *out <= INT_MAX;
}

long mr_variables_number(const MrVariables *variables, const char *name, long otherwise)
{
    const char *text = mr_variables_get(variables, name);
    long value;
    return text != NULL && number_read(text, &value) ? value : otherwise;
}

static const Steering *steering_find(const char *name)
{
    for (int i = 0; i < STEERING_COUNT; i++) {
        if (strcmp(steerings[i].name, name) == 0) {
            return &steerings[i];
        }
    }
    return NULL;
}

static bool name_is_valid(const char *name)
{
    if (*name == '\0') {
        return false;
    }
    for (; *name != '\0'; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_' && (*name & 0x80) == 0) {
            return false;
        }
    }
    return true;
}

static bool choice_is_valid(const char *choices, const char *value)
{
    char *word = mr_text_format("|%s|", value);
    bool valid = strchr(value, '|') == NULL && strcasestr(choices, word) != NULL;
    free(word);
    return valid;
}

static bool number_is_valid(const char *value)
{
    long ignored;
    return number_read(value, &ignored);
}

/* What is wrong with the value of a steering variable; NULL when it fits. */
static char *steering_complaint(const Steering *steering, const char *value)
{
    const char *choices = steering->choices;
    bool ignored;
    if (choices == NULL) {
        return NULL;
    }
    if (strcmp(choices, "#") == 0) {
        return number_is_valid(value) ? NULL
                                      : mr_text_format("invalid value \"%s\" for \"%s\": "
                                                       "integer expected",
                                                       value, steering->name);
    }
    bool either = strncmp(choices, "||", 2) == 0;
    if ((*choices == '\0' || either) && mr_boolean_read(value, &ignored)) {
        return NULL;
    }
    if (*choices == '\0') {
        return mr_text_format("unrecognized value \"%s\" for \"%s\": Boolean expected", value,
                              steering->name);
    }
    if (choice_is_valid(choices, value)) {
        return NULL;
    }
    MrBuffer list;
    mr_buffer_init(&list);
    mr_buffer_append_format(&list,
                            "unrecognized value \"%s\" for \"%s\"\nAvailable values are: ", value,
                            steering->name);
    mr_buffer_append(&list, either ? "on, off, " : "");
    for (const char *c = choices + (either ? 2 : 1); *c != '\0'; c++) {
        if (*c != '|') {
            mr_buffer_append_char(&list, *c);
        } else {
            mr_buffer_append(&list, c[1] == '\0' ? "." : ", ");
        }
    }
    return list.data;
}

char *mr_variables_set(MrVariables *variables, const char *name, const char *value)
{
    if (!name_is_valid(name)) {
        return mr_text_format("invalid variable name: \"%s\"", name);
    }
    const Steering *steering = steering_find(name);
    if (steering != NULL) {
        if (value == NULL) {
            value = steering->initial;
        } else if (strcmp(name, "IGNOREEOF") == 0 && !number_is_valid(value)) {
            value = "10"; /* as in bash, whatever else stands there */
        } else if (*value == '\0' && steering->choices != NULL &&
                   (*steering->choices == '\0' || strncmp(steering->choices, "||", 2) == 0)) {
            value = "on";
        }
        char *complaint = value == NULL ? NULL : steering_complaint(steering, value);
        if (complaint != NULL) {
            return complaint;
        }
    }
    MrVariable **place = &variables->first;
    while (*place != NULL && strcmp((*place)->name, name) < 0) {
        place = &(*place)->next;
    }
    MrVariable *found = *place != NULL && strcmp((*place)->name, name) == 0 ? *place : NULL;
    if (value == NULL) {
        if (found != NULL) {
            *place = found->next;
            free(found->name);
            free(found->value);
            free(found);
        }
        return NULL;
    }
    char *copy = mr_text_copy(value); /* before the free: it may be the old value itself */
    if (found == NULL) {
        found = mr_allocate(sizeof(*found));
        found->name = mr_text_copy(name);
        found->next = *place;
        *place = found;
    }
    free(found->value);
    found->value = copy;
    return NULL;
}

bool mr_variables_steers(const char *name)
{
    return steering_find(name) != NULL;
}

/* What the shell itself sets, and what it looks for in the environment. */
static const char *const others[][2] = {
    { NULL, "Set by the shell:" },
    { "DBNAME, USER", "the database and the user of the connection" },
    { "DIFFERENCES", "how many rows \\diff has found" },
    { "ENCODING", "the client's encoding" },
    { "ERROR, SQLSTATE", "whether the last statement failed, and with what" },
    { "HOST, PORT", "where the server is" },
    { "LAST_ERROR_MESSAGE", "the last error, with its LAST_ERROR_SQLSTATE" },
    { "ROW_COUNT", "rows that the last statement gave or changed" },
    { "SERVER_VERSION_NAME", "the server's version, with its SERVER_VERSION_NUM" },
    { "VERSION", "the shell's version, with its VERSION_NAME" },
    { NULL, "In the environment, beside libpq's PGHOST, PGPORT, PGUSER, PGDATABASE ...:" },
    { "MILLRACE_EDITOR", "the editor of \\e; else PSQL_EDITOR, EDITOR, VISUAL" },
    { "MILLRACE_HISTORY", "the file of the history" },
    { "MILLRACE_PAGER", "shows long results; else PSQL_PAGER, PAGER" },
    { "MILLRACERC", "the start file" },
    { "NO_COLOR", "set to anything: no colours" },
    { "SHELL, TMPDIR", "of \\!, and where \\e keeps its text" },
};

void mr_variables_help(FILE *out)
{
    fputs("They steer the shell (\\set NAME VALUE):\n", out);
    for (int i = 0; i < STEERING_COUNT; i++) {
        fprintf(out, "  %-20s %s\n", steerings[i].name, steerings[i].help);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i][0] == NULL) {
            fprintf(out, "\n%s\n", others[i][1]);
        } else {
            fprintf(out, "  %-20s %s\n", others[i][0], others[i][1]);
        }
    }
    fputs("\nOptions of the output: \\pset.\n", out);
}
