/*
 * server/subscribe.c - SUBSCRIBE as a statement: rows come as long as the client wants them,
 * through both protocols, cursors and COPY.
 */
#include "server/subscription.h"

#include <inttypes.h>

#include "server/copy.h"
#include "server/statement.h"

/* It is planned again where it runs, without parameters: AFTER $1 is AFTER its value then. */
static MrStatus with_value(MrPortal *portal, const MrAstSubscribe *ast, uint64_t after,
                           const MrAstSubscribe **out, MrError *err)
{
    MrArena *arena = &portal->memory->arena;
    MrAstSubscribe *made;
    MrAstLiteral *literal;
    *out = ast;
    if (ast->after == NULL || ast->after->kind != MR_AST_PARAMETER) {
        return MR_OK;
    }
    MR_NEW(arena, made, err);
    MR_NEW(arena, literal, err);
    *literal = (MrAstLiteral){ .base = { .kind = MR_AST_LITERAL, .position = ast->after->position },
                               .literal = MR_LITERAL_INTEGER,
                               .text = mr_arena_printf(arena, "%" PRIu64, after) };
    *made = *ast;
    made->after = &literal->base;
    *out = made;
    return literal->text == NULL ? mr_error_no_memory(err) : MR_OK;
}

MrStatus mr_subscribe_columns(MrSession *session, MrPortal *portal, const MrAstSubscribe *ast,
                              bool is_run, MrError *err)
{
    MrPlannerContext context;
    MrSubscribePlan plan;
    MrSchema *columns;
    mr_portal_planner_context(session, portal, is_run, &context);
    MR_TRY(mr_planner_subscribe(&context, ast, &plan, err));
    MR_NEW(&portal->memory->arena, columns, err);
    *columns = plan.schema;
    portal->columns = columns;
    return with_value(portal, ast, plan.after, &portal->subscribe, err);
}

MrStatus mr_subscribe_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    return mr_subscribe_columns(session, portal, MR_AST_AS(const MrAstSubscribe, portal->node),
                                is_run, err);
}

MrStatus mr_subscribe_begin(MrSession *session, MrPortal *portal, MrError *err)
{
    MR_TRY(mr_transaction_cut(session, err)); /* what was written before is among its rows */
    return mr_subscription_start(session->server, portal->subscribe, session->zone, portal->catalog,
                                 &portal->subscription, err);
}

/* psql collects all rows before it shows one. */
static void warn_psql(MrSession *session, const MrPortal *portal)
{
    const char *application = mr_settings_text(session->settings, MR_SET_APPLICATION_NAME);
    if (portal->is_simple && strcmp(application, "psql") == 0) {
        mr_session_notice(session, "NOTICE", "00000",
                          "psql shows the rows of SUBSCRIBE at its end, and it has none",
                          "Use COPY (SUBSCRIBE …) TO STDOUT, or a cursor.");
    }
}

MrStatus mr_subscribe_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MR_TRY(mr_subscribe_begin(session, portal, err));
    warn_psql(session, portal);
    mr_portal_set_rows(portal, NULL, "SUBSCRIBE");
    session->wants_flush = true;
    return MR_OK;
}

static void news(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
    }
}

void mr_subscribe_wait(MrSession *session, MrPortal *portal)
{
    session->wants_flush = true; /* the client sees what there is */
    mr_session_wait(session,
                    mr_subscription_wait(portal->subscription, mr_session_wait_done, session),
                    false, news);
}
