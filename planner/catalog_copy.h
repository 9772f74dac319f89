/*
 * planner/catalog_copy.h - deep copies of catalogue objects and expressions into an arena, so that
 * an object outlives the statement that made it.  Must not know versions of catalogues.
 */
#ifndef MR_PLANNER_CATALOG_COPY_H
#define MR_PLANNER_CATALOG_COPY_H

#include "planner/catalog.h"

/* One object each, with all that it points to. */
MrStatus mr_catalog_copy_relation(MrArena *arena, const MrRelation *from, MrRelation *out,
                                  MrError *err);
MrStatus mr_catalog_copy_connection(MrArena *arena, const MrConnection *from, MrConnection *out,
                                    MrError *err);
MrStatus mr_catalog_copy_function(MrArena *arena, const MrSqlFunction *from, MrSqlFunction *out,
                                  MrError *err);
MrStatus mr_schema_copy(MrArena *arena, const MrSchema *from, MrSchema *out, MrError *err);
/* Text constants too; NULL copies to NULL. */
MrStatus mr_expr_copy_deep(MrArena *arena, const MrExpr *from, MrExpr **out, MrError *err);

#endif
