/*
 * planner/over_parts.c - expressions of window functions changed in their places: put over the
 * groups, and over the node that their subqueries were joined to.  Must not know SQL text.
 */
#include "planner/over.h"
#include "planner/set_node.h"
#include "planner/subquery.h"

/* What becomes of one expression of the list. */
typedef struct PartChange {
    MrStatus (*apply)(const struct PartChange *change, MrExpr **part);
    MrBinder *b;
    const MrGrouping *grouping; /* regroup_part */
    const MrLogical *aggregate;
    MrExpr **parts; /* gather_part, put_part */
    uint32_t *count;
    MrStatus (*visit)(void *context, const MrExpr *part); /* visit_part */
    void *context;
} PartChange;

static MrStatus regroup_part(const PartChange *change, MrExpr **part)
{
    return mr_bind_regroup(change->b, change->grouping, change->aggregate, *part, part);
}

static MrStatus visit_part(const PartChange *change, MrExpr **part)
{
    return change->visit(change->context, *part);
}

static MrStatus count_part(const PartChange *change, MrExpr **part)
{
    (void)part;
    ++*change->count;
    return MR_OK;
}

static MrStatus gather_part(const PartChange *change, MrExpr **part)
{
    change->parts[(*change->count)++] = *part;
    return MR_OK;
}

static MrStatus put_part(const PartChange *change, MrExpr **part)
{
    *part = change->parts[(*change->count)++];
    return MR_OK;
}

static MrStatus change_part(const PartChange *change, MrExpr **part)
{
    return *part == NULL ? MR_OK : change->apply(change, part);
}

/* Windows of the WINDOW clause are shared by calls: each gets its own copy. */
static MrStatus change_window(const PartChange *change, MrBoundWindow *window)
{
    MrBinder *b = change->b;
    MrExpr **partition;
    MrBoundSort *order;
    MR_NEW_ARRAY(b->arena, partition, window->partition_count, b->err);
    MR_NEW_ARRAY(b->arena, order, window->order_count, b->err);
    for (uint32_t p = 0; p < window->partition_count; p++) {
        partition[p] = window->partition[p];
        MR_TRY(change_part(change, &partition[p]));
    }
    for (uint32_t k = 0; k < window->order_count; k++) {
        order[k] = window->order[k];
        MR_TRY(change_part(change, &order[k].expr));
    }
    window->partition = partition;
    window->order = order;
    return MR_OK;
}

static MrStatus change_parts(const PartChange *change, MrOverList *overs)
{
    for (uint32_t i = 0; i < overs->count; i++) {
        MrBoundOver *over = &overs->items[i];
        for (uint32_t a = 0; a < over->arg_count; a++) {
            MR_TRY(change_part(change, &over->args[a]));
        }
        MR_TRY(change_part(change, &over->filter));
        MR_TRY(change_part(change, &over->fallback));
        MR_TRY(change_window(change, &over->window));
    }
    return MR_OK;
}

MrStatus mr_regroup_overs(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                          MrOverList *overs)
{
    PartChange change = {
        .apply = regroup_part, .b = b, .grouping = grouping, .aggregate = aggregate
    };
    return change_parts(&change, overs);
}

MrStatus mr_visit_overs(MrBinder *b, MrOverList *overs,
                        MrStatus (*visit)(void *context, const MrExpr *part), void *context)
{
    PartChange change = { .apply = visit_part, .b = b, .visit = visit, .context = context };
    return change_parts(&change, overs);
}

static MrStatus gather_parts(MrBinder *b, MrOverList *overs, MrExpr ***out, uint32_t *count)
{
    PartChange change = { .apply = count_part, .b = b, .count = count };
    *count = 0;
    MR_TRY(change_parts(&change, overs));
    MR_NEW_ARRAY(b->arena, change.parts, *count, b->err);
    *out = change.parts;
    *count = 0;
    change.apply = gather_part;
    return change_parts(&change, overs);
}

/* In the order of gather_parts(). */
static MrStatus put_parts(MrBinder *b, MrOverList *overs, MrExpr **parts)
{
    uint32_t count = 0;
    PartChange change = { .apply = put_part, .b = b, .parts = parts, .count = &count };
    return change_parts(&change, overs);
}

/* All at one time: calls over one window share its subqueries, and each can be joined once only. */
MrStatus mr_attach_overs(MrBinder *b, MrOverList *overs, MrLogical **node)
{
    MrExpr **parts;
    uint32_t count;
    MR_TRY(gather_parts(b, overs, &parts, &count));
    MR_TRY(mr_bind_attach(b, node, parts, count));
    return put_parts(b, overs, parts);
}

/* What window functions are over, before and after its calls that give rows had rows. */
typedef struct Counted {
    MrExpr **written, **parts;
    uint32_t count;
} Counted;

static MrStatus counted_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const Counted *counted = context;
    for (uint32_t i = 0; i < counted->count && *out == NULL; i++) {
        if (mr_expr_has_set_call(counted->written[i]) && mr_expr_equal(expr, counted->written[i])) {
            *out = counted->parts[i];
        }
    }
    return MR_OK;
}

MrStatus mr_overs_add_sets(MrBinder *b, MrOverList *overs, const MrSetCallList *calls,
                           MrSelectList *list, MrLogical **node)
{
    Counted counted;
    bool has = false;
    if (calls->count == 0 || overs->count == 0) {
        return MR_OK;
    }
    MR_TRY(gather_parts(b, overs, &counted.parts, &counted.count));
    MR_NEW_ARRAY(b->arena, counted.written, counted.count, b->err);
    for (uint32_t i = 0; i < counted.count; i++) {
        counted.written[i] = counted.parts[i];
        has |= mr_expr_has_set_call(counted.parts[i]);
    }
    if (!has) {
        return MR_OK;
    }
    MR_TRY(mr_bind_sets_below(b, calls, counted.parts, counted.count, node));
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(mr_expr_map(b->arena, list->exprs[i], counted_replace, &counted, &list->exprs[i],
                           b->err));
    }
    return put_parts(b, overs, counted.parts);
}
