/*
 * planner/with_change.c - INSERT, UPDATE and DELETE in WITH.
 *
 * Each is a plan of its own, as if it were the statement; what its RETURNING gives is a relation to
 * those that read it.  They may stand at the top of a statement only, since it must be clear when
 * and how often they are done: once, with the statement.
 */
#include "planner/change.h"
#include "planner/recursion.h"

#include <string.h>

/* ---- where it may stand ---------------------------------------------------------------------- */

static MrStatus refuse(MrBinder *b, const MrAstCte *ast)
{
    if (b->mode != MR_BIND_ADHOC || b->view_depth > 0) {
        return mr_bind_unsupported(b, ast->base.position, "Make the change in a statement.",
                                   "views must not contain data-modifying statements in WITH");
    }
    if (b->context->changes == NULL && !b->context->is_in_with) {
        return mr_bind_unsupported(b, ast->base.position, "Run it as a statement of its own.",
                                   "data-modifying statements in WITH are not supported here");
    }
    return mr_bind_unsupported(
        b, ast->base.position, "Put it into the first WITH.",
        "WITH clause containing a data-modifying statement must be at the top level");
}

static MrStatus check_place(MrBinder *b, const MrCte *cte)
{
    const MrAstCte *ast = cte->ast;
    const bool is_top =
        b->depth <= 1 && b->view_depth == 0 && b->outer == NULL && !b->is_below_with;
    if (!is_top || b->context->is_in_with || b->context->changes == NULL ||
        b->mode != MR_BIND_ADHOC) {
        return refuse(b, ast);
    }
    if (cte->is_recursive) {
        return mr_bind_error(b, MR_ERR_INVALID_RECURSION, ast->base.position,
                             "recursive query \"%s\" must not contain data-modifying statements",
                             ast->name);
    }
    return MR_OK;
}

/* ---- planning -------------------------------------------------------------------------------- */

/* The queries that it sees, to be read by a plan of its own. */
static MrStatus copy_ctes(MrBinder *b, const MrCte *ctes, const MrCte **out)
{
    MrCte *copy;
    *out = NULL;
    if (ctes == NULL) {
        return MR_OK;
    }
    MR_NEW(b->arena, copy, b->err);
    *copy = *ctes;
    copy->is_around = true;
    MR_NEW(b->arena, copy->use, b->err);
    copy->use->is_read = true;
    *out = copy;
    return copy_ctes(b, ctes->outer, &copy->outer);
}

static MrStatus plan_statement(MrBinder *b, const MrNode *statement, MrChangePlan **out)
{
    switch (statement->kind) {
    case MR_AST_INSERT:
        return mr_planner_insert(b->context, MR_AST_AS(const MrAstInsert, statement), out, b->err);
    case MR_AST_UPDATE:
        return mr_planner_update(b->context, MR_AST_AS(const MrAstUpdate, statement), out, b->err);
    default:
        return mr_planner_delete(b->context, MR_AST_AS(const MrAstDelete, statement), out, b->err);
    }
}

/* In the context of the statement around it, whose parameters and records are its own, too. */
static MrStatus plan_within(MrBinder *b, const MrCte *cte, MrChangePlan **out)
{
    MrPlannerContext *context = b->context;
    const MrCte *ctes = context->ctes;
    MR_TRY(copy_ctes(b, b->ctes, &context->ctes));
    context->is_in_with = true;
    MrStatus status = plan_statement(b, cte->ast->statement, out);
    context->is_in_with = false;
    context->ctes = ctes;
    MR_TRY(status);
    if ((*out)->target->kind != MR_RELATION_TABLE) {
        return mr_bind_unsupported(b, cte->ast->base.position,
                                   "INSERT INTO a stream can read what WITH returns.",
                                   "INSERT INTO a stream in WITH is not supported");
    }
    return MR_OK;
}

static MrStatus make_relation(MrBinder *b, const MrCte *cte, const MrPlan *returning,
                              uint32_t number, const MrRelation **out)
{
    MrRelation *relation;
    MR_NEW(b->arena, relation, b->err);
    *relation = (MrRelation){ .kind = MR_RELATION_VIRTUAL,
                              .name = cte->ast->name,
                              .schema = { returning->visible_columns, returning->output.columns },
                              .returned_by = number };
    *out = relation;
    return MR_OK;
}

MrStatus mr_bind_changing_cte(MrBinder *b, MrCte *cte)
{
    MrChangePlan *plan;
    MR_TRY(check_place(b, cte));
    MrChangeList *list = b->context->changes;
    MR_TRY(plan_within(b, cte, &plan));
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    list->items[list->count++] = plan;
    return plan->returning == NULL
               ? MR_OK
               : make_relation(b, cte, plan->returning, list->count, &cte->returned);
}

/* ---- WITH of INSERT, UPDATE and DELETE ------------------------------------------------------- */

MrStatus mr_change_push_with(MrBinder *b, const MrNodeList *with, bool is_recursive)
{
    const MrAstQuery carrier = { .base = { MR_AST_QUERY, -1 },
                                 .with = *with,
                                 .with_recursive = is_recursive };
    MR_TRY(mr_bind_push_ctes(b, &carrier));
    b->is_below_with = true;
    return MR_OK;
}

MrStatus mr_change_end_with(MrBinder *b)
{
    MR_TRY(mr_bind_unread_ctes(b, b->context->ctes));
    return copy_ctes(b, b->ctes, &b->ctes);
}
