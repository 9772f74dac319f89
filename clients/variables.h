/*
 * clients/variables.h - the shell's variables, as set by \set and -v and read as :name.
 * Those that steer the shell are checked when they are set.  Must not know libpq or files.
 */
#ifndef MR_CLIENTS_VARIABLES_H
#define MR_CLIENTS_VARIABLES_H
#include <stdbool.h>
#include <stdio.h>

typedef struct MrVariable {
    char *name;
    char *value;
    struct MrVariable *next;
} MrVariable;

typedef struct MrVariables {
    MrVariable *first; /* sorted by name */
} MrVariables;

void mr_variables_init(MrVariables *variables); /* with the defaults of the steering ones */
void mr_variables_fini(MrVariables *variables);
const char *mr_variables_get(const MrVariables *variables, const char *name); /* NULL: unset */
bool mr_variables_is_on(const MrVariables *variables, const char *name);
long mr_variables_number(const MrVariables *variables, const char *name, long otherwise);
/* Sets or, with a NULL value, unsets.  Returns NULL, or a message that the caller frees. */
char *mr_variables_set(MrVariables *variables, const char *name, const char *value);
bool mr_variables_steers(const char *name); /* it is one of those that are checked */
void mr_variables_help(FILE *out);
/* Reads on/off, true/false, yes/no, 1/0 and prefixes of them.  False: it is none of these. */
bool mr_boolean_read(const char *text, bool *value);
#endif
