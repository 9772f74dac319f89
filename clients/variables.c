/*
 * clients/variables.c - the shell's variables, as set by \set and -v and read as :name.
 */
#include "clients/variables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/buffer.h"

typedef struct Steering {
    const char *name;
    const char *initial;
    const char *choices; /* NULL: any text; "": a boolean; else words between bars */
} Steering;

/* A steering variable is added by one line here; unsetting it brings the first value back. */
static const Steering steerings[] = {
    { "ECHO", "none", "|all|errors|none|queries|" },
    { "ECHO_HIDDEN", "off", "" },
    { "HISTSIZE", "500", NULL },
    { "ON_ERROR_STOP", "off", "" },
    { "PROMPT1", "%/%R%x> ", NULL },
    { "PROMPT2", "%/%R%x> ", NULL },
    { "PROMPT3", ">> ", NULL },
    { "QUIET", "off", "" },
    { "SINGLELINE", "off", "" },
    { "SINGLESTEP", "off", "" },
    { "VERBOSITY", "default", "|default|verbose|terse|sqlstate|" },
};

void mr_variables_init(MrVariables *variables)
{
    variables->first = NULL;
    for (size_t i = 0; i < sizeof(steerings) / sizeof(steerings[0]); i++) {
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

long mr_variables_number(const MrVariables *variables, const char *name, long otherwise)
{
    const char *text = mr_variables_get(variables, name);
    char *end;
    if (text == NULL || *text == '\0') {
        return otherwise;
    }
    long value = strtol(text, &end, 10);
    return *end == '\0' ? value : otherwise;
}

static const Steering *steering_find(const char *name)
{
    for (size_t i = 0; i < sizeof(steerings) / sizeof(steerings[0]); i++) {
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

/* What is wrong with the value of a steering variable; NULL when it fits. */
static char *steering_complaint(const Steering *steering, const char *value)
{
    bool ignored;
    if (steering->choices == NULL) {
        return NULL;
    }
    if (*steering->choices == '\0') {
        return mr_boolean_read(value, &ignored)
                   ? NULL
                   : mr_text_format("unrecognized value \"%s\" for \"%s\": Boolean expected", value,
                                    steering->name);
    }
    if (choice_is_valid(steering->choices, value)) {
        return NULL;
    }
    MrBuffer list;
    mr_buffer_init(&list);
    mr_buffer_append_format(&list,
                            "unrecognized value \"%s\" for \"%s\"\nAvailable values are: ", value,
                            steering->name);
    for (const char *c = steering->choices + 1; *c != '\0'; c++) {
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
        } else if (*value == '\0' && steering->choices != NULL && *steering->choices == '\0') {
            value = "on";
        }
        char *complaint = steering_complaint(steering, value);
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
