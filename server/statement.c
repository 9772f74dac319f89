/*
 * server/statement.c - the table of statements, and those that are known but not done.
 */
#include "server/statement.h"

#define MR_STATEMENT(node_kind, plan_function, run_function, flags, advice) \
    { .kind = MR_AST_##node_kind,                                           \
      .plan = (plan_function),                                              \
      .run = (run_function),                                                \
      .in_failed = (flags)[0] == 'F',                                       \
      .writes = (flags)[0] == 'W',                                          \
      .hint = (advice) },
#define MR_STATEMENT_NO_PLAN(node_kind, run_function, flags, advice) \
    MR_STATEMENT(node_kind, NULL, run_function, flags, advice)
static const MrStatementEntry entries[] = {
#include "server/statements.def"
};
#undef MR_STATEMENT
#undef MR_STATEMENT_NO_PLAN

const MrStatementEntry *mr_statement_entry(MrNodeKind kind)
{
    static const MrStatementEntry unknown = { .run = mr_unsupported_run };
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (entries[i].kind == kind) {
            return &entries[i];
        }
    }
    return &unknown;
}

MrStatus mr_unsupported_run(MrSession *session, MrPortal *portal, MrError *err)
{
    (void)session;
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s is not supported yet",
                 mr_ast_kind_name(portal->node->kind));
    mr_error_at(err, portal->node->position);
    return portal->entry->hint == NULL ? err->status
                                       : mr_error_hint(err, "%s", portal->entry->hint);
}
