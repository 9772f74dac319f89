/*
 * clients/completion.h - what the word before the cursor could become.
 * Words and names come from the server; without it there are fewer, never an error.
 */
#ifndef MR_CLIENTS_COMPLETION_H
#define MR_CLIENTS_COMPLETION_H
#include "clients/shell.h"

typedef struct MrCompletion {
    char **matches;
    int count;
    int capacity;
    size_t word_start;      /* bytes from the start of the line */
    size_t word_characters; /* of the word, up to the cursor */
    bool spaced;            /* a space follows a single match */
} MrCompletion;

/* What may stand at the end of `before` (the statement so far); the caller frees *found. */
void mr_completion_find(MrShell *shell, const char *before, MrCompletion *found);
void mr_completion_free(MrCompletion *found);
/* Asks for the words now rather than at the first Tab. */
void mr_completion_prepare(MrShell *shell);
bool mr_completion_is_keyword(const char *word, size_t length);
/* A statement has run: names may have come or gone. */
void mr_completion_outdate(void);
/* Forgets what an earlier connection told. */
void mr_completion_forget(void);
#endif
