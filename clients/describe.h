/*
 * clients/describe.h - what is on the server, for commands that need an object.
 */
#ifndef MR_CLIENTS_DESCRIBE_H
#define MR_CLIENTS_DESCRIBE_H
#include "clients/shell.h"

/* The canonical statement that makes the object; NULL after a message.  The caller frees it. */
char *mr_describe_creation(MrShell *shell, const char *name);
/* The same of a function in SQL. */
char *mr_describe_function(MrShell *shell, const char *name);
#endif
