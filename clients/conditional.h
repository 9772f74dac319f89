/*
 * clients/conditional.h - \if, \elif, \else, \endif: which part of a script runs.
 * Must not know commands or statements: only whether what is read now counts.
 */
#ifndef MR_CLIENTS_CONDITIONAL_H
#define MR_CLIENTS_CONDITIONAL_H
#include <stdbool.h>
#include <stddef.h>

typedef enum MrBranch {
    MR_BRANCH_NONE,    /* outside of any \if */
    MR_BRANCH_TRUE,    /* this part runs */
    MR_BRANCH_FALSE,   /* it does not; a later one may */
    MR_BRANCH_IGNORED, /* none of the rest runs: an earlier part did, or all is within such a one */
    MR_BRANCH_ELSE_TRUE, /* behind \else, which nothing but \endif may follow */
    MR_BRANCH_ELSE_FALSE
} MrBranch;

typedef struct MrConditional { /* one open \if */
    MrBranch branch;
    size_t statement_length; /* of the open statement where the part began: what an ignored part
                                adds to it is cut off again */
    int paren_depth;
    struct MrConditional *outer;
} MrConditional;

/* All take the innermost open \if; NULL: there is none. */
bool mr_conditional_runs(const MrConditional *top);
MrBranch mr_conditional_branch(const MrConditional *top);
void mr_conditional_push(MrConditional **top, MrBranch branch);
void mr_conditional_pop(MrConditional **top);
void mr_conditional_clear(MrConditional **top);
#endif
