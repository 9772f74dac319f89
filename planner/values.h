/*
 * planner/values.h - rows of constants: VALUES as a block made at plan time.
 * Must not know where the rows go.
 */
#ifndef MR_PLANNER_VALUES_H
#define MR_PLANNER_VALUES_H

#include "planner/binder.h"

/* What the columns of VALUES must become: the columns of an INSERT. */
typedef struct MrValuesTarget {
    const MrType *types;
    const char *const *names;
    const MrExpr *const *defaults; /* for DEFAULT in a row; NULL entries: NULL */
    uint32_t count;
} MrValuesTarget;

/* `target` NULL: the columns get the types that their values have in common. */
MrStatus mr_bind_values(MrBinder *b, const MrAstQuery *query, const MrValuesTarget *target,
                        MrLogical **out);
/* The expression with now() of a default as this statement's moment. */
MrStatus mr_bind_without_arrival(MrBinder *b, const MrExpr *expr, MrExpr **out);
/* The value of an expression without columns, now. */
MrStatus mr_bind_evaluate(MrBinder *b, const MrExpr *expr, MrDatum *out);

#endif
