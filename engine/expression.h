/*
 * engine/expression.h - expressions: a bound tree from the planner, compiled once into a flat
 * programme of kernel calls over vectors.  Must not know SQL text or catalogues.
 */
#ifndef MR_ENGINE_EXPRESSION_H
#define MR_ENGINE_EXPRESSION_H

#include "engine/function.h"
#include "engine/window.h"

typedef enum MrExprKind {
    MR_EXPR_CONSTANT,
    MR_EXPR_COLUMN, /* `column` of the input block */
    MR_EXPR_CALL,   /* `function` over args; arguments have exactly its types */
    MR_EXPR_CAST,   /* args[0] to `type`, typmod too (numeric(10,2), varchar(3): explicit casts cut;
                             `negated`: an assignment, where text that is too long fails) */
    MR_EXPR_AND,    /* args, three-valued; later ones only where earlier ones leave it open */
    MR_EXPR_OR,
    MR_EXPR_NOT,
    MR_EXPR_IS_NULL,     /* `negated`: IS NOT NULL */
    MR_EXPR_IS_TRUE,     /* IS [NOT] TRUE */
    MR_EXPR_IS_FALSE,    /* IS [NOT] FALSE */
    MR_EXPR_IS_DISTINCT, /* args[0] IS [NOT] DISTINCT FROM args[1], same type */
    MR_EXPR_CASE,        /* args: condition, value, condition, value, …, else (always there) */
    MR_EXPR_COALESCE,    /* args of one type; later ones only where earlier ones are NULL */
    MR_EXPR_GREATEST,    /* args of one type, NULLs passed over */
    MR_EXPR_LEAST,
    MR_EXPR_IN, /* args[0] IN (args[1] …), same type; `negated`: NOT IN; constants are hashed */
    MR_EXPR_QUANTIFIED,   /* args[0] `function` ANY (args[1], an array); `negated`: ALL */
    MR_EXPR_SEQUENCE,     /* _seq of the row, int8 */
    MR_EXPR_ARRIVAL,      /* _arrival (and now() over a stream), timestamptz */
    MR_EXPR_WINDOW_START, /* args[0] timestamp(tz): start of its tumbling window, `window` */
    MR_EXPR_WINDOW_END,   /* the same: its end */
    /* While a plan is made, never in one (planner/subquery.h): */
    MR_EXPR_OUTER,    /* argument `column` of the subquery around it */
    MR_EXPR_SUBQUERY, /* subquery number `column` with its arguments */
} MrExprKind;

typedef struct MrExpr MrExpr;
struct MrExpr {
    MrExprKind kind;
    MrType type;      /* of the result */
    int32_t position; /* in the statement, for errors; -1 */
    bool negated;
    uint32_t column;
    const MrFunction *function;
    const MrCast *cast;
    const MrNames *names; /* of a call or cast of MR_FN_CATALOG */
    MrWindow window;
    MrDatum constant;
    MrExpr **args;
    uint32_t arg_count;
};

typedef struct MrExpression MrExpression;

/* Compiles a tree; all memory is in the arena.  Constant subtrees that cannot fail are folded. */
MrStatus mr_expression_compile(MrArena *arena, const MrExpr *tree, const MrTimezone *zone,
                               MrExpression **out, MrError *err);
/* Evaluates over all rows of eval->block; the result lives in eval->arena (or is a column shared
 * with the block). */
MrStatus mr_expression_eval(const MrExpression *expression, MrEval *eval, MrVector *out);
/* For a predicate: the rows that are true, ascending, in eval->arena. Failed rows are not among
 * them. */
MrStatus mr_expression_select(const MrExpression *expression, MrEval *eval, uint32_t **rows,
                              uint32_t *count);
/* One value of a tree without columns, at plan time. */
MrStatus mr_expr_constant_value(MrArena *arena, const MrExpr *tree, const MrTimezone *zone,
                                int64_t now_us, MrDatum *out, MrError *err);
/* True when some row can make it fail, or its value can differ from run to run. */
bool mr_expr_is_fallible(const MrExpr *tree);
bool mr_expr_is_volatile(const MrExpr *tree);
/* Structural equality, for GROUP BY and shared sub-plans. */
bool mr_expr_equal(const MrExpr *a, const MrExpr *b);
/* Calls `visit` for every node, parents first. */
void mr_expr_walk(const MrExpr *tree, void (*visit)(void *context, const MrExpr *node),
                  void *context);

#endif
