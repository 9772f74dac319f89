/*
 * clients/conditional.c - \if, \elif, \else, \endif: which part of a script runs.
 */
#include "clients/conditional.h"

#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"

bool mr_conditional_runs(const MrConditional *top)
{
    MrBranch branch = mr_conditional_branch(top);
    return branch == MR_BRANCH_NONE || branch == MR_BRANCH_TRUE || branch == MR_BRANCH_ELSE_TRUE;
}

MrBranch mr_conditional_branch(const MrConditional *top)
{
    return top == NULL ? MR_BRANCH_NONE : top->branch;
}

void mr_conditional_push(MrConditional **top, MrBranch branch)
{
    MrConditional *conditional = mr_allocate(sizeof(*conditional));
    conditional->branch = branch;
    conditional->outer = *top;
    *top = conditional;
}

void mr_conditional_pop(MrConditional **top)
{
    MrConditional *conditional = *top;
    *top = conditional->outer;
    free(conditional);
}

void mr_conditional_clear(MrConditional **top)
{
    while (*top != NULL) {
        mr_conditional_pop(top);
    }
}

/* ---- The commands ---------------------------------------------------------------------------- */

/* The part that begins now starts with the statement as it is. */
static void statement_keep(MrScript *script)
{
    script->conditional->statement_length = script->statement.length;
    script->conditional->paren_depth = script->lexer.paren_depth;
}

/* What an ignored part has typed is no part of a statement. */
static void statement_cut(MrScript *script)
{
    if (script->statement.length > script->conditional->statement_length) {
        mr_buffer_truncate(&script->statement, script->conditional->statement_length);
    }
    script->lexer.paren_depth = script->conditional->paren_depth;
}

static void branch_enter(MrScript *script, MrBranch branch)
{
    script->conditional->branch = branch;
    script->lexer.inactive = !mr_conditional_runs(script->conditional);
}

/* All arguments, with blanks between, as one boolean.  What is none counts as false. */
static bool condition_read(MrShell *shell, const char *name)
{
    MrBuffer text;
    char *part;
    bool value = false;
    mr_buffer_init(&text);
    while ((part = mr_lexer_argument(&shell->script->lexer, false)) != NULL) {
        mr_buffer_append(&text, text.length > 0 ? " " : "");
        mr_buffer_append(&text, part);
        free(part);
    }
    if (!mr_boolean_read(text.data, &value)) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "unrecognized value \"%s\" for \"\\%s expression\": Boolean expected",
                         text.data, name);
        value = false;
    }
    mr_buffer_fini(&text);
    return value;
}

static MrCommandStatus misplaced(MrShell *shell, const char *name, const char *what)
{
    mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: %s", name, what);
    return MR_COMMAND_FAILED;
}

MrCommandStatus mr_command_if(MrShell *shell, const char *name)
{
    MrScript *script = shell->script;
    bool runs = mr_conditional_runs(script->conditional);
    bool value = runs && condition_read(shell, name);
    mr_conditional_push(&script->conditional, MR_BRANCH_NONE);
    statement_keep(script);
    if (!runs) {
        mr_lexer_skip_arguments(&script->lexer);
    }
    branch_enter(script, !runs ? MR_BRANCH_IGNORED : value ? MR_BRANCH_TRUE : MR_BRANCH_FALSE);
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_elif(MrShell *shell, const char *name)
{
    MrScript *script = shell->script;
    switch (mr_conditional_branch(script->conditional)) {
    case MR_BRANCH_TRUE:
        statement_keep(script);
        branch_enter(script, MR_BRANCH_IGNORED);
        mr_lexer_skip_arguments(&script->lexer);
        return MR_COMMAND_DONE;
    case MR_BRANCH_FALSE:
        statement_cut(script);
        branch_enter(script, MR_BRANCH_TRUE); /* so that variables are put into the condition */
        branch_enter(script, condition_read(shell, name) ? MR_BRANCH_TRUE : MR_BRANCH_FALSE);
        return MR_COMMAND_DONE;
    case MR_BRANCH_IGNORED:
        statement_cut(script);
        mr_lexer_skip_arguments(&script->lexer);
        return MR_COMMAND_DONE;
    case MR_BRANCH_ELSE_TRUE:
    case MR_BRANCH_ELSE_FALSE: return misplaced(shell, name, "cannot occur after \\else");
    case MR_BRANCH_NONE: break;
    }
    return misplaced(shell, name, "no matching \\if");
}

MrCommandStatus mr_command_else(MrShell *shell, const char *name)
{
    MrScript *script = shell->script;
    switch (mr_conditional_branch(script->conditional)) {
    case MR_BRANCH_TRUE:
        statement_keep(script);
        branch_enter(script, MR_BRANCH_ELSE_FALSE);
        return MR_COMMAND_DONE;
    case MR_BRANCH_FALSE:
        statement_cut(script);
        branch_enter(script, MR_BRANCH_ELSE_TRUE);
        return MR_COMMAND_DONE;
    case MR_BRANCH_IGNORED:
        statement_cut(script);
        branch_enter(script, MR_BRANCH_ELSE_FALSE);
        return MR_COMMAND_DONE;
    case MR_BRANCH_ELSE_TRUE:
    case MR_BRANCH_ELSE_FALSE: return misplaced(shell, name, "cannot occur after \\else");
    case MR_BRANCH_NONE: break;
    }
    return misplaced(shell, name, "no matching \\if");
}

MrCommandStatus mr_command_endif(MrShell *shell, const char *name)
{
    MrScript *script = shell->script;
    if (script->conditional == NULL) {
        return misplaced(shell, name, "no matching \\if");
    }
    if (!mr_conditional_runs(script->conditional)) {
        statement_cut(script);
    }
    mr_conditional_pop(&script->conditional);
    script->lexer.inactive = !mr_conditional_runs(script->conditional);
    return MR_COMMAND_DONE;
}
