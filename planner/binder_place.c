/*
 * planner/binder_place.c - _seq, _arrival and now() beside subqueries: those are joined to the
 * rows, and joined rows have no place in the log.  So the places become columns before.
 */
#include "planner/binder.h"

#include <string.h>

/* What stands in a query, FROM and WITH aside. */
typedef struct Asked {
    bool place, subquery;
} Asked;

static bool note(MrNode *node, void *context)
{
    Asked *asked = context;
    if (node->kind == MR_AST_QUERY) {
        asked->subquery = true; /* which may ask for the outer row's place */
    }
    if (node->kind == MR_AST_COLUMN) {
        const MrNameList *parts = &MR_AST_AS(const MrAstColumn, node)->parts;
        const char *name = parts->count > 0 ? parts->items[parts->count - 1] : "";
        asked->place |= strcmp(name, "_seq") == 0 || strcmp(name, "_arrival") == 0;
    } else if (node->kind == MR_AST_CALL) {
        asked->place |= mr_bind_is_moment(MR_AST_AS(const MrAstCall, node));
    }
    return mr_ast_visit_children(node, note, context);
}

static bool is_in(const MrNodeList *list, const MrNode *node)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] == node) {
            return true;
        }
    }
    return false;
}

typedef struct Clauses {
    const MrAstQuery *query;
    Asked asked;
} Clauses;

static bool note_clause(MrNode *node, void *context)
{
    Clauses *clauses = context;
    return is_in(&clauses->query->from, node) || is_in(&clauses->query->with, node) ||
           note(node, &clauses->asked);
}

MrStatus mr_bind_keep_places(MrBinder *b, const MrAstQuery *query, MrScope *scope)
{
    Clauses clauses = { .query = query };
    if (!scope->has_place && !scope->over_stream) {
        return MR_OK;
    }
    mr_ast_visit_children(&query->base, note_clause, &clauses);
    /* A subquery's own conditions may become those of the join with the rows around it. */
    bool is_joined = clauses.asked.subquery || b->outer != NULL;
    return clauses.asked.place && is_joined ? mr_scope_keep_places(b, scope) : MR_OK;
}
